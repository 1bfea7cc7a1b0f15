/*
 * main: brings the chip up in an order in which nothing can switch anything on by accident, and hands over.
 */
#include <stdio.h>

#include "bootloader_random.h"
#include "clock_sync.h"
#include "console.h"
#include "display.h"
#include "esp_app_desc.h"
#include "esp_event.h"
#include "esp_log.h"
#include "esp_netif.h"
#include "log_tail.h"
#include "machine.h"
#include "net_link.h"
#include "outputs.h"
#include "threads.h"

/* A part that a charging station can do without is missing: said, and the station goes on. */
static void optional(esp_err_t err, const char *what)
{
    char line[80];
    if (err == ESP_OK)
        return;
    (void)snprintf(line, sizeof line, "%s: %s", what, esp_err_to_name(err));
    log_tail_line(0, line);
}

void app_main(void)
{
    ESP_ERROR_CHECK(outputs_init());
    enum port_reset_reason reason = log_tail_init();
    char line[96];
    (void)snprintf(line, sizeof line, "ECSACP1 %s, reset by %s", esp_app_get_description()->version,
                   log_tail_reason(reason));
    log_tail_line(2, line);

    ESP_ERROR_CHECK(esp_netif_init());
    ESP_ERROR_CHECK(esp_event_loop_create_default());
    /* Until the radio runs the chip's random numbers come from the converter's noise, which must be let go of
     * before the converter is put to its own work. */
    bootloader_random_enable();
    esp_err_t err = machine_init(reason);
    bootloader_random_disable();
    ESP_ERROR_CHECK(err);
    ESP_ERROR_CHECK(threads_start());
    optional(clock_sync_start(), "time from the network");
    optional(net_link_start(), "network");
    optional(console_start(), "console");
    optional(display_start(), "display"); /* last: it takes only memory that is left */
}
