/*
 * accuracy: how far the meter is off after two-point calibration, over a series of stations with the
 * tolerances of their parts.
 */
#ifndef TESTS_REPORT_ACCURACY_H
#define TESTS_REPORT_ACCURACY_H

#include <stdbool.h>
#include <stdint.h>

enum accuracy_id {
    ACCURACY_V,
    ACCURACY_I,
    ACCURACY_P,
    ACCURACY_PF,
    ACCURACY_ENERGY,
    ACCURACY_SESSION,
    ACCURACY_FREQUENCY,
    ACCURACIES
};

struct accuracy_rule {
    const char *what;
    double limit_percent;
};
extern const struct accuracy_rule accuracy_rules[ACCURACIES];

/* One station more; worst_percent only grows. False: no memory, or calibration refused. */
bool accuracy_measure(uint64_t seed, double worst_percent[ACCURACIES]);

#endif
