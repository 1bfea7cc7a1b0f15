/* fake: a station and a server in memory; see fake.h. */
#include "tests/ocpp/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/settings.h"

static struct fake *self(void *st)
{
    return st;
}

/* ---- the station ---- */

static uint64_t op_now(void *st)
{
    return self(st)->now_us;
}

static bool op_wall(void *st, uint64_t at_us, int64_t *unix_ms)
{
    struct fake *f = st;
    if (!f->wall_known)
        return false;
    *unix_ms = f->wall_at_0_ms + (int64_t)(at_us / 1000);
    return true;
}

static void op_set_wall(void *st, int64_t unix_ms)
{
    struct fake *f = st;
    f->wall_at_0_ms = unix_ms - (int64_t)(f->now_us / 1000);
    f->wall_known = true;
}

static uint32_t op_random(void *st)
{
    struct fake *f = st;
    f->random = f->random * 1664525u + 1013904223u;
    return f->random ^ (f->random >> 13);
}

static void record_frame(char dir, const char *text)
{
    const char *path = getenv("OCPP_FRAMES");
    FILE *log = path ? fopen(path, "a") : NULL;
    if (log) {
        fprintf(log, "%c %s\n", dir, text);
        fclose(log);
    }
}

static bool op_send(void *st, const char *text, size_t len)
{
    struct fake *f = st;
    if (!f->connected || f->socket_full || f->cut)
        return false;
    record_frame('>', text);
    assert_true(f->frame_count < FAKE_FRAMES);
    assert_int_equal(strlen(text), len);
    struct fake_frame *n = &f->frame[f->frame_count];
    memset(n, 0, sizeof *n);
    n->at_us = f->now_us;
    assert_int_equal(frame_parse(text, len, OCPP_TEXT_MAX, &n->frame), FRAME_OK);
    if (n->frame.type == FRAME_CALL) {
        n->action = n->frame.action;
        assert_false(f->outstanding); /* one outstanding CALL */
        assert_true(strlen(n->frame.id) <= 36);
        for (unsigned i = 0; i < f->frame_count; i++)
            if (f->frame[i].action)
                assert_string_not_equal(f->frame[i].frame.id, n->frame.id);
        f->outstanding = true;
        snprintf(f->outstanding_id, sizeof f->outstanding_id, "%.36s", n->frame.id);
    }
    f->frame_count++;
    return true;
}

static void op_hang_up(void *st, const char *why)
{
    struct fake *f = st;
    (void)why;
    f->hang_ups++;
    f->connected = false;
    f->outstanding = false;
    if (f->ocpp)
        ocpp_closed(f->ocpp);
}

static void op_view(void *st, struct ocpp_view *out)
{
    *out = self(st)->view;
}

static void op_authorise(void *st, bool allowed)
{
    struct fake *f = st;
    f->authorised = allowed;
    f->view.authorised = allowed;
    f->authorise_calls++;
}

static void op_set_limit(void *st, int32_t ma, int64_t lease_ms, int32_t fallback_ma)
{
    struct fake *f = st;
    f->limit_calls++;
    f->limit_ma = ma;
    f->lease_ms = lease_ms;
    f->fallback_ma = fallback_ma;
}

static void op_set_available(void *st, bool in_service)
{
    self(st)->available = in_service;
    self(st)->view.available = in_service;
}

static bool op_unlock(void *st)
{
    return self(st)->unlock_works;
}

static void op_hold(void *st, bool hold)
{
    self(st)->hold = hold;
}

static bool op_reset(void *st, enum ocpp_reset when)
{
    (void)when;
    self(st)->resets++;
    return self(st)->reset_works;
}

static int find_setting(const struct fake *f, const char *name)
{
    for (unsigned i = 0; i < f->setting_count; i++)
        if (!strcmp(f->setting[i].name, name))
            return (int)i;
    return -1;
}

static int op_setting_get(void *st, const char *name, char *buf, size_t cap)
{
    int i = find_setting(st, name);
    if (i < 0)
        return -1;
    const char *value = self(st)->setting[i].flags & SETTING_SECRET ? "" : self(st)->setting[i].value;
    return snprintf(buf, cap, "%s", value);
}

static enum ocpp_set_result op_setting_set(void *st, const char *name, const char *value)
{
    struct fake *f = st;
    int i = find_setting(f, name);
    if (i < 0)
        return OCPP_SET_UNKNOWN;
    if (f->setting[i].flags & SETTING_READ_ONLY)
        return OCPP_SET_READ_ONLY;
    if (!strcmp(value, "99999999"))
        return OCPP_SET_REJECTED; /* stands for every range of the real table */
    snprintf(f->setting[i].value, sizeof f->setting[i].value, "%s", value);
    return f->setting[i].flags & SETTING_REBOOT ? OCPP_SET_REBOOT : OCPP_SET_OK;
}

static bool op_setting_at(void *st, size_t index, const char **name, const char **unit, bool *read_only,
                          bool *secret)
{
    struct fake *f = st;
    if (index >= f->setting_count)
        return false;
    *name = f->setting[index].name;
    *unit = f->setting[index].unit;
    *read_only = (f->setting[index].flags & SETTING_READ_ONLY) != 0;
    *secret = (f->setting[index].flags & SETTING_SECRET) != 0;
    return true;
}

static bool op_setting_traits(void *st, const char *name, struct ocpp_setting_traits *out)
{
    (void)st;
#define ECS_INT(n, unit, lo, hi, ...)                                                           \
    if (!strcmp(name, #n)) {                                                                    \
        *out = (struct ocpp_setting_traits){.type = OCPP_SETTING_NUMBER, .min = lo, .max = hi}; \
        return true;                                                                            \
    }
#define ECS_BOOL(n, ...)                                                \
    if (!strcmp(name, #n)) {                                            \
        *out = (struct ocpp_setting_traits){.type = OCPP_SETTING_FLAG}; \
        return true;                                                    \
    }
#define ECS_TEXT(n, longest, ...)                                                       \
    if (!strcmp(name, #n)) {                                                            \
        *out = (struct ocpp_setting_traits){.type = OCPP_SETTING_TEXT, .max = longest}; \
        return true;                                                                    \
    }
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
    return false;
}

static bool op_network_get(void *st, int slot, struct ocpp_network *out)
{
    if (slot < 1 || slot > OCPP_NETWORKS || !self(st)->network[slot].url[0])
        return false;
    *out = self(st)->network[slot];
    return true;
}

static enum ocpp_network_result op_network_set(void *st, int slot, const struct ocpp_network *network)
{
    struct fake *f = st;
    if (slot < 1 || slot > OCPP_NETWORKS)
        return OCPP_NETWORK_BAD_SLOT;
    if (strncmp(network->url, "ws://", 5) != 0)
        return OCPP_NETWORK_BAD_URL;
    if (f->network_not_kept)
        return OCPP_NETWORK_NOT_KEPT;
    f->network[slot] = *network;
    return OCPP_NETWORK_OK;
}

static int op_network_active(void *st)
{
    return self(st)->network_active;
}

static const char *op_identity(void *st, const char *what)
{
    if (!strcmp(what, "model"))
        return "Model with a name that is too long";
    if (!strcmp(what, "vendor"))
        return "Vendor";
    if (!strcmp(what, "serial"))
        return "SN1";
    if (!strcmp(what, "firmware"))
        return "1.2.3";
    if (!strcmp(what, "reset_reason"))
        return self(st)->reset_reason;
    return "";
}

/* Another change of the store; true: the power is gone before it. */
static bool cut_now(struct fake *f)
{
    if (f->cut_after && --f->cut_after == 0)
        f->cut = true;
    return f->cut;
}

static bool op_keep(void *st, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id)
{
    struct fake *f = st;
    if (cut_now(f) || f->keep_fails || f->record_count == FAKE_RECORDS)
        return false;
    assert_true(len <= sizeof f->record[0].bytes);
    unsigned i = f->record_count++;
    f->record[i].id = *id = ++f->next_record;
    f->record[i].kind = kind;
    f->record[i].len = len;
    memcpy(f->record[i].bytes, rec, len);
    return true;
}

static bool op_peek(void *st, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap, size_t *len,
                    uint32_t *id)
{
    struct fake *f = st;
    for (unsigned i = 0; i < f->record_count; i++) {
        bool match = f->record[i].kind == kind ||
                     (kind == OCPP_KEEP_TX_EVENT &&
                      (f->record[i].kind == OCPP_KEEP_TX_UPDATE || f->record[i].kind == OCPP_KEEP_TX_ENDED));
        if (!match || f->record[i].id <= after)
            continue;
        assert_true(f->record[i].len <= cap);
        memcpy(buf, f->record[i].bytes, f->record[i].len);
        *len = f->record[i].len;
        *id = f->record[i].id;
        return true;
    }
    return false;
}

static void op_forget(void *st, enum ocpp_keep_kind kind, uint32_t id)
{
    struct fake *f = st;
    (void)kind;
    if (cut_now(f))
        return;
    for (unsigned i = 0; i < f->record_count; i++)
        if (f->record[i].id == id) {
            f->record_count--;
            memmove(&f->record[i], &f->record[i + 1], (f->record_count - i) * sizeof f->record[0]);
            return;
        }
}

static enum ocpp_firmware_answer op_update_firmware(void *st, const struct ocpp_firmware_request *q,
                                                    const char **why)
{
    struct fake *f = st;
    f->firmware_calls++;
    f->firmware_request = *q;
    (void)snprintf(f->firmware_url, sizeof f->firmware_url, "%s", q->url);
    f->firmware_certificate = q->certificate != NULL;
    f->firmware_signature = q->signature != NULL;
    *why = f->firmware_why;
    return f->firmware_answer;
}

static bool op_firmware_report(void *st, struct ocpp_firmware_report *out)
{
    struct fake *f = st;
    if (f->firmware_reports == 0)
        return false;
    *out = f->firmware_report[0];
    return true;
}

static void op_firmware_reported(void *st)
{
    struct fake *f = st;
    assert_true(f->firmware_reports > 0);
    f->firmware_reports--;
    memmove(f->firmware_report, f->firmware_report + 1, f->firmware_reports * sizeof f->firmware_report[0]);
}

static bool op_room_for_transaction(void *st)
{
    const struct fake *f = st;
    return !f->no_room;
}

static void op_log(void *st, int level, const char *text)
{
    (void)level;
    if (getenv("OCPP_VERBOSE"))
        fprintf(stderr, "%8.1f %s\n", (double)self(st)->now_us / 1e6, text);
}

static bool op_log_unsent(void *st, struct ocpp_log_place *place, struct ocpp_log_line *out)
{
    struct fake *f = st;
    if (!place->at[0])
        place->at[0] = f->log_sent_to;
    if (f->no_log || place->at[0] >= f->log_count)
        return false;
    *out = f->log[place->at[0]++];
    return true;
}

static void op_log_sent(void *st, const struct ocpp_log_place *place)
{
    struct fake *f = st;
    assert_true(place->at[0] >= f->log_sent_to && place->at[0] <= f->log_count);
    f->log_sent_to = place->at[0];
}

static uint32_t op_log_lost(void *st)
{
    return self(st)->log_lost;
}

static bool op_log_upload(void *st, const struct ocpp_log_request *request, char *name, size_t cap)
{
    struct fake *f = st;
    f->uploads++;
    f->upload = *request;
    snprintf(f->upload_url, sizeof f->upload_url, "%s", request->url);
    snprintf(name, cap, "file-%u.txt", f->uploads);
    return f->upload_works;
}

static void op_log_security(void *st, uint64_t at_us, const char *event)
{
    struct fake *f = st;
    (void)at_us;
    f->security_events++;
    snprintf(f->security_event, sizeof f->security_event, "%s", event);
}

void fake_line(struct fake *f, uint32_t boot, const char *text)
{
    assert_true(f->log_count < sizeof f->log / sizeof f->log[0]);
    struct ocpp_log_line *l = &f->log[f->log_count++];
    *l = (struct ocpp_log_line){.boot = boot,
                                .n = f->log_count,
                                .wall_known = true,
                                .unix_ms = FAKE_EPOCH + 1000 * (int64_t)f->log_count,
                                .up_ms = f->log_count * 7u,
                                .level = "warning",
                                .module = "guard"};
    snprintf(l->text, sizeof l->text, "%s", text);
}

void fake_upload(struct fake *f, enum ocpp_upload what)
{
    struct ocpp_event ev = {.type = OCPP_EV_LOG_UPLOAD, .at_us = f->now_us, .upload = what, .view = f->view};
    ocpp_event(f->ocpp, &ev);
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
    .log_security = op_log_security,
};

static void add_setting(struct fake *f, const char *name, const char *unit, int flags, const char *value)
{
    assert_true(f->setting_count < FAKE_SETTINGS);
    f->setting[f->setting_count].name = name;
    f->setting[f->setting_count].unit = unit;
    f->setting[f->setting_count].flags = flags;
    snprintf(f->setting[f->setting_count].value, sizeof f->setting[0].value, "%s", value);
    f->setting_count++;
}

static void add_number(struct fake *f, const char *name, const char *unit, int flags, long value)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", value);
    add_setting(f, name, unit, flags, text);
}

struct fake *fake_new(void)
{
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    size_t size = (ocpp_size() + 63) & ~(size_t)63;
    f->mem = aligned_alloc(64, size);
    assert_non_null(f->mem);
    f->random = 12345;
    f->now_us = 5000000;
    f->reset_reason = "PowerUp";
    f->unlock_works = f->reset_works = true;
    f->network_active = 1;
    f->network[1] = (struct ocpp_network){.url = "ws://first/ocpp", .security = 1};
    f->upload_works = true;
    f->boot_status = "Accepted";
    f->boot_interval = 300;
    f->token_status = "Accepted";
#define ECS_INT(name, unit, min, max, initial, flags, help) add_number(f, #name, unit, flags, initial);
#define ECS_BOOL(name, initial, flags, help)                add_setting(f, #name, "", flags, (initial) ? "true" : "false");
#define ECS_TEXT(name, max, initial, flags, help)           add_setting(f, #name, "", flags, initial);
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
    f->view = (struct ocpp_view){
        .available = true,
        .fault = "",
        .state = "Idle",
        .pilot = 'A',
        .pilot_mv = 12000,
        .offered_by = "installation",
        .installed_ma = 32000,
        .phases = 3,
        .contactor_open_us = -1,
        .meter = {.valid = true,
                  .phases = 3,
                  .v_mv = {230100, 229900, 230000},
                  .pf_permille = {1000, 1000, 1000},
                  .freq_mhz = 50000,
                  .import_total_mwh = 1000000},
    };
    return f;
}

static void drop_frames(struct fake *f)
{
    for (unsigned i = 0; i < f->frame_count; i++)
        frame_free(&f->frame[i].frame);
    f->frame_count = f->answered = 0;
}

void fake_free(struct fake *f)
{
    drop_frames(f);
    frame_free(&f->reply);
    free(f->mem);
    free(f);
}

void fake_forget(struct fake *f)
{
    drop_frames(f);
}

void fake_boot(struct fake *f)
{
    f->connected = false;
    f->cut = false;
    f->cut_after = 0;
    f->outstanding = false;
    f->wall_known = false;
    f->authorised = f->view.authorised = false;
    f->view.energy_flowing = false;
    f->view.offered_ma = 0;
    memset(f->mem, 0xA5, ocpp_size());
    f->ocpp = ocpp_init(f->mem, &ops, f);
}

void fake_connect(struct fake *f)
{
    f->connected = true;
    f->outstanding = false;
    ocpp_opened(f->ocpp, "ocpp2.0.1");
}

void fake_close(struct fake *f)
{
    f->connected = false;
    f->outstanding = false;
    ocpp_closed(f->ocpp);
}

/* ---- the server ---- */

void fake_raw(struct fake *f, const char *text)
{
    record_frame('<', text);
    ocpp_receive(f->ocpp, text, strlen(text));
}

void fake_answer(struct fake *f, const char *id, const char *payload)
{
    char text[4096];
    if (!strcmp(id, f->outstanding_id))
        f->outstanding = false;
    snprintf(text, sizeof text, "[3,\"%s\",%s]", id, payload);
    fake_raw(f, text);
}

void fake_error(struct fake *f, const char *id, const char *code)
{
    char text[256];
    if (!strcmp(id, f->outstanding_id))
        f->outstanding = false;
    snprintf(text, sizeof text, "[4,\"%s\",\"%s\",\"because\",{}]", id, code);
    fake_raw(f, text);
}

static void answer_by_default(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    char text[512], now[JSON_TIME_TEXT], info[200], group[80] = "";
    json_time_text(now, FAKE_EPOCH + (int64_t)(f->now_us / 1000));
    if (f->group)
        snprintf(group, sizeof group, ",\"groupIdToken\":{\"idToken\":\"%s\",\"type\":\"Central\"}",
                 f->group);
    snprintf(info, sizeof info, "{\"idTokenInfo\":{\"status\":\"%s\"%s}}", f->token_status, group);
    if (!strcmp(action, "BootNotification"))
        snprintf(text, sizeof text, "{\"currentTime\":\"%s\",\"interval\":%d,\"status\":\"%s\"}", now,
                 f->boot_interval, f->boot_status);
    else if (!strcmp(action, "Heartbeat"))
        snprintf(text, sizeof text, "{\"currentTime\":\"%s\"}", now);
    else if (!strcmp(action, "DataTransfer"))
        snprintf(text, sizeof text, "{\"status\":\"%s\"}",
                 f->transfer_status ? f->transfer_status : "Accepted");
    else if (!strcmp(action, "Authorize") ||
             (!strcmp(action, "TransactionEvent") && json_object(payload, "idToken")))
        snprintf(text, sizeof text, "%s", info);
    else
        snprintf(text, sizeof text, "{}");
    fake_answer(f, id, text);
}

static void serve(struct fake *f)
{
    while (f->answered < f->frame_count) {
        struct fake_frame *n = &f->frame[f->answered++];
        if (n->frame.type != FRAME_CALL)
            continue;
        if (f->server && f->server(f, n->action, n->frame.id, n->frame.payload))
            continue;
        answer_by_default(f, n->action, n->frame.id, n->frame.payload);
    }
}

void fake_run(struct fake *f, uint64_t ms)
{
    uint64_t end = f->now_us + ms * 1000;
    for (;;) {
        for (int i = 0; i < 200; i++) {
            unsigned before = f->frame_count;
            uint64_t timeout_us = (uint64_t)atoi(fake_get(f, "message_timeout")) * 1000000;
            /* A call that was left unanswered may be followed by another one once it has timed out. */
            if (f->outstanding && f->frame_count &&
                f->now_us - f->frame[f->frame_count - 1].at_us >= timeout_us)
                f->outstanding = false;
            ocpp_step(f->ocpp);
            if (f->connected)
                serve(f);
            if (f->frame_count == before)
                break;
            assert_true(i < 199); /* the two must come to rest */
        }
        if (f->now_us >= end)
            return;
        uint64_t step = end - f->now_us < 50000 ? end - f->now_us : 50000;
        f->now_us += step;
    }
}

struct fake *fake_ready(void)
{
    struct fake *f = fake_new();
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    fake_forget(f);
    return f;
}

const cJSON *fake_call(struct fake *f, const char *action, const char *payload)
{
    char id[24];
    size_t cap = strlen(payload) + 200;
    char *text = malloc(cap);
    assert_non_null(text);
    snprintf(id, sizeof id, "server-%u", ++f->calls);
    snprintf(text, cap, "[2,\"%s\",\"%s\",%s]", id, action, payload);
    unsigned before = f->frame_count;
    fake_raw(f, text);
    free(text);
    /* The answer comes at once, and before any call. */
    assert_true(f->frame_count > before);
    const struct fake_frame *n = &f->frame[before];
    assert_string_equal(n->frame.id, id);
    f->error[0] = 0;
    if (n->frame.type == FRAME_ERROR) {
        snprintf(f->error, sizeof f->error, "%s", n->frame.code);
        return NULL;
    }
    assert_int_equal(n->frame.type, FRAME_RESULT);
    return n->frame.payload;
}

/* ---- hands ---- */

void fake_set(struct fake *f, const char *setting, const char *value)
{
    int i = find_setting(f, setting);
    assert_true(i >= 0);
    snprintf(f->setting[i].value, sizeof f->setting[i].value, "%s", value);
}

const char *fake_get(struct fake *f, const char *setting)
{
    int i = find_setting(f, setting);
    assert_true(i >= 0);
    return f->setting[i].value;
}

void fake_event(struct fake *f, enum ocpp_event_type type, bool on, const char *text, const char *old)
{
    struct ocpp_event ev = {
        .type = type, .at_us = f->now_us, .on = on, .text = text, .old = old, .view = f->view};
    ocpp_event(f->ocpp, &ev);
}

static void pilot(struct fake *f, char to)
{
    char old[2] = {f->view.pilot, 0}, text[2] = {to, 0};
    f->view.pilot = to;
    fake_event(f, OCPP_EV_PILOT, false, text, old);
}

void fake_plug(struct fake *f)
{
    f->view.plugged = f->view.cable = true;
    f->view.cable_ma = 32000;
    f->view.state = "Connected";
    pilot(f, 'B');
    fake_event(f, OCPP_EV_PLUGGED, true, NULL, NULL);
}

void fake_unplug(struct fake *f)
{
    f->view.plugged = f->view.cable = f->view.energy_flowing = f->view.energy_requested = false;
    f->view.cable_ma = 0;
    f->view.state = "Idle";
    memset(f->view.phases_used, 0, sizeof f->view.phases_used);
    pilot(f, 'A');
    fake_event(f, OCPP_EV_UNPLUGGED, false, NULL, NULL);
}

void fake_ask(struct fake *f, bool asks)
{
    f->view.energy_requested = asks;
    pilot(f, asks ? 'C' : 'B');
    bool flows = asks && f->authorised;
    if (flows != f->view.energy_flowing) {
        f->view.energy_flowing = flows;
        f->view.offered_ma = flows ? 16000 : 0;
        for (int p = 0; p < 3; p++) {
            f->view.phases_used[p] = flows;
            f->view.meter.i_ma[p] = flows ? 16000 : 0;
            f->view.meter.p_mw[p] = flows ? 3680000 : 0;
        }
        f->view.meter.p_total_mw = flows ? 11040000 : 0;
        fake_event(f, OCPP_EV_CONTACTOR, flows, NULL, NULL);
    }
    fake_event(f, OCPP_EV_CHARGING, false, NULL, NULL);
}

void fake_token(struct fake *f, const char *token)
{
    fake_event(f, OCPP_EV_TOKEN, true, token, "ISO14443");
}

void fake_energy(struct fake *f, uint64_t mwh)
{
    f->view.meter.import_total_mwh += mwh;
}

void fake_charge(struct fake *f)
{
    fake_plug(f);
    fake_run(f, 200);
    fake_token(f, "T1");
    fake_run(f, 200);
    assert_true(f->authorised);
    fake_ask(f, true);
    fake_run(f, 200);
}

/* ---- eyes ---- */

unsigned fake_count(const struct fake *f, const char *action)
{
    unsigned n = 0;
    for (unsigned i = 0; i < f->frame_count; i++)
        if (f->frame[i].action && !strcmp(f->frame[i].action, action))
            n++;
    return n;
}

const cJSON *fake_nth(const struct fake *f, const char *action, unsigned n)
{
    for (unsigned i = 0; i < f->frame_count; i++)
        if (f->frame[i].action && !strcmp(f->frame[i].action, action) && n-- == 0)
            return f->frame[i].frame.payload;
    return NULL;
}

const cJSON *fake_last(const struct fake *f, const char *action)
{
    unsigned n = fake_count(f, action);
    return n ? fake_nth(f, action, n - 1) : NULL;
}

unsigned fake_kept(const struct fake *f, enum ocpp_keep_kind kind)
{
    unsigned n = 0;
    for (unsigned i = 0; i < f->record_count; i++)
        if (f->record[i].kind == kind)
            n++;
    return n;
}

const cJSON *node_at(const cJSON *obj, const char *path)
{
    char part[64];
    while (obj && *path) {
        size_t n = strcspn(path, ".");
        assert_true(n < sizeof part);
        memcpy(part, path, n);
        part[n] = 0;
        path += n + (path[n] == '.');
        obj = cJSON_IsArray(obj) ? cJSON_GetArrayItem(obj, atoi(part))
                                 : cJSON_GetObjectItemCaseSensitive(obj, part);
    }
    return obj;
}

const char *at(const cJSON *obj, const char *path)
{
    const cJSON *n = node_at(obj, path);
    if (cJSON_IsString(n))
        return n->valuestring;
    if (cJSON_IsBool(n))
        return cJSON_IsTrue(n) ? "true" : "false";
    return "";
}

double number_at(const cJSON *obj, const char *path)
{
    const cJSON *n = node_at(obj, path);
    return cJSON_IsNumber(n) ? n->valuedouble : -1e9;
}
