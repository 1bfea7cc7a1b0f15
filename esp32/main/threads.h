/*
 * threads: the control thread (core 1, above everything of ours), the comms thread (core 0), and how work
 * gets from one thread to another without anyone waiting who must not.
 */
#ifndef ESP32_THREADS_H
#define ESP32_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/metering.h"
#include "esp_err.h"

struct lws_context;

/* Before threads_start: whose waiting threads_wake_comms ends. */
void threads_set_context(struct lws_context *context);
/* Starts sensing and both threads. The station is ready. */
esp_err_t threads_start(void);
/* Any thread, never blocks: the comms thread runs soon. */
void threads_wake_comms(void);
/* Any thread but control and comms: runs `work` in the comms thread and waits for it. Settings and the
 * station's comms side belong to that thread. false: it did not come round within ten seconds; `work` will
 * not run then. */
bool threads_in_comms(void (*work)(void *arg), void *arg);
/* Any thread: the meter's newest window at the pins, as of the last control step. */
void threads_meter_raw(struct metering_raw *out);

/* What is left; published in the log and on the console. Bytes. */
struct threads_health {
    uint32_t control_stack, comms_stack, bell_stack; /* never used so far */
    uint32_t display_stack;                          /* the same; 0: no display */
    size_t heap_free, heap_min, heap_block;          /* internal: now, ever, largest block */
    size_t psram_free, psram_min;
    uint32_t control_late; /* control steps that began more than half a period late */
    uint32_t control_worst_us;
};
void threads_health_read(struct threads_health *out);

#endif
