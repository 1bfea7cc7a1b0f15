/* The car: S2, the charger that follows the duty, the battery, and the ways in which cars misbehave. */
#include "bed.h"

#include "sim/car.h"

static void allowed_current_by_duty(void **state)
{
    (void)state;
    /* IEC 61851-1 Table A.8 */
    static const struct {
        unsigned bp;
        double a;
    } row[] = {{0, 0},     {500, 0},       {799, 0},       {800, 6},   {999, 6},
               {1000, 6},  {2667, 16.002}, {5333, 31.998}, {8500, 51}, {8501, 52.525},
               {9000, 65}, {9600, 80},     {9700, 80},     {9701, 0},  {10000, 0}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_near(car_duty_limit_a(row[i].bp), row[i].a, 1e-9);
}

static void charges_only_with_everything_there(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    world_plug(b.w, true);
    world_set_coil(b.w, true); /* voltage at the inlet, but no PWM */
    bed_run(&b, 3);
    assert_false(b.s.s2);
    assert_near(b.s.amp[0], 0, 1e-9);
    world_set_pilot(b.w, bed_duty(10));
    double t = bed_seconds(&b);
    bed_run(&b, 0.5);
    assert_true(b.s.s2);
    assert_near(b.s.s2_changed_s - t, 0.1, 0.006);
    world_set_coil(b.w, false);
    bed_run(&b, 1);
    assert_false(b.s.charging);
    world_set_coil(b.w, true);
    bed_run(&b, 3);
    for (int k = 0; k < 3; k++)
        assert_near(b.s.amp[k], 10, 0.02);
    world_faults(b.w)->phase_lost = 2;
    bed_run(&b, 0.1);
    assert_near(b.s.amp[1], 0, 1e-9);
    assert_near(b.s.amp[2], 10, 0.02);
    bed_stop(&b);
}

static void follows_the_duty_within_its_time(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.reaction_s = 4;
    b.cfg.car.ramp_a_per_s = 20;
    bed_start(&b, 1);
    bed_charge(&b, 32);
    assert_near(b.s.amp[0], 32, 0.05);
    world_set_pilot(b.w, bed_duty(10));
    bed_run(&b, 2);
    world_set_pilot(b.w, bed_duty(12)); /* a second change before the first was followed */
    bed_run(&b, 1.9);
    assert_near(b.s.amp[0], 32, 0.05);
    bed_run(&b, 1.8); /* 4 s + 22 A at 20 A/s */
    assert_near(b.s.amp[0], 10, 0.05);
    bed_run(&b, 0.6);
    assert_near(b.s.amp[0], 12, 0.05);
    bed_stop(&b);
}

static void one_phase_and_its_own_maximum(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.phases = 1;
    b.cfg.car.max_a = 13;
    bed_start(&b, 1);
    bed_charge(&b, 32);
    assert_near(b.s.amp[0], 13, 0.03);
    assert_near(b.s.amp[1] + b.s.amp[2], 0, 1e-9);
    bed_stop(&b);
}

static void stops_below_its_minimum_but_stays(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.min_a = 8;
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_set_pilot(b.w, bed_duty(6));
    bed_run(&b, 4);
    assert_near(b.s.amp[0], 0, 1e-9);
    assert_true(b.s.s2);
    world_set_pilot(b.w, bed_duty(9));
    bed_run(&b, 4);
    assert_near(b.s.amp[0], 9, 0.02);
    bed_stop(&b);
}

static void without_pwm_it_stops_in_order(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.x1_stop_s = 2;
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_set_pilot(b.w, 10000);
    double t = bed_seconds(&b);
    bed_run(&b, 1.5);
    assert_near(b.s.amp[0], 16, 0.05);
    bed_run(&b, 1);
    assert_false(b.s.s2);
    assert_near(b.s.s2_changed_s - t, 2, 0.01);
    assert_true(b.s.current_zero_s < b.s.s2_changed_s);
    assert_near(b.s.s2_changed_s - b.s.current_zero_s, 0.01, 0.006);
    /* and goes on when it comes back */
    world_set_pilot(b.w, bed_duty(16));
    bed_run(&b, 3);
    assert_near(b.s.amp[0], 16, 0.05);
    /* a short gap is not a stop */
    world_set_pilot(b.w, 10000);
    bed_run(&b, 1);
    world_set_pilot(b.w, bed_duty(16));
    bed_run(&b, 3);
    assert_true(b.s.s2);
    assert_near(b.s.amp[0], 16, 0.05);
    bed_stop(&b);
}

static void its_owner_stops_it(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_ready(b.w, false);
    double t = bed_seconds(&b);
    bed_run(&b, 0.2);
    assert_false(b.s.s2);
    assert_near(b.s.s2_changed_s - t, 0.05, 0.006);
    assert_true(b.s.current_zero_s > t && b.s.current_zero_s < b.s.s2_changed_s);
    world_set_coil(b.w, false);
    bed_run(&b, 0.1);
    assert_int_equal(b.s.hot_switches, 0);
    bed_stop(&b);
}

static void residual_current_flows_on(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.residual_s = 0.3;
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_ready(b.w, false);
    bed_run(&b, 0.2);
    assert_false(b.s.s2);
    assert_near(b.s.amp[0], 16, 0.05);
    bed_run(&b, 0.2);
    assert_near(b.s.amp[0], 0, 1e-9);
    assert_near(b.s.current_zero_s - b.s.s2_changed_s, 0.3, 0.001);

    world_ready(b.w, true);
    bed_run(&b, 4);
    world_ready(b.w, false);
    bed_run(&b, 0.1);
    world_set_coil(b.w, false); /* opened into it */
    bed_run(&b, 0.1);
    assert_near(b.s.amp[0], 0, 1e-9);
    assert_int_equal(b.s.hot_switches, 1);
    bed_stop(&b);
}

static void pulled_under_load(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.stop_ms = 500; /* does not notice in time */
    bed_start(&b, 1);
    bed_charge(&b, 16);
    double t = bed_seconds(&b);
    world_plug(b.w, false);
    bed_run(&b, 0.02);
    assert_near(b.s.cp_high_v, 12, 1e-5); /* pilot has gone, power has not */
    assert_false(b.s.plugged);
    assert_near(b.s.pp_ohm, 0, 1e-9);
    assert_true(b.s.charging);
    bed_run(&b, 0.1);
    assert_false(b.s.charging);
    assert_near(b.s.current_zero_s - t, 0.06, 0.001);
    assert_int_equal(b.s.hot_switches, 1);
    bed_stop(&b);

    bed_cfg(&b); /* a car that reacts has switched off before the contacts part */
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_plug(b.w, false);
    bed_run(&b, 0.2);
    assert_false(b.s.charging);
    assert_int_equal(b.s.hot_switches, 0);
    assert_false(b.s.s2);
    bed_stop(&b);
}

static void sleeper(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.sleeping = true;
    bed_start(&b, 1);
    world_plug(b.w, true);
    world_set_pilot(b.w, bed_duty(16));
    bed_run(&b, 5);
    assert_false(b.s.s2);
    world_set_pilot(b.w, 0);
    bed_run(&b, 0.5);
    world_set_pilot(b.w, bed_duty(16)); /* too short to wake it */
    bed_run(&b, 2);
    assert_false(b.s.s2);
    world_set_pilot(b.w, 0);
    bed_run(&b, 4);
    world_set_pilot(b.w, bed_duty(16));
    bed_run(&b, 2);
    assert_true(b.s.s2);

    world_car(b.w)->sleeping = true; /* falls asleep again; plugging anew wakes it too */
    bed_run(&b, 1);
    assert_false(b.s.s2);
    world_unplug(b.w);
    bed_run(&b, 1);
    world_plug(b.w, true);
    bed_run(&b, 1);
    assert_true(b.s.s2);
    bed_stop(&b);
}

static void battery_fills_and_tapers(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.battery_wh = 1000;
    b.cfg.car.filled_wh = 0;
    bed_start(&b, 1);
    bed_charge(&b, 32);
    while (b.s.soc < 0.79)
        bed_run(&b, 0.5);
    assert_near(b.s.amp[0], 32, 0.05);
    while (b.s.soc < 0.9)
        bed_run(&b, 0.1);
    assert_near(b.s.amp[0], 16, 1.5);
    while (b.s.s2 && b.s.time_s < 3600)
        bed_run(&b, 1);
    assert_false(b.s.s2);
    assert_near(b.s.soc, 1, 1e-9);
    assert_near(b.s.energy_wh, 1000, 2);
    assert_near(b.s.amp[0], 0, 1e-9);
    world_car(b.w)->filled_wh = 500; /* driven a while */
    bed_run(&b, 5);
    assert_true(b.s.s2 && b.s.charging);
    bed_stop(&b);
}

static void disobedient(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.ignores_duty = true;
    bed_start(&b, 1);
    bed_charge(&b, 10);
    assert_near(b.s.amp[0], 32, 0.05);
    world_set_pilot(b.w, 10000);
    bed_run(&b, 10);
    assert_true(b.s.s2);
    assert_near(b.s.amp[0], 32, 0.05);
    bed_stop(&b);

    bed_cfg(&b);
    b.cfg.car.over_draw = 1.25;
    bed_start(&b, 1);
    bed_charge(&b, 16);
    assert_near(b.s.amp[0], 20, 0.05);
    bed_stop(&b);
}

static void s2_by_hand(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    b.cfg.car.s2_force = 2;
    bed_start(&b, 1);
    world_plug(b.w, true);
    bed_run(&b, 0.1);
    world_s2_pulse(b.w, true, 250000); /* the 250 ms of a known car */
    bed_run(&b, 0.24);
    assert_true(b.s.s2);
    assert_int_equal(b.s.pilot, 'C');
    double closed = b.s.s2_changed_s;
    bed_run(&b, 0.02);
    assert_false(b.s.s2);
    assert_near(b.s.s2_changed_s - closed, 0.25, 0.0001);
    world_car(b.w)->s2_force = 1;
    bed_run(&b, 0.01);
    assert_true(b.s.s2);
    bed_stop(&b);
}

static void under_voltage_stops_the_charger(void **state)
{
    (void)state;
    struct bed b;
    bed_cfg(&b);
    bed_start(&b, 1);
    bed_charge(&b, 16);
    world_sag(b.w, 7, 0.4, 300000);
    bed_run(&b, 0.2);
    assert_near(b.s.amp[0], 0, 1e-9);
    bed_run(&b, 0.3);
    assert_near(b.s.amp[0], 0, 1e-9); /* starts anew */
    bed_run(&b, 3);
    assert_near(b.s.amp[0], 16, 0.05);
    bed_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowed_current_by_duty),
        cmocka_unit_test(charges_only_with_everything_there),
        cmocka_unit_test(follows_the_duty_within_its_time),
        cmocka_unit_test(one_phase_and_its_own_maximum),
        cmocka_unit_test(stops_below_its_minimum_but_stays),
        cmocka_unit_test(without_pwm_it_stops_in_order),
        cmocka_unit_test(its_owner_stops_it),
        cmocka_unit_test(residual_current_flows_on),
        cmocka_unit_test(pulled_under_load),
        cmocka_unit_test(sleeper),
        cmocka_unit_test(battery_fills_and_tapers),
        cmocka_unit_test(disobedient),
        cmocka_unit_test(s2_by_hand),
        cmocka_unit_test(under_voltage_stops_the_charger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
