/*
 * frame_log: every OCPP frame of every station as one JSON line of a file, for tests/lint and for people.
 *
 *   {"t":12.345678,"station":"CP1","dir":">","frame":[2,"…","Heartbeat",{}]}   '>' sent by the station
 *   {"t":12.345678,"station":"CP1","event":"open"}                              or "close"
 *
 * A frame that is no JSON stands as a string. One thread (comms). Each line is flushed: a killed simulator
 * leaves a whole log.
 */
#ifndef LINUX_FRAME_LOG_H
#define LINUX_FRAME_LOG_H

#include <stddef.h>
#include <stdint.h>

struct frame_log;

/* NULL: the file can't be written, errno says why. */
struct frame_log *frame_log_open(const char *path);
void frame_log_frame(struct frame_log *l, uint64_t now_us, const char *station, char dir, const char *text,
                     size_t len);
void frame_log_event(struct frame_log *l, uint64_t now_us, const char *station, const char *event);
/* 0, or −1 if anything could not be written since it was opened. */
int frame_log_close(struct frame_log *l);

#endif
