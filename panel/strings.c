#include "panel/strings.h"

#include <stdio.h>
#include <string.h>

#include "panel/text.h"

#define NARROW_SPACE "\u202f"

static const char *const texts[PANEL_STRINGS][PANEL_LANGUAGES] = {
#define PANEL_STRING(id, ...) [PANEL_S_##id] = {__VA_ARGS__},
#include "panel/strings.def"
#undef PANEL_STRING
};

static const struct {
    const char *code, *point, *group;
    bool rtl;
} languages[PANEL_LANGUAGES] = {
    [PANEL_ENGLISH] = {"en", ".", ",", false},
    [PANEL_GERMAN] = {"de", ",", ".", false},
    [PANEL_FRENCH] = {"fr", ",", NARROW_SPACE, false},
    [PANEL_ARABIC] = {"ar", ".", ",", true},
};

static enum panel_language known(enum panel_language l)
{
    return (unsigned)l < PANEL_LANGUAGES ? l : PANEL_ENGLISH;
}

const char *panel_string(enum panel_language l, enum panel_string s)
{
    return (unsigned)s < PANEL_STRINGS ? texts[s][known(l)] : "";
}

bool panel_right_to_left(enum panel_language l)
{
    return languages[known(l)].rtl;
}

enum panel_language panel_language(const char *code)
{
    for (int l = 0; l < PANEL_LANGUAGES; l++)
        if (!strncmp(code, languages[l].code, 2) && (code[2] == '\0' || code[2] == '-' || code[2] == '_'))
            return (enum panel_language)l;
    return PANEL_ENGLISH;
}

const char *panel_language_code(enum panel_language l)
{
    return languages[known(l)].code;
}

void panel_number(enum panel_language l, char *out, size_t cap, int64_t value, int decimals, const char *unit)
{
    static const uint32_t scales[] = {1, 10, 100, 1000};
    uint32_t scale = scales[decimals < 0 ? 0 : decimals > 3 ? 3 : decimals];
    uint64_t magnitude = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    char digits[24], whole[48], fraction[16] = "";
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)(magnitude / scale));
    size_t at = 0;
    const char *group = n > 4 ? languages[known(l)].group : "";
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) {
            memcpy(whole + at, group, strlen(group));
            at += strlen(group);
        }
        whole[at++] = digits[i];
    }
    whole[at] = '\0';
    if (scale > 1)
        (void)snprintf(fraction, sizeof fraction, "%s%0*lu", languages[known(l)].point,
                       decimals > 3 ? 3 : decimals, (unsigned long)(magnitude % scale));
    char full[96];
    (void)snprintf(full, sizeof full, "%s%s%s%s%.16s", value < 0 ? "\u2212" : "", whole, fraction,
                   *unit ? NARROW_SPACE : "", unit);
    text_copy(out, cap, full);
}

void panel_duration(enum panel_language l, char *out, size_t cap, uint32_t seconds)
{
    char days[16], hours[16];
    unsigned long s = seconds;
    if (s >= 4ul * 86400) {
        (void)snprintf(days, sizeof days, "%lu", s / 86400);
        (void)snprintf(hours, sizeof hours, "%lu", s % 86400 / 3600);
        text_fill(out, cap, panel_string(l, PANEL_S_DAYS), days, hours);
    } else if (s >= 3600)
        (void)snprintf(out, cap, "%lu:%02lu:%02lu", s / 3600, s % 3600 / 60, s % 60);
    else
        (void)snprintf(out, cap, "%lu:%02lu", s / 60, s % 60);
}

void panel_clock(char *out, size_t cap, int32_t minute)
{
    unsigned m = minute < 0 || minute >= 24 * 60 ? 0u : (unsigned)minute;
    (void)snprintf(out, cap, "%02u:%02u", m / 60, m % 60);
}
