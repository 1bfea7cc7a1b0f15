/*
 * guard: judges every frame and holds or drops the contactor. Trip path: integers, bounded loops, no calls
 * that leave this file and core/sense.
 *
 * A condition must show in two frames in a row (about 10 ms; any of the conditions will do for the second),
 * so that a single noisy frame opens nothing and the whole still ends within 20 ms of the event.
 */
#include "core/guard.h"

enum {
    /* Pilot levels, mV. Windows of core/pilot.h with its hysteresis; between two windows the less safe is not
       assumed. */
    TOP_MV = 13500,         /* above: no pilot source gives that */
    A_FROM_MV = 10480,      /* half way between B (9.56 V) and A (11.4 V) */
    C_TO_MV = 6890,         /* C ends at 6.49 V; above, the car is on its way to B */
    C_FROM_MV = 5080,       /* C begins at 5.48 V */
    D_FROM_MV = 2220,       /* D begins at 2.62 V */
    SHORT_TO_MV = 1000,     /* E: 0 V */
    DIODE_FROM_MV = -10000, /* low phase above this: not the -12 V (-11.4 at worst) of a blocking diode */
    BOTTOM_MV = -14000,
    HIGH_MIN = 3, /* samples; 10 % duty gives about ten a frame */
    LOW_MIN = 2,  /* samples; 96 % duty gives about four */

    /* IEC 61851-1 Table A.6, sequence 8.1: off within 100 ms of S2 opening; the contactor needs up to 20 ms
       of them. */
    LEFT_C_OPEN_US = 80000,
    /* The frame in which S2 opened is still read as C when that was in its second half. */
    HALF_FRAME_US = 3000,
    GONE_FRAMES = 2, /* half a mains cycle without current */
    GONE_MA = 500,   /* rms; above the charger's filters in most cars, below any charging */

    CONTROL_STALL_US = 1000000, /* a flash erase may stop the control thread for some hundreds of ms */
    FAST_MS = 300,       /* I²t budget: fast_ma squared for this long; twice fast_ma trips in 100 ms */
    HEAT_TIME_SHIFT = 6, /* heat is in (0.2 mV)² / 1024 times 64 µs: 32 bits hold it */
    HEAT_SQUARE_SHIFT = 10,

    /* Current samples are squared in steps of 0.2 mV and cut at 1.6 V from zero (all a pin can show): 32
     * squares then fit in 32 bits. */
    STEP_DMV = 2,
    SPAN_STEPS = 8191,
    ZERO_DMV = 13000,        /* nominal bias of the current front ends */
    ZERO_WANDER_DMV = 1000,  /* how far the tracked zero may go from the calibrated one */
    FLOOR_MAX = 8100,        /* noise of the converter: at most what 1 A would read */
    FLOOR_AFTER_FRAMES = 60, /* 300 ms after opening nothing flows any more, unless welded */
    WAVE_M1 = SENSE_M1 - SENSE_I1,
};

#define GUARD_HARD_TRIPS (~(uint32_t)GUARD_TRIP_LEFT_C)

void guard_init(struct guard *g, const struct sense_cfg *cfg)
{
    *g = (struct guard){.priv.trips_inv = ~0u, .priv.coil_inv = ~0u};
    sense_init(&g->sense, cfg);
    atomic_init(&g->armed_inv, ~0u);
    for (int p = 0; p < 3; p++)
        g->priv.zero_q8[p] = ZERO_DMV * 256;
}

static uint32_t square(int32_t v)
{
    uint32_t a = (uint32_t)(v < 0 ? -v : v);
    return a * a;
}

static int32_t within(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

static uint32_t current_square(const struct guard_limits *l, int32_t ma)
{
    int32_t dmv = within(ma, 0, 2000000) * 1000 / within(l->ct_ma_per_dmv, 100, 1000000);
    return square(within(dmv / STEP_DMV, 0, SPAN_STEPS));
}

/* Takes over what guard_arm wrote; false: it is being written at this moment. */
static bool adopt_limits(struct guard *g)
{
    struct guard_private *p = &g->priv;
    uint32_t version = atomic_load_explicit(&g->limits_version, memory_order_acquire);
    if (version & 1u)
        return false;
    uint32_t w[GUARD_LIMIT_WORDS];
    for (int i = 0; i < GUARD_LIMIT_WORDS; i++)
        w[i] = atomic_load_explicit(&g->limit_words[i], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&g->limits_version, memory_order_relaxed) != version)
        return false;
    p->limits.allow_d = w[0] & 1u;
    p->limits.check_diode = (w[0] >> 1) & 1u;
    p->limits.rcm_fitted = (w[0] >> 2) & 1u;
    p->limits.phases = w[0] >> 8 == 1 ? 1 : 3;
    p->limits.fast_ma = within((int32_t)w[1], 1000, 2000000);
    p->limits.ct_ma_per_dmv = (int32_t)w[2];
    for (int i = 0; i < 3; i++)
        p->limits.i_zero_dmv[i] = within((int32_t)w[3 + i], 0, INT16_MAX);
    p->limits.pp_min_dmv = (int32_t)w[6];
    p->limits.pp_max_dmv = (int32_t)w[7];
    p->fast_square = current_square(&p->limits, p->limits.fast_ma);
    p->gone_square = current_square(&p->limits, GONE_MA);
    p->heat_full = (p->fast_square >> HEAT_SQUARE_SHIFT) * ((FAST_MS * 1000) >> HEAT_TIME_SHIFT);
    p->version = version;
    return true;
}

/* Mean square of each current about its tracked zero. */
static void measure_currents(struct guard_private *p, const struct sense_frame *f)
{
    for (int i = 0; i < 3; i++) {
        uint32_t n = f->n[i], sum_square = 0;
        int32_t sum = 0, zero = p->zero_q8[i] / 256;
        if (!n)
            continue;
        for (uint32_t k = 0; k < n; k++) {
            int32_t x = f->dmv[i][k] - zero;
            sum += x;
            sum_square += square(within(x / STEP_DMV, -SPAN_STEPS, SPAN_STEPS));
        }
        p->mean_square[i] = sum_square / n;
        /* A current transformer passes no direct current: the mean is the zero. Time constant 256 frames. */
        int32_t at = p->version ? p->limits.i_zero_dmv[i] : ZERO_DMV;
        p->zero_q8[i] = within(p->zero_q8[i] + sum / (int32_t)n, (at - ZERO_WANDER_DMV) * 256,
                               (at + ZERO_WANDER_DMV) * 256);
        if (p->open_frames >= FLOOR_AFTER_FRAMES) {
            int32_t step = (int32_t)(p->mean_square[i] >> 4) - (int32_t)(p->floor[i] >> 4);
            p->floor[i] = (uint32_t)within((int32_t)p->floor[i] + step, 0, FLOOR_MAX);
        }
    }
}

static bool current_gone(const struct guard_private *p)
{
    for (int i = 0; i < p->limits.phases; i++)
        if (p->mean_square[i] > p->floor[i] + p->floor[i] / 2 + p->gone_square)
            return false;
    return true;
}

/* Fast over-current: true once the I²t budget of a phase is used up. */
static bool overheated(struct guard_private *p, uint64_t dt_us)
{
    uint32_t dt = (uint32_t)(dt_us < GUARD_STARVED_US ? dt_us : GUARD_STARVED_US) >> HEAT_TIME_SHIFT;
    bool over = false;
    for (int i = 0; i < p->limits.phases; i++) {
        if (p->mean_square[i] > p->fast_square) {
            p->heat[i] += ((p->mean_square[i] - p->fast_square) >> HEAT_SQUARE_SHIFT) * dt;
            if (p->heat[i] >= p->heat_full) {
                p->heat[i] = p->heat_full;
                over = true;
            }
        } else {
            uint32_t cooling = ((p->fast_square - p->mean_square[i]) >> HEAT_SQUARE_SHIFT) * dt;
            p->heat[i] -= cooling < p->heat[i] ? cooling : p->heat[i];
        }
    }
    return over;
}

/* What this frame's pilot says against holding the contactor closed. */
static uint32_t judge_pilot(const struct guard *g, const struct sense_frame *f)
{
    const struct guard_limits *l = &g->priv.limits;
    uint32_t bad = 0;
    int32_t high = f->cp.high_mv;
    if (f->cp.n_high < HIGH_MIN)
        /* A front end that is cut off below +1.9 V shows a short as no samples at all. */
        return g->sense.cfg.cp_bipolar ? GUARD_TRIP_CP_RANGE : GUARD_TRIP_CP_SHORT;
    if (high > TOP_MV)
        bad |= GUARD_TRIP_CP_RANGE;
    else if (high >= A_FROM_MV)
        bad |= GUARD_TRIP_UNPLUGGED;
    else if (high > C_TO_MV)
        bad |= GUARD_TRIP_LEFT_C;
    else if (high < SHORT_TO_MV)
        bad |= GUARD_TRIP_CP_SHORT;
    else if (high < D_FROM_MV)
        bad |= GUARD_TRIP_CP_RANGE;
    else if (high < C_FROM_MV && !l->allow_d)
        bad |= GUARD_TRIP_VENTILATION;
    if (l->check_diode && f->cp.n_low >= LOW_MIN) {
        if (f->cp.low_mv > DIODE_FROM_MV)
            bad |= GUARD_TRIP_DIODE;
        else if (f->cp.low_mv < BOTTOM_MV)
            bad |= GUARD_TRIP_CP_RANGE;
    }
    return bad;
}

/* Two frames in a row in which proximity was visible and outside its window. */
static bool proximity_wrong(struct guard_private *p, const struct sense_frame *f)
{
    uint32_t n = f->n[WAVE_M1];
    if (f->mux != 1 || f->mux_settling || !n || (!p->limits.pp_min_dmv && !p->limits.pp_max_dmv))
        return false;
    int32_t sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += f->dmv[WAVE_M1][k];
    int32_t mean = sum / (int32_t)n;
    bool before = p->pp_bad;
    p->pp_bad = mean < p->limits.pp_min_dmv || mean > p->limits.pp_max_dmv;
    return p->pp_bad && before;
}

static void trip(struct guard *g, uint32_t why, uint64_t now_us)
{
    struct guard_private *p = &g->priv;
    if (!p->trips) {
        atomic_store_explicit(&g->first_trip, why & (~why + 1u), memory_order_relaxed);
        atomic_store_explicit(&g->trip_us, (uint32_t)now_us, memory_order_relaxed);
    }
    p->trips |= why;
    p->trips_inv = ~p->trips;
    atomic_store_explicit(&g->trips, p->trips, memory_order_release);
}

static void set_coil(struct guard *g, uint32_t on, uint64_t now_us)
{
    struct guard_private *p = &g->priv;
    if (p->coil == on)
        return;
    p->coil = on;
    p->coil_inv = ~on;
    p->open_frames = 0;
    atomic_store_explicit(&g->coil_us, (uint32_t)now_us, memory_order_relaxed);
    atomic_store_explicit(&g->coil, on, memory_order_release);
}

/* Armed and not tripped: may the coil stay on, or go on? */
static void judge(struct guard *g, const struct sense_frame *f, uint64_t dt_us, uint32_t word)
{
    struct guard_private *p = &g->priv;
    uint64_t now = f->end_us;
    uint32_t at_once = 0, bad = judge_pilot(g, f);

    if (atomic_load_explicit(&g->armed_inv, memory_order_relaxed) != ~word || p->coil_inv != ~p->coil ||
        p->trips_inv != ~p->trips)
        at_once |= GUARD_TRIP_INTERNAL;
    if (p->timed && dt_us > GUARD_STARVED_US)
        at_once |= GUARD_TRIP_STARVED;
    if (now - p->beat_us > CONTROL_STALL_US)
        at_once |= GUARD_TRIP_CONTROL;
    if (overheated(p, dt_us))
        at_once |= GUARD_TRIP_OVERCURRENT;
    if (proximity_wrong(p, f))
        at_once |= GUARD_TRIP_PP;
    if (f->inputs & (GUARD_IN_RCD | (p->limits.rcm_fitted ? GUARD_IN_RCM_FAULT : 0u)))
        bad |= GUARD_TRIP_RCD;
    for (int i = 0; i < p->limits.phases; i++)
        if (!f->n[i])
            bad |= GUARD_TRIP_INTERNAL; /* a current that is not sampled can't be guarded */

    if (bad && p->bad) {
        at_once |= bad & GUARD_HARD_TRIPS;
        if (!p->leaving) {
            p->leaving = true;
            p->left_us = (uint32_t)p->good_us - HALF_FRAME_US;
        }
    }
    if (!bad)
        p->good_us = now;
    p->bad = bad;
    p->gone = (uint8_t)(!current_gone(p) ? 0 : p->gone < GONE_FRAMES ? p->gone + 1 : GONE_FRAMES);

    if (at_once) {
        /* Of a plug that is pulled, proximity may have its second frame when the pilot has its first: told
         * together, or it would read as a broken cable. */
        trip(g, at_once | (bad & GUARD_TRIP_UNPLUGGED), now);
    } else if (p->leaving) {
        /* With its current gone: now. Else at the last frame before the deadline. */
        uint32_t next = (uint32_t)now + (uint32_t)dt_us - p->left_us;
        if (p->gone >= GONE_FRAMES || next > LEFT_C_OPEN_US)
            trip(g, GUARD_TRIP_LEFT_C, now);
    } else if (!bad) {
        set_coil(g, 1, now);
    }
}

uint32_t guard_on_frame(struct guard *g, const uint16_t *raw, size_t n, uint64_t end_us, uint32_t inputs)
{
    struct guard_private *p = &g->priv;
    uint32_t head = atomic_load_explicit(&g->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&g->tail, memory_order_acquire);
    bool room = head - tail < GUARD_RING;
    struct sense_frame *f = room ? &g->ring[head % GUARD_RING] : &p->spare;
    uint32_t mux = atomic_load_explicit(&g->mux_wanted, memory_order_relaxed);

    sense_frame_read(&g->sense, raw, n, end_us, inputs, (uint8_t)(mux & 1u), f);
    measure_currents(p, f);

    uint32_t word = atomic_load_explicit(&g->armed, memory_order_acquire);
    uint32_t beat = atomic_load_explicit(&g->beat, memory_order_relaxed);
    if (word != p->word || beat != p->beat) {
        p->beat = beat;
        p->beat_us = end_us;
    }
    if (word &&
        (word != p->word || atomic_load_explicit(&g->limits_version, memory_order_relaxed) != p->version) &&
        adopt_limits(g) && word != p->word) {
        p->word = word;
        p->trips = 0;
        p->trips_inv = ~0u;
        p->bad = 0;
        p->pp_bad = p->leaving = false;
        p->gone = 0;
        p->good_us = end_us;
    }
    if (!word)
        p->word = 0;
    if (word && word == p->word && !p->trips)
        judge(g, f, end_us - p->last_us, word);
    if (!word || word != p->word || p->trips)
        set_coil(g, 0, end_us);
    if (!p->coil && p->open_frames < UINT16_MAX)
        p->open_frames++;
    p->last_us = end_us;
    p->timed = true;

    atomic_store_explicit(&g->frame_us, (uint32_t)end_us, memory_order_relaxed);
    atomic_store_explicit(&g->frames, f->seq + 1, memory_order_relaxed);
    if (room)
        atomic_store_explicit(&g->head, head + 1, memory_order_release);
    else
        atomic_store_explicit(&g->lost, atomic_load_explicit(&g->lost, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    return (p->coil ? GUARD_OUT_COIL : 0u) | (g->sense.mux ? GUARD_OUT_MUX : 0u);
}

bool guard_take_frame(struct guard *g, struct sense_frame *out)
{
    uint32_t tail = atomic_load_explicit(&g->tail, memory_order_relaxed);
    if (atomic_load_explicit(&g->head, memory_order_acquire) == tail)
        return false;
    *out = g->ring[tail % GUARD_RING];
    atomic_store_explicit(&g->tail, tail + 1, memory_order_release);
    return true;
}

void guard_arm(struct guard *g, const struct guard_limits *limits, uint64_t now_us)
{
    const uint32_t w[GUARD_LIMIT_WORDS] = {
        (limits->allow_d ? 1u : 0u) | (limits->check_diode ? 2u : 0u) | (limits->rcm_fitted ? 4u : 0u) |
            (uint32_t)limits->phases << 8,
        (uint32_t)limits->fast_ma,
        (uint32_t)limits->ct_ma_per_dmv,
        (uint32_t)limits->i_zero_dmv[0],
        (uint32_t)limits->i_zero_dmv[1],
        (uint32_t)limits->i_zero_dmv[2],
        (uint32_t)limits->pp_min_dmv,
        (uint32_t)limits->pp_max_dmv,
    };
    (void)now_us;
    bool same = atomic_load_explicit(&g->limits_version, memory_order_relaxed) != 0;
    for (int i = 0; i < GUARD_LIMIT_WORDS && same; i++)
        same = atomic_load_explicit(&g->limit_words[i], memory_order_relaxed) == w[i];
    if (!same) {
        uint32_t version = atomic_load_explicit(&g->limits_version, memory_order_relaxed);
        atomic_store_explicit(&g->limits_version, version + 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        for (int i = 0; i < GUARD_LIMIT_WORDS; i++)
            atomic_store_explicit(&g->limit_words[i], w[i], memory_order_relaxed);
        atomic_store_explicit(&g->limits_version, version + 2, memory_order_release);
    }
    if (atomic_load_explicit(&g->armed, memory_order_relaxed))
        return;
    /* The number of the arming before is still in the complement. */
    uint32_t word = ~atomic_load_explicit(&g->armed_inv, memory_order_relaxed) + 1u;
    if (!word)
        word = 1;
    atomic_store_explicit(&g->trips, 0, memory_order_relaxed);
    atomic_store_explicit(&g->first_trip, 0, memory_order_relaxed);
    atomic_store_explicit(&g->armed_inv, ~word, memory_order_relaxed);
    atomic_store_explicit(&g->armed, word, memory_order_release);
}

void guard_disarm(struct guard *g)
{
    atomic_store_explicit(&g->armed, 0, memory_order_release);
}
