#include "sim/contactor.h"

#include "sim/wave.h"

void sim_contactor_coil(struct sim_contactor *c, bool on, const struct world_cfg *cfg, uint64_t now_us)
{
    if (c->coil == on)
        return;
    c->coil = on;
    c->coil_changed_s = (double)now_us * 1e-6;
    /* 0 means "no movement due", so a delay of nothing is still one microsecond */
    c->pull_due_us = now_us + 1 + (uint64_t)((on ? cfg->coil_close_ms : cfg->coil_open_ms) * 1000);
}

static void close_contacts(struct sim_contactor *c, const struct world_cfg *cfg, uint64_t *rng,
                           uint64_t now_us)
{
    c->closed = c->contact = true;
    c->cycles++;
    c->changed_s = (double)now_us * 1e-6;
    c->bounce_next = CONTACTOR_BOUNCES;
    double span = cfg->bounce_ms * 1000;
    if (span < CONTACTOR_BOUNCES)
        return;
    /* Rebounds get shorter: each lies somewhere in its quarter of the time, the last one ends it. */
    for (int i = 0; i < CONTACTOR_BOUNCES; i++)
        c->bounce_us[i] = now_us + (uint64_t)(span * (i + wave_uniform(rng)) / CONTACTOR_BOUNCES);
    c->bounce_next = 0;
}

void sim_contactor_step(struct sim_contactor *c, const struct world_cfg *cfg, const struct world_faults *f,
                        bool loaded, uint64_t *rng, uint64_t now_us)
{
    if (c->pull_due_us != 0 && now_us >= c->pull_due_us) {
        c->pull_due_us = 0;
        c->pulled = c->coil;
    }
    bool want = f->weld_now || (c->closed ? c->pulled || f->weld : c->pulled && !f->no_close);
    if (want && !c->closed) {
        close_contacts(c, cfg, rng, now_us);
    } else if (!want && c->closed) {
        if (loaded)
            c->hot_switches++;
        c->closed = c->contact = false;
        c->bounce_next = CONTACTOR_BOUNCES;
        c->changed_s = (double)now_us * 1e-6;
    }
    while (c->closed && c->bounce_next < CONTACTOR_BOUNCES && now_us >= c->bounce_us[c->bounce_next]) {
        c->bounce_next++;
        c->contact = c->bounce_next % 2 == 0;
    }
}

uint64_t sim_contactor_next_us(const struct sim_contactor *c)
{
    uint64_t next = c->pull_due_us != 0 ? c->pull_due_us : UINT64_MAX;
    if (c->closed && c->bounce_next < CONTACTOR_BOUNCES && c->bounce_us[c->bounce_next] < next)
        next = c->bounce_us[c->bounce_next];
    return next;
}
