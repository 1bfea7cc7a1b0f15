#include "station/rings.h"

_Static_assert((RING_EVENTS & (RING_EVENTS - 1)) == 0, "index arithmetic wraps");
_Static_assert((RING_COMMANDS & (RING_COMMANDS - 1)) == 0, "index arithmetic wraps");

/* Claims the producer's place; *at: where to write. Publishing is the store of head that follows. */
static bool claim(const atomic_uint *head, const atomic_uint *tail, unsigned size, unsigned *at)
{
    *at = atomic_load_explicit(head, memory_order_relaxed);
    return *at - atomic_load_explicit(tail, memory_order_acquire) < size;
}

static bool pending(const atomic_uint *head, const atomic_uint *tail, unsigned *at)
{
    *at = atomic_load_explicit(tail, memory_order_relaxed);
    return *at != atomic_load_explicit(head, memory_order_acquire);
}

bool event_ring_put(struct event_ring *r, const struct control_event *ev)
{
    unsigned at;
    if (!claim(&r->head, &r->tail, RING_EVENTS, &at)) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        return false;
    }
    r->item[at % RING_EVENTS] = *ev;
    atomic_store_explicit(&r->head, at + 1, memory_order_release);
    return true;
}

bool event_ring_take(struct event_ring *r, struct control_event *out)
{
    unsigned at;
    if (!pending(&r->head, &r->tail, &at))
        return false;
    *out = r->item[at % RING_EVENTS];
    atomic_store_explicit(&r->tail, at + 1, memory_order_release);
    return true;
}

uint32_t event_ring_take_lost(struct event_ring *r)
{
    return atomic_exchange_explicit(&r->lost, 0, memory_order_relaxed);
}

bool command_ring_put(struct command_ring *r, const struct control_cmd *cmd)
{
    unsigned at;
    if (!claim(&r->head, &r->tail, RING_COMMANDS, &at))
        return false;
    r->item[at % RING_COMMANDS] = *cmd;
    atomic_store_explicit(&r->head, at + 1, memory_order_release);
    return true;
}

bool command_ring_take(struct command_ring *r, struct control_cmd *out)
{
    unsigned at;
    if (!pending(&r->head, &r->tail, &at))
        return false;
    *out = r->item[at % RING_COMMANDS];
    atomic_store_explicit(&r->tail, at + 1, memory_order_release);
    return true;
}
