#include "tests/core/frames.h"

#include <math.h>
#include <string.h>

void frames_init(struct frames *f)
{
    memset(f, 0, sizeof *f);
    sense_cfg_default(&f->cfg);
    f->rate_hz = SENSE_RATE_HZ;
    f->t_us = 1000;
    f->duty_bp = 10000;
    f->edge_us = 1;
    f->hz = 50;
    f->pp_mv = 793;
    f->random = 12345;
    f->event_us = 1e18;
    for (int p = 0; p < 3; p++)
        f->volt[p] = 230;
    frames_pilot(f, 'A', true);
}

void frames_pilot(struct frames *f, char letter, bool diode)
{
    static const int32_t level[] = {12000, 9000, 6000, 3000, 0, -12000};
    f->high_mv = level[letter - 'A'];
    f->low_mv = letter == 'E' ? 0 : diode || letter == 'A' || letter == 'F' ? -12000 : -f->high_mv;
}

static double noise(struct frames *f)
{
    f->random = f->random * 1664525u + 1013904223u;
    return ((double)(f->random >> 8) / 8388608.0 - 1) * f->noise_mv;
}

static double pilot_volt(struct frames *f, double t_us)
{
    if (t_us >= f->event_us) {
        f->high_mv = f->event_high_mv;
        f->low_mv = f->event_low_mv;
        f->event_us = 1e18;
    }
    double high = f->high_mv / 1000.0, low = f->low_mv / 1000.0;
    if (f->duty_bp >= 10000)
        return high;
    if (f->duty_bp == 0)
        return low;
    double at = fmod(t_us, 1000), width = f->duty_bp / 10.0;
    return at < width ? high + (low - high) * exp(-at / f->edge_us)
                      : low + (high - low) * exp(-(at - width) / f->edge_us);
}

static double pin_mv(struct frames *f, int signal, double t_us)
{
    double w = 2 * M_PI * f->hz * t_us * 1e-6;
    int phase = 0;
    switch (signal) {
    case SENSE_CP:
        return f->cfg.cp_bipolar ? 1300 + 87.3 * pilot_volt(f, t_us) : 233 * (pilot_volt(f, t_us) - 1.3);
    case SENSE_I1:
    case SENSE_I2:
    case SENSE_I3:
        phase = signal - SENSE_I1;
        return 1300 +
               18 * M_SQRT2 * f->amp[phase] * sin(w - phase * 2 * M_PI / 3 - f->i_shift_deg * M_PI / 180);
    case SENSE_M0:
        phase = f->mux ? 2 : 0;
        break;
    default:
        if (f->mux)
            return f->pp_mv;
        phase = 1;
    }
    return 1300 + 2.8 * M_SQRT2 * f->volt[phase] * sin(w - phase * 2 * M_PI / 3);
}

size_t frames_next(struct frames *f, uint16_t raw[SENSE_FRAME_LEN], uint64_t *end_us)
{
    double step_us = 1e6 / f->rate_hz;
    for (int i = 0; i < SENSE_FRAME_LEN; i++) {
        int signal = sense_default_pattern[i % SENSE_PATTERN_LEN];
        double mv = pin_mv(f, signal, f->t_us) + f->offset_mv + noise(f);
        double code = floor(mv * 4096 / 2640 + 0.5);
        code = code < 0 ? 0 : code > 4095 ? 4095 : code;
        raw[i] = (uint16_t)(f->cfg.channel_of[signal] << 12 | (int)code);
        f->t_us += step_us;
    }
    *end_us = (uint64_t)(f->t_us - step_us);
    return SENSE_FRAME_LEN;
}

uint32_t frames_feed(struct frames *f, struct guard *g)
{
    uint16_t raw[SENSE_FRAME_LEN];
    uint64_t end_us;
    size_t n = frames_next(f, raw, &end_us);
    uint32_t out = guard_on_frame(g, raw, n, end_us, f->inputs);
    f->mux = (out & GUARD_OUT_MUX) != 0;
    return out;
}
