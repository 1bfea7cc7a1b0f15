/* The HTTP and WebSocket server over loopback sockets, one thread: the client's waiting runs the server. */
#include "web/server.h"

#include "tests/web/raw_client.h"

#include <fcntl.h>
#include <libwebsockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_LEN = 100000 };

struct world {
    struct lws_context *context;
    struct web_server *server;
    int port;
    struct web_exchange *kept;
    int requests, aborted, opened, closed, texts;
    char method[16], path[300], query[300], user[80], password[80], offered[140];
    char *body, *text;
    size_t body_len, text_len;
    struct web_socket *socket;
    struct web_exchange *sink_exchange;
    uint64_t sink_length, sunk, sum, sink_room;
    int ends;
    bool whole, sink_says;
    char host[80], file[40];
    uint64_t file_claims; /* more than the file has */
};

static void idle(void *ctx)
{
    struct world *w = ctx;
    lws_service(w->context, -1);
}

static void on_request(void *ctx, struct web_exchange *x, const struct web_request *r)
{
    struct world *w = ctx;
    w->requests++;
    snprintf(w->method, sizeof(w->method), "%s", r->method);
    snprintf(w->path, sizeof(w->path), "%s", r->path);
    snprintf(w->query, sizeof(w->query), "%s", r->query);
    snprintf(w->host, sizeof(w->host), "%s", r->host);
    free(w->body);
    w->body = malloc(r->body_len + 1);
    memcpy(w->body, r->body, r->body_len + 1);
    w->body_len = r->body_len;
    if (strcmp(r->path, "/later") == 0) {
        w->kept = x;
        web_exchange_set_user(x, w);
        assert_ptr_equal(web_exchange_user(x), w);
    } else if (strcmp(r->path, "/big") == 0) {
        char *big = malloc(900000);
        memset(big, 'x', 900000);
        web_reply(x, 200, "text/plain", big, 900000);
        free(big);
    } else if (strcmp(r->path, "/file") == 0) {
        struct web_file f = {.fd = open(w->file, O_RDONLY | O_CLOEXEC),
                             .size = FILE_LEN + w->file_claims,
                             .content_type = "application/octet-stream",
                             .etag = "\"v1\"",
                             .name = "image.bin"};
        assert_true(f.fd >= 0);
        web_reply_file(x, &f);
    } else if (strcmp(r->path, "/bad") == 0) {
        web_reply_error(x, 409, "no \"%s\" \n here", "thing");
    } else {
        web_reply_json(x, 200, "{\"ok\":true}");
    }
}

static bool sink_data(void *ctx, const void *bytes, size_t len)
{
    struct world *w = ctx;
    assert_int_equal(w->ends, 0);
    assert_true(len > 0);
    for (size_t i = 0; i < len; i++)
        w->sum = w->sum * 31 + ((const unsigned char *)bytes)[i];
    w->sunk += len;
    if (w->sunk > w->sink_room) {
        if (w->sink_says)
            web_reply_error(w->sink_exchange, 507, "no room");
        return false;
    }
    return true;
}

static void sink_end(void *ctx, bool whole)
{
    struct world *w = ctx;
    w->ends++;
    w->whole = whole;
    if (whole)
        web_reply_json(w->sink_exchange, 201, "{}");
}

static enum web_taking on_body(void *ctx, struct web_exchange *x, const struct web_request *r,
                               uint64_t length, struct web_sink *sink)
{
    struct world *w = ctx;
    assert_int_equal(r->body_len, 0);
    assert_string_equal(r->body, "");
    if (strcmp(r->path, "/refused") == 0) {
        web_reply_error(x, 413, "not more than nothing");
        return WEB_ANSWERED;
    }
    if (strncmp(r->path, "/sink", 5) != 0)
        return WEB_IN_MEMORY;
    w->sink_length = length;
    w->sink_exchange = x;
    w->sunk = w->sum = 0;
    w->ends = 0;
    *sink = (struct web_sink){.ctx = w, .data = sink_data, .end = sink_end};
    return WEB_IN_PIECES;
}

static void on_aborted(void *ctx, struct web_exchange *x)
{
    struct world *w = ctx;
    assert_ptr_equal(x, w->kept);
    w->kept = NULL;
    w->aborted++;
}

static int on_accept(void *ctx, const struct web_ws_offer *offer, char *chosen, size_t cap)
{
    struct world *w = ctx;
    snprintf(w->offered, sizeof(w->offered), "%s", offer->subprotocols);
    snprintf(w->user, sizeof(w->user), "%s", offer->user ? offer->user : "-");
    snprintf(w->password, sizeof(w->password), "%s", offer->password ? offer->password : "-");
    chosen[0] = 0;
    if (strstr(offer->subprotocols, "two"))
        snprintf(chosen, cap, "two");
    return strcmp(offer->path, "/locked") == 0 ? 401 : strncmp(offer->path, "/ws", 3) == 0 ? 0 : 404;
}

static void on_open(void *ctx, struct web_socket *s, const char *path)
{
    struct world *w = ctx;
    w->opened++;
    w->socket = s;
    snprintf(w->path, sizeof(w->path), "%s", path);
    web_ws_set_user(s, w);
    if (strcmp(path, "/ws/unwanted") == 0)
        web_ws_close(s, 1002, "not you");
}

static void on_text(void *ctx, struct web_socket *s, const char *text, size_t len)
{
    struct world *w = ctx;
    assert_ptr_equal(web_ws_user(s), w);
    w->texts++;
    free(w->text);
    w->text = malloc(len + 1);
    memcpy(w->text, text, len + 1);
    w->text_len = len;
    if (len < 100)
        assert_true(web_ws_send(s, text, len));
}

static void on_closed(void *ctx, struct web_socket *s)
{
    struct world *w = ctx;
    w->closed++;
    if (w->socket == s)
        w->socket = NULL;
}

static struct web_handlers handlers(struct world *w)
{
    return (struct web_handlers){.ctx = w,
                                 .request = on_request,
                                 .body = on_body,
                                 .aborted = on_aborted,
                                 .ws_accept = on_accept,
                                 .ws_open = on_open,
                                 .ws_text = on_text,
                                 .ws_closed = on_closed};
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char err[300] = "";
    w->context = web_context_create();
    const struct web_handlers h = handlers(w);
    const struct web_server_cfg cfg = {.host = "127.0.0.1"};
    w->server = web_server_open(w->context, &cfg, &h, err, sizeof(err));
    if (!w->server)
        fail_msg("%s", err);
    w->port = web_server_port(w->server);
    assert_true(w->port > 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    web_server_close(w->server);
    lws_context_destroy(w->context);
    free(w->body);
    free(w->text);
    free(w);
    return 0;
}

static struct raw *client(struct world *w)
{
    struct raw *r = malloc(sizeof(*r));
    assert_true(raw_connect(r, w->port, idle, w));
    return r;
}

static void done(struct world *w, struct raw *r)
{
    raw_close(r);
    free(r);
    for (int i = 0; i < 20; i++)
        idle(w);
}

static void requests_on_one_connection(void **state)
{
    struct world *w = *state;
    struct raw *r = client(w);
    char out[2000];
    assert_int_equal(raw_http(r, "GET", "/a%20b?x=1&y=%2f", "", NULL, out, sizeof(out)), 200);
    assert_string_equal(out, "{\"ok\":true}");
    assert_string_equal(w->method, "GET");
    assert_string_equal(w->path, "/a b");
    assert_string_equal(w->query, "x=1&y=/");
    assert_int_equal(raw_http(r, "POST", "/p", "", "hello", out, sizeof(out)), 200);
    assert_string_equal(w->method, "POST");
    assert_string_equal(w->body, "hello");
    assert_int_equal(raw_http(r, "POST", "/p", "", "", out, sizeof(out)), 200);
    assert_int_equal(w->body_len, 0);
    assert_int_equal(raw_http(r, "PUT", "/p", "", "{}", out, sizeof(out)), 200);
    assert_string_equal(w->method, "PUT");
    assert_int_equal(raw_http(r, "DELETE", "/p", "", NULL, out, sizeof(out)), 200);
    assert_string_equal(w->method, "DELETE");
    assert_int_equal(raw_http(r, "GET", "/bad", "", NULL, out, sizeof(out)), 409);
    assert_string_equal(out, "{\"error\":\"no \\\"thing\\\" \\u000a here\"}");
    assert_int_equal(w->requests, 6);
    char *big = malloc(1000000);
    assert_int_equal(raw_http(r, "GET", "/big", "", NULL, big, 1000000), 200);
    assert_int_equal(strlen(big), 900000);
    memset(big, 'b', 999999);
    big[999999] = 0;
    assert_int_equal(raw_http(r, "POST", "/p", "", big, out, sizeof(out)), 200);
    assert_int_equal(w->body_len, 999999);
    assert_memory_equal(w->body, big, 999999);
    free(big);
    done(w, r);
}

static void bad_requests(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"POST /p HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
        {"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", 413},
        {"POST /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: 127.evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:81\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403},
        {"GET / HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200},
        {"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400},
        {"GET /ws HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
         403},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct raw *r = client(w);
        char headers[2000], body[2000];
        assert_true(raw_text(r, rows[i].request));
        int status = raw_response(r, headers, sizeof(headers), body, sizeof(body));
        if (status != rows[i].status)
            fail_msg("row %zu: %d, wanted %d", i, status, rows[i].status);
        if (status >= 400 && status != 405)
            assert_non_null(strstr(body, "{\"error\":\""));
        done(w, r);
    }
    /* rubbish, and upgrades to what nobody knows, end the connection and hurt nobody */
    static const char *const rubbish[] = {
        "\x16\x03\x01\x02",
        "GET\r\n\r\n",
        "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
        struct raw *r = client(w);
        raw_text(r, rubbish[i]);
        for (int k = 0; k < 20; k++)
            idle(w);
        done(w, r);
    }
    struct raw *r = client(w);
    char out[200];
    assert_int_equal(raw_http(r, "GET", "/", "", NULL, out, sizeof(out)), 200);
    done(w, r);
}

/* RFC 9112 6.3: a request without Content-Length and Transfer-Encoding has no body. */
static void no_length_is_no_body(void **state)
{
    struct world *w = *state;
    static const char *const requests[] = {
        "POST /p?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "PUT /big HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST /later HTTP/1.1\r\nHost: localhost\r\n\r\n",
        /* what comes after is not taken for a request, nor for a body */
        "POST /p HTTP/1.1\r\nHost: localhost\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    static char body[1000000];
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct raw *r = client(w);
        char headers[2000];
        int before = w->requests;
        assert_true(raw_text(r, requests[i]));
        while (w->requests == before)
            idle(w);
        assert_int_equal(w->body_len, 0);
        if (i == 2) {
            for (int k = 0; k < 50; k++)
                idle(w);
            web_reply_json(w->kept, 200, "{}");
            w->kept = NULL;
        }
        assert_int_equal(raw_response(r, headers, sizeof(headers), body, sizeof(body)), 200);
        assert_non_null(strstr(headers, "onnection: close"));
        assert_int_equal(strlen(body), i == 1 ? 900000 : i == 2 ? 2 : 11);
        assert_int_equal(raw_response(r, headers, sizeof(headers), body, sizeof(body)), 0); /* closed */
        assert_int_equal(w->requests, before + 1);
        done(w, r);
    }
    /* with a length the connection goes on, as ever */
    struct raw *r = client(w);
    for (int k = 0; k < 2; k++)
        assert_int_equal(raw_http(r, "POST", "/p", "", "", body, sizeof(body)), 200);
    done(w, r);
}

static void answers_may_come_later(void **state)
{
    struct world *w = *state;
    struct raw *a = client(w), *b = client(w);
    char headers[2000], body[2000];
    assert_true(raw_text(a, "POST /later HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi"));
    while (!w->kept)
        idle(w);
    assert_int_equal(raw_http(b, "GET", "/now", "", NULL, body, sizeof(body)), 200);
    web_reply_json(w->kept, 202, "[1]");
    web_reply_json(w->kept, 500, "[2]"); /* the first counts */
    assert_int_equal(raw_response(a, headers, sizeof(headers), body, sizeof(body)), 202);
    assert_string_equal(body, "[1]");
    w->kept = NULL;
    /* the asker goes away */
    assert_true(raw_text(a, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (!w->kept)
        idle(w);
    raw_reset(a);
    for (int i = 0; i < 50; i++)
        idle(w);
    if (w->kept) /* libwebsockets does not look at the socket while it waits for us */
        web_reply_json(w->kept, 200, "{}");
    w->kept = NULL;
    done(w, a);
    /* the asker stops sending, and still gets its answer */
    a = client(w);
    assert_true(raw_text(a, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (!w->kept)
        idle(w);
    raw_stop_sending(a);
    for (int i = 0; i < 50; i++)
        idle(w);
    web_reply_json(w->kept, 200, "[3]");
    assert_int_equal(raw_response(a, headers, sizeof(headers), body, sizeof(body)), 200);
    assert_string_equal(body, "[3]");
    done(w, a);
    done(w, b);
}

static void websocket_subprotocols(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *path, *header;
        int status;
        const char *answer; /* in the headers, or "!" + must not be */
    } rows[] = {
        {"/ws", "", 101, "!Sec-WebSocket-Protocol"},
        {"/ws/a", "Sec-WebSocket-Protocol: one, two\r\n", 101, "Sec-WebSocket-Protocol: two\r\n"},
        {"/ws/a", "Sec-WebSocket-Protocol: one\r\n", 101, "!Sec-WebSocket-Protocol"},
        {"/ws/a", "Sec-WebSocket-Protocol: one,two\r\nSec-WebSocket-Protocol: three\r\n", 101,
         "Sec-WebSocket-Protocol: two\r\n"},
        {"/elsewhere", "", 404, ""},
        {"/locked", "", 401, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct raw *r = client(w);
        char headers[3000];
        int status = raw_upgrade(r, rows[i].path, rows[i].header, headers, sizeof(headers));
        if (status != rows[i].status)
            fail_msg("row %zu: %d", i, status);
        if (status == 101) {
            assert_non_null(strstr(headers, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            if (rows[i].answer[0] == '!')
                assert_null(strstr(headers, rows[i].answer + 1));
            else
                assert_non_null(strstr(headers, rows[i].answer));
            assert_string_equal(w->path, rows[i].path);
        }
        done(w, r);
    }
    assert_int_equal(w->opened, 4);
    assert_int_equal(w->closed, 4);
    struct raw *r = client(w);
    char headers[3000];
    assert_int_equal(
        raw_upgrade(r, "/ws", "Authorization: Basic Q1AxOmZvbzpiYXI=\r\n", headers, sizeof(headers)), 101);
    assert_string_equal(w->user, "CP1");
    assert_string_equal(w->password, "foo:bar");
    done(w, r);
}

static void websocket_messages(void **state)
{
    struct world *w = *state;
    struct raw *r = client(w);
    char out[3000];
    size_t len;
    assert_int_equal(raw_upgrade(r, "/ws", "", out, sizeof(out)), 101);
    assert_true(raw_frame(r, 1, true, "hello", 5));
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 1);
    assert_string_equal(out, "hello");
    /* in pieces, with a ping between */
    assert_true(raw_frame(r, 1, false, "one ", 4) && raw_frame(r, 9, true, "?", 1) &&
                raw_frame(r, 0, false, "", 0) && raw_frame(r, 0, true, "two", 3));
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 10);
    assert_string_equal(out, "?");
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 1);
    assert_string_equal(out, "one two");
    /* long */
    char *big = malloc(WEB_WS_TEXT_MAX + 1);
    memset(big, 'y', WEB_WS_TEXT_MAX + 1);
    assert_true(raw_frame(r, 1, true, big, WEB_WS_TEXT_MAX));
    for (int i = 0; i < 1000 && w->texts < 3; i++)
        idle(w);
    assert_int_equal(w->text_len, WEB_WS_TEXT_MAX);
    /* what the server sends is whole, in order, and waits for a slow reader */
    for (int i = 0; i < 3; i++) {
        memset(big, 'a' + i, 100000);
        assert_true(web_ws_send(w->socket, big, 100000));
    }
    assert_true(web_ws_queued(w->socket) > 0);
    char *got = malloc(200000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(raw_next(r, got, 200000, &len), 1);
        assert_int_equal(len, 100000);
        assert_int_equal(got[0], 'a' + i);
        assert_int_equal(got[99999], 'a' + i);
    }
    free(got);
    /* what was queued before the close still comes */
    assert_true(web_ws_send(w->socket, "last", 4));
    web_ws_close(w->socket, 1000, "enough");
    assert_false(web_ws_send(w->socket, "later", 5));
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 1);
    assert_string_equal(out, "last");
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 8);
    assert_int_equal((unsigned char)out[0] << 8 | (unsigned char)out[1], 1000);
    assert_string_equal(out + 2, "enough");
    done(w, r);
    for (int i = 0; i < 100 && !w->closed; i++)
        idle(w);
    assert_int_equal(w->closed, 1);

    /* too long, binary, and not UTF-8 */
    static const int codes[] = {1009, 1003, 1007};
    for (int i = 0; i < 3; i++) {
        r = client(w);
        assert_int_equal(raw_upgrade(r, "/ws", "", out, sizeof(out)), 101);
        if (i == 0)
            raw_frame(r, 1, true, big, WEB_WS_TEXT_MAX + 1);
        else
            raw_frame(r, i == 1 ? 2 : 1, true, "\xff\xfe", 2);
        int op = raw_next(r, out, sizeof(out), &len);
        if (op == 8)
            assert_int_equal((unsigned char)out[0] << 8 | (unsigned char)out[1], codes[i]);
        else
            assert_int_equal(op, -2);
        done(w, r);
    }
    free(big);
    r = client(w);
    assert_int_equal(raw_upgrade(r, "/ws/unwanted", "Sec-WebSocket-Protocol: one\r\n", out, sizeof(out)),
                     101);
    assert_int_equal(raw_next(r, out, sizeof(out), &len), 8);
    assert_int_equal((unsigned char)out[0] << 8 | (unsigned char)out[1], 1002);
    done(w, r);
    int closed = w->closed;
    assert_int_equal(closed, w->opened);
}

static void a_peer_that_does_not_read_is_dropped(void **state)
{
    struct world *w = *state;
    struct raw *r = client(w);
    char out[3000], *big = calloc(1, 100000);
    memset(big, 'z', 100000);
    assert_int_equal(raw_upgrade(r, "/ws", "", out, sizeof(out)), 101);
    int sent = 0;
    while (w->socket && sent < 1000 && web_ws_send(w->socket, big, 100000)) {
        sent++;
        idle(w);
    }
    assert_in_range(sent, 10, 200);
    for (int i = 0; i < 100 && w->socket; i++)
        idle(w);
    assert_int_equal(w->closed, 1);
    free(big);
    done(w, r);
}

static unsigned char file_byte(size_t i)
{
    return (unsigned char)(33 + i * 7 % 90); /* printable: the client gives strings */
}

static void file_make(struct world *w)
{
    static unsigned char bytes[FILE_LEN];
    for (size_t i = 0; i < FILE_LEN; i++)
        bytes[i] = file_byte(i);
    snprintf(w->file, sizeof(w->file), "/tmp/web-file-XXXXXX");
    int fd = mkstemp(w->file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, FILE_LEN), FILE_LEN);
    close(fd);
}

static void files_and_parts_of_them(void **state)
{
    struct world *w = *state;
    struct raw *r = client(w);
    static char body[FILE_LEN + 1000];
    char headers[2000], request[400];
    static const struct {
        const char *extra;
        int status;
        size_t from, len;
        const char *range;
    } rows[] = {
        {"", 200, 0, FILE_LEN, ""},
        {"Range: bytes=0-\r\n", 206, 0, FILE_LEN, "bytes 0-99999/100000"},
        {"Range: bytes=70000-\r\n", 206, 70000, 30000, "bytes 70000-99999/100000"},
        {"Range: bytes=5-9\r\n", 206, 5, 5, "bytes 5-9/100000"},
        {"Range: Bytes=99999-\r\n", 206, 99999, 1, "bytes 99999-99999/100000"},
        {"Range: bytes=5-999999999\r\n", 206, 5, FILE_LEN - 5, "bytes 5-99999/100000"},
        {"Range: bytes=-10\r\n", 206, 99990, 10, "bytes 99990-99999/100000"},
        {"Range: bytes=-200000\r\n", 206, 0, FILE_LEN, "bytes 0-99999/100000"},
        {"Range: bytes=100000-\r\n", 416, 0, 0, "bytes */100000"},
        {"Range: bytes=-0\r\n", 416, 0, 0, "bytes */100000"},
        {"Range: bytes=9-5\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=a-\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=-\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=5\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=1-2-3\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=0-1,4-5\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=99999999999999999999-\r\n", 200, 0, FILE_LEN, ""},
        {"Range: lines=1-\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=5-9\r\nIf-Range: \"v1\"\r\n", 206, 5, 5, "bytes 5-9/100000"},
        {"Range: bytes=5-9\r\nIf-Range: \"v0\"\r\n", 200, 0, FILE_LEN, ""},
        {"Range: bytes=5-9\r\nIf-Range: Sun, 22 Nov 2026 16:00:00 GMT\r\n", 200, 0, FILE_LEN, ""},
    };
    file_make(w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(request, sizeof(request), "GET /file HTTP/1.1\r\nHost: localhost:1\r\n%s\r\n",
                 rows[i].extra);
        assert_true(raw_text(r, request));
        int status = raw_response(r, headers, sizeof(headers), body, sizeof(body));
        if (status != rows[i].status || strlen(body) != rows[i].len)
            fail_msg("row %zu: %d, %zu bytes", i, status, strlen(body));
        for (size_t k = 0; k < rows[i].len; k++)
            assert_int_equal(body[k], file_byte(rows[i].from + k));
        assert_non_null(strstr(headers, "etag: \"v1\"\r\n"));
        assert_non_null(strstr(headers, "accept-ranges: bytes\r\n"));
        assert_non_null(strstr(headers, "content-disposition: attachment; filename=\"image.bin\"\r\n"));
        const char *range = strstr(headers, "content-range: ");
        assert_int_equal(range != NULL, rows[i].range[0] != 0);
        if (range)
            assert_memory_equal(range + 15, rows[i].range, strlen(rows[i].range));
    }
    assert_string_equal(w->host, "localhost:1");

    /* Only the head; the connection goes on. */
    assert_true(raw_text(r, "HEAD /file HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (!(r->buf[r->len] = 0, strstr(r->buf, "\r\n\r\n"))) {
        idle(w);
        ssize_t n = recv(r->fd, r->buf + r->len, 1000, MSG_DONTWAIT);
        r->len += n > 0 ? (size_t)n : 0;
    }
    assert_non_null(strstr(r->buf, "content-length: 100000\r\n"));
    assert_int_equal(strlen(strstr(r->buf, "\r\n\r\n")), 4);
    r->len = 0;
    assert_int_equal(raw_http(r, "GET", "/", "", NULL, body, sizeof(body)), 200);

    /* The file has become shorter than it was said to be. */
    w->file_claims = 50000;
    assert_true(raw_text(r, "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_int_equal(raw_response(r, headers, sizeof(headers), body, sizeof(body)), 0);
    unlink(w->file);
    done(w, r);
}

static void bodies_in_pieces(void **state)
{
    struct world *w = *state;
    struct raw *r = client(w);
    char out[300];
    enum { MUCH = 5000000 };
    static unsigned char much[MUCH];
    uint64_t sum = 0;
    for (size_t i = 0; i < MUCH; i++) {
        much[i] = (unsigned char)(i * 2654435761u >> 13);
        sum = sum * 31 + much[i];
    }
    w->sink_room = UINT64_MAX;
    assert_true(raw_text(r, "PUT /sink/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"));
    assert_true(raw_send(r, much, MUCH));
    assert_int_equal(raw_response(r, out, sizeof(out), out, sizeof(out)), 201);
    assert_int_equal(w->sink_length, MUCH);
    assert_int_equal(w->sunk, MUCH);
    assert_true(w->sum == sum);
    assert_true(w->ends == 1 && w->whole);
    /* a small one, whole in one packet with its header, on the same connection; one that stays in memory */
    assert_int_equal(raw_http(r, "POST", "/sink", "", "abc", out, sizeof(out)), 201);
    assert_int_equal(w->sunk, 3);
    assert_int_equal(raw_http(r, "POST", "/p", "", "hello", out, sizeof(out)), 200);
    assert_string_equal(w->body, "hello");
    assert_int_equal(raw_http(r, "POST", "/sink", "", "", out, sizeof(out)), 200); /* no body, no sink */

    /* No room: said at once or not, and what follows is thrown away. */
    for (int says = 0; says < 2; says++) {
        w->sink_room = 1000;
        w->sink_says = says;
        assert_true(raw_text(r, "PUT /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"));
        assert_true(raw_send(r, much, MUCH));
        assert_int_equal(raw_response(r, out, sizeof(out), out, sizeof(out)), says ? 507 : 500);
        assert_true(w->ends == 1 && !w->whole);
        assert_int_equal(raw_http(r, "GET", "/", "", NULL, out, sizeof(out)), 200); /* it goes on */
    }
    /* Refused before it comes. */
    assert_true(raw_text(r, "PUT /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"));
    assert_int_equal(raw_response(r, out, sizeof(out), out, sizeof(out)), 413);
    assert_string_equal(out, "{\"error\":\"not more than nothing\"}");
    assert_true(raw_send(r, much, MUCH));
    assert_int_equal(raw_http(r, "GET", "/", "", NULL, out, sizeof(out)), 200);

    /* It goes away in the middle. */
    w->sink_room = UINT64_MAX;
    assert_true(raw_text(r, "PUT /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"));
    assert_true(raw_send(r, much, 100000));
    done(w, r);
    for (int i = 0; i < 200 && !w->ends; i++)
        idle(w);
    assert_true(w->ends == 1 && !w->whole);
    /* Still too much for memory. */
    r = client(w);
    assert_true(raw_text(r, "PUT /p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n\r\n"));
    assert_int_equal(raw_response(r, out, sizeof(out), out, sizeof(out)), 413);
    done(w, r);
}

static void two_servers_in_one_context(void **state)
{
    struct world *w = *state;
    char err[300] = "", out[300];
    const struct web_handlers h = handlers(w);
    const struct web_server_cfg cfg = {.host = "localhost", .cors = true};
    struct web_server *other = web_server_open(w->context, &cfg, &h, err, sizeof(err));
    assert_non_null(other);
    assert_int_not_equal(web_server_port(other), w->port);
    int first = w->port;
    w->port = web_server_port(other);
    struct raw *r = client(w);
    assert_int_equal(raw_http(r, "GET", "/", "Origin: http://elsewhere.example\r\n", NULL, out, sizeof(out)),
                     200);
    assert_int_equal(
        raw_http(r, "OPTIONS", "/", "Origin: http://elsewhere.example\r\n", NULL, out, sizeof(out)), 204);
    /* open at both, then one closes under a connection and a waiting request */
    assert_true(raw_text(r, "GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (!w->kept)
        idle(w);
    web_server_close(other);
    w->kept = NULL;
    done(w, r);
    assert_int_equal(w->aborted, 0); /* nothing is said after close */
    w->port = first;
    r = client(w);
    assert_int_equal(raw_http(r, "GET", "/", "", NULL, out, sizeof(out)), 200);
    done(w, r);

    const struct web_server_cfg taken = {.host = "127.0.0.1", .port = first},
                                nowhere = {.host = "192.0.2.1", .port = 0},
                                wrong = {.host = "127.0.0.1", .port = 70000};
    assert_null(web_server_open(w->context, &taken, &h, err, sizeof(err)));
    assert_non_null(strstr(err, "in use"));
    assert_null(web_server_open(w->context, &nowhere, &h, err, sizeof(err)));
    assert_null(web_server_open(w->context, &wrong, &h, err, sizeof(err)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_on_one_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(no_length_is_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_may_come_later, setup, teardown),
        cmocka_unit_test_setup_teardown(websocket_subprotocols, setup, teardown),
        cmocka_unit_test_setup_teardown(websocket_messages, setup, teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_does_not_read_is_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(files_and_parts_of_them, setup, teardown),
        cmocka_unit_test_setup_teardown(bodies_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(two_servers_in_one_context, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
