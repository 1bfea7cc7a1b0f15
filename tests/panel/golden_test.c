/*
 * Every screen, in every language, against the picture that was looked at and approved.
 *   panel_golden_test DIR             compares; what differs is written to build/panel-differences/
 *   panel_golden_test DIR --approve   writes DIR afresh: look at every picture before committing it
 */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "linux/lcd_png.h"
#include "tests/panel/cases.h"

#define DIFFERENCES "build/panel-differences"

enum { PIXELS = PANEL_WIDTH * PANEL_HEIGHT, RGB = PIXELS * 3, PATH = 300 };

static const char *folder;

/* NULL: not a readable PNG of the screen's size. */
static uint8_t *read_png(const void *file, size_t len)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_memory(&image, file, len))
        return NULL;
    image.format = PNG_FORMAT_RGB;
    uint8_t *rgb = image.width == PANEL_WIDTH && image.height == PANEL_HEIGHT ? malloc(RGB) : NULL;
    if (rgb && !png_image_finish_read(&image, NULL, rgb, 0, NULL)) {
        free(rgb);
        rgb = NULL;
    }
    png_image_free(&image);
    return rgb;
}

static void *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    enum { MOST = 1 << 20 };
    void *bytes = malloc(MOST);
    *len = bytes ? fread(bytes, 1, MOST, f) : 0;
    fclose(f);
    return bytes;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        fail_msg("%s: %s", path, strerror(errno));
}

/* What was approved, what is drawn, and where they differ (red on a pale copy), side by side. */
static void write_difference(const char *name, const uint8_t *approved, const uint8_t *drawn)
{
    uint8_t *sheet = malloc(3 * RGB);
    char path[PATH];
    assert_non_null(sheet);
    for (size_t i = 0; i < PIXELS; i++) {
        size_t at = (i / PANEL_WIDTH * 3 * PANEL_WIDTH + i % PANEL_WIDTH) * 3, next = PANEL_WIDTH * 3;
        bool same = !memcmp(approved + 3 * i, drawn + 3 * i, 3);
        memcpy(sheet + at, approved + 3 * i, 3);
        memcpy(sheet + at + next, drawn + 3 * i, 3);
        for (size_t c = 0; c < 3; c++)
            sheet[at + 2 * next + c] = (uint8_t)(same ? 192 + drawn[3 * i + c] / 4 : c == 0 ? 255 : 0);
    }
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = 3 * PANEL_WIDTH,
                       .height = PANEL_HEIGHT,
                       .format = PNG_FORMAT_RGB};
    (void)mkdir("build", 0777);
    (void)mkdir(DIFFERENCES, 0777);
    (void)snprintf(path, sizeof path, DIFFERENCES "/%s.png", name);
    if (!png_image_write_to_file(&image, path, 0, sheet, 0, NULL))
        print_error("%s can't be written\n", path);
    free(sheet);
}

/* false: told why. */
static bool is_as_approved(const char *name, const void *drawn_file, size_t drawn_len)
{
    char path[PATH];
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/%s.png", folder, name);
    void *file = read_file(path, &len);
    uint8_t *approved = file ? read_png(file, len) : NULL, *drawn = read_png(drawn_file, drawn_len);
    bool same = approved && drawn && !memcmp(approved, drawn, RGB);
    if (!approved)
        print_error("%s: no approved picture %s\n", name, path);
    else if (!same && drawn) {
        write_difference(name, approved, drawn);
        print_error("%s: differs from %s, see " DIFFERENCES "/%s.png\n", name, path, name);
    }
    free(file);
    free(approved);
    free(drawn);
    return same;
}

static void pictures_are_as_approved(void **state)
{
    bool approve = *state != NULL;
    int differ = 0, count = 0;
    for (size_t i = 0; i < panel_case_count; i++)
        for (int l = 0; l < PANEL_LANGUAGES; l++) {
            struct panel_view v;
            char name[100], path[PATH];
            size_t len = 0;
            panel_case_view(&panel_cases[i], (enum panel_language)l, &v);
            void *file = lcd_png_view(&v, &len);
            assert_non_null(file);
            (void)snprintf(name, sizeof name, "%s-%s", panel_cases[i].name,
                           panel_language_code((enum panel_language)l));
            (void)snprintf(path, sizeof path, "%s/%s.png", folder, name);
            if (approve)
                write_file(path, file, len);
            else
                differ += !is_as_approved(name, file, len);
            count++;
            free(file);
        }
    if (differ)
        fail_msg("%d of %d pictures are not as approved (panel_golden_test DIR --approve takes the new ones)",
                 differ, count);
    print_message("%d pictures\n", count);
}

/* One wrong pixel is noticed, told and drawn. */
static void a_difference_is_noticed(void **state)
{
    (void)state;
    struct panel_view v;
    size_t len = 0;
    panel_case_view(panel_case_find("charging"), PANEL_ENGLISH, &v);
    v.duration_s++;
    void *file = lcd_png_view(&v, &len);
    assert_non_null(file);
    const char *was = folder;
    assert_false(is_as_approved("charging-en", file, len));
    folder = "no/such/folder";
    assert_false(is_as_approved("charging-en", file, len));
    folder = was;
    free(file);
    void *picture = read_file(DIFFERENCES "/charging-en.png", &len);
    assert_non_null(picture);
    assert_true(len > 1000);
    free(picture);
    assert_int_equal(remove(DIFFERENCES "/charging-en.png"), 0);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "panel_golden_test DIR [--approve]\n");
        return 2;
    }
    folder = argv[1];
    bool approve = argc > 2 && !strcmp(argv[2], "--approve");
    if (approve)
        (void)mkdir(folder, 0777);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(pictures_are_as_approved, approve ? argv[2] : NULL),
        cmocka_unit_test(a_difference_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
