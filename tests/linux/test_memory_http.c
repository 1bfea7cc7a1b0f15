/* HTTP in virtual time: downloads from a real hub, broken at every byte and gone on with, uploads, cables,
 * power. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "linux/memory_http.h"

enum { LATENCY_US = 20000, STEP_US = 5000, IMAGE = 5000 };
static const int64_t T0 = 1767225600000;

struct bench {
    struct hub *hub;
    struct hub_cfg cfg;
    struct memory_http *m;
    struct http http;
    struct http_up up;
    uint64_t now_us;
    char dir[40], db[80], files[80];
    char image[IMAGE + 1], got[2 * IMAGE];
    size_t got_len;
    struct http_head head;
    char validator[HTTP_VALIDATOR_MAX + 1];
    unsigned heads, dones;
    enum http_end how;
    char why[200];
    size_t give, given;
    bool stop;
};

static bool up_head(void *ctx, const struct http_head *head)
{
    struct bench *b = ctx;
    b->heads++;
    b->head = *head;
    (void)snprintf(b->validator, sizeof b->validator, "%s", head->validator);
    if (head->from == 0)
        b->got_len = 0;
    return !b->stop;
}

static bool up_body(void *ctx, const void *data, size_t len)
{
    struct bench *b = ctx;
    assert_true(len && b->got_len + len < sizeof b->got);
    memcpy(b->got + b->got_len, data, len);
    b->got_len += len;
    b->got[b->got_len] = '\0';
    return true;
}

static size_t up_fill(void *ctx, void *buf, size_t cap)
{
    struct bench *b = ctx;
    size_t n = b->give - b->given < cap ? b->give - b->given : cap;
    memcpy(buf, b->image + b->given, n);
    b->given += n;
    return n;
}

static void up_done(void *ctx, enum http_end how, const char *why)
{
    struct bench *b = ctx;
    b->dones++;
    b->how = how;
    (void)snprintf(b->why, sizeof b->why, "%s", why);
}

static void run_ms(struct bench *b, unsigned ms)
{
    for (uint64_t end = b->now_us + ms * 1000; b->now_us < end;) {
        b->now_us += STEP_US;
        memory_http_pump(b->m, T0 + (int64_t)(b->now_us / 1000), b->now_us);
    }
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    char err[300];
    (void)snprintf(b->dir, sizeof b->dir, "/tmp/memory-http-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    (void)snprintf(b->files, sizeof b->files, "%s/files", b->dir);
    hub_cfg_default(&b->cfg);
    b->cfg.files = b->files;
    b->hub = hub_open(&b->cfg, err, sizeof err);
    assert_non_null(b->hub);
    for (size_t i = 0; i < IMAGE; i++)
        b->image[i] = (char)(33 + i * 7 % 90);
    b->m = memory_http_create(LATENCY_US);
    memory_http_http(b->m, &b->http);
    memory_http_hub(b->m, b->hub);
    b->up = (struct http_up){.ctx = b, .head = up_head, .body = up_body, .fill = up_fill, .done = up_done};
    run_ms(b, 10);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    char command[80];
    memory_http_destroy(b->m);
    hub_close(b->hub);
    (void)snprintf(command, sizeof command, "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    free(b);
    return 0;
}

static void begin(struct bench *b, enum http_method method, const char *path, uint64_t from, uint64_t length)
{
    char url[200];
    (void)snprintf(url, sizeof url, "http://%s%s", MEMORY_HTTP_HOST, path);
    const struct http_request r = {.method = method,
                                   .url = url,
                                   .from = from,
                                   .validator = from ? b->validator : NULL,
                                   .length = length,
                                   .idle_timeout_s = 5};
    b->dones = b->heads = 0;
    b->given = 0;
    b->give = length;
    assert_true(b->http.start(b->http.ctx, &r, &b->up));
}

static void ends(struct bench *b, enum http_end how, const char *why)
{
    for (int i = 0; i < 2000 && !b->dones; i++)
        run_ms(b, 5);
    assert_int_equal(b->dones, 1);
    if (b->how != how || strncmp(b->why, why, strlen(why)) != 0)
        fail_msg("ended as %d: %s", (int)b->how, b->why);
}

/* An image that the hub has, put there over the same wire. */
static void put_image(struct bench *b, size_t len)
{
    begin(b, HTTP_PUT, "/api/v1/firmware/image.bin", 0, len);
    ends(b, HTTP_DONE, "201");
}

static void there_and_back(void **state)
{
    struct bench *b = *state;
    put_image(b, IMAGE);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    const struct http_request r = {.url = "http://hub.test/"};
    assert_false(b->http.start(b->http.ctx, &r, &b->up)); /* one at a time */
    run_ms(b, 30);
    assert_int_equal(b->heads, 0); /* there and back takes its time */
    ends(b, HTTP_DONE, "200");
    assert_int_equal(b->heads, 1);
    assert_int_equal(b->head.total, IMAGE);
    assert_int_equal(b->got_len, IMAGE);
    assert_memory_equal(b->got, b->image, IMAGE);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 4000, 0);
    b->got_len = 0;
    ends(b, HTTP_DONE, "206");
    assert_int_equal(b->head.from, 4000);
    assert_memory_equal(b->got, b->image + 4000, IMAGE - 4000);
    begin(b, HTTP_GET, "/files/firmware/image.bin", IMAGE, 0);
    ends(b, HTTP_REFUSED, "416");
    begin(b, HTTP_GET, "/files/firmware/none.bin", 0, 0);
    ends(b, HTTP_REFUSED, "404");
    begin(b, HTTP_PUT, "/files/upload/00000000000000000000000000000000", 0, 5);
    ends(b, HTTP_REFUSED, "404");
    begin(b, HTTP_GET, "/nowhere", 0, 0);
    ends(b, HTTP_REFUSED, "404");
    const struct http_request other = {.url = "http://elsewhere.test/x"}, bad = {.url = "ftp://x"};
    b->dones = 0;
    assert_true(b->http.start(b->http.ctx, &other, &b->up));
    ends(b, HTTP_LOST, "no such host");
    b->dones = 0;
    assert_true(b->http.start(b->http.ctx, &bad, &b->up));
    ends(b, HTTP_BAD, "");
}

static void an_image_that_changes(void **state)
{
    struct bench *b = *state;
    put_image(b, IMAGE);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    memory_http_break(b->m, 3000);
    ends(b, HTTP_LOST, "connection lost");
    assert_int_equal(b->got_len, 3000);
    put_image(b, 4000);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 3000, 0);
    ends(b, HTTP_DONE, "200"); /* from the beginning */
    assert_int_equal(b->head.from, 0);
    assert_int_equal(b->got_len, 4000);
}

static void broken_at_every_byte(void **state)
{
    struct bench *b = *state;
    enum { SMALL = 3000 };
    put_image(b, SMALL);
    for (size_t at = 0; at <= SMALL; at += at < 2040 || at > 2055 ? 13 : 1) {
        b->got_len = 0;
        memory_http_break(b->m, at);
        begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
        ends(b, HTTP_LOST, "connection lost");
        assert_int_equal(b->got_len, at);
        begin(b, HTTP_GET, "/files/firmware/image.bin", at, 0);
        if (at == SMALL) {
            ends(b, HTTP_REFUSED, "416");
            continue;
        }
        ends(b, HTTP_DONE, at ? "206" : "200");
        assert_int_equal(b->got_len, SMALL);
        assert_memory_equal(b->got, b->image, SMALL);
    }
    for (size_t at = 0; at <= SMALL; at += 499) { /* what is broken off is not stored */
        memory_http_break(b->m, at);
        begin(b, HTTP_PUT, "/api/v1/firmware/other.bin", 0, SMALL);
        ends(b, HTTP_LOST, "connection lost");
        begin(b, HTTP_GET, "/files/firmware/other.bin", 0, 0);
        ends(b, HTTP_REFUSED, "404");
    }
}

static void the_cable(void **state)
{
    struct bench *b = *state;
    put_image(b, IMAGE);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    run_ms(b, 45);
    size_t before = b->got_len;
    assert_in_range(before, 1, IMAGE - 1);
    memory_http_cut(b->m, true);
    run_ms(b, 4000);
    assert_int_equal(b->got_len, before);
    assert_int_equal(b->dones, 0);
    memory_http_cut(b->m, false);
    ends(b, HTTP_DONE, "200");
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    run_ms(b, 45);
    memory_http_cut(b->m, true);
    uint64_t at = b->now_us;
    ends(b, HTTP_LOST, "no answer in time");
    assert_in_range(b->now_us - at, 4900000, 5100000);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    ends(b, HTTP_LOST, "no route to host");
    memory_http_cut(b->m, false);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    memory_http_cut(b->m, true); /* before it has come about */
    ends(b, HTTP_LOST, "no route to host");
}

static void power_and_will(void **state)
{
    struct bench *b = *state;
    put_image(b, IMAGE);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    run_ms(b, 45);
    memory_http_reset(b->m);
    run_ms(b, 6000);
    assert_int_equal(b->dones, 0);
    begin(b, HTTP_PUT, "/api/v1/firmware/image.bin", 0, IMAGE);
    run_ms(b, 50);
    memory_http_reset(b->m);
    run_ms(b, 6000);
    assert_int_equal(b->dones, 0);
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    run_ms(b, 45);
    b->http.cancel(b->http.ctx);
    ends(b, HTTP_CANCELLED, "");
    b->stop = true;
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    ends(b, HTTP_CANCELLED, "");
    b->stop = false;
    begin(b, HTTP_PUT, "/api/v1/firmware/image.bin", 0, IMAGE);
    b->give = 2500;
    ends(b, HTTP_LOST, "the body ended early");
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    ends(b, HTTP_DONE, "200");
    assert_int_equal(b->got_len, IMAGE);
}

static void a_hub_that_goes_away(void **state)
{
    struct bench *b = *state;
    put_image(b, IMAGE);
    for (int up = 0; up < 2; up++) {
        if (up)
            begin(b, HTTP_PUT, "/api/v1/firmware/image.bin", 0, IMAGE);
        else
            begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
        run_ms(b, 45);
        memory_http_hub(b->m, NULL);
        ends(b, HTTP_LOST, "connection lost");
        begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
        ends(b, HTTP_LOST, "connection refused");
        memory_http_hub(b->m, b->hub);
    }
    begin(b, HTTP_GET, "/files/firmware/image.bin", 0, 0);
    ends(b, HTTP_DONE, "200");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(there_and_back), T(an_image_that_changes), T(broken_at_every_byte),
        T(the_cable),      T(power_and_will),        T(a_hub_that_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
