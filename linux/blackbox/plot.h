/*
 * plot: a black box as a picture: pilot, voltages, currents, switches and states over the seconds around a
 * fault.
 */
#ifndef LINUX_BLACKBOX_PLOT_H
#define LINUX_BLACKBOX_PLOT_H

#include "linux/blackbox/box_file.h"

enum { PLOT_WIDTH = 1200, PLOT_HEIGHT = 1000 };

/* RGB565 pixels, PLOT_WIDTH * PLOT_HEIGHT of them, to be freed; NULL: no memory. */
uint16_t *plot_box(const struct box_file *f, const struct box *b);

#endif
