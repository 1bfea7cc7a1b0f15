/*
 * browse: what the station's one button does to the display: a short press wakes it, further ones lead
 * through the information pages; a long one stops charging, or starts setting up. Also when the backlight
 * dims.
 *
 * Times are monotonic; any thread of the caller's choice, always the same.
 */
#ifndef PANEL_BROWSE_H
#define PANEL_BROWSE_H

#include "panel/panel.h"

enum {
    BROWSE_LONG_MS = 2000,       /* the station itself takes such a press as "stop": station/ops.c */
    BROWSE_SETUP_MS = 8000,      /* longer still: set up the network afresh */
    BROWSE_PAGE_US = 20000000,   /* a page stays for this long, then the station's state is back */
    BROWSE_AWAKE_US = 120000000, /* bright for this long after the last sign of a person */
    BROWSE_BRIGHT_PERCENT = 100,
    BROWSE_DIM_PERCENT = 15, /* still to be read at night */
};

enum browse_action { BROWSE_NOTHING, BROWSE_STOP_CHARGING, BROWSE_SETUP };

struct browse {
    uint8_t page;         /* 0: the station's state; 1..PANEL_INFO_PAGES */
    uint64_t pressed_us;  /* last short press */
    uint64_t attended_us; /* last sign of a person */
    enum panel_screen seen;
};

void browse_init(struct browse *b, uint64_t now_us);
/* On release. What the station should do; a dim display is only woken. */
enum browse_action browse_button(struct browse *b, uint32_t pressed_ms, uint64_t now_us);
/* Puts the page that is browsed into the view; a fault, an update or setting up push it aside. A change of
 * the station's state is a sign of a person. */
void browse_apply(struct browse *b, struct panel_view *v, uint64_t now_us);
/* Percent, for the backlight. Charging, faults and updates are shown bright only while a person is about. */
int browse_backlight(const struct browse *b, uint64_t now_us);

#endif
