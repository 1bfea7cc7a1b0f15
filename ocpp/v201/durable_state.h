/*
 * durable_state: the one record of what OCPP 2.0.1 remembers over a restart besides queued events and
 * profiles: availability, why the restart, and the transaction that was running.
 */
#ifndef OCPP_V201_DURABLE_STATE_H
#define OCPP_V201_DURABLE_STATE_H

#include "ocpp/v201/tx_record.h"

enum { INOPERATIVE_STATION = 1, INOPERATIVE_EVSE = 2, INOPERATIVE_CONNECTOR = 4 };
enum { RESTART_UNASKED, RESTART_REMOTE, RESTART_SCHEDULED };

struct durable_state {
    uint16_t version, size;
    uint8_t inoperative; /* INOPERATIVE_* as the server set them */
    uint8_t restart;     /* RESTART_*: set just before a reset that the server asked for */
    uint8_t tx_active;
    uint8_t tx_authorised;
    uint8_t was_plugged, was_authorised, was_energy;
    uint8_t ending; /* enum stop_reason of an end that waits for the current to stop */
    uint8_t ending_trigger;
    uint8_t token_type, group_type, has_remote_id;
    uint8_t token_unsent; /* idToken still to be told in an event of this transaction */
    uint8_t stop_token_type;
    uint8_t scheduled; /* INOPERATIVE_* that wait for the transaction to end */
    uint8_t reserved;
    uint32_t seq; /* of the next event */
    int32_t remote_id;
    uint32_t charging_s;
    uint64_t last_mwh;
    char tx[40], token[40], group[40];
    struct reading begin;
    char stop_token[40]; /* what ended the authorisation, when it is not `token` */
};

/* Reads the newest record (and drops older ones); all zero when there is none. */
void durable_state_load(struct durable_state *s, uint32_t *keep_id, const struct device *d);
/* Keeps the new one, then forgets the old one: a power cut leaves at least one. false: not durable (logged).
 */
bool durable_state_save(struct durable_state *s, uint32_t *keep_id, const struct device *d);

#endif
