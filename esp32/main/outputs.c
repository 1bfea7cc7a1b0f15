#include "outputs.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "driver/gpio.h"
#include "driver/ledc.h"
#include "esp_attr.h"
#include "esp_check.h"
#include "esp_system.h"
#include "esp_timer.h"

static const char TAG[] = "outputs";

enum {
    /* 80 MHz / 1000 Hz / 2^14 = 4.8828125: the divider's eight fractional bits hold that exactly, so the
     * frequency is as good as the crystal. One step is 61 ns; IEC 61851-1 allows 5 µs. */
    PILOT_BITS = 14,
    PILOT_FULL = 1 << PILOT_BITS,
    PILOT_HZ = 1000,
    DUTY_FULL_BP = 10000,
    LOCK_TEST_US = 2000000,
    LED_STEP_US = 125000,
    LED_STEPS = 16, /* a pattern lasts two seconds */
};

static const uint16_t led_patterns[] = {
    [OUTPUTS_LED_OFF] = 0x0000, [OUTPUTS_LED_BLIP] = 0x0001, [OUTPUTS_LED_SLOW] = 0x00FF,
    [OUTPUTS_LED_ON] = 0xFFFF,  [OUTPUTS_LED_FAST] = 0x5555, [OUTPUTS_LED_DOUBLE] = 0x0005,
};

atomic_bool outputs_shut;
static atomic_uint led_pattern;     /* enum outputs_led */
static uint32_t led_step;           /* of the timer's callback alone */
static atomic_uint lock_test_until; /* low word of the time; the last bit says which way; 0: no test */
static uint16_t pilot_bp;           /* of the control thread alone */

void __real_esp_panic_handler(void *info);
void __wrap_esp_panic_handler(void *info);

/* A panic prints and writes a core dump, which takes seconds: the contactor goes first. Watchdogs end here
 * too. The argument is ESP-IDF's private panic_info_t; it is only passed on. Linked by --wrap
 * (main/CMakeLists.txt). */
void IRAM_ATTR __wrap_esp_panic_handler(void *info)
{
    outputs_contactor_off();
    __real_esp_panic_handler(info);
}

static void led_tick(void *arg)
{
    (void)arg;
    uint16_t pattern = led_patterns[atomic_load_explicit(&led_pattern, memory_order_relaxed)];
    outputs_pin(CONFIG_ECS_PIN_LED, (pattern >> led_step & 1) != 0);
    led_step = (led_step + 1) % LED_STEPS;
}

static esp_err_t output_pins(void)
{
    const gpio_config_t out = {
        .pin_bit_mask = BOARD_OUTPUT_MASK,
        .mode = GPIO_MODE_INPUT_OUTPUT, /* readable, for the console */
        .pull_up_en = GPIO_PULLUP_DISABLE,
        .pull_down_en = GPIO_PULLDOWN_ENABLE,
        .intr_type = GPIO_INTR_DISABLE,
    };
#define OUTPUTS_LOW(gpio) outputs_pin(gpio, false);
    BOARD_OUTPUTS(OUTPUTS_LOW) /* before the drivers are switched on */
    return gpio_config(&out);
}

static esp_err_t input_pins(void)
{
    if (!BOARD_INPUT_MASK)
        return ESP_OK;
    /* Pins 34 to 39 have no resistors of their own; asking for one there is an error. */
    const uint64_t no_pull = BOARD_INPUT_MASK >> 34 << 34;
    gpio_config_t in = {
        .pin_bit_mask = BOARD_INPUT_MASK & ~no_pull,
        .mode = GPIO_MODE_INPUT,
        .pull_up_en = GPIO_PULLUP_ENABLE,
        .pull_down_en = GPIO_PULLDOWN_DISABLE,
        .intr_type = GPIO_INTR_DISABLE,
    };
    if (in.pin_bit_mask)
        ESP_RETURN_ON_ERROR(gpio_config(&in), TAG, "inputs");
    in.pull_up_en = GPIO_PULLUP_DISABLE;
#ifndef CONFIG_ECS_RCD_FAIL_SAFE
    const uint64_t rcd = BOARD_BIT(CONFIG_ECS_PIN_RCD) & ~no_pull;
    in.pin_bit_mask = rcd;
    in.pull_down_en = GPIO_PULLDOWN_ENABLE;
    if (rcd)
        ESP_RETURN_ON_ERROR(gpio_config(&in), TAG, "RCD input");
    in.pull_down_en = GPIO_PULLDOWN_DISABLE;
#endif
    in.pin_bit_mask = no_pull;
    return no_pull ? gpio_config(&in) : ESP_OK;
}

static esp_err_t pilot_timer(void)
{
    const ledc_timer_config_t timer = {
        .speed_mode =
            LEDC_HIGH_SPEED_MODE, /* the group whose changes wait for the end of the period in hardware */
        .duty_resolution = LEDC_TIMER_14_BIT,
        .timer_num = LEDC_TIMER_0,
        .freq_hz = PILOT_HZ,
        .clk_cfg = LEDC_USE_APB_CLK,
    };
    _Static_assert((int)LEDC_TIMER_14_BIT == (int)PILOT_BITS, "resolution");
    ESP_RETURN_ON_ERROR(ledc_timer_config(&timer), TAG, "pilot timer");
    const ledc_channel_config_t channel = {
        .gpio_num = CONFIG_ECS_PIN_CP_PWM,
        .speed_mode = LEDC_HIGH_SPEED_MODE,
        .channel = LEDC_CHANNEL_0,
        .timer_sel = LEDC_TIMER_0,
        .duty = 0,
        .hpoint = 0,
    };
    return ledc_channel_config(&channel);
}

esp_err_t outputs_init(void)
{
    ESP_RETURN_ON_ERROR(output_pins(), TAG, "outputs");
    ESP_RETURN_ON_ERROR(input_pins(), TAG, "inputs");
    ESP_RETURN_ON_ERROR(pilot_timer(), TAG, "pilot");
    /* Any orderly restart, whoever asks for it. */
    ESP_RETURN_ON_ERROR(esp_register_shutdown_handler(outputs_safe), TAG, "shutdown");
    if (CONFIG_ECS_PIN_LED < 0)
        return ESP_OK;
    const esp_timer_create_args_t args = {.callback = led_tick, .name = "led"};
    esp_timer_handle_t timer;
    ESP_RETURN_ON_ERROR(esp_timer_create(&args, &timer), TAG, "LED timer");
    return esp_timer_start_periodic(timer, LED_STEP_US);
}

void outputs_pilot(uint16_t duty_bp)
{
    if (duty_bp > DUTY_FULL_BP)
        duty_bp = DUTY_FULL_BP;
    if (duty_bp == pilot_bp)
        return;
    uint32_t duty = ((uint32_t)duty_bp * PILOT_FULL + DUTY_FULL_BP / 2) / DUTY_FULL_BP;
    /* Fails only on arguments that are constant here; what is driven is read back by core/pilot in any case.
     */
    if (ledc_set_duty(LEDC_HIGH_SPEED_MODE, LEDC_CHANNEL_0, duty) == ESP_OK &&
        ledc_update_duty(LEDC_HIGH_SPEED_MODE, LEDC_CHANNEL_0) == ESP_OK)
        pilot_bp = duty_bp;
}

void outputs_lock(bool locked)
{
    unsigned test = atomic_load_explicit(&lock_test_until, memory_order_relaxed);
    if (test) {
        if ((int32_t)(test - (uint32_t)esp_timer_get_time()) > 0)
            locked = (test & 1u) != 0;
        else
            atomic_store_explicit(&lock_test_until, 0, memory_order_relaxed);
    }
    outputs_pin(CONFIG_ECS_PIN_LOCK, locked);
}

void outputs_lock_test(bool locked)
{
    uint32_t until = (uint32_t)esp_timer_get_time() + LOCK_TEST_US;
    atomic_store_explicit(&lock_test_until, (until & ~1u) | (locked ? 1u : 0u) | 2u, memory_order_relaxed);
}

void outputs_rcm_test(bool on)
{
    outputs_pin(CONFIG_ECS_PIN_RCM_TEST, on);
}

void outputs_safe(void)
{
    atomic_store(&outputs_shut, true);
    outputs_contactor_off();
    outputs_rcm_test(false);
}

void outputs_led(enum outputs_led pattern)
{
    atomic_store_explicit(&led_pattern, (unsigned)pattern, memory_order_relaxed);
}
