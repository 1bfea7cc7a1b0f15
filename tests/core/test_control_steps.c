/* control, step by step: the way from power-up to idle, what it makes of frames and of their absence, its
 * clock, and the queue of its events. */
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

/* ---- start ---- */

static void settings_of_a_station_that_nobody_has_set_up(void **state)
{
    (void)state;
    struct control_cfg c;
    memset(&c, 0x5a, sizeof c);
    control_cfg_default(&c);
    assert_int_equal(c.phases, 3);
    assert_int_equal(c.installation_ma, 32000);
    assert_true(c.cp_bipolar && c.temperature_fitted);
    assert_false(c.allow_no_diode_check || c.ventilation_allowed || c.aux_fitted || c.lock_fitted ||
                 c.rcm_fitted);
    assert_int_equal(c.derate_start_mc, 60000);
    assert_int_equal(c.derate_stop_mc, 80000);
    assert_int_equal(c.undervoltage_mv, 180000);
    assert_int_equal(c.overvoltage_mv, 270000);
    assert_int_equal(c.freq_min_mhz, 47000);
    assert_int_equal(c.freq_max_mhz, 52000);
    assert_int_equal(c.reconnect_min_ms, 10000);
    assert_int_equal(c.reconnect_random_ms, 20000);
    assert_int_equal(c.metering.i_gain_ppm[2], 1000000);
    assert_int_equal(c.sense.cp_zero_dmv, 13000);
}

static void before_the_first_step(void **state)
{
    (void)state;
    struct meter_reading start = {.import_uwh = {11, 22, 33}, .import_total_uwh = 66};
    struct control_cfg cfg = defaults();
    cfg.installation_ma = 20000;
    desk_init_at(&d, &cfg, 7000, 1, &start, 4711);
    const struct control_status *s = &d.status;
    assert_int_equal(s->at_us, 7000);
    assert_int_equal(s->state, EVSE_SELF_TEST);
    assert_int_equal(s->pilot, '?');
    assert_int_equal(s->duty_bp, PILOT_STEADY);
    assert_int_equal(s->duty_read_bp, PILOT_STEADY);
    assert_true(s->available && s->diode_checkable);
    assert_false(s->authorised || s->contactor_closed || s->locked || s->diode_seen || s->contactor_drift);
    assert_int_equal(s->contactor_open_us, -1);
    assert_int_equal(s->contactor_close_us, -1);
    assert_int_equal(s->contactor_cycles, 4711);
    assert_int_equal(s->meter.import_uwh[1], 22);
    assert_int_equal(s->meter.import_total_uwh, 66);
    assert_int_equal(s->meter.phases, 3);
    assert_false(s->meter.valid);
    assert_int_equal(s->faults, 0);
    assert_int_equal(s->limit[LIMIT_INSTALLATION].ma, 20000);
    assert_int_equal(s->limit[LIMIT_INSTALLATION].expires_us, 0);
    assert_int_equal(s->limit[LIMIT_INSTALLATION].fallback_ma, 0);
    assert_int_equal(s->limit[LIMIT_CABLE].ma, 0);
    assert_int_equal(s->limit[LIMIT_CABLE].expires_us, 0);
    assert_int_equal(s->limit[LIMIT_CABLE].fallback_ma, 0);
    for (int i = LIMIT_SERVER; i < LIMIT_SLOTS; i++) {
        assert_int_equal(s->limit[i].ma, LIMIT_NONE_MA);
        assert_int_equal(s->limit[i].fallback_ma, LIMIT_NONE_MA);
    }
    assert_int_equal(d.guard.armed, 0); /* whatever it was */
    struct control_event e;
    assert_false(control_next_event(&d.control, &e));
    cfg.cp_bipolar = false;
    desk_init(&d, &cfg);
    assert_false(d.status.diode_checkable);
}

static void one_phase_or_three(void **state)
{
    (void)state;
    static const struct {
        uint8_t asked, is;
    } cases[] = {{0, 3}, {1, 1}, {2, 3}, {3, 3}, {9, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct control_cfg cfg = defaults();
        cfg.phases = cases[i].asked;
        cfg.metering.phases = cases[i].is == 1 ? 3 : 1; /* the installation decides */
        desk_charge(&d, &cfg);
        assert_int_equal(d.status.meter.phases, cases[i].is);
        assert_true(d.status.phases_used[0]);
        assert_int_equal(d.status.phases_used[1], cases[i].is == 3);
        assert_int_equal(d.status.phases_used[2], cases[i].is == 3);
        assert_int_equal(d.guard.limit_words[0] >> 8, cases[i].is);
    }
}

static void the_way_to_idle(void **state)
{
    (void)state;
    desk_init(&d, NULL);
    desk_run(&d, 240);
    assert_int_equal(d.out.duty_bp, PILOT_STEADY);
    assert_int_equal(d.status.at_us, d.now_us);
    assert_true(d.out.coil_off);
    desk_run(&d, 20); /* a quarter of a second has been watched */
    assert_int_equal(d.out.duty_bp, PILOT_F);
    assert_int_equal(d.status.duty_bp, PILOT_F);
    desk_run(&d, 240);
    assert_int_equal(d.status.state, EVSE_IDLE);
    assert_int_equal(d.status.faults, 0);
    const struct control_event *e = d.events;
    is_event(&e[0], DESK_START_US + 20000, CONTROL_EV_PILOT, '?', 'A', 12000); /* in the fourth frame */
    int cable = 0;
    for (int i = 1; i < d.events_n; i++)
        if (e[i].type == CONTROL_EV_CABLE) {
            is_event(&e[i], e[i].at_us, CONTROL_EV_CABLE, 32000, 0, 0);
            assert_int_equal(e[i].at_us % CONTROL_PERIOD_US, 0);
            cable++;
        }
    assert_int_equal(cable, 1);
    const struct control_event *last = desk_last(&d, CONTROL_EV_STATE);
    is_event(last, last->at_us, CONTROL_EV_STATE, EVSE_SELF_TEST, EVSE_IDLE, 0);
    assert_int_equal(desk_count(&d, CONTROL_EV_STATE), 1);
    int pilots = 0;
    for (int i = 0; i < d.events_n; i++)
        if (e[i].type == CONTROL_EV_PILOT && ++pilots == 2)
            is_event(&e[i], e[i].at_us, CONTROL_EV_PILOT, 'A', 'F', -12000);
        else if (e[i].type == CONTROL_EV_PILOT && pilots == 3)
            is_event(&e[i], e[i].at_us, CONTROL_EV_PILOT, 'F', 'A', 12000);
    assert_int_equal(pilots, 3);
    /* Steps: PILOT from its frame, then what the step found. */
    for (int i = 1; i < d.events_n; i++)
        assert_true(e[i].at_us + CONTROL_PERIOD_US > e[i - 1].at_us);
}

static void what_the_self_test_must_see(void **state)
{
    (void)state;
    struct control_cfg cfg = defaults();
    /* The -12 V half does not come. */
    desk_init(&d, NULL);
    desk_run(&d, 250);
    assert_int_equal(d.out.duty_bp, PILOT_F);
    d.stuck_pilot = true;
    desk_run(&d, 190);
    assert_int_equal(d.status.faults, 0);
    desk_run(&d, 20);
    assert_int_equal(d.status.faults, bit(FAULT_PILOT_DRIVER));
    assert_int_equal(fault_event(FAULT_PILOT_DRIVER)->c, 10000); /* the duty that was read */
    /* With a car nobody tries it. */
    desk_start(&d, NULL, 'B');
    assert_int_equal(d.status.state, EVSE_CONNECTED);
    for (int i = 0; i < d.events_n; i++)
        assert_true(d.events[i].type != CONTROL_EV_PILOT || d.events[i].b != 'F');
    /* A front end without the negative half can't see it either. */
    cfg.cp_bipolar = false;
    cfg.allow_no_diode_check = true;
    desk_start(&d, &cfg, 'A');
    assert_int_equal(d.status.state, EVSE_IDLE);
    for (int i = 0; i < d.events_n; i++)
        assert_true(d.events[i].type != CONTROL_EV_PILOT || d.events[i].b != 'F');

    /* The coil is driven although nobody has armed. */
    desk_init(&d, NULL);
    desk_run(&d, 50);
    d.guard.coil = 1;
    d.guard.coil_us = (uint32_t)d.now_us;
    desk_step_after(&d, 0);
    desk_run(&d, 940);
    assert_int_equal(d.status.faults, 0);
    desk_run(&d, 20);
    assert_int_equal(d.status.faults, bit(FAULT_GUARD));
    is_event(fault_event(FAULT_GUARD), DESK_START_US + 1000000, CONTROL_EV_FAULT, FAULT_GUARD, 1, 0);

    /* Contacts closed at power-up. */
    cfg = defaults();
    cfg.aux_fitted = true;
    desk_init(&d, &cfg);
    d.contacts = d.weld = true;
    desk_run(&d, 200);
    assert_int_equal(d.status.faults, 0);
    desk_run(&d, 20);
    assert_int_equal(d.status.faults, bit(FAULT_WELDED));
}

static void welded_contacts_keep_the_self_test_from_passing(void **state)
{
    (void)state;
    desk_init(&d, NULL);
    d.contacts = d.weld = true;
    d.amp[1] = 5;
    desk_run(&d, 2000);
    assert_int_equal(d.status.faults, bit(FAULT_WELDED));
    d.weld = false;
    desk_run(&d, 500);
    d.events_n = 0;
    desk_command(&d, CONTROL_CLEAR_FAULT, 0);
    desk_run(&d, 1000);
    assert_int_equal(d.status.state, EVSE_IDLE);
    const struct control_event *last = desk_last(&d, CONTROL_EV_STATE);
    is_event(last, last->at_us, CONTROL_EV_STATE, EVSE_SELF_TEST, EVSE_IDLE, 0);
}

static void a_pilot_that_is_not_sampled_can_t_be_read_back(void **state)
{
    (void)state;
    desk_init(&d, NULL);
    d.no_pilot = true;
    desk_run(&d, 990);
    assert_int_equal(d.status.faults, 0);
    desk_run(&d, 30);
    assert_int_equal(d.status.faults, bit(FAULT_PILOT_DRIVER) | bit(FAULT_CP_RANGE));
}

static void a_wrong_rate_is_no_frames(void **state)
{
    (void)state;
    static const struct {
        uint16_t samples;
        bool good;
    } cases[] = {{184, false}, {186, true}, {227, true}, {228, false}}; /* 41300 Hz within 10 % */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        desk_init(&d, NULL);
        for (int n = 0; n < 200; n++) {
            d.now_us += 10000;
            desk_frame(&d);
            desk_frame(&d);
            for (unsigned k = d.guard.tail; k != d.guard.head; k++)
                d.guard.ring[k % GUARD_RING].samples = cases[i].samples;
            desk_step_after(&d, 0);
        }
        assert_int_equal(d.status.frame_rate_hz, cases[i].samples * 200);
        assert_int_equal((d.status.faults & bit(FAULT_STARVED)) == 0, cases[i].good);
    }
}

/* ---- frames ---- */

static void the_rate_is_measured_in_windows_of_a_fifth_of_a_second(void **state)
{
    (void)state;
    for (uint32_t seq = 0; seq < 3; seq++) {
        desk_init(&d, NULL);
        d.seq = seq;                 /* the first is the first, whatever its number */
        d.frame_us += DESK_FRAME_US; /* ends at 10 ms */
        desk_run(&d, 200);
        assert_int_equal(d.status.frame_rate_hz, 0);
        desk_step(&d);
        assert_int_equal(d.status.frame_rate_hz, DESK_FRAME_HZ);
    }
    /* A frame that is lost spoils no value. */
    for (int i = 0; i < 100; i++) {
        if (i % 7 == 0)
            d.seq++;
        desk_step(&d);
        assert_int_equal(d.status.frame_rate_hz, DESK_FRAME_HZ);
    }
    for (int i = 0; i < 100; i++) {
        if (i % 7 == 0) {
            d.seq++;
            d.frame_us += DESK_FRAME_US;
        }
        desk_step(&d);
        assert_int_equal(d.status.frame_rate_hz, DESK_FRAME_HZ);
    }
    for (int i = 0; i < 60; i++) { /* the first whole window since counts what is its own */
        desk_step(&d);
        assert_int_equal(d.status.frame_rate_hz, DESK_FRAME_HZ);
    }
    for (int i = 0; i < 100; i++) {
        if (i == 30) /* one frame's time without a frame, and without a gap in the numbers */
            d.frame_us += DESK_FRAME_US;
        desk_step(&d);
        if (d.status.frame_rate_hz != DESK_FRAME_HZ)
            break;
    }
    assert_in_range(d.status.frame_rate_hz, 39000, 39030); /* 39 frames in 200 ms, or 40 in 205 */
    desk_run(&d, 400);
    assert_int_equal(d.status.frame_rate_hz, DESK_FRAME_HZ);
}

static void lost_frames_are_counted_and_interrupt_what_was_watched(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 500);
    assert_int_equal(d.status.frames_lost, 0);
    desk_car(&d, 'C');
    desk_run(&d, 300);
    d.guard.lost = 3;
    desk_step(&d);
    assert_int_equal(d.status.frames_lost, 3);
    desk_run(&d, 480); /* the half second begins anew */
    assert_int_equal(d.status.state, EVSE_OFFERING);
    desk_run(&d, 40);
    assert_int_equal(d.status.state, EVSE_CLOSING);
}

static void the_pilot_is_told_as_it_was_seen(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_car(&d, 'B');
    d.high_mv = 8711;
    uint64_t from = d.now_us;
    d.events_n = 0;
    desk_run(&d, 40);
    is_event(&d.events[0], from + 4 * DESK_FRAME_US, CONTROL_EV_PILOT, 'A', 'B', 8711);
    is_event(&d.events[1], from + 20000, CONTROL_EV_STATE, EVSE_IDLE, EVSE_CONNECTED, 0);
    assert_int_equal(d.events_n, 2);
    assert_int_equal(d.status.pilot, 'B');
    assert_int_equal(d.status.cp_high_mv, 8711);
    assert_int_equal(d.status.cp_low_mv, 0); /* no low phase without PWM */
    desk_command(&d, CONTROL_AUTHORISE, 1);
    d.low_mv = -11834;
    desk_run(&d, 500);
    assert_int_equal(d.status.cp_low_mv, -11834);
    assert_true(d.status.diode_seen);
    assert_int_equal(d.status.duty_read_bp, 5300); /* whole samples of a hundred: 53.33 */
    desk_command(&d, CONTROL_AVAILABLE, 0);
    desk_run(&d, 100);
    assert_int_equal(d.status.cp_high_mv, 0); /* no high phase in state F */
    assert_int_equal(d.status.pilot, 'F');
}

static void the_ring_is_emptied_in_one_step(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    d.events_n = 0;
    uint64_t from = d.now_us;
    desk_car(&d, 'B');
    for (int i = 0; i < GUARD_RING; i++)
        desk_frame(&d);
    desk_step_after(&d, 80000);
    assert_int_equal(d.guard.head, d.guard.tail);
    is_event(&d.events[0], from + 4 * DESK_FRAME_US, CONTROL_EV_PILOT, 'A', 'B', 9000);
    assert_int_equal(d.status.frames_lost, 0);
}

static void the_switch_turns_as_the_meter_wants(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    int turns = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t before = d.guard.mux_wanted;
        desk_step(&d);
        assert_in_range(d.guard.mux_wanted, 0, 1);
        turns += d.guard.mux_wanted != before;
    }
    assert_in_range(turns, 25,
                    40); /* a cycle of 20 ms on each side, and the frames until control has looked */
}

static void beats_once_a_step(void **state)
{
    (void)state;
    desk_init(&d, NULL);
    uint32_t before = d.guard.beat;
    desk_run(&d, 100);
    assert_int_equal(d.guard.beat, before + 10);
}

/* Charging, then no more frames; the next step so much after the last one. */
static uint32_t faults_after_silence(bool charging, uint64_t us)
{
    if (charging)
        desk_charge(&d, NULL);
    else
        desk_start(&d, NULL, 'A');
    d.dead_adc = true;
    desk_step_after(&d, us);
    return d.status.faults;
}

static void silence_is_a_fault(void **state)
{
    (void)state;
    /* 20 ms from the last frame to the coil, less a step, less a millisecond of lateness */
    assert_int_equal(faults_after_silence(true, 9000), 0);
    assert_false(d.out.coil_off);
    assert_int_equal(faults_after_silence(true, 9001), bit(FAULT_STARVED));
    assert_true(d.out.coil_off);
    is_event(fault_event(FAULT_STARVED), d.now_us, CONTROL_EV_FAULT, FAULT_STARVED, 1, 0);
    assert_int_equal(d.status.fault, FAULT_STARVED);
    assert_int_equal(faults_after_silence(false, 200000), 0);
    assert_int_equal(faults_after_silence(false, 200001), bit(FAULT_STARVED));

    /* What the guard said last is believed for 200 ms after its last frame, and longer while we have not
     * switched off. */
    desk_charge(&d, NULL);
    d.dead_adc = true;
    desk_step_after(&d, 9001);
    desk_step_after(&d, 190999);
    assert_true(d.status.contactor_closed);
    desk_step_after(&d, 1);
    assert_false(d.status.contactor_closed);
    desk_charge(&d, NULL);
    d.dead_adc = true;
    desk_step_after(&d, 300000);
    assert_true(d.status.contactor_closed && d.out.coil_off);
    desk_step(&d);
    assert_false(d.status.contactor_closed);

    /* The guard can no longer say that the coil is off; we have switched it off ourselves. */
    desk_charge(&d, NULL);
    d.dead_adc = true;
    desk_run(&d, 180);
    assert_true(d.status.contactor_closed); /* as the guard's word still has it */
    desk_run(&d, 40);
    assert_false(d.status.contactor_closed);
    desk_run(&d, 700);
    assert_int_equal(d.status.faults, bit(FAULT_STARVED)); /* and not a weld: the last current says nothing */
    d.dead_adc = false;
    d.amp[0] = d.amp[1] = d.amp[2] = 0;
    desk_run(&d, 4900);
    assert_int_equal(d.status.faults, bit(FAULT_STARVED));
    desk_run(&d, 200);
    assert_int_equal(d.status.faults, 0);
    is_event(fault_event(FAULT_STARVED), fault_event(FAULT_STARVED)->at_us, CONTROL_EV_FAULT, FAULT_STARVED,
             0, 0);
}

static void words_of_32_bits_come_round(void **state)
{
    (void)state;
    /* The guard's times have 32 bits of microseconds: a session across the seam. */
    for (int early_ms = 0; early_ms < 3000; early_ms += 470) {
        struct control_cfg cfg = defaults();
        cfg.aux_fitted = true;
        desk_init_at(&d, &cfg, (1ull << 32) - (uint64_t)early_ms * 1000, 1, NULL, 0);
        desk_run(&d, 1000);
        assert_int_equal(d.status.state, EVSE_IDLE);
        desk_command(&d, CONTROL_AUTHORISE, 1);
        desk_car(&d, 'C');
        assert_true(desk_until(&d, EVSE_CHARGING, 800));
        assert_int_equal(d.status.contactor_close_us, 20000);
        desk_run(&d, 1000);
        d.trip = GUARD_TRIP_RCD;
        desk_step(&d);
        assert_int_equal(d.status.guard_trip_us, d.now_us - DESK_FRAME_US);
        desk_run(&d, 100);
        assert_int_equal(d.status.faults, bit(FAULT_RCD));
        assert_int_equal(d.status.contactor_open_us, 20000);
    }
    /* A frame that is newer than the step's own time is of now, not of 71 minutes ago. */
    desk_start(&d, NULL, 'A');
    d.guard.frame_us += 2000;
    d.guard.frames++;
    d.frames++;
    d.dead_adc = true;
    desk_step_after(&d, 1000);
    assert_int_equal(d.status.faults, 0);
    desk_step_after(&d, 200000);
    assert_int_equal(d.status.faults, 0);
    desk_step_after(&d, 1);
    assert_int_equal(d.status.faults, bit(FAULT_STARVED));
}

static void time_that_stands_or_jumps(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    uint64_t now = d.now_us;
    d.in.now_us = now - 500000; /* never backwards */
    control_step(&d.control, &d.in, &d.out);
    control_status_read(&d.control, &d.status);
    assert_int_equal(d.status.at_us, now);
    assert_int_equal(d.status.faults, 0);
    /* More than 32 bits of microseconds: long, not what is left of it modulo 2^32. A car that does not stop
     * is given six seconds. */
    desk_charge(&d, NULL);
    desk_command(&d, CONTROL_AUTHORISE, 0);
    desk_run(&d, 100);
    assert_int_equal(d.status.state, EVSE_STOPPING);
    uint64_t jump = (1ull << 32) + 20000;
    d.frame_us += jump - 10000;
    desk_step_after(&d, jump);
    assert_int_equal(d.status.state, EVSE_CONNECTED);
}

static void microseconds_between_steps_are_not_lost(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 500);
    desk_car(&d, 'C');
    while (d.status.pilot != 'C')
        desk_step_after(&d, 10900);
    /* 500 ms from here: 46 steps of 10.9 ms; of 10 ms it would have been 50 */
    int n = 0;
    for (; d.status.state == EVSE_OFFERING && n < 60; n++)
        desk_step_after(&d, 10900);
    assert_int_equal(n, 46);
}

/* ---- events ---- */

/* Offering, and from now on each step makes one LIMIT event: n of them. */
static void fill(int n)
{
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 200);
    d.undrained = true;
    for (int i = 0; i < n; i++) {
        desk_limit(&d, LIMIT_SERVER, 30000 - 600 * i, 0, 0);
        desk_step(&d);
    }
}

static void drain(void)
{
    d.undrained = false;
    d.events_n = 0;
    struct control_event e;
    while (control_next_event(&d.control, &e))
        d.events[d.events_n++] = e;
    memset(&e, 0, sizeof e);
    assert_false(control_next_event(&d.control, &e));
}

static void a_full_queue_drops_the_newest_and_counts(void **state)
{
    (void)state;
    fill(CONTROL_EVENTS);
    assert_int_equal(d.control.status.events_lost, 0);
    desk_limit(&d, LIMIT_SERVER, 7000, 0, 0);
    desk_step(&d);
    assert_int_equal(d.control.status.events_lost, 1);
    drain();
    assert_int_equal(d.events_n, CONTROL_EVENTS);
    for (int i = 0; i < CONTROL_EVENTS; i++)
        is_event(&d.events[i], d.events[0].at_us + (uint64_t)i * CONTROL_PERIOD_US, CONTROL_EV_LIMIT,
                 30000 - 600 * i, LIMIT_SERVER, 5000 - 100 * i);
}

static void faults_and_states_push_out_what_matters_less(void **state)
{
    (void)state;
    fill(CONTROL_EVENTS);
    uint64_t first = d.now_us - 31 * CONTROL_PERIOD_US;
    d.inputs = GUARD_IN_RCD;
    desk_run(&d, 20); /* FAULT, STATE; and a LIMIT, as nothing is offered any more */
    assert_int_equal(d.control.status.events_lost, 3);
    drain();
    assert_int_equal(d.events_n, CONTROL_EVENTS);
    for (int i = 0; i < CONTROL_EVENTS - 2; i++) /* the two newest went */
        is_event(&d.events[i], first + (uint64_t)i * CONTROL_PERIOD_US, CONTROL_EV_LIMIT, 30000 - 600 * i,
                 LIMIT_SERVER, 5000 - 100 * i);
    is_event(&d.events[30], d.now_us, CONTROL_EV_FAULT, FAULT_RCD, 1, 0);
    is_event(&d.events[31], d.now_us, CONTROL_EV_STATE, EVSE_OFFERING, EVSE_FAULT, 0);
}

static void of_what_matters_less_the_newest_goes(void **state)
{
    (void)state;
    fill(CONTROL_EVENTS);
    uint64_t first = d.now_us - 31 * CONTROL_PERIOD_US;
    desk_command(&d, CONTROL_AUTHORISE, 0); /* STATE, and a LIMIT that finds no room */
    desk_step(&d);
    drain();
    assert_int_equal(d.events_n, CONTROL_EVENTS);
    for (int i = 0; i < CONTROL_EVENTS - 1; i++)
        is_event(&d.events[i], first + (uint64_t)i * CONTROL_PERIOD_US, CONTROL_EV_LIMIT, 30000 - 600 * i,
                 LIMIT_SERVER, 5000 - 100 * i);
    is_event(&d.events[31], d.now_us, CONTROL_EV_STATE, EVSE_OFFERING, EVSE_CONNECTED, 0);
}

/* One STATE event to a step: authorised and not, with PWM still waiting for its spacing. */
static void toggle(int n)
{
    for (int i = 0; i < n; i++) {
        desk_command(&d, CONTROL_AUTHORISE, d.control.authorised ? 0 : 1);
        desk_step(&d);
    }
}

static void of_states_alone_the_oldest_goes(void **state)
{
    (void)state;
    desk_start(&d, NULL, 'A');
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_car(&d, 'B');
    desk_run(&d, 200);
    desk_command(&d, CONTROL_AUTHORISE, 0);
    desk_run(&d, 50);
    d.undrained = true;
    uint64_t first = d.now_us + CONTROL_PERIOD_US;
    toggle(CONTROL_EVENTS + 3);
    assert_int_equal(d.control.status.events_lost, 3);
    drain();
    assert_int_equal(d.events_n, CONTROL_EVENTS);
    for (int i = 0; i < CONTROL_EVENTS; i++)
        is_event(&d.events[i], first + (uint64_t)(i + 3) * CONTROL_PERIOD_US, CONTROL_EV_STATE,
                 i % 2 ? EVSE_CONNECTED : EVSE_OFFERING, i % 2 ? EVSE_OFFERING : EVSE_CONNECTED, 0);

    /* One of another kind in front of them goes first. */
    desk_run(&d, 6000);
    desk_command(&d, CONTROL_AUTHORISE, 1);
    desk_run(&d, 5000);
    d.undrained = true;
    desk_limit(&d, LIMIT_SERVER, 12000, 0, 0); /* LIMIT */
    desk_step(&d);
    uint32_t lost = d.control.status.events_lost;
    desk_command(&d, CONTROL_AUTHORISE, 0); /* STATE, and LIMIT again */
    desk_step(&d);
    first = d.now_us;
    toggle(CONTROL_EVENTS - 1);
    assert_int_equal(d.control.status.events_lost, lost + 2);
    drain();
    for (int i = 0; i < CONTROL_EVENTS; i++)
        is_event(&d.events[i], first + (uint64_t)i * CONTROL_PERIOD_US, CONTROL_EV_STATE,
                 i % 2 ? EVSE_CONNECTED : EVSE_OFFERING, i % 2 ? EVSE_OFFERING : EVSE_CONNECTED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_of_a_station_that_nobody_has_set_up),
        cmocka_unit_test(before_the_first_step),
        cmocka_unit_test(one_phase_or_three),
        cmocka_unit_test(the_way_to_idle),
        cmocka_unit_test(what_the_self_test_must_see),
        cmocka_unit_test(welded_contacts_keep_the_self_test_from_passing),
        cmocka_unit_test(a_pilot_that_is_not_sampled_can_t_be_read_back),
        cmocka_unit_test(a_wrong_rate_is_no_frames),
        cmocka_unit_test(the_rate_is_measured_in_windows_of_a_fifth_of_a_second),
        cmocka_unit_test(lost_frames_are_counted_and_interrupt_what_was_watched),
        cmocka_unit_test(the_pilot_is_told_as_it_was_seen),
        cmocka_unit_test(the_ring_is_emptied_in_one_step),
        cmocka_unit_test(the_switch_turns_as_the_meter_wants),
        cmocka_unit_test(beats_once_a_step),
        cmocka_unit_test(silence_is_a_fault),
        cmocka_unit_test(words_of_32_bits_come_round),
        cmocka_unit_test(time_that_stands_or_jumps),
        cmocka_unit_test(microseconds_between_steps_are_not_lost),
        cmocka_unit_test(a_full_queue_drops_the_newest_and_counts),
        cmocka_unit_test(faults_and_states_push_out_what_matters_less),
        cmocka_unit_test(of_what_matters_less_the_newest_goes),
        cmocka_unit_test(of_states_alone_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
