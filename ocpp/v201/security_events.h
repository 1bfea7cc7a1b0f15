/*
 * security_events: security events on their way to the server; durable, so that they reach it whatever
 * happens in between (A04).
 */
#ifndef OCPP_V201_SECURITY_EVENTS_H
#define OCPP_V201_SECURITY_EVENTS_H

#include "ocpp/v201/device.h"

struct v201;

/* Names of OCPP 2.0.1 appendix 1; the order is durable: add at the end. */
enum security_event_type {
    SECURITY_STARTUP_OF_THE_DEVICE,
    SECURITY_RESET_OR_REBOOT,
    SECURITY_RECONFIGURATION, /* of security parameters */
    SECURITY_FIRMWARE_UPDATED,
    SECURITY_INVALID_FIRMWARE_SIGNATURE,
    SECURITY_INVALID_FIRMWARE_CERTIFICATE,
    SECURITY_EVENT_TYPES
};

struct security_event {
    uint8_t version, type, reserved[2];
    uint32_t boot; /* with unix_ms 0: the start-up that at_us belongs to */
    uint64_t at_us;
    int64_t unix_ms;
};

struct security_events {
    uint32_t current; /* durable id of what is under way */
    bool fallen_back; /* flash did not take an event: the newest one is here */
    bool under_way_in_ram;
    struct security_event ram;
    uint64_t retry_us;
};

void security_events_init(struct v201 *v);
void security_event(struct v201 *v, enum security_event_type type);
bool security_event_make(struct v201 *v, cJSON *payload, bool asked_only);
void security_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
