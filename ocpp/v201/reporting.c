/* reporting: the device model told page by page; see reporting.h. */
#include "ocpp/v201/reporting.h"

#include <string.h>

#include "ocpp/v201/v201.h"

enum { RETRY_US = 5000000, ATTEMPTS = 3 }; /* of a NotifyReport that gets no answer */
enum { PAGE_OVERHEAD = 200 }; /* frame, requestId, times: bytes of a NotifyReport without its items */

void reporting_init(struct v201 *v)
{
    memset(&v->reporting, 0, sizeof v->reporting);
}

void reporting_closed(struct v201 *v)
{
    /* Who asked has lost the connection and asks again if it still wants to know. */
    v->reporting.running = false;
}

static bool bit(const uint32_t *set, size_t i)
{
    return set[i / 32] >> (i % 32) & 1;
}

static void mark(uint32_t *set, size_t i)
{
    set[i / 32] |= 1u << (i % 32);
}

static bool empty(const uint32_t *set)
{
    for (size_t i = 0; i < REPORT_ROWS_MAX / 32; i++)
        if (set[i])
            return false;
    return true;
}

/* Starts the report of the rows in `rows`; true when the answer is Accepted. */
static void begin(struct v201 *v, const uint32_t *rows, const cJSON *request, struct rpc_answer *answer)
{
    struct reporting *r = &v->reporting;
    int64_t id = 0;
    json_int(request, "requestId", &id);
    if (r->running) {
        json_add_text(answer->payload, "status", "Rejected"); /* B07.FR.13 */
        status_info(answer->payload, "InvalidMessageSeq", "another report is under way");
        return;
    }
    if (empty(rows)) {
        json_add_text(answer->payload, "status", "EmptyResultSet");
        return;
    }
    *r = (struct reporting){.running = true, .request_id = (int32_t)id};
    memcpy(r->row, rows, sizeof r->row);
    json_add_text(answer->payload, "status", "Accepted");
}

void get_base_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const char *base = json_text(request, "reportBase", 50);
    bool configuration = !strcmp(base, "ConfigurationInventory"), summary = !strcmp(base, "SummaryInventory");
    uint32_t rows[REPORT_ROWS_MAX / 32] = {0};
    struct variable var;
    for (size_t i = 0; i < REPORT_ROWS_MAX && model_at(v, i, &var); i++) {
        bool in = true;
        if (configuration) /* B07.FR.07: what an operator can set */
            in = model_access(v, &var) != ACCESS_READ_ONLY;
        else if (summary) /* B07.FR.09 */
            in = (var.flags & VARIABLE_SUMMARY) || ((var.flags & VARIABLE_PROBLEM) && model_true(v, &var));
        if (in)
            mark(rows, i);
    }
    begin(v, rows, request, answer);
}

/* B08: components by criteria: a component is reported when its variable of that name is true (or when it has
 * none, for Available and Enabled: those then always hold). */
static bool criteria_met(const struct v201 *v, const struct variable *of, const cJSON *criteria)
{
    for (const cJSON *c = criteria->child; c; c = c->next) {
        bool has = false, holds = false;
        struct variable var;
        for (size_t i = 0; model_at(v, i, &var); i++) {
            if (strcmp(var.component, of->component) != 0 || var.level != of->level ||
                strcmp(var.name, c->valuestring) != 0)
                continue;
            has = true;
            holds |= model_true(v, &var);
        }
        if (has ? holds : !strcmp(c->valuestring, "Available") || !strcmp(c->valuestring, "Enabled"))
            return true;
    }
    return false;
}

void get_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *asked = json_array(request, "componentVariable");
    const cJSON *criteria = json_array(request, "componentCriteria");
    unsigned n = 0;
    for (const cJSON *e = asked ? asked->child : NULL; e; e = e->next)
        n++;
    if (n > MODEL_ITEMS_MAX) {
        answer->code = "OccurrenceConstraintViolation"; /* B08.FR.17 */
        strcpy(answer->text, "more elements than DeviceDataCtrlr.ItemsPerMessage");
        return;
    }
    uint32_t rows[REPORT_ROWS_MAX / 32] = {0};
    struct variable var;
    for (size_t i = 0; i < REPORT_ROWS_MAX && model_at(v, i, &var); i++) {
        bool in = asked == NULL;
        for (const cJSON *e = asked ? asked->child : NULL; e && !in; e = e->next)
            in = model_matches(&var, json_object(e, "component"), json_object(e, "variable"));
        if (in && (!criteria || criteria_met(v, &var, criteria)))
            mark(rows, i);
    }
    begin(v, rows, request, answer);
}

static void write_row(const struct v201 *v, cJSON *o, const struct variable *var)
{
    static const char *const types[] = {"string",  "decimal",    "integer",    "dateTime",
                                        "boolean", "OptionList", "MemberList", "SequenceList"};
    static const char *const accesses[] = {"ReadOnly", "WriteOnly", "ReadWrite"};
    enum variable_access access = model_access(v, var);
    model_write_names(o, var);
    cJSON *attribute = json_append_object(json_add_array(o, "variableAttribute"));
    json_add_text(attribute, "type", "Actual");
    if (var->access != ACCESS_WRITE_ONLY) {
        char value[MODEL_VALUE_MAX];
        model_read(v, var, value, sizeof value);
        json_add_text(attribute, "value", value);
    }
    json_add_text(attribute, "mutability",
                  accesses[var->access == ACCESS_WRITE_ONLY ? ACCESS_WRITE_ONLY : access]);
    json_add_bool(attribute, "persistent", var->setting || (var->flags & VARIABLE_CONSTANT));
    json_add_bool(attribute, "constant", var->flags & VARIABLE_CONSTANT);
    cJSON *traits = json_add_object(o, "variableCharacteristics");
    if (var->unit)
        json_add_cut(traits, "unit", var->unit, 16);
    json_add_text(traits, "dataType", types[var->type]);
    if (var->flags & VARIABLE_LIMITS) {
        json_add_int(traits, "minLimit", var->min);
        json_add_int(traits, "maxLimit", var->max);
    }
    if (var->values)
        json_add_text(traits, "valuesList", var->values);
    json_add_bool(traits, "supportsMonitoring", model_monitorable(var));
}

size_t report_room(const struct v201 *v)
{
    int32_t bytes = device_int(&v->dev, "bytes_per_message", 16000);
    return (size_t)(bytes < OCPP_TEXT_MAX ? bytes : OCPP_TEXT_MAX) - PAGE_OVERHEAD;
}

bool report_arena_full(const struct v201 *v)
{
    const struct json_arena *a = &v->dev.rpc->arena;
    return a->used > a->size / 2;
}

bool notify_report_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct reporting *r = &v->reporting;
    (void)asked_only; /* it was asked for: allowed while Pending (B02.FR.02) */
    if (!r->running || device_now(&v->dev) < r->retry_us)
        return false;
    int items = device_int(&v->dev, "items_per_message", 8), n = 0;
    size_t room = report_room(v);
    int64_t wall = 0;
    device_wall(&v->dev, device_now(&v->dev), &wall);
    json_add_int(payload, "requestId", r->request_id);
    json_add_time(payload, "generatedAt", wall);
    json_add_int(payload, "seqNo", r->seq);
    cJSON *data = json_add_array(payload, "reportData");
    memset(r->page, 0, sizeof r->page);
    bool more = false;
    struct variable var;
    for (size_t i = 0; i < REPORT_ROWS_MAX && model_at(v, i, &var); i++) {
        if (!bit(r->row, i))
            continue;
        cJSON *row = cJSON_CreateObject();
        write_row(v, row, &var);
        /* Measured in the buffer that the message itself will be built in afterwards. */
        size_t bytes = json_print(row, v->dev.rpc->out, sizeof v->dev.rpc->out) + 1;
        if (n > 0 && (n >= items || bytes > room || report_arena_full(v))) {
            cJSON_Delete(row);
            more = true;
            break;
        }
        room -= bytes < room ? bytes : room;
        if (!cJSON_AddItemToArray(data, row))
            cJSON_Delete(row);
        mark(r->page, i);
        n++;
    }
    json_add_bool(payload, "tbc", more);
    return true;
}

void notify_report_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct reporting *r = &v->reporting;
    (void)payload;
    if (how == RPC_TIMEOUT && ++r->failed < ATTEMPTS) {
        r->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    if (how == RPC_LOST)
        return;
    r->failed = 0;
    r->retry_us = 0;
    r->seq++;
    for (size_t i = 0; i < REPORT_ROWS_MAX / 32; i++)
        r->row[i] &= ~r->page[i];
    if (empty(r->row))
        r->running = false;
}
