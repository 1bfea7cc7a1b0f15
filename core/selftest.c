/*
 * selftest: the sequence after power-up.
 */
#include "core/selftest.h"

#include "core/pilot.h"

void selftest_init(struct selftest *t, uint64_t now_us)
{
    *t = (struct selftest){.start_us = now_us, .phase_us = now_us};
}

static bool rate_right(int32_t hz)
{
    int32_t off = hz - SENSE_RATE_HZ, most = SENSE_RATE_HZ / 100 * SELFTEST_RATE_PERCENT;
    return off >= -most && off <= most;
}

static void enter(struct selftest *t, enum selftest_phase phase, uint64_t now_us)
{
    t->phase = phase;
    t->phase_us = now_us;
}

static bool level(char pilot)
{
    return pilot >= 'A' && pilot <= 'D';
}

uint16_t selftest_step(struct selftest *t, const struct selftest_in *in)
{
    uint64_t in_phase_us = in->now_us - t->phase_us;
    bool late = in->now_us - t->start_us >= SELFTEST_LIMIT_US;
    t->coil_seen |= in->coil && t->phase != SELFTEST_PASSED;

    switch (t->phase) {
    case SELFTEST_WATCH: {
        uint32_t missing = (rate_right(in->frame_rate_hz) ? 0u : SELFTEST_NO_FRAMES) |
                           (level(in->pilot) ? 0u : SELFTEST_NO_LEVEL) |
                           (in->read_valid && in->read_ok ? 0u : SELFTEST_NO_READ_BACK) |
                           (t->coil_seen ? SELFTEST_COIL_ON : 0u) |
                           (in->contacts_open ? 0u : SELFTEST_CONTACTS);
        t->missing = late ? missing : 0;
        if (in_phase_us >= SELFTEST_WATCH_US && !missing) {
            t->missing = 0;
            /* State F would wake, or frighten, a car that is there; it shows itself by the diode later. */
            enter(t, in->bipolar && in->pilot == 'A' ? SELFTEST_F : SELFTEST_RCM, in->now_us);
        }
        break;
    }
    case SELFTEST_F:
        if (in->pilot == 'F')
            enter(t, SELFTEST_BACK, in->now_us);
        else if (!in->f_driven && !t->missing)
            t->phase_us = in->now_us; /* nothing to read back yet */
        else if (in_phase_us >= SELFTEST_F_US)
            t->missing = SELFTEST_NO_F;
        break;
    case SELFTEST_BACK:
        t->missing = 0;
        if (level(in->pilot)) /* a car may have come meanwhile */
            enter(t, SELFTEST_RCM, in->now_us);
        else if (in_phase_us >= SELFTEST_F_US)
            t->missing = SELFTEST_NO_LEVEL;
        break;
    case SELFTEST_RCM:
        t->missing = 0;
        if (in->rcm_ok)
            enter(t, SELFTEST_PASSED, in->now_us);
        break;
    case SELFTEST_PASSED:
        break;
    }
    return t->phase == SELFTEST_F && !t->missing ? PILOT_F : PILOT_STEADY;
}
