/*
 * lock: the motor that holds the cable in the socket: locked while a car is connected, released when it has
 * gone or on request, never under load; retries, and failure told.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LOCK_TRAVEL_US = 1000000, /* the motor has moved by then */
    LOCK_PAUSE_US = 500000,   /* released this long before the next try */
    LOCK_TRIES = 3,
    LOCK_UNLOCK_RETRY_US = 5000000, /* a plug under tension comes free later: tried for ever */
};

struct lock_in {
    uint64_t now_us;
    bool fitted;
    bool wanted;   /* a car is connected and nobody has asked for release */
    bool feedback; /* GUARD_IN_LOCKED */
    bool live;     /* contactor closed, or current flows: stays locked */
};

enum lock_phase { LOCK_REST, LOCK_MOVING, LOCK_PAUSING, LOCK_FAILED };

struct lock {
    enum lock_phase phase;
    bool drive; /* output: locked */
    bool target;
    uint8_t tries;
    uint64_t since_us;
};

struct lock_out {
    bool drive;     /* to the motor */
    bool locked;    /* held fast, or no lock is fitted */
    bool fault;     /* could not be locked; an unlock that fails is no reason against anything */
    bool event, ok; /* an attempt has ended: reached `target`, or not */
};

void lock_init(struct lock *l);
void lock_step(struct lock *l, const struct lock_in *in, struct lock_out *out);

#endif
