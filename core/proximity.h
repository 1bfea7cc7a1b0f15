/*
 * proximity: which cable is in the socket, from the voltage at the proximity pin.
 */
#ifndef CORE_PROXIMITY_H
#define CORE_PROXIMITY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PROXIMITY_NONE = 0,     /* no cable */
    PROXIMITY_INVALID = -1, /* shorted, or in a gap between two ratings */
    PROXIMITY_OPEN_OHM = INT32_MAX,
};

/* Resistance from proximity contact to earth; PROXIMITY_OPEN_OHM from 20 kΩ up. */
int32_t proximity_ohm_of_mv(int32_t pin_mv);
/* Pin voltage of a resistance, mV; the other way round. */
int32_t proximity_mv_of_ohm(int32_t ohm);
/* Rating in mA, PROXIMITY_NONE or PROXIMITY_INVALID; never "the nearest". */
int32_t proximity_ma_of_ohm(int32_t ohm);
/* The window of pin voltages, 0.1 mV, within which a cable of this rating stays; false: no such rating. */
bool proximity_window_dmv(int32_t rating_ma, int32_t *min_dmv, int32_t *max_dmv);

struct proximity {
    bool known; /* debounced at least once */
    int32_t ma; /* debounced: rating, PROXIMITY_NONE or PROXIMITY_INVALID */
    int32_t candidate_ma;
    uint64_t since_us; /* of the candidate; 0: none */
    int32_t mv;        /* last pin voltage */
};

void proximity_init(struct proximity *p);
/* Each control step; `valid` false: nothing new is known (stale for a second: the cable counts as invalid).
 * True: the rating has changed. */
bool proximity_step(struct proximity *p, bool valid, int32_t pin_mv, uint64_t now_us);

#endif
