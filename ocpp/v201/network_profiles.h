/*
 * network_profiles: SetNetworkProfile and the order of the profiles (B09, B10). The station holds them and
 * tries them; here the server's wishes are judged.
 */
#ifndef OCPP_V201_NETWORK_PROFILES_H
#define OCPP_V201_NETWORK_PROFILES_H

#include "ocpp/v201/device.h"

struct v201;

void set_network_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
/* What is wrong with a value for NetworkConfigurationPriority, or NULL. */
const char *network_priority_fault(const struct v201 *v, const char *list);

#endif
