#include "station/panel_view.h"

#include <string.h>

#include "panel/text.h"

enum {
    /* From PWM on, a car asks within seconds; slow ones take up to 20 s (see EVSE_WAKE_AFTER_MS). Until then
     * it is not "waiting for the car", which would look like a fault of somebody's. */
    PREPARING_US = 20000000,
    /* A limit of the server that ends sooner is a lease that is about to be renewed, not an appointment. */
    APPOINTMENT_S = 600,
    LEAST_CURRENT_MA = 6000, /* IEC 61851-1 Table A.7: less can't be offered */
    PHASE_THERE_MV = 100000,
    STEP_MV = 10000,
};

/* ---- which screen ---- */

static enum panel_screen screen_of(const struct visit *visit, const struct control_status *c, bool setup,
                                   uint64_t now_us)
{
    switch (c->state) {
    case EVSE_SELF_TEST:
        return PANEL_BOOT;
    case EVSE_UNAVAILABLE:
        return PANEL_CLOSED;
    case EVSE_IDLE:
        return setup ? PANEL_SETUP : PANEL_READY;
    case EVSE_CONNECTED:
        return c->authorised ? PANEL_PREPARING : PANEL_AUTHORISE;
    case EVSE_OFFERING:
        return !visit->charged && now_us - visit->state_us < PREPARING_US ? PANEL_PREPARING : PANEL_WAITING;
    case EVSE_WAITING:
        return PANEL_WAITING;
    case EVSE_WAKING:
    case EVSE_CLOSING:
        return PANEL_PREPARING;
    case EVSE_CHARGING:
        return PANEL_CHARGING;
    case EVSE_STOPPING:
        return PANEL_STOPPING;
    case EVSE_FAULT:
    case EVSE_STATES:
        break;
    }
    return PANEL_FAULT;
}

static enum panel_wait wait_of(const struct control_status *c)
{
    if (c->state == EVSE_OFFERING)
        return PANEL_WAIT_CAR;
    if (c->supply_waiting)
        return PANEL_WAIT_SUPPLY;
    switch (c->offered_by) {
    case LIMIT_TEMPERATURE:
        return PANEL_WAIT_HEAT;
    case LIMIT_SUPPLY:
        return PANEL_WAIT_SUPPLY;
    case LIMIT_PHASE_LOSS:
        return PANEL_WAIT_PHASE;
    case LIMIT_USER:
        return PANEL_WAIT_USER;
    case LIMIT_INSTALLATION:
    case LIMIT_CABLE:
    case LIMIT_SERVER:
    case LIMIT_SLOTS:
        break;
    }
    return PANEL_WAIT_SERVER;
}

/* In how many seconds the server lets the car go on; 0: not known. */
static uint32_t until_server(const struct control_status *c, uint64_t now_us)
{
    const struct limit *l = &c->limit[LIMIT_SERVER];
    if (l->ma >= LEAST_CURRENT_MA || l->fallback_ma < LEAST_CURRENT_MA || l->expires_us <= now_us)
        return 0;
    uint64_t s = (l->expires_us - now_us) / 1000000;
    return s < APPOINTMENT_S || s > UINT32_MAX ? 0 : (uint32_t)s;
}

/* ---- what is on it ---- */

/* What a car would be offered: the limits as they are, without the one of a cable that is not there yet, and
 * without that of a server which grants nothing before there is a car. */
static void offer_to_come(const struct control_status *c, uint64_t now_us, struct panel_view *out)
{
    struct limits l;
    memcpy(l.slot, c->limit, sizeof l.slot);
    if (c->cable_ma <= 0)
        l.slot[LIMIT_CABLE].ma = LIMIT_NONE_MA;
    if (l.slot[LIMIT_SERVER].ma < LEAST_CURRENT_MA)
        l.slot[LIMIT_SERVER] = (struct limit){.ma = LIMIT_NONE_MA};
    out->offered_ma = limits_offered_ma(&l, now_us, &out->offered_by);
}

/* In steps of 10 V: what is promised must not flicker with the mains. */
static int32_t supply_mv(const struct meter_reading *m)
{
    int64_t sum = 0, count = 0;
    for (int i = 0; m->valid && i < 3; i++)
        if (m->v_mv[i] > PHASE_THERE_MV) {
            sum += m->v_mv[i];
            count++;
        }
    return count ? (int32_t)((sum / count + STEP_MV / 2) / STEP_MV * STEP_MV) : 0;
}

static void copy(char *out, size_t cap, const char *from)
{
    text_copy(out, cap, from ? from : "");
}

static void information(const struct panel_view_in *in, struct panel_view *out)
{
    const struct control_status *c = in->control;
    const struct panel_machine *m = in->machine;
    copy(out->info.link, sizeof out->info.link, m->link);
    copy(out->info.address, sizeof out->info.address, m->address);
    copy(out->info.server, sizeof out->info.server, in->link->server);
    out->info.signal_dbm = m->signal_dbm;
    out->info.online = in->link->online;
    out->info.registered = in->link->registered;
    out->info.queued = in->link->queued;
    out->info.reconnects = in->link->reconnects;
    copy(out->info.firmware, sizeof out->info.firmware, in->identity->firmware);
    copy(out->info.model, sizeof out->info.model, in->identity->model);
    copy(out->info.serial, sizeof out->info.serial, in->identity->serial);
    out->info.uptime_s = (uint32_t)(in->now_us / 1000000);
    out->info.cycles = c->contactor_cycles;
    out->info.temperature_known = c->temperature_valid;
    out->info.temperature_mc = c->temperature_mc;
    out->info.meter_valid = c->meter.valid;
    memcpy(out->info.v_mv, c->meter.v_mv, sizeof out->info.v_mv);
    memcpy(out->info.p_mw, c->meter.p_mw, sizeof out->info.p_mw);
    out->info.freq_mhz = c->meter.freq_mhz;
    out->info.total_wh = c->meter.import_total_uwh / 1000000;
    size_t lines = m->log_lines < PANEL_LOG_LINES ? m->log_lines : PANEL_LOG_LINES;
    for (size_t i = 0; i < lines; i++)
        copy(out->info.log[i], sizeof out->info.log[i], m->log[m->log_lines - lines + i]);
    out->info.log_lines = (uint8_t)lines;
}

void panel_view_from(const struct panel_view_in *in, struct panel_view *out)
{
    const struct control_status *c = in->control;
    const struct panel_machine *m = in->machine;
    const struct visit *visit = in->visit;
    memset(out, 0, sizeof *out);
    out->screen = m->updating ? PANEL_UPDATE : screen_of(visit, c, m->setup, in->now_us);
    out->language = panel_language(settings_text(in->settings, SETTING_language));
    const char *name = settings_text(in->settings, SETTING_station_name);
    copy(out->name, sizeof out->name, *name ? name : settings_text(in->settings, SETTING_station_id));
    out->offline = in->link->configured && !in->link->online;

    out->phases = settings_int(in->settings, SETTING_phases) == 1 ? 1 : 3;
    out->installed_ma = c->limit[LIMIT_INSTALLATION].ma;
    out->offered_ma = c->offered_ma;
    out->offered_by = c->offered_by;
    if (out->screen == PANEL_READY)
        offer_to_come(c, in->now_us, out);
    out->supply_mv = supply_mv(&c->meter);
    if (c->meter.valid)
        memcpy(out->i_ma, c->meter.i_ma, sizeof out->i_ma);
    out->power_mw = c->meter.valid ? c->meter.p_total_mw : 0;
    out->session = visit->here && visit->charged;
    if (visit->here) {
        out->energy_wh = (c->meter.import_total_uwh - visit->start_uwh) / 1000000;
        out->duration_s =
            (uint32_t)((in->now_us > visit->since_us ? in->now_us - visit->since_us : 0) / 1000000);
    }
    out->until_minute = -1;
    if (out->screen == PANEL_WAITING) {
        out->wait = wait_of(c);
        out->wait_s = out->wait == PANEL_WAIT_SERVER ? until_server(c, in->now_us) : 0;
        if (out->wait_s && m->clock_known)
            out->until_minute = (int32_t)((m->minute_of_day + (int64_t)out->wait_s / 60) % (24 * 60));
    }
    out->fault = c->fault;
    copy(out->code, sizeof out->code, c->fault == FAULT_NONE ? "" : fault_name(c->fault));
    out->update_phase = m->update_phase;
    out->update_permille = m->updating ? m->update_permille : -1;
    copy(out->setup.qr, sizeof out->setup.qr, m->setup_qr);
    copy(out->setup.ssid, sizeof out->setup.ssid, m->setup_ssid);
    copy(out->setup.password, sizeof out->setup.password, m->setup_password);
    copy(out->setup.url, sizeof out->setup.url, m->setup_url);
    information(in, out);
}

/* ---- of this station, now ---- */

static void take_presses(struct panel_face *f, const struct station_button *b)
{
    while (f->presses != b->presses) {
        f->presses++; /* of several since the last look only the last is known; the others were short */
        uint32_t ms = f->presses == b->presses ? b->pressed_ms : 0;
        f->setup_asked |= browse_button(&f->browse, ms, b->at_us) == BROWSE_SETUP;
    }
}

void station_panel(struct station *s, struct panel_face *f, const struct panel_machine *m,
                   struct panel_view *out)
{
    struct control_status status;
    struct station_link_status ls;
    uint64_t now = s->port->now_us(s->port->ctx);
    if (!f->begun) {
        browse_init(&f->browse, now);
        f->begun = true;
    }
    station_status(s, &status);
    station_link_status(s, &ls);
    const struct panel_link link = {
        .configured = s->url[0] != '\0',
        .online = ls.online,
        .registered = ls.registered,
        .queued = ls.queued,
        .reconnects = ls.reconnects,
        .server = settings_text(&s->settings, SETTING_server_url),
    };
    const struct panel_identity identity = {.serial = s->serial, .model = s->model, .firmware = s->firmware};
    struct panel_machine machine = *m;
    machine.updating = m->updating || firmware_glue_panel(s, &machine.update_phase, &machine.update_permille);
    const struct panel_view_in in = {
        .control = &status,
        .visit = &s->visit,
        .link = &link,
        .settings = &s->settings,
        .identity = &identity,
        .machine = &machine,
        .now_us = now,
    };
    panel_view_from(&in, out);
    take_presses(f, &s->button);
    browse_apply(&f->browse, out, now);
}
