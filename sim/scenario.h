/*
 * scenario: the verbs with which a person acts on a simulated station, and plain-text files of timed verbs
 * and expectations. The same verbs serve the control socket. Grammar in docs/simulator.md.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/world.h"

/* Stations are numbered from 1, as in the files.
 *
 * Verbs the world can't do itself (token, network, power, server) and values it does not know (the station's
 * own view, the peer's) are asked of the host. */
struct scenario_host {
    void *ctx;
    int (*stations)(void *ctx);
    struct world *(*world)(void *ctx, int station);
    /* A verb that is not the world's, e.g. "token ABC", "network off", "power off torn". false: unknown, or
     * why. */
    bool (*verb)(void *ctx, int station, int argc, char **argv, char *why, size_t cap);
    /* A value that is not the world's, e.g. "station.state", "hub.limit". false: unknown. */
    bool (*value)(void *ctx, int station, const char *name, char *out, size_t cap);
    /* Whether there is such a verb, or value, whatever the stations are doing now. NULL: the host has none.
     */
    bool (*knows_verb)(void *ctx, const char *verb);
    bool (*knows_value)(void *ctx, const char *name);
};

/* Carries out one verb line for one station ("plug", "unplug", "ready on", "fault weld on", "car max_a 16",
 * "mains volt 2 190", ...). false: `why` says what is wrong with it, or why it was refused; nothing has
 * changed then. */
bool scenario_do(const struct scenario_host *host, int station, const char *line, char *why, size_t cap);
/* Reads one value by name ("contactor", "amp1", "duty", ... or the host's). */
bool scenario_get(const struct scenario_host *host, int station, const char *name, char *out, size_t cap);

struct scenario;
enum { SCENARIO_LINES_PER_STEP = 10000 };
enum { SCENARIO_BYTES_MAX = 1 << 20 }; /* size of a file at most */
/* Parses a whole file. NULL: `why` says line and reason. The arguments of the world's own verbs are checked
 * here, those of the host's when they run. */
struct scenario *scenario_parse(const char *text, size_t len, char *why, size_t cap);
/* Whether the host has every station, verb and value that the file names; before the first step. false: `why`
 * says line and what there is not. */
bool scenario_check(const struct scenario *s, const struct scenario_host *host, char *why, size_t cap);
void scenario_free(struct scenario *s);
/* Runs what is due at now_us; time 0 of the scenario is the first call's. At most SCENARIO_LINES_PER_STEP
 * lines are run in one call. Returns 1 running, 0 finished and all expectations held, −1 failed (`why`). */
int scenario_step(struct scenario *s, const struct scenario_host *host, uint64_t now_us, char *why,
                  size_t cap);
/* Lines that expect something (expect, wait, refused); *met: those that have been met as often as they were
 * reached. */
unsigned scenario_expectations(const struct scenario *s, unsigned *met);

#endif
