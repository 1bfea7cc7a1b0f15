/*
 * memory_net: a network in memory between simulated stations and the hub of this process, in virtual time:
 * each message arrives after a fixed latency, in order, or waits as long as a cable is pulled. HTTP goes the
 * same way (memory_http).
 *
 * One thread. The hub may be taken away and put back (a server that is restarted).
 */
#ifndef LINUX_MEMORY_NET_H
#define LINUX_MEMORY_NET_H

#include "hub/hub.h"
#include "linux/sim_station.h"

struct memory_net;

/* NULL: no memory. `epoch_ms`: the hub's wall time when virtual time is 0. */
struct memory_net *memory_net_create(int stations, uint64_t latency_us, int64_t epoch_ms);
void memory_net_destroy(struct memory_net *n);
/* Gives the station number `index` (0..) its wire. */
void memory_net_connect(struct memory_net *n, int index, struct sim_station *station);
/* The hub that answers from now on; NULL: none, every connection breaks and new ones are refused. The old hub
 * must still be open during the call. */
void memory_net_hub(struct memory_net *n, struct hub *hub);
/* Delivers what is due at now_us. Call often: time moves here only. */
void memory_net_pump(struct memory_net *n, uint64_t now_us);
int64_t memory_net_unix_ms(const struct memory_net *n);

#endif
