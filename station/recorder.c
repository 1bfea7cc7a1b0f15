/* recorder: from the control path's state to a sample; see recorder.h. */
#include "station/recorder.h"

static uint16_t u16(int32_t v)
{
    return (uint16_t)(v < 0 ? 0 : v > UINT16_MAX ? UINT16_MAX : v);
}

static int16_t s16(int32_t v)
{
    return (int16_t)(v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v);
}

static uint8_t flags_of(const struct control *c, const struct control_status *s)
{
    unsigned f = 0;
    if (atomic_load_explicit(&c->guard->coil, memory_order_relaxed))
        f |= BLACKBOX_COIL;
    if (c->inputs & GUARD_IN_AUX)
        f |= BLACKBOX_AUX;
    if (c->inputs & GUARD_IN_RCD)
        f |= BLACKBOX_RCD;
    if (s->contactor_closed)
        f |= BLACKBOX_CLOSED;
    if (s->authorised)
        f |= BLACKBOX_AUTHORISED;
    if (s->locked)
        f |= BLACKBOX_LOCKED;
    if (c->stale)
        f |= BLACKBOX_NO_FRAMES;
    return (uint8_t)f;
}

void recorder_step(struct blackbox *b, const struct control *c, const struct control_status *status)
{
    if (!blackbox_due(b))
        return;
    struct blackbox_sample x = {
        .at_us = (uint32_t)status->at_us,
        .cp_high_mv = s16(status->cp_high_mv),
        .cp_low_mv = s16(status->cp_low_mv),
        .pp_mv = u16(c->proximity.mv),
        .duty_bp = status->duty_bp,
        .trips = (uint16_t)atomic_load_explicit(&c->guard->trips, memory_order_relaxed),
        .state = (uint8_t)status->state,
        .pilot = status->pilot,
        .flags = flags_of(c, status),
        .fault = (uint8_t)status->fault,
    };
    for (int p = 0; p < 3; p++) {
        x.v_dv[p] = u16(status->meter.v_mv[p] / 100);
        x.i_cma[p] = u16(c->current_ma[p] / 10);
    }
    blackbox_add(b, &x);
}

void recorder_event(struct blackbox *b, const struct control_event *ev)
{
    if (ev->type == CONTROL_EV_FAULT && ev->b)
        (void)blackbox_fault(b, ev->at_us, ev->a, ev->c);
}
