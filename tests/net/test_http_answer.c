#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_answer.h"

static void bodies(void **state)
{
    static const struct {
        int status;
        const char *length, *range, *encoding;
        uint64_t from;
        enum http_end how;
        int64_t body, total;
        uint64_t first;
        bool chunked;
    } rows[] = {
        {200, "10", "", "", 0, HTTP_DONE, 10, 10, 0, false},
        {200, "0", "", "", 0, HTTP_DONE, 0, 0, 0, false},
        {200, "", "", "", 0, HTTP_DONE, -1, -1, 0, false},
        {200, "", "", "Chunked", 0, HTTP_DONE, -1, -1, 0, true},
        {200, "10", "", "", 5, HTTP_DONE, 10, 10, 0, false}, /* the range was not taken */
        {201, "", "", "", 0, HTTP_DONE, -1, -1, 0, false},
        {204, "", "", "", 0, HTTP_DONE, 0, -1, 0, false},
        {204, "7", "", "", 0, HTTP_DONE, 0, -1, 0, false},
        {206, "5", "bytes 5-9/10", "", 5, HTTP_DONE, 5, 10, 5, false},
        {206, "", "Bytes 5-9/*", "", 5, HTTP_DONE, 5, -1, 5, false},
        {206, "", "bytes 5-9/10", "chunked", 5, HTTP_DONE, 5, 10, 5, true},
        {206, "3", "bytes 5-7/10", "", 5, HTTP_DONE, 3, 10, 5, false}, /* less than there is */
        {206, "", "", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes 4-8/10", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes 5-9/9", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes 5-4/10", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes */10", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "lines 5-9/10", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes 5-9", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes 5-9/10x", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "5", "bytes -5-9/10", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "10", "bytes 0-9/10", "", 0, HTTP_REFUSED, 0, 0, 0, false}, /* not asked for */
        {206, "", "bytes 5-9223372036854775807/*", "", 5, HTTP_REFUSED, 0, 0, 0, false},
        {206, "4", "bytes 5-9/10", "", 5, HTTP_LOST, 0, 0, 0, false},
        {200, "ten", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "-1", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "1,1", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "?", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "9223372036854775807", "", "", 0, HTTP_DONE, INT64_MAX, INT64_MAX, 0, false},
        {200, "9223372036854775808", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "99999999999999999999999", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "5", "", "chunked", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "", "", "gzip", 0, HTTP_LOST, 0, 0, 0, false},
        {200, "", "", "gzip, chunked", 0, HTTP_LOST, 0, 0, 0, false},
        {304, "", "", "", 0, HTTP_REFUSED, 0, 0, 0, false},
        {404, "9", "", "", 0, HTTP_REFUSED, 0, 0, 0, false},
        {416, "9", "bytes */10", "", 12, HTTP_REFUSED, 0, 0, 0, false},
        {503, "", "", "", 0, HTTP_REFUSED, 0, 0, 0, false},
        {100, "", "", "", 0, HTTP_LOST, 0, 0, 0, false},
        {0, "", "", "", 0, HTTP_LOST, 0, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct http_answer a = {
            rows[i].status, rows[i].length, rows[i].range, rows[i].encoding, "", ""};
        struct http_extent e;
        const char *why = NULL;
        enum http_end how = http_answer_read(&a, rows[i].from, &e, &why);
        if (how != rows[i].how)
            fail_msg("row %zu: %d, %s", i, (int)how, why);
        assert_non_null(why);
        if (how != HTTP_DONE)
            continue;
        assert_int_equal(e.length, rows[i].body);
        assert_int_equal(e.head.total, rows[i].total);
        assert_int_equal(e.head.from, rows[i].first);
        assert_int_equal(e.chunked, rows[i].chunked);
    }
}

static void validators(void **state)
{
    static char longest[HTTP_VALIDATOR_MAX + 1], longer[HTTP_VALIDATOR_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = longest[HTTP_VALIDATOR_MAX - 1] = '"';
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = longer[HTTP_VALIDATOR_MAX] = '"';
    static const char date[] = "Sun, 22 Nov 2026 16:00:00 GMT";
    const struct {
        const char *etag, *modified, *expect;
    } rows[] = {
        {"\"abc\"", date, "\"abc\""}, {"W/\"abc\"", date, date}, {"W/\"abc\"", "", ""},
        {"abc", date, date},          {"\"", date, date},        {"", "", ""},
        {longest, "", longest},       {longer, date, date},      {"\"a\nb\"", date, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct http_answer a = {200, "1", "", "", rows[i].etag, rows[i].modified};
        struct http_extent e;
        const char *why;
        assert_int_equal(http_answer_read(&a, 0, &e, &why), HTTP_DONE);
        assert_string_equal(e.head.validator, rows[i].expect);
    }
}

static void names(void **state)
{
    char text[HTTP_STATUS_TEXT_MAX];
    (void)state;
    http_status_text(416, text);
    assert_string_equal(text, "416 Range Not Satisfiable");
    http_status_text(599, text);
    assert_string_equal(text, "599");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(validators),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
