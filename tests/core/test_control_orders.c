/* control, what it is asked and what it offers: each command, the slots of the current, the lock, the button,
 * and what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/contactor.h"
#include "tests/core/desk.h"

static struct desk d; /* large; each test starts it afresh */

static struct control_cfg defaults(void)
{
    struct control_cfg c;
    control_cfg_default(&c);
    return c;
}

static void is_event(const struct control_event *e, uint64_t at_us, enum control_event_type type, int32_t a,
                     int32_t b, int32_t c)
{
    assert_non_null(e);
    if (e->at_us != at_us || e->type != type || e->a != a || e->b != b || e->c != c)
        fail_msg("event %d at %.3f ms: %d %d %d, should be %d at %.3f ms: %d %d %d", e->type,
                 (double)e->at_us / 1e3, e->a, e->b, e->c, type, (double)at_us / 1e3, a, b, c);
}

static uint32_t bit(enum fault f)
{
    return 1u << f;
}

/* The newest event about this fault. */
static const struct control_event *fault_event(enum fault f)
{
    for (int i = d.events_n; i-- > 0;)
        if (d.events[i].type == CONTROL_EV_FAULT && d.events[i].a == (int32_t)f)
            return &d.events[i];
    return NULL;
}

/* ---- commands ---- */

static void limits_that_may_be_set_and_those_that_are_measured(void **state)
{
    (void)state;
    static const bool may[LIMIT_SLOTS] = {
        [LIMIT_INSTALLATION] = true, [LIMIT_SERVER] = true, [LIMIT_USER] = true};
    desk_start(&d, NULL, 'A');
    uint32_t refused = 0;
    for (int s = 0; s <= LIMIT_SLOTS; s++) {
        struct limit before = s < LIMIT_SLOTS ? d.status.limit[s] : d.status.limit[0];
        desk_limit(&d, (enum limit_slot)s, 9000 + s, 1500, 7000 + s);
        refused += s == LIMIT_SLOTS || !may[s];
        assert_int_equal(d.control.commands_refused, refused);
        uint64_t asked_us = d.now_us;
        desk_step(&d);
        if (s == LIMIT_SLOTS)
            continue;
        const struct limit *l = &d.status.limit[s];
        assert_int_equal(l->ma, may[s] ? 9000 + s : before.ma);
        assert_int_equal(l->fallback_ma, may[s] ? 7000 + s : before.fallback_ma);
        assert_int_equal(l->expires_us, may[s] ? asked_us + 1500000 : 0);
        desk_limit(&d, (enum limit_slot)s, 8000, -1, 0); /* a lease that has ended before it began */
        assert_int_equal(d.control.commands_refused, ++refused);
        desk_step(&d);
        assert_int_equal(d.status.limit[s].ma, may[s] ? 9000 + s : before.ma);
    }
    desk_limit(&d, LIMIT_USER, 11000, 0, 6500); /* for ever */
    desk_step(&d);
    assert_int_equal(d.status.limit[LIMIT_USER].expires_us, 0);
    assert_int_equal(d.status.limit[LIMIT_USER].ma, 11000);
    assert_int_equal(d.status.limit[LIMIT_USER].fallback_ma, 6500);
    desk_limit(&d, LIMIT_USER, 11000, 1, 6500);
    desk_step(&d);
    assert_int_equal(d.status.limit[LIMIT_USER].expires_us, d.now_us - CONTROL_PERIOD_US + 1000);
}

static void senseless_orders_change_nothing(void **state)
{
    (void)state;
    desk_charge(&d, NULL);
    for (int type = CONTROL_CMD_TYPES; type < 256; type++) {
        const struct control_cmd cmd = {.type = (uint8_t)type, .a = 0};
        control_command(&d.control, &cmd, d.now_us);
    }
    assert_int_equal(d.control.commands_refused, 256 - CONTROL_CMD_TYPES);
    d.events_n = 0;
    desk_run(&d, 100);
    assert_int_equal(d.events_n, 0);
    assert_int_equal(d.status.state, EVSE_CHARGING);
    for (int type = 0; type < CONTROL_CMD_TYPES; type++)
        if (type != CONTROL_LIMIT)
            desk_command(&d, (enum control_cmd_type)type, 0);
    desk_limit(&d, LIMIT_SERVER, 7000, 0, 0);
    assert_int_equal(d.control.commands_refused, 256 - CONTROL_CMD_TYPES);
}

static void authorised_is_anything_but_zero(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    static const int32_t yes[] = {1, 2, -1, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        desk_command(&d, CONTROL_AUTHORISE, yes[i]);
        desk_command(&d, CONTROL_AVAILABLE, yes[i]);
        desk_command(&d, CONTROL_CONTACTOR, yes[i]);
        desk_step(&d);
        assert_true(d.status.authorised && d.status.available);
        assert_false(d.control.keep_open);
        desk_command(&d, CONTROL_AUTHORISE, 0);
        desk_command(&d, CONTROL_CONTACTOR, 0);
        desk_step(&d);
        assert_false(d.status.authorised);
        assert_true(d.control.keep_open);
        assert_int_equal(d.status.state, EVSE_IDLE);
    }
    desk_command(&d, CONTROL_AVAILABLE, 0);
    desk_step(&d);
    assert_false(d.status.available);
    assert_int_equal(d.status.state, EVSE_UNAVAILABLE);
}

static void unlocking_ends_the_authorisation_and_lasts_until_the_car_has_gone(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.lock_fitted = true;
    desk_start(&d, &cfg, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    assert_false(d.out.lock || d.status.locked);
    desk_car(&d, 'B');
    d.events_n = 0;
    desk_run(&d, 100);
    assert_true(d.out.lock && d.status.locked);
    const struct control_event *e = desk_last(&d, CONTROL_EV_LOCK);
    is_event(e, e->at_us, CONTROL_EV_LOCK, 1, 1, 0);
    desk_command(&d, CONTROL_UNLOCK, 0);
    desk_step(&d);
    assert_false(d.status.authorised);
    desk_run(&d, 100);
    assert_false(d.out.lock || d.status.locked);
    e = desk_last(&d, CONTROL_EV_LOCK);
    is_event(e, e->at_us, CONTROL_EV_LOCK, 0, 1, 0);
    desk_run(&d, 3000);
    assert_false(d.out.lock);
    desk_command(&d, CONTROL_AUTHORISE, 0); /* changes nothing */
    desk_run(&d, 100);
    assert_false(d.out.lock);
    desk_car(&d, 'A');
    desk_run(&d, 100);
    desk_car(&d, 'B'); /* the next one */
    desk_run(&d, 100);
    assert_true(d.out.lock);
    assert_int_equal(desk_count(&d, CONTROL_EV_LOCK), 3);

    /* Without a lock there is nothing that could be locked. */
    desk_start(&d, NULL, 'B');
    assert_false(d.out.lock || d.status.locked);
    assert_int_equal(desk_count(&d, CONTROL_EV_LOCK), 0);
}

static void what_is_live_stays_locked(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.lock_fitted = true;
    desk_charge(&d, &cfg);
    desk_command(&d, CONTROL_UNLOCK, 0);
    desk_run(&d, 1000);
    assert_int_equal(d.status.state, EVSE_STOPPING);
    assert_true(d.out.lock);
    desk_car(&d, 'B');
    desk_run(&d, 300);
    assert_false(d.out.lock);

    /* A current that flows on through welded contacts: 1 A, no auxiliary contact. */
    for (int k = 0; k < 2; k++) {
        desk_charge(&d, &cfg);
        d.amp[0] = d.amp[2] = 0;
        d.amp[1] = k ? 0.97 : 1.03;
        desk_run(&d, 300);
        d.weld = true;
        desk_car(&d, 'A');
        desk_run(&d, 1000);
        assert_int_equal(d.out.lock, k == 0);
    }
    /* Welded, seen by the auxiliary contact alone. */
    cfg.aux_fitted = true;
    desk_charge(&d, &cfg);
    d.amp[0] = d.amp[1] = d.amp[2] = 0;
    d.weld = true;
    desk_car(&d, 'A');
    desk_run(&d, 1000);
    assert_true(d.out.lock);
    assert_true(d.status.faults & bit(FAULT_WELDED));
    d.weld = false;
    desk_run(&d, 300);
    assert_false(d.out.lock);

    /* The guard is armed, and its coil not yet on. */
    desk_start(&d, &cfg, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'C');
    assert_true(desk_until(&d, EVSE_CLOSING, 2000));
    assert_true(d.guard.armed && !d.guard.coil);
    d.dead_adc = true;
    desk_command(&d, CONTROL_UNLOCK, 0);
    desk_step_after(&d, 5000);
    assert_true(d.out.lock);
    desk_step_after(&d, 5000);
    assert_false(d.out.lock);

    /* A current of which nothing is known any more does not hold the plug for ever. */
    cfg = defaults();
    cfg.lock_fitted = true;
    desk_charge(&d, &cfg);
    d.dead_adc = true;
    desk_run(&d, 500);
    assert_true(d.out.lock);
    desk_command(&d, CONTROL_UNLOCK, 0);
    desk_run(&d, 100);
    assert_false(d.out.lock);

    /* The coil is driven, nothing else. */
    cfg = defaults();
    cfg.lock_fitted = cfg.aux_fitted = true;
    desk_start(&d, &cfg, 'B');
    assert_true(d.out.lock);
    for (int i = 0; i < 40; i++) {
        desk_car(&d, 'A');
        d.guard.coil = 1;
        d.now_us += 10000;
        d.dead_adc = true; /* the guard's words stay as they are */
        d.guard.frames++;
        d.guard.frame_us = (uint32_t)d.now_us;
        struct sense_frame *f = &d.guard.ring[d.guard.head % GUARD_RING];
        *f = (struct sense_frame){.end_us = d.now_us, .seq = d.seq++, .samples = 200};
        f->cp.n_high = f->cp.n_above = 100;
        f->cp.high_mv = 12000;
        d.guard.head++;
        desk_step_after(&d, 0);
    }
    assert_int_equal(d.status.state == EVSE_IDLE || d.status.state == EVSE_FAULT, true);
    assert_true(d.out.lock);
}

static void a_lock_that_sticks_is_told(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.lock_fitted = true;
    desk_start(&d, &cfg, 'A');
    d.lock_stuck = true;
    desk_car(&d, 'B');
    desk_run(&d, 6000);
    const struct control_event *e = desk_last(&d, CONTROL_EV_LOCK);
    is_event(e, e->at_us, CONTROL_EV_LOCK, 1, 0, 0);
    is_event(fault_event(FAULT_LOCK), e->at_us, CONTROL_EV_FAULT, FAULT_LOCK, 1, 0);
    assert_true(d.status.faults & bit(FAULT_LOCK));
    assert_false(d.status.locked);
}

static void kept_open_on_command(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_command(&d, CONTROL_CONTACTOR, 0);
    desk_car(&d, 'C');
    desk_run(&d, 3000);
    assert_int_equal(d.status.state, EVSE_WAITING);
    assert_int_equal(d.out.duty_bp, PILOT_STEADY);
    desk_command(&d, CONTROL_CONTACTOR, 1);
    assert_true(desk_until(&d, EVSE_CHARGING, 3000));
}

static void an_acknowledgement_counts_for_one_step(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'B');
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_step(&d);
    d.inputs = GUARD_IN_RCD;
    desk_run(&d, 50);
    assert_int_equal(d.status.faults, bit(FAULT_RCD));
    desk_command(&d, CONTROL_CLEAR_FAULT, 0); /* still there: not now, and not later by itself */
    desk_run(&d, 50);
    d.inputs = 0;
    desk_run(&d, 3000);
    assert_int_equal(d.status.faults, bit(FAULT_RCD));
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_step(&d);
    assert_int_equal(d.status.faults, 0);
    is_event(fault_event(FAULT_RCD), d.now_us, CONTROL_EV_FAULT, FAULT_RCD, 0, 0);
}

static void the_button(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    d.events_n = 0;
    d.inputs = GUARD_IN_BUTTON;
    desk_run(&d, 20); /* two steps: the contact bounces */
    d.inputs = 0;
    desk_run(&d, 500);
    assert_int_equal(d.events_n, 0);
    for (int i = 0; i < 50; i++) { /* bounces for half a second */
        d.inputs = i % 3 == 2 ? 0 : GUARD_IN_BUTTON;
        desk_step(&d);
    }
    d.inputs = 0;
    desk_run(&d, 500);
    assert_int_equal(d.events_n, 0);
    for (int ms = 30; ms <= 5030; ms += 1000) {
        d.events_n = 0;
        d.inputs = GUARD_IN_BUTTON;
        desk_run(&d, ms / 2 / 10 * 10);
        if (ms > 1000) {
            d.inputs = 0; /* lets go for a moment */
            desk_run(&d, 20);
            d.inputs = GUARD_IN_BUTTON;
            desk_run(&d, ms - ms / 2 / 10 * 10 - 20);
        } else {
            desk_run(&d, ms - ms / 2 / 10 * 10);
        }
        d.inputs = 0;
        desk_run(&d, 20);
        assert_int_equal(d.events_n, 0); /* told when it is let go */
        desk_step(&d);
        assert_int_equal(d.events_n, 1);
        is_event(&d.events[0], d.now_us, CONTROL_EV_BUTTON, ms, 0, 0);
        desk_run(&d, 200);
        assert_int_equal(d.events_n, 1);
    }
    /* Pressed since the very first microsecond. */
    desk_init_at(&d, NULL, 0, 1, NULL, 0);
    d.inputs = GUARD_IN_BUTTON;
    for (int i = 0; i < 4; i++)
        desk_step_after(&d, 0);
    desk_run(&d, 500);
    d.inputs = 0;
    desk_run(&d, 30);
    assert_int_equal(desk_count(&d, CONTROL_EV_BUTTON), 1);
    assert_in_range(desk_last(&d, CONTROL_EV_BUTTON)->a, 529, 530);
}

/* ---- limits ---- */

static void each_slot_and_what_it_takes(void **state)
{
    (void)state;
    desk_charge(&d, NULL);
    const struct limit *l = d.status.limit;
    assert_int_equal(l[LIMIT_INSTALLATION].ma, 32000);
    assert_int_equal(l[LIMIT_CABLE].ma, 32000);
    assert_int_equal(l[LIMIT_SERVER].ma, 16000);
    assert_int_equal(l[LIMIT_TEMPERATURE].ma, LIMIT_NONE_MA);
    assert_int_equal(l[LIMIT_SUPPLY].ma, LIMIT_NONE_MA);
    assert_int_equal(l[LIMIT_PHASE_LOSS].ma, LIMIT_NONE_MA);
    assert_int_equal(l[LIMIT_USER].ma, LIMIT_NONE_MA);
    for (int s = LIMIT_CABLE; s < LIMIT_SLOTS; s++)
        if (s != LIMIT_SERVER && s != LIMIT_USER) {
            assert_int_equal(l[s].expires_us, 0);
            assert_int_equal(l[s].fallback_ma, 0);
        }
    desk_limit(&d, LIMIT_SERVER, 80000, 0, 0);
    desk_run(&d, 5000);
    assert_int_equal(d.status.offered_ma, 32000);
    assert_int_equal(d.status.offered_by, LIMIT_INSTALLATION);
    d.in.temperature_mc = 70000; /* half way: half of the installation's current */
    desk_step(&d);
    assert_int_equal(d.status.temperature_mc, 70000);
    assert_true(d.status.temperature_valid);
    assert_int_equal(l[LIMIT_TEMPERATURE].ma, 16000);
    assert_int_equal(d.status.offered_by, LIMIT_TEMPERATURE);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), d.now_us, CONTROL_EV_LIMIT, 16000, LIMIT_TEMPERATURE, 2666);
    desk_limit(&d, LIMIT_INSTALLATION, 20000, 0, 0);
    desk_step(&d);
    assert_int_equal(l[LIMIT_TEMPERATURE].ma, 10000);
    d.in.temperature_valid = false;
    desk_step(&d);
    assert_int_equal(d.status.temperature_mc, 0);
    assert_false(d.status.temperature_valid);
    desk_run(&d, 10000);
    assert_int_equal(l[LIMIT_TEMPERATURE].ma, 6000); /* the sensor has fallen silent */

    struct control_cfg cfg = defaults();
    cfg.temperature_fitted = false;
    desk_charge(&d, &cfg);
    d.in.temperature_mc = 100000;
    desk_run(&d, 100);
    assert_int_equal(l[LIMIT_TEMPERATURE].ma, LIMIT_NONE_MA);
    assert_int_equal(d.status.faults, 0);

    desk_charge(&d, NULL);
    d.volt[1] = 0; /* L2 is lost */
    d.amp[1] = 0;
    desk_run(&d, 1500);
    assert_int_equal(l[LIMIT_PHASE_LOSS].ma, 20000);
    assert_int_equal(d.status.faults, 0);
    desk_charge(&d, NULL);
    d.volt[2] = 185; /* 102.8 % of the undervoltage limit: 9.4 A */
    desk_run(&d, 8000);
    assert_in_range(l[LIMIT_SUPPLY].ma, 9200, 9600);
    assert_int_equal(d.status.offered_by, LIMIT_SUPPLY);
}

static void heat_by_the_settings(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    cfg.derate_start_mc = 50000;
    cfg.derate_stop_mc = 66000;
    desk_start(&d, &cfg, 'A');
    d.in.temperature_mc = 50000;
    desk_step(&d);
    assert_int_equal(d.status.limit[LIMIT_TEMPERATURE].ma, LIMIT_NONE_MA);
    d.in.temperature_mc = 58000;
    desk_step(&d);
    assert_int_equal(d.status.limit[LIMIT_TEMPERATURE].ma, 16000);
    d.in.temperature_mc = 66000;
    desk_step(&d);
    assert_int_equal(d.status.limit[LIMIT_TEMPERATURE].ma, 0);
    assert_int_equal(d.status.faults, 0);
    d.in.temperature_mc = 76000;
    desk_step(&d);
    assert_int_equal(d.status.faults, bit(FAULT_OVERTEMPERATURE));
    is_event(fault_event(FAULT_OVERTEMPERATURE), d.now_us, CONTROL_EV_FAULT, FAULT_OVERTEMPERATURE, 1, 0);
}

static void six_amperes_or_nothing(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_limit(&d, LIMIT_SERVER, 6000, 0, 0);
    desk_car(&d, 'B');
    desk_run(&d, 100);
    assert_int_equal(d.status.state, EVSE_OFFERING);
    assert_int_equal(d.out.duty_bp, 1000);
    assert_int_equal(d.status.offered_ma, 6000);
    desk_limit(&d, LIMIT_SERVER, 5999, 0, 0);
    desk_step(&d);
    assert_int_equal(d.status.state, EVSE_WAITING);
    assert_int_equal(d.out.duty_bp, PILOT_STEADY);
    assert_int_equal(d.status.offered_ma, 0);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), d.now_us, CONTROL_EV_LIMIT, 0, LIMIT_SERVER, PILOT_STEADY);
}

static void an_offer_is_told_when_it_changes(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 2); /* the self-test's state F, and back */
    desk_limit(&d, LIMIT_SERVER, 9000, 0, 0); /* nothing is offered: nobody cares who limits it */
    desk_run(&d, 50);
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 2);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 100);
    const struct control_event *e = desk_last(&d, CONTROL_EV_LIMIT);
    is_event(e, e->at_us, CONTROL_EV_LIMIT, 9000, LIMIT_SERVER, 1500);
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 3);
    desk_limit(&d, LIMIT_USER, 9000, 0, 0); /* the same: the slot before it wins */
    desk_step(&d);
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 3);
    desk_limit(&d, LIMIT_SERVER, 10000, 0, 0); /* now the user's rules, with the same current */
    desk_step(&d);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), d.now_us, CONTROL_EV_LIMIT, 9000, LIMIT_USER, 1500);
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 4);
    desk_limit(&d, LIMIT_USER, 9003, 0, 0); /* another current that has the same duty */
    desk_step(&d);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), d.now_us, CONTROL_EV_LIMIT, 9003, LIMIT_USER, 1500);
    desk_limit(&d, LIMIT_USER, 20000, 0, 0); /* more has to wait: meanwhile what the duty says */
    desk_limit(&d, LIMIT_SERVER, 20000, 0, 0);
    desk_step(&d);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), d.now_us, CONTROL_EV_LIMIT, 9000, LIMIT_SERVER, 1500);
    assert_int_equal(d.status.offered_ma, 9000);
    desk_run(&d, 5000);
    is_event(desk_last(&d, CONTROL_EV_LIMIT), desk_last(&d, CONTROL_EV_LIMIT)->at_us, CONTROL_EV_LIMIT, 20000,
             LIMIT_SERVER, 3333);
    assert_int_equal(desk_count(&d, CONTROL_EV_LIMIT), 7);
}

static void drawing_more_than_offered(void **state)
{
    (void)state;
    desk_charge(&d, NULL);
    d.amp[1] = 18.0; /* 16 A and a tenth and half an ampere: 18.1 A */
    desk_run(&d, 9000);
    assert_int_equal(d.status.faults, 0);
    d.amp[1] = 18.3;
    uint64_t from = d.now_us;
    while (!d.status.faults && d.now_us < from + 9000000)
        desk_step(&d);
    assert_int_equal(d.status.faults, bit(FAULT_OVERCURRENT));
    assert_in_range((d.now_us - from) / 1000, 7000, 7040);
    assert_true(d.out.coil_off);
    const struct control_event *e = fault_event(FAULT_OVERCURRENT);
    assert_in_range(e->c, 18250, 18350); /* the largest phase */
    is_event(e, d.now_us, CONTROL_EV_FAULT, FAULT_OVERCURRENT, 1, e->c);

    /* Offered means what the pilot says, not what will be said: a raise that still waits does not count. */
    desk_charge(&d, NULL);
    desk_run(&d, 6000);
    desk_limit(&d, LIMIT_SERVER, 10000, 0, 0);
    desk_step(&d);
    desk_limit(&d, LIMIT_SERVER, 32000, 0, 0);
    desk_step(&d);
    assert_int_equal(d.status.offered_ma, 9996);
    assert_int_equal(d.status.offered_by, LIMIT_INSTALLATION);

    /* While it is asked to stop the six seconds rule, not the seven. */
    desk_charge(&d, NULL);
    d.amp[0] = 14;
    desk_command(&d, CONTROL_AUTHORISE, 0);
    desk_run(&d, 5900);
    assert_int_equal(d.status.state, EVSE_STOPPING);
    desk_run(&d, 2000);
    assert_int_equal(d.status.faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_that_may_be_set_and_those_that_are_measured),
        cmocka_unit_test(senseless_orders_change_nothing),
        cmocka_unit_test(authorised_is_anything_but_zero),
        cmocka_unit_test(unlocking_ends_the_authorisation_and_lasts_until_the_car_has_gone),
        cmocka_unit_test(what_is_live_stays_locked),
        cmocka_unit_test(a_lock_that_sticks_is_told),
        cmocka_unit_test(kept_open_on_command),
        cmocka_unit_test(an_acknowledgement_counts_for_one_step),
        cmocka_unit_test(the_button),
        cmocka_unit_test(each_slot_and_what_it_takes),
        cmocka_unit_test(heat_by_the_settings),
        cmocka_unit_test(six_amperes_or_nothing),
        cmocka_unit_test(an_offer_is_told_when_it_changes),
        cmocka_unit_test(drawing_more_than_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
