/* Which way to the server is tried when: order, attempts, what is kept (B09, B10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/networks.h"

enum { FLASH_BYTES = 16 * PORT_FLASH_SECTOR };

struct bench {
    unsigned char flash[FLASH_BYTES];
    struct port_flash port;
    bool broken; /* the flash takes nothing */
    struct durable durable;
    struct settings settings;
    struct networks networks;
};

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, ((struct bench *)ctx)->flash + off, len);
    return PORT_OK;
}

static int flash_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct bench *b = ctx;
    if (b->broken)
        return PORT_ERR_IO;
    for (size_t i = 0; i < len; i++)
        b->flash[off + i] &= ((const unsigned char *)buf)[i];
    return PORT_OK;
}

static int flash_erase(void *ctx, uint32_t off, size_t len)
{
    struct bench *b = ctx;
    if (b->broken)
        return PORT_ERR_IO;
    memset(b->flash + off, 0xFF, len);
    return PORT_OK;
}

/* A restart: what is durable stays. */
static void boot(struct bench *b)
{
    durable_mount(&b->durable, &b->port);
    assert_true(b->durable.mounted);
    networks_init(&b->networks, &b->durable, &b->settings);
}

static void set(struct bench *b, enum setting_id id, const char *value)
{
    char why[100] = "";
    enum settings_result r = settings_set(&b->settings, id, value, why, sizeof why);
    if (r != SETTINGS_OK && r != SETTINGS_OK_REBOOT)
        fail_msg("%s", why);
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    memset(b->flash, 0xFF, sizeof b->flash);
    b->port = (struct port_flash){
        .ctx = b, .size = FLASH_BYTES, .read = flash_read, .program = flash_program, .erase = flash_erase};
    settings_load(&b->settings, NULL);
    set(b, SETTING_server_url, "ws://one");
    set(b, SETTING_network_attempts, "2");
    boot(b);
    return b;
}

static bool put(struct bench *b, int slot, const char *url)
{
    struct ocpp_network n = {.security = 1, .message_timeout_s = 20};
    snprintf(n.url, sizeof n.url, "%s", url);
    return networks_set(&b->networks, slot, &n);
}

/* Fails `n` times; the slots tried, as digits. */
static const char *tried(struct bench *b, int n)
{
    static char text[64];
    for (int i = 0; i < n; i++) {
        text[i] = (char)('0' + networks_active(&b->networks));
        bool moved = networks_failed(&b->networks);
        assert_int_equal(moved, networks_active(&b->networks) != text[i] - '0');
        struct ocpp_network now;
        if (networks_get(&b->networks, networks_active(&b->networks), &now))
            assert_string_equal(b->networks.url, now.url);
        else
            assert_int_equal(networks_active(&b->networks), 0);
    }
    text[n] = '\0';
    return text;
}

static void test_out_of_the_box(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    struct ocpp_network n;
    assert_int_equal(networks_active(&b->networks), 1);
    assert_string_equal(b->networks.url, "ws://one");
    assert_true(networks_get(&b->networks, 1, &n));
    assert_int_equal(n.message_timeout_s, 0);
    assert_false(networks_get(&b->networks, 0, &n));
    assert_false(networks_get(&b->networks, 2, &n));
    assert_false(networks_get(&b->networks, 4, &n));
    assert_false(networks_get(&b->networks, -1, &n));
    assert_string_equal(tried(b, 7), "1111111");
    set(b, SETTING_server_url, "");
    assert_false(networks_get(&b->networks, 1, &n));
    networks_url_changed(&b->networks);
    assert_string_equal(b->networks.url, "");
    free(b);
}

/* B_45, B_46, B_49 */
static void test_order_and_attempts(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    networks_worked(&b->networks);
    assert_true(put(b, 2, "ws://two"));
    set(b, SETTING_network_priority, "2,1");
    assert_string_equal(tried(b, 3), "111"); /* not before a restart */
    boot(b);
    assert_string_equal(b->networks.url, "ws://two");
    /* after all of them have failed, the one that worked last comes first */
    assert_string_equal(tried(b, 12), "221111221122");
    boot(b);
    assert_string_equal(tried(b, 1), "2");
    networks_worked(&b->networks); /* now it is the one */
    assert_string_equal(tried(b, 8), "22112211");
    boot(b);
    assert_string_equal(tried(b, 3), "221");
    networks_worked(&b->networks);
    /* a connection that is lost is tried again where it was */
    assert_string_equal(tried(b, 4), "1122");
    free(b);
}

/* A wrong profile in the very slot that worked: what worked is not lost with it. */
static void test_overwritten(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    networks_worked(&b->networks);
    assert_true(put(b, 1, "ws://wrong"));
    networks_worked(&b->networks); /* the server goes on speaking */
    assert_true(put(b, 1, "ws://wrong/too"));
    boot(b);
    assert_string_equal(b->networks.url, "ws://wrong/too");
    assert_string_equal(tried(b, 3), "110");
    boot(b);
    assert_string_equal(tried(b, 2), "11");
    assert_string_equal(b->networks.url, "ws://one");
    networks_worked(&b->networks);
    assert_string_equal(tried(b, 6), "001100");
    boot(b); /* B10.FR.04 */
    assert_string_equal(b->networks.url, "ws://wrong/too");
    networks_worked(&b->networks); /* not so wrong after all */
    assert_string_equal(tried(b, 4), "1111");
    boot(b);
    assert_string_equal(tried(b, 4), "1111");

    /* another slot, with the order that names only it; and one whose store is full */
    assert_true(put(b, 2, "ws://two"));
    set(b, SETTING_network_priority, "2");
    boot(b);
    networks_worked(&b->networks);
    b->broken = true;
    assert_false(put(b, 2, "ws://zwei"));
    b->broken = false;
    assert_true(put(b, 2, "ws://zwei"));
    boot(b);
    assert_string_equal(tried(b, 6), "220022");
    assert_string_equal(b->networks.url, "ws://two");
    /* what the installer sets has nothing behind it */
    set(b, SETTING_network_priority, "1");
    boot(b);
    networks_worked(&b->networks);
    assert_true(put(b, 1, "ws://wrong"));
    set(b, SETTING_server_url, "ws://uno");
    networks_url_changed(&b->networks);
    assert_string_equal(tried(b, 4), "1111");
    boot(b);
    assert_string_equal(tried(b, 4), "1111");
    assert_string_equal(b->networks.url, "ws://uno");
    /* also while what worked is in use again */
    networks_worked(&b->networks);
    assert_true(put(b, 1, "ws://wrong"));
    boot(b);
    assert_string_equal(tried(b, 3), "110");
    set(b, SETTING_server_url, "ws://un");
    networks_url_changed(&b->networks);
    assert_string_equal(b->networks.url, "ws://un");
    assert_string_equal(tried(b, 4), "1111");
    free(b);
}

static void test_kept(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    char longest[OCPP_NETWORK_URL_MAX + 2] = "ws://";
    memset(longest + 5, 'x', OCPP_NETWORK_URL_MAX - 5);
    assert_true(put(b, 3, longest));
    assert_true(put(b, 2, "ws://two"));
    assert_true(put(b, 2, "ws://zwei"));
    assert_true(put(b, 1, "ws://eins"));
    assert_false(put(b, 4, "ws://four"));
    assert_false(put(b, 0, "ws://none"));
    assert_false(put(b, 2, ""));
    assert_string_equal(b->networks.url, "ws://one"); /* in use: not before a restart */
    boot(b);
    struct ocpp_network n;
    assert_true(networks_get(&b->networks, 3, &n));
    assert_string_equal(n.url, longest);
    assert_true(networks_get(&b->networks, 2, &n));
    assert_string_equal(n.url, "ws://zwei");
    assert_int_equal(n.message_timeout_s, 20);
    assert_string_equal(b->networks.url, "ws://eins");
    /* what the installer sets counts over what a server once said */
    set(b, SETTING_server_url, "ws://uno");
    networks_url_changed(&b->networks);
    assert_string_equal(b->networks.url, "ws://uno");
    boot(b);
    assert_string_equal(b->networks.url, "ws://uno");
    /* a store that takes nothing */
    b->broken = true;
    assert_false(put(b, 2, "ws://deux"));
    assert_true(networks_get(&b->networks, 2, &n));
    assert_string_equal(n.url, "ws://zwei");
    networks_worked(&b->networks);
    free(b);
}

static void test_odd_orders(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    assert_true(put(b, 3, "ws://three"));
    static const struct {
        const char *order, *tried;
    } cases[] = {
        {"3,1", "3311"}, {"2", "1111"},   {"", "1111"},    {"3,3,1", "3311"},
        {"1,3", "1133"}, {"9,x", "1111"}, {"2,3", "3333"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set(b, SETTING_network_priority, cases[i].order);
        boot(b);
        assert_string_equal(tried(b, 4), cases[i].tried);
    }
    free(b);
}

static void test_bad_records(void **state)
{
    (void)state;
    struct bench *b = bench_new();
    uint32_t id;
    unsigned char bytes[40];
    for (unsigned i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)(i * 31 + k * 7);
        bytes[0] = i % 3 ? 1 : bytes[0];
        assert_true(durable_keep(&b->durable, OCPP_KEEP_NETWORK, bytes, i % (sizeof bytes + 1), &id));
    }
    boot(b);
    boot(b);
    assert_true(networks_active(&b->networks) >= 1 && networks_active(&b->networks) <= OCPP_NETWORKS);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_the_box), cmocka_unit_test(test_order_and_attempts),
        cmocka_unit_test(test_overwritten),    cmocka_unit_test(test_kept),
        cmocka_unit_test(test_odd_orders),     cmocka_unit_test(test_bad_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
