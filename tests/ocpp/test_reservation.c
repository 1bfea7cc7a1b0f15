/* Reservations: made, used, cancelled, ended by themselves, over restarts (H01 to H04, B_24). */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

#define TER "TransactionEvent"
#define RSU "ReservationStatusUpdate"
#define T1  "\"idToken\":{\"idToken\":\"T1\",\"type\":\"ISO14443\"}"
#define T2  "\"idToken\":{\"idToken\":\"T2\",\"type\":\"ISO14443\"}"
#define G1  "\"groupIdToken\":{\"idToken\":\"G1\",\"type\":\"Central\"}"
#define AT1 "\"evseId\":1"

/* The clock of the tests begins at 2026-01-01T00:00:00Z; the reservation lasts until ten minutes past. */
static const char *reserve(struct fake *f, int id, const char *fields)
{
    char text[500];
    snprintf(text, sizeof text, "{\"id\":%d,\"expiryDateTime\":\"2026-01-01T00:10:00Z\",%s}", id, fields);
    const cJSON *r = fake_call(f, "ReserveNow", text);
    const char *status = r ? at(r, "status") : f->error;
    fake_run(f, 300);
    return status;
}

static const char *status(const struct fake *f)
{
    return at(fake_last(f, "StatusNotification"), "connectorStatus");
}

static const char *cancel(struct fake *f, int id)
{
    char text[60];
    snprintf(text, sizeof text, "{\"reservationId\":%d}", id);
    const char *s = at(fake_call(f, "CancelReservation", text), "status");
    fake_run(f, 300);
    return s;
}

static const char *remote_start(struct fake *f, const char *fields)
{
    char text[300];
    snprintf(text, sizeof text, "{\"remoteStartId\":1,%s}", fields);
    const char *s = at(fake_call(f, "RequestStartTransaction", text), "status");
    fake_run(f, 500);
    return s;
}

static void restart(struct fake *f)
{
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
}

static void check_update(const struct fake *f, int id, const char *how)
{
    assert_int_equal(fake_count(f, RSU), 1);
    assert_true(number_at(fake_last(f, RSU), "reservationId") == id);
    assert_string_equal(at(fake_last(f, RSU), "reservationUpdateStatus"), how);
}

/* H_01: its driver comes: the status is Available again, the first event tells the reservation (H01.FR.15).
 */
static void token_first(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(reserve(f, 12, AT1 "," T1), "Accepted");
    assert_string_equal(status(f), "Reserved");
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_true(f->authorised);
    assert_string_equal(status(f), "Available");
    fake_plug(f);
    fake_run(f, 300);
    assert_string_equal(status(f), "Occupied");
    assert_true(number_at(fake_nth(f, TER, 0), "reservationId") == 12);
    fake_ask(f, true);
    fake_run(f, 300);
    assert_true(f->view.energy_flowing);
    assert_null(node_at(fake_nth(f, TER, 1), "reservationId"));
    assert_int_equal(fake_count(f, RSU), 0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
    fake_free(f);
}

/* H03, scenario 2: the cable first. The status stays Reserved until the driver is known. */
static void cable_first(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "tx_start_point", "EVConnected");
    reserve(f, -3, AT1 "," T1);
    fake_plug(f);
    fake_run(f, 300);
    assert_string_equal(at(fake_nth(f, TER, 0), "triggerReason"), "CablePluggedIn");
    assert_null(node_at(fake_nth(f, TER, 0), "reservationId"));
    assert_string_equal(status(f), "Reserved");
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_string_equal(status(f), "Occupied");
    assert_string_equal(at(fake_nth(f, TER, 1), "triggerReason"), "Authorized");
    assert_true(number_at(fake_nth(f, TER, 1), "reservationId") == -3);
    fake_free(f);
}

/* H_02: another token does not charge, nor does a remote start for it (F01.FR.21); nor does anybody for free.
 */
static void another_token(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct fake *f = fake_ready();
        if (how == 2)
            fake_set(f, "free_charging", "true");
        if (how == 3)
            fake_set(f, "remote_authorise", "true");
        assert_string_equal(reserve(f, 1, AT1 "," T1), "Accepted");
        fake_plug(f);
        fake_run(f, 300);
        if (how == 0) {
            fake_token(f, "T2");
            fake_run(f, 300);
            assert_int_equal(fake_count(f, "Authorize"), 1); /* C01.FR.02 */
        }
        if (how == 1 || how == 3)
            assert_string_equal(remote_start(f, T2), "Rejected");
        fake_ask(f, true);
        fake_run(f, 500);
        assert_false(f->authorised);
        assert_int_equal(fake_count(f, TER), 0);
        assert_string_equal(status(f), "Reserved");
        /* The right one still can. */
        if (how == 1 || how == 3)
            assert_string_equal(remote_start(f, T1), "Accepted");
        else
            fake_token(f, "T1");
        fake_run(f, 500);
        assert_true(f->authorised);
        assert_true(number_at(fake_last(f, TER), "reservationId") == 1 ||
                    number_at(fake_nth(f, TER, 0), "reservationId") == 1);
        fake_free(f);
    }
}

/* When nobody comes, a car that is plugged in with free charging charges after the end of the reservation. */
static void free_charging_after_it(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "free_charging", "true");
    reserve(f, 1, AT1 "," T1);
    fake_plug(f);
    fake_run(f, 300);
    assert_false(f->authorised);
    assert_string_equal(cancel(f, 1), "Accepted");
    assert_true(f->authorised);
    fake_free(f);
}

/* H_19, H03.FR.04, FR.07, FR.08; F01.FR.22: a token of the reserved group, by the server, the cache, the
 * list, and a remote start. */
static void group(void **state)
{
    (void)state;
    enum { SERVER, OTHER_GROUP, LISTED_OFFLINE, REMOTE, REMOTE_OTHER, HOWS };
    for (int how = 0; how < HOWS; how++) {
        struct fake *f = fake_ready();
        assert_string_equal(reserve(f, 4, AT1 "," T1 "," G1), "Accepted");
        bool right = how != OTHER_GROUP && how != REMOTE_OTHER;
        switch (how) {
        case SERVER:
        case OTHER_GROUP:
            f->group = right ? "g1" : "G2";
            fake_token(f, "T2");
            break;
        case LISTED_OFFLINE:
            fake_call(f, "SendLocalList",
                      "{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":[{" T2
                      ",\"idTokenInfo\":{\"status\":\"Accepted\"," G1 "}}]}");
            fake_close(f);
            fake_token(f, "T2");
            break;
        case REMOTE:
            assert_string_equal(remote_start(f, T2 "," G1), "Accepted");
            break;
        default:
            assert_string_equal(
                remote_start(f, T2 ",\"groupIdToken\":{\"idToken\":\"G9\",\"type\":\"Central\"}"),
                "Rejected");
            break;
        }
        fake_run(f, 500);
        assert_int_equal(f->authorised, right);
        if (how == LISTED_OFFLINE) {
            fake_connect(f);
            fake_run(f, 500);
        }
        assert_string_equal(status(f), right ? "Available" : "Reserved");
        fake_plug(f);
        fake_run(f, 500);
        if (right)
            assert_true(number_at(fake_nth(f, TER, 0), "reservationId") == 4);
        fake_free(f);
    }
}

/* H_03, H_04, H_06, H01.FR.12: what it is answered when the EVSE can't be had. */
static void not_to_be_had(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(reserve(f, 1, AT1 "," T1), "Accepted");
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Occupied"); /* H_03, H01.FR.11 */
    assert_string_equal(reserve(f, 2, T2), "Occupied");
    cancel(f, 1);
    fake_charge(f);
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Occupied"); /* H_04 */
    fake_unplug(f);
    fake_run(f, 500);
    fake_token(f, "T1"); /* authorised, but not plugged in yet */
    fake_run(f, 500);
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Occupied");
    fake_token(f, "T1");
    fake_run(f, 500);
    fake_plug(f); /* plugged in, but not authorised yet */
    fake_run(f, 500);
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Occupied");
    fake_unplug(f);
    fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Inoperative\"}");
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Unavailable"); /* H_06 */
    fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Operative\"}");
    f->view.faulted = true;
    f->view.fault = "Welded";
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Faulted"); /* H01.FR.12 */
    f->view.faulted = false;
    assert_string_equal(reserve(f, 2, AT1 "," T2), "Accepted");
    fake_free(f);
}

/* What makes no sense, H_22, and connector types (H01.FR.06, H_15). */
static void rejected(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(reserve(f, 1, "\"evseId\":2," T1), "Rejected");
    assert_string_equal(reserve(f, 1, "\"connectorType\":\"cCCS2\"," T1), "Rejected");
    assert_string_equal(reserve(f, 1, AT1 ",\"idToken\":{\"idToken\":\"\",\"type\":\"NoAuthorization\"}"),
                        "Rejected");
    assert_string_equal(reserve(f, 1, "\"connectorType\":\"hose\"," T1), "PropertyConstraintViolation");
    assert_string_equal(at(fake_call(f, "ReserveNow",
                                     "{\"id\":1,\"expiryDateTime\":\"2025-12-31T23:59:59Z\"," AT1 "," T1 "}"),
                           "status"),
                        "Rejected");
    fake_set(f, "reservation", "false");
    assert_string_equal(reserve(f, 1, AT1 "," T1), "Rejected"); /* H_22 */
    fake_set(f, "reservation", "true");
    f->keep_fails = true;
    assert_string_equal(reserve(f, 1, AT1 "," T1), "Rejected");
    f->keep_fails = false;
    assert_int_equal(fake_count(f, "StatusNotification"), 0);
    assert_string_equal(reserve(f, 1, "\"connectorType\":\"sType2\"," T1), "Accepted");
    assert_string_equal(status(f), "Reserved");
    fake_free(f);
}

/* H_08, H_14, H_24: with one EVSE an unspecified one is that one. */
static void unspecified_evse(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(reserve(f, 1, T1 "," G1), "Accepted");
    assert_string_equal(status(f), "Reserved");
    f->group = "G1";
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_true(f->authorised);
    assert_string_equal(status(f), "Available");
    fake_free(f);
}

/* H_07: it expires: told, and the EVSE is everybody's again. */
static void expires(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    reserve(f, 8, AT1 "," T1);
    fake_run(f, 590000);
    assert_string_equal(status(f), "Reserved");
    assert_true(ocpp_step(f->ocpp) <= 600000000); /* it wants to be woken for that */
    assert_int_equal(fake_count(f, RSU), 0);
    fake_run(f, 6000);
    assert_string_equal(status(f), "Available");
    check_update(f, 8, "Expired");
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
    fake_charge(f); /* T1 is anybody now; no reservation is told */
    assert_null(node_at(fake_nth(f, TER, 0), "reservationId"));
    fake_free(f);
}

/* It expires offline, and the station restarts before it can tell. */
static void expires_offline(void **state)
{
    (void)state;
    for (int boots = 0; boots < 2; boots++) {
        struct fake *f = fake_ready();
        reserve(f, 8, AT1 "," T1);
        fake_close(f);
        fake_run(f, 600000);
        assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
        if (boots)
            fake_boot(f);
        fake_connect(f);
        fake_run(f, 2000);
        check_update(f, 8, "Expired");
        assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
        fake_free(f);
    }
}

static bool answer_updates(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, RSU) != 0 || f->server_arg == 2)
        return false;
    if (f->server_arg == 1)
        fake_error(f, id, "InternalError");
    return true;
}

/* The server is silent: the end is told again; it refuses: not. */
static void update_is_not_answered(void **state)
{
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        struct fake *f = fake_ready();
        fake_set(f, "message_timeout", "5");
        f->server = answer_updates;
        f->server_arg = refuses;
        reserve(f, 8, AT1 "," T1);
        f->view.faulted = true;
        f->view.fault = "Welded";
        fake_event(f, OCPP_EV_FAULT, true, "Welded", NULL);
        fake_run(f, 10000);
        assert_int_equal(fake_count(f, RSU), 1);
        f->server_arg = 2;
        fake_run(f, 30000);
        assert_int_equal(fake_count(f, RSU), refuses ? 1 : 2);
        assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
        fake_free(f);
    }
}

/* H_17, H_18 */
static void cancelled(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_string_equal(cancel(f, 1), "Rejected");
    reserve(f, 5, AT1 "," T1);
    assert_string_equal(cancel(f, 6), "Rejected");
    assert_string_equal(status(f), "Reserved");
    assert_string_equal(cancel(f, 5), "Accepted");
    assert_string_equal(status(f), "Available");
    assert_string_equal(cancel(f, 5), "Rejected");
    assert_int_equal(fake_count(f, RSU), 0);
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_true(f->authorised);
    fake_free(f);
}

/* H_21, H01.FR.16, FR.17: out of service or faulted: removed, and not back afterwards. */
static void removed(void **state)
{
    (void)state;
    for (int fault = 0; fault < 2; fault++) {
        struct fake *f = fake_ready();
        reserve(f, 5, AT1 "," T1);
        if (fault) {
            f->view.faulted = true;
            f->view.fault = "Welded";
            fake_event(f, OCPP_EV_FAULT, true, "Welded", NULL);
        } else {
            assert_string_equal(at(fake_call(f, "ChangeAvailability",
                                             "{\"operationalStatus\":\"Inoperative\",\"evse\":{\"id\":1}}"),
                                   "status"),
                                "Accepted");
        }
        fake_run(f, 500);
        assert_string_equal(status(f), fault ? "Faulted" : "Unavailable");
        check_update(f, 5, "Removed");
        if (fault) {
            f->view.faulted = false;
            f->view.fault = "";
            fake_event(f, OCPP_EV_FAULT, false, "Welded", NULL);
        } else {
            fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Operative\",\"evse\":{\"id\":1}}");
        }
        fake_run(f, 500);
        assert_string_equal(status(f), "Available");
        fake_token(f, "T2");
        fake_run(f, 500);
        assert_true(f->authorised);
        fake_free(f);
    }
}

/* H_23: the same id again replaces it. */
static void replaced(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    reserve(f, 5, AT1 "," T1);
    fake_forget(f);
    assert_string_equal(reserve(f, 5, AT1 "," T2), "Accepted");
    assert_string_equal(status(f), "Reserved"); /* told once more */
    assert_int_equal(fake_count(f, RSU), 0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_false(f->authorised);
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_true(f->authorised);
    fake_free(f);
}

/* B_24: it survives the reset that the server asked for, and any other. */
static void survives_a_reset(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    reserve(f, 5, AT1 "," T1 "," G1);
    assert_string_equal(at(fake_call(f, "Reset", "{\"type\":\"OnIdle\"}"), "status"), "Accepted");
    fake_run(f, 1000);
    assert_int_equal(f->resets, 1);
    fake_forget(f);
    restart(f);
    assert_string_equal(at(fake_last(f, "BootNotification"), "reason"), "RemoteReset");
    assert_string_equal(status(f), "Reserved");
    assert_int_equal(fake_count(f, RSU), 0);
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_false(f->authorised);
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_true(f->authorised);
    restart(f); /* used: gone for good */
    assert_string_equal(status(f), "Available");
    fake_free(f);
}

/* After a power cut without a clock: at most as long as it was made for, and exactly when the time is known.
 */
static void without_a_clock(void **state)
{
    (void)state;
    for (int connects = 0; connects < 2; connects++) {
        struct fake *f = fake_ready();
        reserve(f, 5, AT1 "," T1);
        fake_close(f);
        f->now_us += 300000000; /* five minutes without power; five are left, but nobody knows that */
        fake_boot(f);
        fake_run(f, 400000);
        fake_token(f, "T2");
        assert_false(f->authorised);
        if (connects) {
            fake_connect(f);
            fake_run(f, 1000);
            check_update(f, 5, "Expired");
        } else {
            assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
            f->now_us += 200000000;
            fake_run(f, 500);
            fake_connect(f);
            fake_run(f, 1000);
            check_update(f, 5, "Expired");
        }
        fake_free(f);
    }
}

/* A used reservation belongs to its session: when that comes to nothing, the next one does not tell it. */
static void used_in_vain(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "ev_connection_timeout", "20");
    reserve(f, 5, AT1 "," T1);
    fake_token(f, "T1");
    fake_run(f, 25000);
    assert_false(f->authorised);
    fake_charge(f);
    assert_null(node_at(fake_nth(f, TER, 0), "reservationId"));
    fake_free(f);
}

/* More ends than there is room for, all untold; an id used anew. */
static void many_ends(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->server = answer_updates; /* silent */
    fake_set(f, "message_timeout", "600");
    for (int i = 0; i < 8; i++) {
        assert_string_equal(reserve(f, i < 6 ? i : 5, AT1 "," T1), "Accepted");
        f->view.faulted = true;
        fake_run(f, 300);
        f->view.faulted = false;
        fake_run(f, 300);
    }
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 4);
    assert_string_equal(reserve(f, 9, AT1 "," T1), "Accepted");
    f->server = NULL;
    restart(f);
    assert_string_equal(status(f), "Reserved");
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
    fake_free(f);
}

static char held_back[40];

static bool hold_back(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)payload;
    if (strcmp(action, RSU) != 0)
        return false;
    snprintf(held_back, sizeof held_back, "%.36s", id);
    return true;
}

static void make_and_lose(struct fake *f, int id)
{
    assert_string_equal(reserve(f, id, AT1 "," T1), "Accepted");
    f->view.faulted = true;
    fake_run(f, 300);
    f->view.faulted = false;
    fake_run(f, 300);
}

/* The answer to the first end comes when every place has been given away: it takes no other one with it. */
static void late_answer(void **state)
{
    (void)state;
    for (int same_id = 0; same_id < 2; same_id++) {
        struct fake *f = fake_ready();
        fake_set(f, "message_timeout", "600");
        f->server = hold_back;
        make_and_lose(f, 20);
        assert_int_equal(fake_count(f, RSU), 1);
        for (int i = 0; i < 5 && !same_id; i++)
            make_and_lose(f, i);
        assert_string_equal(reserve(f, same_id ? 20 : 9, AT1 "," T1), "Accepted");
        f->server = NULL;
        fake_answer(f, held_back, "{}");
        fake_run(f, 5000);
        assert_string_equal(status(f), "Reserved");
        assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
        assert_int_equal(fake_count(f, RSU), same_id ? 1 : 3); /* the others were given up */
        fake_token(f, "T2");
        fake_run(f, 300);
        assert_false(f->authorised);
        fake_free(f);
    }
}

/* The server never answers the end of a reservation whose id it uses again: it is not told once more, or the
 * new one would look ended. */
static void id_used_again(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "message_timeout", "5");
    f->server = hold_back;
    make_and_lose(f, 7);
    assert_string_equal(reserve(f, 7, AT1 "," T2), "Accepted");
    fake_run(f, 4000);
    f->outstanding = false; /* it times out now */
    fake_run(f, 60000);
    assert_int_equal(fake_count(f, RSU), 1);
    assert_string_equal(status(f), "Reserved");
    fake_free(f);
}

/* The power goes at each change of the store while a reservation is replaced, and while it ends. */
static void power_cuts(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 4; n++) {
        struct fake *f = fake_ready();
        reserve(f, 5, AT1 "," T1);
        f->cut_after = n;
        fake_raw(f, "[2,\"x\",\"ReserveNow\",{\"id\":5,\"expiryDateTime\":\"2026-01-01T00:10:00Z\"," AT1
                    "," T2 "}]");
        fake_run(f, 300);
        restart(f);
        assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 1);
        fake_token(f, n == 1 ? "T1" : "T2");
        fake_run(f, 300);
        assert_true(f->authorised);
        fake_free(f);

        f = fake_ready();
        reserve(f, 5, AT1 "," T1);
        f->cut_after = n;
        f->view.faulted = true;
        fake_run(f, 300);
        f->view.faulted = false;
        fake_forget(f);
        restart(f);
        fake_run(f, 300);
        /* At the first change nothing has happened yet; later the end is told, again if need be. */
        assert_string_equal(status(f), n == 1 ? "Reserved" : "Available");
        assert_int_equal(fake_count(f, RSU), n == 1 ? 0 : 1);
        fake_free(f);
    }
}

/* Rubbish in the store is thrown away. */
static void rubbish_in_the_store(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    for (int i = 0; i < 3; i++) {
        f->record[f->record_count].id = ++f->next_record;
        f->record[f->record_count].kind = OCPP_KEEP_RESERVATION;
        f->record[f->record_count].len = i == 0 ? 5 : 104;
        memset(f->record[f->record_count++].bytes, i == 1 ? 0 : 0xFF, 120);
    }
    restart(f);
    assert_int_equal(fake_kept(f, OCPP_KEEP_RESERVATION), 0);
    assert_string_equal(reserve(f, 1, AT1 "," T1), "Accepted");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_first),
        cmocka_unit_test(cable_first),
        cmocka_unit_test(another_token),
        cmocka_unit_test(free_charging_after_it),
        cmocka_unit_test(group),
        cmocka_unit_test(not_to_be_had),
        cmocka_unit_test(rejected),
        cmocka_unit_test(unspecified_evse),
        cmocka_unit_test(expires),
        cmocka_unit_test(expires_offline),
        cmocka_unit_test(update_is_not_answered),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(removed),
        cmocka_unit_test(replaced),
        cmocka_unit_test(survives_a_reset),
        cmocka_unit_test(without_a_clock),
        cmocka_unit_test(used_in_vain),
        cmocka_unit_test(many_ends),
        cmocka_unit_test(late_answer),
        cmocka_unit_test(id_used_again),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test(rubbish_in_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
