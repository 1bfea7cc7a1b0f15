/* rpc: message ids, one outstanding CALL in each direction, time-outs, answers; see rpc.h. */
#include "ocpp/rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* So many calls in a row without an answer, and the connection is taken for dead although it is up. */
enum { SILENT_MAX = 3 };
/* A socket that did not take a text is asked again after this, should nobody call sooner. */
enum { RETRY_SEND_US = 100000 };

static void say(struct rpc *r, int level, const char *text, const char *detail)
{
    char line[200];
    snprintf(line, sizeof line, "ocpp: %s%s%.120s", text, *detail ? ": " : "", detail);
    r->ops->log(r->station, level, line);
}

void rpc_init(struct rpc *r, const struct ocpp_station_ops *ops, void *station,
              const struct rpc_dialect *dialect)
{
    r->ops = ops;
    r->station = station;
    r->dialect = dialect;
    r->boot[0] = ops->random(station);
    r->boot[1] = ops->random(station);
    json_init();
    json_arena_init(&r->arena, r->arena_mem, sizeof r->arena_mem);
}

struct json_arena *rpc_arena_begin(struct rpc *r)
{
    json_arena_reset(&r->arena);
    return json_arena_use(&r->arena);
}

void rpc_arena_end(struct rpc *r, struct json_arena *was)
{
    json_arena_use(was);
    json_arena_reset(&r->arena);
}

void rpc_opened(struct rpc *r)
{
    r->open = true;
    r->waiting = false;
    r->reply_len = 0;
    r->call_len = 0;
    r->silent = 0;
    r->last_heard_us = r->ops->now_us(r->station);
}

static void outcome(struct rpc *r, enum rpc_outcome how, const cJSON *payload, const char *code)
{
    r->waiting = false;
    r->dialect->outcome(r->dialect->ctx, r->tag, how, payload, code);
}

void rpc_closed(struct rpc *r)
{
    r->open = false;
    r->reply_len = 0;
    r->call_len = 0;
    if (r->waiting)
        outcome(r, RPC_LOST, NULL, "");
}

/* While the station's code runs no arena of ours is set: an in-process peer may use cJSON for itself. */
static bool send(struct rpc *r, const char *text, size_t len)
{
    struct json_arena *was = json_arena_use(NULL);
    r->busy = true;
    bool taken = r->ops->send(r->station, text, len);
    r->busy = false;
    json_arena_use(was);
    if (taken)
        r->sent++;
    return taken;
}

static void flush_reply(struct rpc *r)
{
    if (!r->open || r->reply_len == 0 || r->busy)
        return;
    if (send(r, r->reply, r->reply_len)) {
        r->reply_len = 0;
        r->dialect->answered(r->dialect->ctx);
    }
}

static void reply_error(struct rpc *r, const char *id, const char *code, const char *text)
{
    r->errors++;
    say(r, 1, code, text);
    if (r->reply_len)
        say(r, 1, "an answer that the socket never took is given up", "");
    r->reply_len = (uint32_t)frame_error(r->reply, sizeof r->reply, id, code, text);
}

static void receive_call(struct rpc *r, const struct frame *f)
{
    struct rpc_answer answer = {.payload = cJSON_CreateObject()};
    r->dialect->call(r->dialect->ctx, f->action, f->payload, &answer);
    if (answer.code) {
        reply_error(r, f->id, answer.code, answer.text);
        return;
    }
    if (r->reply_len)
        say(r, 1, "an answer that the socket never took is given up", "");
    r->reply_len =
        r->arena.failed ? 0 : (uint32_t)frame_result(r->reply, sizeof r->reply, f->id, answer.payload);
    if (r->reply_len == 0)
        reply_error(r, f->id, "InternalError", "the answer does not fit");
}

static void receive_answer(struct rpc *r, const struct frame *f)
{
    if (!r->waiting || r->call_len > 0 || strcmp(r->id, f->id) != 0) {
        say(r, 1, "answer to nothing asked, or too late", f->id);
        return;
    }
    r->silent = 0;
    if (f->type == FRAME_RESULT)
        outcome(r, RPC_RESULT, f->payload, "");
    else
        outcome(r, RPC_ERROR, f->payload, f->code);
}

void rpc_receive(struct rpc *r, const char *text, size_t len)
{
    if (r->busy) { /* forbidden by ocpp.h: the texts that are being sent would be overwritten */
        say(r, 0, "received inside send; message refused", "");
        r->errors++;
        return;
    }
    r->received++;
    r->last_heard_us = r->ops->now_us(r->station);
    struct json_arena *was = rpc_arena_begin(r);
    struct frame f;
    enum frame_fault fault = frame_parse(text, len, OCPP_TEXT_MAX, &f);
    if (fault == FRAME_OK && f.type == FRAME_CALL) {
        receive_call(r, &f);
    } else if (fault == FRAME_OK) {
        receive_answer(r, &f);
    } else if (f.type == FRAME_RESULT || f.type == FRAME_ERROR) {
        /* An answer is never answered, or two sides could go on for ever. A broken one to our call ends the
         * wait. */
        r->errors++;
        say(r, 1, "unreadable answer", frame_fault_text(fault));
        if (r->waiting && r->call_len == 0 && f.id_known && strcmp(r->id, f.id) == 0)
            outcome(r, RPC_ERROR, NULL, frame_fault_code(fault));
    } else {
        reply_error(r, f.id, frame_fault_code(fault), frame_fault_text(fault));
    }
    rpc_arena_end(r, was);
    flush_reply(r);
}

/* Asks the dialect for the next call and builds its text; false: nothing to say. */
static bool build_call(struct rpc *r)
{
    struct json_arena *was = rpc_arena_begin(r);
    struct rpc_call call = {0};
    bool any = r->dialect->next_call(r->dialect->ctx, &call);
    if (any) {
        r->count++;
        snprintf(r->id, sizeof r->id, "%08" PRIx32 "%08" PRIx32 "-%" PRIu32, r->boot[0], r->boot[1],
                 r->count);
        r->tag = call.tag;
        r->call_len = r->arena.failed
                          ? 0
                          : (uint32_t)frame_call(r->out, sizeof r->out, r->id, call.action, call.payload);
        r->waiting = true;
        if (r->call_len == 0) {
            r->errors++;
            say(r, 0, "message does not fit", call.action);
            outcome(r, RPC_ERROR, NULL, "InternalError");
        }
    }
    rpc_arena_end(r, was);
    return any;
}

uint64_t rpc_step(struct rpc *r, uint64_t timeout_us)
{
    uint64_t now = r->ops->now_us(r->station);
    if (!r->open || r->busy)
        return UINT64_MAX;
    flush_reply(r);
    if (!r->open)
        return UINT64_MAX;
    if (r->reply_len)
        return now + RETRY_SEND_US;
    if (r->waiting && r->call_len == 0) {
        if (now - r->sent_us < timeout_us)
            return r->sent_us + timeout_us;
        say(r, 1, "no answer in time", r->id);
        r->silent++;
        outcome(r, RPC_TIMEOUT, NULL, "");
        if (r->silent >= SILENT_MAX) {
            r->silent = 0;
            struct json_arena *was = json_arena_use(NULL);
            r->ops->hang_up(r->station, "the server does not answer");
            json_arena_use(was);
            return now;
        }
    }
    if (r->call_len == 0 && (!build_call(r) || r->call_len == 0))
        return UINT64_MAX;
    if (!send(r, r->out, r->call_len))
        return now + RETRY_SEND_US;
    if (r->waiting) { /* a socket that failed inside send has closed us meanwhile */
        r->call_len = 0;
        r->sent_us = now;
    }
    return r->sent_us + timeout_us;
}
