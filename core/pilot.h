/*
 * pilot: the control pilot's numbers: duty from current and back, the state letter from the levels of the
 * frames (windows, hysteresis, debounce), whether the car's diode is there, and the duty as read back from
 * the samples.
 */
#ifndef CORE_PILOT_H
#define CORE_PILOT_H

#include "core/sense.h"

/* Duty is given as the high time in 0.1 µs of the 1000 µs period. */
enum {
    PILOT_STEADY = 10000, /* x1: +12 V, no PWM */
    PILOT_F = 0,          /* -12 V */
    PILOT_MIN_MA = 6000,  /* IEC 61851-1 Table A.7: the least a pilot can say */
    PILOT_MAX_MA = 80000,
};

/* Current to duty, rounded down so that the car is never offered more; below 6 A: PILOT_STEADY; above 80 A:
 * as 80 A. */
uint16_t pilot_duty_of_ma(int32_t ma);
/* What a car may draw at this duty, IEC 61851-1 Table A.8; 0: nothing (steady, state F, digital
 * communication). */
int32_t pilot_ma_of_duty(uint16_t duty_bp);

/* The state letter of one level: 'A'..'E', or '?' for a gap. `now` is the letter held so far: its window is
 * wider. */
char pilot_letter(int32_t high_mv, char now);

struct pilot {
    bool bipolar;
    char letter;           /* debounced: 'A'..'F', '?' */
    char candidate;        /* what the last frames said */
    uint8_t agreeing;      /* frames in a row that said it */
    uint64_t candidate_us; /* end of the last frame before they did: the change came after it */
    uint64_t last_us;
    uint64_t changed_us;     /* ... of the change to `letter` */
    int32_t high_mv, low_mv; /* steadied levels; meaningless where the phase does not exist */
    bool has_high, has_low;

    uint8_t diode_good, diode_bad; /* frames in a row, saturating */
    bool diode_seen;               /* since the last state A */

    uint16_t driven_bp;  /* what the samples are compared with */
    uint8_t settle;      /* frames still to be ignored after a change of it */
    uint32_t above, all; /* samples of the present window */
    uint16_t frames;
    uint64_t window_us; /* start of the window */
    uint16_t read_bp;   /* duty of the last whole window */
    bool read_valid;
    uint8_t mismatches; /* windows in a row that differ from what was driven */
};

void pilot_init(struct pilot *p, bool bipolar);
/* Tells what is driven from now on; restarts the read-back. */
void pilot_driven(struct pilot *p, uint16_t duty_bp);
/* Every frame, in order. True: the letter has changed. */
bool pilot_on_frame(struct pilot *p, const struct sense_frame *f);
/* The car's diode is missing: seen in several frames running, in a state in which it would show. */
bool pilot_diode_missing(const struct pilot *p);
/* What is read back differs from what is driven, twice running. */
bool pilot_driver_fault(const struct pilot *p);

#endif
