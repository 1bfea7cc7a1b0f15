/*
 * calls: the CALLs from the hub to one station: a queue of which only the first is under way (one outstanding
 * CALL per direction), message ids that are never used twice, time-outs, and who gets the answer.
 */
#include "hub/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void call_free(struct call *c)
{
    free(c->action);
    cJSON_free(c->payload);
    free(c);
}

static char *copy(const char *s)
{
    size_t n = strlen(s) + 1;
    char *c = malloc(n);
    if (c)
        memcpy(c, s, n);
    return c;
}

static bool queue(struct station *s, enum call_kind kind, const char *action, cJSON *payload,
                  hub_reply *reply, void *ctx, int evse, int64_t request)
{
    struct hub *h = s->hub;
    struct call *c = NULL;
    if (s->peer && (s->call_count < HUB_QUEUE_MAX || kind == CALL_LEASE || kind == CALL_FALLBACK))
        c = calloc(1, sizeof(*c));
    if (c) {
        c->action = copy(action);
        c->payload = payload ? cJSON_PrintUnformatted(payload) : NULL;
    }
    cJSON_Delete(payload);
    if (!c)
        return false;
    if (!c->action || !c->payload) {
        call_free(c);
        return false;
    }
    c->kind = kind;
    c->reply = reply;
    c->reply_ctx = ctx;
    c->evse = evse;
    c->request = request;
    /* Starts of the hub are counted, so ids stay unique over restarts even if the random part does not. */
    snprintf(c->id, sizeof(c->id), "h%x-%08x-%x", h->boots, hub_random(h), ++h->last_id);
    c->deadline_ms =
        h->steady_ms + (kind == CALL_LEASE || kind == CALL_FALLBACK ? LEASE_TIMEOUT_MS : CALL_TIMEOUT_MS);
    /* Leases go first: other cars wait for them. */
    struct call **at = &s->calls;
    if (kind == CALL_LEASE || kind == CALL_FALLBACK)
        while (*at && ((*at)->sent || (*at)->kind == CALL_LEASE || (*at)->kind == CALL_FALLBACK))
            at = &(*at)->next;
    else
        while (*at)
            at = &(*at)->next;
    c->next = *at;
    *at = c;
    s->call_count++;
    calls_pump(s);
    return true;
}

bool call_queue(struct station *s, enum call_kind kind, const char *action, cJSON *payload, hub_reply *reply,
                void *ctx, int evse)
{
    return queue(s, kind, action, payload, reply, ctx, evse, 0);
}

bool call_queue_request(struct station *s, enum call_kind kind, const char *action, cJSON *payload,
                        hub_reply *reply, void *ctx, int64_t request)
{
    return queue(s, kind, action, payload, reply, ctx, 0, request);
}

void calls_pump(struct station *s)
{
    struct call *c = s->calls;
    if (!c || c->sent || !s->peer)
        return;
    size_t cap = strlen(c->payload) + strlen(c->action) + FRAME_ID_BYTES + 32;
    char *text = malloc(cap);
    size_t len = text ? frame_call_text(text, cap, c->id, c->action, c->payload, strlen(c->payload)) : 0;
    c->sent = true;
    if (len) {
        hub_log(s->hub, s->id, "frame", 3, "> %.900s", text);
        peer_send(s->peer, text, len, "", false);
    } /* else: it times out */
    free(text);
}

static void reply_error(struct call *c, int status, const char *code, const char *why)
{
    if (!c->reply)
        return;
    cJSON *o = cJSON_CreateObject();
    if (code) {
        cJSON *e = json_add_object(o, "error");
        json_add_text(e, "code", code);
        json_add_text(e, "description", why);
    } else {
        json_add_text(o, "error", why);
    }
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    c->reply(c->reply_ctx, status, text ? text : "{\"error\":\"out of memory\"}");
    cJSON_free(text);
}

/* The call has ended. `f` NULL: without an answer, because of `why`. */
static void finish(struct station *s, struct call *c, const struct frame *f, int status, const char *why)
{
    struct hub *h = s->hub;
    const char *said = f && f->type == FRAME_RESULT ? json_text(f->payload, "status", 40) : NULL;
    bool accepted = f && f->type == FRAME_RESULT && (!said || strcmp(said, "Accepted") == 0);
    switch (c->kind) {
    case CALL_LEASE:
    case CALL_FALLBACK: {
        enum share_answer a = accepted ? SHARE_ACCEPTED : f || !c->sent ? SHARE_REFUSED : SHARE_NO_ANSWER;
        grants_answer(s, c, a);
        break;
    }
    case CALL_AUTO_START: {
        struct evse *e = station_evse(s, c->evse);
        if (e && !accepted)
            e->auto_at_ms = h->steady_ms + AUTO_RETRY_MS;
        else if (e)
            e->auto_wanted = false;
        h->changed = true;
        break;
    }
    case CALL_SETUP:
        if (f && f->type == FRAME_RESULT && strcmp(c->action, "GetVariables") == 0)
            csms_variables(s, f->payload);
        break;
    case CALL_GET_LOG:
    case CALL_UPDATE:
        maintenance_answered(s, c,
                             said ? said
                             : f  ? f->type == FRAME_ERROR ? "Refused" : "Accepted"
                                  : "",
                             f && f->type == FRAME_RESULT ? json_text(f->payload, "filename", 255) : NULL);
        break;
    case CALL_API:
    case CALL_CLEAR:
        break;
    }
    if (!accepted || c->kind == CALL_API || c->request) {
        const cJSON *info = f && f->type == FRAME_RESULT ? json_object(f->payload, "statusInfo") : NULL;
        const char *reason = info ? json_text(info, "reasonCode", 20) : NULL;
        hub_log(h, s->id, "call", accepted ? 2 : 1, "%s: %s%s%s", c->action,
                f && f->type == FRAME_ERROR ? f->code
                : said                      ? said
                : f                         ? "answered"
                                            : why,
                reason ? ", " : "",
                reason                                   ? reason
                : f && f->type == FRAME_ERROR && f->text ? f->text
                                                         : "");
    }
    if (c->reply && f && f->type == FRAME_RESULT) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddItemToObject(o, "result", cJSON_Duplicate(f->payload, true));
        if (c->request)
            json_add_int(o, "request", c->request);
        char *text = cJSON_PrintUnformatted(o);
        cJSON_Delete(o);
        c->reply(c->reply_ctx, 200, text ? text : "{\"error\":\"out of memory\"}");
        cJSON_free(text);
    } else if (f) {
        reply_error(c, 200, f->code, f->text ? f->text : "");
    } else {
        reply_error(c, status, NULL, why);
    }
    call_free(c);
}

static struct call *take(struct station *s, struct call **at)
{
    struct call *c = *at;
    *at = c->next;
    s->call_count--;
    return c;
}

void calls_answer(struct station *s, const struct frame *f)
{
    struct call *c = s->calls;
    if (!c || !c->sent || strcmp(c->id, f->id) != 0) {
        hub_log(s->hub, s->id, "protocol", 1, "answer to no call, or too late: %s", f->id);
        return;
    }
    finish(s, take(s, &s->calls), f, 0, NULL);
    calls_pump(s);
}

void calls_timeouts(struct station *s)
{
    for (struct call **at = &s->calls; *at;) {
        if (s->hub->steady_ms < (*at)->deadline_ms) {
            at = &(*at)->next;
            continue;
        }
        bool sent = (*at)->sent;
        finish(s, take(s, at), NULL, 504,
               sent ? "the station has not answered in time: look at its log, try again"
                    : "the station was still busy with another call: try again");
        at = &s->calls; /* the list may have changed */
    }
    calls_pump(s);
}

void calls_drop_all(struct station *s, const char *why)
{
    while (s->calls)
        finish(s, take(s, &s->calls), NULL, 409, why);
}

int64_t calls_deadline(const struct station *s)
{
    int64_t at = INT64_MAX;
    for (const struct call *c = s->calls; c; c = c->next)
        if (c->deadline_ms < at)
            at = c->deadline_ms;
    return at;
}

void calls_forget_reply(struct hub *h, void *ctx)
{
    for (struct station *s = h->stations; s; s = s->next)
        for (struct call *c = s->calls; c; c = c->next)
            if (c->reply && c->reply_ctx == ctx)
                c->reply = NULL;
}
