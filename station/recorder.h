/*
 * recorder: what the control path sees and does, as samples of the black box. Control thread only.
 */
#ifndef STATION_RECORDER_H
#define STATION_RECORDER_H

#include "core/control.h"
#include "log/blackbox.h"

/* After each control step. */
void recorder_step(struct blackbox *b, const struct control *c, const struct control_status *status);
/* Each event of that step. */
void recorder_event(struct blackbox *b, const struct control_event *ev);

#endif
