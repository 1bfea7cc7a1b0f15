#include "linux/local_hub.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_CAP = 4200, URL_CAP = 400 };

struct local_hub {
    struct site *site;
    struct memory_net *net;
    struct hub *hub; /* NULL: switched off */
    struct hub_cfg cfg;
    char database[PATH_CAP], files[PATH_CAP];
    uint64_t now_us;
    int status;   /* of the last answer of the HTTP API; 0: none yet */
    char *answer; /* and its body */
};

__attribute__((format(printf, 3, 4))) static bool fail(char *why, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, cap, fmt, ap);
    va_end(ap);
    return false;
}

static void on_reply(void *ctx, int status, const char *json)
{
    struct local_hub *l = ctx;
    free(l->answer);
    l->answer = json ? strdup(json) : NULL;
    l->status = status;
}

static void request(struct local_hub *l, const char *method, const char *path, const char *body)
{
    hub_forget_reply(l->hub, l); /* one answer is kept: the last request's */
    l->status = 0;
    hub_request(l->hub, method, path, "", body, on_reply, l, memory_net_unix_ms(l->net), l->now_us);
}

static bool start(struct local_hub *l, char *err, size_t cap)
{
    l->hub = hub_open(&l->cfg, err, cap);
    if (l->hub)
        memory_net_hub(l->net, l->hub);
    return l->hub != NULL;
}

static void stop(struct local_hub *l)
{
    if (!l->hub)
        return;
    memory_net_hub(l->net, NULL);
    hub_forget_reply(l->hub, l);
    hub_close(l->hub);
    l->hub = NULL;
}

static bool verb(void *ctx, int station, int argc, char **argv, char *why, size_t cap)
{
    struct local_hub *l = ctx;
    const char *what = argc > 1 ? argv[1] : "";
    (void)station;
    if (argc == 2 && strcmp(what, "off") == 0) {
        if (!l->hub)
            return fail(why, cap, "the server is off already");
        stop(l);
        return true;
    }
    if (argc == 2 && strcmp(what, "on") == 0) {
        if (l->hub)
            return fail(why, cap, "the server is on already");
        return start(l, why, cap);
    }
    bool get = strcmp(what, "GET") == 0 && argc == 3;
    if (get || ((strcmp(what, "POST") == 0 || strcmp(what, "PUT") == 0 || strcmp(what, "DELETE") == 0) &&
                (argc == 3 || argc == 4))) {
        if (!l->hub)
            return fail(why, cap, "the server is off");
        request(l, what, argv[2], argc == 4 ? argv[3] : "");
        if (l->status >= 400)
            return fail(why, cap, "the server says %d %s", l->status, l->answer ? l->answer : "");
        return true;
    }
    return fail(why, cap, "server wants on, off, or METHOD PATH [BODY] of its HTTP interface");
}

/* Walks "a.b.0.c" into a document. */
static const cJSON *walk(const cJSON *at, const char *path)
{
    while (at && *path) {
        char key[80];
        size_t len = strcspn(path, ".");
        if (len == 0 || len >= sizeof key)
            return NULL;
        memcpy(key, path, len);
        key[len] = '\0';
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, (int)strtol(key, NULL, 10))
                               : cJSON_GetObjectItemCaseSensitive(at, key);
        path += len + (path[len] == '.');
    }
    return at;
}

static bool say(const cJSON *at, char *out, size_t cap)
{
    if (cJSON_IsString(at))
        (void)snprintf(out, cap, "%s", at->valuestring);
    else if (cJSON_IsNumber(at))
        (void)snprintf(out, cap, "%.10g", at->valuedouble);
    else if (cJSON_IsBool(at))
        (void)snprintf(out, cap, "%d", cJSON_IsTrue(at));
    else if (cJSON_IsNull(at))
        (void)snprintf(out, cap, "none");
    else if (cJSON_IsArray(at))
        (void)snprintf(out, cap, "%d", cJSON_GetArraySize(at)); /* how many */
    else
        return false;
    return true;
}

/* The list of stations is an array, or an object that holds one: takes the entry of this station. */
static const cJSON *entry_of(const cJSON *doc, const char *id)
{
    const cJSON *list = cJSON_IsArray(doc) ? doc : cJSON_GetObjectItemCaseSensitive(doc, "stations");
    const cJSON *e = NULL;
    cJSON_ArrayForEach(e, list)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(e, "id");
        if (cJSON_IsString(name) && strcmp(name->valuestring, id) == 0)
            return e;
    }
    return NULL;
}

static bool value(void *ctx, int station, const char *name, char *out, size_t cap)
{
    struct local_hub *l = ctx;
    if (strcmp(name, "running") == 0) {
        (void)snprintf(out, cap, "%d", l->hub != NULL);
        return true;
    }
    if (strcmp(name, "status") == 0) {
        (void)snprintf(out, cap, "%d", l->status);
        return true;
    }
    if (strncmp(name, "answer.", 7) == 0) {
        cJSON *doc = l->answer && l->status ? cJSON_Parse(l->answer) : NULL;
        bool ok = say(walk(doc, name + 7), out, cap);
        cJSON_Delete(doc);
        if (!ok) /* a value may come only with a later answer, so its absence is a value too */
            (void)snprintf(out, cap, "none");
        return true;
    }
    if (!l->hub)
        return fail(out, cap, "off") || true;
    char *kept = l->answer;
    int status = l->status;
    l->answer = NULL;
    bool site = strncmp(name, "site.", 5) == 0, ok = false;
    hub_request(l->hub, "GET", site ? "/api/v1/site" : "/api/v1/stations", "", "", on_reply, l,
                memory_net_unix_ms(l->net), l->now_us);
    cJSON *doc = l->answer ? cJSON_Parse(l->answer) : NULL;
    if (site) {
        ok = say(walk(doc, name + 5), out, cap);
    } else if (station >= 1 && station <= l->site->count) {
        const cJSON *e = entry_of(doc, sim_station_id(l->site->station[station - 1]));
        ok = say(walk(e, name), out, cap);
        if (!e) { /* the hub has not met this station yet */
            (void)snprintf(out, cap, "none");
            ok = true;
        }
    }
    cJSON_Delete(doc);
    free(l->answer);
    l->answer = kept;
    l->status = status;
    return ok;
}

struct local_hub *local_hub_open(const struct options *o, struct site *site, struct memory_net *net,
                                 char *err, size_t cap)
{
    struct local_hub *l = calloc(1, sizeof *l);
    if (!l) {
        (void)snprintf(err, cap, "no memory");
        return NULL;
    }
    l->site = site;
    l->net = net;
    hub_cfg_default(&l->cfg);
    if (snprintf(l->database, sizeof l->database, "%s/hub.db", site->dir) >= (int)sizeof l->database ||
        snprintf(l->files, sizeof l->files, "%s/hub-files", site->dir) >= (int)sizeof l->files) {
        (void)snprintf(err, cap, "%s: name too long", site->dir);
        free(l);
        return NULL;
    }
    l->cfg.database = l->database;
    l->cfg.files = l->files;
    l->cfg.auto_start = o->auto_start;
    if (o->site_limit_a > 0)
        l->cfg.site_limit_a = o->site_limit_a;
    l->cfg.random_seed = (uint32_t)(o->seed ^ o->seed >> 32) | 1u;
    if (!start(l, err, cap)) {
        free(l);
        return NULL;
    }
    site->peer = (struct site_peer){.ctx = l, .verb = verb, .value = value};
    return l;
}

void local_hub_close(struct local_hub *l)
{
    if (!l)
        return;
    stop(l);
    l->site->peer = (struct site_peer){0};
    free(l->answer);
    free(l);
}

uint64_t local_hub_step(struct local_hub *l, uint64_t now_us)
{
    l->now_us = now_us;
    return l->hub ? hub_step(l->hub, memory_net_unix_ms(l->net), now_us) : UINT64_MAX;
}
