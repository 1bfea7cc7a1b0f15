#include "tests/report/accuracy.h"

#include <math.h>

#include "tests/core/meter_bench.h"

const struct accuracy_rule accuracy_rules[ACCURACIES] = {
    [ACCURACY_V] = {"voltage, 222 to 238 V, harmonics 2 % and 3 %", 0.5},
    [ACCURACY_I] = {"current, 1 to 32 A, harmonics 10 % and 7 %", 1},
    [ACCURACY_P] = {"power, power factor 0.5 to 1, reading of 0.2 s", 2},
    [ACCURACY_PF] = {"power factor 0.5 to 1 (of full scale)", 2},
    [ACCURACY_ENERGY] = {"energy of 30 s, each phase, 1 to 32 A, power factor 0.5 to 1", 1},
    [ACCURACY_SESSION] = {"energy of a session of changing current, all phases", 1},
    [ACCURACY_FREQUENCY] = {"frequency, 49.7 to 50.25 Hz", 0.05},
};

static double off_percent(double is, double truth)
{
    return 100 * fabs(is - truth) / fabs(truth);
}

static void worst(double *w, double v)
{
    *w = v > *w ? v : *w;
}

/* Runs to the end of a window and reads it, and the truth beside it. */
static void read_window(struct meter_bench *b, struct meter_reading *r, struct world_state *st)
{
    metering_read(&b->m, r);
    for (uint64_t at_us = r->at_us; r->at_us == at_us; metering_read(&b->m, r))
        meter_bench_run(b, 0.004);
    world_state_read(b->w, st);
}

static void steady_currents(struct meter_bench *b, uint64_t seed, double w[ACCURACIES])
{
    static const double amps[] = {1, 2, 6, 10, 16, 25, 32}, factors[] = {1, 0.9, 0.7, 0.5, -0.6};
    struct world_mains *mains = world_mains(b->w);
    mains->volt[0] = 230;
    mains->volt[1] = 222;
    mains->volt[2] = 238;
    mains->harmonic3 = 0.02;
    mains->harmonic5 = 0.03;
    mains->hz = 49.7 + 0.05 * (double)(seed % 12);
    world_car(b->w)->harmonic3 = 0.1;
    world_car(b->w)->harmonic5 = 0.07;
    for (size_t a = 0; a < sizeof amps / sizeof *amps; a++) {
        struct meter_reading r, r0;
        struct world_state st, st0;
        world_car(b->w)->power_factor = factors[(a + seed) % (sizeof factors / sizeof *factors)];
        meter_bench_draw(b, amps[a]);
        meter_bench_run(b, 1);
        read_window(b, &r0, &st0);
        meter_bench_run(b, 30); /* 0.2 s at 1 A and power factor 0.5 have 0.5 % of noise (one sigma) */
        read_window(b, &r, &st);
        for (int p = 0; p < 3; p++) {
            worst(&w[ACCURACY_V], off_percent(r.v_mv[p], st.volt[p] * 1000));
            worst(&w[ACCURACY_I], off_percent(r.i_ma[p], st.amp[p] * 1000));
            worst(&w[ACCURACY_P], off_percent(r.p_mw[p], st.watt[p] * 1000));
            worst(&w[ACCURACY_PF],
                  100 * fabs(r.pf_permille[p] * 1e-3 - st.watt[p] / (st.volt[p] * st.amp[p])));
            worst(&w[ACCURACY_ENERGY], off_percent((double)(r.import_uwh[p] - r0.import_uwh[p]),
                                                   1e6 * (st.energy_phase_wh[p] - st0.energy_phase_wh[p])));
        }
        worst(&w[ACCURACY_FREQUENCY], off_percent(r.freq_mhz, 1000 * mains->hz));
    }
}

static void session(struct meter_bench *b, uint64_t seed, double w[ACCURACIES])
{
    struct meter_reading r0, r;
    struct world_state st0, st;
    world_car(b->w)->ramp_a_per_s = 8;
    meter_bench_draw(b, 0);
    meter_bench_run(b, 1);
    read_window(b, &r0, &st0);
    for (unsigned k = 0; k < 60; k++) {
        unsigned n = k + (unsigned)seed;
        world_car(b->w)->power_factor = n % 10 == 7 ? 0.69 : 0.99;
        world_mains(b->w)->volt[k % 3] = 225 + n % 11;
        world_mains(b->w)->hz = 50 + 0.02 * (n % 5);
        meter_bench_draw(b, n % 15 == 14 ? 0 : 1 + (n * 13) % 32);
        meter_bench_run(b, 1);
    }
    meter_bench_draw(b, 0);
    meter_bench_run(b, 1);
    read_window(b, &r, &st);
    worst(&w[ACCURACY_SESSION], off_percent((double)(r.import_total_uwh - r0.import_total_uwh),
                                            1e6 * (st.energy_wh - st0.energy_wh)));
}

bool accuracy_measure(uint64_t seed, double worst_percent[ACCURACIES])
{
    struct world_cfg wc;
    struct meter_bench b;
    world_cfg_default(&wc);
    world_cfg_vary(&wc, seed, 0.03);
    wc.adc.ct_delay_us = (double)(seed % 5) * 60 - 60;
    wc.adc.swap_pairs = seed % 2;
    if (!meter_bench_open(&b, &wc, seed))
        return false;
    bool ok = meter_bench_calibrate(&b);
    if (ok) {
        steady_currents(&b, seed, worst_percent);
        session(&b, seed, worst_percent);
    }
    meter_bench_close(&b);
    return ok;
}
