/*
 * script: a scenario file, read: one struct per line. What the lines do is scenario.c's.
 */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "sim/words.h"

enum script_kind {
    SCRIPT_VERB,    /* do it; must succeed */
    SCRIPT_REFUSED, /* do it; must be refused */
    SCRIPT_NOW,     /* expect: holds at this instant */
    SCRIPT_WITHIN,  /* expect: begins to hold within within_us; holds for for_us from then on */
    SCRIPT_FOR,     /* expect: holds from now on for for_us */
    SCRIPT_ALWAYS,  /* expect: holds from now on until the end */
    SCRIPT_NEVER,   /* expect: does not hold from now on until the end */
    SCRIPT_WAIT,    /* the lines below wait until it holds, at most within_us */
    SCRIPT_REPEAT,  /* the lines to the matching DONE are run `count` times */
    SCRIPT_DONE,
    SCRIPT_END,
};

enum script_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

enum script_when { WHEN_NEXT, WHEN_AT, WHEN_AFTER };

struct script_test {
    const char *name; /* of the value */
    enum script_op op;
    const char *than;   /* a number, a word, or the name of another value */
    bool than_is_value; /* written with a leading $ */
};

struct script_line {
    unsigned number; /* in the file, from 1 */
    enum script_kind kind;
    enum script_when when;
    uint64_t time_us, time_to_us; /* of `when`; a range after it */
    uint64_t within_us, for_us;
    int station;         /* 0: every one */
    unsigned long count; /* REPEAT */
    size_t match;        /* REPEAT: index of its DONE, and back */
    struct words words;  /* owns the text of the line */
    int argc;            /* VERB, REFUSED: argv of the verb, within words */
    char **argv;
    struct script_test *test; /* all must hold */
    size_t tests;
};

struct script {
    struct script_line *line;
    size_t lines;
    uint64_t seed;
};

/* false: `why` says line and reason; nothing to free. */
bool script_read(struct script *s, const char *text, size_t len, char *why, size_t cap);
void script_free(struct script *s);
const char *script_op_name(enum script_op op);

#endif
