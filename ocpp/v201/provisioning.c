/* provisioning: BootNotification, Heartbeat, clock, reconnects; see provisioning.h. */
#include "ocpp/v201/provisioning.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

/* Between two BootNotifications when the server names no interval or does not answer (B02.FR.07, B03.FR.05:
 * not so often that it floods), plus up to as much again at random, so that a street does not ask at once. */
enum { BOOT_RETRY_US = 30000000 };

void provisioning_init(struct v201 *v)
{
    memset(&v->prov, 0, sizeof v->prov);
    v->prov.network = -1;
}

void provisioning_opened(struct v201 *v)
{
    struct provisioning *p = &v->prov;
    uint64_t now = device_now(&v->dev);
    struct ocpp_network network;
    int slot = v->dev.ops->network_active(v->dev.st);
    if (p->network >= 0 && slot != p->network) { /* B10.FR.10: nobody there knows us */
        v->dev.registration = REGISTRATION_NONE;
        p->boot_due_us = 0;
    }
    p->network = slot;
    p->message_timeout_s = v->dev.ops->network_get(v->dev.st, slot, &network) ? network.message_timeout_s : 0;
    if (v->dev.registration != REGISTRATION_ACCEPTED)
        return; /* BootNotification is due at boot_due_us, also across connections (B02.FR.04) */
    /* A plain reconnect: no BootNotification (OCPP-J 5.3). B04: all statuses after a long absence, else only
     * what changed, which availability finds by itself; then a Heartbeat. */
    uint64_t threshold = (uint64_t)device_int(&v->dev, "offline_threshold", 60) * 1000000;
    if (now - p->offline_since_us > threshold)
        availability_tell_all(v);
    p->heartbeat_asked = true;
}

int32_t provisioning_message_timeout_s(const struct v201 *v)
{
    return v->prov.message_timeout_s > 0 ? v->prov.message_timeout_s
                                         : device_int(&v->dev, "message_timeout", 30);
}

void provisioning_closed(struct v201 *v)
{
    v->prov.offline_since_us = device_now(&v->dev);
}

uint64_t provisioning_step(struct v201 *v, uint64_t now)
{
    struct provisioning *p = &v->prov;
    if (!v->dev.online)
        return UINT64_MAX;
    if (v->dev.registration != REGISTRATION_ACCEPTED)
        return p->boot_due_us > now ? p->boot_due_us : UINT64_MAX;
    return p->heartbeat_due_us;
}

/* ---- BootNotification ---- */

static const char *boot_reason(const struct v201 *v)
{
    if (v->restarted == RESTART_REMOTE)
        return "RemoteReset";
    if (v->restarted == RESTART_SCHEDULED)
        return "ScheduledReset";
    const char *why = v->dev.ops->identity(v->dev.st, "reset_reason");
    return why && schema_word("ApplicationReset|FirmwareUpdate|LocalReset|PowerUp|RemoteReset|ScheduledReset|"
                              "Triggered|Unknown|Watchdog",
                              why) >= 0
               ? why
               : "Unknown";
}

static void add_identity(const struct v201 *v, cJSON *obj, const char *field, const char *what,
                         size_t max_chars)
{
    const char *text = v->dev.ops->identity(v->dev.st, what);
    if (text && text[0])
        json_add_cut(obj, field, text, max_chars);
}

bool boot_notification_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct provisioning *p = &v->prov;
    (void)asked_only;
    if (v->dev.registration == REGISTRATION_ACCEPTED)
        return false;
    if (device_now(&v->dev) < p->boot_due_us && !p->boot_asked)
        return false;
    json_add_text(payload, "reason", p->boot_asked ? "Triggered" : boot_reason(v));
    p->boot_asked = false;
    cJSON *cs = json_add_object(payload, "chargingStation");
    add_identity(v, cs, "model", "model", 20);
    add_identity(v, cs, "vendorName", "vendor", 50);
    add_identity(v, cs, "serialNumber", "serial", 25);
    add_identity(v, cs, "firmwareVersion", "firmware", 50);
    return true;
}

static void ask_again(struct v201 *v, uint64_t wait_us)
{
    v->prov.boot_due_us = device_now(&v->dev) + wait_us;
}

static uint64_t own_wait_us(const struct v201 *v)
{
    return BOOT_RETRY_US + v->dev.ops->random(v->dev.st) % BOOT_RETRY_US;
}

static void accepted(struct v201 *v)
{
    struct provisioning *p = &v->prov;
    v->dev.registration = REGISTRATION_ACCEPTED;
    device_log(&v->dev, 2, "accepted by the server");
    if (p->interval_s > 0) { /* B01.FR.04 */
        char text[16];
        snprintf(text, sizeof text, "%u", (unsigned)p->interval_s);
        if (device_int(&v->dev, "heartbeat_interval", -1) != (int32_t)p->interval_s)
            v->dev.ops->setting_set(v->dev.st, "heartbeat_interval", text);
    }
    p->heartbeat_due_us =
        device_now(&v->dev) + (uint64_t)device_int(&v->dev, "heartbeat_interval", 300) * 1000000;
    availability_tell_all(v); /* B01.FR.05 */
    p->was_registered = true;
}

void boot_notification_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    static const struct schema_field response[] = {
        {.name = "currentTime", .type = SCHEMA_TIME, .flags = SCHEMA_REQUIRED},
        {.name = "interval", .type = SCHEMA_INT, .flags = SCHEMA_REQUIRED},
        {.name = "status",
         .type = SCHEMA_ENUM,
         .flags = SCHEMA_REQUIRED,
         .values = "Accepted|Pending|Rejected"},
        {0}};
    struct provisioning *p = &v->prov;
    if (how == RPC_LOST) {
        p->boot_due_us = 0; /* it has not been answered: first thing on the next connection */
        return;
    }
    char why[80];
    if (how != RPC_RESULT || schema_check(payload, response, why, sizeof why)) {
        device_log(&v->dev, 1, "no useful answer to BootNotification");
        ask_again(v, p->interval_s ? (uint64_t)p->interval_s * 1000000 : own_wait_us(v));
        return;
    }
    int64_t interval = 0, wall = 0;
    json_int(payload, "interval", &interval);
    json_time_parse(json_text(payload, "currentTime", 64), &wall);
    device_set_wall(&v->dev, wall); /* B01.FR.06 */
    p->interval_s = interval > 0 ? (uint32_t)interval : 0;
    const char *status = json_text(payload, "status", 20);
    if (!strcmp(status, "Accepted")) {
        accepted(v);
        return;
    }
    v->dev.registration = !strcmp(status, "Pending") ? REGISTRATION_PENDING : REGISTRATION_REJECTED;
    device_log(&v->dev, 1, "registration is %s, asking again in %u s", status, (unsigned)p->interval_s);
    ask_again(v, p->interval_s ? (uint64_t)p->interval_s * 1000000 : own_wait_us(v));
}

/* ---- Heartbeat ---- */

bool heartbeat_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct provisioning *p = &v->prov;
    (void)payload;
    if (!p->heartbeat_asked && (asked_only || device_now(&v->dev) < p->heartbeat_due_us))
        return false;
    p->heartbeat_asked = false;
    p->heartbeat_due_us =
        device_now(&v->dev) + (uint64_t)device_int(&v->dev, "heartbeat_interval", 300) * 1000000;
    return true;
}

void heartbeat_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    int64_t wall;
    const char *text = how == RPC_RESULT ? json_text(payload, "currentTime", 64) : NULL;
    if (text && json_time_parse(text, &wall))
        device_set_wall(&v->dev, wall); /* G02.FR.06 */
}
