/*
 * calibrate: from two known points to the zero and gain of an analogue front end: pilot, currents, voltages.
 *
 * Procedure: pilot: drive steady +12 V, then state F, measure CP with a meter, note the
 * pin. Currents: no load for the zero; then two known currents, one of the lowest and one near the rated, of
 * a load with power factor 1, which also gives the delay of the current path. Voltages: as found, at two
 * voltages if there are two (a single one may be given twice). The readings at the pin are struct
 * metering_raw's, averaged over some seconds.
 *
 * Integers only. All functions leave the results alone and say why if the points can't be right.
 */
#ifndef CORE_CALIBRATE_H
#define CORE_CALIBRATE_H

#include <stdint.h>

enum calibrate_err {
    CALIBRATE_OK = 0,
    CALIBRATE_ERR_CLOSE = -1, /* the two points are too near to each other, or to zero */
    CALIBRATE_ERR_GAIN =
        -2, /* not a gain that parts of the ordered tolerance have: wiring or a wrong figure */
    CALIBRATE_ERR_ZERO = -3,   /* the zero is too far from where it belongs */
    CALIBRATE_ERR_UNEVEN = -4, /* the two points do not agree on one gain */
};
const char *calibrate_err_text(enum calibrate_err e);

/* One point: what stands at the pin, and what a better instrument says. */
struct calibrate_cp_point {
    int32_t pin_dmv; /* 0.1 mV, after the converter's curve */
    int32_t cp_mv;   /* control pilot, signed */
};
/* Pilot: a straight line through both points. `nominal_dmv`, `nominal_q16`: what the front end was designed
 * for (struct sense_cfg's defaults); up to 15 % of gain and 1500 mV of CP from it are believed. */
enum calibrate_err calibrate_cp(const struct calibrate_cp_point point[2], int32_t nominal_dmv,
                                int32_t nominal_q16, int16_t *zero_dmv, int32_t *gain_q16);

struct calibrate_wave_point {
    int32_t pin_uv;   /* RMS at the pin, noise taken off */
    int32_t truth;    /* RMS: mA or mV */
    int32_t mean_dmv; /* pin voltage around which it swings */
};
/* Current: gain_ppm and zero for struct metering_cfg. The gain is the mean of the two ratios, so that the
 * relative error is the same at both points: there is no offset to share, a wave's zero is its mean. */
enum calibrate_err calibrate_current(const struct calibrate_wave_point point[2], int32_t *zero_dmv,
                                     int32_t *gain_ppm);
enum calibrate_err calibrate_voltage(const struct calibrate_wave_point point[2], int32_t *zero_dmv,
                                     int32_t *gain_ppm);

/* Delay of the current path from the lag that metering_raw_read gives with a load of power factor 1. */
enum calibrate_err calibrate_delay(int32_t lag_ns, int32_t *i_phase_us);

#endif
