/* tx_queue: transaction events until the server has acknowledged them; see tx_queue.h. */
#include "ocpp/v201/tx_queue.h"

#include <string.h>

_Static_assert(sizeof(struct tx_record) <= OCPP_KEEP_TX_ENDED_MAX, "there is room for its end");

static enum ocpp_keep_kind keep_kind(const struct tx_record *r)
{
    return r->event == TX_UPDATED ? OCPP_KEEP_TX_UPDATE
           : r->event == TX_ENDED ? OCPP_KEEP_TX_ENDED
                                  : OCPP_KEEP_TX_EVENT;
}

static bool peek(const struct device *d, uint32_t after, struct tx_record *out, uint32_t *id)
{
    unsigned char buf[1024];
    size_t len;
    while (d->ops->peek(d->st, OCPP_KEEP_TX_EVENT, after, buf, sizeof buf, &len, id)) {
        if (tx_record_load(out, buf, len))
            return true;
        device_log(d, 0, "a kept transaction event can't be read and is dropped");
        d->ops->forget(d->st, OCPP_KEEP_TX_EVENT, *id);
        after = *id;
    }
    return false;
}

void tx_queue_init(struct tx_queue *q, const struct device *d)
{
    memset(q, 0, sizeof *q);
    struct tx_record r;
    uint32_t id, after = 0;
    while (peek(d, after, &r, &id)) {
        q->stored++;
        after = id;
    }
}

static void put_ram(struct tx_queue *q, const struct device *d, const struct tx_record *r)
{
    if (q->ram_count == TX_QUEUE_RAM) {
        /* E04.FR.07: Updated may go; the one under way and Started/Ended may not. */
        unsigned first = q->have_current && q->current_id == 0 ? 1 : 0, i = first;
        while (i < q->ram_count && q->ram[i].event != TX_UPDATED)
            i++;
        q->lost++;
        if (i == q->ram_count) {
            device_log(d, 0, "no room for a transaction event: seqNo %u is lost", (unsigned)r->seq);
            return;
        }
        memmove(&q->ram[i], &q->ram[i + 1], (q->ram_count - i - 1) * sizeof q->ram[0]);
        q->ram_count--;
    }
    q->ram[q->ram_count++] = *r;
}

void tx_queue_put(struct tx_queue *q, const struct device *d, const struct tx_record *r)
{
    uint32_t id;
    enum ocpp_keep_kind kind = keep_kind(r);
    /* Once something waits in RAM the rest follows there, or the order would be lost. */
    if (q->ram_count == 0 && d->ops->keep(d->st, kind, r, tx_record_size(r), &id)) {
        q->stored++;
        return;
    }
    if (q->ram_count == 0)
        device_log(d, 0, "transaction events can't be kept in flash; a restart would lose them");
    put_ram(q, d, r);
}

const struct tx_record *tx_queue_next(struct tx_queue *q, const struct device *d)
{
    if (!q->have_current) {
        if (peek(d, 0, &q->current, &q->current_id)) {
            q->have_current = true;
        } else {
            q->stored = 0;
            if (q->ram_count == 0)
                return NULL;
            q->current = q->ram[0];
            q->current_id = 0;
            q->have_current = true;
        }
        q->attempts = 0;
        q->not_before_us = 0;
    }
    return device_now(d) >= q->not_before_us ? &q->current : NULL;
}

static void drop_current(struct tx_queue *q, const struct device *d)
{
    if (q->current_id) {
        d->ops->forget(d->st, keep_kind(&q->current), q->current_id);
        if (q->stored)
            q->stored--;
    } else if (q->ram_count) {
        q->ram_count--;
        memmove(&q->ram[0], &q->ram[1], q->ram_count * sizeof q->ram[0]);
    }
    q->have_current = false;
    q->in_doubt = false;
}

static void give_up(struct tx_queue *q, const struct device *d)
{
    device_log(d, 0, "event %u of transaction %s failed %u times and is given up", (unsigned)q->current.seq,
               q->current.tx, (unsigned)q->attempts);
    q->given_up++;
    drop_current(q, d);
}

void tx_queue_outcome(struct tx_queue *q, const struct device *d, enum rpc_outcome how)
{
    if (!q->have_current)
        return;
    switch (how) {
    case RPC_RESULT:
        drop_current(q, d);
        return;
    case RPC_LOST: /* being offline is no failure of the server to process it (E13, remark) */
        tx_queue_reconnected(q);
        return;
    case RPC_ERROR:
    case RPC_TIMEOUT:
        break;
    }
    uint32_t most = (uint32_t)device_int(d, "tx_retry_attempts", 5);
    if (q->attempts < most)
        q->attempts++;
    /* E13.FR.04: an event that the server can't process, or does not answer, is given up, or it would hold up
     * all that follow. */
    if (q->attempts >= most) {
        if (how == RPC_ERROR) {
            give_up(q, d);
            return;
        }
        q->in_doubt = true;
        q->not_before_us = UINT64_MAX;
        return;
    }
    /* E13.FR.03: the interval times the number of preceding transmissions */
    uint64_t wait_s = (uint64_t)device_int(d, "tx_retry_interval", 10) * q->attempts;
    q->not_before_us = device_now(d) + wait_s * 1000000;
}

void tx_queue_answered(struct tx_queue *q, const struct device *d)
{
    if (q->have_current && q->in_doubt)
        give_up(q, d);
}

void tx_queue_reconnected(struct tx_queue *q)
{
    q->in_doubt = false;
    q->attempts = 0;
    q->not_before_us = 0;
}

bool tx_queue_has(struct tx_queue *q, const struct device *d, const char *tx)
{
    struct tx_record r;
    uint32_t id, after = 0;
    while (peek(d, after, &r, &id)) {
        if (!tx || !strcmp(r.tx, tx))
            return true;
        after = id;
    }
    for (unsigned i = 0; i < q->ram_count; i++)
        if (!tx || !strcmp(q->ram[i].tx, tx))
            return true;
    return false;
}

bool tx_queue_last_seq(const struct device *d, const char *tx, uint32_t *seq, bool *ended)
{
    struct tx_record r;
    uint32_t id, after = 0;
    bool any = false;
    *ended = false;
    while (peek(d, after, &r, &id)) {
        after = id;
        if (strcmp(r.tx, tx))
            continue;
        if (!any || r.seq > *seq)
            *seq = r.seq;
        if (r.event == TX_ENDED)
            *ended = true;
        any = true;
    }
    return any;
}

static bool names(const struct tx_record *r, const struct id_token *token)
{
    struct id_token t = {.type = r->token_type};
    memcpy(t.text, r->token, sizeof t.text - 1);
    return r->has_token && id_token_same(&t, token);
}

unsigned tx_queue_naming(const struct tx_queue *q, const struct device *d, const struct id_token *token)
{
    struct tx_record r;
    uint32_t id, after = 0;
    unsigned n = 0;
    for (; peek(d, after, &r, &id); after = id)
        n += names(&r, token);
    for (unsigned i = 0; i < q->ram_count; i++)
        n += names(&q->ram[i], token);
    return n;
}

uint64_t tx_queue_due_us(const struct tx_queue *q)
{
    return q->have_current ? q->not_before_us : UINT64_MAX;
}
