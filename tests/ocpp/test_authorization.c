/* Who decides about a token: the local list, the cache, the server (C01 to C16), master passes, groups. */
#include <stdio.h>
#include <string.h>

#include "tests/ocpp/fake.h"

#define TER "TransactionEvent"

/* The server's word on whatever it is asked next. */
static void word(struct fake *f, const char *status, const char *group)
{
    f->token_status = status;
    f->group = group;
}

/* Presented without a car, so that the server's word gets into the cache; then everything is as before. */
static void learn(struct fake *f, const char *token, const char *status, const char *group)
{
    word(f, status, group);
    fake_token(f, token);
    fake_run(f, 300);
    assert_int_equal(fake_count(f, "Authorize"), 1);
    if (f->authorised)
        fake_token(f, token);
    fake_run(f, 300);
    assert_false(f->authorised);
    fake_forget(f);
    word(f, "Accepted", NULL);
}

#define ENTRY(token, status)                                                                               \
    "{\"idToken\":{\"idToken\":\"" token "\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"" status \
    "\"}}"
#define IN_GROUP(token, status, group)                                                 \
    "{\"idToken\":{\"idToken\":\"" token "\",\"type\":\"ISO14443\"},\"idTokenInfo\":{" \
    "\"status\":\"" status "\",\"groupIdToken\":{\"idToken\":\"" group "\",\"type\":\"Central\"}}}"

static void list(struct fake *f, const char *entries)
{
    char text[4000];
    snprintf(text, sizeof text,
             "{\"versionNumber\":1,\"updateType\":\"Full\",\"localAuthorizationList\":[%s]}", entries);
    assert_string_equal(at(fake_call(f, "SendLocalList", text), "status"), "Accepted");
}

static const cJSON *ter(const struct fake *f, unsigned n)
{
    const cJSON *p = fake_nth(f, TER, n);
    assert_non_null(p);
    return p;
}

static bool charges(struct fake *f)
{
    fake_ask(f, true);
    fake_run(f, 500);
    return f->view.energy_flowing;
}

/* Presents a token and says how often the server was asked about it. */
static unsigned asked(struct fake *f, const char *token)
{
    unsigned before = fake_count(f, "Authorize");
    fake_token(f, token);
    fake_run(f, 500);
    return fake_count(f, "Authorize") - before;
}

/* C_08, C_13: in the cache as Accepted: charging begins at once, with the car first or last. */
static void cached_and_accepted(void **state)
{
    (void)state;
    for (int car_first = 0; car_first < 2; car_first++) {
        struct fake *f = fake_ready();
        fake_set(f, "local_pre_authorise", "true");
        fake_set(f, "tx_start_point", "Authorized");
        learn(f, "T1", "Accepted", NULL);
        if (car_first)
            fake_plug(f);
        assert_int_equal(asked(f, "T1"), 0);
        assert_true(f->authorised);
        assert_string_equal(at(ter(f, 0), "eventType"), "Started");
        assert_string_equal(at(ter(f, 0), "triggerReason"), "Authorized");
        assert_string_equal(at(ter(f, 0), "idToken.idToken"), "T1");
        if (!car_first)
            fake_plug(f);
        assert_true(charges(f));
        fake_free(f);
    }
}

/* C_09 to C_12: in the cache as something else: the server is asked, and its word counts. C_57: or not asked.
 */
static void cached_and_not_accepted(void **state)
{
    (void)state;
    static const char *const statuses[] = {"Invalid", "Blocked", "Expired", "ConcurrentTx", "NoCredit"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        for (int no_recheck = 0; no_recheck < 2; no_recheck++) {
            struct fake *f = fake_ready();
            fake_set(f, "local_pre_authorise", "true");
            fake_set(f, "auth_cache_no_recheck", no_recheck ? "true" : "false");
            learn(f, "T1", statuses[i], NULL);
            fake_plug(f);
            word(f, statuses[i], NULL);
            assert_int_equal(asked(f, "T1"), no_recheck ? 0 : 1);
            assert_false(f->authorised);
            word(f, "Accepted", NULL);
            assert_int_equal(asked(f, "T1"), no_recheck ? 0 : 1);
            assert_int_equal(f->authorised, !no_recheck);
            assert_int_equal(charges(f), !no_recheck);
            fake_free(f);
        }
}

/* C_36: without LocalPreAuthorize the server is asked every time. */
static void no_pre_authorisation(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    learn(f, "T1", "Accepted", NULL);
    list(f, ENTRY("T1", "Accepted"));
    word(f, "Invalid", NULL);
    assert_int_equal(asked(f, "T1"), 1);
    assert_false(f->authorised);
    fake_free(f);
}

/* C_16, C_17 and C_15, C_18: known and accepted offline, but the server thinks otherwise when it comes back.
 */
static void accepted_offline_invalid_online(void **state)
{
    (void)state;
    static const struct {
        const char *stop, *energy;
        bool goes_on;
    } cases[] = {{"true", "0", false}, {"false", "0", false}, {"true", "500", false}, {"false", "500", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake *f = fake_ready();
        bool stops = !strcmp(cases[i].stop, "true");
        fake_set(f, "stop_tx_on_invalid_id", cases[i].stop);
        fake_set(f, "max_energy_on_invalid_id", cases[i].energy);
        fake_set(f, "tx_updated_interval", "0");
        learn(f, "T1", "Accepted", NULL);
        fake_close(f);
        fake_charge(f);
        fake_energy(f, 200000);
        fake_run(f, 5000);
        word(f, "Invalid", NULL);
        fake_connect(f);
        fake_run(f, 3000);
        assert_string_equal(at(ter(f, 0), "offline"), "true");
        assert_string_equal(at(ter(f, 0), "idToken.idToken"), "T1");
        assert_int_equal(f->authorised, cases[i].goes_on);
        const cJSON *p;
        if (cases[i].goes_on) { /* until the transaction has had 500 Wh */
            fake_energy(f, 299000);
            fake_run(f, 3000);
            assert_true(f->authorised);
            assert_int_equal(fake_count(f, TER), 2); /* Started, Charging */
            fake_energy(f, 1000);
            fake_run(f, 1100);
            assert_false(f->authorised);
        }
        f->view.energy_flowing = false;
        fake_event(f, OCPP_EV_CONTACTOR, false, NULL, NULL);
        fake_run(f, 3000);
        p = fake_last(f, TER);
        assert_string_equal(at(p, "offline"), "false");
        assert_string_equal(at(p, "eventType"), stops ? "Ended" : "Updated");
        assert_string_equal(at(p, "triggerReason"), stops ? "Deauthorized" : "ChargingStateChanged");
        if (!stops)
            assert_string_equal(at(p, "transactionInfo.chargingState"), "SuspendedEVSE");
        fake_free(f);
    }
}

/* C_21 to C_24: offline, by the local list. C13.FR.02: who is in it but not Accepted is no unknown. */
static void offline_by_the_list(void **state)
{
    (void)state;
    static const char *const statuses[] = {"Accepted", "Invalid", "Blocked", "Expired"};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct fake *f = fake_ready();
        fake_set(f, "offline_tx_unknown_id", i % 2 ? "true" : "false");
        char entry[200];
        snprintf(
            entry, sizeof entry,
            "{\"idToken\":{\"idToken\":\"T1\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"%s\"}}",
            statuses[i]);
        list(f, entry);
        fake_close(f);
        fake_plug(f);
        assert_int_equal(asked(f, "T1"), 0);
        assert_int_equal(f->authorised, i == 0);
        assert_int_equal(charges(f), i == 0);
        if (i == 0) { /* the same token ends it, all still offline */
            fake_token(f, "T1");
            fake_ask(f, false);
            fake_run(f, 500);
        }
        fake_unplug(f);
        fake_connect(f);
        fake_run(f, 1000);
        assert_int_equal(fake_count(f, TER), i == 0 ? 3 : 0);
        if (i == 0) {
            assert_string_equal(at(fake_last(f, TER), "triggerReason"), "StopAuthorized");
            assert_string_equal(at(fake_last(f, TER), "offline"), "true");
        }
        fake_free(f);
    }
}

/* C13.FR.02 with LocalAuthorizeOffline false: nobody, whatever list and cache say. */
static void no_offline_authorisation(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_authorise_offline", "false");
    learn(f, "T2", "Accepted", NULL);
    list(f, ENTRY("T1", "Accepted"));
    fake_close(f);
    assert_int_equal(asked(f, "T1"), 0);
    assert_false(f->authorised);
    assert_int_equal(asked(f, "T2"), 0);
    assert_false(f->authorised);
    fake_free(f);
}

/* C_25: the list comes before the cache, offline and online. */
static void list_before_cache(void **state)
{
    (void)state;
    for (int offline = 0; offline < 2; offline++) {
        struct fake *f = fake_ready();
        fake_set(f, "offline_tx_unknown_id", "true");
        fake_set(f, "local_pre_authorise", "true");
        learn(f, "T1", "Accepted", NULL);
        list(f, ENTRY("T1", "Invalid"));
        if (offline)
            fake_close(f);
        fake_plug(f);
        word(f, "Invalid", NULL);
        assert_int_equal(asked(f, "T1"), offline ? 0 : 1);
        assert_false(f->authorised);
        fake_free(f);
    }
}

/* C_26: nobody knows the token: OfflineTxForUnknownIdEnabled decides; it is not put into the cache. */
static void unknown_offline(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "offline_tx_unknown_id", "true");
    fake_set(f, "stop_tx_on_invalid_id", "false");
    list(f, ENTRY("T9", "Accepted"));
    fake_close(f);
    fake_plug(f);
    assert_int_equal(asked(f, "T1"), 0);
    assert_true(f->authorised);
    assert_true(charges(f));
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 0); /* C15.FR.01 */
    word(f, "Invalid", NULL);
    fake_connect(f);
    fake_run(f, 500);
    f->view.energy_flowing = false;
    fake_event(f, OCPP_EV_CONTACTOR, false, NULL, NULL);
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, TER), "transactionInfo.chargingState"), "SuspendedEVSE");
    fake_token(f, "T1"); /* its owner gives the cable free */
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, TER), "triggerReason"), "StopAuthorized");
    fake_free(f);
}

/* C_27 to C_31 and C_58: online, by the local list. */
static void online_by_the_list(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    list(f, ENTRY("GOOD", "Accepted") "," ENTRY("BAD", "Invalid") "," ENTRY("BLOCKED", "Blocked") "," ENTRY(
                "OLD", "Expired"));
    static const char *const not_good[] = {"BAD", "BLOCKED", "OLD"};
    for (int i = 0; i < 3; i++) {
        word(f, "Invalid", NULL);
        assert_int_equal(asked(f, not_good[i]), 1);
        assert_false(f->authorised);
    }
    fake_set(f, "local_list_no_recheck", "true");
    word(f, "Accepted", NULL);
    assert_int_equal(asked(f, "BAD"), 0);
    assert_false(f->authorised);
    fake_set(f, "local_list_no_recheck", "false");
    assert_int_equal(asked(f, "BAD"), 1); /* C_31: the server knows better */
    assert_true(f->authorised);
    assert_int_equal(asked(f, "BAD"), 0);
    assert_false(f->authorised);
    assert_int_equal(asked(f, "good"), 0); /* letters' case does not count */
    assert_true(f->authorised);
    fake_free(f);
}

/* C14.FR.04, FR.05 and C13.FR.05, FR.06: SupportsExpiryDateTime. */
static void list_entries_expire(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    fake_set(f, "local_list_no_recheck", "true");
    fake_set(f, "offline_tx_unknown_id", "true");
    list(f,
         "{\"idToken\":{\"idToken\":\"T1\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"Accepted\","
         "\"cacheExpiryDateTime\":\"2026-01-01T00:01:00Z\"}}");
    assert_int_equal(asked(f, "T1"), 0);
    assert_true(f->authorised);
    fake_token(f, "T1");
    fake_run(f, 60000);
    word(f, "Blocked", NULL);
    assert_int_equal(asked(f, "T1"), 1); /* as if it were not there */
    fake_close(f);
    assert_int_equal(asked(f, "T1"), 0);
    assert_false(f->authorised); /* but an unknown it is not */
    fake_free(f);
}

/* C_32: the cache survives a restart. */
static void cache_survives_a_restart(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    learn(f, "T1", "Accepted", "G1");
    learn(f, "T2", "Blocked", NULL);
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    assert_int_equal(asked(f, "T1"), 0);
    assert_true(f->authorised);
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_int_equal(asked(f, "T2"), 1);
    /* What has changed since is there too. */
    learn(f, "T2", "Accepted", "G1");
    learn(f, "T3", "Accepted", NULL);
    fake_set(f, "local_pre_authorise", "false");
    learn(f, "T3", "Expired", NULL);
    fake_close(f);
    fake_boot(f);
    fake_run(f, 1000);
    fake_token(f, "T3");
    fake_run(f, 300);
    assert_false(f->authorised);
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_true(f->authorised);
    fake_free(f);
}

/* C_33, C_34: the cache learns from both answers. */
static void cache_learns(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    fake_plug(f);
    assert_int_equal(asked(f, "T1"), 1); /* AuthorizeResponse: Accepted */
    assert_string_equal(at(ter(f, 0), "triggerReason"), "Authorized");
    fake_unplug(f);
    fake_run(f, 500);
    fake_plug(f);
    word(f, "Invalid", NULL); /* TransactionEventResponse */
    assert_int_equal(asked(f, "T1"), 0);
    fake_run(f, 500);
    assert_false(f->authorised);
    fake_unplug(f);
    fake_run(f, 500);
    fake_plug(f);
    assert_int_equal(asked(f, "T1"), 1);
    assert_false(f->authorised);
    fake_free(f);
}

/* C_37, C_38 */
static void cache_is_cleared(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    learn(f, "T1", "Accepted", NULL);
    learn(f, "T2", "Invalid", NULL);
    fake_set(f, "auth_cache", "false");
    assert_string_equal(at(fake_call(f, "ClearCache", "{}"), "status"), "Rejected");
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 2);
    fake_set(f, "auth_cache", "true");
    assert_string_equal(at(fake_call(f, "ClearCache", "{}"), "status"), "Accepted");
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 0);
    assert_int_equal(asked(f, "T1"), 1);
    fake_free(f);
}

/* Switched off, the cache neither answers nor learns, and keeps what it has. */
static void cache_switched_off(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    learn(f, "T1", "Accepted", NULL);
    fake_set(f, "auth_cache", "false");
    learn(f, "T1", "Accepted", NULL); /* asked again */
    learn(f, "T2", "Accepted", NULL);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 1);
    fake_set(f, "auth_cache", "true");
    assert_int_equal(asked(f, "T1"), 0);
    fake_free(f);
}

/* C_46, C10.FR.08, FR.10: LifeTime counts from the server's last word, over a restart too. */
static void cache_lifetime(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    fake_set(f, "auth_cache_lifetime", "60");
    learn(f, "T1", "Accepted", NULL);
    learn(f, "T2", "Accepted", NULL);
    fake_run(f, 50000);
    assert_int_equal(asked(f, "T1"), 0);
    fake_token(f, "T1");
    fake_run(f, 300);
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    assert_int_equal(asked(f, "T1"), 0);
    fake_token(f, "T1");
    fake_run(f, 15000);
    assert_int_equal(asked(f, "T1"), 1);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 2);
    fake_token(f, "T1");
    fake_close(f);
    assert_int_equal(asked(f, "T2"), 0); /* too old offline as well, and then it is gone */
    assert_false(f->authorised);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 1);
    fake_free(f);
}

/* Offline after a restart, the time unknown: an entry is at least as old as the start-up; one with an expiry
 * of its own can't be judged and does not count, but stays. */
static bool with_expiry(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, "Authorize") != 0)
        return false;
    fake_answer(f, id,
                f->server_arg ? "{\"idTokenInfo\":{\"status\":\"Accepted\","
                                "\"cacheExpiryDateTime\":\"2026-01-01T01:00:00Z\"}}"
                              : "{\"idTokenInfo\":{\"status\":\"Accepted\","
                                "\"cacheExpiryDateTime\":\"2025-12-31T00:00:00Z\"}}");
    return true;
}

static void cache_without_a_clock(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "auth_cache_lifetime", "60");
    learn(f, "T1", "Accepted", NULL);
    f->server = with_expiry;
    f->server_arg = 1;
    learn(f, "T2", "Accepted", NULL);
    fake_close(f);
    fake_boot(f);
    fake_run(f, 1000);
    assert_false(f->wall_known);
    fake_token(f, "T2");
    fake_run(f, 300);
    assert_false(f->authorised);
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_true(f->authorised);
    fake_token(f, "T1");
    fake_run(f, 70000);
    fake_token(f, "T1");
    fake_run(f, 300);
    assert_false(f->authorised);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 2);
    fake_free(f);
}

/* C10.FR.13: cacheExpiryDateTime rules, and one in the past takes the entry away. */
static void cache_expiry(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    fake_set(f, "auth_cache_lifetime", "60");
    f->server = with_expiry;
    f->server_arg = 1;
    learn(f, "T1", "Accepted", NULL);
    f->now_us += UINT64_C(3000000000);
    assert_int_equal(asked(f, "T1"), 0); /* longer than LifeTime */
    fake_token(f, "T1");
    fake_run(f, 500);
    f->now_us += UINT64_C(600000000);
    assert_int_equal(asked(f, "T1"), 1); /* but not than its own expiry */
    f->server_arg = 0;
    fake_token(f, "T1");
    fake_run(f, 300);
    fake_set(f, "local_pre_authorise", "false");
    assert_int_equal(asked(f, "T1"), 1);
    assert_true(f->authorised);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 0);
    fake_free(f);
}

/* C02.FR.03, C03.FR.02: what is nobody's identifier is not kept. */
static void not_cached(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_plug(f);
    fake_call(f, "RequestStartTransaction",
              "{\"idToken\":{\"idToken\":\"C1\",\"type\":\"Central\"},\"remoteStartId\":1}");
    fake_run(f, 500);
    assert_int_equal(fake_count(f, TER), 1);
    fake_unplug(f);
    fake_run(f, 500);
    fake_event(f, OCPP_EV_TOKEN, true, NULL, "NoAuthorization"); /* a start button (C02) */
    fake_plug(f);
    fake_run(f, 500);
    assert_int_equal(fake_count(f, "Authorize"), 0);
    assert_true(f->authorised);
    assert_string_equal(at(fake_last(f, TER), "idToken.type"), "NoAuthorization");
    assert_string_equal(at(fake_last(f, TER), "idToken.idToken"), "");
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 0);
    fake_free(f);
}

/* The types of token that a reader or keypad gives reach the server as what they are (C01, C04, C06). */
static void token_types(void **state)
{
    (void)state;
    static const char *const types[] = {"ISO14443", "ISO15693", "KeyCode", "MacAddress", "eMAID", "Local"};
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        unsigned before = fake_count(f, "Authorize");
        for (int again = 0; again < 2; again++) {
            fake_event(f, OCPP_EV_TOKEN, true, "X1", types[i]);
            fake_run(f, 300);
            assert_true(f->authorised);
            fake_event(f, OCPP_EV_TOKEN, true, "X1", types[i]);
            fake_run(f, 300);
            assert_false(f->authorised);
        }
        assert_string_equal(at(fake_last(f, "Authorize"), "idToken.type"), types[i]);
        /* Each type is a token of its own (C01.FR.25); a Local one is asked for every time (C06.FR.02). */
        assert_int_equal(fake_count(f, "Authorize") - before, !strcmp(types[i], "Local") ? 2 : 1);
    }
    fake_free(f);
}

/* C04.FR.06: who guesses key codes waits longer each time. */
static void guessed_key_codes(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    word(f, "Invalid", NULL);
    unsigned tries = 0;
    for (int s = 0; s < 300; s++) {
        char code[16];
        snprintf(code, sizeof code, "%04d", s);
        fake_event(f, OCPP_EV_TOKEN, true, code, "KeyCode");
        fake_run(f, 1000);
    }
    tries = fake_count(f, "Authorize");
    assert_in_range(tries, 6, 10); /* 2 + 4 + 8 + 16 + 32 + 64 + 64 + 64 s */
    word(f, "Accepted", NULL);
    fake_run(f, 64000);
    fake_event(f, OCPP_EV_TOKEN, true, "1234", "KeyCode");
    fake_run(f, 300);
    assert_true(f->authorised);
    fake_free(f);
}

/* C_39 to C_44: another token of the same group ends the session: asked for, in the list, in the cache; not
 * when it is not Accepted. E07.FR.02: the event names the token that ended it. */
static void groups(void **state)
{
    (void)state;
    enum { ASKED, LISTED, CACHED, HOWS };
    for (int how = 0; how < HOWS; how++)
        for (int good = 0; good < 2; good++) {
            struct fake *f = fake_ready();
            fake_set(f, "tx_stop_point", "EVConnected");
            if (how == LISTED)
                list(f, good ? IN_GROUP("T1", "Accepted", "G1") "," IN_GROUP("T2", "Accepted", "G1")
                             : IN_GROUP("T1", "Accepted", "G1") "," IN_GROUP("T2", "Invalid", "G1"));
            if (how == CACHED)
                learn(f, "T2", good ? "Accepted" : "Invalid", "G1");
            word(f, "Accepted", "G1");
            fake_charge(f);
            word(f, good ? "Accepted" : "Invalid", "G1");
            assert_int_equal(asked(f, "T2"), how == ASKED || !good ? 1 : 0);
            assert_int_equal(f->authorised, !good);
            if (good) {
                assert_string_equal(at(fake_last(f, TER), "eventType"), "Updated");
                assert_string_equal(at(fake_last(f, TER), "triggerReason"), "StopAuthorized");
                assert_string_equal(at(fake_last(f, TER), "idToken.idToken"), "T2");
            }
            fake_free(f);
        }
}

/* C_04: the token of somebody else, whom the server knows, ends nothing. */
static void somebody_else(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    unsigned before = fake_count(f, TER);
    assert_int_equal(asked(f, "T2"), 1); /* C01.FR.02 */
    assert_true(f->authorised);
    assert_int_equal(fake_count(f, TER), before);
    assert_int_equal(asked(f, "T2"), 1);
    fake_free(f);
}

/* E_45: the same, offline. */
static void group_offline(void **state)
{
    (void)state;
    for (int listed = 0; listed < 2; listed++) {
        struct fake *f = fake_ready();
        if (listed)
            list(f, IN_GROUP("T2", "Accepted", "G1"));
        else
            learn(f, "T2", "Accepted", "G1");
        learn(f, "T3", "Accepted", "G2");
        word(f, "Accepted", "G1");
        fake_charge(f);
        fake_close(f);
        fake_forget(f);
        assert_int_equal(asked(f, "T3"), 0);
        assert_true(f->authorised);
        assert_int_equal(asked(f, "T2"), 0);
        assert_false(f->authorised);
        fake_ask(f, false);
        fake_unplug(f);
        fake_run(f, 1000);
        fake_connect(f);
        fake_run(f, 1000);
        for (unsigned i = 0; i < fake_count(f, TER); i++)
            assert_string_equal(at(ter(f, i), "offline"), "true");
        assert_string_equal(at(fake_last(f, TER), "eventType"), "Ended");
        assert_string_equal(at(fake_last(f, TER), "triggerReason"), "StopAuthorized");
        assert_string_equal(at(fake_last(f, TER), "idToken.idToken"), "T2");
        fake_free(f);
    }
}

/* C_45, C_49 (C_47, C_48 want a keypad), C_14: a master pass begins nothing and ends everything. */
static void master_pass(void **state)
{
    (void)state;
    enum { ASKED, LISTED, CACHED, HOWS };
    for (int how = 0; how < HOWS; how++)
        for (int offline = 0; offline < 2; offline++) {
            if (how == ASKED && offline)
                continue;
            struct fake *f = fake_ready();
            fake_set(f, "master_pass_group", "Masters");
            fake_set(f, "local_pre_authorise", "true");
            if (how == LISTED)
                list(f, IN_GROUP("M1", "Accepted", "MASTERS"));
            if (how == CACHED)
                learn(f, "M1", "Accepted", "MASTERS");
            word(f, "Accepted", "MASTERS");
            assert_int_equal(asked(f, "M1"), how == ASKED ? 1 : 0);
            assert_false(f->authorised);
            fake_plug(f);
            fake_run(f, 500);
            assert_int_equal(fake_count(f, TER), 0);
            fake_unplug(f);
            word(f, "Accepted", NULL);
            fake_charge(f);
            if (offline)
                fake_close(f);
            word(f, "Accepted", "MASTERS");
            /* The first time it was asked the cache has learnt it. */
            assert_int_equal(asked(f, "M1"), 0);
            assert_false(f->authorised);
            fake_ask(f, false);
            if (offline)
                fake_connect(f);
            fake_run(f, 1000);
            const cJSON *p = fake_last(f, TER);
            assert_string_equal(at(p, "eventType"), "Ended");
            assert_string_equal(at(p, "triggerReason"), "StopAuthorized");
            assert_string_equal(at(p, "transactionInfo.stoppedReason"), "MasterPass");
            assert_string_equal(at(p, "idToken.idToken"), "M1");
            fake_free(f);
        }
    /* Not by RequestStartTransaction either; and when only the event's answer says so, it stops. */
    struct fake *f = fake_ready();
    fake_set(f, "master_pass_group", "Masters");
    assert_string_equal(
        at(fake_call(f, "RequestStartTransaction",
                     "{\"idToken\":{\"idToken\":\"M1\",\"type\":\"ISO14443\"},\"remoteStartId\":1,"
                     "\"groupIdToken\":{\"idToken\":\"Masters\",\"type\":\"Central\"}}"),
           "status"),
        "Rejected");
    fake_plug(f);
    word(f, "Accepted", "Masters");
    fake_call(f, "RequestStartTransaction",
              "{\"idToken\":{\"idToken\":\"M1\",\"type\":\"ISO14443\"},\"remoteStartId\":1}");
    fake_run(f, 500);
    assert_false(f->authorised);
    assert_string_equal(at(fake_last(f, TER), "triggerReason"), "Deauthorized");
    fake_free(f);
}

/* C01.FR.20, FR.21: accepted, but at other EVSEs only: no, also from the cache and the list. */
static bool elsewhere(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, "Authorize") != 0)
        return false;
    fake_answer(f, id, "{\"idTokenInfo\":{\"status\":\"Accepted\",\"evseId\":[2,3]}}");
    return true;
}

static void other_evses(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    f->server = elsewhere;
    assert_int_equal(asked(f, "T1"), 1);
    assert_false(f->authorised);
    assert_int_equal(asked(f, "T1"), 1);
    assert_false(f->authorised);
    list(f,
         "{\"idToken\":{\"idToken\":\"T2\",\"type\":\"ISO14443\"},\"idTokenInfo\":{\"status\":\"Accepted\","
         "\"evseId\":[1,3]}},{\"idToken\":{\"idToken\":\"T3\",\"type\":\"ISO14443\"},\"idTokenInfo\":{"
         "\"status\":\"Accepted\",\"evseId\":[2]}}");
    fake_close(f);
    asked(f, "T1");
    asked(f, "T3");
    assert_false(f->authorised);
    asked(f, "T2");
    assert_true(f->authorised);
    fake_free(f);
}

/* AuthCtrlr.DisableRemoteAuthorization: nobody asks the server. */
static void never_asked(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    learn(f, "T1", "Accepted", NULL);
    learn(f, "T2", "Invalid", NULL);
    fake_set(f, "remote_authorise_disabled", "true");
    assert_int_equal(asked(f, "T2"), 0);
    assert_int_equal(asked(f, "T3"), 0);
    assert_false(f->authorised);
    assert_int_equal(asked(f, "T1"), 0);
    assert_true(f->authorised);
    fake_free(f);
}

/* F01.FR.01: AuthorizeRemoteStart looks into list and cache first, as a local token does. */
static void remote_start_by_the_cache(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    fake_set(f, "remote_authorise", "true");
    learn(f, "T1", "Accepted", NULL);
    fake_plug(f);
    fake_call(f, "RequestStartTransaction",
              "{\"idToken\":{\"idToken\":\"T1\",\"type\":\"ISO14443\"},\"remoteStartId\":5}");
    fake_run(f, 500);
    assert_int_equal(fake_count(f, "Authorize"), 0);
    assert_string_equal(at(ter(f, 0), "triggerReason"), "RemoteStart");
    fake_free(f);
}

/* The server answers Authorize with an error, or with nothing: no; with silence: as if offline. */
static bool no_answer(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)payload;
    if (strcmp(action, "Authorize") != 0)
        return false;
    if (f->server_arg == 0)
        fake_error(f, id, "InternalError");
    else if (f->server_arg == 1)
        fake_answer(f, id, "{}");
    else if (f->server_arg == 2)
        fake_answer(f, id, "{\"idTokenInfo\":{\"status\":\"Maybe\"}}");
    return true;
}

static void useless_answers(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct fake *f = fake_ready();
        fake_set(f, "message_timeout", "5");
        learn(f, "T1", "Accepted", NULL);
        f->server = no_answer;
        f->server_arg = how;
        fake_token(f, "T1");
        fake_run(f, 6000);
        assert_int_equal(f->authorised, how == 3);
        fake_free(f);
    }
}

/* What happens between the question and the answer: out of service, a fault, another token. */
static char held_back[40];

static bool hold_back(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)f;
    (void)payload;
    if (strcmp(action, "Authorize") != 0)
        return false;
    snprintf(held_back, sizeof held_back, "%.36s", id);
    return true;
}

static void meanwhile(void **state)
{
    (void)state;
    for (int what = 0; what < 3; what++) {
        struct fake *f = fake_ready();
        f->server = hold_back;
        assert_int_equal(asked(f, "T1"), 1);
        if (what == 0) {
            fake_call(f, "ChangeAvailability", "{\"operationalStatus\":\"Inoperative\"}");
        } else if (what == 1) {
            f->view.faulted = true;
            fake_event(f, OCPP_EV_FAULT, true, "Welded", NULL);
        } else {
            assert_int_equal(asked(f, "T2"), 0);
        }
        f->server = NULL;
        fake_answer(f, held_back, "{\"idTokenInfo\":{\"status\":\"Accepted\"}}");
        fake_run(f, 500);
        assert_int_equal(f->authorised, what == 2);
        if (what == 2) { /* it was T1 that was asked for */
            fake_plug(f);
            fake_run(f, 300);
            assert_string_equal(at(ter(f, 0), "idToken.idToken"), "T1");
        } else {
            assert_int_equal(asked(f, "T3"), 0); /* nobody is asked for what can't be used */
        }
        fake_free(f);
    }
}

/* C10.FR.07: a full cache gives up what is not Accepted first, then what has not been used for longest. */
static void cache_overflows(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    char token[16];
    for (int i = 0; i < 50; i++) {
        snprintf(token, sizeof token, "T%d", i);
        learn(f, token, i == 7 ? "Blocked" : "Accepted", NULL);
    }
    assert_int_equal(asked(f, "T0"), 0); /* used: not the oldest any more */
    fake_token(f, "T0");
    fake_run(f, 300);
    learn(f, "NEW1", "Accepted", NULL);
    learn(f, "NEW2", "Accepted", NULL);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 50);
    fake_close(f);
    fake_boot(f);
    fake_run(f, 500);
    static const struct {
        const char *token;
        bool known;
    } expected[] = {{"T0", true}, {"T1", false}, {"T2", true}, {"T7", false}, {"NEW1", true}, {"NEW2", true}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        fake_token(f, expected[i].token);
        fake_run(f, 300);
        assert_int_equal(f->authorised, expected[i].known);
        if (f->authorised)
            fake_token(f, expected[i].token);
        fake_run(f, 300);
    }
    fake_free(f);
}

/* Flash is not written at every use: once a day is enough to know how old an entry is. */
static void cache_spares_the_flash(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    learn(f, "T1", "Accepted", NULL);
    uint32_t id = 0;
    unsigned written = 0;
    for (int i = 0; i < 72; i++) { /* every hour for three days */
        f->now_us += UINT64_C(3600000000);
        fake_run(f, 1000);
        fake_forget(f);
        learn(f, "T1", "Accepted", NULL);
        for (unsigned k = 0; k < f->record_count; k++)
            if (f->record[k].kind == OCPP_KEEP_AUTH_CACHE && f->record[k].id != id) {
                id = f->record[k].id;
                written++;
            }
    }
    assert_in_range(written, 3, 4);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 1);
    fake_free(f);
}

/* The store takes nothing: the cache works from memory. Rubbish in the store is thrown away. */
static void cache_and_a_broken_store(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "local_pre_authorise", "true");
    f->keep_fails = true;
    learn(f, "T1", "Accepted", NULL);
    assert_int_equal(asked(f, "T1"), 0);
    f->keep_fails = false;
    for (unsigned i = 0; i < 3; i++) {
        f->record[f->record_count].id = ++f->next_record;
        f->record[f->record_count].kind = OCPP_KEEP_AUTH_CACHE;
        f->record[f->record_count].len = i == 0 ? 3 : 112;
        memset(f->record[f->record_count++].bytes, i == 1 ? 0 : 0xFF, 200);
    }
    fake_close(f);
    fake_boot(f);
    assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 0);
    fake_free(f);
}

/* The power goes at each change of the store while an entry is renewed: it is there afterwards, once. */
static void cache_and_power_cuts(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 5; n++) {
        struct fake *f = fake_ready();
        learn(f, "T1", "Accepted", "G1");
        f->cut_after = n;
        word(f, "Accepted", "G2");
        fake_token(f, "T1");
        fake_run(f, 300);
        fake_close(f);
        fake_boot(f);
        fake_run(f, 300);
        assert_int_equal(fake_kept(f, OCPP_KEEP_AUTH_CACHE), 1);
        fake_token(f, "T1");
        fake_run(f, 300);
        assert_true(f->authorised);
        fake_free(f);
    }
}

static const char *read_variable(struct fake *f, const char *component, const char *variable)
{
    char text[300];
    snprintf(text, sizeof text,
             "{\"getVariableData\":[{\"component\":{\"name\":\"%s\"},\"variable\":{\"name\":\"%s\"}}]}",
             component, variable);
    return at(fake_call(f, "GetVariables", text), "getVariableResult.0.attributeValue");
}

static void variables(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    learn(f, "T1", "Accepted", NULL);
    list(f, ENTRY("T1", "Accepted") "," ENTRY("T2", "Accepted"));
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "Available"), "true");
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "Enabled"), "true");
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "LifeTime"), "2592000");
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "Policy"), "CUSTOM");
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "Storage"), "104");
    assert_string_equal(read_variable(f, "AuthCacheCtrlr", "DisablePostAuthorize"), "false");
    assert_string_equal(read_variable(f, "AuthCtrlr", "LocalAuthorizeOffline"), "true");
    assert_string_equal(read_variable(f, "AuthCtrlr", "LocalPreAuthorize"), "false");
    assert_string_equal(read_variable(f, "AuthCtrlr", "MasterPassGroupId"), "");
    assert_string_equal(read_variable(f, "LocalAuthListCtrlr", "Entries"), "2");
    assert_string_equal(read_variable(f, "LocalAuthListCtrlr", "ItemsPerMessage"), "32");
    assert_string_equal(read_variable(f, "LocalAuthListCtrlr", "BytesPerMessage"), "32768");
    assert_string_equal(read_variable(f, "LocalAuthListCtrlr", "Storage"), "176");
    assert_string_equal(read_variable(f, "LocalAuthListCtrlr", "SupportsExpiryDateTime"), "true");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cached_and_accepted),
        cmocka_unit_test(cached_and_not_accepted),
        cmocka_unit_test(no_pre_authorisation),
        cmocka_unit_test(accepted_offline_invalid_online),
        cmocka_unit_test(offline_by_the_list),
        cmocka_unit_test(no_offline_authorisation),
        cmocka_unit_test(list_before_cache),
        cmocka_unit_test(unknown_offline),
        cmocka_unit_test(online_by_the_list),
        cmocka_unit_test(list_entries_expire),
        cmocka_unit_test(cache_survives_a_restart),
        cmocka_unit_test(cache_learns),
        cmocka_unit_test(cache_is_cleared),
        cmocka_unit_test(cache_switched_off),
        cmocka_unit_test(cache_lifetime),
        cmocka_unit_test(cache_without_a_clock),
        cmocka_unit_test(cache_expiry),
        cmocka_unit_test(not_cached),
        cmocka_unit_test(token_types),
        cmocka_unit_test(guessed_key_codes),
        cmocka_unit_test(groups),
        cmocka_unit_test(somebody_else),
        cmocka_unit_test(group_offline),
        cmocka_unit_test(master_pass),
        cmocka_unit_test(other_evses),
        cmocka_unit_test(never_asked),
        cmocka_unit_test(remote_start_by_the_cache),
        cmocka_unit_test(useless_answers),
        cmocka_unit_test(meanwhile),
        cmocka_unit_test(cache_overflows),
        cmocka_unit_test(cache_spares_the_flash),
        cmocka_unit_test(cache_and_a_broken_store),
        cmocka_unit_test(cache_and_power_cuts),
        cmocka_unit_test(variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
