/*
 * verdict: whether a run has kept its promises: the scenario's expectations, the site's limit, everybody
 * charged.
 *
 * Comms thread.
 */
#ifndef LINUX_VERDICT_H
#define LINUX_VERDICT_H

#include "linux/options.h"
#include "linux/site.h"

struct verdict {
    struct scenario *scenario; /* NULL: none */
    int state;                 /* what scenario_step last returned: 1 running, 0 held, −1 failed */
};

void verdict_init(struct verdict *v, struct scenario *scenario);
/* Moves the scenario on. true: it has come to its end, one way or the other (always false without a
 * scenario). */
bool verdict_step(struct verdict *v, struct site *site, uint64_t now_us);
bool verdict_running(const struct verdict *v);
bool verdict_failed(const struct verdict *v);
/* The run is over: says on stderr what was not kept, writes the summary. Returns an enum exit_code.
 * `interrupted`: a person ended it, so that an unfinished scenario is no failure. */
int verdict_end(struct verdict *v, const struct options *o, struct site *site, bool interrupted);

#endif
