/*
 * ecs-report: plays randomised stations through every rule and writes the table of clause, limit and measured
 * times, and of the meter's accuracy: iec61851.md and iec61851.json.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/report/accuracy.h"
#include "tests/report/experiment.h"

enum { EXIT_RULE = 1, EXIT_USAGE = 2, EXIT_NO_START = 3, EXIT_NO_FILE = 4 };

struct options {
    long runs, stations, seed;
    const char *out;
    bool quiet, help;
};

struct report {
    struct rule_result rule[RULES];
    double off_percent[ACCURACIES];
    struct options o;
    bool pass;
};

static void usage(FILE *out)
{
    fprintf(out,
            "ecs-report [--runs N] [--stations N] [--seed N] [--out DIR] [--quiet] [--help]\n"
            "  --runs N      randomised stations for the rules, 1 to 100000 (1000)\n"
            "  --stations N  stations for the meter's accuracy, 1 to 10000 (60)\n"
            "  --seed N      of the first one (1)\n"
            "  --out DIR     where iec61851.md and iec61851.json go; made if it is not there (build/report)\n"
            "exit code: 0 every rule holds, 1 one does not, 2 command line, 3 memory, 4 files\n");
}

static bool whole(const char *text, long least, long most, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && *text && !*end && *out >= least && *out <= most;
}

/* NULL, or what is wrong; *at is the option concerned. */
static const char *read_options(struct options *o, int argc, char **argv, const char **at)
{
    static const char *const valued[] = {"--runs", "--stations", "--seed", "--out"};
    *o = (struct options){.runs = 1000, .stations = 60, .seed = 1, .out = "build/report"};
    for (int i = 1; i < argc; i++) {
        const char *name = *at = argv[i];
        if (strcmp(name, "--quiet") == 0) {
            o->quiet = true;
            continue;
        }
        if (strcmp(name, "--help") == 0) {
            o->help = true;
            return NULL;
        }
        bool known = false;
        for (size_t k = 0; k < sizeof valued / sizeof valued[0]; k++)
            known |= strcmp(name, valued[k]) == 0;
        if (!known)
            return "no such option";
        if (++i == argc)
            return "wants a value";
        bool ok;
        if (strcmp(name, "--runs") == 0)
            ok = whole(argv[i], 1, 100000, &o->runs);
        else if (strcmp(name, "--stations") == 0)
            ok = whole(argv[i], 1, 10000, &o->stations);
        else if (strcmp(name, "--seed") == 0)
            ok = whole(argv[i], 1, 1000000000, &o->seed);
        else
            ok = *(o->out = argv[i]) != 0;
        if (!ok)
            return "this value is out of range";
    }
    return NULL;
}

/* One line on a terminal; in a log one per tenth. */
static void progress(const struct options *o, const char *what, long done, long all)
{
    if (o->quiet)
        return;
    if (isatty(2))
        fprintf(stderr, "\r%s %ld of %ld%s", what, done, all, done == all ? "\n" : "");
    else if (done == all || done * 10 / all != (done - 1) * 10 / all)
        fprintf(stderr, "%s %ld of %ld\n", what, done, all);
}

/* ---- the two files ---- */

/* JSON knows no infinity: null. */
static void json_ms(FILE *f, const char *name, double ms)
{
    if (isfinite(ms))
        fprintf(f, ", \"%s\": %.4g", name, round(ms * 1e4) / 1e4);
    else
        fprintf(f, ", \"%s\": null", name);
}

/* The tables' texts are ours: no quotes, no control characters. */
static void write_json(FILE *f, const struct report *r)
{
    fputs("{\"rules\": [", f);
    for (int i = 0; i < RULES; i++) {
        const struct rule_result *t = &r->rule[i];
        fprintf(f, "%s\n  {\"id\": \"%s\", \"clause\": \"%s\", \"what\": \"%s\"", i ? "," : "", rules[i].id,
                rules[i].clause, rules[i].what);
        json_ms(f, "limit_ms", rules[i].limit_ms);
        json_ms(f, "worst_ms", t->worst_ms);
        json_ms(f, "median_ms", t->median_ms);
        json_ms(f, "best_ms", t->best_ms);
        fprintf(f, ", \"runs\": %d, \"pass\": %s}", t->runs, t->pass ? "true" : "false");
    }
    fputs("\n],\n\"metering\": [", f);
    for (int i = 0; i < ACCURACIES; i++)
        fprintf(f, "%s\n  {\"what\": \"%s\", \"limit_percent\": %g, \"worst_percent\": %.4f, \"pass\": %s}",
                i ? "," : "", accuracy_rules[i].what, accuracy_rules[i].limit_percent, r->off_percent[i],
                r->off_percent[i] <= accuracy_rules[i].limit_percent ? "true" : "false");
    fputs("\n]}\n", f);
}

static void cell(FILE *f, double ms)
{
    if (!isfinite(ms))
        fputs(" never |", f);
    else if (fabs(ms) < 0.1 && ms != 0)
        fprintf(f, " %.4f |", ms);
    else
        fprintf(f, " %.1f |", ms);
}

static void write_markdown(FILE *f, const struct report *r)
{
    fprintf(
        f,
        "# Charge control against IEC 61851-1\n\n"
        "Measured in the simulated world (docs/simulator.md), from the true event to the true coil, contacts "
        "or "
        "duty, over %ld randomised stations from seed %ld: car and its resistors, mains, cable, contactor, "
        "capacitance, current, tolerances of the front ends and the converter, phase of the event against "
        "frames, pilot period, mains and control steps; control steps begin up to 1 ms late. Made by `make "
        "report`.\n\n"
        "Clauses are second-hand, from public sources; \"goal\" is this station's own limit where it is "
        "stricter "
        "than the clause, \"policy\" stands in no standard that is quoted here. What the chip adds is not in "
        "these times: its interrupt's latency and the resolution of its pilot timer.\n\n"
        "| rule | clause | what | limit ms | worst | median | best | runs | |\n"
        "|---|---|---|---:|---:|---:|---:|---:|---|\n",
        r->o.runs, r->o.seed);
    for (int i = 0; i < RULES; i++) {
        const struct rule_result *t = &r->rule[i];
        fprintf(f, "| %s | %s | %s |", rules[i].id, rules[i].clause, rules[i].what);
        if (rules[i].least_ms != 0)
            fprintf(f, " %g to %g |", rules[i].least_ms, rules[i].limit_ms);
        else
            fprintf(f, " %g |", rules[i].limit_ms);
        cell(f, t->worst_ms);
        cell(f, t->median_ms);
        cell(f, t->best_ms);
        fprintf(f, " %d | %s |\n", t->runs, t->pass ? "pass" : "**FAIL**");
    }
    fprintf(f,
            "\n## Meter, after two-point calibration\n\n"
            "%ld stations, parts within 3 %%, 0 to 180 µs of delay in the current path, each calibrated at 3 "
            "A, 210 V "
            "and 30 A, 245 V. Worst reading of all.\n\n"
            "| what | limit %% | worst %% | |\n|---|---:|---:|---|\n",
            r->o.stations);
    for (int i = 0; i < ACCURACIES; i++)
        fprintf(f, "| %s | %g | %.3f | %s |\n", accuracy_rules[i].what, accuracy_rules[i].limit_percent,
                r->off_percent[i],
                r->off_percent[i] <= accuracy_rules[i].limit_percent ? "pass" : "**FAIL**");
}

/* Also the folders above it. */
static bool make_folder(const char *path)
{
    char part[4096];
    size_t n = strlen(path);
    if (n >= sizeof part)
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static bool write_file(const struct report *r, const char *name, void (*write)(FILE *, const struct report *))
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", r->o.out, name);
    FILE *f = fopen(path, "w");
    if (f) {
        write(f, r);
        bool bad = ferror(f) != 0;
        if (fclose(f) == 0 && !bad)
            return true;
    }
    fprintf(stderr, "ecs-report: %s: %s\n", path, strerror(errno));
    return false;
}

/* ---- the run ---- */

static bool run_rules(struct report *r, struct bed *b, struct times times[RULES])
{
    for (long i = 0; i < r->o.runs; i++) {
        if (bed_draw(b, (uint64_t)(r->o.seed + i)))
            experiments_run(b);
        if (b->no_memory)
            return false;
        progress(&r->o, "rules: station", i + 1, r->o.runs);
    }
    for (int i = 0; i < RULES; i++) {
        times_judge(&times[i], &rules[i], &r->rule[i]);
        r->pass = r->pass && r->rule[i].pass;
    }
    return true;
}

static bool run_accuracy(struct report *r)
{
    for (long i = 0; i < r->o.stations; i++) {
        if (!accuracy_measure((uint64_t)(r->o.seed + i), r->off_percent)) {
            fprintf(stderr, "ecs-report: station %ld can't be calibrated\n", r->o.seed + i);
            return false;
        }
        progress(&r->o, "meter: station", i + 1, r->o.stations);
    }
    for (int i = 0; i < ACCURACIES; i++)
        r->pass = r->pass && r->off_percent[i] <= accuracy_rules[i].limit_percent;
    return true;
}

int main(int argc, char **argv)
{
    struct report r = {.pass = true};
    const char *at = "", *wrong = read_options(&r.o, argc, argv, &at);
    if (wrong) {
        fprintf(stderr, "ecs-report: %s: %s\n", at, wrong);
        usage(stderr);
        return EXIT_USAGE;
    }
    if (r.o.help) {
        usage(stdout);
        return 0;
    }
    if (!make_folder(r.o.out)) {
        fprintf(stderr, "ecs-report: %s: %s\n", r.o.out, strerror(errno));
        return EXIT_NO_FILE;
    }
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct times times[RULES] = {{0}};
    struct bed *b = malloc(sizeof *b);
    if (!b || !bed_open(b, times)) {
        free(b);
        fprintf(stderr, "ecs-report: no memory\n");
        return EXIT_NO_START;
    }
    bool ran = run_rules(&r, b, times) && run_accuracy(&r);
    bed_close(b);
    free(b);
    for (int i = 0; i < RULES; i++)
        free(times[i].ms);
    if (!ran)
        return EXIT_NO_START;
    if (!write_file(&r, "iec61851.json", write_json) || !write_file(&r, "iec61851.md", write_markdown))
        return EXIT_NO_FILE;
    clock_gettime(CLOCK_MONOTONIC, &to);
    int passed = 0;
    for (int i = 0; i < RULES; i++)
        passed += r.rule[i].pass;
    for (int i = 0; i < RULES; i++)
        if (!r.rule[i].pass)
            printf("FAIL %s: %.2f to %.2f ms, not %g to %g (%d runs)\n", rules[i].id, r.rule[i].best_ms,
                   r.rule[i].worst_ms, rules[i].least_ms, rules[i].limit_ms, r.rule[i].runs);
    for (int i = 0; i < ACCURACIES; i++)
        if (r.off_percent[i] > accuracy_rules[i].limit_percent)
            printf("FAIL %s: %.3f %%, not %g\n", accuracy_rules[i].what, r.off_percent[i],
                   accuracy_rules[i].limit_percent);
    printf("report: %d of %d rules hold, %ld stations, %.0f s; %s/iec61851.md\n", passed, RULES, r.o.runs,
           difftime(to.tv_sec, from.tv_sec), r.o.out);
    return r.pass ? 0 : EXIT_RULE;
}
