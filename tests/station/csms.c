#include "tests/station/csms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ocpp/frame.h"

static char *copy(const char *s, size_t n)
{
    char *p = malloc(n + 1);
    if (!p)
        abort();
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static void later(struct csms *c, const char *text)
{
    if (c->waiting_n == (int)(sizeof c->waiting / sizeof c->waiting[0]))
        abort();
    c->waiting[c->waiting_n++] = copy(text, strlen(text));
}

static void stamp(const struct csms *c, char *buf, size_t cap)
{
    time_t t = (time_t)((c->unix_ms0 + (int64_t)(sim_station_time_us(c->station) / 1000)) / 1000);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(buf, cap, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void answer(struct csms *c, const struct frame *f)
{
    char now[40], payload[300] = "{}", text[600];
    stamp(c, now, sizeof now);
    if (!strcmp(f->action, "BootNotification"))
        snprintf(payload, sizeof payload, "{\"currentTime\":\"%s\",\"interval\":60,\"status\":\"%s\"}", now,
                 c->boot_status);
    else if (!strcmp(f->action, "Heartbeat"))
        snprintf(payload, sizeof payload, "{\"currentTime\":\"%s\"}", now);
    else if (!strcmp(f->action, "Authorize") ||
             (!strcmp(f->action, "TransactionEvent") && cJSON_GetObjectItem(f->payload, "idToken")))
        snprintf(payload, sizeof payload, "{\"idTokenInfo\":{\"status\":\"%s\"}}", c->token_status);
    else if (!strcmp(f->action, "DataTransfer"))
        snprintf(payload, sizeof payload, "{\"status\":\"%s\"}",
                 c->transfer_status ? c->transfer_status : "Accepted");
    frame_result_text(text, sizeof text, f->id, payload, strlen(payload));
    later(c, text);
}

static bool on_send(void *ctx, const char *text, size_t len)
{
    struct csms *c = ctx;
    if (!c->open)
        return false;
    if (c->cut)
        return true; /* into the void, as a pulled cable */
    struct frame f;
    if (frame_parse(text, len, 65536, &f) != FRAME_OK) {
        fprintf(stderr, "station sent what is no frame: %.*s\n", (int)len, text);
        abort();
    }
    char *payload = f.payload ? cJSON_PrintUnformatted(f.payload) : copy("{}", 2);
    if (f.type == FRAME_CALL) {
        if (c->calls == CSMS_CALLS)
            abort();
        c->call[c->calls++] = (struct csms_call){copy(f.action, strlen(f.action)),
                                                 copy(payload, strlen(payload)), copy(f.id, strlen(f.id))};
        answer(c, &f);
    } else {
        free(c->answer);
        c->answer = f.type == FRAME_RESULT ? copy(payload, strlen(payload)) : copy(text, len);
    }
    cJSON_free(payload);
    frame_free(&f);
    return true;
}

static bool on_open(void *ctx, const struct transport_target *target, const struct transport_up *up)
{
    struct csms *c = ctx;
    snprintf(c->url, sizeof c->url, "%s", target->url);
    c->up = *up;
    c->opening = true;
    return true;
}

static void closed(struct csms *c, const char *why)
{
    bool was = c->open || c->opening;
    c->open = c->opening = false;
    while (c->waiting_n)
        free(c->waiting[--c->waiting_n]);
    if (was)
        c->up.closed(c->up.ctx, why);
}

static void on_close(void *ctx, const char *why)
{
    closed(ctx, why);
}

static void on_cut(void *ctx, bool cut)
{
    ((struct csms *)ctx)->cut = cut;
}

static void on_reset(void *ctx)
{
    struct csms *c = ctx;
    c->open = c->opening = false;
    while (c->waiting_n)
        free(c->waiting[--c->waiting_n]);
}

void csms_network(struct csms *c, struct sim_network *out)
{
    *out = (struct sim_network){
        .ctx = c,
        .transport = {.ctx = c, .open = on_open, .send = on_send, .close = on_close},
        .cut = on_cut,
        .reset = on_reset,
    };
}

void csms_pump(struct csms *c)
{
    if (c->opening && !c->cut) {
        if (c->refuse || (c->refuse_url && strstr(c->url, c->refuse_url))) {
            c->refused++;
            closed(c, "connection refused");
            return;
        }
        c->opening = false;
        c->open = true;
        c->up.opened(c->up.ctx, "ocpp2.0.1");
    }
    while (c->open && !c->cut && c->waiting_n) {
        char *text = c->waiting[0];
        memmove(c->waiting, c->waiting + 1, (size_t)--c->waiting_n * sizeof c->waiting[0]);
        c->up.text(c->up.ctx, text, strlen(text));
        free(text);
    }
}

void csms_call(struct csms *c, const char *action, const char *payload)
{
    char id[20], text[4000];
    snprintf(id, sizeof id, "server-%d", c->next_id++);
    if (!frame_call_text(text, sizeof text, id, action, payload, strlen(payload)))
        abort();
    free(c->answer);
    c->answer = NULL;
    later(c, text);
}

void csms_hang_up(struct csms *c)
{
    closed(c, "server went away");
}

const char *csms_find(const struct csms *c, int from, const char *action, const char *part, int n)
{
    for (int i = from; i < c->calls; i++)
        if (!strcmp(c->call[i].action, action) && (!part || strstr(c->call[i].payload, part)) && n-- == 0)
            return c->call[i].payload;
    return NULL;
}

int csms_count(const struct csms *c, int from, const char *action, const char *part)
{
    int n = 0;
    while (csms_find(c, from, action, part, n))
        n++;
    return n;
}

void csms_free(struct csms *c)
{
    for (int i = 0; i < c->calls; i++) {
        free(c->call[i].action);
        free(c->call[i].payload);
        free(c->call[i].id);
    }
    while (c->waiting_n)
        free(c->waiting[--c->waiting_n]);
    free(c->answer);
}
