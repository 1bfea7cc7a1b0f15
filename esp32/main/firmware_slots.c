#include "firmware_slots.h"

#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "flash_area.h"

static int activate(void *ctx)
{
    switch (esp_ota_set_boot_partition(ctx)) { /* checks the image first */
    case ESP_OK:
        return PORT_OK;
    case ESP_ERR_OTA_VALIDATE_FAILED:
    case ESP_ERR_INVALID_ARG:
        return PORT_ERR_RANGE;
    default:
        return PORT_ERR_IO;
    }
}

static int confirm(void *ctx)
{
    (void)ctx;
    return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK ? PORT_OK : PORT_ERR_IO;
}

static int roll_back(void *ctx)
{
    (void)ctx;
    esp_err_t err = esp_ota_mark_app_invalid_rollback();
    return err == ESP_OK ? PORT_OK : err == ESP_ERR_OTA_ROLLBACK_FAILED ? PORT_ERR_NOT_FOUND : PORT_ERR_IO;
}

void firmware_slots_open(struct port_firmware *out)
{
    const esp_partition_t *running = esp_ota_get_running_partition();
    const esp_partition_t *idle = esp_ota_get_next_update_partition(NULL);
    const esp_partition_t *failed = esp_ota_get_last_invalid_partition();
    esp_ota_img_states_t state;
    *out = (struct port_firmware){0};
    if (!running || !idle || idle == running || idle->size != running->size ||
        flash_area_of(idle, &out->idle) != ESP_OK)
        return;
    out->ctx = (void *)idle; /* handed back as it was got */
    out->running = (uint8_t)(running->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_MIN);
    out->probation =
        esp_ota_get_state_partition(running, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY;
    out->other_failed = failed && failed->address == idle->address;
    out->activate = activate;
    out->confirm = confirm;
    out->roll_back = roll_back;
}
