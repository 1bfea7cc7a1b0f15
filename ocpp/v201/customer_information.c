/* customer_information: what is known of a customer; see customer_information.h. */
#include "ocpp/v201/customer_information.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

enum { RETRY_US = 5000000, ATTEMPTS = 3 }; /* of a NotifyCustomerInformation that gets no answer */
enum { DATA_MAX = 512 };                   /* characters in one (NotifyCustomerInformationRequest.data) */

/* The longest line is say_known()'s: two tokens with their types, a status, a time and some 60 characters. */
enum { LINE_MAX = 2 * (ID_TOKEN_MAX + 16) + 20 + JSON_TIME_TEXT + 60 };
_Static_assert((4 + RESERVATIONS) * LINE_MAX < CUSTOMER_TEXT_MAX, "every place has room for its line");

void customer_information_init(struct v201 *v)
{
    memset(&v->customer, 0, sizeof v->customer);
}

void customer_information_closed(struct v201 *v)
{
    /* Who asked has lost the connection and asks again if it still wants to know. */
    v->customer.running = false;
}

static void say(struct v201 *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct v201 *v, const char *format, ...)
{
    struct customer_information *c = &v->customer;
    size_t room = sizeof c->text - c->len;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->text + c->len, room, format, args);
    va_end(args);
    if (n > 0)
        c->len += (size_t)n < room ? (size_t)n : room - 1;
}

/* What the server said of a token. */
static void say_known(struct v201 *v, const char *place, const struct known_token *k)
{
    static const char *const statuses[] = {
        "Accepted",           "Blocked",           "ConcurrentTx",  "Expired", "Invalid", "NoCredit",
        "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown"};
    char until[JSON_TIME_TEXT] = "";
    say(v, "%s: %s %s, %s", place, id_token_type_name(k->token.type), k->token.text,
        k->status < sizeof statuses / sizeof statuses[0] ? statuses[k->status] : "Unknown");
    if (k->group.text[0])
        say(v, ", group %s %s", id_token_type_name(k->group.type), k->group.text);
    if (k->expires_ms) {
        json_time_text(until, k->expires_ms);
        say(v, ", until %s", until);
    }
    say(v, "\n");
}

/* ---- places ---- */

static void cache_tell(struct v201 *v, const struct id_token *token)
{
    for (size_t i = 0; i < AUTH_CACHE_ENTRIES; i++) {
        const struct known_token *k = &v->cache.entry[i].known;
        if (k->token.text[0] && id_token_same(&k->token, token))
            say_known(v, "authorisation cache", k);
    }
}

static void list_tell(struct v201 *v, const struct id_token *token)
{
    for (unsigned i = 0; i < v->list.count; i++)
        if (id_token_same(&v->list.entry[i].token, token))
            say_known(v, "local authorisation list", &v->list.entry[i]);
}

static bool reserved_for(const struct reservation *r, const struct id_token *token)
{
    return r->state != RESERVATION_NONE && id_token_same(&r->token, token);
}

static void reservation_tell(struct v201 *v, const struct id_token *token)
{
    for (size_t i = 0; i < RESERVATIONS; i++) {
        const struct reservation *r = &v->reservations.slot[i];
        char until[JSON_TIME_TEXT];
        if (!reserved_for(r, token))
            continue;
        json_time_text(until, r->expires_ms);
        say(v, "reservation %ld: %s until %s%s\n", (long)r->id, r->token.text, until,
            r->state == RESERVATION_HELD ? "" : ", ended");
    }
}

/* A reservation in force ends, which the server is told; ended ones go when it has been. */
static void reservation_drop(struct v201 *v, const struct id_token *token)
{
    for (size_t i = 0; i < RESERVATIONS; i++)
        if (v->reservations.slot[i].state == RESERVATION_HELD &&
            reserved_for(&v->reservations.slot[i], token))
            reservation_lost(v);
}

static bool text_is(const char *text, uint8_t type, const struct id_token *token)
{
    struct id_token t = {.type = type};
    memcpy(t.text, text, sizeof t.text - 1);
    return t.text[0] && id_token_same(&t, token);
}

/* The session's token, and the one that ended the last transaction, which the state record still names. */
static void session_tell(struct v201 *v, const struct id_token *token)
{
    bool mine = v->tx.token.text[0] && id_token_same(&v->tx.token, token);
    if (mine && v->durable.tx_active)
        say(v, "transaction %s: running, with %s\n", v->durable.tx, token->text);
    else if (mine)
        say(v, "session: authorised with %s\n", token->text);
    if (text_is(v->durable.stop_token, v->durable.stop_token_type, token))
        say(v, "last transaction: ended with %s\n", token->text);
}

/* What a running transaction needs stays until it has ended. */
static void session_drop(struct v201 *v, const struct id_token *token)
{
    if (v->durable.tx_active || !text_is(v->durable.stop_token, v->durable.stop_token_type, token))
        return;
    memset(v->durable.stop_token, 0, sizeof v->durable.stop_token);
    durable_state_save(&v->durable, &v->durable_id, &v->dev);
}

/* What the server has not acknowledged is not deleted: it is what somebody has to pay. */
static void queue_tell(struct v201 *v, const struct id_token *token)
{
    unsigned n = tx_queue_naming(&v->queue, &v->dev, token);
    if (n > 0)
        say(v, "transaction events that wait to be sent: %u with %s\n", n, token->text);
}

static const struct {
    void (*tell)(struct v201 *v, const struct id_token *token);
    void (*drop)(struct v201 *v, const struct id_token *token); /* NULL: it is not this station's to delete */
} places[] = {
    {cache_tell, auth_cache_forget},
    {list_tell, NULL}, /* N10.FR.03: only the server changes the list */
    {reservation_tell, reservation_drop},
    {session_tell, session_drop},
    {queue_tell, NULL},
};

/* ---- messages ---- */

void customer_information(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct customer_information *c = &v->customer;
    struct id_token token;
    int64_t id = 0;
    bool report = false, clear = false;
    json_int(request, "requestId", &id);
    json_bool(request, "report", &report);
    json_bool(request, "clear", &clear);
    bool by_token = id_token_read(request, "idToken", &token);
    int references = (json_object(request, "idToken") != NULL) +
                     (json_object(request, "customerCertificate") != NULL) +
                     (json_text(request, "customerIdentifier", 64) != NULL);
    if (references != 1) { /* N09.FR.09 */
        json_add_text(answer->payload, "status", "Invalid");
        status_info(answer->payload, "MissingParam",
                    "one of idToken, customerCertificate, customerIdentifier");
        return;
    }
    if (c->running || (!report && !clear)) { /* N09.FR.03, FR.07 */
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, c->running ? "InvalidMessageSeq" : "InvalidValue", NULL);
        return;
    }
    *c = (struct customer_information){.running = true, .request_id = (int32_t)id};
    /* Of certificates and other identifiers nothing is held here. */
    for (size_t i = 0; by_token && i < sizeof places / sizeof places[0]; i++) {
        if (report)
            places[i].tell(v, &token);
        if (clear && places[i].drop)
            places[i].drop(v, &token);
    }
    if (!report) /* N10.FR.06 */
        say(v, "cleared");
    json_add_text(answer->payload, "status", "Accepted");
}

bool notify_customer_information_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct customer_information *c = &v->customer;
    if (asked_only || !c->running || device_now(&v->dev) < c->retry_us)
        return false;
    int64_t wall = 0;
    device_wall(&v->dev, device_now(&v->dev), &wall);
    /* No more bytes than characters are allowed, and never half of one. Nothing found: an empty text, as
     * N09.FR.06 is tested. */
    size_t n = c->len - c->told;
    if (n > DATA_MAX)
        for (n = DATA_MAX; n > 0 && ((unsigned char)c->text[c->told + n] & 0xC0) == 0x80;)
            n--;
    char data[DATA_MAX + 1];
    memcpy(data, c->text + c->told, n);
    data[n] = '\0';
    c->under_way = n;
    json_add_text(payload, "data", data);
    json_add_bool(payload, "tbc", c->told + n < c->len);
    json_add_int(payload, "seqNo", c->seq);
    json_add_time(payload, "generatedAt", wall);
    json_add_int(payload, "requestId", c->request_id);
    return true;
}

void notify_customer_information_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct customer_information *c = &v->customer;
    (void)payload;
    if (how == RPC_LOST)
        return;
    if (how == RPC_TIMEOUT && ++c->failed < ATTEMPTS) {
        c->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    c->failed = 0;
    c->retry_us = 0;
    c->seq++;
    c->told += c->under_way;
    if (c->told >= c->len)
        memset(c, 0, sizeof *c); /* nothing of it is held here any longer either */
}
