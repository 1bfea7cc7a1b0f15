/*
 * probation: a firmware that has just been installed must prove itself, or the one before comes back.
 */
#ifndef ESP32_PROBATION_H
#define ESP32_PROBATION_H

#include <stdbool.h>

#include "core/control.h"
#include "station/station.h"

/* At start. Says in the log whether this firmware is on probation, and whether one before has failed. */
void probation_init(void);
/* Comms thread, every round. Confirms the firmware, or returns to the one before (does not return then). */
void probation_step(const struct control_status *control, const struct station_link_status *link,
                    bool server_set);
bool probation_running(void);

#endif
