#include "tests/core/loop.h"

#include <string.h>

void loop_init(struct loop *l, void *mem, const struct world_cfg *world, const struct control_cfg *cfg,
               uint64_t seed)
{
    struct world_cfg w;
    if (world)
        w = *world;
    else
        world_cfg_default(&w);
    if (seed)
        world_cfg_vary(&w, seed, 0.005);
    memset(l, 0, sizeof *l);
    l->world = world_init(mem, &w, seed);
    l->phase_us = seed * 2654435761u % CONTROL_PERIOD_US;
    l->random = (uint32_t)(seed * 2654435761u >> 7);
    struct control_cfg c;
    if (cfg)
        c = *cfg;
    else
        control_cfg_default(&c);
    world_adc_curve(l->world, c.sense.curve_dmv);
    uint64_t now = world_now_us(l->world);
    guard_init(&l->guard, &c.sense);
    control_init(&l->control, &c, &l->guard, now, (uint32_t)seed, NULL, 0);
    l->due_us = now + l->phase_us;
    l->out.duty_bp = 10000;
    world_set_power(l->world, true);
}

static void step(struct loop *l)
{
    l->in.now_us = world_now_us(l->world);
    l->in.inputs = world_inputs(l->world);
    l->in.temperature_valid = world_temperature_mc(l->world, &l->in.temperature_mc);
    uint16_t duty = l->out.duty_bp;
    control_step(&l->control, &l->in, &l->out);
    if (l->out.coil_off) {
        if (l->coil)
            l->coil_us = l->in.now_us;
        l->coil = false;
        world_set_coil(l->world, false);
    }
    if (duty != l->out.duty_bp)
        l->duty_us = l->in.now_us;
    world_set_pilot(l->world, l->out.duty_bp);
    world_set_lock(l->world, l->out.lock);
    world_set_rcm_test(l->world, l->out.rcm_test);
    control_status_read(&l->control, &l->status);
    struct control_event e;
    while (control_next_event(&l->control, &e))
        if (l->events_n < (int)(sizeof l->events / sizeof l->events[0]))
            l->events[l->events_n++] = e;
}

/* A thread of the highest priority begins within a millisecond of its time: interrupts, critical sections. */
enum { LATE_US = 1000 };

static void schedule(struct loop *l)
{
    l->due_us += CONTROL_PERIOD_US;
    if (l->random) {
        l->random = l->random * 1664525u + 1013904223u;
        l->late_us = (l->random >> 8) % (LATE_US + 1);
    }
}

void loop_run(struct loop *l, double ms)
{
    uint64_t end_us = world_now_us(l->world) + (uint64_t)(ms * 1000);
    while (world_now_us(l->world) < end_us) {
        uint64_t step_us = l->stalled ? UINT64_MAX : l->due_us + l->late_us;
        if (world_frame_until(l->world, l->raw, &l->made, step_us < end_us ? step_us : end_us)) {
            uint64_t now_us = world_now_us(l->world);
            uint32_t out = guard_on_frame(&l->guard, l->raw, WORLD_FRAME_LEN, now_us, world_inputs(l->world));
            bool coil = out & GUARD_OUT_COIL;
            if (coil != l->coil)
                l->coil_us = now_us;
            l->coil = coil;
            world_set_coil(l->world, coil);
            world_set_mux(l->world, (out & GUARD_OUT_MUX) != 0);
        }
        if (l->made == WORLD_FRAME_LEN)
            l->made = 0;
        if (world_now_us(l->world) >= step_us) {
            step(l);
            schedule(l);
        }
        world_state_read(l->world, &l->truth);
    }
}

bool loop_until(struct loop *l, enum evse_state s, double ms)
{
    uint64_t end_us = world_now_us(l->world) + (uint64_t)(ms * 1000);
    while (world_now_us(l->world) < end_us && l->status.state != s)
        loop_run(l, 1);
    return l->status.state == s;
}

void loop_command(struct loop *l, enum control_cmd_type type, int32_t a)
{
    const struct control_cmd cmd = {.type = (uint8_t)type, .a = a};
    control_command(&l->control, &cmd, world_now_us(l->world));
}

bool loop_charge(struct loop *l)
{
    loop_command(l, CONTROL_AUTHORISE, 1);
    world_plug(l->world, true);
    world_ready(l->world, true);
    if (!loop_until(l, EVSE_CHARGING, 6000))
        return false;
    for (int i = 0; i < 100 && l->truth.amp[0] < 5; i++)
        loop_run(l, 100);
    return l->truth.amp[0] >= 5;
}
