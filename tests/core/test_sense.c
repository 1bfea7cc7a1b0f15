/* sense: levels, duty and waves from raw conversions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/frames.h"

static struct frames f;
static struct sense s;
static struct sense_frame out;

static void next(uint8_t mux)
{
    uint16_t raw[SENSE_FRAME_LEN];
    uint64_t end_us;
    size_t n = frames_next(&f, raw, &end_us);
    sense_frame_read(&s, raw, n, end_us, 0x15, mux, &out);
    f.mux = s.mux;
}

static void start(void)
{
    frames_init(&f);
    sense_init(&s, &f.cfg);
}

static void near(int32_t value, int32_t want, int32_t within)
{
    if (abs(value - want) > within)
        print_error("%d is not %d +- %d\n", (int)value, (int)want, (int)within);
    assert_true(abs(value - want) <= within);
}

static void levels_of_every_state_and_duty(void **state)
{
    (void)state;
    static const uint16_t duty[] = {1000, 1666, 2666, 5333, 8500, 9600};
    start();
    f.noise_mv = 8;
    for (char letter = 'A'; letter <= 'D'; letter++)
        for (size_t d = 0; d < sizeof duty / sizeof duty[0]; d++)
            for (int n = 0; n < 40; n++) {
                f.duty_bp = duty[d];
                frames_pilot(&f, letter, true);
                next(0);
                near(out.cp.high_mv, f.high_mv, 150);
                near(out.cp.low_mv, -12000,
                     duty[d] > 9000 ? 300 : 150); /* few samples, one of them an edge */
                int share = out.cp.n_above * 10000 / 100;
                assert_true(abs(share - duty[d]) <= 700); /* one frame is not a whole number of periods */
                assert_int_equal(out.cp.n_high + out.cp.n_low + out.cp.n_edge, 100);
            }
}

static void a_missing_diode_mirrors_the_level(void **state)
{
    (void)state;
    start();
    f.duty_bp = 5000;
    for (char letter = 'B'; letter <= 'D'; letter++) {
        frames_pilot(&f, letter, false);
        next(0);
        near(out.cp.low_mv, -f.high_mv, 100);
        near(out.cp.high_mv, f.high_mv, 100);
    }
}

static void steady_levels(void **state)
{
    (void)state;
    start();
    next(0);
    near(out.cp.high_mv, 12000, 50);
    assert_int_equal(out.cp.n_high, 100);
    assert_int_equal(out.cp.n_low, 0);
    f.duty_bp = 0;
    next(0);
    near(out.cp.low_mv, -12000, 50);
    assert_int_equal(out.cp.n_high, 0);
    assert_int_equal(out.cp.n_above, 0);
    f.duty_bp = 5000;
    frames_pilot(&f, 'E', true);
    next(0);
    near(out.cp.high_mv, 0, 50);
    assert_int_equal(out.cp.n_low, 0);
}

static void slow_edges_do_not_pull_the_level(void **state)
{
    (void)state;
    start();
    f.edge_us = 4; /* 10 % to 90 % in 9 us, near what the standard allows */
    f.duty_bp = 1000;
    frames_pilot(&f, 'C', true);
    for (int n = 0; n < 200; n++) {
        next(0);
        near(out.cp.high_mv, 6000, 250);
    }
}

static void a_change_in_mid_frame_shows_the_longer_part(void **state)
{
    (void)state;
    for (int part = 1; part < 10; part++) {
        start();
        f.duty_bp = 5000;
        frames_pilot(&f, 'C', true);
        next(0);
        f.event_us = f.t_us + part * 484;
        f.event_high_mv = 9000;
        f.event_low_mv = -12000;
        next(0);
        if (part < 4)
            near(out.cp.high_mv, 9000, 50);
        if (part > 6)
            near(out.cp.high_mv, 6000, 50);
        assert_true(abs(out.cp.high_mv - 6000) < 50 || abs(out.cp.high_mv - 9000) < 50);
    }
}

static void unipolar_front_end(void **state)
{
    (void)state;
    frames_init(&f);
    f.cfg.cp_bipolar = false;
    f.cfg.cp_zero_dmv = -3029;
    f.cfg.cp_gain_q16 = 28127;
    sense_init(&s, &f.cfg);
    f.duty_bp = 2666;
    f.noise_mv = 5;
    for (char letter = 'A'; letter <= 'D'; letter++) {
        frames_pilot(&f, letter, true);
        next(0);
        near(out.cp.high_mv, f.high_mv, 100);
        assert_true(abs(out.cp.n_above * 100 - 2666) < 700);
    }
    frames_pilot(&f, 'E', true);
    next(0);
    assert_int_equal(out.cp.n_high, 0);
}

static void rubbish_is_told_and_harmless(void **state)
{
    (void)state;
    start();
    uint16_t raw[300];
    for (int i = 0; i < 300; i++)
        raw[i] = 0xF000; /* a channel that does not exist */
    sense_frame_read(&s, raw, 300, 1, 0, 0, &out);
    assert_int_equal(out.samples, SENSE_FRAME_MAX);
    assert_int_equal(out.foreign, SENSE_FRAME_MAX);
    assert_int_equal(out.cp.n_high + out.cp.n_low, 0);
    sense_frame_read(&s, NULL, 0, 2, 0, 0, &out);
    assert_int_equal(out.samples, 0);
    assert_int_equal(out.seq, 1);
    for (int i = 0; i < 300; i++)
        raw[i] = (uint16_t)(3 << 12 | 0xFFF); /* one wave only: more than there is room for */
    sense_frame_read(&s, raw, 300, 3, 0, 0, &out);
    assert_int_equal(out.n[0], SENSE_SLOTS_MAX);
    assert_int_equal(out.dmv[0][0], 4095 * 1650 / 256);
    srand(1);
    for (int n = 0; n < 200; n++) {
        for (int i = 0; i < 300; i++)
            raw[i] = (uint16_t)rand();
        sense_frame_read(&s, raw, 300, 4, 0, (uint8_t)rand(), &out);
        assert_true(out.mux <= 1);
    }
}

static void the_curve_is_interpolated(void **state)
{
    (void)state;
    struct sense_cfg cfg;
    sense_cfg_default(&cfg);
    for (int i = 0; i < SENSE_CURVE_POINTS; i++)
        cfg.curve_dmv[i] = (int16_t)(1420 + i * 1900 - i * i * 5);
    sense_init(&s, &cfg);
    for (int raw = 0; raw < 4096; raw += 37) {
        uint16_t word = (uint16_t)(3 << 12 | raw);
        sense_frame_read(&s, &word, 1, 1, 0, 0, &out);
        double x = raw / 256.0, want = 1420 + x * 1900 - x * x * 5;
        near(out.dmv[0][0], (int32_t)want, 4);
    }
    /* A curve of the kind that a broken calibration gives must not overflow anything. */
    for (int i = 0; i < SENSE_CURVE_POINTS; i++)
        cfg.curve_dmv[i] = i % 2 ? INT16_MAX : INT16_MIN;
    cfg.cp_gain_q16 = INT32_MAX;
    cfg.cp_zero_dmv = INT16_MIN;
    sense_init(&s, &cfg);
    for (int raw = 0; raw < 4096; raw++) {
        uint16_t word = (uint16_t)raw;
        sense_frame_read(&s, &word, 1, 1, 0, 0, &out);
    }
}

static void the_switch_and_its_settling(void **state)
{
    (void)state;
    start();
    next(0);
    assert_int_equal(out.mux, 0);
    assert_false(out.mux_settling);
    next(1); /* asked for now: stands there from the next frame on */
    assert_int_equal(out.mux, 0);
    assert_int_equal(s.mux, 1);
    next(1);
    assert_int_equal(out.mux, 1);
    assert_true(out.mux_settling);
    next(1);
    assert_int_equal(out.mux, 1);
    assert_false(out.mux_settling);
    near(out.dmv[4][0], 7930, 10); /* PP */
    assert_int_equal(out.inputs, 0x15);
    assert_int_equal(out.seq, 3);
    for (int w = 0; w < SENSE_WAVES; w++) {
        assert_int_equal(out.n[w], 20);
        assert_int_equal(out.first[w], 2 * w + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_every_state_and_duty),
        cmocka_unit_test(a_missing_diode_mirrors_the_level),
        cmocka_unit_test(steady_levels),
        cmocka_unit_test(slow_edges_do_not_pull_the_level),
        cmocka_unit_test(a_change_in_mid_frame_shows_the_longer_part),
        cmocka_unit_test(unipolar_front_end),
        cmocka_unit_test(rubbish_is_told_and_harmless),
        cmocka_unit_test(the_curve_is_interpolated),
        cmocka_unit_test(the_switch_and_its_settling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
