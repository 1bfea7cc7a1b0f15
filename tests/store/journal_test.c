/* The journal's promises one by one; power cuts are powercut.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "linux/flash_file.h"
#include "store/crc32.h"
#include "store/journal.h"
#include "store/journal_flash.h"

struct rig {
    struct flash_file *file;
    struct port_flash real, port; /* the journal sees `port`, which may refuse */
    struct journal j;
    int fail_program, fail_erase, fail_read; /* the nth from now fails, 0: none */
    int dead_sector;                         /* can't be erased any more; 0: none */
    bool bad_bit;                            /* programs leave one bit of the payload wrong, unnoticed */
    bool ids_skip;                           /* a record may have got a later id than it was made for */
    uint8_t buf[JOURNAL_RECORD_MAX + 1];
};

static bool due(int *n)
{
    return *n > 0 && --*n == 0;
}

static int rig_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct rig *r = ctx;
    return due(&r->fail_read) ? PORT_ERR_IO : r->real.read(r->real.ctx, off, buf, len);
}

static int rig_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct rig *r = ctx;
    if (due(&r->fail_program))
        return PORT_ERR_IO;
    int rc = r->real.program(r->real.ctx, off, buf, len);
    if (rc == PORT_OK && r->bad_bit && len > 20) {
        uint8_t zero = 0;
        r->bad_bit = false;
        rc = r->real.program(r->real.ctx, off + 20, &zero, 1);
    }
    return rc;
}

static int rig_erase(void *ctx, uint32_t off, size_t len)
{
    struct rig *r = ctx;
    bool dead = r->dead_sector && off == (uint32_t)r->dead_sector * PORT_FLASH_SECTOR;
    return dead || due(&r->fail_erase) ? PORT_ERR_IO : r->real.erase(r->real.ctx, off, len);
}

static struct rig *rig_new(uint32_t sectors)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->file = flash_file_open(NULL, sectors * PORT_FLASH_SECTOR, NULL, 0);
    assert_non_null(r->file);
    flash_file_port(r->file, &r->real);
    r->port = (struct port_flash){
        .ctx = r, .size = r->real.size, .read = rig_read, .program = rig_program, .erase = rig_erase};
    bool formatted = false;
    assert_int_equal(journal_mount(&r->j, &r->port, &formatted), PORT_OK);
    assert_true(formatted);
    return r;
}

static void rig_free(struct rig *r)
{
    struct flash_file_stats s;
    flash_file_stats(r->file, &s);
    assert_int_equal(s.refused, 0);
    flash_file_close(r->file);
    free(r);
}

static void remount(struct rig *r)
{
    bool formatted = true;
    assert_int_equal(journal_mount(&r->j, &r->port, &formatted), PORT_OK);
    assert_false(formatted);
}

/* A record that says by itself what it is. */
static uint32_t put(struct rig *r, enum journal_kind kind, size_t len)
{
    uint32_t id = 0;
    for (size_t i = 0; i < len; i++)
        r->buf[i] = (uint8_t)(r->j.next_id * 31 + i);
    assert_int_equal(journal_append(&r->j, kind, r->buf, len, &id), PORT_OK);
    assert_int_not_equal(id, 0);
    return id;
}

static void check_record(struct rig *r, uint32_t id, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal(r->buf[i], (uint8_t)((r->ids_skip ? r->buf[0] : id * 31) + i));
}

static bool get(struct rig *r, enum journal_kind kind, uint32_t after, size_t *len, uint32_t *id)
{
    int rc = journal_next(&r->j, kind, after, r->buf, sizeof r->buf, len, id);
    if (rc != PORT_OK)
        assert_int_equal(rc, PORT_ERR_NOT_FOUND);
    return rc == PORT_OK;
}

static unsigned live(struct rig *r, enum journal_kind kind)
{
    unsigned n = 0;
    size_t len;
    for (uint32_t id = 0; get(r, kind, id, &len, &id); n++)
        check_record(r, id, len);
    return n;
}

static struct journal_stats stats(struct rig *r)
{
    struct journal_stats s;
    journal_stats_read(&r->j, &s);
    return s;
}

static void test_crc_check_value(void **state)
{
    (void)state;
    /* the published check value of this CRC */
    assert_int_equal(crc32_add(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(crc32_add(crc32_add(0, "1234", 4), "56789", 5), 0xCBF43926);
}

static void test_gives_back_in_order(void **state)
{
    (void)state;
    struct rig *r = rig_new(16);
    uint32_t first = put(r, JOURNAL_TX_EVENT, 300), a = put(r, JOURNAL_TX_UPDATE, 10);
    uint32_t b = put(r, JOURNAL_TX_UPDATE, 0), last = put(r, JOURNAL_TX_EVENT, JOURNAL_RECORD_MAX);
    assert_true(first < a && a < b && b < last);
    for (int again = 0; again < 2; again++) {
        size_t len;
        uint32_t id;
        assert_true(get(r, JOURNAL_TX_EVENT, 0, &len, &id));
        assert_int_equal(id, first);
        assert_int_equal(len, 300);
        check_record(r, id, len);
        assert_true(get(r, JOURNAL_TX_EVENT, id, &len, &id));
        assert_int_equal(id, last);
        check_record(r, id, len);
        assert_false(get(r, JOURNAL_TX_EVENT, id, &len, &id));
        assert_false(get(r, JOURNAL_PROFILE, 0, &len, &id));

        enum journal_kind kind,
            want_kind[] = {JOURNAL_TX_EVENT, JOURNAL_TX_UPDATE, JOURNAL_TX_UPDATE, JOURNAL_TX_EVENT};
        uint32_t want[] = {first, a, b, last}, kinds = 1U << JOURNAL_TX_EVENT | 1U << JOURNAL_TX_UPDATE,
                 after = 0;
        for (int i = 0; i < 4; i++) {
            assert_int_equal(journal_next_of(&r->j, kinds, after, &kind, r->buf, sizeof r->buf, &len, &after),
                             PORT_OK);
            assert_int_equal(after, want[i]);
            assert_int_equal(kind, want_kind[i]);
        }
        remount(r);
    }
    rig_free(r);
}

static void test_forgets_for_good(void **state)
{
    (void)state;
    struct rig *r = rig_new(16);
    uint32_t id[60];
    for (int i = 0; i < 60; i++)
        id[i] = put(r, JOURNAL_TX_EVENT, 200);
    for (int i = 0; i < 60; i += 2)
        assert_int_equal(journal_forget(&r->j, id[i]), PORT_OK);
    assert_int_equal(journal_forget(&r->j, id[0]), PORT_ERR_NOT_FOUND);
    assert_int_equal(journal_forget(&r->j, 0), PORT_ERR_NOT_FOUND);
    assert_int_equal(journal_forget(&r->j, id[59] + 1), PORT_ERR_NOT_FOUND);
    remount(r);
    uint32_t at = 0;
    size_t len;
    for (int i = 1; i < 60; i += 2) {
        assert_true(get(r, JOURNAL_TX_EVENT, at, &len, &at));
        assert_int_equal(at, id[i]);
    }
    assert_int_equal(live(r, JOURNAL_TX_EVENT), 30);
    rig_free(r);
}

static void test_latest_wins(void **state)
{
    (void)state;
    struct rig *r = rig_new(4);
    size_t len;
    assert_int_equal(journal_latest(&r->j, JOURNAL_ENERGY, r->buf, sizeof r->buf, &len), PORT_ERR_NOT_FOUND);
    assert_int_equal(journal_latest(&r->j, JOURNAL_TX_EVENT, r->buf, sizeof r->buf, &len),
                     PORT_ERR_UNSUPPORTED);
    uint32_t event = put(r, JOURNAL_TX_EVENT, 100), id = 0;
    for (int i = 0; i < 3000; i++)
        id = put(r, JOURNAL_ENERGY, 40);
    assert_int_equal(live(r, JOURNAL_ENERGY), 1);
    remount(r);
    assert_int_equal(journal_latest(&r->j, JOURNAL_ENERGY, r->buf, sizeof r->buf, &len), PORT_OK);
    assert_int_equal(len, 40);
    check_record(r, id, len);
    /* the oldest is still where everything else has been moved round it */
    assert_int_equal(live(r, JOURNAL_TX_EVENT), 1);
    assert_int_equal(stats(r).live_records, 2);
    assert_int_equal(journal_forget(&r->j, id), PORT_OK);
    remount(r);
    /* none of the 2999 before comes back */
    assert_int_equal(journal_latest(&r->j, JOURNAL_ENERGY, r->buf, sizeof r->buf, &len), PORT_ERR_NOT_FOUND);
    assert_int_equal(journal_forget(&r->j, event), PORT_OK);
    assert_int_equal(stats(r).dropped_total, 0);
    rig_free(r);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    struct rig *r = rig_new(4);
    size_t len;
    uint32_t id;
    assert_int_equal(journal_append(&r->j, JOURNAL_TX_EVENT, r->buf, JOURNAL_RECORD_MAX + 1, &id),
                     PORT_ERR_RANGE);
    assert_int_equal(journal_append(&r->j, (enum journal_kind)0, r->buf, 1, &id), PORT_ERR_RANGE);
    assert_int_equal(journal_append(&r->j, (enum journal_kind)15, r->buf, 1, &id), PORT_ERR_RANGE);
    assert_int_equal(journal_append(&r->j, (enum journal_kind)400, r->buf, 1, &id), PORT_ERR_RANGE);
    put(r, JOURNAL_PROFILE, 100);
    len = 0;
    assert_int_equal(journal_next(&r->j, JOURNAL_PROFILE, 0, r->buf, 99, &len, &id), PORT_ERR_RANGE);
    assert_int_equal(len, 100);
    assert_int_equal(journal_next(&r->j, (enum journal_kind)77, 0, r->buf, 99, &len, &id),
                     PORT_ERR_NOT_FOUND);

    struct port_flash small = r->port;
    struct journal *j = calloc(1, sizeof *j);
    assert_non_null(j);
    small.size = PORT_FLASH_SECTOR;
    assert_int_equal(journal_mount(j, &small, NULL), PORT_ERR_RANGE);
    small.size = 2 * PORT_FLASH_SECTOR + 1;
    assert_int_equal(journal_mount(j, &small, NULL), PORT_ERR_RANGE);
    free(j);
    rig_free(r);
}

static void test_ids_are_never_used_again(void **state)
{
    (void)state;
    struct rig *r = rig_new(4);
    uint32_t last = 0;
    for (int i = 0; i < 2000; i++) {
        uint32_t id = put(r, JOURNAL_SECURITY_EVENT, 30);
        assert_true(id > last);
        last = id;
        assert_int_equal(journal_forget(&r->j, id), PORT_OK);
        if (i % 7 == 0)
            (void)journal_tidy(&r->j, 4);
        if (i % 5 == 0)
            remount(r);
    }
    rig_free(r);
}

static void test_large_area_uses_what_it_can_count(void **state)
{
    (void)state;
    struct rig *r = rig_new(JOURNAL_SECTORS_MAX + 3);
    assert_int_equal(stats(r).sectors, JOURNAL_SECTORS_MAX);
    for (int i = 0; i < 3000; i++)
        put(r, JOURNAL_TX_EVENT, 100);
    remount(r);
    assert_int_equal(live(r, JOURNAL_TX_EVENT), 3000);
    assert_int_equal(flash_file_wear(r->file, JOURNAL_SECTORS_MAX), 0);
    rig_free(r);
}

/* The oldest updates go first; nothing else as long as there are any; the count outlives a restart. */
static void test_full_gives_up_oldest_updates(void **state)
{
    (void)state;
    struct rig *r = rig_new(16);
    uint32_t kept[200], kept_count = 0, appended = 0, id = 0, energy = 0;
    for (int i = 0; i < 2000; i++) {
        if (i % 50 == 0)
            kept[kept_count++] = put(r, JOURNAL_TX_EVENT, 250);
        if (i % 100 == 0)
            put(r, JOURNAL_SECURITY_EVENT, 50);
        if (i % 10 == 0)
            energy = put(r, JOURNAL_ENERGY, 40);
        id = put(r, JOURNAL_TX_UPDATE, 150);
        appended++;
    }
    for (int again = 0; again < 2; again++) {
        unsigned updates = live(r, JOURNAL_TX_UPDATE);
        struct journal_stats s = stats(r);
        assert_int_equal(s.dropped_total, appended - updates);
        assert_int_equal(again ? 0 : s.dropped_total, s.dropped);
        /* at least half of the area is still put to use */
        assert_true(s.live_bytes > 16 * 4096 / 2);
        uint32_t at = 0, before = 0;
        size_t len;
        assert_true(get(r, JOURNAL_TX_UPDATE, 0, &len, &at));
        for (unsigned i = 1; i < updates; i++) {
            before = at;
            assert_true(get(r, JOURNAL_TX_UPDATE, at, &len, &at));
            assert_true(at - before <= 5); /* no hole among those that are left */
        }
        assert_int_equal(at, id);
        at = 0;
        for (uint32_t i = 0; i < kept_count; i++) {
            assert_true(get(r, JOURNAL_TX_EVENT, at, &len, &at));
            assert_int_equal(at, kept[i]);
            check_record(r, at, len);
        }
        assert_int_equal(live(r, JOURNAL_SECURITY_EVENT), 20);
        assert_int_equal(journal_latest(&r->j, JOURNAL_ENERGY, r->buf, sizeof r->buf, &len), PORT_OK);
        check_record(r, energy, len);
        remount(r);
    }
    rig_free(r);
}

/* Full of what may not be dropped: refused, nothing lost; a transaction that has begun can be ended, energy
 * totals and the transaction's state are still taken, for ever; an acknowledgement makes room again. */
static void test_full_of_what_stays(void **state)
{
    (void)state;
    static const uint32_t areas[] = {2, 3, 4, 16};
    static const size_t lengths[] = {40, 300, 1200, JOURNAL_RECORD_MAX};
    for (size_t a = 0; a < 4; a++)
        for (size_t l = 0; l < 4; l++) {
            struct rig *r = rig_new(areas[a]);
            uint32_t id, n = 0;
            int rc;
            put(r, JOURNAL_ENERGY, JOURNAL_ENERGY_MAX);
            put(r, JOURNAL_TX_STATE, 200);
            for (;; n++) {
                for (size_t i = 0; i < lengths[l]; i++)
                    r->buf[i] = (uint8_t)(r->j.next_id * 31 + i);
                bool room = journal_has_room(&r->j, JOURNAL_TX_EVENT, lengths[l]);
                rc = journal_append(&r->j, JOURNAL_TX_EVENT, r->buf, lengths[l], &id);
                assert_true(room || rc != PORT_OK);
                if (rc)
                    break;
                if (n % 10 == 0)
                    put(r, JOURNAL_TX_UPDATE, 20);
            }
            assert_int_equal(rc, PORT_ERR_NO_SPACE);
            assert_false(journal_has_room(&r->j, JOURNAL_PROFILE, lengths[l]));
            for (int i = 0; i < 500; i++) {
                if (i == 250) { /* the end of what the last start began */
                    assert_true(journal_has_room(&r->j, JOURNAL_TX_ENDED, JOURNAL_TX_ENDED_MAX));
                    put(r, JOURNAL_TX_ENDED, JOURNAL_TX_ENDED_MAX);
                }
                put(r, JOURNAL_ENERGY, JOURNAL_ENERGY_MAX);
                if (i % 10 == 0 || (i > 200 && i < 300))
                    put(r, JOURNAL_TX_STATE, JOURNAL_TX_STATE_MAX);
                if (i % 50 == 0)
                    remount(r);
            }
            assert_int_equal(live(r, JOURNAL_TX_EVENT), n);
            assert_int_equal(live(r, JOURNAL_TX_ENDED), 1);
            assert_int_equal(live(r, JOURNAL_ENERGY), 1);
            assert_int_equal(live(r, JOURNAL_TX_STATE), 1);
            if (lengths[l] < 1000)
                assert_true(stats(r).live_bytes > (areas[a] - (areas[a] < 8 ? 1 : 2)) * 4096 * 6 / 10);
            size_t len;
            for (int i = 0; i < 20 && get(r, JOURNAL_TX_EVENT, 0, &len, &id); i++)
                assert_int_equal(journal_forget(&r->j, id), PORT_OK);
            assert_true(get(r, JOURNAL_TX_ENDED, 0, &len, &id));
            assert_int_equal(journal_forget(&r->j, id), PORT_OK);
            put(r, JOURNAL_TX_EVENT, lengths[l]);
            rig_free(r);
        }
}

/* Room is held back for records up to a maximum: a longer one is refused, whatever room there is. */
static void test_longest_of_each_kind(void **state)
{
    (void)state;
    static const struct {
        enum journal_kind kind;
        size_t max;
    } rows[] = {{JOURNAL_TX_STATE, JOURNAL_TX_STATE_MAX},
                {JOURNAL_ENERGY, JOURNAL_ENERGY_MAX},
                {JOURNAL_TX_ENDED, JOURNAL_TX_ENDED_MAX},
                {JOURNAL_TX_EVENT, JOURNAL_RECORD_MAX},
                {JOURNAL_UPDATE, JOURNAL_RECORD_MAX}};
    struct rig *r = rig_new(16);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static uint8_t buf[JOURNAL_RECORD_MAX + 1];
        assert_false(journal_has_room(&r->j, rows[i].kind, rows[i].max + 1));
        assert_int_equal(journal_append(&r->j, rows[i].kind, buf, rows[i].max + 1, NULL), PORT_ERR_RANGE);
        assert_true(journal_has_room(&r->j, rows[i].kind, rows[i].max));
        assert_int_equal(journal_append(&r->j, rows[i].kind, buf, rows[i].max, NULL), PORT_OK);
    }
    assert_false(journal_has_room(&r->j, (enum journal_kind)0, 1));
    assert_false(journal_has_room(&r->j, (enum journal_kind)15, 1));
    rig_free(r);
}

static void test_charging_never_erases(void **state)
{
    (void)state;
    struct rig *r = rig_new(16);
    struct flash_file_stats before, after;
    for (int session = 0; session < 40; session++) {
        int n;
        do {
            n = journal_tidy(&r->j, 3);
            assert_true(n >= 0 && n <= 3);
        } while (n);
        flash_file_stats(r->file, &before);
        uint32_t started = put(r, JOURNAL_TX_EVENT, 500), id;
        for (int minute = 0; minute < 8 * 60; minute++) { /* eight hours */
            put(r, JOURNAL_ENERGY, 40);
            if (minute % 15 == 0) {
                id = put(r, JOURNAL_TX_UPDATE, 400);
                assert_int_equal(journal_forget(&r->j, id), PORT_OK);
            }
        }
        id = put(r, JOURNAL_TX_EVENT, 500);
        flash_file_stats(r->file, &after);
        assert_int_equal(before.erases, after.erases);
        assert_int_equal(journal_forget(&r->j, started), PORT_OK);
        assert_int_equal(journal_forget(&r->j, id), PORT_OK);
    }
    rig_free(r);
}

static void test_wear_is_level(void **state)
{
    (void)state;
    struct rig *r = rig_new(16);
    put(r, JOURNAL_PROFILE, 100); /* stays for ever */
    for (int i = 0; i < 150000; i++) {
        put(r, JOURNAL_ENERGY, 40);
        if (i % 200 == 0)
            while (journal_tidy(&r->j, 8) > 0)
                ;
    }
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t s = 1; s < 16; s++) { /* 0 has the profile, and its turn only when it is 1000 behind */
        uint32_t w = flash_file_wear(r->file, s);
        least = w < least ? w : least;
        most = w > most ? w : most;
    }
    assert_true(most > 100 && most - least <= 2);
    assert_int_equal(stats(r).erases_max, most);
    assert_int_equal(live(r, JOURNAL_PROFILE), 1);
    rig_free(r);
}

/* Sectors held by old records take part in the wear after all when the others are far ahead. */
static void test_wear_moves_what_stays(void **state)
{
    (void)state;
    struct rig *r = rig_new(4);
    for (int i = 0; i < 14; i++)
        put(r, JOURNAL_PROFILE, 250); /* most of a sector, for ever */
    for (int i = 0; i < 250000; i++) {
        put(r, JOURNAL_ENERGY, 40);
        if (i % 50 == 0)
            while (journal_tidy(&r->j, 2) > 0)
                ;
    }
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t s = 0; s < 4; s++) {
        uint32_t w = flash_file_wear(r->file, s);
        least = w < least ? w : least;
        most = w > most ? w : most;
    }
    assert_true(most > 1000 && most - least <= 1002);
    assert_int_equal(live(r, JOURNAL_PROFILE), 14);
    rig_free(r);
}

/* One bit of a record turns: that record is skipped and counted, its neighbours stand. */
static void test_bit_rot(void **state)
{
    (void)state;
    for (uint32_t byte = 0; byte < 16 + 100; byte++) {
        struct rig *r = rig_new(4);
        put(r, JOURNAL_TX_EVENT, 60);
        uint32_t at = JF_HEADER + jf_size(60);
        put(r, JOURNAL_TX_EVENT, 100);
        put(r, JOURNAL_TX_EVENT, 60);
        assert_true(flash_file_rot(r->file, at + byte, (uint8_t)(1U << byte % 8)));
        if (byte % 2) /* noticed at mount, or when it is read */
            remount(r);
        else
            r->j.page_at = UINT32_MAX;
        bool life = byte >= 12 && byte < 16; /* one bit of the life word does not turn it over */
        assert_int_equal(live(r, JOURNAL_TX_EVENT), life ? 3 : 2);
        if (byte % 2)
            assert_int_equal(stats(r).corrupt, life ? 0 : 1);
        put(r, JOURNAL_TX_EVENT, 60);
        remount(r);
        assert_int_equal(live(r, JOURNAL_TX_EVENT), life ? 4 : 3);
        rig_free(r);
    }
    /* each byte of a sector's header */
    for (uint32_t byte = 0; byte < JF_HEADER; byte++) {
        struct rig *r = rig_new(4);
        for (int i = 0; i < 30; i++)
            put(r, JOURNAL_TX_EVENT, 200);
        assert_true(flash_file_rot(r->file, byte, 0x10));
        remount(r);
        assert_int_equal(live(r, JOURNAL_TX_EVENT), 30);
        rig_free(r);
    }
}

/* A failing device: an error, never a wrong answer, and work goes on when it works again. */
static void test_device_errors(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++)
        for (int n = 1; n < 60; n++) {
            struct rig *r = rig_new(4);
            uint32_t id, promised = 0;
            for (int i = 0; i < 60; i++)
                put(r, i % 3 ? JOURNAL_TX_STATE : JOURNAL_TX_EVENT, 120);
            promised = live(r, JOURNAL_TX_EVENT);
            r->ids_skip = true;
            *(kind == 0 ? &r->fail_program : kind == 1 ? &r->fail_erase : &r->fail_read) = n;
            int errors = 0;
            for (int i = 0; i < 60; i++) {
                if (i % 20 == 0) {
                    int rc = journal_tidy(&r->j, 2);
                    errors += rc < 0;
                }
                for (size_t k = 0; k < 120; k++)
                    r->buf[k] = (uint8_t)(r->j.next_id * 31 + k);
                int rc = journal_append(&r->j, i % 6 ? JOURNAL_TX_STATE : JOURNAL_TX_EVENT, r->buf, 120, &id);
                if (rc == PORT_OK && i % 6 == 0)
                    promised++;
                if (rc) {
                    assert_int_equal(rc, PORT_ERR_IO);
                    errors++;
                }
            }
            assert_true(errors <= 1);
            r->fail_program = r->fail_erase = r->fail_read = 0;
            /* a failed append may be there or not */
            for (int again = 0; again < 2; again++) {
                unsigned found = live(r, JOURNAL_TX_EVENT);
                assert_true(found == promised || (errors && found == promised + 1));
                assert_int_equal(live(r, JOURNAL_TX_STATE), 1);
                assert_int_equal(stats(r).corrupt, 0);
                remount(r);
            }
            rig_free(r);
        }
}

/* Every fiftieth operation of the device fails, for long: what was promised stands. */
static void test_flaky_device(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        struct rig *r = rig_new(seed % 7 + 3);
        enum { MOST = 200 };
        uint32_t kept[MOST], count = 0, failed = 0, id;
        bool unsure[MOST];
        srand(seed);
        for (int i = 0; i < 3000; i++) {
            int *which[] = {&r->fail_program, &r->fail_erase, &r->fail_read};
            if (rand() % 20 == 0)
                *which[rand() % 3] = rand() % 20 + 1;
            int rc, dice = rand() % 10;
            if (dice == 0) {
                rc = journal_tidy(&r->j, 2);
                assert_true(rc >= 0 || rc == PORT_ERR_IO);
            } else if (dice < 4 && count) {
                uint32_t n = (uint32_t)rand() % count;
                rc = journal_forget(&r->j, kept[n]);
                if (rc == PORT_OK || (unsure[n] && rc == PORT_ERR_NOT_FOUND)) {
                    kept[n] = kept[count - 1];
                    unsure[n] = unsure[count - 1];
                    count--;
                } else {
                    assert_int_equal(rc, PORT_ERR_IO);
                    unsure[n] = true;
                }
            } else {
                bool stays = dice < 7 && count < MOST && stats(r).live_bytes < r->port.size / 3;
                size_t len = (size_t)rand() % 200 + 1;
                memset(r->buf, (int)len, len);
                rc = journal_append(&r->j, stays ? JOURNAL_TX_EVENT : JOURNAL_TX_STATE, r->buf, len, &id);
                if (rc == PORT_OK && stays) {
                    unsure[count] = false;
                    kept[count++] = id;
                } else if (rc) {
                    failed++;
                    assert_int_equal(rc, PORT_ERR_IO);
                }
            }
        }
        r->fail_program = r->fail_erase = r->fail_read = 0;
        for (int again = 0; again < 2; again++) {
            for (uint32_t n = 0; n < count; n++) {
                size_t len;
                if (unsure[n])
                    continue;
                assert_true(get(r, JOURNAL_TX_EVENT, kept[n] - 1, &len, &id));
                assert_int_equal(id, kept[n]);
                for (size_t k = 0; k < len; k++)
                    assert_int_equal(r->buf[k], (uint8_t)len);
            }
            assert_int_equal(stats(r).dropped_total, 0);
            remount(r);
        }
        /* When writing fails and then taking it back as well, half a record is left to be found. */
        assert_true(stats(r).corrupt <= failed);
        r->fail_program = r->fail_erase = r->fail_read = 0; /* a failure may still have been on its way */
        assert_int_equal(journal_tidy(&r->j, 1) < 0, 0);
        rig_free(r);
    }
}

/* A sector that can't be erased any more costs its room and a few errors, nothing else. */
static void test_dead_sector(void **state)
{
    (void)state;
    for (uint32_t sectors = 8; sectors <= 16; sectors += 8) {
        struct rig *r = rig_new(sectors);
        uint32_t id = 0, errors = 0;
        for (int i = 0; i < 5000; i++) {
            if (i == 1000)
                r->dead_sector = 1;
            if (i == 3000)
                remount(r);
            memset(r->buf, i, 100);
            int rc = journal_append(&r->j, i % 1000 ? JOURNAL_TX_STATE : JOURNAL_TX_EVENT, r->buf, 100, &id);
            if (rc) {
                assert_int_equal(rc, PORT_ERR_IO);
                errors++;
            }
        }
        assert_true(errors <= 20);
        size_t len;
        id = 0;
        for (int i = 0; i < 5; i++) {
            assert_true(get(r, JOURNAL_TX_EVENT, id, &len, &id));
            assert_int_equal(r->buf[0], (uint8_t)(i * 1000));
        }
        assert_false(get(r, JOURNAL_TX_EVENT, id, &len, &id));
        assert_int_equal(journal_latest(&r->j, JOURNAL_TX_STATE, r->buf, sizeof r->buf, &len), PORT_OK);
        assert_int_equal(r->buf[0], (uint8_t)4999);
        rig_free(r);
    }
}

/* A cell that does not take its bit is noticed at once and the record written elsewhere. */
static void test_reads_back_what_it_wrote(void **state)
{
    (void)state;
    struct rig *r = rig_new(4);
    put(r, JOURNAL_TX_EVENT, 100);
    r->bad_bit = true;
    for (size_t i = 0; i < 100; i++)
        r->buf[i] = 0xFF;
    uint32_t id;
    assert_int_equal(journal_append(&r->j, JOURNAL_TX_EVENT, r->buf, 100, &id), PORT_OK);
    assert_false(r->bad_bit);
    remount(r);
    size_t len;
    uint32_t at = 0;
    assert_true(get(r, JOURNAL_TX_EVENT, 1, &len, &at));
    assert_int_equal(at, id);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(r->buf[i], 0xFF);
    assert_false(get(r, JOURNAL_TX_EVENT, at, &len, &at));
    rig_free(r);
}

static void test_any_bytes_mount(void **state)
{
    (void)state;
    srand(5);
    for (int n = 0; n < 50; n++) {
        struct rig *r = rig_new(8);
        bool formatted;
        for (uint32_t at = 0; at < 8 * PORT_FLASH_SECTOR; at++)
            assert_true(flash_file_rot(r->file, at, (uint8_t)(n == 0 ? 0xFF : rand() & rand())));
        assert_int_equal(journal_mount(&r->j, &r->port, &formatted), PORT_OK);
        assert_true(formatted);
        put(r, JOURNAL_TX_EVENT, 100);
        remount(r);
        assert_int_equal(live(r, JOURNAL_TX_EVENT), 1);
        rig_free(r);
    }
}

/* What reading costs: a mount reads the headers, the head and what is live, not the whole area; taking the
 * next record and forgetting it reads a sector or two, however many are waiting. */
static void test_cost_is_bounded(void **state)
{
    (void)state;
    struct rig *r = rig_new(64);
    struct flash_file_stats a, b;
    uint32_t id;
    size_t len;
    for (int i = 0; i < 10000; i++)
        put(r, JOURNAL_ENERGY, 40);
    flash_file_stats(r->file, &a);
    remount(r);
    flash_file_stats(r->file, &b);
    assert_true(b.reads - a.reads <= 64 + 2 * 32);

    for (int i = 0; i < 3000; i++)
        put(r, i % 20 ? JOURNAL_TX_UPDATE : JOURNAL_TX_EVENT, 40);
    assert_int_equal(stats(r).dropped, 0);
    uint32_t kinds = 1U << JOURNAL_TX_EVENT | 1U << JOURNAL_TX_UPDATE, last = 0;
    uint64_t worst = 0;
    for (int i = 0; i < 3000; i++) {
        flash_file_stats(r->file, &a);
        assert_int_equal(journal_next_of(&r->j, kinds, 0, NULL, r->buf, sizeof r->buf, &len, &id), PORT_OK);
        assert_int_equal(journal_forget(&r->j, id), PORT_OK);
        flash_file_stats(r->file, &b);
        assert_true(id > last);
        last = id;
        if (b.reads - a.reads > worst)
            worst = b.reads - a.reads;
        if (i % 2)
            put(r, JOURNAL_TX_UPDATE, 40); /* appending meanwhile */
    }
    assert_true(worst <= 4 * 16);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_check_value),
        cmocka_unit_test(test_gives_back_in_order),
        cmocka_unit_test(test_forgets_for_good),
        cmocka_unit_test(test_latest_wins),
        cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_ids_are_never_used_again),
        cmocka_unit_test(test_large_area_uses_what_it_can_count),
        cmocka_unit_test(test_full_gives_up_oldest_updates),
        cmocka_unit_test(test_full_of_what_stays),
        cmocka_unit_test(test_longest_of_each_kind),
        cmocka_unit_test(test_charging_never_erases),
        cmocka_unit_test(test_wear_is_level),
        cmocka_unit_test(test_wear_moves_what_stays),
        cmocka_unit_test(test_bit_rot),
        cmocka_unit_test(test_device_errors),
        cmocka_unit_test(test_flaky_device),
        cmocka_unit_test(test_dead_sector),
        cmocka_unit_test(test_reads_back_what_it_wrote),
        cmocka_unit_test(test_any_bytes_mount),
        cmocka_unit_test(test_cost_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
