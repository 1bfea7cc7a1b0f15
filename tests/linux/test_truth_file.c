/* What the world has delivered, over processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/truth_file.h"

struct record {
    int64_t closed, opened;
    double wh;
};

static uint64_t read_back(const char *path, struct record *r, size_t n)
{
    char magic[8];
    uint64_t count = 0;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(magic, sizeof magic, 1, f), 1);
    assert_memory_equal(magic, "ECSTRUTH", 8);
    assert_int_equal(fread(&count, sizeof count, 1, f), 1);
    assert_int_equal(fread(r, sizeof *r, n, f), n);
    fclose(f);
    return count;
}

static struct truth_file *open_it(const char *path)
{
    char err[200] = "";
    struct truth_file *f = truth_file_open(path, err, sizeof err);
    if (!f)
        fail_msg("%s", err);
    return f;
}

static void a_record_for_each_closing(void **state)
{
    (void)state;
    char path[] = "/tmp/truth-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct truth_file *f = open_it(path);
    truth_file_now(f, false, 0);
    truth_file_now(f, true, 0.25); /* what had flowed before is not this one's */
    truth_file_now(f, true, 2.25);
    struct record r[3];
    assert_int_equal(read_back(path, r, 3), 1); /* up to date at any instant, as a kill would find it */
    assert_float_equal(r[0].wh, 2, 1e-9);
    assert_true(r[0].closed > 0 && r[0].opened == 0);
    truth_file_now(f, false, 2.5);
    truth_file_now(f, false, 2.5);
    truth_file_now(f, true, 2.5);
    truth_file_now(f, true, 4);
    truth_file_close(f); /* a kill: it was closed to the last */

    f = open_it(path);
    truth_file_now(f, true, 1); /* a new world begins to count anew */
    truth_file_now(f, true, 8);
    truth_file_close(f);
    assert_int_equal(read_back(path, r, 3), 3);
    assert_float_equal(r[0].wh, 2.25, 1e-9);
    assert_true(r[0].opened >= r[0].closed);
    assert_float_equal(r[1].wh, 1.5, 1e-9);
    assert_int_equal(r[1].opened, 0);
    assert_float_equal(r[2].wh, 7, 1e-9);
    unlink(path);
}

static void when_full_the_last_takes_the_rest(void **state)
{
    (void)state;
    char path[] = "/tmp/truth-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct truth_file *f = open_it(path);
    for (unsigned i = 0; i < TRUTH_FILE_RECORDS + 10; i++) {
        truth_file_now(f, true, i);
        truth_file_now(f, false, i + 1);
    }
    truth_file_close(f);
    static struct record r[TRUTH_FILE_RECORDS];
    assert_int_equal(read_back(path, r, TRUTH_FILE_RECORDS), TRUTH_FILE_RECORDS);
    assert_float_equal(r[0].wh, 1, 1e-9);
    assert_float_equal(r[TRUTH_FILE_RECORDS - 1].wh, 11, 1e-9);
    unlink(path);
}

static void what_cannot_be_opened_is_said(void **state)
{
    (void)state;
    char err[200] = "";
    assert_null(truth_file_open("/nowhere/at/all", err, sizeof err));
    assert_non_null(strstr(err, "/nowhere/at/all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_for_each_closing),
        cmocka_unit_test(when_full_the_last_takes_the_rest),
        cmocka_unit_test(what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
