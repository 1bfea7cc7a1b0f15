/*
 * strings: what the panel says, in each of its languages, and how numbers are written in them.
 */
#ifndef PANEL_STRINGS_H
#define PANEL_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum panel_language { PANEL_ENGLISH, PANEL_GERMAN, PANEL_FRENCH, PANEL_ARABIC, PANEL_LANGUAGES };

enum panel_string {
#define PANEL_STRING(id, ...) PANEL_S_##id,
#include "panel/strings.def"
#undef PANEL_STRING
    PANEL_STRINGS
};

/* UTF-8; a language that does not exist gives English. */
const char *panel_string(enum panel_language l, enum panel_string s);
bool panel_right_to_left(enum panel_language l);
/* From "en", "de-AT", "fr_FR" ..; what is not known gives English. */
enum panel_language panel_language(const char *code);
const char *panel_language_code(enum panel_language l);

/* `value` counts in 10^-decimals (0..3); written with the language's decimal sign and, from 10,000 on, its
 * grouping, with `unit` behind a narrow space ("" for none). */
void panel_number(enum panel_language l, char *out, size_t cap, int64_t value, int decimals,
                  const char *unit);
/* "3:05", "1:02:45", from four days on "4 d 3 h". */
void panel_duration(enum panel_language l, char *out, size_t cap, uint32_t seconds);
/* Minute of the day as "07:05". */
void panel_clock(char *out, size_t cap, int32_t minute);

#endif
