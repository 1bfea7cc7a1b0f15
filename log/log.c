/* log: what is kept, numbered, sent, and carried over a reset; see log.h. */
#include "log/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- start ---- */

/* Names this firmware's table of events: the same ids mean other sentences in another (FNV-1a). */
static uint32_t table_name(void)
{
    uint32_t h = 2166136261u;
    for (unsigned id = 0; id < LOG_EVENTS; id++)
        for (const char *p = log_event_info(id)->sentence; *p; p++)
            h = (h ^ (unsigned char)*p) * 16777619u;
    return h;
}

/* A line of firmware that had another table, as far as it can be read. */
static void as_text(struct log_entry *e, char *buf, size_t cap)
{
    size_t len = (size_t)snprintf(buf, cap, "event %u of the firmware before:", e->id);
    for (unsigned i = 0; i < e->ints && len < cap; i++)
        len += (size_t)snprintf(buf + len, cap - len, " %" PRId32, e->value[i]);
    if (len < cap)
        (void)snprintf(buf + len, cap - len, " %.*s", (int)e->text_len, e->text);
    e->id = LOG_EV_TEXT;
    e->ints = 0;
    e->text = buf;
    e->text_len = strlen(buf);
}

static void take_over(struct log *l, const struct log_memory *memory)
{
    struct log_ring *left = log_ring_find(memory->kept, memory->kept_bytes);
    if (!left)
        return;
    l->before.boot = left->boot;
    l->before.clock_known = left->clock_known == 1;
    l->before.clock_ms = left->clock_ms;
    struct log_place place = {0};
    struct log_entry e;
    bool ours = left->table == table_name();
    char text[LOG_TEXT_MAX + 1];
    while (l->ring && log_ring_next(left, &place, &e)) {
        e.before = true;
        if (!ours && e.id != LOG_EV_TEXT)
            as_text(&e, text, sizeof text);
        log_ring_put(l->ring, &e, NULL, NULL);
        l->before.lines++;
    }
}

void log_init(struct log *l, const struct log_memory *memory, uint32_t boot)
{
    *l = (struct log){.boot = boot, .filter.send = LOG_NOT_SENT};
    l->ring = log_ring_make(memory->ring, memory->ring_bytes, boot);
    take_over(l, memory);
    if (l->boot == l->before.boot)
        l->boot++;
    l->kept = log_ring_make(memory->kept, memory->kept_bytes, l->boot);
    if (l->kept)
        l->kept->table = table_name();
    (void)log_filter_parse(LOG_INFO, "", &l->filter);
    l->filter.send = LOG_INFO;
}

bool log_filter_parse(int level, const char *exceptions, struct log_filter *out)
{
    bool all = true;
    uint8_t usual = (uint8_t)(level < LOG_ERROR ? LOG_ERROR : level > LOG_DEBUG ? LOG_DEBUG : level);
    memset(out->level, usual, sizeof out->level);
    for (const char *p = exceptions; *p;) {
        size_t len = strcspn(p, ","), name = strcspn(p, "=");
        enum log_module module;
        if (name + 2 == len && p[name + 1] >= '0' && p[name + 1] < '0' + LOG_LEVELS &&
            log_module_find(p, name, &module))
            out->level[module] = (uint8_t)(p[name + 1] - '0');
        else
            all = false;
        p += len + (p[len] == ',');
    }
    return all;
}

void log_clock(struct log *l, int64_t unix_ms_at_0)
{
    if (!l->kept)
        return;
    l->kept->clock_ms = unix_ms_at_0;
    l->kept->clock_known = 1;
}

/* ---- writing ---- */

static void overwritten(void *ctx, uint32_t serial, const struct log_entry *e)
{
    struct log *l = ctx;
    if ((int32_t)(serial - l->sent.serial) >= 0 && l->filter.send != LOG_NOT_SENT &&
        e->level <= l->filter.send)
        l->lost++;
}

static void write_entry(struct log *l, struct log_entry *e)
{
    if (l->show) {
        char line[LOG_LINE_MAX];
        (void)log_sentence(e, line, sizeof line);
        l->show(l->show_ctx, e->level, line);
    }
    if (e->module >= LOG_MODULES || e->level > l->filter.level[e->module])
        return;
    e->n = ++l->n;
    if (l->kept)
        log_ring_put(l->kept, e, NULL, NULL);
    if (l->ring)
        log_ring_put(l->ring, e, overwritten, l);
}

void log_put(struct log *l, uint64_t at_us, enum log_event_id id, unsigned ints, const int32_t *value,
             const char *text)
{
    const struct log_event_info *info = log_event_info(id);
    struct log_entry e = {.at_us = at_us,
                          .id = (uint16_t)id,
                          .level = (uint8_t)info->level,
                          .module = (uint8_t)info->module,
                          .ints = (uint8_t)(ints < LOG_INTS_MAX ? ints : LOG_INTS_MAX),
                          .text = text,
                          .text_len = text ? strlen(text) : 0};
    for (unsigned i = 0; i < e.ints; i++)
        e.value[i] = value[i];
    write_entry(l, &e);
}

void log_text(struct log *l, uint64_t at_us, enum log_level level, const char *text)
{
    enum log_module module = LOG_SYSTEM;
    size_t name = strcspn(text, ":");
    if (text[name] == ':' && text[name + 1] == ' ' && log_module_find(text, name, &module))
        text += name + 2;
    struct log_entry e = {.at_us = at_us,
                          .id = LOG_EV_TEXT,
                          .level = (uint8_t)((unsigned)level < LOG_LEVELS ? level : LOG_DEBUG),
                          .module = (uint8_t)module,
                          .text = text,
                          .text_len = strlen(text)};
    write_entry(l, &e);
}

/* ---- reading ---- */

bool log_next(const struct log *l, struct log_place *place, struct log_entry *out)
{
    return l->ring && log_ring_next(l->ring, place, out);
}

bool log_unsent(const struct log *l, struct log_place *place, struct log_entry *out)
{
    if (l->filter.send == LOG_NOT_SENT)
        return false;
    if (!place->serial && !place->offset)
        *place = l->sent;
    while (log_next(l, place, out))
        if (out->level <= l->filter.send)
            return true;
    return false;
}

void log_sent(struct log *l, const struct log_place *place)
{
    if ((int32_t)(place->serial - l->sent.serial) > 0)
        l->sent = *place;
}

bool log_wall_ms(const struct log *l, const struct log_entry *e, bool clock_known, int64_t clock_ms,
                 int64_t *unix_ms)
{
    if (!(e->before ? l->before.clock_known : clock_known))
        return false;
    *unix_ms = (e->before ? l->before.clock_ms : clock_ms) + (int64_t)(e->at_us / 1000);
    return true;
}
