/*
 * rcm: self-test of a residual-current monitor: at start-up, after each charge and once a day; its test input
 * is driven and its output must follow, and must let go again.
 */
#ifndef CORE_RCM_H
#define CORE_RCM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RCM_RESPOND_US =
        300000, /* IEC 62955: 6 mA d.c. must be seen within 10 s, a test current far above it in 0.3 s */
    RCM_RELEASE_US = 500000,
    RCM_TRIES = 2,
};
#define RCM_EVERY_US (24ull * 3600 * 1000000)

enum rcm_phase { RCM_DUE, RCM_IDLE, RCM_DRIVING, RCM_RELEASING };

struct rcm_in {
    uint64_t now_us;
    bool fitted;
    bool output;   /* GUARD_IN_RCM_FAULT */
    bool may_test; /* contactor open */
    bool charged;  /* a charge has ended in this step */
    bool again;    /* a person asks for it */
};

struct rcm {
    enum rcm_phase phase;
    uint8_t tries;
    bool failed, passed;
    uint64_t since_us, tested_us;
};

struct rcm_out {
    bool drive;   /* to the test input */
    bool testing; /* its output means nothing now; the contactor must stay open */
    bool ok;      /* tested and good, or not fitted */
    bool failed;
};

void rcm_init(struct rcm *r);
void rcm_step(struct rcm *r, const struct rcm_in *in, struct rcm_out *out);

#endif
