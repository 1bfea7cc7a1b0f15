/* v201: the tables of outbound and inbound messages, and what the blocks do together; see v201.h. */
#include "ocpp/v201/v201.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/schema.h"

void status_info_named(cJSON *obj, const char *name, const char *reason, const char *info)
{
    cJSON *o = json_add_object(obj, name);
    json_add_text(o, "reasonCode", reason);
    if (info)
        json_add_text(o, "additionalInfo", info);
}

void status_info(cJSON *obj, const char *reason, const char *info)
{
    status_info_named(obj, "statusInfo", reason, info);
}

/* ---- outbound ---- */

/*
 * In order of rank. `make` fills the payload in and says whether there is anything; asked_only: the server
 * has not accepted us, only what it asked for by TriggerMessage, GetBaseReport or GetReport may go out
 * (B02.FR.02). The rows from `shared` on take turns, so that a long queue of transaction events does not hold
 * up a report for ever.
 */
static const struct {
    const char *action;
    bool (*make)(struct v201 *v, cJSON *payload, bool asked_only);
    void (*done)(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
    bool shared;
} outbound[] = {
    {"BootNotification", boot_notification_make, boot_notification_done, false},
    {"Authorize", authorize_make, authorize_done, false},
    {"NotifyEvent", notify_event_make, notify_event_done, false},
    {"StatusNotification", status_notification_make, status_notification_done, false},
    {"Heartbeat", heartbeat_make, heartbeat_done, false},
    {"TransactionEvent", transaction_event_make, transaction_event_done, true},
    {"NotifyReport", notify_report_make, notify_report_done, true},
    {"NotifyMonitoringReport", notify_monitoring_report_make, notify_monitoring_report_done, true},
    {"NotifyCustomerInformation", notify_customer_information_make, notify_customer_information_done, true},
    {"ReportChargingProfiles", report_charging_profiles_make, report_charging_profiles_done, true},
    {"MeterValues", meter_values_make, meter_values_done, true},
    {"SecurityEventNotification", security_event_make, security_event_done, true},
    {"LogStatusNotification", log_status_make, log_status_done, true},
    {"FirmwareStatusNotification", firmware_status_make, firmware_status_done, true},
    {"ReservationStatusUpdate", reservation_status_make, reservation_status_done, true},
    /* Last, and only when nothing else wants to go out. */
    {"DataTransfer", log_batch_make, log_batch_done, false},
};
enum {
    OUTBOUND = sizeof outbound / sizeof outbound[0],
    HEARTBEAT_ROW = 4,
    SHARED_FIRST = 5,
    LAST_ROW = OUTBOUND - 1,
    SHARED = LAST_ROW - SHARED_FIRST
};

static bool make(struct v201 *v, unsigned row, bool asked_only, struct rpc_call *out)
{
    cJSON *payload = cJSON_CreateObject();
    if (!outbound[row].make(v, payload, asked_only)) {
        cJSON_Delete(payload);
        return false;
    }
    *out = (struct rpc_call){.action = outbound[row].action, .payload = payload, .tag = (int)row};
    return true;
}

bool v201_next_call(void *ctx, struct rpc_call *out)
{
    struct v201 *v = ctx;
    bool asked_only = v->dev.registration != REGISTRATION_ACCEPTED;
    if (make(v, 0, asked_only, out))
        return true;
    if (v->dev.registration != REGISTRATION_ACCEPTED && v->dev.registration != REGISTRATION_PENDING)
        return false; /* B01.FR.08, B03.FR.02 */
    for (unsigned i = 1; i < SHARED_FIRST; i++)
        if (make(v, i, asked_only, out))
            return true;
    for (unsigned i = 0; i < SHARED; i++) {
        unsigned row = SHARED_FIRST + (v->turn + i) % SHARED;
        if (make(v, row, asked_only, out)) {
            v->turn = row - SHARED_FIRST + 1;
            return true;
        }
    }
    return make(v, LAST_ROW, asked_only, out);
}

void v201_outcome(void *ctx, int tag, enum rpc_outcome how, const cJSON *payload, const char *code)
{
    struct v201 *v = ctx;
    if (how == RPC_ERROR)
        device_log(&v->dev, 1, "%s was refused: %s", outbound[tag].action, code);
    /* Is it this message that the server does not like, or is nobody there? A Heartbeat, answered, tells (see
     * SILENT_MAX in rpc.c): a server that leaves one kind unanswered keeps its connection. */
    if (how == RPC_TIMEOUT && v->dev.registration == REGISTRATION_ACCEPTED &&
        (tag != HEARTBEAT_ROW || v->queue.in_doubt))
        v->prov.heartbeat_asked = true;
    if (how == RPC_RESULT || how == RPC_ERROR)
        tx_queue_answered(&v->queue, &v->dev);
    outbound[tag].done(v, how, payload);
}

/* ---- inbound ---- */

static const struct request_row *find(const char *action)
{
    for (size_t i = 0; i < request_rows; i++)
        if (!strcmp(request_table[i].action, action))
            return &request_table[i];
    return NULL;
}

void v201_call(void *ctx, const char *action, const cJSON *payload, struct rpc_answer *answer)
{
    struct v201 *v = ctx;
    const struct request_row *row = find(action);
    if (v->dev.registration == REGISTRATION_REJECTED) { /* B03.FR.08 */
        answer->code = "SecurityError";
        snprintf(answer->text, sizeof answer->text, "this station has been rejected");
        return;
    }
    if (!row || !row->handle) {
        answer->code = row ? "NotSupported" : "NotImplemented";
        snprintf(answer->text, sizeof answer->text, "%.80s", action);
        return;
    }
    answer->code = schema_check(payload, row->schema, answer->text, sizeof answer->text);
    if (answer->code)
        return;
    v->dev.ops->view(v->dev.st, &v->view);
    row->handle(v, payload, answer);
}

void v201_answered(void *ctx)
{
    struct v201 *v = ctx;
    if (v->reset.wanted)
        v->reset.answered = true;
}

/* ---- life ---- */

void v201_init(struct v201 *v, const struct ocpp_station_ops *ops, void *station, struct rpc *rpc)
{
    memset(v, 0, sizeof *v);
    v->dev = (struct device){.ops = ops, .st = station, .rpc = rpc};
    v->dev.boot = ops->random(station);
    ops->view(station, &v->view);
    model_init(v);
    durable_state_load(&v->durable, &v->durable_id, &v->dev);
    v->restarted = v->durable.restart;
    if (v->restarted != RESTART_UNASKED) { /* it explains this start-up, not one after a later power cut */
        v->durable.restart = RESTART_UNASKED;
        durable_state_save(&v->durable, &v->durable_id, &v->dev);
    }
    provisioning_init(v);
    security_events_init(v);
    reservation_init(v);
    availability_init(v);
    auth_cache_init(v);
    local_list_init(v);
    authorization_init(v);
    transactions_init(v);
    tx_queue_init(&v->queue, &v->dev);
    smart_charging_init(v);
    monitors_init(v);
    monitoring_init(v);
    monitoring_report_init(v);
    customer_information_init(v);
    reporting_init(v);
    meter_values_init(v);
}

void v201_opened(struct v201 *v)
{
    v->dev.online = true;
    tx_queue_reconnected(&v->queue);
    v->monitoring.failed = 0; /* likewise: who answered nothing has refused nothing */
    provisioning_opened(v);
    logs_opened(v);
}

void v201_closed(struct v201 *v)
{
    v->dev.online = false;
    v->reconnect_wanted = false;
    if (v->reset.wanted)
        v->reset.answered = true; /* it will not go out any more */
    provisioning_closed(v);
    reporting_closed(v);
    monitoring_report_closed(v);
    customer_information_closed(v);
}

void v201_event(struct v201 *v, const struct ocpp_event *ev)
{
    v->view = ev->view;
    /* Told first what happened physically, then what follows from it. */
    monitoring_event(v, ev);
    if (ev->type == OCPP_EV_TOKEN)
        authorization_token(v, ev->text, ev->old);
    transactions_event(v, ev);
    logs_event(v, ev);
    availability_update(v, ev->at_us);
    monitors_step(v, ev->at_us);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t v201_step(struct v201 *v, uint64_t now)
{
    v->dev.ops->view(v->dev.st, &v->view);
    uint64_t due = transactions_step(v, now);
    due = sooner(due, authorization_step(v, now));
    due = sooner(due, reservation_step(v, now));
    due = sooner(due, availability_step(v, now));
    due = sooner(due, meter_values_step(v, now));
    due = sooner(due, reset_step(v, now));
    due = sooner(due, smart_charging_step(v, now));
    due = sooner(due, provisioning_step(v, now));
    due = sooner(due, logs_step(v, now));
    due = sooner(due, monitors_step(v, now)); /* last: it looks at what the others have done */
    if (v->dev.online)
        due = sooner(due, tx_queue_due_us(&v->queue));
    return due;
}
