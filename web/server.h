/*
 * server: a small HTTP + WebSocket server over libwebsockets for the hub and for the simulator's control
 * socket. Linux only. One thread (the one that calls lws_service); requests may be answered later.
 */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lws_context;
struct web_server;
struct web_exchange; /* one HTTP request that awaits its answer */
struct web_socket;   /* one WebSocket of a peer */

enum { WEB_BODY_MAX = 1024 * 1024, WEB_WS_TEXT_MAX = 256 * 1024 };

struct web_request {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *path;   /* percent-decoded, begins with '/' */
    const char *query;  /* "" if none */
    const char *host;   /* as the peer calls us: the Host header, "" if none */
    const char *body;   /* NUL-terminated */
    size_t body_len;
};

/* Takes a body in pieces, however long it is. */
struct web_sink {
    void *ctx;
    /* false: it can't be taken (then web_reply_error has said why, or 500 is answered); what follows of it is
     * thrown away, and `end` is still called. */
    bool (*data)(void *ctx, const void *bytes, size_t len);
    /* Exactly once. whole: all of it has come, answer with web_reply, now or later. Else the peer has gone
     * and the exchange is dead, or `data` has said false. */
    void (*end)(void *ctx, bool whole);
};

enum web_taking {
    WEB_IN_MEMORY, /* as ever: at most WEB_BODY_MAX, then `request` */
    WEB_IN_PIECES, /* `sink` takes it */
    WEB_ANSWERED,  /* it has been answered: the body is not wanted */
};

struct web_ws_offer {
    const char *path;            /* percent-decoded */
    const char *host;            /* as the peer calls us, "" if it does not */
    const char *subprotocols;    /* as offered, comma separated; "" if none */
    const char *user, *password; /* HTTP basic authentication; NULL: none given */
};

struct web_handlers {
    void *ctx;
    /* Answer with web_reply now or later, exactly once. */
    void (*request)(void *ctx, struct web_exchange *x, const struct web_request *r);
    /* A request with a body of `length` bytes, before the body: r->body is "". NULL: WEB_IN_MEMORY. */
    enum web_taking (*body)(void *ctx, struct web_exchange *x, const struct web_request *r, uint64_t length,
                            struct web_sink *sink);
    /* The connection ended before web_reply; x is dead. Not every peer that goes away is noticed: answer
     * anyhow. */
    void (*aborted)(void *ctx, struct web_exchange *x);
    /* 0: accept (write the chosen sub-protocol; "": none is named in the answer), else an HTTP status to
     * refuse with. */
    int (*ws_accept)(void *ctx, const struct web_ws_offer *offer, char *chosen, size_t cap);
    void (*ws_open)(void *ctx, struct web_socket *s, const char *path);
    void (*ws_text)(void *ctx, struct web_socket *s, const char *text, size_t len);
    void (*ws_closed)(void *ctx, struct web_socket *s); /* s is dead */
};

struct web_server_cfg {
    const char *host; /* address to bind, e.g. "127.0.0.1"; NULL: all */
    int port;         /* 0: any free one, see web_server_port */
    bool cors;        /* allow other origins (never for a control socket) */
};

/* NULL: error text in err. A control socket must refuse requests with a foreign Host or Origin header (DNS
 * rebinding): the server does that for loopback binds by itself. */
struct web_server *web_server_open(struct lws_context *context, const struct web_server_cfg *cfg,
                                   const struct web_handlers *h, char *err, size_t cap);
int web_server_port(const struct web_server *s);
/* Sinks are ended; then no handler is called from here on; what is connected is closed. Before or after
 * lws_context_destroy. */
void web_server_close(struct web_server *s);

void web_reply(struct web_exchange *x, int status, const char *content_type, const void *body, size_t len);
void web_reply_json(struct web_exchange *x, int status, const char *json);
/* {"error": "..."} with printf formatting */
void web_reply_error(struct web_exchange *x, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

struct web_file {
    int fd; /* closed by the server, whatever happens */
    uint64_t size;
    const char *content_type;
    const char *etag; /* strong, with its quotes; NULL: none */
    const char *name; /* for saving it under: letters, digits and "-_.+"; NULL: it may be shown */
};
/* Answers with a file, or the part of it that Range asks for (RFC 9110 14: one range; If-Range), read as it
 * goes. */
void web_reply_file(struct web_exchange *x, const struct web_file *file);

void web_exchange_set_user(struct web_exchange *x, void *user);
void *web_exchange_user(const struct web_exchange *x);

bool web_ws_send(struct web_socket *s, const char *text,
                 size_t len);                     /* queued; false: peer too slow, being dropped */
size_t web_ws_queued(const struct web_socket *s); /* bytes not yet given to the kernel: skip what can wait */
void web_ws_close(struct web_socket *s, int code, const char *why);
void web_ws_set_user(struct web_socket *s, void *user);
void *web_ws_user(const struct web_socket *s);

/* A context with the settings both programs want (no daemon, quiet logs). */
struct lws_context *web_context_create(void);

#endif
