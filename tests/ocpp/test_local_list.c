/* The local authorisation list: updates, versions, limits, and what a power cut leaves (D01, D02). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ocpp/fake.h"

/* SendLocalList with `count` entries T<first>..; a minus before the count: entries without idTokenInfo. */
static const char *send(struct fake *f, const char *type, int version, int first, int count)
{
    static char text[60000];
    bool take = count < 0;
    size_t n =
        (size_t)snprintf(text, sizeof text, "{\"versionNumber\":%d,\"updateType\":\"%s\"", version, type);
    for (int i = 0; i < abs(count); i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%s{\"idToken\":{\"idToken\":\"T%d\",\"type\":\"ISO14443\"}%s}",
                              i ? "," : ",\"localAuthorizationList\":[", first + i,
                              take ? "" : ",\"idTokenInfo\":{\"status\":\"Accepted\"}");
    snprintf(text + n, sizeof text - n, "%s}", count ? "]" : "");
    const cJSON *r = fake_call(f, "SendLocalList", text);
    return r ? at(r, "status") : f->error;
}

static int version(struct fake *f)
{
    return (int)number_at(fake_call(f, "GetLocalListVersion", "{}"), "versionNumber");
}

static int entries(struct fake *f)
{
    return atoi(at(fake_call(f, "GetVariables",
                             "{\"getVariableData\":[{\"component\":{\"name\":\"LocalAuthListCtrlr\"},"
                             "\"variable\":{\"name\":\"Entries\"}}]}"),
                   "getVariableResult.0.attributeValue"));
}

/* Is T<i> in the list? Offline, an unknown is refused. */
static bool has(struct fake *f, int i)
{
    char token[16];
    snprintf(token, sizeof token, "T%d", i);
    fake_set(f, "auth_cache", "false");
    bool online = f->connected;
    if (online)
        fake_close(f);
    fake_token(f, token);
    bool yes = f->authorised;
    if (yes)
        fake_token(f, token);
    assert_false(f->authorised);
    if (online) {
        fake_connect(f);
        fake_run(f, 500);
    }
    return yes;
}

static void restart(struct fake *f)
{
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
}

/* D_01, D_08: a full list replaces the one before. */
static void full(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_int_equal(version(f), 0); /* D02.FR.02 */
    assert_string_equal(send(f, "Full", 5, 1, 3), "Accepted");
    assert_int_equal(version(f), 5);
    assert_int_equal(entries(f), 3);
    assert_true(has(f, 1) && has(f, 3));
    assert_string_equal(send(f, "Full", 4, 3, 2), "Accepted"); /* any version */
    assert_int_equal(version(f), 4);
    assert_int_equal(entries(f), 2);
    assert_true(!has(f, 1) && has(f, 3) && has(f, 4));
    for (int i = 6; i < 12; i++)
        assert_string_equal(send(f, "Full", i, 1, 12), "Accepted");
    assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), 2); /* what is replaced leaves the store */
    fake_free(f);
}

/* D_02, D_03: a differential one adds, changes, removes. */
static void differential(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(send(f, "Differential", 1, 1, 1), "Accepted"); /* also as the first */
    assert_string_equal(send(f, "Differential", 2, 2, 2), "Accepted");
    assert_int_equal(entries(f), 3);
    assert_string_equal(send(f, "Differential", 3, 2, -2), "Accepted");
    assert_int_equal(version(f), 3);
    assert_true(has(f, 1) && !has(f, 2) && !has(f, 3));
    assert_string_equal(
        at(fake_call(f, "SendLocalList",
                     "{\"versionNumber\":4,\"updateType\":\"Differential\",\"localAuthorizationList\":["
                     "{\"idToken\":{\"idToken\":\"T9\",\"type\":\"ISO14443\"}},"
                     "{\"idToken\":{\"idToken\":\"t1\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":"
                     "\"Blocked\"}},{\"idToken\":{\"idToken\":\"T2\",\"type\":\"ISO14443\"},\"idTokenInfo\":{"
                     "\"status\":\"Accepted\"}}]}"),
           "status"),
        "Accepted");
    assert_int_equal(entries(f), 2); /* t1 is T1: changed, not added */
    assert_true(!has(f, 1) && has(f, 2));
    fake_free(f);
}

/* D_04, D_05 */
static void empty(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 1, 1, 3);
    assert_string_equal(send(f, "Differential", 2, 1, 0), "Accepted");
    assert_int_equal(version(f), 2);
    assert_int_equal(entries(f), 3);
    assert_string_equal(
        at(fake_call(f, "SendLocalList",
                     "{\"versionNumber\":3,\"updateType\":\"Differential\",\"localAuthorizationList\":[]}"),
           "status"),
        "Accepted");
    assert_int_equal(version(f), 3);
    assert_int_equal(entries(f), 3);
    assert_string_equal(send(f, "Full", 3, 1, 0), "Accepted");
    assert_int_equal(version(f), 3);
    assert_int_equal(entries(f), 0);
    restart(f);
    assert_int_equal(version(f), 3);
    assert_int_equal(entries(f), 0);
    fake_free(f);
}

/* D_06 and everything else that changes nothing. */
static void refused(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 7, 1, 3);
    unsigned kept = fake_kept(f, OCPP_KEEP_LOCAL_LIST);
    assert_string_equal(send(f, "Differential", 7, 8, 1), "VersionMismatch");
    assert_string_equal(send(f, "Differential", 6, 8, 1), "VersionMismatch");
    assert_string_equal(send(f, "Full", 0, 8, 1), "Failed"); /* D01.FR.18 */
    assert_string_equal(send(f, "Full", -3, 8, 1), "Failed");
    assert_string_equal(send(f, "Full", 8, 8, -1), "Failed"); /* a full one without idTokenInfo */
    assert_string_equal(send(f, "Full", 8, 8, 33), "Failed"); /* ItemsPerMessage */
    static const char *const rubbish[] = {
        /* twice the same token (D01.FR.06) */
        "{\"versionNumber\":8,\"updateType\":\"Full\",\"localAuthorizationList\":[{\"idToken\":{\"idToken\":"
        "\"A\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"Accepted\"}},{\"idToken\":{\"idToken\":"
        "\"a\","
        "\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"Accepted\"}}]}",
        /* no token */
        "{\"versionNumber\":8,\"updateType\":\"Full\",\"localAuthorizationList\":[{\"idToken\":{\"idToken\":"
        "\"\",\"type\":\"NoAuthorization\"},\"idTokenInfo\":{\"status\":\"Accepted\"}}]}",
    };
    for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++)
        assert_string_equal(at(fake_call(f, "SendLocalList", rubbish[i]), "status"), "Failed");
    assert_null(fake_call(f, "SendLocalList", "{\"versionNumber\":8,\"updateType\":\"Half\"}"));
    assert_string_equal(f->error, "PropertyConstraintViolation");
    assert_null(fake_call(f, "SendLocalList",
                          "{\"versionNumber\":8,\"updateType\":\"Full\",\"localAuthorizationList\":[{}]}"));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    assert_int_equal(version(f), 7);
    assert_int_equal(entries(f), 3);
    assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), kept);
    fake_free(f);
}

/* The list is full: LocalAuthListCtrlr.Entries. What is replaced or removed in the same message makes room.
 */
static void too_many(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 1, 0, 30);
    for (int i = 1; i < 3; i++)
        assert_string_equal(send(f, "Differential", 1 + i, i * 30, 30), "Accepted");
    assert_string_equal(send(f, "Differential", 4, 90, 11), "Failed");
    assert_int_equal(version(f), 3);
    assert_string_equal(send(f, "Differential", 4, 90, 10), "Accepted");
    assert_int_equal(entries(f), 100);
    assert_string_equal(send(f, "Differential", 5, 90, 10), "Accepted");
    assert_string_equal(send(f, "Differential", 6, 99, 2), "Failed");
    assert_string_equal(
        at(fake_call(f, "SendLocalList",
                     "{\"versionNumber\":7,\"updateType\":\"Differential\",\"localAuthorizationList\":["
                     "{\"idToken\":{\"idToken\":\"T100\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":"
                     "\"Accepted\"}},{\"idToken\":{\"idToken\":\"T5\",\"type\":\"ISO14443\"}}]}"),
           "status"),
        "Accepted");
    assert_int_equal(entries(f), 100);
    restart(f);
    assert_int_equal(version(f), 7);
    assert_int_equal(entries(f), 100);
    for (int i = 0; i <= 100; i++)
        assert_int_equal(has(f, i), i != 5);
    fake_free(f);
}

/* A message of LocalAuthListCtrlr.ItemsPerMessage entries, each with every field there is, goes through. */
static void largest_message(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static char text[60000];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":[");
    for (int i = 0; i < 32; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "%s{\"idToken\":{\"idToken\":\"%036d\",\"type\":\"ISO14443\",\"additionalInfo\":[{"
            "\"additionalIdToken\":\"%036d\",\"type\":\"what it "
            "is\"}]},\"idTokenInfo\":{\"status\":\"Accepted\","
            "\"cacheExpiryDateTime\":\"2030-01-01T00:00:00.000Z\",\"chargingPriority\":5,\"language1\":\"de-"
            "CH\","
            "\"evseId\":[1,2,3,4],\"groupIdToken\":{\"idToken\":\"%036d\",\"type\":\"Central\"},"
            "\"language2\":\"fr-CH\",\"personalMessage\":{\"format\":\"UTF8\",\"language\":\"de\","
            "\"content\":"
            "\"%0200d\"}}}",
            i ? "," : "", i, i, i, i);
    snprintf(text + n, sizeof text - n, "]}");
    assert_in_range(n, 20000, 32700);
    const cJSON *r = fake_call(f, "SendLocalList", text);
    assert_non_null(r);
    assert_string_equal(at(r, "status"), "Accepted");
    assert_int_equal(entries(f), 32);
    fake_free(f);
}

/* D_07 */
static void survives_a_restart(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 9, 0, 25);
    restart(f);
    assert_int_equal(version(f), 9);
    assert_int_equal(entries(f), 25);
    assert_true(has(f, 0) && has(f, 9) && has(f, 10) && has(f, 24));
    assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), 3);
    fake_free(f);
}

/* D_10, D02.FR.03 */
static void switched_off(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 9, 0, 5);
    fake_set(f, "local_list", "false");
    assert_int_equal(version(f), 0);
    assert_false(has(f, 1));
    assert_string_equal(send(f, "Full", 10, 0, 1), "Failed");
    fake_set(f, "local_list", "true");
    assert_int_equal(version(f), 9);
    assert_true(has(f, 1));
    fake_free(f);
}

/* The power goes at each change of the store in an update from 25 entries to 34 others: afterwards there is
 * one list or the other, whole, and nothing else is left in the store. */
static void power_cuts(void **state)
{
    (void)state;
    unsigned old_ones = 0, new_ones = 0;
    for (unsigned n = 1; n < 12; n++) {
        struct fake *f = fake_ready();
        send(f, "Full", 1, 0, 25);
        send(f, "Differential", 2, 40, 2);
        send(f, "Differential", 3, 40, -2);
        f->cut_after = n;
        char text[60000];
        size_t len =
            (size_t)snprintf(text, sizeof text,
                             "[2,\"x\",\"SendLocalList\",{\"versionNumber\":4,\"updateType\":\"Full\","
                             "\"localAuthorizationList\":[");
        for (int i = 0; i < 31; i++)
            len += (size_t)snprintf(
                text + len, sizeof text - len,
                "%s{\"idToken\":{\"idToken\":\"T%d\",\"type\":\"ISO14443\"},\"idTokenInfo\":{"
                "\"status\":\"Accepted\"}}",
                i ? "," : "", 20 + i);
        snprintf(text + len, sizeof text - len, "]}]");
        fake_raw(f, text);
        restart(f);
        bool is_new = version(f) == 4;
        assert_true(is_new || version(f) == 3);
        old_ones += !is_new;
        new_ones += is_new;
        assert_int_equal(entries(f), is_new ? 31 : 25);
        for (int i = 0; i < 60; i++)
            assert_int_equal(has(f, i), is_new ? i >= 20 && i <= 50 : i < 25);
        assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), is_new ? 4 : 3);
        /* And the next update works. */
        assert_string_equal(send(f, "Full", 5, 0, 12), "Accepted");
        restart(f);
        assert_int_equal(version(f), 5);
        assert_int_equal(entries(f), 12);
        assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), 2);
        fake_free(f);
    }
    assert_int_equal(old_ones, 4); /* four parts are written, the fifth change gives up the first old one */
    assert_int_equal(new_ones, 7);
}

/* The store is full in mid-update, or takes nothing: Failed, and the old list goes on. */
static void store_fails(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 1, 0, 25);
    f->keep_fails = true;
    assert_string_equal(send(f, "Full", 2, 50, 25), "Failed");
    assert_int_equal(version(f), 1);
    assert_int_equal(entries(f), 25);
    assert_true(has(f, 3));
    f->keep_fails = false;
    unsigned full_at = FAKE_RECORDS - 2;
    unsigned before = f->record_count;
    while (f->record_count < full_at) { /* two more records and the store is full */
        f->record[f->record_count].id = ++f->next_record;
        f->record[f->record_count].kind = OCPP_KEEP_NETWORK;
        f->record[f->record_count++].len = 1;
    }
    assert_string_equal(send(f, "Full", 2, 50, 25), "Failed");
    assert_int_equal(f->record_count, full_at);
    assert_int_equal(version(f), 1);
    assert_int_equal(entries(f), 25);
    f->record_count = before;
    assert_string_equal(send(f, "Full", 2, 50, 25), "Accepted");
    restart(f);
    assert_int_equal(version(f), 2);
    assert_true(has(f, 50) && !has(f, 3));
    fake_free(f);
}

/* Rubbish and unfinished lists in the store are thrown away. */
static void rubbish_in_the_store(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    send(f, "Full", 3, 0, 12);
    unsigned first = f->record_count - 2;
    for (int i = 0; i < 4; i++) {
        f->record[f->record_count] = f->record[first];
        f->record[f->record_count].id = ++f->next_record;
        switch (i) {
        case 0: /* cut short */
            f->record[f->record_count].len = 11;
            break;
        case 1: /* a part that is there twice */
            break;
        case 2: /* a later generation of which a part is missing */
            f->record[f->record_count].bytes[12]++;
            break;
        default: /* an entry without a token */
            memset(f->record[f->record_count].bytes + 24, 0, 88);
            break;
        }
        f->record_count++;
    }
    restart(f);
    assert_int_equal(version(f), 3);
    assert_int_equal(entries(f), 12);
    assert_int_equal(fake_kept(f, OCPP_KEEP_LOCAL_LIST), 2);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full),
        cmocka_unit_test(differential),
        cmocka_unit_test(empty),
        cmocka_unit_test(refused),
        cmocka_unit_test(too_many),
        cmocka_unit_test(largest_message),
        cmocka_unit_test(survives_a_restart),
        cmocka_unit_test(switched_off),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test(store_fails),
        cmocka_unit_test(rubbish_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
