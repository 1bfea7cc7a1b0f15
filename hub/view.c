/* view: the site and its stations as JSON, for the HTTP API and for the live page. The fields are told in
 * docs/hub.md. */
#include "hub/state.h"

#include <math.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void number(cJSON *o, const char *name, double v, int decimals)
{
    if (isnan(v) || fabs(v) > 1e12)
        cJSON_AddNullToObject(o, name);
    else
        json_add_fixed(o, name, llround(v * pow(10, decimals)), decimals);
}

static void three(cJSON *o, const char *name, const double v[3], int decimals)
{
    cJSON *list = json_add_array(o, name);
    for (int p = 0; p < 3; p++) {
        char text[40];
        if (!isnan(v[p]) && fabs(v[p]) < 1e9 &&
            json_fixed_text(text, sizeof(text), llround(v[p] * pow(10, decimals)), decimals))
            cJSON_AddItemToArray(list, cJSON_CreateRaw(text));
        else
            cJSON_AddItemToArray(list, cJSON_CreateNull());
    }
}

static void time_or_null(cJSON *o, const char *name, int64_t ms)
{
    if (ms > 0)
        json_add_time(o, name, ms);
    else
        cJSON_AddNullToObject(o, name);
}

static void text_or_null(cJSON *o, const char *name, const char *t)
{
    if (t && t[0])
        json_add_text(o, name, t);
    else
        cJSON_AddNullToObject(o, name);
}

/* What is measured now, of all EVSEs; NaN: nothing recent. A transaction-less EVSE draws nothing. */
static void measured(const struct station *s, double i[3], double v[3], double *w)
{
    const struct hub *h = s->hub;
    *w = NAN;
    for (int p = 0; p < 3; p++)
        i[p] = v[p] = NAN;
    for (int k = 0; k < HUB_EVSES_MAX; k++) {
        const struct evse *e = &s->evse[k];
        if (!e->id || !s->peer || !e->measured_ms)
            continue;
        /* values come every few seconds during a transaction; after a minute of silence they say nothing */
        if (e->tx.used && h->steady_ms - e->measured_ms > 60000 + 3000 * (int64_t)h->cfg.meter_interval_s)
            continue;
        if (!isnan(e->w))
            *w = (isnan(*w) ? 0 : *w) + e->w;
        for (int p = 0; p < 3; p++) {
            if (!isnan(e->i[p]))
                i[p] = (isnan(i[p]) ? 0 : i[p]) + e->i[p];
            if (!isnan(e->v[p]))
                v[p] = e->v[p];
        }
    }
}

const char *view_state(const struct station *s)
{
    const struct share_station *t = &s->hub->share.stations[s->share];
    if (!s->peer)
        return "offline";
    if (s->registration == REG_PENDING || s->registration == REG_REJECTED)
        return "not-accepted";
    const char *state = "available";
    for (int k = 0; k < HUB_EVSES_MAX; k++) {
        const struct evse *e = &s->evse[k];
        if (!e->id)
            continue;
        if (is(e->status, "Faulted"))
            return "faulted";
        if (is(e->status, "Unavailable"))
            state = "unavailable";
        else if (is(e->status, "Reserved"))
            state = "reserved";
        else if (e->tx.used && is(e->tx.charging_state, "Charging"))
            return "charging";
        else if (e->tx.used && e->tx.authorised && (t->reason == SHARE_R_WAITING || t->target_ma == 0))
            state = "waiting";
        else if (e->tx.used && e->tx.authorised && is(e->tx.charging_state, "SuspendedEV"))
            state = "paused";
        else if (e->tx.used && e->tx.authorised)
            state = "starting";
        else if (e->tx.used || is(e->status, "Occupied"))
            state = "connected";
    }
    return state;
}

static cJSON *transaction(const struct evse *e)
{
    const struct open_tx *t = &e->tx;
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "id", t->id);
    json_add_int(o, "evse", e->id);
    time_or_null(o, "started", t->started_ms);
    text_or_null(o, "charging_state", t->charging_state);
    text_or_null(o, "token", t->token);
    json_add_bool(o, "authorised", t->authorised);
    number(o, "energy_wh", t->last_wh - t->start_wh, 1);
    return o;
}

cJSON *view_station(struct station *s, bool whole)
{
    struct hub *h = s->hub;
    const struct share_station *t = &h->share.stations[s->share];
    double i[3], v[3], w;
    measured(s, i, v, &w);
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "id", s->id);
    json_add_bool(o, "connected", s->peer != NULL);
    json_add_text(o, "state", view_state(s));
    static const char *const registration[] = {"Unknown", "Accepted", "Pending", "Rejected"};
    json_add_text(o, "registration", registration[s->registration]);
    const struct evse *first = NULL, *charging = NULL;
    for (int k = HUB_EVSES_MAX - 1; k >= 0; k--) {
        if (s->evse[k].id)
            first = &s->evse[k];
        if (s->evse[k].id && s->evse[k].tx.used)
            charging = &s->evse[k];
    }
    text_or_null(o, "status", first ? (charging ? charging : first)->status : NULL);
    char pilot[2] = {first ? (charging ? charging : first)->pilot : 0, 0};
    text_or_null(o, "pilot", pilot);
    text_or_null(o, "contactor",
                 first && first->contactor_known ? (first->contactor_closed ? "Closed" : "Open") : NULL);
    three(o, "current_a", i, 2);
    three(o, "voltage_v", v, 1);
    number(o, "power_w", w, 0);
    number(o, "meter_wh", first ? first->register_wh : NAN, 1);

    int32_t held = share_held(&h->share, s->share, h->steady_ms);
    if (held >= 0)
        json_add_fixed(o, "limit_a", held, 3);
    else
        cJSON_AddNullToObject(o, "limit_a");
    bool leased = t->hold.known && h->steady_ms < t->hold.lease.until_ms;
    time_or_null(o, "limit_until", leased ? t->hold.lease.until_ms + h->shift_ms : 0);
    json_add_fixed(o, "target_a", t->target_ma, 3);
    json_add_text(o, "reason", share_reason_name(t->reason));
    if (t->fallback_known)
        json_add_fixed(o, "fallback_a", t->fallback_ma, 3);
    else
        cJSON_AddNullToObject(o, "fallback_a");
    number(o, "offered_a", s->offered_a, 1);
    text_or_null(o, "offered_reason", s->offered_reason);
    cJSON *faults = json_add_array(o, "faults");
    for (int k = 0; k < HUB_FAULTS_MAX && s->fault[k].component[0]; k++)
        cJSON_AddItemToArray(faults, cJSON_CreateString(s->fault[k].code));
    if (s->rating_ma)
        json_add_fixed(o, "rating_a", s->rating_ma, 3);
    else
        cJSON_AddNullToObject(o, "rating_a");
    cJSON *phases = json_add_array(o, "phases");
    static const char *const names[3] = {"L1", "L2", "L3"};
    for (int p = 0; p < 3; p++)
        if (t->phases >> p & 1)
            cJSON_AddItemToArray(phases, cJSON_CreateString(names[p]));
    cJSON_AddItemToObject(o, "transaction", charging ? transaction(charging) : cJSON_CreateNull());

    text_or_null(o, "vendor", s->vendor);
    text_or_null(o, "model", s->model);
    text_or_null(o, "serial", s->serial);
    text_or_null(o, "firmware", s->firmware);
    time_or_null(o, "last_seen", s->seen_ms);
    time_or_null(o, "connected_since", s->connected_ms);
    cJSON_AddItemToObject(o, "update", maintenance_update_view(s));
    cJSON_AddItemToObject(o, "log_upload", maintenance_log_view(s));
    if (!whole)
        return o;

    time_or_null(o, "booted", s->booted_ms);
    text_or_null(o, "boot_reason", s->boot_reason);
    json_add_int(o, "calls_waiting", s->call_count);
    json_add_int(o, "messages_received", (int64_t)s->received);
    json_add_int(o, "messages_sent", (int64_t)s->sent);
    int32_t worst[3];
    share_worst(&h->share, s->share, h->steady_ms, worst);
    three(o, "reserved_a", (double[]){worst[0] / 1e3, worst[1] / 1e3, worst[2] / 1e3}, 1);
    cJSON *evses = json_add_array(o, "evses");
    for (int k = 0; k < HUB_EVSES_MAX; k++) {
        const struct evse *e = &s->evse[k];
        if (!e->id)
            continue;
        cJSON *one = json_append_object(evses);
        json_add_int(one, "id", e->id);
        text_or_null(one, "status", e->status);
        three(one, "current_a", e->i, 2);
        number(one, "meter_wh", e->register_wh, 1);
        cJSON_AddItemToObject(one, "transaction", e->tx.used ? transaction(e) : cJSON_CreateNull());
        cJSON *connectors = json_add_array(one, "connectors");
        for (int c = 0; c < 4 && e->connector[c].id; c++) {
            cJSON *x = json_append_object(connectors);
            json_add_int(x, "id", e->connector[c].id);
            json_add_text(x, "status", e->connector[c].status);
        }
    }
    return o;
}

cJSON *view_site(struct hub *h)
{
    double current[3] = {0}, granted[3] = {0}, reserved[3] = {0}, power = 0;
    double stuck[3] = {0}, fallbacks = 0, goal = share_fallback_goal(&h->share) / 1e3;
    int64_t stations = 0, connected = 0, charging = 0, waiting = 0;
    for (struct station *s = h->stations; s; s = s->next) {
        const struct share_station *t = &h->share.stations[s->share];
        double i[3], v[3], w;
        int32_t worst[3];
        measured(s, i, v, &w);
        share_worst(&h->share, s->share, h->steady_ms, worst);
        int32_t held = share_held(&h->share, s->share, h->steady_ms);
        bool deaf = !s->peer || t->reason == SHARE_R_UNCONTROLLED;
        for (int p = 0; p < 3; p++) {
            current[p] += isnan(i[p]) ? 0 : i[p];
            reserved[p] += worst[p] / 1e3;
            stuck[p] += deaf ? worst[p] / 1e3 : 0;
            if (held > 0 && (!t->phases || t->phases >> p & 1))
                granted[p] += held / 1e3;
        }
        power += isnan(w) ? 0 : w;
        if (t->fallback_known) /* one that can be told has the goal in a moment */
            fallbacks += deaf ? t->fallback_ma / 1e3 : fmin(t->fallback_ma / 1e3, goal);
        stations++;
        connected += s->peer != NULL;
        charging += is(view_state(s), "charging");
        waiting += is(view_state(s), "waiting");
    }
    double limit = h->share.cfg.limit_ma / 1e3, room = limit - h->share.cfg.margin_ma / 1e3;
    cJSON *o = cJSON_CreateObject();
    json_add_time(o, "time", h->unix_ms);
    number(o, "limit_a", limit, 1);
    number(o, "margin_a", h->share.cfg.margin_ma / 1e3, 1);
    number(o, "min_a", h->share.cfg.min_ma / 1e3, 1);
    json_add_int(o, "lease_s", h->share.cfg.lease_ms / 1000);
    number(o, "fallback_a", goal, 1);
    three(o, "current_a", current, 2);
    three(o, "granted_a", granted, 1);
    three(o, "reserved_a", reserved, 1);
    number(o, "power_w", power, 0);
    json_add_int(o, "stations", stations);
    json_add_int(o, "connected", connected);
    json_add_int(o, "charging", charging);
    json_add_int(o, "waiting", waiting);
    json_add_bool(o, "auto_start", h->cfg.auto_start);
    /* After the limit was lowered below what stations hold that can't be told, or refuse limits: until they
     * come back, or it is raised. Not while those that can be told follow. */
    json_add_bool(o, "overcommitted",
                  fallbacks > room + 1e-6 || stuck[0] > room + 1e-6 || stuck[1] > room + 1e-6 ||
                      stuck[2] > room + 1e-6);
    json_add_int(o, "messages", (int64_t)h->messages);
    return o;
}

void view_history_step(struct hub *h)
{
    if (h->steady_ms < h->history_at_ms)
        return;
    h->history_at_ms = h->steady_ms - h->steady_ms % HISTORY_MS + HISTORY_MS;
    struct history_point *x = &h->history[h->history_next];
    *x = (struct history_point){.at_ms = h->unix_ms, .limit_a = (float)(h->share.cfg.limit_ma / 1e3)};
    for (struct station *s = h->stations; s; s = s->next) {
        double i[3], v[3], w;
        measured(s, i, v, &w);
        for (int p = 0; p < 3; p++)
            x->current_a[p] += isnan(i[p]) ? 0 : (float)i[p];
    }
    h->history_next = (h->history_next + 1) % HISTORY_POINTS;
    if (h->history_count < HISTORY_POINTS)
        h->history_count++;
    if (h->unix_ms - h->history_stored_ms >= HISTORY_STORE_MS || h->unix_ms < h->history_stored_ms) {
        if (h->unix_ms < h->history_stored_ms) /* the clock was set back */
            h->history_stored_ms = h->unix_ms - HISTORY_STORE_MS;
        view_history_store(h);
    }
}

/* Puts what is not in the database there, and takes out what is no longer shown. */
void view_history_store(struct hub *h)
{
    for (size_t k = 0; k < h->history_count; k++) {
        const struct history_point *x =
            &h->history[(h->history_next + HISTORY_POINTS - h->history_count + k) % HISTORY_POINTS];
        if (x->at_ms <= h->history_stored_ms)
            continue;
        db_put(h->db, DB_HISTORY_ADD, NULL, "idddd", x->at_ms, (double)x->current_a[0],
               (double)x->current_a[1], (double)x->current_a[2], (double)x->limit_a);
        h->history_stored_ms = x->at_ms;
    }
    db_put(h->db, DB_HISTORY_PRUNE, NULL, "i", h->history_stored_ms - (int64_t)HISTORY_POINTS * HISTORY_MS);
}

void view_history_load(struct hub *h)
{
    sqlite3_stmt *st = db_get(h->db, DB_HISTORY, "i", (int64_t)HISTORY_POINTS);
    while (st && h->history_count < HISTORY_POINTS && sqlite3_step(st) == SQLITE_ROW) {
        struct history_point *x = &h->history[h->history_count++];
        x->at_ms = h->history_stored_ms = sqlite3_column_int64(st, 0);
        for (int p = 0; p < 3; p++)
            x->current_a[p] = (float)sqlite3_column_double(st, 1 + p);
        x->limit_a = (float)sqlite3_column_double(st, 4);
    }
    if (st)
        db_done(st);
    h->history_next = h->history_count % HISTORY_POINTS;
}

cJSON *view_history(const struct hub *h)
{
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "points");
    for (size_t k = 0; k < h->history_count; k++) {
        const struct history_point *x =
            &h->history[(h->history_next + HISTORY_POINTS - h->history_count + k) % HISTORY_POINTS];
        cJSON *e = json_append_object(list);
        json_add_time(e, "time", x->at_ms);
        three(e, "current_a", (double[]){x->current_a[0], x->current_a[1], x->current_a[2]}, 2);
        number(e, "limit_a", x->limit_a, 1);
    }
    return o;
}
