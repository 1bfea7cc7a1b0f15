#include "update/download.h"

#include <stdio.h>
#include <string.h>

/* Neither a byte nor an end for this long: the connection is taken for dead. */
enum { IDLE_TIMEOUT_S = 30 };

void download_init(struct download *d, const struct http *http, const struct port_flash *slot,
                   void (*ended)(void *ctx), void *ctx)
{
    memset(d, 0, sizeof *d);
    d->http = http;
    d->slot = slot;
    d->ended = ended;
    d->ctx = ctx;
}

/* The first reason is the reason. */
static bool give_up(struct download *d, enum download_state state, const char *why)
{
    if (d->state == DOWNLOAD_RUNNING) {
        d->state = state;
        (void)snprintf(d->why, sizeof d->why, "%s", why);
    }
    return false;
}

static bool write_out(struct download *d)
{
    size_t pad = (PORT_FLASH_PAGE - d->fill % PORT_FLASH_PAGE) % PORT_FLASH_PAGE;
    memset(d->buffer + d->fill, 0xFF, pad);
    if (d->fill && d->slot->program(d->slot->ctx, d->got, d->buffer, d->fill + pad) != PORT_OK)
        return give_up(d, DOWNLOAD_FLASH, "the slot can't be written");
    d->got += (uint32_t)d->fill;
    d->fill = 0;
    return true;
}

/* ---- up-calls ---- */

static bool on_head(void *ctx, const struct http_head *head)
{
    struct download *d = ctx;
    uint64_t whole = (uint64_t)MANIFEST_BYTES + d->size;
    if (d->state != DOWNLOAD_RUNNING)
        return false;
    /* First this: another file has another length too. */
    if (d->image && d->validator[0] && head->validator[0] && strcmp(head->validator, d->validator) != 0)
        return give_up(d, DOWNLOAD_CHANGED, "the file has changed on the server");
    if (d->image && head->total >= 0 && (uint64_t)head->total != whole)
        return give_up(d, DOWNLOAD_WRONG, "the file's length is not what its manifest says");
    if (head->from > (uint64_t)MANIFEST_BYTES + d->got)
        return give_up(d, DOWNLOAD_LOST, "the server left bytes out");
    d->at = head->from;
    if (!d->validator[0] && strlen(head->validator) < sizeof d->validator)
        (void)snprintf(d->validator, sizeof d->validator, "%s", head->validator);
    return true;
}

/* Bytes of the file's first MANIFEST_BYTES. */
static bool take_manifest(struct download *d, const uint8_t *p, size_t len)
{
    if (!d->image)
        memcpy(d->manifest + d->at, p, len);
    else if (memcmp(d->manifest + d->at, p, len) != 0)
        return give_up(d, DOWNLOAD_CHANGED, "the file has changed on the server");
    d->at += len;
    if (!d->image && d->at == MANIFEST_BYTES) {
        d->manifest_got = MANIFEST_BYTES;
        d->state = DOWNLOAD_DONE;
        return false; /* the rest is asked for when there is room for it */
    }
    return true;
}

static bool take_image(struct download *d, const uint8_t *p, size_t len)
{
    while (len) {
        uint64_t next = (uint64_t)MANIFEST_BYTES + d->got + d->fill;
        if (d->at < next) { /* there already: this server sends from the beginning */
            size_t skip = next - d->at < len ? (size_t)(next - d->at) : len;
            d->at += skip;
            p += skip;
            len -= skip;
            continue;
        }
        if (d->got + d->fill == d->size)
            return give_up(d, DOWNLOAD_WRONG, "the file is longer than its manifest says");
        size_t n = sizeof d->buffer - d->fill;
        if (n > len)
            n = len;
        if (n > d->size - d->got - d->fill)
            n = d->size - d->got - d->fill;
        memcpy(d->buffer + d->fill, p, n);
        d->fill += n;
        d->at += n;
        p += n;
        len -= n;
        if ((d->fill == sizeof d->buffer || d->got + d->fill == d->size) && !write_out(d))
            return false;
    }
    return true;
}

static bool on_body(void *ctx, const void *data, size_t len)
{
    struct download *d = ctx;
    const uint8_t *p = data;
    if (d->state != DOWNLOAD_RUNNING)
        return false;
    d->begun = d->begun || len > 0;
    if (d->at < MANIFEST_BYTES) {
        size_t n = MANIFEST_BYTES - (size_t)d->at;
        if (n > len)
            n = len;
        if (!take_manifest(d, p, n))
            return false;
        p += n;
        len -= n;
    }
    return take_image(d, p, len);
}

static void on_done(void *ctx, enum http_end how, const char *why)
{
    struct download *d = ctx;
    bool here = d->state != DOWNLOAD_NONE; /* else stopped by the caller, who knows */
    switch (how) {
    case HTTP_DONE:
        if (d->image && d->got == d->size && d->state == DOWNLOAD_RUNNING)
            d->state = DOWNLOAD_DONE;
        else if (d->image)
            give_up(d, DOWNLOAD_WRONG, "the file is shorter than its manifest says");
        else
            give_up(d, DOWNLOAD_WRONG, "the file is too short for firmware");
        break;
    case HTTP_BAD:
        give_up(d, DOWNLOAD_BAD_URL, why ? why : "bad address");
        break;
    case HTTP_REFUSED:
    case HTTP_LOST:
    case HTTP_CANCELLED:
        give_up(d, DOWNLOAD_LOST, why && *why ? why : "connection lost");
        break;
    }
    if (here)
        d->ended(d->ctx);
}

/* ---- down ---- */

static void start(struct download *d, const char *url, uint64_t from)
{
    const struct http_request request = {.method = HTTP_GET,
                                         .url = url,
                                         .from = from,
                                         .validator = from && d->validator[0] ? d->validator : NULL,
                                         .idle_timeout_s = IDLE_TIMEOUT_S};
    const struct http_up up = {.ctx = d, .head = on_head, .body = on_body, .done = on_done};
    d->state = DOWNLOAD_RUNNING;
    d->begun = false;
    d->fill = 0;
    d->at = from;
    d->why[0] = '\0';
    if (!d->http->start(d->http->ctx, &request, &up) && d->state == DOWNLOAD_RUNNING)
        d->state = DOWNLOAD_BUSY;
}

void download_manifest(struct download *d, const char *url)
{
    d->image = false;
    d->size = d->got = 0;
    d->manifest_got = 0;
    d->validator[0] = '\0';
    start(d, url, 0);
}

void download_image(struct download *d, const char *url, const uint8_t manifest[MANIFEST_BYTES],
                    uint32_t size, uint32_t got, const char *validator)
{
    d->image = true;
    d->size = size;
    d->got = got;
    memcpy(d->manifest, manifest, MANIFEST_BYTES);
    if (validator != d->validator)
        (void)snprintf(d->validator, sizeof d->validator, "%s", validator);
    start(d, url, (uint64_t)MANIFEST_BYTES + got);
}

void download_stop(struct download *d)
{
    bool running = d->state == DOWNLOAD_RUNNING;
    d->state = DOWNLOAD_NONE;
    if (running)
        d->http->cancel(d->http->ctx);
}
