/* Metering's rules one by one, on a meter whose state is set up by hand: bounds of the shift between current
 * and voltage, breaks of the row, zero crossings, and the end of a window with steadying, noise and power. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/waves.h"

static struct metering m;
static struct sense_frame f;
static struct metering_phase *const l1 = &m.phase[0];

enum { N = 20, PACE = 10, FRAME_US = 5000, CYCLE = 800, CYCLE_Q16 = CYCLE / PACE * 65536 };

static void near(const char *what, double is, double truth, double tolerance)
{
    if (!(fabs(is - truth) <= tolerance))
        fail_msg("%s: %.6f, should be %.6f ± %.6f", what, is, truth, tolerance);
}

static void level(int w, int16_t dmv)
{
    for (int k = 0; k < N; k++)
        f.dmv[w][k] = dmv;
}

static void first_frame(int phases, const int32_t delay_us[3])
{
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    cfg.phases = (uint8_t)phases;
    for (int p = 0; delay_us && p < 3; p++)
        cfg.i_phase_us[p] = delay_us[p];
    metering_init(&m, &cfg, NULL);
    memset(&f, 0, sizeof f);
    f.samples = N * PACE;
    f.end_us = 10000000;
    for (int w = 0; w < SENSE_WAVES; w++) {
        f.n[w] = N;
        f.first[w] = (uint8_t)(1 + 2 * w);
        level(w, 13000);
    }
}

static void push_after(uint64_t us)
{
    f.seq++;
    f.end_us += us;
    metering_on_frame(&m, &f);
}

static void push(void)
{
    push_after(FRAME_US);
}

/* In a row, the mains locked at 800 conversions of 25 µs, nothing on any wave. */
static void in_the_row(int phases)
{
    first_frame(phases, NULL);
    metering_on_frame(&m, &f);
    push();
    m.conversion_us = 25;
    m.cycle = CYCLE;
    m.rate_next = UINT32_MAX;
    m.locked = true;
    m.locked_us = f.end_us;
    m.i_left_q16 = m.v_left_q16 = CYCLE_Q16;
    memset(m.i_sum, 0, sizeof m.i_sum);
    memset(m.seen, 0, sizeof m.seen);
    assert_true(m.in_row);
}

/* ---- settings ---- */

static void current_and_voltage_are_shifted_by_eight_samples_at_most(void **state)
{
    (void)state;
    /* Where current and voltage lie between samples: 5.5 conversions after sample `whole` of the voltage. */
    for (int whole = -40; whole <= 40; whole++) {
        const double us = 1e6 / SENSE_RATE_HZ;
        int32_t delay[3] = {(int32_t)lrint(-(6 + PACE * whole + 5.5) * us), 0, 0};
        first_frame(3, delay);
        metering_on_frame(&m, &f);
        int w = whole < -8 ? -8 : whole > 7 ? 7 : whole;
        assert_int_equal(l1->i_back, w + 1 > 0 ? w + 1 : 0);
        assert_int_equal(l1->v_back, l1->i_back - w);
        near("lag", l1->lag, 6 + PACE * w, 0);
        double omega = TURN / m.cycle, u = whole < w ? 0 : whole > w ? PACE : 5.5;
        near("w0", l1->w0, sin(omega * (PACE - u)) / sin(omega * PACE), 0.005);
        near("w1", l1->w1, sin(omega * u) / sin(omega * PACE), 0.005);
    }
    /* Before the first samples that far back are there, none of the frame is used. */
    int32_t apart[3] = {100000, 0, 0};
    apart[1] = (int32_t)lrint(-(6 + PACE * 3 - 2 + 5.5) * 1e6 / SENSE_RATE_HZ);
    first_frame(3, apart);
    metering_on_frame(&m, &f);
    assert_int_equal(l1->v_back, 8);
    assert_in_range(m.phase[1].i_back, 3, 5);
    assert_int_equal(m.v_left_q16, (int32_t)(m.cycle / PACE * 65536) - ((N - 8) << 16));
}

static void zeros_down_to_the_rail(void **state)
{
    (void)state;
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    cfg.i_zero_dmv[0] = cfg.v_zero_dmv[0] = 0;
    cfg.i_zero_dmv[1] = cfg.v_zero_dmv[1] = -1;
    metering_init(&m, &cfg, NULL);
    for (int p = 0; p < 2; p++)
        assert_int_equal(m.cfg.i_zero_dmv[p] | m.cfg.v_zero_dmv[p], 0);
}

static void one_phase_has_one_voltage(void **state)
{
    (void)state;
    for (int mux = 0; mux < 2; mux++) {
        in_the_row(1);
        f.mux = (uint8_t)mux;
        for (int k = 0; k < N; k++)
            f.dmv[mux ? 3 : 4][k] = k < 10 ? 10000 : 16000;
        push();
        push();
        assert_false(m.phase[2].crossed || m.phase[1].crossed);
        assert_int_equal(m.phase[2].v_cycles, 0);
    }
    /* The proximity alone needs no samples of the past. */
    first_frame(1, NULL);
    f.mux = 1;
    metering_on_frame(&m, &f);
    assert_int_equal(m.v_left_q16, (int32_t)(m.cycle / PACE * 65536) - (N << 16));
}

/* ---- the row of frames ---- */

static void the_first_frame_begins_the_count(void **state)
{
    (void)state;
    first_frame(3, NULL);
    metering_on_frame(&m, &f);
    assert_int_equal(m.window_us, f.end_us);
    /* The same time again, while the converter is not known yet. */
    m.cycles = 4;
    m.phase[0].ahead_uwh = m.phase[1].ahead_uwh = m.phase[2].ahead_uwh = 7;
    push_after(0);
    assert_false(m.in_row);
    assert_int_equal(m.cycles, 0);
    assert_int_equal(m.phase[0].ahead_uwh | m.phase[1].ahead_uwh | m.phase[2].ahead_uwh, 0);
    /* A gap is bridged by the nominal rate until it is measured. */
    uint64_t before = m.window_us;
    f.seq += 10;
    push_after(1000000);
    uint64_t frame_us = (uint64_t)(200 * 1e6 / SENSE_RATE_HZ);
    assert_int_equal(m.window_us, before + 1000000 - (10 * frame_us * 5 / 4 + frame_us + 120000));
}

static void what_a_gap_bridges(void **state)
{
    (void)state;
    static const struct {
        uint32_t lost;
        uint64_t gap_us, left_us; /* of the gap, not counted */
        bool forgotten;
    } cases[] = {
        {0, 125000, 0, false},          {0, 125001, 1, true},           {2, 137500, 0, false},
        {2, 137501, 1, true},           {0x7fffffff, 5125001, 1, true}, {0x7fffffff, 5125000, 0, false},
        {0x80000000u, 125001, 1, true},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        in_the_row(3);
        uint64_t before = m.window_us;
        m.cycles = 4;
        f.seq += cases[k].lost;
        push_after(cases[k].gap_us);
        assert_int_equal(m.window_us - before, cases[k].left_us);
        assert_int_equal(m.cycles, cases[k].forgotten ? 0 : 4);
    }
}

static void a_break_forgets_the_past(void **state)
{
    (void)state;
    in_the_row(3);
    push();
    for (int p = 0; p < 3; p++)
        m.phase[p].crossed = m.phase[p].cross_armed = true;
    f.seq++;
    push();
    assert_int_equal(m.i_past, N);
    for (int p = 0; p < 3; p++)
        assert_false(m.phase[p].crossed || m.phase[p].cross_armed);
    /* What can't be used breaks the row even if its number is used again. */
    in_the_row(3);
    f.n[0] = 0;
    push();
    f.n[0] = N;
    f.seq--;
    f.end_us -= FRAME_US;
    push();
    assert_false(m.in_row);
    /* The twentieth break in a row is the rate's fault. */
    in_the_row(3);
    m.rate_known = 1000;
    for (int k = 1; k <= 20; k++) {
        assert_true(m.conversion_us > 0);
        f.seq++;
        push();
        assert_int_equal(m.breaks, k < 20 ? k : 0);
    }
    assert_true(m.conversion_us == 0);
    assert_int_equal(m.rate_known, 0);
}

static void a_quarter_off_is_no_row(void **state)
{
    (void)state;
    static const uint16_t us[] = {3750, 3751, 6249, 6250};
    for (int k = 0; k < 4; k++) {
        in_the_row(3);
        push_after(us[k]);
        assert_int_equal(m.in_row, k == 1 || k == 2);
    }
}

/* So many conversions of so long, after which the rate is looked at. */
static void rate(uint32_t conversions, uint64_t us, uint32_t known)
{
    in_the_row(3);
    m.conversion_us = (double)us / conversions * 1.01;
    uint64_t dt_us = (uint64_t)(m.conversion_us * N * PACE);
    m.rate_conversions = conversions - N * PACE;
    m.rate_next = conversions;
    m.rate_known = known;
    m.rate_from_us = f.end_us + dt_us - us;
    push_after(dt_us);
    assert_true(m.in_row);
}

static void the_longest_row_gives_the_rate(void **state)
{
    (void)state;
    rate(80000, 1999999, 0);
    near("just short of two seconds", m.conversion_us, 1999999.0 / 80000, 1e-9);
    assert_int_equal(m.rate_next, 160000);
    assert_int_equal(m.rate_conversions, 80000);
    rate(80000, 2000000, 0);
    assert_true(m.conversion_us == 25);
    assert_int_equal(m.rate_next, 80000);
    assert_int_equal(m.rate_conversions, 0);
    assert_int_equal(m.rate_from_us, m.end_us);
    rate(80000, 2000001, 90000);
    assert_int_equal(m.rate_known, 80000);
    rate(80000, 2000000, 90000);
    assert_true(m.conversion_us == 25);
    rate(90000, 2250000, 0);
    assert_int_equal(m.rate_next, 90000);
    rate(40000, 1000000, 40000); /* no longer than what is known */
    near("kept", m.conversion_us, 25.25, 1e-9);
    rate(40000, 1000000, 39999);
    assert_true(m.conversion_us == 25);
    rate(40000, 80000, 0);
    assert_true(m.conversion_us == 2);
    rate(10000, 1000000, 0);
    assert_true(m.conversion_us == 100);
    in_the_row(3); /* later than it should have been looked at */
    m.rate_from_us = f.end_us + FRAME_US - 2500000;
    m.rate_conversions = 100000 - N * PACE;
    m.rate_next = 90000;
    push();
    assert_int_equal(m.rate_next, 100000);
}

/* ---- currents ---- */

static void noise_is_guessed_from_forty_samples(void **state)
{
    (void)state;
    for (int n = 38; n <= 41; n++) {
        in_the_row(1);
        l1->i_noise = 0;
        m.i_diff_n = (uint32_t)(n - N);
        m.i_diff[0] = 20 * 9 * n;
        m.i_left_q16 = 5 << 16;
        push();
        near("noise", l1->i_noise, n >= 40 ? 9 : 0, 1e-5);
    }
    in_the_row(1);
    l1->i_noise = 0.5f;
    m.i_diff_n = 100;
    m.i_diff[0] = 20 * 9 * 120;
    m.i_left_q16 = (5 << 16) | 1;
    push();
    near("noise", l1->i_noise, 0.5, 0);
    assert_int_equal(m.i_sum[0].s1 | m.i_sum[0].s2, 0);
    assert_int_equal(m.i_left_q16, CYCLE_Q16 - 65535 - ((N - 6) << 16));
}

/* ---- zero crossings ---- */

static bool arms(float v_rms, int dmv)
{
    in_the_row(1);
    l1->v_rms = v_rms;
    f.dmv[3][N - 1] = (int16_t)(13000 + dmv);
    push();
    return l1->cross_armed;
}

/* A crossing at a quarter before sample 12, `since` conversions after the last one. */
static int64_t cross(int since, bool crossed, bool locked)
{
    in_the_row(1);
    l1->cross_armed = true;
    l1->crossed = crossed;
    m.locked = locked;
    for (int k = 0; k < N; k++)
        f.dmv[3][k] = k < 12 ? 13000 - 300 : 13000 + 100;
    int64_t t = (m.conversions + f.first[3]) * 256 + (int64_t)(11.75 * PACE * 256);
    l1->cross_q8 = t - since * 256;
    l1->cross_first_q8 = 5;
    l1->cross_cycles = 3;
    push();
    assert_int_equal(l1->cross_q8, t);
    assert_true(l1->crossed);
    if (l1->cross_cycles == 0)
        assert_int_equal(l1->cross_first_q8, t);
    return l1->cross_cycles;
}

static void crossings(void **state)
{
    (void)state;
    assert_false(arms(2000, -279));
    assert_true(arms(2000, -281));
    assert_false(arms(1464, -203));
    assert_false(arms(0, -199));
    assert_true(arms(0, -201));

    assert_int_equal(cross(19200, true, true), 3 + 24); /* 480 ms */
    assert_int_equal(cross(20000, true, true), 0);      /* half a second */
    assert_int_equal(cross(20800, true, true), 0);
    assert_int_equal(cross(1600, false, true), 0);
    assert_int_equal(cross(800, true, true), 4);
    assert_int_equal(cross(100, true, true), 0);
    assert_int_equal(cross(956, true, true), 4);
    assert_int_equal(cross(964, true, true), 0);
    cross(800, false, false);
    assert_false(m.locked);
    cross(1000, true, false); /* 40 Hz */
    assert_false(m.locked);
    cross(999, true, false);
    assert_true(m.locked);
    near("cycle", m.cycle, 999, 0);

    in_the_row(1); /* a sample just at zero is the crossing */
    for (int k = 0; k < N; k++)
        f.dmv[3][k] = k < 12 ? 13000 - 300 : 13000;
    int64_t t = (m.conversions + f.first[3] + 12 * PACE) * 256;
    push();
    assert_true(l1->crossed);
    assert_int_equal(l1->cross_q8, t);

    in_the_row(1); /* what was before a break in sight is no neighbour */
    level(3, 13000 - 500);
    push();
    level(3, 13000 + 500);
    m.v_past = 0;
    push();
    assert_false(l1->crossed);
}

static void the_last_share_of_a_cycle_of_proximity(void **state)
{
    (void)state;
    in_the_row(1);
    f.mux = 1;
    level(4, 1000);
    push();
    m.v_left_q16 = (5 << 16) | 0x8000;
    memset(m.seen, 0, sizeof m.seen);
    f.dmv[4][5] = 9000;
    push();
    assert_int_equal(m.pp_dmv, (5 * 1000 + 9000 / 2 + 40) / 80);
    assert_int_equal(m.v_left_q16, CYCLE_Q16 - ((N - 6) << 16));
}

/* ---- the end of a window ---- */

static void end_window(void)
{
    m.cycles = 9;
    m.i_left_q16 = 5 << 16;
    push();
    assert_int_equal(m.cycles, 0);
    assert_int_equal(m.i_diff_n, 0);
}

static void crossed_at(float cycle)
{
    in_the_row(1);
    l1->crossed = true;
    l1->cross_cycles = 1;
    l1->cross_q8 = 10000000;
    l1->cross_first_q8 = 10000000 - (int64_t)lrintf(cycle * 256);
}

static void how_the_frequency_is_followed(void **state)
{
    (void)state;
    crossed_at(803.125f);
    end_window();
    near("averaged", m.cycle, 800 + 0.3 * 3.125, 0.001);
    crossed_at(803.25f);
    end_window();
    near("followed", m.cycle, 803.25, 0);
    crossed_at(1100);
    end_window();
    near("not believed", m.cycle, 800, 0);
    assert_false(m.locked);
    crossed_at(810);
    l1->crossed = false;
    end_window();
    near("a crossing before the break", m.cycle, 800, 0);

    static const int32_t ago_us[] = {-1, 0, 499999, 500000, 500001};
    for (int k = 0; k < 5; k++) {
        in_the_row(1);
        m.locked_us = f.end_us + FRAME_US - (uint64_t)(int64_t)ago_us[k];
        end_window();
        assert_int_equal(m.locked, k < 4);
    }
    in_the_row(1);
    m.conversion_us = 0;
    end_window();
    assert_false(m.locked);
    assert_int_equal(m.now.freq_mhz, 0);
}

/* A window with this mean square of the current on top of the noise; V and PF known from before. */
static void window(float ms, float noise)
{
    l1->i_noise = noise;
    l1->i_ms = 10 * (ms + noise);
    l1->i_rms = 10 * sqrtf(ms);
    end_window();
}

static void steadied(float d, uint8_t windows, int8_t apart, uint8_t then_windows, int8_t then_apart)
{
    in_the_row(1);
    l1->i_show = 100000 - d;
    l1->i_windows = windows;
    l1->i_apart = apart;
    l1->p_windows = 5;
    window(100000, 100);
    assert_int_equal(l1->i_windows, then_windows);
    assert_int_equal(l1->i_apart, then_apart);
    near("shown", l1->i_show, 100000 - d + (then_apart ? 0 : d / then_windows), 0.1);
    assert_int_equal(l1->p_windows, then_windows == 1 ? 1 : 6);
}

/* One sigma is 223.7 here: sqrt(4 · 100000 · 100 / 800 + 2.6 · 100² / 800). */
static void what_is_averaged_and_what_is_followed(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        int8_t side = (int8_t)sign, other = (int8_t)-sign;
        steadied((float)sign * 885, 5, 0, 6, 0);
        steadied((float)sign * 885, 5, side, 6, 0);
        steadied((float)sign * 885, 15, 0, 16, 0);
        steadied((float)sign * 885, 16, 0, 16, 0);
        steadied((float)sign * 905, 5, 0, 5, side);
        steadied((float)sign * 905, 5, other, 5, side);
        steadied((float)sign * 905, 5, side, 1, 0);
        steadied((float)sign * 905, 0, 0, 1, 0);
        steadied((float)sign * 1333, 5, 0, 5, side);
        steadied((float)sign * 1350, 5, 0, 1, 0);
    }
    in_the_row(1); /* the side, however small the difference: sigma 0.1 */
    l1->i_show = 999.5f;
    l1->i_windows = 5;
    window(1000, 0.002f);
    assert_int_equal(l1->i_apart, 1);
}

static float noise_after(float noise, float fresh, uint8_t windows, int n)
{
    in_the_row(1);
    l1->i_noise = noise;
    l1->noise_windows = windows;
    m.i_diff_n = (uint32_t)(n - N);
    m.i_diff[0] = (int64_t)lrintf(fresh * 20 * (float)n);
    end_window();
    return l1->i_noise;
}

static void how_noise_is_learnt(void **state)
{
    (void)state;
    near("199 samples", noise_after(10, 20, 9, 199), 10, 0);
    near("200 samples", noise_after(10, 20, 9, 200), 11, 1e-4);
    near("most", noise_after(1, 50000, 0, 200), 40000, 1);
    near("the first window", noise_after(1, 30, 0, 200), 30, 1e-3);
    near("the second", noise_after(10, 1000, 1, 200), 10 + 31 / 2.0, 1e-3);
    near("35", noise_after(10, 35, 3, 200), 10 + 25 / 4.0, 1e-3);
    near("40.5", noise_after(10, 40.5f, 3, 200), 10 + 30.5 / 4, 1e-3);
    near("41.5", noise_after(10, 41.5f, 3, 200), 10 + 31 / 4.0, 1e-3);
    near("45", noise_after(10, 45, 3, 200), 10 + 31 / 4.0, 1e-3);
    near("less than half", noise_after(100, 48, 20, 200), 100 - 52 / 11.0, 1e-3);
    near("half", noise_after(100, 50, 20, 200), 100 - 50 / 21.0, 1e-3);
    near("more than half", noise_after(100, 51, 20, 200), 100 - 49 / 21.0, 1e-3);
}

static void the_middle_of_three_zeros(void **state)
{
    (void)state;
    in_the_row(1);
    m.now.at_us = 1;
    l1->i_dc_past[0] = 10;
    l1->i_dc_past[1] = 20;
    end_window();
    near("zero", l1->i_dc, 10, 0);
    near("older", l1->i_dc_past[0], 20, 0);
    near("newer", l1->i_dc_past[1], 0, 0);
}

static void current_is_what_stands_out_of_the_noise(void **state)
{
    (void)state;
    in_the_row(1);
    window(1000, 4360);
    assert_true(m.now.i_ma[0] > 0);
    in_the_row(1);
    l1->i_show = l1->p_show = l1->p_held = l1->i_held = 5;
    l1->i_windows = l1->p_windows = 5;
    window(1000, 4410);
    assert_int_equal(m.now.i_ma[0], 0);
    assert_true(l1->i_show == 0 && l1->p_show == 0 && l1->p_held == 0 && l1->i_held == 0);
    assert_int_equal(l1->i_windows | l1->p_windows, 0);
}

/* 230 V; power of a window in W as it is shown at once. */
static void power(float p_held, float i_held, uint16_t v_cycles, float p, float seen_i, double truth_w)
{
    in_the_row(1);
    l1->v_rms = 6440;
    l1->p_held = p_held;
    l1->i_held = i_held;
    l1->v_cycles = v_cycles;
    l1->v_ms = (float)v_cycles * (6440.0f * 6440.0f + 1000);
    l1->p = p;
    l1->seen_i = seen_i;
    window(1800 * 1800, 1000); /* 10 A */
    near("V", m.now.v_mv[0], 230000, 20);
    near("W", m.now.p_mw[0] / 1000.0, truth_w, 1);
}

static void power_by_what_was_seen(void **state)
{
    (void)state;
    power(0, 0, 0, 0, 0, 2300);
    power(1610, 0.5f, 0, 0, 0, 1150);
    power(6440.0f * 100, 100, 1, 0, 50, 1150);
    power(6440.0f * 100, 100, 0, 6440.0f * 100, 100, 2300);
    near("not halved", l1->i_held, 100, 0);
    power(6440.0f * 100, 100, 1, 6440.0f * 50, 50, 2300);
    near("halved", l1->i_held, 100, 0.01);
}

static uint8_t reversed_after(uint8_t before, float pf)
{
    in_the_row(1);
    m.now.ct_reversed[0] = true;
    l1->reversed = before;
    l1->v_rms = 6440;
    l1->i_held = 1000;
    l1->p_held = pf * 6440 * 1000;
    window(1800 * 1800, 1);
    return l1->reversed;
}

static void the_right_way_again(void **state)
{
    (void)state;
    assert_int_equal(reversed_after(0, 0.293f), 0);
    assert_int_equal(reversed_after(0, 0.307f), 1);
    assert_int_equal(reversed_after(7, 0.307f), 8);
    assert_int_equal(reversed_after(7, 0.293f), 0);
    assert_int_equal(reversed_after(7, -1), 0);
}

static void energy_of_a_window(void **state)
{
    (void)state;
    in_the_row(1);
    l1->v_rms = 630; /* 22.5 V, 5 A: 112.5 W, and 0.7 mW more */
    m.window_us = f.end_us + FRAME_US - 1;
    l1->i_held = 1000;
    l1->p_held = 1000 * 630.0f;
    window(900.006f * 900.006f, 1);
    double mw = 630 * 900.006 / (180 * 28) * 1000;
    near("nJ", (double)l1->rest_nj, floor(mw + 0.5), 0);

    /* During the window: half of what is held and what was seen in it. */
    in_the_row(1);
    l1->v_rms = 6440;
    l1->i_noise = 1;
    l1->i_ms = 1800.0f * 1800 + 1;
    l1->i_rms = 1800;
    l1->p_held = 6440 * 500.0f;
    l1->i_held = 1000;
    l1->p = 6440 * 100.0f;
    l1->seen_i = 500;
    m.i_left_q16 = 5 << 16;
    m.cycles = 0;
    push();
    double v_pf = 6440 * (0.5 * 500 + 100) / (0.5 * 1000 + 500);
    near("µWh", (double)m.now.import_uwh[0], v_pf * 1800 / (180 * 28) * 1000 * 20000 / 3.6e6, 2);
}

static int power_factor(float v_rms, float pf)
{
    in_the_row(1);
    l1->v_rms = v_rms;
    l1->i_held = 1000;
    l1->p_held = pf * v_rms * 1000;
    window(1800 * 1800, 1);
    return m.now.pf_permille[0];
}

static void power_factors_up_to_one(void **state)
{
    (void)state;
    assert_in_range(power_factor(6440, 0.97f), 969, 971);
    assert_int_equal(power_factor(6440, 1.02f), 1000);
    assert_int_equal(power_factor(6440, 1.2f), 1000);
    assert_in_range(-power_factor(6440, -0.97f), 969, 971);
    assert_int_equal(power_factor(6440, -1.02f), -1000);
    assert_int_equal(power_factor(6440, -1.2f), -1000);
    assert_int_equal(power_factor(0, 1), 0);
}

static void another_shift_begins_with_the_window(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        in_the_row(3);
        int8_t i_back = l1->i_back, v_back = l1->v_back;
        assert_int_equal(m.v_past, 2 * N);
        l1->i_back = (int8_t)(i_back + (k & 1));
        l1->v_back = (int8_t)(v_back + k / 2);
        end_window();
        assert_int_equal(l1->i_back, i_back);
        assert_int_equal(l1->v_back, v_back);
        assert_int_equal(m.v_past, k ? 0 : 3 * N > METERING_PAST ? METERING_PAST : 3 * N);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(current_and_voltage_are_shifted_by_eight_samples_at_most),
        cmocka_unit_test(zeros_down_to_the_rail),
        cmocka_unit_test(one_phase_has_one_voltage),
        cmocka_unit_test(the_first_frame_begins_the_count),
        cmocka_unit_test(what_a_gap_bridges),
        cmocka_unit_test(a_break_forgets_the_past),
        cmocka_unit_test(a_quarter_off_is_no_row),
        cmocka_unit_test(the_longest_row_gives_the_rate),
        cmocka_unit_test(noise_is_guessed_from_forty_samples),
        cmocka_unit_test(crossings),
        cmocka_unit_test(the_last_share_of_a_cycle_of_proximity),
        cmocka_unit_test(how_the_frequency_is_followed),
        cmocka_unit_test(what_is_averaged_and_what_is_followed),
        cmocka_unit_test(how_noise_is_learnt),
        cmocka_unit_test(the_middle_of_three_zeros),
        cmocka_unit_test(current_is_what_stands_out_of_the_noise),
        cmocka_unit_test(power_by_what_was_seen),
        cmocka_unit_test(the_right_way_again),
        cmocka_unit_test(energy_of_a_window),
        cmocka_unit_test(power_factors_up_to_one),
        cmocka_unit_test(another_shift_begins_with_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
