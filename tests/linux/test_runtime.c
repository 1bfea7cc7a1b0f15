/* Whole runs of ecs-sim, in virtual and in wall time: the same seed gives the same run, and exit codes tell
 * the truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/frame_log.h"
#include "linux/options.h"
#include "linux/runtime_real.h"
#include "linux/runtime_virtual.h"
#include "linux/site_report.h"

enum { ARGS_MAX = 40, LOG_MAX = 4 << 20 };

/* Runs a command line (blanks cut it), a scenario's text with it; `log` gets the frame log. Returns the exit
 * code. */
static int run(const char *line, const char *scenario_text, char *log)
{
    struct options o;
    char err[300] = "", *argv[ARGS_MAX + 3] = {NULL}, *copy = strdup(line),
         path[] = "/tmp/runtime-log-XXXXXX";
    int argc = 0;
    for (char *save = NULL, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    if (scenario_text) { /* the file's name is main's business */
        argv[argc++] = "--scenario";
        argv[argc++] = "as given";
    }
    if (!options_parse(&o, argc, argv, err, sizeof err))
        fail_msg("%s", err);
    struct scenario *s = NULL;
    if (scenario_text) {
        s = scenario_parse(scenario_text, strlen(scenario_text), err, sizeof err);
        if (!s)
            fail_msg("%s", err);
    }
    close(mkstemp(path));
    struct frame_log *l = frame_log_open(path);
    int code = o.virtual_time ? runtime_virtual(&o, s, l) : runtime_real(&o, s, l);
    assert_int_equal(frame_log_close(l), 0);
    if (log) {
        FILE *f = fopen(path, "r");
        size_t n = fread(log, 1, LOG_MAX - 1, f);
        log[n] = '\0';
        fclose(f);
    }
    unlink(path);
    scenario_free(s);
    free(copy);
    return code;
}

static const char session[] = "at 2s * plug\n"
                              "wait 60s * amp1 > 12\n"
                              "after 20s * unplug\n"
                              "wait 20s * station.queued == 0\n";

static void same_seed_same_run(void **state)
{
    static const char line[] =
        "ecs-sim --virtual --stations 3 --site-limit 40 --auto-start --quiet --seed %s";
    char *a = malloc(LOG_MAX), *b = malloc(LOG_MAX), text[200];
    (void)state;
    (void)snprintf(text, sizeof text, line, "11");
    assert_int_equal(run(text, session, a), EXIT_HELD);
    assert_int_equal(run(text, session, b), EXIT_HELD);
    assert_true(strlen(a) > 10000);
    assert_string_equal(a, b);
    (void)snprintf(text, sizeof text, line, "12");
    assert_int_equal(run(text, session, b), EXIT_HELD);
    assert_string_not_equal(a, b);
    free(a);
    free(b);
}

static void exit_codes(void **state)
{
    (void)state;
    assert_int_equal(run("ecs-sim --virtual --duration 5 --quiet", NULL, NULL), EXIT_HELD);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 1s expect 1 pilot == A\n", NULL), EXIT_HELD);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 1s expect 1 pilot == B\n", NULL), EXIT_FAILED);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 9s 2 plug\n", NULL), EXIT_USAGE);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 9s 1 dance\n", NULL), EXIT_USAGE);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 9s expect 1 amp9 == 1\n", NULL), EXIT_USAGE);
    assert_int_equal(run("ecs-sim --virtual --quiet", "at 9s expect 1 amp < $station.set.no\n", NULL),
                     EXIT_USAGE);
    assert_int_equal(run("ecs-sim --url ws://127.0.0.1:9/ocpp --quiet", "at 9s 1 server off\n", NULL),
                     EXIT_USAGE);
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 2", "at 5s 1 plug\n", NULL), EXIT_FAILED);
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 9 --keep-running", "at 5s 1 plug\n", NULL),
                     EXIT_HELD);
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 5 --require-charge", NULL, NULL), EXIT_FAILED);
    /* A car that draws what it likes: the promise is about the world, not about what anybody was told. */
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 30 --site-limit 10 --auto-start",
                         "1 car ignores_duty on\nat 1s 1 plug\nwait 20s 1 amp1 > 20\n", NULL),
                     EXIT_FAILED);
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 1 --summary /nonexistent/s.json", NULL, NULL),
                     EXIT_OUTPUT);
    assert_int_equal(run("ecs-sim --virtual --quiet --duration 1 --state-dir /nonexistent/a/b", NULL, NULL),
                     EXIT_NO_START);
}

static void host_values_and_verbs(void **state)
{
    static const char script[] =
        "at 2s expect 1 station.state == Idle and station.online == 1 and station.running == 1\n"
        "expect 1 station.set.offline_threshold == 7\n"
        "1 set offline_threshold 9\n"
        "expect 1 station.set.offline_threshold == 9\n"
        "refused 1 set offline_threshold -1\n"
        "refused 1 set no_such_setting 1\n"
        "refused 1 token\n"
        "refused 1 power on\n"
        "refused 1 power sideways\n"
        "refused 1 power on torn\n"
        "refused 1 network\n"
        "refused 1 server dance\n"
        "refused 1 server GET /api/v1/nothing\n"
        "1 server GET /api/v1/stations\n"
        "expect 1 hub.status == 200 and hub.running == 1\n"
        "1 power off\n"
        "expect 1 station.state == off and station.running == 0 and powered == 0\n"
        "refused 1 token CARD\n"
        "refused 1 power off\n";
    (void)state;
    assert_int_equal(run("ecs-sim --virtual --quiet --set offline_threshold=7", script, NULL), EXIT_HELD);
    assert_int_equal(run("ecs-sim --virtual --quiet", "expect 1 station.nonsense == 1\n", NULL), EXIT_USAGE);
    assert_int_equal(run("ecs-sim --virtual --quiet", "expect 1 hub.site.nonsense == 1\n", NULL),
                     EXIT_FAILED);
}

static void no_wake(void *ctx)
{
    (void)ctx;
}

/* Who shows the controls of a station reads there what is set, each station its own. */
static void state_has_what_is_set(void **state)
{
    static const struct {
        int station;
        const char *verb, *then;
    } rows[] = {
        {1, "fault rcd on", "\"rcd\":true"},
        {2, "fault phase_loss 2 on", "\"phase_loss\":[false,true,false]"},
        {2, "car max_a 16", "\"car\":{\"max_a\":16,\"phases\":3}"},
        {2, "car phases 1", "\"car\":{\"max_a\":16,\"phases\":1}"},
        {1, "mains volt 2 190", "\"mains_volt\":[230,190,230]"},
        {1, "temperature -7", "\"ambient_c\":-7"},
        {2, "cable 1500", "\"cable_ohm\":1500"},
    };
    char line[] = "ecs-sim --virtual --duration 1 --stations 2", err[300] = "", *argv[8];
    int argc = 0;
    struct options o;
    struct site site;
    (void)state;
    for (char *save = NULL, *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    assert_true(options_parse(&o, argc, argv, err, sizeof err));
    assert_true(site_open(&site, &o, NULL, no_wake, NULL, err, sizeof err));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(site_do(&site, rows[i].station, rows[i].verb, err, sizeof err));
        char *json = site_state_json(&site);
        const char *second = strstr(json, "\"station\":2"), *found = strstr(json, rows[i].then);
        if (!found || (found > second) != (rows[i].station == 2) || strstr(found + 1, rows[i].then))
            fail_msg("%d %s: %s", rows[i].station, rows[i].verb, json);
        free(json);
    }
    site_close(&site);
}

static void wall_time_without_a_server(void **state)
{
    /* Port 9 (discard) of this machine: nobody listens, the station goes on trying and everything else works.
     */
    static const char text[] = "at 1s 1 plug\n"
                               "expect within 2s 1 pilot == B\n"
                               "expect for 2s 1 station.online == 0\n"
                               "at 4s 1 unplug\n"
                               "expect within 2s 1 station.state == Idle\n";
    char summary[] = "/tmp/runtime-sum-XXXXXX", line[200], json[400] = "";
    (void)state;
    close(mkstemp(summary));
    (void)snprintf(line, sizeof line,
                   "ecs-sim --url ws://127.0.0.1:9/ocpp --stations 2 --quiet --summary %s --control 0",
                   summary);
    assert_int_equal(run(line, text, NULL), EXIT_HELD);
    FILE *f = fopen(summary, "r");
    assert_non_null(fgets(json, sizeof json, f));
    fclose(f);
    assert_string_equal(json,
                        "{\"stations\": 2, \"charged\": 0, \"site_limit_a\": 0, \"max_phase_a\": 0.000, "
                        "\"violations\": 0, \"messages\": 0, \"reconnects\": 0}\n");
    unlink(summary);
    assert_int_equal(
        run("ecs-sim --url ws://127.0.0.1:9/ocpp --quiet --duration 1 --require-charge", NULL, NULL),
        EXIT_FAILED);
    assert_int_equal(
        run("ecs-sim --url ws://127.0.0.1:9/ocpp --quiet --duration 1 --ca-file /nonexistent", NULL, NULL),
        EXIT_NO_START);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_run),    cmocka_unit_test(exit_codes),
        cmocka_unit_test(host_values_and_verbs), cmocka_unit_test(wall_time_without_a_server),
        cmocka_unit_test(state_has_what_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
