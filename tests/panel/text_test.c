#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "panel/font.h"
#include "panel/strings.h"
#include "panel/text.h"

enum { CAP = 192 };

static void decodes_to(const char *utf8, const uint16_t *want, size_t n)
{
    uint16_t got[CAP];
    assert_int_equal(text_decode(utf8, got, CAP), n);
    assert_memory_equal(got, want, n * sizeof *want);
}

static void decodes_utf8(void **state)
{
    (void)state;
    decodes_to("", NULL, 0);
    decodes_to("aé€", (const uint16_t[]){'a', 0xe9, 0x20ac}, 3);
    decodes_to("a\nb\x7f", (const uint16_t[]){'a', ' ', 'b', ' '}, 4);
    decodes_to("\xf0\x9f\x98\x80!", (const uint16_t[]){0xfffd, '!'}, 2); /* beyond the basic plane */
    decodes_to("\xff"
               "a",
               (const uint16_t[]){0xfffd, 'a'}, 2);    /* no lead byte */
    decodes_to("\xc3", (const uint16_t[]){0xfffd}, 1); /* cut off */
    decodes_to("\xe2\x82"
               "a",
               (const uint16_t[]){0xfffd, 'a'}, 2);
    decodes_to("\xc0\x80", (const uint16_t[]){0xfffd, 0xfffd}, 2); /* overlong */
    decodes_to("\xe0\x80\x80", (const uint16_t[]){0xfffd}, 1);
    decodes_to("\xed\xa0\x80", (const uint16_t[]){0xfffd}, 1); /* half a surrogate pair */
}

static void decoding_is_bounded(void **state)
{
    (void)state;
    uint16_t got[4] = {0, 0, 0, 7};
    assert_int_equal(text_decode("abcdef", got, 3), 3);
    assert_int_equal(got[3], 7);
}

/* `shown` is what stands on the screen from left to right. */
static void arranges(const char *read, bool rtl, const char *shown)
{
    uint16_t got[CAP], want[CAP];
    size_t n = text_arrange(got, text_decode(read, got, CAP), rtl);
    size_t m = text_decode(shown, want, CAP);
    assert_int_equal(n, m);
    assert_memory_equal(got, want, n * sizeof *got);
}

static void latin_is_left_alone(void **state)
{
    (void)state;
    arranges("Up to 32 A (22 kW)", false, "Up to 32 A (22 kW)");
    arranges("", true, "");
}

/* Forms by Unicode's chart of Arabic Presentation Forms-B. */
static void arabic_letters_join(void **state)
{
    (void)state;
    /* meem initial, teh medial, sad medial, lam final */
    arranges("متصل", true, "\uFEDE\uFEBC\uFE98\uFEE3");
    arranges("ب", true, "\uFE8F");          /* alone */
    arranges("بب", true, "\uFE90\uFE91");   /* final, initial */
    arranges("دب", true, "\uFE8F\uFEA9");   /* dal joins nothing behind it */
    arranges("لا", true, "\uFEFB");         /* lam and alef are one */
    arranges("بلا", true, "\uFEFC\uFE91");  /* the same, joined */
    arranges("بَب", true, "\uFE90\uFE91");   /* vowel marks do not part letters */
    arranges("ب ب", true, "\uFE8F \uFE8F"); /* spaces do */
    arranges("بـ", true, "\u0640\uFE91");   /* tatweel joins */
}

static void directions_mix(void **state)
{
    (void)state;
    /* In a right-to-left line: a number and its unit stay as they are, the order of the parts turns. */
    arranges("ب 16 A", true, "16 A \uFE8F");
    arranges("ب: 16\u202fA", true, "16\u202fA :\uFE8F");
    arranges("\u221261\u202fdBm ب", true, "\uFE8F \u221261\u202fdBm");
    arranges("42\u202f% ب", true, "\uFE8F 42\u202f%");
    arranges("(ب)", true, "(\uFE8F)");
    arranges("192.168.4.1 ب", true, "\uFE8F 192.168.4.1");
    arranges("1. ب", true, "\uFE8F .1");
    /* A right-to-left name in a left-to-right line. */
    arranges("A ب د B", false, "A \uFEA9 \uFE8F B");
    arranges("A ب 12 د B", false, "A \uFEA9 12 \uFE8F B");
    arranges("A ب 12.5", false, "A 12.5 \uFE8F");
    arranges("A ب, 1", false, "A 1 ,\uFE8F");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    uint16_t codes[CAP + 50];
    for (size_t i = 0; i < CAP + 50; i++)
        codes[i] = 0x628;
    assert_int_equal(text_arrange(codes, CAP + 50, true), CAP);
}

static void fills_forms(void **state)
{
    (void)state;
    char out[16];
    text_fill(out, sizeof out, "{1} of {0}", "a", "b");
    assert_string_equal(out, "b of a");
    text_fill(out, sizeof out, "{2} {", "a", "b");
    assert_string_equal(out, "{2} {");
    text_fill(out, 4, "é{0}", "é", "");
    assert_string_equal(out, "é"); /* half a character is none */
    text_fill(out, 5, "é{0}", "é", "");
    assert_string_equal(out, "éé");
    text_copy(out, 1, "x");
    assert_string_equal(out, "");
    text_copy(out, 3, "a€");
    assert_string_equal(out, "a");
}

static void number(enum panel_language l, int64_t value, int decimals, const char *unit, const char *want)
{
    char out[64];
    panel_number(l, out, sizeof out, value, decimals, unit);
    assert_string_equal(out, want);
}

static void numbers_as_in_the_language(void **state)
{
    (void)state;
    number(PANEL_ENGLISH, 109, 1, "kW", "10.9\u202fkW");
    number(PANEL_GERMAN, 109, 1, "kW", "10,9\u202fkW");
    number(PANEL_ENGLISH, 5, 2, "", "0.05");
    number(PANEL_ENGLISH, -61, 0, "dBm", "\u221261\u202fdBm");
    number(PANEL_ENGLISH, -5, 1, "", "\u22120.5");
    number(PANEL_ENGLISH, 9999, 0, "", "9999");
    number(PANEL_ENGLISH, 9999900, 2, "kWh", "99,999.00\u202fkWh");
    number(PANEL_GERMAN, 99999, 0, "kWh", "99.999\u202fkWh");
    number(PANEL_FRENCH, 99999, 0, "kWh", "99\u202f999\u202fkWh");
    number(PANEL_ARABIC, 1234567, 0, "", "1,234,567");
    number(PANEL_ENGLISH, INT64_MIN, 0, "", "\u22129,223,372,036,854,775,808");
    number(PANEL_ENGLISH, 1234, 9, "", "1.234"); /* no more than three */
}

static void durations_and_times(void **state)
{
    (void)state;
    char out[32];
    panel_duration(PANEL_ENGLISH, out, sizeof out, 0);
    assert_string_equal(out, "0:00");
    panel_duration(PANEL_ENGLISH, out, sizeof out, 3599);
    assert_string_equal(out, "59:59");
    panel_duration(PANEL_ENGLISH, out, sizeof out, 4365);
    assert_string_equal(out, "1:12:45");
    panel_duration(PANEL_ENGLISH, out, sizeof out, 4 * 86400 - 1);
    assert_string_equal(out, "95:59:59");
    panel_duration(PANEL_GERMAN, out, sizeof out, 4 * 86400 + 3 * 3600);
    assert_string_equal(out, "4 T 3 h");
    panel_clock(out, sizeof out, 22 * 60 + 5);
    assert_string_equal(out, "22:05");
    panel_clock(out, sizeof out, 5000);
    assert_string_equal(out, "00:00");
}

static void languages_by_code(void **state)
{
    (void)state;
    assert_int_equal(panel_language("de"), PANEL_GERMAN);
    assert_int_equal(panel_language("fr-CH"), PANEL_FRENCH);
    assert_int_equal(panel_language("ar_AE"), PANEL_ARABIC);
    assert_int_equal(panel_language(""), PANEL_ENGLISH);
    assert_int_equal(panel_language("dex"), PANEL_ENGLISH);
    assert_string_equal(panel_language_code(PANEL_FRENCH), "fr");
    assert_string_equal(panel_string((enum panel_language)99, PANEL_S_READY), "Ready");
    assert_string_equal(panel_string(PANEL_ENGLISH, PANEL_STRINGS), "");
}

/* Every text is there in every language, with the same places to fill, and every font that it may be set in
 * can draw it: scripts/fonts.sh has been run after the last change. */
static void texts_are_whole_and_drawable(void **state)
{
    (void)state;
    static const struct font *const fonts[] = {&font_title, &font_head, &font_text, &font_small};
    for (int s = 0; s < PANEL_STRINGS; s++)
        for (int l = 0; l < PANEL_LANGUAGES; l++) {
            const char *text = panel_string((enum panel_language)l, (enum panel_string)s);
            const char *english = panel_string(PANEL_ENGLISH, (enum panel_string)s);
            uint16_t codes[CAP];
            assert_true(text && *text);
            assert_int_equal(!strstr(text, "{0}"), !strstr(english, "{0}"));
            assert_int_equal(!strstr(text, "{1}"), !strstr(english, "{1}"));
            size_t n = text_decode(text, codes, CAP);
            assert_in_range(n, 1, 150); /* SCENE_LINE, with room for what is filled in */
            n = text_arrange(codes, n, panel_right_to_left((enum panel_language)l));
            for (size_t i = 0; i < n; i++)
                for (size_t f = 0; f < sizeof fonts / sizeof *fonts; f++)
                    if (!font_has(fonts[f], codes[i]))
                        fail_msg("\"%s\" (%s): font of %u pixels lacks U+%04X; run scripts/fonts.sh", text,
                                 panel_language_code((enum panel_language)l), fonts[f]->pixels, codes[i]);
        }
}

static void fonts_hold_what_they_promise(void **state)
{
    (void)state;
    for (uint16_t c = 0xa1; c < 0x180; c++) /* Latin with accents, but the soft hyphen and "ŉ" */
        if (c != 0xad && c != 0x149) {
            assert_true(font_has(&font_text, c));
            assert_true(font_has(&font_small, c));
        }
    for (const char *c = "0123456789.,"; *c; c++)
        assert_true(font_has(&font_number, (uint16_t)*c));
    const uint16_t digits[] = {'1', '1', '1'}, wide[] = {'8', '8', '8'};
    assert_int_equal(font_width(&font_number, digits, 3), font_width(&font_number, wide, 3));
    static const enum icon icons[] = {
        ICON_BOLT,    ICON_CLOUD_OFF,   ICON_CHECK,  ICON_HOURGLASS, ICON_WARNING,     ICON_POWER_OFF,
        ICON_UPDATE,  ICON_CONTACTLESS, ICON_CAR,    ICON_CLOCK,     ICON_THERMOMETER, ICON_PLUG,
        ICON_TOOL,    ICON_LOCK,        ICON_GROUP,  ICON_WIFI_OFF,  ICON_BLOCKED,     ICON_PAUSE,
        ICON_STATION, ICON_BATTERY,     ICON_PERSON, ICON_CABLE,     ICON_SETTINGS,    ICON_POWER,
        ICON_WIFI,    ICON_CHIP,        ICON_METER,  ICON_LOG};
    for (size_t i = 0; i < sizeof icons / sizeof *icons; i++) {
        assert_true(font_has(&font_icon_large, (uint16_t)icons[i]));
        assert_true(font_has(&font_icon_small, (uint16_t)icons[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_utf8),
        cmocka_unit_test(decoding_is_bounded),
        cmocka_unit_test(latin_is_left_alone),
        cmocka_unit_test(arabic_letters_join),
        cmocka_unit_test(directions_mix),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(fills_forms),
        cmocka_unit_test(numbers_as_in_the_language),
        cmocka_unit_test(durations_and_times),
        cmocka_unit_test(languages_by_code),
        cmocka_unit_test(texts_are_whole_and_drawable),
        cmocka_unit_test(fonts_hold_what_they_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
