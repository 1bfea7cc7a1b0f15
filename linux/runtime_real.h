/*
 * runtime_real: runs a site in wall time over real sockets: a control thread moves all worlds on, the calling
 * thread serves every station's WebSocket, the control socket, scenario and table.
 */
#ifndef LINUX_RUNTIME_REAL_H
#define LINUX_RUNTIME_REAL_H

#include "linux/frame_log.h"
#include "linux/options.h"
#include "sim/scenario.h"

/* `scenario` may be NULL. Returns at the end that the options ask for, or on SIGINT or SIGTERM, an enum
 * exit_code. */
int runtime_real(const struct options *o, struct scenario *scenario, struct frame_log *log);

#endif
