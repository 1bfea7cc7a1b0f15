#include "display.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "driver/ledc.h"
#include "driver/spi_master.h"
#include "esp_check.h"
#include "esp_heap_caps.h"
#include "esp_lcd_io_spi.h"
#include "esp_lcd_panel_dev.h"
#include "esp_lcd_panel_io.h"
#include "esp_lcd_panel_ops.h"
#include "esp_lcd_panel_st7789.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "log_tail.h"
#include "net_link.h"
#include "station/panel_view.h"

static const char TAG[] = "display";

enum {
    /* ESP-WROVER-KIT V4.1, schematic: LCD. Its data output (GPIO 25) is not wired to the bus: that pin is the
     * residual current device's, and nothing is ever read from the display. */
    PIN_MOSI = 23,
    PIN_CLOCK = 19,
    PIN_SELECT = 22,
    PIN_DATA_COMMAND = 21,
    PIN_RESET = 18,
    PIN_LIGHT = 5, /* low lights */

    /* ILI9341 data sheet: 100 ns a bit when writing; Espressif runs this very board at 40 MHz (esp-bsp). Half
     * of that: a full screen takes 61 ms, a digit less than one. */
    CLOCK_HZ = 20000000,
    STRIP_BYTES = PANEL_STRIP_PIXELS * (int)sizeof(uint16_t),
    /* A strip takes 10 ms; erasing flash holds its interrupt up for 400 ms. Later than this it is dead. */
    SENT_WAIT_MS = 1000,

    LIGHT_HZ = 5000,
    LIGHT_FULL = 1 << 10,

    VIEW_EVERY_US = 200000, /* a press of the button is answered so soon */
    LINK_EVERY_US = 1000000,
    /* The comms thread has said nothing for so long: dark is better than old numbers. */
    STALE_MS = 60000,

    CORE = 0, /* control has the other one */
    /* That of the idle task: they take turns. Even a transfer that never ends could not keep the idle task
     * from the watchdog. */
    PRIORITY = tskIDLE_PRIORITY,
    STACK = 5120,
    /* Internal memory that must be left for others: Wi-Fi's buffers, the handshake of a wss connection (38
     * KB). */
    LEAVE_BYTES = 65536,
    LOG_BYTES = 1024,
};

_Static_assert(BOARD_MASK6(PIN_MOSI, PIN_CLOCK, PIN_SELECT, PIN_DATA_COMMAND, PIN_RESET, PIN_LIGHT) ==
                   BOARD_LCD_MASK,
               "the pins that board.h keeps free");

/* Whose turn it is with everything in `box`: one thread at a time, handed over by one store. */
enum { COMMS, DISPLAY, NOBODY };

struct box {
    /* filled in by the display task */
    struct panel_machine machine;
    struct net_link_status link;
    char link_name[48];
    char setup_code[NET_LINK_CODE_MAX + 1];
    const char *log[PANEL_LOG_LINES];
    char log_text[LOG_BYTES];
    /* filled in by the comms thread */
    struct panel_face face;
    struct panel_view view;
    int light_percent;
    /* of the display task alone */
    struct panel panel;
};

static struct {
    struct box *box; /* in PSRAM, if there is any */
    atomic_int turn;
    _Atomic(TaskHandle_t) task;
    uint64_t due_us; /* of the comms thread */

    /* of the display task */
    esp_lcd_panel_handle_t lcd;
    SemaphoreHandle_t sent;
    struct panel_target target;
    bool sending; /* a strip is on its way */
    esp_err_t trouble;
    uint64_t link_due_us;
    int light_percent;
} d = {.turn = NOBODY};

/* ---- comms thread ---- */

uint64_t display_step(struct station *station, uint64_t now_us)
{
    int turn = atomic_load_explicit(&d.turn, memory_order_acquire);
    if (turn == NOBODY)
        return UINT64_MAX;
    if (now_us < d.due_us)
        return d.due_us;
    d.due_us = now_us + VIEW_EVERY_US;
    if (turn != COMMS) /* it is still drawing the one before */
        return d.due_us;
    struct box *b = d.box;
    station_panel(station, &b->face, &b->machine, &b->view);
    /* Asked for a moment before what station_panel has just noted, it would seem to be ages ago. */
    b->light_percent = browse_backlight(&b->face.browse, (uint64_t)esp_timer_get_time());
    TaskHandle_t task = atomic_load_explicit(&d.task, memory_order_relaxed);
    atomic_store_explicit(&d.turn, DISPLAY, memory_order_release);
    xTaskNotifyGive(task);
    return d.due_us;
}

/* ---- the display's own task: light ---- */

static esp_err_t light_open(void)
{
    /* The group, timer and channel are others than the pilot's (outputs.c); what they share is a spinlock for
     * some register writes. */
    const ledc_timer_config_t timer = {
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .duty_resolution = LEDC_TIMER_10_BIT,
        .timer_num = LEDC_TIMER_1,
        .freq_hz = LIGHT_HZ,
        .clk_cfg = LEDC_USE_APB_CLK,
    };
    _Static_assert(1 << (int)LEDC_TIMER_10_BIT == (int)LIGHT_FULL, "resolution");
    ESP_RETURN_ON_ERROR(ledc_timer_config(&timer), TAG, "backlight timer");
    const ledc_channel_config_t channel = {
        .gpio_num = PIN_LIGHT,
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .channel = LEDC_CHANNEL_1,
        .timer_sel = LEDC_TIMER_1,
        .duty = 0,
        .hpoint = 0,
        .flags = {.output_invert = 1},
    };
    return ledc_channel_config(&channel);
}

static void light(int percent)
{
    if (percent == d.light_percent)
        return;
    d.light_percent = percent;
    (void)ledc_set_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_1, (uint32_t)(percent * LIGHT_FULL / 100));
    (void)ledc_update_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_1);
}

/* ---- pixels ---- */

/* In the bus's interrupt. */
static bool on_sent(esp_lcd_panel_io_handle_t io, esp_lcd_panel_io_event_data_t *event, void *ctx)
{
    (void)io;
    (void)event;
    (void)ctx;
    BaseType_t woken = pdFALSE;
    (void)xSemaphoreGiveFromISR(d.sent, &woken);
    return woken == pdTRUE;
}

/* esp_lcd itself waits for ever for what is on its way: it is only called when nothing is. */
static void await_sent(void)
{
    if (d.sending && xSemaphoreTake(d.sent, pdMS_TO_TICKS(SENT_WAIT_MS)) != pdTRUE)
        d.trouble = ESP_ERR_TIMEOUT;
    d.sending = false;
}

static void flush(void *ctx, const struct scene_area *a, const uint16_t *pixels)
{
    (void)ctx;
    if (d.trouble == ESP_OK)
        await_sent(); /* the strip before; from now on it may be drawn into */
    if (d.trouble != ESP_OK)
        return;
    d.trouble = esp_lcd_panel_draw_bitmap(d.lcd, a->x, a->y, a->x + a->w, a->y + a->h, pixels);
    d.sending = d.trouble == ESP_OK;
    if (d.target.strip[1] == NULL)
        await_sent();
}

/* Both controllers take the same commands for what is used here; they differ in how the kit has mounted and
 * wired the glass: esp-idf, examples/peripherals/spi_master/lcd (MADCTL 0x28 and 0x60). */
static esp_err_t lcd_open(void)
{
#ifdef CONFIG_ECS_LCD_ST7789
    const bool mirror_x = true;
    const lcd_rgb_element_order_t order = LCD_RGB_ELEMENT_ORDER_RGB;
#else
    const bool mirror_x = false;
    const lcd_rgb_element_order_t order = LCD_RGB_ELEMENT_ORDER_BGR;
#endif
    const spi_bus_config_t bus = {
        .mosi_io_num = PIN_MOSI,
        .miso_io_num = -1,
        .sclk_io_num = PIN_CLOCK,
        .quadwp_io_num = -1,
        .quadhd_io_num = -1,
        .data4_io_num = -1,
        .data5_io_num = -1,
        .data6_io_num = -1,
        .data7_io_num = -1,
        .max_transfer_sz = STRIP_BYTES,
    };
    ESP_RETURN_ON_ERROR(spi_bus_initialize(SPI2_HOST, &bus, SPI_DMA_CH_AUTO), TAG, "bus");
    const esp_lcd_panel_io_spi_config_t io_cfg = {
        .cs_gpio_num = PIN_SELECT,
        .dc_gpio_num = PIN_DATA_COMMAND,
        .spi_mode = 0,
        .pclk_hz = CLOCK_HZ,
        .trans_queue_depth = 2,
        .on_color_trans_done = on_sent,
        .lcd_cmd_bits = 8,
        .lcd_param_bits = 8,
    };
    esp_lcd_panel_io_handle_t io;
    ESP_RETURN_ON_ERROR(esp_lcd_new_panel_io_spi((esp_lcd_spi_bus_handle_t)SPI2_HOST, &io_cfg, &io), TAG,
                        "bus device");
    const esp_lcd_panel_dev_config_t dev = {
        .reset_gpio_num = PIN_RESET,
        .rgb_ele_order = order,
        .data_endian = LCD_RGB_DATA_ENDIAN_BIG,
        .bits_per_pixel = 16,
    };
    ESP_RETURN_ON_ERROR(esp_lcd_new_panel_st7789(io, &dev, &d.lcd), TAG, "controller");
    ESP_RETURN_ON_ERROR(esp_lcd_panel_reset(d.lcd), TAG, "reset");
    vTaskDelay(pdMS_TO_TICKS(110)); /* both data sheets: 120 ms from reset to "sleep out" */
    ESP_RETURN_ON_ERROR(esp_lcd_panel_init(d.lcd), TAG, "init");
    ESP_RETURN_ON_ERROR(esp_lcd_panel_swap_xy(d.lcd, true), TAG, "landscape");
    ESP_RETURN_ON_ERROR(esp_lcd_panel_mirror(d.lcd, mirror_x, false), TAG, "landscape");
    return ESP_OK;
}

/* ---- what only the machine knows ---- */

static void link_read(struct box *b)
{
    net_link_status(&b->link);
    (void)snprintf(b->link_name, sizeof b->link_name, b->link.name[0] ? "%s %s" : "%s", b->link.kind,
                   b->link.name);
    b->machine.link = b->link.configured ? b->link_name : NULL;
    b->machine.address = b->link.up ? b->link.address : NULL;
    b->machine.signal_dbm = b->link.rssi_dbm;
    if (b->face.setup_asked) {
        net_link_setup();
        b->face.setup_asked = false;
    }
    const bool open = net_link_setup_step(b->setup_code, sizeof b->setup_code);
    b->machine.setup = open || !b->link.configured;
    b->machine.setup_qr = open ? b->setup_code : NULL;
}

static void log_read(struct box *b)
{
    size_t len = log_tail_copy(false, b->log_text, sizeof b->log_text), lines = 0;
    char *line = b->log_text, *end;
    if (len + 1 == sizeof b->log_text) { /* its first line has lost its beginning */
        end = strchr(line, '\n');
        line = end ? end + 1 : line + len;
    }
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        if (lines == PANEL_LOG_LINES)
            memmove(b->log, b->log + 1, (--lines) * sizeof *b->log);
        b->log[lines++] = line;
        line = end + 1;
    }
    b->machine.log = b->log;
    b->machine.log_lines = lines;
}

static void machine_read(struct box *b)
{
    uint64_t now = (uint64_t)esp_timer_get_time();
    if (now >= d.link_due_us) {
        link_read(b);
        d.link_due_us = now + LINK_EVERY_US;
    }
    if (b->view.screen >= PANEL_INFO_FIRST) /* copying it holds interrupts up: only while somebody may look */
        log_read(b);
}

/* ---- the task ---- */

static _Noreturn void give_up(const char *what, esp_err_t err)
{
    char line[96];
    atomic_store_explicit(&d.turn, NOBODY, memory_order_release);
    light(0); /* dark rather than a picture of the past */
    (void)snprintf(line, sizeof line, "display: %s: %s; going on without", what, esp_err_to_name(err));
    log_tail_line(1, line);
    /* Its memory stays: a transfer may still be reading it. */
    for (;;)
        vTaskSuspend(NULL);
}

static void show(struct box *b)
{
    if (panel_show(&b->panel, &b->view))
        panel_render(&b->panel, &d.target);
    if (d.trouble == ESP_OK)
        await_sent();
}

static void display_thread(void *arg)
{
    (void)arg;
    struct box *b = d.box;
    bool lit = false;
    atomic_store_explicit(&d.task, xTaskGetCurrentTaskHandle(), memory_order_relaxed);
    /* Here, so that the bus's interrupt is on this core. */
    esp_err_t err = light_open();
    if (err == ESP_OK)
        err = lcd_open();
    if (err != ESP_OK)
        give_up("does not start", err);
    panel_init(&b->panel);
    machine_read(b);
    atomic_store_explicit(&d.turn, COMMS, memory_order_release);
    for (;;) {
        if (ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(STALE_MS)) == 0) {
            light(0);
            continue;
        }
        show(b);
        if (d.trouble == ESP_OK && !lit) {
            /* Not before there is a picture: the controller's memory holds noise. */
            d.trouble = esp_lcd_panel_disp_on_off(d.lcd, true);
            lit = true;
        }
        if (d.trouble != ESP_OK)
            give_up("does not take pixels", d.trouble);
        light(b->light_percent);
        machine_read(b);
        atomic_store_explicit(&d.turn, COMMS, memory_order_release);
    }
}

/* ---- start ---- */

static void *take(size_t bytes, uint32_t caps)
{
    if (heap_caps_get_free_size(MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT) < bytes + LEAVE_BYTES)
        return NULL;
    return heap_caps_calloc(1, bytes, caps);
}

esp_err_t display_start(void)
{
    d.box = heap_caps_calloc(1, sizeof *d.box, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
    if (!d.box)
        d.box = take(sizeof *d.box, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
    ESP_RETURN_ON_FALSE(d.box, ESP_ERR_NO_MEM, TAG, "%u bytes", (unsigned)sizeof *d.box);
    d.box->machine.update_permille = -1;
    /* With one strip drawing waits for sending, that is all. */
    for (int i = 0; i < 2; i++)
        d.target.strip[i] = take(STRIP_BYTES, MALLOC_CAP_DMA | MALLOC_CAP_INTERNAL);
    d.target.swap_bytes = true;
    d.target.flush = flush;
    d.sent = xSemaphoreCreateBinary();
    if (!d.target.strip[0] || !d.sent ||
        xTaskCreatePinnedToCore(display_thread, "display", STACK, NULL, PRIORITY, NULL, CORE) != pdPASS) {
        if (d.sent)
            vSemaphoreDelete(d.sent);
        heap_caps_free(d.target.strip[1]);
        heap_caps_free(d.target.strip[0]);
        heap_caps_free(d.box);
        return ESP_ERR_NO_MEM;
    }
    return ESP_OK;
}

uint32_t display_stack_left(void)
{
    TaskHandle_t task = atomic_load_explicit(&d.task, memory_order_relaxed);
    return task ? (uint32_t)uxTaskGetStackHighWaterMark(task) : 0;
}
