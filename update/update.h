/*
 * update: from a server's request to a firmware that has proved itself: schedule, download, verification,
 * installation, probation, return to the firmware before, and what the server is told about it. Knows no
 * protocol. docs/firmware-update.md has the picture.
 *
 * Comms thread. Nothing here waits: each step does one thing and says when it wants to be called again.
 */
#ifndef UPDATE_UPDATE_H
#define UPDATE_UPDATE_H

#include "update/download.h"
#include "update/probation.h"
#include "update/record.h"

enum { UPDATE_REPORTS = 12 };

/* What the server is to be told, in this order. */
struct update_report {
    enum update_status status;
    int32_t request_id;
};

struct update_cfg {
    const struct port *port;
    struct journal *journal;                             /* NULL: none, and then no updates */
    const struct http *http;                             /* NULL: none */
    const struct trust *trust;                           /* who may make firmware */
    uint32_t security;                                   /* of the running firmware */
    const char *version;                                 /* of the running firmware; static */
    void (*log)(void *ctx, int level, const char *text); /* level as in struct port */
    void *log_ctx;
};

struct update_request {
    int32_t request_id;
    const char *url;
    int64_t retrieve_ms, install_ms;     /* UTC; install 0: as soon as possible */
    int32_t retries, retry_interval_s;   /* −1: not given */
    const char *certificate, *signature; /* PEM, Base64; NULL: not given */
};

enum update_answer {
    UPDATE_ACCEPTED,
    UPDATE_ACCEPTED_CANCELED, /* another one was under way and has been given up for it */
    UPDATE_REJECTED,
    UPDATE_BAD_CERTIFICATE,
};

/* The station as of now. */
struct update_in {
    uint64_t now_us;
    bool wall_known;
    int64_t wall_ms; /* UTC */
    bool busy;       /* a transaction is running */
    bool contactor_closed;
    bool online;                   /* reports can be delivered */
    uint32_t floor;                /* least security number that may be installed, as kept */
    struct probation_in probation; /* all but `before` */
};

/* What the station has to do after a step. */
enum update_wish {
    UPDATE_NO_WISH,
    UPDATE_REBOOT, /* as soon as nobody is disturbed by it */
};

enum update_stage {
    STAGE_IDLE,
    STAGE_SCHEDULED, /* until the time has come to download */
    STAGE_MANIFEST,  /* its first bytes are being fetched */
    STAGE_ERASE,     /* room is being made in the idle slot */
    STAGE_IMAGE,     /* the rest is being fetched */
    STAGE_RETRY,     /* an attempt has failed; waiting for the next */
    STAGE_VERIFY,    /* the slot is being read back */
    STAGE_WAIT,      /* until it may be installed */
    STAGE_REBOOT,    /* the next reset starts it */
    STAGE_PROBATION, /* it is running and has to prove itself */
    STAGE_ROLL_BACK, /* it has failed; the next reset starts the other one */
};

struct update {
    struct update_cfg cfg;
    struct update_record record;
    struct manifest manifest; /* of the record */
    enum update_stage stage;
    struct download download;
    struct probation probation;
    struct digest image, file;
    bool digesting;
    bool wait_told;      /* the server knows that this stage waits */
    bool install_due;    /* it may be installed as soon as nobody is disturbed */
    bool progress_told;  /* UPDATE_DOWNLOADING is the state that the server knows */
    int32_t failed;      /* attempts in a row that brought nothing */
    int32_t anew;        /* so many times what had been fetched was given up */
    uint32_t at;         /* of the slot: erased or read so far */
    uint32_t marked;     /* of the image, as in the record */
    uint32_t clean_from; /* the slot is erased from here on, where the image and its manifest go */
    uint64_t due_us;
    uint64_t switched_us; /* when the idle slot was activated */
    bool booted;          /* the first step since start-up is over */
    uint64_t boot_uwh;    /* the energy register as this firmware found it */
    bool by_update;       /* this start-up is an update's doing */
    struct update_report report[UPDATE_REPORTS];
    uint8_t reports;
    struct update_report told; /* the last that the server has confirmed */
};

void update_init(struct update *u, const struct update_cfg *cfg);
/* `why` gets a static text when it is refused. */
enum update_answer update_ask(struct update *u, const struct update_request *request, const char **why);
/* *due_us: when it wants to be called again at the latest. */
enum update_wish update_step(struct update *u, const struct update_in *in, uint64_t *due_us);
/* The station is about to restart for another reason: firmware that has met all of its probation but the
 * waiting is confirmed, so that the restart does not undo it. */
void update_before_restart(struct update *u, const struct update_in *in);

/* What the server has to be told next; false: nothing. It is given again until update_told. */
bool update_report(const struct update *u, struct update_report *out);
void update_told(struct update *u);

struct update_status_view {
    enum update_stage stage;
    bool waiting;     /* an image is ready and waits for the end of a transaction: no new one should begin */
    int32_t permille; /* of the download; −1: none under way */
    const char *version; /* of what comes; "" */
    const char *reason;  /* why the last one failed; "" */
};
void update_view(const struct update *u, struct update_status_view *out);
/* The least security number that the running firmware lets follow: its own, once it has proved itself. */
uint32_t update_security(const struct update *u);
const char *update_status_name(enum update_status s);

#endif
