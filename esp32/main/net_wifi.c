/*
 * net_wifi: net_link over Wi-Fi, as a station. Driven by events alone: handlers note what happened and set
 * one timer; connecting and giving up happen in that timer's callback, never inside a handler. Credentials
 * come from the console, or from a phone by Wi-Fi Easy Connect (DPP): the display shows a code, the phone
 * scans it and hands over a network that it knows.
 */
#include "net_link.h"

#include <string.h>

#include "esp_check.h"
#include "esp_dpp.h"
#include "esp_event.h"
#include "esp_idf_version.h"
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
    SETUP_US = 600000000,
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
    bool listening;       /* for a phone; meanwhile there is no connecting */
    int64_t set_up_until; /* asked for by a person */
    char code[NET_LINK_CODE_MAX + 1];

    bool dpp_begun; /* of the thread that calls net_link_setup_step */
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

/* Under the lock. */
static bool set_up_wanted(void)
{
    return !w.configured || esp_timer_get_time() < w.set_up_until;
}

/* In the timer task. */
static void on_timer(void *arg)
{
    (void)arg;
    portENTER_CRITICAL(&w.lock);
    bool configured = w.configured, associated = w.associated, addressed = w.addressed;
    bool listening = w.listening && set_up_wanted();
    if (configured && !associated && !listening)
        w.attempts++;
    portEXIT_CRITICAL(&w.lock);
    if (!configured || addressed)
        return;
    if (listening) {
        timer_set(RETRY_MAX_MS);
        return;
    }
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
#ifdef CONFIG_ESP_WIFI_DPP_SUPPORT
    } else if (id == WIFI_EVENT_DPP_URI_READY) {
        const wifi_event_dpp_uri_ready_t *ev = data;
        size_t n = strnlen(ev->uri, ev->uri_data_len);
        if (n > NET_LINK_CODE_MAX) {
            ESP_LOGE(TAG, "set-up code of %u characters is too long", (unsigned)n);
            return;
        }
        portENTER_CRITICAL(&w.lock);
        memcpy(w.code, ev->uri, n);
        w.code[n] = '\0';
        portEXIT_CRITICAL(&w.lock);
    } else if (id == WIFI_EVENT_DPP_FAILED) {
        const wifi_event_dpp_failed_t *ev = data;
        ESP_LOGW(TAG, "phone gave no network: %s", esp_err_to_name((esp_err_t)ev->failure_reason));
        portENTER_CRITICAL(&w.lock);
        w.listening = false; /* the next step listens again */
        portEXIT_CRITICAL(&w.lock);
    } else if (id == WIFI_EVENT_DPP_CFG_RECVD) {
        const wifi_event_dpp_config_received_t *ev = data;
        wifi_config_t cfg = ev->wifi_cfg;
        cfg.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
        cfg.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
        portENTER_CRITICAL(&w.lock);
        w.listening = false;
        w.set_up_until = 0;
        portEXIT_CRITICAL(&w.lock);
        ESP_LOGI(TAG, "a phone gave the network %.32s", (const char *)cfg.sta.ssid);
        if (use(&cfg, true) != ESP_OK)
            ESP_LOGE(TAG, "it can't be kept");
        memset(&cfg, 0, sizeof cfg);
#endif
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
        ESP_LOGW(TAG, "no network set: use the console's `wifi`, or scan the display's code");
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

void net_link_setup(void)
{
    portENTER_CRITICAL(&w.lock);
    bool refused = w.associated && w.addressed;
    if (!refused)
        w.set_up_until = esp_timer_get_time() + SETUP_US;
    portEXIT_CRITICAL(&w.lock);
    if (refused)
        ESP_LOGW(TAG, "set-up refused: the network is up");
}

#ifdef CONFIG_ESP_WIFI_DPP_SUPPORT
/* Its answer is WIFI_EVENT_DPP_URI_READY. A new key with every start, so an old picture of the code is worth
 * nothing. */
static esp_err_t dpp_begin(void)
{
#if ESP_IDF_VERSION < ESP_IDF_VERSION_VAL(6, 0, 0)
    ESP_RETURN_ON_ERROR(esp_supp_dpp_init(NULL), TAG, "Easy Connect");
#else
    ESP_RETURN_ON_ERROR(esp_supp_dpp_init(), TAG, "Easy Connect");
#endif
    /* The three channels that do not overlap: phones look on those that the code names. */
    return esp_supp_dpp_bootstrap_gen("1,6,11", DPP_BOOTSTRAP_QR_CODE, NULL, NULL);
}

static void dpp_listen(void)
{
    /* A search for the old network would keep the radio on its channels. */
    (void)esp_wifi_disconnect();
    esp_err_t err = esp_supp_dpp_start_listen();
    if (err == ESP_OK)
        return;
    ESP_LOGW(TAG, "listening for a phone: %s", esp_err_to_name(err));
    portENTER_CRITICAL(&w.lock);
    w.listening = false;
    portEXIT_CRITICAL(&w.lock);
}

bool net_link_setup_step(char *code, size_t cap)
{
    portENTER_CRITICAL(&w.lock);
    bool wanted = w.netif && set_up_wanted() && !(w.associated && w.addressed), was = w.listening;
    bool idle = !w.associated;
    bool ready = w.code[0] != '\0' && strlen(w.code) < cap;
    if (wanted && ready)
        memcpy(code, w.code, strlen(w.code) + 1);
    else if (cap)
        code[0] = '\0';
    w.listening = wanted && ready;
    portEXIT_CRITICAL(&w.lock);
    if (wanted && !w.dpp_begun) {
        w.dpp_begun = true; /* once: what fails now fails always */
        esp_err_t err = dpp_begin();
        if (err != ESP_OK)
            ESP_LOGW(TAG, "no set-up by phone: %s", esp_err_to_name(err));
    } else if (wanted && ready && !was) {
        dpp_listen();
    } else if (!wanted && was) {
        (void)esp_supp_dpp_stop_listen();
        if (idle)
            timer_set(1);
    }
    return wanted && ready;
}
#else
bool net_link_setup_step(char *code, size_t cap)
{
    if (cap)
        code[0] = '\0';
    return false;
}
#endif
