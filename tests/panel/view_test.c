#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "station/panel_view.h"

static const uint64_t second = 1000000;

/* A station at rest, 100 s after start-up, and the parts of which its view is made. */
struct scene_of_station {
    struct control_status c;
    struct visit visit;
    struct panel_link link;
    struct settings settings;
    struct panel_identity identity;
    struct panel_machine machine;
    struct panel_view v;
    uint64_t now_us;
};

static int no_value(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)ctx, (void)key, (void)buf, (void)cap, (void)len;
    return PORT_ERR_NOT_FOUND;
}

static int no_set(void *ctx, const char *key, const void *buf, size_t len)
{
    (void)ctx, (void)key, (void)buf, (void)len;
    return PORT_OK;
}

static void begin(struct scene_of_station *t)
{
    static const struct port_kv empty = {.get = no_value, .set = no_set};
    memset(t, 0, sizeof *t);
    settings_load(&t->settings, &empty);
    t->now_us = 100 * second;
    t->c =
        (struct control_status){.at_us = 100 * second, .state = EVSE_IDLE, .pilot = 'A', .available = true};
    for (int i = 0; i < LIMIT_SLOTS; i++)
        t->c.limit[i] = (struct limit){.ma = LIMIT_NONE_MA, .fallback_ma = LIMIT_NONE_MA};
    t->c.limit[LIMIT_INSTALLATION].ma = 32000;
    t->c.limit[LIMIT_CABLE].ma = 0;
    t->link = (struct panel_link){.configured = true, .online = true, .registered = true, .server = "ws://x"};
    t->identity = (struct panel_identity){.serial = "S1", .model = "M", .firmware = "1.2.3"};
    t->machine.update_permille = -1;
}

static const struct panel_view *look(struct scene_of_station *t)
{
    t->c.at_us = t->now_us;
    visit_follow(&t->visit, &t->c);
    const struct panel_view_in in = {.control = &t->c,
                                     .visit = &t->visit,
                                     .link = &t->link,
                                     .settings = &t->settings,
                                     .identity = &t->identity,
                                     .machine = &t->machine,
                                     .now_us = t->now_us};
    panel_view_from(&in, &t->v);
    return &t->v;
}

static void each_state_has_its_screen(void **state)
{
    (void)state;
    static const struct {
        enum evse_state state;
        bool authorised;
        enum panel_screen screen;
    } rows[] = {
        {EVSE_SELF_TEST, false, PANEL_BOOT},     {EVSE_UNAVAILABLE, false, PANEL_CLOSED},
        {EVSE_IDLE, false, PANEL_READY},         {EVSE_CONNECTED, false, PANEL_AUTHORISE},
        {EVSE_CONNECTED, true, PANEL_PREPARING}, {EVSE_OFFERING, true, PANEL_PREPARING},
        {EVSE_WAITING, true, PANEL_WAITING},     {EVSE_WAKING, true, PANEL_PREPARING},
        {EVSE_CLOSING, true, PANEL_PREPARING},   {EVSE_CHARGING, true, PANEL_CHARGING},
        {EVSE_STOPPING, false, PANEL_STOPPING},  {EVSE_FAULT, false, PANEL_FAULT},
    };
    assert_int_equal(sizeof rows / sizeof *rows, EVSE_STATES + 1); /* CONNECTED twice */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene_of_station t;
        begin(&t);
        t.c.state = rows[i].state;
        t.c.authorised = rows[i].authorised;
        assert_int_equal(look(&t)->screen, rows[i].screen);
        t.machine.updating = true;
        assert_int_equal(look(&t)->screen, PANEL_UPDATE);
    }
}

static void setting_up_is_shown_only_without_a_car(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.machine.setup = true;
    t.machine.setup_qr = "WIFI:..";
    t.machine.setup_ssid = "ECSACP1-1";
    assert_int_equal(look(&t)->screen, PANEL_SETUP);
    assert_string_equal(t.v.setup.qr, "WIFI:..");
    assert_string_equal(t.v.setup.ssid, "ECSACP1-1");
    assert_string_equal(t.v.setup.url, "");
    t.c.state = EVSE_CHARGING;
    assert_int_equal(look(&t)->screen, PANEL_CHARGING);
}

static void ready_promises_what_a_car_would_get(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.c.offered_by = LIMIT_CABLE; /* no cable: nothing is offered now */
    assert_int_equal(look(&t)->offered_ma, 32000);
    assert_int_equal(t.v.offered_by, LIMIT_INSTALLATION);
    assert_int_equal(t.v.supply_mv, 0);
    t.c.limit[LIMIT_SERVER].ma = 0; /* a server that grants nothing before there is a car */
    assert_int_equal(look(&t)->offered_ma, 32000);
    t.c.limit[LIMIT_SERVER].ma = 16000;
    assert_int_equal(look(&t)->offered_ma, 16000);
    assert_int_equal(t.v.offered_by, LIMIT_SERVER);
    t.c.limit[LIMIT_TEMPERATURE].ma = 10000;
    assert_int_equal(look(&t)->offered_ma, 10000);
    assert_int_equal(t.v.offered_by, LIMIT_TEMPERATURE);
    t.c.cable_ma = t.c.limit[LIMIT_CABLE].ma = 13000; /* a cable left in the socket */
    t.c.limit[LIMIT_TEMPERATURE].ma = LIMIT_NONE_MA;
    assert_int_equal(look(&t)->offered_by, LIMIT_CABLE);
    t.c.meter = (struct meter_reading){.valid = true, .v_mv = {230000, 232000, 4000}};
    assert_int_equal(look(&t)->supply_mv, 230000);
}

static void waiting_tells_for_what(void **state)
{
    (void)state;
    static const struct {
        enum limit_slot by;
        enum panel_wait wait;
    } rows[] = {
        {LIMIT_SERVER, PANEL_WAIT_SERVER}, {LIMIT_TEMPERATURE, PANEL_WAIT_HEAT},
        {LIMIT_SUPPLY, PANEL_WAIT_SUPPLY}, {LIMIT_PHASE_LOSS, PANEL_WAIT_PHASE},
        {LIMIT_USER, PANEL_WAIT_USER},     {LIMIT_INSTALLATION, PANEL_WAIT_SERVER},
        {LIMIT_CABLE, PANEL_WAIT_SERVER},
    };
    struct scene_of_station t;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin(&t);
        t.c.state = EVSE_WAITING;
        t.c.offered_by = rows[i].by;
        assert_int_equal(look(&t)->wait, rows[i].wait);
        t.c.supply_waiting = true;
        assert_int_equal(look(&t)->wait, PANEL_WAIT_SUPPLY);
    }
}

static void a_car_that_does_not_ask_is_waited_for_after_a_while(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.c.state = EVSE_OFFERING;
    t.c.pilot = 'B';
    assert_int_equal(look(&t)->screen, PANEL_PREPARING);
    t.now_us += 20 * second;
    assert_int_equal(look(&t)->screen, PANEL_WAITING);
    assert_int_equal(t.v.wait, PANEL_WAIT_CAR);
    /* One that has charged and stopped asking: at once. */
    t.c.state = EVSE_CHARGING;
    t.c.pilot = 'C';
    (void)look(&t);
    t.c.state = EVSE_OFFERING;
    t.c.pilot = 'B';
    assert_int_equal(look(&t)->screen, PANEL_WAITING);
    assert_true(t.v.session);
}

static void an_appointment_is_told_a_lease_is_not(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.c.state = EVSE_WAITING;
    t.c.offered_by = LIMIT_SERVER;
    t.c.limit[LIMIT_SERVER] =
        (struct limit){.ma = 0, .expires_us = t.now_us + 60 * second, .fallback_ma = 16000};
    assert_int_equal(look(&t)->wait_s, 0);
    t.c.limit[LIMIT_SERVER].expires_us = t.now_us + 3600 * second;
    assert_int_equal(look(&t)->wait_s, 3600);
    assert_int_equal(t.v.until_minute, -1);
    t.machine.clock_known = true;
    t.machine.minute_of_day = 23 * 60 + 30;
    assert_int_equal(look(&t)->until_minute, 30);
    t.c.limit[LIMIT_SERVER].fallback_ma = 0; /* nothing then either */
    assert_int_equal(look(&t)->wait_s, 0);
    t.c.limit[LIMIT_SERVER] = (struct limit){.ma = 0, .fallback_ma = 16000}; /* for ever */
    assert_int_equal(look(&t)->wait_s, 0);
}

static void energy_and_time_are_of_this_visit(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.c.meter = (struct meter_reading){
        .valid = true, .import_total_uwh = 5000000000u, .p_total_mw = 7000000, .i_ma = {10000, 10100, 10200}};
    (void)look(&t);
    assert_false(t.v.session);
    t.c.pilot = 'B';
    t.c.state = EVSE_CONNECTED;
    (void)look(&t);
    assert_false(t.v.session);
    t.now_us += 60 * second;
    t.c.pilot = 'C';
    t.c.state = EVSE_CHARGING;
    t.c.meter.import_total_uwh += 1234000000;
    (void)look(&t);
    assert_true(t.v.session);
    assert_int_equal(t.v.energy_wh, 1234);
    assert_int_equal(t.v.duration_s, 60);
    assert_int_equal(t.v.power_mw, 7000000);
    assert_int_equal(t.v.i_ma[2], 10200);
    t.c.pilot = 'F'; /* a fault: the car has not gone for that */
    t.c.state = EVSE_FAULT;
    assert_true(look(&t)->session);
    t.c.pilot = 'A';
    t.c.state = EVSE_IDLE;
    assert_false(look(&t)->session);
    assert_int_equal(t.v.energy_wh, 0);
    t.c.pilot = 'B'; /* the next car begins at nothing */
    assert_int_equal(look(&t)->energy_wh, 0);
    assert_int_equal(t.v.duration_s, 0);
}

static void without_a_reading_there_is_no_power(void **state)
{
    (void)state;
    struct scene_of_station t;
    begin(&t);
    t.c.state = EVSE_CHARGING;
    t.c.meter = (struct meter_reading){.p_total_mw = 7000000, .i_ma = {1, 2, 3}};
    assert_int_equal(look(&t)->power_mw, 0);
    assert_int_equal(t.v.i_ma[0], 0);
    assert_false(t.v.info.meter_valid);
}

static void texts_and_settings_get_there(void **state)
{
    (void)state;
    struct scene_of_station t;
    static const char *const log[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
    char why[100];
    begin(&t);
    assert_int_equal(settings_set(&t.settings, SETTING_language, "fr", why, sizeof why), SETTINGS_OK);
    assert_int_equal(settings_set(&t.settings, SETTING_station_name, "Bär", why, sizeof why), SETTINGS_OK);
    assert_int_equal(settings_force(&t.settings, SETTING_phases, "1", why, sizeof why), SETTINGS_OK_REBOOT);
    t.link.online = false;
    t.link.queued = 7;
    t.machine.log = log;
    t.machine.log_lines = 9;
    t.c.fault = FAULT_WELDED;
    (void)look(&t);
    assert_int_equal(t.v.language, PANEL_FRENCH);
    assert_string_equal(t.v.name, "Bär");
    assert_int_equal(t.v.phases, 1);
    assert_true(t.v.offline);
    assert_int_equal(t.v.info.queued, 7);
    assert_int_equal(t.v.info.log_lines, PANEL_LOG_LINES);
    assert_string_equal(t.v.info.log[0], "2"); /* the newest */
    assert_string_equal(t.v.info.log[7], "9");
    assert_string_equal(t.v.code, "Welded");
    assert_string_equal(t.v.info.firmware, "1.2.3");
    assert_int_equal(t.v.info.uptime_s, 100);
    assert_int_equal(settings_set(&t.settings, SETTING_station_name, "", why, sizeof why), SETTINGS_OK);
    assert_string_equal(look(&t)->name, "ECSACP1"); /* its id, then */
    t.link.configured = false;                      /* no server is wanted: that is not "offline" */
    assert_false(look(&t)->offline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_its_screen),
        cmocka_unit_test(setting_up_is_shown_only_without_a_car),
        cmocka_unit_test(ready_promises_what_a_car_would_get),
        cmocka_unit_test(waiting_tells_for_what),
        cmocka_unit_test(a_car_that_does_not_ask_is_waited_for_after_a_while),
        cmocka_unit_test(an_appointment_is_told_a_lease_is_not),
        cmocka_unit_test(energy_and_time_are_of_this_visit),
        cmocka_unit_test(without_a_reading_there_is_no_power),
        cmocka_unit_test(texts_and_settings_get_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
