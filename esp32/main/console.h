/*
 * console: the commands of the installer on the UART.
 */
#ifndef ESP32_CONSOLE_H
#define ESP32_CONSOLE_H

#include "esp_err.h"

/* Once, after the threads have started. */
esp_err_t console_start(void);

#endif
