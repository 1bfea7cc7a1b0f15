/*
 * rcm: self-test of the residual-current monitor.
 */
#include "core/rcm.h"

void rcm_init(struct rcm *r)
{
    *r = (struct rcm){.phase = RCM_DUE};
}

static void enter(struct rcm *r, enum rcm_phase phase, uint64_t now_us)
{
    r->phase = phase;
    r->since_us = now_us;
}

static void finish(struct rcm *r, bool good, uint64_t now_us)
{
    if (!good && ++r->tries < RCM_TRIES) {
        enter(r, RCM_DUE, now_us);
        return;
    }
    r->passed = good;
    r->failed = !good;
    r->tries = 0;
    r->tested_us = now_us;
    enter(r, RCM_IDLE, now_us);
}

void rcm_step(struct rcm *r, const struct rcm_in *in, struct rcm_out *out)
{
    *out = (struct rcm_out){.ok = true};
    if (!in->fitted)
        return;
    uint64_t passed_us = in->now_us - r->since_us;
    switch (r->phase) {
    case RCM_IDLE:
        if (in->charged || in->again || in->now_us - r->tested_us >= RCM_EVERY_US)
            enter(r, RCM_DUE, in->now_us);
        break;
    case RCM_DUE:
        /* An output that is on already would make any test pass: it is no test, and the trip itself is
         * handled. */
        if (in->may_test && !in->output)
            enter(r, RCM_DRIVING, in->now_us);
        break;
    case RCM_DRIVING:
        if (!in->may_test)
            enter(r, RCM_DUE, in->now_us);
        else if (in->output)
            enter(r, RCM_RELEASING, in->now_us);
        else if (passed_us >= RCM_RESPOND_US)
            finish(r, false, in->now_us);
        break;
    case RCM_RELEASING:
        if (!in->output)
            finish(r, true, in->now_us);
        else if (passed_us >= RCM_RELEASE_US)
            finish(r, false, in->now_us);
        break;
    }
    out->drive = r->phase == RCM_DRIVING;
    out->testing = r->phase == RCM_DRIVING || r->phase == RCM_RELEASING;
    out->failed = r->failed;
    out->ok = r->passed && !out->testing;
}
