/*
 * screens: the layout of each screen that a person at the station sees in daily use.
 */
#ifndef PANEL_SCREENS_H
#define PANEL_SCREENS_H

#include "panel/panel.h"

/* Colours. Dark text on white is what a TFT shows best in sunlight; each state has its own ground, and its
 * own icon and words for those who do not see it. */
enum {
    PANEL_WHITE = CANVAS_RGB(0xffffff),
    PANEL_INK = CANVAS_RGB(0x0f1b26),
    PANEL_GREY = CANVAS_RGB(0x56646f),
    PANEL_LIGHT = CANVAS_RGB(0xe3e8ec),
    PANEL_GREEN = CANVAS_RGB(0x007a3d),
    PANEL_BLUE = CANVAS_RGB(0x0050b3),
    PANEL_SKY = CANVAS_RGB(0x9fd0ff),
    PANEL_AMBER = CANVAS_RGB(0xffb81c),
    PANEL_RED = CANVAS_RGB(0xc20a22),
    PANEL_VIOLET = CANVAS_RGB(0x5b2d90),
};
enum { PANEL_BAR = 30, PANEL_MARGIN = 12 };

/* Name of the station and the offline badge, on a ground. */
void panel_status_bar(struct scene *s, const struct panel_view *v, uint16_t ground, uint16_t ink);
/* Any screen but the information pages. `qr`: of v->setup.qr. */
void panel_screen(struct scene *s, const struct panel_view *v, const struct qr *qr);

#endif
