/* control: what makes which fault, with which detail, and when; what the guard is armed with and what is made
 * of its trips; the contactor's bookkeeping; the waits after a supply fault and after a power cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/contactor.h"
#include "core/proximity.h"
#include "tests/core/desk.h"

static struct desk d; /* large; each test starts it afresh */

static struct control_cfg defaults(void)
{
    struct control_cfg c;
    control_cfg_default(&c);
    return c;
}

static uint32_t bit(enum fault f)
{
    return 1u << f;
}

static void is_event(const struct control_event *e, uint64_t at_us, enum control_event_type type, int32_t a,
                     int32_t b, int32_t c)
{
    assert_non_null(e);
    if (e->at_us != at_us || e->type != type || e->a != a || e->b != b || e->c != c)
        fail_msg("event %d at %.3f ms: %d %d %d, should be %d at %.3f ms: %d %d %d", e->type,
                 (double)e->at_us / 1e3, e->a, e->b, e->c, type, (double)at_us / 1e3, a, b, c);
}

static const struct control_event *fault_event(enum fault f)
{
    for (int i = d.events_n; i-- > 0;)
        if (d.events[i].type == CONTROL_EV_FAULT && d.events[i].a == (int32_t)f)
            return &d.events[i];
    return NULL;
}

/* Steps until this fault is there; ms it took, and its event is of that step. */
static int raised_after(enum fault f, int most_ms, int32_t detail)
{
    uint64_t from = d.now_us;
    int before = desk_faults(&d, f, 1);
    while (!(d.status.faults & bit(f)) && d.now_us < from + (uint64_t)most_ms * 1000)
        desk_step(&d);
    if (!(d.status.faults & bit(f)))
        fail_msg("%s: not raised in %d ms", fault_name(f), most_ms);
    assert_int_equal(desk_faults(&d, f, 1), before + 1);
    is_event(fault_event(f), d.now_us, CONTROL_EV_FAULT, (int32_t)f, 1, detail);
    return (int)((d.now_us - from) / 1000);
}

/* Until it is there no more; -1: it stays. */
static int cleared_after(enum fault f, int most_ms)
{
    uint64_t from = d.now_us;
    while ((d.status.faults & bit(f)) && d.now_us < from + (uint64_t)most_ms * 1000)
        desk_step(&d);
    if (d.status.faults & bit(f))
        return -1;
    is_event(fault_event(f), d.now_us, CONTROL_EV_FAULT, (int32_t)f, 0, 0);
    return (int)((d.now_us - from) / 1000);
}

/* ---- what the guard has found ---- */

static void each_trip_and_its_fault(void **state)
{
    (void)state;
    static const struct {
        uint32_t trips, faults;
    } cases[] = {
        {GUARD_TRIP_LEFT_C, 0},
        {GUARD_TRIP_UNPLUGGED, 0},
        {GUARD_TRIP_CP_SHORT, 1u << FAULT_CP_SHORT},
        {GUARD_TRIP_CP_RANGE, 1u << FAULT_CP_RANGE},
        {GUARD_TRIP_DIODE, 1u << FAULT_DIODE},
        {GUARD_TRIP_PP, 1u << FAULT_PP},
        {GUARD_TRIP_OVERCURRENT, 1u << FAULT_OVERCURRENT_FAST},
        {GUARD_TRIP_RCD, 1u << FAULT_RCD},
        {GUARD_TRIP_STARVED, 1u << FAULT_STARVED},
        {GUARD_TRIP_CONTROL, 1u << FAULT_GUARD},
        {GUARD_TRIP_INTERNAL, 1u << FAULT_GUARD},
        {GUARD_TRIP_VENTILATION, 1u << FAULT_VENTILATION},
        {GUARD_TRIP_RCD | GUARD_TRIP_DIODE, 1u << FAULT_RCD | 1u << FAULT_DIODE},
        /* Of a plug on its way out these are no faults; the rest is. */
        {GUARD_TRIP_UNPLUGGED | GUARD_TRIP_CP_RANGE, 0},
        {GUARD_TRIP_UNPLUGGED | GUARD_TRIP_DIODE, 0},
        {GUARD_TRIP_UNPLUGGED | GUARD_TRIP_PP, 0},
        {GUARD_TRIP_UNPLUGGED | GUARD_TRIP_CP_SHORT, 1u << FAULT_CP_SHORT},
        {GUARD_TRIP_UNPLUGGED | GUARD_TRIP_RCD, 1u << FAULT_RCD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        desk_charge(&d, NULL);
        assert_int_equal(d.status.guard_trips, 0);
        assert_int_equal(d.status.guard_trip_us, 0);
        d.events_n = 0;
        d.trip = cases[i].trips;
        d.first_trip = GUARD_TRIP_STARVED; /* told apart, as it is */
        desk_step(&d);
        assert_int_equal(d.status.faults, cases[i].faults);
        assert_int_equal(d.status.guard_trips, cases[i].trips);
        assert_int_equal(d.status.guard_first_trip, GUARD_TRIP_STARVED);
        assert_int_equal(d.status.guard_trip_us, d.now_us - DESK_FRAME_US);
        assert_true(d.out.coil_off);
        assert_int_equal(d.status.state == EVSE_FAULT, cases[i].faults != 0);
        for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++)
            if (cases[i].faults & bit((enum fault)f))
                is_event(fault_event((enum fault)f), d.now_us, CONTROL_EV_FAULT, f, 1,
                         (int32_t)cases[i].trips);
        uint64_t tripped_us = d.status.guard_trip_us;
        desk_car(&d, 'A'); /* kept when it is all over */
        desk_run(&d, 3000);
        assert_int_equal(d.status.guard_trips, cases[i].trips);
        assert_int_equal(d.status.guard_trip_us, tripped_us);
    }
}

/* The trip, the faults in the order of the table, then the state that follows from them. */
static void one_step_tells_in_order(void **state)
{
    (void)state;
    desk_charge(&d, NULL);
    d.events_n = 0;
    d.trip = GUARD_TRIP_OVERCURRENT | GUARD_TRIP_DIODE | GUARD_TRIP_CONTROL;
    desk_step(&d);
    const int32_t trips = GUARD_TRIP_OVERCURRENT | GUARD_TRIP_DIODE | GUARD_TRIP_CONTROL;
    is_event(&d.events[0], d.now_us - DESK_FRAME_US, CONTROL_EV_TRIP, trips, GUARD_TRIP_DIODE, 6000);
    is_event(&d.events[1], d.now_us, CONTROL_EV_FAULT, FAULT_DIODE, 1, trips);
    is_event(&d.events[2], d.now_us, CONTROL_EV_FAULT, FAULT_OVERCURRENT_FAST, 1, trips);
    is_event(&d.events[3], d.now_us, CONTROL_EV_FAULT, FAULT_GUARD, 1, trips);
    is_event(&d.events[4], d.now_us, CONTROL_EV_STATE, EVSE_CHARGING, EVSE_FAULT, 0);
    is_event(&d.events[5], d.now_us, CONTROL_EV_CONTACTOR, 0, -1, 1);
    is_event(&d.events[6], d.now_us, CONTROL_EV_LIMIT, 0, LIMIT_SERVER, PILOT_F);
    assert_int_equal(d.events_n, 7);
    desk_run(&d, 200);
    assert_int_equal(desk_count(&d, CONTROL_EV_TRIP), 1);
    assert_int_equal(d.status.fault, FAULT_DIODE);
}

/* ---- what control sees itself ---- */

static void pilot_faults(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'B');
    desk_car(&d, 'E');
    d.high_mv = 340;
    assert_int_equal(raised_after(FAULT_CP_SHORT, 100, 340), 20); /* four frames */
    assert_int_equal(d.status.fault, FAULT_CP_SHORT);
    desk_car(&d, 'B');
    assert_int_equal(cleared_after(FAULT_CP_SHORT, 40000), 30020);

    desk_start(&d, NULL, 'B');
    desk_car(&d, '?'); /* 12 frames until it is believed, and a second */
    assert_int_equal(raised_after(FAULT_CP_RANGE, 2000, 7500), 1060);
    desk_start(&d, NULL, 'B');
    for (int i = 0; i < 5; i++) { /* not for a whole second */
        desk_car(&d, '?');
        desk_run(&d, 900);
        desk_car(&d, 'B');
        desk_run(&d, 100);
    }
    assert_int_equal(d.status.faults, 0);

    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    d.low_mv = -9000;
    assert_in_range(raised_after(FAULT_DIODE, 100, 9000), 30, 50);
    assert_false(d.status.diode_seen);
    desk_car(&d, 'A');
    assert_int_equal(cleared_after(FAULT_DIODE, 3000),
                     1010); /* a second after PWM, and what it showed, went */

    desk_charge(&d, NULL);
    d.stuck_pilot = true;
    int ms = raised_after(FAULT_PILOT_DRIVER, 2000, PILOT_STEADY); /* the second wrong window of 42 frames */
    assert_in_range(ms, 220, 430);
    assert_int_equal(d.status.duty_read_bp, PILOT_STEADY);
}

static void a_front_end_that_is_blind_for_the_diode(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        struct control_cfg cfg = defaults();
        cfg.cp_bipolar = k & 1;
        cfg.allow_no_diode_check = k & 2;
        desk_start(&d, &cfg, 'A');
        assert_int_equal(d.status.faults, k == 0 ? bit(FAULT_NO_DIODE_CHECK) : 0);
        if (k == 0) {
            is_event(fault_event(FAULT_NO_DIODE_CHECK), DESK_START_US + CONTROL_PERIOD_US, CONTROL_EV_FAULT,
                     FAULT_NO_DIODE_CHECK, 1, 0);
            continue;
        }
        /* A low phase that does not block: only who can see it minds, whatever is allowed. */
        desk_command(&d, CONTROL_AUTHORISE, 1);
        desk_car(&d, 'C');
        d.low_mv = k & 1 ? -6000 : 0;
        desk_run(&d, 2000);
        assert_int_equal(d.status.state, k & 1 ? EVSE_FAULT : EVSE_CHARGING);
        assert_false(d.status.diode_seen);
    }
}

static void proximity_faults(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    d.events_n = 0;
    d.pp_mv = 1100; /* between 680 and 220 ohms */
    int ms = raised_after(FAULT_PP, 500, 1100);
    assert_in_range(ms, 160, 260);
    assert_int_equal(d.status.cable_ma, -1);
    is_event(desk_last(&d, CONTROL_EV_CABLE), d.now_us, CONTROL_EV_CABLE, -1, 0, 0);
    assert_int_equal(d.status.limit[LIMIT_CABLE].ma, 0);
    d.pp_mv = 2484;
    desk_run(&d, 300);
    is_event(desk_last(&d, CONTROL_EV_CABLE), desk_last(&d, CONTROL_EV_CABLE)->at_us, CONTROL_EV_CABLE, 0, 0,
             0);
    assert_int_equal(d.status.cable_ma, 0);
    assert_int_equal(desk_count(&d, CONTROL_EV_CABLE), 2);

    /* A car without a cable: a plug may make its contacts one after the other, for a second. */
    desk_start(&d, NULL, 'A');
    d.pp_mv = 2484;
    desk_run(&d, 500);
    assert_int_equal(d.status.faults, 0);
    static const char cars[] = {'B', 'C', 'D'};
    for (int i = 0; i < 3; i++) {
        struct control_cfg cfg = defaults();
        cfg.ventilation_allowed = true;
        desk_start(&d, &cfg, 'A');
        d.pp_mv = 2484;
        desk_run(&d, 500);
        desk_car(&d, cars[i]);
        desk_run(&d, 20);
        assert_int_equal(d.status.pilot, cars[i]);
        assert_int_equal(raised_after(FAULT_PP, 2000, 2484), 1000);
        desk_car(&d, 'A');
        /* who has asked for energy is shown state F first */
        assert_int_equal(cleared_after(FAULT_PP, 10000), cars[i] == 'B' ? 30 : 530);
    }
    /* Under current there is no such time. */
    desk_charge(&d, NULL);
    d.pp_mv = 2484;
    ms = raised_after(FAULT_PP, 500, 2484);
    assert_in_range(ms, 160, 260);
    assert_int_equal(d.status.cable_ma, 0);
    assert_true(d.out.coil_off);

    /* Nothing is known any more. */
    desk_start(&d, NULL, 'B');
    desk_run(&d, 1000);
    d.dead_adc = true;
    ms = raised_after(FAULT_PP, 3000, 793);
    assert_in_range(ms, 1100, 1200); /* a second, and the debounce */
}

static void another_cable_with_the_same_car(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    d.pp_mv = 1466; /* 20 A, before there is a car: fine */
    desk_run(&d, 1000);
    assert_int_equal(d.status.cable_ma, 20000);
    assert_int_equal(d.status.faults, 0);
    desk_car(&d, 'B');
    desk_run(&d, 1000);
    d.pp_mv = 793;
    int ms = raised_after(FAULT_CABLE_CHANGED, 500, 793);
    assert_in_range(ms, 160, 260);
    d.pp_mv = 1466; /* the first again */
    desk_run(&d, 3000);
    assert_true(d.status.faults & bit(FAULT_CABLE_CHANGED));
    desk_car(&d, 'A');
    desk_run(&d, 1500);
    assert_int_equal(d.status.faults, 0);
    /* The next car brings what it likes. */
    d.pp_mv = 793;
    desk_run(&d, 500);
    desk_car(&d, 'B');
    desk_run(&d, 1000);
    assert_int_equal(d.status.faults, 0);
    /* The cable comes after the pilot. */
    desk_car(&d, 'A');
    d.pp_mv = 2484;
    desk_run(&d, 1000);
    desk_car(&d, 'B');
    desk_run(&d, 300);
    d.pp_mv = 1890;
    desk_run(&d, 3000);
    assert_int_equal(d.status.faults, 0);
    assert_int_equal(d.status.cable_ma, 13000);
    /* A bad contact at first, then a rating: one fault, not two. */
    desk_car(&d, 'A');
    desk_run(&d, 500);
    d.pp_mv = 1100;
    desk_car(&d, 'B');
    desk_run(&d, 500);
    d.pp_mv = 1890;
    desk_run(&d, 6000);
    assert_int_equal(desk_faults(&d, FAULT_CABLE_CHANGED, 1), 1);
    assert_int_equal(d.status.faults, 0);
    /* A cable that is away and comes back is the same one. */
    d.pp_mv = 2484;
    desk_run(&d, 500);
    d.pp_mv = 1890;
    desk_run(&d, 3000);
    assert_int_equal(d.status.faults, 0);
    d.pp_mv = 2484;
    desk_run(&d, 500);
    d.pp_mv = 1466;
    ms = raised_after(FAULT_CABLE_CHANGED, 500, 1466);
}

static void ventilation(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        struct control_cfg cfg = defaults();
        cfg.ventilation_allowed = allowed;
        desk_start(&d, &cfg, 'A');
        desk_command(&d, CONTROL_AUTHORISE, 1);
        desk_car(&d, 'B');
        desk_run(&d, 200);
        desk_car(&d, 'D');
        if (allowed) {
            assert_true(desk_until(&d, EVSE_CHARGING, 1000));
            assert_int_equal(d.status.faults, 0);
        } else {
            assert_int_equal(raised_after(FAULT_VENTILATION, 100, 0), 20);
        }
    }
}

static void residual_current_inputs(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'B');
    d.inputs = GUARD_IN_RCD;
    assert_int_equal(raised_after(FAULT_RCD, 100, 0), 20); /* twice */
    d.inputs = 0;
    desk_run(&d, 2000);
    desk_car(&d, 'A');
    assert_int_equal(cleared_after(FAULT_RCD, 3000), 30);
    for (int i = 0; i < 20; i++) { /* never twice running */
        d.inputs = i % 2 ? 0 : GUARD_IN_RCD;
        desk_step(&d);
    }
    assert_int_equal(d.status.faults, 0);
    /* The monitor's output counts where one is fitted, and not during its own test. */
    d.inputs = GUARD_IN_RCM_FAULT;
    desk_run(&d, 1000);
    assert_int_equal(d.status.faults, 0);
    struct control_cfg cfg = defaults();
    cfg.rcm_fitted = true;
    desk_init(&d, &cfg);
    bool tested = false;
    for (int i = 0; i < 100; i++) {
        desk_step(&d);
        tested |= d.out.rcm_test;
        assert_int_equal(d.status.faults, 0);
    }
    assert_true(tested);
    assert_int_equal(d.status.state, EVSE_IDLE);
    assert_false(d.out.rcm_test);
    d.inputs = GUARD_IN_RCM_FAULT;
    assert_int_equal(raised_after(FAULT_RCD, 100, 0), 20);
    assert_false(desk_last(&d, CONTROL_EV_STATE)->b == EVSE_IDLE);
}

static void the_monitor_is_tested_with_open_contacts_only(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.rcm_fitted = cfg.aux_fitted = true;
    for (int asked = 0; asked < 2; asked++) {
        desk_charge(&d, &cfg);
        if (asked)
            desk_command(&d, CONTROL_CLEAR_FAULT, 0); /* a person asks for a test: not now */
        for (int i = 0; i < 100; i++) {
            desk_step(&d);
            assert_false(d.out.rcm_test);
        }
        desk_car(&d, 'B');
        d.amp[0] = d.amp[1] = d.amp[2] = 0;
        int tests = 0, after = 0;
        bool driven = false;
        for (int i = 0; i < 200; i++) {
            desk_step(&d);
            assert_false(d.out.rcm_test && (d.contacts || d.coil));
            tests += d.out.rcm_test && !driven;
            driven = d.out.rcm_test;
            after += !tests && !d.status.contactor_closed;
        }
        assert_int_equal(tests, 1);             /* once for each charge */
        assert_int_equal(after, asked ? 1 : 2); /* at once */
        assert_int_equal(d.status.faults, 0);
    }
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_run(&d, 20);
    assert_true(d.out.rcm_test);
    desk_run(&d, 100);
    /* One that fails keeps the contactor open. */
    d.rcm_stuck = true;
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    int ms = raised_after(FAULT_RCM_TEST, 2000, 0);
    assert_in_range(ms, 600, 700); /* two tries of 300 ms */
    assert_int_equal(d.out.duty_bp, PILOT_F);
    desk_car(&d, 'A');
    desk_run(&d, 2000);
    assert_true(d.status.faults & bit(FAULT_RCM_TEST));
    d.rcm_stuck = false;
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_run(&d, 500);
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_run(&d, 500);
    assert_int_equal(d.status.faults, 0);

    /* Armed, or with the coil on, counts as closed: whatever the contact says. A test that falls due in the
     * very step that arms: */
    cfg.aux_fitted = true;
    desk_start(&d, &cfg, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    static struct desk before;
    do {
        before = d;
        desk_step(&d);
    } while (d.status.state != EVSE_CLOSING && d.now_us < 10000000);
    d = before;
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_step(&d);
    assert_int_equal(d.status.state, EVSE_CLOSING);
    d.dead_adc = true;
    desk_step_after(&d, 4000);
    assert_false(d.out.rcm_test);
    /* The coil on and nobody to say that it went off: */
    desk_start(&d, &cfg, 'A');
    d.no_close = true;
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    assert_true(desk_until(&d, EVSE_CLOSING, 2000));
    desk_run(&d, 20);
    assert_true(d.coil && !d.contacts);
    d.dead_adc = true;
    desk_run(&d, 30);
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    for (int i = 0; i < 10; i++) {
        desk_step(&d);
        assert_false(d.out.rcm_test);
    }
    d.no_close = false;

    /* The car asks again while the test runs: it has to wait for it. */
    cfg.aux_fitted = false;
    desk_charge(&d, &cfg);
    d.rcm_stuck = true;
    desk_car(&d, 'B');
    desk_run(&d, 150);
    assert_true(d.out.rcm_test);
    desk_car(&d, 'C');
    for (int i = 0; i < 300; i++) {
        desk_step(&d);
        assert_true(d.out.coil_off);
    }
}

static void supply_faults_and_the_wait_after_them(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.undervoltage_mv = 190000;
    cfg.overvoltage_mv = 250000;
    cfg.freq_min_mhz = 48000;
    cfg.freq_max_mhz = 51000;
    cfg.reconnect_min_ms = 4000;
    cfg.reconnect_random_ms = 0;
    static const struct {
        double volt, hz;
        enum fault f;
    } cases[] = {
        {187, 50, FAULT_UNDERVOLTAGE}, {252, 50, FAULT_OVERVOLTAGE}, {230, 47.9, FAULT_FREQUENCY},
        {230, 51.1, FAULT_FREQUENCY},  {193, 50, FAULT_NONE},        {248, 50, FAULT_NONE},
        {230, 48.1, FAULT_NONE},       {230, 50.9, FAULT_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        desk_charge(&d, &cfg);
        for (int p = 0; p < 3; p++)
            d.volt[p] = cases[i].volt;
        d.hz = cases[i].hz;
        if (cases[i].f == FAULT_NONE) {
            desk_run(&d, 3000);
            assert_int_equal(d.status.faults, 0);
            continue;
        }
        raised_after(cases[i].f, 2500, 0);
        assert_int_equal(d.status.faults, bit(cases[i].f));
        assert_true(d.out.coil_off);
        assert_false(d.status.supply_waiting);
        for (int p = 0; p < 3; p++)
            d.volt[p] = 230;
        d.hz = 50;
        assert_true(cleared_after(cases[i].f, 3000) > 0);
        assert_true(d.status.supply_waiting);
        uint64_t from = d.now_us;
        while (d.status.supply_waiting && d.now_us < from + 10000000)
            desk_step(&d);
        assert_int_equal((d.now_us - from) / 1000, 4000);
        assert_true(desk_until(&d, EVSE_CHARGING, 8000));
    }
    /* L1 gone, or the neutral: a fault of its own. */
    desk_charge(&d, NULL);
    d.volt[0] = 0;
    d.amp[0] = 0;
    raised_after(FAULT_PHASE_LOSS, 2500, 0);
    /* One phase: nothing is expected of the others. */
    cfg.phases = 1;
    desk_start(&d, &cfg, 'A');
    d.volt[1] = d.volt[2] = 0;
    desk_run(&d, 3000);
    assert_int_equal(d.status.faults, 0);
}

static void after_a_power_cut_the_street_comes_back_one_by_one(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.reconnect_min_ms = 3000;
    cfg.reconnect_random_ms = 0;
    desk_init(&d, &cfg);
    control_reconnect(&d.control);
    desk_car(&d, 'C');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    while (d.status.state == EVSE_SELF_TEST)
        desk_step(&d);
    uint64_t from = d.now_us;
    assert_int_equal(d.status.state, EVSE_OFFERING);
    assert_int_equal(d.out.duty_bp != PILOT_STEADY, true);
    desk_step(&d); /* that was the step; from the next on it waits */
    assert_true(d.status.supply_waiting);
    assert_int_equal(d.status.state, EVSE_WAITING);
    while (d.status.supply_waiting && d.now_us < from + 10000000)
        desk_step(&d);
    assert_int_equal((d.now_us - from) / 1000, 3000);
    assert_true(desk_until(&d, EVSE_CHARGING, 6000));
    /* That was it: the next car has no part in the power cut. */
    desk_car(&d, 'A');
    desk_run(&d, 3000);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    assert_true(desk_until(&d, EVSE_CHARGING, 1500));

    /* Nobody was there. */
    desk_init(&d, &cfg);
    control_reconnect(&d.control);
    desk_run(&d, 700);
    assert_int_equal(d.status.state, EVSE_IDLE);
    assert_false(d.status.supply_waiting);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    assert_true(desk_until(&d, EVSE_CHARGING, 1500));
    assert_int_equal(d.status.contactor_cycles, 1);

    /* And without a power cut a car that is found plugged in starts at once. */
    desk_start(&d, &cfg, 'C');
    assert_false(d.status.supply_waiting);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    assert_true(desk_until(&d, EVSE_CHARGING, 1500));

    /* The random share differs from station to station. */
    cfg.reconnect_random_ms = 20000;
    uint64_t waits[8], least = UINT64_MAX, most = 0;
    for (uint32_t seed = 0; seed < 8; seed++) {
        desk_init_at(&d, &cfg, DESK_START_US, seed * 7919 + 1, NULL, 0);
        control_reconnect(&d.control);
        desk_car(&d, 'B');
        while (d.status.state == EVSE_SELF_TEST)
            desk_step(&d);
        from = d.now_us;
        desk_step(&d);
        while (d.status.supply_waiting && d.now_us < from + 30000000)
            desk_step(&d);
        waits[seed] = d.now_us - from;
        assert_in_range(waits[seed], 3000000, 23010000);
        least = waits[seed] < least ? waits[seed] : least;
        most = waits[seed] > most ? waits[seed] : most;
    }
    assert_true(most - least > 5000000);
}

/* ---- the guard's limits ---- */

static void is_word(int i, int32_t is)
{
    assert_int_equal((int32_t)d.guard.limit_words[i], is);
}

static void what_the_guard_is_armed_with(void **state)
{
    (void)state;
    int32_t min_dmv, max_dmv;
    desk_charge(&d, NULL);
    is_word(0, 3 << 8 | 2); /* three phases, the diode is looked at; no D, no monitor */
    is_word(1, 38400);      /* 1.2 times 32 A */
    is_word(2, 5556);       /* 18 mV per ampere */
    for (int i = 3; i < 6; i++)
        is_word(i, 13000);
    assert_true(proximity_window_dmv(32000, &min_dmv, &max_dmv));
    is_word(6, min_dmv);
    is_word(7, max_dmv);
    uint32_t armed = d.guard.armed;
    assert_true(armed != 0);
    desk_run(&d, 100);
    assert_int_equal(d.guard.armed, armed); /* one arming */
    d.trip = GUARD_TRIP_LEFT_C;
    desk_car(&d, 'B');
    desk_run(&d, 50);
    assert_int_equal(d.guard.armed, 0);

    struct control_cfg cfg = defaults();
    cfg.ventilation_allowed = cfg.rcm_fitted = true;
    cfg.installation_ma = 16000;
    cfg.metering.i_gain_ppm[0] = 900000;
    cfg.metering.i_gain_ppm[1] = 1250000; /* the largest, so that none is taken for too small */
    cfg.metering.i_gain_ppm[2] = 1100000;
    for (int p = 0; p < 3; p++)
        cfg.metering.i_zero_dmv[p] = 12900 + 70 * p;
    desk_charge(&d, &cfg);
    is_word(0, 3 << 8 | 1 | 2 | 4);
    is_word(1, 19200);
    is_word(2, 6945);
    for (int p = 0; p < 3; p++)
        is_word(3 + p, 12900 + 70 * p);

    cfg = defaults();
    cfg.phases = 1;
    cfg.cp_bipolar = false;
    cfg.allow_no_diode_check = true;
    cfg.metering.i_gain_ppm[1] = 1500000; /* not fitted */
    desk_start(&d, &cfg, 'A');
    d.pp_mv = 1466;
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_run(&d, 500);
    desk_car(&d, 'C');
    desk_run(&d, 1500);
    is_word(0, 1 << 8);
    is_word(1, 24000); /* the cable's 20 A */
    is_word(2, 5556);
    assert_true(proximity_window_dmv(20000, &min_dmv, &max_dmv));
    is_word(6, min_dmv);
    is_word(7, max_dmv);
    desk_limit(&d, LIMIT_INSTALLATION, 10000, 0, 0); /* less than the cable's, in mid-charge */
    desk_step(&d);
    is_word(1, 12000);
    desk_limit(&d, LIMIT_SERVER, 8000, 0, 0); /* no matter of fuses */
    desk_step(&d);
    is_word(1, 12000);
}

/* ---- the contactor ---- */

static void contactor_events_and_delays(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.aux_fitted = true;
    desk_init_at(&d, &cfg, DESK_START_US, 1, NULL, 41);
    d.close_us = 15000;
    d.open_us = 10000;
    desk_run(&d, 1000);
    assert_int_equal(desk_count(&d, CONTROL_EV_CONTACTOR), 0);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    desk_run(&d, 2000);
    assert_int_equal(d.status.state, EVSE_CHARGING);
    assert_true(d.status.contactor_closed);
    assert_int_equal(d.status.contactor_close_us, 15000);
    assert_int_equal(d.status.contactor_open_us, -1);
    assert_int_equal(d.status.contactor_cycles, 42);
    const struct control_event *e = desk_last(&d, CONTROL_EV_CONTACTOR);
    is_event(e, e->at_us, CONTROL_EV_CONTACTOR, 1, 15000, 42);
    assert_int_equal(desk_count(&d, CONTROL_EV_CONTACTOR), 1);
    d.trip = GUARD_TRIP_LEFT_C;
    desk_car(&d, 'B');
    desk_run(&d, 100);
    e = desk_last(&d, CONTROL_EV_CONTACTOR);
    is_event(e, e->at_us, CONTROL_EV_CONTACTOR, 0, 10000, 42);
    assert_int_equal(desk_count(&d, CONTROL_EV_CONTACTOR), 2);
    assert_int_equal(d.status.contactor_open_us, 10000);
    assert_false(d.status.contactor_closed);

    /* Without an auxiliary contact the coil is all that is known. */
    desk_charge(&d, NULL);
    is_event(desk_last(&d, CONTROL_EV_CONTACTOR), desk_last(&d, CONTROL_EV_CONTACTOR)->at_us,
             CONTROL_EV_CONTACTOR, 1, -1, 1);
    assert_int_equal(d.status.contactor_close_us, -1);
    assert_true(d.status.phases_used[0] && d.status.phases_used[1] && d.status.phases_used[2]);
    d.amp[0] = 1.03;
    d.amp[1] = 0.97;
    desk_run(&d, 1500);
    assert_true(d.status.phases_used[0] && !d.status.phases_used[1] && d.status.phases_used[2]);
    d.trip = GUARD_TRIP_LEFT_C;
    desk_car(&d, 'B');
    desk_run(&d, 30);
    assert_false(d.status.phases_used[0] ||
                 d.status.phases_used[2]); /* at once, though the meter still shows it */
}

static void a_contactor_that_slows_down_is_told(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.aux_fitted = true;
    desk_start(&d, &cfg, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 300);
    for (int i = 0; i < CONTACTOR_LIFE_LEARN + CONTACTOR_DRIFT_COUNT; i++) {
        assert_false(d.status.contactor_drift);
        if (i == CONTACTOR_LIFE_LEARN)
            d.close_us = 40000; /* 20 ms, half of that, and 5 ms are still good */
        desk_car(&d, 'C');
        assert_true(desk_until(&d, EVSE_CHARGING, 4000));
        desk_run(&d, 200);
        d.trip = GUARD_TRIP_LEFT_C;
        desk_car(&d, 'B');
        desk_run(&d, 300);
    }
    assert_true(d.status.contactor_drift);
    assert_int_equal(d.status.faults, 0);
    assert_int_equal(d.status.contactor_cycles, CONTACTOR_LIFE_LEARN + CONTACTOR_DRIFT_COUNT);
}

/* Leaves C with the current flowing on: the time from the last frame in C to the coil, ms. */
static int opened_after_ms(const struct control_cfg *cfg)
{
    desk_charge(&d, cfg);
    desk_car(&d, 'B');
    uint64_t from = d.now_us; /* the end of the last frame in C */
    while (!d.out.coil_off && d.now_us < from + 1000000)
        desk_step(&d);
    return (int)((d.now_us - from) / 1000);
}

static void an_ordinary_opening_waits_for_the_current(void **state)
{
    (void)state;
    assert_int_equal(opened_after_ms(NULL),
                     80); /* counted from the car's leaving, not from when it was believed */
    desk_charge(&d, NULL);
    for (int p = 0; p < 3; p++)
        d.amp[p] = 0;
    desk_run(&d, 100);
    desk_car(&d, 'B');
    uint64_t from = d.now_us;
    while (!d.out.coil_off && d.now_us < from + 1000000)
        desk_step(&d);
    assert_int_equal((d.now_us - from) / 1000, 10); /* two frames */
    /* One phase is enough to wait for. */
    for (int p = 0; p < 3; p++) {
        desk_charge(&d, NULL);
        for (int q = 0; q < 3; q++)
            d.amp[q] = q == p ? 0.6 : 0;
        desk_run(&d, 100);
        desk_car(&d, 'B');
        from = d.now_us;
        while (!d.out.coil_off && d.now_us < from + 1000000)
            desk_step(&d);
        assert_int_equal((d.now_us - from) / 1000, 80);
    }
    /* A car that stays in C is switched off after six seconds, with what it draws, 80 ms later at the latest.
     */
    desk_charge(&d, NULL);
    from = d.now_us;
    desk_command(&d, CONTROL_AUTHORISE, 0);
    while (!d.out.coil_off && d.now_us < from + 10000000)
        desk_step(&d);
    assert_in_range((d.now_us - from) / 1000, 6080, 6100);
    assert_int_equal(d.status.state, EVSE_CONNECTED);
}

static void a_weld_is_found_by_the_current_or_the_contact(void **state)
{
    (void)state;
    desk_charge(&d, NULL);
    d.weld = true;
    d.trip = GUARD_TRIP_LEFT_C;
    desk_car(&d, 'B');
    int ms = raised_after(FAULT_WELDED, 1000, 0);
    assert_in_range(ms, 205, 225);
    assert_int_equal(d.out.duty_bp, PILOT_F);
    struct control_cfg cfg = defaults();
    cfg.aux_fitted = true;
    desk_charge(&d, &cfg);
    d.amp[0] = d.amp[1] = d.amp[2] = 0;
    desk_run(&d, 500);
    d.weld = true;
    d.trip = GUARD_TRIP_LEFT_C;
    desk_car(&d, 'B');
    ms = raised_after(FAULT_WELDED, 1000, 0);
    assert_in_range(ms, 205, 225);
    assert_true(d.status.contactor_closed);
    assert_false(d.status.phases_used[0]);

    desk_start(&d, &cfg, 'A');
    d.no_close = true;
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    assert_true(desk_until(&d, EVSE_CLOSING, 1000));
    ms = raised_after(FAULT_NO_CLOSE, 1000, 0);
    assert_in_range(ms, 205, 225);
}

/* What must hold for closing: each alone keeps it open. */
static void each_reason_not_to_close(void **state)
{
    (void)state;
    for (int why = 0; why < 9; why++) {
        struct control_cfg cfg = defaults();
        cfg.lock_fitted = why == 5;
        desk_start(&d, &cfg, 'A');
        desk_command(&d, CONTROL_AUTHORISE, why != 1);
        if (why == 2)
            desk_limit(&d, LIMIT_SERVER, 5999, 0, 0);
        if (why == 3)
            desk_command(&d, CONTROL_AVAILABLE, 0);
        if (why == 4)
            desk_command(&d, CONTROL_CONTACTOR, 0);
        d.lock_stuck = why == 5;
        if (why == 6)
            d.volt[0] = d.volt[1] = d.volt[2] = 100;
        if (why == 7)
            d.pp_mv = 1100;
        desk_run(&d, 3000);
        desk_car(&d, 'C');
        if (why == 8)
            d.low_mv = -6000;
        for (int i = 0; i < 200; i++) {
            desk_step(&d);
            if (why)
                assert_true(d.out.coil_off);
        }
        assert_int_equal(d.status.state == EVSE_CHARGING, why == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trip_and_its_fault),
        cmocka_unit_test(one_step_tells_in_order),
        cmocka_unit_test(pilot_faults),
        cmocka_unit_test(a_front_end_that_is_blind_for_the_diode),
        cmocka_unit_test(proximity_faults),
        cmocka_unit_test(another_cable_with_the_same_car),
        cmocka_unit_test(ventilation),
        cmocka_unit_test(residual_current_inputs),
        cmocka_unit_test(the_monitor_is_tested_with_open_contacts_only),
        cmocka_unit_test(supply_faults_and_the_wait_after_them),
        cmocka_unit_test(after_a_power_cut_the_street_comes_back_one_by_one),
        cmocka_unit_test(what_the_guard_is_armed_with),
        cmocka_unit_test(contactor_events_and_delays),
        cmocka_unit_test(a_contactor_that_slows_down_is_told),
        cmocka_unit_test(an_ordinary_opening_waits_for_the_current),
        cmocka_unit_test(a_weld_is_found_by_the_current_or_the_contact),
        cmocka_unit_test(each_reason_not_to_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
