/*
 * composite: charging profiles as numbers, and the limit that their stacking gives at an instant. Pure: no
 * station, no JSON, time is an argument.
 */
#ifndef OCPP_V201_COMPOSITE_H
#define OCPP_V201_COMPOSITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum profile_purpose {
    PURPOSE_EXTERNAL, /* ChargingStationExternalConstraints */
    PURPOSE_STATION_MAX,
    PURPOSE_TX_DEFAULT,
    PURPOSE_TX,
    PURPOSES
};
#define PROFILE_PURPOSES \
    "ChargingStationExternalConstraints|ChargingStationMaxProfile|TxDefaultProfile|TxProfile"
enum profile_kind { KIND_ABSOLUTE, KIND_RECURRING, KIND_RELATIVE };
#define PROFILE_KINDS "Absolute|Recurring|Relative"
enum profile_recurrency { RECURRENCY_NONE, RECURRENCY_DAILY, RECURRENCY_WEEKLY };
enum profile_unit { UNIT_W, UNIT_A };

enum {
    PROFILE_PERIODS = 96, /* quarters of an hour of a day: SmartChargingCtrlr.PeriodsPerSchedule */
#ifdef ECS_SMALL_MEMORY
    PROFILES = 6, /* SmartChargingCtrlr.Entries */
#else
    PROFILES = 12,
#endif
    PROFILE_STACK_LEVEL_MAX = 15
};

struct profile_period {
    int32_t start_s;
    int32_t limit_tenth; /* 0.1 A or 0.1 W */
    uint8_t phases;      /* 0: not given */
    uint8_t phase_to_use;
    uint8_t reserved[2];
};

/* Times are Unix milliseconds; INT64_MIN: not given. The layout is also the durable one: see profiles.c. */
struct profile {
    uint16_t version, size;
    uint8_t used, purpose, kind, recurrency;
    uint8_t unit, evse, has_min_rate, has_tx;
    int32_t id, stack_level, schedule_id;
    int32_t duration_s; /* −1: not given */
    int32_t min_rate_tenth;
    uint32_t periods;
    int64_t valid_from_ms, valid_to_ms, start_ms;
    char tx[40];
    struct profile_period period[PROFILE_PERIODS];
};
#define PROFILE_TIME_NONE INT64_MIN

struct composite {
    const struct profile *profile; /* PROFILES of them; those not `used` are passed over */
    const char *tx;                /* transaction running, or NULL */
    bool ready;                    /* Relative schedules count from ready_ms; else their first period holds */
    int64_t ready_ms;
    uint8_t phases; /* of the station: 1 or 3 */
};

enum { COMPOSITE_NO_LIMIT = -1 };
#define COMPOSITE_NEVER INT64_MAX

/* Limit per phase in mA at t_ms (COMPOSITE_NO_LIMIT: none). *next_ms: when it may change next, after t_ms. */
int32_t composite_at(const struct composite *c, int64_t t_ms, int64_t *next_ms);
/* As composite_at, but *next_ms is when the value really changes, searched up to horizon_ms; *then: its value
 * there. */
int32_t composite_until_change(const struct composite *c, int64_t t_ms, int64_t horizon_ms, int64_t *next_ms,
                               int32_t *then);
/* With an unknown clock: the smallest that any profile could ask for at any time. */
int32_t composite_without_clock(const struct composite *c);
/* Limit of a period in mA per phase. */
int32_t composite_period_ma(const struct composite *c, const struct profile *p,
                            const struct profile_period *q);

#endif
