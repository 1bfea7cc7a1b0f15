#include "core/metering.h"

#include <math.h>
#include <string.h>

/* docs/hardware.md "Analogue front ends": what one volt and one ampere make at the pin, in 0.1 mV. */
#define V_DMV_PER_V 28.0f
#define I_DMV_PER_A 180.0f
#define BIAS_DMV    13000

#define PI_F 3.14159265f

enum {
    WAVE_I1 = SENSE_I1 - 1, /* index of I1 among the waves; I2 and I3 follow */
    WAVE_M0 = SENSE_M0 - 1,
    WAVE_M1 = SENSE_M1 - 1,

    WINDOW_CYCLES = 10, /* 200 ms at 50 Hz: the basic measurement interval of IEC 61000-4-30 */
    BACK_MAX = 8, /* samples by which current and voltage can be shifted against each other: about 2 ms */
    STEADY_WINDOWS = 16, /* 3.2 s: about the 3 s aggregation of IEC 61000-4-30 */
    NOISE_WINDOWS = 25,  /* 5 s */
    V_FRESH_US = 1000000,
    CROSS_FRESH_US = 500000,

    /* A mains outside this is not believed: a station's is 50 Hz (docs/hardware.md), 60 Hz for the rest of
       the world. */
    MAINS_MIN_HZ = 40,
    MAINS_MAX_HZ = 70,
    MAINS_HZ = 50,

    V_SEEN_MV = 30000,   /* below this a phase is dead: no crossings, no angle */
    MUX_FRAMES_MAX = 40, /* frames without a whole visible cycle after which the switch turns all the same */
    LOCK_FRAMES = 24,    /* frames (116 ms) for which a search for the frequency may keep the switch */

    GAIN_MIN_PPM = 100000, /* another range of the same front end, not a front end of another kind */
    GAIN_MAX_PPM = 10000000,

    BREAKS_MAX = 20, /* frames one after the other that do not fit the row */
    /* A gap in seq with frames lost only in the ring is bridged: the guard went on looking. Without a lost
     * frame the converter stood still, the guard has opened after 20 ms, and the contactor is off at the
     * latest 100 ms later. */
    BRIDGE_LOST_US = 5000000,
    BRIDGE_STARVED_US = 120000,

    REVERSED_MA = 500,    /* less may be the capacitors of an idle charger */
    REVERSED_WINDOWS = 5, /* 1 s */
    UNREVERSED_WINDOWS = 25,
    SIGN_WINDOWS = 3, /* of a missing neutral or a wrong phase order */
};

/* Below this a meter need not start (IEC 62053-21 asks 0.4 % of the base current: 128 mA at 32 A); taken
 * lower because the noise allows it, and above the few ten mA that noise leaves, so that the register stands
 * still without a car. */
#define START_A 0.1f

/* No converter that works has more noise than 20 mV, here squared in dmv. */
#define NOISE_MAX (200.0f * 200.0f)

/* 500 kHz is what the ESP32 can at best; at 10 kHz and ten conversions in a pattern a mains cycle has 20
 * samples. */
#define CONVERSION_MIN_US 2.0
#define CONVERSION_MAX_US 100.0

static float squared(float v)
{
    return v * v;
}

static float root(float v)
{
    return v > 0 ? sqrtf(v) : 0;
}

static int32_t within(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}

static int16_t saturate(int32_t v)
{
    return (int16_t)within(v, INT16_MIN, INT16_MAX);
}

static int32_t rounded(float v)
{
    return v >= 2e9f ? 2000000000 : v <= -2e9f ? -2000000000 : (int32_t)lrintf(v);
}

void metering_cfg_default(struct metering_cfg *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->phases = 3;
    for (int p = 0; p < 3; p++) {
        cfg->i_zero_dmv[p] = cfg->v_zero_dmv[p] = BIAS_DMV;
        cfg->i_gain_ppm[p] = cfg->v_gain_ppm[p] = 1000000;
    }
}

static float i_ma_per_dmv(const struct metering *m, int p)
{
    return (float)m->cfg.i_gain_ppm[p] * (1e-3f / I_DMV_PER_A);
}

static float v_mv_per_dmv(const struct metering *m, int p)
{
    return (float)m->cfg.v_gain_ppm[p] * (1e-3f / V_DMV_PER_V);
}

static float cycle_samples(const struct metering *m)
{
    return m->cycle / (float)m->stride;
}

static int32_t cycle_q16(const struct metering *m)
{
    return (int32_t)(cycle_samples(m) * 65536);
}

void metering_init(struct metering *m, const struct metering_cfg *cfg, const struct meter_reading *start)
{
    memset(m, 0, sizeof *m);
    m->cfg = *cfg;
    m->cfg.phases = cfg->phases == 1 ? 1 : 3;
    for (int p = 0; p < 3; p++) {
        m->cfg.i_zero_dmv[p] = within(cfg->i_zero_dmv[p], 0, INT16_MAX);
        m->cfg.v_zero_dmv[p] = within(cfg->v_zero_dmv[p], 0, INT16_MAX);
        m->cfg.i_gain_ppm[p] = within(cfg->i_gain_ppm[p], GAIN_MIN_PPM, GAIN_MAX_PPM);
        m->cfg.v_gain_ppm[p] = within(cfg->v_gain_ppm[p], GAIN_MIN_PPM, GAIN_MAX_PPM);
    }
    m->now.phases = m->cfg.phases;
    m->cycle = (float)SENSE_RATE_HZ / MAINS_HZ;
    if (start) {
        memcpy(m->now.import_uwh, start->import_uwh, sizeof m->now.import_uwh);
        m->now.import_total_uwh = start->import_total_uwh;
    }
}

/* Voltage phase that a multiplexed wave (0: M0, 1: M1) shows; −1: PP, −2: nothing of interest. */
static int shown(const struct metering *m, int wave)
{
    if (m->mux == 0)
        return wave == 0 ? 0 : m->cfg.phases == 3 ? 1 : -2;
    return wave == 1 ? -1 : m->cfg.phases == 3 ? 2 : -2;
}

/* Which samples of current and voltage belong together: the instant of the current wanted is `τ` before the
 * sample of the voltage path, between two samples of it. Their two correlations, weighted by the sines of the
 * distances, give the correlation at τ: exactly for the fundamental, and within a few percent of what
 * harmonics carry. */
static void update_lag(struct metering *m, int p)
{
    struct metering_phase *ph = &m->phase[p];
    float s = m->stride, us = m->conversion_us > 0 ? (float)m->conversion_us : 1e6f / SENSE_RATE_HZ;
    float d = (float)m->first[p == 1 ? WAVE_M1 : WAVE_M0] - (float)m->first[WAVE_I1 + p];
    float tau = -(float)m->cfg.i_phase_us[p] / us;
    float whole = floorf((tau - d) / s);
    whole = whole < -BACK_MAX ? -BACK_MAX : whole > BACK_MAX - 1 ? BACK_MAX - 1 : whole;
    ph->i_back = (int8_t)(whole + 1 > 0 ? whole + 1 : 0);
    ph->v_back = (int8_t)(ph->i_back - (int)whole);
    ph->lag = d + whole * s;
    float omega = 2 * PI_F / m->cycle, u = tau - ph->lag;
    u = u < 0 ? 0 : u > s ? s : u;
    ph->w0 = sinf(omega * (s - u)) / sinf(omega * s);
    ph->w1 = sinf(omega * u) / sinf(omega * s);
}

/* ---- the row of frames ---- */

static void forget_cycle(struct metering *m)
{
    memset(m->i_sum, 0, sizeof m->i_sum);
    m->i_left_q16 = cycle_q16(m);
}

static void forget_seen(struct metering *m)
{
    memset(m->seen, 0, sizeof m->seen);
    m->v_left_q16 = cycle_q16(m);
    m->v_past = 0;
}

static void forget_window(struct metering *m)
{
    for (int p = 0; p < 3; p++) {
        struct metering_phase *ph = &m->phase[p];
        ph->i_ms = ph->i_rms = ph->i_mean = ph->v_ms = ph->p = ph->seen_i = 0;
        ph->v_cycles = 0;
        m->i_diff[p] = 0;
    }
    m->i_diff_n = 0;
    m->cycles = 0;
}

static float frame_us(const struct metering *m, const struct sense_frame *f)
{
    return (float)f->samples * (m->conversion_us > 0 ? (float)m->conversion_us : 1e6f / SENSE_RATE_HZ);
}

/* Starts anew what needs samples in a row. Time in which no frame came is counted as energy as far as the
 * contactor can have been closed in it. */
static void row_broken(struct metering *m, const struct sense_frame *f)
{
    if (m->started && f->end_us > m->end_us) {
        uint64_t gap = f->end_us - m->end_us, frame = (uint64_t)frame_us(m, f);
        uint32_t lost = f->seq - m->seq - 1;
        uint64_t bridge = lost > 0 && lost < 0x80000000u ? (uint64_t)lost * frame * 5 / 4 : 0;
        bridge = (bridge < BRIDGE_LOST_US ? bridge : BRIDGE_LOST_US) + frame + BRIDGE_STARVED_US;
        if (gap > bridge) {
            m->window_us += gap - bridge;
            forget_window(m); /* and what had begun is old */
        }
    } else {
        m->window_us = f->end_us; /* first frame, or time that runs backwards */
        forget_window(m);
        for (int p = 0; p < 3; p++)
            m->phase[p].ahead_uwh = 0; /* of a window that will never be counted */
    }
    /* A rate that breaks every row is itself wrong. */
    m->breaks = m->in_row ? 1 : (uint8_t)(m->breaks + 1);
    if (m->breaks >= BREAKS_MAX) {
        m->breaks = 0;
        m->conversion_us = 0;
        m->rate_known = 0;
        m->locked = false;
    }
    m->in_row = false;
    m->started = true;
    m->broken = false;
    m->i_past = 0;
    m->rate_from_us = f->end_us;
    m->rate_conversions = 0;
    m->rate_next = 8u * f->samples;
    for (int p = 0; p < 3; p++)
        m->phase[p].crossed = m->phase[p].cross_armed = false;
}

/* The clock of the converter against that of the port. The ends of frames jitter, so the longest row counts,
 * up to 2 s: 50 µs of jitter are then 25 ppm. */
static void measure_rate(struct metering *m, const struct sense_frame *f)
{
    enum { LONG_US = 2000000 };
    m->in_row = true;
    m->rate_conversions += f->samples;
    if (m->rate_conversions < m->rate_next)
        return;
    uint64_t us = f->end_us - m->rate_from_us;
    if (m->rate_conversions > m->rate_known || us >= LONG_US) {
        m->conversion_us = (double)us / m->rate_conversions;
        m->rate_known = m->rate_conversions;
        if (m->conversion_us < CONVERSION_MIN_US || m->conversion_us > CONVERSION_MAX_US)
            m->conversion_us = m->rate_known = 0; /* no converter is like that: wrong times */
    }
    if (us < LONG_US) {
        m->rate_next *= 2;
        return;
    }
    m->rate_next = m->rate_conversions;
    m->rate_conversions = 0;
    m->rate_from_us = f->end_us;
}

static bool usable(const struct metering *m, const struct sense_frame *f)
{
    int n = f->n[WAVE_I1];
    if (n < 8 || n > SENSE_SLOTS_MAX || f->samples < 2 * n || f->samples > SENSE_FRAME_MAX)
        return false;
    for (int p = 1; p < m->cfg.phases; p++)
        if (f->n[WAVE_I1 + p] != n)
            return false;
    return true;
}

/* True: this frame's samples follow without a gap on those of the last one. */
static bool in_row(const struct metering *m, const struct sense_frame *f, uint8_t stride)
{
    if (!m->started || m->broken || f->seq != m->seq + 1 || f->n[WAVE_I1] != m->n || stride != m->stride ||
        memcmp(f->first + WAVE_I1, m->first + WAVE_I1, m->cfg.phases) != 0 || f->end_us <= m->end_us)
        return false;
    if (m->conversion_us <= 0)
        return true;
    float expected = frame_us(m, f), dt = (float)(f->end_us - m->end_us);
    return dt > expected * 0.75f && dt < expected * 1.25f;
}

/* ---- currents ---- */

static void add_current(struct metering_current *c, const int16_t *x, int from, int to)
{
    int64_t s1 = 0, s2 = 0;
    for (int k = from; k < to; k++) {
        int32_t v = x[k];
        s1 += v;
        s2 += (int64_t)v * v;
    }
    c->s1 += s1;
    c->s2 += s2;
}

/* The third difference of white noise has 20 times its mean square; 50 Hz at 4.13 kHz has 2·10^-7 of its own,
 * the fifth harmonic 0.3 %: so what is left of it, divided by 20, is noise. */
static void add_differences(struct metering *m, int n)
{
    for (int p = 0; p < m->cfg.phases; p++) {
        const int16_t *x = m->x[WAVE_I1 + p] + METERING_PAST;
        int64_t sum = 0;
        for (int k = 0; k < n; k++) {
            int64_t d = x[k] - x[k - 3] + 3 * (x[k - 2] - x[k - 1]);
            sum += d * d;
        }
        m->i_diff[p] += sum;
    }
    m->i_diff_n += (uint32_t)n;
}

static float fresh_noise(const struct metering *m, int p)
{
    return (float)m->i_diff[p] / (20.0f * (float)m->i_diff_n);
}

/* The cycle ends with share `f` of sample k, the next begins with the rest of it. */
static void end_current_cycle(struct metering *m, int p, int k, float f)
{
    struct metering_phase *ph = &m->phase[p];
    struct metering_current *c = &m->i_sum[p];
    float v = m->x[WAVE_I1 + p][METERING_PAST + k], n = cycle_samples(m);
    float mean = ((float)c->s1 + c->head1 + f * v) / n;
    float ms = ((float)c->s2 + c->head2 + f * v * v) / n - mean * mean;
    if (ph->i_noise <= 0 && m->i_diff_n >= 40)
        ph->i_noise = fresh_noise(m, p);
    ph->i_ms += ms;
    ph->i_mean += mean;
    ph->i_rms += root(ms - ph->i_noise);
    c->s1 = c->s2 = 0;
    c->head1 = (1 - f) * v;
    c->head2 = (1 - f) * v * v;
}

static void on_currents(struct metering *m, int n)
{
    int k = 0;
    while ((m->i_left_q16 >> 16) < n - k) {
        int whole = k + (m->i_left_q16 >> 16);
        float f = (float)(m->i_left_q16 & 0xffff) * (1 / 65536.0f);
        for (int p = 0; p < m->cfg.phases; p++) {
            add_current(&m->i_sum[p], m->x[WAVE_I1 + p] + METERING_PAST, k, whole);
            end_current_cycle(m, p, whole, f);
        }
        m->cycles++;
        m->i_left_q16 = cycle_q16(m) - (65536 - (m->i_left_q16 & 0xffff));
        k = whole + 1;
    }
    for (int p = 0; p < m->cfg.phases; p++)
        add_current(&m->i_sum[p], m->x[WAVE_I1 + p] + METERING_PAST, k, n);
    m->i_left_q16 -= (n - k) << 16;
}

/* ---- voltages, and power ---- */

static void add_seen(struct metering_seen *s, const int16_t *i, const int16_t *v_early, int from, int to)
{
    int64_t v1 = 0, v2 = 0, i1 = 0, i2 = 0, c0 = 0, c1 = 0;
    for (int k = from; k < to; k++) {
        int32_t a = i[k], e = v_early[k], v = v_early[k + 1];
        i1 += a;
        v1 += v;
        i2 += (int64_t)a * a;
        v2 += (int64_t)v * v;
        c0 += (int64_t)a * e;
        c1 += (int64_t)a * v;
    }
    s->v1 += v1;
    s->v2 += v2;
    s->i1 += i1;
    s->i2 += i2;
    s->c0 += c0;
    s->c1 += c1;
}

static void end_seen_cycle(struct metering *m, int p, const struct metering_seen *s, const int16_t *i,
                           const int16_t *v_early, int k, float f, uint64_t end_us)
{
    struct metering_phase *ph = &m->phase[p];
    float a = i[k], e = v_early[k], v = v_early[k + 1], per = 1 / cycle_samples(m);
    float v_mean = ((float)s->v1 + f * v) * per, i_mean = ((float)s->i1 + f * a) * per;
    float i_rms = root(((float)s->i2 + f * a * a) * per - i_mean * i_mean - ph->i_noise);
    float c0 = ((float)s->c0 + f * a * e) * per - i_mean * v_mean;
    float c1 = ((float)s->c1 + f * a * v) * per - i_mean * v_mean;
    ph->v_ms += ((float)s->v2 + f * v * v) * per - v_mean * v_mean;
    ph->v_cycles++;
    ph->v_dc = v_mean;
    ph->v_us = end_us;
    ph->p += ph->w0 * c0 + ph->w1 * c1;
    ph->seen_i += i_rms;
    ph->c0 += (c0 - ph->c0) * 0.05f;
    ph->c1 += (c1 - ph->c1) * 0.05f;
}

static void end_pp_cycle(struct metering *m, const struct metering_seen *s, int16_t last, float f,
                         uint64_t end_us)
{
    m->pp_dmv = rounded(((float)s->v1 + f * last) / cycle_samples(m));
    m->pp_us = end_us;
}

/* Rising zero crossings in this frame; conversion-counted, so that jitter of end_us does not enter. */
static void on_crossings(struct metering *m, int p, int wave, int n, uint64_t end_us)
{
    struct metering_phase *ph = &m->phase[p];
    const int16_t *x = m->x[wave] + METERING_PAST;
    float level = 0.14f * ph->v_rms; /* a tenth of the peak */
    int zero = rounded(ph->v_dc), arm = zero - rounded(level > 200 ? level : 200);
    for (int k = m->v_past > 0 ? 0 : 1; k < n; k++) {
        if (!ph->cross_armed) {
            ph->cross_armed = x[k] < arm;
            continue;
        }
        if (x[k] < zero || x[k - 1] >= zero)
            continue;
        ph->cross_armed = false;
        float part = (float)(zero - x[k - 1]) / (float)(x[k] - x[k - 1]);
        int64_t t = (m->conversions + m->first[wave]) * 256 +
                    (int64_t)lrintf(((float)(k - 1) + part) * (float)m->stride * 256);
        int64_t d = t - ph->cross_q8;
        float since = (float)d * (1 / 256.0f), us = since * (float)m->conversion_us;
        bool fresh = ph->crossed && us < CROSS_FRESH_US;
        if (fresh && !m->locked && us > 1e6f / MAINS_MAX_HZ && us < 1e6f / MAINS_MIN_HZ) {
            m->cycle = since; /* two in a row: the first measurement of the frequency */
            m->locked = true;
            m->locked_us = end_us;
        }
        float cycles = rintf(since / m->cycle), off = since - cycles * m->cycle;
        if (fresh && cycles >= 1 && fabsf(off) < 0.2f * m->cycle) {
            ph->cross_cycles += (uint32_t)cycles;
            m->locked_us = m->locked ? end_us : m->locked_us;
        } else {
            ph->cross_first_q8 = t;
            ph->cross_cycles = 0;
        }
        ph->cross_q8 = t;
        ph->crossed = true;
    }
}

static void on_voltages(struct metering *m, const struct sense_frame *f, int n)
{
    int need = 0, past_need = 0;
    for (int w = 0; w < 2; w++) {
        int p = shown(m, w);
        if (p < 0)
            continue;
        on_crossings(m, p, WAVE_M0 + w, n, f->end_us);
        need = m->phase[p].v_back > need ? m->phase[p].v_back : need;
        past_need = m->phase[p].i_back > past_need ? m->phase[p].i_back : past_need;
    }
    int k = 0;
    if (m->v_past < need)
        k = need - m->v_past;
    if (m->i_past < past_need && k < past_need - m->i_past)
        k = past_need - m->i_past;
    while (k < n) {
        int whole = k + (m->v_left_q16 >> 16);
        bool ends = whole < n;
        int to = ends ? whole : n;
        float share = (float)(m->v_left_q16 & 0xffff) * (1 / 65536.0f);
        for (int w = 0; w < 2; w++) {
            int p = shown(m, w);
            if (p == -2)
                continue;
            const struct metering_phase *ph = &m->phase[p < 0 ? 0 : p];
            const int16_t *i = m->x[WAVE_I1 + (p < 0 ? 0 : p)] + METERING_PAST - (p < 0 ? 0 : ph->i_back);
            const int16_t *v_early = m->x[WAVE_M0 + w] + METERING_PAST - (p < 0 ? 1 : ph->v_back);
            add_seen(&m->seen[w], i, v_early, k, to);
            if (!ends)
                continue;
            if (p >= 0)
                end_seen_cycle(m, p, &m->seen[w], i, v_early, whole, share, f->end_us);
            else
                end_pp_cycle(m, &m->seen[w], v_early[whole + 1], share, f->end_us);
        }
        if (!ends) {
            m->v_left_q16 -= (n - k) << 16;
            return;
        }
        memset(m->seen, 0, sizeof m->seen);
        m->v_left_q16 = cycle_q16(m);
        m->mux_done = true;
        k = whole + 1;
    }
}

/* ---- the window ---- */

static void end_frequency(struct metering *m, uint64_t end_us)
{
    float sum = 0;
    int n = 0;
    for (int p = 0; p < m->cfg.phases; p++) {
        struct metering_phase *ph = &m->phase[p];
        if (!ph->crossed || ph->cross_cycles == 0)
            continue;
        sum += (float)(ph->cross_q8 - ph->cross_first_q8) / (256.0f * (float)ph->cross_cycles);
        n++;
        ph->cross_first_q8 = ph->cross_q8;
        ph->cross_cycles = 0;
    }
    if (m->locked && end_us > m->locked_us && end_us - m->locked_us > CROSS_FRESH_US)
        m->locked = false;
    if (m->conversion_us <= 0)
        m->locked = false;
    if (n > 0 && m->locked) {
        float fresh = sum / (float)n, d = fresh - m->cycle;
        /* A step of the mains is followed at once, jitter is averaged. */
        m->cycle = fabsf(d) > 0.004f * m->cycle ? fresh : m->cycle + 0.3f * d;
        float us = (float)m->conversion_us * m->cycle;
        float shortest = 1e6f / MAINS_MAX_HZ, longest = 1e6f / MAINS_MIN_HZ;
        if (us < shortest || us > longest) {
            m->cycle = 1e6f / MAINS_HZ / (float)m->conversion_us;
            m->locked = false;
        }
    }
    m->now.freq_mhz = m->locked ? rounded((float)(1e9 / ((double)m->cycle * m->conversion_us))) : 0;
}

/* Steadies a value near the noise: averages up to STEADY_WINDOWS while they differ no more than noise
 * explains (four sigma), and follows at once when they do. Between four and six sigma a second window has to
 * agree: in a night of charging noise alone gets there, and one such window would be shown as it is, up to 4
 * % off at 1 A. True: it has followed. */
static bool steady(float *value, uint8_t *windows, int8_t *apart, float fresh, float variance)
{
    float d = fresh - *value;
    int8_t side = d * d <= 16 * variance ? 0 : d > 0 ? 1 : -1;
    bool step = *windows == 0 || (side != 0 && (side == *apart || d * d > 36 * variance));
    if (side != 0 && !step) {
        *apart = side;
        return false;
    }
    *apart = 0;
    *windows = step ? 1 : *windows < STEADY_WINDOWS ? (uint8_t)(*windows + 1) : STEADY_WINDOWS;
    *value += d / *windows;
    return step;
}

/* The converter's noise is steady: a mean over NOISE_WINDOWS, in which a spike counts little; noise that has
 * gone is believed sooner. */
static void update_noise(struct metering *m, int p)
{
    struct metering_phase *ph = &m->phase[p];
    if (m->i_diff_n < 200)
        return;
    float fresh = fresh_noise(m, p);
    fresh = fresh > NOISE_MAX ? NOISE_MAX : fresh;
    if (ph->noise_windows > 0 && fresh > 4 * ph->i_noise + 1)
        fresh = 4 * ph->i_noise + 1;
    if (fresh < 0.5f * ph->i_noise)
        ph->noise_windows /= 2;
    if (ph->noise_windows < NOISE_WINDOWS)
        ph->noise_windows++;
    ph->i_noise += (fresh - ph->i_noise) / ph->noise_windows;
}

/* A current that is cut within a half wave leaves up to 1.4 A of mean in one window (32 A over ten cycles),
 * and a zero that believed it would show just that where nothing flows: the middle of three windows. */
static void learn_zero(const struct metering *m, struct metering_phase *ph, float mean)
{
    float a = m->now.at_us ? ph->i_dc_past[0] : mean, b = m->now.at_us ? ph->i_dc_past[1] : mean;
    float low = a < b ? a : b, high = a < b ? b : a;
    ph->i_dc = mean < low ? low : mean > high ? high : mean;
    ph->i_dc_past[0] = m->now.at_us ? ph->i_dc_past[1] : mean;
    ph->i_dc_past[1] = mean;
}

/* V·PF out of power and current that belong together; before there were any, as of a heater. */
static float voltage_times_pf(const struct metering_phase *ph, float power, float current)
{
    float v_pf = current > 0 ? power / current : ph->v_rms, bound = 1.05f * ph->v_rms;
    return v_pf > bound ? bound : v_pf < -bound ? -bound : v_pf;
}

/* Mean square of a window's current without noise; *noise_var: of it. false: there is none. */
static bool current_flows(const struct metering *m, int p, float *ms, float *noise_var)
{
    const struct metering_phase *ph = &m->phase[p];
    *ms = ph->i_ms / m->cycles - ph->i_noise;
    *noise_var = 2.6f * squared(ph->i_noise) / (m->cycles * cycle_samples(m));
    return *ms >= squared(START_A * I_DMV_PER_A) && *ms * *ms >= 16 * *noise_var;
}

/* A register shows what the window under way has brought so far, so that a reset or a sudden end of charging
 * loses a cycle and not a window (1.2 Wh at 22 kW). `uwh`: of this window up to now; what has been shown of
 * it is not added again, and should it turn out to be too much, the next window makes up for it. */
static void register_show(struct metering *m, int p, uint64_t uwh)
{
    struct metering_phase *ph = &m->phase[p];
    if (uwh <= ph->ahead_uwh)
        return;
    m->now.import_uwh[p] += uwh - ph->ahead_uwh;
    m->now.import_total_uwh += uwh - ph->ahead_uwh;
    ph->ahead_uwh = (uint32_t)uwh;
}

static void register_count(struct metering *m, int p, uint64_t uwh)
{
    register_show(m, p, uwh);
    m->phase[p].ahead_uwh -= (uint32_t)uwh;
}

/* After each cycle, with the voltage and power factor known by now. */
static void show_ahead(struct metering *m)
{
    float us = (float)m->conversion_us * m->cycle * m->cycles;
    for (int p = 0; p < m->cfg.phases; p++) {
        const struct metering_phase *ph = &m->phase[p];
        float ms, noise_var;
        if (!current_flows(m, p, &ms, &noise_var))
            continue;
        float v_pf = voltage_times_pf(ph, 0.5f * ph->p_held + ph->p, 0.5f * ph->i_held + ph->seen_i);
        float power = (m->now.ct_reversed[p] ? -v_pf : v_pf) * ph->i_rms / m->cycles;
        float uwh = power * i_ma_per_dmv(m, p) * v_mv_per_dmv(m, p) * 1e-3f * us / 3.6e6f;
        if (uwh > 0)
            register_show(m, p, (uint64_t)uwh);
    }
}

static void end_phase(struct metering *m, int p, uint64_t dt_us)
{
    struct metering_phase *ph = &m->phase[p];
    struct meter_reading *r = &m->now;
    float n = m->cycles, samples = n * cycle_samples(m);
    update_noise(m, p);
    learn_zero(m, ph, ph->i_mean / n);
    float ms, noise_var, rms = ph->i_rms / n;
    bool flows = current_flows(m, p, &ms, &noise_var);
    ph->i_net = ms;
    if (ph->v_cycles > 0)
        ph->v_rms = root(ph->v_ms / ph->v_cycles - ph->i_noise);
    r->v_mv[p] = rounded(ph->v_rms * v_mv_per_dmv(m, p));

    /* No current: neither shown nor counted, and what is held of an earlier load is no use for the next. */
    if (!flows) {
        ph->i_show = ph->p_show = ph->p_held = ph->i_held = 0;
        ph->i_windows = ph->p_windows = 0;
        r->i_ma[p] = r->p_mw[p] = r->pf_permille[p] = 0;
        return;
    }
    if (ph->v_cycles > 0) {
        ph->p_held = 0.5f * ph->p_held + ph->p;
        ph->i_held = 0.5f * ph->i_held + ph->seen_i;
    }
    float v_pf = voltage_times_pf(ph, ph->p_held, ph->i_held);
    float ma = i_ma_per_dmv(m, p), mv = v_mv_per_dmv(m, p);
    bool wrong_way = v_pf<-0.3f * ph->v_rms, right_way = v_pf> 0.3f * ph->v_rms;
    bool against = r->ct_reversed[p] ? right_way : wrong_way;
    if (ma * rms > REVERSED_MA && ph->v_rms * mv > V_SEEN_MV && against) {
        if (++ph->reversed >= (r->ct_reversed[p] ? UNREVERSED_WINDOWS : REVERSED_WINDOWS)) {
            r->ct_reversed[p] = !r->ct_reversed[p];
            ph->reversed = 0;
        }
    } else {
        ph->reversed = 0;
    }
    if (r->ct_reversed[p])
        v_pf = -v_pf; /* the current flows into the car all the same: no car feeds this station */

    float power = v_pf * rms; /* in dmv² */
    if (power > 0) {
        uint64_t mw = (uint64_t)(power * ma * mv * 1e-3f + 0.5f);
        uint64_t nj = ph->rest_nj + mw * dt_us, uwh = nj / 3600000u;
        ph->rest_nj = nj - uwh * 3600000u;
        register_count(m, p, uwh);
    }

    bool step =
        steady(&ph->i_show, &ph->i_windows, &ph->i_apart, ms, 4 * ms * ph->i_noise / samples + noise_var);
    float i_show = root(ph->i_show);
    /* Power rests on the few cycles with visible voltage, of this window and half of the last. */
    float seen = (ph->v_cycles > 0 ? 1.5f * ph->v_cycles : 1) * cycle_samples(m);
    float p_var = squared(ph->v_rms) * (ph->i_noise / seen + squared(0.0025f * i_show));
    if (step)
        ph->p_windows = 0;
    steady(&ph->p_show, &ph->p_windows, &ph->p_apart, power, p_var);
    r->i_ma[p] = rounded(i_show * ma);
    r->p_mw[p] = rounded(ph->p_show * ma * mv * 1e-3f);
    float s = ph->v_rms * i_show, pf = s > 0 ? 1000 * ph->p_show / s : 0;
    r->pf_permille[p] = rounded(pf > 1000 ? 1000 : pf < -1000 ? -1000 : pf);
}

/* Phase order and neutral, from the voltages as phasors. Neutral missing: the star point has left the middle
 * (the phases' sum is no longer near zero) while the voltages between the phases are as even as a grid's are;
 * a lost or sagging phase makes those uneven too. Can't be seen while the loads hold the floating point in
 * the middle. */
static void end_angles(struct metering *m)
{
    struct meter_reading *r = &m->now;
    if (m->cfg.phases != 3 || !m->locked)
        return;
    float re[3], im[3];
    bool wrong = false, right = false;
    int first = -1; /* phase against which the angles are taken: the first that is alive */
    for (int p = 0; p < 3; p++) {
        const struct metering_phase *ph = &m->phase[p];
        float age = (float)(m->conversions - ph->cross_q8 / 256) * (float)m->conversion_us;
        re[p] = im[p] = 0;
        if (r->v_mv[p] <= V_SEEN_MV || !ph->crossed || age > CROSS_FRESH_US)
            continue;
        first = first < 0 ? p : first;
        float turn = (float)(ph->cross_q8 - m->phase[first].cross_q8) / (256 * m->cycle);
        turn -= floorf(turn);
        re[p] = (float)r->v_mv[p] * cosf(2 * PI_F * turn);
        im[p] = (float)r->v_mv[p] * -sinf(2 * PI_F * turn);
        /* Right: L2 a third of a turn after L1. Angles far from both say nothing (all phases from one, say).
         */
        float third = (float)(p - first) / 3;
        right |= p > first && fabsf(turn - third) < 0.1f;
        wrong |= p > first && fabsf(turn - (1 - third)) < 0.1f;
    }
    bool against = r->phase_order_wrong ? right && !wrong : wrong && !right;
    m->order = against ? (uint8_t)(m->order + 1) : 0;
    if (m->order >= SIGN_WINDOWS) {
        r->phase_order_wrong = !r->phase_order_wrong;
        m->order = 0;
    }
    float low = 3e38f, high = 0, sum = 0;
    for (int p = 0; p < 3; p++) {
        int q = (p + 1) % 3;
        float line = hypotf(re[p] - re[q], im[p] - im[q]);
        low = line < low ? line : low;
        high = line > high ? line : high;
        sum += line;
    }
    float star = sum / (3 * 1.7320508f), moved = hypotf(re[0] + re[1] + re[2], im[0] + im[1] + im[2]) / 3;
    /* EN 50160 lets the phases differ by 2 % (3 % in places); a tenth of the phase voltage is far from both.
     */
    bool missing = star > V_SEEN_MV && high - low < 0.08f * star && moved > 0.1f * star;
    bool turned = missing != r->neutral_missing;
    m->neutral = turned ? (uint8_t)(m->neutral + 1) : 0;
    if (m->neutral >= SIGN_WINDOWS) {
        r->neutral_missing = missing;
        m->neutral = 0;
    }
}

static void end_window(struct metering *m, uint64_t end_us)
{
    struct meter_reading *r = &m->now;
    uint64_t dt_us = end_us > m->window_us ? end_us - m->window_us : 0;
    end_frequency(m, end_us);
    int64_t total = 0;
    r->valid = m->conversion_us > 0;
    for (int p = 0; p < m->cfg.phases; p++) {
        end_phase(m, p, dt_us);
        total += r->p_mw[p];
        if (m->phase[p].v_us == 0 || end_us - m->phase[p].v_us > V_FRESH_US)
            r->valid = false;
    }
    r->p_total_mw = (int32_t)total;
    end_angles(m);
    r->at_us = end_us;
    m->window_us = end_us;
    forget_window(m);
    for (int p = 0; p < m->cfg.phases; p++) {
        struct metering_phase *ph = &m->phase[p];
        int8_t i_back = ph->i_back, v_back = ph->v_back;
        update_lag(m, p);
        if (i_back != ph->i_back || v_back != ph->v_back)
            forget_seen(m);
    }
}

void metering_on_frame(struct metering *m, const struct sense_frame *f)
{
    if (!usable(m, f)) {
        m->broken = true;
        return;
    }
    int n = f->n[WAVE_I1];
    uint8_t stride = (uint8_t)((f->samples + n / 2) / n);
    bool row = in_row(m, f, stride), shows = !f->mux_settling && f->n[WAVE_M0] == n && f->n[WAVE_M1] == n;
    if (!row)
        row_broken(m, f);
    else
        measure_rate(m, f);
    size_t waves = shows ? SENSE_WAVES : WAVE_M0; /* a settling frame need not say where M0 and M1 would be */
    bool lag = stride != m->stride || memcmp(m->first, f->first, waves) != 0;
    m->n = (uint8_t)n;
    m->stride = stride;
    memcpy(m->first, f->first, waves);
    for (int p = 0; lag && p < 3; p++)
        update_lag(m, p);
    if (!row)
        forget_cycle(m);
    if (f->mux != m->mux || !shows || !row || lag) {
        forget_seen(m);
        if (f->mux != m->mux) {
            m->mux_frames = 0;
            m->mux_done = false;
            m->phase[0].cross_armed = m->phase[1].cross_armed = m->phase[2].cross_armed = false;
        }
        m->mux = f->mux ? 1 : 0;
    }
    m->seq = f->seq;
    m->end_us = f->end_us;

    for (int p = 0; p < m->cfg.phases; p++) {
        const int16_t *in = f->dmv[WAVE_I1 + p];
        int16_t *x = m->x[WAVE_I1 + p] + METERING_PAST;
        int32_t zero = m->cfg.i_zero_dmv[p];
        for (int k = 0; k < n; k++)
            x[k] = saturate(in[k] - zero);
    }
    for (int w = 0; shows && w < 2; w++) {
        const int16_t *in = f->dmv[WAVE_M0 + w];
        int16_t *x = m->x[WAVE_M0 + w] + METERING_PAST;
        int p = shown(m, w);
        int32_t zero = p >= 0 ? m->cfg.v_zero_dmv[p] : 0;
        for (int k = 0; k < n; k++)
            x[k] = saturate(in[k] - zero);
    }
    if (m->i_past >= 3)
        add_differences(m, n);
    unsigned cycles = m->cycles;
    on_currents(m, n);
    if (shows) {
        on_voltages(m, f, n);
        m->v_past = (uint8_t)(m->v_past + n > METERING_PAST ? METERING_PAST : m->v_past + n);
    }
    if (m->cycles >= WINDOW_CYCLES)
        end_window(m, f->end_us);
    else if (m->cycles > cycles)
        show_ahead(m);

    /* The switch turns once a whole cycle has been seen; while the frequency is not known it waits for
     * two crossings in a row. */
    if (m->mux_frames < UINT16_MAX)
        m->mux_frames++;
    bool locking = !m->locked && m->mux_frames < LOCK_FRAMES;
    if ((m->mux_done && !locking) || m->mux_frames > MUX_FRAMES_MAX)
        m->mux_wanted = !m->mux;

    for (int w = 0; w < SENSE_WAVES; w++)
        memmove(m->x[w], m->x[w] + n, METERING_PAST * sizeof m->x[w][0]);
    m->i_past = (uint8_t)(m->i_past + n > METERING_PAST ? METERING_PAST : m->i_past + n);
    m->conversions += f->samples;
}

uint8_t metering_mux_wanted(const struct metering *m)
{
    return m->mux_wanted;
}

void metering_read(const struct metering *m, struct meter_reading *out)
{
    *out = m->now;
}

void metering_fast_current_ma(const struct metering *m, int32_t out_ma[3])
{
    for (int p = 0; p < 3; p++) {
        out_ma[p] = 0;
        float span = m->stride ? cycle_samples(m) / 2 : 0;
        if (p >= m->cfg.phases || m->i_past == 0)
            continue;
        span = span > m->i_past ? m->i_past : span;
        const struct metering_phase *ph = &m->phase[p];
        int whole = (int)span, first = METERING_PAST - whole;
        float zero = ph->i_dc, sum = 0;
        if (m->now.at_us ==
            0) { /* before the first window: the mean of what there is, exact without a current */
            for (int k = METERING_PAST - m->i_past; k < METERING_PAST; k++)
                sum += (float)m->x[WAVE_I1 + p][k];
            zero = sum / (float)m->i_past;
            sum = 0;
        }
        for (int k = first; k < METERING_PAST; k++)
            sum += squared((float)m->x[WAVE_I1 + p][k] - zero);
        if (whole < m->i_past)
            sum += squared((float)m->x[WAVE_I1 + p][first - 1] - zero) * (span - (float)whole);
        out_ma[p] = rounded(root(sum / span - ph->i_noise) * i_ma_per_dmv(m, p));
    }
}

bool metering_pp_mv(const struct metering *m, uint64_t now_us, int32_t *out_mv)
{
    if (m->pp_us == 0 || (now_us > m->pp_us && now_us - m->pp_us > V_FRESH_US))
        return false;
    *out_mv = (m->pp_dmv + (m->pp_dmv < 0 ? -5 : 5)) / 10;
    return true;
}

void metering_raw_read(const struct metering *m, struct metering_raw *out)
{
    memset(out, 0, sizeof *out);
    out->at_us = m->now.at_us;
    for (int p = 0; p < m->cfg.phases; p++) {
        const struct metering_phase *ph = &m->phase[p];
        out->i_uv[p] = rounded(100 * root(ph->i_net));
        out->v_uv[p] = rounded(100 * ph->v_rms);
        out->i_noise_uv[p] = rounded(100 * root(ph->i_noise));
        out->i_mean_dmv[p] = m->cfg.i_zero_dmv[p] + rounded(ph->i_dc);
        out->v_mean_dmv[p] = m->cfg.v_zero_dmv[p] + rounded(ph->v_dc);
        if (m->now.i_ma[p] < REVERSED_MA || m->now.v_mv[p] < V_SEEN_MV)
            continue;
        /* The two correlations are K·cos(φ0) and K·cos(φ0 + step); φ0 is the lag and the known skew. */
        float omega = 2 * PI_F / m->cycle, step = omega * (float)m->stride;
        float angle = atan2f(ph->c0 * cosf(step) - ph->c1, ph->c0 * sinf(step)) - omega * ph->lag;
        out->i_lag_valid[p] = true;
        out->i_lag_ns[p] = rounded(angle / omega * (float)m->conversion_us * 1000);
    }
}
