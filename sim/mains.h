/*
 * mains: the voltages at the station's terminals: amplitude, harmonics, noise, lost phases, sags, the RCD
 * upstream, a broken neutral.
 */
#ifndef SIM_MAINS_H
#define SIM_MAINS_H

#include "sim/wave.h"
#include "sim/world.h"

#define MAINS_TURN_3 0x55555555u /* a third of a turn */

struct mains {
    uint64_t angle;      /* of phase 1; 2^32 is one cycle, upper half counts cycles */
    double angle_per_us; /* in the same unit */
    uint32_t shift[3];   /* of each phase against phase 1 */
    float peak[3];       /* of the fundamental, V; 0 without supply */
    float rms[3];        /* at the terminals */
    float h3, h5, h7;    /* shares of the fundamental */
    bool distorted;
    float noise; /* V rms */
    bool neutral_broken;
    float y[3]; /* admittance of what hangs between each phase and the floating neutral */
    uint64_t sag_until_us;
    unsigned sag_phases;
    double sag_share;
};

void mains_init(struct mains *m, uint64_t *rng);
/* Takes the settings and faults as they are now. load_s: admittance behind
 * the contactor between each phase and neutral, siemens. */
void mains_update(struct mains *m, const struct world_mains *cfg, const struct world_faults *f,
                  const double load_s[3], uint64_t now_us);
void mains_sag(struct mains *m, unsigned phases, double share, uint64_t until_us);

static inline float mains_to_star(const struct mains *m, int k, uint32_t angle)
{
    uint32_t a = angle - m->shift[k];
    float v = wave_sin(a);
    if (m->distorted)
        v += m->h3 * wave_sin(3u * a) + m->h5 * wave_sin(5u * a) + m->h7 * wave_sin(7u * a);
    return v * m->peak[k];
}

/* Instantaneous voltage between phase k and the neutral terminal, V, without noise. */
static inline float mains_volt(const struct mains *m, int k, uint32_t angle)
{
    float v = mains_to_star(m, k, angle);
    if (m->neutral_broken) {
        float sum = 0, n = 0;
        for (int j = 0; j < 3; j++) {
            n += m->y[j] * mains_to_star(m, j, angle);
            sum += m->y[j];
        }
        v -= n / sum;
    }
    return v;
}

#endif
