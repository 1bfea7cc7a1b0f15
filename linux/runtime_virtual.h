/*
 * runtime_virtual: runs a site in virtual time, in one thread, against a hub in this process: hours in
 * seconds, and the same every time for the same options and seed.
 */
#ifndef LINUX_RUNTIME_VIRTUAL_H
#define LINUX_RUNTIME_VIRTUAL_H

#include "linux/frame_log.h"
#include "linux/options.h"
#include "sim/scenario.h"

/* `scenario` may be NULL. Returns an enum exit_code. */
int runtime_virtual(const struct options *o, struct scenario *scenario, struct frame_log *log);

#endif
