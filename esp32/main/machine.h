/*
 * machine: this chip as the port that the station sees, and the station in it: one struct station in internal
 * RAM, OCPP's memory beside it or in PSRAM.
 */
#ifndef ESP32_MACHINE_H
#define ESP32_MACHINE_H

#include "esp_err.h"
#include "port/port.h"
#include "station/station.h"

/* Opens settings and journal, makes the network client and the station. Once, before any thread of ours runs.
 */
esp_err_t machine_init(enum port_reset_reason reason);
struct station *machine_station(void);
const struct port *machine_port(void);
/* Comms thread: lets the network client work until `until_us` (monotonic) or until it is woken. */
void machine_serve(uint64_t until_us);

/* PSRAM found, and what is used of it for OCPP (bytes; 0: internal RAM). */
size_t machine_psram_bytes(void);

#endif
