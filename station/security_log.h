/*
 * security_log: the newest security events, whatever the server has been told of them: the SecurityLog of
 * OCPP. In the journal, so that they are there after a power cut too, each with its wall time: one that
 * happens before the clock is known waits in RAM for a while. Comms thread only.
 */
#ifndef STATION_SECURITY_LOG_H
#define STATION_SECURITY_LOG_H

#include "station/wallclock.h"
#include "store/journal.h"

enum {
    SECURITY_LOG_KEPT = 64, /* in the journal; older ones go */
    SECURITY_LOG_WAITING = 8,
    SECURITY_LOG_TEXT = 48,
};

struct security_log_entry {
    bool wall_known;
    int64_t unix_ms;
    uint64_t at_us; /* monotonic, of an entry that still waits */
    char text[SECURITY_LOG_TEXT];
};

struct security_log {
    struct journal *journal; /* NULL: none; then only what waits is there */
    uint32_t kept;
    uint8_t waiting_n;
    struct security_log_entry waiting[SECURITY_LOG_WAITING];
};

/* journal: mounted, or NULL. */
void security_log_init(struct security_log *l, struct journal *journal);
void security_log_add(struct security_log *l, uint64_t at_us, const char *text);
/* Each comms step: what waits goes to the journal when the time is known, or when it has not been for ten
 * minutes. */
void security_log_step(struct security_log *l, const struct wallclock *clock, uint64_t now_us);
/* The entry behind `place` (0: the first), oldest first; *place moves to it. false: no more. */
bool security_log_next(const struct security_log *l, uint32_t *place, struct security_log_entry *out);

#endif
