/* The next version of ecs-sim, for a launcher that has to start really another program. */
#include "linux/version.h"

const char sim_version[] = "2.0.0-next";
