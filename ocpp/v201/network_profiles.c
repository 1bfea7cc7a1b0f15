/* network_profiles: the ways to the server that the server names; see network_profiles.h. */
#include "ocpp/v201/network_profiles.h"

#include <string.h>

#include "ocpp/v201/v201.h"

/* Longest time that a server may give itself to answer; as the setting message_timeout. */
enum { MESSAGE_TIMEOUT_MAX_S = 600 };
/* Basic authentication. Those with TLS need certificates, which this station does not hold yet. */
enum { SECURITY_PROFILE = 1 };

static void answer_with(struct rpc_answer *answer, const char *status, const char *reason, const char *info)
{
    json_add_text(answer->payload, "status", status);
    if (reason)
        status_info(answer->payload, reason, info);
}

/* B09.FR.02: what this station can't do, in words; NULL: all of it can be done. */
static const char *fault_of(const cJSON *data, int64_t timeout_s)
{
    if (strcmp(json_text(data, "ocppVersion", 20), "OCPP20") != 0)
        return "only OCPP20";
    if (strcmp(json_text(data, "ocppTransport", 20), "JSON") != 0)
        return "only JSON";
    /* There is one interface, and whether it has a wire is the machine's matter. */
    const char *interface = json_text(data, "ocppInterface", 20);
    if (strcmp(interface, "Wired0") != 0 && strcmp(interface, "Wireless0") != 0)
        return "there is only one network interface";
    if (json_object(data, "apn") || json_object(data, "vpn"))
        return "neither APN nor VPN";
    if (timeout_s < 1 || timeout_s > MESSAGE_TIMEOUT_MAX_S)
        return "messageTimeout is from 1 to 600 s";
    return NULL;
}

void set_network_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *data = json_object(request, "connectionData");
    int64_t slot = 0, security = 0, timeout_s = 0;
    json_int(request, "configurationSlot", &slot);
    json_int(data, "securityProfile", &security);
    json_int(data, "messageTimeout", &timeout_s);
    if (slot < 1 || slot > OCPP_NETWORKS) { /* B09.FR.05 */
        answer_with(answer, "Rejected", "InvalidConfSlot", NULL);
        return;
    }
    if (security < SECURITY_PROFILE) { /* B09.FR.04 */
        answer_with(answer, "Rejected", "NoSecurityDowngrade", NULL);
        return;
    }
    const char *fault = security > SECURITY_PROFILE ? "only security profile 1" : fault_of(data, timeout_s);
    struct ocpp_network network = {.security = (uint8_t)SECURITY_PROFILE,
                                   .message_timeout_s = (int32_t)timeout_s};
    if (!fault && !json_copy(data, "ocppCsmsUrl", OCPP_NETWORK_URL_MAX, network.url, sizeof network.url))
        fault = "the address does not fit";
    if (fault) {
        answer_with(answer, "Rejected", "InvalidNetworkConf", fault);
        return;
    }
    switch (v->dev.ops->network_set(v->dev.st, (int)slot, &network)) {
    case OCPP_NETWORK_OK:
        answer_with(answer, "Accepted", NULL, NULL);
        return;
    case OCPP_NETWORK_BAD_SLOT:
        answer_with(answer, "Rejected", "InvalidConfSlot", NULL);
        return;
    case OCPP_NETWORK_BAD_URL:
        answer_with(answer, "Rejected", "InvalidURL", NULL);
        return;
    case OCPP_NETWORK_NOT_KEPT: /* B09.FR.03 */
        answer_with(answer, "Failed", "OutOfStorage", NULL);
        return;
    }
}

const char *network_priority_fault(const struct v201 *v, const char *list)
{
    unsigned seen = 0;
    const char *p = list;
    do {
        struct ocpp_network network;
        int slot = *p - '0';
        if (slot < 1 || slot > OCPP_NETWORKS || (p[1] && p[1] != ','))
            return "slots are 1, 2 and 3";
        if (seen >> slot & 1)
            return "a slot is named twice";
        if (!v->dev.ops->network_get(v->dev.st, slot, &network))
            return "a slot is empty"; /* B10.FR.02 */
        seen |= 1u << slot;
        p += p[1] ? 2 : 1;
        if (p[-1] == ',' && !*p)
            return "an empty member";
    } while (*p);
    return NULL;
}
