/*
 * monitoring: NotifyEvent for what the manufacturer has wired to be told: every change of the control pilot,
 * every fault raised or cleared (functional block N07; G05 for the lock).
 */
#ifndef OCPP_V201_MONITORING_H
#define OCPP_V201_MONITORING_H

#include "ocpp/v201/device_model.h"

enum { NOTIFY_EVENTS = 64, NOTIFY_PER_MESSAGE = 12 };

struct notify_event {
    const char *component, *variable; /* static */
    uint8_t level, alerting, cleared;
    char value[16], tech[32];
    char tx[40];
    uint64_t at_us;
    uint32_t id;
};

struct monitoring {
    struct notify_event event[NOTIFY_EVENTS]; /* a ring */
    unsigned first, count;
    unsigned in_flight; /* of the oldest */
    uint32_t next_id;
    uint32_t lost;
    uint64_t retry_us;
    unsigned failed;
};

void monitoring_init(struct v201 *v);
void monitoring_event(struct v201 *v, const struct ocpp_event *ev);
bool notify_event_make(struct v201 *v, cJSON *payload, bool asked_only);
void notify_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

/* Which "Problem" variable a fault of core/fault is told as. */
bool model_problem_of(const char *fault, struct variable *out);

#endif
