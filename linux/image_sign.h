/*
 * image_sign: the maker's side of a manifest: keys in files, and signatures with them. Not for a station.
 */
#ifndef LINUX_IMAGE_SIGN_H
#define LINUX_IMAGE_SIGN_H

#include "update/signature.h"

/* A private key, PEM, P-256. NULL: why says what is wrong. */
struct image_key;
struct image_key *image_key_open(const char *path, char *why, size_t cap);
/* Makes a new one and writes it to a file that must not exist yet, readable for its owner alone. */
struct image_key *image_key_make(const char *path, char *why, size_t cap);
void image_key_close(struct image_key *key);
const uint8_t *image_key_point(const struct image_key *key); /* SIGNATURE_POINT_BYTES */
/* Puts key id and signature into *m and all of it into out. false: a field is impossible. */
bool image_sign(const struct image_key *key, struct manifest *m, uint8_t out[MANIFEST_BYTES]);
/* The public half as PEM (SubjectPublicKeyInfo, RFC 5480); the file must not exist yet. */
bool image_point_write(const char *path, const uint8_t point[SIGNATURE_POINT_BYTES], char *why, size_t cap);
/* A public key from PEM. */
bool image_point_read(const char *path, uint8_t out[SIGNATURE_POINT_BYTES], char *why, size_t cap);

#endif
