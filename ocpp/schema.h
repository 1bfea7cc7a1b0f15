/*
 * schema: checks a payload against a table of its fields, so that handlers only see what has the right shape.
 *
 * Unknown fields are passed over: a server that speaks a newer edition must not be locked out for saying
 * more.
 */
#ifndef OCPP_SCHEMA_H
#define OCPP_SCHEMA_H

#include "ocpp/json.h"

enum schema_type {
    SCHEMA_TEXT, /* max_chars */
    SCHEMA_ENUM, /* values: "A|B|C" */
    SCHEMA_TIME, /* RFC 3339 */
    SCHEMA_INT,  /* a whole number that fits int32_t */
    SCHEMA_NUMBER,
    SCHEMA_BOOL,
    SCHEMA_OBJECT, /* fields */
    SCHEMA_ANY,
};
enum { SCHEMA_REQUIRED = 1, SCHEMA_ARRAY = 2, SCHEMA_MAY_BE_EMPTY = 4 };

struct schema_field {
    const char *name; /* NULL ends a table */
    enum schema_type type;
    uint8_t flags;
    uint16_t max_chars;
    uint16_t
        max_items; /* SCHEMA_ARRAY: at least 1 (unless it may be empty), at most this; 0: no upper bound */
    const char *values;
    const struct schema_field *fields;
};

/* NULL when `obj` (NULL: an empty object) fits, else the CALLERROR code; `why` then names field and fault. */
const char *schema_check(const cJSON *obj, const struct schema_field *fields, char *why, size_t cap);

/* Is `word` one of "A|B|C"? Its position, or −1. */
int schema_word(const char *values, const char *word);

#endif
