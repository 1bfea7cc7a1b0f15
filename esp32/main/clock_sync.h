/*
 * clock_sync: the time from the network (SNTP) while no charging server has told it. The server's word always
 * wins.
 */
#ifndef ESP32_CLOCK_SYNC_H
#define ESP32_CLOCK_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"

/* After esp_netif_init, before the link is up. */
esp_err_t clock_sync_start(void);
/* Any thread. false: no time server has answered yet. */
bool clock_sync_now(int64_t *unix_ms);

#endif
