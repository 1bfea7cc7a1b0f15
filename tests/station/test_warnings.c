/* What is no fault but should be known is in the log when it begins and when it ends, once each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "station/warnings.h"

struct lines {
    int n;
    int level;
    char text[LOG_LINE_MAX];
};

static void show(void *ctx, int level, const char *text)
{
    struct lines *l = ctx;
    l->n++;
    l->level = level;
    snprintf(l->text, sizeof l->text, "%s", text);
}

static void each_is_told_when_it_begins_and_ends(void **state)
{
    (void)state;
    struct lines lines = {0};
    struct log log = {.show = show, .show_ctx = &lines};
    struct warnings w = {0};
    struct control_status c = {0};
    bool *const flags[] = {&c.contactor_drift, &c.meter.ct_reversed[0], &c.meter.ct_reversed[1],
                           &c.meter.ct_reversed[2], &c.meter.phase_order_wrong};
    static const char *const words[] = {"contactor", "L1", "L2", "L3", "phases"};
    warnings_step(&w, &c, &log, 1);
    assert_int_equal(lines.n, 0);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        lines.n = 0;
        *flags[i] = true;
        warnings_step(&w, &c, &log, 2);
        warnings_step(&w, &c, &log, 3);
        assert_int_equal(lines.n, 1);
        assert_int_equal(lines.level, LOG_WARNING);
        assert_non_null(strstr(lines.text, words[i]));
        *flags[i] = false;
        warnings_step(&w, &c, &log, 4);
        warnings_step(&w, &c, &log, 5);
        assert_int_equal(lines.n, 2);
        assert_int_equal(lines.level, LOG_INFO);
        assert_non_null(strstr(lines.text, words[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_told_when_it_begins_and_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
