/* meter_values: clock-aligned and triggered MeterValues; see meter_values.h. */
#include "ocpp/v201/meter_values.h"

#include <string.h>

#include "ocpp/v201/v201.h"

#define DAY_MS INT64_C(86400000)

void meter_values_init(struct v201 *v)
{
    memset(&v->meter, 0, sizeof v->meter);
    v->meter.slot = -1;
}

static uint16_t wanted(const struct v201 *v)
{
    char list[256];
    return measurands_of(device_text(&v->dev, "aligned_measurands", list, sizeof list) ? list
                                                                                       : MEASURANDS_ALIGNED);
}

bool meter_values_slot(const struct v201 *v, int32_t interval_s, uint64_t now, int64_t *slot,
                       uint64_t *next_us)
{
    int64_t interval_ms = (int64_t)interval_s * 1000, wall;
    if (interval_ms <= 0 || !device_wall(&v->dev, now, &wall))
        return false;
    int64_t of_day = wall % DAY_MS, left = interval_ms - of_day % interval_ms;
    *slot = wall / DAY_MS * (DAY_MS / 1000 + 1) + of_day / interval_ms;
    if (left > DAY_MS - of_day)
        left = DAY_MS - of_day;
    *next_us = now + (uint64_t)left * 1000;
    return true;
}

/* AlignedDataCtrlr.Interval: evenly spaced from midnight (UTC) on. While the server can't be reached the
 * newest interval takes the place of the one that waits; energy is a register, so nothing is lost by that. */
uint64_t meter_values_step(struct v201 *v, uint64_t now)
{
    struct meter_values *m = &v->meter;
    int64_t slot;
    uint64_t next;
    if (!meter_values_slot(v, device_int(&v->dev, "aligned_interval", 0), now, &slot, &next)) {
        m->slot = -1;
        m->due = false;
        return UINT64_MAX;
    }
    if (m->slot >= 0 && slot != m->slot) {
        reading_take(&m->aligned, &v->view, wanted(v), CONTEXT_CLOCK, now, &v->dev);
        m->due = true;
    }
    m->slot = slot;
    return next;
}

bool meter_values_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct meter_values *m = &v->meter;
    struct reading r = m->aligned;
    if (!m->asked && (asked_only || !m->due))
        return false;
    if (m->asked) {
        reading_take(&r, &v->view, wanted(v), CONTEXT_TRIGGER, device_now(&v->dev), &v->dev);
        m->asked = false;
    } else {
        m->due = false;
    }
    int64_t wall = r.unix_ms;
    if (!wall)
        device_wall(&v->dev, r.at_us, &wall);
    json_add_int(payload, "evseId", EVSE_ID);
    cJSON *value = json_append_object(json_add_array(payload, "meterValue"));
    cJSON *sampled = json_add_array(value, "sampledValue");
    json_add_time(value, "timestamp", wall);
    return reading_write(sampled, &r);
}

void meter_values_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    (void)v;
    (void)how;
    (void)payload;
}
