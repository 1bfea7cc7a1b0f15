/*
 * Fuzz target: any calibration and any row of frames into the meter: clean waves, raw rubbish, lost frames, a
 * switch that does not obey, clocks that jump. Energy must never go backwards nor grow faster than the front
 * ends can show, and every figure must be one that a meter can have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/metering.h"
#include "tests/core/frames.h"

/* Not assert: it must stay in release builds. */
#define must(x) ((x) ? (void)0 : violated(#x, __LINE__))
static _Noreturn void violated(const char *what, int line)
{
    fprintf(stderr, "core_metering.c:%d: does not hold: %s\n", line, what);
    abort();
}

enum {
    FRAMES_MOST = 3000,
    /* What a pin can show, 2640 mV about any zero: with the largest gain that settings allow (115 %) below
       these. */
    V_MOST_MV = 1200000,
    I_MOST_MA = 190000,
    HZ_MOST_MHZ = 75000,
};

struct input {
    const uint8_t *at;
    size_t left;
};

static uint8_t byte(struct input *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->at++;
}

static int32_t spread(struct input *in, int32_t middle, int32_t most)
{
    return middle + (byte(in) - 128) * most / 128;
}

static void sane(const struct metering *m, struct meter_reading *before, uint64_t now_us)
{
    struct meter_reading r;
    metering_read(m, &r);
    uint64_t sum_uwh = 0;
    for (int p = 0; p < 3; p++) {
        must(r.import_uwh[p] >= before->import_uwh[p]);
        must(r.v_mv[p] >= 0 && r.v_mv[p] <= V_MOST_MV);
        must(r.i_ma[p] >= 0 && r.i_ma[p] <= I_MOST_MA);
        must(r.pf_permille[p] >= -1000 && r.pf_permille[p] <= 1000);
        must(llabs((long long)r.p_mw[p]) <= (long long)V_MOST_MV * I_MOST_MA / 1000);
        sum_uwh += r.import_uwh[p];
    }
    must(r.import_total_uwh >= before->import_total_uwh);
    must(r.import_total_uwh == sum_uwh);
    must(r.freq_mhz >= 0 && r.freq_mhz <= HZ_MOST_MHZ);
    must(r.at_us >= before->at_us);
    /* No more than three phases of the most that can be measured, over the time since the last reading. */
    uint64_t dt_us = r.at_us > before->at_us && before->at_us ? r.at_us - before->at_us : now_us;
    double most_uwh = 3.0 * V_MOST_MV * 1e-3 * I_MOST_MA * 1e-3 * (double)dt_us / 3600 + 3;
    must((double)(r.import_total_uwh - before->import_total_uwh) <= most_uwh);
    *before = r;

    int32_t fast_ma[3], pp_mv = 0;
    metering_fast_current_ma(m, fast_ma);
    for (int p = 0; p < 3; p++)
        must(fast_ma[p] >= 0 && fast_ma[p] <= I_MOST_MA);
    if (metering_pp_mv(m, now_us, &pp_mv))
        must(pp_mv >= -4000 && pp_mv <= 4000);
    struct metering_raw raw;
    metering_raw_read(m, &raw);
    for (int p = 0; p < 3; p++)
        must(raw.i_uv[p] >= 0 && raw.v_uv[p] >= 0 && raw.i_noise_uv[p] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct metering m; /* static: large */
    static struct sense s;
    static struct sense_frame frame;
    struct input in = {data, size};
    struct metering_cfg cfg;
    struct meter_reading before = {0};
    struct frames f;

    metering_cfg_default(&cfg);
    cfg.phases = byte(&in) & 1 ? 1 : 3;
    for (int p = 0; p < 3; p++) { /* what calibration lets pass */
        cfg.i_zero_dmv[p] = spread(&in, 13000, 1500);
        cfg.v_zero_dmv[p] = spread(&in, 13000, 1500);
        cfg.i_gain_ppm[p] = spread(&in, 1000000, 150000);
        cfg.v_gain_ppm[p] = spread(&in, 1000000, 150000);
        cfg.i_phase_us[p] = spread(&in, 0, 1500);
    }
    uint8_t history = byte(&in);
    if (history & 1) { /* energy kept over a power cut */
        before.import_uwh[0] = (uint64_t)history << 40;
        before.import_total_uwh = before.import_uwh[0];
    }
    metering_init(&m, &cfg, history & 1 ? &before : NULL);
    frames_init(&f);
    sense_init(&s, &f.cfg);

    int frames = 0;
    while (in.left && frames < FRAMES_MOST) {
        uint8_t op = byte(&in), n = 1;
        uint16_t raw[SENSE_FRAME_MAX];
        bool rubbish = false;
        switch (op & 7) {
        case 0:
            f.amp[op >> 3 & 3 ? (op >> 3 & 3) - 1 : 0] = byte(&in) * 0.35;
            break;
        case 1:
            f.volt[op >> 3 & 3 ? (op >> 3 & 3) - 1 : 0] = byte(&in) * 1.6;
            break;
        case 2:
            f.hz = 30 + byte(&in) * 0.2;
            break;
        case 3:
            f.i_shift_deg = byte(&in) * 1.41;
            f.noise_mv = (op >> 3) * 2;
            break;
        case 4: /* lost frames, or a clock that jumps */
            f.t_us += byte(&in) * (op & 8 ? 4843.0 : op & 16 ? 1e6 : 100.0);
            s.seq += op & 32 ? 1u : 0u;
            break;
        case 5:
            rubbish = true;
            break;
        case 6:
            f.rate_hz = SENSE_RATE_HZ * (0.9 + byte(&in) * 0.0008);
            break;
        default:
            n = byte(&in);
        }
        for (; n && frames < FRAMES_MOST; n--, frames++) {
            uint64_t end_us;
            size_t len = frames_next(&f, raw, &end_us);
            if (rubbish) {
                len = byte(&in);
                size_t bytes = in.left < len * 2 ? in.left : len * 2;
                if (bytes)
                    memcpy(raw, in.at, bytes);
                in.at += bytes;
                in.left -= bytes;
            }
            uint8_t mux = op & 64 ? (uint8_t)(op >> 7) : metering_mux_wanted(&m);
            sense_frame_read(&s, raw, len, end_us, 0, mux, &frame);
            f.mux = s.mux;
            metering_on_frame(&m, &frame);
            sane(&m, &before, end_us);
        }
    }
    return 0;
}
