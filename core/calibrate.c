#include "core/calibrate.h"

enum {
    /* docs/hardware.md: 18 mV per A and 2.8 mV per V, here in nV at the pin per mA and per mV */
    I_NV_PER_MA = 18000,
    V_NV_PER_MV = 2800,
    BIAS_DMV = 13000,
    /* Transformer, burden, divider and converter together: more is not tolerance but the wrong part. */
    GAIN_OFF_PPM = 150000,
    BIAS_OFF_DMV = 1500, /* beyond it the largest wave leaves the converter's usable range */
    UNEVEN_PPM = 20000,  /* twice what the meter may be off in all */
    I_LEAST_MA = 500,    /* below, noise is a share of the reading */
    V_LEAST_MV = 50000,
    CP_APART_MV = 5000, /* +12 V and −12 V, or +12 V and +6 V, are wide enough apart */
    CP_OFF_MV = 1500,
    DELAY_MAX_NS = 1500000, /* what metering can shift: it corrects within 8 samples of 242 µs */
};

static int64_t divide(int64_t a, int64_t b)
{
    int64_t half = (b < 0 ? -b : b) / 2;
    return ((a < 0) == (b < 0) ? a + (b < 0 ? -half : half) : a - (b < 0 ? -half : half)) / b;
}

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

const char *calibrate_err_text(enum calibrate_err e)
{
    switch (e) {
    case CALIBRATE_OK:
        return "calibrated";
    case CALIBRATE_ERR_CLOSE:
        return "points too close to each other or to zero";
    case CALIBRATE_ERR_GAIN:
        return "gain outside the tolerance of the parts";
    case CALIBRATE_ERR_ZERO:
        return "zero too far from where it belongs";
    case CALIBRATE_ERR_UNEVEN:
        return "the two points do not agree";
    }
    return "unknown";
}

enum calibrate_err calibrate_cp(const struct calibrate_cp_point point[2], int32_t nominal_dmv,
                                int32_t nominal_q16, int16_t *zero_dmv, int32_t *gain_q16)
{
    int64_t cp = (int64_t)point[1].cp_mv - point[0].cp_mv, pin = (int64_t)point[1].pin_dmv - point[0].pin_dmv;
    if (magnitude(cp) < CP_APART_MV || pin == 0)
        return CALIBRATE_ERR_CLOSE;
    int64_t gain = divide(cp * 65536, pin);
    if (magnitude(gain - nominal_q16) * 1000000 > (int64_t)GAIN_OFF_PPM * nominal_q16)
        return CALIBRATE_ERR_GAIN;
    int64_t zero = point[0].pin_dmv - divide((int64_t)point[0].cp_mv * 65536, gain);
    if (magnitude(zero - nominal_dmv) * gain > (int64_t)CP_OFF_MV * 65536 || zero < INT16_MIN ||
        zero > INT16_MAX)
        return CALIBRATE_ERR_ZERO;
    *zero_dmv = (int16_t)zero;
    *gain_q16 = (int32_t)gain;
    return CALIBRATE_OK;
}

static enum calibrate_err wave(const struct calibrate_wave_point point[2], int32_t least, int32_t nv_per_unit,
                               int32_t *zero_dmv, int32_t *gain_ppm)
{
    int64_t ppm[2];
    for (int i = 0; i < 2; i++) {
        if (point[i].truth < least || point[i].pin_uv <= 0)
            return CALIBRATE_ERR_CLOSE;
        ppm[i] = divide((int64_t)point[i].truth * nv_per_unit * 1000, point[i].pin_uv);
    }
    int64_t gain = divide(ppm[0] + ppm[1], 2),
            zero = divide((int64_t)point[0].mean_dmv + point[1].mean_dmv, 2);
    if (magnitude(gain - 1000000) > GAIN_OFF_PPM)
        return CALIBRATE_ERR_GAIN;
    if (magnitude(ppm[0] - ppm[1]) > UNEVEN_PPM)
        return CALIBRATE_ERR_UNEVEN;
    if (magnitude(zero - BIAS_DMV) > BIAS_OFF_DMV)
        return CALIBRATE_ERR_ZERO;
    *zero_dmv = (int32_t)zero;
    *gain_ppm = (int32_t)gain;
    return CALIBRATE_OK;
}

enum calibrate_err calibrate_current(const struct calibrate_wave_point point[2], int32_t *zero_dmv,
                                     int32_t *gain_ppm)
{
    return wave(point, I_LEAST_MA, I_NV_PER_MA, zero_dmv, gain_ppm);
}

enum calibrate_err calibrate_voltage(const struct calibrate_wave_point point[2], int32_t *zero_dmv,
                                     int32_t *gain_ppm)
{
    return wave(point, V_LEAST_MV, V_NV_PER_MV, zero_dmv, gain_ppm);
}

enum calibrate_err calibrate_delay(int32_t lag_ns, int32_t *i_phase_us)
{
    if (magnitude(lag_ns) > DELAY_MAX_NS)
        return CALIBRATE_ERR_ZERO;
    *i_phase_us = (int32_t)divide(lag_ns, 1000);
    return CALIBRATE_OK;
}
