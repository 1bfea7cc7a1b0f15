/* availability: StatusNotification and ChangeAvailability; see availability.h. */
#include "ocpp/v201/availability.h"

#include <string.h>

#include "ocpp/v201/v201.h"

enum { RETRY_US = 10000000 }; /* after a StatusNotification that got no answer */

static const char *const names[] = {"Available", "Occupied", "Reserved", "Unavailable", "Faulted", ""};

const char *connector_status_name(enum connector_status s)
{
    return names[s];
}

static enum connector_status status_of(const struct v201 *v)
{
    const struct ocpp_view *w = &v->view;
    if (w->faulted)
        return STATUS_FAULTED;
    if (v->durable.inoperative || (w->state && !strcmp(w->state, "Unavailable")))
        return STATUS_UNAVAILABLE;
    if (reservation_held(v)) /* also with a cable plugged in, until its driver has come (H03) */
        return STATUS_RESERVED;
    if (w->plugged)
        return STATUS_OCCUPIED;
    return STATUS_AVAILABLE;
}

void availability_init(struct v201 *v)
{
    memset(&v->avail, 0, sizeof v->avail);
    v->avail.now = v->avail.told = v->avail.sent = STATUS_UNKNOWN;
}

void availability_update(struct v201 *v, uint64_t at_us)
{
    enum connector_status s = status_of(v);
    if (s == v->avail.now)
        return;
    v->avail.now = s;
    v->avail.since_us = at_us;
    if (s == STATUS_FAULTED || s == STATUS_UNAVAILABLE)
        reservation_lost(v); /* H01.FR.16, FR.17 */
}

uint64_t availability_step(struct v201 *v, uint64_t now)
{
    struct availability *a = &v->avail;
    if (!a->applied) { /* G03.FR.08, B01.FR.07: as the server left it */
        v->dev.ops->set_available(v->dev.st, v->durable.inoperative == 0);
        a->applied = true;
    }
    availability_update(v, now);
    return a->retry_us > now ? a->retry_us : UINT64_MAX;
}

void availability_tell_all(struct v201 *v)
{
    v->avail.tell = true;
    v->avail.retry_us = 0;
}

bool status_notification_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct availability *a = &v->avail;
    if (a->now == STATUS_UNKNOWN)
        return false;
    if (!a->asked) {
        if (asked_only || (!a->tell && a->now == a->told) || device_now(&v->dev) < a->retry_us)
            return false;
    }
    int64_t wall = 0;
    device_wall(&v->dev, a->asked || a->tell ? device_now(&v->dev) : a->since_us, &wall);
    json_add_time(payload, "timestamp", wall);
    json_add_text(payload, "connectorStatus", names[a->now]);
    json_add_int(payload, "evseId", EVSE_ID);
    json_add_int(payload, "connectorId", CONNECTOR_ID);
    a->sent = a->now;
    a->asked = false;
    a->tell = false;
    return true;
}

void status_notification_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct availability *a = &v->avail;
    (void)payload;
    switch (how) {
    case RPC_RESULT:
    case RPC_ERROR: /* refused: sending the same again would be refused again */
        a->told = a->sent;
        return;
    case RPC_TIMEOUT:
        a->retry_us = device_now(&v->dev) + RETRY_US;
        a->told = STATUS_UNKNOWN;
        return;
    case RPC_LOST:
        a->told = STATUS_UNKNOWN;
        return;
    }
}

/* ---- ChangeAvailability ---- */

static void apply(struct v201 *v, uint8_t inoperative)
{
    bool was = v->durable.inoperative == 0, now = inoperative == 0;
    if (inoperative == v->durable.inoperative)
        return;
    v->durable.inoperative = inoperative;
    durable_state_save(&v->durable, &v->durable_id, &v->dev);
    if (was != now) {
        v->dev.ops->set_available(v->dev.st, now);
        if (!now && transactions_taken(v) && !transactions_active(v))
            transactions_stop(v, TRIGGER_DEAUTHORIZED, STOP_OTHER); /* waiting for a car: no longer */
    }
    availability_update(v, device_now(&v->dev));
}

void availability_tx_ended(struct v201 *v)
{
    if (v->durable.scheduled) {
        uint8_t bits = v->durable.scheduled;
        v->durable.scheduled = 0;
        apply(v, v->durable.inoperative | bits);
    }
}

void change_availability(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *evse = json_object(request, "evse");
    int64_t id = 0, connector = 0;
    uint8_t bit = INOPERATIVE_STATION;
    if (evse) {
        json_int(evse, "id", &id);
        bool has_connector = json_int(evse, "connectorId", &connector);
        bit = has_connector ? INOPERATIVE_CONNECTOR : INOPERATIVE_EVSE;
        if (id == 0 && !has_connector) /* 0 is the whole station */
            bit = INOPERATIVE_STATION;
        else if (id != EVSE_ID || (has_connector && connector != CONNECTOR_ID)) {
            json_add_text(answer->payload, "status", "Rejected");
            status_info(answer->payload, id != EVSE_ID ? "UnknownEvse" : "UnknownConnectorId", NULL);
            return;
        }
    }
    bool operative = !strcmp(json_text(request, "operationalStatus", 20), "Operative");
    if (operative) {
        if (v->durable.scheduled & bit) {
            v->durable.scheduled &= (uint8_t)~bit;
            durable_state_save(&v->durable, &v->durable_id, &v->dev);
        }
        apply(v, v->durable.inoperative & (uint8_t)~bit);
        json_add_text(answer->payload, "status", "Accepted");
    } else if (v->durable.inoperative & bit) { /* G03.FR.03 */
        json_add_text(answer->payload, "status", "Accepted");
    } else if (transactions_active(v)) {
        v->durable.scheduled |= bit;
        durable_state_save(&v->durable, &v->durable_id, &v->dev); /* G03.FR.08 */
        json_add_text(answer->payload, "status", "Scheduled");
    } else {
        apply(v, v->durable.inoperative | bit);
        json_add_text(answer->payload, "status", "Accepted");
    }
}
