/* blackbox: areas that take turns; see blackbox.h. */
#include "log/blackbox.h"

/*
 * Who may touch an area's plain members: WRITTEN: the control thread. KEPT: nobody. HELD: the comms thread.
 * The control thread goes KEPT -> WRITTEN and WRITTEN -> KEPT, the comms thread KEPT -> HELD and back, each
 * by one atomic exchange, so that each sees what the other has written before.
 */
enum { UNUSED, WRITTEN, KEPT, HELD };

static size_t full_capacity(uint32_t period_us)
{
    size_t n = (size_t)(BLACKBOX_BEFORE_MS + BLACKBOX_AFTER_MS) * 1000 / (period_us ? period_us : 1);
    return n < BLACKBOX_SAMPLES_MAX ? n : BLACKBOX_SAMPLES_MAX;
}

size_t blackbox_bytes(uint32_t period_us)
{
    return full_capacity(period_us) * sizeof(struct blackbox_sample) * BLACKBOX_AREAS;
}

void blackbox_init(struct blackbox *b, void *mem, size_t bytes, uint32_t period_us)
{
    *b = (struct blackbox){.every = 1};
    size_t capacity = mem ? bytes / BLACKBOX_AREAS / sizeof(struct blackbox_sample) : 0;
    size_t full = full_capacity(period_us);
    if (capacity < 8)
        return;
    if (capacity > full)
        capacity = full;
    uint32_t span_us = (BLACKBOX_BEFORE_MS + BLACKBOX_AFTER_MS) * 1000u;
    b->capacity = (uint16_t)capacity;
    b->every = (uint16_t)((span_us + period_us * (uint32_t)capacity - 1) / (period_us * (uint32_t)capacity));
    for (unsigned i = 0; i < BLACKBOX_AREAS; i++)
        b->area[i].sample = (struct blackbox_sample *)mem + i * capacity;
    atomic_store_explicit(&b->area[0].state, WRITTEN, memory_order_relaxed);
}

/* ---- control thread ---- */

bool blackbox_due(struct blackbox *b)
{
    if (!b->capacity || ++b->steps < b->every)
        return false;
    b->steps = 0;
    return true;
}

/* The area that has been kept longest, or never used, and that nobody holds. */
static bool take_oldest(struct blackbox *b, unsigned *out)
{
    for (unsigned tries = 0; tries < BLACKBOX_AREAS; tries++) {
        unsigned best = BLACKBOX_AREAS;
        for (unsigned i = 0; i < BLACKBOX_AREAS; i++) {
            unsigned state = atomic_load_explicit(&b->area[i].state, memory_order_acquire);
            if (state != UNUSED && state != KEPT)
                continue;
            /* Only this thread changes the cause, and not while it is kept. */
            if (best == BLACKBOX_AREAS || b->area[i].cause.number < b->area[best].cause.number)
                best = i;
        }
        if (best == BLACKBOX_AREAS)
            return false;
        unsigned was = b->area[best].cause.number ? KEPT : UNUSED;
        if (atomic_compare_exchange_strong_explicit(&b->area[best].state, &was, WRITTEN, memory_order_acq_rel,
                                                    memory_order_relaxed)) {
            *out = best;
            return true;
        }
    }
    return false;
}

static void keep(struct blackbox *b)
{
    struct blackbox_area *a = &b->area[b->now];
    unsigned next;
    if (!take_oldest(b, &next)) { /* the reader was quicker each time: it holds BLACKBOX_HELD at most */
        b->after = 1;
        return;
    }
    a->cause = b->cause;
    atomic_store_explicit(&a->state, KEPT, memory_order_release);
    atomic_store_explicit(&b->kept, b->cause.number, memory_order_release);
    b->area[next].next = b->area[next].count = 0;
    b->area[next].cause = (struct blackbox_cause){0};
    b->now = (uint8_t)next;
}

void blackbox_add(struct blackbox *b, const struct blackbox_sample *s)
{
    struct blackbox_area *a = &b->area[b->now];
    if (!b->capacity)
        return;
    a->sample[a->next] = *s;
    a->next = (uint16_t)(a->next + 1 < b->capacity ? a->next + 1 : 0);
    if (a->count < b->capacity)
        a->count++;
    if (b->after && !--b->after)
        keep(b);
}

bool blackbox_fault(struct blackbox *b, uint64_t at_us, int32_t fault, int32_t detail)
{
    if (!b->capacity || b->after)
        return false;
    b->cause =
        (struct blackbox_cause){.at_us = at_us, .fault = fault, .detail = detail, .number = ++b->number};
    b->after =
        (uint16_t)((uint32_t)b->capacity * BLACKBOX_AFTER_MS / (BLACKBOX_BEFORE_MS + BLACKBOX_AFTER_MS));
    if (!b->after)
        b->after = 1;
    return true;
}

uint32_t blackbox_newest(struct blackbox *b)
{
    return atomic_load_explicit(&b->kept, memory_order_acquire);
}

/* ---- comms thread ---- */

unsigned blackbox_hold(struct blackbox *b, struct blackbox_box out[BLACKBOX_HELD], uint32_t period_us)
{
    unsigned n = 0;
    /* From the newest number down: what is held meanwhile can't go, what goes meanwhile is older. */
    uint32_t number = blackbox_newest(b);
    for (unsigned k = 0; k < BLACKBOX_AREAS && number && n < BLACKBOX_HELD; k++, number--) {
        for (unsigned i = 0; i < BLACKBOX_AREAS; i++) {
            struct blackbox_area *a = &b->area[i];
            unsigned was = KEPT;
            if (!atomic_compare_exchange_strong_explicit(&a->state, &was, HELD, memory_order_acq_rel,
                                                         memory_order_relaxed))
                continue;
            if (a->cause.number != number) {
                atomic_store_explicit(&a->state, KEPT, memory_order_release);
                continue;
            }
            out[n++] = (struct blackbox_box){
                .area = i, .cause = a->cause, .period_us = period_us * b->every, .count = a->count};
            break;
        }
    }
    for (unsigned i = 0; i < n / 2; i++) {
        struct blackbox_box other = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = other;
    }
    return n;
}

const struct blackbox_sample *blackbox_at(const struct blackbox *b, const struct blackbox_box *box, size_t i)
{
    const struct blackbox_area *a = &b->area[box->area];
    size_t first = a->count < b->capacity ? 0 : a->next;
    return &a->sample[(first + i) % b->capacity];
}

void blackbox_release(struct blackbox *b, const struct blackbox_box *box)
{
    atomic_store_explicit(&b->area[box->area].state, KEPT, memory_order_release);
}
