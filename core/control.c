/*
 * control: the composition of the control path. Each step reads from top to bottom: frames, measurements,
 * limits, faults, state machine, contactor, outputs, events.
 */
#include "core/control.h"

enum {
    /* The guard needs frames, so only the control thread can notice that none come. With a step each 10 ms,
     * and one of them 1 ms late, the contactor is open 20 ms after the last frame if 9 ms of silence (frames
     * come every 4.8 ms) are enough. */
    STARVED_ARMED_US = GUARD_STARVED_US - CONTROL_PERIOD_US - 1000,
    STARVED_US = 200000,   /* open contactor: only a fault to be told */
    RANGE_US = 1000000,    /* a pilot that reads nothing for so long is a fault, not a plug on its way */
    NO_CABLE_US = 1000000, /* a car on the pilot, but no cable on the proximity contact */
    RATE_WINDOW_US = 200000,
    RCD_STEPS = 2,
    BUTTON_STEPS = 3, /* contact bounce */
    PHASE_USED_MA = 1000,
    LIVE_MA = 1000, /* current that keeps the cable locked whatever else is believed */
};

/* Nominal current front end: 18 mV per ampere. */
enum { CT_UA_PER_DMV = 5556 };

void control_cfg_default(struct control_cfg *cfg)
{
    *cfg = (struct control_cfg){
        .phases = 3,
        .installation_ma = 32000,
        .cp_bipolar = true,
        .temperature_fitted = true,
        .derate_start_mc = 60000,
        .derate_stop_mc = 80000,
        .undervoltage_mv = 180000,
        .overvoltage_mv = 270000,
        .freq_min_mhz = 47000,
        .freq_max_mhz = 52000,
        .reconnect_min_ms = 10000,
        .reconnect_random_ms = 20000,
    };
    metering_cfg_default(&cfg->metering);
    sense_cfg_default(&cfg->sense);
}

void control_init(struct control *c, const struct control_cfg *cfg, struct guard *g, uint64_t now_us,
                  uint32_t seed, const struct meter_reading *start, uint32_t contactor_cycles)
{
    *c = (struct control){
        .cfg = *cfg,
        .guard = g,
        .available = true,
        .start_us = now_us,
        .newest_us = now_us,
        .now_us = now_us,
        .test_bp = PILOT_STEADY,
        .limit_told_bp = PILOT_STEADY,
    };
    c->cfg.phases = cfg->phases == 1 ? 1 : 3;
    c->cfg.metering.phases = c->cfg.phases;
    pilot_init(&c->pilot, cfg->cp_bipolar);
    proximity_init(&c->proximity);
    metering_init(&c->metering, &c->cfg.metering, start);
    const struct supply_cfg supply = {
        .phases = c->cfg.phases,
        .undervoltage_mv = cfg->undervoltage_mv,
        .overvoltage_mv = cfg->overvoltage_mv,
        .freq_min_mhz = cfg->freq_min_mhz,
        .freq_max_mhz = cfg->freq_max_mhz,
        .reconnect_min_ms = cfg->reconnect_min_ms,
        .reconnect_random_ms = cfg->reconnect_random_ms,
    };
    supply_init(&c->supply, &supply, seed);
    limits_init(&c->limits);
    limits_set(&c->limits, LIMIT_INSTALLATION, cfg->installation_ma, 0, 0);
    limits_set(&c->limits, LIMIT_CABLE, 0, 0, 0);
    overcurrent_init(&c->overcurrent);
    derate_init(&c->derate);
    contactor_init(&c->contactor, contactor_cycles);
    lock_init(&c->lock);
    rcm_init(&c->rcm);
    selftest_init(&c->selftest, now_us);
    faults_init(&c->faults);
    evse_init(&c->evse);
    c->status = (struct control_status){
        .at_us = now_us,
        .state = EVSE_SELF_TEST,
        .pilot = '?',
        .duty_bp = PILOT_STEADY,
        .duty_read_bp = PILOT_STEADY,
        .available = true,
        .contactor_open_us = -1,
        .contactor_close_us = -1,
        .contactor_cycles = contactor_cycles,
        .diode_checkable = cfg->cp_bipolar,
    };
    metering_read(&c->metering, &c->status.meter);
    for (int s = 0; s < LIMIT_SLOTS; s++)
        c->status.limit[s] = c->limits.slot[s];
    guard_disarm(g);
}

void control_reconnect(struct control *c)
{
    c->reconnect = true;
}

/* ---- events ---- */

static bool must_not_be_lost(const struct control_event *e)
{
    return e->type == CONTROL_EV_FAULT || e->type == CONTROL_EV_STATE;
}

static void tell(struct control *c, uint64_t at_us, enum control_event_type type, int32_t a, int32_t b,
                 int32_t d)
{
    const struct control_event e = {.at_us = at_us, .type = (uint8_t)type, .a = a, .b = b, .c = d};
    if (c->events_n == CONTROL_EVENTS) {
        c->status.events_lost++;
        if (!must_not_be_lost(&e))
            return;
        int victim = CONTROL_EVENTS - 1;
        while (victim > 0 && must_not_be_lost(&c->events[victim]))
            victim--; /* all of them: the oldest has had its chance */
        for (int i = victim; i + 1 < CONTROL_EVENTS; i++)
            c->events[i] = c->events[i + 1];
        c->events_n--;
    }
    c->events[c->events_n++] = e;
}

bool control_next_event(struct control *c, struct control_event *out)
{
    if (!c->events_n)
        return false;
    *out = c->events[0];
    c->events_n--;
    for (int i = 0; i < c->events_n; i++)
        c->events[i] = c->events[i + 1];
    return true;
}

/* ---- commands ---- */

static bool set_limit(struct control *c, const struct control_cmd *cmd, uint64_t now_us)
{
    /* The other slots are measurements: nobody may raise them. */
    if ((cmd->slot != LIMIT_INSTALLATION && cmd->slot != LIMIT_SERVER && cmd->slot != LIMIT_USER) ||
        cmd->b < 0)
        return false;
    uint64_t expires_us = cmd->b ? now_us + (uint64_t)cmd->b * 1000 : 0;
    limits_set(&c->limits, (enum limit_slot)cmd->slot, cmd->a, expires_us, cmd->c);
    return true;
}

void control_command(struct control *c, const struct control_cmd *cmd, uint64_t now_us)
{
    switch ((enum control_cmd_type)cmd->type) {
    case CONTROL_AUTHORISE:
        c->authorised = cmd->a != 0;
        if (c->authorised) /* a cable that was given back and stayed is held again */
            c->unlock = false;
        return;
    case CONTROL_LIMIT:
        if (!set_limit(c, cmd, now_us))
            c->commands_refused++;
        return;
    case CONTROL_AVAILABLE:
        c->available = cmd->a != 0;
        return;
    case CONTROL_CLEAR_FAULT:
        c->clear = true;
        return;
    case CONTROL_UNLOCK:
        c->authorised = false;
        c->unlock = true;
        return;
    case CONTROL_CONTACTOR:
        c->keep_open = cmd->a == 0;
        return;
    case CONTROL_CMD_TYPES:
        break;
    }
    c->commands_refused++;
}

/* ---- the step ---- */

static void take_frames(struct control *c)
{
    struct sense_frame f;
    for (int n = 0; n < GUARD_RING && guard_take_frame(c->guard, &f); n++) {
        char before = c->pilot.letter;
        if (pilot_on_frame(&c->pilot, &f))
            tell(c, f.end_us, CONTROL_EV_PILOT, before, c->pilot.letter,
                 f.cp.n_high ? f.cp.high_mv : f.cp.low_mv);
        metering_on_frame(&c->metering, &f);
        if ((f.inputs ^ c->inputs) & GUARD_IN_AUX)
            c->aux_us = f.end_us;
        c->inputs = f.inputs;
        /* A gap in the numbers spoils one window of the rate, nothing else. */
        if (!c->frame_us || f.seq != c->seq + 1) {
            c->rate_from_us = f.end_us;
            c->rate_samples = 0;
        } else {
            c->rate_samples += f.samples;
            if (f.end_us - c->rate_from_us >= RATE_WINDOW_US) {
                c->rate_hz = (int32_t)(c->rate_samples * 1000000ull / (f.end_us - c->rate_from_us));
                c->rate_from_us = f.end_us;
                c->rate_samples = 0;
            }
        }
        c->seq = f.seq;
        c->frame_us = f.end_us;
    }
    uint32_t lost = atomic_load_explicit(&c->guard->lost, memory_order_relaxed);
    c->gap = lost != c->frames_lost;
    c->frames_lost = lost;
    atomic_store_explicit(&c->guard->mux_wanted, metering_mux_wanted(&c->metering), memory_order_relaxed);
}

static uint64_t time_of(const struct control *c, uint32_t low_us)
{
    int32_t ago = (int32_t)((uint32_t)c->now_us - low_us);
    return ago < 0 ? c->now_us : c->now_us - (uint32_t)ago;
}

/* When the interrupt saw its newest frame. Kept in 64 bits here: its own word has 32, which come round. */
static void watch_frames(struct control *c)
{
    uint32_t frames = atomic_load_explicit(&c->guard->frames, memory_order_acquire);
    if (frames != c->frames_seen) {
        c->frames_seen = frames;
        c->newest_us = time_of(c, atomic_load_explicit(&c->guard->frame_us, memory_order_relaxed));
    }
    c->stale = c->now_us - c->newest_us > STARVED_US;
}

static void measure(struct control *c, const struct control_in *in)
{
    struct control_status *s = &c->status;
    metering_read(&c->metering, &s->meter);
    metering_fast_current_ma(&c->metering, c->current_ma);
    c->current_max_ma = 0;
    for (int p = 0; p < c->cfg.phases && !c->stale; p++) /* stale: the last current says nothing any more */
        if (c->current_ma[p] > c->current_max_ma)
            c->current_max_ma = c->current_ma[p];
    supply_step(&c->supply, &s->meter, c->now_us, &c->supply_out);

    int32_t pp_mv = 0;
    bool pp = metering_pp_mv(&c->metering, c->now_us, &pp_mv);
    proximity_step(&c->proximity, pp, pp_mv, c->now_us);

    s->temperature_valid = in->temperature_valid;
    s->temperature_mc = in->temperature_valid ? in->temperature_mc : 0;
    const struct derate_cfg derate = {
        .start_mc = c->cfg.derate_start_mc,
        .stop_mc = c->cfg.derate_stop_mc,
        .full_ma = c->limits.slot[LIMIT_INSTALLATION].ma,
    };
    struct derate_out cool;
    derate_step(&c->derate, &derate, c->cfg.temperature_fitted, in->temperature_valid, in->temperature_mc,
                c->now_us, &cool);
    c->too_hot = cool.too_hot;

    limits_set(&c->limits, LIMIT_CABLE, c->proximity.ma, 0, 0); /* none, or an invalid one: nothing */
    limits_set(&c->limits, LIMIT_TEMPERATURE, cool.limit_ma, 0, 0);
    limits_set(&c->limits, LIMIT_SUPPLY, c->supply_out.limit_ma, 0, 0);
    limits_set(&c->limits, LIMIT_PHASE_LOSS, c->supply_out.phase_loss_limit_ma, 0, 0);
    int32_t ma = limits_offered_ma(&c->limits, c->now_us, &c->limit_by);
    c->limit_ma = ma < PILOT_MIN_MA ? 0 : ma;
}

static bool coil_on(const struct control *c)
{
    /* The interrupt that would say so does not run any more; then our own writing (coil_off) rules. */
    if (c->stale && !c->contactor.armed)
        return false;
    return atomic_load_explicit(&c->guard->coil, memory_order_acquire) != 0;
}

/* Trips of the present arming; 0 while not armed. */
static uint32_t guard_trips(const struct control *c)
{
    return c->contactor.armed ? atomic_load_explicit(&c->guard->trips, memory_order_acquire) : 0;
}

static void peripherals(struct control *c, const struct control_in *in)
{
    bool closed = c->contactor.closed, coil = coil_on(c);
    const struct lock_in lock = {
        .now_us = c->now_us,
        .fitted = c->cfg.lock_fitted,
        .wanted = c->evse.plugged && !c->unlock,
        .feedback = in->inputs & GUARD_IN_LOCKED,
        .live = closed || coil || c->contactor.armed || c->current_max_ma >= LIVE_MA,
    };
    lock_step(&c->lock, &lock, &c->lock_out);
    if (c->lock_out.event)
        tell(c, c->now_us, CONTROL_EV_LOCK, c->lock.target, c->lock_out.ok, 0);

    const struct rcm_in rcm = {
        .now_us = c->now_us,
        .fitted = c->cfg.rcm_fitted,
        .output = in->inputs & GUARD_IN_RCM_FAULT,
        .may_test = !closed && !coil && !c->contactor.armed,
        .charged = c->was_closed && !closed,
        .again = c->clear,
    };
    rcm_step(&c->rcm, &rcm, &c->rcm_out);
    c->was_closed = closed;

    const struct selftest_in test = {
        .f_driven = c->evse.duty_bp == PILOT_F,
        .now_us = c->now_us,
        .frame_rate_hz = c->rate_hz,
        .pilot = c->pilot.letter,
        .read_valid = c->pilot.read_valid,
        .read_ok = !c->pilot.mismatches,
        .bipolar = c->cfg.cp_bipolar,
        .coil = coil,
        .contacts_open = !c->contactor.contrary_us,
        .rcm_ok = c->rcm_out.ok,
    };
    c->test_bp = selftest_step(&c->selftest, &test);

    bool pressed = in->inputs & GUARD_IN_BUTTON;
    if (pressed != (c->button_us != 0)) {
        if (++c->button_steps >= BUTTON_STEPS) {
            if (!pressed)
                tell(c, c->now_us, CONTROL_EV_BUTTON, (int32_t)((c->now_us - c->button_us) / 1000), 0, 0);
            c->button_us = pressed ? (c->now_us ? c->now_us : 1) : 0;
            c->button_steps = 0;
        }
    } else {
        c->button_steps = 0;
    }
}

/* Keeps *since_us while `now` holds; true: it has held for as long as us. */
static bool lasts(uint64_t *since_us, bool holds, uint64_t now_us, uint64_t us)
{
    if (!holds) {
        *since_us = 0;
        return false;
    }
    if (!*since_us)
        *since_us = now_us ? now_us : 1;
    return now_us - *since_us >= us;
}

static uint32_t faults_of_guard(uint32_t trips)
{
    uint32_t f = 0;
    if (trips & GUARD_TRIP_CP_SHORT)
        f |= 1u << FAULT_CP_SHORT;
    if (trips & GUARD_TRIP_OVERCURRENT)
        f |= 1u << FAULT_OVERCURRENT_FAST;
    if (trips & GUARD_TRIP_RCD)
        f |= 1u << FAULT_RCD;
    if (trips & GUARD_TRIP_STARVED)
        f |= 1u << FAULT_STARVED;
    if (trips & (GUARD_TRIP_CONTROL | GUARD_TRIP_INTERNAL))
        f |= 1u << FAULT_GUARD;
    if (trips & GUARD_TRIP_VENTILATION)
        f |= 1u << FAULT_VENTILATION;
    /* A plug that is pulled may show these for a moment. */
    if (!(trips & GUARD_TRIP_UNPLUGGED)) {
        if (trips & GUARD_TRIP_CP_RANGE)
            f |= 1u << FAULT_CP_RANGE;
        if (trips & GUARD_TRIP_DIODE)
            f |= 1u << FAULT_DIODE;
        if (trips & GUARD_TRIP_PP)
            f |= 1u << FAULT_PP;
    }
    return f;
}

static bool starved(const struct control *c)
{
    return c->now_us - c->newest_us > (c->contactor.armed ? STARVED_ARMED_US : STARVED_US);
}

/* Which cable this car came with, and whether it is still that one. */
static bool cable_changed(struct control *c)
{
    if (!c->evse.plugged)
        c->plug_cable_ma = 0;
    if (!c->evse.plugged || c->proximity.ma <= 0)
        return false;
    if (!c->plug_cable_ma)
        c->plug_cable_ma = c->proximity.ma;
    return c->proximity.ma != c->plug_cable_ma;
}

static void judge(struct control *c, const struct control_in *in, uint32_t trips)
{
    const struct pilot *p = &c->pilot;
    uint32_t missing = c->selftest.missing;
    bool rcd = (in->inputs & GUARD_IN_RCD) ||
               (c->cfg.rcm_fitted && (in->inputs & GUARD_IN_RCM_FAULT) && !c->rcm_out.testing);
    c->rcd_steps = (uint8_t)(!rcd ? 0 : c->rcd_steps < RCD_STEPS ? c->rcd_steps + 1 : RCD_STEPS);
    bool car = p->letter == 'B' || p->letter == 'C' || p->letter == 'D';

    bool now[FAULT_COUNT] = {
        [FAULT_CP_SHORT] = p->letter == 'E',
        [FAULT_CP_RANGE] = lasts(&c->unknown_us, p->letter == '?', c->now_us, RANGE_US),
        [FAULT_DIODE] = pilot_diode_missing(p),
        [FAULT_PILOT_DRIVER] =
            pilot_driver_fault(p) || (missing & (SELFTEST_NO_READ_BACK | SELFTEST_NO_F)) != 0,
        [FAULT_NO_DIODE_CHECK] = !c->cfg.cp_bipolar && !c->cfg.allow_no_diode_check,
        [FAULT_PP] = c->proximity.ma == PROXIMITY_INVALID ||
                     lasts(&c->no_cable_us, car && c->proximity.known && c->proximity.ma == PROXIMITY_NONE,
                           c->now_us, c->contactor.closed ? 0 : NO_CABLE_US),
        [FAULT_CABLE_CHANGED] = cable_changed(c),
        [FAULT_VENTILATION] = p->letter == 'D' && !c->cfg.ventilation_allowed,
        [FAULT_WELDED] = c->contactor.welded,
        [FAULT_NO_CLOSE] = c->contactor.no_close,
        [FAULT_RCD] = c->rcd_steps >= RCD_STEPS,
        [FAULT_RCM_TEST] = c->rcm_out.failed,
        [FAULT_OVERCURRENT] = c->overdrawn,
        [FAULT_OVERTEMPERATURE] = c->too_hot,
        [FAULT_LOCK] = c->lock_out.fault,
        [FAULT_STARVED] = starved(c) || (missing & SELFTEST_NO_FRAMES),
        [FAULT_GUARD] = (missing & SELFTEST_COIL_ON) != 0,
    };
    uint32_t tripped = faults_of_guard(trips) | c->supply_out.faults, before = c->faults.raised;
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        bool present = now[f] || (tripped & (1u << f));
        int32_t detail = (tripped & ~c->supply_out.faults & (1u << f)) ? (int32_t)trips
                         : f == FAULT_PP || f == FAULT_CABLE_CHANGED   ? c->proximity.mv
                         : f <= FAULT_DIODE                            ? p->high_mv
                         : f == FAULT_PILOT_DRIVER                     ? p->read_bp
                         : f == FAULT_OVERCURRENT                      ? c->current_max_ma
                                                                       : 0;
        faults_condition(&c->faults, (enum fault)f, present, detail, c->now_us);
    }
    bool unplugged = !c->evse.plugged && (p->letter == 'A' || p->letter == 'F');
    uint32_t raised = c->faults.raised & ~before;
    uint32_t cleared = faults_step(&c->faults, unplugged, c->clear, c->now_us);
    for (int f = FAULT_NONE + 1; f < FAULT_COUNT; f++) {
        if (raised & (1u << f))
            tell(c, c->now_us, CONTROL_EV_FAULT, f, 1, c->faults.detail[f]);
        if (cleared & (1u << f))
            tell(c, c->now_us, CONTROL_EV_FAULT, f, 0, 0);
    }
}

static void decide(struct control *c, bool tripped, struct evse_out *out)
{
    c->rest_us += c->dt_us;
    const struct evse_in in = {
        .dt_ms = c->rest_us / 1000,
        .pilot = c->pilot.letter,
        .gap = c->gap,
        .cable_gone = c->proximity.known && c->proximity.ma == PROXIMITY_NONE,
        .self_tested = c->selftest.phase == SELFTEST_PASSED,
        .test_bp = c->test_bp,
        .fault = c->faults.raised != 0,
        .state_f = faults_want_state_f(&c->faults),
        .available = c->available,
        .authorised = c->authorised,
        .hold = c->keep_open || !c->supply_out.ok,
        .cable_ok = c->proximity.ma > 0,
        .diode_ok = c->cfg.cp_bipolar ? c->pilot.diode_seen : c->cfg.allow_no_diode_check,
        .locked = c->lock_out.locked,
        .ventilation = c->cfg.ventilation_allowed,
        .target_bp = pilot_duty_of_ma(c->limit_ma),
        .ready = c->contactor_out.ready && c->rcm_out.ok,
        .closed = c->contactor.closed,
        .tripped = tripped,
    };
    c->rest_us %= 1000;
    enum evse_state before = c->evse.state;
    evse_step(&c->evse, &in, out);
    if (out->drop_authorisation)
        c->authorised = false;
    if (!c->evse.plugged)
        c->unlock = false;
    if (before == EVSE_SELF_TEST && c->evse.state != EVSE_SELF_TEST && c->reconnect) {
        /* The power is back in the whole street, and this car would start with all the others. One that is
         * plugged in later comes at a time of its own. */
        if (c->evse.plugged) {
            supply_wait(&c->supply, c->now_us);
            c->supply_out.ok = false;
        }
        c->reconnect = false;
    }
    if (c->evse.state != before)
        tell(c, c->now_us, CONTROL_EV_STATE, (int32_t)before, (int32_t)c->evse.state, 0);
    pilot_driven(&c->pilot, out->duty_bp);
}

static void arm(struct control *c)
{
    int32_t rating_ma = c->limits.slot[LIMIT_INSTALLATION].ma, gain_ppm = 0;
    if (c->proximity.ma > 0 && c->proximity.ma < rating_ma)
        rating_ma = c->proximity.ma;
    for (int p = 0; p < c->cfg.phases; p++)
        if (c->cfg.metering.i_gain_ppm[p] > gain_ppm)
            gain_ppm = c->cfg.metering.i_gain_ppm[p];
    struct guard_limits l = {
        .allow_d = c->cfg.ventilation_allowed,
        .check_diode = c->cfg.cp_bipolar,
        .rcm_fitted = c->cfg.rcm_fitted,
        .phases = c->cfg.phases,
        .fast_ma = overcurrent_fast_ma(rating_ma),
        .ct_ma_per_dmv = (int32_t)((int64_t)CT_UA_PER_DMV * gain_ppm / 1000000),
    };
    for (int p = 0; p < 3; p++)
        l.i_zero_dmv[p] = c->cfg.metering.i_zero_dmv[p];
    proximity_window_dmv(c->proximity.ma, &l.pp_min_dmv, &l.pp_max_dmv);
    guard_arm(c->guard, &l, c->now_us);
}

static void switch_contactor(struct control *c, enum contactor_wish wish, bool tripped)
{
    const struct contactor_in in = {
        .now_us = c->now_us,
        .wish = wish,
        .event_us = c->pilot.letter == 'B' ? c->pilot.changed_us : 0,
        .tripped = tripped,
        .coil = coil_on(c),
        .coil_us = time_of(c, atomic_load_explicit(&c->guard->coil_us, memory_order_relaxed)),
        .aux_fitted = c->cfg.aux_fitted,
        .aux = c->inputs & GUARD_IN_AUX,
        .aux_us = c->aux_us,
        .current_valid = c->frame_us != 0 && !c->stale,
        .current_ma = c->current_max_ma,
    };
    contactor_step(&c->contactor, &in, &c->contactor_out);
    if (c->contactor_out.arm)
        arm(c);
    else
        guard_disarm(c->guard);
    if (c->contactor_out.changed)
        tell(c, c->now_us, CONTROL_EV_CONTACTOR, c->contactor.closed,
             c->contactor.closed ? c->contactor.close.last_us : c->contactor.open.last_us,
             (int32_t)c->contactor.cycles);
}

/* What the pilot says at this moment, as amperes: the limit itself where the duty stands for it. */
static int32_t offered_ma(const struct control *c)
{
    return c->evse.duty_bp == pilot_duty_of_ma(c->limit_ma) ? c->limit_ma : pilot_ma_of_duty(c->evse.duty_bp);
}

static void report(struct control *c)
{
    struct control_status *s = &c->status;
    int32_t cable_ma = c->proximity.ma;
    if (cable_ma != c->cable_told_ma) {
        c->cable_told_ma = cable_ma;
        tell(c, c->now_us, CONTROL_EV_CABLE, cable_ma, 0, 0);
    }
    s->at_us = c->now_us;
    s->state = c->evse.state;
    s->pilot = c->pilot.letter;
    s->cp_high_mv = c->pilot.has_high ? c->pilot.high_mv : 0;
    s->cp_low_mv = c->pilot.has_low ? c->pilot.low_mv : 0;
    s->duty_bp = c->evse.duty_bp;
    s->duty_read_bp = c->pilot.read_bp;
    s->diode_seen = c->pilot.diode_seen;
    s->cable_ma = cable_ma;
    s->offered_ma = offered_ma(c);
    s->offered_by = c->limit_by;
    for (int i = 0; i < LIMIT_SLOTS; i++)
        s->limit[i] = c->limits.slot[i];
    s->authorised = c->authorised;
    s->available = c->available;
    s->contactor_closed = c->contactor.closed;
    s->locked = c->cfg.lock_fitted && c->lock_out.locked;
    for (int p = 0; p < 3; p++)
        s->phases_used[p] = c->contactor.closed && p < c->cfg.phases && s->meter.i_ma[p] >= PHASE_USED_MA;
    s->contactor_cycles = c->contactor.cycles;
    s->contactor_open_us = c->contactor.open.last_us;
    s->contactor_close_us = c->contactor.close.last_us;
    s->contactor_drift = c->contactor_out.drift;
    s->fault = faults_ruling(&c->faults);
    s->faults = c->faults.raised;
    s->frames_lost = c->frames_lost;
    s->frame_rate_hz = c->rate_hz;
    s->supply_waiting = c->supply_out.waiting;

    if (s->offered_ma != c->limit_told_ma || s->duty_bp != c->limit_told_bp ||
        (s->offered_ma && s->offered_by != c->limit_told_by)) {
        c->limit_told_ma = s->offered_ma;
        c->limit_told_by = s->offered_by;
        c->limit_told_bp = s->duty_bp;
        tell(c, c->now_us, CONTROL_EV_LIMIT, s->offered_ma, (int32_t)s->offered_by, s->duty_bp);
    }
}

static void keep_trip(struct control *c, uint32_t trips)
{
    struct control_status *s = &c->status;
    s->guard_trips = trips;
    s->guard_first_trip = atomic_load_explicit(&c->guard->first_trip, memory_order_relaxed);
    s->guard_trip_us = time_of(c, atomic_load_explicit(&c->guard->trip_us, memory_order_relaxed));
    if (!c->trip_told)
        tell(c, s->guard_trip_us, CONTROL_EV_TRIP, (int32_t)trips, (int32_t)s->guard_first_trip,
             c->pilot.has_high ? c->pilot.high_mv : 0);
}

void control_step(struct control *c, const struct control_in *in, struct control_out *out)
{
    uint64_t dt_us = in->now_us > c->now_us ? in->now_us - c->now_us : 0;
    c->dt_us = dt_us > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)dt_us;
    c->now_us += dt_us;
    atomic_store_explicit(&c->guard->beat, atomic_load_explicit(&c->guard->beat, memory_order_relaxed) + 1,
                          memory_order_relaxed);

    take_frames(c);
    watch_frames(c);
    measure(c, in);
    bool drawing = c->contactor.closed && c->evse.state == EVSE_CHARGING;
    c->overdrawn = overcurrent_step(&c->overcurrent, drawing, offered_ma(c), c->current_ma, c->dt_us);
    peripherals(c, in);

    uint32_t trips = guard_trips(c);
    if (trips)
        keep_trip(c, trips);
    c->trip_told = trips != 0;
    judge(c, in, trips);
    struct evse_out wish;
    decide(c, trips != 0, &wish);
    switch_contactor(c, wish.contactor, trips != 0);
    report(c);
    c->clear = false;

    *out = (struct control_out){
        .duty_bp = wish.duty_bp,
        .lock = c->lock_out.drive,
        .coil_off = !c->contactor_out.arm,
        .rcm_test = c->rcm_out.drive,
    };
}

void control_status_read(const struct control *c, struct control_status *out)
{
    *out = c->status;
}
