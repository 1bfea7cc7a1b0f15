/*
 * text: from UTF-8 to glyph codes in the order in which they stand on the screen: Arabic letters joined,
 * right-to-left runs reversed.
 *
 * A subset of Unicode's bidirectional algorithm (UAX #9) that is enough for a line of a display: no explicit
 * embeddings, two directions, and numbers stay with the unit behind them ("16 A" is never torn apart).
 */
#ifndef PANEL_TEXT_H
#define PANEL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes at most `cap` characters. What is no UTF-8, or lies beyond the basic plane, becomes U+FFFD; control
 * characters become spaces. Returns the count. */
size_t text_decode(const char *utf8, uint16_t *out, size_t cap);

/* From the order of reading to the order on the screen, in place; the count can only shrink. `rtl`: the
 * line's own direction. */
size_t text_arrange(uint16_t *codes, size_t n, bool rtl);

/* Copies `form`, with {0} and {1} replaced; cut at cap − 1 bytes, never inside a character. */
void text_fill(char *out, size_t cap, const char *form, const char *arg0, const char *arg1);
/* Copies a text into a smaller place without cutting a character. */
void text_copy(char *out, size_t cap, const char *from);

#endif
