/*
 * settings_map: from the settings table to the configuration of the control path and of the link.
 */
#ifndef STATION_SETTINGS_MAP_H
#define STATION_SETTINGS_MAP_H

#include "core/control.h"
#include "station/link.h"
#include "store/settings.h"

/* `sense`: channels and converter curve of this machine; NULL: the defaults. */
void settings_map_control(const struct settings *s, const struct sense_cfg *sense, struct control_cfg *out);

/* `url`: buffer of cap bytes for base + "/" + station_id (percent-encoded); "" when base is. */
void settings_map_url(const struct settings *s, const char *base, char *url, size_t cap);
void settings_map_link(const struct settings *s, const char *base, char *url, size_t cap,
                       struct link_cfg *out);

/* The limit slot that a setting feeds and its value now; false: this setting is not a limit. */
bool settings_map_limit(const struct settings *s, enum setting_id id, struct control_cmd *out);

#endif
