/* control: the composition, in closed loop: the standard's sequences from raw samples to coil and duty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/core/rig.h"

static struct rig r; /* large; each test starts it afresh */

static struct control_cfg defaults(void)
{
    struct control_cfg c;
    control_cfg_default(&c);
    return c;
}

static void boots_to_idle_within_a_second(void **state)
{
    (void)state;
    rig_init(&r, NULL);
    assert_true(rig_until(&r, EVSE_IDLE, 1000));
    rig_run(&r, 500);
    assert_int_equal(r.status.pilot, 'A');
    assert_int_equal(r.status.duty_bp, 10000);
    assert_int_equal(r.status.fault, FAULT_NONE);
    assert_int_equal(r.status.cable_ma, 32000);
    assert_false(r.coil);
    assert_in_range(r.status.frame_rate_hz, SENSE_RATE_HZ - 50, SENSE_RATE_HZ + 50);
    assert_true(rig_count(&r, CONTROL_EV_PILOT, 'A', 'F') == 1); /* the -12 V half was tried */
}

static void charges_an_ordinary_car(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    assert_int_equal(r.status.duty_bp, 2666);
    assert_in_range(r.status.duty_read_bp, 2616, 2716);
    assert_int_equal(r.status.offered_ma, 16000);
    assert_int_equal(r.status.offered_by, LIMIT_SERVER);
    assert_true(r.status.diode_seen);
    assert_true(r.status.phases_used[0] && r.status.phases_used[1] && r.status.phases_used[2]);
    rig_run(&r, 10000);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    assert_int_equal(r.status.faults, 0);
    assert_int_equal(r.closings, 1);
}

static void closes_within_a_second_of_c(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'B');
    rig_run(&r, 3000);
    double c_us = rig_now_us(&r);
    rig_car(&r, 'C');
    rig_run(&r, 450);
    assert_false(r.coil);
    rig_run(&r, 550);
    assert_true(r.coil);
    assert_true(r.coil_us - c_us <= 1e6 && r.coil_us - c_us >= 500e3);
}

static void a_c_pulse_of_250_ms_does_not_close(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'B');
    rig_run(&r, 3000);
    for (int i = 0; i < 5; i++) {
        rig_car(&r, 'C');
        rig_run(&r, 250);
        rig_car(&r, 'B');
        rig_run(&r, 250);
    }
    assert_int_equal(r.closings, 0);
    assert_int_equal(r.coil_us, 0);
}

static void s2_opens_with_current_gone(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        for (int p = 0; p < 3; p++)
            r.draw_a[p] = 0;
        rig_run(&r, 50);
        rig_car(&r, 'B');
        rig_run(&r, 200);
        assert_false(r.contactor);
        assert_true(r.coil_us - r.left_us <= 30e3);
        assert_int_equal(r.status.state, EVSE_OFFERING);
        assert_int_equal(r.status.faults, 0);
        assert_int_equal(r.hot_openings, 0);
    }
}

static void residual_current_is_waited_for(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    r.car_delay_us = 40e3;
    rig_car(&r, 'B');
    rig_run(&r, 200);
    assert_false(r.coil);
    assert_int_equal(r.hot_openings, 0);
    assert_true(r.coil_us - r.left_us >= 40e3 && r.coil_us - r.left_us <= 75e3);
}

static void residual_current_does_not_delay_beyond_80_ms(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        r.car_delay_us = 1e6;
        rig_car(&r, 'B');
        rig_run(&r, 200);
        assert_false(r.coil);
        assert_true(r.coil_us - r.left_us <= 80e3);
        assert_true(r.coil_us - r.left_us >= 60e3);
    }
}

static void unplugging_opens_at_once_and_ends_authorisation(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    double at = rig_now_us(&r);
    rig_car(&r, 'A');
    rig_run(&r, 300);
    assert_true(r.coil_us - at <= 20e3);
    assert_int_equal(r.status.state, EVSE_IDLE);
    assert_false(r.status.authorised);
    assert_int_equal(r.status.faults, 0);
    assert_int_equal(r.status.duty_bp, 10000);
    /* The next car gets nothing on that. */
    rig_car(&r, 'C');
    rig_run(&r, 5000);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    assert_int_equal(r.closings, 1);
}

static void authorisation_waits_for_a_car(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_run(&r, 5000);
    assert_true(r.status.authorised);
    rig_car(&r, 'B');
    rig_run(&r, 100);
    assert_int_equal(r.status.state, EVSE_OFFERING);
    rig_command(&r, CONTROL_AUTHORISE, 0);
    rig_run(&r, 30);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    assert_int_equal(r.status.duty_bp, 10000);
}

/* Each fault: what the world does, which fault it is, within 20 ms. */
static void opened_by(enum fault f, double event_us)
{
    rig_run(&r, 100);
    if (r.coil || r.coil_us - event_us > 20e3 || !(r.status.faults & (1u << f)))
        printf("%s: coil %d after %.1f ms, faults %#x\n", fault_name(f), r.coil, (r.coil_us - event_us) / 1e3,
               (unsigned)r.status.faults);
    assert_false(r.coil);
    assert_true(r.coil_us - event_us <= 20e3);
    assert_true(r.status.faults & (1u << f));
    assert_int_equal(r.status.state, EVSE_FAULT);
}

static void faults_open_within_20_ms(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        double at = rig_now_us(&r);
        r.car = 'E';
        opened_by(FAULT_CP_SHORT, at);

        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        at = rig_now_us(&r);
        r.no_diode = true;
        opened_by(FAULT_DIODE, at);

        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        at = rig_now_us(&r);
        r.inputs |= GUARD_IN_RCD;
        opened_by(FAULT_RCD, at);

        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        at = rig_now_us(&r);
        rig_car(&r, 'D');
        opened_by(FAULT_VENTILATION, at);

        rig_charge(&r, NULL);
        rig_run(&r, i * 0.7);
        at = rig_now_us(&r);
        r.dead_adc = true;
        opened_by(FAULT_STARVED, at);
    }
}

static void a_converter_that_stays_dead_stays_a_fault(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    r.dead_adc = true;
    rig_run(&r, 1000);
    assert_false(r.status.contactor_closed); /* nobody tells any more, but we have switched it off */
    assert_int_equal(r.status.fault, FAULT_STARVED);
    for (int i = 0; i < 75 * 60; i++) { /* 32 bits of microseconds come round after 71.6 minutes */
        r.in.now_us = (uint64_t)rig_now_us(&r) + (uint64_t)i * 1000000;
        control_step(&r.control, &r.in, &r.out);
        control_status_read(&r.control, &r.status);
        assert_int_equal(r.status.fault, FAULT_STARVED);
        assert_false(r.status.contactor_closed);
    }
}

static void a_changed_cable_opens(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = 0; i < 40; i++) {
        rig_charge(&r, NULL);
        rig_run(&r, i * 1.3);
        double at = rig_now_us(&r);
        r.frames.pp_mv = i % 2 ? 2484 : 1890; /* pulled; exchanged for a thinner one */
        rig_run(&r, 200);
        assert_false(r.coil);
        worst = r.coil_us - at > worst ? r.coil_us - at : worst;
        assert_int_equal(r.status.state, EVSE_FAULT);
    }
    printf("proximity to coil: worst %.1f ms\n", worst / 1e3);
    assert_true(worst <= 80e3); /* the contact is seen in every other mains cycle only */
}

static void stops_by_asking_the_car_first(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    double at = rig_now_us(&r);
    rig_command(&r, CONTROL_AUTHORISE, 0);
    rig_run(&r, 50);
    assert_int_equal(r.status.state, EVSE_STOPPING);
    assert_int_equal(r.status.duty_bp, 10000);
    assert_true(r.duty_us - at <= 20e3);
    rig_run(&r, 2000);
    assert_true(r.contactor);
    for (int p = 0; p < 3; p++)
        r.draw_a[p] = 0;
    rig_car(&r, 'B');
    rig_run(&r, 200);
    assert_false(r.contactor);
    assert_int_equal(r.hot_openings, 0);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
}

static void a_deaf_car_is_disconnected_after_six_seconds(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    double at = rig_now_us(&r);
    rig_command(&r, CONTROL_AUTHORISE, 0);
    rig_run(&r, 5900);
    assert_true(r.contactor);
    rig_run(&r, 300);
    assert_false(r.contactor);
    assert_true(r.coil_us - at >= 6e6 && r.coil_us - at <= 6.15e6);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
}

static void limits_move_the_duty(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_run(&r, 6000);
    double at = rig_now_us(&r);
    rig_limit(&r, LIMIT_SERVER, 10000, 0, 0); /* less: at once */
    rig_run(&r, 30);
    assert_int_equal(r.status.duty_bp, 1666);
    assert_true(r.duty_us - at <= 20e3);
    at = r.duty_us;
    rig_limit(&r, LIMIT_SERVER, 8000, 0, 0); /* less again: at once again */
    rig_run(&r, 30);
    assert_int_equal(r.status.duty_bp, 1333);
    at = r.duty_us;
    rig_limit(&r, LIMIT_SERVER, 20000, 0, 0); /* more: spaced */
    rig_run(&r, 4900);
    assert_int_equal(r.status.duty_bp, 1333);
    rig_run(&r, 200);
    assert_int_equal(r.status.duty_bp, 3333);
    assert_true(r.duty_us - at >= 5e6);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    rig_run(&r, 6000);
    at = rig_now_us(&r);
    rig_limit(&r, LIMIT_SERVER, 32000, 0, 0);
    rig_run(&r, 30);
    assert_int_equal(r.status.duty_bp, 5333);
    assert_true(r.duty_us - at <= 20e3);
}

static void a_lease_ends_in_its_fallback(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_limit(&r, LIMIT_SERVER, 16000, 2000, 7000);
    rig_run(&r, 1900);
    assert_int_equal(r.status.offered_ma, 16000);
    rig_run(&r, 200);
    assert_int_equal(r.status.offered_ma, 7000);
    rig_limit(&r, LIMIT_SERVER, 16000, 1000, 0); /* fallback: nothing */
    rig_run(&r, 1100);
    assert_int_equal(r.status.state, EVSE_STOPPING);
    rig_limit(&r, LIMIT_TEMPERATURE, 32000, 0, 0); /* not for anybody to set */
    assert_int_equal(r.control.commands_refused, 1);
}

static void drawing_too_much_stops_after_seven_seconds(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    double at = rig_now_us(&r);
    r.draw_a[1] = 20; /* 16 A · 1.1 + 0.5 A = 18.1 A */
    rig_run(&r, 6800);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    rig_run(&r, 400);
    assert_int_equal(r.status.fault, FAULT_OVERCURRENT);
    assert_false(r.coil);
    assert_true(r.coil_us - at >= 6.9e6);
    rig_charge(&r, NULL);
    r.draw_a[1] = 17.8;
    rig_run(&r, 15000);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    r.draw_a[2] = 80; /* far above the cable's 32 A: I²t */
    at = rig_now_us(&r);
    rig_run(&r, 500);
    assert_int_equal(r.status.fault, FAULT_OVERCURRENT_FAST);
    assert_false(r.coil);
    assert_true(r.coil_us - at <= 400e3);
}

static void flash_erase_stops_control_but_not_charging(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    for (int i = 0; i < 5; i++) {
        r.stall_us = rig_now_us(&r) + 400e3;
        rig_run(&r, 1000);
    }
    assert_int_equal(r.status.state, EVSE_CHARGING);
    assert_int_equal(r.status.faults, 0);
    assert_true(r.status.frames_lost > 0);
    assert_int_equal(r.closings, 1);
    /* The trip path works while control stands. */
    r.stall_us = rig_now_us(&r) + 400e3;
    double at = rig_now_us(&r);
    r.car = 'E';
    rig_run(&r, 100);
    assert_false(r.coil);
    assert_true(r.coil_us - at <= 20e3);
    rig_run(&r, 500);
    assert_int_equal(r.status.fault, FAULT_CP_SHORT);
}

static void a_dead_control_thread_opens(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    double at = rig_now_us(&r);
    r.stall_us = at + 3e6;
    rig_run(&r, 1100);
    assert_false(r.coil);
    assert_true(r.coil_us - at >= 0.98e6);
    rig_run(&r, 2000);
    assert_int_equal(r.status.fault, FAULT_GUARD);
}

static void power_up_with_a_car_in_c(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'C');
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    assert_int_equal(r.status.pilot, 'C');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    assert_true(rig_until(&r, EVSE_CHARGING, 3000));
    assert_true(r.status.diode_seen);
    rig_start(&r, NULL, 'B');
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    assert_int_equal(rig_count(&r, CONTROL_EV_PILOT, -1, 'F'), 0); /* no state F at a car */
    rig_start(&r, NULL, 'E');
    assert_int_equal(r.status.state, EVSE_FAULT);
    assert_int_equal(r.status.fault, FAULT_CP_SHORT);
    rig_car(&r, 'A');
    rig_run(&r, 1500);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void direct_a_to_c_and_b_to_d(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'C');
    assert_true(rig_until(&r, EVSE_CHARGING, 1500));
    struct control_cfg c = defaults();
    c.ventilation_allowed = true;
    rig_start(&r, &c, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'B');
    rig_run(&r, 1000);
    rig_car(&r, 'D');
    assert_true(rig_until(&r, EVSE_CHARGING, 1500));
    rig_car(&r, 'C');
    rig_run(&r, 300);
    rig_car(&r, 'D');
    rig_run(&r, 300);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    assert_int_equal(r.closings, 1);
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'B');
    rig_run(&r, 1000);
    rig_car(&r, 'D');
    rig_run(&r, 1500);
    assert_int_equal(r.status.fault, FAULT_VENTILATION);
    assert_int_equal(r.closings, 0);
    rig_car(&r, 'B');
    rig_run(&r, 7000);
    assert_int_equal(r.status.state, EVSE_OFFERING);
}

static void no_diode_no_current(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    r.no_diode = true;
    rig_car(&r, 'C');
    rig_run(&r, 5000);
    assert_int_equal(r.closings, 0);
    assert_int_equal(r.status.fault, FAULT_DIODE);
    rig_car(&r, 'A');
    rig_run(&r, 1500);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void a_blind_front_end_refuses_unless_allowed(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.cp_bipolar = c.sense.cp_bipolar = false;
    c.sense.cp_zero_dmv = -3029;
    c.sense.cp_gain_q16 = 28127;
    rig_start(&r, &c, 'A');
    assert_int_equal(r.status.fault, FAULT_NO_DIODE_CHECK);
    assert_false(r.status.diode_checkable);
    c.allow_no_diode_check = true;
    rig_charge(&r, &c);
    rig_run(&r, 3000);
    assert_int_equal(r.status.state, EVSE_CHARGING);
    assert_in_range(r.status.duty_read_bp, 2500, 2800);
    double at = rig_now_us(&r);
    r.car = 'E';
    opened_by(FAULT_CP_SHORT, at);
}

static void a_stuck_driver_is_a_fault(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    r.stuck_pilot = true;
    rig_car(&r, 'B');
    rig_run(&r, 1500);
    assert_int_equal(r.status.fault, FAULT_PILOT_DRIVER);
    rig_init(&r, NULL);
    r.stuck_pilot = true; /* the self-test's -12 V does not come */
    rig_run(&r, 1500);
    assert_int_equal(r.status.fault, FAULT_PILOT_DRIVER);
}

static void welded_contacts_are_found(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.aux_fitted = true;
    rig_charge(&r, &c);
    assert_in_range(r.status.contactor_close_us, 10000, 22000);
    r.weld = true;
    rig_car(&r, 'B');
    rig_run(&r, 500);
    assert_int_equal(r.status.fault, FAULT_WELDED);
    assert_int_equal(r.status.duty_bp, 0);
    rig_command(&r, CONTROL_CLEAR_FAULT, 0); /* the contacts are still closed: no */
    rig_run(&r, 100);
    assert_int_equal(r.status.fault, FAULT_WELDED);
    r.weld = false;
    rig_run(&r, 1000);
    assert_int_equal(r.status.fault, FAULT_WELDED);
    rig_command(&r, CONTROL_CLEAR_FAULT, 0);
    rig_run(&r, 100);
    assert_int_equal(r.status.faults, 0);

    rig_charge(&r, NULL); /* without aux contact: by the current */
    r.weld = true;
    rig_command(&r, CONTROL_AUTHORISE, 0);
    rig_run(&r, 6500);
    assert_int_equal(r.status.fault, FAULT_WELDED);
}

static void a_contactor_that_does_not_close_is_retried(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.aux_fitted = true;
    rig_start(&r, &c, 'A');
    r.no_close = true;
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'C');
    rig_run(&r, 1500);
    assert_int_equal(r.status.fault, FAULT_NO_CLOSE);
    r.no_close = false;
    rig_run(&r, 18000);
    assert_int_equal(r.status.state, EVSE_CHARGING);
}

static void a_bouncing_c_respects_the_minimum_off_time(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_car(&r, 'B');
    rig_run(&r, 150);
    double off = r.coil_us;
    rig_car(&r, 'C');
    rig_run(&r, 2900);
    assert_true(r.coil);
    assert_true(r.coil_us - off >= CONTACTOR_MIN_OFF_US);
    assert_int_equal(r.status.state, EVSE_CHARGING);
}

static void a_sleeping_car_is_woken_twice(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'B');
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_run(&r, 120000);
    assert_int_equal(rig_count(&r, CONTROL_EV_STATE, -1, EVSE_WAKING), EVSE_WAKES);
    assert_int_equal(r.status.state, EVSE_OFFERING);
    assert_int_equal(r.status.faults, 0);
    rig_car(&r, 'C');
    assert_true(rig_until(&r, EVSE_CHARGING, 1000));
}

static void lock_holds_the_cable(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.lock_fitted = true;
    rig_charge(&r, &c);
    assert_true(r.status.locked);
    rig_command(&r, CONTROL_UNLOCK, 0);
    rig_run(&r, 1000);
    assert_true(r.out.lock); /* not under load */
    rig_car(&r, 'B');
    rig_run(&r, 1000);
    assert_false(r.out.lock);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    rig_command(&r, CONTROL_AUTHORISE, 0);
    rig_run(&r, 1000);
    assert_false(r.out.lock); /* given back stays given back */
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'C');
    assert_true(rig_until(&r, EVSE_CHARGING, 5000)); /* the cable stayed: held again */
    assert_true(r.status.locked);
    rig_start(&r, &c, 'A');
    r.lock_stuck = true;
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'C');
    rig_run(&r, 8000);
    assert_int_equal(r.closings, 0);
    assert_int_equal(r.status.fault, FAULT_LOCK);
    rig_car(&r, 'A');
    rig_run(&r, 1000);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void residual_current_monitor_is_tested(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.rcm_fitted = true;
    rig_charge(&r, &c);
    assert_int_equal(r.status.faults, 0);
    double at = rig_now_us(&r);
    r.inputs |= GUARD_IN_RCM_FAULT;
    opened_by(FAULT_RCD, at);
    rig_init(&r, &c);
    r.rcm_stuck = true;
    rig_run(&r, 2500);
    assert_int_equal(r.status.fault, FAULT_RCM_TEST);
    r.rcm_stuck = false;
    rig_command(&r, CONTROL_CLEAR_FAULT, 0);
    rig_run(&r, 1000);
    rig_command(&r, CONTROL_CLEAR_FAULT, 0);
    rig_run(&r, 2000);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void heat_takes_current_away(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_limit(&r, LIMIT_SERVER, 80000, 0, 80000);
    rig_run(&r, 6000);
    assert_int_equal(r.status.offered_ma, 32000);
    r.in.temperature_mc = 70000;
    rig_run(&r, 50);
    assert_int_equal(r.status.offered_ma, 16000);
    assert_int_equal(r.status.offered_by, LIMIT_TEMPERATURE);
    r.in.temperature_mc = 80000;
    rig_run(&r, 50);
    assert_int_equal(r.status.state, EVSE_STOPPING);
    rig_car(&r, 'B');
    rig_run(&r, 1000);
    assert_int_equal(r.status.state, EVSE_WAITING);
    r.in.temperature_mc = 76000;
    rig_run(&r, 6000);
    assert_int_equal(r.status.state, EVSE_WAITING);
    r.in.temperature_mc = 50000;
    rig_run(&r, 6000);
    assert_int_equal(r.status.state, EVSE_OFFERING);
    r.in.temperature_mc = 95000;
    rig_run(&r, 50);
    assert_int_equal(r.status.fault, FAULT_OVERTEMPERATURE);
}

static void out_of_service_is_state_f(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_command(&r, CONTROL_AVAILABLE, 0);
    rig_run(&r, 1000);
    assert_int_equal(r.status.state, EVSE_STOPPING);
    rig_car(&r, 'B');
    rig_run(&r, 500);
    assert_int_equal(r.status.state, EVSE_UNAVAILABLE);
    assert_int_equal(r.status.duty_bp, 0);
    assert_int_equal(r.status.pilot, 'F');
    assert_false(r.status.authorised);
    rig_command(&r, CONTROL_AVAILABLE, 1);
    rig_run(&r, 100);
    assert_int_equal(r.status.state, EVSE_CONNECTED);
    rig_command(&r, CONTROL_AVAILABLE, 0);
    rig_run(&r, 100);
    r.car = 'A';
    r.frames.pp_mv = 2484; /* car and cable leave unseen by the pilot */
    rig_run(&r, 500);
    rig_command(&r, CONTROL_AVAILABLE, 1);
    rig_run(&r, 100);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void kept_open_on_command(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    rig_command(&r, CONTROL_CONTACTOR, 0);
    rig_run(&r, 50);
    assert_int_equal(r.status.state, EVSE_STOPPING);
    rig_run(&r, 6500);
    assert_int_equal(r.status.state, EVSE_WAITING);
    rig_command(&r, CONTROL_CONTACTOR, 1);
    assert_true(rig_until(&r, EVSE_CHARGING, 7000));
}

static void a_fault_in_c_shows_state_f(void **state)
{
    (void)state;
    rig_charge(&r, NULL);
    r.inputs |= GUARD_IN_RCD;
    rig_run(&r, 100);
    assert_int_equal(r.status.duty_bp, 0);
    double from = r.duty_us;
    rig_run(&r, 1000);
    assert_int_equal(r.status.duty_bp, 10000);
    assert_true(r.duty_us - from >= 300e3);
    r.inputs = 0;
    rig_run(&r, 3000);
    assert_int_equal(r.status.fault, FAULT_RCD); /* until the car has gone */
    rig_car(&r, 'A');
    rig_run(&r, 1500);
    assert_int_equal(r.status.state, EVSE_IDLE);
}

static void mains_out_of_limits_stops_and_waits(void **state)
{
    (void)state;
    struct control_cfg c = defaults();
    c.reconnect_min_ms = 3000;
    c.reconnect_random_ms = 0;
    rig_charge(&r, &c);
    for (int p = 0; p < 3; p++)
        r.frames.volt[p] = 170;
    rig_run(&r, 3000);
    assert_true(r.status.faults & (1u << FAULT_UNDERVOLTAGE));
    assert_false(r.contactor);
    for (int p = 0; p < 3; p++)
        r.frames.volt[p] = 230;
    rig_run(&r, 2500);
    assert_false(r.contactor);
    rig_run(&r, 9000);
    assert_int_equal(r.status.state, EVSE_CHARGING);
}

static void an_unrated_cable_offers_nothing(void **state)
{
    (void)state;
    rig_init(&r, NULL);
    r.frames.pp_mv = 1100; /* between 680 and 220 ohms */
    rig_run(&r, 1500);
    assert_int_equal(r.status.fault, FAULT_PP);
    assert_int_equal(r.status.cable_ma, PROXIMITY_INVALID);
    rig_init(&r, NULL);
    r.frames.pp_mv = 1890; /* 13 A */
    rig_run(&r, 1000);
    rig_command(&r, CONTROL_AUTHORISE, 1);
    rig_car(&r, 'C');
    assert_true(rig_until(&r, EVSE_CHARGING, 2000));
    assert_int_equal(r.status.offered_ma, 13000);
    assert_int_equal(r.status.offered_by, LIMIT_CABLE);
}

static void button_tells_how_long(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    r.inputs = GUARD_IN_BUTTON;
    rig_run(&r, 500);
    r.inputs = 0;
    rig_run(&r, 200);
    assert_int_equal(rig_count(&r, CONTROL_EV_BUTTON, -1, -1), 1);
    for (int i = 0; i < r.events_n; i++)
        if (r.events[i].type == CONTROL_EV_BUTTON)
            assert_in_range(r.events[i].a, 450, 550);
}

static void a_trip_is_told_once_with_its_reason_and_time(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        rig_charge(&r, NULL);
        int before = rig_count(&r, CONTROL_EV_TRIP, -1, -1);
        double at = rig_now_us(&r);
        if (round == 0)
            r.inputs |= GUARD_IN_RCD;
        else
            rig_car(&r, 'A');
        rig_run(&r, 500);
        r.inputs = 0;
        int32_t why = round == 0 ? GUARD_TRIP_RCD : GUARD_TRIP_UNPLUGGED;
        assert_int_equal(rig_count(&r, CONTROL_EV_TRIP, -1, why), 1);
        assert_int_equal(rig_count(&r, CONTROL_EV_TRIP, -1, -1), before + 1);
        for (int i = 0; i < r.events_n; i++) {
            const struct control_event *e = &r.events[i];
            if (e->type != CONTROL_EV_TRIP || e->b != why)
                continue;
            assert_true(e->a & why);
            assert_true((double)e->at_us >= at && (double)e->at_us < at + 50000);
            assert_int_equal(e->at_us, r.status.guard_trip_us);
            assert_in_range(e->c, round == 0 ? 5000 : 11000, round == 0 ? 7000 : 13000);
        }
    }
}

static void the_event_queue_keeps_faults_and_states(void **state)
{
    (void)state;
    rig_start(&r, NULL, 'A');
    struct control_event e;
    r.in.now_us = (uint64_t)rig_now_us(&r);
    for (int i = 0; i < 60; i++) { /* nobody drains */
        uint16_t raw[SENSE_FRAME_LEN];
        uint64_t end_us;
        frames_pilot(&r.frames, i % 2 ? 'B' : 'A', true);
        for (int k = 0; k < 6; k++) {
            size_t n = frames_next(&r.frames, raw, &end_us);
            guard_on_frame(&r.guard, raw, n, end_us, 0);
        }
        r.in.now_us = end_us;
        if (i == 50)
            frames_pilot(&r.frames, 'A', true);
        control_step(&r.control, &r.in, &r.out);
    }
    int n = 0, states = 0;
    while (control_next_event(&r.control, &e)) {
        n++;
        states += e.type == CONTROL_EV_STATE;
    }
    assert_int_equal(n, CONTROL_EVENTS);
    assert_true(states > 16); /* they pushed the others out */
    control_status_read(&r.control, &r.status);
    assert_true(r.status.events_lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boots_to_idle_within_a_second),
        cmocka_unit_test(charges_an_ordinary_car),
        cmocka_unit_test(closes_within_a_second_of_c),
        cmocka_unit_test(a_c_pulse_of_250_ms_does_not_close),
        cmocka_unit_test(s2_opens_with_current_gone),
        cmocka_unit_test(residual_current_is_waited_for),
        cmocka_unit_test(residual_current_does_not_delay_beyond_80_ms),
        cmocka_unit_test(unplugging_opens_at_once_and_ends_authorisation),
        cmocka_unit_test(authorisation_waits_for_a_car),
        cmocka_unit_test(faults_open_within_20_ms),
        cmocka_unit_test(a_converter_that_stays_dead_stays_a_fault),
        cmocka_unit_test(a_changed_cable_opens),
        cmocka_unit_test(stops_by_asking_the_car_first),
        cmocka_unit_test(a_deaf_car_is_disconnected_after_six_seconds),
        cmocka_unit_test(limits_move_the_duty),
        cmocka_unit_test(a_lease_ends_in_its_fallback),
        cmocka_unit_test(drawing_too_much_stops_after_seven_seconds),
        cmocka_unit_test(flash_erase_stops_control_but_not_charging),
        cmocka_unit_test(a_dead_control_thread_opens),
        cmocka_unit_test(power_up_with_a_car_in_c),
        cmocka_unit_test(direct_a_to_c_and_b_to_d),
        cmocka_unit_test(no_diode_no_current),
        cmocka_unit_test(a_blind_front_end_refuses_unless_allowed),
        cmocka_unit_test(a_stuck_driver_is_a_fault),
        cmocka_unit_test(welded_contacts_are_found),
        cmocka_unit_test(a_contactor_that_does_not_close_is_retried),
        cmocka_unit_test(a_bouncing_c_respects_the_minimum_off_time),
        cmocka_unit_test(a_sleeping_car_is_woken_twice),
        cmocka_unit_test(lock_holds_the_cable),
        cmocka_unit_test(residual_current_monitor_is_tested),
        cmocka_unit_test(heat_takes_current_away),
        cmocka_unit_test(out_of_service_is_state_f),
        cmocka_unit_test(kept_open_on_command),
        cmocka_unit_test(a_fault_in_c_shows_state_f),
        cmocka_unit_test(mains_out_of_limits_stops_and_waits),
        cmocka_unit_test(an_unrated_cable_offers_nothing),
        cmocka_unit_test(button_tells_how_long),
        cmocka_unit_test(a_trip_is_told_once_with_its_reason_and_time),
        cmocka_unit_test(the_event_queue_keeps_faults_and_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
