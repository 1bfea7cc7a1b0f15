/*
 * lcd_png: what the panel shows, as a PNG file in memory.
 */
#ifndef LINUX_LCD_PNG_H
#define LINUX_LCD_PNG_H

#include "panel/panel.h"

/* RGB565 pixels to PNG; NULL: no memory. The caller frees it. */
void *lcd_png(const uint16_t *pixels, int width, int height, size_t *len);
/* Draws the view from nothing, then the same. */
void *lcd_png_view(const struct panel_view *v, size_t *len);

#endif
