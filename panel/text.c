#include "panel/text.h"

#include <string.h>

#include "panel/arabic.h"

enum { REPLACEMENT = 0xfffd, LAM = 0x644, TATWEEL = 0x640, NARROW_SPACE = 0x202f, LINE_MAX = 192 };

/* ---- UTF-8 ---- */

static int sequence_length(uint8_t lead)
{
    return lead < 0x80                   ? 1
           : lead >= 0xc2 && lead < 0xe0 ? 2
           : (lead & 0xf0) == 0xe0       ? 3
           : lead >= 0xf0 && lead < 0xf5 ? 4
                                         : 0;
}

size_t text_decode(const char *utf8, uint16_t *out, size_t cap)
{
    size_t n = 0;
    for (const uint8_t *at = (const uint8_t *)utf8; *at && n < cap;) {
        int len = sequence_length(*at);
        uint32_t code = len == 1 ? *at : len == 0 ? REPLACEMENT : *at & (0x7fu >> len);
        at++;
        for (int i = 1; i < len; i++) {
            if ((*at & 0xc0) != 0x80) {
                code = REPLACEMENT;
                break;
            }
            code = code << 6 | (*at++ & 0x3fu);
        }
        if (code > 0xffff || (code >= 0xd800 && code < 0xe000) || (len == 3 && code < 0x800))
            code = REPLACEMENT;
        out[n++] = (uint16_t)(code < 0x20 || (code >= 0x7f && code < 0xa0) ? ' ' : code);
    }
    return n;
}

/* ---- joining ---- */

static const struct arabic_letter *letter_of(uint16_t code)
{
    for (size_t i = 0; code >= 0x621 && code <= 0x64a && i < sizeof text_arabic / sizeof *text_arabic; i++)
        if (text_arabic[i].letter == code)
            return &text_arabic[i];
    return NULL;
}

static bool joins_next(uint16_t code)
{
    const struct arabic_letter *l = letter_of(code);
    return code == TATWEEL || (l && l->forms == 4);
}

static bool joins_previous(uint16_t code)
{
    const struct arabic_letter *l = letter_of(code);
    return code == TATWEEL || (l && l->forms >= 2);
}

/* Lam and an alef behind it are one glyph; 0: not an alef. */
static uint16_t lam_alef(uint16_t alef)
{
    return alef == 0x622   ? 0xfef5
           : alef == 0x623 ? 0xfef7
           : alef == 0x625 ? 0xfef9
           : alef == 0x627 ? 0xfefb
                           : 0;
}

static bool is_mark(uint16_t code)
{
    return (code >= 0x64b && code <= 0x65f) || code == 0x670 || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static size_t join(uint16_t *codes, size_t n)
{
    size_t kept = 0, to = 0;
    for (size_t i = 0; i < n; i++) /* vowel marks and direction marks have no glyph of their own here */
        if (!is_mark(codes[i]))
            codes[kept++] = codes[i];
    uint16_t before = 0;
    for (size_t i = 0; i < kept; i++) {
        uint16_t code = codes[i];
        const struct arabic_letter *l = letter_of(code);
        bool from_before = joins_next(before) && joins_previous(code);
        uint16_t ligature = code == LAM && i + 1 < kept ? lam_alef(codes[i + 1]) : 0;
        if (ligature) {
            before = codes[++i];
            codes[to++] = (uint16_t)(ligature + from_before);
            continue;
        }
        bool to_next = i + 1 < kept && joins_next(code) && joins_previous(codes[i + 1]);
        before = code;
        codes[to++] = l ? (uint16_t)(l->isolated + from_before + 2 * to_next) : code;
    }
    return to;
}

/* ---- direction ---- */

enum direction { LEFT, RIGHT, NUMBER, NEUTRAL };

static enum direction direction_of(uint16_t c)
{
    if ((c >= 0x590 && c <= 0x8ff && c != 0x60c && c != 0x61b) || (c >= 0xfb50 && c <= 0xfdff) ||
        (c >= 0xfe70 && c <= 0xfeff))
        return RIGHT;
    if (c >= '0' && c <= '9')
        return NUMBER;
    if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
        (c >= 0xc0 && c < 0x2000 && c != 0xd7 && c != 0xf7))
        return LEFT;
    return NEUTRAL;
}

static bool is_left(enum direction d)
{
    return d == LEFT || d == NUMBER;
}

/* Signs that belong to the number they touch: −61, 5 %, 20 °C. */
static bool clings(uint16_t c)
{
    return c == '-' || c == '+' || c == 0x2212 || c == '%' || c == 0xb0;
}

static uint16_t mirrored(uint16_t c)
{
    static const char pairs[] = "()[]<>{}";
    const char *p = c < 0x80 ? memchr(pairs, c, sizeof pairs - 1) : NULL;
    if (p)
        return (uint16_t)(uint8_t)pairs[(p - pairs) ^ 1];
    return c == 0xab ? 0xbb : c == 0xbb ? 0xab : c;
}

static void reverse(uint16_t *codes, uint8_t *level, size_t from, size_t until)
{
    for (; from + 1 < until; from++, until--) {
        uint16_t c = codes[from];
        uint8_t l = level[from];
        codes[from] = codes[until - 1];
        level[from] = level[until - 1];
        codes[until - 1] = c;
        level[until - 1] = l;
    }
}

/* What rules beyond a neutral: the next character with a direction, or the line's. */
static enum direction beyond(const uint16_t *codes, size_t n, size_t i, bool rtl)
{
    for (; i < n; i++)
        if (direction_of(codes[i]) != NEUTRAL)
            return direction_of(codes[i]);
    return rtl ? RIGHT : LEFT;
}

/* Such a sign, or the narrow space before a unit, directly at a number or with that space in between. */
static bool clings_to_number(const uint16_t *codes, size_t n, size_t i)
{
    if (codes[i] == NARROW_SPACE)
        return i > 0 && direction_of(codes[i - 1]) == NUMBER;
    if (!clings(codes[i]))
        return false;
    if (i + 1 < n && direction_of(codes[i + 1]) == NUMBER)
        return true;
    size_t before = i > 1 && codes[i - 1] == NARROW_SPACE ? i - 2 : i > 0 ? i - 1 : i;
    return direction_of(codes[before]) == NUMBER;
}

/* Embedding levels: odd runs from right to left, even from left to right. */
static void levels(const uint16_t *codes, size_t n, bool rtl, uint8_t *level)
{
    enum direction before = rtl ? RIGHT : LEFT; /* the last with a direction */
    bool in_right = rtl;                        /* the last letter was right-to-left */
    for (size_t i = 0; i < n; i++) {
        enum direction d = direction_of(codes[i]);
        enum direction next = beyond(codes, n, i, rtl);
        uint8_t number = rtl || in_right ? 2 : 0;
        if (d == RIGHT)
            level[i] = 1;
        else if (d == LEFT)
            level[i] = rtl ? 2 : 0;
        else if (d == NUMBER || clings_to_number(codes, n, i))
            level[i] = number;
        else if (before == NUMBER && next == NUMBER)
            level[i] = number;
        else if (rtl)
            level[i] = is_left(before) && is_left(next) ? 2 : 1;
        else
            level[i] = in_right && next != LEFT ? 1 : 0;
        if (d != NEUTRAL)
            before = d;
        if (d == LEFT || d == RIGHT)
            in_right = d == RIGHT;
    }
}

size_t text_arrange(uint16_t *codes, size_t n, bool rtl)
{
    uint8_t level[LINE_MAX];
    bool any = rtl;
    if (n > LINE_MAX)
        n = LINE_MAX;
    for (size_t i = 0; i < n && !any; i++)
        any = direction_of(codes[i]) == RIGHT || is_mark(codes[i]);
    if (!any)
        return n;
    n = join(codes, n);
    levels(codes, n, rtl, level);
    for (size_t i = 0; i < n; i++)
        if (level[i] == 1)
            codes[i] = mirrored(codes[i]);
    for (uint8_t l = 2; l >= 1; l--)
        for (size_t i = 0; i < n;) {
            size_t end = i;
            while (end < n && level[end] >= l)
                end++;
            reverse(codes, level, i, end);
            i = end > i ? end : i + 1;
        }
    return n;
}

/* ---- copies ---- */

/* Appends up to `len` bytes, whole characters only. Returns the new length. */
static size_t append(char *out, size_t cap, size_t at, const char *from, size_t len)
{
    size_t room = at + 1 < cap ? cap - 1 - at : 0;
    if (len > room) {
        len = room;
        while (len && ((uint8_t)from[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(out + at, from, len);
    return at + len;
}

void text_fill(char *out, size_t cap, const char *form, const char *arg0, const char *arg1)
{
    size_t at = 0;
    if (cap == 0)
        return;
    while (*form) {
        const char *brace = strchr(form, '{');
        size_t plain = brace ? (size_t)(brace - form) : strlen(form);
        at = append(out, cap, at, form, plain);
        form += plain;
        if (!*form)
            break;
        const char *arg = !strncmp(form, "{0}", 3) ? arg0 : !strncmp(form, "{1}", 3) ? arg1 : NULL;
        at = arg ? append(out, cap, at, arg, strlen(arg)) : append(out, cap, at, form, 1);
        form += arg ? 3 : 1;
    }
    out[at] = '\0';
}

void text_copy(char *out, size_t cap, const char *from)
{
    if (cap)
        out[append(out, cap, 0, from, strlen(from))] = '\0';
}
