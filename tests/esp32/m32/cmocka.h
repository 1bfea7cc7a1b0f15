/*
 * The assertions of cmocka that the unit tests of core/ use, for a 32-bit program: Debian has no 32-bit
 * cmocka beside the native one. Same names, same meaning: a test ends at its first failure, the program
 * with 1.
 */
#ifndef TESTS_ESP32_CMOCKA_H
#define TESTS_ESP32_CMOCKA_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

static jmp_buf cmocka_end;

static inline void cmocka_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    longjmp(cmocka_end, 1);
}

/* Integers and pointers alike become 64-bit numbers, as cmocka makes them its largest integer. */
static inline void cmocka_compare(unsigned long long a, unsigned long long b, int equal, const char *file,
                                  int line, const char *what)
{
    if ((a == b) != (equal != 0)) {
        fprintf(stderr, "%s:%d: %s: %lld and %lld\n", file, line, what, (long long)a, (long long)b);
        longjmp(cmocka_end, 1);
    }
}

static inline void cmocka_range(unsigned long long v, unsigned long long low, unsigned long long high,
                                const char *file, int line, const char *what)
{
    if (v < low || v > high) {
        fprintf(stderr, "%s:%d: %s: %llu is not within %llu..%llu\n", file, line, what, v, low, high);
        longjmp(cmocka_end, 1);
    }
}

#define cmocka_wide(v) ((unsigned long long)(v))

#define assert_true(c)  ((c) ? (void)0 : cmocka_failed(__FILE__, __LINE__, #c))
#define assert_false(c) ((c) ? cmocka_failed(__FILE__, __LINE__, "not " #c) : (void)0)
#define assert_int_equal(a, b) \
    cmocka_compare(cmocka_wide(a), cmocka_wide(b), 1, __FILE__, __LINE__, #a " == " #b)
#define assert_int_not_equal(a, b) \
    cmocka_compare(cmocka_wide(a), cmocka_wide(b), 0, __FILE__, __LINE__, #a " != " #b)
#define assert_in_range(v, low, high) \
    cmocka_range(cmocka_wide(v), cmocka_wide(low), cmocka_wide(high), __FILE__, __LINE__, #v)
#define assert_non_null(p)            assert_true((p) != NULL)
#define assert_null(p)                assert_true((p) == NULL)
#define assert_ptr_equal(a, b)        assert_true((const void *)(a) == (const void *)(b))
#define assert_string_equal(a, b)     assert_true(strcmp((a), (b)) == 0)
#define assert_string_not_equal(a, b) assert_true(strcmp((a), (b)) != 0)
#define assert_memory_equal(a, b, n)  assert_true(memcmp((a), (b), (n)) == 0)
#define print_message(...)            printf(__VA_ARGS__)
#define print_error(...)              fprintf(stderr, __VA_ARGS__)
#define fail()                        cmocka_failed(__FILE__, __LINE__, "failed")
#define fail_msg(...)                 (fprintf(stderr, __VA_ARGS__), cmocka_failed(__FILE__, __LINE__, ""))

#define cmocka_unit_test(f) \
    {                       \
#f, f               \
    }
#define cmocka_run_group_tests(tests, setup, teardown) \
    cmocka_run((tests), sizeof(tests) / sizeof((tests)[0]), (setup), (teardown))

static inline int cmocka_run(const struct CMUnitTest *tests, size_t n, int (*setup)(void **),
                             int (*teardown)(void **))
{
    volatile int failures = 0;
    void *state = NULL;
    if (setup && setup(&state))
        return 1;
    for (volatile size_t i = 0; i < n; i++) {
        if (setjmp(cmocka_end) == 0) {
            tests[i].test(&state);
        } else {
            fprintf(stderr, "FAILED: %s\n", tests[i].name);
            failures++;
        }
    }
    if (teardown && teardown(&state))
        failures++;
    return failures != 0;
}

#endif
