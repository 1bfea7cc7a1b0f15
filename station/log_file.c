/* log_file: sections, each a row of lines; see log_file.h. */
#include "station/log_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ocpp/json.h"
#include "station/station.h"

enum section { HEAD, SETTINGS, LINES_HEAD, LINES, BOXES, END, SECTIONS };

enum { SAMPLES_A_LINE = 3 }; /* 96 bytes: 128 characters of base64, without padding */

static void out(struct log_file *f, const char *text)
{
    size_t len = strlen(text);
    if (len > sizeof f->line - 1)
        len = sizeof f->line - 1;
    memcpy(f->line, text, len);
    f->line[len] = '\n';
    f->line_len = (uint16_t)(len + 1);
}

static void time_text(char buf[JSON_TIME_TEXT], bool known, int64_t unix_ms)
{
    if (known)
        json_time_text(buf, unix_ms);
    else
        memcpy(buf, "-", 2);
}

/* ---- head and settings ---- */

static const char *reset_name(enum port_reset_reason r)
{
    static const char *const names[] = {[PORT_RESET_POWER_ON] = "power-on",
                                        [PORT_RESET_SOFTWARE] = "software",
                                        [PORT_RESET_WATCHDOG] = "watchdog",
                                        [PORT_RESET_PANIC] = "panic",
                                        [PORT_RESET_BROWNOUT] = "brown-out"};
    return (size_t)r < sizeof names / sizeof names[0] ? names[r] : "unknown";
}

static bool head_line(struct log_file *f)
{
    const struct station *s = f->station;
    char text[LOG_FILE_LINE], when[JSON_TIME_TEXT];
    int64_t wall = 0;
    bool known = wallclock_at(&f->clock, f->begun_us, &wall);
    struct port_health h = {0};
    switch (f->index++) {
    case 0:
        out(f, f->security ? "ECSACP1 security log 1" : "ECSACP1 diagnostics 1");
        return true;
    case 1:
        time_text(when, known, wall);
        (void)snprintf(text, sizeof text, "made=%s", when);
        break;
    case 2:
        (void)snprintf(text, sizeof text, "station=%s", settings_text(&s->settings, SETTING_station_id));
        break;
    case 3:
        (void)snprintf(text, sizeof text, "model=%s serial=%s", s->model ? s->model : "",
                       s->serial ? s->serial : "");
        break;
    case 4:
        (void)snprintf(text, sizeof text, "firmware=%s", s->firmware ? s->firmware : "");
        break;
    case 5:
        (void)snprintf(text, sizeof text, "boot=%08" PRIx32 " reset=%s up_s=%lu", s->log.boot,
                       reset_name(s->port->reset_reason), (unsigned long)(f->begun_us / 1000000));
        break;
    case 6:
        if (s->port->health)
            s->port->health(s->port->ctx, &h);
        (void)snprintf(text, sizeof text,
                       "left control_stack=%lu comms_stack=%lu heap_min=%lu heap_block=%lu",
                       (unsigned long)h.control_stack, (unsigned long)h.comms_stack,
                       (unsigned long)h.heap_min, (unsigned long)h.heap_block);
        break;
    case 7:
        (void)snprintf(text, sizeof text, "lines_overwritten_unsent=%lu", (unsigned long)f->lost);
        break;
    default:
        return false;
    }
    out(f, text);
    return true;
}

static bool setting_line(struct log_file *f)
{
    if (f->security)
        return false;
    if (f->index == 0) {
        f->index++;
        out(f, "[settings]");
        return true;
    }
    if (f->index > SETTING_COUNT)
        return false;
    enum setting_id id = (enum setting_id)(f->index++ - 1);
    char text[LOG_FILE_LINE], value[300];
    (void)settings_format(&f->station->settings, id, value, sizeof value); /* a secret gives "" */
    (void)snprintf(text, sizeof text, "%s=%s", settings_info(id)->name, value);
    out(f, text);
    return true;
}

/* ---- lines ---- */

static bool in_range(const struct log_file *f, bool known, int64_t unix_ms)
{
    return !known || (unix_ms >= f->from_ms && unix_ms <= f->to_ms);
}

static bool security_line(struct log_file *f)
{
    struct security_log_entry e;
    while (f->security_place != f->security_end &&
           security_log_next(&f->station->security, &f->security_place, &e)) {
        int64_t wall = e.unix_ms;
        bool known = e.wall_known || wallclock_at(&f->clock, e.at_us, &wall);
        if (!in_range(f, known, wall))
            continue;
        char text[LOG_FILE_LINE], when[JSON_TIME_TEXT];
        time_text(when, known, wall);
        (void)snprintf(text, sizeof text, "%s %s", when, e.text);
        out(f, text);
        return true;
    }
    return false;
}

static bool log_line(struct log_file *f)
{
    const struct log *l = &f->station->log;
    struct log_entry e;
    if (f->security)
        return security_line(f);
    while (log_next(l, &f->place, &e) && (int32_t)(f->place.serial - f->end.serial) <= 0) {
        int64_t wall = 0;
        bool known = log_wall_ms(l, &e, f->clock.known, f->clock.offset_ms, &wall);
        if (!in_range(f, known, wall))
            continue;
        char text[LOG_FILE_LINE], when[JSON_TIME_TEXT], said[LOG_LINE_MAX];
        time_text(when, known, wall);
        (void)log_sentence(&e, said, sizeof said);
        (void)snprintf(text, sizeof text, "%s %08" PRIx32 "/%" PRIu32 " %lu.%03lu %s %s: %s", when,
                       e.before ? l->before.boot : l->boot, e.n, (unsigned long)(e.at_us / 1000000),
                       (unsigned long)(e.at_us / 1000 % 1000), log_level_name(e.level),
                       log_module_name(e.module), said);
        out(f, text);
        return true;
    }
    return false;
}

/* ---- black boxes ---- */

static size_t base64(const unsigned char *in, size_t n, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 0;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t v =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0u);
        to[len++] = digits[v >> 18];
        to[len++] = digits[v >> 12 & 63];
        to[len++] = left > 1 ? digits[v >> 6 & 63] : '=';
        to[len++] = left > 2 ? digits[v & 63] : '=';
    }
    return len;
}

static size_t lines_of(const struct blackbox_box *b)
{
    return 1 + (b->count + SAMPLES_A_LINE - 1) / SAMPLES_A_LINE;
}

static void box_head(struct log_file *f, const struct blackbox_box *b)
{
    char text[LOG_FILE_LINE], when[JSON_TIME_TEXT];
    int64_t wall = 0;
    bool known = wallclock_at(&f->clock, b->cause.at_us, &wall);
    time_text(when, known, wall);
    (void)snprintf(
        text, sizeof text,
        "[blackbox] number=%lu fault=%s detail=%ld at=%s at_us=%" PRIu64 " period_us=%lu samples=%lu",
        (unsigned long)b->cause.number, fault_name((enum fault)b->cause.fault), (long)b->cause.detail, when,
        b->cause.at_us, (unsigned long)b->period_us, (unsigned long)b->count);
    out(f, text);
}

static bool box_line(struct log_file *f)
{
    size_t line = f->index++;
    const struct blackbox_box *b = f->box;
    unsigned i = 0;
    while (i < f->boxes && line >= lines_of(&b[i]))
        line -= lines_of(&b[i++]);
    if (i == f->boxes)
        return false;
    if (line == 0) {
        box_head(f, &b[i]);
        return true;
    }
    unsigned char bytes[SAMPLES_A_LINE * sizeof(struct blackbox_sample)];
    char text[sizeof bytes * 4 / 3 + 1];
    size_t first = (line - 1) * SAMPLES_A_LINE, n = 0;
    for (size_t k = first; k < b[i].count && k < first + SAMPLES_A_LINE;
         k++, n++) /* as in memory: little endian */
        memcpy(bytes + n * sizeof(struct blackbox_sample), blackbox_at(&f->station->blackbox, &b[i], k),
               sizeof(struct blackbox_sample));
    text[base64(bytes, n * sizeof(struct blackbox_sample), text)] = '\0';
    out(f, text);
    return true;
}

/* ---- the stream ---- */

/* The next line of this section into f->line. */
static bool section_line(struct log_file *f)
{
    switch ((enum section)f->section) {
    case HEAD:
        return head_line(f);
    case SETTINGS:
        return setting_line(f);
    case LINES_HEAD:
        out(f, f->security ? "[security]" : "[log]");
        return f->index++ == 0;
    case LINES:
        return log_line(f);
    case BOXES:
        return box_line(f);
    case END:
        out(f, "[end]");
        return f->index++ == 0;
    case SECTIONS:
        break;
    }
    return false;
}

static void start(struct log_file *f)
{
    f->made = f->lines_end = 0;
    f->section = f->index = 0;
    f->place = (struct log_place){0};
    f->security_place = 0;
    f->line_len = f->line_at = 0;
}

void log_file_begin(struct log_file *f, struct station *s, bool security, int64_t from_ms, int64_t to_ms)
{
    *f = (struct log_file){.station = s,
                           .security = security,
                           .from_ms = from_ms,
                           .to_ms = to_ms,
                           .clock = s->clock,
                           .lost = s->log.lost};
    f->begun_us = s->port->now_us(s->port->ctx);
    f->end = s->log.ring ? log_ring_end(s->log.ring) : (struct log_place){0};
    f->security_end = UINT32_MAX;
    if (!security)
        f->boxes = blackbox_hold(&s->blackbox, f->box, CONTROL_PERIOD_US);
    start(f);
    for (; f->section < SECTIONS; f->section++, f->index = 0) {
        while (section_line(f)) {
            f->length += f->line_len;
            if (f->section > LINES)
                f->tail += f->line_len;
        }
        if (f->section == LINES)
            f->security_end = f->security_place;
    }
    start(f);
}

void log_file_rewind(struct log_file *f)
{
    start(f);
}

/* The lines must end at lines_end: blanks up to there. */
static bool blank_line(struct log_file *f)
{
    if (f->made >= f->lines_end)
        return false;
    uint64_t missing = f->lines_end - f->made;
    size_t n = missing < 80 ? (size_t)missing : 80;
    memset(f->line, ' ', n);
    f->line[n - 1] = '\n';
    f->line_len = (uint16_t)n;
    return true;
}

static bool next_line(struct log_file *f)
{
    while (f->section < SECTIONS) {
        if (f->section == LINES && !f->lines_end)
            f->lines_end = f->length > f->tail ? f->length - f->tail : 0;
        f->line_len = f->line_at = 0;
        if (section_line(f) && !(f->section == LINES && f->made + f->line_len > f->lines_end))
            return true;
        if (f->section == LINES && blank_line(f)) {
            f->place = f->end; /* no more lines */
            f->security_place = f->security_end;
            return true;
        }
        f->section++;
        f->index = 0;
    }
    f->line_len = 0;
    return false;
}

size_t log_file_fill(struct log_file *f, void *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap && f->made < f->length) {
        if (f->line_at == f->line_len && !next_line(f))
            break;
        size_t part = (size_t)(f->line_len - f->line_at);
        if (part > cap - n)
            part = cap - n;
        if (part > f->length - f->made)
            part = (size_t)(f->length - f->made);
        memcpy((char *)buf + n, f->line + f->line_at, part);
        f->line_at = (uint16_t)(f->line_at + part);
        f->made += part;
        n += part;
    }
    return n;
}

void log_file_end(struct log_file *f)
{
    for (unsigned i = 0; i < f->boxes; i++)
        blackbox_release(&f->station->blackbox, &f->box[i]);
    f->boxes = 0;
}
