#include "sim/script.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"
#include "sim/verbs.h"

enum { NESTING_MAX = 8, STATION_MAX = 100000 };
#define REPEAT_MAX 1e9

static const char *const op_name[] = {"==", "!=", "<", "<=", ">", ">="};

const char *script_op_name(enum script_op op)
{
    return op_name[op];
}

/* What reading a file needs to know of the lines above. */
struct reader {
    struct script *s;
    size_t cap_lines;
    size_t open[NESTING_MAX]; /* REPEATs without their DONE */
    bool takes_time[NESTING_MAX];
    int depth;
    uint64_t latest_at_us;
    unsigned latest_at_line;
    bool any, ended;
    char *why;
    size_t cap;
};

/* The words of the line that are still to be read. */
struct cursor {
    struct script_line *l;
    int pos;
    char *why;
    size_t cap;
};

static bool fail(struct cursor *c, const char *what)
{
    snprintf(c->why, c->cap, "%s", what);
    return false;
}

static const char *peek(const struct cursor *c)
{
    return c->pos < c->l->words.n ? c->l->words.word[c->pos] : "";
}

static bool take(struct cursor *c, const char *word)
{
    if (strcmp(peek(c), word) != 0 || c->pos >= c->l->words.n)
        return false;
    c->pos++;
    return true;
}

static bool take_duration(struct cursor *c, uint64_t *us, const char *after)
{
    if (words_duration_us(peek(c), us)) {
        c->pos++;
        return true;
    }
    snprintf(c->why, c->cap, "a time like 250ms, 3s, 5m or 1h is wanted after \"%s\", not \"%s\"", after,
             peek(c));
    return false;
}

/* "5s" or "5s..20s" */
static bool take_range(struct cursor *c, uint64_t *from, uint64_t *to)
{
    char *word = c->l->words.word[c->pos];
    char *dots = c->pos < c->l->words.n ? strstr(word, "..") : NULL;
    if (dots == NULL) {
        if (!take_duration(c, from, "after"))
            return false;
        *to = *from;
        return true;
    }
    *dots = 0;
    bool ok = words_duration_us(word, from) && words_duration_us(dots + 2, to) && *from <= *to;
    *dots = '.';
    if (!ok) {
        snprintf(c->why, c->cap, "a time or a range like 5s..20s is wanted after \"after\", not \"%s\"",
                 word);
        return false;
    }
    c->pos++;
    return true;
}

static bool take_station(struct cursor *c)
{
    const char *word = peek(c);
    double v;
    if (strcmp(word, "*") == 0) {
        c->l->station = 0;
    } else if (words_number(word, &v) && v >= 1 && v <= STATION_MAX && v == (int)v) {
        c->l->station = (int)v;
    } else {
        snprintf(c->why, c->cap, "a station (1, 2, .. or * for every one) is wanted, not \"%s\"", word);
        return false;
    }
    c->pos++;
    return true;
}

/* NAME OP VALUE [and NAME OP VALUE]... to the end of the line */
static bool take_tests(struct cursor *c)
{
    size_t most = (size_t)(c->l->words.n - c->pos) / 4 + 1;
    c->l->test = calloc(most, sizeof *c->l->test);
    if (c->l->test == NULL)
        return fail(c, "out of memory");
    do {
        if (c->l->words.n - c->pos < 3)
            return fail(c, "a comparison like \"contactor == 1\" is wanted");
        struct script_test *t = &c->l->test[c->l->tests++];
        char **w = &c->l->words.word[c->pos];
        size_t op = 0;
        while (op < sizeof op_name / sizeof op_name[0] && strcmp(op_name[op], w[1]) != 0)
            op++;
        if (op == sizeof op_name / sizeof op_name[0]) {
            snprintf(c->why, c->cap, "\"%s\" is none of == != < <= > >=", w[1]);
            return false;
        }
        t->name = w[0];
        t->op = (enum script_op)op;
        t->than_is_value = w[2][0] == '$';
        t->than = w[2] + (t->than_is_value ? 1 : 0);
        double v;
        bool on;
        if (!t->than_is_value && t->op > OP_NE && !words_number(t->than, &v) && !words_switch(t->than, &on)) {
            snprintf(c->why, c->cap, "\"%s\" is not a number, so \"%s\" can't compare with it", t->than,
                     w[1]);
            return false;
        }
        c->pos += 3;
    } while (take(c, "and"));
    return c->pos == c->l->words.n || fail(c, "something is left over behind the comparison");
}

static bool read_expect(struct cursor *c)
{
    struct script_line *l = c->l;
    l->kind = SCRIPT_NOW;
    if (take(c, "always")) {
        l->kind = SCRIPT_ALWAYS;
    } else if (take(c, "never")) {
        l->kind = SCRIPT_NEVER;
    } else {
        if (take(c, "within")) {
            l->kind = SCRIPT_WITHIN;
            if (!take_duration(c, &l->within_us, "within"))
                return false;
        }
        if (take(c, "for")) {
            if (l->kind == SCRIPT_NOW)
                l->kind = SCRIPT_FOR;
            if (!take_duration(c, &l->for_us, "for"))
                return false;
        }
    }
    return take_station(c) && take_tests(c);
}

static bool read_verb(struct cursor *c)
{
    struct script_line *l = c->l;
    if (!take_station(c))
        return false;
    l->argc = l->words.n - c->pos;
    l->argv = &l->words.word[c->pos];
    if (l->argc == 0)
        return fail(c, "a verb is wanted after the station");
    /* What the world does not know may be the host's: it judges when the line runs. */
    return verb_do(NULL, l->argc, l->argv, c->why, c->cap) != VERB_WRONG;
}

static bool read_repeat(struct reader *r, struct cursor *c)
{
    double n;
    if (r->depth == NESTING_MAX)
        return fail(c, "repeat within more than 8 others");
    if (!words_number(peek(c), &n) || n < 1 || n > REPEAT_MAX || n != (double)(unsigned long)n)
        return fail(c, "repeat wants how many times, 1 to 1000000000");
    if (++c->pos != c->l->words.n)
        return fail(c, "repeat N stands alone on its line");
    c->l->count = (unsigned long)n;
    r->open[r->depth] = r->s->lines - 1;
    r->takes_time[r->depth++] = false;
    return true;
}

static bool read_done(struct reader *r, struct cursor *c)
{
    if (c->pos != c->l->words.n)
        return fail(c, "done stands alone on its line");
    if (r->depth == 0)
        return fail(c, "done without a repeat");
    r->depth--;
    if (!r->takes_time[r->depth])
        return fail(c, "this repeat would take no time: it wants an \"after\" or a \"wait\"");
    if (r->depth > 0)
        r->takes_time[r->depth - 1] = true;
    c->l->match = r->open[r->depth];
    r->s->line[c->l->match].match = r->s->lines - 1;
    return true;
}

static bool read_when(struct reader *r, struct cursor *c)
{
    struct script_line *l = c->l;
    if (take(c, "at")) {
        l->when = WHEN_AT;
        if (r->depth > 0)
            return fail(c, "\"at\" within a repeat: use \"after\"");
        if (!take_duration(c, &l->time_us, "at"))
            return false;
        if (l->time_us < r->latest_at_us) {
            snprintf(c->why, c->cap, "lines run from top to bottom, and line %u is later", r->latest_at_line);
            return false;
        }
        r->latest_at_us = l->time_us;
        r->latest_at_line = l->number;
    } else if (take(c, "after")) {
        l->when = WHEN_AFTER;
        if (!take_range(c, &l->time_us, &l->time_to_us))
            return false;
        if (r->depth > 0 && l->time_us > 0)
            r->takes_time[r->depth - 1] = true;
    }
    return true;
}

static bool read_end(struct cursor *c)
{
    struct script_line *l = c->l;
    l->kind = SCRIPT_END;
    if (take(c, "after")) {
        if (l->when != WHEN_NEXT)
            return fail(c, "two times for one end");
        l->when = WHEN_AFTER;
        if (!take_range(c, &l->time_us, &l->time_to_us))
            return false;
    }
    return c->pos == l->words.n || fail(c, "end, or end after TIME");
}

static bool read_line(struct reader *r, struct cursor *c)
{
    struct script_line *l = c->l;
    if (r->ended)
        return fail(c, "a line behind the end");
    if (take(c, "seed")) {
        double v;
        if (r->any)
            return fail(c, "seed stands on the first line");
        if (!words_number(peek(c), &v) || v < 0 || v > 9e15 || c->l->words.n != 2)
            return fail(c, "seed wants one whole number");
        r->s->seed = (uint64_t)v;
        r->s->lines--; /* says nothing to do */
        words_free(&l->words);
        return true;
    }
    if (!read_when(r, c))
        return false;
    if (take(c, "expect"))
        return read_expect(c);
    if (take(c, "end")) {
        r->ended = true;
        if (r->depth > 0)
            return fail(c, "end within a repeat");
        return read_end(c);
    }
    if (take(c, "wait")) {
        l->kind = SCRIPT_WAIT;
        if (r->depth > 0)
            r->takes_time[r->depth - 1] = true;
        take(c, "within");
        return take_duration(c, &l->within_us, "wait") && take_station(c) && take_tests(c);
    }
    if (take(c, "repeat")) {
        l->kind = SCRIPT_REPEAT;
        return read_repeat(r, c);
    }
    if (take(c, "done")) {
        l->kind = SCRIPT_DONE;
        return read_done(r, c);
    }
    l->kind = take(c, "refused") ? SCRIPT_REFUSED : SCRIPT_VERB;
    return read_verb(c);
}

static struct script_line *new_line(struct reader *r)
{
    struct script *s = r->s;
    if (s->lines == r->cap_lines) {
        size_t more = r->cap_lines > 0 ? 2 * r->cap_lines : 64;
        struct script_line *p = realloc(s->line, more * sizeof *p);
        if (p == NULL)
            return NULL;
        s->line = p;
        r->cap_lines = more;
    }
    struct script_line *l = &s->line[s->lines++];
    memset(l, 0, sizeof *l);
    return l;
}

/* Reads the words of one line of the file and what they mean. */
static bool read_text(struct reader *r, unsigned number, const char *text, size_t len)
{
    char why[200];
    struct script_line *l = new_line(r);
    if (l == NULL) {
        snprintf(r->why, r->cap, "out of memory");
        return false;
    }
    l->number = number;
    struct cursor c = {l, 0, why, sizeof why};
    bool ok = words_read(&l->words, text, len, why, sizeof why);
    if (ok && l->words.n == 0) {
        words_free(&l->words);
        r->s->lines--;
        return true;
    }
    ok = ok && read_line(r, &c);
    r->any = true;
    if (!ok)
        snprintf(r->why, r->cap, "line %u: %s", number, why);
    return ok;
}

bool script_read(struct script *s, const char *text, size_t len, char *why, size_t cap)
{
    memset(s, 0, sizeof *s);
    s->seed = 1;
    if (len > SCENARIO_BYTES_MAX) {
        snprintf(why, cap, "the file has %zu bytes; %d is the most", len, (int)SCENARIO_BYTES_MAX);
        return false;
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte-order mark of some editors */
        text += 3;
        len -= 3;
    }
    struct reader r = {.s = s, .why = why, .cap = cap};
    const char *end = text + len;
    bool ok = true;
    for (unsigned number = 1; ok && text < end; number++) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        size_t n = nl != NULL ? (size_t)(nl - text) : (size_t)(end - text);
        ok = read_text(&r, number, text, n);
        text += n + (nl != NULL ? 1 : 0);
    }
    if (ok && r.depth > 0) {
        snprintf(why, cap, "line %u: this repeat has no done", s->line[r.open[r.depth - 1]].number);
        ok = false;
    }
    if (!ok)
        script_free(s);
    return ok;
}

void script_free(struct script *s)
{
    for (size_t i = 0; i < s->lines; i++) {
        words_free(&s->line[i].words);
        free(s->line[i].test);
    }
    free(s->line);
    memset(s, 0, sizeof *s);
}
