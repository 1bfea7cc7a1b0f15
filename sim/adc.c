#include "sim/adc.h"

#include <math.h>
#include <string.h>

/* docs/hardware.md "Analogue front ends": zero and slope at the pin of CP, I and V. */
#define BIAS_MV              1300.0
#define CP_MV_PER_V          87.3
#define CP_UNIPOLAR_MV_PER_V 233.0
#define CP_UNIPOLAR_ZERO_V   1.3
#define I_MV_PER_A           18.0
#define V_MV_PER_V           2.8

void adc_init(struct adc *a, const struct world_adc *cfg, uint64_t *rng)
{
    memset(a, 0, sizeof *a);
    double e0 = 2 * wave_uniform(rng) - 1, e1 = 2 * wave_uniform(rng) - 1;
    a->cal_offset_mv = e0 * cfg->cal_error_mv;
    a->cal_slope = e1 * cfg->cal_error_mv / (double)ADC_FULL_MV;
    adc_update(a, cfg);
}

static double within(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

void adc_update(struct adc *a, const struct world_adc *cfg)
{
    a->offset_mv = (float)within(cfg->offset_mv, -500, 500);
    a->gain = (float)within(cfg->gain, 0.5, 2);
    a->bend = (float)within(cfg->bend, -0.05, 0.05); /* stays monotonic */
    a->sigma = (float)within(cfg->noise_mv, 0, 500) * ADC_CODES / ADC_FULL_MV;
    for (int s = 0; s < WORLD_SIGNALS; s++) {
        double zero = BIAS_MV, slope = CP_MV_PER_V;
        if (s == WORLD_CP && !cfg->cp_bipolar) {
            zero = -CP_UNIPOLAR_ZERO_V * CP_UNIPOLAR_MV_PER_V;
            slope = CP_UNIPOLAR_MV_PER_V;
        } else if (s >= WORLD_I1 && s <= WORLD_I3) {
            slope = I_MV_PER_A;
        } else if (s >= WORLD_V1 && s <= WORLD_V3) {
            slope = V_MV_PER_V;
        } else if (s == WORLD_PP) {
            zero = 0;
            slope = 1;
        }
        a->pin_zero[s] = (float)(zero + cfg->front_offset_mv[s]);
        a->pin_slope[s] = (float)(slope * cfg->front_gain[s]);
    }
}

void adc_curve(const struct adc *a, int16_t curve_dmv[WORLD_CURVE_POINTS])
{
    for (int i = 0; i < WORLD_CURVE_POINTS; i++) {
        float code = (float)(i * 256);
        /* The transfer rises steadily between these ends: bisection can't miss. */
        float low = -1200, high = 6000;
        for (int n = 0; n < 40; n++) {
            float mid = (low + high) / 2;
            if (adc_ideal_code(a, mid) < code)
                low = mid;
            else
                high = mid;
        }
        double mv = (double)low * (1 + a->cal_slope) + a->cal_offset_mv;
        curve_dmv[i] = (int16_t)lround(within(mv * 10, INT16_MIN, INT16_MAX));
    }
}
