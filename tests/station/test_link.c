/* The link: back-off with doubling and jitter, silence, hanging openings, wrong up-calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "station/link.h"

#define S 1000000ull

struct bench {
    struct link link;
    uint64_t now;
    struct transport_up up; /* of the connection being tried */
    bool refuse_open, silent_close;
    int opens, closes;
    char last_url[100];
    int opened, closed, failed, texts;
    char why[64];
};

static uint64_t bench_now(void *ctx)
{
    return ((struct bench *)ctx)->now;
}

static bool bench_open(void *ctx, const struct transport_target *t, const struct transport_up *up)
{
    struct bench *b = ctx;
    b->opens++;
    strncpy(b->last_url, t->url, sizeof b->last_url - 1);
    b->up = *up;
    return !b->refuse_open;
}

static bool bench_send(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)text;
    return len > 0;
}

static void bench_close(void *ctx, const char *why)
{
    struct bench *b = ctx;
    b->closes++;
    if (!b->silent_close)
        b->up.closed(b->up.ctx, why);
}

static void on_opened(void *ctx, const char *sub)
{
    (void)sub;
    ((struct bench *)ctx)->opened++;
}

static void on_text(void *ctx, const char *text, size_t len)
{
    (void)text;
    (void)len;
    ((struct bench *)ctx)->texts++;
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static void on_closed(void *ctx, const char *why)
{
    struct bench *b = ctx;
    b->closed++;
    strncpy(b->why, why, sizeof b->why - 1);
}

static void on_failed(void *ctx, const char *why, uint64_t wait_us)
{
    struct bench *b = ctx;
    assert_true(why[0] != 0);
    assert_int_equal(wait_us, b->link.open_at_us - b->now);
    b->failed++;
}

static const struct link_cfg cfg = {
    .url = "ws://127.0.0.1:1/ocpp/CP1",
    .user = "CP1",
    .password = "",
    .subprotocols = "ocpp2.0.1",
    .ping_interval_s = 30,
    .silence_timeout_s = 120,
    .backoff_min_s = 2,
    .backoff_random_s = 2,
    .backoff_repeats = 4,
};

static void bench_init(struct bench *b)
{
    *b = (struct bench){.now = 10 * S};
    const struct transport t = {.ctx = b, .open = bench_open, .send = bench_send, .close = bench_close};
    const struct link_up up = {.ctx = b,
                               .now_us = bench_now,
                               .opened = on_opened,
                               .text = on_text,
                               .writable = on_writable,
                               .closed = on_closed,
                               .failed = on_failed};
    link_init(&b->link, &t, &up, 12345);
    link_configure(&b->link, &cfg);
}

static void run_until(struct bench *b, uint64_t until)
{
    while (b->now < until) {
        uint64_t due = link_step(&b->link, b->now);
        assert_true(due > b->now || b->link.phase != LINK_OPEN);
        uint64_t next = due > b->now ? due : b->now + 1;
        b->now = next < until ? next : until;
    }
    link_step(&b->link, b->now);
}

static void test_backoff_doubles_and_stops_doubling(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.refuse_open = true;
    uint64_t last = b.now;
    link_step(&b.link, b.now);
    assert_int_equal(b.opens, 1);
    assert_int_equal(b.failed, 1);
    for (int n = 0; n < 8; n++) {
        int before = b.opens;
        while (b.opens == before) {
            b.now += S / 100;
            link_step(&b.link, b.now);
        }
        uint64_t base = 2 * S << (n < 4 ? n : 4);
        assert_in_range(b.now - last, base, base + 2 * S + S / 50);
        last = b.now;
    }
}

static void test_jitter_differs_between_stations(void **state)
{
    (void)state;
    struct bench a, b;
    bench_init(&a);
    bench_init(&b);
    b.link.random = 99;
    a.refuse_open = b.refuse_open = true;
    assert_true(link_step(&a.link, a.now) != link_step(&b.link, b.now));
}

static void test_silent_connection_is_dropped(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    link_step(&b.link, b.now);
    b.up.opened(b.up.ctx, "ocpp2.0.1");
    assert_int_equal(b.opened, 1);
    run_until(&b, b.now + 100 * S);
    b.up.heard(b.up.ctx); /* a pong counts */
    run_until(&b, b.now + 119 * S);
    assert_int_equal(b.closes, 0);
    run_until(&b, b.now + 2 * S);
    assert_int_equal(b.closes, 1);
    assert_int_equal(b.closed, 1);
    assert_string_equal(b.why, "nothing heard from the server");
    run_until(&b, b.now + 5 * S);
    assert_int_equal(b.opens, 2);
}

static void test_only_a_speaking_server_ends_the_backoff(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    link_step(&b.link, b.now);
    for (int i = 0; i < 3; i++) { /* accepts and hangs up */
        b.up.opened(b.up.ctx, "ocpp2.0.1");
        b.up.closed(b.up.ctx, "bye");
        b.now = b.link.open_at_us;
        link_step(&b.link, b.now);
    }
    assert_int_equal(b.link.attempts, 3);
    b.up.opened(b.up.ctx, "ocpp2.0.1");
    b.up.text(b.up.ctx, "[]", 2);
    assert_int_equal(b.texts, 1);
    b.up.closed(b.up.ctx, "bye");
    assert_in_range(b.link.open_at_us - b.now, 2 * S, 4 * S);
}

static void test_hanging_opening_is_given_up(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        struct bench b;
        bench_init(&b);
        b.silent_close = silent;
        link_step(&b.link, b.now);
        run_until(&b, b.now + 29 * S);
        assert_int_equal(b.closes, 0);
        run_until(&b, b.now + 2 * S);
        assert_int_equal(b.closes, 1);
        assert_int_equal(b.closed, 0); /* it was never open */
        assert_int_equal(b.failed, 1);
        run_until(&b, b.now + 5 * S);
        assert_int_equal(b.opens, 2);
    }
}

static void test_transport_that_never_closes(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    b.silent_close = true;
    link_step(&b.link, b.now);
    b.up.opened(b.up.ctx, "ocpp2.0.1");
    link_drop(&b.link, "test");
    assert_false(link_send(&b.link, "x", 1));
    run_until(&b, b.now + 20 * S);
    assert_int_equal(b.closed, 1);
    assert_int_equal(b.opens, 2);
}

static void test_no_server_no_opening(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct link_cfg none = cfg;
    none.url = "";
    link_configure(&b.link, &none);
    run_until(&b, b.now + 1000 * S);
    assert_int_equal(b.opens, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_doubles_and_stops_doubling),
        cmocka_unit_test(test_jitter_differs_between_stations),
        cmocka_unit_test(test_silent_connection_is_dropped),
        cmocka_unit_test(test_only_a_speaking_server_ends_the_backoff),
        cmocka_unit_test(test_hanging_opening_is_given_up),
        cmocka_unit_test(test_transport_that_never_closes),
        cmocka_unit_test(test_no_server_no_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
