#include "sim/verbs.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim/words.h"
#include "sim/world_state.h"

/* One act: its arguments, where it acts (NULL: check only), where to complain. */
struct act {
    struct world *w;
    int argc;
    char **argv;
    char *why;
    size_t cap;
};

static enum verb_result wrong(const struct act *a, const char *what)
{
    snprintf(a->why, a->cap, "%s: %s", a->argv[0], what);
    return VERB_WRONG;
}

/* --- settings that have a name
 * -------------------------------------------------------------------------------- */

enum kind { REAL, SWITCH, WHOLE };
struct field {
    const char *name;
    size_t offset;
    enum kind kind;
    double low, high;
};

#define REAL_OF(s, f, low, high)                   \
    {                                              \
#f, offsetof(struct s, f), REAL, low, high \
    }
#define SWITCH_OF(s, f)                         \
    {                                           \
#f, offsetof(struct s, f), SWITCH, 0, 1 \
    }
#define WHOLE_OF(s, f, low, high)                   \
    {                                               \
#f, offsetof(struct s, f), WHOLE, low, high \
    }

static const struct field car_field[] = {
    REAL_OF(world_car, max_a, 0, 1000),          WHOLE_OF(world_car, phases, 1, 3),
    REAL_OF(world_car, battery_wh, 0, 1e9),      REAL_OF(world_car, filled_wh, 0, 1e9),
    REAL_OF(world_car, taper_from, 0, 1),        REAL_OF(world_car, reaction_s, 0, 3600),
    REAL_OF(world_car, ramp_a_per_s, 0.01, 1e6), REAL_OF(world_car, power_factor, -1, 1),
    REAL_OF(world_car, harmonic3, 0, 1),         REAL_OF(world_car, harmonic5, 0, 1),
    SWITCH_OF(world_car, ignores_duty),          REAL_OF(world_car, over_draw, 0, 10),
    SWITCH_OF(world_car, ventilation),           SWITCH_OF(world_car, sleeping),
    REAL_OF(world_car, r_b_ohm, 1, 1e6),         REAL_OF(world_car, r_c_ohm, 1, 1e6),
    REAL_OF(world_car, r_d_ohm, 1, 1e6),         REAL_OF(world_car, diode_v, 0, 5),
    REAL_OF(world_car, s2_delay_ms, 0, 1e7),     REAL_OF(world_car, min_a, 0, 1000),
    REAL_OF(world_car, residual_s, 0, 3600),     REAL_OF(world_car, x1_stop_s, 0, 3600),
    REAL_OF(world_car, stop_ms, 0, 1e6),         REAL_OF(world_car, start_s, 0, 3600),
};

static const struct field adc_field[] = {
    REAL_OF(world_adc, offset_mv, -500, 500),
    REAL_OF(world_adc, gain, 0.5, 2),
    REAL_OF(world_adc, bend, -0.05, 0.05),
    REAL_OF(world_adc, noise_mv, 0, 500),
    REAL_OF(world_adc, rate_error, -0.5, 0.5),
    REAL_OF(world_adc, ct_delay_us, -5000, 5000),
    REAL_OF(world_adc, mux_settle_us, 0.1, 1e4),
    SWITCH_OF(world_adc, cp_bipolar),
    SWITCH_OF(world_adc, swap_pairs),
};

static const struct field fault_field[] = {
    {"diode", offsetof(struct world_faults, diode_missing), SWITCH, 0, 1},
    SWITCH_OF(world_faults, cp_short),
    SWITCH_OF(world_faults, cp_open),
    SWITCH_OF(world_faults, pilot_stuck),
    SWITCH_OF(world_faults, weld),
    SWITCH_OF(world_faults, no_close),
    {"rcd", offsetof(struct world_faults, rcd_trip), SWITCH, 0, 1},
    SWITCH_OF(world_faults, adc_dead),
    SWITCH_OF(world_faults, aux_stuck),
    SWITCH_OF(world_faults, lock_stuck),
    SWITCH_OF(world_faults, rcm_dead),
    SWITCH_OF(world_faults, pp_open),
    SWITCH_OF(world_faults, pp_short),
    SWITCH_OF(world_faults, no_temperature),
};

static const char *const signal_name[WORLD_SIGNALS] = {"cp", "i1", "i2", "i3", "v1", "v2", "v3", "pp"};

static const struct field *field_find(const struct field *f, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(f[i].name, name) == 0)
            return &f[i];
    return NULL;
}
#define FIND(table, name) field_find(table, sizeof table / sizeof table[0], name)

static double field_get(const struct field *f, const void *base)
{
    const char *p = (const char *)base + f->offset;
    bool on;
    int whole;
    double real;
    switch (f->kind) {
    case SWITCH:
        memcpy(&on, p, sizeof on);
        return on ? 1 : 0;
    case WHOLE:
        memcpy(&whole, p, sizeof whole);
        return whole;
    default:
        memcpy(&real, p, sizeof real);
        return real;
    }
}

/* base == NULL: check only. */
static enum verb_result field_set(const struct act *a, const struct field *f, void *base, const char *word)
{
    double v;
    bool on = false;
    if (f->kind == SWITCH) {
        if (!words_switch(word, &on)) {
            snprintf(a->why, a->cap, "%s: %s is on or off, not \"%s\"", a->argv[0], f->name, word);
            return VERB_WRONG;
        }
        v = on;
    } else if (!words_number(word, &v) || v < f->low || v > f->high || (f->kind == WHOLE && v != floor(v))) {
        snprintf(a->why, a->cap, "%s: %s is a%s number from %g to %g, not \"%s\"", a->argv[0], f->name,
                 f->kind == WHOLE ? " whole" : "", f->low, f->high, word);
        return VERB_WRONG;
    }
    if (base == NULL)
        return VERB_OK;
    char *p = (char *)base + f->offset;
    int whole = (int)v;
    if (f->kind == SWITCH)
        memcpy(p, &on, sizeof on);
    else if (f->kind == WHOLE)
        memcpy(p, &whole, sizeof whole);
    else
        memcpy(p, &v, sizeof v);
    return VERB_OK;
}

static bool number_in(const char *word, double low, double high, double *out)
{
    return words_number(word, out) && *out >= low && *out <= high;
}

/* "1".."3" or "all" as a bit mask. */
static bool phase_mask(const char *word, unsigned *mask)
{
    if (strcmp(word, "all") == 0)
        *mask = 7;
    else if (word[0] >= '1' && word[0] <= '3' && word[1] == 0)
        *mask = 1u << (word[0] - '1');
    else
        return false;
    return true;
}

/* --- the verbs
 * ------------------------------------------------------------------------------------------------ */

static enum verb_result do_plug(const struct act *a)
{
    if (a->w != NULL && !world_try_plug(a->w, true)) {
        snprintf(a->why, a->cap, "plug: the socket's lock is out");
        return VERB_REFUSED;
    }
    return VERB_OK;
}

static enum verb_result do_unplug(const struct act *a)
{
    if (a->w != NULL)
        world_unplug(a->w);
    return VERB_OK;
}

static enum verb_result do_pull(const struct act *a)
{
    if (a->w != NULL && !world_try_plug(a->w, false)) {
        snprintf(a->why, a->cap, "pull: the cable is locked in the socket");
        return VERB_REFUSED;
    }
    return VERB_OK;
}

static enum verb_result do_car_end(const struct act *a)
{
    bool in = strcmp(a->argv[1], "in") == 0;
    if (!in && strcmp(a->argv[1], "out") != 0)
        return wrong(a, "in or out");
    if (a->w != NULL)
        world_car_end(a->w, in);
    return VERB_OK;
}

static enum verb_result do_cable(const struct act *a)
{
    double ohm;
    if (!number_in(a->argv[1], 0, 1e6, &ohm))
        return wrong(a, "ohms of its proximity resistor, 0 to pull it");
    if (a->w != NULL && !world_cable(a->w, ohm)) {
        snprintf(a->why, a->cap, "cable: the socket is locked");
        return VERB_REFUSED;
    }
    return VERB_OK;
}

static enum verb_result do_ready(const struct act *a)
{
    bool on;
    if (!words_switch(a->argv[1], &on))
        return wrong(a, "on or off");
    if (a->w != NULL)
        world_ready(a->w, on);
    return VERB_OK;
}

static enum verb_result do_button(const struct act *a)
{
    const char *how = a->argc > 1 ? a->argv[1] : "press";
    uint64_t us = 200000; /* a short press by a finger */
    bool down = strcmp(how, "down") == 0;
    if (down || strcmp(how, "up") == 0) {
        if (a->argc > 2)
            return wrong(a, "down and up take no time");
        if (a->w != NULL)
            world_button(a->w, down);
        return VERB_OK;
    }
    bool hold = strcmp(how, "hold") == 0;
    if ((!hold && strcmp(how, "press") != 0) || (hold && a->argc != 3))
        return wrong(a, "press [TIME], hold TIME, down or up");
    if (a->argc > 2 && !words_duration_us(a->argv[2], &us))
        return wrong(a, "a time like 200ms or 5s");
    if (a->w != NULL)
        world_button_for(a->w, us);
    return VERB_OK;
}

static enum verb_result do_fault(const struct act *a)
{
    const char *name = a->argv[1];
    bool on = false;
    if (strcmp(name, "phase_loss") == 0) {
        unsigned mask;
        if (a->argc != 4 || !phase_mask(a->argv[2], &mask) || !words_switch(a->argv[3], &on))
            return wrong(a, "phase_loss 1|2|3|all on|off");
        if (a->w != NULL) {
            uint8_t *lost = &world_faults(a->w)->phase_lost;
            *lost = (uint8_t)(on ? *lost | mask : *lost & ~mask);
        }
        return VERB_OK;
    }
    if (strcmp(name, "none") == 0) {
        if (a->argc != 2)
            return wrong(a, "none takes nothing more");
        if (a->w != NULL)
            memset(world_faults(a->w), 0, sizeof(struct world_faults));
        return VERB_OK;
    }
    const struct field *f = FIND(fault_field, name);
    if (f == NULL) {
        snprintf(a->why, a->cap, "fault: there is no fault \"%s\"", name);
        return VERB_WRONG;
    }
    if (a->argc != 3)
        return wrong(a, "NAME on|off");
    bool now = strcmp(name, "weld") == 0 && strcmp(a->argv[2], "now") == 0;
    if (!now && !words_switch(a->argv[2], &on))
        return wrong(a, "NAME on|off");
    struct world_faults *faults = a->w != NULL ? world_faults(a->w) : NULL;
    if (faults != NULL && strcmp(name, "weld") == 0)
        faults->weld_now = now;
    return field_set(a, f, faults, now ? "on" : a->argv[2]);
}

static enum verb_result do_sag(const struct act *a)
{
    double share;
    uint64_t us;
    unsigned mask = 7;
    if (a->argc < 4 || !number_in(a->argv[2], 0, 2, &share) || !words_duration_us(a->argv[3], &us) ||
        (a->argc > 4 && !phase_mask(a->argv[4], &mask)))
        return wrong(a, "sag SHARE TIME [PHASE], SHARE of the voltage that stays, 0 to 2");
    if (a->w != NULL)
        world_sag(a->w, mask, share, us);
    return VERB_OK;
}

static enum verb_result do_volt(const struct act *a)
{
    double v;
    unsigned mask = 7;
    if (a->argc > 4 || a->argc < 3 || (a->argc == 4 && !phase_mask(a->argv[2], &mask)) ||
        !number_in(a->argv[a->argc - 1], 0, 500, &v))
        return wrong(a, "volt [PHASE] VOLTS, 0 to 500");
    for (int k = 0; a->w != NULL && k < 3; k++)
        if (mask >> k & 1)
            world_mains(a->w)->volt[k] = v;
    return VERB_OK;
}

static enum verb_result do_mains(const struct act *a)
{
    const char *what = a->argv[1];
    struct world_mains *m = a->w != NULL ? world_mains(a->w) : NULL;
    double v;
    if (strcmp(what, "volt") == 0)
        return do_volt(a);
    if (strcmp(what, "sag") == 0)
        return do_sag(a);
    if (strcmp(what, "harmonic") == 0) {
        if (a->argc != 4 || !number_in(a->argv[3], 0, 1, &v) || strlen(a->argv[2]) != 1 ||
            strchr("357", a->argv[2][0]) == NULL)
            return wrong(a, "harmonic 3|5|7 SHARE, of the fundamental, 0 to 1");
        if (m != NULL)
            *(a->argv[2][0] == '3'   ? &m->harmonic3
              : a->argv[2][0] == '5' ? &m->harmonic5
                                     : &m->harmonic7) = v;
        return VERB_OK;
    }
    if (a->argc != 3)
        return wrong(a, "volt, hz, harmonic, noise, sag, order or neutral, each with its value");
    if (strcmp(what, "hz") == 0) {
        if (!number_in(a->argv[2], 0, 400, &v))
            return wrong(a, "hz 0 to 400");
        if (m != NULL)
            m->hz = v;
    } else if (strcmp(what, "noise") == 0) {
        if (!number_in(a->argv[2], 0, 200, &v))
            return wrong(a, "noise 0 to 200 V rms");
        if (m != NULL)
            m->noise_volt = v;
    } else if (strcmp(what, "order") == 0) {
        bool reversed = strcmp(a->argv[2], "reversed") == 0;
        if (!reversed && strcmp(a->argv[2], "normal") != 0)
            return wrong(a, "order normal or reversed");
        if (m != NULL)
            m->order_reversed = reversed;
    } else if (strcmp(what, "neutral") == 0) {
        bool broken = strcmp(a->argv[2], "broken") == 0;
        if (!broken && strcmp(a->argv[2], "whole") != 0)
            return wrong(a, "neutral whole or broken");
        if (m != NULL)
            m->neutral_broken = broken;
    } else {
        snprintf(a->why, a->cap, "mains: no such thing as \"%s\"", what);
        return VERB_WRONG;
    }
    return VERB_OK;
}

static enum verb_result do_temperature(const struct act *a)
{
    double c;
    if (!number_in(a->argv[1], -60, 200, &c))
        return wrong(a, "ambient °C, -60 to 200");
    if (a->w != NULL)
        world_ambient(a->w, c);
    return VERB_OK;
}

static enum verb_result do_car(const struct act *a)
{
    if (strcmp(a->argv[1], "soc") == 0) {
        double soc;
        if (!number_in(a->argv[2], 0, 1, &soc))
            return wrong(a, "soc 0 to 1");
        if (a->w != NULL)
            world_car(a->w)->filled_wh = soc * world_car(a->w)->battery_wh;
        return VERB_OK;
    }
    const struct field *f = FIND(car_field, a->argv[1]);
    if (f == NULL) {
        snprintf(a->why, a->cap, "car: there is no parameter \"%s\"", a->argv[1]);
        return VERB_WRONG;
    }
    if (strcmp(f->name, "phases") == 0 && strcmp(a->argv[2], "2") == 0)
        return wrong(a, "phases is 1 or 3");
    return field_set(a, f, a->w != NULL ? world_car(a->w) : NULL, a->argv[2]);
}

static enum verb_result do_adc(const struct act *a)
{
    const struct field *f = FIND(adc_field, a->argv[1]);
    if (f == NULL) {
        snprintf(a->why, a->cap, "adc: there is no parameter \"%s\"", a->argv[1]);
        return VERB_WRONG;
    }
    return field_set(a, f, a->w != NULL ? world_adc(a->w) : NULL, a->argv[2]);
}

static enum verb_result do_front(const struct act *a)
{
    int s = 0;
    double v;
    while (s < WORLD_SIGNALS && strcmp(signal_name[s], a->argv[1]) != 0)
        s++;
    bool gain = strcmp(a->argv[2], "gain") == 0;
    if (s == WORLD_SIGNALS || (!gain && strcmp(a->argv[2], "offset") != 0) ||
        !number_in(a->argv[3], gain ? -10 : -3000, gain ? 10 : 3000, &v))
        return wrong(a, "cp|i1..i3|v1..v3|pp gain X (-10 to 10) or offset MV (-3000 to 3000)");
    if (a->w != NULL)
        *(gain ? &world_adc(a->w)->front_gain[s] : &world_adc(a->w)->front_offset_mv[s]) = v;
    return VERB_OK;
}

static enum verb_result do_s2(const struct act *a)
{
    static const char *const how[] = {"auto", "closed", "open"};
    uint64_t us;
    if (a->argc == 2)
        for (int i = 0; i < 3; i++)
            if (strcmp(a->argv[1], how[i]) == 0) {
                if (a->w != NULL)
                    world_car(a->w)->s2_force = i;
                return VERB_OK;
            }
    bool closed = a->argc == 4 && strcmp(a->argv[2], "closed") == 0;
    if (a->argc != 4 || strcmp(a->argv[1], "pulse") != 0 || (!closed && strcmp(a->argv[2], "open") != 0) ||
        !words_duration_us(a->argv[3], &us))
        return wrong(a, "auto, closed, open, or pulse closed|open TIME");
    if (a->w != NULL)
        world_s2_pulse(a->w, closed, us);
    return VERB_OK;
}

static const struct verb {
    const char *name;
    int min_args, max_args;
    enum verb_result (*run)(const struct act *a);
} verb[] = {
    {"plug", 0, 0, do_plug},     {"unplug", 0, 0, do_unplug},
    {"pull", 0, 0, do_pull},     {"car_end", 1, 1, do_car_end},
    {"cable", 1, 1, do_cable},   {"ready", 1, 1, do_ready},
    {"button", 0, 2, do_button}, {"fault", 1, 3, do_fault},
    {"mains", 1, 4, do_mains},   {"temperature", 1, 1, do_temperature},
    {"car", 2, 2, do_car},       {"adc", 2, 2, do_adc},
    {"front", 3, 3, do_front},   {"s2", 1, 3, do_s2},
};

enum verb_result verb_do(struct world *w, int argc, char **argv, char *why, size_t cap)
{
    struct act a = {w, argc, argv, why, cap};
    if (argc < 1) {
        snprintf(why, cap, "no verb");
        return VERB_WRONG;
    }
    for (size_t i = 0; i < sizeof verb / sizeof verb[0]; i++) {
        if (strcmp(verb[i].name, argv[0]) != 0)
            continue;
        if (argc - 1 < verb[i].min_args || argc - 1 > verb[i].max_args) {
            snprintf(why, cap, "%s: %s arguments", argv[0],
                     argc - 1 < verb[i].min_args ? "too few" : "too many");
            return VERB_WRONG;
        }
        return verb[i].run(&a);
    }
    snprintf(why, cap, "unknown verb \"%s\"", argv[0]);
    return VERB_UNKNOWN;
}

/* --- the values
 * ----------------------------------------------------------------------------------------------- */

/* Plain numbers of struct world_state. */
static const struct field state_field[] = {
    {"time", offsetof(struct world_state, time_s), REAL, 0, 0},
    {"volt1", offsetof(struct world_state, volt[0]), REAL, 0, 0},
    {"volt2", offsetof(struct world_state, volt[1]), REAL, 0, 0},
    {"volt3", offsetof(struct world_state, volt[2]), REAL, 0, 0},
    {"amp1", offsetof(struct world_state, amp[0]), REAL, 0, 0},
    {"amp2", offsetof(struct world_state, amp[1]), REAL, 0, 0},
    {"amp3", offsetof(struct world_state, amp[2]), REAL, 0, 0},
    {"amp", offsetof(struct world_state, amp_peak_phase), REAL, 0, 0},
    {"watt1", offsetof(struct world_state, watt[0]), REAL, 0, 0},
    {"watt2", offsetof(struct world_state, watt[1]), REAL, 0, 0},
    {"watt3", offsetof(struct world_state, watt[2]), REAL, 0, 0},
    {"energy", offsetof(struct world_state, energy_wh), REAL, 0, 0},
    {"energy1", offsetof(struct world_state, energy_phase_wh[0]), REAL, 0, 0},
    {"energy2", offsetof(struct world_state, energy_phase_wh[1]), REAL, 0, 0},
    {"energy3", offsetof(struct world_state, energy_phase_wh[2]), REAL, 0, 0},
    {"contactor", offsetof(struct world_state, contactor), SWITCH, 0, 0},
    {"coil", offsetof(struct world_state, coil), SWITCH, 0, 0},
    {"plugged", offsetof(struct world_state, plugged), SWITCH, 0, 0},
    {"cable", offsetof(struct world_state, cable), SWITCH, 0, 0},
    {"locked", offsetof(struct world_state, locked), SWITCH, 0, 0},
    {"s2", offsetof(struct world_state, s2), SWITCH, 0, 0},
    {"charging", offsetof(struct world_state, charging), SWITCH, 0, 0},
    {"powered", offsetof(struct world_state, powered), SWITCH, 0, 0},
    {"duty", offsetof(struct world_state, duty_percent), REAL, 0, 0},
    {"cp_high", offsetof(struct world_state, cp_high_v), REAL, 0, 0},
    {"cp_low", offsetof(struct world_state, cp_low_v), REAL, 0, 0},
    {"pp", offsetof(struct world_state, pp_ohm), REAL, 0, 0},
    {"soc", offsetof(struct world_state, soc), REAL, 0, 0},
    {"temperature", offsetof(struct world_state, temperature_c), REAL, 0, 0},
};

/* Seconds since something changed, and other values that are worked out. */
static const char *const derived[] = {"watt",     "cycles",  "hot_switches", "pilot",       "contactor_age",
                                      "coil_age", "s2_age",  "duty_age",     "plugged_age", "zero_age",
                                      "button",   "ambient", "cable_ohm"};
enum { DERIVED = sizeof derived / sizeof derived[0] };

static double derived_value(const struct world *w, const struct world_state *s, int which)
{
    switch (which) {
    case 0:
        return s->watt[0] + s->watt[1] + s->watt[2];
    case 1:
        return s->contactor_cycles;
    case 2:
        return s->hot_switches;
    case 4:
        return s->time_s - s->contactor_changed_s;
    case 5:
        return s->time_s - s->coil_changed_s;
    case 6:
        return s->time_s - s->s2_changed_s;
    case 7:
        return s->time_s - s->duty_changed_s;
    case 8:
        return s->time_s - s->plugged_changed_s;
    case 9:
        return s->time_s - s->current_zero_s;
    case 11:
        return w->cfg.ambient_c;
    case 12:
        return w->cable.ohm;
    default:
        return w->button ? 1 : 0;
    }
}

static void number_text(double v, char *out, size_t cap)
{
    snprintf(out, cap, "%.10g", v);
}

static bool setting_value(const struct world *w, const char *name, char *out, size_t cap)
{
    const struct field *f = NULL;
    const void *base = NULL;
    if (strncmp(name, "car.", 4) == 0) {
        f = FIND(car_field, name + 4);
        base = &w->car.cfg;
    } else if (strncmp(name, "adc.", 4) == 0) {
        f = FIND(adc_field, name + 4);
        base = &w->cfg.adc;
    } else if (strncmp(name, "fault.", 6) == 0) {
        if (strcmp(name + 6, "phase_loss") == 0) {
            number_text(w->faults.phase_lost, out, cap);
            return true;
        }
        f = FIND(fault_field, name + 6);
        base = &w->faults;
    }
    if (f == NULL)
        return false;
    number_text(field_get(f, base), out, cap);
    return true;
}

bool verb_value(const struct world *w, const char *name, char *out, size_t cap)
{
    struct world_state s;
    world_state_read(w, &s);
    const struct field *f = FIND(state_field, name);
    if (f != NULL) {
        number_text(field_get(f, &s), out, cap);
        return true;
    }
    for (int i = 0; i < DERIVED; i++) {
        if (strcmp(derived[i], name) != 0)
            continue;
        if (strcmp(name, "pilot") == 0)
            snprintf(out, cap, "%c", s.pilot);
        else
            number_text(derived_value(w, &s, i), out, cap);
        return true;
    }
    return setting_value(w, name, out, cap);
}

bool verb_value_known(const char *name)
{
    for (int i = 0; i < DERIVED; i++)
        if (strcmp(derived[i], name) == 0)
            return true;
    if (strncmp(name, "car.", 4) == 0)
        return FIND(car_field, name + 4) != NULL;
    if (strncmp(name, "adc.", 4) == 0)
        return FIND(adc_field, name + 4) != NULL;
    if (strncmp(name, "fault.", 6) == 0)
        return strcmp(name + 6, "phase_loss") == 0 || FIND(fault_field, name + 6) != NULL;
    return FIND(state_field, name) != NULL;
}

const char *verb_fault_name(unsigned i)
{
    return i < sizeof fault_field / sizeof fault_field[0] ? fault_field[i].name : NULL;
}

const char *verb_value_name(unsigned i)
{
    size_t plain = sizeof state_field / sizeof state_field[0];
    if (i < plain)
        return state_field[i].name;
    return i - plain < DERIVED ? derived[i - plain] : NULL;
}
