/* smart_charging: charging profiles kept, judged, applied and reported; see smart_charging.h. */
#include "ocpp/v201/smart_charging.h"

#include <stddef.h>
#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

enum { PROFILE_VERSION = 1 };
/* A change further away than this is told to the station when it comes nearer. */
#define HORIZON_MS INT64_C(86400000)
/* A clock that was set by more than this shifts the schedules noticeably. */
enum { SKEW_MS = 1500 };
/* Longest composite schedule in one answer; the asked duration is cut to what these cover. Each takes less
 * than 360 bytes of the arena. */
enum { COMPOSITE_PERIODS_MAX = OCPP_ARENA_BYTES / 400 };

static size_t stored_size(const struct profile *p)
{
    return offsetof(struct profile, period) + p->periods * sizeof p->period[0];
}

static void forget(struct v201 *v, size_t i)
{
    struct smart_charging *s = &v->smart;
    if (s->keep_id[i])
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_PROFILE, s->keep_id[i]);
    s->keep_id[i] = 0;
    s->profile[i].used = 0;
    s->report &= ~(1u << i);
    s->dirty = true;
}

void smart_charging_init(struct v201 *v)
{
    struct smart_charging *s = &v->smart;
    memset(s, 0, sizeof *s);
    s->dirty = true;
    unsigned char buf[sizeof(struct profile)];
    size_t len;
    uint32_t id, after = 0;
    while (v->dev.ops->peek(v->dev.st, OCPP_KEEP_PROFILE, after, buf, sizeof buf, &len, &id)) {
        after = id;
        struct profile p;
        memset(&p, 0, sizeof p);
        memcpy(&p, buf, len < sizeof p ? len : sizeof p);
        bool sound = p.version == PROFILE_VERSION && p.periods > 0 && p.periods <= PROFILE_PERIODS &&
                     len >= stored_size(&p) && p.purpose < PURPOSES && p.kind <= KIND_RELATIVE;
        /* The same id twice: power failed between keeping the new and forgetting the old; the later one
         * counts. */
        size_t slot = PROFILES;
        for (size_t i = PROFILES; i-- > 0;)
            if (!s->profile[i].used)
                slot = i;
        for (size_t i = 0; i < PROFILES; i++)
            if (s->profile[i].used && s->profile[i].id == p.id)
                slot = i;
        if (!sound || slot == PROFILES) {
            device_log(&v->dev, 1, "a kept charging profile can't be used");
            v->dev.ops->forget(v->dev.st, OCPP_KEEP_PROFILE, id);
            continue;
        }
        if (s->profile[slot].used)
            forget(v, slot);
        p.used = 1;
        s->profile[slot] = p;
        s->keep_id[slot] = id;
    }
}

void profiles_tx_started(struct v201 *v)
{
    for (size_t i = 0; i < PROFILES; i++) {
        struct profile *p = &v->smart.profile[i];
        if (p->used && p->purpose == PURPOSE_TX && p->tx[0] == 0)
            memcpy(p->tx, v->durable.tx, sizeof p->tx);
    }
    v->smart.dirty = true;
}

void profiles_tx_ended(struct v201 *v)
{
    for (size_t i = 0; i < PROFILES; i++)
        if (v->smart.profile[i].used && v->smart.profile[i].purpose == PURPOSE_TX)
            forget(v, i);
}

/* ---- the limit ---- */

static struct composite composite_of(const struct v201 *v)
{
    struct composite c = {.profile = v->smart.profile, .phases = v->view.phases == 1 ? 1 : 3};
    c.tx = v->durable.tx_active ? v->durable.tx : NULL;
    c.ready = transactions_ready(v, &c.ready_ms);
    return c;
}

uint64_t smart_charging_step(struct v201 *v, uint64_t now)
{
    struct smart_charging *s = &v->smart;
    struct composite c = composite_of(v);
    int64_t wall = 0, next = COMPOSITE_NEVER;
    int32_t ma, then;
    bool known = device_wall(&v->dev, now, &wall);
    int64_t skew = known ? wall - (int64_t)(now / 1000) : 0;
    int64_t moved = skew > s->skew_ms ? skew - s->skew_ms : s->skew_ms - skew;
    if (!s->dirty && s->told && moved <= SKEW_MS && (!known || wall < s->told_next_ms))
        return s->told_next_ms == COMPOSITE_NEVER || !known ? UINT64_MAX
                                                            : now + (uint64_t)(s->told_next_ms - wall) * 1000;
    if (known) {
        ma = composite_until_change(&c, wall, HORIZON_MS, &next, &then);
        if (next != COMPOSITE_NEVER && next - wall > HORIZON_MS) {
            next = wall + HORIZON_MS; /* or a lease that the station can't count would end too early */
            then = ma;
        }
    } else {
        ma = then = composite_without_clock(&c);
    }
    s->dirty = false;
    s->skew_ms = skew;
    if (!s->told || ma != s->told_ma || then != s->told_then_ma || next != s->told_next_ms ||
        moved > SKEW_MS) {
        int64_t lease = next == COMPOSITE_NEVER ? 0 : next - wall;
        v->dev.ops->set_limit(v->dev.st, ma, lease, then);
        s->told = true;
        s->told_ma = ma;
        s->told_then_ma = then;
        s->told_next_ms = next;
    }
    return next == COMPOSITE_NEVER ? UINT64_MAX : now + (uint64_t)(next - wall) * 1000;
}

/* ---- judging ---- */

static int64_t time_field(const cJSON *obj, const char *name)
{
    int64_t ms;
    const char *text = json_text(obj, name, 64);
    return text && json_time_parse(text, &ms) ? ms : PROFILE_TIME_NONE;
}

static bool overlap(const struct profile *a, const struct profile *b)
{
    bool a_first = a->valid_to_ms != PROFILE_TIME_NONE && b->valid_from_ms != PROFILE_TIME_NONE &&
                   a->valid_to_ms <= b->valid_from_ms;
    bool b_first = b->valid_to_ms != PROFILE_TIME_NONE && a->valid_from_ms != PROFILE_TIME_NONE &&
                   b->valid_to_ms <= a->valid_from_ms;
    return !a_first && !b_first;
}

static const char *read_periods(const struct v201 *v, const cJSON *schedule, struct profile *p,
                                const char **info)
{
    const cJSON *list = json_array(schedule, "chargingSchedulePeriod");
    int64_t n;
    p->periods = 0;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        if (p->periods == PROFILE_PERIODS) {
            *info = "more periods than SmartChargingCtrlr.PeriodsPerSchedule";
            return "TooManyElements";
        }
        struct profile_period *q = &p->period[p->periods];
        *q = (struct profile_period){0};
        if (!json_int(e, "startPeriod", &n) || n < 0)
            return *info = "startPeriod", "InvalidSchedule";
        q->start_s = (int32_t)n;
        if (p->periods == 0 ? q->start_s != 0 : q->start_s <= p->period[p->periods - 1].start_s) {
            *info = "startPeriod must begin with 0 and grow"; /* K01.FR.31, FR.35 */
            return "InvalidSchedule";
        }
        if (!json_fixed(e, "limit", 1, &n) || n < 0 || n > INT32_MAX)
            return *info = "limit", "InvalidSchedule";
        q->limit_tenth = (int32_t)n;
        if (json_int(e, "numberPhases", &n)) {
            if (n < 1 || n > 3)
                return *info = "numberPhases", "InvalidSchedule";
            /* This station can't take a phase away from a car (K01.FR.43). */
            if (v->view.phases != 1 && n < 3)
                return *info = "fewer phases can't be ensured", "InvalidSchedule";
            q->phases = (uint8_t)n;
        }
        if (json_int(e, "phaseToUse", &n)) {
            if (q->phases != 1 || n != 1) /* K01.FR.19, FR.48 */
                return *info = "phaseToUse: phases can't be switched", "InvalidSchedule";
            q->phase_to_use = (uint8_t)n;
        }
        p->periods++;
    }
    return p->periods ? NULL : (*info = "no period", "InvalidSchedule");
}

static const char *read_profile(const struct v201 *v, const cJSON *obj, struct profile *p, const char **info)
{
    int64_t n;
    memset(p, 0, offsetof(struct profile, period));
    p->version = PROFILE_VERSION;
    json_int(obj, "id", &n);
    p->id = (int32_t)n;
    json_int(obj, "stackLevel", &n);
    if (n < 0 || n > PROFILE_STACK_LEVEL_MAX)
        return "InvalidStackLevel";
    p->stack_level = (int32_t)n;
    p->purpose = (uint8_t)schema_word(PROFILE_PURPOSES, json_text(obj, "chargingProfilePurpose", 50));
    p->kind = (uint8_t)schema_word(PROFILE_KINDS, json_text(obj, "chargingProfileKind", 50));
    const char *recurrency = json_text(obj, "recurrencyKind", 10);
    if (recurrency)
        p->recurrency = !strcmp(recurrency, "Daily") ? RECURRENCY_DAILY : RECURRENCY_WEEKLY;
    p->valid_from_ms = time_field(obj, "validFrom");
    p->valid_to_ms = time_field(obj, "validTo");
    p->has_tx = json_copy(obj, "transactionId", 36, p->tx, sizeof p->tx);

    const cJSON *schedules = json_array(obj, "chargingSchedule");
    const cJSON *schedule = schedules ? schedules->child : NULL;
    if (!schedule || schedule->next)
        return *info = "exactly one chargingSchedule without ISO 15118", "InvalidSchedule"; /* K01.FR.34 */
    json_int(schedule, "id", &n);
    p->schedule_id = (int32_t)n;
    p->start_ms = time_field(schedule, "startSchedule");
    p->duration_s = -1;
    if (json_int(schedule, "duration", &n)) {
        if (n < 0)
            return *info = "duration", "InvalidSchedule";
        p->duration_s = (int32_t)n;
    }
    p->unit = !strcmp(json_text(schedule, "chargingRateUnit", 2), "A") ? UNIT_A : UNIT_W;
    if (json_fixed(schedule, "minChargingRate", 1, &n) && n >= 0 && n <= INT32_MAX) {
        p->has_min_rate = 1;
        p->min_rate_tenth = (int32_t)n;
    }
    return read_periods(v, schedule, p, info);
}

const char *profile_set(struct v201 *v, int64_t evse, const cJSON *obj, const char *tx, const char **info)
{
    struct smart_charging *s = &v->smart;
    struct profile p;
    *info = NULL;
    if (evse != 0 && evse != EVSE_ID)
        return "UnknownEvse"; /* K01.FR.28 */
    const char *fault = read_profile(v, obj, &p, info);
    if (fault)
        return fault;
    p.evse = (uint8_t)evse;
    switch ((enum profile_purpose)p.purpose) {
    case PURPOSE_EXTERNAL:
        return *info = "ChargingStationExternalConstraints is not the server's",
               "InvalidProfile"; /* K01.FR.22 */
    case PURPOSE_STATION_MAX:
        if (evse != 0)
            return *info = "ChargingStationMaxProfile is for evseId 0", "InvalidProfile";
        if (p.kind == KIND_RELATIVE)
            return *info = "ChargingStationMaxProfile can't be Relative", "InvalidProfile"; /* K01.FR.38 */
        break;
    case PURPOSE_TX:
        if (evse == 0)
            return *info = "TxProfile needs an EVSE", "InvalidProfile"; /* K01.FR.16 */
        if (tx) {                                                       /* with RequestStartTransaction */
            if (p.has_tx)
                return *info = "transactionId is not known yet", "InvalidProfile"; /* F01.FR.11 */
            memset(p.tx, 0, sizeof p.tx);
            memcpy(p.tx, tx, strlen(tx));
            break;
        }
        if (!v->durable.tx_active || v->durable.ending)
            return "TxNotFound"; /* K01.FR.09 */
        if (!p.has_tx)
            return *info = "transactionId is missing", "MissingParam"; /* K01.FR.03 */
        if (strcmp(p.tx, v->durable.tx) != 0)
            return "UnknownTxId"; /* K01.FR.33 */
        break;
    case PURPOSE_TX_DEFAULT:
    case PURPOSES:
        break;
    }
    if (tx && p.purpose != PURPOSE_TX)
        return *info = "RequestStartTransaction takes a TxProfile", "InvalidProfile"; /* F01.FR.09 */
    if (p.kind == KIND_RELATIVE ? p.start_ms != PROFILE_TIME_NONE : p.start_ms == PROFILE_TIME_NONE)
        return *info = "startSchedule", "InvalidSchedule"; /* K01.FR.40, FR.41 */
    if (p.kind == KIND_RECURRING && p.recurrency == RECURRENCY_NONE)
        return *info = "recurrencyKind is missing", "InvalidProfile";
    if (p.valid_from_ms != PROFILE_TIME_NONE && p.valid_to_ms != PROFILE_TIME_NONE &&
        p.valid_to_ms <= p.valid_from_ms)
        return *info = "validTo is not after validFrom", "InvalidProfile";

    int64_t wall = 0;
    bool known = device_wall(&v->dev, device_now(&v->dev), &wall);
    size_t slot = PROFILES, spare = PROFILES;
    for (size_t i = 0; i < PROFILES; i++) {
        struct profile *q = &s->profile[i];
        bool expired = q->used && known && q->valid_to_ms != PROFILE_TIME_NONE && q->valid_to_ms <= wall;
        if (!q->used || expired) {
            if (spare == PROFILES || (s->profile[spare].used && !q->used))
                spare = i;
            if (!q->used)
                continue;
        }
        if (q->id == p.id) {
            slot = i; /* K01.FR.05: the id replaces */
            continue;
        }
        if (expired || q->purpose != p.purpose || q->stack_level != p.stack_level)
            continue;
        if (p.purpose == PURPOSE_TX && strcmp(p.tx, q->tx) != 0)
            continue;
        /* K01.FR.06, FR.39, FR.52, FR.53: on one EVSE a profile for EVSE 0 meets every other. */
        if (p.purpose == PURPOSE_TX || overlap(&p, q))
            return "DuplicateProfile";
    }
    if (slot == PROFILES)
        slot = spare;
    if (slot == PROFILES)
        return "OutOfStorage";
    p.used = 1;
    p.size = (uint16_t)stored_size(&p);
    uint32_t id = 0;
    /* A TxProfile goes with its transaction, and a transaction does not outlive a restart: not durable. */
    if (p.purpose != PURPOSE_TX && !v->dev.ops->keep(v->dev.st, OCPP_KEEP_PROFILE, &p, p.size, &id)) {
        device_log(&v->dev, 0, "charging profile %d can't be kept over a restart", (int)p.id);
        id = 0;
    }
    if (s->profile[slot].used)
        forget(v, slot);
    s->profile[slot] = p;
    s->keep_id[slot] = id;
    s->dirty = true;
    return NULL;
}

void set_charging_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t evse = 0;
    const char *info;
    json_int(request, "evseId", &evse);
    const char *fault = profile_set(v, evse, json_object(request, "chargingProfile"), NULL, &info);
    json_add_text(answer->payload, "status", fault ? "Rejected" : "Accepted");
    if (fault)
        status_info(answer->payload, fault, info);
}

/* ---- clearing and reporting ---- */

void clear_charging_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t id, evse, stack;
    bool has_id = json_int(request, "chargingProfileId", &id);
    const cJSON *criteria = json_object(request, "chargingProfileCriteria");
    bool has_evse = json_int(criteria, "evseId", &evse), has_stack = json_int(criteria, "stackLevel", &stack);
    const char *purpose = json_text(criteria, "chargingProfilePurpose", 50);
    bool any = false;
    for (size_t i = 0; i < PROFILES; i++) {
        const struct profile *p = &v->smart.profile[i];
        if (!p->used || p->purpose == PURPOSE_EXTERNAL)
            continue;
        /* An id says it all; criteria are not looked at then (K10.FR.03, FR.04). */
        bool match = has_id ? p->id == id
                            : (!has_evse || p->evse == evse) && (!has_stack || p->stack_level == stack) &&
                                  (!purpose || schema_word(PROFILE_PURPOSES, purpose) == p->purpose);
        if (match) {
            forget(v, i);
            any = true;
        }
    }
    json_add_text(answer->payload, "status", any ? "Accepted" : "Unknown");
}

static bool criteria_match(const struct profile *p, const cJSON *criteria)
{
    const cJSON *ids = json_array(criteria, "chargingProfileId");
    const cJSON *sources = json_array(criteria, "chargingLimitSource");
    const char *purpose = json_text(criteria, "chargingProfilePurpose", 50);
    int64_t stack;
    if (ids) {
        bool found = false;
        for (const cJSON *e = ids->child; e; e = e->next)
            found |= e->valuedouble == (double)p->id;
        if (!found)
            return false;
    }
    if (sources) { /* all of ours were set by the CSO's server */
        bool cso = false;
        for (const cJSON *e = sources->child; e; e = e->next)
            cso |= !strcmp(e->valuestring, "CSO");
        if (!cso)
            return false;
    }
    if (purpose && schema_word(PROFILE_PURPOSES, purpose) != p->purpose)
        return false;
    return !json_int(criteria, "stackLevel", &stack) || stack == p->stack_level;
}

void get_charging_profiles(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct smart_charging *s = &v->smart;
    int64_t evse, request_id = 0;
    bool has_evse = json_int(request, "evseId", &evse);
    json_int(request, "requestId", &request_id);
    uint32_t matches = 0;
    for (size_t i = 0; i < PROFILES; i++) {
        const struct profile *p = &s->profile[i];
        if (p->used && (!has_evse || p->evse == evse) &&
            criteria_match(p, json_object(request, "chargingProfile")))
            matches |= 1u << i;
    }
    json_add_text(answer->payload, "status", matches ? "Accepted" : "NoProfiles");
    if (matches) { /* a second request while one is under way takes its place */
        s->reporting = true;
        s->request_id = (int32_t)request_id;
        s->report = matches;
    }
}

static void write_time(cJSON *o, const char *name, int64_t ms)
{
    if (ms != PROFILE_TIME_NONE)
        json_add_time(o, name, ms);
}

static void write_word(cJSON *o, const char *name, const char *words, int index)
{
    char text[48] = "";
    const char *p = words;
    while (index-- > 0 && p)
        p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL;
    size_t n = p ? strcspn(p, "|") : 0;
    memcpy(text, p ? p : "", n < sizeof text ? n : 0);
    json_add_text(o, name, text);
}

static void write_profile(cJSON *o, const struct profile *p)
{
    json_add_int(o, "id", p->id);
    json_add_int(o, "stackLevel", p->stack_level);
    write_word(o, "chargingProfilePurpose", PROFILE_PURPOSES, p->purpose);
    write_word(o, "chargingProfileKind", PROFILE_KINDS, p->kind);
    if (p->recurrency != RECURRENCY_NONE)
        json_add_text(o, "recurrencyKind", p->recurrency == RECURRENCY_DAILY ? "Daily" : "Weekly");
    write_time(o, "validFrom", p->valid_from_ms);
    write_time(o, "validTo", p->valid_to_ms);
    if (p->tx[0])
        json_add_text(o, "transactionId", p->tx);
    cJSON *schedule = json_append_object(json_add_array(o, "chargingSchedule"));
    json_add_int(schedule, "id", p->schedule_id);
    write_time(schedule, "startSchedule", p->start_ms);
    if (p->duration_s >= 0)
        json_add_int(schedule, "duration", p->duration_s);
    json_add_text(schedule, "chargingRateUnit", p->unit == UNIT_A ? "A" : "W");
    if (p->has_min_rate)
        json_add_fixed(schedule, "minChargingRate", p->min_rate_tenth, 1);
    cJSON *periods = json_add_array(schedule, "chargingSchedulePeriod");
    for (uint32_t i = 0; i < p->periods; i++) {
        cJSON *q = json_append_object(periods);
        json_add_int(q, "startPeriod", p->period[i].start_s);
        json_add_fixed(q, "limit", p->period[i].limit_tenth, 1);
        if (p->period[i].phases)
            json_add_int(q, "numberPhases", p->period[i].phases);
        if (p->period[i].phase_to_use)
            json_add_int(q, "phaseToUse", p->period[i].phase_to_use);
    }
}

bool report_charging_profiles_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct smart_charging *s = &v->smart;
    (void)asked_only; /* it was asked for */
    if (!s->reporting)
        return false;
    if (s->report == 0) { /* cleared meanwhile */
        s->reporting = false;
        return false;
    }
    size_t i = 0;
    while (!(s->report & (1u << i)))
        i++;
    s->reported = 1u << i;
    json_add_int(payload, "requestId", s->request_id);
    json_add_text(payload, "chargingLimitSource", "CSO");
    write_profile(json_append_object(json_add_array(payload, "chargingProfile")), &s->profile[i]);
    json_add_bool(payload, "tbc", (s->report & ~s->reported) != 0);
    json_add_int(payload, "evseId", s->profile[i].evse);
    return true;
}

void report_charging_profiles_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct smart_charging *s = &v->smart;
    (void)payload;
    if (how == RPC_LOST) {
        s->reporting = false; /* the server will ask again if it still wants to know */
        return;
    }
    s->report &= ~s->reported;
    if (s->report == 0)
        s->reporting = false;
}

/* ---- composite schedule ---- */

static void write_limit(cJSON *q, const struct composite *c, int32_t ma, enum profile_unit unit)
{
    if (unit == UNIT_A)
        json_add_fixed(q, "limit", ma / 100, 1);
    else
        json_add_fixed(q, "limit", (int64_t)ma * 230 * c->phases / 100, 1);
    json_add_int(q, "numberPhases", c->phases);
}

void get_composite_schedule(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t evse = 0, duration = 0, start;
    json_int(request, "evseId", &evse);
    json_int(request, "duration", &duration);
    const char *unit_text = json_text(request, "chargingRateUnit", 2);
    enum profile_unit unit = unit_text && !strcmp(unit_text, "W") ? UNIT_W : UNIT_A;
    if ((evse != 0 && evse != EVSE_ID) || duration <= 0 ||
        !device_wall(&v->dev, device_now(&v->dev), &start)) {
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload,
                    evse != 0 && evse != EVSE_ID ? "UnknownEvse"
                    : duration <= 0              ? "InvalidValue"
                                                 : "InternalError",
                    NULL);
        return;
    }
    struct composite c = composite_of(v);
    cJSON *schedule = cJSON_CreateObject(), *periods = json_add_array(schedule, "chargingSchedulePeriod");
    start -= start % 1000;
    int64_t t = start, end = start + duration * 1000;
    if (!c.ready) { /* K08.FR.06: as if a transaction were running from now on */
        c.ready = true;
        c.ready_ms = start;
    }
    int64_t before_s = -1;
    int n = 0;
    while (t < end && n < COMPOSITE_PERIODS_MAX) {
        int64_t next;
        int32_t then, ma = composite_until_change(&c, t, end - t, &next, &then);
        /* The expected consumption: no more than this station is built for (K08, remark; SC.04). */
        if (ma == COMPOSITE_NO_LIMIT || ma > v->view.installed_ma)
            ma = v->view.installed_ma;
        int64_t at_s = (t - start) / 1000;
        if (n > 0 && at_s == before_s) { /* two changes within a second: startPeriod has to grow */
            cJSON_DeleteItemFromArray(periods, --n);
        }
        before_s = at_s;
        cJSON *q = json_append_object(periods);
        json_add_int(q, "startPeriod", at_s);
        write_limit(q, &c, ma, unit);
        n++;
        t = next == COMPOSITE_NEVER ? end : next;
    }
    json_add_text(answer->payload, "status", "Accepted");
    json_add_int(schedule, "evseId", evse);
    json_add_int(schedule, "duration", t >= end ? duration : (t - start) / 1000);
    json_add_time(schedule, "scheduleStart", start);
    json_add_text(schedule, "chargingRateUnit", unit == UNIT_A ? "A" : "W");
    if (!schedule || !cJSON_AddItemToObject(answer->payload, "schedule", schedule))
        cJSON_Delete(schedule);
}
