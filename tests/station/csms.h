/*
 * csms: a charging backend in memory for the station's tests: accepts, answers what a station must have
 * answered, remembers every CALL, and can be made deaf. Virtual time, one thread.
 */
#ifndef TESTS_STATION_CSMS_H
#define TESTS_STATION_CSMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/sim_station.h"

enum { CSMS_CALLS = 4000 };

struct csms_call {
    char *action, *payload, *id;
};

struct csms {
    struct sim_station *station;
    struct transport_up up;
    bool opening, open, cut, refuse;
    const char *refuse_url; /* addresses that contain this do not answer; NULL: all do */
    char url[700];          /* the one that was asked for last */
    int refused;
    int64_t unix_ms0;            /* wall time at world time 0 */
    const char *boot_status;     /* "Accepted" */
    const char *token_status;    /* "Accepted" */
    char *waiting[256];          /* texts to the station, not yet delivered */
    const char *transfer_status; /* of DataTransfer; NULL: Accepted */
    int waiting_n;
    struct csms_call call[CSMS_CALLS];
    int calls;
    char *answer; /* payload of the last CALLRESULT to a call of ours */
    int next_id;
};

void csms_network(struct csms *c, struct sim_network *out);
/* Delivers what is waiting; call between the steps of the station. */
void csms_pump(struct csms *c);
/* Sends a CALL; its answer will be in c->answer. */
void csms_call(struct csms *c, const char *action, const char *payload);
/* Breaks the connection as a server does that goes away. */
void csms_hang_up(struct csms *c);
/* Number of recorded calls of `action` whose payload contains `part` (NULL: any), from index `from` on. */
int csms_count(const struct csms *c, int from, const char *action, const char *part);
/* The n-th (0..) of them, or NULL. */
const char *csms_find(const struct csms *c, int from, const char *action, const char *part, int n);
void csms_free(struct csms *c);

#endif
