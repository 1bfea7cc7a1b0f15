#include "linux/runtime_real.h"

#include <errno.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "linux/control_socket.h"
#include "linux/site.h"
#include "linux/site_report.h"
#include "linux/verdict.h"
#include "net/http_client.h"
#include "net/ws_client.h"
#include "web/server.h"

#define FRAME_US (WORLD_FRAME_LEN * 1000000ull / SENSE_RATE_HZ)

enum {
    SCENARIO_PERIOD_US = 10000, /* as fine as the control step */
    TABLE_PERIOD_US = 1000000,
    SERVICE_MAX_US = 100000, /* a signal between the check and the wait costs at most this */
    /* A machine that was busy longer than this does not get the lost time back: the worlds go on late instead
     * of running in a burst, which cars and servers would see as a wild clock. */
    LAG_MAX_US = 250000,
    ERR_CAP = 300,
};

struct clients { /* of one station */
    struct ws_client *ws;
    struct http_client *http;
};

struct runtime {
    struct site site;
    struct lws_context *context;
    struct clients *client;
    lws_sorted_usec_list_t timer;
    uint64_t start_us;
    atomic_ullong slipped_us; /* wall time that the worlds have not lived through */
    atomic_bool stop;
    pthread_t control;
    pthread_t comms;
};

static volatile sig_atomic_t interrupted; /* a signal handler has no other place to write to */

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static uint64_t monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- control thread ---- */

static void *control_thread(void *arg)
{
    struct runtime *r = arg;
    struct site *s = &r->site;
    uint64_t slipped = 0, reported = 0;
    while (!atomic_load(&r->stop)) {
        uint64_t now = monotonic_us() - r->start_us - slipped;
        uint64_t next = UINT64_MAX, behind = 0;
        for (int i = 0; i < s->count; i++) {
            uint64_t t = sim_station_time_us(s->station[i]);
            if (now > t && now - t > behind)
                behind = now - t;
        }
        if (behind > LAG_MAX_US) {
            slipped += behind - FRAME_US;
            atomic_store(&r->slipped_us, slipped);
            if (slipped - reported > 1000000u) {
                fprintf(stderr, "ecs-sim: this machine is too slow: the worlds are %.1f s late by now\n",
                        (double)slipped / 1e6);
                reported = slipped;
            }
            now -= behind - FRAME_US;
        }
        bool moved = false;
        for (int i = 0; i < s->count; i++) {
            /* A frame is handed over when its last conversion has been made, not before. */
            while (sim_station_time_us(s->station[i]) + FRAME_US <= now && !atomic_load(&r->stop)) {
                sim_station_frame(s->station[i]);
                moved = true;
            }
            uint64_t due = sim_station_time_us(s->station[i]) + FRAME_US;
            if (due < next)
                next = due;
        }
        if (moved) {
            for (int i = 0; i < s->count; i++) {
                struct world_state w;
                sim_station_lock(s->station[i]);
                world_state_read(sim_station_world(s->station[i]), &w);
                sim_station_unlock(s->station[i]);
                site_watch_station(s->watch, i, &w);
            }
            site_watch_round(s->watch);
        }
        uint64_t wall = r->start_us + slipped + next;
        struct timespec until = {.tv_sec = (time_t)(wall / 1000000u),
                                 .tv_nsec = (long)(wall % 1000000u) * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return NULL;
}

/* ---- comms thread ---- */

static void wake(void *ctx)
{
    struct runtime *r = ctx;
    /* In the comms thread itself the loop comes by anyway. */
    if (r->context && !pthread_equal(pthread_self(), r->comms))
        lws_cancel_service(r->context);
}

static void timer_passed(lws_sorted_usec_list_t *sul)
{
    /* libwebsockets serves the timers that are due before it waits, and then waits for the next one: without
     * this a timer that has passed on the way into lws_service would not end its wait. */
    lws_cancel_service(lws_container_of(sul, struct runtime, timer)->context);
}

static void network_cut(void *ctx, bool cut)
{
    const struct clients *c = ctx;
    ws_client_block(c->ws, cut);
    http_client_block(c->http, cut);
}

static void network_reset(void *ctx)
{
    const struct clients *c = ctx;
    ws_client_reset(c->ws);
    http_client_reset(c->http);
}

static bool clients_open(struct runtime *r, const struct options *o, char *err, size_t cap)
{
    FILE *ca = o->ca_file ? fopen(o->ca_file, "r") : NULL; /* the TLS library does not say why it can't */
    if (o->ca_file && !ca) {
        (void)snprintf(err, cap, "--ca-file %s: %s", o->ca_file, strerror(errno));
        return false;
    }
    if (ca)
        fclose(ca);
    r->client = calloc((size_t)r->site.count, sizeof *r->client);
    if (!r->client || !ws_client_add_vhost(r->context, o->ca_file)) {
        (void)snprintf(err, cap, "no WebSocket client%s%s", o->ca_file ? ": no certificates in " : "",
                       o->ca_file ? o->ca_file : "");
        return false;
    }
    for (int i = 0; i < r->site.count; i++) {
        struct clients *c = &r->client[i];
        c->ws = ws_client_create(r->context, OCPP_TEXT_MAX);
        c->http = http_client_create(r->context);
        if (!c->ws || !c->http) {
            (void)snprintf(err, cap, "no memory");
            return false;
        }
        struct sim_network n = {.ctx = c, .cut = network_cut, .reset = network_reset};
        ws_client_transport(c->ws, &n.transport);
        http_client_http(c->http, &n.http);
        ws_client_tap(c->ws, sim_station_tap, r->site.station[i]);
        sim_station_connect(r->site.station[i], &n);
    }
    return true;
}

/* Until which world time nothing has to be done, and what is due now has been. */
static uint64_t serve_stations(struct site *s)
{
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < s->count; i++) {
        uint64_t due = sim_station_comms(s->station[i]);
        if (due < next)
            next = due;
    }
    return next;
}

static int loop(struct runtime *r, const struct options *o, struct scenario *scenario)
{
    uint64_t scenario_due = 0, table_due = 0,
             end = o->duration_s > 0 ? (uint64_t)(o->duration_s * 1e6) : UINT64_MAX;
    bool terminal = isatty(STDOUT_FILENO), shown = false, left = false;
    struct verdict v;
    verdict_init(&v, scenario);
    while (!interrupted) {
        uint64_t next = serve_stations(&r->site);
        uint64_t now = sim_station_time_us(r->site.station[0]);
        if (now >= scenario_due) {
            if (verdict_step(&v, &r->site, now) && (!o->keep_running || verdict_failed(&v)))
                break;
            scenario_due = now + SCENARIO_PERIOD_US;
        }
        if (now >= end)
            break;
        if (sim_station_left(r->site.station[0])) {
            left = true;
            break;
        }
        if (o->table && now >= table_due) {
            site_print_table(&r->site, terminal && shown);
            shown = true;
            table_due += TABLE_PERIOD_US;
        }
        uint64_t wait = next > now ? next - now : 0;
        if (verdict_running(&v) && wait > SCENARIO_PERIOD_US)
            wait = SCENARIO_PERIOD_US;
        if (wait > SERVICE_MAX_US)
            wait = SERVICE_MAX_US;
        lws_sul_schedule(r->context, 0, &r->timer, timer_passed, (lws_usec_t)(wait ? wait : 1));
        if (lws_service(r->context, 0) < 0)
            break;
    }
    lws_sul_cancel(&r->timer);
    int code = verdict_end(&v, o, &r->site, interrupted != 0 || left);
    return left ? EXIT_RESTART : code;
}

static int run(struct runtime *r, const struct options *o, struct scenario *scenario, struct frame_log *log)
{
    char err[ERR_CAP] = "";
    struct control_socket *control = NULL;
    r->comms = pthread_self();
    r->context = web_context_create();
    if (!r->context) {
        fprintf(stderr, "ecs-sim: no libwebsockets context\n");
        return EXIT_NO_START;
    }
    if (!site_open(&r->site, o, log, wake, r, err, sizeof err) || !clients_open(r, o, err, sizeof err)) {
        fprintf(stderr, "ecs-sim: %s\n", err);
        return EXIT_NO_START;
    }
    if (scenario && !scenario_check(scenario, &r->site.host, err, sizeof err)) {
        fprintf(stderr, "ecs-sim: %s: %s\n", o->scenario, err);
        return EXIT_USAGE;
    }
    if (o->control_port >= 0) {
        control = control_socket_open(r->context, &r->site, o->control_port, err, sizeof err);
        if (!control) {
            fprintf(stderr, "ecs-sim: control socket: %s\n", err);
            return EXIT_NO_START;
        }
        printf("control http://127.0.0.1:%d/\n", control_socket_port(control));
        (void)fflush(stdout);
    }
    if (!site_power_on(&r->site, err, sizeof err)) {
        fprintf(stderr, "ecs-sim: %s\n", err);
        control_socket_close(control);
        return EXIT_NO_START;
    }

    sigset_t ours, before;
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ours, &before); /* inherited: signals come to this thread only */
    r->start_us = monotonic_us();
    int failed = pthread_create(&r->control, NULL, control_thread, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    int code = EXIT_NO_START;
    if (failed) {
        fprintf(stderr, "ecs-sim: no thread: %s\n", strerror(failed));
    } else {
        code = loop(r, o, scenario);
        atomic_store(&r->stop, true);
        pthread_join(r->control, NULL);
    }
    control_socket_close(control);
    return code;
}

int runtime_real(const struct options *o, struct scenario *scenario, struct frame_log *log)
{
    struct runtime *r = calloc(1, sizeof *r);
    if (!r) {
        fprintf(stderr, "ecs-sim: no memory\n");
        return EXIT_NO_START;
    }
    int code = run(r, o, scenario, log);
    if (r->client)
        for (int i = 0; i < r->site.count; i++) {
            ws_client_destroy(r->client[i].ws);
            http_client_destroy(r->client[i].http);
        }
    free(r->client);
    if (r->context)
        lws_context_destroy(r->context);
    site_close(&r->site);
    free(r);
    return code;
}
