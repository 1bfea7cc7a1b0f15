/*
 * adc: the analogue front ends and the chip's 12-bit converter with its faults: offset, gain, bend, noise,
 * clipping.
 */
#ifndef SIM_ADC_H
#define SIM_ADC_H

#include "sim/wave.h"
#include "sim/world.h"

/* ESP32 at 12 dB: linear enough up to about 2450 mV; the last code lies a little above. */
#define ADC_FULL_MV 2640.0f
enum { ADC_CODES = 4096 };

/* One front end and the converter behind it, folded into few numbers for the sampling loop. */
struct adc {
    float offset_mv, gain, bend;                             /* of the chip */
    float sigma;                                             /* noise, in codes */
    float pin_zero[WORLD_SIGNALS], pin_slope[WORLD_SIGNALS]; /* pin mV = zero + slope · (V, A or mV of PP) */
    double cal_offset_mv, cal_slope;                         /* error of the factory calibration */
};

void adc_init(struct adc *a, const struct world_adc *cfg, uint64_t *rng);
/* Takes the settings as they are now. */
void adc_update(struct adc *a, const struct world_adc *cfg);
void adc_curve(const struct adc *a, int16_t curve_dmv[WORLD_CURVE_POINTS]);

/* Pin voltage of a signal, mV. The pin's clamps hold it between ground and the 3.3 V supply. */
static inline float adc_pin(const struct adc *a, int signal, float value)
{
    float mv = a->pin_zero[signal] + a->pin_slope[signal] * value;
    return mv < 0 ? 0 : mv > 3300 ? 3300 : mv;
}

/* Where on the code scale a pin voltage lies, before noise and clipping. */
static inline float adc_ideal_code(const struct adc *a, float mv)
{
    float x = mv * (1 / ADC_FULL_MV);
    float in = x < 0 ? 0 : x > 1 ? 1 : x;
    /* bend: share of full scale at its largest, 2/3 up; none at both ends */
    x = x * a->gain + a->offset_mv * (1 / ADC_FULL_MV) + a->bend * 6.75f * in * in * (1 - in);
    return x * ADC_CODES;
}

static inline uint16_t adc_convert(const struct adc *a, float code, uint64_t *rng)
{
    float c = code + a->sigma * wave_gauss(rng) + 0.5f;
    return c < 0 ? 0 : c >= ADC_CODES ? ADC_CODES - 1 : (uint16_t)c;
}

#endif
