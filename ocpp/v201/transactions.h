/*
 * transactions: who may charge, when a transaction starts and ends, and what is told about it (functional
 * block E).
 *
 * A session is "authorised or plugged"; a transaction is what TxStartPoint and TxStopPoint cut out of it.
 * Everything in here works offline: events go to the durable queue.
 */
#ifndef OCPP_V201_TRANSACTIONS_H
#define OCPP_V201_TRANSACTIONS_H

#include "ocpp/v201/tx_queue.h"

struct v201;

struct transactions {
    /* session */
    bool plugged;
    bool fresh_plug; /* no transaction has been made of this plugging in yet */
    bool authorised;
    bool energy_barred; /* authorised, but the token turned out invalid (StopTxOnInvalidId = false) */
    bool blocked; /* after an end: free charging does not start again before the car has been unplugged */
    struct id_token token, group;
    uint64_t authorised_us;
    bool remote_unsent;      /* a remote start is still to be told in an event */
    bool reservation_unsent; /* likewise the reservation that this session has used */
    int32_t reservation_id;
    int64_t
        grace_mwh; /* the token turned out invalid; energy flows until the register reads this; 0: not so */
    /* what has been told last in the running transaction */
    enum charging_state state;
    uint8_t phases_used;
    uint8_t stopped_for; /* enum stop_reason: why the authorisation of the running transaction has ended */
    int32_t told_limit_ma;
    bool cable_told;
    /* timers */
    uint64_t state_since_us; /* the state wanted now differs from the told one since then; 0 it does not */
    enum charging_state state_wanted;
    uint64_t counted_us;   /* time spent charging is counted up to here */
    uint64_t ready_us;     /* authorised and plugged since (PowerPathClosed); 0 not */
    int64_t ready_wall_ms; /* the same as wall time; 0 unknown */
    uint64_t updated_due_us;
    uint64_t ending_deadline_us;
    bool trigger_asked; /* TriggerMessage(TransactionEvent) */
    bool recovered;     /* what a restart left has been dealt with */
    bool end_kept;      /* the restart came between the Ended and the state that says so */
    uint64_t recover_deadline_us;
};

void transactions_init(struct v201 *v);
/* v->view is the station right after the event. */
void transactions_event(struct v201 *v, const struct ocpp_event *ev);
uint64_t transactions_step(struct v201 *v, uint64_t now_us);

bool transactions_active(const struct v201 *v);
/* Authorised, or ending, or what a restart left is not settled yet: nobody else may start. */
bool transactions_taken(const struct v201 *v);
/* Energy is allowed from now on, for this token. `remote_id`: of RequestStartTransaction, or NULL. */
void transactions_authorised(struct v201 *v, const struct id_token *token, const struct id_token *group,
                             const int32_t *remote_id);
/* The authorisation ends: enum tx_trigger says why, enum stop_reason what a transaction that ends with it
 * gives. */
void transactions_stop(struct v201 *v, enum tx_trigger why, enum stop_reason reason);
/* The same by a token that was presented, which the event will name (E07.FR.02). */
void transactions_stop_by(struct v201 *v, const struct id_token *token, enum stop_reason reason);
/* The server's opinion of the token of transaction `tx`, from a TransactionEvent response. */
void transactions_token_refused(struct v201 *v, const char *tx);
/* Monotonic and wall time at which the running session became ready to deliver energy. */
bool transactions_ready(const struct v201 *v, int64_t *unix_ms);

/* Outbound TransactionEvent; inbound GetTransactionStatus. */
bool transaction_event_make(struct v201 *v, cJSON *payload, bool asked_only);
void transaction_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);
void get_transaction_status(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
