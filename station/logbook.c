/* logbook: the log between its memory, its settings and those who write it; see logbook.h. */
#include "station/logbook.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "station/retained.h"

enum {
    WORDS_MAGIC = 0x57524453,
    CLOCK_JUMP_MS = 2000, /* a clock that is corrected by less is not worth a line */
    KB = 1024,
};

/* What a thread that restarts the machine had to say, when nobody could write it into the log any more. */
struct last_words {
    uint32_t magic, magic_inv;
    char text[120];
};
enum { KEPT_BYTES = RETAINED_LOG_BYTES - (int)sizeof(struct last_words) };
_Static_assert(KEPT_BYTES % 8 == 0 && RETAINED_LOG % 8 == 0, "the ring in there is aligned");

static struct last_words *last_words_of(const struct port *port)
{
    return port->retained ? (struct last_words *)((unsigned char *)port->retained + RETAINED_LOG + KEPT_BYTES)
                          : NULL;
}

static void show(void *ctx, int level, const char *text)
{
    const struct station *s = ctx;
    s->port->log(s->port->ctx, level, text);
}

void logbook_init(struct station *s, const struct station_boot *boot)
{
    const struct port *port = s->port;
    size_t wanted = (size_t)settings_int(&s->settings, SETTING_log_size) * KB;
    const struct log_memory memory = {
        .ring = boot->log_mem,
        .ring_bytes = boot->log_bytes < wanted ? boot->log_bytes : wanted,
        .kept = port->retained ? (unsigned char *)port->retained + RETAINED_LOG : NULL,
        .kept_bytes = port->retained ? (size_t)KEPT_BYTES : 0,
    };
    log_init(&s->log, &memory, port->random(port->ctx));
    if (port->log) {
        s->log.show = show;
        s->log.show_ctx = s;
    }
    logbook_settings(s);
    uint64_t now = port->now_us(port->ctx);
    if (s->log.before.lines)
        log_lines_before(&s->log, now, (int32_t)s->log.before.lines);
    struct last_words *w = last_words_of(port);
    if (w && w->magic == WORDS_MAGIC && w->magic_inv == ~(uint32_t)WORDS_MAGIC) {
        w->text[sizeof w->text - 1] = '\0';
        log_last_words(&s->log, now, w->text);
    }
    if (w)
        w->magic = 0;
    log_started(&s->log, now, (int32_t)port->reset_reason, boot->firmware ? boot->firmware : "?");
}

void logbook_settings(struct station *s)
{
    if (!log_filter_parse(settings_int(&s->settings, SETTING_log_level),
                          settings_text(&s->settings, SETTING_log_modules), &s->log.filter))
        station_log(s, LOG_WARNING,
                    "settings: log_modules has something that is no module=level, passed over");
    s->log.filter.send = settings_int(&s->settings, SETTING_log_send)
                             ? (uint8_t)settings_int(&s->settings, SETTING_log_send_level)
                             : (uint8_t)LOG_NOT_SENT;
}

static void follow_clock(struct station *s, uint64_t now_us)
{
    if (!s->clock.known || (s->log_clock_known && s->clock.offset_ms == s->log_clock_ms))
        return;
    int64_t later = s->clock.offset_ms - s->log_clock_ms;
    if (!s->log_clock_known)
        log_clock_known(&s->log, now_us);
    else if (later >= CLOCK_JUMP_MS || later <= -CLOCK_JUMP_MS)
        log_clock_set(&s->log, now_us,
                      later > INT32_MAX   ? INT32_MAX
                      : later < INT32_MIN ? INT32_MIN
                                          : (int32_t)later);
    s->log_clock_known = true;
    s->log_clock_ms = s->clock.offset_ms;
    log_clock(&s->log, s->clock.offset_ms);
}

void logbook_step(struct station *s, uint64_t now_us)
{
    struct log_note note;
    s->log.show = NULL; /* whoever left a note has shown it */
    while (log_inbox_take(&s->notes, &note))
        log_text(&s->log, note.at_us, (enum log_level)note.level, note.text);
    s->log.show = s->port->log ? show : NULL;
    uint32_t lost = log_inbox_take_lost(&s->notes);
    if (lost)
        log_notes_lost(&s->log, now_us, (int32_t)lost);
    follow_clock(s, now_us);
}

void station_log(struct station *s, int level, const char *fmt, ...)
{
    char line[LOG_TEXT_MAX + 1];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    log_text(&s->log, s->port->now_us(s->port->ctx), (enum log_level)(level < 0 ? LOG_ERROR : level), line);
}

void station_note(struct station *s, uint64_t at_us, int level, const char *text)
{
    (void)log_inbox_put(&s->notes, at_us, (enum log_level)(level < 0 ? LOG_ERROR : level), text);
}

void station_last_words(const struct port *port, const char *text)
{
    struct last_words *w = last_words_of(port);
    if (!w)
        return;
    size_t len = strlen(text);
    if (len >= sizeof w->text)
        len = sizeof w->text - 1;
    memcpy(w->text, text, len);
    w->text[len] = '\0';
    w->magic_inv = ~(uint32_t)WORDS_MAGIC;
    w->magic = WORDS_MAGIC;
}
