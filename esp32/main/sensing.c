#include "sensing.h"

#include <stdatomic.h>

#include "board.h"
#include "esp_adc/adc_cali.h"
#include "esp_adc/adc_cali_scheme.h"
#include "esp_adc/adc_continuous.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_log.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "outputs.h"
#include "station/station.h"

static const char TAG[] = "sensing";

enum {
    FRAME_BYTES = SENSE_FRAME_LEN * SOC_ADC_DIGI_RESULT_BYTES,
    POOL_FRAMES = 8,     /* 39 ms: four control steps */
    FRAME_MAX_US = 5000, /* the guard's times are made for frames of at most this */
    RATE_MEASURE_MS = 150,
    RATE_MAX_HZ = 60000, /* asked at most: the interrupt would come too often */
    CURVE_STEP = 256,
    RAW_MAX = 4095,
};
_Static_assert(SOC_ADC_DIGI_RESULT_BYTES == sizeof(uint16_t), "the ESP32's type 1 words");
_Static_assert(FRAME_BYTES % SOC_ADC_DIGI_DATA_BYTES_PER_CONV == 0, "whole DMA words");

/* Written by the interrupt, in internal RAM. */
static struct {
    struct guard *guard;
    adc_continuous_handle_t adc;
    uint32_t asked_hz;
    atomic_uint frames, overflows;
    atomic_uint first_us, last_us; /* low words of the ends of the first and the newest frame */
} s;

esp_err_t sensing_cfg(struct sense_cfg *out)
{
    sense_cfg_default(out);
    const int gpio[SENSE_SIGNALS] = {
        [SENSE_CP] = CONFIG_ECS_PIN_CP_ADC, [SENSE_I1] = CONFIG_ECS_PIN_I1, [SENSE_I2] = CONFIG_ECS_PIN_I2,
        [SENSE_I3] = CONFIG_ECS_PIN_I3,     [SENSE_M0] = CONFIG_ECS_PIN_M0, [SENSE_M1] = CONFIG_ECS_PIN_M1,
    };
    for (int i = 0; i < SENSE_SIGNALS; i++)
        out->channel_of[i] = (uint8_t)BOARD_ADC1_CHANNEL(gpio[i]);

    adc_cali_line_fitting_efuse_val_t source = ADC_CALI_LINE_FITTING_EFUSE_VAL_DEFAULT_VREF;
    if (adc_cali_scheme_line_fitting_check_efuse(&source) != ESP_OK ||
        source == ADC_CALI_LINE_FITTING_EFUSE_VAL_DEFAULT_VREF)
        ESP_LOGW(TAG, "converter not calibrated by its maker: calibrate this station (docs/esp32.md)");
    const adc_cali_line_fitting_config_t cfg = {
        .unit_id = ADC_UNIT_1,
        .atten = ADC_ATTEN_DB_12,
        .bitwidth = ADC_BITWIDTH_12,
        .default_vref = CONFIG_ECS_ADC_DEFAULT_VREF_MV,
    };
    adc_cali_handle_t cali;
    ESP_RETURN_ON_ERROR(adc_cali_create_scheme_line_fitting(&cfg, &cali), TAG, "calibration scheme");
    int mv = 0, before = 0;
    esp_err_t err = ESP_OK;
    for (int i = 0; i < SENSE_CURVE_POINTS && err == ESP_OK; i++) {
        before = mv;
        err = adc_cali_raw_to_voltage(cali, i < SENSE_CURVE_POINTS - 1 ? i * CURVE_STEP : RAW_MAX, &mv);
        out->curve_dmv[i] = (int16_t)(mv * 10);
    }
    /* The last point lies one step above the largest conversion. */
    out->curve_dmv[SENSE_CURVE_POINTS - 1] =
        (int16_t)(before * 10 + (mv - before) * 10 * CURVE_STEP / (CURVE_STEP - 1));
    adc_cali_delete_scheme_line_fitting(cali);
    return err;
}

/* The trip path. Not a word of it may lie in flash: what it calls is inline, in core/sense or core/guard
 * (which the linker fragment keeps in IRAM), or esp_timer_get_time, which ESP-IDF keeps there. Pairs of
 * conversions come out of the ESP32's DMA swapped (1 0 3 2 …), which moves CP by one place and every wave by
 * the same one: nothing that sense or metering measures between them changes. */
static bool IRAM_ATTR on_frame(adc_continuous_handle_t handle, const adc_continuous_evt_data_t *frame,
                               void *arg)
{
    (void)handle;
    (void)arg;
    uint64_t now = (uint64_t)esp_timer_get_time();
    outputs_apply(station_on_frame(s.guard, (const uint16_t *)(const void *)frame->conv_frame_buffer,
                                   frame->size / sizeof(uint16_t), now, outputs_inputs()));
    uint32_t n = atomic_load_explicit(&s.frames, memory_order_relaxed);
    if (n == 0)
        atomic_store_explicit(&s.first_us, (uint32_t)now, memory_order_relaxed);
    atomic_store_explicit(&s.last_us, (uint32_t)now, memory_order_relaxed);
    atomic_store_explicit(&s.frames, n + 1, memory_order_release);
    return false;
}

static bool IRAM_ATTR on_overflow(adc_continuous_handle_t handle, const adc_continuous_evt_data_t *frame,
                                  void *arg)
{
    (void)handle;
    (void)frame;
    (void)arg;
    atomic_store_explicit(&s.overflows, atomic_load_explicit(&s.overflows, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return false;
}

/* Good for the first hour: the words wrap. */
static int32_t rate_since_start(void)
{
    uint32_t n = atomic_load_explicit(&s.frames, memory_order_acquire);
    uint32_t us = atomic_load_explicit(&s.last_us, memory_order_relaxed) -
                  atomic_load_explicit(&s.first_us, memory_order_relaxed);
    return n < 2 || us == 0 ? 0 : (int32_t)((uint64_t)(n - 1) * SENSE_FRAME_LEN * 1000000u / us);
}

static esp_err_t run_at(uint32_t hz)
{
    adc_digi_pattern_config_t pattern[SENSE_PATTERN_LEN];
    const struct sense_cfg *cfg = &s.guard->sense.cfg;
    for (int i = 0; i < SENSE_PATTERN_LEN; i++)
        pattern[i] = (adc_digi_pattern_config_t){
            .atten = ADC_ATTEN_DB_12,
            .channel = cfg->channel_of[sense_default_pattern[i]],
            .unit = ADC_UNIT_1,
            .bit_width = ADC_BITWIDTH_12,
        };
    const adc_continuous_config_t config = {
        .pattern_num = SENSE_PATTERN_LEN,
        .adc_pattern = pattern,
        .sample_freq_hz = hz,
        .conv_mode = ADC_CONV_SINGLE_UNIT_1,
    };
    s.asked_hz = hz;
    atomic_store(&s.frames, 0);
    ESP_RETURN_ON_ERROR(adc_continuous_config(s.adc, &config), TAG, "configuration");
    return adc_continuous_start(s.adc);
}

esp_err_t sensing_start(struct guard *g)
{
    s.guard = g;
    const adc_continuous_handle_cfg_t handle = {
        .max_store_buf_size = POOL_FRAMES * FRAME_BYTES,
        .conv_frame_size = FRAME_BYTES,
    };
    const adc_continuous_evt_cbs_t callbacks = {.on_conv_done = on_frame, .on_pool_ovf = on_overflow};
    ESP_RETURN_ON_ERROR(adc_continuous_new_handle(&handle, &s.adc), TAG, "driver");
    ESP_RETURN_ON_ERROR(adc_continuous_register_event_callbacks(s.adc, &callbacks, NULL), TAG, "callbacks");
    ESP_RETURN_ON_ERROR(run_at(SENSE_RATE_HZ), TAG, "start");

    /* The rate that was asked for is not always the rate that is made. What counts is that a frame is short
     * enough for the guard; everything else is measured against the timer as it goes (core/metering). */
    vTaskDelay(pdMS_TO_TICKS(RATE_MEASURE_MS));
    sensing_drain();
    int32_t rate = rate_since_start();
    ESP_LOGI(TAG, "%d conversions/s asked, %ld made", (int)SENSE_RATE_HZ, (long)rate);
    if (rate > 0 && (int64_t)SENSE_FRAME_LEN * 1000000 / rate > FRAME_MAX_US) {
        uint64_t hz = (uint64_t)SENSE_RATE_HZ * SENSE_RATE_HZ / (uint32_t)rate;
        if (hz > RATE_MAX_HZ)
            hz = RATE_MAX_HZ;
        ESP_LOGW(TAG, "frames too long: asking for %lu conversions/s", (unsigned long)hz);
        ESP_RETURN_ON_ERROR(adc_continuous_stop(s.adc), TAG, "stop");
        ESP_RETURN_ON_ERROR(run_at((uint32_t)hz), TAG, "restart");
    }
    return ESP_OK;
}

void sensing_drain(void)
{
    static uint8_t sink[FRAME_BYTES]; /* of the control thread alone */
    uint32_t n = 0;
    for (int i = 0; i < 2 * POOL_FRAMES; i++)
        if (adc_continuous_read(s.adc, sink, sizeof sink, &n, 0) != ESP_OK)
            return;
}

void sensing_stats_read(struct sensing_stats *out)
{
    *out = (struct sensing_stats){
        .frames = atomic_load_explicit(&s.frames, memory_order_acquire),
        .overflows = atomic_load_explicit(&s.overflows, memory_order_relaxed),
        .asked_hz = s.asked_hz,
    };
}
