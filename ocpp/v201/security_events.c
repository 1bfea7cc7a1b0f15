/* security_events: durable until the server has confirmed them; see security_events.h. */
#include "ocpp/v201/security_events.h"

#include <string.h>

#include "ocpp/v201/v201.h"

enum { RECORD_VERSION = 1 };
enum { RETRY_US = 10000000 }; /* after one that got no answer */
/* Kept at most: a station that restarts in a circle must not fill its flash with the news of that. */
enum { KEPT_MAX = 64 };

static const char *const names[SECURITY_EVENT_TYPES] = {
    [SECURITY_STARTUP_OF_THE_DEVICE] = "StartupOfTheDevice",
    [SECURITY_RESET_OR_REBOOT] = "ResetOrReboot",
    [SECURITY_RECONFIGURATION] = "ReconfigurationOfSecurityParameters",
    [SECURITY_FIRMWARE_UPDATED] = "FirmwareUpdated",
    [SECURITY_INVALID_FIRMWARE_SIGNATURE] = "InvalidFirmwareSignature",
    [SECURITY_INVALID_FIRMWARE_CERTIFICATE] = "InvalidFirmwareSigningCertificate",
};

static bool peek(const struct v201 *v, uint32_t after, struct security_event *out, uint32_t *id)
{
    unsigned char buf[64];
    size_t len;
    while (v->dev.ops->peek(v->dev.st, OCPP_KEEP_SECURITY_EVENT, after, buf, sizeof buf, &len, id)) {
        memset(out, 0, sizeof *out);
        memcpy(out, buf, len < sizeof *out ? len : sizeof *out);
        if (len >= sizeof *out && out->version == RECORD_VERSION && out->type < SECURITY_EVENT_TYPES)
            return true;
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_SECURITY_EVENT, *id);
        after = *id;
    }
    return false;
}

void security_events_init(struct v201 *v)
{
    memset(&v->security, 0, sizeof v->security);
    const char *why = v->dev.ops->identity(v->dev.st, "reset_reason");
    security_event(v, why && !strcmp(why, "PowerUp") ? SECURITY_STARTUP_OF_THE_DEVICE
                                                     : SECURITY_RESET_OR_REBOOT);
}

void security_event(struct v201 *v, enum security_event_type type)
{
    struct security_event e = {
        .version = RECORD_VERSION, .type = (uint8_t)type, .boot = v->dev.boot, .at_us = device_now(&v->dev)};
    int64_t wall;
    if (device_wall(&v->dev, e.at_us, &wall))
        e.unix_ms = wall;
    if (v->dev.ops->log_security)
        v->dev.ops->log_security(v->dev.st, e.at_us, names[type]);
    else
        device_log(&v->dev, 1, "security event %s", names[type]);

    struct security_event any;
    uint32_t id, after = 0, oldest = 0;
    unsigned n = 0;
    while (peek(v, after, &any, &id)) {
        if (!oldest)
            oldest = id;
        after = id;
        n++;
    }
    if (!v->dev.ops->keep(v->dev.st, OCPP_KEEP_SECURITY_EVENT, &e, sizeof e, &id)) {
        v->security.ram = e;
        v->security.fallen_back = true;
    } else if (n >= KEPT_MAX) {
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_SECURITY_EVENT, oldest);
    }
}

bool security_event_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct security_events *s = &v->security;
    struct security_event e;
    if (asked_only || device_now(&v->dev) < s->retry_us)
        return false;
    s->under_way_in_ram = false;
    if (!peek(v, 0, &e, &s->current)) {
        if (!s->fallen_back)
            return false;
        e = s->ram;
        s->under_way_in_ram = true;
    }
    int64_t wall = e.unix_ms;
    /* Of an earlier start-up without a clock: the beginning of this one is the latest that it can have been.
     */
    if (!wall)
        device_wall(&v->dev, e.boot == v->dev.boot ? e.at_us : 0, &wall);
    json_add_text(payload, "type", names[e.type]);
    json_add_time(payload, "timestamp", wall);
    return true;
}

void security_event_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct security_events *s = &v->security;
    (void)payload;
    if (how == RPC_LOST)
        return;
    if (how == RPC_TIMEOUT) {
        s->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    if (s->under_way_in_ram) /* confirmed, or refused for good */
        s->fallen_back = false;
    else
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_SECURITY_EVENT, s->current);
}
