/*
 * The station's log end to end, in virtual time: batches to a backend in memory, files put by GetLog through
 * an HTTP client in memory, lines and reason after a crash, the black box of a fault, the security log over a
 * power cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ocpp/json.h"
#include "tests/station/csms.h"

/* An HTTP server at the other end of a client: takes a body as fast as `rate` allows, then answers. */
struct web {
    bool running, cancelled;
    struct http_up up;
    char url[700], content_type[80];
    uint64_t length;
    char *body;
    size_t len;
    size_t rate; /* bytes each pump; 0: nothing moves */
    int status;  /* what is answered; 0: the connection breaks */
    int starts;
    bool busy; /* another request has the client */
};

struct bench {
    struct csms csms;
    struct web web;
    struct sim_station *station;
    char dir[64];
};

static bool web_start(void *ctx, const struct http_request *r, const struct http_up *up)
{
    struct web *w = ctx;
    if (w->running || w->busy)
        return false;
    free(w->body);
    w->body = malloc((size_t)r->length + 1);
    assert_non_null(w->body);
    assert_int_equal(r->method, HTTP_PUT);
    snprintf(w->url, sizeof w->url, "%s", r->url);
    snprintf(w->content_type, sizeof w->content_type, "%s", r->content_type);
    w->length = r->length;
    w->len = 0;
    w->up = *up;
    w->running = true;
    w->starts++;
    return true;
}

static void web_cancel(void *ctx)
{
    struct web *w = ctx;
    if (!w->running)
        return;
    w->cancelled = true;
}

static void web_pump(struct web *w)
{
    if (!w->running)
        return;
    if (w->cancelled) {
        w->cancelled = w->running = false;
        w->up.done(w->up.ctx, HTTP_CANCELLED, "cancelled");
        return;
    }
    for (size_t moved = 0; moved < w->rate && w->len < w->length;) {
        size_t left = (size_t)w->length - w->len, cap = w->rate - moved < left ? w->rate - moved : left;
        size_t n = w->up.fill(w->up.ctx, w->body + w->len, cap);
        assert_true(n > 0 && n <= cap); /* as many bytes as were said */
        w->len += n;
        moved += n;
    }
    if (w->len < w->length)
        return;
    w->body[w->len] = 0;
    w->running = false;
    if (!w->status) {
        w->up.done(w->up.ctx, HTTP_LOST, "connection lost");
    } else if (w->status / 100 == 2) {
        const struct http_head head = {.status = w->status, .total = -1, .validator = ""};
        if (w->up.head)
            w->up.head(w->up.ctx, &head);
        w->up.done(w->up.ctx, HTTP_DONE, "");
    } else {
        char why[40];
        snprintf(why, sizeof why, "%d Because", w->status);
        w->up.done(w->up.ctx, HTTP_REFUSED, why);
    }
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

static void open_station(struct bench *b)
{
    static const char *const settings[] = {"free_charging", "1", NULL};
    struct sim_station_cfg cfg = {.id = "CP1",
                                  .url = "ws://server/ocpp",
                                  .password = "very-secret-password",
                                  .dir = b->dir,
                                  .settings = settings,
                                  .seed = 7,
                                  .seeded_random = true,
                                  .log_level = getenv("ECS_TEST_LOG") ? 3 : -1,
                                  .wake = no_wake};
    world_cfg_default(&cfg.world);
    char err[200];
    b->station = sim_station_create(&cfg, err, sizeof err);
    assert_non_null(b->station);
    b->csms.station = b->station;
    struct sim_network network;
    csms_network(&b->csms, &network);
    network.http = (struct http){.ctx = &b->web, .start = web_start, .cancel = web_cancel};
    sim_station_connect(b->station, &network);
}

static void power(struct bench *b, bool on)
{
    char why[200];
    assert_true(sim_station_power(b->station, on, false, why, sizeof why));
}

static struct bench *start(void)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    snprintf(b->dir, sizeof b->dir, "/tmp/ecs-logs-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    b->csms = (struct csms){.unix_ms0 = 1700000000000, .boot_status = "Accepted", .token_status = "Accepted"};
    b->web.rate = 1000;
    b->web.status = 201;
    open_station(b);
    power(b, true);
    return b;
}

static void stop(struct bench *b)
{
    sim_station_destroy(b->station);
    csms_free(&b->csms);
    free(b->web.body);
    char cmd[100];
    snprintf(cmd, sizeof cmd, "rm -r '%s'", b->dir);
    assert_int_equal(system(cmd), 0);
    free(b);
}

static void run(struct bench *b, double seconds)
{
    uint64_t until = sim_station_time_us(b->station) + (uint64_t)(seconds * 1e6);
    while (sim_station_time_us(b->station) < until) {
        sim_station_frame(b->station);
        csms_pump(&b->csms);
        web_pump(&b->web);
        sim_station_comms(b->station);
    }
}

static const char *get_log(struct bench *b, const char *type, int id, const char *url, const char *more)
{
    char payload[900];
    snprintf(payload, sizeof payload,
             "{\"logType\":\"%s\",\"requestId\":%d,\"log\":{\"remoteLocation\":\"%s\"%s},\"retries\":1,"
             "\"retryInterval\":20}",
             type, id, url, more);
    csms_call(&b->csms, "GetLog", payload);
    run(b, 1);
    assert_non_null(b->csms.answer);
    return b->csms.answer;
}

static int statuses(struct bench *b, const char *part)
{
    return csms_count(&b->csms, 0, "LogStatusNotification", part);
}

static int occurrences(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

/* ---- batches ---- */

static void test_lines_reach_the_server_in_order_and_once(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    world_plug(sim_station_world(b->station), true);
    world_ready(sim_station_world(b->station), true);
    run(b, 40);
    int next = 0;
    char boot[16] = "";
    bool contactor = false;
    for (int i = 0;; i++) {
        const char *text = csms_find(&b->csms, 0, "DataTransfer", NULL, i);
        if (!text)
            break;
        cJSON *p = cJSON_Parse(text), *data = cJSON_GetObjectItem(p, "data");
        snprintf(boot, sizeof boot, "%s", cJSON_GetObjectItem(data, "boot")->valuestring);
        const cJSON *line;
        cJSON_ArrayForEach(line, cJSON_GetObjectItem(data, "lines"))
        {
            assert_int_equal(cJSON_GetObjectItem(line, "n")->valueint, ++next);
            /* The clock was known before the first batch: also lines from before that have their time. */
            assert_non_null(cJSON_GetObjectItem(line, "at"));
            contactor |= strstr(cJSON_GetObjectItem(line, "text")->valuestring, "contactor closed") != NULL;
        }
        cJSON_Delete(p);
    }
    assert_true(next > 10);
    assert_true(contactor);
    assert_int_equal(strlen(boot), 8);
    assert_int_equal(csms_count(&b->csms, 0, "DataTransfer", "very-secret"), 0);
    stop(b);
}

static void test_a_crash_keeps_the_last_lines_and_the_reason(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    csms_hang_up(&b->csms);
    b->csms.refuse = true;
    world_plug(sim_station_world(b->station), true);
    run(b, 20); /* nobody hears of the plug */

    assert_int_equal(csms_count(&b->csms, 0, "DataTransfer", "control pilot A -> B"), 0);

    /* The process dies without a word: its files stay as they are. */
    struct bench *after = calloc(1, sizeof *after);
    assert_non_null(after);
    char copy[140];
    snprintf(after->dir, sizeof after->dir, "/tmp/ecs-logs-test-XXXXXX");
    assert_non_null(mkdtemp(after->dir));
    snprintf(copy, sizeof copy, "cp '%s'/* '%s'/", b->dir, after->dir);
    assert_int_equal(system(copy), 0);

    stop(b);

    after->csms =
        (struct csms){.unix_ms0 = 1700000100000, .boot_status = "Accepted", .token_status = "Accepted"};
    after->web.rate = 1000;
    open_station(after);
    power(after, true);
    run(after, 10);
    const char *old = csms_find(&after->csms, 0, "DataTransfer", "control pilot A -> B", 0);
    const char *new = csms_find(&after->csms, 0, "DataTransfer", "started after a crash", 0);
    assert_non_null(old);
    assert_non_null(new);
    assert_string_not_equal(old, new); /* of two runs, told apart */
    assert_true(csms_count(&after->csms, 0, "DataTransfer", "log lines are from before this restart") == 1);
    cJSON *p = cJSON_Parse(old);
    const cJSON *line = cJSON_GetObjectItem(cJSON_GetObjectItem(p, "data"), "lines")->child;
    /* With the time that the run before knew. */
    assert_true(strncmp(cJSON_GetObjectItem(line, "at")->valuestring, "2023-11-14T22:13:", 17) == 0);
    cJSON_Delete(p);
    stop(after);
}

static void test_last_words_are_found(void **state)
{
    (void)state;
    _Alignas(8) static unsigned char retained[PORT_RETAINED_BYTES];
    memset(retained, 0x5a, sizeof retained);
    const struct port none = {.retained = NULL};
    station_last_words(&none, "nowhere to put it");
    const struct port p = {.retained = retained};
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    station_last_words(&p, longer); /* stays within its part */
    for (size_t i = 0; i < 512; i++)
        assert_int_equal(retained[i], 0x5a);
}

/* ---- files ---- */

static void test_diagnostics(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    assert_non_null(strstr(get_log(b, "DiagnosticsLog", 4, "http://h:1/up/", ""), "\"Accepted\""));
    run(b, 20);
    assert_int_equal(statuses(b, "\"Uploading\",\"requestId\":4"), 1);
    assert_int_equal(statuses(b, "\"Uploaded\",\"requestId\":4"), 1);
    assert_int_equal(b->web.starts, 1);
    assert_int_equal(strncmp(b->web.url, "http://h:1/up/CP1-diagnostics-", 30), 0);
    assert_string_equal(b->web.content_type, "text/plain; charset=utf-8");
    const char *text = b->web.body;
    assert_int_equal(strlen(text), b->web.length);
    assert_int_equal(strncmp(text, "ECSACP1 diagnostics 1\nmade=2023-11-14T22:13:2", 45), 0);
    assert_non_null(strstr(text, "\nstation=CP1\n"));
    assert_non_null(strstr(text, "reset=power-on"));
    assert_non_null(strstr(text, "\n[settings]\n"));
    assert_non_null(strstr(text, "\nheartbeat_interval=60\n"));
    assert_non_null(strstr(text, "\npassword=\n"));
    assert_null(strstr(text, "very-secret"));
    assert_non_null(strstr(text, "\n[log]\n2023-11-14T22:13:"));
    assert_non_null(strstr(text, "info state: state SelfTest -> Idle\n"));
    assert_string_equal(text + b->web.length - 6, "[end]\n");
    assert_null(strstr(text, "[blackbox]"));
    stop(b);
}

static void test_time_range_and_security_log(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 30);
    get_log(b, "DiagnosticsLog", 1, "https://h/x",
            ",\"oldestTimestamp\":\"2023-11-14T22:13:40Z\",\"latestTimestamp\":\"2023-11-14T22:13:45Z\"");
    run(b, 10);
    assert_string_equal(b->web.url, "https://h/x");
    assert_null(strstr(b->web.body, "SelfTest -> Idle")); /* at :20 */
    assert_non_null(strstr(b->web.body, "\n[log]\n[end]\n"));

    get_log(b, "SecurityLog", 2, "http://h/", "");
    run(b, 10);
    assert_int_equal(strncmp(b->web.body, "ECSACP1 security log 1\n", 23), 0);
    assert_int_equal(occurrences(b->web.body, "StartupOfTheDevice"), 1);
    assert_null(strstr(b->web.body, "[settings]"));
    assert_non_null(strstr(b->web.body, "\n2023-11-14T22:13:")); /* from before the clock was known */

    /* Over power cuts, and without end. */
    for (int i = 0; i < 3; i++) {
        power(b, false);
        power(b, true);
        run(b, 10);
    }
    get_log(b, "SecurityLog", 3, "http://h/", "");
    run(b, 10);
    assert_int_equal(occurrences(b->web.body, "StartupOfTheDevice"), 4);
    stop(b);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        int status, tries;
        const char *told;
    } rows[] = {{0, 2, "UploadFailure"},           {503, 2, "UploadFailure"},
                {404, 2, "UploadFailure"},         {401, 1, "PermissionDenied"},
                {403, 1, "PermissionDenied"},      {400, 1, "BadMessage"},
                {405, 1, "NotSupportedOperation"}, {501, 1, "NotSupportedOperation"}};
    struct bench *b = start();
    run(b, 5);
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        b->web.status = rows[i].status;
        b->web.starts = 0;
        get_log(b, "DiagnosticsLog", 100 + i, "http://h/", "");
        run(b, 60);
        char part[80];
        snprintf(part, sizeof part, "\"%s\",\"requestId\":%d", rows[i].told, 100 + i);
        assert_int_equal(statuses(b, part), 1);
        snprintf(part, sizeof part, "\"Uploading\",\"requestId\":%d", 100 + i);
        assert_int_equal(statuses(b, part), 1);
        assert_int_equal(b->web.starts, rows[i].tries);
    }
    b->web.starts = 0;
    b->web.status = 201;
    get_log(b, "DiagnosticsLog", 200, "sftp://h/x", "");
    get_log(b, "DiagnosticsLog", 201, "nothing at all", "");
    run(b, 5);
    assert_int_equal(b->web.starts, 0);
    assert_int_equal(statuses(b, "\"NotSupportedOperation\",\"requestId\":200"), 1);
    assert_int_equal(statuses(b, "\"BadMessage\",\"requestId\":201"), 1);

    /* As many retries as a number can say. */
    b->web.status = 503;
    csms_call(&b->csms, "GetLog",
              "{\"logType\":\"DiagnosticsLog\",\"requestId\":250,\"log\":{\"remoteLocation\":\"http://h/\"},"
              "\"retries\":2147483647,\"retryInterval\":1}");
    run(b, 300);
    assert_int_equal(b->web.starts, 101);
    assert_int_equal(statuses(b, "\"UploadFailure\",\"requestId\":250"), 1);

    /* A first try that fails and a second that does not. */
    b->web.status = 0;
    get_log(b, "DiagnosticsLog", 300, "http://h/", "");
    run(b, 15);
    b->web.status = 200;
    run(b, 30);
    assert_int_equal(statuses(b, "\"Uploaded\",\"requestId\":300"), 1);
    assert_int_equal(statuses(b, "\"UploadFailure\",\"requestId\":300"), 0);
    assert_string_equal(b->web.body + b->web.length - 6, "[end]\n");
    stop(b);
}

static void test_the_client_is_waited_for_and_a_second_request_takes_over(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    b->web.busy = true; /* firmware is being downloaded */
    get_log(b, "DiagnosticsLog", 1, "http://h/1", "");
    run(b, 30);
    assert_int_equal(statuses(b, NULL), 0);
    b->web.busy = false;
    b->web.rate = 0;
    run(b, 5);
    assert_int_equal(statuses(b, "\"Uploading\",\"requestId\":1"), 1);
    assert_non_null(strstr(get_log(b, "SecurityLog", 2, "http://h/2", ""), "AcceptedCanceled"));
    b->web.rate = 100000;
    run(b, 10);
    assert_int_equal(statuses(b, "\"AcceptedCanceled\",\"requestId\":1"), 1);
    assert_int_equal(statuses(b, "\"Uploading\",\"requestId\":2"), 1);
    assert_int_equal(statuses(b, "\"Uploaded\",\"requestId\":2"), 1);
    assert_int_equal(statuses(b, "\"Uploaded\",\"requestId\":1"), 0);
    assert_string_equal(b->web.url, "http://h/2");
    assert_int_equal(statuses(b, NULL), 4);
    stop(b);
}

/* Lines that go, and settings that grow, while a slow server takes the file: it gets as many bytes as it was
 * told. */
static void test_the_length_holds_whatever_happens_meanwhile(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    char why[100], name[41];
    for (int i = 0; i < 700; i++) { /* fill the ring */
        snprintf(name, sizeof name, "name %d", i);
        assert_true(sim_station_set(b->station, "station_name", name, why, sizeof why));
    }
    b->web.rate = 1;
    get_log(b, "DiagnosticsLog", 1, "http://h/1", "");
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "a name that is much longer %d", i);
        assert_true(sim_station_set(b->station, "station_name", name, why, sizeof why));
    }
    b->web.rate = 100000;
    run(b, 5);
    assert_int_equal(statuses(b, "\"Uploaded\",\"requestId\":1"), 1);
    assert_int_equal(strlen(b->web.body), b->web.length);
    assert_non_null(strstr(b->web.body, "\n[log]\n"));
    assert_string_equal(b->web.body + b->web.length - 6, "[end]\n");
    stop(b);
}

static void test_a_fault_leaves_its_black_box(void **state)
{
    (void)state;
    struct bench *b = start();
    run(b, 5);
    world_plug(sim_station_world(b->station), true);
    world_ready(sim_station_world(b->station), true);
    run(b, 20);
    world_faults(sim_station_world(b->station))->diode_missing = true;
    run(b, 5);
    get_log(b, "DiagnosticsLog", 1, "http://h/1", "");
    b->web.rate = 100000;
    run(b, 5);
    const char *box = strstr(b->web.body, "[blackbox] number=");
    assert_non_null(box);
    assert_non_null(strstr(box, "fault=DiodeMissing"));
    assert_non_null(strstr(box, "period_us=10000 samples=500\n"));
    const char *keep = getenv("ECS_KEEP_DIAGNOSTICS"); /* makes tests/log/diagnostics.txt */
    FILE *f = keep ? fopen(keep, "w") : NULL;
    if (f) {
        fwrite(b->web.body, 1, (size_t)b->web.length, f);
        fclose(f);
    }
    stop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_reach_the_server_in_order_and_once),
        cmocka_unit_test(test_a_crash_keeps_the_last_lines_and_the_reason),
        cmocka_unit_test(test_last_words_are_found),
        cmocka_unit_test(test_diagnostics),
        cmocka_unit_test(test_time_range_and_security_log),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_the_client_is_waited_for_and_a_second_request_takes_over),
        cmocka_unit_test(test_the_length_holds_whatever_happens_meanwhile),
        cmocka_unit_test(test_a_fault_leaves_its_black_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
