#include "panel/canvas.h"

/* Alpha of 0..15 as 32nds. */
static const uint8_t thirty_seconds[16] = {0, 2, 4, 6, 9, 11, 13, 15, 17, 19, 21, 23, 26, 28, 30, 32};

/* Green moved away from red and blue: all three are mixed in one multiplication. */
static inline uint32_t spread(uint16_t colour)
{
    return (colour | (uint32_t)colour << 16) & 0x07e0f81fu;
}

static inline uint16_t mix(uint16_t under, uint32_t over, uint32_t a32)
{
    uint32_t u = spread(under);
    u = (u + (((over - u) * a32) >> 5)) & 0x07e0f81fu;
    return (uint16_t)(u | u >> 16);
}

static inline uint16_t *pixel_at(const struct canvas *c, int32_t x, int32_t y)
{
    return c->pixel + (y - c->y) * c->w + (x - c->x);
}

static void span(uint16_t *to, int32_t n, uint16_t colour)
{
    for (int32_t i = 0; i < n; i++)
        to[i] = colour;
}

void canvas_fill(const struct canvas *c, int32_t x, int32_t y, int32_t w, int32_t h, uint16_t colour)
{
    int32_t x0 = x > c->x ? x : c->x, x1 = x + w < c->x + c->w ? x + w : c->x + c->w;
    int32_t y0 = y > c->y ? y : c->y, y1 = y + h < c->y + c->h ? y + h : c->y + c->h;
    for (int32_t row = y0; row < y1 && x0 < x1; row++)
        span(pixel_at(c, x0, row), x1 - x0, colour);
}

/* Square root, rounded down. */
static uint32_t root(uint32_t v)
{
    uint32_t r = 0;
    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        if (v >= r + bit) {
            v -= r + bit;
            r = (r >> 1) + bit;
        } else
            r >>= 1;
    }
    return r;
}

static void dot(const struct canvas *c, int32_t x, int32_t y, uint32_t over, uint32_t a32)
{
    if (x < c->x || x >= c->x + c->w || y < c->y || y >= c->y + c->h || a32 == 0)
        return;
    uint16_t *p = pixel_at(c, x, y);
    *p = mix(*p, over, a32);
}

void canvas_round(const struct canvas *c, int32_t x, int32_t y, int32_t w, int32_t h, int32_t radius,
                  uint16_t colour)
{
    int32_t shorter = w < h ? w : h;
    int32_t r = radius < shorter / 2 ? radius : shorter / 2;
    if (y >= c->y + c->h || y + h <= c->y || shorter <= 0)
        return;
    canvas_fill(c, x, y + r, w, h - 2 * r, colour);
    canvas_fill(c, x + r, y, w - 2 * r, r, colour);
    canvas_fill(c, x + r, y + h - r, w - 2 * r, r, colour);
    uint32_t over = spread(colour);
    for (int32_t j = 0; j < r; j++)
        for (int32_t i = 0; i < r; i++) {
            /* Distance of the pixel's middle from the corner's centre, in 32nds of a pixel. */
            int32_t dx = 32 * (r - i) - 16, dy = 32 * (r - j) - 16;
            int32_t inside = 32 * r + 16 - (int32_t)root((uint32_t)(dx * dx + dy * dy));
            uint32_t a32 = inside < 0 ? 0 : inside > 32 ? 32 : (uint32_t)inside;
            dot(c, x + i, y + j, over, a32);
            dot(c, x + w - 1 - i, y + j, over, a32);
            dot(c, x + i, y + h - 1 - j, over, a32);
            dot(c, x + w - 1 - i, y + h - 1 - j, over, a32);
        }
}

enum { TOKEN_LITERAL = 0x40, TOKEN_SOLID = 0xc0, TOKEN_KIND = 0xc0, TOKEN_LENGTH = 0x3f };

/* Goes over one row without drawing. */
static const uint8_t *skip_row(const uint8_t *at, int32_t w)
{
    for (int32_t x = 0; x < w;) {
        int32_t n = (*at & TOKEN_LENGTH) + 1;
        at += 1 + ((*at & TOKEN_KIND) == TOKEN_LITERAL ? (n + 1) / 2 : 0);
        x += n;
    }
    return at;
}

/* `shift`: place of the row's first pixel in the line `to`, which may lie before it; only pixels from `from`
 * to before `until` of the row are drawn. */
static const uint8_t *draw_row(const uint8_t *at, int32_t w, uint16_t *to, int32_t shift, int32_t from,
                               int32_t until, uint16_t colour, uint32_t over)
{
    for (int32_t x = 0; x < w;) {
        uint8_t kind = *at & TOKEN_KIND;
        int32_t n = (*at++ & TOKEN_LENGTH) + 1;
        int32_t first = x < from ? from : x, last = x + n < until ? x + n : until;
        if (kind == TOKEN_SOLID && first < last)
            span(to + (shift + first), last - first, colour);
        if (kind == TOKEN_LITERAL) {
            for (int32_t i = first; i < last; i++) {
                int32_t k = i - x;
                uint32_t a = k & 1 ? at[k / 2] & 15u : (uint32_t)at[k / 2] >> 4;
                if (a)
                    to[shift + i] = mix(to[shift + i], over, thirty_seconds[a]);
            }
            at += (n + 1) / 2;
        }
        x += n;
    }
    return at;
}

void canvas_glyph(const struct canvas *c, const struct font *f, const struct font_glyph *g, int32_t x,
                  int32_t y, uint16_t colour)
{
    int32_t left = x + g->left, top = y - g->top;
    if (top >= c->y + c->h || top + g->h <= c->y || left >= c->x + c->w || left + g->w <= c->x)
        return;
    const uint8_t *at = f->bits + g->at;
    int32_t from = left < c->x ? c->x - left : 0;
    int32_t until = left + g->w > c->x + c->w ? c->x + c->w - left : g->w;
    uint32_t over = spread(colour);
    for (int32_t row = 0; row < g->h && top + row < c->y + c->h; row++) {
        if (top + row < c->y)
            at = skip_row(at, g->w);
        else
            at = draw_row(at, g->w, c->pixel + (top + row - c->y) * c->w, left - c->x, from, until, colour,
                          over);
    }
}
