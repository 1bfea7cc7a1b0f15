/*
 * wear: a year of charging on the emulated flash, and what it costs the most worn sector.
 *
 *   store_wear [sectors [days]]     16 (64 KB) and 365 if not said
 *
 * Four sessions a day of three hours each: Started, an update every 15 minutes, Ended, each with the queue's
 * state before it and an acknowledgement after it; an energy mark every minute that energy flows; two
 * security events and a log mark an hour. One day in thirty the server can't be reached, and all of it waits.
 * The last line is the figure; the exit code is 0 only if it is under 10 % of 100,000 cycles and nothing was
 * erased with the contactor closed, except while a day's events wait for the server or have just waited,
 * which fills most of a small area.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/flash_file.h"
#include "store/journal.h"

enum {
    /* Bytes of the records; on the large side of what the station writes. */
    EVENT_BYTES = 700,
    UPDATE_BYTES = 700,
    STATE_BYTES = 300,
    ENERGY_BYTES = 40,
    SECURITY_BYTES = 120,
    LOG_BYTES = 16,
    SESSIONS = 4,
    SESSION_MINUTES = 180,
    CYCLES = 100000, /* as data sheets of serial NOR flash give it */
};

struct year {
    struct journal j;
    uint32_t failures;
};

static void keep(struct year *y, enum journal_kind kind, size_t len)
{
    static const uint8_t bytes[EVENT_BYTES];

    if (journal_append(&y->j, kind, bytes, len, NULL) != PORT_OK)
        y->failures++;
}

/* The server acknowledges what waits. */
static void send_all(struct year *y)
{
    static uint8_t buf[JOURNAL_RECORD_MAX];
    const uint32_t kinds = 1U << JOURNAL_TX_EVENT | 1U << JOURNAL_TX_UPDATE | 1U << JOURNAL_SECURITY_EVENT |
                           1U << JOURNAL_LOG_MARK;
    uint32_t id;
    size_t len;

    while (journal_next_of(&y->j, kinds, 0, NULL, buf, sizeof buf, &len, &id) == PORT_OK)
        if (journal_forget(&y->j, id) != PORT_OK)
            y->failures++;
}

static void transaction_event(struct year *y, enum journal_kind kind, size_t len, bool online)
{
    keep(y, JOURNAL_TX_STATE, STATE_BYTES);
    keep(y, kind, len);
    if (online) {
        send_all(y);
        keep(y, JOURNAL_TX_STATE, STATE_BYTES);
    }
}

int main(int argc, char **argv)
{
    static struct year y; /* static: large */
    unsigned long sectors = argc > 1 ? strtoul(argv[1], NULL, 10) : 16;
    unsigned long days = argc > 2 ? strtoul(argv[2], NULL, 10) : 365;
    uint64_t erased_closed = 0, erased_backlog = 0;
    char err[100] = "";

    if (sectors < JOURNAL_SECTORS_MIN || sectors > JOURNAL_SECTORS_MAX || days == 0) {
        fprintf(stderr, "usage: store_wear [sectors %d..%d [days]]\n", (int)JOURNAL_SECTORS_MIN,
                (int)JOURNAL_SECTORS_MAX);
        return 2;
    }
    struct flash_file *f = flash_file_open(NULL, (uint32_t)sectors * PORT_FLASH_SECTOR, err, sizeof err);
    struct port_flash port;
    if (!f) {
        fprintf(stderr, "%s\n", err);
        return 2;
    }
    flash_file_port(f, &port);
    if (journal_mount(&y.j, &port, NULL) != PORT_OK)
        return 1;

    for (unsigned long day = 0; day < days; day++) {
        bool online = day % 30 != 29, waiting = !online || (day && day % 30 == 0);
        for (int session = 0; session < SESSIONS; session++) {
            struct flash_file_stats before, after;
            while (journal_tidy(&y.j, 1) > 0)
                ;
            flash_file_stats(f, &before);
            transaction_event(&y, JOURNAL_TX_EVENT, EVENT_BYTES, online);
            for (int minute = 1; minute <= SESSION_MINUTES; minute++) {
                keep(&y, JOURNAL_ENERGY, ENERGY_BYTES);
                if (minute % 15 == 0)
                    transaction_event(&y, JOURNAL_TX_UPDATE, UPDATE_BYTES, online);
                if (minute % 60 == 0)
                    keep(&y, JOURNAL_LOG_MARK, LOG_BYTES);
            }
            transaction_event(&y, JOURNAL_TX_EVENT, EVENT_BYTES, online);
            flash_file_stats(f, &after);
            *(!waiting ? &erased_closed : &erased_backlog) += after.erases - before.erases;
            for (int hour = 0; hour < 3; hour++)
                keep(&y, JOURNAL_LOG_MARK, LOG_BYTES);
            if (session % 2)
                keep(&y, JOURNAL_SECURITY_EVENT, SECURITY_BYTES);
            if (online)
                send_all(&y);
        }
    }

    struct flash_file_stats s;
    struct journal_stats js;
    flash_file_stats(f, &s);
    journal_stats_read(&y.j, &js);
    double percent = 100.0 * s.wear_max / CYCLES * 365 / (double)days;
    printf(
        "%llu bytes programmed, %llu erases; with the contactor closed: %llu, and %llu with a day's events "
        "waiting; "
        "%u updates given up, %u failures\n",
        (unsigned long long)s.programmed_bytes, (unsigned long long)s.erases,
        (unsigned long long)erased_closed, (unsigned long long)erased_backlog, (unsigned)js.dropped_total,
        (unsigned)y.failures);
    printf("wear: %lu days on %lu sectors: at most %u erases of a sector, %.2f %% of %d cycles a year\n",
           days, sectors, (unsigned)s.wear_max, percent, (int)CYCLES);
    flash_file_close(f);
    return y.failures || erased_closed || s.refused || percent >= 10;
}
