/* auth_cache: the authorisation cache; see auth_cache.h. */
#include "ocpp/v201/auth_cache.h"

#include <string.h>

#include "ocpp/v201/v201.h"

/* What flash has of an entry. Fields are only ever added at the end. */
struct cache_record {
    uint16_t version, size;
    uint32_t reserved;
    struct known_token known;
    int64_t said_ms;
};
enum { CACHE_RECORD_VERSION = 1 };

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

static bool enabled(const struct v201 *v)
{
    return device_bool(&v->dev, "auth_cache", true);
}

static struct auth_cache_entry *find(struct v201 *v, const struct id_token *token)
{
    for (size_t i = 0; i < AUTH_CACHE_ENTRIES; i++) {
        struct auth_cache_entry *e = &v->cache.entry[i];
        if (e->known.token.text[0] && id_token_same(&e->known.token, token))
            return e;
    }
    return NULL;
}

static void drop(struct v201 *v, struct auth_cache_entry *e)
{
    if (e->keep_id)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_AUTH_CACHE, e->keep_id);
    *e = (struct auth_cache_entry){0};
}

/* A free place: if need be that of the entry which is worth least. */
static struct auth_cache_entry *place(struct v201 *v)
{
    struct auth_cache_entry *worst = NULL;
    for (size_t i = 0; i < AUTH_CACHE_ENTRIES; i++) {
        struct auth_cache_entry *e = &v->cache.entry[i];
        if (!e->known.token.text[0])
            return e;
        bool good = known_token_accepted(&e->known),
             worst_good = worst && known_token_accepted(&worst->known);
        if (!worst || (good == worst_good ? e->turn < worst->turn : !good))
            worst = e;
    }
    drop(v, worst);
    return worst;
}

/* The new record first, then the old one goes: a power cut leaves at least one. */
static void keep(struct v201 *v, struct auth_cache_entry *e)
{
    struct cache_record r = {.version = CACHE_RECORD_VERSION, .size = sizeof r, .said_ms = e->said_ms};
    uint32_t id;
    r.known = e->known;
    if (!v->dev.ops->keep(v->dev.st, OCPP_KEEP_AUTH_CACHE, &r, sizeof r, &id)) {
        device_log(&v->dev, 1, "the authorisation cache can't be kept in flash");
        return;
    }
    if (e->keep_id)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_AUTH_CACHE, e->keep_id);
    e->keep_id = id;
    e->kept_ms = e->said_ms;
}

void auth_cache_init(struct v201 *v)
{
    struct auth_cache *c = &v->cache;
    memset(c, 0, sizeof *c);
    unsigned char buf[2 * sizeof(struct cache_record)];
    size_t len;
    uint32_t id, after = 0;
    while (v->dev.ops->peek(v->dev.st, OCPP_KEEP_AUTH_CACHE, after, buf, sizeof buf, &len, &id)) {
        after = id;
        struct cache_record r;
        memset(&r, 0, sizeof r);
        memcpy(&r, buf, len < sizeof r ? len : sizeof r);
        if (r.version < 1 || len < sizeof r || !known_token_sound(&r.known)) {
            v->dev.ops->forget(v->dev.st, OCPP_KEEP_AUTH_CACHE, id);
            continue;
        }
        /* The same token twice: power failed between the new record and the end of the old one. */
        struct auth_cache_entry *e = find(v, &r.known.token);
        if (e)
            drop(v, e);
        else
            e = place(v);
        *e = (struct auth_cache_entry){
            .known = r.known, .said_ms = r.said_ms, .kept_ms = r.said_ms, .keep_id = id, .turn = ++c->turn};
    }
}

void auth_cache_forget(struct v201 *v, const struct id_token *token)
{
    struct auth_cache_entry *e = find(v, token);
    if (e)
        drop(v, e);
}

static int64_t lifetime_ms(const struct v201 *v)
{
    return (int64_t)device_int(&v->dev, "auth_cache_lifetime", 0) * 1000;
}

/* C10.FR.13: the server's own expiry rules; else FR.10: AuthCacheCtrlr.LifeTime since the server's word. What
 * was said before a start-up that does not know the time yet is at least as old as that start-up. */
static bool too_old(const struct v201 *v, const struct auth_cache_entry *e)
{
    if (e->known.expires_ms)
        return known_token_expired(&e->known, &v->dev);
    int64_t life = lifetime_ms(v), wall, age;
    uint64_t now = device_now(&v->dev);
    if (life == 0)
        return false;
    if (e->said_us)
        age = (int64_t)((now - e->said_us) / 1000);
    else if (e->said_ms && device_wall(&v->dev, now, &wall))
        age = wall - e->said_ms;
    else
        age = (int64_t)(now / 1000);
    return age >= life;
}

const struct known_token *auth_cache_find(struct v201 *v, const struct id_token *token)
{
    struct auth_cache_entry *e = enabled(v) ? find(v, token) : NULL;
    if (!e)
        return NULL;
    if (too_old(v, e)) {
        int64_t wall;
        if (device_wall(&v->dev, device_now(&v->dev), &wall)) /* else it may turn out to be good yet */
            drop(v, e);
        return NULL;
    }
    e->turn = ++v->cache.turn;
    return &e->known;
}

/* Does flash need to know? Not for every use: only when something has changed, or so that the age which it
 * has of the entry is never wrong by more than a quarter of its life, a day at most. */
static bool worth_keeping(const struct v201 *v, const struct auth_cache_entry *e,
                          const struct known_token *before)
{
    if (!e->keep_id || memcmp(&e->known, before, sizeof *before) != 0)
        return true;
    if (!e->said_ms)
        return false;
    int64_t life = lifetime_ms(v), period = DAY_MS;
    if (life && life / 4 < period)
        period = life / 4 > HOUR_MS ? life / 4 : HOUR_MS;
    return e->said_ms - e->kept_ms >= period;
}

void auth_cache_learn(struct v201 *v, const struct id_token *token, const cJSON *info)
{
    struct known_token known;
    /* C02.FR.03, C03.FR.02, C05.FR.02 */
    if (!enabled(v) || !token->text[0] || token->type == ID_TOKEN_NO_AUTHORIZATION ||
        token->type == ID_TOKEN_CENTRAL || !known_token_read(info, &known))
        return;
    struct auth_cache_entry *e = find(v, token);
    if (known_token_expired(&known, &v->dev)) { /* C10.FR.10, note: not to be kept at all */
        if (e)
            drop(v, e);
        return;
    }
    struct known_token before = {0};
    if (e)
        before = e->known;
    else
        e = place(v);
    known.token = e->known.token.text[0] ? e->known.token : *token; /* letters as they were kept */
    e->known = known;
    e->said_us = device_now(&v->dev);
    if (!device_wall(&v->dev, e->said_us, &e->said_ms))
        e->said_ms = 0;
    e->turn = ++v->cache.turn;
    if (worth_keeping(v, e, &before))
        keep(v, e);
}

int32_t auth_cache_bytes(const struct v201 *v)
{
    int32_t n = 0;
    for (size_t i = 0; i < AUTH_CACHE_ENTRIES; i++)
        if (v->cache.entry[i].known.token.text[0])
            n += (int32_t)sizeof(struct cache_record);
    return n;
}

int32_t auth_cache_bytes_max(void)
{
    return AUTH_CACHE_ENTRIES * (int32_t)sizeof(struct cache_record);
}

void clear_cache(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    (void)request;
    if (!enabled(v)) { /* C11.FR.04 */
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "NotEnabled", NULL);
        return;
    }
    for (size_t i = 0; i < AUTH_CACHE_ENTRIES; i++)
        if (v->cache.entry[i].known.token.text[0])
            drop(v, &v->cache.entry[i]);
    json_add_text(answer->payload, "status", "Accepted"); /* C11.FR.03 */
}
