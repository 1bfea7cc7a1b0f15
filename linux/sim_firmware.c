#include "linux/sim_firmware.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "linux/flash_file.h"
#include "linux/version.h"

enum {
    PATH_CAP = 4096,
    SLOT_A,
    SLOT_B,
    RECORDS,
    AREAS,
    RECORDS_BYTES = 2 * PORT_FLASH_SECTOR,
    TEXT_BYTES = 256
};

/* An area whose file is made when it is first written: most simulated stations never are updated. */
struct area {
    char path[PATH_CAP];
    uint32_t size;
    struct flash_file *file; /* NULL: not written yet */
    struct port_flash flash;
};

struct sim_firmware {
    struct area area[AREAS];
    struct slots slots;
    bool launched;
    struct manifest manifest; /* of what runs */
    bool known;               /* it is there */
    struct sim_behaviour behaviour;
};

static bool open_file(struct area *a, char *err, size_t cap)
{
    a->file = flash_file_open(a->path, a->size, err, cap);
    if (a->file)
        flash_file_port(a->file, &a->flash);
    return a->file != NULL;
}

static bool inside(const struct area *a, uint32_t off, size_t len)
{
    return off <= a->size && len <= a->size - off;
}

static int area_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct area *a = ctx;
    if (a->file)
        return a->flash.read(a->flash.ctx, off, buf, len);
    if (!inside(a, off, len))
        return PORT_ERR_RANGE;
    memset(buf, 0xFF, len);
    return PORT_OK;
}

static int area_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct area *a = ctx;
    char err[200];
    if (!a->file && !open_file(a, err, sizeof err))
        return PORT_ERR_IO;
    return a->flash.program(a->flash.ctx, off, buf, len);
}

static int area_erase(void *ctx, uint32_t off, size_t len)
{
    struct area *a = ctx;
    char err[200];
    if (!a->file && !open_file(a, err, sizeof err))
        return PORT_ERR_IO;
    return a->flash.erase(a->flash.ctx, off, len);
}

static bool area_open(struct area *a, const char *dir, const char *name, uint32_t size,
                      struct port_flash *out, char *err, size_t cap)
{
    struct stat st;
    if (snprintf(a->path, sizeof a->path, "%s/%s", dir, name) >= (int)sizeof a->path) {
        (void)snprintf(err, cap, "%s: name too long", dir);
        return false;
    }
    a->size = flash_file_size(a->path); /* what is there counts */
    if (a->size == 0)
        a->size = size;
    *out = (struct port_flash){
        .ctx = a, .size = a->size, .read = area_read, .program = area_program, .erase = area_erase};
    return stat(a->path, &st) != 0 || open_file(a, err, cap);
}

struct sim_firmware *sim_firmware_open(const char *dir, const struct sim_launch *launch, char *err,
                                       size_t cap)
{
    struct sim_firmware *f = calloc(1, sizeof *f);
    if (!f) {
        (void)snprintf(err, cap, "no memory");
        return NULL;
    }
    f->launched = launch && launch->dir;
    if (f->launched)
        dir = launch->dir;
    struct slots *s = &f->slots;
    if (!area_open(&f->area[SLOT_A], dir, "slot0.flash", SIM_SLOT_BYTES, &s->slot[0], err, cap) ||
        !area_open(&f->area[SLOT_B], dir, "slot1.flash", SIM_SLOT_BYTES, &s->slot[1], err, cap) ||
        !area_open(&f->area[RECORDS], dir, "otadata.flash", RECORDS_BYTES, &s->records, err, cap)) {
        sim_firmware_close(f);
        return NULL;
    }
    if (f->launched) {
        s->running = launch->slot;
        s->probation = launch->probation;
        s->other_failed = launch->other_failed;
    }
    return f;
}

void sim_firmware_close(struct sim_firmware *f)
{
    if (!f)
        return;
    for (int i = 0; i < AREAS; i++)
        flash_file_close(f->area[i].file);
    free(f);
}

static void read_behaviour(struct sim_firmware *f)
{
    static const char head[] = "ecs-sim firmware";
    char text[TEXT_BYTES + 1];
    const struct port_flash *slot = &f->slots.slot[f->slots.running];
    uint32_t n = f->manifest.size < TEXT_BYTES ? f->manifest.size : TEXT_BYTES;
    if (slot->read(slot->ctx, 0, text, n) != PORT_OK)
        return;
    text[n] = '\0';
    if (strncmp(text, head, sizeof head - 1) != 0)
        return;
    const char *panic = strstr(text, "panic after ");
    unsigned s;
    if (panic && sscanf(panic, "panic after %u s", &s) == 1)
        f->behaviour.panic_us = (uint64_t)s * 1000000u + 1;
    f->behaviour.deaf = strstr(text, "no network") != NULL;
}

bool sim_firmware_boot(struct sim_firmware *f, struct port_firmware *out)
{
    struct slots *s = &f->slots;
    f->known = false;
    f->behaviour = (struct sim_behaviour){0};
    if (!f->launched) {
        for (int i = 0; i < 2; i++)
            s->factory[i] = i == 0 && !f->area[SLOT_A].file;
        if (!slots_boot(s))
            return false;
        f->known = !s->factory[s->running] && slots_manifest(s, s->running, &f->manifest);
        if (f->known)
            read_behaviour(f);
    }
    slots_port(s, out);
    return true;
}

const char *sim_firmware_version(const struct sim_firmware *f)
{
    return f->known ? f->manifest.version : sim_version;
}

uint32_t sim_firmware_security(const struct sim_firmware *f)
{
    return f->known ? f->manifest.security : UPDATE_SECURITY;
}

const struct sim_behaviour *sim_firmware_behaviour(const struct sim_firmware *f)
{
    return &f->behaviour;
}
