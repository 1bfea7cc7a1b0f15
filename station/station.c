#include "station/station.h"

#include <stdio.h>
#include <string.h>

#include "station/logbook.h"
#include "station/ops.h"
#include "station/recorder.h"
#include "station/settings_map.h"

/* The comms thread looks at its slow duties (register marks, journal tidying) at least this often. */
#define COMMS_PERIOD_US 1000000ull

/* After a reset was asked for: the answer gets this long to leave, and the contactor this long to open. */
#define RESTART_GRACE_US    1000000ull
#define RESTART_DEADLINE_US 15000000ull

/* The log's memory where the machine has not given any: some 500 lines. */
#define LOG_BYTES (32u * 1024)

/* Where what lies behind the station begins: OCPP's memory, the log's, the black box's. */
static size_t aligned(size_t n)
{
    return (n + 15) / 16 * 16;
}

size_t station_size(void)
{
    return aligned(sizeof(struct station)) + aligned(ocpp_size()) + LOG_BYTES +
           blackbox_bytes(CONTROL_PERIOD_US);
}

static struct station_boot with_memory(struct station *s, const struct station_boot *boot)
{
    struct station_boot b = *boot;
    if (b.ocpp_mem)
        return b;
    unsigned char *mem = (unsigned char *)s + aligned(sizeof *s);
    b.ocpp_mem = mem;
    mem += aligned(ocpp_size());
    if (!b.log_mem) {
        b.log_mem = mem;
        b.log_bytes = LOG_BYTES;
    }
    if (!b.blackbox_mem) {
        b.blackbox_mem = mem + LOG_BYTES;
        b.blackbox_bytes = blackbox_bytes(CONTROL_PERIOD_US);
    }
    return b;
}

struct guard *station_guard(struct station *s)
{
    return &s->guard;
}

/* ---- link up-calls ---- */

static uint64_t link_now(void *ctx)
{
    const struct station *s = ctx;
    return s->port->now_us(s->port->ctx);
}

static void link_opened(void *ctx, const char *subprotocol)
{
    struct station *s = ctx;
    log_link_open(&s->log, link_now(s), subprotocol ? subprotocol : "no sub-protocol");
    ocpp_opened(s->ocpp, subprotocol);
}

/* The link to the active network, with the settings as they are now. */
static void configure_link(struct station *s)
{
    struct link_cfg link;
    settings_map_link(&s->settings, s->networks.url, s->url, sizeof s->url, &link);
    link_configure(&s->link, &link);
}

static void attempt_failed(struct station *s)
{
    if (!networks_failed(&s->networks))
        return;
    configure_link(s);
    station_log(s, 1, "trying network %d: %s", networks_active(&s->networks), s->url);
}

static void link_text(void *ctx, const char *text, size_t len)
{
    struct station *s = ctx;
    networks_worked(&s->networks);
    ocpp_receive(s->ocpp, text, len);
}

static void link_writable(void *ctx)
{
    struct station *s = ctx;
    s->port->wake_comms(s->port->ctx);
}

static void link_failed(void *ctx, const char *why, uint64_t wait_us)
{
    struct station *s = ctx;
    char text[LOG_TEXT_MAX + 1];
    (void)snprintf(text, sizeof text, "%.120s: %s", s->url, why);
    log_link_failed(&s->log, link_now(s), (int32_t)(wait_us / 1000000), text);
    attempt_failed(s);
}

static void link_closed(void *ctx, const char *why)
{
    struct station *s = ctx;
    log_link_lost(&s->log, link_now(s), why);
    if (!s->link.good) /* it was up, but nobody spoke */
        attempt_failed(s);
    ocpp_closed(s->ocpp);
}

/* ---- start ---- */

/* Before the log has its memory: through the inbox. Without the value, which may be a secret. */
static void setting_refused(struct station *s, const char *name, const char *why)
{
    char text[LOG_NOTE_MAX];
    (void)snprintf(text, sizeof text, "settings: %.30s refused: %.100s", name, why);
    station_note(s, link_now(s), LOG_ERROR, text);
    if (s->port->log)
        s->port->log(s->port->ctx, LOG_ERROR, text);
}

static void force_settings(struct station *s, const char *const *pairs)
{
    for (; pairs && pairs[0] && pairs[1]; pairs += 2) {
        enum setting_id id;
        char why[120] = "unknown name";
        enum settings_result r = SETTINGS_UNKNOWN;
        if (settings_find(pairs[0], &id))
            r = settings_force(&s->settings, id, pairs[1], why, sizeof why);
        if (r != SETTINGS_OK && r != SETTINGS_OK_REBOOT)
            setting_refused(s, pairs[0], why);
    }
}

struct station *station_init(void *mem, const struct station_boot *given)
{
    struct station *s = mem;
    const struct port *port = given->port;
    const struct station_boot with = with_memory(s, given), *boot = &with;
    s->port = port;
    s->serial = boot->serial;
    s->model = boot->model;
    s->firmware = boot->firmware;
    s->http = boot->http;

    settings_load(&s->settings, &port->kv);
    force_settings(s, boot->settings);
    logbook_init(s, boot);
    uint64_t now = port->now_us(port->ctx);
    if (s->settings.defaulted)
        log_settings_defaulted(&s->log, now, (int32_t)s->settings.defaulted);
    blackbox_init(&s->blackbox, boot->blackbox_mem, boot->blackbox_bytes, CONTROL_PERIOD_US);

    durable_mount(&s->durable, &port->journal);
    if (!s->durable.mounted)
        log_journal_unusable(&s->log, now);
    else if (s->durable.formatted)
        log_journal_formatted(&s->log, now);
    security_log_init(&s->security, s->durable.mounted ? &s->durable.journal : NULL);
    struct durable_registers registers, newer;
    durable_registers(&s->durable, &registers);
    if (registers_recall(port->retained, s->durable.mounted ? &registers : NULL, &newer)) {
        registers = newer; /* a reset in mid-charge; in flash before anything is told of it */
        durable_mark(&s->durable, &registers, port->now_us(port->ctx), true);
    }

    struct control_cfg cfg;
    settings_map_control(&s->settings, boot->sense, &cfg);
    guard_init(&s->guard, &cfg.sense);
    control_init(&s->control, &cfg, &s->guard, now, port->random(port->ctx), &registers.meter,
                 registers.contactor_cycles);
    if (port->reset_reason == PORT_RESET_POWER_ON || port->reset_reason == PORT_RESET_BROWNOUT)
        control_reconnect(&s->control);
    control_status_read(&s->control, &s->control_copy);
    snapshot_write(&s->snapshot, &s->control_copy);
    s->status = s->control_copy;
    s->pilot = s->status.pilot;

    struct control_cmd cmd;
    if (settings_map_limit(&s->settings, SETTING_user_current, &cmd))
        wishes_want(&s->wishes, &cmd);

    const struct link_up up = {.ctx = s,
                               .now_us = link_now,
                               .opened = link_opened,
                               .text = link_text,
                               .writable = link_writable,
                               .closed = link_closed,
                               .failed = link_failed};
    link_init(&s->link, boot->transport, &up, port->random(port->ctx));
    networks_init(&s->networks, &s->durable, &s->settings);
    configure_link(s);
    firmware_glue_init(s, boot);
    s->ocpp = ocpp_init(boot->ocpp_mem, &station_ocpp_ops, s);
    return s;
}

static void tell_setting(struct station *s, enum setting_id id)
{
    const struct setting_info *info = settings_info(id);
    char text[LOG_TEXT_MAX + 1], value[LOG_TEXT_MAX - 40];
    (void)settings_format(&s->settings, id, value, sizeof value);
    if (info->flags & SETTING_SECRET)
        (void)snprintf(text, sizeof text, "%s changed", info->name);
    else
        (void)snprintf(text, sizeof text, "%s is now %s", info->name, value[0] ? value : "empty");
    log_setting_changed(&s->log, link_now(s), text);
}

void station_settings_changed(struct station *s, enum setting_id id)
{
    struct control_cmd cmd;
    tell_setting(s, id);
    logbook_settings(s);
    if (settings_map_limit(&s->settings, id, &cmd)) {
        wishes_want(&s->wishes, &cmd);
        s->port->wake_comms(s->port->ctx); /* the next step passes it on */
    }
    if (id == SETTING_server_url)
        networks_url_changed(&s->networks);
    configure_link(s);
}

/* ---- control thread ---- */

void station_control_step(struct station *s)
{
    const struct port *port = s->port;
    struct control_in in = {.now_us = port->now_us(port->ctx), .inputs = port->inputs(port->ctx)};
    in.temperature_valid = port->temperature_mc(port->ctx, &in.temperature_mc);

    struct control_cmd cmd;
    while (command_ring_take(&s->commands, &cmd))
        control_command(&s->control, &cmd, in.now_us);

    struct control_out out;
    control_step(&s->control, &in, &out);
    if (out.coil_off)
        port->contactor_off(port->ctx);
    port->pilot_write(port->ctx, out.duty_bp);
    port->lock_write(port->ctx, out.lock);
    port->rcm_test_write(port->ctx, out.rcm_test);

    /* The status goes first: who hears of an event must not then read an older status. */
    control_status_read(&s->control, &s->control_copy);
    snapshot_write(&s->snapshot, &s->control_copy);
    registers_keep(port->retained, &s->registers_kept, &s->control_copy.meter,
                   s->control_copy.contactor_cycles, in.now_us);
    recorder_step(&s->blackbox, &s->control, &s->control_copy);
    bool wake = false;
    struct control_event ev;
    while (control_next_event(&s->control, &ev)) {
        recorder_event(&s->blackbox, &ev);
        event_ring_put(&s->events, &ev);
        wake = true;
    }
    if (wake)
        port->wake_comms(port->ctx);
}

void station_status(struct station *s, struct control_status *out)
{
    snapshot_read(&s->snapshot, out);
}

/* ---- comms thread ---- */

static void events_up(struct station *s)
{
    struct control_event ev;
    while (event_ring_take(&s->events, &ev)) {
        snapshot_read(&s->snapshot, &s->status); /* published before the event: never older than it */
        station_tell(s, &ev);
        if (ev.type == CONTROL_EV_CONTACTOR) {
            /* A switched contactor is where a session's energy begins and ends. */
            station_mark_registers(s);
        }
    }
    uint32_t lost = event_ring_take_lost(&s->events);
    if (lost) {
        log_events_lost(&s->log, link_now(s), (int32_t)lost);
        station_tell_changes(s);
    }
}

static void restart_step(struct station *s, uint64_t now)
{
    struct station_restart *r = &s->restart;
    if (!r->wanted || r->done)
        return;
    if (r->when_idle) {
        struct ocpp_status o;
        ocpp_status_read(s->ocpp, &o);
        if (o.transaction || s->status.contactor_closed) {
            r->asked_us = now;
            return;
        }
    }
    if (!r->prepared)
        firmware_glue_before_restart(s);
    r->prepared = true;
    const struct control_cmd open = {.type = CONTROL_CONTACTOR, .a = 0};
    wishes_want(&s->wishes, &open);
    bool late = now - r->asked_us >= RESTART_DEADLINE_US;
    if (now - r->asked_us < RESTART_GRACE_US || (s->status.contactor_closed && !late))
        return;
    station_mark_registers(s);
    link_drop(&s->link, "restart");
    log_restarting(&s->log, now);
    r->done = true;
    s->port->reboot(s->port->ctx);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A black box is complete a second after its fault. */
static void tell_box(struct station *s, uint64_t now)
{
    uint32_t newest = blackbox_newest(&s->blackbox);
    if (newest == s->boxes_told)
        return;
    struct blackbox_box box[BLACKBOX_HELD];
    unsigned n = blackbox_hold(&s->blackbox, box, CONTROL_PERIOD_US);
    for (unsigned i = 0; i < n; i++) {
        if (box[i].cause.number > s->boxes_told)
            log_blackbox(&s->log, now, box[i].cause.fault, (int32_t)box[i].count);
        blackbox_release(&s->blackbox, &box[i]);
    }
    s->boxes_told = newest;
}

static uint64_t upload_step(struct station *s, uint64_t now)
{
    enum ocpp_upload told;
    uint64_t due;
    if (log_upload_step(s, now, &told, &due))
        station_tell_upload(s, told);
    return due;
}

uint64_t station_comms_step(struct station *s)
{
    const struct port *port = s->port;
    uint64_t now = port->now_us(port->ctx);
    snapshot_read(&s->snapshot, &s->status);
    logbook_step(s, now);
    events_up(s);
    tell_box(s, now);
    warnings_step(&s->warnings, &s->status, &s->log, now);
    security_log_step(&s->security, &s->clock, now);
    visit_follow(&s->visit, &s->status);

    uint64_t due = link_step(&s->link, now);
    due = sooner(due, upload_step(s, now));
    due = sooner(due, ocpp_step(s->ocpp));
    due = sooner(due, firmware_glue_step(s, now));

    const struct durable_registers registers = {.meter = s->status.meter,
                                                .contactor_cycles = s->status.contactor_cycles};
    durable_mark(&s->durable, &registers, now, false);
    /* Erase ahead only while no energy flows: on the chip an erase stops both cores. */
    if (s->durable.mounted && !s->status.contactor_closed)
        journal_tidy(&s->durable.journal, 1);

    uint32_t dropped = durable_take_dropped(&s->durable);
    if (dropped)
        station_log(s, 1, "journal full: %lu of its oldest records were given up", (unsigned long)dropped);

    restart_step(s, now);
    if (!wishes_flush(&s->wishes, &s->commands))
        due = sooner(due, now + CONTROL_PERIOD_US);
    return sooner(due, now + (s->restart.wanted ? COMMS_PERIOD_US / 4 : COMMS_PERIOD_US));
}

void station_token(struct station *s, const char *token, const char *type)
{
    struct ocpp_event ev = {.type = OCPP_EV_TOKEN,
                            .at_us = s->port->now_us(s->port->ctx),
                            .on = true,
                            .text = token,
                            .old = type};
    snapshot_read(&s->snapshot, &s->status);
    station_view(s, &ev.view);
    ocpp_event(s->ocpp, &ev);
    s->port->wake_comms(s->port->ctx);
}

void station_link_status(struct station *s, struct station_link_status *out)
{
    struct ocpp_status o;
    ocpp_status_read(s->ocpp, &o);
    *out = (struct station_link_status){
        .online = o.online,
        .registered = o.registered,
        .transaction = o.transaction,
        .queued = o.queued,
        .sent = o.sent,
        .received = o.received,
        .reconnects = s->link.opened_count > 1 ? s->link.opened_count - 1 : 0,
        .restart_wanted = s->restart.wanted,
    };
    memcpy(out->transaction_id, o.transaction_id, sizeof out->transaction_id);
    struct journal_stats j;
    if (s->durable.mounted) {
        journal_stats_read(&s->durable.journal, &j);
        out->journal_live = j.live_records;
        out->journal_dropped = j.dropped;
    }
}

struct settings *station_settings(struct station *s)
{
    return &s->settings;
}
