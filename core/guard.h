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
    bool allow_d;                   /* ventilation is allowed: D counts like C */
    bool check_diode;               /* front end sees the low phase */
    bool rcm_fitted;                /* GUARD_IN_RCM_FAULT trips like the RCD */
    uint8_t phases;                 /* currents looked at: 1 or 3 */
    int32_t fast_ma;                /* rms current above which I²t counts; 1000 at least */
    int32_t ct_ma_per_dmv;          /* microamperes per 0.1 mV at the pin (nominal 5556: 18 mV per ampere) */
    int32_t i_zero_dmv[3];          /* pin voltage at zero current */
    int32_t pp_min_dmv, pp_max_dmv; /* proximity pin must stay within; both 0: not looked at */
};

enum {
    GUARD_LIMIT_WORDS = 12,
    GUARD_STARVED_US = 20000, /* longest time without a frame while armed */
};

/* What only the interrupt touches. Each word that decides has its complement beside it. */
struct guard_private {
    struct guard_limits limits; /* adopted copy */
    uint32_t word, version;     /* arming and limits adopted */
    uint32_t trips, trips_inv;  /* of this arming */
    uint32_t coil, coil_inv;
    uint32_t bad;     /* conditions seen in the frame before */
    bool pp_bad;      /* ... in the frame before in which PP was visible */
    bool leaving;     /* the car has left C: waiting for zero current */
    bool timed;       /* last_us is of a frame */
    uint8_t gone;     /* frames in a row without current */
    uint32_t left_us; /* earliest time at which the car can have left C */
    uint64_t last_us; /* end of the last frame */
    uint64_t good_us; /* end of the last frame in which the car was in C */
    uint64_t beat_us; /* when the control thread's counter last moved */
    uint32_t beat;
    int32_t zero_q8[3];       /* tracked pin voltage at zero current, 0.1 mV times 256 */
    uint32_t mean_square[3];  /* of the current in this frame, (0.2 mV)² */
    uint32_t floor[3];        /* the same while the contactor is open: noise */
    uint32_t heat[3];         /* I²t integral */
    uint32_t fast_square;     /* square of fast_ma in (0.2 mV)² */
    uint32_t heat_full;       /* heat at which it trips */
    uint32_t gone_square;     /* square of the current that counts as none */
    uint16_t open_frames;     /* frames since the coil went off, saturating */
    struct sense_frame spare; /* for a frame that finds the ring full: judged all the same */
};

struct guard {
    struct sense sense;
    struct sense_frame ring[GUARD_RING];
    atomic_uint head;           /* written by the interrupt */
    atomic_uint tail;           /* written by the control thread */
    atomic_uint lost;           /* frames dropped because the ring was full */
    atomic_uint armed;          /* control → guard: 0, or the number of this arming */
    atomic_uint armed_inv;      /* its complement */
    atomic_uint limits_version; /* control → guard: counts changes of the next */
    atomic_uint limit_words[GUARD_LIMIT_WORDS];
    atomic_uint beat;       /* control → guard: counts control steps */
    atomic_uint mux_wanted; /* control → guard */
    atomic_uint trips;      /* guard → control: enum guard_trip bits since the last arming */
    atomic_uint first_trip; /* guard → control: the first of them */
    atomic_uint trip_us;    /* guard → control: low 32 bits of the time of the first */
    atomic_uint coil;       /* guard → control: 1 while the coil is driven */
    atomic_uint coil_us;    /* guard → control: low 32 bits of the time of its last change */
    atomic_uint frame_us;   /* guard → control: low 32 bits of the end of the newest frame */
    atomic_uint frames;     /* guard → control: counts frames */
    struct guard_private priv;
};

void guard_init(struct guard *g, const struct sense_cfg *cfg);

/* Interrupt (or the simulation's stand-in). Returns GUARD_OUT_* for the port to write to its pins now. */
uint32_t guard_on_frame(struct guard *g, const uint16_t *raw, size_t n, uint64_t end_us, uint32_t inputs);

/* Control thread. Takes the oldest waiting frame; false: none. */
bool guard_take_frame(struct guard *g, struct sense_frame *out);

/* Control thread. Permission to hold the contactor closed: the coil goes on with the next frame that shows
 * nothing wrong. While armed, only the limits change: a trip is cleared by disarming and arming anew, never
 * by a new limit. */
void guard_arm(struct guard *g, const struct guard_limits *limits, uint64_t now_us);
/* Control thread. Withdraws it: the coil goes off with the next frame (write the pin low too for at once). */
void guard_disarm(struct guard *g);

#endif
