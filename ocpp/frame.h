/*
 * frame: the OCPP-J wrapper around a message: [2,id,action,{}] [3,id,{}] [4,id,code,text,{}]. Both sides use
 * it.
 */
#ifndef OCPP_FRAME_H
#define OCPP_FRAME_H

#include "ocpp/json.h"

enum { FRAME_CALL = 2, FRAME_RESULT = 3, FRAME_ERROR = 4 };
enum {
    FRAME_ID_MAX = 36, /* characters, OCPP-J 2.0.1 table 4 */
    FRAME_ID_BYTES = 4 * FRAME_ID_MAX + 1,
    FRAME_ERROR_TEXT_MAX = 255, /* characters of an errorDescription, OCPP-J 2.0.1 table 7 */
};

/* What is wrong with a text; frame_fault_code() gives the CALLERROR code that says so. */
enum frame_fault {
    FRAME_OK,
    FRAME_TOO_LONG,
    FRAME_NOT_UTF8,
    FRAME_TOO_DEEP,
    FRAME_NOT_JSON,
    FRAME_NO_MEMORY,    /* well-formed, but more nodes than there is room for */
    FRAME_NOT_RPC,      /* no array, wrong number or type of elements, bad message id */
    FRAME_UNKNOWN_TYPE, /* message type other than 2, 3, 4 */
};

struct frame {
    int type;                /* FRAME_CALL..; 0 unknown */
    char id[FRAME_ID_BYTES]; /* "-1" when it could not be read: what a CALLERROR has to carry then */
    bool id_known;
    const char *action;      /* FRAME_CALL */
    const char *code, *text; /* FRAME_ERROR */
    const cJSON *payload;    /* object of a call or result, details of an error (may be NULL there) */
    cJSON *root;             /* what the strings above live in */
};

/*
 * Parses one whole message of at most max_len bytes. *out is always filled in as far as it could be read
 * (type and id also of texts that are no JSON), so that the caller can answer. The tree is allocated as
 * json.h says; frame_free() it when it came from malloc.
 */
enum frame_fault frame_parse(const char *text, size_t len, size_t max_len, struct frame *out);
void frame_free(struct frame *f);
const char *frame_fault_code(enum frame_fault f); /* "RpcFrameworkError", ... */
const char *frame_fault_text(enum frame_fault f);

/* Writers: length of the text in buf (0-terminated), or 0 when it does not fit. A NULL payload is written as
 * {}. */
size_t frame_call(char *buf, size_t cap, const char *id, const char *action, const cJSON *payload);
/* The same for a payload that is text already. */
size_t frame_call_text(char *buf, size_t cap, const char *id, const char *action, const char *payload,
                       size_t len);
size_t frame_result(char *buf, size_t cap, const char *id, const cJSON *payload);
size_t frame_result_text(char *buf, size_t cap, const char *id, const char *payload, size_t len);
size_t frame_error(char *buf, size_t cap, const char *id, const char *code, const char *text);

#endif
