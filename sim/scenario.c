#include "sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/script.h"
#include "sim/verbs.h"
#include "sim/wave.h"

enum { VALUE_MAX = 256 };

/* --- one verb, one value
 * -------------------------------------------------------------------------------------- */

static bool act(const struct scenario_host *host, int station, int argc, char **argv, char *why, size_t cap)
{
    if (station < 1 || station > host->stations(host->ctx)) {
        snprintf(why, cap, "there is no station %d", station);
        return false;
    }
    struct world *w = host->world(host->ctx, station);
    if (w == NULL) {
        snprintf(why, cap, "station %d has no world", station);
        return false;
    }
    switch (verb_do(w, argc, argv, why, cap)) {
    case VERB_OK:
        return true;
    case VERB_UNKNOWN:
        return host->verb != NULL && host->verb(host->ctx, station, argc, argv, why, cap);
    default:
        return false;
    }
}

bool scenario_do(const struct scenario_host *host, int station, const char *line, char *why, size_t cap)
{
    struct words words;
    bool ok = words_read(&words, line, strlen(line), why, cap);
    if (ok && words.n == 0) {
        snprintf(why, cap, "no verb");
        ok = false;
    }
    ok = ok && act(host, station, words.n, words.word, why, cap);
    words_free(&words);
    return ok;
}

bool scenario_get(const struct scenario_host *host, int station, const char *name, char *out, size_t cap)
{
    if (station < 1 || station > host->stations(host->ctx))
        return false;
    struct world *w = host->world(host->ctx, station);
    if (w != NULL && verb_value(w, name, out, cap))
        return true;
    return host->value != NULL && host->value(host->ctx, station, name, out, cap);
}

/* --- comparisons
 * ---------------------------------------------------------------------------------------------- */

enum verdict { HOLDS, HOLDS_NOT, CANT_SAY };

/* A word that compares as a number: digits, or a switch. */
static bool numeric(const char *text, double *v)
{
    bool on;
    if (words_number(text, v))
        return true;
    if (!words_switch(text, &on))
        return false;
    *v = on ? 1 : 0;
    return true;
}

static enum verdict compare(const char *left, enum script_op op, const char *right, char *why, size_t cap)
{
    double a, b;
    if (numeric(left, &a) && numeric(right, &b)) {
        bool holds[] = {a == b, a != b, a<b, a <= b, a> b, a >= b};
        return holds[op] ? HOLDS : HOLDS_NOT;
    }
    if (op == OP_EQ || op == OP_NE)
        return (strcmp(left, right) == 0) == (op == OP_EQ) ? HOLDS : HOLDS_NOT;
    snprintf(why, cap, "\"%s\" %s \"%s\" compares what is not a number", left, script_op_name(op), right);
    return CANT_SAY;
}

/* All tests of a line for one station. Unless HOLDS, `why` says which does not and what the value is. */
static enum verdict judge(const struct script_line *l, const struct scenario_host *host, int station,
                          char *why, size_t cap)
{
    for (size_t i = 0; i < l->tests; i++) {
        const struct script_test *t = &l->test[i];
        char left[VALUE_MAX] = "", right[VALUE_MAX] = "";
        if (!scenario_get(host, station, t->name, left, sizeof left)) {
            snprintf(why, cap, "station %d has no value \"%s\"", station, t->name);
            return CANT_SAY;
        }
        if (t->than_is_value && !scenario_get(host, station, t->than, right, sizeof right)) {
            snprintf(why, cap, "station %d has no value \"%s\"", station, t->than);
            return CANT_SAY;
        }
        enum verdict v = compare(left, t->op, t->than_is_value ? right : t->than, why, cap);
        if (v == HOLDS_NOT)
            snprintf(why, cap, "station %d: %s %s %s%s, but it is %s", station, t->name,
                     script_op_name(t->op), t->than_is_value ? "$" : "", t->than, left);
        if (v != HOLDS)
            return v;
    }
    return HOLDS;
}

/* --- running a file
 * ------------------------------------------------------------------------------------------- */

/* An expectation that has begun and is not decided. */
struct watch {
    size_t line;
    int station;
    uint64_t begun_us;
    bool held; /* WITHIN: holds since since_us */
    uint64_t since_us;
};

struct progress {
    unsigned long rounds; /* REPEAT: rounds that have been begun */
    unsigned reached, met;
};

struct scenario {
    struct script script;
    struct progress *progress; /* one per line */
    struct watch *watch;
    size_t watches, cap_watches;
    size_t pc;
    bool started, due_known, waiting, ended;
    int result;
    uint64_t start_us, last_us, due_us; /* last: when the line above was over */
    uint64_t rng;
};

struct scenario *scenario_parse(const char *text, size_t len, char *why, size_t cap)
{
    struct scenario *s = calloc(1, sizeof *s);
    if (s == NULL) {
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    if (!script_read(&s->script, text, len, why, cap)) {
        free(s);
        return NULL;
    }
    s->progress = calloc(s->script.lines + 1, sizeof *s->progress);
    if (s->progress == NULL) {
        snprintf(why, cap, "out of memory");
        scenario_free(s);
        return NULL;
    }
    s->rng = s->script.seed;
    s->result = 1;
    return s;
}

void scenario_free(struct scenario *s)
{
    if (s == NULL)
        return;
    script_free(&s->script);
    free(s->progress);
    free(s->watch);
    free(s);
}

static bool value_known(const struct scenario_host *host, const char *name)
{
    return verb_value_known(name) || (host->knows_value != NULL && host->knows_value(host->ctx, name));
}

bool scenario_check(const struct scenario *s, const struct scenario_host *host, char *why, size_t cap)
{
    int stations = host->stations(host->ctx);
    char unused[200];
    for (size_t i = 0; i < s->script.lines; i++) {
        const struct script_line *l = &s->script.line[i];
        if (l->station > stations) {
            snprintf(why, cap, "line %u: there is no station %d: %s%d", l->number, l->station,
                     stations == 1 ? "there is only " : "they are 1 to ", stations);
            return false;
        }
        if (l->argc > 0 && verb_do(NULL, l->argc, l->argv, unused, sizeof unused) == VERB_UNKNOWN &&
            (host->knows_verb == NULL || !host->knows_verb(host->ctx, l->argv[0]))) {
            snprintf(why, cap, "line %u: no verb is called \"%s\" here", l->number, l->argv[0]);
            return false;
        }
        for (size_t t = 0; t < l->tests; t++) {
            const struct script_test *test = &l->test[t];
            const char *unknown = !value_known(host, test->name)                          ? test->name
                                  : test->than_is_value && !value_known(host, test->than) ? test->than
                                                                                          : NULL;
            if (unknown != NULL) {
                snprintf(why, cap, "line %u: no value is called \"%s\" here", l->number, unknown);
                return false;
            }
        }
    }
    return true;
}

static int failed(struct scenario *s, const struct script_line *l, const char *reason, char *why, size_t cap)
{
    snprintf(why, cap, "line %u: %s", l->number, reason);
    return s->result = -1;
}

/* The stations a line speaks of: from *first to the returned one. */
static int line_stations(const struct script_line *l, const struct scenario_host *host, int *first)
{
    *first = l->station > 0 ? l->station : 1;
    return l->station > 0 ? l->station : host->stations(host->ctx);
}

static bool watch_add(struct scenario *s, size_t line, int station, uint64_t now_us)
{
    const struct script_line *l = &s->script.line[line];
    if (l->kind == SCRIPT_ALWAYS || l->kind == SCRIPT_NEVER) /* in a repeat: one is enough */
        for (size_t i = 0; i < s->watches; i++)
            if (s->watch[i].line == line && s->watch[i].station == station)
                return true;
    if (s->watches == s->cap_watches) {
        size_t more = s->cap_watches > 0 ? 2 * s->cap_watches : 32;
        struct watch *p = realloc(s->watch, more * sizeof *p);
        if (p == NULL)
            return false;
        s->watch = p;
        s->cap_watches = more;
    }
    s->watch[s->watches++] = (struct watch){.line = line, .station = station, .begun_us = now_us};
    s->progress[line].reached++;
    return true;
}

/* One look at an open expectation. 1: still open, 0: met, −1: failed. */
static int watch_look(struct watch *x, const struct script_line *l, const struct scenario_host *host,
                      uint64_t now_us, char *why, size_t cap)
{
    char detail[400];
    enum verdict v = judge(l, host, x->station, detail, sizeof detail);
    double passed_s = (double)(now_us - x->begun_us) * 1e-6;
    if (v == CANT_SAY) {
        snprintf(why, cap, "%s", detail);
        return -1;
    }
    switch (l->kind) {
    case SCRIPT_NEVER:
        if (v == HOLDS)
            snprintf(why, cap, "station %d: came true after %.3f s, although never expected", x->station,
                     passed_s);
        return v == HOLDS ? -1 : 1;
    case SCRIPT_WITHIN:
        if (v == HOLDS && !x->held && now_us - x->begun_us > l->within_us) {
            snprintf(why, cap, "station %d: came true only after %.3f s", x->station, passed_s);
            return -1;
        }
        if (v == HOLDS && !x->held) {
            x->held = true;
            x->since_us = now_us;
        }
        if (x->held && v == HOLDS)
            return now_us - x->since_us >= l->for_us ? 0 : 1;
        x->held = false;
        if (now_us - x->begun_us < l->within_us)
            return 1;
        snprintf(why, cap, "%s after %.3f s", detail, passed_s);
        return -1;
    default: /* FOR, ALWAYS */
        if (v != HOLDS) {
            snprintf(why, cap, "%s, %.3f s after it began", detail, passed_s);
            return -1;
        }
        return l->kind == SCRIPT_FOR && now_us - x->begun_us >= l->for_us ? 0 : 1;
    }
}

static int watch_all(struct scenario *s, const struct scenario_host *host, uint64_t now_us, char *why,
                     size_t cap)
{
    for (size_t i = 0; i < s->watches;) {
        size_t line = s->watch[i].line;
        const struct script_line *l = &s->script.line[line];
        char reason[500];
        int r = watch_look(&s->watch[i], l, host, now_us, reason, sizeof reason);
        if (r < 0)
            return failed(s, l, reason, why, cap);
        if (r == 0) {
            s->progress[line].met++;
            s->watch[i] = s->watch[--s->watches];
        } else {
            i++;
        }
    }
    return 1;
}

/* Expectations that only the end of the file decides. */
static bool only_standing(const struct scenario *s)
{
    for (size_t i = 0; i < s->watches; i++) {
        enum script_kind k = s->script.line[s->watch[i].line].kind;
        if (k != SCRIPT_ALWAYS && k != SCRIPT_NEVER)
            return false;
    }
    return true;
}

static int run_verb(struct scenario *s, const struct script_line *l, const struct scenario_host *host,
                    char *why, size_t cap)
{
    char reason[500] = "refused";
    int first, last = line_stations(l, host, &first);
    if (l->kind == SCRIPT_REFUSED)
        s->progress[s->pc].reached++;
    for (int i = first; i <= last; i++) {
        bool ok = act(host, i, l->argc, l->argv, reason, sizeof reason);
        if (l->kind == SCRIPT_REFUSED && ok) {
            snprintf(reason, sizeof reason, "station %d: was not refused", i);
            return failed(s, l, reason, why, cap);
        }
        if (l->kind == SCRIPT_VERB && !ok)
            return failed(s, l, reason, why, cap);
    }
    if (l->kind == SCRIPT_REFUSED)
        s->progress[s->pc].met++;
    return 1;
}

static int run_expect(struct scenario *s, const struct script_line *l, const struct scenario_host *host,
                      uint64_t now_us, char *why, size_t cap)
{
    int first, last = line_stations(l, host, &first);
    for (int i = first; i <= last; i++) {
        char reason[500];
        if (l->kind == SCRIPT_NOW) {
            s->progress[s->pc].reached++;
            if (judge(l, host, i, reason, sizeof reason) != HOLDS)
                return failed(s, l, reason, why, cap);
            s->progress[s->pc].met++;
        } else if (!watch_add(s, s->pc, i, now_us)) {
            return failed(s, l, "out of memory", why, cap);
        }
    }
    return 1;
}

/* 1: the line is over; 2: waits on; −1: failed. */
static int run_wait(struct scenario *s, const struct script_line *l, const struct scenario_host *host,
                    uint64_t now_us, char *why, size_t cap)
{
    char detail[400], reason[500];
    int first, last = line_stations(l, host, &first);
    if (!s->waiting)
        s->progress[s->pc].reached++;
    s->waiting = true;
    for (int i = first; i <= last; i++) {
        enum verdict v = judge(l, host, i, detail, sizeof detail);
        if (v == CANT_SAY)
            return failed(s, l, detail, why, cap);
        if (v == HOLDS_NOT && now_us - s->due_us < l->within_us)
            return 2;
        if (v == HOLDS_NOT) {
            snprintf(reason, sizeof reason, "%s after %.3f s of waiting", detail,
                     (double)(now_us - s->due_us) * 1e-6);
            return failed(s, l, reason, why, cap);
        }
    }
    s->waiting = false;
    s->progress[s->pc].met++;
    return 1;
}

/* When the line at pc is due. */
static uint64_t line_due(struct scenario *s, const struct script_line *l)
{
    uint64_t t = s->last_us;
    if (l->when == WHEN_AT) {
        uint64_t at = s->start_us + l->time_us;
        t = at > t ? at : t; /* a wait above may have taken longer */
    } else if (l->when == WHEN_AFTER) {
        double span = (double)(l->time_to_us - l->time_us);
        t += l->time_us + (span > 0 ? (uint64_t)(span * wave_uniform(&s->rng)) : 0);
    }
    return t;
}

/* Runs the line at pc, which is due. 1: over, 2: not over yet, −1: failed. Moves pc when over. */
static int run_line(struct scenario *s, const struct scenario_host *host, uint64_t now_us, char *why,
                    size_t cap)
{
    const struct script_line *l = &s->script.line[s->pc];
    struct progress *p = &s->progress[s->pc];
    size_t next = s->pc + 1;
    uint64_t over_us = s->due_us;
    int r = 1;
    switch (l->kind) {
    case SCRIPT_VERB:
    case SCRIPT_REFUSED:
        r = run_verb(s, l, host, why, cap);
        break;
    case SCRIPT_WAIT:
        r = run_wait(s, l, host, now_us, why, cap);
        over_us = now_us;
        break;
    case SCRIPT_REPEAT:
        p->rounds = 1;
        break;
    case SCRIPT_DONE: {
        struct progress *repeat = &s->progress[l->match];
        if (repeat->rounds < s->script.line[l->match].count) {
            repeat->rounds++;
            next = l->match + 1;
        }
        break;
    }
    case SCRIPT_END:
        s->ended = true;
        break;
    default:
        r = run_expect(s, l, host, now_us, why, cap);
        break;
    }
    if (r == 1) {
        s->pc = next;
        s->last_us = over_us;
        s->due_known = false;
    }
    return r;
}

int scenario_step(struct scenario *s, const struct scenario_host *host, uint64_t now_us, char *why,
                  size_t cap)
{
    if (s->result < 1)
        return s->result;
    if (!s->started) {
        s->started = true;
        s->start_us = s->last_us = now_us;
    }
    int budget = SCENARIO_LINES_PER_STEP;
    while (s->pc < s->script.lines && !s->ended && budget-- > 0) {
        if (!s->due_known) {
            s->due_us = line_due(s, &s->script.line[s->pc]);
            s->due_known = true;
        }
        if (now_us < s->due_us)
            break;
        int r = run_line(s, host, now_us, why, cap);
        if (r < 0)
            return r;
        if (r == 2)
            break;
    }
    if (watch_all(s, host, now_us, why, cap) < 0)
        return s->result;
    if ((s->ended || s->pc == s->script.lines) && only_standing(s)) {
        for (size_t i = 0; i < s->watches; i++)
            s->progress[s->watch[i].line].met++;
        s->watches = 0;
        s->result = 0;
    }
    return s->result;
}

unsigned scenario_expectations(const struct scenario *s, unsigned *met)
{
    unsigned all = 0, good = 0;
    for (size_t i = 0; i < s->script.lines; i++) {
        enum script_kind k = s->script.line[i].kind;
        if (k == SCRIPT_VERB || k == SCRIPT_REPEAT || k == SCRIPT_DONE || k == SCRIPT_END)
            continue;
        all++;
        if (s->progress[i].reached > 0 && s->progress[i].met == s->progress[i].reached)
            good++;
    }
    *met = good;
    return all;
}
