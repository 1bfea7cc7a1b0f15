/* Metering's rows of frames: which frames count and which follow on each other, the clock of the converter,
 * what is counted over gaps, when the switch turns, how long values are good, and what noise does to them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/waves.h"

static struct source s; /* large; each test starts them afresh */
static struct metering m;
static struct meter_reading r;

static void near(const char *what, double is, double truth, double tolerance)
{
    if (!(fabs(is - truth) <= tolerance))
        fail_msg("%s: %.4f, should be %.4f ± %.4f", what, is, truth, tolerance);
}

static void begin(int phases, double amperes)
{
    source_init_exact(&s);
    for (int p = 0; p < 3; p++)
        s.ph[p].i = amperes;
    start(&m, phases);
}

static void windows(int n)
{
    for (int i = 0; i < n; i++)
        to_window(&s, &m, &r);
}

static const struct sense_frame *next(void)
{
    const struct sense_frame *f = frame(&s, s.wanted);
    s.wanted = metering_mux_wanted(&m);
    return f;
}

/* ---- which frames count ---- */

/* Time goes on with every frame that is taken. */
static bool taken(const struct sense_frame *f)
{
    metering_on_frame(&m, f);
    return m.end_us == f->end_us;
}

static void frames_that_can_be_used(void **state)
{
    (void)state;
    static const struct {
        uint8_t n1, n2, n3;
        uint16_t samples;
        bool three, one; /* taken by a station with so many phases */
    } cases[] = {
        {20, 20, 20, 200, true, true},  {8, 8, 8, 200, true, true},      {7, 7, 7, 200, false, false},
        {32, 32, 32, 200, true, true},  {33, 33, 33, 200, false, false}, {20, 20, 20, 40, true, true},
        {20, 20, 20, 39, false, false}, {20, 20, 20, 256, true, true},   {20, 20, 20, 257, false, false},
        {20, 19, 20, 200, false, true}, {20, 20, 19, 200, false, true},  {0, 0, 0, 200, false, false},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int phases = 1; phases <= 3; phases += 2) {
            begin(phases, 10);
            look(&s, &m, 0.5);
            struct sense_frame f = *next();
            f.n[0] = cases[k].n1;
            f.n[1] = cases[k].n2;
            f.n[2] = cases[k].n3;
            f.samples = cases[k].samples;
            assert_int_equal(taken(&f), phases == 3 ? cases[k].three : cases[k].one);
            /* A frame that can't be used breaks the row. */
            bool used = phases == 3 ? cases[k].three : cases[k].one;
            f = *next();
            assert_true(taken(&f));
            if (!used)
                assert_false(m.in_row);
        }
}

enum change {
    NOTHING,
    LOST,
    TWICE,
    FEWER,
    PLACE_1,
    PLACE_2,
    PLACE_3,
    PLACE_M,
    BACKWARDS,
    SOON,
    NOT_SOON,
    LATE,
    NOT_LATE
};

static bool follows(int phases, enum change c)
{
    begin(phases, 10);
    look(&s, &m, 1);
    struct sense_frame f = *next();
    double us = 1e6 * SENSE_FRAME_LEN / s.rate;
    uint64_t last_us = m.end_us;
    switch (c) {
    case NOTHING:
        break;
    case LOST:
        f.seq++;
        break;
    case TWICE:
        f.seq--;
        break;
    case FEWER:
        f.n[0] = f.n[1] = f.n[2] = f.n[3] = f.n[4] = 19;
        f.samples = 190; /* at the same pace */
        break;
    case PLACE_1:
        f.first[0]++;
        break;
    case PLACE_2:
        f.first[1]++;
        break;
    case PLACE_3:
        f.first[2]++;
        break;
    case PLACE_M:
        f.first[3]++;
        break;
    case BACKWARDS:
        f.end_us = last_us;
        break;
    case SOON:
        f.end_us = last_us + (uint64_t)(0.74 * us);
        break;
    case NOT_SOON:
        f.end_us = last_us + (uint64_t)(0.76 * us);
        break;
    case LATE:
        f.end_us = last_us + (uint64_t)(1.26 * us);
        break;
    case NOT_LATE:
        f.end_us = last_us + (uint64_t)(1.24 * us);
        break;
    }
    assert_true(m.in_row);
    metering_on_frame(&m, &f);
    return m.in_row;
}

static void frames_that_follow_on_each_other(void **state)
{
    (void)state;
    for (int phases = 1; phases <= 3; phases += 2) {
        assert_true(follows(phases, NOTHING));
        assert_false(follows(phases, LOST));
        assert_false(follows(phases, TWICE));
        assert_false(follows(phases, FEWER));
        assert_false(follows(phases, PLACE_1));
        assert_int_equal(follows(phases, PLACE_2), phases == 1); /* nobody looks there */
        assert_int_equal(follows(phases, PLACE_3), phases == 1);
        assert_true(follows(phases, PLACE_M)); /* the voltages come and go */
        assert_false(follows(phases, BACKWARDS));
        assert_false(follows(phases, SOON));
        assert_true(follows(phases, NOT_SOON));
        assert_false(follows(phases, LATE));
        assert_true(follows(phases, NOT_LATE));
    }
    /* The very first one follows on nothing, whatever its number. */
    for (uint32_t seq = 0; seq < 3; seq++) {
        begin(3, 10);
        s.seq = seq;
        struct sense_frame f = *next();
        metering_on_frame(&m, &f);
        assert_false(m.in_row);
        /* Before the rate is known any time will do. */
        f = *next();
        f.end_us += 7000;
        metering_on_frame(&m, &f);
        assert_true(m.in_row);
    }
    /* The same number of samples, taken at another pace. */
    begin(3, 10);
    look(&s, &m, 1);
    struct sense_frame f = *next();
    f.samples = 180;
    metering_on_frame(&m, &f);
    assert_false(m.in_row);
}

/* ---- the converter's clock ---- */

static double ppm(void)
{
    return 1e6 * fabs(m.conversion_us * s.rate * 1e-6 - 1);
}

static void the_rate_is_measured_against_the_ports_clock(void **state)
{
    (void)state;
    begin(3, 10);
    s.rate = 41931;
    int frames = 0;
    while (m.conversion_us <= 0 && frames < 100) {
        metering_on_frame(&m, next());
        frames++;
    }
    assert_int_equal(frames, 9); /* eight from the first one's end */
    near("ppm", ppm(), 0, 40);   /* a microsecond of 39 ms */
    look(&s, &m, 5);
    near("ppm", ppm(), 0, 1);

    /* Ends that jitter: the longest row counts, up to two seconds. */
    begin(3, 10);
    s.jitter_us = 50;
    look(&s, &m, 2.2);
    double worst = 0;
    for (int k = 0; k < 2000; k++) {
        metering_on_frame(&m, next());
        worst = fmax(worst, ppm());
    }
    near("ppm", worst, 0, 26);
    /* Rows that are broken after half a second spoil nothing. */
    for (int k = 0; k < 20; k++) {
        look(&s, &m, 0.5);
        s.seq++;
        near("ppm", ppm(), 0, 26);
    }
    /* A clock that drifts is followed in rows of two seconds. */
    look(&s, &m, 2.1);
    s.jitter_us = 0;
    look(&s, &m, 2.1);
    s.origin_us = s.f.end_us - (uint64_t)((double)s.conversions / s.rate / 1.0005 * 1e6);
    s.rate *= 1.0005;
    look(&s, &m, 4.2);
    near("ppm", ppm(), 0, 2);
}

static void rates_that_no_converter_has(void **state)
{
    (void)state;
    static const struct {
        double rate;
        bool believed;
    } cases[] = {{10100, true}, {9900, false}, {495000, true}, {505000, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        begin(3, 10);
        s.rate = cases[k].rate;
        look(&s, &m, 3);
        assert_int_equal(m.conversion_us > 0, cases[k].believed);
        metering_read(&m, &r);
        if (cases[k].believed) {
            assert_true(r.valid || s.rate > 400000); /* forty frames are less than a cycle then */
            near("mA", r.i_ma[1], 10000, 30);
        } else {
            assert_false(r.valid);
            assert_int_equal(r.freq_mhz, 0);
        }
    }
}

/* Nothing fits the row any more: after twenty frames it is the rate that is wrong. */
static void a_rate_that_changes_is_learnt_anew(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        begin(3, 10);
        look(&s, &m, 2.5);
        s.origin_us = s.f.end_us;
        s.conversions = 0;
        s.rate = k ? 25000 : 60000;
        double before = m.conversion_us;
        for (int i = 0; i < 19; i++) {
            metering_on_frame(&m, next());
            assert_false(m.in_row);
            assert_true(m.conversion_us == before);
        }
        metering_on_frame(&m, next());
        assert_true(m.conversion_us == 0);
        assert_false(m.locked);
        for (int i = 0; i < 8; i++) {
            metering_on_frame(&m, next());
            assert_true(m.in_row);
        }
        near("ppm", ppm(), 0, 60);
        look(&s, &m, 3);
        metering_read(&m, &r);
        assert_true(r.valid && s.f.end_us - r.at_us < 300000);
        near("mA", r.i_ma[2], 10000, 5);
        near("mHz", r.freq_mhz, 50000, 3);
    }
    /* Nineteen and a good one: nothing is forgotten. Again and again. */
    begin(3, 10);
    look(&s, &m, 1);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < 19; i++) {
            s.seq++;
            metering_on_frame(&m, next());
        }
        metering_on_frame(&m, next());
        assert_true(m.in_row);
        assert_true(m.conversion_us > 0);
    }
}

/* ---- energy over gaps ---- */

enum { LOAD_W = 3 * 2300 };

/* Charging with a steady 10 A; then no frames for gap_ms, with so many numbers missing. The time that was
 * counted for it, ms. */
static double counted_ms(double gap_ms, int64_t lost)
{
    begin(3, 10);
    look(&s, &m, 2);
    windows(1);
    struct meter_reading a = r;
    look(&s, &m, 0.07); /* in mid-window */
    uint64_t from_us = s.f.end_us;
    s.origin_us += (uint64_t)(gap_ms * 1000);
    s.seq = (uint32_t)((int64_t)s.seq + lost);
    look(&s, &m, 1);
    windows(1);
    /* The frame that follows has its own time in any case. */
    double ms = (double)(r.import_total_uwh - a.import_total_uwh) * 3.6 / LOAD_W;
    double seen_ms = (double)(r.at_us - a.at_us) / 1000 - gap_ms;
    assert_true(s.f.end_us > from_us);
    return ms - seen_ms;
}

static void time_without_frames_is_counted_as_far_as_current_can_have_flowed(void **state)
{
    (void)state;
    const double frame_ms = 1000.0 * SENSE_FRAME_LEN / SENSE_RATE_HZ;
    near("no gap", counted_ms(0, 0), 0, 1);
    near("short", counted_ms(100, 0), 100, 1);
    /* The converter stood still: the guard opens after 20 ms, the contactor 100 ms later. */
    near("still", counted_ms(1000, 0), 120, 1);
    near("still", counted_ms(3600000, 0), 120, 1);
    /* The ring was full: the guard went on looking. */
    near("lost", counted_ms(100 * frame_ms, 100), 100 * frame_ms, 1);
    near("lost", counted_ms(125 * frame_ms, 100), 125 * frame_ms, 1);
    near("one", counted_ms(2000, 1), 1.25 * frame_ms + 120, 1);
    near("hundred", counted_ms(2000, 100), 125 * frame_ms + 120, 1);
    near("four seconds", counted_ms(4000, 4000), 4000, 1);
    near("five seconds", counted_ms(9000, 4000), 5120, 1);
    /* Numbers that run backwards say nothing. */
    near("backwards", counted_ms(1000, -5), 120, 1);
    near("far", counted_ms(9000, 0x7ffffffe), 5120, 1);
    near("too far", counted_ms(9000, 0x80000000ll), 120, 1);
}

/* What had begun before a long gap is not mixed with what comes after it. */
static void a_long_gap_begins_a_new_window(void **state)
{
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        begin(3, 30);
        look(&s, &m, 2);
        windows(1);
        struct meter_reading whole = r, before;
        look(&s, &m, 0.15);
        metering_read(&m, &before);
        assert_int_equal(before.at_us, whole.at_us);
        for (int p = 0; p < 3; p++)
            s.ph[p].i = 6;
        s.origin_us = backwards ? s.origin_us - 3000000 : s.origin_us + 60000000;
        look_once(&s, &m);
        uint64_t first_us = s.f.end_us;
        windows(1);
        for (int p = 0; p < 3; p++)
            near("mA", r.i_ma[p], 6000, 3);
        windows(8);
        double joule = (double)(r.import_total_uwh - whole.import_total_uwh) * 3.6e-3;
        if (backwards) /* what has been shown stays; time that has been counted already is not counted again
                        */
            near("J", joule - (double)(before.import_total_uwh - whole.import_total_uwh) * 3.6e-3,
                 4140 * (double)(r.at_us - first_us) * 1e-6, 4);
        else /* up to the opening of the contactor */
            near("J", joule, 4140 * ((double)(r.at_us - whole.at_us) * 1e-6 - 60 + 0.12), 8);
    }
}

static void no_microwatthour_is_lost(void **state)
{
    (void)state;
    begin(3, 0.11);
    look(&s, &m, 5);
    windows(1);
    struct meter_reading a = r;
    double mws[3] = {0};
    for (int k = 0; k < 150; k++) { /* each with half a microwatthour that is not yet a whole one */
        uint64_t before_us = r.at_us;
        windows(1);
        for (int p = 0; p < 3; p++)
            mws[p] += r.p_mw[p] * (double)(r.at_us - before_us) * 1e-6;
    }
    for (int p = 0; p < 3; p++)
        near("µWh", (double)(r.import_uwh[p] - a.import_uwh[p]), mws[p] / 3.6, 25);
    assert_int_equal(r.import_total_uwh, r.import_uwh[0] + r.import_uwh[1] + r.import_uwh[2]);
    struct meter_reading from = {.import_uwh = {5, 70, 900}, .import_total_uwh = 977};
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    metering_init(&m, &cfg, &from);
    metering_read(&m, &r);
    assert_memory_equal(r.import_uwh, from.import_uwh, sizeof r.import_uwh);
    assert_int_equal(r.import_total_uwh, 977);
}

/* The register is behind by a cycle and a frame at most, and ahead by the frame in which its window began. */
static void the_register_follows_each_cycle(void **state)
{
    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        begin(3, 10);
        s.ph[1].i_sign = reversed ? -1 : 1;
        look(&s, &m, 4);
        windows(1);
        uint64_t from_us = r.at_us;
        struct meter_reading a = r, last = r;
        for (int k = 0; k < 800; k++) {
            look_once(&s, &m);
            metering_read(&m, &r);
            double passed_ms = (double)(s.f.end_us - from_us) * 1e-3, sum = 0;
            for (int p = 0; p < 3; p++) {
                double counted_ms = (double)(r.import_uwh[p] - a.import_uwh[p]) * 3.6 / 2300;
                if (counted_ms > passed_ms + 5 || counted_ms < passed_ms - 25.5)
                    fail_msg("L%d: %.2f ms counted of %.2f", p + 1, counted_ms, passed_ms);
                assert_true(r.import_uwh[p] >= last.import_uwh[p]);
                sum += counted_ms;
            }
            assert_int_equal(r.import_total_uwh, r.import_uwh[0] + r.import_uwh[1] + r.import_uwh[2]);
            assert_true(sum > 0 || passed_ms < 25.5);
            last = r;
        }
    }
    /* What does not count shows nothing, not even for a moment. */
    begin(3, 0.09);
    look(&s, &m, 3);
    metering_read(&m, &r);
    assert_int_equal(r.import_total_uwh, 0);
}

/* ---- the switch ---- */

/* Frames until the meter wants the other position. */
static int stays(int most, bool hide)
{
    for (int k = 1; k <= most; k++) {
        struct sense_frame f = *frame(&s, s.mux);
        if (hide)
            f.n[3] = 0;
        metering_on_frame(&m, &f);
        if (metering_mux_wanted(&m) != s.mux)
            return k;
    }
    return -1;
}

static void how_long_the_switch_stays(void **state)
{
    (void)state;
    /* Without mains it waits for the frequency for 24 frames, once in each position. */
    begin(3, 0);
    for (int p = 0; p < 3; p++)
        s.ph[p].v = 0;
    assert_int_equal(stays(100, false), 24);
    frame(&s, metering_mux_wanted(&m));
    assert_int_equal(s.mux, 1);
    assert_int_equal(stays(100, false), 24);
    /* With it, as soon as there is a frequency and a whole cycle. */
    begin(3, 0);
    int n = stays(100, false);
    assert_in_range(n, 8, 11); /* two crossings, 20 ms apart */
    look(&s, &m, 1);
    /* Where nothing is shown for 40 frames it turns all the same. */
    begin(3, 0);
    look(&s, &m, 1);
    uint8_t at = (uint8_t)s.mux;
    while (s.mux == at)
        look(&s, &m, 0.004);
    assert_int_equal(stays(100, true), 41);
}

/* ---- how long values are good ---- */

static void a_reading_without_voltage_in_sight_is_not_valid(void **state)
{
    (void)state;
    for (int offset = 0; offset < 9; offset++) {
        begin(3, 10);
        look(&s, &m, 2);
        for (int k = 0; k < 300; k++) {
            struct sense_frame f = *next();
            if (k > 5 * offset)
                f.n[4] = 0; /* no M1, and then M0 is not looked at either */
            metering_on_frame(&m, &f);
            metering_read(&m, &r);
            uint64_t oldest_us = UINT64_MAX;
            for (int p = 0; p < 3; p++)
                oldest_us = m.phase[p].v_us < oldest_us ? m.phase[p].v_us : oldest_us;
            if (r.at_us > oldest_us)
                assert_int_equal(r.valid, r.at_us - oldest_us <= 1000000);
        }
        assert_false(r.valid);
    }
    near("still measured", r.i_ma[0], 10000, 1);
    near("with the last voltage", r.v_mv[0], 230000, 50);
    look(&s, &m, 1);
    metering_read(&m, &r);
    assert_true(r.valid);
}

static void proximity_is_good_for_a_second(void **state)
{
    (void)state;
    int32_t mv = -1;
    begin(3, 0);
    s.pp_mv = 793.4;
    look(&s, &m, 1);
    assert_true(m.pp_us > 0);
    assert_true(metering_pp_mv(&m, m.pp_us + 1000000, &mv));
    assert_int_equal(mv, 793);
    assert_false(metering_pp_mv(&m, m.pp_us + 1000001, &mv));
    assert_true(metering_pp_mv(&m, m.pp_us - 5, &mv));
    s.pp_mv = 793.6;
    look(&s, &m, 1);
    assert_true(metering_pp_mv(&m, m.pp_us, &mv));
    assert_int_equal(mv, 794);
    s.pp_mv = 0;
    look(&s, &m, 1);
    assert_true(metering_pp_mv(&m, m.pp_us, &mv));
    assert_in_range(mv, 0, 10); /* of the pick-up only the upper half is seen */

    /* One phase: at every moment it is the proximity, never another wave. */
    begin(1, 0);
    look(&s, &m, 1);
    for (int k = 0; k < 300; k++) {
        metering_on_frame(&m, next());
        assert_true(metering_pp_mv(&m, s.f.end_us, &mv));
        near("pp", mv, 793, 1);
    }
}

/* ---- noise ---- */

static void noise_is_known_and_taken_off(void **state)
{
    (void)state;
    static const double dmv[] = {10, 30, 100};
    for (int k = 0; k < 3; k++) {
        begin(3, 5);
        s.noise_dmv = dmv[k];
        struct metering_raw raw;
        look(&s, &m, 8);
        metering_raw_read(&m, &raw);
        for (int p = 0; p < 3; p++) {
            near("noise", raw.i_noise_uv[p], 100 * dmv[k], 100 * dmv[k] * 0.018);
            near("without it", raw.i_uv[p], 90000, 100 + 15 * dmv[k]);
        }
        /* Gone: believed within a second. */
        s.noise_dmv = 1;
        look(&s, &m, 1.2);
        metering_raw_read(&m, &raw);
        assert_true(raw.i_noise_uv[0] < 100 * dmv[k] * 0.5);
        /* A spike of one window is not believed. */
        look(&s, &m, 5);
        s.noise_dmv = 300;
        look(&s, &m, 0.2);
        s.noise_dmv = 1;
        look(&s, &m, 0.4);
        metering_raw_read(&m, &raw);
        assert_true(raw.i_noise_uv[0] < 200);
    }
}

/* Noise of one window against that of five seconds, as a ratio of powers. */
static double learnt_in_one_window(double before_dmv, double then_dmv)
{
    struct metering_raw a, b;
    begin(3, 0);
    s.noise_dmv = before_dmv;
    look(&s, &m, 8);
    windows(1);
    metering_raw_read(&m, &a);
    s.noise_dmv = then_dmv;
    windows(1);
    metering_raw_read(&m, &b);
    double ratio = (double)b.i_noise_uv[1] / a.i_noise_uv[1];
    return ratio * ratio;
}

static void one_window_of_noise_counts_little(void **state)
{
    (void)state;
    /* A 25th of at most four times what is known; a little more where next to nothing is. */
    near("spike", learnt_in_one_window(30, 300), 1 + 3 / 25.0, 0.003);
    near("spike", learnt_in_one_window(1, 100), 1 + (3 + 1 / 1.083) / 25, 0.014);
    /* Noise that has gone, to less than half, is believed in steps of a 13th, a 7th, a 4th. */
    near("gone", learnt_in_one_window(100, 1), 1 - 1 / 13.0, 0.003);
    near("less", learnt_in_one_window(100, 62), 1 - (1 - 0.62 * 0.62) / 13, 0.012);
    near("hardly less", learnt_in_one_window(100, 80), 1 - (1 - 0.8 * 0.8) / 25, 0.006);
}

/* What may be noise is not shown as a current, nor counted. */
static void noise_is_no_current(void **state)
{
    (void)state;
    begin(3, 0);
    s.noise_dmv =
        150; /* 0.83 A of it: what is left of one window's may look like 0.2 A, and twice that is shown */
    look(&s, &m, 8);
    metering_read(&m, &r);
    uint64_t before = r.import_total_uwh;
    for (int k = 0; k < 60; k++) {
        windows(1);
        assert_int_equal(r.i_ma[0] | r.i_ma[1] | r.i_ma[2], 0);
    }
    assert_int_equal(r.import_total_uwh, before);
    for (int p = 0; p < 3; p++)
        s.ph[p].i = 0.8;
    look(&s, &m, 4);
    windows(1);
    for (int p = 0; p < 3; p++)
        near("shown", r.i_ma[p], 800, 100);
}

/* When the voltage falls, power can't be more than it and the current allow, whatever is held of before. */
static void a_falling_voltage_bounds_the_power(void **state)
{
    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        begin(3, 10);
        for (int p = 0; p < 3; p++)
            s.ph[p].i_sign = reversed ? -1 : 1;
        look(&s, &m, 4);
        windows(1);
        struct meter_reading a = r;
        for (int p = 0; p < 3; p++)
            s.ph[p].v = 115;
        windows(4); /* the register has made up for what it showed ahead */
        for (int p = 0; p < 3; p++) {
            double watts = (double)(r.import_uwh[p] - a.import_uwh[p]) * 3.6e3 / (double)(r.at_us - a.at_us);
            near("W", watts, 1.05 * r.v_mv[p] * 0.01, 0.005 * 1150);
        }
        look(&s, &m, 6);
        windows(1);
        near("W", r.p_mw[0], 1150000, 1150);
    }
}

/* What is held of one load is no use for the next. */
static void the_next_load_has_its_own_power_factor(void **state)
{
    (void)state;
    begin(3, 10);
    look(&s, &m, 4);
    for (int p = 0; p < 3; p++)
        s.ph[p].i = 0;
    look(&s, &m, 1);
    windows(1);
    assert_int_equal(r.pf_permille[0] | r.i_ma[0] | r.p_mw[0], 0);
    for (int p = 0; p < 3; p++) {
        s.ph[p].i = 10;
        s.ph[p].angle = 1.0471975;
    }
    windows(1);
    windows(1); /* the first whole one */
    for (int p = 0; p < 3; p++) {
        near("pf", r.pf_permille[p], 500, 25);
        near("W", r.p_mw[p], 1150000, 60000);
    }
}

/* In the first window nothing is known of the noise but what its first frames have shown. */
static void noise_is_taken_off_from_the_first_frames_on(void **state)
{
    (void)state;
    begin(3, 0);
    s.noise_dmv = 100; /* 0.56 A of it */
    int32_t ma[3];
    double sum = 0;
    for (int k = 0; k < 40; k++) {
        metering_on_frame(&m, next());
        metering_fast_current_ma(&m, ma);
        if (k > 7)
            sum += ma[0] + ma[1] + ma[2];
    }
    assert_true(sum / 32 / 3 < 250); /* of a noise around nothing about the half is above it */
    metering_read(&m, &r);
    assert_int_equal(r.at_us, 0);
}

/* A current near the noise is shown as the mean of 3.2 s. */
static void readings_near_the_noise_are_steadied(void **state)
{
    (void)state;
    begin(3, 1);
    s.noise_dmv = 100;
    look(&s, &m, 8);
    double sum = 0, square = 0, least = 1e9, most = 0;
    enum { N = 60 };
    for (int k = 0; k < N; k++) {
        windows(1);
        double d = r.i_ma[0];
        sum += d;
        square += d * d;
        least = fmin(least, d);
        most = fmax(most, d);
    }
    double mean = sum / N, sigma = sqrt(square / N - mean * mean);
    near("mean", mean, 1000, 12);
    /* One window has 18 mA (one sigma); the mean of sixteen a quarter of it */
    assert_true(sigma < 9);
    assert_true(most - least < 40);
}

/* A low voltage in noise goes through its zero several times: it counts once. */
static void a_noisy_frequency(void **state)
{
    (void)state;
    begin(3, 0);
    s.noise_dmv = 120;
    for (int p = 0; p < 3; p++)
        s.ph[p].v = 40;
    look(&s, &m, 6);
    for (int k = 0; k < 20; k++) {
        windows(1);
        near("mHz", r.freq_mhz, 50000, 250);
    }
}

/* ---- the fast current ---- */

static void the_last_half_cycle(void **state)
{
    (void)state;
    static const double hz[] = {41, 47, 50, 60};
    for (int k = 0; k < 4; k++) {
        begin(3, 20);
        s.hz = hz[k];
        look(&s, &m, 4);
        int32_t ma[3];
        for (int i = 0; i < 60; i++) {
            metering_on_frame(&m, next());
            metering_fast_current_ma(&m, ma);
            for (int p = 0; p < 3; p++)
                near("fast", ma[p], 20000, 25);
        }
        for (int p = 0; p < 3; p++)
            s.ph[p].i = 0;
        int frames = (int)(0.5 / hz[k] * s.rate / SENSE_FRAME_LEN) + 1;
        for (int i = 0; i < frames; i++)
            metering_on_frame(&m, next());
        metering_fast_current_ma(&m, ma);
        near("gone", ma[0], 0, 3);
    }
    /* What a one-phase station does not look at is nothing. */
    begin(1, 20);
    look(&s, &m, 1);
    int32_t ma[3] = {-1, -1, -1};
    metering_fast_current_ma(&m, ma);
    near("L1", ma[0], 20000, 25);
    assert_int_equal(ma[1], 0);
    assert_int_equal(ma[2], 0);
    /* Gains count, and a zero away from where it was calibrated does not. */
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    cfg.i_gain_ppm[2] = 1100000;
    begin(3, 10);
    for (int p = 0; p < 3; p++)
        s.ph[p].i_zero = 13300;
    metering_init(&m, &cfg, NULL);
    for (int k = 0; k < 8; k++) /* 39 ms: nearly two cycles */
        metering_on_frame(&m, next());
    metering_fast_current_ma(&m, ma);
    near("first", ma[0], 10000, 2500);
    look(&s, &m, 1);
    metering_fast_current_ma(&m, ma);
    near("L1", ma[0], 10000, 15);
    near("L3", ma[2], 11000, 15);
    begin(3, 20);
    metering_fast_current_ma(&m, ma);
    assert_int_equal(ma[0] | ma[1] | ma[2], 0);
}

/* A current that is cut within a half wave leaves a mean that is no zero; a zero that moves is followed. */
static void the_zero_of_a_current(void **state)
{
    (void)state;
    int32_t ma[3];
    for (int k = 0; k < 12; k++) {
        begin(3, 32);
        for (int p = 0; p < 3; p++)
            s.ph[p].i_zero = 13000 + 200 * (k % 3 - 1);
        s.t0 = 0.0017 * k;
        look(&s, &m, 2 + 0.017 * k);
        for (int p = 0; p < 3; p++)
            s.ph[p].i = 0;
        for (int i = 0; i < 3; i++)
            look_once(&s, &m);
        for (int i = 0; i < 150; i++) {
            look_once(&s, &m);
            metering_fast_current_ma(&m, ma);
            for (int p = 0; p < 3; p++)
                near("nothing flows", ma[p], 0, 12);
        }
    }
    begin(3, 0);
    look(&s, &m, 2);
    for (int p = 0; p < 3; p++)
        s.ph[p].i_zero = 13200;
    windows(1);
    look_once(&s, &m);
    metering_fast_current_ma(&m, ma);
    near("not yet believed", ma[1], 200000 / 180, 30);
    windows(2);
    look_once(&s, &m);
    metering_fast_current_ma(&m, ma);
    near("followed", ma[1], 0, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_can_be_used),
        cmocka_unit_test(frames_that_follow_on_each_other),
        cmocka_unit_test(the_rate_is_measured_against_the_ports_clock),
        cmocka_unit_test(rates_that_no_converter_has),
        cmocka_unit_test(a_rate_that_changes_is_learnt_anew),
        cmocka_unit_test(time_without_frames_is_counted_as_far_as_current_can_have_flowed),
        cmocka_unit_test(a_long_gap_begins_a_new_window),
        cmocka_unit_test(no_microwatthour_is_lost),
        cmocka_unit_test(the_register_follows_each_cycle),
        cmocka_unit_test(how_long_the_switch_stays),
        cmocka_unit_test(a_reading_without_voltage_in_sight_is_not_valid),
        cmocka_unit_test(proximity_is_good_for_a_second),
        cmocka_unit_test(noise_is_known_and_taken_off),
        cmocka_unit_test(the_next_load_has_its_own_power_factor),
        cmocka_unit_test(noise_is_no_current),
        cmocka_unit_test(a_falling_voltage_bounds_the_power),
        cmocka_unit_test(one_window_of_noise_counts_little),
        cmocka_unit_test(noise_is_taken_off_from_the_first_frames_on),
        cmocka_unit_test(readings_near_the_noise_are_steadied),
        cmocka_unit_test(a_noisy_frequency),
        cmocka_unit_test(the_last_half_cycle),
        cmocka_unit_test(the_zero_of_a_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
