/*
 * world: everything around one station's controller: mains, cable, car, contactor, lock, analogue front ends and the
 * ADC with the ESP32's faults. The station sees only the raw ADC frames and the digital inputs, and writes only the
 * pilot timer, the coil, the analogue switch and the lock.
 *
 * Knows nothing of the station. Deterministic by seed. One thread.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORLD_FRAME_LEN = 200 };

/* Faults a person or nature can cause. Values are persistent until set back. */
struct world_faults {
    bool diode_missing;   /* car's pilot diode shorted: low phase rises */
    bool cp_short;        /* CP to PE */
    bool cp_open;         /* CP wire broken */
    bool pilot_stuck;     /* the pilot driver does not follow the timer */
    bool weld;            /* contactor contacts stay closed */
    bool no_close;        /* contactor does not pull in */
    bool rcd_trip;        /* the upstream RCD is off: no supply, trip input on */
    bool adc_dead;        /* no frames come */
    uint8_t phase_lost;   /* bit per phase */
};

struct world_mains {
    double volt[3];       /* RMS phase to neutral */
    double hz;
    double harmonic3, harmonic5, harmonic7; /* share of the fundamental */
    double noise_volt;
    bool order_reversed, neutral_broken;
};

struct world_car {
    double max_a;           /* on-board charger, per phase */
    int phases;             /* 1 or 3 */
    double battery_wh, filled_wh, taper_from; /* taper begins at this share (0.8) */
    double reaction_s;      /* follows a new duty after this time, ≤ 5 s by the standard */
    double ramp_a_per_s;
    double power_factor, harmonic3, harmonic5; /* of the current */
    bool ignores_duty;      /* draws max_a whatever the pilot says */
    double over_draw;       /* draws this many times what it may, 1.0 normal */
    bool ventilation;       /* asks for D instead of C */
    bool sleeping;          /* does not react to PWM until woken by a B-E/F-B sequence or replug */
    double r_b_ohm, r_c_ohm, r_d_ohm, diode_v; /* 2740, 1300 parallel, 270 parallel, 0.7 */
    double s2_delay_ms;
    double min_a;           /* stops below this (6) */
    double residual_s;      /* keeps drawing this long after S2 has opened */
};

struct world_adc {
    double offset_mv, gain, bend, noise_mv; /* of this chip */
    double rate_error;      /* true rate = asked × (1 + this) */
    double front_gain[8], front_offset_mv[8], ct_delay_us; /* tolerances of the front ends: CP I1 I2 I3 V1 V2 V3 PP */
    bool cp_bipolar;
    bool swap_pairs;        /* the ESP32's DMA swaps each two conversions */
};

struct world_cfg {
    struct world_mains mains;
    struct world_car car;
    struct world_adc adc;
    double cable_ohm;       /* PP resistor of the cable: 1500, 680, 220, 100 */
    double coil_close_ms, coil_open_ms, bounce_ms;
    double ambient_c;
    uint8_t pattern[16];    /* ADC channel of each conversion of the pattern */
    int pattern_len;
    double rate_hz;         /* asked conversions per second */
};

/* True physical state, for GET /state, expectations and reports. */
struct world_state {
    double time_s;
    double volt[3], amp[3], watt[3], energy_wh; /* RMS over the last cycle at the station; energy since the start */
    double amp_peak_phase;      /* largest of amp[] */
    bool contactor, coil, plugged, cable, locked, s2, charging;
    double duty_percent, cp_high_v, cp_low_v, pp_ohm;
    double soc, temperature_c;
    double contactor_changed_s, coil_changed_s, s2_changed_s, duty_changed_s, plugged_changed_s;
    uint32_t contactor_cycles, hot_switches; /* opened with current flowing */
};

struct world;
size_t world_size(void);
void world_cfg_default(struct world_cfg *cfg); /* ideal car 3×32 A, 230 V 50 Hz, 32 A cable, plausible ADC faults */
struct world *world_init(void *mem, const struct world_cfg *cfg, uint64_t seed);

/* What the station writes; takes effect at the present instant of the world. */
void world_set_pilot(struct world *w, unsigned duty_bp);
void world_set_coil(struct world *w, bool on);
void world_set_mux(struct world *w, int position);
void world_set_lock(struct world *w, bool locked);
/* What the station's digital inputs read: the bits of GUARD_IN_* in core/guard.h. */
uint32_t world_inputs(const struct world *w);
bool world_temperature_mc(const struct world *w, int32_t *out);

/* Moves the world on by one ADC frame and gives its WORLD_FRAME_LEN raw conversions (type 1 words). Returns their
 * number; 0 if the ADC is dead (time has moved on all the same). *end_us: world time of the last conversion. */
size_t world_frame(struct world *w, uint16_t raw[WORLD_FRAME_LEN], uint64_t *end_us);
uint64_t world_now_us(const struct world *w);

/* What a person or nature does. */
void world_plug(struct world *w, bool in);   /* cable and car together; refused (false kept) while locked */
void world_cable(struct world *w, double ohm); /* the cable's end at the station is swapped; 0: pulled */
void world_ready(struct world *w, bool ready); /* car wants energy: closes S2 when PWM allows */
void world_button(struct world *w, bool pressed);
void world_ambient(struct world *w, double c);
struct world_car *world_car(struct world *w);       /* may be changed at any time */
struct world_mains *world_mains(struct world *w);
struct world_faults *world_faults(struct world *w);
struct world_adc *world_adc(struct world *w);
void world_state_read(const struct world *w, struct world_state *out);

#endif
