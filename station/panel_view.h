/*
 * panel_view: what a person at the station should see, as one plain value, from what the station knows.
 *
 * Comms thread only; the value may then go to whatever thread draws it.
 */
#ifndef STATION_PANEL_VIEW_H
#define STATION_PANEL_VIEW_H

#include "panel/browse.h"
#include "panel/panel.h"
#include "station/station.h"

/* What only the machine knows; zero and NULL: not known or not so. */
struct panel_machine {
    const char *link, *address; /* "Wi-Fi garage"; IP address */
    int32_t signal_dbm;
    bool clock_known; /* local time is known: */
    int32_t minute_of_day;
    /* Set-up is wanted: the network is not configured. */
    bool setup;
    const char *setup_qr, *setup_ssid, *setup_password, *setup_url;
    /* An update is under way. */
    bool updating;
    enum panel_update_phase update_phase;
    int32_t update_permille;
    const char *const *log; /* newest lines, oldest of them first */
    size_t log_lines;
};

/* What only the station knows. */
struct panel_identity {
    const char *serial, *model, *firmware;
};

struct panel_link {
    bool configured, online, registered;
    uint32_t queued, reconnects;
    const char *server; /* its address */
};

struct panel_view_in {
    const struct control_status *control;
    const struct visit *visit;
    const struct panel_link *link;
    const struct settings *settings;
    const struct panel_identity *identity;
    const struct panel_machine *machine;
    uint64_t now_us;
};
/* A pure function: what the station's state makes to be seen, whatever page is browsed. */
void panel_view_from(const struct panel_view_in *in, struct panel_view *out);

/* What the button does to this display; kept by whoever has the display, zeroed at start-up of the station.
 */
struct panel_face {
    struct browse browse;
    bool begun;
    bool setup_asked; /* the button was held so long that the network is to be set up; cleared by who does it
                       */
    uint32_t presses; /* of the button that have been taken */
};
/* What the station's display should show now; every 200 ms or so, so that the button feels quick. Brightness:
 * browse_backlight(&f->browse, now). */
void station_panel(struct station *s, struct panel_face *f, const struct panel_machine *m,
                   struct panel_view *out);

#endif
