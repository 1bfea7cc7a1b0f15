/*
 * overcurrent: the slow rule: a car that draws more than it was offered is given time to follow, then
 * stopped.
 */
#ifndef CORE_OVERCURRENT_H
#define CORE_OVERCURRENT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    OVERCURRENT_US =
        7000000, /* a car has 5 s to follow a new duty (IEC 61851-1 Table A.6, sequence 6), and 2 s more */
    OVERCURRENT_ABOVE_MA = 500, /* on top of 10 % */
};

/* rms current above which time counts. */
int32_t overcurrent_threshold_ma(int32_t limit_ma);
/* The same for the guard's I²t: current above which heat counts, for a circuit of this rating. */
int32_t overcurrent_fast_ma(int32_t rating_ma);

struct overcurrent {
    uint32_t over_us[3]; /* time above the threshold, less the time below it */
};

void overcurrent_init(struct overcurrent *o);
/* `offering` false: nothing is offered, the rule of the state machine (6 s) governs. True: stop. */
bool overcurrent_step(struct overcurrent *o, bool offering, int32_t limit_ma, const int32_t i_ma[3],
                      uint32_t dt_us);

#endif
