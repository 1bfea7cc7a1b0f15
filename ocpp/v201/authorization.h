/*
 * authorization: tokens at the reader and who decides about them (functional block C): the local list, the
 * cache and the server, in the order that AuthCtrlr sets.
 */
#ifndef OCPP_V201_AUTHORIZATION_H
#define OCPP_V201_AUTHORIZATION_H

#include "ocpp/v201/tx_record.h"

struct v201;

struct authorization {
    bool pending; /* a token waits for the server's word */
    bool in_flight;
    bool remote;  /* it came with RequestStartTransaction */
    bool to_stop; /* presented while another token's transaction runs: may it stop that one? */
    int32_t remote_id;
    uint64_t at_us;
    unsigned wrong_codes;        /* key codes refused in a row */
    uint64_t code_not_before_us; /* no key code is looked at before this */
    struct id_token token, group;
    bool early; /* presented before what a restart left was settled: looked at then */
    struct id_token early_token;
};

void authorization_init(struct v201 *v);
void authorization_token(struct v201 *v, const char *text, const char *type);
/* RequestStartTransaction with AuthorizeRemoteStart. */
void authorization_remote(struct v201 *v, const struct id_token *token, const struct id_token *group,
                          int32_t remote_id);
uint64_t authorization_step(struct v201 *v, uint64_t now_us);

/* Of this group the members may end transactions but begin none (C16). group NULL: none. */
bool authorization_master_pass(const struct v201 *v, const struct id_token *group);

bool authorize_make(struct v201 *v, cJSON *payload, bool asked_only);
void authorize_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
