/*
 * hub: the site server without its sockets: sessions with stations, the OCPP server side, power sharing,
 * database, HTTP API. hub/main.c puts it behind libwebsockets; the simulator calls it in process for virtual
 * time.
 *
 * One thread. Time is an argument.
 */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct hub_peer; /* one connected station */

struct hub_cfg {
    const char *database; /* SQLite file, or ":memory:" */
    double site_limit_a;  /* per phase, 1..10000; 0: as it was last set, 32 the first time */
    double min_a;         /* smallest useful current, 6 */
    int lease_s;          /* how long a granted limit lasts without renewal (60) */
    int heartbeat_s;      /* interval given in BootNotification (60) */
    const char *tokens;   /* comma separated accepted tokens; NULL or "*": every token is accepted */
    bool auto_start;      /* authorise a car as soon as it is plugged in (RequestStartTransaction) */
    uint32_t random_seed; /* message ids and the like; 0: from the system */

    double margin_a;      /* kept free in each phase, for the tolerance of meters and cars (0) */
    int rotate_s;         /* how long a car charges before it makes room for one that waits (900) */
    int meter_interval_s; /* told to stations: meter values during a transaction (5); 0: leave as it is */
    bool nobody_charges;  /* a site limit of 0 A, in place of site_limit_a (false) */
    int keep_days;        /* logs, meter values and files of stations older than this are deleted (400); 0:
                             kept for ever */
    const char *files;    /* folder for firmware images and for what stations upload, made when it is needed;
                             NULL: none, what needs it is refused */
    const char *public_url; /* "http://host:port" under which stations reach this hub; NULL: as each says in
                               the Host header with which it connects */
    bool batch;    /* answers leave at the next hub_step, which commits once for all that came before */
    int log_level; /* 0 error .. 3 debug: what goes to `log` */
    void (*log)(void *ctx, int level, const char *text);
    void *log_ctx;
};
void hub_cfg_default(struct hub_cfg *cfg);

struct hub *hub_open(const struct hub_cfg *cfg, char *err, size_t cap);
void hub_close(struct hub *h);

struct hub_link {
    void *ctx;
    bool (*send)(void *ctx, const char *text, size_t len);
    void (*close)(void *ctx, const char *why);
    const char *host; /* as the station calls this hub: "host:port"; copied. NULL: not known */
};
/* A station has connected; a second connection of the same id replaces the first. NULL: id refused. */
struct hub_peer *hub_connected(struct hub *h, const char *station_id, const struct hub_link *link,
                               int64_t unix_ms, uint64_t now_us);
void hub_text(struct hub_peer *p, const char *text, size_t len, int64_t unix_ms, uint64_t now_us);
void hub_disconnected(struct hub_peer *p, uint64_t now_us); /* p is dead */

/* Timers: leases, sharing, timeouts. Returns when to call again (µs). */
uint64_t hub_step(struct hub *h, int64_t unix_ms, uint64_t now_us);

/* The HTTP API of docs/hub.md: answers now or later through `reply`, exactly once. */
typedef void hub_reply(void *ctx, int status, const char *json);
void hub_request(struct hub *h, const char *method, const char *path, const char *query, const char *body,
                 hub_reply *reply, void *ctx, int64_t unix_ms, uint64_t now_us);
/* The requester has gone; its reply will not be called. */
void hub_forget_reply(struct hub *h, void *ctx);

/* A file to be sent. */
struct hub_file {
    int fd; /* the caller closes it */
    uint64_t size;
    char etag[64];
    char name[128]; /* to save it under */
};
/* GET of a file. 200: `out` is one. 0: this path is not that of a file, see hub_request. Else the status,
 * with `why`. */
int hub_file_open(struct hub *h, const char *path, struct hub_file *out, char *why, size_t cap);

/* A body that becomes a file: PUT or POST by a station (a log) or a person (a firmware image). */
struct hub_upload;
/* 200: `out` takes the body; the rest as hub_file_open. */
int hub_upload_begin(struct hub *h, const char *method, const char *path, uint64_t length,
                     struct hub_upload **out, char *why, size_t cap, int64_t unix_ms, uint64_t now_us);
/* false: it can't be stored; hub_upload_end still has to be called, and says why. */
bool hub_upload_data(struct hub_upload *u, const void *bytes, size_t len);
/* whole: all of the body has come. Returns the status of the answer, whose JSON is in `answer`. u is dead. */
int hub_upload_end(struct hub_upload *u, bool whole, char *answer, size_t cap, int64_t unix_ms,
                   uint64_t now_us);

/* What changed since the last call, for the live page: a JSON snapshot of the site; false: nothing new, or
 * (*len > cap) it does not fit. */
bool hub_snapshot(struct hub *h, char *buf, size_t cap, size_t *len);

#endif
