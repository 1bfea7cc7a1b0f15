/*
 * flash_area: a partition as the raw flash area that the port offers to the journal.
 */
#ifndef ESP32_FLASH_AREA_H
#define ESP32_FLASH_AREA_H

#include "esp_err.h"
#include "port/port.h"

/* ESP_ERR_NOT_FOUND: the partition table has no such data partition. */
esp_err_t flash_area_open(const char *label, struct port_flash *out);

#endif
