#include "linux/kv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/crc32.h"

/*
 * Form: a line "ecs-kv 1", for each entry a line "KEY LENGTH" followed by that many bytes and a line feed, at
 * the end a line "crc XXXXXXXX" over all before it. Readable, and safe for any bytes.
 */
#define FIRST_LINE "ecs-kv 1\n"
#define CRC_LINE   "crc "
enum { CRC_LINE_LEN = 4 + 8 + 1 };

struct kv_file {
    char *path, *path_old, *path_new, *folder; /* NULL: in memory */
    struct kv_file_entry *entry;
    size_t count, cap;
    enum kv_file_found found;
    uint64_t until_cut, seed;
    bool cut;
};

static bool key_valid(const char *key, size_t len)
{
    if (len < 1 || len > PORT_KV_KEY_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return true;
}

static bool take_number(const uint8_t **p, const uint8_t *end, unsigned max, unsigned *out)
{
    unsigned v = 0;
    const uint8_t *start = *p;

    for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
        v = v * 10 + (unsigned)(**p - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return *p > start;
}

bool kv_file_parse(const uint8_t *bytes, size_t len, struct kv_file_entry *entry, size_t cap, size_t *count)
{
    size_t first = strlen(FIRST_LINE);
    char crc[CRC_LINE_LEN + 1];

    *count = 0;
    if (len < first + CRC_LINE_LEN || memcmp(bytes, FIRST_LINE, first) != 0)
        return false;
    const uint8_t *p = bytes + first, *end = bytes + len - CRC_LINE_LEN;
    (void)snprintf(crc, sizeof crc, CRC_LINE "%08x\n", (unsigned)crc32_add(0, bytes, len - CRC_LINE_LEN));
    if (memcmp(end, crc, CRC_LINE_LEN) != 0)
        return false;
    while (p < end) {
        const uint8_t *space = memchr(p, ' ', (size_t)(end - p));
        unsigned n;
        if (*count == cap || !space || !key_valid((const char *)p, (size_t)(space - p)))
            return false;
        struct kv_file_entry *e = &entry[*count];
        memset(e->key, 0, sizeof e->key);
        memcpy(e->key, p, (size_t)(space - p));
        p = space + 1;
        if (!take_number(&p, end, PORT_KV_VALUE_MAX, &n) || (size_t)(end - p) < n + 2U || *p != '\n' ||
            p[1 + n] != '\n')
            return false;
        memcpy(e->value, p + 1, n);
        e->len = (uint16_t)n;
        p += n + 2;
        for (size_t i = 0; i < *count; i++)
            if (strcmp(entry[i].key, e->key) == 0)
                return false;
        (*count)++;
    }
    return true;
}

size_t kv_file_build(const struct kv_file_entry *entry, size_t count, uint8_t *bytes, size_t cap)
{
    size_t at = strlen(FIRST_LINE);
    char line[PORT_KV_KEY_MAX + 16];

    if (cap < at)
        return 0;
    memcpy(bytes, FIRST_LINE, at);
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(line, sizeof line, "%s %u\n", entry[i].key, (unsigned)entry[i].len);
        if (n < 0 || cap - at < (size_t)n + entry[i].len + 1)
            return 0;
        memcpy(bytes + at, line, (size_t)n);
        at += (size_t)n;
        memcpy(bytes + at, entry[i].value, entry[i].len);
        at += entry[i].len;
        bytes[at++] = '\n';
    }
    int n = snprintf(line, sizeof line, CRC_LINE "%08x\n", (unsigned)crc32_add(0, bytes, at));
    if (n != CRC_LINE_LEN || cap - at < CRC_LINE_LEN)
        return 0;
    memcpy(bytes + at, line, CRC_LINE_LEN);
    return at + CRC_LINE_LEN;
}

/* 1 read and true, 0 there is none, −1 not to be believed. */
static int load(struct kv_file *kv, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    struct stat st;
    uint8_t *bytes = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= KV_FILE_BYTES_MAX &&
        (bytes = malloc((size_t)st.st_size + 1)) != NULL) {
        size_t got = 0;
        ssize_t n;
        while (got < (size_t)st.st_size && (n = read(fd, bytes + got, (size_t)st.st_size - got)) != 0) {
            if (n > 0)
                got += (size_t)n;
            else if (errno != EINTR)
                break;
        }
        if (kv_file_parse(bytes, got, kv->entry, kv->cap, &kv->count))
            result = 1;
        else
            kv->count = 0;
    }
    free(bytes);
    (void)close(fd);
    return result;
}

static char *joined(const char *a, const char *b)
{
    size_t n = strlen(a) + strlen(b) + 1;
    char *s = malloc(n);

    if (s)
        (void)snprintf(s, n, "%s%s", a, b);
    return s;
}

struct kv_file *kv_file_open(const char *path, char *err, size_t cap)
{
    struct kv_file *kv = calloc(1, sizeof *kv);
    const char *why = "no memory";

    if (!kv)
        goto failed;
    kv->until_cut = UINT64_MAX;
    kv->cap = KV_FILE_ENTRIES_MAX;
    kv->entry = calloc(kv->cap, sizeof *kv->entry);
    if (!kv->entry)
        goto failed;
    kv->found = KV_FILE_NEW;
    if (!path)
        return kv;
    kv->path = joined(path, "");
    kv->path_old = joined(path, ".old");
    kv->path_new = joined(path, ".new");
    char *copy = joined(path, "");
    kv->folder = copy ? joined(dirname(copy), "") : NULL;
    free(copy);
    if (!kv->path || !kv->path_old || !kv->path_new || !kv->folder)
        goto failed;
    if (access(kv->folder, R_OK | W_OK | X_OK) != 0) {
        why = strerror(errno);
        goto failed;
    }
    int newest = load(kv, kv->path);
    if (newest == 1) {
        kv->found = KV_FILE_GOOD;
        return kv;
    }
    int before = load(kv, kv->path_old);
    kv->found = before == 1 ? KV_FILE_FELL_BACK : newest < 0 || before < 0 ? KV_FILE_LOST : KV_FILE_NEW;
    return kv;

failed:
    if (err && cap)
        (void)snprintf(err, cap, "%s: %s", path ? path : "key-value store", why);
    kv_file_close(kv);
    return NULL;
}

void kv_file_close(struct kv_file *kv)
{
    if (!kv)
        return;
    free(kv->path);
    free(kv->path_old);
    free(kv->path_new);
    free(kv->folder);
    free(kv->entry);
    free(kv);
}

/* false: the power went with this operation. */
static bool powered(struct kv_file *kv)
{
    if (kv->cut || (kv->until_cut != UINT64_MAX && kv->until_cut-- == 0))
        kv->cut = true;
    return !kv->cut;
}

static bool write_all(struct kv_file *kv, int fd, const uint8_t *bytes, size_t len)
{
    if (!powered(kv)) /* an LCG is chance enough for one length: Knuth's MMIX constants */
        len = (size_t)((kv->seed * 6364136223846793005U + 1442695040888963407U) >> 33) % (len + 1);
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return !kv->cut;
}

static bool folder_sync(struct kv_file *kv)
{
    int fd = open(kv->folder, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool ok = powered(kv) && fsync(fd) == 0;
    (void)close(fd);
    return ok;
}

static bool save(struct kv_file *kv)
{
    if (kv->cut)
        return false;
    if (!kv->path)
        return true;
    uint8_t *bytes = malloc(KV_FILE_BYTES_MAX);
    if (!bytes)
        return false;
    size_t len = kv_file_build(kv->entry, kv->count, bytes, KV_FILE_BYTES_MAX);
    int fd = len && powered(kv) ? open(kv->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    bool ok = fd >= 0 && write_all(kv, fd, bytes, len) && powered(kv) && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    free(bytes);
    /* A newest file that was not believed must not take the place of the good copy before it. */
    if (ok && kv->found == KV_FILE_GOOD)
        ok = powered(kv) && (rename(kv->path, kv->path_old) == 0 || errno == ENOENT);
    ok = ok && powered(kv) && rename(kv->path_new, kv->path) == 0 && folder_sync(kv);
    if (ok)
        kv->found = KV_FILE_GOOD;
    return ok;
}

static struct kv_file_entry *find(struct kv_file *kv, const char *key)
{
    for (size_t i = 0; i < kv->count; i++)
        if (strcmp(kv->entry[i].key, key) == 0)
            return &kv->entry[i];
    return NULL;
}

static int port_get(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    struct kv_file *kv = ctx;
    const struct kv_file_entry *e = find(kv, key);

    if (kv->cut)
        return PORT_ERR_IO;
    if (!e)
        return PORT_ERR_NOT_FOUND;
    *len = e->len;
    if (e->len > cap)
        return PORT_ERR_RANGE;
    memcpy(buf, e->value, e->len);
    return PORT_OK;
}

static int port_set(void *ctx, const char *key, const void *buf, size_t len)
{
    struct kv_file *kv = ctx;
    struct kv_file_entry *e = find(kv, key), before;
    bool is_new = !e;

    if (!key_valid(key, strlen(key)) || len > PORT_KV_VALUE_MAX)
        return PORT_ERR_RANGE;
    if (is_new) {
        if (kv->count == kv->cap)
            return PORT_ERR_NO_SPACE;
        e = &kv->entry[kv->count++];
        memset(e, 0, sizeof *e);
        memcpy(e->key, key, strlen(key) + 1);
    }
    before = *e;
    memcpy(e->value, buf, len);
    e->len = (uint16_t)len;
    if (save(kv))
        return PORT_OK;
    if (is_new)
        kv->count--;
    else
        *e = before;
    return PORT_ERR_IO;
}

static int port_erase_all(void *ctx)
{
    struct kv_file *kv = ctx;
    size_t count = kv->count;

    kv->count = 0;
    if (save(kv))
        return PORT_OK;
    kv->count = count;
    return PORT_ERR_IO;
}

void kv_file_port(struct kv_file *kv, struct port_kv *out)
{
    *out = (struct port_kv){.ctx = kv,
                            .get = port_get,
                            .set = port_set,
                            .erase_all = port_erase_all,
                            .lost = kv->found == KV_FILE_LOST};
}

enum kv_file_found kv_file_found(const struct kv_file *kv)
{
    return kv->found;
}

void kv_file_cut_after(struct kv_file *kv, uint64_t ops, uint64_t seed)
{
    kv->until_cut = ops;
    kv->seed = seed;
}

bool kv_file_is_cut(const struct kv_file *kv)
{
    return kv->cut;
}
