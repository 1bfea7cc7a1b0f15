/*
 * v201: the OCPP 2.0.1 dialect, composed of its functional blocks. One file per block; a message is one
 * function and one row of a table in v201.c (with its schema in requests.c when it comes from the server).
 */
#ifndef OCPP_V201_V201_H
#define OCPP_V201_V201_H

#include "ocpp/v201/auth_cache.h"
#include "ocpp/v201/authorization.h"
#include "ocpp/v201/availability.h"
#include "ocpp/v201/customer_information.h"
#include "ocpp/v201/data_transfer.h"
#include "ocpp/v201/device_model.h"
#include "ocpp/v201/durable_state.h"
#include "ocpp/v201/firmware.h"
#include "ocpp/v201/local_list.h"
#include "ocpp/v201/logs.h"
#include "ocpp/v201/meter_values.h"
#include "ocpp/v201/monitoring.h"
#include "ocpp/v201/monitoring_report.h"
#include "ocpp/v201/network_profiles.h"
#include "ocpp/v201/provisioning.h"
#include "ocpp/v201/remote_control.h"
#include "ocpp/v201/reporting.h"
#include "ocpp/v201/reservation.h"
#include "ocpp/v201/reset.h"
#include "ocpp/v201/security_events.h"
#include "ocpp/v201/smart_charging.h"
#include "ocpp/v201/transactions.h"
#include "ocpp/v201/tx_samples.h"

/* Measurands as long as the station has no setting for them. */
#define MEASURANDS_TX_STARTED "Energy.Active.Import.Register"
#define MEASURANDS_TX_UPDATED "Current.Import,Voltage,Power.Active.Import,Energy.Active.Import.Register"
#define MEASURANDS_TX_ENDED   "Energy.Active.Import.Register"
#define MEASURANDS_ALIGNED    "Current.Import,Voltage,Power.Active.Import,Energy.Active.Import.Register"

/* DeviceDataCtrlr.ItemsPerMessage of GetVariables, SetVariables, GetReport. The answer repeats the names in
 * the request and has to fit into the arena beside it: some 2 KB for each. */
#ifdef ECS_SMALL_MEMORY
#define MODEL_ITEMS 16
#else
#define MODEL_ITEMS 32
#endif
enum { MODEL_ITEMS_MAX = MODEL_ITEMS };
#define MODEL_TEXT(n)       #n
#define MODEL_NUMBER(macro) MODEL_TEXT(macro)

struct v201 {
    struct device dev;
    struct ocpp_view view; /* the station as seen last */
    struct durable_state durable;
    uint32_t durable_id;
    uint8_t restarted; /* RESTART_*: why this start-up was asked for */
    bool reconnect_wanted;
    struct device_model model;
    unsigned turn; /* which of the outbound messages of equal rank is asked first */
    struct provisioning prov;
    struct security_events security;
    struct reset reset;
    struct availability avail;
    struct authorization auth;
    struct auth_cache cache;
    struct local_list list;
    struct reservations reservations;
    struct transactions tx;
    struct tx_samples samples;
    struct tx_queue queue;
    struct smart_charging smart;
    struct monitors monitors;
    struct monitoring monitoring;
    struct monitoring_report monitoring_report;
    struct customer_information customer;
    struct reporting reporting;
    struct meter_values meter;
    struct firmware firmware;
    struct logs logs;
};

void v201_init(struct v201 *v, const struct ocpp_station_ops *ops, void *station, struct rpc *rpc);
void v201_opened(struct v201 *v);
void v201_closed(struct v201 *v);
void v201_event(struct v201 *v, const struct ocpp_event *ev);
uint64_t v201_step(struct v201 *v, uint64_t now_us);

/* For struct rpc_dialect. */
bool v201_next_call(void *v, struct rpc_call *out);
void v201_outcome(void *v, int tag, enum rpc_outcome how, const cJSON *payload, const char *code);
void v201_call(void *v, const char *action, const cJSON *payload, struct rpc_answer *answer);
void v201_answered(void *v);

/* statusInfo with a reason code (at most 20 characters) and, when not NULL, more in words. */
void status_info(cJSON *obj, const char *reason, const char *info);
void status_info_named(cJSON *obj, const char *name, const char *reason, const char *info);

/* An inbound message: its name, shape, handler. NULL schema: known to OCPP 2.0.1, not supported by this
 * station. */
struct request_row {
    const char *action;
    const struct schema_field *schema;
    void (*handle)(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
};
extern const struct request_row request_table[];
extern const size_t request_rows;

#endif
