#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "panel/browse.h"

static const uint64_t second = 1000000;

static enum panel_screen seen(struct browse *b, enum panel_screen screen, uint64_t now_us)
{
    struct panel_view v = {.screen = screen};
    browse_apply(b, &v, now_us);
    return v.screen;
}

static void short_presses_lead_through_the_pages(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, 0);
    assert_int_equal(seen(&b, PANEL_READY, 0), PANEL_READY);
    for (int i = 0; i < PANEL_INFO_PAGES; i++) {
        assert_int_equal(browse_button(&b, 200, second), BROWSE_NOTHING);
        assert_int_equal(seen(&b, PANEL_READY, second), PANEL_INFO_FIRST + i);
    }
    assert_int_equal(browse_button(&b, 200, second), BROWSE_NOTHING);
    assert_int_equal(seen(&b, PANEL_READY, second), PANEL_READY);
}

static void a_page_does_not_stay(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, 0);
    (void)browse_button(&b, 200, 0);
    assert_int_equal(seen(&b, PANEL_CHARGING, BROWSE_PAGE_US - 1), PANEL_INFO_NETWORK);
    assert_int_equal(seen(&b, PANEL_CHARGING, BROWSE_PAGE_US), PANEL_CHARGING);
    (void)browse_button(&b, 200, BROWSE_PAGE_US + second); /* begins with the first page again */
    assert_int_equal(seen(&b, PANEL_CHARGING, BROWSE_PAGE_US + second), PANEL_INFO_NETWORK);
}

static void what_matters_more_pushes_a_page_aside(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, 0);
    (void)browse_button(&b, 200, 0);
    assert_int_equal(seen(&b, PANEL_FAULT, 0), PANEL_FAULT);
    assert_int_equal(seen(&b, PANEL_UPDATE, 0), PANEL_UPDATE);
    assert_int_equal(seen(&b, PANEL_SETUP, 0), PANEL_SETUP);
    assert_int_equal(seen(&b, PANEL_READY, 0), PANEL_INFO_NETWORK);
}

static void long_presses_ask_for_something(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, 0);
    (void)browse_button(&b, 200, 0);
    assert_int_equal(browse_button(&b, BROWSE_LONG_MS - 1, 0), BROWSE_NOTHING);
    assert_int_equal(browse_button(&b, BROWSE_LONG_MS, 0), BROWSE_STOP_CHARGING);
    assert_int_equal(seen(&b, PANEL_CHARGING, 0), PANEL_CHARGING); /* back from the page */
    assert_int_equal(browse_button(&b, BROWSE_SETUP_MS - 1, 0), BROWSE_STOP_CHARGING);
    assert_int_equal(browse_button(&b, BROWSE_SETUP_MS, 0), BROWSE_SETUP);
    assert_int_equal(browse_button(&b, UINT32_MAX, 0), BROWSE_SETUP);
}

static void the_light_dims_and_the_first_press_only_wakes(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, second);
    assert_int_equal(seen(&b, PANEL_READY, second), PANEL_READY);
    assert_int_equal(browse_backlight(&b, second + BROWSE_AWAKE_US - 1), BROWSE_BRIGHT_PERCENT);
    uint64_t late = second + BROWSE_AWAKE_US;
    assert_int_equal(browse_backlight(&b, late), BROWSE_DIM_PERCENT);
    assert_int_equal(browse_button(&b, 200, late), BROWSE_NOTHING);
    assert_int_equal(browse_backlight(&b, late), BROWSE_BRIGHT_PERCENT);
    assert_int_equal(seen(&b, PANEL_READY, late), PANEL_READY);
    (void)browse_button(&b, 200, late);
    assert_int_equal(seen(&b, PANEL_READY, late), PANEL_INFO_NETWORK);
}

static void a_new_state_wakes(void **state)
{
    (void)state;
    struct browse b;
    browse_init(&b, 0);
    (void)seen(&b, PANEL_READY, 0);
    uint64_t late = 3 * (uint64_t)BROWSE_AWAKE_US;
    assert_int_equal(seen(&b, PANEL_READY, late), PANEL_READY);
    assert_int_equal(browse_backlight(&b, late), BROWSE_DIM_PERCENT);
    assert_int_equal(seen(&b, PANEL_AUTHORISE, late), PANEL_AUTHORISE);
    assert_int_equal(browse_backlight(&b, late), BROWSE_BRIGHT_PERCENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_presses_lead_through_the_pages),
        cmocka_unit_test(a_page_does_not_stay),
        cmocka_unit_test(what_matters_more_pushes_a_page_aside),
        cmocka_unit_test(long_presses_ask_for_something),
        cmocka_unit_test(the_light_dims_and_the_first_press_only_wakes),
        cmocka_unit_test(a_new_state_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
