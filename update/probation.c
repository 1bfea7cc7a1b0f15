#include "update/probation.h"

enum {
    /* A fault that a new firmware brings shows within a twentieth of the limit: 30 s of the ten minutes that
     * are the default. */
    SETTLE_SHARE = 20,
    /* A phase that carried voltage still does, and within what the mains themselves may do to it: EN 50160,
     * 4.2.2: ±10 %, and both ends may have been met. */
    V_THERE_MV = 100000,
    V_CHANGE_PERCENT = 22,
    /* No charging happens between the two firmwares but what the mark of the register missed: 60 s at 22 kW.
     */
    REGISTER_GAIN_WH = 400,
};

static bool voltage_sane(int32_t before, int32_t now)
{
    if (before < V_THERE_MV)
        return true; /* it may have come back since */
    int64_t change = (int64_t)now - before;
    if (change < 0)
        change = -change;
    return change * 100 <= (int64_t)before * V_CHANGE_PERCENT;
}

static const char *metering(const struct probation_in *in)
{
    const struct update_before *b = in->before;
    if (!b)
        return NULL;
    if (in->import_total_uwh < b->import_total_uwh)
        return "metering: the energy register has gone back";
    if (in->import_total_uwh - b->import_total_uwh > (uint64_t)REGISTER_GAIN_WH * 1000000u)
        return "metering: the energy register has jumped";
    if (!b->meter_valid)
        return NULL;
    if (!in->meter_valid)
        return "metering: no values";
    for (int p = 0; p < 3; p++)
        if (!voltage_sane(b->v_mv[p], in->v_mv[p]))
            return "metering: voltages differ from those before";
    return NULL;
}

static const char *missing(const struct probation_in *in)
{
    if (!in->self_test)
        return "self-test";
    if (in->settings_defaulted > (in->before ? in->before->settings_defaulted : 0u))
        return "settings can't be read";
    const char *meter = metering(in);
    if (meter)
        return meter;
    if (in->server_set && !in->registered)
        return "no connection to the server";
    return NULL;
}

enum probation_verdict probation_step(struct probation *p, const struct probation_in *in, const char **why)
{
    const char *lack = missing(in);
    *why = lack ? lack : "";
    if (!lack && !p->good)
        p->good_us = in->now_us;
    p->good = !lack;
    uint64_t limit_us = (uint64_t)in->limit_s * 1000000u;
    if (p->good && in->now_us - p->good_us >= limit_us / SETTLE_SHARE)
        return PROBATION_PASSED;
    if (in->now_us < limit_us || p->good || in->contactor_closed)
        return PROBATION_OPEN;
    return PROBATION_FAILED;
}
