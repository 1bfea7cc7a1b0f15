/* durable_state: what OCPP 2.0.1 remembers over a restart; see durable_state.h. */
#include "ocpp/v201/durable_state.h"

#include <string.h>

enum { DURABLE_VERSION = 1 };
_Static_assert(sizeof(struct durable_state) <= OCPP_KEEP_TX_STATE_MAX, "there is always room for it");

void durable_state_load(struct durable_state *s, uint32_t *keep_id, const struct device *d)
{
    memset(s, 0, sizeof *s);
    *keep_id = 0;
    unsigned char buf[1024];
    size_t len;
    uint32_t id, after = 0;
    while (d->ops->peek(d->st, OCPP_KEEP_TX_STATE, after, buf, sizeof buf, &len, &id)) {
        struct durable_state next = {0};
        memcpy(&next, buf, len < sizeof next ? len : sizeof next);
        if (*keep_id)
            d->ops->forget(d->st, OCPP_KEEP_TX_STATE, *keep_id);
        *keep_id = id;
        if (next.version >= 1)
            *s = next;
        after = id;
    }
    s->tx[sizeof s->tx - 1] = 0;
    s->token[ID_TOKEN_MAX] = 0;
    s->group[ID_TOKEN_MAX] = 0;
    s->stop_token[ID_TOKEN_MAX] = 0;
    if (s->ending >= STOP_REASONS || s->ending_trigger >= TRIGGERS)
        s->ending = STOP_NONE;
}

bool durable_state_save(struct durable_state *s, uint32_t *keep_id, const struct device *d)
{
    s->version = DURABLE_VERSION;
    s->size = sizeof *s;
    uint32_t id;
    if (!d->ops->keep(d->st, OCPP_KEEP_TX_STATE, s, sizeof *s, &id)) {
        device_log(d, 0, "the transaction's state could not be kept");
        return false;
    }
    if (*keep_id)
        d->ops->forget(d->st, OCPP_KEEP_TX_STATE, *keep_id);
    *keep_id = id;
    return true;
}
