#include "sim/truth.h"

#include <math.h>
#include <string.h>

#define STEP_ANGLE (4294967296u / TRUTH_STEPS)

void truth_init(struct truth *t, uint64_t angle)
{
    memset(t, 0, sizeof *t);
    t->next_angle = angle;
}

void load_update(struct load *l, const struct world_car *car, const double amp[3], bool connected)
{
    l->any = connected && (amp[0] > 0 || amp[1] > 0 || amp[2] > 0);
    if (!l->any) {
        memset(l->peak, 0, sizeof l->peak);
        return;
    }
    double pf = car->power_factor < -1 ? -1 : car->power_factor > 1 ? 1 : car->power_factor;
    double turn = acos(pf < 0 ? -pf : pf) / (2 * 3.14159265358979);
    l->lag = (uint32_t)(int64_t)((pf < 0 ? -turn : turn) * 4294967296.0);
    l->h3 = (float)car->harmonic3;
    l->h5 = (float)car->harmonic5;
    l->distorted = l->h3 != 0 || l->h5 != 0;
    double fundamental = sqrt(2 / (1 + car->harmonic3 * car->harmonic3 + car->harmonic5 * car->harmonic5));
    for (int k = 0; k < 3; k++)
        l->peak[k] = (float)(amp[k] * fundamental);
}

static void cycle_done(struct truth *t)
{
    for (int k = 0; k < 3; k++) {
        t->volt[k] = sqrt(t->vv[k] / TRUTH_STEPS);
        t->amp[k] = sqrt(t->ii[k] / TRUTH_STEPS);
        t->watt[k] = t->vi[k] / TRUTH_STEPS;
        t->vv[k] = t->ii[k] = t->vi[k] = 0;
    }
    t->steps = 0;
}

double truth_advance(struct truth *t, const struct mains *m, const struct load *l, uint64_t angle)
{
    double energy = 0;
    double hours = STEP_ANGLE / m->angle_per_us / 3600e6;
    for (; t->next_angle <= angle; t->next_angle += STEP_ANGLE) {
        uint32_t a = (uint32_t)t->next_angle;
        for (int k = 0; k < 3; k++) {
            double v = (double)mains_volt(m, k, a);
            t->vv[k] += v * v;
            if (!l->any)
                continue;
            double i = (double)load_amp(l, m, k, a);
            t->ii[k] += i * i;
            t->vi[k] += v * i;
            t->energy_wh[k] += v * i * hours;
            energy += v * i * hours;
        }
        if (++t->steps == TRUTH_STEPS)
            cycle_done(t);
    }
    return energy;
}
