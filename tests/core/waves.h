/*
 * waves: frames as core/sense leaves them, of currents and voltages whose truth is known: made sample by
 * sample, with skew, noise, bias, harmonics, the switch's timing.
 */
#ifndef TESTS_CORE_WAVES_H
#define TESTS_CORE_WAVES_H

#include "core/metering.h"

#define TURN 6.283185307179586

struct phase_signal {
    double v, i, angle;    /* RMS, RMS, lag of the current's fundamental in radians */
    double v3, v5, i3, i5; /* shares of the fundamental */
    double v_turn;         /* position among the phases, turns */
    double i_zero, v_zero; /* bias at the pin, 0.1 mV */
    double i_sign;
};

struct source {
    struct phase_signal ph[3];
    double hz, rate, noise_dmv, step_dmv, jitter_us, ct_delay_us, pp_mv;
    double vx, vy; /* displacement of the neutral, V rms: in phase with L1, and a quarter turn later */
    double t0;     /* phase at the start, s */
    int64_t conversions;
    uint32_t seq;
    int mux, settling;
    int wanted;     /* where the control thread has said that the switch shall stand */
    unsigned batch; /* frames between two looks of the control thread */
    uint64_t random, origin_us;
    struct sense_frame f;
};

double waves_uniform(struct source *s);
void source_init(struct source *s);
/* No noise, no steps of the converter but those of the frame itself (0.1 mV). */
void source_init_exact(struct source *s);
/* True active power of one phase, W (no displaced neutral). */
double watt(const struct source *s, int p);
/* The next frame, in the pattern CP I1 CP I2 CP I3 CP M0 CP M1. `wanted`: where the switch stands from the
 * next on. */
const struct sense_frame *frame(struct source *s, int wanted);
/* Lets the meter look at one frame, or for so long, its wish for the switch passed on in batches as the
 * control thread would. */
void look_once(struct source *s, struct metering *m);
void look(struct source *s, struct metering *m, double seconds);
/* The end of the present window. */
void to_window(struct source *s, struct metering *m, struct meter_reading *r);
/* A meter with default settings. */
void start(struct metering *m, int phases);

#endif
