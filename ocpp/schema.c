/* schema: checks a payload against a table of its fields; see schema.h. */
#include "ocpp/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int schema_word(const char *values, const char *word)
{
    size_t n = strlen(word);
    int i = 0;
    for (const char *p = values; *p; i++) {
        const char *end = strchr(p, '|');
        size_t len = end ? (size_t)(end - p) : strlen(p);
        if (len == n && memcmp(p, word, n) == 0)
            return i;
        if (!end)
            break;
        p = end + 1;
    }
    return -1;
}

static const char *const occurrence = "OccurrenceConstraintViolation";
static const char *const type_code = "TypeConstraintViolation";
static const char *const property = "PropertyConstraintViolation";

static const char *fault(char *why, size_t cap, const char *field, const char *what, const char *code)
{
    snprintf(why, cap, "%s: %s", field, what);
    return code;
}

static const char *check_value(const cJSON *v, const struct schema_field *f, char *why, size_t cap)
{
    switch (f->type) {
    case SCHEMA_TEXT:
        if (!cJSON_IsString(v))
            return fault(why, cap, f->name, "is no string", type_code);
        if (json_chars(v->valuestring) > f->max_chars)
            return fault(why, cap, f->name, "is too long", property);
        return NULL;
    case SCHEMA_ENUM:
        if (!cJSON_IsString(v))
            return fault(why, cap, f->name, "is no string", type_code);
        if (schema_word(f->values, v->valuestring) < 0)
            return fault(why, cap, f->name, "has an unknown value", property);
        return NULL;
    case SCHEMA_TIME: {
        int64_t ms;
        if (!cJSON_IsString(v))
            return fault(why, cap, f->name, "is no string", type_code);
        if (!json_time_parse(v->valuestring, &ms))
            return fault(why, cap, f->name, "is no date and time", property);
        return NULL;
    }
    case SCHEMA_INT:
        if (!cJSON_IsNumber(v) || floor(v->valuedouble) != v->valuedouble)
            return fault(why, cap, f->name, "is no integer", type_code);
        if (v->valuedouble < INT32_MIN || v->valuedouble > INT32_MAX)
            return fault(why, cap, f->name, "is out of range", property);
        return NULL;
    case SCHEMA_NUMBER:
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
            return fault(why, cap, f->name, "is no number", type_code);
        return NULL;
    case SCHEMA_BOOL:
        if (!cJSON_IsBool(v))
            return fault(why, cap, f->name, "is no boolean", type_code);
        return NULL;
    case SCHEMA_OBJECT:
        if (!cJSON_IsObject(v))
            return fault(why, cap, f->name, "is no object", type_code);
        return schema_check(v, f->fields, why, cap); /* depth is bounded by the tables and by the parser */
    case SCHEMA_ANY:
        return NULL;
    }
    return NULL;
}

const char *schema_check(const cJSON *obj, const struct schema_field *fields, char *why, size_t cap)
{
    for (const struct schema_field *f = fields; f->name; f++) {
        const cJSON *v = obj ? cJSON_GetObjectItemCaseSensitive(obj, f->name) : NULL;
        /* An optional field with null is what some servers send for "not given" (OCPP-J 4.1.5 forbids it). */
        if (!v || cJSON_IsNull(v)) {
            if (f->flags & SCHEMA_REQUIRED)
                return fault(why, cap, f->name, "is missing", occurrence);
            continue;
        }
        if (f->flags & SCHEMA_ARRAY) {
            if (!cJSON_IsArray(v))
                return fault(why, cap, f->name, "is no array", type_code);
            unsigned n = 0;
            for (const cJSON *item = v->child; item; item = item->next, n++) {
                if (f->max_items && n >= f->max_items)
                    return fault(why, cap, f->name, "has too many elements", occurrence);
                const char *code = check_value(item, f, why, cap);
                if (code)
                    return code;
            }
            if (n == 0 && !(f->flags & SCHEMA_MAY_BE_EMPTY))
                return fault(why, cap, f->name, "is empty", occurrence);
            continue;
        }
        const char *code = check_value(v, f, why, cap);
        if (code)
            return code;
    }
    return NULL;
}
