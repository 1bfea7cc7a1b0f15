/* The network in memory between a transport and a hub that are both the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux/memory_net.h"

enum { LATENCY_US = 20000, STEP_US = 5000 };

/* ---- a hub that notes what it is told ---- */

struct hub_peer {
    struct hub_link link;
    char id[64];
    bool there;
};
struct hub {
    struct hub_peer peer[8];
    int peers;
    bool refuse, greet;
    char texts[400];
};

struct hub_peer *hub_connected(struct hub *h, const char *station_id, const struct hub_link *link,
                               int64_t unix_ms, uint64_t now_us)
{
    assert_true(unix_ms > 1000000 && now_us > 0);
    if (h->refuse)
        return NULL;
    struct hub_peer *p = &h->peer[h->peers++];
    p->link = *link;
    p->there = true;
    (void)snprintf(p->id, sizeof p->id, "%s", station_id);
    if (h->greet)
        assert_true(link->send(link->ctx, "hello", 5));
    return p;
}

static struct hub *texts_of;

void hub_text(struct hub_peer *p, const char *text, size_t len, int64_t unix_ms, uint64_t now_us)
{
    assert_true(p->there && unix_ms > 1000000 && now_us > 0);
    size_t at = strlen(texts_of->texts);
    (void)snprintf(texts_of->texts + at, sizeof texts_of->texts - at, "%s:%.*s ", p->id, (int)len, text);
}

void hub_disconnected(struct hub_peer *p, uint64_t now_us)
{
    assert_true(p->there && now_us > 0);
    p->there = false;
}

/* Files are not its business: tests/linux/test_memory_http.c. */
int hub_file_open(struct hub *h, const char *path, struct hub_file *out, char *why, size_t cap)
{
    (void)h, (void)path, (void)out, (void)why, (void)cap;
    return 0;
}

int hub_upload_begin(struct hub *h, const char *method, const char *path, uint64_t length,
                     struct hub_upload **out, char *why, size_t cap, int64_t unix_ms, uint64_t now_us)
{
    (void)h, (void)method, (void)path, (void)length, (void)out, (void)why, (void)cap, (void)unix_ms,
        (void)now_us;
    return 0;
}

bool hub_upload_data(struct hub_upload *u, const void *bytes, size_t len)
{
    (void)u, (void)bytes, (void)len;
    return false;
}

int hub_upload_end(struct hub_upload *u, bool whole, char *answer, size_t cap, int64_t unix_ms,
                   uint64_t now_us)
{
    (void)u, (void)whole, (void)answer, (void)cap, (void)unix_ms, (void)now_us;
    return 500;
}

/* ---- a station's end ---- */

struct end {
    unsigned opened, closed, heards, writables;
    char texts[400], why[100], taps[100];
};

static struct sim_network wire[2];
static struct end ends[2];

void sim_station_connect(struct sim_station *s, const struct sim_network *network)
{
    wire[(struct end *)(void *)s - ends] = *network;
}

void sim_station_tap(void *station, char dir, const char *text, size_t len)
{
    struct end *e = station;
    size_t at = strlen(e->taps);
    (void)snprintf(e->taps + at, sizeof e->taps - at, "%c%.*s", dir, (int)len, text);
}

static void up_opened(void *ctx, const char *subprotocol)
{
    struct end *e = ctx;
    assert_string_equal(subprotocol, "ocpp2.0.1");
    e->opened++;
}

static void up_text(void *ctx, const char *text, size_t len)
{
    struct end *e = ctx;
    size_t at = strlen(e->texts);
    (void)snprintf(e->texts + at, sizeof e->texts - at, "%.*s ", (int)len, text);
}

static void up_heard(void *ctx)
{
    struct end *e = ctx;
    e->heards++;
}

static void up_writable(void *ctx)
{
    struct end *e = ctx;
    e->writables++;
}

static void up_closed(void *ctx, const char *why)
{
    struct end *e = ctx;
    e->closed++;
    (void)snprintf(e->why, sizeof e->why, "%s", why);
}

/* ---- the bench ---- */

struct bench {
    struct memory_net *net;
    struct hub hub;
    uint64_t now_us;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    memset(ends, 0, sizeof ends);
    texts_of = &b->hub;
    b->net = memory_net_create(2, LATENCY_US, 1767225600000);
    for (int i = 0; i < 2; i++)
        memory_net_connect(b->net, i, (struct sim_station *)(void *)&ends[i]);
    memory_net_hub(b->net, &b->hub);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    memory_net_destroy(b->net);
    free(b);
    return 0;
}

static void run_ms(struct bench *b, unsigned ms)
{
    for (uint64_t end = b->now_us + ms * 1000; b->now_us < end;) {
        b->now_us += STEP_US;
        memory_net_pump(b->net, b->now_us);
    }
}

static bool open_end(int i, uint32_t ping_s)
{
    const struct transport_target t = {.url = i ? "ws://hub/ocpp/CP%202" : "ws://hub/ocpp/CP1",
                                       .subprotocols = "ocpp2.0.1",
                                       .ping_interval_s = ping_s};
    const struct transport_up up = {.ctx = &ends[i],
                                    .opened = up_opened,
                                    .text = up_text,
                                    .heard = up_heard,
                                    .writable = up_writable,
                                    .closed = up_closed};
    return wire[i].transport.open(wire[i].transport.ctx, &t, &up);
}

static bool say(int i, const char *text)
{
    return wire[i].transport.send(wire[i].transport.ctx, text, strlen(text));
}

static void there_and_back(void **state)
{
    struct bench *b = *state;
    b->hub.greet = true;
    run_ms(b, 100);
    assert_true(open_end(0, 0));
    assert_false(open_end(0, 0)); /* one at a time */
    assert_true(open_end(1, 0));
    assert_false(say(0, "early"));
    run_ms(b, 35);
    assert_int_equal(ends[0].opened, 0);
    run_ms(b, 10);
    assert_int_equal(ends[0].opened, 1);
    assert_string_equal(b->hub.peer[0].id, "CP1");
    assert_string_equal(b->hub.peer[1].id, "CP 2");
    assert_string_equal(ends[0].texts, "hello ");
    assert_true(say(0, "one"));
    assert_false(say(0, "two"));
    run_ms(b, STEP_US / 1000);
    assert_int_equal(ends[0].writables, 1);
    assert_true(say(0, "two"));
    run_ms(b, 10);
    assert_string_equal(b->hub.texts, "");
    run_ms(b, 10);
    assert_string_equal(b->hub.texts, "CP1:one CP1:two ");
    assert_string_equal(ends[0].taps, "<hello>one>two");
}

static void each_side_may_end_it(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    assert_true(open_end(0, 0) && open_end(1, 0));
    run_ms(b, 100);
    struct hub_link *l = &b->hub.peer[0].link;
    l->close(l->ctx, "replaced");
    assert_true(b->hub.peer[0].there); /* not from inside its own call */
    assert_false(l->send(l->ctx, "more", 4));
    assert_true(say(1, "bye"));
    wire[1].transport.close(wire[1].transport.ctx, "enough");
    run_ms(b, 5);
    assert_false(b->hub.peer[0].there);
    assert_int_equal(ends[1].closed, 1);
    assert_string_equal(ends[1].why, "enough");
    run_ms(b, 100);
    assert_int_equal(ends[0].closed, 1);
    assert_string_equal(ends[0].why, "replaced");
    assert_string_equal(b->hub.texts, "CP 2:bye ");
    assert_false(b->hub.peer[1].there);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_int_equal(ends[0].opened, 2);
}

static void cut_cable_holds_everything_back(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    assert_true(open_end(0, 10));
    run_ms(b, 100);
    wire[0].cut(wire[0].ctx, true);
    struct hub_link *l = &b->hub.peer[0].link;
    assert_true(l->send(l->ctx, "down", 4));
    assert_true(say(0, "up"));
    run_ms(b, 20000);
    assert_false(say(0, "up2")); /* the one before has not left yet */
    assert_string_equal(ends[0].taps, "");
    assert_string_equal(ends[0].texts, "");
    assert_string_equal(b->hub.texts, "");
    assert_int_equal(ends[0].heards, 0);
    assert_int_equal(ends[0].closed, 0);
    wire[0].cut(wire[0].ctx, false);
    run_ms(b, 50);
    assert_string_equal(ends[0].texts, "down ");
    assert_string_equal(b->hub.texts, "CP1:up ");
    assert_string_equal(ends[0].taps, ">up<down");
    assert_int_equal(ends[0].writables, 1);
    assert_true(ends[0].heards > 0);
}

static void given_up_over_a_cut_cable(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    wire[0].cut(wire[0].ctx, true);
    wire[0].transport.close(wire[0].transport.ctx, "silence");
    run_ms(b, 10);
    assert_int_equal(ends[0].closed, 1);
    assert_true(open_end(0, 0));
    run_ms(b, 500);
    assert_int_equal(ends[0].closed, 1);
    run_ms(b, 600);
    assert_int_equal(ends[0].closed, 2);
    assert_string_equal(ends[0].why, "no route to host");
    assert_true(b->hub.peer[0].there); /* the hub knows nothing of it */
    wire[0].cut(wire[0].ctx, false);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_false(b->hub.peer[0].there);
    assert_true(b->hub.peer[1].there);
    assert_int_equal(ends[0].opened, 2);
}

static void power_cut(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_true(say(0, "left in time"));
    run_ms(b, 5);
    wire[0].cut(wire[0].ctx, true);
    assert_true(say(0, "too late"));
    wire[0].reset(wire[0].ctx);
    run_ms(b, 3000);
    assert_int_equal(ends[0].closed, 0);
    assert_true(b->hub.peer[0].there);
    struct hub_link *l = &b->hub.peer[0].link;
    assert_true(l->send(l->ctx, "anybody?", 8));
    wire[0].cut(wire[0].ctx, false);
    run_ms(b, 50);
    assert_false(b->hub.peer[0].there);
    assert_string_equal(ends[0].texts, "");
    assert_string_equal(b->hub.texts, "CP1:left in time ");
}

static void hub_refuses_dies_and_returns(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    b->hub.refuse = true;
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_int_equal(ends[0].closed, 1);
    assert_int_equal(ends[0].opened, 0);
    b->hub.refuse = false;
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_int_equal(ends[0].opened, 1);
    memory_net_hub(b->net, NULL);
    assert_false(b->hub.peer[0].there);
    run_ms(b, 100);
    assert_int_equal(ends[0].closed, 2);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_int_equal(ends[0].closed, 3);
    memory_net_hub(b->net, &b->hub);
    assert_true(open_end(0, 0));
    run_ms(b, 100);
    assert_int_equal(ends[0].opened, 2);
    assert_true(say(0, "again"));
    run_ms(b, 100);
    assert_string_equal(b->hub.texts, "CP1:again ");
}

static void pings_are_answered(void **state)
{
    struct bench *b = *state;
    run_ms(b, 5);
    assert_true(open_end(0, 5));
    run_ms(b, 4000);
    assert_int_equal(ends[0].heards, 0);
    run_ms(b, 1200);
    assert_int_equal(ends[0].heards, 1);
    run_ms(b, 10000);
    assert_int_equal(ends[0].heards, 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(there_and_back),
        T(each_side_may_end_it),
        T(cut_cable_holds_everything_back),
        T(given_up_over_a_cut_cable),
        T(power_cut),
        T(hub_refuses_dies_and_returns),
        T(pings_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
