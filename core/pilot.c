/*
 * pilot: duty, state letter, diode and read-back.
 */
#include "core/pilot.h"

/* IEC 61851-1 Tables A.7 and A.8, in mA and 0.01 %: 6 to 51 A: A / 0.6; 51 to 80 A: A / 2.5 + 64. */
enum {
    LINE_1_MAX_MA = 51000,
    LINE_1_MAX_BP = 8500,
    CAR_MIN_BP = 800, /* a car takes 8 % to 10 % for 6 A */
    CAR_LINE_1_BP = 1000,
    CAR_LINE_2_MAX_BP = 9600,
    CAR_MAX_BP = 9700, /* up to here 80 A, above nothing */
};

uint16_t pilot_duty_of_ma(int32_t ma)
{
    if (ma < PILOT_MIN_MA)
        return PILOT_STEADY;
    if (ma <= LINE_1_MAX_MA)
        return (uint16_t)(ma / 6);
    if (ma > PILOT_MAX_MA)
        ma = PILOT_MAX_MA;
    return (uint16_t)(ma / 25 + 6400);
}

int32_t pilot_ma_of_duty(uint16_t duty_bp)
{
    if (duty_bp < CAR_MIN_BP || duty_bp > CAR_MAX_BP)
        return 0;
    if (duty_bp < CAR_LINE_1_BP)
        return PILOT_MIN_MA;
    if (duty_bp <= LINE_1_MAX_BP)
        return duty_bp * 6;
    return duty_bp > CAR_LINE_2_MAX_BP ? PILOT_MAX_MA : (duty_bp - 6400) * 25;
}

/*
 * Levels at the socket, IEC 61851-1 Table A.4 (edition 3; second-hand). The station's own measuring error
 * comes on top: ENTER after two-point calibration, STAY as hysteresis for the letter that is held already.
 */
struct window {
    char letter;
    int16_t min_mv, max_mv;
};
static const struct window windows[] = {
    {'A', 11400, 12600}, {'B', 8360, 9560}, {'C', 5480, 6490}, {'D', 2620, 3250}, {'E', -500, 500},
};
enum { ENTER_MV = 200, STAY_MV = 400 };

/* Debounce in frames of 4.8 ms. Leaving C or D is believed as fast as the guard does, the rest has time; an
 * unknown level has most: a slow S2 passes through the gap between B and C. */
enum { LEAVE_C_FRAMES = 2, LETTER_FRAMES = 4, UNKNOWN_FRAMES = 12 };

/* The low phase of a pilot whose diode blocks: -12.6 to -11.4 V, with the same margin as above. */
enum { LOW_MIN_MV = -13000, LOW_MAX_MV = -11000, DIODE_FRAMES = 4, LOW_SAMPLES = 2, HIGH_SAMPLES = 3 };

/* Read-back: 42 frames are about 200 ms and 4,200 samples of the pilot. ±5 µs is the generator's tolerance
 * (IEC 61851-1 Table A.2); the rest is the slope of the edges and the grain of the sampling. */
enum {
    READ_FRAMES = 42,
    READ_SETTLE_FRAMES = 3,
    READ_TOLERANCE_BP = 200,
    READ_TOLERANCE_LOCKED_BP = 700, /* samples fall on the same 20 places of the period again and again */
    READ_MISMATCHES = 2,
};

char pilot_letter(int32_t high_mv, char now)
{
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        int32_t margin = windows[i].letter == now ? STAY_MV : ENTER_MV;
        if (high_mv >= windows[i].min_mv - margin && high_mv <= windows[i].max_mv + margin)
            return windows[i].letter;
    }
    return '?';
}

void pilot_init(struct pilot *p, bool bipolar)
{
    *p = (struct pilot){
        .bipolar = bipolar,
        .letter = '?',
        .candidate = '?',
        .driven_bp = PILOT_STEADY,
        .settle = READ_SETTLE_FRAMES,
        .read_bp = PILOT_STEADY,
    };
}

void pilot_driven(struct pilot *p, uint16_t duty_bp)
{
    if (p->driven_bp == duty_bp)
        return;
    p->driven_bp = duty_bp;
    p->settle = READ_SETTLE_FRAMES;
    p->frames = 0;
    p->above = p->all = 0;
    p->mismatches = 0;
    p->read_valid = false;
    p->diode_bad = 0;
}

static char letter_of_frame(const struct pilot *p, const struct sense_frame *f)
{
    if (f->cp.n_high >= HIGH_SAMPLES)
        return pilot_letter(f->cp.high_mv, p->letter);
    if (!p->bipolar) /* cut off below +1.9 V: state E and state F look alike, but we know which of them we
                        drive */
        return f->samples == f->foreign ? '?' : p->driven_bp == PILOT_F ? 'F' : 'E';
    bool low = f->cp.n_low >= HIGH_SAMPLES && f->cp.low_mv >= LOW_MIN_MV && f->cp.low_mv <= LOW_MAX_MV;
    return low ? 'F' : '?';
}

static uint8_t frames_needed(char from, char to)
{
    if (to == '?')
        return UNKNOWN_FRAMES;
    return from == 'C' || from == 'D' ? LEAVE_C_FRAMES : LETTER_FRAMES;
}

static void watch_diode(struct pilot *p, const struct sense_frame *f)
{
    if (p->letter == 'A') {
        p->diode_seen = false;
        p->diode_good = p->diode_bad = 0;
        return;
    }
    /* The low phase shows the diode only while PWM runs and a car's resistor is there. */
    bool shows = p->bipolar && (p->letter == 'B' || p->letter == 'C' || p->letter == 'D') &&
                 p->candidate == p->letter && f->cp.n_low >= LOW_SAMPLES && f->cp.n_high >= HIGH_SAMPLES;
    if (!shows)
        return;
    bool good = f->cp.low_mv >= LOW_MIN_MV && f->cp.low_mv <= LOW_MAX_MV;
    p->diode_good = (uint8_t)(!good ? 0 : p->diode_good < DIODE_FRAMES ? p->diode_good + 1 : DIODE_FRAMES);
    p->diode_bad = (uint8_t)(good ? 0 : p->diode_bad < DIODE_FRAMES ? p->diode_bad + 1 : DIODE_FRAMES);
    if (p->diode_good >= DIODE_FRAMES)
        p->diode_seen = true;
}

/* True while the pilot's samples fall on nearly the same places of every period, so that 1/20 of it is the
 * grain. */
static bool sampling_locked(uint32_t samples, uint64_t us)
{
    uint64_t per_period_milli =
        us ? (uint64_t)samples * 1000000 / us : 0; /* samples per 1000 µs, in 1/1000 */
    uint64_t off = per_period_milli % 500;         /* whole and half samples lock */
    return off < 15 || off > 485;
}

static void read_back(struct pilot *p, const struct sense_frame *f)
{
    uint32_t all = (uint32_t)(f->cp.n_high + f->cp.n_low + f->cp.n_edge);
    if (p->settle) {
        p->settle--;
        p->window_us = f->end_us;
        return;
    }
    p->above += f->cp.n_above;
    p->all += all;
    if (++p->frames < READ_FRAMES)
        return;
    if (p->all) {
        p->read_bp = (uint16_t)((p->above * 10000ull + p->all / 2) / p->all);
        p->read_valid = true;
        int32_t off = (int32_t)p->read_bp - (int32_t)p->driven_bp;
        int32_t tolerance =
            sampling_locked(p->all, f->end_us - p->window_us) ? READ_TOLERANCE_LOCKED_BP : READ_TOLERANCE_BP;
        /* A shorted or unknown pilot hides what drives it. */
        bool readable = p->letter != 'E' && p->letter != '?';
        bool wrong = readable && (off > tolerance || off < -tolerance);
        p->mismatches = (uint8_t)(!wrong                            ? 0
                                  : p->mismatches < READ_MISMATCHES ? p->mismatches + 1
                                                                    : READ_MISMATCHES);
    }
    p->frames = 0;
    p->above = p->all = 0;
    p->window_us = f->end_us;
}

/* Levels for people: follow the first frame of a new state at once, then steadied over eight frames. */
static void steady(int32_t *level_mv, bool *has, uint16_t n, int32_t mv)
{
    if (!n) {
        *has = false;
        return;
    }
    int32_t off = mv - *level_mv;
    *level_mv = !*has || off > 1000 || off < -1000 ? mv : *level_mv + off / 8;
    *has = true;
}

bool pilot_on_frame(struct pilot *p, const struct sense_frame *f)
{
    bool changed = false;
    char seen = letter_of_frame(p, f);
    if (seen != p->candidate) {
        p->candidate = seen;
        p->candidate_us = p->last_us ? p->last_us : f->end_us;
        p->agreeing = 0;
    }
    if (p->agreeing < UINT8_MAX)
        p->agreeing++;
    if (seen != p->letter && p->agreeing >= frames_needed(p->letter, seen)) {
        p->letter = seen;
        p->changed_us = p->candidate_us;
        changed = true;
    }
    p->last_us = f->end_us;
    steady(&p->high_mv, &p->has_high, f->cp.n_high, f->cp.high_mv);
    steady(&p->low_mv, &p->has_low, f->cp.n_low, f->cp.low_mv);
    watch_diode(p, f);
    read_back(p, f);
    return changed;
}

bool pilot_diode_missing(const struct pilot *p)
{
    return p->diode_bad >= DIODE_FRAMES;
}

bool pilot_driver_fault(const struct pilot *p)
{
    return p->mismatches >= READ_MISMATCHES;
}
