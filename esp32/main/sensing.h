/*
 * sensing: the ADC in continuous mode, and the interrupt in which each frame passes sense and guard and moves
 * the contactor pin.
 */
#ifndef ESP32_SENSING_H
#define ESP32_SENSING_H

#include "core/guard.h"
#include "esp_err.h"

struct sensing_stats {
    uint32_t frames;
    uint32_t overflows; /* frames that the driver's own pool could not take: nobody drained it for a while */
    uint32_t asked_hz;
};

/* Channels of this board and the converter's curve from its fuses. Before sensing_start. */
esp_err_t sensing_cfg(struct sense_cfg *out);
/* Starts conversions. The interrupt stays on the core that calls this. From here on the guard judges. */
esp_err_t sensing_start(struct guard *g);
/* Control thread, every step: empties the driver's pool, whose frames the guard has seen already. */
void sensing_drain(void);
/* Any thread. */
void sensing_stats_read(struct sensing_stats *out);

#endif
