#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/frame_log.h"

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = calloc(1, 100000);
    assert_non_null(f);
    assert_true(fread(text, 1, 99999, f) > 0);
    fclose(f);
    return text;
}

static void lines(void **state)
{
    char path[] = "/tmp/frame-log-XXXXXX";
    (void)state;
    close(mkstemp(path));
    struct frame_log *l = frame_log_open(path);
    assert_non_null(l);
    static const char ok[] = "[2,\"a\",\"Heartbeat\",{}]", broken_lines[] = "[3,\n \"a\",\r\n {} ]\n";
    static const char not_json[] = "[2,\"a\xc3\xa4\x01\"\\", control[] = "[\"a\nb\"]", nul[] = "[1]\0[2]",
                      two[] = "[1][2]";
    frame_log_event(l, 1500000, "CP1", "open");
    frame_log_frame(l, 1500001, "CP1", '>', ok, sizeof ok - 1);
    frame_log_frame(l, 2000000, "CP1", '<', broken_lines, sizeof broken_lines - 1);
    frame_log_frame(l, 2000000, "CP1", '<', not_json, sizeof not_json - 1);
    frame_log_frame(l, 2000000, "CP1", '<', control, sizeof control - 1);
    frame_log_frame(l, 2000000, "CP1", '<', nul, sizeof nul - 1);
    frame_log_frame(l, 2000000, "CP1", '<', two, sizeof two - 1);
    frame_log_frame(l, 2000000, "CP1", '<', "", 0);
    frame_log_event(l, 123456789012, "CP1", "close");
    char *text = slurp(path); /* flushed although still open */
    static const char *const expected[] = {
        "{\"t\":1.500000,\"station\":\"CP1\",\"event\":\"open\"}",
        "{\"t\":1.500001,\"station\":\"CP1\",\"dir\":\">\",\"frame\":[2,\"a\",\"Heartbeat\",{}]}",
        "{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\",\"frame\":[3,  \"a\",   {} ] }",
        ("{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\","
         "\"frame\":\"[2,\\\"a\\u00c3\\u00a4\\u0001\\\"\\\\\"}"),
        "{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\",\"frame\":\"[\\\"a\\u000ab\\\"]\"}",
        "{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\",\"frame\":\"[1]\\u0000[2]\"}",
        "{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\",\"frame\":\"[1][2]\"}",
        "{\"t\":2.000000,\"station\":\"CP1\",\"dir\":\"<\",\"frame\":\"\"}",
        "{\"t\":123456.789012,\"station\":\"CP1\",\"event\":\"close\"}",
    };
    size_t n = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save), n++) {
        assert_true(n < sizeof expected / sizeof expected[0]);
        assert_string_equal(line, expected[n]);
        cJSON *json = cJSON_Parse(line);
        assert_true(cJSON_IsObject(json));
        cJSON_Delete(json);
    }
    assert_int_equal(n, sizeof expected / sizeof expected[0]);
    assert_int_equal(frame_log_close(l), 0);
    free(text);
    unlink(path);
}

static void cannot_write(void **state)
{
    (void)state;
    assert_null(frame_log_open("/nonexistent/log"));
    struct frame_log *l = frame_log_open("/dev/full");
    assert_non_null(l);
    frame_log_event(l, 0, "CP1", "open");
    assert_int_equal(frame_log_close(l), -1);
    frame_log_event(NULL, 0, "CP1", "open"); /* no log asked for: nothing happens */
    frame_log_frame(NULL, 0, "CP1", '>', "[]", 2);
    assert_int_equal(frame_log_close(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(cannot_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
