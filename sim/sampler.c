/*
 * sampler: the world's fast half: one raw conversion after the other, for as long as nothing but mains and
 * pilot moves.
 */
#include <math.h>

#include "sim/world_state.h"

/* Default pin map (docs/hardware.md): ADC1 channel of GPIO 36, 39, 34, 35, 32, 33. */
enum { CH_CP = 0, CH_I1 = 3, CH_M0 = 4, CH_M1 = 5, CH_I2 = 6, CH_I3 = 7 };
#define FLOATING_MV 700.0f /* an unwired pin */

uint64_t world_period_q16(const struct world *w)
{
    double true_rate = w->cfg.rate_hz * (1 + w->cfg.adc.rate_error);
    return (uint64_t)(65536e6 / true_rate + 0.5);
}

float world_mux_pin(const struct world *w, int pin, uint32_t angle)
{
    if (pin == 1 && w->mux == 1)
        return adc_pin(&w->adc, WORLD_PP, (float)cable_pp_mv(&w->cable, &w->faults));
    int phase = pin == 1 ? 1 : w->mux == 1 ? 2 : 0;
    return adc_pin(&w->adc, WORLD_V1 + phase, mains_volt(&w->mains, phase, angle));
}

static float settle(struct world *w, int pin, float mv, uint64_t now_q16)
{
    double since_us = (double)(now_q16 - w->mux_at_q16) * (1 / 65536.0);
    if (since_us > 12 * w->cfg.adc.mux_settle_us) {
        w->mux_turned = false;
        return mv;
    }
    return mv + (w->mux_from[pin] - mv) * expf((float)(-since_us / w->cfg.adc.mux_settle_us));
}

/* Moves the pilot on by one conversion period; the timer's periods end where they end. */
static inline void pilot_advance(struct world *w, uint32_t period, uint64_t now_q16)
{
    struct sim_pilot *p = &w->pilot;
    p->phase_q16 += period;
    while (p->phase_q16 >= PILOT_PERIOD_Q16) {
        p->phase_q16 -= PILOT_PERIOD_Q16;
        sim_pilot_wrap(p, (now_q16 - p->phase_q16) >> 16);
    }
}

void world_sample(struct world *w, uint16_t *raw, size_t n)
{
    const struct adc *adc = &w->adc;
    uint64_t noise = w->noise, now = w->now_q16;
    uint32_t period = (uint32_t)world_period_q16(w);
    double turn_exact = w->mains.angle_per_us * (double)period * (1 / 65536.0);
    uint64_t angle0 = w->mains.angle;
    uint32_t ct_delay = (uint32_t)(int64_t)(w->cfg.adc.ct_delay_us * w->mains.angle_per_us);
    /* What does not depend on the instant is converted once. */
    float high = adc_ideal_code(adc, adc_pin(adc, WORLD_CP, w->pilot.high_v));
    float low = adc_ideal_code(adc, adc_pin(adc, WORLD_CP, w->pilot.low_v));
    float idle[3];
    for (int k = 0; k < 3; k++)
        idle[k] = adc_ideal_code(adc, adc_pin(adc, WORLD_I1 + k, 0));
    float pp = adc_ideal_code(adc, adc_pin(adc, WORLD_PP, (float)cable_pp_mv(&w->cable, &w->faults)));
    float floating = adc_ideal_code(adc, FLOATING_MV);

    for (size_t i = 0; i < n; i++) {
        now += period;
        pilot_advance(w, period, now);
        uint64_t angle64 = angle0 + (uint64_t)(turn_exact * (double)(i + 1));
        uint32_t angle = (uint32_t)angle64;
        unsigned channel = w->cfg.pattern[w->pattern_pos];
        if (++w->pattern_pos == w->cfg.pattern_len)
            w->pattern_pos = 0;
        float code;
        int k = 0;
        switch (channel) {
        case CH_CP:
            if (sim_pilot_on_edge(&w->pilot, w->pilot.phase_q16))
                code = adc_ideal_code(
                    adc, adc_pin(adc, WORLD_CP, sim_pilot_edge_volt(&w->pilot, w->pilot.phase_q16)));
            else
                code = w->pilot.phase_q16 < w->pilot.high_q16 ? high : low;
            break;
        case CH_I3:
            k++; /* fall through */
        case CH_I2:
            k++; /* fall through */
        case CH_I1:
            code = w->load.any
                       ? adc_ideal_code(adc, adc_pin(adc, WORLD_I1 + k,
                                                     load_amp(&w->load, &w->mains, k, angle - ct_delay)))
                       : idle[k];
            break;
        case CH_M0:
        case CH_M1: {
            int pin = channel == CH_M1;
            if (pin == 1 && w->mux == 1 && !w->mux_turned) {
                code = pp;
                break;
            }
            float mv = world_mux_pin(w, pin, angle);
            if (w->mains.noise > 0 && !(pin == 1 && w->mux == 1))
                mv += adc->pin_slope[WORLD_V1] * w->mains.noise * wave_gauss(&noise);
            if (w->mux_turned)
                mv = settle(w, pin, mv, now);
            code = adc_ideal_code(adc, mv < 0 ? 0 : mv);
            break;
        }
        default:
            code = floating;
            break;
        }
        raw[i] = (uint16_t)(channel << 12 | adc_convert(adc, code, &noise));
    }
    w->noise = noise;
    w->now_q16 = now;
    w->mains.angle = angle0 + (uint64_t)(turn_exact * (double)n);
}

void world_skip(struct world *w, size_t n)
{
    uint64_t period = world_period_q16(w);
    for (size_t i = 0; i < n; i++) {
        w->now_q16 += period;
        pilot_advance(w, (uint32_t)period, w->now_q16);
    }
    w->mains.angle += (uint64_t)(w->mains.angle_per_us * (double)(period * n) * (1 / 65536.0));
}
