#include "threads.h"

#include <libwebsockets.h>
#include <stdatomic.h>
#include <stdio.h>

#include "clock_sync.h"
#include "display.h"
#include "esp_check.h"
#include "esp_heap_caps.h"
#include "esp_task_wdt.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "log_tail.h"
#include "machine.h"
#include "net_link.h"
#include "outputs.h"
#include "sensing.h"

static const char TAG[] = "threads";

enum {
    CONTROL_CORE = 1,
    COMMS_CORE = 0,
    /* ESP-IDF's own: 24 the inter-core calls that flash writes need, 23 Wi-Fi (core 0), 22 timers, 18 TCP/IP.
     */
    CONTROL_PRIORITY = 21,
    BELL_PRIORITY = 7,
    COMMS_PRIORITY = 5,
    CONTROL_STACK = 6144,
    COMMS_STACK = 14336, /* a TLS handshake with a chain of certificates needs about 8 KB */
    BELL_STACK = 3072,
    COMMS_ROUND_US = 500000, /* LED and watchdog are looked after at least this often */
    HEALTH_EVERY_US = 600000000,
    WORK_WAIT_MS = 10000,
    /* Looking up a name may hold the comms thread for half a minute, which is nobody's fault and harms
       nobody. */
    COMMS_HUNG_S = 300,
};

static struct {
    TaskHandle_t control, comms, bell;
    struct lws_context *context;

    /* work for the comms thread; one piece at a time */
    SemaphoreHandle_t work_turn, work_done;
    portMUX_TYPE lock;
    void (*work)(void *arg); /* under the lock */
    void *work_arg;
    struct metering_raw raw; /* under the lock */

    atomic_uint late, worst_us;
    atomic_uint comms_beat_s;
} t = {.lock = portMUX_INITIALIZER_UNLOCKED};

/* ---- control ---- */

/* The task watchdog is for control alone. A comms thread that does not come back gets a restart too, but
 * never at the cost of a charge: charging needs no server. */
static bool comms_hung(struct station *station)
{
    unsigned now_s = (unsigned)(esp_timer_get_time() / 1000000);
    return now_s - atomic_load_explicit(&t.comms_beat_s, memory_order_relaxed) > COMMS_HUNG_S &&
           !station->control_copy.contactor_closed;
}

static void control_thread(void *arg)
{
    (void)arg;
    struct station *station = machine_station();
    struct metering_raw raw;
    /* Here, so that the ADC's interrupt is on this core, away from the network's. */
    const bool sensing = sensing_start(station_guard(station)) == ESP_OK;
    if (!sensing)
        log_tail_line(0, "the converter does not start: no charging");
    (void)esp_task_wdt_add(NULL);

    TickType_t wake = xTaskGetTickCount();
    int64_t due = esp_timer_get_time();
    for (;;) {
        int64_t behind = esp_timer_get_time() - due;
        if (behind > CONTROL_PERIOD_US / 2)
            atomic_fetch_add_explicit(&t.late, 1, memory_order_relaxed);
        if (behind > (int64_t)atomic_load_explicit(&t.worst_us, memory_order_relaxed))
            atomic_store_explicit(&t.worst_us, (unsigned)behind, memory_order_relaxed);
        station_control_step(station); /* without frames it says so: FAULT_STARVED */
        if (sensing)
            sensing_drain();
        metering_raw_read(&station->control.metering, &raw);
        portENTER_CRITICAL(&t.lock);
        t.raw = raw;
        portEXIT_CRITICAL(&t.lock);
        (void)esp_task_wdt_reset();
        if (comms_hung(station)) {
            static const char why[] = "communication has stood still for minutes: restarting";
            log_tail_print(0, why);
            station_last_words(machine_port(), why); /* nobody takes notes any more */
            machine_port()->reboot(machine_port()->ctx);
        }
        due += CONTROL_PERIOD_US;
        if (!xTaskDelayUntil(&wake, pdMS_TO_TICKS(CONTROL_PERIOD_US / 1000))) {
            /* Held up by a flash erase for longer than a period: go on from here, never in a burst. */
            wake = xTaskGetTickCount();
            due = esp_timer_get_time();
        }
    }
}

/* ---- waking comms ---- */

void threads_set_context(struct lws_context *context)
{
    t.context = context;
}

/* Waking libwebsockets sends a packet to itself, which may wait for the TCP/IP thread. The control thread
 * must not wait for that; this one may. */
static void bell_thread(void *arg)
{
    (void)arg;
    for (;;) {
        ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        lws_cancel_service(t.context);
    }
}

void threads_wake_comms(void)
{
    /* In the comms thread itself the loop comes by anyway; before the threads run there is nobody to wake. */
    if (t.bell && xTaskGetCurrentTaskHandle() != t.comms)
        xTaskNotifyGive(t.bell);
}

/* ---- comms ---- */

bool threads_in_comms(void (*work)(void *arg), void *arg)
{
    if (xSemaphoreTake(t.work_turn, pdMS_TO_TICKS(WORK_WAIT_MS)) != pdTRUE)
        return false;
    (void)xSemaphoreTake(t.work_done, 0);
    portENTER_CRITICAL(&t.lock);
    t.work = work;
    t.work_arg = arg;
    portEXIT_CRITICAL(&t.lock);
    threads_wake_comms();
    bool done = xSemaphoreTake(t.work_done, pdMS_TO_TICKS(WORK_WAIT_MS)) == pdTRUE;
    if (!done) {
        portENTER_CRITICAL(&t.lock);
        bool taken = t.work == NULL; /* it is being done at this moment: its argument must stay */
        t.work = NULL;
        portEXIT_CRITICAL(&t.lock);
        if (taken)
            done = xSemaphoreTake(t.work_done, portMAX_DELAY) == pdTRUE;
    }
    xSemaphoreGive(t.work_turn);
    return done;
}

static void do_work(void)
{
    portENTER_CRITICAL(&t.lock);
    void (*work)(void *arg) = t.work;
    void *arg = t.work_arg;
    t.work = NULL;
    portEXIT_CRITICAL(&t.lock);
    if (!work)
        return;
    work(arg);
    xSemaphoreGive(t.work_done);
}

static enum outputs_led led_of(const struct control_status *c, const struct station_link_status *link)
{
    if (c->fault != FAULT_NONE)
        return OUTPUTS_LED_FAST;
    if (c->contactor_closed)
        return OUTPUTS_LED_ON;
    switch (c->state) {
    case EVSE_SELF_TEST:
    case EVSE_UNAVAILABLE:
        return OUTPUTS_LED_OFF;
    case EVSE_IDLE:
        return link->registered ? OUTPUTS_LED_BLIP : OUTPUTS_LED_DOUBLE;
    default:
        return OUTPUTS_LED_SLOW;
    }
}

static void health_line(void)
{
    struct threads_health h;
    char line[200];
    threads_health_read(&h);
    (void)snprintf(line, sizeof line,
                   "left: stacks %lu control %lu comms %lu bell %lu display; heap %u now, %u at least, block "
                   "%u; PSRAM %u; "
                   "control late %lu times, %lu us at worst",
                   (unsigned long)h.control_stack, (unsigned long)h.comms_stack, (unsigned long)h.bell_stack,
                   (unsigned long)h.display_stack, (unsigned)h.heap_free, (unsigned)h.heap_min,
                   (unsigned)h.heap_block, (unsigned)h.psram_free, (unsigned long)h.control_late,
                   (unsigned long)h.control_worst_us);
    log_tail_line(2, line);
}

static void comms_thread(void *arg)
{
    (void)arg;
    struct station *station = machine_station();
    uint64_t health_at = HEALTH_EVERY_US / 10;
    uint32_t overflows = 0;
    for (;;) {
        uint64_t due = station_comms_step(station);
        do_work();

        /* The server's clock wins: SNTP's is used only as long as there is none. */
        int64_t unix_ms;
        uint64_t now = (uint64_t)esp_timer_get_time();
        if (!station->clock.known && clock_sync_now(&unix_ms))
            wallclock_set(&station->clock, unix_ms, now);

        struct control_status control;
        struct station_link_status link;
        station_status(station, &control);
        station_link_status(station, &link);
        outputs_led(led_of(&control, &link));

        struct sensing_stats sensing;
        sensing_stats_read(&sensing);
        if (sensing.overflows != overflows) {
            char line[96];
            (void)snprintf(line, sizeof line, "control thread stood still: %lu frames not fetched in time",
                           (unsigned long)(sensing.overflows - overflows));
            overflows = sensing.overflows;
            log_tail_line(1, line);
        }
        if (now >= health_at) {
            health_line();
            health_at = now + HEALTH_EVERY_US;
        }
        atomic_store_explicit(&t.comms_beat_s, (unsigned)(now / 1000000), memory_order_relaxed);
        uint64_t view_due = display_step(station, now);
        if (due > view_due)
            due = view_due;
        machine_serve(due < now + COMMS_ROUND_US ? due : now + COMMS_ROUND_US);
    }
}

esp_err_t threads_start(void)
{
    t.work_turn = xSemaphoreCreateMutex();
    t.work_done = xSemaphoreCreateBinary();
    ESP_RETURN_ON_FALSE(t.work_turn && t.work_done, ESP_ERR_NO_MEM, TAG, "semaphores");
    TaskHandle_t bell;
    ESP_RETURN_ON_FALSE(xTaskCreatePinnedToCore(bell_thread, "bell", BELL_STACK, NULL, BELL_PRIORITY, &bell,
                                                COMMS_CORE) == pdPASS,
                        ESP_ERR_NO_MEM, TAG, "bell thread");
    t.bell = bell;
    ESP_RETURN_ON_FALSE(xTaskCreatePinnedToCore(control_thread, "control", CONTROL_STACK, NULL,
                                                CONTROL_PRIORITY, &t.control, CONTROL_CORE) == pdPASS,
                        ESP_ERR_NO_MEM, TAG, "control thread");
    ESP_RETURN_ON_FALSE(xTaskCreatePinnedToCore(comms_thread, "comms", COMMS_STACK, NULL, COMMS_PRIORITY,
                                                &t.comms, COMMS_CORE) == pdPASS,
                        ESP_ERR_NO_MEM, TAG, "comms thread");
    return ESP_OK;
}

void threads_meter_raw(struct metering_raw *out)
{
    portENTER_CRITICAL(&t.lock);
    *out = t.raw;
    portEXIT_CRITICAL(&t.lock);
}

void threads_health_read(struct threads_health *out)
{
    *out = (struct threads_health){
        .control_stack = (uint32_t)uxTaskGetStackHighWaterMark(t.control),
        .comms_stack = (uint32_t)uxTaskGetStackHighWaterMark(t.comms),
        .bell_stack = (uint32_t)uxTaskGetStackHighWaterMark(t.bell),
        .display_stack = display_stack_left(),
        .heap_free = heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT),
        .heap_min = heap_caps_get_minimum_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT),
        .heap_block = heap_caps_get_largest_free_block(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT),
        .psram_free = heap_caps_get_free_size(MALLOC_CAP_SPIRAM),
        .psram_min = heap_caps_get_minimum_free_size(MALLOC_CAP_SPIRAM),
        .control_late = atomic_load_explicit(&t.late, memory_order_relaxed),
        .control_worst_us = atomic_load_explicit(&t.worst_us, memory_order_relaxed),
    };
}
