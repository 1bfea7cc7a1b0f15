#include "panel/pages.h"

#include <stdio.h>

#include "panel/screens.h"

enum {
    WIDTH = PANEL_WIDTH - 2 * PANEL_MARGIN,
    TITLE_BAR = 40,
    ROW_FIRST = 64,
    ROW_PITCH = 27,
    LABEL_MAX = 180,
    LOG_FIRST = 60,
    LOG_PITCH = 24,
    DOT = 8,
};

static const char *say(const struct panel_view *v, enum panel_string id)
{
    return panel_string(v->language, id);
}

static void title(struct scene *s, const struct panel_view *v, enum icon icon, enum panel_string id)
{
    scene_begin(s, panel_right_to_left(v->language), PANEL_WHITE);
    scene_fill(s, 0, 0, PANEL_WIDTH, TITLE_BAR, PANEL_INK);
    const struct scene_area area = {PANEL_MARGIN, 8, 24, 24};
    scene_icon(s, SCENE_ICON_SMALL, &area, PANEL_WHITE, icon);
    (void)scene_line(s, SCENE_BODY, PANEL_MARGIN + 34, 180, 28, SCENE_START, PANEL_WHITE, say(v, id));
    for (int i = 0; i < PANEL_INFO_PAGES; i++) {
        int32_t x = PANEL_WIDTH - PANEL_MARGIN - (PANEL_INFO_PAGES - i) * 2 * DOT + DOT;
        bool here = (int)v->screen == PANEL_INFO_FIRST + i;
        scene_round(s, x, TITLE_BAR / 2 - DOT / 2, DOT, DOT, DOT / 2, here ? PANEL_WHITE : PANEL_GREY);
    }
}

/* A label and, at the other side, its value as large as it fits. `own`: the value has its own direction. */
static void row(struct scene *s, const struct panel_view *v, int n, enum panel_string label,
                const char *value, bool own)
{
    int32_t base = ROW_FIRST + n * ROW_PITCH;
    int32_t w =
        scene_line(s, SCENE_SMALL, PANEL_MARGIN, LABEL_MAX, base, SCENE_START, PANEL_GREY, say(v, label));
    int32_t room = WIDTH - w - 10;
    const char *text = *value ? value : say(v, PANEL_S_UNKNOWN);
    enum scene_font f = scene_width(s, SCENE_BODY, text) <= room ? SCENE_BODY : SCENE_SMALL;
    if (own)
        (void)scene_name(s, f, PANEL_MARGIN + WIDTH - room, room, base, SCENE_END, PANEL_INK, text);
    else
        (void)scene_line(s, f, PANEL_MARGIN + WIDTH - room, room, base, SCENE_END, PANEL_INK, text);
}

static void row_count(struct scene *s, const struct panel_view *v, int n, enum panel_string label,
                      uint32_t count)
{
    char value[32];
    panel_number(v->language, value, sizeof value, count, 0, "");
    row(s, v, n, label, value, false);
}

static void network(struct scene *s, const struct panel_view *v)
{
    char signal[32] = "";
    title(s, v, ICON_WIFI, PANEL_S_NETWORK);
    if (v->info.signal_dbm)
        panel_number(v->language, signal, sizeof signal, v->info.signal_dbm, 0, "dBm");
    enum panel_string state = !v->info.server[0]    ? PANEL_S_NO_SERVER
                              : !v->info.online     ? PANEL_S_NO_CONNECTION
                              : !v->info.registered ? PANEL_S_NOT_ACCEPTED
                                                    : PANEL_S_ACCEPTED;
    int n = 0;
    row(s, v, n++, PANEL_S_LINK, v->info.link, true);
    if (v->info.signal_dbm)
        row(s, v, n++, PANEL_S_SIGNAL, signal, false);
    row(s, v, n++, PANEL_S_ADDRESS, v->info.address, true);
    row(s, v, n++, PANEL_S_SERVER, v->info.server, true);
    row(s, v, n++, PANEL_S_SERVER_STATE, say(v, state), false);
    row_count(s, v, n++, PANEL_S_QUEUED, v->info.queued);
    row_count(s, v, n, PANEL_S_RECONNECTS, v->info.reconnects);
}

static void station(struct scene *s, const struct panel_view *v)
{
    char value[40] = "";
    title(s, v, ICON_CHIP, PANEL_S_STATION);
    row(s, v, 0, PANEL_S_FIRMWARE, v->info.firmware, true);
    row(s, v, 1, PANEL_S_MODEL, v->info.model, true);
    row(s, v, 2, PANEL_S_SERIAL, v->info.serial, true);
    panel_duration(v->language, value, sizeof value, v->info.uptime_s);
    row(s, v, 3, PANEL_S_UPTIME, value, false);
    row_count(s, v, 4, PANEL_S_CYCLES, v->info.cycles);
    value[0] = '\0';
    if (v->info.temperature_known)
        panel_number(v->language, value, sizeof value, v->info.temperature_mc / 100, 1, "°C");
    row(s, v, 5, PANEL_S_TEMPERATURE, value, false);
}

/* One cell of the table: its column 0..2 */
static void cell(struct scene *s, int column, int32_t base, uint16_t colour, enum scene_font f,
                 const char *text)
{
    (void)scene_line(s, f, 52 + column * 86, 84, base, SCENE_END, colour, text);
}

static void meter(struct scene *s, const struct panel_view *v)
{
    static const char *const units[] = {"V", "A", "kW"}, *const names[] = {"L1", "L2", "L3"};
    char value[40];
    title(s, v, ICON_METER, PANEL_S_METER);
    for (int c = 0; c < 3; c++)
        cell(s, c, 62, PANEL_GREY, SCENE_SMALL, units[c]);
    for (int i = 0; i < (v->phases == 1 ? 1 : 3); i++) {
        int32_t base = 88 + i * ROW_PITCH;
        const char *none = say(v, PANEL_S_UNKNOWN);
        (void)scene_line(s, SCENE_SMALL, PANEL_MARGIN, 40, base, SCENE_START, PANEL_GREY, names[i]);
        panel_number(v->language, value, sizeof value, (v->info.v_mv[i] + 50) / 100, 1, "");
        cell(s, 0, base, PANEL_INK, SCENE_BODY, v->info.meter_valid ? value : none);
        panel_number(v->language, value, sizeof value, (v->i_ma[i] + 5) / 10, 2, "");
        cell(s, 1, base, PANEL_INK, SCENE_BODY, v->info.meter_valid ? value : none);
        panel_number(v->language, value, sizeof value, v->info.p_mw[i] / 10000, 2, "");
        cell(s, 2, base, PANEL_INK, SCENE_BODY, v->info.meter_valid ? value : none);
    }
    scene_fill(s, PANEL_MARGIN, 156, WIDTH, 2, PANEL_LIGHT);
    panel_number(v->language, value, sizeof value, (int64_t)(v->info.total_wh / 10), 2, "kWh");
    row(s, v, 5, PANEL_S_TOTAL, value, false);
    value[0] = '\0';
    if (v->info.freq_mhz)
        panel_number(v->language, value, sizeof value, v->info.freq_mhz / 10, 2, "Hz");
    row(s, v, 6, PANEL_S_FREQUENCY, value, false);
}

static void log_tail(struct scene *s, const struct panel_view *v)
{
    title(s, v, ICON_LOG, PANEL_S_LOG);
    int lines = v->info.log_lines < PANEL_LOG_LINES ? v->info.log_lines : PANEL_LOG_LINES;
    if (lines == 0)
        (void)scene_line(s, SCENE_BODY, PANEL_MARGIN, WIDTH, ROW_FIRST + 4, SCENE_START, PANEL_GREY,
                         say(v, PANEL_S_LOG_EMPTY));
    for (int i = 0; i < lines; i++)
        (void)scene_name(s, SCENE_SMALL, PANEL_MARGIN / 2, PANEL_WIDTH - PANEL_MARGIN,
                         LOG_FIRST + i * LOG_PITCH, SCENE_START, PANEL_INK, v->info.log[i]);
}

void panel_page(struct scene *s, const struct panel_view *v)
{
    if (v->screen == PANEL_INFO_NETWORK)
        network(s, v);
    else if (v->screen == PANEL_INFO_STATION)
        station(s, v);
    else if (v->screen == PANEL_INFO_METER)
        meter(s, v);
    else
        log_tail(s, v);
}
