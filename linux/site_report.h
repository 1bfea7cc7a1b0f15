/*
 * site_report: what the simulated site looks like, for people and programs: JSON for the control socket, a
 * table for the terminal, a summary at the end.
 *
 * Comms thread; takes the stations' locks.
 */
#ifndef LINUX_SITE_REPORT_H
#define LINUX_SITE_REPORT_H

#include "linux/site.h"

/* JSON texts, to be freed with free(); NULL: no memory. */
char *site_state_json(struct site *s);    /* the truth, as the worlds have it */
char *site_stations_json(struct site *s); /* what the stations believe */

/* Writes {stations, charged, site_limit_a, max_phase_a, violations, messages, reconnects}. false: errno says
 * why. */
bool site_write_summary(struct site *s, const char *path);

/* A line per station and the site's sums. On a terminal each table overwrites the one before (`again`). */
void site_print_table(struct site *s, bool again);

#endif
