/* api: the HTTP API of docs/hub.md, without HTTP: method, path and body in, status and JSON out. */
#include "hub/state.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, METER_ROWS_MAX = 20000 };

struct request {
    struct hub *h;
    const char *method, *path, *query, *body;
    hub_reply *reply;
    void *ctx;
    char part[6][FILES_NAME_MAX + 1]; /* of the path after /api/v1 */
    int parts;
};

static void send_json(struct request *r, int status, cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    r->reply(r->ctx, text ? status : 500, text ? text : "{\"error\":\"out of memory\"}");
    cJSON_free(text);
}

static void refuse(struct request *r, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct request *r, int status, const char *fmt, ...)
{
    char why[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (!json_utf8_ok(why, strlen(why)))
        snprintf(why, sizeof(why), "the request is not text in UTF-8");
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "error", why);
    send_json(r, status, o);
}

/* Value of a query parameter in buf; false: not given, or too long. The server has decoded it already. */
static bool query(const struct request *r, const char *name, char *buf, size_t cap)
{
    size_t n = strlen(name);
    for (const char *q = r->query; q && *q;) {
        size_t len = strcspn(q, "&");
        if (len > n && q[n] == '=' && strncmp(q, name, n) == 0 && len - n - 1 < cap) {
            memcpy(buf, q + n + 1, len - n - 1);
            buf[len - n - 1] = 0;
            return true;
        }
        q += len + (q[len] == '&');
    }
    return false;
}

/* false: given, but not a whole number of at least 0; the refusal is sent. */
static bool query_int(struct request *r, const char *name, int64_t otherwise, int64_t *out)
{
    char text[24], *end;
    *out = otherwise;
    if (!query(r, name, text, sizeof(text)))
        return true;
    *out = strtoll(text, &end, 10);
    if (end != text && !*end && *out >= 0)
        return true;
    refuse(r, 400, "%s must be a whole number", name);
    return false;
}

/* The body as an object; NULL: the refusal is sent. */
static cJSON *body_object(struct request *r)
{
    size_t len = r->body ? strlen(r->body) : 0;
    cJSON *o = NULL;
    if (!json_utf8_ok(r->body ? r->body : "", len) || json_depth(r->body ? r->body : "", len) > 32)
        refuse(r, 400, "the body is not text in UTF-8, or nested too deeply");
    else if (!(o = cJSON_ParseWithOpts(len ? r->body : "{}", NULL, true)))
        refuse(r, 400, "the body is not JSON");
    else if (!cJSON_IsObject(o)) {
        cJSON_Delete(o);
        o = NULL;
        refuse(r, 400, "the body must be a JSON object");
    }
    return o;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- site ---- */

static void site(struct request *r)
{
    struct hub *h = r->h;
    if (is(r->method, "GET")) {
        send_json(r, 200, view_site(h));
        return;
    }
    if (!is(r->method, "PUT") && !is(r->method, "POST")) {
        refuse(r, 405, "use GET, PUT or POST");
        return;
    }
    cJSON *o = body_object(r);
    if (!o)
        return;
    int64_t ma;
    bool autos, has_auto = json_bool(o, "auto_start", &autos), has_limit = json_fixed(o, "limit_a", 3, &ma);
    const cJSON *item;
    const char *unknown = NULL;
    cJSON_ArrayForEach(item, o) if (!is(item->string, "limit_a") && !is(item->string, "auto_start")) unknown =
        item->string;
    if (unknown || (!has_limit && !has_auto)) {
        if (unknown)
            refuse(r, 400, "unknown field \"%.40s\": limit_a and auto_start can be set", unknown);
        else
            refuse(r, 400, "give {\"limit_a\": amperes per phase} or {\"auto_start\": true or false}");
        cJSON_Delete(o);
        return;
    }
    if (has_limit && ma != 0 && (ma < 1000 || ma > 10000000)) {
        refuse(r, 400, "limit_a must be 0 (nobody charges) or from 1 to 10000");
        cJSON_Delete(o);
        return;
    }
    cJSON_Delete(o);
    if (has_limit) {
        char text[32];
        share_set_limit(&h->share, (int32_t)ma);
        h->cfg.site_limit_a = (double)ma / 1000;
        json_fixed_text(text, sizeof(text), ma, 3);
        db_put(h->db, DB_SETTING_PUT, NULL, "tt", "site_limit_a", text);
        hub_log(h, "", "site", 2, "limit set to %s A", text);
    }
    if (has_auto)
        h->cfg.auto_start = autos;
    h->leases_dirty = h->changed = true;
    grants_step(h);
    send_json(r, 200, view_site(h));
}

/* ---- stations ---- */

static void column_text(cJSON *o, const char *name, sqlite3_stmt *st, int i)
{
    const char *t = (const char *)sqlite3_column_text(st, i);
    if (t && t[0])
        json_add_text(o, name, t);
    else
        cJSON_AddNullToObject(o, name);
}

static void column_number(cJSON *o, const char *name, sqlite3_stmt *st, int i, int decimals)
{
    if (sqlite3_column_type(st, i) == SQLITE_NULL)
        cJSON_AddNullToObject(o, name);
    else
        json_add_fixed(o, name, llround(sqlite3_column_double(st, i) * pow(10, decimals)), decimals);
}

static void column_time(cJSON *o, const char *name, sqlite3_stmt *st, int i)
{
    if (sqlite3_column_type(st, i) == SQLITE_NULL || sqlite3_column_int64(st, i) <= 0)
        cJSON_AddNullToObject(o, name);
    else
        json_add_time(o, name, sqlite3_column_int64(st, i));
}

/* false: given, but no time; the refusal is sent. */
static bool query_time(struct request *r, const char *name, int64_t otherwise, int64_t *out)
{
    char text[40];
    *out = otherwise;
    if (!query(r, name, text, sizeof(text)) || json_time_parse(text, out))
        return true;
    refuse(r, 400, "%s must be a time like 2024-05-06T07:08:09Z", name);
    return false;
}

static bool level_known(const char *level)
{
    for (int i = 0; i < 4; i++)
        if (is(level, hub_level_names[i]))
            return true;
    return false;
}

static void station_log(struct request *r, const struct station *s)
{
    char kind[24], level[12], at_least[12], text[64], module[24];
    int64_t limit, before, after, since_ms, until_ms;
    if (!query_int(r, "limit", PAGE_DEFAULT, &limit) || !query_int(r, "before", INT64_MAX, &before) ||
        !query_int(r, "after", 0, &after) || !query_time(r, "since", 0, &since_ms) ||
        !query_time(r, "until", INT64_MAX, &until_ms))
        return;
    bool has_kind = query(r, "kind", kind, sizeof(kind)), has_level = query(r, "level", level, sizeof(level)),
         has_least = query(r, "at_least", at_least, sizeof(at_least)),
         has_text = query(r, "text", text, sizeof(text)),
         has_module = query(r, "module", module, sizeof(module));
    if ((has_level && !level_known(level)) || (has_least && !level_known(at_least))) {
        refuse(r, 400, "level and at_least are error, warning, info or debug");
        return;
    }
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "entries");
    sqlite3_stmt *st =
        db_get(r->h->db, DB_LOG_GET, "tiitttiiitt", s ? s->id : "", before, since_ms, has_kind ? kind : NULL,
               has_level ? level : NULL, has_text ? text : NULL, limit > PAGE_MAX ? (int64_t)PAGE_MAX : limit,
               after, until_ms, has_module ? module : NULL, has_least ? at_least : NULL);
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        cJSON *e = json_append_object(list);
        json_add_int(e, "id", sqlite3_column_int64(st, 0));
        column_time(e, "time", st, 1);
        column_text(e, "kind", st, 2);
        column_text(e, "level", st, 3);
        column_text(e, "module", st, 5);
        column_text(e, "text", st, 4);
    }
    if (st)
        db_done(st);
    send_json(r, 200, o);
}

static void station_variables(struct request *r, const struct station *s)
{
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "variables");
    sqlite3_stmt *st = db_get(r->h->db, DB_VARIABLES, "t", s->id);
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        cJSON *e = json_append_object(list);
        column_text(e, "component", st, 0);
        column_text(e, "component_instance", st, 1);
        json_add_int(e, "evse", sqlite3_column_int64(st, 2));
        json_add_int(e, "connector", sqlite3_column_int64(st, 3));
        column_text(e, "variable", st, 4);
        column_text(e, "instance", st, 5);
        column_text(e, "attribute", st, 6);
        column_text(e, "value", st, 7);
        column_time(e, "time", st, 8);
    }
    if (st)
        db_done(st);
    send_json(r, 200, o);
}

static bool post_only(struct request *r)
{
    if (is(r->method, "POST"))
        return true;
    refuse(r, 405, "use POST");
    return false;
}

static bool online(struct request *r, const struct station *s)
{
    if (s->peer)
        return true;
    refuse(r, 409, "the station is offline: it can be called when it has connected again");
    return false;
}

static void station_call(struct request *r, struct station *s, const char *action)
{
    if (!post_only(r) || !online(r, s))
        return;
    bool word = action[0] != 0;
    for (const char *c = action; *c; c++)
        word = word && isalnum((unsigned char)*c);
    if (!word) {
        refuse(r, 400, "the action must be the name of an OCPP message, as in /call/GetVariables");
        return;
    }
    cJSON *o = body_object(r);
    if (o && !call_queue(s, CALL_API, action, o, r->reply, r->ctx, 0))
        refuse(r, 503, "too many calls wait for this station: try again later");
}

static void station_start(struct request *r, struct station *s)
{
    if (!post_only(r) || !online(r, s))
        return;
    cJSON *o = body_object(r);
    if (!o)
        return;
    int64_t evse = 1;
    bool bad = cJSON_GetObjectItemCaseSensitive(o, "evse") &&
               (!json_int(o, "evse", &evse) || evse < 1 || evse > 999);
    cJSON_Delete(o);
    struct evse *e = bad ? NULL : station_evse(s, (int)evse);
    if (!e)
        refuse(r, 400, "evse must be the number of an EVSE of the station");
    else if (e->tx.used && e->tx.authorised)
        refuse(r, 409, "EVSE %d has a transaction already: stop it first", e->id);
    else if (!grants_auto_start(s, e, r->reply, r->ctx))
        refuse(r, 503, "too many calls wait for this station: try again later");
}

static void station_stop(struct request *r, struct station *s)
{
    if (!post_only(r) || !online(r, s))
        return;
    cJSON *o = body_object(r);
    if (!o)
        return;
    int64_t evse = 0;
    json_int(o, "evse", &evse);
    cJSON_Delete(o);
    for (int k = 0; k < HUB_EVSES_MAX; k++) {
        struct evse *e = &s->evse[k];
        if (!e->id || !e->tx.used || (evse && e->id != evse))
            continue;
        cJSON *p = cJSON_CreateObject();
        json_add_text(p, "transactionId", e->tx.id);
        if (!call_queue(s, CALL_API, "RequestStopTransaction", p, r->reply, r->ctx, e->id))
            refuse(r, 503, "too many calls wait for this station: try again later");
        return;
    }
    refuse(r, 409, "there is no transaction to stop");
}

static void station_registration(struct request *r, struct station *s)
{
    if (!is(r->method, "PUT") && !is(r->method, "POST")) {
        refuse(r, 405, "use PUT");
        return;
    }
    cJSON *o = body_object(r);
    if (!o)
        return;
    static const char *const names[] = {"Accepted", "Pending", "Rejected"};
    const char *status = json_text(o, "status", 10);
    int64_t interval = 0;
    int found = -1;
    for (int i = 0; status && i < 3; i++)
        if (is(status, names[i]))
            found = i;
    bool ok = found >= 0 && (!cJSON_GetObjectItemCaseSensitive(o, "interval") ||
                             (json_int(o, "interval", &interval) && interval >= 0 && interval <= 86400));
    cJSON_Delete(o);
    if (!ok) {
        refuse(r, 400, "give {\"status\": \"Accepted\", \"Pending\" or \"Rejected\", \"interval\": seconds}");
        return;
    }
    s->policy = (enum registration)(REG_ACCEPTED + found);
    s->policy_interval_s = (int)interval;
    station_store(s);
    send_json(r, 200, view_station(s, true));
}

/* ---- logs and firmware ---- */

/* An optional field of the body; false: the refusal is sent. */
static bool body_int(struct request *r, const cJSON *o, const char *name, int64_t most, int64_t *out)
{
    *out = -1;
    if (!cJSON_GetObjectItemCaseSensitive(o, name) || (json_int(o, name, out) && *out >= 0 && *out <= most))
        return true;
    refuse(r, 400, "%s must be a whole number from 0 to %lld", name, (long long)most);
    return false;
}

/* Puts an optional time of the body into `to`; otherwise_ms 0: not if it is not given. */
static bool body_time(struct request *r, const cJSON *o, const char *name, int64_t otherwise_ms, cJSON *to,
                      const char *as)
{
    const char *text = json_text(o, name, 40);
    int64_t ms = otherwise_ms;
    if (cJSON_GetObjectItemCaseSensitive(o, name) && (!text || !json_time_parse(text, &ms))) {
        refuse(r, 400, "%s must be a time like 2024-05-06T07:08:09Z", name);
        return false;
    }
    if (ms)
        json_add_time(to, as, ms);
    return true;
}

static bool body_knows(struct request *r, const cJSON *o, const char *const *names)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, o)
    {
        bool known = false;
        for (const char *const *n = names; *n; n++)
            known = known || is(item->string, *n);
        if (!known) {
            char all[200] = "";
            for (const char *const *n = names; *n; n++)
                snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", all[0] ? ", " : "", *n);
            refuse(r, 400, "unknown field \"%.40s\": there are %s", item->string, all);
            return false;
        }
    }
    return true;
}

static bool reachable(struct request *r, const struct station *s)
{
    if (r->h->cfg.public_url || s->base[0])
        return true;
    refuse(r, 409,
           "the hub does not know under which address the station reaches it: start it with --public-url");
    return false;
}

static void add_retries(cJSON *payload, int64_t retries, int64_t interval_s)
{
    if (retries >= 0)
        json_add_int(payload, "retries", retries);
    if (interval_s >= 0)
        json_add_int(payload, "retryInterval", interval_s);
}

static void station_get_log(struct request *r, struct station *s)
{
    static const char *const names[] = {"type", "oldest", "latest", "retries", "retry_interval", NULL};
    if (!post_only(r) || !online(r, s) || !reachable(r, s))
        return;
    if (!r->h->cfg.files) {
        refuse(r, 409, "this hub has no folder for files: start it with --files");
        return;
    }
    cJSON *o = body_object(r), *payload = NULL;
    const char *type = o ? json_text(o, "type", 20) : NULL;
    int64_t retries, interval_s;
    if (!o)
        return;
    if (!cJSON_GetObjectItemCaseSensitive(o, "type"))
        type = "DiagnosticsLog";
    if (!type || (!is(type, "DiagnosticsLog") && !is(type, "SecurityLog")))
        refuse(r, 400, "type must be DiagnosticsLog or SecurityLog");
    else if (body_knows(r, o, names) && body_int(r, o, "retries", 100, &retries) &&
             body_int(r, o, "retry_interval", 86400, &interval_s) && (payload = cJSON_CreateObject()) &&
             body_time(r, o, "oldest", 0, payload, "oldest") &&
             body_time(r, o, "latest", 0, payload, "latest")) {
        add_retries(payload, retries, interval_s);
        if (!maintenance_get_log(s, type, payload, r->reply, r->ctx))
            refuse(r, 503, "too many calls wait for this station, or the database fails: try again later");
        payload = NULL;
    }
    cJSON_Delete(payload);
    cJSON_Delete(o);
}

static void station_update(struct request *r, struct station *s)
{
    static const char *const names[] = {"image",   "location",      "retrieveDateTime", "installDateTime",
                                        "retries", "retryInterval", "signature",        "signingCertificate",
                                        NULL};
    struct hub *h = r->h;
    if (is(r->method, "GET")) {
        send_json(r, 200, maintenance_updates(s));
        return;
    }
    if (!post_only(r) || !online(r, s))
        return;
    cJSON *o = body_object(r), *payload = NULL;
    if (!o)
        return;
    const char *image = json_text(o, "image", FILES_NAME_MAX), *location = json_text(o, "location", 512),
               *signature = json_text(o, "signature", 800),
               *certificate = json_text(o, "signingCertificate", 5500);
    char url[600];
    int64_t retries, interval_s, size, at_ms;
    if (!body_knows(r, o, names)) {
        /* said */
    } else if (!image == !location) {
        refuse(r, 400, "give {\"image\": a name of GET /api/v1/firmware} or {\"location\": an address}");
    } else if (image && !files_image_size(h, image, &size, &at_ms)) {
        refuse(r, 404, "there is no firmware image \"%s\": GET /api/v1/firmware lists them", image);
    } else if (location && !strstr(location, "://")) {
        refuse(r, 400, "location must be an address like https://host/image.bin");
    } else if ((!signature && cJSON_GetObjectItemCaseSensitive(o, "signature")) ||
               (!certificate && cJSON_GetObjectItemCaseSensitive(o, "signingCertificate"))) {
        refuse(r, 400, "signature is text of at most 800 characters, signingCertificate of at most 5500");
    } else if ((!image || reachable(r, s)) && body_int(r, o, "retries", 100, &retries) &&
               body_int(r, o, "retryInterval", 86400, &interval_s)) {
        payload = cJSON_CreateObject();
        cJSON *firmware = json_add_object(payload, "firmware");
        if (image)
            snprintf(url, sizeof(url), "%s/files/firmware/%s",
                     h->cfg.public_url ? h->cfg.public_url : s->base, image);
        json_add_text(firmware, "location", image ? url : location);
        if (body_time(r, o, "retrieveDateTime", h->unix_ms, firmware, "retrieveDateTime") &&
            body_time(r, o, "installDateTime", 0, firmware, "installDateTime")) {
            if (signature)
                json_add_text(firmware, "signature", signature);
            if (certificate)
                json_add_text(firmware, "signingCertificate", certificate);
            add_retries(payload, retries, interval_s);
            if (!maintenance_update(s, image ? image : location, payload, r->reply, r->ctx))
                refuse(r, 503,
                       "too many calls wait for this station, or the database fails: try again later");
            payload = NULL;
        }
    }
    cJSON_Delete(payload);
    cJSON_Delete(o);
}

/* A file itself is given by hub_file_open. */
static void station_file(struct request *r, struct station *s)
{
    char why[200];
    struct hub_file f;
    if (!is(r->method, "DELETE")) {
        refuse(r, 405, "use GET or DELETE");
        return;
    }
    int status = hub_file_open(r->h, r->path, &f, why, sizeof(why));
    if (status != 200) {
        refuse(r, status ? status : 404, "%s", why);
        return;
    }
    close(f.fd);
    int64_t id = strtoll(r->part[3], NULL, 10);
    files_log_delete(r->h, id);
    db_put(r->h->db, DB_UPLOAD_FORGET, NULL, "i", id);
    hub_log(r->h, s->id, "upload", 2, "file %lld deleted", (long long)id);
    send_json(r, 200, cJSON_CreateObject());
}

static void firmware(struct request *r)
{
    char why[200];
    if (r->parts == 1 && is(r->method, "GET")) {
        send_json(r, 200, files_images(r->h));
    } else if (r->parts == 2 && is(r->method, "DELETE")) {
        int status = files_image_delete(r->h, r->part[1], why, sizeof(why));
        if (status == 200)
            send_json(r, 200, cJSON_CreateObject());
        else
            refuse(r, status, "%s", why);
    } else if (r->parts == 2 && (is(r->method, "PUT") || is(r->method, "POST"))) {
        refuse(r, 400, "a firmware image has a body with Content-Length: that of this request is empty");
    } else {
        refuse(r, 405, "GET /api/v1/firmware lists the images; GET, PUT or DELETE /api/v1/firmware/{name}");
    }
}

/* ---- all of a station's ---- */

static void stations(struct request *r)
{
    struct hub *h = r->h;
    if (r->parts == 1) {
        if (!is(r->method, "GET")) {
            refuse(r, 405, "use GET");
            return;
        }
        cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "stations");
        for (struct station *s = h->stations; s; s = s->next)
            cJSON_AddItemToArray(list, view_station(s, false));
        send_json(r, 200, o);
        return;
    }
    struct station *s = station_find(h, r->part[1]);
    bool registration = r->parts == 3 && is(r->part[2], "registration");
    if (!s && registration && !is(r->method, "GET")) /* known before it first connects */
        s = station_add(h, r->part[1]);
    if (!s) {
        refuse(r, 404, "no station \"%s\": GET /api/v1/stations lists them", r->part[1]);
    } else if (r->parts == 2 && is(r->method, "DELETE")) {
        if (s->peer) {
            refuse(r, 409, "the station is connected: disconnect it first, or it would be back at once");
            return;
        }
        station_forget(s);
        send_json(r, 200, cJSON_CreateObject());
    } else if (r->parts == 4 && is(r->part[2], "call")) {
        station_call(r, s, r->part[3]);
    } else if (r->parts == 3 && is(r->part[2], "start")) {
        station_start(r, s);
    } else if (r->parts == 3 && is(r->part[2], "stop")) {
        station_stop(r, s);
    } else if (r->parts == 3 && is(r->part[2], "getlog")) {
        station_get_log(r, s);
    } else if (r->parts == 3 && is(r->part[2], "firmware")) {
        station_update(r, s);
    } else if (r->parts == 4 && is(r->part[2], "files")) {
        station_file(r, s);
    } else if (registration) {
        station_registration(r, s);
    } else if (!is(r->method, "GET")) {
        refuse(r, 405, "use GET");
    } else if (r->parts == 2) {
        send_json(r, 200, view_station(s, true));
    } else if (r->parts == 3 && is(r->part[2], "log")) {
        station_log(r, s);
    } else if (r->parts == 3 && is(r->part[2], "variables")) {
        station_variables(r, s);
    } else if (r->parts == 3 && is(r->part[2], "files")) {
        send_json(r, 200, maintenance_files(s));
    } else {
        refuse(
            r, 404,
            "nothing here: a station has log, getlog, files, firmware, variables, start, stop, registration "
            "and call/{Action}");
    }
}

/* ---- transactions ---- */

static cJSON *transaction(sqlite3_stmt *st)
{
    cJSON *o = cJSON_CreateObject();
    column_text(o, "station", st, 0);
    column_text(o, "id", st, 1);
    column_number(o, "evse", st, 2, 0);
    column_number(o, "connector", st, 3, 0);
    column_text(o, "token", st, 4);
    column_text(o, "token_type", st, 5);
    column_text(o, "token_status", st, 6);
    column_number(o, "remote_start_id", st, 7, 0);
    column_time(o, "started", st, 8);
    column_time(o, "ended", st, 9);
    column_number(o, "start_wh", st, 10, 1);
    column_number(o, "end_wh", st, 11, 1);
    if (sqlite3_column_type(st, 10) == SQLITE_NULL || sqlite3_column_type(st, 11) == SQLITE_NULL)
        cJSON_AddNullToObject(o, "energy_wh");
    else
        json_add_fixed(o, "energy_wh",
                       llround((sqlite3_column_double(st, 11) - sqlite3_column_double(st, 10)) * 10), 1);
    column_text(o, "charging_state", st, 12);
    column_text(o, "stopped_reason", st, 13);
    json_add_int(o, "last_seq", sqlite3_column_int64(st, 14));
    json_add_int(o, "events", sqlite3_column_int64(st, 15));
    json_add_int(o, "missing_events", sqlite3_column_int64(st, 14) + 1 - sqlite3_column_int64(st, 15));
    return o;
}

static void transactions(struct request *r)
{
    struct hub *h = r->h;
    char of[STATION_ID_MAX + 1];
    int64_t limit, offset;
    if (!is(r->method, "GET")) {
        refuse(r, 405, "use GET");
        return;
    }
    bool has_station = query(r, "station", of, sizeof(of));
    if (r->parts == 1) {
        if (!query_int(r, "limit", PAGE_DEFAULT, &limit) || !query_int(r, "offset", 0, &offset))
            return;
        if (limit > PAGE_MAX)
            limit = PAGE_MAX;
        cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "transactions");
        sqlite3_stmt *st = has_station ? db_get(h->db, DB_TX_LIST_OF, "iit", limit, offset, of)
                                       : db_get(h->db, DB_TX_LIST, "ii", limit, offset);
        while (st && sqlite3_step(st) == SQLITE_ROW)
            cJSON_AddItemToArray(list, transaction(st));
        if (st)
            db_done(st);
        send_json(r, 200, o);
        return;
    }
    cJSON *o = NULL;
    sqlite3_stmt *st = db_get(h->db, DB_TX_GET, "tt", r->part[1], has_station ? of : NULL);
    if (st) {
        if (sqlite3_step(st) == SQLITE_ROW)
            o = transaction(st);
        db_done(st);
    }
    if (!o || r->parts != 2) {
        cJSON_Delete(o);
        refuse(r, 404, "no transaction \"%s\": GET /api/v1/transactions lists them", r->part[1]);
        return;
    }
    const char *station = json_text(o, "station", STATION_ID_MAX), *id = r->part[1];
    cJSON *list = json_add_array(o, "event_list");
    if ((st = db_get(h->db, DB_TX_EVENTS, "tt", station, id))) {
        while (sqlite3_step(st) == SQLITE_ROW) {
            cJSON *e = json_append_object(list);
            json_add_int(e, "seq", sqlite3_column_int64(st, 0));
            column_text(e, "type", st, 1);
            column_text(e, "trigger", st, 2);
            column_time(e, "time", st, 3);
            column_time(e, "received", st, 4);
            json_add_bool(e, "offline", sqlite3_column_int(st, 5) != 0);
            column_text(e, "charging_state", st, 6);
        }
        db_done(st);
    }
    list = json_add_array(o, "meter_values");
    if ((st = db_get(h->db, DB_METER_OF_TX, "tti", station, id, (int64_t)METER_ROWS_MAX))) {
        static const char *const names[] = {"meter_wh", "power_w", "i1_a", "i2_a",      "i3_a",
                                            "v1_v",     "v2_v",    "v3_v", "offered_a", "frequency_hz"};
        while (sqlite3_step(st) == SQLITE_ROW) {
            cJSON *e = json_append_object(list);
            column_time(e, "time", st, 0);
            column_text(e, "context", st, 1);
            for (int k = 0; k < 10; k++)
                if (sqlite3_column_type(st, 2 + k) != SQLITE_NULL)
                    column_number(e, names[k], st, 2 + k, k < 2 ? 1 : 3);
            const char *rest = (const char *)sqlite3_column_text(st, 12);
            if (rest)
                cJSON_AddItemToObject(e, "other", cJSON_CreateRaw(rest));
        }
        db_done(st);
    }
    send_json(r, 200, o);
}

static void health(struct request *r)
{
    struct hub *h = r->h;
    bool ok = !db_error(h->db)[0]; /* since the last commit that worked */
    cJSON *o = cJSON_CreateObject();
    json_add_text(o, "status", ok ? "ok" : "failing");
    if (!ok)
        json_add_text(o, "error", db_error(h->db));
    json_add_int(o, "schema", DB_SCHEMA_VERSION);
    json_add_time(o, "time", h->unix_ms);
    send_json(r, ok ? 200 : 503, o);
}

static void route(struct request *r)
{
    static const char prefix[] = "/api/v1/";
    const char *p = r->path;
    bool known = strncmp(p, prefix, sizeof(prefix) - 1) == 0;
    if (known) {
        p += sizeof(prefix) - 1;
        while (*p && known) {
            size_t n = strcspn(p, "/");
            known = r->parts < 6 && n > 0 && n < sizeof(r->part[0]);
            if (!known)
                break;
            memcpy(r->part[r->parts], p, n);
            r->part[r->parts++][n] = 0;
            p += n + (p[n] == '/');
        }
    }
    const char *what = known && r->parts ? r->part[0] : "";
    if (is(what, "site") && r->parts == 1)
        site(r);
    else if (is(what, "site") && r->parts == 2 && is(r->part[1], "log"))
        station_log(r, NULL);
    else if (is(what, "site") && r->parts == 2 && is(r->part[1], "history") && is(r->method, "GET"))
        send_json(r, 200, view_history(r->h));
    else if (is(what, "stations"))
        stations(r);
    else if (is(what, "transactions"))
        transactions(r);
    else if (is(what, "firmware") && r->parts <= 2)
        firmware(r);
    else if (is(what, "health") && r->parts == 1)
        health(r);
    else
        refuse(r, 404,
               "nothing here: see /api/v1/site, /api/v1/stations, /api/v1/transactions, /api/v1/firmware, "
               "/api/v1/health");
}

void api_request(struct hub *h, const char *method, const char *path, const char *query_text,
                 const char *body, hub_reply *reply, void *ctx)
{
    struct request r = {.h = h,
                        .method = method,
                        .path = path,
                        .query = query_text,
                        .body = body,
                        .reply = reply,
                        .ctx = ctx};
    route(&r);
}
