/*
 * smart_charging: keeps the charging profiles (also over a restart), judges new ones (K01), turns their
 * composite into the station's server limit, and reports them (functional block K).
 */
#ifndef OCPP_V201_SMART_CHARGING_H
#define OCPP_V201_SMART_CHARGING_H

#include "ocpp/v201/composite.h"
#include "ocpp/v201/device.h"

struct v201;

struct smart_charging {
    struct profile profile[PROFILES];
    uint32_t keep_id[PROFILES]; /* 0: not durable */
    bool dirty;                 /* the limit has to be worked out anew */
    /* what the station has been told */
    bool told;
    int32_t told_ma, told_then_ma;
    int64_t told_next_ms; /* COMPOSITE_NEVER: none */
    int64_t skew_ms;      /* wall minus monotonic when it was told: a clock that was set makes it work anew */
    /* GetChargingProfiles under way */
    bool reporting;
    int32_t request_id;
    uint32_t report;   /* bit per profile still to be reported */
    uint32_t reported; /* bit of the one under way */
};

void smart_charging_init(struct v201 *v);
uint64_t smart_charging_step(struct v201 *v, uint64_t now_us);
/* TxProfiles that came with RequestStartTransaction belong to the transaction that starts now. */
void profiles_tx_started(struct v201 *v);
/* K02.FR.05: the transaction's profiles go with it. */
void profiles_tx_ended(struct v201 *v);
/* Judges and stores. `tx`: transaction it will belong to ("" not yet started) for a profile in
 * RequestStartTransaction, NULL for SetChargingProfile. NULL: accepted; else the reason code, and *info says
 * more. */
const char *profile_set(struct v201 *v, int64_t evse, const cJSON *profile, const char *tx,
                        const char **info);

void set_charging_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void clear_charging_profile(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void get_charging_profiles(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void get_composite_schedule(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
bool report_charging_profiles_make(struct v201 *v, cJSON *payload, bool asked_only);
void report_charging_profiles_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload);

#endif
