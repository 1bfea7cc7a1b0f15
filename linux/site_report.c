#include "linux/site_report.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/verbs.h"

/* Rounded, so that a page of numbers stays readable: 6 significant digits are far more than is measured. */
static void add(cJSON *o, const char *name, double value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.6g", value);
    cJSON_AddRawToObject(o, name, text);
}

static void add_time(cJSON *o, const char *name, double seconds)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%.6f", seconds);
    cJSON_AddRawToObject(o, name, text);
}

static void add_phases(cJSON *o, const char *name, const double value[3])
{
    cJSON *a = cJSON_AddArrayToObject(o, name);
    for (int p = 0; p < 3; p++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%.6g", value[p]);
        cJSON_AddItemToArray(a, cJSON_CreateRaw(text));
    }
}

static void read_world(struct sim_station *st, struct world_state *w)
{
    sim_station_lock(st);
    world_state_read(sim_station_world(st), w);
    sim_station_unlock(st);
}

static bool get(struct sim_station *st, const char *name, double *out)
{
    char text[40];
    sim_station_lock(st);
    bool known = verb_value(sim_station_world(st), name, text, sizeof text);
    sim_station_unlock(st);
    *out = known ? strtod(text, NULL) : 0;
    return known;
}

/* What a person has set, so that whoever shows it need not remember it. */
static void add_set(cJSON *o, struct sim_station *st)
{
    double v, volt[3];
    cJSON *car = cJSON_AddObjectToObject(o, "car"), *faults = cJSON_AddObjectToObject(o, "faults");
    if (get(st, "car.max_a", &v))
        add(car, "max_a", v);
    if (get(st, "car.phases", &v))
        add(car, "phases", v);
    const char *name;
    for (unsigned i = 0; (name = verb_fault_name(i)) != NULL; i++) {
        char value[60];
        (void)snprintf(value, sizeof value, "fault.%s", name);
        if (get(st, value, &v))
            cJSON_AddBoolToObject(faults, name, v != 0);
    }
    unsigned lost = get(st, "fault.phase_loss", &v) ? (unsigned)v : 0;
    cJSON *phases = cJSON_AddArrayToObject(faults, "phase_loss");
    for (unsigned p = 0; p < 3; p++)
        cJSON_AddItemToArray(phases, cJSON_CreateBool((int)(lost >> p & 1)));
    sim_station_lock(st);
    memcpy(volt, world_mains(sim_station_world(st))->volt, sizeof volt);
    sim_station_unlock(st);
    add_phases(o, "mains_volt", volt);
    if (get(st, "ambient", &v))
        add(o, "ambient_c", v);
    if (get(st, "cable_ohm", &v))
        add(o, "cable_ohm", v);
}

static cJSON *state_of(struct sim_station *st, int number)
{
    struct world_state w;
    read_world(st, &w);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "station", number);
    cJSON_AddStringToObject(o, "id", sim_station_id(st));
    add_time(o, "time_s", w.time_s);
    add_phases(o, "volt", w.volt);
    add_phases(o, "amp", w.amp);
    add_phases(o, "watt", w.watt);
    add(o, "amp_peak_phase", w.amp_peak_phase);
    add(o, "energy_wh", w.energy_wh);
    add_phases(o, "energy_phase_wh", w.energy_phase_wh);
    cJSON_AddBoolToObject(o, "contactor", w.contactor);
    cJSON_AddBoolToObject(o, "coil", w.coil);
    cJSON_AddBoolToObject(o, "plugged", w.plugged);
    cJSON_AddBoolToObject(o, "cable", w.cable);
    cJSON_AddBoolToObject(o, "cable_end", w.cable_end);
    cJSON_AddBoolToObject(o, "locked", w.locked);
    cJSON_AddBoolToObject(o, "s2", w.s2);
    cJSON_AddBoolToObject(o, "charging", w.charging);
    cJSON_AddStringToObject(o, "pilot", (const char[]){w.pilot, '\0'});
    add(o, "duty_percent", w.duty_percent);
    add(o, "cp_high_v", w.cp_high_v);
    add(o, "cp_low_v", w.cp_low_v);
    add(o, "pp_ohm", w.pp_ohm);
    add(o, "soc", w.soc);
    add(o, "temperature_c", w.temperature_c);
    add_time(o, "contactor_changed_s", w.contactor_changed_s);
    add_time(o, "coil_changed_s", w.coil_changed_s);
    add_time(o, "s2_changed_s", w.s2_changed_s);
    add_time(o, "duty_changed_s", w.duty_changed_s);
    add_time(o, "plugged_changed_s", w.plugged_changed_s);
    cJSON_AddNumberToObject(o, "contactor_cycles", w.contactor_cycles);
    cJSON_AddNumberToObject(o, "hot_switches", w.hot_switches);
    cJSON_AddBoolToObject(o, "power", w.powered);
    cJSON_AddBoolToObject(o, "network", sim_station_cable_plugged(st));
    add_set(o, st);
    return o;
}

static char *finish(cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    return text;
}

char *site_state_json(struct site *s)
{
    cJSON *o = cJSON_CreateObject();
    add_time(o, "time_s", (double)sim_station_time_us(s->station[0]) / 1e6);
    struct site_figures f;
    site_watch_read(s->watch, &f);
    cJSON *site = cJSON_AddObjectToObject(o, "site");
    add_phases(site, "amp", f.phase_a);
    add(site, "max_phase_a", f.max_phase_a);
    add(site, "limit_a", f.limit_a);
    cJSON_AddNumberToObject(site, "violations", f.violations);
    cJSON_AddNumberToObject(site, "charged", f.charged);
    cJSON *list = cJSON_AddArrayToObject(o, "stations");
    for (int i = 0; i < s->count; i++)
        cJSON_AddItemToArray(list, state_of(s->station[i], i + 1));
    return finish(o);
}

static cJSON *belief_of(struct sim_station *st, int number)
{
    struct control_status c;
    struct station_link_status l;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "station", number);
    cJSON_AddStringToObject(o, "id", sim_station_id(st));
    bool running = sim_station_view(st, &c, &l);
    cJSON_AddBoolToObject(o, "running", running);
    if (!running)
        return o;
    cJSON_AddStringToObject(o, "state", evse_state_name(c.state));
    cJSON_AddStringToObject(o, "fault", fault_name(c.fault));
    cJSON_AddStringToObject(o, "pilot", (const char[]){c.pilot, '\0'});
    add(o, "offered_a", c.offered_ma / 1000.0);
    cJSON_AddStringToObject(o, "reason", limit_slot_name(c.offered_by));
    cJSON_AddBoolToObject(o, "authorised", c.authorised);
    cJSON_AddBoolToObject(o, "available", c.available);
    cJSON_AddBoolToObject(o, "contactor", c.contactor_closed);
    cJSON_AddBoolToObject(o, "locked", c.locked);
    add(o, "cable_a", c.cable_ma / 1000.0);
    double amp[3], volt[3];
    for (int p = 0; p < 3; p++) {
        amp[p] = c.meter.i_ma[p] / 1000.0;
        volt[p] = c.meter.v_mv[p] / 1000.0;
    }
    add_phases(o, "amp", amp);
    add_phases(o, "volt", volt);
    cJSON_AddBoolToObject(o, "online", l.online);
    cJSON_AddBoolToObject(o, "registered", l.registered);
    cJSON_AddBoolToObject(o, "transaction", l.transaction);
    cJSON_AddStringToObject(o, "transaction_id", l.transaction_id);
    cJSON_AddNumberToObject(o, "queued", l.queued);
    cJSON_AddNumberToObject(o, "sent", l.sent);
    cJSON_AddNumberToObject(o, "received", l.received);
    cJSON_AddNumberToObject(o, "reconnects", l.reconnects);
    cJSON_AddNumberToObject(o, "journal_live", l.journal_live);
    cJSON_AddNumberToObject(o, "journal_dropped", l.journal_dropped);
    static const char *const fitted[] = {"aux_fitted", "lock_fitted", "rcm_fitted"};
    char text[16];
    for (size_t i = 0; i < sizeof fitted / sizeof fitted[0]; i++)
        if (sim_station_setting(st, fitted[i], text, sizeof text))
            cJSON_AddBoolToObject(o, fitted[i], strcmp(text, "true") == 0);
    if (sim_station_setting(st, "language", text, sizeof text))
        cJSON_AddStringToObject(o, "language", text);
    return o;
}

char *site_stations_json(struct site *s)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < s->count; i++)
        cJSON_AddItemToArray(list, belief_of(s->station[i], i + 1));
    return finish(list);
}

static void traffic(const struct site *s, uint64_t *messages, uint64_t *reconnects)
{
    *messages = *reconnects = 0;
    for (int i = 0; i < s->count; i++) {
        uint64_t frames;
        uint32_t again;
        sim_station_traffic(s->station[i], &frames, &again);
        *messages += frames;
        *reconnects += again;
    }
}

bool site_write_summary(struct site *s, const char *path)
{
    struct site_figures f;
    uint64_t messages, reconnects;
    site_watch_read(s->watch, &f);
    traffic(s, &messages, &reconnects);
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file,
            "{\"stations\": %d, \"charged\": %u, \"site_limit_a\": %.6g, \"max_phase_a\": %.3f, "
            "\"violations\": %u, "
            "\"messages\": %llu, \"reconnects\": %llu}\n",
            s->count, f.charged, f.limit_a, f.max_phase_a, f.violations, (unsigned long long)messages,
            (unsigned long long)reconnects);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

enum { TABLE_HEAD = 2, TABLE_FOOT = 1, WIDTH_ID = 10, WIDTH_STATE = 12 };

void site_print_table(struct site *s, bool again)
{
    static const char clear[] = "\033[K"; /* to the end of the line: the new one may be shorter */
    const char *eol = again ? clear : "";
    if (again)
        printf("\033[%dA\r", TABLE_HEAD + s->count + TABLE_FOOT);
    double t = (double)sim_station_time_us(s->station[0]) / 1e6;
    struct site_figures f;
    site_watch_read(s->watch, &f);
    printf("%8.1f s   amperes per phase, as the world has them%s\n", t, eol);
    printf("%-*s %-*s %-8s %-9s %7s %7s %7s %8s %-12s %9s  %s%s\n", WIDTH_ID, "station", WIDTH_STATE, "state",
           "car", "contactor", "A L1", "A L2", "A L3", "offered", "because", "kWh", "server", eol);
    for (int i = 0; i < s->count; i++) {
        struct world_state w;
        struct control_status c;
        struct station_link_status l;
        read_world(s->station[i], &w);
        bool running = sim_station_view(s->station[i], &c, &l);
        char offered[16] = "-";
        if (running)
            (void)snprintf(offered, sizeof offered, "%.1f", c.offered_ma / 1000.0);
        printf("%-*.*s %-*s %-8s %-9s %7.2f %7.2f %7.2f %8s %-12s %9.4f  %s%s\n", WIDTH_ID, WIDTH_ID,
               sim_station_id(s->station[i]), WIDTH_STATE, running ? evse_state_name(c.state) : "no power",
               !w.plugged ? "-"
               : w.s2     ? "asks"
                          : "plugged",
               w.contactor ? "closed" : "open", w.amp[0], w.amp[1], w.amp[2], offered,
               running ? limit_slot_name(c.offered_by) : "-", w.energy_wh / 1000,
               !running   ? "-"
               : l.online ? "online"
                          : "OFFLINE",
               eol);
    }
    char limit[32] = "";
    if (f.limit_a > 0)
        (void)snprintf(limit, sizeof limit, " of %.1f", f.limit_a);
    printf("%-*s %-*s %-8s %-9s %7.2f %7.2f %7.2f %8s max %.2f%s%s%s\n", WIDTH_ID, "site", WIDTH_STATE, "",
           "", "", f.phase_a[0], f.phase_a[1], f.phase_a[2], "", f.max_phase_a, limit,
           f.violations ? "  LIMIT PASSED" : "", eol);
    (void)fflush(stdout);
}
