/* reservation: the EVSE kept free for one driver; see reservation.h. */
#include "ocpp/v201/reservation.h"

#include <string.h>

#include "ocpp/v201/v201.h"

enum { RESERVATION_VERSION = 1 };
enum { RETRY_US = 10000000 }; /* after a ReservationStatusUpdate that got no answer */
/* Connector.ConnectorType in device_model.c */
#define CONNECTOR_TYPE "sType2"

static int find_state(const struct v201 *v, uint8_t state)
{
    for (int i = 0; i < RESERVATIONS; i++)
        if (v->reservations.slot[i].state == state)
            return i;
    return -1;
}

static int held(const struct v201 *v)
{
    return find_state(v, RESERVATION_HELD);
}

static void forget(struct v201 *v, int i)
{
    struct reservations *r = &v->reservations;
    if (r->keep_id[i])
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_RESERVATION, r->keep_id[i]);
    r->keep_id[i] = 0;
    r->slot[i] = (struct reservation){0};
}

/* The new record first, then the old one goes: a power cut leaves at least one, and the newer counts. */
static bool keep(struct v201 *v, int i, const struct reservation *next)
{
    struct reservations *r = &v->reservations;
    uint32_t id;
    if (!v->dev.ops->keep(v->dev.st, OCPP_KEEP_RESERVATION, next, sizeof *next, &id)) {
        device_log(&v->dev, 0, "reservation %d can't be kept in flash", (int)next->id);
        return false;
    }
    if (r->keep_id[i])
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_RESERVATION, r->keep_id[i]);
    r->keep_id[i] = id;
    return true;
}

/* A free place; if need be the end of another reservation is never told. */
static int place(struct v201 *v)
{
    int i = find_state(v, RESERVATION_NONE);
    if (i >= 0)
        return i;
    for (i = 0; i < RESERVATIONS; i++)
        if (v->reservations.slot[i].state != RESERVATION_HELD && i != v->reservations.in_flight)
            break;
    forget(v, i);
    return i;
}

void reservation_init(struct v201 *v)
{
    struct reservations *r = &v->reservations;
    memset(r, 0, sizeof *r);
    r->in_flight = -1;
    unsigned char buf[2 * sizeof(struct reservation)];
    size_t len;
    uint32_t id, after = 0;
    while (v->dev.ops->peek(v->dev.st, OCPP_KEEP_RESERVATION, after, buf, sizeof buf, &len, &id)) {
        after = id;
        struct reservation s;
        memset(&s, 0, sizeof s);
        memcpy(&s, buf, len < sizeof s ? len : sizeof s);
        s.token.text[ID_TOKEN_MAX] = s.group.text[ID_TOKEN_MAX] = 0;
        if (len < sizeof s || s.version < 1 || s.state == RESERVATION_NONE || s.state >= RESERVATION_STATES) {
            v->dev.ops->forget(v->dev.st, OCPP_KEEP_RESERVATION, id);
            continue;
        }
        /* The same reservation once more, or a new one in force: the later record counts. */
        int slot = -1;
        for (int i = 0; i < RESERVATIONS; i++)
            if (r->slot[i].state && r->slot[i].id == s.id)
                slot = i;
        if (slot < 0 && s.state == RESERVATION_HELD)
            slot = held(v);
        if (slot >= 0)
            forget(v, slot);
        else
            slot = place(v);
        r->slot[slot] = s;
        r->keep_id[slot] = id;
    }
    r->held_us = device_now(&v->dev);
}

bool reservation_held(const struct v201 *v)
{
    return held(v) >= 0;
}

bool reservation_allows(const struct v201 *v, const struct id_token *token, const struct id_token *group)
{
    int i = held(v);
    if (i < 0)
        return true;
    const struct reservation *s = &v->reservations.slot[i];
    if (id_token_same(token, &s->token))
        return true;
    return s->group.text[0] && group && id_token_same(group, &s->group); /* H03.FR.04 to FR.06 */
}

bool reservation_used(struct v201 *v, int32_t *id)
{
    int i = held(v);
    if (i < 0)
        return false;
    *id = v->reservations.slot[i].id;
    device_log(&v->dev, 2, "reservation %d is used", (int)*id);
    forget(v, i); /* H03.FR.09 */
    availability_update(v, device_now(&v->dev));
    return true;
}

/* Ends by itself: in flash first, then told. */
static void end(struct v201 *v, int i, enum reservation_state how)
{
    struct reservations *r = &v->reservations;
    struct reservation next = r->slot[i];
    next.state = (uint8_t)how;
    keep(v, i, &next);
    r->slot[i] = next;
    device_log(&v->dev, 2, "reservation %d %s", (int)next.id,
               how == RESERVATION_EXPIRED ? "has expired" : "is removed");
    availability_update(v, device_now(&v->dev));
}

void reservation_lost(struct v201 *v)
{
    int i = held(v);
    if (i >= 0)
        end(v, i, RESERVATION_REMOVED);
}

uint64_t reservation_step(struct v201 *v, uint64_t now)
{
    struct reservations *r = &v->reservations;
    uint64_t next = UINT64_MAX;
    int i = held(v);
    if (i >= 0) {
        /* Before a restart knows the time, a reservation lasts from there as long as it was made for: longer
         * than that it can't have left. */
        int64_t wall, left = r->slot[i].length_ms - (int64_t)((now - r->held_us) / 1000);
        if (device_wall(&v->dev, now, &wall))
            left = r->slot[i].expires_ms - wall;
        if (left <= 0)
            end(v, i, RESERVATION_EXPIRED); /* H04.FR.01 */
        else
            next = now + (uint64_t)left * 1000;
    }
    return r->retry_us > now && r->retry_us < next ? r->retry_us : next;
}

/* ---- messages ---- */

static void answer_status(struct rpc_answer *answer, const char *status, const char *reason)
{
    json_add_text(answer->payload, "status", status);
    if (reason)
        status_info(answer->payload, reason, NULL);
}

/* NULL: the EVSE can be had, by reservation `id`. */
static const char *occupied_by(const struct v201 *v, int32_t id)
{
    int i = held(v);
    if (v->view.faulted)
        return "Faulted"; /* H01.FR.12 */
    if (v->durable.inoperative || v->durable.scheduled || v->avail.now == STATUS_UNAVAILABLE ||
        v->reset.wanted)
        return "Unavailable"; /* H01.FR.14 */
    if (i >= 0)
        return v->reservations.slot[i].id == id ? NULL : "Occupied"; /* H01.FR.02, FR.11 */
    if (v->view.plugged || v->durable.tx_active || transactions_taken(v))
        return "Occupied";
    return NULL;
}

void reserve_now(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct reservations *r = &v->reservations;
    uint64_t now = device_now(&v->dev);
    int64_t id = 0, evse = EVSE_ID, wall;
    struct reservation next = {
        .version = RESERVATION_VERSION, .size = sizeof next, .state = RESERVATION_HELD};
    json_int(request, "id", &id);
    next.id = (int32_t)id;
    if (!device_bool(&v->dev, "reservation", true)) { /* H01.FR.01 */
        answer_status(answer, "Rejected", "NotEnabled");
        return;
    }
    if (json_int(request, "evseId", &evse) && evse != EVSE_ID) {
        answer_status(answer, "Rejected", "UnknownEvse");
        return;
    }
    const char *type = json_text(request, "connectorType", 20);
    if (type && strcmp(type, CONNECTOR_TYPE) != 0) {
        answer_status(answer, "Rejected", "UnknownConnectorType");
        return;
    }
    if (!id_token_read(request, "idToken", &next.token) || !next.token.text[0]) {
        answer_status(answer, "Rejected", "InvalidIdToken");
        return;
    }
    id_token_read(request, "groupIdToken", &next.group);
    json_time_parse(json_text(request, "expiryDateTime", 64), &next.expires_ms);
    if (!device_wall(&v->dev, now, &wall) || next.expires_ms <= wall) {
        answer_status(answer, "Rejected", "InvalidValue");
        return;
    }
    next.length_ms = next.expires_ms - wall;
    const char *taken = occupied_by(v, next.id);
    if (taken) {
        answer_status(answer, taken, NULL);
        return;
    }
    int i = held(v);
    bool replaces = i >= 0;
    for (int k = 0; k < RESERVATIONS;
         k++) /* of an earlier one of the same id nothing need be told any more */
        if (k != i && r->slot[k].state && r->slot[k].id == next.id) {
            forget(v, k);
            if (r->in_flight == k)
                r->in_flight = -1;
        }
    if (!replaces)
        i = place(v);
    if (!keep(v, i, &next)) {
        answer_status(answer, "Rejected", "OutOfStorage");
        return;
    }
    r->slot[i] = next;
    r->held_us = now;
    device_log(&v->dev, 2, "reserved: %d", (int)next.id);
    availability_update(v, now);
    if (replaces)
        availability_tell_all(v); /* Reserved, as it was: told once more for the new driver */
    answer_status(answer, "Accepted", NULL);
}

void cancel_reservation(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t id = 0;
    json_int(request, "reservationId", &id);
    int i = held(v);
    if (i < 0 || v->reservations.slot[i].id != id) { /* H02.FR.01 */
        answer_status(answer, "Rejected", "NotFound");
        return;
    }
    forget(v, i);
    device_log(&v->dev, 2, "reservation %d is cancelled", (int)id);
    availability_update(v, device_now(&v->dev)); /* H02.FR.04 */
    answer_status(answer, "Accepted", NULL);
}

bool reservation_status_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct reservations *r = &v->reservations;
    if (asked_only || device_now(&v->dev) < r->retry_us)
        return false;
    for (int i = 0; i < RESERVATIONS; i++) {
        const struct reservation *s = &r->slot[i];
        if (s->state != RESERVATION_EXPIRED && s->state != RESERVATION_REMOVED)
            continue;
        json_add_int(payload, "reservationId", s->id);
        json_add_text(payload, "reservationUpdateStatus",
                      s->state == RESERVATION_EXPIRED ? "Expired" : "Removed");
        r->in_flight = i;
        return true;
    }
    return false;
}

void reservation_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct reservations *r = &v->reservations;
    (void)payload;
    int i = r->in_flight;
    r->in_flight = -1;
    if (how == RPC_TIMEOUT)
        r->retry_us = device_now(&v->dev) + RETRY_US;
    else if (how != RPC_LOST && i >= 0) /* refused: sending the same again would be refused again */
        forget(v, i);
}
