/*
 * inbox: lines for the log from any thread to the one that writes the log: a few slots of fixed size, free of
 * locks.
 *
 * Who brings a line never waits and does a bounded number of steps; with all slots taken the line is counted
 * as lost. Not for interrupts: it may be called while flash can't be read.
 */
#ifndef LOG_INBOX_H
#define LOG_INBOX_H

#include <stdatomic.h>

#include "log/event.h"

enum { LOG_INBOX_SLOTS = 8, LOG_NOTE_MAX = 160 };

struct log_note {
    uint64_t at_us;
    uint8_t level;
    char text[LOG_NOTE_MAX];
};

struct log_inbox {
    atomic_uint turn; /* numbers the notes in the order of coming */
    atomic_uint lost; /* since they were last taken */
    struct {
        atomic_uint state; /* free, being written, or ready */
        unsigned turn;
        struct log_note note;
    } slot[LOG_INBOX_SLOTS];
};

/* Any thread; all zero is an empty inbox. A longer text is cut. false: no room. */
bool log_inbox_put(struct log_inbox *b, uint64_t at_us, enum log_level level, const char *text);
/* The reading thread: the note that came first of those that are ready. false: none. */
bool log_inbox_take(struct log_inbox *b, struct log_note *out);
uint32_t log_inbox_take_lost(struct log_inbox *b);

#endif
