/* From settings to the control path's configuration and the link's address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "station/settings_map.h"

static int kv_get(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)ctx;
    (void)key;
    (void)buf;
    (void)cap;
    (void)len;
    return PORT_ERR_NOT_FOUND;
}

static int kv_set(void *ctx, const char *key, const void *buf, size_t len)
{
    (void)ctx;
    (void)key;
    (void)buf;
    (void)len;
    return PORT_OK;
}

static int kv_erase(void *ctx)
{
    (void)ctx;
    return PORT_OK;
}

static struct settings fresh(void)
{
    static const struct port_kv kv = {.get = kv_get, .set = kv_set, .erase_all = kv_erase};
    struct settings s;
    settings_load(&s, &kv);
    return s;
}

static void set(struct settings *s, enum setting_id id, const char *value)
{
    char why[100] = "";
    enum settings_result r = settings_set(s, id, value, why, sizeof why);
    if (r != SETTINGS_OK && r != SETTINGS_OK_REBOOT)
        fail_msg("%s", why);
}

/* The settings' defaults are those of core, so that a station out of the box is the one that core's tests
 * know. */
static void test_defaults_agree_with_core(void **state)
{
    (void)state;
    struct settings s = fresh();
    struct control_cfg from_settings, defaults;
    settings_map_control(&s, NULL, &from_settings);
    control_cfg_default(&defaults);
    assert_int_equal(from_settings.phases, defaults.phases);
    assert_int_equal(from_settings.installation_ma, 32000);
    assert_int_equal(from_settings.cp_bipolar, defaults.cp_bipolar);
    assert_int_equal(from_settings.sense.cp_zero_dmv, defaults.sense.cp_zero_dmv);
    assert_in_range(from_settings.sense.cp_gain_q16, defaults.sense.cp_gain_q16 - 10,
                    defaults.sense.cp_gain_q16 + 10);
    assert_memory_equal(from_settings.sense.channel_of, defaults.sense.channel_of,
                        sizeof defaults.sense.channel_of);
    for (int p = 0; p < 3; p++) {
        assert_int_equal(from_settings.metering.i_zero_dmv[p], defaults.metering.i_zero_dmv[p]);
        assert_int_equal(from_settings.metering.v_gain_ppm[p], defaults.metering.v_gain_ppm[p]);
    }
    assert_int_equal(from_settings.undervoltage_mv, defaults.undervoltage_mv);
    assert_int_equal(from_settings.overvoltage_mv, defaults.overvoltage_mv);
    assert_int_equal(from_settings.derate_start_mc, defaults.derate_start_mc);
    assert_int_equal(from_settings.derate_stop_mc, defaults.derate_stop_mc);
    assert_int_equal(from_settings.reconnect_min_ms, defaults.reconnect_min_ms);
    assert_int_equal(from_settings.reconnect_random_ms, defaults.reconnect_random_ms);
}

static void test_unipolar_front_end(void **state)
{
    (void)state;
    struct settings s = fresh();
    set(&s, SETTING_cp_bipolar, "0");
    set(&s, SETTING_cal_cp_offset, "100");
    struct control_cfg cfg;
    settings_map_control(&s, NULL, &cfg);
    assert_false(cfg.sense.cp_bipolar);
    /* +12 V at 233 mV/V with its zero at +1.3 V is 2493.1 mV at the pin, and 10 mV of offset on top */
    int64_t mv = (int64_t)(24931 + 100 - cfg.sense.cp_zero_dmv) * cfg.sense.cp_gain_q16 / 65536;
    assert_in_range(mv, 11980, 12020);
}

static void test_address_of_the_station(void **state)
{
    (void)state;
    struct settings s = fresh();
    char url[500];
    struct link_cfg link;
    settings_map_link(&s, settings_text(&s, SETTING_server_url), url, sizeof url, &link);
    assert_string_equal(link.url, "");
    set(&s, SETTING_server_url, "ws://hub.local:8887/ocpp");
    set(&s, SETTING_station_id, "left bay/3");
    settings_map_link(&s, settings_text(&s, SETTING_server_url), url, sizeof url, &link);
    assert_string_equal(link.url, "ws://hub.local:8887/ocpp/left%20bay%2F3");
    assert_string_equal(link.user, "left bay/3");
    set(&s, SETTING_server_url, "ws://hub.local:8887/ocpp/");
    settings_map_link(&s, settings_text(&s, SETTING_server_url), url, sizeof url, &link);
    assert_string_equal(link.url, "ws://hub.local:8887/ocpp/left%20bay%2F3");

    char small[20]; /* cut, never past its end */
    settings_map_link(&s, settings_text(&s, SETTING_server_url), small, sizeof small, &link);
    assert_true(strlen(small) < sizeof small);
}

static void test_limits(void **state)
{
    (void)state;
    struct settings s = fresh();
    struct control_cmd cmd;
    set(&s, SETTING_user_current, "13");
    assert_true(settings_map_limit(&s, SETTING_user_current, &cmd));
    assert_int_equal(cmd.slot, LIMIT_USER);
    assert_int_equal(cmd.a, 13000);
    assert_int_equal(cmd.b, 0);
    assert_false(settings_map_limit(&s, SETTING_phases, &cmd));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_agree_with_core),
        cmocka_unit_test(test_unipolar_front_end),
        cmocka_unit_test(test_address_of_the_station),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
