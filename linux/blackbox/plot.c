/* plot: lanes below each other, one time axis; see plot.h. */
#include "linux/blackbox/plot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/evse.h"
#include "core/fault.h"
#include "panel/canvas.h"

enum {
    LEFT = 90,
    RIGHT = 20,
    TOP = 64,
    LANES = 6,
    LANE_GAP = 26,
    BOTTOM = 40,
    LANE_H = (PLOT_HEIGHT - TOP - BOTTOM - LANES * LANE_GAP) / LANES,
    LANE_W = PLOT_WIDTH - LEFT - RIGHT,
    SERIES_MAX = 3,
    LABEL = 64,
};

#define BACK  CANVAS_RGB(0xffffffu)
#define INK   CANVAS_RGB(0x202428u)
#define GREY  CANVAS_RGB(0x70767cu)
#define GRID  CANVAS_RGB(0xe2e5e8u)
#define FAULT CANVAS_RGB(0xd02020u)
static const uint16_t colours[SERIES_MAX] = {CANVAS_RGB(0x8a4b10u), CANVAS_RGB(0x1d5fd0u),
                                             CANVAS_RGB(0x2b8a3eu)};

struct series {
    const char *name;
    int32_t (*value)(const struct blackbox_sample *s);
};

struct lane {
    const char *title, *unit;
    int32_t scale;    /* stored units in one of `unit` */
    int32_t low, top; /* shown at least, stored units */
    struct series series[SERIES_MAX];
};

static int32_t cp_high(const struct blackbox_sample *s)
{
    return s->cp_high_mv;
}
static int32_t cp_low(const struct blackbox_sample *s)
{
    return s->cp_low_mv;
}
static int32_t pp(const struct blackbox_sample *s)
{
    return s->pp_mv;
}
static int32_t duty(const struct blackbox_sample *s)
{
    return s->duty_bp;
}
static int32_t v1(const struct blackbox_sample *s)
{
    return s->v_dv[0];
}
static int32_t v2(const struct blackbox_sample *s)
{
    return s->v_dv[1];
}
static int32_t v3(const struct blackbox_sample *s)
{
    return s->v_dv[2];
}
static int32_t i1(const struct blackbox_sample *s)
{
    return s->i_cma[0];
}
static int32_t i2(const struct blackbox_sample *s)
{
    return s->i_cma[1];
}
static int32_t i3(const struct blackbox_sample *s)
{
    return s->i_cma[2];
}

static const struct lane lanes[LANES - 1] = {
    {"Control pilot", "V", 1000, -12000, 12000, {{"high", cp_high}, {"low", cp_low}}},
    {"Duty", "%", 100, 0, 10000, {{"driven", duty}}},
    {"Voltage", "V", 10, 0, 2500, {{"L1", v1}, {"L2", v2}, {"L3", v3}}},
    {"Current", "A", 100, 0, 1000, {{"L1", i1}, {"L2", i2}, {"L3", i3}}},
    {"Proximity", "V", 1000, 0, 3300, {{"PP", pp}}},
};

/* ---- marks on the canvas ---- */

static int32_t text_at(const struct canvas *c, int32_t x, int32_t y, uint16_t colour, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const struct font_glyph *g = font_find(&font_small, *p < 0x80 ? *p : '?');
        if (!g)
            continue;
        canvas_glyph(c, &font_small, g, x, y, colour);
        x += g->advance;
    }
    return x;
}

static int32_t text_width(const char *text)
{
    int32_t w = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const struct font_glyph *g = font_find(&font_small, *p < 0x80 ? *p : '?');
        w += g ? g->advance : 0;
    }
    return w;
}

struct axis {
    int64_t from_us, to_us;
};

static int32_t x_of(const struct axis *a, int64_t us)
{
    int64_t span = a->to_us > a->from_us ? a->to_us - a->from_us : 1;
    return LEFT + (int32_t)((us - a->from_us) * (LANE_W - 1) / span);
}

static int32_t lane_y(int lane)
{
    return TOP + lane * (LANE_H + LANE_GAP) + LANE_GAP;
}

static void frame(const struct canvas *c, const struct axis *a, int lane)
{
    int32_t y = lane_y(lane);
    for (int64_t s = a->from_us / 500000 - 1; s * 500000 <= a->to_us; s++)
        if (s * 500000 >= a->from_us)
            canvas_fill(c, x_of(a, s * 500000), y, 1, LANE_H, GRID);
    canvas_fill(c, LEFT, y + LANE_H, LANE_W, 1, GREY);
    canvas_fill(c, LEFT - 1, y, 1, LANE_H + 1, GREY);
    if (a->from_us <= 0 && a->to_us >= 0)
        canvas_fill(c, x_of(a, 0), y, 2, LANE_H, FAULT);
}

/* ---- lanes ---- */

static void range_of(const struct lane *l, const struct box *b, int32_t *low, int32_t *top)
{
    *low = l->low;
    *top = l->top;
    for (int k = 0; k < SERIES_MAX && l->series[k].name; k++) {
        for (size_t i = 0; i < b->count; i++) {
            int32_t v = l->series[k].value(&b->sample[i]);
            if (v < *low)
                *low = v;
            if (v > *top)
                *top = v;
        }
    }
}

static void scale_text(const struct canvas *c, int32_t y, int32_t v, const struct lane *l)
{
    char text[LABEL];
    (void)snprintf(text, sizeof text, "%.4g %s", (double)v / l->scale, l->unit);
    (void)text_at(c, LEFT - 8 - text_width(text), y, GREY, text);
}

static void draw_series(const struct canvas *c, const struct axis *a, const struct box *b, int32_t y,
                        int32_t low, int32_t top, int32_t (*value)(const struct blackbox_sample *),
                        uint16_t colour)
{
    int32_t before = 0;
    for (size_t i = 0; i < b->count; i++) {
        int64_t v = value(&b->sample[i]);
        int32_t at = y + LANE_H - 2 - (int32_t)((v - low) * (LANE_H - 4) / (top - low));
        int32_t x = x_of(a, box_time_us(b, i));
        int32_t next = i + 1 < b->count ? x_of(a, box_time_us(b, i + 1)) : x + 2;
        if (i && before != at) /* the step up or down */
            canvas_fill(c, x, before < at ? before : at, 2, (before < at ? at - before : before - at) + 2,
                        colour);
        canvas_fill(c, x, at, next - x < 2 ? 2 : next - x, 2, colour);
        before = at;
    }
}

static void draw_lane(const struct canvas *c, const struct axis *a, const struct box *b, int lane)
{
    const struct lane *l = &lanes[lane];
    int32_t low, top, y = lane_y(lane);
    range_of(l, b, &low, &top);
    frame(c, a, lane);
    int32_t x = text_at(c, LEFT, y - 7, INK, l->title) + 16;
    scale_text(c, y + 14, top, l);
    scale_text(c, y + LANE_H, low, l);
    if (low < 0)
        canvas_fill(c, LEFT, y + LANE_H - 2 - (int32_t)((int64_t)-low * (LANE_H - 4) / (top - low)), LANE_W,
                    1, GRID);
    for (int k = 0; k < SERIES_MAX && l->series[k].name; k++) {
        canvas_fill(c, x, y - 13, 14, 3, colours[k]);
        x = text_at(c, x + 18, y - 7, colours[k], l->series[k].name) + 14;
        draw_series(c, a, b, y, low, top, l->series[k].value, colours[k]);
    }
}

/* Switches and states: a bar where it is on, and the pilot's letter and the state where they change. */
static void draw_states(const struct canvas *c, const struct axis *a, const struct box *b)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } rows[] = {{"coil", BLACKBOX_COIL},
                {"aux", BLACKBOX_AUX},
                {"closed", BLACKBOX_CLOSED},
                {"allowed", BLACKBOX_AUTHORISED}};
    enum { ROWS = sizeof rows / sizeof rows[0], ROW_H = LANE_H / (ROWS + 2) };
    int lane = LANES - 1;
    int32_t y = lane_y(lane);
    frame(c, a, lane);
    (void)text_at(c, LEFT, y - 7, INK, "Switches, pilot, state");
    for (int k = 0; k < (int)ROWS; k++) {
        int32_t row = y + k * ROW_H;
        (void)text_at(c, LEFT - 8 - text_width(rows[k].name), row + ROW_H - 4, GREY, rows[k].name);
        for (size_t i = 0; i < b->count; i++) {
            int32_t x = x_of(a, box_time_us(b, i));
            int32_t next = i + 1 < b->count ? x_of(a, box_time_us(b, i + 1)) : x + 1;
            if (b->sample[i].flags & rows[k].flag)
                canvas_fill(c, x, row + 4, next - x < 1 ? 1 : next - x, ROW_H - 7, colours[k % SERIES_MAX]);
        }
    }
    char before[LABEL] = "";
    int32_t free_from = LEFT;
    for (size_t i = 0; i < b->count; i++) {
        const struct blackbox_sample *s = &b->sample[i];
        char text[LABEL];
        (void)snprintf(text, sizeof text, "%c %.30s%s%.20s",
                       s->pilot >= ' ' && s->pilot < 0x7f ? s->pilot : '?',
                       evse_state_name((enum evse_state)s->state), s->fault ? " " : "",
                       s->fault ? fault_name((enum fault)s->fault) : "");
        if (!strcmp(text, before))
            continue;
        memcpy(before, text, sizeof before);
        int32_t x = x_of(a, box_time_us(b, i));
        canvas_fill(c, x, y + (int32_t)ROWS * ROW_H, 1, 2 * ROW_H, INK);
        if (x < free_from) /* too close to the one before to be read: only its mark */
            continue;
        free_from = text_at(c, x + 4, y + ((int32_t)ROWS + 1) * ROW_H, INK, text) + 6;
    }
}

static void draw_heads(const struct canvas *c, const struct axis *a, const struct box_file *f,
                       const struct box *b)
{
    char text[400];
    (void)snprintf(text, sizeof text, "Station %s, firmware %s: fault %s (%ld) at %s", f->station,
                   f->firmware, b->fault, b->detail, b->at);
    (void)text_at(c, 16, 26, INK, text);
    (void)snprintf(
        text, sizeof text,
        "Black box %lu: %zu samples, one every %.3g ms; the red line is the fault, seconds from there",
        b->number, b->count, b->period_us / 1000.0);
    (void)text_at(c, 16, 50, GREY, text);
    for (int64_t s = a->from_us / 1000000 - 1; s * 1000000 <= a->to_us; s++) {
        if (s * 1000000 < a->from_us)
            continue;
        (void)snprintf(text, sizeof text, "%+" PRId64 " s", s);
        (void)text_at(c, x_of(a, s * 1000000) - text_width(text) / 2, lane_y(LANES - 1) + LANE_H + 22, GREY,
                      text);
    }
}

uint16_t *plot_box(const struct box_file *f, const struct box *b)
{
    uint16_t *pixels = malloc(sizeof *pixels * PLOT_WIDTH * PLOT_HEIGHT);
    if (!pixels)
        return NULL;
    const struct canvas c = {.pixel = pixels, .w = PLOT_WIDTH, .h = PLOT_HEIGHT};
    struct axis a = {.from_us = 0, .to_us = 1};
    for (size_t i = 0; i < b->count; i++) { /* the clock of a file from elsewhere may jump */
        int64_t t = box_time_us(b, i);
        if (i == 0 || t < a.from_us)
            a.from_us = t;
        if (i == 0 || t > a.to_us)
            a.to_us = t;
    }
    if (a.to_us - a.from_us > 100000000) /* a hundred seconds: more marks than pixels would help nobody */
        a.to_us = a.from_us + 100000000;
    canvas_fill(&c, 0, 0, PLOT_WIDTH, PLOT_HEIGHT, BACK);
    for (int i = 0; i < LANES - 1; i++)
        draw_lane(&c, &a, b, i);
    draw_states(&c, &a, b);
    draw_heads(&c, &a, f, b);
    return pixels;
}
