/*
 * event: the table of what the log can say (events.def), its levels and modules, and the making of a sentence
 * out of an entry. Pure functions; any thread.
 */
#ifndef LOG_EVENT_H
#define LOG_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as in struct port's log. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_LEVELS };

enum log_module {
    LOG_SYSTEM,
    LOG_SETTINGS,
    LOG_JOURNAL,
    LOG_PILOT,
    LOG_STATE,
    LOG_CABLE,
    LOG_CONTACTOR,
    LOG_GUARD,
    LOG_FAULT,
    LOG_LIMIT,
    LOG_LOCK,
    LOG_BUTTON,
    LOG_BLACKBOX,
    LOG_LINK,
    LOG_OCPP,
    LOG_SECURITY,
    LOG_UPLOAD,
    LOG_UPDATE,
    LOG_MODULES
};

enum {
    LOG_INTS_MAX = 4,
    LOG_TEXT_MAX = 200, /* bytes of an entry's text; longer ones are cut */
    LOG_LINE_MAX = 320, /* bytes of a sentence, its 0 included */
};

enum log_event_id {
    LOG_EV_TEXT, /* a line that exists only as text; level and module come with it */
#define LOG_0(id, ...)  LOG_EV_##id,
#define LOG_1(id, ...)  LOG_EV_##id,
#define LOG_2(id, ...)  LOG_EV_##id,
#define LOG_3(id, ...)  LOG_EV_##id,
#define LOG_4(id, ...)  LOG_EV_##id,
#define TEXT_0(id, ...) LOG_EV_##id,
#define TEXT_1(id, ...) LOG_EV_##id,
#include "log/events.def"
#undef LOG_0
#undef LOG_1
#undef LOG_2
#undef LOG_3
#undef LOG_4
#undef TEXT_0
#undef TEXT_1
    LOG_EVENTS
};

struct log_event_info {
    const char *name;
    enum log_level level;
    enum log_module module;
    uint8_t ints;
    bool text;
    const char *sentence;
};
/* Any number: one that is no event's gives LOG_EV_TEXT's. */
const struct log_event_info *log_event_info(unsigned id);

const char *log_level_name(unsigned level);   /* "error", "warning", "info", "debug" */
const char *log_module_name(unsigned module); /* "guard", "pilot", ... */
bool log_module_find(const char *name, size_t len, enum log_module *out);

/* One entry. The text need not end in 0. */
struct log_entry {
    uint64_t at_us; /* monotonic */
    uint32_t n;     /* number in its run, from 1 */
    bool before;    /* of the run before this one: at_us and n are that run's */
    uint16_t id;    /* enum log_event_id */
    uint8_t level, module;
    uint8_t ints;
    int32_t value[LOG_INTS_MAX];
    const char *text;
    size_t text_len;
};

/* The sentence; always ends in 0, is cut at a character's boundary if it does not fit, and has no control
 * characters. Returns its length. */
size_t log_sentence(const struct log_entry *e, char *buf, size_t cap);

#endif
