/*
 * maintenance: what a station was asked to send or to install: GetLog and UpdateFirmware, each with its
 * number in the database, and how far it has come by what the station tells of it.
 */
#include "hub/state.h"

#include <stdio.h>
#include <string.h>

enum { LISTED_MAX = 100 };

static bool among(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* OCPP 2.0.1 UploadLogStatusEnumType, but for Idle and Uploading; and what the hub itself notes. */
bool maintenance_log_ended(const char *status)
{
    static const char *const ended[] = {"Uploaded",         "BadMessage",    "NotSupportedOperation",
                                        "PermissionDenied", "UploadFailure", "AcceptedCanceled",
                                        "Refused",          "NoAnswer"};
    return among(status, ended, sizeof(ended) / sizeof(ended[0]));
}

/* OCPP 2.0.1 FirmwareStatusEnumType: after these nothing more comes of this request. */
bool maintenance_update_ended(const char *status)
{
    static const char *const ended[] = {
        "Installed",          "DownloadFailed",    "InstallationFailed", "InstallVerificationFailed",
        "InvalidSignature",   "Refused",           "NoAnswer",           "AcceptedCanceled",
        "InvalidCertificate", "RevokedCertificate"};
    return among(status, ended, sizeof(ended) / sizeof(ended[0]));
}

static const char *column(sqlite3_stmt *st, int i)
{
    const char *t = (const char *)sqlite3_column_text(st, i);
    return t ? t : "";
}

void maintenance_load(struct hub *h)
{
    for (struct station *s = h->stations; s; s = s->next) {
        sqlite3_stmt *st = db_get(h->db, DB_UPLOAD_LAST, "t", s->id);
        if (st && sqlite3_step(st) == SQLITE_ROW) {
            struct log_upload *l = &s->log_upload;
            l->request = sqlite3_column_int64(st, 0);
            snprintf(l->type, sizeof(l->type), "%s", column(st, 1));
            l->asked_ms = sqlite3_column_int64(st, 2);
            snprintf(l->status, sizeof(l->status), "%s", column(st, 3));
            l->status_ms = sqlite3_column_int64(st, 4);
            l->size = sqlite3_column_type(st, 5) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, 5);
        }
        if (st)
            db_done(st);
        st = db_get(h->db, DB_UPDATE_LAST, "t", s->id);
        if (st && sqlite3_step(st) == SQLITE_ROW) {
            struct firmware_update *u = &s->update;
            u->request = sqlite3_column_int64(st, 0);
            snprintf(u->image, sizeof(u->image), "%s", column(st, 1));
            u->asked_ms = sqlite3_column_int64(st, 2);
            snprintf(u->status, sizeof(u->status), "%s", column(st, 3));
            u->status_ms = sqlite3_column_int64(st, 4);
            u->percent = sqlite3_column_type(st, 5) == SQLITE_NULL ? -1 : sqlite3_column_int(st, 5);
        }
        if (st)
            db_done(st);
    }
}

/* ---- asking ---- */

bool maintenance_get_log(struct station *s, const char *type, cJSON *payload, hub_reply *reply, void *ctx)
{
    struct hub *h = s->hub;
    char token[33], url[400];
    files_token(h, token);
    if (!db_put(h->db, DB_UPLOAD_ADD, NULL, "ttti", s->id, type, token, h->unix_ms)) {
        cJSON_Delete(payload);
        return false;
    }
    int64_t id = db_last_id(h->db);
    snprintf(url, sizeof(url), "%s/files/upload/%s", h->cfg.public_url ? h->cfg.public_url : s->base, token);
    cJSON *log = json_add_object(payload, "log");
    cJSON *from = cJSON_DetachItemFromObjectCaseSensitive(payload, "oldest"),
          *to = cJSON_DetachItemFromObjectCaseSensitive(payload, "latest");
    json_add_text(log, "remoteLocation", url);
    if (from)
        cJSON_AddItemToObject(log, "oldestTimestamp", from);
    if (to)
        cJSON_AddItemToObject(log, "latestTimestamp", to);
    json_add_text(payload, "logType", type);
    json_add_int(payload, "requestId", id);
    s->log_upload =
        (struct log_upload){.request = id, .asked_ms = h->unix_ms, .status_ms = h->unix_ms, .size = -1};
    snprintf(s->log_upload.type, sizeof(s->log_upload.type), "%s", type);
    snprintf(s->log_upload.status, sizeof(s->log_upload.status), "Asked");
    h->changed = true;
    if (call_queue_request(s, CALL_GET_LOG, "GetLog", payload, reply, ctx, id))
        return true;
    maintenance_log_status(s, id, "Refused");
    return false;
}

bool maintenance_update(struct station *s, const char *image, cJSON *payload, hub_reply *reply, void *ctx)
{
    struct hub *h = s->hub;
    if (!db_put(h->db, DB_UPDATE_ADD, NULL, "tti", s->id, image, h->unix_ms)) {
        cJSON_Delete(payload);
        return false;
    }
    int64_t id = db_last_id(h->db);
    json_add_int(payload, "requestId", id);
    s->update = (struct firmware_update){
        .request = id, .asked_ms = h->unix_ms, .status_ms = h->unix_ms, .percent = -1};
    snprintf(s->update.image, sizeof(s->update.image), "%.*s", (int)sizeof(s->update.image) - 1, image);
    snprintf(s->update.status, sizeof(s->update.status), "Asked");
    h->changed = true;
    if (call_queue_request(s, CALL_UPDATE, "UpdateFirmware", payload, reply, ctx, id))
        return true;
    maintenance_update_status(s, id, "Refused");
    return false;
}

void maintenance_answered(struct station *s, const struct call *c, const char *status, const char *filename)
{
    char name[FILES_NAME_MAX + 1] = "";
    const char *now = !status[0]                        ? "NoAnswer"
                      : strcmp(status, "Accepted") == 0 ? "Accepted"
                      : strcmp(status, "AcceptedCanceled") == 0
                          ? "Accepted" /* another one was given up for it */
                      : c->kind == CALL_UPDATE && (strstr(status, "Certificate")) ? status
                                                                                  : "Refused";
    if (c->kind == CALL_GET_LOG) {
        if (filename) {
            files_plain_name(filename, name);
            db_put(s->hub->db, DB_UPLOAD_NAME, NULL, "it", c->request, name);
        }
        if (c->request == s->log_upload.request && strcmp(s->log_upload.status, "Asked") != 0)
            return; /* its notification was faster */
        maintenance_log_status(s, c->request, now);
    } else {
        if (c->request == s->update.request && strcmp(s->update.status, "Asked") != 0)
            return;
        maintenance_update_status(s, c->request, now);
    }
}

/* ---- hearing ---- */

void maintenance_log_status(struct station *s, int64_t request, const char *status)
{
    struct hub *h = s->hub;
    if (request < 0)
        request = s->log_upload.request;
    if (request <= 0 || strcmp(status, "Idle") == 0)
        return;
    db_put(h->db, DB_UPLOAD_STATUS, NULL, "titi", s->id, request, status, h->unix_ms);
    if (request == s->log_upload.request) {
        snprintf(s->log_upload.status, sizeof(s->log_upload.status), "%s", status);
        s->log_upload.status_ms = h->unix_ms;
        h->changed = true;
    }
}

void maintenance_update_status(struct station *s, int64_t request, const char *status)
{
    struct hub *h = s->hub;
    if (request < 0)
        request = s->update.request;
    if (request <= 0 || strcmp(status, "Idle") == 0)
        return;
    db_put(h->db, DB_UPDATE_STATUS, NULL, "titi", s->id, request, status, h->unix_ms);
    if (request == s->update.request) {
        snprintf(s->update.status, sizeof(s->update.status), "%s", status);
        s->update.status_ms = h->unix_ms;
        h->changed = true;
    }
}

void maintenance_progress(struct station *s, int percent)
{
    struct firmware_update *u = &s->update;
    if (!u->request || maintenance_update_ended(u->status) || percent < 0 || percent > 100 ||
        percent == u->percent)
        return;
    u->percent = percent;
    db_put(s->hub->db, DB_UPDATE_PERCENT, NULL, "tii", s->id, u->request, (int64_t)percent);
    s->hub->changed = true;
}

void maintenance_log_arrived(struct hub *h, int64_t id, int64_t size, const char *name)
{
    db_put(h->db, DB_UPLOAD_ARRIVED, NULL, "itii", id, name, size, h->unix_ms);
    for (struct station *s = h->stations; s; s = s->next)
        if (s->log_upload.request == id) {
            s->log_upload.size = size;
            hub_log(h, s->id, "upload", 2, "%s has arrived: file %lld, %lld bytes", s->log_upload.type,
                    (long long)id, (long long)size);
        }
    h->changed = true;
}

/* ---- showing ---- */

static void when(cJSON *o, const char *name, int64_t ms)
{
    if (ms > 0)
        json_add_time(o, name, ms);
    else
        cJSON_AddNullToObject(o, name);
}

cJSON *maintenance_log_view(const struct station *s)
{
    const struct log_upload *l = &s->log_upload;
    if (!l->request)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    json_add_int(o, "request", l->request);
    json_add_text(o, "type", l->type);
    json_add_text(o, "status", l->status);
    json_add_bool(o, "ended", maintenance_log_ended(l->status));
    when(o, "asked", l->asked_ms);
    when(o, "time", l->status_ms);
    if (l->size >= 0)
        json_add_int(o, "size", l->size);
    else
        cJSON_AddNullToObject(o, "size");
    return o;
}

cJSON *maintenance_update_view(const struct station *s)
{
    const struct firmware_update *u = &s->update;
    if (!u->request)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    json_add_int(o, "request", u->request);
    json_add_text(o, "image", u->image);
    json_add_text(o, "status", u->status);
    json_add_bool(o, "ended", maintenance_update_ended(u->status));
    when(o, "asked", u->asked_ms);
    when(o, "time", u->status_ms);
    if (u->percent >= 0)
        json_add_int(o, "percent", u->percent);
    else
        cJSON_AddNullToObject(o, "percent");
    return o;
}

cJSON *maintenance_files(struct station *s)
{
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "files");
    sqlite3_stmt *st = db_get(s->hub->db, DB_UPLOADS, "ti", s->id, (int64_t)LISTED_MAX);
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        bool here = sqlite3_column_type(st, 7) != SQLITE_NULL;
        char url[160];
        cJSON *e = json_append_object(list);
        json_add_int(e, "id", sqlite3_column_int64(st, 0));
        json_add_text(e, "type", column(st, 1));
        when(e, "asked", sqlite3_column_int64(st, 2));
        json_add_text(e, "status", column(st, 3));
        when(e, "time", sqlite3_column_int64(st, 4));
        if (!here) {
            static const char *const names[] = {"name", "size", "received", "url"};
            for (size_t i = 0; i < 4; i++)
                cJSON_AddNullToObject(e, names[i]);
            continue;
        }
        json_add_text(e, "name", column(st, 5));
        json_add_int(e, "size", sqlite3_column_int64(st, 6));
        when(e, "received", sqlite3_column_int64(st, 7));
        snprintf(url, sizeof(url), "/api/v1/stations/%s/files/%lld", s->id,
                 (long long)sqlite3_column_int64(st, 0));
        json_add_text(e, "url", url);
    }
    if (st)
        db_done(st);
    return o;
}

cJSON *maintenance_updates(struct station *s)
{
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "updates");
    sqlite3_stmt *st = db_get(s->hub->db, DB_UPDATES, "ti", s->id, (int64_t)LISTED_MAX);
    while (st && sqlite3_step(st) == SQLITE_ROW) {
        cJSON *e = json_append_object(list);
        json_add_int(e, "request", sqlite3_column_int64(st, 0));
        json_add_text(e, "image", column(st, 1));
        when(e, "asked", sqlite3_column_int64(st, 2));
        json_add_text(e, "status", column(st, 3));
        json_add_bool(e, "ended", maintenance_update_ended(column(st, 3)));
        when(e, "time", sqlite3_column_int64(st, 4));
        if (sqlite3_column_type(st, 5) == SQLITE_NULL)
            cJSON_AddNullToObject(e, "percent");
        else
            json_add_int(e, "percent", sqlite3_column_int64(st, 5));
    }
    if (st)
        db_done(st);
    return o;
}
