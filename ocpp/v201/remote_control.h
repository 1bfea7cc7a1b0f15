/* remote_control: start, stop, unlock, trigger (functional block F). */
#ifndef OCPP_V201_REMOTE_CONTROL_H
#define OCPP_V201_REMOTE_CONTROL_H

#include "ocpp/v201/device.h"

struct v201;

void request_start_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void request_stop_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void unlock_connector(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void trigger_message(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
