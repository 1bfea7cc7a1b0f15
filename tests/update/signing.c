#include "tests/update/signing.h"

#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/image_sign.h"

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    abort();
}

static struct image_key *open_key(const char *path)
{
    char why[200];
    struct image_key *key = image_key_open(path, why, sizeof why);
    if (!key)
        give_up(path, why);
    return key;
}

void signing_manifest(struct manifest *m, const char *path, uint8_t out[MANIFEST_BYTES])
{
    struct image_key *key = open_key(path);
    if (!image_sign(key, m, out))
        give_up(path, "can't sign");
    image_key_close(key);
}

void signing_sign(struct manifest *m, const char *path, uint8_t out[MANIFEST_BYTES])
{
    uint8_t digest[MANIFEST_DIGEST_BYTES], der[200];
    if (!manifest_write(m, out))
        give_up("manifest", "impossible");
    struct digest d;
    digest_begin(&d);
    digest_add(&d, out, MANIFEST_SIGNED_BYTES);
    (void)digest_end(&d, digest);
    size_t len = signing_file(path, false, digest, der);
    /* DER to r, s: tags and lengths of one byte */
    const uint8_t *at = der + 2;
    if (len < 8)
        give_up(path, "no signature");
    for (int half = 0; half < 2; half++) {
        size_t n = at[1];
        const uint8_t *p = at + 2;
        at = p + n;
        while (n > 32) {
            p++;
            n--;
        }
        memset(m->signature + 32 * half, 0, 32);
        memcpy(m->signature + 32 * half + 32 - n, p, n);
    }
    if (!manifest_write(m, out))
        give_up("manifest", "impossible");
}

uint8_t *signing_image(const struct manifest *from, const char *key, const void *image, size_t len,
                       size_t *file_len)
{
    struct manifest m = *from;
    uint8_t *file = malloc(MANIFEST_BYTES + len);
    struct digest d;
    if (!file)
        give_up("image", "no memory");
    m.size = (uint32_t)len;
    digest_begin(&d);
    digest_add(&d, image, len);
    if (!digest_end(&d, m.digest))
        give_up("image", "no digest");
    signing_manifest(&m, key, file);
    memcpy(file + MANIFEST_BYTES, image, len);
    *file_len = MANIFEST_BYTES + len;
    return file;
}

static int some_random(void *ctx, unsigned char *out, size_t len)
{
    (void)ctx;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

size_t signing_file(const char *path, bool pss, const uint8_t digest[MANIFEST_DIGEST_BYTES], uint8_t *sig)
{
    mbedtls_pk_context pk;
    size_t len = 0;
    if (psa_crypto_init() != PSA_SUCCESS)
        give_up(path, "no crypto");
    mbedtls_pk_init(&pk);
    if (mbedtls_pk_parse_keyfile(&pk, path, NULL) != 0)
        give_up(path, "no key");
    if (pss)
        mbedtls_rsa_set_padding(mbedtls_pk_rsa(pk), MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
    if (mbedtls_pk_sign(&pk, MBEDTLS_MD_SHA256, digest, MANIFEST_DIGEST_BYTES, sig, &len, some_random,
                        NULL) != 0)
        give_up(path, "can't sign");
    mbedtls_pk_free(&pk);
    return len;
}

void signing_read_text(const char *path, char *out, size_t cap)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        give_up(path, "can't be opened");
    size_t n = fread(out, 1, cap - 1, f);
    (void)fclose(f);
    out[n] = '\0';
}
