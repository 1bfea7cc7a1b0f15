/*
 * log_upload: puts one file of the log to an HTTP(S) address, with repetitions, and tells what becomes of it.
 * Comms thread only.
 */
#ifndef STATION_LOG_UPLOAD_H
#define STATION_LOG_UPLOAD_H

#include "net/http.h"
#include "ocpp/station_ops.h"
#include "station/log_file.h"

enum {
    LOG_UPLOAD_URL = 512 + 80,
    LOG_UPLOAD_NAME = 80
}; /* characters of OCPP's remoteLocation, and a file's name */

struct log_upload {
    enum log_upload_phase {
        LOG_UPLOAD_IDLE,
        LOG_UPLOAD_WAITING, /* for its time, or for the one HTTP client of the station */
        LOG_UPLOAD_RUNNING,
        LOG_UPLOAD_ENDED, /* by the HTTP client; the next step looks at it */
    } phase;
    bool begun; /* has been told */
    uint64_t due_us;
    int32_t tries_left;
    uint32_t interval_s;
    enum http_end how;
    int status; /* HTTP's; 0: none */
    char why[64];
    char name[LOG_UPLOAD_NAME], url[LOG_UPLOAD_URL + 1];
    struct log_file file;
};

/* Begins with the next step; one under way ends without a word. false: no HTTP client here, or the address is
 * too long. */
bool log_upload_start(struct station *s, const struct ocpp_log_request *request);
/* Each comms step. true: *told is news. Returns by *due_us when it wants to run again (UINT64_MAX: need not).
 */
bool log_upload_step(struct station *s, uint64_t now_us, enum ocpp_upload *told, uint64_t *due_us);

#endif
