#include "flash_area.h"

static int port_error(esp_err_t err)
{
    switch (err) {
    case ESP_OK:
        return PORT_OK;
    case ESP_ERR_INVALID_ARG:
    case ESP_ERR_INVALID_SIZE:
        return PORT_ERR_RANGE;
    default:
        return PORT_ERR_IO;
    }
}

static int area_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    return port_error(esp_partition_read(ctx, off, buf, len));
}

static int area_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    return port_error(esp_partition_write(ctx, off, buf, len));
}

static int area_erase(void *ctx, uint32_t off, size_t len)
{
    return port_error(esp_partition_erase_range(ctx, off, len));
}

esp_err_t flash_area_of(const esp_partition_t *p, struct port_flash *out)
{
    if (p->erase_size != PORT_FLASH_SECTOR)
        return ESP_ERR_NOT_SUPPORTED;
    *out = (struct port_flash){
        .ctx = (void *)p, /* handed back as it was got */
        .size = p->size,
        .read = area_read,
        .program = area_program,
        .erase = area_erase,
    };
    return ESP_OK;
}

esp_err_t flash_area_open(const char *label, struct port_flash *out)
{
    const esp_partition_t *p =
        esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, label);
    return p ? flash_area_of(p, out) : ESP_ERR_NOT_FOUND;
}
