/*
 * meter_bench: a meter behind simulated front ends and converter, a load that can be set, and the two-point
 * calibration of an installer.
 */
#ifndef TESTS_CORE_METER_BENCH_H
#define TESTS_CORE_METER_BENCH_H

#include "core/metering.h"
#include "sim/world.h"

struct meter_bench {
    struct world *w;
    struct sense_cfg sense_cfg;
    struct sense sense;
    struct metering_cfg cfg;
    struct metering m;
    struct sense_frame f;
    unsigned frames;
    uint8_t wanted; /* as the control thread passed it on last */
};

/* False: no memory. */
bool meter_bench_open(struct meter_bench *b, const struct world_cfg *wc, uint64_t seed);
void meter_bench_close(struct meter_bench *b);
void meter_bench_run(struct meter_bench *b, double seconds);
/* This current from now on, each phase; 0: contactor open. */
void meter_bench_draw(struct meter_bench *b, double amps);
/* At 3 A, 210 V and 30 A, 245 V, by the world's truth; the meter starts anew. False: refused. */
bool meter_bench_calibrate(struct meter_bench *b);

#endif
