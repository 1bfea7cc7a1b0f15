/* What passes between the control and the comms thread: order, nothing invented, no torn status. Real
 * threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "station/rings.h"
#include "station/snapshot.h"
#include "station/wishes.h"

enum { ROUNDS = 200000 };

static void *produce_events(void *arg)
{
    struct event_ring *r = arg;
    for (int32_t i = 0; i < ROUNDS;) {
        const struct control_event ev = {.type = CONTROL_EV_STATE, .at_us = (uint64_t)i, .a = i, .b = ~i};
        if (event_ring_put(r, &ev))
            i++;
    }
    return NULL;
}

static void test_events_keep_their_order(void **state)
{
    (void)state;
    static struct event_ring ring;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, produce_events, &ring), 0);
    for (int32_t i = 0; i < ROUNDS;) {
        struct control_event ev;
        if (!event_ring_take(&ring, &ev))
            continue;
        assert_int_equal(ev.a, i);
        assert_int_equal(ev.b, ~i);
        assert_int_equal(ev.at_us, i);
        i++;
    }
    pthread_join(t, NULL);
}

static void test_full_ring_counts_what_it_refuses(void **state)
{
    (void)state;
    struct event_ring ring = {0};
    const struct control_event ev = {.type = CONTROL_EV_LIMIT};
    for (int i = 0; i < RING_EVENTS; i++)
        assert_true(event_ring_put(&ring, &ev));
    assert_false(event_ring_put(&ring, &ev));
    assert_false(event_ring_put(&ring, &ev));
    assert_int_equal(event_ring_take_lost(&ring), 2);
    assert_int_equal(event_ring_take_lost(&ring), 0);
}

/* Every member that the writer fills is the same number: a torn copy shows two. */
static void fill(struct control_status *s, uint32_t n)
{
    s->at_us = n;
    s->cp_high_mv = (int32_t)n;
    s->contactor_cycles = n;
    s->meter.import_total_uwh = n;
    s->meter.v_mv[2] = (int32_t)n;
    s->temperature_mc = (int32_t)n;
}

static void *publish(void *arg)
{
    struct snapshot *snap = arg;
    struct control_status s = {0};
    for (uint32_t n = 1; n <= ROUNDS / 4; n++) {
        fill(&s, n);
        snapshot_write(snap, &s);
    }
    return NULL;
}

static void test_status_is_never_torn(void **state)
{
    (void)state;
    static struct snapshot snap;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, publish, &snap), 0);
    struct control_status s;
    uint64_t last = 0;
    do {
        snapshot_read(&snap, &s);
        assert_true(s.at_us >= last);
        last = s.at_us;
        assert_int_equal(s.cp_high_mv, s.at_us);
        assert_int_equal(s.contactor_cycles, s.at_us);
        assert_int_equal(s.meter.import_total_uwh, s.at_us);
        assert_int_equal(s.meter.v_mv[2], s.at_us);
        assert_int_equal(s.temperature_mc, s.at_us);
    } while (last < ROUNDS / 4);
    pthread_join(t, NULL);
}

static void test_a_wish_survives_a_full_ring_and_the_newest_counts(void **state)
{
    (void)state;
    struct command_ring ring = {0};
    struct wishes w = {0};
    const struct control_cmd filler = {.type = CONTROL_CLEAR_FAULT};
    for (int i = 0; i < RING_COMMANDS; i++)
        assert_true(command_ring_put(&ring, &filler));

    const struct control_cmd old = {.type = CONTROL_LIMIT, .slot = LIMIT_SERVER, .a = 32000};
    const struct control_cmd new = {.type = CONTROL_LIMIT, .slot = LIMIT_SERVER, .a = 6000};
    const struct control_cmd user = {.type = CONTROL_LIMIT, .slot = LIMIT_USER, .a = 10000};
    wishes_want(&w, &old);
    wishes_want(&w, &user);
    wishes_want(&w, &new);
    assert_false(wishes_flush(&w, &ring));

    struct control_cmd cmd;
    for (int i = 0; i < RING_COMMANDS; i++)
        assert_true(command_ring_take(&ring, &cmd));
    assert_true(wishes_flush(&w, &ring));
    assert_true(command_ring_take(&ring, &cmd));
    assert_int_equal(cmd.slot, LIMIT_SERVER);
    assert_int_equal(cmd.a, 6000);
    assert_true(command_ring_take(&ring, &cmd));
    assert_int_equal(cmd.slot, LIMIT_USER);
    assert_false(command_ring_take(&ring, &cmd));
    assert_true(wishes_flush(&w, &ring));
    assert_false(command_ring_take(&ring, &cmd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_keep_their_order),
        cmocka_unit_test(test_full_ring_counts_what_it_refuses),
        cmocka_unit_test(test_status_is_never_torn),
        cmocka_unit_test(test_a_wish_survives_a_full_ring_and_the_newest_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
