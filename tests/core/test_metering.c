/* Metering against signals of known truth, made here sample by sample: skew, noise, bias, harmonics,
 * frequency, the analogue switch's timing, lost frames. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/core/waves.h"

static double worst_v, worst_i, worst_p, worst_pf;

static void near(const char *what, double is, double truth, double tolerance)
{
    if (!(fabs(is - truth) <= tolerance))
        fail_msg("%s: %.4f, should be %.4f ± %.4f", what, is, truth, tolerance);
}

static double percent(double is, double truth)
{
    return 100 * fabs(is - truth) / fabs(truth);
}

static void compare(const struct source *s, const struct metering *m, int phases)
{
    struct meter_reading r;
    metering_read(m, &r);
    assert_true(r.valid);
    assert_true(s->f.end_us - r.at_us < 300000); /* of now */
    for (int p = 0; p < phases; p++) {
        const struct phase_signal *q = &s->ph[p];
        double w = watt(s, p), pf = w / (q->v * q->i);
        double ev = percent(r.v_mv[p], 1000 * q->v), ei = percent(r.i_ma[p], 1000 * q->i);
        double ep = percent(r.p_mw[p], 1000 * w), epf = fabs(r.pf_permille[p] - 1000 * pf);
        worst_v = fmax(worst_v, ev);
        worst_i = fmax(worst_i, ei);
        worst_p = fmax(worst_p, ep);
        worst_pf = fmax(worst_pf, epf);
        /* With 3 mV of noise and a third of the cycles in sight, power is known to 0.5 % (one sigma) at 1 A
         * and 0.5. */
        if (ev > 0.25 || ei > 0.3 + 0.4 / q->i || ep > 0.3 + 0.8 / (q->i * pf) || epf > 3 + 6 / q->i)
            fail_msg(
                "L%d %.1f V %.2f A pf %.3f %.2f Hz: off by V %.3f %% I %.3f %% P %.3f %% pf %.1f permille",
                p + 1, q->v, q->i, pf, s->hz, ev, ei, ep, epf);
    }
    near("frequency", r.freq_mhz, 1000 * s->hz, 15);
}

static void test_currents_and_power_factors(void **state)
{
    (void)state;
    static const double amps[] = {1, 2, 6, 10, 16, 25, 32, 40};
    static const double angles[] = {0, 0.3, 0.8, 1.0471975, -1.0471975};
    worst_v = worst_i = worst_p = worst_pf = 0;
    for (size_t a = 0; a < sizeof amps / sizeof *amps; a++)
        for (size_t g = 0; g < sizeof angles / sizeof *angles; g++) {
            struct source s;
            struct metering m;
            source_init(&s);
            for (int p = 0; p < 3; p++) {
                s.ph[p].i = amps[a] * (1 + 0.05 * p);
                s.ph[p].angle = angles[g];
                s.ph[p].v = 230 - 8 * p;
            }
            s.random = a * 100 + g;
            start(&m, 3);
            look(&s, &m, 4);
            compare(&s, &m, 3);
        }
    print_message("worst: V %.3f %%, I %.3f %%, P %.3f %%, PF %.2f permille\n", worst_v, worst_i, worst_p,
                  worst_pf);
}

static void test_harmonics(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        struct source s;
        struct metering m;
        source_init(&s);
        for (int p = 0; p < 3; p++) {
            s.ph[p].i = 3 + 4 * k;
            s.ph[p].angle = 0.2 * k;
            s.ph[p].v3 = 0.05;
            s.ph[p].v5 = 0.06; /* EN 50160: at most 5 % and 6 % */
            s.ph[p].i3 = 0.2;
            s.ph[p].i5 = 0.1;
        }
        start(&m, 3);
        look(&s, &m, 3);
        compare(&s, &m, 3);
    }
}

static void test_frequencies_rates_and_jitter(void **state)
{
    (void)state;
    static const double hz[] = {47, 48.7, 49.9, 50, 50.2, 51.3, 52, 60};
    for (size_t k = 0; k < sizeof hz / sizeof *hz; k++) {
        struct source s;
        struct metering m;
        source_init(&s);
        s.hz = hz[k];
        s.rate = 41300 * (1 + 0.02 * ((int)(k % 3) - 1));
        s.jitter_us = 60;
        s.t0 = 0.00273 * (double)k;
        for (int p = 0; p < 3; p++) {
            s.ph[p].i = 7.3;
            s.ph[p].angle = 0.5;
        }
        start(&m, 3);
        look(&s, &m, 4);
        compare(&s, &m, 3);
        s.hz += 1; /* a step is followed */
        look(&s, &m, 2);
        compare(&s, &m, 3);
    }
}

static void test_bias_away_from_the_configured_zero(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    source_init(&s);
    for (int p = 0; p < 3; p++) {
        s.ph[p].i = 2;
        s.ph[p].i_zero = 13000 + 350 * (p - 1);
        s.ph[p].v_zero = 13000 - 300 * (p - 1);
    }
    start(&m, 3);
    look(&s, &m, 3);
    compare(&s, &m, 3);
    struct metering_raw raw;
    metering_raw_read(&m, &raw);
    for (int p = 0; p < 3; p++) {
        near("mean", raw.i_mean_dmv[p], s.ph[p].i_zero, 10);
        near("mean", raw.v_mean_dmv[p], s.ph[p].v_zero, 10);
        near("pin", raw.i_uv[p], 36000, 400);
        near("noise", raw.i_noise_uv[p], 3000, 200);
        near("lag", raw.i_lag_ns[p], 0, 40000);
    }
}

static void test_gain_and_delay_are_corrected(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct metering_cfg cfg;
    for (int delay = -400; delay <= 800; delay += 150) {
        source_init(&s);
        metering_cfg_default(&cfg);
        s.ct_delay_us = delay;
        for (int p = 0; p < 3; p++) {
            s.ph[p].i = 12;
            s.ph[p].angle = 1.0471975; /* where a delay hurts most */
            cfg.i_phase_us[p] = delay;
            cfg.i_gain_ppm[p] = 1040000;
            cfg.v_gain_ppm[p] = 970000;
        }
        metering_init(&m, &cfg, NULL);
        look(&s, &m, 3);
        for (int p = 0; p < 3; p++) { /* what a front end with these errors has seen */
            s.ph[p].v *= 0.97;
            s.ph[p].i *= 1.04;
        }
        compare(&s, &m, 3);
        struct metering_raw raw;
        metering_raw_read(&m, &raw);
        for (int p = 0; p < 3; p++) {
            assert_true(raw.i_lag_valid[p]);
            near("lag", raw.i_lag_ns[p], 1000 * delay + 1.0471975 / TURN * 2e7, 15000);
        }
    }
}

static void test_energy_of_a_session(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r, before;
    source_init(&s);
    start(&m, 3);
    look(&s, &m, 1);
    metering_read(&m, &before);
    assert_int_equal(before.import_total_uwh, 0); /* no creep */
    double joule[3] = {0};
    uint64_t last = 0;
    for (int k = 0; k < 120; k++) {
        for (int p = 0; p < 3; p++) { /* ramps, small currents, pauses, a power factor that moves */
            s.ph[p].i = k % 10 == 9 ? 0 : 1 + 31 * fabs(sin(0.11 * k + p));
            s.ph[p].angle = 0.3 + 0.7 * sin(0.05 * k);
        }
        int64_t from = s.conversions;
        look(&s, &m, 0.5);
        for (int p = 0; p < 3; p++)
            joule[p] += watt(&s, p) * (double)(s.conversions - from) / s.rate;
        metering_read(&m, &r);
        assert_true(r.import_total_uwh >= last);
        last = r.import_total_uwh;
    }
    for (int p = 0; p < 3; p++)
        s.ph[p].i = 0;
    look(&s, &m, 0.6);
    metering_read(&m, &r);
    double total = 0;
    for (int p = 0; p < 3; p++) {
        near("energy", (double)r.import_uwh[p], joule[p] / 3600 * 1e6, joule[p] / 3600 * 1e6 * 0.005);
        total += joule[p];
    }
    print_message("energy: %.3f %% off\n", percent((double)r.import_total_uwh, total / 3600 * 1e6));
    assert_int_equal(r.import_total_uwh, r.import_uwh[0] + r.import_uwh[1] + r.import_uwh[2]);
    look(&s, &m, 3);
    metering_read(&m, &before);
    assert_int_equal(before.import_total_uwh, r.import_total_uwh);
    assert_int_equal(before.i_ma[0], 0);
    assert_int_equal(before.p_mw[0], 0);

    /* on from the register */
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    metering_init(&m, &cfg, &before);
    metering_read(&m, &r);
    assert_int_equal(r.import_total_uwh, before.import_total_uwh);
    assert_int_equal(r.import_uwh[2], before.import_uwh[2]);
    assert_false(r.valid);
}

/* The register follows the current cycle by cycle, not window by window, and is right all the same. */
static void test_the_register_shows_the_window_under_way(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading a, r;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 32;
    start(&m, 3);
    look(&s, &m, 2);
    metering_read(&m, &a);
    uint64_t from_us = m.end_us;
    double watts = watt(&s, 0) * 3, worst = 0;
    for (int k = 0; k < 1000; k++) {
        look_once(&s, &m);
        metering_read(&m, &r);
        double delivered = watts * (double)(m.end_us - from_us) * 1e-6 / 3600;
        double off = fabs((double)(r.import_total_uwh - a.import_total_uwh) * 1e-6 - delivered);
        worst = off > worst ? off : worst;
    }
    print_message("register: at most %.3f Wh behind at 22 kW\n", worst);
    assert_true(worst <
                0.3); /* a cycle and a frame, and the accuracy of 5 s of it; a window would be 1.2 Wh */
    /* A current that goes at any instant leaves in the register what has flowed, to a cycle. */
    for (int k = 0; k < 30; k++) {
        uint64_t on_us = m.end_us;
        metering_read(&m, &a);
        s.ph[0].i = s.ph[1].i = s.ph[2].i = 32;
        for (int n = 0; n < 40 + k; n++)
            look_once(&s, &m);
        double delivered = watts * (double)(m.end_us - on_us) * 1e-6 / 3600;
        s.ph[0].i = s.ph[1].i = s.ph[2].i = 0;
        look(&s, &m, 1);
        metering_read(&m, &r);
        near("energy of a short charge", (double)(r.import_total_uwh - a.import_total_uwh) * 1e-6, delivered,
             0.25);
    }
}

static void test_lost_frames_are_bridged(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading a, b;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 16;
    start(&m, 3);
    look(&s, &m, 2);
    metering_read(&m, &a);
    uint64_t from_us = m.end_us; /* the register shows what came after the window, too */
    for (int k = 0; k < 40; k++) {
        look(&s, &m, 0.25);
        for (int lost = 0; lost < k; lost++)
            frame(&s, s.mux);
    }
    look(&s, &m, 1);
    metering_read(&m, &b);
    double watts = watt(&s, 0) * 3, seconds = (double)(m.end_us - from_us) * 1e-6;
    near("energy over gaps", (double)(b.import_total_uwh - a.import_total_uwh), watts * seconds / 3.6 * 1e3,
         watts * seconds / 3.6 * 10);
    compare(&s, &m, 3);

    /* A converter that stands still: the contactor has opened; hours without frames are not hours of energy.
     */
    metering_read(&m, &a);
    s.origin_us += 3600000000u;
    look(&s, &m, 0.4);
    metering_read(&m, &b);
    seconds = 0.6;
    assert_true((double)(b.import_total_uwh - a.import_total_uwh) < watts * seconds / 3.6 * 1e3);
    look(&s, &m, 2);
    compare(&s, &m, 3);
}

static void test_rubbish_does_no_harm(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    start(&m, 3);
    uint64_t last = 0;
    for (int k = 0; k < 20000; k++) {
        struct sense_frame f = *frame(&s, metering_mux_wanted(&m));
        unsigned dice = (unsigned)(waves_uniform(&s) * 40);
        if (dice == 0)
            f.n[0] = (uint8_t)(waves_uniform(&s) * 33);
        if (dice == 1)
            for (int w = 0; w < SENSE_WAVES; w++)
                f.n[w] = (uint8_t)(waves_uniform(&s) * 33);
        if (dice == 2)
            f.end_us = (uint64_t)(waves_uniform(&s) * 2e7);
        if (dice == 3)
            f.seq += (uint32_t)(waves_uniform(&s) * 1e9);
        if (dice == 4)
            f.samples = (uint16_t)(waves_uniform(&s) * 300);
        if (dice == 5)
            f.first[dice % 5] = (uint8_t)(waves_uniform(&s) * 200);
        if (dice == 6)
            for (int j = 0; j < 20; j++)
                f.dmv[j % 5][j] = (int16_t)(waves_uniform(&s) * 65535 - 32768);
        if (dice == 7)
            f.mux = (uint8_t)(waves_uniform(&s) * 255);
        metering_on_frame(&m, &f);
        int32_t fast[3];
        metering_fast_current_ma(&m, fast);
        metering_read(&m, &r);
        assert_true(r.import_total_uwh >= last);
        last = r.import_total_uwh;
        assert_in_range(metering_mux_wanted(&m), 0, 1);
    }
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 10;
    s.origin_us += 30000000;
    look(&s, &m, 6);
    compare(&s, &m, 3);
}

static void test_signs(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 8;
    start(&m, 3);
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_false(r.phase_order_wrong || r.neutral_missing || r.ct_reversed[0] || r.ct_reversed[1] ||
                 r.ct_reversed[2]);

    s.ph[1].i_sign = -1;
    look(&s, &m, 3);
    metering_read(&m, &r);
    assert_true(!r.ct_reversed[0] && r.ct_reversed[1] && !r.ct_reversed[2]);
    near("power all the same", r.p_mw[1], 1000 * watt(&s, 1), 20000);
    s.ph[1].i_sign = 1;
    look(&s, &m, 9);
    metering_read(&m, &r);
    assert_false(r.ct_reversed[1]);

    s.ph[1].v_turn = 2 / 3.0;
    s.ph[2].v_turn = 1 / 3.0;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_true(r.phase_order_wrong);
    assert_false(r.neutral_missing);
    s.ph[1].v_turn = 1 / 3.0;
    s.ph[2].v_turn = 2 / 3.0;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_false(r.phase_order_wrong);

    s.vx = -60; /* the star point goes towards L1 */
    s.vy = 10;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_true(r.neutral_missing);
    assert_true(r.v_mv[0] < 180000 && r.v_mv[1] > 250000);
    s.vx = -225; /* L1 shorted to it by its load */
    s.vy = 0;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_true(r.neutral_missing);
    s.vx = 0;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_false(r.neutral_missing);

    for (int p = 0; p < 3; p++) { /* a lost or sagging phase is not a missing neutral */
        s.ph[p].v = 0;
        look(&s, &m, 2);
        metering_read(&m, &r);
        assert_false(r.neutral_missing || r.phase_order_wrong);
        assert_true(r.v_mv[p] < 3000);
        assert_true(r.valid);
        near("frequency", r.freq_mhz, 50000, 15);
        s.ph[p].v = 170;
        look(&s, &m, 2);
        metering_read(&m, &r);
        assert_false(r.neutral_missing || r.phase_order_wrong);
        s.ph[p].v = 230;
    }
}

static void test_supply_gone_and_back(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    s.ph[0].v = s.ph[1].v = s.ph[2].v = 0;
    start(&m, 3);
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_true(r.valid);
    assert_int_equal(r.freq_mhz, 0);
    assert_true(r.v_mv[0] < 2000);
    s.ph[0].v = s.ph[1].v = s.ph[2].v = 230;
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 5;
    look(&s, &m, 3);
    compare(&s, &m, 3);
    s.ph[0].v = s.ph[1].v = s.ph[2].v = 0;
    look(&s, &m, 2);
    metering_read(&m, &r);
    assert_int_equal(r.freq_mhz, 0);
}

static void test_one_phase(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    s.ph[0].i = 14;
    s.ph[0].angle = 0.4;
    s.ph[1].i = s.ph[2].i = 20; /* nothing that a one-phase station looks at */
    start(&m, 1);
    look(&s, &m, 3);
    compare(&s, &m, 1);
    metering_read(&m, &r);
    assert_int_equal(r.phases, 1);
    assert_int_equal(r.i_ma[1], 0);
    assert_int_equal(r.v_mv[2], 0);
    assert_int_equal(r.p_total_mw, r.p_mw[0]);
    assert_int_equal(r.import_total_uwh, r.import_uwh[0]);
}

static void test_pp_is_averaged_and_goes_stale(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    int32_t mv = -1;
    source_init(&s);
    start(&m, 3);
    assert_false(metering_pp_mv(&m, s.origin_us, &mv));
    look(&s, &m, 0.4);
    assert_true(metering_pp_mv(&m, s.f.end_us, &mv));
    near("pp", mv, 793, 2);
    s.pp_mv = 2484;
    look(&s, &m, 0.12);
    assert_true(metering_pp_mv(&m, s.f.end_us, &mv));
    near("pp", mv, 2484, 2);
    assert_true(metering_pp_mv(&m, s.f.end_us + 800000, &mv));
    assert_false(metering_pp_mv(&m, s.f.end_us + 1200000, &mv));
}

static void test_switch_turns_after_each_cycle(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    source_init(&s);
    start(&m, 3);
    look(&s, &m, 0.5);
    int turns = 0, longest = 0, run = 0, last = s.mux, wanted = s.mux;
    for (int k = 0; k < 2000; k++) {
        const struct sense_frame *f = frame(&s, wanted);
        metering_on_frame(&m, f);
        if (k % 2)
            wanted = metering_mux_wanted(&m);
        run++;
        if (s.mux != last) {
            last = s.mux;
            turns++;
            longest = run > longest ? run : longest;
            run = 0;
        }
    }
    print_message("%d turns in 2000 frames, longest stay %d frames\n", turns, longest);
    assert_true(longest <= 8); /* one settling, five of 24 ms for a cycle, two until control has looked */
    assert_true(turns >= 250);
}

static void test_fast_current(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    int32_t ma[3];
    source_init(&s);
    start(&m, 3);
    metering_fast_current_ma(&m, ma);
    assert_int_equal(ma[0], 0);
    s.ph[0].i = 32;
    s.ph[1].i = 6;
    look(&s, &m, 1);
    for (int k = 0; k < 50; k++) {
        metering_on_frame(&m, frame(&s, metering_mux_wanted(&m)));
        metering_fast_current_ma(&m, ma);
        near("fast", ma[0], 32000, 500);
        near("fast", ma[1], 6000, 250);
        near("fast", ma[2], 0, 350);
    }
    s.ph[0].i = s.ph[1].i = 0;
    for (int k = 0; k < 3; k++) /* half a cycle is 2.07 frames */
        metering_on_frame(&m, frame(&s, metering_mux_wanted(&m)));
    metering_fast_current_ma(&m, ma);
    near("fast", ma[0], 0, 350);
    s.ph[0].i = 100; /* clipped by the converter, but more than enough to see */
    for (int k = 0; k < 3; k++)
        metering_on_frame(&m, frame(&s, metering_mux_wanted(&m)));
    metering_fast_current_ma(&m, ma);
    assert_true(ma[0] > 60000);
}

static void test_fast_current_before_the_first_window(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    int32_t ma[3];
    source_init(&s);
    for (int p = 0; p < 3; p++)
        s.ph[p].i_zero = 13400;
    start(&m, 3);
    for (int k = 0; k < 20; k++) {
        metering_on_frame(&m, frame(&s, metering_mux_wanted(&m)));
        metering_fast_current_ma(&m, ma);
        near("fast", ma[0], 0, 400);
    }
}

static void test_other_rates_are_learnt(void **state)
{
    (void)state;
    static const double rates[] = {20000, 41300, 60000, 25000, 80000};
    struct source s;
    struct metering m;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 9;
    s.rate = rates[0];
    start(&m, 3);
    look(&s, &m, 3);
    compare(&s, &m, 3);
    for (size_t k = 1; k < sizeof rates / sizeof *rates; k++) {
        s.origin_us = s.f.end_us;
        s.conversions = 0;
        s.rate = rates[k];
        look(&s, &m, 6);
        compare(&s, &m, 3);
    }
}

static void test_senseless_settings_do_no_harm(void **state)
{
    (void)state;
    static const int32_t values[] = {INT32_MIN, -1, 0, INT32_MAX};
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        struct source s;
        struct metering m;
        struct metering_cfg cfg;
        struct meter_reading r;
        int32_t ma[3];
        source_init(&s);
        s.ph[0].i = s.ph[1].i = s.ph[2].i = 32;
        metering_cfg_default(&cfg);
        for (int p = 0; p < 3; p++)
            cfg.i_gain_ppm[p] = cfg.v_gain_ppm[p] = cfg.i_zero_dmv[p] = cfg.v_zero_dmv[p] =
                cfg.i_phase_us[p] = values[k];
        metering_init(&m, &cfg, NULL);
        look(&s, &m, 2);
        metering_read(&m, &r);
        metering_fast_current_ma(&m, ma);
        assert_true(r.i_ma[0] >= 0 && r.v_mv[0] >= 0 && ma[0] >= 0);
    }
}

static void test_steady_reading_follows_steps(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 6;
    start(&m, 3);
    look(&s, &m, 2);
    s.ph[0].i = 10;
    look(&s, &m, 0.45);
    metering_read(&m, &r);
    near("after the step", r.i_ma[0], 10000, 200);
    near("after the step", r.p_mw[0], 2300000, 60000);
    s.ph[0].i = 0;
    look(&s, &m, 0.45);
    metering_read(&m, &r);
    assert_int_equal(r.i_ma[0], 0);
    assert_int_equal(r.p_mw[0], 0);
}

/* 1 A with noise: four and a half sigma in one window are noise, in two of them the current. */
static void test_steady_reading_doubts_one_window(void **state)
{
    (void)state;
    struct source s;
    struct metering m;
    struct meter_reading r;
    source_init(&s);
    s.random = 1; /* one sigma more or less: a matter of luck */
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 1;
    start(&m, 3);
    look(&s, &m, 6);
    for (int k = 0; k < 6; k++) {
        to_window(&s, &m, &r);
        s.ph[0].i = k % 2 ? 0.974 : 1.026;
        to_window(&s, &m, &r);
        near("one window", r.i_ma[0], 1000, 10);
        s.ph[0].i = 1;
        look(&s, &m, 2);
        metering_read(&m, &r);
        near("back", r.i_ma[0], 1000, 10);
    }
    s.ph[0].i = 1.03;
    look(&s, &m, 0.65); /* two windows and the frames between */
    metering_read(&m, &r);
    near("two windows", r.i_ma[0], 1030, 15);
}

static void test_speed(void **state)
{
    (void)state;
    enum { KEPT = 58, ROUNDS = 400 };
    static struct sense_frame kept[KEPT];
    struct source s;
    struct metering m;
    source_init(&s);
    s.ph[0].i = s.ph[1].i = s.ph[2].i = 16;
    start(&m, 3);
    for (int k = 0; k < KEPT; k++)
        kept[k] = *frame(&s, (k / 6) & 1);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    uint32_t seq = 0;
    uint64_t us = 1000000;
    for (int r = 0; r < ROUNDS; r++)
        for (int k = 0; k < KEPT; k++) {
            kept[k].seq = seq++;
            kept[k].end_us = us += 4843;
            metering_on_frame(&m, &kept[k]);
        }
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    struct meter_reading r;
    metering_read(&m, &r);
    assert_true(r.valid && r.import_total_uwh > 0);
    print_message("%.0f ns per frame of 200 conversions, %zu bytes of state\n", ns / (KEPT * ROUNDS),
                  sizeof m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_currents_and_power_factors),
        cmocka_unit_test(test_harmonics),
        cmocka_unit_test(test_frequencies_rates_and_jitter),
        cmocka_unit_test(test_bias_away_from_the_configured_zero),
        cmocka_unit_test(test_gain_and_delay_are_corrected),
        cmocka_unit_test(test_energy_of_a_session),
        cmocka_unit_test(test_the_register_shows_the_window_under_way),
        cmocka_unit_test(test_lost_frames_are_bridged),
        cmocka_unit_test(test_rubbish_does_no_harm),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_supply_gone_and_back),
        cmocka_unit_test(test_one_phase),
        cmocka_unit_test(test_pp_is_averaged_and_goes_stale),
        cmocka_unit_test(test_switch_turns_after_each_cycle),
        cmocka_unit_test(test_fast_current),
        cmocka_unit_test(test_fast_current_before_the_first_window),
        cmocka_unit_test(test_other_rates_are_learnt),
        cmocka_unit_test(test_senseless_settings_do_no_harm),
        cmocka_unit_test(test_steady_reading_follows_steps),
        cmocka_unit_test(test_steady_reading_doubts_one_window),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
