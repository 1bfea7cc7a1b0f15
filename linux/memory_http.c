#include "linux/memory_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "net/http_answer.h"
#include "net/http_url.h"

enum {
    PIECE_MAX = 2048,      /* as net/http_client */
    PIECE_US = 5000,       /* 400 kB/s */
    NO_ROUTE_US = 1000000, /* an attempt over a pulled cable fails after this, as in net/http_client */
    IDLE_S = 30,
    WHY_MAX = 200,
};

enum state { IDLE, NO_ROUTE, ASKING, READING, SENDING, STORED };

struct memory_http {
    struct hub *hub;
    uint64_t latency_us, now_us, due_us, moved_us, idle_us;
    int64_t unix_ms;
    bool cut, hub_gone;
    enum state state;
    struct http_up up;
    enum http_method method;
    struct http_url url;
    uint64_t from, length, moved;
    char validator[HTTP_VALIDATOR_MAX + 1];
    struct hub_file file;
    struct hub_upload *upload;
    bool breaking;
    uint64_t break_in; /* bytes */
};

static const char *const methods[] = {[HTTP_GET] = "GET", [HTTP_PUT] = "PUT", [HTTP_POST] = "POST"};

/* Both ends let go of what they hold. */
static void let_go(struct memory_http *m)
{
    char answer[WHY_MAX * 2];
    if (m->file.fd >= 0)
        close(m->file.fd);
    m->file.fd = -1;
    if (m->upload)
        (void)hub_upload_end(m->upload, false, answer, sizeof answer, m->unix_ms, m->now_us);
    m->upload = NULL;
    m->state = IDLE;
    m->hub_gone = false;
}

static void finish(struct memory_http *m, enum http_end how, const char *why)
{
    char text[WHY_MAX];
    (void)snprintf(text, sizeof text, "%s", why);
    let_go(m);
    m->up.done(m->up.ctx, how, text);
}

static void finish_status(struct memory_http *m, enum http_end how, int status)
{
    char text[HTTP_STATUS_TEXT_MAX];
    http_status_text(status, text);
    finish(m, how, text);
}

static bool start(void *ctx, const struct http_request *r, const struct http_up *up)
{
    struct memory_http *m = ctx;
    if (m->state != IDLE)
        return false;
    m->up = *up;
    m->method = r->method;
    m->from = r->method == HTTP_GET ? r->from : 0;
    m->length = r->method == HTTP_GET ? 0 : r->length;
    m->moved = 0;
    m->idle_us = (uint64_t)(r->idle_timeout_s ? r->idle_timeout_s : IDLE_S) * 1000000u;
    m->moved_us = m->now_us;
    (void)snprintf(m->validator, sizeof m->validator, "%s", r->validator ? r->validator : "");
    if (!http_url_parse(r->url, &m->url) || (m->length && !up->fill)) {
        finish(m, HTTP_BAD, "not an http:// or https:// address");
        return true;
    }
    m->state = m->cut ? NO_ROUTE : ASKING;
    m->due_us = m->now_us + (m->cut ? NO_ROUTE_US : 2 * m->latency_us);
    return true;
}

static void cancel(void *ctx)
{
    struct memory_http *m = ctx;
    if (m->state != IDLE)
        finish(m, HTTP_CANCELLED, "cancelled");
}

/* ---- the hub's side ---- */

static void answer_get(struct memory_http *m)
{
    char why[WHY_MAX];
    int status = hub_file_open(m->hub, m->url.at.path, &m->file, why, sizeof why);
    if (status != 200) {
        m->file.fd = -1;
        finish_status(m, HTTP_REFUSED, status ? status : 404);
        return;
    }
    if (m->validator[0] && strcmp(m->validator, m->file.etag) != 0)
        m->from = 0;
    if (m->from && m->from >= m->file.size) {
        finish_status(m, HTTP_REFUSED, 416);
        return;
    }
    m->state = READING;
    m->moved = m->from;
    const struct http_head head = {.status = m->from ? 206 : 200,
                                   .from = m->from,
                                   .total = (int64_t)m->file.size,
                                   .validator = m->file.etag};
    if (m->up.head && !m->up.head(m->up.ctx, &head) && m->state == READING)
        finish(m, HTTP_CANCELLED, "cancelled");
}

static void answer_put(struct memory_http *m)
{
    char why[WHY_MAX];
    int status = m->length ? hub_upload_begin(m->hub, methods[m->method], m->url.at.path, m->length,
                                              &m->upload, why, sizeof why, m->unix_ms, m->now_us)
                           : 404;
    if (status != 200)
        finish_status(m, HTTP_REFUSED, status ? status : 404);
    else
        m->state = SENDING;
}

/* ---- the wire ---- */

/* How many of n bytes still pass; the connection breaks when that is less. */
static size_t passes(struct memory_http *m, size_t n)
{
    if (!m->breaking)
        return n;
    size_t k = m->break_in < n ? (size_t)m->break_in : n;
    m->break_in -= k;
    return k;
}

static bool breaks(struct memory_http *m)
{
    if (!m->breaking || m->break_in)
        return false;
    m->breaking = false;
    finish(m, HTTP_LOST, "connection lost");
    return true;
}

static void read_piece(struct memory_http *m)
{
    char piece[PIECE_MAX];
    if (breaks(m))
        return;
    uint64_t left = m->file.size - m->moved;
    size_t want = passes(m, left < sizeof piece ? (size_t)left : sizeof piece);
    ssize_t n = pread(m->file.fd, piece, want, (off_t)m->moved);
    if (n < 0 || (size_t)n != want) {
        finish(m, HTTP_LOST, "connection lost");
        return;
    }
    m->moved += want;
    if (want && m->up.body && !m->up.body(m->up.ctx, piece, want)) {
        if (m->state == READING)
            finish(m, HTTP_CANCELLED, "cancelled");
        return;
    }
    if (m->state == READING && !breaks(m) && m->moved == m->file.size)
        finish_status(m, HTTP_DONE, m->from ? 206 : 200);
}

static void send_piece(struct memory_http *m)
{
    char piece[PIECE_MAX];
    if (breaks(m))
        return;
    uint64_t left = m->length - m->moved;
    size_t cap = left < sizeof piece ? (size_t)left : sizeof piece;
    size_t n = m->up.fill(m->up.ctx, piece, cap);
    if (m->state != SENDING)
        return;
    if (n == 0 || n > cap) {
        finish(m, HTTP_LOST, "the body ended early");
        return;
    }
    size_t pass = passes(m, n);
    m->moved += n;
    bool taken = hub_upload_data(m->upload, piece, pass);
    if (breaks(m))
        return;
    if (taken && m->moved < m->length)
        return;
    m->state = STORED;
    m->due_us = m->now_us + 2 * m->latency_us;
}

static void stored(struct memory_http *m)
{
    char answer[WHY_MAX * 4];
    struct hub_upload *u = m->upload;
    m->upload = NULL;
    int status = hub_upload_end(u, true, answer, sizeof answer, m->unix_ms, m->now_us);
    finish_status(m, status >= 200 && status < 300 ? HTTP_DONE : HTTP_REFUSED, status);
}

void memory_http_pump(struct memory_http *m, int64_t unix_ms, uint64_t now_us)
{
    m->unix_ms = unix_ms;
    m->now_us = now_us;
    if (m->state == IDLE)
        return;
    if (m->state == NO_ROUTE) {
        if (now_us >= m->due_us)
            finish(m, HTTP_LOST, "no route to host");
        return;
    }
    if (m->cut || m->hub_gone || now_us < m->due_us) {
        if (m->hub_gone && !m->cut)
            finish(m, HTTP_LOST, "connection lost");
        else if (now_us - m->moved_us >= m->idle_us)
            finish(m, HTTP_LOST, "no answer in time");
        return;
    }
    m->moved_us = now_us;
    m->due_us = now_us + PIECE_US;
    switch (m->state) {
    case ASKING:
        if (!m->hub || strcasecmp(m->url.at.host, MEMORY_HTTP_HOST) != 0)
            finish(m, HTTP_LOST, m->hub ? "no such host" : "connection refused");
        else if (m->method == HTTP_GET)
            answer_get(m);
        else
            answer_put(m);
        break;
    case READING:
        read_piece(m);
        break;
    case SENDING:
        send_piece(m);
        break;
    case STORED:
        stored(m);
        break;
    case IDLE:
    case NO_ROUTE:
        break;
    }
}

/* ---- making, and what is done to it ---- */

struct memory_http *memory_http_create(uint64_t latency_us)
{
    struct memory_http *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->latency_us = latency_us;
    m->file.fd = -1;
    return m;
}

void memory_http_destroy(struct memory_http *m)
{
    if (!m)
        return;
    let_go(m);
    free(m);
}

void memory_http_http(struct memory_http *m, struct http *out)
{
    *out = (struct http){.ctx = m, .start = start, .cancel = cancel};
}

void memory_http_hub(struct memory_http *m, struct hub *hub)
{
    if (m->hub && !hub && (m->state == READING || m->state == SENDING || m->state == STORED)) {
        enum state before = m->state;
        let_go(m);
        m->state = before; /* the station hears of it when its cable is there */
        m->hub_gone = true;
    }
    m->hub = hub;
}

void memory_http_cut(struct memory_http *m, bool cut)
{
    m->cut = cut;
    if (cut && m->state == ASKING) {
        m->state = NO_ROUTE;
        m->due_us = m->now_us + NO_ROUTE_US;
    }
}

void memory_http_reset(struct memory_http *m)
{
    let_go(m);
}

void memory_http_break(struct memory_http *m, uint64_t bytes)
{
    m->breaking = true;
    m->break_in = bytes;
}
