/*
 * provisioning: BootNotification and the gate it is, Heartbeat and the clock, what follows a reconnect
 * (functional block B, G02).
 */
#ifndef OCPP_V201_PROVISIONING_H
#define OCPP_V201_PROVISIONING_H

#include "ocpp/v201/device.h"

struct v201;

struct provisioning {
    uint64_t boot_due_us;
    bool boot_asked;     /* TriggerMessage(BootNotification) */
    uint32_t interval_s; /* as the last BootNotification response said; 0 never */
    uint64_t heartbeat_due_us;
    bool heartbeat_asked;
    bool was_registered;
    uint64_t offline_since_us;
    int network; /* the one that the server was spoken to on last; 0 none */
    int32_t message_timeout_s;
};

void provisioning_init(struct v201 *v);
void provisioning_opened(struct v201 *v);
void provisioning_closed(struct v201 *v);
/* Seconds that the server may take to answer, on the network in use. */
int32_t provisioning_message_timeout_s(const struct v201 *v);
uint64_t provisioning_step(struct v201 *v, uint64_t now_us);

bool boot_notification_make(struct v201 *v, cJSON *payload, bool asked_only);
void boot_notification_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
bool heartbeat_make(struct v201 *v, cJSON *payload, bool asked_only);
void heartbeat_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
