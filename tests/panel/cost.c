/*
 * cost: lays out and draws every screen in full, once, for counting instructions:
 *   valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=panel_show
 *            --toggle-collect=panel_render panel-cost [CASE [LANGUAGE]]
 * Without arguments all cases in all languages are drawn and their number is printed, for the mean.
 */
#include <stdio.h>
#include <string.h>

#include "tests/panel/cases.h"

static void take(void *ctx, const struct scene_area *area, const uint16_t *pixels)
{
    uint32_t *sum = ctx; /* so that no compiler leaves the drawing out */
    *sum += pixels[area->w * area->h - 1];
}

int main(int argc, char **argv)
{
    static uint16_t strip[PANEL_STRIP_PIXELS];
    static struct panel panel;
    uint32_t sum = 0;
    unsigned drawn = 0;
    for (size_t i = 0; i < panel_case_count; i++)
        for (int l = 0; l < PANEL_LANGUAGES; l++) {
            struct panel_view v;
            if ((argc > 1 && strcmp(argv[1], panel_cases[i].name) != 0) ||
                (argc > 2 && strcmp(argv[2], panel_language_code((enum panel_language)l)) != 0))
                continue;
            panel_case_view(&panel_cases[i], (enum panel_language)l, &v);
            panel_init(&panel);
            (void)panel_show(&panel, &v);
            const struct panel_target t = {.ctx = &sum, .strip = {strip}, .flush = take, .swap_bytes = true};
            panel_render(&panel, &t);
            drawn++;
        }
    printf("%u screens of %zu bytes of state (%u)\n", drawn, sizeof panel, sum & 1u);
    return drawn ? 0 : 1;
}
