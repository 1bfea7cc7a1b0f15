#include "update/signature.h"

#include <mbedtls/asn1.h>
#include <mbedtls/base64.h>
#include <mbedtls/x509_crt.h>
#include <string.h>

/* A maker of stations builds with keys of his own: -DECS_TRUSTED_KEYS='"his_keys.h"'. */
#ifdef ECS_TRUSTED_KEYS
#include ECS_TRUSTED_KEYS
#else
#include "update/development_keys.h"
#endif

enum {
    HALF = MANIFEST_SIGNATURE_BYTES / 2, /* r or s of ECDSA P-256 */
    POINT_UNCOMPRESSED = 4,
    CERTIFICATE_MAX = 5500, /* FirmwareType.signingCertificate */
};

const struct trust *trust_built_in(void)
{
    static const struct trust t = {
        .key = trusted_keys,
        .keys = sizeof trusted_keys / sizeof trusted_keys[0],
        .root = trusted_roots,
        .roots = sizeof trusted_roots / sizeof trusted_roots[0],
        .development = TRUSTED_KEYS_DEVELOPMENT,
    };
    return &t;
}

/* ---- digests ---- */

void digest_begin(struct digest *d)
{
    d->sha256 = psa_hash_operation_init();
    d->failed =
        psa_crypto_init() != PSA_SUCCESS || psa_hash_setup(&d->sha256, PSA_ALG_SHA_256) != PSA_SUCCESS;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    if (!d->failed)
        d->failed = psa_hash_update(&d->sha256, data, len) != PSA_SUCCESS;
}

bool digest_end(struct digest *d, uint8_t out[MANIFEST_DIGEST_BYTES])
{
    size_t len = 0;
    if (!d->failed)
        d->failed = psa_hash_finish(&d->sha256, out, MANIFEST_DIGEST_BYTES, &len) != PSA_SUCCESS;
    if (d->failed)
        digest_abort(d);
    return !d->failed && len == MANIFEST_DIGEST_BYTES;
}

void digest_abort(struct digest *d)
{
    (void)psa_hash_abort(&d->sha256);
}

static bool digest_of(const void *data, size_t len, uint8_t out[MANIFEST_DIGEST_BYTES])
{
    struct digest d;
    digest_begin(&d);
    digest_add(&d, data, len);
    return digest_end(&d, out);
}

/* ---- verification ---- */

static bool verify(psa_key_type_t type, psa_algorithm_t alg, const uint8_t *key, size_t key_len,
                   const uint8_t digest[MANIFEST_DIGEST_BYTES], const uint8_t *sig, size_t len)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    if (psa_crypto_init() != PSA_SUCCESS)
        return false;
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, alg);
    psa_set_key_type(&attributes, type);
    if (psa_import_key(&attributes, key, key_len, &id) != PSA_SUCCESS)
        return false;
    bool good = psa_verify_hash(id, alg, digest, MANIFEST_DIGEST_BYTES, sig, len) == PSA_SUCCESS;
    (void)psa_destroy_key(id);
    return good;
}

static bool verify_ecdsa(const uint8_t *point, const uint8_t digest[MANIFEST_DIGEST_BYTES],
                         const uint8_t sig[MANIFEST_SIGNATURE_BYTES])
{
    return verify(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDSA(PSA_ALG_SHA_256), point,
                  SIGNATURE_POINT_BYTES, digest, sig, MANIFEST_SIGNATURE_BYTES);
}

void signature_key_id(const uint8_t point[SIGNATURE_POINT_BYTES], uint8_t out[MANIFEST_KEY_ID_BYTES])
{
    uint8_t digest[MANIFEST_DIGEST_BYTES] = {0};
    (void)digest_of(point, SIGNATURE_POINT_BYTES, digest);
    memcpy(out, digest, MANIFEST_KEY_ID_BYTES);
}

const char *signature_check_manifest(const struct trust *t, const struct manifest *m, const uint8_t *bytes)
{
    uint8_t digest[MANIFEST_DIGEST_BYTES], id[MANIFEST_KEY_ID_BYTES];
    if (!digest_of(bytes, MANIFEST_SIGNED_BYTES, digest))
        return "no memory for a digest";
    for (size_t i = 0; i < t->keys; i++) {
        signature_key_id(t->key[i], id);
        if (memcmp(id, m->key_id, sizeof id) == 0)
            return verify_ecdsa(t->key[i], digest, m->signature) ? NULL : "the manifest's signature is wrong";
    }
    return "signed with a key that is not trusted here";
}

/* ---- what OCPP gives ---- */

/* SubjectPublicKeyInfo (RFC 5280, 4.1) to what PSA takes. */
static bool key_from_spki(const uint8_t *p, size_t spki_len, struct signer *out)
{
    static const uint8_t oid_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01}; /* id-ecPublicKey */
    static const uint8_t oid_rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                      0x0D, 0x01, 0x01, 0x01}; /* rsaEncryption */
    unsigned char *at =
        (unsigned char *)(uintptr_t)p; /* the library's parser takes no const, and writes nothing */
    const unsigned char *end = p + spki_len;
    size_t len;
    if (mbedtls_asn1_get_tag(&at, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
        return false;
    end = at + len;
    if (mbedtls_asn1_get_tag(&at, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
        return false;
    unsigned char *algorithm = at, *algorithm_end = at + len;
    at = algorithm_end;
    if (mbedtls_asn1_get_tag(&algorithm, algorithm_end, &len, MBEDTLS_ASN1_OID) != 0)
        return false;
    if (len == sizeof oid_ec && memcmp(algorithm, oid_ec, len) == 0)
        out->kind = SIGNER_ECDSA;
    else if (len == sizeof oid_rsa && memcmp(algorithm, oid_rsa, len) == 0)
        out->kind = SIGNER_RSA_PSS;
    else
        return false;
    if (mbedtls_asn1_get_tag(&at, end, &len, MBEDTLS_ASN1_BIT_STRING) != 0 || len < 2 || *at != 0)
        return false;
    at++; /* no unused bits */
    len--;
    if (len > sizeof out->key ||
        (out->kind == SIGNER_ECDSA && (len != SIGNATURE_POINT_BYTES || *at != POINT_UNCOMPRESSED)))
        return false;
    memcpy(out->key, at, len);
    out->key_len = (uint16_t)len;
    return true;
}

const char *signature_check_certificate(const struct trust *t, const char *pem, struct signer *out)
{
    mbedtls_x509_crt cert, roots;
    const char *why = NULL;
    uint32_t flags = 0;
    size_t len = strnlen(pem, CERTIFICATE_MAX + 1) + 1;
    memset(out, 0, sizeof *out);
    if (t->roots == 0 || !t->root[0])
        return "this firmware has no root certificate to check it against";
    if (len > CERTIFICATE_MAX + 1 || psa_crypto_init() != PSA_SUCCESS)
        return "the certificate is too long";
    mbedtls_x509_crt_init(&cert);
    mbedtls_x509_crt_init(&roots);
    for (size_t i = 0; i < t->roots && t->root[i] && !why; i++)
        if (mbedtls_x509_crt_parse(&roots, (const unsigned char *)t->root[i], strlen(t->root[i]) + 1) != 0)
            why = "a root certificate in this firmware can't be read";
    if (!why && mbedtls_x509_crt_parse(&cert, (const unsigned char *)pem, len) != 0)
        why = "the certificate can't be read";
    if (!why && cert.next) /* OCPP 2.0.1 L01: no certificates between the signer's and the root */
        why = "more than one certificate";
    if (!why && mbedtls_x509_crt_verify(&cert, &roots, NULL, NULL, &flags, NULL, NULL) != 0)
        why = flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)
                  ? "the certificate is not valid now"
                  : "the certificate is signed by no root that is trusted here";
    if (!why && !key_from_spki(cert.pk_raw.p, cert.pk_raw.len, out))
        why = "the certificate's key is neither of P-256 nor RSA up to 4096 bits";
    mbedtls_x509_crt_free(&roots);
    mbedtls_x509_crt_free(&cert);
    return why;
}

int signature_from_base64(const char *text, uint8_t *out, size_t cap)
{
    size_t len = 0;
    if (mbedtls_base64_decode(out, cap, &len, (const unsigned char *)text, strlen(text)) != 0 || len == 0)
        return -1;
    return (int)len;
}

/* An INTEGER into HALF bytes, big endian. */
static bool half_from_der(unsigned char **at, const unsigned char *end, uint8_t out[HALF])
{
    size_t len;
    if (mbedtls_asn1_get_tag(at, end, &len, MBEDTLS_ASN1_INTEGER) != 0 || len == 0)
        return false;
    const unsigned char *p = *at;
    *at += len;
    while (len > 1 && *p == 0) {
        p++;
        len--;
    }
    if (len > HALF)
        return false;
    memset(out, 0, HALF);
    memcpy(out + HALF - len, p, len);
    return true;
}

/* Ecdsa-Sig-Value (RFC 5480, appendix A) to r, s. */
static bool ecdsa_from_der(const uint8_t *der, size_t der_len, uint8_t out[MANIFEST_SIGNATURE_BYTES])
{
    unsigned char *at = (unsigned char *)(uintptr_t)der; /* as above */
    const unsigned char *end = der + der_len;
    size_t len;
    return mbedtls_asn1_get_tag(&at, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0 &&
           at + len == end && half_from_der(&at, end, out) && half_from_der(&at, end, out + HALF) &&
           at == end;
}

bool signature_check_file(const struct signer *s, const uint8_t digest[MANIFEST_DIGEST_BYTES],
                          const uint8_t *sig, size_t len)
{
    uint8_t raw[MANIFEST_SIGNATURE_BYTES];
    switch ((enum signer_kind)s->kind) {
    case SIGNER_ECDSA:
        return ecdsa_from_der(sig, len, raw) && verify_ecdsa(s->key, digest, raw);
    case SIGNER_RSA_PSS:
        return verify(PSA_KEY_TYPE_RSA_PUBLIC_KEY, PSA_ALG_RSA_PSS_ANY_SALT(PSA_ALG_SHA_256), s->key,
                      s->key_len, digest, sig, len);
    case SIGNER_NONE:
        break;
    }
    return false;
}
