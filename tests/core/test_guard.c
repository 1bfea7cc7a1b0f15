/* guard: the trip path, frame by frame. */
#include <pthread.h>
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

/* ---- exact frames: levels to the millivolt, currents to the step, times to the microsecond ---- */

static uint16_t words[SENSE_FRAME_LEN];
static uint64_t now_us;
static int32_t low_mv, wave_dmv[3], more_dmv, pin_dmv;
static int high_n, low_n;

/* A converter with steps of 0.8 mV, and a front end that gives 1 mV of CP for 0.1 mV. */
enum { EXACT_STEP_DMV = 8, EXACT_FROM_DMV = -14336, EXACT_ZERO_DMV = 13000 };

static uint16_t word_of(int signal, int32_t dmv)
{
    return (uint16_t)(f.cfg.channel_of[signal] << 12 | (dmv - EXACT_FROM_DMV) / EXACT_STEP_DMV);
}

static void exact_start(void)
{
    frames_init(&f);
    for (int i = 0; i < SENSE_CURVE_POINTS; i++)
        f.cfg.curve_dmv[i] = (int16_t)(EXACT_FROM_DMV + i * 256 * EXACT_STEP_DMV);
    f.cfg.cp_gain_q16 = 65536;
    f.cfg.cp_zero_dmv = 0;
    guard_init(&g, &f.cfg);
    limits = (struct guard_limits){
        .check_diode = true,
        .phases = 3,
        .fast_ma = 38400,
        .ct_ma_per_dmv = 5556,
        .i_zero_dmv = {EXACT_ZERO_DMV, EXACT_ZERO_DMV, EXACT_ZERO_DMV},
    };
    now_us = 1000000;
    low_mv = -12000;
    high_n = low_n = 50;
    pin_dmv = 8000;
    memset(wave_dmv, 0, sizeof wave_dmv);
    more_dmv = 0;
    f.inputs = 0;
}

/* One frame of this level and `us` after the last; currents are square waves, whose rms is their height. */
static void exact(int32_t high_mv, uint32_t us)
{
    /* The zero of the front end takes what the converter's steps can't show, of the level that matters. */
    int32_t mv = high_n ? high_mv : low_mv, rest = ((mv % EXACT_STEP_DMV) + EXACT_STEP_DMV) % EXACT_STEP_DMV;
    if (low_mv != -12000)
        rest = ((low_mv % EXACT_STEP_DMV) + EXACT_STEP_DMV) % EXACT_STEP_DMV;
    g.sense.cfg.cp_zero_dmv = (int16_t)-rest;
    int pilots = 0, n[SENSE_SIGNALS] = {0};
    for (int i = 0; i < SENSE_FRAME_LEN; i++) {
        int signal = sense_default_pattern[i % SENSE_PATTERN_LEN];
        int k = n[signal]++;
        if (signal == SENSE_CP) {
            words[i] = pilots < high_n           ? word_of(signal, high_mv - rest)
                       : pilots < high_n + low_n ? word_of(signal, low_mv - rest)
                                                 : 0xF000;
            pilots++;
        } else if (signal <= SENSE_I3) {
            int32_t h = wave_dmv[signal - SENSE_I1] + (k / 2 % 2 ? more_dmv : 0);
            words[i] = word_of(signal, EXACT_ZERO_DMV + (k % 2 ? -h : h));
        } else {
            words[i] = word_of(signal, pin_dmv);
        }
    }
    now_us += us;
    out = guard_on_frame(&g, words, SENSE_FRAME_LEN, now_us, f.inputs);
    struct sense_frame taken;
    while (guard_take_frame(&g, &taken))
        ;
}

static void exact_run(int frames, int32_t high_mv, uint32_t us)
{
    for (int i = 0; i < frames; i++) {
        atomic_fetch_add(&g.beat, 1);
        exact(high_mv, us);
    }
}

static void exact_closed(void)
{
    exact_run(10, 6000, 4800);
    guard_arm(&g, &limits, now_us);
    exact_run(4, 6000, 4800);
    assert_true(coil());
}

/* IEC 61851-1 Table A.4: C is 5.48 to 6.49 V, B from 8.36 V, A from 11.4 V, D 2.62 to 3.25 V, E about 0 V;
 * the station's own error of 0.4 V comes on top. Where no state is, the safer of its neighbours is assumed.
 */
static void each_level_to_the_millivolt(void **state)
{
    (void)state;
    static const struct {
        int32_t high_mv, low_mv;
        bool allow_d;
        uint32_t trip;
    } table[] = {
        {6890, -12000, false, 0},
        {6891, -12000, false, GUARD_TRIP_LEFT_C},
        {10479, -12000, false, GUARD_TRIP_LEFT_C},
        {10480, -12000, false, GUARD_TRIP_UNPLUGGED},
        {13500, -12000, false, GUARD_TRIP_UNPLUGGED},
        {13501, -12000, false, GUARD_TRIP_CP_RANGE},
        {5080, -12000, false, 0},
        {5079, -12000, false, GUARD_TRIP_VENTILATION},
        {5079, -12000, true, 0},
        {2220, -12000, true, 0},
        {2220, -12000, false, GUARD_TRIP_VENTILATION},
        {2219, -12000, false, GUARD_TRIP_CP_RANGE},
        {2219, -12000, true, GUARD_TRIP_CP_RANGE},
        {1000, -12000, true, GUARD_TRIP_CP_RANGE},
        {999, -12000, true, GUARD_TRIP_CP_SHORT},
        {6000, -10000, false, 0},
        {6000, -9999, false, GUARD_TRIP_DIODE},
        {6000, -14000, false, 0},
        {6000, -14001, false, GUARD_TRIP_CP_RANGE},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        exact_start();
        limits.allow_d = table[i].allow_d;
        exact_closed();
        low_mv = table[i].low_mv;
        exact_run(6, table[i].high_mv, 4800);
        if (trips() != table[i].trip)
            print_error("%d mV, low %d mV: trips %#x\n", (int)table[i].high_mv, (int)table[i].low_mv,
                        (unsigned)trips());
        assert_int_equal(trips(), table[i].trip);
        assert_int_equal(coil(), !table[i].trip);
    }
    /* A diode that can't be seen, or need not be, is not looked for. */
    exact_start();
    limits.check_diode = false;
    exact_closed();
    low_mv = -6000;
    exact_run(6, 6000, 4800);
    assert_true(coil());
}

/* 10 % duty gives about ten samples of the high phase a frame, 96 % about four of the low one. */
static void few_samples(void **state)
{
    (void)state;
    for (int n = 2; n <= 3; n++) {
        exact_start();
        exact_closed();
        high_n = n;
        exact_run(3, 6000, 4800);
        assert_int_equal(trips(), n < 3 ? GUARD_TRIP_CP_RANGE : 0);
    }
    for (int n = 1; n <= 2; n++) {
        exact_start();
        exact_closed();
        low_n = n;
        low_mv = -6000;
        exact_run(3, 6000, 4800);
        assert_int_equal(trips(), n < 2 ? 0 : GUARD_TRIP_DIODE);
    }
    /* A front end that cuts the low half off shows a short as no samples at all. */
    exact_start();
    f.cfg.cp_bipolar = g.sense.cfg.cp_bipolar = false;
    limits.check_diode = false;
    exact_closed();
    high_n = 0;
    exact_run(3, 6000, 4800);
    assert_int_equal(trips(), GUARD_TRIP_CP_SHORT);
}

/* IEC 61851-1 Table A.6, 8.1: 100 ms at the contact, of which the coil gets 80: from the earliest instant at
 * which the car may have opened S2, half a frame and a little before the last one read as C. */
static void the_deadline_to_the_microsecond(void **state)
{
    (void)state;
    enum { FRAME_US = 100 };
    exact_start();
    exact_closed();
    wave_dmv[1] = 1800; /* 10 A */
    exact_run(10, 6000, FRAME_US);
    uint64_t left_us = now_us - 3000;
    while (coil() && now_us - left_us < 200000)
        exact_run(1, 9000, FRAME_US);
    assert_int_equal(now_us - left_us, 80000); /* the next frame would have been past it */
    assert_int_equal(atomic_load(&g.trip_us), (uint32_t)now_us);
    assert_int_equal(atomic_load(&g.coil_us), (uint32_t)now_us);
    assert_int_equal(atomic_load(&g.frame_us), (uint32_t)now_us);
    assert_int_equal(atomic_load(&g.first_trip), GUARD_TRIP_LEFT_C);
    /* A car that comes back in between, and leaves again, gets no new deadline. */
    exact_start();
    exact_closed();
    wave_dmv[1] = 1800;
    exact_run(10, 6000, FRAME_US);
    left_us = now_us - 3000;
    for (int i = 0; coil() && now_us - left_us < 200000; i++)
        exact_run(1, i % 4 == 3 ? 6000 : 9000, FRAME_US);
    assert_int_equal(now_us - left_us, 80000);
}

/* Half an ampere is the most that counts as none, on any phase that is looked at. */
static void half_an_ampere_is_no_current(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++)
        for (int phases = 1; phases <= 3; phases += 2)
            for (int i = 0; i < 2; i++) {
                exact_start();
                limits.phases = (uint8_t)phases;
                exact_closed();
                wave_dmv[p] = i ? 92 : 88; /* 0.51 A, 0.49 A */
                exact_run(10, 6000, 4800);
                exact_run(3, 9000, 4800);
                assert_int_equal(coil(), i == 1 && p < phases);
            }
    /* One frame without is the zero of a wave: half a mains cycle must be without. */
    exact_start();
    exact_closed();
    for (int i = 0; i < 10; i++) {
        wave_dmv[0] = i % 2 ? 1800 : 0;
        exact_run(1, 9000, 4800);
        assert_true(coil());
    }
    exact_start(); /* and the two must follow each other, after the car has left */
    exact_closed();
    wave_dmv[0] = 1800;
    exact_run(2, 6000, 4800);
    wave_dmv[0] = 0;
    exact_run(1, 9000, 4800);
    assert_true(coil());
    exact_run(1, 9000, 4800);
    assert_false(coil());
}

/* The noise of the converter is learnt while the contactor is open and nothing can flow: from 300 ms after
 * opening, over some 16 frames, and never as much as a current of 1 A. */
static void noise_to_the_step(void **state)
{
    (void)state;
    exact_start();
    for (int p = 0; p < 3; p++)
        wave_dmv[p] = 80; /* a mean square of 40² steps */
    int n = 0;
    for (; !g.priv.floor[0] && n < 1000; n++)
        exact_run(1, 6000, 4800);
    assert_int_equal(n, 61);
    for (int p = 0; p < 3; p++)
        assert_int_equal(g.priv.floor[p], 100);
    exact_run(15, 6000, 4800);
    for (int p = 0; p < 3; p++)
        assert_in_range(g.priv.floor[p], 1600 * 60 / 100, 1600 * 68 / 100);
    exact_run(200, 6000, 4800);
    for (int p = 0; p < 3; p++)
        assert_in_range(g.priv.floor[p], 1585, 1600);
    /* It is forgotten as it was learnt. */
    memset(wave_dmv, 0, sizeof wave_dmv);
    exact_run(200, 6000, 4800);
    assert_in_range(g.priv.floor[0], 0, 15);
    /* At most 8100 (90 steps, 1 A): one and a half times that, and the half ampere, is current. */
    for (int i = 0; i < 2; i++) {
        exact_start();
        wave_dmv[2] = 400;
        exact_run(400, 6000, 4800);
        wave_dmv[2] = i ? 240 : 232; /* 120², or 116² and 120², against 1.5 · 8100 + 44² = 118.7² */
        more_dmv = i ? 0 : 8;
        exact_closed();
        exact_run(10, 6000, 4800);
        exact_run(3, 9000, 4800);
        assert_int_equal(coil(), i == 1);
    }
    /* Closed, nothing is learnt: what flows is current. */
    exact_start();
    exact_run(100, 6000, 4800);
    exact_closed();
    wave_dmv[0] = 180;
    exact_run(300, 6000, 4800);
    assert_int_equal(g.priv.floor[0], 0);
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    for (n = 1; !g.priv.floor[0] && n < 1000; n++)
        exact_run(1, 6000, 4800);
    assert_int_equal(n, 61);
}

/* A transformer passes no direct current, so the mean of a wave is its zero: followed slowly, and not far. */
static void zero_is_followed(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        exact_start();
        limits.i_zero_dmv[1] = EXACT_ZERO_DMV - sign * 400; /* calibrated so; the pin is at 13000 */
        exact_closed();
        assert_in_range(g.priv.zero_q8[1], EXACT_ZERO_DMV * 256, EXACT_ZERO_DMV * 256);
        limits.i_zero_dmv[1] = EXACT_ZERO_DMV - sign * 1400; /* the zero may go 100 mV from there */
        guard_arm(&g, &limits, now_us);
        exact_run(5, 6000, 4800);
        assert_int_equal(g.priv.zero_q8[1], (EXACT_ZERO_DMV - sign * 400) * 256);
        assert_int_equal(g.priv.zero_q8[0], EXACT_ZERO_DMV * 256);
        limits.i_zero_dmv[1] = EXACT_ZERO_DMV;
        guard_arm(&g, &limits, now_us);
        exact_run(256, 6000, 4800);
        int32_t off = (g.priv.zero_q8[1] / 256 - EXACT_ZERO_DMV) * -sign;
        assert_in_range(off, 400 * 33 / 100, 400 * 40 / 100); /* 1/e after 256 frames */
    }
    /* Before it is ever armed, the nominal zero is where it starts and what it keeps near. */
    exact_start();
    for (int p = 0; p < 3; p++)
        assert_int_equal(g.priv.zero_q8[p], EXACT_ZERO_DMV * 256);
    uint16_t raw[SENSE_FRAME_LEN];
    for (int i = 0; i < SENSE_FRAME_LEN; i++)
        raw[i] = word_of(sense_default_pattern[i % SENSE_PATTERN_LEN], 16000);
    for (int i = 0; i < 2000; i++)
        guard_on_frame(&g, raw, SENSE_FRAME_LEN, now_us += 4800, 0);
    for (int p = 0; p < 3; p++)
        assert_int_equal(g.priv.zero_q8[p], (EXACT_ZERO_DMV + 1000) * 256);
}

/* 20 ms without a frame is the limit itself: a microsecond more is too long. The control thread has 1 s. */
static void silence_to_the_microsecond(void **state)
{
    (void)state;
    exact_start();
    exact_closed();
    exact_run(3, 6000, 20000);
    assert_true(coil());
    exact_run(1, 6000, 20001);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_STARVED);
    exact_start();
    exact_closed();
    for (int i = 0; i < 100; i++)
        exact(6000, 10000);
    assert_true(coil()); /* 1 s */
    exact(6000, 1);
    assert_false(coil());
    assert_int_equal(trips(), GUARD_TRIP_CONTROL);
    /* The first frame of all has none before it. */
    exact_start();
    guard_arm(&g, &limits, now_us);
    exact(6000, 4800);
    assert_true(coil());
    /* Days without a car: the count of frames since the last opening ends, and does not begin anew. */
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    g.priv.open_frames = UINT16_MAX;
    exact_run(2, 6000, 4800);
    assert_int_equal(g.priv.open_frames, UINT16_MAX);
    /* A new arming is a sign of life too. */
    guard_disarm(&g);
    exact(6000, 4800);
    guard_arm(&g, &limits, now_us);
    exact(6000, 4800);
    assert_true(coil());
}

/* I²t: what is above fast_ma squared counts, and trips when it makes fast_ma squared for 300 ms. */
static int frames_to_trip(int32_t height_dmv, uint32_t us)
{
    exact_start();
    limits.fast_ma = 10000; /* 1799 of 0.1 mV, 899 steps */
    exact_closed();
    wave_dmv[2] = height_dmv;
    int n = 0;
    for (; coil() && n < 5000; n++)
        exact_run(1, 6000, us);
    assert_int_equal(trips(), GUARD_TRIP_OVERCURRENT);
    return n;
}

static void i_squared_t_to_the_frame(void **state)
{
    (void)state;
    static const struct {
        int32_t height_dmv;
        double times; /* of fast_ma */
    } wave[] = {{2000, 1000 / 899.0}, {2400, 1200 / 899.0}, {3200, 1600 / 899.0}};
    for (size_t i = 0; i < sizeof wave / sizeof wave[0]; i++) {
        double want = 300e3 / (wave[i].times * wave[i].times - 1) / 4843,
               got = frames_to_trip(wave[i].height_dmv, 4843);
        if (got < want * 0.995 || got > want * 1.012 + 1)
            print_error("%d: %.0f frames, %.1f expected\n", (int)wave[i].height_dmv, got, want);
        assert_true(got >= want * 0.995 && got <= want * 1.012 + 1);
    }
    assert_int_equal(g.priv.heat[2], g.priv.heat_full); /* and no more: it has to cool down again */
    /* At the limit itself, for ever. */
    exact_start();
    limits.fast_ma = 10000;
    exact_closed();
    wave_dmv[0] = 1792;
    exact_run(3000, 6000, 4800);
    assert_true(coil());
    assert_int_equal(g.priv.heat[0], 0);
    /* What 100 ms above the limit have put on, 100 ms with as much less in the square take off, and not
     * sooner. */
    wave_dmv[0] = 1976;
    exact_run(21, 6000, 4800);
    uint32_t hot = g.priv.heat[0];
    assert_true(hot > 0);
    wave_dmv[0] = 1600;
    exact_run(11, 6000, 4800);
    assert_true(g.priv.heat[0] > hot * 45 / 100 && g.priv.heat[0] < hot * 50 / 100);
    exact_run(12, 6000, 4800);
    assert_int_equal(g.priv.heat[0], 0);
    /* A long frame counts as the 20 ms after which it would be none. */
    exact_start();
    limits.fast_ma = 10000;
    exact_closed();
    wave_dmv[0] = 2400;
    exact_run(1, 6000, 4800);
    uint32_t one = g.priv.heat[0];
    exact_run(1, 6000, 100000);
    assert_int_equal(trips(), GUARD_TRIP_STARVED);
    assert_true(g.priv.heat[0] >= one * 5 && g.priv.heat[0] <= one * 53 / 10);
}

/* The proximity window includes its ends; either end alone is a window too. */
static void proximity_to_the_step(void **state)
{
    (void)state;
    static const struct {
        int32_t min_dmv, max_dmv, dmv;
        bool stays;
    } table[] = {{6000, 9600, 6000, true},  {6000, 9600, 5992, false}, {6000, 9600, 9600, true},
                 {6000, 9600, 9608, false}, {0, 9600, 8, true},        {0, 9600, 9608, false},
                 {6000, 0, 5992, false},    {0, 0, 15000, true}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        exact_start();
        limits.pp_min_dmv = table[i].min_dmv;
        limits.pp_max_dmv = table[i].max_dmv;
        exact_closed();
        pin_dmv = table[i].dmv;
        exact_run(6, 6000, 4800); /* the switch shows V2 */
        assert_true(coil());
        atomic_store(&g.mux_wanted, 1);
        exact_run(3, 6000, 4800);
        assert_true(coil());
        exact_run(1, 6000, 4800);
        assert_int_equal(coil(), table[i].stays);
        assert_int_equal(trips(), table[i].stays ? 0 : GUARD_TRIP_PP);
    }
    /* The two readings need not be in frames that follow each other: the switch turns in between. */
    exact_start();
    limits.pp_min_dmv = 6000;
    limits.pp_max_dmv = 9600;
    exact_closed();
    pin_dmv = 4000;
    for (int i = 0; i < 2; i++) {
        assert_true(coil());
        atomic_store(&g.mux_wanted, 1);
        exact_run(2, 6000, 4800);
        atomic_store(&g.mux_wanted, 0);
        exact_run(1, 6000, 4800);
    }
    assert_false(coil());
    /* Samples of an older frame are none of this one, and a frame without any says nothing. */
    exact_start();
    limits.pp_min_dmv = 6000;
    limits.pp_max_dmv = 9600;
    exact_closed();
    for (uint32_t i = 0; i < GUARD_RING; i++)
        for (int k = 0; k < SENSE_SLOTS_MAX; k++)
            g.ring[i].dmv[SENSE_M1 - SENSE_I1][k] = 18000;
    pin_dmv = 9200;
    atomic_store(&g.mux_wanted, 1);
    exact_run(20, 6000, 4800);
    assert_true(coil());
    g.sense.cfg.channel_of[SENSE_M1] = 9;
    exact_run(20, 6000, 4800);
    assert_true(coil());
    atomic_store(&g.mux_wanted, 0);
    g.sense.cfg = f.cfg;
    pin_dmv = 8000;
    exact_run(3, 6000, 4800);
    /* A new arming has seen nothing yet. */
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    atomic_store(&g.mux_wanted, 1);
    pin_dmv = 8000;
    exact_run(2, 6000, 4800);
    pin_dmv = 4000;
    exact_run(1, 6000, 4800);
    guard_arm(&g, &limits, now_us);
    exact_run(1, 6000, 4800);
    assert_true(coil());
    exact_run(1, 6000, 4800);
    assert_false(coil());
}

/* A new arming starts afresh: what was seen before it is not held against it, and one bad frame is no second.
 */
static void a_new_arming_starts_afresh(void **state)
{
    (void)state;
    exact_start();
    exact_closed();
    exact_run(1, 12000, 4800); /* one bad frame */
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    guard_arm(&g, &limits, now_us);
    exact_run(1, 12000, 4800); /* bad, but the first of this arming: not closed, and not tripped */
    assert_false(coil());
    assert_int_equal(trips(), 0);
    exact_run(1, 6000, 4800);
    assert_true(coil());
    /* While leaving: disarmed and armed again, the old deadline is gone. */
    wave_dmv[0] = 1800;
    exact_run(3, 9000, 4800);
    assert_true(coil());
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    assert_false(coil());
    guard_arm(&g, &limits, now_us);
    exact_run(40, 6000, 4800);
    assert_true(coil());
    assert_int_equal(trips(), 0);
    /* Armed at a car that is not in C: two bad frames, and the deadline counts from the arming. */
    exact_start();
    wave_dmv[0] = 1800;
    exact_run(50, 9000, 4800);
    guard_arm(&g, &limits, now_us);
    exact_run(10, 9000, 4800);
    assert_int_equal(trips(), 0);
    assert_false(coil());
    exact_run(10, 9000, 4800);
    assert_int_equal(trips(), GUARD_TRIP_LEFT_C);
}

/* Limits given anew while armed rule from the next frame on; each word of them on its own. */
static void each_limit_is_taken_over(void **state)
{
    (void)state;
    exact_start();
    exact_closed();
    limits.allow_d = true;
    guard_arm(&g, &limits, now_us);
    exact_run(5, 3000, 4800);
    assert_true(coil());
    limits.check_diode = false;
    guard_arm(&g, &limits, now_us);
    low_mv = -3000;
    exact_run(5, 3000, 4800);
    assert_true(coil());
    f.inputs = GUARD_IN_RCM_FAULT;
    exact_run(5, 3000, 4800);
    assert_true(coil());
    limits.rcm_fitted = true;
    guard_arm(&g, &limits, now_us);
    exact_run(2, 3000, 4800);
    assert_int_equal(trips(), GUARD_TRIP_RCD);
    for (int p = 0; p < 3; p++) { /* a phase's own zero is its own */
        exact_start();
        limits.i_zero_dmv[p] = EXACT_ZERO_DMV + 2000;
        exact_closed();
        for (int q = 0; q < 3; q++)
            assert_int_equal(g.priv.zero_q8[q], (EXACT_ZERO_DMV + (q == p ? 1000 : 0)) * 256);
    }
    exact_start(); /* twice the milliamperes per step is half the steps */
    limits.ct_ma_per_dmv = 11112;
    exact_closed();
    wave_dmv[0] = 48; /* 0.53 A */
    exact_run(10, 6000, 4800);
    exact_run(3, 9000, 4800);
    assert_true(coil());
    /* What makes no sense is cut: 1 A at least to count as fast, 0.1 to 1 mA per 0.1 mV of the transformer,
     * and no limit above 2000 A. */
    exact_start();
    limits.fast_ma = 999;
    exact_closed();
    assert_int_equal(g.priv.limits.fast_ma, 1000);
    assert_int_equal(g.priv.fast_square, (1000 * 1000 / 5556 / 2) * (1000 * 1000 / 5556 / 2));
    limits.fast_ma = INT32_MAX;
    limits.ct_ma_per_dmv = 99;
    limits.i_zero_dmv[0] = -1;
    limits.i_zero_dmv[1] = INT16_MAX + 1;
    guard_arm(&g, &limits, now_us);
    exact_run(1, 6000, 4800);
    assert_int_equal(g.priv.limits.fast_ma, 2000000);
    assert_int_equal(g.priv.gone_square, (500 * 1000 / 100 / 2) * (500 * 1000 / 100 / 2));
    assert_int_equal(g.priv.limits.i_zero_dmv[0], 0);
    assert_int_equal(g.priv.limits.i_zero_dmv[1], INT16_MAX);
    limits.fast_ma = 2000000;
    limits.ct_ma_per_dmv = 2000000;
    guard_arm(&g, &limits, now_us);
    exact_run(1, 6000, 4800);
    assert_int_equal(g.priv.fast_square, 1000 * 1000); /* 2000 A at 1 A per 0.1 mV, in steps of 0.2 mV */
    assert_int_equal(g.priv.gone_square, 0);
    /* Where the diode is not looked for, ventilation still is. */
    exact_start();
    limits.check_diode = false;
    exact_closed();
    exact_run(2, 3000, 4800);
    assert_int_equal(trips(), GUARD_TRIP_VENTILATION);
    /* Limits of nothing are limits too. */
    exact_start();
    memset(&limits, 0, sizeof limits);
    guard_arm(&g, &limits, now_us);
    assert_int_equal(atomic_load(&g.limits_version), 2);
    /* The same limits again are no change. */
    unsigned version = atomic_load(&g.limits_version);
    guard_arm(&g, &limits, now_us);
    assert_int_equal(atomic_load(&g.limits_version), version);
    assert_int_equal(version % 2, 0);
}

/* Two reasons at a time: both are told, the first by itself, and what comes later changes neither. */
static void the_first_reason_is_kept(void **state)
{
    (void)state;
    exact_start();
    exact_closed();
    f.inputs = GUARD_IN_RCD;
    low_mv = -6000;
    exact_run(2, 6000, 4800);
    uint32_t at_us = (uint32_t)now_us;
    assert_int_equal(trips(), GUARD_TRIP_DIODE | GUARD_TRIP_RCD);
    assert_int_equal(atomic_load(&g.first_trip), GUARD_TRIP_DIODE);
    assert_int_equal(atomic_load(&g.trip_us), at_us);
    f.inputs = 0;
    exact_run(20, 12000, 4800);
    assert_int_equal(trips(), GUARD_TRIP_DIODE | GUARD_TRIP_RCD);
    assert_int_equal(atomic_load(&g.trip_us), at_us);
    assert_int_equal(atomic_load(&g.coil_us), at_us);
    guard_disarm(&g);
    guard_arm(&g, &limits, now_us);
    assert_int_equal(atomic_load(&g.first_trip), 0);
    assert_int_equal(trips(), 0);
}

/* Frames are counted, also those that find the ring full; the newest in it is the newest that fitted. */
static void frames_are_counted(void **state)
{
    (void)state;
    exact_start();
    for (int i = 0; i < GUARD_RING + 5; i++) {
        size_t n = 0;
        uint64_t end_us = 0;
        n = frames_next(&f, words, &end_us);
        guard_on_frame(&g, words, n, end_us, 0);
        assert_int_equal(atomic_load(&g.frames), i + 1);
        assert_int_equal(atomic_load(&g.lost), i < GUARD_RING ? 0 : i + 1 - GUARD_RING);
    }
    struct sense_frame taken;
    for (uint32_t i = 0; i < GUARD_RING; i++) {
        assert_true(guard_take_frame(&g, &taken));
        assert_int_equal(taken.seq, i);
    }
    assert_false(guard_take_frame(&g, &taken));
}

/* Every phase that is looked at must be sampled, and no other. */
static void a_phase_without_samples(void **state)
{
    (void)state;
    for (int p = 0; p < 3; p++)
        for (int phases = 1; phases <= 3; phases += 2) {
            exact_start();
            limits.phases = (uint8_t)phases;
            exact_closed();
            g.sense.cfg.channel_of[SENSE_I1 + p] = 9;
            exact_run(4, 6000, 4800);
            assert_int_equal(trips(), p < phases ? GUARD_TRIP_INTERNAL : 0);
        }
}

/* Words that decide have their complement beside them from the start. */
static void complements(void **state)
{
    (void)state;
    exact_start();
    assert_int_equal(atomic_load(&g.armed_inv), ~atomic_load(&g.armed));
    assert_int_equal(g.priv.coil_inv, ~g.priv.coil);
    assert_int_equal(g.priv.trips_inv, ~g.priv.trips);
    exact_closed();
    assert_int_equal(atomic_load(&g.armed_inv), ~atomic_load(&g.armed));
    assert_int_equal(g.priv.coil_inv, ~g.priv.coil);
    assert_int_equal(g.priv.trips_inv, ~g.priv.trips);
    uint32_t first = atomic_load(&g.armed);
    f.inputs = GUARD_IN_RCD;
    exact_run(2, 6000, 4800);
    assert_int_equal(g.priv.coil_inv, ~g.priv.coil);
    assert_int_equal(g.priv.trips_inv, ~g.priv.trips);
    guard_disarm(&g);
    guard_arm(&g, &limits, now_us);
    assert_int_equal(atomic_load(&g.armed), first + 1); /* each arming has a number of its own, never 0 */
    guard_disarm(&g);
    exact_run(1, 6000, 4800);
    atomic_store(&g.armed_inv, 0);
    guard_arm(&g, &limits, now_us);
    assert_int_equal(atomic_load(&g.armed), 1);
    /* While the number is not the one whose limits were taken over, the coil is off. */
    f.inputs = 0;
    exact_run(1, 6000, 4800);
    assert_true(coil());
    guard_disarm(&g);
    guard_arm(&g, &limits, now_us);
    atomic_fetch_add(&g.limits_version, 1);
    exact_run(5, 6000, 4800);
    assert_false(coil());
    f.inputs = GUARD_IN_RCD; /* nothing is judged by limits that are not this arming's */
    exact_run(5, 6000, 4800);
    assert_int_equal(trips(), 0);
    f.inputs = 0;
    atomic_fetch_add(&g.limits_version, 1);
    exact_run(1, 6000, 4800);
    assert_true(coil());
}

/* Limits come from another core while frames are judged: taken over whole, or not at all. */
static atomic_bool writing;

static void *write_limits(void *unused)
{
    struct guard_limits a = limits, b = limits;
    (void)unused;
    b.fast_ma = a.fast_ma * 2;
    b.ct_ma_per_dmv = a.ct_ma_per_dmv * 2;
    b.pp_min_dmv = b.pp_max_dmv = 1;
    for (int i = 0; atomic_load(&writing); i++) {
        guard_arm(&g, i % 2 ? &a : &b, 0);
        for (volatile int wait = 0; wait < i % 64; wait++)
            ;
    }
    return NULL;
}

static void limits_are_taken_whole(void **state)
{
    (void)state;
    exact_start();
    exact_closed();
    pthread_t writer;
    atomic_store(&writing, true);
    assert_int_equal(pthread_create(&writer, NULL, write_limits, NULL), 0);
    bool whole = true;
    for (int i = 0; i < 20000; i++) {
        uint16_t one = word_of(SENSE_CP, 6000);
        guard_on_frame(&g, &one, 1, ++now_us, 0);
        const struct guard_limits *l = &g.priv.limits;
        bool twice = l->fast_ma == limits.fast_ma * 2;
        whole &= twice || l->fast_ma == limits.fast_ma;
        whole &= l->ct_ma_per_dmv == limits.ct_ma_per_dmv * (twice ? 2 : 1);
        whole &= l->pp_min_dmv == (twice ? 1 : 0) && l->pp_max_dmv == (twice ? 1 : 0);
    }
    atomic_store(&writing, false);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_true(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_to_the_millivolt),
        cmocka_unit_test(few_samples),
        cmocka_unit_test(the_deadline_to_the_microsecond),
        cmocka_unit_test(half_an_ampere_is_no_current),
        cmocka_unit_test(noise_to_the_step),
        cmocka_unit_test(zero_is_followed),
        cmocka_unit_test(silence_to_the_microsecond),
        cmocka_unit_test(i_squared_t_to_the_frame),
        cmocka_unit_test(proximity_to_the_step),
        cmocka_unit_test(a_new_arming_starts_afresh),
        cmocka_unit_test(each_limit_is_taken_over),
        cmocka_unit_test(the_first_reason_is_kept),
        cmocka_unit_test(frames_are_counted),
        cmocka_unit_test(a_phase_without_samples),
        cmocka_unit_test(complements),
        cmocka_unit_test(limits_are_taken_whole),
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
