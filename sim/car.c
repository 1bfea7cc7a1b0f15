#include "sim/car.h"

#include <string.h>

/* Voltage in which an on-board charger works; beyond it stops and starts anew when it is back. Usual for 230
 * V. */
#define CHARGER_MIN_V 160.0
#define CHARGER_MAX_V 285.0
/* A sleeping car wakes when the pilot has been at 0 V or −12 V for this long (docs/hardware.md gives 4 s to
 * do it). */
enum { WAKE_US = 1000000 };
/* Current has gone before S2 opens on an orderly stop, by this much. */
enum { S2_AFTER_ZERO_US = 10000 };

void car_init(struct car *c, const struct world_car *cfg)
{
    memset(c, 0, sizeof *c);
    c->cfg = *cfg;
}

double car_duty_limit_a(unsigned duty_bp)
{
    /* IEC 61851-1 Table A.8, "maximum current to be drawn by vehicle" */
    if (duty_bp < 800 || duty_bp > 9700)
        return 0;
    if (duty_bp < 1000)
        return 6;
    if (duty_bp <= 8500)
        return duty_bp * 0.006;
    if (duty_bp <= 9600)
        return (duty_bp * 0.01 - 64) * 2.5;
    return 80;
}

double car_pilot_ohm(const struct car *c)
{
    double r = c->cfg.r_b_ohm;
    if (c->s2) {
        double p = c->cfg.ventilation ? c->cfg.r_d_ohm : c->cfg.r_c_ohm;
        r = r * p / (r + p);
    }
    return r > 1 ? r : 1;
}

double car_soc(const struct car *c)
{
    if (c->cfg.battery_wh <= 0)
        return 1;
    double s = c->cfg.filled_wh / c->cfg.battery_wh;
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

void car_charge(struct car *c, double wh)
{
    c->cfg.filled_wh += wh;
    if (c->cfg.filled_wh > c->cfg.battery_wh)
        c->cfg.filled_wh = c->cfg.battery_wh;
}

void car_unplugged(struct car *c)
{
    c->cfg.sleeping = false;
}

void car_pulse(struct car *c, bool closed, uint64_t until_us)
{
    c->pulse_closed = closed;
    c->pulse_until_us = until_us;
}

/* What has to happen to a time when a duration is added; never 0, which means "not under way". */
static uint64_t after_s(uint64_t now_us, double s)
{
    return now_us + 1 + (uint64_t)(s > 0 ? s * 1e6 : 0);
}

static void turn_s2(struct car *c, bool closed, uint64_t now_us)
{
    c->s2_due_us = 0;
    c->stopping = false;
    if (c->s2 == closed)
        return;
    c->s2 = closed;
    c->s2_changed_s = (double)now_us * 1e-6;
    if (!closed)
        c->s2_opened_us = now_us + 1;
}

static void wake(struct car *c, const struct car_in *in)
{
    if (!in->pilot || !in->pilot_zero) {
        c->zero_since_us = 0;
        return;
    }
    if (c->zero_since_us == 0)
        c->zero_since_us = in->now_us + 1;
    else if (in->now_us - c->zero_since_us >= WAKE_US)
        c->cfg.sleeping = false;
}

/* The car's own decision: closes S2 when it may and wants to, opens it in good order when not. */
static void decide_s2(struct car *c, const struct car_in *in)
{
    bool pwm = in->pilot && !in->pilot_zero && car_duty_limit_a(in->duty_bp) > 0;
    bool willing = c->ready && !c->cfg.sleeping && car_soc(c) < 1;
    bool want = willing && (pwm || (c->cfg.ignores_duty && c->s2 && in->pilot));
    double fade_s = c->cfg.residual_s > 0 ? 0 : c->cfg.stop_ms * 1e-3 + S2_AFTER_ZERO_US * 1e-6;
    if (want == c->s2) {
        c->s2_due_us = 0;
        c->stopping = false;
    } else if (want) {
        if (c->s2_due_us == 0)
            c->s2_due_us = after_s(in->now_us, c->cfg.s2_delay_ms * 1e-3);
    } else if (!c->stopping || (!in->pilot && c->s2_due_us > after_s(in->now_us, fade_s))) {
        /* The owner's stop, the battery's and a lost pilot act at once; lost PWM within the car's own time.
         */
        bool patient = willing && in->pilot && c->cfg.x1_stop_s > fade_s;
        double total_s = patient ? c->cfg.x1_stop_s : fade_s;
        c->stopping = true;
        c->stop_begins_us = after_s(in->now_us, total_s - fade_s);
        c->s2_due_us = after_s(in->now_us, total_s);
    }
    if (c->s2_due_us != 0 && in->now_us >= c->s2_due_us)
        turn_s2(c, !c->s2, in->now_us);
}

/* The limit the charger follows: what the pilot said reaction_s ago. */
static void follow_duty(struct car *c, const struct car_in *in, bool drawing)
{
    double a = in->pilot && !in->pilot_zero ? car_duty_limit_a(in->duty_bp) : 0;
    if (!drawing) {
        c->seen_n = 0;
        c->seen_a = c->followed_a = a;
        return;
    }
    if (a > c->seen_a + 0.01 || a < c->seen_a - 0.01) {
        if (a > 0 || c->seen_a > 0) {
            int i = c->seen_n < CAR_DUTY_HISTORY ? c->seen_n++ : CAR_DUTY_HISTORY - 1;
            c->seen[i].at_us = in->now_us;
            c->seen[i].limit_a = a;
        }
        c->seen_a = a;
    }
    while (c->seen_n > 0 && (double)(in->now_us - c->seen[0].at_us) >= c->cfg.reaction_s * 1e6) {
        /* Without PWM the stop of decide_s2 rules, not a limit of 0 A. */
        if (c->seen[0].limit_a > 0)
            c->followed_a = c->seen[0].limit_a;
        c->seen_n--;
        memmove(c->seen, c->seen + 1, (size_t)c->seen_n * sizeof c->seen[0]);
    }
}

static double target_a(const struct car *c)
{
    double a = c->cfg.max_a;
    if (!c->cfg.ignores_duty) {
        if (c->followed_a < a)
            a = c->followed_a;
        if (c->followed_a < c->cfg.min_a)
            return 0;
    }
    double soc = car_soc(c);
    if (soc >= 1)
        return 0;
    if (soc > c->cfg.taper_from && c->cfg.taper_from < 1) {
        /* falls in proportion to what is missing; at the very end a cell still takes a twentieth */
        double share = (1 - soc) / (1 - c->cfg.taper_from);
        double taper = c->cfg.max_a * (share > 0.05 ? share : 0.05);
        if (taper < a)
            a = taper;
    }
    return a * c->cfg.over_draw;
}

void car_step(struct car *c, const struct car_in *in)
{
    wake(c, in);
    if (in->now_us < c->pulse_until_us)
        turn_s2(c, c->pulse_closed, in->now_us);
    else if (c->cfg.s2_force != 0)
        turn_s2(c, c->cfg.s2_force == 1, in->now_us);
    else
        decide_s2(c, in);

    int phases = c->cfg.phases == 1 ? 1 : 3;
    bool good = false;
    for (int k = 0; k < phases; k++)
        good |= in->supply_v[k] >= CHARGER_MIN_V && in->supply_v[k] <= CHARGER_MAX_V;
    if (!good)
        c->power_since_us = 0;
    else if (c->power_since_us == 0)
        c->power_since_us = in->now_us + 1;
    bool started = good && (double)(in->now_us - c->power_since_us + 1) >= c->cfg.start_s * 1e6;
    bool residual = !c->s2 && c->s2_opened_us != 0 &&
                    (double)(in->now_us - c->s2_opened_us + 1) < c->cfg.residual_s * 1e6;

    follow_duty(c, in, c->s2 && started);
    double want = c->s2 && started ? target_a(c) : 0;
    double step = c->cfg.ramp_a_per_s * in->dt_s;
    if (!c->stopping)
        c->fade_a = 0;
    if (c->stopping && in->now_us >= c->stop_begins_us) {
        want = 0;
        if (c->fade_a <= 0)
            c->fade_a = c->amp[0]; /* a car that draws draws on phase 1, or its supply is gone */
        step = c->cfg.stop_ms > 0 ? c->fade_a * in->dt_s / (c->cfg.stop_ms * 1e-3) : 1e9;
    }
    for (int k = 0; k < 3; k++) {
        bool supplied = k < phases && in->supply_v[k] >= CHARGER_MIN_V && in->supply_v[k] <= CHARGER_MAX_V;
        if (!supplied)
            c->amp[k] = 0;
        else if (!c->s2)
            c->amp[k] = residual ? c->amp[k] : 0;
        else if (c->amp[k] < want)
            c->amp[k] = c->amp[k] + step < want ? c->amp[k] + step : want;
        else
            c->amp[k] = c->amp[k] - step > want ? c->amp[k] - step : want;
    }
}

uint64_t car_next_us(const struct car *c, uint64_t now_us)
{
    uint64_t next = UINT64_MAX;
    if (c->s2_due_us != 0)
        next = c->s2_due_us;
    if (c->stopping && c->stop_begins_us > now_us && c->stop_begins_us < next)
        next = c->stop_begins_us;
    if (c->pulse_until_us > now_us && c->pulse_until_us < next)
        next = c->pulse_until_us;
    if (!c->s2 && c->s2_opened_us != 0 && c->cfg.residual_s > 0) {
        uint64_t end = c->s2_opened_us + (uint64_t)(c->cfg.residual_s * 1e6);
        if (end > now_us && end < next)
            next = end;
    }
    return next;
}
