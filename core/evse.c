/*
 * evse: the states of IEC 61851-1, clause by clause.
 */
#include "core/evse.h"

#include "core/pilot.h"

void evse_init(struct evse *e)
{
    *e = (struct evse){.state = EVSE_SELF_TEST, .duty_bp = PILOT_STEADY, .duty_ms = EVSE_DUTY_SPACING_MS};
}

const char *evse_state_name(enum evse_state s)
{
    static const char *const name[EVSE_STATES] = {
        [EVSE_SELF_TEST] = "SelfTest", [EVSE_UNAVAILABLE] = "Unavailable",
        [EVSE_IDLE] = "Idle",          [EVSE_CONNECTED] = "Connected",
        [EVSE_OFFERING] = "Offering",  [EVSE_WAITING] = "Waiting",
        [EVSE_WAKING] = "Waking",      [EVSE_CLOSING] = "Closing",
        [EVSE_CHARGING] = "Charging",  [EVSE_STOPPING] = "Stopping",
        [EVSE_FAULT] = "Fault",
    };
    return (unsigned)s < EVSE_STATES ? name[s] : "unknown";
}

/* The states in which the contactor is, or is about to be, closed. */
static bool energised(enum evse_state s)
{
    return s == EVSE_CLOSING || s == EVSE_CHARGING || s == EVSE_STOPPING;
}

static bool pwm(uint16_t duty_bp)
{
    return duty_bp != PILOT_STEADY && duty_bp != PILOT_F;
}

/* The car asks for energy: C, or D where the place is ventilated. */
static bool asking(const struct evse_in *in)
{
    return in->pilot == 'C' || (in->pilot == 'D' && in->ventilation);
}

/* What must hold as long as the contactor is closed, else it opens at once. */
static bool sound(const struct evse_in *in)
{
    return in->cable_ok && in->diode_ok;
}

/* Current may be offered: without it the car is asked to stop, and has its time for that. */
static bool may_offer(const struct evse_in *in)
{
    return in->available && in->authorised && !in->hold && in->target_bp != PILOT_STEADY && in->cable_ok &&
           in->locked;
}

/* The whole list of what must hold before the contactor closes. */
static bool may_close(const struct evse *e, const struct evse_in *in)
{
    return asking(in) && e->ask_ms >= EVSE_C_STABLE_MS && pwm(e->duty_bp) && may_offer(in) && sound(in) &&
           in->ready && !in->tripped;
}

static uint32_t add(uint32_t ms, uint32_t dt_ms, uint32_t most)
{
    return dt_ms >= most - ms ? most : ms + dt_ms;
}

/* Contactor open, no fault: what is right for this car now. */
static enum evse_state rest(const struct evse *e, const struct evse_in *in)
{
    if (!in->available)
        return EVSE_UNAVAILABLE;
    if (!e->plugged)
        return EVSE_IDLE; /* A.6/2: unplugged */
    if (!in->authorised)
        return EVSE_CONNECTED; /* A.6/1.1, 1.2: plugged in; B1, or C1 with S2 always closed */
    if (!may_offer(in))
        return EVSE_WAITING;
    if (e->state == EVSE_WAKING) {
        bool over = e->state_ms >= EVSE_WAKE_X1_MS + EVSE_WAKE_F_MS || asking(in);
        return over ? EVSE_OFFERING : EVSE_WAKING;
    }
    if (e->state == EVSE_OFFERING) {
        if (may_close(e, in))
            return EVSE_CLOSING; /* A.6/4: the car is ready: supply on within 3 s */
        if (in->pilot == 'B' && !e->asked && e->state_ms >= EVSE_WAKE_AFTER_MS && e->wakes < EVSE_WAKES)
            return EVSE_WAKING; /* A.5.3 */
    }
    return EVSE_OFFERING; /* A.6/3.1, 3.2: B1 to B2, C1 to C2 */
}

/* Contactor closed or closing, no fault. */
static enum evse_state live(const struct evse *e, const struct evse_in *in)
{
    if (in->tripped || !asking(in) || !sound(in))
        return rest(e, in); /* A.6/8.1: S2 opened; A.6/2.2: unplugged in C or D; or the guard was faster */
    if (e->state == EVSE_STOPPING)
        return e->state_ms >= EVSE_STOP_MS ? rest(e, in) : EVSE_STOPPING; /* A.6/10.1 and 10.2 */
    if (!may_offer(in))
        return in->closed ? EVSE_STOPPING : rest(e, in); /* A.6/9: the station stops */
    return in->closed ? EVSE_CHARGING : EVSE_CLOSING;
}

static enum evse_state next_state(const struct evse *e, const struct evse_in *in)
{
    if (e->state == EVSE_FAULT && e->f_pulse && e->state_ms < EVSE_F_PULSE_MS)
        return EVSE_FAULT;
    if (in->fault)
        return EVSE_FAULT;
    if (!in->self_tested)
        return EVSE_SELF_TEST;
    return energised(e->state) ? live(e, in) : rest(e, in);
}

static uint16_t duty_wanted(const struct evse *e, const struct evse_in *in)
{
    switch (e->state) {
    case EVSE_SELF_TEST:
        return in->test_bp;
    case EVSE_UNAVAILABLE:
        return PILOT_F;
    case EVSE_OFFERING:
    case EVSE_CLOSING:
    case EVSE_CHARGING:
        return in->target_bp;
    case EVSE_WAKING:
        return e->state_ms < EVSE_WAKE_X1_MS ? PILOT_STEADY : PILOT_F;
    case EVSE_FAULT:
        return in->state_f || (e->f_pulse && e->state_ms < EVSE_F_PULSE_MS) ? PILOT_F : PILOT_STEADY;
    case EVSE_IDLE:
    case EVSE_CONNECTED:
    case EVSE_WAITING:
    case EVSE_STOPPING:
    case EVSE_STATES:
        break;
    }
    return PILOT_STEADY;
}

/* A.6/6: more current, or PWM again after a pause, waits for the spacing. Taking away never waits: a limit
 * that falls protects a fuse. Coming from state F the car starts afresh. */
static bool duty_may_change(const struct evse *e, uint16_t wanted_bp)
{
    if (!pwm(wanted_bp) || e->duty_bp == PILOT_F)
        return true;
    if (pwm(e->duty_bp) && wanted_bp < e->duty_bp)
        return true;
    return e->duty_ms >= EVSE_DUTY_SPACING_MS;
}

/* State F that is over in a moment. Then the pilot tells again, so the cable need not: a proximity wire that
 * breaks while a car charges is a fault, not a car that has gone. */
static bool passing_f(const struct evse *e)
{
    return e->state == EVSE_FAULT && e->f_pulse && e->state_ms < EVSE_F_PULSE_MS + EVSE_F_FADES_MS;
}

/* Is a car connected? State F hides it, then the cable alone tells. */
static bool car_present(const struct evse *e, const struct evse_in *in)
{
    switch (in->pilot) {
    case 'A':
        return false;
    case 'B':
    case 'C':
    case 'D':
        return true;
    case 'F':
        return e->plugged && (!in->cable_gone || passing_f(e));
    default:
        return e->plugged;
    }
}

static void enter(struct evse *e, const struct evse_in *in, enum evse_state next)
{
    enum evse_state from = e->state;
    if (next == from)
        return;
    e->state = next;
    e->state_ms = 0;
    if (energised(from) && !energised(next)) {
        /* An ordinary end may wait for zero current; anything else opens at once. */
        e->soft = next != EVSE_FAULT && (in->pilot == 'B' || (asking(in) && sound(in)));
    }
    if (next == EVSE_FAULT)
        e->f_pulse = energised(from) || in->pilot == 'C' || in->pilot == 'D';
    if (next == EVSE_WAKING)
        e->wakes++;
}

void evse_step(struct evse *e, const struct evse_in *in, struct evse_out *out)
{
    *out = (struct evse_out){0};
    e->state_ms = add(e->state_ms, in->dt_ms, EVSE_WAKE_AFTER_MS);
    e->duty_ms = add(e->duty_ms, in->dt_ms, EVSE_DUTY_SPACING_MS);
    bool asks = asking(in) && !in->tripped && !in->gap;
    e->ask_ms = asks && e->asking ? add(e->ask_ms, in->dt_ms, EVSE_C_STABLE_MS) : 0;
    e->asking = asks;

    bool was_plugged = e->plugged;
    e->plugged = car_present(e, in);
    if (!e->plugged) {
        e->wakes = 0;
        out->drop_authorisation = was_plugged;
    }

    enum evse_state before = e->state;
    enter(e, in, next_state(e, in));
    if (e->state == EVSE_UNAVAILABLE && before != EVSE_UNAVAILABLE)
        out->drop_authorisation = true;

    uint16_t wanted_bp = duty_wanted(e, in);
    if (wanted_bp != e->duty_bp && duty_may_change(e, wanted_bp)) {
        e->duty_bp = wanted_bp;
        e->duty_ms = 0;
    }
    if (!e->plugged || e->state == EVSE_SELF_TEST)
        e->duty_ms = EVSE_DUTY_SPACING_MS; /* no car has seen the last change */
    if (!pwm(e->duty_bp))
        e->asked = false;
    else if (asking(in))
        e->asked = true;

    out->duty_bp = e->duty_bp;
    if (energised(e->state))
        out->contactor = CONTACTOR_CLOSE;
    else
        out->contactor =
            e->soft && (in->pilot == 'B' || in->pilot == 'C' || in->pilot == 'D') && e->state != EVSE_FAULT
                ? CONTACTOR_OPEN_SOFT
                : CONTACTOR_OPEN_NOW;
}
