#include "tests/update/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTORY_VERSION "1.0.0"
enum { STEP_US = 50000, REGISTERED_US = 2000000 };

/* ---- port ---- */

static uint64_t rig_now(void *ctx)
{
    const struct rig *r = ctx;
    return r->now_us - r->boot_us;
}

static void rig_wake(void *ctx)
{
    (void)ctx;
}

static void rig_log(void *ctx, int level, const char *text)
{
    const struct rig *r = ctx;
    (void)level;
    if (getenv("UPDATE_VERBOSE"))
        fprintf(stderr, "%9.2f %s: %s\n", (double)r->now_us / 1e6, r->version, text);
}

/* ---- http ---- */

static bool http_start(void *ctx, const struct http_request *q, const struct http_up *up)
{
    struct rig *r = ctx;
    struct rig_server *s = &r->server;
    if (r->requesting || s->busy)
        return false;
    s->requests++;
    r->up = *up;
    r->requesting = true;
    r->in_request = 0;
    r->at = s->no_range || (q->validator && strcmp(q->validator, s->etag) != 0) ? 0 : q->from;
    return true;
}

static void http_end(struct rig *r, enum http_end how, const char *why)
{
    r->requesting = false;
    r->up.done(r->up.ctx, how, why);
}

static void http_cancel(void *ctx)
{
    struct rig *r = ctx;
    if (r->requesting)
        http_end(r, HTTP_CANCELLED, "cancelled");
}

/* One piece of what is on the way. */
static void http_step(struct rig *r)
{
    struct rig_server *s = &r->server;
    if (!r->requesting)
        return;
    if (!s->file) {
        http_end(r, HTTP_LOST, "no answer");
        return;
    }
    if (r->in_request == 0) {
        if (s->refuse) {
            s->refuse--;
            http_end(r, HTTP_REFUSED, "404");
            return;
        }
        const struct http_head head = {.status = r->at ? 206 : 200,
                                       .from = r->at,
                                       .total = s->no_total ? -1 : (int64_t)s->len,
                                       .validator = s->etag};
        if (!r->up.head(r->up.ctx, &head)) {
            http_end(r, HTTP_CANCELLED, "cancelled");
            return;
        }
    }
    size_t n = s->chunk;
    if (n > s->len - r->at)
        n = s->len - r->at;
    bool broken = s->break_after && s->breaks && r->in_request + n >= s->break_after;
    if (broken)
        n = s->break_after - r->in_request;
    r->in_request += n ? n : 1;
    r->at += n;
    s->sent += n;
    if (n && !r->up.body(r->up.ctx, s->file + r->at - n, n)) {
        http_end(r, HTTP_CANCELLED, "cancelled");
    } else if (broken) {
        s->breaks--;
        http_end(r, HTTP_LOST, "the line broke");
    } else if (r->at == s->len) {
        http_end(r, HTTP_DONE, "");
    }
}

/* ---- making ---- */

void rig_open(struct rig *r, uint32_t slot_sectors)
{
    char err[200];
    memset(r, 0, sizeof *r);
    r->slot_bytes = slot_sectors * PORT_FLASH_SECTOR;
    uint32_t journal = RIG_JOURNAL_SECTORS * PORT_FLASH_SECTOR;
    r->chip = flash_file_open(NULL, journal + 2 * r->slot_bytes + 2 * PORT_FLASH_SECTOR, err, sizeof err);
    if (!r->chip) {
        fprintf(stderr, "%s\n", err);
        abort();
    }
    struct port_flash chip;
    flash_file_port(r->chip, &chip);
    flash_part_make(&r->part[0], &chip, 0, journal, &r->journal_area);
    flash_part_make(&r->part[1], &chip, journal, r->slot_bytes, &r->slots.slot[0]);
    flash_part_make(&r->part[2], &chip, journal + r->slot_bytes, r->slot_bytes, &r->slots.slot[1]);
    flash_part_make(&r->part[3], &chip, journal + 2 * r->slot_bytes, 2 * PORT_FLASH_SECTOR,
                    &r->slots.records);
    r->trust = *trust_built_in();
    r->trust.development = false;
    r->server.chunk = 1460; /* a TCP segment over Ethernet */
    r->server.etag = "\"one\"";
    r->http = (struct http){.ctx = r, .start = http_start, .cancel = http_cancel};
    r->wall_known = true;
    r->wall_0_ms = 1714979289000;
    r->port = (struct port){.ctx = r, .now_us = rig_now, .wake_comms = rig_wake};
}

void rig_close(struct rig *r)
{
    flash_file_close(r->chip);
}

void rig_factory(struct rig *r, const void *image, size_t len)
{
    const struct port_flash *f = &r->slots.slot[0];
    if (f->program(f->ctx, 0, image, len) != PORT_OK)
        abort();
    r->factory = image;
    r->factory_len = len;
}

/* ---- life ---- */

static bool holds(const struct rig *r, int slot, const void *image, size_t len)
{
    const struct port_flash *f = &r->slots.slot[slot];
    uint8_t page[PORT_FLASH_SECTOR];
    for (size_t at = 0; at < len; at += sizeof page) {
        size_t n = len - at < sizeof page ? len - at : sizeof page;
        if (f->read(f->ctx, (uint32_t)at, page, n) != PORT_OK ||
            memcmp(page, (const uint8_t *)image + at, n) != 0)
            return false;
    }
    return true;
}

void rig_boot(struct rig *r)
{
    r->requesting = false;
    r->boots++;
    r->boot_us = r->now_us;
    r->probation_steps = 0;
    r->slots.factory[0] = r->factory && holds(r, 0, r->factory, r->factory_len);
    r->dead = !slots_boot(&r->slots);
    if (r->dead)
        return;
    struct manifest m;
    if (r->slots.factory[r->slots.running]) {
        (void)strcpy(r->version, FACTORY_VERSION);
        r->security = 0;
    } else if (slots_manifest(&r->slots, r->slots.running, &m)) {
        (void)strcpy(r->version, m.version);
        r->security = m.security;
    }
    slots_port(&r->slots, &r->port.firmware);
    bool formatted;
    bool mounted = journal_mount(&r->journal, &r->journal_area, &formatted) == PORT_OK;
    const struct update_cfg cfg = {.port = &r->port,
                                   .journal = mounted ? &r->journal : NULL,
                                   .http = &r->http,
                                   .trust = &r->trust,
                                   .security = r->security,
                                   .version = r->version,
                                   .log = rig_log,
                                   .log_ctx = r};
    update_init(&r->update, &cfg);
}

static bool behaves(const struct rig *r, const char *how)
{
    return strstr(r->version, how) != NULL;
}

static void look(const struct rig *r, struct update_in *in)
{
    uint64_t now = rig_now((void *)(uintptr_t)r);
    bool registered = !r->offline && !behaves(r, "-deaf") && now >= REGISTERED_US;
    *in = (struct update_in){
        .now_us = now,
        .wall_known = r->wall_known && (registered || now > REGISTERED_US),
        .wall_ms = r->wall_0_ms + (int64_t)(r->now_us / 1000),
        .busy = r->busy,
        .contactor_closed = r->contactor,
        .online = registered,
        .floor = r->floor,
        .probation = {.now_us = now,
                      .limit_s = 600,
                      .self_test = now > 500000 && !behaves(r, "-pilot"),
                      .meter_valid = !r->meter_dead && !behaves(r, "-blind"),
                      .v_mv = {230000, 231000, behaves(r, "-scale") ? 23000 : 229000},
                      .import_total_uwh = behaves(r, "-forgets") ? 5 : 7000000000u + r->charged_uwh,
                      .settings_defaulted = behaves(r, "-settings") ? 3 : 0,
                      .server_set = true,
                      .registered = registered,
                      .contactor_closed = r->contactor},
    };
}

bool rig_step(struct rig *r)
{
    struct update_in in;
    uint64_t due = UINT64_MAX;
    if (r->dead)
        return false;
    http_step(r);
    if (r->update.stage == STAGE_PROBATION && behaves(r, "-crash") && ++r->probation_steps >= r->crash_at) {
        r->resets++;
        r->port.reset_reason = PORT_RESET_PANIC;
        rig_boot(r);
        return !r->dead;
    }
    look(r, &in);
    enum update_wish wish = update_step(&r->update, &in, &due);
    if (!r->contactor)
        (void)journal_tidy(&r->journal, 1);
    struct update_report report;
    if (in.online && !r->deaf && update_report(&r->update, &report)) {
        if (r->heard_count < RIG_HEARD_MAX && !flash_file_is_cut(r->chip))
            r->heard[r->heard_count++] = report;
        update_told(&r->update);
    }
    if (wish == UPDATE_REBOOT && !r->contactor && !r->busy && !flash_file_is_cut(r->chip)) {
        r->resets++;
        r->port.reset_reason = PORT_RESET_SOFTWARE;
        rig_boot(r);
        return !r->dead;
    }
    uint64_t now = rig_now(r), next = r->requesting ? now + STEP_US / 50 : due < now ? now : due;
    if (next > now + STEP_US * 20)
        next = now + STEP_US * 20;
    r->now_us += next > now ? next - now : 1000;
    return r->update.stage != STAGE_IDLE || r->update.reports || now < 2 * REGISTERED_US;
}

void rig_run(struct rig *r, uint64_t seconds)
{
    uint64_t until = r->now_us + seconds * 1000000u;
    while (r->now_us < until && !flash_file_is_cut(r->chip) && rig_step(r))
        ;
}

enum update_answer rig_ask(struct rig *r, int32_t id, const struct update_request *more)
{
    const char *why;
    struct update_request q = more ? *more : (struct update_request){.retries = -1, .retry_interval_s = -1};
    q.request_id = id;
    if (!q.url)
        q.url = "http://server/file";
    return update_ask(&r->update, &q, &why);
}

const char *rig_heard(const struct rig *r, int32_t id, char *text, size_t cap)
{
    size_t n = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < r->heard_count; i++)
        if (r->heard[i].request_id == id && n < cap)
            n += (size_t)snprintf(text + n, cap - n, "%s%s", n ? " " : "",
                                  update_status_name(r->heard[i].status));
    return text;
}

enum update_status rig_last(const struct rig *r, int32_t id)
{
    for (unsigned i = r->heard_count; i-- > 0;)
        if (r->heard[i].request_id == id)
            return r->heard[i].status;
    return UPDATE_IDLE;
}

bool rig_runs(const struct rig *r, const void *image, size_t len)
{
    return !r->dead && holds(r, r->slots.running, image, len);
}
