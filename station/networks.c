#include "station/networks.h"

#include <stdio.h>
#include <string.h>

/* As it lies in flash; little endian on every machine this runs on. Cut behind the address, which a
 * RECORD_GOOD has when its slot no longer holds what worked. */
enum { RECORD_VERSION = 1, RECORD_PROFILE = 1, RECORD_GOOD = 2 };
/* In a round: what worked last and was overwritten since. */
enum { OVERWRITTEN = OCPP_NETWORKS + 1 };
struct record {
    uint8_t version, what, slot, security;
    int32_t message_timeout_s;
    char url[OCPP_NETWORK_URL_MAX + 1];
};
enum { RECORD_HEAD = 8 };
_Static_assert(offsetof(struct record, url) == RECORD_HEAD, "layout in flash");

static bool is_slot(int slot)
{
    return slot >= 1 && slot <= OCPP_NETWORKS;
}

static bool sound(const struct record *r, size_t len)
{
    if (len < RECORD_HEAD || r->version != RECORD_VERSION || !is_slot(r->slot))
        return false;
    return r->what == RECORD_GOOD || (r->what == RECORD_PROFILE && r->url[0] && r->message_timeout_s >= 0);
}

static bool next_record(const struct networks *n, uint32_t after, struct record *out, size_t *len,
                        uint32_t *id)
{
    memset(out, 0, sizeof *out);
    bool found = durable_peek(n->durable, OCPP_KEEP_NETWORK, after, out, sizeof *out, len, id);
    out->url[OCPP_NETWORK_URL_MAX] = '\0';
    return found;
}

static void replace(struct networks *n, uint32_t *record, uint32_t id)
{
    if (*record)
        durable_forget(n->durable, *record);
    *record = id;
}

static bool read_record(const struct networks *n, uint32_t record, struct ocpp_network *out)
{
    struct record r;
    size_t len;
    uint32_t id;
    if (!record || !next_record(n, record - 1, &r, &len, &id) || id != record)
        return false;
    out->security = r.security;
    out->message_timeout_s = r.message_timeout_s;
    memcpy(out->url, r.url, sizeof out->url);
    return true;
}

static bool keep(struct networks *n, uint8_t what, int slot, const struct ocpp_network *network,
                 uint32_t *record)
{
    struct record r = {.version = RECORD_VERSION,
                       .what = what,
                       .slot = (uint8_t)slot,
                       .security = network->security,
                       .message_timeout_s = network->message_timeout_s};
    size_t len = strlen(network->url);
    if (len > OCPP_NETWORK_URL_MAX)
        return false;
    memcpy(r.url, network->url, len + 1);
    uint32_t id;
    if (!durable_keep(n->durable, OCPP_KEEP_NETWORK, &r, RECORD_HEAD + (len ? len + 1 : 0), &id))
        return false;
    replace(n, record, id);
    return true;
}

bool networks_get(const struct networks *n, int slot, struct ocpp_network *out)
{
    *out = (struct ocpp_network){.security = 1};
    if (!is_slot(slot))
        return false;
    if (read_record(n, n->record[slot], out))
        return true;
    if (slot != 1)
        return false;
    snprintf(out->url, sizeof out->url, "%s", settings_text(n->settings, SETTING_server_url));
    return out->url[0] != '\0';
}

/* The order from the setting: slots that hold something, each once; slot 1 when nothing else is left. */
static void read_order(struct networks *n)
{
    const char *list = settings_text(n->settings, SETTING_network_priority);
    struct ocpp_network network;
    for (; *list; list++) {
        int slot = *list - '0';
        bool there = false;
        for (unsigned i = 0; i < n->ordered; i++)
            there |= n->order[i] == slot;
        if (is_slot(slot) && !there && networks_get(n, slot, &network))
            n->order[n->ordered++] = (uint8_t)slot;
    }
    if (n->ordered == 0)
        n->order[n->ordered++] = 1;
}

static void use_active(struct networks *n)
{
    struct ocpp_network network = {0};
    if (n->round[n->at] == OVERWRITTEN)
        (void)read_record(n, n->good_record, &network);
    else
        networks_get(n, networks_active(n), &network);
    memcpy(n->url, network.url, sizeof n->url);
}

/* A new round that begins with slot `first`, 0: in the order as it is. */
static void begin_round(struct networks *n, uint8_t first)
{
    n->at = n->rounds = 0;
    n->tried = 0;
    if (first)
        n->round[n->rounds++] = first;
    for (unsigned i = 0; i < n->ordered; i++)
        if (n->order[i] != first)
            n->round[n->rounds++] = n->order[i];
}

void networks_init(struct networks *n, struct durable *durable, const struct settings *settings)
{
    *n = (struct networks){.durable = durable, .settings = settings};
    struct record r;
    size_t len;
    uint32_t id, after = 0;
    while (next_record(n, after, &r, &len, &id)) {
        after = id;
        /* A second one of a slot: the power failed between keeping the new and forgetting the old. */
        if (!sound(&r, len))
            durable_forget(durable, id);
        else if (r.what == RECORD_PROFILE)
            replace(n, &n->record[r.slot], id);
        else {
            replace(n, &n->good_record, id);
            n->good = r.slot;
            n->good_overwritten = r.url[0] != '\0';
        }
    }
    read_order(n);
    begin_round(n, 0); /* B10.FR.04 */
    use_active(n);
}

bool networks_set(struct networks *n, int slot, const struct ocpp_network *network)
{
    if (!is_slot(slot) || !network->url[0])
        return false;
    /* B10.FR.07 speaks of the profile that worked, not of its slot: that stays known until another works. */
    struct ocpp_network was;
    if (slot == n->good && !n->good_overwritten && networks_get(n, slot, &was) &&
        strcmp(was.url, network->url) != 0) {
        if (!keep(n, RECORD_GOOD, slot, &was, &n->good_record))
            return false;
        n->good_overwritten = true;
    }
    return keep(n, RECORD_PROFILE, slot, network, &n->record[slot]);
}

int networks_active(const struct networks *n)
{
    return n->round[n->at] == OVERWRITTEN ? 0 : n->round[n->at];
}

/* Is what is in use what the slot holds? Not when it was overwritten while in use. */
static bool as_kept(const struct networks *n, uint8_t slot)
{
    struct ocpp_network network;
    return networks_get(n, slot, &network) && !strcmp(network.url, n->url);
}

void networks_worked(struct networks *n)
{
    uint8_t slot = n->round[n->at];
    bool known = slot == OVERWRITTEN || (n->good == slot && (!n->good_overwritten || !as_kept(n, slot)));
    if (n->at == 0 && n->tried == 0 && known)
        return;
    begin_round(n, slot);
    if (known)
        return;
    const struct ocpp_network none = {0};
    n->good = slot;
    n->good_overwritten = false;
    (void)keep(n, RECORD_GOOD, slot, &none, &n->good_record);
}

bool networks_failed(struct networks *n)
{
    uint8_t was = n->round[n->at];
    if (++n->tried < (uint32_t)settings_int(n->settings, SETTING_network_attempts)) /* B10.FR.03 */
        return false;
    n->tried = 0;
    if (++n->at == n->rounds) {
        struct ocpp_network network;
        /* B10.FR.07, FR.08 */
        begin_round(n, n->good_overwritten ? OVERWRITTEN : networks_get(n, n->good, &network) ? n->good : 0);
    }
    if (n->round[n->at] == was)
        return false;
    use_active(n);
    return true;
}

void networks_url_changed(struct networks *n)
{
    replace(n, &n->record[1], 0);
    if (n->good == 1 && n->good_overwritten) {
        const struct ocpp_network none = {0};
        (void)keep(n, RECORD_GOOD, 1, &none, &n->good_record);
        n->good_overwritten = false;
        if (n->round[n->at] == OVERWRITTEN)
            begin_round(n, 1);
    }
    if (networks_active(n) == 1)
        use_active(n);
}
