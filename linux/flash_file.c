#include "linux/flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Behind the area: this word, then one wear count per sector, little-endian. */
#define WEAR_MAGIC 0x52414557U /* "WEAR" */

struct flash_file {
    int fd;         /* −1: in memory */
    uint8_t *bytes; /* in memory */
    uint32_t size, sectors;
    uint32_t *wear;
    struct flash_file_stats stats;
    uint64_t until_cut;
    bool cut;
    enum flash_file_tear tear;
    uint64_t tear_n;
    uint64_t rng;
};

static struct flash_file *fail(struct flash_file *f, char *err, size_t cap, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static struct flash_file *fail(struct flash_file *f, char *err, size_t cap, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (err && cap)
        (void)vsnprintf(err, cap, fmt, ap);
    va_end(ap);
    flash_file_close(f);
    return NULL;
}

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators") */
static uint64_t chance(struct flash_file *f)
{
    uint64_t z = f->rng += 0x9E3779B97F4A7C15U;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

static bool raw_read(const struct flash_file *f, uint64_t off, void *buf, size_t len)
{
    uint8_t *p = buf;

    if (f->fd < 0) {
        memcpy(p, f->bytes + off, len);
        return true;
    }
    while (len) {
        ssize_t n = pread(f->fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool raw_write(struct flash_file *f, uint64_t off, const void *buf, size_t len)
{
    const uint8_t *p = buf;

    if (f->fd < 0) {
        memcpy(f->bytes + off, p, len);
        return true;
    }
    while (len) {
        ssize_t n = pwrite(f->fd, p, len, (off_t)off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Under another name until it is whole, so that an existing file is never taken for a new one. */
static bool file_make(struct flash_file *f, const char *path)
{
    uint8_t blank[PORT_FLASH_SECTOR], word[4];
    size_t room = strlen(path) + sizeof ".new";
    char *name = malloc(room);

    if (!name)
        return false;
    (void)snprintf(name, room, "%s.new", path);
    f->fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = f->fd >= 0;
    memset(blank, 0xFF, sizeof blank);
    for (uint32_t s = 0; ok && s < f->sectors; s++)
        ok = raw_write(f, (uint64_t)s * PORT_FLASH_SECTOR, blank, sizeof blank);
    put32(word, WEAR_MAGIC);
    ok = ok && raw_write(f, f->size, word, sizeof word);
    memset(word, 0, sizeof word);
    for (uint32_t s = 0; ok && s < f->sectors; s++)
        ok = raw_write(f, f->size + 4 + 4 * (uint64_t)s, word, sizeof word);
    ok = ok && rename(name, path) == 0;
    free(name);
    return ok;
}

struct flash_file *flash_file_open(const char *path, uint32_t size, char *err, size_t cap)
{
    struct flash_file *f = calloc(1, sizeof *f);

    if (!f)
        return fail(NULL, err, cap, "no memory");
    f->fd = -1;
    f->size = size;
    f->sectors = size / PORT_FLASH_SECTOR;
    f->until_cut = UINT64_MAX;
    if (size == 0 || size % PORT_FLASH_SECTOR)
        return fail(f, err, cap, "flash size %u: not a multiple of %d", (unsigned)size,
                    (int)PORT_FLASH_SECTOR);
    f->wear = calloc(f->sectors, sizeof *f->wear);
    if (!f->wear)
        return fail(f, err, cap, "no memory");
    if (!path) {
        f->bytes = malloc(size);
        if (!f->bytes)
            return fail(f, err, cap, "no memory");
        memset(f->bytes, 0xFF, size);
        return f;
    }

    f->fd = open(path, O_RDWR | O_CLOEXEC);
    if (f->fd < 0 && (errno != ENOENT || !file_make(f, path)))
        return fail(f, err, cap, "%s: %s", path, strerror(errno));
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(f->fd, F_SETLK, &lock) != 0)
        return fail(f, err, cap, "%s: in use by another process", path);
    struct stat st;
    uint8_t word[4];
    if (fstat(f->fd, &st) != 0)
        return fail(f, err, cap, "%s: %s", path, strerror(errno));
    if ((uint64_t)st.st_size != f->size + 4 + 4 * (uint64_t)f->sectors ||
        !raw_read(f, f->size, word, sizeof word) || get32(word) != WEAR_MAGIC)
        return fail(f, err, cap, "%s: not a flash file of %u bytes", path, (unsigned)size);
    for (uint32_t s = 0; s < f->sectors; s++) {
        if (!raw_read(f, f->size + 4 + 4 * (uint64_t)s, word, sizeof word))
            return fail(f, err, cap, "%s: %s", path, strerror(errno));
        f->wear[s] = get32(word);
    }
    return f;
}

uint32_t flash_file_size(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size <= 4)
        return 0;
    /* behind the area a word, and one for each sector */
    return (uint32_t)((st.st_size - 4) / (PORT_FLASH_SECTOR + 4) * PORT_FLASH_SECTOR);
}

void flash_file_close(struct flash_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        (void)close(f->fd);
    free(f->bytes);
    free(f->wear);
    free(f);
}

/* Carries out, or cuts, one operation that makes `now` of `before`. */
static int operate(struct flash_file *f, uint32_t off, const uint8_t *before, uint8_t *now, uint32_t len)
{
    if (f->until_cut != UINT64_MAX && f->until_cut-- == 0) {
        uint32_t from = 0, to = 0;
        f->cut = true;
        f->rng = f->tear_n;
        switch (f->tear) {
        case FLASH_FILE_NOTHING:
            return PORT_ERR_IO;
        case FLASH_FILE_WHOLE:
            to = len;
            break;
        case FLASH_FILE_BYTES:
            to = f->tear_n < len ? (uint32_t)f->tear_n : len;
            if (to < len) {
                now[to] = (uint8_t)(before[to] ^ ((before[to] ^ now[to]) & chance(f)));
                to++;
            }
            break;
        case FLASH_FILE_SPAN:
            from = (uint32_t)(chance(f) % len);
            to = from + (uint32_t)(chance(f) % (len - from + 1));
            break;
        case FLASH_FILE_BITS:
            to = len;
            for (uint32_t i = 0; i < len; i++)
                now[i] = (uint8_t)(before[i] ^ ((before[i] ^ now[i]) & chance(f)));
            break;
        }
        (void)raw_write(f, off + from, now + from, to - from);
        return PORT_ERR_IO;
    }
    return raw_write(f, off, now, len) ? PORT_OK : PORT_ERR_IO;
}

static bool inside(struct flash_file *f, uint32_t off, size_t len)
{
    if (off <= f->size && len <= f->size - off)
        return true;
    f->stats.refused++;
    return false;
}

static int port_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct flash_file *f = ctx;

    if (f->cut)
        return PORT_ERR_IO;
    if (!inside(f, off, len))
        return PORT_ERR_RANGE;
    f->stats.reads++;
    f->stats.read_bytes += len;
    return raw_read(f, off, buf, len) ? PORT_OK : PORT_ERR_IO;
}

static int port_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct flash_file *f = ctx;
    const uint8_t *from = buf;

    if (f->cut)
        return PORT_ERR_IO;
    if (!inside(f, off, len))
        return PORT_ERR_RANGE;
    while (len) {
        uint8_t before[PORT_FLASH_PAGE], now[PORT_FLASH_PAGE];
        uint32_t n = PORT_FLASH_PAGE - off % PORT_FLASH_PAGE;
        if (n > len)
            n = (uint32_t)len;
        if (!raw_read(f, off, before, n))
            return PORT_ERR_IO;
        for (uint32_t i = 0; i < n; i++)
            if (from[i] & ~before[i] & 0xFF) {
                f->stats.refused++;
                return PORT_ERR_IO;
            }
        memcpy(now, from, n);
        int rc = operate(f, off, before, now, n);
        if (rc)
            return rc;
        f->stats.programs++;
        f->stats.programmed_bytes += n;
        from += n;
        off += n;
        len -= n;
    }
    return PORT_OK;
}

static int port_erase(void *ctx, uint32_t off, size_t len)
{
    struct flash_file *f = ctx;

    if (f->cut)
        return PORT_ERR_IO;
    if (!inside(f, off, len) || off % PORT_FLASH_SECTOR || len % PORT_FLASH_SECTOR) {
        f->stats.refused++;
        return PORT_ERR_RANGE;
    }
    for (; len; off += PORT_FLASH_SECTOR, len -= PORT_FLASH_SECTOR) {
        uint8_t before[PORT_FLASH_SECTOR], now[PORT_FLASH_SECTOR], word[4];
        uint32_t s = off / PORT_FLASH_SECTOR;
        if (!raw_read(f, off, before, sizeof before))
            return PORT_ERR_IO;
        memset(now, 0xFF, sizeof now);
        int rc = operate(f, off, before, now, sizeof now);
        if (rc && f->tear == FLASH_FILE_NOTHING)
            return rc;
        f->wear[s]++;
        put32(word, f->wear[s]);
        if (f->fd >= 0 && !raw_write(f, f->size + 4 + 4 * (uint64_t)s, word, sizeof word))
            return PORT_ERR_IO;
        if (rc)
            return rc;
        f->stats.erases++;
    }
    return PORT_OK;
}

void flash_file_port(struct flash_file *f, struct port_flash *out)
{
    *out = (struct port_flash){
        .ctx = f, .size = f->size, .read = port_read, .program = port_program, .erase = port_erase};
}

void flash_file_cut_after(struct flash_file *f, uint64_t ops)
{
    f->until_cut = ops;
}

void flash_file_tear(struct flash_file *f, enum flash_file_tear tear, uint64_t n)
{
    f->tear = tear;
    f->tear_n = n;
}

void flash_file_torn(struct flash_file *f, bool torn)
{
    /* Another seed each time, the same sequence in each run. */
    flash_file_tear(f, torn ? FLASH_FILE_BITS : FLASH_FILE_NOTHING, f->stats.programs + f->stats.erases);
}

bool flash_file_is_cut(const struct flash_file *f)
{
    return f->cut;
}

bool flash_file_power(struct flash_file *f, bool on, bool torn)
{
    if (on) {
        f->cut = false;
        f->until_cut = UINT64_MAX;
        f->tear = FLASH_FILE_NOTHING;
        return true;
    }
    flash_file_torn(f, torn);
    if (torn && !f->cut)
        f->until_cut = 0;
    else
        f->cut = true;
    return true;
}

void flash_file_stats(const struct flash_file *f, struct flash_file_stats *out)
{
    *out = f->stats;
    out->wear_max = 0;
    out->wear_sum = 0;
    for (uint32_t s = 0; s < f->sectors; s++) {
        out->wear_sum += f->wear[s];
        if (f->wear[s] > out->wear_max)
            out->wear_max = f->wear[s];
    }
}

uint32_t flash_file_wear(const struct flash_file *f, uint32_t sector)
{
    return sector < f->sectors ? f->wear[sector] : 0;
}

uint64_t flash_file_ops(const struct flash_file *f)
{
    return f->stats.programs + f->stats.erases;
}

bool flash_file_copy(struct flash_file *to, const struct flash_file *from)
{
    if (to->fd >= 0 || from->fd >= 0 || to->size != from->size)
        return false;
    memcpy(to->bytes, from->bytes, to->size);
    memcpy(to->wear, from->wear, to->sectors * sizeof *to->wear);
    return flash_file_power(to, true, false);
}

bool flash_file_rot(struct flash_file *f, uint32_t off, uint8_t bits)
{
    uint8_t b;

    if (off >= f->size || !raw_read(f, off, &b, 1))
        return false;
    b ^= bits;
    return raw_write(f, off, &b, 1);
}
