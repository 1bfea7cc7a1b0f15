/* http_fields: whatever an address, a redirect or an answer's header says, what comes out can be asked for,
 * and what follows is bounded by it. Input: lines "base", "location", status, length, range, encoding, etag,
 * date, from. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_answer.h"
#include "net/http_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 9 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_url(const struct http_url *u)
{
    check(u->at.port > 0 && u->at.host[0] && u->at.path[0] == '/');
    check(strlen(u->at.path) <= WS_URL_PATH_MAX && strlen(u->at.authority) < sizeof u->at.authority);
    for (const char *c = u->at.path; *c; c++)
        check((unsigned char)*c > ' ' && *c != 0x7f && *c != '#');
    for (const char *c = u->user; *c; c++)
        check((unsigned char)*c >= ' ' && *c != 0x7f);
    check(strlen(u->user) <= HTTP_USER_MAX && strlen(u->password) <= HTTP_PASSWORD_MAX);
    check(u->named == (u->user[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_url base, next; /* not on the stack: their bounds are watched on either side */
    static struct http_extent e;
    char *text = malloc(size + 1), *line[LINES];
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *at = text;
    for (int i = 0; i < LINES; i++) {
        line[i] = at;
        at += strcspn(at, "\n");
        if (*at)
            *at++ = '\0';
    }
    if (http_url_parse(line[0], &base)) {
        check_url(&base);
        check(http_url_same_server(&base, &base));
        enum http_follow how = http_url_follow(&base, line[1], &next);
        if (how != HTTP_NO_FOLLOW)
            check_url(&next);
        check(how != HTTP_FOLLOW || !base.at.tls || next.at.tls);
    }
    const char *why;
    const struct http_answer a = {
        (int)strtol(line[2], NULL, 10), line[3], line[4], line[5], line[6], line[7]};
    uint64_t from = strtoull(line[8], NULL, 10);
    enum http_end how = http_answer_read(&a, from, &e, &why);
    check(why != NULL);
    if (how == HTTP_DONE) {
        check(e.length >= -1 && e.head.total >= -1 && strlen(e.head.validator) <= HTTP_VALIDATOR_MAX);
        check(e.head.from == 0 || e.head.from == from);
        check(e.length < 0 || e.head.total < 0 || e.head.from + (uint64_t)e.length <= (uint64_t)e.head.total);
    }
    char name[HTTP_STATUS_TEXT_MAX];
    http_status_text(a.status, name);
    free(text);
    return 0;
}
