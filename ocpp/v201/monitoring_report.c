/* monitoring_report: the monitors told page by page; see monitoring_report.h. */
#include "ocpp/v201/monitoring_report.h"

#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

enum { RETRY_US = 5000000, ATTEMPTS = 3 }; /* of a NotifyMonitoringReport that gets no answer */

/* The order is that of CRITERIA. */
enum { CRITERION_THRESHOLD = 1, CRITERION_DELTA = 2, CRITERION_PERIODIC = 4, CRITERION_UNKNOWN = 8 };
#define CRITERIA "ThresholdMonitoring|DeltaMonitoring|PeriodicMonitoring"

void monitoring_report_init(struct v201 *v)
{
    memset(&v->monitoring_report, 0, sizeof v->monitoring_report);
}

void monitoring_report_closed(struct v201 *v)
{
    /* Who asked has lost the connection and asks again if it still wants to know. */
    v->monitoring_report.running = false;
}

/* 0: no criteria. */
static unsigned criteria_of(const cJSON *list)
{
    unsigned bits = 0;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        int word = schema_word(CRITERIA, e->valuestring);
        bits |= word < 0 ? CRITERION_UNKNOWN : 1u << word;
    }
    return bits;
}

/* N02.FR.12 to FR.14 */
static unsigned criterion_of(const struct monitor *m)
{
    switch ((enum monitor_type)m->type) {
    case MONITOR_UPPER:
    case MONITOR_LOWER:
        return CRITERION_THRESHOLD;
    case MONITOR_DELTA:
        return CRITERION_DELTA;
    case MONITOR_PERIODIC:
    case MONITOR_CLOCK_ALIGNED:
        return CRITERION_PERIODIC;
    }
    return 0;
}

static bool asked_for(const struct monitor *m, const cJSON *list, unsigned criteria)
{
    if (m->id == 0 || m->kind == MONITOR_CLEARED || (criteria && !(criterion_of(m) & criteria)))
        return false;
    bool in = list == NULL;
    for (const cJSON *e = list ? list->child : NULL; e && !in; e = e->next)
        in = model_matches(&m->var, json_object(e, "component"), json_object(e, "variable"));
    return in;
}

void get_monitoring_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct monitoring_report *r = &v->monitoring_report;
    const cJSON *list = json_array(request, "componentVariable");
    unsigned criteria = criteria_of(json_array(request, "monitoringCriteria")), n = 0, found = 0;
    int64_t request_id = 0;
    json_int(request, "requestId", &request_id);
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next)
        n++;
    if (n > MODEL_ITEMS_MAX) {
        answer->code = "OccurrenceConstraintViolation"; /* N02.FR.07 */
        strcpy(answer->text, "more elements than DeviceDataCtrlr.ItemsPerMessage");
        return;
    }
    if (criteria & CRITERION_UNKNOWN) { /* N02.FR.02 */
        json_add_text(answer->payload, "status", "NotSupported");
        status_info(answer->payload, "UnsupportedParam", NULL);
        return;
    }
    if (r->running) {
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "InvalidMessageSeq", "another report is under way");
        return;
    }
    *r = (struct monitoring_report){.request_id = (int32_t)request_id};
    for (size_t i = 0; i < MONITORS; i++)
        if (asked_for(&v->monitors.monitor[i], list, criteria))
            r->id[found++] = v->monitors.monitor[i].id;
    r->running = found > 0;
    json_add_text(answer->payload, "status", found ? "Accepted" : "EmptyResultSet"); /* N02.FR.10 */
}

/* One variable with those of its monitors that are to be reported, beginning with place `first`. Marks them.
 */
static cJSON *element(struct v201 *v, size_t first)
{
    struct monitoring_report *r = &v->monitoring_report;
    const struct monitor *of = monitor_of(v, r->id[first]);
    cJSON *o = cJSON_CreateObject();
    model_write_names(o, &of->var);
    cJSON *list = json_add_array(o, "variableMonitoring");
    for (size_t i = first; i < MONITORS; i++) {
        const struct monitor *m = monitor_of(v, r->id[i]);
        if (!m || m->key != of->key)
            continue;
        cJSON *e = json_append_object(list);
        json_add_int(e, "id", m->id);
        json_add_bool(e, "transaction", m->transaction);
        json_add_fixed(e, "value", m->value_milli, 3);
        json_add_text(e, "type", monitor_type_name(m->type));
        json_add_int(e, "severity", m->severity);
        r->page[i] = true;
    }
    return o;
}

static void unmark(struct v201 *v, size_t first)
{
    struct monitoring_report *r = &v->monitoring_report;
    const struct monitor *of = monitor_of(v, r->id[first]);
    for (size_t i = first; i < MONITORS; i++) {
        const struct monitor *m = monitor_of(v, r->id[i]);
        if (m && m->key == of->key)
            r->page[i] = false;
    }
}

bool notify_monitoring_report_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct monitoring_report *r = &v->monitoring_report;
    if (asked_only || !r->running || device_now(&v->dev) < r->retry_us)
        return false;
    int items = device_int(&v->dev, "items_per_message", 8), n = 0;
    size_t room = report_room(v);
    int64_t wall = 0;
    device_wall(&v->dev, device_now(&v->dev), &wall);
    json_add_int(payload, "requestId", r->request_id);
    json_add_time(payload, "generatedAt", wall);
    json_add_int(payload, "seqNo", r->seq);
    cJSON *list = cJSON_CreateArray();
    memset(r->page, 0, sizeof r->page);
    bool more = false;
    for (size_t i = 0; i < MONITORS; i++) {
        if (r->page[i] || !monitor_of(v, r->id[i])) /* cleared meanwhile: nothing to report of it */
            continue;
        cJSON *o = element(v, i);
        /* Measured in the buffer that the message itself will be built in afterwards. */
        size_t bytes = json_print(o, v->dev.rpc->out, sizeof v->dev.rpc->out) + 1;
        if (n > 0 && (n >= items || bytes > room || report_arena_full(v))) {
            unmark(v, i);
            cJSON_Delete(o);
            more = true;
            break;
        }
        room -= bytes < room ? bytes : room;
        if (!cJSON_AddItemToArray(list, o))
            cJSON_Delete(o);
        n++;
    }
    json_add_bool(payload, "tbc", more);
    if (n == 0 || !cJSON_AddItemToObject(payload, "monitor", list))
        cJSON_Delete(list);
    return true;
}

void notify_monitoring_report_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct monitoring_report *r = &v->monitoring_report;
    (void)payload;
    if (how == RPC_LOST)
        return;
    if (how == RPC_TIMEOUT && ++r->failed < ATTEMPTS) {
        r->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    r->failed = 0;
    r->retry_us = 0;
    r->seq++;
    bool more = false;
    for (size_t i = 0; i < MONITORS; i++) {
        if (r->page[i] || !monitor_of(v, r->id[i]))
            r->id[i] = 0;
        more |= r->id[i] != 0;
    }
    r->running = more;
}
