/* log_upload: one PUT after the other until the file is there; see log_upload.h. */
#include "station/log_upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/station.h"

enum {
    RETRIES = 3,       /* if the server leaves them to us */
    RETRIES_MAX = 100, /* a request may ask for more; nobody is served by it */
    INTERVAL_S = 60,
    INTERVAL_MAX_S = 86400,
    IDLE_TIMEOUT_S = 30,
    BUSY_US = 1000000, /* an update is being downloaded: the one client is asked again */
};

/* ---- the HTTP client's up-calls: inside its calls or its service loop, so they only take notes ---- */

static size_t fill(void *ctx, void *buf, size_t cap)
{
    struct station *s = ctx;
    return s->upload.phase == LOG_UPLOAD_RUNNING ? log_file_fill(&s->upload.file, buf, cap) : 0;
}

static bool rewound(void *ctx)
{
    struct station *s = ctx;
    log_file_rewind(&s->upload.file);
    return true;
}

static bool head(void *ctx, const struct http_head *h)
{
    struct station *s = ctx;
    s->upload.status = h->status;
    return true;
}

static void done(void *ctx, enum http_end how, const char *why)
{
    struct station *s = ctx;
    struct log_upload *u = &s->upload;
    if (u->phase != LOG_UPLOAD_RUNNING) /* of one that was replaced */
        return;
    u->how = how;
    if (how == HTTP_REFUSED && why)
        u->status = atoi(why); /* it begins with it */
    (void)snprintf(u->why, sizeof u->why, "%s", why && why[0] ? why : "no reason given");
    u->phase = LOG_UPLOAD_ENDED;
    s->port->wake_comms(s->port->ctx);
}

/* ---- start ---- */

static void clear(struct station *s)
{
    struct log_upload *u = &s->upload;
    bool running = u->phase == LOG_UPLOAD_RUNNING;
    if (u->phase != LOG_UPLOAD_IDLE)
        log_file_end(&u->file);
    u->phase = LOG_UPLOAD_IDLE;
    if (running)
        s->http->cancel(s->http->ctx);
}

static void name_file(struct station *s, const struct ocpp_log_request *r)
{
    struct log_upload *u = &s->upload;
    char id[40];
    size_t n = 0;
    for (const char *p = settings_text(&s->settings, SETTING_station_id); *p && n + 1 < sizeof id; p++)
        id[n++] = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ? *p : '-';
    id[n] = '\0';
    (void)snprintf(u->name, sizeof u->name, "%s-%s-%08" PRIx32 "-%lu.txt", id,
                   r->security ? "security" : "diagnostics", s->log.boot,
                   (unsigned long)(s->port->now_us(s->port->ctx) / 1000000));
}

bool log_upload_start(struct station *s, const struct ocpp_log_request *r)
{
    struct log_upload *u = &s->upload;
    size_t len = strlen(r->url);
    if (!s->http || !len || len > 512)
        return false;
    clear(s);
    *u = (struct log_upload){.phase = LOG_UPLOAD_WAITING, .due_us = s->port->now_us(s->port->ctx)};
    u->tries_left = 1 + (r->retries < 0 ? RETRIES : r->retries > RETRIES_MAX ? RETRIES_MAX : r->retries);
    u->interval_s = (uint32_t)(r->retry_interval_s < 0                ? INTERVAL_S
                               : r->retry_interval_s > INTERVAL_MAX_S ? INTERVAL_MAX_S
                                                                      : r->retry_interval_s);
    name_file(s, r);
    /* An address that ends in a slash is a folder's. */
    (void)snprintf(u->url, sizeof u->url, "%s%s", r->url, r->url[len - 1] == '/' ? u->name : "");
    log_file_begin(&u->file, s, r->security, r->from_ms, r->to_ms);
    return true;
}

/* ---- steps ---- */

static bool scheme_is(const char *url, const char *scheme)
{
    for (; *scheme; url++, scheme++)
        if ((*url | 0x20) != *scheme && *url != *scheme)
            return false;
    return true;
}

/* What a refusal says about trying again. */
static enum ocpp_upload meaning(const struct log_upload *u)
{
    if (u->how == HTTP_BAD)
        return OCPP_UPLOAD_BAD;
    if (u->how != HTTP_REFUSED)
        return OCPP_UPLOAD_FAILED;
    switch (u->status) {
    case 400:
        return OCPP_UPLOAD_BAD;
    case 401:
    case 403:
        return OCPP_UPLOAD_DENIED;
    case 405:
    case 501:
        return OCPP_UPLOAD_UNSUPPORTED;
    default:
        return OCPP_UPLOAD_FAILED;
    }
}

static void end(struct station *s)
{
    log_file_end(&s->upload.file);
    s->upload.phase = LOG_UPLOAD_IDLE;
}

static bool begin(struct station *s, uint64_t now_us, enum ocpp_upload *told)
{
    struct log_upload *u = &s->upload;
    if (!scheme_is(u->url, "http://") && !scheme_is(u->url, "https://")) {
        bool other = strstr(u->url, "://") != NULL;
        log_upload_failed(&s->log, now_us,
                          other ? "only http and https are possible" : "the address is none");
        *told = other ? OCPP_UPLOAD_UNSUPPORTED : OCPP_UPLOAD_BAD;
        end(s);
        return true;
    }
    const struct http_request request = {
        .method = HTTP_PUT,
        .url = u->url,
        .length = u->file.length,
        .content_type = "text/plain; charset=utf-8",
        .filename = u->name,
        .idle_timeout_s = IDLE_TIMEOUT_S,
    };
    const struct http_up up = {.ctx = s, .head = head, .fill = fill, .rewind = rewound, .done = done};
    log_file_rewind(&u->file);
    u->status = 0;
    u->phase = LOG_UPLOAD_RUNNING;
    if (!s->http->start(s->http->ctx, &request, &up)) {
        u->phase = LOG_UPLOAD_WAITING;
        u->due_us = now_us + BUSY_US;
        return false;
    }
    u->tries_left--;
    if (u->begun)
        return false;
    u->begun = true;
    log_upload_begun(&s->log, now_us, u->name);
    *told = OCPP_UPLOAD_BEGUN;
    return true;
}

static bool ended(struct station *s, uint64_t now_us, enum ocpp_upload *told)
{
    struct log_upload *u = &s->upload;
    *told = u->how == HTTP_DONE ? OCPP_UPLOAD_DONE : meaning(u);
    if (*told == OCPP_UPLOAD_DONE) {
        log_upload_done(&s->log, now_us, u->file.length > INT32_MAX ? INT32_MAX : (int32_t)u->file.length);
    } else if (*told == OCPP_UPLOAD_FAILED && u->tries_left > 0) {
        log_upload_again(&s->log, now_us, (int32_t)u->interval_s, u->why);
        u->phase = LOG_UPLOAD_WAITING;
        u->due_us = now_us + (uint64_t)u->interval_s * 1000000;
        return false;
    } else {
        log_upload_failed(&s->log, now_us, u->why);
    }
    end(s);
    return true;
}

bool log_upload_step(struct station *s, uint64_t now_us, enum ocpp_upload *told, uint64_t *due_us)
{
    struct log_upload *u = &s->upload;
    bool news = false;
    if (u->phase == LOG_UPLOAD_WAITING && now_us >= u->due_us)
        news = begin(s, now_us, told);
    else if (u->phase == LOG_UPLOAD_ENDED)
        news = ended(s, now_us, told);
    *due_us = u->phase == LOG_UPLOAD_WAITING ? u->due_us : u->phase == LOG_UPLOAD_ENDED ? now_us : UINT64_MAX;
    return news;
}
