#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bed_cfg(struct bed *b)
{
    memset(b, 0, sizeof *b);
    world_cfg_default(&b->cfg);
    b->cfg.adc.offset_mv = b->cfg.adc.bend = b->cfg.adc.noise_mv = 0;
    b->cfg.adc.rate_error = b->cfg.adc.cal_error_mv = 0;
    b->cfg.adc.gain = 1;
}

void bed_start(struct bed *b, uint64_t seed)
{
    void *mem = malloc(world_size());
    assert_non_null(mem);
    b->w = world_init(mem, &b->cfg, seed);
    world_adc_curve(b->w, b->curve);
    world_state_read(b->w, &b->s);
}

void bed_stop(struct bed *b)
{
    free(b->w);
}

void bed_frame(struct bed *b)
{
    b->n = world_frame(b->w, b->raw, &b->end_us);
    world_state_read(b->w, &b->s);
}

void bed_run(struct bed *b, double seconds)
{
    uint64_t until = world_now_us(b->w) + (uint64_t)(seconds * 1e6);
    while (world_now_us(b->w) < until)
        b->n = world_frame(b->w, b->raw, &b->end_us);
    world_state_read(b->w, &b->s);
}

unsigned bed_duty(double amps)
{
    return (unsigned)(amps / 0.006 + 0.5);
}

void bed_charge(struct bed *b, double amps)
{
    assert_true(world_try_plug(b->w, true));
    world_set_pilot(b->w, bed_duty(amps));
    bed_run(b, 0.5);
    assert_true(b->s.s2);
    world_set_coil(b->w, true);
    bed_run(b, 5);
    assert_true(b->s.contactor);
}

double bed_mv(const struct bed *b, uint16_t raw)
{
    int code = raw & 0xfff, i = code >> 8;
    return (b->curve[i] + (b->curve[i + 1] - b->curve[i]) * (code & 0xff) / 256.0) * 0.1;
}

void assert_near_at(double a, double b, double tolerance, const char *what, const char *file, int line)
{
    if (a >= b - tolerance && a <= b + tolerance)
        return;
    print_error("%s is %.6g, not %.6g ± %.3g\n", what, a, b, tolerance);
    _fail(file, line);
}

double bed_seconds(const struct bed *b)
{
    return (double)world_now_us(b->w) * 1e-6;
}
