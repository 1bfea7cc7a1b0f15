/* The longest messages with the memory of a board without PSRAM. It is a stricter test than that board is: a
 * node of cJSON takes 64 bytes here, 48 there. */
#include "tests/ocpp/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/v201/v201.h"

static char request[OCPP_TEXT_MAX];

/* {"name":[element,element,..]} with `n` of them; %d in the element becomes its number. */
static const char *many(const char *before, const char *element, int n)
{
    size_t len = (size_t)snprintf(request, sizeof request, "%s[", before);
    for (int i = 0; i < n; i++) {
        len += (size_t)snprintf(request + len, sizeof request - len, "%s", i ? "," : "");
        const char *number = strstr(element, "%d");
        size_t head = number ? (size_t)(number - element) : strlen(element);
        len += (size_t)snprintf(request + len, sizeof request - len, "%.*s", (int)head, element);
        if (number)
            len += (size_t)snprintf(request + len, sizeof request - len, "%d%s", i, number + 2);
        assert_true(len + 10 < sizeof request);
    }
    snprintf(request + len, sizeof request - len, "]}");
    return request;
}

/* Nothing was too long, in or out. */
static void all_went_well(struct fake *f)
{
    struct ocpp_status s;
    ocpp_status_read(f->ocpp, &s);
    assert_int_equal(s.errors, 0);
    fake_free(f);
}

static int elements_at(const cJSON *obj, const char *path)
{
    return cJSON_GetArraySize(node_at(obj, path));
}

static void whole_report(void **state)
{
    (void)state;
    static const char *const items[] = {"8", "20"};
    int rows[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct fake *f = fake_ready();
        fake_set(f, "items_per_message", items[i]);
        fake_set(f, "bytes_per_message", "32768");
        fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"FullInventory\"}");
        fake_run(f, 5000);
        for (unsigned n = 0; n < fake_count(f, "NotifyReport"); n++)
            rows[i] += elements_at(fake_nth(f, "NotifyReport", n), "reportData");
        assert_false(cJSON_IsTrue(node_at(fake_last(f, "NotifyReport"), "tbc")));
        all_went_well(f);
    }
    assert_true(rows[0] > 100);
    assert_int_equal(rows[0], rows[1]);
}

static void variables(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *r = fake_call(f, "GetVariables",
                               many("{\"getVariableData\":",
                                    "{\"component\":{\"name\":\"SampledDataCtrlr\"},\"variable\":{\"name\":"
                                    "\"TxUpdatedMeasurands\"},\"attributeType\":\"Actual\"}",
                                    MODEL_ITEMS_MAX));
    assert_int_equal(elements_at(r, "getVariableResult"), MODEL_ITEMS_MAX);
    r = fake_call(
        f, "GetVariables",
        many("{\"getVariableData\":",
             "{\"component\":{\"name\":\"ConnectorPlugRetentionLock\",\"instance\":\"%d\",\"evse\":{"
             "\"id\":1,\"connectorId\":1}},\"variable\":{\"name\":\"Problem\",\"instance\":"
             "\"something\"},\"attributeType\":\"Actual\"}",
             MODEL_ITEMS_MAX));
    assert_int_equal(elements_at(r, "getVariableResult"), MODEL_ITEMS_MAX);
    char element[900], value[601];
    memset(value, 'x', 600);
    value[600] = '\0';
    snprintf(element, sizeof element,
             "{\"component\":{\"name\":\"TxCtrlr\"},\"variable\":{\"name\":\"TxStartPoint\"},"
             "\"attributeValue\":\"%s\"}",
             value);
    r = fake_call(f, "SetVariables", many("{\"setVariableData\":", element, MODEL_ITEMS_MAX));
    assert_int_equal(elements_at(r, "setVariableResult"), MODEL_ITEMS_MAX);
    static const char *const of[] = {"GetReport", "GetVariables", "SetVariables"};
    for (size_t i = 0; i < 3; i++) { /* what it says that it takes, it takes */
        char ask[200], expected[12];
        snprintf(ask, sizeof ask,
                 "{\"getVariableData\":[{\"component\":{\"name\":\"DeviceDataCtrlr\"},\"variable\":{"
                 "\"name\":\"BytesPerMessage\",\"instance\":\"%s\"}}]}",
                 of[i]);
        snprintf(expected, sizeof expected, "%d", OCPP_TEXT_MAX);
        assert_string_equal(at(fake_call(f, "GetVariables", ask), "getVariableResult.0.attributeValue"),
                            expected);
    }
    all_went_well(f);
}

static void monitors(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *r = fake_call(f, "SetVariableMonitoring",
                               many("{\"setMonitoringData\":",
                                    "{\"value\":%d,\"type\":\"UpperThreshold\",\"severity\":5,\"component\":{"
                                    "\"name\":\"Meter\",\"evse\":{\"id\":1}},\"variable\":{\"name\":"
                                    "\"Voltage\",\"instance\":\"L1\"}}",
                                    MONITOR_ITEMS_MAX));
    assert_int_equal(elements_at(r, "setMonitoringResult"), MONITOR_ITEMS_MAX);
    all_went_well(f);
}

static void profiles(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static char text[OCPP_TEXT_MAX];
    size_t len = (size_t)snprintf(
        text, sizeof text,
        "{\"evseId\":0,\"chargingProfile\":{\"id\":1,\"stackLevel\":0,\"chargingProfilePurpose\":"
        "\"ChargingStationMaxProfile\",\"chargingProfileKind\":\"Recurring\",\"recurrencyKind\":\"Daily\","
        "\"chargingSchedule\":[{\"id\":1,\"startSchedule\":\"2025-12-31T00:00:00Z\",\"chargingRateUnit\":"
        "\"W\",\"chargingSchedulePeriod\":[");
    for (int i = 0; i < PROFILE_PERIODS; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "%s{\"startPeriod\":%d,\"limit\":%d.5,\"numberPhases\":3}", i ? "," : "",
                                i * 900, 10000 + i * 10);
    snprintf(text + len, sizeof text - len, "]}]}}");
    assert_string_equal(at(fake_call(f, "SetChargingProfile", text), "status"), "Accepted");
    fake_call(f, "GetChargingProfiles", "{\"requestId\":2,\"chargingProfile\":{\"stackLevel\":0}}");
    fake_run(f, 500);
    assert_int_equal(elements_at(fake_last(f, "ReportChargingProfiles"),
                                 "chargingProfile.0.chargingSchedule.0.chargingSchedulePeriod"),
                     PROFILE_PERIODS);
    const cJSON *r = fake_call(f, "GetCompositeSchedule", "{\"duration\":604800,\"evseId\":1}");
    assert_non_null(r);
    assert_string_equal(at(r, "status"), "Accepted");
    /* a day fits; what does not is not claimed to be covered */
    assert_true(number_at(r, "schedule.duration") >= 86400 && number_at(r, "schedule.duration") < 604800);
    assert_true(elements_at(r, "schedule.chargingSchedulePeriod") > PROFILE_PERIODS);
    all_went_well(f);
}

static void local_list(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *r =
        fake_call(f, "SendLocalList",
                  many("{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":",
                       "{\"idToken\":{\"idToken\":\"0123456789-0123456789-%d\",\"type\":\"ISO14443\"},"
                       "\"idTokenInfo\":{\"status\":\"Accepted\",\"cacheExpiryDateTime\":\"2027-01-01T00:00:"
                       "00Z\",\"chargingPriority\":1,\"language1\":\"de\",\"evseId\":[1],\"groupIdToken\":{"
                       "\"idToken\":\"0123456789-0123456789\",\"type\":\"Central\"},\"personalMessage\":{"
                       "\"format\":\"UTF8\",\"language\":\"de\",\"content\":\"Guten Tag und gute Fahrt\"}}}",
                       LOCAL_LIST_ITEMS));
    assert_string_equal(at(r, "status"), "Accepted");
    all_went_well(f);
}

static void longest_end(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->view.phases = f->view.meter.phases = 3;
    fake_set(f, "tx_started_measurands", MEASURANDS_ALL);
    fake_set(f, "tx_updated_measurands", MEASURANDS_ALL);
    fake_set(f, "tx_ended_measurands", MEASURANDS_ALL);
    fake_set(f, "aligned_ended_measurands", "Energy.Active.Import.Register");
    fake_set(f, "sampled_ended_interval", "1");
    fake_set(f, "aligned_ended_interval", "1");
    fake_charge(f);
    fake_run(f, 60000);
    fake_unplug(f);
    fake_run(f, 1000);
    const cJSON *p = fake_last(f, "TransactionEvent");
    assert_string_equal(at(p, "eventType"), "Ended");
    assert_true(elements_at(p, "meterValue") > 2);
    all_went_well(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_report), cmocka_unit_test(variables),  cmocka_unit_test(monitors),
        cmocka_unit_test(profiles),     cmocka_unit_test(local_list), cmocka_unit_test(longest_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
