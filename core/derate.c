/*
 * derate: temperature to current.
 */
#include "core/derate.h"

#include "core/limits.h"

enum { ABSOLUTE_ZERO_MC = -273150, NO_SENSOR_MC = 300000 };

void derate_init(struct derate *d)
{
    *d = (struct derate){0};
}

static int32_t allowed_ma(const struct derate_cfg *cfg, int32_t mc)
{
    int32_t span = cfg->stop_mc - cfg->start_mc;
    if (mc <= cfg->start_mc && mc < cfg->stop_mc)
        return LIMIT_NONE_MA;
    if (mc >= cfg->stop_mc || span <= 0)
        return 0;
    int32_t ma = (int32_t)((int64_t)cfg->full_ma * (cfg->stop_mc - mc) / span);
    return ma - ma % DERATE_STEP_MA;
}

void derate_step(struct derate *d, const struct derate_cfg *cfg, bool fitted, bool valid,
                 int32_t temperature_mc, uint64_t now_us, struct derate_out *out)
{
    *out = (struct derate_out){.limit_ma = LIMIT_NONE_MA};
    if (!fitted)
        return;
    if (valid && (temperature_mc < ABSOLUTE_ZERO_MC || temperature_mc > NO_SENSOR_MC))
        valid = false; /* no sensor gives that */
    if (!d->seen) {
        if (!valid)
            return; /* there is no sensor: that is said in the status, and no reason to charge at 6 A */
        d->seen = true;
        d->warmest_mc = temperature_mc;
    }
    if (valid) {
        d->valid_us = now_us;
        if (temperature_mc > d->warmest_mc)
            d->warmest_mc = temperature_mc;
        else if (temperature_mc < d->warmest_mc - DERATE_HYSTERESIS_MC)
            d->warmest_mc = temperature_mc + DERATE_HYSTERESIS_MC;
        if (temperature_mc >= cfg->stop_mc)
            d->stopped = true;
        else if (temperature_mc < cfg->stop_mc - DERATE_RESUME_MC)
            d->stopped = false;
        out->too_hot = temperature_mc >= cfg->stop_mc + DERATE_FAULT_MC;
    }
    if (now_us - d->valid_us >= DERATE_BLIND_US)
        out->limit_ma = DERATE_BLIND_MA;
    else if (d->stopped)
        out->limit_ma = 0;
    else
        out->limit_ma = allowed_ma(cfg, d->warmest_mc);
}
