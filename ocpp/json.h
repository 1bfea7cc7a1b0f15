/*
 * json: cJSON made fit for a small machine: a per-message arena, bounds on what is parsed, readers with
 * length limits in characters, numbers written without floating point.
 *
 * cJSON's allocation hooks are process-wide. Ours look at one thread-local pointer: while an arena is set on
 * a thread, its cJSON nodes come out of that arena and freeing them does nothing; while none is set they come
 * from malloc, as the hub wants it. That pointer is the project's one exception to "no globals"; nothing
 * survives in it between two calls of ocpp/.
 */
#ifndef OCPP_JSON_H
#define OCPP_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_arena {
    unsigned char *base;
    size_t size, used, high_water;
    bool failed; /* something did not fit since the last reset */
};

/* Installs the hooks; call before any cJSON call of the process, any number of times, any thread. */
void json_init(void);
void json_arena_init(struct json_arena *a, void *mem, size_t size);
/* Empties the arena: every tree made in it is gone. */
void json_arena_reset(struct json_arena *a);
/* Sets the arena of this thread (NULL: malloc) and returns the one that was set. */
struct json_arena *json_arena_use(struct json_arena *a);

/* Unicode's well-formed UTF-8 (table 3-7: no overlong forms, surrogates, or values above U+10FFFF). */
bool json_utf8_ok(const char *text, size_t len);
/* Number of characters (not bytes) in a well-formed string. */
size_t json_chars(const char *text);
/* Deepest nesting of [ and { outside strings. */
size_t json_depth(const char *text, size_t len);

/* Readers: false (and *out as it was) when the field is missing or of another type. */
bool json_int(const cJSON *obj, const char *name, int64_t *out); /* a whole number */
bool json_bool(const cJSON *obj, const char *name, bool *out);
/* The number × 10^decimals, rounded half away from zero; false also when that leaves ±2^53. */
bool json_fixed(const cJSON *obj, const char *name, int decimals, int64_t *out);
/* A string of at most max_chars characters, or NULL. */
const char *json_text(const cJSON *obj, const char *name, size_t max_chars);
/* Copies it; false when missing, too long in characters, or it does not fit in cap bytes. */
bool json_copy(const cJSON *obj, const char *name, size_t max_chars, char *out, size_t cap);
const cJSON *json_object(const cJSON *obj, const char *name);
const cJSON *json_array(const cJSON *obj, const char *name);

/* Builders: a NULL object is passed through, so that running out of memory is noticed once, at the end. */
cJSON *json_add_object(cJSON *obj, const char *name);
cJSON *json_add_array(cJSON *obj, const char *name);
cJSON *json_append_object(cJSON *array);
void json_add_text(cJSON *obj, const char *name, const char *text);
/* As json_add_text, cut at max_chars characters. */
void json_add_cut(cJSON *obj, const char *name, const char *text, size_t max_chars);
void json_add_int(cJSON *obj, const char *name, int64_t v);
void json_add_bool(cJSON *obj, const char *name, bool v);
/* v / 10^decimals, as decimal text without trailing zeros: 230100, 3 → 230.1 */
void json_add_fixed(cJSON *obj, const char *name, int64_t v, int decimals);
/* RFC 3339, UTC, milliseconds: 2024-05-06T07:08:09.123Z */
void json_add_time(cJSON *obj, const char *name, int64_t unix_ms);

/* Text of v / 10^decimals as above; returns its length (0: cap too small). */
size_t json_fixed_text(char *buf, size_t cap, int64_t v, int decimals);
enum { JSON_TIME_TEXT = 25 }; /* with the terminating 0 */
void json_time_text(char buf[JSON_TIME_TEXT], int64_t unix_ms);
/* RFC 3339 with any offset and any fraction (cut to ms). false: not a time, or a year outside 1970..9999. */
bool json_time_parse(const char *text, int64_t *unix_ms);

/* Compact text of a tree into buf; 0: does not fit, or NULL, or the arena had failed. */
size_t json_print(const cJSON *item, char *buf, size_t cap);

#endif
