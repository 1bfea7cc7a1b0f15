/*
 * powercut: cuts the power at every flash operation of the journal and at every file operation of a settings
 * save, starts again, and compares with a model of what had been promised.
 *
 *   powercut [depth [seed]]    depth 1 takes seconds, each more about as long again; deeper means more
 * workloads
 *
 * The last line is "powercut: N cuts, M lost, K bricked"; the exit code is 0 only if M and K are 0.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/flash_file.h"
#include "linux/kv_file.h"
#include "store/journal.h"
#include "store/journal_flash.h"
#include "store/settings.h"

enum { MODEL_MAX = 4000 };

/* What the caller of the journal may rely on. */
enum promise {
    KEPT,       /* append said OK */
    GONE,       /* forget said OK, or a newer latest-wins record is kept */
    APPENDING,  /* append was cut: there or not */
    FORGETTING, /* forget was cut: there or not */
};
struct item {
    uint32_t id; /* 0: not known, the append was cut */
    uint8_t kind, promise;
    uint16_t len;
    uint32_t seed;
};
struct model {
    struct item item[MODEL_MAX];
    unsigned count;
    uint32_t id_max;
    bool owed; /* a transaction's start is kept and its end is not: there must be room for it */
};

struct totals {
    uint64_t cuts, lost, bricked;
};
struct bench {
    const char *name;
    struct flash_file *flash, *saved_flash;
    struct journal j, saved_j;
    struct model m, saved_m;
    struct totals *t;
    uint64_t rng;
    bool gives_up; /* the workload fills the journal, so that records are given up */
};

static uint64_t chance(struct bench *b)
{
    b->rng ^= b->rng << 13; /* xorshift64 (Marsaglia) */
    b->rng ^= b->rng >> 7;
    b->rng ^= b->rng << 17;
    return b->rng * 0x2545F4914F6CDD1DU >> 16;
}

static void fill(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525U + 1013904223U;
        p[i] = (uint8_t)(seed >> 24);
    }
}

static bool latest_wins(unsigned kind)
{
    return kind == JOURNAL_TX_STATE || kind == JOURNAL_ENERGY || kind == JOURNAL_UPDATE;
}

static bool may_be_given_up(unsigned kind)
{
    return kind == JOURNAL_TX_UPDATE || kind == JOURNAL_LOG_MARK || kind == JOURNAL_SECURITY_EVENT;
}

static unsigned longest(unsigned kind)
{
    return kind == JOURNAL_TX_STATE   ? JOURNAL_TX_STATE_MAX
           : kind == JOURNAL_ENERGY   ? JOURNAL_ENERGY_MAX
           : kind == JOURNAL_TX_ENDED ? JOURNAL_TX_ENDED_MAX
                                      : JOURNAL_RECORD_MAX;
}

static void complain(struct bench *b, uint64_t *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void complain(struct bench *b, uint64_t *what, const char *fmt, ...)
{
    va_list ap;

    if ((*what)++ >= 20)
        return;
    va_start(ap, fmt);
    printf("%s: cut %llu: ", b->name, (unsigned long long)b->t->cuts);
    (void)vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

/* ---- the model ---- */

/* What a record found in the journal may be. NULL: it should not be there. */
static struct item *model_find(struct model *m, uint32_t id, unsigned kind, const uint8_t *p, size_t len)
{
    static uint8_t want[JOURNAL_RECORD_MAX];

    for (unsigned i = 0; i < m->count; i++) {
        struct item *it = &m->item[i];
        if (it->promise == GONE || it->kind != kind || it->len != len || (it->id && it->id != id))
            continue;
        fill(want, len, it->seed);
        if (memcmp(want, p, len) == 0)
            return it;
    }
    return NULL;
}

static void model_drop_gone(struct model *m)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->count; i++)
        if (m->item[i].promise != GONE)
            m->item[n++] = m->item[i];
    m->count = n;
}

/* A newer record of a latest-wins kind is there for certain. */
static void model_supersede(struct model *m, const struct item *newest)
{
    for (unsigned i = 0; i < m->count; i++)
        if (&m->item[i] != newest && m->item[i].kind == newest->kind)
            m->item[i].promise = GONE;
}

/* Compares the journal with the model and takes over what the cut left open. */
static void compare(struct bench *b)
{
    static uint8_t buf[JOURNAL_RECORD_MAX];
    static bool seen[MODEL_MAX];
    struct journal *j = &b->j;
    struct model *m = &b->m;
    uint32_t after = 0, id, found = 0;
    enum journal_kind kind;
    size_t len;
    int rc;

    memset(seen, 0, sizeof seen);
    while ((rc = journal_next_of(j, UINT32_MAX, after, &kind, buf, sizeof buf, &len, &id)) == PORT_OK) {
        if (id <= after) {
            complain(b, &b->t->lost, "id %u after %u", (unsigned)id, (unsigned)after);
            return;
        }
        after = id;
        found++;
        struct item *it = model_find(m, id, kind, buf, len);
        if (!it) {
            complain(b, &b->t->lost, "kind %d id %u len %zu should not be there", (int)kind, (unsigned)id,
                     len);
            continue;
        }
        if (it->id == 0 && id <= m->id_max)
            complain(b, &b->t->lost, "id %u was given before", (unsigned)id);
        it->id = id;
        it->promise = KEPT;
        seen[it - m->item] = true;
        if (id > m->id_max)
            m->id_max = id;
        if (latest_wins(kind)) {
            if (journal_latest(j, kind, buf, sizeof buf, &len) != PORT_OK || len != it->len)
                complain(b, &b->t->lost, "latest of kind %d", (int)kind);
            /* The one before may have gone with it, and must have. */
            for (unsigned i = 0; i < m->count; i++)
                if (&m->item[i] != it && m->item[i].kind == kind && m->item[i].id && m->item[i].id < id)
                    m->item[i].promise = GONE;
        }
    }
    if (rc != PORT_ERR_NOT_FOUND)
        complain(b, &b->t->bricked, "next: %d", rc);

    /* Given up are the oldest of their kind only. */
    uint32_t oldest[JOURNAL_KINDS];
    memset(oldest, 0xFF, sizeof oldest);
    for (unsigned i = 0; i < m->count; i++)
        if (seen[i] && m->item[i].id < oldest[m->item[i].kind])
            oldest[m->item[i].kind] = m->item[i].id;
    for (unsigned i = 0; i < m->count; i++) {
        struct item *it = &m->item[i];
        if (seen[i] || it->promise == GONE)
            continue;
        if (it->promise == KEPT && !(b->gives_up && may_be_given_up(it->kind) && it->id < oldest[it->kind]))
            complain(b, &b->t->lost, "kind %d id %u len %u is lost", (int)it->kind, (unsigned)it->id,
                     (unsigned)it->len);
        it->promise = GONE;
    }
    model_drop_gone(m);

    struct journal_stats s;
    journal_stats_read(j, &s);
    if (s.live_records != found)
        complain(b, &b->t->lost, "%u live records counted, %u found", (unsigned)s.live_records,
                 (unsigned)found);
    if (s.corrupt)
        complain(b, &b->t->lost, "%u corrupt", (unsigned)s.corrupt);
    struct flash_file_stats f;
    flash_file_stats(b->flash, &f);
    if (f.refused)
        complain(b, &b->t->bricked, "%u operations that no flash can do", (unsigned)f.refused);
}

/* ---- one call of the journal, and its promise ---- */

struct call {
    enum { APPEND, FORGET, TIDY } what;
    uint8_t kind;
    uint16_t len;
    uint32_t seed, id;
};

static void carry_out(struct bench *b, const struct call *c)
{
    static uint8_t buf[JOURNAL_RECORD_MAX];
    struct model *m = &b->m;
    struct item *it = NULL;
    int rc;

    switch (c->what) {
    case APPEND:
        if (m->count == MODEL_MAX)
            return;
        fill(buf, c->len, c->seed);
        uint32_t id = 0;
        bool stale = b->j.stale, room = journal_has_room(&b->j, (enum journal_kind)c->kind, c->len);
        rc = journal_append(&b->j, (enum journal_kind)c->kind, buf, c->len, &id);
        if (rc == PORT_OK && !room && !stale)
            complain(b, &b->t->lost, "kind %d: said to have no room, but has", (int)c->kind);
        if (rc == PORT_ERR_NO_SPACE && (c->kind == JOURNAL_ENERGY || c->kind == JOURNAL_TX_STATE ||
                                        (c->kind == JOURNAL_TX_ENDED && m->owed)))
            complain(b, &b->t->lost, "no room for kind %d, for which it is held back", (int)c->kind);
        if (c->kind == JOURNAL_TX_EVENT || c->kind == JOURNAL_TX_ENDED)
            m->owed = c->kind == JOURNAL_TX_EVENT && rc == PORT_OK;
        it = &m->item[m->count];
        *it = (struct item){.id = id, .kind = c->kind, .len = c->len, .seed = c->seed};
        if (rc == PORT_OK) {
            if (id <= m->id_max)
                complain(b, &b->t->lost, "id %u was given before", (unsigned)id);
            m->id_max = id;
            m->count++;
            it->promise = KEPT;
            if (latest_wins(c->kind))
                model_supersede(m, it);
        } else if (rc == PORT_ERR_IO && flash_file_is_cut(b->flash)) {
            m->count++;
            it->promise = APPENDING;
        } else if (rc != PORT_ERR_NO_SPACE) {
            complain(b, &b->t->bricked, "append: %d", rc);
        }
        break;
    case FORGET:
        for (unsigned i = 0; i < m->count; i++)
            if (m->item[i].id == c->id)
                it = &m->item[i];
        rc = journal_forget(&b->j, c->id);
        if (!it)
            return;
        if (rc == PORT_OK || (rc == PORT_ERR_NOT_FOUND && b->gives_up && may_be_given_up(it->kind)))
            it->promise = GONE;
        else if (rc == PORT_ERR_IO && flash_file_is_cut(b->flash))
            it->promise = FORGETTING;
        else
            complain(b, &b->t->bricked, "forget %u: %d", (unsigned)c->id, rc);
        break;
    case TIDY:
        rc = journal_tidy(&b->j, c->len);
        if (rc < 0 && !flash_file_is_cut(b->flash))
            complain(b, &b->t->bricked, "tidy: %d", rc);
        break;
    }
    model_drop_gone(m);
}

static void start(struct bench *b)
{
    struct port_flash port;
    bool formatted;

    flash_file_port(b->flash, &port);
    int rc = journal_mount(&b->j, &port, &formatted);
    if (rc && !flash_file_is_cut(b->flash))
        complain(b, &b->t->bricked, "mount: %d", rc);
}

static void save(struct bench *b)
{
    flash_file_copy(b->saved_flash, b->flash);
    b->saved_j = b->j;
    b->saved_m = b->m;
}

static void back(struct bench *b)
{
    flash_file_copy(b->flash, b->saved_flash);
    b->j = b->saved_j;
    b->m = b->saved_m;
}

/* After a cut: starts again, with a second cut in the start itself for every few of the first ones, compares,
 * and sees that work goes on. */
static void restart(struct bench *b, bool second_cuts)
{
    b->t->cuts++;
    if (second_cuts) {
        for (uint64_t k = 0;; k++) {
            flash_file_power(b->flash, true, false);
            flash_file_tear(b->flash, (enum flash_file_tear)(chance(b) % FLASH_FILE_TEARS),
                            chance(b) % (chance(b) % 2 ? 60 : PORT_FLASH_SECTOR));
            flash_file_cut_after(b->flash, k % 8);
            start(b);
            if (!flash_file_is_cut(b->flash) || k > 40)
                break;
            b->t->cuts++;
        }
    }
    flash_file_power(b->flash, true, false);
    start(b);
    compare(b);

    struct call more = {.what = APPEND, .kind = JOURNAL_ENERGY, .len = 40, .seed = (uint32_t)chance(b)};
    struct journal_stats s;
    journal_stats_read(&b->j, &s);
    uint32_t before = b->m.id_max;
    carry_out(b, &more);
    if (b->m.id_max == before && s.live_bytes < (s.sectors - 1) * (uint32_t)JF_USABLE / 4)
        complain(b, &b->t->bricked, "nothing can be written although %u bytes of %u sectors are live",
                 (unsigned)s.live_bytes, (unsigned)s.sectors);
}

static struct call next_call(struct bench *b, unsigned live_bytes_want)
{
    static const uint8_t kinds[] = {
        JOURNAL_TX_EVENT, JOURNAL_TX_STATE,  JOURNAL_SECURITY_EVENT, JOURNAL_PROFILE, JOURNAL_ENERGY,
        JOURNAL_ENERGY,   JOURNAL_TX_UPDATE, JOURNAL_LOG_MARK,       JOURNAL_UPDATE,  JOURNAL_TX_ENDED};
    struct call c = {.what = APPEND, .seed = (uint32_t)chance(b)};
    uint64_t dice = chance(b) % 100;
    struct journal_stats s;

    journal_stats_read(&b->j, &s);
    if (dice < 8) {
        c.what = TIDY;
        c.len = (uint16_t)(chance(b) % 4 + 1);
        return c;
    }
    if (b->m.count && (s.live_bytes > live_bytes_want || dice < 30)) {
        c.what = FORGET;
        /* mostly the oldest, as a server acknowledges */
        c.id = b->m.item[chance(b) % 4 ? 0 : chance(b) % b->m.count].id;
        return c;
    }
    c.kind = kinds[chance(b) % sizeof kinds];
    dice = chance(b) % 40;
    c.len = (uint16_t)(dice == 0   ? chance(b) % (JOURNAL_RECORD_MAX + 1)
                       : dice == 1 ? 0
                       : dice < 8  ? chance(b) % 700
                                   : chance(b) % 120);
    if (c.len > longest(c.kind))
        c.len = (uint16_t)(c.len % (longest(c.kind) + 1));
    return c;
}

static bool bench_open(struct bench *b, const char *name, struct totals *t, uint32_t sectors, uint64_t seed)
{
    char err[200];

    memset(b, 0, sizeof *b);
    b->name = name;
    b->t = t;
    b->rng = seed * 0x9E3779B97F4A7C15U + 1;
    b->flash = flash_file_open(NULL, sectors * PORT_FLASH_SECTOR, err, sizeof err);
    b->saved_flash = flash_file_open(NULL, sectors * PORT_FLASH_SECTOR, err, sizeof err);
    if (!b->flash || !b->saved_flash) {
        printf("%s: %s\n", name, err);
        t->bricked++;
        return false;
    }
    start(b);
    return true;
}

static void bench_close(struct bench *b)
{
    flash_file_close(b->flash);
    flash_file_close(b->saved_flash);
}

/* Every operation of every call of a workload is cut, in every way. */
static void every_cut(struct totals *t, uint32_t sectors, unsigned fill_percent, unsigned calls,
                      uint64_t seed)
{
    static struct bench b; /* static: large */
    unsigned want = (sectors - 1) * JF_USABLE / 100 * fill_percent;

    if (!bench_open(&b, "every cut", t, sectors, seed))
        return;
    b.gives_up = fill_percent >= 50 || sectors == 2; /* two sectors are full with one large record */
    for (unsigned n = 0; n < calls; n++) {
        struct call c = next_call(&b, want);
        save(&b);
        carry_out(&b, &c);
        bool last = false;
        for (uint64_t k = 0; !last; k++)
            for (int tear = 0; tear < FLASH_FILE_TEARS; tear++) {
                back(&b);
                uint64_t how = chance(&b) % (chance(&b) % 2 ? PORT_FLASH_PAGE : PORT_FLASH_SECTOR);
                flash_file_tear(b.flash, (enum flash_file_tear)tear, how);
                flash_file_cut_after(b.flash, k);
                carry_out(&b, &c);
                if (!flash_file_is_cut(b.flash)) {
                    last = true; /* the call has no more operations */
                    break;
                }
                restart(&b, chance(&b) % 8 == 0);
            }
        back(&b);
        carry_out(&b, &c);
        if (n % 16 == 0) {
            start(&b);
            compare(&b);
        }
    }
    bench_close(&b);
}

/* Cuts at random in a station that lives on with what each left. */
static void long_life(struct totals *t, uint32_t sectors, unsigned fill_percent, unsigned cuts, uint64_t seed)
{
    static struct bench b; /* static: large */
    unsigned want = (sectors - 1) * JF_USABLE / 100 * fill_percent;

    if (!bench_open(&b, "long life", t, sectors, seed))
        return;
    b.gives_up = fill_percent >= 50 || sectors == 2; /* two sectors are full with one large record */
    for (unsigned n = 0; n < cuts; n++) {
        flash_file_tear(b.flash, (enum flash_file_tear)(chance(&b) % FLASH_FILE_TEARS),
                        chance(&b) % (chance(&b) % 2 ? 60 : PORT_FLASH_SECTOR));
        flash_file_cut_after(b.flash, chance(&b) % 150);
        while (!flash_file_is_cut(b.flash)) {
            struct call c = next_call(&b, want);
            carry_out(&b, &c);
        }
        restart(&b, n % 5 == 0);
    }
    bench_close(&b);
}

/* ---- settings ---- */

static void remove_kv(const char *path)
{
    static const char *const ends[] = {"", ".old", ".new"};
    char name[300];

    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

/* Cuts every file operation of a save; old or new must be there, and every other setting as it was. */
static void settings_cuts(struct totals *t, unsigned rounds, uint64_t seed)
{
    static struct settings s; /* static: large */
    char folder[] = "/tmp/powercut-XXXXXX", path[200], err[200], want[40], got[40];
    struct port_kv port;
    struct bench b = {.name = "settings", .t = t, .rng = seed * 0x9E3779B97F4A7C15U + 1};

    if (!mkdtemp(folder)) {
        complain(&b, &t->bricked, "no folder");
        return;
    }
    (void)snprintf(path, sizeof path, "%s/settings.kv", folder);
    unsigned amps = 6, ping = 1;
    for (unsigned r = 0; r < rounds; r++) {
        bool more = true;
        for (uint64_t k = 0; more; k++) {
            struct kv_file *kv = kv_file_open(path, err, sizeof err);
            if (!kv) {
                complain(&b, &t->bricked, "%s", err);
                return;
            }
            kv_file_port(kv, &port);
            settings_load(&s, &port);
            /* one setting before the cut, one during it */
            (void)snprintf(want, sizeof want, "%u", ping = ping % 3600 + 1);
            if (settings_set(&s, SETTING_ping_interval, want, NULL, 0) != SETTINGS_OK)
                complain(&b, &t->bricked, "can't set after a cut");
            unsigned next = amps == 32 ? 6 : amps + 1;
            (void)snprintf(want, sizeof want, "%u", next);
            kv_file_cut_after(kv, k, chance(&b));
            enum settings_result rc = settings_set(&s, SETTING_installation_current, want, NULL, 0);
            more = kv_file_is_cut(kv);
            t->cuts += more;
            kv_file_close(kv);

            kv = kv_file_open(path, err, sizeof err);
            if (!kv || kv_file_found(kv) == KV_FILE_LOST) {
                complain(&b, &t->bricked, "not readable after a cut");
                return;
            }
            kv_file_port(kv, &port);
            settings_load(&s, &port);
            settings_format(&s, SETTING_installation_current, got, sizeof got);
            unsigned now = (unsigned)atoi(got);
            if (s.defaulted || (now != next && now != amps && !(amps == 6 && now == 32)) ||
                (rc == SETTINGS_OK && now != next))
                complain(&b, &t->lost, "installation_current %u or %u became %s", amps, next, got);
            if (settings_int(&s, SETTING_ping_interval) != (int32_t)ping)
                complain(&b, &t->lost, "ping_interval %u became %d", ping,
                         (int)settings_int(&s, SETTING_ping_interval));
            amps = now;
            kv_file_close(kv);
        }
    }
    remove_kv(path);
    (void)rmdir(folder);
}

int main(int argc, char **argv)
{
    struct totals t = {0, 0, 0};
    unsigned depth = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (depth == 0) {
        fprintf(stderr, "usage: powercut [depth from 1 [seed]]\n");
        return 2;
    }
    static const struct {
        uint32_t sectors;
        unsigned fill, calls;
    } work[] = {{2, 20, 150}, {3, 30, 200}, {4, 40, 250}, {4, 90, 250},
                {8, 30, 300}, {8, 95, 300}, {16, 45, 300}};
    for (unsigned d = 0; d < depth; d++)
        for (unsigned i = 0; i < sizeof work / sizeof *work; i++) {
            every_cut(&t, work[i].sectors, work[i].fill, work[i].calls, seed);
            long_life(&t, work[i].sectors, work[i].fill, 300, seed + 1000);
            seed += 7;
        }
    uint64_t journal = t.cuts;
    settings_cuts(&t, 3 * depth, seed);
    printf("journal %llu cuts, settings %llu cuts\n", (unsigned long long)journal,
           (unsigned long long)(t.cuts - journal));
    printf("powercut: %llu cuts, %llu lost, %llu bricked\n", (unsigned long long)t.cuts,
           (unsigned long long)t.lost, (unsigned long long)t.bricked);
    return t.lost || t.bricked;
}
