/*
 * link: keeps the WebSocket to the server: opens it, notices when it is dead although it looks alive, and
 * opens it again after an exponential wait with jitter, for ever. Comms thread only.
 */
#ifndef STATION_LINK_H
#define STATION_LINK_H

#include "net/transport.h"

struct link_cfg {
    const char *url; /* of this station, id included; "": no server is configured, stay closed */
    const char *user, *password;
    const char *subprotocols;
    uint32_t ping_interval_s;
    uint32_t silence_timeout_s; /* nothing heard for this long: the connection is given up */
    uint32_t backoff_min_s, backoff_random_s, backoff_repeats; /* OCPP 2.0.1 Part 4, 5.3: RetryBackOff* */
};

struct link_up {
    void *ctx;
    uint64_t (*now_us)(void *ctx); /* monotonic */
    void (*opened)(void *ctx, const char *subprotocol);
    void (*text)(void *ctx, const char *text, size_t len);
    void (*writable)(void *ctx);
    void (*closed)(void *ctx, const char *why);
    void (*failed)(void *ctx, const char *why,
                   uint64_t wait_us); /* an attempt; the next comes after wait_us */
};

enum link_phase { LINK_CLOSED, LINK_OPENING, LINK_OPEN, LINK_CLOSING };

struct link {
    struct transport transport;
    struct link_up up;
    struct link_cfg cfg;
    enum link_phase phase;
    uint64_t since_us; /* when this phase began */
    uint64_t heard_us;
    uint64_t open_at_us;   /* LINK_CLOSED: when to try next */
    uint32_t attempts;     /* since the link was last good */
    uint32_t opened_count; /* successful openings since start-up */
    uint32_t random;       /* state of the jitter generator */
    bool good;             /* this connection has carried a message from the server */
};

void link_init(struct link *l, const struct transport *transport, const struct link_up *up, uint32_t seed);
/* New settings; used from the next opening on (the silence timer at once). The strings must stay. */
void link_configure(struct link *l, const struct link_cfg *cfg);
/* Returns when to call again at the latest (monotonic µs). */
uint64_t link_step(struct link *l, uint64_t now_us);
bool link_send(struct link *l, const char *text, size_t len);
/* Drop the connection; it is opened again after the back-off. */
void link_drop(struct link *l, const char *why);
bool link_is_open(const struct link *l);

/* The wait before the n-th attempt in a row (n = 0 the first), without its random part, in µs. */
uint64_t link_backoff_us(const struct link_cfg *cfg, uint32_t n);

#endif
