/* UpdateFirmware and FirmwareStatusNotification as OCPP sees them (L01, L02, F06); the update itself is
 * tested in tests/update. */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

#define ASK                                                                            \
    "{\"requestId\":123,\"retries\":2,\"retryInterval\":7,\"firmware\":{\"location\":" \
    "\"https://example.org/fw.bin\",\"retrieveDateTime\":\"2024-05-06T07:08:09Z\"%s}}"

static const cJSON *ask(struct fake *f, const char *more)
{
    char text[400];
    (void)snprintf(text, sizeof text, ASK, more);
    return fake_call(f, "UpdateFirmware", text);
}

static void asked(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->firmware_answer = OCPP_FW_ACCEPTED;
    assert_string_equal(at(ask(f, ""), "status"), "Accepted");
    assert_int_equal(f->firmware_calls, 1);
    assert_int_equal(f->firmware_request.request_id, 123);
    assert_int_equal(f->firmware_request.retries, 2);
    assert_int_equal(f->firmware_request.retry_interval_s, 7);
    assert_true(f->firmware_request.retrieve_ms == 1714979289000);
    assert_true(f->firmware_request.install_ms == 0);
    assert_string_equal(f->firmware_url, "https://example.org/fw.bin");
    assert_false(f->firmware_certificate || f->firmware_signature);

    f->firmware_answer = OCPP_FW_ACCEPTED_CANCELED;
    assert_string_equal(
        at(ask(f, ",\"installDateTime\":\"2024-05-06T07:08:10Z\",\"signingCertificate\":\"C\","
                  "\"signature\":\"S\""),
           "status"),
        "AcceptedCanceled");
    assert_true(f->firmware_request.install_ms == 1714979290000);
    assert_true(f->firmware_certificate && f->firmware_signature);

    f->firmware_answer = OCPP_FW_REJECTED;
    f->firmware_why = "no room";
    const cJSON *a = ask(f, "");
    assert_string_equal(at(a, "status"), "Rejected");
    assert_string_equal(at(a, "statusInfo.additionalInfo"), "no room");
    assert_int_equal(f->firmware_calls, 3);

    /* Neither reaches the station. */
    assert_string_equal(at(ask(f, ",\"installDateTime\":\"tomorrow\""), "status"), "");
    assert_null(fake_call(f, "UpdateFirmware", "{\"requestId\":1,\"firmware\":{\"location\":\"x\"}}"));
    assert_int_equal(f->firmware_calls, 3);
    fake_free(f);
}

/* TC_L_05: the certificate is found bad at once, and that is a security event. */
static void bad_certificate(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->firmware_answer = OCPP_FW_BAD_CERTIFICATE;
    f->firmware_why = "not signed by a root";
    fake_run(f, 1000);
    fake_forget(f);
    const cJSON *a = ask(f, ",\"signingCertificate\":\"C\"");
    assert_string_equal(at(a, "status"), "InvalidCertificate");
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "SecurityEventNotification"), "type"),
                        "InvalidFirmwareSigningCertificate");
    assert_int_equal(fake_count(f, "FirmwareStatusNotification"), 0);
    fake_free(f);
}

/* TC_L_18: a station whose owner wants certificates takes nothing without. */
static void certificate_wanted(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "update_needs_certificate", "true");
    assert_string_equal(at(ask(f, ""), "status"), "Rejected");
    assert_int_equal(f->firmware_calls, 0);
    assert_string_equal(at(ask(f, ",\"signingCertificate\":\"C\",\"signature\":\"S\""), "status"),
                        "Accepted");
    assert_int_equal(f->firmware_calls, 1);
    fake_free(f);
}

static void report(struct fake *f, enum ocpp_firmware_status status)
{
    f->firmware_report[f->firmware_reports++] =
        (struct ocpp_firmware_report){.status = status, .request_id = 123};
}

static void reports(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_run(f, 1000);
    fake_forget(f);
    report(f, OCPP_FW_DOWNLOADING);
    report(f, OCPP_FW_DOWNLOADED);
    report(f, OCPP_FW_INSTALLED);
    fake_run(f, 2000);
    assert_int_equal(f->firmware_reports, 0);
    assert_int_equal(fake_count(f, "FirmwareStatusNotification"), 3);
    static const char *const want[] = {"Downloading", "Downloaded", "Installed"};
    for (unsigned i = 0; i < 3; i++) {
        const cJSON *p = fake_nth(f, "FirmwareStatusNotification", i);
        assert_string_equal(at(p, "status"), want[i]);
        assert_int_equal((int)number_at(p, "requestId"), 123);
    }
    assert_string_equal(at(fake_last(f, "SecurityEventNotification"), "type"), "FirmwareUpdated");
    fake_free(f);
}

/* Nothing is forgotten because nobody answered. */
static bool silent(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)id;
    (void)payload;
    return f->server_arg && !strcmp(action, "FirmwareStatusNotification");
}

static void told_until_answered(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->server = silent;
    f->server_arg = 1;
    report(f, OCPP_FW_INVALID_SIGNATURE);
    fake_run(f, 50000);
    assert_int_equal(f->firmware_reports, 1);
    assert_true(fake_count(f, "FirmwareStatusNotification") >= 1);
    f->server_arg = 0;
    fake_run(f, 50000);
    assert_int_equal(f->firmware_reports, 0);
    assert_string_equal(at(fake_last(f, "SecurityEventNotification"), "type"), "InvalidFirmwareSignature");
    fake_free(f);
}

/* F06.FR.10, L01.FR.25, FR.26: the last status on request; Idle when there is none or it is installed. */
static const cJSON *trigger(struct fake *f)
{
    fake_forget(f);
    assert_string_equal(
        at(fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"FirmwareStatusNotification\"}"), "status"),
        "Accepted");
    fake_run(f, 500);
    assert_int_equal(fake_count(f, "FirmwareStatusNotification"), 1);
    return fake_last(f, "FirmwareStatusNotification");
}

static void triggered(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *p = trigger(f);
    assert_string_equal(at(p, "status"), "Idle");
    assert_null(node_at(p, "requestId"));
    report(f, OCPP_FW_DOWNLOADING);
    fake_run(f, 1000);
    p = trigger(f); /* TC_F_19 */
    assert_string_equal(at(p, "status"), "Downloading");
    assert_int_equal((int)number_at(p, "requestId"), 123);
    report(f, OCPP_FW_INSTALLED);
    fake_run(f, 1000);
    assert_string_equal(at(trigger(f), "status"), "Idle");
    fake_free(f);
}

static void progress(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_run(f, 1000);
    fake_forget(f);
    fake_event(f, OCPP_EV_FIRMWARE, true, "35", NULL);
    fake_run(f, 1000);
    const cJSON *p = fake_last(f, "NotifyEvent");
    assert_string_equal(at(p, "eventData.0.component.name"), "Firmware");
    assert_string_equal(at(p, "eventData.0.variable.name"), "Progress");
    assert_string_equal(at(p, "eventData.0.actualValue"), "35");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(asked),
                                       cmocka_unit_test(bad_certificate),
                                       cmocka_unit_test(certificate_wanted),
                                       cmocka_unit_test(reports),
                                       cmocka_unit_test(told_until_answered),
                                       cmocka_unit_test(triggered),
                                       cmocka_unit_test(progress)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
