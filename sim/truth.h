/*
 * truth: what a perfect meter at the terminals would read: RMS, power and energy per mains cycle, straight
 * from the models, without front ends or converter.
 */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include "sim/mains.h"

enum { TRUTH_STEPS = 32 }; /* per cycle: products of the 7th harmonic (14th) stay well below the 32nd */

/* The current of all phases, as a waveform. */
struct load {
    float peak[3]; /* of the fundamental, A; 0: none */
    uint32_t lag;  /* of the fundamental behind the voltage */
    float h3, h5;  /* shares of the fundamental */
    bool distorted, any;
};

struct truth {
    uint64_t next_angle;
    int steps;
    double vv[3], ii[3], vi[3];
    double volt[3], amp[3], watt[3]; /* of the last whole cycle */
    double energy_wh[3];
};

void truth_init(struct truth *t, uint64_t angle);
void load_update(struct load *l, const struct world_car *car, const double amp[3], bool connected);
/* Takes the steps that lie between the last call and `angle`. Returns the energy of these steps, Wh. */
double truth_advance(struct truth *t, const struct mains *m, const struct load *l, uint64_t angle);

/* Instantaneous current of phase k, A, with the angle of phase 1. */
static inline float load_amp(const struct load *l, const struct mains *m, int k, uint32_t angle)
{
    uint32_t a = angle - m->shift[k] - l->lag;
    float i = wave_sin(a);
    if (l->distorted)
        i += l->h3 * wave_sin(3u * a) + l->h5 * wave_sin(5u * a);
    return i * l->peak[k];
}

#endif
