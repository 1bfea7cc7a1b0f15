/*
 * sense: turns one frame of raw ADC conversions into numbers, inside the ADC interrupt.
 *
 * Owns: demultiplexing by channel, linearisation of the converter, the levels of the control pilot in this
 * frame, and the switch that lets two signals share a pin. Integers only, bounded work, no calls out of this
 * folder's trip path (sense, guard), nothing that could live in flash: it runs on the ESP32 while a flash
 * write has stopped everything else.
 *
 * A raw conversion is the ESP32's "type 1" DMA word: bits 0..11 the value, bits 12..15 the ADC1 channel.
 */
#ifndef CORE_SENSE_H
#define CORE_SENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Signals as wired; M0 and M1 stand behind 2:1 analogue switches (docs/hardware.md). */
enum sense_signal {
    SENSE_CP, /* control pilot */
    SENSE_I1, /* current transformer of phase 1 */
    SENSE_I2,
    SENSE_I3,
    SENSE_M0, /* switch at 0: V1, at 1: V3 */
    SENSE_M1, /* switch at 0: V2, at 1: PP */
    SENSE_SIGNALS
};

enum {
    SENSE_FRAME_MAX = 256, /* conversions in a frame at most; the port's DMA frame is not larger */
    SENSE_SLOTS_MAX = 32,  /* conversions of one signal other than CP in a frame at most */
    SENSE_WAVES = 5,       /* signals whose samples are handed on: I1 I2 I3 M0 M1 */
    SENSE_CURVE_POINTS = 17,
    SENSE_BINS = 128 /* of 256 mV each: pilot levels from -16.4 V to +16.4 V */
};

/* The default DMA pattern: CP at every second place, so that a 10 % duty still shows about ten samples of the
 * high phase in a frame of 200. Ports and simulation use it unless configured otherwise. */
enum { SENSE_PATTERN_LEN = 10, SENSE_FRAME_LEN = 200 };
extern const uint8_t sense_default_pattern[SENSE_PATTERN_LEN]; /* enum sense_signal */
/* Asked total rate in conversions per second. Not a multiple of 1 kHz on purpose: CP samples must walk
 * through the pilot's period, or the duty could only be read back in steps. The true rate is measured. */
enum { SENSE_RATE_HZ = 41300 };

/* What is constant between two calibrations. Written only while no frame is being processed. */
struct sense_cfg {
    uint8_t channel_of[SENSE_SIGNALS]; /* ADC1 channel 0..7 of each signal */
    int16_t
        curve_dmv[SENSE_CURVE_POINTS]; /* pin voltage in 0.1 mV at raw 0, 256, ... 4096 (eFuse calibration) */
    bool cp_bipolar;                   /* false: the −12 V half is clipped, the diode can't be seen */
    int16_t cp_zero_dmv; /* pin voltage for CP = 0 V (bipolar default 13000; unipolar −3030) */
    int32_t cp_gain_q16; /* CP millivolt per 0.1 mV at the pin, times 65536 */
};

/* One frame, seen. Times are the port's monotonic microseconds. */
struct sense_frame {
    uint64_t end_us;   /* when the last conversion was made */
    uint32_t seq;      /* counts frames; a gap is a lost frame */
    uint32_t inputs;   /* digital inputs as sampled with this frame (PORT_IN_*) */
    uint16_t samples;  /* conversions in the frame */
    uint16_t foreign;  /* conversions of a channel that is not in the pattern */
    uint8_t mux;       /* position of the switch during this frame */
    bool mux_settling; /* the switch turned at the start: M0/M1 of this frame are not to be used */
    struct {
        int32_t high_mv;                /* level of the high phase; valid if n_high > 0 */
        int32_t low_mv;                 /* level of the low phase; valid if n_low > 0 */
        uint16_t n_high, n_low, n_edge; /* samples in the high phase, low phase, on an edge or out of line */
        uint16_t n_above; /* samples above the line between the phases: n_above of all of them is the duty */
    } cp;
    uint8_t n[SENSE_WAVES];                    /* samples of each wave */
    uint8_t first[SENSE_WAVES];                /* position in the frame of the first sample of each wave */
    int16_t dmv[SENSE_WAVES][SENSE_SLOTS_MAX]; /* pin voltage, 0.1 mV */
};

struct sense {
    struct sense_cfg cfg;
    uint32_t seq;
    uint8_t mux;                /* where the switch stands now */
    uint8_t settling;           /* frames still to be dropped after a turn */
    uint16_t bin_n[SENSE_BINS]; /* the pilot's samples of this frame by level; too large for the interrupt's
                                   stack */
    int32_t bin_sum_mv[SENSE_BINS];
};

/* Defaults of docs/hardware.md: bipolar front end, ideal converter curve, channels of the default pin map. */
void sense_cfg_default(struct sense_cfg *cfg);

void sense_init(struct sense *s, const struct sense_cfg *cfg);

/*
 * Reads one frame. `raw`: n conversions as the DMA left them (n is cut at SENSE_FRAME_MAX). `mux_wanted` (0
 * or 1) is where the switch shall stand from the next frame on. Interrupt context; constant stack; no
 * failure: a frame of rubbish gives n_high = n_low = 0 and foreign > 0.
 */
void sense_frame_read(struct sense *s, const uint16_t *raw, size_t n, uint64_t end_us, uint32_t inputs,
                      uint8_t mux_wanted, struct sense_frame *out);

#endif
