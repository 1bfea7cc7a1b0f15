/* remote_control: start, stop, unlock, trigger (functional block F). */
#ifndef OCPP_V201_REMOTE_CONTROL_H
#define OCPP_V201_REMOTE_CONTROL_H

#include "ocpp/v201/device.h"

struct v201;

struct remote_control {
    bool log_status_asked;
};

void request_start_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void request_stop_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void unlock_connector(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void trigger_message(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

/* Only when TriggerMessage asks for it: nothing is being uploaded by this station (F06.FR.15). */
bool log_status_make(struct v201 *v, cJSON *payload, bool asked_only);
void idle_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
