/* logs: the station's log towards the server: batches of lines while it runs, and files of it on request
 * (N01). */
#ifndef OCPP_V201_LOGS_H
#define OCPP_V201_LOGS_H

#include "ocpp/v201/device.h"

struct v201;

enum {
    LOG_STATUSES = 8, /* notifications that may wait; of more the oldest are given up */
};

struct logs {
    /* batches */
    bool refused;    /* this server does not take them: not asked again on this connection */
    uint8_t errors;  /* CALLERRORs in a row */
    uint64_t due_us; /* not before */
    struct ocpp_log_place under_way;
    uint32_t lost_told, lost_under_way; /* as ops->log_lost said */
    bool full;                          /* the batch under way could not hold all there is */

    /* files */
    bool uploading;
    int32_t request_id;
    bool status_asked;
    struct {
        int32_t request_id;
        uint8_t status;
    } status[LOG_STATUSES];
    uint8_t statuses;
    bool queued_under_way; /* status[0] is out */
};

void logs_opened(struct v201 *v);
void logs_event(struct v201 *v, const struct ocpp_event *ev);
uint64_t logs_step(struct v201 *v, uint64_t now);
void get_log(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

/* DataTransfer, vendorId "ECSACP1", messageId "log"; docs/hub.md has its data. */
bool log_batch_make(struct v201 *v, cJSON *payload, bool asked_only);
void log_batch_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
bool log_status_make(struct v201 *v, cJSON *payload, bool asked_only);
void log_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
