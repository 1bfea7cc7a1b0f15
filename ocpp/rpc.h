/*
 * rpc: the OCPP-J remote procedure calls over one connection: message ids, one outstanding CALL in each
 * direction, time-outs, answers. Answers go out before calls. Knows no message: a dialect (v201/) says what
 * to call and answers.
 */
#ifndef OCPP_RPC_H
#define OCPP_RPC_H

#include "ocpp/frame.h"
#include "ocpp/ocpp.h"

enum rpc_outcome {
    RPC_RESULT,  /* payload: the answer, which may still be nonsense */
    RPC_ERROR,   /* the other side sent a CALLERROR: code */
    RPC_TIMEOUT, /* no answer in time */
    RPC_LOST,    /* the connection went away before the answer came */
};

/* A call to be made. Either a tree in the current arena or text that stays where it is during the call. */
struct rpc_call {
    const char *action; /* static */
    const cJSON *payload;
    int tag; /* given back with the outcome */
};

struct rpc_answer {
    cJSON *payload;   /* an object in the arena, to be filled in */
    const char *code; /* set (static) for a CALLERROR instead */
    char text[160];
};

struct rpc_dialect {
    void *ctx;
    bool (*next_call)(void *ctx, struct rpc_call *out);
    void (*outcome)(void *ctx, int tag, enum rpc_outcome how, const cJSON *payload, const char *code);
    void (*call)(void *ctx, const char *action, const cJSON *payload, struct rpc_answer *answer);
    void (*answered)(void *ctx); /* the answer of the last call has been taken by the socket */
};

struct rpc {
    const struct ocpp_station_ops *ops;
    void *station;
    const struct rpc_dialect *dialect;
    bool open, busy;

    uint32_t boot[2]; /* random part of the message ids: new at each boot, so that ids never return */
    uint32_t count;

    bool waiting; /* a CALL of ours is out */
    int tag;
    char id[FRAME_ID_MAX + 1];
    uint64_t sent_us;
    uint32_t silent; /* calls in a row that got no answer */
    uint32_t reply_len;
    uint32_t call_len; /* > 0: text in `out` that the socket has not taken yet */

    uint32_t sent, received, errors;
    uint64_t last_heard_us;

    struct json_arena arena;
    unsigned char arena_mem[OCPP_ARENA_BYTES];
    char out[OCPP_TEXT_MAX];
    char reply[OCPP_TEXT_MAX];
};

void rpc_init(struct rpc *r, const struct ocpp_station_ops *ops, void *station,
              const struct rpc_dialect *dialect);
void rpc_opened(struct rpc *r);
void rpc_closed(struct rpc *r);
void rpc_receive(struct rpc *r, const char *text, size_t len);
/* Sends what waits, notices time-outs. Returns when it wants to run again (µs). */
uint64_t rpc_step(struct rpc *r, uint64_t timeout_us);

/* The arena around work that builds or reads JSON outside rpc_receive; returns what to give to rpc_arena_end.
 */
struct json_arena *rpc_arena_begin(struct rpc *r);
void rpc_arena_end(struct rpc *r, struct json_arena *was);

#endif
