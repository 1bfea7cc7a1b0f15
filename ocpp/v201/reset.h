/* reset: ResetRequest, now or when idle (B11, B12). */
#ifndef OCPP_V201_RESET_H
#define OCPP_V201_RESET_H

#include "ocpp/v201/device.h"

struct v201;

struct reset {
    bool wanted, immediate, scheduled; /* scheduled: so it was answered */
    bool answered;                     /* the response has gone out */
    uint64_t asked_us;
    uint64_t ended_us; /* no transaction any more since */
    bool handed_over;  /* the station has been told */
};

void reset_request(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
uint64_t reset_step(struct v201 *v, uint64_t now_us);

#endif
