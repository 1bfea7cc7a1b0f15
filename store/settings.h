/*
 * settings: the typed table of store/settings.def, its values in RAM, its persistence in the port's key-value
 * store.
 *
 * Owned by the comms thread; the control path gets its own copy of what concerns it. Corrupt or missing
 * values fall back to defaults and are counted, never a boot loop.
 */
#ifndef STORE_SETTINGS_H
#define STORE_SETTINGS_H

#include "port/port.h"

enum { SETTING_REBOOT = 1, SETTING_READ_ONLY = 2, SETTING_SECRET = 4 };
enum setting_type { SETTING_INT, SETTING_BOOL, SETTING_TEXT };

enum setting_id {
#define ECS_INT(name, ...)  SETTING_##name,
#define ECS_BOOL(name, ...) SETTING_##name,
#define ECS_TEXT(name, ...) SETTING_##name,
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
    SETTING_COUNT
};

struct setting_info {
    const char *name, *unit, *help;
    enum setting_type type;
    uint8_t flags;
    int32_t min, max, default_int; /* SETTING_TEXT: max is the longest length */
    const char *default_text;
};

struct settings {
    struct port_kv kv;
    int32_t number[SETTING_COUNT];
    /* text values, one member each */
#define ECS_INT(name, ...)
#define ECS_BOOL(name, ...)
#define ECS_TEXT(name, max, ...) char name[(max) + 1];
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
    uint32_t defaulted;             /* values found corrupt or out of range at load */
    bool unreadable[SETTING_COUNT]; /* those: the next settings_set writes even what is the default anyway */
};

enum settings_result {
    SETTINGS_OK,
    SETTINGS_OK_REBOOT,
    SETTINGS_UNKNOWN,
    SETTINGS_READ_ONLY,
    SETTINGS_RANGE,
    SETTINGS_IO
};

const struct setting_info *settings_info(enum setting_id id);
bool settings_find(const char *name, enum setting_id *id);
void settings_load(struct settings *s, const struct port_kv *kv);
int32_t settings_int(const struct settings *s, enum setting_id id);
const char *settings_text(const struct settings *s, enum setting_id id);
/* Text form of any value; a secret gives "" . Returns the length (cut at cap − 1). */
size_t settings_format(const struct settings *s, enum setting_id id, char *buf, size_t cap);
/* Checks, keeps, makes durable. `why` (may be NULL) gets a sentence on failure. settings_force also sets
 * read-only. */
enum settings_result settings_set(struct settings *s, enum setting_id id, const char *value, char *why,
                                  size_t cap);
enum settings_result settings_force(struct settings *s, enum setting_id id, const char *value, char *why,
                                    size_t cap);

/* Factory reset: everything back to its default, the kept values erased. PORT_OK, or PORT_ERR_IO and nothing
 * changed. */
int settings_reset(struct settings *s);
/* The key under which a setting is kept in the port's store: the name, or for long names a shorter one made
 * from it. */
void settings_key(enum setting_id id, char key[PORT_KV_KEY_MAX + 1]);

#endif
