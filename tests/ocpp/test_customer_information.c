/* What the station holds of a customer, told and forgotten (N09, N10). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ocpp/fake.h"

#define BY_TOKEN(t) ",\"idToken\":{\"idToken\":\"" t "\",\"type\":\"ISO14443\"}"

/* The answer's status; what is then told, all pages together, goes to `out`. */
static const char *ask(struct fake *f, bool report, bool clear, const char *who, char out[4000])
{
    static char status[40];
    static int request;
    char text[1200];
    snprintf(text, sizeof text, "{\"requestId\":%d,\"report\":%s,\"clear\":%s%s}", ++request,
             report ? "true" : "false", clear ? "true" : "false", who);
    unsigned before = f->frame_count, pages = 0;
    const cJSON *r = fake_call(f, "CustomerInformation", text);
    snprintf(status, sizeof status, "%s", r ? at(r, "status") : f->error);
    assert_int_equal(f->frame[before].frame.type, r ? FRAME_RESULT : FRAME_ERROR);
    fake_run(f, 3000);
    out[0] = 0;
    bool last = false;
    for (unsigned i = 0; i < fake_count(f, "NotifyCustomerInformation"); i++) {
        const cJSON *p = fake_nth(f, "NotifyCustomerInformation", i);
        if (number_at(p, "requestId") != request)
            continue;
        assert_false(last);
        assert_true(number_at(p, "seqNo") == pages++);
        assert_true(cJSON_IsString(node_at(p, "data")));
        assert_true(json_chars(at(p, "data")) <= 512);
        strcat(out, at(p, "data"));
        last = !strcmp(at(p, "tbc"), "false");
    }
    assert_true(last == (pages > 0));
    assert_int_equal(pages > 0, !strcmp(status, "Accepted"));
    return status;
}

static bool holds(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* N_28, N_29, N_31, N_32, N_33, N_62, N_63; N09.FR.07, FR.09 */
static void judged(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[4000];
#define CERTIFICATE                                                                                      \
    ",\"customerCertificate\":{\"hashAlgorithm\":\"SHA256\",\"issuerNameHash\":\"a\",\"issuerKeyHash\":" \
    "\"b\",\"serialNumber\":\"c\"}"
    static const struct {
        bool report, clear;
        const char *who, *status, *text;
    } cases[] = {
        {true, false, BY_TOKEN("T9"), "Accepted", ""},        /* N_28: nothing found */
        {true, true, BY_TOKEN("T9"), "Accepted", ""},         /* N_31 */
        {false, true, BY_TOKEN("T9"), "Accepted", "cleared"}, /* N_32 */
        {true, false, "", "Invalid", ""},                     /* N_29 */
        {true, false, BY_TOKEN("T9") ",\"customerIdentifier\":\"X\"", "Invalid", ""},
        {true, true, "", "Invalid", ""}, /* N_33 */
        {false, false, BY_TOKEN("T9"), "Rejected", ""},
        {true, true, ",\"customerIdentifier\":\"X\"", "Accepted", ""}, /* N_62: nothing is held by such */
        {true, true, CERTIFICATE, "Accepted", ""},                     /* N_63 */
        {true, false, ",\"idToken\":{\"idToken\":\"T9\",\"type\":\"Ring\"}", "PropertyConstraintViolation",
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = ask(f, cases[i].report, cases[i].clear, cases[i].who, text);
        if (strcmp(got, cases[i].status) != 0 || strcmp(text, cases[i].text) != 0)
            fail_msg("case %zu: %s, \"%s\"", i, got, text);
    }
    fake_free(f);
}

static void send_list(struct fake *f)
{
    fake_call(f, "SendLocalList",
              "{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":[{\"idToken\":{"
              "\"idToken\":\"T1\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"Accepted\","
              "\"groupIdToken\":{\"idToken\":\"G1\",\"type\":\"Central\"},\"cacheExpiryDateTime\":"
              "\"2027-01-01T00:00:00Z\"}}]}");
}

/* N_27, N_30 */
static void told_and_cleared(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[4000];
    fake_charge(f); /* by T1: now in the cache */
    send_list(f);
    assert_string_equal(ask(f, true, false, BY_TOKEN("t1"), text), "Accepted");
    assert_true(holds(text, "authorisation cache: ISO14443 T1, Accepted\n"));
    assert_true(holds(
        text, "local authorisation list: ISO14443 T1, Accepted, group Central G1, until 2027-01-01T00:00"));
    assert_true(holds(text, "running, with"));
    ask(f, true, false, BY_TOKEN("T2"), text);
    assert_string_equal(text, "");
    ask(f, true, false, ",\"idToken\":{\"idToken\":\"T1\",\"type\":\"Central\"}", text); /* another type */
    assert_string_equal(text, "");
    fake_token(f, "T1"); /* that ends it */
    fake_ask(f, false);
    fake_unplug(f);
    fake_run(f, 2000);
    unsigned cached = fake_kept(f, OCPP_KEEP_AUTH_CACHE);
    assert_true(cached > 0);
    ask(f, true, true, BY_TOKEN("T1"), text);
    assert_true(holds(text, "authorisation cache"));
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), cached - 1);
    ask(f, true, false, BY_TOKEN("T1"), text); /* but for the list all is gone */
    assert_true(!strncmp(text, "local authorisation list", 24));
    assert_false(holds(text, "cache"));
    assert_false(holds(text, "T1\n"));
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    ask(f, true, false, BY_TOKEN("T1"), text);
    assert_false(holds(text, "cache"));
    assert_false(holds(text, "T1\n"));
    fake_free(f);
}

static bool deaf(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)id;
    (void)payload;
    return !strcmp(action, "TransactionEvent");
}

static unsigned events_kept(const struct fake *f)
{
    return fake_kept(f, OCPP_KEEP_TX_EVENT) + fake_kept(f, OCPP_KEEP_TX_ENDED);
}

/* What is still to be delivered or is running is told, and stays. */
static void what_stays(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[4000];
    fake_charge(f);
    fake_close(f);
    fake_ask(f, false);
    fake_token(f, "T1");
    fake_unplug(f);
    fake_run(f, 10000);
    f->server = deaf;
    fake_connect(f);
    unsigned kept = events_kept(f);
    assert_true(kept > 0);
    assert_string_equal(at(fake_call(f, "CustomerInformation",
                                     "{\"requestId\":900,\"report\":true,\"clear\":true" BY_TOKEN("T1") "}"),
                           "status"),
                        "Accepted");
    /* one at a time */
    assert_string_equal(at(fake_call(f, "CustomerInformation",
                                     "{\"requestId\":901,\"report\":true,\"clear\":true" BY_TOKEN("T1") "}"),
                           "status"),
                        "Rejected");
    fake_run(f, 40000);
    assert_true(holds(at(fake_last(f, "NotifyCustomerInformation"), "data"), "wait to be sent"));
    assert_int_equal(events_kept(f), kept);
    f->server = NULL;
    fake_run(f, 300000);
    assert_int_equal(events_kept(f), 0);
    fake_forget(f);
    fake_token(f, "T1");
    fake_plug(f);
    fake_run(f, 1000);
    assert_true(f->authorised);
    assert_string_equal(ask(f, false, true, BY_TOKEN("T1"), text), "Accepted");
    assert_true(f->authorised);
    ask(f, true, false, BY_TOKEN("T1"), text);
    assert_true(holds(text, "running, with") || holds(text, "session: authorised"));
    fake_free(f);
}

static void reservation(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[4000], when[JSON_TIME_TEXT], request[300];
    json_time_text(when, FAKE_EPOCH + 3600000);
    snprintf(request, sizeof request,
             "{\"id\":77,\"expiryDateTime\":\"%s\",\"evseId\":1,\"idToken\":{\"idToken\":\"T5\",\"type\":"
             "\"ISO14443\"}}",
             when);
    assert_string_equal(at(fake_call(f, "ReserveNow", request), "status"), "Accepted");
    ask(f, true, false, BY_TOKEN("T5"), text);
    assert_true(holds(text, "reservation 77: T5 until 2026-01-01T01:00"));
    ask(f, false, true, BY_TOKEN("T5"), text);
    assert_string_equal(text, "cleared");
    assert_string_equal(at(fake_last(f, "ReservationStatusUpdate"), "reservationUpdateStatus"), "Removed");
    ask(f, true, false, BY_TOKEN("T5"), text);
    assert_string_equal(text, "");
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
    fake_free(f);
}

static bool deaf_to_most(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)id;
    (void)payload;
    return !strcmp(action, "ReservationStatusUpdate") || !strcmp(action, "TransactionEvent");
}

/* More than one page, cut between characters; and a connection that goes away ends it. */
static void pages(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[4000], when[JSON_TIME_TEXT], request[400];
    /* 12 characters of three bytes each are as long as an identifier may be here */
#define LONG                                                                                               \
    "\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2" \
    "\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC"
    fake_call(f, "SendLocalList",
              "{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":[{\"idToken\":{"
              "\"idToken\":\"" LONG "\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":"
              "\"Accepted\",\"groupIdToken\":{\"idToken\":\"" LONG "\",\"type\":\"NoAuthorization\"},"
              "\"cacheExpiryDateTime\":\"2027-01-01T00:00:00Z\"}}]}");
    f->group = "G-of-a-length-that-fits-the-fake";
    json_time_text(when, FAKE_EPOCH + (int64_t)(f->now_us / 1000) + 5000);
    snprintf(request, sizeof request,
             "{\"id\":77,\"expiryDateTime\":\"%s\",\"evseId\":1,\"idToken\":{\"idToken\":\"" LONG
             "\",\"type\":\"ISO14443\"}}",
             when);
    assert_string_equal(at(fake_call(f, "ReserveNow", request), "status"), "Accepted");
    fake_set(f, "message_timeout", "1");
    f->server = deaf_to_most;
    fake_run(f, 10000); /* it ends, and the server does not acknowledge that */
    fake_plug(f);
    fake_token(f, LONG);
    fake_run(f, 10000);
    fake_ask(f, true);
    fake_run(f, 5000);
    assert_string_equal(ask(f, true, false, BY_TOKEN(LONG), text), "Accepted");
    assert_true(holds(text, "ended"));
    assert_true(holds(text, "running, with"));
    assert_true(holds(text, "wait to be sent"));
    assert_true(strlen(text) > 512); /* two pages */
    assert_true(json_utf8_ok(text, strlen(text)));
    fake_call(f, "CustomerInformation",
              "{\"requestId\":900,\"report\":true,\"clear\":false" BY_TOKEN(LONG) "}");
    fake_close(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_string_equal(ask(f, true, false, BY_TOKEN(LONG), text), "Accepted");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged),     cmocka_unit_test(told_and_cleared),
        cmocka_unit_test(what_stays), cmocka_unit_test(reservation),
        cmocka_unit_test(pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
