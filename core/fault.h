/*
 * fault: which faults rule, and how each of them clears. The table in fault.c is the whole policy.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Faults; FAULT_NONE is 0. How each clears is one table in core/fault.c. */
enum fault {
    FAULT_NONE,
    FAULT_CP_SHORT,       /* state E */
    FAULT_CP_RANGE,       /* level in no window */
    FAULT_DIODE,          /* no diode in the car's pilot circuit */
    FAULT_PILOT_DRIVER,   /* what is read back is not what was driven */
    FAULT_NO_DIODE_CHECK, /* front end can't see the diode and the installer has not allowed that */
    FAULT_PP,             /* proximity resistor in a gap or shorted */
    FAULT_CABLE_CHANGED,
    FAULT_VENTILATION, /* state D, ventilation not available */
    FAULT_WELDED,      /* contactor does not open */
    FAULT_NO_CLOSE,    /* contactor does not close */
    FAULT_RCD,
    FAULT_RCM_TEST,         /* self-test of the residual-current monitor failed */
    FAULT_OVERCURRENT,      /* the 7 s rule */
    FAULT_OVERCURRENT_FAST, /* I²t */
    FAULT_OVERVOLTAGE,
    FAULT_UNDERVOLTAGE,
    FAULT_FREQUENCY,
    FAULT_PHASE_LOSS,
    FAULT_OVERTEMPERATURE,
    FAULT_LOCK,
    FAULT_STARVED, /* no ADC frames */
    FAULT_GUARD,   /* guard inconsistent, or control thread stalled */
    FAULT_COUNT
};

const char *fault_name(enum fault f); /* stable, as in logs and OCPP: "CpShort", "Welded", ... */

enum fault_clears {
    FAULT_CLEARS_ALONE,     /* its condition has been gone for wait_ms */
    FAULT_CLEARS_ON_RETRY,  /* the same, at most `retries` times while a car stays; from then on by unplugging
                             */
    FAULT_CLEARS_ON_UNPLUG, /* condition gone and the car has gone; or a person acknowledges */
    FAULT_CLEARS_ON_COMMAND, /* condition gone and a person acknowledges (CONTROL_CLEAR_FAULT), or power cycle
                              */
};

struct fault_policy {
    const char *name; /* stable, as in logs and OCPP */
    enum fault_clears clears;
    uint32_t wait_ms;
    uint8_t retries;
    bool state_f; /* the pilot stays at -12 V as long as it lasts; otherwise it returns to +12 V after a pulse
                   */
};
const struct fault_policy *fault_policy(enum fault f);

struct faults {
    uint32_t raised;               /* bit per enum fault */
    uint32_t present;              /* the condition as of the last step */
    uint64_t gone_us[FAULT_COUNT]; /* since when the condition is gone */
    uint64_t raised_us[FAULT_COUNT];
    uint8_t times[FAULT_COUNT]; /* raised since the car came */
    int32_t detail[FAULT_COUNT];
};

void faults_init(struct faults *f);
/* The condition of a fault, as seen now; a condition raises its fault at once. */
void faults_condition(struct faults *f, enum fault id, bool present, int32_t detail, uint64_t now_us);
/* Each step, after the conditions. `unplugged`: no car is connected; `cleared`: a person has acknowledged.
 * Returns the faults that have cleared in this step. */
uint32_t faults_step(struct faults *f, bool unplugged, bool cleared, uint64_t now_us);
/* The fault that rules: the oldest, as the others tend to follow from it. */
enum fault faults_ruling(const struct faults *f);
/* Any fault that keeps the pilot at -12 V. */
bool faults_want_state_f(const struct faults *f);

#endif
