/*
 * selftest: what must be proven after power-up before anything is offered: frames come at the right rate, the
 * pilot reads a state and is what is driven, the -12 V half works, the coil is off while the guard is not
 * armed, the contactor is not welded, the residual-current monitor responds. Ordinarily over in half a
 * second.
 */
#ifndef CORE_SELFTEST_H
#define CORE_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SELFTEST_WATCH_US = 250000,  /* weld detection and read-back have a verdict by then */
    SELFTEST_F_US = 200000,      /* state F must read as such within this */
    SELFTEST_LIMIT_US = 1000000, /* not passed by then: what is missing is a fault */
    SELFTEST_RATE_PERCENT = 10,  /* of SENSE_RATE_HZ */
};

enum selftest_phase { SELFTEST_WATCH, SELFTEST_F, SELFTEST_BACK, SELFTEST_RCM, SELFTEST_PASSED };

struct selftest_in {
    uint64_t now_us;
    int32_t frame_rate_hz; /* measured; 0: not yet */
    char pilot;
    bool read_valid, read_ok; /* duty read back since the last change, and as driven */
    bool bipolar;
    bool f_driven;      /* state F is really being driven: a fault may rule the pilot meanwhile */
    bool coil;          /* the guard drives the coil */
    bool contacts_open; /* aux contact and current agree that the contactor is open */
    bool rcm_ok;
};

/* What has not been shown in time; bits of the result. */
enum selftest_missing {
    SELFTEST_NO_FRAMES = 1u << 0,
    SELFTEST_NO_LEVEL = 1u << 1,
    SELFTEST_NO_READ_BACK = 1u << 2,
    SELFTEST_NO_F = 1u << 3,
    SELFTEST_COIL_ON = 1u << 4,
    SELFTEST_CONTACTS = 1u << 5,
};

struct selftest {
    enum selftest_phase phase;
    uint64_t start_us, phase_us;
    bool coil_seen;   /* once is too often */
    uint32_t missing; /* enum selftest_missing, once the time is over */
};

void selftest_init(struct selftest *t, uint64_t now_us);
/* The duty to drive meanwhile. */
uint16_t selftest_step(struct selftest *t, const struct selftest_in *in);

#endif
