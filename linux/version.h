/*
 * version: of the simulator, and so of the firmware that runs in it. A file of its own, so that a test can
 * build the next one.
 */
#ifndef LINUX_VERSION_H
#define LINUX_VERSION_H

extern const char sim_version[]; /* "1.2.3-sim" */

#endif
