#include "sim/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_US 3.6e12

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one quoted word in place; returns the first unread byte, NULL if the quote never ends. */
static char *unquote(char *from, char *end, char **to)
{
    char *out = *to;
    for (from++; from < end && *from != '"'; from++) {
        if (*from == '\\' && from + 1 < end && (from[1] == '"' || from[1] == '\\'))
            from++;
        *out++ = *from;
    }
    *to = out;
    return from < end ? from + 1 : NULL;
}

bool words_read(struct words *w, const char *line, size_t len, char *why, size_t cap)
{
    memset(w, 0, sizeof *w);
    if (memchr(line, 0, len) != NULL) {
        snprintf(why, cap, "a NUL byte in the text");
        return false;
    }
    w->text = malloc(len + 1);
    w->word = malloc((len / 2 + 1) * sizeof *w->word); /* a word and a blank each */
    if (w->text == NULL || w->word == NULL) {
        snprintf(why, cap, "out of memory");
        return false;
    }
    memcpy(w->text, line, len);
    w->text[len] = 0;
    char *p = w->text, *end = p + len;
    for (;;) {
        while (p < end && blank(*p))
            p++;
        if (p == end || *p == '#')
            return true;
        char *out = p;
        w->word[w->n++] = p;
        if (*p == '"') {
            p = unquote(p, end, &out);
            if (p == NULL) {
                snprintf(why, cap, "a quote that does not end");
                return false;
            }
            if (p < end && !blank(*p)) {
                snprintf(why, cap, "text right behind a closing quote");
                return false;
            }
        } else {
            while (p < end && !blank(*p))
                p++;
            out = p;
        }
        if (p < end)
            p++;
        *out = 0;
    }
}

void words_free(struct words *w)
{
    free(w->text);
    free(w->word);
    w->text = NULL;
    w->word = NULL;
    w->n = 0;
}

/* The number at *p; moves *p behind it. Digits must be decimal: no "nan", "inf" or "0x10". */
static bool number_at(const char **p, double *out)
{
    const char *s = *p;
    size_t digits = strspn(s, "+-.0123456789");
    if (digits == 0)
        return false;
    char *end;
    double v = strtod(s, &end);
    if (end == s || !isfinite(v))
        return false;
    for (const char *c = s; c < end; c++)
        if (strchr("+-.0123456789eE", *c) == NULL)
            return false;
    *p = end;
    *out = v;
    return true;
}

bool words_number(const char *word, double *out)
{
    return number_at(&word, out) && *word == 0;
}

bool words_duration_us(const char *word, uint64_t *out)
{
    static const struct {
        const char *name;
        double us;
    } unit[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}};
    double total = 0;
    if (*word == 0)
        return false;
    while (*word != 0) {
        double v;
        if (!number_at(&word, &v) || v < 0)
            return false;
        size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz"), u = 0;
        while (u < sizeof unit / sizeof unit[0] &&
               !(strlen(unit[u].name) == letters && strncmp(word, unit[u].name, letters) == 0))
            u++;
        if (u == sizeof unit / sizeof unit[0])
            return false;
        word += letters;
        total += v * unit[u].us;
    }
    if (total > DURATION_MAX_US)
        return false;
    *out = (uint64_t)(total + 0.5);
    return true;
}

bool words_switch(const char *word, bool *out)
{
    static const char *const on[] = {"on", "true", "yes", "1"}, *const off[] = {"off", "false", "no", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(word, on[i]) == 0) {
            *out = true;
            return true;
        }
        if (strcmp(word, off[i]) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}
