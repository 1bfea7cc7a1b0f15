/*
 * scene: what is on the screen, as a list of shapes and lines of text in the order of painting.
 *
 * A screen is laid out once into a scene; strips are painted from it, and two scenes compared say what has to
 * be painted again. In a right-to-left scene everything is mirrored: left edges are right edges.
 */
#ifndef PANEL_SCENE_H
#define PANEL_SCENE_H

#include "panel/canvas.h"
#include "panel/qr/qr.h"

enum { SCENE_WIDTH = 320, SCENE_HEIGHT = 240, SCENE_OPS = 56, SCENE_CODES = 700, SCENE_LINE = 160 };

enum scene_kind { SCENE_FILL, SCENE_ROUND, SCENE_TEXT, SCENE_QR };
enum scene_align { SCENE_START, SCENE_MIDDLE, SCENE_END };

struct scene_op {
    int16_t x, y, w, h; /* all that it touches */
    uint16_t colour;
    uint8_t kind;
    uint8_t arg;           /* SCENE_ROUND: radius; SCENE_TEXT: font; SCENE_QR: pixels per module */
    int16_t pen, base;     /* SCENE_TEXT */
    uint16_t first, count; /* SCENE_TEXT: in code[] */
};

struct scene {
    bool rtl;
    bool full; /* something did not find room and is missing */
    uint16_t ops, codes;
    struct scene_op op[SCENE_OPS];
    uint16_t code[SCENE_CODES];
    struct qr qr; /* at most one per scene */
};

struct scene_area {
    int32_t x, y, w, h;
};

enum scene_font {
    SCENE_NUMBER,
    SCENE_TITLE,
    SCENE_HEAD,
    SCENE_BODY,
    SCENE_SMALL,
    SCENE_ICON_LARGE,
    SCENE_ICON_SMALL,
    SCENE_FONTS
};
const struct font *scene_font(enum scene_font f);

void scene_begin(struct scene *s, bool rtl, uint16_t background);
void scene_fill(struct scene *s, int32_t x, int32_t y, int32_t w, int32_t h, uint16_t colour);
void scene_round(struct scene *s, int32_t x, int32_t y, int32_t w, int32_t h, int32_t radius,
                 uint16_t colour);

/* One line inside x..x+w, its base line at `base`; shortened by "…" if it is too long. Returns its width. */
int32_t scene_line(struct scene *s, enum scene_font f, int32_t x, int32_t w, int32_t base, enum scene_align a,
                   uint16_t colour, const char *utf8);
/* The same, but of free text whose direction is its own and not the language's. */
int32_t scene_name(struct scene *s, enum scene_font f, int32_t x, int32_t w, int32_t base, enum scene_align a,
                   uint16_t colour, const char *utf8);
int32_t scene_width(const struct scene *s, enum scene_font f, const char *utf8);

/* Words broken into lines, in the largest font from `largest` down to `smallest` in which they fit into the
 * area, in its vertical middle if `middle`. Returns the y below the last line. */
int32_t scene_paragraph(struct scene *s, enum scene_font largest, enum scene_font smallest,
                        const struct scene_area *area, enum scene_align a, bool middle, uint16_t colour,
                        const char *utf8);

/* Centred in the area. */
void scene_icon(struct scene *s, enum scene_font f, const struct scene_area *area, uint16_t colour,
                enum icon icon);
/* The code in s->qr, as large as whole pixels per module allow, with its quiet zone on white. */
void scene_qr(struct scene *s, const struct scene_area *area);

/* Paints all that touches the canvas. */
void scene_paint(const struct scene *s, const struct canvas *c);

/* Calls `changed` with each area that the two differ in. */
void scene_compare(const struct scene *old, const struct scene *now,
                   void (*changed)(void *ctx, const struct scene_area *area), void *ctx);

#endif
