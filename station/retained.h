/*
 * retained: who owns which part of the memory that survives a reset (struct port, `retained`). Each part
 * carries a check of its own: after a loss of power it is noise. Comms thread.
 */
#ifndef STATION_RETAINED_H
#define STATION_RETAINED_H

#include "port/port.h"

enum {
    RETAINED_REGISTERS = 0, /* energy and contactor registers (station/registers.c) */
    RETAINED_REGISTERS_BYTES = 256,
    RETAINED_UPDATE = RETAINED_REGISTERS + RETAINED_REGISTERS_BYTES, /* firmware on probation (update/) */
    RETAINED_UPDATE_BYTES = 256,
    RETAINED_LOG = RETAINED_UPDATE + RETAINED_UPDATE_BYTES, /* the newest log lines (log/) */
    RETAINED_LOG_BYTES = PORT_RETAINED_BYTES - RETAINED_LOG,
};

#endif
