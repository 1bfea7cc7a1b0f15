/* world's inside, shared by world.c, sampler.c and verbs.c; everyone else includes sim/world.h. */
#ifndef SIM_WORLD_STATE_H
#define SIM_WORLD_STATE_H

#include "sim/adc.h"
#include "sim/cable.h"
#include "sim/car.h"
#include "sim/contactor.h"
#include "sim/mains.h"
#include "sim/pilot.h"
#include "sim/truth.h"

enum { WORLD_CHANNELS = 16 }; /* a raw word carries four bits of channel */

struct world {
    struct world_cfg cfg;
    struct world_faults faults;
    uint64_t rng,
        noise;        /* of events; of samples: apart, so that a car's reaction does not hang on the noise */
    uint64_t now_q16; /* µs · 65536, time of the last conversion */
    int pattern_pos;
    int mux;
    bool mux_turned; /* and the pins have not settled */
    uint64_t mux_at_q16;
    float mux_from[2]; /* pin voltages at the turn */
    bool powered, button, rcm_fault;
    uint64_t button_until_us; /* 0: held or not by hand */
    uint64_t rcm_due_us;      /* answer of the monitor to its test; 0: none under way */
    bool rcm_test;
    double rise_k; /* station's inside above ambient */
    double current_zero_s;
    bool frame_spoilt; /* no conversions were made during part of the present frame */
    uint64_t slow_us;  /* last slow step */
    double charged_wh; /* since then */
    struct mains mains;
    struct sim_pilot pilot;
    struct cable cable;
    struct sim_contactor contactor;
    struct car car;
    struct load load;
    struct truth truth;
    struct adc adc;
};

/* Settled or not, what stands behind the two switched pins now (0: M0, 1: M1), mV. */
float world_mux_pin(const struct world *w, int pin, uint32_t angle);
/* Makes n conversions; nothing in the world changes meanwhile but time, mains and pilot. */
void world_sample(struct world *w, uint16_t *raw, size_t n);
/* The same time without a converter. */
void world_skip(struct world *w, size_t n);
/* Conversion period, µs · 65536. */
uint64_t world_period_q16(const struct world *w);

#endif
