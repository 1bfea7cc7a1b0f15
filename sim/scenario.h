/*
 * scenario: the verbs with which a person acts on a simulated station, and plain-text files of timed verbs
 * and expectations. The same verbs serve the control socket. Grammar in docs/simulator.md.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "sim/world.h"

/* Verbs the world can't do itself (token, network, power, server) and values it does not know (the station's
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
};

/* Carries out one verb line ("plug", "unplug", "ready on", "fault weld on", "car max_a 16", "mains volt 2
 * 190", ...). */
bool scenario_do(const struct scenario_host *host, int station, const char *line, char *why, size_t cap);
/* Reads one value by name ("contactor", "amp1", "duty", ... or the host's). */
bool scenario_get(const struct scenario_host *host, int station, const char *name, char *out, size_t cap);

struct scenario;
/* Parses a whole file. NULL: `why` says line and reason. */
struct scenario *scenario_parse(const char *text, size_t len, char *why, size_t cap);
void scenario_free(struct scenario *s);
/* Runs what is due at now_us. Returns 1 running, 0 finished and all expectations held, −1 failed (`why`). */
int scenario_step(struct scenario *s, const struct scenario_host *host, uint64_t now_us, char *why,
                  size_t cap);
unsigned scenario_expectations(const struct scenario *s, unsigned *met);

#endif
