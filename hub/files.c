/*
 * files: the hub's folder of files: firmware images under the names that people give them, and what stations
 * upload under numbers of ours. What arrives is written beside its place and moved there when it is whole.
 *
 * No name from outside becomes a path: an image's name is checked letter by letter, a log's is only shown.
 */
#include "hub/state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_CAP = PATH_MAX,
    TOKEN_KEEP_MS = 24 * 3600 * 1000, /* a station may take so long to send its log */
    LISTED_MAX = 1000,
};
/* A 4 MB board's images are under 2 MB and its logs smaller; other makes have whole Linux systems. */
#define UPLOAD_MAX (256ull * 1024 * 1024)

struct hub_upload {
    struct hub_upload *next;
    struct hub *h;
    int fd;
    bool failed, image;
    int status; /* what it failed with */
    uint64_t length, size;
    int64_t id;                    /* of a log's row */
    char name[FILES_NAME_MAX + 1]; /* of an image; of a log as the station calls it */
    char part[PATH_CAP], whole[PATH_CAP];
    char why[300];
};

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

__attribute__((format(printf, 4, 5))) static int refuse(int status, char *why, size_t cap, const char *fmt,
                                                        ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, cap, fmt, ap);
    va_end(ap);
    return status;
}

/* ---- names ---- */

bool files_name_ok(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > FILES_NAME_MAX || !isalnum((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("-_.+", name[i]))
            return false;
    return true;
}

static const char name_rule[] =
    "a firmware image's name has 1 to 100 of A-Z a-z 0-9 - _ . + and begins with a letter or a digit";

void files_token(struct hub *h, char out[33])
{
    uint32_t word[4];
    FILE *f = h->cfg.random_seed ? NULL : fopen("/dev/urandom", "rb");
    bool good = f && fread(word, sizeof(word), 1, f) == 1;
    if (f)
        fclose(f);
    for (int i = 0; i < 4 && !good; i++) /* the same every time, as asked; or at least hard to guess */
        word[i] = hub_random(h);
    snprintf(out, 33, "%08x%08x%08x%08x", (unsigned)word[0], (unsigned)word[1], (unsigned)word[2],
             (unsigned)word[3]);
}

/* false: too long, or there is no folder. `what`: "firmware" or "logs". */
static bool path_of(const struct hub *h, const char *what, const char *name, char out[PATH_CAP])
{
    int n = h->cfg.files ? snprintf(out, PATH_CAP, "%s/%s%s%s", h->cfg.files, what, name[0] ? "/" : "", name)
                         : -1;
    return n > 0 && n < PATH_CAP;
}

static bool log_path(const struct hub *h, int64_t id, char out[PATH_CAP])
{
    char name[32];
    snprintf(name, sizeof(name), "%lld", (long long)id);
    return path_of(h, "logs", name, out);
}

static bool folder(const struct hub *h, const char *what)
{
    char path[PATH_CAP];
    if (!path_of(h, what, "", path))
        return false;
    return (mkdir(h->cfg.files, 0750) == 0 || errno == EEXIST) && (mkdir(path, 0750) == 0 || errno == EEXIST);
}

/* Regular files only: no link, device or pipe that somebody has put there. −1: errno. */
static int open_regular(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, st) != 0 || !S_ISREG(st->st_mode))) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/* ---- out ---- */

static int open_file(const char *path, const char *name, struct hub_file *out, char *why, size_t cap)
{
    struct stat st;
    out->fd = open_regular(path, &st);
    if (out->fd < 0)
        return errno == ENOENT
                   ? refuse(404, why, cap, "there is no file \"%s\"", name)
                   : refuse(500, why, cap, "the file \"%s\" can't be read: %s", name, strerror(errno));
    out->size = (uint64_t)st.st_size;
    snprintf(out->etag, sizeof(out->etag), "\"%llx-%llx-%llx\"", (unsigned long long)st.st_ino,
             (unsigned long long)st.st_size,
             (unsigned long long)st.st_mtim.tv_sec * 1000000000u + (unsigned long long)st.st_mtim.tv_nsec);
    snprintf(out->name, sizeof(out->name), "%s", name);
    return 200;
}

static int open_image(const struct hub *h, const char *name, struct hub_file *out, char *why, size_t cap)
{
    char path[PATH_CAP];
    if (!files_name_ok(name))
        return refuse(404, why, cap, "%s", name_rule);
    if (!path_of(h, "firmware", name, path))
        return refuse(404, why, cap, "this hub has no folder for files: start it with --files");
    return open_file(path, name, out, why, cap);
}

void files_plain_name(const char *text, char out[FILES_NAME_MAX + 1])
{
    size_t n = 0;
    for (const char *c = text; *c && n < FILES_NAME_MAX; c++)
        out[n++] = isalnum((unsigned char)*c) || strchr("-_.+", *c) ? *c : '_';
    out[n] = 0;
    if (out[0] == '.')
        out[0] = '_';
}

static int open_log(struct hub *h, const char *station, const char *number, struct hub_file *out, char *why,
                    size_t cap)
{
    char path[PATH_CAP], name[FILES_NAME_MAX + 1] = "", shown[2 * FILES_NAME_MAX];
    char *end;
    long long id = strtoll(number, &end, 10);
    bool there = false;
    if (*number < '0' || *number > '9' || *end)
        return refuse(404, why, cap,
                      "a file of a station is a number: GET /api/v1/stations/%.48s/files lists them",
                      station);
    sqlite3_stmt *st = db_get(h->db, DB_UPLOAD_GET, "it", (int64_t)id, station);
    if (st) {
        there = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 3) != SQLITE_NULL;
        if (there && sqlite3_column_text(st, 1))
            files_plain_name((const char *)sqlite3_column_text(st, 1), name);
        db_done(st);
    }
    if (!there || !log_path(h, id, path))
        return refuse(404, why, cap, "no file %lld has come from station \"%.48s\"", id, station);
    char of[STATION_ID_MAX + 1];
    snprintf(of, sizeof(of), "%s", station);
    files_plain_name(of, shown);
    size_t n = strlen(shown);
    snprintf(shown + n, sizeof(shown) - n, "-%s", name[0] ? name : number);
    return open_file(path, shown, out, why, cap);
}

/* The rest of `path` after `prefix`; NULL: it begins otherwise. */
static const char *after(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

int hub_file_open(struct hub *h, const char *path, struct hub_file *out, char *why, size_t cap)
{
    memset(out, 0, sizeof(*out));
    out->fd = -1;
    const char *rest = after(path, "/files/firmware/");
    if (!rest)
        rest = after(path, "/api/v1/firmware/");
    if (rest && *rest)
        return open_image(h, rest, out, why, cap);
    if ((rest = after(path, "/api/v1/stations/"))) {
        char id[STATION_ID_MAX + 1];
        size_t n = strcspn(rest, "/");
        const char *number = n && n < sizeof(id) ? after(rest + n, "/files/") : NULL;
        if (number && *number) {
            memcpy(id, rest, n);
            id[n] = 0;
            return open_log(h, id, number, out, why, cap);
        }
    }
    return 0;
}

/* ---- in ---- */

static int cannot(struct hub_upload *u, const char *what)
{
    u->failed = true;
    u->status = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? 507 : 500;
    snprintf(u->why, sizeof(u->why), "%s: %s", what, strerror(errno));
    return u->status;
}

/* The station's upload that a token stands for. 200, or why not. */
static int log_of_token(struct hub *h, struct hub_upload *u, const char *rest, char *why, size_t cap)
{
    char token[33];
    size_t n = strcspn(rest, "/");
    const char *name = rest[n] ? rest + n + 1 : "";
    if (n != sizeof(token) - 1 || strchr(name, '/'))
        return refuse(404, why, cap, "no upload is expected under this address");
    memcpy(token, rest, n);
    token[n] = 0;
    files_plain_name(name, u->name);
    int64_t asked_ms = 0;
    bool ended = true;
    sqlite3_stmt *st = db_get(h->db, DB_UPLOAD_BY_TOKEN, "t", token);
    if (st) {
        if (sqlite3_step(st) == SQLITE_ROW) {
            u->id = sqlite3_column_int64(st, 0);
            asked_ms = sqlite3_column_int64(st, 2);
            const char *status = (const char *)sqlite3_column_text(st, 3);
            ended = maintenance_log_ended(status ? status : "");
        }
        db_done(st);
    }
    if (!u->id)
        return refuse(404, why, cap, "no upload is expected under this address");
    if (ended || h->unix_ms - asked_ms > TOKEN_KEEP_MS)
        return refuse(410, why, cap, "this upload is over: ask for the log again");
    return 200;
}

static int begin(struct hub *h, const char *path, uint64_t length, struct hub_upload *u, char *why,
                 size_t cap)
{
    const char *rest = after(path, "/api/v1/firmware/");
    u->image = rest != NULL;
    if (!h->cfg.files)
        return refuse(409, why, cap, "this hub has no folder for files: start it with --files");
    if (length > UPLOAD_MAX)
        return refuse(413, why, cap, "a file may have %llu MiB at most", UPLOAD_MAX >> 20);
    if (u->image && !files_name_ok(rest))
        return refuse(400, why, cap, "%s", name_rule);
    if (u->image)
        snprintf(u->name, sizeof(u->name), "%s", rest);
    int status = u->image ? 200 : log_of_token(h, u, after(path, "/files/upload/"), why, cap);
    if (status != 200)
        return status;
    char part[48];
    snprintf(part, sizeof(part), ".part-%08x%08x", (unsigned)hub_random(h), (unsigned)hub_random(h));
    const char *what = u->image ? "firmware" : "logs";
    bool named = path_of(h, what, part, u->part) &&
                 (u->image ? path_of(h, what, u->name, u->whole) : log_path(h, u->id, u->whole));
    if (!named || !folder(h, what) ||
        (u->fd = open(u->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640)) < 0) {
        cannot(u, "the folder for files can't be written to");
        return refuse(u->status, why, cap, "%s", u->why);
    }
    return 200;
}

int hub_upload_begin(struct hub *h, const char *method, const char *path, uint64_t length,
                     struct hub_upload **out, char *why, size_t cap, int64_t unix_ms, uint64_t now_us)
{
    bool log = after(path, "/files/upload/") != NULL, image = after(path, "/api/v1/firmware/") != NULL;
    *out = NULL;
    if (!log && !image)
        return 0;
    if (!is(method, "PUT") && !(log && is(method, "POST")))
        return refuse(405, why, cap, "use PUT");
    struct hub_upload *u = calloc(1, sizeof(*u));
    if (!u)
        return refuse(503, why, cap, "out of memory");
    hub_enter(h, unix_ms, now_us);
    u->h = h;
    u->fd = -1;
    u->length = length;
    int status = begin(h, path, length, u, why, cap);
    if (status == 200) {
        u->next = h->uploads;
        h->uploads = u;
        *out = u;
    } else {
        hub_log(h, "", "upload", 1, "refused: %s", why);
        free(u);
    }
    hub_leave(h);
    return status;
}

bool hub_upload_data(struct hub_upload *u, const void *bytes, size_t len)
{
    const char *at = bytes;
    if (u->failed)
        return false;
    u->size += len;
    while (len) {
        ssize_t n = write(u->fd, at, len);
        if (n <= 0) {
            if (n < 0 && errno == EINTR)
                continue;
            cannot(u, "what was sent can't be stored");
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void upload_free(struct hub_upload *u)
{
    for (struct hub_upload **at = &u->h->uploads; *at; at = &(*at)->next)
        if (*at == u) {
            *at = u->next;
            break;
        }
    if (u->fd >= 0)
        close(u->fd);
    if (u->part[0])
        unlink(u->part);
    free(u);
}

int hub_upload_end(struct hub_upload *u, bool whole, char *answer, size_t cap, int64_t unix_ms,
                   uint64_t now_us)
{
    struct hub *h = u->h;
    struct json_arena *arena = json_arena_use(NULL);
    hub_enter(h, unix_ms, now_us);
    if (!u->failed && (!whole || u->size != u->length)) {
        u->failed = true;
        u->status = 400;
        snprintf(u->why, sizeof(u->why), "it ended after %llu of %llu bytes", (unsigned long long)u->size,
                 (unsigned long long)u->length);
    }
    /* On the disk before its name is: after a power cut there is the whole or nothing. */
    if (!u->failed &&
        (fsync(u->fd) != 0 || close(u->fd) != 0 || (u->fd = -1, rename(u->part, u->whole) != 0)))
        cannot(u, "what was sent can't be stored");
    cJSON *o = cJSON_CreateObject();
    if (u->failed) {
        json_add_text(o, "error", u->why);
        hub_log(h, "", "upload", 1, "%s%s not stored: %s", u->image ? "firmware image " : "log",
                u->image ? u->name : "", u->why);
    } else {
        u->status = 201;
        u->part[0] = 0;
        json_add_text(o, "name", u->name);
        json_add_int(o, "size", (int64_t)u->size);
        if (u->image)
            hub_log(h, "", "upload", 2, "firmware image %s, %llu bytes", u->name,
                    (unsigned long long)u->size);
        else
            maintenance_log_arrived(h, u->id, (int64_t)u->size, u->name);
    }
    int status = u->status;
    if (json_print(o, answer, cap) == 0)
        snprintf(answer, cap, "{}");
    cJSON_Delete(o);
    upload_free(u);
    hub_leave(h);
    json_arena_use(arena);
    return status;
}

/* What a hub left behind that was killed. */
void files_sweep(const struct hub *h)
{
    static const char *const folders[] = {"firmware", "logs"};
    char path[PATH_CAP];
    for (size_t i = 0; i < 2; i++) {
        DIR *dir = path_of(h, folders[i], "", path) ? opendir(path) : NULL;
        for (const struct dirent *e; dir && (e = readdir(dir));)
            if (strncmp(e->d_name, ".part-", 6) == 0 && path_of(h, folders[i], e->d_name, path))
                unlink(path);
        if (dir)
            closedir(dir);
    }
}

void files_close(struct hub *h)
{
    while (h->uploads)
        upload_free(h->uploads);
}

/* ---- what there is ---- */

bool files_image_size(const struct hub *h, const char *name, int64_t *size, int64_t *at_ms)
{
    char path[PATH_CAP];
    struct stat st;
    if (!files_name_ok(name) || !path_of(h, "firmware", name, path) || lstat(path, &st) != 0 ||
        !S_ISREG(st.st_mode))
        return false;
    *size = (int64_t)st.st_size;
    *at_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

cJSON *files_images(const struct hub *h)
{
    cJSON *o = cJSON_CreateObject(), *list = json_add_array(o, "images");
    char path[PATH_CAP];
    DIR *dir = path_of(h, "firmware", "", path) ? opendir(path) : NULL;
    char(*names)[FILES_NAME_MAX + 1] = calloc(LISTED_MAX, sizeof(*names));
    size_t n = 0;
    for (const struct dirent *e; dir && names && n < LISTED_MAX && (e = readdir(dir));)
        if (files_name_ok(e->d_name))
            memcpy(names[n++], e->d_name, strlen(e->d_name) + 1);
    if (dir)
        closedir(dir);
    if (names)
        qsort(names, n, sizeof(names[0]), by_name);
    for (size_t i = 0; i < n; i++) {
        int64_t size, at_ms;
        if (!files_image_size(h, names[i], &size, &at_ms))
            continue;
        cJSON *e = json_append_object(list);
        json_add_text(e, "name", names[i]);
        json_add_int(e, "size", size);
        json_add_time(e, "time", at_ms);
    }
    free(names);
    json_add_bool(o, "folder", h->cfg.files != NULL);
    return o;
}

int files_image_delete(struct hub *h, const char *name, char *why, size_t cap)
{
    char path[PATH_CAP];
    int64_t size, at_ms;
    if (!files_image_size(h, name, &size, &at_ms) || !path_of(h, "firmware", name, path))
        return refuse(404, why, cap, "there is no firmware image \"%.100s\"", name);
    if (unlink(path) != 0)
        return refuse(500, why, cap, "%s can't be deleted: %s", name, strerror(errno));
    hub_log(h, "", "upload", 2, "firmware image %s deleted", name);
    return 200;
}

void files_log_delete(const struct hub *h, int64_t id)
{
    char path[PATH_CAP];
    if (log_path(h, id, path))
        unlink(path);
}

void files_prune(struct hub *h, int64_t before_ms)
{
    int64_t id[100];
    size_t n = 0;
    sqlite3_stmt *st = db_get(h->db, DB_UPLOADS_BEFORE, "i", before_ms);
    while (st && n < 100 && sqlite3_step(st) == SQLITE_ROW)
        id[n++] = sqlite3_column_int64(st, 0);
    if (st)
        db_done(st);
    for (size_t i = 0; i < n; i++) {
        files_log_delete(h, id[i]);
        db_put(h->db, DB_UPLOAD_FORGET, NULL, "i", id[i]);
    }
}
