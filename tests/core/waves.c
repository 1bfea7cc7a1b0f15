#include "tests/core/waves.h"

#include <math.h>
#include <string.h>

double waves_uniform(struct source *s)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(s->random >> 11) / 9007199254740992.0;
}

/* Of variance 1: the sum of four numbers from one draw. */
static double gauss(struct source *s)
{
    s->random ^= s->random << 13; /* xorshift64 (Marsaglia 2003) */
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    uint64_t x = s->random;
    double sum = (double)((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48));
    return (sum / 65535 - 2) * 1.7320508075688772;
}

void source_init(struct source *s)
{
    memset(s, 0, sizeof *s);
    for (int p = 0; p < 3; p++)
        s->ph[p] =
            (struct phase_signal){.v = 230, .v_turn = p / 3.0, .i_zero = 13000, .v_zero = 13000, .i_sign = 1};
    s->hz = 50;
    s->rate = 41300;
    s->noise_dmv = 30;
    s->step_dmv = 6.445; /* 2640 mV / 4096 */
    s->pp_mv = 793;
    s->batch = 2;
    s->random = 42;
    s->origin_us = 5000000;
}

/* Fundamental 1, the third and the fifth harmonic, as one wave of rms 1/sqrt(2). */
static double wave(double a, double third, double fifth)
{
    if (third == 0 && fifth == 0)
        return sin(a);
    return (sin(a) + third * sin(3 * a) + fifth * sin(5 * a)) / sqrt(1 + third * third + fifth * fifth);
}

static double volt(const struct source *s, int p, double t)
{
    const struct phase_signal *q = &s->ph[p];
    double w = TURN * s->hz * (t + s->t0);
    double v = q->v * wave(w - TURN * q->v_turn, q->v3, q->v5);
    if (s->vx != 0 || s->vy != 0)
        v += s->vx * sin(w) - s->vy * cos(w);
    return sqrt(2) * v;
}

static double amp(const struct source *s, int p, double t)
{
    const struct phase_signal *q = &s->ph[p];
    if (q->i == 0)
        return 0;
    double a = TURN * (s->hz * (t + s->t0) - q->v_turn) - q->angle;
    return sqrt(2) * q->i_sign * q->i * wave(a, q->i3, q->i5);
}

/* True active power of one phase, W (no displaced neutral). */
double watt(const struct source *s, int p)
{
    const struct phase_signal *q = &s->ph[p];
    double fv = q->v / sqrt(1 + q->v3 * q->v3 + q->v5 * q->v5),
           fi = q->i / sqrt(1 + q->i3 * q->i3 + q->i5 * q->i5);
    /* harmonic n of the current is turned by the same angle as its fundamental against the start of the wave
     * n·a */
    return fv * fi * (cos(q->angle) + q->v3 * q->i3 * cos(3 * q->angle) + q->v5 * q->i5 * cos(5 * q->angle));
}

static int16_t convert(struct source *s, double dmv)
{
    if (s->noise_dmv > 0)
        dmv += s->noise_dmv * gauss(s);
    dmv = floor(dmv / s->step_dmv + 0.5) * s->step_dmv;
    return (int16_t)(dmv < 0 ? 0 : dmv > 26400 ? 26400 : dmv);
}

/* The next frame, in the pattern CP I1 CP I2 CP I3 CP M0 CP M1. `wanted`: where the switch stands from the
 * next on. */
const struct sense_frame *frame(struct source *s, int wanted)
{
    struct sense_frame *f = &s->f;
    memset(f, 0, sizeof *f);
    f->samples = SENSE_FRAME_LEN;
    f->seq = s->seq++;
    f->mux = (uint8_t)s->mux;
    f->mux_settling = s->settling > 0;
    for (int w = 0; w < SENSE_WAVES; w++) {
        f->n[w] = SENSE_FRAME_LEN / SENSE_PATTERN_LEN;
        f->first[w] = (uint8_t)(1 + 2 * w);
        for (int k = 0; k < f->n[w]; k++) {
            double t = (double)(s->conversions + f->first[w] + SENSE_PATTERN_LEN * k) / s->rate, dmv;
            if (w < 3)
                dmv = s->ph[w].i_zero + 180 * amp(s, w, t - s->ct_delay_us * 1e-6);
            else if (f->mux_settling)
                dmv = 26000 * waves_uniform(s);
            else if (w == 4 && s->mux == 1)
                dmv = 10 * s->pp_mv + 200 * sin(TURN * 50 * t); /* with mains pick-up */
            else
                dmv = s->ph[s->mux ? 2 : w - 3].v_zero + 28 * volt(s, s->mux ? 2 : w - 3, t);
            f->dmv[w][k] = convert(s, dmv);
        }
    }
    s->conversions += SENSE_FRAME_LEN;
    f->end_us =
        s->origin_us + (uint64_t)((double)s->conversions / s->rate * 1e6 + s->jitter_us * waves_uniform(s));
    s->settling = 0;
    if (wanted != s->mux) {
        s->mux = wanted;
        s->settling = 1;
    }
    return f;
}

/* Lets the meter look for so long, its wish for the switch passed on in batches as the control thread would.
 */
void look_once(struct source *s, struct metering *m)
{
    const struct sense_frame *f = frame(s, s->wanted);
    metering_on_frame(m, f);
    if (f->seq % s->batch == 0)
        s->wanted = metering_mux_wanted(m);
}

void look(struct source *s, struct metering *m, double seconds)
{
    int64_t until = s->conversions + (int64_t)(seconds * s->rate);
    while (s->conversions < until)
        look_once(s, m);
}

void start(struct metering *m, int phases)
{
    struct metering_cfg cfg;
    metering_cfg_default(&cfg);
    cfg.phases = (uint8_t)phases;
    metering_init(m, &cfg, NULL);
}

/* The end of the present window. */
void to_window(struct source *s, struct metering *m, struct meter_reading *r)
{
    metering_read(m, r);
    for (uint64_t at_us = r->at_us; r->at_us == at_us; metering_read(m, r))
        look(s, m, 0.004);
}

void source_init_exact(struct source *s)
{
    source_init(s);
    s->noise_dmv = 0;
    s->step_dmv = 1;
}
