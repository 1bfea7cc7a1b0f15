#include "tests/report/bed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool bed_open(struct bed *b, struct times times[RULES])
{
    memset(b, 0, sizeof *b);
    b->times = times;
    b->doing = "start";
    b->world = malloc(world_size());
    bool ok = b->world != NULL;
    for (int s = 0; s < SCENES; s++) {
        b->scene[s].world = malloc(world_size());
        ok = ok && b->scene[s].world != NULL;
    }
    if (!ok)
        bed_close(b);
    return ok;
}

void bed_close(struct bed *b)
{
    free(b->world);
    b->world = NULL;
    for (int s = 0; s < SCENES; s++) {
        free(b->scene[s].world);
        b->scene[s].world = NULL;
    }
}

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(struct bed *b)
{
    uint64_t z = b->rng += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double bed_uniform(struct bed *b, double low, double high)
{
    return low + (high - low) * (double)(next(b) >> 11) / 9007199254740992.0; /* 2^53 */
}

bool bed_chance(struct bed *b, double share)
{
    return bed_uniform(b, 0, 1) < share;
}

void bed_wait_at_random(struct bed *b)
{
    loop_run(&b->l, bed_uniform(b, 0, 60)); /* three mains cycles, six control steps, twelve frames */
}

double bed_now_s(const struct bed *b)
{
    return (double)world_now_us(b->l.world) * 1e-6;
}

void bed_limit(struct bed *b, int32_t ma, int32_t lease_ms, int32_t fallback_ma)
{
    const struct control_cmd cmd = {
        .type = CONTROL_LIMIT, .slot = LIMIT_SERVER, .a = ma, .b = lease_ms, .c = fallback_ma};
    control_command(&b->l.control, &cmd, world_now_us(b->l.world));
}

int32_t bed_offered_ma(const struct bed *b)
{
    return b->l.status.offered_ma;
}

static void say(struct bed *b, const char *what)
{
    enum { COMPLAINTS = 20 }; /* the rest is more of the same */
    const struct control_status *s = &b->l.status;
    if (b->complaints++ < COMPLAINTS)
        fprintf(stderr,
                "\nrun %llu, %s: %s; state %s, pilot %c %ld mV %ld mV, faults %#x, trips %#x, duty %u, "
                "offered %ld mA by %s, %.2f A\n",
                (unsigned long long)b->seed, b->doing, what, evse_state_name(s->state), s->pilot,
                (long)s->cp_high_mv, (long)s->cp_low_mv, (unsigned)s->faults, (unsigned)s->guard_trips,
                s->duty_bp, (long)s->offered_ma, limit_slot_name(s->offered_by), b->l.truth.amp[0]);
}

void bed_note(struct bed *b, enum rule_id id, double ms)
{
    const struct rule *r = &rules[id];
    if (!(ms >= r->least_ms && ms <= r->limit_ms)) {
        char what[160];
        snprintf(what, sizeof what, "%s %.3f ms, not %g to %g", r->id, ms, r->least_ms, r->limit_ms);
        say(b, what);
    }
    if (!times_add(&b->times[id], ms))
        b->no_memory = true;
}

static double one_of(struct bed *b, const double *v, int n)
{
    return v[(int)bed_uniform(b, 0, n)];
}

static void draw_world(struct bed *b)
{
    static const double cable[] = {1500, 680, 220, 100};
    struct world_cfg *w = &b->world_cfg;
    world_cfg_default(w);
    for (int p = 0; p < 3; p++)
        w->mains.volt[p] = bed_uniform(b, 215, 245);
    w->mains.hz = bed_uniform(b, 49.8, 50.2);
    w->mains.harmonic3 = bed_uniform(b, 0, 0.03);
    w->mains.harmonic5 = bed_uniform(b, 0, 0.04);
    struct world_car *c = &w->car;
    c->phases = bed_chance(b, 0.5) ? 3 : 1;
    c->max_a = bed_uniform(b, 8, 32);
    c->power_factor = bed_uniform(b, 0.95, 1);
    c->harmonic3 = bed_uniform(b, 0, 0.1);
    c->harmonic5 = bed_uniform(b, 0, 0.07);
    /* IEC 61851-1 Table A.3: resistors within 3 %, diode 0.55 to 0.85 V */
    c->r_b_ohm *= bed_uniform(b, 0.97, 1.03);
    c->r_c_ohm *= bed_uniform(b, 0.97, 1.03);
    c->r_d_ohm *= bed_uniform(b, 0.97, 1.03);
    c->diode_v = bed_uniform(b, 0.55, 0.85);
    c->reaction_s = bed_uniform(b, 0.1, 3);
    c->ramp_a_per_s = bed_uniform(b, 8, 60);
    c->s2_delay_ms = bed_uniform(b, 20, 300);
    c->start_s = bed_uniform(b, 0.1, 0.8);
    c->stop_ms = bed_uniform(b, 10, 100);
    c->x1_stop_s = bed_uniform(b, 0.2, 2.9); /* A.6/10.1: within 3 s */
    w->cable_ohm = one_of(b, cable, 4) * bed_uniform(b, 0.98, 1.02);
    w->coil_close_ms = bed_uniform(b, 8, 30);
    w->coil_open_ms = bed_uniform(b, 6, 20);
    w->bounce_ms = bed_uniform(b, 0, 5);
    w->cp_load_nf = bed_uniform(b, 0.3, 3.1); /* Table A.2: 1.6 nF of the station, 1.5 nF of the cable */
}

static int32_t rating_of(double cable_ohm)
{
    return proximity_ma_of_ohm((int32_t)cable_ohm);
}

static void draw_station(struct bed *b)
{
    static const double installation[] = {16000, 20000, 25000, 32000};
    struct control_cfg *c = &b->cfg;
    control_cfg_default(c);
    c->phases = bed_chance(b, 0.3) ? 1 : 3;
    c->installation_ma = (int32_t)one_of(b, installation, 4);
    c->aux_fitted = bed_chance(b, 0.5);
    c->lock_fitted = bed_chance(b, 0.3);
    c->rcm_fitted = bed_chance(b, 0.3);
    int32_t cable_ma = rating_of(b->world_cfg.cable_ohm);
    b->rating_ma = cable_ma < c->installation_ma ? cable_ma : c->installation_ma;
    b->server_ma = bed_chance(b, 0.3) ? LIMIT_NONE_MA : (int32_t)bed_uniform(b, 8000, b->rating_ma);
}

static bool boot(struct bed *b)
{
    loop_init(&b->l, b->world, &b->world_cfg, &b->cfg, b->seed);
    world_ready(b->l.world, false);
    double ms = 0;
    for (; ms < 3000 && b->l.status.state != EVSE_IDLE; ms++)
        loop_run(&b->l, 1);
    bed_note(b, RULE_SELF_TEST, b->l.status.state == EVSE_IDLE ? ms : (double)INFINITY);
    loop_run(&b->l, 500); /* the meter's first windows */
    return b->l.status.state == EVSE_IDLE;
}

static bool offer(struct bed *b)
{
    bed_limit(b, b->server_ma, 0, 0);
    loop_command(&b->l, CONTROL_AUTHORISE, 1);
    world_plug(b->l.world, true);
    bool ok = loop_until(&b->l, EVSE_OFFERING, 3000);
    loop_run(&b->l, 600); /* diode seen */
    return ok && b->l.status.state == EVSE_OFFERING;
}

static bool charge(struct bed *b)
{
    const struct world_car *c = world_car(b->l.world);
    world_ready(b->l.world, true);
    double offered_a = bed_offered_ma(b) * 1e-3, want_a = c->max_a < offered_a ? c->max_a : offered_a;
    for (int ms = 0; ms < 12000 && b->l.truth.amp[0] < 0.97 * want_a - 0.1; ms += 20)
        loop_run(&b->l, 20);
    loop_run(&b->l, 200);
    return b->l.status.state == EVSE_CHARGING && b->l.truth.amp[0] > 5;
}

static bool play(struct bed *b, enum scene scene, bool keep)
{
    static bool (*const part[SCENES])(struct bed *) = {boot, offer, charge};
    static const char *const name[SCENES] = {"power-up", "offering", "charging"};
    for (int s = 0; s <= (int)scene; s++) {
        if (!part[s](b)) {
            char what[64];
            snprintf(what, sizeof what, "never came to: %s", name[s]);
            say(b, what);
            return false;
        }
        if (keep) {
            b->scene[s].l = b->l;
            memcpy(b->scene[s].world, b->world, world_size());
        }
    }
    return true;
}

bool bed_draw(struct bed *b, uint64_t seed)
{
    b->seed = seed;
    b->rng = seed * 0x2545f4914f6cdd1du;
    b->doing = "start";
    draw_world(b);
    draw_station(b);
    if (play(b, SCENE_CHARGING, true))
        return true;
    bed_note(b, RULE_C_TO_CLOSED, (double)INFINITY);
    return false;
}

void bed_goto(struct bed *b, enum scene scene)
{
    b->l = b->scene[scene].l;
    memcpy(b->world, b->scene[scene].world, world_size());
}

bool bed_anew(struct bed *b, enum scene scene)
{
    return play(b, scene, false);
}
