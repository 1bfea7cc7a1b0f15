/* The front ends and the converter: what stands in the raw words, with and without the chip's faults. */
#include "bed.h"

#include <math.h>
#include <stdlib.h>

static void words_carry_the_pattern(void **state)
{
    (void)state;
    static const unsigned pattern[] = {0, 3, 0, 6, 0, 7, 0, 4, 0, 5};
    for (int swapped = 0; swapped < 2; swapped++) {
        struct bed b;
        bed_cfg(&b);
        b.cfg.adc.swap_pairs = swapped;
        bed_start(&b, 1);
        for (int f = 0; f < 3; f++) {
            bed_frame(&b);
            assert_int_equal(b.n, WORLD_FRAME_LEN);
            for (size_t i = 0; i < b.n; i++)
                assert_int_equal(b.raw[i] >> 12, pattern[(swapped ? i ^ 1 : i) % 10]);
        }
        bed_stop(&b);
    }
}

static void a_pattern_goes_on_over_frames(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.pattern_len = 7;
    for (int i = 0; i < 7; i++)
        b.cfg.pattern[i] = (uint8_t)i;
    bed_start(&b, 1);
    for (size_t k = 0; k < 5 * WORLD_FRAME_LEN; k++) {
        if (k % WORLD_FRAME_LEN == 0)
            bed_frame(&b);
        assert_int_equal(b.raw[k % WORLD_FRAME_LEN] >> 12, k % 7);
    }
    bed_stop(&b);
}

static void true_rate(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.adc.rate_error = -0.013;
    bed_start(&b, 1);
    for (int f = 0; f < 2000; f++)
        bed_frame(&b);
    assert_near((double)b.end_us * 1e-6, 2000 * 200 / (41300 * (1 - 0.013)), 1e-5);
    world_faults(b.w)->adc_dead = true;
    uint64_t before = b.end_us;
    bed_frame(&b);
    assert_int_equal(b.n, 0);
    assert_near((double)(b.end_us - before), 200 / (41300 * (1 - 0.013)) * 1e6, 1.1);
    bed_stop(&b);
}

/* Mean and RMS around it of one channel over some frames, in pin mV. */
static void measure(struct bed *b, unsigned channel, int frames, double *mean, double *rms)
{
    double sum = 0, sq = 0;
    int n = 0;
    for (int f = 0; f < frames; f++) {
        bed_frame(b);
        for (size_t i = 0; i < b->n; i++)
            if (b->raw[i] >> 12 == channel) {
                double v = bed_mv(b, b->raw[i]);
                sum += v;
                sq += v * v;
                n++;
            }
    }
    assert_true(n > 0);
    *mean = sum / n;
    *rms = sqrt(sq / n - *mean * *mean);
}

static void currents_and_voltages_at_the_pins(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.mains.volt[0] = 225;
    b.cfg.mains.volt[1] = 230;
    b.cfg.mains.volt[2] = 240;
    b.cfg.adc.front_gain[WORLD_I2] = -1; /* transformer put in the wrong way round */
    bed_start(&b, 1);
    bed_charge(&b, 20);
    double mean, rms;
    /* 4130 conversions per second of each: 206.5 frames are one second, 413 two */
    measure(&b, 3, 413, &mean, &rms);
    assert_near(mean, 1300, 0.6);
    assert_near(rms, 20 * 18, 1);
    measure(&b, 7, 413, &mean, &rms);
    assert_near(rms, 20 * 18, 1);
    measure(&b, 4, 413, &mean, &rms);
    assert_near(mean, 1300, 0.6);
    assert_near(rms, 225 * 2.8, 1);
    measure(&b, 5, 413, &mean, &rms);
    assert_near(rms, 230 * 2.8, 1);
    world_set_mux(b.w, 1);
    bed_frame(&b);
    measure(&b, 4, 413, &mean, &rms);
    assert_near(rms, 240 * 2.8, 1);
    bed_stop(&b);
}

/* The signs of one instant: V1, I1 in phase, I2 turned round. */
static void a_reversed_transformer_turns_the_sign(void **state)
{
    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        struct bed b;
        bed_cfg(&b);
        b.cfg.car.power_factor = 1;
        b.cfg.adc.front_gain[WORLD_I1] = reversed ? -1 : 1;
        bed_start(&b, 1);
        bed_charge(&b, 20);
        double product = 0;
        for (int f = 0; f < 200; f++) {
            bed_frame(&b);
            double v = 0, i = 0;
            for (size_t k = 0; k < b.n; k++) {
                i = b.raw[k] >> 12 == 3 ? bed_mv(&b, b.raw[k]) - 1300 : i;
                if (b.raw[k] >> 12 == 4) {
                    v = bed_mv(&b, b.raw[k]) - 1300;
                    product += v * i;
                }
            }
        }
        assert_true(reversed ? product < 0 : product > 0);
        bed_stop(&b);
    }
}

static void the_switch_settles(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.adc.mux_settle_us = 300;
    bed_start(&b, 1);
    bed_run(&b, 0.1);
    world_set_mux(b.w, 1);
    bed_frame(&b);
    int off = 0, good = 0;
    for (size_t i = 9; i < b.n; i += 10) { /* M1: PP, 2482 mV with no cable */
        bool there = fabs(bed_mv(&b, b.raw[i]) - 2482.2) < 3;
        off += !there && i < 100;
        good += there && i >= 180;
    }
    assert_true(off >= 3);
    assert_true(good >= 2);
    bed_stop(&b);
}

static void unipolar_front_end_hides_the_low_half(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.adc.cp_bipolar = false;
    bed_start(&b, 1);
    double mean, rms;
    world_set_pilot(b.w, 10000);
    bed_run(&b, 0.01);
    measure(&b, 0, 1, &mean, &rms);
    assert_near(mean, 233 * (12 - 1.3), 2);
    world_set_pilot(b.w, 0);
    bed_run(&b, 0.01);
    measure(&b, 0, 1, &mean, &rms);
    assert_near(mean, 0, 1e-6);
    bed_stop(&b);
}

/* The chip is bad, its factory calibration knows it: what is left is small. */
static void factory_calibration_undoes_the_chip(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bed b;
        bed_cfg(&b);
        world_cfg_vary(&b.cfg, seed, 0);
        b.cfg.adc.cal_error_mv = 2;
        bed_start(&b, seed);
        double mean, rms;
        static const struct {
            double ohm, mv;
        } row[] = {{100, 434.1}, {220, 791.1}, {680, 1464.2}, {1500, 1888.5}};
        world_set_mux(b.w, 1);
        for (size_t i = 0; i < 4; i++) {
            world_cable(b.w, row[i].ohm);
            bed_run(&b, 0.01);
            measure(&b, 5, 50, &mean, &rms);
            assert_near(mean, row[i].mv, 5);
            assert_true(rms > 1 && rms < 8); /* noise is there */
        }
        bed_stop(&b);
    }
}

static void without_calibration_the_chip_is_off(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.adc.offset_mv = 25;
    b.cfg.adc.gain = 1.03;
    bed_start(&b, 1);
    world_set_mux(b.w, 1);
    bed_run(&b, 0.01);
    for (size_t i = 9; i < b.n; i += 10)
        assert_near((b.raw[i] & 0xfff) * 2640.0 / 4096, 2482.2 * 1.03 + 25, 1);
    bed_stop(&b);
}

static void curve_rises_and_reaches_full_scale(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    for (int i = 0; i < WORLD_CURVE_POINTS; i++)
        assert_near(b.curve[i], i * 1650, 1);
    bed_stop(&b);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        bed_cfg(&b);
        world_cfg_vary(&b.cfg, seed, 0.01);
        b.cfg.adc.cal_error_mv = 5;
        bed_start(&b, seed);
        for (int i = 1; i < WORLD_CURVE_POINTS; i++)
            assert_true(b.curve[i] > b.curve[i - 1] + 1000);
        for (int s = 0; s < WORLD_SIGNALS; s++) {
            assert_near(b.cfg.adc.front_gain[s], 1, 0.01);
            assert_near(b.cfg.adc.front_offset_mv[s], 0, 13);
        }
        bed_stop(&b);
    }
}

static void noise_has_its_size_and_the_ends_clip(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.adc.noise_mv = 6;
    bed_start(&b, 1);
    double mean, rms;
    measure(&b, 3, 500, &mean, &rms); /* no current: bias and noise alone */
    assert_near(mean, 1300, 0.5);
    assert_near(rms, 6, 0.3);
    world_adc(b.w)->front_offset_mv[WORLD_I1] = 1400;
    measure(&b, 3, 2, &mean, &rms);
    assert_near(mean, 2640 * 4095 / 4096.0, 0.1);
    world_adc(b.w)->front_offset_mv[WORLD_I1] = -1400;
    measure(&b, 3, 50, &mean, &rms);
    assert_true(mean >= 0 && mean < 6); /* half of the noise is cut off at 0 */
    bed_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_carry_the_pattern),
        cmocka_unit_test(a_pattern_goes_on_over_frames),
        cmocka_unit_test(true_rate),
        cmocka_unit_test(currents_and_voltages_at_the_pins),
        cmocka_unit_test(a_reversed_transformer_turns_the_sign),
        cmocka_unit_test(the_switch_settles),
        cmocka_unit_test(unipolar_front_end_hides_the_low_half),
        cmocka_unit_test(factory_calibration_undoes_the_chip),
        cmocka_unit_test(without_calibration_the_chip_is_off),
        cmocka_unit_test(curve_rises_and_reaches_full_scale),
        cmocka_unit_test(noise_has_its_size_and_the_ends_clip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
