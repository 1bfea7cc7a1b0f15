#include "sim/mains.h"

#include <math.h>
#include <string.h>

void mains_init(struct mains *m, uint64_t *rng)
{
    memset(m, 0, sizeof *m);
    m->angle = wave_random(rng) & 0xffffffffu;
    m->angle_per_us = 50.0 * 4294967296.0 / 1e6;
}

void mains_sag(struct mains *m, unsigned phases, double share, uint64_t until_us)
{
    m->sag_phases = phases;
    m->sag_share = share;
    m->sag_until_us = until_us;
}

void mains_update(struct mains *m, const struct world_mains *cfg, const struct world_faults *f,
                  const double load_s[3], uint64_t now_us)
{
    /* A dead or standing mains has no phase to speak of: keep turning so that time-based work goes on. */
    bool turning = cfg->hz >= 1 && cfg->hz <= 1000;
    m->angle_per_us = (turning ? cfg->hz : 50.0) * 4294967296.0 / 1e6;
    m->shift[0] = 0;
    m->shift[1] = cfg->order_reversed ? 2 * MAINS_TURN_3 : MAINS_TURN_3;
    m->shift[2] = cfg->order_reversed ? MAINS_TURN_3 : 2 * MAINS_TURN_3;
    m->h3 = (float)cfg->harmonic3;
    m->h5 = (float)cfg->harmonic5;
    m->h7 = (float)cfg->harmonic7;
    m->distorted = m->h3 != 0 || m->h5 != 0 || m->h7 != 0;
    m->noise = (float)cfg->noise_volt;
    double share = 1 + cfg->harmonic3 * cfg->harmonic3 + cfg->harmonic5 * cfg->harmonic5 +
                   cfg->harmonic7 * cfg->harmonic7;
    double fundamental = sqrt(2.0 / share); /* the RMS of the whole is what was set */
    bool off = f->rcd_trip || !turning;
    for (int k = 0; k < 3; k++) {
        double v = off || (f->phase_lost >> k & 1) ? 0 : cfg->volt[k];
        if (now_us < m->sag_until_us && (m->sag_phases >> k & 1))
            v *= m->sag_share;
        m->peak[k] = (float)(v * fundamental);
        m->rms[k] = (float)v;
    }
    m->neutral_broken = cfg->neutral_broken;
    if (!m->neutral_broken)
        return;
    /* The star point goes where the loads pull it: the measuring circuit's 1 MΩ on each phase, and the car.
     */
    for (int k = 0; k < 3; k++)
        m->y[k] = (float)(1e-6 + load_s[k]);
    double sum[3] = {0};
    for (uint32_t i = 0; i < 32; i++)
        for (int k = 0; k < 3; k++) {
            double v = mains_volt(m, k, i << 27);
            sum[k] += v * v;
        }
    for (int k = 0; k < 3; k++)
        m->rms[k] = (float)sqrt(sum[k] / 32);
}
