/*
 * truth_file: what a simulated world has truly delivered, in a file that a killed process leaves up to date,
 * for tests that kill. Written by the world's side, never read by the firmware.
 *
 * Layout, little endian: "ECSTRUTH", a 64-bit count, and for each time that the contactor was closed a
 * record: when it closed and opened (ms since 1970; opened 0: it was closed to the last), and the energy, a
 * double in Wh.
 */
#ifndef LINUX_TRUTH_FILE_H
#define LINUX_TRUTH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRUTH_FILE_RECORDS = 8192 }; /* the last one takes all that comes after */

struct truth_file;

/* Opens or makes the file, going on behind what stands there. One process at a time; the caller sees to that.
 * NULL: err says why. */
struct truth_file *truth_file_open(const char *path, char *err, size_t cap);
void truth_file_close(struct truth_file *f); /* NULL: nothing */
/* As the world is now: its contactor, and the energy it has delivered since it began (Wh). */
void truth_file_now(struct truth_file *f, bool contactor, double energy_wh);

#endif
