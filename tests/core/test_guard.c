/* guard: the trip path, frame by frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/frames.h"

static struct frames f;
static struct guard g;
static struct guard_limits limits;
static uint32_t out;

static void feed(int frames)
{
    for (int i = 0; i < frames; i++) {
        atomic_fetch_add(&g.beat, 1);
        out = frames_feed(&f, &g);
        struct sense_frame taken;
        while (guard_take_frame(&g, &taken))
            ;
    }
}

static bool coil(void)
{
    assert_int_equal(atomic_load(&g.coil), (out & GUARD_OUT_COIL) != 0);
    return out & GUARD_OUT_COIL;
}

static void arm(void)
{
    guard_arm(&g, &limits, (uint64_t)f.t_us);
}

static void ready(void)
{
    frames_init(&f);
    f.noise_mv = 4;
    f.duty_bp = 2666;
    frames_pilot(&f, 'C', true);
    guard_init(&g, &f.cfg);
    limits = (struct guard_limits){
        .check_diode = true,
        .phases = 3,
        .fast_ma = 38400,
        .ct_ma_per_dmv = 5556,
        .i_zero_dmv = {13000, 13000, 13000},
    };
    feed(100);
    assert_false(coil());
}

/* Closed, with 10 A on each phase. */
static void closed(void)
{
    ready();
    arm();
    feed(1);
    assert_true(coil());
    for (int p = 0; p < 3; p++)
        f.amp[p] = 10;
    feed(50);
    assert_true(coil());
}

static uint32_t trips(void)
{
    return atomic_load(&g.trips);
}

static void no_coil_without_arming(void **state)
{
    (void)state;
    ready();
    feed(300);
    assert_false(coil());
    assert_int_equal(trips(), 0);
    arm();
    feed(1);
    assert_true(coil());
    guard_disarm(&g);
    feed(1);
    assert_false(coil());
    assert_int_equal(trips(), 0);
}

static void a_bad_frame_does_not_switch_on(void **state)
{
    (void)state;
    ready();
    frames_pilot(&f, 'B', true);
    feed(2);
    arm();
    feed(1);
    assert_false(coil());
    feed(20);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_LEFT_C);
}

struct reason {
    const char *name;
    void (*cause)(void);
    uint32_t trip;
};
static void to_a(void)
{
    frames_pilot(&f, 'A', true);
}
static void to_d(void)
{
    frames_pilot(&f, 'D', true);
}
static void to_e(void)
{
    frames_pilot(&f, 'E', true);
}
static void no_diode(void)
{
    frames_pilot(&f, 'C', false);
}
static void rcd(void)
{
    f.inputs = GUARD_IN_RCD;
}
static void rcm(void)
{
    f.inputs = GUARD_IN_RCM_FAULT;
}
static void minus_12(void)
{
    f.duty_bp = 0;
}
static void between_d_and_e(void)
{
    f.high_mv = 1600;
}
static void far_above(void)
{
    f.high_mv = 14500;
}
static void far_below(void)
{
    f.low_mv = -14800;
}

static const struct reason reasons[] = {
    {"unplugged", to_a, GUARD_TRIP_UNPLUGGED},
    {"D without ventilation", to_d, GUARD_TRIP_VENTILATION},
    {"short", to_e, GUARD_TRIP_CP_SHORT},
    {"diode", no_diode, GUARD_TRIP_DIODE},
    {"rcd", rcd, GUARD_TRIP_RCD},
    {"rcm", rcm, GUARD_TRIP_RCD},
    {"state F", minus_12, GUARD_TRIP_CP_RANGE},
    {"between D and E", between_d_and_e, GUARD_TRIP_CP_RANGE},
    {"far above", far_above, GUARD_TRIP_CP_RANGE},
    {"far below", far_below, GUARD_TRIP_CP_RANGE},
};

static void every_reason_opens_after_two_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        ready();
        limits.rcm_fitted = true;
        arm();
        feed(20);
        assert_true(coil());
        reasons[i].cause();
        feed(1);
        assert_true(coil()); /* one frame may be noise */
        feed(1);
        if (coil() || trips() != reasons[i].trip)
            print_error("%s: trips %#x\n", reasons[i].name, (unsigned)trips());
        assert_false(coil());
        assert_int_equal(trips(), reasons[i].trip);
        assert_int_equal(atomic_load(&g.first_trip), reasons[i].trip);
        assert_int_equal(atomic_load(&g.trip_us), atomic_load(&g.frame_us));
        /* All is well again: it stays open until armed anew, and a new limit is no new arming. */
        f.inputs = 0;
        f.duty_bp = 2666;
        frames_pilot(&f, 'C', true);
        limits.fast_ma = 20000;
        arm();
        feed(20);
        assert_false(coil());
        guard_disarm(&g);
        feed(1);
        arm();
        feed(1);
        assert_true(coil());
        assert_int_equal(trips(), 0);
    }
}

static void a_single_bad_frame_opens_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        closed();
        for (int n = 0; n < 10; n++) {
            struct frames keep = f;
            reasons[i].cause();
            feed(1);
            keep.t_us = f.t_us;
            f = keep;
            feed(1);
            assert_true(coil());
        }
    }
}

static void the_residual_current_monitor_counts_only_where_fitted(void **state)
{
    (void)state;
    closed();
    f.inputs = GUARD_IN_RCM_FAULT | GUARD_IN_AUX | GUARD_IN_LOCKED | GUARD_IN_BUTTON;
    feed(20);
    assert_true(coil());
}

static void ventilation_allowed_counts_like_c(void **state)
{
    (void)state;
    ready();
    limits.allow_d = true;
    arm();
    feed(10);
    frames_pilot(&f, 'D', true);
    feed(50);
    assert_true(coil());
    f.high_mv = 4300; /* on the way between the two */
    feed(10);
    assert_true(coil());
}

static void tolerances_of_c(void **state)
{
    (void)state;
    static const struct {
        int32_t mv;
        bool stays;
    } level[] = {{5480, true}, {6490, true}, {5250, true}, {6700, true}, {7100, false}, {4800, false}};
    for (size_t i = 0; i < sizeof level / sizeof level[0]; i++) {
        closed();
        f.high_mv = level[i].mv;
        for (int p = 0; p < 3; p++)
            f.amp[p] = 0;
        feed(30);
        assert_int_equal(coil(), level[i].stays);
    }
}

/* Opens when the car leaves C: at zero current, by the deadline at the latest. */
static double left_c_ms(double current_ms)
{
    closed();
    double at_us = f.t_us;
    frames_pilot(&f, 'B', true);
    while (coil() && f.t_us - at_us < 200e3) {
        if (f.t_us - at_us >= current_ms * 1000)
            for (int p = 0; p < 3; p++)
                f.amp[p] = 0;
        feed(1);
    }
    assert_int_equal(trips(), GUARD_TRIP_LEFT_C);
    return (f.t_us - at_us) / 1000;
}

static void leaving_c(void **state)
{
    (void)state;
    assert_true(left_c_ms(0) <= 15);
    for (int ms = 10; ms < 60; ms += 7) {
        double opened = left_c_ms(ms);
        assert_true(opened >= ms && opened <= ms + 20);
    }
    double latest = left_c_ms(1000);
    assert_true(latest <= 80 && latest >= 65);
    /* Whatever happens meanwhile does not wait. */
    closed();
    frames_pilot(&f, 'B', true);
    feed(4);
    assert_true(coil());
    frames_pilot(&f, 'E', true);
    feed(2);
    assert_false(coil());
    assert_true(trips() & GUARD_TRIP_CP_SHORT);
    /* Back to C in between: the decision stands. */
    closed();
    frames_pilot(&f, 'B', true);
    feed(3);
    frames_pilot(&f, 'C', true);
    feed(20);
    assert_false(coil());
}

static void small_currents_are_seen(void **state)
{
    (void)state;
    /* 1 A on one phase is current; noise and an offset of the front end are not. */
    closed();
    f.offset_mv = 20;
    f.amp[0] = f.amp[1] = f.amp[2] = 0;
    guard_disarm(&g);
    feed(600);
    arm();
    feed(20);
    assert_true(coil());
    frames_pilot(&f, 'B', true);
    feed(3);
    assert_false(coil());
    closed();
    f.amp[0] = f.amp[1] = 0;
    f.amp[2] = 1.2;
    feed(50);
    double at_us = f.t_us;
    frames_pilot(&f, 'B', true);
    feed(10);
    assert_true(coil());
    feed(20);
    assert_false(coil());
    assert_true(((double)atomic_load(&g.trip_us) - at_us) > 60e3);
}

static double i2t_ms(double amp)
{
    closed();
    double at_us = f.t_us;
    f.amp[1] = amp;
    for (int i = 0; i < 2000 && coil(); i++)
        feed(1);
    return (f.t_us - at_us) / 1000;
}

static void i_squared_t(void **state)
{
    (void)state;
    limits.fast_ma = 0;
    closed();
    f.amp[0] = 37;
    feed(4000); /* 19 s just below */
    assert_true(coil());
    /* budget: 38.4 A squared for 300 ms */
    double ms = i2t_ms(44);
    assert_true(ms > 700 && ms < 1200);
    assert_int_equal(trips(), GUARD_TRIP_OVERCURRENT);
    ms = i2t_ms(51);
    assert_true(ms > 300 && ms < 500);
    assert_true(i2t_ms(500) < 300); /* clipped by the front end */
    /* It forgets when the current is low, and not at once. */
    closed();
    for (int i = 0; i < 20; i++) {
        f.amp[1] = 51;
        feed(20); /* 97 ms */
        f.amp[1] = 10;
        feed(40);
        assert_true(coil());
    }
    for (int i = 0; i < 20 && coil(); i++) {
        f.amp[1] = 51;
        feed(20);
        f.amp[1] = 38;
        feed(20);
    }
    assert_false(coil());
}

static void one_phase_looks_at_one_phase(void **state)
{
    (void)state;
    ready();
    limits.phases = 1;
    arm();
    f.amp[2] = 70;
    feed(500);
    assert_true(coil());
    f.amp[0] = 70;
    feed(200);
    assert_false(coil());
}

/* Proximity is out of its window in a frame in which the pilot still counts as C. */
static void a_pulled_plug_is_no_broken_cable(void **state)
{
    (void)state;
    ready();
    limits.pp_min_dmv = 6000;
    limits.pp_max_dmv = 9500;
    arm();
    atomic_store(&g.mux_wanted, 1);
    feed(20);
    assert_true(coil());
    f.pp_mv = 2484;
    f.event_us = f.t_us + 4000;
    f.event_high_mv = 12000;
    f.event_low_mv = -12000;
    feed(1);
    assert_true(coil());
    feed(1);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_UNPLUGGED | GUARD_TRIP_PP);
    assert_int_equal(atomic_load(&g.first_trip), GUARD_TRIP_UNPLUGGED);
}

static void proximity_in_its_own_frames(void **state)
{
    (void)state;
    static const int32_t wrong_mv[] = {2484, 960, 590, 0};
    for (size_t i = 0; i < sizeof wrong_mv / sizeof wrong_mv[0]; i++) {
        ready();
        limits.pp_min_dmv = 6000;
        limits.pp_max_dmv = 9500;
        arm();
        feed(20);
        f.pp_mv = wrong_mv[i];
        feed(20);
        assert_true(coil()); /* the switch shows V2 */
        atomic_store(&g.mux_wanted, 1);
        feed(3); /* turn, settle, first */
        assert_true(coil());
        feed(1);
        assert_false(coil());
        assert_int_equal(trips(), GUARD_TRIP_PP);
    }
    ready();
    limits.pp_min_dmv = 6000;
    limits.pp_max_dmv = 9500;
    arm();
    atomic_store(&g.mux_wanted, 1);
    for (int i = 0; i < 20; i++) { /* one reading out of two is noise */
        f.pp_mv = i % 2 ? 793 : 2484;
        feed(1);
    }
    assert_true(coil());
    limits.pp_min_dmv = limits.pp_max_dmv = 0; /* not to be looked at */
    arm();
    f.pp_mv = 2484;
    feed(20);
    assert_true(coil());
}

/* A noisy converter is no current: its noise is learnt while the contactor is open. */
static void noise_is_learnt(void **state)
{
    (void)state;
    for (int current = 0; current < 2; current++) {
        ready();
        f.noise_mv = 18; /* peak: 0.58 A rms */
        feed(400);
        arm();
        feed(20);
        assert_true(coil());
        f.amp[1] = current ? 2 : 0;
        feed(20);
        double at_us = f.t_us;
        frames_pilot(&f, 'B', true);
        while (coil())
            feed(1);
        double ms = (f.t_us - at_us) / 1000;
        assert_true(current ? ms > 60 && ms <= 80 : ms <= 20);
    }
}

static void silence(void **state)
{
    (void)state;
    closed();
    f.t_us += 14e3; /* three frames lost */
    feed(1);
    assert_true(coil());
    f.t_us += 21e3;
    feed(1);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_STARVED);
}

static void a_silent_control_thread(void **state)
{
    (void)state;
    closed();
    double at_us = f.t_us;
    while (f.t_us - at_us < 950e3)
        out = frames_feed(&f, &g);
    assert_true(coil());
    assert_int_equal(atomic_load(&g.lost),
                     (unsigned)(0.5 + (f.t_us - at_us) / 4842.6) - GUARD_RING); /* yet all judged */
    while (f.t_us - at_us < 1010e3)
        out = frames_feed(&f, &g);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_CONTROL);
}

static void a_full_ring_is_still_judged(void **state)
{
    (void)state;
    closed();
    for (int i = 0; i < 40; i++)
        out = frames_feed(&f, &g);
    assert_true(coil());
    frames_pilot(&f, 'E', true);
    out = frames_feed(&f, &g);
    out = frames_feed(&f, &g);
    assert_false(coil());
    struct sense_frame taken;
    int n = 0;
    while (guard_take_frame(&g, &taken))
        n++;
    assert_int_equal(n, GUARD_RING);
}

static void words_that_disagree(void **state)
{
    (void)state;
    closed();
    atomic_store(&g.armed_inv, 7);
    feed(1);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_INTERNAL);
    closed();
    g.priv.coil_inv ^= 4;
    feed(1);
    assert_int_equal(trips(), GUARD_TRIP_INTERNAL);
    closed();
    g.priv.trips_inv ^= 4;
    feed(1);
    assert_false(coil());
}

static void missing_samples(void **state)
{
    (void)state;
    closed();
    uint16_t raw[SENSE_FRAME_LEN];
    uint64_t end_us = 0;
    for (int n = 0; n < 2; n++) {
        size_t len = frames_next(&f, raw, &end_us);
        for (size_t i = 0; i < len; i++)
            if (raw[i] >> 12 == f.cfg.channel_of[SENSE_I2])
                raw[i] = 0xF000;
        out = guard_on_frame(&g, raw, len, end_us, 0);
    }
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_INTERNAL);
    closed();
    for (int n = 0; n < 2; n++)
        out = guard_on_frame(&g, raw, 0, end_us + 4843u * (unsigned)(n + 1), 0);
    assert_false(coil());
}

static void limits_while_being_written_are_not_taken(void **state)
{
    (void)state;
    ready();
    limits.allow_d = true;
    arm();
    feed(10);
    atomic_fetch_add(&g.limits_version, 1); /* the writer was interrupted in the middle */
    atomic_store(&g.limit_words[0], 0);
    frames_pilot(&f, 'D', true);
    feed(20);
    assert_true(coil());
    atomic_fetch_add(&g.limits_version, 1);
    feed(2);
    assert_false(coil());
}

static void hostile_limits(void **state)
{
    (void)state;
    ready();
    memset(&limits, 0, sizeof limits);
    arm();
    feed(50);
    guard_disarm(&g);
    feed(1);
    limits = (struct guard_limits){
        .phases = 255,
        .fast_ma = INT32_MAX,
        .ct_ma_per_dmv = INT32_MIN,
        .i_zero_dmv = {INT32_MIN, INT32_MAX, 0},
        .pp_min_dmv = INT32_MAX,
        .pp_max_dmv = INT32_MIN,
    };
    arm();
    atomic_store(&g.mux_wanted, 1);
    feed(50);
    assert_false(coil());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_coil_without_arming),
        cmocka_unit_test(a_bad_frame_does_not_switch_on),
        cmocka_unit_test(every_reason_opens_after_two_frames),
        cmocka_unit_test(a_single_bad_frame_opens_nothing),
        cmocka_unit_test(the_residual_current_monitor_counts_only_where_fitted),
        cmocka_unit_test(ventilation_allowed_counts_like_c),
        cmocka_unit_test(tolerances_of_c),
        cmocka_unit_test(leaving_c),
        cmocka_unit_test(small_currents_are_seen),
        cmocka_unit_test(i_squared_t),
        cmocka_unit_test(one_phase_looks_at_one_phase),
        cmocka_unit_test(a_pulled_plug_is_no_broken_cable),
        cmocka_unit_test(proximity_in_its_own_frames),
        cmocka_unit_test(noise_is_learnt),
        cmocka_unit_test(silence),
        cmocka_unit_test(a_silent_control_thread),
        cmocka_unit_test(a_full_ring_is_still_judged),
        cmocka_unit_test(words_that_disagree),
        cmocka_unit_test(missing_samples),
        cmocka_unit_test(limits_while_being_written_are_not_taken),
        cmocka_unit_test(hostile_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
