/* monitoring: the queue of NotifyEvents and what is wired into it; see monitoring.h. */
#include "ocpp/v201/monitoring.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/v201/v201.h"

enum { RETRY_US = 5000000, ATTEMPTS = 3 }; /* of a NotifyEvent that gets no answer */

void monitoring_init(struct v201 *v)
{
    memset(&v->monitoring, 0, sizeof v->monitoring);
    v->monitoring.next_id = 1;
}

/* Is an event of this severity to be told, or kept for later? */
static bool wanted(const struct v201 *v, unsigned severity)
{
    if (severity > v->monitors.level) /* N05.FR.03 */
        return false;
    return device_registered(&v->dev) || /* N07.FR.04 */
           severity <= (unsigned)device_int(&v->dev, "monitoring_offline_severity", SEVERITY_MAX);
}

static struct notify_event *add(struct v201 *v, const struct variable *var, uint64_t at_us)
{
    struct monitoring *m = &v->monitoring;
    if (m->count == NOTIFY_EVENTS) { /* the oldest goes; what is under way was the oldest */
        m->first = (m->first + 1) % NOTIFY_EVENTS;
        m->count--;
        m->lost++;
        if (m->in_flight)
            m->in_flight--;
    }
    struct notify_event *e = &m->event[(m->first + m->count++) % NOTIFY_EVENTS];
    *e = (struct notify_event){.component = var->component,
                               .instance = var->instance,
                               .variable = var->name,
                               .name_instance = var->name_instance,
                               .level = var->level,
                               .kind = NOTIFY_UNMONITORED,
                               .trigger = NOTIFY_DELTA,
                               .at_us = at_us,
                               .id = m->next_id++};
    if (v->durable.tx_active)
        memcpy(e->tx, v->durable.tx, sizeof e->tx);
    return e;
}

/* As add(), but an event of the same variable and monitor that has not left yet is brought up to date
 * instead: of a current that moves all the time the newest counts. */
static struct notify_event *renew(struct v201 *v, const struct variable *var, int32_t monitor_id,
                                  uint64_t at_us)
{
    struct monitoring *m = &v->monitoring;
    for (unsigned i = m->in_flight; i < m->count; i++) {
        struct notify_event *e = &m->event[(m->first + i) % NOTIFY_EVENTS];
        if (e->monitor_id == monitor_id && !strcmp(e->component, var->component) &&
            !strcmp(e->variable, var->name)) {
            e->at_us = at_us;
            return e;
        }
    }
    return add(v, var, at_us);
}

/* Severities of what is told without a monitor (MonitoringDataType). */
enum { ERROR = 4, INFORMATION = 8 };

static const struct variable pilot_state = {.component = "ControlPilot", .level = 1, .name = "State"};
static const struct variable contactor_state = {.component = "Contactor", .level = 1, .name = "State"};
static const struct variable limit_offered = {.component = "Limits", .level = 1, .name = "Offered"};
static const struct variable limit_reason = {.component = "Limits", .level = 1, .name = "Reason"};
static const struct variable firmware_progress = {.component = "Firmware", .name = "Progress"};
static const struct variable lock_problem = {
    .component = "ConnectorPlugRetentionLock", .level = 2, .name = "Problem"};

void notify_monitor(struct v201 *v, const struct monitor *m, enum notify_trigger trigger, bool cleared,
                    const char *value, uint64_t at_us)
{
    if (!wanted(v, m->severity))
        return;
    struct notify_event *e =
        m->kind == MONITOR_HARD_WIRED ? renew(v, &m->var, m->id, at_us) : add(v, &m->var, at_us);
    e->trigger = (uint8_t)trigger;
    e->cleared = cleared;
    e->kind = m->kind;
    e->monitor_id = m->id;
    e->key = m->key;
    e->long_value = strlen(value) >= sizeof e->value;
    snprintf(e->value, sizeof e->value, "%.*s", (int)sizeof e->value - 1, e->long_value ? "" : value);
}

static void pilot_changed(struct v201 *v, const struct ocpp_event *ev)
{
    if (!wanted(v, INFORMATION))
        return;
    struct notify_event *e = add(v, &pilot_state, ev->at_us);
    snprintf(e->value, sizeof e->value, "%.15s", ev->text ? ev->text : "?");
    snprintf(e->tech, sizeof e->tech, "%.8s -> %.8s", ev->old ? ev->old : "?", e->value);
}

static void fault_changed(struct v201 *v, const struct ocpp_event *ev)
{
    struct variable var;
    if (!wanted(v, ERROR) || !ev->text || !model_problem_of(ev->text, &var))
        return;
    struct notify_event *e = add(v, &var, ev->at_us);
    e->trigger = NOTIFY_ALERTING;
    e->cleared = !ev->on;
    snprintf(e->value, sizeof e->value, "%s", ev->on ? "true" : "false");
    snprintf(e->tech, sizeof e->tech, "%.31s", ev->text);
}

static void limit_changed(struct v201 *v, const struct ocpp_event *ev)
{
    if (!wanted(v, INFORMATION))
        return;
    struct notify_event *e = renew(v, &limit_offered, 0, ev->at_us);
    json_fixed_text(e->value, sizeof e->value, ev->view.offered_ma, 3);
    e = renew(v, &limit_reason, 0, ev->at_us);
    snprintf(e->value, sizeof e->value, "%.15s", ev->view.offered_by);
}

static void contactor_changed(struct v201 *v, const struct ocpp_event *ev)
{
    if (!wanted(v, INFORMATION))
        return;
    struct notify_event *e = add(v, &contactor_state, ev->at_us);
    snprintf(e->value, sizeof e->value, "%s", ev->on ? "Closed" : "Open");
}

void monitoring_event(struct v201 *v, const struct ocpp_event *ev)
{
    switch (ev->type) {
    case OCPP_EV_PILOT:
        pilot_changed(v, ev);
        return;
    case OCPP_EV_FAULT:
        fault_changed(v, ev);
        return;
    case OCPP_EV_LIMIT:
        limit_changed(v, ev);
        return;
    case OCPP_EV_CONTACTOR:
        contactor_changed(v, ev);
        return;
    case OCPP_EV_LOCK:
        if (ev->text && !strcmp(ev->text, "failed") && wanted(v, ERROR)) { /* G05.FR.02 */
            struct notify_event *e = add(v, &lock_problem, ev->at_us);
            e->trigger = NOTIFY_ALERTING;
            snprintf(e->value, sizeof e->value, "true");
            snprintf(e->tech, sizeof e->tech, "Lock");
        }
        return;
    case OCPP_EV_FIRMWARE:
        if (wanted(v, INFORMATION)) {
            struct notify_event *e = renew(v, &firmware_progress, 0, ev->at_us);
            snprintf(e->value, sizeof e->value, "%.15s", ev->text);
        }
        return;
    case OCPP_EV_PLUGGED:
    case OCPP_EV_UNPLUGGED:
    case OCPP_EV_CHARGING:
    case OCPP_EV_CABLE:
    case OCPP_EV_AVAILABLE:
    case OCPP_EV_TOKEN:
    case OCPP_EV_STOP_BUTTON:
    case OCPP_EV_LOG_UPLOAD:
        return;
    }
}

static const char *notification_type(const struct notify_event *e)
{
    switch (e->kind) {
    case MONITOR_HARD_WIRED:
        return "HardWiredMonitor";
    case MONITOR_PRECONFIGURED:
        return "PreconfiguredMonitor";
    case MONITOR_CUSTOM:
        return "CustomMonitor";
    default:
        return "HardWiredNotification";
    }
}

static void write_event(struct v201 *v, cJSON *o, const struct notify_event *e)
{
    static const char *const triggers[] = {"Alerting", "Delta", "Periodic"};
    int64_t wall = 0;
    device_wall(&v->dev, e->at_us, &wall);
    json_add_int(o, "eventId", e->id);
    json_add_time(o, "timestamp", wall);
    json_add_text(o, "trigger", triggers[e->trigger]);
    struct variable var;
    if (e->long_value && model_by_key(v, e->key, &var)) {
        char text[MODEL_VALUE_MAX];
        model_read(v, &var, text, sizeof text);
        json_add_text(o, "actualValue", text);
    } else {
        json_add_text(o, "actualValue", e->value);
    }
    if (e->tech[0])
        json_add_cut(o, "techCode", e->tech, 50);
    if (e->cleared)
        json_add_bool(o, "cleared", true);
    if (e->tx[0])
        json_add_text(o, "transactionId", e->tx);
    if (e->monitor_id)
        json_add_int(o, "variableMonitoringId", e->monitor_id);
    const struct variable names = {.component = e->component,
                                   .instance = e->instance,
                                   .level = e->level,
                                   .name = e->variable,
                                   .name_instance = e->name_instance};
    model_write_names(o, &names);
    json_add_text(o, "eventNotificationType", notification_type(e));
}

bool notify_event_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct monitoring *m = &v->monitoring;
    uint64_t now = device_now(&v->dev);
    int64_t wall = 0;
    if (asked_only || m->count == 0 || now < m->retry_us)
        return false;
    device_wall(&v->dev, now, &wall);
    json_add_time(payload, "generatedAt", wall);
    json_add_int(payload, "seqNo", 0);
    json_add_bool(payload, "tbc", false); /* each message is whole in itself */
    cJSON *list = json_add_array(payload, "eventData");
    m->in_flight = m->count < NOTIFY_PER_MESSAGE ? m->count : NOTIFY_PER_MESSAGE;
    for (unsigned i = 0; i < m->in_flight; i++)
        write_event(v, json_append_object(list), &m->event[(m->first + i) % NOTIFY_EVENTS]);
    return true;
}

void notify_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct monitoring *m = &v->monitoring;
    (void)payload;
    unsigned sent = m->in_flight;
    m->in_flight = 0;
    if (how == RPC_LOST)
        return;
    if (how == RPC_TIMEOUT && ++m->failed < ATTEMPTS) {
        m->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    if (how != RPC_RESULT)
        m->lost += sent;
    m->failed = 0;
    m->first = (m->first + sent) % NOTIFY_EVENTS;
    m->count -= sent;
}
