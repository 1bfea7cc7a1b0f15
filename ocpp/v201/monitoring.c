/* monitoring: hard-wired NotifyEvent; see monitoring.h. */
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

static struct notify_event *add(struct v201 *v, const char *component, uint8_t level, const char *variable,
                                uint64_t at_us)
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
    *e = (struct notify_event){
        .component = component, .variable = variable, .level = level, .at_us = at_us, .id = m->next_id++};
    if (v->durable.tx_active)
        memcpy(e->tx, v->durable.tx, sizeof e->tx);
    return e;
}

/* As add(), but an event of the same variable that has not left yet is brought up to date instead: of a
 * current that moves all the time the newest counts. */
static struct notify_event *renew(struct v201 *v, const char *component, uint8_t level, const char *variable,
                                  uint64_t at_us)
{
    struct monitoring *m = &v->monitoring;
    for (unsigned i = m->in_flight; i < m->count; i++) {
        struct notify_event *e = &m->event[(m->first + i) % NOTIFY_EVENTS];
        if (!strcmp(e->component, component) && !strcmp(e->variable, variable)) {
            e->at_us = at_us;
            return e;
        }
    }
    return add(v, component, level, variable, at_us);
}

void monitoring_event(struct v201 *v, const struct ocpp_event *ev)
{
    struct notify_event *e;
    switch (ev->type) {
    case OCPP_EV_PILOT:
        e = add(v, "ControlPilot", 1, "State", ev->at_us);
        snprintf(e->value, sizeof e->value, "%.15s", ev->text ? ev->text : "?");
        snprintf(e->tech, sizeof e->tech, "%.8s -> %.8s", ev->old ? ev->old : "?", e->value);
        return;
    case OCPP_EV_FAULT: {
        struct variable var;
        if (!ev->text || !model_problem_of(ev->text, &var))
            return;
        e = add(v, var.component, var.level, var.name, ev->at_us);
        e->alerting = 1;
        e->cleared = !ev->on;
        snprintf(e->value, sizeof e->value, "%s", ev->on ? "true" : "false");
        snprintf(e->tech, sizeof e->tech, "%.31s", ev->text);
        return;
    }
    case OCPP_EV_LIMIT:
        e = renew(v, "Limits", 1, "Offered", ev->at_us);
        json_fixed_text(e->value, sizeof e->value, ev->view.offered_ma, 3);
        e = renew(v, "Limits", 1, "Reason", ev->at_us);
        snprintf(e->value, sizeof e->value, "%.15s", ev->view.offered_by);
        return;
    case OCPP_EV_LOCK:
        if (ev->text && !strcmp(ev->text, "failed")) { /* G05.FR.02 */
            e = add(v, "ConnectorPlugRetentionLock", 2, "Problem", ev->at_us);
            e->alerting = 1;
            snprintf(e->value, sizeof e->value, "true");
            snprintf(e->tech, sizeof e->tech, "Lock");
        }
        return;
    case OCPP_EV_PLUGGED:
    case OCPP_EV_UNPLUGGED:
    case OCPP_EV_CHARGING:
    case OCPP_EV_CABLE:
    case OCPP_EV_CONTACTOR:
    case OCPP_EV_AVAILABLE:
    case OCPP_EV_TOKEN:
    case OCPP_EV_STOP_BUTTON:
        return;
    }
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
    for (unsigned i = 0; i < m->in_flight; i++) {
        const struct notify_event *e = &m->event[(m->first + i) % NOTIFY_EVENTS];
        cJSON *o = json_append_object(list);
        device_wall(&v->dev, e->at_us, &wall);
        json_add_int(o, "eventId", e->id);
        json_add_time(o, "timestamp", wall);
        json_add_text(o, "trigger", e->alerting ? "Alerting" : "Delta");
        json_add_text(o, "actualValue", e->value);
        if (e->tech[0])
            json_add_cut(o, "techCode", e->tech, 50);
        if (e->cleared)
            json_add_bool(o, "cleared", true);
        if (e->tx[0])
            json_add_text(o, "transactionId", e->tx);
        const struct variable names = {.component = e->component, .level = e->level, .name = e->variable};
        model_write_names(o, &names);
        json_add_text(o, "eventNotificationType", "HardWiredNotification");
    }
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
