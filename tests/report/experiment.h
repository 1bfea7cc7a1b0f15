/*
 * experiment: what is done to the station, and which rules' times it gives.
 */
#ifndef TESTS_REPORT_EXPERIMENT_H
#define TESTS_REPORT_EXPERIMENT_H

#include "tests/report/bed.h"

/* All of them with the station drawn. */
void experiments_run(struct bed *b);

#endif
