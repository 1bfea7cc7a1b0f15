#include "linux/slots.h"

#include <string.h>

#include "store/crc32.h"
#include "update/signature.h"

/* esp_ota_img_states_t of ESP-IDF (esp_flash_partitions.h) */
enum state { STATE_NEW = 0, STATE_PENDING = 1, STATE_VALID = 2, STATE_INVALID = 3, STATE_ABORTED = 4 };

struct record {
    uint32_t seq; /* slot (seq − 1) % 2; the greater one counts */
    uint32_t state;
    uint32_t crc; /* of both */
};

static bool record_read(const struct slots *s, int i, struct record *r)
{
    return s->records.read(s->records.ctx, (uint32_t)i * PORT_FLASH_SECTOR, r, sizeof *r) == PORT_OK &&
           r->crc == crc32_add(0, r, offsetof(struct record, crc)) && r->seq != 0 && r->seq != UINT32_MAX &&
           r->state <= STATE_ABORTED;
}

/* Both are written as the ESP32 does it: erased, then programmed. In between the other one counts. */
static int record_write(const struct slots *s, int i, uint32_t seq, enum state state)
{
    struct record r = {.seq = seq, .state = (uint32_t)state};
    r.crc = crc32_add(0, &r, offsetof(struct record, crc));
    uint32_t at = (uint32_t)i * PORT_FLASH_SECTOR;
    int rc = s->records.erase(s->records.ctx, at, PORT_FLASH_SECTOR);
    return rc == PORT_OK ? s->records.program(s->records.ctx, at, &r, sizeof r) : rc;
}

static int slot_of(const struct record *r)
{
    return (int)((r->seq - 1) % 2);
}

static bool counts(const struct record *r)
{
    return r->state != STATE_INVALID && r->state != STATE_ABORTED;
}

/* The record that counts; −1: none. */
static int active(const struct slots *s, struct record r[2])
{
    int best = -1;
    for (int i = 0; i < 2; i++)
        if (record_read(s, i, &r[i]) && counts(&r[i]) && (best < 0 || r[i].seq > r[best].seq))
            best = i;
    return best;
}

bool slots_manifest(const struct slots *s, int slot, struct manifest *out)
{
    const struct port_flash *f = &s->slot[slot];
    uint8_t bytes[PORT_FLASH_SECTOR], digest[MANIFEST_DIGEST_BYTES];
    struct digest d;
    uint32_t room = f->size - PORT_FLASH_SECTOR;
    if (f->read(f->ctx, room, bytes, MANIFEST_BYTES) != PORT_OK ||
        manifest_read(out, bytes, MANIFEST_BYTES) != MANIFEST_OK || out->size > room)
        return false;
    digest_begin(&d);
    for (uint32_t at = 0; at < out->size; at += sizeof bytes) {
        uint32_t n = out->size - at < sizeof bytes ? out->size - at : (uint32_t)sizeof bytes;
        if (f->read(f->ctx, at, bytes, n) != PORT_OK) {
            digest_abort(&d);
            return false;
        }
        digest_add(&d, bytes, n);
    }
    return digest_end(&d, digest) && memcmp(digest, out->digest, sizeof digest) == 0;
}

static bool bootable(const struct slots *s, int slot)
{
    struct manifest m;
    return s->factory[slot] || slots_manifest(s, slot, &m);
}

bool slots_next(const struct slots *s, int *slot, bool *probation)
{
    struct record r[2];
    int a = -1;
    for (int i = 0; i < 2; i++)
        if (record_read(s, i, &r[i]) && counts(&r[i]) && r[i].state != STATE_PENDING &&
            (a < 0 || r[i].seq > r[a].seq))
            a = i;
    *slot = a < 0 ? 0 : slot_of(&r[a]);
    *probation = a >= 0 && r[a].state == STATE_NEW;
    if (bootable(s, *slot))
        return true;
    *slot = !*slot;
    *probation = false;
    return bootable(s, *slot);
}

bool slots_boot(struct slots *s)
{
    struct record r[2];
    s->running = -1;
    s->probation = s->other_failed = false;
    for (int i = 0; i < 2; i++)
        if (record_read(s, i, &r[i]) && r[i].state == STATE_PENDING &&
            record_write(s, i, r[i].seq, STATE_ABORTED) != PORT_OK)
            return false;
    int a = active(s, r);
    int slot = a < 0 ? 0 : slot_of(&r[a]);
    if (a >= 0 && r[a].state == STATE_NEW) {
        if (record_write(s, a, r[a].seq, STATE_PENDING) != PORT_OK)
            return false;
        s->probation = true;
    }
    if (!bootable(s, slot)) {
        slot = !slot;
        s->probation = false;
        if (!bootable(s, slot))
            return false;
        s->other_failed = a >= 0;
    }
    s->running = slot;
    for (int i = 0; i < 2; i++)
        if (record_read(s, i, &r[i]) && !counts(&r[i]) && slot_of(&r[i]) != slot)
            s->other_failed = true;
    return true;
}

/* ---- the port ---- */

static int port_activate(void *ctx)
{
    struct slots *s = ctx;
    struct record r[2];
    int idle = !s->running;
    if (!bootable(s, idle))
        return PORT_ERR_RANGE;
    int a = active(s, r);
    uint32_t seq = a < 0 ? 1 : r[a].seq + 1;
    if ((int)((seq - 1) % 2) != idle)
        seq++;
    return record_write(s, a < 0 ? 0 : !a, seq, STATE_NEW);
}

static int port_confirm(void *ctx)
{
    struct slots *s = ctx;
    struct record r[2];
    int a = active(s, r);
    if (a < 0 || slot_of(&r[a]) != s->running)
        return PORT_ERR_NOT_FOUND;
    int rc = r[a].state == STATE_VALID ? PORT_OK : record_write(s, a, r[a].seq, STATE_VALID);
    s->probation = s->probation && rc != PORT_OK;
    return rc;
}

static int port_roll_back(void *ctx)
{
    struct slots *s = ctx;
    struct record r[2];
    int a = active(s, r);
    if (a < 0 || slot_of(&r[a]) != s->running || !bootable(s, !s->running))
        return PORT_ERR_NOT_FOUND;
    return record_write(s, a, r[a].seq, STATE_INVALID);
}

void slots_port(struct slots *s, struct port_firmware *out)
{
    *out = (struct port_firmware){.ctx = s,
                                  .running = (uint8_t)s->running,
                                  .probation = s->probation,
                                  .other_failed = s->other_failed,
                                  .idle = s->slot[!s->running],
                                  .activate = port_activate,
                                  .confirm = port_confirm,
                                  .roll_back = port_roll_back};
}

int slots_install(struct slots *s, int slot)
{
    int rc = s->records.erase(s->records.ctx, PORT_FLASH_SECTOR, PORT_FLASH_SECTOR);
    return rc == PORT_OK ? record_write(s, 0, (uint32_t)slot + 1, STATE_VALID) : rc;
}
