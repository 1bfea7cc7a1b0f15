/* The OCPP-J layer and provisioning: frames that must not hurt, the boot gate, reconnects, clock (part 4;
 * B01..B04). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/schema.h"
#include "tests/ocpp/fake.h"

/* ---- text ---- */

static void utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"plain", true},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x97", true},
        {"\xC0\x80", false},         /* overlong */
        {"\xE0\x80\x80", false},     /* overlong */
        {"\xED\xA0\x80", false},     /* surrogate */
        {"\xF4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xFF", false},
        {"\xE2\x82", false}, /* cut */
        {"\x80", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(json_utf8_ok(cases[i].text, strlen(cases[i].text)), cases[i].ok);
    assert_int_equal(json_chars("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x97"), 3);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *back;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"2000-02-29T23:59:59.999Z", 951868799999, "2000-02-29T23:59:59.999Z"},
        {"2026-01-01T00:00:00Z", FAKE_EPOCH, "2026-01-01T00:00:00.000Z"},
        {"2026-01-01T02:00:00.5+02:00", FAKE_EPOCH + 500, "2026-01-01T00:00:00.500Z"},
        {"2025-12-31T20:30:00-03:30", FAKE_EPOCH, "2026-01-01T00:00:00.000Z"},
        {"2026-01-01T00:00:00", FAKE_EPOCH, "2026-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59Z", 253402300799000, "9999-12-31T23:59:59.000Z"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms;
        char back[JSON_TIME_TEXT];
        assert_true(json_time_parse(good[i].text, &ms));
        assert_true(ms == good[i].ms);
        json_time_text(back, ms);
        assert_string_equal(back, good[i].back);
    }
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00+1",
                                      "2026-01-01T00:00:00Zx",
                                      "1969-12-31T23:59:59Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;
        assert_false(json_time_parse(bad[i], &ms));
    }
    /* every day of 40 years, there and back */
    for (int64_t day = 0; day < 365 * 40; day++) {
        char text[JSON_TIME_TEXT];
        int64_t ms;
        json_time_text(text, day * 86400000);
        assert_true(json_time_parse(text, &ms));
        assert_true(ms == day * 86400000);
    }
}

static void decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        int decimals;
        const char *text;
    } cases[] = {{0, 3, "0"},
                 {5, 3, "0.005"},
                 {-5, 3, "-0.005"},
                 {230100, 3, "230.1"},
                 {100000, 3, "100"},
                 {-1234567, 3, "-1234.567"},
                 {INT64_MIN, 0, "-9223372036854775808"},
                 {INT64_MAX, 3, "9223372036854775.807"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        assert_int_equal(json_fixed_text(text, sizeof text, cases[i].v, cases[i].decimals),
                         strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        assert_int_equal(json_fixed_text(text, strlen(cases[i].text), cases[i].v, cases[i].decimals), 0);
    }
}

static void frames(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum frame_fault fault;
        int type;
        const char *id;
    } cases[] = {
        {"[2,\"a\",\"Heartbeat\",{}]", FRAME_OK, 2, "a"},
        {" [ 3 , \"b\" , {\"x\":1} ] \n", FRAME_OK, 3, "b"},
        {"[4,\"c\",\"GenericError\",\"\",{}]", FRAME_OK, 4, "c"},
        {"[2,\"d\",\"Heartbeat\",null]", FRAME_OK, 2, "d"},
        {"[2,\"e\",\"Heartbeat\"]", FRAME_NOT_RPC, 2, "e"},
        {"[2,\"f\",\"Heartbeat\",[]]", FRAME_NOT_RPC, 2, "f"},
        {"[2,\"g\",7,{}]", FRAME_NOT_RPC, 2, "g"},
        {"[2,\"h\",\"Heartbeat\",{}", FRAME_NOT_JSON, 2, "h"},
        {"[2,\"i\",\"Heartbeat\",{}]x", FRAME_NOT_JSON, 2, "i"},
        {"[5,\"j\",{}]", FRAME_UNKNOWN_TYPE, 5, "j"},
        {"[2,17,\"Heartbeat\",{}]", FRAME_NOT_RPC, 2, "-1"},
        {"[2,\"0123456789012345678901234567890123456\",\"Heartbeat\",{}]", FRAME_NOT_RPC, 2, "-1"},
        {"{}", FRAME_NOT_RPC, 0, "-1"},
        {"", FRAME_NOT_JSON, 0, "-1"},
        {"[", FRAME_NOT_JSON, 0, "-1"},
        {"[]", FRAME_NOT_RPC, 0, "-1"},
        {"[2,\"k\",\"A\",{\"a\":\"\xFF\"}]", FRAME_NOT_UTF8, 2, "k"},
        {"[2,\"l\",\"A\",{\"a\":\"\x01\"}]", FRAME_NOT_JSON, 2, "l"},
        {"[2,\"m\",\"A\",{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]", FRAME_TOO_DEEP, 2, "m"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct frame f;
        assert_int_equal(frame_parse(cases[i].text, strlen(cases[i].text), 1000, &f), cases[i].fault);
        assert_int_equal(f.type, cases[i].type);
        assert_string_equal(f.id, cases[i].id);
        frame_free(&f);
    }
    struct frame f;
    assert_int_equal(frame_parse("[3,\"b\",{}]", 10, 9, &f), FRAME_TOO_LONG);
    frame_free(&f);
    /* Writers never write past the end, and say so. */
    cJSON *p = cJSON_CreateObject();
    json_add_int(p, "n", 1);
    for (size_t cap = 0; cap < 40; cap++) {
        char *buf = malloc(cap + 1);
        assert_non_null(buf);
        size_t n = frame_call(buf, cap, "i", "A", p);
        if (n) {
            assert_string_equal(buf, "[2,\"i\",\"A\",{\"n\":1}]");
            assert_true(n < cap);
        }
        free(buf);
    }
    char text[64];
    assert_true(frame_error(text, sizeof text, "q\"\\\n", "GenericError", "\"") > 0);
    assert_string_equal(text, "[4,\"q\\\"\\\\\\u000a\",\"GenericError\",\"\\\"\",{}]");
    cJSON_Delete(p);
}

static void arena(void **state)
{
    (void)state;
    static _Alignas(16) unsigned char mem[2048];
    struct json_arena a;
    json_init();
    json_arena_init(&a, mem, sizeof mem);
    json_arena_use(&a);
    struct frame f;
    char many[900] = "[2,\"x\",\"A\",{\"a\":[";
    for (int i = 0; i < 300; i++)
        strcat(many, i ? ",1" : "1");
    strcat(many, "]}]");
    assert_int_equal(frame_parse(many, strlen(many), 1000, &f), FRAME_NO_MEMORY);
    assert_string_equal(f.id, "x");
    json_arena_reset(&a);
    cJSON *p = cJSON_CreateObject();
    for (int i = 0; i < 100; i++)
        json_add_int(p, "n", i);
    char out[4000];
    assert_int_equal(json_print(p, out, sizeof out), 0); /* something is missing: nothing is said at all */
    json_arena_use(NULL);
}

/* ---- what the server may send ---- */

static void last_error(const struct fake *f, const char *id, const char *code)
{
    const struct fake_frame *n = &f->frame[f->frame_count - 1];
    assert_int_equal(n->frame.type, FRAME_ERROR);
    assert_string_equal(n->frame.id, id);
    assert_string_equal(n->frame.code, code);
}

static void error_codes(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static const struct {
        const char *text, *id, *code;
    } cases[] = {
        {"[2,\"1\",\"NoSuchAction\",{}]", "1", "NotImplemented"},
        {"[2,\"2\",\"PublishFirmware\",{}]", "2", "NotSupported"},
        {"[2,\"3\",\"Reset\",{}]", "3", "OccurrenceConstraintViolation"},
        {"[2,\"4\",\"Reset\",{\"type\":7}]", "4", "TypeConstraintViolation"},
        {"[2,\"5\",\"Reset\",{\"type\":\"Soon\"}]", "5", "PropertyConstraintViolation"},
        {"[2,\"6\",\"GetVariables\",{\"getVariableData\":[]}]", "6", "OccurrenceConstraintViolation"},
        {"[2,\"7\",\"RequestStopTransaction\",{\"transactionId\":\"0123456789012345678901234567890123456\"}]",
         "7", "PropertyConstraintViolation"},
        {"[2,\"8\",\"UnlockConnector\",{\"evseId\":1.5,\"connectorId\":1}]", "8", "TypeConstraintViolation"},
        {"[2,\"9\",\"UnlockConnector\",{\"evseId\":1e10,\"connectorId\":1}]", "9",
         "PropertyConstraintViolation"},
        {"[2,\"10\",\"Reset\",{\"type\":\"Immediate\"}", "10", "RpcFrameworkError"},
        {"[2]", "-1", "RpcFrameworkError"},
        {"hello", "-1", "RpcFrameworkError"},
        {"[9,\"11\",{}]", "11", "MessageTypeNotSupported"},
        /* longer than is told of it: not cut within a character */
        {"[2,\"12\",\"xäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöüäöü\",{}]", "12",
         "NotImplemented"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned before = f->frame_count;
        fake_raw(f, cases[i].text);
        assert_int_equal(f->frame_count, before + 1);
        last_error(f, cases[i].id, cases[i].code);
    }
    /* Unknown fields are passed over, null for an optional one too. */
    assert_non_null(fake_call(f, "UnlockConnector",
                              "{\"evseId\":1,\"connectorId\":1,\"new\":{\"a\":[1]},\"customData\":{}}"));
    assert_non_null(fake_call(f, "GetTransactionStatus", "{\"transactionId\":null}"));
    fake_free(f);
}

static void answers_to_nothing(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    unsigned before = f->frame_count;
    fake_raw(f, "[3,\"never-asked\",{}]");
    fake_raw(f, "[4,\"never-asked\",\"GenericError\",\"\",{}]");
    fake_raw(f, "[3,\"never-asked\",[]]");
    fake_raw(f, "[4,7]");
    fake_raw(f, "[3");
    assert_int_equal(f->frame_count, before); /* an answer is never answered */
    fake_run(f, 1000);
    fake_free(f);
}

static void long_messages(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static char text[OCPP_TEXT_MAX + 100];
    /* Longest that is taken: white space does not count as content. */
    const char *head = "[2,\"w\",\"GetLocalListVersion\",{}";
    memset(text, ' ', sizeof text);
    memcpy(text, head, strlen(head));
    text[OCPP_TEXT_MAX - 1] = ']';
    text[OCPP_TEXT_MAX] = 0;
    fake_raw(f, text);
    assert_int_equal(f->frame[f->frame_count - 1].frame.type, FRAME_RESULT);
    text[OCPP_TEXT_MAX - 1] = ' ';
    text[OCPP_TEXT_MAX] = ']';
    text[OCPP_TEXT_MAX + 1] = 0;
    fake_raw(f, text);
    last_error(f, "w", "RpcFrameworkError");
    /* More nodes than the arena holds. */
    size_t n =
        (size_t)snprintf(text, sizeof text, "[2,\"n\",\"DataTransfer\",{\"vendorId\":\"v\",\"data\":[");
    while (n < OCPP_TEXT_MAX - 10)
        n += (size_t)snprintf(text + n, sizeof text - n, "1,");
    snprintf(text + n, sizeof text - n, "1]}]");
    fake_raw(f, text);
    last_error(f, "n", "InternalError");
    assert_non_null(fake_call(f, "GetLocalListVersion", "{}"));
    struct ocpp_status s;
    ocpp_status_read(f->ocpp, &s);
    assert_true(s.arena_high_water <= OCPP_ARENA_BYTES);
    fake_free(f);
}

/* ---- boot ---- */

static void boot_accepted(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_boot(f);
    fake_run(f, 1000);
    fake_connect(f);
    f->boot_interval = 77;
    fake_run(f, 1000);
    const cJSON *b = fake_nth(f, "BootNotification", 0);
    assert_string_equal(f->frame[0].action, "BootNotification");
    assert_string_equal(at(b, "reason"), "PowerUp");
    assert_string_equal(at(b, "chargingStation.model"), "Model with a name th"); /* 20 characters */
    assert_string_equal(at(b, "chargingStation.serialNumber"), "SN1");
    assert_true(f->wall_known);
    assert_string_equal(fake_get(f, "heartbeat_interval"), "77");
    assert_int_equal(fake_count(f, "StatusNotification"), 1);
    assert_string_equal(at(fake_last(f, "SecurityEventNotification"), "type"), "StartupOfTheDevice");
    fake_run(f, 78000);
    assert_int_equal(fake_count(f, "Heartbeat"), 1);
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    fake_free(f);
}

static void boot_pending(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    f->boot_status = "Pending";
    f->boot_interval = 20;
    fake_boot(f);
    fake_connect(f);
    fake_plug(f);
    fake_run(f, 5000);
    assert_int_equal(f->frame_count, 1); /* nothing but BootNotification */
    /* Asked for, it may speak: B02.FR.02. */
    const cJSON *r = fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"SummaryInventory\"}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 1000);
    assert_true(fake_count(f, "NotifyReport") >= 1);
    r = fake_call(f, "TriggerMessage",
                  "{\"requestedMessage\":\"StatusNotification\",\"evse\":{\"id\":1,\"connectorId\":1}}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "StatusNotification"), 1);
    r = fake_call(f, "RequestStartTransaction",
                  "{\"idToken\":{\"idToken\":\"R\",\"type\":\"Central\"},\"remoteStartId\":1}");
    assert_string_equal(at(r, "status"), "Rejected");
    assert_non_null(fake_call(f, "SetVariables",
                              "{\"setVariableData\":[{\"attributeValue\":\"9\",\"component\":{\"name\":"
                              "\"OCPPCommCtrlr\"},\"variable\":{\"name\":\"OfflineThreshold\"}}]}"));
    assert_string_equal(fake_get(f, "offline_threshold"), "9");
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    /* A reconnect does not make it ask sooner. */
    fake_close(f);
    fake_run(f, 2000);
    fake_connect(f);
    fake_run(f, 5000);
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    f->boot_status = "Accepted";
    fake_run(f, 10000);
    assert_int_equal(fake_count(f, "BootNotification"), 2);
    assert_int_equal(fake_count(f, "StatusNotification"), 2);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Occupied");
    r = fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"BootNotification\"}");
    assert_string_equal(at(r, "status"), "Rejected"); /* F06.FR.17 */
    fake_free(f);
}

static void boot_rejected(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    f->boot_status = "Rejected";
    f->boot_interval = 0; /* our own choice then, not a flood */
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(f->frame_count, 1);
    assert_null(fake_call(f, "GetVariables", "{}"));
    assert_string_equal(f->error, "SecurityError");
    fake_run(f, 25000);
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    fake_run(f, 36000);
    assert_int_equal(fake_count(f, "BootNotification"), 2);
    fake_free(f);
}

static bool silent_boot(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)id;
    (void)payload;
    (void)action;
    return f->server_arg-- > 0;
}

static void boot_unanswered(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    f->server = silent_boot;
    f->server_arg = 1;
    fake_set(f, "message_timeout", "5");
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 34000);
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    fake_run(f, 32000);
    assert_int_equal(fake_count(f, "BootNotification"), 2);
    struct ocpp_status s;
    ocpp_status_read(f->ocpp, &s);
    assert_true(s.registered);
    fake_free(f);
}

static bool wrong_boot(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    (void)action;
    fake_answer(f, id, "{\"currentTime\":\"yesterday\",\"interval\":10,\"status\":\"Accepted\"}");
    return true;
}

/* Without a time the stamps of everything else would be wrong: not taken as accepted. */
static void boot_without_time(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    f->server = wrong_boot;
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 5000);
    assert_int_equal(f->frame_count, 1);
    f->server = NULL;
    fake_run(f, 60000);
    assert_true(fake_count(f, "StatusNotification") > 0);
    fake_free(f);
}

/* ---- connections ---- */

static void reconnects(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "offline_threshold", "60");
    fake_close(f);
    fake_run(f, 30000);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "BootNotification"), 0);
    assert_int_equal(fake_count(f, "StatusNotification"), 0); /* B04.FR.02: nothing has changed */
    fake_close(f);
    fake_plug(f);
    fake_run(f, 10000);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "StatusNotification"), 1);
    fake_forget(f);
    fake_close(f);
    fake_run(f, 61000);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "StatusNotification"), 1); /* B04.FR.01 */
    fake_free(f);
}

static bool deaf(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)action;
    (void)id;
    (void)payload;
    return true;
}

/* Up, but dead: dropped after some unanswered calls. */
static void dead_connection(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "message_timeout", "5");
    f->server = deaf;
    fake_plug(f);
    fake_run(f, 60000);
    assert_int_equal(f->hang_ups, 1);
    fake_free(f);
}

static bool deaf_to_statuses(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)id;
    (void)payload;
    return !strcmp(action, "StatusNotification");
}

/* One kind of message that is never answered does not cost the connection. */
static void half_deaf_server(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "message_timeout", "5");
    f->server = deaf_to_statuses;
    fake_plug(f);
    fake_run(f, 120000);
    assert_true(fake_count(f, "StatusNotification") > 4);
    assert_int_equal(f->hang_ups, 0);
    fake_free(f);
}

/* Security events reach the server, also from starts that never saw it. */
static void security_events(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_boot(f);
    fake_run(f, 1000);
    f->reset_reason = "Watchdog";
    fake_boot(f);
    fake_run(f, 1000);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "SecurityEventNotification"), 2);
    assert_string_equal(at(fake_nth(f, "SecurityEventNotification", 0), "type"), "StartupOfTheDevice");
    assert_string_equal(at(fake_nth(f, "SecurityEventNotification", 1), "type"), "ResetOrReboot");
    assert_int_equal(strncmp(at(fake_nth(f, "SecurityEventNotification", 0), "timestamp"), "2026-01-01", 10),
                     0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_SECURITY_EVENT), 0);
    fake_close(f);
    for (int i = 0; i < 100; i++)
        fake_boot(f);
    assert_true(fake_kept(f, OCPP_KEEP_SECURITY_EVENT) <= 64);
    f->keep_fails = true;
    fake_boot(f);
    fake_forget(f);
    fake_connect(f);
    fake_run(f, 3000);
    assert_int_equal(fake_count(f, "SecurityEventNotification"), 65);
    fake_free(f);
}

static void wrong_subprotocol(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    fake_boot(f);
    f->connected = true;
    ocpp_opened(f->ocpp, NULL);
    assert_int_equal(f->hang_ups, 1);
    fake_run(f, 1000);
    assert_int_equal(f->frame_count, 0);
    fake_free(f);
}

/* Ids never come back, also after a restart. fake checks every id against all before it in the same list. */
static void ids_over_restarts(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    for (int i = 0; i < 20; i++) {
        fake_boot(f);
        fake_connect(f);
        fake_run(f, 1000);
        fake_close(f);
    }
    assert_true(f->frame_count >= 60);
    fake_free(f);
}

static void pilot_changes(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_plug(f);
    ocpp_step(f->ocpp);
    assert_string_equal(f->frame[0].action, "NotifyEvent"); /* at once, before anything else */
    const cJSON *e = fake_nth(f, "NotifyEvent", 0);
    assert_string_equal(at(e, "eventData.0.component.name"), "ControlPilot");
    assert_string_equal(at(e, "eventData.0.variable.name"), "State");
    assert_string_equal(at(e, "eventData.0.actualValue"), "B");
    assert_string_equal(at(e, "eventData.0.trigger"), "Delta");
    assert_true(number_at(e, "eventData.0.component.evse.id") == 1);
    fake_run(f, 500);
    /* 100 changes offline: the newest 64 are kept, in order. */
    fake_close(f);
    fake_forget(f);
    for (int i = 0; i < 50; i++) {
        fake_ask(f, true);
        fake_ask(f, false);
    }
    fake_connect(f);
    fake_run(f, 2000);
    unsigned n = 0;
    double last = 0;
    for (unsigned i = 0; i < fake_count(f, "NotifyEvent"); i++) {
        const cJSON *list = node_at(fake_nth(f, "NotifyEvent", i), "eventData");
        for (const cJSON *d = list->child; d; d = d->next, n++) {
            assert_true(last == 0 || number_at(d, "eventId") == last + 1);
            last = number_at(d, "eventId");
        }
    }
    assert_int_equal(n, 64);
    assert_true(last == 101);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8),
        cmocka_unit_test(times),
        cmocka_unit_test(decimals),
        cmocka_unit_test(frames),
        cmocka_unit_test(arena),
        cmocka_unit_test(error_codes),
        cmocka_unit_test(answers_to_nothing),
        cmocka_unit_test(long_messages),
        cmocka_unit_test(boot_accepted),
        cmocka_unit_test(boot_pending),
        cmocka_unit_test(boot_rejected),
        cmocka_unit_test(boot_unanswered),
        cmocka_unit_test(boot_without_time),
        cmocka_unit_test(reconnects),
        cmocka_unit_test(dead_connection),
        cmocka_unit_test(wrong_subprotocol),
        cmocka_unit_test(half_deaf_server),
        cmocka_unit_test(security_events),
        cmocka_unit_test(ids_over_restarts),
        cmocka_unit_test(pilot_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
