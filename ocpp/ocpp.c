/* ocpp: the public entry points: which dialect is spoken, and one outstanding call after the other; see
 * ocpp.h. */
#include "ocpp/ocpp.h"

#include <string.h>

#include "ocpp/v201/v201.h"

struct ocpp {
    struct rpc rpc;
    struct rpc_dialect dialect;
    struct v201 v201;
};

/* Asked to be called at least this often: settings may change behind our back. */
enum { IDLE_US = 1000000 };

size_t ocpp_size(void)
{
    return (sizeof(struct ocpp) + 15) & ~(size_t)15;
}

struct ocpp *ocpp_init(void *mem, const struct ocpp_station_ops *ops, void *station)
{
    struct ocpp *o = mem;
    memset(o, 0, sizeof *o);
    o->dialect = (struct rpc_dialect){.ctx = &o->v201,
                                      .next_call = v201_next_call,
                                      .outcome = v201_outcome,
                                      .call = v201_call,
                                      .answered = v201_answered};
    rpc_init(&o->rpc, ops, station, &o->dialect);
    v201_init(&o->v201, ops, station, &o->rpc);
    return o;
}

void ocpp_opened(struct ocpp *o, const char *subprotocol)
{
    if (!subprotocol || strcmp(subprotocol, "ocpp2.0.1") != 0) {
        /* OCPP-J 3.2: a server that agrees to none of our sub-protocols closes by itself; do not wait for it.
         */
        o->rpc.ops->log(o->rpc.station, 0, "ocpp: the server chose no sub-protocol that we speak");
        o->rpc.ops->hang_up(o->rpc.station, "no common sub-protocol");
        return;
    }
    rpc_opened(&o->rpc);
    v201_opened(&o->v201);
}

void ocpp_closed(struct ocpp *o)
{
    if (!o->rpc.open)
        return;
    struct json_arena *was = rpc_arena_begin(&o->rpc);
    rpc_closed(&o->rpc);
    v201_closed(&o->v201);
    rpc_arena_end(&o->rpc, was);
}

void ocpp_receive(struct ocpp *o, const char *text, size_t len)
{
    if (o->rpc.open)
        rpc_receive(&o->rpc, text, len);
}

void ocpp_event(struct ocpp *o, const struct ocpp_event *ev)
{
    v201_event(&o->v201, ev);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t ocpp_step(struct ocpp *o)
{
    const struct ocpp_station_ops *ops = o->rpc.ops;
    uint64_t now = ops->now_us(o->rpc.station);
    uint64_t due = sooner(now + IDLE_US, v201_step(&o->v201, now));
    uint64_t timeout_us = (uint64_t)provisioning_message_timeout_s(&o->v201) * 1000000;
    due = sooner(due, rpc_step(&o->rpc, timeout_us));
    if (o->v201.reconnect_wanted && o->rpc.open && o->rpc.reply_len == 0) {
        o->v201.reconnect_wanted = false;
        ops->hang_up(o->rpc.station, "connection settings were changed");
    }
    return due;
}

void ocpp_status_read(const struct ocpp *o, struct ocpp_status *out)
{
    const struct v201 *v = &o->v201;
    *out = (struct ocpp_status){
        .online = o->rpc.open,
        .registered = v->dev.registration == REGISTRATION_ACCEPTED,
        .transaction = v->durable.tx_active,
        .queued = v->queue.stored + v->queue.ram_count + v->monitoring.count,
        .sent = o->rpc.sent,
        .received = o->rpc.received,
        .errors = o->rpc.errors,
        .arena_high_water = (uint32_t)o->rpc.arena.high_water,
        .last_heard_us = o->rpc.last_heard_us,
    };
    if (v->durable.tx_active)
        memcpy(out->transaction_id, v->durable.tx, 37);
}
