/*
 * site_watch: measures, in the worlds themselves, whether the stations together keep the site's limit, and
 * who has charged. It knows nothing of what stations or servers believe.
 *
 * The control thread looks after every round of frames, any thread reads.
 */
#ifndef LINUX_SITE_WATCH_H
#define LINUX_SITE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/world.h"

struct site_watch;

struct site_figures {
    double phase_a[3];   /* now: sum of the stations' true RMS currents */
    double max_phase_a;  /* the largest that any phase has seen as a mean over one mains cycle */
    unsigned violations; /* times that a phase went above limit + tolerance */
    double limit_a;      /* 0: none given */
    unsigned charged;    /* stations that have delivered energy */
};

/* What a promise of "never above the limit" leaves to measuring: the RMS windows of the stations are not in
 * step, and a charger's current has noise. */
#define SITE_TOLERANCE_A 0.5
/* Energy from which on a station has charged: half a minute at 6 A on one phase is 11 Wh. */
#define SITE_CHARGED_WH 1.0

/* NULL: no memory. limit_a 0: only measures. */
struct site_watch *site_watch_create(int stations, double limit_a);
void site_watch_destroy(struct site_watch *w);
/* Control thread: the state of one station after a frame, for all stations in turn, then site_watch_round. */
void site_watch_station(struct site_watch *w, int station, const struct world_state *state);
void site_watch_round(struct site_watch *w);
void site_watch_read(struct site_watch *w, struct site_figures *out);

#endif
