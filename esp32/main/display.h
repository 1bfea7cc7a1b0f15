/*
 * display: the board's LCD. A task of the lowest priority draws what the comms thread last handed to it,
 * strip by strip, and dims the backlight when nobody is about.
 *
 * Nothing waits for it: the comms thread leaves a view when the display has asked for one, and otherwise goes
 * on. A display that is missing, dead or slow costs this task its time and nobody else anything.
 */
#ifndef ESP32_DISPLAY_H
#define ESP32_DISPLAY_H

#include <stdint.h>

#include "esp_err.h"
#include "sdkconfig.h"
#include "station/station.h"

#ifdef CONFIG_ECS_DISPLAY
/* Once, last of all, so that memory goes to whoever needs it more. ESP_ERR_NO_MEM: the station goes on
 * without a display. What fails later says so in one line of the log. */
esp_err_t display_start(void);
/* Comms thread, at every round, never waits. Returns when it wants to be called again (monotonic, µs);
 * UINT64_MAX: never. */
uint64_t display_step(struct station *station, uint64_t now_us);
/* Any thread: bytes of the task's stack that were never used; 0: no display. */
uint32_t display_stack_left(void);
#else
static inline esp_err_t display_start(void)
{
    return ESP_OK;
}
static inline uint64_t display_step(struct station *station, uint64_t now_us)
{
    (void)station;
    (void)now_us;
    return UINT64_MAX;
}
static inline uint32_t display_stack_left(void)
{
    return 0;
}
#endif

#endif
