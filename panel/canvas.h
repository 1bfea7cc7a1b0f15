/*
 * canvas: draws shapes and glyphs into a rectangle of RGB565 pixels, which is a window on the screen: what
 * falls outside is cut off.
 */
#ifndef PANEL_CANVAS_H
#define PANEL_CANVAS_H

#include <stdbool.h>

#include "panel/font.h"

/* 0xRRGGBB to RGB565. */
#define CANVAS_RGB(c) ((uint16_t)((((c) >> 8) & 0xf800u) | (((c) >> 5) & 0x07e0u) | (((c) >> 3) & 0x001fu)))

struct canvas {
    uint16_t *pixel;
    int32_t x, y, w, h; /* of the window on the screen */
};

void canvas_fill(const struct canvas *c, int32_t x, int32_t y, int32_t w, int32_t h, uint16_t colour);
/* With smooth round corners; the radius is cut to half the shorter side. */
void canvas_round(const struct canvas *c, int32_t x, int32_t y, int32_t w, int32_t h, int32_t radius,
                  uint16_t colour);
/* `x`: the pen, `y`: the base line. */
void canvas_glyph(const struct canvas *c, const struct font *f, const struct font_glyph *g, int32_t x,
                  int32_t y, uint16_t colour);

#endif
