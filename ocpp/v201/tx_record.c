/* tx_record: a transaction event as kept, and its JSON; see tx_record.h. */
#include "ocpp/v201/tx_record.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

static const char *const event_names[] = {"Started", "Updated", "Ended"};
static const char *const trigger_names[TRIGGERS] = {
    [TRIGGER_AUTHORIZED] = "Authorized",
    [TRIGGER_CABLE_PLUGGED_IN] = "CablePluggedIn",
    [TRIGGER_CHARGING_RATE_CHANGED] = "ChargingRateChanged",
    [TRIGGER_CHARGING_STATE_CHANGED] = "ChargingStateChanged",
    [TRIGGER_DEAUTHORIZED] = "Deauthorized",
    [TRIGGER_EV_COMMUNICATION_LOST] = "EVCommunicationLost",
    [TRIGGER_EV_CONNECT_TIMEOUT] = "EVConnectTimeout",
    [TRIGGER_METER_VALUE_CLOCK] = "MeterValueClock",
    [TRIGGER_METER_VALUE_PERIODIC] = "MeterValuePeriodic",
    [TRIGGER_TRIGGER] = "Trigger",
    [TRIGGER_UNLOCK_COMMAND] = "UnlockCommand",
    [TRIGGER_STOP_AUTHORIZED] = "StopAuthorized",
    [TRIGGER_REMOTE_STOP] = "RemoteStop",
    [TRIGGER_REMOTE_START] = "RemoteStart",
    [TRIGGER_ABNORMAL_CONDITION] = "AbnormalCondition",
    [TRIGGER_RESET_COMMAND] = "ResetCommand",
};
static const char *const state_names[CHARGING_STATES] = {
    [CHARGING_IDLE] = "Idle",
    [CHARGING_EV_CONNECTED] = "EVConnected",
    [CHARGING_SUSPENDED_EVSE] = "SuspendedEVSE",
    [CHARGING_SUSPENDED_EV] = "SuspendedEV",
    [CHARGING_CHARGING] = "Charging",
};
static const char *const reason_names[STOP_REASONS] = {
    [STOP_NONE] = "",
    [STOP_DEAUTHORIZED] = "DeAuthorized",
    [STOP_EMERGENCY] = "EmergencyStop",
    [STOP_EV_DISCONNECTED] = "EVDisconnected",
    [STOP_GROUND_FAULT] = "GroundFault",
    [STOP_IMMEDIATE_RESET] = "ImmediateReset",
    [STOP_LOCAL] = "Local",
    [STOP_MASTER_PASS] = "MasterPass",
    [STOP_OTHER] = "Other",
    [STOP_OVERCURRENT] = "OvercurrentFault",
    [STOP_POWER_LOSS] = "PowerLoss",
    [STOP_POWER_QUALITY] = "PowerQuality",
    [STOP_REBOOT] = "Reboot",
    [STOP_REMOTE] = "Remote",
    [STOP_STOPPED_BY_EV] = "StoppedByEV",
    [STOP_TIMEOUT] = "Timeout",
};
static const char *const context_names[CONTEXTS] = {
    [CONTEXT_BEGIN] = "Transaction.Begin",  [CONTEXT_END] = "Transaction.End",
    [CONTEXT_PERIODIC] = "Sample.Periodic", [CONTEXT_CLOCK] = "Sample.Clock",
    [CONTEXT_TRIGGER] = "Trigger",          [CONTEXT_OTHER] = "Other",
};

const char *stop_reason_name(enum stop_reason r)
{
    return r < STOP_REASONS ? reason_names[r] : "";
}

/* ---- identification ---- */

static const char *const token_types[] = {"Central", "eMAID", "ISO14443",   "ISO15693",
                                          "KeyCode", "Local", "MacAddress", "NoAuthorization"};

const char *id_token_type_name(uint8_t type)
{
    return type < sizeof token_types / sizeof token_types[0] ? token_types[type] : "Central";
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool id_token_same(const struct id_token *a, const struct id_token *b)
{
    if (a->type != b->type)
        return false;
    const char *p = a->text, *q = b->text;
    while (*p && lower(*p) == lower(*q)) {
        p++;
        q++;
    }
    return *p == *q;
}

void id_token_write(cJSON *obj, const char *name, const struct id_token *t)
{
    cJSON *o = json_add_object(obj, name);
    json_add_text(o, "idToken", t->text);
    json_add_text(o, "type", id_token_type_name(t->type));
}

bool id_token_read(const cJSON *obj, const char *name, struct id_token *out)
{
    const cJSON *o = json_object(obj, name);
    const char *type = json_text(o, "type", 20);
    int index = type ? schema_word(ID_TOKEN_TYPES, type) : -1;
    struct id_token t = {0};
    if (index < 0 || !json_copy(o, "idToken", ID_TOKEN_MAX, t.text, sizeof t.text))
        return false;
    t.type = (uint8_t)index;
    *out = t;
    return true;
}

/* ---- readings ---- */

static const struct {
    const char *name;
    uint16_t bit;
} measurands[] = {
    {"Current.Import", MEASURAND_CURRENT_IMPORT},
    {"Current.Offered", MEASURAND_CURRENT_OFFERED},
    {"Energy.Active.Import.Register", MEASURAND_ENERGY_IMPORT},
    {"Frequency", MEASURAND_FREQUENCY},
    {"Power.Active.Import", MEASURAND_POWER_IMPORT},
    {"Power.Factor", MEASURAND_POWER_FACTOR},
    {"Voltage", MEASURAND_VOLTAGE},
};

uint16_t measurands_of(const char *list)
{
    uint16_t bits = 0;
    for (size_t i = 0; i < sizeof measurands / sizeof measurands[0]; i++)
        if (device_list_has(list, measurands[i].name))
            bits |= measurands[i].bit;
    return bits;
}

void reading_take(struct reading *r, const struct ocpp_view *view, uint16_t wanted,
                  enum reading_context context, uint64_t at_us, const struct device *d)
{
    const struct ocpp_meter *m = &view->meter;
    *r = (struct reading){
        .valid = m->valid,
        .phases = m->phases == 1 ? 1 : 3,
        .context = (uint8_t)context,
        .measurands = wanted,
        .p_total_mw = m->p_total_mw,
        .freq_mhz = m->freq_mhz,
        .offered_ma = view->offered_ma,
        .import_mwh = m->import_total_mwh,
        .at_us = at_us,
    };
    memcpy(r->v_mv, m->v_mv, sizeof r->v_mv);
    memcpy(r->i_ma, m->i_ma, sizeof r->i_ma);
    memcpy(r->p_mw, m->p_mw, sizeof r->p_mw);
    memcpy(r->pf_permille, m->pf_permille, sizeof r->pf_permille);
    int64_t wall;
    if (device_wall(d, at_us, &wall))
        r->unix_ms = wall;
}

static void sample(cJSON *sampled, const struct reading *r, const char *measurand, const char *phase,
                   int64_t value, const char *unit)
{
    cJSON *s = json_append_object(sampled);
    json_add_fixed(s, "value", value, 3);
    json_add_text(s, "context", r->context < CONTEXTS ? context_names[r->context] : "Other");
    json_add_text(s, "measurand", measurand);
    if (phase)
        json_add_text(s, "phase", phase);
    json_add_text(s, "location", "Outlet");
    if (unit)
        json_add_text(json_add_object(s, "unitOfMeasure"), "unit", unit);
}

bool reading_write(cJSON *sampled, const struct reading *r)
{
    static const char *const line[] = {"L1", "L2", "L3"}, *const to_n[] = {"L1-N", "L2-N", "L3-N"};
    uint16_t m = r->measurands;
    if (!r->valid) /* without a measurement only the register, which is kept, says something true */
        m &= MEASURAND_ENERGY_IMPORT | MEASURAND_CURRENT_OFFERED;
    unsigned n = r->phases == 1 ? 1 : 3;
    for (unsigned p = 0; p < n; p++) {
        if (m & MEASURAND_CURRENT_IMPORT)
            sample(sampled, r, "Current.Import", line[p], r->i_ma[p], "A");
        if (m & MEASURAND_VOLTAGE)
            sample(sampled, r, "Voltage", to_n[p], r->v_mv[p], "V");
        if ((m & MEASURAND_POWER_IMPORT) && n > 1)
            sample(sampled, r, "Power.Active.Import", line[p], r->p_mw[p], "W");
        if (m & MEASURAND_POWER_FACTOR)
            sample(sampled, r, "Power.Factor", line[p], r->pf_permille[p], NULL);
    }
    if (m & MEASURAND_POWER_IMPORT)
        sample(sampled, r, "Power.Active.Import", NULL, r->p_total_mw, "W");
    if (m & MEASURAND_CURRENT_OFFERED)
        sample(sampled, r, "Current.Offered", NULL, r->offered_ma, "A");
    if (m & MEASURAND_FREQUENCY)
        sample(sampled, r, "Frequency", NULL, r->freq_mhz, "Hertz");
    if (m & MEASURAND_ENERGY_IMPORT)
        sample(sampled, r, "Energy.Active.Import.Register", NULL, (int64_t)r->import_mwh, "Wh");
    return m != 0;
}

/* ---- records ---- */

size_t tx_record_size(const struct tx_record *r)
{
    return r->event == TX_ENDED || r->has_reservation ? sizeof *r : offsetof(struct tx_record, begin);
}

bool tx_record_load(struct tx_record *r, const void *bytes, size_t len)
{
    memset(r, 0, sizeof *r);
    if (len < offsetof(struct tx_record, now))
        return false;
    memcpy(r, bytes, len < sizeof *r ? len : sizeof *r);
    r->tx[36] = 0;
    r->token[sizeof r->token - 1] = 0;
    return r->version >= 1 && r->event <= TX_ENDED && r->trigger < TRIGGERS && r->state < CHARGING_STATES &&
           r->reason < STOP_REASONS && r->tx[0];
}

/*
 * The wall time of something kept. Known then: that. Unknown then but of this start-up: now known. Unknown
 * and of an earlier start-up: nobody can say; the moment this start-up began is the latest that it can have
 * been.
 */
static int64_t when(const struct device *d, int64_t unix_ms, uint32_t boot, uint64_t at_us)
{
    if (unix_ms)
        return unix_ms;
    int64_t wall = 0;
    device_wall(d, boot == d->boot ? at_us : 0, &wall);
    return wall;
}

void reading_append(cJSON *values, const struct reading *r, uint32_t boot, const struct device *d)
{
    cJSON *value = cJSON_CreateObject();
    cJSON *sampled = json_add_array(value, "sampledValue");
    if (!reading_write(sampled, r)) {
        cJSON_Delete(value);
        return;
    }
    json_add_time(value, "timestamp", when(d, r->unix_ms, boot, r->at_us));
    if (!values || !cJSON_AddItemToArray(values, value))
        cJSON_Delete(value);
}

void tx_record_write(cJSON *p, const struct tx_record *r, const struct v201 *v)
{
    const struct device *d = &v->dev;
    json_add_text(p, "eventType", event_names[r->event]);
    cJSON *values = cJSON_CreateArray();
    if (r->event == TX_ENDED && r->begin.measurands)
        reading_append(values, &r->begin, r->boot, d);
    if (r->event == TX_ENDED)
        tx_samples_write(v, values, r->tx);
    if (r->now.measurands)
        reading_append(values, &r->now, r->boot, d);
    if (values && cJSON_GetArraySize(values) > 0)
        cJSON_AddItemToObject(p, "meterValue", values);
    else
        cJSON_Delete(values);
    json_add_time(p, "timestamp", when(d, r->unix_ms, r->boot, r->at_us));
    json_add_text(p, "triggerReason", trigger_names[r->trigger]);
    json_add_int(p, "seqNo", r->seq);
    json_add_bool(p, "offline", r->offline);
    if (r->phases_used)
        json_add_int(p, "numberOfPhasesUsed", r->phases_used);
    if (r->cable_a)
        json_add_int(p, "cableMaxCurrent", r->cable_a);
    cJSON *info = json_add_object(p, "transactionInfo");
    json_add_text(info, "transactionId", r->tx);
    json_add_text(info, "chargingState", state_names[r->state]);
    if (r->charging_s)
        json_add_int(info, "timeSpentCharging", r->charging_s);
    if (r->reason != STOP_NONE)
        json_add_text(info, "stoppedReason", reason_names[r->reason]);
    if (r->has_remote_id)
        json_add_int(info, "remoteStartId", r->remote_id);
    if (r->has_reservation)
        json_add_int(p, "reservationId", r->reservation_id);
    cJSON *evse = json_add_object(p, "evse");
    json_add_int(evse, "id", EVSE_ID);
    json_add_int(evse, "connectorId", CONNECTOR_ID);
    if (r->has_token) {
        struct id_token t = {.type = r->token_type};
        memcpy(t.text, r->token, sizeof t.text);
        t.text[sizeof t.text - 1] = 0;
        id_token_write(p, "idToken", &t);
    }
}
