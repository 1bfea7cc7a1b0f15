/*
 * state: what the hub's files share: the hub, its stations, their connections, and the calls between those
 * files. Private to hub/.
 */
#ifndef HUB_STATE_H
#define HUB_STATE_H

#include "hub/db.h"
#include "hub/hub.h"
#include "hub/share.h"
#include "ocpp/frame.h"
#include "ocpp/json.h"

enum {
    STATION_ID_MAX = 48, /* OCPP-J 2.0.1: identity of a charging station */
    HUB_EVSES_MAX = 4,   /* per station; further ones are stored but not shown live */
    HUB_TEXT_MAX = 256 * 1024,
    HUB_QUEUE_MAX = 64,       /* calls waiting for one station */
    CALL_TIMEOUT_MS = 30000,  /* a person waits for it */
    LEASE_TIMEOUT_MS = 10000, /* other stations wait for it */
    /* A car that has not begun, or has paused, keeps its full share this long; then only the minimum is kept
       for it. */
    BEGIN_GRACE_MS = 120000,
    PAUSE_GRACE_MS = 30000,
    /* A car's phases: one that carries this is used, and it takes this long to believe that the others are
       not. */
    PHASE_USED_MA = 1000,
    PHASE_SURE_MA = 4000,
    PHASE_STEADY_MS = 10000,
    RATING_STEADY_MS = 10000, /* a station that offers less than granted for so long can't offer more ... */
    RATING_KEEP_MS = 600000,  /* ... and is asked again after this */
    FIRST_WORD_MS = 3000,     /* a known station that says nothing is spoken to */
    AUTO_START_MS = 1000,     /* time for the station's own authorisation to be first */
    AUTO_RETRY_MS = 15000,
    AUTO_RETRIES = 4,
    PRUNE_MS = 3600000,
    HISTORY_MS = 5000, /* a point of the page's chart */
    HISTORY_POINTS = 360,
    HISTORY_STORE_MS = 60000, /* they are kept over a restart, but not each for itself */
    HUB_FAULTS_MAX = 4,       /* told at the same time, of one station; more are only logged */
};

/* One instant's meter values of one EVSE; NaN: not told. */
struct meter_sample {
    int64_t at_ms;
    char context[24];
    double wh, w, i[3], v[3], offered_a, hz;
    double w_phase[3];
    cJSON *rest; /* what has no column */
};

struct open_tx {
    bool used;
    char id[37], token[37], charging_state[20];
    bool authorised, rejected, has_charged;
    int64_t started_ms, state_since_ms; /* wall, steady */
    int64_t last_seq;
    double start_wh, last_wh;
};

struct evse {
    int id;          /* 0: free */
    char status[16]; /* of its connector that is not Available, if any */
    struct {
        int id;
        char status[16];
    } connector[4];
    struct open_tx tx;
    double i[3], v[3], w;
    double register_wh;  /* NaN: not told */
    int64_t measured_ms; /* steady; 0 never */
    char pilot;
    bool contactor_known, contactor_closed;
    /* automatic start */
    bool auto_wanted;
    int auto_tries;
    int64_t auto_at_ms; /* steady */
};

enum registration { REG_NONE, REG_ACCEPTED, REG_PENDING, REG_REJECTED };

enum call_kind {
    CALL_API,
    CALL_LEASE,
    CALL_FALLBACK,
    CALL_CLEAR,
    CALL_SETUP,
    CALL_AUTO_START,
    CALL_GET_LOG,
    CALL_UPDATE
};
struct call {
    struct call *next;
    enum call_kind kind;
    char id[FRAME_ID_BYTES];
    char *action, *payload;
    bool sent;
    int64_t deadline_ms; /* steady */
    hub_reply *reply;
    void *reply_ctx;
    int evse;
    int64_t request; /* requestId of CALL_GET_LOG and CALL_UPDATE */
};

struct hub_peer {
    struct hub *hub;
    struct station *station; /* NULL: forgotten or replaced; nothing is taken from it any more */
    struct hub_link link;
    struct hub_peer *prev, *next;
    bool closing, dead;
};

/* The last log that was asked for, and the last firmware update; request 0: none. */
struct log_upload {
    int64_t request, asked_ms, status_ms, size; /* size −1: nothing has come yet */
    char type[20], status[40];
};
struct firmware_update {
    int64_t request, asked_ms, status_ms;
    int percent; /* −1: not told */
    char image[128] /* or its address */, status[40];
};

struct station {
    struct station *next;
    struct hub *hub;
    char id[STATION_ID_MAX + 1];
    size_t share;
    char vendor[51 * 4], model[21 * 4], serial[26 * 4], firmware[51 * 4], boot_reason[24];
    int64_t booted_ms, seen_ms, seen_stored_ms, connected_ms; /* wall; connected_ms 0: offline */
    enum registration registration, policy;
    int policy_interval_s;
    struct hub_peer *peer;
    bool told; /* this connection: settings sent, leases may be */
    bool asked_boot;
    int64_t first_word_by_ms; /* steady */
    struct evse evse[HUB_EVSES_MAX];
    char offered_reason[32];
    double offered_a; /* NaN: not told */
    struct {
        char component[51];
        char code[51];       /* the station's name of the fault; that of the component if it gives none */
    } fault[HUB_FAULTS_MAX]; /* the newest first; component "": free */
    /* phases of the car */
    uint8_t phases, phases_seen;
    int64_t phases_since_ms;
    /* rating found out */
    int32_t granted_ma, rating_ma;
    int64_t granted_since_ms, rating_at_ms;
    /* calls */
    struct call *calls; /* the first may be sent */
    int call_count;
    uint64_t received, sent;
    /* logs and firmware */
    char base[300]; /* "http://host:port" under which it reaches us; "": not known */
    struct log_upload log_upload;
    struct firmware_update update;
    char log_boot[33];   /* of its log lines: its boot */
    int64_t log_boot_ms; /* when that was, wall time */
    bool log_boot_exact; /* the station has told, else from how lines arrive */
};

struct outgoing {
    struct outgoing *next;
    struct hub_peer *peer;
    char answer_to[FRAME_ID_BYTES]; /* of an answer that promises that something is stored; "": none */
    bool irreplaceable; /* that something is nowhere else once the station has given up sending it */
    size_t len;
    char text[];
};

struct deferred { /* what came while the hub was busy */
    struct deferred *next;
    struct hub_peer *peer; /* text NULL: it has gone */
    char *text;
    size_t len;
};

struct history_point {
    int64_t at_ms;
    float current_a[3], limit_a;
};

struct hub {
    struct hub_cfg cfg;
    char *tokens;
    struct db *db;
    struct share share;
    struct station *stations; /* by id */
    struct hub_peer *peers;
    struct outgoing *out_first, *out_last;
    struct deferred *deferred_first, *deferred_last;
    int depth;
    bool time_known;
    int64_t unix_ms, steady_ms, base_ms,
        shift_ms; /* steady_ms = base_ms + monotonic; wall = steady + shift */
    uint64_t random;
    uint32_t boots;
    uint32_t last_id;
    int64_t last_remote_start;
    bool changed, leases_dirty;
    int64_t pruned_ms;
    struct history_point history[HISTORY_POINTS]; /* a ring */
    size_t history_next, history_count;
    int64_t history_at_ms; /* steady: the next point */
    uint64_t messages;
    bool store_failed;
    struct hub_upload *uploads;
    int64_t history_stored_ms; /* points up to this one are in the database */
};

/* hub.c */
void hub_log(struct hub *h, const char *station, const char *kind, int level, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
extern const char *const hub_level_names[4];
/* Around whatever comes from outside: time goes on; then what it made necessary is done. */
void hub_enter(struct hub *h, int64_t unix_ms, uint64_t now_us);
void hub_leave(struct hub *h);
uint32_t hub_random(struct hub *h);
struct station *station_find(struct hub *h, const char *id);
struct station *station_add(struct hub *h, const char *id);
void station_forget(struct station *s);
void station_store(struct station *s);
struct evse *station_evse(struct station *s, int id); /* NULL: no room */
void peer_send(struct hub_peer *p, const char *text, size_t len, const char *answer_to, bool irreplaceable);
void peer_close(struct hub_peer *p, const char *why);
bool token_accepted(const struct hub *h, const char *token, const char *type);

/* calls.c: the queue of CALLs to a station */
/* Takes over payload (a new object). NULL reply: nobody waits. false: the queue is full. */
bool call_queue(struct station *s, enum call_kind kind, const char *action, cJSON *payload, hub_reply *reply,
                void *ctx, int evse);
/* The same for CALL_GET_LOG and CALL_UPDATE: the answer is told to maintenance.c too. */
bool call_queue_request(struct station *s, enum call_kind kind, const char *action, cJSON *payload,
                        hub_reply *reply, void *ctx, int64_t request);
void calls_pump(struct station *s);
/* An answer from the station; f->type is FRAME_RESULT or FRAME_ERROR. */
void calls_answer(struct station *s, const struct frame *f);
void calls_timeouts(struct station *s);
void calls_drop_all(struct station *s, const char *why);
int64_t calls_deadline(const struct station *s); /* INT64_MAX: none */
void calls_forget_reply(struct hub *h, void *ctx);

/* csms.c: what stations say */
void csms_fault(struct station *s, const char *component, const char *code, bool on);
void csms_call(struct station *s, const struct frame *f);
/* The answer to GetVariables. */
void csms_variables(struct station *s, const cJSON *payload);

/* meter.c: sampled values */
/* Adds to list[] (cap long) the samples of a meterValue array; returns how many. Their `rest` is to be freed.
 */
size_t meter_parse(const cJSON *meter_value, struct meter_sample *list, size_t cap);
void meter_take(struct station *s, int evse, const char *tx, const struct meter_sample *m);

/* grants.c: power sharing put into messages */
void grants_car_changed(struct station *s);
void grants_step(struct hub *h);
void grants_answer(struct station *s, const struct call *c, enum share_answer answer);
void grants_load(struct station *s, const char *hold, int64_t fallback_ma);
void grants_tell(struct station *s); /* the station may be spoken to: settings and leases */
bool grants_auto_start(struct station *s, struct evse *e, hub_reply *reply, void *ctx);
int64_t grants_wake(const struct hub *h);

/* files.c: the folder of files */
enum { FILES_NAME_MAX = 100 };
bool files_name_ok(const char *name); /* of a firmware image */
/* A name that can be given to whoever saves the file. */
void files_plain_name(const char *text, char out[FILES_NAME_MAX + 1]);
/* false: there is none, or no folder. */
bool files_image_size(const struct hub *h, const char *name, int64_t *size, int64_t *at_ms);
cJSON *files_images(const struct hub *h);
/* 200, else the status and why. */
int files_image_delete(struct hub *h, const char *name, char *why, size_t cap);
void files_log_delete(const struct hub *h, int64_t id);
void files_prune(struct hub *h, int64_t before_ms);
void files_sweep(const struct hub *h);
void files_close(struct hub *h); /* what is under way is given up */
void files_token(struct hub *h, char out[33]);

/* maintenance.c: logs asked for and firmware updates, and how far they are */
void maintenance_load(struct hub *h);
/* Sends GetLog or UpdateFirmware. `payload` is taken over and gets its requestId, and GetLog its address.
 * false: it could not be stored, or the queue of calls is full. */
bool maintenance_get_log(struct station *s, const char *type, cJSON *payload, hub_reply *reply, void *ctx);
bool maintenance_update(struct station *s, const char *image, cJSON *payload, hub_reply *reply, void *ctx);
/* The station's answer to either; status "": it gave none. `filename`: of a log; NULL: not told. */
void maintenance_answered(struct station *s, const struct call *c, const char *status, const char *filename);
/* request < 0: not told */
void maintenance_log_status(struct station *s, int64_t request, const char *status);
void maintenance_update_status(struct station *s, int64_t request, const char *status);
void maintenance_progress(struct station *s, int percent);
void maintenance_log_arrived(struct hub *h, int64_t id, int64_t size, const char *name);
bool maintenance_log_ended(const char *status);
bool maintenance_update_ended(const char *status);
/* As in an answer of the API; null: there was none. */
cJSON *maintenance_log_view(const struct station *s);
cJSON *maintenance_update_view(const struct station *s);
cJSON *maintenance_files(struct station *s);
cJSON *maintenance_updates(struct station *s);

/* api.c */
void api_request(struct hub *h, const char *method, const char *path, const char *query_text,
                 const char *body, hub_reply *reply, void *ctx);

/* view.c: JSON of what there is */
cJSON *view_site(struct hub *h);
void view_history_step(struct hub *h);
cJSON *view_history(const struct hub *h);
void view_history_load(struct hub *h);
void view_history_store(struct hub *h);
cJSON *view_station(struct station *s, bool whole);
const char *view_state(const struct station *s);

#endif
