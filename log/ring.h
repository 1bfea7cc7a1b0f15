/*
 * ring: the newest log entries in a piece of memory, oldest first; the oldest make room for new ones. All
 * that belongs to it lies in that memory, so that one that survives a reset can be read again by whoever
 * finds it.
 *
 * One thread. Whatever happens between two stores (a panic, a kill), what was complete before stays readable.
 */
#ifndef LOG_RING_H
#define LOG_RING_H

#include "log/event.h"

enum { LOG_RING_BYTES_MIN = 1024 };

struct log_ring {
    uint32_t magic, bytes; /* of `area` */
    uint32_t boot;         /* names the run that writes it */
    uint32_t clock_known;  /* wall time of monotonic 0, for those who read it after a reset */
    int64_t clock_ms;
    uint32_t oldest; /* offset */
    uint32_t used;   /* bytes from there on, going round */
    uint32_t serial; /* of the oldest entry; counts all that were ever dropped */
    uint32_t count;
    uint32_t table; /* which table of events its ids are of; the writer's to set */
    uint32_t reserved;
    uint64_t area[];
};

/* A place among the entries; all zero: before the oldest one of a fresh ring. */
struct log_place {
    uint32_t serial, offset;
};

/* Makes an empty ring in mem (8-byte aligned). NULL: fewer than LOG_RING_BYTES_MIN. */
struct log_ring *log_ring_make(void *mem, size_t bytes, uint32_t boot);
/* The ring that a run before has left in mem, cut behind its last whole entry; NULL: there is none. */
struct log_ring *log_ring_find(void *mem, size_t bytes);

/* Drops the oldest ones until e fits. A text longer than LOG_TEXT_MAX is cut. `dropped` (may be NULL) is told
 * of each one before it goes. */
void log_ring_put(struct log_ring *r, const struct log_entry *e,
                  void (*dropped)(void *ctx, uint32_t serial, const struct log_entry *e), void *ctx);

/* The entry at *place, which moves to the next one; a place that has been overwritten moves to the oldest
 * first. The text is good until the next put. false: there is none (yet). */
bool log_ring_next(const struct log_ring *r, struct log_place *place, struct log_entry *out);
/* Behind the newest. */
struct log_place log_ring_end(const struct log_ring *r);

#endif
