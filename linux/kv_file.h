/*
 * kv_file: the port's key-value store on a file. Each change replaces the whole file (write, fsync, rename),
 * so that a cut leaves the old or the new one; a file whose CRC does not agree is not believed, the copy
 * before it is taken.
 *
 * PATH is the newest, PATH.old the one before, PATH.new one being written. Readable by the owner only: it
 * holds passwords. Not for two threads at once.
 */
#ifndef LINUX_KV_FILE_H
#define LINUX_KV_FILE_H

#include "port/port.h"

struct kv_file;

enum kv_file_found {
    KV_FILE_GOOD,
    KV_FILE_NEW,       /* there was none */
    KV_FILE_FELL_BACK, /* the newest is missing or corrupt; the copy before it was good */
    KV_FILE_LOST,      /* both corrupt: empty */
};

enum {
    KV_FILE_ENTRIES_MAX = 256,
    KV_FILE_BYTES_MAX = KV_FILE_ENTRIES_MAX * (PORT_KV_VALUE_MAX + PORT_KV_KEY_MAX + 8) + 64,
};

/* NULL only when the folder can't be used or memory is short (err); corrupt files are no such reason. path
 * NULL: in memory. */
struct kv_file *kv_file_open(const char *path, char *err, size_t cap);
void kv_file_close(struct kv_file *kv); /* NULL: nothing */
void kv_file_port(struct kv_file *kv, struct port_kv *out);
enum kv_file_found kv_file_found(const struct kv_file *kv);
/* For power-cut tests: `ops` more file operations are carried out; the next one, if a write, stops at a byte
 * by chance from `seed`; nothing works after it until opened again. */
void kv_file_cut_after(struct kv_file *kv, uint64_t ops, uint64_t seed);
bool kv_file_is_cut(const struct kv_file *kv);

/* The file's form, for tests and fuzzing: bytes to entries. false: not a whole, true file. */
struct kv_file_entry {
    char key[PORT_KV_KEY_MAX + 1];
    uint16_t len;
    uint8_t value[PORT_KV_VALUE_MAX];
};
bool kv_file_parse(const uint8_t *bytes, size_t len, struct kv_file_entry *entry, size_t cap, size_t *count);
/* Returns the length, 0 if it does not fit. */
size_t kv_file_build(const struct kv_file_entry *entry, size_t count, uint8_t *bytes, size_t cap);

#endif
