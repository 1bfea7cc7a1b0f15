/*
 * fonts: turns outline fonts into the C tables of panel/fonts/. Run by scripts/fonts.sh when the fonts are to
 * change, never by an ordinary build.
 *
 *   fonts NAME PIXELS TABULAR FILE RANGES [FILE RANGES SCALE_PERCENT]... > panel/fonts/NAME.c
 *
 * RANGES: hexadecimal code points and ranges, "20-7e,a0,100-17f", or "panel": what panel/strings.def needs.
 * TABULAR 1: all digits get one advance. The table's form is told in panel/font.h.
 */
#include <ft2build.h>
#include FT_FREETYPE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panel/text.h"

enum { GLYPHS_MAX = 2000, RUN_MAX = 64, SKIP = 0x00, LITERAL = 0x40, SOLID = 0xc0 };

struct glyph {
    unsigned code, advance, w, h;
    int left, top;
    uint8_t *bits; /* as stored */
    size_t len;
};

static struct glyph glyph[GLYPHS_MAX];
static size_t glyphs;

static void die(const char *what, const char *which)
{
    fprintf(stderr, "fonts: %s %s\n", what, which);
    exit(1);
}

/* 0..15 of a pixel. */
static unsigned alpha(const FT_Bitmap *b, unsigned x, unsigned y)
{
    return (b->buffer[(int)y * b->pitch + (int)x] * 15u + 127u) / 255u;
}

static void store_row(struct glyph *g, const FT_Bitmap *b, unsigned y)
{
    for (unsigned x = 0; x < b->width;) {
        unsigned a = alpha(b, x, y), n = 1;
        if (a == 0 || a == 15) {
            while (x + n < b->width && n < RUN_MAX && alpha(b, x + n, y) == a)
                n++;
            g->bits[g->len++] = (uint8_t)((a ? SOLID : SKIP) | (n - 1));
            x += n;
            continue;
        }
        /* A literal goes on through short runs, which would cost more as tokens of their own. */
        for (; x + n < b->width && n < RUN_MAX; n++) {
            unsigned c = alpha(b, x + n, y), same = 1;
            while (x + n + same < b->width && alpha(b, x + n + same, y) == c)
                same++;
            if ((c == 0 || c == 15) && (same > 3 || x + n + same >= b->width))
                break;
        }
        g->bits[g->len++] = (uint8_t)(LITERAL | (n - 1));
        for (unsigned i = 0; i < n; i += 2)
            g->bits[g->len++] = (uint8_t)(alpha(b, x + i, y) << 4 | (i + 1 < n ? alpha(b, x + i + 1, y) : 0));
        x += n;
    }
}

static void take(FT_Face face, unsigned code)
{
    FT_UInt index = FT_Get_Char_Index(face, code);
    if (!index)
        return;
    for (size_t i = 0; i < glyphs; i++)
        if (glyph[i].code == code)
            return;
    if (glyphs == GLYPHS_MAX)
        die("too many glyphs", "");
    if (FT_Load_Glyph(face, index, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT))
        die("can't render", "a glyph");
    const FT_GlyphSlot slot = face->glyph;
    const FT_Bitmap *b = &slot->bitmap;
    struct glyph *g = &glyph[glyphs++];
    *g = (struct glyph){.code = code,
                        .advance = (unsigned)(slot->advance.x + 32) >> 6,
                        .w = b->width,
                        .h = b->rows,
                        .left = slot->bitmap_left,
                        .top = slot->bitmap_top};
    if (g->w > 255 || g->h > 255 || g->advance > 255 || g->left < -128 || g->left > 127 || g->top < -128 ||
        g->top > 127)
        die("glyph too large in", face->family_name);
    g->bits = malloc((size_t)b->width * b->rows * 2 + 1);
    for (unsigned y = 0; y < b->rows; y++)
        store_row(g, b, y);
}

/* Every glyph that the panel's own texts need in any line of theirs. */
static void take_panel(FT_Face face)
{
    static const char *const texts[] = {
#define PANEL_STRING(id, ...) __VA_ARGS__,
#include "panel/strings.def"
#undef PANEL_STRING
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint16_t codes[192];
        size_t n = text_decode(texts[i], codes, 192);
        n = text_arrange(codes, n, false); /* joins; the order does not matter here */
        for (size_t k = 0; k < n; k++)
            take(face, codes[k]);
    }
}

static void take_ranges(FT_Face face, const char *ranges)
{
    if (strcmp(ranges, "panel") == 0) {
        take_panel(face);
        return;
    }
    for (const char *at = ranges; *at;) {
        char *end;
        unsigned long from = strtoul(at, &end, 16), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 16);
        for (unsigned long c = from; c <= to; c++)
            take(face, (unsigned)c);
        at = *end ? end + 1 : end;
    }
}

static int by_code(const void *a, const void *b)
{
    const struct glyph *x = a, *y = b;
    return (x->code > y->code) - (x->code < y->code);
}

static void make_tabular(void)
{
    unsigned widest = 0;
    for (size_t i = 0; i < glyphs; i++)
        if (glyph[i].code >= '0' && glyph[i].code <= '9' && glyph[i].advance > widest)
            widest = glyph[i].advance;
    for (size_t i = 0; i < glyphs; i++)
        if (glyph[i].code >= '0' && glyph[i].code <= '9') {
            glyph[i].left += (int)(widest - glyph[i].advance) / 2;
            glyph[i].advance = widest;
        }
}

int main(int argc, char **argv)
{
    FT_Library library;
    if (argc < 6 || FT_Init_FreeType(&library))
        die("usage: fonts NAME PIXELS TABULAR FILE RANGES [FILE RANGES SCALE_PERCENT]...", "");
    unsigned pixels = (unsigned)atoi(argv[2]);
    printf("/* clang-format off */\n/* %s, %u pixels: made by scripts/fonts.sh from ", argv[1], pixels);
    for (int i = 4; i + 1 < argc; i += i == 4 ? 2 : 3) {
        FT_Face face;
        unsigned scale = i == 4 ? 100u : i + 2 < argc ? (unsigned)atoi(argv[i + 2]) : 100u;
        if (FT_New_Face(library, argv[i], 0, &face) || FT_Set_Pixel_Sizes(face, 0, pixels * scale / 100))
            die("can't read", argv[i]);
        printf("%s%s %s", i == 4 ? "" : ", ", face->family_name, face->style_name);
        take_ranges(face, argv[i + 1]);
        FT_Done_Face(face);
    }
    qsort(glyph, glyphs, sizeof *glyph, by_code);
    if (atoi(argv[3]))
        make_tabular();
    printf(".\n * Licences: panel/fonts/LICENCES.md. Do not edit. */\n#include "
           "\"panel/font.h\"\n\nstatic const uint8_t bits[] = {\n");
    size_t total = 0;
    for (size_t i = 0; i < glyphs; i++) {
        for (size_t k = 0; k < glyph[i].len; k++)
            printf("%u,%s", glyph[i].bits[k], ++total % 32 ? "" : "\n");
    }
    printf("};\n\nstatic const struct font_glyph glyphs[] = {\n");
    int ascent = 0, descent = 0;
    size_t at = 0;
    for (size_t i = 0; i < glyphs; i++) {
        const struct glyph *g = &glyph[i];
        printf("{%zu,0x%04x,%u,%d,%d,%u,%u},%s", at, g->code, g->advance, g->left, g->top, g->w, g->h,
               (i + 1) % 5 ? "" : "\n");
        at += g->len;
        if (g->code < 0x80 ||
            (g->code >= 0xe000 &&
             g->code < 0xf900)) { /* of the basic letters and of icons: what lines are set by */
            ascent = g->top > ascent ? g->top : ascent;
            descent = (int)g->h - g->top > descent ? (int)g->h - g->top : descent;
        }
    }
    int cap = 0;
    for (size_t i = 0; i < glyphs; i++)
        if (glyph[i].code == '0' || glyph[i].code == 'H')
            cap = glyph[i].top > cap ? glyph[i].top : cap;
    printf("};\n\nconst struct font font_%s = {glyphs, bits, %zu, %u, %d, %d, %d};\n", argv[1], glyphs,
           pixels, ascent, descent, cap ? cap : ascent);
    fprintf(stderr, "fonts: %-10s %4zu glyphs %7zu bytes\n", argv[1], glyphs, total + glyphs * 12);
    return 0;
}
