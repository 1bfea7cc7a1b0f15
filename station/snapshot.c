#include "station/snapshot.h"

#include <string.h>

/* Each word is stored with release and loaded with acquire order: a reader that sees any new word also sees
 * the odd sequence number that came before it, and so notices that it was overtaken. No fences, which thread
 * sanitizers do not understand. */

void snapshot_write(struct snapshot *s, const struct control_status *status)
{
    uint32_t words[SNAPSHOT_WORDS] = {0};
    memcpy(words, status, sizeof *status);
    unsigned seq = atomic_load_explicit(&s->seq, memory_order_relaxed);
    atomic_store_explicit(&s->seq, seq + 1, memory_order_relaxed);
    for (size_t i = 0; i < SNAPSHOT_WORDS; i++)
        atomic_store_explicit(&s->word[i], words[i], memory_order_release);
    atomic_store_explicit(&s->seq, seq + 2, memory_order_release);
}

void snapshot_read(struct snapshot *s, struct control_status *out)
{
    uint32_t words[SNAPSHOT_WORDS];
    for (;;) {
        unsigned before = atomic_load_explicit(&s->seq, memory_order_acquire);
        if (before & 1u)
            continue;
        for (size_t i = 0; i < SNAPSHOT_WORDS; i++)
            words[i] = atomic_load_explicit(&s->word[i], memory_order_acquire);
        if (atomic_load_explicit(&s->seq, memory_order_relaxed) == before)
            break;
    }
    memcpy(out, words, sizeof *out);
}
