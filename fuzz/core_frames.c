/*
 * Fuzz target: raw sample frames through the guard and the control path, as a station runs them: any levels,
 * duty, currents, inputs, orders, lost frames, stopped thread and rubbish from the converter, at any time.
 * The observer knows what the frames truly showed, and checks at every frame and every step what
 * docs/ARCHITECTURE.md says must always hold.
 *
 * The first byte chooses from where it starts: power-up, an empty socket, a car that charges; with or without
 * auxiliary contact, lock and monitor. Then each two bytes change one thing and let time pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/control.h"
#include "tests/core/frames.h"

/* Not assert: it must stay in release builds. */
#define must(x) ((x) ? (void)0 : violated(#x, __LINE__))
static _Noreturn void violated(const char *what, int line)
{
    fprintf(stderr, "core_frames.c:%d: does not hold: %s\n", line, what);
    abort();
}

enum {
    FRAMES_MOST = 4000, /* 19 s */
    FRAME_US = 4843,
    /* Clauses, in µs. */
    OPEN_US = 20000,    /* any fault of the guard */
    LEFT_C_US = 80000,  /* S2 opened: the coil's part of 100 ms */
    STOP_US = 6000000,  /* A.6/10 */
    STALL_US = 1000000, /* control thread */
    LONG_US = 1000000000,
};

struct station {
    struct frames f;
    struct guard g;
    struct control c;
    struct control_in in;
    struct control_out out;
    struct control_status status;
    double step_us; /* when control runs next */
    double stalled_us;
    bool pin, contactor;
    double pin_us;
    char car;
    double draw_a;
    bool no_diode, mirror; /* `mirror`: the car's level follows the contactor as a car's would */
    uint32_t inputs;

    /* what the observer knows */
    bool authorised, available, keep_open;
    int32_t server_ma, server_fallback_ma, user_ma;
    uint64_t server_until_us; /* 0: for ever */
    double hard_us, left_us;  /* since when the frames show a reason to open; < 0: they don't */
    int hard_frames;
    double refuse_us;    /* since when nothing may be offered; < 0: it may */
    double frame_end_us; /* of the last frame */
    double beat_us;      /* of the last step */
    uint64_t energy_uwh;
    bool rubbish;
};

static void set_pin(struct station *s, bool on, double now_us)
{
    if (on != s->pin)
        s->pin_us = now_us;
    s->pin = on;
}

static uint32_t inputs(const struct station *s)
{
    const struct control_cfg *c = &s->c.cfg;
    uint32_t in = s->inputs;
    if (c->aux_fitted && s->contactor)
        in |= GUARD_IN_AUX;
    if (c->lock_fitted && s->out.lock)
        in ^= GUARD_IN_LOCKED;
    if (c->rcm_fitted && s->out.rcm_test)
        in ^= GUARD_IN_RCM_FAULT;
    return in;
}

/* What this frame, made of one level throughout and not of rubbish, truly shows. */
enum shown { SHOWS_C, SHOWS_LEFT_C, SHOWS_HARD, SHOWS_UNSURE };
static enum shown shown(const struct station *s)
{
    const struct frames *f = &s->f;
    const struct control_cfg *c = &s->c.cfg;
    if (s->rubbish || f->noise_mv > 20 || f->offset_mv > 5 || f->offset_mv < -5 || f->event_us < 1e17)
        return SHOWS_UNSURE;
    if ((s->f.inputs & GUARD_IN_RCD) || (c->rcm_fitted && (s->f.inputs & GUARD_IN_RCM_FAULT)))
        return SHOWS_HARD;
    if (f->duty_bp == 0)
        return SHOWS_HARD; /* state F, by ourselves */
    if (f->duty_bp < 900)
        return SHOWS_UNSURE;
    /* IEC 61851-1: C 5.48..6.49 V, D 2.62..3.25 V, B 8.36..9.56 V, A from 11.4 V, E at 0 V */
    int32_t mv = f->high_mv;
    bool diode_seen_bad = c->cp_bipolar && f->duty_bp <= 9000 && f->low_mv > -9000;
    if (diode_seen_bad || mv >= 11400 || (mv >= -500 && mv <= 500) ||
        (mv >= 2620 && mv <= 3250 && !c->ventilation_allowed))
        return SHOWS_HARD;
    if (mv >= 8360 && mv <= 9560)
        return SHOWS_LEFT_C;
    bool asks = (mv >= 5480 && mv <= 6490) || (mv >= 2620 && mv <= 3250);
    return asks && f->low_mv <= -11400 && f->low_mv >= -12600 ? SHOWS_C : SHOWS_UNSURE;
}

/* The coil has just been switched on. */
static void may_switch_on(const struct station *s, enum shown what)
{
    const struct control *c = &s->c;
    must(what == SHOWS_C || what == SHOWS_UNSURE);
    must(s->authorised && s->available && !s->keep_open);
    must(c->selftest.phase == SELFTEST_PASSED && !c->faults.raised);
    must(c->pilot.letter == 'C' || (c->pilot.letter == 'D' && c->cfg.ventilation_allowed));
    must(c->cfg.cp_bipolar ? c->pilot.diode_seen : c->cfg.allow_no_diode_check);
    must(c->proximity.known && c->proximity.ma > 0 && c->limit_ma >= PILOT_MIN_MA);
    must(c->evse.state == EVSE_CLOSING || c->evse.state == EVSE_CHARGING);
    must(s->out.duty_bp != PILOT_STEADY && s->out.duty_bp != PILOT_F);
    if (c->cfg.lock_fitted)
        must(c->lock_out.locked);
}

static int32_t server_ma(const struct station *s, uint64_t now_us)
{
    return s->server_until_us && now_us >= s->server_until_us ? s->server_fallback_ma : s->server_ma;
}

/* After a step of control. */
static void observe_step(struct station *s, double now, double dt_us)
{
    const struct control *c = &s->c;
    const struct control_out *o = &s->out;
    uint64_t now_us = s->in.now_us;
    if (s->status.faults)
        must(o->coil_off && (o->duty_bp == PILOT_STEADY || o->duty_bp == PILOT_F));
    if (s->frame_end_us > 0 && now - s->frame_end_us > OPEN_US)
        must(o->coil_off); /* no samples */
    must(o->duty_bp == PILOT_STEADY || o->duty_bp == PILOT_F || (o->duty_bp >= 1000 && o->duty_bp <= 9600));
    if (o->duty_bp != PILOT_STEADY && o->duty_bp != PILOT_F) {
        int32_t car_ma = pilot_ma_of_duty(o->duty_bp);
        must(s->authorised && s->available && !s->keep_open);
        must(car_ma <= server_ma(s, now_us) && car_ma <= s->user_ma && car_ma <= c->cfg.installation_ma);
        must(c->proximity.ma > 0 && car_ma <= c->proximity.ma);
    }
    if (s->authorised && !s->status.authorised)
        s->authorised = false; /* the car has gone */
    must(s->authorised == s->status.authorised);

    bool offer = s->authorised && s->available && !s->keep_open && c->limit_ma >= PILOT_MIN_MA;
    if (offer || dt_us > 2 * CONTROL_PERIOD_US)
        s->refuse_us = -1;
    else if (s->refuse_us < 0)
        s->refuse_us = now;
    if (s->refuse_us >= 0 && now - s->refuse_us > STOP_US + 100000)
        must(o->coil_off);

    must(s->status.meter.import_total_uwh >= s->energy_uwh);
    s->energy_uwh = s->status.meter.import_total_uwh;
    must(c->events_n <= CONTROL_EVENTS);
}

static void step(struct station *s, double now_us)
{
    s->in.now_us = (uint64_t)now_us;
    s->in.inputs = inputs(s);
    control_step(&s->c, &s->in, &s->out);
    if (s->out.coil_off)
        set_pin(s, false, now_us);
    control_status_read(&s->c, &s->status);
    struct control_event e;
    while (control_next_event(&s->c, &e))
        must(e.type < CONTROL_EV_TYPES && e.at_us <= s->in.now_us);
    observe_step(s, now_us, now_us - s->beat_us);
    s->beat_us = now_us;
}

/* Control's turns up to now, also while no frames come. */
static void steps(struct station *s)
{
    for (; s->step_us <= s->f.t_us; s->step_us += CONTROL_PERIOD_US)
        if (s->step_us >= s->stalled_us)
            step(s, s->step_us);
}

/* After a frame: `begin_us` to `end_us` is what it saw. */
static void observe_frame(struct station *s, double begin_us, double end_us, bool was_on)
{
    enum shown what = shown(s);
    if (s->pin && !was_on)
        may_switch_on(s, what);
    if (what != SHOWS_HARD) {
        s->hard_us = -1;
        s->hard_frames = 0;
    } else {
        if (s->hard_us < 0)
            s->hard_us = begin_us;
        s->hard_frames++;
    }
    if (what != SHOWS_LEFT_C && what != SHOWS_HARD)
        s->left_us = -1;
    else if (s->left_us < 0)
        s->left_us = begin_us;
    if (s->hard_us >= 0 && s->hard_frames >= 2)
        must(!s->pin);
    /* The last frame before the deadline decides, so one that comes late finds it open or past it. */
    if (s->left_us >= 0 && end_us - s->left_us > LEFT_C_US)
        must(!s->pin);
    if (s->frame_end_us > 0 && end_us - s->frame_end_us > OPEN_US + 1)
        must(!s->pin || !was_on);
    if (end_us - s->beat_us > STALL_US + OPEN_US)
        must(!s->pin);
    s->frame_end_us = end_us;
}

static void frame(struct station *s, const uint8_t *rubbish, size_t rubbish_len)
{
    struct frames *f = &s->f;
    uint16_t raw[SENSE_FRAME_LEN];
    uint64_t end_us;
    double close_us = s->pin ? 12000 : 9000;
    if (s->pin != s->contactor && f->t_us - s->pin_us >= close_us)
        s->contactor = s->pin;
    f->duty_bp = s->out.duty_bp;
    if (s->car)
        frames_pilot(f, s->car, !s->no_diode);
    for (int p = 0; p < 3; p++)
        f->amp[p] = s->contactor ? s->draw_a : 0;
    f->inputs = inputs(s);
    double begin_us = f->t_us;
    size_t n = frames_next(f, raw, &end_us);
    s->rubbish = rubbish_len > 0;
    if (rubbish_len) {
        if (rubbish_len > sizeof raw)
            rubbish_len = sizeof raw;
        memcpy(raw, rubbish, rubbish_len);
    }
    steps(s); /* before the frame is complete */
    bool was_on = s->pin;
    uint32_t out = guard_on_frame(&s->g, raw, n, end_us, f->inputs);
    f->mux = (out & GUARD_OUT_MUX) != 0;
    must(atomic_load(&s->g.coil) == (out & GUARD_OUT_COIL));
    set_pin(s, out & GUARD_OUT_COIL, f->t_us);
    observe_frame(s, begin_us, (double)end_us, was_on);
}

static void order(struct station *s, enum control_cmd_type type, uint8_t slot, int32_t a, int32_t b,
                  int32_t c)
{
    const struct control_cmd cmd = {.type = (uint8_t)type, .slot = slot, .a = a, .b = b, .c = c};
    control_command(&s->c, &cmd, (uint64_t)s->f.t_us);
}

static void start(struct station *s, uint8_t how)
{
    memset(s, 0, sizeof *s);
    struct control_cfg cfg;
    control_cfg_default(&cfg);
    cfg.aux_fitted = how & 4;
    cfg.lock_fitted = how & 8;
    cfg.rcm_fitted = how & 16;
    cfg.ventilation_allowed = how & 32;
    cfg.phases = how & 64 ? 1 : 3;
    frames_init(&s->f);
    s->f.noise_mv = 4;
    s->car = how & 1 ? 'B' : 'A';
    s->draw_a = 10;
    s->out.duty_bp = PILOT_STEADY;
    s->available = true;
    s->server_ma = s->server_fallback_ma = s->user_ma = LIMIT_NONE_MA;
    s->hard_us = s->left_us = s->refuse_us = -1;
    s->in.temperature_valid = true;
    s->in.temperature_mc = 25000;
    guard_init(&s->g, &cfg.sense);
    control_init(&s->c, &cfg, &s->g, (uint64_t)s->f.t_us, 1, NULL, 0);
    s->step_us = s->f.t_us;
    if (!(how & 3))
        return;
    s->authorised = true;
    order(s, CONTROL_AUTHORISE, 0, 1, 0, 0);
    for (int i = 0; i < 400; i++)
        frame(s, NULL, 0);
    if (how & 2) {
        s->car = 'C';
        for (int i = 0; i < 300; i++)
            frame(s, NULL, 0);
    }
}

/* One thing changes. Returns how many frames it lasts. */
static int change(struct station *s, uint8_t what, uint8_t v)
{
    static const char letters[] = "ABCDEFCB";
    static const int32_t pp_mv[] = {2484, 1890, 1466, 793, 440, 0, 1100, 3000};
    static const int32_t temperature_mc[] = {25000, 65000, 79000, 85000, 95000, -60000, 400000, 25000};
    int32_t ma = (v >> 2) * 1000;
    switch (what) {
    case 0:
    case 1:
        s->car = letters[v & 7];
        break;
    case 2: /* any level */
        s->car = 0;
        s->f.high_mv = ((v & 127) - 10) * 110;
        s->f.low_mv = v & 128 ? -12000 : -s->f.high_mv;
        break;
    case 3:
        s->no_diode = v & 1;
        break;
    case 4:
        s->draw_a = (v & 127) * 0.5;
        break;
    case 5:
        s->inputs = v & 0x1F;
        break;
    case 6:
        s->authorised = v & 1;
        order(s, CONTROL_AUTHORISE, 0, v & 1, 0, 0);
        break;
    case 7:
        s->server_ma = ma > LIMIT_NONE_MA ? LIMIT_NONE_MA : ma;
        s->server_fallback_ma = v & 1 ? 6000 : 0;
        s->server_until_us = v & 2 ? (uint64_t)s->f.t_us + 1000000 : 0;
        order(s, CONTROL_LIMIT, LIMIT_SERVER, ma, v & 2 ? 1000 : 0, s->server_fallback_ma);
        break;
    case 8:
        s->user_ma = ma;
        order(s, CONTROL_LIMIT, LIMIT_USER, ma, 0, 0);
        break;
    case 9:
        if (v & 2) {
            s->available = v & 1;
            order(s, CONTROL_AVAILABLE, 0, v & 1, 0, 0);
        } else {
            s->keep_open = v & 1;
            order(s, CONTROL_CONTACTOR, 0, !(v & 1), 0, 0);
        }
        break;
    case 10:
        order(s,
              v & 1   ? CONTROL_CLEAR_FAULT
              : v & 2 ? CONTROL_UNLOCK
                      : (enum control_cmd_type)(v >> 2),
              (uint8_t)(v >> 5), 0, v & 4 ? -1 : 0, 0);
        if (!(v & 3) && (v >> 2) == CONTROL_AUTHORISE)
            s->authorised = false;
        if (!(v & 3) && (v >> 2) == CONTROL_AVAILABLE)
            s->available = false;
        if (!(v & 3) && (v >> 2) == CONTROL_CONTACTOR)
            s->keep_open = true;
        if (!(v & 3) && (v >> 2) == CONTROL_LIMIT)
            return 0; /* slot and lease as above: refused, as the lease is negative */
        break;
    case 11:
        s->f.pp_mv = pp_mv[v & 7];
        s->in.temperature_mc = temperature_mc[v >> 3 & 7];
        s->in.temperature_valid = v < 200;
        break;
    case 12:
        for (int p = 0; p < 3; p++)
            s->f.volt[p] = v & 1 << p ? (v & 64 ? 150 : v & 128 ? 290 : 20) : 230;
        s->f.hz = v & 32 ? 45 : 50;
        break;
    case 13: /* frames lost */
        s->f.t_us += (v & 15) * (v & 128 ? 4843.0 : 1000.0);
        steps(s);
        break;
    case 14: /* the thread stands */
        s->stalled_us = s->f.t_us + v * 6000.0;
        break;
    default:
        s->f.noise_mv = v & 31;
        s->f.edge_us = 1 + (v >> 5);
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t repeat[] = {1, 2, 3, 5, 20, 60, 130, 450};
    /* Starting takes longest: kept, and copied. */
    static struct station begun[128], s; /* static: large */
    static bool ready[128];
    if (!size)
        return 0;
    uint8_t how = data[0] & 127;
    if (!ready[how]) {
        start(&s, how);
        begun[how] = s;
        ready[how] = true;
    }
    s = begun[how];
    s.c.guard = &s.g;
    int frames = 0;
    for (size_t at = 1; at + 1 < size && frames < FRAMES_MOST; at += 2) {
        uint8_t what = data[at];
        if (what >> 4 == 15) { /* the converter gives what the input says */
            size_t left = size - at - 2, n = data[at + 1];
            n = n < left ? n : left;
            frame(&s, data + at + 2, n);
            at += n & ~(size_t)1;
            frames++;
            continue;
        }
        int n = change(&s, what & 15, data[at + 1]) * repeat[what >> 4 & 7];
        for (; n > 0 && frames < FRAMES_MOST; n--, frames++)
            frame(&s, NULL, 0);
    }
    return 0;
}
