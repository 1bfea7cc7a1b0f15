#include "tests/report/experiment.h"

#include <math.h>

static const double never = (double)INFINITY;

/* ---- what is looked for ---- */

static double since_ms(double at_s, double from_s)
{
    return (at_s - from_s) * 1e3;
}

/* Runs on until the coil is off; its time. */
static double coil_off_s(struct bed *b, double wait_ms)
{
    for (double ms = 0; ms < wait_ms && b->l.truth.coil; ms += 2)
        loop_run(&b->l, 2);
    return b->l.truth.coil ? never : b->l.truth.coil_changed_s;
}

static double contacts_s(struct bed *b, bool closed, double wait_ms)
{
    for (double ms = 0; ms < wait_ms && b->l.truth.contactor != closed; ms += 2)
        loop_run(&b->l, 2);
    return b->l.truth.contactor != closed ? never : b->l.truth.contactor_changed_s;
}

static double s2_s(struct bed *b, bool closed, double wait_ms)
{
    for (double ms = 0; ms < wait_ms && b->l.truth.s2 != closed; ms += 2)
        loop_run(&b->l, 2);
    return b->l.truth.s2 != closed ? never : b->l.truth.s2_changed_s;
}

static int duty_bp(const struct bed *b)
{
    return (int)lround(b->l.truth.duty_percent * 100);
}

/* Runs on until the pilot's duty is another than `from`; its time. */
static double duty_left_s(struct bed *b, int from_bp, double wait_ms)
{
    for (double ms = 0; ms < wait_ms && duty_bp(b) == from_bp; ms += 2)
        loop_run(&b->l, 2);
    return duty_bp(b) == from_bp ? never : b->l.truth.duty_changed_s;
}

static double duty_is_s(struct bed *b, int bp, double wait_ms)
{
    for (double ms = 0; ms < wait_ms && duty_bp(b) != bp; ms += 2)
        loop_run(&b->l, 2);
    return duty_bp(b) != bp ? never : b->l.truth.duty_changed_s;
}

static double fault_s(struct bed *b, enum fault fault, double wait_ms)
{
    for (double ms = 0; ms < wait_ms; ms += 2) {
        for (int i = 0; i < b->l.events_n; i++) {
            const struct control_event *e = &b->l.events[i];
            if (e->type == CONTROL_EV_FAULT && e->a == (int32_t)fault && e->b == 1)
                return (double)e->at_us * 1e-6;
        }
        b->l.events_n = 0;
        loop_run(&b->l, 2);
    }
    return never;
}

/* For how much of the time that follows the coil or the contacts are on. */
static double on_for_ms(struct bed *b, double ms)
{
    double on = 0;
    for (double t = 0; t < ms; t++) {
        loop_run(&b->l, 1);
        on += b->l.truth.coil || b->l.truth.contactor ? 1 : 0;
    }
    return on;
}

static double lower_limit(struct bed *b)
{
    return bed_uniform(b, 6000, bed_offered_ma(b) - 600);
}

/* ---- the trip path ---- */

static void owner_stops(struct bed *b)
{
    if (bed_chance(b, 0.5)) { /* the car has not drawn for long; else until a moment ago */
        world_car(b->l.world)->ignores_duty = true;
        world_car(b->l.world)->max_a = 0;
        loop_run(&b->l, 5000);
        bed_wait_at_random(b);
        world_car(b->l.world)->s2_force = 2;
    } else {
        bed_wait_at_random(b);
        world_ready(b->l.world, false);
    }
    double s2 = s2_s(b, false, 1000);
    bed_note(b, RULE_S2_OPENED, since_ms(coil_off_s(b, 300), s2));
    bed_note(b, RULE_S2_CONTACTS, since_ms(contacts_s(b, false, 300), s2));
}

static void residual_current_ends(struct bed *b)
{
    /* S2 is seen to have opened after two frames, and the deadline is 70 ms at the earliest. */
    world_car(b->l.world)->residual_s = bed_uniform(b, 0.002, 0.045);
    bed_wait_at_random(b);
    world_car(b->l.world)->s2_force = 2;
    double s2 = s2_s(b, false, 1000);
    double off = coil_off_s(b, 300);
    bed_note(b, RULE_S2_RESIDUAL_ZERO, since_ms(off, b->l.truth.current_zero_s));
    bed_note(b, RULE_S2_CONTACTS, since_ms(contacts_s(b, false, 300), s2));
}

static void residual_current_stays(struct bed *b)
{
    world_car(b->l.world)->residual_s = 1;
    bed_wait_at_random(b);
    world_car(b->l.world)->s2_force = 2;
    double s2 = s2_s(b, false, 1000);
    bed_note(b, RULE_S2_RESIDUAL_DEADLINE, since_ms(coil_off_s(b, 300), s2));
    bed_note(b, RULE_S2_CONTACTS, since_ms(contacts_s(b, false, 300), s2));
}

static void unplug(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_unplug(b->l.world);
    bed_note(b, RULE_UNPLUGGED, since_ms(coil_off_s(b, 300), at));
    bed_note(b, RULE_UNPLUGGED_CONTACTS, since_ms(contacts_s(b, false, 300), at));
    bed_note(b, RULE_UNPLUGGED_STEADY, since_ms(duty_is_s(b, PILOT_STEADY, 1000), at));
}

/* After a fault in C: state F, for a while. */
static void watch_state_f(struct bed *b, double at)
{
    double f = duty_is_s(b, PILOT_F, 1000);
    bed_note(b, RULE_FAULT_TO_F, since_ms(f, at));
    bed_note(b, RULE_F_PULSE, since_ms(duty_left_s(b, PILOT_F, 2000), f));
}

static void pilot_breaks(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->cp_open = true;
    bed_note(b, RULE_CP_OPEN, since_ms(coil_off_s(b, 300), at));
}

static void pilot_shorted(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->cp_short = true;
    bed_note(b, RULE_CP_SHORT, since_ms(coil_off_s(b, 300), at));
}

static void diode_lost(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->diode_missing = true;
    bed_note(b, RULE_DIODE, since_ms(coil_off_s(b, 300), at));
    watch_state_f(b, at);
}

static void wants_ventilation(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_car(b->l.world)->ventilation = true;
    bed_note(b, RULE_VENTILATION, since_ms(coil_off_s(b, 300), at));
}

static void rcd_trips(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->rcd_trip = true;
    bed_note(b, RULE_RCD, since_ms(coil_off_s(b, 300), at));
    watch_state_f(b, at);
}

static void samples_cease(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->adc_dead = true;
    bed_note(b, RULE_STARVED, since_ms(coil_off_s(b, 300), at));
}

static void current_jumps(struct bed *b)
{
    /* 45 A is what the current inputs can show (docs/hardware.md), so for ratings up to 25 A. */
    enum { FAST_SHARE_PERMILLE = 1200, FAST_MS = 300, MOST_A = 45 };
    static const int32_t rating[] = {16000, 20000, 25000};
    b->cfg.installation_ma = rating[(int)bed_uniform(b, 0, 3)];
    b->world_cfg.cable_ohm = bed_chance(b, 0.5) ? 220 : 680;
    b->world_cfg.car.harmonic3 = 0;
    if (!bed_anew(b, SCENE_CHARGING)) {
        bed_note(b, RULE_FAST_OVERCURRENT, never);
        return;
    }
    int32_t cable_ma = b->l.status.cable_ma, rating_ma = b->cfg.installation_ma;
    double fast_a = (cable_ma < rating_ma ? cable_ma : rating_ma) * (FAST_SHARE_PERMILLE * 1e-6);
    double most = 2.5 * fast_a < MOST_A ? 2.5 * fast_a : MOST_A;
    double a = bed_uniform(b, 1.5 * fast_a, most);
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    struct world_car *c = world_car(b->l.world);
    c->ignores_duty = true;
    c->ramp_a_per_s = 1e6;
    c->max_a = a;
    c->battery_wh = 1e9; /* no taper */
    double budget_s = FAST_MS * 1e-3 * fast_a * fast_a / (a * a - fast_a * fast_a);
    bed_note(b, RULE_FAST_OVERCURRENT, since_ms(coil_off_s(b, 2000), at + budget_s));
}

static void memory_upset(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    uint32_t bit = 1u << (int)bed_uniform(b, 0, 32);
    struct guard_private *p = &b->l.guard.priv;
    if (bed_chance(b, 0.3))
        p->coil_inv ^= bit;
    else if (bed_chance(b, 0.5))
        p->trips_inv ^= bit;
    else
        atomic_fetch_xor(&b->l.guard.armed_inv, bit);
    bed_note(b, RULE_GUARD_WORDS, since_ms(coil_off_s(b, 300), at));
}

static void proximity_breaks(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    if (bed_chance(b, 0.5))
        world_faults(b->l.world)->pp_open = true;
    else
        world_faults(b->l.world)->pp_short = true;
    bed_note(b, RULE_PP, since_ms(coil_off_s(b, 500), at));
}

static void control_stands_still(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    b->l.stalled = true;
    bed_note(b, RULE_CONTROL_STALLED, since_ms(coil_off_s(b, 3000), at));
}

/* ---- closing ---- */

static void car_asks(struct bed *b)
{
    bed_wait_at_random(b);
    world_ready(b->l.world, true);
    double s2 = s2_s(b, true, 1000);
    bed_note(b, RULE_C_TO_CLOSED, since_ms(contacts_s(b, true, 4000), s2));
}

static void car_asks_again(struct bed *b)
{
    bed_wait_at_random(b);
    world_car(b->l.world)->s2_force = 2;
    loop_run(&b->l, bed_uniform(b, 30, 2500));
    world_car(b->l.world)->s2_force = 1;
    double s2 = s2_s(b, true, 10);
    contacts_s(b, false, 300);
    bed_note(b, RULE_C_AGAIN, since_ms(contacts_s(b, true, 6000), s2));
}

static void car_in_c_before_pwm(struct bed *b)
{
    world_car(b->l.world)->s2_force = 1;
    world_plug(b->l.world, true);
    bed_note(b, RULE_NOT_AUTHORISED, on_for_ms(b, 1500));
    bed_wait_at_random(b);
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    double pwm = duty_left_s(b, PILOT_STEADY, 1000);
    bed_note(b, RULE_C_BEFORE_PWM, since_ms(contacts_s(b, true, 4000), pwm));
}

static void pulse_of_c(struct bed *b)
{
    bed_wait_at_random(b);
    double ms = bed_chance(b, 0.5) ? 250 : bed_uniform(b, 20, 450);
    world_car(b->l.world)->stop_ms =
        0; /* at the end of the pulse the car opens S2, not its own orderly stop */
    world_s2_pulse(b->l.world, true, (uint64_t)(ms * 1000));
    bed_note(b, RULE_C_PULSE, on_for_ms(b, 1200));
}

static void no_diode(struct bed *b)
{
    world_faults(b->l.world)->diode_missing = true;
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    bed_wait_at_random(b);
    world_plug(b->l.world, true);
    world_ready(b->l.world, true);
    bed_note(b, RULE_NO_DIODE, on_for_ms(b, 3000));
}

static void unknown_cable(struct bed *b)
{
    static const double ohm[] = {30, 350, 1020, 3200}; /* amid the gaps of Table B.2 */
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    bed_wait_at_random(b);
    world_cable(b->l.world, ohm[(int)bed_uniform(b, 0, 4)] * bed_uniform(b, 0.98, 1.02));
    world_plug(b->l.world, true);
    world_ready(b->l.world, true);
    world_car(b->l.world)->s2_force = bed_chance(b, 0.5);
    bed_note(b, RULE_CABLE_UNKNOWN, on_for_ms(b, 3000));
}

static void below_6_a(struct bed *b)
{
    bed_limit(b, (int32_t)bed_uniform(b, 0, 5999), 0, 0);
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    bed_wait_at_random(b);
    world_plug(b->l.world, true);
    world_car(b->l.world)->s2_force = 1;
    bed_note(b, RULE_BELOW_6_A, on_for_ms(b, 3000));
}

/* ---- the pilot ---- */

static void limit_falls_and_rises(struct bed *b)
{
    loop_run(&b->l,
             5000); /* the spacing after the duty of the beginning does not concern a fall, but let it pass */
    int32_t before_ma = bed_offered_ma(b), ma = (int32_t)lower_limit(b);
    int bp = duty_bp(b);
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    bed_limit(b, ma, 0, 0);
    double fell = duty_left_s(b, bp, 1000);
    bed_note(b, RULE_LIMIT_TO_DUTY, since_ms(fell, at));
    bed_note(b, RULE_DUTY_WIDTH,
             fabs(b->l.truth.duty_percent * 10 - ma / 60.0) * 1e-3); /* % of 1000 µs; A / 0.6 */
    bp = duty_bp(b);
    loop_run(&b->l, bed_uniform(b, 10, 4000));
    bed_limit(b, before_ma, 0, 0);
    bed_note(b, RULE_DUTY_SPACING, since_ms(duty_left_s(b, bp, 8000), fell));
}

static void lease_ends(struct bed *b)
{
    int bp = duty_bp(b);
    int32_t lease_ms = (int32_t)bed_uniform(b, 300, 900);
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    bed_limit(b, b->server_ma, lease_ms, (int32_t)lower_limit(b));
    bed_note(b, RULE_LEASE, since_ms(duty_left_s(b, bp, 2000), at + lease_ms * 1e-3));
}

static void offer_ends(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    switch ((int)bed_uniform(b, 0, 3)) {
    case 0:
        bed_limit(b, 0, 0, 0);
        break;
    case 1:
        loop_command(&b->l, CONTROL_AUTHORISE, 0);
        break;
    default:
        loop_command(&b->l, CONTROL_AVAILABLE, 0);
        break;
    }
    bed_note(b, RULE_TO_STEADY, since_ms(duty_is_s(b, PILOT_STEADY, 1000), at));
    double s2 = s2_s(b, false, 4000);
    bed_note(b, RULE_S2_OPENED, since_ms(coil_off_s(b, 300), s2));
}

static void car_stays_in_c(struct bed *b)
{
    world_car(b->l.world)->max_a =
        b->l.truth.amp[0]; /* it ignores that the offer ends, not how much it was */
    world_car(b->l.world)->ignores_duty = true;
    world_car(b->l.world)->s2_force = 1;
    bed_wait_at_random(b);
    bed_limit(b, 0, 0, 0);
    double steady = duty_is_s(b, PILOT_STEADY, 1000);
    bed_note(b, RULE_STILL_IN_C, since_ms(coil_off_s(b, 9000), steady));
}

static void sleeping_car(struct bed *b)
{
    world_car(b->l.world)->sleeping = true;
    world_ready(b->l.world, true);
    bed_wait_at_random(b);
    double steady = duty_is_s(b, PILOT_STEADY, 40000);
    double f = duty_is_s(b, PILOT_F, 6000);
    bed_note(b, RULE_WAKE_X1, since_ms(f, steady));
    bed_note(b, RULE_WAKE_F, since_ms(duty_left_s(b, PILOT_F, 8000), f));
}

static void driver_stuck(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->pilot_stuck = true;
    bed_limit(b, 6000, 0, 0);
    bed_note(b, RULE_DRIVER, since_ms(coil_off_s(b, 3000), at));
}

/* ---- current, contactor, monitor, lock ---- */

static void car_draws_above(struct bed *b)
{
    /* Above the limit, and below what would heat the fast path (1.2 times the rating). */
    struct world_car *c = world_car(b->l.world);
    double offered_a = bed_offered_ma(b) * 1e-3;
    double a = bed_uniform(b, 8.5, 1.1 * b->rating_ma * 1e-3);
    double limit_a = (a * 0.985 - 0.5 - 0.3) / 1.1; /* 1 % of tolerance, and noise */
    limit_a = bed_uniform(b, 6, limit_a < offered_a - 0.1 ? limit_a : offered_a - 0.1);
    bed_wait_at_random(b);
    c->ignores_duty = true;
    c->ramp_a_per_s = 1e6;
    c->max_a = a;
    int bp = duty_bp(b);
    bed_limit(b, (int32_t)(limit_a * 1e3), 0, 0);
    double lower = duty_left_s(b, bp, 1000);
    bed_note(b, RULE_OVERCURRENT, since_ms(coil_off_s(b, 9000), lower));
}

static void contacts_weld(struct bed *b)
{
    world_faults(b->l.world)->weld = true;
    if (b->cfg.aux_fitted) {
        world_ready(b->l.world, false);
    } else { /* then only a current can tell */
        world_car(b->l.world)->residual_s = 60;
        world_car(b->l.world)->s2_force = 2;
    }
    double off = coil_off_s(b, 2000);
    bed_note(b, RULE_WELDED, since_ms(fault_s(b, FAULT_WELDED, 3000), off));
}

static void contacts_stay_open(struct bed *b)
{
    b->cfg.aux_fitted = true;
    double told = never, on = 0;
    if (bed_anew(b, SCENE_OFFERING)) {
        world_faults(b->l.world)->no_close = true;
        world_ready(b->l.world, true);
        for (int ms = 0; ms < 3000 && !b->l.truth.coil; ms += 2)
            loop_run(&b->l, 2);
        on = b->l.truth.coil_changed_s;
        told = fault_s(b, FAULT_NO_CLOSE, 3000);
    }
    bed_note(b, RULE_NO_CLOSE, since_ms(told, on));
}

static void monitor_is_tested(struct bed *b)
{
    b->cfg.rcm_fitted = true;
    if (!bed_anew(b, SCENE_CHARGING)) {
        bed_note(b, RULE_RCM_AFTER, never);
        return;
    }
    world_ready(b->l.world, false);
    double open = contacts_s(b, false, 2000), test = never;
    for (int ms = 0; ms < 2000 && !b->l.out.rcm_test; ms++)
        loop_run(&b->l, 1);
    if (b->l.out.rcm_test)
        test = (double)b->l.in.now_us * 1e-6; /* driven by the last step */
    bed_note(b, RULE_RCM_AFTER, since_ms(test, open));
    loop_run(&b->l, 1000);
    world_faults(b->l.world)->rcm_dead = true;
    bed_wait_at_random(b);
    b->l.events_n = 0;
    double at = bed_now_s(b);
    loop_command(&b->l, CONTROL_CLEAR_FAULT, 0);
    bed_note(b, RULE_RCM_DEAD, since_ms(fault_s(b, FAULT_RCM_TEST, 5000), at));
}

static void cable_is_locked(struct bed *b)
{
    b->cfg.lock_fitted = true;
    if (!bed_anew(b, SCENE_IDLE)) {
        bed_note(b, RULE_LOCK, never);
        return;
    }
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    bed_wait_at_random(b);
    double at = bed_now_s(b), locked = never, unlocked_on = 0;
    world_car(b->l.world)->s2_force = bed_chance(b, 0.5);
    world_plug(b->l.world, true);
    world_ready(b->l.world, true);
    for (int ms = 0; ms < 2500; ms++) {
        loop_run(&b->l, 1);
        if (b->l.truth.locked && isinf(locked))
            locked = bed_now_s(b);
        unlocked_on += b->l.truth.contactor && !b->l.truth.locked ? 1 : 0;
    }
    bed_note(b, RULE_LOCK, since_ms(locked, at));
    bed_wait_at_random(b);
    at = bed_now_s(b);
    world_car_end(b->l.world, false);
    double free_s = never;
    for (int ms = 0; ms < 3000 && isinf(free_s); ms++) {
        loop_run(&b->l, 1);
        unlocked_on += b->l.truth.contactor && !b->l.truth.locked ? 1 : 0;
        if (!b->l.truth.locked)
            free_s = bed_now_s(b);
    }
    bed_note(b, RULE_UNLOCK, since_ms(free_s, at));
    bed_note(b, RULE_LOCK_FIRST, unlocked_on);
}

/* ---- the supply ---- */

static void set_volt(struct bed *b, double v)
{
    for (int p = 0; p < 3; p++)
        world_mains(b->l.world)->volt[p] = v;
}

static void too_much_voltage(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    set_volt(b, bed_uniform(b, 275, 290));
    bed_note(b, RULE_OVERVOLTAGE, since_ms(coil_off_s(b, 5000), at));
}

static void too_little_voltage(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    set_volt(b, bed_uniform(b, 100, 175));
    bed_note(b, RULE_UNDERVOLTAGE, since_ms(coil_off_s(b, 5000), at));
}

static void wrong_frequency(struct bed *b)
{
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_mains(b->l.world)->hz = bed_chance(b, 0.5) ? bed_uniform(b, 45, 46.8) : bed_uniform(b, 52.2, 54);
    bed_note(b, RULE_FREQUENCY, since_ms(coil_off_s(b, 5000), at));
}

static void phase_lost(struct bed *b)
{
    b->cfg.phases = 3;
    if (!bed_anew(b, SCENE_CHARGING)) {
        bed_note(b, RULE_PHASE_LOSS, never);
        return;
    }
    bed_wait_at_random(b);
    double at = bed_now_s(b);
    world_faults(b->l.world)->phase_lost = 1;
    bed_note(b, RULE_PHASE_LOSS, since_ms(coil_off_s(b, 5000), at));
}

static void supply_comes_back(struct bed *b)
{
    b->cfg.reconnect_min_ms = b->cfg.reconnect_random_ms = 3000;
    if (!bed_anew(b, SCENE_OFFERING)) {
        bed_note(b, RULE_RECONNECT, never);
        return;
    }
    set_volt(b, bed_uniform(b, 100, 175));
    loop_run(&b->l, 2500);
    set_volt(b, bed_uniform(b, 220, 240));
    double at = bed_now_s(b);
    bed_note(b, RULE_RECONNECT, since_ms(duty_left_s(b, duty_bp(b), 12000), at));
}

/* ---- all of them ---- */

static const struct experiment {
    const char *name;
    void (*run)(struct bed *);
    enum scene scene;
} experiments[] = {
    {"owner stops", owner_stops, SCENE_CHARGING},
    {"residual current ends", residual_current_ends, SCENE_CHARGING},
    {"residual current stays", residual_current_stays, SCENE_CHARGING},
    {"unplug", unplug, SCENE_CHARGING},
    {"pilot breaks", pilot_breaks, SCENE_CHARGING},
    {"pilot shorted", pilot_shorted, SCENE_CHARGING},
    {"diode lost", diode_lost, SCENE_CHARGING},
    {"wants ventilation", wants_ventilation, SCENE_CHARGING},
    {"RCD trips", rcd_trips, SCENE_CHARGING},
    {"samples cease", samples_cease, SCENE_CHARGING},
    {"memory upset", memory_upset, SCENE_CHARGING},
    {"proximity breaks", proximity_breaks, SCENE_CHARGING},
    {"control stands still", control_stands_still, SCENE_CHARGING},
    {"car asks", car_asks, SCENE_OFFERING},
    {"car asks again", car_asks_again, SCENE_CHARGING},
    {"car in C before PWM", car_in_c_before_pwm, SCENE_IDLE},
    {"pulse of C", pulse_of_c, SCENE_OFFERING},
    {"no diode", no_diode, SCENE_IDLE},
    {"unknown cable", unknown_cable, SCENE_IDLE},
    {"below 6 A", below_6_a, SCENE_IDLE},
    {"limit falls and rises", limit_falls_and_rises, SCENE_CHARGING},
    {"lease ends", lease_ends, SCENE_CHARGING},
    {"offer ends", offer_ends, SCENE_CHARGING},
    {"car stays in C", car_stays_in_c, SCENE_CHARGING},
    {"sleeping car", sleeping_car, SCENE_OFFERING},
    {"driver stuck", driver_stuck, SCENE_CHARGING},
    {"car draws above", car_draws_above, SCENE_CHARGING},
    {"contacts weld", contacts_weld, SCENE_CHARGING},
    {"too much voltage", too_much_voltage, SCENE_CHARGING},
    {"too little voltage", too_little_voltage, SCENE_CHARGING},
    {"wrong frequency", wrong_frequency, SCENE_CHARGING},
    /* these play anew, with another station */
    {"current jumps", current_jumps, SCENE_IDLE},
    {"contacts stay open", contacts_stay_open, SCENE_IDLE},
    {"monitor is tested", monitor_is_tested, SCENE_IDLE},
    {"cable is locked", cable_is_locked, SCENE_IDLE},
    {"phase lost", phase_lost, SCENE_IDLE},
    {"supply comes back", supply_comes_back, SCENE_IDLE},
};

void experiments_run(struct bed *b)
{
    const struct world_cfg world_cfg = b->world_cfg;
    const struct control_cfg cfg = b->cfg;
    for (size_t i = 0; i < sizeof experiments / sizeof experiments[0]; i++) {
        b->doing = experiments[i].name;
        b->world_cfg = world_cfg;
        b->cfg = cfg;
        bed_goto(b, experiments[i].scene);
        b->l.events_n = 0;
        experiments[i].run(b);
    }
}
