/* control against the simulated world: an ordinary session, and each way of opening, with the hardware's
 * spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/core/loop.h"

static struct loop l;
static void *mem;

enum { SEEDS = 12 };

static void fail_with_status(const char *what)
{
    printf("%s: state %s pilot %c %ld mV %ld mV, faults %#x trips %#x, duty %u read %u, supply waiting %d, "
           "limit %ld by %s\n",
           what, evse_state_name(l.status.state), l.status.pilot, (long)l.status.cp_high_mv,
           (long)l.status.cp_low_mv, (unsigned)l.status.faults, (unsigned)l.status.guard_trips,
           l.status.duty_bp, l.status.duty_read_bp, l.status.supply_waiting, (long)l.status.offered_ma,
           limit_slot_name(l.status.offered_by));
    fail();
}

static void charging(uint64_t seed)
{
    loop_init(&l, mem, NULL, NULL, seed);
    if (!loop_until(&l, EVSE_IDLE, 1500))
        fail_with_status("start-up");
    if (!loop_charge(&l))
        fail_with_status("charge");
}

static void a_session_from_plug_to_plug(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        charging(seed);
        loop_run(&l, 20000);
        if (l.status.state != EVSE_CHARGING || l.status.faults)
            fail_with_status("charging");
        assert_true(l.truth.amp[0] > 25 && l.truth.amp[0] <= 32.5);
        world_ready(l.world, false);
        loop_run(&l, 2000);
        if (l.truth.contactor || l.status.state != EVSE_OFFERING || l.status.faults)
            fail_with_status("full");
        assert_int_equal(l.truth.hot_switches, 0);
        world_unplug(l.world);
        loop_run(&l, 500);
        if (l.status.state != EVSE_IDLE || l.status.faults)
            fail_with_status("unplugged");
    }
}

/* A plug pulled under load cuts a half wave short: what is left of it is no direct current, and no current
 * that flows on through welded contacts. At the lowest frequency the meter's window outlasts the weld
 * detection. */
static void a_cut_current_is_no_weld(void **state)
{
    (void)state;
    struct world_cfg w;
    world_cfg_default(&w);
    w.mains.hz = 47.2;
    w.car.power_factor = 1;
    int32_t most_ma = 0;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        loop_init(&l, mem, &w, NULL, seed);
        if (!loop_until(&l, EVSE_IDLE, 1500) || !loop_charge(&l))
            fail_with_status("charge");
        loop_run(&l, 2000 + (double)seed * 0.9);
        world_unplug(l.world);
        loop_run(&l, 80);
        for (int ms = 0; ms < 600; ms += 10) {
            loop_run(&l, 10);
            most_ma = l.control.current_max_ma > most_ma ? l.control.current_max_ma : most_ma;
        }
        if (l.status.faults)
            fail_with_status("unplugged");
    }
    printf("  at most %ld mA seen where nothing flows\n", (long)most_ma);
    assert_true(most_ma < 500); /* CONTACTOR_GONE_MA */
}

typedef void event_fn(void);
static void short_cp(void)
{
    world_faults(l.world)->cp_short = true;
}
static void break_cp(void)
{
    world_faults(l.world)->cp_open = true;
}
static void lose_diode(void)
{
    world_faults(l.world)->diode_missing = true;
}
static void trip_rcd(void)
{
    world_faults(l.world)->rcd_trip = true;
}
static void kill_adc(void)
{
    world_faults(l.world)->adc_dead = true;
}
static void unplug(void)
{
    world_unplug(l.world);
}
static void open_s2(void)
{
    world_car(l.world)->s2_force = 2;
}
static void open_s2_with_current(void)
{
    world_car(l.world)->residual_s = 1;
    world_car(l.world)->s2_force = 2;
}

static double worst_ms(event_fn *event, double limit_ms)
{
    double worst = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        charging(seed);
        loop_run(&l, 500 + (double)seed * 1.7);
        if (event == open_s2) { /* with its current gone already */
            world_car(l.world)->max_a = 0;
            loop_run(&l, 4000);
        }
        uint64_t at_us = world_now_us(l.world);
        event();
        loop_run(&l, 300);
        double ms = ((double)l.coil_us - (double)at_us) / 1000;
        if (l.coil || ms < 0)
            fail_with_status("did not open");
        worst = ms > worst ? ms : worst;
    }
    printf("  worst %.1f ms of %.0f\n", worst, limit_ms);
    assert_true(worst <= limit_ms);
    return worst;
}

static void every_reason_opens_in_time(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        event_fn *event;
        double limit_ms;
    } cases[] = {
        {"CP short", short_cp, 20},
        {"CP open", break_cp, 20},
        {"diode lost", lose_diode, 20},
        {"RCD", trip_rcd, 20},
        {"no samples", kill_adc, 20},
        {"unplugged", unplug, 20},
        {"S2 opened, current gone", open_s2, 30},
        {"S2 opened, residual current", open_s2_with_current, 80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        printf("%s\n", cases[i].what);
        worst_ms(cases[i].event, cases[i].limit_ms);
    }
}

static int make(void **state)
{
    (void)state;
    mem = malloc(world_size());
    return mem ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    free(mem);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_from_plug_to_plug),
        cmocka_unit_test(a_cut_current_is_no_weld),
        cmocka_unit_test(every_reason_opens_in_time),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
