/*
 * metering: true RMS, power and energy from frames, in the control thread (floating point is allowed here
 * only).
 *
 * Voltage and current are not sampled at the same instant, and a voltage is visible only while the analogue
 * switch shows it. Currents are measured all the time; power comes from the cycles in which the voltage is
 * visible, with the skew corrected, and in between P = V·I·PF with the last V and PF. The converter's noise
 * is taken off every mean square; it is learnt while measuring (third differences of the samples, in which
 * the mains hardly shows), so it needs no time without current.
 */
#ifndef CORE_METERING_H
#define CORE_METERING_H

#include "core/sense.h"

/* Per-channel calibration. Defaults of docs/hardware.md: 18 mV per A, 2.8 mV per V, bias 1300 mV. */
struct metering_cfg {
    uint8_t phases; /* 1 or 3 */
    int32_t i_zero_dmv[3], v_zero_dmv[3];
    int32_t i_gain_ppm[3], v_gain_ppm[3]; /* correction to the nominal gain: 1000000 = nominal */
    int32_t i_phase_us[3]; /* delay of the current path against the voltage path, microseconds */
};

struct meter_reading {
    uint64_t at_us; /* end of the window; 0: nothing measured yet */
    bool valid;
    uint8_t phases;
    bool phase_order_wrong, neutral_missing;
    bool ct_reversed[3];
    int32_t v_mv[3]; /* RMS, phase to neutral */
    int32_t i_ma[3]; /* RMS */
    int32_t p_mw[3]; /* active; positive: towards the car */
    int32_t pf_permille[3];
    int32_t p_total_mw;
    int32_t freq_mhz;       /* 0: no mains seen */
    uint64_t import_uwh[3]; /* never goes backwards; up to the last whole cycle, so ahead of at_us */
    uint64_t import_total_uwh;
};

struct metering; /* complete in core/metering_state.h so that it can be embedded without allocation */

#include "core/metering_state.h"

void metering_cfg_default(struct metering_cfg *cfg);
/* `start`: energy registers to go on from (the last reading kept over a power cut), or NULL. */
void metering_init(struct metering *m, const struct metering_cfg *cfg, const struct meter_reading *start);
/* Frames in order; gaps in seq are noticed and bridged with the last power. Control thread. */
void metering_on_frame(struct metering *m, const struct sense_frame *f);
/* The position of the analogue switch that metering wants from now on (it needs V1 V2 | V3 PP in turn). */
uint8_t metering_mux_wanted(const struct metering *m);
/* The newest complete window (about 200 ms). */
void metering_read(const struct metering *m, struct meter_reading *out);
/* RMS of the currents over the last half of a mains cycle only, for opening at zero and over-current: mA,
 * with the noise taken off, not steadied; 0 before the first frame. A few hundred operations: once per
 * control step is fine. */
void metering_fast_current_ma(const struct metering *m, int32_t out_ma[3]);
/* PP pin voltage, averaged over the last mains cycle in which it was visible; false: not yet seen, or stale
 * (> 1 s). Cycle-averaged and mv, for core/proximity. */
bool metering_pp_mv(const struct metering *m, uint64_t now_us, int32_t *out_mv);

/* What calibration needs: the newest window at the pins, before gains and corrections (but with the noise
 * taken off). */
struct metering_raw {
    uint64_t at_us;                       /* end of the window; 0: nothing measured yet */
    int32_t i_uv[3], v_uv[3];             /* RMS at the pin, microvolts */
    int32_t i_mean_dmv[3], v_mean_dmv[3]; /* pin voltage around which it swings, 0.1 mV */
    int32_t i_noise_uv[3];                /* RMS of the converter's noise, as learnt */
    bool i_lag_valid[3];                  /* enough current and voltage to know the next */
    int32_t i_lag_ns[3]; /* how long the current comes after the voltage: load, and delay of its path */
};
void metering_raw_read(const struct metering *m, struct metering_raw *out);

#endif
