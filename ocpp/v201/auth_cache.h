/*
 * auth_cache: the authorisation cache: what the server said last of the identifiers seen here (use cases C10
 * to C12).
 *
 * An entry is written to flash when what the server says has changed, or when the moment it was said has
 * grown old, not at every use. When the table is full, the entry that has not been used for longest goes, one
 * that is not Accepted first (C10.FR.07).
 */
#ifndef OCPP_V201_AUTH_CACHE_H
#define OCPP_V201_AUTH_CACHE_H

#include "ocpp/v201/known_token.h"

struct v201;

#ifdef ECS_SMALL_MEMORY
enum { AUTH_CACHE_ENTRIES = 8 };
#else
enum { AUTH_CACHE_ENTRIES = 50 };
#endif

struct auth_cache {
    struct auth_cache_entry {
        struct known_token known; /* token with an empty text: a free place */
        int64_t said_ms;          /* wall time when the server said so; 0: it was not known */
        int64_t kept_ms;          /* said_ms as flash has it */
        uint64_t said_us;         /* the same moment, monotonic; 0: before this start-up */
        uint32_t keep_id;         /* 0: not in flash */
        uint32_t turn;            /* of its last use: the smallest goes first */
    } entry[AUTH_CACHE_ENTRIES];
    uint32_t turn;
};

void auth_cache_init(struct v201 *v);
/* What the server said last, or NULL: unknown, too old, or the cache is switched off. */
const struct known_token *auth_cache_find(struct v201 *v, const struct id_token *token);
/* The server's word on a token, from any answer (C10.FR.04, FR.05). */
void auth_cache_learn(struct v201 *v, const struct id_token *token, const cJSON *info);
/* The token is known no more. */
void auth_cache_forget(struct v201 *v, const struct id_token *token);
/* Bytes in use, and at most. */
int32_t auth_cache_bytes(const struct v201 *v);
int32_t auth_cache_bytes_max(void);

void clear_cache(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
