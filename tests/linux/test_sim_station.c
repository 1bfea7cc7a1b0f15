/* One simulated station, real firmware and world, on a wire that the test holds: power, restarts, kills, torn
 * flash.
 */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/sim_station.h"

enum { NOTES_MAX = 400, QUANTUM_US = 5000 };

/* A server of the friendliest kind on a wire without delay. */
struct bench {
    struct sim_station *st;
    char dir[40];
    struct transport_up up;
    bool wanted, open, cut, reset_seen;
    char boot_reason[40];
    unsigned boots;
    char answer[4000];         /* waits for the next turn */
    char notes[NOTES_MAX][24]; /* actions, in order */
    unsigned n;
    unsigned ended;
    char ended_reason[40];
    double ended_wh, ended_from_wh; /* energy registers in the Ended: at the end, at the begin */
    unsigned wakes;
};

static bool net_open(void *ctx, const struct transport_target *t, const struct transport_up *up)
{
    struct bench *b = ctx;
    assert_non_null(strstr(t->url, "ws://test/ocpp/"));
    b->up = *up;
    b->wanted = true;
    return true;
}

/* The energy register in an event with the given context, Wh; −1: none. */
static double register_wh(const cJSON *payload, const char *context)
{
    const cJSON *value, *sample;
    cJSON_ArrayForEach(value, cJSON_GetObjectItem(payload, "meterValue"))
        cJSON_ArrayForEach(sample, cJSON_GetObjectItem(value, "sampledValue"))
    {
        const cJSON *what = cJSON_GetObjectItem(sample, "measurand"),
                    *when = cJSON_GetObjectItem(sample, "context");
        if (what && when && !strcmp(what->valuestring, "Energy.Active.Import.Register") &&
            !strcmp(when->valuestring, context))
            return cJSON_GetNumberValue(cJSON_GetObjectItem(sample, "value"));
    }
    return -1;
}

static void note(struct bench *b, const cJSON *call)
{
    const char *action = cJSON_GetArrayItem(call, 2)->valuestring;
    const cJSON *payload = cJSON_GetArrayItem(call, 3);
    if (b->n < NOTES_MAX)
        (void)snprintf(b->notes[b->n++], sizeof b->notes[0], "%s", action);
    if (strcmp(action, "BootNotification") == 0) {
        b->boots++;
        (void)snprintf(b->boot_reason, sizeof b->boot_reason, "%s",
                       cJSON_GetObjectItem(payload, "reason")->valuestring);
    }
    if (strcmp(action, "TransactionEvent") == 0 &&
        strcmp(cJSON_GetObjectItem(payload, "eventType")->valuestring, "Ended") == 0) {
        const cJSON *reason =
            cJSON_GetObjectItem(cJSON_GetObjectItem(payload, "transactionInfo"), "stoppedReason");
        b->ended++;
        b->ended_wh = register_wh(payload, "Transaction.End");
        b->ended_from_wh = register_wh(payload, "Transaction.Begin");
        (void)snprintf(b->ended_reason, sizeof b->ended_reason, "%s", reason ? reason->valuestring : "");
    }
}

static bool net_send(void *ctx, const char *text, size_t len)
{
    struct bench *b = ctx;
    if (b->cut)
        return true; /* into the buffer of a socket without a network */
    if (!b->open || b->answer[0])
        return false;
    cJSON *call = cJSON_ParseWithLength(text, len);
    assert_true(cJSON_IsArray(call));
    if (cJSON_GetArrayItem(call, 0)->valueint == 2) {
        const char *action = cJSON_GetArrayItem(call, 2)->valuestring;
        const char *payload = "{}";
        if (strcmp(action, "BootNotification") == 0)
            payload = "{\"currentTime\":\"2026-01-01T00:00:00Z\",\"interval\":300,\"status\":\"Accepted\"}";
        else if (strcmp(action, "Heartbeat") == 0)
            payload = "{\"currentTime\":\"2026-01-01T00:00:00Z\"}";
        else if (strcmp(action, "Authorize") == 0)
            payload = "{\"idTokenInfo\":{\"status\":\"Accepted\"}}";
        note(b, call);
        (void)snprintf(b->answer, sizeof b->answer, "[3,\"%s\",%s]", cJSON_GetArrayItem(call, 1)->valuestring,
                       payload);
    }
    cJSON_Delete(call);
    return true;
}

static void net_close(void *ctx, const char *why)
{
    struct bench *b = ctx;
    b->open = b->wanted = false;
    b->answer[0] = '\0';
    b->up.closed(b->up.ctx, why);
}

static void net_cut(void *ctx, bool cut)
{
    struct bench *b = ctx;
    b->cut = cut;
}

static void net_reset(void *ctx)
{
    struct bench *b = ctx;
    b->open = b->wanted = false;
    b->answer[0] = '\0';
    b->reset_seen = true;
}

static void wake(void *ctx)
{
    struct bench *b = ctx;
    b->wakes++;
}

static void create(struct bench *b)
{
    static const char *const settings[] = {"backoff_min", "1", "backoff_random", "0", "tx_updated_interval",
                                           "2",           NULL};
    char err[200] = "";
    struct sim_station_cfg cfg = {.id = "CP1",
                                  .url = "ws://test/ocpp",
                                  .dir = b->dir,
                                  .settings = settings,
                                  .seed = 7,
                                  .seeded_random = true,
                                  .log_level = -1,
                                  .wake = wake,
                                  .wake_ctx = b};
    world_cfg_default(&cfg.world);
    b->st = sim_station_create(&cfg, err, sizeof err);
    if (!b->st)
        fail_msg("%s", err);
    const struct sim_network net = {
        .ctx = b,
        .transport = {.ctx = b, .open = net_open, .send = net_send, .close = net_close},
        .cut = net_cut,
        .reset = net_reset,
    };
    sim_station_connect(b->st, &net);
}

static void power(struct bench *b, bool on, bool torn)
{
    char why[200] = "";
    sim_station_lock(b->st);
    bool ok = sim_station_power(b->st, on, torn, why, sizeof why);
    sim_station_unlock(b->st);
    if (!ok)
        fail_msg("%s", why);
}

static struct world_state truth(struct bench *b)
{
    struct world_state w;
    sim_station_lock(b->st);
    world_state_read(sim_station_world(b->st), &w);
    sim_station_unlock(b->st);
    return w;
}

static void turn(struct bench *b)
{
    uint64_t until = sim_station_time_us(b->st) + QUANTUM_US;
    while (sim_station_time_us(b->st) < until)
        sim_station_frame(b->st);
    if (b->wanted && !b->cut) {
        b->wanted = false;
        b->open = true;
        b->up.opened(b->up.ctx, "ocpp2.0.1");
    }
    if (b->answer[0] && !b->cut) {
        char text[sizeof b->answer];
        memcpy(text, b->answer, sizeof text);
        b->answer[0] = '\0';
        b->up.text(b->up.ctx, text, strlen(text));
    }
    (void)sim_station_comms(b->st);
}

static void run_ms(struct bench *b, unsigned ms)
{
    uint64_t end = sim_station_time_us(b->st) + ms * 1000ull;
    while (sim_station_time_us(b->st) < end)
        turn(b);
}

#define UNTIL(b, seconds, condition)                                         \
    do {                                                                     \
        uint64_t end_ = sim_station_time_us((b)->st) + (seconds)*1000000ull; \
        while (!(condition)) {                                               \
            if (sim_station_time_us((b)->st) > end_)                         \
                fail_msg("not within %d s: %s", seconds, #condition);        \
            turn(b);                                                         \
        }                                                                    \
    } while (0)

static const char *const files[] = {"journal.flash", "settings.kv", "settings.kv.old", "settings.kv.new",
                                    "retained.mem"};

static void remove_files(const char *dir)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[100];
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void copy_file(const char *from, const char *to)
{
    static unsigned char bytes[1 << 19];
    FILE *in = fopen(from, "rb");
    if (!in)
        return; /* settings.kv.new is not always there */
    size_t n = fread(bytes, 1, sizeof bytes, in);
    assert_true(n < sizeof bytes);
    fclose(in);
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

/* The process is killed at this instant and another one starts: it finds the files as they are now. */
static void killed(struct bench *b)
{
    char dir[sizeof b->dir];
    (void)snprintf(dir, sizeof dir, "/tmp/sim-station-XXXXXX");
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char from[100], to[100];
        (void)snprintf(from, sizeof from, "%s/%s", b->dir, files[i]);
        (void)snprintf(to, sizeof to, "%s/%s", dir, files[i]);
        copy_file(from, to);
    }
    sim_station_destroy(b->st);
    remove_files(b->dir);
    memcpy(b->dir, dir, sizeof dir);
    b->cut = false;
    create(b);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    (void)snprintf(b->dir, sizeof b->dir, "/tmp/sim-station-XXXXXX");
    if (!mkdtemp(b->dir))
        return -1;
    create(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    sim_station_destroy(b->st);
    remove_files(b->dir);
    free(b);
    return 0;
}

static void boot(struct bench *b)
{
    unsigned before = b->boots;
    power(b, true, false);
    UNTIL(b, 10, b->boots == before + 1);
    run_ms(b, 500);
}

static void charge(struct bench *b)
{
    sim_station_lock(b->st);
    world_plug(sim_station_world(b->st), true);
    world_ready(sim_station_world(b->st), true);
    sim_station_unlock(b->st);
    run_ms(b, 1000);
    assert_true(sim_station_token(b->st, "CARD1", "ISO14443"));
    UNTIL(b, 45, truth(b).amp[0] > 10); /* a car found plugged in waits for the reconnect delay */
    run_ms(b, 5000);
    assert_int_equal(b->ended, 0);
}

static void without_power_nothing_happens(void **state)
{
    struct bench *b = *state;
    struct control_status c;
    struct station_link_status l;
    char why[200];
    run_ms(b, 2000);
    assert_false(truth(b).powered);
    assert_true(truth(b).cp_high_v < 1);
    assert_int_equal(b->n, 0);
    assert_false(sim_station_view(b->st, &c, &l));
    assert_false(sim_station_token(b->st, "X", "ISO14443"));
    assert_false(sim_station_set(b->st, "heartbeat_interval", "5", why, sizeof why));
    sim_station_lock(b->st);
    assert_false(sim_station_power(b->st, false, false, why, sizeof why));
    sim_station_unlock(b->st);
}

static void charges(void **state)
{
    struct bench *b = *state;
    boot(b);
    assert_string_equal(b->boot_reason, "PowerUp");
    assert_string_equal(b->notes[0], "BootNotification");
    assert_true(truth(b).cp_high_v > 11);
    charge(b);
    assert_true(truth(b).contactor && truth(b).energy_wh > 5);
    struct control_status c;
    struct station_link_status l;
    assert_true(sim_station_view(b->st, &c, &l));
    assert_int_equal(c.state, EVSE_CHARGING);
    assert_true(l.online && l.registered && l.transaction);
    assert_true(b->wakes > 0);
}

static void power_cut_in_mid_charge(void **state)
{
    struct bench *b = *state;
    boot(b);
    charge(b);
    unsigned before = b->n;
    b->reset_seen = false;
    power(b, false, false);
    assert_false(truth(b).coil); /* at once */
    assert_true(b->cut && b->reset_seen);
    run_ms(b, 60); /* the contacts need their time */
    assert_false(truth(b).contactor);
    assert_true(truth(b).cp_high_v < 1);
    run_ms(b, 5000);
    assert_int_equal(b->n, before);

    boot(b);
    assert_false(b->cut);
    assert_string_equal(b->boot_reason, "PowerUp");
    UNTIL(b, 20, b->ended == 1); /* the transaction that the cut ended is in the journal and is told */
    assert_string_equal(b->ended_reason, "PowerLoss");
}

/* A killed process is a crash of the firmware; one that ends in order is a loss of power. */
static void killed_in_mid_charge(void **state)
{
    struct bench *b = *state;
    boot(b);
    charge(b);
    double delivered = truth(b).energy_wh;
    assert_true(delivered > 10);
    killed(b);
    boot(b);
    assert_string_equal(b->boot_reason, "ApplicationReset");
    UNTIL(b, 20, b->ended == 1);
    assert_string_equal(b->ended_reason, "Reboot");
    /* The last mark in flash is from when the contactor closed; the register is that of a moment ago. */
    assert_float_equal(b->ended_wh, delivered, 0.5);
    assert_float_equal(b->ended_from_wh, 0, 0.1);

    sim_station_destroy(b->st);
    b->cut = false;
    create(b);
    boot(b);
    assert_string_equal(b->boot_reason, "PowerUp");
}

static void crash_in_mid_charge(void **state)
{
    struct bench *b = *state;
    boot(b);
    charge(b);
    sim_station_lock(b->st);
    assert_true(sim_station_crash(b->st));
    assert_false(sim_station_crash(b->st)); /* it does not run */
    sim_station_unlock(b->st);
    assert_false(truth(b).coil);
    double delivered = truth(b).energy_wh;
    UNTIL(b, 20, b->boots == 2 && b->ended == 1);
    assert_string_equal(b->boot_reason, "ApplicationReset");
    assert_string_equal(b->ended_reason, "Reboot");
    assert_float_equal(b->ended_wh, delivered, 0.5);
}

static void torn_flash(void **state)
{
    struct bench *b = *state;
    boot(b);
    for (unsigned round = 1; round <= 5; round++) {
        sim_station_lock(b->st);
        world_plug(sim_station_world(b->st), false);
        sim_station_unlock(b->st);
        run_ms(b, 3000);
        b->ended = 0;
        charge(b);
        power(b, false, true);
        UNTIL(b, 6, !sim_station_powered(b->st)); /* at a write, or at the latest after 5 s */
        assert_false(truth(b).coil);
        run_ms(b, 1000);
        boot(b);
        UNTIL(b, 20, b->ended == 1); /* a torn record is skipped, what was told before is not lost */
        assert_int_equal(b->boots, round + 1);
    }
}

static void power_on_while_a_torn_cut_waits(void **state)
{
    struct bench *b = *state;
    boot(b);
    power(b, false, true);
    power(b, true, false);
    assert_true(b->reset_seen);
    UNTIL(b, 10, b->boots == 2);
}

static void reset_request_restarts(void **state)
{
    struct bench *b = *state;
    static const char reset[] = "[2,\"r1\",\"Reset\",{\"type\":\"Immediate\"}]";
    boot(b);
    b->up.text(b->up.ctx, reset, sizeof reset - 1);
    UNTIL(b, 20, !sim_station_powered(b->st));
    assert_true(truth(b).powered); /* its supply is there, it boots */
    run_ms(b, 50);
    assert_false(sim_station_powered(b->st));
    assert_int_equal(truth(b).pilot, 'F');
    UNTIL(b, 20, b->boots == 2);
    assert_string_equal(b->boot_reason, "RemoteReset");
}

static void power_cut_while_restarting(void **state)
{
    struct bench *b = *state;
    static const char reset[] = "[2,\"r1\",\"Reset\",{\"type\":\"Immediate\"}]";
    boot(b);
    b->up.text(b->up.ctx, reset, sizeof reset - 1);
    UNTIL(b, 20, !sim_station_powered(b->st));
    power(b, false, false);
    run_ms(b, 3000);
    assert_int_equal(b->boots, 1);
    boot(b);
    assert_int_equal(b->boots, 2);
}

static void settings_survive(void **state)
{
    struct bench *b = *state;
    char why[200] = "", text[40];
    boot(b);
    assert_false(sim_station_set(b->st, "nonsense", "1", why, sizeof why));
    assert_false(sim_station_set(b->st, "heartbeat_interval", "0", why, sizeof why));
    assert_true(why[0]);
    assert_true(sim_station_set(b->st, "station_name", "Garage 7", why, sizeof why));
    sim_station_destroy(b->st); /* as the process ends: no orderly goodbye */
    b->open = b->wanted = b->cut = false;
    b->answer[0] = '\0';
    create(b);
    boot(b);
    /* What was set is there again, and the command line's settings still rule. */
    assert_true(sim_station_setting(b->st, "station_name", text, sizeof text));
    assert_string_equal(text, "Garage 7");
    assert_true(sim_station_setting(b->st, "tx_updated_interval", text, sizeof text));
    assert_string_equal(text, "2");
    assert_false(sim_station_setting(b->st, "nonsense", text, sizeof text));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(without_power_nothing_happens),
        T(charges),
        T(power_cut_in_mid_charge),
        T(killed_in_mid_charge),
        T(crash_in_mid_charge),
        T(torn_flash),
        T(power_on_while_a_torn_cut_waits),
        T(reset_request_restarts),
        T(power_cut_while_restarting),
        T(settings_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
