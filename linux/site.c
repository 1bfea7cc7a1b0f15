#include "linux/site.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/sim_firmware.h"

enum { PATH_CAP = 4096 };

__attribute__((format(printf, 3, 4))) static bool fail(char *why, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, cap, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- verbs and values of the host ---- */

static struct sim_station *of(struct site *s, int station)
{
    return station >= 1 && station <= s->count ? s->station[station - 1] : NULL;
}

static int host_stations(void *ctx)
{
    const struct site *s = ctx;
    return s->count;
}

static struct world *host_world(void *ctx, int station)
{
    struct sim_station *st = of(ctx, station);
    return st ? sim_station_world(st) : NULL;
}

/* "on" or "off" as the only argument. */
static bool on_off(int argc, char **argv, bool *on, char *why, size_t cap)
{
    if (argc >= 2 && strcmp(argv[1], "on") == 0)
        *on = true;
    else if (argc >= 2 && strcmp(argv[1], "off") == 0)
        *on = false;
    else
        return fail(why, cap, "%s wants on or off", argv[0]);
    return true;
}

static bool verb_power(struct sim_station *st, int argc, char **argv, char *why, size_t cap)
{
    bool on, torn = argc == 3 && strcmp(argv[2], "torn") == 0;
    if (!on_off(argc, argv, &on, why, cap))
        return false;
    if (argc > 2 && (on || !torn || argc > 3))
        return fail(why, cap, "power wants on, off or off torn");
    return sim_station_power(st, on, torn, why, cap);
}

static bool verb_crash(struct sim_station *st, int argc, char **argv, char *why, size_t cap)
{
    (void)argv;
    if (argc > 1)
        return fail(why, cap, "crash wants nothing");
    return sim_station_crash(st) || fail(why, cap, "the station does not run");
}

static bool verb_network(struct sim_station *st, int argc, char **argv, char *why, size_t cap)
{
    bool on;
    if (argc == 3 && strcmp(argv[1], "break") == 0) {
        char *end;
        unsigned long long bytes = strtoull(argv[2], &end, 10);
        if (argv[2][0] < '0' || argv[2][0] > '9' || *end)
            return fail(why, cap, "network break wants a number of bytes");
        return sim_station_break_http(st, bytes) ||
               fail(why, cap, "network break is for --virtual: real sockets can't be cut at a byte");
    }
    if (argc > 2)
        return fail(why, cap, "network wants on, off or break BYTES");
    if (!on_off(argc, argv, &on, why, cap))
        return false;
    sim_station_cable(st, on);
    return true;
}

static bool verb_token(struct sim_station *st, int argc, char **argv, char *why, size_t cap)
{
    /* 36: OCPP 2.0.1 IdTokenType.idToken */
    if (argc < 2 || argc > 3 || strlen(argv[1]) > 36)
        return fail(why, cap,
                    "token wants an id of at most 36 characters and, if it is not ISO14443, its type");
    return sim_station_token(st, argv[1], argc == 3 ? argv[2] : "ISO14443") ||
           fail(why, cap, "the station has no power");
}

static bool verb_set(struct sim_station *st, int argc, char **argv, char *why, size_t cap)
{
    if (argc < 2 || argc > 3)
        return fail(why, cap, "set wants a setting's name and its value");
    return sim_station_set(st, argv[1], argc == 3 ? argv[2] : "", why, cap);
}

static const struct {
    const char *name;
    bool (*verb)(struct sim_station *st, int argc, char **argv, char *why, size_t cap);
} verbs[] = {{"power", verb_power},
             {"crash", verb_crash},
             {"network", verb_network},
             {"token", verb_token},
             {"set", verb_set}};

static bool host_verb(void *ctx, int station, int argc, char **argv, char *why, size_t cap)
{
    struct site *s = ctx;
    if (strcmp(argv[0], "server") == 0) {
        if (!s->peer.verb)
            return fail(why, cap, "the server is not in this process: server verbs are for --virtual");
        return s->peer.verb(s->peer.ctx, station, argc, argv, why, cap);
    }
    struct sim_station *st = of(s, station);
    if (!st)
        return fail(why, cap, "there is no such station");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(argv[0], verbs[i].name) == 0)
            return verbs[i].verb(st, argc, argv, why, cap);
    return fail(why, cap, "no verb is called %s", argv[0]);
}

static bool said(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text);
    return true;
}

static bool said_number(char *out, size_t cap, double value)
{
    (void)snprintf(out, cap, "%.10g", value);
    return true;
}

static bool station_value(struct sim_station *st, const char *name, char *out, size_t cap)
{
    struct control_status c;
    struct station_link_status l;
    uint64_t frames;
    uint32_t reconnects;
    sim_station_traffic(st, &frames, &reconnects);
    if (strcmp(name, "frames") == 0)
        return said_number(out, cap, (double)frames);
    if (strcmp(name, "reconnects") == 0)
        return said_number(out, cap, (double)reconnects);
    if (strcmp(name, "network") == 0)
        return said_number(out, cap, sim_station_cable_plugged(st));
    if (strncmp(name, "set.", 4) == 0)
        return sim_station_setting(st, name + 4, out, cap);
    bool view = sim_station_view(st, &c, &l);
    if (strcmp(name, "running") == 0)
        return said_number(out, cap, view);
    if (!view) { /* no firmware runs, so nothing is believed; what can be counted is none */
        static const char *const words[] = {"state", "fault", "reason", "pilot", "transaction_id"};
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strcmp(name, words[i]) == 0)
                return said(out, cap, "off");
        memset(&c, 0, sizeof c);
        memset(&l, 0, sizeof l);
    }
    if (strcmp(name, "state") == 0)
        return said(out, cap, evse_state_name(c.state));
    if (strcmp(name, "fault") == 0)
        return said(out, cap, fault_name(c.fault));
    if (strcmp(name, "reason") == 0)
        return said(out, cap, limit_slot_name(c.offered_by));
    if (strcmp(name, "pilot") == 0)
        return said(out, cap, (const char[]){c.pilot, '\0'});
    if (strcmp(name, "transaction_id") == 0)
        return said(out, cap, l.transaction_id);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"offered", c.offered_ma / 1000.0},
        {"cable_a", c.cable_ma / 1000.0},
        {"authorised", c.authorised},
        {"available", c.available},
        {"contactor", c.contactor_closed},
        {"locked", c.locked},
        {"amp1", c.meter.i_ma[0] / 1000.0},
        {"amp2", c.meter.i_ma[1] / 1000.0},
        {"amp3", c.meter.i_ma[2] / 1000.0},
        {"volt1", c.meter.v_mv[0] / 1000.0},
        {"volt2", c.meter.v_mv[1] / 1000.0},
        {"volt3", c.meter.v_mv[2] / 1000.0},
        {"online", l.online},
        {"registered", l.registered},
        {"transaction", l.transaction},
        {"queued", l.queued},
        {"sent", l.sent},
        {"received", l.received},
        {"journal", l.journal_live},
        {"journal_dropped", l.journal_dropped},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0)
            return said_number(out, cap, numbers[i].value);
    return false;
}

static bool host_value(void *ctx, int station, const char *name, char *out, size_t cap)
{
    struct site *s = ctx;
    if (strncmp(name, "station.", 8) == 0) {
        struct sim_station *st = of(s, station);
        return st && station_value(st, name + 8, out, cap);
    }
    if (strncmp(name, "hub.", 4) == 0)
        return s->peer.value && s->peer.value(s->peer.ctx, station, name + 4, out, cap);
    struct site_figures f;
    site_watch_read(s->watch, &f);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"site.amp1", f.phase_a[0]},     {"site.amp2", f.phase_a[1]},       {"site.amp3", f.phase_a[2]},
        {"site.max_amp", f.max_phase_a}, {"site.violations", f.violations}, {"site.charged", f.charged},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(name, numbers[i].name) == 0)
            return said_number(out, cap, numbers[i].value);
    return false;
}

static bool host_knows_verb(void *ctx, const char *verb)
{
    const struct site *s = ctx;
    if (strcmp(verb, "server") == 0)
        return s->peer.verb != NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return true;
    return false;
}

static bool host_knows_value(void *ctx, const char *name)
{
    static const char setting[] = "station.set.";
    struct site *s = ctx;
    enum setting_id id;
    char unused[200];
    if (strncmp(name, setting, sizeof setting - 1) == 0) /* can be read only while the station runs */
        return settings_find(name + sizeof setting - 1, &id);
    if (strncmp(name, "hub.", 4) == 0) /* what its documents have is known when they come */
        return s->peer.value != NULL;
    return host_value(s, 1, name, unused, sizeof unused);
}

/* ---- making and running ---- */

static bool dir_open(struct site *s, const struct options *o, char *err, size_t cap)
{
    if (o->state_dir) {
        s->dir = strdup(o->state_dir);
        if (!s->dir)
            return fail(err, cap, "no memory");
        if (mkdir(s->dir, 0777) != 0 && errno != EEXIST)
            return fail(err, cap, "%s: %s", s->dir, strerror(errno));
        return true;
    }
    const char *base = getenv("TMPDIR");
    /* In virtual time the disk would be what everybody waits for, and nothing has to outlive the run. */
    if (!base && o->virtual_time && access("/dev/shm", W_OK) == 0)
        base = "/dev/shm";
    char path[PATH_CAP];
    if (snprintf(path, sizeof path, "%s/ecs-sim-XXXXXX", base && *base ? base : "/tmp") >= (int)sizeof path ||
        !mkdtemp(path))
        return fail(err, cap, "no temporary directory: %s", strerror(errno));
    s->dir = strdup(path);
    s->dir_is_temporary = true;
    return s->dir != NULL || fail(err, cap, "no memory");
}

bool site_open(struct site *s, const struct options *o, struct frame_log *log, void (*wake)(void *ctx),
               void *wake_ctx, char *err, size_t cap)
{
    *s = (struct site){0};
    s->host = (struct scenario_host){.ctx = s,
                                     .stations = host_stations,
                                     .world = host_world,
                                     .verb = host_verb,
                                     .value = host_value,
                                     .knows_verb = host_knows_verb,
                                     .knows_value = host_knows_value};
    s->watch = site_watch_create(o->stations, o->site_limit_a);
    s->station = calloc((size_t)o->stations, sizeof *s->station);
    if (!s->watch || !s->station)
        return fail(err, cap, "no memory");
    if (!dir_open(s, o, err, cap))
        return false;

    const char *settings[2 * OPTIONS_SETTINGS_MAX + 1] = {NULL};
    bool bipolar = true;
    const struct sim_launch launch = {.dir = o->slots_dir,
                                      .slot = o->slot,
                                      .probation = o->probation,
                                      .other_failed = o->other_failed,
                                      .restarted = o->restarted};
    for (int i = 0; i < o->settings; i++) {
        settings[2 * i] = o->set_name[i];
        settings[2 * i + 1] = o->set_value[i];
        /* Which front end is on the board is a fact of the hardware, so the simulated one follows the
         * setting. */
        if (strcmp(o->set_name[i], "cp_bipolar") == 0)
            bipolar = o->set_value[i][0] == '1' || o->set_value[i][0] == 't';
    }
    for (int i = 0; i < o->stations; i++) {
        char id[OPTIONS_ID_MAX + 1], dir[PATH_CAP];
        if (!options_station_id(o->id, i, o->stations, id, sizeof id) ||
            snprintf(dir, sizeof dir, "%s/%s", s->dir, id) >= (int)sizeof dir)
            return fail(err, cap, "%s: name too long", o->id);
        struct sim_station_cfg cfg = {
            .id = id,
            .url = o->virtual_time ? "ws://hub.in.process/ocpp" : o->url,
            .password = o->password,
            .dir = dir,
            .launch = &launch,
            .keep_truth = o->state_dir && !o->virtual_time,
            .settings = settings,
            .seed = o->seed + (uint64_t)i * 1000003u,
            .seeded_random = o->virtual_time,
            .log_level = o->quiet     ? 0
                         : o->verbose ? 3
                                      : 2,
            .wake = wake,
            .wake_ctx = wake_ctx,
            .frame_log = log,
        };
        world_cfg_default(&cfg.world);
        world_cfg_vary(&cfg.world, cfg.seed, o->tolerance);
        cfg.world.adc.cp_bipolar = bipolar;
        s->station[i] = sim_station_create(&cfg, err, cap);
        if (!s->station[i])
            return false;
        s->count++;
    }
    return true;
}

bool site_power_on(struct site *s, char *err, size_t cap)
{
    for (int i = 0; i < s->count; i++) {
        sim_station_lock(s->station[i]);
        bool ok = sim_station_power(s->station[i], true, false, err, cap);
        sim_station_unlock(s->station[i]);
        if (!ok)
            return false;
    }
    return true;
}

/* Removes a directory of plain files and directories of plain files: what a run leaves behind. */
static void remove_tree(const char *dir, int depth)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[PATH_CAP];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= (int)sizeof path)
            continue;
        if (unlink(path) != 0 && depth > 0)
            remove_tree(path, depth - 1);
    }
    closedir(d);
    (void)rmdir(dir);
}

void site_close(struct site *s)
{
    for (int i = 0; i < s->count; i++)
        sim_station_destroy(s->station[i]);
    free(s->station);
    site_watch_destroy(s->watch);
    if (s->dir && s->dir_is_temporary)
        remove_tree(s->dir, 1);
    free(s->dir);
    *s = (struct site){0};
}

bool site_do(struct site *s, int station, const char *line, char *why, size_t cap)
{
    if (station < 0 || station > s->count)
        return fail(why, cap, "there is no station %d: they are 1 to %d", station, s->count);
    int first = station == 0 ? 1 : station, last = station == 0 ? s->count : station;
    for (int n = first; n <= last; n++) {
        struct sim_station *st = of(s, n);
        sim_station_lock(st);
        bool ok = scenario_do(&s->host, n, line, why, cap);
        sim_station_unlock(st);
        if (!ok)
            return false;
    }
    return true;
}

int site_scenario_step(struct site *s, struct scenario *scenario, uint64_t now_us, char *why, size_t cap)
{
    for (int i = 0; i < s->count; i++)
        sim_station_lock(s->station[i]);
    int r = scenario_step(scenario, &s->host, now_us, why, cap);
    for (int i = s->count; i-- > 0;)
        sim_station_unlock(s->station[i]);
    return r;
}
