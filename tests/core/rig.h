/*
 * rig: the whole of core in closed loop with the frame synthesiser, a car reduced to its pilot letter and
 * current, and a contactor with delays. What happened when is kept as true times.
 */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include "core/control.h"
#include "tests/core/frames.h"

struct rig {
    struct frames frames;
    struct guard guard;
    struct control control;
    struct control_in in;
    struct control_out out;
    struct control_status status;

    char car; /* what the car shows: 'A', 'B', 'C', 'D'; 'E': the pilot is shorted */
    bool no_diode;
    double draw_a[3];    /* what it draws while the contactor is closed */
    double car_delay_us; /* how long current goes on after `car` has left C */
    bool stuck_pilot;    /* the driver stays at +12 V */
    bool dead_adc;
    bool lock_stuck;
    bool rcm_stuck;
    uint32_t inputs; /* RCD and button, as the test wants */

    bool weld, no_close;
    double close_us, open_us; /* contactor's delays */
    bool coil, contactor;
    double coil_us, contactor_us, duty_us, left_us; /* of the last change; left_us: of the car's leaving C */
    double next_step_us, stall_us;                  /* control thread stopped until then */
    uint32_t closings, hot_openings;

    struct control_event events[512];
    int events_n;
};

void rig_init(struct rig *r, const struct control_cfg *cfg);
/* Begins with this car state, and default settings if cfg is NULL; runs until the self-test has passed. */
void rig_start(struct rig *r, const struct control_cfg *cfg, char car);
void rig_run(struct rig *r, double ms);
/* Until the state is reached; false: not within ms. */
bool rig_until(struct rig *r, enum evse_state s, double ms);
void rig_command(struct rig *r, enum control_cmd_type type, int32_t a);
void rig_limit(struct rig *r, enum limit_slot slot, int32_t ma, int32_t lease_ms, int32_t fallback_ma);
/* Car changes at the present instant. */
void rig_car(struct rig *r, char letter);
/* Charging at 16 A limit with 10 A drawn on each phase. */
void rig_charge(struct rig *r, const struct control_cfg *cfg);
double rig_now_us(const struct rig *r);
int rig_count(const struct rig *r, enum control_event_type type, int32_t a, int32_t b);

#endif
