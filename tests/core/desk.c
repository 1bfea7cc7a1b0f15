#include "tests/core/desk.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TURN 6.283185307179586

void desk_car(struct desk *d, char letter)
{
    static const int32_t level[] = {12000, 9000, 6000, 3000, 0};
    d->car = letter;
    d->high_mv = letter == '?' ? 7500 : level[letter - 'A'];
    d->low_mv = letter == 'E' ? 0 : -12000;
}

void desk_init_at(struct desk *d, const struct control_cfg *cfg, uint64_t now_us, uint32_t seed,
                  const struct meter_reading *start, uint32_t cycles)
{
    struct control_cfg c;
    control_cfg_default(&c);
    if (cfg)
        c = *cfg;
    /* Nothing may depend on what was in the memory before. */
    memset(d, 0x5a, sizeof *d);
    memset(&d->now_us, 0, sizeof *d - offsetof(struct desk, now_us));
    d->events_n = 0;
    d->in = (struct control_in){.temperature_valid = true, .temperature_mc = 25000};
    d->now_us = d->frame_us = now_us;
    d->hz = 50;
    for (int p = 0; p < 3; p++)
        d->volt[p] = 230;
    d->pp_mv = 793; /* 220 ohms: 32 A */
    d->close_us = d->open_us = 20000;
    d->rcm_us = 50000;
    d->out = (struct control_out){.duty_bp = 10000};
    desk_car(d, 'A');
    guard_init(&d->guard, &c.sense);
    d->guard.armed = 77; /* as a station that restarts without a power cut finds it */
    control_init(&d->control, &c, &d->guard, now_us, seed, start, cycles);
    control_status_read(&d->control, &d->status);
}

void desk_init(struct desk *d, const struct control_cfg *cfg)
{
    desk_init_at(d, cfg, DESK_START_US, 1, NULL, 0);
}

static double pin_dmv(const struct desk *d, int wave, double t_s)
{
    const struct metering_cfg *m = &d->control.cfg.metering;
    double w = TURN * d->hz * t_s;
    int p = wave;
    if (wave < 3) {
        double a = d->contacts ? d->amp[wave] : 0;
        return m->i_zero_dmv[wave] + 180 * sqrt(2) * a * sin(w - wave * TURN / 3);
    }
    if (wave == 4 && d->mux)
        return 10 * d->pp_mv;
    p = d->mux ? 2 : wave - 3;
    return m->v_zero_dmv[p] + 28 * sqrt(2) * d->volt[p] * sin(w - p * TURN / 3);
}

static void make_frame(struct desk *d, struct sense_frame *f)
{
    uint16_t duty = d->stuck_pilot ? 10000 : d->out.duty_bp;
    uint8_t wanted = (uint8_t)d->guard.mux_wanted;
    *f = (struct sense_frame){.end_us = d->frame_us,
                              .seq = d->seq++,
                              .inputs = d->inputs,
                              .samples = 200,
                              .mux = wanted,
                              .mux_settling = wanted != d->mux};
    d->mux = wanted;
    f->cp.n_above = f->cp.n_high = duty / 100;
    f->cp.n_low = (uint16_t)(100 - f->cp.n_high);
    if (d->car == 'E') { /* shorted: one level, whatever is driven */
        f->cp.n_high = 100;
        f->cp.n_low = 0;
    }
    f->cp.high_mv = f->cp.n_high ? d->high_mv : 0;
    f->cp.low_mv = f->cp.n_low ? d->low_mv : 0;
    if (d->no_pilot)
        memset(&f->cp, 0, sizeof f->cp);
    for (int w = 0; w < SENSE_WAVES; w++) {
        f->n[w] = 20;
        f->first[w] = (uint8_t)(1 + 2 * w);
        for (int k = 0; k < 20; k++) {
            double t = (double)d->frame_us * 1e-6 - (200 - f->first[w] - 10 * k) * 25e-6;
            f->dmv[w][k] = (int16_t)lrint(pin_dmv(d, w, t));
        }
    }
}

static uint32_t world_inputs(const struct desk *d)
{
    const struct control_cfg *c = &d->control.cfg;
    uint32_t in = d->inputs;
    if (c->aux_fitted && d->contacts)
        in |= GUARD_IN_AUX;
    if (c->lock_fitted && d->out.lock && !d->lock_stuck)
        in |= GUARD_IN_LOCKED;
    bool driven = d->out.rcm_test || (d->rcm_driven_us && d->frame_us - d->rcm_driven_us < d->rcm_us);
    if (c->rcm_fitted && driven && !d->rcm_stuck)
        in |= GUARD_IN_RCM_FAULT;
    return in;
}

static void set_pin(struct desk *d, bool on, uint64_t at_us)
{
    if (on == d->pin)
        return;
    d->pin = on;
    d->pin_us = at_us;
}

static void move_contacts(struct desk *d)
{
    bool stays = d->pin ? d->no_close : d->weld;
    if (d->pin == d->contacts || stays || d->frame_us - d->pin_us < (d->pin ? d->close_us : d->open_us))
        return;
    d->contacts = d->pin;
    d->contacts_us = d->frame_us;
}

/* What core/guard leaves in its words after a frame. */
static void guard_words(struct desk *d)
{
    struct guard *g = &d->guard;
    if (g->armed && d->trip && !g->trips) {
        g->trips = d->trip;
        g->first_trip = d->first_trip ? d->first_trip : d->trip & (~d->trip + 1u);
        g->trip_us = (uint32_t)d->frame_us;
        d->trip = 0;
    }
    bool on = g->armed && !g->trips;
    if (on != (g->coil != 0)) {
        g->coil = on;
        g->coil_us = (uint32_t)d->frame_us;
    }
    d->coil = on;
    set_pin(d, on, d->frame_us);
    g->frame_us = (uint32_t)d->frame_us;
    g->frames = ++d->frames;
}

void desk_frame(struct desk *d)
{
    struct guard *g = &d->guard;
    d->frame_us += DESK_FRAME_US;
    if (d->dead_adc)
        return;
    move_contacts(d);
    struct sense_frame f;
    make_frame(d, &f);
    f.inputs = world_inputs(d);
    guard_words(d);
    if (g->head - g->tail >= GUARD_RING) {
        g->lost++;
        return;
    }
    g->ring[g->head % GUARD_RING] = f;
    g->head++;
}

static void step(struct desk *d)
{
    d->in.now_us = d->now_us;
    d->in.inputs = world_inputs(d);
    memset(&d->out, 0x5a, sizeof d->out.duty_bp);
    control_step(&d->control, &d->in, &d->out);
    if (d->out.rcm_test)
        d->rcm_driven_us = d->now_us;
    if (d->out.coil_off)
        set_pin(d, false, d->now_us);
    control_status_read(&d->control, &d->status);
    while (!d->undrained && d->events_n < DESK_EVENTS &&
           control_next_event(&d->control, &d->events[d->events_n]))
        d->events_n++;
}

void desk_step_after(struct desk *d, uint64_t us)
{
    d->now_us += us;
    while (d->frame_us + DESK_FRAME_US <= d->now_us)
        desk_frame(d);
    step(d);
}

void desk_step(struct desk *d)
{
    desk_step_after(d, CONTROL_PERIOD_US);
}

void desk_run(struct desk *d, int ms)
{
    for (int i = 0; i < ms; i += 10)
        desk_step(d);
}

bool desk_until(struct desk *d, enum evse_state s, int ms)
{
    for (int i = 0; i < ms && d->status.state != s; i += 10)
        desk_step(d);
    return d->status.state == s;
}

void desk_command(struct desk *d, enum control_cmd_type type, int32_t a)
{
    const struct control_cmd cmd = {.type = (uint8_t)type, .a = a};
    control_command(&d->control, &cmd, d->now_us);
}

void desk_limit(struct desk *d, enum limit_slot slot, int32_t ma, int32_t lease_ms, int32_t fallback_ma)
{
    const struct control_cmd cmd = {
        .type = CONTROL_LIMIT, .slot = (uint8_t)slot, .a = ma, .b = lease_ms, .c = fallback_ma};
    control_command(&d->control, &cmd, d->now_us);
}

void desk_start(struct desk *d, const struct control_cfg *cfg, char car)
{
    desk_init(d, cfg);
    desk_car(d, car);
    desk_run(d, 1000);
}

void desk_charge(struct desk *d, const struct control_cfg *cfg)
{
    desk_start(d, cfg, 'A');
    desk_limit(d, LIMIT_SERVER, 16000, 0, 0);
    desk_command(d, CONTROL_AUTHORISE, 1);
    desk_car(d, 'B');
    assert_true(desk_until(d, EVSE_OFFERING, 1000));
    desk_run(d, 300);
    for (int p = 0; p < 3; p++)
        d->amp[p] = 10;
    desk_car(d, 'C');
    assert_true(desk_until(d, EVSE_CHARGING, 1000));
    desk_run(d, 1000);
    assert_true(d->contacts);
}

const struct control_event *desk_last(const struct desk *d, enum control_event_type type)
{
    for (int i = d->events_n; i-- > 0;)
        if (d->events[i].type == type)
            return &d->events[i];
    return NULL;
}

int desk_count(const struct desk *d, enum control_event_type type)
{
    int n = 0;
    for (int i = 0; i < d->events_n; i++)
        n += d->events[i].type == type;
    return n;
}

int desk_faults(const struct desk *d, enum fault f, int raised)
{
    int n = 0;
    for (int i = 0; i < d->events_n; i++)
        n +=
            d->events[i].type == CONTROL_EV_FAULT && d->events[i].a == (int32_t)f && d->events[i].b == raised;
    return n;
}
