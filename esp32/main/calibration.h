/*
 * calibration: the guided two-point calibration of the console: asks a person for what a better instrument
 * reads, takes the station's own readings meanwhile, and writes the settings.
 */
#ifndef ESP32_CALIBRATION_H
#define ESP32_CALIBRATION_H

/* Console thread. what: "cp", "v" or "i". Returns 0, or 1 after having said what went wrong. */
int calibration_run(const char *what);

#endif
