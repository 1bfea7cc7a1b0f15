/*
 * What display.c uses of ESP-IDF, as far as it uses it; the behaviour behind it is in ../display_test.c. All
 * headers of ESP-IDF beside this one lead here.
 */
#ifndef FAKE_ESP_IDF_H
#define FAKE_ESP_IDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
enum { ESP_OK = 0, ESP_FAIL = -1, ESP_ERR_NO_MEM = 0x101, ESP_ERR_TIMEOUT = 0x107 };
const char *esp_err_to_name(esp_err_t err);
#define ESP_RETURN_ON_ERROR(x, tag, ...) \
    do {                                 \
        (void)(tag);                     \
        esp_err_t err_rc_ = (x);         \
        if (err_rc_ != ESP_OK)           \
            return err_rc_;              \
    } while (0)
#define ESP_RETURN_ON_FALSE(x, err, tag, ...) \
    do {                                      \
        (void)(tag);                          \
        if (!(x))                             \
            return err;                       \
    } while (0)

int64_t esp_timer_get_time(void);

enum { MALLOC_CAP_SPIRAM = 1, MALLOC_CAP_8BIT = 2, MALLOC_CAP_INTERNAL = 4, MALLOC_CAP_DMA = 8 };
void *heap_caps_calloc(size_t n, size_t size, uint32_t caps);
void heap_caps_free(void *p);
size_t heap_caps_get_free_size(uint32_t caps);

/* FreeRTOS, with a tick of 1 ms as in sdkconfig.defaults */
typedef int BaseType_t;
typedef uint32_t TickType_t, UBaseType_t;
typedef struct fake_task *TaskHandle_t;
typedef struct fake_semaphore *SemaphoreHandle_t;
enum { pdFALSE, pdTRUE, pdPASS = 1, tskIDLE_PRIORITY = 0 };
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
BaseType_t xTaskCreatePinnedToCore(void (*run)(void *), const char *name, uint32_t stack, void *arg,
                                   UBaseType_t priority, TaskHandle_t *out, BaseType_t core);
TaskHandle_t xTaskGetCurrentTaskHandle(void);
UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t wait);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
void vTaskSuspend(TaskHandle_t task);
void vTaskDelay(TickType_t ticks);
SemaphoreHandle_t xSemaphoreCreateBinary(void);
void vSemaphoreDelete(SemaphoreHandle_t s);
BaseType_t xSemaphoreTake(SemaphoreHandle_t s, TickType_t wait);
BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t s, BaseType_t *woken);

/* LEDC */
enum { LEDC_HIGH_SPEED_MODE, LEDC_LOW_SPEED_MODE };
enum { LEDC_TIMER_0, LEDC_TIMER_1 };
enum { LEDC_CHANNEL_0, LEDC_CHANNEL_1 };
enum { LEDC_TIMER_10_BIT = 10 };
enum { LEDC_USE_APB_CLK = 1 };
typedef struct {
    int speed_mode, duty_resolution, timer_num;
    uint32_t freq_hz;
    int clk_cfg;
} ledc_timer_config_t;
typedef struct {
    int gpio_num, speed_mode, channel, timer_sel;
    uint32_t duty;
    int hpoint;
    struct {
        unsigned output_invert : 1;
    } flags;
} ledc_channel_config_t;
esp_err_t ledc_timer_config(const ledc_timer_config_t *cfg);
esp_err_t ledc_channel_config(const ledc_channel_config_t *cfg);
esp_err_t ledc_set_duty(int mode, int channel, uint32_t duty);
esp_err_t ledc_update_duty(int mode, int channel);

/* SPI and esp_lcd */
enum { SPI2_HOST = 1, SPI_DMA_CH_AUTO = 3 };
typedef struct {
    int mosi_io_num, miso_io_num, sclk_io_num, quadwp_io_num, quadhd_io_num;
    int data4_io_num, data5_io_num, data6_io_num, data7_io_num, max_transfer_sz;
} spi_bus_config_t;
esp_err_t spi_bus_initialize(int host, const spi_bus_config_t *cfg, int dma);
typedef int esp_lcd_spi_bus_handle_t;
typedef struct fake_io *esp_lcd_panel_io_handle_t;
typedef struct fake_lcd *esp_lcd_panel_handle_t;
typedef struct {
    int unused;
} esp_lcd_panel_io_event_data_t;
typedef struct {
    int cs_gpio_num, dc_gpio_num, spi_mode;
    unsigned pclk_hz;
    size_t trans_queue_depth;
    bool (*on_color_trans_done)(esp_lcd_panel_io_handle_t io, esp_lcd_panel_io_event_data_t *ev, void *ctx);
    void *user_ctx;
    int lcd_cmd_bits, lcd_param_bits;
} esp_lcd_panel_io_spi_config_t;
typedef enum { LCD_RGB_ELEMENT_ORDER_RGB, LCD_RGB_ELEMENT_ORDER_BGR } lcd_rgb_element_order_t;
enum { LCD_RGB_DATA_ENDIAN_BIG };
typedef struct {
    int reset_gpio_num;
    lcd_rgb_element_order_t rgb_ele_order;
    int data_endian;
    uint32_t bits_per_pixel;
} esp_lcd_panel_dev_config_t;
esp_err_t esp_lcd_new_panel_io_spi(esp_lcd_spi_bus_handle_t bus, const esp_lcd_panel_io_spi_config_t *cfg,
                                   esp_lcd_panel_io_handle_t *out);
esp_err_t esp_lcd_new_panel_st7789(esp_lcd_panel_io_handle_t io, const esp_lcd_panel_dev_config_t *cfg,
                                   esp_lcd_panel_handle_t *out);
esp_err_t esp_lcd_panel_reset(esp_lcd_panel_handle_t lcd);
esp_err_t esp_lcd_panel_init(esp_lcd_panel_handle_t lcd);
esp_err_t esp_lcd_panel_swap_xy(esp_lcd_panel_handle_t lcd, bool swap);
esp_err_t esp_lcd_panel_mirror(esp_lcd_panel_handle_t lcd, bool x, bool y);
esp_err_t esp_lcd_panel_disp_on_off(esp_lcd_panel_handle_t lcd, bool on);
esp_err_t esp_lcd_panel_draw_bitmap(esp_lcd_panel_handle_t lcd, int x0, int y0, int x1, int y1,
                                    const void *pixels);

#endif
