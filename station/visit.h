/*
 * visit: a car's stay at the station: since when, and the energy it has taken. Not a transaction: it begins
 * when the car is plugged in and needs nobody to pay for it.
 */
#ifndef STATION_VISIT_H
#define STATION_VISIT_H

#include "core/control.h"

struct visit {
    bool here;          /* a car is connected; what follows is of this or the last one */
    bool charged;       /* it has been charged */
    uint64_t since_us;  /* when it came; start-up if it was here already */
    uint64_t start_uwh; /* of the meter, then */
    enum evse_state state;
    uint64_t state_us; /* since when the station has been in this state */
};

/* Whenever there is a new status, once a second at least. */
void visit_follow(struct visit *v, const struct control_status *c);

#endif
