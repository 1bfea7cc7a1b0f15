/*
 * hub: opening and closing, the entry points with their order (take what came, decide, commit, then send),
 * stations and their connections.
 *
 * Nothing leaves before the database has it: messages out are held in a list until the batch is committed. An
 * entry point that is called from within another (a simulated station answers inside `send`) only leaves its
 * text in a list; the outer one takes it.
 */
#include "hub/state.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

const char *const hub_level_names[4] = {"error", "warning", "info", "debug"};

void hub_cfg_default(struct hub_cfg *cfg)
{
    *cfg = (struct hub_cfg){
        .database = ":memory:",
        .site_limit_a = 32,
        .min_a = 6,
        .lease_s = 60,
        .heartbeat_s = 60,
        .rotate_s = 900,
        .meter_interval_s = 5,
        .keep_days = 400,
        .log_level = 1,
    };
}

/* splitmix64 */
uint32_t hub_random(struct hub *h)
{
    uint64_t z = h->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ (z >> 31)) >> 16);
}

void hub_log(struct hub *h, const char *station, const char *kind, int level, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (!json_utf8_ok(line, strlen(line))) /* cut in the middle of a character, or never was text */
        for (char *c = line; *c; c++)
            if ((unsigned char)*c >= 0x80)
                *c = '?';
    if (level < 3 && h->time_known)
        db_put(h->db, DB_LOG_ADD, NULL, "tittt", station, h->unix_ms, kind, hub_level_names[level], line);
    if (h->cfg.log && level <= h->cfg.log_level) {
        char whole[1200];
        snprintf(whole, sizeof(whole), "%s %s: %s", station[0] ? station : "hub", kind, line);
        h->cfg.log(h->cfg.log_ctx, level, whole);
    }
}

bool token_accepted(const struct hub *h, const char *token, const char *type)
{
    /* What the hub itself has asked a station to start with. */
    if (type && strcmp(type, "Central") == 0 && strncmp(token, "HUB-", 4) == 0)
        return true;
    if (!h->tokens || strcmp(h->tokens, "*") == 0)
        return true;
    size_t len = strlen(token);
    for (const char *t = h->tokens; *t;) {
        size_t n = strcspn(t, ",");
        const char *from = t;
        size_t part = n;
        while (part && isspace((unsigned char)*from)) {
            from++;
            part--;
        }
        while (part && isspace((unsigned char)from[part - 1]))
            part--;
        if (part == len && len && strncasecmp(from, token, len) == 0) /* identifiers ignore case in OCPP */
            return true;
        t += n + (t[n] == ',');
    }
    return false;
}

/* ---- stations ---- */

struct station *station_find(struct hub *h, const char *id)
{
    for (struct station *s = h->stations; s; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    return NULL;
}

static bool id_ok(const char *id)
{
    /* identifierString of OCPP, less '/' which ends it in a URL; it must also be shown and typed by people */
    size_t len = strlen(id);
    if (len == 0 || len > STATION_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)id[i]) && !strchr("*-_=:+|@.", id[i]))
            return false;
    return true;
}

struct station *station_add(struct hub *h, const char *id)
{
    if (!id_ok(id))
        return NULL;
    struct station *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->share = share_add(&h->share);
    if (s->share == SIZE_MAX) {
        free(s);
        return NULL;
    }
    s->hub = h;
    s->policy = REG_ACCEPTED;
    s->offered_a = NAN;
    snprintf(s->id, sizeof(s->id), "%s", id);
    struct station **at = &h->stations;
    while (*at && strcmp((*at)->id, id) < 0)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
    h->changed = h->leases_dirty = true;
    return s;
}

static const char *const registration_names[] = {"", "Accepted", "Pending", "Rejected"};

static enum registration registration_of(const char *name)
{
    for (int i = REG_ACCEPTED; i <= REG_REJECTED; i++)
        if (name && strcmp(name, registration_names[i]) == 0)
            return (enum registration)i;
    return REG_NONE;
}

void station_store(struct station *s)
{
    s->seen_stored_ms = s->seen_ms;
    db_put(s->hub->db, DB_STATION_PUT, NULL, "tttttttiiti", s->id, s->vendor, s->model, s->serial,
           s->firmware, registration_names[s->registration], s->boot_reason, s->booted_ms, s->seen_ms,
           registration_names[s->policy], (int64_t)s->policy_interval_s);
}

struct evse *station_evse(struct station *s, int id)
{
    if (id <= 0)
        return NULL;
    for (int i = 0; i < HUB_EVSES_MAX; i++) {
        struct evse *e = &s->evse[i];
        if (e->id == id)
            return e;
        if (e->id == 0) {
            *e = (struct evse){.id = id, .w = NAN, .register_wh = NAN};
            for (int p = 0; p < 3; p++)
                e->i[p] = e->v[p] = NAN;
            return e;
        }
    }
    return NULL;
}

void station_forget(struct station *s)
{
    struct hub *h = s->hub;
    calls_drop_all(s, "the station was forgotten");
    if (s->peer) {
        s->peer->station = NULL;
        peer_close(s->peer, "forgotten");
    }
    db_put(h->db, DB_STATION_FORGET, NULL, "t", s->id);
    share_remove(&h->share, s->share);
    for (struct station **at = &h->stations; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    free(s);
    h->changed = h->leases_dirty = true;
}

static const char *column(sqlite3_stmt *st, int i)
{
    const char *t = (const char *)sqlite3_column_text(st, i);
    return t ? t : "";
}

static bool load(struct hub *h, char *err, size_t cap)
{
    sqlite3_stmt *st = db_get(h->db, DB_STATIONS, "");
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        struct station *s = station_add(h, column(st, 0));
        if (!s)
            continue;
        snprintf(s->vendor, sizeof(s->vendor), "%s", column(st, 1));
        snprintf(s->model, sizeof(s->model), "%s", column(st, 2));
        snprintf(s->serial, sizeof(s->serial), "%s", column(st, 3));
        snprintf(s->firmware, sizeof(s->firmware), "%s", column(st, 4));
        s->registration = registration_of(column(st, 5));
        snprintf(s->boot_reason, sizeof(s->boot_reason), "%s", column(st, 6));
        s->booted_ms = sqlite3_column_int64(st, 7);
        s->seen_ms = s->seen_stored_ms = sqlite3_column_int64(st, 8);
        s->policy = registration_of(column(st, 9));
        s->policy_interval_s = sqlite3_column_int(st, 10);
        grants_load(s, column(st, 11), sqlite3_column_int64(st, 12));
    }
    if (st)
        db_done(st);
    for (struct station *s = h->stations; s; s = s->next) {
        if ((st = db_get(h->db, DB_CONNECTORS, "t", s->id))) {
            while (sqlite3_step(st) == SQLITE_ROW) {
                struct evse *e = station_evse(s, sqlite3_column_int(st, 0));
                int k = 0;
                while (e && k < 4 && e->connector[k].id)
                    k++;
                if (!e || k == 4)
                    continue;
                e->connector[k].id = sqlite3_column_int(st, 1);
                snprintf(e->connector[k].status, sizeof(e->connector[k].status), "%s", column(st, 2));
                if (e->status[0] == 0 || strcmp(e->status, "Available") == 0)
                    snprintf(e->status, sizeof(e->status), "%s", column(st, 2));
            }
            db_done(st);
        }
        if ((st = db_get(h->db, DB_TX_OPEN, "t", s->id))) {
            while (sqlite3_step(st) == SQLITE_ROW) {
                struct evse *e = station_evse(s, sqlite3_column_int(st, 1));
                if (!e)
                    continue;
                e->tx = (struct open_tx){
                    .used = true,
                    .started_ms = sqlite3_column_int64(st, 5),
                    .start_wh =
                        sqlite3_column_type(st, 6) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 6),
                    .last_wh = sqlite3_column_type(st, 7) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 7),
                    .last_seq = sqlite3_column_int64(st, 9),
                };
                snprintf(e->tx.id, sizeof(e->tx.id), "%s", column(st, 0));
                snprintf(e->tx.token, sizeof(e->tx.token), "%s", column(st, 2));
                snprintf(e->tx.charging_state, sizeof(e->tx.charging_state), "%s", column(st, 8));
                e->tx.has_charged = strcmp(e->tx.charging_state, "Charging") == 0;
                e->contactor_known = e->contactor_closed = e->tx.has_charged;
                e->tx.rejected = column(st, 3)[0] && strcmp(column(st, 3), "Accepted") != 0;
                e->tx.authorised =
                    !e->tx.rejected &&
                    (column(st, 3)[0] || sqlite3_column_type(st, 4) != SQLITE_NULL || e->tx.has_charged);
            }
            db_done(st);
        }
    }
    for (struct station *s = h->stations; s; s = s->next) {
        bool faulted = false;
        for (int k = 0; k < HUB_EVSES_MAX; k++)
            faulted = faulted || strcmp(s->evse[k].status, "Faulted") == 0;
        if (!faulted || !(st = db_get(h->db, DB_VARIABLES, "t", s->id)))
            continue;
        while (sqlite3_step(st) == SQLITE_ROW)
            if (strcmp(column(st, 4), "Problem") == 0 && strcmp(column(st, 7), "true") == 0)
                csms_fault(s, column(st, 0), NULL, true);
        db_done(st);
    }
    if (db_error(h->db)[0]) {
        snprintf(err, cap, "can't read the database: %s", db_error(h->db));
        return false;
    }
    return true;
}

static double setting_number(struct hub *h, const char *name, double otherwise)
{
    double v = otherwise;
    sqlite3_stmt *st = db_get(h->db, DB_SETTING_GET, "t", name);
    if (st) {
        if (sqlite3_step(st) == SQLITE_ROW)
            v = sqlite3_column_double(st, 0);
        db_done(st);
    }
    return v;
}

static bool in(double v, double least, double most)
{
    return v >= least && v <= most; /* false for NaN */
}

struct hub *hub_open(const struct hub_cfg *cfg, char *err, size_t cap)
{
    json_init();
    struct json_arena *arena = json_arena_use(NULL);
    struct hub *h = NULL;
    if (!(cfg->site_limit_a == 0 || in(cfg->site_limit_a, 1, 10000)) || !in(cfg->min_a, 1, 80) ||
        !in(cfg->margin_a, 0, 1000) || cfg->lease_s < 15 || cfg->lease_s > 86400 || cfg->heartbeat_s < 1 ||
        cfg->rotate_s < 10 || cfg->meter_interval_s < 0 || cfg->keep_days < 0 || !cfg->database) {
        snprintf(
            err, cap,
            "a setting is out of its range: site limit 1..10000 A, minimum 1..80 A, margin 0..1000 A, lease "
            "15..86400 s, heartbeat at least 1 s, rotation at least 10 s");
        goto out;
    }
    h = calloc(1, sizeof(*h));
    if (!h) {
        snprintf(err, cap, "out of memory");
        goto out;
    }
    h->cfg = *cfg;
    if (cfg->tokens && !(h->tokens = strdup(cfg->tokens))) {
        snprintf(err, cap, "out of memory");
        free(h);
        h = NULL;
        goto out;
    }
    h->db = db_open(cfg->database, err, cap);
    if (!h->db)
        goto fail;
    h->boots = (uint32_t)setting_number(h, "starts", 0) + 1;
    double limit = cfg->nobody_charges     ? 0
                   : cfg->site_limit_a > 0 ? cfg->site_limit_a
                                           : setting_number(h, "site_limit_a", 32);
    h->cfg.site_limit_a = limit;
    h->random = cfg->random_seed;
    if (!h->random) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        h->random = (uint64_t)ts.tv_sec * 1000000007u ^ (uint64_t)ts.tv_nsec << 20 ^ (uint64_t)getpid();
    }
    h->random ^= (uint64_t)h->boots << 32;
    const struct share_cfg share = {
        .limit_ma = (int32_t)lround(limit * 1000),
        .margin_ma = (int32_t)lround(cfg->margin_a * 1000),
        .min_ma = (int32_t)lround(cfg->min_a * 1000),
        .lease_ms = (int64_t)cfg->lease_s * 1000,
        .rotate_ms = (int64_t)cfg->rotate_s * 1000,
    };
    share_init(&h->share, &share);
    if (!load(h, err, cap))
        goto fail;
    maintenance_load(h);
    view_history_load(h);
    files_sweep(h);
    char number[32];
    snprintf(number, sizeof(number), "%u", h->boots);
    bool stored = db_put(h->db, DB_SETTING_PUT, NULL, "tt", "starts", number);
    snprintf(number, sizeof(number), "%.10g", limit);
    stored = db_put(h->db, DB_SETTING_PUT, NULL, "tt", "site_limit_a", number) && stored;
    if (!db_commit(h->db) || !stored) {
        snprintf(err, cap, "can't write to the database: %s", db_error(h->db));
        goto fail;
    }
    h->changed = true;
out:
    json_arena_use(arena);
    return h;
fail:
    json_arena_use(arena);
    hub_close(h);
    return NULL;
}

void hub_close(struct hub *h)
{
    if (!h)
        return;
    struct json_arena *arena = json_arena_use(NULL);
    h->depth++; /* what is called back now stays in lists */
    files_close(h);
    if (h->db)
        view_history_store(h);
    for (struct station *s = h->stations, *next; s; s = next) {
        next = s->next;
        calls_drop_all(s, "the hub is stopping");
        free(s);
    }
    while (h->peers) {
        struct hub_peer *p = h->peers;
        h->peers = p->next;
        free(p);
    }
    while (h->out_first) {
        struct outgoing *o = h->out_first;
        h->out_first = o->next;
        free(o);
    }
    while (h->deferred_first) {
        struct deferred *d = h->deferred_first;
        h->deferred_first = d->next;
        free(d->text);
        free(d);
    }
    share_free(&h->share);
    if (h->db)
        db_close(h->db);
    free(h->tokens);
    free(h);
    json_arena_use(arena);
}

/* ---- connections ---- */

void peer_send(struct hub_peer *p, const char *text, size_t len, const char *answer_to, bool irreplaceable)
{
    struct hub *h = p->hub;
    struct outgoing *o = malloc(sizeof(*o) + len + 1);
    if (!o) {
        peer_close(p, "out of memory");
        return;
    }
    o->next = NULL;
    o->peer = p;
    o->len = len;
    o->irreplaceable = irreplaceable;
    snprintf(o->answer_to, sizeof(o->answer_to), "%s", answer_to);
    memcpy(o->text, text, len);
    o->text[len] = 0;
    if (h->out_last)
        h->out_last->next = o;
    else
        h->out_first = o;
    h->out_last = o;
}

void peer_close(struct hub_peer *p, const char *why)
{
    if (p->closing || p->dead)
        return;
    p->closing = true;
    p->link.close(p->link.ctx, why);
}

/* Commits, then sends. */
static void flush(struct hub *h)
{
    bool stored = db_commit(h->db);
    if (!stored && !h->store_failed && h->cfg.log)
        h->cfg.log(h->cfg.log_ctx, 0, db_error(h->db));
    h->store_failed = !stored;
    while (h->out_first) {
        struct outgoing *o = h->out_first;
        h->out_first = o->next;
        if (!h->out_first)
            h->out_last = NULL;
        struct hub_peer *p = o->peer;
        /* A station gives up what is refused some times (E13.FR.04), but nothing for a lost connection. */
        if (!stored && o->irreplaceable) {
            peer_close(p, "what it has told could not be stored");
            free(o);
            continue;
        }
        if (!p->closing && !p->dead) {
            const char *text = o->text;
            size_t len = o->len;
            char refusal[256];
            if (!stored && o->answer_to[0]) { /* it must send that again */
                len = frame_error(refusal, sizeof(refusal), o->answer_to, "InternalError",
                                  "it could not be stored");
                text = refusal;
            }
            if (p->station)
                p->station->sent++;
            if (!p->link.send(p->link.ctx, text, len))
                peer_close(p, "it does not read");
        }
        free(o);
    }
}

static void peer_gone(struct hub_peer *p)
{
    struct hub *h = p->hub;
    struct station *s = p->station;
    if (s && s->peer == p) {
        s->peer = NULL;
        s->connected_ms = 0;
        s->told = false;
        calls_drop_all(s, "the station went offline");
        share_connected(&h->share, s->share, false, h->steady_ms);
        hub_log(h, s->id, "connection", 2, "disconnected");
        station_store(s);
        h->changed = h->leases_dirty = true;
    }
    for (struct outgoing *o = h->out_first, **at = &h->out_first; o; o = *at) {
        if (o->peer == p) {
            *at = o->next;
            free(o);
        } else {
            at = &o->next;
        }
    }
    h->out_last = h->out_first;
    while (h->out_last && h->out_last->next)
        h->out_last = h->out_last->next;
    if (p->prev)
        p->prev->next = p->next;
    else
        h->peers = p->next;
    if (p->next)
        p->next->prev = p->prev;
    free(p);
}

static void take_text(struct hub_peer *p, const char *text, size_t len)
{
    struct hub *h = p->hub;
    struct station *s = p->station;
    if (p->dead || p->closing || !s)
        return;
    h->messages++;
    s->received++;
    s->seen_ms = h->unix_ms;
    if (h->unix_ms - s->seen_stored_ms > 60000) {
        s->seen_stored_ms = h->unix_ms;
        db_put(h->db, DB_STATION_SEEN, NULL, "ti", s->id, s->seen_ms);
    }
    hub_log(h, s->id, "frame", 3, "< %.*s", (int)(len < 900 ? len : 900), text);
    struct frame f;
    enum frame_fault fault = frame_parse(text, len, HUB_TEXT_MAX, &f);
    if (fault != FRAME_OK) {
        hub_log(h, s->id, "protocol", 1, "%s: %s", frame_fault_code(fault), frame_fault_text(fault));
        if (f.type == FRAME_RESULT || f.type == FRAME_ERROR) {
            if (f.id_known) { /* the answer that was waited for, unreadable */
                struct frame bad = {.type = FRAME_ERROR,
                                    .id_known = true,
                                    .code = "FormatViolation",
                                    .text = "the station's answer could not be read"};
                memcpy(bad.id, f.id, sizeof(bad.id));
                calls_answer(s, &bad);
            }
        } else {
            char out[600];
            size_t n = frame_error(out, sizeof(out), f.id, frame_fault_code(fault), frame_fault_text(fault));
            peer_send(p, out, n, "", false);
        }
    } else if (f.type == FRAME_CALL) {
        csms_call(s, &f);
    } else {
        calls_answer(s, &f);
    }
    frame_free(&f);
}

static void set_time(struct hub *h, int64_t unix_ms, uint64_t now_us)
{
    int64_t mono = (int64_t)(now_us / 1000);
    if (!h->time_known) {
        h->time_known = true;
        h->base_ms = unix_ms - mono;
        h->pruned_ms = unix_ms - PRUNE_MS;
    }
    h->steady_ms = h->base_ms + mono;
    h->unix_ms = unix_ms;
    int64_t shift = unix_ms - h->steady_ms;
    if (llabs(shift - h->shift_ms) > 1500) {
        /* The wall clock was set. Leases end at a wall time: they have to be told again. */
        for (struct station *s = h->stations; s; s = s->next)
            share_refresh(&h->share, s->share);
        h->leases_dirty = true;
    }
    h->shift_ms = shift;
}

static void enter(struct hub *h, int64_t unix_ms, uint64_t now_us)
{
    h->depth++;
    set_time(h, unix_ms, now_us);
}

void hub_enter(struct hub *h, int64_t unix_ms, uint64_t now_us)
{
    enter(h, unix_ms, now_us);
}

/* Work that an event may have made necessary, until there is none; then out. */
static void leave(struct hub *h, bool step)
{
    if (h->depth > 1) {
        h->depth--;
        return;
    }
    for (int turn = 0; turn < 1000; turn++) {
        while (h->deferred_first) {
            struct deferred *d = h->deferred_first;
            h->deferred_first = d->next;
            if (!h->deferred_first)
                h->deferred_last = NULL;
            if (d->text)
                take_text(d->peer, d->text, d->len);
            else
                peer_gone(d->peer);
            free(d->text);
            free(d);
        }
        if (step || (h->leases_dirty && !h->cfg.batch))
            grants_step(h);
        if (!h->cfg.batch || step)
            flush(h);
        if (!h->deferred_first)
            break;
    }
    h->depth--;
}

void hub_leave(struct hub *h)
{
    leave(h, false);
}

static void defer(struct hub_peer *p, const char *text, size_t len)
{
    struct hub *h = p->hub;
    struct deferred *d = calloc(1, sizeof(*d));
    if (d && text) {
        d->text = malloc(len + 1);
        if (!d->text) {
            free(d);
            d = NULL;
        } else {
            memcpy(d->text, text, len);
            d->text[len] = 0;
            d->len = len;
        }
    }
    if (!d)
        return; /* a lost message is asked for again; a lost good-bye leaves a connection that times out */
    d->peer = p;
    if (h->deferred_last)
        h->deferred_last->next = d;
    else
        h->deferred_first = d;
    h->deferred_last = d;
}

/* What goes into addresses that stations are given is theirs to choose, within what an address may be. */
static void base_set(struct station *s, const char *host)
{
    s->base[0] = 0;
    if (!host || !host[0] || strlen(host) > 255)
        return;
    for (const char *c = host; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-.:[]_", *c))
            return;
    snprintf(s->base, sizeof(s->base), "http://%s", host);
}

struct hub_peer *hub_connected(struct hub *h, const char *station_id, const struct hub_link *link,
                               int64_t unix_ms, uint64_t now_us)
{
    struct json_arena *arena = json_arena_use(NULL);
    enter(h, unix_ms, now_us);
    struct station *s = station_find(h, station_id);
    if (!s)
        s = station_add(h, station_id);
    struct hub_peer *p = s ? calloc(1, sizeof(*p)) : NULL;
    if (p) {
        struct hub_peer *old = s->peer;
        if (old) { /* the station knows best which of its connections lives */
            hub_log(h, s->id, "connection", 1,
                    "connected again while still connected: the older one is closed");
            calls_drop_all(s, "the station connected anew");
            share_connected(&h->share, s->share, false, h->steady_ms);
            old->station = NULL;
        }
        p->hub = h;
        p->station = s;
        p->link = *link;
        base_set(s, link->host);
        p->next = h->peers;
        if (p->next)
            p->next->prev = p;
        h->peers = p;
        s->peer = p;
        s->told = s->asked_boot = false;
        s->connected_ms = unix_ms;
        s->seen_ms = unix_ms;
        s->first_word_by_ms = h->steady_ms + FIRST_WORD_MS;
        hub_log(h, s->id, "connection", 2, "connected");
        station_store(s);
        h->changed = true;
        if (old)
            peer_close(old, "replaced by a newer connection");
    }
    leave(h, false);
    json_arena_use(arena);
    return p;
}

void hub_text(struct hub_peer *p, const char *text, size_t len, int64_t unix_ms, uint64_t now_us)
{
    struct hub *h = p->hub;
    struct json_arena *arena = json_arena_use(NULL);
    enter(h, unix_ms, now_us);
    if (h->depth > 1)
        defer(p, text, len);
    else
        take_text(p, text, len);
    leave(h, false);
    json_arena_use(arena);
}

void hub_disconnected(struct hub_peer *p, uint64_t now_us)
{
    struct hub *h = p->hub;
    struct json_arena *arena = json_arena_use(NULL);
    enter(h, h->base_ms + (int64_t)(now_us / 1000) + h->shift_ms, now_us);
    p->dead = true;
    if (h->depth > 1)
        defer(p, NULL, 0);
    else
        peer_gone(p);
    leave(h, false);
    json_arena_use(arena);
}

uint64_t hub_step(struct hub *h, int64_t unix_ms, uint64_t now_us)
{
    struct json_arena *arena = json_arena_use(NULL);
    enter(h, unix_ms, now_us);
    for (struct station *s = h->stations; s; s = s->next) {
        calls_timeouts(s);
        /* A station that we know and that is simply back needs no BootNotification. */
        if (s->peer && !s->told && s->registration == REG_ACCEPTED && h->steady_ms >= s->first_word_by_ms)
            grants_tell(s);
    }
    if (h->cfg.keep_days && h->unix_ms - h->pruned_ms >= PRUNE_MS) {
        h->pruned_ms = h->unix_ms;
        int64_t before = h->unix_ms - (int64_t)h->cfg.keep_days * 86400000;
        db_put(h->db, DB_METER_PRUNE, NULL, "i", before);
        db_put(h->db, DB_LOG_PRUNE, NULL, "i", before);
        files_prune(h, before);
    }
    view_history_step(h);
    leave(h, true);
    int64_t next = grants_wake(h);
    for (struct station *s = h->stations; s; s = s->next) {
        int64_t at = calls_deadline(s);
        if (at < next)
            next = at;
        if (s->peer && !s->told && s->registration == REG_ACCEPTED && s->first_word_by_ms < next)
            next = s->first_word_by_ms;
    }
    if (next > h->steady_ms + 1000)
        next = h->steady_ms + 1000; /* graces of cars that pause are looked at every second */
    if (next <= h->steady_ms)
        next = h->steady_ms + 1;
    json_arena_use(arena);
    return (uint64_t)(next - h->base_ms) * 1000;
}

void hub_request(struct hub *h, const char *method, const char *path, const char *query, const char *body,
                 hub_reply *reply, void *ctx, int64_t unix_ms, uint64_t now_us)
{
    struct json_arena *arena = json_arena_use(NULL);
    enter(h, unix_ms, now_us);
    api_request(h, method, path, query ? query : "", body ? body : "", reply, ctx);
    leave(h, false);
    json_arena_use(arena);
}

void hub_forget_reply(struct hub *h, void *ctx)
{
    calls_forget_reply(h, ctx);
}

bool hub_snapshot(struct hub *h, char *buf, size_t cap, size_t *len)
{
    *len = 0;
    if (!h->changed || !h->time_known)
        return false;
    struct json_arena *arena = json_arena_use(NULL);
    cJSON *o = view_site(h);
    cJSON *list = json_add_array(o, "station_list");
    for (struct station *s = h->stations; s; s = s->next)
        cJSON_AddItemToArray(list, view_station(s, false));
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    json_arena_use(arena);
    if (!text)
        return false;
    size_t n = strlen(text);
    *len = n;
    bool fits = n < cap;
    if (fits) {
        memcpy(buf, text, n + 1);
        h->changed = false;
    }
    cJSON_free(text);
    return fits;
}
