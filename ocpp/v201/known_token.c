/* known_token: what a server has said of one identifier; see known_token.h. */
#include "ocpp/v201/known_token.h"

#include <string.h>

#include "ocpp/schema.h"

enum { STATUSES = 10, TOKEN_TYPES = 8 }; /* words in AUTHORIZATION_STATUSES and ID_TOKEN_TYPES */

/* C01.FR.20, FR.21: a list of EVSEs, if there is one, must name ours. */
static bool names_others_only(const cJSON *info)
{
    const cJSON *list = json_array(info, "evseId");
    if (!list || !list->child)
        return false;
    for (const cJSON *e = list->child; e; e = e->next)
        if (cJSON_IsNumber(e) && e->valuedouble == (double)EVSE_ID)
            return false;
    return true;
}

bool known_token_read(const cJSON *info, struct known_token *out)
{
    const char *status = json_text(info, "status", 20);
    int index = status ? schema_word(AUTHORIZATION_STATUSES, status) : -1;
    if (index < 0)
        return false;
    *out = (struct known_token){.status = (uint8_t)index, .elsewhere = names_others_only(info)};
    id_token_read(info, "groupIdToken", &out->group);
    const char *expiry = json_text(info, "cacheExpiryDateTime", 64);
    int64_t ms;
    if (expiry && json_time_parse(expiry, &ms))
        out->expires_ms = ms ? ms : 1; /* 0 says "none" */
    return true;
}

bool known_token_accepted(const struct known_token *k)
{
    return k->status == AUTHORIZATION_ACCEPTED && !k->elsewhere;
}

bool known_token_expired(const struct known_token *k, const struct device *d)
{
    int64_t wall;
    if (!k->expires_ms)
        return false;
    return !device_wall(d, device_now(d), &wall) || wall >= k->expires_ms;
}

bool known_token_sound(struct known_token *k)
{
    k->token.text[ID_TOKEN_MAX] = 0;
    k->group.text[ID_TOKEN_MAX] = 0;
    return k->token.text[0] && k->token.type < TOKEN_TYPES && k->group.type < TOKEN_TYPES &&
           k->status < STATUSES;
}
