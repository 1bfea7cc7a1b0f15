/*
 * monitoring_report: GetMonitoringReport and the NotifyMonitoringReports that answer it page by page (N02).
 */
#ifndef OCPP_V201_MONITORING_REPORT_H
#define OCPP_V201_MONITORING_REPORT_H

#include "ocpp/v201/monitors.h"

struct monitoring_report {
    bool running;
    int32_t request_id;
    uint32_t seq;
    int32_t id[MONITORS]; /* still to be reported; 0: done */
    bool page[MONITORS];  /* of those, the ones under way */
    unsigned failed;
    uint64_t retry_us;
};

void monitoring_report_init(struct v201 *v);
void monitoring_report_closed(struct v201 *v);
void get_monitoring_report(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool notify_monitoring_report_make(struct v201 *v, cJSON *payload, bool asked_only);
void notify_monitoring_report_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
