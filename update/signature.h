/*
 * signature: who may make firmware for this station: digests, the manifest's signature against the keys built
 * in, and OCPP's signing certificate against the roots built in.
 *
 * Over PSA and X.509 of Mbed TLS, in calls that 2.28, 3.6 and 4.0 share. One thread; the library allocates
 * while a signature is checked and gives everything back.
 */
#ifndef UPDATE_SIGNATURE_H
#define UPDATE_SIGNATURE_H

#include <psa/crypto.h>

#include "update/manifest.h"

enum { SIGNATURE_POINT_BYTES = 65 }; /* P-256, uncompressed: 04, x, y */

/* Whom this build trusts (update/development_keys.h, or what ECS_TRUSTED_KEYS names). */
struct trust {
    const uint8_t (*key)[SIGNATURE_POINT_BYTES]; /* of manifests */
    size_t keys;
    const char *const *root; /* PEM, of certificates that OCPP gives; NULL ends them early */
    size_t roots;
    bool development; /* the private halves are public: for development only */
};
const struct trust *trust_built_in(void);

/* ---- digests ---- */

struct digest {
    psa_hash_operation_t sha256;
    bool failed;
};
void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *data, size_t len);
/* Ends it also when it fails. */
bool digest_end(struct digest *d, uint8_t out[MANIFEST_DIGEST_BYTES]);
void digest_abort(struct digest *d); /* nothing happens when none was begun */

void signature_key_id(const uint8_t point[SIGNATURE_POINT_BYTES], uint8_t out[MANIFEST_KEY_ID_BYTES]);

/* ---- the manifest ---- */

/* bytes: the MANIFEST_BYTES that `m` was read from. NULL: signed by a key of `t`; else what is wrong. */
const char *signature_check_manifest(const struct trust *t, const struct manifest *m, const uint8_t *bytes);

/* ---- what OCPP gives ---- */

enum { SIGNER_KEY_MAX = 530, SIGNER_SIGNATURE_MAX = 512 }; /* RSA with 4096 bits */
enum signer_kind { SIGNER_NONE, SIGNER_ECDSA, SIGNER_RSA_PSS };

/* The key of a certificate that was found good, to check the file's signature with later. */
struct signer {
    uint8_t kind;
    uint16_t key_len;
    uint8_t key[SIGNER_KEY_MAX]; /* EC point or RSAPublicKey, as PSA takes them */
};
/* pem: a certificate which is a root of `t` or signed by one, without others between (OCPP 2.0.1 L01 remark).
 * NULL: good, *out is its key; else what is wrong. */
const char *signature_check_certificate(const struct trust *t, const char *pem, struct signer *out);
/* Base64 to bytes; −1: it is none, or longer than cap. */
int signature_from_base64(const char *text, uint8_t *out, size_t cap);
/* sig: of the whole file's digest: ECDSA in DER, or RSA-PSS. */
bool signature_check_file(const struct signer *s, const uint8_t digest[MANIFEST_DIGEST_BYTES],
                          const uint8_t *sig, size_t len);

#endif
