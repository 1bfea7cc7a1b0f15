/* The table of settings, its checks, and what becomes of values that can't be kept or read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/settings.h"

/* A store in memory that can fail. */
struct fake {
    struct {
        char key[PORT_KV_KEY_MAX + 1], value[PORT_KV_VALUE_MAX];
        size_t len;
    } entry[SETTING_COUNT];
    unsigned count, writes;
    int fail_get, fail_set;
};

static int fake_get(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    struct fake *f = ctx;
    if (f->fail_get)
        return f->fail_get;
    for (unsigned i = 0; i < f->count; i++)
        if (strcmp(f->entry[i].key, key) == 0) {
            *len = f->entry[i].len;
            if (*len > cap)
                return PORT_ERR_RANGE;
            memcpy(buf, f->entry[i].value, *len);
            return PORT_OK;
        }
    return PORT_ERR_NOT_FOUND;
}

static int fake_set(void *ctx, const char *key, const void *buf, size_t len)
{
    struct fake *f = ctx;
    unsigned i;
    if (f->fail_set)
        return f->fail_set;
    assert_true(strlen(key) <= PORT_KV_KEY_MAX && len <= PORT_KV_VALUE_MAX);
    for (i = 0; i < f->count && strcmp(f->entry[i].key, key) != 0; i++)
        ;
    if (i == f->count)
        f->count++;
    assert_true(i < SETTING_COUNT);
    memcpy(f->entry[i].key, key, strlen(key) + 1);
    memcpy(f->entry[i].value, buf, len);
    f->entry[i].len = len;
    f->writes++;
    return PORT_OK;
}

static int fake_erase(void *ctx)
{
    struct fake *f = ctx;
    if (f->fail_set)
        return f->fail_set;
    f->count = 0;
    return PORT_OK;
}

struct rig {
    struct fake fake;
    struct port_kv kv;
    struct settings s;
    char why[120];
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    if (!r)
        return -1;
    r->kv = (struct port_kv){.ctx = &r->fake, .get = fake_get, .set = fake_set, .erase_all = fake_erase};
    settings_load(&r->s, &r->kv);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static enum settings_result set(struct rig *r, enum setting_id id, const char *value)
{
    r->why[0] = 0;
    return settings_set(&r->s, id, value, r->why, sizeof r->why);
}

static void test_table_is_sound(void **state)
{
    (void)state;
    char key[PORT_KV_KEY_MAX + 1], other[PORT_KV_KEY_MAX + 1];
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        enum setting_id id = (enum setting_id)i, found;
        const struct setting_info *t = settings_info(id);
        assert_true(settings_find(t->name, &found));
        assert_int_equal(found, id);
        assert_true(strlen(t->name) <= 31 && *t->help);
        if (t->type != SETTING_TEXT)
            assert_true(t->min <= t->default_int && t->default_int <= t->max);
        settings_key(id, key);
        assert_in_range(strlen(key), 1, PORT_KV_KEY_MAX);
        for (unsigned k = 0; k < i; k++) {
            settings_key((enum setting_id)k, other);
            assert_string_not_equal(key, other);
            assert_string_not_equal(t->name, settings_info((enum setting_id)k)->name);
        }
    }
    enum setting_id id;
    assert_false(settings_find("no_such_setting", &id));
    assert_false(settings_find("", &id));
    assert_null(settings_info(SETTING_COUNT));
}

/* A key written by one version must be found by the next. */
static void test_keys_stay(void **state)
{
    (void)state;
    char key[PORT_KV_KEY_MAX + 1];
    settings_key(SETTING_phases, key);
    assert_string_equal(key, "phases");
    settings_key(SETTING_installation_current, key);
    assert_string_equal(key, "installa#8509ec");
    settings_key(SETTING_stop_tx_on_ev_disconnect, key);
    assert_string_equal(key, "stop_tx_#8f8467");
}

static void test_defaults(void **state)
{
    struct rig *r = *state;
    char text[64];
    assert_int_equal(r->s.defaulted, 0);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    assert_string_equal(settings_text(&r->s, SETTING_tx_start_point), "PowerPathClosed");
    assert_string_equal(settings_text(&r->s, SETTING_phases), "");
    assert_int_equal(settings_format(&r->s, SETTING_cp_bipolar, text, sizeof text), 4);
    assert_string_equal(text, "true");
    assert_int_equal(settings_format(&r->s, SETTING_tx_start_point, text, 6), 5);
    assert_string_equal(text, "Power");
    assert_int_equal(r->fake.writes, 0);
}

static void test_values_are_checked(void **state)
{
    struct rig *r = *state;
    static const struct {
        enum setting_id id;
        const char *value;
        enum settings_result want;
    } cases[] = {
        {SETTING_installation_current, "6", SETTINGS_OK},
        {SETTING_installation_current, "32", SETTINGS_OK},
        {SETTING_installation_current, "5", SETTINGS_RANGE},
        {SETTING_installation_current, "33", SETTINGS_RANGE},
        {SETTING_installation_current, "-16", SETTINGS_RANGE},
        {SETTING_installation_current, "16.0", SETTINGS_RANGE},
        {SETTING_installation_current, "16 ", SETTINGS_RANGE},
        {SETTING_installation_current, " 16", SETTINGS_RANGE},
        {SETTING_installation_current, "", SETTINGS_RANGE},
        {SETTING_installation_current, "-", SETTINGS_RANGE},
        {SETTING_installation_current, "0x10", SETTINGS_RANGE},
        {SETTING_installation_current, "4294967312", SETTINGS_RANGE},
        {SETTING_installation_current, "99999999999999999999999999", SETTINGS_RANGE},
        {SETTING_installation_current, NULL, SETTINGS_RANGE},
        {SETTING_cal_i_delay, "-500", SETTINGS_OK_REBOOT},
        {SETTING_cal_i_delay, "+500", SETTINGS_OK_REBOOT},
        {SETTING_phases, "1", SETTINGS_OK_REBOOT},
        {SETTING_phases, "2", SETTINGS_RANGE},
        {SETTING_free_charging, "true", SETTINGS_OK},
        {SETTING_free_charging, "No", SETTINGS_OK},
        {SETTING_free_charging, "ON", SETTINGS_OK},
        {SETTING_free_charging, "2", SETTINGS_RANGE},
        {SETTING_free_charging, "", SETTINGS_RANGE},
        {SETTING_station_name, "", SETTINGS_OK},
        {SETTING_station_name, "Garage B\xC3\xA4r 1", SETTINGS_OK},
        {SETTING_station_name, "bell\a", SETTINGS_RANGE},
        {SETTING_station_name, "line\nbreak", SETTINGS_RANGE},
        {SETTING_station_name, "cut \xC3", SETTINGS_RANGE},
        {SETTING_station_name, "\xC0\x80", SETTINGS_RANGE},         /* overlong */
        {SETTING_station_name, "\xED\xA0\x80", SETTINGS_RANGE},     /* surrogate */
        {SETTING_station_name, "\xF4\x90\x80\x80", SETTINGS_RANGE}, /* beyond Unicode */
        {SETTING_station_name, "\xFF", SETTINGS_RANGE},
        {SETTING_station_name, "0123456789012345678901234567890123456789", SETTINGS_OK},
        {SETTING_station_name, "01234567890123456789012345678901234567890", SETTINGS_RANGE},
        {SETTING_stop_tx_on_ev_disconnect, "true", SETTINGS_READ_ONLY},
        {SETTING_COUNT, "1", SETTINGS_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum settings_result got = set(r, cases[i].id, cases[i].value);
        if (got != cases[i].want)
            print_error("case %zu\n", i);
        assert_int_equal(got, cases[i].want);
        if (got != SETTINGS_OK && got != SETTINGS_OK_REBOOT && cases[i].value)
            assert_true(strlen(r->why) > 5);
    }
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    assert_int_equal(settings_set(&r->s, SETTING_phases, "2", NULL, 0), SETTINGS_RANGE);
}

static void test_derating_points_stay_in_order(void **state)
{
    struct rig *r = *state;
    char text[16];
    int start = settings_int(&r->s, SETTING_derate_start), stop = settings_int(&r->s, SETTING_derate_stop);
    snprintf(text, sizeof text, "%d", stop);
    assert_int_equal(set(r, SETTING_derate_start, text), SETTINGS_RANGE);
    assert_non_null(strstr(r->why, "below"));
    snprintf(text, sizeof text, "%d", start);
    assert_int_equal(set(r, SETTING_derate_stop, text), SETTINGS_RANGE);
    /* and if the store says otherwise */
    char key[PORT_KV_KEY_MAX + 1];
    settings_key(SETTING_derate_stop, key);
    assert_int_equal(fake_set(&r->fake, key, "i41", 3), PORT_OK);
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, 1);
    assert_int_equal(settings_int(&r->s, SETTING_derate_start), start);
    assert_int_equal(settings_int(&r->s, SETTING_derate_stop), stop);
}

static void test_values_are_kept(void **state)
{
    struct rig *r = *state;
    assert_int_equal(set(r, SETTING_installation_current, "20"), SETTINGS_OK);
    assert_int_equal(set(r, SETTING_server_url, "wss://example.org/ocpp?a=b%20c"), SETTINGS_OK_REBOOT);
    assert_int_equal(set(r, SETTING_free_charging, "on"), SETTINGS_OK);
    assert_int_equal(r->fake.writes, 3);
    /* the same again costs no write and needs no restart */
    assert_int_equal(set(r, SETTING_server_url, "wss://example.org/ocpp?a=b%20c"), SETTINGS_OK);
    assert_int_equal(r->fake.writes, 3);
    /* read only is for the outside */
    assert_int_equal(settings_force(&r->s, SETTING_items_per_message, "4", NULL, 0), SETTINGS_OK);

    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, 0);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 20);
    assert_int_equal(settings_int(&r->s, SETTING_free_charging), 1);
    assert_int_equal(settings_int(&r->s, SETTING_items_per_message), 4);
    assert_string_equal(settings_text(&r->s, SETTING_server_url), "wss://example.org/ocpp?a=b%20c");

    assert_int_equal(settings_reset(&r->s), PORT_OK);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    settings_load(&r->s, &r->kv);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
}

static void test_secret_is_never_shown(void **state)
{
    struct rig *r = *state;
    char text[64] = "x";
    assert_int_equal(set(r, SETTING_password, "correct horse"), SETTINGS_OK);
    assert_int_equal(settings_format(&r->s, SETTING_password, text, sizeof text), 0);
    assert_string_equal(text, "");
    assert_int_equal(set(r, SETTING_password, "far too long, far too long, far too long, far too"),
                     SETTINGS_RANGE);
    assert_null(strstr(r->why, "far"));
    settings_load(&r->s, &r->kv);
    assert_string_equal(settings_text(&r->s, SETTING_password), "correct horse");
}

static void test_not_durable_is_not_taken(void **state)
{
    struct rig *r = *state;
    r->fake.fail_set = PORT_ERR_IO;
    assert_int_equal(set(r, SETTING_installation_current, "10"), SETTINGS_IO);
    assert_non_null(strstr(r->why, "stored"));
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    assert_int_equal(settings_reset(&r->s), PORT_ERR_IO);
}

static void test_corrupt_values_become_defaults(void **state)
{
    struct rig *r = *state;
    static const char *const bad[] = {"",     "i",  "16",  "b1",     "i999", "i16\n", "i5",    "t16",
                                      "\xFF", "i-", "x16", "i16 16", "i1e1", "i 16",  "i0016i"};
    char key[PORT_KV_KEY_MAX + 1];
    settings_key(SETTING_installation_current, key);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(fake_set(&r->fake, key, bad[i], strlen(bad[i])), PORT_OK);
        settings_load(&r->s, &r->kv);
        assert_int_equal(r->s.defaulted, 1);
        assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    }
    /* setting it mends it, even to the default */
    assert_int_equal(set(r, SETTING_installation_current, "32"), SETTINGS_OK);
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, 0);
    /* a zero byte in a text */
    settings_key(SETTING_station_id, key);
    assert_int_equal(fake_set(&r->fake, key, "tA\0B", 4), PORT_OK);
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, 1);
    assert_string_equal(settings_text(&r->s, SETTING_station_id), "ECSACP1");
    /* a store that gives nothing at all */
    r->fake.fail_get = PORT_ERR_IO;
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, SETTING_COUNT);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 32);
    /* one that had to begin anew: nothing in it, and that is no first start */
    r->fake.fail_get = PORT_OK;
    assert_int_equal(r->kv.erase_all(r->kv.ctx), PORT_OK);
    r->kv.lost = true;
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, SETTING_COUNT);
    r->kv.lost = false;
    settings_load(&r->s, &r->kv);
    assert_int_equal(r->s.defaulted, 0);
    /* and none */
    settings_load(&r->s, NULL);
    assert_int_equal(r->s.defaulted, 0);
    assert_int_equal(set(r, SETTING_installation_current, "10"), SETTINGS_OK);
    assert_int_equal(settings_int(&r->s, SETTING_installation_current), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table_is_sound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_derating_points_stay_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secret_is_never_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_durable_is_not_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt_values_become_defaults, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
