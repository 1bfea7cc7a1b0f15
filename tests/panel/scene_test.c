#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "panel/panel.h"
#include "panel/text.h"
#include "tests/panel/cases.h"

struct screen {
    uint16_t pixel[PANEL_WIDTH * PANEL_HEIGHT];
    int flushed;          /* calls */
    int32_t area;         /* pixels in all */
    const uint16_t *last; /* strip of the last call */
    bool alternates;
};

static void keep(void *ctx, const struct scene_area *area, const uint16_t *pixels)
{
    struct screen *s = ctx;
    assert_true(area->x >= 0 && area->y >= 0 && area->w > 0 && area->h > 0);
    assert_true(area->x + area->w <= PANEL_WIDTH && area->y + area->h <= PANEL_HEIGHT);
    assert_true(area->w * area->h <= PANEL_STRIP_PIXELS);
    for (int32_t y = 0; y < area->h; y++)
        memcpy(s->pixel + (area->y + y) * PANEL_WIDTH + area->x, pixels + y * area->w,
               (size_t)area->w * sizeof *pixels);
    s->alternates &= pixels != s->last;
    s->last = pixels;
    s->flushed++;
    s->area += area->w * area->h;
}

static struct panel *panel;
static struct screen *screen, *other;
static uint16_t *strip[2];

static int make(void **state)
{
    (void)state;
    panel = malloc(sizeof *panel);
    screen = calloc(1, sizeof *screen);
    other = calloc(1, sizeof *other);
    strip[0] = malloc(PANEL_STRIP_PIXELS * sizeof *strip[0]);
    strip[1] = malloc(PANEL_STRIP_PIXELS * sizeof *strip[1]);
    return panel && screen && other && strip[0] && strip[1] ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    free(panel);
    free(screen);
    free(other);
    free(strip[0]);
    free(strip[1]);
    return 0;
}

static void draw(struct screen *s, bool swap)
{
    const struct panel_target t = {
        .ctx = s, .strip = {strip[0], strip[1]}, .flush = keep, .swap_bytes = swap};
    s->flushed = 0;
    s->area = 0;
    s->last = NULL;
    s->alternates = true;
    panel_render(panel, &t);
}

static void first_drawing_is_the_whole_screen(void **state)
{
    (void)state;
    struct panel_view v;
    panel_case_view(panel_case_find("ready"), PANEL_ENGLISH, &v);
    panel_init(panel);
    assert_true(panel_show(panel, &v));
    draw(screen, false);
    assert_int_equal(screen->flushed, PANEL_STRIPS);
    assert_int_equal(screen->area, PANEL_WIDTH * PANEL_HEIGHT);
    assert_true(screen->alternates);
    assert_false(panel_show(panel, &v)); /* the same again: nothing to do */
    draw(screen, false);
    assert_int_equal(screen->flushed, 0);
    panel_invalidate(panel);
    draw(screen, false);
    assert_int_equal(screen->area, PANEL_WIDTH * PANEL_HEIGHT);
}

static void only_what_changed_is_drawn(void **state)
{
    (void)state;
    struct panel_view v;
    panel_case_view(panel_case_find("charging"), PANEL_ENGLISH, &v);
    panel_init(panel);
    (void)panel_show(panel, &v);
    draw(screen, false);
    v.duration_s++;
    assert_true(panel_show(panel, &v));
    draw(screen, false);
    assert_in_range(screen->area, 1, PANEL_WIDTH * PANEL_HEIGHT / 20);
}

/* From every view to every other: drawing the difference gives the same pixels as drawing it all. */
static void differences_lead_to_the_same_picture(void **state)
{
    (void)state;
    size_t n = panel_case_count * PANEL_LANGUAGES;
    uint32_t random = 1;
    struct panel_view v;
    panel_init(panel);
    for (int round = 0; round < 400; round++) {
        random = random * 1664525u + 1013904223u;
        size_t pick = random / 65536u % n;
        panel_case_view(&panel_cases[pick / PANEL_LANGUAGES], (enum panel_language)(pick % PANEL_LANGUAGES),
                        &v);
        (void)panel_show(panel, &v);
        if (random / 256u % 4 == 0) /* several changes before the display is drawn */
            continue;
        draw(screen, false);
        panel_invalidate(panel);
        draw(other, false);
        assert_memory_equal(screen->pixel, other->pixel, sizeof screen->pixel);
    }
}

static void bytes_are_swapped_on_request(void **state)
{
    (void)state;
    struct panel_view v;
    panel_case_view(panel_case_find("charging"), PANEL_GERMAN, &v);
    panel_init(panel);
    (void)panel_show(panel, &v);
    draw(screen, false);
    panel_invalidate(panel);
    draw(other, true);
    for (size_t i = 0; i < PANEL_WIDTH * PANEL_HEIGHT; i++)
        assert_int_equal(other->pixel[i], (screen->pixel[i] << 8 | screen->pixel[i] >> 8) & 0xffff);
}

/* Nothing overlaps the edge of the screen, and the lists have room. */
static void every_case_fits(void **state)
{
    (void)state;
    uint16_t most_ops = 0, most_codes = 0;
    for (size_t i = 0; i < panel_case_count; i++)
        for (int l = 0; l < PANEL_LANGUAGES; l++) {
            struct panel_view v;
            panel_init(panel);
            panel_case_view(&panel_cases[i], (enum panel_language)l, &v);
            (void)panel_show(panel, &v);
            const struct scene *s = &panel->scene[panel->turn];
            if (s->full)
                fail_msg("%s: does not find room", panel_cases[i].name);
            most_ops = s->ops > most_ops ? s->ops : most_ops;
            most_codes = s->codes > most_codes ? s->codes : most_codes;
            for (size_t k = 0; k < s->ops; k++) {
                const struct scene_op *op = &s->op[k];
                if (op->x < 0 || op->y < 0 || op->x + op->w > SCENE_WIDTH || op->y + op->h > SCENE_HEIGHT)
                    fail_msg("%s (%s): something at %d,%d of %d x %d leaves the screen", panel_cases[i].name,
                             panel_language_code((enum panel_language)l), op->x, op->y, op->w, op->h);
            }
        }
    print_message("most shapes %u of %d, most characters %u of %d\n", most_ops, SCENE_OPS, most_codes,
                  SCENE_CODES);
}

/* A view of any bytes at all: drawn without harm, and the lists still have room. */
static void senseless_views_do_no_harm(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (int round = 0; round < 300; round++) {
        union {
            struct panel_view v;
            uint8_t byte[sizeof(struct panel_view)];
        } any;
        for (size_t i = 0; i < sizeof any.byte; i++) {
            random = random * 1664525u + 1013904223u;
            any.byte[i] = (uint8_t)(random >> 24);
        }
        struct panel_view v = {.screen = (enum panel_screen)(round % (PANEL_SCREENS + 2)),
                               .language = (enum panel_language)(round % (PANEL_LANGUAGES + 1)),
                               .phases = any.byte[0],
                               .offline = round % 2,
                               .session = round % 3};
        memcpy(&v.installed_ma, any.byte + 8, sizeof v.installed_ma);
        memcpy(&v.offered_ma, any.byte + 16, sizeof v.offered_ma);
        v.offered_ma /= 1 + round % 50000;
        memcpy(&v.supply_mv, any.byte + 24, sizeof v.supply_mv);
        memcpy(v.i_ma, any.byte + 32, sizeof v.i_ma);
        memcpy(&v.power_mw, any.byte + 48, sizeof v.power_mw);
        memcpy(&v.energy_wh, any.byte + 56, sizeof v.energy_wh);
        memcpy(&v.duration_s, any.byte + 64, sizeof v.duration_s);
        memcpy(&v.until_minute, any.byte + 72, sizeof v.until_minute);
        memcpy(&v.wait_s, any.byte + 80, sizeof v.wait_s);
        v.offered_by = (enum limit_slot)any.byte[88];
        v.wait = (enum panel_wait)any.byte[89];
        v.fault = (enum fault)any.byte[90];
        memcpy(&v.update_permille, any.byte + 96, sizeof v.update_permille);
        memcpy(v.name, any.byte + 100, sizeof v.name - 1);
        memcpy(v.code, any.byte + 300, sizeof v.code - 1);
        memcpy(&v.setup, any.byte + 400, sizeof v.setup);
        v.setup.qr[sizeof v.setup.qr - 1] = v.setup.ssid[PANEL_TEXT_MAX - 1] = '\0';
        v.setup.password[PANEL_TEXT_MAX - 1] = v.setup.url[PANEL_TEXT_MAX - 1] = '\0';
        memcpy(v.info.server, any.byte + 200, sizeof v.info.server - 1);
        memcpy(v.info.link, any.byte + 210, sizeof v.info.link - 1);
        memcpy(v.info.log, any.byte + 100, sizeof v.info.log);
        for (int i = 0; i < PANEL_LOG_LINES; i++)
            v.info.log[i][PANEL_LOG_LINE_MAX] = '\0';
        v.info.log_lines = any.byte[91];
        memcpy(v.info.v_mv, any.byte + 500, sizeof v.info.v_mv);
        memcpy(v.info.p_mw, any.byte + 520, sizeof v.info.p_mw);
        memcpy(&v.info.total_wh, any.byte + 540, sizeof v.info.total_wh);
        v.info.meter_valid = true;
        panel_init(panel);
        assert_true(panel_show(panel, &v));
        assert_false(panel->scene[panel->turn].full);
        draw(screen, false);
        assert_int_equal(screen->area, PANEL_WIDTH * PANEL_HEIGHT);
    }
}

static void long_lines_end_in_dots(void **state)
{
    (void)state;
    struct scene *s = &panel->scene[0];
    scene_begin(s, false, 0);
    int32_t w = scene_line(s, SCENE_BODY, 0, 100, 50, SCENE_START, 1, "a line that is far too long for this");
    assert_in_range(w, 60, 100);
    const struct scene_op *op = &s->op[s->ops - 1];
    assert_int_equal(s->code[op->first + op->count - 1], 0x2026);
    assert_int_equal(scene_line(s, SCENE_BODY, 0, 3, 50, SCENE_START, 1, "no room at all"), 0);
    /* From right to left the dots are at the left. */
    scene_begin(s, true, 0);
    (void)scene_line(s, SCENE_BODY, 0, 100, 50, SCENE_START, 1, "بانتظار السيارة بانتظار السيارة");
    op = &s->op[s->ops - 1];
    assert_int_equal(s->code[op->first], 0x2026);
}

static void paragraphs_take_the_largest_font_that_fits(void **state)
{
    (void)state;
    struct scene *s = &panel->scene[0];
    static const struct {
        int32_t w, h;
        enum scene_font f;
        int lines;
    } sizes[] = {{320, 60, SCENE_TITLE, 1},
                 {230, 120, SCENE_TITLE, 2},
                 {230, 60, SCENE_HEAD, 1},
                 {115, 60, SCENE_BODY, 2},
                 {60, 60, SCENE_SMALL, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct scene_area area = {0, 10, sizes[i].w, sizes[i].h};
        scene_begin(s, false, 0);
        int32_t bottom =
            scene_paragraph(s, SCENE_TITLE, SCENE_SMALL, &area, SCENE_START, false, 1, "Ready to go on");
        assert_int_equal(s->ops - 1, sizes[i].lines);
        assert_int_equal(s->op[1].arg, sizes[i].f);
        assert_true(bottom <= area.y + area.h);
    }
}

static void qr_codes_are_made_once_and_refused_when_too_long(void **state)
{
    (void)state;
    struct qr q;
    char text[300];
    assert_true(qr_make(&q, "WIFI:T:WPA;S:x;P:y;;"));
    assert_in_range(qr_side(&q), 21, 49);
    assert_true(qr_dark(&q, 0, 0)); /* the corner of a finder pattern */
    assert_false(qr_make(&q, ""));
    assert_int_equal(qr_side(&q), 0);
    assert_false(qr_dark(&q, 0, 0));
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(qr_make(&q, text));
    assert_int_equal(qr_side(&q), 0);
    text[152] = '\0'; /* ISO/IEC 18004: version 8, level M holds 152 bytes */
    assert_true(qr_make(&q, text));
    assert_int_equal(qr_side(&q), 49);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_drawing_is_the_whole_screen),
        cmocka_unit_test(only_what_changed_is_drawn),
        cmocka_unit_test(differences_lead_to_the_same_picture),
        cmocka_unit_test(bytes_are_swapped_on_request),
        cmocka_unit_test(every_case_fits),
        cmocka_unit_test(senseless_views_do_no_harm),
        cmocka_unit_test(long_lines_end_in_dots),
        cmocka_unit_test(paragraphs_take_the_largest_font_that_fits),
        cmocka_unit_test(qr_codes_are_made_once_and_refused_when_too_long),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
