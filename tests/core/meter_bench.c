#include "tests/core/meter_bench.h"

#include <stdlib.h>
#include <string.h>

#include "core/calibrate.h"

bool meter_bench_open(struct meter_bench *b, const struct world_cfg *wc, uint64_t seed)
{
    memset(b, 0, sizeof *b);
    void *mem = malloc(world_size());
    if (!mem)
        return false;
    b->w = world_init(mem, wc, seed);
    sense_cfg_default(&b->sense_cfg);
    world_adc_curve(b->w, b->sense_cfg.curve_dmv);
    sense_init(&b->sense, &b->sense_cfg);
    metering_cfg_default(&b->cfg);
    metering_init(&b->m, &b->cfg, NULL);
    struct world_car *car = world_car(b->w);
    car->min_a = 0;
    car->start_s = 0;
    car->ramp_a_per_s = 1e6;
    car->ignores_duty = true;
    car->s2_force = 1;
    car->taper_from = 1;
    car->battery_wh = 1e9;
    car->filled_wh = 0;
    car->power_factor = 1;
    world_plug(b->w, true);
    world_set_pilot(b->w, 5000);
    return true;
}

void meter_bench_close(struct meter_bench *b)
{
    free(b->w);
    b->w = NULL;
}

void meter_bench_run(struct meter_bench *b, double seconds)
{
    uint64_t until = world_now_us(b->w) + (uint64_t)(seconds * 1e6), end_us;
    uint16_t raw[WORLD_FRAME_LEN];

    while (world_now_us(b->w) < until) {
        size_t n = world_frame(b->w, raw, &end_us);
        sense_frame_read(&b->sense, raw, n, end_us, 0, b->wanted, &b->f);
        world_set_mux(b->w, b->sense.mux);
        metering_on_frame(&b->m, &b->f);
        if (++b->frames % 2 == 0)
            b->wanted = metering_mux_wanted(&b->m);
    }
}

void meter_bench_draw(struct meter_bench *b, double amps)
{
    world_car(b->w)->max_a = amps;
    world_set_coil(b->w, amps > 0);
    meter_bench_run(b, 0.3); /* contactor, car */
}

/* Mean of what stands at the pins, over some seconds; the truth beside it. */
static void measure(struct meter_bench *b, struct calibrate_wave_point i[3], struct calibrate_wave_point v[3],
                    int32_t lag_ns[3])
{
    enum { TIMES = 20 };
    double sum[3][6] = {{0}};
    meter_bench_run(b, 1);
    for (int t = 0; t < TIMES; t++) {
        struct metering_raw raw;
        struct world_state st;
        meter_bench_run(b, 0.25);
        metering_raw_read(&b->m, &raw);
        world_state_read(b->w, &st);
        for (int p = 0; p < 3; p++) {
            sum[p][0] += raw.i_uv[p];
            sum[p][1] += raw.v_uv[p];
            sum[p][2] += st.amp[p] * 1000;
            sum[p][3] += st.volt[p] * 1000;
            sum[p][4] += raw.i_lag_ns[p];
        }
        for (int p = 0; p < 3; p++) {
            i[p].mean_dmv = raw.i_mean_dmv[p];
            v[p].mean_dmv = raw.v_mean_dmv[p];
        }
    }
    for (int p = 0; p < 3; p++) {
        i[p].pin_uv = (int32_t)(sum[p][0] / TIMES);
        v[p].pin_uv = (int32_t)(sum[p][1] / TIMES);
        i[p].truth = (int32_t)(sum[p][2] / TIMES);
        v[p].truth = (int32_t)(sum[p][3] / TIMES);
        lag_ns[p] = (int32_t)(sum[p][4] / TIMES);
    }
}

bool meter_bench_calibrate(struct meter_bench *b)
{
    struct calibrate_wave_point i[2][3], v[2][3];
    int32_t lag[3], none[3];
    bool ok = true;
    world_mains(b->w)->volt[0] = world_mains(b->w)->volt[1] = world_mains(b->w)->volt[2] = 210;
    meter_bench_draw(b, 3);
    measure(b, i[0], v[0], none);
    world_mains(b->w)->volt[0] = world_mains(b->w)->volt[1] = world_mains(b->w)->volt[2] = 245;
    meter_bench_draw(b, 30);
    measure(b, i[1], v[1], lag);
    for (int p = 0; p < 3; p++) {
        const struct calibrate_wave_point ip[2] = {i[0][p], i[1][p]}, vp[2] = {v[0][p], v[1][p]};
        ok = ok && calibrate_current(ip, &b->cfg.i_zero_dmv[p], &b->cfg.i_gain_ppm[p]) == CALIBRATE_OK;
        ok = ok && calibrate_voltage(vp, &b->cfg.v_zero_dmv[p], &b->cfg.v_gain_ppm[p]) == CALIBRATE_OK;
        ok = ok && calibrate_delay(lag[p], &b->cfg.i_phase_us[p]) == CALIBRATE_OK;
    }
    metering_init(&b->m, &b->cfg, NULL);
    return ok;
}
