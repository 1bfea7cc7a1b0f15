/*
 * monitors: the variable monitors of the device model: hard-wired, preconfigured and set by the server; when
 * each has something to tell (functional blocks N03 to N08). What they tell goes out through monitoring.h.
 */
#ifndef OCPP_V201_MONITORS_H
#define OCPP_V201_MONITORS_H

#include "ocpp/v201/device_model.h"

/* Of all kinds together. */
#ifdef ECS_SMALL_MEMORY
#define MONITORS_MAX 16
#else
#define MONITORS_MAX 40
#endif
enum {
    MONITORS = MONITORS_MAX,
    MONITOR_ITEMS_MAX = 16, /* MonitoringCtrlr.ItemsPerMessage of SetVariableMonitoring */
    SEVERITY_MAX = 9,       /* 0 danger .. 9 debug (MonitoringDataType) */
};

/* The order is durable. */
enum monitor_type {
    MONITOR_UPPER,
    MONITOR_LOWER,
    MONITOR_DELTA,
    MONITOR_PERIODIC,
    MONITOR_CLOCK_ALIGNED,
};
#define MONITOR_TYPES "UpperThreshold|LowerThreshold|Delta|Periodic|PeriodicClockAligned"

enum monitor_kind {
    MONITOR_HARD_WIRED,
    MONITOR_PRECONFIGURED,
    MONITOR_CUSTOM,
    MONITOR_CLEARED, /* a preconfigured one that the server has cleared */
};

/* The order is durable. */
enum monitoring_base { BASE_ALL, BASE_FACTORY_DEFAULT, BASE_HARD_WIRED_ONLY };
#define MONITORING_BASES "All|FactoryDefault|HardWiredOnly"

struct monitor {
    int32_t id; /* 0: a free place */
    uint8_t kind, type, severity;
    bool transaction; /* only while a transaction is running */
    int64_t value_milli;
    struct variable var;
    uint32_t key;     /* model_key(&var) */
    uint32_t keep_id; /* 0: not durable */
    /* what it has seen */
    bool active, primed;
    bool exceeded, exceeded_kept; /* a threshold; as the durable record says */
    int64_t seen;                 /* MONITOR_DELTA: value × 1000, or digest of a text, as told last */
    int64_t slot;                 /* MONITOR_CLOCK_ALIGNED: interval of the wall clock; −1 none yet */
    uint64_t due_us;              /* MONITOR_PERIODIC */
    uint64_t told_us, kept_us;
};

struct monitors {
    struct monitor monitor[MONITORS];
    uint8_t base, level;
    int32_t next_id;
    uint32_t state_id; /* durable record of base, level and next_id; 0 none */
};

void monitors_init(struct v201 *v);
/* Looks at all variables that are monitored; call after anything has happened and after v->view and the
 * blocks are up to date. Returns when it wants to look again. */
uint64_t monitors_step(struct v201 *v, uint64_t now_us);
/* The server has written this variable; tells of those that can't be read (N07.FR.10). */
void monitors_written(struct v201 *v, const struct variable *var);
/* The monitor of that id, or NULL. */
const struct monitor *monitor_of(const struct v201 *v, int32_t id);
const char *monitor_type_name(uint8_t type);
const char *monitoring_base_name(uint8_t base);

void set_variable_monitoring(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void clear_variable_monitoring(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void set_monitoring_base(struct v201 *v, const cJSON *request, struct rpc_answer *answer);
void set_monitoring_level(struct v201 *v, const cJSON *request, struct rpc_answer *answer);

#endif
