/*
 * transport: a WebSocket as the station sees it: whole text messages over a connection that it opens and that
 * ends. net/ws_client implements it over libwebsockets; linux/ implements it in process for virtual time.
 *
 * Comms thread only. The up-calls may happen inside open/close/send or inside the port's service loop.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport_target {
    const char *url;             /* ws://host:port/path or wss://…; the station id is already appended */
    const char *user, *password; /* HTTP basic authentication; NULL: none */
    const char *subprotocols;    /* comma separated, most wanted first */
    uint32_t ping_interval_s;    /* 0: none */
};

struct transport_up {
    void *ctx;
    void (*opened)(void *ctx, const char *subprotocol);
    void (*text)(void *ctx, const char *text, size_t len); /* one whole message, fragments joined */
    void (*heard)(void *ctx);                              /* anything came, pongs included */
    void (*writable)(void *ctx);                           /* a send that was refused may be tried again */
    void (*closed)(void *ctx, const char *why); /* also when opening failed; exactly once per open */
};

struct transport {
    void *ctx;
    /* false: could not even start (bad URL); `closed` is then not called. */
    bool (*open)(void *ctx, const struct transport_target *target, const struct transport_up *up);
    bool (*send)(void *ctx, const char *text, size_t len);
    void (*close)(void *ctx, const char *why); /* `closed` follows */
};

#endif
