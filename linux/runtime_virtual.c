#include "linux/runtime_virtual.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/local_hub.h"
#include "linux/memory_net.h"
#include "linux/site.h"
#include "linux/site_report.h"
#include "linux/verdict.h"

enum {
    QUANTUM_US =
        5000, /* about one ADC frame, half a control step: what happens within it counts as simultaneous */
    SCENARIO_PERIOD_US = 10000,
    TABLE_PERIOD_US = 1000000,
    ERR_CAP = 300,
};
/* Wall clock of the hub when virtual time begins: 2026-01-01T00:00:00Z. */
#define EPOCH_MS 1767225600000

static volatile sig_atomic_t interrupted; /* a signal handler has no other place to write to */

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void wake(void *ctx)
{
    (void)ctx; /* every station is asked in every quantum */
}

static void worlds_on(struct site *s, uint64_t now_us)
{
    for (int i = 0; i < s->count; i++) {
        struct sim_station *st = s->station[i];
        while (sim_station_time_us(st) < now_us)
            sim_station_frame(st);
        struct world_state w;
        world_state_read(sim_station_world(st), &w);
        site_watch_station(s->watch, i, &w);
    }
    site_watch_round(s->watch);
}

static int loop(const struct options *o, struct site *s, struct memory_net *net, struct local_hub *hub,
                struct scenario *scenario)
{
    uint64_t end = o->duration_s > 0 ? (uint64_t)(o->duration_s * 1e6) : UINT64_MAX;
    uint64_t now = 0, scenario_due = 0, table_due = 0, hub_due = 0;
    bool terminal = isatty(STDOUT_FILENO), shown = false;
    struct verdict v;
    verdict_init(&v, scenario);
    while (!interrupted) {
        memory_net_pump(net, now);
        for (int i = 0; i < s->count; i++)
            (void)sim_station_comms(s->station[i]);
        memory_net_pump(net, now);
        if (now >= hub_due)
            hub_due = local_hub_step(hub, now);
        if (now >= scenario_due) {
            if (verdict_step(&v, s, now) && (!o->keep_running || verdict_failed(&v)))
                break;
            scenario_due = now + SCENARIO_PERIOD_US;
        }
        if (now >= end)
            break;
        if (o->table && now >= table_due) {
            site_print_table(s, terminal && shown);
            shown = true;
            table_due += TABLE_PERIOD_US;
        }
        now += QUANTUM_US;
        worlds_on(s, now);
    }
    return verdict_end(&v, o, s, interrupted != 0);
}

int runtime_virtual(const struct options *o, struct scenario *scenario, struct frame_log *log)
{
    char err[ERR_CAP] = "";
    struct site site;
    struct local_hub *hub = NULL;
    struct memory_net *net = memory_net_create(o->stations, (uint64_t)(o->latency_ms * 1000), EPOCH_MS);
    bool ok = site_open(&site, o, log, wake, NULL, err, sizeof err) && net;
    if (ok) {
        for (int i = 0; i < site.count; i++)
            memory_net_connect(net, i, site.station[i]);
        hub = local_hub_open(o, &site, net, err, sizeof err);
        ok = hub != NULL;
    }
    int code = EXIT_NO_START;
    if (ok && scenario && !scenario_check(scenario, &site.host, err, sizeof err)) {
        fprintf(stderr, "ecs-sim: %s: %s\n", o->scenario, err);
        code = EXIT_USAGE;
    } else if (ok && site_power_on(&site, err, sizeof err)) {
        struct sigaction act;
        memset(&act, 0, sizeof act);
        act.sa_handler = on_signal;
        sigaction(SIGINT, &act, NULL);
        sigaction(SIGTERM, &act, NULL);
        code = loop(o, &site, net, hub, scenario);
    } else {
        fprintf(stderr, "ecs-sim: %s\n", err[0] ? err : "no memory");
    }
    local_hub_close(hub);
    memory_net_destroy(net);
    site_close(&site);
    return code;
}
