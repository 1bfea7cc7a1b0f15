/*
 * networks: the ways to a server (OCPP 2.0.1: network connection profiles): what each slot holds, which one
 * is to be tried now, and which one comes next when it fails. Comms thread only.
 *
 * Slot 1 is the setting server_url until a profile is written into it. The order is the setting
 * network_priority as it was at start; each entry is tried network_attempts times. When all have failed, the
 * one that worked last comes first in the next round, also if its slot was overwritten since, so that a wrong
 * profile can't strand the station.
 */
#ifndef STATION_NETWORKS_H
#define STATION_NETWORKS_H

#include "station/durable.h"
#include "store/settings.h"

struct networks {
    struct durable *durable;
    const struct settings *settings;
    uint32_t record[OCPP_NETWORKS + 1]; /* durable id of each slot's profile; 0: none */
    uint32_t good_record;
    uint8_t order[OCPP_NETWORKS], ordered;    /* as at start */
    uint8_t round[OCPP_NETWORKS + 1], rounds; /* what is tried now, one after the other */
    uint8_t at;                               /* place in `round` */
    uint8_t good;                             /* slot that worked last; 0 none yet */
    bool good_overwritten;              /* it holds another profile since; good_record has the old one */
    uint32_t tried;                     /* failed attempts of the active one in a row */
    char url[OCPP_NETWORK_URL_MAX + 1]; /* of the active one, without the station's id; "" none */
};

/* Reads profiles and order. The two must stay. */
void networks_init(struct networks *n, struct durable *durable, const struct settings *settings);
/* false: no such slot, or nothing in it. */
bool networks_get(const struct networks *n, int slot, struct ocpp_network *out);
/* Durable when it returns true; used when the slot is tried next, of the active one after a restart. The
 * address must be one that the link can use. */
bool networks_set(struct networks *n, int slot, const struct ocpp_network *network);
/* 0: the one that worked last, which no slot holds any longer. */
int networks_active(const struct networks *n);
/* The server has spoken on the active one. */
void networks_worked(struct networks *n);
/* An attempt at the active one has failed; true: another one is active now. */
bool networks_failed(struct networks *n);
/* server_url was set: it counts, also over a profile in slot 1. */
void networks_url_changed(struct networks *n);

#endif
