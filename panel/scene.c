#include "panel/scene.h"

#include <string.h>

#include "panel/text.h"

enum { ELLIPSIS = 0x2026, QR_QUIET = 3, LINES_MAX = 8 };

const struct font *scene_font(enum scene_font f)
{
    static const struct font *const fonts[SCENE_FONTS] = {
        &font_number, &font_title, &font_head, &font_text, &font_small, &font_icon_large, &font_icon_small,
    };
    return fonts[f];
}

/* ---- building ---- */

static struct scene_op *add(struct scene *s, enum scene_kind kind, int32_t x, int32_t y, int32_t w, int32_t h,
                            uint16_t colour)
{
    if (s->ops == SCENE_OPS || w <= 0 || h <= 0) {
        s->full |= s->ops == SCENE_OPS;
        return NULL;
    }
    struct scene_op *op = &s->op[s->ops++];
    *op = (struct scene_op){.x = (int16_t)x,
                            .y = (int16_t)y,
                            .w = (int16_t)w,
                            .h = (int16_t)h,
                            .colour = colour,
                            .kind = (uint8_t)kind};
    return op;
}

/* The x of something w wide, from the side on which lines begin. */
static int32_t side(const struct scene *s, int32_t x, int32_t w)
{
    return s->rtl ? SCENE_WIDTH - x - w : x;
}

void scene_begin(struct scene *s, bool rtl, uint16_t background)
{
    memset(s, 0, sizeof *s);
    s->rtl = rtl;
    (void)add(s, SCENE_FILL, 0, 0, SCENE_WIDTH, SCENE_HEIGHT, background);
}

void scene_fill(struct scene *s, int32_t x, int32_t y, int32_t w, int32_t h, uint16_t colour)
{
    (void)add(s, SCENE_FILL, side(s, x, w), y, w, h, colour);
}

void scene_round(struct scene *s, int32_t x, int32_t y, int32_t w, int32_t h, int32_t radius, uint16_t colour)
{
    struct scene_op *op = add(s, SCENE_ROUND, side(s, x, w), y, w, h, colour);
    if (op)
        op->arg = (uint8_t)radius;
}

/* Glyphs in screen order, with the pen at x. */
static void add_glyphs(struct scene *s, enum scene_font f, int32_t x, int32_t base, uint16_t colour,
                       const uint16_t *codes, size_t n)
{
    const struct font *font = scene_font(f);
    int32_t left = INT16_MAX, right = INT16_MIN, top = INT16_MAX, bottom = INT16_MIN, pen = x;
    if (s->codes + n > SCENE_CODES) {
        s->full = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct font_glyph *g = font_find(font, codes[i]);
        if (!g)
            continue;
        if (g->w && g->h) {
            left = pen + g->left < left ? pen + g->left : left;
            right = pen + g->left + g->w > right ? pen + g->left + g->w : right;
            top = base - g->top < top ? base - g->top : top;
            bottom = base - g->top + g->h > bottom ? base - g->top + g->h : bottom;
        }
        pen += g->advance;
    }
    struct scene_op *op =
        left < right ? add(s, SCENE_TEXT, left, top, right - left, bottom - top, colour) : NULL;
    if (!op)
        return;
    op->arg = (uint8_t)f;
    op->pen = (int16_t)x;
    op->base = (int16_t)base;
    op->first = s->codes;
    op->count = (uint16_t)n;
    memcpy(s->code + s->codes, codes, n * sizeof *codes);
    s->codes = (uint16_t)(s->codes + n);
}

/* The first `count` characters and an ellipsis, arranged. Returns how many glyphs; *width: how wide. */
static size_t shortened(const struct font *font, uint16_t line[SCENE_LINE + 1], const uint16_t *codes,
                        size_t count, bool rtl, int32_t *width)
{
    memcpy(line, codes, count * sizeof *line);
    line[count] = ELLIPSIS;
    size_t shown = text_arrange(line, count + 1, rtl);
    *width = font_width(font, line, shown);
    return shown;
}

/* Arranges and places one line; `mirror`: x counts from the side on which lines begin. */
static int32_t place(struct scene *s, enum scene_font f, int32_t x, int32_t w, int32_t base,
                     enum scene_align align, uint16_t colour, const uint16_t *codes, size_t n, bool rtl)
{
    const struct font *font = scene_font(f);
    uint16_t line[SCENE_LINE + 1];
    size_t whole = n < SCENE_LINE ? n : SCENE_LINE;
    memcpy(line, codes, whole * sizeof *line);
    size_t shown = text_arrange(line, whole, rtl);
    int32_t width = font_width(font, line, shown);
    if (width > w) {
        /* The most characters that fit with dots behind them; dots alone if none do. */
        size_t fits = 0, too_many = whole;
        while (fits + 1 < too_many) {
            size_t half = (fits + too_many) / 2;
            (void)shortened(font, line, codes, half, rtl, &width);
            if (width <= w)
                fits = half;
            else
                too_many = half;
        }
        shown = shortened(font, line, codes, fits, rtl, &width);
    }
    if (width > w)
        return 0;
    int32_t gap = align == SCENE_START ? 0 : align == SCENE_MIDDLE ? (w - width) / 2 : w - width;
    add_glyphs(s, f, side(s, x + gap, width), base, colour, line, shown);
    return width;
}

static bool reads_from_right(const uint16_t *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (codes[i] >= 0x590 && codes[i] <= 0x8ff)
            return true;
        if ((codes[i] | 0x20) >= 'a' && (codes[i] | 0x20) <= 'z')
            return false;
    }
    return false;
}

int32_t scene_line(struct scene *s, enum scene_font f, int32_t x, int32_t w, int32_t base, enum scene_align a,
                   uint16_t colour, const char *utf8)
{
    uint16_t codes[SCENE_LINE];
    size_t n = text_decode(utf8, codes, SCENE_LINE);
    return place(s, f, x, w, base, a, colour, codes, n, s->rtl);
}

int32_t scene_name(struct scene *s, enum scene_font f, int32_t x, int32_t w, int32_t base, enum scene_align a,
                   uint16_t colour, const char *utf8)
{
    uint16_t codes[SCENE_LINE];
    size_t n = text_decode(utf8, codes, SCENE_LINE);
    return place(s, f, x, w, base, a, colour, codes, n, reads_from_right(codes, n));
}

static int32_t width_of(const struct font *font, const uint16_t *codes, size_t n, bool rtl)
{
    uint16_t line[SCENE_LINE];
    memcpy(line, codes, n * sizeof *line);
    return font_width(font, line, text_arrange(line, n, rtl));
}

int32_t scene_width(const struct scene *s, enum scene_font f, const char *utf8)
{
    uint16_t codes[SCENE_LINE];
    size_t n = text_decode(utf8, codes, SCENE_LINE);
    return width_of(scene_font(f), codes, n, s->rtl);
}

static int32_t line_height(const struct font *f)
{
    return f->pixels * 6 / 5;
}

struct lines {
    size_t from[LINES_MAX], count[LINES_MAX];
    int n;
    bool whole; /* everything found room */
};

/* Breaks at spaces so that each line is at most w wide; at most `max` lines. */
static void break_lines(const struct font *font, const uint16_t *codes, size_t n, bool rtl, int32_t w,
                        int max, struct lines *out)
{
    size_t at = 0;
    *out = (struct lines){.whole = true};
    while (at < n) {
        size_t end = at, next = at;
        if (out->n == max) {
            out->whole = false;
            return;
        }
        while (next < n) {
            size_t word = next;
            while (word < n && codes[word] != ' ')
                word++;
            if (width_of(font, codes + at, word - at, rtl) > w)
                break;
            end = word;
            next = word < n ? word + 1 : n;
        }
        if (end == at) { /* a word too long for a line */
            out->whole = false;
            while (end < n && codes[end] != ' ')
                end++;
            next = end < n ? end + 1 : n;
        }
        out->from[out->n] = at;
        out->count[out->n++] = end - at;
        at = next;
    }
}

int32_t scene_paragraph(struct scene *s, enum scene_font largest, enum scene_font smallest,
                        const struct scene_area *area, enum scene_align a, bool middle, uint16_t colour,
                        const char *utf8)
{
    uint16_t codes[SCENE_LINE];
    size_t n = text_decode(utf8, codes, SCENE_LINE);
    struct lines lines;
    enum scene_font f = largest;
    for (;; f++) {
        const struct font *font = scene_font(f);
        int32_t max = (area->h - font->cap - font->descent) / line_height(font) + 1;
        break_lines(font, codes, n, s->rtl, area->w,
                    max > LINES_MAX ? LINES_MAX
                    : max < 1       ? 1
                                    : (int)max,
                    &lines);
        if (lines.whole || f >= smallest)
            break;
    }
    const struct font *font = scene_font(f);
    int32_t height = (lines.n - 1) * line_height(font) + font->cap;
    int32_t top = area->y + (middle ? (area->h - height) / 2 : 0);
    for (int i = 0; i < lines.n; i++) {
        size_t count = i == lines.n - 1 && !lines.whole ? n - lines.from[i] : lines.count[i];
        (void)place(s, f, area->x, area->w, top + font->cap + i * line_height(font), a, colour,
                    codes + lines.from[i], count, s->rtl);
    }
    return top + height;
}

void scene_icon(struct scene *s, enum scene_font f, const struct scene_area *area, uint16_t colour,
                enum icon icon)
{
    const struct font_glyph *g = font_find(scene_font(f), (uint16_t)icon);
    if (!g)
        return;
    const uint16_t code = (uint16_t)icon;
    int32_t x = side(s, area->x, area->w) + (area->w - g->w) / 2 - g->left;
    int32_t y = area->y + (area->h - g->h) / 2 + g->top;
    add_glyphs(s, f, x, y, colour, &code, 1);
}

void scene_qr(struct scene *s, const struct scene_area *area)
{
    int32_t modules = qr_side(&s->qr) + 2 * QR_QUIET;
    int32_t shorter = area->w < area->h ? area->w : area->h;
    int32_t scale = shorter / modules;
    if (qr_side(&s->qr) == 0 || scale == 0)
        return;
    int32_t edge = modules * scale;
    struct scene_op *op = add(s, SCENE_QR, side(s, area->x, area->w) + (area->w - edge) / 2,
                              area->y + (area->h - edge) / 2, edge, edge, 0);
    if (op)
        op->arg = (uint8_t)scale;
}

/* ---- painting ---- */

static void paint_qr(const struct scene *s, const struct scene_op *op, const struct canvas *c)
{
    int32_t scale = op->arg, side_modules = qr_side(&s->qr);
    canvas_fill(c, op->x, op->y, op->w, op->h, 0xffff);
    for (int y = 0; y < side_modules; y++) {
        int32_t top = op->y + (y + QR_QUIET) * scale;
        if (top + scale <= c->y || top >= c->y + c->h)
            continue;
        for (int x = 0; x < side_modules; x++)
            if (qr_dark(&s->qr, x, y))
                canvas_fill(c, op->x + (x + QR_QUIET) * scale, top, scale, scale, op->colour);
    }
}

static void paint_text(const struct scene *s, const struct scene_op *op, const struct canvas *c)
{
    const struct font *font = scene_font((enum scene_font)op->arg);
    int32_t pen = op->pen;
    for (size_t i = 0; i < op->count; i++) {
        const struct font_glyph *g = font_find(font, s->code[op->first + i]);
        if (!g)
            continue;
        canvas_glyph(c, font, g, pen, op->base, op->colour);
        pen += g->advance;
    }
}

static bool covers(const struct scene_op *op, const struct canvas *c)
{
    return op->kind == SCENE_FILL && op->x <= c->x && op->y <= c->y && op->x + op->w >= c->x + c->w &&
           op->y + op->h >= c->y + c->h;
}

static bool touches(const struct scene_op *op, const struct canvas *c)
{
    return op->x < c->x + c->w && op->x + op->w > c->x && op->y < c->y + c->h && op->y + op->h > c->y;
}

void scene_paint(const struct scene *s, const struct canvas *c)
{
    size_t start = 0;
    for (size_t i = 0; i < s->ops; i++) /* what lies under a full cover need not be painted */
        if (covers(&s->op[i], c))
            start = i;
    for (size_t i = start; i < s->ops; i++) {
        const struct scene_op *op = &s->op[i];
        if (!touches(op, c))
            continue;
        switch ((enum scene_kind)op->kind) {
        case SCENE_FILL:
            canvas_fill(c, op->x, op->y, op->w, op->h, op->colour);
            break;
        case SCENE_ROUND:
            canvas_round(c, op->x, op->y, op->w, op->h, op->arg, op->colour);
            break;
        case SCENE_TEXT:
            paint_text(s, op, c);
            break;
        case SCENE_QR:
            paint_qr(s, op, c);
            break;
        }
    }
}

/* ---- comparing ---- */

static bool same_op(const struct scene *a, const struct scene_op *x, const struct scene *b,
                    const struct scene_op *y)
{
    return x->kind == y->kind && x->x == y->x && x->y == y->y && x->w == y->w && x->h == y->h &&
           x->colour == y->colour && x->arg == y->arg && x->pen == y->pen && x->base == y->base &&
           x->count == y->count &&
           !memcmp(a->code + x->first, b->code + y->first, x->count * sizeof *a->code) &&
           (x->kind != SCENE_QR || !memcmp(&a->qr, &b->qr, sizeof a->qr));
}

static void tell(const struct scene_op *op, void (*changed)(void *ctx, const struct scene_area *area),
                 void *ctx)
{
    const struct scene_area area = {op->x, op->y, op->w, op->h};
    changed(ctx, &area);
}

void scene_compare(const struct scene *old, const struct scene *now,
                   void (*changed)(void *ctx, const struct scene_area *area), void *ctx)
{
    size_t a = old->ops, b = now->ops, same = 0;
    while (same < a && same < b && same_op(old, &old->op[same], now, &now->op[same]))
        same++;
    while (a > same && b > same && same_op(old, &old->op[a - 1], now, &now->op[b - 1])) {
        a--;
        b--;
    }
    for (size_t i = same; i < a || i < b; i++) {
        if (i < a && i < b && same_op(old, &old->op[i], now, &now->op[i]))
            continue;
        if (i < a)
            tell(&old->op[i], changed, ctx);
        if (i < b)
            tell(&now->op[i], changed, ctx);
    }
}
