/* metering's inside; include core/metering.h instead. */
#ifndef CORE_METERING_STATE_H
#define CORE_METERING_STATE_H

enum {
    METERING_PAST =
        64, /* samples kept of each wave from before this frame: half a mains cycle down to 40 Hz */
};

/* Sums over the present mains cycle of one current; the sample that the last boundary cut is in the heads. */
struct metering_current {
    int64_t s1, s2;
    float head1, head2;
};

/* Sums over the present cycle of one phase, or of PP, while its voltage is visible. */
struct metering_seen {
    int64_t v1, v2, i1, i2, c0, c1;
};

/* One phase's sums over the present window, and what is held from earlier ones. */
struct metering_phase {
    float i_ms, i_rms,
        i_mean; /* over the cycles of this window: mean square, RMS and mean of the current, in dmv */
    float v_ms, p, seen_i; /* over its cycles with visible voltage: mean square, power, RMS of the current */
    uint16_t v_cycles;
    float c0, c1;         /* correlations of voltage and current at the two lags, decaying sums */
    float p_held, i_held; /* power and current that belong together, decaying sums: their ratio is V·PF */
    float i_dc_past[2];   /* mean of the last two windows against the configured zero */
    float i_dc, v_dc;     /* zero against the configured one */
    float i_net;          /* last window's mean square without noise */
    float i_noise;        /* mean square of the converter's noise */
    float v_rms;          /* last measured */
    float i_show, p_show; /* steadied for the reading: mean square, power */
    uint8_t i_windows, p_windows, noise_windows; /* how many windows these means hold */
    int8_t i_apart, p_apart; /* side on which the last window was too far off to be averaged; 0: it was not */
    uint64_t v_us;           /* when the voltage was last measured */
    int8_t i_back, v_back;   /* samples by which current and (earlier) voltage are taken back to meet */
    float lag;    /* conversions by which that earlier voltage sample is later than the current's */
    float w0, w1; /* weights of the two correlations */
    int64_t cross_q8,
        cross_first_q8;    /* last rising zero crossing and the window's first: conversions × 256 */
    uint32_t cross_cycles; /* mains cycles between the two */
    bool crossed, cross_armed;
    uint8_t reversed;   /* windows in a row with power the wrong way (right way, once flagged) */
    uint64_t rest_nj;   /* energy below 1 µWh */
    uint32_t ahead_uwh; /* shown of the window under way, before it is counted */
};

struct metering {
    struct metering_cfg cfg;
    struct meter_reading now;

    /* the row of frames */
    bool started, broken, in_row;
    uint8_t breaks; /* in a row */
    uint32_t seq;
    uint64_t end_us;
    uint8_t n, stride, first[SENSE_WAVES];
    int64_t conversions;  /* since the start, up to this frame's first */
    double conversion_us; /* measured; 0: not yet */
    uint64_t rate_from_us;
    uint32_t rate_conversions, rate_next,
        rate_known; /* of the row under way, when to look, what is relied on */
    int16_t x[SENSE_WAVES]
             [METERING_PAST + SENSE_SLOTS_MAX]; /* pin voltage against the configured zero, 0.1 mV */
    uint8_t i_past, v_past;                     /* how many of the past samples are there */

    /* mains */
    float cycle; /* conversions in a mains cycle */
    bool locked; /* measured, not assumed */
    uint64_t locked_us;

    /* the window */
    struct metering_current i_sum[3];
    struct metering_seen seen[2];
    struct metering_phase phase[3];
    int64_t i_diff[3]; /* squared third differences: noise */
    uint32_t i_diff_n;
    int32_t i_left_q16, v_left_q16; /* samples up to the end of the cycle */
    uint16_t cycles;                /* complete in this window */
    uint64_t window_us;             /* up to when energy is counted */

    /* the switch */
    uint8_t mux, mux_wanted;
    uint16_t mux_frames;
    bool mux_done; /* a whole cycle has been seen in this position */

    int32_t pp_dmv;
    uint64_t pp_us;         /* 0: never seen */
    uint8_t neutral, order; /* windows in a row with the sign of it */
};

#endif
