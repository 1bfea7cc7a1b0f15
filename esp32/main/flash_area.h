/*
 * flash_area: a partition as the raw flash area that the port offers to the journal and to firmware updates.
 */
#ifndef ESP32_FLASH_AREA_H
#define ESP32_FLASH_AREA_H

#include "esp_err.h"
#include "esp_partition.h"
#include "port/port.h"

/* ESP_ERR_NOT_SUPPORTED: its sectors are not of 4 KB. */
esp_err_t flash_area_of(const esp_partition_t *p, struct port_flash *out);
/* ESP_ERR_NOT_FOUND: the partition table has no such data partition. */
esp_err_t flash_area_open(const char *label, struct port_flash *out);

#endif
