#include "clock_sync.h"

#include <stdatomic.h>
#include <sys/time.h>

#include "esp_check.h"
#include "esp_netif_sntp.h"
#include "sdkconfig.h"

static const char TAG[] = "clock";

static atomic_bool synced;

static void on_sync(struct timeval *tv)
{
    (void)tv;
    atomic_store(&synced, true);
}

esp_err_t clock_sync_start(void)
{
    const bool named = sizeof(CONFIG_ECS_SNTP_SERVER) > 1;
    esp_sntp_config_t cfg = ESP_NETIF_SNTP_DEFAULT_CONFIG(CONFIG_ECS_SNTP_SERVER);
    cfg.wait_for_sync = false;
    cfg.sync_cb = on_sync;
    /* A server that DHCP names takes place 0; ours then moves behind it. */
    cfg.server_from_dhcp = true;
    cfg.renew_servers_after_new_IP = true;
#ifdef CONFIG_ECS_LINK_OPENETH
    cfg.ip_event_to_renew = IP_EVENT_ETH_GOT_IP;
#else
    cfg.ip_event_to_renew = IP_EVENT_STA_GOT_IP;
#endif
    cfg.index_of_first_server = 1;
    cfg.num_of_servers = named ? 1 : 0;
    ESP_RETURN_ON_ERROR(esp_netif_sntp_init(&cfg), TAG, "SNTP");
    return ESP_OK;
}

bool clock_sync_now(int64_t *unix_ms)
{
    struct timeval tv;
    if (!atomic_load(&synced) || gettimeofday(&tv, NULL) != 0)
        return false;
    *unix_ms = (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
    return true;
}
