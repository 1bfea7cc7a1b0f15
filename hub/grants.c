/*
 * grants: power sharing put into OCPP: what is known of a station becomes its demand, the orders of share.c
 * become SetChargingProfile, their answers go back; automatic starts.
 */
#include "hub/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* High enough not to meet profiles that somebody else sets. */
enum { PROFILE_FALLBACK = 9000, PROFILE_LEASE = 9001 };

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- demand ---- */

static enum share_demand demand_of(const struct hub *h, const struct open_tx *t)
{
    if (!t->used || !t->authorised)
        return SHARE_IDLE;
    int64_t age = h->steady_ms - t->state_since_ms;
    if (is(t->charging_state, "Charging") || is(t->charging_state, "SuspendedEVSE"))
        return SHARE_WANTS;
    if (is(t->charging_state, "SuspendedEV"))
        return age < (t->has_charged ? PAUSE_GRACE_MS : BEGIN_GRACE_MS) ? SHARE_WANTS : SHARE_STANDBY;
    if (is(t->charging_state, "Idle"))
        return SHARE_IDLE;
    return age < BEGIN_GRACE_MS ? SHARE_WANTS : SHARE_STANDBY; /* EVConnected, or not said */
}

/* A station that offers less than it was granted, by its cable or its temperature, leaves the rest to the
 * others. */
static void find_rating(struct station *s, enum share_demand demand)
{
    struct hub *h = s->hub;
    int32_t held = share_held(&h->share, s->share, h->steady_ms);
    if (held != s->granted_ma) {
        s->granted_ma = held;
        s->granted_since_ms = h->steady_ms;
    }
    if (demand == SHARE_IDLE || (s->rating_ma && h->steady_ms - s->rating_at_ms >= RATING_KEEP_MS))
        s->rating_ma = 0;
    if (demand == SHARE_IDLE || isnan(s->offered_a) || s->offered_a < h->cfg.min_a ||
        h->steady_ms - s->granted_since_ms < RATING_STEADY_MS)
        return;
    int32_t offered = (int32_t)lround(s->offered_a * 1000);
    if (offered < s->granted_ma - 300) {
        s->rating_ma = offered;
        s->rating_at_ms = h->steady_ms;
    }
}

static void look(struct station *s)
{
    struct hub *h = s->hub;
    enum share_demand demand = SHARE_IDLE;
    bool closed = false, car = false;
    for (int k = 0; k < HUB_EVSES_MAX; k++) {
        const struct evse *e = &s->evse[k];
        if (!e->id)
            continue;
        bool drawing = false;
        for (int p = 0; p < 3; p++)
            drawing = drawing ||
                      (e->measured_ms && h->steady_ms - e->measured_ms < SHARE_MEASURED_MS && e->i[p] > 0.5);
        enum share_demand d = demand_of(h, &e->tx);
        if (is(e->status, "Faulted") || is(e->status, "Unavailable"))
            d = SHARE_IDLE;
        if (drawing && !e->tx.used) /* a charge that we were not told of */
            d = SHARE_WANTS;
        if (d > demand)
            demand = d;
        closed = closed || drawing || (e->contactor_known && e->contactor_closed);
        car = car || e->tx.used || is(e->status, "Occupied") || (e->pilot >= 'B' && e->pilot <= 'D');
    }
    if (!car && !closed)
        s->phases = s->phases_seen = 0; /* the next car is another one */
    find_rating(s, demand);
    share_car(&h->share, s->share, demand, !closed, s->phases, s->rating_ma);
}

void grants_car_changed(struct station *s)
{
    s->hub->leases_dirty = s->hub->changed = true;
}

/* ---- what is stored ---- */

void grants_load(struct station *s, const char *hold, int64_t fallback_ma)
{
    struct share_hold h = {0};
    int ma, doubts = 0, at = 0;
    if (sscanf(hold, "%d %" SCNd64 " %" SCNd64 " %d%n", &ma, &h.lease.until_ms, &h.early_ms, &doubts, &at) ==
            4 &&
        doubts >= 0 && doubts <= SHARE_DOUBTS) {
        h.known = ma >= 0;
        h.lease.ma = ma < 0 ? 0 : ma;
        for (int n; h.doubts < doubts; h.doubts++, at += n) {
            if (sscanf(hold + at, " %d %" SCNd64 "%n", &ma, &h.doubt[h.doubts].until_ms, &n) != 2)
                break;
            h.doubt[h.doubts].ma = ma;
        }
    }
    share_restore(&s->hub->share, s->share, &h,
                  fallback_ma < 0 || fallback_ma > INT32_MAX ? -1 : (int32_t)fallback_ma);
}

static void store(struct station *s)
{
    struct hub *h = s->hub;
    struct share_hold hold;
    int32_t fallback;
    share_durable(&h->share, s->share, &hold, &fallback);
    char text[64 + SHARE_DOUBTS * 40] = "";
    if (hold.known || hold.doubts) {
        int at = snprintf(text, sizeof(text), "%d %" PRId64 " %" PRId64 " %d",
                          hold.known ? (int)hold.lease.ma : -1, hold.lease.until_ms + h->shift_ms,
                          hold.early_ms + h->shift_ms, hold.doubts);
        for (int k = 0; k < hold.doubts; k++)
            at += snprintf(text + at, sizeof(text) - (size_t)at, " %d %" PRId64, (int)hold.doubt[k].ma,
                           hold.doubt[k].until_ms + h->shift_ms);
    }
    db_put(h->db, DB_STATION_HOLD, NULL, "tti", s->id, text, (int64_t)fallback);
}

/* ---- messages ---- */

static cJSON *profile(int id, int stack, int32_t ma, int64_t start_ms, int64_t valid_to_ms)
{
    cJSON *o = cJSON_CreateObject();
    json_add_int(o, "evseId", 0);
    cJSON *p = json_add_object(o, "chargingProfile");
    json_add_int(p, "id", id);
    json_add_int(p, "stackLevel", stack);
    json_add_text(p, "chargingProfilePurpose", "ChargingStationMaxProfile");
    json_add_text(p, "chargingProfileKind", "Absolute");
    if (valid_to_ms)
        json_add_time(p, "validTo", valid_to_ms);
    cJSON *s = json_append_object(json_add_array(p, "chargingSchedule"));
    json_add_int(s, "id", id);
    json_add_time(s, "startSchedule", start_ms);
    json_add_text(s, "chargingRateUnit", "A");
    cJSON *period = json_append_object(json_add_array(s, "chargingSchedulePeriod"));
    json_add_int(period, "startPeriod", 0);
    json_add_fixed(period, "limit", ma, 3);
    return o;
}

static void send_order(struct hub *h, const struct share_order *o)
{
    struct station *s = h->stations;
    while (s && s->share != o->station)
        s = s->next;
    if (!s)
        return;
    store(s);
    bool lease = o->kind == SHARE_LEASE;
    /* A lease has begun a minute ago, so that a station whose clock is behind does not wait for it; the
     * fallback holds from long ago, also for a station that has lost its clock. */
    cJSON *p = lease ? profile(PROFILE_LEASE, 1, o->ma, h->unix_ms - 60000, o->until_ms + h->shift_ms)
                     : profile(PROFILE_FALLBACK, 0, o->ma, 0, 0);
    hub_log(h, s->id, "grant", 3, lease ? "lease of %.1f A for %.1f s" : "fallback %.1f A", o->ma / 1000.0,
            (double)(o->until_ms - h->steady_ms) / 1000);
    if (!call_queue(s, lease ? CALL_LEASE : CALL_FALLBACK, "SetChargingProfile", p, NULL, NULL, 0))
        share_result(&h->share, s->share, SHARE_REFUSED, h->steady_ms);
}

void grants_answer(struct station *s, const struct call *c, enum share_answer answer)
{
    struct hub *h = s->hub;
    const struct share_station *t = &h->share.stations[s->share];
    enum share_kind kind = c->kind == CALL_LEASE ? SHARE_LEASE : SHARE_FALLBACK;
    if (t->in_flight != kind)
        return; /* given up when the connection was lost */
    int32_t before = share_held(&h->share, s->share, h->steady_ms);
    share_result(&h->share, s->share, answer, h->steady_ms);
    store(s);
    int32_t after = share_held(&h->share, s->share, h->steady_ms);
    if (answer == SHARE_ACCEPTED && kind == SHARE_LEASE && before != after)
        hub_log(h, s->id, "grant", 2, "%.1f A (%s)", after / 1000.0,
                share_reason_name(h->share.stations[s->share].reason));
    if (answer == SHARE_REFUSED && s->peer && s->told && t->failures == 1) {
        /* Most likely a profile of another server is in the way on this level. */
        cJSON *o = cJSON_CreateObject();
        cJSON *criteria = json_add_object(o, "chargingProfileCriteria");
        json_add_text(criteria, "chargingProfilePurpose", "ChargingStationMaxProfile");
        json_add_int(criteria, "stackLevel", kind == SHARE_LEASE ? 1 : 0);
        call_queue(s, CALL_CLEAR, "ClearChargingProfile", o, NULL, NULL, 0);
    }
    h->leases_dirty = h->changed = true;
}

static void add_variable(cJSON *list, const char *component, int evse, const char *variable,
                         const char *value)
{
    cJSON *o = json_append_object(list);
    cJSON *c = json_add_object(o, "component");
    json_add_text(c, "name", component);
    if (evse)
        json_add_int(json_add_object(c, "evse"), "id", evse);
    json_add_text(json_add_object(o, "variable"), "name", variable);
    if (value)
        json_add_text(o, "attributeValue", value);
}

void grants_tell(struct station *s)
{
    struct hub *h = s->hub;
    s->told = true;
    if (h->share.stations[s->share].connected)
        share_refresh(&h->share, s->share);
    else
        share_connected(&h->share, s->share, true, h->steady_ms);
    grants_step(h);                /* the lease first */
    if (h->cfg.meter_interval_s) { /* the minute that is usual is too slow for sharing and for the page */
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%d", h->cfg.meter_interval_s);
        cJSON *o = cJSON_CreateObject();
        add_variable(json_add_array(o, "setVariableData"), "SampledDataCtrlr", 0, "TxUpdatedInterval",
                     seconds);
        call_queue(s, CALL_SETUP, "SetVariables", o, NULL, NULL, 0);
    }
    /* The present state of what is else only told when it changes. A station that has no such variables says
     * so. */
    cJSON *o = cJSON_CreateObject();
    cJSON *list = json_add_array(o, "getVariableData");
    add_variable(list, "ControlPilot", 1, "State", NULL);
    add_variable(list, "Contactor", 1, "State", NULL);
    add_variable(list, "Limits", 1, "Offered", NULL);
    add_variable(list, "Limits", 1, "Reason", NULL);
    call_queue(s, CALL_SETUP, "GetVariables", o, NULL, NULL, 0);
    grants_car_changed(s);
}

bool grants_auto_start(struct station *s, struct evse *e, hub_reply *reply, void *ctx)
{
    struct hub *h = s->hub;
    char token[24];
    snprintf(token, sizeof(token), "HUB-%08X%04X", hub_random(h), hub_random(h) & 0xffff);
    cJSON *o = cJSON_CreateObject();
    cJSON *t = json_add_object(o, "idToken");
    json_add_text(t, "idToken", token);
    json_add_text(t, "type", "Central");
    json_add_int(o, "remoteStartId", (int64_t)(h->boots % 1024) << 20 | (++h->last_remote_start & 0xfffff));
    json_add_int(o, "evseId", e->id);
    return call_queue(s, reply ? CALL_API : CALL_AUTO_START, "RequestStartTransaction", o, reply, ctx, e->id);
}

void grants_step(struct hub *h)
{
    h->leases_dirty = false;
    for (struct station *s = h->stations; s; s = s->next) {
        look(s);
        for (int k = 0; s->told && k < HUB_EVSES_MAX; k++) {
            struct evse *e = &s->evse[k];
            if (!e->id || !e->auto_wanted || h->steady_ms < e->auto_at_ms)
                continue;
            if ((e->tx.used && e->tx.authorised) || e->auto_tries >= AUTO_RETRIES) {
                e->auto_wanted = false;
                continue;
            }
            e->auto_tries++;
            e->auto_at_ms = h->steady_ms + CALL_TIMEOUT_MS + AUTO_RETRY_MS;
            grants_auto_start(s, e, NULL, NULL);
        }
    }
    share_plan(&h->share, h->steady_ms);
    struct share_order o;
    while (share_next(&h->share, h->steady_ms, &o))
        send_order(h, &o);
}

int64_t grants_wake(const struct hub *h)
{
    return share_wake(&h->share, h->steady_ms);
}
