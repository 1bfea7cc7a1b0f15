/* data_transfer: orders of our own inside DataTransfer; see data_transfer.h. */
#include "ocpp/v201/data_transfer.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/v201/v201.h"

static void phases(cJSON *o, const char *name, const int32_t v[3], int n, int decimals)
{
    cJSON *list = json_add_array(o, name);
    for (int i = 0; i < n && list; i++) {
        char text[24];
        json_fixed_text(text, sizeof text, v[i], decimals);
        cJSON_AddItemToArray(list, cJSON_CreateRaw(text));
    }
}

static void all_data(const struct v201 *v, cJSON *o)
{
    const struct ocpp_view *w = &v->view;
    const struct ocpp_meter *m = &w->meter;
    const char pilot[2] = {w->pilot ? w->pilot : '?', 0};
    int n = w->phases == 1 ? 1 : 3;
    int64_t wall;
    if (device_wall(&v->dev, device_now(&v->dev), &wall))
        json_add_time(o, "time", wall);
    json_add_text(o, "connectorStatus", connector_status_name(v->avail.now));
    json_add_text(o, "state", w->state ? w->state : "");
    json_add_text(o, "fault", w->fault ? w->fault : "");
    json_add_text(o, "pilot", pilot);
    json_add_fixed(o, "pilotV", w->pilot_mv, 3);
    json_add_fixed(o, "dutyPercent", w->duty_bp, 2);
    json_add_fixed(o, "cableA", w->cable_ma, 3);
    json_add_bool(o, "plugged", w->plugged);
    json_add_bool(o, "locked", w->locked);
    json_add_bool(o, "authorised", w->authorised);
    json_add_bool(o, "contactorClosed", w->energy_flowing);
    json_add_int(o, "contactorCycles", w->contactor_cycles);
    json_add_fixed(o, "contactorOpenMs", w->contactor_open_us, 3);
    json_add_fixed(o, "offeredA", w->offered_ma, 3);
    json_add_text(o, "offeredBy", w->offered_by ? w->offered_by : "");
    json_add_fixed(o, "installedA", w->installed_ma, 3);
    if (w->temperature_valid)
        json_add_fixed(o, "temperatureC", w->temperature_mc, 3);
    if (m->valid) {
        phases(o, "voltageV", m->v_mv, n, 3);
        phases(o, "currentA", m->i_ma, n, 3);
        phases(o, "powerW", m->p_mw, n, 3);
        phases(o, "powerFactor", m->pf_permille, n, 3);
        json_add_fixed(o, "powerTotalW", m->p_total_mw, 3);
        json_add_fixed(o, "frequencyHz", m->freq_mhz, 3);
    }
    json_add_fixed(o, "energyWh", (int64_t)m->import_total_mwh, 3);
    if (v->durable.tx_active) {
        json_add_text(o, "transactionId", v->durable.tx);
        json_add_fixed(o, "transactionWh", (int64_t)(m->import_total_mwh - v->durable.begin.import_mwh), 3);
    }
    json_add_int(o, "eventsQueued", (int64_t)v->queue.stored + v->queue.ram_count);
    if (w->health.valid) {
        json_add_int(o, "controlStackLeft", w->health.control_stack);
        json_add_int(o, "commsStackLeft", w->health.comms_stack);
        json_add_int(o, "heapLeft", w->health.heap_min);
        json_add_int(o, "heapBlock", w->health.heap_block);
    }
    json_add_int(o, "arenaHighWater", (int64_t)v->dev.rpc->arena.high_water);
}

void data_transfer(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const char *vendor = json_text(request, "vendorId", 255), *message = json_text(request, "messageId", 50);
    if (strcmp(vendor, "ECSACP1") != 0) {
        json_add_text(answer->payload, "status", "UnknownVendorId"); /* P01.FR.05 */
        return;
    }
    if (message && !strcmp(message, "ContactorOff")) {
        v->dev.ops->hold_contactor_open(v->dev.st, true);
    } else if (message && !strcmp(message, "ContactorOn")) {
        v->dev.ops->hold_contactor_open(v->dev.st, false);
    } else if (message && !strcmp(message, "GetAllData")) {
        all_data(v, json_add_object(answer->payload, "data"));
    } else {
        json_add_text(answer->payload, "status", "UnknownMessageId"); /* P01.FR.06 */
        return;
    }
    json_add_text(answer->payload, "status", "Accepted");
}
