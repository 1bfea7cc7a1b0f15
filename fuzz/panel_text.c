/*
 * Any bytes as what a person, an installer or a server may have put into a name, set in every font, wrapped,
 * and drawn, in both directions. First byte: direction and width.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "panel/panel.h"
#include "panel/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *ctx, const struct scene_area *area, const uint16_t *pixels)
{
    (void)ctx;
    if (area->w <= 0 || area->h <= 0 || area->w * area->h > PANEL_STRIP_PIXELS || !pixels)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint16_t strip[PANEL_STRIP_PIXELS];
    static struct panel p;
    static struct scene s;
    char text[600];
    if (size == 0)
        return 0;
    size_t len = size - 1 < sizeof text - 1 ? size - 1 : sizeof text - 1;
    memcpy(text, data + 1, len);
    text[len] = '\0';

    int32_t w = 10 + (data[0] >> 1);
    const struct scene_area area = {5, 5, w, 100};
    scene_begin(&s, data[0] & 1, 0);
    for (int f = SCENE_TITLE; f <= SCENE_SMALL; f++)
        if (scene_line(&s, (enum scene_font)f, 5, w, 40, SCENE_MIDDLE, 1, text) > w ||
            scene_name(&s, (enum scene_font)f, 5, w, 40, SCENE_END, 1, text) > w)
            abort(); /* it promises to shorten */
    (void)scene_paragraph(&s, SCENE_TITLE, SCENE_SMALL, &area, SCENE_START, true, 1, text);
    const struct canvas c = {strip, 0, 0, PANEL_WIDTH, PANEL_STRIP_LINES};
    scene_paint(&s, &c);

    struct panel_view v = {.screen = (enum panel_screen)(data[0] % PANEL_SCREENS),
                           .language = (enum panel_language)(data[0] / PANEL_SCREENS % PANEL_LANGUAGES),
                           .offline = data[0] & 1};
    text_copy(v.name, sizeof v.name, text);
    text_copy(v.code, sizeof v.code, text);
    text_copy(v.setup.qr, sizeof v.setup.qr, text);
    text_copy(v.setup.ssid, sizeof v.setup.ssid, text);
    text_copy(v.info.server, sizeof v.info.server, text);
    text_copy(v.info.log[0], sizeof v.info.log[0], text);
    v.info.log_lines = 1;
    panel_init(&p);
    (void)panel_show(&p, &v);
    const struct panel_target t = {.strip = {strip}, .flush = look};
    panel_render(&p, &t);
    return 0;
}
