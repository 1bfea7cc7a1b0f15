/*
 * log_tail: the last lines of the log, in RTC memory that a reset leaves alone, so that after a panic or
 * watchdog the lines before it can still be read.
 */
#ifndef ESP32_LOG_TAIL_H
#define ESP32_LOG_TAIL_H

#include <stddef.h>

#include "port/port.h"

enum {
    LOG_TAIL_BYTES = 2048
}; /* of the 8 KB of RTC slow memory, of which half is struct port's `retained` */

/* First. Keeps what the run before has left and begins anew. Returns why the chip was reset. */
enum port_reset_reason log_tail_init(void);
const char *log_tail_reason(enum port_reset_reason reason);
/* Any thread, not an interrupt. level as in struct port. Also prints on the console, and leaves the line for
 * the station's log. */
void log_tail_line(int level, const char *text);
/* The same for what is in the station's log already. */
void log_tail_print(int level, const char *text);
/* Any thread. Text of the run before (previous) or of this one, oldest first; 0-terminated, cut at the front.
 * Returns its length. */
size_t log_tail_copy(bool previous, char *buf, size_t cap);

#endif
