/* event: the table, and sentences; see event.h. */
#include "log/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/evse.h"
#include "core/fault.h"
#include "core/guard.h"
#include "core/limits.h"
#include "port/port.h"

static const struct log_event_info events[LOG_EVENTS] = {
    [LOG_EV_TEXT] = {"text", LOG_INFO, LOG_SYSTEM, 0, true, "{text}"},
#define ROW(id, level, module, ints, text, sentence) \
    [LOG_EV_##id] = {#id, LOG_##level, LOG_##module, ints, text, sentence},
#define LOG_0(id, level, module, sentence)  ROW(id, level, module, 0, false, sentence)
#define LOG_1(id, level, module, sentence)  ROW(id, level, module, 1, false, sentence)
#define LOG_2(id, level, module, sentence)  ROW(id, level, module, 2, false, sentence)
#define LOG_3(id, level, module, sentence)  ROW(id, level, module, 3, false, sentence)
#define LOG_4(id, level, module, sentence)  ROW(id, level, module, 4, false, sentence)
#define TEXT_0(id, level, module, sentence) ROW(id, level, module, 0, true, sentence)
#define TEXT_1(id, level, module, sentence) ROW(id, level, module, 1, true, sentence)
#include "log/events.def"
};

static const char *const levels[LOG_LEVELS] = {"error", "warning", "info", "debug"};

static const char *const modules[LOG_MODULES] = {
    [LOG_SYSTEM] = "system",       [LOG_SETTINGS] = "settings", [LOG_JOURNAL] = "journal",
    [LOG_PILOT] = "pilot",         [LOG_STATE] = "state",       [LOG_CABLE] = "cable",
    [LOG_CONTACTOR] = "contactor", [LOG_GUARD] = "guard",       [LOG_FAULT] = "fault",
    [LOG_LIMIT] = "limit",         [LOG_LOCK] = "lock",         [LOG_BUTTON] = "button",
    [LOG_BLACKBOX] = "blackbox",   [LOG_LINK] = "link",         [LOG_OCPP] = "ocpp",
    [LOG_SECURITY] = "security",   [LOG_UPLOAD] = "upload",     [LOG_UPDATE] = "update",
};

const struct log_event_info *log_event_info(unsigned id)
{
    return &events[id < LOG_EVENTS ? id : LOG_EV_TEXT];
}

const char *log_level_name(unsigned level)
{
    return levels[level < LOG_LEVELS ? level : LOG_DEBUG];
}

const char *log_module_name(unsigned module)
{
    return modules[module < LOG_MODULES ? module : LOG_SYSTEM];
}

bool log_module_find(const char *name, size_t len, enum log_module *out)
{
    for (unsigned i = 0; i < LOG_MODULES; i++) {
        if (strlen(modules[i]) == len && memcmp(modules[i], name, len) == 0) {
            *out = (enum log_module)i;
            return true;
        }
    }
    return false;
}

/* ---- sentences ---- */

struct sentence {
    char *buf;
    size_t cap, len;
    bool full;
};

static void add(struct sentence *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len && !s->full; i++) {
        if (s->len + 1 >= s->cap) {
            s->full = true;
            return;
        }
        unsigned char c = (unsigned char)text[i];
        s->buf[s->len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
}

static void add_trips(struct sentence *s, uint32_t trips)
{
    static const char *const names[] = {"left C",   "unplugged",   "CP short", "CP range",  "diode",
                                        "PP",       "overcurrent", "RCD",      "no frames", "control stalled",
                                        "internal", "ventilation"};
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(trips & (1u << i)))
            continue;
        if (any)
            add(s, ", ", 2);
        add(s, names[i], strlen(names[i]));
        any = true;
    }
    if (!any)
        add(s, "nothing", 7);
}

static const char *reset_name(int32_t reason)
{
    switch ((enum port_reset_reason)reason) {
    case PORT_RESET_POWER_ON:
        return "power-on";
    case PORT_RESET_SOFTWARE:
        return "a restart as asked";
    case PORT_RESET_WATCHDOG:
        return "a watchdog reset";
    case PORT_RESET_PANIC:
        return "a crash";
    case PORT_RESET_BROWNOUT:
        return "a brown-out";
    }
    return "an unknown reset";
}

static void add_milli(struct sentence *s, int32_t v)
{
    char text[24];
    unsigned long u = v < 0 ? 0ul - (unsigned long)v : (unsigned long)v;
    u &= 0xfffffffful;
    (void)snprintf(text, sizeof text, "%s%lu.%03lu", v < 0 ? "-" : "", u / 1000, u % 1000);
    add(s, text, strlen(text));
}

static bool is(const char *name, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(name, word, len) == 0;
}

static void add_value(struct sentence *s, const char *type, size_t len, int32_t v)
{
    char text[24];
    const char *word = text;
    if (is(type, len, "int"))
        (void)snprintf(text, sizeof text, "%" PRId32, v);
    else if (is(type, len, "uint"))
        (void)snprintf(text, sizeof text, "%" PRIu32, (uint32_t)v);
    else if (is(type, len, "letter"))
        (void)snprintf(text, sizeof text, "%c", v >= ' ' && v < 0x7f ? (char)v : '?');
    else if (is(type, len, "state"))
        word = evse_state_name((enum evse_state)v);
    else if (is(type, len, "fault"))
        word = fault_name((enum fault)v);
    else if (is(type, len, "limit"))
        word = limit_slot_name((enum limit_slot)v);
    else if (is(type, len, "closed"))
        word = v ? "closed" : "open";
    else if (is(type, len, "reset"))
        word = reset_name(v);
    else if (is(type, len, "milli")) {
        add_milli(s, v);
        return;
    } else if (is(type, len, "trips")) {
        add_trips(s, (uint32_t)v);
        return;
    } else
        word = "?";
    add(s, word, strlen(word));
}

/* Bytes of the well-formed character (Unicode table 3-7) at p; 0: it is none, −1: it goes on behind the end.
 */
static int character(const unsigned char *p, size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    int n;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    for (int i = 1; i < n; i++) {
        if ((size_t)i >= left)
            return -1;
        if (p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return n;
}

/* What others gave as text may be anything: bytes that are no UTF-8 become '?', a character cut at the end
 * goes. */
static size_t made_utf8(char *buf, size_t len, bool cut)
{
    size_t at = 0;
    while (at < len) {
        int n = character((const unsigned char *)buf + at, len - at);
        if (n < 0 && cut) {
            len = at;
            break;
        }
        if (n <= 0)
            buf[at] = '?';
        at += n > 0 ? (size_t)n : 1;
    }
    buf[len] = '\0';
    return len;
}

size_t log_sentence(const struct log_entry *e, char *buf, size_t cap)
{
    struct sentence s = {.buf = buf, .cap = cap};
    if (!cap)
        return 0;
    unsigned at = 0;
    const char *p = log_event_info(e->id)->sentence;
    while (*p && !s.full) {
        size_t plain = strcspn(p, "{");
        add(&s, p, plain);
        p += plain;
        if (!*p)
            break;
        size_t len = strcspn(++p, "}");
        if (is(p, len, "text"))
            add(&s, e->text, e->text_len);
        else if (at < e->ints && at < LOG_INTS_MAX)
            add_value(&s, p, len, e->value[at++]);
        else
            add(&s, "?", 1);
        p += len + (p[len] == '}');
    }
    return made_utf8(buf, s.len, s.full);
}
