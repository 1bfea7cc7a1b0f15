/* evse: the sequences of IEC 61851-1 one by one, and a walk of every reachable state with every input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/evse.h"
#include "core/pilot.h"

enum { STEP_MS = 10, LOW_BP = 1000, HIGH_BP = 5333 };

static struct evse e;
static struct evse_in in;
static struct evse_out out;
static bool dropped;

/* Everything as it should be for charging at 32 A. */
static struct evse_in good(char pilot)
{
    return (struct evse_in){
        .dt_ms = STEP_MS,
        .pilot = pilot,
        .self_tested = true,
        .test_bp = PILOT_STEADY,
        .available = true,
        .authorised = true,
        .cable_ok = true,
        .diode_ok = true,
        .locked = true,
        .target_bp = HIGH_BP,
        .ready = true,
    };
}

/* Runs on, with a contactor that obeys at once. */
static void run(uint32_t ms)
{
    for (uint32_t t = 0; t < ms; t += STEP_MS) {
        evse_step(&e, &in, &out);
        in.closed = out.contactor == CONTACTOR_CLOSE;
        dropped |= out.drop_authorisation;
        in.tripped = false;
    }
}

static void start(char pilot)
{
    evse_init(&e);
    in = good(pilot);
    dropped = false;
    run(50);
}

static void charge(void)
{
    start('B');
    in.pilot = 'C';
    run(600);
    assert_int_equal(e.state, EVSE_CHARGING);
    run(6000);
}

static void plug_in(void **state) /* A.6/1.1, 3.1, 4 */
{
    (void)state;
    start('A');
    assert_int_equal(e.state, EVSE_IDLE);
    in.authorised = false;
    in.pilot = 'B';
    run(50);
    assert_int_equal(e.state, EVSE_CONNECTED);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    in.authorised = true;
    run(10);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_equal(out.duty_bp, HIGH_BP);
    in.pilot = 'C';
    run(500);
    assert_int_equal(e.state, EVSE_OFFERING);
    run(10);
    assert_int_equal(e.state, EVSE_CLOSING);
    assert_int_equal(out.contactor, CONTACTOR_CLOSE);
    run(10);
    assert_int_equal(e.state, EVSE_CHARGING);
}

static void s2_always_closed(void **state) /* A.6/1.2 */
{
    (void)state;
    start('A');
    in.authorised = false;
    in.pilot = 'C';
    run(10000);
    assert_int_equal(e.state, EVSE_CONNECTED);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
    in.authorised = true;
    run(20); /* C has been stable for long: at once with PWM */
    assert_int_equal(e.state, EVSE_CLOSING);
}

static void unplug(void **state) /* A.6/2.1, 2.2 */
{
    (void)state;
    charge();
    in.pilot = 'A';
    run(10);
    assert_int_equal(e.state, EVSE_IDLE);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    assert_true(dropped);
    dropped = false;
    run(1000);
    assert_false(dropped); /* authorisation given to no car stays */
}

static void car_stops(void **state) /* A.6/7, 8.1 */
{
    (void)state;
    charge();
    in.pilot = 'B';
    run(10);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_SOFT);
    assert_int_equal(out.duty_bp, HIGH_BP);
    assert_false(dropped);
}

static void station_stops(void **state) /* A.6/9.1, 10.1, 10.2 */
{
    (void)state;
    charge();
    in.authorised = false;
    run(10);
    assert_int_equal(e.state, EVSE_STOPPING);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    assert_int_equal(out.contactor, CONTACTOR_CLOSE);
    run(5990);
    assert_int_equal(e.state, EVSE_STOPPING);
    run(10);
    assert_int_equal(e.state, EVSE_CONNECTED);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_SOFT);
    charge();
    in.hold = true;
    run(3000);
    in.pilot = 'B';
    run(10);
    assert_int_equal(e.state, EVSE_WAITING);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_SOFT);
}

static void duty_changes(void **state) /* A.6/6 */
{
    (void)state;
    charge();
    in.target_bp = LOW_BP;
    run(10);
    assert_int_equal(out.duty_bp, LOW_BP);
    in.target_bp = HIGH_BP;
    run(4990);
    assert_int_equal(out.duty_bp, LOW_BP);
    run(20);
    assert_int_equal(out.duty_bp, HIGH_BP);
    in.target_bp = PILOT_STEADY;
    run(10);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    assert_int_equal(e.state, EVSE_STOPPING);
}

static void ventilation(void **state)
{
    (void)state;
    start('B');
    in.pilot = 'D';
    run(2000);
    assert_int_equal(e.state, EVSE_OFFERING);
    in.ventilation = true;
    run(600);
    assert_int_equal(e.state, EVSE_CHARGING);
    in.pilot = 'C';
    run(10);
    assert_int_equal(e.state, EVSE_CHARGING);
    in.pilot = 'D';
    in.ventilation = false;
    run(10);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
}

static void fault_in_c(void **state)
{
    (void)state;
    charge();
    in.fault = true;
    run(10);
    assert_int_equal(e.state, EVSE_FAULT);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
    assert_int_equal(out.duty_bp, PILOT_F);
    in.fault = false;
    in.pilot = 'F';
    run(EVSE_F_PULSE_MS - 10);
    assert_int_equal(out.duty_bp, PILOT_F);
    run(20);
    assert_true(e.plugged);
    in.pilot = 'C';
    run(6000);
    assert_int_equal(e.state, EVSE_CHARGING);
    start('B');
    in.fault = true;
    run(10);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    in.state_f = true;
    run(10);
    assert_int_equal(out.duty_bp, PILOT_F);
}

/* While the pulse of state F hides the car, a cable that seems gone is a broken proximity wire as likely. */
static void cable_gone_during_the_pulse_of_f(void **state)
{
    (void)state;
    charge();
    in.fault = true;
    run(10);
    in.pilot = 'F';
    in.cable_gone = true;
    in.closed = in.cable_ok = false;
    run(EVSE_F_PULSE_MS + EVSE_F_FADES_MS - 20);
    assert_true(e.plugged);
    assert_false(dropped);
    in.pilot = 'C';
    run(1000);
    assert_true(e.plugged);
    assert_int_equal(e.state, EVSE_FAULT);
    in.pilot = 'A';
    run(10);
    assert_false(e.plugged);
    assert_true(dropped);

    charge(); /* a state F that does not end: the cable is all there is */
    in.fault = in.state_f = true;
    run(10);
    in.pilot = 'F';
    in.cable_gone = true;
    run(EVSE_F_PULSE_MS + EVSE_F_FADES_MS - 20);
    assert_true(e.plugged);
    run(30);
    assert_false(e.plugged);
}

static void out_of_service(void **state)
{
    (void)state;
    charge();
    in.available = false;
    run(10);
    assert_int_equal(e.state, EVSE_STOPPING);
    in.pilot = 'B';
    run(10);
    assert_int_equal(e.state, EVSE_UNAVAILABLE);
    assert_int_equal(out.duty_bp, PILOT_F);
    assert_true(dropped);
    in.pilot = 'F';
    run(100);
    assert_true(e.plugged);
    in.cable_gone = true;
    run(10);
    assert_false(e.plugged);
}

static void wake_up(void **state) /* A.5.3 */
{
    (void)state;
    start('B');
    run(EVSE_WAKE_AFTER_MS);
    assert_int_equal(e.state, EVSE_WAKING);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    run(EVSE_WAKE_X1_MS);
    assert_int_equal(out.duty_bp, PILOT_F);
    in.pilot = 'F';
    run(EVSE_WAKE_F_MS);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_equal(out.duty_bp, HIGH_BP);
    in.pilot = 'B';
    run(EVSE_WAKE_AFTER_MS + EVSE_WAKE_X1_MS + EVSE_WAKE_F_MS + 100);
    assert_int_equal(e.wakes, 2);
    run(600000);
    assert_int_equal(e.wakes, 2);
    assert_int_equal(e.state, EVSE_OFFERING);
    charge(); /* a car that has charged and is full is left alone */
    in.pilot = 'B';
    run(600000);
    assert_int_equal(e.wakes, 0);
    in.hold = true; /* after a pause it may have gone to sleep */
    run(10000);
    in.hold = false;
    run(EVSE_WAKE_AFTER_MS + 100);
    assert_int_equal(e.wakes, 1);
    in.pilot = 'C'; /* wakes at once in x1 */
    run(6000);
    assert_int_equal(e.state, EVSE_CHARGING);
}

static void guard_was_faster(void **state)
{
    (void)state;
    charge();
    in.tripped = true;
    run(10);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_not_equal(out.contactor, CONTACTOR_CLOSE);
    run(480);
    assert_int_equal(e.state, EVSE_OFFERING);
    run(50);
    assert_int_equal(e.state, EVSE_CHARGING);
}

static void not_before_the_self_test(void **state)
{
    (void)state;
    evse_init(&e);
    in = good('C');
    in.self_tested = false;
    in.test_bp = PILOT_F;
    run(5000);
    assert_int_equal(e.state, EVSE_SELF_TEST);
    assert_int_equal(out.duty_bp, PILOT_F);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
}

/* A thread that was stopped, or lost frames, has not seen 500 ms of C. */
static void c_unseen_does_not_count(void **state)
{
    (void)state;
    start('B');
    in.pilot = 'C';
    in.dt_ms = 2000;
    evse_step(&e, &in, &out);
    assert_int_equal(e.state, EVSE_OFFERING);
    in.dt_ms = STEP_MS;
    run(400);
    in.gap = true;
    run(10);
    in.gap = false;
    run(500);
    assert_int_equal(e.state, EVSE_OFFERING);
    run(20);
    assert_int_equal(e.state, EVSE_CHARGING);
}

static void every_condition_is_needed_to_close(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        start('B');
        in.available = i != 0;
        in.authorised = i != 1;
        in.hold = i == 2;
        in.cable_ok = i != 3;
        in.diode_ok = i != 4;
        in.locked = i != 5;
        in.ready = i != 6;
        in.fault = i == 7;
        in.target_bp = i == 8 ? PILOT_STEADY : HIGH_BP;
        in.pilot = i == 9 ? 'D' : i == 10 ? '?' : 'C';
        for (int n = 0; n < 1000; n++) {
            in.tripped = i == 11;
            evse_step(&e, &in, &out);
            assert_int_not_equal(out.contactor, CONTACTOR_CLOSE);
        }
    }
}

/* ---- the times to the millisecond ---- */

static void tick(uint32_t ms)
{
    in.dt_ms = 1;
    for (uint32_t t = 0; t < ms; t++)
        run(STEP_MS); /* one step */
    in.dt_ms = STEP_MS;
}

static void c_counts_from_500_ms(void **state)
{
    (void)state;
    start('B');
    in.pilot = 'C';
    tick(500); /* the first of them shows that it has come, not that it has been there */
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
    tick(1);
    assert_int_equal(out.contactor, CONTACTOR_CLOSE);
    assert_int_equal(e.state, EVSE_CLOSING);
    /* ... anew after a trip of the guard, and after each B in between */
    start('B');
    in.pilot = 'C';
    tick(499);
    in.pilot = 'B';
    tick(1);
    in.pilot = 'C';
    tick(500);
    assert_int_equal(e.state, EVSE_OFFERING);
    tick(1);
    assert_int_equal(e.state, EVSE_CLOSING);
}

static void more_current_after_5_s(void **state) /* A.6/6 */
{
    (void)state;
    charge();
    in.target_bp = LOW_BP;
    tick(1);
    assert_int_equal(out.duty_bp, LOW_BP);
    in.target_bp = HIGH_BP;
    tick(4999);
    assert_int_equal(out.duty_bp, LOW_BP);
    tick(1);
    assert_int_equal(out.duty_bp, HIGH_BP);
    /* No current offered, and offered again: the same. */
    in.hold = true;
    tick(1);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    in.pilot = 'B';
    in.hold = false;
    tick(4999);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    tick(1);
    assert_int_equal(out.duty_bp, HIGH_BP);
}

static void spacing_is_for_the_car_that_saw_the_change(void **state)
{
    (void)state;
    charge();
    in.pilot = 'A';
    tick(1);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    in.pilot = 'B'; /* the next car */
    tick(1);
    assert_int_equal(out.duty_bp, HIGH_BP);
    /* What the self-test drove was for no car either. */
    evse_init(&e);
    assert_int_equal(e.state, EVSE_SELF_TEST);
    in = good('B');
    in.self_tested = false;
    in.test_bp = PILOT_F;
    tick(100);
    in.test_bp = PILOT_STEADY;
    tick(100);
    in.self_tested = true;
    tick(1);
    assert_int_equal(out.duty_bp, HIGH_BP);
}

static void six_seconds_to_stop(void **state) /* A.6/10.2 */
{
    (void)state;
    charge();
    in.authorised = false;
    tick(1);
    assert_int_equal(e.state, EVSE_STOPPING);
    tick(5999);
    assert_int_equal(out.contactor, CONTACTOR_CLOSE);
    tick(1);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_SOFT);
    start('B'); /* the same for a car in D */
    in.ventilation = true;
    in.pilot = 'D';
    tick(600);
    assert_int_equal(e.state, EVSE_CHARGING);
    in.authorised = false;
    tick(6000);
    assert_int_equal(out.contactor, CONTACTOR_CLOSE);
    tick(1);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_SOFT);
}

static void state_f_as_long_as_a_car_needs(void **state)
{
    (void)state;
    charge();
    in.fault = true;
    tick(1);
    assert_int_equal(out.duty_bp, PILOT_F);
    in.pilot = 'F';
    tick(499); /* 300 ms at least */
    assert_int_equal(out.duty_bp, PILOT_F);
    tick(1);
    assert_int_equal(out.duty_bp, PILOT_STEADY); /* the fault stays, state F does not */
    assert_int_equal(e.state, EVSE_FAULT);
    in.fault = false;
    in.pilot = 'B';
    tick(1);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW); /* there is nothing left to wait for */
    /* A fault that is over at once is shown as long. */
    charge();
    in.fault = true;
    tick(1);
    in.fault = false;
    tick(499);
    assert_int_equal(e.state, EVSE_FAULT);
    assert_int_equal(out.duty_bp, PILOT_F);
    tick(1);
    assert_int_equal(e.state, EVSE_OFFERING);
    /* To a car that was not asking it is not shown. */
    start('B');
    in.fault = true;
    tick(1);
    assert_int_equal(e.state, EVSE_FAULT);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    in.fault = false;
    tick(1);
    assert_int_equal(e.state, EVSE_OFFERING);
}

static void wake_up_times(void **state) /* A.5.3: x1 for 3 s, F for 4 s */
{
    (void)state;
    evse_init(&e);
    in = good('B');
    in.authorised = false;
    tick(60000); /* waiting for a person is no sleep */
    in.authorised = true;
    tick(1);
    assert_int_equal(e.state, EVSE_OFFERING);
    tick(29999);
    assert_int_equal(e.state, EVSE_OFFERING);
    tick(1);
    assert_int_equal(e.state, EVSE_WAKING);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    tick(2999);
    assert_int_equal(out.duty_bp, PILOT_STEADY);
    tick(1);
    assert_int_equal(out.duty_bp, PILOT_F);
    in.pilot = 'F';
    tick(3999);
    assert_int_equal(out.duty_bp, PILOT_F);
    tick(1);
    assert_int_equal(e.state, EVSE_OFFERING);
    assert_int_equal(out.duty_bp, HIGH_BP);
}

/* What must hold while closed, and no longer does: at once, and not softly. */
static void unsound_opens_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        charge();
        in.cable_ok = i != 0;
        in.diode_ok = i != 1;
        run(10);
        assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
        run(1000);
        assert_int_equal(out.contactor, CONTACTOR_OPEN_NOW);
    }
}

/* State F hides who is there: nobody appears behind it. */
static void nobody_comes_in_state_f(void **state)
{
    (void)state;
    start('A');
    in.available = false;
    run(10);
    assert_int_equal(out.duty_bp, PILOT_F);
    in.pilot = 'F'; /* with a cable in the socket */
    run(1000);
    assert_false(e.plugged);
    in.available = true;
    in.pilot = 'A';
    run(10);
    assert_int_equal(e.state, EVSE_IDLE);
}

/* State F of a fault in C passes: until the pilot has had 50 ms more to tell again, a missing cable is no
 * missing car. */
static void a_passing_f_hides_no_plug_out(void **state)
{
    (void)state;
    charge();
    in.fault = true;
    tick(1);
    in.pilot = 'F';
    in.cable_gone = true;
    dropped = false;
    tick(549);
    assert_true(e.plugged && !dropped);
    tick(1);
    assert_false(e.plugged);
    assert_true(dropped);
    /* Where state F stays, the cable tells at once. */
    start('B');
    in.fault = in.state_f = true;
    tick(1);
    in.pilot = 'F';
    tick(1);
    assert_true(e.plugged);
    in.cable_gone = true;
    tick(1);
    assert_false(e.plugged);
    /* The same out of service, also soon after a fault. */
    charge();
    in.fault = true;
    tick(1);
    in.fault = false;
    in.available = false;
    tick(500);
    assert_int_equal(e.state, EVSE_UNAVAILABLE);
    in.pilot = 'F';
    in.cable_gone = true;
    tick(1);
    assert_false(e.plugged);
}

/* ---- every reachable state ---- */

/* Time as classes: only on which side of its thresholds a timer stands matters. Each class is represented by
 * its lower end, and the steps of time reach every threshold. */
static const uint32_t state_times[] = {
    0, EVSE_F_PULSE_MS, EVSE_WAKE_X1_MS, EVSE_STOP_MS, EVSE_WAKE_X1_MS + EVSE_WAKE_F_MS, EVSE_WAKE_AFTER_MS};
static const uint32_t steps_ms[] = {1, EVSE_C_STABLE_MS, EVSE_DUTY_SPACING_MS, EVSE_WAKE_AFTER_MS};

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW_BUILD
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_BUILD
#endif
#ifdef SLOW_BUILD
enum { AMISS_MOST = 1 };
#else
enum { AMISS_MOST = 2 };
#endif

struct walk {
    struct evse *seen;
    uint32_t *slots;
    uint32_t n, cap, slots_n;
    uint64_t transitions;
    bool all;
    uint32_t by_state[EVSE_STATES];
};

static void canonical(struct evse *s)
{
    size_t i = sizeof state_times / sizeof state_times[0];
    while (s->state_ms < state_times[--i])
        ;
    s->state_ms = state_times[i];
    s->ask_ms = s->ask_ms >= EVSE_C_STABLE_MS ? EVSE_C_STABLE_MS : 0;
    s->duty_ms = s->duty_ms >= EVSE_DUTY_SPACING_MS ? EVSE_DUTY_SPACING_MS : 0;
}

static uint64_t key(const struct evse *s)
{
    uint64_t k = s->state;
    k = k * 16384 + s->duty_bp;
    k = k * 32768 + s->state_ms;
    k = k * 2 + (s->ask_ms > 0);
    k = k * 2 + (s->duty_ms > 0);
    k = k * 8 + s->wakes;
    return k * 32 + (s->asking * 16u + s->plugged * 8u + s->asked * 4u + s->soft * 2u + s->f_pulse);
}

static void visit(struct walk *w, const struct evse *s)
{
    uint64_t k = key(s);
    uint32_t at = (uint32_t)((k * 0x9E3779B97F4A7C15u) >> 40) % w->slots_n;
    for (; w->slots[at]; at = (at + 1) % w->slots_n)
        if (key(&w->seen[w->slots[at] - 1]) == k)
            return;
    assert_true(w->n < w->cap);
    w->seen[w->n++] = *s;
    w->slots[at] = w->n;
    w->by_state[s->state]++;
}

static bool is_pwm(uint16_t bp)
{
    return bp != PILOT_STEADY && bp != PILOT_F;
}

/* What must always hold, whatever comes. */
static void invariants(const struct evse *b, const struct evse_in *i, const struct evse *a,
                       const struct evse_out *o)
{
    bool asking = i->pilot == 'C' || (i->pilot == 'D' && i->ventilation);
    bool offer =
        i->authorised && i->available && !i->hold && i->target_bp != PILOT_STEADY && i->cable_ok && i->locked;
    bool closed_before = b->state == EVSE_CLOSING || b->state == EVSE_CHARGING || b->state == EVSE_STOPPING;
    bool ok = a->state < EVSE_STATES && o->duty_bp == a->duty_bp;
    if (o->contactor == CONTACTOR_CLOSE) {
        ok &=
            asking && !i->fault && i->self_tested && i->cable_ok && i->diode_ok && !i->tripped && a->plugged;
        ok &= a->state == EVSE_STOPPING || offer;
        if (!closed_before) /* the whole list, before it closes */
            ok &= a->state == EVSE_CLOSING && offer && i->ready && is_pwm(b->duty_bp) && is_pwm(a->duty_bp) &&
                  b->asking && !i->gap && b->ask_ms + i->dt_ms >= EVSE_C_STABLE_MS;
    }
    if (a->state == EVSE_CHARGING)
        ok &= i->closed;
    if (a->state == EVSE_STOPPING)
        ok &= o->duty_bp == PILOT_STEADY &&
              (b->state != EVSE_STOPPING || b->state_ms + i->dt_ms < EVSE_STOP_MS);
    if (i->fault)
        ok &= a->state == EVSE_FAULT && o->contactor == CONTACTOR_OPEN_NOW;
    if (i->pilot == 'A' || i->pilot == 'E' || i->pilot == '?')
        ok &= o->contactor == CONTACTOR_OPEN_NOW;
    if (i->pilot == 'A')
        ok &= !a->plugged && !is_pwm(o->duty_bp) && a->wakes == 0;
    ok &= o->drop_authorisation ==
          ((b->plugged && !a->plugged) || (a->state == EVSE_UNAVAILABLE && b->state != EVSE_UNAVAILABLE));
    if (is_pwm(o->duty_bp))
        ok &= offer && a->plugged && o->duty_bp <= i->target_bp &&
              (a->state == EVSE_OFFERING || a->state == EVSE_CLOSING || a->state == EVSE_CHARGING);
    if (is_pwm(o->duty_bp) && b->duty_bp != PILOT_F && (!is_pwm(b->duty_bp) || o->duty_bp > b->duty_bp))
        ok &= b->duty_ms + i->dt_ms >= EVSE_DUTY_SPACING_MS;
    if (o->duty_bp == PILOT_F)
        ok &= a->state == EVSE_UNAVAILABLE || a->state == EVSE_FAULT || a->state == EVSE_WAKING ||
              (a->state == EVSE_SELF_TEST && i->test_bp == PILOT_F);
    if (a->state == EVSE_FAULT && i->state_f)
        ok &= o->duty_bp == PILOT_F;
    if (b->state != EVSE_FAULT && a->state == EVSE_FAULT && (closed_before || asking))
        ok &= o->duty_bp == PILOT_F;
    ok &= a->wakes <= EVSE_WAKES;
    ok &= a->state_ms <= EVSE_WAKE_AFTER_MS && a->ask_ms <= EVSE_C_STABLE_MS &&
          a->duty_ms <= EVSE_DUTY_SPACING_MS;
    if (a->state == EVSE_WAKING && b->state != EVSE_WAKING)
        ok &= i->pilot == 'B' && !b->asked && b->state_ms + i->dt_ms >= EVSE_WAKE_AFTER_MS;
    if (closed_before && o->contactor == CONTACTOR_OPEN_SOFT)
        ok &= i->pilot == 'B' || asking;
    if (!ok)
        printf("%s -> %s: duty %u -> %u (target %u), pilot %c, ms %u ask %u duty %u +%u, contactor %d, "
               "plugged %d -> %d, "
               "fault %d f %d offer %d ready %d closed %d tripped %d diode %d\n",
               evse_state_name(b->state), evse_state_name(a->state), b->duty_bp, a->duty_bp, i->target_bp,
               i->pilot, b->state_ms, b->ask_ms, b->duty_ms, i->dt_ms, o->contactor, b->plugged, a->plugged,
               i->fault, i->state_f, offer, i->ready, i->closed, i->tripped, i->diode_ok);
    assert_true(ok);
}

static void from(struct walk *w, struct evse s, const struct evse_in *i)
{
    struct evse_out o;
    struct evse before = s;
    evse_step(&s, i, &o);
    w->transitions++;
    invariants(&before, i, &s, &o);
    canonical(&s);
    visit(w, &s);
}

static int bits_set(uint32_t v)
{
    int n = 0;
    for (; v; v &= v - 1)
        n++;
    return n;
}

/* All inputs that differ in what a state machine may see of them; unless all are asked for, at most three
 * things are amiss at a time. */
static void all_inputs(struct walk *w, const struct evse *s, bool ventilation)
{
    static const char letters[] = "ABCDEF?";
    static const uint16_t targets[] = {PILOT_STEADY, LOW_BP, HIGH_BP};
    for (size_t t = 0; t < sizeof steps_ms / sizeof steps_ms[0]; t++)
        for (int p = 0; p < 8; p++)
            for (uint32_t bits = 0; bits < 1u << 10; bits++) {
                if (!w->all && bits_set(bits & ~128u) > AMISS_MOST)
                    continue;
                for (int target = 0; target < 3; target++) {
                    struct evse_in i = good(letters[p % 7]);
                    i.dt_ms = steps_ms[t];
                    i.cable_gone = p == 7; /* 'A' again would do: taken with F below */
                    if (p == 7)
                        i.pilot = 'F';
                    i.ventilation = ventilation;
                    i.target_bp = targets[target];
                    i.available = !(bits & 1);
                    i.authorised = !(bits & 2);
                    i.hold = bits & 4;
                    i.locked = !(bits & 8);
                    i.cable_ok = !(bits & 16);
                    i.diode_ok = !(bits & 32);
                    i.ready = !(bits & 64);
                    i.closed = bits & 128;
                    i.tripped = bits & 256;
                    i.fault = bits & 512;
                    from(w, *s, &i);
                }
            }
    /* Start-up and the faults that keep state F. */
    for (int p = 0; p < 7; p++)
        for (uint32_t bits = 0; bits < 16; bits++) {
            struct evse_in i = good(letters[p]);
            i.dt_ms = steps_ms[bits & 1 ? 1 : 3];
            i.ventilation = ventilation;
            i.fault = bits & 2;
            i.state_f = i.fault && (bits & 4);
            i.self_tested = bits & 8;
            i.test_bp = bits & 4 ? PILOT_F : PILOT_STEADY;
            from(w, *s, &i);
            i.gap = true;
            from(w, *s, &i);
        }
}

/* From any state, a good car in C is charged, and an empty socket becomes idle, in bounded time. */
static void comes_to_life(const struct evse *s)
{
    e = *s;
    in = good('C');
    in.dt_ms = 100;
    dropped = false;
    run(160 * STEP_MS); /* 16 s */
    if (e.state != EVSE_CHARGING)
        printf("stuck in %s, duty %u, wakes %u\n", evse_state_name(e.state), e.duty_bp, e.wakes);
    assert_int_equal(e.state, EVSE_CHARGING);
    in.pilot = 'A';
    run(1000);
    assert_int_equal(e.state, EVSE_IDLE);
}

static void every_reachable_state(void **state)
{
    (void)state;
    for (int ventilation = 0; ventilation < 2; ventilation++) {
        struct walk w = {.cap = 1u << 16, .slots_n = 1u << 18, .all = getenv("ECS_WALK_ALL") != NULL};
        w.seen = malloc(w.cap * sizeof *w.seen);
        w.slots = calloc(w.slots_n, sizeof *w.slots);
        assert_non_null(w.seen);
        assert_non_null(w.slots);
        struct evse s;
        evse_init(&s);
        canonical(&s);
        visit(&w, &s);
        for (uint32_t n = 0; n < w.n; n++) {
            struct evse at = w.seen[n];
            all_inputs(&w, &at, ventilation);
        }
        for (uint32_t n = 0; n < w.n; n++)
            comes_to_life(&w.seen[n]);
        printf("ventilation %d: %u states, %llu transitions\n", ventilation, w.n,
               (unsigned long long)w.transitions);
        for (int i = 0; i < EVSE_STATES; i++) {
            printf("  %-12s %u\n", evse_state_name((enum evse_state)i), w.by_state[i]);
            assert_true(w.by_state[i] > 0);
        }
        free(w.seen);
        free(w.slots);
    }
}

static void names(void **state)
{
    (void)state;
    for (int i = 0; i < EVSE_STATES; i++)
        assert_true(strlen(evse_state_name((enum evse_state)i)) > 2);
    assert_string_equal(evse_state_name(EVSE_STATES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plug_in),
        cmocka_unit_test(s2_always_closed),
        cmocka_unit_test(unplug),
        cmocka_unit_test(car_stops),
        cmocka_unit_test(station_stops),
        cmocka_unit_test(duty_changes),
        cmocka_unit_test(ventilation),
        cmocka_unit_test(fault_in_c),
        cmocka_unit_test(cable_gone_during_the_pulse_of_f),
        cmocka_unit_test(out_of_service),
        cmocka_unit_test(wake_up),
        cmocka_unit_test(guard_was_faster),
        cmocka_unit_test(not_before_the_self_test),
        cmocka_unit_test(c_unseen_does_not_count),
        cmocka_unit_test(every_condition_is_needed_to_close),
        cmocka_unit_test(c_counts_from_500_ms),
        cmocka_unit_test(more_current_after_5_s),
        cmocka_unit_test(spacing_is_for_the_car_that_saw_the_change),
        cmocka_unit_test(six_seconds_to_stop),
        cmocka_unit_test(state_f_as_long_as_a_car_needs),
        cmocka_unit_test(wake_up_times),
        cmocka_unit_test(unsound_opens_at_once),
        cmocka_unit_test(nobody_comes_in_state_f),
        cmocka_unit_test(a_passing_f_hides_no_plug_out),
        cmocka_unit_test(every_reachable_state),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
