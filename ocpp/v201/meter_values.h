/* meter_values: clock-aligned and triggered MeterValues (J01, F06). */
#ifndef OCPP_V201_METER_VALUES_H
#define OCPP_V201_METER_VALUES_H

#include "ocpp/v201/tx_record.h"

struct v201;

struct meter_values {
    bool asked;   /* TriggerMessage(MeterValues) */
    int64_t slot; /* clock-aligned interval of the day sampled last; −1 none yet */
    bool due;     /* `aligned` waits to be sent */
    struct reading aligned;
};

/* Which interval of the day it is, evenly spaced from midnight (UTC) on, and when the next one begins. false:
 * no interval, or no clock. */
bool meter_values_slot(const struct v201 *v, int32_t interval_s, uint64_t now_us, int64_t *slot,
                       uint64_t *next_us);
void meter_values_init(struct v201 *v);
uint64_t meter_values_step(struct v201 *v, uint64_t now_us);
bool meter_values_make(struct v201 *v, cJSON *payload, bool asked_only);
void meter_values_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
