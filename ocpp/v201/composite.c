/* composite: what stacked charging profiles give at an instant; see composite.h. */
#include "ocpp/v201/composite.h"

#include <string.h>

/* The voltage that powers are turned into currents with: the area's, not the measured one (K01.FR.50). */
enum { NOMINAL_V = 230 };
enum { DEFAULT_PHASES = 3 }; /* K01.FR.49 */

#define DAY_MS INT64_C(86400000)

int32_t composite_period_ma(const struct composite *c, const struct profile *p,
                            const struct profile_period *q)
{
    if (p->unit == UNIT_A) {
        int64_t ma = (int64_t)q->limit_tenth * 100;
        return ma > INT32_MAX ? INT32_MAX : (int32_t)ma;
    }
    int32_t n = q->phases ? q->phases : DEFAULT_PHASES;
    if (n > c->phases)
        n = c->phases; /* K01.FR.45 */
    int64_t ma = (int64_t)q->limit_tenth * 100 / (NOMINAL_V * n);
    return ma > INT32_MAX ? INT32_MAX : (int32_t)ma;
}

static void sooner(int64_t *next, int64_t t)
{
    if (t < *next)
        *next = t;
}

/* The period of this profile's schedule that holds at t, or NULL; *next: when that answer may change. */
static const struct profile_period *schedule_at(const struct composite *c, const struct profile *p, int64_t t,
                                                int64_t *next)
{
    if (p->valid_from_ms != PROFILE_TIME_NONE && t < p->valid_from_ms) { /* K01.FR.36 */
        sooner(next, p->valid_from_ms);
        return NULL;
    }
    if (p->valid_to_ms != PROFILE_TIME_NONE) { /* K01.FR.37 */
        if (t >= p->valid_to_ms)
            return NULL;
        sooner(next, p->valid_to_ms);
    }
    int64_t start, end = COMPOSITE_NEVER;
    switch ((enum profile_kind)p->kind) {
    case KIND_RELATIVE:
        if (!c->ready) /* nothing runs yet: what it would begin with */
            return &p->period[0];
        start = c->ready_ms;
        break;
    case KIND_RECURRING: {
        int64_t every = p->recurrency == RECURRENCY_WEEKLY ? 7 * DAY_MS : DAY_MS;
        start = p->start_ms;
        if (t >= start) {
            start += (t - start) / every * every;
            end = start + every;
        }
        break;
    }
    case KIND_ABSOLUTE:
    default:
        start = p->start_ms;
        break;
    }
    if (t < start) { /* K01.FR.30 */
        sooner(next, start);
        return NULL;
    }
    if (end != COMPOSITE_NEVER)
        sooner(next, end);
    if (p->duration_s >= 0) {
        int64_t last = start + (int64_t)p->duration_s * 1000;
        if (last < end)
            end = last;
        if (t >= end)
            return NULL;
        sooner(next, end);
    }
    const struct profile_period *found = NULL;
    for (uint32_t i = 0; i < p->periods && i < PROFILE_PERIODS; i++) {
        int64_t from = start + (int64_t)p->period[i].start_s * 1000;
        if (from > t) {
            if (from < end)
                sooner(next, from);
            break;
        }
        found = &p->period[i];
    }
    return found;
}

static bool applies(const struct composite *c, const struct profile *p)
{
    if (!p->used)
        return false;
    if (p->purpose != PURPOSE_TX)
        return true;
    return c->tx && strcmp(p->tx, c->tx) == 0;
}

/* The leading profile of a purpose: of those with a period at t, the highest stack level (K01.FR.17). */
static bool purpose_at(const struct composite *c, enum profile_purpose purpose, int64_t t, int64_t *next,
                       int32_t *ma)
{
    const struct profile *leader = NULL;
    const struct profile_period *period = NULL;
    for (size_t i = 0; i < PROFILES; i++) {
        const struct profile *p = &c->profile[i];
        if (!applies(c, p) || p->purpose != purpose)
            continue;
        const struct profile_period *q = schedule_at(c, p, t, next);
        if (q && (!leader || p->stack_level > leader->stack_level)) {
            leader = p;
            period = q;
        }
    }
    if (leader)
        *ma = composite_period_ma(c, leader, period);
    return leader != NULL;
}

static void lower(int32_t *limit, int32_t ma)
{
    if (*limit == COMPOSITE_NO_LIMIT || ma < *limit)
        *limit = ma;
}

int32_t composite_at(const struct composite *c, int64_t t, int64_t *next)
{
    int32_t limit = COMPOSITE_NO_LIMIT, ma;
    *next = COMPOSITE_NEVER;
    if (purpose_at(c, PURPOSE_EXTERNAL, t, next, &ma))
        lower(&limit, ma);
    if (purpose_at(c, PURPOSE_STATION_MAX, t, next, &ma))
        lower(&limit, ma);
    /* A TxProfile in force takes the place of TxDefaultProfile (K02.FR.04); ended, the default rules again
     * (FR.08). */
    if (purpose_at(c, PURPOSE_TX, t, next, &ma)) {
        lower(&limit, ma);
    } else if (purpose_at(c, PURPOSE_TX_DEFAULT, t, next, &ma)) {
        lower(&limit, ma);
    }
    return limit;
}

int32_t composite_until_change(const struct composite *c, int64_t t, int64_t horizon_ms, int64_t *next,
                               int32_t *then)
{
    int32_t ma = composite_at(c, t, next);
    *then = ma;
    /* Each step goes to the next boundary of some schedule; there are at most so many that change nothing. */
    for (int steps = 0; steps < 4 * PROFILE_PERIODS && *next != COMPOSITE_NEVER; steps++) {
        int64_t at = *next;
        *then = composite_at(c, at, next);
        if (*then != ma || at - t >= horizon_ms) {
            *next = at;
            return ma;
        }
    }
    return ma;
}

int32_t composite_without_clock(const struct composite *c)
{
    int32_t limit = COMPOSITE_NO_LIMIT;
    for (size_t i = 0; i < PROFILES; i++) {
        const struct profile *p = &c->profile[i];
        if (!applies(c, p))
            continue;
        for (uint32_t k = 0; k < p->periods && k < PROFILE_PERIODS; k++)
            lower(&limit, composite_period_ma(c, p, &p->period[k]));
    }
    return limit;
}
