/* Memory that a reset and a killed process leave alone and a loss of power does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/retained_file.h"

static struct retained_file *open_it(const char *path)
{
    char err[200] = "";
    struct retained_file *f = retained_file_open(path, err, sizeof err);
    if (!f)
        fail_msg("%s", err);
    assert_int_equal((uintptr_t)retained_file_memory(f) % 8, 0);
    return f;
}

static void path_make(char *path)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void kept_while_powered(void **state)
{
    (void)state;
    char path[] = "/tmp/retained-XXXXXX";
    path_make(path);
    struct retained_file *f = open_it(path);
    assert_false(retained_file_powered(f));
    retained_file_power(f, true, 0);
    memset(retained_file_memory(f), 0x5A, PORT_RETAINED_BYTES);
    retained_file_close(f); /* as a killed process: nobody said that the power went */

    unsigned char same[PORT_RETAINED_BYTES];
    memset(same, 0x5A, sizeof same);
    f = open_it(path);
    assert_true(retained_file_powered(f));
    assert_memory_equal(retained_file_memory(f), same, sizeof same);

    retained_file_power(f, false, 77);
    retained_file_close(f);
    f = open_it(path);
    assert_false(retained_file_powered(f));
    const unsigned char *now = retained_file_memory(f);
    unsigned kept = 0;
    for (size_t i = 0; i < PORT_RETAINED_BYTES; i++)
        kept += now[i] == 0x5A;
    assert_true(kept < PORT_RETAINED_BYTES / 64); /* of noise one byte in 256 */
    retained_file_close(f);
    unlink(path);
}

static void what_is_no_image_is_made_anew(void **state)
{
    (void)state;
    char path[] = "/tmp/retained-XXXXXX";
    path_make(path);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    fputs("short", out);
    fclose(out);
    struct retained_file *f = open_it(path);
    assert_false(retained_file_powered(f));
    retained_file_close(f);
    unlink(path);
}

static void what_cannot_be_opened_is_said(void **state)
{
    (void)state;
    char err[200] = "";
    assert_null(retained_file_open("/nowhere/at/all", err, sizeof err));
    assert_non_null(strstr(err, "/nowhere/at/all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_while_powered),
        cmocka_unit_test(what_is_no_image_is_made_anew),
        cmocka_unit_test(what_cannot_be_opened_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
