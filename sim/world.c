/*
 * world: composes the models and moves them through time; what happens between two conversions happens in
 * time order.
 */
#include "sim/world.h"

#include <math.h>
#include <string.h>

#include "sim/world_state.h"

/* A residual-current monitor answers its test input within this time (typical for 6 mA DC modules). */
enum { RCM_ANSWER_US = 20000 };
/* A charger's mains filter, connected as long as the contactor is closed: about 5 µF at 50 Hz. */
#define FILTER_S 1.5e-3
#define HOT_A    0.5 /* opening with more than this counts as switching under load */

size_t world_size(void)
{
    return sizeof(struct world);
}

void world_cfg_default(struct world_cfg *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->mains = (struct world_mains){.volt = {230, 230, 230}, .hz = 50};
    cfg->car = (struct world_car){
        .max_a = 32,
        .phases = 3,
        .battery_wh = 60000,
        .filled_wh = 12000,
        .taper_from = 0.8,
        .reaction_s = 1.0,
        .ramp_a_per_s = 16,
        .power_factor = 0.99,
        .over_draw = 1,
        .r_b_ohm = 2740, /* docs/hardware.md: 2.74 kΩ alone, 882 Ω and 246 Ω together with these */
        .r_c_ohm = 1300,
        .r_d_ohm = 270,
        .diode_v = 0.7,
        .s2_delay_ms = 100,
        .min_a = 6,
        .x1_stop_s = 1,
        .stop_ms = 40,
        .start_s = 0.5,
    };
    cfg->adc = (struct world_adc){
        .offset_mv = 9,
        .gain = 1.008,
        .bend = 0.006,
        .noise_mv = 3,
        .rate_error = 0.002,
        .cp_bipolar = true,
        .cal_error_mv = 2,
        .mux_settle_us = 20,
    };
    for (int s = 0; s < WORLD_SIGNALS; s++)
        cfg->adc.front_gain[s] = 1;
    cfg->cable_ohm = 220;
    cfg->coil_close_ms = 20;
    cfg->coil_open_ms = 15;
    cfg->bounce_ms = 3;
    cfg->ambient_c = 25;
    static const uint8_t pattern[] = {0, 3, 0, 6, 0, 7, 0, 4, 0, 5}; /* CP I1 CP I2 CP I3 CP M0 CP M1 */
    memcpy(cfg->pattern, pattern, sizeof pattern);
    cfg->pattern_len = sizeof pattern;
    cfg->rate_hz = 41300;
    cfg->cp_load_nf = 2;
    cfg->power_break_ms = 60;
    cfg->lock_ms = 150;
    cfg->heating_k = 20;
    cfg->heating_tau_s = 900;
    cfg->temperature_fitted = true;
}

static double spread(uint64_t *rng, double half)
{
    return half * (2 * wave_uniform(rng) - 1);
}

void world_cfg_vary(struct world_cfg *cfg, uint64_t seed, double front_tolerance)
{
    uint64_t rng = seed ^ 0x5eed5eed5eed5eedu;
    cfg->adc.offset_mv = spread(&rng, 30);
    cfg->adc.gain = 1 + spread(&rng, 0.03);
    cfg->adc.bend = spread(&rng, 0.01);
    cfg->adc.noise_mv = 2 + 3 * wave_uniform(&rng);
    cfg->adc.rate_error = spread(&rng, 0.005);
    for (int s = 0; s < WORLD_SIGNALS; s++) {
        cfg->adc.front_gain[s] = 1 + spread(&rng, front_tolerance);
        cfg->adc.front_offset_mv[s] = spread(&rng, 1300 * front_tolerance);
    }
}

static void sane(double *v, double low, double high, double otherwise)
{
    if (!(*v >= low && *v <= high)) /* also catches not-a-number */
        *v = isnan(*v) ? otherwise : *v < low ? low : high;
}

struct world *world_init(void *mem, const struct world_cfg *cfg, uint64_t seed)
{
    struct world *w = mem;
    memset(w, 0, sizeof *w);
    w->cfg = *cfg;
    sane(&w->cfg.rate_hz, 1000, 2e6, 41300);
    sane(&w->cfg.adc.rate_error, -0.5, 0.5, 0);
    sane(&w->cfg.adc.mux_settle_us, 0.1, 10000, 20);
    sane(&w->cfg.bounce_ms, 0, 1000, 0);
    sane(&w->cfg.coil_close_ms, 0, 10000, 20);
    sane(&w->cfg.coil_open_ms, 0, 10000, 15);
    sane(&w->cfg.power_break_ms, 0, 10000, 60);
    sane(&w->cfg.lock_ms, 0, 60000, 150);
    sane(&w->cfg.heating_tau_s, 0.1, 1e6, 900);
    if (w->cfg.pattern_len < 1 || w->cfg.pattern_len > (int)sizeof w->cfg.pattern)
        w->cfg.pattern_len = 1;
    for (int i = 0; i < w->cfg.pattern_len; i++)
        w->cfg.pattern[i] &= WORLD_CHANNELS - 1;
    w->rng = seed;
    w->noise = seed ^ 0xa0761d6478bd642fu;
    w->powered = true;
    mains_init(&w->mains, &w->rng);
    adc_init(&w->adc, &w->cfg.adc, &w->rng);
    sim_pilot_init(&w->pilot, w->cfg.cp_load_nf);
    w->pilot.phase_q16 = (uint32_t)(wave_uniform(&w->rng) * PILOT_PERIOD_Q16);
    cable_init(&w->cable, w->cfg.cable_ohm);
    car_init(&w->car, &w->cfg.car);
    w->car.ready = true; /* a car that is plugged in usually wants energy */
    truth_init(&w->truth, w->mains.angle);
    mains_update(&w->mains, &w->cfg.mains, &w->faults, (const double[3]){0}, 0);
    return w;
}

uint64_t world_now_us(const struct world *w)
{
    return w->now_q16 >> 16;
}

static uint64_t break_us(const struct world *w)
{
    return (uint64_t)(w->cfg.power_break_ms * 1000);
}

/* --- what the station writes
 * --------------------------------------------------------------------------------- */

void world_set_pilot(struct world *w, unsigned duty_bp)
{
    if (w->powered && !w->faults.pilot_stuck)
        w->pilot.wanted_bp = duty_bp > PILOT_STEADY ? PILOT_STEADY : duty_bp;
}

void world_set_coil(struct world *w, bool on)
{
    sim_contactor_coil(&w->contactor, on && w->powered, &w->cfg, world_now_us(w));
}

void world_set_mux(struct world *w, int position)
{
    position = position != 0;
    if (position == w->mux)
        return;
    for (int pin = 0; pin < 2; pin++)
        w->mux_from[pin] = world_mux_pin(w, pin, (uint32_t)w->mains.angle);
    w->mux = position;
    w->mux_turned = true;
    w->mux_at_q16 = w->now_q16;
}

void world_set_lock(struct world *w, bool locked)
{
    if (w->powered)
        cable_lock(&w->cable, locked, world_now_us(w), 1 + (uint64_t)(w->cfg.lock_ms * 1000));
}

void world_set_rcm_test(struct world *w, bool on)
{
    on = on && w->powered;
    if (on == w->rcm_test)
        return;
    w->rcm_test = on;
    w->rcm_due_us = world_now_us(w) + RCM_ANSWER_US;
}

void world_set_power(struct world *w, bool on)
{
    if (w->powered == on)
        return;
    w->powered = on;
    sim_pilot_power(&w->pilot, on);
    if (!on) {
        sim_contactor_coil(&w->contactor, false, &w->cfg, world_now_us(w));
        world_set_rcm_test(w, false);
        world_set_mux(w, 0);
        /* the lock's motor stays where it is: it needs power to move */
        w->cable.lock_due_us = 0;
        w->cable.lock_wanted = w->cable.locked;
    }
}

uint32_t world_inputs(const struct world *w)
{
    if (!w->powered)
        return 0;
    return (w->faults.rcd_trip ? WORLD_IN_RCD : 0u) |
           (w->contactor.contact && !w->faults.aux_stuck ? WORLD_IN_AUX : 0u) |
           (w->cable.locked ? WORLD_IN_LOCKED : 0u) | (w->button ? WORLD_IN_BUTTON : 0u) |
           (w->rcm_fault ? WORLD_IN_RCM_FAULT : 0u);
}

static double inside_c(const struct world *w)
{
    return w->cfg.ambient_c + w->rise_k;
}

bool world_temperature_mc(const struct world *w, int32_t *out)
{
    if (!w->powered || !w->cfg.temperature_fitted || w->faults.no_temperature)
        return false;
    double c = inside_c(w);
    sane(&c, -273, 1000, 25);
    *out = (int32_t)lround(c * 1000);
    return true;
}

/* --- time
 * ---------------------------------------------------------------------------------------------------- */

static double largest_amp(const struct world *w)
{
    double a = 0;
    for (int k = 0; k < 3; k++)
        a = w->car.amp[k] > a ? w->car.amp[k] : a;
    return a;
}

static void heat(struct world *w, double dt_s)
{
    double load = 0;
    for (int k = 0; k < 3; k++)
        load += w->car.amp[k] * w->car.amp[k] / (3 * 32.0 * 32.0);
    double part = dt_s / w->cfg.heating_tau_s;
    w->rise_k += (w->cfg.heating_k * load - w->rise_k) * (part < 1 ? part : 1);
}

/* Everything that is slow against a conversion: brings the models to the present instant. */
static void slow_step(struct world *w)
{
    uint64_t now = world_now_us(w);
    double dt = (double)(now - w->slow_us) * 1e-6;
    w->slow_us = now;
    bool was_loaded = largest_amp(w) > 0;

    cable_step(&w->cable, w->faults.lock_stuck, now, break_us(w));
    sim_contactor_step(&w->contactor, &w->cfg, &w->faults, largest_amp(w) > HOT_A, &w->rng, now);
    if (w->button_until_us != 0 && now >= w->button_until_us)
        world_button(w, false);
    if (w->rcm_due_us != 0 && now >= w->rcm_due_us) {
        w->rcm_due_us = 0;
        w->rcm_fault = w->rcm_test && !w->faults.rcm_dead;
    }
    bool line = cable_pilot(&w->cable) && !w->faults.cp_open;
    bool power = w->contactor.contact && cable_power(&w->cable, now);
    double load_s[3] = {0};
    for (int k = 0; power && k < 3; k++)
        if (k == 0 || w->car.cfg.phases != 1)
            load_s[k] = FILTER_S + w->car.amp[k] / 230;
    mains_update(&w->mains, &w->cfg.mains, &w->faults, load_s, now);

    if (!power && largest_amp(w) > HOT_A && w->contactor.contact)
        w->contactor.hot_switches++; /* the plug itself broke the current */
    struct car_in in = {
        .now_us = now,
        .dt_s = dt,
        .pilot = line,
        .pilot_zero = w->faults.cp_short || !w->powered || w->pilot.duty_bp == PILOT_OFF,
        .duty_bp = w->pilot.duty_bp,
    };
    for (int k = 0; k < 3; k++)
        in.supply_v[k] = power ? (double)w->mains.rms[k] : 0;
    car_charge(&w->car, w->charged_wh);
    w->charged_wh = 0;
    car_step(&w->car, &in);
    if (was_loaded && largest_amp(w) <= 0)
        w->current_zero_s = (double)now * 1e-6;

    load_update(&w->load, &w->car.cfg, w->car.amp, power);
    sim_pilot_solve(&w->pilot, line ? car_pilot_ohm(&w->car) : 0,
                    w->faults.diode_missing ? -1 : w->car.cfg.diode_v, w->faults.cp_short);
    heat(w, dt);
}

/* Conversions that can be made before something happens by itself; at least one. */
static size_t quiet_conversions(const struct world *w, size_t most, uint64_t period_q16)
{
    uint64_t now = world_now_us(w);
    uint64_t next = sim_contactor_next_us(&w->contactor);
    uint64_t t = car_next_us(&w->car, now);
    next = t < next ? t : next;
    t = cable_next_us(&w->cable, now);
    next = t < next ? t : next;
    if (w->rcm_due_us != 0 && w->rcm_due_us < next)
        next = w->rcm_due_us;
    if (w->button_until_us != 0 && w->button_until_us < next)
        next = w->button_until_us;
    if (w->mains.sag_until_us > now && w->mains.sag_until_us < next)
        next = w->mains.sag_until_us;
    if (next == UINT64_MAX)
        return most;
    if (next <= now)
        return 1;
    uint64_t n = ((next << 16) - w->now_q16 + period_q16 - 1) / period_q16;
    return n < 1 ? 1 : n < most ? (size_t)n : most;
}

bool world_frame_until(struct world *w, uint16_t raw[WORLD_FRAME_LEN], size_t *made, uint64_t until_us)
{
    bool dead = w->faults.adc_dead || !w->powered;
    if (*made == 0)
        w->frame_spoilt = false;
    w->frame_spoilt |= dead;
    adc_update(&w->adc, &w->cfg.adc);
    uint64_t period = world_period_q16(w);
    while (*made < WORLD_FRAME_LEN && world_now_us(w) < until_us) {
        slow_step(w);
        size_t most = WORLD_FRAME_LEN - *made;
        if (until_us - world_now_us(w) <
            1000000) { /* a frame of 200 at 1 kHz, the slowest there is, and more */
            uint64_t left = ((until_us << 16) - w->now_q16 + period - 1) / period;
            most = left < most ? (size_t)left : most;
        }
        size_t n = quiet_conversions(w, most, period);
        if (dead)
            world_skip(w, n);
        else
            world_sample(w, raw + *made, n);
        w->charged_wh += truth_advance(&w->truth, &w->mains, &w->load, w->mains.angle);
        *made += n;
    }
    if (*made < WORLD_FRAME_LEN || w->frame_spoilt)
        return false;
    if (w->cfg.adc.swap_pairs)
        for (size_t i = 0; i + 1 < WORLD_FRAME_LEN; i += 2) {
            uint16_t t = raw[i];
            raw[i] = raw[i + 1];
            raw[i + 1] = t;
        }
    return true;
}

size_t world_frame(struct world *w, uint16_t raw[WORLD_FRAME_LEN], uint64_t *end_us)
{
    size_t made = 0;
    bool whole = world_frame_until(w, raw, &made, UINT64_MAX);
    *end_us = world_now_us(w);
    return whole ? WORLD_FRAME_LEN : 0;
}

void world_adc_curve(const struct world *w, int16_t curve_dmv[WORLD_CURVE_POINTS])
{
    adc_curve(&w->adc, curve_dmv);
}

/* --- what a person or nature does
 * ---------------------------------------------------------------------------- */

static void note_unplugged(struct world *w, bool before)
{
    if (before && !cable_pilot(&w->cable))
        car_unplugged(&w->car);
}

bool world_try_plug(struct world *w, bool in)
{
    bool before = cable_pilot(&w->cable);
    bool ok = cable_plug(&w->cable, in, world_now_us(w), break_us(w));
    note_unplugged(w, before);
    return ok;
}

void world_plug(struct world *w, bool in)
{
    (void)world_try_plug(w, in);
}

void world_unplug(struct world *w)
{
    bool before = cable_pilot(&w->cable);
    cable_unplug(&w->cable, world_now_us(w), break_us(w));
    note_unplugged(w, before);
}

void world_car_end(struct world *w, bool in)
{
    bool before = cable_pilot(&w->cable);
    cable_car_end(&w->cable, in, world_now_us(w), break_us(w));
    note_unplugged(w, before);
}

bool world_cable(struct world *w, double ohm)
{
    bool before = cable_pilot(&w->cable);
    bool ok = cable_swap(&w->cable, ohm, world_now_us(w), break_us(w));
    note_unplugged(w, before);
    return ok;
}

void world_ready(struct world *w, bool ready)
{
    w->car.ready = ready;
}

void world_button(struct world *w, bool pressed)
{
    w->button = pressed;
    w->button_until_us = 0;
}

void world_button_for(struct world *w, uint64_t duration_us)
{
    w->button = true;
    w->button_until_us = world_now_us(w) + duration_us + 1;
}

void world_ambient(struct world *w, double c)
{
    w->cfg.ambient_c = c;
}

void world_sag(struct world *w, unsigned phases, double share, uint64_t duration_us)
{
    mains_sag(&w->mains, phases, share, world_now_us(w) + duration_us);
}

void world_s2_pulse(struct world *w, bool closed, uint64_t duration_us)
{
    car_pulse(&w->car, closed, world_now_us(w) + duration_us);
}

struct world_car *world_car(struct world *w)
{
    return &w->car.cfg;
}

struct world_mains *world_mains(struct world *w)
{
    return &w->cfg.mains;
}

struct world_faults *world_faults(struct world *w)
{
    return &w->faults;
}

struct world_adc *world_adc(struct world *w)
{
    return &w->cfg.adc;
}

/* The letter a perfect observer would give; IEC 61851-1 Table A.4. */
static char pilot_letter(const struct world *w)
{
    if (!w->powered || w->faults.cp_short)
        return 'E';
    if (w->pilot.duty_bp == PILOT_OFF)
        return 'F';
    if (!cable_pilot(&w->cable) || w->faults.cp_open)
        return 'A';
    if (!w->car.s2)
        return 'B';
    return w->car.cfg.ventilation ? 'D' : 'C';
}

void world_state_read(const struct world *w, struct world_state *out)
{
    memset(out, 0, sizeof *out);
    out->time_s = (double)w->now_q16 / 65536e6;
    for (int k = 0; k < 3; k++) {
        out->volt[k] = w->truth.volt[k];
        out->amp[k] = w->truth.amp[k];
        out->watt[k] = w->truth.watt[k];
        out->energy_phase_wh[k] = w->truth.energy_wh[k];
        out->energy_wh += w->truth.energy_wh[k];
        if (out->amp[k] > out->amp_peak_phase)
            out->amp_peak_phase = out->amp[k];
    }
    out->contactor = w->contactor.closed;
    out->coil = w->contactor.coil;
    out->plugged = cable_pilot(&w->cable);
    out->cable = out->cable_end = w->cable.in_socket;
    out->locked = w->cable.locked;
    out->s2 = w->car.s2;
    out->charging = out->amp_peak_phase > HOT_A;
    out->duty_percent = w->pilot.duty_bp * 0.01;
    out->cp_high_v = (double)w->pilot.high_v;
    out->cp_low_v = (double)w->pilot.low_v;
    out->pp_ohm = cable_pp_ohm(&w->cable, &w->faults);
    out->soc = car_soc(&w->car);
    out->temperature_c = inside_c(w);
    out->contactor_changed_s = w->contactor.changed_s;
    out->coil_changed_s = w->contactor.coil_changed_s;
    out->s2_changed_s = w->car.s2_changed_s;
    out->duty_changed_s = w->pilot.duty_changed_s;
    out->plugged_changed_s = w->cable.plugged_changed_s;
    out->contactor_cycles = w->contactor.cycles;
    out->hot_switches = w->contactor.hot_switches;
    out->pilot = pilot_letter(w);
    out->current_zero_s = w->current_zero_s;
    out->powered = w->powered;
}
