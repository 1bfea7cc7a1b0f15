/*
 * monitoring: NotifyEvent: what is wired to be told (every change of the control pilot and of the contactor,
 * every fault raised or cleared, every change of the limit) and what monitors tell, in one queue in the order
 * in which it happened (functional block N07, N08; G05 for the lock).
 */
#ifndef OCPP_V201_MONITORING_H
#define OCPP_V201_MONITORING_H

#include "ocpp/v201/monitors.h"

#ifdef ECS_SMALL_MEMORY
enum { NOTIFY_EVENTS = 24 };
#else
enum { NOTIFY_EVENTS = 64 };
#endif
enum { NOTIFY_PER_MESSAGE = 12 };

enum notify_trigger { NOTIFY_ALERTING, NOTIFY_DELTA, NOTIFY_PERIODIC };

struct notify_event {
    const char *component, *instance, *variable, *name_instance; /* as long as the station */
    uint8_t level, trigger, cleared;
    uint8_t kind;       /* enum monitor_kind; of no monitor: NOTIFY_UNMONITORED */
    int32_t monitor_id; /* 0: none */
    bool long_value;    /* does not fit: read when it is sent */
    uint32_t key;       /* with long_value */
    char value[48], tech[32];
    char tx[40];
    uint64_t at_us;
    uint32_t id;
};
enum { NOTIFY_UNMONITORED = 255 };

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
/* A monitor was triggered. Not told when its severity is beyond what the server wants to hear (N05), or,
 * while the server can't be reached, beyond what is to be queued. */
void notify_monitor(struct v201 *v, const struct monitor *m, enum notify_trigger trigger, bool cleared,
                    const char *value, uint64_t at_us);
bool notify_event_make(struct v201 *v, cJSON *payload, bool asked_only);
void notify_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

/* Which "Problem" variable a fault of core/fault is told as. */
bool model_problem_of(const char *fault, struct variable *out);

#endif
