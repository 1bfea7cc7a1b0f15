/*
 * settings_access: settings from a thread that does not own them: the work is done in the comms thread.
 */
#ifndef ESP32_SETTINGS_ACCESS_H
#define ESP32_SETTINGS_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/settings.h"

/* Any thread but control and comms. false: `why` says it. */
bool settings_access_set(const char *name, const char *value, char *why, size_t cap);
/* false: no such setting. A secret gives "". */
bool settings_access_get(const char *name, char *buf, size_t cap);
bool settings_access_reset(void);

#endif
