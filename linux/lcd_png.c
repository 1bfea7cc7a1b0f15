#include "linux/lcd_png.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 256, ALL_COLOURS = 65536 };

static uint8_t widened(unsigned v, unsigned bits)
{
    return (uint8_t)(v << (8 - bits) | v >> (2 * bits - 8));
}

static void to_rgb(uint16_t pixel, uint8_t *rgb)
{
    rgb[0] = widened(pixel >> 11, 5);
    rgb[1] = widened(pixel >> 5 & 63u, 6);
    rgb[2] = widened(pixel & 31u, 5);
}

/* A screen has few colours: with a palette its file is a third. Returns their number; 0: too many. */
static unsigned palette_of(const uint16_t *pixels, size_t count, uint16_t *index_of, uint8_t *index,
                           uint8_t *map)
{
    unsigned n = 0;
    memset(index_of, 0, ALL_COLOURS * sizeof *index_of);
    for (size_t i = 0; i < count; i++) {
        if (!index_of[pixels[i]]) {
            if (n == COLOURS)
                return 0;
            to_rgb(pixels[i], map + 3 * n);
            index_of[pixels[i]] = (uint16_t)++n;
        }
        index[i] = (uint8_t)(index_of[pixels[i]] - 1);
    }
    return n;
}

static void *written(png_image *image, const uint8_t *pixels, const uint8_t *map, size_t *len)
{
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(*image);
    void *file = malloc(bytes);
    if (file && !png_image_write_to_memory(image, file, &bytes, 0, pixels, 0, map)) {
        free(file);
        return NULL;
    }
    *len = bytes;
    return file;
}

void *lcd_png(const uint16_t *pixels, int width, int height, size_t *len)
{
    size_t count = (size_t)width * (size_t)height;
    uint8_t *bytes = malloc(count * 3), map[3 * COLOURS];
    uint16_t *index_of = malloc(ALL_COLOURS * sizeof *index_of);
    void *file = NULL;
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = (png_uint_32)width, .height = (png_uint_32)height};
    *len = 0;
    if (bytes && index_of) {
        image.colormap_entries = palette_of(pixels, count, index_of, bytes, map);
        image.format = image.colormap_entries ? PNG_FORMAT_RGB_COLORMAP : PNG_FORMAT_RGB;
        for (size_t i = 0; !image.colormap_entries && i < count; i++)
            to_rgb(pixels[i], bytes + 3 * i);
        file = written(&image, bytes, map, len);
    }
    free(index_of);
    free(bytes);
    return file;
}

static void keep(void *ctx, const struct scene_area *area, const uint16_t *pixels)
{
    uint16_t *screen = ctx;
    for (int32_t y = 0; y < area->h; y++)
        memcpy(screen + (area->y + y) * PANEL_WIDTH + area->x, pixels + y * area->w,
               (size_t)area->w * sizeof *pixels);
}

void *lcd_png_view(const struct panel_view *v, size_t *len)
{
    struct panel *p = malloc(sizeof *p);
    uint16_t *screen = malloc(PANEL_WIDTH * PANEL_HEIGHT * sizeof *screen);
    uint16_t *strip = malloc(PANEL_STRIP_PIXELS * sizeof *strip);
    void *file = NULL;
    if (p && screen && strip) {
        const struct panel_target target = {.ctx = screen, .strip = {strip}, .flush = keep};
        panel_init(p);
        (void)panel_show(p, v);
        panel_render(p, &target);
        file = lcd_png(screen, PANEL_WIDTH, PANEL_HEIGHT, len);
    }
    free(strip);
    free(screen);
    free(p);
    return file;
}
