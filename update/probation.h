/*
 * probation: whether firmware that has just been started does its work: a pure function of what is seen and
 * of time. What follows from its verdict is update.c's.
 */
#ifndef UPDATE_PROBATION_H
#define UPDATE_PROBATION_H

#include "update/record.h"

struct probation_in {
    uint64_t now_us;  /* since start-up */
    uint32_t limit_s; /* by then all of it must be so */
    bool self_test;   /* the pilot's has been passed, and no fault is there that firmware can be blamed for */
    bool meter_valid;
    int32_t v_mv[3];
    uint64_t import_total_uwh;   /* as this firmware found it at its start */
    uint32_t settings_defaulted; /* settings that could not be read */
    bool server_set, registered; /* one is configured; it has accepted this station */
    bool contactor_closed;
    const struct update_before *before; /* what the firmware before saw; NULL: not known */
};

enum probation_verdict { PROBATION_OPEN, PROBATION_PASSED, PROBATION_FAILED };

struct probation {
    bool good;        /* all was well at the last look */
    uint64_t good_us; /* since when */
};

/* `why` gets a static text: what is missing (PROBATION_OPEN, PROBATION_FAILED), else "". */
enum probation_verdict probation_step(struct probation *p, const struct probation_in *in, const char **why);

#endif
