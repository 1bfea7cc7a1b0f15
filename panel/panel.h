/*
 * panel: the station's face, 320 × 240 pixels. Turns a plain value that says what a person should see into
 * RGB565 pixels, strip by strip, and draws again only what has changed.
 *
 * No allocation, no globals, no bus: the caller brings the strips' memory and takes them to the display. One
 * thread per struct panel.
 */
#ifndef PANEL_PANEL_H
#define PANEL_PANEL_H

#include "core/fault.h"
#include "core/limits.h"
#include "panel/scene.h"
#include "panel/strings.h"

enum {
    PANEL_WIDTH = SCENE_WIDTH,
    PANEL_HEIGHT = SCENE_HEIGHT,
    PANEL_STRIP_LINES = 40,
    PANEL_STRIP_PIXELS = PANEL_WIDTH * PANEL_STRIP_LINES,
    PANEL_STRIPS = PANEL_HEIGHT / PANEL_STRIP_LINES,
    PANEL_LOG_LINES = 8,
    PANEL_LOG_LINE_MAX = 96,
    PANEL_NAME_MAX = 160, /* bytes: 40 characters of up to 4 */
    PANEL_TEXT_MAX = 64,
};

enum panel_screen {
    PANEL_BOOT,
    PANEL_SETUP, /* no network configured */
    PANEL_READY,
    PANEL_AUTHORISE, /* a car is connected and nobody has said who pays */
    PANEL_PREPARING, /* about to charge: contactor closing, car being woken */
    PANEL_CHARGING,
    PANEL_WAITING, /* authorised, but no energy flows; why: enum panel_wait */
    PANEL_STOPPING,
    PANEL_CLOSED, /* out of service */
    PANEL_FAULT,
    PANEL_UPDATE,
    PANEL_INFO_NETWORK,
    PANEL_INFO_STATION,
    PANEL_INFO_METER,
    PANEL_INFO_LOG,
    PANEL_SCREENS,
    PANEL_INFO_FIRST = PANEL_INFO_NETWORK
};
enum { PANEL_INFO_PAGES = PANEL_SCREENS - PANEL_INFO_FIRST };

enum panel_wait {
    PANEL_WAIT_CAR,
    PANEL_WAIT_SERVER,
    PANEL_WAIT_SUPPLY, /* reconnect delay after a supply fault */
    PANEL_WAIT_HEAT,
    PANEL_WAIT_USER,
    PANEL_WAIT_PHASE,
    PANEL_WAITS
};

enum panel_update_phase { PANEL_DOWNLOADING, PANEL_INSTALLING };

/* Texts are UTF-8 and may be of any content; "" is "not known". */
struct panel_view {
    enum panel_screen screen;
    enum panel_language language;
    char name[PANEL_NAME_MAX + 1]; /* of the station */
    bool offline;                  /* a server is configured and not reached */

    /* ready, charging, waiting */
    uint8_t phases;       /* 1 or 3 */
    int32_t installed_ma; /* full scale of the bars */
    int32_t offered_ma;
    enum limit_slot offered_by;
    int32_t supply_mv; /* phase to neutral, for "up to .. kW"; 0: not known, no power is promised */
    int32_t i_ma[3];
    int32_t power_mw;
    uint64_t energy_wh;  /* since the car came */
    uint32_t duration_s; /* the same */
    bool session;        /* energy and duration say something */
    enum panel_wait wait;
    int32_t until_minute; /* of the day, local time, when it goes on; −1: not known */
    uint32_t wait_s;      /* in how long it goes on; 0: not known */

    /* fault */
    enum fault fault;
    char code[PANEL_TEXT_MAX];

    /* update */
    enum panel_update_phase update_phase;
    int32_t update_permille; /* −1: not known */

    /* setup: the station has a network of its own to join, or (ssid "") takes one from a phone that scans */
    struct {
        char qr[PANEL_NAME_MAX + 1]; /* what the QR code says */
        char ssid[PANEL_TEXT_MAX], password[PANEL_TEXT_MAX], url[PANEL_TEXT_MAX];
    } setup;

    /* information pages */
    struct {
        char link[PANEL_TEXT_MAX]; /* "Wi-Fi garage", "Ethernet" */
        char address[PANEL_TEXT_MAX], server[PANEL_NAME_MAX + 1];
        bool online, registered;
        int32_t signal_dbm; /* 0: not known */
        uint32_t queued, reconnects;
        char firmware[PANEL_TEXT_MAX], model[PANEL_TEXT_MAX], serial[PANEL_TEXT_MAX];
        uint32_t uptime_s, cycles;
        bool temperature_known;
        int32_t temperature_mc;
        bool meter_valid;
        int32_t v_mv[3], p_mw[3], freq_mhz;
        uint64_t total_wh;
        char log[PANEL_LOG_LINES][PANEL_LOG_LINE_MAX + 1]; /* oldest first */
        uint8_t log_lines;
    } info;
};

struct panel {
    struct scene scene[2];                 /* what is to be seen, and what was before */
    uint8_t turn;                          /* which of them is to be seen */
    struct scene_area dirty[PANEL_STRIPS]; /* h 0: nothing; otherwise inside its strip */
    char qr_text[PANEL_NAME_MAX + 1];
    struct qr qr; /* of qr_text: made once */
};

void panel_init(struct panel *p);

/* From now on this is to be seen. true: something has to be drawn. */
bool panel_show(struct panel *p, const struct panel_view *v);
/* The display has lost its content: everything is drawn again. */
void panel_invalidate(struct panel *p);

struct panel_target {
    void *ctx;
    uint16_t *strip[2]; /* PANEL_STRIP_PIXELS each; used in turn. strip[1] NULL: only one */
    bool swap_bytes;    /* high byte first, as displays on SPI want it */
    /* Pixels of an area, line after line. They stay untouched until flush is called for the other strip and
     * has returned; with only one strip until this call returns. */
    void (*flush)(void *ctx, const struct scene_area *area, const uint16_t *pixels);
};
/* Draws what has changed since it was last drawn. */
void panel_render(struct panel *p, const struct panel_target *target);

#endif
