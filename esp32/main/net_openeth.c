/*
 * net_openeth: net_link over the OpenCores Ethernet MAC of the emulator, with DHCP.
 */
#include "net_link.h"

#include <string.h>

#include "esp_check.h"
#include "esp_eth.h"
#include "esp_event.h"
#include "esp_idf_version.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"

static const char TAG[] = "ethernet";

enum {
    AUTONEGOTIATION_MS = 100
}; /* the emulated one is done at once; the driver's default waits for seconds */

static struct {
    portMUX_TYPE lock;
    bool up;
    uint32_t losses;
    char address[16];
} e = {.lock = portMUX_INITIALIZER_UNLOCKED};

static void set_up(bool up, const char *address)
{
    portENTER_CRITICAL(&e.lock);
    if (e.up && !up)
        e.losses++;
    e.up = up;
    if (address)
        memcpy(e.address, address, sizeof e.address);
    portEXIT_CRITICAL(&e.lock);
}

static void on_eth(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    (void)data;
    if (id == ETHERNET_EVENT_DISCONNECTED || id == ETHERNET_EVENT_STOP) {
        ESP_LOGW(TAG, "link lost");
        set_up(false, NULL);
    }
}

static void on_ip(void *arg, esp_event_base_t base, int32_t id, void *data)
{
    (void)arg;
    (void)base;
    if (id == IP_EVENT_ETH_GOT_IP) {
        const ip_event_got_ip_t *ev = data;
        char text[16] = "";
        esp_ip4addr_ntoa(&ev->ip_info.ip, text, sizeof text);
        set_up(true, text);
        ESP_LOGI(TAG, "address %s", text);
    } else if (id == IP_EVENT_ETH_LOST_IP) {
        ESP_LOGW(TAG, "address lost");
        set_up(false, NULL);
    }
}

esp_err_t net_link_start(void)
{
    const esp_netif_config_t netif_cfg = ESP_NETIF_DEFAULT_ETH();
    esp_netif_t *netif = esp_netif_new(&netif_cfg);
    ESP_RETURN_ON_FALSE(netif, ESP_ERR_NO_MEM, TAG, "interface");
    ESP_RETURN_ON_ERROR(esp_netif_set_hostname(netif, CONFIG_ECS_HOSTNAME), TAG, "host name");

    const eth_mac_config_t mac_cfg = ETH_MAC_DEFAULT_CONFIG();
    eth_phy_config_t phy_cfg = ETH_PHY_DEFAULT_CONFIG();
    phy_cfg.autonego_timeout_ms = AUTONEGOTIATION_MS;
    phy_cfg.reset_gpio_num = -1;
    esp_eth_mac_t *mac = esp_eth_mac_new_openeth(&mac_cfg);
    /* The emulator's PHY is a DP83848. Its driver left ESP-IDF with version 6; the generic one does there. */
#if ESP_IDF_VERSION < ESP_IDF_VERSION_VAL(6, 0, 0)
    esp_eth_phy_t *phy = esp_eth_phy_new_dp83848(&phy_cfg);
#else
    esp_eth_phy_t *phy = esp_eth_phy_new_generic(&phy_cfg);
#endif
    ESP_RETURN_ON_FALSE(mac && phy, ESP_ERR_NO_MEM, TAG, "MAC or PHY");
    const esp_eth_config_t cfg = ETH_DEFAULT_CONFIG(mac, phy);
    esp_eth_handle_t eth;
    ESP_RETURN_ON_ERROR(esp_eth_driver_install(&cfg, &eth), TAG, "driver");
    esp_eth_netif_glue_handle_t glue = esp_eth_new_netif_glue(eth);
    ESP_RETURN_ON_FALSE(glue, ESP_ERR_NO_MEM, TAG, "glue");
    ESP_RETURN_ON_ERROR(esp_netif_attach(netif, glue), TAG, "attach");
    ESP_RETURN_ON_ERROR(esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, on_eth, NULL), TAG, "events");
    ESP_RETURN_ON_ERROR(esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_ip, NULL), TAG, "events");
    return esp_eth_start(eth);
}

void net_link_status(struct net_link_status *out)
{
    *out = (struct net_link_status){.kind = "Ethernet", .configured = true};
    portENTER_CRITICAL(&e.lock);
    out->up = e.up;
    out->losses = e.losses;
    if (e.up)
        memcpy(out->address, e.address, sizeof out->address);
    portEXIT_CRITICAL(&e.lock);
}

esp_err_t net_link_credentials(const char *name, const char *password)
{
    (void)name;
    (void)password;
    return ESP_ERR_NOT_SUPPORTED;
}

esp_err_t net_link_forget(void)
{
    return ESP_OK;
}

void net_link_setup(void)
{
}

bool net_link_setup_step(char *code, size_t cap)
{
    if (cap)
        code[0] = '\0';
    return false; /* a wire needs no credentials */
}
