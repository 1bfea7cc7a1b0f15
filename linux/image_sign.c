#include "linux/image_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/asn1.h>
#include <mbedtls/base64.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCALAR = 32, DER_MAX = 2048, PEM_LINE = 64 };

struct image_key {
    psa_key_id_t id;
    uint8_t point[SIGNATURE_POINT_BYTES];
};

__attribute__((format(printf, 3, 4))) static void say(char *why, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, cap, fmt, ap);
    va_end(ap);
}

static void allow_signing(psa_key_attributes_t *a)
{
    psa_set_key_usage_flags(a, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(a, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_type(a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(a, 8 * SCALAR);
}

static struct image_key *with_point(struct image_key *key, char *why, size_t cap)
{
    size_t len = 0;
    if (psa_export_public_key(key->id, key->point, sizeof key->point, &len) == PSA_SUCCESS &&
        len == sizeof key->point)
        return key;
    say(why, cap, "no public key for it");
    image_key_close(key);
    return NULL;
}

/* ECPrivateKey of RFC 5915: version, then the scalar. */
static bool scalar_of(mbedtls_pk_context *pk, uint8_t out[SCALAR])
{
    unsigned char der[DER_MAX];
    int n = mbedtls_pk_write_key_der(pk, der, sizeof der); /* at the end of the buffer */
    if (n <= 0)
        return false;
    unsigned char *at = der + sizeof der - n;
    size_t len;
    int version;
    bool ok = mbedtls_asn1_get_tag(&at, der + sizeof der, &len,
                                   MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0 &&
              mbedtls_asn1_get_int(&at, der + sizeof der, &version) == 0 &&
              mbedtls_asn1_get_tag(&at, der + sizeof der, &len, MBEDTLS_ASN1_OCTET_STRING) == 0 &&
              len == SCALAR;
    if (ok)
        memcpy(out, at, SCALAR);
    memset(der, 0, sizeof der);
    return ok;
}

static bool is_p256(mbedtls_pk_context *pk)
{
    return mbedtls_pk_can_do(pk, MBEDTLS_PK_ECKEY) && mbedtls_pk_get_bitlen(pk) == 8 * SCALAR;
}

#if MBEDTLS_VERSION_MAJOR >= 3
static int no_random(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}
#endif

struct image_key *image_key_open(const char *path, char *why, size_t cap)
{
    struct image_key *key = calloc(1, sizeof *key);
    mbedtls_pk_context pk;
    uint8_t scalar[SCALAR];
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    if (!key || psa_crypto_init() != PSA_SUCCESS) {
        say(why, cap, "no memory");
        free(key);
        return NULL;
    }
    mbedtls_pk_init(&pk);
#if MBEDTLS_VERSION_MAJOR >= 3
    int rc = mbedtls_pk_parse_keyfile(&pk, path, NULL, no_random, NULL);
#else
    int rc = mbedtls_pk_parse_keyfile(&pk, path, NULL);
#endif
    bool ok = false;
    allow_signing(&attributes);
    if (rc != 0)
        say(why, cap, "%s: %s", path, access(path, R_OK) ? strerror(errno) : "no private key in PEM");
    else if (!is_p256(&pk) || !scalar_of(&pk, scalar))
        say(why, cap, "%s: not a key of P-256", path);
    else if (psa_import_key(&attributes, scalar, sizeof scalar, &key->id) != PSA_SUCCESS)
        say(why, cap, "%s: the key can't be used", path);
    else
        ok = true;
    memset(scalar, 0, sizeof scalar);
    mbedtls_pk_free(&pk);
    if (ok)
        return with_point(key, why, cap);
    free(key);
    return NULL;
}

static bool write_pem(int fd, const char *what, const uint8_t *der, size_t len)
{
    unsigned char text[512];
    size_t n = 0;
    FILE *f = fdopen(fd, "w");
    if (!f || mbedtls_base64_encode(text, sizeof text, &n, der, len) != 0) {
        if (f)
            (void)fclose(f);
        return false;
    }
    fprintf(f, "-----BEGIN %s-----\n", what);
    for (size_t at = 0; at < n; at += PEM_LINE)
        fprintf(f, "%.*s\n", (int)(n - at < PEM_LINE ? n - at : PEM_LINE), (char *)text + at);
    fprintf(f, "-----END %s-----\n", what);
    memset(text, 0, sizeof text);
    return fclose(f) == 0;
}

struct image_key *image_key_make(const char *path, char *why, size_t cap)
{
    /* ECPrivateKey with its curve and public key: what is constant of it. */
    static const uint8_t head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, SCALAR};
    static const uint8_t curve[] = {0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                    0x03, 0x01, 0x07, 0xA1, 0x44, 0x03, 0x42, 0x00};
    uint8_t der[sizeof head + SCALAR + sizeof curve + SIGNATURE_POINT_BYTES];
    struct image_key *key = calloc(1, sizeof *key);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    size_t len = 0;
    allow_signing(&attributes);
    if (!key || psa_crypto_init() != PSA_SUCCESS || psa_generate_key(&attributes, &key->id) != PSA_SUCCESS) {
        say(why, cap, "no key could be made");
        free(key);
        return NULL;
    }
    if (!with_point(key, why, cap))
        return NULL;
    memcpy(der, head, sizeof head);
    bool ok = psa_export_key(key->id, der + sizeof head, SCALAR, &len) == PSA_SUCCESS && len == SCALAR;
    memcpy(der + sizeof head + SCALAR, curve, sizeof curve);
    memcpy(der + sizeof head + SCALAR + sizeof curve, key->point, sizeof key->point);
    int fd = ok ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || !write_pem(fd, "EC PRIVATE KEY", der, sizeof der)) {
        say(why, cap, "%s: %s", path, strerror(errno));
        image_key_close(key);
        key = NULL;
    }
    memset(der, 0, sizeof der);
    return key;
}

void image_key_close(struct image_key *key)
{
    if (!key)
        return;
    (void)psa_destroy_key(key->id);
    free(key);
}

const uint8_t *image_key_point(const struct image_key *key)
{
    return key->point;
}

bool image_sign(const struct image_key *key, struct manifest *m, uint8_t out[MANIFEST_BYTES])
{
    uint8_t digest[MANIFEST_DIGEST_BYTES];
    struct digest d;
    size_t len = 0;
    signature_key_id(key->point, m->key_id);
    memset(m->signature, 0, sizeof m->signature);
    if (!manifest_write(m, out))
        return false;
    digest_begin(&d);
    digest_add(&d, out, MANIFEST_SIGNED_BYTES);
    return digest_end(&d, digest) &&
           psa_sign_hash(key->id, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, sizeof digest, m->signature,
                         sizeof m->signature, &len) == PSA_SUCCESS &&
           len == sizeof m->signature && manifest_write(m, out);
}

bool image_point_write(const char *path, const uint8_t point[SIGNATURE_POINT_BYTES], char *why, size_t cap)
{
    /* SubjectPublicKeyInfo: id-ecPublicKey and prime256v1, then the point as a bit string. */
    static const uint8_t head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                   0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                   0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    uint8_t der[sizeof head + SIGNATURE_POINT_BYTES];
    memcpy(der, head, sizeof head);
    memcpy(der + sizeof head, point, SIGNATURE_POINT_BYTES);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 && write_pem(fd, "PUBLIC KEY", der, sizeof der))
        return true;
    say(why, cap, "%s: %s", path, strerror(errno));
    return false;
}

bool image_point_read(const char *path, uint8_t out[SIGNATURE_POINT_BYTES], char *why, size_t cap)
{
    mbedtls_pk_context pk;
    unsigned char der[DER_MAX];
    if (psa_crypto_init() != PSA_SUCCESS)
        return false;
    mbedtls_pk_init(&pk);
    bool ok = mbedtls_pk_parse_public_keyfile(&pk, path) == 0 && is_p256(&pk);
    int n = ok ? mbedtls_pk_write_pubkey_der(&pk, der, sizeof der) : 0;
    ok = n > SIGNATURE_POINT_BYTES;
    if (ok) /* the point ends a SubjectPublicKeyInfo, which ends the buffer */
        memcpy(out, der + sizeof der - SIGNATURE_POINT_BYTES, SIGNATURE_POINT_BYTES);
    mbedtls_pk_free(&pk);
    if (!ok)
        say(why, cap, "%s: %s", path, access(path, R_OK) ? strerror(errno) : "no public key of P-256 in PEM");
    return ok;
}
