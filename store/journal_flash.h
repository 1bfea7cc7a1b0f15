/*
 * journal_flash: how the journal's sectors and records lie on the flash: reading, writing, checking, walking.
 * Decides nothing; store/journal.c does. Format and reasons in store/DESIGN.md.
 */
#ifndef STORE_JOURNAL_FLASH_H
#define STORE_JOURNAL_FLASH_H

#include "store/journal.h"

enum {
    JF_HEADER = 64, /* bytes at the start of each sector */
    JF_USABLE = PORT_FLASH_SECTOR - JF_HEADER,
    JF_RECORD = 16, /* bytes before each record's payload */
    JF_MOVE = 0,    /* kind of the mark that begins a move: the copies of one sector's live records follow */
    JF_MOVE_LEN = 8,
};

enum jf_state {
    JF_DIRTY, /* must be erased before use */
    JF_READY, /* erased */
    JF_USED,
    JF_WORN, /* failed in this run; left alone until the next mount */
};

struct jf_sector {
    enum jf_state state;
    bool counted; /* `erases` is known */
    bool drained; /* marked as holding no live record */
    uint32_t epoch, first_id, dropped, erases;
};

struct jf_record {
    uint32_t pos; /* offset in the area */
    uint32_t id, crc;
    uint16_t len;
    uint8_t kind;
    bool live;
};

/* Where a record's payload comes from: memory, or (mem NULL) the flash itself. */
struct jf_source {
    const uint8_t *mem;
    uint32_t pos;
};

static inline uint32_t jf_size(size_t len)
{
    return (uint32_t)((JF_RECORD + len + 3) & ~(size_t)3);
}

/* Any bytes of the area, through the page read last. */
int jf_read(struct journal *j, uint32_t off, void *buf, size_t len);

int jf_sector_read(struct journal *j, uint32_t s, struct jf_sector *out);
/* Erases, checks that it is blank, writes the erase count (j->sector[s].erases, which grows by one). */
int jf_sector_prepare(struct journal *j, uint32_t s);
/* Makes a ready sector a used one. PORT_ERR_NOT_FOUND: it is not blank (any more) and must be erased. */
int jf_sector_open(struct journal *j, uint32_t s, uint32_t epoch, uint32_t first_id, uint32_t dropped);
/* Makes the sector's header void: the one step by which everything in it is gone. Nothing is erased. */
int jf_sector_retire(struct journal *j, uint32_t s);
/* Says in the header that mount need not walk this sector. */
int jf_sector_drained(struct journal *j, uint32_t s);

/* Writes a record at `at` (offset in the sector) and reads it back. *pos: where it is in the area.
 * PORT_ERR_IO also when what was read back differs. */
int jf_record_write(struct journal *j, uint32_t s, uint32_t at, uint8_t kind, uint32_t id,
                    const struct jf_source *src, size_t len, uint32_t *pos);
/* 1 the payload agrees with its CRC, 0 it does not, or an error. */
int jf_record_good(struct journal *j, uint32_t epoch, const struct jf_record *r);
/* Clears the record's life word. */
int jf_record_kill(struct journal *j, uint32_t pos);
/* Parses the record at `pos`. 1 a valid header, 0 none, or an error. */
int jf_record_at(struct journal *j, uint32_t pos, uint32_t epoch, struct jf_record *r);
/* Walks sector `s` from *at up to `limit` (offsets in the sector). 1 a record, and *at is behind it; 0 no
 * more; or an error. *junk (may be NULL) is set when something was skipped that is neither blank nor void.
 * Live records' CRCs are not checked, except of the first behind junk. */
int jf_walk(struct journal *j, uint32_t s, uint32_t *at, uint32_t limit, struct jf_record *r, bool *junk);
/* Makes whatever stands behind `from` void, up to the end of its page. *end: where writing may go on. */
int jf_tail_repair(struct journal *j, uint32_t s, uint32_t from, uint32_t *end, bool *torn);

void jf_put32(uint8_t *p, uint32_t v);
uint32_t jf_get32(const uint8_t *p);

#endif
