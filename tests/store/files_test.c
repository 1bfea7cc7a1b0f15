/* The emulated flash and the settings file by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/flash_file.h"
#include "linux/kv_file.h"

struct rig {
    char folder[40], path[80], err[200];
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    if (!r)
        return -1;
    strcpy(r->folder, "/tmp/store-test-XXXXXX");
    if (!mkdtemp(r->folder))
        return -1;
    snprintf(r->path, sizeof r->path, "%s/file", r->folder);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    static const char *const ends[] = {"", ".old", ".new"};
    for (int i = 0; i < 3; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s%s", r->path, ends[i]);
        (void)unlink(name);
    }
    int rc = rmdir(r->folder);
    free(r);
    return rc;
}

static void spoil(const char *path, long at, int xor)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_not_equal(c, EOF);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(c ^ xor, f), EOF);
    assert_int_equal(fclose(f), 0);
}

static void test_flash_behaves_like_flash(void **state)
{
    struct rig *r = *state;
    for (int in_file = 0; in_file < 2; in_file++) {
        struct flash_file *f = flash_file_open(in_file ? r->path : NULL, 4 * 4096, r->err, sizeof r->err);
        assert_non_null(f);
        struct port_flash p;
        uint8_t b[600], got[600];
        flash_file_port(f, &p);
        assert_int_equal(p.size, 4 * 4096);
        assert_int_equal(p.read(p.ctx, 4096, got, 600), PORT_OK);
        for (int i = 0; i < 600; i++)
            assert_int_equal(got[i], 0xFF);
        for (int i = 0; i < 600; i++)
            b[i] = (uint8_t)i;
        assert_int_equal(p.program(p.ctx, 4096 + 100, b, 600), PORT_OK);
        assert_int_equal(flash_file_ops(f), 3); /* pages 0..255, 256..511, 512..699 */
        assert_int_equal(p.read(p.ctx, 4096 + 100, got, 600), PORT_OK);
        assert_memory_equal(b, got, 600);
        uint8_t zero = 0, one = 0x01;
        assert_int_equal(p.program(p.ctx, 4096 + 101, &zero, 1), PORT_OK);
        assert_int_equal(p.program(p.ctx, 4096 + 101, &one, 1), PORT_ERR_IO); /* sets a bit */
        assert_int_equal(p.read(p.ctx, 4096 + 101, got, 1), PORT_OK);
        assert_int_equal(got[0], 0);
        assert_int_equal(p.erase(p.ctx, 4096 + 1, 4096), PORT_ERR_RANGE);
        assert_int_equal(p.erase(p.ctx, 4096, 100), PORT_ERR_RANGE);
        assert_int_equal(p.erase(p.ctx, 4 * 4096, 4096), PORT_ERR_RANGE);
        assert_int_equal(p.program(p.ctx, 4 * 4096 - 1, b, 2), PORT_ERR_RANGE);
        assert_int_equal(p.read(p.ctx, UINT32_MAX, b, 2), PORT_ERR_RANGE);
        assert_int_equal(p.erase(p.ctx, 4096, 8192), PORT_OK);
        assert_int_equal(p.read(p.ctx, 4096 + 100, got, 600), PORT_OK);
        for (int i = 0; i < 600; i++)
            assert_int_equal(got[i], 0xFF);
        struct flash_file_stats s;
        flash_file_stats(f, &s);
        assert_true(s.refused >= 5);
        assert_int_equal(s.wear_max, 1);
        assert_int_equal(s.wear_sum, 2);
        flash_file_close(f);
    }
    flash_file_close(NULL);
}

static void test_flash_file_stays(void **state)
{
    struct rig *r = *state;
    struct port_flash p;
    struct flash_file *f = flash_file_open(r->path, 2 * 4096, r->err, sizeof r->err);
    assert_non_null(f);
    flash_file_port(f, &p);
    assert_int_equal(p.erase(p.ctx, 0, 4096), PORT_OK);
    assert_int_equal(p.erase(p.ctx, 0, 4096), PORT_OK);
    assert_int_equal(p.program(p.ctx, 5000, "hello", 5), PORT_OK);
    /* another process can't have it */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(flash_file_open(r->path, 2 * 4096, NULL, 0) ? 1 : 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    flash_file_close(f);

    char got[5];
    f = flash_file_open(r->path, 2 * 4096, r->err, sizeof r->err);
    assert_non_null(f);
    flash_file_port(f, &p);
    assert_int_equal(p.read(p.ctx, 5000, got, 5), PORT_OK);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(flash_file_wear(f, 0), 2);
    assert_int_equal(flash_file_wear(f, 1), 0);
    flash_file_close(f);

    assert_null(flash_file_open(r->path, 3 * 4096, r->err, sizeof r->err));
    assert_null(flash_file_open(r->path, 4096, r->err, sizeof r->err));
    assert_non_null(strstr(r->err, "not a flash file"));
    assert_null(flash_file_open(r->path, 100, r->err, sizeof r->err));
    assert_null(flash_file_open("/nowhere/at/all", 4096, r->err, sizeof r->err));
    FILE *other = fopen(r->path, "w");
    assert_non_null(other);
    fputs("something else of mine", other);
    assert_int_equal(fclose(other), 0);
    assert_null(flash_file_open(r->path, 2 * 4096, r->err, sizeof r->err));
}

static void test_cuts(void **state)
{
    (void)state;
    struct flash_file *f = flash_file_open(NULL, 4096, NULL, 0);
    assert_non_null(f);
    struct port_flash p;
    uint8_t zeros[100] = {0}, got[100];
    unsigned done[FLASH_FILE_TEARS];
    flash_file_port(f, &p);
    for (int tear = 0; tear < FLASH_FILE_TEARS; tear++) {
        flash_file_power(f, true, false);
        assert_int_equal(p.erase(p.ctx, 0, 4096), PORT_OK);
        flash_file_tear(f, (enum flash_file_tear)tear, 30);
        flash_file_cut_after(f, 1);
        assert_int_equal(p.program(p.ctx, 0, zeros, 100), PORT_OK);
        assert_false(flash_file_is_cut(f));
        assert_int_equal(p.program(p.ctx, 512, zeros, 100), PORT_ERR_IO);
        assert_true(flash_file_is_cut(f));
        assert_int_equal(p.program(p.ctx, 1024, zeros, 100), PORT_ERR_IO);
        assert_int_equal(p.erase(p.ctx, 0, 4096), PORT_ERR_IO);
        assert_int_equal(p.read(p.ctx, 0, got, 100), PORT_ERR_IO);
        flash_file_power(f, true, false);
        assert_int_equal(p.read(p.ctx, 0, got, 100), PORT_OK);
        assert_memory_equal(got, zeros, 100);
        assert_int_equal(p.read(p.ctx, 1024, got, 100), PORT_OK);
        assert_int_equal(got[0], 0xFF);
        assert_int_equal(p.read(p.ctx, 512, got, 100), PORT_OK);
        done[tear] = 0;
        for (int i = 0; i < 100; i++)
            for (int bit = 0; bit < 8; bit++)
                done[tear] += !(got[i] >> bit & 1);
        if (tear == FLASH_FILE_BYTES) {
            assert_int_equal(got[29], 0);
            assert_int_equal(got[31], 0xFF);
        }
    }
    assert_int_equal(done[FLASH_FILE_NOTHING], 0);
    assert_int_equal(done[FLASH_FILE_WHOLE], 800);
    assert_in_range(done[FLASH_FILE_BYTES], 240, 248);
    assert_in_range(done[FLASH_FILE_BITS], 300, 500);
    assert_in_range(done[FLASH_FILE_SPAN], 1, 799);
    flash_file_power(f, false, false);
    assert_int_equal(p.read(p.ctx, 0, got, 1), PORT_ERR_IO);
    flash_file_power(f, true, false);
    flash_file_power(f, false, true);
    assert_int_equal(p.program(p.ctx, 2048, zeros, 100), PORT_ERR_IO);
    assert_true(flash_file_is_cut(f));
    flash_file_close(f);
}

static void test_kv_keeps(void **state)
{
    struct rig *r = *state;
    struct port_kv p;
    char value[PORT_KV_VALUE_MAX + 1], got[PORT_KV_VALUE_MAX];
    size_t len;
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (char)i; /* any bytes, line feeds too */
    struct kv_file *kv = kv_file_open(r->path, r->err, sizeof r->err);
    assert_non_null(kv);
    assert_int_equal(kv_file_found(kv), KV_FILE_NEW);
    kv_file_port(kv, &p);
    assert_int_equal(p.get(p.ctx, "a", got, sizeof got, &len), PORT_ERR_NOT_FOUND);
    assert_int_equal(p.set(p.ctx, "a", value, PORT_KV_VALUE_MAX), PORT_OK);
    assert_int_equal(p.set(p.ctx, "fifteen_letters", "", 0), PORT_OK);
    assert_int_equal(p.set(p.ctx, "b", "one", 3), PORT_OK);
    assert_int_equal(p.set(p.ctx, "b", "three", 5), PORT_OK);
    assert_int_equal(p.set(p.ctx, "sixteen__letters", "x", 1), PORT_ERR_RANGE);
    assert_int_equal(p.set(p.ctx, "", "x", 1), PORT_ERR_RANGE);
    assert_int_equal(p.set(p.ctx, "a b", "x", 1), PORT_ERR_RANGE);
    assert_int_equal(p.set(p.ctx, "c", value, PORT_KV_VALUE_MAX + 1), PORT_ERR_RANGE);
    kv_file_close(kv);
    struct stat st;
    assert_int_equal(stat(r->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600); /* there are passwords in it */

    kv = kv_file_open(r->path, r->err, sizeof r->err);
    assert_non_null(kv);
    assert_int_equal(kv_file_found(kv), KV_FILE_GOOD);
    kv_file_port(kv, &p);
    assert_int_equal(p.get(p.ctx, "a", got, sizeof got, &len), PORT_OK);
    assert_int_equal(len, PORT_KV_VALUE_MAX);
    assert_memory_equal(got, value, len);
    assert_int_equal(p.get(p.ctx, "fifteen_letters", got, sizeof got, &len), PORT_OK);
    assert_int_equal(len, 0);
    assert_int_equal(p.get(p.ctx, "b", got, 2, &len), PORT_ERR_RANGE);
    assert_int_equal(p.get(p.ctx, "b", got, sizeof got, &len), PORT_OK);
    assert_memory_equal(got, "three", 5);
    assert_int_equal(p.erase_all(p.ctx), PORT_OK);
    assert_int_equal(p.get(p.ctx, "b", got, sizeof got, &len), PORT_ERR_NOT_FOUND);
    kv_file_close(kv);
    kv_file_close(NULL);
    assert_null(kv_file_open("/nowhere/at/all", r->err, sizeof r->err));
}

/* Each byte of the newest file spoilt: the copy before it is taken, and that is said. Both spoilt: empty, and
 * that is said; either way it can be written again. */
static void test_kv_falls_back(void **state)
{
    struct rig *r = *state;
    struct port_kv p;
    char old[100], got[10];
    size_t len;
    snprintf(old, sizeof old, "%s.old", r->path);
    for (long at = 0;; at++) {
        struct kv_file *kv = kv_file_open(r->path, r->err, sizeof r->err);
        assert_non_null(kv);
        kv_file_port(kv, &p);
        assert_int_equal(p.set(p.ctx, "amps", "16", 2), PORT_OK);
        assert_int_equal(p.set(p.ctx, "amps", "20", 2), PORT_OK);
        kv_file_close(kv);
        struct stat st;
        assert_int_equal(stat(r->path, &st), 0);
        if (at == st.st_size)
            break;
        spoil(r->path, at, 0x04);
        kv = kv_file_open(r->path, r->err, sizeof r->err);
        assert_non_null(kv);
        assert_int_equal(kv_file_found(kv), KV_FILE_FELL_BACK);
        kv_file_port(kv, &p);
        assert_false(p.lost);
        assert_int_equal(p.get(p.ctx, "amps", got, sizeof got, &len), PORT_OK);
        assert_memory_equal(got, "16", 2);
        if (at % 2) { /* a change now must not put the spoilt file in the good one's place */
            kv_file_cut_after(kv, 3, 1);
            assert_int_equal(p.set(p.ctx, "amps", "10", 2), PORT_ERR_IO);
            kv_file_close(kv);
            kv = kv_file_open(r->path, r->err, sizeof r->err);
            assert_non_null(kv);
            assert_int_equal(kv_file_found(kv), KV_FILE_FELL_BACK);
        }
        kv_file_close(kv);
        spoil(old, at, 0x04);
        kv = kv_file_open(r->path, r->err, sizeof r->err);
        assert_non_null(kv);
        assert_int_equal(kv_file_found(kv), KV_FILE_LOST);
        kv_file_port(kv, &p);
        assert_true(p.lost);
        assert_int_equal(p.get(p.ctx, "amps", got, sizeof got, &len), PORT_ERR_NOT_FOUND);
        kv_file_close(kv);
    }
}

static void test_kv_holds_enough(void **state)
{
    (void)state;
    struct port_kv p;
    char key[16];
    struct kv_file *kv = kv_file_open(NULL, NULL, 0);
    assert_non_null(kv);
    kv_file_port(kv, &p);
    for (int i = 0; i < KV_FILE_ENTRIES_MAX; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_int_equal(p.set(p.ctx, key, key, strlen(key)), PORT_OK);
    }
    assert_int_equal(p.set(p.ctx, "more", "x", 1), PORT_ERR_NO_SPACE);
    assert_int_equal(p.set(p.ctx, "key7", "x", 1), PORT_OK);
    kv_file_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flash_behaves_like_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flash_file_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cuts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kv_keeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kv_falls_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kv_holds_enough, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
