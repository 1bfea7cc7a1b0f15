/*
 * The hub as a library, in virtual time, against fake stations that are a queue of texts: what it answers,
 * what it stores, what it sends and when.
 */
#include "hub/hub.h"
#include "ocpp/json.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 64 };
static const int64_t T0 = 1700000000000; /* 2023-11-14T22:13:20Z */

struct fake {
    struct hub *hub;
    struct hub_peer *peer;
    char id[50];
    char *text[TEXTS]; /* from the hub, not looked at yet */
    int texts;
    bool closed, deaf, sync; /* deaf: answers nothing; sync: answers from within send */
    const char *refuse;      /* action that it refuses */
    double lease, fallback;
    int64_t lease_until;
    int leases, fallbacks, starts, stops, set_variables, triggers, clears;
    char last_call[4096];
    int next_id;
};

static int64_t now_ms; /* virtual, since T0 */

static void handle(struct fake *f, const char *text);

static bool fake_send(void *ctx, const char *text, size_t len)
{
    struct fake *f = ctx;
    assert_int_equal(strlen(text), len);
    if (f->sync) {
        char *copy = strdup(text);
        handle(f, copy);
        free(copy);
        return true;
    }
    assert_true(f->texts < TEXTS);
    f->text[f->texts++] = strdup(text);
    return true;
}

static void fake_close(void *ctx, const char *why)
{
    (void)why;
    struct fake *f = ctx;
    f->closed = true;
}

static void say(struct fake *f, const char *text)
{
    hub_text(f->peer, text, strlen(text), T0 + now_ms, (uint64_t)now_ms * 1000);
}

static void answer(struct fake *f, const char *id, const char *payload)
{
    char text[1024];
    snprintf(text, sizeof(text), "[3,\"%s\",%s]", id, payload);
    say(f, text);
}

/* One text from the hub: a CALL is answered as a good station would. */
static void handle(struct fake *f, const char *text)
{
    cJSON *a = cJSON_Parse(text);
    assert_non_null(a);
    if (cJSON_GetArrayItem(a, 0)->valueint == 2 && !f->deaf) {
        const char *id = cJSON_GetArrayItem(a, 1)->valuestring,
                   *action = cJSON_GetArrayItem(a, 2)->valuestring;
        const cJSON *p = cJSON_GetArrayItem(a, 3);
        assert_true(strlen(id) <= 36);
        snprintf(f->last_call, sizeof(f->last_call), "%s", text);
        if (f->refuse && strcmp(f->refuse, action) == 0) {
            answer(f, id, "{\"status\":\"Rejected\",\"statusInfo\":{\"reasonCode\":\"NoProfile\"}}");
        } else if (strcmp(action, "SetChargingProfile") == 0) {
            const cJSON *profile = json_object(p, "chargingProfile"), *period;
            int64_t stack = -1, evse = -1, until = 0;
            assert_true(json_int(p, "evseId", &evse) && evse == 0);
            assert_true(json_int(profile, "stackLevel", &stack));
            assert_string_equal(json_text(profile, "chargingProfilePurpose", 40),
                                "ChargingStationMaxProfile");
            const cJSON *schedule = cJSON_GetArrayItem(json_array(profile, "chargingSchedule"), 0);
            assert_string_equal(json_text(schedule, "chargingRateUnit", 1), "A");
            period = cJSON_GetArrayItem(json_array(schedule, "chargingSchedulePeriod"), 0);
            double limit = cJSON_GetObjectItem(period, "limit")->valuedouble;
            if (stack == 1) {
                assert_true(json_time_parse(json_text(profile, "validTo", 40), &until));
                f->lease = limit;
                f->lease_until = until - T0;
                f->leases++;
            } else {
                assert_int_equal(stack, 0);
                assert_null(cJSON_GetObjectItem(profile, "validTo"));
                f->fallback = limit;
                f->fallbacks++;
            }
            answer(f, id, "{\"status\":\"Accepted\"}");
        } else if (strcmp(action, "SetVariables") == 0) {
            f->set_variables++;
            assert_non_null(strstr(text, "\"TxUpdatedInterval\""));
            answer(f, id,
                   "{\"setVariableResult\":[{\"attributeStatus\":\"Accepted\",\"component\":{\"name\":"
                   "\"SampledDataCtrlr\"},"
                   "\"variable\":{\"name\":\"TxUpdatedInterval\"}}]}");
        } else if (strcmp(action, "GetVariables") == 0) {
            answer(f, id,
                   "{\"getVariableResult\":[{\"attributeStatus\":\"UnknownComponent\",\"component\":{"
                   "\"name\":\"Limits\"},"
                   "\"variable\":{\"name\":\"Offered\"}}]}");
        } else if (strcmp(action, "RequestStartTransaction") == 0) {
            f->starts++;
            answer(f, id, "{\"status\":\"Accepted\"}");
        } else if (strcmp(action, "RequestStopTransaction") == 0) {
            f->stops++;
            answer(f, id, "{\"status\":\"Accepted\"}");
        } else if (strcmp(action, "TriggerMessage") == 0) {
            f->triggers++;
            answer(f, id, "{\"status\":\"Accepted\"}");
        } else if (strcmp(action, "ClearChargingProfile") == 0) {
            f->clears++;
            answer(f, id, "{\"status\":\"Accepted\"}");
        } else {
            char text4[300];
            snprintf(text4, sizeof(text4), "[4,\"%s\",\"NotImplemented\",\"never heard of it\",{}]", id);
            say(f, text4);
        }
    }
    cJSON_Delete(a);
}

static void pump(struct fake *f)
{
    while (f->texts) {
        char *text = f->text[0];
        memmove(f->text, f->text + 1, (size_t)--f->texts * sizeof(f->text[0]));
        handle(f, text);
        free(text);
    }
}

static void drop_texts(struct fake *f)
{
    while (f->texts)
        free(f->text[--f->texts]);
}

static void fake_connect(struct fake *f, struct hub *h, const char *id)
{
    f->hub = h;
    f->closed = false;
    snprintf(f->id, sizeof(f->id), "%s", id);
    const struct hub_link link = {.ctx = f, .send = fake_send, .close = fake_close};
    f->peer = hub_connected(h, id, &link, T0 + now_ms, (uint64_t)now_ms * 1000);
}

static void fake_leave(struct fake *f)
{
    if (f->peer)
        hub_disconnected(f->peer, (uint64_t)now_ms * 1000);
    f->peer = NULL;
    drop_texts(f);
}

static struct fake *all[8];
static int fakes;

static void pump_all(void)
{
    for (int i = 0; i < fakes; i++)
        if (all[i]->peer)
            pump(all[i]);
}

/* Sends a CALL and returns the hub's answer: [3,..] or [4,..], to be deleted. */
static cJSON *call(struct fake *f, const char *action, const char *payload)
{
    char id[32], *text = malloc(strlen(payload) + strlen(action) + 64);
    snprintf(id, sizeof(id), "s%d", ++f->next_id);
    sprintf(text, "[2,\"%s\",\"%s\",%s]", id, action, payload);
    say(f, text);
    free(text);
    cJSON *got = NULL;
    for (int i = 0; i < f->texts; i++) {
        cJSON *a = cJSON_Parse(f->text[i]);
        if (cJSON_GetArrayItem(a, 0)->valueint != 2 &&
            strcmp(cJSON_GetArrayItem(a, 1)->valuestring, id) == 0) {
            got = a;
            free(f->text[i]);
            memmove(f->text + i, f->text + i + 1, (size_t)(--f->texts - i) * sizeof(f->text[0]));
            break;
        }
        cJSON_Delete(a);
    }
    assert_non_null(got);
    return got;
}

/* The payload of an answer that must be a result. */
static const cJSON *result(const cJSON *a)
{
    if (cJSON_GetArrayItem(a, 0)->valueint != 3)
        fail_msg("error %s: %s", cJSON_GetArrayItem(a, 2)->valuestring,
                 cJSON_GetArrayItem(a, 3)->valuestring);
    return cJSON_GetArrayItem(a, 2);
}

static void call_ok(struct fake *f, const char *action, const char *payload)
{
    cJSON *a = call(f, action, payload);
    result(a);
    cJSON_Delete(a);
    for (int i = 0; i < 4; i++) /* the answer of one may be what another waits for */
        pump_all();
}

static void expect_error(struct fake *f, const char *action, const char *payload, const char *code)
{
    cJSON *a = call(f, action, payload);
    assert_int_equal(cJSON_GetArrayItem(a, 0)->valueint, 4);
    assert_string_equal(cJSON_GetArrayItem(a, 2)->valuestring, code);
    cJSON_Delete(a);
    pump(f);
}

static const char boot[] =
    "{\"reason\":\"PowerUp\",\"chargingStation\":{\"model\":\"M1\",\"vendorName\":\"V\","
    "\"serialNumber\":\"S-1\",\"firmwareVersion\":\"1.2.3\"}}";

/* Virtual time goes on; every fake station answers at once. */
static void run_ms(struct hub *h, int64_t ms)
{
    int64_t end = now_ms + ms;
    for (;;) {
        uint64_t next = hub_step(h, T0 + now_ms, (uint64_t)now_ms * 1000);
        for (int i = 0; i < 4; i++)
            pump_all();
        if (now_ms >= end)
            break;
        int64_t at = (int64_t)((next + 999) / 1000);
        assert_true(at > now_ms);
        now_ms = at < end ? at : end;
    }
}

static struct hub *open_hub(const struct hub_cfg *cfg)
{
    char err[400] = "";
    struct hub *h = hub_open(cfg, err, sizeof(err));
    if (!h)
        fail_msg("%s", err);
    return h;
}

static struct hub_cfg plain(void)
{
    struct hub_cfg cfg;
    hub_cfg_default(&cfg);
    cfg.random_seed = 7;
    return cfg;
}

static int setup(void **state)
{
    (void)state;
    now_ms = 1000;
    fakes = 0;
    return 0;
}

static struct fake *station(struct hub *h, const char *id)
{
    struct fake *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    all[fakes++] = f;
    f->lease = f->fallback = -1;
    fake_connect(f, h, id);
    assert_non_null(f->peer);
    return f;
}

static struct fake *booted(struct hub *h, const char *id)
{
    struct fake *f = station(h, id);
    call_ok(f, "BootNotification", boot);
    return f;
}

static void end(struct hub *h)
{
    for (int i = 0; i < fakes; i++) {
        fake_leave(all[i]);
        free(all[i]);
    }
    fakes = 0;
    hub_close(h);
}

/* ---- the API ---- */

struct got {
    int status, replies;
    cJSON *json;
};

static void on_reply(void *ctx, int status, const char *json)
{
    struct got *g = ctx;
    g->status = status;
    g->replies++;
    g->json = cJSON_Parse(json);
    assert_non_null(g->json);
}

static void request(struct hub *h, struct got *g, const char *method, const char *path, const char *query,
                    const char *body)
{
    memset(g, 0, sizeof(*g));
    hub_request(h, method, path, query, body, on_reply, g, T0 + now_ms, (uint64_t)now_ms * 1000);
}

static cJSON *get(struct hub *h, const char *path, const char *query)
{
    struct got g;
    request(h, &g, "GET", path, query, "");
    assert_int_equal(g.replies, 1);
    assert_int_equal(g.status, 200);
    return g.json;
}

static int status_of(struct hub *h, const char *method, const char *path, const char *body)
{
    struct got g;
    request(h, &g, method, path, "", body);
    assert_int_equal(g.replies, 1);
    if (g.status >= 400) {
        const char *why = json_text(g.json, "error", 400);
        assert_non_null(why);
        assert_true(strlen(why) > 5);
    }
    cJSON_Delete(g.json);
    return g.status;
}

/* ---- a car ---- */

static void tx(struct fake *f, const char *type, const char *id, int seq, const char *state,
               const double *amps, double wh, const char *more)
{
    char time[JSON_TIME_TEXT], text[1500], meter[700] = "";
    json_time_text(time, T0 + now_ms);
    if (amps)
        snprintf(meter, sizeof(meter),
                 ",\"meterValue\":[{\"timestamp\":\"%s\",\"sampledValue\":["
                 "{\"value\":%.3f,\"measurand\":\"Current.Import\",\"phase\":\"L1\"},"
                 "{\"value\":%.3f,\"measurand\":\"Current.Import\",\"phase\":\"L2\"},"
                 "{\"value\":%.3f,\"measurand\":\"Current.Import\",\"phase\":\"L3\"},"
                 "{\"value\":230.1,\"measurand\":\"Voltage\",\"phase\":\"L1-N\"},"
                 "{\"value\":%.1f,\"unitOfMeasure\":{\"unit\":\"Wh\"}}]}]",
                 time, amps[0], amps[1], amps[2], wh);
    snprintf(
        text, sizeof(text),
        "{\"eventType\":\"%s\",\"timestamp\":\"%s\",\"triggerReason\":\"ChargingStateChanged\",\"seqNo\":%d,"
        "\"transactionInfo\":{\"transactionId\":\"%s\"%s%s%s},\"evse\":{\"id\":1,\"connectorId\":1}%s%s}",
        type, time, seq, id, state ? ",\"chargingState\":\"" : "", state ? state : "", state ? "\"" : "",
        meter, more);
    call_ok(f, "TransactionEvent", text);
}
static const char card[] = ",\"idToken\":{\"idToken\":\"CARD1\",\"type\":\"ISO14443\"}";

/* ---- tests ---- */

static void boot_and_heartbeat(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    cfg.heartbeat_s = 77;
    struct hub *h = open_hub(&cfg);
    struct fake *f = station(h, "CP1");
    cJSON *a = call(f, "BootNotification", boot);
    const cJSON *r = result(a);
    int64_t n;
    assert_string_equal(json_text(r, "status", 10), "Accepted");
    assert_true(json_int(r, "interval", &n) && n == 77);
    assert_true(json_time_parse(json_text(r, "currentTime", 40), &n) && n == T0 + now_ms);
    cJSON_Delete(a);
    a = call(f, "Heartbeat", "{}");
    assert_true(json_time_parse(json_text(result(a), "currentTime", 40), &n) && n == T0 + now_ms);
    cJSON_Delete(a);
    pump(f);
    assert_int_equal(f->set_variables, 1);
    assert_true(f->lease == 0 && f->leases == 1); /* an idle station may not just begin */
    assert_true(f->fallback == 32);

    cJSON *s = get(h, "/api/v1/stations/CP1", "");
    assert_string_equal(json_text(s, "model", 20), "M1");
    assert_string_equal(json_text(s, "firmware", 20), "1.2.3");
    assert_string_equal(json_text(s, "state", 20), "available");
    cJSON_Delete(s);
    end(h);
}

static void pending_and_rejected_stations_may_say_nothing_else(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    assert_int_equal(
        status_of(h, "PUT", "/api/v1/stations/CP1/registration", "{\"status\":\"Pending\",\"interval\":9}"),
        200);
    struct fake *f = station(h, "CP1");
    int64_t n;
    static const char *const words[] = {"Pending", "Rejected"};
    for (int i = 0; i < 2; i++) {
        char body[80];
        snprintf(body, sizeof(body), "{\"status\":\"%s\",\"interval\":9}", words[i]);
        assert_int_equal(status_of(h, "PUT", "/api/v1/stations/CP1/registration", body), 200);
        cJSON *a = call(f, "BootNotification", boot);
        assert_string_equal(json_text(result(a), "status", 10), words[i]);
        assert_true(json_int(result(a), "interval", &n) && n == 9);
        cJSON_Delete(a);
        expect_error(f, "Heartbeat", "{}", "SecurityError");
        run_ms(h, 10000);
        assert_int_equal(f->leases, 0);
    }
    assert_int_equal(status_of(h, "PUT", "/api/v1/stations/CP1/registration", "{\"status\":\"Accepted\"}"),
                     200);
    call_ok(f, "BootNotification", boot);
    assert_int_equal(f->leases, 1);
    assert_int_equal(status_of(h, "PUT", "/api/v1/stations/CP1/registration", "{\"status\":\"Maybe\"}"), 400);
    assert_int_equal(status_of(h, "PUT", "/api/v1/stations/a b/registration", "{\"status\":\"Pending\"}"),
                     404);
    end(h);
}

static void bad_messages_get_the_right_error(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    expect_error(f, "MakeCoffee", "{}", "NotImplemented");
    expect_error(f, "BootNotification", "{\"reason\":\"PowerUp\"}", "OccurrenceConstraintViolation");
    expect_error(f, "BootNotification", "{\"reason\":1,\"chargingStation\":{}}", "TypeConstraintViolation");
    expect_error(
        f, "StatusNotification",
        "{\"timestamp\":\"yesterday\",\"connectorStatus\":\"Available\",\"evseId\":1,\"connectorId\":1}",
        "PropertyConstraintViolation");
    expect_error(f, "StatusNotification",
                 "{\"timestamp\":\"2024-01-01T00:00:00Z\",\"connectorStatus\":\"Sleepy\",\"evseId\":1,"
                 "\"connectorId\":1}",
                 "PropertyConstraintViolation");
    expect_error(f, "TransactionEvent", "{}", "OccurrenceConstraintViolation");
    static const char *const texts[] = {
        "", "{}", "[", "[2]", "[2,\"x\",\"Heartbeat\"]", "[9,\"x\",{}]", "[2,\"x\",5,{}]", "\xff"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int before = f->texts;
        say(f, texts[i]);
        assert_int_equal(f->texts, before + 1);
        assert_non_null(strstr(f->text[before], "[4,"));
        pump(f);
    }
    say(f, "[3,\"nobody-asked\",{}]");
    say(f, "[4,\"nobody-asked\",\"GenericError\",\"\",{}]");
    assert_int_equal(f->texts, 0);
    call_ok(f, "Heartbeat", "{}");
    end(h);
}

static void transactions_are_stored_once_and_gaps_are_noticed(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    cfg.tokens = "CARD1, CARD2";
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    const double none[3] = {0, 0, 0}, ten[3] = {10, 10.1, 9.9};
    tx(f, "Started", "T1", 0, "EVConnected", none, 1000, "");
    char text[400];
    snprintf(text, sizeof(text),
             "{\"eventType\":\"Updated\",\"timestamp\":\"2023-11-14T22:13:22Z\",\"triggerReason\":"
             "\"Authorized\",\"seqNo\":1,"
             "\"transactionInfo\":{\"transactionId\":\"T1\"}%s}",
             card);
    for (int i = 0; i < 2; i++) { /* the answer to the first was lost */
        cJSON *a = call(f, "TransactionEvent", text);
        assert_string_equal(json_text(json_object(result(a), "idTokenInfo"), "status", 20), "Accepted");
        cJSON_Delete(a);
    }
    now_ms += 5000;
    tx(f, "Updated", "T1", 3, "Charging", ten, 1500, "");
    now_ms += 5000;
    tx(f, "Updated", "T1", 3, "Charging", ten, 1500, "");
    tx(f, "Ended", "T1", 4, "EVConnected", none, 2000.5, "");

    cJSON *t = get(h, "/api/v1/transactions/T1", "station=CP1");
    int64_t n;
    assert_string_equal(json_text(t, "token", 36), "CARD1");
    assert_true(json_int(t, "events", &n) && n == 4);
    assert_true(json_int(t, "missing_events", &n) && n == 1);
    assert_true(json_fixed(t, "energy_wh", 1, &n) && n == 10005);
    assert_non_null(json_text(t, "ended", 40));
    assert_int_equal(cJSON_GetArraySize(json_array(t, "meter_values")), 3);
    assert_int_equal(cJSON_GetArraySize(json_array(t, "event_list")), 4);
    assert_true(json_fixed(cJSON_GetArrayItem(json_array(t, "meter_values"), 1), "i2_a", 1, &n) && n == 101);
    cJSON_Delete(t);

    t = get(h, "/api/v1/transactions", "station=CP1&limit=5");
    assert_int_equal(cJSON_GetArraySize(json_array(t, "transactions")), 1);
    cJSON_Delete(t);
    t = get(h, "/api/v1/transactions", "station=CP2");
    assert_int_equal(cJSON_GetArraySize(json_array(t, "transactions")), 0);
    cJSON_Delete(t);
    t = get(h, "/api/v1/stations/CP1/log", "kind=transaction&level=warning&text=missing");
    assert_int_equal(cJSON_GetArraySize(json_array(t, "entries")), 1);
    cJSON_Delete(t);
    end(h);
}

static void tokens_are_looked_up(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    cfg.tokens = "CARD1, card2";
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    static const struct {
        const char *token, *type, *status;
    } rows[] = {{"CARD1", "ISO14443", "Accepted"},  {"CARD2", "ISO14443", "Accepted"},
                {"CARD", "ISO14443", "Invalid"},    {"CARD1, card2", "ISO14443", "Invalid"},
                {"", "NoAuthorization", "Invalid"}, {"HUB-1", "Central", "Accepted"},
                {"HUB-1", "ISO14443", "Invalid"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        snprintf(text, sizeof(text), "{\"idToken\":{\"idToken\":\"%s\",\"type\":\"%s\"}}", rows[i].token,
                 rows[i].type);
        cJSON *a = call(f, "Authorize", text);
        assert_string_equal(json_text(json_object(result(a), "idTokenInfo"), "status", 20), rows[i].status);
        cJSON_Delete(a);
    }
    /* a car whose token is not accepted gets nothing */
    tx(f, "Started", "T1", 0, "EVConnected", NULL, 0,
       ",\"idToken\":{\"idToken\":\"STOLEN\",\"type\":\"ISO14443\"}");
    run_ms(h, 20000);
    assert_true(f->lease == 0);
    end(h);
}

static void cars_share_and_are_lowered_before_others_are_raised(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A"), *b = booted(h, "B"), *c = booted(h, "C");
    run_ms(h, 3000);
    assert_true(a->fallback == 10 && b->fallback == 10 && c->fallback == 10);
    const double at32[3] = {31.8, 31.9, 31.9}, at16[3] = {15.9, 15.9, 15.8};
    tx(a, "Started", "TA", 0, "Charging", NULL, 0, card);
    assert_true(a->lease == 32);
    cJSON *o = get(h, "/api/v1/stations/A", "");
    assert_string_equal(json_text(o, "contactor", 10), "Closed");
    cJSON_Delete(o);
    for (int i = 0; i < 3; i++) {
        run_ms(h, 5000);
        tx(a, "Updated", "TA", 1 + i, "Charging", at32, i, "");
    }
    tx(b, "Started", "TB", 0, "SuspendedEVSE", NULL, 0, card);
    assert_true(a->lease == 16 && b->lease == 0);
    run_ms(h, 1000);
    tx(a, "Updated", "TA", 4, "Charging", at32, 4, "");
    assert_true(b->lease == 0);
    run_ms(h, 1000);
    tx(a, "Updated", "TA", 5, "Charging", at16, 5, ""); /* its meter shows that the car has followed */
    assert_true(b->lease == 16);
    tx(b, "Updated", "TB", 1, "Charging", NULL, 0, "");

    /* the leases are renewed as long as all is well */
    int leases = a->leases;
    for (int i = 0; i < 40; i++) {
        run_ms(h, 5000);
        assert_true(a->lease == 16 && b->lease == 16 && c->lease == 0);
        assert_true(a->lease_until > now_ms + 20000 && b->lease_until > now_ms + 20000 &&
                    c->lease_until > now_ms + 20000);
        tx(a, "Updated", "TA", 6 + i, "Charging", at16, 6 + i, "");
        tx(b, "Updated", "TB", 2 + i, "Charging", at16, 6 + i, "");
    }
    assert_in_range(a->leases - leases, 5, 10);

    /* one leaves: the other has all at once */
    tx(b, "Ended", "TB", 50, "Idle", NULL, 0, "");
    assert_true(b->lease == 0 && a->lease == 32);

    /* the limit is lowered and raised live */
    assert_int_equal(status_of(h, "PUT", "/api/v1/site", "{\"limit_a\": 20.57}"), 200);
    pump(a);
    assert_true(a->lease == 20.5);
    cJSON *site = get(h, "/api/v1/site", "");
    int64_t n;
    bool over = true;
    const cJSON *reserved = json_array(site, "reserved_a");
    assert_true(cJSON_GetArrayItem(reserved, 0)->valuedouble > 30); /* its car has yet to follow, */
    assert_true(json_bool(site, "overcommitted", &over) && !over);  /* but it will */
    cJSON_Delete(site);
    assert_int_equal(status_of(h, "POST", "/api/v1/site", "{\"limit_a\": 40}"), 200);
    pump(a);
    assert_true(a->lease == 40);
    site = get(h, "/api/v1/site", "");
    assert_true(json_fixed(site, "limit_a", 1, &n) && n == 400);
    assert_true(json_int(site, "charging", &n) && n == 1);
    cJSON_Delete(site);

    /* a car that has paused keeps its share for half a minute, then the minimum */
    tx(a, "Updated", "TA", 60, "SuspendedEV", NULL, 0, "");
    run_ms(h, 29000);
    assert_true(a->lease == 40);
    run_ms(h, 3000);
    assert_true(a->lease == 6);
    end(h);
}

static void phases_are_learned_from_the_meter(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A"), *b = booted(h, "B");
    const double one[3] = {15.9, 0, 0.02}, two[3] = {0.01, 16, 0};
    tx(a, "Started", "TA", 0, "Charging", NULL, 0, card);
    tx(b, "Started", "TB", 0, "Charging", NULL, 0, card);
    for (int i = 1; i <= 8; i++) {
        run_ms(h, 5000);
        tx(a, "Updated", "TA", i, "Charging", one, i, "");
        tx(b, "Updated", "TB", i, "Charging", two, i, "");
    }
    assert_true(a->lease == 32 && b->lease == 32);
    /* it was a three-phase car after all */
    const double three[3] = {31, 31, 31};
    tx(a, "Updated", "TA", 9, "Charging", three, 9, "");
    assert_true(a->lease == 16);
    run_ms(h, 1000);
    assert_true(b->lease == 16);
    end(h);
}

static void a_station_that_can_take_less_leaves_the_rest(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A"), *b = booted(h, "B");
    tx(a, "Started", "TA", 0, "Charging", NULL, 0, card);
    tx(b, "Started", "TB", 0, "Charging", NULL, 0, card);
    run_ms(h, 12000);
    assert_true(a->lease == 16 && b->lease == 16);
    char time[JSON_TIME_TEXT], text[600];
    json_time_text(time, T0 + now_ms);
    snprintf(text, sizeof(text),
             "{\"generatedAt\":\"%s\",\"seqNo\":0,\"eventData\":[{\"eventId\":1,\"timestamp\":\"%s\","
             "\"trigger\":\"Delta\","
             "\"actualValue\":\"13\",\"eventNotificationType\":\"HardWiredNotification\",\"component\":{"
             "\"name\":\"Limits\","
             "\"evse\":{\"id\":1}},\"variable\":{\"name\":\"Offered\"}}]}",
             time, time);
    call_ok(a, "NotifyEvent", text); /* a 13 A cable */
    run_ms(h, 20000);
    assert_true(a->lease == 13 && b->lease == 19);
    run_ms(h, 30000);
    assert_true(a->lease == 13 && b->lease == 19);
    end(h);
}

static void a_dead_line_keeps_its_reservation(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A"), *b = booted(h, "B");
    tx(a, "Started", "TA", 0, "Charging", NULL, 0, card);
    assert_true(a->lease == 32);
    fake_leave(a); /* gone with a lease of 32 A, which will end; then it has 16 A for ever */
    bool over = true;
    cJSON *site = get(h, "/api/v1/site", "");
    assert_true(json_bool(site, "overcommitted", &over) && !over);
    cJSON_Delete(site);
    assert_int_equal(status_of(h, "PUT", "/api/v1/site", "{\"limit_a\":20}"), 200);
    site = get(h, "/api/v1/site", "");
    assert_true(json_bool(site, "overcommitted", &over) && over); /* it can't be told */
    cJSON_Delete(site);
    assert_int_equal(status_of(h, "PUT", "/api/v1/site", "{\"limit_a\":32}"), 200);
    tx(b, "Started", "TB", 0, "SuspendedEVSE", NULL, 0, card);
    int64_t ends = a->lease_until;
    while (now_ms < ends + 300000) {
        run_ms(h, 1000);
        if (now_ms < ends)
            assert_true(b->lease == 0);
        assert_true(b->lease <= 16);
    }
    assert_true(b->lease == 16);
    end(h);
}

static void silence_is_retried_and_frees_nothing(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A"), *b = booted(h, "B");
    tx(a, "Started", "TA", 0, "Charging", NULL, 0, card);
    a->deaf = true;
    tx(b, "Started", "TB", 0, "SuspendedEVSE", NULL, 0, card);
    run_ms(h, 40000);
    assert_true(b->lease == 0 && a->lease == 32);
    a->deaf = false;
    run_ms(h, 50000);
    assert_true(a->lease == 16 && b->lease == 16);
    end(h);
}

static void a_refused_profile_is_cleared_out_of_the_way(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = station(h, "A");
    a->refuse = "SetChargingProfile";
    call_ok(a, "BootNotification", boot);
    assert_int_equal(a->clears, 1);
    a->refuse = NULL;
    run_ms(h, 5000);
    assert_true(a->lease == 0);
    end(h);
}

static void calls_from_the_api(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    struct got g, g2;
    request(h, &g, "POST", "/api/v1/stations/CP1/call/RequestStopTransaction", "",
            "{\"transactionId\":\"T9\"}");
    assert_int_equal(g.replies, 0);
    request(h, &g2, "POST", "/api/v1/stations/CP1/call/MakeCoffee", "", "");
    assert_int_equal(f->texts, 1); /* one outstanding call: the second waits */
    pump(f);
    assert_int_equal(g.replies, 1);
    assert_int_equal(g.status, 200);
    assert_string_equal(json_text(json_object(g.json, "result"), "status", 20), "Accepted");
    cJSON_Delete(g.json);
    assert_int_equal(g2.replies, 1);
    assert_string_equal(json_text(json_object(g2.json, "error"), "code", 40), "NotImplemented");
    cJSON_Delete(g2.json);

    f->deaf = true;
    request(h, &g, "POST", "/api/v1/stations/CP1/call/GetReport", "", "{}");
    run_ms(h, 29000);
    assert_int_equal(g.replies, 0);
    run_ms(h, 2000);
    assert_int_equal(g.replies, 1);
    assert_int_equal(g.status, 504);
    cJSON_Delete(g.json);

    request(h, &g, "POST", "/api/v1/stations/CP1/call/GetReport", "", "{}"); /* the asker leaves */
    hub_forget_reply(h, &g);
    request(h, &g2, "POST", "/api/v1/stations/CP1/call/GetReport", "", "{}"); /* the station leaves */
    fake_leave(f);
    assert_int_equal(g.replies, 0);
    assert_int_equal(g2.replies, 1);
    assert_int_equal(g2.status, 409);
    cJSON_Delete(g2.json);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP1/call/GetReport", "{}"), 409);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP2/call/GetReport", "{}"), 404);

    fake_connect(f, h, "CP1");
    assert_int_equal(status_of(h, "GET", "/api/v1/stations/CP1/call/GetReport", ""), 405);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP1/call/Get\"Report", "{}"), 400);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP1/call/GetReport", "[1]"), 400);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP1/call/GetReport", "{"), 400);
    for (int i = 0; i < 70; i++) {
        struct got many;
        request(h, &many, "POST", "/api/v1/stations/CP1/call/GetReport", "", "{}");
        if (i == 69) {
            assert_int_equal(many.replies, 1);
            assert_int_equal(many.status, 503);
        }
        if (many.replies)
            cJSON_Delete(many.json);
        else
            hub_forget_reply(h, &many);
    }
    end(h);
}

static void the_rest_of_the_api(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    static const struct {
        const char *method, *path, *body;
        int status;
    } rows[] = {
        {"GET", "/", "", 404},
        {"GET", "/api/v1", "", 404},
        {"GET", "/api/v1/", "", 404},
        {"GET", "/api/v1/nothing", "", 404},
        {"GET", "/api/v1//site", "", 404},
        {"GET", "/api/v1/health", "", 200},
        {"GET", "/api/v1/site", "", 200},
        {"GET", "/api/v1/site/log", "", 200},
        {"GET", "/api/v1/site/history", "", 200},
        {"DELETE", "/api/v1/site", "", 405},
        {"PUT", "/api/v1/site", "", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":\"32\"}", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":-1}", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":0.5}", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":0.999}", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":0}", 200},
        {"PUT", "/api/v1/site", "{\"limit_a\":1}", 200},
        {"PUT", "/api/v1/site", "{\"limit_a\":1e9}", 400},
        {"PUT", "/api/v1/site", "{\"limit_a\":32,\"colour\":1}", 400},
        {"PUT", "/api/v1/site", "{\"auto_start\":true}", 200},
        {"PUT", "/api/v1/site", "{\"auto_start\":false}", 200},
        {"GET", "/api/v1/stations", "", 200},
        {"POST", "/api/v1/stations", "", 405},
        {"GET", "/api/v1/stations/CP1", "", 200},
        {"POST", "/api/v1/stations/CP1", "", 405},
        {"GET", "/api/v1/stations/CP1/log", "", 200},
        {"GET", "/api/v1/stations/CP1/variables", "", 200},
        {"GET", "/api/v1/stations/CP1/nothing", "", 404},
        {"GET", "/api/v1/stations/CP1/log/more/and/more/still", "", 404},
        {"GET", "/api/v1/stations/CP9", "", 404},
        {"POST", "/api/v1/stations/CP1/stop", "", 409},
        {"POST", "/api/v1/stations/CP1/start", "{\"evse\":0}", 400},
        {"DELETE", "/api/v1/stations/CP1", "", 409},
        {"GET", "/api/v1/transactions", "", 200},
        {"POST", "/api/v1/transactions", "", 405},
        {"GET", "/api/v1/transactions/none", "", 404},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = status_of(h, rows[i].method, rows[i].path, rows[i].body);
        if (status != rows[i].status)
            fail_msg("%s %s: %d, wanted %d", rows[i].method, rows[i].path, status, rows[i].status);
    }
    struct got g;
    request(h, &g, "GET", "/api/v1/stations/CP1/log", "limit=x", "");
    assert_int_equal(g.status, 400);
    cJSON_Delete(g.json);

    request(h, &g, "POST", "/api/v1/stations/CP1/start", "", "{}");
    pump(f);
    assert_int_equal(g.status, 200);
    assert_int_equal(f->starts, 1);
    assert_non_null(strstr(f->last_call, "HUB-"));
    cJSON_Delete(g.json);
    tx(f, "Started", "T1", 0, "Charging", NULL, 0, card);
    assert_int_equal(status_of(h, "POST", "/api/v1/stations/CP1/start", "{}"), 409);
    request(h, &g, "POST", "/api/v1/stations/CP1/stop", "", "");
    pump(f);
    assert_int_equal(f->stops, 1);
    assert_non_null(strstr(f->last_call, "\"T1\""));
    cJSON_Delete(g.json);

    fake_leave(f);
    assert_int_equal(status_of(h, "DELETE", "/api/v1/stations/CP1", ""), 200);
    assert_int_equal(status_of(h, "GET", "/api/v1/stations/CP1", ""), 404);
    end(h);
}

static void reports_events_and_logs_are_kept(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    call_ok(f, "NotifyEvent",
            "{\"generatedAt\":\"2023-11-14T22:13:21Z\",\"seqNo\":0,\"eventData\":[{\"eventId\":1,"
            "\"timestamp\":\"2023-11-14T22:13:21Z\",\"trigger\":\"Delta\",\"actualValue\":\"C\","
            "\"eventNotificationType\":\"HardWiredNotification\",\"component\":{\"name\":\"ControlPilot\","
            "\"evse\":{\"id\":1}},"
            "\"variable\":{\"name\":\"State\"}}]}");
    call_ok(f, "NotifyReport",
            "{\"requestId\":1,\"generatedAt\":\"2023-11-14T22:13:21Z\",\"seqNo\":0,\"reportData\":[{"
            "\"component\":{\"name\":"
            "\"OCPPCommCtrlr\"},\"variable\":{\"name\":\"HeartbeatInterval\"},\"variableAttribute\":[{"
            "\"value\":\"60\"}]}]}");
    call_ok(f, "SecurityEventNotification",
            "{\"type\":\"StartupOfTheDevice\",\"timestamp\":\"2023-11-14T22:13:21Z\"}");
    call_ok(f, "LogStatusNotification", "{\"status\":\"Uploaded\",\"requestId\":1}");
    call_ok(f, "FirmwareStatusNotification", "{\"status\":\"Downloading\",\"requestId\":1}");
    call_ok(f, "ReportChargingProfiles",
            "{\"requestId\":1,\"chargingLimitSource\":\"CSO\",\"evseId\":0,\"chargingProfile\":[]}");
    call_ok(f, "MeterValues",
            "{\"evseId\":1,\"meterValue\":[{\"timestamp\":\"2023-11-14T22:13:21Z\",\"sampledValue\":[{"
            "\"value\":1.5,"
            "\"unitOfMeasure\":{\"unit\":\"kWh\"}}]}]}");
    cJSON *a = call(f, "DataTransfer", "{\"vendorId\":\"somebody\"}");
    assert_string_equal(json_text(result(a), "status", 20), "UnknownVendorId");
    cJSON_Delete(a);
    a = call(f, "DataTransfer",
             "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"lost\":3,\"lines\":[{\"at\":"
             "\"2023-11-14T22:13:19.5Z\",\"level\":\"error\",\"module\":\"guard\",\"text\":\"contactor "
             "welded\"}]}}");
    assert_string_equal(json_text(result(a), "status", 20), "Accepted");
    cJSON_Delete(a);

    cJSON *o = get(h, "/api/v1/stations/CP1/variables", "");
    assert_int_equal(cJSON_GetArraySize(json_array(o, "variables")), 2);
    cJSON_Delete(o);
    o = get(h, "/api/v1/stations/CP1", "");
    int64_t n;
    assert_string_equal(json_text(o, "pilot", 1), "C");
    assert_true(json_fixed(o, "meter_wh", 0, &n) && n == 1500);
    cJSON_Delete(o);
    o = get(h, "/api/v1/stations/CP1/log", "kind=log&level=error&text=WELDED");
    assert_int_equal(cJSON_GetArraySize(json_array(o, "entries")), 1);
    cJSON_Delete(o);
    o = get(h, "/api/v1/stations/CP1/log", "limit=3");
    const cJSON *list = json_array(o, "entries");
    assert_int_equal(cJSON_GetArraySize(list), 3);
    int64_t id;
    char query[40];
    assert_true(json_int(cJSON_GetArrayItem(list, 2), "id", &id));
    cJSON_Delete(o);
    snprintf(query, sizeof(query), "limit=1&before=%lld", (long long)id);
    o = get(h, "/api/v1/stations/CP1/log", query);
    assert_true(json_int(cJSON_GetArrayItem(json_array(o, "entries"), 0), "id", &n) && n == id - 1);
    cJSON_Delete(o);
    end(h);
}

static void problem(struct fake *f, const char *component, const char *code, bool on)
{
    char text[600];
    snprintf(
        text, sizeof(text),
        "{\"generatedAt\":\"2023-11-14T22:13:21Z\",\"seqNo\":0,\"eventData\":[{\"eventId\":1,"
        "\"timestamp\":\"2023-11-14T22:13:21Z\",\"trigger\":\"Alerting\",\"actualValue\":\"%s\",%s%s%s%s"
        "\"eventNotificationType\":\"HardWiredNotification\",\"component\":{\"name\":\"%s\"},\"variable\":{"
        "\"name\":\"Problem\"}}]}",
        on ? "true" : "false", on ? "" : "\"cleared\":true,", code ? "\"techCode\":\"" : "", code ? code : "",
        code ? "\"," : "", component);
    call_ok(f, "NotifyEvent", text);
}

static void expect_faults(struct hub *h, const char *wanted)
{
    cJSON *o = get(h, "/api/v1/stations/CP1", "");
    char *text = cJSON_PrintUnformatted(json_array(o, "faults"));
    assert_string_equal(text, wanted);
    cJSON_free(text);
    cJSON_Delete(o);
}

static void a_fault_is_named_until_it_is_cleared(void **state)
{
    (void)state;
    char folder[] = "/tmp/ecs-hub-fault-XXXXXX", file[60];
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/a.db", folder);
    struct hub_cfg cfg = plain();
    cfg.database = file;
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    expect_faults(h, "[]");
    problem(f, "Contactor", "Welded", true);
    problem(f, "Contactor", "Welded", true);
    problem(f, "EVSE", "Welded", true); /* a summary */
    expect_faults(h, "[\"Welded\"]");
    problem(f, "Contactor", "NoClose", true);
    problem(f, "ConnectorPlugRetentionLock", NULL, true);
    expect_faults(h, "[\"ConnectorPlugRetentionLock\",\"NoClose\",\"Welded\"]");
    problem(f, "Contactor", "NoClose", false);
    problem(f, "ConnectorPlugRetentionLock", NULL, false);
    expect_faults(h, "[\"Welded\"]");
    cJSON *o = get(h, "/api/v1/stations/CP1/log", "kind=event&text=: Welded");
    assert_true(cJSON_GetArraySize(json_array(o, "entries")) >= 2); /* the log names it too */
    cJSON_Delete(o);
    for (int i = 0; i < 6; i++) { /* more than are kept */
        char code[16];
        snprintf(code, sizeof(code), "F%d", i);
        problem(f, "Supply", code, true);
    }
    call_ok(f, "StatusNotification",
            "{\"timestamp\":\"2023-11-14T22:13:21Z\",\"connectorStatus\":\"Faulted\",\"evseId\":1,"
            "\"connectorId\":1}");
    expect_faults(h, "[\"F5\",\"F4\",\"F3\",\"F2\"]");
    call_ok(f, "BootNotification",
            "{\"reason\":\"PowerUp\",\"chargingStation\":{\"model\":\"M\",\"vendorName\":\"V\"}}");
    expect_faults(h, "[]");

    /* a hub that is started anew knows at least which part it is */
    problem(f, "Contactor", "Welded", true);
    call_ok(f, "NotifyEvent",
            "{\"generatedAt\":\"2023-11-14T22:13:21Z\",\"seqNo\":0,\"eventData\":[{\"eventId\":1,"
            "\"timestamp\":\"2023-11-14T22:13:21Z\",\"trigger\":\"Alerting\",\"actualValue\":\"false\","
            "\"eventNotificationType\":\"HardWiredNotification\",\"component\":{\"name\":\"Supply\"},"
            "\"variable\":{\"name\":\"Problem\"}}]}");
    fake_leave(f);
    hub_close(h);
    h = open_hub(&cfg);
    expect_faults(h, "[\"Contactor\"]");
    fake_connect(f, h, "CP1");
    problem(f, "Contactor", "Welded", false);
    expect_faults(h, "[]");
    end(h);
    unlink(file);
    assert_int_equal(rmdir(folder), 0);
}

static void a_newer_connection_replaces_the_older(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "CP1"), *b = station(h, "CP1");
    assert_true(a->closed && !b->closed);
    say(a, "[2,\"x\",\"Heartbeat\",{}]"); /* from the grave: not answered */
    assert_int_equal(a->texts, 0);
    call_ok(b, "Heartbeat", "{}");
    assert_true(b->lease == 0);
    fake_leave(a);
    cJSON *o = get(h, "/api/v1/stations/CP1", "");
    bool connected = false;
    assert_true(json_bool(o, "connected", &connected) && connected);
    cJSON_Delete(o);
    struct fake bad = {0};
    fake_connect(&bad, h, "CP 1");
    assert_null(bad.peer);
    fake_connect(&bad, h, "a234567890123456789012345678901234567890123456789");
    assert_null(bad.peer);
    end(h);
}

static void a_known_station_that_is_back_needs_no_boot(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    fake_leave(f);
    now_ms += 1000;
    int before = f->leases;
    fake_connect(f, h, "CP1");
    run_ms(h, 2000);
    assert_int_equal(f->leases, before);
    run_ms(h, 2000);
    assert_true(f->leases > before);

    /* one that we do not know is asked to introduce itself, and what it says is kept */
    struct fake *g = station(h, "CP2");
    tx(g, "Started", "T1", 0, "Charging", NULL, 0, card);
    assert_int_equal(g->triggers, 1);
    call_ok(g, "BootNotification", boot);
    assert_true(g->lease == 32);
    end(h);
}

static void all_is_there_after_a_restart(void **state)
{
    (void)state;
    char file[] = "/tmp/ecs-hub-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    struct hub_cfg cfg = plain();
    cfg.database = file;
    cfg.site_limit_a = 0;
    cfg.nobody_charges = true;
    struct hub *h = open_hub(&cfg);
    int64_t n;
    cJSON *o = get(h, "/api/v1/site", "");
    assert_true(json_fixed(o, "limit_a", 1, &n) && n == 0);
    cJSON_Delete(o);
    cfg.nobody_charges = false;
    assert_int_equal(status_of(h, "PUT", "/api/v1/site", "{\"limit_a\":24}"), 200);
    struct fake *a = booted(h, "A"), *b = booted(h, "B");
    tx(a, "Started", "TA", 0, "Charging", NULL, 100, card);
    assert_true(a->lease == 24);
    int64_t lease_until = a->lease_until;
    for (int i = 0; i < fakes; i++) {
        drop_texts(all[i]);
        all[i]->peer = NULL;
    }
    hub_close(h); /* as if it were killed: the stations did not say good-bye */

    now_ms += 30000;
    h = open_hub(&cfg);
    o = get(h, "/api/v1/site", "");
    assert_true(json_fixed(o, "limit_a", 1, &n) && n == 240);
    assert_true(json_int(o, "stations", &n) && n == 2);
    cJSON_Delete(o);
    /* B comes back first, with a car: A may still draw 24 A, then its 12 A */
    b->lease = -1;
    fake_connect(b, h, "B");
    call_ok(b, "Heartbeat", "{}");
    tx(b, "Started", "TB", 0, "SuspendedEVSE", NULL, 0, card);
    while (now_ms < lease_until) {
        assert_true(b->lease == 0);
        run_ms(h, 1000);
    }
    run_ms(h, 12000);
    assert_true(b->lease == 12);
    /* A is back, in the same transaction: an event that it already knows, then a new one */
    fake_connect(a, h, "A");
    tx(a, "Started", "TA", 0, "Charging", NULL, 100, card);
    tx(a, "Updated", "TA", 1, "Charging", NULL, 100, "");
    run_ms(h, 3000);
    assert_true(a->lease == 12 && b->lease == 12);
    o = get(h, "/api/v1/transactions/TA", "");
    assert_true(json_int(o, "events", &n) && n == 2);
    cJSON_Delete(o);
    end(h);

    /* a database of a later hub is left alone */
    sqlite3 *sql;
    char err[400] = "";
    assert_int_equal(sqlite3_open(file, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sql);
    assert_null(hub_open(&cfg, err, sizeof(err)));
    assert_non_null(strstr(err, "newer"));
    /* and so is a file that is none */
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    for (int i = 0; i < 300; i++)
        fputs("this is no database\n", f);
    fclose(f);
    assert_null(hub_open(&cfg, err, sizeof(err)));
    assert_true(strlen(err) > 10);
    char extra[64];
    unlink(file);
    snprintf(extra, sizeof(extra), "%s-wal", file);
    unlink(extra);
    snprintf(extra, sizeof(extra), "%s-shm", file);
    unlink(extra);
}

static void what_cannot_be_stored_is_not_acknowledged(void **state)
{
    (void)state;
    char file[] = "/tmp/ecs-hub-test-XXXXXX", extra[64];
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    struct hub_cfg cfg = plain();
    cfg.database = file;
    struct hub *h = open_hub(&cfg);
    struct fake *a = booted(h, "A");
    sqlite3 *sql;
    assert_int_equal(sqlite3_open(file, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK); /* the disk is stuck */
    static const char event[] =
        "{\"eventType\":\"Started\",\"timestamp\":\"2023-11-14T22:13:22Z\",\"triggerReason\":"
        "\"CablePluggedIn\",\"seqNo\":0,\"transactionInfo\":{\"transactionId\":\"T1\"}}";
    expect_error(a, "MeterValues",
                 "{\"evseId\":1,\"meterValue\":[{\"timestamp\":\"2023-11-14T22:13:22Z\",\"sampledValue\":[{"
                 "\"value\":1}]}]}",
                 "InternalError");
    assert_int_equal(status_of(h, "GET", "/api/v1/health", ""), 503);
    assert_false(a->closed);
    char text[sizeof(event) + 64];
    snprintf(text, sizeof(text), "[2,\"x\",\"TransactionEvent\",%s]", event);
    say(a, text);
    assert_true(a->closed);
    assert_int_equal(a->texts, 0); /* no word of it, or the station would give it up */
    fake_leave(a);
    fake_connect(a, h, "A");
    sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(sql);
    call_ok(a, "TransactionEvent", event);
    assert_int_equal(status_of(h, "GET", "/api/v1/health", ""), 200);
    cJSON *o = get(h, "/api/v1/transactions/T1", "");
    cJSON_Delete(o);
    end(h);
    unlink(file);
    snprintf(extra, sizeof(extra), "%s-wal", file);
    unlink(extra);
    snprintf(extra, sizeof(extra), "%s-shm", file);
    unlink(extra);
}

static void auto_start_starts_once_per_car(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    cfg.auto_start = true;
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    static const char
        occupied[] = "{\"timestamp\":\"2023-11-14T22:13:22Z\",\"connectorStatus\":\"Occupied\",\"evseId\":1,"
                     "\"connectorId\":1}",
        available[] =
            "{\"timestamp\":\"2023-11-14T22:13:22Z\",\"connectorStatus\":\"Available\",\"evseId\":1,"
            "\"connectorId\":1}";
    call_ok(f, "StatusNotification", available);
    call_ok(f, "StatusNotification", occupied);
    run_ms(h, 5000);
    assert_int_equal(f->starts, 1);
    tx(f, "Started", "T1", 0, "Charging", NULL, 0,
       ",\"idToken\":{\"idToken\":\"HUB-00000000\",\"type\":\"Central\"}");
    assert_true(f->lease == 32);
    tx(f, "Ended", "T1", 1, "EVConnected", NULL, 0, ""); /* stopped by a person, still plugged in */
    call_ok(f, "StatusNotification", occupied);
    run_ms(h, 60000);
    assert_int_equal(f->starts, 1);
    call_ok(f, "StatusNotification", available);
    call_ok(f, "StatusNotification", occupied);
    f->refuse = "RequestStartTransaction";
    run_ms(h, 300000);
    assert_int_equal(f->starts, 1);
    /* the user's card was first */
    f->refuse = NULL;
    call_ok(f, "StatusNotification", available);
    call_ok(f, "StatusNotification", occupied);
    tx(f, "Started", "T2", 0, "EVConnected", NULL, 0, card);
    run_ms(h, 60000);
    assert_int_equal(f->starts, 1);
    end(h);
}

static void stations_that_answer_from_within_send(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = station(h, "CP1");
    f->sync = true;
    char text[300];
    snprintf(text, sizeof(text), "[2,\"b\",\"BootNotification\",%s]", boot);
    say(f, text);
    assert_int_equal(f->set_variables, 1);
    assert_true(f->lease == 0 && f->fallback == 32);
    f->sync = false;
    end(h);
}

static void the_page_gets_snapshots(void **state)
{
    (void)state;
    struct hub_cfg cfg = plain();
    struct hub *h = open_hub(&cfg);
    struct fake *f = booted(h, "CP1");
    static char buf[65536];
    size_t len;
    assert_true(hub_snapshot(h, buf, sizeof(buf), &len));
    assert_int_equal(strlen(buf), len);
    cJSON *o = cJSON_Parse(buf);
    assert_non_null(o);
    assert_int_equal(cJSON_GetArraySize(json_array(o, "station_list")), 1);
    cJSON_Delete(o);
    assert_false(hub_snapshot(h, buf, sizeof(buf), &len));
    tx(f, "Started", "T1", 0, "Charging", NULL, 0, card);
    assert_false(hub_snapshot(h, buf, 10, &len));
    assert_true(len > 10);
    assert_true(hub_snapshot(h, buf, sizeof(buf), &len));
    end(h);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(boot_and_heartbeat, setup),
        cmocka_unit_test_setup(pending_and_rejected_stations_may_say_nothing_else, setup),
        cmocka_unit_test_setup(bad_messages_get_the_right_error, setup),
        cmocka_unit_test_setup(transactions_are_stored_once_and_gaps_are_noticed, setup),
        cmocka_unit_test_setup(tokens_are_looked_up, setup),
        cmocka_unit_test_setup(cars_share_and_are_lowered_before_others_are_raised, setup),
        cmocka_unit_test_setup(phases_are_learned_from_the_meter, setup),
        cmocka_unit_test_setup(a_station_that_can_take_less_leaves_the_rest, setup),
        cmocka_unit_test_setup(a_dead_line_keeps_its_reservation, setup),
        cmocka_unit_test_setup(silence_is_retried_and_frees_nothing, setup),
        cmocka_unit_test_setup(a_refused_profile_is_cleared_out_of_the_way, setup),
        cmocka_unit_test_setup(calls_from_the_api, setup),
        cmocka_unit_test_setup(the_rest_of_the_api, setup),
        cmocka_unit_test_setup(reports_events_and_logs_are_kept, setup),
        cmocka_unit_test_setup(a_fault_is_named_until_it_is_cleared, setup),
        cmocka_unit_test_setup(a_newer_connection_replaces_the_older, setup),
        cmocka_unit_test_setup(a_known_station_that_is_back_needs_no_boot, setup),
        cmocka_unit_test_setup(all_is_there_after_a_restart, setup),
        cmocka_unit_test_setup(what_cannot_be_stored_is_not_acknowledged, setup),
        cmocka_unit_test_setup(auto_start_starts_once_per_car, setup),
        cmocka_unit_test_setup(stations_that_answer_from_within_send, setup),
        cmocka_unit_test_setup(the_page_gets_snapshots, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
