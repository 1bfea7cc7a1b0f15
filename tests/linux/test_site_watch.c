#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "linux/site_watch.h"

static void look(struct site_watch *w, double a1, double a2, double wh1, double wh2)
{
    const struct world_state s1 = {.amp = {a1, a1 / 2, 0}, .energy_wh = wh1};
    const struct world_state s2 = {.amp = {a2, 0, 0}, .energy_wh = wh2};
    site_watch_station(w, 0, &s1);
    site_watch_station(w, 1, &s2);
    site_watch_round(w);
}

static void sums_and_violations(void **state)
{
    struct site_figures f;
    struct site_watch *w = site_watch_create(2, 32);
    (void)state;
    look(w, 16, 16, 0, 0);
    site_watch_read(w, &f);
    assert_true(f.phase_a[0] == 32 && f.phase_a[1] == 8 && f.phase_a[2] == 0);
    assert_int_equal(f.violations, 0);
    look(w, 16, 16 + SITE_TOLERANCE_A, 0, 0); /* just not above */
    look(w, 16, 16.01 + SITE_TOLERANCE_A, 0.5, 0);
    look(w, 20, 20, 2, 0); /* the same excursion */
    site_watch_read(w, &f);
    assert_int_equal(f.violations, 1);
    assert_int_equal(f.charged, 1);
    assert_true(f.max_phase_a == 40);
    look(w, 10, 10, 3, 1);
    look(w, 20, 20, 3, 1);
    look(w, 0, 0, 3, 1);
    site_watch_read(w, &f);
    assert_int_equal(f.violations, 2);
    assert_int_equal(f.charged, 2);
    assert_true(f.max_phase_a == 40 && f.phase_a[0] == 0);
    site_watch_destroy(w);
}

static void without_a_limit_nothing_is_violated(void **state)
{
    struct site_figures f;
    struct site_watch *w = site_watch_create(2, 0);
    (void)state;
    look(w, 500, 500, 0, 0);
    site_watch_read(w, &f);
    assert_int_equal(f.violations, 0);
    assert_true(f.max_phase_a == 1000 && f.limit_a == 0);
    site_watch_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_and_violations),
                                       cmocka_unit_test(without_a_limit_nothing_is_violated)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
