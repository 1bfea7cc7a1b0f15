/* pilot: the standard's tables of duty and level, debounce, diode and read-back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/pilot.h"
#include "tests/core/frames.h"

static struct frames f;
static struct sense s;
static struct pilot p;
static int changes;

static void feed(int frames)
{
    for (int i = 0; i < frames; i++) {
        uint16_t raw[SENSE_FRAME_LEN];
        uint64_t end_us;
        struct sense_frame out;
        size_t n = frames_next(&f, raw, &end_us);
        sense_frame_read(&s, raw, n, end_us, 0, 0, &out);
        changes += pilot_on_frame(&p, &out);
    }
}

static void start(void)
{
    frames_init(&f);
    f.noise_mv = 5;
    sense_init(&s, &f.cfg);
    pilot_init(&p, true);
    changes = 0;
    feed(20);
    assert_int_equal(p.letter, 'A');
    changes = 0;
}

static void drive(uint16_t bp)
{
    f.duty_bp = bp;
    pilot_driven(&p, bp);
}

static void duty_from_current(void **state)
{
    (void)state;
    static const struct {
        int32_t ma;
        double percent;
    } table[] = {{6000, 10},      {10000, 16.667}, {13000, 21.667}, {16000, 26.667},
                 {20000, 33.333}, {25000, 41.667}, {32000, 53.333}, {40000, 66.667},
                 {51000, 85},     {52000, 84.8},   {63000, 89.2},   {80000, 96}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_true(abs((int)(table[i].percent * 100 + 0.5) - pilot_duty_of_ma(table[i].ma)) <=
                    1); /* 0.1 us */
    for (int32_t ma = 6000; ma <= 80000; ma++) {
        double percent = ma <= 51000 ? ma / 600.0 : ma / 2500.0 + 64;
        double high_us = percent * 10, is_us = pilot_duty_of_ma(ma) / 10.0;
        assert_true(is_us <= high_us + 1e-9 && high_us - is_us <= 0.1 + 1e-9); /* never more than was meant */
    }
    assert_int_equal(pilot_duty_of_ma(5999), PILOT_STEADY);
    assert_int_equal(pilot_duty_of_ma(0), PILOT_STEADY);
    assert_int_equal(pilot_duty_of_ma(-5), PILOT_STEADY);
    assert_int_equal(pilot_duty_of_ma(100000), 9600);
}

static void current_from_duty(void **state)
{
    (void)state;
    static const struct {
        uint16_t bp;
        int32_t ma;
    } table[] = {{0, 0},        {500, 0},      {799, 0},      {800, 6000},   {999, 6000},
                 {1000, 6000},  {2666, 15996}, {8500, 51000}, {8501, 52525}, {9600, 80000},
                 {9650, 80000}, {9700, 80000}, {9701, 0},     {10000, 0}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(pilot_ma_of_duty(table[i].bp), table[i].ma);
    /* What a car makes of it is what was meant, or less: by 6 mA below 51 A, by 25 mA (or, where the two
     * lines of the table overlap, by 2.9 %) above. */
    for (int32_t ma = 6000; ma <= 80000; ma++) {
        int32_t car = pilot_ma_of_duty(pilot_duty_of_ma(ma));
        assert_true(car <= ma && ma - car <= (ma <= 51000 ? 6 : ma <= 52525 ? ma / 34 : 25));
    }
}

static void windows(void **state)
{
    (void)state;
    static const struct {
        int32_t mv;
        char letter;
    } table[] = {{12600, 'A'}, {11400, 'A'}, {9560, 'B'}, {8360, 'B'}, {6490, 'C'},  {5480, 'C'},
                 {3250, 'D'},  {2620, 'D'},  {0, 'E'},    {-400, 'E'}, {13000, '?'}, {10480, '?'},
                 {7400, '?'},  {4300, '?'},  {1500, '?'}, {-2000, '?'}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(pilot_letter(table[i].mv, '?'), table[i].letter);
    /* What is held already has the wider window, and no two windows overlap even so. */
    assert_int_equal(pilot_letter(6800, 'C'), 'C');
    assert_int_equal(pilot_letter(6800, 'B'), '?');
    assert_int_equal(pilot_letter(8000, 'B'), 'B');
    assert_int_equal(pilot_letter(8000, 'C'), '?');
    for (int32_t mv = -16000; mv < 16000; mv += 10)
        for (const char *held = "ABCDE"; *held; held++) {
            char now = pilot_letter(mv, *held), fresh = pilot_letter(mv, '?');
            assert_true(now == fresh || fresh == '?');
        }
}

static void letters_from_frames(void **state)
{
    (void)state;
    start();
    static const uint16_t duties[] = {10000, 1000, 2666, 5333, 8500};
    for (size_t d = 0; d < sizeof duties / sizeof duties[0]; d++)
        for (const char *letter = "BCDCBEA"; *letter; letter++) {
            drive(duties[d]);
            frames_pilot(&f, *letter, true);
            feed(10);
            assert_int_equal(p.letter, *letter);
            feed(30);
            assert_true(abs(p.high_mv - f.high_mv) < 150);
        }
    drive(0);
    feed(10);
    assert_int_equal(p.letter, 'F');
}

static void debounce(void **state)
{
    (void)state;
    start();
    drive(2666);
    frames_pilot(&f, 'B', true);
    feed(3);
    assert_int_equal(p.letter, 'A');
    feed(1);
    assert_int_equal(p.letter, 'B');
    feed(10);
    double at_us = f.t_us;
    frames_pilot(&f, 'C', true);
    feed(10);
    assert_int_equal(p.letter, 'C');
    assert_true(abs((int)(p.changed_us - (uint64_t)at_us)) < 100); /* when the first of the frames began */
    frames_pilot(&f, 'B', true);
    feed(1);
    assert_int_equal(p.letter, 'C');
    frames_pilot(&f, 'C', true);
    feed(1);
    frames_pilot(&f, 'B', true);
    feed(2); /* leaving C is believed as fast as the guard does */
    assert_int_equal(p.letter, 'B');
    changes = 0;
    f.high_mv = 7400; /* in no window */
    feed(11);
    assert_int_equal(changes, 0);
    feed(1);
    assert_int_equal(p.letter, '?');
    assert_int_equal(changes, 1);
}

static void diode(void **state)
{
    (void)state;
    start();
    drive(2666);
    feed(20);
    assert_false(p.diode_seen); /* without a car -12 V says nothing */
    frames_pilot(&f, 'B', true);
    feed(20);
    assert_true(p.diode_seen);
    frames_pilot(&f, 'A', true);
    feed(20);
    assert_false(p.diode_seen);
    for (const char *letter = "BCD"; *letter; letter++) {
        start();
        drive(2666);
        frames_pilot(&f, *letter, false);
        feed(20);
        assert_false(p.diode_seen);
        assert_true(pilot_diode_missing(&p));
    }
    start();
    frames_pilot(&f, 'B', false); /* steady: nothing can be seen */
    feed(50);
    assert_false(p.diode_seen);
    assert_false(pilot_diode_missing(&p));
}

static void read_back(void **state)
{
    (void)state;
    static const double rates[] = {41300, 41300 * 1.02, 41300 * 0.97, 41123};
    static const uint16_t duties[] = {10000, 1000, 1666, 2666, 4166, 5333, 8500, 9600};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++)
        for (size_t d = 0; d < sizeof duties / sizeof duties[0]; d++) {
            start();
            f.rate_hz = rates[r];
            frames_pilot(&f, 'C', true);
            feed(10);
            drive(duties[d]);
            feed(100);
            assert_true(p.read_valid);
            assert_true(abs(p.read_bp - duties[d]) <= 60);
            assert_false(pilot_driver_fault(&p));
        }
    /* Samples that fall on the same places again and again: coarse, but no false alarm. */
    start();
    f.rate_hz = 42000;
    frames_pilot(&f, 'C', true);
    feed(10);
    drive(5333);
    feed(500);
    assert_false(pilot_driver_fault(&p));
}

static void driver_faults(void **state)
{
    (void)state;
    start();
    frames_pilot(&f, 'B', true);
    drive(2666);
    feed(20);
    f.duty_bp = 3000; /* 33 us too long */
    feed(130);
    assert_true(pilot_driver_fault(&p));
    start();
    pilot_driven(&p, 2666); /* does not follow at all */
    feed(130);
    assert_true(pilot_driver_fault(&p));
    start();
    frames_pilot(&f, 'E', true); /* a short hides the driver */
    pilot_driven(&p, 2666);
    feed(300);
    assert_false(pilot_driver_fault(&p));
}

static void unipolar(void **state)
{
    (void)state;
    frames_init(&f);
    f.cfg.cp_bipolar = false;
    f.cfg.cp_zero_dmv = -3029;
    f.cfg.cp_gain_q16 = 28127;
    f.noise_mv = 5;
    sense_init(&s, &f.cfg);
    pilot_init(&p, false);
    feed(20);
    assert_int_equal(p.letter, 'A');
    drive(2666);
    for (const char *letter = "BCDEB"; *letter; letter++) {
        frames_pilot(&f, *letter, true);
        feed(20);
        assert_int_equal(p.letter, *letter);
    }
    feed(100);
    assert_true(abs(p.read_bp - 2666) < 60);
    assert_false(p.diode_seen);
    assert_false(pilot_diode_missing(&p));
    drive(0);
    feed(20);
    assert_int_equal(p.letter, 'F');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duty_from_current), cmocka_unit_test(current_from_duty),
        cmocka_unit_test(windows),           cmocka_unit_test(letters_from_frames),
        cmocka_unit_test(debounce),          cmocka_unit_test(diode),
        cmocka_unit_test(read_back),         cmocka_unit_test(driver_faults),
        cmocka_unit_test(unipolar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
