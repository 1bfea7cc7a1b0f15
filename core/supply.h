/*
 * supply: says from the meter's readings whether the mains is fit to charge from: voltage and frequency
 * limits, lost phases, the wait before reconnecting, and how far the current must come down when the voltage
 * sags.
 *
 * Policy for a lost phase on a three-phase station:
 * - L1 lost while another phase is there: FAULT_PHASE_LOSS. One-phase cars charge from L1 and the others
 * start there.
 * - L2 or L3 lost: no fault; phase_loss_limit_ma bounds the now unbalanced load.
 * - neutral lost: FAULT_PHASE_LOSS, as the voltages of the phases then follow the loads.
 * - every phase lost (also the only one of a one-phase station): FAULT_UNDERVOLTAGE.
 */
#ifndef CORE_SUPPLY_H
#define CORE_SUPPLY_H

#include "core/metering.h"

struct supply_cfg {
    uint8_t phases;                          /* 1 or 3 as installed */
    int32_t undervoltage_mv, overvoltage_mv; /* phase to neutral */
    int32_t freq_min_mhz, freq_max_mhz;
    int32_t reconnect_min_ms,
        reconnect_random_ms; /* after a supply fault: this long, plus a random share of that */
};

enum { SUPPLY_CHECKS = 4 }; /* over-, undervoltage, frequency, lost conductor */

struct supply {
    struct supply_cfg cfg;
    uint32_t random;                  /* state of the generator, never 0 */
    uint64_t reading_us;              /* newest reading used; 0: none */
    bool bad[SUPPLY_CHECKS];          /* the condition has lasted: it is a fault */
    uint64_t since_us[SUPPLY_CHECKS]; /* since when it differs from bad[]; 0: it does not */
    bool lost;                        /* a phase other than L1 is lost */
    uint64_t lost_since_us;
    bool waiting;
    uint64_t wait_until_us;
    int32_t sag_ma;  /* present sag limit */
    uint64_t sag_us; /* when it was last moved */
};

struct supply_out {
    bool ok;         /* a fresh reading, no fault, no wait */
    uint32_t faults; /* bits 1u << FAULT_OVERVOLTAGE, FAULT_UNDERVOLTAGE, FAULT_FREQUENCY, FAULT_PHASE_LOSS */
    int32_t limit_ma;            /* sag limit; LIMIT_NONE_MA of core/limits.h: none */
    int32_t phase_loss_limit_ma; /* LIMIT_NONE_MA: no phase is lost */
    bool waiting;                /* the supply is back, the reconnect delay runs */
};

/* `seed`: spreads the reconnect delays of many stations; any value. */
void supply_init(struct supply *s, const struct supply_cfg *cfg, uint32_t seed);
/* Control thread, every control step; the work is done once per new reading. */
void supply_step(struct supply *s, const struct meter_reading *reading, uint64_t now_us,
                 struct supply_out *out);
/* Begins a reconnect delay now, as after a fault: for a start-up that follows a power cut, when a whole
 * street comes back at once. */
void supply_wait(struct supply *s, uint64_t now_us);

#endif
