#include "panel/font.h"

static const struct font_glyph *find(const struct font *f, uint16_t code)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (f->glyph[mid].code < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < f->count && f->glyph[low].code == code ? &f->glyph[low] : NULL;
}

const struct font_glyph *font_find(const struct font *f, uint16_t code)
{
    const struct font_glyph *g = find(f, code);
    if (!g)
        g = find(f, 0xfffd);
    return g ? g : find(f, '?');
}

bool font_has(const struct font *f, uint16_t code)
{
    return find(f, code) != NULL;
}

int32_t font_width(const struct font *f, const uint16_t *codes, size_t n)
{
    int32_t width = 0;
    for (size_t i = 0; i < n; i++) {
        const struct font_glyph *g = font_find(f, codes[i]);
        width += g ? g->advance : 0;
    }
    return width;
}
