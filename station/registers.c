#include "station/registers.h"

#include <stddef.h>
#include <string.h>

#include "station/retained.h"
#include "store/crc32.h"

enum {
    COPIES = 2,
    COPY_MAGIC = 0x52454731, /* version 1 */
    /* More than any station of this kind can deliver: 3 × 80 A (the most IEC 61851-1 table A.8 can offer) at
     * 300 V. */
    POWER_MAX_W = 72000,
    MARK_LAG_S =
        120, /* the mark it builds on is from before that start: once a minute, and some time to boot */
};

struct copy {
    uint32_t magic;
    uint32_t count; /* grows by one with each copy: the greater is the newer */
    uint32_t contactor_cycles;
    uint32_t run_s; /* since that start */
    uint64_t import_uwh[3];
    uint64_t import_total_uwh;
    uint32_t reserved;
    uint32_t crc; /* of everything before it */
};
_Static_assert(COPIES * sizeof(struct copy) <= RETAINED_REGISTERS_BYTES, "the part that retained.h gives");

static uint32_t check(const struct copy *c)
{
    return crc32_add(0, c, offsetof(struct copy, crc));
}

static unsigned char *place(void *retained, uint32_t count)
{
    return (unsigned char *)retained + RETAINED_REGISTERS + count % COPIES * sizeof(struct copy);
}

/* Does it go on from the mark? Never backwards, nor by more than can have flowed since. */
static bool follows(const struct copy *c, const struct durable_registers *mark)
{
    if (c->import_total_uwh < mark->meter.import_total_uwh || c->contactor_cycles < mark->contactor_cycles)
        return false;
    for (int p = 0; p < 3; p++)
        if (c->import_uwh[p] < mark->meter.import_uwh[p])
            return false;
    uint64_t most_uwh = ((uint64_t)c->run_s + MARK_LAG_S) * POWER_MAX_W * 1000000u / 3600u;
    return c->import_total_uwh - mark->meter.import_total_uwh <= most_uwh;
}

bool registers_recall(const void *retained, const struct durable_registers *mark,
                      struct durable_registers *out)
{
    struct copy best = {0};
    bool any = false;
    for (unsigned i = 0; retained && i < COPIES; i++) {
        struct copy c;
        memcpy(&c, (const unsigned char *)retained + RETAINED_REGISTERS + i * sizeof c, sizeof c);
        if (c.magic != COPY_MAGIC || c.crc != check(&c) || (any && (int32_t)(c.count - best.count) < 0))
            continue;
        best = c;
        any = true;
    }
    if (!any || (mark && !follows(&best, mark)))
        return false;
    if (mark && best.import_total_uwh == mark->meter.import_total_uwh &&
        best.contactor_cycles == mark->contactor_cycles)
        return false; /* the same */
    *out = (struct durable_registers){.contactor_cycles = best.contactor_cycles};
    memcpy(out->meter.import_uwh, best.import_uwh, sizeof best.import_uwh);
    out->meter.import_total_uwh = best.import_total_uwh;
    return true;
}

void registers_keep(void *retained, struct registers_kept *k, const struct meter_reading *meter,
                    uint32_t contactor_cycles, uint64_t now_us)
{
    if (!retained ||
        (k->count && k->total_uwh == meter->import_total_uwh && k->contactor_cycles == contactor_cycles))
        return;
    struct copy c = {
        .magic = COPY_MAGIC,
        .contactor_cycles = contactor_cycles,
        .run_s = (uint32_t)(now_us / 1000000u),
        .import_total_uwh = meter->import_total_uwh,
    };
    memcpy(c.import_uwh, meter->import_uwh, sizeof c.import_uwh);
    /* At a start both copies become this one's: what an earlier run has left must not look newer. */
    for (unsigned n = k->count ? 1 : COPIES; n > 0; n--) {
        c.count = ++k->count;
        c.crc = check(&c);
        memcpy(place(retained, c.count), &c, sizeof c);
    }
    k->total_uwh = c.import_total_uwh;
    k->contactor_cycles = contactor_cycles;
}
