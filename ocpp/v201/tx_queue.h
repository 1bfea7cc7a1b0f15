/*
 * tx_queue: transaction events on their way to the server, in order, each made durable before it is sent and
 * forgotten when it is acknowledged or has failed MessageAttempts times on one connection (E13). Silence
 * counts only of a server that then answers something else.
 */
#ifndef OCPP_V201_TX_QUEUE_H
#define OCPP_V201_TX_QUEUE_H

#include "ocpp/v201/tx_record.h"

enum { TX_QUEUE_RAM = 12 }; /* events held in RAM should flash fail or be full */

struct tx_queue {
    uint32_t stored;     /* durable records waiting, as far as counted */
    uint32_t current_id; /* durable id of `current`; 0: it is ram[0] */
    bool have_current;
    uint32_t attempts; /* failed sends of `current` */
    bool in_doubt;     /* its last send got no answer: is the event at fault, or is nobody there? */
    uint64_t not_before_us;
    uint32_t given_up, lost; /* after too many attempts; for want of room */
    struct tx_record current;
    unsigned ram_count;
    struct tx_record ram[TX_QUEUE_RAM];
};

void tx_queue_init(struct tx_queue *q, const struct device *d);
void tx_queue_put(struct tx_queue *q, const struct device *d, const struct tx_record *r);
/* The event to send now, or NULL. It stays the one until tx_queue_outcome() says what became of it. */
const struct tx_record *tx_queue_next(struct tx_queue *q, const struct device *d);
void tx_queue_outcome(struct tx_queue *q, const struct device *d, enum rpc_outcome how);
/* The server has answered another call: it is there, and an event that it left unanswered too often goes. */
void tx_queue_answered(struct tx_queue *q, const struct device *d);
/* A new connection: a server that answered nothing on the old one has refused nothing. */
void tx_queue_reconnected(struct tx_queue *q);
/* Is there an event of this transaction (NULL: of any) waiting? */
bool tx_queue_has(struct tx_queue *q, const struct device *d, const char *tx);
/* Highest seqNo waiting for this transaction; false: none. */
bool tx_queue_last_seq(const struct device *d, const char *tx, uint32_t *seq, bool *ended);
/* How many of those waiting name this token. */
unsigned tx_queue_naming(const struct tx_queue *q, const struct device *d, const struct id_token *token);
uint64_t tx_queue_due_us(const struct tx_queue *q);

#endif
