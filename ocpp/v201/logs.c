/* logs: batches of log lines, and the upload of log files; see logs.h. */
#include "ocpp/v201/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ocpp/v201/v201.h"

enum {
    /* A line is about six nodes of cJSON and its text, under 1 KB: a batch leaves more than half of the
       arena. */
    LINES_MAX = OCPP_ARENA_BYTES / 2400,
    BATCH_BYTES = OCPP_TEXT_MAX / 4, /* other messages wait that long at most */
    LINE_OVERHEAD = 120,             /* names, time and punctuation of a line, about */
    NEXT_US = 1000000,               /* to the next batch while more lines wait */
    UNANSWERED_US = 60000000,
    ERROR_US = 300000000,
    ERRORS_MAX = 3,
};

enum status { UPLOADING, UPLOADED, FAILED, BAD_MESSAGE, DENIED, NOT_SUPPORTED, CANCELLED };
static const char *const statuses[] = {
    [UPLOADING] = "Uploading",        [UPLOADED] = "Uploaded",
    [FAILED] = "UploadFailure",       [BAD_MESSAGE] = "BadMessage",
    [DENIED] = "PermissionDenied",    [NOT_SUPPORTED] = "NotSupportedOperation",
    [CANCELLED] = "AcceptedCanceled",
};

/* ---- batches ---- */

void logs_opened(struct v201 *v)
{
    v->logs.refused = false;
    v->logs.errors = 0;
    v->logs.due_us = 0;
    v->logs.queued_under_way = false;
}

static bool any_unsent(const struct v201 *v)
{
    struct ocpp_log_place place = {0};
    struct ocpp_log_line line;
    return v->dev.ops->log_unsent && v->dev.ops->log_unsent(v->dev.st, &place, &line);
}

uint64_t logs_step(struct v201 *v, uint64_t now)
{
    struct logs *l = &v->logs;
    if (!device_registered(&v->dev) || l->refused || !any_unsent(v))
        return UINT64_MAX;
    return l->due_us > now ? l->due_us : UINT64_MAX; /* due: asked for with every message that may go out */
}

static void add_line(cJSON *lines, const struct ocpp_log_line *line)
{
    cJSON *o = json_append_object(lines);
    json_add_int(o, "n", line->n);
    if (line->wall_known)
        json_add_time(o, "at", line->unix_ms);
    json_add_int(o, "up_ms", (int64_t)line->up_ms);
    json_add_text(o, "level", line->level);
    json_add_text(o, "module", line->module);
    json_add_text(o, "text", line->text);
}

bool log_batch_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct logs *l = &v->logs;
    const struct ocpp_station_ops *ops = v->dev.ops;
    if (asked_only || l->refused || !ops->log_unsent || device_now(&v->dev) < l->due_us)
        return false;
    struct ocpp_log_place place = {0};
    struct ocpp_log_line line;
    if (!ops->log_unsent(v->dev.st, &place, &line))
        return false;
    l->lost_under_way = ops->log_lost(v->dev.st);
    json_add_text(payload, "vendorId", "ECSACP1");
    json_add_text(payload, "messageId", "log");
    cJSON *data = json_add_object(payload, "data");
    char boot[12];
    snprintf(boot, sizeof boot, "%08" PRIx32, line.boot);
    json_add_text(data, "boot", boot);
    json_add_int(data, "lost", l->lost_under_way - l->lost_told);
    cJSON *lines = json_add_array(data, "lines");
    const uint32_t of = line.boot;
    size_t bytes = 0;
    int n = 0;
    do {
        add_line(lines, &line);
        l->under_way = place;
        bytes += strlen(line.text) + LINE_OVERHEAD;
        l->full = ops->log_unsent(v->dev.st, &place, &line);
    } while (l->full && line.boot == of && ++n < LINES_MAX && bytes < BATCH_BYTES);
    return true;
}

static void refuse(struct v201 *v)
{
    if (!v->logs.refused)
        device_log(&v->dev, 2, "the server does not take log lines");
    v->logs.refused = true;
}

void log_batch_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct logs *l = &v->logs;
    uint64_t now = device_now(&v->dev);
    if (how == RPC_LOST) /* perhaps it has them: boot and n tell it which it knows */
        return;
    if (how == RPC_TIMEOUT) {
        l->due_us = now + UNANSWERED_US;
        return;
    }
    if (how == RPC_ERROR) {
        l->due_us = now + ERROR_US;
        if (++l->errors >= ERRORS_MAX)
            refuse(v);
        return;
    }
    const char *status = json_text(payload, "status", 20);
    if (!status || strcmp(status, "Accepted") != 0) {
        refuse(v);
        return;
    }
    l->errors = 0;
    l->lost_told = l->lost_under_way;
    v->dev.ops->log_sent(v->dev.st, &l->under_way);
    l->due_us = now + (l->full ? (uint64_t)NEXT_US
                               : (uint64_t)device_int(&v->dev, "log_batch_interval", 10) * 1000000);
}

/* ---- files ---- */

static void tell(struct v201 *v, int32_t request_id, enum status status)
{
    struct logs *l = &v->logs;
    if (l->statuses == LOG_STATUSES) {
        unsigned first = l->queued_under_way ? 1 : 0; /* the one that is out goes when it is answered */
        memmove(l->status + first, l->status + first + 1, (LOG_STATUSES - 1 - first) * sizeof l->status[0]);
        l->statuses--;
    }
    l->status[l->statuses].request_id = request_id;
    l->status[l->statuses].status = (uint8_t)status;
    l->statuses++;
}

static int32_t count_or_own(const cJSON *request, const char *name)
{
    int64_t n;
    if (!json_int(request, name, &n) || n < 0)
        return -1;
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

void get_log(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct logs *l = &v->logs;
    const cJSON *log = json_object(request, "log");
    int64_t id = 0;
    json_int(request, "requestId", &id);
    struct ocpp_log_request r = {
        .security = !strcmp(json_text(request, "logType", 20), "SecurityLog"),
        .url = json_text(log, "remoteLocation", 512),
        .from_ms = INT64_MIN,
        .to_ms = INT64_MAX,
        .retries = count_or_own(request, "retries"),
        .retry_interval_s = count_or_own(request, "retryInterval"),
    };
    const char *from = json_text(log, "oldestTimestamp", 64), *to = json_text(log, "latestTimestamp", 64);
    if (from)
        json_time_parse(from, &r.from_ms);
    if (to)
        json_time_parse(to, &r.to_ms);
    int64_t now_ms;
    bool clock = device_wall(&v->dev, device_now(&v->dev), &now_ms);
    if (r.from_ms > r.to_ms || (clock && r.from_ms > now_ms)) { /* nothing can be in there */
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "NotFound", "there is no log of that time");
        return;
    }
    char name[256];
    if (!v->dev.ops->log_upload || !v->dev.ops->log_upload(v->dev.st, &r, name, sizeof name)) {
        json_add_text(answer->payload, "status", "Rejected"); /* N01.FR.05 */
        status_info(answer->payload, "NotEnabled", "this station can't upload files");
        return;
    }
    if (l->uploading)
        tell(v, l->request_id, CANCELLED);                                                    /* N01.FR.20 */
    json_add_text(answer->payload, "status", l->uploading ? "AcceptedCanceled" : "Accepted"); /* N01.FR.12 */
    json_add_cut(answer->payload, "filename", name, 255);
    l->uploading = true;
    l->request_id = (int32_t)id;
}

void logs_event(struct v201 *v, const struct ocpp_event *ev)
{
    static const uint8_t status_of[] = {
        [OCPP_UPLOAD_BEGUN] = UPLOADING, [OCPP_UPLOAD_DONE] = UPLOADED,
        [OCPP_UPLOAD_FAILED] = FAILED,   [OCPP_UPLOAD_BAD] = BAD_MESSAGE,
        [OCPP_UPLOAD_DENIED] = DENIED,   [OCPP_UPLOAD_UNSUPPORTED] = NOT_SUPPORTED,
    };
    struct logs *l = &v->logs;
    if (ev->type != OCPP_EV_LOG_UPLOAD || !l->uploading || (size_t)ev->upload >= sizeof status_of)
        return;
    tell(v, l->request_id, (enum status)status_of[ev->upload]); /* N01.FR.07 to FR.10 */
    if (ev->upload != OCPP_UPLOAD_BEGUN)
        l->uploading = false;
}

bool log_status_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct logs *l = &v->logs;
    l->queued_under_way = false;
    if (l->statuses && !asked_only) {
        l->queued_under_way = true;
        json_add_text(payload, "status", statuses[l->status[0].status]);
        json_add_int(payload, "requestId", l->status[0].request_id);
        return true;
    }
    if (!l->status_asked)
        return false;
    l->status_asked = false;
    json_add_text(payload, "status", l->uploading ? "Uploading" : "Idle"); /* F06.FR.14, FR.15 */
    if (l->uploading)
        json_add_int(payload, "requestId", l->request_id); /* N01.FR.13 */
    return true;
}

void log_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct logs *l = &v->logs;
    (void)payload;
    if (!l->queued_under_way)
        return;
    l->queued_under_way = false;
    if (how == RPC_LOST) /* once more on the next connection */
        return;
    l->statuses--;
    memmove(l->status, l->status + 1, l->statuses * sizeof l->status[0]);
}
