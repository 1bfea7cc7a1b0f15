/* availability: the connector's status and whether it is in service (functional block G). */
#ifndef OCPP_V201_AVAILABILITY_H
#define OCPP_V201_AVAILABILITY_H

#include "ocpp/v201/device.h"

struct v201;

enum connector_status {
    STATUS_AVAILABLE,
    STATUS_OCCUPIED,
    STATUS_RESERVED,
    STATUS_UNAVAILABLE,
    STATUS_FAULTED,
    STATUS_UNKNOWN
};

struct availability {
    bool tell, asked;                /* to be sent although it has not changed; asked by TriggerMessage */
    enum connector_status now, told; /* told: what the server has acknowledged */
    enum connector_status sent;      /* under way */
    uint64_t since_us;               /* when `now` began */
    uint64_t retry_us;
    bool applied; /* the station has been told at start-up */
};

void availability_init(struct v201 *v);
/* Looks at v->view; call after anything has happened. */
void availability_update(struct v201 *v, uint64_t at_us);
uint64_t availability_step(struct v201 *v, uint64_t now_us);
void availability_tell_all(struct v201 *v);
void availability_tx_ended(struct v201 *v);
const char *connector_status_name(enum connector_status s);

bool status_notification_make(struct v201 *v, cJSON *payload, bool asked_only);
void status_notification_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
void change_availability(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
