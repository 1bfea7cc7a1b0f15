#include "sim/pilot.h"

#include <string.h>

void sim_pilot_init(struct sim_pilot *p, double load_nf)
{
    memset(p, 0, sizeof *p);
    p->powered = true;
    p->duty_bp = p->wanted_bp = PILOT_STEADY; /* the driver's idle level: steady +12 V */
    p->high_q16 = PILOT_PERIOD_Q16;
    p->tau_us = (float)(load_nf > 0.01 ? load_nf : 0.01); /* 1 kΩ · nF = µs */
    p->edge_q16 = 10 * p->tau_us * 65536;                 /* e^-10: 1 mV left of 24 V */
    sim_pilot_solve(p, 0, 0, false);
}

void sim_pilot_solve(struct sim_pilot *p, double r_ohm, double diode_v, bool shorted)
{
    double high = p->powered ? PILOT_SOURCE_V : 0, low = -high;
    if (shorted) {
        high = low = 0;
    } else if (r_ohm > 0) {
        double part = r_ohm / (PILOT_SOURCE_OHM + r_ohm);
        if (diode_v < 0) { /* shorted diode: a plain divider both ways */
            high *= part;
            low *= part;
        } else if (high > diode_v) { /* conducts one way only; the low phase stays open */
            high = diode_v + (high - diode_v) * part;
        }
    }
    p->high_v = (float)high;
    p->low_v = (float)low;
}

void sim_pilot_wrap(struct sim_pilot *p, uint64_t now_us)
{
    bool was_high = p->duty_bp == PILOT_STEADY;
    if (p->duty_bp != p->wanted_bp) {
        p->duty_bp = p->wanted_bp;
        p->high_q16 = p->duty_bp * (PILOT_PERIOD_Q16 / 10000u);
        p->duty_changed_s = (double)now_us * 1e-6;
    }
    p->edge_at_wrap = (p->duty_bp > 0) != was_high;
}

void sim_pilot_power(struct sim_pilot *p, bool on)
{
    p->powered = on;
    p->wanted_bp = PILOT_STEADY;
}
