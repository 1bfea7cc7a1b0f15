/*
 * What stations send and fetch, with the hub as a library: log lines that come once, twice or without a time,
 * logs that are asked for, firmware that is offered, and everything that must not get into the hub's folder.
 */
#include "hub/hub.h"
#include "ocpp/json.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t T0 = 1700000000000; /* 2023-11-14T22:13:20Z */

struct bench {
    struct hub *hub;
    struct hub_cfg cfg;
    struct hub_peer *peer;
    int64_t now_ms;
    char dir[40], db[80], files[80];
    char call[8192], id[40]; /* the last CALL of the hub, its id */
    char answer[8192];       /* to ours */
    const char *status;      /* what the station answers GetLog and UpdateFirmware with */
    int next_id, http;
    char reply[65536];
};

static int64_t wall(const struct bench *b)
{
    return T0 + b->now_ms;
}

static uint64_t mono(const struct bench *b)
{
    return (uint64_t)b->now_ms * 1000;
}

static bool on_send(void *ctx, const char *text, size_t len)
{
    struct bench *b = ctx;
    (void)len;
    if (text[1] != '2') {
        snprintf(b->answer, sizeof(b->answer), "%s", text);
        return true;
    }
    cJSON *a = cJSON_Parse(text);
    const char *action = cJSON_GetArrayItem(a, 2)->valuestring;
    char out[300];
    bool ours = strcmp(action, "GetLog") == 0 || strcmp(action, "UpdateFirmware") == 0;
    snprintf(out, sizeof(out), "[3,\"%s\",{\"status\":\"%s\"%s}]", cJSON_GetArrayItem(a, 1)->valuestring,
             ours && b->status ? b->status : "Accepted",
             strcmp(action, "GetLog") == 0 ? ",\"filename\":\"from/the station\"" : "");
    if (ours)
        snprintf(b->call, sizeof(b->call), "%s", text);
    if (!ours || b->status)
        hub_text(b->peer, out, strlen(out), wall(b), mono(b));
    cJSON_Delete(a);
    return true;
}

static void on_close(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static void on_reply(void *ctx, int status, const char *json)
{
    struct bench *b = ctx;
    b->http = status;
    snprintf(b->reply, sizeof(b->reply), "%s", json);
}

static void step(struct bench *b, int64_t ms)
{
    b->now_ms += ms;
    hub_step(b->hub, wall(b), mono(b));
}

static void start(struct bench *b)
{
    char err[300] = "";
    b->hub = hub_open(&b->cfg, err, sizeof(err));
    if (!b->hub)
        fail_msg("%s", err);
    step(b, 1);
}

static void join(struct bench *b, const char *host)
{
    static const char boot[] = "[2,\"b\",\"BootNotification\",{\"reason\":\"PowerUp\",\"chargingStation\":"
                               "{\"model\":\"M\",\"vendorName\":\"V\",\"firmwareVersion\":\"1.0\"}}]";
    const struct hub_link link = {.ctx = b, .send = on_send, .close = on_close, .host = host};
    b->peer = hub_connected(b->hub, "CP1", &link, wall(b), mono(b));
    hub_text(b->peer, boot, sizeof(boot) - 1, wall(b), mono(b));
    step(b, 10);
}

static void leave(struct bench *b)
{
    hub_disconnected(b->peer, mono(b));
    b->peer = NULL;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/hub-files-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->db, sizeof(b->db), "%s/hub.db", b->dir);
    snprintf(b->files, sizeof(b->files), "%s/files", b->dir);
    hub_cfg_default(&b->cfg);
    b->cfg.database = b->db;
    b->cfg.files = b->files;
    b->status = "Accepted";
    start(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    char command[80];
    hub_close(b->hub);
    snprintf(command, sizeof(command), "rm -r %s", b->dir);
    assert_int_equal(system(command), 0);
    free(b);
    return 0;
}

/* Sends a CALL as the station; the answer's text, [3,…] or [4,…]. */
static const char *call(struct bench *b, const char *action, const char *payload)
{
    char text[8192];
    snprintf(text, sizeof(text), "[2,\"s%d\",\"%s\",%s]", ++b->next_id, action, payload);
    b->answer[0] = 0;
    hub_text(b->peer, text, strlen(text), wall(b), mono(b));
    return b->answer;
}

static int http(struct bench *b, const char *method, const char *path, const char *query, const char *body)
{
    b->http = 0;
    hub_request(b->hub, method, path, query, body, on_reply, b, wall(b), mono(b));
    return b->http;
}

static cJSON *get(struct bench *b, const char *path, const char *query)
{
    assert_int_equal(http(b, "GET", path, query, ""), 200);
    cJSON *o = cJSON_Parse(b->reply);
    assert_non_null(o);
    return o;
}

/* The entries of the log as "text|module|level|seconds since T0", newest first, one a line. */
static void lines(struct bench *b, const char *query, char *out, size_t cap)
{
    char all[200];
    snprintf(all, sizeof(all), "kind=log%s%s", query[0] ? "&" : "", query);
    cJSON *o = get(b, "/api/v1/stations/CP1/log", all);
    const cJSON *e;
    size_t n = 0;
    out[0] = 0;
    cJSON_ArrayForEach(e, json_array(o, "entries"))
    {
        int64_t at = 0;
        const char *module = json_text(e, "module", 30);
        assert_true(json_time_parse(json_text(e, "time", 40), &at));
        n += (size_t)snprintf(out + n, cap - n, "%s|%s|%s|%.3f\n", json_text(e, "text", 1000),
                              module ? module : "-", json_text(e, "level", 10), (double)(at - T0) / 1000);
        assert_true(n < cap);
    }
    cJSON_Delete(o);
}

static void accepted(const char *answer)
{
    if (!strstr(answer, "\"status\":\"Accepted\""))
        fail_msg("%s", answer);
}

/* ---- lines ---- */

static void a_line_comes_once(void **state)
{
    struct bench *b = *state;
    char out[4000];
    static const char batch[] =
        "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"a1b2c3d4\",\"lost\":3,"
        "\"lines\":["
        "{\"n\":7,\"up_ms\":1000,\"at\":\"2023-11-14T22:13:21.500Z\",\"level\":\"info\",\"module\":\"guard\","
        "\"text\":\"seven\"},"
        "{\"n\":8,\"up_ms\":1250,\"level\":\"error\",\"module\":\"net\",\"text\":\"eight\"}]}}";
    join(b, "hub:8887");
    accepted(call(b, "DataTransfer", batch));
    accepted(call(b, "DataTransfer", batch)); /* the answer was lost */
    lines(b, "", out, sizeof(out));
    assert_string_equal(out, "3 lines were overwritten before they could be sent|-|warning|0.011\n"
                             "eight|net|error|1.750\n"
                             "seven|guard|info|1.500\n");
    /* The same numbers after another boot are other lines. */
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"ffff\",\"lines\":["
                  "{\"n\":7,\"at\":\"2023-11-14T22:13:30Z\",\"text\":\"another seven\"}]}}"));
    lines(b, "text=seven", out, sizeof(out));
    assert_string_equal(out, "another seven|-|info|10.000\nseven|guard|info|1.500\n");
    /* Without a number each is one of its own. */
    for (int i = 0; i < 2; i++)
        accepted(call(b, "DataTransfer",
                      "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"lines\":["
                      "{\"at\":\"2023-11-14T22:13:31Z\",\"text\":\"plain\"}]}}"));
    lines(b, "text=plain", out, sizeof(out));
    assert_string_equal(out, "plain|-|info|11.000\nplain|-|info|11.000\n");
    leave(b);
}

static void times_are_estimated(void **state)
{
    struct bench *b = *state;
    char out[4000];
    join(b, "hub:8887");
    b->now_ms = 60000;
    /* Booted at 50 s, says so ten seconds later: nothing but its own clock. */
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":0,\"up_ms\":100,\"text\":\"a\"},{\"n\":1,\"up_ms\":9000,\"text\":\"b\"}]}}"));
    /* One that has been waiting for long says nothing new of when that was; one that came fast does. */
    b->now_ms = 100000;
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":2,\"up_ms\":10000,\"text\":\"c\"}]}}"));
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":3,\"up_ms\":50000,\"text\":\"d\"}]}}"));
    /* From here on it knows the time. */
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":4,\"up_ms\":60000,\"at\":\"2023-11-14T22:15:09.900Z\",\"text\":\"e\"},"
                  "{\"n\":5,\"up_ms\":60001,\"text\":\"f\"}]}}"));
    accepted(call(b, "DataTransfer", /* no clock at all: when it came */
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":6,\"text\":\"g\"},{\"n\":7,\"up_ms\":-5,\"at\":\"soon\",\"text\":\"h\"}]}}"));
    lines(b, "", out, sizeof(out));
    assert_string_equal(out, "h|-|info|100.000\ng|-|info|100.000\nf|-|info|109.901\ne|-|info|109.900\n"
                             "d|-|info|100.000\nc|-|info|61.000\nb|-|info|60.000\na|-|info|51.100\n");
    leave(b);
}

static void lines_are_found(void **state)
{
    struct bench *b = *state;
    char out[4000], query[60];
    join(b, "hub:8887");
    accepted(call(
        b, "DataTransfer",
        "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
        "{\"n\":0,\"at\":\"2023-11-14T22:13:21Z\",\"level\":\"debug\",\"module\":\"net\",\"text\":\"D\"},"
        "{\"n\":1,\"at\":\"2023-11-14T22:13:22Z\",\"level\":\"info\",\"module\":\"net\",\"text\":\"I\"},"
        "{\"n\":2,\"at\":\"2023-11-14T22:13:23Z\",\"level\":\"warning\",\"module\":\"cp\",\"text\":\"W\"},"
        "{\"n\":3,\"at\":\"2023-11-14T22:13:24Z\",\"level\":\"error\",\"module\":\"cp\",\"text\":\"E\"},"
        "{\"n\":4,\"at\":\"2023-11-14T22:13:25Z\",\"level\":\"loud\",\"text\":\"L\"}]}}"));
    static const struct {
        const char *query, *found;
    } rows[] = {
        {"module=net", "ID"},
        {"level=info", "LI"},
        {"at_least=error", "E"},
        {"at_least=warning", "EW"},
        {"at_least=info", "LEWI"},
        {"at_least=debug", "LEWID"},
        {"since=2023-11-14T22:13:24Z", "LE"},
        {"until=2023-11-14T22:13:22Z", "ID"},
        {"module=cp&at_least=error", "E"},
        {"module=nothing", ""},
        {"limit=2", "LE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char found[40] = "";
        lines(b, rows[i].query, out, sizeof(out));
        for (const char *l = out; *l; l = strchr(l, '\n') + 1)
            strncat(found, l, 1);
        assert_string_equal(found, rows[i].found);
    }
    cJSON *o = get(b, "/api/v1/stations/CP1/log", "kind=log&module=cp");
    int64_t id = 0;
    assert_true(json_int(cJSON_GetArrayItem(json_array(o, "entries"), 1), "id", &id));
    cJSON_Delete(o);
    snprintf(query, sizeof(query), "after=%lld", (long long)id);
    lines(b, query, out, sizeof(out));
    assert_int_equal(strncmp(out, "L", 1), 0);
    assert_non_null(strstr(out, "\nE|"));
    assert_null(strstr(out, "W|"));
    assert_int_equal(http(b, "GET", "/api/v1/stations/CP1/log", "at_least=loud", ""), 400);
    assert_int_equal(http(b, "GET", "/api/v1/stations/CP1/log", "until=yesterday", ""), 400);
    assert_int_equal(http(b, "GET", "/api/v1/stations/CP1/log", "after=-1", ""), 400);
    leave(b);
}

/* ---- logs that are asked for ---- */

/* What the hub has sent last: the value at a path of names. */
static const char *sent(struct bench *b, const char *object, const char *name)
{
    static char value[600];
    cJSON *a = cJSON_Parse(b->call);
    const cJSON *p = a ? cJSON_GetArrayItem(a, 3) : NULL;
    if (p && object[0])
        p = json_object(p, object);
    const cJSON *v = p ? cJSON_GetObjectItemCaseSensitive(p, name) : NULL;
    value[0] = 0;
    if (cJSON_IsString(v))
        snprintf(value, sizeof(value), "%s", v->valuestring);
    else if (cJSON_IsNumber(v))
        snprintf(value, sizeof(value), "%.0f", v->valuedouble);
    cJSON_Delete(a);
    return value;
}

/* Uploads; the status of the answer. */
static int upload(struct bench *b, const char *method, const char *path, const char *body, uint64_t claimed,
                  bool whole)
{
    struct hub_upload *u;
    char text[600] = "";
    int status = hub_upload_begin(b->hub, method, path, claimed, &u, text, sizeof(text), wall(b), mono(b));
    if (status == 200) {
        assert_non_null(u);
        assert_true(hub_upload_data(u, body, strlen(body)));
        status = hub_upload_end(u, whole, text, sizeof(text), wall(b), mono(b));
    } else {
        assert_null(u);
        assert_true(status == 0 || text[0]);
    }
    snprintf(b->reply, sizeof(b->reply), "%s", text);
    return status;
}

static int fetch(struct bench *b, const char *path, char *out, size_t cap, struct hub_file *f)
{
    char why[300] = "";
    int status = hub_file_open(b->hub, path, f, why, sizeof(why));
    out[0] = 0;
    if (status == 200) {
        ssize_t n = read(f->fd, out, cap - 1);
        assert_true(n >= 0 && (uint64_t)n == f->size);
        out[n] = 0;
        close(f->fd);
    } else {
        assert_true(status == 0 || why[0]);
    }
    return status;
}

static void status_is(struct bench *b, const char *field, const char *status, bool ended)
{
    cJSON *o = get(b, "/api/v1/stations/CP1", "");
    const cJSON *u = json_object(o, field);
    bool is_ended = false;
    assert_non_null(u);
    assert_string_equal(json_text(u, "status", 40), status);
    assert_true(json_bool(u, "ended", &is_ended) && is_ended == ended);
    cJSON_Delete(o);
}

static void a_log_is_asked_for_and_comes(void **state)
{
    struct bench *b = *state;
    char path[200], request[20], text[300], said[200];
    struct hub_file f;
    join(b, "hub.local:8887");
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "",
                          "{\"type\":\"SecurityLog\",\"oldest\":\"2023-11-14T00:00:00Z\",\"retries\":2,"
                          "\"retry_interval\":30}"),
                     200);
    assert_non_null(strstr(b->reply, "\"status\":\"Accepted\""));
    assert_string_equal(sent(b, "", "logType"), "SecurityLog");
    assert_string_equal(sent(b, "", "retries"), "2");
    assert_string_equal(sent(b, "", "retryInterval"), "30");
    assert_string_equal(sent(b, "log", "oldestTimestamp"), "2023-11-14T00:00:00.000Z");
    snprintf(request, sizeof(request), "%s", sent(b, "", "requestId"));
    snprintf(said, sizeof(said), "\"request\":%s", request);
    assert_non_null(strstr(b->reply, said));
    const char *url = sent(b, "log", "remoteLocation");
    assert_int_equal(strncmp(url, "http://hub.local:8887/files/upload/", 35), 0);
    assert_int_equal(strlen(url), 35 + 32);
    snprintf(path, sizeof(path), "%s", url + 21);
    status_is(b, "log_upload", "Accepted", false);

    snprintf(said, sizeof(said), "{\"status\":\"Uploading\",\"requestId\":%s}", request);
    assert_non_null(strstr(call(b, "LogStatusNotification", said), "[3,"));
    status_is(b, "log_upload", "Uploading", false);
    /* broken off; then whole, under a name; then again, because our answer was lost */
    assert_int_equal(upload(b, "PUT", path, "hel", 5, false), 400);
    cJSON *o = get(b, "/api/v1/stations/CP1/files", "");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(json_array(o, "files"), 0), "url")));
    cJSON_Delete(o);
    assert_int_equal(upload(b, "PUT", path, "hello", 5, true), 201);
    o = get(b, "/api/v1/stations/CP1/files", ""); /* under the name that the station gave in its answer */
    assert_string_equal(json_text(cJSON_GetArrayItem(json_array(o, "files"), 0), "name", 100),
                        "from_the_station");
    cJSON_Delete(o);
    strcat(path, "/dia gnostics\n.tar");
    assert_int_equal(upload(b, "POST", path, "hello!", 6, true), 201);
    assert_string_equal(b->reply, "{\"name\":\"dia_gnostics_.tar\",\"size\":6}");
    snprintf(said, sizeof(said), "{\"status\":\"Uploaded\",\"requestId\":%s}", request);
    (void)call(b, "LogStatusNotification", said);
    status_is(b, "log_upload", "Uploaded", true);
    assert_int_equal(upload(b, "PUT", path, "late", 4, true), 410); /* it is said to be whole: that's it */

    o = get(b, "/api/v1/stations/CP1/files", "");
    const cJSON *e = cJSON_GetArrayItem(json_array(o, "files"), 0);
    snprintf(path, sizeof(path), "%s", json_text(e, "url", 200));
    assert_string_equal(json_text(e, "type", 20), "SecurityLog");
    assert_string_equal(json_text(e, "name", 100), "dia_gnostics_.tar");
    cJSON_Delete(o);
    assert_int_equal(fetch(b, path, text, sizeof(text), &f), 200);
    assert_string_equal(text, "hello!");
    assert_string_equal(f.name, "CP1-dia_gnostics_.tar");
    /* It is still there after a restart, and not under another station's name. */
    leave(b);
    hub_close(b->hub);
    start(b);
    status_is(b, "log_upload", "Uploaded", true);
    assert_int_equal(fetch(b, path, text, sizeof(text), &f), 200);
    assert_int_equal(http(b, "DELETE", path, "", ""), 200);
    assert_int_equal(fetch(b, path, text, sizeof(text), &f), 404);
    assert_int_equal(http(b, "DELETE", path, "", ""), 404);
}

static void logs_that_do_not_come(void **state)
{
    struct bench *b = *state;
    char path[200];
    join(b, "hub:8887");
    b->status = "Rejected";
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", ""), 200);
    assert_string_equal(sent(b, "", "logType"), "DiagnosticsLog");
    snprintf(path, sizeof(path), "%s", strstr(sent(b, "log", "remoteLocation"), "/files/"));
    status_is(b, "log_upload", "Refused", true);
    assert_int_equal(upload(b, "PUT", path, "x", 1, true), 410);
    b->status = NULL; /* no answer at all */
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", "{}"), 0);
    step(b, 40000);
    assert_int_equal(b->http, 504);
    status_is(b, "log_upload", "NoAnswer", true);
    b->status = "Accepted";
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", "{}"), 200);
    snprintf(path, sizeof(path), "%s", strstr(sent(b, "log", "remoteLocation"), "/files/"));
    b->now_ms += 25 * 3600 * 1000;
    assert_int_equal(upload(b, "PUT", path, "x", 1, true), 410); /* a day later nobody waits any more */
    (void)call(b, "LogStatusNotification",
               "{\"status\":\"PermissionDenied\"}"); /* of the only one there is */
    status_is(b, "log_upload", "PermissionDenied", true);

    static const char *const bad[] = {
        "{\"type\":\"Diary\"}",
        "{\"type\":5}",
        "{\"oldest\":\"then\"}",
        "{\"retries\":-1}",
        "{\"retries\":\"many\"}",
        "{\"what\":\"is this\"}",
        "[]",
        "{",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", bad[i]), 400);
    assert_int_equal(http(b, "GET", "/api/v1/stations/CP1/getlog", "", ""), 405);
    leave(b);
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", "{}"), 409);
    join(b, NULL); /* nobody knows how it reaches us */
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", "{}"), 409);
    assert_non_null(strstr(b->reply, "--public-url"));
    leave(b);
    join(b, "evil\r\nX: y"); /* not an address */
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/getlog", "", "{}"), 409);
    leave(b);
}

static void uploads_that_are_refused(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *method, *path;
        uint64_t length;
        int status;
    } rows[] = {
        {"PUT", "/files/upload/", 1, 404},
        {"PUT", "/files/upload/00000000000000000000000000000000", 1, 404},
        {"PUT", "/files/upload/../../etc/passwd", 1, 404},
        {"PUT", "/files/upload/%", 1, 404},
        {"GET", "/files/upload/00000000000000000000000000000000", 1, 405},
        {"PUT", "/files/firmware/x.bin", 1, 0}, /* that is where they are fetched */
        {"PUT", "/api/v1/site", 1, 0},
        {"PUT", "/api/v1/firmware/", 1, 400},
        {"PUT", "/api/v1/firmware/..", 1, 400},
        {"PUT", "/api/v1/firmware/../x", 1, 400},
        {"PUT", "/api/v1/firmware/a/b", 1, 400},
        {"PUT", "/api/v1/firmware/.hidden", 1, 400},
        {"PUT", "/api/v1/firmware/-rf", 1, 400},
        {"PUT", "/api/v1/firmware/a b", 1, 400},
        {"PUT", "/api/v1/firmware/a\nb", 1, 400},
        {"PUT", "/api/v1/firmware/a\"b", 1, 400},
        {"PUT", "/api/v1/firmware/\xc3\xa4", 1, 400},
        {"PUT", "/api/v1/firmware/x.bin", 257ull * 1024 * 1024, 413},
        {"POST", "/api/v1/firmware/x.bin", 1, 405},
    };
    char longest[140] = "/api/v1/firmware/";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = upload(b, rows[i].method, rows[i].path, "x", rows[i].length, true);
        if (status != rows[i].status)
            fail_msg("%s: %d %s", rows[i].path, status, b->reply);
    }
    memset(longest + 17, 'a', 101);
    assert_int_equal(upload(b, "PUT", longest, "x", 1, true), 400);
    longest[117] = 0;
    assert_int_equal(upload(b, "PUT", longest, "x", 1, true), 201);
    /* No folder, and one that can't be made. */
    hub_close(b->hub);
    b->cfg.files = NULL;
    start(b);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/x", "x", 1, true), 409);
    hub_close(b->hub);
    b->cfg.files = "/proc/nowhere/files";
    start(b);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/x", "x", 1, true), 500);
    assert_non_null(strstr(b->reply, "can't be written to"));
}

/* ---- firmware ---- */

static void images(void **state)
{
    struct bench *b = *state;
    char text[300], etag[64], path[200];
    struct hub_file f;
    cJSON *o = get(b, "/api/v1/firmware", "");
    assert_int_equal(cJSON_GetArraySize(json_array(o, "images")), 0);
    cJSON_Delete(o);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.1.bin", "image", 5, true), 201);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.0.bin", "old", 3, true), 201);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.0.bin", "half", 8, false),
                     400); /* stays as it was */
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.0.bin", "long", 3, true), 400);
    assert_int_equal(fetch(b, "/files/firmware/ecs-1.0.bin", text, sizeof(text), &f), 200);
    assert_string_equal(text, "old");
    snprintf(etag, sizeof(etag), "%s", f.etag);
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.0.bin", "OLD", 3, true), 201);
    assert_int_equal(fetch(b, "/api/v1/firmware/ecs-1.0.bin", text, sizeof(text), &f), 200);
    assert_string_equal(text, "OLD");
    assert_string_not_equal(f.etag, etag);
    o = get(b, "/api/v1/firmware", "");
    const cJSON *list = json_array(o, "images");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_string_equal(json_text(cJSON_GetArrayItem(list, 1), "name", 100), "ecs-1.1.bin");
    cJSON_Delete(o);
    /* What is not ours in that folder is not given away. */
    snprintf(path, sizeof(path), "%s/firmware/link", b->files);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    snprintf(path, sizeof(path), "%s/firmware/sub", b->files);
    assert_int_equal(mkdir(path, 0700), 0);
    static const char *const bad[] = {"link",   "sub",     "..",   "../hub.db",         "../../hub.db",
                                      "%2e%2e", ".part-1", "none", "sub/../ecs-1.0.bin"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(path, sizeof(path), "/files/firmware/%s", bad[i]);
        int status = fetch(b, path, text, sizeof(text), &f);
        if (status == 200)
            fail_msg("%s was given", bad[i]);
        snprintf(path, sizeof(path), "/api/v1/stations/CP1/files/%s", bad[i]);
        assert_int_not_equal(fetch(b, path, text, sizeof(text), &f), 200);
    }
    o = get(b, "/api/v1/firmware", "");
    assert_int_equal(cJSON_GetArraySize(json_array(o, "images")), 2);
    cJSON_Delete(o);
    assert_int_equal(http(b, "DELETE", "/api/v1/firmware/ecs-1.0.bin", "", ""), 200);
    assert_int_equal(http(b, "DELETE", "/api/v1/firmware/ecs-1.0.bin", "", ""), 404);
    assert_int_equal(http(b, "DELETE", "/api/v1/firmware/link", "", ""), 404);
    assert_int_equal(http(b, "POST", "/api/v1/firmware", "", "{}"), 405);
    /* A hub that was killed in the middle of an upload cleans up. */
    snprintf(path, sizeof(path), "%s/firmware/.part-0123", b->files);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    hub_close(b->hub);
    start(b);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void an_update(void **state)
{
    struct bench *b = *state;
    char text[200], request[20];
    assert_int_equal(upload(b, "PUT", "/api/v1/firmware/ecs-1.1.bin", "image", 5, true), 201);
    join(b, "10.0.2.2:8887");
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/firmware", "",
                          "{\"image\":\"ecs-1.1.bin\",\"retries\":3,\"retryInterval\":60,"
                          "\"installDateTime\":\"2023-11-15T02:00:00Z\",\"signature\":\"c2ln\","
                          "\"signingCertificate\":\"-----BEGIN\"}"),
                     200);
    assert_string_equal(sent(b, "firmware", "location"), "http://10.0.2.2:8887/files/firmware/ecs-1.1.bin");
    assert_string_equal(sent(b, "firmware", "retrieveDateTime"), "2023-11-14T22:13:20.011Z");
    assert_string_equal(sent(b, "firmware", "installDateTime"), "2023-11-15T02:00:00.000Z");
    assert_string_equal(sent(b, "firmware", "signature"), "c2ln");
    assert_string_equal(sent(b, "firmware", "signingCertificate"), "-----BEGIN");
    assert_string_equal(sent(b, "", "retries"), "3");
    snprintf(request, sizeof(request), "%s", sent(b, "", "requestId"));
    status_is(b, "update", "Accepted", false);

    static const char *const states[] = {"Downloading", "Downloaded", "SignatureVerified", "Installing",
                                         "InstallRebooting"};
    for (size_t i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "{\"status\":\"%s\",\"requestId\":%s}", states[i], request);
        assert_non_null(strstr(call(b, "FirmwareStatusNotification", text), "[3,"));
        status_is(b, "update", states[i], false);
        if (i == 0) {
            static const char *const values[] = {"0", "42", "4x", "", "-1", "101"};
            for (size_t k = 0; k < 6; k++) {
                snprintf(
                    text, sizeof(text),
                    "{\"generatedAt\":\"2023-11-14T22:13:20Z\",\"seqNo\":0,\"eventData\":[{\"eventId\":%zu,"
                    "\"component\":{\"name\":\"Firmware\"},\"variable\":{\"name\":\"Progress\"},"
                    "\"actualValue\":\"%s\"}]}",
                    k, values[k]);
                (void)call(b, "NotifyEvent", text);
            }
            cJSON *o = get(b, "/api/v1/stations/CP1", "");
            int64_t percent = -1;
            assert_true(json_int(json_object(o, "update"), "percent", &percent));
            assert_int_equal(percent, 42);
            assert_string_equal(json_text(json_object(o, "update"), "image", 100), "ecs-1.1.bin");
            cJSON_Delete(o);
        }
    }
    /* It restarts, and so does the hub meanwhile. */
    leave(b);
    hub_close(b->hub);
    start(b);
    status_is(b, "update", "InstallRebooting", false);
    join(b, "10.0.2.2:8887");
    snprintf(text, sizeof(text), "{\"status\":\"Installed\",\"requestId\":%s}", request);
    (void)call(b, "FirmwareStatusNotification", text);
    status_is(b, "update", "Installed", true);
    /* The next has another number; what comes late of the first does not disturb it. */
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/firmware", "",
                          "{\"location\":\"https://elsewhere.example/x.bin\"}"),
                     200);
    assert_string_equal(sent(b, "firmware", "location"), "https://elsewhere.example/x.bin");
    assert_string_not_equal(sent(b, "", "requestId"), request);
    (void)call(b, "FirmwareStatusNotification", text);
    status_is(b, "update", "Accepted", false);
    (void)call(b, "FirmwareStatusNotification", "{\"status\":\"Idle\"}");
    status_is(b, "update", "Accepted", false);
    snprintf(text, sizeof(text), "{\"status\":\"InvalidSignature\",\"requestId\":%s}",
             sent(b, "", "requestId"));
    (void)call(b, "FirmwareStatusNotification", text);
    status_is(b, "update", "InvalidSignature", true);
    cJSON *o = get(b, "/api/v1/stations/CP1/firmware", "");
    const cJSON *list = json_array(o, "updates");
    assert_int_equal(cJSON_GetArraySize(list), 2);
    assert_string_equal(json_text(cJSON_GetArrayItem(list, 1), "status", 40), "Installed");
    cJSON_Delete(o);
    b->status = "InvalidCertificate";
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/firmware", "", "{\"image\":\"ecs-1.1.bin\"}"),
                     200);
    status_is(b, "update", "InvalidCertificate", true);

    static const struct {
        const char *body;
        int status;
    } bad[] = {
        {"{}", 400},
        {"{\"image\":\"none.bin\"}", 404},
        {"{\"image\":\"../hub.db\"}", 404},
        {"{\"image\":5}", 400},
        {"{\"image\":\"ecs-1.1.bin\",\"location\":\"http://h/x\"}", 400},
        {"{\"location\":\"x.bin\"}", 400},
        {"{\"location\":\"http://h/x\",\"retrieveDateTime\":\"now\"}", 400},
        {"{\"location\":\"http://h/x\",\"installDateTime\":7}", 400},
        {"{\"location\":\"http://h/x\",\"retries\":1000}", 400},
        {"{\"location\":\"http://h/x\",\"signature\":1}", 400},
        {"{\"location\":\"http://h/x\",\"when\":1}", 400},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (http(b, "POST", "/api/v1/stations/CP1/firmware", "", bad[i].body) != bad[i].status)
            fail_msg("%s: %d %s", bad[i].body, b->http, b->reply);
    leave(b);
    assert_int_equal(http(b, "POST", "/api/v1/stations/CP1/firmware", "", "{\"image\":\"ecs-1.1.bin\"}"),
                     409);
}

/* ---- the database ---- */

static void an_older_database(void **state)
{
    struct bench *b = *state;
    sqlite3 *sql = NULL;
    char *why = NULL, out[400];
    join(b, "hub:8887");
    leave(b);
    hub_close(b->hub);
    /* As version 1 was. */
    assert_int_equal(sqlite3_open(b->db, &sql), SQLITE_OK);
    int rc = sqlite3_exec(
        sql,
        "DROP INDEX log_once; ALTER TABLE log DROP COLUMN module; ALTER TABLE log DROP COLUMN boot;"
        "ALTER TABLE log DROP COLUMN n; DROP TABLE upload; DROP TABLE firmware_update;"
        "DROP TABLE history; INSERT INTO log VALUES (900,'CP1',1700000001000,'log','info','net: old');"
        "PRAGMA user_version=1;",
        NULL, NULL, &why);
    if (rc != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(sql);
    start(b);
    lines(b, "", out, sizeof(out));
    assert_string_equal(out, "net: old|-|info|1.000\n");
    join(b, "hub:8887");
    accepted(call(b, "DataTransfer",
                  "{\"vendorId\":\"ECSACP1\",\"messageId\":\"log\",\"data\":{\"boot\":\"1\",\"lines\":["
                  "{\"n\":0,\"at\":\"2023-11-14T22:13:30Z\",\"module\":\"net\",\"text\":\"new\"}]}}"));
    lines(b, "module=net", out, sizeof(out));
    assert_string_equal(out, "new|net|info|10.000\n");
    leave(b);
}

static void the_chart_over_a_restart(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 30; i++)
        step(b, 5000);
    cJSON *o = get(b, "/api/v1/site/history", "");
    int points = cJSON_GetArraySize(json_array(o, "points"));
    cJSON_Delete(o);
    assert_in_range(points, 30, 32);
    hub_close(b->hub);
    b->now_ms += 20000;
    start(b);
    for (int i = 0; i < 400; i++)
        step(b, 5000);
    o = get(b, "/api/v1/site/history", "");
    assert_int_equal(cJSON_GetArraySize(json_array(o, "points")), 360);
    cJSON_Delete(o);
    hub_close(b->hub);
    start(b);
    o = get(b, "/api/v1/site/history", "");
    const cJSON *list = json_array(o, "points"), *e;
    assert_in_range(cJSON_GetArraySize(list), 359, 360);
    int64_t last = 0, at;
    cJSON_ArrayForEach(e, list)
    {
        assert_true(json_time_parse(json_text(e, "time", 40), &at));
        assert_true(at > last);
        last = at;
    }
    cJSON_Delete(o);
    sqlite3 *sql = NULL;
    sqlite3_stmt *st = NULL;
    assert_int_equal(sqlite3_open(b->db, &sql), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sql, "SELECT count(*) FROM history", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_in_range(sqlite3_column_int(st, 0), 300, 400); /* the old ones go */
    sqlite3_finalize(st);
    sqlite3_close(sql);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_line_comes_once),
        T(times_are_estimated),
        T(lines_are_found),
        T(a_log_is_asked_for_and_comes),
        T(logs_that_do_not_come),
        T(uploads_that_are_refused),
        T(images),
        T(an_update),
        T(an_older_database),
        T(the_chart_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
