/*
 * local_hub: the hub in this process as the scenario's peer: its verbs ("server …") and values ("hub.…").
 *
 * One thread.
 */
#ifndef LINUX_LOCAL_HUB_H
#define LINUX_LOCAL_HUB_H

#include "linux/memory_net.h"
#include "linux/site.h"

struct local_hub;

/* Opens the hub on a database in the site's folder and puts it on the network. NULL: err. */
struct local_hub *local_hub_open(const struct options *o, struct site *site, struct memory_net *net,
                                 char *err, size_t cap);
void local_hub_close(struct local_hub *l);
/* The hub's timers. Returns when (µs) it wants to be called again. */
uint64_t local_hub_step(struct local_hub *l, uint64_t now_us);

#endif
