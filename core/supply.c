/* core/control.h first: it names the faults, and embeds struct supply itself */
#include "core/control.h"

#include "core/supply.h"

#include <string.h>

enum { CHECK_OVER, CHECK_UNDER, CHECK_FREQUENCY, CHECK_CONDUCTOR };

enum {
    /* How long a condition must last. EN 50160: most dips of the supply are shorter than 1 s; ride through
     * them. Too much voltage harms, so two readings must do; the others may be a switching operation of the
     * grid. */
    OVER_MS = 200,
    UNDER_MS = 1000,
    FREQUENCY_MS = 500,
    CONDUCTOR_MS = 500,
    CLEAR_MS = 1000,

    HYSTERESIS_PERCENT = 1, /* of the voltage limits */
    HYSTERESIS_MHZ = 50,
    LOST_DIVISOR = 3, /* a phase below a third of the undervoltage limit is lost, not low */
    FRESH_US = 1000000,

    /* VDE-AR-N 4100: 4.6 kVA (20 A) of unbalance between the phases of one installation. */
    UNBALANCED_MA = 20000,

    /* The sag limit falls on a line from the largest ECSACP1 current at 108 % of the undervoltage limit (211
     * V if that is 85 % of 230 V; EN 50160 promises 207 V) to the least that a pilot can say, 6 A, at 102 %.
     */
    SAG_START_PERCENT = 108,
    SAG_END_PERCENT = 102,
    SAG_FULL_MA = 32000,
    SAG_LEAST_MA = 6000, /* IEC 61851-1 Table A.7 */
    /* The car follows within 5 s and the voltage then rises: come down over about 1.6 s, go up much slower
     * than the car follows, or the two chase each other. */
    SAG_DOWN_SHARE = 8,
    SAG_UP_MA_PER_S = 200,
};

static const int raise_ms[SUPPLY_CHECKS] = {OVER_MS, UNDER_MS, FREQUENCY_MS, CONDUCTOR_MS};
static const enum fault fault_of[SUPPLY_CHECKS] = {FAULT_OVERVOLTAGE, FAULT_UNDERVOLTAGE, FAULT_FREQUENCY,
                                                   FAULT_PHASE_LOSS};

void supply_init(struct supply *s, const struct supply_cfg *cfg, uint32_t seed)
{
    memset(s, 0, sizeof *s);
    s->cfg = *cfg;
    s->random = seed ? seed : 0x9e3779b9u;
    s->sag_ma = LIMIT_NONE_MA;
}

/* xorshift32 (Marsaglia 2003): spreading restarts needs no better one */
static uint32_t next_random(struct supply *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 17;
    s->random ^= s->random << 5;
    return s->random;
}

void supply_wait(struct supply *s, uint64_t now_us)
{
    int64_t ms = s->cfg.reconnect_min_ms > 0 ? s->cfg.reconnect_min_ms : 0;
    if (s->cfg.reconnect_random_ms > 0)
        ms += (int64_t)(next_random(s) % ((uint32_t)s->cfg.reconnect_random_ms + 1));
    s->waiting = ms > 0;
    s->wait_until_us = now_us + (uint64_t)ms * 1000;
}

/* Follows `wrong` into *state once it has lasted. */
static void debounce(bool *state, uint64_t *since_us, bool wrong, int up_ms, int down_ms, uint64_t at_us)
{
    if (wrong == *state) {
        *since_us = 0;
        return;
    }
    if (*since_us == 0)
        *since_us = at_us;
    if (at_us - *since_us >= (uint64_t)(wrong ? up_ms : down_ms) * 1000) {
        *state = wrong;
        *since_us = 0;
    }
}

static int32_t share(int32_t value, int percent)
{
    return (int32_t)((int64_t)value * percent / 100);
}

static void move_sag(struct supply *s, int32_t lowest_mv, uint64_t at_us)
{
    int32_t start = share(s->cfg.undervoltage_mv, SAG_START_PERCENT);
    int32_t end = share(s->cfg.undervoltage_mv, SAG_END_PERCENT);
    int32_t target = LIMIT_NONE_MA;
    if (lowest_mv < start && start > end) {
        int32_t over = lowest_mv > end ? lowest_mv - end : 0;
        target = SAG_LEAST_MA + (int32_t)((int64_t)(SAG_FULL_MA - SAG_LEAST_MA) * over / (start - end));
    }
    uint64_t dt_ms = s->sag_us && at_us - s->sag_us < FRESH_US ? (at_us - s->sag_us) / 1000 : 0;
    s->sag_us = at_us;
    if (target < s->sag_ma) {
        int32_t from = s->sag_ma < SAG_FULL_MA ? s->sag_ma : SAG_FULL_MA;
        s->sag_ma = from - (from - target + SAG_DOWN_SHARE - 1) / SAG_DOWN_SHARE;
    } else if (target > s->sag_ma) {
        int32_t up = s->sag_ma + (int32_t)(SAG_UP_MA_PER_S * (int64_t)dt_ms / 1000);
        s->sag_ma = up < target ? up : target;
        if (s->sag_ma >= SAG_FULL_MA)
            s->sag_ma = LIMIT_NONE_MA;
    }
}

static void on_reading(struct supply *s, const struct meter_reading *r, uint64_t now_us)
{
    int phases = s->cfg.phases == 3 ? 3 : 1, alive = 0;
    bool wrong[SUPPLY_CHECKS] = {false}, l1_lost = false, other_lost = false;
    int32_t lost_mv = s->cfg.undervoltage_mv / LOST_DIVISOR, lowest_mv = INT32_MAX;
    int32_t under_mv = s->cfg.undervoltage_mv, over_mv = s->cfg.overvoltage_mv;
    int32_t low_mhz = s->cfg.freq_min_mhz, high_mhz = s->cfg.freq_max_mhz;
    if (s->bad[CHECK_UNDER])
        under_mv = share(under_mv, 100 + HYSTERESIS_PERCENT);
    if (s->bad[CHECK_OVER])
        over_mv = share(over_mv, 100 - HYSTERESIS_PERCENT);
    if (s->bad[CHECK_FREQUENCY]) {
        low_mhz += HYSTERESIS_MHZ;
        high_mhz -= HYSTERESIS_MHZ;
    }
    for (int p = 0; p < phases; p++) {
        if (r->v_mv[p] < lost_mv) {
            l1_lost |= p == 0;
            other_lost |= p > 0;
            continue;
        }
        alive++;
        lowest_mv = r->v_mv[p] < lowest_mv ? r->v_mv[p] : lowest_mv;
        wrong[CHECK_UNDER] |= r->v_mv[p] < under_mv;
        wrong[CHECK_OVER] |= r->v_mv[p] > over_mv;
    }
    wrong[CHECK_UNDER] |= alive == 0;
    /* Where no frequency is seen (0) there is no voltage either, and that has its own check. */
    wrong[CHECK_FREQUENCY] = r->freq_mhz > 0 && (r->freq_mhz < low_mhz || r->freq_mhz > high_mhz);
    wrong[CHECK_CONDUCTOR] = alive > 0 && (l1_lost || (phases == 3 && r->neutral_missing));

    bool was_bad = false, is_bad = false;
    for (int c = 0; c < SUPPLY_CHECKS; c++) {
        was_bad |= s->bad[c];
        debounce(&s->bad[c], &s->since_us[c], wrong[c], raise_ms[c], CLEAR_MS, r->at_us);
        is_bad |= s->bad[c];
    }
    debounce(&s->lost, &s->lost_since_us, alive > 0 && other_lost, CONDUCTOR_MS, CLEAR_MS, r->at_us);
    if (is_bad)
        s->waiting = false;
    else if (was_bad)
        supply_wait(s, now_us);
    if (alive > 0)
        move_sag(s, lowest_mv, r->at_us);
}

void supply_step(struct supply *s, const struct meter_reading *reading, uint64_t now_us,
                 struct supply_out *out)
{
    if (reading->valid && reading->at_us != s->reading_us) {
        s->reading_us = reading->at_us;
        on_reading(s, reading, now_us);
    }
    if (s->waiting && now_us >= s->wait_until_us)
        s->waiting = false;
    memset(out, 0, sizeof *out);
    for (int c = 0; c < SUPPLY_CHECKS; c++)
        if (s->bad[c])
            out->faults |= 1u << fault_of[c];
    out->limit_ma = s->sag_ma;
    out->phase_loss_limit_ma = s->lost ? UNBALANCED_MA : LIMIT_NONE_MA;
    out->waiting = s->waiting;
    bool fresh = s->reading_us != 0 && (now_us <= s->reading_us || now_us - s->reading_us <= FRESH_US);
    out->ok = fresh && reading->valid && out->faults == 0 && !s->waiting;
}
