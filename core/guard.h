/*
 * guard: the trip path. Looks at every frame inside the ADC interrupt and drops the contactor by itself.
 *
 * The only writer that ever switches the coil ON is guard_on_frame's result; everyone may switch it off. The
 * control thread arms and disarms; the guard trips and stays tripped until it is armed anew. Shared words are
 * C11 atomics, frames travel through a single-producer single-consumer ring; nothing here waits.
 */
#ifndef CORE_GUARD_H
#define CORE_GUARD_H

#include <stdatomic.h>

#include "core/sense.h"

enum { GUARD_RING = 16 }; /* frames (about 77 ms) that may wait for the control thread */

/* Digital inputs that travel with a frame. Same bits as the port's. */
enum {
    GUARD_IN_RCD = 1u << 0,       /* residual current device has tripped */
    GUARD_IN_AUX = 1u << 1,       /* contactor auxiliary contact: closed */
    GUARD_IN_LOCKED = 1u << 2,    /* socket lock feedback: locked */
    GUARD_IN_BUTTON = 1u << 3,    /* the user's button is pressed */
    GUARD_IN_RCM_FAULT = 1u << 4, /* output of a residual-current monitor, for its self-test */
};

/* What guard_on_frame tells the port to write, at once. */
enum {
    GUARD_OUT_COIL = 1u << 0, /* contactor coil on */
    GUARD_OUT_MUX = 1u << 1,  /* analogue switch position 1 */
};

/* Why the guard opened; several may be set, the first is kept apart. */
enum guard_trip {
    GUARD_TRIP_NONE = 0,
    GUARD_TRIP_LEFT_C = 1u << 0,      /* the car opened S2: state B */
    GUARD_TRIP_UNPLUGGED = 1u << 1,   /* state A: CP open */
    GUARD_TRIP_CP_SHORT = 1u << 2,    /* state E */
    GUARD_TRIP_CP_RANGE = 1u << 3,    /* level in no state's window, or no pilot at all */
    GUARD_TRIP_DIODE = 1u << 4,       /* low phase no longer −12 V */
    GUARD_TRIP_PP = 1u << 5,          /* proximity open or changed */
    GUARD_TRIP_OVERCURRENT = 1u << 6, /* fast I²t */
    GUARD_TRIP_RCD = 1u << 7,
    GUARD_TRIP_STARVED = 1u << 8,      /* no fresh frame within 20 ms */
    GUARD_TRIP_CONTROL = 1u << 9,      /* the control thread has not been heard of */
    GUARD_TRIP_INTERNAL = 1u << 10,    /* its own words disagree */
    GUARD_TRIP_VENTILATION = 1u << 11, /* state D although it is not allowed */
};

/* With what the contactor may stay closed. Given with each arming, and again whenever it changes. */
struct guard_limits {
    bool allow_d;          /* ventilation is allowed: D counts like C */
    bool check_diode;      /* front end sees the low phase */
    int32_t fast_ma;       /* rms current above which I²t counts */
    int32_t ct_ma_per_dmv; /* current per 0.1 mV at the pin, in mA (default 5556 / 1000, see q8) */
    int32_t i_zero_dmv[3]; /* pin voltage at zero current */
};

struct guard {
    struct sense sense;
    struct sense_frame ring[GUARD_RING];
    atomic_uint head;       /* written by the interrupt */
    atomic_uint tail;       /* written by the control thread */
    atomic_uint lost;       /* frames dropped because the ring was full */
    atomic_uint armed;      /* control → guard */
    atomic_uint beat;       /* control → guard: counts control steps */
    atomic_uint mux_wanted; /* control → guard */
    atomic_uint trips;      /* guard → control: enum guard_trip bits since the last arming */
    atomic_uint first_trip; /* guard → control: the first of them */
    atomic_uint trip_us;    /* guard → control: low 32 bits of the time of the first */
    /* The owner of core/ keeps the rest (interrupt-only state, limits) here. */
    struct guard_private {
        struct guard_limits limits;
        uint32_t words[24];
    } priv;
};

void guard_init(struct guard *g, const struct sense_cfg *cfg);

/* Interrupt (or the simulation's stand-in). Returns GUARD_OUT_* for the port to write to its pins now. */
uint32_t guard_on_frame(struct guard *g, const uint16_t *raw, size_t n, uint64_t end_us, uint32_t inputs);

/* Control thread. Takes the oldest waiting frame; false: none. */
bool guard_take_frame(struct guard *g, struct sense_frame *out);

/* Control thread. Permission to hold the contactor closed; withdraws it. */
void guard_arm(struct guard *g, const struct guard_limits *limits, uint64_t now_us);
void guard_disarm(struct guard *g);

#endif
