/*
 * font: anti-aliased glyph tables in flash, and how wide a line set in them is.
 *
 * A glyph's pixels are stored row by row as tokens; a token's low six bits are its length − 1:
 *   0x00 clear pixels, 0xc0 full pixels, 0x40 pixels of 4 bits that follow, two in a byte, high half first.
 * No token goes beyond its row. Tables are made by scripts/fonts.sh.
 */
#ifndef PANEL_FONT_H
#define PANEL_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct font_glyph {
    uint32_t at;   /* of its first token in `bits` */
    uint16_t code; /* Unicode; Arabic letters by their presentation forms */
    uint8_t advance;
    int8_t left, top; /* of the pixels: right of the pen, above the base line */
    uint8_t w, h;
};

struct font {
    const struct font_glyph *glyph; /* in the order of their codes */
    const uint8_t *bits;
    uint16_t count;
    uint8_t pixels;          /* size of the em */
    uint8_t ascent, descent; /* of ASCII, above and below the base line */
    uint8_t cap;             /* height of capitals and digits */
};

extern const struct font font_number; /* digits and their punctuation only */
extern const struct font font_title, font_head, font_text, font_small;
extern const struct font font_icon_large, font_icon_small; /* enum icon */

/* Icons are glyphs of the two icon fonts, by Material Icons' own codes. */
enum icon {
    ICON_BOLT = 0xea0b,
    ICON_CLOUD_OFF = 0xe2c1,
    ICON_CHECK = 0xe86c,
    ICON_HOURGLASS = 0xea5b,
    ICON_WARNING = 0xe002,
    ICON_POWER_OFF = 0xe646,
    ICON_UPDATE = 0xe8d7,
    ICON_CONTACTLESS = 0xea71,
    ICON_CAR = 0xe531,
    ICON_CLOCK = 0xe8b5,
    ICON_THERMOMETER = 0xe1ff,
    ICON_PLUG = 0xf102,
    ICON_TOOL = 0xe869,
    ICON_LOCK = 0xe897,
    ICON_GROUP = 0xf233,
    ICON_WIFI_OFF = 0xe648,
    ICON_BLOCKED = 0xe14b,
    ICON_PAUSE = 0xe1a2,
    ICON_STATION = 0xe56d,
    ICON_BATTERY = 0xe1a3,
    ICON_PERSON = 0xe7fd,
    ICON_CABLE = 0xefe6,
    ICON_SETTINGS = 0xe8b8,
    ICON_POWER = 0xe63c,
    ICON_WIFI = 0xe63e,
    ICON_CHIP = 0xe322,
    ICON_METER = 0xe9e4,
    ICON_LOG = 0xef42,
};

/* The glyph, or the one that stands for what a font lacks; NULL if it has not even that. */
const struct font_glyph *font_find(const struct font *f, uint16_t code);
bool font_has(const struct font *f, uint16_t code);
/* Sum of the advances, pixels. */
int32_t font_width(const struct font *f, const uint16_t *codes, size_t n);

#endif
