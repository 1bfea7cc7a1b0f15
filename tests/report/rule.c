#include "tests/report/rule.h"

#include <math.h>
#include <stdlib.h>

/*
 * Clauses are second-hand, from public sources (docs/hardware.md): "A.6/n" is sequence n of IEC 61851-1
 * (edition 3) Table A.6. "goal" is this station's own, stricter than the clause; "policy" stands in no
 * standard that we quote.
 */
const struct rule rules[RULES] = {
    [RULE_S2_OPENED] = {"s2-opened", "A.6/8.1 (100 ms); goal", "S2 opens, no current flows: to coil off", 0,
                        30},
    [RULE_S2_RESIDUAL_ZERO] =
        {"s2-residual-zero", "A.6/8.1; goal",
         "S2 opens first, the current stays a while: from its zero to coil off (not before)", 0, 30},
    [RULE_S2_RESIDUAL_DEADLINE] = {"s2-residual-deadline", "A.6/8.1 (100 ms); goal",
                                   "S2 opens, the current stays: to coil off", 0, 80},
    [RULE_S2_CONTACTS] = {"s2-contacts", "A.6/8.1", "S2 opens, with or without current: to contacts open", 0,
                          100},
    [RULE_UNPLUGGED] = {"unplugged", "A.6/2.2 (100 ms); goal", "unplugged under load: to coil off", 0, 20},
    [RULE_UNPLUGGED_CONTACTS] = {"unplugged-contacts", "goal",
                                 "unplugged under load: to contacts open; the power pins part after 60 ms", 0,
                                 60},
    [RULE_CP_OPEN] = {"cp-open", "A.6/2.2 (100 ms); goal", "pilot wire breaks: to coil off", 0, 20},
    [RULE_CP_SHORT] = {"cp-short", "Table A.4, state E (3 s); goal", "pilot shorted to earth: to coil off", 0,
                       20},
    [RULE_DIODE] = {"diode", "Annex A, diode; goal", "the car's diode is lost in C: to coil off", 0, 20},
    [RULE_VENTILATION] = {"ventilation", "Table A.4, state D; goal",
                          "C turns to D, no ventilation: to coil off", 0, 20},
    [RULE_RCD] = {"rcd", "clause 8; goal", "residual-current input: to coil off", 0, 20},
    [RULE_STARVED] = {"starved", "goal", "samples cease: to coil off", 0, 20},
    [RULE_FAST_OVERCURRENT] =
        {"fast-overcurrent", "goal",
         "1.5 to 2.5 times the fast threshold (1.2 times the rating): coil off this much after "
         "the I²t budget is spent (the current may measure 1 % high: up to 10 ms before)",
         -10, 20},
    [RULE_GUARD_WORDS] = {"guard-words", "goal", "a bit of the guard's own words falls over: to coil off", 0,
                          20},
    [RULE_PP] = {"pp", "Table B.2; goal",
                 "proximity alone opens or shorts: to coil off (the analogue switch shows PP every other "
                 "mains cycle)",
                 0, 60},
    [RULE_CONTROL_STALLED] = {"control-stalled", "policy", "the control thread stands still: to coil off",
                              900, 1020},

    [RULE_C_TO_CLOSED] = {"c-to-closed", "A.6/4 (3 s); goal",
                          "B2 to C: to contacts closed (C is stable for 500 ms before)", 500, 1000},
    [RULE_C_AGAIN] = {"c-again", "A.6/4", "S2 opens in mid-charge and closes again: to contacts closed", 500,
                      3000},
    [RULE_C_BEFORE_PWM] = {"c-before-pwm", "A.6/4", "car in C already, PWM comes: to contacts closed", 0,
                           3000},
    [RULE_C_PULSE] = {"c-pulse", "field", "C for 20 to 450 ms (a known car: 250 ms): coil or contacts on for",
                      0, 0},
    [RULE_NO_DIODE] = {"no-diode", "Annex A, diode", "no diode from the start: coil or contacts on for", 0,
                       0},
    [RULE_CABLE_UNKNOWN] = {"cable-unknown", "Table B.2",
                            "proximity in a gap or shorted: coil or contacts on for", 0, 0},
    [RULE_NOT_AUTHORISED] = {"not-authorised", "policy", "C without authorisation: coil or contacts on for",
                             0, 0},
    [RULE_BELOW_6_A] = {"below-6-a", "Table A.7", "C, but a limit below 6 A: coil or contacts on for", 0, 0},
    [RULE_SELF_TEST] = {"self-test", "policy", "power-up: to self-tests passed", 0, 1000},
    [RULE_LOCK_FIRST] = {"lock-first", "socket", "where a lock is fitted: contacts closed while unlocked for",
                         0, 0},

    [RULE_LIMIT_TO_DUTY] = {"limit-to-duty", "A.6/6 (10 s); goal",
                            "lower limit commanded: to the pilot's duty", 0, 20},
    [RULE_LEASE] = {"lease", "goal", "a server limit's lease ends: to the duty of its fallback", 0, 20},
    [RULE_TO_STEADY] = {"to-steady", "A.6/9; goal",
                        "limit 0, authorisation withdrawn or out of service: to PWM 100 %", 0, 20},
    [RULE_DUTY_WIDTH] = {"duty-width", "Tables A.2, A.7 (5 us); goal",
                         "high time against A / 0.6 %, as ordered from the timer: off by", 0, 0.001},
    [RULE_DUTY_SPACING] =
        {"duty-spacing", "A.6/6",
         "lower limit, then a higher one within 4 s: between the two changes (to a PWM period)", 4998, 5030},
    [RULE_STILL_IN_C] = {"still-in-c", "A.6/10.2 (6 s)", "PWM 100 %, the car stays in C: to coil off", 6000,
                         6100},
    [RULE_FAULT_TO_F] = {"fault-to-f", "Annex A, state F; goal", "fault in C: to state F", 0, 50},
    [RULE_F_PULSE] = {"f-pulse", "Annex A, state F (300 ms)", "fault in C: state F lasts", 300, 1000},
    [RULE_UNPLUGGED_STEADY] = {"unplugged-steady", "A.6/2.2", "unplugged: to PWM 100 %", 0, 100},
    [RULE_WAKE_X1] = {"wake-x1", "A.5.3 (3 s)",
                      "wake-up of a car that sleeps: PWM 100 % for (nominal, a control step more or less)",
                      2985, 3015},
    [RULE_WAKE_F] = {"wake-f", "A.5.3 (4 s)", "wake-up: state F for (the same)", 3985, 4015},
    [RULE_DRIVER] = {"driver", "Table A.2; policy", "pilot driver does not follow (6 A ordered): to coil off",
                     0, 600},

    [RULE_OVERCURRENT] = {"overcurrent", "A.6/6 (5 s); policy 7 s",
                          "car stays above limit x 1.1 + 0.5 A: to coil off", 6900, 7200},
    [RULE_WELDED] = {"welded", "goal",
                     "contacts do not open: coil off to fault told (auxiliary contact or current)", 0, 500},
    [RULE_NO_CLOSE] = {"no-close", "goal", "contacts do not close: coil on to fault told (auxiliary contact)",
                       0, 500},
    [RULE_RCM_AFTER] = {"rcm-after", "IEC 62955; goal", "contacts open after a charge: to the monitor's test",
                        0, 100},
    [RULE_RCM_DEAD] = {"rcm-dead", "IEC 62955; goal",
                       "monitor does not answer, test asked for: to fault told", 0, 1000},
    [RULE_LOCK] = {"lock", "socket; goal", "plugged in: to cable locked (motor 150 ms)", 0, 500},
    [RULE_UNLOCK] = {"unlock", "socket; goal", "unplugged at the car: to socket unlocked (motor 150 ms)", 0,
                     500},

    [RULE_OVERVOLTAGE] = {"overvoltage", "policy", "275 to 290 V: to coil off", 0, 1000},
    [RULE_UNDERVOLTAGE] = {"undervoltage", "policy", "100 to 175 V: to coil off", 0, 2000},
    [RULE_FREQUENCY] = {"frequency", "policy",
                        "steps to 45 to 46.8 or 52.2 to 54 Hz: to coil off (the meter has to find it anew)",
                        0, 3000},
    [RULE_PHASE_LOSS] = {"phase-loss", "policy", "L1 of three phases lost: to coil off", 0, 1500},
    [RULE_RECONNECT] = {"reconnect", "policy", "supply is back (3 s and up to 3 s at random are set): to PWM",
                        3000, 8000},
};

bool times_add(struct times *t, double ms)
{
    if (t->n == t->cap) {
        int cap = t->cap ? 2 * t->cap : 64;
        double *more = realloc(t->ms, (size_t)cap * sizeof *more);
        if (!more)
            return false;
        t->ms = more;
        t->cap = cap;
    }
    t->ms[t->n++] = ms;
    return true;
}

static int ascending(const void *a, const void *b)
{
    double x, y;
    x = *(const double *)a;
    y = *(const double *)b;
    return (x > y) - (x < y);
}

void times_judge(struct times *t, const struct rule *r, struct rule_result *out)
{
    *out = (struct rule_result){.runs = t->n};
    if (!t->n)
        return;
    qsort(t->ms, (size_t)t->n, sizeof *t->ms, ascending);
    out->best_ms = t->ms[0];
    out->median_ms = t->ms[t->n / 2];
    out->worst_ms = t->ms[t->n - 1];
    out->pass = out->best_ms >= r->least_ms && out->worst_ms <= r->limit_ms;
}
