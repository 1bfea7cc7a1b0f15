/* Device model, reports, availability, reset, triggers, data transfer (B05..B12, F05, F06, G03, P01, C11,
 * D02). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/v201/device.h"
#include "tests/ocpp/fake.h"

static const char *get(struct fake *f, const char *component, const char *variable)
{
    char text[400];
    snprintf(text, sizeof text, "{\"getVariableData\":[{\"component\":{%s},\"variable\":{%s}}]}", component,
             variable);
    const cJSON *r = fake_call(f, "GetVariables", text);
    assert_non_null(r);
    const char *status = at(r, "getVariableResult.0.attributeStatus");
    return strcmp(status, "Accepted") ? status : at(r, "getVariableResult.0.attributeValue");
}

static const char *set(struct fake *f, const char *component, const char *variable, const char *value)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"setVariableData\":[{\"attributeValue\":\"%s\",\"component\":{\"name\":\"%s\"},\"variable\":{"
             "%s}}]}",
             value, component, variable);
    const cJSON *r = fake_call(f, "SetVariables", text);
    assert_non_null(r);
    assert_string_equal(at(r, "setVariableResult.0.attributeType"), "Actual");
    return at(r, "setVariableResult.0.attributeStatus");
}

#define EVSE1 ",\"evse\":{\"id\":1}"

static void reading(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static const struct {
        const char *component, *variable, *value;
    } cases[] = {
        {"\"name\":\"OCPPCommCtrlr\"", "\"name\":\"HeartbeatInterval\"", "300"},
        {"\"name\":\"ocppcommctrlr\"", "\"name\":\"HEARTBEATINTERVAL\"", "300"},
        {"\"name\":\"OCPPCommCtrlr\"", "\"name\":\"MessageTimeout\",\"instance\":\"Default\"", "30"},
        {"\"name\":\"OCPPCommCtrlr\"", "\"name\":\"MessageTimeout\"", "UnknownVariable"}, /* B06.FR.15 */
        {"\"name\":\"OCPPCommCtrlr\"", "\"name\":\"NoSuch\"", "UnknownVariable"},
        {"\"name\":\"NoSuch\"", "\"name\":\"HeartbeatInterval\"", "UnknownComponent"},
        {"\"name\":\"TxCtrlr\"", "\"name\":\"TxStartPoint\"", "PowerPathClosed"},
        {"\"name\":\"SecurityCtrlr\"", "\"name\":\"BasicAuthPassword\"", "Rejected"},
        {"\"name\":\"EVSE\"" EVSE1, "\"name\":\"AvailabilityState\"", "Available"},
        {"\"name\":\"EVSE\"", "\"name\":\"AvailabilityState\"", "UnknownComponent"},
        {"\"name\":\"EVSE\",\"evse\":{\"id\":2}", "\"name\":\"AvailabilityState\"", "UnknownComponent"},
        {"\"name\":\"ControlPilot\"" EVSE1, "\"name\":\"State\"", "A"},
        {"\"name\":\"ControlPilot\"" EVSE1, "\"name\":\"Voltage\"", "12"},
        {"\"name\":\"Meter\"" EVSE1, "\"name\":\"Voltage\",\"instance\":\"L1\"", "230.1"},
        {"\"name\":\"Meter\"" EVSE1, "\"name\":\"EnergyImportRegister\"", "1000"},
        {"\"name\":\"Settings\"", "\"name\":\"installation_current\"", "32"},
        {"\"name\":\"ChargingStation\"", "\"name\":\"SerialNumber\"", "SN1"},
        {"\"name\":\"Connector\",\"evse\":{\"id\":1,\"connectorId\":1}", "\"name\":\"ConnectorType\"",
         "sType2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = get(f, cases[i].component, cases[i].variable);
        if (strcmp(got, cases[i].value) != 0)
            fail_msg("case %zu: \"%s\" instead of \"%s\"", i, got, cases[i].value);
    }
    const cJSON *r =
        fake_call(f, "GetVariables",
                  "{\"getVariableData\":[{\"attributeType\":\"Target\",\"component\":{\"name\":\"TxCtrlr\"},"
                  "\"variable\":{\"name\":\"TxStartPoint\"}},{\"component\":{\"name\":\"TxCtrlr\"},"
                  "\"variable\":{\"name\":\"TxStopPoint\"}}]}");
    assert_string_equal(at(r, "getVariableResult.0.attributeStatus"), "NotSupportedAttributeType");
    assert_string_equal(at(r, "getVariableResult.0.attributeType"), "Target");
    assert_string_equal(at(r, "getVariableResult.1.attributeStatus"), "Accepted");
    assert_string_equal(at(r, "getVariableResult.1.variable.name"), "TxStopPoint");
    /* One more than ItemsPerMessage. */
    static char text[8000] = "{\"getVariableData\":[";
    for (int i = 0; i < 33; i++)
        strcat(text, i ? ",{\"component\":{\"name\":\"A\"},\"variable\":{\"name\":\"B\"}}"
                       : "{\"component\":{\"name\":\"A\"},\"variable\":{\"name\":\"B\"}}");
    strcat(text, "]}");
    assert_null(fake_call(f, "GetVariables", text));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    fake_free(f);
}

static void writing(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static const struct {
        const char *component, *variable, *value, *status;
    } cases[] = {
        {"OCPPCommCtrlr", "\"name\":\"HeartbeatInterval\"", "120", "Accepted"},
        {"OCPPCommCtrlr", "\"name\":\"HeartbeatInterval\"", "soon", "Rejected"},
        {"OCPPCommCtrlr", "\"name\":\"HeartbeatInterval\"", "99999999", "Rejected"},
        {"OCPPCommCtrlr", "\"name\":\"ResetRetries\"", "3", "Rejected"},
        {"TxCtrlr", "\"name\":\"TxStartPoint\"", "EVConnected,Authorized", "Accepted"},
        {"TxCtrlr", "\"name\":\"TxStartPoint\"", "ParkingBayOccupancy", "Rejected"},
        {"TxCtrlr", "\"name\":\"TxStartPoint\"", "EVConnected,", "Rejected"},
        {"TxCtrlr", "\"name\":\"StopTxOnInvalidId\"", "false", "Accepted"},
        {"TxCtrlr", "\"name\":\"StopTxOnInvalidId\"", "no", "Rejected"},
        {"TxCtrlr", "\"name\":\"StopTxOnEVSideDisconnect\"", "false", "Rejected"},
        {"Settings", "\"name\":\"phases\"", "1", "RebootRequired"},
        {"Settings", "\"name\":\"nothing\"", "1", "UnknownVariable"},
        {"Nothing", "\"name\":\"phases\"", "1", "UnknownComponent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = set(f, cases[i].component, cases[i].variable, cases[i].value);
        if (strcmp(got, cases[i].status) != 0)
            fail_msg("case %zu: %s instead of %s", i, got, cases[i].status);
    }
    assert_string_equal(fake_get(f, "heartbeat_interval"), "120");
    assert_string_equal(fake_get(f, "stop_tx_on_invalid_id"), "false");
    fake_run(f, 121000);
    assert_int_equal(fake_count(f, "Heartbeat"), 1);
    assert_string_equal(set(f, "TxCtrlr", "\"name\":\"TxStopPoint\"", ""), "Rejected");
    assert_string_equal(set(f, "SecurityCtrlr", "\"name\":\"BasicAuthPassword\"", "short"), "Rejected");
    /* A01: a new password is used at once. */
    assert_string_equal(set(f, "SecurityCtrlr", "\"name\":\"BasicAuthPassword\"", "0123456789abcdef"),
                        "Accepted");
    assert_string_equal(fake_get(f, "password"), "0123456789abcdef");
    fake_run(f, 100);
    assert_int_equal(f->hang_ups, 1);
    fake_free(f);
}

static unsigned rows(const struct fake *f, double request, unsigned *pages)
{
    unsigned n = 0, seq = 0;
    *pages = 0;
    for (unsigned i = 0; i < fake_count(f, "NotifyReport"); i++) {
        const cJSON *p = fake_nth(f, "NotifyReport", i);
        if (number_at(p, "requestId") != request)
            continue;
        assert_true(number_at(p, "seqNo") == seq++);
        (*pages)++;
        n += (unsigned)cJSON_GetArraySize(node_at(p, "reportData"));
    }
    return n;
}

static void reports(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    unsigned pages, before = f->frame_count;
    const cJSON *r = fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"FullInventory\"}");
    assert_string_equal(at(r, "status"), "Accepted");
    assert_int_equal(f->frame[before].frame.type, FRAME_RESULT); /* never a report before the response */
    assert_string_equal(
        at(fake_call(f, "GetBaseReport", "{\"requestId\":2,\"reportBase\":\"FullInventory\"}"), "status"),
        "Rejected");
    fake_run(f, 5000);
    unsigned full = rows(f, 1, &pages);
    assert_true(full > 120);
    assert_int_equal(pages, (full + 7) / 8);
    const cJSON *last = fake_last(f, "NotifyReport");
    assert_string_equal(at(last, "tbc"), "false");
    assert_string_equal(at(fake_nth(f, "NotifyReport", 0), "tbc"), "true");
    /* every setting is in it, and no secret's value */
    unsigned settings = 0;
    for (unsigned i = 0; i < fake_count(f, "NotifyReport"); i++) {
        const cJSON *data = node_at(fake_nth(f, "NotifyReport", i), "reportData");
        for (const cJSON *d = data->child; d; d = d->next) {
            if (!strcmp(at(d, "component.name"), "Settings"))
                settings++;
            if (!strcmp(at(d, "variable.name"), "BasicAuthPassword")) {
                assert_null(node_at(d, "variableAttribute.0.value"));
                assert_string_equal(at(d, "variableAttribute.0.mutability"), "WriteOnly");
            }
        }
    }
    assert_true(settings > 20);
    fake_call(f, "GetBaseReport", "{\"requestId\":3,\"reportBase\":\"ConfigurationInventory\"}");
    fake_run(f, 5000);
    unsigned configuration = rows(f, 3, &pages);
    assert_true(configuration > 30 && configuration < full);
    fake_call(f, "GetBaseReport", "{\"requestId\":4,\"reportBase\":\"SummaryInventory\"}");
    fake_run(f, 5000);
    unsigned healthy = rows(f, 4, &pages);
    f->view.faulted = true;
    f->view.fault = "Welded";
    fake_call(f, "GetBaseReport", "{\"requestId\":5,\"reportBase\":\"SummaryInventory\"}");
    fake_run(f, 5000);
    assert_int_equal(rows(f, 5, &pages), healthy + 2); /* the EVSE's and the contactor's problem */
    /* Pages also end where BytesPerMessage says. */
    fake_set(f, "items_per_message", "20");
    fake_set(f, "bytes_per_message", "2000");
    fake_call(f, "GetBaseReport", "{\"requestId\":6,\"reportBase\":\"FullInventory\"}");
    fake_run(f, 5000);
    assert_int_equal(rows(f, 6, &pages), full);
    assert_true(pages > full / 20 + 1);
    for (unsigned i = 0; i < fake_count(f, "NotifyReport"); i++) {
        const cJSON *p = fake_nth(f, "NotifyReport", i);
        if (number_at(p, "requestId") != 6)
            continue;
        static char text[40000];
        assert_true(json_print(p, text, sizeof text) <= 2000);
    }
    fake_free(f);
}

/* B_53: what part 2 marks as required (appendix 3, and the errata for ActiveNetworkProfile), told with values
 * that agree with their own characteristics. */
static void mandatory_variables(void **state)
{
    (void)state;
    static const struct {
        const char *component, *variable, *instance;
    } wanted[] = {
        {"AlignedDataCtrlr", "Interval", ""},
        {"AlignedDataCtrlr", "Measurands", ""},
        {"AlignedDataCtrlr", "TxEndedInterval", ""},
        {"AlignedDataCtrlr", "TxEndedMeasurands", ""},
        {"AuthCtrlr", "AuthorizeRemoteStart", ""},
        {"AuthCtrlr", "LocalAuthorizeOffline", ""},
        {"AuthCtrlr", "LocalPreAuthorize", ""},
        {"ChargingStation", "AvailabilityState", ""},
        {"ChargingStation", "Available", ""},
        {"ChargingStation", "SupplyPhases", ""},
        {"ClockCtrlr", "DateTime", ""},
        {"ClockCtrlr", "TimeSource", ""},
        {"Connector", "Available", ""},
        {"Connector", "ConnectorType", ""},
        {"Connector", "SupplyPhases", ""},
        {"DeviceDataCtrlr", "BytesPerMessage", "GetReport"},
        {"DeviceDataCtrlr", "BytesPerMessage", "GetVariables"},
        {"DeviceDataCtrlr", "BytesPerMessage", "SetVariables"},
        {"DeviceDataCtrlr", "ItemsPerMessage", "GetReport"},
        {"DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"},
        {"DeviceDataCtrlr", "ItemsPerMessage", "SetVariables"},
        {"DisplayMessageCtrlr", "DisplayMessages", ""},
        {"DisplayMessageCtrlr", "SupportedFormats", ""},
        {"DisplayMessageCtrlr", "SupportedPriorities", ""},
        {"EVSE", "AvailabilityState", ""},
        {"EVSE", "Available", ""},
        {"EVSE", "Power", ""},
        {"EVSE", "SupplyPhases", ""},
        {"ISO15118Ctrlr", "ContractValidationOffline", ""},
        {"LocalAuthListCtrlr", "BytesPerMessage", ""},
        {"LocalAuthListCtrlr", "Entries", ""},
        {"LocalAuthListCtrlr", "ItemsPerMessage", ""},
        {"MonitoringCtrlr", "BytesPerMessage", "SetVariableMonitoring"},
        {"MonitoringCtrlr", "ItemsPerMessage", "SetVariableMonitoring"},
        {"OCPPCommCtrlr", "FileTransferProtocols", ""},
        {"OCPPCommCtrlr", "MessageTimeout", "Default"},
        {"OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"},
        {"OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"},
        {"OCPPCommCtrlr", "NetworkConfigurationPriority", ""},
        {"OCPPCommCtrlr", "NetworkProfileConnectionAttempts", ""},
        {"OCPPCommCtrlr", "OfflineThreshold", ""},
        {"OCPPCommCtrlr", "ResetRetries", ""},
        {"OCPPCommCtrlr", "UnlockOnEVSideDisconnect", ""},
        {"SampledDataCtrlr", "TxEndedInterval", ""},
        {"SampledDataCtrlr", "TxEndedMeasurands", ""},
        {"SampledDataCtrlr", "TxStartedMeasurands", ""},
        {"SampledDataCtrlr", "TxUpdatedInterval", ""},
        {"SampledDataCtrlr", "TxUpdatedMeasurands", ""},
        {"SecurityCtrlr", "CertificateEntries", ""},
        {"SecurityCtrlr", "OrganizationName", ""},
        {"SecurityCtrlr", "SecurityProfile", ""},
        {"SmartChargingCtrlr", "Entries", "ChargingProfiles"},
        {"SmartChargingCtrlr", "LimitChangeSignificance", ""},
        {"SmartChargingCtrlr", "PeriodsPerSchedule", ""},
        {"SmartChargingCtrlr", "ProfileStackLevel", ""},
        {"SmartChargingCtrlr", "RateUnit", ""},
        {"TariffCostCtrlr", "Currency", ""},
        {"TariffCostCtrlr", "TariffFallbackMessage", ""},
        {"TariffCostCtrlr", "TotalCostFallbackMessage", ""},
        {"TxCtrlr", "EVConnectionTimeOut", ""},
        {"TxCtrlr", "StopTxOnEVSideDisconnect", ""},
        {"TxCtrlr", "StopTxOnInvalidId", ""},
        {"TxCtrlr", "TxStartPoint", ""},
        {"TxCtrlr", "TxStopPoint", ""},
        {"OCPPCommCtrlr", "ActiveNetworkProfile", ""},
    };
    bool found[sizeof wanted / sizeof wanted[0]] = {0};
    struct fake *f = fake_ready();
    fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"FullInventory\"}");
    fake_run(f, 10000);
    for (unsigned i = 0; i < fake_count(f, "NotifyReport"); i++)
        for (const cJSON *d = node_at(fake_nth(f, "NotifyReport", i), "reportData")->child; d; d = d->next) {
            const char *value = at(d, "variableAttribute.0.value");
            const char *type = at(d, "variableCharacteristics.dataType");
            const char *list = at(d, "variableCharacteristics.valuesList");
            const char *name = at(d, "variable.name");
            for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
                found[k] |= !strcmp(wanted[k].component, at(d, "component.name")) &&
                            !strcmp(wanted[k].variable, name) &&
                            !strcmp(wanted[k].instance, at(d, "variable.instance"));
            bool write_only = !strcmp(at(d, "variableAttribute.0.mutability"), "WriteOnly");
            if ((node_at(d, "variableAttribute.0.value") == NULL) != write_only)
                fail_msg("%s.%s: value", at(d, "component.name"), name);
            if (strstr(type, "List")) {
                if (!list[0])
                    fail_msg("%s.%s: no valuesList", at(d, "component.name"), name);
                char words[300], *rest = words;
                snprintf(words, sizeof words, "%s", value);
                for (char *w; (w = strtok_r(rest, ",", &rest)) != NULL;)
                    if (!device_list_has(list, w))
                        fail_msg("%s.%s: \"%s\" is not of \"%s\"", at(d, "component.name"), name, w, list);
            }
            if (!strcmp(type, "boolean") && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
                fail_msg("%s.%s: \"%s\" is no boolean", at(d, "component.name"), name, value);
            double n = 0, lo = number_at(d, "variableCharacteristics.minLimit"),
                   hi = number_at(d, "variableCharacteristics.maxLimit");
            char *end = NULL;
            if (!write_only && value[0] && (!strcmp(type, "integer") || !strcmp(type, "decimal"))) {
                n = strtod(value, &end);
                if (*end || (hi > -1e8 && n > hi) || (lo > -1e8 && n < lo))
                    fail_msg("%s.%s: %s is not from %g to %g", at(d, "component.name"), name, value, lo, hi);
            } else if (hi > -1e8 && !write_only && json_chars(value) > (size_t)hi) {
                fail_msg("%s.%s: longer than %g", at(d, "component.name"), name, hi);
            }
        }
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++)
        if (!found[k])
            fail_msg("%s.%s[%s] is missing", wanted[k].component, wanted[k].variable, wanted[k].instance);
    fake_free(f);
}

static void custom_reports(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    unsigned pages;
    const cJSON *r =
        fake_call(f, "GetReport",
                  "{\"requestId\":1,\"componentVariable\":[{\"component\":{\"name\":\"Meter\"},"
                  "\"variable\":{\"name\":\"Voltage\"}},{\"component\":{\"name\":\"TxCtrlr\"}}]}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 2000);
    assert_int_equal(rows(f, 1, &pages), 3 + 7);
    r = fake_call(f, "GetReport", "{\"requestId\":2,\"componentCriteria\":[\"Problem\"]}");
    assert_string_equal(at(r, "status"), "EmptyResultSet");
    f->view.faulted = true;
    f->view.fault = "Welded";
    r = fake_call(f, "GetReport",
                  "{\"requestId\":3,\"componentCriteria\":[\"Problem\"],\"componentVariable\":[{"
                  "\"component\":{\"name\":\"Contactor\"}}]}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 2000);
    assert_int_equal(rows(f, 3, &pages), 5);
    r = fake_call(f, "GetReport",
                  "{\"requestId\":4,\"componentVariable\":[{\"component\":{\"name\":\"Nothing\"}}]}");
    assert_string_equal(at(r, "status"), "EmptyResultSet");
    fake_free(f);
}

static void report_meets_a_lost_connection(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"FullInventory\"}");
    ocpp_step(f->ocpp);
    assert_int_equal(fake_count(f, "NotifyReport"), 1);
    fake_close(f);
    fake_run(f, 1000);
    fake_connect(f);
    fake_run(f, 2000);
    assert_int_equal(fake_count(f, "NotifyReport"), 1);
    assert_string_equal(
        at(fake_call(f, "GetBaseReport", "{\"requestId\":2,\"reportBase\":\"FullInventory\"}"), "status"),
        "Accepted");
    fake_free(f);
}

/* ---- availability ---- */

static void availability(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_true(f->available);
    const char *off = "{\"operationalStatus\":\"Inoperative\"}",
               *on = "{\"operationalStatus\":\"Operative\"}";
    const char *evse_off = "{\"operationalStatus\":\"Inoperative\",\"evse\":{\"id\":1}}";
    const char *evse_on = "{\"operationalStatus\":\"Operative\",\"evse\":{\"id\":1}}";
    assert_string_equal(at(fake_call(f, "ChangeAvailability", off), "status"), "Accepted");
    fake_run(f, 300);
    assert_false(f->available);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Unavailable");
    assert_string_equal(at(fake_call(f, "ChangeAvailability", evse_off), "status"), "Accepted");
    assert_string_equal(at(fake_call(f, "ChangeAvailability", on), "status"), "Accepted");
    fake_run(f, 300);
    assert_false(f->available); /* the EVSE's own state stands (G04, note 1) */
    /* over a restart (G03.FR.08) */
    fake_close(f);
    f->view.available = true;
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_false(f->available);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Unavailable");
    fake_plug(f);
    fake_token(f, "T1");
    fake_run(f, 500);
    assert_false(f->authorised);
    fake_unplug(f);
    assert_string_equal(at(fake_call(f, "ChangeAvailability", evse_on), "status"), "Accepted");
    fake_run(f, 300);
    assert_true(f->available);
    assert_string_equal(
        at(fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Inoperative\",\"evse\":{\"id\":2}}"),
           "status"),
        "Rejected");
    /* the connector by itself */
    assert_string_equal(
        at(fake_call(f, "ChangeAvailability",
                     "{\"operationalStatus\":\"Inoperative\",\"evse\":{\"id\":1,\"connectorId\":1}}"),
           "status"),
        "Accepted");
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Unavailable");
    assert_string_equal(
        at(fake_call(f, "ChangeAvailability",
                     "{\"operationalStatus\":\"Operative\",\"evse\":{\"id\":1,\"connectorId\":1}}"),
           "status"),
        "Accepted");
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Available");
    /* Scheduled: after the transaction */
    fake_charge(f);
    assert_string_equal(at(fake_call(f, "ChangeAvailability", off), "status"), "Scheduled");
    fake_run(f, 1000);
    assert_true(f->available);
    fake_unplug(f);
    fake_run(f, 500);
    assert_false(f->available);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Unavailable");
    fake_free(f);
}

/* What was promised for the end of a transaction holds also when a power cut ends it (G03.FR.08). */
static void scheduled_over_a_restart(void **state)
{
    (void)state;
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct fake *f = fake_ready();
        fake_charge(f);
        assert_string_equal(
            at(fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Inoperative\"}"), "status"),
            "Scheduled");
        if (cancelled)
            assert_string_equal(
                at(fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Operative\"}"), "status"),
                "Accepted");
        fake_close(f);
        fake_boot(f);
        fake_connect(f);
        fake_run(f, 2000);
        assert_string_equal(at(fake_last(f, "TransactionEvent"), "eventType"), "Ended");
        assert_int_equal(f->available, cancelled);
        assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"),
                            cancelled ? "Occupied" : "Unavailable");
        fake_free(f);
    }
}

/* ---- reset ---- */

static void reset_now(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(at(fake_call(f, "Reset", "{\"type\":\"Immediate\",\"evseId\":1}"), "status"),
                        "Rejected");
    assert_string_equal(at(fake_call(f, "Reset", "{\"type\":\"Immediate\"}"), "status"), "Accepted");
    fake_run(f, 300);
    assert_int_equal(f->resets, 1);
    fake_close(f);
    f->reset_reason = "ApplicationReset";
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "BootNotification"), "reason"), "RemoteReset");
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "BootNotification"), "reason"), "ApplicationReset");
    fake_free(f);
}

static void reset_ends_the_transaction(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    assert_string_equal(at(fake_call(f, "Reset", "{\"type\":\"Immediate\"}"), "status"), "Accepted");
    fake_run(f, 500);
    assert_false(f->authorised);
    assert_int_equal(f->resets, 0);
    fake_ask(f, false);
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "TransactionEvent"), "eventType"), "Ended");
    assert_string_equal(at(fake_last(f, "TransactionEvent"), "triggerReason"), "ResetCommand");
    assert_string_equal(at(fake_last(f, "TransactionEvent"), "transactionInfo.stoppedReason"),
                        "ImmediateReset");
    assert_int_equal(f->resets, 1);
    fake_free(f);
}

static void reset_when_idle(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    assert_string_equal(at(fake_call(f, "Reset", "{\"type\":\"OnIdle\"}"), "status"), "Scheduled");
    fake_run(f, 5000);
    assert_true(f->authorised);
    assert_int_equal(f->resets, 0);
    fake_unplug(f);
    fake_run(f, 1000);
    assert_int_equal(f->resets, 1);
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_ENDED), 0); /* told first */
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, "BootNotification"), "reason"), "ScheduledReset");
    fake_free(f);
}

/* ---- the rest ---- */

static void triggers(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static const struct {
        const char *request, *status, *message;
    } cases[] = {
        {"{\"requestedMessage\":\"Heartbeat\"}", "Accepted", "Heartbeat"},
        {"{\"requestedMessage\":\"MeterValues\"}", "Accepted", "MeterValues"},
        {"{\"requestedMessage\":\"StatusNotification\",\"evse\":{\"id\":1,\"connectorId\":1}}", "Accepted",
         "StatusNotification"},
        {"{\"requestedMessage\":\"StatusNotification\",\"evse\":{\"id\":1,\"connectorId\":2}}", "Rejected",
         NULL},
        {"{\"requestedMessage\":\"LogStatusNotification\"}", "Accepted", "LogStatusNotification"},
        {"{\"requestedMessage\":\"FirmwareStatusNotification\"}", "Accepted", "FirmwareStatusNotification"},
        {"{\"requestedMessage\":\"TransactionEvent\"}", "Rejected", NULL},
        {"{\"requestedMessage\":\"BootNotification\"}", "Rejected", NULL},
        {"{\"requestedMessage\":\"SignV2GCertificate\"}", "NotImplemented", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fake_forget(f);
        assert_string_equal(at(fake_call(f, "TriggerMessage", cases[i].request), "status"), cases[i].status);
        fake_run(f, 300);
        assert_int_equal(f->frame_count, cases[i].message ? 2 : 1);
        if (cases[i].message)
            assert_int_equal(fake_count(f, cases[i].message), 1);
    }
    fake_charge(f);
    fake_forget(f);
    assert_string_equal(
        at(fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"TransactionEvent\"}"), "status"),
        "Accepted");
    fake_run(f, 300);
    const cJSON *p = fake_last(f, "TransactionEvent");
    assert_string_equal(at(p, "triggerReason"), "Trigger");
    assert_string_equal(at(p, "transactionInfo.chargingState"), "Charging");
    assert_string_equal(at(p, "meterValue.0.sampledValue.0.context"), "Trigger");
    fake_free(f);
}

static void aligned_values(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "aligned_interval", "900");
    fake_run(f, 900000 * 3);
    assert_int_equal(fake_count(f, "MeterValues"), 3);
    for (unsigned i = 0; i < 3; i++) {
        const cJSON *p = fake_nth(f, "MeterValues", i);
        assert_string_equal(at(p, "meterValue.0.sampledValue.0.context"), "Sample.Clock");
        int64_t ms;
        assert_true(json_time_parse(at(p, "meterValue.0.timestamp"), &ms));
        assert_in_range(ms % 900000, 0, 200); /* on the quarter of the hour */
    }
    fake_charge(f); /* during a transaction as well (J01.FR.22) */
    fake_run(f, 900000);
    assert_int_equal(fake_count(f, "MeterValues"), 4);
    fake_free(f);
}

static void unlock(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const char *ours = "{\"evseId\":1,\"connectorId\":1}";
    assert_string_equal(at(fake_call(f, "UnlockConnector", ours), "status"), "Unlocked");
    f->unlock_works = false;
    assert_string_equal(at(fake_call(f, "UnlockConnector", ours), "status"), "UnlockFailed");
    assert_string_equal(at(fake_call(f, "UnlockConnector", "{\"evseId\":1,\"connectorId\":9}"), "status"),
                        "UnknownConnector");
    fake_charge(f);
    assert_string_equal(at(fake_call(f, "UnlockConnector", ours), "status"), "OngoingAuthorizedTransaction");
    fake_free(f);
}

static void data_transfer(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(
        at(fake_call(f, "DataTransfer", "{\"vendorId\":\"org.example\",\"data\":{\"a\":1}}"), "status"),
        "UnknownVendorId");
    assert_string_equal(
        at(fake_call(f, "DataTransfer", "{\"vendorId\":\"ECSACP1\",\"messageId\":\"Dance\"}"), "status"),
        "UnknownMessageId");
    assert_string_equal(
        at(fake_call(f, "DataTransfer", "{\"vendorId\":\"ECSACP1\",\"messageId\":\"ContactorOff\"}"),
           "status"),
        "Accepted");
    assert_true(f->hold);
    fake_call(f, "DataTransfer", "{\"vendorId\":\"ECSACP1\",\"messageId\":\"ContactorOn\"}");
    assert_false(f->hold);
    const cJSON *r = fake_call(f, "DataTransfer", "{\"vendorId\":\"ECSACP1\",\"messageId\":\"GetAllData\"}");
    assert_true(number_at(r, "data.voltageV.0") == 230.1);
    assert_string_equal(at(r, "data.pilot"), "A");
    assert_true(number_at(r, "data.heapLeft") < 0); /* this machine has no such figure */
    f->view.health.valid = true;
    f->view.health.heap_min = 12345;
    r = fake_call(f, "DataTransfer", "{\"vendorId\":\"ECSACP1\",\"messageId\":\"GetAllData\"}");
    assert_true(number_at(r, "data.heapLeft") == 12345);
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),         cmocka_unit_test(writing),
        cmocka_unit_test(reports),         cmocka_unit_test(mandatory_variables),
        cmocka_unit_test(custom_reports),  cmocka_unit_test(report_meets_a_lost_connection),
        cmocka_unit_test(availability),    cmocka_unit_test(scheduled_over_a_restart),
        cmocka_unit_test(reset_now),       cmocka_unit_test(reset_ends_the_transaction),
        cmocka_unit_test(reset_when_idle), cmocka_unit_test(triggers),
        cmocka_unit_test(aligned_values),  cmocka_unit_test(unlock),
        cmocka_unit_test(data_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
