#include "tests/panel/cases.h"

#include <string.h>

#include "panel/text.h"

static void ordinary(struct panel_view *v)
{
    *v = (struct panel_view){
        .screen = PANEL_READY,
        .phases = 3,
        .installed_ma = 32000,
        .offered_ma = 32000,
        .offered_by = LIMIT_INSTALLATION,
        .supply_mv = 230000,
        .until_minute = -1,
        .update_permille = -1,
    };
    text_copy(v->name, sizeof v->name, "Garage 2");
    text_copy(v->info.model, sizeof v->info.model, "ECSACP1");
    text_copy(v->info.firmware, sizeof v->info.firmware, "0.1.0");
    text_copy(v->info.serial, sizeof v->info.serial, "ECS-000042");
}

static void boot(struct panel_view *v)
{
    v->screen = PANEL_BOOT;
}

static void setup(struct panel_view *v)
{
    v->screen = PANEL_SETUP;
    text_copy(v->setup.ssid, sizeof v->setup.ssid, "ECSACP1-7F3A");
    text_copy(v->setup.password, sizeof v->setup.password, "k4tz-9mfe");
    text_copy(v->setup.url, sizeof v->setup.url, "http://192.168.4.1");
    text_copy(v->setup.qr, sizeof v->setup.qr, "WIFI:T:WPA;S:ECSACP1-7F3A;P:k4tz-9mfe;;");
}

static void setup_open(struct panel_view *v)
{
    setup(v);
    v->setup.password[0] = v->setup.url[0] = '\0';
    text_copy(v->setup.ssid, sizeof v->setup.ssid, "Ein sehr langer Netzname in 32 B");
    text_copy(v->setup.qr, sizeof v->setup.qr,
              "{\"ver\":\"v1\",\"name\":\"ECSACP1-7F3A\",\"username\":\"owner\",\"pop\":\"0123456789abcdef\","
              "\"transport\":\"ble\",\"network\":\"wifi\"}");
}

/* As long as Wi-Fi Easy Connect's are: a public key in base64. */
static void setup_phone(struct panel_view *v)
{
    v->screen = PANEL_SETUP;
    text_copy(
        v->setup.qr, sizeof v->setup.qr,
        "DPP:C:81/1,81/6,81/11;M:a4cf12f07f3a;K:MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADv4Pd8QbXq7Lk2mYc1eT0"
        "r5sWn9UzHjGf3aVxBhCoKp4=;;");
}

static void setup_usb(struct panel_view *v)
{
    v->screen = PANEL_SETUP;
}

static void ready(struct panel_view *v)
{
    (void)v;
}

static void ready_cable(struct panel_view *v)
{
    v->offered_ma = 20000;
    v->offered_by = LIMIT_CABLE;
    v->offline = true;
}

static void ready_single(struct panel_view *v)
{
    v->phases = 1;
    v->offered_ma = v->installed_ma = 16000;
}

static void ready_long_name(struct panel_view *v)
{
    text_copy(v->name, sizeof v->name, "Tiefgarage Straße des 17. Juni, Stellplatz 12½ – Süd");
    v->offline = true;
    v->supply_mv = 0;
}

static void ready_arabic_name(struct panel_view *v)
{
    text_copy(v->name, sizeof v->name, "مرآب الفيلا 12 (شمال)");
}

static void authorise(struct panel_view *v)
{
    v->screen = PANEL_AUTHORISE;
}

static void preparing(struct panel_view *v)
{
    v->screen = PANEL_PREPARING;
}

static void charging(struct panel_view *v)
{
    v->screen = PANEL_CHARGING;
    v->offered_ma = 16000;
    v->offered_by = LIMIT_SERVER;
    v->i_ma[0] = 15840;
    v->i_ma[1] = 15710;
    v->i_ma[2] = 15920;
    v->power_mw = 10936000;
    v->energy_wh = 12340;
    v->duration_s = 4365;
    v->session = true;
}

static void charging_hot(struct panel_view *v)
{
    charging(v);
    v->offered_by = LIMIT_TEMPERATURE;
    v->offline = true;
}

static void charging_cable(struct panel_view *v)
{
    charging(v);
    v->offered_ma = 20000;
    v->offered_by = LIMIT_CABLE;
    v->i_ma[0] = 19900;
    v->i_ma[1] = v->i_ma[2] = 0;
    v->power_mw = 4577000;
}

static void charging_single(struct panel_view *v)
{
    charging(v);
    v->phases = 1;
    v->offered_ma = 32000;
    v->offered_by = LIMIT_INSTALLATION;
    v->i_ma[0] = 31900;
    v->power_mw = 7337000;
}

static void charging_nothing(struct panel_view *v)
{
    charging(v);
    memset(v->i_ma, 0, sizeof v->i_ma);
    v->power_mw = 0;
    v->energy_wh = 0;
    v->duration_s = 0;
    v->offered_ma = 6000;
    v->offered_by = LIMIT_SUPPLY;
}

static void charging_most(struct panel_view *v)
{
    charging(v);
    text_copy(v->name, sizeof v->name, "Ladehub Ost, Säule 117, Anschluss 2");
    v->offline = true;
    v->installed_ma = v->offered_ma = 80000;
    v->offered_by = LIMIT_USER;
    v->i_ma[0] = 80000;
    v->i_ma[1] = 79990;
    v->i_ma[2] = 80010;
    v->power_mw = 55200000;
    v->energy_wh = 99999000;
    v->duration_s = 99 * 86400 + 23 * 3600;
}

static void charging_over(struct panel_view *v)
{
    charging(v);
    v->offered_ma = 10000;
    v->offered_by = LIMIT_PHASE_LOSS;
    v->i_ma[1] = 13400;
    v->i_ma[0] = 9900;
    v->i_ma[2] = 9800;
}

static void waiting_car(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_CAR;
}

static void waiting_car_after(struct panel_view *v)
{
    charging(v);
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_CAR;
}

static void waiting_server(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_SERVER;
    v->offered_ma = 0;
}

static void waiting_until(struct panel_view *v)
{
    waiting_server(v);
    v->until_minute = 22 * 60 + 5;
}

static void waiting_supply(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_SUPPLY;
    v->wait_s = 95;
}

static void waiting_heat(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_HEAT;
}

static void waiting_user(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_USER;
}

static void waiting_phase(struct panel_view *v)
{
    v->screen = PANEL_WAITING;
    v->wait = PANEL_WAIT_PHASE;
}

static void stopping(struct panel_view *v)
{
    charging(v);
    v->screen = PANEL_STOPPING;
}

static void closed(struct panel_view *v)
{
    v->screen = PANEL_CLOSED;
    v->offline = true;
}

static void failed(struct panel_view *v, enum fault f, const char *code)
{
    v->screen = PANEL_FAULT;
    v->fault = f;
    text_copy(v->code, sizeof v->code, code);
}

#define FAULT_CASE(id, name, code)                 \
    static void fault_##name(struct panel_view *v) \
    {                                              \
        failed(v, id, code);                       \
    }
FAULT_CASE(FAULT_CP_SHORT, signal, "CpShort")
FAULT_CASE(FAULT_DIODE, car, "Diode")
FAULT_CASE(FAULT_NO_CLOSE, station, "NoClose")
FAULT_CASE(FAULT_NO_DIODE_CHECK, setup, "NoDiodeCheck")
FAULT_CASE(FAULT_PP, cable, "Pp")
FAULT_CASE(FAULT_VENTILATION, ventilation, "Ventilation")
FAULT_CASE(FAULT_WELDED, welded, "Welded")
FAULT_CASE(FAULT_RCD, rcd, "Rcd")
FAULT_CASE(FAULT_OVERCURRENT, current, "Overcurrent")
FAULT_CASE(FAULT_OVERVOLTAGE, high, "Overvoltage")
FAULT_CASE(FAULT_UNDERVOLTAGE, low, "Undervoltage")
FAULT_CASE(FAULT_FREQUENCY, frequency, "Frequency")
FAULT_CASE(FAULT_PHASE_LOSS, phase, "PhaseLoss")
FAULT_CASE(FAULT_OVERTEMPERATURE, hot, "Overtemperature")
FAULT_CASE(FAULT_LOCK, lock, "Lock")

static void update(struct panel_view *v)
{
    v->screen = PANEL_UPDATE;
    v->update_permille = 427;
}

static void update_install(struct panel_view *v)
{
    v->screen = PANEL_UPDATE;
    v->update_phase = PANEL_INSTALLING;
    v->update_permille = 1000;
}

static void update_begin(struct panel_view *v)
{
    v->screen = PANEL_UPDATE;
    v->update_permille = 0;
}

static void info_network(struct panel_view *v)
{
    v->screen = PANEL_INFO_NETWORK;
    text_copy(v->info.link, sizeof v->info.link, "Wi-Fi “Zuhause”");
    text_copy(v->info.address, sizeof v->info.address, "192.168.178.42");
    text_copy(v->info.server, sizeof v->info.server, "wss://hub.example.org/ocpp");
    v->info.signal_dbm = -61;
    v->info.online = v->info.registered = true;
    v->info.reconnects = 3;
}

static void info_network_none(struct panel_view *v)
{
    v->screen = PANEL_INFO_NETWORK;
    text_copy(v->info.server, sizeof v->info.server,
              "wss://charging.backend.some-municipal-utility.example.org:8443/services/ocpp/v201");
    v->info.queued = 12345678;
}

static void info_station(struct panel_view *v)
{
    v->screen = PANEL_INFO_STATION;
    v->info.uptime_s = 12 * 86400 + 5 * 3600;
    v->info.cycles = 10321;
    v->info.temperature_known = true;
    v->info.temperature_mc = 41500;
}

static void info_meter(struct panel_view *v)
{
    charging(v);
    v->screen = PANEL_INFO_METER;
    v->info.meter_valid = true;
    v->info.freq_mhz = 49982;
    v->info.total_wh = 99999000;
    for (int i = 0; i < 3; i++) {
        v->info.v_mv[i] = 230100 + i * 700;
        v->info.p_mw[i] = 3645000 - i * 4000;
    }
}

static void info_meter_none(struct panel_view *v)
{
    v->screen = PANEL_INFO_METER;
    v->phases = 1;
}

static void info_log(struct panel_view *v)
{
    static const char *const lines[] = {
        "control pilot A -> B (8960 mV)",
        "cable 32000 mA",
        "state idle -> connected",
        "authorised by token 04A1…",
        "offering 16000 mA (server)",
        "control pilot B -> C (5990 mV)",
        "contactor closed after 20114 us: a line that is too long for the display",
        "state closing -> charging",
    };
    v->screen = PANEL_INFO_LOG;
    v->info.log_lines = PANEL_LOG_LINES;
    for (size_t i = 0; i < PANEL_LOG_LINES; i++)
        text_copy(v->info.log[i], sizeof v->info.log[i], lines[i]);
}

static void info_log_empty(struct panel_view *v)
{
    v->screen = PANEL_INFO_LOG;
}

const struct panel_case panel_cases[] = {
    {"boot", boot},
    {"setup", setup},
    {"setup-long", setup_open},
    {"setup-phone", setup_phone},
    {"setup-usb", setup_usb},
    {"ready", ready},
    {"ready-cable-offline", ready_cable},
    {"ready-single", ready_single},
    {"ready-long-name", ready_long_name},
    {"ready-arabic-name", ready_arabic_name},
    {"authorise", authorise},
    {"preparing", preparing},
    {"charging", charging},
    {"charging-hot-offline", charging_hot},
    {"charging-cable", charging_cable},
    {"charging-single", charging_single},
    {"charging-0a", charging_nothing},
    {"charging-80a", charging_most},
    {"charging-over", charging_over},
    {"waiting-car", waiting_car},
    {"waiting-car-after", waiting_car_after},
    {"waiting-server", waiting_server},
    {"waiting-until", waiting_until},
    {"waiting-supply", waiting_supply},
    {"waiting-heat", waiting_heat},
    {"waiting-user", waiting_user},
    {"waiting-phase", waiting_phase},
    {"stopping", stopping},
    {"closed", closed},
    {"fault-signal", fault_signal},
    {"fault-car", fault_car},
    {"fault-station", fault_station},
    {"fault-setup", fault_setup},
    {"fault-cable", fault_cable},
    {"fault-ventilation", fault_ventilation},
    {"fault-welded", fault_welded},
    {"fault-rcd", fault_rcd},
    {"fault-current", fault_current},
    {"fault-high", fault_high},
    {"fault-low", fault_low},
    {"fault-frequency", fault_frequency},
    {"fault-phase", fault_phase},
    {"fault-hot", fault_hot},
    {"fault-lock", fault_lock},
    {"update", update},
    {"update-install", update_install},
    {"update-begin", update_begin},
    {"info-network", info_network},
    {"info-network-none", info_network_none},
    {"info-station", info_station},
    {"info-meter", info_meter},
    {"info-meter-none", info_meter_none},
    {"info-log", info_log},
    {"info-log-empty", info_log_empty},
};
const size_t panel_case_count = sizeof panel_cases / sizeof *panel_cases;

void panel_case_view(const struct panel_case *c, enum panel_language l, struct panel_view *v)
{
    ordinary(v);
    v->language = l;
    c->make(v);
}

const struct panel_case *panel_case_find(const char *name)
{
    for (size_t i = 0; i < panel_case_count; i++)
        if (!strcmp(panel_cases[i].name, name))
            return &panel_cases[i];
    return NULL;
}
