/*
 * fault: names, the table of how each fault clears, and its execution.
 */
#include "core/fault.h"

/*
 * Every fault opens the contactor at once and keeps it open until it clears. A retry after a fault that a car
 * may have caused comes after half a minute, when a person has had time to see it.
 */
static const struct fault_policy policies[FAULT_COUNT] = {
    [FAULT_NONE] = {"NoError", FAULT_CLEARS_ALONE, 0, 0, false},
    /* Pilot: the plug may be wet or worn, or just on its way out. */
    [FAULT_CP_SHORT] = {"CpShort", FAULT_CLEARS_ON_RETRY, 30000, 3, false},
    [FAULT_CP_RANGE] = {"CpRange", FAULT_CLEARS_ON_RETRY, 30000, 3, false},
    /* No car loses its diode for a moment: what lost it is no car, or broken. */
    [FAULT_DIODE] = {"DiodeMissing", FAULT_CLEARS_ON_UNPLUG, 1000, 0, false},
    [FAULT_PILOT_DRIVER] = {"PilotDriver", FAULT_CLEARS_ON_RETRY, 30000, 3, false},
    [FAULT_NO_DIODE_CHECK] = {"NoDiodeCheck", FAULT_CLEARS_ALONE, 0, 0, false},
    [FAULT_PP] = {"Proximity", FAULT_CLEARS_ON_RETRY, 5000, 5, false},
    [FAULT_CABLE_CHANGED] = {"CableChanged", FAULT_CLEARS_ON_UNPLUG, 1000, 0, false},
    [FAULT_VENTILATION] = {"Ventilation", FAULT_CLEARS_ALONE, 1000, 0, false},
    /* Contactor: a car behind welded contacts must not be told that all is well. */
    [FAULT_WELDED] = {"Welded", FAULT_CLEARS_ON_COMMAND, 1000, 0, true},
    [FAULT_NO_CLOSE] = {"NoClose", FAULT_CLEARS_ON_RETRY, 10000, 3, false},
    /* The device upstream is reset by a person who has looked why. */
    [FAULT_RCD] = {"Rcd", FAULT_CLEARS_ON_UNPLUG, 1000, 0, false},
    [FAULT_RCM_TEST] = {"RcmTest", FAULT_CLEARS_ON_COMMAND, 0, 0, true},
    [FAULT_OVERCURRENT] = {"OverCurrent", FAULT_CLEARS_ON_RETRY, 60000, 2, false},
    [FAULT_OVERCURRENT_FAST] = {"OverCurrentFast", FAULT_CLEARS_ON_UNPLUG, 1000, 0, false},
    /* Supply: core/supply has its own reconnect delay. */
    [FAULT_OVERVOLTAGE] = {"OverVoltage", FAULT_CLEARS_ALONE, 0, 0, false},
    [FAULT_UNDERVOLTAGE] = {"UnderVoltage", FAULT_CLEARS_ALONE, 0, 0, false},
    [FAULT_FREQUENCY] = {"Frequency", FAULT_CLEARS_ALONE, 0, 0, false},
    [FAULT_PHASE_LOSS] = {"PhaseLoss", FAULT_CLEARS_ALONE, 0, 0, false},
    [FAULT_OVERTEMPERATURE] = {"OverTemperature", FAULT_CLEARS_ALONE, 60000, 0, false},
    [FAULT_LOCK] = {"Lock", FAULT_CLEARS_ON_UNPLUG, 0, 0, false},
    [FAULT_STARVED] = {"Starved", FAULT_CLEARS_ALONE, 5000, 0, false},
    [FAULT_GUARD] = {"Guard", FAULT_CLEARS_ON_RETRY, 30000, 3, false},
};
_Static_assert(FAULT_COUNT <= 32, "a fault is a bit of a word");

const struct fault_policy *fault_policy(enum fault f)
{
    return &policies[(unsigned)f < FAULT_COUNT ? f : FAULT_NONE];
}

const char *fault_name(enum fault f)
{
    return (unsigned)f < FAULT_COUNT ? policies[f].name : "unknown";
}

void faults_init(struct faults *f)
{
    *f = (struct faults){0};
}

void faults_condition(struct faults *f, enum fault id, bool present, int32_t detail, uint64_t now_us)
{
    if ((unsigned)id >= FAULT_COUNT || id == FAULT_NONE)
        return;
    uint32_t bit = 1u << id;
    if (!present) {
        if (f->present & bit)
            f->gone_us[id] = now_us;
        f->present &= ~bit;
        return;
    }
    f->present |= bit;
    if (f->raised & bit)
        return;
    f->raised |= bit;
    f->raised_us[id] = now_us;
    f->gone_us[id] = now_us;
    f->detail[id] = detail;
    if (f->times[id] < UINT8_MAX)
        f->times[id]++;
}

static bool clears(const struct faults *f, enum fault id, bool unplugged, bool cleared, uint64_t now_us)
{
    const struct fault_policy *p = &policies[id];
    bool waited = now_us - f->gone_us[id] >= (uint64_t)p->wait_ms * 1000;
    switch (p->clears) {
    case FAULT_CLEARS_ALONE:
        return waited;
    case FAULT_CLEARS_ON_RETRY:
        return unplugged || cleared || (waited && f->times[id] <= p->retries);
    case FAULT_CLEARS_ON_UNPLUG:
        return (unplugged && waited) || cleared;
    case FAULT_CLEARS_ON_COMMAND:
        return cleared;
    }
    return false;
}

uint32_t faults_step(struct faults *f, bool unplugged, bool cleared, uint64_t now_us)
{
    uint32_t gone = 0;
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        uint32_t bit = 1u << i;
        if ((f->raised & bit) && !(f->present & bit) && clears(f, (enum fault)i, unplugged, cleared, now_us))
            gone |= bit;
        if ((unplugged || cleared) && !((f->raised & ~gone) & bit))
            f->times[i] = 0;
    }
    f->raised &= ~gone;
    return gone;
}

enum fault faults_ruling(const struct faults *f)
{
    enum fault oldest = FAULT_NONE;
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++)
        if ((f->raised & (1u << i)) && (oldest == FAULT_NONE || f->raised_us[i] < f->raised_us[oldest]))
            oldest = (enum fault)i;
    return oldest;
}

bool faults_want_state_f(const struct faults *f)
{
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++)
        if ((f->raised & (1u << i)) && policies[i].state_f)
            return true;
    return false;
}
