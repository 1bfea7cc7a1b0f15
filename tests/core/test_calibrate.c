/* Zero and gain from two points, and the points that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/calibrate.h"

enum { CP_ZERO = 13000, CP_GAIN = 75070 }; /* sense_cfg_default */

static void test_pilot(void **state)
{
    (void)state;
    for (int zero = 12500; zero <= 13500; zero += 250)
        for (int gain = 68000; gain <= 82000; gain += 1000) {
            struct calibrate_cp_point p[2];
            int32_t swing = (int32_t)(12000LL * 65536 / gain), pin[2] = {zero + swing, zero - swing};
            for (int k = 0; k < 2; k++)
                p[k] =
                    (struct calibrate_cp_point){pin[k], (int32_t)((int64_t)(pin[k] - zero) * gain / 65536)};
            int16_t z = 0;
            int32_t g = 0;
            assert_int_equal(calibrate_cp(p, CP_ZERO, CP_GAIN, &z, &g), CALIBRATE_OK);
            assert_in_range(z, zero - 2, zero + 2);
            assert_in_range(g, gain - 8, gain + 8); /* 1 mV of 24 V is 3 of gain, 0.1 mV at the pin as much */
            struct calibrate_cp_point turned[2] = {p[1], p[0]};
            assert_int_equal(calibrate_cp(turned, CP_ZERO, CP_GAIN, &z, &g), CALIBRATE_OK);
            assert_in_range(z, zero - 2, zero + 2);
        }
}

static void test_pilot_points_refused(void **state)
{
    (void)state;
    static const struct {
        struct calibrate_cp_point p[2];
        enum calibrate_err err;
    } rows[] = {
        {{{23476, 12000}, {23476, -12000}}, CALIBRATE_ERR_CLOSE},
        {{{23476, 12000}, {20000, 8000}}, CALIBRATE_ERR_CLOSE},
        {{{2524, 12000}, {23476, -12000}}, CALIBRATE_ERR_GAIN}, /* the wrong way round */
        {{{20000, 12000}, {6000, -12000}}, CALIBRATE_ERR_GAIN},
        {{{25476, 12000}, {4524, -12000}}, CALIBRATE_ERR_ZERO},
        {{{INT32_MAX, INT32_MAX}, {INT32_MIN, INT32_MIN}}, CALIBRATE_ERR_ZERO},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int16_t z = 77;
        int32_t g = 88;
        assert_int_equal(calibrate_cp(rows[k].p, CP_ZERO, CP_GAIN, &z, &g), rows[k].err);
        assert_int_equal(z, 77);
        assert_int_equal(g, 88);
    }
}

static void test_waves(void **state)
{
    (void)state;
    for (int ppm = 860000; ppm <= 1140000; ppm += 20000) {
        struct calibrate_wave_point i[2] = {{0, 2000, 12800}, {0, 30000, 12810}};
        struct calibrate_wave_point v[2] = {{0, 210000, 13100}, {0, 245000, 13102}};
        for (int k = 0; k < 2; k++) {
            i[k].pin_uv = (int32_t)((int64_t)i[k].truth * 18 * 1000000 / ppm);
            v[k].pin_uv = (int32_t)((int64_t)v[k].truth * 2800 * 1000 / ppm);
        }
        int32_t zero = 0, gain = 0;
        assert_int_equal(calibrate_current(i, &zero, &gain), CALIBRATE_OK);
        assert_in_range(zero, 12805, 12805);
        assert_in_range(gain, ppm - 30, ppm + 30);
        assert_int_equal(calibrate_voltage(v, &zero, &gain), CALIBRATE_OK);
        assert_in_range(zero, 13101, 13101);
        assert_in_range(gain, ppm - 5, ppm + 5);
    }
    /* points that differ a little: the error is the same at both */
    struct calibrate_wave_point i[2] = {{36180, 2000, 13000}, {537300, 30000, 13000}};
    int32_t zero, gain;
    assert_int_equal(calibrate_current(i, &zero, &gain), CALIBRATE_OK);
    assert_in_range(gain, 1000000 - 200, 1000000 + 200);
}

static void test_wave_points_refused(void **state)
{
    (void)state;
    static const struct {
        struct calibrate_wave_point p[2];
        enum calibrate_err err;
    } rows[] = {
        {{{1800, 100, 13000}, {540000, 30000, 13000}}, CALIBRATE_ERR_CLOSE},
        {{{36000, 2000, 13000}, {0, 30000, 13000}}, CALIBRATE_ERR_CLOSE},
        {{{36000, -2000, 13000}, {540000, 30000, 13000}}, CALIBRATE_ERR_CLOSE},
        {{{72000, 2000, 13000}, {1080000, 30000, 13000}}, CALIBRATE_ERR_GAIN}, /* another transformer */
        {{{36000, 2000, 13000}, {560000, 30000, 13000}}, CALIBRATE_ERR_UNEVEN},
        {{{36000, 2000, 10000}, {540000, 30000, 10000}}, CALIBRATE_ERR_ZERO},
        {{{1, INT32_MAX, INT32_MAX}, {1, INT32_MAX, INT32_MAX}}, CALIBRATE_ERR_GAIN},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        int32_t zero = 77, gain = 88;
        assert_int_equal(calibrate_current(rows[k].p, &zero, &gain), rows[k].err);
        assert_int_equal(zero, 77);
        assert_int_equal(gain, 88);
    }
}

static void test_delay(void **state)
{
    (void)state;
    int32_t us = 5;
    assert_int_equal(calibrate_delay(123499, &us), CALIBRATE_OK);
    assert_int_equal(us, 123);
    assert_int_equal(calibrate_delay(-60501, &us), CALIBRATE_OK);
    assert_int_equal(us, -61);
    assert_int_equal(calibrate_delay(3333000, &us),
                     CALIBRATE_ERR_ZERO); /* 60°: not a heater, or the wrong phase */
    assert_int_equal(us, -61);
}

static void test_each_error_has_a_text(void **state)
{
    (void)state;
    for (int e = CALIBRATE_ERR_UNEVEN; e <= CALIBRATE_OK; e++)
        assert_string_not_equal(calibrate_err_text((enum calibrate_err)e), "unknown");
}

/* ---- the bounds themselves ---- */

static enum calibrate_err current_of(int32_t truth_0, int32_t truth_1, int32_t mean_dmv)
{
    /* 18 mV per ampere: 1000 mA are 18,000 uV, so that each milliampere more is 1000 ppm of gain */
    const struct calibrate_wave_point p[2] = {{18000, truth_0, mean_dmv}, {18000, truth_1, mean_dmv}};
    int32_t zero, gain;
    return calibrate_current(p, &zero, &gain);
}

static void test_wave_bounds(void **state)
{
    (void)state;
    /* parts are within 15 % */
    assert_int_equal(current_of(1150, 1150, 13000), CALIBRATE_OK);
    assert_int_equal(current_of(1151, 1151, 13000), CALIBRATE_ERR_GAIN);
    assert_int_equal(current_of(850, 850, 13000), CALIBRATE_OK);
    assert_int_equal(current_of(849, 849, 13000), CALIBRATE_ERR_GAIN);
    /* the two points agree within 2 % */
    assert_int_equal(current_of(1010, 990, 13000), CALIBRATE_OK);
    assert_int_equal(current_of(990, 1010, 13000), CALIBRATE_OK);
    assert_int_equal(current_of(1010, 989, 13000), CALIBRATE_ERR_UNEVEN);
    assert_int_equal(current_of(989, 1010, 13000), CALIBRATE_ERR_UNEVEN);
    /* the bias of 1300 mV is within 150 mV */
    assert_int_equal(current_of(1000, 1000, 14500), CALIBRATE_OK);
    assert_int_equal(current_of(1000, 1000, 14501), CALIBRATE_ERR_ZERO);
    assert_int_equal(current_of(1000, 1000, 11500), CALIBRATE_OK);
    assert_int_equal(current_of(1000, 1000, 11499), CALIBRATE_ERR_ZERO);
    /* at least 0.5 A and 50 V */
    int32_t zero, gain;
    struct calibrate_wave_point i[2] = {{9000, 500, 13000}, {18000, 1000, 13000}};
    assert_int_equal(calibrate_current(i, &zero, &gain), CALIBRATE_OK);
    i[0].truth = 499;
    assert_int_equal(calibrate_current(i, &zero, &gain), CALIBRATE_ERR_CLOSE);
    struct calibrate_wave_point v[2] = {{280000, 100000, 13000}, {140000, 50000, 13000}};
    assert_int_equal(calibrate_voltage(v, &zero, &gain), CALIBRATE_OK);
    v[1].truth = 49999;
    assert_int_equal(calibrate_voltage(v, &zero, &gain), CALIBRATE_ERR_CLOSE);
    /* what metering can shift: 1.5 ms */
    int32_t us = 0;
    assert_int_equal(calibrate_delay(1500000, &us), CALIBRATE_OK);
    assert_int_equal(us, 1500);
    assert_int_equal(calibrate_delay(-1500000, &us), CALIBRATE_OK);
    assert_int_equal(calibrate_delay(1500001, &us), CALIBRATE_ERR_ZERO);
    assert_int_equal(calibrate_delay(-1500001, &us), CALIBRATE_ERR_ZERO);
}

static enum calibrate_err pilot_of(int32_t pin_0, int32_t cp_0, int32_t pin_1, int32_t cp_1,
                                   int32_t nominal_dmv, int32_t nominal_q16)
{
    const struct calibrate_cp_point p[2] = {{pin_0, cp_0}, {pin_1, cp_1}}, turned[2] = {p[1], p[0]};
    int16_t z[2] = {0, 0};
    int32_t g[2] = {0, 0};
    enum calibrate_err e = calibrate_cp(p, nominal_dmv, nominal_q16, &z[0], &g[0]);
    assert_int_equal(calibrate_cp(turned, nominal_dmv, nominal_q16, &z[1], &g[1]),
                     e); /* the order says nothing */
    assert_int_equal(g[0], g[1]);
    return e;
}

static void test_pilot_bounds(void **state)
{
    (void)state;
    /* two points are 5 V apart at least */
    assert_int_equal(pilot_of(0, 0, 5000, 5000, 0, 65536), CALIBRATE_OK);
    assert_int_equal(pilot_of(0, 0, 4999, 4999, 0, 65536), CALIBRATE_ERR_CLOSE);
    /* 15 % of gain */
    assert_int_equal(pilot_of(0, 0, 65536, 115000, 0, 100000), CALIBRATE_OK);
    assert_int_equal(pilot_of(0, 0, 65536, 115001, 0, 100000), CALIBRATE_ERR_GAIN);
    assert_int_equal(pilot_of(0, 0, 65536, 85000, 0, 100000), CALIBRATE_OK);
    assert_int_equal(pilot_of(0, 0, 65536, 84999, 0, 100000), CALIBRATE_ERR_GAIN);
    /* 1.5 V of zero, and what fits */
    assert_int_equal(pilot_of(1500, 0, 67036, 65536, 0, 65536), CALIBRATE_OK);
    assert_int_equal(pilot_of(1501, 0, 67037, 65536, 0, 65536), CALIBRATE_ERR_ZERO);
    assert_int_equal(pilot_of(-1500, 0, 64036, 65536, 0, 65536), CALIBRATE_OK);
    assert_int_equal(pilot_of(-1501, 0, 64035, 65536, 0, 65536), CALIBRATE_ERR_ZERO);
    assert_int_equal(pilot_of(32767, 0, 98303, 65536, 32767, 65536), CALIBRATE_OK);
    assert_int_equal(pilot_of(32768, 0, 98304, 65536, 32768, 65536), CALIBRATE_ERR_ZERO);
    assert_int_equal(pilot_of(-32768, 0, 32768, 65536, -32768, 65536), CALIBRATE_OK);
    assert_int_equal(pilot_of(-32769, 0, 32767, 65536, -32769, 65536), CALIBRATE_ERR_ZERO);
    /* rounded to the nearest, whichever point comes first */
    for (int32_t pin = 20900; pin < 21000; pin++)
        (void)pilot_of(2524, -12000, 2524 + pin, 12000, 13000, 75070);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wave_bounds), cmocka_unit_test(test_pilot_bounds),
        cmocka_unit_test(test_pilot),       cmocka_unit_test(test_pilot_points_refused),
        cmocka_unit_test(test_waves),       cmocka_unit_test(test_wave_points_refused),
        cmocka_unit_test(test_delay),       cmocka_unit_test(test_each_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
