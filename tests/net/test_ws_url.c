#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/ws_url.h"

static void good(void **state)
{
    static const struct {
        const char *text;
        bool tls;
        unsigned port;
        const char *host, *authority, *path;
    } rows[] = {
        {"ws://hub/ocpp/CP1", false, 80, "hub", "hub", "/ocpp/CP1"},
        {"ws://hub:8887/ocpp/CP1", false, 8887, "hub", "hub:8887", "/ocpp/CP1"},
        {"wss://csms.example.com/a?b=c", true, 443, "csms.example.com", "csms.example.com", "/a?b=c"},
        {"wss://csms.example.com:443/", true, 443, "csms.example.com", "csms.example.com", "/"},
        {"ws://h:443", false, 443, "h", "h:443", "/"},
        {"ws://h?x", false, 80, "h", "h", "/?x"},
        {"WS://H/p#fragment", false, 80, "H", "H", "/p"},
        {"ws://[::1]:8887/x", false, 8887, "::1", "[::1]:8887", "/x"},
        {"ws://[fe80::2]/x", false, 80, "fe80::2", "[fe80::2]", "/x"},
        {"ws://10.0.2.2:1/a%20b", false, 1, "10.0.2.2", "10.0.2.2:1", "/a%20b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ws_url u;
        if (!ws_url_parse(rows[i].text, &u))
            fail_msg("%s was refused", rows[i].text);
        assert_int_equal(u.tls, rows[i].tls);
        assert_int_equal(u.port, rows[i].port);
        assert_string_equal(u.host, rows[i].host);
        assert_string_equal(u.authority, rows[i].authority);
        assert_string_equal(u.path, rows[i].path);
    }
}

static void bad(void **state)
{
    static const char *const rows[] = {
        "",
        "hub:8887/ocpp",
        "http://hub/ocpp",
        "ws:/hub",
        "ws://",
        "ws:///path",
        "ws://:80/x",
        "ws://h:/x",
        "ws://h:0/x",
        "ws://h:65536/x",
        "ws://h:123456/x",
        "ws://h:8x/x",
        "ws://user:secret@h/x",
        "ws://[::1/x",
        "ws://[::1]x/",
        "ws://[]/x",
        "ws://h/a b",
        "ws://h/a\r\nEvil: 1",
        "ws://h\x7f/",
    };
    (void)state;
    struct ws_url u;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ws_url_parse(rows[i], &u))
            fail_msg("%s was taken", rows[i]);
    assert_false(ws_url_parse(NULL, &u));
}

static void limits(void **state)
{
    char text[1000];
    struct ws_url u;
    (void)state;
    (void)snprintf(text, sizeof text, "ws://%0*d/", WS_URL_HOST_MAX, 1);
    assert_true(ws_url_parse(text, &u));
    assert_int_equal(strlen(u.host), WS_URL_HOST_MAX);
    (void)snprintf(text, sizeof text, "ws://%0*d/", WS_URL_HOST_MAX + 1, 1);
    assert_false(ws_url_parse(text, &u));
    (void)snprintf(text, sizeof text, "ws://[%0*d]:65535/", WS_URL_HOST_MAX, 1);
    assert_true(ws_url_parse(text, &u));
    assert_int_equal(strlen(u.authority), sizeof u.authority - 1);
    (void)snprintf(text, sizeof text, "ws://h/%0*d", WS_URL_PATH_MAX - 1, 1);
    assert_true(ws_url_parse(text, &u));
    assert_int_equal(strlen(u.path), WS_URL_PATH_MAX);
    (void)snprintf(text, sizeof text, "ws://h/%0*d", WS_URL_PATH_MAX, 1);
    assert_false(ws_url_parse(text, &u));
    (void)snprintf(text, sizeof text, "ws://h?%0*d", WS_URL_PATH_MAX - 2, 1);
    assert_true(ws_url_parse(text, &u));
    (void)snprintf(text, sizeof text, "ws://h?%0*d", WS_URL_PATH_MAX - 1, 1);
    assert_false(ws_url_parse(text, &u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad),
                                       cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
