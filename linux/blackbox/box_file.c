/* box_file: lines, names and base64; see box_file.h. */
#include "linux/blackbox/box_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SAMPLE = sizeof(struct blackbox_sample),
    LINE_SAMPLES = 3,
    LINE_CHARS = LINE_SAMPLES * SAMPLE * 4 / 3
};

struct reader {
    const char *at, *end; /* the next line */
    unsigned line;        /* number of the present one */
    const char *text;     /* the present one, without its end */
    size_t len;
    char *why;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct reader *r, const char *fmt, ...)
{
    char what[160];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    (void)snprintf(r->why, r->cap, "line %u: %s", r->line, what);
    return false;
}

static bool next_line(struct reader *r)
{
    if (r->at >= r->end)
        return false;
    const char *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->text = r->at;
    r->len = (size_t)((nl ? nl : r->end) - r->at);
    r->at = nl ? nl + 1 : r->end;
    if (r->len && r->text[r->len - 1] == '\r')
        r->len--;
    r->line++;
    return true;
}

static bool starts(const struct reader *r, const char *with)
{
    size_t n = strlen(with);
    return r->len >= n && memcmp(r->text, with, n) == 0;
}

/* The word behind "name=" in the present line. */
static bool value(const struct reader *r, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < r->len; i++) {
        if ((i && r->text[i - 1] != ' ') || memcmp(r->text + i, name, n) != 0 || r->text[i + n] != '=')
            continue;
        const char *p = r->text + i + n + 1;
        size_t left = r->len - i - n - 1, len = 0;
        while (len < left && p[len] != ' ')
            len++;
        if (len >= cap)
            return false;
        memcpy(out, p, len);
        out[len] = '\0';
        return true;
    }
    return false;
}

static bool number(struct reader *r, const char *name, long long min, long long max, long long *out)
{
    char text[BOX_FILE_TEXT], *end;
    if (!value(r, name, text, sizeof text) || !text[0])
        return fail(r, "no %s=", name);
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (*end || errno || *out < min || *out > max)
        return fail(r, "%s=%s is not a number from %lld to %lld", name, text, min, max);
    return true;
}

/* ---- samples ---- */

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bytes decoded; −1: this is no base64. */
static int decode(const char *text, size_t len, unsigned char *out)
{
    int n = 0;
    if (len % 4)
        return -1;
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        int pad = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
        uint32_t v = 0;
        for (int k = 0; k < 4; k++) {
            int d = k >= 4 - pad ? 0 : digit(text[i + (size_t)k]);
            if (d < 0)
                return -1;
            v = v << 6 | (uint32_t)d;
        }
        for (int k = 0; k < 3 - pad; k++)
            out[n++] = (unsigned char)(v >> (16 - 8 * k));
    }
    return n;
}

static uint16_t u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* As the station has them in memory: little endian. */
static void sample_of(const unsigned char *p, struct blackbox_sample *s)
{
    *s = (struct blackbox_sample){
        .at_us = (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16,
        .cp_high_mv = (int16_t)u16(p + 4),
        .cp_low_mv = (int16_t)u16(p + 6),
        .pp_mv = u16(p + 8),
        .duty_bp = u16(p + 10),
        .trips = u16(p + 24),
        .state = p[26],
        .pilot = (char)p[27],
        .flags = p[28],
        .fault = p[29],
    };
    for (int i = 0; i < 3; i++) {
        s->v_dv[i] = u16(p + 12 + 2 * i);
        s->i_cma[i] = u16(p + 18 + 2 * i);
    }
}

static bool read_samples(struct reader *r, struct box *b)
{
    for (size_t have = 0; have < b->count;) {
        unsigned char bytes[LINE_SAMPLES * SAMPLE];
        size_t want = b->count - have < LINE_SAMPLES ? b->count - have : LINE_SAMPLES;
        if (!next_line(r))
            return fail(r, "the file ends after %zu of %zu samples", have, b->count);
        int n = r->len <= LINE_CHARS ? decode(r->text, r->len, bytes) : -1;
        if (n < 0)
            return fail(r, "this is no base64");
        if ((size_t)n != want * SAMPLE)
            return fail(r, "%d bytes, where %zu samples of %d are expected", n, want, (int)SAMPLE);
        for (size_t i = 0; i < want; i++)
            sample_of(bytes + i * SAMPLE, &b->sample[have++]);
    }
    return true;
}

static bool read_box(struct reader *r, struct box *b)
{
    long long number_, detail, at_us, period, samples;
    if (!number(r, "number", 0, UINT32_MAX, &number_) ||
        !number(r, "detail", INT32_MIN, INT32_MAX, &detail) || !number(r, "at_us", 0, INT64_MAX, &at_us) ||
        !number(r, "period_us", 1, 60000000, &period) ||
        !number(r, "samples", 0, BOX_FILE_SAMPLES_MAX, &samples))
        return false;
    if (!value(r, "fault", b->fault, sizeof b->fault) || !value(r, "at", b->at, sizeof b->at))
        return fail(r, "no fault= or at=");
    b->number = (unsigned long)number_;
    b->detail = (long)detail;
    b->at_us = (uint64_t)at_us;
    b->period_us = (uint32_t)period;
    b->count = (size_t)samples;
    b->sample = calloc(b->count ? b->count : 1, sizeof *b->sample);
    if (!b->sample)
        return fail(r, "no memory");
    return read_samples(r, b);
}

static void word(const struct reader *r, const char *name, char *out)
{
    char text[BOX_FILE_TEXT];
    if (!out[0] && value(r, name, text, sizeof text))
        memcpy(out, text, sizeof text);
}

bool box_file_parse(const char *text, size_t len, struct box_file *out, char *why, size_t cap)
{
    struct reader r = {.at = text, .end = text + len, .why = why, .cap = cap};
    memset(out, 0, sizeof *out);
    bool ok = next_line(&r) && starts(&r, "ECSACP1 ");
    if (!ok)
        return fail(&r, "this is no file of an ECSACP1's log");
    if (!starts(&r, "ECSACP1 diagnostics 1"))
        return fail(&r, "this is not a diagnostics file of version 1, which is what has black boxes");
    bool head = true, whole = false;
    while (ok && next_line(&r)) {
        if (starts(&r, "[")) {
            head = false;
            whole = starts(&r, "[end]");
        }
        if (head) {
            word(&r, "station", out->station);
            word(&r, "firmware", out->firmware);
        }
        if (!starts(&r, "[blackbox]"))
            continue;
        if (out->boxes == BOX_FILE_BOXES_MAX)
            ok = fail(&r, "more than %d black boxes", BOX_FILE_BOXES_MAX);
        else
            ok = read_box(&r, &out->box[out->boxes++]);
    }
    if (ok && !whole)
        ok = fail(&r, "the file has no end: it was cut off");
    if (!ok)
        box_file_free(out);
    return ok;
}

void box_file_free(struct box_file *f)
{
    for (size_t i = 0; i < f->boxes; i++) {
        free(f->box[i].sample);
        f->box[i].sample = NULL;
    }
    f->boxes = 0;
}

int64_t box_time_us(const struct box *b, size_t i)
{
    return (int32_t)(b->sample[i].at_us - (uint32_t)b->at_us);
}
