/*
 * station_ops: the one interface between OCPP and a station. Protocol-neutral: 2.0.1 and 1.6 live on it
 * alike, and nothing in here is a core/ or port/ type.
 *
 * All calls, both ways, happen in the comms thread. Nothing blocks.
 */
#ifndef OCPP_STATION_OPS_H
#define OCPP_STATION_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A meter's values at one instant. Energy is Wh × 1000 (mWh) since the meter was made; never backwards. */
struct ocpp_meter {
    bool valid;
    uint8_t phases; /* 1 or 3 */
    int32_t v_mv[3], i_ma[3], p_mw[3], pf_permille[3];
    int32_t p_total_mw, freq_mhz;
    uint64_t import_mwh[3], import_total_mwh;
};

/* What the station is, now. */
struct ocpp_view {
    bool plugged;          /* a cable with a car: pilot B, C or D */
    bool cable;            /* a cable in the socket (proximity), with or without a car */
    bool energy_requested; /* the car asks (C, D) */
    bool energy_flowing;   /* contactor closed */
    bool authorised;
    bool available;       /* in service */
    bool limited_to_zero; /* authorised and plugged, but nothing may be offered */
    bool faulted;
    bool locked;
    const char *fault; /* name, static; "" if none */
    const char *state; /* enum evse_state's name, static */
    char pilot;        /* 'A'..'F', '?' */
    int32_t pilot_mv, duty_bp;
    int32_t cable_ma; /* 0 none, −1 invalid */
    int32_t offered_ma;
    const char *offered_by; /* slot that rules: "server", "cable", ... static */
    int32_t installed_ma;   /* rating */
    uint8_t phases;
    bool phases_used[3];
    uint32_t contactor_cycles;
    uint32_t records_dropped; /* durable records given up for want of room, ever */
    int32_t contactor_open_us;
    bool contactor_slow; /* slower than it used to be: replace it soon */
    int32_t temperature_mc;
    bool temperature_valid;
    struct ocpp_meter meter;
    int32_t firmware_percent;     /* of new firmware that has been downloaded; −1: none is */
    const char *firmware_failure; /* why the last update failed; "" if it did not */
    struct {                      /* what is left of memory, bytes */
        bool valid;
        uint32_t control_stack, comms_stack, heap_min, heap_block;
    } health;
};

/* What happened, reported to OCPP with ocpp_event(), at the time it happened. */
enum ocpp_event_type {
    OCPP_EV_PILOT,   /* text: "B", old: "A": every debounced Control Pilot change → NotifyEvent at once */
    OCPP_EV_PLUGGED, /* A → B/C/D */
    OCPP_EV_UNPLUGGED,
    OCPP_EV_CHARGING, /* something of energy_requested / energy_flowing / limited_to_zero changed: see the
                         view */
    OCPP_EV_FAULT,    /* text: name; on: raised or cleared */
    OCPP_EV_LIMIT,    /* offered current or its reason changed */
    OCPP_EV_CABLE,
    OCPP_EV_CONTACTOR, /* on: closed */
    OCPP_EV_AVAILABLE, /* in service changed */
    OCPP_EV_TOKEN, /* text: the token presented at the reader; old: its type ("ISO14443", "KeyCode", ...) */
    OCPP_EV_STOP_BUTTON, /* the user asked at the station to stop */
    OCPP_EV_LOCK,        /* on: locked; text "failed" on failure */
    OCPP_EV_FIRMWARE,    /* text: percent of new firmware that has been downloaded */
    OCPP_EV_LOG_UPLOAD,  /* upload: what has become of log_upload() */
};
/* Of an upload. The last five end it. */
enum ocpp_upload {
    OCPP_UPLOAD_BEGUN,
    OCPP_UPLOAD_DONE,
    OCPP_UPLOAD_FAILED,
    OCPP_UPLOAD_BAD,         /* the address is none, or the other side does not understand us */
    OCPP_UPLOAD_DENIED,      /* we are not allowed to */
    OCPP_UPLOAD_UNSUPPORTED, /* not with this kind of address, or not there */
};
struct ocpp_event {
    enum ocpp_event_type type;
    uint64_t at_us; /* monotonic */
    bool on;
    enum ocpp_upload upload;
    const char *text, *old; /* valid during the call */
    struct ocpp_view view;  /* the station right after the event */
};

/* ---- firmware ---- */

enum ocpp_firmware_status {
    OCPP_FW_IDLE,
    OCPP_FW_DOWNLOADED,
    OCPP_FW_DOWNLOAD_FAILED,
    OCPP_FW_DOWNLOADING,
    OCPP_FW_DOWNLOAD_SCHEDULED,
    OCPP_FW_DOWNLOAD_PAUSED,
    OCPP_FW_INSTALLATION_FAILED,
    OCPP_FW_INSTALLED,
    OCPP_FW_INSTALLING,
    OCPP_FW_INSTALL_REBOOTING,
    OCPP_FW_INSTALL_SCHEDULED,
    OCPP_FW_INSTALL_VERIFICATION_FAILED,
    OCPP_FW_INVALID_SIGNATURE,
    OCPP_FW_SIGNATURE_VERIFIED,
    OCPP_FW_STATUSES
};
struct ocpp_firmware_request {
    int32_t request_id;
    const char *url;
    int64_t retrieve_ms, install_ms;     /* UTC; install 0: as soon as possible */
    int32_t retries, retry_interval_s;   /* −1: not given */
    const char *certificate, *signature; /* PEM, Base64; NULL: not given */
};
enum ocpp_firmware_answer {
    OCPP_FW_ACCEPTED,
    OCPP_FW_ACCEPTED_CANCELED, /* another one was under way and has been given up for it */
    OCPP_FW_REJECTED,
    OCPP_FW_BAD_CERTIFICATE,
};
/* What the server is to be told of it; for the last one of an update it outlasts restarts. */
struct ocpp_firmware_report {
    enum ocpp_firmware_status status;
    int32_t request_id;
};

enum ocpp_reset { OCPP_RESET_NOW, OCPP_RESET_WHEN_IDLE };

/* Kinds of durable records; the order of keeping is the order of giving back. */
enum ocpp_keep_kind {
    OCPP_KEEP_TX_EVENT = 1, /* Started: never given up */
    OCPP_KEEP_TX_STATE = 2, /* the newest counts */
    OCPP_KEEP_SECURITY_EVENT = 3,
    OCPP_KEEP_PROFILE = 4,
    OCPP_KEEP_TX_UPDATE = 5, /* Updated: the oldest go first when the store is full. Peeking for
                              * OCPP_KEEP_TX_EVENT gives these and the next too, in the order of keeping */
    OCPP_KEEP_LOCAL_LIST = 6,
    OCPP_KEEP_AUTH_CACHE = 7, /* may be given up when the store is full */
    OCPP_KEEP_RESERVATION = 8,
    OCPP_KEEP_MONITOR = 9,
    OCPP_KEEP_NETWORK = 10,
    OCPP_KEEP_TX_ENDED = 11, /* Ended: never given up, and room for one is held back */
};

/* What a setting may be: a number from min to max, a flag, or a text of at most max characters. */
struct ocpp_setting_traits {
    enum ocpp_setting_type { OCPP_SETTING_NUMBER, OCPP_SETTING_FLAG, OCPP_SETTING_TEXT } type;
    int32_t min, max;
};

/* A way to the server. Slots are numbered from 1. */
enum { OCPP_NETWORKS = 3, OCPP_NETWORK_URL_MAX = 512 };
struct ocpp_network {
    char url[OCPP_NETWORK_URL_MAX + 1]; /* without the station's id */
    int32_t message_timeout_s;          /* 0: as the setting message_timeout says */
    uint8_t security;                   /* OCPP security profile */
};
enum ocpp_network_result {
    OCPP_NETWORK_OK,
    OCPP_NETWORK_BAD_SLOT,
    OCPP_NETWORK_BAD_URL,
    OCPP_NETWORK_NOT_KEPT, /* the store did not take it */
};
/* Longest records of the kinds for which room is held back. */
enum { OCPP_KEEP_TX_STATE_MAX = 320, OCPP_KEEP_TX_ENDED_MAX = 352 };
/* A line of the station's log for the server, and a place between two of them. */
enum { OCPP_LOG_TEXT = 320 };
struct ocpp_log_line {
    uint32_t boot, n; /* together unique: the run it was written in, its number there */
    bool wall_known;
    int64_t unix_ms;
    uint64_t up_ms; /* since that run's start */
    const char *level, *module;
    char text[OCPP_LOG_TEXT]; /* UTF-8 */
};
struct ocpp_log_place {
    uint32_t at[2]; /* all zero: before the first line that the server has not */
};

/* A file of the log to be put somewhere. */
struct ocpp_log_request {
    bool security; /* the security log instead of the diagnostics */
    const char *url;
    int64_t from_ms, to_ms;            /* lines of this time; INT64_MIN and INT64_MAX: no bound */
    int32_t retries, retry_interval_s; /* −1: as the station likes */
};

struct ocpp_station_ops {
    /* time */
    uint64_t (*now_us)(void *st);
    bool (*wall_ms)(void *st, uint64_t at_us,
                    int64_t *unix_ms);              /* wall time of a monotonic instant; false: unknown yet */
    void (*set_wall_ms)(void *st, int64_t unix_ms); /* it is unix_ms now */
    uint32_t (*random)(void *st);

    /* socket: whole text messages. false: not taken (no socket, or its buffer is full: try again on the next
     * step) */
    bool (*send)(void *st, const char *text, size_t len);
    void (*hang_up)(void *st,
                    const char *why); /* drop the connection; it will be opened again after the back-off */

    /* commands down: the server asks, the station decides */
    void (*view)(void *st, struct ocpp_view *out);
    void (*authorise)(void *st, bool allowed);
    /* The server's limit as from now: ma (0 = do not charge, −1 = no limit), good for lease_ms (0 = for
     * ever), then fallback_ma (−1 = no limit) rules. */
    void (*set_limit)(void *st, int32_t ma, int64_t lease_ms, int32_t fallback_ma);
    void (*set_available)(void *st, bool in_service);
    bool (*unlock)(void *st); /* false: no lock fitted */
    void (*hold_contactor_open)(void *st, bool hold);
    bool (*reset)(void *st, enum ocpp_reset when); /* restarts the station; false: can't */

    /* settings, by their name in store/settings.def; text form. get: length, or −1 unknown. */
    int (*setting_get)(void *st, const char *name, char *buf, size_t cap);
    enum ocpp_set_result {
        OCPP_SET_OK,
        OCPP_SET_REBOOT,
        OCPP_SET_REJECTED,
        OCPP_SET_UNKNOWN,
        OCPP_SET_READ_ONLY
    } (*setting_set)(void *st, const char *name, const char *value);
    /* walk: index 0.. ; false at the end */
    bool (*setting_at)(void *st, size_t index, const char **name, const char **unit, bool *read_only,
                       bool *secret);
    bool (*setting_traits)(void *st, const char *name, struct ocpp_setting_traits *out); /* false: unknown */
    /* Ways to the server; the order in which they are tried is the setting network_priority. get: false when
     * the slot is empty. active: the slot in use, or being tried; 0: one that worked, but is in no slot now.
     */
    bool (*network_get)(void *st, int slot, struct ocpp_network *out);
    enum ocpp_network_result (*network_set)(void *st, int slot, const struct ocpp_network *network);
    int (*network_active)(void *st);
    const char *(*identity)(void *st,
                            const char *what); /* "model", "vendor", "serial", "firmware", "reset_reason" */

    /* durable records. keep: false if it could not be made durable. peek: the oldest record of a kind with id
     * > after (0 for the first). forget: acknowledged. */
    bool (*keep)(void *st, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id);
    bool (*peek)(void *st, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap, size_t *len,
                 uint32_t *id);
    void (*forget)(void *st, enum ocpp_keep_kind kind, uint32_t id);
    /* Can a whole transaction be kept, its Started now and its Ended later? false: none should be begun. */
    bool (*room_for_transaction)(void *st);

    /* firmware. update: `why` gets a static text when it is refused. report: what is to be told next, false:
     * nothing; the same again until reported. */
    enum ocpp_firmware_answer (*update_firmware)(void *st, const struct ocpp_firmware_request *request,
                                                 const char **why);
    bool (*firmware_report)(void *st, struct ocpp_firmware_report *out);
    void (*firmware_reported)(void *st);

    /* a line for the log; level 0 error .. 3 debug */
    void (*log)(void *st, int level, const char *text);

    /* The log towards the server; a station without one leaves these NULL.
     * log_unsent: the next line that the server shall have; *place moves behind it; false: no more. log_sent:
     * it has all before that place. log_lost: lines that were overwritten before it had them, since start-up.
     */
    bool (*log_unsent)(void *st, struct ocpp_log_place *place, struct ocpp_log_line *out);
    void (*log_sent)(void *st, const struct ocpp_log_place *place);
    uint32_t (*log_lost)(void *st);
    /* Puts a file of the log to the address, instead of one under way; its name into `name`. What becomes of
     * it is told by OCPP_EV_LOG_UPLOAD, later. false: can't be done here. */
    bool (*log_upload)(void *st, const struct ocpp_log_request *request, char *name, size_t cap);
    /* An event for the security log. */
    void (*log_security)(void *st, uint64_t at_us, const char *event);
};

#endif
