/*
 * car: the vehicle: its pilot resistors and S2, the on-board charger that follows the duty, and the battery.
 */
#ifndef SIM_CAR_H
#define SIM_CAR_H

#include "sim/world.h"

enum { CAR_DUTY_HISTORY = 16 };

/* What the car meets in this instant. */
struct car_in {
    uint64_t now_us;
    double dt_s;        /* since the last step */
    bool pilot;         /* pilot and PE reach the station */
    bool pilot_zero;    /* pilot level is 0 V or below: shorted, state F, station without supply */
    unsigned duty_bp;   /* on the line, if pilot */
    double supply_v[3]; /* RMS at the inlet, 0 without */
};

struct car {
    struct world_car cfg;
    bool ready, s2;
    uint64_t s2_due_us; /* S2 turns over then; 0: not under way */
    bool stopping;      /* current fades before S2 opens */
    uint64_t stop_begins_us;
    double fade_a;           /* current at which the fading began; 0: not yet */
    uint64_t s2_opened_us;   /* since when; 0: never was closed */
    uint64_t pulse_until_us; /* S2 held by hand until then */
    bool pulse_closed;
    uint64_t zero_since_us;  /* pilot at or below 0 V, for waking; 0: it is not */
    uint64_t power_since_us; /* voltage at the inlet; 0: none */
    struct {
        uint64_t at_us;
        double limit_a;
    } seen[CAR_DUTY_HISTORY]; /* limits the car has seen and not yet followed, oldest first */
    int seen_n;
    double seen_a, followed_a;
    double amp[3]; /* drawn now, A rms */
    double s2_changed_s;
};

void car_init(struct car *c, const struct world_car *cfg);
void car_step(struct car *c, const struct car_in *in);
/* Energy that went in at the inlet. */
void car_charge(struct car *c, double wh);
void car_unplugged(struct car *c);
void car_pulse(struct car *c, bool closed, uint64_t until_us);
/* Resistance of the pilot circuit as S2 stands, Ω. */
double car_pilot_ohm(const struct car *c);
uint64_t car_next_us(const struct car *c, uint64_t now_us);
double car_soc(const struct car *c);
/* Current the duty (0.01 %) allows, A; 0: no charging. */
double car_duty_limit_a(unsigned duty_bp);

#endif
