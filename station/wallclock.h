/*
 * wallclock: wall time of monotonic instants, once the server (or another source) has told it. Comms thread
 * only.
 */
#ifndef STATION_WALLCLOCK_H
#define STATION_WALLCLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct wallclock {
    bool known;
    int64_t offset_ms; /* unix time minus monotonic time */
};

/* It is unix_ms at the monotonic instant now_us. */
void wallclock_set(struct wallclock *w, int64_t unix_ms, uint64_t now_us);
/* Wall time of any monotonic instant since start-up, also one from before the clock was set. false: not yet
 * known. */
bool wallclock_at(const struct wallclock *w, uint64_t at_us, int64_t *unix_ms);

#endif
