#include "station/wishes.h"

enum { PLACES = CONTROL_CMD_TYPES + LIMIT_SLOTS };
_Static_assert(PLACES <= 32, "one bit per place");

void wishes_want(struct wishes *w, const struct control_cmd *cmd)
{
    unsigned place = cmd->type == CONTROL_LIMIT ? CONTROL_CMD_TYPES + (unsigned)cmd->slot : cmd->type;
    if (place >= PLACES)
        return;
    w->cmd[place] = *cmd;
    w->open |= 1u << place;
}

bool wishes_flush(struct wishes *w, struct command_ring *ring)
{
    for (unsigned place = 0; place < PLACES; place++) {
        if (!(w->open & 1u << place))
            continue;
        if (!command_ring_put(ring, &w->cmd[place]))
            return false;
        w->open &= ~(1u << place);
    }
    return true;
}
