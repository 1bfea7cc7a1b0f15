/*
 * tx_samples: readings gathered along the running transaction that are told with its end
 * (SampledDataCtrlr.TxEndedInterval, AlignedDataCtrlr.TxEndedInterval).
 *
 * They live in RAM: a restart, or another transaction before the end could be told, loses them, and the end
 * is told with the readings of begin and end alone (E07.FR.09). When there is no room left every second one
 * goes (E07.FR.10).
 */
#ifndef OCPP_V201_TX_SAMPLES_H
#define OCPP_V201_TX_SAMPLES_H

#include "ocpp/v201/tx_record.h"

struct v201;

enum {
#ifdef ECS_SMALL_MEMORY
    TX_SAMPLES = 8, /* of one kind; even */
    TX_SAMPLE_VALUES = 8,
#else
    TX_SAMPLES = 12,
    TX_SAMPLE_VALUES = 40, /* that one event may carry on top of begin and end: 30 KB of the arena */
#endif
};

struct tx_samples {
    char tx[40]; /* whose they are; "" nobody's */
    struct tx_sample_series {
        uint8_t count;
        uint32_t every, passed; /* one of so many is kept; how many were not, since the last that was */
        uint64_t due_us;        /* sampled */
        int64_t slot;           /* clock-aligned; −1: none yet */
        struct reading at[TX_SAMPLES];
    } sampled, aligned;
};

void tx_samples_begin(struct v201 *v);
/* While the transaction runs. */
uint64_t tx_samples_step(struct v201 *v, uint64_t now_us);
/* Adds what there is of this transaction to the meter values of its end. */
void tx_samples_write(const struct v201 *v, cJSON *values, const char *tx);

#endif
