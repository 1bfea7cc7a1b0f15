#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "esp_app_desc.h"
#include "esp_check.h"
#include "esp_console.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "log_tail.h"
#include "machine.h"
#include "net_link.h"
#include "outputs.h"
#include "prompt.h"
#include "sensing.h"
#include "settings_access.h"
#include "threads.h"

static const char TAG[] = "console";

enum {
    STACK = 6144,
    VALUE_CHARS = 260, /* the longest setting is 255 */
    TEST_WATCH_MS = 3000,
    LOCK_TEST_MS = 1500, /* within the time for which outputs_lock_test holds */
};

/* ---- status ---- */

struct link_view {
    struct station_link_status link;
    char url[sizeof((struct station *)0)->url];
};

static void view_link(void *arg)
{
    struct link_view *v = arg;
    station_link_status(machine_station(), &v->link);
    memcpy(v->url, machine_station()->url, sizeof v->url);
}

static const char *yes(bool b)
{
    return b ? "yes" : "no";
}

static void print_control(const struct control_status *c)
{
    printf("state       %s, pilot %c (%ld / %ld mV), duty %u.%02u %% (read %u.%02u %%)\n",
           evse_state_name(c->state), c->pilot, (long)c->cp_high_mv, (long)c->cp_low_mv, c->duty_bp / 100,
           c->duty_bp % 100, c->duty_read_bp / 100, c->duty_read_bp % 100);
    printf("fault       %s%s\n", c->fault == FAULT_NONE ? "none" : fault_name(c->fault),
           c->supply_waiting ? ", waiting to reconnect" : "");
    printf("current     offered %ld.%03ld A, cable %ld.%03ld A\n", (long)(c->offered_ma / 1000),
           (long)(c->offered_ma % 1000), (long)(c->cable_ma / 1000), labs((long)(c->cable_ma % 1000)));
    printf("contactor   %s, %lu operations; lock %s; authorised %s; in service %s\n",
           c->contactor_closed ? "closed" : "open", (unsigned long)c->contactor_cycles,
           c->locked ? "locked" : "open", yes(c->authorised), yes(c->available));
    printf("diode       %s\n",
           c->diode_checkable ? (c->diode_seen ? "seen" : "not seen") : "this front end can't see it");
    for (int p = 0; p < c->meter.phases && p < 3; p++)
        printf("L%d          %ld.%03ld V, %ld.%03ld A, %ld W\n", p + 1, (long)(c->meter.v_mv[p] / 1000),
               (long)(c->meter.v_mv[p] % 1000), (long)(c->meter.i_ma[p] / 1000),
               (long)(c->meter.i_ma[p] % 1000), (long)(c->meter.p_mw[p] / 1000));
    printf("energy      %lu Wh\n", (unsigned long)(c->meter.import_total_uwh / 1000000u));
}

static int cmd_status(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct control_status c;
    static struct link_view v; /* the console thread's alone; too large for its stack */
    struct net_link_status net;
    struct threads_health h;
    struct sensing_stats s;
    station_status(machine_station(), &c);
    sensing_stats_read(&s);
    net_link_status(&net);
    threads_health_read(&h);
    printf("firmware    %s%s, last reset: %s\n", esp_app_get_description()->version,
           machine_station()->firmware_glue.update.stage == STAGE_PROBATION ? " (on probation)" : "",
           log_tail_reason(machine_port()->reset_reason));
    print_control(&c);
    printf("converter   %ld conversions/s (asked %lu), %lu frames, %lu lost, %lu not fetched in time\n",
           (long)c.frame_rate_hz, (unsigned long)s.asked_hz, (unsigned long)s.frames,
           (unsigned long)c.frames_lost, (unsigned long)s.overflows);
    printf("network     %s%s%s, %s %s, %d dBm, lost %lu times, last reason %d\n", net.kind,
           net.name[0] ? " " : "", net.name,
           net.up           ? "up"
           : net.configured ? "connecting"
                            : "not set",
           net.address, net.rssi_dbm, (unsigned long)net.losses, net.last_reason);
    if (threads_in_comms(view_link, &v))
        printf("server      %s: %s, %s; queued %lu, sent %lu, received %lu, reconnects %lu\n",
               v.url[0] ? v.url : "(none set)", v.link.online ? "connected" : "not connected",
               v.link.registered ? "accepted" : "not accepted", (unsigned long)v.link.queued,
               (unsigned long)v.link.sent, (unsigned long)v.link.received, (unsigned long)v.link.reconnects);
    printf("memory      heap %u free, %u at least so far, largest block %u; PSRAM %u free\n",
           (unsigned)h.heap_free, (unsigned)h.heap_min, (unsigned)h.heap_block, (unsigned)h.psram_free);
    printf("stacks left control %lu, comms %lu, bell %lu, display %lu\n", (unsigned long)h.control_stack,
           (unsigned long)h.comms_stack, (unsigned long)h.bell_stack, (unsigned long)h.display_stack);
    printf("control     %lu steps late, %lu us at worst\n", (unsigned long)h.control_late,
           (unsigned long)h.control_worst_us);
    return 0;
}

/* ---- settings ---- */

static void print_setting(const struct setting_info *info)
{
    static char value[VALUE_CHARS]; /* the console thread's alone */
    if (!settings_access_get(info->name, value, sizeof value))
        return;
    printf("%-24s %s %s%s\n", info->name, info->flags & SETTING_SECRET ? "(secret)" : value,
           info->unit ? info->unit : "", info->flags & SETTING_READ_ONLY ? " (fixed)" : "");
}

static int cmd_get(int argc, char **argv)
{
    enum setting_id id;
    if (argc > 2) {
        printf("get [name]\n");
        return 1;
    }
    if (argc == 2) {
        if (!settings_find(argv[1], &id)) {
            printf("no setting is called %s\n", argv[1]);
            return 1;
        }
        print_setting(settings_info(id));
        printf("  %s%s\n", settings_info(id)->help,
               settings_info(id)->flags & SETTING_REBOOT ? " (takes effect after `reboot`)" : "");
        return 0;
    }
    for (int i = 0; i < SETTING_COUNT; i++)
        print_setting(settings_info((enum setting_id)i));
    return 0;
}

static int cmd_set(int argc, char **argv)
{
    static char value[VALUE_CHARS]; /* the console thread's alone */
    enum setting_id id;
    if (argc < 2 || argc > 3) {
        printf("set name value    (a secret: set name, its value is asked for)\n");
        return 1;
    }
    if (!settings_find(argv[1], &id)) {
        printf("no setting is called %s\n", argv[1]);
        return 1;
    }
    const struct setting_info *info = settings_info(id);
    bool secret = (info->flags & SETTING_SECRET) != 0;
    if (secret && argc == 3) {
        printf("%s is secret: type `set %s` alone, it is asked for without echo\n", info->name, info->name);
        return 1;
    }
    if (argc == 3) {
        (void)snprintf(value, sizeof value, "%s", argv[2]);
    } else {
        printf("%s: ", info->name);
        if (!prompt_line(value, sizeof value, !secret)) {
            printf("nothing changed\n");
            return 1;
        }
    }
    char why[120] = "";
    bool ok = settings_access_set(info->name, value, why, sizeof why);
    memset(value, 0, sizeof value);
    if (!ok) {
        printf("refused: %s\n", why);
        return 1;
    }
    printf("kept%s\n", info->flags & SETTING_REBOOT ? "; takes effect after `reboot`" : "");
    return 0;
}

static int cmd_wifi(int argc, char **argv)
{
    struct net_link_status net;
    net_link_status(&net);
    if (argc == 1) {
        printf("%s %s: %s %s, %d dBm, lost %lu times, last reason %d, %lu attempts since\n", net.kind,
               net.name,
               net.up           ? "up"
               : net.configured ? "connecting"
                                : "not set",
               net.address, net.rssi_dbm, (unsigned long)net.losses, net.last_reason,
               (unsigned long)net.attempts);
        return 0;
    }
    if (argc != 2) {
        printf("wifi [name]       in quotes if it has blanks; the password is asked for. wifi forget: no "
               "network\n");
        return 1;
    }
    esp_err_t err;
    if (strcmp(argv[1], "forget") == 0) {
        err = net_link_forget();
    } else {
        char password[66];
        printf("password (empty: open network): ");
        if (!prompt_line(password, sizeof password, false)) {
            printf("nothing changed\n");
            return 1;
        }
        err = net_link_credentials(argv[1], password);
        memset(password, 0, sizeof password);
    }
    printf("%s\n", err == ESP_OK                  ? "kept; connecting"
                   : err == ESP_ERR_NOT_SUPPORTED ? "this firmware uses a wire"
                                                  : esp_err_to_name(err));
    return err == ESP_OK ? 0 : 1;
}

/* ---- the rest ---- */

static int cmd_calibrate(int argc, char **argv)
{
    return calibration_run(argc == 2 ? argv[1] : "");
}

static int cmd_log(int argc, char **argv)
{
    static char text[LOG_TAIL_BYTES + 1]; /* the console thread's alone */
    bool previous = argc == 2 && strcmp(argv[1], "previous") == 0;
    if (argc > 2 || (argc == 2 && !previous)) {
        printf("log [previous]    previous: of the run before the last reset\n");
        return 1;
    }
    (void)log_tail_copy(previous, text, sizeof text);
    printf("%s", text[0] ? text : "(nothing)\n");
    return 0;
}

static void restart(void *arg)
{
    (void)arg;
    struct station *s = machine_station();
    s->restart.wanted = true;
    s->restart.when_idle = false;
    s->restart.asked_us = (uint64_t)machine_port()->now_us(machine_port()->ctx);
}

static int cmd_reboot(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("opening the contactor, then restarting\n");
    return threads_in_comms(restart, NULL) ? 0 : 1;
}

static int cmd_factory_reset(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    char answer[8];
    struct control_status c;
    station_status(machine_station(), &c);
    if (c.contactor_closed) {
        printf("not while a car charges\n");
        return 1;
    }
    printf("All settings, calibration and the network's password will be gone; transactions and energy stay. "
           "Type yes: ");
    if (!prompt_line(answer, sizeof answer, true) || strcmp(answer, "yes") != 0) {
        printf("nothing changed\n");
        return 1;
    }
    if (!settings_access_reset() || net_link_forget() != ESP_OK) {
        printf("could not be done completely\n");
        return 1;
    }
    return cmd_reboot(0, NULL);
}

/* ---- test ---- */

struct service {
    bool out;
};

static void set_service(void *arg)
{
    const struct control_cmd cmd = {.type = CONTROL_AVAILABLE,
                                    .a = ((const struct service *)arg)->out ? 0 : 1};
    wishes_want(&machine_station()->wishes, &cmd);
}

static int test_inputs(void)
{
    uint32_t in = outputs_inputs();
    printf("rcd tripped %s, auxiliary contact closed %s, cable locked %s, button %s, residual-current "
           "monitor %s\n",
           yes(in & GUARD_IN_RCD), yes(in & GUARD_IN_AUX), yes(in & GUARD_IN_LOCKED),
           yes(in & GUARD_IN_BUTTON), yes(in & GUARD_IN_RCM_FAULT));
    return 0;
}

static int test_pilot(void)
{
    struct control_status c;
    struct service service = {.out = true};
    station_status(machine_station(), &c);
    printf("steady +12 V: %ld mV %s\n", (long)c.cp_high_mv,
           c.cp_high_mv >= 11400 && c.cp_high_mv <= 12600 ? "ok" : "OUT OF RANGE");
    if (!threads_in_comms(set_service, &service))
        return 1;
    vTaskDelay(pdMS_TO_TICKS(TEST_WATCH_MS));
    station_status(machine_station(), &c);
    printf("state F: %ld mV %s\n", (long)c.cp_low_mv,
           !c.diode_checkable                               ? "(this front end can't see it)"
           : c.cp_low_mv <= -11400 && c.cp_low_mv >= -12600 ? "ok"
                                                            : "OUT OF RANGE");
    service.out = false;
    return threads_in_comms(set_service, &service) ? 0 : 1;
}

static int test_led(void)
{
    static const struct {
        enum outputs_led pattern;
        const char *what;
    } steps[] = {
        {OUTPUTS_LED_ON, "charging"}, {OUTPUTS_LED_SLOW, "car connected"}, {OUTPUTS_LED_FAST, "fault"}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        printf("%s\n", steps[i].what);
        for (int n = 0; n < TEST_WATCH_MS / 50; n++) { /* the comms thread shows the truth in between */
            outputs_led(steps[i].pattern);
            vTaskDelay(pdMS_TO_TICKS(50));
        }
    }
    return 0;
}

static void acknowledge(void *arg)
{
    const struct control_cmd cmd = {.type = CONTROL_CLEAR_FAULT};
    (void)arg;
    wishes_want(&machine_station()->wishes, &cmd);
}

/* core/rcm drives the test input, judges the answer and repeats; acknowledging asks it to. */
static int test_rcm(void)
{
    if (!machine_station()->control.cfg.rcm_fitted) {
        printf("no residual-current monitor with a test input is set (rcm_fitted)\n");
        return 1;
    }
    if (!threads_in_comms(acknowledge, NULL))
        return 1;
    vTaskDelay(pdMS_TO_TICKS(TEST_WATCH_MS));
    struct control_status c;
    station_status(machine_station(), &c);
    bool failed = (c.faults & 1u << FAULT_RCM_TEST) != 0;
    printf("residual-current monitor: %s\n", failed ? "FAILED" : "passed");
    return failed ? 1 : 0;
}

static int test_lock(void)
{
    if (CONFIG_ECS_PIN_LOCK < 0) {
        printf("no lock on this board\n");
        return 1;
    }
    printf("locking ...\n");
    outputs_lock_test(true);
    vTaskDelay(pdMS_TO_TICKS(LOCK_TEST_MS));
    bool locked = (outputs_inputs() & GUARD_IN_LOCKED) != 0;
    outputs_lock_test(false);
    vTaskDelay(pdMS_TO_TICKS(LOCK_TEST_MS));
    bool open = !(outputs_inputs() & GUARD_IN_LOCKED);
    printf("feedback: %s when locked, %s when released\n", locked ? "locked" : "NOT LOCKED",
           open ? "open" : "NOT OPEN");
    return locked && open ? 0 : 1;
}

static int cmd_test(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "inputs") == 0)
        return test_inputs();
    if (strcmp(what, "contactor") == 0) {
        printf("The contactor closes only for a car, and nothing on this console changes that. Use a car "
               "simulator at "
               "the socket: pilot at 6 V, diode, cable resistor.\n");
        return 1;
    }
    struct control_status c;
    station_status(machine_station(), &c);
    if (c.state != EVSE_IDLE || c.contactor_closed || c.authorised) {
        printf("interlocked: only with no car, no authorisation and no fault (now: %s)\n",
               evse_state_name(c.state));
        return 1;
    }
    if (strcmp(what, "pilot") == 0)
        return test_pilot();
    if (strcmp(what, "lock") == 0)
        return test_lock();
    if (strcmp(what, "rcm") == 0)
        return test_rcm();
    if (strcmp(what, "led") == 0)
        return test_led();
    printf("test inputs | pilot | lock | rcm | led | contactor\n");
    return 1;
}

esp_err_t console_start(void)
{
    static const esp_console_cmd_t commands[] = {
        {.command = "status",
         .help = "What the station, its network and its memory are doing",
         .func = cmd_status},
        {.command = "get", .help = "Shows settings", .hint = "[name]", .func = cmd_get},
        {.command = "set", .help = "Changes a setting", .hint = "name [value]", .func = cmd_set},
        {.command = "wifi", .help = "Shows or sets the network", .hint = "[name|forget]", .func = cmd_wifi},
        {.command = "calibrate",
         .help = "Guided two-point calibration",
         .hint = "cp|v|i",
         .func = cmd_calibrate},
        {.command = "log",
         .help = "The last lines of this run or the one before",
         .hint = "[previous]",
         .func = cmd_log},
        {.command = "test",
         .help = "Tries outputs and inputs, interlocked",
         .hint = "inputs|pilot|lock|rcm|led",
         .func = cmd_test},
        {.command = "reboot", .help = "Ends charging, keeps the registers, restarts", .func = cmd_reboot},
        {.command = "factory-reset", .help = "Settings as delivered", .func = cmd_factory_reset},
    };
    esp_console_repl_t *repl = NULL;
    esp_console_repl_config_t cfg = ESP_CONSOLE_REPL_CONFIG_DEFAULT();
    cfg.prompt = "ecs>";
    cfg.task_stack_size = STACK;
    cfg.task_core_id = 0; /* away from control */
    cfg.max_cmdline_length = 2 * VALUE_CHARS;
    const esp_console_dev_uart_config_t uart = ESP_CONSOLE_DEV_UART_CONFIG_DEFAULT();
    ESP_RETURN_ON_ERROR(esp_console_new_repl_uart(&uart, &cfg, &repl), TAG, "UART");
    ESP_RETURN_ON_ERROR(esp_console_register_help_command(), TAG, "help");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        ESP_RETURN_ON_ERROR(esp_console_cmd_register(&commands[i]), TAG, "%s", commands[i].command);
    return esp_console_start_repl(repl);
}
