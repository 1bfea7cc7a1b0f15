/*
 * http_client: one HTTP request at a time over a shared libwebsockets context.
 *
 * Written against the calls that libwebsockets 4.1 (Debian 12) and 5.0 (the ESP32 component) have in common.
 * A wsi (libwebsockets' connection) is ours as long as its opaque pointer names the client and the client
 * names it back; one that has been given up finds neither and dies without a word. Each request, and each
 * redirect, has a connection of its own. libwebsockets' own time limits are lifted once the request is on its
 * way: ours is the idle time alone, however long the whole takes.
 */
#include "net/http_client.h"

#include <inttypes.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_answer.h"
#include "net/http_url.h"
#include "net/ws_client.h"

enum {
    PIECE_MAX = 2048,       /* bytes that are read or written at a time */
    IDLE_S = 30,            /* when the request does not say */
    TICK_MS = 500,          /* how often idleness is looked at */
    STALL_MS = 1000,        /* sending does not go on: perhaps the server has answered already */
    BLOCKED_FAIL_MS = 1000, /* an attempt without a network fails after this, as "no route to host" does */
    REDIRECTS_MAX = 5,
    AUTH_MAX = 8 + (HTTP_USER_MAX + HTTP_PASSWORD_MAX + 2) * 4 / 3 + 4, /* "Basic " and base64 */
    TYPE_MAX = 80,
    FILENAME_MAX_LEN = 120,
    WHY_MAX = 160,
};

enum state {
    IDLE,
    OPENING, /* until the request's header is asked for: name, TCP, TLS */
    SENDING, /* the request's body */
    WAITING, /* for the answer */
    READING, /* the answer's body */
    TURNING, /* to the address of a redirect */
    GHOST,   /* the server has gone while the network was cut: the station can't know yet */
    NO_ROUTE /* opening while the network is cut: it will fail in a moment */
};

struct http_client {
    struct lws_context *context;
    struct lws_vhost *vhost; /* NULL: the context's first */
    struct http_up up;
    enum state state;
    bool blocked, handshake_sent, chunked;
    enum http_method method;
    struct lws *wsi;    /* the present connection */
    struct lws *orphan; /* given up while the network was cut: stays silent until it is back */
    lws_sorted_usec_list_t tick;
    lws_usec_t idle_us, moved_us; /* moved: when a byte last passed, or the connection was begun */
    uint64_t from, length, sent, received;
    int64_t expected; /* bytes of the answer's body; −1: not told */
    int status;
    unsigned redirects;
    struct http_url url;
    char auth[AUTH_MAX];
    char validator[HTTP_VALIDATOR_MAX + 1];
    char type[TYPE_MAX + 1], filename[FILENAME_MAX_LEN + 1];
    char why[WHY_MAX + 1];
    char *read_at; /* how far libwebsockets has come in what it reads at the moment */
    unsigned char piece[LWS_PRE + PIECE_MAX];
};

static const char protocol_name[] = "http-client";

/* No pings and no hang-up by rules of libwebsockets. */
static const lws_retry_bo_t no_policy = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
static void ticked(lws_sorted_usec_list_t *sul);

const struct lws_protocols http_client_protocol = {protocol_name, callback, 0, 0, 0, NULL, 0};

static void after_ms(struct http_client *c, unsigned ms)
{
    lws_sul_schedule(c->context, 0, &c->tick, ticked, ms ? (lws_usec_t)ms * LWS_US_PER_MS : 1);
}

static void moved(struct http_client *c)
{
    c->moved_us = lws_now_usecs();
}

static void why_set(struct http_client *c, const char *why)
{
    size_t n = strlen(why) < WHY_MAX ? strlen(why) : WHY_MAX;
    for (size_t i = 0; i < n; i++) /* a server's text goes into logs: keep it to one printable line */
        c->why[i] = why[i] >= ' ' && why[i] != 0x7f ? why[i] : '.';
    c->why[n] = '\0';
}

/* Lets a connection die later, in the service loop, without telling anyone. */
static void forget(struct lws **wsi)
{
    if (!*wsi)
        return;
    lws_set_opaque_user_data(*wsi, NULL);
    lws_set_timeout(*wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    *wsi = NULL;
}

/* The request has ended. While the network is cut not a byte may leave, not even a FIN, so the socket is kept
 * as it is until the network is back. */
static void let_go(struct http_client *c)
{
    if (c->blocked && c->wsi) {
        forget(&c->orphan);
        c->orphan = c->wsi;
        c->wsi = NULL;
        lws_rx_flow_control(c->orphan, 0);
    } else {
        forget(&c->wsi);
    }
}

static void become_idle(struct http_client *c)
{
    lws_sul_cancel(&c->tick);
    c->state = IDLE;
    memset(c->auth, 0, sizeof c->auth);
}

/* Says `done`, once; the client is idle by then and may be started anew from inside the up-call. Returns −1,
 * with which a callback ends the connection. */
static int finish(struct http_client *c, enum http_end how, const char *why)
{
    char text[sizeof c->why];
    if (c->state == IDLE)
        return -1;
    why_set(c, why);
    memcpy(text, c->why, sizeof text);
    let_go(c);
    become_idle(c);
    c->up.done(c->up.ctx, how, text);
    return -1;
}

/* The same with the answer's status in front, and a word more if there is one. */
static int finish_status(struct http_client *c, enum http_end how, const char *more)
{
    char text[WHY_MAX], status[HTTP_STATUS_TEXT_MAX];
    http_status_text(c->status, status);
    (void)snprintf(text, sizeof text, "%s%s%s", status, more[0] ? ": " : "", more);
    return finish(c, how, text);
}

/* ---- beginning ---- */

static bool authorize(struct http_client *c, const char *user, const char *password)
{
    char plain[HTTP_USER_MAX + HTTP_PASSWORD_MAX + 2];
    memset(c->auth, 0, sizeof c->auth);
    if (!user || !user[0])
        return true;
    int n = snprintf(plain, sizeof plain, "%s:%s", user, password ? password : "");
    if (n < 0 || (size_t)n >= sizeof plain)
        return false;
    memcpy(c->auth, "Basic ", 6);
    int coded = lws_b64_encode_string(plain, n, c->auth + 6, (int)sizeof c->auth - 6);
    memset(plain, 0, sizeof plain);
    return coded > 0;
}

/* A header's value: no control characters. NULL is "". */
static bool keep(char *out, size_t cap, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len >= cap)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    memcpy(out, text ? text : "", len + 1);
    return true;
}

static void open_connection(struct http_client *c)
{
    static const char *const methods[] = {[HTTP_GET] = "GET", [HTTP_PUT] = "PUT", [HTTP_POST] = "POST"};
    c->handshake_sent = false;
    c->sent = c->received = 0;
    moved(c);
    if (c->blocked) {
        c->state = NO_ROUTE;
        after_ms(c, BLOCKED_FAIL_MS);
        return;
    }
    struct lws_client_connect_info info;
    memset(&info, 0, sizeof info);
    info.context = c->context;
    info.vhost = c->vhost;
    info.address = c->url.at.host;
    info.port = c->url.at.port;
    info.path = c->url.at.path;
    info.host = c->url.at.authority;
    info.method = methods[c->method];
    info.protocol = protocol_name;
    info.local_protocol_name = protocol_name;
    /* Explicit: the mbedTLS side of libwebsockets 5.0 slips when it has to make its own list. */
    info.alpn = "http/1.1";
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (c->url.at.tls ? LCCSCF_USE_SSL : 0);
    info.retry_and_idle_policy = &no_policy;
    info.opaque_user_data = c;
    info.pwsi = &c->wsi;
    c->state = OPENING;
    after_ms(c, TICK_MS);
    /* Failure may be told by a callback from inside this call, or by the result alone. */
    if (!lws_client_connect_via_info(&info) && c->state == OPENING) {
        c->wsi = NULL;
        (void)finish(c, HTTP_LOST, "could not start connecting");
    }
}

static bool start(void *ctx, const struct http_request *r, const struct http_up *up)
{
    struct http_client *c = ctx;
    if (c->state != IDLE)
        return false;
    c->up = *up;
    c->state = OPENING; /* so that it can be finished */
    c->method = r->method;
    c->from = r->method == HTTP_GET ? r->from : 0;
    c->length = r->method == HTTP_GET ? 0 : r->length;
    c->idle_us = (lws_usec_t)(r->idle_timeout_s ? r->idle_timeout_s : IDLE_S) * LWS_USEC_PER_SEC;
    c->redirects = 0;
    c->status = 0;
    if (!http_url_parse(r->url, &c->url)) {
        (void)finish(c, HTTP_BAD, "not an http:// or https:// address");
        return true;
    }
    bool own = r->user != NULL;
    if (!authorize(c, own ? r->user : c->url.user, own ? r->password : c->url.password) ||
        !keep(c->validator, sizeof c->validator, r->validator) ||
        !keep(c->type, sizeof c->type, r->content_type) ||
        !keep(c->filename, sizeof c->filename, r->filename) || (c->length && !up->fill)) {
        (void)finish(c, HTTP_BAD, "a field of the request is too long or not text");
        return true;
    }
    open_connection(c);
    return true;
}

static void cancel(void *ctx)
{
    (void)finish(ctx, HTTP_CANCELLED, "cancelled");
}

/* ---- the request ---- */

static bool header(struct lws *wsi, const char *name, const char *value, unsigned char **p,
                   unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                       (int)strlen(value), p, end) == 0;
}

static bool append_header(struct http_client *c, struct lws *wsi, unsigned char **p, unsigned char *end)
{
    char text[FILENAME_MAX_LEN + 40];
    if (!header(wsi, "accept-encoding:", "identity", p, end) ||
        (c->auth[0] && !header(wsi, "authorization:", c->auth, p, end)))
        return false;
    if (c->method == HTTP_GET) {
        (void)snprintf(text, sizeof text, "bytes=%" PRIu64 "-", c->from);
        return c->from == 0 || (header(wsi, "range:", text, p, end) &&
                                (!c->validator[0] || header(wsi, "if-range:", c->validator, p, end)));
    }
    if (c->type[0] && !header(wsi, "content-type:", c->type, p, end))
        return false;
    if (c->filename[0]) {
        (void)snprintf(text, sizeof text, "attachment; filename=\"%s\"", c->filename);
        for (char *q = text + sizeof "attachment; filename=\"" - 1; q[0] && q[1]; q++)
            if (*q == '"' || *q == '\\')
                *q = '_';
        if (!header(wsi, "content-disposition:", text, p, end))
            return false;
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, c->length);
    return header(wsi, "content-length:", text, p, end);
}

/* Something has come that was not read yet. */
static bool answer_waits(struct lws *wsi)
{
    char byte;
    return recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The rest of the body is not sent: the server has answered already, which libwebsockets looks at only when
 * it believes that the body has gone. */
static void stop_sending(struct http_client *c)
{
    c->state = WAITING;
    lws_client_http_body_pending(c->wsi, 0);
    lws_callback_on_writable(c->wsi);
}

static int send_piece(struct http_client *c, struct lws *wsi)
{
    if (c->blocked || c->state != SENDING)
        return 0;
    moved(c);
    if (!c->url.at.tls && answer_waits(wsi)) { /* under TLS it may be the TLS library's own business */
        stop_sending(c);
        return 0;
    }
    uint64_t left = c->length - c->sent;
    size_t cap = left < PIECE_MAX ? (size_t)left : PIECE_MAX;
    size_t n = c->up.fill(c->up.ctx, c->piece + LWS_PRE, cap);
    if (c->wsi != wsi)
        return -1;
    if (n == 0 || n > cap)
        return finish(c, HTTP_LOST, "the body ended early");
    c->sent += n;
    bool last = c->sent == c->length;
    /* Takes all or fails; what the socket does not take at once libwebsockets keeps. */
    if (lws_write(wsi, c->piece + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n)
        return finish(c, HTTP_LOST, "the connection broke while sending");
    if (last) {
        c->state = WAITING;
        lws_client_http_body_pending(wsi, 0);
    }
    lws_callback_on_writable(wsi);
    return 0;
}

/* ---- the answer ---- */

/* A field of the answer; one that is longer than any sensible one reads as "?". */
static const char *field(struct lws *wsi, enum lws_token_indexes token, char *out, int cap)
{
    if (lws_hdr_copy(wsi, out, cap, token) < 0)
        memcpy(out, "?", 2);
    else if (lws_hdr_total_length(wsi, token) <= 0)
        out[0] = '\0';
    return out;
}

static int turn(struct http_client *c, struct lws *wsi)
{
    char location[HTTP_LOCATION_MAX + 1];
    struct http_url next;
    if (++c->redirects > REDIRECTS_MAX)
        return finish_status(c, HTTP_REFUSED, "redirected too often");
    switch (http_url_follow(&c->url, field(wsi, WSI_TOKEN_HTTP_LOCATION, location, sizeof location), &next)) {
    case HTTP_FOLLOW:
        break;
    case HTTP_NO_FOLLOW:
        return finish_status(c, HTTP_REFUSED, "redirected to no http address");
    case HTTP_UNSAFE:
        return finish_status(c, HTTP_REFUSED, "redirected from https to http");
    }
    if (c->sent && (!c->up.rewind || !c->up.rewind(c->up.ctx)))
        return finish_status(c, HTTP_REFUSED, "redirected, but the body can't be sent again");
    if (c->wsi != wsi)
        return -1;
    /* Who asked is said to that server alone; another gets what its own address says. */
    if ((next.named || !http_url_same_server(&c->url, &next)) && !authorize(c, next.user, next.password))
        return finish_status(c, HTTP_REFUSED, "redirected to no http address");
    c->url = next;
    c->state = TURNING;
    forget(&c->wsi);
    after_ms(c, 0);
    return -1;
}

static int answered(struct http_client *c, struct lws *wsi)
{
    char length[32], range[80], encoding[32], etag[HTTP_VALIDATOR_MAX + 2], modified[64];
    struct http_extent extent;
    const char *why;
    moved(c);
    c->status = (int)lws_http_client_http_response(wsi);
    bool moves = c->status == 307 || c->status == 308;
    if (moves || (c->method == HTTP_GET && (c->status >= 301 && c->status <= 303)))
        return turn(c, wsi);
    const struct http_answer a = {
        .status = c->status,
        .content_length = field(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length),
        .content_range = field(wsi, WSI_TOKEN_HTTP_CONTENT_RANGE, range, sizeof range),
        .transfer_encoding = field(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, encoding, sizeof encoding),
        .etag = field(wsi, WSI_TOKEN_HTTP_ETAG, etag, sizeof etag),
        .last_modified = field(wsi, WSI_TOKEN_HTTP_LAST_MODIFIED, modified, sizeof modified),
    };
    if (strcmp(modified, "?") == 0)
        modified[0] = '\0';
    enum http_end how = http_answer_read(&a, c->from, &extent, &why);
    if (how != HTTP_DONE)
        return finish_status(c, how, why);
    c->expected = extent.length;
    c->chunked = extent.chunked;
    c->received = 0;
    c->state = READING;
    if (c->up.head && !c->up.head(c->up.ctx, &extent.head))
        return c->wsi == wsi ? finish(c, HTTP_CANCELLED, "cancelled") : -1;
    if (c->wsi != wsi)
        return -1;
    return c->expected == 0 ? finish_status(c, HTTP_DONE, "") : 0;
}

/*
 * libwebsockets 5.0 wants to answer a demand for credentials by itself, with those that it was given. We give
 * it none, and it keeps the demand to itself: it has to be looked for. Only while WAITING: it has its table
 * of headers then.
 */
static bool unauthorized(struct lws *wsi)
{
    char line[80];
    return lws_hdr_copy(wsi, line, sizeof line, WSI_TOKEN_HTTP) > 0 && strncmp(line, "401", 3) == 0;
}

/* −1 and finished, if that is what has come. */
static int demanded(struct http_client *c, struct lws *wsi)
{
    if (c->state != WAITING || c->blocked || !unauthorized(wsi))
        return 0;
    c->status = 401;
    return finish_status(c, HTTP_REFUSED, "");
}

static int received(struct http_client *c, struct lws *wsi, const void *in, size_t len)
{
    moved(c);
    if (demanded(c, wsi))
        return -1;
    /* A chunk's length that overflows comes out of libwebsockets 4.1 as a negative number of bytes. */
    if (c->state != READING || len > PIECE_MAX ||
        (c->expected >= 0 && len > (uint64_t)c->expected - c->received))
        return finish(c, HTTP_LOST, "more came than was announced");
    c->received += len;
    if (len && c->up.body && !c->up.body(c->up.ctx, in, len))
        return c->wsi == wsi ? finish(c, HTTP_CANCELLED, "cancelled") : -1;
    if (c->wsi != wsi)
        return -1;
    if (c->expected >= 0 && c->received == (uint64_t)c->expected)
        return finish_status(c, HTTP_DONE, "");
    return 0;
}

static int completed(struct http_client *c, struct lws *wsi)
{
    if (demanded(c, wsi))
        return -1;
    /* Chunks that end without the last of them: libwebsockets 4.1 takes the end of the connection for theirs.
     * Then it has not read a byte in this round. */
    bool cut_off = c->chunked && c->read_at == (char *)c->piece + LWS_PRE;
    if (c->state != READING || cut_off || (c->expected >= 0 && c->received < (uint64_t)c->expected))
        return finish(c, HTTP_LOST, "the answer is incomplete");
    return finish_status(c, HTTP_DONE, "");
}

/* The connection is gone for good. */
static void gone(struct http_client *c, struct lws *wsi, const char *why)
{
    if (wsi == c->orphan) {
        c->orphan = NULL;
        return;
    }
    if (wsi != c->wsi)
        return;
    c->wsi = NULL;
    if (c->blocked) {
        c->state = GHOST; /* whatever ended it did so beyond the cut */
        return;
    }
    if (c->state == READING && c->expected < 0 && !c->chunked) /* the end is the only end that it has */
        (void)finish_status(c, HTTP_DONE, "");
    else
        (void)finish(c, HTTP_LOST, why && why[0] ? why : "connection lost");
}

static void ticked(lws_sorted_usec_list_t *sul)
{
    struct http_client *c = lws_container_of(sul, struct http_client, tick);
    lws_usec_t quiet = lws_now_usecs() - c->moved_us;
    switch (c->state) {
    case IDLE:
        return;
    case TURNING:
        open_connection(c);
        return;
    case NO_ROUTE:
        (void)finish(c, HTTP_LOST, "no route to host");
        return;
    default:
        break;
    }
    if (quiet >= c->idle_us) {
        (void)finish(c, HTTP_LOST, c->state == OPENING ? "no connection in time" : "no answer in time");
        return;
    }
    if (c->wsi && demanded(c, c->wsi))
        return;
    if (c->wsi && c->state != OPENING)
        lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
    if (c->state == SENDING && !c->blocked && quiet >= STALL_MS * LWS_US_PER_MS && answer_waits(c->wsi))
        stop_sending(c);
    after_ms(c, TICK_MS);
}

/* ---- libwebsockets ---- */

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    struct http_client *c = lws_get_opaque_user_data(wsi);
    bool ours = c && (c->wsi == wsi || c->orphan == wsi);
    bool present = c && c->wsi == wsi;

    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (present && demanded(c, wsi))
            return 0;
        if (ours)
            gone(c, wsi, in ? (const char *)in : "connecting failed");
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        if (!present || c->state != OPENING || c->handshake_sent)
            return -1;
        c->handshake_sent = true;
        moved(c);
        unsigned char **p = in;
        if (!append_header(c, wsi, p, *p + len))
            return -1;
        c->state = c->length ? SENDING : WAITING;
        if (c->length) {
            lws_client_http_body_pending(wsi, 1);
            lws_callback_on_writable(wsi);
        }
        return 0;
    }
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
        return -1; /* we follow by ourselves */
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return present ? answered(c, wsi) : -1;
    case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
        return present ? send_piece(c, wsi) : -1;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
        if (!present)
            return ours ? 0 : -1;
        c->read_at = (char *)c->piece + LWS_PRE;
        int n = PIECE_MAX;
        return lws_http_client_read(wsi, &c->read_at, &n) < 0 ? -1 : 0;
    }
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        return present ? received(c, wsi, in, len) : -1;
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        return present ? completed(c, wsi) : -1;
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY: /* whatever path it took, no request ends without its `done` */
        if (ours)
            gone(c, wsi, NULL);
        return 0;
    default:
        return 0;
    }
}

/* ---- making, and what is done to it ---- */

struct http_client *http_client_create(struct lws_context *context)
{
    struct http_client *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->context = context;
    c->vhost = lws_get_vhost_by_name(context, WS_CLIENT_VHOST);
    return c;
}

void http_client_reset(struct http_client *c)
{
    let_go(c);
    become_idle(c);
}

void http_client_destroy(struct http_client *c)
{
    if (!c)
        return;
    become_idle(c);
    forget(&c->wsi);
    forget(&c->orphan);
    free(c);
}

void http_client_http(struct http_client *c, struct http *out)
{
    *out = (struct http){.ctx = c, .start = start, .cancel = cancel};
}

void http_client_block(struct http_client *c, bool blocked)
{
    if (c->blocked == blocked)
        return;
    if (blocked) {
        if (c->state == OPENING) {
            forget(&c->wsi);
            c->state = NO_ROUTE;
            after_ms(c, BLOCKED_FAIL_MS);
        } else if (c->wsi) {
            lws_rx_flow_control(c->wsi, 0);
        }
        c->blocked = true;
        return;
    }
    c->blocked = false;
    forget(&c->orphan); /* the server now learns that nobody is there */
    if (c->state == GHOST) {
        (void)finish(c, HTTP_LOST, "connection lost");
    } else if (c->wsi) {
        lws_rx_flow_control(c->wsi, 1);
        if (c->state == SENDING)
            lws_callback_on_writable(c->wsi);
    }
}
