/*
 * ocpp: the charging-station side of OCPP-J over whole text messages. Knows no sockets and no station: bytes
 * in, bytes out, and struct ocpp_station_ops.
 */
#ifndef OCPP_OCPP_H
#define OCPP_OCPP_H

#include "ocpp/station_ops.h"

/* Sub-protocols offered in the WebSocket handshake, in order of preference, comma separated. */
#define OCPP_SUBPROTOCOLS "ocpp2.0.1"

/* A board without PSRAM builds with smaller ones and with ECS_SMALL_MEMORY defined, for tables that can be
 * shorter (esp32/main/Kconfig.projbuild; tests/esp32/memory.c has the budget). */
#ifndef ECS_OCPP_ARENA_BYTES
#define ECS_OCPP_ARENA_BYTES (96 * 1024)
#endif
#ifndef ECS_OCPP_TEXT_MAX
#define ECS_OCPP_TEXT_MAX (32 * 1024)
#endif
enum {
    OCPP_ARENA_BYTES = ECS_OCPP_ARENA_BYTES, /* cJSON arena of one message, in and out */
    OCPP_TEXT_MAX = ECS_OCPP_TEXT_MAX,       /* longest message in or out; longer inbound ones are refused */
    OCPP_DEPTH_MAX = 16,                     /* deepest nesting accepted */
};

struct ocpp;

/* Size of the state that the caller provides, so that nothing is allocated after start-up. */
size_t ocpp_size(void);
/* `mem`: ocpp_size() bytes, 8-byte aligned. Reads durable state (an unfinished transaction) through ops. */
struct ocpp *ocpp_init(void *mem, const struct ocpp_station_ops *ops, void *station);

/* Nothing below may be called from inside a struct ocpp_station_ops call.
 * The socket is up, with the sub-protocol the server chose; or gone. */
void ocpp_opened(struct ocpp *o, const char *subprotocol);
void ocpp_closed(struct ocpp *o);
/* One whole text message. Any bytes: rubbish is answered as OCPP-J says or logged, never trusted. */
void ocpp_receive(struct ocpp *o, const char *text, size_t len);
void ocpp_event(struct ocpp *o, const struct ocpp_event *ev);
/* Timers and the outgoing queue. Returns the monotonic time (µs) at which it wants to be called again at the
 * latest. */
uint64_t ocpp_step(struct ocpp *o);

/* For status pages and tests. */
struct ocpp_status {
    bool online, registered; /* socket up; BootNotification accepted */
    bool transaction;
    char transaction_id[37];
    uint32_t queued; /* messages waiting, durable ones included */
    uint32_t sent, received, errors;
    uint32_t arena_high_water;
    uint64_t last_heard_us;
};
void ocpp_status_read(const struct ocpp *o, struct ocpp_status *out);

#endif
