/*
 * device_model: the one table of components and variables, with their attributes, and how each is read and
 * written. After the table's own rows come the station's remaining settings, as variables of the component
 * "Settings".
 */
#ifndef OCPP_V201_DEVICE_MODEL_H
#define OCPP_V201_DEVICE_MODEL_H

#include "ocpp/v201/device.h"

struct v201;

enum variable_type {
    VARIABLE_STRING,
    VARIABLE_DECIMAL,
    VARIABLE_INTEGER,
    VARIABLE_DATE_TIME,
    VARIABLE_BOOLEAN,
    VARIABLE_OPTION_LIST,
    VARIABLE_MEMBER_LIST,
    VARIABLE_SEQUENCE_LIST
};
enum variable_access { ACCESS_READ_ONLY, ACCESS_WRITE_ONLY, ACCESS_READ_WRITE };
enum {
    VARIABLE_CONSTANT = 1, /* never changes while running */
    VARIABLE_SUMMARY = 2,  /* part of the SummaryInventory */
    VARIABLE_PROBLEM = 4,  /* in the summary while it is true */
    VARIABLE_LIMITS = 8    /* min and max are to be reported */
};

enum { MODEL_VALUE_MAX = 1001 }; /* value text with its terminating 0 */

struct variable {
    const char *component, *instance; /* instance NULL: none */
    uint8_t level;                    /* 0 the station, 1 its EVSE, 2 the EVSE's connector */
    const char *name, *name_instance;
    enum variable_type type;
    enum variable_access access;
    uint8_t flags;
    const char *unit, *values; /* NULL: none */
    int32_t min, max;
    const char *setting; /* where the value lives, or NULL */
    const char
        *fixed;    /* the value itself (or what holds as long as the station has no such setting), or NULL */
    uint8_t value; /* else: enum of device_model.c */
};

enum { MODEL_SETTINGS_MAX = 160 };
struct device_model {
    uint16_t rest[MODEL_SETTINGS_MAX]; /* indices of the settings that the table does not name */
    unsigned rests;
};

/* Before anything else of the model. */
void model_init(struct v201 *v);
/* Row `index`, or false at the end. Strings live as long as the station. */
bool model_at(const struct v201 *v, size_t index, struct variable *out);
/* Actual value as text. */
void model_read(const struct v201 *v, const struct variable *var, char *out, size_t cap);
/* May it be written in this station? (A row whose setting the station does not know is read-only.) */
enum variable_access model_access(const struct v201 *v, const struct variable *var);
bool model_true(const struct v201 *v, const struct variable *var);

enum model_find { MODEL_FOUND, MODEL_UNKNOWN_COMPONENT, MODEL_UNKNOWN_VARIABLE };
/* Looks up the component and variable objects of a request (field names "component" and "variable"). */
enum model_find model_find(const struct v201 *v, const cJSON *request, struct variable *out);
/* Does the row belong to the component object (and variable object, when not NULL)? Names without regard to
 * case. */
bool model_matches(const struct variable *var, const cJSON *component, const cJSON *variable);
/* Adds "component" and "variable" objects; or those of a request as they were asked for. */
void model_write_names(cJSON *o, const struct variable *var);
void model_echo_names(cJSON *o, const cJSON *request);

/* A row by its names (no instances); false: there is none. */
bool model_named(const struct v201 *v, const char *component, uint8_t level, const char *name,
                 struct variable *out);
/* A row by a digest of its names, which stays the same over updates of the firmware. */
uint32_t model_key(const struct variable *var);
bool model_by_key(const struct v201 *v, uint32_t key, struct variable *out);
bool model_numeric(const struct variable *var);
/* What never changes can't be monitored, all the rest can. */
bool model_monitorable(const struct variable *var);
/* The text of a number × 1000; false: none. Whole numbers and up to three decimals. */
bool model_number(const char *text, int64_t *milli);

void get_variables(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void set_variables(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
