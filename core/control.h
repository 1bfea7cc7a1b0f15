/*
 * control: the control path, composed. Every 10 ms it takes the frames that the guard left, runs pilot,
 * proximity, metering, supply, limits, contactor and the IEC 61851-1 state machine (core/evse), and says what
 * to write.
 *
 * No OS, no allocation, no globals: time and inputs are arguments, outputs and events are results. One
 * thread.
 */
#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "core/evse.h"
#include "core/fault.h"
#include "core/guard.h"
#include "core/limits.h"
#include "core/metering.h"

enum { CONTROL_PERIOD_US = 10000 };

struct control_cfg {
    uint8_t phases;          /* 1 or 3 as installed */
    int32_t installation_ma; /* 6000..80000; ECSACP1: 16, 20, 25 or 32 A */
    bool cp_bipolar, allow_no_diode_check;
    bool ventilation_allowed;
    bool aux_fitted, lock_fitted, rcm_fitted, temperature_fitted;
    int32_t derate_start_mc, derate_stop_mc; /* milli-°C: full current below start, none above stop */
    int32_t undervoltage_mv, overvoltage_mv; /* phase to neutral */
    int32_t freq_min_mhz, freq_max_mhz;
    int32_t reconnect_min_ms, reconnect_random_ms; /* after a supply fault */
    struct metering_cfg metering;
    struct sense_cfg sense;
};
void control_cfg_default(struct control_cfg *cfg);

/* What the rest of the station may ask. The state machine decides. */
enum control_cmd_type {
    CONTROL_AUTHORISE, /* a: 1 may charge, 0 may not (any more) */
    CONTROL_LIMIT, /* slot (installation, server, user), a: mA, b: lease in ms (0: for ever), c: fallback mA
                    */
    CONTROL_AVAILABLE,   /* a: 1 in service, 0 out of service */
    CONTROL_CLEAR_FAULT, /* a person has acknowledged; latched faults may clear */
    CONTROL_UNLOCK,      /* release the plug (ends authorisation first) */
    CONTROL_CONTACTOR,   /* a: 0 keep open although everything allows closing, 1 back to normal */
    CONTROL_CMD_TYPES
};
struct control_cmd {
    uint8_t type; /* enum control_cmd_type */
    uint8_t slot; /* enum limit_slot */
    int32_t a, b, c;
};

enum control_event_type {
    CONTROL_EV_PILOT,     /* a: old letter, b: new letter ('A'..'F', '?'), c: high level mV: every debounced
                             change */
    CONTROL_EV_STATE,     /* a: old, b: new enum evse_state */
    CONTROL_EV_CABLE,     /* a: rating mA (0: none, −1: invalid) */
    CONTROL_EV_CONTACTOR, /* a: 1 closed / 0 open, b: delay µs from coil to contact (−1 unknown), c: cycles */
    CONTROL_EV_FAULT,     /* a: enum fault, b: 1 raised / 0 cleared, c: detail (guard_trip bits, level mV) */
    CONTROL_EV_LIMIT,     /* a: offered mA, b: enum limit_slot that wins, c: duty in 0.01 % */
    CONTROL_EV_LOCK,      /* a: 1 locked / 0 unlocked, b: 1 ok / 0 failed */
    CONTROL_EV_BUTTON,    /* a: pressed for ms, on release */
    CONTROL_EV_TRIP, /* the guard has opened: a: enum guard_trip bits, b: the first, c: pilot's high level mV;
                        at_us: when it did */
    CONTROL_EV_TYPES
};
struct control_event {
    uint64_t at_us;
    uint8_t type; /* enum control_event_type */
    int32_t a, b, c;
};

struct control_in {
    uint64_t now_us;
    uint32_t inputs; /* GUARD_IN_* */
    bool temperature_valid;
    int32_t temperature_mc; /* milli-°C */
};

struct control_out {
    uint16_t
        duty_bp; /* pilot high time in 0.1 µs of the 1000 µs period: 10000 steady +12 V, 0 steady −12 V (F) */
    bool lock;     /* cable lock: locked */
    bool coil_off; /* write the contactor pin low now (never means: switch it on) */
    bool rcm_test; /* drive the test input of the residual-current monitor */
};

/* A plain copy of everything others may want to know; taken by value. */
struct control_status {
    uint64_t at_us;
    enum evse_state state;
    char pilot; /* 'A'..'F', '?' */
    int32_t cp_high_mv, cp_low_mv;
    uint16_t duty_bp, duty_read_bp; /* driven, and as read back from the samples */
    bool diode_seen;
    int32_t cable_ma;   /* 0: no cable, −1: invalid */
    int32_t offered_ma; /* 0: nothing is offered */
    enum limit_slot offered_by;
    struct limit limit[LIMIT_SLOTS];
    bool authorised, available;
    bool contactor_closed; /* as far as known: aux contact, else coil */
    bool locked;
    bool phases_used[3]; /* the car draws on this phase */
    uint32_t contactor_cycles;
    int32_t contactor_open_us, contactor_close_us; /* last measured delays; −1 unknown */
    enum fault fault;                              /* the one that rules; FAULT_NONE */
    uint32_t faults;                               /* bit per enum fault */
    uint32_t frames_lost;
    int32_t frame_rate_hz; /* conversions per second, measured */
    int32_t temperature_mc;
    bool temperature_valid;
    bool contactor_drift; /* the contactor is slower than it used to be: replace it soon */
    bool diode_checkable; /* the front end can see the diode */
    bool supply_waiting;  /* reconnect delay after a supply fault */
    uint32_t events_lost;
    uint32_t guard_trips; /* enum guard_trip bits of the last trip, and the first of them */
    uint32_t guard_first_trip;
    uint64_t guard_trip_us; /* when; 0: never */
    struct meter_reading meter;
};

struct control;
#include "core/control_state.h"

/* `g` is this station's guard; control arms it and takes its frames. `seed`: random start after supply
 * faults. `start`: energy registers and counters to go on from, or NULL. */
void control_init(struct control *c, const struct control_cfg *cfg, struct guard *g, uint64_t now_us,
                  uint32_t seed, const struct meter_reading *start, uint32_t contactor_cycles);
/* This start-up follows a power cut: a car that is found plugged in waits for the reconnect delay, as a whole
 * street comes back at once. Call right after init. */
void control_reconnect(struct control *c);
/* An order that makes no sense (unknown type or slot, negative lease) is counted and ignored. */
void control_command(struct control *c, const struct control_cmd *cmd, uint64_t now_us);
void control_step(struct control *c, const struct control_in *in, struct control_out *out);
/* Events since the last call, oldest first; false: none. Drain after every step (the queue holds 32; when
 * full the newest is counted as lost, never a CONTROL_EV_FAULT or CONTROL_EV_STATE). */
bool control_next_event(struct control *c, struct control_event *out);
void control_status_read(const struct control *c, struct control_status *out);

#endif
