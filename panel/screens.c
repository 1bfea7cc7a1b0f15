#include "panel/screens.h"

#include <stdio.h>
#include <string.h>

#include "panel/text.h"

enum {
    HERO_BOTTOM = 136, /* of the coloured ground of a screen that shows one thing */
    HERO_ICON = 88,
    HERO_TEXT_X = 108,
    WIDTH = PANEL_WIDTH - 2 * PANEL_MARGIN,
    LAST_LINE = 229, /* base line at the bottom edge */
    CHARGING_BOTTOM = 110,
    POWER_BASE = 93,
    BARS_TOP = 152,
    BARS_BOTTOM = 204,
    BAR_X = 40,
    BAR_W = 196,
    BAND_TOP = 209,
    BADGE_PAD = 6,
    LINE_CAP = 200,
};

static const char *say(const struct panel_view *v, enum panel_string id)
{
    return panel_string(v->language, id);
}

/* ---- what all screens have ---- */

/* Returns how wide the badge is; 0: none. */
static int32_t offline_badge(struct scene *s, const struct panel_view *v)
{
    if (!v->offline)
        return 0;
    int32_t text = scene_width(s, SCENE_SMALL, say(v, PANEL_S_OFFLINE));
    int32_t w = text + 22 + 3 * BADGE_PAD, x = PANEL_WIDTH - PANEL_MARGIN / 2 - w;
    scene_round(s, x, 3, w, PANEL_BAR - 6, 12, PANEL_WHITE);
    const struct scene_area icon = {x + BADGE_PAD, 3, 22, PANEL_BAR - 6};
    scene_icon(s, SCENE_ICON_SMALL, &icon, PANEL_INK, ICON_CLOUD_OFF);
    (void)scene_line(s, SCENE_SMALL, x + 22 + 2 * BADGE_PAD, text, 21, SCENE_START, PANEL_INK,
                     say(v, PANEL_S_OFFLINE));
    return w + PANEL_MARGIN;
}

void panel_status_bar(struct scene *s, const struct panel_view *v, uint16_t ground, uint16_t ink)
{
    scene_fill(s, 0, 0, PANEL_WIDTH, PANEL_BAR, ground);
    int32_t badge = offline_badge(s, v);
    (void)scene_name(s, SCENE_SMALL, PANEL_MARGIN, WIDTH - badge, 21, SCENE_START, ink, v->name);
}

struct hero {
    uint16_t ground, ink;
    enum icon icon;
    const char *title;
};

/* The upper part of a screen that shows one thing: its colour, its icon, its name as large as it fits. */
static void hero(struct scene *s, const struct panel_view *v, const struct hero *h)
{
    scene_begin(s, panel_right_to_left(v->language), PANEL_WHITE);
    scene_fill(s, 0, 0, PANEL_WIDTH, HERO_BOTTOM, h->ground);
    panel_status_bar(s, v, h->ground, h->ink);
    const struct scene_area icon = {PANEL_MARGIN, PANEL_BAR, HERO_ICON, HERO_BOTTOM - PANEL_BAR - 8};
    scene_icon(s, SCENE_ICON_LARGE, &icon, h->ink, h->icon);
    const struct scene_area title = {HERO_TEXT_X, PANEL_BAR, PANEL_WIDTH - HERO_TEXT_X - 8,
                                     HERO_BOTTOM - PANEL_BAR - 8};
    (void)scene_paragraph(s, SCENE_TITLE, SCENE_BODY, &title, SCENE_START, true, h->ink, h->title);
}

/* Below it, down to `bottom`. */
static void hint(struct scene *s, const struct panel_view *v, enum panel_string id, int32_t bottom)
{
    const struct scene_area area = {PANEL_MARGIN, HERO_BOTTOM + 10, WIDTH, bottom - HERO_BOTTOM - 10};
    (void)scene_paragraph(s, SCENE_HEAD, SCENE_SMALL, &area, SCENE_START, true, PANEL_INK, say(v, id));
}

static void amps(const struct panel_view *v, char *out, size_t cap, int32_t ma)
{
    bool whole = ma % 1000 == 0;
    panel_number(v->language, out, cap, whole ? ma / 1000 : ma / 100, whole ? 0 : 1, "A");
}

/* ---- why the current is what it is ---- */

static const struct {
    enum panel_string text;
    enum icon icon;
} reasons[LIMIT_SLOTS] = {
    [LIMIT_INSTALLATION] = {PANEL_S_LIMIT_INSTALLATION, ICON_POWER},
    [LIMIT_CABLE] = {PANEL_S_LIMIT_CABLE, ICON_CABLE},
    [LIMIT_SERVER] = {PANEL_S_LIMIT_SERVER, ICON_GROUP},
    [LIMIT_TEMPERATURE] = {PANEL_S_LIMIT_TEMPERATURE, ICON_THERMOMETER},
    [LIMIT_SUPPLY] = {PANEL_S_LIMIT_SUPPLY, ICON_PLUG},
    [LIMIT_PHASE_LOSS] = {PANEL_S_LIMIT_PHASE_LOSS, ICON_PLUG},
    [LIMIT_USER] = {PANEL_S_LIMIT_USER, ICON_PERSON},
};

static void limit_line(struct scene *s, const struct panel_view *v, int32_t base, uint16_t colour)
{
    enum limit_slot slot = (unsigned)v->offered_by < LIMIT_SLOTS ? v->offered_by : LIMIT_INSTALLATION;
    char current[32], line[LINE_CAP];
    amps(v, current, sizeof current, v->offered_ma);
    text_fill(line, sizeof line, say(v, reasons[slot].text), current, "");
    const struct scene_area icon = {PANEL_MARGIN, base - 19, 24, 22};
    scene_icon(s, SCENE_ICON_SMALL, &icon, colour, reasons[slot].icon);
    (void)scene_line(s, SCENE_BODY, PANEL_MARGIN + 32, WIDTH - 32, base, SCENE_START, colour, line);
}

/* ---- ready and on the way to charging ---- */

static void ready(struct scene *s, const struct panel_view *v)
{
    const struct hero h = {PANEL_GREEN, PANEL_WHITE, ICON_STATION, say(v, PANEL_S_READY)};
    hero(s, v, &h);
    hint(s, v, PANEL_S_READY_HINT, 202);
    bool promised = v->offered_by == LIMIT_INSTALLATION && v->offered_ma > 0;
    if (!promised) {
        limit_line(s, v, LAST_LINE, PANEL_GREY);
        return;
    }
    char current[32], power[32], both[80], line[LINE_CAP];
    amps(v, current, sizeof current, v->offered_ma);
    /* mA × mV is µW; shown in kW with one decimal. */
    int64_t tenths = ((int64_t)v->offered_ma * v->supply_mv * v->phases + 50000000) / 100000000;
    panel_number(v->language, power, sizeof power, tenths, 1, "kW");
    (void)snprintf(both, sizeof both, v->supply_mv > 0 ? "%s · %s" : "%s", current, power);
    text_fill(line, sizeof line, say(v, PANEL_S_UP_TO), both, "");
    (void)scene_line(s, SCENE_BODY, PANEL_MARGIN, WIDTH, LAST_LINE, SCENE_START, PANEL_GREY, line);
}

static void plain(struct scene *s, const struct panel_view *v, uint16_t ground, uint16_t ink, enum icon icon,
                  enum panel_string title, enum panel_string text)
{
    const struct hero h = {ground, ink, icon, say(v, title)};
    hero(s, v, &h);
    hint(s, v, text, PANEL_HEIGHT - 10);
}

static void boot(struct scene *s, const struct panel_view *v)
{
    char line[LINE_CAP];
    const struct hero h = {PANEL_INK, PANEL_WHITE, ICON_BOLT, say(v, PANEL_S_STARTING)};
    hero(s, v, &h);
    hint(s, v, PANEL_S_STARTING_HINT, 206);
    (void)snprintf(line, sizeof line, "%s %s", v->info.model, v->info.firmware);
    (void)scene_name(s, SCENE_SMALL, PANEL_MARGIN, WIDTH, LAST_LINE, SCENE_START, PANEL_GREY, line);
}

/* ---- charging ---- */

static void power(struct scene *s, const struct panel_view *v)
{
    char number[32];
    int64_t mw = v->power_mw > 0 ? v->power_mw : 0;
    /* From 100 kW on without a decimal: there is no room for it, and no such station. */
    bool tenths = mw < 99950000;
    panel_number(v->language, number, sizeof number,
                 (mw + (tenths ? 50000 : 500000)) / (tenths ? 100000 : 1000000), tenths ? 1 : 0, "");
    /* The unit stands right of its number in every language. */
    int32_t w = scene_width(s, SCENE_NUMBER, number), unit = scene_width(s, SCENE_HEAD, "kW");
    int32_t number_x = PANEL_MARGIN + (s->rtl ? unit + 10 : 0), unit_x = PANEL_MARGIN + (s->rtl ? 0 : w + 10);
    (void)scene_line(s, SCENE_NUMBER, number_x, 220, POWER_BASE, SCENE_START, PANEL_WHITE, number);
    (void)scene_line(s, SCENE_HEAD, unit_x, 70, POWER_BASE, SCENE_START, PANEL_WHITE, "kW");
    const struct scene_area icon = {236, PANEL_BAR, 80, CHARGING_BOTTOM - PANEL_BAR - 4};
    scene_icon(s, SCENE_ICON_LARGE, &icon, PANEL_SKY, ICON_BOLT);
}

/* Energy and time, both in the larger font if both find room in it. */
static void session(struct scene *s, const struct panel_view *v, int32_t base)
{
    enum { GAP = 16 };
    char energy[40], time[40];
    uint64_t wh = v->energy_wh;
    if (wh < 10000)
        panel_number(v->language, energy, sizeof energy, (int64_t)(wh / 10), 2, "kWh");
    else if (wh < 10000000)
        panel_number(v->language, energy, sizeof energy, (int64_t)(wh / 100), 1, "kWh");
    else
        panel_number(v->language, energy, sizeof energy, (int64_t)(wh / 1000), 0, "kWh");
    panel_duration(v->language, time, sizeof time, v->duration_s);
    bool large = scene_width(s, SCENE_HEAD, energy) + scene_width(s, SCENE_HEAD, time) <= WIDTH - GAP;
    enum scene_font f = large ? SCENE_HEAD : SCENE_BODY;
    int32_t w = scene_line(s, f, PANEL_MARGIN, WIDTH, base, SCENE_END, PANEL_INK, time);
    (void)scene_line(s, f, PANEL_MARGIN, WIDTH - w - GAP, base, SCENE_START, PANEL_INK, energy);
}

/* Pixels of a bar for a current: full scale is what the installation bears. */
static int32_t scaled(const struct panel_view *v, int32_t ma)
{
    int32_t full = v->installed_ma > 0 ? v->installed_ma : 32000;
    int64_t w = (int64_t)ma * BAR_W / full;
    return w < 0 ? 0 : w > BAR_W ? BAR_W : (int32_t)w;
}

static void bars(struct scene *s, const struct panel_view *v)
{
    int phases = v->phases == 1 ? 1 : 3;
    int32_t pitch = (BARS_BOTTOM - BARS_TOP + 4) / phases, thick = phases == 1 ? 30 : 13;
    int32_t limit = scaled(v, v->offered_ma);
    for (int i = 0; i < phases; i++) {
        static const char *const names[] = {"L1", "L2", "L3"};
        char value[32];
        int32_t top = BARS_TOP + i * pitch + (pitch - 4 - thick) / 2, base = top + thick / 2 + 6;
        /* Over the limit by more than a meter's error: IEC 61851-1 lets a car take 10 % too much for a while.
         */
        bool over = v->i_ma[i] > v->offered_ma + v->offered_ma / 10 + 500;
        (void)scene_line(s, SCENE_SMALL, PANEL_MARGIN, BAR_X - PANEL_MARGIN, base, SCENE_START, PANEL_GREY,
                         names[i]);
        scene_fill(s, BAR_X, top, BAR_W, thick, PANEL_LIGHT);
        scene_fill(s, BAR_X, top, limit, thick, PANEL_SKY);
        scene_fill(s, BAR_X, top, scaled(v, v->i_ma[i]), thick, over ? PANEL_RED : PANEL_BLUE);
        panel_number(v->language, value, sizeof value, (v->i_ma[i] + 50) / 100, 1, "A");
        (void)scene_line(s, SCENE_SMALL, BAR_X + BAR_W + 4, PANEL_WIDTH - PANEL_MARGIN - BAR_X - BAR_W - 4,
                         base, SCENE_END, over ? PANEL_RED : PANEL_INK, value);
    }
    scene_fill(s, BAR_X + limit - 1, BARS_TOP - 2, 3, BARS_BOTTOM - BARS_TOP + 4, PANEL_INK);
}

static void charging(struct scene *s, const struct panel_view *v)
{
    scene_begin(s, panel_right_to_left(v->language), PANEL_WHITE);
    scene_fill(s, 0, 0, PANEL_WIDTH, CHARGING_BOTTOM, PANEL_BLUE);
    int32_t badge = offline_badge(s, v);
    int32_t state = scene_line(s, SCENE_BODY, PANEL_MARGIN, WIDTH - badge, 23, SCENE_START, PANEL_WHITE,
                               say(v, PANEL_S_CHARGING));
    int32_t x = PANEL_MARGIN + state + 16, room = PANEL_WIDTH - PANEL_MARGIN - x - badge;
    if (room > 40)
        (void)scene_name(s, SCENE_SMALL, x, room, 22, SCENE_END, PANEL_WHITE, v->name);
    power(s, v);
    session(s, v, 142);
    bars(s, v);
    scene_fill(s, 0, BAND_TOP, PANEL_WIDTH, PANEL_HEIGHT - BAND_TOP, PANEL_LIGHT);
    limit_line(s, v, 232, PANEL_INK);
}

/* ---- not charging, but would ---- */

static const struct {
    enum panel_string title, text;
    enum icon icon;
} waits[PANEL_WAITS] = {
    [PANEL_WAIT_CAR] = {PANEL_S_WAIT_CAR, PANEL_S_WAIT_CAR_HINT, ICON_CAR},
    [PANEL_WAIT_SERVER] = {PANEL_S_WAIT_SERVER, PANEL_S_WAIT_SERVER_HINT, ICON_GROUP},
    [PANEL_WAIT_SUPPLY] = {PANEL_S_WAIT_SUPPLY, PANEL_S_WAIT_SUPPLY_HINT, ICON_PLUG},
    [PANEL_WAIT_HEAT] = {PANEL_S_WAIT_HEAT, PANEL_S_WAIT_HEAT_HINT, ICON_THERMOMETER},
    [PANEL_WAIT_USER] = {PANEL_S_PAUSED, PANEL_S_WAIT_USER_HINT, ICON_PERSON},
    [PANEL_WAIT_PHASE] = {PANEL_S_PAUSED, PANEL_S_WAIT_PHASE_HINT, ICON_PLUG},
};

static bool goes_on(const struct panel_view *v, char *line, size_t cap)
{
    char when[40];
    if (v->until_minute >= 0) {
        panel_clock(when, sizeof when, v->until_minute);
        text_fill(line, cap, say(v, PANEL_S_WAIT_UNTIL), when, "");
        return true;
    }
    if (v->wait_s == 0)
        return false;
    panel_duration(v->language, when, sizeof when, v->wait_s);
    text_fill(line, cap, say(v, PANEL_S_WAIT_FOR), when, "");
    return true;
}

static void waiting(struct scene *s, const struct panel_view *v)
{
    char line[LINE_CAP];
    enum panel_wait w = (unsigned)v->wait < PANEL_WAITS ? v->wait : PANEL_WAIT_CAR;
    bool until = goes_on(v, line, sizeof line);
    const struct hero h = {PANEL_AMBER, PANEL_INK, until ? ICON_CLOCK : waits[w].icon,
                           say(v, waits[w].title)};
    hero(s, v, &h);
    hint(s, v, waits[w].text, until ? 206 : v->session ? 198 : PANEL_HEIGHT - 10);
    if (until)
        (void)scene_line(s, SCENE_BODY, PANEL_MARGIN, WIDTH, LAST_LINE, SCENE_START, PANEL_INK, line);
    else if (v->session)
        session(s, v, LAST_LINE);
}

static void stopping(struct scene *s, const struct panel_view *v)
{
    const struct hero h = {PANEL_AMBER, PANEL_INK, ICON_HOURGLASS, say(v, PANEL_S_STOPPING)};
    hero(s, v, &h);
    hint(s, v, PANEL_S_STOPPING_HINT, v->session ? 200 : PANEL_HEIGHT - 10);
    if (v->session)
        session(s, v, LAST_LINE);
}

/* ---- faults ---- */

static const struct {
    enum panel_string what, what_to_do;
    enum icon icon;
} faults[FAULT_COUNT] = {
    [FAULT_NONE] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
    [FAULT_CP_SHORT] = {PANEL_S_F_SIGNAL, PANEL_S_F_SIGNAL_DO, ICON_CABLE},
    [FAULT_CP_RANGE] = {PANEL_S_F_SIGNAL, PANEL_S_F_SIGNAL_DO, ICON_CABLE},
    [FAULT_DIODE] = {PANEL_S_F_CAR, PANEL_S_F_CAR_DO, ICON_CAR},
    [FAULT_PILOT_DRIVER] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
    [FAULT_NO_DIODE_CHECK] = {PANEL_S_F_SETUP, PANEL_S_F_SETUP_DO, ICON_SETTINGS},
    [FAULT_PP] = {PANEL_S_F_CABLE, PANEL_S_F_CABLE_DO, ICON_CABLE},
    [FAULT_CABLE_CHANGED] = {PANEL_S_F_CABLE, PANEL_S_F_CABLE_DO, ICON_CABLE},
    [FAULT_VENTILATION] = {PANEL_S_F_VENTILATION, PANEL_S_F_VENTILATION_DO, ICON_BLOCKED},
    [FAULT_WELDED] = {PANEL_S_F_WELDED, PANEL_S_F_WELDED_DO, ICON_WARNING},
    [FAULT_NO_CLOSE] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
    [FAULT_RCD] = {PANEL_S_F_RCD, PANEL_S_F_RCD_DO, ICON_WARNING},
    [FAULT_RCM_TEST] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
    [FAULT_OVERCURRENT] = {PANEL_S_F_CURRENT, PANEL_S_F_CURRENT_DO, ICON_CAR},
    [FAULT_OVERCURRENT_FAST] = {PANEL_S_F_CURRENT, PANEL_S_F_CURRENT_DO, ICON_CAR},
    [FAULT_OVERVOLTAGE] = {PANEL_S_F_HIGH, PANEL_S_F_MAINS_DO, ICON_PLUG},
    [FAULT_UNDERVOLTAGE] = {PANEL_S_F_LOW, PANEL_S_F_MAINS_DO, ICON_PLUG},
    [FAULT_FREQUENCY] = {PANEL_S_F_FREQUENCY, PANEL_S_F_MAINS_DO, ICON_PLUG},
    [FAULT_PHASE_LOSS] = {PANEL_S_F_PHASE, PANEL_S_F_PHASE_DO, ICON_PLUG},
    [FAULT_OVERTEMPERATURE] = {PANEL_S_F_HOT, PANEL_S_F_HOT_DO, ICON_THERMOMETER},
    [FAULT_LOCK] = {PANEL_S_F_LOCK, PANEL_S_F_LOCK_DO, ICON_LOCK},
    [FAULT_STARVED] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
    [FAULT_GUARD] = {PANEL_S_F_STATION, PANEL_S_F_STATION_DO, ICON_TOOL},
};

static void fault(struct scene *s, const struct panel_view *v)
{
    enum fault f = (unsigned)v->fault < FAULT_COUNT ? v->fault : FAULT_NONE;
    char line[LINE_CAP];
    const struct hero h = {PANEL_RED, PANEL_WHITE, faults[f].icon, say(v, faults[f].what)};
    hero(s, v, &h);
    const struct scene_area area = {PANEL_MARGIN, HERO_BOTTOM + 4, WIDTH, 76};
    (void)scene_paragraph(s, SCENE_BODY, SCENE_SMALL, &area, SCENE_START, true, PANEL_INK,
                          say(v, faults[f].what_to_do));
    text_fill(line, sizeof line, say(v, PANEL_S_CODE), v->code, "");
    (void)scene_line(s, SCENE_SMALL, PANEL_MARGIN, WIDTH, 234, SCENE_START, PANEL_GREY, line);
}

/* ---- update and set-up ---- */

static void update(struct scene *s, const struct panel_view *v)
{
    const struct hero h = {PANEL_VIOLET, PANEL_WHITE, ICON_UPDATE, say(v, PANEL_S_UPDATING)};
    hero(s, v, &h);
    char percent[24] = "";
    int32_t permille = v->update_permille > 1000 ? 1000 : v->update_permille;
    int32_t room = WIDTH;
    if (permille >= 0) {
        panel_number(v->language, percent, sizeof percent, permille / 10, 0, "%");
        room -= scene_line(s, SCENE_BODY, PANEL_MARGIN, WIDTH, 174, SCENE_END, PANEL_INK, percent) + 12;
        scene_round(s, PANEL_MARGIN, 184, WIDTH, 16, 8, PANEL_LIGHT);
        int32_t w = WIDTH * permille / 1000;
        if (w >= 16) /* less than its own round ends: not yet */
            scene_round(s, PANEL_MARGIN, 184, w, 16, 8, PANEL_VIOLET);
    }
    const struct scene_area phase = {PANEL_MARGIN, 154, room, 26};
    (void)scene_paragraph(
        s, SCENE_BODY, SCENE_SMALL, &phase, SCENE_START, true, PANEL_INK,
        say(v, v->update_phase == PANEL_INSTALLING ? PANEL_S_UPDATE_INSTALL : PANEL_S_UPDATE_DOWNLOAD));
    const struct scene_area icon = {PANEL_MARGIN, LAST_LINE - 19, 24, 22};
    scene_icon(s, SCENE_ICON_SMALL, &icon, PANEL_RED, ICON_WARNING);
    (void)scene_line(s, SCENE_BODY, PANEL_MARGIN + 32, WIDTH - 32, LAST_LINE, SCENE_START, PANEL_INK,
                     say(v, PANEL_S_UPDATE_WARNING));
}

enum { COLUMN = 164, COLUMN_W = PANEL_WIDTH - COLUMN - 6 }; /* beside the code */

/* A step of the instructions and what belongs to it, below each other. Returns where the next one begins. */
static int32_t step(struct scene *s, int32_t y, const char *text, const char *value)
{
    enum { VALUE = 16, GAP = 9 };
    const struct scene_area area = {COLUMN, y, COLUMN_W, 2 * 20};
    y = scene_paragraph(s, SCENE_SMALL, SCENE_SMALL, &area, SCENE_START, false, PANEL_INK, text);
    if (*value) {
        y += VALUE + 5;
        (void)scene_name(s, SCENE_SMALL, COLUMN, COLUMN_W, y, SCENE_START, PANEL_BLUE, value);
    }
    return y + GAP;
}

static const char *without_scheme(const char *url)
{
    return strncmp(url, "http://", 7) == 0 ? url + 7 : url;
}

/* The station has no network of its own to join: a phone gives it one, or there is only the cable. */
static void setup_from_outside(struct scene *s, const struct panel_view *v)
{
    const struct scene_area beside = {COLUMN, 60, COLUMN_W, 80}, alone = {PANEL_MARGIN, 100, WIDTH, 80};
    if (!v->setup.qr[0]) {
        (void)scene_paragraph(s, SCENE_BODY, SCENE_SMALL, &alone, SCENE_START, false, PANEL_INK,
                              say(v, PANEL_S_SETUP_USB));
        return;
    }
    struct scene_area next = beside;
    next.y = 20 + scene_paragraph(s, SCENE_SMALL, SCENE_SMALL, &beside, SCENE_START, false, PANEL_INK,
                                  say(v, PANEL_S_SETUP_PHONE));
    (void)scene_paragraph(s, SCENE_SMALL, SCENE_SMALL, &next, SCENE_START, false, PANEL_INK,
                          say(v, PANEL_S_SETUP_USB));
}

static void setup(struct scene *s, const struct panel_view *v, const struct qr *qr)
{
    scene_begin(s, panel_right_to_left(v->language), PANEL_WHITE);
    scene_fill(s, 0, 0, PANEL_WIDTH, 40, PANEL_INK);
    const struct scene_area icon = {PANEL_MARGIN, 8, 24, 24};
    scene_icon(s, SCENE_ICON_SMALL, &icon, PANEL_WHITE, ICON_WIFI);
    (void)scene_line(s, SCENE_BODY, PANEL_MARGIN + 34, WIDTH - 34, 28, SCENE_START, PANEL_WHITE,
                     say(v, PANEL_S_SETUP));
    s->qr = *qr;
    const struct scene_area code = {0, 44, 160, 172};
    scene_qr(s, &code);
    (void)scene_name(s, SCENE_SMALL, 6, 148, 231, SCENE_MIDDLE, PANEL_GREY, v->name);
    if (!v->setup.ssid[0]) {
        setup_from_outside(s, v);
        return;
    }
    int32_t y = step(s, 54, say(v, PANEL_S_SETUP_SCAN), "");
    y = step(s, y, say(v, PANEL_S_SETUP_NETWORK), v->setup.ssid);
    if (v->setup.password[0])
        y = step(s, y, say(v, PANEL_S_SETUP_PASSWORD), v->setup.password);
    if (v->setup.url[0])
        (void)step(s, y, say(v, PANEL_S_SETUP_OPEN), without_scheme(v->setup.url));
}

void panel_screen(struct scene *s, const struct panel_view *v, const struct qr *qr)
{
    switch (v->screen) {
    case PANEL_SETUP:
        setup(s, v, qr);
        return;
    case PANEL_READY:
        ready(s, v);
        return;
    case PANEL_AUTHORISE:
        plain(s, v, PANEL_BLUE, PANEL_WHITE, ICON_CONTACTLESS, PANEL_S_CONNECTED, PANEL_S_CONNECTED_HINT);
        return;
    case PANEL_PREPARING:
        plain(s, v, PANEL_BLUE, PANEL_WHITE, ICON_HOURGLASS, PANEL_S_CHECKING, PANEL_S_CHECKING_HINT);
        return;
    case PANEL_CHARGING:
        charging(s, v);
        return;
    case PANEL_WAITING:
        waiting(s, v);
        return;
    case PANEL_STOPPING:
        stopping(s, v);
        return;
    case PANEL_CLOSED:
        plain(s, v, PANEL_GREY, PANEL_WHITE, ICON_BLOCKED, PANEL_S_CLOSED, PANEL_S_CLOSED_HINT);
        return;
    case PANEL_FAULT:
        fault(s, v);
        return;
    case PANEL_UPDATE:
        update(s, v);
        return;
    case PANEL_BOOT:
    case PANEL_INFO_NETWORK:
    case PANEL_INFO_STATION:
    case PANEL_INFO_METER:
    case PANEL_INFO_LOG:
    case PANEL_SCREENS:
        break;
    }
    boot(s, v);
}
