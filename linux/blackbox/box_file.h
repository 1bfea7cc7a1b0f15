/*
 * box_file: reads the black boxes out of a diagnostics file, as stations put it (docs/logs.md has the
 * format). Any bytes: what is no such file is told with its line, and never trusted.
 */
#ifndef LINUX_BLACKBOX_BOX_FILE_H
#define LINUX_BLACKBOX_BOX_FILE_H

#include "log/blackbox.h"

enum { BOX_FILE_SAMPLES_MAX = 4096, BOX_FILE_BOXES_MAX = 16, BOX_FILE_TEXT = 48 };

struct box {
    unsigned long number;
    char fault[BOX_FILE_TEXT], at[BOX_FILE_TEXT]; /* at: wall time, or "-" */
    long detail;
    uint64_t at_us; /* of the fault, monotonic */
    uint32_t period_us;
    size_t count;
    struct blackbox_sample *sample; /* oldest first */
};

struct box_file {
    char station[BOX_FILE_TEXT], firmware[BOX_FILE_TEXT];
    size_t boxes;
    struct box box[BOX_FILE_BOXES_MAX];
};

/* false: why says what is wrong and in which line; nothing is to be freed then. */
bool box_file_parse(const char *text, size_t len, struct box_file *out, char *why, size_t cap);
void box_file_free(struct box_file *f);

/* Microseconds of a sample relative to the fault; negative: before it. */
int64_t box_time_us(const struct box *b, size_t i);

#endif
