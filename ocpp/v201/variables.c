/* variables: GetVariables and SetVariables over the device model (B05, B06, A01). */
#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

static unsigned elements(const cJSON *array)
{
    unsigned n = 0;
    for (const cJSON *e = array ? array->child : NULL; e; e = e->next)
        n++;
    return n;
}

static const char *unknown_status(enum model_find found)
{
    return found == MODEL_UNKNOWN_COMPONENT ? "UnknownComponent" : "UnknownVariable";
}

static bool refuse_many(const cJSON *list, struct rpc_answer *answer)
{
    if (elements(list) <= MODEL_ITEMS_MAX)
        return false;
    answer->code = "OccurrenceConstraintViolation"; /* B05.FR.11, B06.FR.16 */
    strcpy(answer->text, "more elements than DeviceDataCtrlr.ItemsPerMessage");
    return true;
}

void get_variables(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *list = json_array(request, "getVariableData");
    if (refuse_many(list, answer))
        return;
    cJSON *results = json_add_array(answer->payload, "getVariableResult");
    for (const cJSON *data = list->child; data; data = data->next) {
        cJSON *result = json_append_object(results);
        const char *type = json_text(data, "attributeType", 10);
        struct variable var;
        enum model_find found = model_find(v, data, &var);
        const char *status = "Accepted";
        if (found != MODEL_FOUND) {
            status = unknown_status(found);
        } else if (type && strcmp(type, "Actual") != 0) {
            status = "NotSupportedAttributeType";
        } else if (var.access == ACCESS_WRITE_ONLY) {
            status = "Rejected"; /* B06.FR.09 */
        } else {
            char value[MODEL_VALUE_MAX];
            model_read(v, &var, value, sizeof value);
            json_add_text(result, "attributeValue", value);
        }
        json_add_text(result, "attributeStatus", status);
        json_add_text(result, "attributeType", type ? type : "Actual");
        model_echo_names(result, data);
        if (found == MODEL_FOUND && !strcmp(status, "Rejected"))
            status_info_named(result, "attributeStatusInfo", "WriteOnly", NULL);
    }
}

/* Is the text a value of this type? Ranges are the setting's own matter. */
static const char *type_fault(const struct variable *var, const char *value)
{
    switch (var->type) {
    case VARIABLE_BOOLEAN:
        return strcmp(value, "true") && strcmp(value, "false") ? "neither true nor false" : NULL;
    case VARIABLE_INTEGER: {
        const char *p = value + (*value == '-' || *value == '+');
        size_t digits = strspn(p, "0123456789");
        return digits == 0 || p[digits] ? "no integer" : NULL;
    }
    case VARIABLE_MEMBER_LIST: {
        if (!*value && !strcmp(var->component, "TxCtrlr"))
            return "a transaction has to start and end somewhere";
        for (const char *p = value; var->values && *p;) {
            size_t n = strcspn(p, ",");
            char word[64];
            if (n == 0 || n >= sizeof word)
                return "an empty or over-long member";
            memcpy(word, p, n);
            word[n] = 0;
            if (!device_list_has(var->values, word))
                return "a member that is not supported";
            p += n;
            if (*p == ',' && *++p == 0)
                return "an empty member";
        }
        return NULL;
    }
    case VARIABLE_SEQUENCE_LIST:
        return var->values && !*value ? "an empty list" : NULL;
    case VARIABLE_OPTION_LIST:
        return var->values && !device_list_has(var->values, value) ? "not one of the options" : NULL;
    case VARIABLE_STRING:
    case VARIABLE_DECIMAL:
    case VARIABLE_DATE_TIME:
        return NULL;
    }
    return NULL;
}

static const char *write(struct v201 *v, const struct variable *var, const char *value, const char **reason,
                         const char **info)
{
    *reason = NULL;
    *info = NULL;
    if (model_access(v, var) == ACCESS_READ_ONLY)
        return *reason = "ReadOnly", "Rejected";
    *info = type_fault(var, value);
    /* A00: the password has 16 to 40 characters. */
    if (!strcmp(var->setting, "password") && (json_chars(value) < 16 || json_chars(value) > 40))
        *info = "a password has 16 to 40 characters";
    if (!*info && !strcmp(var->setting, "network_priority"))
        *info = network_priority_fault(v, value);
    if (*info)
        return *reason = "InvalidValue", "Rejected";
    switch (v->dev.ops->setting_set(v->dev.st, var->setting, value)) {
    case OCPP_SET_OK:
        break;
    case OCPP_SET_REBOOT:
        return "RebootRequired";
    case OCPP_SET_READ_ONLY:
        return *reason = "ReadOnly", "Rejected";
    case OCPP_SET_UNKNOWN:
        return *reason = "InternalError", "Rejected";
    case OCPP_SET_REJECTED:
        return *reason = "ValueOutOfRange", "Rejected";
    }
    monitors_written(v, var);
    if (!strcmp(var->setting, "password")) {
        /* A01: the new password counts from the next connection on; make that one now. The log never shows
         * it. */
        security_event(v, SECURITY_RECONFIGURATION); /* A01.FR.11 */
        v->reconnect_wanted = true;
    }
    if (!strcmp(var->setting, "heartbeat_interval"))
        v->prov.heartbeat_due_us =
            device_now(&v->dev) + (uint64_t)device_int(&v->dev, "heartbeat_interval", 300) * 1000000;
    return "Accepted";
}

void set_variables(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *list = json_array(request, "setVariableData");
    if (refuse_many(list, answer))
        return;
    cJSON *results = json_add_array(answer->payload, "setVariableResult");
    for (const cJSON *data = list->child; data; data = data->next) {
        cJSON *result = json_append_object(results);
        const char *type = json_text(data, "attributeType", 10), *status, *reason = NULL, *info = NULL;
        struct variable var;
        enum model_find found = model_find(v, data, &var);
        if (found != MODEL_FOUND)
            status = unknown_status(found);
        else if (type && strcmp(type, "Actual") != 0)
            status = "NotSupportedAttributeType";
        else
            status = write(v, &var, json_text(data, "attributeValue", 1000), &reason, &info);
        json_add_text(result, "attributeType", type ? type : "Actual");
        json_add_text(result, "attributeStatus", status);
        if (reason)
            status_info_named(result, "attributeStatusInfo", reason, info);
        model_echo_names(result, data);
    }
}
