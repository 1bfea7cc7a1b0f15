#include "tests/core/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void rig_init(struct rig *r, const struct control_cfg *cfg)
{
    struct control_cfg c;
    control_cfg_default(&c);
    if (cfg)
        c = *cfg;
    memset(r, 0, sizeof *r);
    frames_init(&r->frames);
    r->frames.cfg = c.sense;
    r->frames.noise_mv = 4;
    r->car = 'A';
    r->close_us = 12000;
    r->open_us = 9000;
    r->in.temperature_valid = true;
    r->in.temperature_mc = 25000;
    r->out.duty_bp = 10000;
    guard_init(&r->guard, &c.sense);
    control_init(&r->control, &c, &r->guard, (uint64_t)r->frames.t_us, 1, NULL, 0);
    r->next_step_us = r->frames.t_us;
}

double rig_now_us(const struct rig *r)
{
    return r->frames.t_us;
}

static uint32_t inputs(const struct rig *r)
{
    const struct control_cfg *c = &r->control.cfg;
    uint32_t in = r->inputs;
    if (c->aux_fitted && r->contactor)
        in |= GUARD_IN_AUX;
    if (c->lock_fitted && r->out.lock && !r->lock_stuck)
        in |= GUARD_IN_LOCKED;
    if (c->rcm_fitted && r->out.rcm_test && !r->rcm_stuck)
        in |= GUARD_IN_RCM_FAULT;
    return in;
}

static void contacts(struct rig *r)
{
    bool want = r->coil;
    double now = rig_now_us(r), delay = r->coil ? r->close_us : r->open_us;
    if (want == r->contactor || now - r->coil_us < delay || (want && r->no_close) || (!want && r->weld))
        return;
    r->contactor = want;
    r->contactor_us = now;
    r->closings += want;
    for (int p = 0; p < 3; p++)
        if (!want && r->frames.amp[p] > 0.5) {
            r->hot_openings++;
            break;
        }
}

static void world(struct rig *r)
{
    struct frames *f = &r->frames;
    uint16_t duty = r->stuck_pilot ? 10000 : r->out.duty_bp;
    f->duty_bp = duty;
    frames_pilot(f, r->car, !r->no_diode);
    contacts(r);
    bool asks = r->car == 'C' || r->car == 'D';
    bool draws = r->contactor && (asks || rig_now_us(r) - r->left_us < r->car_delay_us);
    for (int p = 0; p < 3; p++)
        f->amp[p] = draws ? r->draw_a[p] : 0;
    f->inputs = inputs(r);
}

static void set_coil(struct rig *r, bool on)
{
    if (on == r->coil)
        return;
    r->coil = on;
    r->coil_us = rig_now_us(r);
}

/* The control thread's turn, at its own time in mid-frame. */
static void step(struct rig *r)
{
    uint16_t duty = r->out.duty_bp;
    r->in.now_us = (uint64_t)r->next_step_us;
    r->in.inputs = inputs(r);
    control_step(&r->control, &r->in, &r->out);
    if (r->out.coil_off && r->coil) {
        r->coil = false;
        r->coil_us = r->next_step_us;
    }
    if (r->out.duty_bp != duty)
        r->duty_us = r->next_step_us;
    control_status_read(&r->control, &r->status);
    struct control_event e;
    while (control_next_event(&r->control, &e))
        if (r->events_n < (int)(sizeof r->events / sizeof r->events[0]))
            r->events[r->events_n++] = e;
}

void rig_run(struct rig *r, double ms)
{
    double end_us = rig_now_us(r) + ms * 1000, frame_us = 1e6 * SENSE_FRAME_LEN / r->frames.rate_hz;
    while (rig_now_us(r) < end_us) {
        for (; r->next_step_us < rig_now_us(r) + frame_us; r->next_step_us += CONTROL_PERIOD_US)
            if (r->next_step_us >= r->stall_us)
                step(r);
        world(r);
        if (r->dead_adc)
            r->frames.t_us += frame_us;
        else
            set_coil(r, frames_feed(&r->frames, &r->guard) & GUARD_OUT_COIL);
    }
}

bool rig_until(struct rig *r, enum evse_state s, double ms)
{
    double end_us = rig_now_us(r) + ms * 1000;
    while (rig_now_us(r) < end_us) {
        if (r->status.state == s)
            return true;
        rig_run(r, 1);
    }
    return r->status.state == s;
}

void rig_start(struct rig *r, const struct control_cfg *cfg, char car)
{
    rig_init(r, cfg);
    r->car = car;
    rig_run(r, 1500);
}

void rig_command(struct rig *r, enum control_cmd_type type, int32_t a)
{
    const struct control_cmd cmd = {.type = (uint8_t)type, .a = a};
    control_command(&r->control, &cmd, (uint64_t)rig_now_us(r));
}

void rig_limit(struct rig *r, enum limit_slot slot, int32_t ma, int32_t lease_ms, int32_t fallback_ma)
{
    const struct control_cmd cmd = {
        .type = CONTROL_LIMIT, .slot = (uint8_t)slot, .a = ma, .b = lease_ms, .c = fallback_ma};
    control_command(&r->control, &cmd, (uint64_t)rig_now_us(r));
}

void rig_car(struct rig *r, char letter)
{
    if ((r->car == 'C' || r->car == 'D') && letter != 'C' && letter != 'D')
        r->left_us = rig_now_us(r);
    r->car = letter;
}

void rig_charge(struct rig *r, const struct control_cfg *cfg)
{
    rig_start(r, cfg, 'A');
    rig_limit(r, LIMIT_SERVER, 16000, 0, 0);
    rig_command(r, CONTROL_AUTHORISE, 1);
    rig_car(r, 'B');
    assert_true(rig_until(r, EVSE_OFFERING, 1000));
    rig_run(r, 300);
    for (int p = 0; p < 3; p++)
        r->draw_a[p] = 10;
    rig_car(r, 'C');
    assert_true(rig_until(r, EVSE_CHARGING, 1000));
    rig_run(r, 1000);
    assert_true(r->contactor);
}

int rig_count(const struct rig *r, enum control_event_type type, int32_t a, int32_t b)
{
    int n = 0;
    for (int i = 0; i < r->events_n; i++)
        n += r->events[i].type == type && (a < 0 || r->events[i].a == a) && (b < 0 || r->events[i].b == b);
    return n;
}
