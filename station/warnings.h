/*
 * warnings: what somebody should see to although the station goes on as it is: told to the log when it begins
 * and when it ends. Comms thread.
 */
#ifndef STATION_WARNINGS_H
#define STATION_WARNINGS_H

#include "core/control.h"
#include "log/log.h"

struct warnings { /* as the log has been told */
    bool contactor_slow, ct_reversed[3], phase_order_wrong;
};

void warnings_step(struct warnings *w, const struct control_status *c, struct log *log, uint64_t now_us);

#endif
