/*
 * kv_nvs: the port's key-value store in ESP-IDF's NVS: one namespace, values as blobs, each replaced whole.
 */
#ifndef ESP32_KV_NVS_H
#define ESP32_KV_NVS_H

#include "esp_err.h"
#include "port/port.h"

/* Prepares the NVS partition; one that can't be read is erased and started anew, which is logged. Once. */
esp_err_t kv_nvs_open(struct port_kv *out);

#endif
