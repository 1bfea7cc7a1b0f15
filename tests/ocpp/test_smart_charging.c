/* Charging profiles: judging, stacking, the composite, the station's limit, durability (K01..K10, F01 with
 * profile). */
#include <stdio.h>
#include <string.h>

#include "ocpp/v201/composite.h"
#include "tests/ocpp/fake.h"

#define HOUR_MS INT64_C(3600000)

/* ---- the composite by itself ---- */

static struct profile profiles[PROFILES];

static struct profile *profile(int i, enum profile_purpose purpose, int stack, enum profile_kind kind)
{
    struct profile *p = &profiles[i];
    memset(p, 0, sizeof *p);
    p->used = 1;
    p->purpose = (uint8_t)purpose;
    p->stack_level = stack;
    p->kind = (uint8_t)kind;
    p->unit = UNIT_A;
    p->duration_s = -1;
    p->valid_from_ms = p->valid_to_ms = PROFILE_TIME_NONE;
    p->start_ms = kind == KIND_RELATIVE ? PROFILE_TIME_NONE : FAKE_EPOCH;
    return p;
}

static void period(struct profile *p, int start_s, int amp)
{
    p->period[p->periods++] = (struct profile_period){.start_s = start_s, .limit_tenth = amp * 10};
}

static int32_t limit(int64_t t, const char *tx, int64_t *next)
{
    struct composite c = {
        .profile = profiles, .tx = tx, .phases = 3, .ready = tx != NULL, .ready_ms = FAKE_EPOCH};
    int64_t any;
    return composite_at(&c, t, next ? next : &any);
}

static int clean(void **state)
{
    (void)state;
    memset(profiles, 0, sizeof profiles);
    return 0;
}

static void stacking(void **state)
{
    (void)state;
    int64_t next;
    assert_int_equal(limit(FAKE_EPOCH, NULL, &next), COMPOSITE_NO_LIMIT);
    assert_true(next == COMPOSITE_NEVER);
    period(profile(0, PURPOSE_STATION_MAX, 0, KIND_ABSOLUTE), 0, 6);
    struct profile *lease = profile(1, PURPOSE_STATION_MAX, 1, KIND_ABSOLUTE);
    period(lease, 0, 20);
    lease->valid_to_ms = FAKE_EPOCH + 60000;
    assert_int_equal(limit(FAKE_EPOCH, NULL, &next), 20000); /* the higher level rules, although it is more */
    assert_true(next == FAKE_EPOCH + 60000);
    assert_int_equal(limit(FAKE_EPOCH + 59999, NULL, NULL), 20000);
    assert_int_equal(limit(FAKE_EPOCH + 60000, NULL, &next), 6000); /* K01.FR.37: not any more at validTo */
    assert_true(next == COMPOSITE_NEVER);
    /* The minimum over the purposes */
    period(profile(2, PURPOSE_TX_DEFAULT, 5, KIND_ABSOLUTE), 0, 10);
    assert_int_equal(limit(FAKE_EPOCH, NULL, NULL), 10000);
    assert_int_equal(limit(FAKE_EPOCH + 60000, NULL, NULL), 6000);
    /* A TxProfile takes the default's place, but only for its transaction */
    struct profile *tx = profile(3, PURPOSE_TX, 0, KIND_RELATIVE);
    strcpy(tx->tx, "t");
    period(tx, 0, 16);
    assert_int_equal(limit(FAKE_EPOCH, "t", NULL), 16000);
    assert_int_equal(limit(FAKE_EPOCH, "other", NULL), 10000);
    tx->duration_s = 30; /* K02.FR.08: after its end the default rules again */
    assert_int_equal(limit(FAKE_EPOCH + 29999, "t", NULL), 16000);
    assert_int_equal(limit(FAKE_EPOCH + 30000, "t", NULL), 10000);
}

static void not_before(void **state)
{
    (void)state;
    int64_t next;
    struct profile *p = profile(0, PURPOSE_TX_DEFAULT, 0, KIND_ABSOLUTE);
    p->start_ms = FAKE_EPOCH + HOUR_MS;
    p->valid_from_ms = FAKE_EPOCH + HOUR_MS / 2;
    p->duration_s = 1800;
    period(p, 0, 8);
    period(p, 900, 12);
    period(p, 3600, 1); /* K01.FR.11: past the duration */
    assert_int_equal(limit(FAKE_EPOCH, NULL, &next), COMPOSITE_NO_LIMIT);
    assert_true(next == FAKE_EPOCH + HOUR_MS / 2);
    assert_int_equal(limit(FAKE_EPOCH + HOUR_MS / 2, NULL, &next), COMPOSITE_NO_LIMIT);
    assert_true(next == FAKE_EPOCH + HOUR_MS); /* K01.FR.30 */
    assert_int_equal(limit(FAKE_EPOCH + HOUR_MS, NULL, &next), 8000);
    assert_true(next == FAKE_EPOCH + HOUR_MS + 900000);
    assert_int_equal(limit(FAKE_EPOCH + HOUR_MS + 900000, NULL, &next), 12000);
    assert_true(next == FAKE_EPOCH + HOUR_MS + 1800000);
    assert_int_equal(limit(FAKE_EPOCH + HOUR_MS + 1800000, NULL, &next), COMPOSITE_NO_LIMIT);
}

static void recurring(void **state)
{
    (void)state;
    int64_t next, day = 24 * HOUR_MS;
    struct profile *p = profile(0, PURPOSE_TX_DEFAULT, 1, KIND_RECURRING);
    p->recurrency = RECURRENCY_DAILY;
    p->start_ms = FAKE_EPOCH + 17 * HOUR_MS;
    p->duration_s = 3 * 3600;
    period(p, 0, 6);
    for (int d = 0; d < 400; d += 57) {
        int64_t midnight = FAKE_EPOCH + d * day;
        assert_int_equal(limit(midnight + 16 * HOUR_MS, NULL, &next), COMPOSITE_NO_LIMIT);
        assert_true(next == midnight + 17 * HOUR_MS);
        assert_int_equal(limit(midnight + 17 * HOUR_MS, NULL, &next), 6000);
        assert_true(next == midnight + 20 * HOUR_MS);
        assert_int_equal(limit(midnight + 20 * HOUR_MS, NULL, &next), COMPOSITE_NO_LIMIT);
        assert_true(next == midnight + 41 * HOUR_MS);
    }
    /* A weekly exception above it: the whole of one day without limit */
    struct profile *q = profile(1, PURPOSE_TX_DEFAULT, 2, KIND_RECURRING);
    q->recurrency = RECURRENCY_WEEKLY;
    q->start_ms = FAKE_EPOCH + 3 * day;
    q->duration_s = 86400;
    period(q, 0, 99999);
    for (int d = 0; d < 30; d++)
        assert_int_equal(limit(FAKE_EPOCH + d * day + 18 * HOUR_MS, NULL, NULL),
                         d % 7 == 3 ? 99999000 : 6000);
}

static void watts(void **state)
{
    (void)state;
    struct profile *p = profile(0, PURPOSE_STATION_MAX, 0, KIND_ABSOLUTE);
    p->unit = UNIT_W;
    p->period[0] = (struct profile_period){.limit_tenth = 110400};
    p->periods = 1;
    assert_int_equal(limit(FAKE_EPOCH, NULL, NULL),
                     16000); /* three phases when nothing is said (K01.FR.49) */
    p->period[0].phases = 1;
    assert_int_equal(limit(FAKE_EPOCH, NULL, NULL), 48000);
    struct composite one = {.profile = profiles, .phases = 1};
    int64_t next;
    p->period[0].phases = 3;
    assert_int_equal(composite_at(&one, FAKE_EPOCH, &next), 48000); /* K01.FR.45 */
}

/* Against brute force: the limit at every second of two days is what a search without any cleverness gives,
 * and composite_until_change never jumps over a change. */
static void no_change_is_missed(void **state)
{
    (void)state;
    struct profile *p = profile(0, PURPOSE_STATION_MAX, 0, KIND_RECURRING);
    p->recurrency = RECURRENCY_DAILY;
    for (int i = 0; i < PROFILE_PERIODS; i++)
        period(p, i * 900 + (i % 3), 6 + i * 7 % 26);
    struct profile *q = profile(1, PURPOSE_TX_DEFAULT, 0, KIND_ABSOLUTE);
    q->duration_s = 100000;
    period(q, 0, 16);
    period(q, 5000, 8);
    period(q, 50000, 32);
    struct composite c = {.profile = profiles, .phases = 3};
    int64_t t = FAKE_EPOCH, end = t + 48 * HOUR_MS;
    int changes = 0;
    while (t < end) {
        int64_t next, any;
        int32_t then, ma = composite_until_change(&c, t, end - t, &next, &then);
        for (int64_t s = t; s < next && s < end; s += 1000)
            assert_int_equal(composite_at(&c, s, &any), ma);
        assert_int_equal(composite_at(&c, next, &any), then);
        assert_true(next > t);
        t = next;
        changes++;
    }
    assert_true(changes > 100);
}

/* ---- through messages ---- */

/* Time on the station's clock, `s` seconds from now. */
static const char *in(const struct fake *f, int64_t s, char text[JSON_TIME_TEXT])
{
    json_time_text(text, f->wall_at_0_ms + (int64_t)(f->now_us / 1000) + s * 1000);
    return text;
}

static const char *set_profile(struct fake *f, int evse, const char *profile_json)
{
    static char text[8000];
    snprintf(text, sizeof text, "{\"evseId\":%d,\"chargingProfile\":%s}", evse, profile_json);
    const cJSON *r = fake_call(f, "SetChargingProfile", text);
    if (!r)
        return f->error;
    return !strcmp(at(r, "status"), "Accepted") ? "Accepted" : at(r, "statusInfo.reasonCode");
}

static const char *station_max(const struct fake *f, int id, int stack, int amps, int lease_s)
{
    static char text[600];
    char start[JSON_TIME_TEXT], to[JSON_TIME_TEXT], valid[80] = "";
    if (lease_s)
        snprintf(valid, sizeof valid, "\"validTo\":\"%s\",", in(f, lease_s, to));
    snprintf(
        text, sizeof text,
        "{\"id\":%d,\"stackLevel\":%d,\"chargingProfilePurpose\":\"ChargingStationMaxProfile\","
        "\"chargingProfileKind\":\"Absolute\",%s\"chargingSchedule\":[{\"id\":%d,\"startSchedule\":\"%s\","
        "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":%d}]}]}",
        id, stack, valid, id, in(f, -10, start), amps);
    return text;
}

/* What the hub does: a permanent small limit and a leased larger one above it. */
static void leased_limit(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    assert_string_equal(set_profile(f, 0, station_max(f, 1, 0, 6, 0)), "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 6000);
    assert_int_equal(f->lease_ms, 0);
    assert_string_equal(set_profile(f, 0, station_max(f, 2, 1, 20, 60)), "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 20000);
    assert_in_range(f->lease_ms, 59800, 60000);
    assert_int_equal(f->fallback_ma, 6000);
    fake_run(f, 30000);
    assert_string_equal(set_profile(f, 0, station_max(f, 2, 1, 16, 60)), "Accepted"); /* renewed, smaller */
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 16000);
    assert_in_range(f->lease_ms, 59800, 60000);
    int calls = f->limit_calls;
    fake_run(f, 50000);
    assert_int_equal(f->limit_calls, calls); /* nothing has changed: nothing is said */
    fake_close(f);
    fake_run(f, 11000); /* not renewed: the station falls back, offline as well */
    assert_int_equal(f->limit_ma, 6000);
    assert_int_equal(f->lease_ms, 0);
    assert_int_equal(fake_kept(f, OCPP_KEEP_PROFILE), 2);
    fake_free(f);
}

/* The station counts a lease in milliseconds of 31 bits: one that is longer is told in parts. */
static void long_lease(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const int64_t days = 60, day_ms = 86400000;
    assert_string_equal(set_profile(f, 0, station_max(f, 1, 0, 6, (int)(days * day_ms / 1000))), "Accepted");
    fake_run(f, 1000);
    assert_int_equal(f->limit_ma, 6000);
    assert_true(f->lease_ms > 0 && f->lease_ms < INT32_MAX);
    assert_int_equal(f->fallback_ma, 6000);
    fake_close(f);
    int calls = f->limit_calls;
    f->now_us += (uint64_t)day_ms * 1000;
    fake_run(f, 1000);
    assert_true(f->limit_calls > calls); /* renewed in time */
    assert_int_equal(f->limit_ma, 6000);
    f->now_us += (uint64_t)day_ms * 1000 * 58;
    fake_run(f, 1000);
    assert_int_equal(f->fallback_ma, COMPOSITE_NO_LIMIT);
    f->now_us += (uint64_t)day_ms * 1000;
    fake_run(f, 1000);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    fake_free(f);
}

static void survives_a_restart(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    set_profile(f, 0, station_max(f, 1, 0, 6, 0));
    set_profile(f, 0, station_max(f, 2, 1, 20, 3600));
    fake_close(f);
    fake_boot(f);
    fake_run(f, 1000);
    assert_int_equal(f->limit_ma, 6000); /* without a clock the smaller one: the lease may be over */
    fake_connect(f);
    fake_run(f, 1000);
    assert_int_equal(f->limit_ma, 20000);
    /* The same id kept twice, as a power cut between keep and forget leaves it. */
    f->record[f->record_count] = f->record[f->record_count - 1];
    unsigned copies = 0;
    for (unsigned i = 0; i < f->record_count && copies == 0; i++)
        if (f->record[i].kind == OCPP_KEEP_PROFILE) {
            f->record[f->record_count] = f->record[i];
            f->record[f->record_count].id = ++f->next_record;
            f->record_count++;
            copies++;
        }
    assert_int_equal(fake_kept(f, OCPP_KEEP_PROFILE), 3);
    fake_boot(f);
    assert_int_equal(fake_kept(f, OCPP_KEEP_PROFILE), 2);
    fake_free(f);
}

static void judged(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
#define SCHEDULE(head, periods)             \
    "\"chargingSchedule\":[{\"id\":1," head \
    "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[" periods "]}]}"
#define START "\"startSchedule\":\"2026-01-01T00:00:00Z\","
#define ONE   "{\"startPeriod\":0,\"limit\":10}"
#define HEAD(id, stack, purpose, kind)                                                \
    "{\"id\":" #id ",\"stackLevel\":" #stack ",\"chargingProfilePurpose\":\"" purpose \
    "\",\"chargingProfileKind\":\"" kind "\","
    static const struct {
        int evse;
        const char *profile, *answer;
    } cases[] = {
        {7, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE), "UnknownEvse"},
        {0, HEAD(1, 0, "ChargingStationExternalConstraints", "Absolute") SCHEDULE(START, ONE),
         "InvalidProfile"},
        {1, HEAD(1, 0, "ChargingStationMaxProfile", "Absolute") SCHEDULE(START, ONE), "InvalidProfile"},
        {0, HEAD(1, 0, "ChargingStationMaxProfile", "Relative") SCHEDULE("", ONE), "InvalidProfile"},
        {0, HEAD(1, 0, "TxProfile", "Relative") SCHEDULE("", ONE), "InvalidProfile"},
        {1, HEAD(1, 0, "TxProfile", "Relative") SCHEDULE("", ONE), "TxNotFound"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE("", ONE), "InvalidSchedule"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Relative") SCHEDULE(START, ONE), "InvalidSchedule"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Recurring") SCHEDULE(START, ONE), "InvalidProfile"},
        {1, HEAD(1, 99, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE), "InvalidStackLevel"},
        {1, HEAD(1, -1, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE), "InvalidStackLevel"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, "{\"startPeriod\":5,\"limit\":10}"),
         "InvalidSchedule"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE "," ONE), "InvalidSchedule"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, "{\"startPeriod\":0,\"limit\":-1}"),
         "InvalidSchedule"},
        {1,
         HEAD(1, 0, "TxDefaultProfile", "Absolute")
             SCHEDULE(START, "{\"startPeriod\":0,\"limit\":10,\"numberPhases\":1}"),
         "InvalidSchedule"},
        {1,
         HEAD(1, 0, "TxDefaultProfile", "Absolute")
             SCHEDULE(START, "{\"startPeriod\":0,\"limit\":10,\"numberPhases\":3,\"phaseToUse\":1}"),
         "InvalidSchedule"},
        {1,
         HEAD(1, 0, "TxDefaultProfile", "Absolute") "\"validFrom\":\"2026-01-02T00:00:00Z\",\"validTo\":"
                                                    "\"2026-01-01T00:00:00Z\"," SCHEDULE(START, ONE),
         "InvalidProfile"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE("\"startSchedule\":\"soon\",", ONE),
         "PropertyConstraintViolation"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") "\"chargingSchedule\":[]}",
         "OccurrenceConstraintViolation"},
        {1, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE), "Accepted"},
        {0, HEAD(2, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE),
         "DuplicateProfile"}, /* K01.FR.52 */
        {0, HEAD(1, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE),
         "Accepted"}, /* the id replaces */
        {1, HEAD(2, 0, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE),
         "DuplicateProfile"}, /* K01.FR.53 */
        {1, HEAD(2, 1, "TxDefaultProfile", "Absolute") SCHEDULE(START, ONE), "Accepted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = set_profile(f, cases[i].evse, cases[i].profile);
        if (strcmp(got, cases[i].answer) != 0)
            fail_msg("case %zu: %s instead of %s", i, got, cases[i].answer);
    }
    /* More periods than there is room for. */
    static char text[8000];
    size_t n = (size_t)snprintf(
        text, sizeof text,
        HEAD(9, 3, "TxDefaultProfile", "Absolute") "\"chargingSchedule\":[{\"id\":1," START
                                                   "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[");
    for (int i = 0; i <= PROFILE_PERIODS; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s{\"startPeriod\":%d,\"limit\":10}", i ? "," : "",
                              i * 60);
    snprintf(text + n, sizeof text - n, "]}]}");
    assert_string_equal(set_profile(f, 1, text), "TooManyElements");
    /* No more room for profiles; an expired one gives its place. */
    for (int i = 0; i < PROFILES - 2; i++)
        assert_string_equal(set_profile(f, 0, station_max(f, 100 + i, i, 32, i == 3 ? 5 : 0)), "Accepted");
    assert_string_equal(set_profile(f, 0, station_max(f, 200, 15, 32, 0)), "OutOfStorage");
    fake_run(f, 6000);
    assert_string_equal(set_profile(f, 0, station_max(f, 200, 15, 32, 0)), "Accepted");
    fake_free(f);
}

static void tx_profile(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    char tx[40], text[800];
    snprintf(tx, sizeof tx, "%s", at(fake_nth(f, "TransactionEvent", 0), "transactionInfo.transactionId"));
#define RELATIVE                                                                                 \
    "{\"id\":5,\"stackLevel\":0,\"chargingProfilePurpose\":\"TxProfile\",%s"                     \
    "\"chargingProfileKind\":\"Relative\",\"chargingSchedule\":[{\"id\":1,"                      \
    "\"chargingRateUnit\":\"W\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":6900}," \
    "{\"startPeriod\":60,\"limit\":11040}]}]}"
    snprintf(text, sizeof text, RELATIVE, "\"transactionId\":\"someone-else\",");
    assert_string_equal(set_profile(f, 1, text), "UnknownTxId");
    snprintf(text, sizeof text, RELATIVE, "");
    assert_string_equal(set_profile(f, 1, text), "MissingParam");
    char field[80];
    snprintf(field, sizeof field, "\"transactionId\":\"%s\",", tx);
    snprintf(text, sizeof text, RELATIVE, field);
    assert_string_equal(set_profile(f, 1, text), "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 10000);
    assert_int_equal(f->fallback_ma, 16000);
    assert_in_range(f->lease_ms, 59000, 60000);
    fake_run(f, 60000);
    assert_int_equal(f->limit_ma, 16000);
    /* It goes with its transaction (K02.FR.05), and is not durable. */
    assert_int_equal(fake_kept(f, OCPP_KEEP_PROFILE), 0);
    fake_unplug(f);
    fake_run(f, 500);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    assert_string_equal(at(fake_call(f, "ClearChargingProfile", "{\"chargingProfileId\":5}"), "status"),
                        "Unknown");
    fake_free(f);
}

/* K01.FR.32, K10.FR.07: a default profile that comes or goes in mid-transaction counts at once. */
static void default_profile_during_a_transaction(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    assert_string_equal(
        set_profile(
            f, 1,
            "{\"id\":5,\"stackLevel\":0,\"chargingProfilePurpose\":\"TxDefaultProfile\","
            "\"chargingProfileKind\":\"Relative\",\"chargingSchedule\":[{\"id\":1,"
            "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":8.5}]}]}"),
        "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 8500);
    assert_string_equal(at(fake_call(f, "ClearChargingProfile",
                                     "{\"chargingProfileCriteria\":{"
                                     "\"chargingProfilePurpose\":\"TxDefaultProfile\"}}"),
                           "status"),
                        "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    assert_true(f->authorised);
    fake_free(f);
}

static void remote_start_with_profile(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
#define START_WITH                                                                                   \
    "{\"idToken\":{\"idToken\":\"R\",\"type\":\"Central\"},\"remoteStartId\":1,\"chargingProfile\":" \
    "{\"id\":5,\"stackLevel\":0,\"chargingProfilePurpose\":\"%s\","                                  \
    "\"chargingProfileKind\":\"Relative\",\"chargingSchedule\":[{\"id\":1,"                          \
    "\"chargingRateUnit\":\"A\",\"chargingSchedulePeriod\":[{\"startPeriod\":0,\"limit\":8}]}]}}"
    char text[800];
    snprintf(text, sizeof text, START_WITH, "TxDefaultProfile");
    const cJSON *r = fake_call(f, "RequestStartTransaction", text);
    assert_string_equal(at(r, "status"), "Rejected");
    assert_string_equal(at(r, "statusInfo.reasonCode"), "InvalidProfile");
    assert_false(f->authorised);
    snprintf(text, sizeof text, START_WITH, "TxProfile");
    assert_string_equal(at(fake_call(f, "RequestStartTransaction", text), "status"), "Accepted");
    fake_run(f, 500);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT); /* no transaction yet */
    fake_plug(f);
    fake_run(f, 500);
    assert_int_equal(f->limit_ma, 8000);
    r = fake_call(f, "GetChargingProfiles",
                  "{\"requestId\":3,\"chargingProfile\":{\"chargingProfilePurpose\":\"TxProfile\"}}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 500);
    assert_string_equal(at(fake_last(f, "ReportChargingProfiles"), "chargingProfile.0.transactionId"),
                        at(fake_nth(f, "TransactionEvent", 0), "transactionInfo.transactionId"));
    fake_free(f);
}

static void clearing_and_reporting(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    for (int i = 0; i < 4; i++)
        set_profile(f, 0, station_max(f, 10 + i, i, 10 + i, 0));
    const cJSON *r =
        fake_call(f, "GetChargingProfiles", "{\"requestId\":42,\"evseId\":0,\"chargingProfile\":{}}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 500);
    assert_int_equal(fake_count(f, "ReportChargingProfiles"), 4);
    for (unsigned i = 0; i < 4; i++) {
        const cJSON *p = fake_nth(f, "ReportChargingProfiles", i);
        assert_true(number_at(p, "requestId") == 42);
        assert_string_equal(at(p, "tbc"), i < 3 ? "true" : "false");
        assert_string_equal(at(p, "chargingLimitSource"), "CSO");
        assert_true(number_at(p, "chargingProfile.0.chargingSchedule.0.chargingSchedulePeriod.0.limit") ==
                    10 + i);
        assert_string_equal(at(p, "chargingProfile.0.chargingProfileKind"), "Absolute");
    }
    r = fake_call(f, "GetChargingProfiles",
                  "{\"requestId\":43,\"chargingProfile\":{\"chargingProfileId\":[11,13,99]}}");
    fake_run(f, 500);
    assert_int_equal(fake_count(f, "ReportChargingProfiles"), 6);
    r = fake_call(f, "GetChargingProfiles", "{\"requestId\":44,\"evseId\":1,\"chargingProfile\":{}}");
    assert_string_equal(at(r, "status"), "NoProfiles");
    r = fake_call(f, "GetChargingProfiles",
                  "{\"requestId\":44,\"chargingProfile\":{\"chargingLimitSource\":[\"EMS\"]}}");
    assert_string_equal(at(r, "status"), "NoProfiles");
    r = fake_call(f, "ClearChargingProfile", "{\"chargingProfileCriteria\":{\"stackLevel\":3}}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, 12000);
    r = fake_call(f, "ClearChargingProfile", "{\"chargingProfileCriteria\":{\"stackLevel\":3}}");
    assert_string_equal(at(r, "status"), "Unknown");
    r = fake_call(f, "ClearChargingProfile", "{\"chargingProfileId\":12}");
    assert_string_equal(at(r, "status"), "Accepted");
    r = fake_call(f, "ClearChargingProfile", "{}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_run(f, 100);
    assert_int_equal(f->limit_ma, COMPOSITE_NO_LIMIT);
    assert_int_equal(fake_kept(f, OCPP_KEEP_PROFILE), 0);
    fake_free(f);
}

static void composite_schedule(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    const cJSON *r = fake_call(f, "GetCompositeSchedule", "{\"duration\":300,\"evseId\":1}");
    assert_string_equal(at(r, "status"), "Accepted");
    assert_true(number_at(r, "schedule.chargingSchedulePeriod.0.limit") == 32); /* what it is built for */
    set_profile(f, 0, station_max(f, 1, 0, 6, 0));
    set_profile(f, 0, station_max(f, 2, 1, 20, 100));
    r = fake_call(f, "GetCompositeSchedule", "{\"duration\":300,\"evseId\":0,\"chargingRateUnit\":\"W\"}");
    assert_true(number_at(r, "schedule.duration") == 300);
    assert_true(number_at(r, "schedule.chargingSchedulePeriod.0.limit") == 13800);
    assert_true(number_at(r, "schedule.chargingSchedulePeriod.1.startPeriod") == 100);
    assert_true(number_at(r, "schedule.chargingSchedulePeriod.1.limit") == 4140);
    assert_null(node_at(r, "schedule.chargingSchedulePeriod.2"));
    r = fake_call(f, "GetCompositeSchedule", "{\"duration\":300,\"evseId\":2}");
    assert_string_equal(at(r, "status"), "Rejected");
    r = fake_call(f, "GetCompositeSchedule", "{\"duration\":0,\"evseId\":1}");
    assert_string_equal(at(r, "status"), "Rejected");
    /* The longest that can be asked for still fits an answer. */
    r = fake_call(f, "GetCompositeSchedule", "{\"duration\":2147483647,\"evseId\":1}");
    assert_string_equal(at(r, "status"), "Accepted");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stacking, clean),
        cmocka_unit_test_setup(not_before, clean),
        cmocka_unit_test_setup(recurring, clean),
        cmocka_unit_test_setup(watts, clean),
        cmocka_unit_test_setup(no_change_is_missed, clean),
        cmocka_unit_test(leased_limit),
        cmocka_unit_test(long_lease),
        cmocka_unit_test(survives_a_restart),
        cmocka_unit_test(judged),
        cmocka_unit_test(tx_profile),
        cmocka_unit_test(default_profile_during_a_transaction),
        cmocka_unit_test(remote_start_with_profile),
        cmocka_unit_test(clearing_and_reporting),
        cmocka_unit_test(composite_schedule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
