#include "station/ops.h"

#include <stdio.h>
#include <string.h>

#include "net/ws_url.h"
#include "station/logbook.h"
#include "station/settings_map.h"

/* A press of the user's button from this long on means "stop charging"; a shorter one only wakes the panel.
 */
enum { STOP_PRESS_MS = 2000 };

void station_mark_registers(struct station *s)
{
    const struct durable_registers r = {.meter = s->status.meter,
                                        .contactor_cycles = s->status.contactor_cycles};
    durable_mark(&s->durable, &r, s->port->now_us(s->port->ctx), true);
}

/* ---- view ---- */

static void view_meter(const struct meter_reading *from, struct ocpp_meter *out)
{
    out->valid = from->valid;
    out->phases = from->phases;
    for (size_t p = 0; p < 3; p++) {
        out->v_mv[p] = from->v_mv[p];
        out->i_ma[p] = from->i_ma[p];
        out->p_mw[p] = from->p_mw[p];
        out->pf_permille[p] = from->pf_permille[p];
        out->import_mwh[p] = from->import_uwh[p] / 1000;
    }
    out->p_total_mw = from->p_total_mw;
    out->freq_mhz = from->freq_mhz;
    out->import_total_mwh = from->import_total_uwh / 1000;
}

void station_view(const struct station *s, struct ocpp_view *out)
{
    const struct control_status *c = &s->status;
    *out = (struct ocpp_view){
        .plugged = s->plugged,
        .cable = c->cable_ma != 0,
        .energy_requested = c->pilot == 'C' || c->pilot == 'D',
        .energy_flowing = c->contactor_closed,
        .authorised = c->authorised,
        .available = c->available,
        .limited_to_zero = c->authorised && s->plugged && c->offered_ma == 0,
        .faulted = c->fault != FAULT_NONE,
        .locked = c->locked,
        .fault = c->fault == FAULT_NONE ? "" : fault_name(c->fault),
        .state = evse_state_name(c->state),
        .pilot = c->pilot,
        .pilot_mv = c->cp_high_mv,
        .duty_bp = c->duty_bp,
        .cable_ma = c->cable_ma,
        .offered_ma = c->offered_ma,
        .offered_by = limit_slot_name(c->offered_by),
        .installed_ma = c->limit[LIMIT_INSTALLATION].ma,
        .phases = s->control.cfg.phases, /* as it runs, not as set for the next start; constant after init */
        .contactor_cycles = c->contactor_cycles,
        .records_dropped = s->durable.journal.dropped_total,
        .contactor_open_us = c->contactor_open_us,
        .contactor_slow = c->contactor_drift,
        .temperature_mc = c->temperature_mc,
        .temperature_valid = c->temperature_valid,
    };
    memcpy(out->phases_used, c->phases_used, sizeof out->phases_used);
    firmware_glue_view(s, out);
    view_meter(&c->meter, &out->meter);
    if (s->port->health) {
        struct port_health h;
        s->port->health(s->port->ctx, &h);
        out->health.valid = true;
        out->health.control_stack = h.control_stack;
        out->health.comms_stack = h.comms_stack;
        out->health.heap_min = h.heap_min;
        out->health.heap_block = h.heap_block;
    }
}

/* ---- events up ---- */

static void tell(struct station *s, enum ocpp_event_type type, uint64_t at_us, bool on, const char *text,
                 const char *old)
{
    struct ocpp_event ev = {.type = type, .at_us = at_us, .on = on, .text = text, .old = old};
    station_view(s, &ev.view);
    ev.view.pilot = s->pilot;
    ocpp_event(s->ocpp, &ev);
}

/* A car is there in B, C and D and gone in A; E and F (short, or taken out of service by ourselves) say
 * nothing. */
static void pilot_changed(struct station *s, char from, char to, uint64_t at_us)
{
    const char text[2] = {to, '\0'}, old[2] = {from, '\0'};
    s->pilot = to;
    bool was = s->plugged;
    if (to == 'A')
        s->plugged = false;
    else if (to == 'B' || to == 'C' || to == 'D')
        s->plugged = true;
    tell(s, OCPP_EV_PILOT, at_us, false, text, old);
    if (s->plugged != was)
        tell(s, s->plugged ? OCPP_EV_PLUGGED : OCPP_EV_UNPLUGGED, at_us, s->plugged, NULL, NULL);
    tell(s, OCPP_EV_CHARGING, at_us, false, NULL, NULL);
}

/* Opened because the car or its plug went: as it should be. */
enum { ORDINARY_TRIPS = GUARD_TRIP_LEFT_C | GUARD_TRIP_UNPLUGGED };

static int32_t largest_current_ma(const struct control_status *c)
{
    int32_t most = c->meter.i_ma[0];
    for (int p = 1; p < 3; p++)
        if (c->meter.i_ma[p] > most)
            most = c->meter.i_ma[p];
    return most;
}

static void log_control_event(struct station *s, const struct control_event *ev)
{
    struct log *l = &s->log;
    uint64_t at = ev->at_us;
    switch ((enum control_event_type)ev->type) {
    case CONTROL_EV_PILOT:
        log_pilot(l, at, ev->a, ev->b, ev->c);
        break;
    case CONTROL_EV_STATE:
        log_state(l, at, ev->a, ev->b);
        break;
    case CONTROL_EV_CABLE:
        log_cable(l, at, ev->a);
        break;
    case CONTROL_EV_CONTACTOR:
        if (ev->b < 0) /* no auxiliary contact to time it by */
            log_contactor_untimed(l, at, ev->a);
        else
            log_contactor(l, at, ev->a, ev->b);
        break;
    case CONTROL_EV_FAULT:
        if (ev->b)
            log_fault_raised(l, at, ev->a, ev->c);
        else
            log_fault_cleared(l, at, ev->a);
        break;
    case CONTROL_EV_LIMIT:
        log_limit(l, at, ev->a, ev->b);
        break;
    case CONTROL_EV_LOCK:
        if (!ev->b)
            log_lock_failed(l, at);
        else if (ev->a)
            log_locked(l, at);
        else
            log_unlocked(l, at);
        break;
    case CONTROL_EV_BUTTON:
        log_button(l, at, ev->a);
        break;
    case CONTROL_EV_TRIP:
        if (ev->a & ~ORDINARY_TRIPS)
            log_guard_trip(l, at, ev->a, ev->b, ev->c, largest_current_ma(&s->status));
        else
            log_guard_opened(l, at, ev->a, ev->b, ev->c, largest_current_ma(&s->status));
        break;
    case CONTROL_EV_TYPES:
        break;
    }
}

void station_tell(struct station *s, const struct control_event *ev)
{
    log_control_event(s, ev);
    switch ((enum control_event_type)ev->type) {
    case CONTROL_EV_PILOT:
        pilot_changed(s, (char)ev->a, (char)ev->b, ev->at_us);
        break;
    case CONTROL_EV_STATE:
        tell(s, OCPP_EV_CHARGING, ev->at_us, false, NULL, NULL);
        if ((ev->a == EVSE_UNAVAILABLE) != (ev->b == EVSE_UNAVAILABLE))
            tell(s, OCPP_EV_AVAILABLE, ev->at_us, ev->b != EVSE_UNAVAILABLE, NULL, NULL);
        break;
    case CONTROL_EV_CABLE:
        tell(s, OCPP_EV_CABLE, ev->at_us, ev->a > 0, NULL, NULL);
        break;
    case CONTROL_EV_CONTACTOR:
        tell(s, OCPP_EV_CONTACTOR, ev->at_us, ev->a != 0, NULL, NULL);
        break;
    case CONTROL_EV_FAULT:
        tell(s, OCPP_EV_FAULT, ev->at_us, ev->b != 0, fault_name((enum fault)ev->a), NULL);
        break;
    case CONTROL_EV_LIMIT:
        tell(s, OCPP_EV_LIMIT, ev->at_us, false, NULL, NULL);
        break;
    case CONTROL_EV_LOCK:
        tell(s, OCPP_EV_LOCK, ev->at_us, ev->a != 0, ev->b ? NULL : "failed", NULL);
        break;
    case CONTROL_EV_BUTTON:
        s->button = (struct station_button){
            .presses = s->button.presses + 1, .pressed_ms = (uint32_t)ev->a, .at_us = ev->at_us};
        if (ev->a >= STOP_PRESS_MS)
            tell(s, OCPP_EV_STOP_BUTTON, ev->at_us, true, NULL, NULL);
        break;
    case CONTROL_EV_TRIP: /* the faults and the contactor tell what follows from it */
    case CONTROL_EV_TYPES:
        break;
    }
}

void station_tell_upload(struct station *s, enum ocpp_upload what)
{
    struct ocpp_event ev = {
        .type = OCPP_EV_LOG_UPLOAD, .at_us = s->port->now_us(s->port->ctx), .upload = what};
    station_view(s, &ev.view);
    ev.view.pilot = s->pilot;
    ocpp_event(s->ocpp, &ev);
}

void station_tell_changes(struct station *s)
{
    uint64_t now = s->port->now_us(s->port->ctx);
    if (s->status.pilot != s->pilot)
        pilot_changed(s, s->pilot, s->status.pilot, now);
    else
        tell(s, OCPP_EV_CHARGING, now, false, NULL, NULL);
    tell(s, OCPP_EV_CONTACTOR, now, s->status.contactor_closed, NULL, NULL);
    tell(s, OCPP_EV_LIMIT, now, false, NULL, NULL);
    if (s->status.fault != FAULT_NONE)
        tell(s, OCPP_EV_FAULT, now, true, fault_name(s->status.fault), NULL);
}

/* ---- operations ---- */

static struct station *self(void *st)
{
    return st;
}

static uint64_t op_now_us(void *st)
{
    return self(st)->port->now_us(self(st)->port->ctx);
}

static bool op_wall_ms(void *st, uint64_t at_us, int64_t *unix_ms)
{
    return wallclock_at(&self(st)->clock, at_us, unix_ms);
}

static void op_set_wall_ms(void *st, int64_t unix_ms)
{
    wallclock_set(&self(st)->clock, unix_ms, op_now_us(st));
}

static uint32_t op_random(void *st)
{
    return self(st)->port->random(self(st)->port->ctx);
}

static bool op_send(void *st, const char *text, size_t len)
{
    return link_send(&self(st)->link, text, len);
}

static void op_hang_up(void *st, const char *why)
{
    link_drop(&self(st)->link, why);
}

static void op_view(void *st, struct ocpp_view *out)
{
    station_view(self(st), out);
    out->pilot = self(st)->pilot;
}

static void want(struct station *s, enum control_cmd_type type, int32_t a)
{
    const struct control_cmd cmd = {.type = (uint8_t)type, .a = a};
    wishes_want(&s->wishes, &cmd);
}

static void op_authorise(void *st, bool allowed)
{
    want(self(st), CONTROL_AUTHORISE, allowed);
}

static int32_t or_no_limit(int32_t ma)
{
    return ma < 0 || ma > LIMIT_NONE_MA ? LIMIT_NONE_MA : ma;
}

static void op_set_limit(void *st, int32_t ma, int64_t lease_ms, int32_t fallback_ma)
{
    /* A lease beyond what fits is 24 days: OCPP renews its view of the schedule long before. */
    const struct control_cmd cmd = {
        .type = CONTROL_LIMIT,
        .slot = LIMIT_SERVER,
        .a = or_no_limit(ma),
        .b = lease_ms > INT32_MAX ? INT32_MAX : (int32_t)(lease_ms < 0 ? 0 : lease_ms),
        .c = or_no_limit(fallback_ma),
    };
    wishes_want(&self(st)->wishes, &cmd);
}

static void op_set_available(void *st, bool in_service)
{
    self(st)->firmware_glue.server_available = in_service;
    want(self(st), CONTROL_AVAILABLE, in_service && !self(st)->firmware_glue.closed);
}

static bool op_unlock(void *st)
{
    if (!self(st)->control.cfg.lock_fitted)
        return false;
    want(self(st), CONTROL_UNLOCK, 0);
    return true;
}

static void op_hold_contactor_open(void *st, bool hold)
{
    want(self(st), CONTROL_CONTACTOR, !hold);
}

static bool op_reset(void *st, enum ocpp_reset when)
{
    struct station *s = self(st);
    s->restart = (struct station_restart){
        .wanted = true, .when_idle = when == OCPP_RESET_WHEN_IDLE, .asked_us = op_now_us(st)};
    return true;
}

static int op_setting_get(void *st, const char *name, char *buf, size_t cap)
{
    enum setting_id id;
    if (!settings_find(name, &id))
        return -1;
    return (int)settings_format(&self(st)->settings, id, buf, cap);
}

static enum ocpp_set_result op_setting_set(void *st, const char *name, const char *value)
{
    struct station *s = self(st);
    enum setting_id id;
    char why[120] = "";
    if (!settings_find(name, &id))
        return OCPP_SET_UNKNOWN;
    enum settings_result r = settings_set(&s->settings, id, value, why, sizeof why);
    switch (r) {
    case SETTINGS_OK:
    case SETTINGS_OK_REBOOT:
        station_settings_changed(s, id);
        return r == SETTINGS_OK ? OCPP_SET_OK : OCPP_SET_REBOOT;
    case SETTINGS_UNKNOWN:
        return OCPP_SET_UNKNOWN;
    case SETTINGS_READ_ONLY:
        return OCPP_SET_READ_ONLY;
    case SETTINGS_RANGE:
    case SETTINGS_IO:
        station_log(s, LOG_WARNING, "settings: %s refused: %s", name, why);
        return OCPP_SET_REJECTED;
    }
    return OCPP_SET_REJECTED;
}

static bool op_setting_at(void *st, size_t index, const char **name, const char **unit, bool *read_only,
                          bool *secret)
{
    (void)st;
    if (index >= SETTING_COUNT)
        return false;
    const struct setting_info *info = settings_info((enum setting_id)index);
    *name = info->name;
    *unit = info->unit;
    *read_only = (info->flags & SETTING_READ_ONLY) != 0;
    *secret = (info->flags & SETTING_SECRET) != 0;
    return true;
}

static bool op_setting_traits(void *st, const char *name, struct ocpp_setting_traits *out)
{
    enum setting_id id;
    (void)st;
    if (!settings_find(name, &id))
        return false;
    const struct setting_info *info = settings_info(id);
    *out = (struct ocpp_setting_traits){.type = info->type == SETTING_INT    ? OCPP_SETTING_NUMBER
                                                : info->type == SETTING_BOOL ? OCPP_SETTING_FLAG
                                                                             : OCPP_SETTING_TEXT,
                                        .min = info->min,
                                        .max = info->max};
    return true;
}

static bool op_network_get(void *st, int slot, struct ocpp_network *out)
{
    return networks_get(&self(st)->networks, slot, out);
}

static enum ocpp_network_result op_network_set(void *st, int slot, const struct ocpp_network *network)
{
    struct station *s = self(st);
    char url[STATION_URL_MAX];
    struct ws_url parts;
    if (slot < 1 || slot > OCPP_NETWORKS)
        return OCPP_NETWORK_BAD_SLOT;
    settings_map_url(&s->settings, network->url, url, sizeof url);
    if (!ws_url_parse(url, &parts))
        return OCPP_NETWORK_BAD_URL;
    if (!networks_set(&s->networks, slot, network))
        return OCPP_NETWORK_NOT_KEPT;
    station_log(s, 2, "network %d is now %s", slot, network->url);
    return OCPP_NETWORK_OK;
}

static int op_network_active(void *st)
{
    return networks_active(&self(st)->networks);
}

static const char *reset_reason_name(enum port_reset_reason r)
{
    switch (r) {
    case PORT_RESET_POWER_ON:
        return "PowerUp";
    case PORT_RESET_SOFTWARE:
        return "LocalReset";
    case PORT_RESET_WATCHDOG:
        return "Watchdog";
    case PORT_RESET_PANIC:
        return "ApplicationReset"; /* "rebooted due to an application error", BootReasonEnumType */
    case PORT_RESET_BROWNOUT:
        return "PowerUp";
    }
    return "Unknown";
}

static const char *op_identity(void *st, const char *what)
{
    const struct station *s = self(st);
    if (!strcmp(what, "model"))
        return s->model;
    if (!strcmp(what, "vendor"))
        return "HORIZOP Energy";
    if (!strcmp(what, "serial"))
        return s->serial;
    if (!strcmp(what, "firmware"))
        return s->firmware;
    if (!strcmp(what, "reset_reason"))
        return s->firmware_glue.update.by_update ? "FirmwareUpdate"
                                                 : reset_reason_name(s->port->reset_reason);
    return "";
}

static bool op_keep(void *st, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id)
{
    struct station *s = self(st);
    /* The registers first: what a transaction event has told must not be taken back after a power cut. */
    if (kind == OCPP_KEEP_TX_EVENT || kind == OCPP_KEEP_TX_UPDATE || kind == OCPP_KEEP_TX_ENDED)
        station_mark_registers(s);
    return durable_keep(&s->durable, kind, rec, len, id);
}

static bool op_peek(void *st, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap, size_t *len,
                    uint32_t *id)
{
    return durable_peek(&self(st)->durable, kind, after, buf, cap, len, id);
}

static void op_forget(void *st, enum ocpp_keep_kind kind, uint32_t id)
{
    (void)kind;
    if (!durable_forget(&self(st)->durable, id))
        log_record_stuck(&self(st)->log, op_now_us(st), (int32_t)id);
}

static bool op_room_for_transaction(void *st)
{
    return durable_room_for_transaction(&self(st)->durable);
}

static void op_log(void *st, int level, const char *text)
{
    station_log(self(st), level, "%s", text);
}

/* ---- the log ---- */

static bool op_log_unsent(void *st, struct ocpp_log_place *at, struct ocpp_log_line *out)
{
    struct station *s = st;
    struct log_place place = {.serial = at->at[0], .offset = at->at[1]};
    struct log_entry e;
    bool first = !place.serial && !place.offset;
    if (!log_unsent(&s->log, &place, &e)) {
        if (first) /* what it need not have need not be looked through again */
            log_sent(&s->log, &place);
        return false;
    }
    *at = (struct ocpp_log_place){.at = {place.serial, place.offset}};
    *out = (struct ocpp_log_line){
        .boot = e.before ? s->log.before.boot : s->log.boot,
        .n = e.n,
        .up_ms = e.at_us / 1000,
        .level = log_level_name(e.level),
        .module = log_module_name(e.module),
    };
    out->wall_known = log_wall_ms(&s->log, &e, s->clock.known, s->clock.offset_ms, &out->unix_ms);
    (void)log_sentence(&e, out->text, sizeof out->text);
    return true;
}

static void op_log_sent(void *st, const struct ocpp_log_place *at)
{
    const struct log_place place = {.serial = at->at[0], .offset = at->at[1]};
    log_sent(&self(st)->log, &place);
}

static uint32_t op_log_lost(void *st)
{
    return self(st)->log.lost;
}

static bool op_log_upload(void *st, const struct ocpp_log_request *request, char *name, size_t cap)
{
    struct station *s = st;
    if (!log_upload_start(s, request))
        return false;
    (void)snprintf(name, cap, "%s", s->upload.name);
    s->port->wake_comms(s->port->ctx);
    return true;
}

static void op_log_security(void *st, uint64_t at_us, const char *event)
{
    struct station *s = st;
    log_security(&s->log, at_us, event);
    security_log_add(&s->security, at_us, event);
}

const struct ocpp_station_ops station_ocpp_ops = {
    .now_us = op_now_us,
    .wall_ms = op_wall_ms,
    .set_wall_ms = op_set_wall_ms,
    .random = op_random,
    .send = op_send,
    .hang_up = op_hang_up,
    .view = op_view,
    .authorise = op_authorise,
    .set_limit = op_set_limit,
    .set_available = op_set_available,
    .unlock = op_unlock,
    .hold_contactor_open = op_hold_contactor_open,
    .reset = op_reset,
    .setting_get = op_setting_get,
    .setting_set = op_setting_set,
    .setting_at = op_setting_at,
    .setting_traits = op_setting_traits,
    .network_get = op_network_get,
    .network_set = op_network_set,
    .network_active = op_network_active,
    .identity = op_identity,
    .keep = op_keep,
    .peek = op_peek,
    .forget = op_forget,
    .update_firmware = firmware_glue_ask,
    .firmware_report = firmware_glue_report,
    .firmware_reported = firmware_glue_reported,
    .room_for_transaction = op_room_for_transaction,
    .log = op_log,
    .log_unsent = op_log_unsent,
    .log_sent = op_log_sent,
    .log_lost = op_log_lost,
    .log_upload = op_log_upload,
    .log_security = op_log_security,
};
