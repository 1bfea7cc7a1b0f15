/* local_list: the local authorisation list; see local_list.h. */
#include "ocpp/v201/local_list.h"

#include <stddef.h>
#include <string.h>

#include "ocpp/v201/v201.h"

/* A part of the list in flash; its last entries are left out when there are fewer. */
struct list_part {
    uint16_t version, entry_size;
    uint16_t part, parts, count, reserved;
    uint32_t generation;
    int32_t list_version;
    uint32_t reserved2;
    struct known_token entry[LOCAL_LIST_PART];
};
enum { LIST_PART_VERSION = 1, GENERATIONS = 4 };
_Static_assert(sizeof(struct list_part) <= 3000, "the journal takes records of 3000 bytes");
_Static_assert(LOCAL_LIST_PARTS <= 32, "a bit for each");

static bool enabled(const struct v201 *v)
{
    return device_bool(&v->dev, "local_list", true);
}

static int index_of(const struct local_list *l, const struct id_token *token)
{
    for (unsigned i = 0; i < l->count; i++)
        if (id_token_same(&l->entry[i].token, token))
            return (int)i;
    return -1;
}

const struct known_token *local_list_find(const struct v201 *v, const struct id_token *token)
{
    int i = enabled(v) ? index_of(&v->list, token) : -1;
    return i < 0 ? NULL : &v->list.entry[i];
}

int32_t local_list_bytes(const struct v201 *v)
{
    return (int32_t)(v->list.count * sizeof(struct known_token));
}

int32_t local_list_bytes_max(void)
{
    return LOCAL_LIST_ENTRIES * (int32_t)sizeof(struct known_token);
}

/* ---- flash ---- */

static size_t part_size(const struct list_part *p)
{
    return offsetof(struct list_part, entry) + p->count * sizeof p->entry[0];
}

static bool peek_part(const struct v201 *v, uint32_t after, struct list_part *p, uint32_t *id, bool *sound)
{
    size_t len;
    if (!v->dev.ops->peek(v->dev.st, OCPP_KEEP_LOCAL_LIST, after, p, sizeof *p, &len, id))
        return false;
    *sound = len >= offsetof(struct list_part, entry) && p->version == LIST_PART_VERSION &&
             p->entry_size == sizeof p->entry[0] && p->count <= LOCAL_LIST_PART && p->parts > 0 &&
             p->parts <= LOCAL_LIST_PARTS && p->part < p->parts && p->list_version >= 0 &&
             len >= part_size(p);
    for (unsigned i = 0; *sound && i < p->count; i++)
        *sound = known_token_sound(&p->entry[i]);
    return true;
}

/* The newest generation of which every part is there, 0: none; and the newest of which there is anything. */
static uint32_t newest_whole(const struct v201 *v, uint32_t *last)
{
    struct {
        uint32_t generation, seen; /* seen: a bit per part */
        unsigned parts;
    } g[GENERATIONS] = {{0}};
    struct list_part p;
    uint32_t id, after = 0, newest = 0;
    bool sound;
    *last = 0;
    while (peek_part(v, after, &p, &id, &sound)) {
        after = id;
        if (!sound || p.generation == 0)
            continue;
        /* Its own place, else that of the oldest generation. */
        unsigned at = 0;
        for (unsigned i = 0; i < GENERATIONS; i++)
            if (g[i].generation < g[at].generation)
                at = i;
        for (unsigned i = 0; i < GENERATIONS; i++)
            if (g[i].generation == p.generation)
                at = i;
        if (g[at].generation != p.generation) {
            if (p.generation < g[at].generation)
                continue;
            g[at].generation = p.generation;
            g[at].parts = p.parts;
            g[at].seen = 0;
        }
        g[at].seen |= 1u << p.part;
    }
    for (unsigned i = 0; i < GENERATIONS; i++) {
        if (g[i].generation > *last)
            *last = g[i].generation;
        if (g[i].generation > newest && g[i].seen == (uint32_t)((UINT64_C(1) << g[i].parts) - 1))
            newest = g[i].generation;
    }
    return newest;
}

void local_list_init(struct v201 *v)
{
    struct local_list *l = &v->list;
    memset(l, 0, sizeof *l);
    uint32_t whole = newest_whole(v, &l->generation);
    struct list_part p;
    uint32_t id, after = 0;
    bool sound;
    while (peek_part(v, after, &p, &id, &sound)) {
        after = id;
        if (!sound || p.generation != whole || whole == 0 || l->keep_id[p.part]) {
            v->dev.ops->forget(v->dev.st, OCPP_KEEP_LOCAL_LIST, id); /* an update that came to nothing */
            continue;
        }
        l->version = p.list_version;
        l->parts = p.parts;
        l->keep_id[p.part] = id;
        for (unsigned i = 0; i < p.count && l->count < LOCAL_LIST_ENTRIES; i++)
            l->entry[l->count++] = p.entry[i];
    }
}

/* Writes the list as it is in RAM as the next generation. false: flash still has the old one, and only that.
 */
static bool keep_all(struct v201 *v, int32_t version)
{
    struct local_list *l = &v->list;
    uint32_t id[LOCAL_LIST_PARTS];
    unsigned parts = (l->count + LOCAL_LIST_PART - 1) / LOCAL_LIST_PART;
    if (parts == 0)
        parts = 1; /* an empty list has a version too (D01.FR.04) */
    for (unsigned i = 0; i < parts; i++) {
        unsigned first = i * LOCAL_LIST_PART, left = l->count - first;
        struct list_part p = {.version = LIST_PART_VERSION,
                              .entry_size = sizeof p.entry[0],
                              .part = (uint16_t)i,
                              .parts = (uint16_t)parts,
                              .count = (uint16_t)(left < LOCAL_LIST_PART ? left : LOCAL_LIST_PART),
                              .generation = l->generation + 1,
                              .list_version = version};
        memcpy(p.entry, &l->entry[first], p.count * sizeof p.entry[0]);
        if (!v->dev.ops->keep(v->dev.st, OCPP_KEEP_LOCAL_LIST, &p, part_size(&p), &id[i])) {
            while (i-- > 0)
                v->dev.ops->forget(v->dev.st, OCPP_KEEP_LOCAL_LIST, id[i]);
            return false;
        }
    }
    for (unsigned i = 0; i < l->parts; i++)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_LOCAL_LIST, l->keep_id[i]);
    memcpy(l->keep_id, id, parts * sizeof id[0]);
    l->parts = parts;
    l->generation++;
    l->version = version;
    return true;
}

/* ---- messages ---- */

static void refuse(struct rpc_answer *answer, const char *reason, const char *info)
{
    json_add_text(answer->payload, "status", "Failed");
    status_info(answer->payload, reason, info);
}

/* NULL: every element can be taken and there is room for all. */
static const char *judge(const struct v201 *v, const cJSON *list, bool full, const char **info)
{
    unsigned n = 0, after = full ? 0 : v->list.count;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        struct id_token token, other;
        struct known_token known;
        const cJSON *what = json_object(e, "idTokenInfo");
        if (++n > LOCAL_LIST_ITEMS) /* D01.FR.11 */
            return *info = "more than LocalAuthListCtrlr.ItemsPerMessage", "TooManyElements";
        if (!id_token_read(e, "idToken", &token) || !token.text[0])
            return *info = "idToken", "InvalidIdToken";
        if (!what && full)
            return *info = "idTokenInfo", "MissingParam";
        if (what && !known_token_read(what, &known))
            return *info = "idTokenInfo.status", "InvalidValue";
        for (const cJSON *b = list->child; b != e; b = b->next)
            if (id_token_read(b, "idToken", &other) && id_token_same(&token, &other))
                return *info = "the same idToken twice", "InvalidValue"; /* D01.FR.06 */
        bool there = !full && index_of(&v->list, &token) >= 0;
        if (what && !there)
            after++;
        else if (!what && there)
            after--;
    }
    return after > LOCAL_LIST_ENTRIES ? (*info = "more than LocalAuthListCtrlr.Entries", "OutOfStorage")
                                      : NULL;
}

/* Removals come first, so that the table holds what judge() has counted. */
static void apply(struct local_list *l, const cJSON *list, bool full)
{
    if (full)
        l->count = 0;
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        struct id_token token;
        int i = -1;
        if (!json_object(e, "idTokenInfo") && id_token_read(e, "idToken", &token))
            i = index_of(l, &token);
        if (i >= 0)
            l->entry[i] = l->entry[--l->count];
    }
    for (const cJSON *e = list ? list->child : NULL; e; e = e->next) {
        struct id_token token;
        struct known_token known;
        if (!known_token_read(json_object(e, "idTokenInfo"), &known) || !id_token_read(e, "idToken", &token))
            continue;
        int i = index_of(l, &token);
        if (i < 0 && l->count < LOCAL_LIST_ENTRIES)
            i = (int)l->count++;
        if (i < 0)
            continue;
        known.token = token;
        l->entry[i] = known;
    }
}

void send_local_list(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t version = 0;
    json_int(request, "versionNumber", &version);
    bool full = !strcmp(json_text(request, "updateType", 20), "Full");
    const cJSON *list = json_array(request, "localAuthorizationList");
    const char *info = NULL, *fault;
    if (!enabled(v)) {
        refuse(answer, "NotEnabled", NULL);
        return;
    }
    if (version <= 0) { /* D01.FR.18 */
        refuse(answer, "ValuePositiveOnly", "versionNumber");
        return;
    }
    if (!full && version <= v->list.version) { /* D01.FR.19 */
        json_add_text(answer->payload, "status", "VersionMismatch");
        return;
    }
    fault = judge(v, list, full, &info);
    if (fault) {
        refuse(answer, fault, info);
        return;
    }
    apply(&v->list, list, full);
    if (!keep_all(v, (int32_t)version)) {
        local_list_init(v); /* as flash has it: unchanged */
        device_log(&v->dev, 0, "the local authorisation list can't be kept in flash");
        refuse(answer, "OutOfStorage", NULL);
        return;
    }
    device_log(&v->dev, 2, "local authorisation list: version %d, %u entries", (int)v->list.version,
               v->list.count);
    json_add_text(answer->payload, "status", "Accepted");
}

void get_local_list_version(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    (void)request;
    json_add_int(answer->payload, "versionNumber", enabled(v) ? v->list.version : 0); /* D02.FR.03 */
}
