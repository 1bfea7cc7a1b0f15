#include "linux/version.h"

const char sim_version[] = ECS_VERSION "-sim";
