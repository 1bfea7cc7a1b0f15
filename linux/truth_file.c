#include "linux/truth_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct record {
    int64_t closed_unix_ms, opened_unix_ms;
    double energy_wh;
};

struct image {
    char magic[8];
    uint64_t count;
    struct record record[TRUTH_FILE_RECORDS];
};

static const char MAGIC[8] = {'E', 'C', 'S', 'T', 'R', 'U', 'T', 'H'};

struct truth_file {
    struct image *image;
    bool closed;    /* the contactor: records[count − 1] is under way */
    double from_wh; /* the world's energy up to which it has been told */
};

static int64_t unix_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct truth_file *truth_file_open(const char *path, char *err, size_t cap)
{
    struct truth_file *f = calloc(1, sizeof *f);
    struct stat st;
    void *at = MAP_FAILED;
    int fd = f ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0 && fstat(fd, &st) == 0 &&
        (st.st_size == (off_t)sizeof(struct image) || ftruncate(fd, (off_t)sizeof(struct image)) == 0))
        at = mmap(NULL, sizeof(struct image), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        (void)snprintf(err, cap, "%s: %s", path, strerror(f ? errno : ENOMEM));
        if (fd >= 0)
            (void)close(fd);
        free(f);
        return NULL;
    }
    (void)close(fd);
    f->image = at;
    if (memcmp(f->image->magic, MAGIC, sizeof MAGIC) != 0 || f->image->count > TRUTH_FILE_RECORDS) {
        memset(f->image, 0, sizeof *f->image);
        memcpy(f->image->magic, MAGIC, sizeof MAGIC);
    }
    return f;
}

void truth_file_close(struct truth_file *f)
{
    if (!f)
        return;
    (void)munmap(f->image, sizeof *f->image);
    free(f);
}

void truth_file_now(struct truth_file *f, bool contactor, double energy_wh)
{
    struct image *i = f->image;
    if (contactor && !f->closed) {
        if (i->count < TRUTH_FILE_RECORDS)
            i->record[i->count++] = (struct record){.closed_unix_ms = unix_ms()};
        f->from_wh = energy_wh;
    }
    struct record *r = i->count ? &i->record[i->count - 1] : NULL;
    if (r && (contactor || f->closed)) { /* what flowed in the frame in which it opened counts, too */
        r->energy_wh += energy_wh - f->from_wh;
        f->from_wh = energy_wh;
        if (!contactor)
            r->opened_unix_ms = unix_ms();
    }
    f->closed = contactor;
}
