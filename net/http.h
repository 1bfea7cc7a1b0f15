/*
 * http: an HTTP(S) client as the station sees it: one request at a time, its body in pieces as they come or
 * as they are wanted. net/http_client implements it over libwebsockets; linux/ implements it in process for
 * virtual time.
 *
 * Comms thread only. The up-calls may happen inside start/cancel or inside the port's service loop.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method { HTTP_GET, HTTP_PUT, HTTP_POST };

enum { HTTP_VALIDATOR_MAX = 127 }; /* characters; a longer one is not told */

struct http_request {
    enum http_method method;
    const char *url;             /* http:// or https://; may carry user:password@ */
    const char *user, *password; /* basic authentication; NULL: none, or what the URL says */
    uint64_t from;               /* HTTP_GET: first byte wanted (Range); 0: all */
    const char *validator; /* HTTP_GET with from > 0: ETag or Last-Modified of the first part (If-Range);
                              NULL: none */
    uint64_t length;       /* HTTP_PUT, HTTP_POST: bytes of the body */
    const char *content_type;
    const char *filename;    /* HTTP_POST: told in Content-Disposition; NULL: none */
    uint32_t idle_timeout_s; /* no byte either way for this long: ends as HTTP_LOST */
};

struct http_head {
    int status;            /* 2xx */
    uint64_t from;         /* first byte of what follows: 0 unless the server took the Range */
    int64_t total;         /* size of the whole resource; −1: not told */
    const char *validator; /* for a later If-Range; "" if the server gave none. Valid during the call */
};

enum http_end {
    HTTP_DONE,      /* the whole answer has come */
    HTTP_REFUSED,   /* the server answered, but not with a 2xx or not with what was asked for: `why` begins
                       with the status ("404 Not Found", "416 …" for a `from` beyond the end). Retrying is up
                       to the caller */
    HTTP_LOST,      /* no connection, or it broke: worth another try. For a GET what has come is good */
    HTTP_BAD,       /* the URL is none, or the scheme is not available here */
    HTTP_CANCELLED, /* by the caller: `cancel`, or `head`/`body` said false */
};

struct http_up {
    void *ctx;
    /* Of a 2xx answer, once; false: stop. NULL: not wanted. Redirects are followed first (5 at most). */
    bool (*head)(void *ctx, const struct http_head *head);
    bool (*body)(void *ctx, const void *data, size_t len); /* what follows; false: stop. NULL: not wanted */
    /* The request's next bytes, 1 to cap of them; 0 ends it early: HTTP_LOST. */
    size_t (*fill)(void *ctx, void *buf, size_t cap);
    /* The body is wanted again from its first byte, elsewhere (307, 308). NULL or false: that can't be, and
     * the request ends as HTTP_REFUSED. */
    bool (*rewind)(void *ctx);
    void (*done)(void *ctx, enum http_end how, const char *why); /* exactly once per start that gave true */
};

struct http {
    void *ctx;
    /* The strings need to last for this call only. false: a request is under way. A bad URL is told by
     * `done`. */
    bool (*start)(void *ctx, const struct http_request *request, const struct http_up *up);
    void (*cancel)(void *ctx); /* `done` follows; nothing happens without a request */
};

#endif
