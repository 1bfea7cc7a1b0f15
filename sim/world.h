/*
 * world: everything around one station's controller: mains, cable, car, contactor, lock, analogue front ends
 * and the ADC with the ESP32's faults. The station sees only the raw ADC frames and the digital inputs, and
 * writes only the pilot timer, the coil, the analogue switch and the lock.
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
    bool diode_missing;     /* car's pilot diode shorted: low phase rises */
    bool cp_short;          /* CP to PE */
    bool cp_open;           /* CP wire broken */
    bool pilot_stuck;       /* the pilot driver does not follow the timer */
    bool weld;              /* contactor contacts stay closed */
    bool no_close;          /* contactor does not pull in */
    bool rcd_trip;          /* the upstream RCD is off: no supply, trip input on */
    bool adc_dead;          /* no frames come */
    uint8_t phase_lost;     /* bit per phase */
    bool weld_now;          /* contacts are closed and welded from this instant, whatever the coil does */
    bool aux_stuck;         /* auxiliary contact stays open */
    bool lock_stuck;        /* lock motor does not move */
    bool rcm_dead;          /* residual-current monitor does not answer its test */
    bool pp_open, pp_short; /* proximity wire broken, or shorted to PE */
    bool no_temperature;    /* temperature sensor does not answer */
};

struct world_mains {
    double volt[3]; /* RMS phase to neutral */
    double hz;
    double harmonic3, harmonic5, harmonic7; /* share of the fundamental */
    double noise_volt;
    bool order_reversed, neutral_broken;
};

struct world_car {
    double max_a;                             /* on-board charger, per phase */
    int phases;                               /* 1 or 3 */
    double battery_wh, filled_wh, taper_from; /* taper begins at this share (0.8) */
    double reaction_s; /* follows a new duty after this time, ≤ 5 s by the standard */
    double ramp_a_per_s;
    double power_factor, harmonic3,
        harmonic5;     /* of the current: cos φ of its fundamental (negative: leading), shares */
    bool ignores_duty; /* draws max_a whatever the pilot says */
    double over_draw;  /* draws this many times what it may, 1.0 normal */
    bool ventilation;  /* asks for D instead of C */
    bool sleeping;     /* does not react to PWM until woken by a B-E/F-B sequence or replug */
    double r_b_ohm, r_c_ohm, r_d_ohm, diode_v; /* 2740, 1300 parallel, 270 parallel, 0.7 */
    double s2_delay_ms;
    double min_a;      /* stops below this (6) */
    double residual_s; /* keeps drawing this long after S2 has opened */
    double x1_stop_s;  /* time to open S2 when the PWM goes; ≤ 3 s by the standard */
    double stop_ms;    /* on an orderly stop the current fades in this time, then S2 opens */
    double start_s;    /* from voltage at the inlet to the first ampere */
    int s2_force;      /* 0: the car's own logic; 1: S2 held closed; 2: held open */
};

struct world_adc {
    double offset_mv, gain, bend, noise_mv; /* of this chip */
    double rate_error;                      /* true rate = asked × (1 + this) */
    double front_gain[8], front_offset_mv[8],
        ct_delay_us; /* tolerances of the front ends: CP I1 I2 I3 V1 V2 V3 PP */
    bool cp_bipolar;
    bool swap_pairs;      /* the ESP32's DMA swaps each two conversions */
    double cal_error_mv;  /* what the factory's eFuse calibration leaves: its offset and its slope are off by
                             up to this */
    double mux_settle_us; /* time constant of a pin after the analogue switch has turned */
};

struct world_cfg {
    struct world_mains mains;
    struct world_car car;
    struct world_adc adc;
    double cable_ohm; /* PP resistor of the cable: 1500, 680, 220, 100 */
    double coil_close_ms, coil_open_ms, bounce_ms;
    double ambient_c;
    uint8_t pattern[16]; /* ADC channel of each conversion of the pattern */
    int pattern_len;
    double rate_hz;        /* asked conversions per second */
    double cp_load_nf;     /* capacitance of the pilot line, with the 1 kΩ it makes the edges */
    double power_break_ms; /* on unplugging, power contacts part this long after CP and PP */
    double lock_ms;        /* travel time of the lock motor */
    double heating_k;      /* rise of the station's inside at 32 A on three phases */
    double heating_tau_s;
    bool temperature_fitted;
};

/* True physical state, for GET /state, expectations and reports. */
struct world_state {
    double time_s;
    double volt[3], amp[3], watt[3],
        energy_wh;         /* RMS over the last cycle at the station; energy since the start */
    double amp_peak_phase; /* largest of amp[] */
    bool contactor, coil, plugged, cable, locked, s2, charging;
    double duty_percent, cp_high_v, cp_low_v, pp_ohm;
    double soc, temperature_c;
    double contactor_changed_s, coil_changed_s, s2_changed_s, duty_changed_s, plugged_changed_s;
    uint32_t contactor_cycles, hot_switches; /* opened with current flowing */
    double energy_phase_wh[3];
    char pilot;            /* 'A'..'F': what a perfect observer would say of the pilot line */
    bool cable_end;        /* cable in the socket, with or without a car at its other end */
    double current_zero_s; /* since when no phase has carried current */
    bool powered;
};

/* Bits of world_inputs: the same as GUARD_IN_* (tests/sim checks it; sim/ depends on nothing). */
enum {
    WORLD_IN_RCD = 1u << 0,
    WORLD_IN_AUX = 1u << 1,
    WORLD_IN_LOCKED = 1u << 2,
    WORLD_IN_BUTTON = 1u << 3,
    WORLD_IN_RCM_FAULT = 1u << 4,
};
/* Order of front_gain and front_offset_mv. */
enum { WORLD_CP, WORLD_I1, WORLD_I2, WORLD_I3, WORLD_V1, WORLD_V2, WORLD_V3, WORLD_PP, WORLD_SIGNALS };
enum { WORLD_CURVE_POINTS = 17 };

struct world;
size_t world_size(void);
void world_cfg_default(
    struct world_cfg *cfg); /* ideal car 3×32 A, 230 V 50 Hz, 32 A cable, plausible ADC faults */
/* Draws the spread of a series into cfg: this chip's offset, gain, bend and rate error, and front ends off by
 * up to ±front_tolerance (0.01 = 1 %; 0 leaves them ideal). */
void world_cfg_vary(struct world_cfg *cfg, uint64_t seed, double front_tolerance);
/* `mem`: world_size() bytes, aligned for any type. Values out of reach are brought to the nearest that makes
 * sense. */
struct world *world_init(void *mem, const struct world_cfg *cfg, uint64_t seed);

/* What the station writes; takes effect at the present instant of the world. */
void world_set_pilot(struct world *w, unsigned duty_bp);
void world_set_coil(struct world *w, bool on);
void world_set_mux(struct world *w, int position);
void world_set_lock(struct world *w, bool locked);
void world_set_rcm_test(struct world *w, bool on); /* test input of the residual-current monitor */
/* The station's own supply. Off: no pilot, coil dropped, no frames; the rest of the world goes on. */
void world_set_power(struct world *w, bool on);
/* What the station's digital inputs read: the bits of GUARD_IN_* in core/guard.h. */
uint32_t world_inputs(const struct world *w);
bool world_temperature_mc(const struct world *w, int32_t *out);

/* Moves the world on by one ADC frame and gives its WORLD_FRAME_LEN raw conversions (type 1 words). Returns
 * their number; 0 if the ADC is dead (time has moved on all the same). *end_us: world time of the last
 * conversion. */
size_t world_frame(struct world *w, uint16_t raw[WORLD_FRAME_LEN], uint64_t *end_us);
/* The same in pieces, for those who act between two conversions: moves the world on until the frame is whole
 * or until_us has come. *made: how many conversions of the frame there are; start with 0, and put it back to
 * 0 once it is WORLD_FRAME_LEN. True: the frame is whole and to be delivered. */
bool world_frame_until(struct world *w, uint16_t raw[WORLD_FRAME_LEN], size_t *made, uint64_t until_us);
uint64_t world_now_us(const struct world *w);
/* The chip's factory calibration, as adc_cali gives it: pin voltage in 0.1 mV at raw 0, 256, .. 4096. */
void world_adc_curve(const struct world *w, int16_t curve_dmv[WORLD_CURVE_POINTS]);

/* What a person or nature does. */
void world_plug(struct world *w, bool in);     /* cable and car together; refused (false kept) while locked */
bool world_try_plug(struct world *w, bool in); /* the same; false: the lock holds the cable */
/* The car's end is pulled at once, the station's end as soon as the lock lets it go. */
void world_unplug(struct world *w);
void world_car_end(struct world *w, bool in); /* only the car's end of a cable that stays in the socket */
/* Voltage of the phases (bit mask) falls to `share` of its value for a while. */
void world_sag(struct world *w, unsigned phases, double share, uint64_t duration_us);
/* S2 is held closed or open for a while, then the car's own logic rules again. */
void world_s2_pulse(struct world *w, bool closed, uint64_t duration_us);
/* The cable's end at the station is swapped; 0: pulled, false while locked. */
bool world_cable(struct world *w, double ohm);
void world_ready(struct world *w, bool ready); /* car wants energy: closes S2 when PWM allows */
void world_button(struct world *w, bool pressed);
void world_button_for(struct world *w, uint64_t duration_us); /* pressed now, let go by itself */
void world_ambient(struct world *w, double c);
struct world_car *world_car(struct world *w); /* may be changed at any time */
struct world_mains *world_mains(struct world *w);
struct world_faults *world_faults(struct world *w);
struct world_adc *world_adc(struct world *w);
void world_state_read(const struct world *w, struct world_state *out);

#endif
