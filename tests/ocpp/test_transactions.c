/* Transactions: start and stop points, states, meter values, durability, retries (E01..E14, F01..F03, J02).
 */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

#define TER "TransactionEvent"

static const cJSON *ter(const struct fake *f, unsigned n)
{
    const cJSON *p = fake_nth(f, TER, n);
    assert_non_null(p);
    return p;
}

/* Every transaction event sent so far: seqNo without gaps, one id per transaction. */
static unsigned tx_events_kept(const struct fake *f)
{
    return fake_kept(f, OCPP_KEEP_TX_EVENT) + fake_kept(f, OCPP_KEEP_TX_UPDATE) +
           fake_kept(f, OCPP_KEEP_TX_ENDED);
}

static void check_sequence(const struct fake *f)
{
    char tx[40] = "";
    double next = 0;
    for (unsigned i = 0; i < fake_count(f, TER); i++) {
        const cJSON *p = ter(f, i);
        if (!strcmp(at(p, "eventType"), "Started")) {
            assert_string_not_equal(tx, at(p, "transactionInfo.transactionId"));
            snprintf(tx, sizeof tx, "%s", at(p, "transactionInfo.transactionId"));
            assert_int_equal(strlen(tx), 36);
            next = 0;
        }
        assert_string_equal(at(p, "transactionInfo.transactionId"), tx);
        assert_true(number_at(p, "seqNo") == next);
        next++;
    }
}

static void plug_then_token(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_plug(f);
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Occupied");
    assert_int_equal(fake_count(f, TER), 0); /* PowerPathClosed: plugged alone starts nothing */
    fake_token(f, "T1");
    fake_run(f, 500);
    const cJSON *a = fake_last(f, "Authorize");
    assert_string_equal(at(a, "idToken.idToken"), "T1");
    assert_string_equal(at(a, "idToken.type"), "ISO14443");
    assert_true(f->authorised);
    const cJSON *p = ter(f, 0);
    assert_string_equal(at(p, "eventType"), "Started");
    assert_string_equal(at(p, "triggerReason"), "Authorized");
    assert_string_equal(at(p, "idToken.idToken"), "T1");
    assert_string_equal(at(p, "transactionInfo.chargingState"), "EVConnected");
    assert_string_equal(at(p, "offline"), "false");
    assert_true(number_at(p, "evse.id") == 1);
    assert_true(number_at(p, "evse.connectorId") == 1);
    assert_true(number_at(p, "cableMaxCurrent") == 32);
    assert_string_equal(at(p, "meterValue.0.sampledValue.0.context"), "Transaction.Begin");
    assert_string_equal(at(p, "meterValue.0.sampledValue.0.measurand"), "Energy.Active.Import.Register");
    assert_true(number_at(p, "meterValue.0.sampledValue.0.value") == 1000);
    fake_ask(f, true);
    fake_run(f, 500);
    p = ter(f, 1);
    assert_string_equal(at(p, "eventType"), "Updated");
    assert_string_equal(at(p, "triggerReason"), "ChargingStateChanged");
    assert_string_equal(at(p, "transactionInfo.chargingState"), "Charging");
    assert_true(number_at(p, "numberOfPhasesUsed") == 3);
    assert_null(node_at(p, "idToken"));
    /* 60 s later: the periodic reading, per phase */
    fake_energy(f, 184000);
    fake_run(f, 61000);
    p = ter(f, 2);
    assert_string_equal(at(p, "triggerReason"), "MeterValuePeriodic");
    const cJSON *s = node_at(p, "meterValue.0.sampledValue");
    unsigned currents = 0, voltages = 0, energies = 0;
    for (const cJSON *v = s->child; v; v = v->next) {
        assert_string_equal(at(v, "context"), "Sample.Periodic");
        if (!strcmp(at(v, "measurand"), "Current.Import")) {
            assert_true(number_at(v, "value") == 16);
            assert_true(at(v, "phase")[0] == 'L' && strlen(at(v, "phase")) == 2);
            currents++;
        } else if (!strcmp(at(v, "measurand"), "Voltage")) {
            assert_int_equal(strlen(at(v, "phase")), 4); /* L1-N */
            assert_string_equal(at(v, "unitOfMeasure.unit"), "V");
            voltages++;
        } else if (!strcmp(at(v, "measurand"), "Energy.Active.Import.Register")) {
            assert_true(number_at(v, "value") == 1184);
            energies++;
        }
    }
    assert_int_equal(currents, 3);
    assert_int_equal(voltages, 3);
    assert_int_equal(energies, 1);
    /* The same token again: energy off first, then the end with the last reading. */
    fake_token(f, "t1");
    assert_false(f->authorised);
    fake_run(f, 1000);
    unsigned before = fake_count(f, TER);
    assert_string_not_equal(at(fake_last(f, TER), "eventType"), "Ended");
    fake_energy(f, 5000); /* what flowed until the contactor opened */
    fake_ask(f, false);
    fake_run(f, 500);
    assert_int_equal(fake_count(f, TER), before + 1);
    p = fake_last(f, TER);
    assert_string_equal(at(p, "eventType"), "Ended");
    assert_string_equal(at(p, "triggerReason"), "StopAuthorized");
    assert_string_equal(at(p, "transactionInfo.stoppedReason"), "Local");
    assert_string_equal(at(p, "transactionInfo.chargingState"), "EVConnected");
    assert_string_equal(at(p, "idToken.idToken"), "T1");
    assert_string_equal(at(p, "meterValue.0.sampledValue.0.context"), "Transaction.Begin");
    assert_true(number_at(p, "meterValue.0.sampledValue.0.value") == 1000);
    assert_string_equal(at(p, "meterValue.1.sampledValue.0.context"), "Transaction.End");
    assert_true(number_at(p, "meterValue.1.sampledValue.0.value") == 1189);
    check_sequence(f);
    assert_int_equal(tx_events_kept(f), 0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_STATE), 1);
    fake_unplug(f);
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Available");
    fake_free(f);
}

static void token_then_plug(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_token(f, "T1");
    fake_run(f, 500);
    assert_true(f->authorised);
    assert_int_equal(fake_count(f, TER), 0);
    fake_plug(f);
    fake_run(f, 500);
    const cJSON *p = ter(f, 0);
    assert_string_equal(at(p, "eventType"), "Started");
    assert_string_equal(at(p, "triggerReason"), "CablePluggedIn");
    assert_string_equal(at(p, "idToken.idToken"), "T1");
    fake_unplug(f);
    fake_run(f, 500);
    p = fake_last(f, TER);
    assert_string_equal(at(p, "eventType"), "Ended");
    assert_string_equal(at(p, "triggerReason"), "EVCommunicationLost");
    assert_string_equal(at(p, "transactionInfo.stoppedReason"), "EVDisconnected");
    assert_string_equal(at(p, "transactionInfo.chargingState"), "Idle");
    assert_false(f->authorised);
    check_sequence(f);
    fake_free(f);
}

static void connection_timeout(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_start_point", "Authorized");
    fake_set(f, "ev_connection_timeout", "20");
    fake_token(f, "T1");
    fake_run(f, 500);
    assert_string_equal(at(ter(f, 0), "triggerReason"), "Authorized");
    assert_string_equal(at(ter(f, 0), "transactionInfo.chargingState"), "Idle");
    fake_run(f, 19000);
    assert_int_equal(fake_count(f, TER), 1);
    fake_run(f, 2000);
    assert_string_equal(at(ter(f, 1), "eventType"), "Ended");
    assert_string_equal(at(ter(f, 1), "triggerReason"), "EVConnectTimeout");
    assert_string_equal(at(ter(f, 1), "transactionInfo.stoppedReason"), "Timeout");
    assert_false(f->authorised);
    fake_free(f);
}

/* TxStartPoint and TxStopPoint, each with the order of a plain session: plug, token, energy, no energy,
 * token, unplug. The digit says at which of these the Started and the Ended must come. */
static void start_and_stop_points(void **state)
{
    (void)state;
    static const struct {
        const char *start, *stop;
        int starts, ends;
    } cases[] = {
        {"EVConnected", "EVConnected", 1, 6},           {"EVConnected,Authorized", "Authorized", 1, 5},
        {"Authorized", "EVConnected,Authorized", 2, 5}, {"PowerPathClosed", "PowerPathClosed", 2, 5},
        {"PowerPathClosed", "EVConnected", 2, 6},       {"EnergyTransfer", "Authorized", 3, 5},
        {"EnergyTransfer", "EnergyTransfer", 3, 4},     {"EVConnected", "EnergyTransfer", 1, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake *f = fake_ready();
        fake_set(f, "tx_start_point", cases[i].start);
        fake_set(f, "tx_stop_point", cases[i].stop);
        int started = 0, ended = 0;
        for (int step = 1; step <= 6; step++) {
            switch (step) {
            case 1:
                fake_plug(f);
                break;
            case 2:
                fake_token(f, "T1");
                break;
            case 3:
                fake_ask(f, true);
                break;
            case 4:
                fake_ask(f, false);
                break;
            case 5:
                if (f->authorised)
                    fake_token(f, "T1");
                break;
            default:
                fake_unplug(f);
                break;
            }
            fake_run(f, 1000);
            const cJSON *p = fake_last(f, TER);
            if (!started && p)
                started = step;
            if (!ended && p && !strcmp(at(p, "eventType"), "Ended"))
                ended = step;
        }
        assert_int_equal(started, cases[i].starts);
        assert_int_equal(ended, cases[i].ends);
        unsigned starts = 0, ends = 0, tokens = 0;
        for (unsigned n = 0; n < fake_count(f, TER); n++) {
            starts += !strcmp(at(ter(f, n), "eventType"), "Started");
            ends += !strcmp(at(ter(f, n), "eventType"), "Ended");
            tokens += node_at(ter(f, n), "idToken") != NULL;
        }
        assert_int_equal(starts, 1);
        assert_int_equal(ends, 1);
        assert_true(tokens >= 1); /* who it was has been told */
        check_sequence(f);
        fake_free(f);
    }
}

static void suspended(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    fake_ask(f, false); /* the car's battery is full */
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.chargingState"), "SuspendedEV");
    fake_ask(f, true);
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.chargingState"), "Charging");
    /* The server takes the current away; the contactor opens a little later. */
    f->view.limited_to_zero = true;
    f->view.energy_flowing = false;
    fake_event(f, OCPP_EV_CHARGING, false, NULL, NULL);
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.chargingState"), "Charging");
    fake_run(f, 3000);
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.chargingState"), "SuspendedEVSE");
    f->view.limited_to_zero = false;
    f->view.faulted = true;
    f->view.fault = "UnderVoltage";
    fake_event(f, OCPP_EV_FAULT, true, "UnderVoltage", NULL);
    fake_run(f, 300);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Faulted");
    const cJSON *e = fake_last(f, "NotifyEvent");
    assert_string_equal(at(e, "eventData.0.component.name"), "Supply");
    assert_string_equal(at(e, "eventData.0.variable.name"), "Problem");
    assert_string_equal(at(e, "eventData.0.trigger"), "Alerting");
    assert_string_equal(at(e, "eventData.0.techCode"), "UnderVoltage");
    check_sequence(f);
    fake_free(f);
}

static void remote_start_and_stop(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_plug(f);
    fake_run(f, 500);
    const char *start =
        "{\"idToken\":{\"idToken\":\"R1\",\"type\":\"Central\"},\"remoteStartId\":77,\"evseId\":1}";
    const cJSON *r = fake_call(f, "RequestStartTransaction", start);
    assert_string_equal(at(r, "status"), "Accepted");
    assert_null(node_at(r, "transactionId"));
    fake_run(f, 500);
    const cJSON *p = ter(f, 0);
    assert_string_equal(at(p, "eventType"), "Started");
    assert_string_equal(at(p, "triggerReason"), "RemoteStart");
    assert_true(number_at(p, "transactionInfo.remoteStartId") == 77);
    assert_string_equal(at(p, "idToken.idToken"), "R1");
    assert_int_equal(fake_count(f, "Authorize"), 0);
    assert_string_equal(at(fake_call(f, "RequestStartTransaction", start), "status"), "Rejected");
    fake_ask(f, true);
    fake_run(f, 500);
    assert_string_equal(
        at(fake_call(f, "RequestStopTransaction", "{\"transactionId\":\"nobody\"}"), "status"), "Rejected");
    char stop[100];
    snprintf(stop, sizeof stop, "{\"transactionId\":\"%s\"}", at(p, "transactionInfo.transactionId"));
    const cJSON *s = fake_call(f, "GetTransactionStatus", stop);
    assert_string_equal(at(s, "ongoingIndicator"), "true");
    assert_string_equal(at(s, "messagesInQueue"), "false");
    assert_string_equal(at(fake_call(f, "RequestStopTransaction", stop), "status"), "Accepted");
    assert_false(f->authorised);
    fake_ask(f, false);
    fake_run(f, 500);
    p = fake_last(f, TER);
    assert_string_equal(at(p, "eventType"), "Ended");
    assert_string_equal(at(p, "triggerReason"), "RemoteStop");
    assert_string_equal(at(p, "transactionInfo.stoppedReason"), "Remote");
    s = fake_call(f, "GetTransactionStatus", stop);
    assert_string_equal(at(s, "ongoingIndicator"), "false");
    s = fake_call(f, "GetTransactionStatus", "{}");
    assert_null(node_at(s, "ongoingIndicator"));
    check_sequence(f);
    fake_free(f);
}

/* F01.FR.13, FR.25: a transaction that began with the plug is authorised from afar. */
static void remote_start_of_a_running_one(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_start_point", "EVConnected");
    fake_plug(f);
    fake_run(f, 500);
    assert_string_equal(at(ter(f, 0), "triggerReason"), "CablePluggedIn");
    assert_null(node_at(ter(f, 0), "idToken"));
    const cJSON *r =
        fake_call(f, "RequestStartTransaction",
                  "{\"idToken\":{\"idToken\":\"R1\",\"type\":\"ISO14443\"},\"remoteStartId\":5}");
    assert_string_equal(at(r, "transactionId"), at(ter(f, 0), "transactionInfo.transactionId"));
    fake_run(f, 500);
    assert_string_equal(at(ter(f, 1), "triggerReason"), "RemoteStart");
    assert_true(number_at(ter(f, 1), "transactionInfo.remoteStartId") == 5);
    assert_string_equal(at(ter(f, 1), "idToken.idToken"), "R1");
    fake_free(f);
}

static void authorise_remote_start(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "remote_authorise", "true");
    fake_plug(f);
    fake_run(f, 300);
    f->token_status = "Blocked";
    assert_string_equal(
        at(fake_call(f, "RequestStartTransaction",
                     "{\"idToken\":{\"idToken\":\"R1\",\"type\":\"ISO14443\"},\"remoteStartId\":5}"),
           "status"),
        "Accepted");
    fake_run(f, 300);
    assert_int_equal(fake_count(f, "Authorize"), 1);
    assert_int_equal(fake_count(f, TER), 0);
    assert_false(f->authorised);
    f->token_status = "Accepted";
    fake_call(f, "RequestStartTransaction",
              "{\"idToken\":{\"idToken\":\"R2\",\"type\":\"ISO14443\"},\"remoteStartId\":6}");
    fake_run(f, 300);
    assert_string_equal(at(ter(f, 0), "triggerReason"), "RemoteStart");
    assert_true(number_at(ter(f, 0), "transactionInfo.remoteStartId") == 6);
    fake_free(f);
}

static void offline_transaction(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "offline_tx_unknown_id", "true");
    fake_close(f);
    fake_charge(f);
    fake_energy(f, 500000);
    fake_run(f, 130000);
    fake_unplug(f);
    fake_run(f, 500);
    assert_int_equal(fake_count(f, TER), 0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_EVENT), 1);
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_UPDATE), 3);
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_ENDED), 1);
    fake_connect(f);
    fake_run(f, 3000);
    assert_int_equal(fake_count(f, "BootNotification"), 0); /* a plain reconnect */
    assert_int_equal(fake_count(f, "Heartbeat"), 1);
    assert_int_equal(fake_count(f, TER), 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_string_equal(at(ter(f, i), "offline"), "true");
        assert_int_equal(strncmp(at(ter(f, i), "timestamp"), "2026-01-01T00:", 14), 0);
    }
    assert_string_equal(at(ter(f, 0), "timestamp") + 17, at(ter(f, 0), "meterValue.0.timestamp") + 17);
    check_sequence(f);
    assert_int_equal(tx_events_kept(f), 0);
    fake_free(f);
}

static void offline_refuses_unknown(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_close(f);
    fake_plug(f);
    fake_token(f, "T1");
    fake_run(f, 1000);
    assert_false(f->authorised);
    fake_free(f);
}

/* A store that is full of what may not go: what could not be kept over a loss of power is not begun, what has
 * begun goes on and is ended. */
static void no_room_for_a_transaction(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->no_room = true;
    fake_plug(f);
    fake_token(f, "T1");
    fake_run(f, 1000);
    assert_false(f->authorised);
    assert_int_equal(fake_count(f, TER), 0);
    const cJSON *answer =
        fake_call(f, "RequestStartTransaction",
                  "{\"evseId\":1,\"remoteStartId\":7,\"idToken\":{\"idToken\":\"T1\",\"type\":\"Central\"}}");
    assert_string_equal(at(answer, "status"), "Rejected");
    assert_string_equal(at(answer, "statusInfo.reasonCode"), "OutOfStorage");
    fake_unplug(f);
    fake_run(f, 500);
    f->no_room = false;
    fake_charge(f);
    f->no_room = true;
    fake_run(f, 65000);
    assert_true(f->authorised);
    fake_unplug(f);
    fake_run(f, 2000);
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    check_sequence(f);
    fake_free(f);
}

/* Power goes and comes back in mid-charge, before the clock is known again. */
static void power_cut(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    fake_run(f, 65000);
    char tx[40];
    snprintf(tx, sizeof tx, "%s", at(fake_last(f, TER), "transactionInfo.transactionId"));
    double seq = number_at(fake_last(f, TER), "seqNo");
    fake_close(f);
    fake_energy(f, 7000);
    fake_forget(f);
    fake_boot(f);
    f->view.plugged = true;
    fake_run(f, 1000); /* offline: the end is kept with a time that is not known yet */
    assert_int_equal(fake_kept(f, OCPP_KEEP_TX_ENDED), 1);
    fake_connect(f);
    fake_run(f, 2000);
    const cJSON *p = ter(f, 0);
    assert_string_equal(at(p, "eventType"), "Ended");
    assert_string_equal(at(p, "transactionInfo.transactionId"), tx);
    assert_string_equal(at(p, "transactionInfo.stoppedReason"), "PowerLoss");
    assert_true(number_at(p, "seqNo") == seq + 1);
    assert_string_equal(at(p, "offline"), "true");
    assert_int_equal(strncmp(at(p, "timestamp"), "2026-01-01T00:0", 15), 0); /* put right, not 1970 */
    assert_true(number_at(p, "meterValue.1.sampledValue.0.value") == 1007);
    assert_int_equal(fake_count(f, TER), 1);
    fake_free(f);
}

/* After a restart in mid-charge: a token shown while the station still tests itself is not lost. */
static void early_token(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    fake_close(f);
    fake_forget(f);
    fake_boot(f);
    f->view.state = "SelfTest";
    f->view.pilot = '?';
    fake_connect(f);
    fake_run(f, 300);
    fake_token(f, "T9");
    fake_run(f, 300);
    assert_int_equal(fake_count(f, TER), 0);
    assert_string_equal(
        at(fake_call(f, "RequestStartTransaction",
                     "{\"idToken\":{\"idToken\":\"R\",\"type\":\"Central\"},\"remoteStartId\":1}"),
           "status"),
        "Rejected");
    f->view.state = "Connected";
    f->view.pilot = 'B';
    fake_run(f, 1000);
    assert_string_equal(at(ter(f, 0), "eventType"), "Ended");
    assert_string_equal(at(ter(f, 0), "transactionInfo.chargingState"), "EVConnected");
    assert_string_equal(at(ter(f, 1), "eventType"), "Started");
    assert_string_equal(at(ter(f, 1), "idToken.idToken"), "T9");
    assert_true(f->authorised);
    fake_free(f);
}

/* As before, but nothing reached the server and the last state record was lost: no gap and no seqNo twice. */
static void power_cut_between_event_and_state(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "offline_tx_unknown_id", "true");
    fake_close(f);
    fake_plug(f);
    fake_run(f, 200);
    fake_token(f, "T1");
    fake_run(f, 200);
    static unsigned char older[3000];
    size_t older_len = 0;
    for (unsigned i = 0; i < f->record_count; i++)
        if (f->record[i].kind == OCPP_KEEP_TX_STATE) {
            older_len = f->record[i].len;
            memcpy(older, f->record[i].bytes, older_len);
        }
    assert_true(older_len > 0);
    fake_ask(f, true);
    fake_run(f, 1000);
    /* Power failed between the last event and the state that goes with it: an older state is all there is. */
    for (unsigned i = 0; i < f->record_count; i++)
        if (f->record[i].kind == OCPP_KEEP_TX_STATE) {
            f->record[i].len = older_len;
            memcpy(f->record[i].bytes, older, older_len);
        }
    fake_boot(f);
    fake_run(f, 500);
    fake_connect(f);
    fake_run(f, 2000);
    check_sequence(f);
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    fake_free(f);
}

static bool refuse_events(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, TER) != 0 || f->server_arg == 0)
        return false;
    f->server_arg--;
    fake_error(f, id, "InternalError");
    return true;
}

static bool ignore_events(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    (void)id;
    if (strcmp(action, TER) != 0 || f->server_arg == 0)
        return false;
    f->server_arg--;
    return true;
}

static void retries(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        struct fake *f = fake_ready();
        fake_set(f, "tx_retry_attempts", "3");
        fake_set(f, "tx_retry_interval", "10");
        fake_set(f, "message_timeout", "5");
        fake_set(f, "tx_updated_interval", "0");
        f->server = silent ? ignore_events : refuse_events;
        f->server_arg = 2;
        fake_plug(f);
        fake_run(f, 300);
        fake_token(f, "T1");
        fake_run(f, 40000);
        uint64_t sent[4] = {0};
        unsigned n = 0;
        for (unsigned i = 0; i < f->frame_count && n < 4; i++)
            if (f->frame[i].action && !strcmp(f->frame[i].action, TER) &&
                number_at(f->frame[i].frame.payload, "seqNo") == 0)
                sent[n++] = f->frame[i].at_us;
        assert_int_equal(n, 3);
        uint64_t wait = silent ? 5000000 : 0;
        assert_in_range(sent[1] - sent[0], 10000000 + wait, 10300000 + wait);
        assert_in_range(sent[2] - sent[1], 20000000 + wait, 20300000 + wait);
        assert_int_equal(tx_events_kept(f), 0);
        fake_free(f);
    }
}

/* E13.FR.04: the last attempt fails: discard and go on with the next. */
static void retries_exhausted(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_retry_attempts", "2");
    fake_set(f, "tx_retry_interval", "5");
    f->server = refuse_events;
    f->server_arg = 2;
    fake_plug(f);
    fake_run(f, 300);
    fake_token(f, "T1");
    fake_run(f, 300);
    fake_ask(f, true);
    fake_run(f, 8000);
    assert_int_equal(fake_count(f, TER), 3);
    assert_true(number_at(ter(f, 1), "seqNo") == 0);
    assert_true(number_at(ter(f, 2), "seqNo") == 1);
    fake_free(f);
}

static void invalid_token_in_answer(void **state)
{
    (void)state;
    for (int stop = 0; stop < 2; stop++) {
        struct fake *f = fake_ready();
        fake_set(f, "stop_tx_on_invalid_id", stop ? "true" : "false");
        fake_set(f, "offline_tx_unknown_id", "true");
        fake_close(f);
        fake_charge(f);
        f->token_status = "Invalid";
        fake_connect(f);
        fake_run(f, 500);
        assert_false(f->authorised);
        f->view.energy_flowing = false;
        fake_event(f, OCPP_EV_CONTACTOR, false, NULL, NULL);
        fake_run(f, 500);
        const cJSON *p = fake_last(f, TER);
        if (stop) {
            assert_string_equal(at(p, "eventType"), "Ended");
            assert_string_equal(at(p, "triggerReason"), "Deauthorized");
            assert_string_equal(at(p, "transactionInfo.stoppedReason"), "DeAuthorized");
        } else {
            assert_string_equal(at(p, "eventType"), "Updated");
            assert_string_equal(at(p, "triggerReason"), "ChargingStateChanged");
            assert_string_equal(at(p, "transactionInfo.chargingState"), "SuspendedEVSE");
        }
        check_sequence(f);
        fake_free(f);
    }
}

static void tokens_of_others(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->group = "G1";
    fake_charge(f);
    f->group = "G2";
    fake_token(f, "T2");
    fake_run(f, 500);
    assert_true(f->authorised);
    f->group = "G1";
    fake_token(f, "T3");
    fake_run(f, 500);
    assert_false(f->authorised); /* same group: may stop (C09) */
    fake_free(f);

    f = fake_ready();
    f->token_status = "Expired";
    fake_plug(f);
    fake_token(f, "T1");
    fake_run(f, 500);
    assert_false(f->authorised);
    assert_int_equal(fake_count(f, TER), 0);
    fake_free(f);
}

static void free_of_charge(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "free_charging", "true");
    fake_plug(f);
    fake_run(f, 300);
    assert_true(f->authorised);
    assert_int_equal(fake_count(f, "Authorize"), 0);
    assert_string_equal(at(ter(f, 0), "idToken.type"), "NoAuthorization");
    assert_string_equal(at(ter(f, 0), "idToken.idToken"), "");
    char stop[100];
    snprintf(stop, sizeof stop, "{\"transactionId\":\"%s\"}", at(ter(f, 0), "transactionInfo.transactionId"));
    fake_call(f, "RequestStopTransaction", stop);
    fake_run(f, 5000);
    assert_false(f->authorised); /* not again before the car has been unplugged */
    fake_unplug(f);
    fake_run(f, 300);
    fake_plug(f);
    fake_run(f, 300);
    assert_true(f->authorised);
    check_sequence(f);
    fake_free(f);
}

/* Flash does not take records: the transaction still reaches the server, in order. */
static void store_fails(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->keep_fails = true;
    fake_charge(f);
    fake_run(f, 1000);
    fake_close(f);
    fake_run(f, 70000);
    fake_unplug(f);
    fake_run(f, 500);
    fake_connect(f);
    fake_run(f, 1000);
    check_sequence(f);
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    fake_free(f);
}

/* The power goes at each change of the store in turn, in a whole session. Whatever the server has been told
 * of a transaction, it is told the rest; an event comes twice at most, and then with the same number. */
static void cut_at_every_change_of_the_store(void **state)
{
    (void)state;
    unsigned cuts = 0;
    for (unsigned n = 1; n < 60; n++) {
        struct fake *f = fake_ready();
        f->cut_after = n;
        fake_charge(f);
        fake_run(f, 130000);
        fake_energy(f, 500000);
        fake_unplug(f);
        fake_run(f, 5000);
        bool was_cut = f->cut;
        cuts += was_cut;
        fake_close(f);
        f->view.plugged = false;
        f->view.pilot = 'A';
        fake_boot(f);
        fake_connect(f);
        fake_run(f, 30000);
        char open[40] = "";
        double last = -1;
        for (unsigned i = 0; i < fake_count(f, TER); i++) {
            const cJSON *p = ter(f, i);
            const char *tx = at(p, "transactionInfo.transactionId"), *type = at(p, "eventType");
            double seq = number_at(p, "seqNo");
            if (strcmp(open, tx)) {
                assert_string_equal(open, "");
                assert_string_equal(type, "Started");
                assert_true(seq == 0);
                snprintf(open, sizeof open, "%s", tx);
            } else {
                assert_true(seq == last || seq == last + 1);
            }
            last = seq;
            if (!strcmp(type, "Ended") && i + 1 < fake_count(f, TER) &&
                number_at(ter(f, i + 1), "seqNo") == seq)
                continue; /* its acknowledgement was cut off: once more */
            if (!strcmp(type, "Ended"))
                open[0] = 0;
        }
        if (open[0])
            fail_msg("cut at change %u: transaction %s has no end", n, open);
        fake_free(f);
        if (!was_cut)
            break;
    }
    assert_true(cuts > 15);
}

/* TxEndedInterval: what was gathered goes with the end, evenly thinned when there is no room for more
 * (E07.FR.10). */
static void readings_along_the_way(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "sampled_ended_interval", "1");
    fake_charge(f);
    fake_run(f, 30000);
    f->view.meter.import_total_mwh += 5000000;
    fake_unplug(f);
    fake_run(f, 1000);
    const cJSON *p = fake_last(f, TER), *values = node_at(p, "meterValue");
    assert_string_equal(at(p, "eventType"), "Ended");
    int n = cJSON_GetArraySize(values), periodic = 0;
    int64_t before = 0;
    for (int i = 0; i < n; i++) {
        const cJSON *one = cJSON_GetArrayItem(values, i);
        int64_t ms;
        assert_true(json_time_parse(at(one, "timestamp"), &ms));
        if (!strcmp(at(one, "sampledValue.0.context"), "Sample.Periodic")) {
            if (periodic++)
                assert_in_range(ms - before, 3900, 4100); /* 30 s: one of four is left */
            before = ms;
        }
    }
    assert_int_equal(periodic, 7);
    assert_int_equal(n, periodic + 2);
    assert_string_equal(at(cJSON_GetArrayItem(values, 0), "sampledValue.0.context"), "Transaction.Begin");
    assert_string_equal(at(cJSON_GetArrayItem(values, n - 1), "sampledValue.0.context"), "Transaction.End");
    fake_free(f);
}

/* TxStartPoint EnergyTransfer: a current that is still measured when the cable is gone begins no transaction.
 */
static void nothing_starts_without_a_cable(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_start_point", "EnergyTransfer");
    fake_charge(f);
    f->view.plugged = false;
    fake_event(f, OCPP_EV_UNPLUGGED, false, NULL, NULL);
    fake_run(f, 2000);
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    assert_int_equal(number_at(fake_last(f, TER), "seqNo") + 1, fake_count(f, TER));
    fake_free(f);
}

/* server_arg 1: answers nothing at all; 2: everything but TransactionEvent. */
static bool hangs(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)id;
    (void)payload;
    if (!f->server_arg || (f->server_arg == 2 && strcmp(action, TER) != 0))
        return false;
    f->outstanding = false;
    f->last_was_dropped = true;
    return true;
}

/* E13.FR.04 of a server that lives, but has no answer to what began a transaction. */
static void silence_is_given_up(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_retry_attempts", "2");
    fake_set(f, "tx_retry_interval", "5");
    fake_set(f, "message_timeout", "5");
    fake_set(f, "tx_updated_interval", "0");
    f->server = hangs;
    f->server_arg = 2;
    fake_plug(f);
    fake_token(f, "T1");
    fake_run(f, 17000); /* sent, 5 s, 5 s, sent, 5 s */
    f->server_arg = 0;
    fake_unplug(f);
    fake_run(f, 60000);
    assert_true(f->connected && fake_count(f, "Heartbeat") > 0); /* somebody is there */
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    unsigned begins = 0;
    for (unsigned n = 0; n < fake_count(f, TER); n++)
        begins += number_at(ter(f, n), "seqNo") == 0;
    assert_int_equal(begins, 2);
    fake_free(f);
}

/* One that answers nothing has refused nothing: its connection is given up, and nothing is lost. */
static void hanging_server(const char *attempts)
{
    struct fake *f = fake_ready();
    fake_set(f, "tx_retry_attempts", attempts);
    f->server = hangs;
    f->server_arg = 2;
    fake_charge(f);
    f->server_arg = 1;
    for (int i = 0; i < 90; i++) {
        fake_run(f, 10000);
        if (!f->connected)
            fake_connect(f);
    }
    f->server_arg = 0;
    fake_forget(f);
    fake_unplug(f);
    for (int i = 0; i < 30; i++) {
        fake_run(f, 10000);
        if (!f->connected)
            fake_connect(f);
    }
    assert_string_equal(at(ter(f, 0), "eventType"), "Started");
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    check_sequence(f);
    fake_free(f);
}

static void begin_and_end_survive_a_hanging_server(void **state)
{
    (void)state;
    hanging_server("5");
    hanging_server("2"); /* fewer than the calls that tell a dead connection */
    hanging_server("1");
}

/* Nothing but the authorisation holds this transaction, and TxStopPoint does not name that. */
static void ends_without_a_car(void **state)
{
    (void)state;
    static const char *const stop[] = {"EVConnected", "EnergyTransfer"};
    for (size_t i = 0; i < 2; i++) {
        struct fake *f = fake_ready();
        fake_set(f, "tx_start_point", "Authorized");
        fake_set(f, "tx_stop_point", stop[i]);
        fake_token(f, "T1");
        fake_run(f, 1000);
        assert_string_equal(at(ter(f, 0), "eventType"), "Started");
        fake_token(f, "T1");
        fake_run(f, 1000);
        assert_false(f->authorised);
        assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
        assert_string_equal(at(fake_last(f, TER), "triggerReason"), "StopAuthorized");
        assert_string_equal(at(fake_last(f, TER), "transactionInfo.stoppedReason"), "Local");
        fake_token(f, "T2"); /* the next driver's own */
        fake_run(f, 1000);
        assert_string_equal(at(fake_last(f, TER), "eventType"), "Started");
        fake_free(f);
    }
}

static bool refuses_t1(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    if (strcmp(action, TER) != 0 || strcmp(at(payload, "idToken.idToken"), "T1") != 0)
        return false;
    fake_answer(f, id, "{\"idTokenInfo\":{\"status\":\"Invalid\"}}");
    return true;
}

/* What the server says of a driver who has left is nothing against the one who has taken over. */
static void refused_after_another_has_taken_over(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_stop_point", "EVConnected");
    f->server = hangs;
    f->server_arg = 2;
    fake_charge(f);
    fake_token(f, "T1");
    fake_run(f, 500);
    assert_false(f->authorised);
    fake_call(f, "RequestStartTransaction",
              "{\"idToken\":{\"idToken\":\"R\",\"type\":\"Central\"},\"remoteStartId\":1,\"evseId\":1}");
    fake_run(f, 500);
    assert_true(f->authorised);
    f->server = refuses_t1;
    fake_run(f, 60000);
    assert_string_equal(at(fake_last(f, TER), "triggerReason"), "MeterValuePeriodic"); /* all are told */
    assert_true(f->authorised);
    fake_free(f);
}

static void a_remote_start_that_came_to_nothing_leaves_nothing(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    char text[600];
    for (int i = 1; i <= 2; i++) {
        snprintf(
            text, sizeof text,
            "{\"idToken\":{\"idToken\":\"R%d\",\"type\":\"Central\"},\"remoteStartId\":%d,\"evseId\":1,"
            "\"chargingProfile\":{\"id\":%d,\"stackLevel\":0,\"chargingProfilePurpose\":\"TxProfile\","
            "\"chargingProfileKind\":\"Relative\",\"chargingSchedule\":[{\"id\":1,\"chargingRateUnit\":\"A\","
            "\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":6}]}]}}",
            i, i, 100 + i);
        assert_string_equal(at(fake_call(f, "RequestStartTransaction", text), "status"), "Accepted");
        fake_run(f, 200000); /* nobody plugs in */
        assert_false(f->authorised);
    }
    fake_charge(f);
    fake_run(f, 3000);
    assert_int_not_equal(f->limit_ma, 6000);
    fake_free(f);
}

static void an_event_older_than_the_last_step_counts_no_time(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    for (int i = 0; i < 40; i++) {
        fake_run(f, 1000);
        struct ocpp_event ev = {.type = OCPP_EV_LIMIT, .at_us = f->now_us - 8000};
        f->view.offered_ma = i % 2 ? 32000 : 20000;
        f->view.offered_by = "temperature";
        ev.view = f->view;
        ocpp_step(f->ocpp);
        ocpp_event(f->ocpp, &ev);
        fake_call(f, "TriggerMessage", "{\"requestedMessage\":\"TransactionEvent\"}");
        fake_run(f, 50);
        double spent = number_at(fake_last(f, TER), "transactionInfo.timeSpentCharging");
        assert_true(spent == -1e9 || (spent >= 0 && spent <= 60));
    }
    fake_free(f);
}

static void a_remote_restart_explains_one_start_only(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_call(f, "Reset", "{\"type\":\"Immediate\"}");
    fake_run(f, 3000);
    assert_int_equal(f->resets, 1);
    fake_close(f);
    f->reset_reason = "ApplicationReset";
    fake_boot(f); /* the server is away this time */
    fake_run(f, 20000);
    f->reset_reason = "PowerUp";
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 5000);
    assert_string_equal(at(fake_last(f, "BootNotification"), "reason"), "PowerUp");
    fake_free(f);
}

static void stop_button(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    fake_event(f, OCPP_EV_STOP_BUTTON, true, NULL, NULL);
    assert_false(f->authorised);
    fake_run(f, 10000); /* the current never stops by itself here: the deadline ends it */
    assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.stoppedReason"), "Local");
    fake_free(f);
}

static void socket_full(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->socket_full = true;
    fake_plug(f);
    fake_run(f, 1000);
    assert_int_equal(f->frame_count, 0);
    f->socket_full = false;
    fake_run(f, 1000);
    assert_string_equal(at(fake_last(f, "StatusNotification"), "connectorStatus"), "Occupied");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plug_then_token),
        cmocka_unit_test(token_then_plug),
        cmocka_unit_test(connection_timeout),
        cmocka_unit_test(start_and_stop_points),
        cmocka_unit_test(suspended),
        cmocka_unit_test(remote_start_and_stop),
        cmocka_unit_test(remote_start_of_a_running_one),
        cmocka_unit_test(authorise_remote_start),
        cmocka_unit_test(offline_transaction),
        cmocka_unit_test(offline_refuses_unknown),
        cmocka_unit_test(no_room_for_a_transaction),
        cmocka_unit_test(power_cut),
        cmocka_unit_test(early_token),
        cmocka_unit_test(power_cut_between_event_and_state),
        cmocka_unit_test(retries),
        cmocka_unit_test(retries_exhausted),
        cmocka_unit_test(invalid_token_in_answer),
        cmocka_unit_test(tokens_of_others),
        cmocka_unit_test(free_of_charge),
        cmocka_unit_test(store_fails),
        cmocka_unit_test(cut_at_every_change_of_the_store),
        cmocka_unit_test(readings_along_the_way),
        cmocka_unit_test(nothing_starts_without_a_cable),
        cmocka_unit_test(silence_is_given_up),
        cmocka_unit_test(begin_and_end_survive_a_hanging_server),
        cmocka_unit_test(ends_without_a_car),
        cmocka_unit_test(refused_after_another_has_taken_over),
        cmocka_unit_test(a_remote_start_that_came_to_nothing_leaves_nothing),
        cmocka_unit_test(an_event_older_than_the_last_step_counts_no_time),
        cmocka_unit_test(a_remote_restart_explains_one_start_only),
        cmocka_unit_test(stop_button),
        cmocka_unit_test(socket_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
