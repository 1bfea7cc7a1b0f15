/*
 * evse: the state machine of IEC 61851-1 basic charging. A pure function of its state, its inputs and the
 * time that has passed: it knows no sensor, no clock and no contactor, so that every reachable state can be
 * walked.
 *
 * Clauses: "A.6/n" is sequence n of IEC 61851-1 (edition 3) Table A.6, second-hand from public sources.
 */
#ifndef CORE_EVSE_H
#define CORE_EVSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/contactor.h"

/* What the station is doing, for people and servers. */
enum evse_state {
    EVSE_SELF_TEST,   /* after power-up: nothing is offered yet */
    EVSE_UNAVAILABLE, /* taken out of service: state F */
    EVSE_IDLE,        /* A: no car */
    EVSE_CONNECTED,   /* B: car, not authorised: +9 V steady (B1) */
    EVSE_OFFERING,    /* B2: authorised, PWM on, car not asking */
    EVSE_WAITING,     /* authorised, but no current may be offered (x1) */
    EVSE_WAKING,      /* wake-up sequence of a sleeping car */
    EVSE_CLOSING,     /* C2: car asks, contactor is being closed */
    EVSE_CHARGING,    /* C2/D2: contactor closed */
    EVSE_STOPPING,    /* PWM taken away, waiting for the car to open S2 (at most 6 s) */
    EVSE_FAULT,
    EVSE_STATES
};
const char *evse_state_name(enum evse_state s);

enum {
    /* A known car pulses C for 250 ms when it is plugged in: only a C that lasts is a wish. */
    EVSE_C_STABLE_MS = 500,
    /* A.6/10.2: a car that stays in C without PWM is disconnected under load after 6 s at the earliest. */
    EVSE_STOP_MS = 6000,
    /* A.6/6: PWM changes are 5 s apart, so that a car has followed the last one. */
    EVSE_DUTY_SPACING_MS = 5000,
    /* A fault while the car is in C: state F for 300 ms at least, so that the car sees it. */
    EVSE_F_PULSE_MS = 500,
    EVSE_F_FADES_MS = 50, /* and until the debounced letter has left F again: four frames of 4.8 ms, a step */
    /* A.5.3: wake-up of a car that has gone to sleep while nothing was offered. */
    EVSE_WAKE_AFTER_MS = 30000, /* field: slow cars need up to 20 s from PWM to C */
    EVSE_WAKE_X1_MS = 3000,
    EVSE_WAKE_F_MS = 4000,
    EVSE_WAKES = 2, /* a full car does not wake either: it is left in peace */
};

struct evse_in {
    uint32_t dt_ms;  /* since the last step */
    char pilot;      /* debounced letter, 'A'..'F', '?' */
    bool gap;        /* the pilot was not watched all the time since the last step */
    bool cable_gone; /* no cable in the socket: the only sign of a plug-out while state F is driven */
    bool self_tested;
    uint16_t test_bp; /* duty that the self-test wants meanwhile */
    bool fault;       /* anything that forbids charging */
    bool state_f;     /* ... and wants the pilot at -12 V throughout */
    bool available, authorised;
    bool hold;          /* not now: kept open on command, supply unfit or waiting to reconnect */
    bool cable_ok;      /* a rated cable */
    bool diode_ok;      /* seen since the plug-in, or need not be */
    bool locked;        /* cable held, or no lock fitted */
    bool ventilation;   /* state D may charge */
    uint16_t target_bp; /* duty for the current that the limits allow; PILOT_STEADY: less than 6 A */
    bool ready;         /* the contactor may be closed: rested, not welded, monitor tested */
    bool closed;        /* the contactor is closed */
    bool tripped;       /* the guard has opened it by itself */
};

struct evse {
    enum evse_state state;
    uint16_t duty_bp;  /* driven */
    uint32_t state_ms; /* in this state, up to EVSE_WAKE_AFTER_MS */
    uint32_t ask_ms;   /* the car asks for energy without a break, up to EVSE_C_STABLE_MS */
    uint32_t duty_ms;  /* since the last change of duty, up to EVSE_DUTY_SPACING_MS */
    bool asking;       /* the car asked in the last step */
    uint8_t wakes;     /* wake-ups of this car */
    bool plugged;      /* a car is connected */
    bool asked;        /* the car has asked since PWM came on */
    bool soft;         /* the contactor opens as in ordinary operation */
    bool f_pulse;      /* this fault began while the car was asking */
};

struct evse_out {
    uint16_t duty_bp;
    enum contactor_wish contactor;
    bool drop_authorisation; /* the car has gone, or the station is out of service: the next car must ask anew
                              */
};

void evse_init(struct evse *e);
void evse_step(struct evse *e, const struct evse_in *in, struct evse_out *out);

#endif
