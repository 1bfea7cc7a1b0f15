/*
 * server: HTTP and WebSocket on one listening socket, one libwebsockets vhost per server.
 *
 * libwebsockets chooses the sub-protocol of an upgrade by comparing the offered names with the vhost's
 * protocols. What is acceptable here is decided per connection by a handler, so the vhost has one protocol
 * whose name is a buffer of ours: it is set to the chosen name before that comparison, and to "" before the
 * answer is written when no sub-protocol is to be named. All of an upgrade happens inside one call of
 * lws_service, so no two can mix.
 */
#include "web/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATH_MAX_LEN = 1024,
    QUERY_MAX_LEN = 2048,
    PROTOCOLS_MAX_LEN = 126,     /* libwebsockets 4.1 parses the offered list in a buffer of 128 bytes */
    QUEUE_MAX = 2 * 1024 * 1024, /* bytes waiting for a slow WebSocket peer before it is dropped */
    WRITE_CHUNK = 16 * 1024,
    HOST_MAX_LEN = 256,
    RANGE_MAX_LEN = 64,
    VALIDATOR_MAX_LEN = 160,
    CLOSE_WAIT_S = 5, /* for the queue to drain after web_ws_close */
    PING_IDLE_S = 20, /* WebSocket ping after this silence */
    HANG_UP_S = 40,   /* no answer to it: the peer is dead */
};

struct message {
    struct message *next;
    size_t len;
    unsigned char data[]; /* LWS_PRE bytes, then the text */
};

struct web_socket {
    struct web_server *server;
    struct lws *wsi;
    void *user;
    struct web_socket *prev, *next;
    struct message *first, *last;
    size_t queued;
    char *rx;
    size_t rx_len, rx_cap;
    bool closing, dropped;
    int close_code;
    char close_why[124]; /* RFC 6455 5.5: a control frame carries 125 bytes at most, 2 are the code */
};

struct web_exchange {
    struct web_server *server;
    struct lws *wsi;
    void *user;
    struct web_exchange *prev, *next;
    const char *method;
    char path[PATH_MAX_LEN], query[QUERY_MAX_LEN], host[HOST_MAX_LEN];
    char range[RANGE_MAX_LEN], if_range[VALIDATOR_MAX_LEN];
    char *body;
    size_t body_len, body_cap;
    struct web_sink sink;
    bool sinking; /* sink.end is owed */
    bool head_only, dispatched, replied, headers_sent;
    bool then_close; /* libwebsockets takes what follows for a body: the connection can't go on */
    int status;
    char content_type[96];
    unsigned char *out; /* LWS_PRE bytes, then the answer's body; NULL with a file */
    uint64_t out_len, out_sent;
    int fd; /* of a file; −1: none */
    uint64_t file_from;
    char etag[VALIDATOR_MAX_LEN], content_range[80], disposition[160];
};

/* libwebsockets' memory per connection */
struct session {
    struct web_exchange *x;
    struct web_socket *s;
};

struct web_server {
    struct web_handlers h;
    struct lws_vhost *vhost;
    bool loopback, cors;
    bool owner_gone, lws_gone;
    char name[40], address[INET6_ADDRSTRLEN];
    char chosen[PROTOCOLS_MAX_LEN + 2]; /* the protocol's name, see the top */
    bool chosen_none;
    char pending_path[PATH_MAX_LEN]; /* of the upgrade under way */
    struct lws_protocols protocols[2];
    struct web_exchange *exchanges;
    struct web_socket *sockets;
};

static const lws_retry_bo_t ws_validity = {
    .secs_since_valid_ping = PING_IDLE_S,
    .secs_since_valid_hangup = HANG_UP_S,
};

static void maybe_free(struct web_server *s)
{
    if (s->owner_gone && s->lws_gone)
        free(s);
}

/* ---- what the request's header says ---- */

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"},       {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_PUT_URI, "PUT"},
    {WSI_TOKEN_DELETE_URI, "DELETE"}, {WSI_TOKEN_HEAD_URI, "HEAD"}, {WSI_TOKEN_OPTIONS_URI, "OPTIONS"},
    {WSI_TOKEN_PATCH_URI, "PATCH"},
};

static bool copy_path(struct lws *wsi, char *path, size_t cap)
{
    char *uri = NULL;
    int len = 0;
    if (lws_http_get_uri_and_method(wsi, &uri, &len) < 0 || !uri || len <= 0 || (size_t)len >= cap)
        return false;
    if (uri[0] != '/' || memchr(uri, 0, (size_t)len))
        return false;
    memcpy(path, uri, (size_t)len);
    path[len] = 0;
    return true;
}

static bool copy_query(struct lws *wsi, char *query, size_t cap)
{
    size_t at = 0;
    query[0] = 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= (int)cap)
        return false;
    for (int n = 0;; n++) {
        char part[QUERY_MAX_LEN];
        int len = lws_hdr_copy_fragment(wsi, part, (int)sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, n);
        if (len == -1)
            return true; /* no such fragment */
        if (len < 0 || at + (size_t)len + 2 > cap)
            return false;
        if (at)
            query[at++] = '&';
        memcpy(query + at, part, (size_t)len);
        at += (size_t)len;
        query[at] = 0;
    }
}

/* "name:port" or "[address]:port" to the name, lower case, without brackets; false: malformed */
static bool host_name(const char *authority, char *name, size_t cap)
{
    size_t len;
    const char *from = authority;
    if (*from == '[') {
        const char *end = strchr(++from, ']');
        if (!end)
            return false;
        len = (size_t)(end - from);
    } else {
        len = strcspn(from, ":");
    }
    if (len == 0 || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++)
        name[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
    name[len] = 0;
    return true;
}

static bool is_loopback_name(const char *name)
{
    struct in_addr a; /* "127.evil.example" is not an address */
    return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 ||
           (inet_pton(AF_INET, name, &a) == 1 && ntohl(a.s_addr) >> 24 == 127);
}

/*
 * A page of another site, open in the browser of somebody on this machine or network, must not be able to
 * drive us. Loopback: the Host header must be a loopback name (else a foreign name was made to point here:
 * DNS rebinding). Anywhere: a browser names the page's site in Origin, which must be ours. Returns why not,
 * or NULL.
 */
static const char *foreign(const struct web_server *s, struct lws *wsi)
{
    char host[256], origin[256], name[256];
    int n = lws_hdr_copy(wsi, host, (int)sizeof(host), WSI_TOKEN_HOST);
    if (n <= 0)
        host[0] = 0;
    if (n < 0)
        return "the Host header is too long";
    if (s->loopback && (!host_name(host, name, sizeof(name)) || !is_loopback_name(name)))
        return "the Host header must be localhost or 127.0.0.1: this server is for this machine only";
    if (s->cors)
        return NULL;
    n = lws_hdr_copy(wsi, origin, (int)sizeof(origin), WSI_TOKEN_ORIGIN);
    if (n == 0)
        return NULL;
    const char *authority = n > 0 ? strstr(origin, "://") : NULL;
    if (!authority || strcasecmp(authority + 3, host) != 0)
        return "requests from pages of other sites are refused: open this server's own page";
    return NULL;
}

/* ---- answers ---- */

/* x NULL: an answer outside an exchange. */
static int write_headers(struct lws *wsi, int status, const char *type, uint64_t len, bool cors,
                         const struct web_exchange *x)
{
    bool preflight = cors && x && strcmp(x->method, "OPTIONS") == 0;
    unsigned char buf[LWS_PRE + 1024], *start = buf + LWS_PRE, *p = start, *end = buf + sizeof(buf) - 1;
    const struct {
        const char *name, *value;
    } extra[] = {
        {"cache-control:", "no-store"},
        {"x-content-type-options:", "nosniff"},
        {"connection:", x && x->then_close ? "close" : NULL},
        {"accept-ranges:", x && x->fd >= 0 ? "bytes" : NULL},
        {"etag:", x && x->etag[0] ? x->etag : NULL},
        {"content-range:", x && x->content_range[0] ? x->content_range : NULL},
        {"content-disposition:", x && x->disposition[0] ? x->disposition : NULL},
        {"access-control-allow-origin:", cors ? "*" : NULL},
        {"access-control-allow-methods:", preflight ? "GET, POST, PUT, DELETE" : NULL},
        {"access-control-allow-headers:", preflight ? "content-type" : NULL},
    };
    if (lws_add_http_header_status(wsi, (unsigned)status, &p, end) ||
        (type[0] && lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE,
                                                 (const unsigned char *)type, (int)strlen(type), &p, end)) ||
        lws_add_http_header_content_length(wsi, (lws_filepos_t)len, &p, end))
        return -1;
    for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
        if (extra[i].value && lws_add_http_header_by_name(wsi, (const unsigned char *)extra[i].name,
                                                          (const unsigned char *)extra[i].value,
                                                          (int)strlen(extra[i].value), &p, end))
            return -1;
    if (lws_finalize_http_header(wsi, &p, end))
        return -1;
    int n = (int)(p - start);
    return lws_write(wsi, start, (size_t)n, LWS_WRITE_HTTP_HEADERS) == n ? 0 : -1;
}

static size_t error_json(char *buf, size_t cap, const char *text)
{
    size_t at = (size_t)snprintf(buf, cap, "{\"error\":\"");
    for (const char *c = text; *c && at + 10 < cap; c++) {
        if (*c == '"' || *c == '\\') {
            buf[at++] = '\\';
            buf[at++] = *c;
        } else if ((unsigned char)*c < 0x20) {
            at += (size_t)snprintf(buf + at, cap - at, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            buf[at++] = *c;
        }
    }
    buf[at++] = '"';
    buf[at++] = '}';
    buf[at] = 0;
    return at;
}

/* Answers at once, outside an exchange; for what never reaches a handler. */
static int refuse(struct web_server *s, struct lws *wsi, int status, const char *why)
{
    char json[512];
    size_t len = error_json(json, sizeof(json), why);
    if (write_headers(wsi, status, "application/json", len, s->cors, NULL))
        return -1;
    unsigned char out[LWS_PRE + sizeof(json)];
    memcpy(out + LWS_PRE, json, len);
    return lws_write(wsi, out + LWS_PRE, len, LWS_WRITE_HTTP_FINAL) == (int)len ? 0 : -1;
}

void web_reply(struct web_exchange *x, int status, const char *content_type, const void *body, size_t len)
{
    if (x->replied)
        return;
    x->replied = true;
    x->status = status;
    snprintf(x->content_type, sizeof(x->content_type), "%s", content_type ? content_type : "");
    x->out = malloc(LWS_PRE + len + 1);
    if (x->out) {
        if (len)
            memcpy(x->out + LWS_PRE, body, len);
        x->out_len = len;
    } else {
        x->status = 500;
        x->content_type[0] = 0;
    }
    lws_callback_on_writable(x->wsi);
}

void web_reply_json(struct web_exchange *x, int status, const char *json)
{
    web_reply(x, status, "application/json", json, strlen(json));
}

void web_reply_error(struct web_exchange *x, int status, const char *fmt, ...)
{
    char text[512], json[1200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    size_t len = error_json(json, sizeof(json), text);
    web_reply(x, status, "application/json", json, len);
}

enum range { RANGE_NONE, RANGE_PART, RANGE_BEYOND };

/* One byte range (RFC 9110 14.1.2) of `size` bytes. What is no such range is as if it were not there. */
static enum range range_read(const char *text, uint64_t size, uint64_t *from, uint64_t *len)
{
    const char *s = text + 6;
    char *end;
    if (strncasecmp(text, "bytes=", 6) != 0)
        return RANGE_NONE;
    if (strspn(s, "0123456789-") != strlen(s) || !strchr(s, '-') || strchr(s, '-') != strrchr(s, '-'))
        return RANGE_NONE; /* several ranges too: all is the answer to that */
    errno = 0;
    if (*s == '-') { /* the last so many */
        unsigned long long n = strtoull(s + 1, &end, 10);
        if (end == s + 1 || errno)
            return RANGE_NONE;
        if (n == 0 || size == 0)
            return RANGE_BEYOND;
        *len = n < size ? n : size;
        *from = size - *len;
        return RANGE_PART;
    }
    unsigned long long first = strtoull(s, &end, 10), last = size ? size - 1 : 0;
    const char *rest = end + 1;
    if (errno)
        return RANGE_NONE;
    if (*rest) {
        unsigned long long n = strtoull(rest, &end, 10);
        if (errno || n < first)
            return RANGE_NONE;
        if (n < last)
            last = n;
    }
    if (first >= size)
        return RANGE_BEYOND;
    *from = first;
    *len = last - first + 1;
    return RANGE_PART;
}

void web_reply_file(struct web_exchange *x, const struct web_file *file)
{
    if (x->replied) {
        close(file->fd);
        return;
    }
    x->replied = true;
    x->status = 200;
    x->fd = file->fd;
    x->out_len = file->size;
    snprintf(x->content_type, sizeof(x->content_type), "%s", file->content_type ? file->content_type : "");
    snprintf(x->etag, sizeof(x->etag), "%s", file->etag ? file->etag : "");
    if (file->name)
        snprintf(x->disposition, sizeof(x->disposition), "attachment; filename=\"%s\"", file->name);
    uint64_t from, len;
    bool same = !x->if_range[0] || (x->etag[0] && strcmp(x->if_range, x->etag) == 0);
    switch (x->range[0] && same ? range_read(x->range, file->size, &from, &len) : RANGE_NONE) {
    case RANGE_NONE:
        break;
    case RANGE_PART:
        x->status = 206;
        x->file_from = from;
        x->out_len = len;
        snprintf(x->content_range, sizeof(x->content_range), "bytes %llu-%llu/%llu", (unsigned long long)from,
                 (unsigned long long)(from + len - 1), (unsigned long long)file->size);
        break;
    case RANGE_BEYOND:
        x->status = 416;
        x->out_len = 0;
        snprintf(x->content_range, sizeof(x->content_range), "bytes */%llu", (unsigned long long)file->size);
        break;
    }
    lws_callback_on_writable(x->wsi);
}

void web_exchange_set_user(struct web_exchange *x, void *user)
{
    x->user = user;
}

void *web_exchange_user(const struct web_exchange *x)
{
    return x->user;
}

/* ---- an HTTP request's life ---- */

static void exchange_free(struct web_exchange *x)
{
    struct web_server *s = x->server;
    if (x->prev)
        x->prev->next = x->next;
    else
        s->exchanges = x->next;
    if (x->next)
        x->next->prev = x->prev;
    if (x->fd >= 0)
        close(x->fd);
    free(x->body);
    free(x->out);
    free(x);
}

static void sink_end(struct web_exchange *x, bool whole)
{
    if (!x->sinking)
        return;
    x->sinking = false;
    x->sink.end(x->sink.ctx, whole);
}

static void exchange_gone(struct session *ses)
{
    struct web_exchange *x = ses->x;
    if (!x)
        return;
    ses->x = NULL;
    struct web_server *s = x->server;
    sink_end(x, false);
    if (x->dispatched && !x->replied && !s->owner_gone && s->h.aborted)
        s->h.aborted(s->h.ctx, x);
    exchange_free(x);
}

static struct web_request request_of(const struct web_exchange *x)
{
    return (struct web_request){
        .method = x->method,
        .path = x->path,
        .query = x->query,
        .host = x->host,
        .body = x->body ? x->body : "",
        .body_len = x->body_len,
    };
}

static void dispatch(struct web_exchange *x)
{
    struct web_server *s = x->server;
    x->dispatched = true;
    lws_set_timeout(x->wsi, NO_PENDING_TIMEOUT, 0); /* the answer may take its time */
    const struct web_request r = request_of(x);
    s->h.request(s->h.ctx, x, &r);
}

/* A header's value; one that is too long is as if it were not there. */
static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t cap)
{
    if (lws_hdr_copy(wsi, out, (int)cap, token) <= 0)
        out[0] = 0;
}

/* Non-zero: close the connection. */
static int http_begin(struct web_server *s, struct lws *wsi, struct session *ses)
{
    if (!ses || s->owner_gone)
        return -1;
    exchange_gone(ses); /* can't be: libwebsockets starts the next one after the end of the last */

    const char *method = NULL;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (lws_hdr_total_length(wsi, methods[i].token))
            method = methods[i].name;

    char length[24];
    int n = lws_hdr_copy(wsi, length, (int)sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH);
    uint64_t body = 0;
    const char *bad = NULL;
    int status = 400;
    bool then_close = false;
    if (n < 0 || (n > 0 && strspn(length, "0123456789") != strlen(length))) {
        bad = "Content-Length is not a number";
    } else if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
        status = 411;
        bad = "send the body with Content-Length, chunked bodies are not taken";
    } else if (n > 0) {
        errno = 0;
        body = strtoull(length, NULL, 10);
        if (errno || body > INT64_MAX || (body > WEB_BODY_MAX && !s->h.body)) {
            status = 413;
            bad = "the body is longer than 1 MiB";
        }
    } else { /* no length, no body (RFC 9112 6.3, 7.); libwebsockets waits for one with these methods */
        then_close = method && (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                                strcmp(method, "PATCH") == 0);
    }
    const char *why = foreign(s, wsi);
    if (why) {
        status = 403;
        bad = why;
    }
    if (bad || !method) {
        refuse(s, wsi, method ? status : 405, bad ? bad : "unknown method");
        return -1; /* the body, if any, is not wanted */
    }

    struct web_exchange *x = calloc(1, sizeof(*x));
    if (!x)
        return -1;
    x->server = s;
    x->wsi = wsi;
    x->fd = -1;
    x->method = method;
    x->then_close = then_close;
    x->next = s->exchanges;
    if (x->next)
        x->next->prev = x;
    s->exchanges = x;
    ses->x = x;
    if (strcmp(method, "HEAD") == 0) {
        x->head_only = true;
        x->method = "GET";
    }
    if (!copy_path(wsi, x->path, sizeof(x->path)) || !copy_query(wsi, x->query, sizeof(x->query))) {
        refuse(s, wsi, 414, "the path or the query is too long or not text");
        return -1;
    }
    copy_header(wsi, WSI_TOKEN_HOST, x->host, sizeof(x->host));
    copy_header(wsi, WSI_TOKEN_HTTP_RANGE, x->range, sizeof(x->range));
    copy_header(wsi, WSI_TOKEN_HTTP_IF_RANGE, x->if_range, sizeof(x->if_range));
    if (body) {
        const struct web_request r = request_of(x);
        switch (s->h.body ? s->h.body(s->h.ctx, x, &r, body, &x->sink) : WEB_IN_MEMORY) {
        case WEB_IN_MEMORY:
            break;
        case WEB_IN_PIECES:
            x->sinking = true;
            return 0; /* HTTP_BODY follows */
        case WEB_ANSWERED:
            x->dispatched = true;
            return 0;
        }
        if (body > WEB_BODY_MAX) {
            refuse(s, wsi, 413, "the body is longer than 1 MiB");
            return -1;
        }
        x->body_cap = (size_t)body;
        x->body = malloc((size_t)body + 1);
        if (!x->body)
            return -1;
        x->body[0] = 0;
        return 0; /* HTTP_BODY follows */
    }
    if (strcmp(method, "OPTIONS") == 0) {
        web_reply(x, s->cors ? 204 : 405, NULL, "", 0);
        return 0;
    }
    dispatch(x);
    return 0;
}

static int http_body(struct session *ses, const void *in, size_t len)
{
    struct web_exchange *x = ses ? ses->x : NULL;
    if (!x || x->dispatched || len == 0)
        return 0;
    if (x->sinking) {
        if (x->sink.data(x->sink.ctx, in, len))
            return 0;
        if (!x->replied)
            web_reply_error(x, 500, "what was sent could not be taken");
        sink_end(x, false);
        x->dispatched = true;
        return 0;
    }
    if (x->body_len + len > x->body_cap)
        return -1;
    memcpy(x->body + x->body_len, in, len);
    x->body_len += len;
    x->body[x->body_len] = 0;
    return 0;
}

static int http_write(struct lws *wsi, struct session *ses)
{
    struct web_exchange *x = ses ? ses->x : NULL;
    if (!x || !x->replied)
        return 0;
    struct web_server *s = x->server;
    if (!x->headers_sent) {
        x->headers_sent = true;
        if (write_headers(wsi, x->status, x->content_type, x->out_len, s->cors, x))
            return -1;
        if (x->head_only)
            x->out_sent = x->out_len;
        if (x->out_sent < x->out_len) {
            lws_callback_on_writable(wsi);
            return 0;
        }
    }
    if (x->out_sent < x->out_len) {
        bool last = x->out_len - x->out_sent <= WRITE_CHUNK;
        size_t n = last ? (size_t)(x->out_len - x->out_sent) : WRITE_CHUNK;
        unsigned char chunk[LWS_PRE + WRITE_CHUNK], *from = chunk + LWS_PRE;
        if (x->fd >= 0) {
            if (pread(x->fd, from, n, (off_t)(x->file_from + x->out_sent)) != (ssize_t)n)
                return -1; /* it has become shorter: all that can be told is that this is not the whole */
        } else {
            /* libwebsockets may use the LWS_PRE bytes before what it is given; what is there was sent already
             */
            from = x->out + LWS_PRE + x->out_sent;
        }
        if (lws_write(wsi, from, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)n)
            return -1;
        x->out_sent += n;
        if (!last) {
            lws_callback_on_writable(wsi);
            return 0;
        }
    }
    bool then_close = x->then_close;
    ses->x = NULL;
    exchange_free(x);
    return then_close || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* ---- a WebSocket's life ---- */

/* 0: go on; > 0: refused with an answer; < 0: hang up */
static int ws_confirm(struct web_server *s, struct lws *wsi)
{
    char upgrade[32], user_pass[256] = "", basic[384];
    if (lws_hdr_copy(wsi, upgrade, (int)sizeof(upgrade), WSI_TOKEN_UPGRADE) <= 0 || s->owner_gone)
        return -1; /* libwebsockets has answered an unknown upgrade itself and dropped the header */
    if (strcasecmp(upgrade, "websocket") != 0)
        return refuse(s, wsi, 400, "this server speaks HTTP/1.1 and WebSocket only") ? -1 : 1;
    const char *why = foreign(s, wsi);
    if (why)
        return refuse(s, wsi, 403, why) ? -1 : 1;
    char offered[PROTOCOLS_MAX_LEN + 1];
    if (lws_hdr_copy(wsi, offered, (int)sizeof(offered), WSI_TOKEN_PROTOCOL) < 0)
        return refuse(s, wsi, 400, "the list of sub-protocols is too long") ? -1 : 1;
    if (!copy_path(wsi, s->pending_path, sizeof(s->pending_path)))
        return refuse(s, wsi, 414, "the path is too long or not text") ? -1 : 1;

    char host[HOST_MAX_LEN];
    copy_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
    struct web_ws_offer offer = {.path = s->pending_path, .host = host, .subprotocols = offered};
    if (lws_hdr_copy(wsi, basic, (int)sizeof(basic), WSI_TOKEN_HTTP_AUTHORIZATION) > 0 &&
        strncasecmp(basic, "basic ", 6) == 0) {
        int n = lws_b64_decode_string(basic + 6, user_pass, (int)sizeof(user_pass) - 1);
        if (n > 0) {
            user_pass[n] = 0;
            char *colon = strchr(user_pass, ':');
            if (colon) {
                *colon = 0;
                offer.user = user_pass;
                offer.password = colon + 1;
            }
        }
    }
    char chosen[PROTOCOLS_MAX_LEN + 1] = "";
    int status = s->h.ws_accept ? s->h.ws_accept(s->h.ctx, &offer, chosen, sizeof(chosen)) : 404;
    memset(user_pass, 0, sizeof(user_pass));
    if (status)
        return refuse(s, wsi, status, status == 404 ? "nothing at this path takes a WebSocket" : "refused")
                   ? -1
                   : 1;

    s->chosen_none = chosen[0] == 0;
    if (s->chosen_none && offered[0]) { /* any offered name lets libwebsockets go on; it is not answered */
        size_t from = strspn(offered, " ,"), len = strcspn(offered + from, " ,");
        memcpy(chosen, offered + from, len);
        chosen[len] = 0;
    }
    snprintf(s->chosen, sizeof(s->chosen), "%s", chosen);
    return 0;
}

static int ws_begin(struct web_server *s, struct lws *wsi, struct session *ses)
{
    struct web_socket *k = ses && !s->owner_gone ? calloc(1, sizeof(*k)) : NULL;
    if (!k)
        return -1;
    ses->x = NULL;
    ses->s = k;
    k->server = s;
    k->wsi = wsi;
    k->next = s->sockets;
    if (k->next)
        k->next->prev = k;
    s->sockets = k;
    char path[PATH_MAX_LEN];
    memcpy(path, s->pending_path, sizeof(path));
    if (s->h.ws_open)
        s->h.ws_open(s->h.ctx, k, path);
    return 0;
}

static void socket_gone(struct session *ses)
{
    struct web_socket *k = ses->s;
    if (!k)
        return;
    ses->s = NULL;
    struct web_server *s = k->server;
    if (!s->owner_gone && s->h.ws_closed)
        s->h.ws_closed(s->h.ctx, k);
    if (k->prev)
        k->prev->next = k->next;
    else
        s->sockets = k->next;
    if (k->next)
        k->next->prev = k->prev;
    while (k->first) {
        struct message *m = k->first;
        k->first = m->next;
        free(m);
    }
    free(k->rx);
    free(k);
}

static int ws_receive(struct lws *wsi, struct session *ses, const void *in, size_t len)
{
    struct web_socket *k = ses ? ses->s : NULL;
    if (!k)
        return -1;
    if (k->closing)
        return 0;
    if (lws_frame_is_binary(wsi)) {
        web_ws_close(k, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "text frames only");
        return 0;
    }
    if (k->rx_len + len > WEB_WS_TEXT_MAX) {
        web_ws_close(k, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too long");
        return 0;
    }
    if (k->rx_len + len + 1 > k->rx_cap) {
        size_t cap = k->rx_cap ? k->rx_cap : 2048;
        while (cap < k->rx_len + len + 1)
            cap *= 2;
        char *grown = realloc(k->rx, cap);
        if (!grown)
            return -1;
        k->rx = grown;
        k->rx_cap = cap;
    }
    if (len)
        memcpy(k->rx + k->rx_len, in, len);
    k->rx_len += len;
    if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
        k->rx[k->rx_len] = 0;
        size_t whole = k->rx_len;
        k->rx_len = 0;
        lws_validity_confirmed(wsi); /* a peer that talks is alive */
        if (!k->server->owner_gone && k->server->h.ws_text)
            k->server->h.ws_text(k->server->h.ctx, k, k->rx, whole);
    }
    return 0;
}

static int ws_write(struct lws *wsi, struct session *ses)
{
    struct web_socket *k = ses ? ses->s : NULL;
    if (!k)
        return -1;
    struct message *m = k->first;
    if (m) {
        k->first = m->next;
        if (!k->first)
            k->last = NULL;
        k->queued -= m->len;
        int n = lws_write(wsi, m->data + LWS_PRE, m->len, LWS_WRITE_TEXT);
        bool ok = n >= (int)m->len;
        free(m);
        if (!ok)
            return -1;
        if (k->first || k->closing)
            lws_callback_on_writable(wsi);
        return 0;
    }
    if (k->closing) {
        lws_close_reason(wsi, (enum lws_close_status)k->close_code, (unsigned char *)k->close_why,
                         strlen(k->close_why));
        return -1;
    }
    return 0;
}

bool web_ws_send(struct web_socket *k, const char *text, size_t len)
{
    if (k->closing || k->dropped)
        return false;
    struct message *m = k->queued + len > QUEUE_MAX ? NULL : malloc(sizeof(*m) + LWS_PRE + len);
    if (!m) {
        k->dropped = true;
        lws_set_timeout(k->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
        return false;
    }
    m->next = NULL;
    m->len = len;
    memcpy(m->data + LWS_PRE, text, len);
    if (k->last)
        k->last->next = m;
    else
        k->first = m;
    k->last = m;
    k->queued += len;
    lws_callback_on_writable(k->wsi);
    return true;
}

size_t web_ws_queued(const struct web_socket *k)
{
    return k->queued;
}

void web_ws_close(struct web_socket *k, int code, const char *why)
{
    if (k->closing)
        return;
    k->closing = true;
    k->close_code = code;
    snprintf(k->close_why, sizeof(k->close_why), "%s", why ? why : "");
    lws_set_timeout(k->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_WAIT_S);
    lws_callback_on_writable(k->wsi);
}

void web_ws_set_user(struct web_socket *k, void *user)
{
    k->user = user;
}

void *web_ws_user(const struct web_socket *k)
{
    return k->user;
}

/* ---- libwebsockets ---- */

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct session *ses = user;
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    struct web_server *s = protocol ? protocol->user : NULL;
    if (!s)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return http_begin(s, wsi, ses);
    case LWS_CALLBACK_HTTP_BODY:
        return http_body(ses, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (ses && ses->x && !ses->x->dispatched && !s->owner_gone) {
            struct web_exchange *x = ses->x;
            if (x->sinking) {
                x->dispatched = true;
                lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
                sink_end(x, true);
            } else {
                dispatch(x);
            }
        }
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_write(wsi, ses);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return ws_confirm(s, wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        if (s->chosen_none)
            s->chosen[0] = 0;
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
        return ws_begin(s, wsi, ses);
    case LWS_CALLBACK_RECEIVE:
        return ws_receive(wsi, ses, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return ws_write(wsi, ses);
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_ADOPT:
        return -1; /* the CONNECT method ends here */
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        if (ses) {
            exchange_gone(ses);
            socket_gone(ses);
        }
        return 0;
    default:
        return 0;
    }
}

static void vhost_gone(struct lws_vhost *vhost, void *arg)
{
    (void)vhost;
    struct web_server *s = arg;
    s->lws_gone = true;
    maybe_free(s);
}

/* Binds a throw-away socket first: libwebsockets says only "no" and would wait for a missing address to
 * appear. */
static bool can_bind(const struct addrinfo *ai, char *err, size_t cap, const char *host, int port)
{
    int fd = socket(ai->ai_family, SOCK_STREAM, 0), on = 1;
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
              bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 1) == 0;
    if (!ok)
        snprintf(err, cap, "can't listen on %s port %d: %s", host ? host : "any address", port,
                 strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

struct web_server *web_server_open(struct lws_context *context, const struct web_server_cfg *cfg,
                                   const struct web_handlers *h, char *err, size_t cap)
{
    char port_text[8];
    if (cfg->port < 0 || cfg->port > 65535) {
        snprintf(err, cap, "port %d is not in 0..65535", cfg->port);
        return NULL;
    }
    snprintf(port_text, sizeof(port_text), "%d", cfg->port);
    const struct addrinfo hints = {
        .ai_family = cfg->host ? AF_UNSPEC : AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list = NULL;
    int e = getaddrinfo(cfg->host, port_text, &hints, &list);
    if (e) {
        snprintf(err, cap, "can't resolve %s: %s", cfg->host ? cfg->host : "any address", gai_strerror(e));
        return NULL;
    }
    const struct addrinfo *ai = list; /* IPv4 first where both are there: what other programs try first */
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        if (a->ai_family == AF_INET) {
            ai = a;
            break;
        }
    struct web_server *s = NULL;
    if (!can_bind(ai, err, cap, cfg->host, cfg->port))
        goto out;
    s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(err, cap, "out of memory");
        goto out;
    }
    s->h = *h;
    s->cors = cfg->cors;
    if (ai->ai_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)ai->ai_addr;
        s->loopback = (ntohl(in->sin_addr.s_addr) >> 24) == 127;
    } else {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)ai->ai_addr;
        s->loopback = IN6_IS_ADDR_LOOPBACK(&in->sin6_addr);
    }
    getnameinfo(ai->ai_addr, ai->ai_addrlen, s->address, sizeof(s->address), NULL, 0, NI_NUMERICHOST);
    snprintf(s->name, sizeof(s->name), "web-%p", (void *)s);
    s->protocols[0] = (struct lws_protocols){
        .name = s->chosen,
        .callback = on_lws,
        .per_session_data_size = sizeof(struct session),
        .rx_buffer_size = 16 * 1024,
        .user = s,
    };
    const struct lws_context_creation_info info = {
        .port = cfg->port,
        .iface = cfg->host ? s->address : NULL,
        .vhost_name = s->name,
        .protocols = s->protocols,
        .options = ai->ai_family == AF_INET ? (uint64_t)LWS_SERVER_OPTION_DISABLE_IPV6 : 0,
        .retry_and_idle_policy = &ws_validity,
        .keepalive_timeout = 30,
        .finalize = vhost_gone,
        .finalize_arg = s,
    };
    s->vhost = lws_create_vhost(context, &info);
    if (!s->vhost || web_server_port(s) <= 0) {
        snprintf(err, cap, "libwebsockets can't listen on %s port %d", cfg->host ? cfg->host : "any address",
                 cfg->port);
        if (s->vhost) {
            web_server_close(s);
        } else {
            s->owner_gone = true;
            maybe_free(s); /* libwebsockets has already said good-bye, or will */
        }
        s = NULL;
    }
out:
    freeaddrinfo(list);
    return s;
}

int web_server_port(const struct web_server *s)
{
    return lws_get_vhost_listen_port(s->vhost);
}

void web_server_close(struct web_server *s)
{
    if (!s)
        return;
    for (struct web_exchange *x = s->exchanges; x; x = x->next)
        sink_end(x, false);
    s->owner_gone = true;
    if (s->lws_gone) { /* the context went first */
        free(s);
        return;
    }
    lws_vhost_destroy(s->vhost); /* vhost_gone frees */
}

struct lws_context *web_context_create(void)
{
    lws_set_log_level(LLL_ERR, NULL);
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_VALIDATE_UTF8,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = 16 * 1024,
    };
    return lws_create_context(&info);
}
