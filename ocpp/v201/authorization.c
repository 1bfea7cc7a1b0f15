/* authorization: who decides about a token; see authorization.h. */
#include "ocpp/v201/authorization.h"

#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

/* A person who has presented a token does not stand there longer than this. */
enum { PATIENCE_US = 60000000 };
/* C04.FR.06: after each wrong key code the next is looked at twice as long later, up to 2^6 s. */
enum { WRONG_CODES_COUNTED = 6 };

void authorization_init(struct v201 *v)
{
    memset(&v->auth, 0, sizeof v->auth);
}

bool authorization_master_pass(const struct v201 *v, const struct id_token *group)
{
    char id[4 * ID_TOKEN_MAX + 1];
    struct id_token master = {.type =
                                  group ? group->type : 0}; /* AuthCtrlr.MasterPassGroupId names no type */
    if (!group || !group->text[0] || !device_text(&v->dev, "master_pass_group", id, sizeof id) || !id[0] ||
        strlen(id) > ID_TOKEN_MAX)
        return false;
    memcpy(master.text, id, strlen(id));
    return id_token_same(&master, group);
}

/* ---- what the station itself knows ---- */

enum word { WORD_NONE, WORD_ACCEPTED, WORD_REFUSED };
struct local_word {
    enum word word;
    bool asks_again; /* refused, but the server may think otherwise by now */
    const struct id_token *group;
};

/* The local list comes before the cache (C13.FR.01, C14.FR.01). */
static struct local_word local_word(struct v201 *v, const struct id_token *token)
{
    const struct known_token *k = local_list_find(v, token);
    const char *last_word = "local_list_no_recheck";
    bool good = k && known_token_accepted(k) && !known_token_expired(k, &v->dev);
    bool expired = k && !good && known_token_accepted(k); /* C14.FR.05: the server is asked all the same */
    if (!k) {
        k = auth_cache_find(v, token);
        good = k && known_token_accepted(k);
        last_word = "auth_cache_no_recheck";
    }
    if (!k)
        return (struct local_word){.word = WORD_NONE, .asks_again = true};
    return (struct local_word){.word = good ? WORD_ACCEPTED : WORD_REFUSED,
                               .asks_again = expired || !device_bool(&v->dev, last_word, false),
                               .group = k->group.text[0] ? &k->group : NULL};
}

/* ---- decisions ---- */

static void refused(struct v201 *v, const char *why)
{
    struct authorization *a = &v->auth;
    device_log(&v->dev, 1, "token refused: %s", why);
    a->pending = false;
    if (a->token.type == ID_TOKEN_KEY_CODE) {
        if (a->wrong_codes < WRONG_CODES_COUNTED)
            a->wrong_codes++;
        a->code_not_before_us = device_now(&v->dev) + (UINT64_C(1000000) << a->wrong_codes);
    }
}

static void accepted(struct v201 *v)
{
    struct authorization *a = &v->auth;
    struct id_token token = a->token, group = a->group;
    int32_t remote_id = a->remote_id;
    bool remote = a->remote;
    a->pending = false;
    a->wrong_codes = 0;
    if (transactions_taken(v) || v->durable.inoperative || v->view.faulted) {
        device_log(&v->dev, 1, "token accepted, but the connector can no longer be used");
        return;
    }
    if (!reservation_allows(v, &token, &group)) {
        device_log(&v->dev, 1, "token accepted, but the connector is reserved for another");
        return;
    }
    transactions_authorised(v, &token, &group, remote ? &remote_id : NULL);
}

static bool same_group(const struct v201 *v, const struct id_token *group)
{
    return group && v->tx.group.text[0] && id_token_same(group, &v->tx.group);
}

/* Somebody has said "Accepted"; group NULL: none is known. */
static void granted(struct v201 *v, const struct id_token *group)
{
    struct authorization *a = &v->auth;
    if (authorization_master_pass(v, group)) { /* C16.FR.02, FR.03 */
        a->pending = false;
        if (a->remote || !v->tx.authorised) {
            device_log(&v->dev, 1, "a master pass starts nothing");
            return;
        }
        transactions_stop_by(v, &a->token, STOP_MASTER_PASS);
        return;
    }
    if (a->to_stop) {
        a->pending = false;
        if (v->tx.authorised && same_group(v, group))
            transactions_stop_by(v, &a->token, STOP_LOCAL); /* C09.FR.03 */
        else
            device_log(&v->dev, 1, "another token's session is running");
        return;
    }
    if (group)
        a->group = *group;
    accepted(v);
}

/* The server can't be asked: what AuthCtrlr says about that (C13, C15). */
static void decide_offline(struct v201 *v)
{
    struct authorization *a = &v->auth;
    struct local_word w = local_word(v, &a->token);
    if (w.word == WORD_ACCEPTED && (a->to_stop || device_bool(&v->dev, "local_authorise_offline", true))) {
        granted(v, w.group);
        return;
    }
    if (w.word == WORD_NONE && !a->to_stop && !a->remote &&
        device_bool(&v->dev, "offline_tx_unknown_id", false)) {
        device_log(&v->dev, 2, "offline: unknown token is accepted"); /* C15.FR.08 */
        granted(v, NULL);
        return;
    }
    refused(v, w.word == WORD_NONE ? "unknown, and the server can't be asked"
                                   : "by the local list or the cache");
}

/* Online: may the local word stand for the server's? Otherwise the server is asked. */
static void decide_online(struct v201 *v)
{
    struct authorization *a = &v->auth;
    struct local_word w = local_word(v, &a->token);
    bool never_ask = device_bool(&v->dev, "remote_authorise_disabled", false);
    if (w.word == WORD_ACCEPTED) {
        bool stops = same_group(v, w.group) || authorization_master_pass(v, w.group);
        /* C01.FR.03 (b) and C09.FR.07; C12, C14 where LocalPreAuthorize says so; C06.FR.02 */
        if (never_ask || (a->to_stop ? stops
                                     : a->token.type != ID_TOKEN_LOCAL &&
                                           device_bool(&v->dev, "local_pre_authorise", false)))
            granted(v, w.group);
        return;
    }
    if (never_ask || !w.asks_again)
        refused(v, "by the local list or the cache");
}

static void ask(struct v201 *v, const struct id_token *token)
{
    struct authorization *a = &v->auth;
    a->pending = true;
    a->token = *token;
    a->at_us = device_now(&v->dev);
    if (token->type == ID_TOKEN_NO_AUTHORIZATION)
        granted(v, NULL);
    else if (device_registered(&v->dev))
        decide_online(v);
    else
        decide_offline(v);
}

/* ---- where tokens come from ---- */

static void forget_token(struct authorization *a)
{
    *a = (struct authorization){.wrong_codes = a->wrong_codes, .code_not_before_us = a->code_not_before_us};
}

void authorization_token(struct v201 *v, const char *text, const char *type)
{
    struct authorization *a = &v->auth;
    struct id_token token = {.type = ID_TOKEN_ISO14443};
    int index = type ? schema_word(ID_TOKEN_TYPES, type) : -1;
    if (index >= 0)
        token.type = (uint8_t)index;
    size_t len = text ? strlen(text) : 0;
    bool button = token.type == ID_TOKEN_NO_AUTHORIZATION; /* C02.FR.01: no identifier, nobody is asked */
    if (button)
        len = 0;
    if ((len == 0 && !button) || len > ID_TOKEN_MAX || !json_utf8_ok(text, len)) {
        device_log(&v->dev, 1, "token of %u bytes can't be used", (unsigned)len);
        return;
    }
    if (len)
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
    if (token.type == ID_TOKEN_KEY_CODE && device_now(&v->dev) < a->code_not_before_us) {
        device_log(&v->dev, 1, "a key code so soon after a wrong one is not looked at");
        return;
    }
    forget_token(a);
    if (v->tx.authorised) {
        if (id_token_same(&token, &v->tx.token)) { /* C01.FR.03 (a), E07.FR.01 */
            transactions_stop_by(v, &token, STOP_LOCAL);
            return;
        }
        a->to_stop = true; /* of the same group, or a master pass? (C09, C16) */
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
    forget_token(a);
    a->remote = true;
    a->remote_id = remote_id;
    a->group = *group;
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

/* ---- Authorize ---- */

bool authorize_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct authorization *a = &v->auth;
    if (asked_only || !a->pending)
        return false;
    id_token_write(payload, "idToken", &a->token);
    a->in_flight = true;
    return true;
}

void authorize_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct authorization *a = &v->auth;
    struct known_token known;
    a->in_flight = false;
    const cJSON *info = how == RPC_RESULT ? json_object(payload, "idTokenInfo") : NULL;
    if (how == RPC_TIMEOUT || how == RPC_LOST) {
        decide_offline(v);
        return;
    }
    auth_cache_learn(v, &a->token, info); /* C10.FR.04 */
    if (!known_token_read(info, &known) || !known_token_accepted(&known)) {
        const char *status = json_text(info, "status", 20);
        refused(v, status ? status : "no useful answer");
        return;
    }
    granted(v, known.group.text[0] ? &known.group : NULL);
}
