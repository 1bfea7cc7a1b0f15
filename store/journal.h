/*
 * journal: what must survive a power cut, on a raw flash area. Append-only records with type, sequence number
 * and CRC; acknowledged records are reclaimed by erasing whole sectors. Design in store/DESIGN.md.
 *
 * One thread. No allocation. A record is there whole after append has returned PORT_OK, whatever happens
 * later.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "port/port.h"

enum {
    JOURNAL_RECORD_MAX = 2800, /* bytes of payload */
    /* Of the kinds for which room is held back; the room is computed from these (journal.c). */
    JOURNAL_TX_STATE_MAX = 320,
    JOURNAL_ENERGY_MAX = 48,
    JOURNAL_TX_ENDED_MAX = 352,
    JOURNAL_SECTORS_MIN = 2,   /* one to write, one to move into; useful from about 8 */
    JOURNAL_SECTORS_MAX = 128, /* 512 KB; of a larger area the first 512 KB are used */
    JOURNAL_KINDS = 16,
};

/* Kinds; the policy of each when the journal is full stands in journal.c's one table. */
enum journal_kind {
    JOURNAL_TX_EVENT = 1, /* Started: never dropped */
    JOURNAL_TX_STATE = 2, /* latest wins */
    JOURNAL_SECURITY_EVENT = 3,
    JOURNAL_PROFILE = 4,
    JOURNAL_ENERGY = 5,    /* energy registers, counters; latest wins */
    JOURNAL_TX_UPDATE = 6, /* meter updates: the oldest go first when full */
    JOURNAL_LOG_MARK = 7,  /* the security log (station/security_log.c) */
    JOURNAL_UPDATE = 8,    /* firmware update progress; latest wins */
    JOURNAL_LOCAL_LIST = 9,
    JOURNAL_AUTH_CACHE = 10, /* given up together with the log marks */
    JOURNAL_RESERVATION = 11,
    JOURNAL_MONITOR = 12,
    JOURNAL_NETWORK = 13,  /* network connection profiles */
    JOURNAL_TX_ENDED = 14, /* never dropped, and room for one is held back */
};

struct journal {
    struct port_flash flash;
    uint32_t sectors;
    struct journal_sector {
        uint32_t epoch;          /* order of sectors; 0: free */
        uint16_t used;           /* bytes */
        uint16_t live;           /* records not yet acknowledged */
        uint16_t live_bytes;     /* of those, with their headers */
        uint16_t kinds;          /* bit per kind that may be live here */
        uint32_t min_id, max_id; /* bounds of the live records' ids */
        uint32_t erases;
        uint8_t state; /* enum jf_state of store/journal_flash.h */
        bool drained;  /* its header says that nothing in it is live: nothing may be added */
        bool mixed;    /* holds moved records: ids do not rise with the position */
    } sector[JOURNAL_SECTORS_MAX];
    uint32_t next_id;
    uint32_t head;                  /* sector being written */
    uint32_t dropped;               /* meter updates given up for lack of space, since mount */
    uint32_t corrupt;               /* records skipped at mount because their CRC did not match */
    uint32_t latest[JOURNAL_KINDS]; /* position of the newest record of each latest-wins kind; 0 none */
    uint8_t page[PORT_FLASH_PAGE];  /* the page read last */
    uint32_t page_at;               /* its offset; UINT32_MAX: none */
    uint32_t latest_id[JOURNAL_KINDS];
    uint16_t latest_len[JOURNAL_KINDS];
    uint32_t epoch;              /* the last given to a sector */
    uint32_t dropped_total;      /* as `dropped`, over the journal's whole life */
    uint32_t torn;               /* half-written records found at mount: power was cut in an append */
    bool stale;                  /* the device failed in mid-move: mount again before anything else */
    uint8_t revivals;            /* vain attempts to erase the last free sector */
    uint32_t given_id, given_at; /* record given last, which is likely to be the next one forgotten */
};

struct journal_stats {
    uint32_t sectors, free_sectors, live_records, dropped, corrupt, erases_max, erases_total;
    uint32_t ready_sectors; /* of the free ones: already erased */
    uint32_t live_bytes, dropped_total, torn;
};

/*
 * Every function returns PORT_OK or a PORT_ERR_*, and may block for one erase per sector it says it erases
 * (the chip's data sheet: typically 45 ms, 400 ms at most, for a 4 KB sector).
 */

/* Finds head and tail, repairs what a cut left; never erases. An area without one valid sector is taken as
 * new and that is said (*formatted, may be NULL). PORT_ERR_RANGE: the area is no whole number of sectors, or
 * fewer than JOURNAL_SECTORS_MIN. PORT_ERR_IO: the device can't be read or written. */
int journal_mount(struct journal *j, const struct port_flash *flash, bool *formatted);
/* *id (may be NULL): greater than every id before, also across restarts; never 0. PORT_ERR_NO_SPACE: full and
 * nothing may be dropped. PORT_ERR_RANGE: unknown kind, or longer than its maximum. PORT_ERR_IO: the record
 * may be there after a restart or not; everything else is as it was. Latest-wins kinds: the one before is
 * forgotten. */
int journal_append(struct journal *j, enum journal_kind kind, const void *rec, size_t len, uint32_t *id);
/* Would an append find room? false for certain; true unless what can still be given up turns out not to be
 * enough. Writes nothing. */
bool journal_has_room(struct journal *j, enum journal_kind kind, size_t len);
/* The oldest live record of `kind` with id > after. PORT_ERR_NOT_FOUND: none. PORT_ERR_RANGE: it is longer
 * than `cap`; *len and *id are set all the same. */
int journal_next(struct journal *j, enum journal_kind kind, uint32_t after, void *buf, size_t cap,
                 size_t *len, uint32_t *id);
/* The same over several kinds in the order of appending; kinds: bit (1 << kind) each. *kind may be NULL. */
int journal_next_of(struct journal *j, uint32_t kinds, uint32_t after, enum journal_kind *kind, void *buf,
                    size_t cap, size_t *len, uint32_t *id);
/* The newest record of a latest-wins kind. PORT_ERR_UNSUPPORTED: the kind is none. */
int journal_latest(struct journal *j, enum journal_kind kind, void *buf, size_t cap, size_t *len);
/* Acknowledged: will not be given again, also after a power cut. PORT_ERR_NOT_FOUND: no live record has this
 * id. Never erases. */
int journal_forget(struct journal *j, uint32_t id);
/* Erases ahead what can be erased, and gathers thinly filled sectors when few are free (call while the
 * contactor is open, until it returns 0). Returns the number of sectors erased, at most max_sectors, or an
 * error. */
int journal_tidy(struct journal *j, unsigned max_sectors);
/* Returns at once, touches no flash. */
void journal_stats_read(const struct journal *j, struct journal_stats *out);

#endif
