/* http_client against a server made of plain sockets that does what the test says, and against web/server. */
#include <libwebsockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "net/ws_client.h"
#include "tests/net/raw_peer.h"
#include "web/server.h"

enum { TICK_US = 2000, PATIENCE_MS = 5000, GOT_MAX = 512 * 1024 };

/* A client, what it told us, and the peer that it talks to. */
struct bench {
    struct lws_context *context;
    struct http_client *client;
    struct http http;
    struct http_up up;
    lws_sorted_usec_list_t tick;
    struct raw_peer peer;
    char url[120], request[8192];

    unsigned heads, dones, pieces, fills, rewinds;
    struct http_head head;
    char validator[HTTP_VALIDATOR_MAX + 1];
    unsigned char got[GOT_MAX];
    size_t got_len;
    enum http_end how;
    char why[200];

    uint64_t give, given; /* of the request's body */
    bool stop_at_head, cancel_at_body, cancel_at_fill, again_when_done, can_rewind;
};

static unsigned char pattern(uint64_t i)
{
    return (unsigned char)('a' + i * 7 % 26);
}

static bool up_head(void *ctx, const struct http_head *head)
{
    struct bench *b = ctx;
    b->heads++;
    b->head = *head;
    (void)snprintf(b->validator, sizeof b->validator, "%s", head->validator);
    return !b->stop_at_head;
}

static bool up_body(void *ctx, const void *data, size_t len)
{
    struct bench *b = ctx;
    assert_true(len > 0 && len <= GOT_MAX - b->got_len);
    memcpy(b->got + b->got_len, data, len);
    b->got_len += len;
    b->pieces++;
    if (b->cancel_at_body)
        b->http.cancel(b->http.ctx);
    return true;
}

static size_t up_fill(void *ctx, void *buf, size_t cap)
{
    struct bench *b = ctx;
    unsigned char *out = buf;
    size_t n = 0;
    b->fills++;
    if (b->cancel_at_fill) {
        b->http.cancel(b->http.ctx);
        return 0;
    }
    while (n < cap && n < 1000 && b->given < b->give)
        out[n++] = pattern(b->given++);
    return n;
}

static bool up_rewind(void *ctx)
{
    struct bench *b = ctx;
    b->rewinds++;
    b->given = 0;
    return b->can_rewind;
}

static const struct http_request get_request = {.method = HTTP_GET, .idle_timeout_s = 4};

static bool begin(struct bench *b, const struct http_request *like)
{
    struct http_request r = *like;
    if (!r.url)
        r.url = b->url;
    return b->http.start(b->http.ctx, &r, &b->up);
}

static void up_done(void *ctx, enum http_end how, const char *why)
{
    struct bench *b = ctx;
    b->dones++;
    b->how = how;
    (void)snprintf(b->why, sizeof b->why, "%s", why);
    if (b->again_when_done) {
        b->again_when_done = false;
        assert_true(begin(b, &get_request));
    }
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
    (void)sul;
}

static void turn(struct bench *b)
{
    raw_pump(&b->peer);
    lws_sul_schedule(b->context, 0, &b->tick, on_tick, TICK_US);
    assert_true(lws_service(b->context, 0) >= 0);
    raw_pump(&b->peer);
}

static void turn_ms(struct bench *b, unsigned ms)
{
    lws_usec_t end = lws_now_usecs() + (lws_usec_t)ms * 1000;
    while (lws_now_usecs() < end)
        turn(b);
}

/* Goes on until the condition holds; fails the test if it never does. */
#define UNTIL(b, condition)                                     \
    do {                                                        \
        lws_usec_t end_ = lws_now_usecs() + PATIENCE_MS * 1000; \
        while (!(condition)) {                                  \
            if (lws_now_usecs() > end_)                         \
                fail_msg("never: %s", #condition);              \
            turn(b);                                            \
        }                                                       \
    } while (0)

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    b->context = lws_create_context(&info);
    if (!b->context || !ws_client_add_vhost(b->context, NULL))
        return -1;
    b->client = http_client_create(b->context);
    http_client_http(b->client, &b->http);
    b->up = (struct http_up){
        .ctx = b, .head = up_head, .body = up_body, .fill = up_fill, .rewind = up_rewind, .done = up_done};
    raw_open(&b->peer);
    (void)snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d/fw/image.bin?v=2", b->peer.port);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    lws_sul_cancel(&b->tick);
    http_client_destroy(b->client);
    lws_context_destroy(b->context);
    raw_close(&b->peer);
    free(b);
    return 0;
}

static void wait_request(struct bench *b)
{
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
}

static void expect_header(const struct bench *b, const char *name, const char *value)
{
    char got[400];
    raw_header(b->request, name, got, sizeof got);
    assert_string_equal(got, value);
}

static void ends(struct bench *b, enum http_end how, const char *why)
{
    UNTIL(b, b->dones == 1);
    if (b->how != how || (why && strncmp(b->why, why, strlen(why)) != 0))
        fail_msg("ended as %d: %s", (int)b->how, b->why);
    turn_ms(b, 30); /* nothing more comes */
    assert_int_equal(b->dones, 1);
}

/* ---- GET ---- */

static void gets(void **state)
{
    struct bench *b = *state;
    char host[40];
    assert_true(begin(b, &get_request));
    assert_false(begin(b, &get_request)); /* one at a time */
    wait_request(b);
    assert_int_equal(strncmp(b->request, "GET /fw/image.bin?v=2 HTTP/1.1\r\n", 32), 0);
    (void)snprintf(host, sizeof host, "127.0.0.1:%d", b->peer.port);
    expect_header(b, "Host", host);
    expect_header(b, "Range", "");
    expect_header(b, "Authorization", "");
    expect_header(b, "Accept-Encoding", "identity");
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nETag: \"v1\"\r\n"
                       "Last-Modified: Sun, 22 Nov 2026 16:00:00 GMT\r\n\r\nhello");
    UNTIL(b, b->got_len == 5);
    assert_int_equal(b->dones, 0);
    raw_text(&b->peer, " world");
    ends(b, HTTP_DONE, "200 OK");
    assert_int_equal(b->heads, 1);
    assert_int_equal(b->head.status, 200);
    assert_int_equal(b->head.from, 0);
    assert_int_equal(b->head.total, 11);
    assert_string_equal(b->validator, "\"v1\"");
    assert_memory_equal(b->got, "hello world", 11);
    UNTIL(b, b->peer.ended); /* and the connection with it */
}

static void gets_much(void **state)
{
    struct bench *b = *state;
    static unsigned char much[300000];
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = pattern(i);
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    for (size_t at = 0; at < sizeof much; at += 30000) {
        raw_bytes(&b->peer, much + at, 30000);
        UNTIL(b, b->got_len == at + 30000);
    }
    ends(b, HTTP_DONE, "200");
    assert_memory_equal(b->got, much, sizeof much);
}

static void an_empty_body(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ends(b, HTTP_DONE, "200");
    assert_int_equal(b->heads, 1);
    assert_int_equal(b->head.total, 0);
    assert_int_equal(b->pieces, 0);
}

static void goes_on_where_it_was(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.from = 6, .validator = "\"v1\""};
    assert_true(begin(b, &r));
    wait_request(b);
    expect_header(b, "Range", "bytes=6-");
    expect_header(b, "If-Range", "\"v1\"");
    raw_text(&b->peer, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 6-10/11\r\n"
                       "Content-Length: 5\r\n\r\nworld");
    ends(b, HTTP_DONE, "206");
    assert_int_equal(b->head.from, 6);
    assert_int_equal(b->head.total, 11);
    assert_memory_equal(b->got, "world", 5);
}

static void a_range_that_is_not_taken(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.from = 6, .validator = "\"v1\""};
    assert_true(begin(b, &r));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew");
    ends(b, HTTP_DONE, "200");
    assert_int_equal(b->head.from, 0);
    assert_string_equal(b->validator, "\"v2\"");
    assert_memory_equal(b->got, "new", 3);
}

static void answers_that_are_refused(void **state)
{
    struct bench *b = *state;
    static const struct {
        uint64_t from;
        const char *answer, *why;
        enum http_end how;
    } rows[] = {
        {0, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "404 Not Found", HTTP_REFUSED},
        {0, "HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found", HTTP_REFUSED},
        {0, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
         "401 Unauthorized", HTTP_REFUSED},
        {0, "HTTP/1.0 503 Busy\r\n\r\n", "503 Service Unavailable", HTTP_REFUSED},
        {9, "HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n",
         "416 Range Not Satisfiable", HTTP_REFUSED},
        {9, "HTTP/1.1 206 OK\r\nContent-Range: bytes 8-9/10\r\nContent-Length: 2\r\n\r\nxx", "206",
         HTTP_REFUSED},
        {9, "HTTP/1.1 206 OK\r\nContent-Length: 2\r\n\r\nxx", "206", HTTP_REFUSED},
        {0, "HTTP/1.1 206 OK\r\nContent-Range: bytes 0-1/2\r\nContent-Length: 2\r\n\r\nxx", "206",
         HTTP_REFUSED},
        {9, "HTTP/1.1 206 OK\r\nContent-Range: bytes 9-10/11\r\nContent-Length: 3\r\n\r\nxxx", "206",
         HTTP_LOST},
        {0, "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nxx", "200", HTTP_LOST},
        {0, "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nxx", NULL, HTTP_LOST},
        {0, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nxx", "200", HTTP_LOST},
        {0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx", NULL, HTTP_LOST},
        {0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", "200",
         HTTP_LOST},
        {0, "HTTP/1.1 100 Continue\r\n\r\n", "100", HTTP_LOST},
        {0, "HTTP/1.1 302 Found\r\n\r\n", NULL, HTTP_REFUSED},
        {0, "HTTP/1.1 304 Not Modified\r\n\r\n", "304", HTTP_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_request r = get_request;
        r.from = rows[i].from;
        b->dones = b->heads = b->pieces = 0;
        assert_true(begin(b, &r));
        wait_request(b);
        raw_text(&b->peer, rows[i].answer);
        UNTIL(b, b->dones == 1);
        if (b->how != rows[i].how || (rows[i].why && strncmp(b->why, rows[i].why, strlen(rows[i].why)) != 0))
            fail_msg("row %zu: ended as %d: %s", i, (int)b->how, b->why);
        assert_int_equal(b->pieces, 0);
        assert_int_equal(b->heads, 0);
        raw_drop(&b->peer, false);
    }
}

/* One that demands credentials, and closes at once or waits; ours are said with the request, or never. */
static void credentials_are_demanded(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < 4; i++) {
        const struct http_request r = {
            .user = i < 2 ? "CP1" : NULL, .password = i < 2 ? "wrong" : NULL, .idle_timeout_s = 4};
        b->dones = 0;
        assert_true(begin(b, &r));
        wait_request(b);
        lws_usec_t at = lws_now_usecs();
        raw_text(&b->peer, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                           "Content-Length: 2\r\n\r\nno");
        if (i % 2)
            raw_drop(&b->peer, false);
        UNTIL(b, b->dones == 1);
        assert_int_equal(b->how, HTTP_REFUSED);
        assert_string_equal(b->why, "401 Unauthorized");
        assert_true(lws_now_usecs() - at < 1500000);
        assert_int_equal(b->heads, 0);
        raw_drop(&b->peer, false);
    }
}

static void no_http_at_all(void **state)
{
    struct bench *b = *state;
    static const char *const rows[] = {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "\r\n\r\n\r\n", "HTTP/1.1\r\n\r\n",
                                       "\x15\x03\x01\x00\x02\x02\x46 \r\n\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->dones = 0;
        assert_true(begin(b, &get_request));
        wait_request(b);
        raw_text(&b->peer, rows[i]);
        raw_drop(&b->peer, false);
        UNTIL(b, b->dones == 1);
        assert_int_equal(b->how, HTTP_LOST);
        assert_int_equal(b->heads, 0);
    }
}

static void a_header_without_an_end(void **state)
{
    struct bench *b = *state;
    static char line[1100];
    memset(line, 'x', sizeof line - 1);
    memcpy(line, "X-Long: ", 8);
    memcpy(line + sizeof line - 3, "\r\n", 2);
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nETag: \"");
    for (int i = 0; i < 40 && !b->dones; i++) {
        (void)send(b->peer.socket, line, sizeof line - 1, MSG_NOSIGNAL);
        turn_ms(b, 5);
    }
    ends(b, HTTP_LOST, NULL);
}

static void chunks(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    UNTIL(b, b->got_len == 5);
    raw_text(&b->peer, "6\r\n wo");
    turn_ms(b, 20);
    raw_text(&b->peer, "rld\r\n");
    UNTIL(b, b->got_len == 11);
    assert_int_equal(b->dones, 0);
    assert_int_equal(b->head.total, -1);
    raw_text(&b->peer, "0\r\n\r\n");
    ends(b, HTTP_DONE, "200");
    assert_memory_equal(b->got, "hello world", 11);
}

static void chunks_that_break(void **state)
{
    struct bench *b = *state;
    static const char *const rows[] = {"5\r\nhel",
                                       "5\r\nhello",
                                       "5\r\nhello\r\n",
                                       "x\r\n",
                                       "5\r\nhelloX\r\n0\r\n\r\n",
                                       "FFFFFFF5\r\nhello\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->dones = 0;
        b->got_len = 0;
        assert_true(begin(b, &get_request));
        wait_request(b);
        raw_text(&b->peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        raw_text(&b->peer, rows[i]);
        turn_ms(b, 20);
        raw_drop(&b->peer, false);
        UNTIL(b, b->dones == 1);
        if (b->how != HTTP_LOST)
            fail_msg("row %zu: ended as %d: %s", i, (int)b->how, b->why);
        assert_true(b->got_len <= 5);
    }
}

static void a_body_that_ends_with_the_connection(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.0 200 OK\r\n\r\nhello");
    UNTIL(b, b->got_len == 5);
    turn_ms(b, 30);
    assert_int_equal(b->dones, 0);
    raw_drop(&b->peer, false);
    ends(b, HTTP_DONE, "200");
    assert_int_equal(b->got_len, 5);
}

static void the_server_goes_in_mid_body(void **state)
{
    struct bench *b = *state;
    for (int reset = 0; reset < 2; reset++) {
        b->dones = 0;
        b->got_len = 0;
        assert_true(begin(b, &get_request));
        wait_request(b);
        raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
        UNTIL(b, b->got_len == 5);
        raw_drop(&b->peer, reset != 0);
        UNTIL(b, b->dones == 1);
        assert_int_equal(b->how, HTTP_LOST);
        assert_int_equal(b->got_len, 5);
    }
}

static void the_server_goes_before_the_answer(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_drop(&b->peer, false);
    ends(b, HTTP_LOST, NULL);
    assert_int_equal(b->heads, 0);
}

static void nobody_listens(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.url = "http://127.0.0.1:1/x"};
    assert_true(begin(b, &r));
    ends(b, HTTP_LOST, NULL);
    assert_true(b->why[0]);
}

static void more_than_announced(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello world");
    ends(b, HTTP_DONE, "200"); /* what comes after the end is not looked at */
    assert_memory_equal(b->got, "hello", 5);
    assert_int_equal(b->got_len, 5);
}

static void silence_ends_it(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.idle_timeout_s = 1};
    assert_true(begin(b, &r));
    wait_request(b);
    lws_usec_t asked = lws_now_usecs();
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    UNTIL(b, b->heads == 1);
    for (int i = 0; i < 6; i++) { /* slow, but never silent for a second */
        raw_text(&b->peer, "x");
        turn_ms(b, 400);
        assert_int_equal(b->dones, 0);
    }
    lws_usec_t quiet = lws_now_usecs();
    ends(b, HTTP_LOST, "no answer in time");
    assert_in_range(lws_now_usecs() - asked, 2400000, 6000000);
    assert_in_range(lws_now_usecs() - quiet, 300000, 2500000);
    assert_int_equal(b->got_len, 6);
}

static void bad_requests(void **state)
{
    struct bench *b = *state;
    static char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    const struct http_request rows[] = {
        {.url = "ftp://h/x"},
        {.url = "hub/x"},
        {.url = ""},
        {.url = "http://h\r\nX: y/"},
        {.user = longest, .password = "p"},
        {.user = "u", .password = longest},
        {.from = 1, .validator = longest},
        {.from = 1, .validator = "a\r\nX: y"},
        {.method = HTTP_PUT, .length = 1, .content_type = "a\nb"},
        {.method = HTTP_POST, .length = 1, .filename = longest},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->dones = 0;
        assert_true(begin(b, &rows[i]));
        if (b->dones != 1 || b->how != HTTP_BAD || !b->why[0])
            fail_msg("row %zu was taken", i);
    }
    turn_ms(b, 30);
    assert_int_equal(b->peer.accepted, 0);
}

static void credentials(void **state)
{
    struct bench *b = *state;
    char url[80];
    const struct http_request own = {.user = "CP1", .password = "s3cret"};
    assert_true(begin(b, &own));
    wait_request(b);
    expect_header(b, "Authorization", "Basic Q1AxOnMzY3JldA=="); /* CP1:s3cret */
    b->http.cancel(b->http.ctx);
    (void)snprintf(url, sizeof url, "http://me%%40home:p%%3aq@127.0.0.1:%d/x", b->peer.port);
    const struct http_request named = {.url = url};
    raw_drop(&b->peer, false);
    assert_true(begin(b, &named));
    wait_request(b);
    expect_header(b, "Authorization", "Basic bWVAaG9tZTpwOnE="); /* me@home:p:q */
    assert_int_equal(strncmp(b->request, "GET /x HTTP/1.1\r\n", 17), 0);
    b->http.cancel(b->http.ctx);
    const struct http_request both = {.url = url, .user = "CP1", .password = "s3cret"};
    raw_drop(&b->peer, false);
    assert_true(begin(b, &both));
    wait_request(b);
    expect_header(b, "Authorization", "Basic Q1AxOnMzY3JldA==");
    b->http.cancel(b->http.ctx);
    assert_int_equal(b->dones, 3);
}

/* ---- stopping ---- */

static void cancels(void **state)
{
    struct bench *b = *state;
    b->http.cancel(b->http.ctx); /* nothing to cancel */
    assert_int_equal(b->dones, 0);
    /* at once; on the way; with the request; in the header; in the body */
    for (int when = 0; when < 5; when++) {
        b->dones = 0;
        b->got_len = 0;
        assert_true(begin(b, &get_request));
        if (when == 1)
            turn(b);
        if (when >= 2)
            wait_request(b);
        if (when == 3)
            raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-");
        if (when == 4)
            raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
        if (when >= 3)
            turn_ms(b, 20);
        b->http.cancel(b->http.ctx);
        assert_int_equal(b->dones, 1);
        assert_int_equal(b->how, HTTP_CANCELLED);
        turn_ms(b, 30);
        if (when >= 2)
            UNTIL(b, b->peer.ended);
        raw_drop(&b->peer, false);
        turn_ms(b, 20);
        assert_int_equal(b->dones, 1);
    }
}

static void stops_from_within(void **state)
{
    struct bench *b = *state;
    b->stop_at_head = true;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    ends(b, HTTP_CANCELLED, NULL);
    assert_int_equal(b->pieces, 0);
    raw_drop(&b->peer, false);

    b->stop_at_head = false;
    b->cancel_at_body = b->again_when_done = true;
    b->dones = 0;
    assert_true(begin(b, &get_request));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    UNTIL(b, b->dones == 1);
    assert_int_equal(b->how, HTTP_CANCELLED);
    raw_drop(&b->peer, false);
    b->cancel_at_body = false; /* the next has been started from inside `done` */
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    UNTIL(b, b->dones == 2);
    assert_int_equal(b->how, HTTP_DONE);
    raw_drop(&b->peer, false);

    b->cancel_at_fill = true;
    b->dones = 0;
    b->give = 5;
    const struct http_request put = {.method = HTTP_PUT, .length = 5};
    assert_true(begin(b, &put));
    ends(b, HTTP_CANCELLED, NULL);
}

static void a_station_that_dies_hears_nothing(void **state)
{
    struct bench *b = *state;
    for (int blocked = 0; blocked < 2; blocked++) {
        assert_true(begin(b, &get_request));
        wait_request(b);
        raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
        UNTIL(b, b->got_len == 5);
        http_client_block(b->client, blocked != 0);
        http_client_reset(b->client);
        raw_text(&b->peer, " world");
        turn_ms(b, 50);
        assert_int_equal(b->got_len, 5);
        assert_int_equal(b->dones, 0);
        assert_int_equal(b->peer.ended, !blocked);
        http_client_block(b->client, false);
        UNTIL(b, b->peer.ended);
        raw_drop(&b->peer, false);
        b->got_len = 0;
        assert_true(begin(b, &get_request)); /* it is as new */
        wait_request(b);
        raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        UNTIL(b, b->dones == 1);
        b->dones = 0;
        raw_drop(&b->peer, false);
    }
}

static void a_pulled_cable(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.idle_timeout_s = 2};
    assert_true(begin(b, &r));
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
    UNTIL(b, b->got_len == 5);
    http_client_block(b->client, true);
    raw_text(&b->peer, " wor");
    turn_ms(b, 300);
    assert_int_equal(b->got_len, 5);
    http_client_block(b->client, false); /* a short interruption: it goes on */
    UNTIL(b, b->got_len == 9);
    http_client_block(b->client, true);
    ends(b, HTTP_LOST, "no answer in time");
    assert_false(b->peer.ended);
    b->dones = 0;
    assert_true(begin(b, &r));
    ends(b, HTTP_LOST, "no route to host");
    assert_int_equal(b->peer.accepted, 1);
    http_client_block(b->client, false);
    UNTIL(b, b->peer.ended);
}

/* ---- redirects ---- */

static void redirect(struct bench *b, int status, const char *location)
{
    char answer[400];
    wait_request(b);
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 %d Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, location);
    raw_text(&b->peer, answer);
    raw_drop(&b->peer, false);
}

static void follows_redirects(void **state)
{
    struct bench *b = *state;
    static const int statuses[] = {301, 302, 303, 307, 308};
    const struct http_request r = {.user = "CP1", .password = "s3cret", .from = 3, .validator = "\"v\""};
    char line[60], whole[80];
    assert_true(begin(b, &r));
    for (int i = 0; i < 5; i++) {
        (void)snprintf(line, sizeof line, "../%d", i);
        (void)snprintf(whole, sizeof whole, "http://127.0.0.1:%d/%d", b->peer.port, i);
        redirect(b, statuses[i], i % 2 ? whole : line);
    }
    wait_request(b);
    assert_int_equal(strncmp(b->request, "GET /4 HTTP/1.1\r\n", 17), 0);
    expect_header(b, "Authorization", "Basic Q1AxOnMzY3JldA=="); /* the same server throughout */
    expect_header(b, "Range", "bytes=3-");
    expect_header(b, "If-Range", "\"v\"");
    raw_text(&b->peer, "HTTP/1.1 206 OK\r\nContent-Range: bytes 3-4/5\r\nContent-Length: 2\r\n\r\nlo");
    ends(b, HTTP_DONE, "206");
    assert_int_equal(b->heads, 1);
    assert_int_equal(b->peer.accepted, 6);
}

static void a_circle(void **state)
{
    struct bench *b = *state;
    assert_true(begin(b, &get_request));
    for (int i = 0; i < 6; i++)
        redirect(b, 302, "/again");
    ends(b, HTTP_REFUSED, "302: redirected too often");
    assert_int_equal(b->peer.accepted, 6);
}

static void redirects_that_lead_nowhere(void **state)
{
    struct bench *b = *state;
    static const char *const rows[] = {"ftp://h/x", "http://", "http://h:0/x", "http://a\tb/"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->dones = 0;
        assert_true(begin(b, &get_request));
        redirect(b, 302, rows[i]);
        ends(b, HTTP_REFUSED, "302: redirected to no");
    }
}

static void another_server_does_not_learn_the_password(void **state)
{
    struct bench *b = *state;
    static struct raw_peer other;
    char location[80];
    const struct http_request r = {.user = "CP1", .password = "s3cret"};
    raw_open(&other);
    (void)snprintf(location, sizeof location, "http://127.0.0.1:%d/x", other.port);
    assert_true(begin(b, &r));
    redirect(b, 307, location);
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    bool came = false;
    while (!came && lws_now_usecs() < end) {
        turn(b);
        raw_pump(&other);
        came = raw_request(&other, b->request, sizeof b->request);
    }
    assert_true(came);
    expect_header(b, "Authorization", "");
    b->http.cancel(b->http.ctx);
    raw_close(&other);
}

static void a_put_is_sent_again_elsewhere(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT, .length = 5};
    b->give = 5;
    b->can_rewind = true;
    assert_true(begin(b, &r));
    wait_request(b);
    UNTIL(b, b->peer.in_len == 5);
    raw_text(&b->peer, "HTTP/1.1 307 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    UNTIL(b, b->peer.ended);
    raw_drop(&b->peer, false);
    wait_request(b);
    assert_int_equal(b->rewinds, 1);
    assert_int_equal(strncmp(b->request, "PUT /there HTTP/1.1\r\n", 21), 0);
    UNTIL(b, b->peer.in_len == 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(b->peer.in[i], pattern(i));
    b->can_rewind = false;
    raw_text(&b->peer, "HTTP/1.1 308 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    ends(b, HTTP_REFUSED, "308: redirected, but");
    raw_drop(&b->peer, false);
    b->dones = 0;
    b->given = 0;
    assert_true(begin(b, &r)); /* a 302 would make a GET of it */
    wait_request(b);
    raw_text(&b->peer, "HTTP/1.1 302 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    ends(b, HTTP_REFUSED, "302");
}

/* ---- PUT and POST ---- */

static void puts_much(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {
        .method = HTTP_PUT, .length = 200000, .content_type = "application/x-tar", .idle_timeout_s = 4};
    b->give = 200000;
    assert_true(begin(b, &r));
    wait_request(b);
    assert_int_equal(strncmp(b->request, "PUT /fw/image.bin?v=2 HTTP/1.1\r\n", 32), 0);
    expect_header(b, "Content-Length", "200000");
    expect_header(b, "Content-Type", "application/x-tar");
    expect_header(b, "Transfer-Encoding", "");
    UNTIL(b, b->peer.in_len == 200000);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(b->peer.in[i], pattern(i));
    assert_int_equal(b->dones, 0);
    raw_text(&b->peer, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
    ends(b, HTTP_DONE, "201 Created");
    assert_memory_equal(b->got, "ok", 2);
}

static void posts(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {
        .method = HTTP_POST, .length = 3, .content_type = "text/plain", .filename = "lo\"g.txt"};
    b->give = 3;
    assert_true(begin(b, &r));
    wait_request(b);
    assert_int_equal(strncmp(b->request, "POST ", 5), 0);
    expect_header(b, "Content-Disposition", "attachment; filename=\"lo_g.txt\"");
    UNTIL(b, b->peer.in_len == 3);
    raw_text(&b->peer, "HTTP/1.1 204 No Content\r\n\r\n");
    ends(b, HTTP_DONE, "204");
}

static void puts_nothing(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT};
    assert_true(begin(b, &r));
    wait_request(b);
    expect_header(b, "Content-Length", "0");
    raw_text(&b->peer, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    ends(b, HTTP_DONE, "201");
    assert_int_equal(b->fills, 0);
}

static void a_body_that_ends_early(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT, .length = 10};
    b->give = 4;
    assert_true(begin(b, &r));
    ends(b, HTTP_LOST, "the body ended early");
}

static void the_server_refuses_in_mid_body(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT, .length = 100000000, .idle_timeout_s = 4};
    int small = 4096;
    assert_int_equal(setsockopt(b->peer.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    b->give = 100000000;
    assert_true(begin(b, &r));
    UNTIL(b, b->peer.in_len > 100000);
    raw_text(&b->peer, "HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n");
    /* It reads no more: what was sent until now fills its buffers. */
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    while (!b->dones && lws_now_usecs() < end) {
        lws_sul_schedule(b->context, 0, &b->tick, on_tick, TICK_US);
        assert_true(lws_service(b->context, 0) >= 0);
    }
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->how, HTTP_REFUSED);
    assert_int_equal(strncmp(b->why, "413", 3), 0);
}

static void the_server_goes_while_we_send(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT, .length = 100000000, .idle_timeout_s = 4};
    b->give = 100000000;
    assert_true(begin(b, &r));
    UNTIL(b, b->peer.in_len > 100000);
    raw_drop(&b->peer, true);
    ends(b, HTTP_LOST, NULL);
}

static void a_slow_reader(void **state)
{
    struct bench *b = *state;
    const struct http_request r = {.method = HTTP_PUT, .length = 100000000, .idle_timeout_s = 1};
    b->give = 100000000;
    assert_true(begin(b, &r));
    UNTIL(b, b->peer.in_len > 100000);
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    while (!b->dones && lws_now_usecs() < end) { /* the peer reads no more */
        lws_sul_schedule(b->context, 0, &b->tick, on_tick, TICK_US);
        assert_true(lws_service(b->context, 0) >= 0);
    }
    assert_int_equal(b->dones, 1);
    assert_int_equal(b->how, HTTP_LOST);
}

/* ---- against web/server ---- */

struct site {
    char method[8], path[200], body[64];
    size_t body_len;
};

static void site_request(void *ctx, struct web_exchange *x, const struct web_request *r)
{
    struct site *s = ctx;
    (void)snprintf(s->method, sizeof s->method, "%s", r->method);
    (void)snprintf(s->path, sizeof s->path, "%s", r->path);
    (void)snprintf(s->body, sizeof s->body, "%s", r->body);
    s->body_len = r->body_len;
    if (strcmp(r->path, "/none") == 0)
        web_reply_error(x, 404, "nothing here");
    else
        web_reply(x, 200, "text/plain", "hello", 5);
}

static void our_own_server(void **state)
{
    struct bench *b = *state;
    struct site site = {{0}, {0}, {0}, 0};
    char err[200];
    const struct web_server_cfg cfg = {.host = "127.0.0.1"};
    const struct web_handlers h = {.ctx = &site, .request = site_request};
    struct web_server *s = web_server_open(b->context, &cfg, &h, err, sizeof err);
    assert_non_null(s);
    (void)snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d/a%%20b", web_server_port(s));
    assert_true(begin(b, &get_request));
    ends(b, HTTP_DONE, "200");
    assert_string_equal(site.path, "/a b");
    assert_memory_equal(b->got, "hello", 5);
    b->dones = 0;
    b->got_len = 0;
    b->give = 20;
    const struct http_request put = {.method = HTTP_PUT, .length = 20};
    assert_true(begin(b, &put));
    ends(b, HTTP_DONE, "200");
    assert_string_equal(site.method, "PUT");
    assert_int_equal(site.body_len, 20);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(site.body[i], pattern(i));
    b->dones = 0;
    (void)snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d/none", web_server_port(s));
    assert_true(begin(b, &get_request));
    ends(b, HTTP_REFUSED, "404 Not Found");
    web_server_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(gets),
        T(gets_much),
        T(an_empty_body),
        T(goes_on_where_it_was),
        T(a_range_that_is_not_taken),
        T(answers_that_are_refused),
        T(credentials_are_demanded),
        T(no_http_at_all),
        T(a_header_without_an_end),
        T(chunks),
        T(chunks_that_break),
        T(a_body_that_ends_with_the_connection),
        T(the_server_goes_in_mid_body),
        T(the_server_goes_before_the_answer),
        T(nobody_listens),
        T(more_than_announced),
        T(silence_ends_it),
        T(bad_requests),
        T(credentials),
        T(cancels),
        T(stops_from_within),
        T(a_station_that_dies_hears_nothing),
        T(a_pulled_cable),
        T(follows_redirects),
        T(a_circle),
        T(redirects_that_lead_nowhere),
        T(another_server_does_not_learn_the_password),
        T(a_put_is_sent_again_elsewhere),
        T(puts_much),
        T(posts),
        T(puts_nothing),
        T(a_body_that_ends_early),
        T(the_server_refuses_in_mid_body),
        T(the_server_goes_while_we_send),
        T(a_slow_reader),
        T(our_own_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
