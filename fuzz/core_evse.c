/*
 * Fuzz target: any sequence of inputs, over hours of virtual time, into the state machine. What
 * docs/ARCHITECTURE.md says must always hold is checked at every step by an observer with clocks of its own,
 * which knows the standard's numbers and not the state machine's. Each two bytes of the input change one
 * thing and let time pass.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/evse.h"
#include "core/pilot.h"

/* Not assert: it must stay in release builds. */
#define must(x) ((x) ? (void)0 : violated(#x, __LINE__))
static _Noreturn void violated(const char *what, int line)
{
    fprintf(stderr, "core_evse.c:%d: does not hold: %s\n", line, what);
    abort();
}

enum {
    /* IEC 61851-1 and the field, in ms */
    C_STABLE_MS = 500,
    STOP_MS = 6000,
    DUTY_SPACING_MS = 5000,
    F_PULSE_MS = 300,
    WAKES_MOST = 2,

    STEPS_MOST = 40000,
    LONG_MS = 1000000, /* clocks stop here */
};

struct observer {
    uint32_t ask_ms;    /* the car has asked without a break, up to the step before */
    uint32_t refuse_ms; /* closed although nothing may be offered */
    uint32_t duty_ms;   /* since the duty changed, with a car there */
    uint32_t f_ms;      /* state F since a fault in C */
    bool asked, closed, f_due;
    uint8_t wakes;
    enum evse_state state;
    bool plugged;
    uint16_t duty_bp;
};

static bool pwm(uint16_t bp)
{
    return bp != PILOT_STEADY && bp != PILOT_F;
}

static uint32_t later(uint32_t ms, uint32_t dt_ms)
{
    return ms + dt_ms > LONG_MS ? LONG_MS : ms + dt_ms;
}

/* After a step. `before`: as it was; `o`: what has been seen until then. */
static void observe(struct observer *o, const struct evse_in *in, const struct evse *e,
                    const struct evse_out *out)
{
    bool asks = in->pilot == 'C' || (in->pilot == 'D' && in->ventilation);
    bool offer = in->available && in->authorised && !in->hold && in->target_bp != PILOT_STEADY &&
                 in->cable_ok && in->locked;
    bool close = out->contactor == CONTACTOR_CLOSE;
    must(e->state < EVSE_STATES && out->duty_bp == e->duty_bp);

    /* The contactor. */
    bool unbroken = asks && o->asked && !in->gap && !in->tripped;
    uint32_t ask_ms = unbroken ? later(o->ask_ms, in->dt_ms) : 0;
    if (close) {
        must(asks && in->self_tested && !in->fault && in->cable_ok && in->diode_ok && !in->tripped);
        if (!o->closed)
            must(offer && in->ready && ask_ms >= C_STABLE_MS && pwm(o->duty_bp) && pwm(out->duty_bp));
        /* A.6/10: a car that does not stop is disconnected when its 6 s are over. */
        o->refuse_ms = offer ? 0 : o->refuse_ms ? later(o->refuse_ms, in->dt_ms) : 1;
        must(o->refuse_ms <= STOP_MS);
    } else {
        o->refuse_ms = 0;
    }
    if (in->fault || in->pilot == 'A' || in->pilot == 'E' || in->pilot == '?')
        must(out->contactor == CONTACTOR_OPEN_NOW);

    /* The duty: only to a car that may charge, never above the limit, no more of it too soon. */
    if (pwm(out->duty_bp)) {
        must(offer && !in->fault && e->plugged && out->duty_bp <= in->target_bp);
        bool more = !pwm(o->duty_bp) || out->duty_bp > o->duty_bp;
        if (more && o->duty_bp != PILOT_F && o->plugged)
            must(later(o->duty_ms, in->dt_ms) >= DUTY_SPACING_MS);
    }
    o->duty_ms = out->duty_bp != o->duty_bp ? 0 : later(o->duty_ms, in->dt_ms);
    if (!e->plugged || e->state == EVSE_SELF_TEST)
        o->duty_ms = LONG_MS; /* no car has seen it */

    /* A fault while the car is in C is shown as state F, for long enough to be seen. */
    if (o->f_due) {
        o->f_ms = later(o->f_ms, in->dt_ms);
        if (out->duty_bp != PILOT_F) {
            must(o->f_ms >= F_PULSE_MS);
            o->f_due = false;
        }
    } else if (in->fault && e->state == EVSE_FAULT && o->state != EVSE_FAULT &&
               (in->pilot == 'C' || in->pilot == 'D' || o->closed)) {
        must(out->duty_bp == PILOT_F);
        o->f_due = true;
        o->f_ms = 0;
    }
    if (in->fault && in->state_f)
        must(out->duty_bp == PILOT_F);
    if (in->self_tested && !in->fault && !o->f_due && out->duty_bp == PILOT_F)
        must(!in->available || e->state == EVSE_WAKING);

    /* Permission is of one car. */
    must(out->drop_authorisation ||
         !((o->plugged && !e->plugged) || (!in->available && in->self_tested && !in->fault && !close &&
                                           e->state == EVSE_UNAVAILABLE && o->state != EVSE_UNAVAILABLE)));
    if (in->pilot == 'A')
        must(!e->plugged && !pwm(out->duty_bp));

    /* A full car is left in peace. */
    if (!e->plugged)
        o->wakes = 0;
    if (e->state == EVSE_WAKING && o->state != EVSE_WAKING)
        must(++o->wakes <= WAKES_MOST);

    o->state = e->state;
    o->plugged = e->plugged;
    o->asked = asks && !in->tripped && !in->gap;
    o->ask_ms = o->asked ? ask_ms : 0;
    o->closed = close;
    o->duty_bp = out->duty_bp;
}

static void change(struct evse_in *in, uint8_t what, uint8_t value)
{
    static const char letters[] = "ABCDEF?C"; /* C twice: it is where things happen */
    static const uint16_t duties[] = {PILOT_STEADY, 1000, 1666, 2666, 3333, 5333, 8500, 9600};
    bool on = value & 1;
    switch (what) {
    case 0:
    case 1:
    case 2:
        in->pilot = letters[value % 8];
        break;
    case 3:
        in->authorised = on;
        break;
    case 4:
        in->target_bp = duties[value % 8];
        break;
    case 5:
        in->fault = on;
        in->state_f = value & 2;
        break;
    case 6:
        in->available = on;
        break;
    case 7:
        in->hold = on;
        break;
    case 8:
        in->cable_ok = on;
        in->cable_gone = !on && (value & 2);
        break;
    case 9:
        in->diode_ok = on;
        break;
    case 10:
        in->locked = on;
        break;
    case 11:
        in->ventilation = on;
        break;
    case 12:
        in->ready = on;
        break;
    case 13:
        in->self_tested = on;
        in->test_bp = value & 2 ? PILOT_F : PILOT_STEADY;
        break;
    case 14:
        in->gap = true; /* for one step */
        break;
    default:
        in->tripped = true; /* the same */
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t step_ms[] = {10, 10, 10, 1, 100, 1000, 0, 30000};
    static const uint16_t repeat[] = {1, 2, 10, 52, 60, 120, 520, 3200};
    struct evse e;
    struct evse_out out;
    struct observer o = {.duty_bp = PILOT_STEADY, .duty_ms = LONG_MS};
    struct evse_in in = {
        .pilot = 'A',
        .self_tested = true,
        .test_bp = PILOT_STEADY,
        .available = true,
        .authorised = true,
        .cable_ok = true,
        .diode_ok = true,
        .locked = true,
        .target_bp = 5333,
        .ready = true,
    };
    evse_init(&e);
    uint32_t steps = 0;
    for (size_t at = 0; at + 1 < size && steps < STEPS_MOST; at += 2) {
        change(&in, data[at] & 15, data[at + 1] >> 1);
        in.dt_ms = step_ms[data[at] >> 4 & 7];
        uint16_t n = repeat[data[at + 1] >> 5];
        /* The contactor follows in the next step, or one later. */
        bool slow = data[at] & 128;
        for (uint16_t i = 0; i < n; i++, steps++) {
            evse_step(&e, &in, &out);
            observe(&o, &in, &e, &out);
            bool follows = !slow || i % 2;
            if (follows)
                in.closed = out.contactor == CONTACTOR_CLOSE;
            in.gap = in.tripped = false;
        }
    }
    return 0;
}
