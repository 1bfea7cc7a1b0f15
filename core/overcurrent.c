/*
 * overcurrent: the slow rule.
 */
#include "core/overcurrent.h"

int32_t overcurrent_threshold_ma(int32_t limit_ma)
{
    return limit_ma + limit_ma / 10 + OVERCURRENT_ABOVE_MA;
}

int32_t overcurrent_fast_ma(int32_t rating_ma)
{
    /* 20 % above the rating: cable and wiring stand that for hours (IEC 60364-4-43: 1.45 times the rating
     * trips a breaker within the hour), so only what is above counts. */
    return rating_ma + rating_ma / 5;
}

void overcurrent_init(struct overcurrent *o)
{
    *o = (struct overcurrent){0};
}

bool overcurrent_step(struct overcurrent *o, bool offering, int32_t limit_ma, const int32_t i_ma[3],
                      uint32_t dt_us)
{
    bool stop = false;
    if (dt_us > 1000000)
        dt_us = 1000000; /* a thread that was stopped has seen nothing of the time between */
    for (int i = 0; i < 3; i++) {
        if (!offering)
            o->over_us[i] = 0;
        else if (i_ma[i] > overcurrent_threshold_ma(limit_ma))
            o->over_us[i] += dt_us;
        else /* a car that swings about the limit still heats it: no reset, the time runs back */
            o->over_us[i] -= dt_us < o->over_us[i] ? dt_us : o->over_us[i];
        if (o->over_us[i] >= OVERCURRENT_US) {
            o->over_us[i] = OVERCURRENT_US;
            stop = true;
        }
    }
    return stop;
}
