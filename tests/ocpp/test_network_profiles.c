/* Network connection profiles (B09, B10). */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

/* A request with what differs from a good one; NULL: as it is there. */
static const cJSON *put(struct fake *f, int slot, const char *url, int security, const char *more)
{
    char text[1500];
    snprintf(
        text, sizeof text,
        "{\"configurationSlot\":%d,\"connectionData\":{\"ocppCsmsUrl\":\"%s\",\"securityProfile\":%d%s}}",
        slot, url, security, more);
    return fake_call(f, "SetNetworkProfile", text);
}

#define GOOD                                                                                          \
    ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\",\"messageTimeout\":30,\"ocppInterface\":" \
    "\"Wired0\""

static const char *priority(struct fake *f, const char *value)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"setVariableData\":[{\"attributeValue\":\"%s\",\"component\":{\"name\":\"OCPPCommCtrlr\"},"
             "\"variable\":{\"name\":\"NetworkConfigurationPriority\"}}]}",
             value);
    return at(fake_call(f, "SetVariables", text), "setVariableResult.0.attributeStatus");
}

static const char *variable(struct fake *f, const char *name)
{
    char text[300];
    snprintf(
        text, sizeof text,
        "{\"getVariableData\":[{\"component\":{\"name\":\"OCPPCommCtrlr\"},\"variable\":{\"name\":\"%s\"}}]}",
        name);
    return at(fake_call(f, "GetVariables", text), "getVariableResult.0.attributeValue");
}

/* B_43; B09.FR.01..FR.05 */
static void judged(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static const struct {
        int slot;
        const char *url;
        int security;
        const char *more, *status, *reason;
    } cases[] = {
        {999, "ws://second/", 1, GOOD, "Rejected", "InvalidConfSlot"}, /* B_43 */
        {0, "ws://second/", 1, GOOD, "Rejected", "InvalidConfSlot"},
        {-1, "ws://second/", 1, GOOD, "Rejected", "InvalidConfSlot"},
        {2, "ws://second/", 0, GOOD, "Rejected", "NoSecurityDowngrade"},
        {2, "ws://second/", 2, GOOD, "Rejected", "InvalidNetworkConf"},
        {2, "http://second/", 1, GOOD, "Rejected", "InvalidURL"},
        {2, "", 1, GOOD, "Rejected", "InvalidURL"},
        {2, "ws://second/", 1,
         ",\"ocppVersion\":\"OCPP16\",\"ocppTransport\":\"JSON\",\"messageTimeout\":30,\"ocppInterface\":"
         "\"Wired0\"",
         "Rejected", "InvalidNetworkConf"},
        {2, "ws://second/", 1,
         ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"SOAP\",\"messageTimeout\":30,\"ocppInterface\":"
         "\"Wired0\"",
         "Rejected", "InvalidNetworkConf"},
        {2, "ws://second/", 1,
         ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\",\"messageTimeout\":30,\"ocppInterface\":"
         "\"Wireless3\"",
         "Rejected", "InvalidNetworkConf"},
        {2, "ws://second/", 1,
         ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\",\"messageTimeout\":0,\"ocppInterface\":"
         "\"Wired0\"",
         "Rejected", "InvalidNetworkConf"},
        {2, "ws://second/", 1,
         GOOD
         ",\"vpn\":{\"server\":\"a\",\"user\":\"b\",\"password\":\"c\",\"key\":\"d\",\"type\":\"IPSec\"}",
         "Rejected", "InvalidNetworkConf"},
        {2, "ws://second/", 1, GOOD ",\"apn\":{\"apn\":\"a\",\"apnAuthentication\":\"AUTO\"}", "Rejected",
         "InvalidNetworkConf"},
        {2, "ws://second/", 1, GOOD, "Accepted", ""},
        {3, "ws://third/", 1,
         ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\",\"messageTimeout\":600,\"ocppInterface\":"
         "\"Wireless0\"",
         "Accepted", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const cJSON *r = put(f, cases[i].slot, cases[i].url, cases[i].security, cases[i].more);
        if (!r || strcmp(at(r, "status"), cases[i].status) != 0 ||
            strcmp(at(r, "statusInfo.reasonCode"), cases[i].reason) != 0)
            fail_msg("case %zu: %s %s %s", i, at(r, "status"), at(r, "statusInfo.reasonCode"), f->error);
    }
    assert_string_equal(f->network[2].url, "ws://second/");
    assert_int_equal(f->network[3].message_timeout_s, 600);
    f->network_not_kept = true;
    const cJSON *r = put(f, 2, "ws://other/", 1, GOOD);
    assert_string_equal(at(r, "status"), "Failed"); /* B09.FR.03 */
    assert_string_equal(f->network[2].url, "ws://second/");
    assert_null(put(f, 2, "ws://other/", 1, ""));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    fake_free(f);
}

/* B10.FR.01, FR.02 */
static void order(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(variable(f, "NetworkConfigurationPriority"), "1");
    assert_string_equal(variable(f, "NetworkProfileConnectionAttempts"), "3");
    assert_string_equal(variable(f, "ActiveNetworkProfile"), "1");
    assert_string_equal(priority(f, "2,1"), "Rejected"); /* 2 is empty */
    put(f, 2, "ws://second/", 1, GOOD);
    static const char *const bad[] = {"", "0", "4", "1,1", "1,", ",1", "1;2", "12", "1, 2", "3,1", "a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (strcmp(priority(f, bad[i]), "Rejected") != 0)
            fail_msg("\"%s\" was taken", bad[i]);
    assert_string_equal(priority(f, "2,1"), "RebootRequired");
    assert_string_equal(fake_get(f, "network_priority"), "2,1");
    assert_int_equal(f->hang_ups, 0); /* nothing changes before the reboot */
    fake_free(f);
}

/* B_45, B10.FR.10: another server is told who we are, and given the time that its profile says. */
static void another_server(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(at(put(f, 2, "ws://second/", 1,
                               ",\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\",\"messageTimeout\":7,"
                               "\"ocppInterface\":\"Wired0\""),
                           "status"),
                        "Accepted");
    fake_close(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "BootNotification"), 0); /* the same server knows us */
    fake_close(f);
    f->network_active = 2;
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "BootNotification"), 1);
    assert_int_equal(fake_count(f, "StatusNotification"), 1);
    assert_string_equal(variable(f, "ActiveNetworkProfile"), "2");
    fake_close(f);
    f->network_active = 1; /* and back */
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(fake_count(f, "BootNotification"), 2);
    fake_free(f);
}

static bool deaf(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)id;
    (void)payload;
    return !strcmp(action, "MeterValues");
}

static void message_timeout(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->network[2] = (struct ocpp_network){.url = "ws://second/", .security = 1, .message_timeout_s = 7};
    fake_close(f);
    f->network_active = 2;
    fake_connect(f);
    fake_run(f, 2000);
    fake_forget(f);
    fake_set(f, "message_timeout", "7"); /* the fake server looks at this one */
    f->server = deaf;
    fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"MeterValues\"}");
    fake_run(f, 100);
    assert_int_equal(fake_count(f, "MeterValues"), 1);
    fake_set(f, "message_timeout", "30");
    fake_run(f, 6000);
    assert_int_equal(fake_count(f, "Heartbeat"), 0);
    fake_set(f, "message_timeout", "7");
    fake_run(f, 2000);
    assert_int_equal(fake_count(f, "Heartbeat"), 1); /* after 7 s, not 30 */
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged),
        cmocka_unit_test(order),
        cmocka_unit_test(another_server),
        cmocka_unit_test(message_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
