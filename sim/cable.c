#include "sim/cable.h"

#include <string.h>

/* docs/hardware.md: 3.3 V through 626 Ω, 1.9 kΩ to ground (measured on the prototype). */
#define PP_SUPPLY_MV 3300.0
#define PP_PULL_OHM  626.0
#define PP_DOWN_OHM  1900.0
#define PP_SHORT_OHM 1.0 /* what a screwdriver across the contacts leaves */

void cable_init(struct cable *c, double ohm)
{
    memset(c, 0, sizeof *c);
    c->ohm = ohm;
}

/* Whoever changed the ends: notes when the pilot's path was made or broken. */
static void ends_changed(struct cable *c, bool before, uint64_t now_us, uint64_t break_us)
{
    bool after = cable_pilot(c);
    if (before == after)
        return;
    c->plugged_changed_s = (double)now_us * 1e-6;
    c->power_until_us = after ? 0 : now_us + break_us;
}

bool cable_plug(struct cable *c, bool in, uint64_t now_us, uint64_t break_us)
{
    bool before = cable_pilot(c);
    if (!in && c->in_socket && c->locked)
        return false;
    if (in && !c->in_socket && c->locked)
        return false; /* the bolt is out: nothing goes in */
    c->in_socket = c->at_car = in;
    c->pulling = false;
    ends_changed(c, before, now_us, break_us);
    return true;
}

void cable_unplug(struct cable *c, uint64_t now_us, uint64_t break_us)
{
    bool before = cable_pilot(c);
    c->at_car = false;
    if (c->locked)
        c->pulling = c->in_socket;
    else
        c->in_socket = false;
    ends_changed(c, before, now_us, break_us);
}

void cable_car_end(struct cable *c, bool in, uint64_t now_us, uint64_t break_us)
{
    bool before = cable_pilot(c);
    c->at_car = in;
    ends_changed(c, before, now_us, break_us);
}

bool cable_swap(struct cable *c, double ohm, uint64_t now_us, uint64_t break_us)
{
    bool before = cable_pilot(c);
    if (ohm > 0) {
        if (!c->in_socket && c->locked)
            return false;
        c->ohm = ohm;
        c->in_socket = true;
    } else {
        if (c->in_socket && c->locked)
            return false;
        c->in_socket = false;
    }
    c->pulling = false;
    ends_changed(c, before, now_us, break_us);
    return true;
}

void cable_lock(struct cable *c, bool locked, uint64_t now_us, uint64_t travel_us)
{
    if (c->lock_wanted == locked)
        return;
    c->lock_wanted = locked;
    c->lock_due_us = now_us + travel_us;
}

void cable_step(struct cable *c, bool lock_stuck, uint64_t now_us, uint64_t break_us)
{
    if (c->lock_due_us != 0 && now_us >= c->lock_due_us) {
        c->lock_due_us = 0;
        if (!lock_stuck)
            c->locked = c->lock_wanted;
    }
    if (c->pulling && !c->locked) {
        bool before = cable_pilot(c);
        c->pulling = false;
        c->in_socket = false;
        ends_changed(c, before, now_us, break_us);
    }
}

uint64_t cable_next_us(const struct cable *c, uint64_t now_us)
{
    uint64_t next = UINT64_MAX;
    if (c->lock_due_us != 0)
        next = c->lock_due_us;
    if (c->power_until_us > now_us && c->power_until_us < next)
        next = c->power_until_us;
    return next;
}

double cable_pp_ohm(const struct cable *c, const struct world_faults *f)
{
    if (f->pp_short)
        return PP_SHORT_OHM;
    return c->in_socket && !f->pp_open ? c->ohm : 0;
}

double cable_pp_mv(const struct cable *c, const struct world_faults *f)
{
    double ohm = cable_pp_ohm(c, f);
    double down = ohm > 0 ? PP_DOWN_OHM * ohm / (PP_DOWN_OHM + ohm) : PP_DOWN_OHM;
    return PP_SUPPLY_MV * down / (PP_PULL_OHM + down);
}
