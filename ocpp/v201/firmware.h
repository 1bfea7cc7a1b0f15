/*
 * firmware: UpdateFirmware and FirmwareStatusNotification (functional block L). What an update does is the
 * station's; this passes on what is asked and told.
 */
#ifndef OCPP_V201_FIRMWARE_H
#define OCPP_V201_FIRMWARE_H

#include "ocpp/v201/device.h"

struct v201;

struct firmware {
    bool asked;                       /* by TriggerMessage */
    bool any;                         /* something has been told since start-up: */
    struct ocpp_firmware_report told; /* the last of it */
    bool under_way;                   /* what is on its way is a report, not an answer to a trigger */
    struct ocpp_firmware_report sent;
    uint64_t retry_us;
};

void update_firmware(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool firmware_status_make(struct v201 *v, cJSON *payload, bool asked_only);
void firmware_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
