/*
 * share: the division of the site's current and the order of telling it. See share.h and docs/hub.md.
 *
 * One rule makes it safe: an order is given only if, with it, the sum of share_worst() over all stations
 * stays within the limit in every phase. share_worst() looks as far ahead as the order can last, so what was
 * right when an order was given stays right until that order has ended, even if no other message ever gets
 * through.
 */
#include "hub/share.h"

#include <stdlib.h>
#include <string.h>

static int32_t max32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

const char *share_reason_name(enum share_reason r)
{
    switch (r) {
    case SHARE_R_IDLE:
        return "idle";
    case SHARE_R_EQUAL:
        return "equal-share";
    case SHARE_R_CAP:
        return "rating";
    case SHARE_R_STANDBY:
        return "standby";
    case SHARE_R_WAITING:
        return "waiting";
    case SHARE_R_OFFLINE:
        return "offline";
    case SHARE_R_UNCONTROLLED:
        return "uncontrolled";
    }
    return "";
}

/* ---- durations ---- */

/* How far ahead an order that is given now can reach: a borrower's lease, the car's reaction, the clocks. */
static int64_t horizon_ms(const struct share *s)
{
    return s->cfg.lease_ms + SHARE_FOLLOW_MS + SHARE_CLOCK_MS;
}

/* A lender's lease; after half a borrower's lease without renewal it still outlasts the horizon. */
static int64_t lender_ms(const struct share *s)
{
    return 2 * s->cfg.lease_ms + SHARE_FOLLOW_MS + 2 * SHARE_CLOCK_MS;
}

static int64_t length_ms(const struct share *s, const struct share_station *t, int32_t ma)
{
    bool lends = !t->fallback_known || ma <= t->fallback_ma;
    return lends ? lender_ms(s) : s->cfg.lease_ms;
}

/* When a lease that ends at `until` is to be renewed. */
static int64_t renew_at(const struct share *s, const struct share_station *t)
{
    return t->hold.early_ms - length_ms(s, t, t->hold.lease.ma) + s->cfg.lease_ms / 2;
}

/* ---- stations ---- */

void share_init(struct share *s, const struct share_cfg *cfg)
{
    memset(s, 0, sizeof(*s));
    s->cfg = *cfg;
}

void share_free(struct share *s)
{
    free(s->stations);
    free(s->order);
    s->stations = NULL;
    s->order = NULL;
    s->count = s->cap = 0;
}

void share_set_limit(struct share *s, int32_t limit_ma)
{
    s->cfg.limit_ma = limit_ma;
}

size_t share_add(struct share *s)
{
    size_t i = 0;
    while (i < s->count && s->stations[i].used)
        i++;
    if (i == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        struct share_station *more = realloc(s->stations, cap * sizeof(*more));
        if (!more)
            return SIZE_MAX;
        s->stations = more;
        size_t *order = realloc(s->order, cap * sizeof(*order));
        if (!order)
            return SIZE_MAX;
        s->order = order;
        s->cap = cap;
    }
    if (i == s->count)
        s->count++;
    memset(&s->stations[i], 0, sizeof(s->stations[i]));
    s->stations[i].used = true;
    s->stations[i].vacant = true;
    s->stations[i].changed_ms = -SHARE_SPACING_MS;
    return i;
}

void share_remove(struct share *s, size_t i)
{
    s->stations[i].used = false;
}

void share_restore(struct share *s, size_t i, const struct share_hold *hold, int32_t fallback_ma)
{
    struct share_station *t = &s->stations[i];
    t->hold = *hold;
    t->fallback_known = fallback_ma >= 0;
    t->fallback_ma = max32(fallback_ma, 0);
    t->changed_ms = INT64_MAX; /* nobody knows */
}

static void accept_lease(struct share_hold *h, int32_t ma, int64_t until)
{
    *h = (struct share_hold){.known = true, .lease = {.ma = ma, .until_ms = until}, .early_ms = until};
}

/* It may hold this now, or not. One that is no more and no longer than another needs no place of its own. */
static void add_doubt(struct share_hold *h, int32_t ma, int64_t until)
{
    h->early_ms = h->known || h->doubts ? min64(h->early_ms, until) : until;
    int kept = 0;
    for (int k = 0; k < h->doubts; k++)
        if (h->doubt[k].ma > ma || h->doubt[k].until_ms > until)
            h->doubt[kept++] = h->doubt[k];
    h->doubts = kept;
    for (int k = 0; k < h->doubts; k++)
        if (h->doubt[k].ma >= ma && h->doubt[k].until_ms >= until)
            return;
    if (h->doubts < SHARE_DOUBTS) {
        h->doubt[h->doubts++] = (struct share_lease){.ma = ma, .until_ms = until};
    } else { /* no place: the worst of both */
        struct share_lease *last = &h->doubt[SHARE_DOUBTS - 1];
        last->ma = max32(last->ma, ma);
        last->until_ms = max64(last->until_ms, until);
    }
}

/* The highest of the leases that have not ended for more than `after` ms. */
static int32_t highest(const struct share_hold *h, int64_t now, int64_t after)
{
    int32_t ma = 0;
    if (h->known && now < h->lease.until_ms + after)
        ma = h->lease.ma;
    for (int k = 0; k < h->doubts; k++)
        if (now < h->doubt[k].until_ms + after)
            ma = max32(ma, h->doubt[k].ma);
    return ma;
}

static int64_t last_end(const struct share_hold *h)
{
    int64_t end = h->lease.until_ms;
    for (int k = 0; k < h->doubts; k++)
        end = max64(end, h->doubt[k].until_ms);
    return end;
}

void share_durable(const struct share *s, size_t i, struct share_hold *hold, int32_t *fallback_ma)
{
    const struct share_station *t = &s->stations[i];
    *hold = t->hold;
    if (t->in_flight == SHARE_LEASE)
        add_doubt(hold, t->sent_ma, t->sent_until_ms);
    int32_t f = t->fallback_known ? t->fallback_ma : -1;
    if (t->in_flight == SHARE_FALLBACK && t->fallback_known)
        f = max32(f, t->sent_ma);
    *fallback_ma = f;
}

void share_connected(struct share *s, size_t i, bool connected, int64_t now_ms)
{
    struct share_station *t = &s->stations[i];
    if (t->in_flight != SHARE_NOTHING)
        share_result(s, i, SHARE_NO_ANSWER, now_ms);
    t->connected = connected;
    t->refresh = t->refresh_fallback = connected;
    t->failures = 0;
    t->retry_ms = 0;
}

void share_refresh(struct share *s, size_t i)
{
    s->stations[i].refresh = s->stations[i].refresh_fallback = s->stations[i].connected;
    s->stations[i].retry_ms = 0;
}

/* No car, or none that may charge: the next one finds the new limit, whatever the last one had. (A car that
 * may charge and happens not to draw is another matter: it may begin at any time, and we may not hear of it.)
 */
static bool left(const struct share_station *t)
{
    return t->vacant && t->demand == SHARE_IDLE;
}

void share_car(struct share *s, size_t i, enum share_demand demand, bool vacant, uint8_t phases,
               int32_t cap_ma)
{
    struct share_station *t = &s->stations[i];
    if (demand == SHARE_IDLE)
        t->turn = 0;
    else if (t->turn == 0)
        t->turn = ++s->last_turn; /* the last to come */
    t->demand = demand;
    t->vacant = vacant;
    t->phases = phases & 7;
    t->cap_ma = cap_ma;
    if (left(t))
        t->tail_until_ms = 0;
}

void share_measured(struct share *s, size_t i, const int32_t ma[SHARE_PHASES], int64_t at_ms, int64_t now_ms)
{
    struct share_station *t = &s->stations[i];
    int32_t most = 0;
    for (int p = 0; p < SHARE_PHASES; p++) {
        t->drawn_ma[p] = ma[p];
        most = max32(most, ma[p]);
    }
    t->drawn_known = true;
    t->drawn_ms = now_ms;
    /* It was above its new limit, it no longer is: it has followed, and what it draws beside the limit is
     * small. The half second is for the filters of its meter. */
    if (t->tail_was_above && most <= t->hold.lease.ma + SHARE_TOLERANCE_MA && at_ms >= t->settled_ms + 500) {
        if (most <= t->hold.lease.ma)
            t->tail_until_ms = min64(t->tail_until_ms, now_ms);
        else
            t->tail_ma = most;
    }
}

void share_offered(struct share *s, size_t i, int32_t ma, int64_t now_ms)
{
    struct share_station *t = &s->stations[i];
    if (now_ms >= t->tail_until_ms || ma > t->hold.lease.ma)
        return; /* nothing to wait for, or it still offers the former limit */
    t->settled_ms = min64(t->settled_ms, now_ms);
    t->tail_until_ms = min64(t->tail_until_ms, t->settled_ms + SHARE_FOLLOW_MS);
}

/* ---- what a station can draw ---- */

static int32_t uncontrolled_ma(const struct share_station *t)
{
    return t->cap_ma > 0 ? t->cap_ma : SHARE_UNKNOWN_CAP_MA;
}

static int32_t fallback_of(const struct share_station *t)
{
    return t->fallback_known ? t->fallback_ma : uncontrolled_ma(t);
}

/* The most it can draw from its leases or its fallback at this moment, give or take `clock` ms. */
static int32_t held_at(const struct share_station *t, int64_t now, int64_t clock)
{
    int32_t ma = highest(&t->hold, now, clock);
    if (now >= t->hold.early_ms - clock)
        ma = max32(ma, fallback_of(t));
    return ma;
}

static int32_t held_now(const struct share_station *t, int64_t now)
{
    return held_at(t, now, SHARE_CLOCK_MS);
}

int32_t share_held(const struct share *s, size_t i, int64_t now_ms)
{
    const struct share_station *t = &s->stations[i];
    if (!t->hold.known || (!t->fallback_known && now_ms >= t->hold.early_ms))
        return -1;
    return held_at(t, now_ms, 0);
}

/* As share_worst, if it were sent `extra_ma` (−1: nothing) until extra_until. An order replaces what it holds
 * once it is accepted, but not before. */
static void worst_with(const struct share *s, const struct share_station *t, int64_t now, int32_t extra_ma,
                       int64_t extra_until, int32_t w[SHARE_PHASES])
{
    uint8_t mask = t->connected && t->phases ? t->phases : 7;
    int32_t most = 0;
    if (!t->hold.known && !(t->connected && t->vacant))
        most = uncontrolled_ma(t);
    most = max32(most, highest(&t->hold, now, SHARE_FOLLOW_MS + SHARE_CLOCK_MS));
    int64_t ahead = now + horizon_ms(s) + SHARE_CLOCK_MS;
    /* An accepted renewal moves the end; until then it may come at the old one, if that is nearer than a
     * time-out. */
    if (t->hold.known && t->hold.early_ms < ahead)
        most = max32(most, fallback_of(t));
    if (t->in_flight == SHARE_LEASE) {
        most = max32(most, t->sent_ma);
        if (t->sent_until_ms < ahead)
            most = max32(most, fallback_of(t));
    }
    if (extra_ma >= 0) {
        most = max32(most, extra_ma);
        if (extra_until < ahead)
            most = max32(most, fallback_of(t));
    }
    if (t->in_flight == SHARE_FALLBACK && t->hold.known && t->hold.early_ms < ahead)
        most = max32(most, t->sent_ma);
    if (now < t->tail_until_ms)
        most = max32(most, t->tail_ma);
    bool fresh = t->connected && !t->vacant && t->drawn_known && now - t->drawn_ms < SHARE_MEASURED_MS &&
                 t->drawn_ms > t->tail_until_ms;
    for (int p = 0; p < SHARE_PHASES; p++) {
        w[p] = mask & (1u << p) ? most : 0;
        if (fresh && t->drawn_ma[p] > w[p] + SHARE_EXCESS_MA)
            w[p] = t->drawn_ma[p];
    }
}

void share_worst(const struct share *s, size_t i, int64_t now_ms, int32_t out[SHARE_PHASES])
{
    worst_with(s, &s->stations[i], now_ms, -1, 0, out);
}

/* Would all phases stay within the limit if station i were sent this? */
static bool fits(const struct share *s, size_t i, int32_t ma, int64_t until, int64_t now)
{
    int64_t sum[SHARE_PHASES] = {0};
    int32_t mine[SHARE_PHASES] = {0};
    for (size_t k = 0; k < s->count; k++) {
        const struct share_station *t = &s->stations[k];
        if (!t->used)
            continue;
        int32_t w[SHARE_PHASES];
        worst_with(s, t, now, k == i ? ma : -1, until, w);
        for (int p = 0; p < SHARE_PHASES; p++) {
            sum[p] += w[p];
            if (k == i)
                mine[p] = w[p];
        }
    }
    for (int p = 0; p < SHARE_PHASES; p++)
        if (mine[p] > 0 && sum[p] > (int64_t)s->cfg.limit_ma - s->cfg.margin_ma)
            return false;
    return true;
}

/* ---- the split ---- */

void share_split(const int32_t budget[SHARE_PHASES], size_t n, const uint8_t *phases, const int32_t *cap,
                 int32_t *out)
{
    int64_t left[SHARE_PHASES];
    for (int p = 0; p < SHARE_PHASES; p++)
        left[p] = budget[p] > 0 ? budget[p] : 0;
    for (size_t i = 0; i < n; i++)
        out[i] = -1; /* still rising */
    for (size_t done = 0; done < n;) {
        /* All that still rise go up together until a phase is full or somebody has all he can use. */
        int64_t rising[SHARE_PHASES] = {0}, level = INT64_MAX;
        for (size_t i = 0; i < n; i++)
            if (out[i] < 0) {
                level = min64(level, cap[i]);
                for (int p = 0; p < SHARE_PHASES; p++)
                    rising[p] += phases[i] >> p & 1;
            }
        uint8_t full = 0;
        for (int p = 0; p < SHARE_PHASES; p++)
            if (rising[p] && left[p] / rising[p] < level)
                level = left[p] / rising[p];
        for (int p = 0; p < SHARE_PHASES; p++)
            if (rising[p] && left[p] / rising[p] == level)
                full |= (uint8_t)(1u << p);
        for (size_t i = 0; i < n; i++)
            if (out[i] < 0 && (cap[i] <= level || phases[i] & full)) {
                out[i] = (int32_t)level;
                done++;
                for (int p = 0; p < SHARE_PHASES; p++)
                    if (phases[i] >> p & 1)
                        left[p] -= level;
            }
    }
    for (size_t i = 0; i < n; i++)
        out[i] -= out[i] % SHARE_STEP_MA;
}

int32_t share_fallback_goal(const struct share *s)
{
    int32_t known = 0;
    for (size_t i = 0; i < s->count; i++)
        known += s->stations[i].used;
    if (known == 0)
        return 0;
    int32_t ma = (s->cfg.limit_ma - s->cfg.margin_ma) / known;
    ma -= ma % 1000;
    return ma < s->cfg.min_ma ? 0 : ma;
}

/* Can it be told? A station that has just come counts as one that can, until it has shown otherwise. */
static bool obeys(const struct share *s, const struct share_station *t, int64_t now)
{
    if (!t->connected)
        return false;
    if (t->failures < 2)
        return true;
    return t->hold.known && t->hold.early_ms >= now + horizon_ms(s) + SHARE_CLOCK_MS;
}

static int by_turn(const struct share *s, size_t a, size_t b)
{
    const struct share_station *x = &s->stations[a], *y = &s->stations[b];
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Indexes of those with this demand that can be told, by turn; insertion sort: the order hardly ever changes.
 */
static size_t queue_of(struct share *s, enum share_demand demand, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct share_station *t = &s->stations[i];
        if (!t->used || t->demand != demand || !obeys(s, t, now))
            continue;
        size_t k = n++;
        while (k > 0 && by_turn(s, i, s->order[k - 1]) < 0) {
            s->order[k] = s->order[k - 1];
            k--;
        }
        s->order[k] = i;
    }
    return n;
}

/* Takes the minimum for station i out of room[]; false: some phase of it has not that much left. */
static bool admit(const struct share *s, const struct share_station *t, int32_t room[SHARE_PHASES])
{
    uint8_t mask = t->phases ? t->phases : 7;
    if (t->cap_ma > 0 && t->cap_ma < s->cfg.min_ma)
        return false;
    for (int p = 0; p < SHARE_PHASES; p++)
        if (mask & (1u << p) && room[p] < s->cfg.min_ma)
            return false;
    for (int p = 0; p < SHARE_PHASES; p++)
        if (mask & (1u << p))
            room[p] -= s->cfg.min_ma;
    return true;
}

void share_plan(struct share *s, int64_t now_ms)
{
    int32_t budget[SHARE_PHASES], room[SHARE_PHASES];
    for (int p = 0; p < SHARE_PHASES; p++)
        budget[p] = s->cfg.limit_ma - s->cfg.margin_ma;
    for (size_t i = 0; i < s->count; i++) {
        struct share_station *t = &s->stations[i];
        if (!t->used)
            continue;
        t->target_ma = 0;
        t->reason = SHARE_R_IDLE;
        if (obeys(s, t, now_ms))
            continue;
        t->reason = t->connected ? SHARE_R_UNCONTROLLED : SHARE_R_OFFLINE;
        int32_t w[SHARE_PHASES];
        share_worst(s, i, now_ms, w);
        for (int p = 0; p < SHARE_PHASES; p++)
            budget[p] = max32(budget[p] - w[p], 0);
    }
    memcpy(room, budget, sizeof(room));

    size_t n = queue_of(s, SHARE_WANTS, now_ms);
    bool waiting = false;
    for (size_t k = 0; k < n; k++) {
        struct share_station *t = &s->stations[s->order[k]];
        t->reason = admit(s, t, room) ? SHARE_R_EQUAL : SHARE_R_WAITING;
        waiting = waiting || t->reason == SHARE_R_WAITING;
    }
    if (!waiting) {
        s->rotate_at_ms = 0;
    } else if (s->rotate_at_ms == 0) {
        s->rotate_at_ms = now_ms + s->cfg.rotate_ms;
    } else if (now_ms >= s->rotate_at_ms) {
        /* Those that have charged go to the end of the queue, in their order. */
        s->rotate_at_ms = now_ms + s->cfg.rotate_ms;
        for (size_t k = 0; k < n; k++)
            if (s->stations[s->order[k]].reason == SHARE_R_EQUAL)
                s->stations[s->order[k]].turn = ++s->last_turn;
        n = queue_of(s, SHARE_WANTS, now_ms);
        memcpy(room, budget, sizeof(room));
        for (size_t k = 0; k < n; k++) {
            struct share_station *t = &s->stations[s->order[k]];
            t->reason = admit(s, t, room) ? SHARE_R_EQUAL : SHARE_R_WAITING;
        }
    }

    n = queue_of(s, SHARE_STANDBY, now_ms);
    for (size_t k = 0; k < n; k++) {
        struct share_station *t = &s->stations[s->order[k]];
        if (!admit(s, t, room)) {
            t->reason = SHARE_R_WAITING;
            continue;
        }
        t->reason = SHARE_R_STANDBY;
        t->target_ma = s->cfg.min_ma;
        for (int p = 0; p < SHARE_PHASES; p++)
            if ((t->phases ? t->phases : 7) & (1u << p))
                budget[p] -= s->cfg.min_ma;
    }

    size_t m = 0;
    uint8_t *phases = calloc(s->count + 1, 1);
    int32_t *caps = calloc(2 * (s->count + 1), sizeof(*caps));
    if (phases && caps) {
        int32_t *out = caps + s->count + 1;
        for (size_t i = 0; i < s->count; i++) {
            const struct share_station *t = &s->stations[i];
            if (!t->used || t->reason != SHARE_R_EQUAL)
                continue;
            s->order[m] = i;
            phases[m] = t->phases ? t->phases : 7;
            caps[m++] = t->cap_ma > 0 ? t->cap_ma : INT32_MAX;
        }
        share_split(budget, m, phases, caps, out);
        for (size_t k = 0; k < m; k++) {
            struct share_station *t = &s->stations[s->order[k]];
            t->target_ma = out[k];
            if (t->cap_ma > 0 && out[k] >= t->cap_ma - t->cap_ma % SHARE_STEP_MA)
                t->reason = SHARE_R_CAP;
        }
    } /* else: out of memory, all targets are 0, which is safe */
    free(phases);
    free(caps);
}

/* ---- telling them ---- */

static bool order(struct share *s, size_t i, enum share_kind kind, int32_t ma, int64_t until,
                  struct share_order *out)
{
    struct share_station *t = &s->stations[i];
    t->in_flight = kind;
    t->sent_ma = ma;
    t->sent_until_ms = until;
    *out = (struct share_order){.station = i, .kind = kind, .ma = ma, .until_ms = until};
    return true;
}

/* May station i be told this? Less than it holds for the time that it may hold it anyway, and a lease that
 * lends, are always right: neither adds to what it could draw at any time to come. */
static bool allowed(struct share *s, size_t i, int32_t ma, int64_t until, int64_t now)
{
    struct share_station *t = &s->stations[i];
    bool lends = t->fallback_known && ma <= t->fallback_ma;
    if (ma == 0 || (ma <= held_now(t, now) && (lends || until <= t->hold.early_ms)))
        return true;
    if (ma > held_now(t, now))
        return fits(s, i, ma, until, now);
    /* Lowered, or kept, for longer: what counts is the sum without what it holds today. */
    const struct share_hold today = t->hold;
    accept_lease(&t->hold, ma, until);
    bool ok = fits(s, i, ma, until, now);
    t->hold = today;
    return ok;
}

static bool next_lowering(struct share *s, size_t i, int64_t now, struct share_order *out)
{
    struct share_station *t = &s->stations[i];
    if (!t->hold.known) {
        int32_t ma = t->target_ma;
        if (ma > 0 && !fits(s, i, ma, now + length_ms(s, t, ma), now))
            ma = 0;
        return order(s, i, SHARE_LEASE, ma, now + length_ms(s, t, ma), out);
    }
    if (t->target_ma >= held_now(t, now))
        return false;
    int64_t until = now + length_ms(s, t, t->target_ma);
    if (!allowed(s, i, t->target_ma, until, now))
        until = max64(t->hold.early_ms, now);
    return order(s, i, SHARE_LEASE, t->target_ma, until, out);
}

static bool next_lease(struct share *s, size_t i, int64_t now, struct share_order *out)
{
    struct share_station *t = &s->stations[i];
    if (!t->hold.known)
        return false;
    int32_t held = held_now(t, now);
    if (t->target_ma < held)
        return false;
    int64_t until = now + length_ms(s, t, t->target_ma);
    if (t->target_ma > held && allowed(s, i, t->target_ma, until, now))
        return order(s, i, SHARE_LEASE, t->target_ma, until, out);
    /* A lender that has become a borrower, as its fallback was lowered, must not keep its long lease. */
    bool too_long = t->fallback_known && t->hold.lease.ma > t->fallback_ma &&
                    t->hold.lease.until_ms > now + s->cfg.lease_ms + 1000;
    if (t->refresh || too_long || now >= renew_at(s, t)) { /* also while there is no room to raise it yet */
        until = now + length_ms(s, t, held);
        if (allowed(s, i, held, until, now))
            return order(s, i, SHARE_LEASE, held, until, out);
    }
    return false;
}

static bool next_fallback(struct share *s, size_t i, int64_t now, bool raise, struct share_order *out)
{
    struct share_station *t = &s->stations[i];
    int32_t goal = share_fallback_goal(s);
    if (!t->hold.known || t->refresh) /* the lease first: it rules at once */
        return false;
    if (!raise) {
        if (t->fallback_known && t->fallback_ma > goal)
            return order(s, i, SHARE_FALLBACK, goal, 0, out);
        return false;
    }
    int64_t others = 0;
    for (size_t k = 0; k < s->count; k++) {
        const struct share_station *o = &s->stations[k];
        if (!o->used || k == i)
            continue;
        int32_t f = o->fallback_known ? o->fallback_ma : goal;
        if (o->in_flight == SHARE_FALLBACK)
            f = max32(f, o->sent_ma);
        others += f;
    }
    int64_t room = (int64_t)s->cfg.limit_ma - s->cfg.margin_ma - others;
    int32_t ma = room >= goal ? goal : room > 0 ? (int32_t)(room - room % 1000) : 0;
    if (ma < s->cfg.min_ma)
        ma = 0;
    /* Above its lease it would turn a borrower, with its short lease, into a lender: not before it is one. */
    if (ma > t->hold.lease.ma && t->hold.early_ms < now + horizon_ms(s) + SHARE_CLOCK_MS)
        ma = t->fallback_known ? t->fallback_ma : 0;
    if (t->fallback_known && ma <= t->fallback_ma) {
        if (!t->refresh_fallback)
            return false;
        ma = t->fallback_ma;
    }
    return order(s, i, SHARE_FALLBACK, ma, 0, out);
}

bool share_next(struct share *s, int64_t now_ms, struct share_order *out)
{
    enum { LOWER, FALLBACK_DOWN, LEASE, FALLBACK_UP, STEPS };
    for (int step = LOWER; step < STEPS; step++) {
        for (size_t i = 0; i < s->count; i++) {
            struct share_station *t = &s->stations[i];
            if (!t->used || !t->connected || t->in_flight != SHARE_NOTHING || now_ms < t->retry_ms)
                continue;
            bool found = false;
            switch (step) {
            case LOWER:
                found = next_lowering(s, i, now_ms, out);
                break;
            case FALLBACK_DOWN:
                found = next_fallback(s, i, now_ms, false, out);
                break;
            case LEASE:
                found = next_lease(s, i, now_ms, out);
                break;
            default:
                found = next_fallback(s, i, now_ms, true, out);
                break;
            }
            if (found)
                return true;
        }
    }
    return false;
}

/* When the station changes its duty cycle at the latest, if it gets a new limit now: it may keep its distance
 * from the change before, which was at changed_ms at the latest. */
static int64_t next_change(const struct share_station *t, int64_t now)
{
    return max64(now, min64(now, t->changed_ms) + SHARE_SPACING_MS);
}

void share_result(struct share *s, size_t i, enum share_answer answer, int64_t now_ms)
{
    struct share_station *t = &s->stations[i];
    enum share_kind kind = t->in_flight;
    if (kind == SHARE_NOTHING)
        return;
    t->in_flight = SHARE_NOTHING;
    if (answer == SHARE_ACCEPTED) {
        t->failures = 0;
        t->retry_ms = 0;
        if (kind == SHARE_FALLBACK) {
            t->fallback_known = true;
            t->refresh_fallback = false;
            t->fallback_ma = t->sent_ma;
            return;
        }
        if (now_ms >= t->hold.early_ms - SHARE_CLOCK_MS) /* its lease has ended, or just now */
            t->changed_ms = max64(t->changed_ms, now_ms);
        int32_t before = max32(held_at(t, now_ms, SHARE_FOLLOW_MS + SHARE_CLOCK_MS),
                               t->hold.known ? 0 : uncontrolled_ma(t));
        if (now_ms < t->tail_until_ms)
            before = max32(before, t->tail_ma);
        if (t->sent_ma < before && !left(t)) {
            t->tail_ma = before;
            t->settled_ms = next_change(t, now_ms);
            t->tail_until_ms = t->settled_ms + SHARE_FOLLOW_MS;
            t->tail_was_above = false;
            if (t->drawn_known && now_ms - t->drawn_ms < SHARE_MEASURED_MS)
                for (int p = 0; p < SHARE_PHASES; p++)
                    t->tail_was_above = t->tail_was_above || t->drawn_ma[p] > t->sent_ma + SHARE_TOLERANCE_MA;
        }
        /* Without a car there is no duty cycle to keep a distance from. */
        if (!left(t) && (!t->hold.known || t->sent_ma != t->hold.lease.ma || t->hold.doubts))
            t->changed_ms = next_change(t, now_ms);
        t->refresh = false;
        accept_lease(&t->hold, t->sent_ma, t->sent_until_ms);
        return;
    }
    if (answer == SHARE_NO_ANSWER) {
        t->changed_ms = max64(t->changed_ms, now_ms); /* it may have taken it, and then the old one again */
        if (kind == SHARE_LEASE)
            add_doubt(&t->hold, t->sent_ma, t->sent_until_ms);
        if (kind == SHARE_FALLBACK && t->fallback_known)
            t->fallback_ma = max32(t->fallback_ma, t->sent_ma);
    }
    int64_t wait = SHARE_RETRY_MS;
    for (int k = 0; k < t->failures && wait < SHARE_RETRY_MAX_MS; k++)
        wait *= 2;
    t->failures++;
    t->retry_ms = now_ms + min64(wait, SHARE_RETRY_MAX_MS);
}

int64_t share_wake(const struct share *s, int64_t now_ms)
{
    int64_t at = now_ms + s->cfg.lease_ms / 2;
    if (s->rotate_at_ms)
        at = min64(at, s->rotate_at_ms);
    for (size_t i = 0; i < s->count; i++) {
        const struct share_station *t = &s->stations[i];
        if (!t->used)
            continue;
        if (t->tail_until_ms > now_ms)
            at = min64(at, t->tail_until_ms);
        const int64_t due[] = {
            t->hold.early_ms - horizon_ms(s) - SHARE_CLOCK_MS,
            last_end(&t->hold) + SHARE_FOLLOW_MS + SHARE_CLOCK_MS,
        };
        for (size_t k = 0; t->hold.known && k < sizeof(due) / sizeof(due[0]); k++)
            if (due[k] > now_ms)
                at = min64(at, due[k]);
        if (!t->connected || t->in_flight != SHARE_NOTHING)
            continue;
        if (t->retry_ms > now_ms)
            at = min64(at, t->retry_ms);
        if (t->hold.known && renew_at(s, t) > now_ms)
            at = min64(at, renew_at(s, t));
    }
    return max64(at, now_ms + 1);
}
