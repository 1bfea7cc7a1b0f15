#include "linux/memory_net.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/memory_http.h"

enum {
    NO_ROUTE_US = 1000000, /* as net/ws_client: an attempt over a pulled cable fails after this */
    QUEUE_MAX = 1000,      /* messages on their way to one side of a connection; more is a runaway peer */
    ID_CAP = 64,
};

enum packet_kind { PACKET_OPEN, PACKET_ACCEPT, PACKET_TEXT, PACKET_PING, PACKET_PONG, PACKET_CLOSE };

struct packet {
    struct packet *next;
    uint64_t due_us;
    enum packet_kind kind;
    bool held; /* it has not left its sender: the cable was cut when it was sent */
    size_t len;
    char text[]; /* NUL-terminated */
};

struct queue {
    struct packet *first, **last;
    unsigned n;
};

struct wire;
struct line { /* one connection, from its first packet until both sides have let go of it */
    struct line *next;
    struct memory_net *net;
    struct wire *cable;    /* whose cable it runs through */
    bool station_side;     /* the station still holds its end */
    bool hub_closing;      /* the hub asked for the end */
    struct hub_peer *peer; /* the hub's end */
    char id[ID_CAP];
    struct queue up, down;
};

struct wire { /* the station's end of the network */
    struct memory_net *net;
    struct memory_http *http;
    struct sim_station *station;
    struct transport_up to;
    struct line *line; /* NULL: none */
    bool cut, opened, busy, refused, closed_owed;
    uint64_t no_route_us; /* when the attempt under way fails; 0: none */
    uint64_t ping_us, ping_interval_us;
    char why[128];
};

struct memory_net {
    struct hub *hub;
    struct wire *wire;
    int wires;
    struct line *lines;
    uint64_t now_us, latency_us;
    int64_t epoch_ms;
};

int64_t memory_net_unix_ms(const struct memory_net *n)
{
    return n->epoch_ms + (int64_t)(n->now_us / 1000);
}

/* ---- packets ---- */

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->last = &q->first;
    q->n = 0;
}

static struct packet *put(struct memory_net *n, struct queue *q, enum packet_kind kind, const char *text,
                          size_t len)
{
    struct packet *p = q->n < QUEUE_MAX ? malloc(sizeof *p + len + 1) : NULL;
    if (!p)
        return NULL;
    p->next = NULL;
    p->due_us = n->now_us + n->latency_us;
    p->kind = kind;
    p->held = false;
    p->len = len;
    if (len)
        memcpy(p->text, text, len);
    p->text[len] = '\0';
    *q->last = p;
    q->last = &p->next;
    q->n++;
    return p;
}

static struct packet *take(struct queue *q, uint64_t now_us)
{
    struct packet *p = q->first;
    if (!p || p->due_us > now_us)
        return NULL;
    q->first = p->next;
    if (!q->first)
        q->last = &q->first;
    q->n--;
    return p;
}

/* The sender has died or given up: what is still in its socket's buffer is lost. */
static void drop_held(struct queue *q)
{
    for (struct packet **at = &q->first; *at;) {
        struct packet *p = *at;
        if (p->held) {
            *at = p->next;
            q->n--;
            free(p);
        } else {
            at = &p->next;
        }
    }
    q->last = &q->first;
    while (*q->last)
        q->last = &(*q->last)->next;
}

static void drop_all(struct queue *q)
{
    for (struct packet *p; (p = take(q, UINT64_MAX));)
        free(p);
}

/* ---- the station's end: struct transport and the verbs network and power ---- */

/* Last segment of the address, percent-decoded: the identity. */
static bool identity(const char *url, char *out, size_t cap)
{
    const char *slash = strrchr(url, '/');
    size_t n = 0;
    if (!slash)
        return false;
    for (const char *p = slash + 1; *p; p++) {
        char c = *p;
        if (c == '%') {
            if (!isxdigit((unsigned char)p[1]) || !isxdigit((unsigned char)p[2]))
                return false;
            const char hex[] = {p[1], p[2], '\0'};
            c = (char)strtol(hex, NULL, 16);
            p += 2;
        }
        if (n + 1 >= cap)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

static bool wire_open(void *ctx, const struct transport_target *target, const struct transport_up *up)
{
    struct wire *w = ctx;
    char id[ID_CAP];
    if (w->line || w->closed_owed || w->no_route_us || !identity(target->url, id, sizeof id))
        return false;
    w->to = *up;
    w->opened = false;
    w->ping_interval_us = (uint64_t)target->ping_interval_s * 1000000u;
    if (w->cut) {
        w->no_route_us = w->net->now_us + NO_ROUTE_US;
        return true;
    }
    struct line *l = calloc(1, sizeof *l);
    if (!l)
        return false;
    l->net = w->net;
    l->cable = w;
    l->station_side = true;
    memcpy(l->id, id, sizeof id);
    queue_init(&l->up);
    queue_init(&l->down);
    if (!put(w->net, &l->up, PACKET_OPEN, NULL, 0)) {
        free(l);
        return false;
    }
    /* At the end, so that what happens at one instant happens in the order in which it was begun. */
    struct line **at = &w->net->lines;
    while (*at)
        at = &(*at)->next;
    *at = l;
    w->line = l;
    return true;
}

static bool wire_send(void *ctx, const char *text, size_t len)
{
    struct wire *w = ctx;
    if (!w->line || !w->opened || len > OCPP_TEXT_MAX)
        return false;
    if (w->busy) {
        w->refused = true;
        return false;
    }
    struct packet *p = put(w->net, &w->line->up, PACKET_TEXT, text, len);
    if (!p)
        return false;
    p->held = w->cut; /* logged when it leaves */
    if (!p->held)
        sim_station_tap(w->station, '>', text, len);
    w->busy = true;
    return true;
}

static void let_go(struct wire *w)
{
    if (!w->line)
        return;
    w->line->station_side = false;
    drop_all(&w->line->down);
    drop_held(&w->line->up);
    (void)put(w->net, &w->line->up, PACKET_CLOSE, NULL, 0);
    w->line = NULL;
    w->opened = w->busy = w->refused = false;
}

static void wire_close(void *ctx, const char *why)
{
    struct wire *w = ctx;
    if (!w->line && !w->no_route_us)
        return;
    let_go(w);
    w->no_route_us = 0;
    w->closed_owed = true;
    (void)snprintf(w->why, sizeof w->why, "%s", why ? why : "");
}

static void wire_cut(void *ctx, bool cut)
{
    struct wire *w = ctx;
    w->cut = cut;
    memory_http_cut(w->http, cut);
}

static void wire_reset(void *ctx)
{
    struct wire *w = ctx;
    let_go(w);
    w->no_route_us = 0;
    w->closed_owed = false;
    memory_http_reset(w->http);
}

static void wire_break(void *ctx, uint64_t bytes)
{
    struct wire *w = ctx;
    memory_http_break(w->http, bytes);
}

/* ---- the hub's end: struct hub_link ---- */

static bool from_hub(void *ctx, const char *text, size_t len)
{
    struct line *l = ctx;
    if (l->hub_closing)
        return false;
    return !l->station_side || put(l->net, &l->down, PACKET_TEXT, text, len);
}

static void hub_lets_go(void *ctx, const char *why)
{
    struct line *l = ctx;
    if (l->hub_closing)
        return;
    l->hub_closing = true;
    if (l->station_side)
        (void)put(l->net, &l->down, PACKET_CLOSE, why ? why : "", why ? strlen(why) : 0);
}

/* ---- delivering ---- */

static void arrive_up(struct line *l, const struct packet *p)
{
    struct memory_net *n = l->net;
    switch (p->kind) {
    case PACKET_OPEN: {
        const struct hub_link link = {
            .ctx = l, .send = from_hub, .close = hub_lets_go, .host = MEMORY_HTTP_HOST};
        /* The hub may speak before hub_connected returns; nothing overtakes the acceptance. */
        bool accepted = n->hub && put(n, &l->down, PACKET_ACCEPT, NULL, 0);
        if (accepted)
            l->peer = hub_connected(n->hub, l->id, &link, memory_net_unix_ms(n), n->now_us);
        if (!l->peer) {
            drop_all(&l->down);
            static const char refused[] = "connection refused";
            (void)put(n, &l->down, PACKET_CLOSE, refused, sizeof refused - 1);
        }
        break;
    }
    case PACKET_TEXT:
        if (p->held)
            sim_station_tap(l->cable->station, '>', p->text, p->len);
        if (l->peer && !l->hub_closing)
            hub_text(l->peer, p->text, p->len, memory_net_unix_ms(n), n->now_us);
        break;
    case PACKET_PING:
        if (l->peer && l->station_side)
            (void)put(n, &l->down, PACKET_PONG, NULL, 0);
        break;
    case PACKET_CLOSE:
        l->hub_closing = true;
        break;
    case PACKET_ACCEPT:
    case PACKET_PONG:
        break;
    }
}

static void arrive_down(struct line *l, const struct packet *p)
{
    struct wire *w = l->cable;
    switch (p->kind) {
    case PACKET_ACCEPT:
        w->opened = true;
        w->ping_us = l->net->now_us + w->ping_interval_us;
        w->to.opened(w->to.ctx, "ocpp2.0.1");
        break;
    case PACKET_TEXT:
        sim_station_tap(w->station, '<', p->text, p->len);
        w->to.heard(w->to.ctx);
        if (w->line == l)
            w->to.text(w->to.ctx, p->text, p->len);
        break;
    case PACKET_PONG:
        w->to.heard(w->to.ctx);
        break;
    case PACKET_CLOSE:
        l->station_side = false;
        l->hub_closing = true;
        w->line = NULL;
        w->opened = w->busy = w->refused = false;
        w->to.closed(w->to.ctx, p->text[0] ? p->text : "closed by peer");
        break;
    case PACKET_OPEN:
    case PACKET_PING:
        break;
    }
}

static void pump_line(struct line *l)
{
    struct packet *p;
    /* A message that waited for the cable arrives when it is back, not when it was due. */
    while (!l->cable->cut && (p = take(&l->up, l->net->now_us))) {
        arrive_up(l, p);
        free(p);
    }
    while (!l->cable->cut && l->station_side && (p = take(&l->down, l->net->now_us))) {
        arrive_down(l, p);
        free(p);
    }
    if (l->hub_closing && l->peer) { /* not from inside the hub's own call of close */
        struct hub_peer *peer = l->peer;
        l->peer = NULL;
        hub_disconnected(peer, l->net->now_us);
    }
}

static void pump_wire(struct wire *w)
{
    uint64_t now = w->net->now_us;
    if (w->no_route_us && now >= w->no_route_us) {
        w->no_route_us = 0;
        w->to.closed(w->to.ctx, "no route to host");
    }
    if (w->closed_owed) {
        w->closed_owed = false;
        w->to.closed(w->to.ctx, w->why);
    }
    if (w->cut)
        return;
    w->busy = false;
    if (w->refused && w->opened) {
        w->refused = false;
        w->to.writable(w->to.ctx);
    }
    if (w->opened && w->ping_interval_us && now >= w->ping_us) {
        w->ping_us = now + w->ping_interval_us;
        (void)put(w->net, &w->line->up, PACKET_PING, NULL, 0);
    }
}

void memory_net_pump(struct memory_net *n, uint64_t now_us)
{
    n->now_us = now_us;
    for (int i = 0; i < n->wires; i++) {
        pump_wire(&n->wire[i]);
        memory_http_pump(n->wire[i].http, memory_net_unix_ms(n), now_us);
    }
    for (struct line *l = n->lines; l; l = l->next)
        pump_line(l);
    for (struct line **at = &n->lines; *at;) {
        struct line *l = *at;
        if (!l->station_side && !l->peer && (l->hub_closing || !n->hub) && !l->up.first) {
            *at = l->next;
            drop_all(&l->down);
            free(l);
        } else {
            at = &l->next;
        }
    }
}

/* ---- making ---- */

struct memory_net *memory_net_create(int stations, uint64_t latency_us, int64_t epoch_ms)
{
    struct memory_net *n = calloc(1, sizeof *n);
    struct wire *w = calloc((size_t)stations, sizeof *w);
    if (!n || !w) {
        free(n);
        free(w);
        return NULL;
    }
    n->wire = w;
    n->wires = stations;
    n->latency_us = latency_us;
    n->epoch_ms = epoch_ms;
    for (int i = 0; i < stations; i++) {
        w[i].net = n;
        w[i].http = memory_http_create(latency_us);
        if (!w[i].http) {
            memory_net_destroy(n);
            return NULL;
        }
    }
    return n;
}

void memory_net_destroy(struct memory_net *n)
{
    if (!n)
        return;
    memory_net_hub(n, NULL);
    for (struct line *l; (l = n->lines);) {
        n->lines = l->next;
        drop_all(&l->up);
        drop_all(&l->down);
        free(l);
    }
    for (int i = 0; i < n->wires; i++)
        memory_http_destroy(n->wire[i].http);
    free(n->wire);
    free(n);
}

void memory_net_connect(struct memory_net *n, int index, struct sim_station *station)
{
    struct wire *w = &n->wire[index];
    w->station = station;
    struct sim_network network = {
        .ctx = w,
        .transport = {.ctx = w, .open = wire_open, .send = wire_send, .close = wire_close},
        .cut = wire_cut,
        .reset = wire_reset,
        .break_http = wire_break,
    };
    memory_http_http(w->http, &network.http);
    sim_station_connect(station, &network);
}

void memory_net_hub(struct memory_net *n, struct hub *hub)
{
    for (int i = 0; i < n->wires; i++)
        memory_http_hub(n->wire[i].http, hub);
    if (n->hub && !hub)
        for (struct line *l = n->lines; l; l = l->next) {
            hub_lets_go(l, "connection reset");
            l->hub_closing = true;
            if (l->peer) {
                struct hub_peer *peer = l->peer;
                l->peer = NULL;
                hub_disconnected(peer, n->now_us);
            }
        }
    n->hub = hub;
}
