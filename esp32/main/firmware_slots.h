/*
 * firmware_slots: the two OTA partitions and ESP-IDF's boot loader as the port offers them to update/.
 */
#ifndef ESP32_FIRMWARE_SLOTS_H
#define ESP32_FIRMWARE_SLOTS_H

#include "port/port.h"

/* At start. A table without two equal OTA partitions gives no slots, which is then answered to whoever wants
 * an update. */
void firmware_slots_open(struct port_firmware *out);

#endif
