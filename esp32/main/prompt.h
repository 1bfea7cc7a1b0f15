/*
 * prompt: reads one line from the console inside a command, echoed or hidden.
 */
#ifndef ESP32_PROMPT_H
#define ESP32_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

/* Console thread. Waits for Enter. false: given up with Ctrl-C or Ctrl-D, the input ended, or longer than cap
 * - 1 (nothing of it is used then). A hidden line shows nothing, not even its length. */
bool prompt_line(char *buf, size_t cap, bool echo);

#endif
