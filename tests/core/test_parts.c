/* The smaller parts of core, each by its table: proximity, limits, contactor, lock, monitor test,
 * over-current, derating, faults, self-test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/control.h"

static const uint64_t S = 1000000, MS = 1000;

/* ---- proximity ---- */

static void the_prototypes_voltages(void **state)
{
    (void)state;
    assert_true(abs(proximity_ohm_of_mv(1890) - 1500) < 10);
    assert_true(abs(proximity_ohm_of_mv(1466) - 680) < 5);
    assert_true(abs(proximity_ohm_of_mv(793) - 220) < 2);
    assert_int_equal(proximity_ohm_of_mv(2484), PROXIMITY_OPEN_OHM);
    assert_int_equal(proximity_ohm_of_mv(3300), PROXIMITY_OPEN_OHM);
    assert_int_equal(proximity_ohm_of_mv(0), 0);
    assert_int_equal(proximity_ohm_of_mv(-100), 0);
    for (int32_t ohm = 10; ohm < 5000; ohm += 7) {
        int32_t back = proximity_ohm_of_mv(proximity_mv_of_ohm(ohm));
        assert_true(abs(back - ohm) <= 2 + ohm / 100);
    }
    for (int32_t mv = -5, before = 0; mv < 3310; mv++) { /* monotonic */
        int32_t ohm = proximity_ohm_of_mv(mv);
        assert_true(ohm >= before);
        before = ohm;
    }
}

static void ratings_and_gaps(void **state)
{
    (void)state;
    static const struct {
        int32_t ohm, ma;
    } table[] = {{1500, 13000}, {680, 20000}, {220, 32000}, {100, 63000}, {1100, 13000},
                 {2460, 13000}, {400, 20000}, {936, 20000}, {164, 32000}, {308, 32000},
                 {80, 63000},   {140, 63000}, {4500, 0},    {100000, 0},  {PROXIMITY_OPEN_OHM, 0},
                 {4499, -1},    {2461, -1},   {1099, -1},   {937, -1},    {399, -1},
                 {309, -1},     {163, -1},    {141, -1},    {79, -1},     {0, -1}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(proximity_ma_of_ohm(table[i].ohm), table[i].ma);
    int32_t low = -1, high = -1;
    assert_true(proximity_window_dmv(32000, &low, &high));
    assert_in_range(7930, low, high);
    assert_false(14660 <= high);
    assert_false(proximity_window_dmv(16000, &low, &high));
    assert_false(proximity_window_dmv(0, &low, &high));
}

static void cables_are_debounced(void **state)
{
    (void)state;
    struct proximity p;
    proximity_init(&p);
    uint64_t t = 0;
    assert_false(proximity_step(&p, false, 0, t)); /* not yet seen: not a fault */
    assert_false(p.known);
    for (; !p.known; t += 10 * MS)
        proximity_step(&p, true, 2484, t);
    assert_int_equal(p.ma, PROXIMITY_NONE);
    int changes = 0;
    uint64_t at = t;
    for (; p.ma != 32000 && t < at + S; t += 10 * MS)
        changes += proximity_step(&p, true, 793, t);
    assert_int_equal(changes, 1);
    assert_true(t - at >= 150 * MS && t - at <= 180 * MS);
    for (int i = 0; i < 20; i++, t += 100 * MS) /* one reading half way in is nothing */
        assert_false(proximity_step(&p, true, i % 2 ? 793 : 1890, t));
    assert_int_equal(p.ma, 32000);
    for (int i = 0; i < 30; i++, t += 10 * MS) /* just past the edge of its window it keeps its rating */
        assert_false(proximity_step(&p, true, proximity_mv_of_ohm(312), t));
    for (int i = 0; i < 30; i++, t += 10 * MS)
        proximity_step(&p, true, proximity_mv_of_ohm(350), t);
    assert_int_equal(p.ma, PROXIMITY_INVALID);
    for (int i = 0; i < 30; i++, t += 10 * MS)
        proximity_step(&p, true, 793, t);
    assert_int_equal(p.ma, 32000);
    for (int i = 0; i < 30; i++, t += 10 * MS) /* no readings any more */
        proximity_step(&p, false, 793, t);
    assert_int_equal(p.ma, PROXIMITY_INVALID);
}

/* ---- limits ---- */

static void the_minimum_rules(void **state)
{
    (void)state;
    struct limits l;
    enum limit_slot by = LIMIT_SLOTS;
    limits_init(&l);
    assert_int_equal(limits_offered_ma(&l, 0, &by), LIMIT_NONE_MA);
    assert_int_equal(by, LIMIT_INSTALLATION);
    for (int i = 0; i < LIMIT_SLOTS; i++) {
        limits_init(&l);
        limits_set(&l, (enum limit_slot)i, 16000, 0, 0);
        assert_int_equal(limits_offered_ma(&l, 0, &by), 16000);
        assert_int_equal(by, i);
        assert_true(strlen(limit_slot_name((enum limit_slot)i)) > 3);
    }
    limits_init(&l);
    limits_set(&l, LIMIT_CABLE, 20000, 0, 0);
    limits_set(&l, LIMIT_INSTALLATION, 20000, 0, 0);
    limits_set(&l, LIMIT_SERVER, 10000, 5 * S, 25000);
    assert_int_equal(limits_offered_ma(&l, 5 * S - 1, &by), 10000);
    assert_int_equal(by, LIMIT_SERVER);
    assert_int_equal(limits_offered_ma(&l, 5 * S, &by), 20000);
    assert_int_equal(by, LIMIT_INSTALLATION); /* of equals the first */
    limits_set(&l, LIMIT_SERVER, -7, 0, 0);
    assert_int_equal(limits_offered_ma(&l, 0, NULL), 0);
    limits_set(&l, LIMIT_SERVER, INT32_MAX, 1, -5);
    assert_int_equal(l.slot[LIMIT_SERVER].ma, LIMIT_NONE_MA);
    assert_int_equal(limits_offered_ma(&l, 2, NULL), 0);
    limits_set(&l, LIMIT_SLOTS, 0, 0, 0); /* no such slot */
    assert_string_equal(limit_slot_name(LIMIT_SLOTS), "unknown");
    assert_string_equal(limit_slot_name(LIMIT_SERVER), "server");
}

/* ---- contactor ---- */

struct bench {
    struct contactor c;
    struct contactor_in in;
    struct contactor_out out;
    uint64_t close_us, open_us;
    bool weld, no_close;
};

/* Steps of 10 ms with a guard that follows the arming and contacts that follow the coil. */
static void work(struct bench *b, int steps)
{
    for (int i = 0; i < steps; i++) {
        b->in.now_us += 10 * MS;
        contactor_step(&b->c, &b->in, &b->out);
        if (b->out.arm != b->in.coil) {
            b->in.coil = b->out.arm;
            b->in.coil_us = b->in.now_us + 2 * MS;
        }
        bool want = b->in.coil ? !b->no_close : b->weld && b->in.aux;
        uint64_t delay = b->in.coil ? b->close_us : b->open_us;
        if (b->in.aux_fitted && want != b->in.aux && b->in.now_us >= b->in.coil_us + delay) {
            b->in.aux = want;
            b->in.aux_us = b->in.coil_us + delay;
        }
    }
}

static struct bench fresh(bool aux)
{
    struct bench b = {.close_us = 15 * MS, .open_us = 8 * MS};
    contactor_init(&b.c, 100);
    b.in.aux_fitted = aux;
    b.in.current_valid = true;
    b.in.wish = CONTACTOR_OPEN_NOW;
    work(&b, 5);
    assert_true(b.out.ready);
    return b;
}

static void contactor_cycle(void **state)
{
    (void)state;
    struct bench b = fresh(true);
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    assert_true(b.out.arm && b.c.closed);
    assert_int_equal(b.c.cycles, 101);
    assert_int_equal(b.c.close.last_us, 15 * MS);
    assert_int_equal(b.c.open.last_us, -1);
    b.in.wish = CONTACTOR_OPEN_NOW;
    b.in.current_ma = 16000;
    work(&b, 1);
    assert_false(b.out.arm);
    b.in.current_ma = 0;
    work(&b, 10);
    assert_false(b.c.closed);
    assert_int_equal(b.c.open.last_us, 8 * MS);
    assert_false(b.out.ready);
    work(&b, 185);
    assert_false(b.out.ready); /* minimum off time */
    work(&b, 10);
    assert_true(b.out.ready);
    assert_false(b.c.welded || b.c.no_close);
}

static void ordinary_openings(void **state)
{
    (void)state;
    struct bench b = fresh(false);
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    b.in.current_ma = 16000;
    b.in.wish = CONTACTOR_OPEN_SOFT;
    work(&b, 3);
    assert_true(b.out.arm); /* current flows */
    b.in.current_ma = CONTACTOR_GONE_MA - 1;
    work(&b, 1);
    assert_false(b.out.arm);

    b = fresh(false);
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    b.in.current_ma = 16000;
    b.in.wish = CONTACTOR_OPEN_SOFT;
    b.in.event_us = b.in.now_us - 20 * MS; /* known since then */
    uint64_t event = b.in.event_us;
    for (int i = 0; i < 20 && b.out.arm; i++)
        work(&b, 1);
    assert_true(b.in.now_us - event <= CONTACTOR_DEADLINE_US && b.in.now_us - event >= 60 * MS);

    b = fresh(false); /* current unknown: the deadline */
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    b.in.current_valid = false;
    b.in.wish = CONTACTOR_OPEN_SOFT;
    work(&b, 5);
    assert_true(b.out.arm);
    b.in.wish = CONTACTOR_CLOSE; /* a permission once withdrawn is not given back in mid-opening */
    work(&b, 1);
    b.in.wish = CONTACTOR_OPEN_SOFT;
    work(&b, 4);
    assert_false(b.out.arm);

    b = fresh(false);
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    b.in.tripped = true;
    work(&b, 1);
    assert_false(b.out.arm);
}

static void welds(void **state)
{
    (void)state;
    struct bench b = fresh(true);
    b.weld = true;
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 10);
    b.in.wish = CONTACTOR_OPEN_NOW;
    work(&b, 20);
    assert_false(b.c.welded);
    work(&b, 5);
    assert_true(b.c.welded);
    assert_false(b.out.ready);
    work(&b, 500);
    assert_false(b.out.ready);
    b.weld = false;
    work(&b, 3);
    assert_false(b.c.welded);

    b = fresh(false); /* no aux contact: the current proves it */
    b.in.current_ma = CONTACTOR_WELD_MA;
    work(&b, 25);
    assert_true(b.c.welded);
    b.in.current_ma = CONTACTOR_WELD_MA - 1;
    work(&b, 2);
    assert_false(b.c.welded);

    b = fresh(true);
    b.no_close = true;
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 19);
    assert_false(b.c.no_close);
    work(&b, 6);
    assert_true(b.c.no_close);
    assert_false(b.c.closed);
    assert_false(b.c.welded);
}

static void wear_is_noticed(void **state)
{
    (void)state;
    struct bench b = fresh(true);
    for (int i = 0; i < 20; i++) {
        if (i >= 12)
            b.close_us = 40 * MS;
        b.in.wish = CONTACTOR_CLOSE;
        work(&b, 20);
        b.in.wish = CONTACTOR_OPEN_NOW;
        work(&b, 300);
        assert_int_equal(b.out.drift, i >= 14);
    }
    b.close_us = 15 * MS; /* it was the cold */
    b.in.wish = CONTACTOR_CLOSE;
    work(&b, 20);
    assert_false(b.out.drift);
    assert_int_equal(b.c.cycles, 121);
}

/* One step at a time, with every input by hand. */
static struct contactor k;
static struct contactor_in ki;
static struct contactor_out ko;

static void one(uint64_t us)
{
    ki.now_us += us;
    contactor_step(&k, &ki, &ko);
}

static void by_hand(bool aux, uint64_t now_us)
{
    contactor_init(&k, 0);
    ki = (struct contactor_in){
        .now_us = now_us, .aux_fitted = aux, .current_valid = true, .wish = CONTACTOR_OPEN_NOW};
    one(0);
}

/* Coil on and contacts closed, `delay_us` later; the same for off. */
static void switched(bool on, uint64_t delay_us)
{
    ki.wish = on ? CONTACTOR_CLOSE : CONTACTOR_OPEN_NOW;
    one(10 * MS);
    assert_int_equal(ko.arm, on);
    ki.coil = on;
    ki.coil_us = ki.now_us;
    one(10 * MS);
    ki.aux = on;
    ki.aux_us = ki.coil_us + delay_us;
    one(30 * MS);
    assert_int_equal(k.closed, on);
}

/* IEC 61851-1 Table A.6, 8.1: the coil has 80 of the 100 ms, and the step after this one would come 10 ms
 * later. */
static void soft_deadline_to_the_microsecond(void **state)
{
    (void)state;
    by_hand(false, S);
    switched(true, 0);
    ki.current_ma = 16000;
    ki.wish = CONTACTOR_OPEN_SOFT;
    ki.event_us = ki.now_us;
    one(1);
    one(70 * MS - 1);
    assert_true(ko.arm);
    one(1);
    assert_false(ko.arm);
    /* Half an ampere is current, less is none; a reading that is not valid is none of both. */
    by_hand(false, S);
    switched(true, 0);
    ki.wish = CONTACTOR_OPEN_SOFT;
    ki.current_ma = 500;
    one(1);
    assert_true(ko.arm);
    ki.current_ma = 499;
    ki.current_valid = false;
    one(1);
    assert_true(ko.arm);
    ki.current_valid = true;
    one(1);
    assert_false(ko.arm);
    ki.wish = CONTACTOR_CLOSE; /* an opening that is done stands in nobody's way */
    one(1);
    assert_true(ko.arm);
    /* A coil that is off already has nothing to wait for. */
    by_hand(false, S);
    switched(true, 0);
    ki.current_ma = 16000;
    ki.coil = false;
    ki.coil_us = ki.now_us;
    ki.wish = CONTACTOR_OPEN_SOFT;
    one(1);
    assert_false(ko.arm);
    one(1);
    ki.coil = true; /* still on, seen late: no new opening of what is not armed */
    ki.coil_us = ki.now_us;
    one(1);
    ki.wish = CONTACTOR_CLOSE;
    one(1);
    assert_true(ko.arm);
    /* An opening that ended with the coil going off leaves no deadline behind. */
    by_hand(false, S);
    switched(true, 0);
    ki.current_ma = 16000;
    ki.wish = CONTACTOR_OPEN_SOFT;
    one(1);
    ki.wish = CONTACTOR_CLOSE;
    ki.coil = false;
    one(1);
    ki.coil = true;
    one(S);
    ki.wish = CONTACTOR_OPEN_SOFT;
    one(1);
    assert_true(ko.arm);
}

static void wear_to_the_microsecond(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) { /* closing, opening */
        by_hand(true, S);
        assert_int_equal(k.close.last_us, -1);
        assert_int_equal(k.open.last_us, -1);
        for (int i = 0; i < 8; i++) { /* 8 ms and 12 ms: 10 ms is normal */
            switched(true, i % 2 ? 12 * MS : 8 * MS);
            switched(false, i % 2 ? 12 * MS : 8 * MS);
        }
        assert_in_range(k.close.normal_us, 9990, 10010);
        assert_in_range(k.open.normal_us, 9990, 10010);
        int32_t normal = side ? k.open.normal_us : k.close.normal_us, most = normal + normal / 2 + 5000;
        for (int i = 0; i < 5; i++) {
            switched(true, (uint64_t)(side ? normal : most));
            switched(false, (uint64_t)(side ? most : normal));
            assert_false(ko.drift);
        }
        assert_int_equal(side ? k.open.normal_us : k.close.normal_us, normal); /* learnt once */
        for (int i = 0; i < 3; i++) {
            assert_false(ko.drift);
            switched(true, (uint64_t)(side ? normal : most + 1));
            switched(false, (uint64_t)(side ? most + 1 : normal));
        }
        assert_true(ko.drift);
        switched(true, (uint64_t)normal);
        switched(false, (uint64_t)normal);
        assert_false(ko.drift); /* three in a row, not three in a life */
    }
}

/* A delay is measured once the contact has followed, from what it did after the coil. */
static void delays_are_the_contacts(void **state)
{
    (void)state;
    by_hand(true, S);
    ki.wish = CONTACTOR_CLOSE;
    one(10 * MS);
    ki.coil = true;
    ki.coil_us = ki.now_us;
    ki.aux_us = ki.coil_us + 5 * MS; /* it bounced, and is open */
    one(10 * MS);
    assert_int_equal(k.close.last_us, -1);
    ki.aux = true;
    ki.aux_us = ki.coil_us - 1; /* of an older frame */
    one(10 * MS);
    assert_true(ko.changed && k.closed);
    assert_int_equal(k.close.last_us, -1);
    ki.aux_us = ki.coil_us;
    one(10 * MS);
    assert_true(ko.changed); /* the delay is news */
    assert_int_equal(k.close.last_us, 0);
    one(10 * MS);
    assert_false(ko.changed);
    by_hand(false, S); /* without an auxiliary contact the coil is what is known */
    ki.coil = true;
    one(10 * MS);
    assert_true(ko.changed && k.closed);
    one(10 * MS);
    assert_false(ko.changed);
    assert_int_equal(k.close.last_us, -1);
}

/* 200 ms after the coil, contacts must agree with it; current proves them closed, whatever the auxiliary
 * contact says. */
static void contacts_and_coil(void **state)
{
    (void)state;
    static const struct {
        bool coil, fitted, aux, valid;
        int32_t ma;
        bool welded, no_close;
    } table[] = {
        {true, true, true, true, 0, false, false},         {true, true, false, true, 0, false, true},
        {true, true, false, true, 1000, false, false},     {true, true, false, true, 999, false, true},
        {true, false, false, true, 0, false, false},       {true, true, false, false, 16000, false, true},
        {false, true, false, true, 0, false, false},       {false, true, true, true, 0, true, false},
        {false, false, true, true, 0, false, false},       {false, false, false, true, 1000, true, false},
        {false, false, false, true, 999, false, false},    {false, true, false, true, 16000, true, false},
        {false, false, false, false, 16000, false, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        by_hand(table[i].fitted, S);
        ki.coil = table[i].coil;
        ki.coil_us = ki.now_us;
        ki.aux = table[i].aux;
        ki.current_valid = table[i].valid;
        ki.current_ma = table[i].ma;
        one(10 * MS);
        bool contrary = table[i].welded || table[i].no_close;
        assert_int_equal(ko.ready, !table[i].coil && !contrary);
        one(200 * MS - 1);
        assert_false(k.welded || k.no_close);
        one(1);
        assert_int_equal(k.welded, table[i].welded);
        assert_int_equal(k.no_close, table[i].no_close);
        one(S);
        assert_int_equal(k.welded, table[i].welded);
        ki.aux = ki.coil; /* and it ends when they agree */
        ki.current_ma = 0;
        one(1);
        assert_false(k.welded || k.no_close);
    }
    /* Each operation has its own 200 ms. */
    by_hand(true, S);
    ki.coil = true;
    ki.coil_us = ki.now_us;
    one(10 * MS);
    one(150 * MS);
    ki.coil = false;
    ki.coil_us = ki.now_us;
    ki.aux = true; /* it has closed too late, and now has to open */
    one(10 * MS);
    one(199 * MS);
    assert_false(k.welded);
    one(MS);
    assert_true(k.welded);
    /* Also when it begins at power-up. */
    contactor_init(&k, 0);
    ki = (struct contactor_in){.aux_fitted = true, .aux = true};
    one(0);
    one(200 * MS);
    assert_false(k.welded);
    one(1);
    assert_true(k.welded);
}

/* 2 s of rest between two operations; the first after power-up waits for nothing. */
static void rest_to_the_microsecond(void **state)
{
    (void)state;
    by_hand(false, S);
    assert_true(ko.ready);
    ki.wish = CONTACTOR_CLOSE;
    one(1);
    assert_false(ko.ready); /* armed */
    ki.coil = true;
    ki.coil_us = ki.now_us;
    one(1);
    ki.wish = CONTACTOR_OPEN_NOW;
    one(3 * S);
    assert_false(ko.ready); /* not armed, but the coil is still on */
    ki.coil = false;
    ki.coil_us = ki.now_us;
    one(2 * S - 1);
    assert_false(ko.ready);
    one(1);
    assert_true(ko.ready);
    ki.coil = true; /* on although nobody has armed it */
    one(1);
    assert_false(ko.ready);
}

/* ---- lock ---- */

static void lock_and_its_retries(void **state)
{
    (void)state;
    struct lock l;
    struct lock_out out;
    struct lock_in in = {.now_us = S, .fitted = false};
    lock_init(&l);
    lock_step(&l, &in, &out);
    assert_true(out.locked); /* where none is fitted nothing waits for it */
    in.fitted = true;
    lock_step(&l, &in, &out);
    assert_false(out.locked || out.drive);
    in.wanted = true;
    lock_step(&l, &in, &out);
    assert_true(out.drive);
    assert_false(out.locked);
    in.feedback = true;
    lock_step(&l, &in, &out);
    assert_true(out.locked && out.event && out.ok);
    in.wanted = false;
    in.live = true; /* never under load */
    lock_step(&l, &in, &out);
    assert_true(out.drive && out.locked);
    in.live = false;
    lock_step(&l, &in, &out);
    assert_false(out.drive);
    in.feedback = false;
    lock_step(&l, &in, &out);
    assert_true(out.event && out.ok);
    /* Jammed: three tries with pauses, then a fault; unlocking is tried for ever. */
    in.wanted = true;
    int tries = 0, events = 0;
    bool before = false;
    for (int i = 0; i < 1000; i++) {
        in.now_us += 10 * MS;
        lock_step(&l, &in, &out);
        tries += out.drive && !before;
        before = out.drive;
        events += out.event;
        if (out.event)
            assert_false(out.ok);
    }
    assert_int_equal(tries, LOCK_TRIES);
    assert_int_equal(events, 1);
    assert_true(out.fault);
    in.feedback = true; /* a person helped */
    lock_step(&l, &in, &out);
    assert_true(out.locked && !out.fault);
    in.wanted = false;
    events = 0;
    for (int i = 0; i < 3000; i++) {
        in.now_us += 10 * MS;
        lock_step(&l, &in, &out);
        events += out.event;
        assert_false(out.fault);
        assert_false(i > 2000 && out.locked);
    }
    assert_true(events >= 3);
    in.feedback = false;
    lock_step(&l, &in, &out);
    assert_true(out.event && out.ok);
    in.feedback = true; /* opened by hand while it should be locked, and the other way round: corrected */
    lock_step(&l, &in, &out);
    assert_int_equal(l.phase, LOCK_MOVING);
}

/* ---- residual-current monitor ---- */

static void monitor_test(void **state)
{
    (void)state;
    struct rcm r;
    struct rcm_out out;
    struct rcm_in in = {.now_us = S};
    rcm_init(&r);
    rcm_step(&r, &in, &out);
    assert_true(out.ok && !out.drive);
    in.fitted = true;
    rcm_step(&r, &in, &out);
    assert_false(out.ok);    /* not yet tested */
    assert_false(out.drive); /* contactor closed */
    in.may_test = true;
    in.output = true;
    rcm_step(&r, &in, &out);
    assert_false(out.drive); /* an output that is on would pass any test */
    in.output = false;
    rcm_step(&r, &in, &out);
    assert_true(out.drive && out.testing);
    in.output = true;
    in.now_us += 100 * MS;
    rcm_step(&r, &in, &out);
    assert_false(out.drive);
    assert_true(out.testing && !out.ok);
    in.output = false;
    rcm_step(&r, &in, &out);
    assert_true(out.ok && !out.testing);
    in.now_us += RCM_EVERY_US - S;
    rcm_step(&r, &in, &out);
    assert_true(out.ok);
    in.now_us += 2 * S;
    rcm_step(&r, &in, &out);
    rcm_step(&r, &in, &out);
    assert_true(out.drive); /* once a day */
    in.may_test = false;
    rcm_step(&r, &in, &out);
    assert_false(out.drive);
    in.may_test = true;
    int drives = 0;
    bool before = false;
    for (int i = 0; i < 200; i++) { /* it does not respond */
        in.now_us += 10 * MS;
        rcm_step(&r, &in, &out);
        drives += out.drive && !before;
        before = out.drive;
    }
    assert_int_equal(drives, RCM_TRIES);
    assert_true(out.failed && !out.ok);
    in.again = true;
    rcm_step(&r, &in, &out);
    in.again = false;
    rcm_step(&r, &in, &out);
    in.output = true;
    rcm_step(&r, &in, &out);
    for (int i = 0; i < 60; i++) { /* it does not let go */
        in.now_us += 10 * MS;
        rcm_step(&r, &in, &out);
    }
    assert_true(out.failed);
    in.output = false;
    in.charged = true;
    rcm_step(&r, &in, &out);
    in.charged = false;
    rcm_step(&r, &in, &out);
    assert_true(out.drive);
}

/* ---- over-current ---- */

static void seven_seconds(void **state)
{
    (void)state;
    assert_int_equal(overcurrent_threshold_ma(16000), 18100);
    assert_int_equal(overcurrent_threshold_ma(6000), 7100);
    assert_int_equal(overcurrent_fast_ma(32000), 38400);
    struct overcurrent o;
    overcurrent_init(&o);
    const int32_t at[3] = {18100, 0, 0}, over[3] = {0, 0, 18101};
    for (int i = 0; i < 2000; i++)
        assert_false(overcurrent_step(&o, true, 16000, at, 10000));
    for (int i = 0; i < 699; i++)
        assert_false(overcurrent_step(&o, true, 16000, over, 10000));
    assert_true(overcurrent_step(&o, true, 16000, over, 10000));
    overcurrent_init(&o);
    for (int i = 0; i < 650; i++)
        assert_false(overcurrent_step(&o, true, 16000, over, 10000));
    for (int i = 0; i < 300; i++) /* 3 s below take back 3 s */
        assert_false(overcurrent_step(&o, true, 16000, at, 10000));
    for (int i = 0; i < 349; i++)
        assert_false(overcurrent_step(&o, true, 16000, over, 10000));
    assert_true(overcurrent_step(&o, true, 16000, over, 10000));
    assert_false(overcurrent_step(&o, false, 0, over, 10000)); /* nothing offered: another rule */
    for (int i = 0; i < 6; i++)                                /* a stopped thread counts as one second */
        assert_false(overcurrent_step(&o, true, 16000, over, 60000000));
}

/* ---- derating ---- */

static int32_t derated(struct derate *d, int32_t mc, uint64_t now_us, bool valid, bool *hot)
{
    const struct derate_cfg cfg = {.start_mc = 60000, .stop_mc = 80000, .full_ma = 32000};
    struct derate_out out;
    derate_step(d, &cfg, true, valid, mc, now_us, &out);
    if (hot)
        *hot = out.too_hot;
    return out.limit_ma;
}

static void derating_line(void **state)
{
    (void)state;
    struct derate d;
    bool hot;
    static const struct {
        int32_t mc, ma;
    } line[] = {
        {-40000, LIMIT_NONE_MA}, {60000, LIMIT_NONE_MA}, {60625, 31000}, {65000, 24000}, {70000, 16000},
        {75000, 8000},           {76000, 6000},          {79999, 0},     {80000, 0},     {120000, 0}};
    for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) {
        derate_init(&d);
        assert_int_equal(derated(&d, line[i].mc, S, true, &hot), line[i].ma);
        assert_int_equal(hot, line[i].mc >= 90000);
    }
    derate_init(&d);
    assert_int_equal(derated(&d, 70000, S, true, NULL), 16000);
    assert_int_equal(derated(&d, 69100, S, true, NULL), 16000); /* not up again for a degree */
    assert_int_equal(derated(&d, 68000, S, true, NULL), 17000);
    assert_int_equal(derated(&d, 80000, S, true, NULL), 0);
    assert_int_equal(derated(&d, 76000, S, true, NULL), 0);
    assert_int_equal(derated(&d, 74000, S, true, NULL), 8000);
    assert_int_equal(derated(&d, 0, 2 * S, false, NULL), 8000); /* the sensor is silent */
    assert_int_equal(derated(&d, 999999, 11 * S, false, NULL), DERATE_BLIND_MA);
    assert_int_equal(derated(&d, 999999, 12 * S, true, NULL),
                     DERATE_BLIND_MA); /* what no sensor gives is no reading */
    assert_int_equal(derated(&d, 20000, 13 * S, true, NULL), LIMIT_NONE_MA);
    derate_init(&d);
    assert_int_equal(derated(&d, 0, 100 * S, false, NULL), LIMIT_NONE_MA); /* there never was one */
    const struct derate_cfg nonsense = {.start_mc = 80000, .stop_mc = 60000, .full_ma = 32000};
    struct derate_out out;
    derate_step(&d, &nonsense, true, true, 70000, S, &out);
    assert_int_equal(out.limit_ma, 0);
    derate_step(&d, &nonsense, false, true, 99000, S, &out);
    assert_int_equal(out.limit_ma, LIMIT_NONE_MA);
}

/* ---- faults ---- */

/* What each fault does, as an owner would be told. */
static const struct rule {
    enum fault id;
    enum fault_clears clears;
    uint32_t wait_s;
    uint8_t retries;
    bool state_f;
} rules[] = {
    /* A wet or worn plug, or one on its way out: after half a minute, three times, then by unplugging. */
    {FAULT_CP_SHORT, FAULT_CLEARS_ON_RETRY, 30, 3, false},
    {FAULT_CP_RANGE, FAULT_CLEARS_ON_RETRY, 30, 3, false},
    {FAULT_PILOT_DRIVER, FAULT_CLEARS_ON_RETRY, 30, 3, false},
    {FAULT_GUARD, FAULT_CLEARS_ON_RETRY, 30, 3, false},
    {FAULT_PP, FAULT_CLEARS_ON_RETRY, 5, 5, false},
    {FAULT_NO_CLOSE, FAULT_CLEARS_ON_RETRY, 10, 3, false},
    /* A car that draws too much gets two more chances, a minute apart. */
    {FAULT_OVERCURRENT, FAULT_CLEARS_ON_RETRY, 60, 2, false},
    /* What is no car, or a broken one, or has to be looked at by somebody: not with this car. */
    {FAULT_DIODE, FAULT_CLEARS_ON_UNPLUG, 1, 0, false},
    {FAULT_CABLE_CHANGED, FAULT_CLEARS_ON_UNPLUG, 1, 0, false},
    {FAULT_RCD, FAULT_CLEARS_ON_UNPLUG, 1, 0, false},
    {FAULT_OVERCURRENT_FAST, FAULT_CLEARS_ON_UNPLUG, 1, 0, false},
    {FAULT_LOCK, FAULT_CLEARS_ON_UNPLUG, 0, 0, false},
    /* What comes and goes by itself. The supply has a reconnect delay of its own. */
    {FAULT_NO_DIODE_CHECK, FAULT_CLEARS_ALONE, 0, 0, false},
    {FAULT_VENTILATION, FAULT_CLEARS_ALONE, 1, 0, false},
    {FAULT_OVERVOLTAGE, FAULT_CLEARS_ALONE, 0, 0, false},
    {FAULT_UNDERVOLTAGE, FAULT_CLEARS_ALONE, 0, 0, false},
    {FAULT_FREQUENCY, FAULT_CLEARS_ALONE, 0, 0, false},
    {FAULT_PHASE_LOSS, FAULT_CLEARS_ALONE, 0, 0, false},
    {FAULT_OVERTEMPERATURE, FAULT_CLEARS_ALONE, 60, 0, false},
    {FAULT_STARVED, FAULT_CLEARS_ALONE, 5, 0, false},
    /* No car may be told that all is well behind welded contacts or a monitor that does not work. */
    {FAULT_WELDED, FAULT_CLEARS_ON_COMMAND, 1, 0, true},
    {FAULT_RCM_TEST, FAULT_CLEARS_ON_COMMAND, 0, 0, true},
};

/* Raised at t, gone at t: from when on it clears, with nobody's help, within 1000 s; 0: not. */
static void raised_and_gone(struct faults *f, enum fault id, uint64_t t)
{
    faults_condition(f, id, true, 42, t);
    faults_condition(f, id, true, 43, t);
    faults_condition(f, id, false, 0, t);
}

static void each_fault_clears_by_its_rule(void **state)
{
    (void)state;
    assert_int_equal(sizeof rules / sizeof rules[0], FAULT_COUNT - 1);
    for (size_t n = 0; n < sizeof rules / sizeof rules[0]; n++) {
        const struct rule *r = &rules[n];
        enum fault id = r->id;
        const uint32_t bit = 1u << id;
        const uint64_t wait = r->wait_s * S;
        struct faults f;
        uint64_t t = S;

        faults_init(&f);
        faults_condition(&f, id, true, 42, t);
        assert_int_equal(f.raised, bit);
        assert_int_equal(faults_ruling(&f), id);
        assert_int_equal(faults_want_state_f(&f), r->state_f);
        for (int i = 0; i < 1000; i++) { /* never while its cause is there */
            faults_condition(&f, id, true, i, t += S);
            assert_int_equal(faults_step(&f, true, true, t), 0);
        }
        assert_int_equal(f.detail[id], 42); /* what is told is what it began with */
        assert_int_equal(f.raised_us[id], S);

        /* Alone, as often as it may, counted from when the cause was gone. */
        int alone = r->clears == FAULT_CLEARS_ALONE      ? 300
                    : r->clears == FAULT_CLEARS_ON_RETRY ? r->retries
                                                         : 0;
        faults_init(&f);
        for (int i = 0; i < alone; i++) {
            raised_and_gone(&f, id, t);
            for (uint64_t before = 1; before < wait; before *= 7) {
                faults_condition(&f, id, false, 0, t + before);
                assert_int_equal(faults_step(&f, false, false, t + before), 0);
            }
            if (wait)
                assert_int_equal(faults_step(&f, false, false, t + wait - 1), 0);
            assert_int_equal(faults_step(&f, false, false, t += wait), bit);
            assert_int_equal(f.raised, 0);
            assert_int_equal(faults_ruling(&f), FAULT_NONE);
            assert_false(faults_want_state_f(&f));
        }
        if (r->clears == FAULT_CLEARS_ALONE)
            continue;
        /* ... and then no more, however often it comes again. */
        for (int i = 0; i < 300; i++)
            raised_and_gone(&f, id, t);
        assert_int_equal(faults_step(&f, false, false, t += 1000 * S), 0);
        raised_and_gone(&f, id, t);
        assert_int_equal(faults_step(&f, false, false, t += 1000 * S), 0);
        /* The car has gone. */
        if (r->clears == FAULT_CLEARS_ON_COMMAND) {
            assert_int_equal(faults_step(&f, true, false, t += 1000 * S), 0);
        } else {
            struct faults g = f;
            if (r->clears == FAULT_CLEARS_ON_UNPLUG) {
                faults_condition(&g, id, true, 0, t);
                faults_condition(&g, id, false, 0, t);
                if (wait)
                    assert_int_equal(faults_step(&g, true, false, t + wait - 1), 0);
            }
            assert_int_equal(faults_step(&g, true, false, t + wait), bit);
            raised_and_gone(&g, id, t += wait); /* the next car starts afresh */
            assert_int_equal(faults_step(&g, false, false, t + wait),
                             r->clears == FAULT_CLEARS_ON_RETRY ? bit : 0);
        }
        /* A person has looked: at once, and afresh. */
        raised_and_gone(&f, id, t);
        assert_int_equal(faults_step(&f, false, true, t), bit);
        assert_int_equal(f.times[id], 0);
    }
}

static void counted_without_clearing(void **state)
{
    (void)state;
    struct faults f;
    faults_init(&f); /* a fault that comes more often than a byte counts does not get new chances by that */
    uint64_t t = S;
    for (int i = 0; i < 600; i++) {
        raised_and_gone(&f, FAULT_CP_SHORT, t);
        uint32_t alone = faults_step(&f, false, false, t += 30 * S);
        assert_int_equal(alone != 0, i < 3);
        f.raised = 0; /* as if it had cleared some other way */
    }
    assert_int_equal(f.times[FAULT_CP_SHORT], UINT8_MAX);
}

static void names_and_order_of_faults(void **state)
{
    (void)state;
    for (int id = FAULT_NONE; id < FAULT_COUNT; id++) {
        const struct fault_policy *p = fault_policy((enum fault)id);
        assert_true(strlen(p->name) >= 3);
        assert_string_equal(fault_name((enum fault)id), p->name);
        for (int other = 0; other < id; other++)
            assert_string_not_equal(fault_name((enum fault)other), p->name);
    }
    /* Names are in logs and at servers: they stay. */
    assert_string_equal(fault_name(FAULT_NONE), "NoError");
    assert_string_equal(fault_name(FAULT_CP_SHORT), "CpShort");
    assert_string_equal(fault_name(FAULT_WELDED), "Welded");
    assert_string_equal(fault_name(FAULT_GUARD), "Guard");
    assert_string_equal(fault_name(FAULT_COUNT), "unknown");
    for (int i = 0; i < 2; i++) { /* no fault, and what is none: clears at once, asks for nothing */
        const struct fault_policy *none = fault_policy(i ? FAULT_COUNT : FAULT_NONE);
        assert_string_equal(none->name, "NoError");
        assert_true(none->clears == FAULT_CLEARS_ALONE && !none->wait_ms && !none->retries && !none->state_f);
    }
    for (size_t n = 0; n < sizeof rules / sizeof rules[0]; n++)
        assert_int_equal(fault_policy(rules[n].id)->retries, rules[n].retries);
    struct faults f;
    faults_init(&f);
    faults_condition(&f, FAULT_NONE, true, 0, 1);
    faults_condition(&f, FAULT_COUNT, true, 0, 1);
    assert_int_equal(f.raised, 0);
    faults_condition(&f, FAULT_WELDED, true, 0, 5);
    faults_condition(&f, FAULT_CP_SHORT, true, 0, 6);
    assert_int_equal(faults_ruling(&f), FAULT_WELDED); /* the oldest */
    faults_condition(&f, FAULT_GUARD, true, 0, 7);
    assert_int_equal(faults_ruling(&f), FAULT_WELDED);
    faults_init(&f);
    faults_condition(&f, FAULT_GUARD, true, 0, 5);
    faults_condition(&f, FAULT_RCD, true, 0, 5);
    assert_int_equal(faults_ruling(&f), FAULT_RCD); /* of the same instant the first of the list */
}

static void a_condition_that_returns_waits_anew(void **state)
{
    (void)state;
    struct faults f;
    faults_init(&f);
    faults_condition(&f, FAULT_STARVED, true, 0, S);
    faults_condition(&f, FAULT_STARVED, false, 0, 2 * S);
    assert_int_equal(faults_step(&f, false, false, 6 * S), 0);
    faults_condition(&f, FAULT_STARVED, true, 0, 6 * S);
    faults_condition(&f, FAULT_STARVED, false, 0, 6 * S + 1);
    assert_int_equal(faults_step(&f, false, false, 8 * S), 0);
    assert_int_equal(faults_step(&f, false, false, 12 * S), 1u << FAULT_STARVED);
}

/* ---- self-test ---- */

static uint16_t test_run(struct selftest *t, struct selftest_in *in, uint64_t ms)
{
    uint16_t bp = 0;
    for (uint64_t end = in->now_us + ms * MS; in->now_us < end; in->now_us += 10 * MS) {
        bp = selftest_step(t, in);
        in->f_driven = bp == 0;
    }
    return bp;
}

static void self_test_misses_nothing(void **state)
{
    (void)state;
    const struct selftest_in good = {
        .now_us = S,
        .frame_rate_hz = 41300,
        .pilot = 'A',
        .read_valid = true,
        .read_ok = true,
        .bipolar = true,
        .contacts_open = true,
        .rcm_ok = true,
    };
    struct selftest t;
    struct selftest_in in = good;
    selftest_init(&t, S);
    assert_int_equal(test_run(&t, &in, 240), 10000);
    assert_int_equal(t.phase, SELFTEST_WATCH);
    assert_int_equal(test_run(&t, &in, 30), 0); /* state F is tried */
    in.pilot = 'F';
    assert_int_equal(test_run(&t, &in, 20), 10000);
    in.pilot = 'A';
    test_run(&t, &in, 50);
    assert_int_equal(t.phase, SELFTEST_PASSED);
    assert_int_equal(t.missing, 0);

    selftest_init(&t, S); /* with a car, or a front end that can't see it: no state F */
    in = good;
    in.pilot = 'B';
    test_run(&t, &in, 300);
    assert_int_equal(t.phase, SELFTEST_PASSED);
    selftest_init(&t, S);
    in = good;
    in.bipolar = false;
    test_run(&t, &in, 300);
    assert_int_equal(t.phase, SELFTEST_PASSED);

    for (int i = 0; i < 8; i++) {
        static const uint32_t missing[] = {
            SELFTEST_NO_FRAMES,    SELFTEST_NO_FRAMES, SELFTEST_NO_LEVEL, SELFTEST_NO_READ_BACK,
            SELFTEST_NO_READ_BACK, SELFTEST_COIL_ON,   SELFTEST_CONTACTS, 0};
        selftest_init(&t, S);
        in = good;
        in.frame_rate_hz = i == 0 ? 30000 : i == 1 ? 50000 : 41300;
        in.pilot = i == 2 ? '?' : 'B';
        in.read_valid = i != 3;
        in.read_ok = i != 4;
        in.coil = i == 5;
        in.contacts_open = i != 6;
        in.rcm_ok = i != 7;
        test_run(&t, &in, 990);
        assert_int_equal(t.missing, 0);
        test_run(&t, &in, 50);
        assert_int_equal(t.missing, missing[i]);
        assert_int_not_equal(t.phase, SELFTEST_PASSED);
        in = (struct selftest_in){.now_us = in.now_us,
                                  .frame_rate_hz = 41300,
                                  .pilot = 'B',
                                  .read_valid = true,
                                  .read_ok = true,
                                  .bipolar = true,
                                  .contacts_open = true,
                                  .rcm_ok = true};
        test_run(&t, &in, 50);
        if (i == 5)
            assert_int_not_equal(t.phase, SELFTEST_PASSED); /* a coil that was on once is no passing fault */
        else
            assert_int_equal(t.phase, SELFTEST_PASSED);
    }
    /* A fault rules the pilot while state F is wanted: that is no verdict on the driver. */
    selftest_init(&t, S);
    in = good;
    for (int i = 0; i < 200; i++, in.now_us += 10 * MS) {
        in.f_driven = false;
        selftest_step(&t, &in);
    }
    assert_int_equal(t.phase, SELFTEST_F);
    assert_int_equal(t.missing, 0);
    assert_int_equal(test_run(&t, &in, 30), 0);
    in.pilot = 'F';
    test_run(&t, &in, 20);
    in.pilot = 'A';
    test_run(&t, &in, 50);
    assert_int_equal(t.phase, SELFTEST_PASSED);

    selftest_init(&t, S);
    in = good;
    test_run(&t, &in, 600); /* the -12 V half does not come */
    assert_int_equal(t.missing, SELFTEST_NO_F);
    in.pilot = 'F';
    test_run(&t, &in, 250);
    assert_int_equal(t.missing, SELFTEST_NO_LEVEL); /* and now it does not go */
}

/* ---- times and edges, to the microsecond and the unit ---- */

static struct lock lk;
static struct lock_in li;
static struct lock_out lo;

static void lock_after(uint64_t us)
{
    li.now_us += us;
    lock_step(&lk, &li, &lo);
}

static void lock_fresh(bool feedback)
{
    lock_init(&lk);
    li = (struct lock_in){.now_us = 5 * S, .fitted = true, .feedback = feedback};
    lock_after(0);
}

/* The motor has a second, rests half a second, and tries three times. */
static void jams(bool target)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lo.drive, target);
        lock_after(1 * S - 1);
        assert_int_equal(lo.drive, target);
        assert_false(lo.event);
        lock_after(1);
        if (i == 2)
            break;
        assert_int_equal(lo.drive, !target); /* backs off */
        lock_after(S / 2 - 1);
        assert_int_equal(lo.drive, !target);
        lock_after(1);
    }
    assert_true(lo.event && !lo.ok);
}

static void lock_to_the_microsecond(void **state)
{
    (void)state;
    lock_fresh(false);
    li.wanted = true;
    lock_after(10 * MS);
    jams(true);
    assert_true(lo.fault);
    lock_after(1000 * S); /* locking is not tried for ever: a person looks */
    assert_true(lo.fault && !lo.event);
    li.wanted = false; /* the other way it starts at once, and afresh */
    li.feedback = true;
    lock_after(0);
    assert_false(lo.fault || lo.drive);
    jams(false);
    for (int i = 0; i < 3; i++) { /* unlocking is tried again every 5 s, once, and told each time */
        lock_after(5 * S - 1);
        assert_int_equal(lk.phase, LOCK_FAILED);
        lock_after(1);
        assert_int_equal(lk.phase, LOCK_MOVING);
        lock_after(1 * S - 1);
        assert_false(lo.event);
        lock_after(1);
        assert_true(lo.event && !lo.ok);
        assert_int_equal(lk.phase, LOCK_FAILED);
    }
    li.wanted = true;
    li.feedback = false;
    lock_after(0);
    jams(true);
    li.feedback = true; /* a person helped: told once */
    lock_after(10 * MS);
    assert_true(lo.event && lo.ok && lo.locked);
    for (int i = 0; i < 5; i++) {
        lock_after(10 * MS);
        assert_false(lo.event);
        assert_int_equal(lk.phase, LOCK_REST);
    }
    /* A change of mind turns the motor at once and gives it three tries of its own. */
    lock_fresh(false);
    li.wanted = true;
    lock_after(0);
    lock_after(1 * S);
    lock_after(S / 2);
    lock_after(1 * S);
    lock_after(S / 2); /* in the third try */
    lock_after(S / 2);
    li.wanted = false;
    li.feedback = true;
    lock_after(0);
    assert_false(lo.drive);
    jams(false);
    /* The same from rest: tries of an earlier operation do not count. */
    lock_fresh(false);
    li.wanted = true;
    lock_after(0);
    lock_after(1 * S);
    lock_after(S / 2);
    li.feedback = true;
    lock_after(10 * MS);
    assert_true(lo.event && lo.ok);
    li.feedback = false; /* opened by hand */
    lock_after(10 * MS);
    jams(true);
    /* A motor that rests rests, whatever comes meanwhile. */
    lock_fresh(false);
    li.wanted = true;
    lock_after(0);
    lock_after(1 * S);
    assert_int_equal(lk.phase, LOCK_PAUSING);
    li.feedback = true;
    lock_after(10 * MS);
    assert_false(lo.event);
    li.wanted = li.feedback = false;
    lock_after(10 * MS);
    assert_int_equal(lk.phase, LOCK_PAUSING);
    lock_after(S / 2);
    assert_int_equal(lk.phase, LOCK_MOVING);
    assert_false(lo.drive);
    /* Found locked at power-up, without a car: opened. */
    lock_fresh(true);
    assert_int_equal(lk.phase, LOCK_MOVING);
    jams(false);
}

static struct rcm rc;
static struct rcm_in ri;
static struct rcm_out ro;

static void rcm_after(uint64_t us)
{
    ri.now_us += us;
    rcm_step(&rc, &ri, &ro);
}

/* Drives, responds and lets go: a test that passes. */
static void rcm_passes(void)
{
    ri.may_test = true;
    for (int i = 0; i < 3 && !ro.drive; i++)
        rcm_after(0);
    assert_true(ro.drive && ro.testing && !ro.ok);
    ri.output = true;
    rcm_after(300 * MS - 1);
    assert_true(!ro.drive && ro.testing && !ro.ok);
    rcm_after(500 * MS - 1);
    assert_true(ro.testing && !ro.ok);
    ri.output = false;
    rcm_after(0);
    assert_true(ro.ok && !ro.testing && !ro.failed);
}

static void monitor_test_to_the_microsecond(void **state)
{
    (void)state;
    rcm_init(&rc);
    ri = (struct rcm_in){.now_us = 7 * S, .fitted = true};
    ro = (struct rcm_out){0};
    rcm_passes();
    /* Each reason for another by itself: a day, a charge, a person. */
    rcm_after(24ull * 3600 * S - 1);
    assert_int_equal(rc.phase, RCM_IDLE);
    rcm_after(1);
    rcm_passes();
    ri.charged = true;
    rcm_after(MS);
    ri.charged = false;
    rcm_passes();
    ri.again = true;
    rcm_after(MS);
    ri.again = false;
    rcm_passes();
    /* No answer within 0.3 s: once more, then it has failed; what was tried before does not count. */
    for (int round = 0; round < 2; round++) {
        ri.again = true;
        rcm_after(MS);
        ri.again = false;
        rcm_after(0);
        assert_true(ro.drive);
        rcm_after(300 * MS - 1);
        assert_true(ro.drive);
        rcm_after(1);
        assert_false(ro.drive);
        assert_int_equal(ro.failed, round); /* until one passes */
        rcm_after(0);
        assert_true(ro.drive); /* the second try follows */
        rcm_after(300 * MS);
        assert_true(ro.failed && !ro.ok && !ro.drive);
        rcm_after(3600 * S);
        assert_true(ro.failed && !ro.drive);
    }
    /* It answers and does not let go within 0.5 s: the same. */
    ri.again = true;
    rcm_after(MS);
    ri.again = false;
    for (int i = 0; i < 2; i++) {
        rcm_after(0);
        assert_true(ro.drive);
        ri.output = true;
        rcm_after(MS);
        rcm_after(500 * MS - 1);
        assert_true(ro.testing);
        rcm_after(1);
        assert_false(ro.testing);
        ri.output = false;
    }
    assert_true(ro.failed);
    ri.again = true;
    rcm_after(MS);
    ri.again = false;
    rcm_passes();
    /* The contactor closes in mid-test: another time, and soon. */
    ri.again = true;
    rcm_after(MS);
    ri.again = false;
    rcm_after(0);
    assert_true(ro.drive);
    ri.may_test = false;
    rcm_after(MS);
    assert_false(ro.drive);
    rcm_passes();
}

static void overcurrent_to_the_microsecond(void **state)
{
    (void)state;
    struct overcurrent o;
    for (int p = 0; p < 3; p++) { /* each phase counts */
        int32_t i_ma[3] = {0, 0, 0};
        i_ma[p] = 18101;
        overcurrent_init(&o);
        for (int i = 0; i < 6; i++)
            assert_false(overcurrent_step(&o, true, 16000, i_ma, 1000000));
        assert_false(overcurrent_step(&o, true, 16000, i_ma, 999999));
        assert_true(overcurrent_step(&o, true, 16000, i_ma, 1));
        /* Once it is full, more of the same does not make the way back longer. */
        for (int i = 0; i < 100; i++)
            assert_true(overcurrent_step(&o, true, 16000, i_ma, 1000000));
        i_ma[p] = 18100;
        assert_false(overcurrent_step(&o, true, 16000, i_ma, 1));
        i_ma[p] = 18101;
        assert_true(overcurrent_step(&o, true, 16000, i_ma, 1));
        /* Nothing offered: all is forgotten. */
        assert_false(overcurrent_step(&o, false, 0, i_ma, 10000));
        for (int i = 0; i < 6; i++)
            assert_false(overcurrent_step(&o, true, 16000, i_ma, 2000000)); /* a stopped thread: one second */
        assert_false(overcurrent_step(&o, true, 16000, i_ma, 999999));
        assert_true(overcurrent_step(&o, true, 16000, i_ma, 1));
    }
    const int32_t high_ma[3] = {18101, 0, 0};
    overcurrent_init(&o);
    for (int i = 0; i < 6; i++)
        assert_false(overcurrent_step(&o, true, 16000, high_ma, 1050000));
    assert_false(overcurrent_step(&o, true, 16000, high_ma, 999999));
    overcurrent_init(&o);
    assert_true(o.over_us[0] == 0 && o.over_us[1] == 0 && o.over_us[2] == 0);
}

static void derating_to_the_unit(void **state)
{
    (void)state;
    struct derate d;
    struct derate_out out;
    const struct derate_cfg cfg = {.start_mc = 60000, .stop_mc = 80000, .full_ma = 32000};
    bool hot;
    /* What no sensor gives is no reading: below absolute zero, above 300 °C. */
    static const struct {
        int32_t mc;
        bool read;
    } sensor[] = {{-273150, true}, {-273151, false}, {300000, true}, {300001, false}};
    for (size_t i = 0; i < sizeof sensor / sizeof sensor[0]; i++) {
        derate_init(&d);
        derate_step(&d, &cfg, true, true, sensor[i].mc, S, &out);
        assert_int_equal(d.seen, sensor[i].read);
    }
    /* What the reading says while it is not valid means nothing. */
    derate_init(&d);
    assert_int_equal(derated(&d, 50000, S, true, &hot), LIMIT_NONE_MA);
    assert_int_equal(derated(&d, 200000, S + 1, false, &hot), LIMIT_NONE_MA);
    assert_false(hot);
    assert_int_equal(derated(&d, 50000, 11 * S - 1, false, NULL), LIMIT_NONE_MA); /* 10 s */
    assert_int_equal(derated(&d, 50000, 11 * S, false, NULL), 6000);
    /* Too hot from 10 °C above the stop. */
    derate_init(&d);
    derated(&d, 89999, S, true, &hot);
    assert_false(hot);
    derated(&d, 90000, S, true, &hot);
    assert_true(hot);
    /* After a stop it goes on when 5 °C cooler. */
    derate_init(&d);
    assert_int_equal(derated(&d, 80000, S, true, NULL), 0);
    assert_int_equal(derated(&d, 75000, S, true, NULL), 0);
    assert_int_equal(derated(&d, 74999, S, true, NULL), 6000); /* as of 75.999 °C */
    /* The way back up begins a degree cooler. */
    derate_init(&d);
    assert_int_equal(derated(&d, 70000, S, true, NULL), 16000);
    assert_int_equal(derated(&d, 69000, S, true, NULL), 16000);
    assert_int_equal(d.warmest_mc, 70000);
    assert_int_equal(derated(&d, 68000, S, true, NULL), 17000);
    assert_int_equal(d.warmest_mc, 69000);
    /* At once as of the first reading, also a warm one. */
    derate_init(&d);
    assert_int_equal(derated(&d, -50000, S, true, NULL), LIMIT_NONE_MA);
    assert_int_equal(d.warmest_mc, -50000);
    /* A start at or above the stop is all or nothing. */
    const struct derate_cfg edge = {.start_mc = 70000, .stop_mc = 70000, .full_ma = 32000},
                            back = {.start_mc = 80000, .stop_mc = 70000, .full_ma = 32000},
                            thin = {.start_mc = 69999, .stop_mc = 70000, .full_ma = 32000};
    for (int32_t mc = 69999; mc <= 75000; mc += mc < 70001 ? 1 : 4999) {
        derate_init(&d);
        derate_step(&d, &edge, true, true, mc, S, &out);
        assert_int_equal(out.limit_ma, mc < 70000 ? LIMIT_NONE_MA : 0);
        derate_init(&d);
        derate_step(&d, &back, true, true, mc, S, &out);
        assert_int_equal(out.limit_ma, mc < 70000 ? LIMIT_NONE_MA : 0);
    }
    /* The installer has lowered the stop below what it has been: nothing, at the new stop and above it. */
    for (int32_t warmest = 61000; warmest <= 61500; warmest += 500)
        for (int turned = 0; turned < 2; turned++) {
            const struct derate_cfg lower = {
                .start_mc = turned ? 70000 : 50000, .stop_mc = 61000, .full_ma = 32000};
            derate_init(&d);
            derate_step(&d, &cfg, true, true, warmest, S, &out);
            derate_step(&d, &lower, true, true, 60600, S, &out);
            assert_int_equal(out.limit_ma, 0);
        }
    derate_init(&d);
    derate_step(&d, &thin, true, true, 69999, S, &out);
    assert_int_equal(out.limit_ma, LIMIT_NONE_MA);
}

static void self_test_to_the_microsecond(void **state)
{
    (void)state;
    const struct selftest_in good = {.now_us = S,
                                     .frame_rate_hz = 41300,
                                     .pilot = 'A',
                                     .read_valid = true,
                                     .read_ok = true,
                                     .bipolar = true,
                                     .f_driven = true,
                                     .contacts_open = true,
                                     .rcm_ok = true};
    struct selftest t;
    struct selftest_in i = good;
    /* The rate may be 10 % off. */
    static const struct {
        int32_t hz;
        bool right;
    } rate[] = {{37170, true}, {37169, false}, {45430, true}, {45431, false}};
    for (size_t n = 0; n < sizeof rate / sizeof rate[0]; n++) {
        i = good;
        i.frame_rate_hz = rate[n].hz;
        selftest_init(&t, S);
        i.now_us = S + 250 * MS;
        selftest_step(&t, &i);
        assert_int_equal(t.phase, rate[n].right ? SELFTEST_F : SELFTEST_WATCH);
    }
    /* Any car's level will do, and no other letter. */
    for (const char *p = "BCDEF?"; *p; p++) {
        i = good;
        i.pilot = *p;
        i.rcm_ok = false;
        selftest_init(&t, S);
        i.now_us = S + 250 * MS - 1;
        selftest_step(&t, &i);
        assert_int_equal(t.phase, SELFTEST_WATCH);
        i.now_us++;
        assert_int_equal(selftest_step(&t, &i), 10000);
        assert_int_equal(t.phase, *p <= 'D' && *p >= 'A' ? SELFTEST_RCM : SELFTEST_WATCH);
    }
    /* State F: read back within 0.2 s, let go within 0.2 s, and the monitor is waited for. */
    i = good;
    i.rcm_ok = false;
    selftest_init(&t, S);
    i.now_us = S + 250 * MS;
    assert_int_equal(selftest_step(&t, &i), 0);
    i.now_us += 200 * MS - 1;
    assert_int_equal(selftest_step(&t, &i), 0);
    assert_int_equal(t.missing, 0);
    i.now_us++;
    assert_int_equal(selftest_step(&t, &i), 10000); /* it has failed: the pilot is steady again */
    assert_int_equal(t.missing, SELFTEST_NO_F);
    i.pilot = 'F';
    i.now_us += MS;
    assert_int_equal(selftest_step(&t, &i), 10000);
    assert_int_equal(t.phase, SELFTEST_BACK);
    i.now_us += 200 * MS - 1;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, 0);
    i.now_us++;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, SELFTEST_NO_LEVEL);
    i.pilot = 'D';
    selftest_step(&t, &i);
    assert_int_equal(t.phase, SELFTEST_RCM);
    assert_int_equal(t.missing, 0);
    selftest_step(&t, &i);
    assert_int_equal(t.phase, SELFTEST_RCM);
    i.rcm_ok = true;
    selftest_step(&t, &i);
    assert_int_equal(t.phase, SELFTEST_PASSED);
    /* While something else rules the pilot, the time for state F does not run. */
    i = good;
    selftest_init(&t, S);
    i.now_us = S + 250 * MS;
    selftest_step(&t, &i);
    i.f_driven = false;
    i.now_us += 5 * S;
    assert_int_equal(selftest_step(&t, &i), 0);
    assert_int_equal(t.missing, 0);
    i.f_driven = true;
    i.now_us += 200 * MS - 1;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, 0);
    i.now_us++;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, SELFTEST_NO_F);
    i.f_driven = false; /* found missing is missing, until it comes */
    i.now_us += S;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, SELFTEST_NO_F);
    /* What is missing is told after a second, and no more once it is there. */
    i = good;
    i.contacts_open = false;
    selftest_init(&t, S);
    i.now_us = 2 * S - 1;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, 0);
    i.now_us++;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, SELFTEST_CONTACTS);
    i.contacts_open = true;
    selftest_step(&t, &i);
    assert_int_equal(t.missing, 0);
    /* A coil that is driven after the test is the guard's work. */
    i = good;
    i.pilot = 'B';
    selftest_init(&t, S);
    i.now_us = S + 250 * MS;
    selftest_step(&t, &i);
    selftest_step(&t, &i);
    assert_int_equal(t.phase, SELFTEST_PASSED);
    i.coil = true;
    selftest_step(&t, &i);
    assert_false(t.coil_seen);
}

/* IEC 61851-1 Table B.2, each window with 3 % for a cable that is held already, at the pin's 0.1 mV. */
static int32_t pin_dmv(double ohm)
{
    double parallel = ohm * 1900 / (ohm + 1900);
    return (int32_t)(3300 * parallel / (626 + parallel) * 10);
}

static void proximity_to_the_unit(void **state)
{
    (void)state;
    static const struct {
        int32_t ma, min_ohm, max_ohm;
    } w[] = {{13000, 1100, 2460}, {20000, 400, 936}, {32000, 164, 308}, {63000, 80, 140}};
    for (size_t i = 0; i < sizeof w / sizeof w[0]; i++) {
        int32_t low = 0, high = 0;
        assert_true(proximity_window_dmv(w[i].ma, &low, &high));
        assert_in_range(low, pin_dmv(w[i].min_ohm * 0.97) - 40, pin_dmv(w[i].min_ohm * 0.97) + 10);
        assert_in_range(high, pin_dmv(w[i].max_ohm * 1.03) - 40, pin_dmv(w[i].max_ohm * 1.03) + 10);
        /* All that reads as this rating, and no more than the hysteresis beyond it, lies within. */
        assert_true(proximity_mv_of_ohm(w[i].min_ohm) * 10 > low &&
                    proximity_mv_of_ohm(w[i].max_ohm) * 10 < high);
    }
    /* Open is what is above 20 kΩ: no cable is like that. */
    int32_t last = 0;
    for (int32_t mv = 2000; proximity_ohm_of_mv(mv) != PROXIMITY_OPEN_OHM; mv++)
        last = proximity_ohm_of_mv(mv);
    assert_in_range(last, 18500, 19999);
    assert_int_equal(proximity_ohm_of_mv(1), 626 / 3299);
    assert_int_equal(proximity_ohm_of_mv(6), 1);
    assert_int_equal(proximity_mv_of_ohm(0), 0);
    assert_int_equal(proximity_mv_of_ohm(-1), 0);
    assert_int_equal(proximity_mv_of_ohm(-1900), 0);
    assert_int_equal(proximity_mv_of_ohm(1), 0);
    assert_int_equal(proximity_mv_of_ohm(220), 789);

    /* Two whole readings must agree: 150 ms. */
    struct proximity p;
    proximity_init(&p);
    assert_false(proximity_step(&p, true, 793, 0)); /* the first time is a time too */
    assert_false(proximity_step(&p, true, 793, 150 * MS));
    assert_true(proximity_step(&p, true, 793, 150 * MS + 1));
    assert_int_equal(p.ma, 32000);
    assert_int_equal(p.mv, 793);
    assert_false(proximity_step(&p, true, 1466, S));
    assert_false(proximity_step(&p, true, 1466, S + 150 * MS - 1));
    assert_int_equal(p.ma, 32000);
    assert_true(proximity_step(&p, true, 1466, S + 150 * MS));
    assert_int_equal(p.ma, 20000);
    /* ... on the same: another candidate begins anew, and so does one after a good reading. */
    for (int i = 0; i < 20; i++)
        assert_false(proximity_step(&p, true, i % 2 ? 793 : 1890, (2000 + (uint64_t)i * 149) * MS));
    assert_false(proximity_step(&p, true, 1466, 10 * S));
    assert_false(proximity_step(&p, true, 793, 11 * S));
    assert_false(proximity_step(&p, true, 1466, 11 * S + 100 * MS));
    assert_false(proximity_step(&p, true, 793, 11 * S + 140 * MS));
    assert_false(proximity_step(&p, true, 793, 11 * S + 160 * MS));
    assert_true(proximity_step(&p, true, 793, 11 * S + 290 * MS));
    /* Just after a change the next one takes as long. */
    assert_false(proximity_step(&p, true, 1466, 11 * S + 300 * MS));
    assert_false(proximity_step(&p, true, 1466, 11 * S + 449 * MS));
    assert_true(proximity_step(&p, true, 1466, 11 * S + 450 * MS));
    /* At the edge of its window a cable keeps its rating, one step beyond it does not. */
    int32_t low = 0, high = 0;
    proximity_window_dmv(20000, &low, &high);
    uint64_t at = 20 * S;
    int32_t inside[] = {(low + 9) / 10, high / 10}, outside[] = {(low + 9) / 10 - 1, high / 10 + 1};
    for (int i = 0; i < 2; i++) {
        for (int n = 0; n < 10; n++)
            assert_false(proximity_step(&p, true, inside[i], at += S));
        assert_int_equal(p.ma, 20000);
        proximity_step(&p, true, outside[i], at += S);
        assert_true(proximity_step(&p, true, outside[i], at += S));
        assert_int_equal(p.ma, PROXIMITY_INVALID);
        proximity_step(&p, true, inside[i], at += S); /* and from outside the edge is not enough */
        assert_false(proximity_step(&p, true, inside[i], at += S));
        assert_int_equal(p.ma, PROXIMITY_INVALID);
        proximity_step(&p, true, 1466, at += S);
        assert_true(proximity_step(&p, true, 1466, at += S));
    }
    /* Nothing known of it any more is no cable to trust; nothing known yet is nothing. */
    assert_false(proximity_step(&p, false, 0, at += S));
    assert_true(proximity_step(&p, false, 0, at += S));
    assert_int_equal(p.ma, PROXIMITY_INVALID);
    assert_int_equal(p.mv, 1466);
    proximity_init(&p);
    for (int n = 0; n < 10; n++)
        assert_false(proximity_step(&p, false, 0, at += S));
    assert_false(p.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lock_to_the_microsecond),
        cmocka_unit_test(monitor_test_to_the_microsecond),
        cmocka_unit_test(overcurrent_to_the_microsecond),
        cmocka_unit_test(derating_to_the_unit),
        cmocka_unit_test(self_test_to_the_microsecond),
        cmocka_unit_test(proximity_to_the_unit),
        cmocka_unit_test(the_prototypes_voltages),
        cmocka_unit_test(ratings_and_gaps),
        cmocka_unit_test(cables_are_debounced),
        cmocka_unit_test(the_minimum_rules),
        cmocka_unit_test(contactor_cycle),
        cmocka_unit_test(ordinary_openings),
        cmocka_unit_test(welds),
        cmocka_unit_test(wear_is_noticed),
        cmocka_unit_test(soft_deadline_to_the_microsecond),
        cmocka_unit_test(wear_to_the_microsecond),
        cmocka_unit_test(delays_are_the_contacts),
        cmocka_unit_test(contacts_and_coil),
        cmocka_unit_test(rest_to_the_microsecond),
        cmocka_unit_test(lock_and_its_retries),
        cmocka_unit_test(monitor_test),
        cmocka_unit_test(seven_seconds),
        cmocka_unit_test(derating_line),
        cmocka_unit_test(each_fault_clears_by_its_rule),
        cmocka_unit_test(counted_without_clearing),
        cmocka_unit_test(names_and_order_of_faults),
        cmocka_unit_test(a_condition_that_returns_waits_anew),
        cmocka_unit_test(self_test_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
