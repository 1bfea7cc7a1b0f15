/*
 * frames: makes raw ADC frames by hand, with the levels, duty and currents a test wants, as an ideal
 * converter gives them behind the nominal front ends.
 */
#ifndef TESTS_CORE_FRAMES_H
#define TESTS_CORE_FRAMES_H

#include "core/guard.h"

struct frames {
    struct sense_cfg cfg;
    double rate_hz;          /* conversions per second */
    double t_us;             /* time of the next conversion */
    int32_t high_mv, low_mv; /* pilot */
    uint16_t duty_bp;
    double edge_us;             /* time constant of the pilot's edges */
    double amp[3], volt[3], hz; /* rms */
    double i_shift_deg;
    int32_t pp_mv;
    double noise_mv;  /* peak, uniform, at the pin */
    double offset_mv; /* error at every pin */
    int mux;
    uint32_t inputs;
    uint32_t random;
    /* when set, the pilot takes these from this time on: an event in mid-frame */
    double event_us;
    int32_t event_high_mv, event_low_mv;
};

void frames_init(struct frames *f);
/* Pilot levels of a state letter 'A'..'F'; with the diode, or a car without. */
void frames_pilot(struct frames *f, char letter, bool diode);
/* The next frame; returns its length. */
size_t frames_next(struct frames *f, uint16_t raw[SENSE_FRAME_LEN], uint64_t *end_us);
/* The next frame through a guard; returns GUARD_OUT_* and turns the switch. */
uint32_t frames_feed(struct frames *f, struct guard *g);

#endif
