#include "station/durable.h"

#include <string.h>

/* Registers are kept at least this often while energy flows: at a power cut at most this much is lost. The
 * figure is the requirement's; a mark costs about 80 bytes of flash (store/DESIGN.md has the wear). */
enum { MARK_INTERVAL_S = 60 };

enum { REGISTERS_VERSION = 1 };

/* As it lies in flash; little endian on every machine this runs on. */
struct registers_record {
    uint8_t version, reserved[3];
    uint32_t contactor_cycles;
    uint64_t import_uwh[3];
    uint64_t import_total_uwh;
};
_Static_assert(sizeof(struct registers_record) == 40, "layout in flash");

/* The journal holds room back for these; what OCPP may keep of them is told to it in its own terms. */
_Static_assert(sizeof(struct registers_record) <= JOURNAL_ENERGY_MAX, "");
_Static_assert((int)OCPP_KEEP_TX_STATE_MAX <= (int)JOURNAL_TX_STATE_MAX, "");
_Static_assert((int)OCPP_KEEP_TX_ENDED_MAX <= (int)JOURNAL_TX_ENDED_MAX, "");

static enum journal_kind journal_kind_of(enum ocpp_keep_kind kind)
{
    switch (kind) {
    case OCPP_KEEP_TX_EVENT:
        return JOURNAL_TX_EVENT;
    case OCPP_KEEP_TX_UPDATE:
        return JOURNAL_TX_UPDATE;
    case OCPP_KEEP_TX_STATE:
        return JOURNAL_TX_STATE;
    case OCPP_KEEP_SECURITY_EVENT:
        return JOURNAL_SECURITY_EVENT;
    case OCPP_KEEP_PROFILE:
        return JOURNAL_PROFILE;
    case OCPP_KEEP_LOCAL_LIST:
        return JOURNAL_LOCAL_LIST;
    case OCPP_KEEP_AUTH_CACHE:
        return JOURNAL_AUTH_CACHE;
    case OCPP_KEEP_RESERVATION:
        return JOURNAL_RESERVATION;
    case OCPP_KEEP_MONITOR:
        return JOURNAL_MONITOR;
    case OCPP_KEEP_NETWORK:
        return JOURNAL_NETWORK;
    case OCPP_KEEP_TX_ENDED:
        return JOURNAL_TX_ENDED;
    }
    return JOURNAL_LOG_MARK;
}

void durable_mount(struct durable *d, const struct port_flash *flash)
{
    d->mounted = journal_mount(&d->journal, flash, &d->formatted) == PORT_OK;
}

void durable_registers(struct durable *d, struct durable_registers *out)
{
    *out = (struct durable_registers){0};
    struct registers_record r;
    size_t len;
    if (!d->mounted || journal_latest(&d->journal, JOURNAL_ENERGY, &r, sizeof r, &len) != PORT_OK ||
        len != sizeof r || r.version != REGISTERS_VERSION)
        return;
    out->contactor_cycles = r.contactor_cycles;
    memcpy(out->meter.import_uwh, r.import_uwh, sizeof r.import_uwh);
    out->meter.import_total_uwh = r.import_total_uwh;
    d->marked_uwh = r.import_total_uwh;
    d->marked_cycles = r.contactor_cycles;
}

void durable_mark(struct durable *d, const struct durable_registers *now, uint64_t now_us, bool force)
{
    bool moved = now->meter.import_total_uwh != d->marked_uwh;
    bool due = force || now_us - d->marked_us >= MARK_INTERVAL_S * 1000000ull;
    if (!d->mounted || !due || (!moved && now->contactor_cycles == d->marked_cycles))
        return;
    struct registers_record r = {
        .version = REGISTERS_VERSION,
        .contactor_cycles = now->contactor_cycles,
        .import_total_uwh = now->meter.import_total_uwh,
    };
    memcpy(r.import_uwh, now->meter.import_uwh, sizeof r.import_uwh);
    uint32_t id;
    if (journal_append(&d->journal, JOURNAL_ENERGY, &r, sizeof r, &id) != PORT_OK) {
        d->failures++;
        return;
    }
    d->marked_us = now_us;
    d->marked_uwh = now->meter.import_total_uwh;
    d->marked_cycles = now->contactor_cycles;
}

bool durable_keep(struct durable *d, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id)
{
    if (d->mounted && journal_append(&d->journal, journal_kind_of(kind), rec, len, id) == PORT_OK)
        return true;
    d->failures++;
    return false;
}

bool durable_peek(struct durable *d, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap,
                  size_t *len, uint32_t *id)
{
    if (!d->mounted)
        return false;
    uint32_t kinds = 1u << journal_kind_of(kind);
    if (kind == OCPP_KEEP_TX_EVENT) /* OCPP sees one queue of transaction events, in the order of keeping */
        kinds |= 1u << JOURNAL_TX_UPDATE | 1u << JOURNAL_TX_ENDED;
    enum journal_kind found;
    return journal_next_of(&d->journal, kinds, after, &found, buf, cap, len, id) == PORT_OK;
}

bool durable_forget(struct durable *d, uint32_t id)
{
    if (!d->mounted)
        return false;
    /* Of a kind of which the newest counts, the journal has given up the older ones by itself. */
    int r = journal_forget(&d->journal, id);
    return r == PORT_OK || r == PORT_ERR_NOT_FOUND;
}

bool durable_room_for_transaction(struct durable *d)
{
    /* A journal that is broken is another matter: that is said at start-up, and charging goes on. The Started
     * is shorter than an Ended, whose room the journal holds back. */
    return !d->mounted || journal_has_room(&d->journal, JOURNAL_TX_EVENT, JOURNAL_TX_ENDED_MAX);
}

uint32_t durable_take_dropped(struct durable *d)
{
    uint32_t fresh = d->journal.dropped - d->dropped;
    d->dropped = d->journal.dropped;
    return fresh;
}
