/*
 * derate: the current that the station's temperature allows.
 */
#ifndef CORE_DERATE_H
#define CORE_DERATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DERATE_STEP_MA = 1000,       /* whole amperes: the duty must not follow every tenth of a degree */
    DERATE_HYSTERESIS_MC = 1000, /* the way back up begins this much cooler */
    DERATE_RESUME_MC = 5000,     /* after a stop */
    DERATE_FAULT_MC = 10000,     /* so far above the stop temperature nothing helps but opening */
    DERATE_BLIND_MA = 6000,      /* a sensor has fallen silent: the least a pilot can offer */
    DERATE_BLIND_US = 10000000,  /* ... for so long */
};

struct derate_cfg {
    int32_t start_mc, stop_mc; /* full current below start, none from stop on; linear in between */
    int32_t full_ma;           /* what "full" is: the installation's rating */
};

struct derate {
    int32_t warmest_mc; /* follows the temperature up at once, down with hysteresis */
    bool stopped, seen; /* at or above stop; the sensor has given something */
    uint64_t valid_us;  /* last time the sensor gave something */
};

struct derate_out {
    int32_t limit_ma; /* LIMIT_NONE_MA: none */
    bool too_hot;     /* fault */
};

void derate_init(struct derate *d);
void derate_step(struct derate *d, const struct derate_cfg *cfg, bool fitted, bool valid,
                 int32_t temperature_mc, uint64_t now_us, struct derate_out *out);

#endif
