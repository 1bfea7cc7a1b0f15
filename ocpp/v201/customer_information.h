/*
 * customer_information: what this station holds of one customer, told and forgotten as the server asks (N09,
 * N10). The places where something may be held are a table in customer_information.c.
 */
#ifndef OCPP_V201_CUSTOMER_INFORMATION_H
#define OCPP_V201_CUSTOMER_INFORMATION_H

#include "ocpp/v201/tx_record.h"

struct v201;

/* A line of each place at most, see the assertion in customer_information.c. */
enum { CUSTOMER_TEXT_MAX = 2000 };

struct customer_information {
    bool running;
    int32_t request_id;
    uint32_t seq;
    size_t told, under_way; /* bytes of `text` */
    size_t len;
    char text[CUSTOMER_TEXT_MAX];
    unsigned failed;
    uint64_t retry_us;
};

void customer_information_init(struct v201 *v);
void customer_information_closed(struct v201 *v);
void customer_information(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool notify_customer_information_make(struct v201 *v, cJSON *payload, bool asked_only);
void notify_customer_information_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
