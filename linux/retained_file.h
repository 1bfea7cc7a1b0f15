/*
 * retained_file: the memory of a simulated chip that a reset leaves alone and a loss of power fills with
 * noise (struct port, `retained`), mapped from a file so that a killed process is a crash of the firmware and
 * no more. One process at a time; the caller sees to that.
 */
#ifndef LINUX_RETAINED_FILE_H
#define LINUX_RETAINED_FILE_H

#include "port/port.h"

struct retained_file;

/* Opens or makes the file; a new one holds noise and has no power. path NULL: in memory. NULL: err says why.
 */
struct retained_file *retained_file_open(const char *path, char *err, size_t cap);
/* Leaves everything as it is; a loss of power is for the caller to say. NULL: nothing. */
void retained_file_close(struct retained_file *f);
/* PORT_RETAINED_BYTES, until closed. */
void *retained_file_memory(struct retained_file *f);
/* Has it had power ever since it was last given it? After opening, true says that the process before was
 * killed. */
bool retained_file_powered(const struct retained_file *f);
/* off: noise from `seed` takes the place of what was there. */
void retained_file_power(struct retained_file *f, bool on, uint64_t seed);

#endif
