#include "kv_nvs.h"

#include "esp_check.h"
#include "esp_log.h"
#include "nvs.h"
#include "nvs_flash.h"

static const char TAG[] = "settings";
static const char NAMESPACE[] = "ecsacp1";

_Static_assert(PORT_KV_KEY_MAX == NVS_KEY_NAME_MAX_SIZE - 1, "keys fit");

static nvs_handle_t handle;

static int port_error(esp_err_t err)
{
    switch (err) {
    case ESP_OK:
        return PORT_OK;
    case ESP_ERR_NVS_NOT_FOUND:
    case ESP_ERR_NVS_TYPE_MISMATCH:
        return PORT_ERR_NOT_FOUND;
    case ESP_ERR_NVS_INVALID_LENGTH:
    case ESP_ERR_NVS_VALUE_TOO_LONG:
    case ESP_ERR_NVS_KEY_TOO_LONG:
    case ESP_ERR_NVS_INVALID_NAME:
        return PORT_ERR_RANGE;
    case ESP_ERR_NVS_NOT_ENOUGH_SPACE:
        return PORT_ERR_NO_SPACE;
    default:
        return PORT_ERR_IO;
    }
}

static int get(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    (void)ctx;
    size_t n = cap;
    esp_err_t err = nvs_get_blob(handle, key, buf, &n);
    if (err == ESP_OK)
        *len = n;
    return port_error(err);
}

static int set(void *ctx, const char *key, const void *buf, size_t len)
{
    (void)ctx;
    if (len > PORT_KV_VALUE_MAX)
        return PORT_ERR_RANGE;
    esp_err_t err = nvs_set_blob(handle, key, buf, len);
    return port_error(err == ESP_OK ? nvs_commit(handle) : err);
}

static int erase_all(void *ctx)
{
    (void)ctx;
    esp_err_t err = nvs_erase_all(handle);
    return port_error(err == ESP_OK ? nvs_commit(handle) : err);
}

esp_err_t kv_nvs_open(struct port_kv *out)
{
    esp_err_t err = nvs_flash_init();
    bool lost = false;
    if (err == ESP_ERR_NVS_NO_FREE_PAGES || err == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        ESP_LOGE(TAG, "kept settings can't be read (%s): starting with defaults", esp_err_to_name(err));
        ESP_RETURN_ON_ERROR(nvs_flash_erase(), TAG, "erase");
        lost = true;
        err = nvs_flash_init();
    }
    ESP_RETURN_ON_ERROR(err, TAG, "NVS");
    ESP_RETURN_ON_ERROR(nvs_open(NAMESPACE, NVS_READWRITE, &handle), TAG, "namespace");
    *out = (struct port_kv){.get = get, .set = set, .erase_all = erase_all, .lost = lost};
    return ESP_OK;
}
