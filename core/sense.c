/*
 * sense: one frame of raw conversions into numbers. Part of the trip path: integers, bounded loops, no calls
 * that leave this file.
 *
 * The pilot's two levels are found as the fullest place of a histogram of the frame's samples: samples on an
 * edge, a change of level in mid-frame and single outliers then can't pull the level, as they would pull a
 * mean.
 */
#include "core/sense.h"

const uint8_t sense_default_pattern[SENSE_PATTERN_LEN] = {
    SENSE_CP, SENSE_I1, SENSE_CP, SENSE_I2, SENSE_CP, SENSE_I3, SENSE_CP, SENSE_M0, SENSE_CP, SENSE_M1,
};

enum {
    BIN_MV = 256,
    BIN_ORIGIN_MV = SENSE_BINS / 2 * BIN_MV, /* so that bin 0 starts at -16384 mV */
    WINDOW_BINS = 4,                         /* a level with its noise lies within 1 V */
    /* The line between the high and the low phase. Bipolar: below state E (0 V) with the front end's offset,
     * above the -3 V of a car in state D without a diode. Unipolar: above what a clipped pin still reads as
     * (a converter that ends at 150 mV shows +1.9 V), below state D (2.62 V). */
    BIPOLAR_LINE_MV = -1536,
    UNIPOLAR_LINE_MV = 2304,
    GAIN_MAX_Q16 = 8 * 65536 - 1,
    CP_LIMIT_MV = BIN_ORIGIN_MV - 1,
    SETTLE_FRAMES =
        1, /* after a turn of the analogue switch: its filter needs less than the 4.8 ms of a frame */
};

void sense_cfg_default(struct sense_cfg *cfg)
{
    /* Default pin map: CP 36, I1 39, I2 34, I3 35, M0 32, M1 33 are these channels of ADC1. */
    static const uint8_t channel[SENSE_SIGNALS] = {0, 3, 6, 7, 4, 5};
    for (int i = 0; i < SENSE_SIGNALS; i++)
        cfg->channel_of[i] = channel[i];
    for (int i = 0; i < SENSE_CURVE_POINTS; i++)
        cfg->curve_dmv[i] = (int16_t)(i * 1650); /* an ideal converter: 2640 mV at 4096 */
    cfg->cp_bipolar = true;
    cfg->cp_zero_dmv = 13000;
    cfg->cp_gain_q16 = 75070; /* 87.3 mV per volt: 1.14548 mV of CP per 0.1 mV */
}

void sense_init(struct sense *s, const struct sense_cfg *cfg)
{
    *s = (struct sense){.cfg = *cfg};
    if (s->cfg.cp_gain_q16 < 0 || s->cfg.cp_gain_q16 > GAIN_MAX_Q16)
        s->cfg.cp_gain_q16 = GAIN_MAX_Q16; /* no calibration is like that: every level reads out of range */
}

/* Pin voltage in 0.1 mV, interpolated on the calibration curve. */
static int32_t pin_dmv(const struct sense_cfg *cfg, uint32_t raw)
{
    uint32_t i = raw >> 8;
    int32_t low = cfg->curve_dmv[i], step = cfg->curve_dmv[i + 1] - low;
    return low + step * (int32_t)(raw & 255u) / 256;
}

static int32_t pilot_mv(const struct sense_cfg *cfg, int32_t dmv)
{
    /* The factor is split so that 32 bits hold the product: |dmv - zero| < 2^16, gain < 2^19. */
    int32_t d = dmv - cfg->cp_zero_dmv;
    int32_t mv = d * (cfg->cp_gain_q16 >> 16) + d / 2 * (cfg->cp_gain_q16 & 0xFFFF) / 32768;
    return mv < -CP_LIMIT_MV ? -CP_LIMIT_MV : mv > CP_LIMIT_MV ? CP_LIMIT_MV : mv;
}

/* Level of the fullest WINDOW_BINS of bins [from, to); its number of samples is the result. */
static uint16_t fullest(const struct sense *s, int from, int to, int32_t *mv)
{
    uint32_t n = 0, best = 0;
    int32_t sum = 0, best_sum = 0;
    for (int i = from; i < to; i++) {
        n += s->bin_n[i];
        sum += s->bin_sum_mv[i];
        if (i - from >= WINDOW_BINS) {
            n -= s->bin_n[i - WINDOW_BINS];
            sum -= s->bin_sum_mv[i - WINDOW_BINS];
        }
        if (n > best) {
            best = n;
            best_sum = sum;
        }
    }
    *mv = best ? best_sum / (int32_t)best : 0;
    return (uint16_t)best;
}

void sense_frame_read(struct sense *s, const uint16_t *raw, size_t n, uint64_t end_us, uint32_t inputs,
                      uint8_t mux_wanted, struct sense_frame *out)
{
    const struct sense_cfg *cfg = &s->cfg;
    const int32_t line_mv = cfg->cp_bipolar ? BIPOLAR_LINE_MV : UNIPOLAR_LINE_MV;
    const int line_bin = (line_mv + BIN_ORIGIN_MV) / BIN_MV;
    uint8_t signal_of[16];
    uint32_t pilots = 0;

    for (int c = 0; c < 16; c++)
        signal_of[c] = SENSE_SIGNALS;
    for (int i = 0; i < SENSE_SIGNALS; i++)
        signal_of[cfg->channel_of[i] & 15] = (uint8_t)i;
    for (int i = 0; i < SENSE_BINS; i++) {
        s->bin_n[i] = 0;
        s->bin_sum_mv[i] = 0;
    }
    if (n > SENSE_FRAME_MAX)
        n = SENSE_FRAME_MAX;
    out->end_us = end_us;
    out->seq = s->seq++;
    out->inputs = inputs;
    out->samples = (uint16_t)n;
    out->foreign = 0;
    out->mux = s->mux;
    out->mux_settling = s->settling > 0;
    out->cp.n_above = 0;
    for (int w = 0; w < SENSE_WAVES; w++)
        out->n[w] = out->first[w] = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t signal = signal_of[raw[i] >> 12];
        if (signal == SENSE_SIGNALS) {
            out->foreign++;
            continue;
        }
        int32_t dmv = pin_dmv(cfg, raw[i] & 0xFFFu);
        if (signal == SENSE_CP) {
            int32_t mv = pilot_mv(cfg, dmv);
            int bin = (mv + BIN_ORIGIN_MV) / BIN_MV;
            s->bin_n[bin]++;
            s->bin_sum_mv[bin] += mv;
            pilots++;
            if (mv >= line_mv)
                out->cp.n_above++;
        } else {
            uint32_t w = signal - SENSE_I1;
            if (out->n[w] < SENSE_SLOTS_MAX) {
                if (!out->n[w])
                    out->first[w] = (uint8_t)i;
                out->dmv[w][out->n[w]++] = (int16_t)dmv;
            }
        }
    }

    out->cp.n_high = fullest(s, line_bin, SENSE_BINS, &out->cp.high_mv);
    out->cp.n_low = fullest(s, 0, line_bin, &out->cp.low_mv);
    out->cp.n_edge = (uint16_t)(pilots - out->cp.n_high - out->cp.n_low);

    if (s->settling)
        s->settling--;
    mux_wanted &= 1u;
    if (mux_wanted != s->mux) {
        s->mux = mux_wanted;
        s->settling = SETTLE_FRAMES;
    }
}
