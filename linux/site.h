/*
 * site: all simulated stations of this process, and what a person can do to them: the host of scenario verbs
 * and values that a world alone does not know.
 *
 * Comms thread. Stations are numbered from 1, as in scenario files; station[] holds number 1 at index 0.
 */
#ifndef LINUX_SITE_H
#define LINUX_SITE_H

#include "linux/options.h"
#include "linux/sim_station.h"
#include "linux/site_watch.h"
#include "sim/scenario.h"

/* A peer in this process (virtual time): verbs and values that begin with "server" or "hub". */
struct site_peer {
    void *ctx;
    bool (*verb)(void *ctx, int station, int argc, char **argv, char *why, size_t cap);
    bool (*value)(void *ctx, int station, const char *name, char *out, size_t cap);
};

struct site {
    struct sim_station **station;
    int count;
    struct site_watch *watch;
    struct scenario_host host; /* its callbacks want the lock of the station that they are called for */
    struct site_peer peer;     /* functions NULL: none */
    char *dir;                 /* of all the stations' files */
    bool dir_is_temporary;
};

/* Makes stations without power or network. `wake`: any thread. false: err. */
bool site_open(struct site *s, const struct options *o, struct frame_log *log, void (*wake)(void *ctx),
               void *wake_ctx, char *err, size_t cap);
/* Every station switched on; network connected before. */
bool site_power_on(struct site *s, char *err, size_t cap);
void site_close(struct site *s);

/* One verb line for one station, or 0: for all, until one fails. Takes the locks. */
bool site_do(struct site *s, int station, const char *line, char *why, size_t cap);
/* A step of a scenario, with all locks held. Returns what scenario_step returns. */
int site_scenario_step(struct site *s, struct scenario *scenario, uint64_t now_us, char *why, size_t cap);

#endif
