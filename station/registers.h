/*
 * registers: the energy and contactor registers between two marks in the journal, in the memory that a reset
 * leaves alone, so that a crash loses nothing and only a loss of power goes back to the mark.
 *
 * Two copies are written in turn, each with a count and a check over all of it: one that was cut while being
 * written is not believed and the other is 10 ms older.
 */
#ifndef STATION_REGISTERS_H
#define STATION_REGISTERS_H

#include "station/durable.h"

/* What registers_keep has written. Zero is where a start begins. Control thread. */
struct registers_kept {
    uint32_t count;
    uint64_t total_uwh;
    uint32_t contactor_cycles;
};

/* Before the first keep. true: *out is newer than the journal's mark and could have come from it. `mark`
 * NULL: the journal can't be read, so any copy that stands its check counts. `retained` may be NULL. */
bool registers_recall(const void *retained, const struct durable_registers *mark,
                      struct durable_registers *out);
/* Control thread: writes one copy if the registers have moved; some 80 bytes, nothing waits. */
void registers_keep(void *retained, struct registers_kept *k, const struct meter_reading *meter,
                    uint32_t contactor_cycles, uint64_t now_us);

#endif
