/* bed: a world on the test bench, with what the station would write set by hand. */
#ifndef TESTS_SIM_BED_H
#define TESTS_SIM_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/world.h"

struct bed {
    struct world *w;
    struct world_cfg cfg;
    struct world_state s;
    uint16_t raw[WORLD_FRAME_LEN];
    size_t n;
    uint64_t end_us;
    int16_t curve[WORLD_CURVE_POINTS];
};

/* With a perfect converter unless cfg is changed before bed_start. */
void bed_cfg(struct bed *b);
void bed_start(struct bed *b, uint64_t seed);
void bed_stop(struct bed *b);
void bed_frame(struct bed *b);
/* At least so long; s is fresh afterwards. */
void bed_run(struct bed *b, double seconds);
/* Plugged, PWM for so many amps, coil on, and drawing. */
void bed_charge(struct bed *b, double amps);
/* The world's time. */
double bed_seconds(const struct bed *b);
unsigned bed_duty(double amps);
/* Pin voltage of a raw word by the factory calibration, mV. */
double bed_mv(const struct bed *b, uint16_t raw);

#define assert_near(a, b, tolerance) assert_near_at((a), (b), (tolerance), #a, __FILE__, __LINE__)
void assert_near_at(double a, double b, double tolerance, const char *what, const char *file, int line);

#endif
