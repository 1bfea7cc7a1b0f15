/* security_log: security events kept for who asks for them later; see security_log.h. */
#include "station/security_log.h"

#include <string.h>

enum {
    RECORD_VERSION = 1,
    WAIT_US = 600000000, /* for the time of day */
};

/* As it lies in flash; little endian on every machine this runs on. */
struct record {
    uint8_t version, wall_known, reserved[6];
    int64_t unix_ms;
    char text[SECURITY_LOG_TEXT];
};
_Static_assert(sizeof(struct record) == 64, "layout in flash");

/* Places of entries that wait lie above every id of the journal's that can be. */
#define WAITING_PLACE (UINT32_MAX - SECURITY_LOG_WAITING)

void security_log_init(struct security_log *l, struct journal *journal)
{
    *l = (struct security_log){.journal = journal};
    struct record r;
    uint32_t id = 0;
    size_t len;
    int result = PORT_OK;
    while (journal && result != PORT_ERR_NOT_FOUND && result != PORT_ERR_IO) {
        result = journal_next(journal, JOURNAL_LOG_MARK, id, &r, sizeof r, &len, &id);
        l->kept += result == PORT_OK;
    }
}

static void forget_oldest(struct security_log *l)
{
    struct record r;
    uint32_t id;
    size_t len;
    if (journal_next(l->journal, JOURNAL_LOG_MARK, 0, &r, sizeof r, &len, &id) == PORT_OK &&
        journal_forget(l->journal, id) == PORT_OK)
        l->kept--;
}

static bool keep_first(struct security_log *l, bool wall_known, int64_t unix_ms)
{
    struct record r = {.version = RECORD_VERSION, .wall_known = wall_known, .unix_ms = unix_ms};
    memcpy(r.text, l->waiting[0].text, sizeof r.text);
    if (!l->journal || journal_append(l->journal, JOURNAL_LOG_MARK, &r, sizeof r, NULL) != PORT_OK)
        return false;
    if (++l->kept > SECURITY_LOG_KEPT)
        forget_oldest(l);
    l->waiting_n--;
    memmove(l->waiting, l->waiting + 1, l->waiting_n * sizeof l->waiting[0]);
    return true;
}

void security_log_add(struct security_log *l, uint64_t at_us, const char *text)
{
    if (l->waiting_n == SECURITY_LOG_WAITING && !keep_first(l, false, 0)) {
        l->waiting_n--;
        memmove(l->waiting, l->waiting + 1, l->waiting_n * sizeof l->waiting[0]);
    }
    struct security_log_entry *e = &l->waiting[l->waiting_n++];
    *e = (struct security_log_entry){.at_us = at_us};
    size_t len = strlen(text);
    memcpy(e->text, text, len < sizeof e->text ? len : sizeof e->text - 1);
}

void security_log_step(struct security_log *l, const struct wallclock *clock, uint64_t now_us)
{
    while (l->journal && l->waiting_n) {
        int64_t unix_ms = 0;
        bool known = wallclock_at(clock, l->waiting[0].at_us, &unix_ms);
        if ((!known && now_us - l->waiting[0].at_us < WAIT_US) || !keep_first(l, known, unix_ms))
            return;
    }
}

bool security_log_next(const struct security_log *l, uint32_t *place, struct security_log_entry *out)
{
    while (l->journal && *place < WAITING_PLACE) {
        struct record r;
        size_t len;
        int result = journal_next(l->journal, JOURNAL_LOG_MARK, *place, &r, sizeof r, &len, place);
        if (result == PORT_ERR_RANGE ||
            (result == PORT_OK && (len != sizeof r || r.version != RECORD_VERSION)))
            continue; /* of another version */
        if (result != PORT_OK)
            break;
        *out = (struct security_log_entry){.wall_known = r.wall_known != 0, .unix_ms = r.unix_ms};
        memcpy(out->text, r.text, sizeof out->text);
        out->text[sizeof out->text - 1] = '\0';
        return true;
    }
    if (*place < WAITING_PLACE)
        *place = WAITING_PLACE;
    uint32_t i = *place - WAITING_PLACE;
    if (i >= l->waiting_n)
        return false;
    *out = l->waiting[i];
    ++*place;
    return true;
}
