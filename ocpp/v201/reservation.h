/*
 * reservation: the EVSE kept free for one driver: ReserveNow, CancelReservation, and what the server is told
 * when a reservation ends by itself (functional block H).
 *
 * With one EVSE there is at most one reservation in force. Every change is in flash before it is told, and an
 * end that the server has not acknowledged yet stays there until it has.
 */
#ifndef OCPP_V201_RESERVATION_H
#define OCPP_V201_RESERVATION_H

#include "ocpp/v201/tx_record.h"

struct v201;

enum reservation_state {
    RESERVATION_NONE,
    RESERVATION_HELD,
    RESERVATION_EXPIRED, /* ended, to be told */
    RESERVATION_REMOVED,
    RESERVATION_STATES
};

/* As kept in flash: fields are only ever added at the end. */
struct reservation {
    uint16_t version, size;
    uint8_t state, reserved[3];
    int32_t id;
    struct id_token token, group; /* group with an empty text: none */
    int64_t expires_ms;
    int64_t length_ms; /* from the request to the expiry */
};

enum { RESERVATIONS = 4 }; /* one in force, and ends to be told */

struct reservations {
    struct reservation slot[RESERVATIONS];
    uint32_t keep_id[RESERVATIONS];
    uint64_t held_us;  /* monotonic: in force since then, in this start-up */
    int in_flight;     /* slot whose end is being told, or −1 */
    uint64_t retry_us; /* no ReservationStatusUpdate before this */
};

void reservation_init(struct v201 *v);
uint64_t reservation_step(struct v201 *v, uint64_t now_us);

/* Is the EVSE reserved? */
bool reservation_held(const struct v201 *v);
/* May this token (and group, NULL or with an empty text: none) charge here? Yes when nothing is reserved. */
bool reservation_allows(const struct v201 *v, const struct id_token *token, const struct id_token *group);
/* Its driver has come: the reservation is over. false: there is none. */
bool reservation_used(struct v201 *v, int32_t *id);
/* The EVSE can no longer be had: faulted or out of service (H01.FR.16, FR.17). */
void reservation_lost(struct v201 *v);

void reserve_now(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void cancel_reservation(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool reservation_status_make(struct v201 *v, cJSON *payload, bool asked_only);
void reservation_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
