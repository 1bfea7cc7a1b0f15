/*
 * rule: what has to hold, each with its clause and its limit, and the times that were measured.
 */
#ifndef TESTS_REPORT_RULE_H
#define TESTS_REPORT_RULE_H

#include <stdbool.h>
#include <stdio.h>

enum rule_id {
    /* the trip path */
    RULE_S2_OPENED,
    RULE_S2_RESIDUAL_ZERO,
    RULE_S2_RESIDUAL_DEADLINE,
    RULE_S2_CONTACTS,
    RULE_UNPLUGGED,
    RULE_UNPLUGGED_CONTACTS,
    RULE_CP_OPEN,
    RULE_CP_SHORT,
    RULE_DIODE,
    RULE_VENTILATION,
    RULE_RCD,
    RULE_STARVED,
    RULE_FAST_OVERCURRENT,
    RULE_GUARD_WORDS,
    RULE_PP,
    RULE_CONTROL_STALLED,
    /* closing */
    RULE_C_TO_CLOSED,
    RULE_C_AGAIN,
    RULE_C_BEFORE_PWM,
    RULE_C_PULSE,
    RULE_NO_DIODE,
    RULE_CABLE_UNKNOWN,
    RULE_NOT_AUTHORISED,
    RULE_BELOW_6_A,
    RULE_SELF_TEST,
    RULE_LOCK_FIRST,
    /* the pilot */
    RULE_LIMIT_TO_DUTY,
    RULE_LEASE,
    RULE_TO_STEADY,
    RULE_DUTY_WIDTH,
    RULE_DUTY_SPACING,
    RULE_STILL_IN_C,
    RULE_FAULT_TO_F,
    RULE_F_PULSE,
    RULE_UNPLUGGED_STEADY,
    RULE_WAKE_X1,
    RULE_WAKE_F,
    RULE_DRIVER,
    /* current, contactor, monitor, lock */
    RULE_OVERCURRENT,
    RULE_WELDED,
    RULE_NO_CLOSE,
    RULE_RCM_AFTER,
    RULE_RCM_DEAD,
    RULE_LOCK,
    RULE_UNLOCK,
    /* the supply */
    RULE_OVERVOLTAGE,
    RULE_UNDERVOLTAGE,
    RULE_FREQUENCY,
    RULE_PHASE_LOSS,
    RULE_RECONNECT,
    RULES
};

struct rule {
    const char *id, *clause, *what;
    double least_ms, limit_ms; /* every time has to lie between */
};
extern const struct rule rules[RULES];

struct times {
    double *ms; /* INFINITY: it did not happen */
    int n, cap;
};

struct rule_result {
    double worst_ms, median_ms, best_ms;
    int runs;
    bool pass; /* false also without a run */
};

/* False: no memory. */
bool times_add(struct times *t, double ms);
void times_judge(struct times *t, const struct rule *r, struct rule_result *out);

#endif
