#include "linux/retained_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/entropy.h"

#define POWERED 0x59525744U /* "DWRY": any other value is no power */

/* As it lies in the file. */
struct image {
    _Alignas(8) uint8_t memory[PORT_RETAINED_BYTES];
    uint32_t powered;
    uint32_t unused;
};

struct retained_file {
    struct image *image;
    bool mapped;
};

static void noise(struct image *i, uint64_t seed)
{
    for (size_t at = 0; at < sizeof i->memory; at += sizeof(uint32_t)) {
        uint32_t word = entropy_seeded(&seed);
        memcpy(i->memory + at, &word, sizeof word);
    }
}

static struct image *map(const char *path, bool *made, char *err, size_t cap)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)snprintf(err, cap, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    /* Another length: from another version, or cut while it was being made. Nothing in it counts. */
    *made = st.st_size != (off_t)sizeof(struct image);
    void *at = MAP_FAILED;
    if (!*made || (ftruncate(fd, 0) == 0 && ftruncate(fd, (off_t)sizeof(struct image)) == 0))
        at = mmap(NULL, sizeof(struct image), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        (void)snprintf(err, cap, "%s: %s", path, strerror(errno));
    (void)close(fd); /* the mapping stays */
    return at == MAP_FAILED ? NULL : at;
}

struct retained_file *retained_file_open(const char *path, char *err, size_t cap)
{
    struct retained_file *f = calloc(1, sizeof *f);
    bool made = true;
    if (!f) {
        (void)snprintf(err, cap, "no memory");
        return NULL;
    }
    f->mapped = path != NULL;
    f->image = path ? map(path, &made, err, cap) : calloc(1, sizeof *f->image);
    if (!f->image) {
        if (!path)
            (void)snprintf(err, cap, "no memory");
        free(f);
        return NULL;
    }
    if (made)
        noise(f->image, 1);
    return f;
}

void retained_file_close(struct retained_file *f)
{
    if (!f)
        return;
    if (f->mapped)
        (void)munmap(f->image, sizeof *f->image);
    else
        free(f->image);
    free(f);
}

void *retained_file_memory(struct retained_file *f)
{
    return f->image->memory;
}

bool retained_file_powered(const struct retained_file *f)
{
    return f->image->powered == POWERED;
}

void retained_file_power(struct retained_file *f, bool on, uint64_t seed)
{
    if (!on)
        noise(f->image, seed);
    f->image->powered = on ? POWERED : 0;
}
