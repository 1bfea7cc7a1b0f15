#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_url.h"

static void good(void **state)
{
    static const struct {
        const char *text;
        bool tls;
        unsigned port;
        const char *authority, *path, *user, *password;
    } rows[] = {
        {"http://hub/fw/a.bin", false, 80, "hub", "/fw/a.bin", "", ""},
        {"HTTPS://hub.example.com:8443/a?b=c#d", true, 8443, "hub.example.com:8443", "/a?b=c", "", ""},
        {"https://h", true, 443, "h", "/", "", ""},
        {"http://u:p@h:8887/x", false, 8887, "h:8887", "/x", "u", "p"},
        {"http://u@h/x", false, 80, "h", "/x", "u", ""},
        {"http://u:@h/x", false, 80, "h", "/x", "u", ""},
        {"http://me%40home:p%3a%25q@h/x@y", false, 80, "h", "/x@y", "me@home", "p:%q"},
        {"http://u:p:q@[::1]:1/x", false, 1, "[::1]:1", "/x", "u", "p:q"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_url u;
        if (!http_url_parse(rows[i].text, &u))
            fail_msg("%s was refused", rows[i].text);
        assert_int_equal(u.at.tls, rows[i].tls);
        assert_int_equal(u.at.port, rows[i].port);
        assert_string_equal(u.at.authority, rows[i].authority);
        assert_string_equal(u.at.path, rows[i].path);
        assert_string_equal(u.user, rows[i].user);
        assert_string_equal(u.password, rows[i].password);
        assert_int_equal(u.named, rows[i].user[0] != 0);
    }
}

static void bad(void **state)
{
    static const char *const rows[] = {
        "",
        "ftp://h/x",
        "ws://h/x",
        "http:/h",
        "http://",
        "http:///x",
        "http://@h/x",
        "http://:p@h/x",
        "http://u:p@/x",
        "http://a@b@h/x",
        "http://u%0d%0aX:p@h/",
        "http://u%0:p@h/",
        "http://u%@h/",
        "http://u%g1@h/",
        "http://h:0/",
        "http://h:99999/",
        "http://h /",
        "http://h/a b",
        "http://h/\r\nX: y",
    };
    struct http_url u;
    char text[1200];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (http_url_parse(rows[i], &u))
            fail_msg("%s was taken", rows[i]);
    assert_false(http_url_parse(NULL, &u));
    memset(text, 'a', sizeof text);
    memcpy(text, "http://h/", 9);
    text[8 + WS_URL_PATH_MAX] = '\0';
    assert_true(http_url_parse(text, &u));
    text[8 + WS_URL_PATH_MAX] = 'a';
    text[9 + WS_URL_PATH_MAX] = '\0';
    assert_false(http_url_parse(text, &u));
    (void)snprintf(text, sizeof text, "http://%0*d@h/", HTTP_USER_MAX, 1);
    assert_true(http_url_parse(text, &u));
    (void)snprintf(text, sizeof text, "http://%0*d@h/", HTTP_USER_MAX + 1, 1);
    assert_false(http_url_parse(text, &u));
}

static void follows(void **state)
{
    static const struct {
        const char *base, *location;
        enum http_follow how;
        bool tls;
        const char *authority, *path;
    } rows[] = {
        {"http://h:1/a/b?q", "/c?d", HTTP_FOLLOW, false, "h:1", "/c?d"},
        {"http://h:1/a/b?q=/x", "c", HTTP_FOLLOW, false, "h:1", "/a/c"},
        {"http://h:1/a/b", "?x=1", HTTP_FOLLOW, false, "h:1", "/a/b?x=1"},
        {"http://h:1/a/b/c", "../d", HTTP_FOLLOW, false, "h:1", "/a/d"},
        {"http://h:1/a", "../../../d", HTTP_FOLLOW, false, "h:1", "/d"},
        {"http://h:1/a/b", "./", HTTP_FOLLOW, false, "h:1", "/a/"},
        {"http://h:1/a/b/c", "..", HTTP_FOLLOW, false, "h:1", "/a/"},
        {"http://h:1/a", "/b/./c/../d?e=../f", HTTP_FOLLOW, false, "h:1", "/b/d?e=../f"},
        {"http://h:1/a", "/...", HTTP_FOLLOW, false, "h:1", "/..."},
        {"http://h:1/a", "//other/x", HTTP_FOLLOW, false, "other", "/x"},
        {"https://h/a", "//other/x", HTTP_FOLLOW, true, "other", "/x"},
        {"http://h:1/a", "https://other:2/x#y", HTTP_FOLLOW, true, "other:2", "/x"},
        {"https://h/a", "http://h/a", HTTP_UNSAFE, false, "h", "/a"},
        {"http://h/a", "", HTTP_NO_FOLLOW, false, "", ""},
        {"http://h/a", "ftp://h/a", HTTP_NO_FOLLOW, false, "", ""},
        {"http://h/a", "javascript:alert(1)", HTTP_NO_FOLLOW, false, "", ""},
        {"http://h/a", "http://", HTTP_NO_FOLLOW, false, "", ""},
        {"http://h/a", "b c", HTTP_NO_FOLLOW, false, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_url base, u;
        assert_true(http_url_parse(rows[i].base, &base));
        enum http_follow how = http_url_follow(&base, rows[i].location, &u);
        if (how != rows[i].how)
            fail_msg("%s from %s gives %d", rows[i].location, rows[i].base, (int)how);
        if (how == HTTP_NO_FOLLOW)
            continue;
        assert_int_equal(u.at.tls, rows[i].tls);
        assert_string_equal(u.at.authority, rows[i].authority);
        assert_string_equal(u.at.path, rows[i].path);
    }
}

static void same_server(void **state)
{
    struct http_url a, b;
    (void)state;
    assert_true(http_url_parse("http://h/a", &a) && http_url_parse("http://H:80/b", &b));
    assert_true(http_url_same_server(&a, &b));
    assert_true(http_url_parse("http://h:81/a", &b));
    assert_false(http_url_same_server(&a, &b));
    assert_true(http_url_parse("https://h:80/a", &b));
    assert_false(http_url_same_server(&a, &b));
    assert_true(http_url_parse("http://h2/a", &b));
    assert_false(http_url_same_server(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(bad),
        cmocka_unit_test(follows),
        cmocka_unit_test(same_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
