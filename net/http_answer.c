#include "net/http_answer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Decimal digits up to the end or to `stop`; returns where it stopped, NULL: no number, or one that does not
 * fit in 63 bits. */
static const char *number(const char *s, int64_t *out)
{
    int64_t n = 0;
    if (*s < '0' || *s > '9')
        return NULL;
    for (; *s >= '0' && *s <= '9'; s++) {
        int digit = *s - '0';
        if (n > (INT64_MAX - digit) / 10)
            return NULL;
        n = n * 10 + digit;
    }
    *out = n;
    return s;
}

/* "bytes 0-99/200" or "bytes 0-99/" and an asterisk (RFC 9110 14.4). */
static bool range_read(const char *s, int64_t *first, int64_t *last, int64_t *total)
{
    *total = -1;
    if (strncasecmp(s, "bytes ", 6) != 0 || !(s = number(s + 6, first)) || *s != '-' ||
        !(s = number(s + 1, last)) || *s != '/')
        return false;
    s++;
    if (strcmp(s, "*") != 0 && (!(s = number(s, total)) || *s))
        return false;
    return *first <= *last && *last < INT64_MAX && (*total < 0 || *last < *total);
}

/* What If-Range may carry (RFC 9110 13.1.5): a strong entity tag, else a date. */
static const char *validator(const struct http_answer *a)
{
    size_t len = strlen(a->etag);
    const char *v = len >= 2 && len <= HTTP_VALIDATOR_MAX && a->etag[0] == '"' && a->etag[len - 1] == '"'
                        ? a->etag
                        : a->last_modified;
    if (strlen(v) > HTTP_VALIDATOR_MAX)
        return "";
    for (const char *c = v; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return "";
    return v;
}

static enum http_end no(enum http_end how, const char **why, const char *text)
{
    *why = text;
    return how;
}

enum http_end http_answer_read(const struct http_answer *a, uint64_t from, struct http_extent *out,
                               const char **why)
{
    int64_t told = -1;
    *why = "";
    memset(out, 0, sizeof *out);
    if (a->status < 200)
        return no(HTTP_LOST, why, "not an answer to a request");
    if (a->status >= 300)
        return HTTP_REFUSED;
    out->head = (struct http_head){.status = a->status, .total = -1, .validator = validator(a)};
    out->length = -1;
    if (a->status == 204 || a->status == 205) { /* RFC 9110 15.3.5, 15.3.6: nothing follows */
        out->length = 0;
        return HTTP_DONE;
    }
    if (a->content_length[0]) {
        const char *end = number(a->content_length, &told);
        if (!end || *end)
            return no(HTTP_LOST, why, "the length of the answer is not a number");
    }
    if (a->transfer_encoding[0]) {
        if (strcasecmp(a->transfer_encoding, "chunked") != 0)
            return no(HTTP_LOST, why, "the answer is encoded in an unknown way");
        if (told >= 0) /* RFC 9112 6.3: somebody may be playing tricks */
            return no(HTTP_LOST, why, "the answer has two lengths");
        out->chunked = true;
    }
    out->length = told;
    if (a->status != 206) {
        out->head.total = told;
        return HTTP_DONE;
    }
    int64_t first, last;
    if (from == 0 || !range_read(a->content_range, &first, &last, &out->head.total) ||
        (uint64_t)first != from)
        return no(HTTP_REFUSED, why, "another part than the one that was asked for");
    if (told >= 0 && told != last - first + 1)
        return no(HTTP_LOST, why, "the length of the answer contradicts its range");
    out->head.from = from;
    out->length = last - first + 1;
    return HTTP_DONE;
}

void http_status_text(int status, char out[HTTP_STATUS_TEXT_MAX])
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {206, "Partial Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {416, "Range Not Satisfiable"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };
    const char *name = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].status == status)
            name = names[i].name;
    (void)snprintf(out, HTTP_STATUS_TEXT_MAX, "%d%s%s", status, name[0] ? " " : "", name);
}
