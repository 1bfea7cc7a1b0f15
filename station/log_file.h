/*
 * log_file: a file of the log as a stream of bytes whose number is known beforehand: who and what the station
 * is, its settings without secrets, the lines of a span of time, and the black boxes; or the security log.
 * docs/logs.md has its format. Comms thread only.
 */
#ifndef STATION_LOG_FILE_H
#define STATION_LOG_FILE_H

#include "log/blackbox.h"
#include "log/log.h"
#include "station/wallclock.h"

struct station;

enum { LOG_FILE_LINE = 512 };

struct log_file {
    struct station *station;
    bool security;
    int64_t from_ms, to_ms;
    /* as when it was begun */
    struct wallclock clock;
    uint64_t begun_us;
    uint32_t lost;
    struct log_place end;
    uint32_t security_end;
    struct blackbox_box box[BLACKBOX_HELD];
    unsigned boxes;
    uint64_t length, tail; /* bytes of all of it, of what follows the lines */
    /* the reader's place */
    uint64_t made;      /* bytes given so far */
    uint64_t lines_end; /* where the lines have to end for `tail` to fit; 0: not yet there */
    unsigned section, index;
    struct log_place place;
    uint32_t security_place;
    uint16_t line_len, line_at;
    char line[LOG_FILE_LINE];
};

/* Fixes what is in it and counts its bytes. Holds the newest black boxes until log_file_end. */
void log_file_begin(struct log_file *f, struct station *s, bool security, int64_t from_ms, int64_t to_ms);
void log_file_rewind(struct log_file *f);
/* The next bytes, up to cap; 0: that was all. Exactly `length` in all: lines that are overwritten meanwhile
 * leave blanks at the end of the lines. */
size_t log_file_fill(struct log_file *f, void *buf, size_t cap);
void log_file_end(struct log_file *f);

#endif
