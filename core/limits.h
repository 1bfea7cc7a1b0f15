/*
 * limits: every limit of the charging current is a slot; the current offered is the minimum over the slots.
 */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum limit_slot {
    LIMIT_INSTALLATION, /* fuse and wiring, set by the installer */
    LIMIT_CABLE,        /* proximity resistor */
    LIMIT_SERVER,       /* what the charging backend asks; a lease */
    LIMIT_TEMPERATURE,
    LIMIT_SUPPLY, /* supply sag */
    LIMIT_PHASE_LOSS,
    LIMIT_USER,
    LIMIT_SLOTS
};

enum { LIMIT_NONE_MA = 80000 }; /* "no limit": the most a pilot can say, IEC 61851-1 Table A.7 */

struct limit {
    int32_t ma;          /* 0: do not charge */
    uint64_t expires_us; /* 0: never */
    int32_t fallback_ma; /* rules once expired */
};

struct limits {
    struct limit slot[LIMIT_SLOTS];
};

void limits_init(struct limits *l);
void limits_set(struct limits *l, enum limit_slot s, int32_t ma, uint64_t expires_us, int32_t fallback_ma);
/* Minimum over the slots at now_us; *winner: the slot that gives it (the lowest-numbered of equals). */
int32_t limits_offered_ma(const struct limits *l, uint64_t now_us, enum limit_slot *winner);
const char *limit_slot_name(enum limit_slot s); /* "installation", "cable", "server", ... */

#endif
