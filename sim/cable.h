/*
 * cable: the plug-in connection: the cable's ends, its proximity resistor, the socket's lock, and the order
 * in which the contacts part.
 */
#ifndef SIM_CABLE_H
#define SIM_CABLE_H

#include "sim/world.h"

struct cable {
    double ohm;              /* proximity resistor of the cable that is used next or now */
    bool in_socket;          /* station's end */
    bool at_car;             /* car's end */
    bool pulling;            /* someone takes the station's end out as soon as it is free */
    uint64_t power_until_us; /* power contacts still touch although CP and PP have parted */
    bool lock_wanted, locked;
    uint64_t lock_due_us; /* 0: motor at rest */
    double plugged_changed_s;
};

void cable_init(struct cable *c, double ohm);
bool cable_plug(struct cable *c, bool in, uint64_t now_us, uint64_t break_us);
void cable_unplug(struct cable *c, uint64_t now_us, uint64_t break_us);
void cable_car_end(struct cable *c, bool in, uint64_t now_us, uint64_t break_us);
bool cable_swap(struct cable *c, double ohm, uint64_t now_us, uint64_t break_us);
void cable_lock(struct cable *c, bool locked, uint64_t now_us, uint64_t travel_us);
void cable_step(struct cable *c, bool lock_stuck, uint64_t now_us, uint64_t break_us);
/* Time of the next thing that happens by itself; UINT64_MAX: none. */
uint64_t cable_next_us(const struct cable *c, uint64_t now_us);

static inline bool cable_pilot(const struct cable *c)
{
    return c->in_socket && c->at_car;
}
static inline bool cable_power(const struct cable *c, uint64_t now_us)
{
    return cable_pilot(c) || now_us < c->power_until_us;
}
/* Voltage of the station's PP pin, mV. */
double cable_pp_mv(const struct cable *c, const struct world_faults *f);
/* Resistance the station's PP sees; 0: open. */
double cable_pp_ohm(const struct cable *c, const struct world_faults *f);

#endif
