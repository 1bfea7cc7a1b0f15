/*
 * proximity: pin voltage to resistance to rating.
 */
#include "core/proximity.h"

#include <stddef.h>

/* The network of the board: 3.3 V through 626 Ω, 1.9 kΩ to earth, the cable's resistor in parallel (measured
 * on the prototype: open 2484 mV, 1500 Ω 1890 mV, 680 Ω 1466 mV, 220 Ω 793 mV). */
enum { SUPPLY_MV = 3300, SERIES_OHM = 626, SHUNT_OHM = 1900, OPEN_FROM_OHM = 20000 };

/* IEC 61851-1 (2017) Table B.2, second-hand: windows of the coding resistors. From 4.5 kΩ there is no cable;
 * everything in between, and below, is a fault. */
static const struct {
    int32_t ma, min_ohm, max_ohm;
} ratings[] = {{13000, 1100, 2460}, {20000, 400, 936}, {32000, 164, 308}, {63000, 80, 140}};
enum { NO_CABLE_OHM = 4500 };

/* A reading is the mean over a mains cycle and a new one comes every 60 ms, so one may show a plug half way:
 * two whole ones must agree. (The guard acts on a pulled cable sooner, by itself.) */
enum { DEBOUNCE_US = 150000, HYSTERESIS_PERCENT = 3 };

int32_t proximity_ohm_of_mv(int32_t pin_mv)
{
    if (pin_mv <= 0)
        return 0;
    if (pin_mv >= SUPPLY_MV)
        return PROXIMITY_OPEN_OHM;
    /* Parallel of shunt and cable, in 1/16 Ω for a smooth curve near "open". */
    int64_t parallel = (int64_t)SERIES_OHM * 16 * pin_mv / (SUPPLY_MV - pin_mv), shunt = SHUNT_OHM * 16;
    if (parallel >= shunt)
        return PROXIMITY_OPEN_OHM;
    int64_t ohm = parallel * shunt / (shunt - parallel) / 16;
    return ohm >= OPEN_FROM_OHM ? PROXIMITY_OPEN_OHM : (int32_t)ohm;
}

int32_t proximity_mv_of_ohm(int32_t ohm)
{
    if (ohm <= 0)
        return 0;
    int64_t parallel = (int64_t)ohm * SHUNT_OHM / ((int64_t)ohm + SHUNT_OHM);
    return (int32_t)(SUPPLY_MV * parallel / (SERIES_OHM + parallel));
}

int32_t proximity_ma_of_ohm(int32_t ohm)
{
    if (ohm >= NO_CABLE_OHM)
        return PROXIMITY_NONE;
    for (size_t i = 0; i < sizeof ratings / sizeof ratings[0]; i++)
        if (ohm >= ratings[i].min_ohm && ohm <= ratings[i].max_ohm)
            return ratings[i].ma;
    return PROXIMITY_INVALID;
}

bool proximity_window_dmv(int32_t rating_ma, int32_t *min_dmv, int32_t *max_dmv)
{
    for (size_t i = 0; i < sizeof ratings / sizeof ratings[0]; i++) {
        if (ratings[i].ma != rating_ma)
            continue;
        int32_t low = ratings[i].min_ohm - ratings[i].min_ohm * HYSTERESIS_PERCENT / 100;
        int32_t high = ratings[i].max_ohm + ratings[i].max_ohm * HYSTERESIS_PERCENT / 100;
        *min_dmv = proximity_mv_of_ohm(low) * 10;
        *max_dmv = proximity_mv_of_ohm(high) * 10 + 10;
        return true;
    }
    return false;
}

void proximity_init(struct proximity *p)
{
    *p = (struct proximity){.ma = PROXIMITY_NONE};
}

bool proximity_step(struct proximity *p, bool valid, int32_t pin_mv, uint64_t now_us)
{
    int32_t ma = PROXIMITY_INVALID;
    if (valid) {
        p->mv = pin_mv;
        ma = proximity_ma_of_ohm(proximity_ohm_of_mv(pin_mv));
        /* At the edge of its window a cable keeps its rating. */
        int32_t min_dmv, max_dmv;
        if (ma != p->ma && p->known && proximity_window_dmv(p->ma, &min_dmv, &max_dmv) &&
            pin_mv * 10 >= min_dmv && pin_mv * 10 <= max_dmv)
            ma = p->ma;
    } else if (!p->known) {
        return false; /* after power-up: not yet seen */
    }
    if (p->known && ma == p->ma) {
        p->since_us = 0;
        return false;
    }
    if (!p->since_us || ma != p->candidate_ma) {
        p->candidate_ma = ma;
        p->since_us = now_us ? now_us : 1;
        return false;
    }
    if (now_us - p->since_us < DEBOUNCE_US)
        return false;
    p->ma = ma;
    p->known = true;
    p->since_us = 0;
    return true;
}
