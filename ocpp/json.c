/* json: the arena behind cJSON, bounded readers and builders; see json.h. */
#include "ocpp/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The exception to "no globals" that json.h tells of. */
static _Thread_local struct json_arena *current;

enum { ALIGN = 16 };

static void *arena_malloc(size_t n)
{
    struct json_arena *a = current;
    if (!a)
        return malloc(n);
    size_t need = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need < n || need > a->size - a->used) {
        a->failed = true;
        return NULL;
    }
    void *p = a->base + a->used;
    a->used += need;
    if (a->used > a->high_water)
        a->high_water = a->used;
    return p;
}

static void arena_free(void *p)
{
    if (current && (unsigned char *)p >= current->base && (unsigned char *)p < current->base + current->size)
        return; /* goes with the reset */
    free(p);
}

void json_init(void)
{
    cJSON_Hooks hooks = {.malloc_fn = arena_malloc, .free_fn = arena_free};
    cJSON_InitHooks(&hooks); /* the same words each time */
}

void json_arena_init(struct json_arena *a, void *mem, size_t size)
{
    size_t skip = (ALIGN - (uintptr_t)mem % ALIGN) % ALIGN;
    *a = (struct json_arena){.base = (unsigned char *)mem + (skip < size ? skip : size),
                             .size = skip < size ? size - skip : 0};
}

void json_arena_reset(struct json_arena *a)
{
    a->used = 0;
    a->failed = false;
}

struct json_arena *json_arena_use(struct json_arena *a)
{
    struct json_arena *was = current;
    current = a;
    return was;
}

/* Length in bytes of the well-formed character at p, 0 when there is none (Unicode, table 3-7). */
static size_t utf8_char(const unsigned char *p, size_t left)
{
    if (left == 0)
        return 0;
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t n;
    unsigned char lo = 0x80, hi = 0xBF;
    if (c >= 0xC2 && c <= 0xDF) {
        n = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        n = 3;
        if (c == 0xE0)
            lo = 0xA0;
        if (c == 0xED)
            hi = 0x9F;
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4;
        if (c == 0xF0)
            lo = 0x90;
        if (c == 0xF4)
            hi = 0x8F;
    } else {
        return 0;
    }
    if (left < n || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool json_utf8_ok(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_char(p + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t json_chars(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        if (((unsigned char)*text & 0xC0) != 0x80)
            n++;
    return n;
}

size_t json_depth(const char *text, size_t len)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

static const cJSON *field(const cJSON *obj, const char *name)
{
    return cJSON_IsObject(obj) ? cJSON_GetObjectItemCaseSensitive(obj, name) : NULL;
}

#define EXACT_MAX 9007199254740992.0 /* 2^53: above it a double no longer holds every whole number */

bool json_int(const cJSON *obj, const char *name, int64_t *out)
{
    const cJSON *f = field(obj, name);
    if (!cJSON_IsNumber(f))
        return false;
    double d = f->valuedouble;
    if (!(d >= -EXACT_MAX && d <= EXACT_MAX) || d != floor(d))
        return false;
    *out = (int64_t)d;
    return true;
}

bool json_bool(const cJSON *obj, const char *name, bool *out)
{
    const cJSON *f = field(obj, name);
    if (!cJSON_IsBool(f))
        return false;
    *out = cJSON_IsTrue(f) != 0;
    return true;
}

bool json_fixed(const cJSON *obj, const char *name, int decimals, int64_t *out)
{
    const cJSON *f = field(obj, name);
    if (!cJSON_IsNumber(f))
        return false;
    double d = f->valuedouble;
    for (int i = 0; i < decimals; i++)
        d *= 10;
    if (!(d >= -EXACT_MAX && d <= EXACT_MAX))
        return false;
    *out = (int64_t)(d < 0 ? ceil(d - 0.5) : floor(d + 0.5));
    return true;
}

const char *json_text(const cJSON *obj, const char *name, size_t max_chars)
{
    const cJSON *f = field(obj, name);
    if (!cJSON_IsString(f) || !f->valuestring || json_chars(f->valuestring) > max_chars)
        return NULL;
    return f->valuestring;
}

bool json_copy(const cJSON *obj, const char *name, size_t max_chars, char *out, size_t cap)
{
    const char *t = json_text(obj, name, max_chars);
    if (!t || strlen(t) >= cap)
        return false;
    memcpy(out, t, strlen(t) + 1);
    return true;
}

const cJSON *json_object(const cJSON *obj, const char *name)
{
    const cJSON *f = field(obj, name);
    return cJSON_IsObject(f) ? f : NULL;
}

const cJSON *json_array(const cJSON *obj, const char *name)
{
    const cJSON *f = field(obj, name);
    return cJSON_IsArray(f) ? f : NULL;
}

/* An item that can't be made or added leaves a mark in the arena; json_print then refuses. */
static void add(cJSON *obj, const char *name, cJSON *item)
{
    if (!item)
        return;
    if (!obj || !cJSON_AddItemToObject(obj, name, item))
        cJSON_Delete(item);
}

cJSON *json_add_object(cJSON *obj, const char *name)
{
    return obj ? cJSON_AddObjectToObject(obj, name) : NULL;
}

cJSON *json_add_array(cJSON *obj, const char *name)
{
    return obj ? cJSON_AddArrayToObject(obj, name) : NULL;
}

cJSON *json_append_object(cJSON *array)
{
    if (!array)
        return NULL;
    cJSON *o = cJSON_CreateObject();
    if (o && !cJSON_AddItemToArray(array, o)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

void json_add_text(cJSON *obj, const char *name, const char *text)
{
    add(obj, name, cJSON_CreateString(text));
}

void json_add_cut(cJSON *obj, const char *name, const char *text, size_t max_chars)
{
    size_t bytes = 0;
    for (size_t n = 0; text[bytes]; bytes++) {
        if (((unsigned char)text[bytes] & 0xC0) != 0x80 && n++ == max_chars)
            break;
    }
    cJSON *item = cJSON_CreateString(text);
    if (item && item->valuestring)
        item->valuestring[bytes] = 0;
    add(obj, name, item);
}

static void add_raw(cJSON *obj, const char *name, const char *text)
{
    add(obj, name, cJSON_CreateRaw(text));
}

void json_add_int(cJSON *obj, const char *name, int64_t v)
{
    char t[24];
    snprintf(t, sizeof t, "%" PRId64, v);
    add_raw(obj, name, t);
}

void json_add_bool(cJSON *obj, const char *name, bool v)
{
    add(obj, name, cJSON_CreateBool(v));
}

size_t json_fixed_text(char *buf, size_t cap, int64_t v, int decimals)
{
    char t[32];
    size_t i = sizeof t; /* written from the end: 20 digits, a point and a sign fit */
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    while (decimals > 0 && u % 10 == 0) {
        u /= 10;
        decimals--;
    }
    for (int k = 0; k <= decimals || u > 0; k++, u /= 10) {
        if (i < 4)
            return 0;
        if (k > 0 && k == decimals)
            t[--i] = '.';
        t[--i] = (char)('0' + u % 10);
    }
    if (v < 0)
        t[--i] = '-';
    size_t n = sizeof t - i;
    if (n >= cap)
        return 0;
    memcpy(buf, t + i, n);
    buf[n] = 0;
    return n;
}

void json_add_fixed(cJSON *obj, const char *name, int64_t v, int decimals)
{
    char t[32];
    if (json_fixed_text(t, sizeof t, v, decimals))
        add_raw(obj, name, t);
}

/* Civil date from days since 1970-01-01 and back, proleptic Gregorian: eras of 400 years that begin on 1
 * March, so that the leap day is the last of its year. */
static void civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468; /* days from 0000-03-01 to 1970-01-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2 ? 1 : 0));
}

static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

#define DAY_MS INT64_C(86400000)

void json_time_text(char buf[JSON_TIME_TEXT], int64_t unix_ms)
{
    /* years 0000..9999: what has four digits */
    if (unix_ms < INT64_C(-62167219200000))
        unix_ms = INT64_C(-62167219200000);
    if (unix_ms > INT64_C(253402300799999))
        unix_ms = INT64_C(253402300799999);
    int64_t days = unix_ms / DAY_MS, ms = unix_ms % DAY_MS;
    if (ms < 0) {
        ms += DAY_MS;
        days--;
    }
    int y, mo, d;
    civil(days, &y, &mo, &d);
    char t[64];
    snprintf(t, sizeof t, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", y, mo, d, (int)(ms / 3600000),
             (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    memcpy(buf, t, JSON_TIME_TEXT - 1);
    buf[JSON_TIME_TEXT - 1] = 0;
}

void json_add_time(cJSON *obj, const char *name, int64_t unix_ms)
{
    char t[JSON_TIME_TEXT];
    json_time_text(t, unix_ms);
    json_add_text(obj, name, t);
}

static bool digits(const char **p, int n, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9')
            return false;
        v = v * 10 + ((*p)[i] - '0');
    }
    *p += n;
    *out = v;
    return true;
}

bool json_time_parse(const char *p, int64_t *unix_ms)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, mo, d, h, mi, s, ms = 0, scale = 100;
    if (!digits(&p, 4, &y) || *p++ != '-' || !digits(&p, 2, &mo) || *p++ != '-' || !digits(&p, 2, &d))
        return false;
    if (*p != 'T' && *p != 't' && *p != ' ')
        return false;
    p++;
    if (!digits(&p, 2, &h) || *p++ != ':' || !digits(&p, 2, &mi) || *p++ != ':' || !digits(&p, 2, &s))
        return false;
    if (*p == '.') {
        p++;
        if (*p < '0' || *p > '9')
            return false;
        for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
            ms += (*p - '0') * scale;
    }
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (y < 1970 || mo < 1 || mo > 12 || d < 1 || h > 23 || mi > 59 || s > 60)
        return false;
    if (d > month_days[mo - 1] + (mo == 2 && leap ? 1 : 0))
        return false;
    int64_t offset_min = 0;
    if (*p == 'Z' || *p == 'z') {
        p++;
    } else if (*p == '+' || *p == '-') {
        int sign = *p++ == '-' ? -1 : 1, oh, om;
        if (!digits(&p, 2, &oh) || *p++ != ':' || !digits(&p, 2, &om) || oh > 23 || om > 59)
            return false;
        offset_min = sign * (oh * 60 + om);
    } else if (*p) {
        return false;
    } /* no offset at all: taken as UTC, which is what servers that leave it out mean */
    if (*p)
        return false;
    *unix_ms =
        days_of(y, mo, d) * DAY_MS + ((int64_t)h * 3600 + mi * 60 + s) * 1000 + ms - offset_min * 60000;
    return true;
}

size_t json_print(const cJSON *item, char *buf, size_t cap)
{
    if (!item || (current && current->failed) || cap < 8)
        return 0;
    /* cJSON wants some bytes of slack at the end of a buffer that it may not grow (its header says 5). */
    if (!cJSON_PrintPreallocated((cJSON *)(uintptr_t)item, buf, (int)(cap > INT32_MAX ? INT32_MAX : cap), 0))
        return 0;
    return strlen(buf);
}
