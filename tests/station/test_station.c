/*
 * The whole station against the simulated world and a backend in memory, in virtual time: what only shows
 * when all rooms work together.
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

struct bench {
    struct csms csms;
    struct sim_station *station;
    char dir[64];
};

static void no_wake(void *ctx)
{
    (void)ctx; /* the loop below looks at every frame */
}

static void start(struct bench *b, const char *const *settings)
{
    memset(b, 0, sizeof *b);
    snprintf(b->dir, sizeof b->dir, "/tmp/ecs-station-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    struct sim_station_cfg cfg = {
        .id = "CP1",
        .url = "ws://server/ocpp",
        .dir = b->dir,
        .settings = settings,
        .seed = 7,
        .seeded_random = true,
        .log_level = getenv("ECS_TEST_LOG") ? 3 : -1,
        .wake = no_wake,
    };
    world_cfg_default(&cfg.world);
    char err[200];
    b->station = sim_station_create(&cfg, err, sizeof err);
    assert_non_null(b->station);
    b->csms = (struct csms){.station = b->station,
                            .unix_ms0 = 1700000000000,
                            .boot_status = "Accepted",
                            .token_status = "Accepted"};
    struct sim_network network;
    csms_network(&b->csms, &network);
    sim_station_connect(b->station, &network);
    char why[200];
    assert_true(sim_station_power(b->station, true, false, why, sizeof why));
}

static void stop(struct bench *b)
{
    sim_station_destroy(b->station);
    csms_free(&b->csms);
    char cmd[100];
    snprintf(cmd, sizeof cmd, "rm -r '%s'", b->dir);
    assert_int_equal(system(cmd), 0);
}

static void run(struct bench *b, double seconds)
{
    uint64_t until = sim_station_time_us(b->station) + (uint64_t)(seconds * 1e6);
    while (sim_station_time_us(b->station) < until) {
        sim_station_frame(b->station);
        csms_pump(&b->csms);
        sim_station_comms(b->station);
    }
}

static struct world_state truth(struct bench *b)
{
    struct world_state s;
    world_state_read(sim_station_world(b->station), &s);
    return s;
}

static struct station_link_status link_status(struct bench *b)
{
    struct control_status c;
    struct station_link_status l;
    assert_true(sim_station_view(b->station, &c, &l));
    return l;
}

static struct control_status control(struct bench *b)
{
    struct control_status c;
    struct station_link_status l;
    assert_true(sim_station_view(b->station, &c, &l));
    return c;
}

static void plug(struct bench *b)
{
    world_plug(sim_station_world(b->station), true);
    world_ready(sim_station_world(b->station), true);
}

static void unplug(struct bench *b)
{
    world_plug(sim_station_world(b->station), false);
}

static void charge(struct bench *b)
{
    run(b, 3);
    plug(b);
    run(b, 2);
    assert_true(sim_station_token(b->station, "04A1B2C3D4E5F6", "ISO14443"));
    run(b, 10);
    assert_true(truth(b).contactor);
    assert_true(truth(b).amp[0] > 5);
}

/* Every TransactionEvent of a transaction: seqNo 0, 1, 2, ... in the order of arrival; returns their number.
 * The last one before a power cut may come twice, to the letter: its acknowledgement was cut off. */
static int check_sequence(struct bench *b, const char *transaction_id)
{
    int n = 0;
    const char *last = "";
    for (int i = 0;; i++) {
        const char *text = csms_find(&b->csms, 0, "TransactionEvent", transaction_id, i);
        if (!text)
            return n;
        if (!strcmp(text, last))
            continue;
        last = text;
        cJSON *ev = cJSON_Parse(text);
        assert_non_null(ev);
        assert_int_equal((int)cJSON_GetNumberValue(cJSON_GetObjectItem(ev, "seqNo")), n);
        n++;
        cJSON_Delete(ev);
    }
}

static void first_transaction(struct bench *b, char id[40])
{
    cJSON *ev = cJSON_Parse(csms_find(&b->csms, 0, "TransactionEvent", "\"Started\"", 0));
    assert_non_null(ev);
    const cJSON *info = cJSON_GetObjectItem(ev, "transactionInfo");
    snprintf(id, 40, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(info, "transactionId")));
    cJSON_Delete(ev);
}

static void test_a_session_from_plug_to_unplug(void **state)
{
    (void)state;
    struct bench b;
    const char *const settings[] = {"tx_updated_interval", "2", NULL, NULL};
    start(&b, settings);
    charge(&b);
    run(&b, 20);
    double energy = truth(&b).energy_wh;
    unplug(&b);
    run(&b, 3);
    assert_false(truth(&b).contactor);
    assert_int_equal(csms_count(&b.csms, 0, "BootNotification", NULL), 1);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Started\""), 1);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Ended\""), 1);
    assert_true(csms_count(&b.csms, 0, "TransactionEvent", "\"Updated\"") >= 5);
    char id[40];
    first_transaction(&b, id);
    assert_true(check_sequence(&b, id) >= 7);
    assert_non_null(csms_find(&b.csms, 0, "NotifyEvent", "\"C\"", 0));
    double metered = (double)control(&b).meter.import_total_uwh / 1e6;
    assert_true(metered > energy * 0.99 && metered < energy * 1.01 + 0.5);
    stop(&b);
}

static void test_a_denied_token_does_not_charge(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL);
    b.csms.token_status = "Invalid";
    run(&b, 3);
    plug(&b);
    run(&b, 2);
    assert_true(sim_station_token(b.station, "BAD", "ISO14443"));
    run(&b, 10);
    assert_false(truth(&b).coil);
    assert_int_equal(csms_count(&b.csms, 0, "Authorize", "BAD"), 1);
    stop(&b);
}

static void test_server_limit_reaches_the_car(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL);
    charge(&b);
    csms_call(&b.csms, "SetChargingProfile",
              "{\"evseId\":0,\"chargingProfile\":{\"id\":1,\"stackLevel\":0,"
              "\"chargingProfilePurpose\":\"ChargingStationMaxProfile\",\"chargingProfileKind\":\"Absolute\","
              "\"chargingSchedule\":[{\"id\":1,\"startSchedule\":\"2023-01-01T00:00:00Z\","
              "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":8}]}]}}");
    uint64_t before = sim_station_time_us(b.station);
    while (truth(&b).duty_percent > 14 && sim_station_time_us(b.station) < before + 1000000)
        run(&b, 0.005);
    assert_in_range(sim_station_time_us(b.station) - before, 0, 50000); /* asked to duty */
    assert_non_null(b.csms.answer);
    assert_non_null(strstr(b.csms.answer, "Accepted"));
    run(&b, 8);
    assert_true(truth(&b).amp[0] < 8.3 && truth(&b).amp[0] > 7);
    stop(&b);
}

static void test_nothing_is_lost_while_the_server_is_away(void **state)
{
    (void)state;
    struct bench b;
    const char *const settings[] = {"tx_updated_interval", "5", "free_charging", "0", NULL, NULL};
    start(&b, settings);
    charge(&b);
    b.csms.refuse = true;
    csms_hang_up(&b.csms);
    run(&b, 60);
    unplug(&b); /* the end of the transaction happens offline */
    run(&b, 60);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Ended\""), 0);
    b.csms.refuse = false;
    run(&b, 90);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Started\""), 1);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Ended\""), 1);
    assert_true(csms_count(&b.csms, 0, "TransactionEvent", "\"offline\":true") >= 10);
    char id[40];
    first_transaction(&b, id);
    check_sequence(&b, id);
    assert_int_equal(csms_count(&b.csms, 0, "BootNotification", NULL), 1);
    assert_int_equal(link_status(&b).journal_dropped, 0);
    stop(&b);
}

/* The highest energy register that any transaction event has told, Wh. */
static double told_wh(struct bench *b)
{
    double most = 0;
    const char *text;
    for (int i = 0; (text = csms_find(&b->csms, 0, "TransactionEvent", "Import.Register", i)); i++) {
        cJSON *ev = cJSON_Parse(text), *value, *sample;
        cJSON_ArrayForEach(value, cJSON_GetObjectItem(ev, "meterValue"))
            cJSON_ArrayForEach(sample, cJSON_GetObjectItem(value, "sampledValue"))
        {
            const char *what = cJSON_GetStringValue(cJSON_GetObjectItem(sample, "measurand"));
            double wh = cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "value"));
            if (what && strstr(what, "Import.Register") && wh > most)
                most = wh;
        }
        cJSON_Delete(ev);
    }
    return most;
}

static void power_cut_in_a_session(bool torn)
{
    struct bench b;
    const char *const settings[] = {"tx_updated_interval", "5", NULL, NULL};
    start(&b, settings);
    charge(&b);
    run(&b, 70); /* past one register mark */
    double before = (double)control(&b).meter.import_total_uwh / 1e6;
    char why[200];
    assert_true(sim_station_power(b.station, false, torn, why, sizeof why));
    run(&b, 8); /* a torn cut waits for a flash operation */
    assert_false(truth(&b).contactor);
    double cut = truth(&b).energy_wh;
    assert_true(sim_station_power(b.station, true, false, why, sizeof why));
    run(&b, 30);
    double after = (double)control(&b).meter.import_total_uwh / 1e6;
    /* At most a minute of charging is forgotten, never more than that, and no energy is invented. */
    double world_now = truth(&b).energy_wh;
    assert_true(after <= world_now * 1.01 + 1);
    assert_true(told_wh(&b) > 10);
    assert_true(after >= told_wh(&b) - 0.001); /* what was told is not taken back */
    assert_true(after >= before - (cut / 80 * 60) - 1);
    unplug(&b);
    run(&b, 30);
    assert_true(csms_count(&b.csms, 0, "BootNotification", NULL) >= 2);
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Started\""),
                     csms_count(&b.csms, 0, "TransactionEvent", "\"Ended\""));
    char id[40];
    first_transaction(&b, id);
    check_sequence(&b, id);
    stop(&b);
}

static void test_power_cut_in_a_session(void **state)
{
    (void)state;
    power_cut_in_a_session(false);
}

static void test_power_cut_in_a_flash_write(void **state)
{
    (void)state;
    power_cut_in_a_session(true);
}

static void test_after_a_blackout_a_plugged_car_waits_its_turn(void **state)
{
    (void)state;
    struct bench b;
    const char *const settings[] = {
        "free_charging", "1", "reconnect_min", "10", "reconnect_random", "5", NULL, NULL};
    start(&b, settings);
    run(&b, 2);
    plug(&b); /* into a station that is up: at once */
    run(&b, 6);
    assert_true(truth(&b).contactor);
    char why[200];
    assert_true(sim_station_power(b.station, false, false, why, sizeof why));
    run(&b, 3);
    assert_true(sim_station_power(b.station, true, false, why, sizeof why));
    run(&b, 10);
    assert_false(truth(&b).coil);
    assert_true(control(&b).supply_waiting);
    run(&b, 10);
    assert_true(truth(&b).contactor);
    stop(&b);
}

/* A panic in mid-charge: the transaction is ended with the energy that has flowed, marked as offline, its
 * seqNo going on; and what had been asked of the station before stands for the next session: the user's
 * limit, a profile of the server's, and at last that it is out of service. */
static void test_after_a_crash_the_wishes_stand(void **state)
{
    (void)state;
    struct bench b;
    char why[200], id[40];
    start(&b, NULL);
    charge(&b);
    first_transaction(&b, id);
    assert_true(sim_station_set(b.station, "user_current", "16", why, sizeof why));
    csms_call(&b.csms, "SetChargingProfile",
              "{\"evseId\":0,\"chargingProfile\":{\"id\":1,\"stackLevel\":0,"
              "\"chargingProfilePurpose\":\"ChargingStationMaxProfile\",\"chargingProfileKind\":\"Absolute\","
              "\"chargingSchedule\":[{\"id\":1,\"startSchedule\":\"2023-01-01T00:00:00Z\","
              "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":9}]}]}}");
    run(&b, 20);
    double delivered = truth(&b).energy_wh;
    int before = b.csms.calls;
    assert_true(sim_station_crash(b.station));
    run(&b, 10);
    assert_false(truth(&b).contactor);
    assert_int_equal(csms_count(&b.csms, before, "TransactionEvent", "\"Ended\""), 1);
    const char *ended = csms_find(&b.csms, before, "TransactionEvent", "\"Ended\"", 0);
    assert_non_null(strstr(ended, id));
    assert_null(strstr(ended, "\"offline\":true")); /* it was connected again before it knew of the car */
    assert_non_null(strstr(ended, "\"Reboot\""));
    check_sequence(&b, id);
    assert_float_equal(told_wh(&b), delivered, 0.5);

    /* The car is still there; its driver comes again. */
    before = b.csms.calls;
    assert_true(sim_station_token(b.station, "04A1B2C3D4E5F6", "ISO14443"));
    run(&b, 20);
    assert_int_equal(csms_count(&b.csms, before, "TransactionEvent", "\"Started\""), 1);
    assert_true(truth(&b).amp[0] > 8 && truth(&b).amp[0] < 9.3);
    csms_call(&b.csms, "ClearChargingProfile", "{\"chargingProfileId\":1}");
    run(&b, 10);
    assert_true(truth(&b).amp[0] > 15 && truth(&b).amp[0] < 16.3);
    unplug(&b);
    run(&b, 3);
    csms_call(&b.csms, "ChangeAvailability", "{\"operationalStatus\":\"Inoperative\"}");
    run(&b, 3);
    assert_true(sim_station_crash(b.station));
    run(&b, 10);
    assert_false(control(&b).available);
    plug(&b);
    run(&b, 2);
    (void)sim_station_token(b.station, "04A1B2C3D4E5F6", "ISO14443");
    run(&b, 10);
    assert_false(truth(&b).contactor);
    stop(&b);
}

static void test_reset_by_the_server(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL);
    charge(&b);
    csms_call(&b.csms, "Reset", "{\"type\":\"OnIdle\"}");
    run(&b, 20);
    assert_true(truth(&b).contactor); /* a car charges: not yet */
    assert_int_equal(csms_count(&b.csms, 0, "BootNotification", NULL), 1);
    unplug(&b);
    run(&b, 30);
    assert_int_equal(csms_count(&b.csms, 0, "BootNotification", NULL), 2);

    plug(&b);
    run(&b, 2);
    assert_true(sim_station_token(b.station, "04A1B2C3D4E5F6", "ISO14443"));
    run(&b, 10);
    assert_true(truth(&b).contactor);
    uint32_t hot = truth(&b).hot_switches;
    csms_call(&b.csms, "Reset", "{\"type\":\"Immediate\"}");
    run(&b, 30);
    assert_int_equal(csms_count(&b.csms, 0, "BootNotification", NULL), 3);
    assert_int_equal(truth(&b).hot_switches, hot); /* the car was asked to stop first */
    assert_int_equal(csms_count(&b.csms, 0, "TransactionEvent", "\"Started\""),
                     csms_count(&b.csms, 0, "TransactionEvent", "\"Ended\""));
    stop(&b);
}

/* A server moves its stations to another address (B_45), one that does not answer (B_46, B_49), and back. */
static void test_another_network(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL);
    run(&b, 3);
    assert_string_equal(b.csms.url, "ws://server/ocpp/CP1");
    csms_call(&b.csms, "SetNetworkProfile",
              "{\"configurationSlot\":2,\"connectionData\":{\"ocppCsmsUrl\":\"ws://other:99/new\","
              "\"securityProfile\":1,\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\","
              "\"messageTimeout\":30,\"ocppInterface\":\"Wired0\"}}");
    run(&b, 1);
    assert_string_equal(b.csms.answer, "{\"status\":\"Accepted\"}");
    csms_call(&b.csms, "SetVariables",
              "{\"setVariableData\":[{\"attributeValue\":\"2,1\",\"component\":{\"name\":\"OCPPCommCtrlr\"},"
              "\"variable\":{\"name\":\"NetworkConfigurationPriority\"}},{\"attributeValue\":\"2\","
              "\"component\":{\"name\":\"OCPPCommCtrlr\"},\"variable\":{\"name\":"
              "\"NetworkProfileConnectionAttempts\"}}]}");
    run(&b, 1);
    assert_non_null(strstr(b.csms.answer, "RebootRequired"));
    csms_hang_up(&b.csms); /* a new connection alone changes nothing */
    run(&b, 10);
    assert_string_equal(b.csms.url, "ws://server/ocpp/CP1");
    b.csms.refuse_url = "other"; /* B_46: two attempts, then the old one */
    csms_call(&b.csms, "Reset", "{\"type\":\"OnIdle\"}");
    run(&b, 60);
    assert_int_equal(b.csms.refused, 2);
    assert_string_equal(b.csms.url, "ws://server/ocpp/CP1");
    assert_true(link_status(&b).registered);
    b.csms.refuse_url = NULL; /* B_45 */
    csms_call(&b.csms, "Reset", "{\"type\":\"OnIdle\"}");
    run(&b, 60);
    assert_string_equal(b.csms.url, "ws://other:99/new/CP1");
    assert_true(link_status(&b).registered);
    /* Lost: that one twice, then the old one, which does not know us yet. */
    int from = b.csms.calls;
    b.csms.refused = 0;
    b.csms.refuse_url = "other";
    csms_hang_up(&b.csms);
    run(&b, 60);
    assert_int_equal(b.csms.refused, 2);
    assert_string_equal(b.csms.url, "ws://server/ocpp/CP1");
    assert_int_equal(csms_count(&b.csms, from, "BootNotification", NULL), 1);
    csms_call(&b.csms, "GetVariables",
              "{\"getVariableData\":[{\"component\":{\"name\":\"OCPPCommCtrlr\"},\"variable\":{\"name\":"
              "\"ActiveNetworkProfile\"}}]}");
    run(&b, 1);
    assert_non_null(strstr(b.csms.answer, "\"attributeValue\":\"1\""));
    /* an address that no link can use */
    csms_call(&b.csms, "SetNetworkProfile",
              "{\"configurationSlot\":3,\"connectionData\":{\"ocppCsmsUrl\":\"ws://user@host/\","
              "\"securityProfile\":1,\"ocppVersion\":\"OCPP20\",\"ocppTransport\":\"JSON\","
              "\"messageTimeout\":30,\"ocppInterface\":\"Wired0\"}}");
    run(&b, 1);
    assert_non_null(strstr(b.csms.answer, "InvalidURL"));
    stop(&b);
}

static void test_pending_station_waits(void **state)
{
    (void)state;
    struct bench b;
    start(&b, NULL);
    b.csms.boot_status = "Pending";
    run(&b, 30);
    assert_int_equal(csms_count(&b.csms, 0, "StatusNotification", NULL), 0);
    b.csms.boot_status = "Accepted";
    run(&b, 60);
    assert_true(csms_count(&b.csms, 0, "StatusNotification", "\"Available\"") >= 1);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session_from_plug_to_unplug),
        cmocka_unit_test(test_a_denied_token_does_not_charge),
        cmocka_unit_test(test_server_limit_reaches_the_car),
        cmocka_unit_test(test_nothing_is_lost_while_the_server_is_away),
        cmocka_unit_test(test_power_cut_in_a_session),
        cmocka_unit_test(test_power_cut_in_a_flash_write),
        cmocka_unit_test(test_after_a_blackout_a_plugged_car_waits_its_turn),
        cmocka_unit_test(test_after_a_crash_the_wishes_stand),
        cmocka_unit_test(test_reset_by_the_server),
        cmocka_unit_test(test_another_network),
        cmocka_unit_test(test_pending_station_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
