/* The log: every sentence and its integers, what is kept and in which order, what is overwritten, what is
 * sent, what survives a reset cut at any place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log/log.h"

/* ---- the table ---- */

static int placeholders(const char *sentence, bool *text)
{
    int n = 0;
    *text = false;
    for (const char *p = sentence; (p = strchr(p, '{')) != NULL; p++) {
        if (strncmp(p, "{text}", 6) == 0)
            *text = true;
        else
            n++;
    }
    return n;
}

static void test_every_sentence_has_a_place_for_each_integer(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOG_EVENTS; i++) {
        const struct log_event_info *info = log_event_info(i);
        bool text;
        assert_non_null(info->sentence);
        assert_int_equal(placeholders(info->sentence, &text), info->ints);
        assert_int_equal(text, info->text);
        assert_true(info->level < LOG_LEVELS && info->module < LOG_MODULES);
        struct log_entry e = {
            .id = (uint16_t)i, .ints = info->ints, .value = {'A', 'B', 1, 1}, .text = "T", .text_len = 1};
        char line[LOG_LINE_MAX];
        assert_true(log_sentence(&e, line, sizeof line) > 0);
        assert_null(strchr(line, '{')); /* every kind of placeholder is known: an unknown one gives '?' */
        assert_null(strchr(line, '?'));
    }
    assert_string_equal(log_event_info(60000)->name, "text");
}

static const char *said(struct log_entry e)
{
    static char line[LOG_LINE_MAX];
    (void)log_sentence(&e, line, sizeof line);
    return line;
}

static void test_sentences(void **state)
{
    (void)state;
    assert_string_equal(said((struct log_entry){.id = LOG_EV_pilot, .ints = 3, .value = {'A', 'B', -9001}}),
                        "control pilot A -> B (-9001 mV)");
    assert_string_equal(
        said((struct log_entry){.id = LOG_EV_fault_raised, .ints = 2, .value = {1, INT32_MIN}}),
        "fault CpShort raised (-2147483648)");
    assert_string_equal(
        said((struct log_entry){.id = LOG_EV_guard_trip, .ints = 4, .value = {5, 4, 0, -16005}}),
        "guard opened the contactor: left C, CP short (first CP short); pilot 0 mV, -16.005 A");
    assert_string_equal(said((struct log_entry){.id = LOG_EV_contactor, .ints = 2, .value = {1, 23000}}),
                        "contactor closed after 23000 us");
    assert_string_equal(said((struct log_entry){.id = LOG_EV_lines_before, .ints = 1, .value = {-1}}),
                        "4294967295 log lines are from before this restart");
    /* An entry that lost its integers says so rather than to read what is not there; nonsense is nonsense. */
    assert_string_equal(said((struct log_entry){.id = LOG_EV_pilot, .ints = 1, .value = {'A'}}),
                        "control pilot A -> ? (? mV)");
    (void)said((struct log_entry){.id = LOG_EV_state, .ints = 2, .value = {-1, 9999}});
    (void)said((struct log_entry){.id = LOG_EV_limit, .ints = 2, .value = {1, -7}});
    (void)said((struct log_entry){.id = LOG_EV_fault_cleared, .ints = 1, .value = {4711}});
}

static void test_text_is_made_fit(void **state)
{
    (void)state;
    char line[12];
    struct log_entry e = {.id = LOG_EV_TEXT, .text = "a\nb\xff\xc3\xa4", .text_len = 6};
    assert_string_equal(said(e), "a b?\xc3\xa4");
    e = (struct log_entry){.id = LOG_EV_TEXT, .text = "1234567890\xc3\xa4", .text_len = 12};
    assert_int_equal(log_sentence(&e, line, sizeof line), 10); /* half a character is none */
    assert_string_equal(line, "1234567890");
    e = (struct log_entry){.id = LOG_EV_TEXT, .text = "12345678\xe2\x82", .text_len = 10};
    assert_string_equal(said(e), "12345678??"); /* not cut here: it came like that */
    assert_int_equal(log_sentence(&e, line, 0), 0);
    assert_int_equal(log_sentence(&e, line, 1), 0);
    assert_string_equal(line, "");
}

/* ---- the ring ---- */

static struct log_entry numbered(uint32_t n)
{
    static char text[LOG_TEXT_MAX];
    memset(text, 'a' + (int)(n % 26), sizeof text);
    struct log_entry e = {.n = n,
                          .id = (uint16_t)(n % LOG_EVENTS),
                          .at_us = (uint64_t)n << 20,
                          .ints = (uint8_t)(n % (LOG_INTS_MAX + 1)),
                          .text = text,
                          .text_len = n * 7 % (LOG_TEXT_MAX + 1)};
    for (int i = 0; i < e.ints; i++)
        e.value[i] = (int32_t)(n * 31 + (uint32_t)i);
    return e;
}

static void check(const struct log_entry *e, uint32_t n)
{
    struct log_entry x = numbered(n);
    assert_int_equal(e->n, n);
    assert_int_equal(e->id, x.id);
    assert_int_equal(e->at_us, x.at_us);
    assert_int_equal(e->ints, x.ints);
    assert_memory_equal(e->value, x.value, x.ints * sizeof x.value[0]);
    assert_int_equal(e->text_len, x.text_len);
    assert_memory_equal(e->text, x.text, x.text_len);
}

struct gone {
    uint32_t count, last;
};

static void gone(void *ctx, uint32_t serial, const struct log_entry *e)
{
    struct gone *g = ctx;
    assert_int_equal(e->n, g->last + 1); /* the oldest first, none left out */
    assert_int_equal(serial, g->count);
    g->last = e->n;
    g->count++;
}

static void test_the_newest_stay_in_order(void **state)
{
    (void)state;
    for (size_t bytes = LOG_RING_BYTES_MIN; bytes < LOG_RING_BYTES_MIN + 300; bytes += 4) {
        _Alignas(8) static unsigned char mem[2048];
        struct log_ring *r = log_ring_make(mem, bytes, 1);
        struct gone g = {0};
        assert_non_null(r);
        for (uint32_t n = 1; n <= 400; n++) {
            struct log_entry e = numbered(n);
            log_ring_put(r, &e, gone, &g);
            struct log_place place = {0};
            uint32_t at = g.last;
            while (log_ring_next(r, &place, &e))
                check(&e, ++at);
            assert_int_equal(at, n); /* up to the newest, from right behind the last one that went */
            struct log_place end = log_ring_end(r);
            assert_int_equal(end.serial, place.serial);
            assert_int_equal(end.serial, n);
        }
        assert_true(r->count > 2);
    }
    assert_null(log_ring_make(NULL, 4096, 1));
    _Alignas(8) unsigned char small[64];
    assert_null(log_ring_make(small, sizeof small, 1));
}

static void test_a_slow_reader_goes_on_at_the_oldest(void **state)
{
    (void)state;
    _Alignas(8) static unsigned char mem[2048];
    struct log_ring *r = log_ring_make(mem, sizeof mem, 1);
    struct log_place place = {0};
    struct log_entry e = numbered(1);
    log_ring_put(r, &e, NULL, NULL);
    assert_true(log_ring_next(r, &place, &e));
    assert_false(log_ring_next(r, &place, &e));
    for (uint32_t n = 2; n <= 200; n++) {
        e = numbered(n);
        log_ring_put(r, &e, NULL, NULL);
        if (n % 3 == 0) /* keeps pace: misses nothing */
            for (uint32_t k = n - 2 + (n == 3 ? 1 : 0); k <= n; k++) {
                if (n == 3 && k == 2) {
                    assert_true(log_ring_next(r, &place, &e));
                    check(&e, 2);
                    continue;
                }
                if (log_ring_next(r, &place, &e))
                    check(&e, k);
            }
    }
    place = (struct log_place){.serial = 1, .offset = 16}; /* far behind: the oldest that is there */
    assert_true(log_ring_next(r, &place, &e));
    assert_int_equal(e.n, 200 - r->count + 1);
}

/* A panic at any byte: what was complete stays. */
static void test_what_a_crash_leaves_is_found(void **state)
{
    (void)state;
    _Alignas(8) static unsigned char mem[1536], copy[1536];
    for (uint32_t lines = 0; lines < 60; lines += 7) {
        struct log_ring *r = log_ring_make(mem, sizeof mem, 77);
        for (uint32_t n = 1; n <= lines; n++) {
            struct log_entry e = numbered(n);
            log_ring_put(r, &e, NULL, NULL);
        }
        memcpy(copy, mem, sizeof mem);
        struct log_ring *left = log_ring_find(copy, sizeof copy);
        assert_non_null(left);
        assert_int_equal(left->count, r->count);
        assert_int_equal(left->boot, 77);
        struct log_place place = {0};
        struct log_entry e;
        uint32_t at = lines - r->count;
        while (log_ring_next(left, &place, &e))
            check(&e, ++at);
        assert_int_equal(at, lines);
        /* Any damage: never more than there was, nothing that was not there, nothing outside the memory. */
        for (size_t i = 0; i < sizeof copy; i++) {
            memcpy(copy, mem, sizeof mem);
            copy[i] ^= (unsigned char)(1u << (i % 8));
            left = log_ring_find(copy, sizeof copy);
            if (!left)
                continue;
            place = (struct log_place){0};
            unsigned n = 0;
            while (log_ring_next(left, &place, &e) && n <= r->count)
                n++;
            assert_true(n <= r->count);
            e = numbered(5);
            for (int k = 0; k < 20; k++)
                log_ring_put(left, &e, NULL, NULL);
        }
    }
    memset(mem, 0xa5, sizeof mem);
    assert_null(log_ring_find(mem, sizeof mem));
    assert_null(log_ring_find(NULL, 4096));
}

/* ---- the log ---- */

struct bed {
    struct log log;
    _Alignas(8) unsigned char ring[4096], kept[2048];
    int shown, shown_level;
    char line[LOG_LINE_MAX];
};

static void show(void *ctx, int level, const char *text)
{
    struct bed *b = ctx;
    b->shown++;
    b->shown_level = level;
    snprintf(b->line, sizeof b->line, "%s", text);
}

static void begin(struct bed *b, uint32_t boot)
{
    const struct log_memory m = {b->ring, sizeof b->ring, b->kept, sizeof b->kept};
    log_init(&b->log, &m, boot);
    b->log.show = show;
    b->log.show_ctx = b;
}

static void test_levels_and_modules(void **state)
{
    (void)state;
    static struct bed b;
    begin(&b, 1);
    log_locked(&b.log, 5); /* debug: shown, not kept */
    assert_int_equal(b.shown, 1);
    assert_int_equal(b.shown_level, LOG_DEBUG);
    assert_int_equal(b.log.n, 0);
    log_pilot(&b.log, 6, 'A', 'B', 9000);
    assert_string_equal(b.line, "control pilot A -> B (9000 mV)");
    assert_int_equal(b.log.n, 1);
    assert_true(log_filter_parse(1, "pilot=0,lock=3", &b.log.filter));
    log_pilot(&b.log, 7, 'B', 'C', 6000);
    log_locked(&b.log, 8);
    log_cable(&b.log, 9, 20000);
    log_fault_raised(&b.log, 10, 1, 0);
    struct log_place place = {0};
    struct log_entry e;
    const uint16_t expected[] = {LOG_EV_pilot, LOG_EV_locked, LOG_EV_fault_raised};
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(log_next(&b.log, &place, &e));
        assert_int_equal(e.id, expected[i]);
        assert_int_equal(e.n, i + 1);
    }
    assert_false(log_next(&b.log, &place, &e));
    assert_false(log_filter_parse(1, "pilot=0,nothing=3", &b.log.filter));
    assert_int_equal(b.log.filter.level[LOG_PILOT], 0);
    assert_false(log_filter_parse(1, "pilot=9", &b.log.filter));
    assert_false(log_filter_parse(1, "pilot", &b.log.filter));
    assert_false(log_filter_parse(1, "=1,,", &b.log.filter));
    assert_true(log_filter_parse(99, "", &b.log.filter));
    assert_int_equal(b.log.filter.level[LOG_PILOT], LOG_DEBUG);
}

static void test_a_text_tells_its_module(void **state)
{
    (void)state;
    static struct bed b;
    begin(&b, 1);
    struct log_place place = {0};
    struct log_entry e;
    log_text(&b.log, 1, LOG_WARNING, "ocpp: no useful answer");
    assert_true(log_next(&b.log, &place, &e));
    assert_int_equal(e.module, LOG_OCPP);
    assert_int_equal(e.level, LOG_WARNING);
    assert_string_equal(said(e), "no useful answer");
    log_text(&b.log, 1, LOG_WARNING, "display: dark: really");
    assert_true(log_next(&b.log, &place, &e));
    assert_int_equal(e.module, LOG_SYSTEM);
    assert_string_equal(said(e), "display: dark: really");
}

static void test_what_is_sent_and_what_is_lost(void **state)
{
    (void)state;
    static struct bed b;
    begin(&b, 1);
    b.log.filter.level[LOG_LOCK] = LOG_DEBUG;
    struct log_place place = {0};
    struct log_entry e;
    assert_false(log_unsent(&b.log, &place, &e));
    log_cable(&b.log, 1, 1);
    log_locked(&b.log, 2); /* kept, not for the server */
    log_cable(&b.log, 3, 2);
    assert_true(log_unsent(&b.log, &place, &e));
    assert_int_equal(e.n, 1);
    assert_true(log_unsent(&b.log, &place, &e));
    assert_int_equal(e.n, 3);
    assert_false(log_unsent(&b.log, &place, &e));
    struct log_place again = {0}; /* no answer came: the same once more */
    assert_true(log_unsent(&b.log, &again, &e));
    assert_int_equal(e.n, 1);
    log_sent(&b.log, &again);
    again = (struct log_place){0};
    assert_true(log_unsent(&b.log, &again, &e));
    assert_int_equal(e.n, 3);
    log_sent(&b.log, &place);
    again = (struct log_place){0};
    assert_false(log_unsent(&b.log, &again, &e));
    log_sent(&b.log, &(struct log_place){0}); /* an older mark takes nothing back */
    again = (struct log_place){0};
    assert_false(log_unsent(&b.log, &again, &e));

    assert_int_equal(b.log.lost, 0);
    uint32_t kept = 0, before = b.log.n;
    for (int i = 0; i < 1000; i++) {
        log_cable(&b.log, 4, i);
        log_locked(&b.log, 4);
    }
    again = (struct log_place){0};
    while (log_unsent(&b.log, &again, &e))
        kept++;
    assert_int_equal(b.log.n, before + 2000);
    assert_int_equal(b.log.lost + kept, 1000); /* locks are nobody's loss */
    assert_true(kept > 20);
    b.log.filter.send = LOG_NOT_SENT;
    again = (struct log_place){0};
    assert_false(log_unsent(&b.log, &again, &e));
    uint32_t lost = b.log.lost;
    for (int i = 0; i < 1000; i++)
        log_cable(&b.log, 4, i);
    assert_int_equal(b.log.lost, lost);
}

static void test_lines_survive_a_reset_once(void **state)
{
    (void)state;
    static struct bed b;
    memset(&b, 0xa5, sizeof b);
    begin(&b, 7);
    assert_int_equal(b.log.before.lines, 0);
    log_clock(&b.log, 1000000);
    for (int i = 1; i <= 300; i++)
        log_cable(&b.log, (uint64_t)i * 1000, i);
    uint32_t kept = b.log.kept->count;
    assert_true(kept > 20 && kept < 300);

    memset(b.ring, 0xa5, sizeof b.ring); /* what does not survive */
    begin(&b, 7);                        /* the random number happens to be the same: still another name */
    assert_int_equal(b.log.before.lines, kept);
    assert_int_equal(b.log.before.boot, 7);
    assert_int_not_equal(b.log.boot, 7);
    log_cable(&b.log, 5, 4711);
    struct log_place place = {0};
    struct log_entry e;
    for (uint32_t i = 0; i < kept; i++) {
        int64_t ms = 0;
        assert_true(log_unsent(&b.log, &place, &e));
        assert_true(e.before);
        assert_int_equal(e.n, 300 - kept + 1 + i);
        assert_int_equal(e.value[0], e.n);
        assert_true(log_wall_ms(&b.log, &e, false, 0, &ms));
        assert_int_equal(ms, 1000000 + e.n);
    }
    assert_true(log_unsent(&b.log, &place, &e));
    assert_false(e.before);
    assert_int_equal(e.n, 1);
    int64_t ms = 0;
    assert_false(log_wall_ms(&b.log, &e, false, 0, &ms));
    assert_true(log_wall_ms(&b.log, &e, true, 500, &ms));
    assert_int_equal(ms, 500);

    begin(&b, 9); /* and they are told once only */
    assert_int_equal(b.log.before.lines, 1);
}

/* After an update, or its rollback, an id may stand for another sentence. */
static void test_lines_of_other_firmware_are_not_misread(void **state)
{
    (void)state;
    static struct bed b;
    memset(&b, 0, sizeof b);
    begin(&b, 7);
    log_pilot(&b.log, 1000, 'A', 'B', -9000);
    log_link_open(&b.log, 2000, "ocpp2.0.1");
    log_text(&b.log, 3000, LOG_WARNING, "update: it has failed");
    b.log.kept->table++; /* as other firmware's */
    begin(&b, 8);
    assert_int_equal(b.log.before.lines, 3);
    struct log_place place = {0};
    struct log_entry e;
    char want[80];
    assert_true(log_next(&b.log, &place, &e));
    snprintf(want, sizeof want, "event %u of the firmware before: 65 66 -9000 ", (unsigned)LOG_EV_pilot);
    assert_string_equal(said(e), want);
    assert_int_equal(e.level, LOG_INFO);
    assert_int_equal(e.at_us, 1000);
    assert_true(e.before);
    assert_true(log_next(&b.log, &place, &e));
    snprintf(want, sizeof want, "event %u of the firmware before: ocpp2.0.1", (unsigned)LOG_EV_link_open);
    assert_string_equal(said(e), want);
    assert_true(log_next(&b.log, &place, &e));
    assert_string_equal(said(e), "it has failed");
}

static void test_no_memory_is_no_log(void **state)
{
    (void)state;
    struct log l;
    log_init(&l, &(struct log_memory){0}, 1);
    log_cable(&l, 1, 1);
    struct log_place place = {0};
    struct log_entry e;
    assert_false(log_next(&l, &place, &e));
    assert_false(log_unsent(&l, &place, &e));
    log_clock(&l, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sentence_has_a_place_for_each_integer),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_text_is_made_fit),
        cmocka_unit_test(test_the_newest_stay_in_order),
        cmocka_unit_test(test_a_slow_reader_goes_on_at_the_oldest),
        cmocka_unit_test(test_what_a_crash_leaves_is_found),
        cmocka_unit_test(test_levels_and_modules),
        cmocka_unit_test(test_a_text_tells_its_module),
        cmocka_unit_test(test_what_is_sent_and_what_is_lost),
        cmocka_unit_test(test_lines_survive_a_reset_once),
        cmocka_unit_test(test_lines_of_other_firmware_are_not_misread),
        cmocka_unit_test(test_no_memory_is_no_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
