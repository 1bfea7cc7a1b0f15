/* Registers over a crash: torn copies, noise, marks that are newer, and values that can't be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "station/registers.h"
#include "station/retained.h"

struct memory {
    _Alignas(8) unsigned char byte[PORT_RETAINED_BYTES];
};

static struct meter_reading reading(uint64_t total_uwh)
{
    struct meter_reading r = {.import_total_uwh = total_uwh};
    r.import_uwh[0] = total_uwh / 2;
    r.import_uwh[1] = total_uwh / 4;
    r.import_uwh[2] = total_uwh - r.import_uwh[0] - r.import_uwh[1];
    return r;
}

static struct durable_registers mark_of(uint64_t total_uwh, uint32_t cycles)
{
    return (struct durable_registers){.meter = reading(total_uwh), .contactor_cycles = cycles};
}

static void keep(struct memory *m, struct registers_kept *k, uint64_t total_uwh, uint32_t cycles,
                 unsigned run_s)
{
    struct meter_reading r = reading(total_uwh);
    registers_keep(m->byte, k, &r, cycles, run_s * 1000000ull);
}

static void noise(struct memory *m)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < sizeof m->byte; i++) {
        x = x * 1664525u + 1013904223u;
        m->byte[i] = (unsigned char)(x >> 24);
    }
}

static void test_the_newest_is_recalled(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers mark = mark_of(5000000, 3), out;
    noise(&m);
    assert_false(registers_recall(m.byte, &mark, &out));
    for (uint64_t uwh = 5000000; uwh <= 5900000; uwh += 60000)
        keep(&m, &k, uwh, 4, 10);
    assert_true(registers_recall(m.byte, &mark, &out));
    struct meter_reading want = reading(5900000);
    assert_int_equal(out.meter.import_total_uwh, 5900000);
    assert_memory_equal(out.meter.import_uwh, want.import_uwh, sizeof want.import_uwh);
    assert_int_equal(out.contactor_cycles, 4);
    assert_false(registers_recall(NULL, &mark, &out));
    struct registers_kept none = {0};
    keep(&m, &none, 1, 1, 1);
    registers_keep(NULL, &none, &want, 1, 1); /* a machine without such memory */
}

static void test_only_its_own_part_is_written(void **state)
{
    (void)state;
    struct memory m, before;
    struct registers_kept k = {0};
    noise(&m);
    before = m;
    for (unsigned i = 0; i < 10; i++)
        keep(&m, &k, i * 1000, i, i);
    assert_memory_equal(m.byte + RETAINED_UPDATE, before.byte + RETAINED_UPDATE,
                        PORT_RETAINED_BYTES - RETAINED_UPDATE);
}

/* Cut after each byte of a copy: the one before stands. */
static void test_a_torn_copy(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers mark = mark_of(1000, 0), out;
    noise(&m);
    keep(&m, &k, 2000000, 1, 5);
    for (unsigned round = 0; round < 2; round++) {
        struct memory old = m;
        uint64_t was = 2000000 + round * 1000, is = was + 1000;
        keep(&m, &k, is, 1, 5);
        for (size_t cut = 0; cut <= RETAINED_REGISTERS_BYTES; cut++) {
            struct memory torn = old;
            memcpy(torn.byte, m.byte, cut);
            assert_true(registers_recall(torn.byte, &mark, &out));
            assert_true(out.meter.import_total_uwh == was || out.meter.import_total_uwh == is);
        }
        assert_int_equal(out.meter.import_total_uwh, is);
    }
}

static void test_a_rotten_bit_is_noticed(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers mark = mark_of(0, 0), out;
    noise(&m);
    keep(&m, &k, 2000000, 1, 5);
    keep(&m, &k, 2001000, 1, 5);
    unsigned older = 0;
    for (size_t bit = 0; bit < RETAINED_REGISTERS_BYTES * 8; bit++) {
        struct memory bad = m;
        bad.byte[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_true(registers_recall(bad.byte, &mark, &out));
        if (out.meter.import_total_uwh == 2000000)
            older++;
        else
            assert_int_equal(out.meter.import_total_uwh, 2001000);
    }
    assert_true(older > 400); /* the bits of the newer copy */
}

static void test_never_behind_the_mark(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers out, mark = mark_of(3000000, 7);
    noise(&m);
    keep(&m, &k, 2999999, 7, 5);
    assert_false(registers_recall(m.byte, &mark, &out));
    keep(&m, &k, 3000000, 7, 5);
    assert_false(registers_recall(m.byte, &mark, &out)); /* the same is not newer */
    keep(&m, &k, 3000000, 8, 5);
    assert_true(registers_recall(m.byte, &mark, &out));
    assert_int_equal(out.contactor_cycles, 8);
    keep(&m, &k, 3100000, 6, 5);
    assert_false(registers_recall(m.byte, &mark, &out));
    struct durable_registers skewed = mark_of(3000000, 6);
    skewed.meter.import_uwh[2] += 500000; /* one phase would go back */
    assert_false(registers_recall(m.byte, &skewed, &out));
}

static void test_never_more_than_can_have_flowed(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers out, mark = mark_of(0, 0);
    noise(&m);
    keep(&m, &k, 2000 * 1000000ull, 1, 0); /* 2 kWh in two minutes: 60 kW */
    assert_true(registers_recall(m.byte, &mark, &out));
    keep(&m, &k, 3000 * 1000000ull, 1, 0);
    assert_false(registers_recall(m.byte, &mark, &out));
    assert_true(registers_recall(m.byte, NULL, &out)); /* no journal: there is nothing better */
    keep(&m, &k, 72000 * 1000000ull, 1, 3600);
    assert_true(registers_recall(m.byte, &mark, &out));
}

/* What an earlier run has left must not come back, however often it had counted. */
static void test_a_start_takes_both_copies(void **state)
{
    (void)state;
    struct memory m;
    struct registers_kept k = {0};
    struct durable_registers out, mark = mark_of(0, 0);
    noise(&m);
    for (unsigned i = 1; i <= 1000; i++)
        keep(&m, &k, i * 1000, 0, 5);
    struct registers_kept next = {0};
    mark = mark_of(400000, 0);
    keep(&m, &next, 400000, 0, 0);
    assert_false(registers_recall(m.byte, &mark, &out));
    keep(&m, &next, 400500, 0, 1);
    assert_true(registers_recall(m.byte, &mark, &out));
    assert_int_equal(out.meter.import_total_uwh, 400500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_newest_is_recalled),
        cmocka_unit_test(test_only_its_own_part_is_written),
        cmocka_unit_test(test_a_torn_copy),
        cmocka_unit_test(test_a_rotten_bit_is_noticed),
        cmocka_unit_test(test_never_behind_the_mark),
        cmocka_unit_test(test_never_more_than_can_have_flowed),
        cmocka_unit_test(test_a_start_takes_both_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
