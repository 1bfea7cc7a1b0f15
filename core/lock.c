/*
 * lock: the cable lock's motor.
 */
#include "core/lock.h"

void lock_init(struct lock *l)
{
    *l = (struct lock){.phase = LOCK_REST};
}

static void start(struct lock *l, bool target, uint64_t now_us)
{
    l->target = l->drive = target;
    l->phase = LOCK_MOVING;
    l->since_us = now_us;
}

void lock_step(struct lock *l, const struct lock_in *in, struct lock_out *out)
{
    *out = (struct lock_out){.locked = true};
    if (!in->fitted)
        return;
    bool wanted = in->wanted || in->live;
    uint64_t passed_us = in->now_us - l->since_us;
    switch (l->phase) {
    case LOCK_REST:
        if (wanted != l->target || in->feedback != l->target) {
            l->tries = 0;
            start(l, wanted, in->now_us);
        }
        break;
    case LOCK_MOVING:
        if (wanted != l->target) {
            l->tries = 0;
            start(l, wanted, in->now_us);
        } else if (in->feedback == l->target) {
            l->phase = LOCK_REST;
            out->event = out->ok = true;
        } else if (passed_us >= LOCK_TRAVEL_US) {
            if (++l->tries >= LOCK_TRIES) {
                l->phase = LOCK_FAILED;
                out->event = true;
            } else {
                l->phase = LOCK_PAUSING;
                l->drive = !l->target; /* back off, then again */
            }
            l->since_us = in->now_us;
        }
        break;
    case LOCK_PAUSING:
        if (passed_us >= LOCK_PAUSE_US)
            start(l, wanted, in->now_us);
        break;
    case LOCK_FAILED:
        if (wanted != l->target) {
            l->tries = 0;
            start(l, wanted, in->now_us);
        } else if (in->feedback == l->target) {
            l->phase = LOCK_REST;
            out->event = out->ok = true;
        } else if (!l->target && passed_us >= LOCK_UNLOCK_RETRY_US) {
            l->tries = LOCK_TRIES - 1; /* one more, and told again if it fails */
            start(l, false, in->now_us);
        }
        break;
    }
    out->drive = l->drive;
    out->locked = l->target && in->feedback;
    out->fault = l->phase == LOCK_FAILED && l->target;
}
