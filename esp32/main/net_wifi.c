/*
 * net_wifi: net_link over Wi-Fi, as a station. Driven by events alone: handlers note what happened and set
 * one timer; connecting and giving up happen in that timer's callback, never inside a handler.
 */
#include "net_link.h"

#include <string.h>

#include "esp_check.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "esp_random.h"
#include "esp_timer.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"

static const char TAG[] = "wifi";

enum {
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60000,
    ADDRESS_WAIT_MS = 30000, /* associated but no address: DHCP has given up by then; start over */
    NAME_CHARS = 32,
    PASSWORD_CHARS = 64,
};

static struct {
    esp_netif_t *netif;
    esp_timer_handle_t timer;
    portMUX_TYPE lock;
    /* under the lock; written by the event task and the timer's callback */
    bool associated, addressed, configured;
    uint32_t attempts, losses;
    int last_reason;
    char address[16];
} w = {.lock = portMUX_INITIALIZER_UNLOCKED};

static void timer_set(uint32_t ms)
{
    (void)esp_timer_stop(w.timer); /* an error only says that it was not running */
    if (esp_timer_start_once(w.timer, (uint64_t)ms * 1000) != ESP_OK)
        ESP_LOGE(TAG, "retry timer");
}

/* Doubling wait with half of it random, so that a street of stations does not knock at once. */
static uint32_t retry_ms(uint32_t attempts)
{
    uint32_t ms = attempts < 7 ? (uint32_t)RETRY_MIN_MS << attempts : RETRY_MAX_MS;
    if (ms > RETRY_MAX_MS)
        ms = RETRY_MAX_MS;
    return ms / 2 + esp_random() % (ms / 2 + 1);
}

/* In the timer task. */
static void on_timer(void *arg)
{
    (void)arg;
    portENTER_CRITICAL(&w.lock);
    bool configured = w.configured, associated = w.associated, addressed = w.addressed;
    if (configured && !associated)
        w.attempts++;
    portEXIT_CRITICAL(&w.lock);
    if (!configured || addressed)
        return;
    if (associated) {
        ESP_LOGW(TAG, "no address: starting over");
        (void)esp_wifi_disconnect(); /* its event brings us back here */
        timer_set(RETRY_MAX_MS);     /* should the event be lost */
        return;
    }
    esp_err_t err = esp_wifi_connect();
    if (err != ESP_OK)
        ESP_LOGW(TAG, "connect: %s", esp_err_to_name(err));
    timer_set(RETRY_MAX_MS); /* one of the events comes first */
}

static void on_wifi(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == WIFI_EVENT_STA_START) {
        timer_set(1);
    } else if (id == WIFI_EVENT_STA_CONNECTED) {
        portENTER_CRITICAL(&w.lock);
        w.associated = true;
        portEXIT_CRITICAL(&w.lock);
        timer_set(ADDRESS_WAIT_MS);
    } else if (id == WIFI_EVENT_STA_DISCONNECTED) {
        const wifi_event_sta_disconnected_t *ev = data;
        portENTER_CRITICAL(&w.lock);
        if (w.associated)
            w.losses++;
        w.associated = w.addressed = false;
        w.last_reason = ev->reason;
        uint32_t attempts = w.attempts;
        portEXIT_CRITICAL(&w.lock);
        uint32_t ms = retry_ms(attempts);
        ESP_LOGW(TAG, "lost or refused (reason %d, %d dBm), again in %lu ms", (int)ev->reason, (int)ev->rssi,
                 (unsigned long)ms);
        timer_set(ms);
    }
}

static void on_ip(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == IP_EVENT_STA_GOT_IP) {
        const ip_event_got_ip_t *ev = data;
        char text[16];
        esp_ip4addr_ntoa(&ev->ip_info.ip, text, sizeof text);
        portENTER_CRITICAL(&w.lock);
        w.addressed = true;
        w.attempts = 0;
        memcpy(w.address, text, sizeof w.address);
        portEXIT_CRITICAL(&w.lock);
        (void)esp_timer_stop(w.timer);
        ESP_LOGI(TAG, "address %s", text);
    } else if (id == IP_EVENT_STA_LOST_IP) {
        portENTER_CRITICAL(&w.lock);
        w.addressed = false;
        bool associated = w.associated;
        portEXIT_CRITICAL(&w.lock);
        ESP_LOGW(TAG, "address lost");
        if (associated)
            timer_set(ADDRESS_WAIT_MS);
    }
}

static bool known(void)
{
    wifi_config_t cfg;
    return esp_wifi_get_config(WIFI_IF_STA, &cfg) == ESP_OK && cfg.sta.ssid[0] != 0;
}

esp_err_t net_link_start(void)
{
    w.netif = esp_netif_create_default_wifi_sta();
    ESP_RETURN_ON_FALSE(w.netif, ESP_ERR_NO_MEM, TAG, "interface");
    ESP_RETURN_ON_ERROR(esp_netif_set_hostname(w.netif, CONFIG_ECS_HOSTNAME), TAG, "host name");
    const esp_timer_create_args_t timer = {.callback = on_timer, .name = "wifi"};
    ESP_RETURN_ON_ERROR(esp_timer_create(&timer, &w.timer), TAG, "timer");
    const wifi_init_config_t init = WIFI_INIT_CONFIG_DEFAULT();
    ESP_RETURN_ON_ERROR(esp_wifi_init(&init), TAG, "driver");
    ESP_RETURN_ON_ERROR(
        esp_event_handler_instance_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_wifi, NULL, NULL), TAG,
        "events");
    ESP_RETURN_ON_ERROR(esp_event_handler_instance_register(IP_EVENT, ESP_EVENT_ANY_ID, on_ip, NULL, NULL),
                        TAG, "events");
    /* The driver keeps the credentials in NVS; nobody else stores or shows them. */
    ESP_RETURN_ON_ERROR(esp_wifi_set_storage(WIFI_STORAGE_FLASH), TAG, "storage");
    ESP_RETURN_ON_ERROR(esp_wifi_set_mode(WIFI_MODE_STA), TAG, "mode");
    w.configured = known();
    if (!w.configured)
        ESP_LOGW(TAG, "no network set: use the console's `wifi`");
    ESP_RETURN_ON_ERROR(esp_wifi_start(), TAG, "start");
    /* A station has mains: answers at once are worth more than the milliamperes. */
    return esp_wifi_set_ps(WIFI_PS_NONE);
}

void net_link_status(struct net_link_status *out)
{
    *out = (struct net_link_status){.kind = "Wi-Fi"};
    portENTER_CRITICAL(&w.lock);
    out->configured = w.configured;
    out->up = w.associated && w.addressed;
    out->losses = w.losses;
    out->last_reason = w.last_reason;
    out->attempts = w.attempts;
    memcpy(out->address, w.address, sizeof out->address);
    portEXIT_CRITICAL(&w.lock);
    wifi_config_t cfg;
    if (esp_wifi_get_config(WIFI_IF_STA, &cfg) == ESP_OK)
        memcpy(out->name, cfg.sta.ssid, NAME_CHARS); /* the 33rd byte is 0 already */
    int rssi;
    if (out->up && esp_wifi_sta_get_rssi(&rssi) == ESP_OK)
        out->rssi_dbm = rssi;
    if (!out->up)
        out->address[0] = '\0';
}

static esp_err_t use(const wifi_config_t *cfg, bool configured)
{
    wifi_config_t copy = *cfg;
    ESP_RETURN_ON_ERROR(esp_wifi_set_config(WIFI_IF_STA, &copy), TAG, "credentials");
    portENTER_CRITICAL(&w.lock);
    w.configured = configured;
    w.attempts = 0;
    bool associated = w.associated;
    portEXIT_CRITICAL(&w.lock);
    if (associated)
        return esp_wifi_disconnect(); /* the event connects anew */
    timer_set(1);
    return ESP_OK;
}

esp_err_t net_link_credentials(const char *name, const char *password)
{
    size_t n = strlen(name), p = password ? strlen(password) : 0;
    if (n == 0 || n > NAME_CHARS || p > PASSWORD_CHARS)
        return ESP_ERR_INVALID_ARG;
    wifi_config_t cfg = {.sta = {.threshold = {.authmode = p ? WIFI_AUTH_WPA2_PSK : WIFI_AUTH_OPEN},
                                 .scan_method = WIFI_ALL_CHANNEL_SCAN,
                                 .sort_method = WIFI_CONNECT_AP_BY_SIGNAL,
                                 .pmf_cfg = {.capable = true}}};
    memcpy(cfg.sta.ssid, name, n);
    if (p)
        memcpy(cfg.sta.password, password, p);
    esp_err_t err = use(&cfg, true);
    memset(&cfg, 0, sizeof cfg);
    return err;
}

esp_err_t net_link_forget(void)
{
    const wifi_config_t none = {0};
    return use(&none, false);
}
