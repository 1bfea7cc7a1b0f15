/*
 * local_list: the local authorisation list, which only the server changes (functional block D).
 *
 * In flash the list is a set of parts with a common generation number. An update writes all parts of the next
 * generation and then gives up the old ones, so that a power cut at any moment leaves the old list or the new
 * one, whole.
 */
#ifndef OCPP_V201_LOCAL_LIST_H
#define OCPP_V201_LOCAL_LIST_H

#include "ocpp/v201/known_token.h"

struct v201;

#ifdef ECS_SMALL_MEMORY
enum { LOCAL_LIST_ENTRIES = 20 };
#else
enum { LOCAL_LIST_ENTRIES = 100 };
#endif
enum {
    LOCAL_LIST_PART = 10, /* entries in a part */
    LOCAL_LIST_PARTS = (LOCAL_LIST_ENTRIES + LOCAL_LIST_PART - 1) / LOCAL_LIST_PART,
    /* Entries in one SendLocalList: what the arena surely holds, 3 KB each with every field there is. */
    LOCAL_LIST_ITEMS = OCPP_ARENA_BYTES / 3072,
};

struct local_list {
    int32_t version;     /* 0: there is no list (D02.FR.02) */
    uint32_t generation; /* the last that was written, whole or not */
    unsigned count;
    struct known_token entry[LOCAL_LIST_ENTRIES];
    unsigned parts;
    uint32_t keep_id[LOCAL_LIST_PARTS];
};

void local_list_init(struct v201 *v);
/* NULL: not in the list, or the list is switched off. It may have expired. */
const struct known_token *local_list_find(const struct v201 *v, const struct id_token *token);
/* Bytes in use, and at most. */
int32_t local_list_bytes(const struct v201 *v);
int32_t local_list_bytes_max(void);

void send_local_list(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void get_local_list_version(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
