/* device: the station behind, time and settings, for all blocks; see device.h. */
#include "ocpp/v201/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t device_now(const struct device *d)
{
    return d->ops->now_us(d->st);
}

bool device_wall(const struct device *d, uint64_t at_us, int64_t *unix_ms)
{
    if (d->ops->wall_ms(d->st, at_us, unix_ms))
        return true;
    if (!d->offset_known)
        return false;
    *unix_ms = d->offset_ms + (int64_t)(at_us / 1000);
    return true;
}

void device_set_wall(struct device *d, int64_t unix_ms)
{
    d->offset_ms = unix_ms - (int64_t)(device_now(d) / 1000);
    d->offset_known = true;
    d->ops->set_wall_ms(d->st, unix_ms);
}

bool device_registered(const struct device *d)
{
    return d->online && d->registration == REGISTRATION_ACCEPTED;
}

void device_log(const struct device *d, int level, const char *format, ...)
{
    char line[200];
    va_list args;
    va_start(args, format);
    int n = snprintf(line, sizeof line, "ocpp: ");
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    d->ops->log(d->st, level, line);
}

bool device_text(const struct device *d, const char *setting, char *out, size_t cap)
{
    int n = d->ops->setting_get(d->st, setting, out, cap);
    if (n >= 0)
        return true;
    out[0] = 0;
    return false;
}

int32_t device_int(const struct device *d, const char *setting, int32_t otherwise)
{
    char text[24];
    if (!device_text(d, setting, text, sizeof text))
        return otherwise;
    char *end;
    long v = strtol(text, &end, 10);
    if (end == text || *end || v < INT32_MIN || v > INT32_MAX)
        return otherwise;
    return (int32_t)v;
}

bool device_bool(const struct device *d, const char *setting, bool otherwise)
{
    char text[24];
    if (!device_text(d, setting, text, sizeof text))
        return otherwise;
    if (!strcmp(text, "true") || !strcmp(text, "1"))
        return true;
    if (!strcmp(text, "false") || !strcmp(text, "0"))
        return false;
    return otherwise;
}

bool device_list_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; *p;) {
        while (*p == ' ' || *p == ',')
            p++;
        size_t len = strcspn(p, ",");
        size_t trimmed = len;
        while (trimmed > 0 && p[trimmed - 1] == ' ')
            trimmed--;
        if (trimmed == n && n > 0 && memcmp(p, word, n) == 0)
            return true;
        p += len;
    }
    return false;
}
