#include "station/firmware.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "station/logbook.h"
#include "station/ops.h"
#include "station/station.h"

enum { PERCENT_STEP = 5 }; /* the server and the log hear of every so much of a download */

/* One list in two rooms that know nothing of each other. */
_Static_assert((int)OCPP_FW_STATUSES == (int)UPDATE_STATUSES &&
                   (int)OCPP_FW_INSTALLED == (int)UPDATE_INSTALLED &&
                   (int)OCPP_FW_SIGNATURE_VERIFIED == (int)UPDATE_SIGNATURE_VERIFIED &&
                   (int)OCPP_FW_DOWNLOADING == (int)UPDATE_DOWNLOADING &&
                   (int)OCPP_FW_INSTALL_VERIFICATION_FAILED == (int)UPDATE_INSTALL_VERIFICATION_FAILED,
               "statuses");

static void update_log(void *ctx, int level, const char *text)
{
    station_log(ctx, level, "%s", text);
}

void firmware_glue_init(struct station *s, const struct station_boot *boot)
{
    const struct update_cfg cfg = {.port = s->port,
                                   .journal = s->durable.mounted ? &s->durable.journal : NULL,
                                   .http = boot->http,
                                   .trust = trust_built_in(),
                                   .security = boot->security,
                                   .version = boot->firmware ? boot->firmware : "",
                                   .log = update_log,
                                   .log_ctx = s};
    update_init(&s->firmware_glue.update, &cfg);
    s->firmware_glue.server_available = true;
    s->firmware_glue.percent_told = -1;
}

/* ---- what updates want to know ---- */

/* What only firmware can be blamed for; an installation's faults (cable, supply, car) are nobody's proof. */
static bool own_fault(const struct control_status *c)
{
    const uint32_t own = 1u << FAULT_PILOT_DRIVER | 1u << FAULT_STARVED | 1u << FAULT_GUARD;
    return (c->faults & own) != 0;
}

static void look(const struct station *s, uint64_t now_us, struct update_in *in)
{
    const struct control_status *c = &s->status;
    struct ocpp_status o;
    ocpp_status_read(s->ocpp, &o);
    *in = (struct update_in){
        .now_us = now_us,
        .busy = o.transaction,
        .contactor_closed = c->contactor_closed,
        .online = o.registered,
        .floor = (uint32_t)settings_int(&s->settings, SETTING_update_floor),
        .probation =
            {
                .now_us = now_us,
                .limit_s = (uint32_t)settings_int(&s->settings, SETTING_update_probation),
                .self_test = c->state != EVSE_SELF_TEST && !own_fault(c),
                .meter_valid = c->meter.valid,
                .import_total_uwh = c->meter.import_total_uwh,
                .settings_defaulted = s->settings.defaulted,
                .server_set = s->url[0] != '\0',
                .registered = o.registered,
                .contactor_closed = c->contactor_closed,
            },
    };
    memcpy(in->probation.v_mv, c->meter.v_mv, sizeof in->probation.v_mv);
    in->wall_known = wallclock_at(&s->clock, now_us, &in->wall_ms);
}

/* ---- what they may do ---- */

/* No session begins while firmware waits to be started, unless the owner wants it so (L01.FR.07). */
static void close_or_open(struct station *s)
{
    struct firmware_glue *f = &s->firmware_glue;
    struct update_status_view v;
    update_view(&f->update, &v);
    struct ocpp_status o;
    ocpp_status_read(s->ocpp, &o);
    /* Once the slots are switched it is a matter of seconds. */
    bool wanted = v.stage != STAGE_REBOOT && settings_int(&s->settings, SETTING_update_new_sessions);
    bool closed = v.waiting && !o.transaction && !wanted;
    if (closed == f->closed)
        return;
    f->closed = closed;
    const struct control_cmd cmd = {.type = CONTROL_AVAILABLE, .a = f->server_available && !closed};
    wishes_want(&s->wishes, &cmd);
}

/* Firmware that has proved itself shuts the door behind it. */
static void raise_floor(struct station *s)
{
    uint32_t own = update_security(&s->firmware_glue.update);
    char text[16];
    if ((int64_t)own <= settings_int(&s->settings, SETTING_update_floor))
        return;
    (void)snprintf(text, sizeof text, "%" PRIu32, own);
    if (settings_force(&s->settings, SETTING_update_floor, text, NULL, 0) == SETTINGS_OK)
        station_log(s, 2, "update: security number %s or higher from now on", text);
}

static void tell_progress(struct station *s, uint64_t now_us)
{
    struct firmware_glue *f = &s->firmware_glue;
    struct update_status_view v;
    update_view(&f->update, &v);
    int32_t percent = v.permille < 0 ? -1 : v.permille / 10 / PERCENT_STEP * PERCENT_STEP;
    if (percent < 0 && f->percent_told >= 0 && f->percent_told < 100 && v.stage == STAGE_VERIFY)
        percent = 100; /* the last step is over before anybody looks */
    if (percent == f->percent_told || v.stage == STAGE_MANIFEST)
        return;
    f->percent_told = percent;
    if (percent < 0)
        return;
    char text[16];
    (void)snprintf(text, sizeof text, "%" PRId32, percent);
    if (percent > 0)
        station_log(s, 2, "update: %s %% downloaded", text);
    struct ocpp_event ev = {.type = OCPP_EV_FIRMWARE, .at_us = now_us, .text = text};
    station_view(s, &ev.view);
    ev.view.pilot = s->pilot;
    ocpp_event(s->ocpp, &ev);
}

uint64_t firmware_glue_step(struct station *s, uint64_t now_us)
{
    struct update_in in;
    uint64_t due;
    look(s, now_us, &in);
    enum update_wish wish = update_step(&s->firmware_glue.update, &in, &due);
    close_or_open(s);
    raise_floor(s);
    tell_progress(s, now_us);
    if (wish == UPDATE_REBOOT && !s->restart.wanted)
        s->restart = (struct station_restart){.wanted = true, .when_idle = true, .asked_us = now_us};
    return due;
}

void firmware_glue_before_restart(struct station *s)
{
    struct update_in in;
    look(s, s->port->now_us(s->port->ctx), &in);
    update_before_restart(&s->firmware_glue.update, &in);
}

/* ---- what is told ---- */

void firmware_glue_view(const struct station *s, struct ocpp_view *out)
{
    struct update_status_view v;
    update_view(&s->firmware_glue.update, &v);
    out->firmware_percent = v.permille < 0 ? -1 : v.permille / 10;
    out->firmware_failure = v.reason;
}

bool firmware_glue_panel(const struct station *s, enum panel_update_phase *phase, int32_t *permille)
{
    struct update_status_view v;
    update_view(&s->firmware_glue.update, &v);
    *permille = v.permille;
    *phase = PANEL_DOWNLOADING;
    switch (v.stage) {
    case STAGE_REBOOT:
    case STAGE_ROLL_BACK:
        *phase = PANEL_INSTALLING;
        return true;
    case STAGE_ERASE:
    case STAGE_IMAGE:
    case STAGE_VERIFY:
        return s->status.state == EVSE_IDLE; /* a driver who is there wants to know of the charge */
    case STAGE_IDLE:
    case STAGE_SCHEDULED:
    case STAGE_MANIFEST:
    case STAGE_RETRY:
    case STAGE_WAIT:
    case STAGE_PROBATION:
        break;
    }
    return false;
}

enum ocpp_firmware_answer firmware_glue_ask(void *st, const struct ocpp_firmware_request *q, const char **why)
{
    struct station *s = st;
    const struct update_request request = {
        .request_id = q->request_id,
        .url = q->url,
        .retrieve_ms = q->retrieve_ms,
        .install_ms = q->install_ms,
        .retries = q->retries,
        .retry_interval_s = q->retry_interval_s,
        .certificate = q->certificate,
        .signature = q->signature,
    };
    s->port->wake_comms(s->port->ctx);
    switch (update_ask(&s->firmware_glue.update, &request, why)) {
    case UPDATE_ACCEPTED:
        return OCPP_FW_ACCEPTED;
    case UPDATE_ACCEPTED_CANCELED:
        return OCPP_FW_ACCEPTED_CANCELED;
    case UPDATE_REJECTED:
        return OCPP_FW_REJECTED;
    case UPDATE_BAD_CERTIFICATE:
        return OCPP_FW_BAD_CERTIFICATE;
    }
    return OCPP_FW_REJECTED;
}

bool firmware_glue_report(void *st, struct ocpp_firmware_report *out)
{
    struct station *s = st;
    struct update_report r;
    if (!update_report(&s->firmware_glue.update, &r))
        return false;
    *out = (struct ocpp_firmware_report){.status = (enum ocpp_firmware_status)r.status,
                                         .request_id = r.request_id};
    return true;
}

void firmware_glue_reported(void *st)
{
    struct station *s = st;
    update_told(&s->firmware_glue.update);
}
