/* settings: the table as data, checks, and the text form in which values are kept and shown. */
#include "store/settings.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LEN 31

static const struct setting_info table[SETTING_COUNT] = {
#define ECS_INT(n, u, lo, hi, def, fl, h) \
    [SETTING_##n] = {.name = #n,          \
                     .unit = u,           \
                     .help = h,           \
                     .type = SETTING_INT, \
                     .flags = fl,         \
                     .min = lo,           \
                     .max = hi,           \
                     .default_int = def},
#define ECS_BOOL(n, def, fl, h)            \
    [SETTING_##n] = {.name = #n,           \
                     .unit = "",           \
                     .help = h,            \
                     .type = SETTING_BOOL, \
                     .flags = fl,          \
                     .min = 0,             \
                     .max = 1,             \
                     .default_int = def},
#define ECS_TEXT(n, mx, def, fl, h)        \
    [SETTING_##n] = {.name = #n,           \
                     .unit = "",           \
                     .help = h,            \
                     .type = SETTING_TEXT, \
                     .flags = fl,          \
                     .max = mx,            \
                     .default_text = def},
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
};

/* Where each text lies in struct settings; 0 for numbers. */
static const size_t text_at[SETTING_COUNT] = {
#define ECS_INT(n, ...)
#define ECS_BOOL(n, ...)
#define ECS_TEXT(n, ...) [SETTING_##n] = offsetof(struct settings, n),
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT
};

/* A value with its type letter must fit into the store; a name into its buffers. */
#define ECS_INT(n, ...)  _Static_assert(sizeof #n <= NAME_MAX_LEN + 1, #n ": name too long");
#define ECS_BOOL(n, ...) _Static_assert(sizeof #n <= NAME_MAX_LEN + 1, #n ": name too long");
#define ECS_TEXT(n, mx, def, ...)                                                       \
    _Static_assert(sizeof #n <= NAME_MAX_LEN + 1, #n ": name too long");                \
    _Static_assert((mx) + 1 <= PORT_KV_VALUE_MAX, #n ": value too long for the store"); \
    _Static_assert(sizeof(def) - 1 <= (mx), #n ": default too long");
#include "store/settings.def"
#undef ECS_INT
#undef ECS_BOOL
#undef ECS_TEXT

static bool known(enum setting_id id)
{
    return (unsigned)id < SETTING_COUNT;
}

static char *text_of(struct settings *s, enum setting_id id)
{
    return (char *)s + text_at[id];
}

const struct setting_info *settings_info(enum setting_id id)
{
    return known(id) ? &table[id] : NULL;
}

bool settings_find(const char *name, enum setting_id *id)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        if (strcmp(table[i].name, name) == 0) {
            *id = (enum setting_id)i;
            return true;
        }
    return false;
}

/* NVS keys have 15 characters at most (ESP-IDF, NVS_KEY_NAME_MAX_SIZE 16 with its end): a longer name is cut
 * and told apart by 24 bits of FNV-1a (Fowler, Noll, Vo; offset basis and prime of 32 bits). '#' is in no
 * name, so that a derived key is never another setting's name. */
void settings_key(enum setting_id id, char key[PORT_KV_KEY_MAX + 1])
{
    const char *name = known(id) ? table[id].name : "";

    if (strlen(name) <= PORT_KV_KEY_MAX) {
        snprintf(key, PORT_KV_KEY_MAX + 1, "%s", name);
        return;
    }
    uint32_t hash = 2166136261U;
    for (const char *p = name; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619U;
    snprintf(key, PORT_KV_KEY_MAX + 1, "%.8s#%06x", name, (unsigned)((hash ^ hash >> 24) & 0xFFFFFFU));
}

static void set_default(struct settings *s, enum setting_id id)
{
    if (table[id].type == SETTING_TEXT)
        snprintf(text_of(s, id), (size_t)table[id].max + 1, "%s", table[id].default_text);
    else
        s->number[id] = table[id].default_int;
}

static bool parse_int(const char *text, int32_t *out)
{
    bool negative = *text == '-';
    int64_t v = 0;

    text += negative || *text == '+';
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        v = v * 10 + (*text - '0');
        if (v > (int64_t)INT32_MAX + 1)
            return false;
    }
    if (negative)
        v = -v;
    if (v > INT32_MAX || v < INT32_MIN)
        return false;
    *out = (int32_t)v;
    return true;
}

static bool same_ignoring_case(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 32) : *a;
        if (x != *b)
            return false;
    }
    return *a == *b;
}

static bool parse_bool(const char *text, int32_t *out)
{
    static const char *const words[2][4] = {{"false", "0", "off", "no"}, {"true", "1", "on", "yes"}};

    for (int v = 0; v < 2; v++)
        for (int i = 0; i < 4; i++)
            if (same_ignoring_case(text, words[v][i])) {
                *out = v;
                return true;
            }
    return false;
}

/* Whole UTF-8 sequences (RFC 3629) of printable characters: texts go into JSON, onto the display and into
 * URLs. */
static bool printable(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;

    while (*p) {
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        int more = *p < 0x80             ? 0
                   : (*p & 0xE0) == 0xC0 ? 1
                   : (*p & 0xF0) == 0xE0 ? 2
                   : (*p & 0xF8) == 0xF0 ? 3
                                         : -1;
        if (more < 0)
            return false;
        uint32_t c = more == 0 ? *p : *p & (0x3FU >> more);
        for (int i = 1; i <= more; i++) {
            if ((p[i] & 0xC0) != 0x80)
                return false;
            c = c << 6 | (p[i] & 0x3F);
        }
        if (c < 0x20 || (c >= 0x7F && c < 0xA0) || c < least[more] || c > 0x10FFFF ||
            (c >= 0xD800 && c < 0xE000))
            return false;
        p += more + 1;
    }
    return true;
}

#define SAY(...)                             \
    do {                                     \
        if (why && cap)                      \
            snprintf(why, cap, __VA_ARGS__); \
    } while (0)

/* Conditions between settings that no range says. */
static bool agrees(const struct settings *s, enum setting_id id, int32_t v, char *why, size_t cap)
{
    if (id == SETTING_phases && v == 2) {
        SAY("phases: 1 or 3");
        return false;
    }
    if ((id == SETTING_derate_start && v >= s->number[SETTING_derate_stop]) ||
        (id == SETTING_derate_stop && v <= s->number[SETTING_derate_start])) {
        SAY("%s: derate_start (%d C) must stay below derate_stop (%d C)", table[id].name,
            (int)s->number[SETTING_derate_start], (int)s->number[SETTING_derate_stop]);
        return false;
    }
    return true;
}

/* Parses and checks by type and range; numbers into *number. */
static bool check(enum setting_id id, const char *value, int32_t *number, char *why, size_t cap)
{
    const struct setting_info *t = &table[id];

    *number = 0;
    switch (t->type) {
    case SETTING_TEXT:
        if (strlen(value) > (size_t)t->max) {
            SAY("%s: at most %d characters", t->name, (int)t->max);
            return false;
        }
        if (!printable(value)) {
            SAY("%s: only printable UTF-8 text", t->name);
            return false;
        }
        return true;
    case SETTING_BOOL:
        if (!parse_bool(value, number)) {
            SAY("%s: true or false", t->name);
            return false;
        }
        return true;
    case SETTING_INT:
        if (!parse_int(value, number)) {
            SAY("%s: a whole number from %d to %d%s%s", t->name, (int)t->min, (int)t->max,
                *t->unit ? " " : "", t->unit);
            return false;
        }
        if (*number < t->min || *number > t->max) {
            SAY("%s: from %d to %d%s%s, not %d", t->name, (int)t->min, (int)t->max, *t->unit ? " " : "",
                t->unit, (int)*number);
            return false;
        }
        return true;
    }
    return false;
}

static char type_letter(enum setting_id id)
{
    return table[id].type == SETTING_INT ? 'i' : table[id].type == SETTING_BOOL ? 'b' : 't';
}

/* Kept form: a letter for the type, then the value as text. */
static bool take_kept(struct settings *s, enum setting_id id, const char *kept, size_t len)
{
    char value[PORT_KV_VALUE_MAX + 1];
    int32_t number;

    if (len < 1 || len > PORT_KV_VALUE_MAX || kept[0] != type_letter(id) || memchr(kept, 0, len))
        return false;
    memcpy(value, kept + 1, len - 1);
    value[len - 1] = 0;
    if (!check(id, value, &number, NULL, 0))
        return false;
    if (table[id].type == SETTING_TEXT)
        memcpy(text_of(s, id), value, len);
    else if (id == SETTING_phases && number == 2)
        return false;
    else
        s->number[id] = number;
    return true;
}

void settings_load(struct settings *s, const struct port_kv *kv)
{
    char key[PORT_KV_KEY_MAX + 1], kept[PORT_KV_VALUE_MAX];

    memset(s, 0, sizeof *s);
    if (kv)
        s->kv = *kv;
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        enum setting_id id = (enum setting_id)i;
        size_t len = 0;
        set_default(s, id);
        if (!s->kv.get)
            continue;
        settings_key(id, key);
        int rc = s->kv.get(s->kv.ctx, key, kept, sizeof kept, &len);
        if (rc == PORT_ERR_NOT_FOUND)
            continue;
        if (rc || !take_kept(s, id, kept, len)) {
            s->defaulted++;
            s->unreadable[id] = true;
        }
    }
    if (s->kv.lost)
        s->defaulted = SETTING_COUNT;
    if (s->number[SETTING_derate_start] >= s->number[SETTING_derate_stop]) {
        set_default(s, SETTING_derate_start);
        set_default(s, SETTING_derate_stop);
        s->unreadable[SETTING_derate_start] = s->unreadable[SETTING_derate_stop] = true;
        s->defaulted++;
    }
}

int settings_reset(struct settings *s)
{
    int rc = s->kv.erase_all ? s->kv.erase_all(s->kv.ctx) : PORT_OK;

    if (rc == PORT_OK)
        for (unsigned i = 0; i < SETTING_COUNT; i++) {
            set_default(s, (enum setting_id)i);
            s->unreadable[i] = false;
        }
    return rc;
}

int32_t settings_int(const struct settings *s, enum setting_id id)
{
    return known(id) ? s->number[id] : 0;
}

const char *settings_text(const struct settings *s, enum setting_id id)
{
    return known(id) && table[id].type == SETTING_TEXT ? (const char *)s + text_at[id] : "";
}

size_t settings_format(const struct settings *s, enum setting_id id, char *buf, size_t cap)
{
    int n = 0;

    if (cap == 0)
        return 0;
    buf[0] = 0;
    if (!known(id) || table[id].flags & SETTING_SECRET)
        return 0;
    if (table[id].type == SETTING_INT)
        n = snprintf(buf, cap, "%d", (int)s->number[id]);
    else
        n = snprintf(buf, cap, "%s",
                     table[id].type == SETTING_TEXT ? settings_text(s, id)
                     : s->number[id]                ? "true"
                                                    : "false");
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

enum settings_result settings_force(struct settings *s, enum setting_id id, const char *value, char *why,
                                    size_t cap)
{
    char key[PORT_KV_KEY_MAX + 1], kept[PORT_KV_VALUE_MAX + 1];
    int32_t number;

    if (!known(id)) {
        SAY("no such setting");
        return SETTINGS_UNKNOWN;
    }
    if (!value || !check(id, value, &number, why, cap))
        return SETTINGS_RANGE;
    const struct setting_info *t = &table[id];
    if (t->type != SETTING_TEXT && !agrees(s, id, number, why, cap))
        return SETTINGS_RANGE;
    /* What does not change costs no flash. */
    if (!s->unreadable[id] &&
        (t->type == SETTING_TEXT ? strcmp(settings_text(s, id), value) == 0 : s->number[id] == number))
        return SETTINGS_OK;

    if (s->kv.set) {
        int n = t->type == SETTING_TEXT ? snprintf(kept, sizeof kept, "t%s", value)
                                        : snprintf(kept, sizeof kept, "%c%d", type_letter(id), (int)number);
        settings_key(id, key);
        int rc = s->kv.set(s->kv.ctx, key, kept, (size_t)n);
        if (rc) {
            SAY("%s: could not be stored (error %d); the old value stays", t->name, rc);
            return SETTINGS_IO;
        }
    }
    s->unreadable[id] = false;
    if (t->type == SETTING_TEXT)
        memcpy(text_of(s, id), value, strlen(value) + 1);
    else
        s->number[id] = number;
    return t->flags & SETTING_REBOOT ? SETTINGS_OK_REBOOT : SETTINGS_OK;
}

enum settings_result settings_set(struct settings *s, enum setting_id id, const char *value, char *why,
                                  size_t cap)
{
    if (known(id) && table[id].flags & SETTING_READ_ONLY) {
        SAY("%s: read only", table[id].name);
        return SETTINGS_READ_ONLY;
    }
    return settings_force(s, id, value, why, cap);
}
