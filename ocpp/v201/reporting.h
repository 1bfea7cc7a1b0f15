/* reporting: GetBaseReport, GetReport and the NotifyReports that answer them page by page (B07, B08). */
#ifndef OCPP_V201_REPORTING_H
#define OCPP_V201_REPORTING_H

#include "ocpp/v201/device_model.h"

enum { REPORT_ROWS_MAX = 384 };

struct reporting {
    bool running;
    int32_t request_id;
    uint32_t seq;
    bool first_sent;
    uint32_t row[REPORT_ROWS_MAX / 32];  /* rows of the device model still to be reported, a bit each */
    uint32_t page[REPORT_ROWS_MAX / 32]; /* of those, the ones under way */
    unsigned failed;
    uint64_t retry_us;
};

void reporting_init(struct v201 *v);
void reporting_closed(struct v201 *v);
void get_base_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void get_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool notify_report_make(struct v201 *v, cJSON *payload, bool asked_only);
void notify_report_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

/* Bytes that the items of one message of a report may have; and whether another could still be too much for
 * the arena. */
size_t report_room(const struct v201 *v);
bool report_arena_full(const struct v201 *v);

#endif
