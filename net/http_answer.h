/*
 * http_answer: what the header of an answer says about the bytes that follow it, and whether that is an
 * answer to what was asked.
 */
#ifndef NET_HTTP_ANSWER_H
#define NET_HTTP_ANSWER_H

#include "net/http.h"

enum { HTTP_STATUS_TEXT_MAX = 40 };

/* The header's fields as text; "": not there. */
struct http_answer {
    int status;
    const char *content_length, *content_range, *transfer_encoding, *etag, *last_modified;
};

struct http_extent {
    struct http_head head; /* its validator points into the answer */
    int64_t length;        /* bytes that follow; −1: until they end */
    bool chunked;          /* they say themselves where they end */
};

/* HTTP_DONE: `out` is good. HTTP_REFUSED, HTTP_LOST: `why` (a static text; "": the status says it all).
 * `from`: the first byte that was asked for. */
enum http_end http_answer_read(const struct http_answer *a, uint64_t from, struct http_extent *out,
                               const char **why);

/* The status and its usual name, for people. */
void http_status_text(int status, char out[HTTP_STATUS_TEXT_MAX]);

#endif
