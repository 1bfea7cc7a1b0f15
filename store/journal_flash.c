#include "store/journal_flash.h"

#include <string.h>

#include "store/crc32.h"

/*
 * Sector header, little-endian words:
 *    0 magic, erase count, CRC                      written after the erase: "ready"
 *   12 epoch, first id, dropped, CRC, and once more written when the sector is taken: "used"
 *   48 drained word
 *   52 unused
 * Record: kind and length (16 bit), check of the header (16 bit), id, CRC, life word, payload, padding to 4
 * bytes.
 */
enum {
    AT_READY = 0,
    READY_LEN = 12,
    AT_USED = 12,
    USED_LEN = 16,
    AT_DRAINED = 48,
    VOID_LEN =
        AT_USED + 2 * USED_LEN, /* what retiring overwrites; the drained word stays as it was (DESIGN.md) */
    LEN_BITS = 12,
    LIFE_AT = 12,
};
#define MAGIC     0x314A4345U /* "ECJ1" */
#define BLANK     0xFFFFFFFFU
#define EPOCH_MAX 0x10000000U /* more than all sectors together can be erased in their life */

void jf_put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

uint32_t jf_get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A word of life or of drainage counts as set while at least half of its bits stand, so that neither one
 * rotten bit nor a few bits of a cut operation turn it over. */
static bool word_stands(uint32_t w)
{
    int n = 0;

    for (; w; w &= w - 1)
        n++;
    return n >= 16;
}

static bool all_is(const uint8_t *p, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != value)
            return false;
    return true;
}

static uint32_t base(uint32_t s)
{
    return s * PORT_FLASH_SECTOR;
}

int jf_read(struct journal *j, uint32_t off, void *buf, size_t len)
{
    uint8_t *out = buf;

    while (len) {
        uint32_t page = off & ~(uint32_t)(PORT_FLASH_PAGE - 1);
        size_t n = PORT_FLASH_PAGE - (off - page);
        if (n > len)
            n = len;
        if (j->page_at != page) {
            j->page_at = UINT32_MAX;
            int rc = j->flash.read(j->flash.ctx, page, j->page, PORT_FLASH_PAGE);
            if (rc)
                return rc;
            j->page_at = page;
        }
        memcpy(out, j->page + (off - page), n);
        out += n;
        off += (uint32_t)n;
        len -= n;
    }
    return PORT_OK;
}

/* One program operation, within one page. */
static int program(struct journal *j, uint32_t off, const void *buf, size_t len)
{
    j->page_at = UINT32_MAX;
    return j->flash.program(j->flash.ctx, off, buf, len);
}

static uint32_t used_crc(const uint8_t *p)
{
    return crc32_add(MAGIC, p, USED_LEN - 4);
}

int jf_sector_read(struct journal *j, uint32_t s, struct jf_sector *out)
{
    uint8_t h[JF_HEADER];
    int rc = jf_read(j, base(s), h, sizeof h);

    if (rc)
        return rc;
    memset(out, 0, sizeof *out);
    const uint8_t *ready = h + AT_READY;
    if (jf_get32(ready) == MAGIC && jf_get32(ready + 8) == crc32_add(0, ready, 8)) {
        out->counted = true;
        out->erases = jf_get32(ready + 4);
        if (all_is(h + AT_USED, JF_HEADER - AT_USED, 0xFF))
            out->state = JF_READY;
    }
    for (int copy = 0; copy < 2; copy++) {
        const uint8_t *u = h + AT_USED + copy * USED_LEN;
        uint32_t epoch = jf_get32(u);
        if (epoch != 0 && epoch < EPOCH_MAX && jf_get32(u + 12) == used_crc(u)) {
            out->state = JF_USED;
            out->epoch = epoch;
            out->first_id = jf_get32(u + 4);
            out->dropped = jf_get32(u + 8);
            break;
        }
    }
    out->drained = !word_stands(jf_get32(h + AT_DRAINED));
    return PORT_OK;
}

/* 1 the sector is blank from `at` on, 0 it is not, or an error. */
static int blank(struct journal *j, uint32_t s, uint32_t at)
{
    uint8_t word[4];

    for (; at < PORT_FLASH_SECTOR; at += sizeof word) {
        int rc = jf_read(j, base(s) + at, word, sizeof word);
        if (rc)
            return rc;
        if (jf_get32(word) != BLANK)
            return 0;
    }
    return 1;
}

int jf_sector_prepare(struct journal *j, uint32_t s)
{
    uint8_t h[READY_LEN];

    /* The header goes first: a cut erase must not leave a sector that looks whole. */
    int rc = jf_sector_retire(j, s);
    if (rc)
        return rc;
    j->page_at = UINT32_MAX;
    rc = j->flash.erase(j->flash.ctx, base(s), PORT_FLASH_SECTOR);
    if (rc)
        return rc;
    j->sector[s].erases++;
    rc = blank(j, s, 0);
    if (rc != 1)
        return rc ? rc : PORT_ERR_IO;
    jf_put32(h, MAGIC);
    jf_put32(h + 4, j->sector[s].erases);
    jf_put32(h + 8, crc32_add(0, h, 8));
    rc = program(j, base(s) + AT_READY, h, sizeof h);
    if (rc)
        return rc;
    struct jf_sector check;
    rc = jf_sector_read(j, s, &check);
    return rc ? rc : check.state == JF_READY ? PORT_OK : PORT_ERR_IO;
}

int jf_sector_open(struct journal *j, uint32_t s, uint32_t epoch, uint32_t first_id, uint32_t dropped)
{
    uint8_t h[2 * USED_LEN];

    /* Once more: an erase that was weak shows with time. */
    int rc = blank(j, s, AT_USED);
    if (rc != 1)
        return rc ? rc : PORT_ERR_NOT_FOUND;
    jf_put32(h, epoch);
    jf_put32(h + 4, first_id);
    jf_put32(h + 8, dropped);
    jf_put32(h + 12, used_crc(h));
    memcpy(h + USED_LEN, h, USED_LEN);
    rc = program(j, base(s) + AT_USED, h, sizeof h);
    if (rc)
        return rc;
    struct jf_sector check;
    rc = jf_sector_read(j, s, &check);
    return rc ? rc : check.state == JF_USED && check.epoch == epoch ? PORT_OK : PORT_ERR_IO;
}

int jf_sector_retire(struct journal *j, uint32_t s)
{
    static const uint8_t zeros[VOID_LEN];
    int rc = program(j, base(s), zeros, sizeof zeros);

    if (rc)
        return rc;
    struct jf_sector check;
    rc = jf_sector_read(j, s, &check);
    return rc ? rc : check.state == JF_DIRTY ? PORT_OK : PORT_ERR_IO;
}

int jf_sector_drained(struct journal *j, uint32_t s)
{
    static const uint8_t zeros[4];

    return program(j, base(s) + AT_DRAINED, zeros, sizeof zeros);
}

/* Every check begins with the sector's epoch, so that what an earlier life of the sector left is never taken
 * for a record. */
static uint32_t epoch_crc(uint32_t epoch)
{
    uint8_t p[4];

    jf_put32(p, epoch);
    return crc32_add(0, p, sizeof p);
}

static uint16_t header_check(uint32_t epoch, const uint8_t *h)
{
    uint32_t crc = crc32_add(crc32_add(epoch_crc(epoch), h, 2), h + 4, 4);

    return (uint16_t)(crc ^ crc >> 16);
}

static int source_read(struct journal *j, const struct jf_source *src, uint32_t off, void *buf, size_t len)
{
    if (src->mem) {
        memcpy(buf, src->mem + off, len);
        return PORT_OK;
    }
    return jf_read(j, src->pos + off, buf, len);
}

static int payload_crc(struct journal *j, uint32_t crc, const struct jf_source *src, size_t len,
                       uint32_t *out)
{
    uint8_t part[64];

    for (size_t done = 0; done < len;) {
        size_t n = len - done < sizeof part ? len - done : sizeof part;
        int rc = source_read(j, src, (uint32_t)done, part, n);
        if (rc)
            return rc;
        crc = crc32_add(crc, part, n);
        done += n;
    }
    *out = crc;
    return PORT_OK;
}

int jf_record_at(struct journal *j, uint32_t pos, uint32_t epoch, struct jf_record *r)
{
    uint8_t h[JF_RECORD];
    int rc = jf_read(j, pos, h, sizeof h);

    if (rc)
        return rc;
    unsigned word = (unsigned)(h[0] | h[1] << 8);
    r->pos = pos;
    r->len = (uint16_t)(word & ((1U << LEN_BITS) - 1));
    r->kind = (uint8_t)(word >> LEN_BITS);
    r->id = jf_get32(h + 4);
    r->crc = jf_get32(h + 8);
    r->live = word_stands(jf_get32(h + LIFE_AT));
    if (r->len > JOURNAL_RECORD_MAX || (r->kind == JF_MOVE && r->len != JF_MOVE_LEN))
        return 0;
    return (h[2] | h[3] << 8) == header_check(epoch, h);
}

int jf_record_good(struct journal *j, uint32_t epoch, const struct jf_record *r)
{
    const struct jf_source src = {.pos = r->pos + JF_RECORD};

    /* A second look at the flash itself: an error on the bus is no rot. */
    for (int looks = 0; looks < 2; looks++) {
        uint8_t h[8];
        uint32_t crc;
        int rc = jf_read(j, r->pos, h, sizeof h);
        if (rc == PORT_OK)
            rc = payload_crc(j, crc32_add(epoch_crc(epoch), h, sizeof h), &src, r->len, &crc);
        if (rc)
            return rc;
        if (crc == r->crc)
            return 1;
        j->page_at = UINT32_MAX;
    }
    return 0;
}

int jf_record_write(struct journal *j, uint32_t s, uint32_t at, uint8_t kind, uint32_t id,
                    const struct jf_source *src, size_t len, uint32_t *pos)
{
    uint8_t h[JF_RECORD], part[PORT_FLASH_PAGE];
    uint32_t epoch = j->sector[s].epoch, crc, total = jf_size(len);

    *pos = base(s) + at;
    unsigned word = (unsigned)kind << LEN_BITS | (unsigned)len;
    h[0] = (uint8_t)word;
    h[1] = (uint8_t)(word >> 8);
    jf_put32(h + 4, id);
    uint16_t check = header_check(epoch, h);
    h[2] = (uint8_t)check;
    h[3] = (uint8_t)(check >> 8);
    int rc = payload_crc(j, crc32_add(epoch_crc(epoch), h, 8), src, len, &crc);
    if (rc)
        return rc;
    jf_put32(h + 8, crc);
    jf_put32(h + LIFE_AT, BLANK);

    for (uint32_t done = 0; done < total;) {
        uint32_t off = *pos + done, n = PORT_FLASH_PAGE - off % PORT_FLASH_PAGE, fill = 0;
        if (n > total - done)
            n = total - done;
        memset(part, 0xFF, n);
        if (done < JF_RECORD) {
            fill = JF_RECORD - done < n ? JF_RECORD - done : n;
            memcpy(part, h + done, fill);
        }
        if (done + n > JF_RECORD) {
            uint32_t from = done + fill - JF_RECORD, want = n - fill;
            if (from + want > len)
                want = (uint32_t)len > from ? (uint32_t)len - from : 0;
            rc = source_read(j, src, from, part + fill, want);
            if (rc)
                return rc;
        }
        rc = program(j, off, part, n);
        if (rc)
            return rc;
        done += n;
    }

    struct jf_record r;
    rc = jf_record_at(j, *pos, epoch, &r);
    if (rc < 0)
        return rc;
    if (rc == 1 && r.live && r.id == id && r.crc == crc) {
        rc = jf_record_good(j, epoch, &r);
        if (rc < 0)
            return rc;
        if (rc == 1)
            return PORT_OK;
    }
    return PORT_ERR_IO;
}

int jf_record_kill(struct journal *j, uint32_t pos)
{
    static const uint8_t zeros[4];
    uint8_t life[4];
    int rc = program(j, pos + LIFE_AT, zeros, sizeof zeros);

    if (rc)
        return rc;
    rc = jf_read(j, pos + LIFE_AT, life, sizeof life);
    return rc ? rc : word_stands(jf_get32(life)) ? PORT_ERR_IO : PORT_OK;
}

int jf_walk(struct journal *j, uint32_t s, uint32_t *at, uint32_t limit, struct jf_record *r, bool *junk)
{
    uint32_t epoch = j->sector[s].epoch;
    bool in_step = true; /* *at is where the record before ended */

    while (*at + JF_RECORD <= limit) {
        uint8_t first[4];
        int rc = jf_read(j, base(s) + *at, first, sizeof first);
        if (rc)
            return rc;
        uint32_t word = jf_get32(first);
        if (word != BLANK && word != 0) {
            rc = jf_record_at(j, base(s) + *at, epoch, r);
            if (rc == 1 && *at + jf_size(r->len) > limit)
                rc = 0;
            /* Out of step, 16 bits of check are not enough to believe a header. */
            if (rc == 1 && !in_step)
                rc = jf_record_good(j, epoch, r);
            if (rc < 0)
                return rc;
            if (rc == 1) {
                *at += jf_size(r->len);
                return 1;
            }
            if (junk)
                *junk = true;
        }
        in_step = false;
        *at += 4;
    }
    return 0;
}

int jf_tail_repair(struct journal *j, uint32_t s, uint32_t from, uint32_t *end, bool *torn)
{
    static const uint8_t zeros[PORT_FLASH_PAGE];
    uint8_t word[4];
    uint32_t last = PORT_FLASH_SECTOR;

    *torn = false;
    for (;; last -= 4) {
        if (last <= from) {
            *end = from;
            return PORT_OK;
        }
        int rc = jf_read(j, base(s) + last - 4, word, sizeof word);
        if (rc)
            return rc;
        if (jf_get32(word) != BLANK)
            break;
    }
    *end = (last + PORT_FLASH_PAGE - 1) & ~(uint32_t)(PORT_FLASH_PAGE - 1);
    for (uint32_t at = from; at < *end;) {
        uint32_t n = PORT_FLASH_PAGE - at % PORT_FLASH_PAGE;
        uint8_t now[PORT_FLASH_PAGE];
        int rc = jf_read(j, base(s) + at, now, n);
        if (rc)
            return rc;
        if (!all_is(now, n, 0)) {
            *torn = true;
            rc = program(j, base(s) + at, zeros, n);
            if (rc)
                return rc;
        }
        at += n;
    }
    return PORT_OK;
}
