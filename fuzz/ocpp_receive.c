/*
 * ocpp_receive: bytes from a server into a station's OCPP side. The input is a list of lines: a line that
 * begins with
 * '!' does something at the station (one letter each), every other line is one received message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/ocpp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    uint64_t now_us;
    uint32_t random;
    struct ocpp_view view;
    bool open, wall;
    int64_t wall_ms;
    unsigned records;
    uint32_t next_id, lines_sent;
    struct {
        uint32_t id;
        enum ocpp_keep_kind kind;
        size_t len;
        unsigned char bytes[3000];
    } record[24];
    char last_id[64]; /* of the newest CALL: '@' in a message stands for it, so that answers can match */
};

static struct world *self(void *st)
{
    return st;
}
static uint64_t op_now(void *st)
{
    return self(st)->now_us;
}
static bool op_wall(void *st, uint64_t at_us, int64_t *ms)
{
    *ms = self(st)->wall_ms + (int64_t)(at_us / 1000);
    return self(st)->wall;
}
static void op_set_wall(void *st, int64_t ms)
{
    self(st)->wall = true;
    self(st)->wall_ms = ms - (int64_t)(self(st)->now_us / 1000);
}
static uint32_t op_random(void *st)
{
    return self(st)->random = self(st)->random * 1664525u + 1013904223u;
}
static bool op_send(void *st, const char *text, size_t len)
{
    struct world *w = st;
    if (len > OCPP_TEXT_MAX || strlen(text) != len)
        abort();
    if (w->open && !strncmp(text, "[2,\"", 4)) {
        const char *end = strchr(text + 4, '"');
        size_t n = end ? (size_t)(end - text - 4) : 0;
        if (n == 0 || n > 36)
            abort();
        memcpy(w->last_id, text + 4, n);
        w->last_id[n] = 0;
    }
    return w->open;
}
static void op_hang_up(void *st, const char *why)
{
    (void)why;
    self(st)->open = false;
}
static void op_view(void *st, struct ocpp_view *out)
{
    *out = self(st)->view;
}
static void op_authorise(void *st, bool allowed)
{
    self(st)->view.authorised = allowed;
}
static void op_set_limit(void *st, int32_t ma, int64_t lease_ms, int32_t fallback_ma)
{
    (void)st;
    if (ma < -1 || lease_ms < 0 || fallback_ma < -1)
        abort();
}
static void op_set_available(void *st, bool in)
{
    self(st)->view.available = in;
}
static bool op_unlock(void *st)
{
    return self(st)->random & 1;
}
static void op_hold(void *st, bool hold)
{
    (void)st;
    (void)hold;
}
static bool op_reset(void *st, enum ocpp_reset when)
{
    (void)st;
    return when == OCPP_RESET_NOW;
}
static int op_setting_get(void *st, const char *name, char *buf, size_t cap)
{
    (void)st;
    (void)name;
    (void)buf;
    (void)cap;
    return -1; /* every setting unknown: the built-in defaults */
}
static enum ocpp_set_result op_setting_set(void *st, const char *name, const char *value)
{
    (void)st;
    (void)name;
    return value[0] == '1' ? OCPP_SET_OK : OCPP_SET_REJECTED;
}
static bool op_setting_at(void *st, size_t i, const char **name, const char **unit, bool *ro, bool *secret)
{
    static const char *const names[] = {"one", "password", "two"};
    (void)st;
    if (i >= 3)
        return false;
    *name = names[i];
    *unit = "s";
    *ro = i == 2;
    *secret = i == 1;
    return true;
}
static bool op_setting_traits(void *st, const char *name, struct ocpp_setting_traits *out)
{
    (void)st;
    *out = (struct ocpp_setting_traits){
        .type = name[0] == 'o' ? OCPP_SETTING_NUMBER : OCPP_SETTING_TEXT, .min = 1, .max = 300};
    return name[0] == 'o' || name[0] == 't';
}
static bool op_network_get(void *st, int slot, struct ocpp_network *out)
{
    *out = (struct ocpp_network){.url = "ws://a/b", .security = 1, .message_timeout_s = slot};
    return slot == 1 || (slot == 2 && self(st)->wall);
}
static enum ocpp_network_result op_network_set(void *st, int slot, const struct ocpp_network *network)
{
    (void)st;
    if (strlen(network->url) > OCPP_NETWORK_URL_MAX || network->message_timeout_s <= 0)
        abort();
    return slot == 2 ? OCPP_NETWORK_OK : slot == 3 ? OCPP_NETWORK_NOT_KEPT : OCPP_NETWORK_BAD_SLOT;
}
static int op_network_active(void *st)
{
    return self(st)->wall ? 2 : 1;
}
static const char *op_identity(void *st, const char *what)
{
    (void)st;
    return what;
}
static bool op_keep(void *st, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id)
{
    struct world *w = st;
    if (w->records == 24 || len > sizeof w->record[0].bytes)
        return false;
    w->record[w->records].id = *id = ++w->next_id;
    w->record[w->records].kind = kind;
    w->record[w->records].len = len;
    memcpy(w->record[w->records++].bytes, rec, len);
    return true;
}
static bool op_peek(void *st, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap, size_t *len,
                    uint32_t *id)
{
    struct world *w = st;
    for (unsigned i = 0; i < w->records; i++) {
        bool match = w->record[i].kind == kind ||
                     (kind == OCPP_KEEP_TX_EVENT &&
                      (w->record[i].kind == OCPP_KEEP_TX_UPDATE || w->record[i].kind == OCPP_KEEP_TX_ENDED));
        if (!match || w->record[i].id <= after)
            continue;
        if (w->record[i].len > cap)
            abort();
        memcpy(buf, w->record[i].bytes, w->record[i].len);
        *len = w->record[i].len;
        *id = w->record[i].id;
        return true;
    }
    return false;
}
static void op_forget(void *st, enum ocpp_keep_kind kind, uint32_t id)
{
    struct world *w = st;
    (void)kind;
    for (unsigned i = 0; i < w->records; i++)
        if (w->record[i].id == id) {
            w->records--;
            memmove(&w->record[i], &w->record[i + 1], (w->records - i) * sizeof w->record[0]);
            return;
        }
}
static enum ocpp_firmware_answer op_update_firmware(void *st, const struct ocpp_firmware_request *q,
                                                    const char **why)
{
    (void)st;
    if (strlen(q->url) > 4 * 512 || (q->certificate && strlen(q->certificate) > 4 * 5500) || q->retries < -1)
        abort();
    *why = q->signature && !q->certificate ? "a signature without its certificate" : NULL;
    return *why ? OCPP_FW_REJECTED : (enum ocpp_firmware_answer)((unsigned)q->request_id % 4);
}
static bool op_firmware_report(void *st, struct ocpp_firmware_report *out)
{
    const struct world *w = st;
    *out = (struct ocpp_firmware_report){.status = (enum ocpp_firmware_status)(w->now_us % OCPP_FW_STATUSES),
                                         .request_id = 1};
    return w->now_us % 3 == 0;
}
static void op_firmware_reported(void *st)
{
    (void)st;
}
/* A line every second, of two runs. */
static bool op_log_unsent(void *st, struct ocpp_log_place *place, struct ocpp_log_line *out)
{
    const struct world *w = st;
    if (place->at[0] < w->lines_sent)
        place->at[0] = w->lines_sent;
    if (place->at[0] >= w->now_us / 1000000)
        return false;
    uint32_t n = ++place->at[0];
    *out = (struct ocpp_log_line){
        .boot = n / 64, .n = n, .wall_known = n & 1, .up_ms = n, .level = "info", .module = "pilot"};
    memset(out->text, 'a' + (int)(n % 26), n % (sizeof out->text - 1));
    return true;
}
static void op_log_sent(void *st, const struct ocpp_log_place *place)
{
    if (place->at[0] > self(st)->now_us / 1000000)
        abort();
    self(st)->lines_sent = place->at[0];
}
static uint32_t op_log_lost(void *st)
{
    return self(st)->lines_sent / 100;
}
static bool op_log_upload(void *st, const struct ocpp_log_request *q, char *name, size_t cap)
{
    (void)st;
    if (strlen(q->url) > 4 * 512 || q->retries < -1 || q->retry_interval_s < -1 || !cap)
        abort();
    name[0] = '\0';
    return q->retries != 9;
}
static bool op_room_for_transaction(void *st)
{
    const struct world *w = st;
    return w->records + 4 < sizeof w->record / sizeof w->record[0];
}

static void op_log(void *st, int level, const char *text)
{
    (void)st;
    (void)level;
    if (strlen(text) > 300)
        abort();
}

static const struct ocpp_station_ops ops = {
    .now_us = op_now,
    .wall_ms = op_wall,
    .set_wall_ms = op_set_wall,
    .random = op_random,
    .send = op_send,
    .hang_up = op_hang_up,
    .view = op_view,
    .authorise = op_authorise,
    .set_limit = op_set_limit,
    .set_available = op_set_available,
    .unlock = op_unlock,
    .hold_contactor_open = op_hold,
    .reset = op_reset,
    .setting_get = op_setting_get,
    .setting_set = op_setting_set,
    .setting_at = op_setting_at,
    .setting_traits = op_setting_traits,
    .network_get = op_network_get,
    .network_set = op_network_set,
    .network_active = op_network_active,
    .identity = op_identity,
    .keep = op_keep,
    .peek = op_peek,
    .forget = op_forget,
    .update_firmware = op_update_firmware,
    .firmware_report = op_firmware_report,
    .firmware_reported = op_firmware_reported,
    .room_for_transaction = op_room_for_transaction,
    .log = op_log,
    .log_unsent = op_log_unsent,
    .log_sent = op_log_sent,
    .log_lost = op_log_lost,
    .log_upload = op_log_upload,
};

static void event(struct world *w, struct ocpp *o, enum ocpp_event_type type, const char *text,
                  const char *old)
{
    struct ocpp_event ev = {
        .type = type, .at_us = w->now_us, .on = true, .text = text, .old = old, .view = w->view};
    ocpp_event(o, &ev);
}

static void act(struct world *w, struct ocpp **o, void *mem, char what)
{
    switch (what) {
    case 'p':
        w->view.plugged = true;
        event(w, *o, OCPP_EV_PILOT, "B", "A");
        event(w, *o, OCPP_EV_PLUGGED, NULL, NULL);
        break;
    case 'u':
        w->view.plugged = w->view.energy_flowing = w->view.energy_requested = false;
        event(w, *o, OCPP_EV_UNPLUGGED, NULL, NULL);
        break;
    case 't':
        event(w, *o, OCPP_EV_TOKEN, "T", "ISO14443");
        break;
    case 'c':
        w->view.energy_requested = w->view.energy_flowing = w->view.authorised;
        event(w, *o, OCPP_EV_CONTACTOR, NULL, NULL);
        break;
    case 'f':
        w->view.faulted = !w->view.faulted;
        w->view.fault = w->view.faulted ? "Welded" : "";
        event(w, *o, OCPP_EV_FAULT, "Welded", NULL);
        break;
    case 'l': {
        const struct ocpp_event ev = {.type = OCPP_EV_LOG_UPLOAD,
                                      .at_us = w->now_us,
                                      .upload = (enum ocpp_upload)(w->now_us / 1000 % 7),
                                      .view = w->view};
        ocpp_event(*o, &ev);
        break;
    }
    case 'x':
        w->open = false;
        ocpp_closed(*o);
        break;
    case 'o':
        if (!w->open) {
            w->open = true;
            ocpp_opened(*o, "ocpp2.0.1");
        }
        break;
    case 'b':
        w->open = false;
        *o = ocpp_init(mem, &ops, w);
        break;
    default: /* a minute */
        for (int i = 0; i < 6; i++) {
            w->now_us += 10000000;
            ocpp_step(*o);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *w;
    static void *mem;
    if (!w) {
        w = malloc(sizeof *w);
        mem = aligned_alloc(64, (ocpp_size() + 63) & ~(size_t)63);
        if (!w || !mem)
            abort();
    }
    memset(w, 0, sizeof *w);
    w->now_us = 1000000;
    w->random = 7;
    w->view = (struct ocpp_view){.available = true,
                                 .fault = "",
                                 .state = "Idle",
                                 .pilot = 'A',
                                 .offered_by = "cable",
                                 .installed_ma = 32000,
                                 .phases = 3,
                                 .meter = {.valid = true, .phases = 3}};
    struct ocpp *o = ocpp_init(mem, &ops, w);
    ocpp_step(o);
    w->open = true;
    ocpp_opened(o, "ocpp2.0.1");
    ocpp_step(o);
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t n = end ? (size_t)(end - data) : size;
        if (n > 0 && data[0] == '!') {
            for (size_t i = 1; i < n && i < 16; i++)
                act(w, &o, mem, (char)data[i]);
        } else {
            size_t id = strlen(w->last_id);
            char *text = malloc(n + id + 1); /* exactly as long as it is, so that one byte too many is seen */
            if (!text)
                abort();
            const uint8_t *sign = n ? memchr(data, '@', n) : NULL;
            size_t len = n;
            if (sign) {
                size_t at = (size_t)(sign - data);
                memcpy(text, data, at);
                memcpy(text + at, w->last_id, id);
                memcpy(text + at + id, sign + 1, n - at - 1);
                len = n - 1 + id;
            } else if (n) {
                memcpy(text, data, n);
            }
            char *exact = realloc(text, len ? len : 1);
            if (!exact)
                abort();
            ocpp_receive(o, exact, len);
            free(exact);
        }
        ocpp_step(o);
        size -= n + (end ? 1 : 0);
        data += n + (end ? 1 : 0);
    }
    struct ocpp_status s;
    ocpp_status_read(o, &s);
    if (s.arena_high_water > OCPP_ARENA_BYTES)
        abort();
    return 0;
}
