/*
 * manifest: the first 256 bytes of a firmware file: for which board, which version, how large, with which
 * digest, signed by whom. The rest of the file is the image, as the boot loader wants it.
 *
 * Knows the bytes, not who is trusted (update/signature.h). No state; any thread.
 */
#ifndef UPDATE_MANIFEST_H
#define UPDATE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MANIFEST_BYTES = 256,          /* one flash page */
    MANIFEST_SIGNED_BYTES = 192,   /* what the signature is over */
    MANIFEST_SIGNATURE_BYTES = 64, /* ECDSA P-256: r, s, big endian */
    MANIFEST_DIGEST_BYTES = 32,    /* SHA-256 */
    MANIFEST_KEY_ID_BYTES = 8,     /* first bytes of the SHA-256 of the public key's point */
    MANIFEST_BOARD_MAX = 31,       /* characters of the board's id */
    MANIFEST_VERSION_MAX = 31,
};

/* Security number of this source, raised by hand when a release closes a hole that nobody should get back. */
enum { UPDATE_SECURITY = 0 };

/* The board that this firmware is for; an image for another is refused. */
#define MANIFEST_BOARD "ECSACP1"

struct manifest {
    char board[MANIFEST_BOARD_MAX + 1];
    char version[MANIFEST_VERSION_MAX + 1]; /* "1.2.3" or "1.2.3-text" */
    uint32_t size;                          /* bytes of the image behind the manifest; at least 1 */
    uint32_t security; /* raised when a release closes a hole; a station goes back behind none */
    uint8_t digest[MANIFEST_DIGEST_BYTES]; /* of the image */
    uint8_t key_id[MANIFEST_KEY_ID_BYTES];
    uint8_t signature[MANIFEST_SIGNATURE_BYTES];
};

enum manifest_result {
    MANIFEST_OK,
    MANIFEST_SHORT,   /* fewer than MANIFEST_BYTES */
    MANIFEST_FOREIGN, /* does not begin as one: no firmware file of ours */
    MANIFEST_FORMAT,  /* of a format that this firmware does not know */
    MANIFEST_MALFORMED,
};

/* Strict: whatever is not exactly as manifest_write makes it is refused. Says nothing about the signature. */
enum manifest_result manifest_read(struct manifest *out, const void *bytes, size_t len);
const char *manifest_result_text(enum manifest_result r);
/* All MANIFEST_BYTES, the signature as it is in `m`. false: a field that manifest_read would refuse. */
bool manifest_write(const struct manifest *m, uint8_t out[MANIFEST_BYTES]);

/* A version: three numbers of at most 5 digits each, none above 65535, and, after a '-', letters, digits, '.'
 * and '-'. */
bool manifest_version_ok(const char *version);
/* <0, 0, >0 as a is older, equal or newer; by the numbers, then a version with text is before the one without
 * (semver.org, 11), texts by their characters. Both must be versions. */
int manifest_version_compare(const char *a, const char *b);

#endif
