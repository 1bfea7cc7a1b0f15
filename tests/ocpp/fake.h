/*
 * fake: a station behind struct ocpp_station_ops and a server in front of it, both in memory, for the tests
 * of ocpp/.
 *
 * Everything that the station sends is checked on the way: whole frames, message ids that never return, one
 * CALL outstanding. What is durable survives fake_boot(). With OCPP_FRAMES=file every frame is appended to
 * that file.
 */
#ifndef TESTS_OCPP_FAKE_H
#define TESTS_OCPP_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "ocpp/frame.h"
#include "ocpp/ocpp.h"

enum { FAKE_FRAMES = 4000, FAKE_RECORDS = 600, FAKE_SETTINGS = 128 };
#define FAKE_EPOCH INT64_C(1767225600000) /* 2026-01-01T00:00:00Z: wall time at monotonic 0 */

struct fake_frame {
    struct frame frame;
    const char *action; /* of a CALL */
    uint64_t at_us;
};

struct fake {
    struct ocpp *ocpp;
    void *mem;
    uint64_t now_us;
    uint32_t random;
    /* station */
    bool wall_known;
    int64_t wall_at_0_ms;
    struct ocpp_view view;
    bool authorised, available, hold, unlock_works, reset_works;
    /* firmware */
    enum ocpp_firmware_answer firmware_answer;
    const char *firmware_why;
    int firmware_calls;
    struct ocpp_firmware_request firmware_request; /* its texts last during the call only: copied below */
    char firmware_url[600];
    bool firmware_certificate, firmware_signature;
    struct ocpp_firmware_report firmware_report[8];
    unsigned firmware_reports;
    int authorise_calls, limit_calls, resets, hang_ups;
    int32_t limit_ma, fallback_ma;
    int64_t lease_ms;
    const char *reset_reason;
    unsigned setting_count;
    struct {
        const char *name, *unit;
        int flags;
        char value[300];
    } setting[FAKE_SETTINGS];
    struct ocpp_network network[OCPP_NETWORKS + 1]; /* by slot; url "": empty */
    int network_active;
    bool network_not_kept;
    /* durable store */
    bool keep_fails;
    bool no_room; /* for another transaction */
    unsigned
        cut_after; /* the power goes at the n-th change of the store from now; 0 never. fake_boot ends it */
    bool cut;
    uint32_t next_record;
    unsigned record_count;
    struct {
        uint32_t id;
        enum ocpp_keep_kind kind;
        size_t len;
        unsigned char bytes[3000];
    } record[FAKE_RECORDS];
    /* log */
    bool no_log; /* a station without one */
    unsigned log_count, log_sent_to;
    uint32_t log_lost;
    struct ocpp_log_line log[200];
    bool upload_works;
    unsigned uploads;
    struct ocpp_log_request upload; /* the last */
    char upload_url[600];
    unsigned security_events;
    char security_event[64]; /* the last */
    /* link */
    bool connected, socket_full;
    unsigned frame_count, answered; /* frames up to `answered` have been looked at by the server */
    struct fake_frame frame[FAKE_FRAMES];
    bool outstanding; /* a CALL of the station is unanswered */
    char outstanding_id[40];
    bool last_was_dropped; /* the server let a call time out */
    /* server */
    const char *boot_status;
    int boot_interval;
    const char *token_status, *transfer_status, /* of DataTransfer; NULL: Accepted */
        *group; /* what Authorize and TransactionEvent are answered with; NULL group: none */
    /* May take over: true: handled (answered or deliberately not). */
    bool (*server)(struct fake *f, const char *action, const char *id, const cJSON *payload);
    int server_arg;
    unsigned calls;
    char error[40]; /* code of the last CALLERROR that fake_call got */
    struct frame reply;
    char *reply_text;
};

struct fake *fake_new(void);
void fake_free(struct fake *f);
/* (Re)starts the station: RAM is gone, durable records stay. */
void fake_boot(struct fake *f);
void fake_connect(struct fake *f);
void fake_close(struct fake *f);
/* Runs `ms` of time with server and station. */
void fake_run(struct fake *f, uint64_t ms);
/* New, connected, accepted, idle; everything up to here is forgotten. */
struct fake *fake_ready(void);

/* A line of the station's log, of run `boot`. */
void fake_line(struct fake *f, uint32_t boot, const char *text);
/* What has become of an upload. */
void fake_upload(struct fake *f, enum ocpp_upload what);
void fake_set(struct fake *f, const char *setting, const char *value);
const char *fake_get(struct fake *f, const char *setting);
void fake_event(struct fake *f, enum ocpp_event_type type, bool on, const char *text, const char *old);
void fake_plug(struct fake *f);
void fake_unplug(struct fake *f);
/* The car asks or not; the contactor follows when the station has authorised it. */
void fake_ask(struct fake *f, bool asks);
void fake_token(struct fake *f, const char *token);
/* Energy that has flowed. */
void fake_energy(struct fake *f, uint64_t mwh);
/* Plugged, authorised by token "T1", charging. */
void fake_charge(struct fake *f);

/* A CALL of the server; the answer's payload, or NULL with f->error set. */
const cJSON *fake_call(struct fake *f, const char *action, const char *payload);
void fake_raw(struct fake *f, const char *text);
void fake_answer(struct fake *f, const char *id, const char *payload);
void fake_error(struct fake *f, const char *id, const char *code);

void fake_forget(struct fake *f); /* frames so far */
unsigned fake_count(const struct fake *f, const char *action);
/* Payload of the n-th (0..) or of the last CALL of this action; NULL: none. */
const cJSON *fake_nth(const struct fake *f, const char *action, unsigned n);
const cJSON *fake_last(const struct fake *f, const char *action);
unsigned fake_kept(const struct fake *f, enum ocpp_keep_kind kind);

/* Text at a path such as "transactionInfo.chargingState" or "meterValue.0.timestamp"; "" when there is none.
 */
const char *at(const cJSON *obj, const char *path);
double number_at(const cJSON *obj, const char *path); /* −1e9 when there is none */
const cJSON *node_at(const cJSON *obj, const char *path);

#endif
