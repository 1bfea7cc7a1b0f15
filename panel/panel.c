#include "panel/panel.h"

#include <string.h>

#include "panel/pages.h"
#include "panel/screens.h"
#include "panel/text.h"

void panel_init(struct panel *p)
{
    memset(p, 0, sizeof *p);
    panel_invalidate(p);
}

void panel_invalidate(struct panel *p)
{
    for (int i = 0; i < PANEL_STRIPS; i++)
        p->dirty[i] = (struct scene_area){0, i * PANEL_STRIP_LINES, PANEL_WIDTH, PANEL_STRIP_LINES};
}

static void widen(struct scene_area *a, int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
    if (a->h) {
        x0 = a->x < x0 ? a->x : x0;
        y0 = a->y < y0 ? a->y : y0;
        x1 = a->x + a->w > x1 ? a->x + a->w : x1;
        y1 = a->y + a->h > y1 ? a->y + a->h : y1;
    }
    *a = (struct scene_area){x0, y0, x1 - x0, y1 - y0};
}

static void mark_dirty(void *ctx, const struct scene_area *area)
{
    struct panel *p = ctx;
    int32_t x0 = area->x > 0 ? area->x : 0;
    int32_t x1 = area->x + area->w < PANEL_WIDTH ? area->x + area->w : PANEL_WIDTH;
    for (int32_t i = 0; i < PANEL_STRIPS; i++) {
        int32_t top = i * PANEL_STRIP_LINES, bottom = top + PANEL_STRIP_LINES;
        int32_t y0 = area->y > top ? area->y : top;
        int32_t y1 = area->y + area->h < bottom ? area->y + area->h : bottom;
        if (x0 < x1 && y0 < y1)
            widen(&p->dirty[i], x0, y0, x1, y1);
    }
}

bool panel_show(struct panel *p, const struct panel_view *v)
{
    if (strcmp(p->qr_text, v->setup.qr) != 0) {
        text_copy(p->qr_text, sizeof p->qr_text, v->setup.qr);
        (void)qr_make(&p->qr, p->qr_text);
    }
    struct scene *next = &p->scene[!p->turn];
    if (v->screen >= PANEL_INFO_FIRST && v->screen < PANEL_SCREENS)
        panel_page(next, v);
    else
        panel_screen(next, v, &p->qr);
    /* Outside the dirty areas the display has what both scenes agree on. */
    scene_compare(&p->scene[p->turn], next, mark_dirty, p);
    p->turn = !p->turn;
    for (int i = 0; i < PANEL_STRIPS; i++)
        if (p->dirty[i].h)
            return true;
    return false;
}

static void swap(uint16_t *pixel, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        pixel[i] = (uint16_t)(pixel[i] << 8 | pixel[i] >> 8);
}

void panel_render(struct panel *p, const struct panel_target *target)
{
    int turn = 0;
    for (int i = 0; i < PANEL_STRIPS; i++) {
        struct scene_area *a = &p->dirty[i];
        if (!a->h)
            continue;
        uint16_t *pixels = target->strip[turn];
        const struct canvas c = {pixels, a->x, a->y, a->w, a->h};
        scene_paint(&p->scene[p->turn], &c);
        if (target->swap_bytes)
            swap(pixels, a->w * a->h);
        target->flush(target->ctx, a, pixels);
        *a = (struct scene_area){0};
        turn = target->strip[1] ? !turn : 0;
    }
}
