/* inbox: many writers, one reader; see inbox.h. */
#include "log/inbox.h"

#include <string.h>

enum { FREE, TAKEN, READY };

bool log_inbox_put(struct log_inbox *b, uint64_t at_us, enum log_level level, const char *text)
{
    for (unsigned i = 0; i < LOG_INBOX_SLOTS; i++) {
        unsigned was = FREE;
        if (!atomic_compare_exchange_strong_explicit(&b->slot[i].state, &was, TAKEN, memory_order_acquire,
                                                     memory_order_relaxed))
            continue;
        struct log_note *n = &b->slot[i].note;
        size_t len = strlen(text);
        if (len >= sizeof n->text)
            len = sizeof n->text - 1;
        n->at_us = at_us;
        n->level = (uint8_t)level;
        memcpy(n->text, text, len);
        n->text[len] = '\0';
        b->slot[i].turn = atomic_fetch_add_explicit(&b->turn, 1, memory_order_relaxed);
        atomic_store_explicit(&b->slot[i].state, READY, memory_order_release);
        return true;
    }
    atomic_fetch_add_explicit(&b->lost, 1, memory_order_relaxed);
    return false;
}

/* The ready slot with the lowest turn; LOG_INBOX_SLOTS: none. */
static unsigned first_ready(struct log_inbox *b)
{
    unsigned first = LOG_INBOX_SLOTS;
    for (unsigned i = 0; i < LOG_INBOX_SLOTS; i++)
        if (atomic_load_explicit(&b->slot[i].state, memory_order_acquire) == READY &&
            (first == LOG_INBOX_SLOTS || (int)(b->slot[i].turn - b->slot[first].turn) < 0))
            first = i;
    return first;
}

bool log_inbox_take(struct log_inbox *b, struct log_note *out)
{
    /* A thread's earlier note may have come to a slot that had been passed by when its later one was seen:
     * look again until nothing earlier turns up, which is at most once for each slot. */
    unsigned first = first_ready(b), again;
    while ((again = first_ready(b)) != first)
        first = again;
    if (first == LOG_INBOX_SLOTS)
        return false;
    *out = b->slot[first].note;
    atomic_store_explicit(&b->slot[first].state, FREE, memory_order_release);
    return true;
}

uint32_t log_inbox_take_lost(struct log_inbox *b)
{
    return atomic_exchange_explicit(&b->lost, 0, memory_order_relaxed);
}
