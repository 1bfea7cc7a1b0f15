/*
 * journal: what must survive a power cut, on a raw flash area. Append-only records with type, sequence number and CRC;
 * acknowledged records are reclaimed by erasing whole sectors. Design in store/DESIGN.md.
 *
 * One thread. No allocation. A record is there whole after append has returned PORT_OK, whatever happens later.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "port/port.h"

enum {
    JOURNAL_RECORD_MAX = 3000, /* bytes of payload */
    JOURNAL_SECTORS_MAX = 128, /* 512 KB */
    JOURNAL_KINDS = 16,
};

/* Kinds; the policy of each when the journal is full stands in journal.c's one table. */
enum journal_kind {
    JOURNAL_TX_EVENT = 1,       /* Started/Ended: never dropped */
    JOURNAL_TX_STATE = 2,       /* latest wins */
    JOURNAL_SECURITY_EVENT = 3,
    JOURNAL_PROFILE = 4,
    JOURNAL_ENERGY = 5,         /* energy registers, counters; latest wins */
    JOURNAL_TX_UPDATE = 6,      /* meter updates: the oldest go first when full */
    JOURNAL_LOG_MARK = 7,
    JOURNAL_UPDATE = 8,         /* firmware update progress; latest wins */
};

struct journal {
    struct port_flash flash;
    uint32_t sectors;
    struct journal_sector {
        uint32_t epoch; /* order of sectors; 0: free */
        uint16_t used;  /* bytes */
        uint16_t live;  /* records not yet acknowledged */
    } sector[JOURNAL_SECTORS_MAX];
    uint32_t next_id;
    uint32_t head;                  /* sector being written */
    uint32_t dropped;               /* meter updates given up for lack of space, since mount */
    uint32_t corrupt;               /* records skipped at mount because their CRC did not match */
    uint32_t latest[JOURNAL_KINDS]; /* position of the newest record of each latest-wins kind; 0 none */
    uint8_t page[PORT_FLASH_PAGE];
};

struct journal_stats {
    uint32_t sectors, free_sectors, live_records, dropped, corrupt, erases_max, erases_total;
};

/* Finds head and tail, repairs what a cut left. An unreadable area is formatted and that is said (*formatted). */
int journal_mount(struct journal *j, const struct port_flash *flash, bool *formatted);
/* *id: grows by one for each record, never reused. PORT_ERR_NO_SPACE: full and nothing may be dropped. */
int journal_append(struct journal *j, enum journal_kind kind, const void *rec, size_t len, uint32_t *id);
/* The oldest live record of `kind` with id > after. PORT_ERR_NOT_FOUND: none. */
int journal_next(struct journal *j, enum journal_kind kind, uint32_t after, void *buf, size_t cap, size_t *len,
                 uint32_t *id);
/* The newest record of a latest-wins kind. */
int journal_latest(struct journal *j, enum journal_kind kind, void *buf, size_t cap, size_t *len);
/* Acknowledged: will not be given again, also after a power cut. */
int journal_forget(struct journal *j, uint32_t id);
/* Erase what can be erased ahead (call while the contactor is open). Returns sectors erased, or an error. */
int journal_tidy(struct journal *j, unsigned max_sectors);
void journal_stats_read(const struct journal *j, struct journal_stats *out);

#endif
