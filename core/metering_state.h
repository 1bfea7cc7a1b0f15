/* metering's inside; include core/metering.h instead. */
#ifndef CORE_METERING_STATE_H
#define CORE_METERING_STATE_H

struct metering {
    struct metering_cfg cfg;
    struct meter_reading now;
};

#endif
