/*
 * outputs: the digital pins. Contactor, analogue switch, control pilot, lock, test input, LED; and the inputs
 * that travel with each frame. What the interrupt uses is inline: register accesses and nothing else.
 */
#ifndef ESP32_OUTPUTS_H
#define ESP32_OUTPUTS_H

#include <stdatomic.h>

#include "board.h"
#include "core/guard.h"
#include "esp_err.h"
#include "soc/gpio_reg.h"
#include "soc/soc.h"

/* One instruction each; safe from an interrupt, from both cores and while flash is off. gpio is a constant.
 */
static inline __attribute__((always_inline)) void outputs_pin(int gpio, bool high)
{
    if (gpio < 0)
        return;
    if (gpio < 32)
        REG_WRITE(high ? GPIO_OUT_W1TS_REG : GPIO_OUT_W1TC_REG, 1u << (gpio & 31));
    else
        REG_WRITE(high ? GPIO_OUT1_W1TS_REG : GPIO_OUT1_W1TC_REG, 1u << (gpio & 31));
}

static inline __attribute__((always_inline)) bool outputs_read(uint32_t low, uint32_t high, int gpio)
{
    return ((gpio < 32 ? low : high) >> (gpio & 31) & 1u) != 0;
}

/* GUARD_IN_* as the pins stand now. Any thread, and the interrupt. */
static inline __attribute__((always_inline)) uint32_t outputs_inputs(void)
{
    const uint32_t low = REG_READ(GPIO_IN_REG), high = REG_READ(GPIO_IN1_REG);
    uint32_t in = 0;
    if (CONFIG_ECS_PIN_RCD >= 0 && outputs_read(low, high, CONFIG_ECS_PIN_RCD))
        in |= GUARD_IN_RCD;
    if (CONFIG_ECS_PIN_AUX >= 0 && !outputs_read(low, high, CONFIG_ECS_PIN_AUX))
        in |= GUARD_IN_AUX;
    if (CONFIG_ECS_PIN_LOCKED >= 0 && !outputs_read(low, high, CONFIG_ECS_PIN_LOCKED))
        in |= GUARD_IN_LOCKED;
    if (CONFIG_ECS_PIN_BUTTON >= 0 && !outputs_read(low, high, CONFIG_ECS_PIN_BUTTON))
        in |= GUARD_IN_BUTTON;
    if (CONFIG_ECS_PIN_RCM_FAULT >= 0 && outputs_read(low, high, CONFIG_ECS_PIN_RCM_FAULT))
        in |= GUARD_IN_RCM_FAULT;
    return in;
}

/* Set for good by outputs_safe: a restart is under way and the interrupt still runs. */
extern atomic_bool outputs_shut;

/* What guard_on_frame answered. Interrupt. The only place that ever raises the contactor pin. */
static inline __attribute__((always_inline)) void outputs_apply(uint32_t out)
{
    bool shut = atomic_load_explicit(&outputs_shut, memory_order_relaxed);
    outputs_pin(CONFIG_ECS_PIN_CONTACTOR, (out & GUARD_OUT_COIL) != 0 && !shut);
    outputs_pin(CONFIG_ECS_PIN_MUX, (out & GUARD_OUT_MUX) != 0);
}

static inline __attribute__((always_inline)) void outputs_contactor_off(void)
{
    outputs_pin(CONFIG_ECS_PIN_CONTACTOR, false);
}

/* First thing after reset: contactor low, pilot at -12 V, inputs with their resistors. */
esp_err_t outputs_init(void);
/* The next three: control thread.
 * 0.1 µs of high time in 1000 µs; 10000 is steady +12 V, 0 steady -12 V. Takes effect with the
 * next period, so that no period is
 * ever cut short. */
void outputs_pilot(uint16_t duty_bp);
void outputs_lock(bool locked);
/* Any thread: drives the lock so for two seconds, whatever the control thread asks for. The caller has made
 * sure that no car is there. */
void outputs_lock_test(bool locked);
void outputs_rcm_test(bool on);
/* Any thread. Everything that could carry energy off, until the reset that must follow. */
void outputs_safe(void);

/* What the status LED says; docs/esp32.md has the table. */
enum outputs_led {
    OUTPUTS_LED_OFF,
    OUTPUTS_LED_BLIP, /* short flash every two seconds */
    OUTPUTS_LED_SLOW, /* one second on, one off */
    OUTPUTS_LED_ON,
    OUTPUTS_LED_FAST,  /* four times a second */
    OUTPUTS_LED_DOUBLE /* two short flashes every two seconds */
};
/* Any thread. */
void outputs_led(enum outputs_led pattern);

#endif
