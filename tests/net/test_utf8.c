#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/utf8.h"

/* The definition of RFC 3629 the long way round: decode, then look at the code point and its shortest form.
 */
static bool by_decoding(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = p[i];
        size_t n = c < 0x80             ? 1
                   : (c & 0xe0) == 0xc0 ? 2
                   : (c & 0xf0) == 0xe0 ? 3
                   : (c & 0xf8) == 0xf0 ? 4
                                        : 0;
        if (n == 0 || n > len - i)
            return false;
        uint32_t code = n == 1 ? c : c & (0x7fu >> n);
        for (size_t k = 1; k < n; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (p[i + k] & 0x3f);
        }
        static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return false;
        i += n;
    }
    return true;
}

static void every_short_text(void **state)
{
    /* All texts of up to 4 bytes out of the bytes at which a rule begins or ends. */
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                          0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
                                          0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    enum { N = sizeof bytes };
    unsigned valid = 0;
    (void)state;
    for (size_t len = 0; len <= 4; len++) {
        size_t all = 1;
        for (size_t i = 0; i < len; i++)
            all *= N;
        for (size_t x = 0; x < all; x++) {
            unsigned char text[4];
            size_t rest = x;
            for (size_t i = 0; i < len; i++, rest /= N)
                text[i] = bytes[rest % N];
            bool expected = by_decoding(text, len);
            if (utf8_valid((const char *)text, len) != expected)
                fail_msg("%02x %02x %02x %02x, %zu bytes", text[0], text[1], text[2], text[3], len);
            valid += expected;
        }
    }
    assert_true(valid > 100);
}

static void words(void **state)
{
    (void)state;
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("Zähler läuft, 230 V, ⚡ 🚗", strlen("Zähler läuft, 230 V, ⚡ 🚗")));
    assert_false(utf8_valid("⚡", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_short_text), cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
