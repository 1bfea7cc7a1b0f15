/*
 * ws_client: one WebSocket client connection at a time over a shared libwebsockets context.
 *
 * Written against the calls that libwebsockets 4.1 (Debian 12) and 5.0 (the ESP32 component) have in common.
 * A wsi (libwebsockets' connection) is ours as long as its opaque pointer names the client and the client
 * names it back; a wsi that has been given up finds neither and dies without a word to the station.
 */
#include "net/ws_client.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_client.h"
#include "net/utf8.h"
#include "net/ws_url.h"

enum {
    OPEN_TIMEOUT_S = 30,    /* name, TCP, TLS and upgrade together; libwebsockets gives each of them 20 s */
    CLOSE_TIMEOUT_S = 2,    /* for the closing handshake; a peer that does not answer is dropped */
    BLOCKED_FAIL_MS = 1000, /* an attempt without a network fails after this, as "no route to host" does */
    AUTH_MAX = 400,         /* "Basic " and base64 of a user of 255 and a password of 40 characters */
    SUBPROTOCOLS_MAX = 127,
    WHY_MAX = 123, /* RFC 6455 5.5: a control frame carries 125 bytes, two of them the close code */
};

static const char vhost_name[] = WS_CLIENT_VHOST;

enum ws_state {
    WS_IDLE,
    WS_OPENING,
    WS_OPEN,
    WS_CLOSING, /* we have asked for the end; `closed` is owed */
    WS_GHOST,   /* the peer has gone while the network was cut: the station can't know yet */
    WS_NO_ROUTE /* opening while the network is cut: it will fail in a moment */
};

struct ws_client {
    struct lws_context *context;
    struct lws_vhost *vhost; /* NULL: the context's first */
    struct transport_up up;
    enum ws_state state;
    bool blocked, refused, ping_due, handshake_sent;
    struct lws *wsi; /* the present connection */
    struct lws
        *orphan; /* given up by the station while the network was cut: must stay silent until it is back */
    lws_sorted_usec_list_t deadline, ping;
    uint32_t ping_interval_s;
    struct ws_url url;
    char auth[AUTH_MAX];
    char subprotocols[SUBPROTOCOLS_MAX + 1], chosen[SUBPROTOCOLS_MAX + 1];
    char why[WHY_MAX + 1];
    void (*tap)(void *ctx, char dir, const char *text, size_t len);
    void *tap_ctx;
    size_t text_max, tx_len, rx_len;
    bool tx_full;
    unsigned char ping_frame[LWS_PRE + 4];
    unsigned char *tx; /* LWS_PRE + text_max; both buffers lie behind this structure */
    char *rx;          /* text_max + 1 */
};

/* No pings and no hang-up by libwebsockets: it would close silent connections by a rule of its own. Ours are
 * sent below, and station/link.c decides when silence has lasted too long (silence_timeout). */
static const lws_retry_bo_t no_policy = {.secs_since_valid_ping = 0, .secs_since_valid_hangup = 0};

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);

const struct lws_protocols ws_client_protocol = {vhost_name, callback, 0, 0, 0, NULL, 0};

bool ws_client_add_vhost(struct lws_context *context, const char *ca_file)
{
    struct lws_context_creation_info info;
    /* Downloads and uploads share it: a vhost holds the TLS library's settings and what it trusts. */
    const struct lws_protocols *protocols[] = {&ws_client_protocol, &http_client_protocol, NULL};
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = vhost_name;
    info.pprotocols = protocols; /* copied */
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.connect_timeout_secs = OPEN_TIMEOUT_S;
    if (ca_file) {
        FILE *f = fopen(ca_file, "r"); /* libwebsockets only logs that it can't read it */
        if (!f)
            return false;
        fclose(f);
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.client_ssl_ca_filepath = ca_file;
    }
    return lws_create_vhost(context, &info) != NULL;
}

static void timers_stop(struct ws_client *c)
{
    lws_sul_cancel(&c->deadline);
    lws_sul_cancel(&c->ping);
}

static void why_set(struct ws_client *c, const char *why, size_t len)
{
    size_t n = len < sizeof c->why - 1 ? len : sizeof c->why - 1;
    for (size_t i = 0; i < n; i++) /* a peer's text goes into logs: keep it to one printable line */
        c->why[i] = why[i] >= ' ' && why[i] != 0x7f ? why[i] : '.';
    c->why[n] = '\0';
}

static void become_idle(struct ws_client *c)
{
    c->state = WS_IDLE;
    timers_stop(c);
    c->tx_full = false;
    c->refused = false;
    c->ping_due = false;
    c->rx_len = 0;
}

/* Says `closed`, once. The client is idle and may be opened anew from inside the up-call. */
static void report_closed(struct ws_client *c, const char *why)
{
    if (c->state == WS_IDLE)
        return;
    become_idle(c);
    char text[sizeof c->why];
    (void)snprintf(text, sizeof text, "%s", why && why[0] ? why : "connection lost");
    c->up.closed(c->up.ctx, text);
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

/* The connection is given up while the network is cut: not a byte may leave, not even a FIN, so the socket is
 * kept as it is until the network is back. */
static void silence(struct ws_client *c)
{
    forget(&c->orphan);
    c->orphan = c->wsi;
    c->wsi = NULL;
    lws_rx_flow_control(c->orphan, 0);
}

static void deadline_passed(lws_sorted_usec_list_t *sul)
{
    struct ws_client *c = lws_container_of(sul, struct ws_client, deadline);
    switch (c->state) {
    case WS_OPENING:
        forget(&c->wsi);
        report_closed(c, "no answer");
        break;
    case WS_CLOSING:
        forget(&c->wsi);
        report_closed(c, c->why);
        break;
    case WS_NO_ROUTE:
        report_closed(c, "no route to host");
        break;
    default:
        break;
    }
}

static void ping_time(lws_sorted_usec_list_t *sul)
{
    struct ws_client *c = lws_container_of(sul, struct ws_client, ping);
    if (c->state == WS_OPEN && !c->blocked) {
        c->ping_due = true;
        lws_callback_on_writable(c->wsi);
    }
    lws_sul_schedule(c->context, 0, &c->ping, ping_time, (lws_usec_t)c->ping_interval_s * LWS_USEC_PER_SEC);
}

static bool basic_auth(struct ws_client *c, const char *user, const char *password)
{
    char plain[AUTH_MAX / 4 * 3];
    c->auth[0] = '\0';
    if (!user || !user[0] || !password || !password[0])
        return true;
    int n = snprintf(plain, sizeof plain, "%s:%s", user, password);
    if (n < 0 || (size_t)n >= sizeof plain)
        return false;
    memcpy(c->auth, "Basic ", 6);
    int coded = lws_b64_encode_string(plain, n, c->auth + 6, (int)sizeof c->auth - 6);
    memset(plain, 0, sizeof plain);
    return coded > 0;
}

static bool ws_open(void *ctx, const struct transport_target *target, const struct transport_up *up)
{
    struct ws_client *c = ctx;
    if (c->state != WS_IDLE || !ws_url_parse(target->url, &c->url) ||
        !basic_auth(c, target->user, target->password))
        return false;
    size_t names = target->subprotocols ? strlen(target->subprotocols) : 0;
    if (names > SUBPROTOCOLS_MAX)
        return false;
    memcpy(c->subprotocols, names ? target->subprotocols : "", names + 1);
    c->chosen[0] = '\0';
    c->why[0] = '\0';
    c->up = *up;
    c->ping_interval_s = target->ping_interval_s;
    c->handshake_sent = false;
    c->rx_len = 0;

    if (c->blocked) {
        c->state = WS_NO_ROUTE;
        lws_sul_schedule(c->context, 0, &c->deadline, deadline_passed, BLOCKED_FAIL_MS * LWS_US_PER_MS);
        return true;
    }

    struct lws_client_connect_info info;
    memset(&info, 0, sizeof info);
    info.context = c->context;
    info.vhost = c->vhost;
    info.address = c->url.host;
    info.port = c->url.port;
    info.path = c->url.path;
    info.host = c->url.authority;
    info.protocol = names ? c->subprotocols : NULL;
    info.local_protocol_name = vhost_name;
    /* Explicit: ws needs HTTP/1.1, and the mbedTLS side of libwebsockets 5.0 slips when it has to make its
     * own list. */
    info.alpn = "http/1.1";
    info.ssl_connection = c->url.tls ? LCCSCF_USE_SSL : 0;
    info.retry_and_idle_policy = &no_policy;
    info.opaque_user_data = c;
    info.pwsi = &c->wsi;
    c->state = WS_OPENING;
    lws_sul_schedule(c->context, 0, &c->deadline, deadline_passed, OPEN_TIMEOUT_S * LWS_USEC_PER_SEC);
    /* Failure may be told by a callback from inside this call, or by the result alone. */
    if (!lws_client_connect_via_info(&info) && c->state == WS_OPENING) {
        c->wsi = NULL;
        report_closed(c, "could not start connecting");
    }
    return true;
}

static bool ws_send(void *ctx, const char *text, size_t len)
{
    struct ws_client *c = ctx;
    if ((c->state != WS_OPEN && c->state != WS_GHOST) || len > c->text_max)
        return false;
    if (c->tx_full) {
        c->refused = true;
        return false;
    }
    memcpy(c->tx + LWS_PRE, text, len);
    c->tx_len = len;
    c->tx_full = true;
    if (c->state == WS_OPEN && !c->blocked)
        lws_callback_on_writable(c->wsi);
    return true;
}

static void ws_close(void *ctx, const char *why)
{
    struct ws_client *c = ctx;
    switch (c->state) {
    case WS_OPENING:
        forget(&c->wsi);
        report_closed(c, why);
        break;
    case WS_OPEN:
        if (c->blocked) {
            silence(c);
            report_closed(c, why);
            break;
        }
        why_set(c, why ? why : "", why ? strlen(why) : 0);
        c->state = WS_CLOSING;
        lws_sul_cancel(&c->ping);
        lws_sul_schedule(c->context, 0, &c->deadline, deadline_passed, CLOSE_TIMEOUT_S * LWS_USEC_PER_SEC);
        lws_callback_on_writable(c->wsi); /* what has been taken is sent first, then the close frame */
        break;
    case WS_GHOST:
    case WS_NO_ROUTE:
        report_closed(c, why);
        break;
    case WS_IDLE:
    case WS_CLOSING:
        break;
    }
}

/* What the peer sent can't be accepted: returns −1 for libwebsockets to send the close frame, and owes the
 * station a `closed` in bounded time even if the peer does not answer it. */
static int reject(struct ws_client *c, struct lws *wsi, enum lws_close_status code, const char *why)
{
    lws_close_reason(wsi, code, NULL, 0);
    why_set(c, why, strlen(why));
    c->state = WS_CLOSING;
    lws_sul_cancel(&c->ping);
    lws_sul_schedule(c->context, 0, &c->deadline, deadline_passed, CLOSE_TIMEOUT_S * LWS_USEC_PER_SEC);
    return -1;
}

static int receive(struct ws_client *c, struct lws *wsi, const char *in, size_t len)
{
    if (c->state == WS_CLOSING)
        return 0;
    c->up.heard(c->up.ctx);
    if (c->wsi != wsi || c->state != WS_OPEN)
        return 0;
    if (lws_frame_is_binary(wsi))
        return reject(c, wsi, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "binary frame received");
    if (len > c->text_max - c->rx_len)
        return reject(c, wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too long");
    if (len)
        memcpy(c->rx + c->rx_len, in, len);
    c->rx_len += len;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi))
        return 0;
    size_t whole = c->rx_len;
    c->rx_len = 0;
    c->rx[whole] = '\0';
    if (!utf8_valid(c->rx, whole))
        return reject(c, wsi, LWS_CLOSE_STATUS_INVALID_PAYLOAD, "text is not UTF-8");
    if (c->tap)
        c->tap(c->tap_ctx, '<', c->rx, whole);
    c->up.text(c->up.ctx, c->rx, whole);
    return 0;
}

static int writeable(struct ws_client *c, struct lws *wsi)
{
    if (c->blocked)
        return 0;
    if (c->ping_due) {
        c->ping_due = false;
        if (lws_write(wsi, c->ping_frame + LWS_PRE, 0, LWS_WRITE_PING) < 0)
            return -1;
        if (c->tx_full || c->state == WS_CLOSING)
            lws_callback_on_writable(wsi);
        return 0;
    }
    if (c->tx_full) {
        if (c->tap)
            c->tap(c->tap_ctx, '>', (const char *)c->tx + LWS_PRE, c->tx_len);
        /* Takes all or fails; what the socket does not take at once libwebsockets keeps. Masks our copy in
         * place. */
        if (lws_write(wsi, c->tx + LWS_PRE, c->tx_len, LWS_WRITE_TEXT) < (int)c->tx_len) {
            why_set(c, "write failed", 12);
            return -1;
        }
        c->tx_full = false;
        if (c->state == WS_CLOSING) {
            lws_callback_on_writable(wsi);
        } else if (c->refused) {
            c->refused = false;
            c->up.writable(c->up.ctx);
        }
        return 0;
    }
    if (c->state == WS_CLOSING) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, (unsigned char *)c->why, strlen(c->why));
        return -1;
    }
    return 0;
}

/* The connection is gone for good. */
static void gone(struct ws_client *c, struct lws *wsi, const char *why)
{
    if (wsi == c->orphan) {
        c->orphan = NULL;
        return;
    }
    if (wsi != c->wsi)
        return;
    c->wsi = NULL;
    if (c->blocked && c->state == WS_OPEN) {
        c->state = WS_GHOST; /* whatever ended it did so beyond the cut */
        return;
    }
    report_closed(c, why);
}

static void peer_closes(struct ws_client *c, const unsigned char *in, size_t len)
{
    char text[WHY_MAX + 32];
    if (c->state == WS_CLOSING)
        return;
    if (len < 2) {
        why_set(c, "closed by peer", 14);
        return;
    }
    int n = snprintf(text, sizeof text, "closed by peer: %u %.*s", (unsigned)in[0] << 8 | in[1],
                     (int)(len - 2), (const char *)in + 2);
    why_set(c, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        break;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    struct ws_client *c = lws_get_opaque_user_data(wsi);
    bool ours = c && (c->wsi == wsi || c->orphan == wsi);
    bool present = c && c->wsi == wsi;

    switch (reason) {
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (ours)
            gone(c, wsi, in ? (const char *)in : "connecting failed");
        return 0;
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        if (!present)
            return -1;
        if (c->handshake_sent) /* a second request means that someone else's address would get our password */
            return -1;
        c->handshake_sent = true;
        unsigned char **p = in, *end = *p + len;
        if (c->auth[0] &&
            lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, (unsigned char *)c->auth,
                                         (int)strlen(c->auth), p, end))
            return -1;
        return 0;
    }
    case LWS_CALLBACK_CLIENT_HTTP_REDIRECT:
        return -1; /* never followed: the answer would choose who gets our credentials */
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        if (!present)
            return -1;
        if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > 0 &&
            lws_hdr_copy(wsi, c->chosen, (int)sizeof c->chosen, WSI_TOKEN_PROTOCOL) < 0)
            return -1;
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (!present || c->state != WS_OPENING)
            return -1;
        c->state = WS_OPEN;
        lws_sul_cancel(&c->deadline);
        if (c->ping_interval_s)
            lws_sul_schedule(c->context, 0, &c->ping, ping_time,
                             (lws_usec_t)c->ping_interval_s * LWS_USEC_PER_SEC);
        c->up.opened(c->up.ctx, c->chosen);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return present ? receive(c, wsi, in, len) : 0;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        if (present && c->state == WS_OPEN)
            c->up.heard(c->up.ctx);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return present ? writeable(c, wsi) : 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (present)
            peer_closes(c, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY: /* whatever path it took, no connection ends without its `closed` */
        if (ours)
            gone(c, wsi, c->why);
        return 0;
    default:
        return 0;
    }
}

struct ws_client *ws_client_create(struct lws_context *context, size_t text_max)
{
    size_t tx = LWS_PRE + text_max;
    struct ws_client *c = calloc(1, sizeof *c + tx + text_max + 1);
    if (!c)
        return NULL;
    c->context = context;
    c->vhost = lws_get_vhost_by_name(context, vhost_name);
    c->text_max = text_max;
    c->tx = (unsigned char *)(c + 1);
    c->rx = (char *)c->tx + tx;
    return c;
}

void ws_client_destroy(struct ws_client *c)
{
    if (!c)
        return;
    timers_stop(c);
    forget(&c->wsi);
    forget(&c->orphan);
    free(c);
}

void ws_client_reset(struct ws_client *c)
{
    if (c->blocked && (c->state == WS_OPEN || c->state == WS_CLOSING))
        silence(c);
    else
        forget(&c->wsi);
    become_idle(c);
}

void ws_client_transport(struct ws_client *c, struct transport *out)
{
    *out = (struct transport){.ctx = c, .open = ws_open, .send = ws_send, .close = ws_close};
}

void ws_client_block(struct ws_client *c, bool blocked)
{
    if (c->blocked == blocked)
        return;
    c->blocked = blocked;
    if (blocked) {
        if (c->state == WS_OPENING) {
            forget(&c->wsi);
            c->state = WS_NO_ROUTE;
            lws_sul_schedule(c->context, 0, &c->deadline, deadline_passed, BLOCKED_FAIL_MS * LWS_US_PER_MS);
        } else if (c->state == WS_OPEN) {
            lws_rx_flow_control(c->wsi, 0);
        } else if (c->state == WS_CLOSING) {
            silence(c);
            report_closed(c, c->why);
        }
        return;
    }
    forget(&c->orphan); /* the peer now learns that nobody is there */
    if (c->state == WS_OPEN) {
        lws_rx_flow_control(c->wsi, 1);
        if (c->tx_full || c->ping_due)
            lws_callback_on_writable(c->wsi);
    } else if (c->state == WS_GHOST) {
        report_closed(c, "connection lost");
    }
}

void ws_client_tap(struct ws_client *c, void (*tap)(void *ctx, char dir, const char *text, size_t len),
                   void *ctx)
{
    c->tap = tap;
    c->tap_ctx = ctx;
}
