#include "station/link.h"

/* An opening that has neither succeeded nor failed by then is given up: a SYN into a dead network, or a
 * server that accepts and never answers the upgrade. Longer than the 20 s that libwebsockets gives by
 * default, so that its more exact reason comes first. */
enum { OPENING_TIMEOUT_S = 30 };
/* A transport that was told to close must say so; if it does not, go on without it. */
enum { CLOSING_TIMEOUT_S = 10 };

#define SECOND_US 1000000ull

static uint64_t now(const struct link *l)
{
    return l->up.now_us(l->up.ctx);
}

static uint32_t next_random(struct link *l)
{
    /* xorshift32: spreads reconnections of many stations; nothing secret hangs on it */
    l->random ^= l->random << 13;
    l->random ^= l->random >> 17;
    l->random ^= l->random << 5;
    return l->random;
}

uint64_t link_backoff_us(const struct link_cfg *cfg, uint32_t n)
{
    uint32_t doublings = n < cfg->backoff_repeats ? n : cfg->backoff_repeats;
    return ((uint64_t)cfg->backoff_min_s << doublings) * SECOND_US;
}

static void enter(struct link *l, enum link_phase phase)
{
    l->phase = phase;
    l->since_us = now(l);
}

static void wait_before_next(struct link *l)
{
    uint64_t wait = link_backoff_us(&l->cfg, l->attempts);
    if (l->cfg.backoff_random_s)
        wait += next_random(l) % (l->cfg.backoff_random_s * SECOND_US);
    if (l->attempts < UINT32_MAX)
        l->attempts++;
    l->open_at_us = now(l) + wait;
}

static void on_opened(void *ctx, const char *subprotocol)
{
    struct link *l = ctx;
    if (l->phase != LINK_OPENING)
        return;
    enter(l, LINK_OPEN);
    l->heard_us = now(l);
    l->good = false;
    l->opened_count++;
    l->up.opened(l->up.ctx, subprotocol);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    struct link *l = ctx;
    if (l->phase != LINK_OPEN)
        return;
    l->heard_us = now(l);
    /* Only a server that speaks ends the back-off: one that accepts and hangs up must not be hammered. */
    l->good = true;
    l->attempts = 0;
    l->up.text(l->up.ctx, text, len);
}

static void on_heard(void *ctx)
{
    struct link *l = ctx;
    l->heard_us = now(l);
}

static void on_writable(void *ctx)
{
    struct link *l = ctx;
    if (l->phase == LINK_OPEN)
        l->up.writable(l->up.ctx);
}

static void failed(struct link *l, const char *why)
{
    uint64_t t = now(l);
    l->up.failed(l->up.ctx, why, l->open_at_us > t ? l->open_at_us - t : 0);
}

static void on_closed(void *ctx, const char *why)
{
    struct link *l = ctx;
    if (l->phase == LINK_CLOSED)
        return;
    bool was_open = l->phase == LINK_OPEN || l->phase == LINK_CLOSING;
    enter(l, LINK_CLOSED);
    wait_before_next(l);
    if (was_open)
        l->up.closed(l->up.ctx, why);
    else
        failed(l, why);
}

void link_init(struct link *l, const struct transport *transport, const struct link_up *up, uint32_t seed)
{
    *l = (struct link){.transport = *transport, .up = *up, .random = seed ? seed : 1};
}

void link_configure(struct link *l, const struct link_cfg *cfg)
{
    l->cfg = *cfg;
}

static void open_now(struct link *l)
{
    const struct transport_target target = {
        .url = l->cfg.url,
        .user = l->cfg.password[0] ? l->cfg.user : NULL,
        .password = l->cfg.password[0] ? l->cfg.password : NULL,
        .subprotocols = l->cfg.subprotocols,
        .ping_interval_s = l->cfg.ping_interval_s,
    };
    const struct transport_up up = {.ctx = l,
                                    .opened = on_opened,
                                    .text = on_text,
                                    .heard = on_heard,
                                    .writable = on_writable,
                                    .closed = on_closed};
    enter(l, LINK_OPENING);
    if (!l->transport.open(l->transport.ctx, &target, &up)) {
        enter(l, LINK_CLOSED);
        wait_before_next(l);
        failed(l, "the address can't be used");
    }
}

void link_drop(struct link *l, const char *why)
{
    if (l->phase != LINK_OPEN && l->phase != LINK_OPENING)
        return;
    /* Nobody above hears `closed` for a connection that was never open. */
    bool was_open = l->phase == LINK_OPEN;
    enter(l, was_open ? LINK_CLOSING : LINK_OPENING);
    l->transport.close(l->transport.ctx, why);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t link_step(struct link *l, uint64_t now_us)
{
    switch (l->phase) {
    case LINK_CLOSED:
        if (!l->cfg.url || !l->cfg.url[0])
            return now_us + 60 * SECOND_US;
        if (now_us < l->open_at_us)
            return l->open_at_us;
        open_now(l);
        return l->phase == LINK_CLOSED ? l->open_at_us : now_us + SECOND_US;
    case LINK_OPENING:
        if (now_us - l->since_us >= OPENING_TIMEOUT_S * SECOND_US) {
            l->transport.close(l->transport.ctx, "no answer to the opening handshake");
            if (l->phase == LINK_OPENING) /* the transport did not say so by itself */
                on_closed(l, "no answer to the opening handshake");
            return l->open_at_us;
        }
        return l->since_us + OPENING_TIMEOUT_S * SECOND_US;
    case LINK_OPEN: {
        uint64_t until = l->heard_us + l->cfg.silence_timeout_s * SECOND_US;
        if (now_us >= until) {
            link_drop(l, "nothing heard from the server");
            return now_us + SECOND_US;
        }
        return until;
    }
    case LINK_CLOSING:
        if (now_us - l->since_us >= CLOSING_TIMEOUT_S * SECOND_US) {
            on_closed(l, "the connection did not close");
            return l->open_at_us;
        }
        return sooner(now_us + SECOND_US, l->since_us + CLOSING_TIMEOUT_S * SECOND_US);
    }
    return now_us + SECOND_US;
}

bool link_send(struct link *l, const char *text, size_t len)
{
    return l->phase == LINK_OPEN && l->transport.send(l->transport.ctx, text, len);
}

bool link_is_open(const struct link *l)
{
    return l->phase == LINK_OPEN;
}
