#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux/options.h"

enum { ARGS_MAX = 40 };

/* Parses a command line cut at blanks. getopt may write into it, so it lives as long as *keep. */
static bool parse(struct options *o, char **keep, const char *line, char *err, size_t cap)
{
    char *argv[ARGS_MAX] = {NULL};
    int argc = 0;
    free(*keep);
    *keep = strdup(line);
    for (char *save = NULL, *w = strtok_r(*keep, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return options_parse(o, argc, argv, err, cap);
}

static void good(void **state)
{
    struct options o;
    char err[300] = "", *keep = NULL;
    (void)state;
    assert_true(parse(&o, &keep, "ecs-sim --url ws://localhost:8887/ocpp --id CP1", err, sizeof err));
    assert_string_equal(o.url, "ws://localhost:8887/ocpp");
    assert_int_equal(o.stations, 1);
    assert_int_equal(o.control_port, -1);
    assert_false(o.virtual_time);

    assert_true(
        parse(&o, &keep,
              "ecs-sim --url=wss://h/x --id A7 --stations 12 --control 0 --set heartbeat_interval=5 --set "
              "station_name=a=b --seed 0x10 --duration 2.5 --site-limit 40 --summary s.json --table --quiet "
              "--password pw --frame-log f --state-dir d --scenario s --keep-running --require-charge",
              err, sizeof err));
    assert_int_equal(o.stations, 12);
    assert_int_equal(o.control_port, 0);
    assert_int_equal(o.settings, 2);
    assert_string_equal(o.set_name[0], "heartbeat_interval");
    assert_string_equal(o.set_value[0], "5");
    assert_string_equal(o.set_name[1], "station_name");
    assert_string_equal(o.set_value[1], "a=b");
    assert_int_equal(o.seed, 16);
    assert_true(o.duration_s == 2.5 && o.site_limit_a == 40);
    assert_true(o.table && o.quiet && o.keep_running && o.require_charge);
    assert_string_equal(o.summary, "s.json");

    assert_true(
        parse(&o, &keep, "ecs-sim --virtual --duration 10 --latency 0 --auto-start", err, sizeof err));
    assert_true(o.virtual_time && o.auto_start && o.latency_ms == 0);
    assert_true(parse(&o, &keep, "ecs-sim --virtual --duration 1m30s", err, sizeof err));
    assert_true(o.duration_s == 90);
    assert_true(parse(&o, &keep, "ecs-sim --version", err, sizeof err));
    assert_true(o.version);
    assert_true(parse(&o, &keep, "ecs-sim --help", err, sizeof err));
    assert_true(o.help);
    free(keep);
}

static void bad(void **state)
{
    static const struct {
        const char *line, *about;
    } rows[] = {
        {"ecs-sim", "--url"},
        {"ecs-sim --url http://h/", "--url"},
        {"ecs-sim --url ws://h/ --bogus", "--bogus"},
        {"ecs-sim --url", "--url needs a value"},
        {"ecs-sim --quiet=1 --url ws://h/", "takes no value"},
        {"ecs-sim -x", "-x: unknown option"},
        {"ecs-sim --url ws://h/ --duration 5 s", "s: not an option"},
        {"ecs-sim --url ws://h/ --duration 5y", "--duration"},
        {"ecs-sim --url ws://h/ extra", "extra"},
        {"ecs-sim --url ws://h/ --stations 0", "--stations"},
        {"ecs-sim --url ws://h/ --stations 1001", "--stations"},
        {"ecs-sim --url ws://h/ --stations 3x", "--stations"},
        {"ecs-sim --url ws://h/ --control 65536", "--control"},
        {"ecs-sim --url ws://h/ --control -1", "--control"},
        {"ecs-sim --url ws://h/ --id a/b", "--id"},
        {"ecs-sim --url ws://h/ --id ..", "--id"},
        {"ecs-sim --url ws://h/ --id 12345678901234567890123456789012345678901234567890", "--id"},
        {"ecs-sim --url ws://h/ --id 123456789012345678901234567890123456789012345x --stations 1000", "--id"},
        {"ecs-sim --url ws://h/ --seed -3", "--seed"},
        {"ecs-sim --url ws://h/ --seed x", "--seed"},
        {"ecs-sim --url ws://h/ --duration 0", "--duration"},
        {"ecs-sim --url ws://h/ --duration nan", "--duration"},
        {"ecs-sim --url ws://h/ --set x", "NAME=VALUE"},
        {"ecs-sim --url ws://h/ --set =5", "NAME=VALUE"},
        {"ecs-sim --url ws://h/ --set no_such=5", "no_such"},
        {"ecs-sim --url ws://h/ --set phases=4", "phases"},
        {"ecs-sim --url ws://h/ --set phases=", "phases"},
        {"ecs-sim --url ws://h/ --set cp_bipolar=perhaps", "cp_bipolar"},
        {"ecs-sim --url ws://h/ --set server_url=ws://x/", "server_url"},
        {"ecs-sim --url ws://h/ --password 12345678901234567890123456789012345678901", "--password"},
        {"ecs-sim --url ws://h/ --auto-start", "--auto-start"},
        {"ecs-sim --virtual", "never end"},
        {"ecs-sim --virtual --scenario s --keep-running", "never end"},
        {"ecs-sim --virtual --url ws://h/ --duration 1", "--url"},
        {"ecs-sim --virtual --duration 1 --control 0", "--control"},
        {"ecs-sim --virtual --duration 1 --latency -1", "--latency"},
        {"ecs-sim --virtual --duration 1 --tolerance 0.5", "--tolerance"},
        {"ecs-sim --virtual --duration 1 --site-limit 0", "--site-limit"},
    };
    struct options o;
    char err[300], *keep = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err[0] = '\0';
        if (parse(&o, &keep, rows[i].line, err, sizeof err))
            fail_msg("taken: %s", rows[i].line);
        if (!strstr(err, rows[i].about))
            fail_msg("%s: says \"%s\", nothing about %s", rows[i].line, err, rows[i].about);
    }
    free(keep);
}

static void ids(void **state)
{
    static const struct {
        const char *id;
        int index, count;
        const char *expected;
    } rows[] = {
        {"CP1", 0, 1, "CP1"},
        {"CP1", 0, 3, "CP1"},
        {"CP1", 2, 3, "CP3"},
        {"CP09", 1, 3, "CP10"},
        {"CP009", 1, 3, "CP010"},
        {"CP", 0, 3, "CP-1"},
        {"CP", 0, 1, "CP"},
        {"7", 5, 9, "12"},
        {"X9999999999", 1, 2, "X91000000000"},
        {"depot-a1b", 1, 2, "depot-a1b-2"},
    };
    char id[OPTIONS_ID_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(options_station_id(rows[i].id, rows[i].index, rows[i].count, id, sizeof id));
        assert_string_equal(id, rows[i].expected);
    }
}

/* Every option of the help is one that the parser knows. */
static void help_is_true(void **state)
{
    struct options o;
    char err[300], *keep = NULL, name[40], line[200];
    unsigned seen = 0;
    (void)state;
    for (const char *p = options_help(); (p = strstr(p, "  --")); p += 4) {
        size_t len = strcspn(p + 2, " \n");
        assert_true(len < sizeof name);
        memcpy(name, p + 2, len);
        name[len] = '\0';
        bool takes_value = p[2 + len] == ' ' && p[3 + len] >= 'A' && p[3 + len] <= 'Z';
        (void)snprintf(line, sizeof line, "ecs-sim %s%s", name, takes_value ? " 1" : "");
        err[0] = '\0';
        if (!parse(&o, &keep, line, err, sizeof err) && strstr(err, "unknown option"))
            fail_msg("%s is in the help, but: %s", line, err);
        seen++;
    }
    assert_true(seen >= 24);
    free(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(ids),
                                       cmocka_unit_test(help_is_true)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
