/* The world's pilot, cable, lock, contactor, mains and truth, each against its numbers in docs/hardware.md.
 */
#include "bed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/guard.h"

_Static_assert((int)WORLD_IN_RCD == (int)GUARD_IN_RCD && (int)WORLD_IN_AUX == (int)GUARD_IN_AUX &&
                   (int)WORLD_IN_LOCKED == (int)GUARD_IN_LOCKED &&
                   (int)WORLD_IN_BUTTON == (int)GUARD_IN_BUTTON &&
                   (int)WORLD_IN_RCM_FAULT == (int)GUARD_IN_RCM_FAULT,
               "the world's input bits are the guard's");
_Static_assert((int)WORLD_FRAME_LEN == (int)SENSE_FRAME_LEN &&
                   (int)WORLD_CURVE_POINTS == (int)SENSE_CURVE_POINTS,
               "frames and curves are of one size");

/* Pilot levels in each state: windows of IEC 61851-1 as in docs/hardware.md. */
static void pilot_levels_lie_in_their_windows(void **state)
{
    (void)state;
    static const struct {
        bool plugged, closed, ventilation;
        double low, high;
        char letter;
    } row[] = {
        {false, false, false, 11.4, 12.6, 'A'},
        {true, false, false, 8.36, 9.56, 'B'},
        {true, true, false, 5.48, 6.49, 'C'},
        {true, true, true, 2.62, 3.25, 'D'},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct bed b;
        bed_cfg(&b);
        b.cfg.car.s2_force = row[i].closed ? 1 : 2;
        b.cfg.car.ventilation = row[i].ventilation;
        bed_start(&b, i);
        world_plug(b.w, row[i].plugged);
        world_set_pilot(b.w, 5000);
        bed_run(&b, 0.1);
        assert_in_range((uintmax_t)(b.s.cp_high_v * 1000), (uintmax_t)(row[i].low * 1000),
                        (uintmax_t)(row[i].high * 1000));
        assert_near(b.s.cp_low_v, -12, 1e-5);
        assert_int_equal(b.s.pilot, row[i].letter);
        bed_stop(&b);
    }
}

static void pilot_faults(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    world_plug(b.w, true);
    world_ready(b.w, false);
    world_set_pilot(b.w, 5000);
    world_faults(b.w)->diode_missing = true;
    bed_run(&b, 0.1);
    assert_near(b.s.cp_high_v, 12 * 2740.0 / 3740.0, 1e-4);
    assert_near(b.s.cp_low_v, -12 * 2740.0 / 3740.0, 1e-4);
    world_faults(b.w)->cp_short = true;
    bed_run(&b, 0.1);
    assert_near(b.s.cp_high_v, 0, 1e-6);
    assert_int_equal(b.s.pilot, 'E');
    world_faults(b.w)->cp_short = false;
    world_faults(b.w)->cp_open = true;
    bed_run(&b, 0.1);
    assert_near(b.s.cp_high_v, 12, 1e-5);
    assert_int_equal(b.s.pilot, 'A');
    assert_true(b.s.plugged);
    world_faults(b.w)->pilot_stuck = true;
    world_set_pilot(b.w, 1000);
    bed_run(&b, 0.1);
    assert_near(b.s.duty_percent, 50, 1e-9);
    bed_stop(&b);
}

static void duty_is_what_was_written_and_changes_at_a_period(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 7);
    static const unsigned duty[] = {0, 800, 1000, 2667, 5333, 9600, 10000};
    for (size_t i = 0; i < sizeof duty / sizeof duty[0]; i++) {
        world_set_pilot(b.w, duty[i]);
        uint64_t at = world_now_us(b.w);
        bed_frame(&b);
        if (i > 0)
            assert_near(b.s.duty_changed_s, (double)at * 1e-6 + 0.0005, 0.000501);
        unsigned high = 0, all = 0, between = 0;
        for (int f = 0; f < 400; f++) {
            bed_frame(&b);
            for (size_t k = 0; k < b.n; k++) {
                if (b.raw[k] >> 12 != 0)
                    continue;
                double v = (bed_mv(&b, b.raw[k]) - 1300) / 87.3;
                all++;
                high += v > 0;
                between += v > -11.8 && v < 11.8;
            }
        }
        assert_near((double)high / all, duty[i] * 1e-4, 0.003);
        /* edges of 1 kΩ · 2 nF: out of line for 2 µs · ln(24/0.2) = 9.6 µs each, twice in 1000 µs */
        assert_true((double)between / all < 0.025);
        assert_true(duty[i] % 10000 == 0 ? between == 0 : between > 0);
    }
    bed_stop(&b);
}

static void proximity_of_the_prototype(void **state)
{
    (void)state;
    static const struct {
        double ohm, mv, tolerance;
    } row[] = {{0, 2484, 10}, {1500, 1890, 10}, {680, 1466, 10}, {220, 793, 10}, {100, 434, 5}};
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    world_set_mux(b.w, 1);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_true(world_cable(b.w, row[i].ohm));
        bed_run(&b, 0.02);
        double sum = 0;
        int n = 0;
        for (size_t k = 0; k < b.n; k++)
            if (b.raw[k] >> 12 == 5) {
                sum += bed_mv(&b, b.raw[k]);
                n++;
            }
        assert_int_equal(n, 20);
        assert_near(sum / n, row[i].mv, row[i].tolerance);
        assert_near(b.s.pp_ohm, row[i].ohm, 1e-9);
        assert_true(b.s.cable == (row[i].ohm > 0));
        assert_false(b.s.plugged);
    }
    world_faults(b.w)->pp_short = true;
    bed_run(&b, 0.02);
    assert_true(b.s.pp_ohm > 0 && b.s.pp_ohm < 60);
    bed_stop(&b);
}

static void lock_holds_the_cable(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    world_plug(b.w, true);
    world_set_lock(b.w, true);
    bed_run(&b, 0.05);
    assert_false(b.s.locked); /* the motor is on its way */
    bed_run(&b, 0.15);
    assert_true(b.s.locked);
    assert_true(world_inputs(b.w) & WORLD_IN_LOCKED);
    assert_false(world_try_plug(b.w, false));
    assert_false(world_cable(b.w, 0));
    world_plug(b.w, false);
    bed_run(&b, 0.01);
    assert_true(b.s.plugged);

    world_unplug(b.w); /* pulls the car's end; the other follows once it is free */
    bed_run(&b, 0.5);
    assert_false(b.s.plugged);
    assert_true(b.s.cable);
    world_set_lock(b.w, false);
    bed_run(&b, 0.2);
    assert_false(b.s.cable);
    assert_near(b.s.plugged_changed_s, 0.21, 0.05);

    world_faults(b.w)->lock_stuck = true;
    world_set_lock(b.w, true);
    bed_run(&b, 1);
    assert_false(b.s.locked);
    bed_stop(&b);
}

static void contactor_takes_its_time(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 3);
    bed_run(&b, 0.1);
    world_set_coil(b.w, true);
    double asked = bed_seconds(&b);
    bed_run(&b, 0.1);
    assert_true(b.s.contactor && (world_inputs(b.w) & WORLD_IN_AUX));
    assert_near(b.s.coil_changed_s, asked, 1e-9);
    assert_near(b.s.contactor_changed_s - asked, 0.020, 0.0001);
    assert_int_equal(b.s.contactor_cycles, 1);
    world_set_coil(b.w, false);
    asked = bed_seconds(&b);
    bed_run(&b, 0.1);
    assert_false(b.s.contactor);
    assert_false(world_inputs(b.w) & WORLD_IN_AUX);
    assert_near(b.s.contactor_changed_s - asked, 0.015, 0.0001);

    world_set_coil(b.w, true); /* taken back before it moved */
    bed_run(&b, 0.004);
    world_set_coil(b.w, false);
    bed_run(&b, 0.1);
    assert_int_equal(b.s.contactor_cycles, 1);
    assert_int_equal(b.s.hot_switches, 0);
    bed_stop(&b);
}

static void contacts_bounce_then_rest(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.bounce_ms = 200; /* so slow that frames see it */
    bed_start(&b, 3);
    world_set_coil(b.w, true);
    int turns = 0;
    bool was = false;
    for (int i = 0; i < 100; i++) {
        bed_frame(&b);
        bool is = world_inputs(b.w) & WORLD_IN_AUX;
        turns += is != was;
        was = is;
    }
    assert_true(was);
    assert_true(turns == 3 || turns == 5);
    assert_int_equal(b.s.contactor_cycles, 1);
    bed_stop(&b);
}

static void contactor_faults(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 3);
    struct world_faults *f = world_faults(b.w);
    f->no_close = true;
    world_set_coil(b.w, true);
    bed_run(&b, 0.5);
    assert_false(b.s.contactor);
    f->no_close = false;
    bed_run(&b, 0.1);
    assert_true(b.s.contactor);
    f->weld = true;
    world_set_coil(b.w, false);
    bed_run(&b, 0.5);
    assert_true(b.s.contactor && !b.s.coil);
    assert_true(world_inputs(b.w) & WORLD_IN_AUX);
    f->aux_stuck = true;
    assert_false(world_inputs(b.w) & WORLD_IN_AUX);
    f->weld = false; /* knocked free */
    bed_run(&b, 0.01);
    assert_false(b.s.contactor);
    f->weld = true; /* nothing to weld while open */
    bed_run(&b, 0.1);
    assert_false(b.s.contactor);
    f->weld_now = true;
    bed_run(&b, 0.01);
    assert_true(b.s.contactor);
    bed_stop(&b);
}

static void mains_is_what_was_set(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.mains.volt[1] = 207;
    b.cfg.mains.harmonic3 = 0.1;
    b.cfg.mains.harmonic5 = 0.05;
    b.cfg.mains.harmonic7 = 0.03;
    bed_start(&b, 1);
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0], 230, 0.01);
    assert_near(b.s.volt[1], 207, 0.01);
    world_mains(b.w)->hz = 47.3;
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0], 230, 0.5); /* a cycle with both frequencies is behind us */
    world_faults(b.w)->phase_lost = 1u << 2;
    bed_run(&b, 0.1);
    assert_near(b.s.volt[2], 0, 1e-6);
    assert_near(b.s.volt[0], 230, 0.01);
    world_faults(b.w)->phase_lost = 0;
    world_sag(b.w, 1, 0.5, 200000);
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0], 115, 0.01);
    assert_near(b.s.volt[2], 230, 0.01);
    bed_run(&b, 0.2);
    assert_near(b.s.volt[0], 230, 0.01);
    world_faults(b.w)->rcd_trip = true;
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0] + b.s.volt[1] + b.s.volt[2], 0, 1e-6);
    assert_true(world_inputs(b.w) & WORLD_IN_RCD);
    bed_stop(&b);
}

/* Frequency and order of the phases, as one sees them at the pins. */
static void phases_turn_the_right_way(void **state)
{
    (void)state;
    for (int reversed = 0; reversed < 2; reversed++) {
        struct bed b;
        bed_cfg(&b);
        b.cfg.mains.order_reversed = reversed;
        b.cfg.mains.hz = 51.2;
        bed_start(&b, 5);
        double rise[2] = {0}, first = 0, last = 0;
        int rises = 0;
        bool up[2] = {false, false};
        double period = 1e6 / 41300;
        uint64_t start = world_now_us(b.w);
        for (int f = 0; f < 206; f++) {
            bed_frame(&b);
            for (size_t k = 0; k < b.n; k++) {
                int pin = (b.raw[k] >> 12) - 4;
                if (pin != 0 && pin != 1)
                    continue;
                double t = (double)(f * WORLD_FRAME_LEN + (int)k + 1) * period;
                bool now = bed_mv(&b, b.raw[k]) > 1300;
                if (now && !up[pin] && f > 0) {
                    rise[pin] = t;
                    if (pin == 0) {
                        first = rises == 0 ? t : first;
                        last = t;
                        rises++;
                    }
                }
                up[pin] = now;
            }
        }
        assert_near((double)(b.end_us - start), 206 * WORLD_FRAME_LEN * period, 2);
        assert_near((rises - 1) / ((last - first) * 1e-6), 51.2, 0.05);
        double behind = fmod((rise[1] - rise[0]) * 51.2e-6 + 2, 1); /* of phase 2, in turns */
        assert_near(behind, reversed ? 2.0 / 3 : 1.0 / 3, 0.02);
        bed_stop(&b);
    }
}

static void broken_neutral_follows_the_load(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.phases = 1;
    bed_start(&b, 1);
    bed_charge(&b, 16);
    assert_near(b.s.amp[0], 16, 0.05);
    world_mains(b.w)->neutral_broken = true;
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0], 0, 1);     /* the connected phase drags the star point with it */
    assert_near(b.s.volt[1], 398.4, 2); /* the others see phase to phase */
    assert_near(b.s.amp[0], 0, 1e-9);
    world_set_coil(b.w, false);
    bed_run(&b, 0.1);
    assert_near(b.s.volt[0], 230, 1); /* nothing but the measuring circuit, which is balanced */
    bed_stop(&b);
}

static void power_factor_and_energy(void **state)
{
    (void)state;
    static const struct {
        double pf, h3;
    } row[] = {{1, 0}, {0.5, 0}, {-0.8, 0}, {0.95, 0.2}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct bed b;
        bed_cfg(&b);
        b.cfg.car.power_factor = row[i].pf;
        b.cfg.car.harmonic3 = row[i].h3;
        b.cfg.mains.volt[2] = 220;
        bed_start(&b, i);
        bed_charge(&b, 20);
        double before = b.s.energy_wh, soc = b.s.soc, t = b.s.time_s;
        bed_run(&b, 60);
        assert_near(b.s.amp[0], 20, 0.03);
        double true_pf = fabs(row[i].pf) / sqrt(1 + row[i].h3 * row[i].h3);
        double watts = 20.0 * (230 + 230 + 220) * true_pf;
        assert_near(b.s.watt[0], 20.0 * 230 * true_pf, 8);
        assert_near(b.s.energy_wh - before, watts * (b.s.time_s - t) / 3600, watts / 3600 * 0.1);
        assert_near((b.s.soc - soc) * 60000, b.s.energy_wh - before, 0.01);
        assert_near(b.s.energy_phase_wh[0] + b.s.energy_phase_wh[1] + b.s.energy_phase_wh[2], b.s.energy_wh,
                    1e-6);
        bed_stop(&b);
    }
}

static void supply_of_the_station_and_its_temperature(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    bed_charge(&b, 32);
    int32_t mc, later;
    assert_true(world_temperature_mc(b.w, &mc));
    assert_near(mc, 25000, 300);
    bed_run(&b, 900);
    assert_true(world_temperature_mc(b.w, &later));
    assert_near(later, 25000 + 20000 * (1 - exp(-1)), 400);
    world_ambient(b.w, 60);
    assert_true(world_temperature_mc(b.w, &mc));
    assert_near(mc - later, 35000, 2);
    world_faults(b.w)->no_temperature = true;
    assert_false(world_temperature_mc(b.w, &mc));

    world_set_power(b.w, false);
    bed_run(&b, 1);
    assert_int_equal(b.n, 0);
    assert_false(b.s.contactor);
    assert_near(b.s.cp_high_v, 0, 1e-9);
    assert_int_equal(world_inputs(b.w), 0);
    world_set_coil(b.w, true); /* nobody is there to hold it */
    bed_run(&b, 1);
    assert_false(b.s.contactor);
    assert_near(b.s.volt[0], 230, 0.01); /* the world went on */
    world_set_power(b.w, true);
    bed_run(&b, 0.1);
    assert_int_equal(b.n, WORLD_FRAME_LEN);
    assert_near(b.s.cp_high_v, 8.98, 0.05);
    bed_stop(&b);
}

static void button_and_residual_current_monitor(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    world_button_for(b.w, 200000);
    bed_run(&b, 0.19);
    assert_true(world_inputs(b.w) & WORLD_IN_BUTTON);
    bed_run(&b, 0.02);
    assert_false(world_inputs(b.w) & WORLD_IN_BUTTON);
    world_button(b.w, true);
    bed_run(&b, 5);
    assert_true(world_inputs(b.w) & WORLD_IN_BUTTON);
    world_set_rcm_test(b.w, true);
    bed_run(&b, 0.01);
    assert_false(world_inputs(b.w) & WORLD_IN_RCM_FAULT);
    bed_run(&b, 0.02);
    assert_true(world_inputs(b.w) & WORLD_IN_RCM_FAULT);
    world_set_rcm_test(b.w, false);
    bed_run(&b, 0.03);
    assert_false(world_inputs(b.w) & WORLD_IN_RCM_FAULT);
    world_faults(b.w)->rcm_dead = true;
    world_set_rcm_test(b.w, true);
    bed_run(&b, 0.03);
    assert_false(world_inputs(b.w) & WORLD_IN_RCM_FAULT);
    bed_stop(&b);
}

static void same_seed_same_world(void **state)
{
    (void)state;
    uint16_t kept[20][WORLD_FRAME_LEN];
    int different = 0;
    for (int run = 0; run < 3; run++) {
        struct bed b;
        bed_cfg(&b);
        world_cfg_vary(&b.cfg, 11, 0.01);
        b.cfg.mains.noise_volt = 1;
        bed_start(&b, run == 2 ? 43 : 42);
        world_plug(b.w, true);
        world_set_pilot(b.w, 3000);
        world_set_coil(b.w, true);
        bed_run(&b, 2);
        for (int f = 0; f < 20; f++) {
            bed_frame(&b);
            if (run == 0)
                memcpy(kept[f], b.raw, sizeof b.raw);
            else if (run == 1)
                assert_memory_equal(kept[f], b.raw, sizeof b.raw);
            else
                different += memcmp(kept[f], b.raw, sizeof b.raw) != 0;
        }
        bed_stop(&b);
    }
    assert_int_equal(different, 20);
}

static void settings_out_of_reach_do_no_harm(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.rate_hz = 0;
    b.cfg.pattern_len = 99;
    b.cfg.adc.rate_error = NAN;
    b.cfg.mains.hz = -3;
    b.cfg.mains.volt[0] = 1e9;
    b.cfg.coil_close_ms = -5;
    b.cfg.bounce_ms = 1e12;
    b.cfg.car.r_b_ohm = 0;
    b.cfg.car.battery_wh = 0;
    bed_start(&b, 1);
    world_plug(b.w, true);
    world_set_pilot(b.w, 60000);
    world_set_coil(b.w, true);
    bed_run(&b, 5);
    assert_int_equal(b.n, WORLD_FRAME_LEN);
    assert_near(b.s.duty_percent, 100, 1e-9);
    bed_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pilot_levels_lie_in_their_windows),
        cmocka_unit_test(pilot_faults),
        cmocka_unit_test(duty_is_what_was_written_and_changes_at_a_period),
        cmocka_unit_test(proximity_of_the_prototype),
        cmocka_unit_test(lock_holds_the_cable),
        cmocka_unit_test(contactor_takes_its_time),
        cmocka_unit_test(contacts_bounce_then_rest),
        cmocka_unit_test(contactor_faults),
        cmocka_unit_test(mains_is_what_was_set),
        cmocka_unit_test(phases_turn_the_right_way),
        cmocka_unit_test(broken_neutral_follows_the_load),
        cmocka_unit_test(power_factor_and_energy),
        cmocka_unit_test(supply_of_the_station_and_its_temperature),
        cmocka_unit_test(button_and_residual_current_monitor),
        cmocka_unit_test(same_seed_same_world),
        cmocka_unit_test(settings_out_of_reach_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
