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

/* ---- words by hand: 1 mV of CP for each 0.1 mV at the pin ---- */

static void level_cfg(bool bipolar)
{
    struct sense_cfg cfg;
    sense_cfg_default(&cfg);
    for (int i = 0; i < SENSE_CURVE_POINTS; i++)
        cfg.curve_dmv[i] = (int16_t)(i * 1600);
    cfg.cp_bipolar = bipolar;
    cfg.cp_zero_dmv = 0;
    cfg.cp_gain_q16 = 65536;
    sense_init(&s, &cfg);
}

/* n samples of the pilot at this level each. */
static void levels(const int32_t *mv, const int *n, int kinds)
{
    uint16_t raw[SENSE_FRAME_MAX];
    size_t len = 0;
    for (int k = 0; k < kinds; k++)
        for (int i = 0; i < n[k]; i++)
            raw[len++] = (uint16_t)((mv[k] + s.cfg.cp_zero_dmv) * 256 / 1600);
    sense_frame_read(&s, raw, len, 1, 0, 0, &out);
}

static void one_level(int32_t mv)
{
    /* A step of the converter is 6.25 mV here: the zero takes what it can't show. */
    int32_t rest = ((25000 - mv) % 25 + 25) % 25;
    uint16_t raw[100];
    int32_t dmv = mv + rest + 10000;
    s.cfg.cp_zero_dmv = (int16_t)(10000 + rest);
    for (int i = 0; i < 100; i++)
        raw[i] = (uint16_t)(dmv * 256 / 1600);
    sense_frame_read(&s, raw, 100, 1, 0, 0, &out);
}

static void the_line_between_the_phases(void **state)
{
    (void)state;
    level_cfg(true);
    one_level(-1536);
    assert_int_equal(out.cp.n_above, 100);
    assert_int_equal(out.cp.n_high, 100);
    assert_int_equal(out.cp.high_mv, -1536);
    one_level(-1537);
    assert_int_equal(out.cp.n_above, 0);
    assert_int_equal(out.cp.n_high, 0);
    assert_int_equal(out.cp.n_low, 100);
    assert_int_equal(out.cp.low_mv, -1537);
    level_cfg(false);
    one_level(2304);
    assert_int_equal(out.cp.n_above, 100);
    assert_int_equal(out.cp.n_high, 100);
    one_level(2303);
    assert_int_equal(out.cp.n_above, 0);
    assert_int_equal(out.cp.n_high, 0);
}

/* What is beyond ±16.38 V is shown as that, and is as clean in the next frame. */
static void levels_are_clipped(void **state)
{
    (void)state;
    level_cfg(true);
    s.cfg.cp_gain_q16 = 8 * 65536 - 1;
    for (int k = 0; k < 3; k++) {
        one_level(9000);
        assert_int_equal(out.cp.high_mv, 16383);
        assert_int_equal(out.cp.n_high, 100);
        one_level(-9000);
        assert_int_equal(out.cp.low_mv, -16383);
        assert_int_equal(out.cp.n_low, 100);
        assert_int_equal(out.cp.n_above, 0);
    }
    s.cfg.cp_gain_q16 = 2 * 65536;
    one_level(8000);
    assert_int_equal(out.cp.high_mv, 16000);
    one_level(-8000);
    assert_int_equal(out.cp.low_mv, -16000);
}

/* A level with its noise lies within 1 V; what is further away is another level. */
static void a_level_is_a_volt_wide(void **state)
{
    (void)state;
    level_cfg(true);
    s.cfg.cp_zero_dmv = 3200;
    const int32_t near_mv[] = {6150, 6410, 6670, 6930}, far_mv[] = {6150, 7200};
    const int four[] = {20, 20, 20, 20}, two[] = {30, 20}, back[] = {20, 30};
    levels(near_mv, four, 4); /* 6144 to 7168 */
    assert_int_equal(out.cp.n_high, 80);
    near(out.cp.high_mv, 6540, 10);
    assert_int_equal(out.cp.n_edge, 0);
    levels(far_mv, two, 2);
    assert_int_equal(out.cp.n_high, 30);
    near(out.cp.high_mv, 6150, 10);
    assert_int_equal(out.cp.n_edge, 20);
    const int32_t line_mv[] = {-1500, 6150}; /* also what is just above the line */
    levels(line_mv, back, 2);
    assert_int_equal(out.cp.n_high, 30);
    near(out.cp.high_mv, 6150, 10);
    levels(far_mv, back, 2);
    assert_int_equal(out.cp.n_high, 30);
    near(out.cp.high_mv, 7200, 10);
}

static void defaults_of_the_board(void **state)
{
    (void)state;
    /* docs/hardware.md: CP on GPIO 36, I1 39, I2 34, I3 35, the switched pins 32 and 33; ADC1's channels are
     * 36 0, 37 1, 38 2, 39 3, 32 4, 33 5, 34 6, 35 7. */
    static const uint8_t channel_of_gpio[] = {4, 5, 6, 7, 0, 1, 2, 3}; /* 32 to 39 */
    static const uint8_t gpio[SENSE_SIGNALS] = {36, 39, 34, 35, 32, 33};
    struct sense_cfg cfg;
    memset(&cfg, 0xA5, sizeof cfg);
    sense_cfg_default(&cfg);
    for (int i = 0; i < SENSE_SIGNALS; i++)
        assert_int_equal(cfg.channel_of[i], channel_of_gpio[gpio[i] - 32]);
    for (int i = 0; i < SENSE_CURVE_POINTS; i++) /* 12 bits of 2.64 V */
        assert_int_equal(cfg.curve_dmv[i], i * 26400 / 16);
    /* 87.3 mV per volt: 1.14548 mV of CP per 0.1 mV */
    assert_int_equal(cfg.cp_gain_q16, (int32_t)(1000 / 873.0 * 65536 + 0.5));
    /* A gain that no calibration gives is cut, whatever it is; 0 shows nothing at all. */
    static const int32_t gain[][2] = {
        {INT32_MIN, 524287}, {-1, 524287},     {0, 0},           {1, 1},
        {524286, 524286},    {524287, 524287}, {524288, 524287}, {INT32_MAX, 524287}};
    for (size_t i = 0; i < sizeof gain / sizeof gain[0]; i++) {
        cfg.cp_gain_q16 = gain[i][0];
        sense_init(&s, &cfg);
        assert_int_equal(s.cfg.cp_gain_q16, gain[i][1]);
    }
    /* A channel that nobody has is foreign, also the first; and a clean frame after it is clean. */
    sense_cfg_default(&cfg);
    cfg.channel_of[SENSE_CP] = 1;
    sense_init(&s, &cfg);
    const uint16_t words[2] = {0x0800, 0x1800};
    sense_frame_read(&s, words, 2, 1, 0, 0, &out);
    assert_int_equal(out.foreign, 1);
    assert_int_equal(out.cp.n_high + out.cp.n_low, 1);
    sense_frame_read(&s, words + 1, 1, 1, 0, 0, &out);
    assert_int_equal(out.foreign, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_between_the_phases),
        cmocka_unit_test(levels_are_clipped),
        cmocka_unit_test(a_level_is_a_volt_wide),
        cmocka_unit_test(defaults_of_the_board),
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
