/* authorization: tokens and Authorize; see authorization.h. */
#include "ocpp/v201/authorization.h"

#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

/* A person who has presented a token does not stand there longer than this. */
enum { PATIENCE_US = 60000000 };

void authorization_init(struct v201 *v)
{
    memset(&v->auth, 0, sizeof v->auth);
}

static void accept(struct v201 *v)
{
    struct authorization *a = &v->auth;
    struct id_token token = a->token, group = a->group;
    int32_t remote_id = a->remote_id;
    bool remote = a->remote;
    a->pending = false;
    if (transactions_taken(v) || v->durable.inoperative || v->view.faulted) {
        device_log(&v->dev, 1, "token accepted, but the connector can no longer be used");
        return;
    }
    transactions_authorised(v, &token, &group, remote ? &remote_id : NULL);
}

/* The server can't be asked: what AuthCtrlr says about that (C15). */
static void decide_offline(struct v201 *v)
{
    struct authorization *a = &v->auth;
    if (!a->to_stop && !a->remote && device_bool(&v->dev, "offline_tx_unknown_id", false)) {
        device_log(&v->dev, 2, "offline: unknown token is accepted");
        accept(v);
        return;
    }
    device_log(&v->dev, 1, "offline: unknown token is refused");
    a->pending = false;
}

static void ask(struct v201 *v, const struct id_token *token)
{
    struct authorization *a = &v->auth;
    a->pending = true;
    a->token = *token;
    a->at_us = device_now(&v->dev);
    if (!device_registered(&v->dev))
        decide_offline(v);
}

void authorization_token(struct v201 *v, const char *text, const char *type)
{
    struct authorization *a = &v->auth;
    struct id_token token = {.type = ID_TOKEN_ISO14443};
    int index = type ? schema_word(ID_TOKEN_TYPES, type) : -1;
    if (index >= 0)
        token.type = (uint8_t)index;
    size_t len = text ? strlen(text) : 0;
    if (len == 0 || len > ID_TOKEN_MAX || !json_utf8_ok(text, len)) {
        device_log(&v->dev, 1, "token of %u bytes can't be used", (unsigned)len);
        return;
    }
    memcpy(token.text, text, len);
    if (!v->tx.recovered) {
        a->early = true;
        a->early_token = token;
        return;
    }
    if (a->in_flight) {
        device_log(&v->dev, 1, "a token is being checked already");
        return;
    }
    *a = (struct authorization){0};
    if (v->tx.authorised) {
        if (id_token_same(&token, &v->tx.token)) { /* C01.FR.03 (a), E07.FR.01 */
            transactions_stop(v, TRIGGER_STOP_AUTHORIZED, STOP_LOCAL);
            return;
        }
        if (v->tx.group.text[0] == 0) {
            device_log(&v->dev, 1, "another token's session is running");
            return;
        }
        a->to_stop = true; /* of the same group? The server knows (C09) */
        ask(v, &token);
        return;
    }
    if (v->durable.inoperative || v->view.faulted || v->reset.wanted || v->durable.ending) {
        device_log(&v->dev, 1, "token presented, but the connector can't be used now");
        return;
    }
    /* C01.FR.23: a transaction that has lost its authorisation is not another driver's. */
    if (v->durable.tx_active && v->tx.token.text[0] && !id_token_same(&token, &v->tx.token)) {
        device_log(&v->dev, 1, "the running transaction belongs to another token");
        return;
    }
    ask(v, &token);
}

void authorization_remote(struct v201 *v, const struct id_token *token, const struct id_token *group,
                          int32_t remote_id)
{
    struct authorization *a = &v->auth;
    *a = (struct authorization){.remote = true, .remote_id = remote_id, .group = *group};
    ask(v, token);
}

uint64_t authorization_step(struct v201 *v, uint64_t now)
{
    struct authorization *a = &v->auth;
    if (a->early && v->tx.recovered) {
        struct id_token token = a->early_token;
        a->early = false;
        authorization_token(v, token.text, id_token_type_name(token.type));
    }
    if (!a->pending || a->in_flight)
        return UINT64_MAX;
    if (!device_registered(&v->dev) || now - a->at_us >= PATIENCE_US) {
        decide_offline(v);
        return UINT64_MAX;
    }
    return a->at_us + PATIENCE_US;
}

bool authorize_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct authorization *a = &v->auth;
    if (asked_only || !a->pending)
        return false;
    id_token_write(payload, "idToken", &a->token);
    a->in_flight = true;
    return true;
}

/* C01.FR.20, FR.21: a list of EVSEs, if there is one, must name ours. */
static bool allowed_here(const cJSON *info)
{
    const cJSON *list = json_array(info, "evseId");
    if (!list || !list->child)
        return true;
    for (const cJSON *e = list->child; e; e = e->next)
        if (cJSON_IsNumber(e) && e->valuedouble == (double)EVSE_ID)
            return true;
    return false;
}

void authorize_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct authorization *a = &v->auth;
    a->in_flight = false;
    const cJSON *info = how == RPC_RESULT ? json_object(payload, "idTokenInfo") : NULL;
    const char *status = json_text(info, "status", 20);
    if (!status) {
        decide_offline(v);
        return;
    }
    if (strcmp(status, "Accepted") != 0 || !allowed_here(info)) {
        device_log(&v->dev, 1, "token refused: %s", status);
        a->pending = false;
        return;
    }
    struct id_token group = {0};
    bool has_group = id_token_read(info, "groupIdToken", &group);
    if (a->to_stop) {
        a->pending = false;
        if (has_group && v->tx.authorised && id_token_same(&group, &v->tx.group))
            transactions_stop(v, TRIGGER_STOP_AUTHORIZED, STOP_LOCAL); /* C09 */
        return;
    }
    if (has_group)
        a->group = group;
    accept(v);
}

/* No cache and no local list yet: ClearCache is refused as disabled (C11.FR.04), the list's version is 0
 * (D02.FR.03). */
void clear_cache(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    (void)v;
    (void)request;
    json_add_text(answer->payload, "status", "Rejected");
    status_info(answer->payload, "NotEnabled", NULL);
}

void get_local_list_version(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    (void)v;
    (void)request;
    json_add_int(answer->payload, "versionNumber", 0);
}
