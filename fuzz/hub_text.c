/*
 * hub_text: frames from stations into the hub. The input is a list of lines; a line that begins with '!' does
 * something (see below), every other line is one message of the station that speaks now. '@' in a message
 * stands for the id of the hub's last CALL to that station, so that answers can match.
 */
#include "hub/hub.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STATIONS = 3, LINE_MAX_LEN = 8192 };

struct fake {
    struct hub_peer *peer;
    char last_id[64];
};

static bool on_send(void *ctx, const char *text, size_t len)
{
    struct fake *f = ctx;
    if (len > 5 && strncmp(text, "[2,\"", 4) == 0) {
        size_t n = strcspn(text + 4, "\"");
        if (n < sizeof(f->last_id)) {
            memcpy(f->last_id, text + 4, n);
            f->last_id[n] = 0;
        }
    }
    return true;
}

static void on_close(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static void on_reply(void *ctx, int status, const char *json)
{
    (void)json;
    int *replies = ctx;
    if (status < 200 || status > 599)
        abort();
    ++*replies;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[STATIONS] = {"A", "B", "C"};
    struct hub_cfg cfg;
    hub_cfg_default(&cfg);
    cfg.random_seed = 1;
    cfg.tokens = "CARD,04A1";
    cfg.auto_start = true;
    char err[200];
    struct hub *h = hub_open(&cfg, err, sizeof(err));
    if (!h)
        abort();
    struct fake fakes[STATIONS] = {0};
    int64_t unix_ms = 1700000000000;
    uint64_t now_us = 0;
    int now = 0, asked = 0, replies = 0;
    static char line[2 * LINE_MAX_LEN];
    while (size) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        if (len > 1 && data[0] == '!') {
            struct fake *f = &fakes[now];
            switch (data[1]) {
            case 'A':
            case 'B':
            case 'C':
                now = data[1] - 'A';
                break;
            case 'c': { /* connects, or connects again */
                const struct hub_link link = {.ctx = f, .send = on_send, .close = on_close};
                struct hub_peer *old = f->peer;
                f->peer = hub_connected(h, names[now], &link, unix_ms, now_us);
                if (old)
                    hub_disconnected(old, now_us);
                break;
            }
            case 'd':
                if (f->peer)
                    hub_disconnected(f->peer, now_us);
                f->peer = NULL;
                break;
            case 's': /* time goes on: !s9 is 9 s, !sm a minute */
                for (int i = len > 2 && data[2] == 'm'                     ? 60
                             : len > 2 && data[2] >= '0' && data[2] <= '9' ? data[2] - '0'
                                                                           : 1;
                     i > 0; i--) {
                    unix_ms += 1000;
                    now_us += 1000000;
                    hub_step(h, unix_ms, now_us);
                }
                break;
            case 'w': /* the wall clock jumps */
                unix_ms += 3600000;
                break;
            case 'l':
                asked++;
                hub_request(h, "PUT", "/api/v1/site", "", "{\"limit_a\":17}", on_reply, &replies, unix_ms,
                            now_us);
                break;
            case 'r':
                asked++;
                hub_request(h, "POST", "/api/v1/stations/A/call/GetReport", "", "{}", on_reply, &replies,
                            unix_ms, now_us);
                break;
            default:
                break;
            }
        } else if (fakes[now].peer && len <= LINE_MAX_LEN) {
            size_t n = 0;
            for (size_t i = 0; i < len && n + sizeof(fakes[now].last_id) < sizeof(line); i++) {
                if (data[i] == '@') {
                    size_t id = strlen(fakes[now].last_id);
                    memcpy(line + n, fakes[now].last_id, id);
                    n += id;
                } else {
                    line[n++] = (char)data[i];
                }
            }
            line[n] = 0;
            hub_text(fakes[now].peer, line, n, unix_ms, now_us);
        }
        size -= len + (end != NULL);
        data += len + (end != NULL);
    }
    static char snapshot[65536];
    size_t n;
    hub_snapshot(h, snapshot, sizeof(snapshot), &n);
    for (int i = 0; i < STATIONS; i++)
        if (fakes[i].peer)
            hub_disconnected(fakes[i].peer, now_us);
    if (replies != asked) /* every request is answered, at the latest when its station goes */
        abort();
    hub_close(h);
    return 0;
}
