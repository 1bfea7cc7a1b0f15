/*
 * rings: the two lock-free single-producer single-consumer queues between the control and the comms thread:
 * events up, commands down. A full ring refuses; the producer says what that means.
 */
#ifndef STATION_RINGS_H
#define STATION_RINGS_H

#include <stdatomic.h>

#include "core/control.h"

enum { RING_EVENTS = 128, RING_COMMANDS = 32 }; /* powers of two */

struct event_ring {
    atomic_uint head; /* producer: control thread */
    atomic_uint tail; /* consumer: comms thread */
    atomic_uint lost; /* events refused since the consumer last took the count */
    struct control_event item[RING_EVENTS];
};

struct command_ring {
    atomic_uint head; /* producer: comms thread */
    atomic_uint tail; /* consumer: control thread */
    struct control_cmd item[RING_COMMANDS];
};

/* Control thread. A refused event is counted. */
bool event_ring_put(struct event_ring *r, const struct control_event *ev);
/* Comms thread. */
bool event_ring_take(struct event_ring *r, struct control_event *out);
uint32_t event_ring_take_lost(struct event_ring *r);

/* Comms thread. false: full. */
bool command_ring_put(struct command_ring *r, const struct control_cmd *cmd);
/* Control thread. */
bool command_ring_take(struct command_ring *r, struct control_cmd *out);

#endif
