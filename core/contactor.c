/*
 * contactor: sequencing, supervision and wear.
 */
#include "core/contactor.h"

void contactor_init(struct contactor *c, uint32_t cycles)
{
    *c = (struct contactor){.cycles = cycles, .open.last_us = -1, .close.last_us = -1};
}

/* Arming follows the wish; an ordinary opening waits for zero current or its deadline. */
static void sequence(struct contactor *c, const struct contactor_in *in)
{
    if (in->tripped || in->wish == CONTACTOR_OPEN_NOW) {
        c->armed = c->opening = false;
        return;
    }
    if (in->wish == CONTACTOR_CLOSE) {
        /* A permission once withdrawn is not given back in mid-opening. */
        if (!c->opening)
            c->armed = true;
        else if (!in->coil)
            c->opening = false;
        return;
    }
    if (!c->armed) {
        c->opening = false;
        return;
    }
    if (!c->opening) {
        c->opening = true;
        c->deadline_us = (in->event_us ? in->event_us : in->now_us) + CONTACTOR_DEADLINE_US;
    }
    bool gone = in->current_valid && in->current_ma < CONTACTOR_GONE_MA;
    /* The next step comes 10 ms later: too late counts from there. */
    if (gone || !in->coil || in->now_us + 10000 > c->deadline_us)
        c->armed = c->opening = false;
}

static void measured(struct contactor_delay *d, int32_t us)
{
    d->last_us = us;
    if (d->learnt < CONTACTOR_LIFE_LEARN) {
        d->normal_us = (d->normal_us * d->learnt + us) / (d->learnt + 1);
        d->learnt++;
        return;
    }
    if (us > d->normal_us + d->normal_us / 2 + CONTACTOR_DRIFT_US)
        d->late = (uint8_t)(d->late < CONTACTOR_DRIFT_COUNT ? d->late + 1 : d->late);
    else
        d->late = 0;
}

/* Do the contacts follow the coil? */
static void supervise(struct contactor *c, const struct contactor_in *in, struct contactor_out *out)
{
    bool current = in->current_valid && in->current_ma >= CONTACTOR_WELD_MA;
    if (in->coil != c->coil) {
        c->coil = in->coil;
        c->contrary_us = 0;
        c->measuring = in->aux_fitted;
        if (in->coil)
            c->cycles++;
        else
            c->off_us = in->coil_us;
    }
    if (c->measuring && in->aux == in->coil && in->aux_us >= in->coil_us) {
        measured(in->coil ? &c->close : &c->open, (int32_t)(in->aux_us - in->coil_us));
        c->measuring = false;
        out->changed = true;
    }

    bool closed = in->aux_fitted ? in->aux : in->coil;
    bool contrary =
        in->coil ? in->aux_fitted && !in->aux && !current : (in->aux_fitted && in->aux) || current;
    if (!contrary) {
        c->contrary_us = 0;
        c->welded = c->no_close = false;
    } else if (!c->contrary_us) {
        c->contrary_us = in->now_us ? in->now_us : 1;
    } else if (in->now_us - c->contrary_us >= CONTACTOR_SETTLE_US) {
        c->welded = !in->coil;
        c->no_close = in->coil;
    }
    if (closed != c->closed) {
        c->closed = closed;
        out->changed = true;
    }
}

void contactor_step(struct contactor *c, const struct contactor_in *in, struct contactor_out *out)
{
    *out = (struct contactor_out){0};
    supervise(c, in, out);
    sequence(c, in);
    out->arm = c->armed;
    out->drift = c->open.late >= CONTACTOR_DRIFT_COUNT || c->close.late >= CONTACTOR_DRIFT_COUNT;
    out->ready = !c->armed && !in->coil && !c->welded && !c->contrary_us &&
                 (!c->off_us || in->now_us - c->off_us >= CONTACTOR_MIN_OFF_US);
}
