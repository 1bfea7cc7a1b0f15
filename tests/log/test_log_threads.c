/* What the threads give each other for the log: notes of many writers, and black boxes that are read while
 * the next ones are written. Real threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/blackbox.h"
#include "log/inbox.h"

/* ---- notes ---- */

enum { WRITERS = 4, NOTES = 4000 };

struct writer {
    struct log_inbox *box;
    unsigned who;
    unsigned lost;
};

static void *write_notes(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; i < NOTES; i++) {
        char text[LOG_NOTE_MAX];
        snprintf(text, sizeof text, "%u %u", w->who, i);
        if (!log_inbox_put(w->box, i, LOG_INFO, text))
            w->lost++;
    }
    return NULL;
}

static void test_notes_of_many_threads(void **state)
{
    (void)state;
    static struct log_inbox box;
    struct writer w[WRITERS];
    pthread_t t[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        w[i] = (struct writer){.box = &box, .who = i};
        assert_int_equal(pthread_create(&t[i], NULL, write_notes, &w[i]), 0);
    }
    unsigned taken = 0, lost = 0, next[WRITERS] = {0};
    bool done = false;
    struct log_note n;
    for (;;) {
        if (log_inbox_take(&box, &n)) {
            unsigned who, i;
            assert_int_equal(sscanf(n.text, "%u %u", &who, &i), 2);
            assert_true(who < WRITERS && i >= next[who]); /* of one writer in its order */
            assert_int_equal(n.at_us, i);
            next[who] = i + 1;
            taken++;
            continue;
        }
        if (done)
            break;
        lost += log_inbox_take_lost(&box);
        if (taken + lost >= WRITERS * NOTES) {
            for (unsigned i = 0; i < WRITERS; i++)
                pthread_join(t[i], NULL);
            done = true;
        }
    }
    unsigned told = 0;
    for (unsigned i = 0; i < WRITERS; i++)
        told += w[i].lost;
    assert_int_equal(taken + told, WRITERS * NOTES);
    assert_int_equal(lost, told);
}

static void test_a_full_inbox_refuses_and_counts(void **state)
{
    (void)state;
    struct log_inbox box = {0};
    char longer[400];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    for (int i = 0; i < LOG_INBOX_SLOTS; i++)
        assert_true(log_inbox_put(&box, (uint64_t)i, LOG_ERROR, longer));
    assert_false(log_inbox_put(&box, 99, LOG_ERROR, "x"));
    assert_int_equal(log_inbox_take_lost(&box), 1);
    assert_int_equal(log_inbox_take_lost(&box), 0);
    struct log_note n;
    for (int i = 0; i < LOG_INBOX_SLOTS; i++) {
        assert_true(log_inbox_take(&box, &n));
        assert_int_equal(n.at_us, i);
        assert_int_equal(strlen(n.text), LOG_NOTE_MAX - 1);
    }
    assert_false(log_inbox_take(&box, &n));
}

/* ---- black boxes ---- */

enum { PERIOD_US = 10000, BOXES = 400 };

struct recording {
    struct blackbox box;
    atomic_bool stop;
    void *mem;
};

/* Each sample says which step it is of: a torn one, or one of another box, shows. */
static void step(struct blackbox *b, uint32_t i, uint32_t fault_every)
{
    struct blackbox_sample s = {
        .at_us = i, .cp_high_mv = (int16_t)(i & 0x7fff), .i_cma = {0, 0, (uint16_t)i}};
    if (blackbox_due(b))
        blackbox_add(b, &s);
    if (i % fault_every == 0)
        (void)blackbox_fault(b, i, (int32_t)(i / fault_every), (int32_t)i);
}

static void *record(void *arg)
{
    struct recording *r = arg;
    for (uint32_t i = 1; !atomic_load(&r->stop); i++)
        step(&r->box, i, 150);
    return NULL;
}

static void check_box(struct blackbox *b, const struct blackbox_box *box)
{
    const struct blackbox_sample *first = blackbox_at(b, box, 0);
    for (size_t i = 0; i < box->count; i++) {
        const struct blackbox_sample *s = blackbox_at(b, box, i);
        assert_int_equal(s->at_us, first->at_us + i);
        assert_int_equal(s->cp_high_mv, s->at_us & 0x7fff);
        assert_int_equal(s->i_cma[2], (uint16_t)s->at_us);
    }
    /* The fault's own instant is in it, and the second after. */
    assert_true(box->cause.at_us >= first->at_us && box->cause.at_us + 100 == first->at_us + box->count - 1);
}

static void test_boxes_are_whole_while_the_next_are_written(void **state)
{
    (void)state;
    static struct recording r;
    size_t bytes = blackbox_bytes(PERIOD_US);
    r.mem = aligned_alloc(8, bytes);
    blackbox_init(&r.box, r.mem, bytes, PERIOD_US);
    assert_int_equal(r.box.capacity, 500);
    assert_int_equal(r.box.every, 1);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, record, &r), 0);
    uint32_t last = 0;
    for (int read = 0; read < BOXES;) {
        struct blackbox_box box[BLACKBOX_HELD];
        unsigned n = blackbox_hold(&r.box, box, PERIOD_US);
        for (unsigned i = 0; i < n; i++) {
            assert_true(box[i].cause.number > (i ? box[i - 1].cause.number : 0));
            check_box(&r.box, &box[i]);
        }
        if (n) {
            assert_true(box[n - 1].cause.number >= last);
            last = box[n - 1].cause.number;
        }
        for (unsigned i = 0; i < n; i++)
            blackbox_release(&r.box, &box[i]);
        read += n > 0;
    }
    atomic_store(&r.stop, true);
    pthread_join(t, NULL);
    free(r.mem);
}

static void test_the_newest_boxes_are_kept_with_what_came_before_and_after(void **state)
{
    (void)state;
    struct blackbox b;
    size_t bytes = blackbox_bytes(PERIOD_US);
    void *mem = aligned_alloc(8, bytes);
    blackbox_init(&b, mem, bytes, PERIOD_US);
    struct blackbox_box box[BLACKBOX_HELD];
    assert_int_equal(blackbox_hold(&b, box, PERIOD_US), 0);
    uint32_t i = 1;
    for (; i <= 1000; i++)
        step(&b, i, 1000); /* fault 1 at 1000 */
    assert_int_equal(blackbox_newest(&b), 0);
    for (; i <= 1099; i++)
        step(&b, i, 1000);
    assert_int_equal(blackbox_newest(&b), 0); /* a second has not yet passed */
    step(&b, i++, 1000);
    assert_int_equal(blackbox_newest(&b), 1);
    assert_int_equal(blackbox_hold(&b, box, PERIOD_US), 1);
    assert_int_equal(box[0].count, 500);
    assert_int_equal(box[0].cause.fault, 1);
    assert_int_equal(box[0].period_us, PERIOD_US);
    assert_int_equal(blackbox_at(&b, &box[0], 0)->at_us, 601); /* 4 s before, 1 s after */
    assert_int_equal(blackbox_at(&b, &box[0], 499)->at_us, 1100);
    /* Held for as long as one likes: the others take turns, and this one stays. */
    for (; i <= 10500; i++)
        step(&b, i, 1000);
    assert_int_equal(blackbox_newest(&b), 10);
    assert_int_equal(blackbox_at(&b, &box[0], 0)->at_us, 601);
    blackbox_release(&b, &box[0]);
    assert_int_equal(blackbox_hold(&b, box, PERIOD_US), 2);
    assert_int_equal(box[0].cause.number, 9);
    assert_int_equal(box[1].cause.number, 10);
    check_box(&b, &box[0]);
    check_box(&b, &box[1]);
    /* Two held, and still every new fault finds a place. */
    for (; i <= 13500; i++)
        step(&b, i, 1000);
    assert_int_equal(blackbox_newest(&b), 13);
    check_box(&b, &box[0]);
    check_box(&b, &box[1]);
    blackbox_release(&b, &box[0]);
    blackbox_release(&b, &box[1]);
    /* Another fault while the box runs on belongs to it. */
    for (; i % 1000; i++)
        step(&b, i, 1000);
    step(&b, i++, 1000);
    assert_false(blackbox_fault(&b, i, 5, 5));
    free(mem);
}

static void test_little_memory_makes_it_coarser_and_none_makes_it_nothing(void **state)
{
    (void)state;
    struct blackbox b;
    _Alignas(8) static unsigned char mem[BLACKBOX_AREAS * 48 * sizeof(struct blackbox_sample)];
    blackbox_init(&b, mem, sizeof mem, PERIOD_US);
    assert_int_equal(b.capacity, 48);
    assert_int_equal(b.every, 11); /* 48 samples of 110 ms: more than 5 s */
    for (uint32_t i = 1; i < 5000; i++)
        step(&b, i, 2000);
    struct blackbox_box box[BLACKBOX_HELD];
    assert_int_equal(blackbox_hold(&b, box, PERIOD_US), 2);
    assert_int_equal(box[1].count, 48);
    assert_int_equal(box[1].period_us, 110000);
    assert_int_equal(blackbox_at(&b, &box[1], 47)->at_us - blackbox_at(&b, &box[1], 0)->at_us, 47 * 11);

    blackbox_init(&b, NULL, 0, PERIOD_US);
    for (uint32_t i = 1; i < 500; i++)
        step(&b, i, 20);
    assert_int_equal(blackbox_newest(&b), 0);
    assert_int_equal(blackbox_hold(&b, box, PERIOD_US), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_of_many_threads),
        cmocka_unit_test(test_a_full_inbox_refuses_and_counts),
        cmocka_unit_test(test_boxes_are_whole_while_the_next_are_written),
        cmocka_unit_test(test_the_newest_boxes_are_kept_with_what_came_before_and_after),
        cmocka_unit_test(test_little_memory_makes_it_coarser_and_none_makes_it_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
