/*
 * signing: what a maker of firmware does, for tests, with the keys in tests/update/keys. Aborts when it
 * can't.
 */
#ifndef TESTS_UPDATE_SIGNING_H
#define TESTS_UPDATE_SIGNING_H

#include "update/signature.h"

#define SIGNING_KEY  "tests/update/keys/test-signing.key"
#define STRANGER_KEY "tests/update/keys/test-stranger.key"

/* Puts key id and signature of `key` into *m, and its bytes into out. */
void signing_manifest(struct manifest *m, const char *key, uint8_t out[MANIFEST_BYTES]);
/* As above, with the key id that *m has. */
void signing_sign(struct manifest *m, const char *key, uint8_t out[MANIFEST_BYTES]);
/* A whole firmware file around an image, to be freed. */
uint8_t *signing_image(const struct manifest *m, const char *key, const void *image, size_t len,
                       size_t *file_len);
/* OCPP's signature of a file with this digest: ECDSA in DER, or RSA-PSS. Returns its length. */
size_t signing_file(const char *key, bool pss, const uint8_t digest[MANIFEST_DIGEST_BYTES], uint8_t *sig);
void signing_read_text(const char *path, char *out, size_t cap);

#endif
