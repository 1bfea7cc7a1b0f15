/* station's inside; include station/station.h instead. */
#ifndef STATION_STATION_STATE_H
#define STATION_STATION_STATE_H

#include "log/blackbox.h"
#include "log/inbox.h"
#include "log/log.h"
#include "station/durable.h"
#include "station/firmware.h"
#include "station/link.h"
#include "station/log_upload.h"
#include "station/networks.h"
#include "station/registers.h"
#include "station/rings.h"
#include "station/security_log.h"
#include "station/snapshot.h"
#include "station/visit.h"
#include "station/wallclock.h"
#include "station/warnings.h"
#include "station/wishes.h"

enum { STATION_URL_MAX = OCPP_NETWORK_URL_MAX + 1 + 48 * 3 + 1 };

/* A restart that the server asked for: what is still to be waited for. */
struct station_restart {
    bool wanted, when_idle, prepared, done;
    uint64_t asked_us;
};

/* The user's button, for whoever shows pages. */
struct station_button {
    uint32_t presses; /* since start-up */
    uint32_t pressed_ms;
    uint64_t at_us; /* the last one: how long, and when it was let go */
};

struct station {
    struct guard guard; /* first: shared with the ADC interrupt, in internal RAM on the chip */
    const struct port *port;

    /* control thread */
    struct control control;
    struct control_status control_copy;
    struct registers_kept registers_kept;

    /* between the threads */
    struct snapshot snapshot;
    struct event_ring events;
    struct command_ring commands;
    struct blackbox blackbox;
    struct log_inbox notes;

    /* comms thread */
    struct log log;
    bool log_clock_known; /* as the log has been told */
    int64_t log_clock_ms;
    uint32_t boxes_told;
    struct warnings warnings;
    struct security_log security;
    struct log_upload upload;
    const struct http *http; /* NULL: none */
    struct settings settings;
    struct durable durable;
    struct networks networks;
    struct link link;
    struct wishes wishes;
    struct wallclock clock;
    struct visit visit;
    struct station_button button;
    struct ocpp *ocpp;
    struct control_status status; /* as of this comms step */
    bool plugged;                 /* by the last definite pilot state */
    char pilot;
    struct station_restart restart;
    struct firmware_glue firmware_glue;
    char url[STATION_URL_MAX];
    const char *serial, *model, *firmware;
};

#endif
