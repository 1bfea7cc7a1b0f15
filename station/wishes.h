/*
 * wishes: what the comms side wants of the control path, remembered until the control path has taken it.
 *
 * Each wish is a state, not a message: a newer one replaces an older one of its kind, and a full command ring
 * delays it but never loses it. Comms thread only.
 */
#ifndef STATION_WISHES_H
#define STATION_WISHES_H

#include "station/rings.h"

struct wishes {
    struct control_cmd cmd[CONTROL_CMD_TYPES + LIMIT_SLOTS]; /* limits have a place per slot */
    uint32_t open;                                           /* bit per place */
};

void wishes_want(struct wishes *w, const struct control_cmd *cmd);
/* Passes on what the ring takes. true: nothing is left open. */
bool wishes_flush(struct wishes *w, struct command_ring *ring);

#endif
