/*
 * board: which pin does what, from Kconfig, and the proof at compile time that such a board can exist.
 */
#ifndef ESP32_BOARD_H
#define ESP32_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "sdkconfig.h"

/* Kconfig leaves a bool that is off undefined. */
#ifdef CONFIG_ECS_CP_BIPOLAR
#define BOARD_CP_BIPOLAR true
#else
#define BOARD_CP_BIPOLAR false
#endif

/* ESP32 datasheet, table "ADC1": GPIO 36 37 38 39 32 33 34 35 are channels 0..7. */
#define BOARD_ADC1_CHANNEL(gpio) ((gpio) >= 36 ? (gpio)-36 : (gpio)-28)

#define BOARD_BIT(gpio) ((gpio) < 0 ? 0ull : 1ull << ((gpio)&63))

#define BOARD_ANALOGUE(x)                                                                   \
    x(CONFIG_ECS_PIN_CP_ADC) x(CONFIG_ECS_PIN_I1) x(CONFIG_ECS_PIN_I2) x(CONFIG_ECS_PIN_I3) \
        x(CONFIG_ECS_PIN_M0) x(CONFIG_ECS_PIN_M1)
#define BOARD_OUTPUTS(x)                                                                              \
    x(CONFIG_ECS_PIN_CP_PWM) x(CONFIG_ECS_PIN_CONTACTOR) x(CONFIG_ECS_PIN_MUX) x(CONFIG_ECS_PIN_LOCK) \
        x(CONFIG_ECS_PIN_RCM_TEST) x(CONFIG_ECS_PIN_LED)
#define BOARD_INPUTS(x)                                                                              \
    x(CONFIG_ECS_PIN_RCD) x(CONFIG_ECS_PIN_AUX) x(CONFIG_ECS_PIN_LOCKED) x(CONFIG_ECS_PIN_RCM_FAULT) \
        x(CONFIG_ECS_PIN_BUTTON)

#define BOARD_OR(gpio)      | BOARD_BIT(gpio)
#define BOARD_SUM(gpio)     +BOARD_BIT(gpio)
#define BOARD_ANALOGUE_MASK (0ull BOARD_ANALOGUE(BOARD_OR))
#define BOARD_OUTPUT_MASK   (0ull BOARD_OUTPUTS(BOARD_OR))
#define BOARD_INPUT_MASK    (0ull BOARD_INPUTS(BOARD_OR))

#define BOARD_MASK6(a, b, c, d, e, f) \
    (BOARD_BIT(a) | BOARD_BIT(b) | BOARD_BIT(c) | BOARD_BIT(d) | BOARD_BIT(e) | BOARD_BIT(f))
#define BOARD_ADC1_MASK                                                                \
    BOARD_MASK6(32, 33, 34, 35, 36, 39) /* 37 and 38 are not brought out of the module \
                                         */
#define BOARD_FLASH_MASK BOARD_MASK6(6, 7, 8, 9, 10, 11)
#define BOARD_PSRAM_MASK (BOARD_BIT(16) | BOARD_BIT(17))
#define BOARD_LCD_MASK   BOARD_MASK6(5, 18, 19, 21, 22, 23)
#define BOARD_UART_MASK  (BOARD_BIT(1) | BOARD_BIT(3)) /* console */
#define BOARD_STRAP_MASK BOARD_BIT(12)                 /* flash voltage at reset: leave alone */
#define BOARD_TAKEN_MASK \
    (BOARD_FLASH_MASK | BOARD_PSRAM_MASK | BOARD_LCD_MASK | BOARD_UART_MASK | BOARD_STRAP_MASK)

_Static_assert((BOARD_ANALOGUE_MASK & ~BOARD_ADC1_MASK) == 0,
               "an analogue signal is not on ADC1 (GPIO 32 33 34 35 36 39)");
_Static_assert(((BOARD_OUTPUT_MASK | BOARD_INPUT_MASK) & BOARD_TAKEN_MASK) == 0,
               "a pin is on flash, PSRAM, LCD, console or GPIO 12");
_Static_assert((BOARD_OUTPUT_MASK >> 34) == 0, "an output is on an input-only pin (GPIO 34 to 39)");
/* Each pin is one bit: the sum equals the union only if no bit comes twice. */
_Static_assert((0ull BOARD_ANALOGUE(BOARD_SUM) BOARD_OUTPUTS(BOARD_SUM) BOARD_INPUTS(BOARD_SUM)) ==
                   (BOARD_ANALOGUE_MASK | BOARD_OUTPUT_MASK | BOARD_INPUT_MASK),
               "two signals share a pin");
_Static_assert(CONFIG_ECS_PIN_CONTACTOR != 0 && CONFIG_ECS_PIN_CONTACTOR != 2 &&
                   CONFIG_ECS_PIN_CONTACTOR != 5 && CONFIG_ECS_PIN_CONTACTOR != 14 &&
                   CONFIG_ECS_PIN_CONTACTOR != 15,
               "the contactor is on a pin that moves during reset or boot");
_Static_assert(CONFIG_ECS_PHASES == 1 || CONFIG_ECS_PHASES == 3, "1 or 3 phases");

#endif
