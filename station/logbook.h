/*
 * logbook: the station's log as its parts use it: where its memory lies, what the settings say about it, and
 * the lines that come from other threads. Comms thread, unless said otherwise.
 */
#ifndef STATION_LOGBOOK_H
#define STATION_LOGBOOK_H

#include "station/station.h"

/* As soon as the settings are there: from here on the log can be written. */
void logbook_init(struct station *s, const struct station_boot *boot);
/* The settings have been read, or one of the log's has changed. */
void logbook_settings(struct station *s);
/* Each comms step: what other threads have left, and whether the clock has been set. */
void logbook_step(struct station *s, uint64_t now_us);
/* A rare line that exists only as text; level as in struct port's log. */
void station_log(struct station *s, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
