/*
 * powercut: cuts the power at every flash operation of whole updates, from the request to the confirmed
 * firmware and on to the next one into the other slot, with the last operation torn in every way; the same
 * with firmware that must not stay; and resets firmware at every step of its probation. After each cut the
 * station must start with whole firmware, the update must end, and the server must hear how.
 *
 *   powercut [depth [seed]]    depth 0 cuts at every operation once, with a tear by chance; 1 in every way
 *
 * The last line is "powercut: N cuts, M lost, K bricked"; the exit code is 0 only if M and K are 0.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/update/rig.h"
#include "tests/update/signing.h"

enum {
    IMAGE = 90000, /* more than one mark of the download's progress */
    SLOT_SECTORS = 25,
    FIRMWARES = 4,
    HOURS = 3,
};

struct totals {
    uint64_t cuts, lost, bricked;
};

struct firmware {
    const char *version;
    bool stays;
    uint8_t image[IMAGE];
    uint8_t *file;
    size_t len;
};
static struct firmware firmware[FIRMWARES] = {{.version = "2.0.0", .stays = true},
                                              {.version = "3.0.0", .stays = true},
                                              {.version = "4.0.0-crash"},
                                              {.version = "4.0.0-deaf"}};
static uint8_t factory[IMAGE];
static struct rig r;
static uint64_t rng;

static uint64_t chance(void)
{
    rng ^= rng << 13; /* xorshift64 (Marsaglia) */
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng * 0x2545F4914F6CDD1Du >> 16;
}

static void bytes(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 24);
    }
}

__attribute__((format(printf, 4, 5))) static void complain(struct totals *t, uint64_t *what, uint64_t at,
                                                           const char *fmt, ...)
{
    va_list ap;
    (void)t;
    if ((*what)++ >= 20)
        return;
    va_start(ap, fmt);
    printf("cut at %llu: ", (unsigned long long)at);
    (void)vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

static void serve(const struct firmware *f)
{
    r.server.file = f->file;
    r.server.len = f->len;
}

/* Firmware that is whole: one of those that there are. NULL: none of them. */
static const char *whole(void)
{
    if (rig_runs(&r, factory, sizeof factory))
        return "1.0.0";
    for (int i = 0; i < FIRMWARES; i++)
        if (rig_runs(&r, firmware[i].image, IMAGE))
            return firmware[i].version;
    return NULL;
}

/* The power is back. */
static void start_again(struct totals *t, uint64_t at)
{
    (void)flash_file_power(r.chip, true, false);
    rig_boot(&r);
    if (r.dead)
        complain(t, &t->bricked, at, "nothing starts");
    else if (!whole() || strcmp(whole(), r.version) != 0)
        complain(t, &t->bricked, at, "%s runs, and is %s", r.version, whole() ? whole() : "not whole");
}

/* Asks for this firmware, until it runs or has been found bad. The power goes after `k` operations;
 * UINT64_MAX: not at all. false: there were fewer. */
static bool update_cut(struct totals *t, const struct firmware *f, int32_t id, uint64_t k, int tear)
{
    char before[MANIFEST_VERSION_MAX + 1];
    (void)snprintf(before, sizeof before, "%s", r.version);
    serve(f);
    if (k != UINT64_MAX) {
        flash_file_tear(r.chip, (enum flash_file_tear)tear, chance() % PORT_FLASH_SECTOR);
        flash_file_cut_after(r.chip, k);
    }
    bool accepted = rig_ask(&r, id, NULL) == UPDATE_ACCEPTED;
    rig_run(&r, HOURS * 3600);
    bool cut = flash_file_is_cut(r.chip);
    if (cut) {
        t->cuts++;
        start_again(t, k);
        if (r.dead)
            return true;
        if (k % 5 == 0) { /* and once more, soon after */
            flash_file_tear(r.chip, (enum flash_file_tear)(chance() % FLASH_FILE_TEARS), chance() % 300);
            flash_file_cut_after(r.chip, chance() % 30);
            rig_run(&r, HOURS * 3600);
            if (flash_file_is_cut(r.chip)) {
                t->cuts++;
                start_again(t, k);
                if (r.dead)
                    return true;
            }
            (void)flash_file_power(r.chip, true, false);
        }
        rig_run(&r, HOURS * 3600);
    }
    (void)flash_file_power(r.chip, true, false); /* a cut that was planned for later is none */
    enum update_status end = rig_last(&r, id);
    if (r.update.stage != STAGE_IDLE)
        complain(t, &t->bricked, k, "the update of %s does not end (stage %d)", f->version,
                 (int)r.update.stage);
    if (accepted && end != UPDATE_INSTALLED && end != UPDATE_INSTALLATION_FAILED &&
        end != UPDATE_DOWNLOAD_FAILED && end != UPDATE_INSTALL_VERIFICATION_FAILED &&
        end != UPDATE_INVALID_SIGNATURE)
        complain(t, &t->lost, k, "the server last heard %s of %s", update_status_name(end), f->version);
    bool runs = strcmp(r.version, f->version) == 0;
    if (runs != (end == UPDATE_INSTALLED))
        complain(t, &t->lost, k, "%s runs, and the server was told %s of %s", r.version,
                 update_status_name(end), f->version);
    if (!runs && strcmp(r.version, before) != 0)
        complain(t, &t->bricked, k, "%s runs instead of %s", r.version, before);
    if (runs && !f->stays)
        complain(t, &t->bricked, k, "%s has stayed", f->version);
    if (r.port.firmware.probation && r.slots.probation)
        complain(t, &t->bricked, k, "%s is still on probation", r.version);
    return cut;
}

static void fresh(void)
{
    rig_open(&r, SLOT_SECTORS);
    rig_factory(&r, factory, sizeof factory);
    rig_boot(&r);
    rig_run(&r, 5);
    r.crash_at = 7;
}

/* First the update that is cut, from `first` if that is not NULL; then a good one must come through. */
static bool one(struct totals *t, const struct firmware *first, const struct firmware *f, uint64_t k,
                int tear)
{
    int32_t id = 1;
    fresh();
    if (first)
        (void)update_cut(t, first, id++, UINT64_MAX, 0);
    bool cut = update_cut(t, f, id++, k, tear);
    const struct firmware *last =
        first == &firmware[0] || !strcmp(r.version, "2.0.0") ? &firmware[1] : &firmware[0];
    if (!r.dead && strcmp(r.version, last->version) != 0) {
        (void)update_cut(t, last, id, UINT64_MAX, 0);
        if (strcmp(r.version, last->version) != 0)
            complain(t, &t->bricked, k, "afterwards %s does not come through", last->version);
    }
    rig_close(&r);
    return cut;
}

static void every_cut(struct totals *t, const struct firmware *first, const struct firmware *f,
                      unsigned depth)
{
    uint64_t k = 0, before = t->cuts;
    for (bool more = true; more; k++) {
        if (depth == 0) {
            more = one(t, first, f, k, (int)(chance() % FLASH_FILE_TEARS));
            continue;
        }
        for (int tear = 0; tear < FLASH_FILE_TEARS && more; tear++)
            more = one(t, first, f, k, tear);
    }
    printf("%s after %s: %llu operations, %llu cuts\n", f->version, first ? first->version : "1.0.0",
           (unsigned long long)k - 1, (unsigned long long)(t->cuts - before));
}

/* Firmware that resets itself at each step of its probation. */
/* Firmware that resets itself at each step of its probation, until it lives long enough to pass. */
static void every_crash(struct totals *t)
{
    struct firmware late = firmware[2];
    unsigned n = 0;
    late.stays = true; /* once it has passed, nothing can hold it up */
    for (bool passed = false; !passed; n++) {
        fresh();
        r.crash_at = n + 1;
        t->cuts++;
        (void)update_cut(t, &late, 1, UINT64_MAX, 0);
        passed = rig_last(&r, 1) == UPDATE_INSTALLED;
        if (!passed && rig_last(&r, 1) != UPDATE_INSTALLATION_FAILED)
            complain(t, &t->lost, n, "a crash in probation was not told");
        rig_close(&r);
    }
    if (n < 10)
        complain(t, &t->bricked, n, "a probation of %u steps is none", n);
    printf("%s at each of %u steps of its probation\n", firmware[2].version, n - 1);
}

int main(int argc, char **argv)
{
    struct totals t = {0, 0, 0};
    unsigned depth = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
    rng = (argc > 2 ? strtoull(argv[2], NULL, 0) : 1) * 0x9E3779B97F4A7C15u + 1;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    bytes(factory, sizeof factory, 99);
    for (int i = 0; i < FIRMWARES; i++) {
        struct manifest m = {.board = MANIFEST_BOARD};
        (void)snprintf(m.version, sizeof m.version, "%s", firmware[i].version);
        bytes(firmware[i].image, IMAGE, (uint32_t)i);
        firmware[i].file = signing_image(&m, SIGNING_KEY, firmware[i].image, IMAGE, &firmware[i].len);
    }
    every_cut(&t, NULL, &firmware[0], depth);         /* into slot 1 */
    every_cut(&t, &firmware[0], &firmware[1], depth); /* into slot 0 */
    every_cut(&t, NULL, &firmware[2], depth ? depth - 1 : 0);
    every_cut(&t, &firmware[0], &firmware[3], depth ? depth - 1 : 0);
    every_crash(&t);
    for (int i = 0; i < FIRMWARES; i++)
        free(firmware[i].file);
    printf("powercut: %llu cuts, %llu lost, %llu bricked\n", (unsigned long long)t.cuts,
           (unsigned long long)t.lost, (unsigned long long)t.bricked);
    return t.lost || t.bricked;
}
