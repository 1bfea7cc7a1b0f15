/* meter: sampled values of OCPP 2.0.1 read into rows: stored, and taken as the present state when they are
 * recent. */
#include "hub/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECENT_MS = 15000 };

static int phase_of(const char *phase)
{
    if (!phase || phase[0] != 'L' || phase[1] < '1' || phase[1] > '3' ||
        (phase[2] && strcmp(phase + 2, "-N") != 0))
        return -1;
    return phase[1] - '1';
}

/* "kW" and the like: factor to the unit without a prefix, for those that the table of units has */
static double factor(const cJSON *unit)
{
    const char *name = unit ? json_text(unit, "unit", 20) : NULL;
    int64_t multiplier = 0;
    double f = 1;
    if (unit && json_int(unit, "multiplier", &multiplier) && multiplier >= -12 && multiplier <= 12)
        f = pow(10, (double)multiplier);
    return name && name[0] == 'k' ? 1000 * f : f;
}

static void one(struct meter_sample *m, const cJSON *sv)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(sv, "value");
    if (!cJSON_IsNumber(value))
        return;
    const char *measurand = json_text(sv, "measurand", 40), *phase = json_text(sv, "phase", 8),
               *location = json_text(sv, "location", 10), *context = json_text(sv, "context", 20);
    double v = value->valuedouble * factor(json_object(sv, "unitOfMeasure"));
    int p = phase_of(phase);
    if (!measurand)
        measurand = "Energy.Active.Import.Register"; /* the default of the message */
    if (context && m->context[0] == 0)
        snprintf(m->context, sizeof(m->context), "%s", context);
    bool outlet = !location || strcmp(location, "Outlet") == 0;
    if (outlet && !phase && strcmp(measurand, "Energy.Active.Import.Register") == 0)
        m->wh = v;
    else if (outlet && !phase && strcmp(measurand, "Power.Active.Import") == 0)
        m->w = v;
    else if (outlet && p >= 0 && strcmp(measurand, "Power.Active.Import") == 0)
        m->w_phase[p] = v;
    else if (outlet && p >= 0 && strcmp(measurand, "Current.Import") == 0)
        m->i[p] = v;
    else if (outlet && !phase && strcmp(measurand, "Current.Import") == 0)
        m->i[0] = isnan(m->i[0]) ? v : m->i[0]; /* a single-phase station may not name the phase */
    else if (outlet && p >= 0 && strcmp(measurand, "Voltage") == 0)
        m->v[p] = v;
    else if (outlet && !phase && strcmp(measurand, "Voltage") == 0)
        m->v[0] = isnan(m->v[0]) ? v : m->v[0];
    else if (outlet && strcmp(measurand, "Current.Offered") == 0)
        m->offered_a = v;
    else if (outlet && strcmp(measurand, "Frequency") == 0)
        m->hz = v;
    else {
        if (!m->rest)
            m->rest = cJSON_CreateArray();
        cJSON_AddItemToArray(m->rest, cJSON_Duplicate(sv, true));
    }
}

size_t meter_parse(const cJSON *meter_value, struct meter_sample *list, size_t cap)
{
    size_t n = 0;
    const cJSON *mv, *sv;
    cJSON_ArrayForEach(mv, meter_value)
    {
        const char *at = json_text(mv, "timestamp", 40);
        struct meter_sample m = {.wh = NAN, .w = NAN, .offered_a = NAN, .hz = NAN};
        if (n == cap || !at || !json_time_parse(at, &m.at_ms))
            continue;
        for (int p = 0; p < 3; p++)
            m.i[p] = m.v[p] = m.w_phase[p] = NAN;
        cJSON_ArrayForEach(sv, json_array(mv, "sampledValue")) one(&m, sv);
        for (int p = 0; p < 3 && isnan(m.w);
             p++) /* no total: the sum, if all that have a current have a power */
            if (!isnan(m.w_phase[p])) {
                m.w = 0;
                for (int k = 0; k < 3; k++)
                    m.w += isnan(m.w_phase[k]) ? 0 : m.w_phase[k];
            }
        list[n++] = m;
    }
    return n;
}

void meter_take(struct station *s, int evse, const char *tx, const struct meter_sample *m)
{
    struct hub *h = s->hub;
    char *rest = m->rest ? cJSON_PrintUnformatted(m->rest) : NULL;
    db_put(h->db, DB_METER_ADD, NULL,
           "titit"
           "ddddddddddt",
           s->id, (int64_t)evse, tx, m->at_ms, m->context[0] ? m->context : "Sample.Periodic", m->wh, m->w,
           m->i[0], m->i[1], m->i[2], m->v[0], m->v[1], m->v[2], m->offered_a, m->hz, rest);
    cJSON_free(rest);

    struct evse *e = station_evse(s, evse);
    if (!e || llabs(h->unix_ms - m->at_ms) > RECENT_MS)
        return; /* of the past: a queue that is being emptied */
    int64_t at = m->at_ms - h->shift_ms;
    if (!isnan(m->wh))
        e->register_wh = m->wh;
    if (!isnan(m->w))
        e->w = m->w;
    bool current = false;
    for (int p = 0; p < 3; p++) {
        current = current || !isnan(m->i[p]);
        if (!isnan(m->v[p]))
            e->v[p] = m->v[p];
    }
    if (!isnan(m->offered_a)) {
        s->offered_a = m->offered_a;
        h->leases_dirty = true;
    }
    h->changed = true;
    if (!current)
        return;
    for (int p = 0; p < 3; p++)
        e->i[p] = m->i[p];
    e->measured_ms = h->steady_ms;

    int32_t sum[3] = {0};
    uint8_t used = 0;
    bool sure = false;
    for (int k = 0; k < HUB_EVSES_MAX; k++)
        for (int p = 0; p < 3; p++) {
            double i = s->evse[k].id && s->evse[k].measured_ms ? s->evse[k].i[p] : NAN;
            if (!isnan(i) && i > 0 && i < 10000)
                sum[p] += (int32_t)(i * 1000);
        }
    for (int p = 0; p < 3; p++) {
        used |= (uint8_t)(sum[p] >= PHASE_USED_MA ? 1u << p : 0);
        sure = sure || sum[p] >= PHASE_SURE_MA;
    }
    /* A phase that is used counts at once; that others are not is believed after a while. */
    if (used & ~s->phases_seen || !sure) {
        if (used & ~s->phases_seen)
            s->phases_since_ms = h->steady_ms;
        s->phases_seen |= used;
    }
    if (s->phases && used & ~s->phases)
        s->phases = s->phases_seen;
    if (!s->phases && sure && h->steady_ms - s->phases_since_ms >= PHASE_STEADY_MS)
        s->phases = s->phases_seen;
    share_measured(&h->share, s->share, sum, at, h->steady_ms);
    h->leases_dirty = true;
}
