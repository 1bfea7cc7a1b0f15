/*
 * pictures: writes the panel's screens as PNG files, for the README and the manual.
 *   panel-pictures DIR        the chosen ones, and all screens of a language on a sheet
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/lcd_png.h"
#include "tests/panel/cases.h"

static const char *const chosen[] = {
    "ready",         "authorise",         "charging",  "charging-hot-offline",
    "waiting-until", "waiting-car-after", "fault-rcd", "update",
    "setup-phone",   "info-meter"};
enum { CHOSEN = sizeof chosen / sizeof *chosen, COLUMNS = 4, GAP = 8, ROWS = 2 };

static int save(const char *folder, const char *name, void *file, size_t len)
{
    char path[400];
    (void)snprintf(path, sizeof path, "%s/%s.png", folder, name);
    FILE *f = file ? fopen(path, "wb") : NULL;
    bool ok = f && fwrite(file, 1, len, f) == len;
    if (f && fclose(f) != 0)
        ok = false;
    if (!ok)
        perror(path);
    free(file);
    return ok ? 0 : 1;
}

struct sheet {
    uint16_t *pixel;
    int32_t width, x, y; /* where the next screen goes */
};

static void paste(void *ctx, const struct scene_area *a, const uint16_t *pixels)
{
    const struct sheet *s = ctx;
    for (int32_t y = 0; y < a->h; y++)
        memcpy(s->pixel + (s->y + a->y + y) * s->width + s->x + a->x, pixels + y * a->w,
               (size_t)a->w * sizeof *pixels);
}

/* The first eight of the chosen in one picture. */
static int sheet(const char *folder, enum panel_language l)
{
    enum { WIDTH = COLUMNS * (PANEL_WIDTH + GAP) + GAP, HEIGHT = ROWS * (PANEL_HEIGHT + GAP) + GAP };
    struct sheet s = {.width = WIDTH};
    struct panel *p = malloc(sizeof *p);
    uint16_t *strip = malloc(PANEL_STRIP_PIXELS * sizeof *strip);
    size_t len = 0;
    char name[40];
    s.pixel = malloc((size_t)WIDTH * HEIGHT * sizeof *s.pixel);
    if (!p || !strip || !s.pixel)
        return 1;
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        s.pixel[i] = CANVAS_RGB(0x2b333b);
    for (int i = 0; i < COLUMNS * ROWS; i++) {
        struct panel_view v;
        s.x = GAP + i % COLUMNS * (PANEL_WIDTH + GAP);
        s.y = GAP + i / COLUMNS * (PANEL_HEIGHT + GAP);
        panel_case_view(panel_case_find(chosen[i]), l, &v);
        panel_init(p);
        (void)panel_show(p, &v);
        const struct panel_target t = {.ctx = &s, .strip = {strip}, .flush = paste};
        panel_render(p, &t);
    }
    (void)snprintf(name, sizeof name, "panel-%s", panel_language_code(l));
    void *file = lcd_png(s.pixel, WIDTH, HEIGHT, &len);
    int failed = save(folder, name, file, len);
    free(s.pixel);
    free(strip);
    free(p);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc != 2) {
        fprintf(stderr, "panel-pictures DIR\n");
        return 2;
    }
    for (int i = 0; i < CHOSEN; i++) {
        struct panel_view v;
        char name[80];
        size_t len = 0;
        panel_case_view(panel_case_find(chosen[i]), PANEL_ENGLISH, &v);
        void *file = lcd_png_view(&v, &len);
        (void)snprintf(name, sizeof name, "panel-%s", chosen[i]);
        failed |= save(argv[1], name, file, len);
    }
    for (int l = 0; l < PANEL_LANGUAGES; l++)
        failed |= sheet(argv[1], (enum panel_language)l);
    return failed;
}
