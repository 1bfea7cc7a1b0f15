/*
 * blackbox: the last seconds of pilot, voltages, currents and states, kept whenever a fault comes.
 *
 * The control thread adds a sample each control step: a bounded number of stores, no lock, no copy. A few
 * areas take turns: one is being written in a circle; a fault lets it run on for a moment and then stay as it
 * is, and writing goes on in the oldest of the others. The comms thread takes up to BLACKBOX_HELD kept ones,
 * which are then left alone until it gives them back.
 */
#ifndef LOG_BLACKBOX_H
#define LOG_BLACKBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BLACKBOX_AREAS = 4, /* one in use, BLACKBOX_HELD with a reader: one is always left to go on in */
    BLACKBOX_HELD = 2,
    BLACKBOX_SAMPLES_MAX = 512,
    BLACKBOX_BEFORE_MS = 4000, /* what a box should hold from before its fault, if there is memory */
    BLACKBOX_AFTER_MS = 1000,
};

enum { /* flags */
       BLACKBOX_COIL = 1,
       BLACKBOX_AUX = 2,
       BLACKBOX_CLOSED = 4,
       BLACKBOX_AUTHORISED = 8,
       BLACKBOX_LOCKED = 16,
       BLACKBOX_RCD = 32,
       BLACKBOX_NO_FRAMES = 64, /* the converter was silent: levels and currents are old */
};

struct blackbox_sample {
    uint32_t at_us; /* low 32 bits of the monotonic time */
    int16_t cp_high_mv, cp_low_mv;
    uint16_t pp_mv, duty_bp;
    uint16_t v_dv[3];  /* 0.1 V */
    uint16_t i_cma[3]; /* 10 mA; half-cycle RMS */
    uint16_t trips;    /* enum guard_trip */
    uint8_t state;     /* enum evse_state */
    char pilot;        /* 'A'..'F', '?' */
    uint8_t flags, fault;
    uint8_t reserved[2];
};
_Static_assert(sizeof(struct blackbox_sample) == 32, "memory is counted in these");

/* Why a box was kept. */
struct blackbox_cause {
    uint64_t at_us;
    int32_t fault, detail; /* enum fault; as CONTROL_EV_FAULT has it */
    uint32_t number;       /* counts the boxes since start-up, from 1 */
};

struct blackbox_area {
    atomic_uint state;
    /* whose turn it is: the writer's while it is written, the reader's while it is held */
    struct blackbox_cause cause;
    uint16_t next, count; /* place of the next sample; samples there are */
    struct blackbox_sample *sample;
};

struct blackbox {
    struct blackbox_area area[BLACKBOX_AREAS];
    uint16_t capacity; /* samples in an area; 0: no memory, nothing is recorded */
    uint16_t every;    /* control steps from one sample to the next */
    /* control thread */
    uint16_t steps;  /* since the last sample */
    uint16_t after;  /* samples still to be added before the box is closed; 0: no fault */
    uint8_t now;     /* the area in use */
    uint32_t number; /* of the last box */
    struct blackbox_cause cause;
    atomic_uint kept; /* number of the newest complete box */
};

/* Bytes that let a box have its full length at that period; less makes it coarser. */
size_t blackbox_bytes(uint32_t period_us);
/* mem: 8-byte aligned, may be NULL. Before any thread runs. */
void blackbox_init(struct blackbox *b, void *mem, size_t bytes, uint32_t period_us);

/* Control thread, each step: is a sample wanted now? */
bool blackbox_due(struct blackbox *b);
/* Control thread: adds it. */
void blackbox_add(struct blackbox *b, const struct blackbox_sample *s);
/* Control thread: a fault has come. While a box is running on, another fault belongs to the same. true: a new
 * box. */
bool blackbox_fault(struct blackbox *b, uint64_t at_us, int32_t fault, int32_t detail);

/* Any thread: number of the newest complete box; 0: none yet. */
uint32_t blackbox_newest(struct blackbox *b);

/* Comms thread: a box that is held, and stays as it is until it is given back. */
struct blackbox_box {
    unsigned area; /* for blackbox_release */
    struct blackbox_cause cause;
    uint32_t period_us;
    size_t count;
};
/* Takes hold of the newest boxes, the older one first. Returns how many: 0 to BLACKBOX_HELD. Give them back
 * before taking again. */
unsigned blackbox_hold(struct blackbox *b, struct blackbox_box out[BLACKBOX_HELD], uint32_t period_us);
/* Sample i of a held box, 0 the oldest. */
const struct blackbox_sample *blackbox_at(const struct blackbox *b, const struct blackbox_box *box, size_t i);
void blackbox_release(struct blackbox *b, const struct blackbox_box *box);

#endif
