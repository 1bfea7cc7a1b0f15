/* ring: records of any length in a circle; see ring.h. */
#include "log/ring.h"

#include <stdatomic.h>
#include <string.h>

enum {
    MAGIC = 0x4c4f4732, /* "LOG2" */
    ALIGN = 8,
    FLAG_BEFORE = 1,
    ID_FILLER = 0xffff, /* nothing fitted between here and the end of the area */
};

/* As it lies in the area; integers and then text follow. */
struct record {
    uint16_t bytes; /* of all of it, a multiple of ALIGN */
    uint16_t check; /* over all of it but this */
    uint16_t id;
    uint8_t level, module;
    uint32_t n;
    uint8_t ints, flags;
    uint16_t text_len;
    uint64_t at_us;
};
_Static_assert(sizeof(struct record) == 24, "a record's head");

enum { RECORD_MAX = (int)sizeof(struct record) + LOG_INTS_MAX * 4 + LOG_TEXT_MAX + ALIGN };

static unsigned char *at(const struct log_ring *r, uint32_t offset)
{
    return (unsigned char *)(uintptr_t)r->area + offset;
}

/* Fletcher's sum, folded: finds the noise of a memory that lost its power, and a record that is half written.
 * The sums of RECORD_MAX bytes fit: the remainders are taken once. */
static uint16_t check_of(const unsigned char *p, size_t n)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 2) /* the check itself: bytes 2 and 3 */
            i = 4;
        a += p[i];
        b += a;
    }
    return (uint16_t)(b % 255 << 8 | a % 255);
}

/* What is written before stays before what is written after, as seen by whoever looks after a reset. */
static void in_order(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

static void clear(struct log_ring *r)
{
    r->oldest = r->used = r->count = 0;
}

struct log_ring *log_ring_make(void *mem, size_t bytes, uint32_t boot)
{
    struct log_ring *r = mem;
    if (!mem || bytes < LOG_RING_BYTES_MIN)
        return NULL;
    size_t area = (bytes - sizeof *r) / ALIGN * ALIGN;
    r->magic = 0;
    in_order();
    r->bytes = area > UINT32_MAX / 2 ? UINT32_MAX / 2 / ALIGN * ALIGN : (uint32_t)area;
    r->boot = boot;
    r->clock_known = 0;
    r->clock_ms = 0;
    r->serial = 0;
    r->table = r->reserved = 0;
    clear(r);
    in_order();
    r->magic = MAGIC;
    return r;
}

static bool head_of(const struct log_ring *r, uint32_t offset, struct record *out)
{
    if (offset % ALIGN || offset + sizeof *out > r->bytes) {
        /* The last 8 or 16 bytes hold no head: a filler by agreement. */
        *out = (struct record){.id = ID_FILLER, .bytes = (uint16_t)(r->bytes - offset)};
        return offset % ALIGN == 0 && offset < r->bytes;
    }
    memcpy(out, at(r, offset), sizeof *out);
    if (out->id == ID_FILLER)
        out->bytes = 0; /* to the end; may be more than 16 bits say */
    return true;
}

/* Bytes from offset to the next record, and its head. 0: what lies there is no record. */
static uint32_t span_of(const struct log_ring *r, uint32_t offset, struct record *h)
{
    if (!head_of(r, offset, h))
        return 0;
    if (h->id == ID_FILLER)
        return r->bytes - offset;
    if (h->bytes < sizeof *h || h->bytes % ALIGN || h->bytes > RECORD_MAX || offset + h->bytes > r->bytes ||
        h->ints > LOG_INTS_MAX || sizeof *h + h->ints * 4u + h->text_len > h->bytes)
        return 0;
    return h->bytes;
}

struct log_ring *log_ring_find(void *mem, size_t bytes)
{
    struct log_ring *r = mem;
    if (!mem || bytes < LOG_RING_BYTES_MIN || r->magic != MAGIC)
        return NULL;
    if (r->bytes != (bytes - sizeof *r) / ALIGN * ALIGN || r->oldest >= r->bytes || r->used > r->bytes ||
        r->oldest % ALIGN)
        return NULL;
    uint32_t offset = r->oldest, seen = 0, count = 0;
    while (seen < r->used) {
        struct record h;
        uint32_t span = span_of(r, offset, &h);
        if (!span || seen + span > r->used ||
            (h.id != ID_FILLER && h.check != check_of(at(r, offset), h.bytes)))
            break;
        seen += span;
        count += h.id != ID_FILLER;
        offset = (offset + span) % r->bytes;
    }
    r->used = seen;
    r->count = count;
    return r;
}

static void entry_of(const struct log_ring *r, uint32_t offset, const struct record *h, struct log_entry *out)
{
    *out = (struct log_entry){.at_us = h->at_us,
                              .n = h->n,
                              .before = h->flags & FLAG_BEFORE,
                              .id = h->id,
                              .level = h->level,
                              .module = h->module,
                              .ints = h->ints,
                              .text_len = h->text_len};
    memcpy(out->value, at(r, offset) + sizeof *h, h->ints * sizeof out->value[0]);
    out->text = (const char *)at(r, offset) + sizeof *h + h->ints * sizeof out->value[0];
}

static void drop_oldest(struct log_ring *r,
                        void (*dropped)(void *ctx, uint32_t serial, const struct log_entry *e), void *ctx)
{
    struct record h;
    uint32_t span = span_of(r, r->oldest, &h);
    if (!span ||
        span > r->used) { /* never, unless somebody wrote over it: begin anew rather than go astray */
        r->serial += r->count;
        clear(r);
        return;
    }
    bool entry = h.id != ID_FILLER;
    if (entry && dropped) {
        struct log_entry e;
        entry_of(r, r->oldest, &h, &e);
        dropped(ctx, r->serial, &e);
    }
    r->serial += entry;
    r->count -= entry;
    r->used -= span;
    in_order();
    r->oldest = (r->oldest + span) % r->bytes;
    in_order();
}

void log_ring_put(struct log_ring *r, const struct log_entry *e,
                  void (*dropped)(void *ctx, uint32_t serial, const struct log_entry *e), void *ctx)
{
    struct record h = {.id = e->id,
                       .level = e->level,
                       .module = e->module,
                       .n = e->n,
                       .ints = e->ints < LOG_INTS_MAX ? e->ints : LOG_INTS_MAX,
                       .flags = e->before ? FLAG_BEFORE : 0,
                       .text_len = (uint16_t)(e->text_len < LOG_TEXT_MAX ? e->text_len : LOG_TEXT_MAX),
                       .at_us = e->at_us};
    size_t plain = sizeof h + h.ints * sizeof e->value[0];
    h.bytes = (uint16_t)((plain + h.text_len + ALIGN - 1) / ALIGN * ALIGN);

    uint32_t next, filler;
    for (;;) {
        next = (r->oldest + r->used) % r->bytes;
        filler = next + h.bytes > r->bytes ? r->bytes - next : 0;
        if (r->bytes - r->used >= h.bytes + filler)
            break;
        drop_oldest(r, dropped, ctx);
    }
    if (filler) {
        const struct record f = {.id = ID_FILLER};
        if (filler >= sizeof f)
            memcpy(at(r, next), &f, sizeof f);
        in_order();
        r->used += filler;
        next = 0;
    }
    unsigned char *p = at(r, next);
    memset(p + h.bytes - ALIGN, 0, ALIGN);
    memcpy(p, &h, sizeof h);
    memcpy(p + sizeof h, e->value, h.ints * sizeof e->value[0]);
    if (h.text_len)
        memcpy(p + plain, e->text, h.text_len);
    h.check = check_of(p, h.bytes);
    memcpy(p, &h, sizeof h);
    in_order();
    r->used += h.bytes;
    r->count++;
}

bool log_ring_next(const struct log_ring *r, struct log_place *place, struct log_entry *out)
{
    if ((int32_t)(place->serial - r->serial) <= 0) {
        place->serial = r->serial;
        place->offset = r->oldest;
    }
    if (place->serial - r->serial >= r->count)
        return false;
    struct record h;
    uint32_t span = span_of(r, place->offset, &h);
    if (span && h.id == ID_FILLER) {
        place->offset = 0;
        span = span_of(r, 0, &h);
    }
    if (!span || h.id == ID_FILLER)
        return false;
    entry_of(r, place->offset, &h, out);
    place->serial++;
    place->offset = (place->offset + span) % r->bytes;
    return true;
}

struct log_place log_ring_end(const struct log_ring *r)
{
    return (struct log_place){.serial = r->serial + r->count, .offset = (r->oldest + r->used) % r->bytes};
}
