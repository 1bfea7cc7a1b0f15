/*
 * desk: control on the bench, without converter and guard: frames are written into the ring as core/sense
 * would leave them, and the guard's words as core/guard would. Times are round, levels exact and without
 * noise, so that a test can ask for each value and each event to the unit.
 */
#ifndef TESTS_CORE_DESK_H
#define TESTS_CORE_DESK_H

#include "core/control.h"

enum {
    DESK_FRAME_US = 5000, /* 200 conversions at 40 kHz; two frames to a step */
    DESK_FRAME_HZ = 40000,
    DESK_EVENTS = 512,
    DESK_START_US = 1000000, /* when the station starts */
};

struct desk {
    struct guard guard;
    struct control control;
    struct control_in in;
    struct control_out out;
    struct control_status status;
    struct control_event events[DESK_EVENTS]; /* all of them, in order */
    int events_n;

    uint64_t now_us;         /* of the last step */
    uint64_t frame_us;       /* end of the last frame */
    uint32_t seq, frames;    /* the frame's number; how many the guard has counted */
    char car;                /* 'A'..'E'; '?': a level in no window */
    int32_t high_mv, low_mv; /* as measured with this car; low_mv: while PWM runs */
    double volt[3], amp[3];  /* rms; amperes flow while the contacts are closed */
    double hz;
    int32_t pp_mv;
    bool stuck_pilot; /* the driver stays at +12 V */
    bool no_pilot;    /* not one sample of it in the frames */
    bool dead_adc;    /* no frames */
    bool undrained;   /* nobody takes the events */
    uint8_t mux;

    uint32_t inputs; /* on top of what the world gives */
    uint32_t trip;   /* the guard finds this in the next frame while it is armed */
    uint32_t first_trip;
    bool coil, pin, contacts; /* guard's word, what is at the coil, main contacts */
    bool weld, no_close, lock_stuck, rcm_stuck;
    uint32_t close_us, open_us; /* contactor's delays */
    uint32_t rcm_us;            /* how long the monitor's output outlasts its test input */
    uint64_t rcm_driven_us;
    uint64_t pin_us, contacts_us;
};

void desk_init(struct desk *d, const struct control_cfg *cfg);
/* The same with a start time, a seed and registers of one's own. */
void desk_init_at(struct desk *d, const struct control_cfg *cfg, uint64_t now_us, uint32_t seed,
                  const struct meter_reading *start, uint32_t cycles);
/* Two frames and a step. */
void desk_step(struct desk *d);
void desk_frame(struct desk *d);
/* A step alone, so much later, with the frames that were made meanwhile. */
void desk_step_after(struct desk *d, uint64_t us);
void desk_run(struct desk *d, int ms);
bool desk_until(struct desk *d, enum evse_state s, int ms);
/* What the car shows from now on: its letter and the level in the middle of its window. */
void desk_car(struct desk *d, char letter);
void desk_command(struct desk *d, enum control_cmd_type type, int32_t a);
void desk_limit(struct desk *d, enum limit_slot slot, int32_t ma, int32_t lease_ms, int32_t fallback_ma);
/* Up to the end of the self-test, with this car. */
void desk_start(struct desk *d, const struct control_cfg *cfg, char car);
/* Charging at the server's 16 A with 10 A on each phase. */
void desk_charge(struct desk *d, const struct control_cfg *cfg);
/* The newest event of a type, or NULL. */
const struct control_event *desk_last(const struct desk *d, enum control_event_type type);
/* How many of a type; of faults: raised (1) or cleared (0) ones of that kind. */
int desk_count(const struct desk *d, enum control_event_type type);
int desk_faults(const struct desk *d, enum fault f, int raised);

#endif
