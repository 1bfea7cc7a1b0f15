/*
 * provisioning: BootNotification and the gate it is, Heartbeat and the clock, what follows a reconnect,
 * security events about the station's own life (functional blocks B, G02, A04).
 */
#ifndef OCPP_V201_PROVISIONING_H
#define OCPP_V201_PROVISIONING_H

#include "ocpp/v201/device.h"

struct v201;

enum { SECURITY_EVENTS = 8 };

struct provisioning {
    uint64_t boot_due_us;
    bool boot_asked;     /* TriggerMessage(BootNotification) */
    uint32_t interval_s; /* as the last BootNotification response said; 0 never */
    uint64_t heartbeat_due_us;
    bool heartbeat_asked;
    bool was_registered;
    uint64_t offline_since_us;
    struct security_event {
        const char *type; /* static */
        uint64_t at_us;
    } event[SECURITY_EVENTS];
    unsigned events;
    uint64_t event_retry_us;
};

void provisioning_init(struct v201 *v);
void provisioning_opened(struct v201 *v);
void provisioning_closed(struct v201 *v);
uint64_t provisioning_step(struct v201 *v, uint64_t now_us);
void security_event(struct v201 *v, const char *type);

bool boot_notification_make(struct v201 *v, cJSON *payload, bool asked_only);
void boot_notification_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
bool heartbeat_make(struct v201 *v, cJSON *payload, bool asked_only);
void heartbeat_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
bool security_event_make(struct v201 *v, cJSON *payload, bool asked_only);
void security_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
