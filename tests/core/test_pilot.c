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

/* ---- exact frames: what sense could say, by hand ---- */

static struct sense_frame by_hand;

static void hand_start(bool bipolar)
{
    pilot_init(&p, bipolar);
    by_hand = (struct sense_frame){.end_us = 1000000, .samples = 200};
    changes = 0;
}

/* n frames of these levels, `us` apart. */
static void hand(int n, int32_t high_mv, int high_n, int32_t low_mv, int low_n, uint32_t us)
{
    for (int i = 0; i < n; i++) {
        by_hand.cp.high_mv = high_mv;
        by_hand.cp.n_high = by_hand.cp.n_above = (uint16_t)high_n;
        by_hand.cp.low_mv = low_mv;
        by_hand.cp.n_low = (uint16_t)low_n;
        by_hand.cp.n_edge = 0;
        changes += pilot_on_frame(&p, &by_hand);
        by_hand.end_us += us;
    }
}

static void level(int n, int32_t high_mv)
{
    hand(n, high_mv, 50, -12000, 50, 4800);
}

/* IEC 61851-1 Table A.4, with 0.2 V of the station's own to enter a window and 0.4 V to stay in it. */
static void windows_to_the_millivolt(void **state)
{
    (void)state;
    static const struct {
        char letter;
        int32_t min_mv, max_mv;
    } w[] = {{'A', 11400, 12600}, {'B', 8360, 9560}, {'C', 5480, 6490}, {'D', 2620, 3250}, {'E', -500, 500}};
    for (size_t i = 0; i < sizeof w / sizeof w[0]; i++) {
        assert_int_equal(pilot_letter(w[i].min_mv - 200, '?'), w[i].letter);
        assert_int_equal(pilot_letter(w[i].min_mv - 201, '?'), '?');
        assert_int_equal(pilot_letter(w[i].max_mv + 200, '?'), w[i].letter);
        assert_int_equal(pilot_letter(w[i].max_mv + 201, '?'), '?');
        assert_int_equal(pilot_letter(w[i].min_mv - 400, w[i].letter), w[i].letter);
        assert_int_equal(pilot_letter(w[i].min_mv - 401, w[i].letter), '?');
        assert_int_equal(pilot_letter(w[i].max_mv + 400, w[i].letter), w[i].letter);
        assert_int_equal(pilot_letter(w[i].max_mv + 401, w[i].letter), '?');
    }
}

/* How many frames in a row must say it: 4 for any letter, 2 to leave C or D, 12 for none. */
static void frames_of_each_change(void **state)
{
    (void)state;
    static const struct {
        int32_t from_mv, to_mv;
        int frames;
    } c[] = {{12000, 9000, 4}, {9000, 6000, 4},  {9000, 12000, 4}, {6000, 9000, 2},
             {6000, 12000, 2}, {6000, 3000, 2},  {3000, 6000, 2},  {3000, 9000, 2},
             {0, 9000, 4},     {9000, 7500, 12}, {6000, 7500, 12}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        hand_start(true);
        level(3, c[i].from_mv);
        assert_int_equal(p.letter, '?');
        level(1, c[i].from_mv);
        assert_int_equal(p.letter, pilot_letter(c[i].from_mv, '?'));
        assert_int_equal(p.changed_us, 1000000); /* nothing is known of before the first frame */
        changes = 0;
        level(3, c[i].from_mv);
        uint64_t before_us = by_hand.end_us - 4800;
        level(c[i].frames - 1, c[i].to_mv);
        assert_int_equal(changes, 0);
        assert_int_equal(p.letter, pilot_letter(c[i].from_mv, '?'));
        level(1, c[i].to_mv);
        assert_int_equal(changes, 1);
        assert_int_equal(p.letter, pilot_letter(c[i].to_mv, '?'));
        assert_int_equal(p.changed_us, before_us); /* it came after the last frame that did not show it */
        level(5, c[i].to_mv);
        assert_int_equal(changes, 1);
    }
    hand_start(true); /* in a row: another letter in between begins anew */
    level(10, 12000);
    for (int i = 0; i < 10; i++) {
        level(3, 9000);
        level(1, i % 2 ? 12000 : 6000);
    }
    assert_int_equal(p.letter, 'A');
}

/* State F: -12 V throughout, within what a generator may give. Three samples say something, two do not. */
static void letters_without_a_high_phase(void **state)
{
    (void)state;
    static const struct {
        int high_n, low_n;
        int32_t low_mv;
        char letter;
    } c[] = {{0, 100, -12000, 'F'}, {2, 98, -12000, 'F'},  {3, 97, -12000, 'B'},  {0, 3, -12000, 'F'},
             {0, 2, -12000, '?'},   {0, 100, -13000, 'F'}, {0, 100, -13001, '?'}, {0, 100, -11000, 'F'},
             {0, 100, -10999, '?'}, {0, 0, -12000, '?'}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        hand_start(true);
        level(10, 12000);
        hand(12, 9000, c[i].high_n, c[i].low_mv, c[i].low_n, 4800);
        assert_int_equal(p.letter, c[i].letter);
    }
    /* Cut off below +1.9 V, a short and state F look alike; what is driven tells them apart. No samples are
     * neither. */
    hand_start(false);
    level(10, 12000);
    hand(12, 0, 2, -12000, 98, 4800);
    assert_int_equal(p.letter, 'E');
    pilot_driven(&p, PILOT_F);
    hand(12, 0, 0, 0, 0, 4800);
    assert_int_equal(p.letter, 'F');
    by_hand.foreign = by_hand.samples;
    hand(12, 0, 0, 0, 0, 4800);
    assert_int_equal(p.letter, '?');
}

/* The diode shows in the low phase: -12 V while a car's resistor is there and PWM runs; four frames in a row.
 */
static void diode_to_the_frame(void **state)
{
    (void)state;
    static const int32_t cars[] = {9000, 6000, 3000};
    for (size_t i = 0; i < sizeof cars / sizeof cars[0]; i++) {
        hand_start(true);
        hand(10, cars[i], 100, 0, 0, 4800); /* steady: nothing to be seen */
        hand(3, cars[i], 50, -12000, 50, 4800);
        assert_false(p.diode_seen);
        hand(1, cars[i], 50, -12000, 50, 4800);
        assert_true(p.diode_seen);
        hand(3, cars[i], 50, -cars[i], 50, 4800);
        assert_false(pilot_diode_missing(&p));
        hand(1, cars[i], 50, -cars[i], 50, 4800);
        assert_true(pilot_diode_missing(&p));
        hand(9, cars[i], 50, -cars[i], 50, 4800);
        assert_true(pilot_diode_missing(&p));
        assert_true(p.diode_seen); /* it was, with this car */
        hand(1, cars[i], 50, -12000, 50, 4800);
        assert_false(pilot_diode_missing(&p));
        for (int n = 0; n < 10; n++) { /* in a row */
            hand(3, cars[i], 50, -cars[i], 50, 4800);
            hand(1, cars[i], 50, -12000, 50, 4800);
            assert_false(pilot_diode_missing(&p));
        }
        hand(20, cars[i], 50, -12000, 50, 4800);
        assert_true(p.diode_seen);
        hand(3, 12000, 50, -12000, 50, 4800); /* going: neither for nor against */
        hand(1, 12000, 50, -12000, 50, 4800);
        assert_int_equal(p.letter, 'A');
        assert_false(p.diode_seen);
        assert_false(pilot_diode_missing(&p));
        hand(10, cars[i], 100, 0, 0, 4800); /* the next car is another */
        hand(3, cars[i], 50, -12000, 50, 4800);
        assert_false(p.diode_seen);
        hand(1, cars[i], 50, -cars[i], 50, 4800);
        hand(3, cars[i], 50, -12000, 50, 4800);
        assert_false(p.diode_seen);
        hand(1, cars[i], 50, -12000, 50, 4800);
        assert_true(p.diode_seen);
    }
    static const struct {
        int high_n, low_n;
        int32_t low_mv;
        bool seen, missing;
    } c[] = {{50, 50, -13000, true, false}, {50, 50, -13001, false, true}, {50, 50, -11000, true, false},
             {50, 50, -10999, false, true}, {98, 2, -12000, true, false},  {99, 1, -12000, false, false},
             {98, 2, -9000, false, true},   {99, 1, -9000, false, false},  {3, 97, -12000, true, false}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        hand_start(true);
        hand(10, 9000, 100, 0, 0, 4800);
        hand(4, 9000, c[i].high_n, c[i].low_mv, c[i].low_n, 4800);
        assert_int_equal(p.diode_seen, c[i].seen);
        assert_int_equal(pilot_diode_missing(&p), c[i].missing);
    }
    /* A frame on its way to another letter says nothing of the diode, nor does a short or an empty socket. */
    hand_start(true);
    hand(10, 9000, 100, 0, 0, 4800);
    for (int n = 0; n < 20; n++) {
        hand(1, 6000, 50, -6000, 50, 4800);
        hand(1, 9000, 100, 0, 0, 4800);
    }
    assert_false(pilot_diode_missing(&p));
    hand(20, 0, 50, 0, 50, 4800);
    assert_int_equal(p.letter, 'E');
    assert_false(pilot_diode_missing(&p));
    assert_false(p.diode_seen);
    hand(20, 0, 50, -12000, 50, 4800);
    assert_false(p.diode_seen);
    /* Another duty is another look; the same duty is none. */
    hand_start(true);
    hand(10, 9000, 100, 0, 0, 4800);
    hand(3, 9000, 50, -9000, 50, 4800);
    pilot_driven(&p, 5000);
    hand(3, 9000, 50, -9000, 50, 4800);
    assert_false(pilot_diode_missing(&p));
    pilot_driven(&p, 5000);
    hand(1, 9000, 50, -9000, 50, 4800);
    assert_true(pilot_diode_missing(&p));
    hand_start(false);
    hand(30, 9000, 50, -9000, 50, 4800);
    assert_false(p.diode_seen || pilot_diode_missing(&p));
}

/* A window of the read-back: 42 frames, of n_above of 100 samples each. */
static void window(int above, uint32_t us)
{
    hand(42, 9000, above, -12000, 100 - above, us);
}

static void read_back_to_the_frame(void **state)
{
    (void)state;
    hand_start(true);
    hand(3 + 41, 9000, 100, 0, 0, 4843); /* three to settle, 42 to count */
    assert_false(p.read_valid);
    hand(1, 9000, 100, 0, 0, 4843);
    assert_true(p.read_valid);
    assert_int_equal(p.read_bp, 10000);
    /* What has been counted before a change does not count after it. */
    hand(40, 9000, 100, 0, 0, 4843);
    pilot_driven(&p, 3000);
    assert_false(p.read_valid);
    hand(3, 9000, 100, 0, 0, 4843);
    hand(41, 9000, 30, -12000, 70, 4843);
    assert_false(p.read_valid);
    hand(1, 9000, 30, -12000, 70, 4843);
    assert_true(p.read_valid);
    assert_int_equal(p.read_bp, 3000);
    pilot_driven(&p, 3000); /* the same duty is no change */
    assert_true(p.read_valid);
    /* Rounded: 1261 of 4200 samples are 30.0238 %, 1264 are 30.0952 %, 1267 are 30.1667 %. */
    hand(41, 9000, 30, -12000, 70, 4843);
    hand(1, 9000, 31, -12000, 69, 4843);
    assert_int_equal(p.read_bp, 3002);
    hand(41, 9000, 30, -12000, 70, 4843);
    hand(1, 9000, 34, -12000, 66, 4843);
    assert_int_equal(p.read_bp, 3010);
    hand(41, 9000, 30, -12000, 70, 4843);
    hand(1, 9000, 37, -12000, 63, 4843);
    assert_int_equal(p.read_bp, 3017);
    /* No samples: no reading, and no fault by it. */
    pilot_driven(&p, 4000);
    hand(100, 0, 0, 0, 0, 4843);
    assert_false(p.read_valid);
}

/* ±5 µs is the generator's, the slope of the edges and the grain of the sampling the rest: 2 % in all; 7 %
 * where the samples fall on the same places of each period. Twice running. */
static bool wrong_after(uint16_t driven_bp, int above, uint32_t us, int windows_n)
{
    hand_start(true);
    level(10, 9000);
    pilot_driven(&p, driven_bp);
    hand(3, 9000, above, -12000, 100 - above, us);
    for (int i = 0; i < windows_n; i++)
        window(above, us);
    return pilot_driver_fault(&p);
}

static void driver_fault_to_the_tenth_of_a_microsecond(void **state)
{
    (void)state;
    enum { FREE_US = 4843, LOCKED_US = 5000 }; /* 20.65 and 20 samples a period */
    assert_false(wrong_after(2800, 30, FREE_US, 9));
    assert_true(wrong_after(2799, 30, FREE_US, 2));
    assert_false(wrong_after(2799, 30, FREE_US, 1));
    assert_false(wrong_after(3200, 30, FREE_US, 9));
    assert_true(wrong_after(3201, 30, FREE_US, 2));
    assert_false(wrong_after(2300, 30, LOCKED_US, 9));
    assert_true(wrong_after(2299, 30, LOCKED_US, 2));
    assert_false(wrong_after(3700, 30, LOCKED_US, 9));
    assert_true(wrong_after(3701, 30, LOCKED_US, 2));
    /* A good window in between begins anew, a later bad pair is found; it stays found while it lasts. */
    hand_start(true);
    level(10, 9000);
    pilot_driven(&p, 2500);
    hand(3, 9000, 30, -12000, 70, FREE_US);
    for (int i = 0; i < 5; i++) {
        window(30, FREE_US);
        assert_false(pilot_driver_fault(&p));
        window(25, FREE_US);
        assert_false(pilot_driver_fault(&p));
    }
    for (int i = 0; i < 300; i++) {
        window(30, FREE_US);
        assert_int_equal(pilot_driver_fault(&p), i >= 1);
    }
    pilot_driven(&p, 3000); /* what is driven anew is judged anew */
    assert_false(pilot_driver_fault(&p));
    hand(3, 9000, 35, -12000, 65, FREE_US);
    window(35, FREE_US);
    assert_false(pilot_driver_fault(&p));
    /* A short hides the driver, and so does a level that is none. */
    for (int i = 0; i < 2; i++) {
        hand_start(true);
        hand(20, i ? 7400 : 0, 100, 0, 0, FREE_US);
        pilot_driven(&p, 2500);
        hand(200, i ? 7400 : 0, 100, 0, 0, FREE_US);
        assert_int_equal(p.letter, i ? '?' : 'E');
        assert_false(pilot_driver_fault(&p));
    }
}

/* Samples lock to the period when a whole or half number of them fills it, to 0.015. */
static void locked_sampling_to_a_thousandth(void **state)
{
    (void)state;
    static const struct {
        uint32_t per_period_milli;
        bool locked;
    } c[] = {{20000, true}, {20014, true}, {20015, false}, {20250, false}, {20485, false},
             {20486, true}, {20500, true}, {19986, true},  {19985, false}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        uint32_t us = 4200u * 1000000u / c[i].per_period_milli;
        while (4200u * 1000000ull / us != c[i].per_period_milli)
            us--;
        hand_start(true);
        level(10, 9000);
        pilot_driven(&p, 2500);
        hand(3, 9000, 30, -12000, 70, 4800);
        for (int n = 0; n < 2; n++) { /* 4200 samples in `us` */
            by_hand.end_us = by_hand.end_us + us - 4800 - 41 * 5000;
            hand(1, 9000, 30, -12000, 70, 5000);
            hand(40, 9000, 30, -12000, 70, 5000);
            hand(1, 9000, 30, -12000, 70, 4800);
        }
        if (pilot_driver_fault(&p) == c[i].locked)
            print_error("%u/1000 samples a period\n", (unsigned)c[i].per_period_milli);
        assert_int_equal(pilot_driver_fault(&p), !c[i].locked);
    }
}

/* Levels for people: a new one at once if it is more than a volt away, else an eighth of the way a frame. */
static void steadied_levels(void **state)
{
    (void)state;
    hand_start(true);
    hand(1, 9000, 50, -11000, 50, 4800);
    assert_int_equal(p.high_mv, 9000);
    assert_int_equal(p.low_mv, -11000);
    assert_true(p.has_high && p.has_low);
    hand(1, 9800, 50, -11800, 50, 4800);
    assert_int_equal(p.high_mv, 9100);
    assert_int_equal(p.low_mv, -11100);
    hand(1, 10100, 50, -12100, 50, 4800); /* a volt exactly */
    assert_int_equal(p.high_mv, 9225);
    assert_int_equal(p.low_mv, -11225);
    hand(1, 10226, 50, -12226, 50, 4800); /* and a millivolt more */
    assert_int_equal(p.high_mv, 10226);
    assert_int_equal(p.low_mv, -12226);
    hand(1, 9226, 50, -11226, 50, 4800);
    assert_int_equal(p.high_mv, 10101);
    assert_int_equal(p.low_mv, -12101);
    hand(1, 9100, 50, -11100, 50, 4800);
    assert_int_equal(p.high_mv, 9100);
    assert_int_equal(p.low_mv, -11100);
    hand(1, 0, 0, 0, 0, 4800); /* gone */
    assert_false(p.has_high || p.has_low);
    hand(1, 9180, 1, -11180, 1, 4800); /* and there again: at once */
    assert_int_equal(p.high_mv, 9180);
    assert_int_equal(p.low_mv, -11180);
    assert_true(p.has_high && p.has_low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_to_the_millivolt),
        cmocka_unit_test(frames_of_each_change),
        cmocka_unit_test(letters_without_a_high_phase),
        cmocka_unit_test(diode_to_the_frame),
        cmocka_unit_test(read_back_to_the_frame),
        cmocka_unit_test(driver_fault_to_the_tenth_of_a_microsecond),
        cmocka_unit_test(locked_sampling_to_a_thousandth),
        cmocka_unit_test(steadied_levels),
        cmocka_unit_test(duty_from_current),
        cmocka_unit_test(current_from_duty),
        cmocka_unit_test(windows),
        cmocka_unit_test(letters_from_frames),
        cmocka_unit_test(debounce),
        cmocka_unit_test(diode),
        cmocka_unit_test(read_back),
        cmocka_unit_test(driver_faults),
        cmocka_unit_test(unipolar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
