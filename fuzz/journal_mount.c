/*
 * Fuzz target: any bytes as the journal's flash area. Mount must neither crash nor hang nor do what no flash
 * can do, and the journal must work afterwards: what is appended now comes back now and after another mount.
 *
 * Input: two bytes for the number of sectors and the calls that follow, then the area from its start (the
 * rest blank), each sector's header first made valid if the input asks for it, so that the records inside are
 * reached.
 */
#include <stdlib.h>
#include <string.h>

#include "store/crc32.h"
#include "store/journal.h"
#include "store/journal_flash.h"

#define must(x) ((x) ? (void)0 : abort()) /* not assert: it must stay in release builds */

enum { SECTORS_MAX = 6 };

struct area {
    uint8_t bytes[SECTORS_MAX * PORT_FLASH_SECTOR];
    uint32_t size;
    uint64_t work; /* bytes read and written: a hang is more than any honest call needs */
};

static int area_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    struct area *a = ctx;
    must(off <= a->size && len <= a->size - off);
    a->work += len;
    memcpy(buf, a->bytes + off, len);
    return PORT_OK;
}

static int area_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct area *a = ctx;
    const uint8_t *p = buf;
    must(off <= a->size && len <= a->size - off);
    a->work += len;
    for (size_t i = 0; i < len; i++) {
        must((p[i] & ~a->bytes[off + i] & 0xFF) == 0);
        a->bytes[off + i] = p[i];
    }
    return PORT_OK;
}

static int area_erase(void *ctx, uint32_t off, size_t len)
{
    struct area *a = ctx;
    must(off <= a->size && len <= a->size - off && off % PORT_FLASH_SECTOR == 0 &&
         len % PORT_FLASH_SECTOR == 0);
    memset(a->bytes + off, 0xFF, len);
    return PORT_OK;
}

/* Gives a sector the header that its own bytes nearly have: the check values are made right. */
static void make_valid(uint8_t *h)
{
    jf_put32(h, 0x314A4345U);
    jf_put32(h + 8, crc32_add(0, h, 8));
    for (uint8_t *u = h + 12; u <= h + 28; u += 16)
        jf_put32(u + 12, crc32_add(0x314A4345U, u, 12));
}

static unsigned walk_all(struct journal *j)
{
    static uint8_t buf[JOURNAL_RECORD_MAX];
    unsigned n = 0;
    uint32_t after = 0, id;
    size_t len;
    enum journal_kind kind;
    while (journal_next_of(j, UINT32_MAX, after, &kind, buf, sizeof buf, &len, &id) == PORT_OK) {
        must(id > after && len <= sizeof buf);
        after = id;
        n++;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct area a;    /* static: large */
    static struct journal j; /* static: large */
    static uint8_t rec[JOURNAL_RECORD_MAX], back[JOURNAL_RECORD_MAX];
    bool formatted;
    if (size < 2)
        return 0;
    unsigned shape = data[0], calls = data[1];
    a.size = (2 + shape % (SECTORS_MAX - 1)) * PORT_FLASH_SECTOR;
    a.work = 0;
    memset(a.bytes, 0xFF, sizeof a.bytes);
    memcpy(a.bytes, data + 2, size - 2 < a.size ? size - 2 : a.size);
    if (shape & 0x80)
        for (uint32_t s = 0; s < a.size / PORT_FLASH_SECTOR; s++)
            make_valid(a.bytes + s * PORT_FLASH_SECTOR);

    const struct port_flash port = {
        .ctx = &a, .size = a.size, .read = area_read, .program = area_program, .erase = area_erase};
    must(journal_mount(&j, &port, &formatted) == PORT_OK);
    (void)walk_all(&j);
    must(journal_tidy(&j, calls % 4) >= 0);
    memset(rec, 0x5A, sizeof rec);
    for (unsigned i = 0; i < calls % 64; i++) {
        uint32_t id, got;
        enum journal_kind kind = (enum journal_kind)(1 + i % JOURNAL_TX_ENDED);
        size_t len = i * 37 % (kind == JOURNAL_ENERGY ? JOURNAL_ENERGY_MAX + 1 : JOURNAL_TX_STATE_MAX + 1), n;
        int rc = journal_append(&j, kind, rec, len, &id);
        if (rc == PORT_ERR_NO_SPACE)
            continue;
        must(rc == PORT_OK);
        must(journal_next(&j, kind, id - 1, back, sizeof back, &n, &got) == PORT_OK);
        must(got == id && n == len && memcmp(rec, back, len) == 0);
        if (i % 3 == 0)
            must(journal_forget(&j, id) == PORT_OK);
    }
    unsigned live = walk_all(&j);
    must(journal_mount(&j, &port, &formatted) == PORT_OK);
    must(walk_all(&j) == live);
    struct journal_stats s;
    journal_stats_read(&j, &s);
    must(s.live_records >= live); /* one id twice can be forged */
    must(a.work < 200000000U);
    return 0;
}
