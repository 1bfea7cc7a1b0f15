/*
 * csms: the server side of OCPP 2.0.1: one function per message that a station sends, one row per function.
 *
 * A function reads `in`, writes the answer's fields into `out`, and returns NULL, or the OCPP error code to
 * answer with (and why in ctx->why).
 */
#include "hub/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ctx {
    struct station *s;
    struct hub *h;
    const cJSON *in;
    cJSON *out;
    char why[160];
};

#define MISSING \
    "OccurrenceConstraintViolation" /* OCPP-J 2.0.1 keeps the word of 1.6 without its slip of the pen */
#define WRONG "PropertyConstraintViolation"

/* Reads a mandatory string; false: the answer's error is set. */
static const char *need(struct ctx *c, const cJSON *obj, const char *name, size_t max, const char **out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, name);
    if (!v) {
        snprintf(c->why, sizeof(c->why), "%s is missing", name);
        return MISSING;
    }
    *out = json_text(obj, name, max);
    if (*out)
        return NULL;
    snprintf(c->why, sizeof(c->why), "%s is not a string of at most %zu characters", name, max);
    return cJSON_IsString(v) ? WRONG : "TypeConstraintViolation";
}

static const char *need_time(struct ctx *c, const char *name, int64_t *out)
{
    const char *text, *e = need(c, c->in, name, 40, &text);
    if (!e && !json_time_parse(text, out)) {
        snprintf(c->why, sizeof(c->why), "%s is not a time", name);
        return WRONG;
    }
    return e;
}

static const char *need_int(struct ctx *c, const cJSON *obj, const char *name, int64_t *out)
{
    if (json_int(obj, name, out))
        return NULL;
    snprintf(c->why, sizeof(c->why), "%s is missing or not a whole number", name);
    return cJSON_GetObjectItemCaseSensitive(obj, name) ? "TypeConstraintViolation" : MISSING;
}

static void keep(char *to, size_t cap, const cJSON *obj, const char *name)
{
    const char *t = json_text(obj, name, cap / 4);
    snprintf(to, cap, "%s", t ? t : "");
}

/* ---- provisioning ---- */

static const char *boot_notification(struct ctx *c)
{
    const char *reason, *model, *vendor, *e;
    const cJSON *cs = json_object(c->in, "chargingStation");
    if ((e = need(c, c->in, "reason", 20, &reason)))
        return e;
    if (!cs) {
        snprintf(c->why, sizeof(c->why), "chargingStation is missing");
        return MISSING;
    }
    if ((e = need(c, cs, "model", 20, &model)) || (e = need(c, cs, "vendorName", 50, &vendor)))
        return e;
    struct station *s = c->s;
    keep(s->model, sizeof(s->model), cs, "model");
    keep(s->vendor, sizeof(s->vendor), cs, "vendorName");
    keep(s->serial, sizeof(s->serial), cs, "serialNumber");
    keep(s->firmware, sizeof(s->firmware), cs, "firmwareVersion");
    snprintf(s->boot_reason, sizeof(s->boot_reason), "%s", reason);
    s->booted_ms = c->h->unix_ms;
    s->registration = s->policy;
    station_store(s);
    static const char *const status[] = {"Accepted", "Accepted", "Pending", "Rejected"};
    hub_log(c->h, s->id, "boot", 2, "%s %s, firmware %s, reason %s: %s", s->vendor, s->model, s->firmware,
            reason, status[s->registration]);
    json_add_time(c->out, "currentTime", c->h->unix_ms);
    json_add_int(c->out, "interval",
                 s->registration == REG_ACCEPTED ? c->h->cfg.heartbeat_s
                 : s->policy_interval_s > 0      ? s->policy_interval_s
                                                 : c->h->cfg.heartbeat_s);
    json_add_text(c->out, "status", status[s->registration]);
    s->told = false;                       /* after a start it is told everything anew */
    memset(s->fault, 0, sizeof(s->fault)); /* and tells what is wrong anew */
    c->h->changed = true;
    return NULL;
}

static const char *heartbeat(struct ctx *c)
{
    json_add_time(c->out, "currentTime", c->h->unix_ms);
    return NULL;
}

static void occupied(struct station *s, struct evse *e, bool is)
{
    if (!is) {
        e->auto_wanted = false;
        e->auto_tries = 0;
        return;
    }
    if (s->hub->cfg.auto_start && e->auto_tries == 0 && !e->auto_wanted &&
        !(e->tx.used && e->tx.authorised)) {
        e->auto_wanted = true;
        e->auto_at_ms = s->hub->steady_ms + AUTO_START_MS;
    }
}

static void connector_status(struct ctx *c, int64_t evse, int64_t connector, const char *status,
                             int64_t at_ms)
{
    struct evse *e = evse < 1000 ? station_evse(c->s, (int)evse) : NULL;
    db_put(c->h->db, DB_CONNECTOR_PUT, NULL, "tiiti", c->s->id, evse, connector, status, at_ms);
    if (!e)
        return;
    int k = 0;
    while (k < 4 && e->connector[k].id && e->connector[k].id != connector)
        k++;
    if (k == 4)
        return;
    bool changed = strcmp(e->connector[k].status, status) != 0;
    e->connector[k].id = (int)connector;
    snprintf(e->connector[k].status, sizeof(e->connector[k].status), "%s", status);
    snprintf(e->status, sizeof(e->status), "%s", status);
    for (int i = 0; i < 4; i++)
        if (e->connector[i].id && strcmp(e->connector[i].status, "Available") != 0)
            snprintf(e->status, sizeof(e->status), "%s", e->connector[i].status);
    if (strcmp(e->status, "Available") == 0 || strcmp(e->status, "Occupied") == 0)
        occupied(c->s, e, e->status[0] == 'O');
    if (changed)
        hub_log(c->h, c->s->id, "status", 2, "connector %d of EVSE %d: %s", (int)connector, (int)evse,
                status);
    grants_car_changed(c->s);
}

static const char *status_notification(struct ctx *c)
{
    int64_t at, evse, connector;
    const char *status, *e;
    if ((e = need_time(c, "timestamp", &at)) || (e = need(c, c->in, "connectorStatus", 15, &status)) ||
        (e = need_int(c, c->in, "evseId", &evse)) || (e = need_int(c, c->in, "connectorId", &connector)))
        return e;
    static const char *const known[] = {"Available", "Occupied", "Reserved", "Unavailable", "Faulted"};
    bool ok = false;
    for (size_t i = 0; i < 5; i++)
        ok = ok || strcmp(status, known[i]) == 0;
    if (!ok || evse < 0 || connector < 0) {
        snprintf(c->why, sizeof(c->why), "unknown connectorStatus, or a negative number");
        return WRONG;
    }
    connector_status(c, evse, connector, status, at);
    return NULL;
}

/* ---- authorisation ---- */

/* Status of an idToken object, or NULL with the error in *e. */
static const char *judge(struct ctx *c, const cJSON *token, const char **e)
{
    const char *id, *type;
    if ((*e = need(c, token, "idToken", 36, &id)) || (*e = need(c, token, "type", 20, &type)))
        return NULL;
    return token_accepted(c->h, id, type) ? "Accepted" : "Invalid";
}

static const char *authorize(struct ctx *c)
{
    const cJSON *token = json_object(c->in, "idToken");
    const char *e = NULL, *status;
    if (!token) {
        snprintf(c->why, sizeof(c->why), "idToken is missing");
        return MISSING;
    }
    if (!(status = judge(c, token, &e)))
        return e;
    json_add_text(json_add_object(c->out, "idTokenInfo"), "status", status);
    hub_log(c->h, c->s->id, "authorize", 2, "%s: %s", json_text(token, "idToken", 36), status);
    return NULL;
}

/* ---- transactions ---- */

/* The end came from the station, not from a person: a car that is still plugged in wants to go on. */
static bool interrupted(const char *stopped_reason)
{
    static const char *const reasons[] = {"PowerLoss", "Reboot", "ImmediateReset"};
    for (size_t i = 0; stopped_reason && i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(stopped_reason, reasons[i]) == 0)
            return true;
    return false;
}

static const char *transaction_event(struct ctx *c)
{
    static const char *const types[] = {"Started", "Updated", "Ended"};
    struct station *s = c->s;
    struct hub *h = c->h;
    const char *type, *trigger, *id, *e, *state, *reason;
    int64_t at, seq;
    const cJSON *info = json_object(c->in, "transactionInfo");
    if ((e = need(c, c->in, "eventType", 10, &type)) || (e = need_time(c, "timestamp", &at)) ||
        (e = need(c, c->in, "triggerReason", 30, &trigger)) || (e = need_int(c, c->in, "seqNo", &seq)))
        return e;
    if (!info) {
        snprintf(c->why, sizeof(c->why), "transactionInfo is missing");
        return MISSING;
    }
    if ((e = need(c, info, "transactionId", 36, &id)))
        return e;
    int kind = -1;
    for (int i = 0; i < 3; i++)
        if (strcmp(type, types[i]) == 0)
            kind = i;
    if (kind < 0 || seq < 0 || !id[0]) {
        snprintf(c->why, sizeof(c->why), "unknown eventType, negative seqNo or empty transactionId");
        return WRONG;
    }
    const cJSON *token = json_object(c->in, "idToken"), *evse = json_object(c->in, "evse");
    const char *token_status = NULL;
    if (token && !(token_status = judge(c, token, &e)))
        return e;
    if (token_status) /* also for a duplicate: the answer may have been lost */
        json_add_text(json_add_object(c->out, "idTokenInfo"), "status", token_status);

    int64_t evse_id = 0, connector = 0, remote = 0;
    bool has_evse = evse && json_int(evse, "id", &evse_id), offline = false;
    if (evse)
        json_int(evse, "connectorId", &connector);
    json_int(info, "remoteStartId", &remote);
    json_bool(c->in, "offline", &offline);
    state = json_text(info, "chargingState", 20);
    reason = json_text(info, "stoppedReason", 20);

    /* Which EVSE: the message need only say it once. */
    struct evse *ev = has_evse && evse_id < 1000 ? station_evse(s, (int)evse_id) : NULL;
    for (int k = 0; k < HUB_EVSES_MAX && !ev; k++)
        if (s->evse[k].tx.used && strcmp(s->evse[k].tx.id, id) == 0)
            ev = &s->evse[k];
    if (!ev && !has_evse)
        ev = station_evse(s, 1);

    struct meter_sample *samples = NULL;
    size_t n = 0;
    const cJSON *values = json_array(c->in, "meterValue");
    int count = values ? cJSON_GetArraySize(values) : 0;
    if (count > 0 && (samples = calloc((size_t)count, sizeof(*samples))))
        n = meter_parse(values, samples, (size_t)count);

    int added = 0;
    cJSON *rest = cJSON_Duplicate(c->in, true);
    cJSON_DeleteItemFromObjectCaseSensitive(rest, "meterValue"); /* these have their own table */
    char *rest_text = cJSON_PrintUnformatted(rest);
    cJSON_Delete(rest);
    db_put(h->db, DB_TX_ADD, NULL, "tt", s->id, id);
    db_put(h->db, DB_TX_EVENT_ADD, &added, "ttittiiitt", s->id, id, seq, type, trigger, at, h->unix_ms,
           (int64_t)offline, state, rest_text);
    cJSON_free(rest_text);
    if (!added) { /* sent again: it is here already */
        hub_log(h, s->id, "transaction", 3, "%s seqNo %lld of %s again", type, (long long)seq, id);
        goto out;
    }
    double wh_low = NAN, wh_high = NAN;
    for (size_t i = 0; i < n; i++) {
        wh_low = fmin(wh_low, samples[i].wh);
        wh_high = fmax(wh_high, samples[i].wh);
    }
    for (int turn = 0; turn < 2; turn++) /* the lowest and the highest register reading */
        db_put(h->db, DB_TX_UPDATE, NULL, "ttnntttnindtti", s->id, id, ev ? (int64_t)ev->id : evse_id,
               connector, token ? json_text(token, "idToken", 36) : NULL,
               token ? json_text(token, "type", 20) : NULL, token_status, remote, at,
               kind == 2 ? at : (int64_t)0, turn ? wh_high : wh_low, state, reason, seq);
    for (size_t i = 0; i < n; i++)
        meter_take(s, ev ? ev->id : (int)evse_id, id, &samples[i]);
    hub_log(h, s->id, "transaction", kind == 1 ? 3 : 2, "%s %s, %s%s%s%s%s", type, id, trigger,
            state ? ", " : "", state ? state : "", reason ? ", " : "", reason ? reason : "");

    if (ev) {
        struct open_tx *t = &ev->tx;
        bool same = t->used && strcmp(t->id, id) == 0;
        if (!same && kind != 2 && (!t->used || at >= t->started_ms)) {
            if (t->used)
                hub_log(h, s->id, "transaction", 1, "%s has begun, but %s has not ended", id, t->id);
            *t = (struct open_tx){.used = true,
                                  .started_ms = at,
                                  .state_since_ms = h->steady_ms,
                                  .last_seq = -1,
                                  .start_wh = NAN,
                                  .last_wh = NAN};
            snprintf(t->id, sizeof(t->id), "%s", id);
            same = true;
        }
        if (same) {
            if (token) {
                snprintf(t->token, sizeof(t->token), "%s", json_text(token, "idToken", 36));
                t->rejected = strcmp(token_status, "Accepted") != 0;
                t->authorised = !t->rejected;
            }
            if (remote > 0 && !t->rejected)
                t->authorised = true;
            if (!isnan(wh_low))
                t->start_wh = fmin(t->start_wh, wh_low);
            if (!isnan(wh_high))
                t->last_wh = fmax(t->last_wh, wh_high);
            if (seq > t->last_seq) {
                t->last_seq = seq;
                if (state && strcmp(state, t->charging_state) != 0) {
                    snprintf(t->charging_state, sizeof(t->charging_state), "%s", state);
                    t->state_since_ms = h->steady_ms;
                    /* Charging is when energy may flow; not every station tells of its contactor besides. */
                    ev->contactor_known = true;
                    ev->contactor_closed = strcmp(state, "Charging") == 0;
                }
                if (strcmp(t->charging_state, "Charging") == 0) {
                    t->has_charged = true;
                    t->authorised = t->authorised || !t->rejected;
                }
                if (kind == 2) {
                    ev->contactor_closed = false;
                    memset(t, 0, sizeof(*t));
                    if (interrupted(reason)) {
                        ev->auto_tries = 0;
                        occupied(s, ev, strcmp(ev->status, "Occupied") == 0);
                    }
                    ev->w = 0;
                    for (int p = 0; p < 3; p++)
                        ev->i[p] = isnan(ev->i[p]) ? NAN : 0;
                    sqlite3_stmt *st = db_get(h->db, DB_TX_GAPS, "tt", s->id, id);
                    if (st) {
                        if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) > 0)
                            hub_log(h, s->id, "transaction", 1,
                                    "%s has ended, but %d of its events are missing", id,
                                    sqlite3_column_int(st, 0));
                        db_done(st);
                    }
                }
            }
        }
        grants_car_changed(s);
    }
out:
    for (size_t i = 0; i < n; i++)
        cJSON_Delete(samples[i].rest);
    free(samples);
    h->changed = true;
    return NULL;
}

static const char *meter_values(struct ctx *c)
{
    int64_t evse;
    const char *e = need_int(c, c->in, "evseId", &evse);
    if (e)
        return e;
    const cJSON *values = json_array(c->in, "meterValue");
    int count = values ? cJSON_GetArraySize(values) : 0;
    struct meter_sample *list = count > 0 ? calloc((size_t)count, sizeof(*list)) : NULL;
    if (!list) {
        snprintf(c->why, sizeof(c->why), "meterValue is missing or empty");
        return MISSING;
    }
    size_t n = meter_parse(values, list, (size_t)count);
    for (size_t i = 0; i < n; i++) {
        meter_take(c->s, evse > 0 && evse < 1000 ? (int)evse : 0, NULL, &list[i]);
        cJSON_Delete(list[i].rest);
    }
    free(list);
    return NULL;
}

/* ---- device model ---- */

static void store_variable(struct ctx *c, const cJSON *component, const cJSON *variable,
                           const char *attribute, const char *value)
{
    int64_t evse = 0, connector = 0;
    const cJSON *where = json_object(component, "evse");
    if (where) {
        json_int(where, "id", &evse);
        json_int(where, "connectorId", &connector);
    }
    const char *name = json_text(component, "name", 50), *inst = json_text(component, "instance", 50),
               *var = json_text(variable, "name", 50), *var_inst = json_text(variable, "instance", 50);
    if (name && var)
        db_put(c->h->db, DB_VARIABLE_PUT, NULL, "tttiitttti", c->s->id, name, inst ? inst : "", evse,
               connector, var, var_inst ? var_inst : "", attribute, value, c->h->unix_ms);
}

/* What the hub itself wants to know of what stations report. */
static void live_variable(struct ctx *c, const char *component, int64_t evse, int64_t connector,
                          const char *variable, const char *value, int64_t at)
{
    struct station *s = c->s;
    struct evse *e = station_evse(s, evse > 0 && evse < 1000 ? (int)evse : 1);
    if (strcmp(component, "ControlPilot") == 0 && strcmp(variable, "State") == 0 && e) {
        e->pilot = value[0];
        if (value[0] == 'A') {
            occupied(s, e, false);
            e->contactor_closed = false;
        }
        grants_car_changed(s);
    } else if (strcmp(component, "Contactor") == 0 && strcmp(variable, "State") == 0 && e) {
        e->contactor_known = true;
        e->contactor_closed = strcmp(value, "Closed") == 0;
        grants_car_changed(s);
    } else if (strcmp(component, "Limits") == 0 && strcmp(variable, "Offered") == 0) {
        s->offered_a = strtod(value, NULL);
        if (s->offered_a >= 0 && s->offered_a < 10000) /* sent at the moment of the change */
            share_offered(&c->h->share, s->share, (int32_t)(s->offered_a * 1000), c->h->steady_ms);
        c->h->leases_dirty = true;
    } else if (strcmp(component, "Limits") == 0 && strcmp(variable, "Reason") == 0) {
        snprintf(s->offered_reason, sizeof(s->offered_reason), "%s", value);
    } else if (strcmp(component, "Firmware") == 0 && strcmp(variable, "Progress") == 0) {
        char *end;
        long percent = strtol(value, &end, 10);
        if (end != value && !*end && percent >= 0 && percent <= 100)
            maintenance_progress(s, (int)percent);
    } else if (strcmp(component, "Connector") == 0 && strcmp(variable, "AvailabilityState") == 0 &&
               evse > 0) {
        connector_status(c, evse, connector > 0 ? connector : 1, value, at);
    }
}

/* A component's "Problem". The summaries of station and EVSE say nothing of their own. */
void csms_fault(struct station *s, const char *component, const char *code, bool on)
{
    if (strcmp(component, "ChargingStation") == 0 || strcmp(component, "EVSE") == 0)
        return;
    size_t n = 0;
    for (size_t i = 0; i < HUB_FAULTS_MAX && s->fault[i].component[0]; i++) {
        bool same = strcmp(s->fault[i].component, component) == 0 &&
                    (!code || strcmp(s->fault[i].code, code) == 0 ||
                     strcmp(s->fault[i].code, component) == 0 /* its own name was not known */);
        if (!same)
            s->fault[n++] = s->fault[i];
    }
    if (n < HUB_FAULTS_MAX)
        memset(&s->fault[n], 0, (HUB_FAULTS_MAX - n) * sizeof(s->fault[0]));
    if (!on)
        return;
    memmove(&s->fault[1], &s->fault[0], (HUB_FAULTS_MAX - 1) * sizeof(s->fault[0]));
    snprintf(s->fault[0].component, sizeof(s->fault[0].component), "%s", component);
    snprintf(s->fault[0].code, sizeof(s->fault[0].code), "%s", code ? code : component);
}

static const char *notify_event(struct ctx *c)
{
    const cJSON *data = json_array(c->in, "eventData"), *ev;
    if (!data) {
        snprintf(c->why, sizeof(c->why), "eventData is missing");
        return MISSING;
    }
    cJSON_ArrayForEach(ev, data)
    {
        const cJSON *component = json_object(ev, "component"), *variable = json_object(ev, "variable");
        const char *name = component ? json_text(component, "name", 50) : NULL,
                   *var = variable ? json_text(variable, "name", 50) : NULL,
                   *value = json_text(ev, "actualValue", 2500), *at_text = json_text(ev, "timestamp", 40),
                   *trigger = json_text(ev, "trigger", 20), *tech = json_text(ev, "techInfo", 500),
                   *code = json_text(ev, "techCode", 50);
        int64_t at = c->h->unix_ms, evse = 0, connector = 0;
        if (!name || !var || !value)
            continue;
        if (at_text)
            json_time_parse(at_text, &at);
        const cJSON *where = json_object(component, "evse");
        if (where) {
            json_int(where, "id", &evse);
            json_int(where, "connectorId", &connector);
        }
        bool alert = trigger && strcmp(trigger, "Alerting") == 0, cleared = false;
        json_bool(ev, "cleared", &cleared);
        store_variable(c, component, variable, "Actual", value);
        bool progress = strcmp(name, "Firmware") == 0 && strcmp(var, "Progress") == 0; /* a hundred of them */
        hub_log(c->h, c->s->id, "event",
                alert && !cleared ? 1
                : progress        ? 3
                                  : 2,
                "%s.%s = %s%s%s%s%s%s", name, var, value, cleared ? " (cleared)" : "", code ? ": " : "",
                code ? code : "", tech ? ": " : "", tech ? tech : "");
        if (strcmp(var, "Problem") == 0)
            csms_fault(c->s, name, code, strcmp(value, "true") == 0 && !cleared);
        live_variable(c, name, evse, connector, var, value, at);
    }
    c->h->changed = true;
    return NULL;
}

void csms_variables(struct station *s, const cJSON *payload)
{
    struct ctx c = {.s = s, .h = s->hub};
    const cJSON *r;
    cJSON_ArrayForEach(r, json_array(payload, "getVariableResult"))
    {
        const cJSON *component = json_object(r, "component"), *variable = json_object(r, "variable");
        const char *status = json_text(r, "attributeStatus", 20),
                   *value = json_text(r, "attributeValue", 2500),
                   *name = component ? json_text(component, "name", 50) : NULL,
                   *var = variable ? json_text(variable, "name", 50) : NULL;
        int64_t evse = 0, connector = 0;
        const cJSON *where = component ? json_object(component, "evse") : NULL;
        if (!status || strcmp(status, "Accepted") != 0 || !value || !name || !var)
            continue;
        if (where) {
            json_int(where, "id", &evse);
            json_int(where, "connectorId", &connector);
        }
        store_variable(&c, component, variable, "Actual", value);
        live_variable(&c, name, evse, connector, var, value, c.h->unix_ms);
    }
    s->hub->changed = true;
}

static const char *notify_report(struct ctx *c)
{
    const cJSON *r, *a;
    cJSON_ArrayForEach(r, json_array(c->in, "reportData"))
    {
        const cJSON *component = json_object(r, "component"), *variable = json_object(r, "variable");
        if (!component || !variable)
            continue;
        cJSON_ArrayForEach(a, json_array(r, "variableAttribute"))
        {
            const char *type = json_text(a, "type", 10), *value = json_text(a, "value", 2500);
            store_variable(c, component, variable, type ? type : "Actual", value);
            const char *name = json_text(component, "name", 50), *var = json_text(variable, "name", 50);
            if (value && name && var && (!type || strcmp(type, "Actual") == 0)) {
                int64_t evse = 0, connector = 0;
                const cJSON *where = json_object(component, "evse");
                if (where) {
                    json_int(where, "id", &evse);
                    json_int(where, "connectorId", &connector);
                }
                live_variable(c, name, evse, connector, var, value, c->h->unix_ms);
            }
        }
    }
    return NULL;
}

/* ---- security, firmware, logs ---- */

static const char *security_event(struct ctx *c)
{
    const char *type, *e = need(c, c->in, "type", 50, &type);
    int64_t at;
    if (e || (e = need_time(c, "timestamp", &at)))
        return e;
    const char *tech = json_text(c->in, "techInfo", 255);
    hub_log(c->h, c->s->id, "security", 1, "%s%s%s", type, tech ? ": " : "", tech ? tech : "");
    return NULL;
}

static const char *log_status(struct ctx *c)
{
    const char *status, *e = need(c, c->in, "status", 30, &status);
    if (e)
        return e;
    int64_t request = -1;
    json_int(c->in, "requestId", &request);
    maintenance_log_status(c->s, request, status);
    hub_log(c->h, c->s->id, "upload",
            strcmp(status, "Idle") == 0 || strncmp(status, "Upload", 6) == 0 ? strstr(status, "Fail") ? 1 : 2
                                                                             : 1,
            "log: %s", status);
    return NULL;
}

static const char *firmware_status(struct ctx *c)
{
    const char *status, *e = need(c, c->in, "status", 40, &status);
    if (e)
        return e;
    int64_t request = -1;
    json_int(c->in, "requestId", &request);
    maintenance_update_status(c->s, request, status);
    hub_log(c->h, c->s->id, "firmware", strstr(status, "Fail") || strstr(status, "Invalid") ? 1 : 2, "%s",
            status);
    return NULL;
}

/*
 * When a line was written. `up_ms`: on the station's clock since its boot, −1: not told. When the boot was
 * follows from a line that has both times, else from the newest line on arrival: the least that was ever seen
 * of that is nearest to the truth, because lines may wait but can't come early.
 */
static int64_t line_time(struct ctx *c, const cJSON *line, int64_t up_ms)
{
    struct station *s = c->s;
    const char *at = json_text(line, "at", 40);
    int64_t ms;
    if (at && json_time_parse(at, &ms)) {
        if (up_ms >= 0) {
            s->log_boot_ms = ms - up_ms;
            s->log_boot_exact = true;
        }
        return ms;
    }
    return up_ms >= 0 ? s->log_boot_ms + up_ms : c->h->unix_ms;
}

static int64_t line_up_ms(const cJSON *line)
{
    int64_t up_ms = -1;
    return json_int(line, "up_ms", &up_ms) && up_ms >= 0 && up_ms < INT64_MAX / 2 ? up_ms : -1;
}

/* One line of a log that a station sends, see docs/hub.md. true: it is a new one. */
static bool log_line(struct ctx *c, const char *boot, const cJSON *line)
{
    const char *text = json_text(line, "text", 1000), *level = json_text(line, "level", 10),
               *module = json_text(line, "module", 20);
    int64_t n = -1, ms = line_time(c, line, line_up_ms(line));
    int known = 2, added = 0;
    for (int i = 0; level && i < 4; i++)
        if (strcmp(level, hub_level_names[i]) == 0)
            known = i;
    if (!text)
        text = "";
    bool numbered = boot && json_int(line, "n", &n) && n >= 0;
    if (numbered)
        db_put(c->h->db, DB_LINE_ADD, &added, "titttti", c->s->id, ms, hub_level_names[known], text, module,
               boot, n);
    else
        db_put(c->h->db, DB_LINE_ADD, &added, "tittt", c->s->id, ms, hub_level_names[known], text, module);
    return added > 0;
}

static void log_lines(struct ctx *c, const cJSON *data)
{
    struct station *s = c->s;
    const cJSON *lines = json_array(data, "lines"), *line;
    const char *boot = json_text(data, "boot", sizeof(s->log_boot) - 1);
    int64_t lost = 0, newest = -1;
    bool any = false;
    if (!boot || strcmp(boot, s->log_boot) != 0) {
        snprintf(s->log_boot, sizeof(s->log_boot), "%.32s", boot ? boot : "");
        s->log_boot_ms = INT64_MAX;
        s->log_boot_exact = false;
    }
    cJSON_ArrayForEach(line, lines)
    {
        int64_t up_ms = line_up_ms(line);
        newest = up_ms > newest ? up_ms : newest;
    }
    if (newest >= 0 && !s->log_boot_exact && c->h->unix_ms - newest < s->log_boot_ms)
        s->log_boot_ms = c->h->unix_ms - newest;
    cJSON_ArrayForEach(line, lines) any = log_line(c, boot, line) || any;
    /* Told again with the same lines if our answer was lost. */
    if (json_int(data, "lost", &lost) && lost > 0 && (any || cJSON_GetArraySize(lines) == 0))
        hub_log(c->h, s->id, "log", 1, "%lld lines were overwritten before they could be sent",
                (long long)lost);
}

static const char *data_transfer(struct ctx *c)
{
    const char *vendor, *message, *e = need(c, c->in, "vendorId", 255, &vendor);
    if (e)
        return e;
    message = json_text(c->in, "messageId", 50);
    if (strcmp(vendor, "ECSACP1") != 0) {
        json_add_text(c->out, "status", "UnknownVendorId");
    } else if (!message || strcmp(message, "log") != 0) {
        json_add_text(c->out, "status", "UnknownMessageId");
    } else {
        const cJSON *data = json_object(c->in, "data");
        if (data)
            log_lines(c, data);
        json_add_text(c->out, "status", data ? "Accepted" : "Rejected");
    }
    return NULL;
}

/* What is only noted. */
static const char *noted(struct ctx *c)
{
    char *text = cJSON_PrintUnformatted(c->in);
    hub_log(c->h, c->s->id, "report", 2, "%.900s", text ? text : "");
    cJSON_free(text);
    return NULL;
}

static const struct {
    const char *action;
    const char *(*take)(struct ctx *c);
} rows[] = {
    {"Authorize", authorize},
    {"BootNotification", boot_notification},
    {"ClearedChargingLimit", noted},
    {"DataTransfer", data_transfer},
    {"FirmwareStatusNotification", firmware_status},
    {"Heartbeat", heartbeat},
    {"LogStatusNotification", log_status},
    {"MeterValues", meter_values},
    {"NotifyChargingLimit", noted},
    {"NotifyCustomerInformation", noted},
    {"NotifyDisplayMessages", noted},
    {"NotifyEvent", notify_event},
    {"NotifyMonitoringReport", noted},
    {"NotifyReport", notify_report},
    {"PublishFirmwareStatusNotification", noted},
    {"ReportChargingProfiles", noted},
    {"ReservationStatusUpdate", noted},
    {"SecurityEventNotification", security_event},
    {"StatusNotification", status_notification},
    {"TransactionEvent", transaction_event},
};

void csms_call(struct station *s, const struct frame *f)
{
    struct hub *h = s->hub;
    struct hub_peer *p = s->peer;
    char error[700];
    size_t n = 0;
    bool boot = strcmp(f->action, "BootNotification") == 0;
    struct ctx c = {.s = s, .h = h, .in = f->payload};
    const char *code = "NotImplemented";
    snprintf(c.why, sizeof(c.why), "this server does not know this message");
    if (!boot && (s->registration == REG_PENDING || s->registration == REG_REJECTED)) {
        code = "SecurityError"; /* B02.FR.09, B03.FR.07: not before it is accepted */
        snprintf(c.why, sizeof(c.why), "the station is not accepted yet: BootNotification first");
    } else {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (strcmp(f->action, rows[i].action) == 0) {
                c.why[0] = 0;
                c.out = cJSON_CreateObject();
                code = rows[i].take(&c);
                break;
            }
    }
    if (code) {
        hub_log(h, s->id, "protocol", 1, "%s refused: %s, %s", f->action, code, c.why);
        n = frame_error(error, sizeof(error), f->id, code, c.why);
        peer_send(p, error, n, "", false);
    } else {
        char *payload = cJSON_PrintUnformatted(c.out);
        size_t cap = (payload ? strlen(payload) : 0) + FRAME_ID_BYTES + 16;
        char *text = malloc(cap);
        n = payload && text ? frame_result_text(text, cap, f->id, payload, strlen(payload)) : 0;
        if (n) {
            hub_log(h, s->id, "frame", 3, "> %.900s", text);
            peer_send(p, text, n, f->id, strcmp(f->action, "TransactionEvent") == 0);
        }
        free(text);
        cJSON_free(payload);
    }
    cJSON_Delete(c.out);
    if (s->told || s->peer != p)
        return;
    if (s->registration == REG_ACCEPTED) {
        grants_tell(s);
    } else if (s->registration == REG_NONE && !s->asked_boot) {
        /* It believes it is registered; we have never heard of it (a new database). Nothing of what it says
         * is refused, and it is asked to introduce itself. */
        s->asked_boot = true;
        cJSON *o = cJSON_CreateObject();
        json_add_text(o, "requestedMessage", "BootNotification");
        call_queue(s, CALL_SETUP, "TriggerMessage", o, NULL, NULL, 0);
    }
}
