#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "board.h"
#include "esp_app_desc.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "firmware_slots.h"
#include "flash_area.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "kv_nvs.h"
#include "log_tail.h"
#include "net/http_client.h"
#include "net/ws_client.h"
#include "outputs.h"
#include "sensing.h"
#include "threads.h"
#include "tls_trust.h"

#include <libwebsockets.h>

static const char TAG[] = "machine";

enum {
    OCPP_ALIGN = 16,
    /* libwebsockets looks its sockets up by number: it has to know every number that lwIP can give. */
    FILES_MAX = CONFIG_LWIP_MAX_SOCKETS,
    SMALL_BYTES_PER_MESSAGE = 6000,
    SERIAL_CHARS = 13,            /* MAC address in hexadecimal */
    LOG_PSRAM_BYTES = 256 * 1024, /* some 4000 lines: days */
    LOG_SMALL_BYTES = 4 * 1024,
    BLACKBOX_SMALL_BYTES = 8 * 1024, /* a sample each 80 ms instead of 10 */
    REBOOT_WAIT_MS = 100,            /* for the last log lines to leave the UART */
    PAIRS_MAX = 10,
};

/* Kept beside the settings; gone with them at a factory reset. */
static const char FIRST_START_KEY[] = "_first_start";

/* The one station of this chip. In internal RAM, because the interrupt works on the guard in it. */
static _Alignas(64) struct station station;
static struct {
    struct port port;
    struct transport transport;
    struct http http;
    struct sense_cfg sense;
    struct lws_context *context;
    struct ws_client *client;
    struct http_client *http_client;
    lws_sorted_usec_list_t timer;
    size_t psram;
    char serial[SERIAL_CHARS];
    char id[32];
    char number[4][12];
    const char *forced[2 * PAIRS_MAX + 2];
} m;

/* In the 8 KB of RTC slow memory, beside log_tail's: not cleared at a reset, noise after a loss of power. */
static RTC_NOINIT_ATTR uint64_t retained[PORT_RETAINED_BYTES / sizeof(uint64_t)];

struct station *machine_station(void)
{
    return &station;
}

const struct port *machine_port(void)
{
    return &m.port;
}

size_t machine_psram_bytes(void)
{
    return m.psram;
}

/* ---- the port ---- */

static uint64_t now_us(void *ctx)
{
    (void)ctx;
    return (uint64_t)esp_timer_get_time();
}

static uint32_t random_word(void *ctx)
{
    (void)ctx;
    return esp_random();
}

static void wake_comms(void *ctx)
{
    (void)ctx;
    threads_wake_comms();
}

static void health(void *ctx, struct port_health *out)
{
    (void)ctx;
    struct threads_health h;
    threads_health_read(&h);
    *out = (struct port_health){
        .control_stack = h.control_stack,
        .comms_stack = h.comms_stack,
        .heap_min = (uint32_t)h.heap_min,
        .heap_block = (uint32_t)h.heap_block,
    };
}

static void pilot_write(void *ctx, uint16_t duty_bp)
{
    (void)ctx;
    outputs_pilot(duty_bp);
}

static void contactor_off(void *ctx)
{
    (void)ctx;
    outputs_contactor_off();
}

static void lock_write(void *ctx, bool locked)
{
    (void)ctx;
    outputs_lock(locked);
}

static void rcm_test_write(void *ctx, bool on)
{
    (void)ctx;
    outputs_rcm_test(on);
}

static uint32_t inputs(void *ctx)
{
    (void)ctx;
    return outputs_inputs();
}

/* The ESP32 has no calibrated sensor and the board none of its own: core is told so, not given a guess. */
static bool temperature_mc(void *ctx, int32_t *out)
{
    (void)ctx;
    (void)out;
    return false;
}

static void log_line(void *ctx, int level, const char *text)
{
    (void)ctx;
    log_tail_print(level, text);
}

static void reboot(void *ctx)
{
    (void)ctx;
    outputs_safe();
    vTaskDelay(pdMS_TO_TICKS(REBOOT_WAIT_MS));
    esp_restart();
}

/* ---- the network client ---- */

static void lws_line(int level, const char *line)
{
    char text[160];
    size_t n = strcspn(line, "\r\n");
    (void)snprintf(text, sizeof text, "libwebsockets: %.*s", (int)(n < 120 ? n : 120), line);
    log_tail_line(level & LLL_ERR ? 1 : 2, text);
}

static void timer_passed(lws_sorted_usec_list_t *sul)
{
    (void)sul; /* its passing ends lws_service's wait, which is all it is for */
}

static esp_err_t client_open(void)
{
    tls_trust_init();
    lws_set_log_level(LLL_ERR, lws_line);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.fd_limit_per_thread = FILES_MAX;
    m.context = lws_create_context(&info);
    ESP_RETURN_ON_FALSE(m.context, ESP_ERR_NO_MEM, TAG, "libwebsockets context");
    ESP_RETURN_ON_FALSE(ws_client_add_vhost(m.context, NULL), ESP_ERR_NO_MEM, TAG, "libwebsockets vhost");
    m.client = ws_client_create(m.context, OCPP_TEXT_MAX);
    ESP_RETURN_ON_FALSE(m.client, ESP_ERR_NO_MEM, TAG, "WebSocket client");
    ws_client_transport(m.client, &m.transport);
    m.http_client = http_client_create(m.context);
    ESP_RETURN_ON_FALSE(m.http_client, ESP_ERR_NO_MEM, TAG, "HTTP client");
    http_client_http(m.http_client, &m.http);
    threads_set_context(m.context);
    return ESP_OK;
}

void machine_serve(uint64_t until_us)
{
    uint64_t now = now_us(NULL);
    lws_usec_t wait = until_us > now ? (lws_usec_t)(until_us - now) : 1;
    lws_sul_schedule(m.context, 0, &m.timer, timer_passed, wait);
    if (lws_service(m.context, 0) < 0)
        vTaskDelay(
            1); /* it says so only while it is being destroyed, which it never is: no busy loop even then */
}

/* ---- start ---- */

static void force(size_t *n, const char *name, const char *value)
{
    if (*n + 2 > 2 * PAIRS_MAX)
        return;
    m.forced[(*n)++] = name;
    m.forced[(*n)++] = value;
}

/* Kconfig's installation is what a station has at its first start and after a factory reset; from then on the
 * settings rule. */
static void first_settings(void)
{
    size_t n = 0;
#ifdef CONFIG_ECS_SMALL_MEMORY
    (void)snprintf(m.number[0], sizeof m.number[0], "%d", (int)SMALL_BYTES_PER_MESSAGE);
    force(&n, "bytes_per_message", m.number[0]);
#endif
    uint8_t mark = 0;
    size_t len = 0;
    if (m.port.kv.get(m.port.kv.ctx, FIRST_START_KEY, &mark, sizeof mark, &len) == PORT_ERR_NOT_FOUND) {
        (void)snprintf(m.number[1], sizeof m.number[1], "%d", CONFIG_ECS_PHASES);
        (void)snprintf(m.number[2], sizeof m.number[2], "%d", CONFIG_ECS_INSTALLATION_CURRENT);
        force(&n, "phases", m.number[1]);
        force(&n, "installation_current", m.number[2]);
        force(&n, "cp_bipolar", BOARD_CP_BIPOLAR ? "1" : "0");
        force(&n, "aux_fitted", CONFIG_ECS_PIN_AUX >= 0 ? "1" : "0");
        force(&n, "lock_fitted", CONFIG_ECS_PIN_LOCK >= 0 ? "1" : "0");
        force(&n, "rcm_fitted", CONFIG_ECS_PIN_RCM_TEST >= 0 && CONFIG_ECS_PIN_RCM_FAULT >= 0 ? "1" : "0");
        force(&n, "station_id", CONFIG_ECS_STATION_ID[0] ? CONFIG_ECS_STATION_ID : m.id);
#ifdef CONFIG_ECS_FREE_CHARGING
        force(&n, "free_charging", "1");
#endif
        if (sizeof(CONFIG_ECS_SERVER_URL) > 1)
            force(&n, "server_url", CONFIG_ECS_SERVER_URL);
    }
    m.forced[n] = m.forced[n + 1] = NULL;
}

static void *ocpp_memory(void)
{
    void *mem = NULL;
    m.psram = heap_caps_get_total_size(MALLOC_CAP_SPIRAM);
    if (m.psram)
        mem = heap_caps_aligned_calloc(OCPP_ALIGN, 1, ocpp_size(), MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
    if (!mem) {
        m.psram = 0;
        mem = heap_caps_aligned_calloc(OCPP_ALIGN, 1, ocpp_size(), MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    }
    return mem;
}

/* For the log and the black box: what PSRAM has plenty of, or a little of the internal memory. NULL and 0:
 * none left, and the station goes on without. */
static void *spare_memory(size_t psram_bytes, size_t small_bytes, size_t *bytes)
{
    *bytes = m.psram ? psram_bytes : small_bytes;
    void *mem = heap_caps_aligned_calloc(
        OCPP_ALIGN, 1, *bytes, (m.psram ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL) | MALLOC_CAP_8BIT);
    if (!mem)
        *bytes = 0;
    return mem;
}

static esp_err_t identity(void)
{
    uint8_t mac[6];
    ESP_RETURN_ON_ERROR(esp_read_mac(mac, ESP_MAC_BASE), TAG, "MAC");
    (void)snprintf(m.serial, sizeof m.serial, "%02X%02X%02X%02X%02X%02X", mac[0], mac[1], mac[2], mac[3],
                   mac[4], mac[5]);
    (void)snprintf(m.id, sizeof m.id, "ECSACP1-%02X%02X%02X", mac[3], mac[4], mac[5]);
    return ESP_OK;
}

esp_err_t machine_init(enum port_reset_reason reason)
{
    m.port = (struct port){
        .now_us = now_us,
        .random = random_word,
        .wake_comms = wake_comms,
        .pilot_write = pilot_write,
        .contactor_off = contactor_off,
        .lock_write = lock_write,
        .rcm_test_write = rcm_test_write,
        .inputs = inputs,
        .temperature_mc = temperature_mc,
        .log = log_line,
        .health = health,
        .reboot = reboot,
        .reset_reason = reason,
        .retained = retained,
    };
    void *ocpp = ocpp_memory(); /* first, while the heap is whole */
    ESP_RETURN_ON_FALSE(ocpp, ESP_ERR_NO_MEM, TAG,
                        "%u bytes for OCPP: PSRAM missing, or set ECS_SMALL_MEMORY", (unsigned)ocpp_size());
    ESP_RETURN_ON_ERROR(kv_nvs_open(&m.port.kv), TAG, "settings");
    ESP_RETURN_ON_ERROR(flash_area_open("journal", &m.port.journal), TAG, "journal partition");
    firmware_slots_open(&m.port.firmware);
    ESP_RETURN_ON_ERROR(identity(), TAG, "identity");
    ESP_RETURN_ON_ERROR(sensing_cfg(&m.sense), TAG, "converter");
    ESP_RETURN_ON_ERROR(client_open(), TAG, "network client");
    first_settings();

    size_t log_bytes, blackbox_size;
    void *log_mem = spare_memory(LOG_PSRAM_BYTES, LOG_SMALL_BYTES, &log_bytes);
    void *blackbox_mem =
        spare_memory(blackbox_bytes(CONTROL_PERIOD_US), BLACKBOX_SMALL_BYTES, &blackbox_size);
    const struct station_boot boot = {
        .port = &m.port,
        .transport = &m.transport,
        .http = &m.http,
        .sense = &m.sense,
        .serial = m.serial,
        .model = "ECSACP1",
        .firmware = esp_app_get_description()->version,
        .security = UPDATE_SECURITY,
        .ocpp_mem = ocpp,
        .log_mem = log_mem,
        .blackbox_mem = blackbox_mem,
        .log_bytes = log_bytes,
        .blackbox_bytes = blackbox_size,
        .settings = m.forced,
    };
    (void)station_init(&station, &boot);
    const uint8_t mark = 1;
    if (m.port.kv.set(m.port.kv.ctx, FIRST_START_KEY, &mark, sizeof mark) != PORT_OK)
        ESP_LOGE(TAG, "settings can't be kept");
    return ESP_OK;
}
