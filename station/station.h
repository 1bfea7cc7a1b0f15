/*
 * station: one charging station, composed: charge control (core/), OCPP (ocpp/), journal and settings
 * (store/), the link to the server. Two entry points, one per thread, and one for the ADC interrupt. No
 * allocation, no globals: the whole station is one struct that the port provides.
 */
#ifndef STATION_STATION_H
#define STATION_STATION_H

#include <stdatomic.h>

#include "core/control.h"
#include "net/http.h"
#include "net/transport.h"
#include "ocpp/ocpp.h"
#include "port/port.h"
#include "store/journal.h"
#include "store/settings.h"

struct station;
#include "station/station_state.h"

/* Bytes for the station with OCPP's, the log's and the black box's memory behind it; sizeof(struct station)
 * if boot->ocpp_mem is given. */
size_t station_size(void);

struct station_boot {
    const struct port *port; /* must live as long as the station */
    const struct transport *transport;
    const struct http *http;               /* downloads and uploads; NULL: none, and that is answered so */
    const struct sense_cfg *sense;         /* channels and converter curve of this machine; NULL: defaults */
    const char *serial, *model, *firmware; /* static strings */
    uint32_t
        security; /* of this firmware: none with a lower number may follow it (docs/firmware-update.md) */
    void *
        ocpp_mem; /* ocpp_size() bytes, 16-byte aligned (PSRAM on the chip); NULL: right behind the station */
    /* For the log and for the black box, 8-byte aligned (PSRAM on the chip, blackbox_bytes(CONTROL_PERIOD_US)
     * for the latter); NULL: none, unless ocpp_mem is NULL too: then right behind the station. */
    void *log_mem, *blackbox_mem;
    size_t log_bytes, blackbox_bytes;
    /* Settings forced at start (name=value), e.g. from a command line; NULL-terminated pairs, or NULL. */
    const char *const *settings;
};

/* `mem`: zeroed memory as station_size says, 64-byte aligned. Mounts the journal, loads the settings, starts
 * in EVSE_SELF_TEST. Before any thread runs. */
struct station *station_init(void *mem, const struct station_boot *boot);

/* The ADC interrupt: raw conversions in, GUARD_OUT_* for the pins out. In IRAM on the chip; never blocks. */
static inline uint32_t station_on_frame(struct guard *g, const uint16_t *raw, size_t n, uint64_t end_us,
                                        uint32_t inputs)
{
    return guard_on_frame(g, raw, n, end_us, inputs);
}
struct guard *station_guard(struct station *s);

/* Control thread, every CONTROL_PERIOD_US. */
void station_control_step(struct station *s);

/* Comms thread. Returns the monotonic time (µs) at which it wants to run again at the latest; the port runs
 * it earlier when wake_comms was called or the transport had something. */
uint64_t station_comms_step(struct station *s);

/* Comms thread: a person presents a token at the reader. */
void station_token(struct station *s, const char *token, const char *type);

/* Any thread, not an interrupt: a line for the log of a part that is not the station's own. Before
 * station_init it needs zeroed memory. Level as in struct port's log; port->log does not hear of it. */
void station_note(struct station *s, uint64_t at_us, int level, const char *text);
/* Any thread, just before it restarts the machine because nobody else can do anything any more: found in the
 * log after the reset. */
void station_last_words(const struct port *port, const char *text);

/* Any thread: a consistent copy of the control path's status (of at most 10 ms ago). */
void station_status(struct station *s, struct control_status *out);

/* Comms thread: link and protocol, for status pages. */
struct station_link_status {
    bool online, registered, transaction;
    char transaction_id[37];
    uint32_t queued, sent, received, reconnects, journal_live, journal_dropped;
    bool restart_wanted; /* the server asked for a reset and the station is ready for it */
};
void station_link_status(struct station *s, struct station_link_status *out);

/* Comms thread: settings, for consoles and control sockets. */
struct settings *station_settings(struct station *s);
/* After a setting has been changed: what takes effect at once is passed on to the control path. */
void station_settings_changed(struct station *s, enum setting_id id);

#endif
