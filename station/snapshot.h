/*
 * snapshot: the control path's status, published by one thread and read by any other without a lock.
 *
 * A sequence lock over atomic words: the writer never waits; a reader that was overtaken tries again.
 */
#ifndef STATION_SNAPSHOT_H
#define STATION_SNAPSHOT_H

#include <stdatomic.h>

#include "core/control.h"

enum { SNAPSHOT_WORDS = (sizeof(struct control_status) + 3) / 4 };

struct snapshot {
    atomic_uint seq; /* odd while being written */
    atomic_uint word[SNAPSHOT_WORDS];
};

/* Control thread only. */
void snapshot_write(struct snapshot *s, const struct control_status *status);
/* Any thread. */
void snapshot_read(struct snapshot *s, struct control_status *out);

#endif
