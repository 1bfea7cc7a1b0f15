/*
 * words: how a line of a scenario or of the control socket is read: words, numbers, durations, switches.
 */
#ifndef SIM_WORDS_H
#define SIM_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words {
    char *text;  /* owned copy, cut up */
    char **word; /* into text */
    int n;
};

/* Cuts a line of len bytes at blanks; "..." keeps blanks together (\" and \\ inside); a word that begins with
 * # ends the line. false: `why` says what is wrong (unfinished quote, a NUL byte,
 * no memory). Free with words_free in either case. */
bool words_read(struct words *w, const char *line, size_t len, char *why, size_t cap);
void words_free(struct words *w);

/* The whole word as a decimal number, finite. */
bool words_number(const char *word, double *out);
/* Like "250ms", "1.5s", "5m", "2h", "1h30m"; microseconds. At most 1000 h. */
bool words_duration_us(const char *word, uint64_t *out);
/* on/off, true/false, yes/no, 1/0. */
bool words_switch(const char *word, bool *out);

#endif
