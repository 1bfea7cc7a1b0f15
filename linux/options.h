/*
 * options: the command line of ecs-sim, checked.
 */
#ifndef LINUX_OPTIONS_H
#define LINUX_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_SETTINGS_MAX = 48, OPTIONS_STATIONS_MAX = 1000, OPTIONS_ID_MAX = 48 };

/* Exit codes of ecs-sim, part of its interface (docs/simulator.md). */
enum exit_code {
    EXIT_HELD = 0,     /* ended as asked; scenario and promises held */
    EXIT_FAILED = 1,   /* the scenario failed, or a promise (--site-limit, --require-charge) was broken */
    EXIT_USAGE = 2,    /* command line or scenario file not understood */
    EXIT_NO_START = 3, /* files, port or memory could not be had */
    EXIT_OUTPUT = 4,   /* the run ended, but the frame log or the summary could not be written */
    EXIT_RESTART = 5,  /* started by ecs-launch: the station restarts */
};

struct options {
    const char *url, *id, *password;
    int stations;
    int control_port; /* −1: none, 0: any free one */
    const char *scenario, *frame_log, *state_dir, *summary, *ca_file;
    bool virtual_time, quiet, verbose, table, keep_running, require_charge, auto_start, help, version;
    bool seed_given;
    uint64_t seed;
    double duration_s;   /* 0: no end of its own */
    double site_limit_a; /* 0: not given */
    double latency_ms;   /* of the in-process network, one way */
    double tolerance;    /* spread of the analogue front ends, a share */
    const char *set_name[OPTIONS_SETTINGS_MAX], *set_value[OPTIONS_SETTINGS_MAX];
    int settings;
    /* --launched, as ecs-launch gives it */
    const char *slots_dir; /* NULL: not by ecs-launch */
    int slot;
    bool probation, other_failed, restarted;
};

/* false: `err` says what is wrong. argv must outlive *out; the '=' of each --set in it is overwritten. */
bool options_parse(struct options *out, int argc, char **argv, char *err, size_t cap);
const char *options_help(void);

/* Identity of station `index` (0..) out of `count`: `id` itself if there is one; else its trailing number
 * counts up (CP1, CP2, …; CP09, CP10), or -1, -2, … is appended. false: longer than OPTIONS_ID_MAX. */
bool options_station_id(const char *id, int index, int count, char *out, size_t cap);

#endif
