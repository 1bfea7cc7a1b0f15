/* journal: which record goes where, what may be given up, what is erased when. The format is
 * journal_flash.c's. */
#include "store/journal.h"

#include <string.h>

#include "store/journal_flash.h"

enum rule { RULE_NONE, RULE_KEEP, RULE_LATEST, RULE_GIVE_UP };

/* Who may use the room that is held back when the journal is full: what replaces itself all of it, a
 * transaction's end all but that, the others nothing. */
enum claim { CLAIM_NONE, CLAIM_ENDED, CLAIM_ALL };

/* What happens to a kind when there is no room left. A smaller `turn` is given up earlier; what is given up
 * needs no claim, for it can always be given up again. */
static const struct {
    uint8_t rule, turn, claim;
    uint16_t max; /* bytes of payload */
} policy[JOURNAL_KINDS] = {
    [JOURNAL_TX_EVENT] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_TX_ENDED] = {RULE_KEEP, 0, CLAIM_ENDED, JOURNAL_TX_ENDED_MAX},
    [JOURNAL_TX_STATE] = {RULE_LATEST, 0, CLAIM_ALL, JOURNAL_TX_STATE_MAX},
    [JOURNAL_ENERGY] = {RULE_LATEST, 0, CLAIM_ALL, JOURNAL_ENERGY_MAX},
    [JOURNAL_UPDATE] = {RULE_LATEST, 0, CLAIM_NONE, JOURNAL_RECORD_MAX}, /* too large to hold room for */
    [JOURNAL_SECURITY_EVENT] = {RULE_GIVE_UP, 2, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_PROFILE] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_TX_UPDATE] = {RULE_GIVE_UP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_LOG_MARK] = {RULE_GIVE_UP, 1, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_LOCAL_LIST] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_AUTH_CACHE] = {RULE_GIVE_UP, 1, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_RESERVATION] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_MONITOR] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
    [JOURNAL_NETWORK] = {RULE_KEEP, 0, CLAIM_NONE, JOURNAL_RECORD_MAX},
};

enum {
    TURNS = 3,
    NO_SECTOR = UINT32_MAX,
    /* Records are given up only when even the emptiest sector has less than this to gain: moving a whole
     * sector to gain less would cost an erase for every few records. */
    GAIN_MIN = JF_USABLE / 4,
    /* Sectors that hold old records for ever are moved when they are this many erases behind, 1 % of the
     * 100,000 cycles that data sheets of serial NOR flash give (e.g. Winbond W25Q32JV, "Endurance"). */
    WEAR_LAG = 1000,
    SIZE_STATE = (JF_RECORD + JOURNAL_TX_STATE_MAX + 3) & ~3,
    SIZE_ENERGY = (JF_RECORD + JOURNAL_ENERGY_MAX + 3) & ~3,
    SIZE_ENDED = (JF_RECORD + JOURNAL_TX_ENDED_MAX + 3) & ~3,
    SIZE_MOVE = (JF_RECORD + JF_MOVE_LEN + 3) & ~3,
    /* What a record that stays must leave free in the last sector, so that those of CLAIM_ALL, which replace
     * each other, can be written for ever: all of them, the largest once more (the one before goes only when
     * the new one stands), and the mark of the move that throws out the dead. */
    RESERVE_LATEST = SIZE_STATE + SIZE_ENERGY + SIZE_STATE + SIZE_MOVE,
    /* And one transaction's end, so that what has been begun can be ended. */
    RESERVE = RESERVE_LATEST + SIZE_ENDED,
    WRITE_TRIES = 3,
    REVIVALS = 5,
};
_Static_assert((int)JOURNAL_TX_STATE_MAX >= (int)JOURNAL_ENERGY_MAX, "the largest of CLAIM_ALL");
_Static_assert(JF_RECORD + JOURNAL_RECORD_MAX + RESERVE + SIZE_MOVE <= JF_USABLE,
               "the longest record and what is held back fit into one sector, also after a move");
#define MOVE_SIZE ((uint32_t)SIZE_MOVE)

static bool is_latest(unsigned kind)
{
    return policy[kind].rule == RULE_LATEST;
}

/* The kinds given up in this turn. A kind that only a newer firmware knows goes with the first. */
static uint32_t kinds_of_turn(unsigned turn)
{
    uint32_t kinds = 0;

    for (unsigned k = 1; k < JOURNAL_KINDS; k++)
        if (policy[k].turn == turn && (policy[k].rule == RULE_GIVE_UP || policy[k].rule == RULE_NONE))
            kinds |= 1U << k;
    return kinds;
}

static uint32_t sector_of(uint32_t pos)
{
    return pos / PORT_FLASH_SECTOR;
}

static bool dead(const struct journal *j, uint32_t s)
{
    return s != j->head && j->sector[s].state == JF_USED && j->sector[s].live == 0;
}

/* Sectors that hold nothing, erased or not. */
static uint32_t free_sectors(const struct journal *j)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < j->sectors; s++)
        if (j->sector[s].state == JF_READY || j->sector[s].state == JF_DIRTY || dead(j, s))
            n++;
    return n;
}

/* One, so that a move is possible; where it costs little one more, so that one of them may fail. */
static uint32_t sectors_kept_free(const struct journal *j)
{
    return j->sectors >= 8 ? 2 : 1;
}

static uint32_t head_room(const struct journal *j)
{
    if (j->head == NO_SECTOR || j->sector[j->head].drained)
        return 0;
    return (uint32_t)PORT_FLASH_SECTOR - j->sector[j->head].used;
}

static void sector_empty(struct journal *j, uint32_t s, enum jf_state state)
{
    uint32_t erases = j->sector[s].erases;

    memset(&j->sector[s], 0, sizeof j->sector[s]);
    j->sector[s].erases = erases;
    j->sector[s].state = (uint8_t)state;
}

static void account_in(struct journal *j, const struct jf_record *r)
{
    struct journal_sector *s = &j->sector[sector_of(r->pos)];

    if (s->live == 0) {
        s->min_id = s->max_id = r->id;
        s->kinds = 0;
    }
    if (r->id < s->min_id)
        s->min_id = r->id;
    if (r->id > s->max_id)
        s->max_id = r->id;
    s->live++;
    s->live_bytes = (uint16_t)(s->live_bytes + jf_size(r->len));
    s->kinds |= (uint16_t)(1U << r->kind);
}

static void account_out(struct journal *j, const struct jf_record *r)
{
    struct journal_sector *s = &j->sector[sector_of(r->pos)];

    s->live--;
    s->live_bytes = (uint16_t)(s->live_bytes - jf_size(r->len));
    if (j->latest[r->kind] == r->pos) {
        j->latest[r->kind] = 0;
        j->latest_id[r->kind] = 0;
    }
}

/* Says on the flash that a sector has become empty: only a hint for the next mount, so that it can fail. */
static void settle(struct journal *j, uint32_t s)
{
    if (s != NO_SECTOR && dead(j, s) && !j->sector[s].drained) {
        j->sector[s].drained = true;
        (void)jf_sector_drained(j, s);
    }
}

/* Is it one that may still be asked for? The one before the newest may look live when clearing its life word
 * failed. */
static bool counts(const struct journal *j, const struct jf_record *r)
{
    return r->live && r->kind != JF_MOVE && (!is_latest(r->kind) || j->latest[r->kind] == r->pos);
}

static int kill(struct journal *j, const struct jf_record *r)
{
    int rc = jf_record_kill(j, r->pos);

    if (rc == PORT_OK) {
        account_out(j, r);
        settle(j, sector_of(r->pos));
    }
    return rc;
}

/* Forgets the newest record so far of a latest-wins kind. That the new one is durable counts more than an
 * error here: mount does it again. */
static void supersede(struct journal *j, unsigned kind)
{
    struct jf_record old;

    if (j->latest[kind] == 0)
        return;
    if (jf_record_at(j, j->latest[kind], j->sector[sector_of(j->latest[kind])].epoch, &old) == 1) {
        (void)jf_record_kill(j, old.pos);
        account_out(j, &old);
    }
}

/* Counts the live records of a sector from `at` on. */
static int count(struct journal *j, uint32_t s, uint32_t at)
{
    struct jf_record r;
    bool junk = false;
    int rc;

    while ((rc = jf_walk(j, s, &at, j->sector[s].used, &r, &junk)) == 1) {
        if (r.kind == JF_MOVE) {
            j->sector[s].mixed = true;
            continue;
        }
        if (r.id >= j->next_id && r.id != UINT32_MAX)
            j->next_id = r.id + 1;
        if (!r.live)
            continue;
        rc = jf_record_good(j, j->sector[s].epoch, &r);
        if (rc < 0)
            return rc;
        if (rc == 0) {
            j->corrupt++; /* once: it is not live any more */
            rc = jf_record_kill(j, r.pos);
            if (rc)
                return rc;
            continue;
        }
        if (is_latest(r.kind)) {
            if (r.id < j->latest_id[r.kind]) {
                rc = jf_record_kill(j, r.pos);
                if (rc)
                    return rc;
                continue;
            }
            if (r.id > j->latest_id[r.kind])
                supersede(j, r.kind);
            j->latest[r.kind] = r.pos;
            j->latest_id[r.kind] = r.id;
            j->latest_len[r.kind] = r.len;
        }
        account_in(j, &r);
    }
    if (junk)
        j->corrupt++;
    return rc;
}

static uint32_t newest_used(const struct journal *j, uint32_t except)
{
    uint32_t best = NO_SECTOR;

    for (uint32_t s = 0; s < j->sectors; s++)
        if (s != except && j->sector[s].state == JF_USED &&
            (best == NO_SECTOR || j->sector[s].epoch > j->sector[best].epoch))
            best = s;
    return best;
}

/* Finds where writing goes on in the head. *mark: the last mark of a move, pos 0 if none; *records: whole
 * records before it, or of the sector if there is none. */
static int head_scan(struct journal *j, struct jf_record *mark, uint32_t *records)
{
    uint32_t s = j->head, at = JF_HEADER, good = JF_HEADER, n = 0;
    struct jf_record r;
    bool torn;
    int rc;

    mark->pos = 0;
    *records = 0;
    while ((rc = jf_walk(j, s, &at, PORT_FLASH_SECTOR, &r, NULL)) == 1) {
        if (r.kind != JF_MOVE && r.id >= j->next_id && r.id != UINT32_MAX)
            j->next_id = r.id + 1;
        if (r.live) {
            rc = jf_record_good(j, j->sector[s].epoch, &r);
            if (rc < 0)
                return rc;
            if (rc == 0)
                continue;
        }
        good = at;
        if (r.kind == JF_MOVE && r.live) {
            *mark = r;
            *records = n;
        }
        n++;
    }
    if (rc < 0)
        return rc;
    if (mark->pos == 0)
        *records = n;
    uint32_t end;
    rc = jf_tail_repair(j, s, good, &end, &torn);
    if (rc)
        return rc;
    j->torn += torn;
    j->sector[s].used = (uint16_t)end;
    return PORT_OK;
}

/* Was the move that begins with `mark` cut before its source was retired? */
static int move_unfinished(struct journal *j, const struct jf_record *mark, bool *unfinished)
{
    uint8_t p[JF_MOVE_LEN];
    int rc = jf_read(j, mark->pos + JF_RECORD, p, sizeof p);

    if (rc)
        return rc;
    uint32_t s = jf_get32(p), epoch = jf_get32(p + 4);
    *unfinished =
        s < j->sectors && s != j->head && j->sector[s].state == JF_USED && j->sector[s].epoch == epoch;
    return PORT_OK;
}

/* Takes the head back to free: it holds nothing but copies of what still stands elsewhere. */
static int head_undo(struct journal *j)
{
    uint32_t s = j->head;
    int rc = jf_sector_retire(j, s);

    if (rc)
        return rc;
    sector_empty(j, s, JF_DIRTY);
    j->head = newest_used(j, NO_SECTOR);
    return PORT_OK;
}

/* Takes back a move that did not come to its end; the source is whole. `mark`: position of its mark. */
static int move_undo(struct journal *j, uint32_t mark, bool first)
{
    struct jf_record r;
    uint32_t at = mark % PORT_FLASH_SECTOR;
    int rc;

    if (first && newest_used(j, j->head) != NO_SECTOR)
        return head_undo(j);
    /* The mark last: until then the next mount begins again. */
    at += MOVE_SIZE;
    while ((rc = jf_walk(j, j->head, &at, j->sector[j->head].used, &r, NULL)) == 1)
        if (r.live) {
            rc = jf_record_kill(j, r.pos);
            if (rc)
                return rc;
        }
    return rc < 0 ? rc : jf_record_kill(j, mark);
}

static int headers_read(struct journal *j, bool *formatted)
{
    uint32_t most = 0, uncounted = 0, known = 0;

    for (uint32_t s = 0; s < j->sectors; s++) {
        struct jf_sector h;
        int rc = jf_sector_read(j, s, &h);
        if (rc)
            return rc;
        struct journal_sector *to = &j->sector[s];
        to->state = (uint8_t)h.state;
        to->erases = h.counted ? h.erases : UINT32_MAX;
        if (h.counted && h.erases > most)
            most = h.erases;
        uncounted += !h.counted;
        known += h.state != JF_DIRTY;
        if (h.state != JF_USED)
            continue;
        to->epoch = h.epoch;
        to->used = PORT_FLASH_SECTOR;
        to->drained = h.drained;
        if (h.epoch > j->epoch)
            j->epoch = h.epoch;
        if (h.first_id > j->next_id)
            j->next_id = h.first_id;
        if (h.dropped > j->dropped_total)
            j->dropped_total = h.dropped;
    }
    /* A count that a cut erase has lost: all are worn alike, so take the greatest. */
    for (uint32_t s = 0; uncounted && s < j->sectors; s++)
        if (j->sector[s].erases == UINT32_MAX)
            j->sector[s].erases = most;
    *formatted = known == 0;
    return PORT_OK;
}

/* Before the live records have been counted. */
static bool any_free(const struct journal *j)
{
    for (uint32_t s = 0; s < j->sectors; s++)
        if (j->sector[s].state != JF_USED || (j->sector[s].drained && s != j->head))
            return true;
    return false;
}

int journal_mount(struct journal *j, const struct port_flash *flash, bool *formatted)
{
    bool is_new;
    int rc;

    memset(j, 0, sizeof *j);
    j->flash = *flash;
    j->page_at = UINT32_MAX;
    j->head = NO_SECTOR;
    j->next_id = 1;
    if (formatted)
        *formatted = false;
    if (flash->size % PORT_FLASH_SECTOR || flash->size / PORT_FLASH_SECTOR < JOURNAL_SECTORS_MIN)
        return PORT_ERR_RANGE;
    j->sectors = flash->size / PORT_FLASH_SECTOR;
    if (j->sectors > JOURNAL_SECTORS_MAX)
        j->sectors = JOURNAL_SECTORS_MAX;

    rc = headers_read(j, &is_new);
    if (rc)
        return rc;
    if (formatted)
        *formatted = is_new;

    j->head = newest_used(j, NO_SECTOR);
    while (j->head != NO_SECTOR) {
        struct jf_record mark;
        uint32_t records;
        bool unfinished = false;
        rc = head_scan(j, &mark, &records);
        if (rc == PORT_OK && mark.pos)
            rc = move_unfinished(j, &mark, &unfinished);
        if (rc)
            return rc;
        uint32_t head = j->head;
        if (unfinished)
            rc = move_undo(j, mark.pos, records == 0);
        else if (!mark.pos && records == 0 && !any_free(j) && newest_used(j, head) != NO_SECTOR)
            rc = head_undo(j); /* the last free sector, taken for a move that had not begun */
        if (rc)
            return rc;
        if (j->head == head)
            break;
    }
    for (uint32_t s = 0; s < j->sectors; s++) {
        if (j->sector[s].state != JF_USED || j->sector[s].drained)
            continue;
        rc = count(j, s, JF_HEADER);
        if (rc)
            return rc;
    }
    for (uint32_t s = 0; s < j->sectors; s++)
        settle(j, s);
    return PORT_OK;
}

/* At the beginning of every call: see move(). */
static int refresh(struct journal *j)
{
    struct port_flash flash = j->flash;
    uint32_t dropped = j->dropped, corrupt = j->corrupt, torn = j->torn, total = j->dropped_total;
    uint32_t next_id = j->next_id;

    if (!j->stale)
        return PORT_OK;
    int rc = journal_mount(j, &flash, NULL);
    j->stale = rc != PORT_OK;
    j->dropped = dropped;
    j->corrupt += corrupt;
    j->torn += torn;
    if (total > j->dropped_total)
        j->dropped_total = total;
    if (next_id > j->next_id)
        j->next_id = next_id;
    return rc;
}

/* Makes a sector that holds nothing ready. */
static int recycle(struct journal *j, uint32_t s)
{
    sector_empty(j, s, JF_DIRTY);
    int rc = jf_sector_prepare(j, s);
    j->sector[s].state = (uint8_t)(rc ? JF_WORN : JF_READY);
    return rc;
}

/* Begins a new head, the next in turn: an erased one if there is any. */
static int open_sector(struct journal *j)
{
    uint32_t from = j->head == NO_SECTOR ? j->sectors - 1 : j->head;
    int rc = PORT_ERR_NO_SPACE;

    for (int erased = 1; erased >= 0; erased--)
        for (uint32_t k = 1; k <= j->sectors; k++) {
            uint32_t s = (from + k) % j->sectors, old = j->head;
            struct journal_sector *sec = &j->sector[s];
            if (s == old)
                continue;
            if (erased ? sec->state != JF_READY : sec->state != JF_DIRTY && !dead(j, s))
                continue;
            if (!erased && (rc = recycle(j, s)) != PORT_OK)
                continue;
            rc = jf_sector_open(j, s, ++j->epoch, j->next_id, j->dropped_total);
            if (rc) {
                sec->state = rc == PORT_ERR_NOT_FOUND ? JF_DIRTY : JF_WORN;
                rc = PORT_ERR_IO;
                continue;
            }
            sec->state = JF_USED;
            sec->epoch = j->epoch;
            sec->used = JF_HEADER;
            j->head = s;
            settle(j, old);
            return PORT_OK;
        }
    return rc;
}

/* Writes at the end of the head. Whatever becomes of it, its room is used up. */
static int put(struct journal *j, uint8_t kind, uint32_t id, const struct jf_source *src, size_t len,
               uint32_t *pos)
{
    struct journal_sector *h = &j->sector[j->head];
    uint32_t end = h->used + jf_size(len);

    if (end > PORT_FLASH_SECTOR)
        return PORT_ERR_NO_SPACE;
    int rc = jf_record_write(j, j->head, h->used, kind, id, src, len, pos);

    if (rc) /* bits of the rest of the page may be half written */
        end = (end + PORT_FLASH_PAGE - 1) & ~(uint32_t)(PORT_FLASH_PAGE - 1);
    h->used = (uint16_t)end;
    return rc;
}

/* Moves the live records of sector `v` behind those of the head and frees `v`. All or nothing, also through a
 * cut. After an error of the device only the flash knows how far it came: the next call mounts again, which
 * takes it back. */
static int move(struct journal *j, uint32_t v)
{
    uint32_t head = j->head, start = j->sector[head].used, at = JF_HEADER, pos;
    uint8_t p[JF_MOVE_LEN];
    struct jf_record r;

    jf_put32(p, v);
    jf_put32(p + 4, j->sector[v].epoch);
    const struct jf_source src = {.mem = p};
    int rc = put(j, JF_MOVE, 0, &src, sizeof p, &pos);
    while (rc == PORT_OK && (rc = jf_walk(j, v, &at, j->sector[v].used, &r, NULL)) == 1) {
        rc = PORT_OK;
        if (!counts(j, &r))
            continue;
        int good = jf_record_good(j, j->sector[v].epoch, &r);
        if (good == 0) {
            j->corrupt++;
            continue;
        }
        const struct jf_source from = {.pos = r.pos + JF_RECORD};
        rc = good < 0 ? good : put(j, r.kind, r.id, &from, r.len, &pos);
    }
    if (rc == PORT_OK)
        rc = jf_sector_retire(j, v);
    if (rc) {
        j->stale = true;
        return rc;
    }
    for (unsigned k = 0; k < JOURNAL_KINDS; k++)
        if (j->latest[k] && sector_of(j->latest[k]) == v)
            j->latest[k] = 0; /* count() finds the copy; its id is still known */
    sector_empty(j, v, JF_DIRTY);
    rc = count(j, head, start);
    j->stale = rc != PORT_OK;
    return rc;
}

/* Moves `v`, into a new head when it does not fit into this one. */
static int gather(struct journal *j, uint32_t v)
{
    if (v == j->head || head_room(j) < MOVE_SIZE + j->sector[v].live_bytes) {
        int rc = open_sector(j);
        if (rc)
            return rc;
    }
    return move(j, v);
}

/* The sector with the least in it that would still have to be moved. */
static uint32_t emptiest(const struct journal *j, bool head_too, uint32_t except)
{
    uint32_t best = NO_SECTOR;

    for (uint32_t s = 0; s < j->sectors; s++)
        if (j->sector[s].state == JF_USED && !dead(j, s) && s != except && (head_too || s != j->head) &&
            (best == NO_SECTOR || j->sector[s].live_bytes < j->sector[best].live_bytes))
            best = s;
    return best;
}

/* The live record of these kinds with the smallest id > after. */
static int find_next(struct journal *j, uint32_t kinds, uint32_t after, struct jf_record *best)
{
    uint32_t done_min = 0, done_s = 0;
    bool found = false, any = false;

    for (;;) {
        /* Sectors in the order of their smallest id: most often the first one has it, and none behind can. */
        uint32_t s = NO_SECTOR;
        for (uint32_t k = 0; k < j->sectors; k++) {
            const struct journal_sector *c = &j->sector[k];
            if (c->state != JF_USED || c->live == 0 || !(c->kinds & kinds) || c->max_id <= after)
                continue;
            if (found && c->min_id > best->id)
                continue;
            if (any && (c->min_id < done_min || (c->min_id == done_min && k <= done_s)))
                continue;
            if (s == NO_SECTOR || c->min_id < j->sector[s].min_id)
                s = k;
        }
        if (s == NO_SECTOR)
            return found ? 1 : 0;
        any = true;
        done_min = j->sector[s].min_id;
        done_s = s;
        uint32_t at = JF_HEADER;
        struct jf_record r;
        int rc;
        while ((rc = jf_walk(j, s, &at, j->sector[s].used, &r, NULL)) == 1) {
            if (!counts(j, &r) || !(kinds >> r.kind & 1) || r.id <= after || (found && r.id >= best->id))
                continue;
            *best = r;
            found = true;
            if (!j->sector[s].mixed)
                break;
        }
        if (rc < 0)
            return rc;
    }
}

/* 1 one record given up, 0 there is none to give up, or an error. */
static int give_up_one(struct journal *j)
{
    for (unsigned turn = 0; turn < TURNS; turn++) {
        struct jf_record r;
        int rc = find_next(j, kinds_of_turn(turn), 0, &r);
        if (rc < 0)
            return rc;
        if (rc == 1) {
            rc = kill(j, &r);
            if (rc)
                return rc;
            j->dropped++;
            j->dropped_total++;
            return 1;
        }
    }
    return 0;
}

/* No sector is free, as it should never be: one has failed. It gets some more chances, for it may have been
 * the supply; then it is given up, and what has to go to make room without it goes. */
static int revive(struct journal *j)
{
    bool worn = false;

    for (uint32_t s = 0; s < j->sectors; s++)
        if (j->sector[s].state == JF_WORN) {
            worn = true;
            if (recycle(j, s) == PORT_OK) {
                j->revivals = 0;
                return PORT_OK;
            }
        }
    if (!worn || j->revivals == REVIVALS)
        return PORT_OK;
    j->revivals++;
    return PORT_ERR_IO;
}

/* What an append asks for: room for itself, and room that has to be left behind it. */
struct want {
    uint32_t size, behind;
};

static struct want want_of(unsigned kind, size_t len)
{
    struct want w = {.size = jf_size(len)};
    if (policy[kind].rule != RULE_GIVE_UP && policy[kind].claim != CLAIM_ALL)
        w.behind = policy[kind].claim == CLAIM_ENDED ? RESERVE_LATEST : RESERVE;
    return w;
}

/* Is this much room enough in sector `s`? Of what has to be left behind, records of CLAIM_ALL that stand
 * there are a part already. */
static bool enough(const struct journal *j, uint32_t s, uint32_t room, const struct want *w)
{
    uint32_t has = room;

    for (unsigned k = 0; w->behind && k < JOURNAL_KINDS; k++)
        if (policy[k].claim == CLAIM_ALL && j->latest[k] && sector_of(j->latest[k]) == s)
            has += jf_size(j->latest_len[k]);
    return room >= w->size && has >= w->size + w->behind;
}

static bool enough_in_head(const struct journal *j, const struct want *w)
{
    return j->head != NO_SECTOR && enough(j, j->head, head_room(j), w);
}

/* What moving sector `v` and throwing out its dead would leave free in its new place. */
static uint32_t gain_of(const struct journal *j, uint32_t v)
{
    uint32_t left = v == NO_SECTOR ? 0 : JF_USABLE - j->sector[v].live_bytes;

    return left > MOVE_SIZE ? left - MOVE_SIZE : 0;
}

/* Room in the head. The last free sectors are taken only for a move, whose source is then free. */
static int make_room(struct journal *j, const struct want *want)
{
    if (free_sectors(j) == 0) {
        int rc = revive(j);
        if (rc)
            return rc;
    }
    for (;;) {
        uint32_t spare = free_sectors(j);
        if (spare > sectors_kept_free(j) || j->head == NO_SECTOR)
            return open_sector(j);

        uint32_t v = emptiest(j, spare > 0, NO_SECTOR), gain = gain_of(j, v);
        bool moves = v != NO_SECTOR && (spare > 0 || MOVE_SIZE + j->sector[v].live_bytes <= head_room(j));
        bool suits = moves && enough(j, v, gain, want);
        uint32_t w = NO_SECTOR; /* a second one that fits into the same new sector as v */
        int rc = 0;
        if (!suits || gain < GAIN_MIN) {
            w = spare > 0 && v != NO_SECTOR ? emptiest(j, true, v) : NO_SECTOR;
            if (w != NO_SECTOR && j->sector[w].live_bytes + MOVE_SIZE > gain)
                w = NO_SECTOR;
            if (w == NO_SECTOR)
                rc = give_up_one(j);
            if (rc < 0)
                return rc;
            if (rc == 1)
                continue;
            if (w == NO_SECTOR && !suits)
                return PORT_ERR_NO_SPACE;
        }
        if (spare > 0)
            rc = open_sector(j);
        if (rc == PORT_OK)
            rc = move(j, v);
        if (rc == PORT_OK && w != NO_SECTOR)
            rc = move(j, w);
        if (rc || (enough_in_head(j, want) && w == NO_SECTOR))
            return rc;
    }
}

static bool allowed(unsigned kind, size_t len)
{
    return kind < JOURNAL_KINDS && policy[kind].rule != RULE_NONE && len <= policy[kind].max;
}

bool journal_has_room(struct journal *j, enum journal_kind kind, size_t len)
{
    if (!allowed((unsigned)kind, len))
        return false;
    struct want want = want_of((unsigned)kind, len);
    uint32_t spare = free_sectors(j), give_up = 0;
    if (enough_in_head(j, &want) || spare > sectors_kept_free(j) || j->head == NO_SECTOR)
        return true;
    for (unsigned turn = 0; turn < TURNS; turn++)
        give_up |= kinds_of_turn(turn);
    struct jf_record r;
    if (find_next(j, give_up, 0, &r) == 1)
        return true; /* each one given up makes some */
    uint32_t v = emptiest(j, spare > 0, NO_SECTOR), gain = gain_of(j, v);
    if (v == NO_SECTOR)
        return false;
    if ((spare > 0 || MOVE_SIZE + j->sector[v].live_bytes <= head_room(j)) && enough(j, v, gain, &want))
        return true;
    uint32_t w = spare > 0 ? emptiest(j, true, v) : NO_SECTOR;
    return w != NO_SECTOR && j->sector[w].live_bytes + MOVE_SIZE <= gain;
}

int journal_append(struct journal *j, enum journal_kind kind, const void *rec, size_t len, uint32_t *id)
{
    const struct jf_source src = {.mem = rec};
    struct jf_record r;
    uint32_t pos;
    int rc = PORT_ERR_IO;

    if (!allowed((unsigned)kind, len) || !rec)
        return PORT_ERR_RANGE;
    /* Of 2^32 records the last may be reached only after 8,000 years of one a minute. */
    if (j->next_id == UINT32_MAX)
        return PORT_ERR_NO_SPACE;
    rc = refresh(j);
    if (rc)
        return rc;
    struct want want = want_of((unsigned)kind, len);
    for (int i = 0; i < WRITE_TRIES; i++) {
        if (head_room(j) < want.size ||
            (!enough_in_head(j, &want) && free_sectors(j) <= sectors_kept_free(j))) {
            rc = make_room(j, &want);
            if (rc)
                return rc;
        }
        uint32_t this_id = j->next_id++;
        rc = put(j, (uint8_t)kind, this_id, &src, len, &pos);
        if (rc) {
            (void)jf_record_kill(j, pos);
            continue;
        }
        r = (struct jf_record){.pos = pos, .id = this_id, .len = (uint16_t)len, .kind = (uint8_t)kind};
        account_in(j, &r);
        if (is_latest(kind)) {
            uint32_t old = j->latest[kind];
            supersede(j, kind);
            settle(j, old ? sector_of(old) : NO_SECTOR);
            j->latest[kind] = pos;
            j->latest_id[kind] = this_id;
            j->latest_len[kind] = r.len;
        }
        if (id)
            *id = this_id;
        return PORT_OK;
    }
    return rc;
}

static int give(struct journal *j, const struct jf_record *r, void *buf, size_t cap, size_t *len,
                uint32_t *id)
{
    int rc = jf_record_good(j, j->sector[sector_of(r->pos)].epoch, r);

    if (rc < 0)
        return rc;
    if (rc == 0) {
        j->corrupt++;
        rc = kill(j, r);
        return rc ? rc : PORT_ERR_NOT_FOUND;
    }
    *len = r->len;
    if (id)
        *id = r->id;
    j->given_id = r->id;
    j->given_at = r->pos;
    if (r->len > cap)
        return PORT_ERR_RANGE;
    return jf_read(j, r->pos + JF_RECORD, buf, r->len);
}

int journal_next_of(struct journal *j, uint32_t kinds, uint32_t after, enum journal_kind *kind, void *buf,
                    size_t cap, size_t *len, uint32_t *id)
{
    struct jf_record r;
    int rc = refresh(j);

    if (rc)
        return rc;
    for (;;) {
        rc = find_next(j, kinds, after, &r);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return PORT_ERR_NOT_FOUND;
        if (kind)
            *kind = (enum journal_kind)r.kind;
        rc = give(j, &r, buf, cap, len, id);
        if (rc != PORT_ERR_NOT_FOUND)
            return rc;
        after = r.id; /* rotten since mount: counted, passed over */
    }
}

int journal_next(struct journal *j, enum journal_kind kind, uint32_t after, void *buf, size_t cap,
                 size_t *len, uint32_t *id)
{
    if ((unsigned)kind >= JOURNAL_KINDS)
        return PORT_ERR_NOT_FOUND;
    return journal_next_of(j, 1U << kind, after, NULL, buf, cap, len, id);
}

int journal_latest(struct journal *j, enum journal_kind kind, void *buf, size_t cap, size_t *len)
{
    struct jf_record r;

    if ((unsigned)kind >= JOURNAL_KINDS || !is_latest(kind))
        return PORT_ERR_UNSUPPORTED;
    int rc = refresh(j);
    if (rc)
        return rc;
    if (j->latest[kind] == 0)
        return PORT_ERR_NOT_FOUND;
    rc = jf_record_at(j, j->latest[kind], j->sector[sector_of(j->latest[kind])].epoch, &r);
    if (rc < 0)
        return rc;
    return rc == 1 ? give(j, &r, buf, cap, len, NULL) : PORT_ERR_NOT_FOUND;
}

/* Finds the live record `id`, most often the one given last. */
static int find_id(struct journal *j, uint32_t id, struct jf_record *r)
{
    if (j->given_id == id) {
        uint32_t s = sector_of(j->given_at);
        if (j->sector[s].state == JF_USED && j->given_at % PORT_FLASH_SECTOR < j->sector[s].used) {
            int rc = jf_record_at(j, j->given_at, j->sector[s].epoch, r);
            if (rc < 0)
                return rc;
            if (rc == 1 && r->id == id && counts(j, r))
                return 1;
        }
    }
    for (uint32_t s = 0; s < j->sectors; s++) {
        const struct journal_sector *c = &j->sector[s];
        if (c->state != JF_USED || c->live == 0 || id < c->min_id || id > c->max_id)
            continue;
        uint32_t at = JF_HEADER;
        int rc;
        while ((rc = jf_walk(j, s, &at, c->used, r, NULL)) == 1)
            if (r->id == id && counts(j, r))
                return 1;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int journal_forget(struct journal *j, uint32_t id)
{
    struct jf_record r;
    int rc = refresh(j);

    if (rc == PORT_OK)
        rc = find_id(j, id, &r);
    if (rc < 0)
        return rc;
    return rc == 1 ? kill(j, &r) : PORT_ERR_NOT_FOUND;
}

/* A sector worth gathering, or NO_SECTOR. */
static uint32_t tidy_choice(const struct journal *j)
{
    uint32_t ready = 0, most = 0, least = NO_SECTOR;

    for (uint32_t s = 0; s < j->sectors; s++) {
        const struct journal_sector *c = &j->sector[s];
        ready += c->state == JF_READY;
        if (c->erases > most)
            most = c->erases;
        if (c->state == JF_USED && s != j->head &&
            (least == NO_SECTOR || c->erases < j->sector[least].erases))
            least = s;
    }
    if (free_sectors(j) == 0)
        return NO_SECTOR;
    if (least != NO_SECTOR && most - j->sector[least].erases >= WEAR_LAG &&
        j->sector[least].live_bytes + MOVE_SIZE <= JF_USABLE)
        return least;
    uint32_t v = emptiest(j, false, NO_SECTOR);
    if (v != NO_SECTOR && ready < j->sectors / 4 && j->sector[v].live_bytes <= JF_USABLE / 2)
        return v;
    return NO_SECTOR;
}

int journal_tidy(struct journal *j, unsigned max_sectors)
{
    unsigned done = 0;
    int rc = refresh(j);

    if (rc)
        return rc;
    while (done < max_sectors) {
        uint32_t s;
        for (s = 0; s < j->sectors && j->sector[s].state != JF_DIRTY && !dead(j, s); s++)
            ;
        if (s == j->sectors) {
            s = tidy_choice(j);
            if (s == NO_SECTOR)
                break;
            rc = gather(j, s);
            if (rc)
                return rc;
        }
        rc = recycle(j, s);
        if (rc)
            return rc;
        done++;
    }
    return (int)done;
}

void journal_stats_read(const struct journal *j, struct journal_stats *out)
{
    memset(out, 0, sizeof *out);
    out->sectors = j->sectors;
    out->free_sectors = free_sectors(j);
    out->dropped = j->dropped;
    out->dropped_total = j->dropped_total;
    out->corrupt = j->corrupt;
    out->torn = j->torn;
    for (uint32_t s = 0; s < j->sectors; s++) {
        const struct journal_sector *c = &j->sector[s];
        out->ready_sectors += c->state == JF_READY;
        out->live_records += c->live;
        out->live_bytes += c->live_bytes;
        out->erases_total += c->erases;
        if (c->erases > out->erases_max)
            out->erases_max = c->erases;
    }
}
