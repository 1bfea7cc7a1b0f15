/*
 * pilot: (sim_pilot, as core/ has its own idea of one) the control-pilot circuit: the station's ±12 V timer
 * output behind 1 kΩ, the line, the car's resistor and diode, and the edges that the line's capacitance
 * makes.
 */
#ifndef SIM_PILOT_H
#define SIM_PILOT_H

#include <math.h>

#include "sim/world.h"

#define PILOT_SOURCE_V   12.0   /* IEC 61851-1 Table A.2 */
#define PILOT_SOURCE_OHM 1000.0 /* IEC 61851-1 Table A.2 */
enum { PILOT_PERIOD_Q16 = 1000 * 65536, PILOT_OFF = 0, PILOT_STEADY = 10000 };

struct sim_pilot {
    unsigned duty_bp;   /* what the timer puts out in this period */
    unsigned wanted_bp; /* takes over at the end of the period, as in the LEDC */
    bool powered;
    uint32_t phase_q16;     /* time in the period, µs · 65536 */
    uint32_t high_q16;      /* end of the high phase */
    bool edge_at_wrap;      /* level changed at the beginning of this period */
    float high_v, low_v;    /* settled levels */
    float tau_us, edge_q16; /* time constant; beyond edge_q16 an edge is over */
    double duty_changed_s;
};

void sim_pilot_init(struct sim_pilot *p, double load_nf);
/* Solves the circuit. r_ohm: car's resistor, 0 without a car; diode_v: its drop, < 0: diode shorted; shorted:
 * to PE. */
void sim_pilot_solve(struct sim_pilot *p, double r_ohm, double diode_v, bool shorted);
/* End of a period: the timer takes over the duty that was written. */
void sim_pilot_wrap(struct sim_pilot *p, uint64_t now_us);
void sim_pilot_power(struct sim_pilot *p, bool on);

/* A sample sees an edge when it falls within this time after it. */
static inline bool sim_pilot_on_edge(const struct sim_pilot *p, uint32_t phase)
{
    if (phase >= p->high_q16 && p->high_q16 != 0)
        return (float)(phase - p->high_q16) < p->edge_q16;
    return p->edge_at_wrap && (float)phase < p->edge_q16;
}

/* Voltage of the line on an edge. */
static inline float sim_pilot_edge_volt(const struct sim_pilot *p, uint32_t phase)
{
    bool falling = phase >= p->high_q16;
    uint32_t since = falling ? phase - p->high_q16 : phase;
    float to = falling ? p->low_v : p->high_v, from = falling ? p->high_v : p->low_v;
    return to + (from - to) * expf(-(float)since / (p->tau_us * 65536.0f));
}

#endif
