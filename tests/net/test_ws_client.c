#include <libwebsockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ws_client.h"
#include "tests/net/raw_peer.h"

enum { TEXT_MAX = 32 * 1024, TICK_US = 2000, PATIENCE_MS = 4000 };

/* A client, what it told us, and the peer that it talks to. */
struct bench {
    struct lws_context *context;
    struct ws_client *client;
    struct transport transport;
    struct transport_up up;
    lws_sorted_usec_list_t tick;
    struct raw_peer peer;
    char url[80], request[4096];
    unsigned opened, closed, texts, writables, heards;
    char subprotocol[80], why[200], text[TEXT_MAX + 1];
    size_t text_len;
    bool reopen_when_closed;
    char taps[16]; /* directions, in order */
};

static void up_opened(void *ctx, const char *subprotocol)
{
    struct bench *b = ctx;
    b->opened++;
    (void)snprintf(b->subprotocol, sizeof b->subprotocol, "%s", subprotocol);
}

static void up_text(void *ctx, const char *text, size_t len)
{
    struct bench *b = ctx;
    b->texts++;
    assert_true(len <= TEXT_MAX);
    memcpy(b->text, text, len);
    b->text[len] = '\0';
    b->text_len = len;
}

static void up_heard(void *ctx)
{
    struct bench *b = ctx;
    b->heards++;
}

static void up_writable(void *ctx)
{
    struct bench *b = ctx;
    b->writables++;
}

static bool open_to(struct bench *b, const char *subprotocols, const char *password, uint32_t ping_s)
{
    const struct transport_target target = {.url = b->url,
                                            .user = password ? "CP1" : NULL,
                                            .password = password,
                                            .subprotocols = subprotocols,
                                            .ping_interval_s = ping_s};
    return b->transport.open(b->transport.ctx, &target, &b->up);
}

static void up_closed(void *ctx, const char *why)
{
    struct bench *b = ctx;
    b->closed++;
    (void)snprintf(b->why, sizeof b->why, "%s", why);
    if (b->reopen_when_closed) {
        b->reopen_when_closed = false;
        assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    }
}

static void on_tap(void *ctx, char dir, const char *text, size_t len)
{
    struct bench *b = ctx;
    size_t n = strlen(b->taps);
    (void)text;
    (void)len;
    if (n + 1 < sizeof b->taps)
        b->taps[n] = dir;
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
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    b->context = lws_create_context(&info);
    if (!b->context || !ws_client_add_vhost(b->context, NULL))
        return -1;
    b->client = ws_client_create(b->context, TEXT_MAX);
    ws_client_transport(b->client, &b->transport);
    ws_client_tap(b->client, on_tap, b);
    b->up = (struct transport_up){.ctx = b,
                                  .opened = up_opened,
                                  .text = up_text,
                                  .heard = up_heard,
                                  .writable = up_writable,
                                  .closed = up_closed};
    raw_open(&b->peer);
    (void)snprintf(b->url, sizeof b->url, "ws://127.0.0.1:%d/ocpp/CP1", b->peer.port);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    lws_sul_cancel(&b->tick);
    ws_client_destroy(b->client);
    lws_context_destroy(b->context);
    raw_close(&b->peer);
    free(b);
    return 0;
}

static void connect_up(struct bench *b)
{
    assert_true(open_to(b, "ocpp2.0.1,ocpp1.6", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_accept(&b->peer, b->request, "ocpp2.0.1");
    unsigned before = b->opened;
    UNTIL(b, b->opened == before + 1);
}

static void expect_frame(struct bench *b, int opcode, const char *payload)
{
    static char got[RAW_MAX];
    int op = -1;
    size_t len;
    UNTIL(b, raw_take(&b->peer, &op, got, sizeof got, &len));
    assert_int_equal(op, opcode);
    assert_string_equal(got, payload);
}

static void opens_and_talks(void **state)
{
    struct bench *b = *state;
    char value[200];
    assert_true(open_to(b, "ocpp2.0.1,ocpp1.6", "s3cret", 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    assert_int_equal(strncmp(b->request, "GET /ocpp/CP1 HTTP/1.1\r\n", 24), 0);
    raw_header(b->request, "Authorization", value, sizeof value);
    assert_string_equal(value, "Basic Q1AxOnMzY3JldA=="); /* CP1:s3cret */
    raw_header(b->request, "Sec-WebSocket-Protocol", value, sizeof value);
    assert_string_equal(value, "ocpp2.0.1,ocpp1.6");
    raw_header(b->request, "Host", value, sizeof value);
    char host[40];
    (void)snprintf(host, sizeof host, "127.0.0.1:%d", b->peer.port);
    assert_string_equal(value, host);
    assert_int_equal(b->opened, 0);
    raw_accept(&b->peer, b->request, "ocpp1.6");
    UNTIL(b, b->opened == 1);
    assert_string_equal(b->subprotocol, "ocpp1.6");

    assert_true(b->transport.send(b->transport.ctx, "[2,\"1\",\"Heartbeat\",{}]", 22));
    expect_frame(b, 1, "[2,\"1\",\"Heartbeat\",{}]");
    raw_frame(&b->peer, true, 1, "[3,\"1\",{}]", 10);
    UNTIL(b, b->texts == 1);
    assert_string_equal(b->text, "[3,\"1\",{}]");
    assert_true(b->heards > 0);
    assert_string_equal(b->taps, "><");
    assert_int_equal(b->closed, 0);
}

static void no_password_no_header(void **state)
{
    struct bench *b = *state;
    char value[100];
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_header(b->request, "Authorization", value, sizeof value);
    assert_string_equal(value, "");
}

static void server_without_subprotocol(void **state)
{
    struct bench *b = *state;
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_accept(&b->peer, b->request, "");
    UNTIL(b, b->opened == 1);
    assert_string_equal(b->subprotocol, "");
}

static void one_message_at_a_time(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    assert_true(b->transport.send(b->transport.ctx, "a", 1));
    assert_false(b->transport.send(b->transport.ctx, "b", 1));
    assert_int_equal(b->writables, 0);
    expect_frame(b, 1, "a");
    UNTIL(b, b->writables == 1);
    assert_true(b->transport.send(b->transport.ctx, "b", 1));
    expect_frame(b, 1, "b");
    turn_ms(b, 20);
    assert_int_equal(b->writables, 1); /* nobody was refused this time */
}

static void longest_message(void **state)
{
    struct bench *b = *state;
    char *text = malloc(TEXT_MAX + 2);
    memset(text, 'x', TEXT_MAX + 1);
    text[TEXT_MAX + 1] = '\0';
    connect_up(b);
    assert_false(b->transport.send(b->transport.ctx, text, TEXT_MAX + 1));
    text[TEXT_MAX] = '\0';
    assert_true(b->transport.send(b->transport.ctx, text, TEXT_MAX));
    expect_frame(b, 1, text);
    raw_frame(&b->peer, true, 1, text, TEXT_MAX);
    UNTIL(b, b->texts == 1);
    assert_int_equal(b->text_len, TEXT_MAX);
    assert_string_equal(b->text, text);
    free(text);
}

static void fragments_are_joined(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_frame(&b->peer, false, 1, "[3,", 3);
    turn_ms(b, 20);
    raw_frame(&b->peer, true, 9, "ping", 4); /* a control frame may come between */
    raw_frame(&b->peer, false, 0, "\"1\",", 4);
    turn_ms(b, 20);
    assert_int_equal(b->texts, 0);
    raw_frame(&b->peer, true, 0, "{}]", 3);
    UNTIL(b, b->texts == 1);
    assert_string_equal(b->text, "[3,\"1\",{}]");
    expect_frame(b, 10, "ping");
}

static void byte_by_byte(void **state)
{
    struct bench *b = *state;
    static const unsigned char frame[] = {0x81, 5, 'h', 'e', 'l', 'l', 'o'};
    connect_up(b);
    for (size_t i = 0; i < sizeof frame; i++) {
        raw_bytes(&b->peer, frame + i, 1);
        turn_ms(b, 3);
    }
    UNTIL(b, b->texts == 1);
    assert_string_equal(b->text, "hello");
}

/* Close code that the client gives, as the server sees it. */
static int close_code(struct bench *b)
{
    static char got[RAW_MAX];
    int op = -1;
    size_t len = 0;
    do
        UNTIL(b, raw_take(&b->peer, &op, got, sizeof got, &len));
    while (op != 8);
    assert_true(len >= 2);
    return (unsigned char)got[0] << 8 | (unsigned char)got[1];
}

static void too_long_is_1009(void **state)
{
    struct bench *b = *state;
    char *half = calloc(1, TEXT_MAX);
    memset(half, ' ', TEXT_MAX);
    connect_up(b);
    raw_frame(&b->peer, false, 1, half, TEXT_MAX);
    raw_frame(&b->peer, true, 0, half, 1);
    assert_int_equal(close_code(b), 1009);
    UNTIL(b, b->closed == 1);
    assert_string_equal(b->why, "message too long");
    assert_int_equal(b->texts, 0);
    free(half);
}

static void binary_is_refused(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_frame(&b->peer, true, 2, "\x00\x01", 2);
    assert_int_equal(close_code(b), 1003);
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->texts, 0);
}

static void bad_utf8_ends_it(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_frame(&b->peer, true, 1, "\"\xff\xfe\"", 4);
    assert_int_equal(close_code(b), 1007);
    raw_drop(&b->peer, false);
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->texts, 0);
}

static void rubbish_ends_it(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_text(&b->peer, "\xf7\x8bwhat is this, a WebSocket frame?");
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->texts, 0);
}

static void peer_says_why(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_frame(&b->peer, true, 8, "\x03\xe9going\naway", 12);
    UNTIL(b, b->closed == 1);
    assert_string_equal(b->why, "closed by peer: 1001 going.away");
    expect_frame(b, 8, "\x03\xe9going\naway"); /* RFC 6455 5.5.1: the code is echoed */
}

static void peer_vanishes(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    raw_drop(&b->peer, true);
    UNTIL(b, b->closed == 1);
    assert_false(b->transport.send(b->transport.ctx, "x", 1));
    connect_up(b); /* and again */
    assert_true(b->transport.send(b->transport.ctx, "x", 1));
    expect_frame(b, 1, "x");
}

static void reopening_from_closed(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    b->reopen_when_closed = true;
    raw_drop(&b->peer, false);
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_accept(&b->peer, b->request, "ocpp2.0.1");
    UNTIL(b, b->opened == 2);
    assert_int_equal(b->closed, 1);
}

static void nobody_listens(void **state)
{
    struct bench *b = *state;
    raw_close(&b->peer);
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    while (!b->closed && lws_now_usecs() < end) {
        lws_sul_schedule(b->context, 0, &b->tick, on_tick, TICK_US);
        assert_true(lws_service(b->context, 0) >= 0);
    }
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->opened, 0);
    assert_true(b->why[0]);
    raw_open(&b->peer);
}

static void unknown_host(void **state)
{
    struct bench *b = *state;
    (void)snprintf(b->url, sizeof b->url, "ws://no-such-host.invalid/x"); /* RFC 6761: never resolves */
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->opened, 0);
}

static void bad_address(void **state)
{
    struct bench *b = *state;
    (void)snprintf(b->url, sizeof b->url, "http://127.0.0.1/x");
    assert_false(open_to(b, "ocpp2.0.1", NULL, 0));
    turn_ms(b, 20);
    assert_int_equal(b->closed, 0);
}

static void refused_with(struct bench *b, const char *answer)
{
    assert_true(open_to(b, "ocpp2.0.1", "s3cret", 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_text(&b->peer, answer);
    UNTIL(b, b->closed == 1);
    turn_ms(b, 50);
    assert_int_equal(b->closed, 1);
    assert_int_equal(b->opened, 0);
    assert_int_equal(b->peer.accepted, 1); /* nothing was followed, nothing retried behind our back */
}

static void unauthorised(void **state)
{
    refused_with(*state, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
}

static void not_found(void **state)
{
    refused_with(*state, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

static void redirect_is_not_followed(void **state)
{
    struct bench *b = *state;
    char answer[200];
    (void)snprintf(
        answer, sizeof answer,
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/elsewhere\r\nContent-Length: 0\r\n\r\n",
        b->peer.port);
    refused_with(b, answer);
}

static void wrong_accept_key(void **state)
{
    refused_with(*state, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

static void subprotocol_never_offered(void **state)
{
    struct bench *b = *state;
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_accept(&b->peer, b->request, "soap");
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->opened, 0);
}

static void closes_politely(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    assert_true(b->transport.send(b->transport.ctx, "last words", 10));
    b->transport.close(b->transport.ctx, "restart");
    assert_false(b->transport.send(b->transport.ctx, "more", 4));
    expect_frame(b, 1, "last words"); /* what was taken is sent */
    expect_frame(b, 8, "\x03\xe8restart");
    raw_frame(&b->peer, true, 8, "\x03\xe8", 2);
    UNTIL(b, b->closed == 1);
    assert_string_equal(b->why, "restart");
}

static void closes_a_dead_peer_in_time(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    lws_usec_t start = lws_now_usecs();
    b->transport.close(b->transport.ctx, "nothing heard from the server");
    UNTIL(b, b->closed == 1); /* the peer answers no close frame */
    assert_true(lws_now_usecs() - start < 3 * LWS_USEC_PER_SEC);
    assert_string_equal(b->why, "nothing heard from the server");
}

static void closing_while_opening(void **state)
{
    struct bench *b = *state;
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    b->transport.close(b->transport.ctx, "enough");
    UNTIL(b, b->closed == 1);
    UNTIL(b, b->peer.ended);
    raw_drop(&b->peer, false);
    connect_up(b);
    assert_int_equal(b->closed, 1);
}

static void pings_and_hears(void **state)
{
    struct bench *b = *state;
    assert_true(open_to(b, "ocpp2.0.1", NULL, 1));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    raw_accept(&b->peer, b->request, "ocpp2.0.1");
    UNTIL(b, b->opened == 1);
    unsigned heard = b->heards;
    expect_frame(b, 9, "");
    turn_ms(b, 20);
    assert_int_equal(b->heards, heard);
    raw_frame(&b->peer, true, 10, "", 0);
    UNTIL(b, b->heards == heard + 1);
    expect_frame(b, 9, ""); /* and again, a second later */
    assert_int_equal(b->closed, 0);
}

static void cut_cable_passes_nothing(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    ws_client_block(b->client, true);
    size_t before = b->peer.total;
    assert_true(
        b->transport.send(b->transport.ctx, "up", 2)); /* into the socket's buffer, as far as one can know */
    assert_false(b->transport.send(b->transport.ctx, "up2", 3));
    raw_frame(&b->peer, true, 1, "down", 4);
    raw_frame(&b->peer, true, 9, "", 0);
    turn_ms(b, 200);
    assert_int_equal(b->peer.total, before);
    assert_int_equal(b->texts, 0);
    assert_int_equal(b->closed, 0);
    ws_client_block(b->client, false);
    UNTIL(b, b->texts == 1); /* TCP sends again what was lost */
    assert_string_equal(b->text, "down");
    static char got[RAW_MAX];
    bool ping = false, text = false;
    while (!ping || !text) {
        int op = -1;
        size_t len;
        UNTIL(b, raw_take(&b->peer, &op, got, sizeof got, &len));
        ping = ping || op == 10;
        text = text || (op == 1 && strcmp(got, "up") == 0);
    }
    UNTIL(b, b->writables == 1);
}

static void cut_cable_hides_the_end(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    ws_client_block(b->client, true);
    raw_drop(&b->peer, true);
    turn_ms(b, 200);
    assert_int_equal(b->closed, 0);
    assert_true(b->transport.send(b->transport.ctx, "x", 1)); /* still believes in it */
    ws_client_block(b->client, false);
    UNTIL(b, b->closed == 1);
}

static void giving_up_on_a_cut_cable_is_silent(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    ws_client_block(b->client, true);
    size_t before = b->peer.total;
    b->transport.close(b->transport.ctx, "nothing heard from the server");
    assert_int_equal(b->closed, 1);
    turn_ms(b, 300);
    assert_int_equal(b->peer.total, before);
    assert_false(b->peer.ended); /* not even a FIN */
    lws_usec_t start = lws_now_usecs();
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, b->closed == 2);
    assert_string_equal(b->why, "no route to host");
    assert_true(lws_now_usecs() - start > 500000);
    assert_false(b->peer.ended);
    ws_client_block(b->client, false);
    UNTIL(b, b->peer.ended);
    raw_drop(&b->peer, false);
    connect_up(b);
}

static void cut_while_opening(void **state)
{
    struct bench *b = *state;
    assert_true(open_to(b, "ocpp2.0.1", NULL, 0));
    UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
    ws_client_block(b->client, true);
    UNTIL(b, b->closed == 1);
    assert_int_equal(b->opened, 0);
    ws_client_block(b->client, false);
    raw_drop(&b->peer, true);
    connect_up(b);
}

static void power_cut_is_silent(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    ws_client_block(b->client, true);
    ws_client_reset(b->client);
    turn_ms(b, 200);
    assert_int_equal(b->closed, 0); /* nobody is left to be told */
    assert_false(b->peer.ended);
    ws_client_block(b->client, false);
    UNTIL(b, b->peer.ended);
    raw_drop(&b->peer, false);
    connect_up(b);
    assert_int_equal(b->closed, 0);
}

static void restart_drops_the_connection(void **state)
{
    struct bench *b = *state;
    connect_up(b);
    ws_client_reset(b->client);
    UNTIL(b, b->peer.ended);
    assert_int_equal(b->closed, 0);
}

static void destroyed_at_any_time(void **state)
{
    struct bench *b = *state;
    for (int step = 0; step < 5; step++) {
        assert_true(open_to(b, "ocpp2.0.1", NULL, 1));
        for (int i = 0; i < step; i++)
            turn(b);
        if (step == 4) {
            UNTIL(b, raw_request(&b->peer, b->request, sizeof b->request));
            raw_accept(&b->peer, b->request, "ocpp2.0.1");
            UNTIL(b, b->opened == 1);
            assert_true(b->transport.send(b->transport.ctx, "x", 1));
        }
        ws_client_destroy(b->client);
        turn_ms(b, 20);
        raw_drop(&b->peer, true);
        b->client = ws_client_create(b->context, TEXT_MAX);
        assert_non_null(b->client);
        ws_client_transport(b->client, &b->transport);
    }
    assert_int_equal(b->closed, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(opens_and_talks),
        T(no_password_no_header),
        T(server_without_subprotocol),
        T(one_message_at_a_time),
        T(longest_message),
        T(fragments_are_joined),
        T(byte_by_byte),
        T(too_long_is_1009),
        T(binary_is_refused),
        T(bad_utf8_ends_it),
        T(rubbish_ends_it),
        T(peer_says_why),
        T(peer_vanishes),
        T(reopening_from_closed),
        T(nobody_listens),
        T(unknown_host),
        T(bad_address),
        T(unauthorised),
        T(not_found),
        T(redirect_is_not_followed),
        T(wrong_accept_key),
        T(subprotocol_never_offered),
        T(closes_politely),
        T(closes_a_dead_peer_in_time),
        T(closing_while_opening),
        T(pings_and_hears),
        T(cut_cable_passes_nothing),
        T(cut_cable_hides_the_end),
        T(giving_up_on_a_cut_cable_is_silent),
        T(cut_while_opening),
        T(power_cut_is_silent),
        T(restart_drops_the_connection),
        T(destroyed_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
