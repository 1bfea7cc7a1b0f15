/* data_transfer: DataTransfer, and the few orders of our own that OCPP has no message for (P01). */
#ifndef OCPP_V201_DATA_TRANSFER_H
#define OCPP_V201_DATA_TRANSFER_H

#include "ocpp/v201/device.h"

struct v201;

/* vendorId "ECSACP1": messageId "ContactorOff" (keep the contactor open), "ContactorOn" (back to normal),
 * "GetAllData" (answer: one object with everything that changes). */
void data_transfer(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
