/* The log towards the server: batches of lines, their repetition and refusal; GetLog as Part 6 tests it (N25,
 * N26, N34 to N36), and the trigger for its status (F06). */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

/* ---- batches ---- */

static void test_lines_go_out_once_and_last(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_line(f, 0x1a2b, "first \"quoted\" \xc3\xa4");
    fake_line(f, 0x1a2b, "second");
    f->log[1].wall_known = false;
    f->log_lost = 3;
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "DataTransfer"), 1);
    const cJSON *p = fake_last(f, "DataTransfer");
    assert_string_equal(at(p, "vendorId"), "ECSACP1");
    assert_string_equal(at(p, "messageId"), "log");
    assert_string_equal(at(p, "data.boot"), "00001a2b");
    assert_int_equal(number_at(p, "data.lost"), 3);
    assert_int_equal(number_at(p, "data.lines.0.n"), 1);
    assert_string_equal(at(p, "data.lines.0.at"), "2026-01-01T00:00:01.000Z");
    assert_int_equal(number_at(p, "data.lines.0.up_ms"), 7);
    assert_string_equal(at(p, "data.lines.0.level"), "warning");
    assert_string_equal(at(p, "data.lines.0.module"), "guard");
    assert_string_equal(at(p, "data.lines.0.text"), "first \"quoted\" \xc3\xa4");
    assert_string_equal(at(p, "data.lines.1.text"), "second");
    assert_null(node_at(p, "data.lines.1.at"));
    assert_null(node_at(p, "data.lines.2"));

    fake_run(f, 30000);
    assert_int_equal(fake_count(f, "DataTransfer"), 1); /* nothing new, nothing sent */
    fake_line(f, 0x1a2b, "third");
    fake_line(f, 0x1a2b, "fourth");
    fake_run(f, 1000);
    p = fake_last(f, "DataTransfer");
    assert_int_equal(fake_count(f, "DataTransfer"), 2);
    assert_int_equal(number_at(p, "data.lost"), 0); /* told before */
    assert_int_equal(number_at(p, "data.lines.0.n"), 3);
    fake_line(f, 0x1a2b, "fifth"); /* one batch in the interval, however many lines */
    fake_run(f, 8000);
    assert_int_equal(fake_count(f, "DataTransfer"), 2);
    fake_run(f, 3000);
    assert_int_equal(fake_count(f, "DataTransfer"), 3);

    /* Anything else goes first. */
    fake_run(f, 30000);
    fake_forget(f);
    fake_line(f, 0x1a2b, "sixth");
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"Heartbeat\"}");
    fake_plug(f);
    fake_run(f, 1000);
    unsigned last = 0;
    for (unsigned i = 0; i < f->frame_count; i++)
        if (f->frame[i].action)
            last = i;
    assert_string_equal(f->frame[last].action, "DataTransfer");
    fake_free(f);
}

static void test_a_batch_is_of_one_run_and_of_bounded_size(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_line(f, 1, "before the restart");
    for (int i = 0; i < 190; i++) {
        char text[OCPP_LOG_TEXT];
        memset(text, 'a' + i % 26, sizeof text - 1);
        text[sizeof text - 1] = 0;
        fake_line(f, 2, text);
    }
    fake_run(f, 60000);
    unsigned n = fake_count(f, "DataTransfer"), next = 1;
    for (unsigned i = 0; i < n; i++) {
        const cJSON *p = fake_nth(f, "DataTransfer", i), *lines = node_at(p, "data.lines");
        assert_string_equal(at(p, "data.boot"), i ? "00000002" : "00000001");
        char *text = cJSON_PrintUnformatted(p);
        assert_true(strlen(text) < OCPP_TEXT_MAX / 2);
        cJSON_free(text);
        for (const cJSON *l = lines->child; l; l = l->next)
            assert_int_equal(number_at(l, "n"), next++);
    }
    assert_int_equal(next, 192); /* all of them, in order */
    struct ocpp_status s;
    ocpp_status_read(f->ocpp, &s);
    assert_true(s.arena_high_water < OCPP_ARENA_BYTES * 3 / 4);
    fake_free(f);
}

static bool silent_transfer(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)id;
    (void)payload;
    return !strcmp(action, "DataTransfer") && f->server_arg-- > 0;
}

static void test_a_lost_answer_repeats_the_same_lines(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->server = silent_transfer;
    f->server_arg = 1;
    fake_line(f, 1, "a");
    fake_run(f, 1000);
    fake_close(f); /* before the answer */
    fake_line(f, 1, "b");
    fake_connect(f);
    fake_run(f, 5000);
    assert_int_equal(fake_count(f, "DataTransfer"), 2);
    const cJSON *p = fake_last(f, "DataTransfer");
    assert_int_equal(number_at(p, "data.lines.0.n"), 1);
    assert_int_equal(number_at(p, "data.lines.1.n"), 2);

    f->server_arg = 1; /* nobody answers: not hammered, but not given up either */
    fake_run(f, 20000);
    fake_forget(f);
    fake_line(f, 1, "c");
    fake_run(f, 45000);
    assert_int_equal(fake_count(f, "DataTransfer"), 1);
    fake_run(f, 60000);
    assert_int_equal(fake_count(f, "DataTransfer"), 2);
    assert_int_equal(number_at(fake_last(f, "DataTransfer"), "data.lines.0.n"), 3);
    fake_free(f);
}

static void test_a_server_that_refuses_is_left_alone_until_the_next_connection(void **state)
{
    (void)state;
    static const char *const answers[] = {"UnknownVendorId", "UnknownMessageId", "Rejected", "Nonsense"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct fake *f = fake_ready();
        f->transfer_status = answers[i];
        fake_line(f, 1, "a");
        fake_run(f, 1000);
        fake_line(f, 1, "b");
        fake_run(f, 3600000);
        assert_int_equal(fake_count(f, "DataTransfer"), 1);
        f->transfer_status = NULL;
        fake_close(f);
        fake_connect(f);
        fake_run(f, 5000);
        assert_int_equal(fake_count(f, "DataTransfer"), 2);
        assert_int_equal(number_at(fake_last(f, "DataTransfer"), "data.lines.1.n"),
                         2); /* nothing is lost by it */
        fake_free(f);
    }
}

static bool error_transfer(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, "DataTransfer") != 0)
        return false;
    fake_error(f, id, "InternalError");
    return true;
}

static void test_errors_are_tried_again_a_few_times(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->server = error_transfer;
    fake_line(f, 1, "a");
    fake_run(f, 3600000);
    assert_int_equal(fake_count(f, "DataTransfer"), 3);
    fake_free(f);
}

static void test_nothing_before_acceptance_and_without_a_log(void **state)
{
    (void)state;
    struct fake *f = fake_new();
    f->boot_status = "Pending";
    fake_boot(f);
    fake_line(f, 1, "a");
    fake_connect(f);
    fake_run(f, 60000);
    assert_int_equal(fake_count(f, "DataTransfer"), 0);
    f->boot_status = "Accepted";
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"BootNotification\"}");
    fake_run(f, 5000);
    assert_int_equal(fake_count(f, "DataTransfer"), 1);
    f->no_log = true;
    fake_run(f, 60000);
    assert_int_equal(fake_count(f, "DataTransfer"), 1);
    fake_free(f);
}

/* A server that takes its time over another call: the station must not turn in circles for the lines that
 * wait. */
static bool silent_heartbeat(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)id;
    (void)payload;
    return !strcmp(action, "Heartbeat");
}

static void test_waiting_lines_keep_nobody_awake(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_run(f, 60000);
    f->server = silent_heartbeat;
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"Heartbeat\"}");
    fake_run(f, 100);
    fake_line(f, 1, "a");
    assert_true(f->outstanding);
    assert_true(ocpp_step(f->ocpp) > f->now_us);
    assert_int_equal(fake_count(f, "DataTransfer"), 0);
    fake_free(f);
}

static void test_security_events_reach_the_security_log(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_int_equal(f->security_events, 1);
    assert_string_equal(f->security_event, "StartupOfTheDevice");
    fake_free(f);
}

/* ---- GetLog ---- */

static const char *get_log(struct fake *f, const char *payload)
{
    static char status[40];
    const cJSON *answer = fake_call(f, "GetLog", payload);
    snprintf(status, sizeof status, "%s", answer ? at(answer, "status") : f->error);
    return status;
}

#define DIAGNOSTICS(id, more)                            \
    "{\"logType\":\"DiagnosticsLog\",\"requestId\":" #id \
    ",\"log\":{\"remoteLocation\":\"http://h/up/\"" more "}}"

static void check_status(struct fake *f, unsigned n, const char *status, int id)
{
    const cJSON *p = fake_nth(f, "LogStatusNotification", n);
    assert_non_null(p);
    assert_string_equal(at(p, "status"), status);
    assert_int_equal(number_at(p, "requestId"), id);
}

static void test_n25_diagnostics(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *answer = fake_call(
        f, "GetLog",
        "{\"logType\":\"DiagnosticsLog\",\"requestId\":7,\"retries\":2,\"retryInterval\":30,\"log\":{"
        "\"remoteLocation\":\"https://u:p@host/x\",\"oldestTimestamp\":\"2026-01-01T00:00:00Z\","
        "\"latestTimestamp\":\"2026-01-02T00:00:00+01:00\"}}");
    assert_string_equal(at(answer, "status"), "Accepted");
    assert_string_equal(at(answer, "filename"), "file-1.txt");
    assert_false(f->upload.security);
    assert_string_equal(f->upload_url, "https://u:p@host/x");
    assert_int_equal(f->upload.from_ms, FAKE_EPOCH);
    assert_int_equal(f->upload.to_ms, FAKE_EPOCH + 23 * 3600 * 1000);
    assert_int_equal(f->upload.retries, 2);
    assert_int_equal(f->upload.retry_interval_s, 30);
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_run(f, 1000);
    check_status(f, 0, "Uploading", 7);
    fake_upload(f, OCPP_UPLOAD_DONE);
    fake_run(f, 1000);
    check_status(f, 1, "Uploaded", 7);
    fake_upload(f, OCPP_UPLOAD_FAILED); /* it has ended: no more of it */
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "LogStatusNotification"), 2);
    fake_free(f);
}

static void test_n26_failures_have_names(void **state)
{
    (void)state;
    static const struct {
        enum ocpp_upload what;
        const char *status;
    } rows[] = {{OCPP_UPLOAD_FAILED, "UploadFailure"},
                {OCPP_UPLOAD_BAD, "BadMessage"},
                {OCPP_UPLOAD_DENIED, "PermissionDenied"},
                {OCPP_UPLOAD_UNSUPPORTED, "NotSupportedOperation"}};
    struct fake *f = fake_ready();
    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(get_log(f, DIAGNOSTICS(1, "")), "Accepted");
        fake_upload(f, OCPP_UPLOAD_BEGUN);
        fake_upload(f, rows[i].what);
        fake_run(f, 1000);
        check_status(f, 2 * i, "Uploading", 1);
        check_status(f, 2 * i + 1, rows[i].status, 1);
    }
    assert_int_equal(f->upload.from_ms, INT64_MIN);
    assert_int_equal(f->upload.to_ms, INT64_MAX);
    assert_int_equal(f->upload.retries, -1);
    assert_int_equal(f->upload.retry_interval_s, -1);
    fake_free(f);
}

static void test_n34_rejected_where_it_is_impossible(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->upload_works = false;
    assert_string_equal(get_log(f, DIAGNOSTICS(1, "")), "Rejected");
    fake_run(f, 5000);
    f->upload_works = true; /* possible, but of a time of which there can be none */
    assert_string_equal(get_log(f, DIAGNOSTICS(1, ",\"oldestTimestamp\":\"2099-01-01T00:00:00Z\"")),
                        "Rejected");
    assert_string_equal(get_log(f, DIAGNOSTICS(1, ",\"oldestTimestamp\":\"2025-01-02T00:00:00Z\","
                                                  "\"latestTimestamp\":\"2025-01-01T00:00:00Z\"")),
                        "Rejected");
    assert_int_equal(fake_count(f, "LogStatusNotification"), 0);
    /* What has not the right shape. */
    assert_string_equal(get_log(f, "{\"logType\":\"DiagnosticsLog\",\"requestId\":1}"),
                        "OccurrenceConstraintViolation");
    assert_string_equal(
        get_log(f, "{\"logType\":\"Gossip\",\"requestId\":1,\"log\":{\"remoteLocation\":\"http://h\"}}"),
        "PropertyConstraintViolation");
    assert_string_equal(get_log(f, DIAGNOSTICS(1, ",\"oldestTimestamp\":\"yesterday\"")),
                        "PropertyConstraintViolation");
    assert_string_equal(get_log(f, DIAGNOSTICS(1.5, "")), "TypeConstraintViolation");
    fake_free(f);
}

static void test_n35_security_log(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(
        get_log(f,
                "{\"logType\":\"SecurityLog\",\"requestId\":-3,\"log\":{\"remoteLocation\":\"http://h/\"}}"),
        "Accepted");
    assert_true(f->upload.security);
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_upload(f, OCPP_UPLOAD_DONE);
    fake_run(f, 1000);
    check_status(f, 0, "Uploading", -3);
    check_status(f, 1, "Uploaded", -3);
    fake_free(f);
}

static void test_n36_a_second_request_takes_the_place_of_the_first(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(get_log(f, DIAGNOSTICS(1, "")), "Accepted");
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_run(f, 1000);
    assert_string_equal(get_log(f, DIAGNOSTICS(2, "")), "AcceptedCanceled");
    assert_int_equal(f->uploads, 2);
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_upload(f, OCPP_UPLOAD_DONE);
    fake_run(f, 1000);
    check_status(f, 0, "Uploading", 1);
    check_status(f, 1, "AcceptedCanceled", 1);
    check_status(f, 2, "Uploading", 2);
    check_status(f, 3, "Uploaded", 2);
    assert_int_equal(fake_count(f, "LogStatusNotification"), 4);
    fake_free(f);
}

static void test_many_requests_without_an_answer_are_bounded(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_close(f);
    fake_connect(f);
    f->socket_full = false;
    assert_string_equal(get_log(f, DIAGNOSTICS(1, "")), "Accepted");
    for (int i = 0; i < 50; i++) {
        assert_string_equal(get_log(f, DIAGNOSTICS(2, "")), "AcceptedCanceled");
        fake_upload(f, OCPP_UPLOAD_BEGUN);
    }
    fake_upload(f, OCPP_UPLOAD_DONE);
    fake_run(f, 20000);
    assert_string_equal(at(fake_last(f, "LogStatusNotification"), "status"),
                        "Uploaded"); /* the newest is told */
    fake_free(f);
}

static void test_what_was_not_told_is_told_on_the_next_connection(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(get_log(f, DIAGNOSTICS(9, "")), "Accepted");
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_run(f, 1000);
    fake_close(f);
    fake_upload(f, OCPP_UPLOAD_DONE);
    fake_run(f, 1000);
    fake_connect(f);
    fake_run(f, 5000);
    check_status(f, fake_count(f, "LogStatusNotification") - 1, "Uploaded", 9);
    fake_free(f);
}

static void test_trigger(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"LogStatusNotification\"}");
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "LogStatusNotification"), "status"), "Idle");
    assert_null(node_at(fake_last(f, "LogStatusNotification"), "requestId"));
    assert_string_equal(get_log(f, DIAGNOSTICS(5, "")), "Accepted");
    fake_upload(f, OCPP_UPLOAD_BEGUN);
    fake_run(f, 1000);
    fake_forget(f);
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"LogStatusNotification\"}");
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "LogStatusNotification"), 1);
    check_status(f, 0, "Uploading", 5);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_go_out_once_and_last),
        cmocka_unit_test(test_a_batch_is_of_one_run_and_of_bounded_size),
        cmocka_unit_test(test_a_lost_answer_repeats_the_same_lines),
        cmocka_unit_test(test_a_server_that_refuses_is_left_alone_until_the_next_connection),
        cmocka_unit_test(test_errors_are_tried_again_a_few_times),
        cmocka_unit_test(test_nothing_before_acceptance_and_without_a_log),
        cmocka_unit_test(test_waiting_lines_keep_nobody_awake),
        cmocka_unit_test(test_security_events_reach_the_security_log),
        cmocka_unit_test(test_n25_diagnostics),
        cmocka_unit_test(test_n26_failures_have_names),
        cmocka_unit_test(test_n34_rejected_where_it_is_impossible),
        cmocka_unit_test(test_n35_security_log),
        cmocka_unit_test(test_n36_a_second_request_takes_the_place_of_the_first),
        cmocka_unit_test(test_many_requests_without_an_answer_are_bounded),
        cmocka_unit_test(test_what_was_not_told_is_told_on_the_next_connection),
        cmocka_unit_test(test_trigger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
