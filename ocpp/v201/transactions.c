/* transactions: sessions and what TxStartPoint and TxStopPoint make of them; see transactions.h. */
#include "ocpp/v201/transactions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ocpp/v201/v201.h"

/* After authorisation has ended the car has 3 s to stop and at 6 s the contactor is opened regardless (IEC
 * 61851-1 Annex A, x1 in core/evse); the last reading is taken when the current has stopped, or after this.
 */
enum { ENDING_US = 8000000 };
/* A car takes some seconds from "offered" to "asks": until then it is connected, not suspended. A transition
 * that lasts less than the settle time (contactor closing, a new limit) is not told. */
enum { FIRST_OFFER_US = 10000000, SETTLE_US = 2000000 };
/* After a restart in mid-transaction the pilot must have been read before "still plugged" means anything:
 * self-test and debounce take less than this. */
enum { RECOVER_US = 15000000 };
/* How often the register is looked at while MaxEnergyOnInvalidId runs out: 22 kW give 6 Wh in this time. */
enum { GRACE_LOOK_US = 1000000 };
/* SmartChargingCtrlr.LimitChangeSignificance: smaller changes of the limit are not told. */
enum { LIMIT_SIGNIFICANT_PERCENT = 10 };

enum { POINT_EV_CONNECTED = 1, POINT_AUTHORIZED = 2, POINT_POWER_PATH = 4, POINT_ENERGY = 8 };

static unsigned points(const struct v201 *v, const char *setting, unsigned otherwise)
{
    char list[128];
    if (!device_text(&v->dev, setting, list, sizeof list))
        return otherwise;
    unsigned p = 0;
    if (device_list_has(list, "EVConnected"))
        p |= POINT_EV_CONNECTED;
    if (device_list_has(list, "Authorized"))
        p |= POINT_AUTHORIZED;
    if (device_list_has(list, "PowerPathClosed"))
        p |= POINT_POWER_PATH;
    if (device_list_has(list, "EnergyTransfer"))
        p |= POINT_ENERGY;
    return p ? p : otherwise;
}

static void save(struct v201 *v)
{
    struct durable_state *s = &v->durable;
    s->tx_authorised = v->tx.authorised;
    memcpy(s->token, v->tx.token.text, sizeof v->tx.token.text);
    s->token_type = v->tx.token.type;
    memcpy(s->group, v->tx.group.text, sizeof v->tx.group.text);
    s->group_type = v->tx.group.type;
    durable_state_save(s, &v->durable_id, &v->dev);
}

bool transactions_active(const struct v201 *v)
{
    return v->durable.tx_active;
}

bool transactions_taken(const struct v201 *v)
{
    return v->tx.authorised || v->durable.ending || !v->tx.recovered;
}

bool transactions_ready(const struct v201 *v, int64_t *unix_ms)
{
    if (!v->tx.ready_us)
        return false;
    if (v->tx.ready_wall_ms) {
        *unix_ms = v->tx.ready_wall_ms;
        return true;
    }
    return device_wall(&v->dev, v->tx.ready_us, unix_ms);
}

/* ---- state of charging ---- */

static enum charging_state state_now(const struct v201 *v)
{
    const struct ocpp_view *w = &v->view;
    const struct transactions *t = &v->tx;
    if (!t->plugged)
        return CHARGING_IDLE;
    if (w->energy_flowing && w->energy_requested)
        return CHARGING_CHARGING;
    if (!t->authorised)
        return CHARGING_EV_CONNECTED;
    if (w->faulted || t->energy_barred || w->limited_to_zero || !w->available)
        return CHARGING_SUSPENDED_EVSE;
    return w->energy_requested ? CHARGING_SUSPENDED_EVSE : CHARGING_SUSPENDED_EV;
}

/* How long a state must have been so before it is told. */
static uint64_t settle_us(const struct v201 *v, enum charging_state s)
{
    if (s == CHARGING_IDLE || s == CHARGING_CHARGING || s == CHARGING_EV_CONNECTED || v->view.faulted ||
        v->tx.energy_barred)
        return 0;
    if (!v->durable.was_energy)
        return FIRST_OFFER_US;
    return s == CHARGING_SUSPENDED_EV ? 0 : SETTLE_US;
}

static uint8_t phases_used(const struct ocpp_view *w)
{
    uint8_t n = 0;
    for (int p = 0; p < 3; p++)
        if (w->phases_used[p])
            n++;
    return n;
}

static void count_charging(struct v201 *v, uint64_t now)
{
    struct transactions *t = &v->tx;
    if (t->state != CHARGING_CHARGING) {
        t->counted_us = now;
        return;
    }
    /* An event may be some milliseconds older than the step before it. */
    uint64_t s = now > t->counted_us ? (now - t->counted_us) / 1000000 : 0;
    v->durable.charging_s += (uint32_t)s;
    t->counted_us += s * 1000000;
}

/* ---- events ---- */

static uint16_t wanted_measurands(const struct v201 *v, enum tx_event_type type)
{
    static const struct {
        const char *setting, *otherwise;
    } lists[] = {
        [TX_STARTED] = {"tx_started_measurands", MEASURANDS_TX_STARTED},
        [TX_UPDATED] = {"tx_updated_measurands", MEASURANDS_TX_UPDATED},
        [TX_ENDED] = {"tx_ended_measurands", MEASURANDS_TX_ENDED},
    };
    char list[256];
    if (!device_text(&v->dev, lists[type].setting, list, sizeof list))
        return measurands_of(lists[type].otherwise);
    return measurands_of(list);
}

static void tell(struct v201 *v, enum tx_event_type type, enum tx_trigger trigger, enum stop_reason reason,
                 enum reading_context context, uint64_t at_us)
{
    struct transactions *t = &v->tx;
    struct durable_state *s = &v->durable;
    const struct ocpp_view *w = &v->view;
    count_charging(v, at_us);

    struct tx_record r = {
        .version = TX_RECORD_VERSION,
        .size = sizeof r,
        .event = (uint8_t)type,
        .trigger = (uint8_t)trigger,
        .state = (uint8_t)t->state,
        .reason = (uint8_t)reason,
        .offline = !device_registered(&v->dev),
        .seq = s->seq,
        .boot = v->dev.boot,
        .at_us = at_us,
        .charging_s = s->charging_s,
    };
    int64_t wall;
    if (device_wall(&v->dev, at_us, &wall))
        r.unix_ms = wall;
    if (!s->begin.unix_ms && device_wall(&v->dev, s->begin.at_us, &wall))
        s->begin.unix_ms = wall; /* the clock has become known since: a restart must not lose it again */
    memcpy(r.tx, s->tx, sizeof r.tx);
    if (trigger == TRIGGER_STOP_AUTHORIZED && s->stop_token[0]) {
        r.has_token = 1;
        r.token_type = s->stop_token_type;
        memcpy(r.token, s->stop_token, sizeof r.token);
    } else if (s->token_unsent || trigger == TRIGGER_STOP_AUTHORIZED) {
        r.has_token = 1;
        r.token_type = t->token.type;
        memcpy(r.token, t->token.text, sizeof t->token.text);
        s->token_unsent = 0;
    }
    if (t->reservation_unsent) { /* H01.FR.15 */
        r.has_reservation = 1;
        r.reservation_id = t->reservation_id;
        t->reservation_unsent = false;
    }
    if (t->remote_unsent) {
        r.has_remote_id = 1;
        r.remote_id = s->remote_id;
        t->remote_unsent = false;
    }
    uint8_t used = phases_used(w);
    if (t->state == CHARGING_CHARGING && used && used != t->phases_used) {
        r.phases_used = used;
        t->phases_used = used;
    }
    if (w->cable_ma > 0 && !t->cable_told) {
        int32_t a = w->cable_ma / 1000;
        r.cable_a = (uint8_t)(a > 255 ? 255 : a);
        t->cable_told = true;
    }
    reading_take(&r.now, w, wanted_measurands(v, type), context, at_us, &v->dev);
    if (r.now.import_mwh < s->last_mwh)
        r.now.import_mwh = s->last_mwh; /* a meter that restarted has not read its register yet */
    s->last_mwh = r.now.import_mwh;
    if (type == TX_ENDED) {
        /* TxEndedInterval 0: the readings at begin and end go with the end. */
        r.begin = s->begin;
        r.begin.measurands = r.now.measurands & s->begin.measurands;
    }
    if (type == TX_STARTED)
        save(v); /* begun, nothing told yet: or a cut right after the Started would leave it open for ever */
    s->seq++;
    tx_queue_put(&v->queue, &v->dev, &r);
    if (type != TX_ENDED)
        save(v);
}

static void new_id(struct v201 *v, char out[40])
{
    uint32_t r[4];
    for (int i = 0; i < 4; i++)
        r[i] = v->dev.ops->random(v->dev.st);
    /* RFC 4122 version 4: 122 random bits are what makes it unique over reboots and repairs (E01.FR.08). */
    snprintf(out, 40, "%08" PRIx32 "-%04" PRIx32 "-4%03" PRIx32 "-%04" PRIx32 "-%04" PRIx32 "%08" PRIx32,
             r[0], r[1] >> 16, r[1] & 0xFFF, 0x8000 | (r[2] >> 16 & 0x3FFF), r[2] & 0xFFFF, r[3]);
}

static void start(struct v201 *v, enum tx_trigger trigger, uint64_t at_us)
{
    struct transactions *t = &v->tx;
    struct durable_state *s = &v->durable;
    uint8_t inoperative = s->inoperative, restart = s->restart;
    int32_t remote = s->remote_id;
    *s = (struct durable_state){.inoperative = inoperative, .restart = restart, .tx_active = 1};
    s->remote_id = remote;
    s->has_remote_id = t->remote_unsent;
    s->token_unsent = t->authorised;
    s->was_plugged = t->plugged;
    s->was_authorised = t->authorised;
    s->was_energy = v->view.energy_flowing;
    new_id(v, s->tx);
    reading_take(&s->begin, &v->view, measurands_of(MEASURANDS_ALL), CONTEXT_BEGIN, at_us, &v->dev);
    s->last_mwh = s->begin.import_mwh;
    t->fresh_plug = false;
    t->stopped_for = STOP_NONE;
    t->phases_used = 0;
    t->cable_told = false;
    t->told_limit_ma = v->view.offered_ma;
    t->state = state_now(v);
    if (t->state != CHARGING_IDLE && t->state != CHARGING_CHARGING && settle_us(v, t->state) > 0)
        t->state = CHARGING_EV_CONNECTED;
    t->state_since_us = 0;
    t->counted_us = at_us;
    t->updated_due_us = 0;
    if (t->remote_unsent)
        trigger = TRIGGER_REMOTE_START;
    device_log(&v->dev, 2, "transaction %s starts", s->tx);
    profiles_tx_started(v);
    tx_samples_begin(v);
    tell(v, TX_STARTED, trigger, STOP_NONE, CONTEXT_BEGIN, at_us);
    v->smart.dirty = true;
}

/* The session is over with its transaction: whoever wants to charge again is authorised anew. */
static void end_session(struct v201 *v)
{
    struct transactions *t = &v->tx;
    t->authorised = false;
    t->energy_barred = false;
    t->grace_mwh = 0;
    t->remote_unsent = false;
    t->reservation_unsent = false;
    t->ready_us = 0;
    t->ready_wall_ms = 0;
    t->blocked = t->plugged;
    t->fresh_plug = false;
    memset(&t->token, 0, sizeof t->token);
    memset(&t->group, 0, sizeof t->group);
    if (!v->durable.tx_active)
        profiles_tx_ended(v); /* of a remote start that came to nothing: not for the next driver */
    v->dev.ops->authorise(v->dev.st, false);
}

static void finish(struct v201 *v, enum tx_trigger trigger, enum stop_reason reason, uint64_t at_us)
{
    struct transactions *t = &v->tx;
    struct durable_state *s = &v->durable;
    count_charging(v, at_us);
    t->state = t->plugged ? CHARGING_EV_CONNECTED : CHARGING_IDLE;
    device_log(&v->dev, 2, "transaction %s ends: %s", s->tx, stop_reason_name(reason));
    tell(v, TX_ENDED, trigger, reason, CONTEXT_END, at_us);
    /* The event is safe; only now does the transaction go out of the state record. Should power fail in
     * between, tx_queue_last_seq() finds the Ended at the next start. */
    s->tx_active = 0;
    s->ending = STOP_NONE;
    s->has_remote_id = 0;
    end_session(v);
    save(v);
    profiles_tx_ended(v);
    v->smart.dirty = true;
    availability_tx_ended(v);
}

/* Takes authorisation away and ends when the current has stopped, so that the last reading is the last
 * reading. */
static void begin_end(struct v201 *v, enum tx_trigger trigger, enum stop_reason reason, uint64_t at_us)
{
    struct durable_state *s = &v->durable;
    if (s->ending)
        return;
    v->dev.ops->authorise(v->dev.st, false);
    v->tx.authorised = false;
    s->ending = (uint8_t)reason;
    s->ending_trigger = (uint8_t)trigger;
    v->tx.ending_deadline_us = at_us + ENDING_US;
    if (!v->view.energy_flowing || !v->tx.plugged) {
        finish(v, trigger, reason, at_us);
        return;
    }
    save(v);
}

/* Is a condition of TxStopPoint no longer met? */
static bool should_stop(const struct v201 *v)
{
    const struct transactions *t = &v->tx;
    const struct durable_state *s = &v->durable;
    unsigned stop = points(v, "tx_stop_point", POINT_EV_CONNECTED | POINT_AUTHORIZED);
    /* The car is gone and with it the authorisation (StopTxOnEVSideDisconnect is true and read-only here), or
     * the authorisation has ended before a car came: whatever TxStopPoint says, nothing could ever end this
     * transaction later, and the next driver would charge in it. */
    if (!t->plugged && (s->was_plugged || !t->authorised))
        return true;
    if ((stop & (POINT_AUTHORIZED | POINT_POWER_PATH)) && s->was_authorised && !t->authorised)
        return true;
    return (stop & POINT_ENERGY) && s->was_energy && !v->view.energy_flowing;
}

static bool should_start(const struct v201 *v)
{
    const struct transactions *t = &v->tx;
    unsigned p = points(v, "tx_start_point", POINT_POWER_PATH);
    if (v->reset.wanted)
        return false;
    if ((p & POINT_EV_CONNECTED) && t->plugged && (t->fresh_plug || t->authorised))
        return true;
    if ((p & POINT_AUTHORIZED) && t->authorised)
        return true;
    if ((p & POINT_POWER_PATH) && t->plugged && t->authorised)
        return true;
    /* The measurement of the current lags behind the cable: what still flows after unplugging starts nothing.
     */
    return (p & POINT_ENERGY) && t->plugged && t->authorised && v->view.energy_flowing;
}

/* Something has happened: start, end, or tell. `always`: the event itself is to be told in a running
 * transaction. */
static void evaluate(struct v201 *v, enum tx_trigger trigger, enum stop_reason reason, bool always,
                     uint64_t at_us)
{
    struct transactions *t = &v->tx;
    struct durable_state *s = &v->durable;

    bool ready = t->plugged && t->authorised;
    if (ready && !t->ready_us) {
        t->ready_us = at_us ? at_us : 1;
        if (!device_wall(&v->dev, at_us, &t->ready_wall_ms))
            t->ready_wall_ms = 0;
        v->smart.dirty = true;
    }
    if (!s->tx_active) {
        if (should_start(v))
            start(v, trigger, at_us);
        return;
    }
    if (s->ending) {
        if (!v->view.energy_flowing || !t->plugged || at_us >= t->ending_deadline_us)
            finish(v, (enum tx_trigger)s->ending_trigger, (enum stop_reason)s->ending, at_us);
        return;
    }
    s->was_plugged |= t->plugged;
    s->was_authorised |= t->authorised;
    s->was_energy |= v->view.energy_flowing;
    if (should_stop(v)) {
        if (t->stopped_for != STOP_NONE) /* whoever ended the authorisation, whatever ends the transaction */
            reason = (enum stop_reason)t->stopped_for;
        else if (reason == STOP_NONE)
            reason = !t->plugged                 ? STOP_EV_DISCONNECTED
                     : !v->view.energy_requested ? STOP_STOPPED_BY_EV
                                                 : STOP_OTHER;
        begin_end(v, t->remote_unsent ? TRIGGER_REMOTE_START : trigger, reason, at_us);
        return;
    }
    enum charging_state wanted = state_now(v);
    bool changed = false;
    if (wanted == t->state) {
        t->state_since_us = 0;
    } else {
        if (t->state_since_us == 0 || t->state_wanted != wanted) {
            t->state_since_us = at_us ? at_us : 1;
            t->state_wanted = wanted;
        }
        if (at_us - t->state_since_us >= settle_us(v, wanted)) {
            count_charging(v, at_us);
            t->state = wanted;
            t->state_since_us = 0;
            changed = true;
        }
    }
    uint8_t used = phases_used(&v->view);
    if (t->state == CHARGING_CHARGING && used && t->phases_used && used != t->phases_used)
        changed = true;
    if (t->remote_unsent)
        trigger = TRIGGER_REMOTE_START;
    if (!always && !changed && !t->remote_unsent)
        return;
    if (!always && !t->remote_unsent)
        trigger = v->view.faulted && changed ? TRIGGER_ABNORMAL_CONDITION : TRIGGER_CHARGING_STATE_CHANGED;
    tell(v, TX_UPDATED, trigger, STOP_NONE, CONTEXT_OTHER, at_us);
}

/* ---- authorisation ---- */

void transactions_authorised(struct v201 *v, const struct id_token *token, const struct id_token *group,
                             const int32_t *remote_id)
{
    struct transactions *t = &v->tx;
    uint64_t now = device_now(&v->dev);
    if (!v->durable.tx_active && !v->dev.ops->room_for_transaction(v->dev.st)) {
        /* Energy that nobody could be told of after a loss of power is not delivered. */
        device_log(&v->dev, 0, "no room to keep another transaction: none is begun");
        end_session(v);
        return;
    }
    t->authorised = true;
    t->energy_barred = false;
    t->stopped_for = STOP_NONE;
    t->grace_mwh = 0;
    t->token = *token;
    t->group = group ? *group : (struct id_token){0};
    t->authorised_us = now;
    if (remote_id) {
        v->durable.remote_id = *remote_id;
        v->durable.has_remote_id = 1;
        t->remote_unsent = true;
    }
    if (v->durable.tx_active)
        v->durable.token_unsent = 1;
    if (reservation_used(v, &t->reservation_id))
        t->reservation_unsent = true;
    memset(v->durable.stop_token, 0, sizeof v->durable.stop_token);
    v->dev.ops->authorise(v->dev.st, true);
    v->smart.dirty = true;
    evaluate(v, remote_id ? TRIGGER_REMOTE_START : TRIGGER_AUTHORIZED, STOP_NONE, true, now);
}

void transactions_stop(struct v201 *v, enum tx_trigger why, enum stop_reason reason)
{
    struct transactions *t = &v->tx;
    uint64_t now = device_now(&v->dev);
    t->ready_us = 0;
    t->ready_wall_ms = 0;
    if (reason != STOP_DEAUTHORIZED) /* E06.FR.10, F04.FR.02; E05.FR.11: not for whom was refused */
        v->dev.ops->unlock(v->dev.st);
    if (!v->durable.tx_active) {
        end_session(v);
        return;
    }
    if (why == TRIGGER_RESET_COMMAND || why == TRIGGER_EV_CONNECT_TIMEOUT) {
        begin_end(v, why, reason, now);
        return;
    }
    t->authorised = false;
    t->energy_barred = false;
    t->blocked = t->plugged;
    t->stopped_for = (uint8_t)reason;
    v->dev.ops->authorise(v->dev.st, false);
    evaluate(v, why, reason, true, now);
}

void transactions_stop_by(struct v201 *v, const struct id_token *token, enum stop_reason reason)
{
    struct durable_state *s = &v->durable;
    memset(s->stop_token, 0, sizeof s->stop_token);
    if (!id_token_same(token, &v->tx.token)) {
        memcpy(s->stop_token, token->text, sizeof token->text);
        s->stop_token_type = token->type;
    }
    transactions_stop(v, TRIGGER_STOP_AUTHORIZED, reason);
}

static void bar_energy(struct v201 *v)
{
    struct transactions *t = &v->tx;
    t->energy_barred = true; /* E05.FR.02: the transaction stays, energy does not */
    t->grace_mwh = 0;
    v->dev.ops->authorise(v->dev.st, false);
    evaluate(v, TRIGGER_CHARGING_STATE_CHANGED, STOP_DEAUTHORIZED, false, device_now(&v->dev));
}

/* What MaxEnergyOnInvalidId allows is counted from the beginning of the transaction (E05.FR.02, FR.03). */
static bool grace_over(const struct v201 *v)
{
    return v->tx.grace_mwh && (int64_t)v->view.meter.import_total_mwh >= v->tx.grace_mwh;
}

void transactions_token_refused(struct v201 *v, const char *tx)
{
    struct transactions *t = &v->tx;
    if (!v->durable.tx_active || v->durable.ending || strcmp(tx, v->durable.tx) != 0 || !t->authorised)
        return;
    device_log(&v->dev, 1, "the server does not accept the token of transaction %s", tx);
    if (device_bool(&v->dev, "stop_tx_on_invalid_id", true)) {
        transactions_stop(v, TRIGGER_DEAUTHORIZED, STOP_DEAUTHORIZED); /* E05.FR.09, FR.10 */
        return;
    }
    int64_t most_wh = device_int(&v->dev, "max_energy_on_invalid_id", 0);
    t->grace_mwh = most_wh ? (int64_t)v->durable.begin.import_mwh + most_wh * 1000 : 0;
    if (t->grace_mwh == 0 || grace_over(v))
        bar_energy(v);
}

/* ---- what happens at the station ---- */

static void free_charging(struct v201 *v)
{
    struct transactions *t = &v->tx;
    if (t->authorised || t->blocked || !t->plugged || v->durable.ending || v->durable.inoperative ||
        reservation_held(v) || !device_bool(&v->dev, "free_charging", false))
        return;
    const struct id_token nobody = {.text = "", .type = ID_TOKEN_NO_AUTHORIZATION};
    transactions_authorised(v, &nobody, NULL, NULL);
}

static void plugged(struct v201 *v, uint64_t at_us)
{
    struct transactions *t = &v->tx;
    if (t->plugged)
        return;
    t->plugged = true;
    t->fresh_plug = true;
    t->blocked = false;
    evaluate(v, TRIGGER_CABLE_PLUGGED_IN, STOP_NONE, true, at_us);
    free_charging(v);
}

static void unplugged(struct v201 *v, uint64_t at_us)
{
    struct transactions *t = &v->tx;
    if (!t->plugged)
        return;
    t->plugged = false;
    t->blocked = false;
    t->fresh_plug = false;
    t->ready_us = 0;
    t->ready_wall_ms = 0;
    if (!v->durable.tx_active) {
        if (t->authorised)
            end_session(v); /* E09.FR.01: reconnecting needs authorisation anew */
        return;
    }
    evaluate(v, TRIGGER_EV_COMMUNICATION_LOST, STOP_EV_DISCONNECTED, true, at_us);
}

void transactions_event(struct v201 *v, const struct ocpp_event *ev)
{
    struct transactions *t = &v->tx;
    if (!t->recovered) /* the first step looks at the whole view and decides what a restart left */
        return;
    switch (ev->type) {
    case OCPP_EV_PLUGGED:
        plugged(v, ev->at_us);
        return;
    case OCPP_EV_UNPLUGGED:
        unplugged(v, ev->at_us);
        return;
    case OCPP_EV_CHARGING:
    case OCPP_EV_CONTACTOR:
    case OCPP_EV_FAULT:
        evaluate(v, TRIGGER_CHARGING_STATE_CHANGED, STOP_NONE, false, ev->at_us);
        return;
    case OCPP_EV_STOP_BUTTON:
        if (t->authorised)
            transactions_stop(v, TRIGGER_STOP_AUTHORIZED, STOP_LOCAL);
        return;
    case OCPP_EV_LIMIT: {
        evaluate(v, TRIGGER_CHARGING_STATE_CHANGED, STOP_NONE, false, ev->at_us);
        if (!v->durable.tx_active || v->durable.ending)
            return;
        /* A limit that the server itself set is no news to it (SC.02); one that rules instead is. */
        int32_t now_ma = v->view.offered_ma, was = t->told_limit_ma;
        int64_t delta = (int64_t)now_ma - was;
        if (delta < 0)
            delta = -delta;
        if (delta * 100 < (int64_t)was * LIMIT_SIGNIFICANT_PERCENT || delta == 0)
            return;
        t->told_limit_ma = now_ma;
        if (v->view.offered_by && strcmp(v->view.offered_by, "server") != 0 && v->durable.was_energy &&
            !v->view.limited_to_zero)
            tell(v, TX_UPDATED, TRIGGER_CHARGING_RATE_CHANGED, STOP_NONE, CONTEXT_OTHER, ev->at_us);
        return;
    }
    case OCPP_EV_PILOT:
    case OCPP_EV_CABLE:
    case OCPP_EV_AVAILABLE:
    case OCPP_EV_TOKEN:
    case OCPP_EV_LOCK:
    case OCPP_EV_FIRMWARE:
    case OCPP_EV_LOG_UPLOAD:
        return;
    }
}

/* ---- restart in mid-transaction ---- */

/*
 * OCPP 2.0.1 has no word for a transaction that goes on after a restart, and nobody can tell whether the car
 * at the cable is still the same one. So a transaction that a restart interrupted is ended, with the newest
 * register value and the reason; a car that is still plugged in is a new session, authorised anew (at once
 * with free charging, or by a server that starts what it sees plugged in).
 */
static void recover(struct v201 *v, uint64_t now)
{
    struct transactions *t = &v->tx;
    struct durable_state *s = &v->durable;
    t->recovered = true;
    t->plugged = v->view.plugged;
    if (s->tx_active) {
        if (t->end_kept) {
            s->tx_active = 0;
            s->ending = STOP_NONE;
            save(v);
            profiles_tx_ended(v);
        } else {
            enum tx_trigger trigger = (enum tx_trigger)s->ending_trigger;
            enum stop_reason reason = (enum stop_reason)s->ending;
            if (!s->ending) {
                const char *why = v->dev.ops->identity(v->dev.st, "reset_reason");
                bool power = !why || !strcmp(why, "PowerUp");
                reason = v->restarted == RESTART_REMOTE ? STOP_IMMEDIATE_RESET
                         : power                        ? STOP_POWER_LOSS
                                                        : STOP_REBOOT;
                trigger = v->restarted == RESTART_REMOTE ? TRIGGER_RESET_COMMAND : TRIGGER_ABNORMAL_CONDITION;
            }
            finish(v, trigger, reason, now);
        }
    }
    availability_tx_ended(v); /* also when the end was told before the restart */
    t->blocked = false;
    if (t->plugged) {
        t->fresh_plug = true;
        evaluate(v, TRIGGER_CABLE_PLUGGED_IN, STOP_NONE, true, now);
        free_charging(v);
    }
}

void transactions_init(struct v201 *v)
{
    struct transactions *t = &v->tx;
    memset(t, 0, sizeof *t);
    t->recover_deadline_us = device_now(&v->dev) + RECOVER_US;
    /* An event may have been kept and the power gone before the state that counts it. Looked for now, because
     * the queue begins to empty before recover() knows whether a car is plugged in. */
    struct durable_state *s = &v->durable;
    uint32_t seq = 0;
    if (s->tx_active) {
        if (!tx_queue_last_seq(&v->dev, s->tx, &seq, &t->end_kept))
            s->tx_active = s->seq > 0; /* 0: its Started was never kept, so nobody has been told of it */
        else if (seq >= s->seq)
            s->seq = seq + 1;
    }
    /* Begun in an earlier start-up whose clock never became known: all that can be said is before this one.
     */
    if (!s->begin.unix_ms)
        s->begin.at_us = 0;
    memcpy(t->token.text, v->durable.token, sizeof t->token.text);
    t->token.type = v->durable.token_type;
}

/* ---- time ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t periodic(struct v201 *v, uint64_t now)
{
    struct transactions *t = &v->tx;
    uint64_t next = UINT64_MAX;
    int32_t interval = device_int(&v->dev, "tx_updated_interval", 60);
    if (interval > 0) {
        uint64_t step = (uint64_t)interval * 1000000;
        if (t->updated_due_us == 0 || t->updated_due_us > now + step)
            t->updated_due_us = now + step;
        if (now >= t->updated_due_us) {
            t->updated_due_us += step * (1 + (now - t->updated_due_us) / step);
            tell(v, TX_UPDATED, TRIGGER_METER_VALUE_PERIODIC, STOP_NONE, CONTEXT_PERIODIC, now);
        }
        next = t->updated_due_us;
    } else {
        t->updated_due_us = 0;
    }
    return next;
}

/* The pilot is known once the station has left its self-test. */
static bool view_settled(const struct v201 *v)
{
    return v->view.pilot != '?' && v->view.pilot != 0 && v->view.state &&
           strcmp(v->view.state, "SelfTest") != 0;
}

uint64_t transactions_step(struct v201 *v, uint64_t now)
{
    struct transactions *t = &v->tx;
    if (!t->recovered) {
        if (v->durable.tx_active && !view_settled(v) && now < t->recover_deadline_us)
            return now + 100000;
        recover(v, now);
    }
    /* The view rules: an event that was lost is made up for here. */
    if (v->view.plugged != t->plugged) {
        if (v->view.plugged)
            plugged(v, now);
        else
            unplugged(v, now);
    }
    free_charging(v);
    uint64_t next = UINT64_MAX;
    if (v->durable.tx_active) {
        if (v->durable.ending || t->state_since_us || state_now(v) != t->state) {
            evaluate(v, TRIGGER_CHARGING_STATE_CHANGED, STOP_NONE, false, now);
            next = now + 200000;
        }
        if (t->grace_mwh && !v->durable.ending) {
            if (grace_over(v))
                bar_energy(v);
            else
                next = sooner(next, now + GRACE_LOOK_US);
        }
        if (t->trigger_asked && v->durable.tx_active && !v->durable.ending)
            tell(v, TX_UPDATED, TRIGGER_TRIGGER, STOP_NONE, CONTEXT_TRIGGER, now);
        t->trigger_asked = false;
        if (v->durable.tx_active && !v->durable.ending)
            next = sooner(sooner(next, periodic(v, now)), tx_samples_step(v, now));
    } else {
        t->trigger_asked = false;
        if (should_start(v))
            evaluate(v, TRIGGER_CHARGING_STATE_CHANGED, STOP_NONE, false, now);
    }
    /* E03.FR.05, F02.FR.07 */
    int32_t timeout = device_int(&v->dev, "ev_connection_timeout", 120);
    if (t->authorised && !t->plugged && timeout > 0) {
        uint64_t due = t->authorised_us + (uint64_t)timeout * 1000000;
        if (now >= due) {
            device_log(&v->dev, 2, "no car was plugged in after the authorisation");
            transactions_stop(v, TRIGGER_EV_CONNECT_TIMEOUT, STOP_TIMEOUT);
        } else {
            next = sooner(next, due);
        }
    }
    return next;
}

/* ---- messages ---- */

bool transaction_event_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    if (asked_only)
        return false;
    const struct tx_record *r = tx_queue_next(&v->queue, &v->dev);
    if (!r)
        return false;
    tx_record_write(payload, r, v);
    return true;
}

void transaction_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    char tx[40];
    struct id_token token = {.type = v->queue.current.token_type}, group = {0};
    bool had_token = v->queue.have_current && v->queue.current.has_token;
    memcpy(tx, v->queue.current.tx, sizeof tx);
    memcpy(token.text, v->queue.current.token, ID_TOKEN_MAX);
    tx_queue_outcome(&v->queue, &v->dev, how);
    const cJSON *info = how == RPC_RESULT ? json_object(payload, "idTokenInfo") : NULL;
    const char *status = json_text(info, "status", 20);
    if (!status || !had_token)
        return;
    auth_cache_learn(v, &token, info); /* C10.FR.05 */
    id_token_read(info, "groupIdToken", &group);
    /* C16.FR.03: a master pass begins nothing, also when the server says so only now. */
    bool ours = v->durable.tx_active && !strcmp(tx, v->durable.tx) && id_token_same(&token, &v->tx.token);
    if (!ours) /* a token that has been replaced since, or only stopped somebody's, is no longer at stake */
        return;
    if (strcmp(status, "Accepted") != 0 || authorization_master_pass(v, &group))
        transactions_token_refused(v, tx);
    else if (group.text[0])
        v->tx.group = group;
}

void get_transaction_status(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const char *tx = json_text(request, "transactionId", 36);
    if (tx)
        json_add_bool(answer->payload, "ongoingIndicator",
                      v->durable.tx_active && !strcmp(tx, v->durable.tx));
    json_add_bool(answer->payload, "messagesInQueue", tx_queue_has(&v->queue, &v->dev, tx));
}
