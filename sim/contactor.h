/*
 * contactor: (sim_contactor, as core/ has its own idea of one) the coil's delays, the contacts' bounce,
 * welding, a contactor that does not pull in, and the auxiliary contact that mirrors the main ones.
 */
#ifndef SIM_CONTACTOR_H
#define SIM_CONTACTOR_H

#include "sim/world.h"

enum { CONTACTOR_BOUNCES = 4 }; /* open, closed, open, closed after the first touch */

struct sim_contactor {
    bool coil;
    bool pulled;          /* magnetic circuit, after the coil's delay */
    bool closed;          /* armature */
    bool contact;         /* what the current and the auxiliary contact see: armature with bounce */
    uint64_t pull_due_us; /* pulled follows coil then; 0: it has */
    uint64_t bounce_us[CONTACTOR_BOUNCES];
    int bounce_next; /* CONTACTOR_BOUNCES: at rest */
    uint32_t cycles, hot_switches;
    double coil_changed_s, changed_s;
};

void sim_contactor_coil(struct sim_contactor *c, bool on, const struct world_cfg *cfg, uint64_t now_us);
/* loaded: current flows now. */
void sim_contactor_step(struct sim_contactor *c, const struct world_cfg *cfg, const struct world_faults *f,
                        bool loaded, uint64_t *rng, uint64_t now_us);
uint64_t sim_contactor_next_us(const struct sim_contactor *c);

#endif
