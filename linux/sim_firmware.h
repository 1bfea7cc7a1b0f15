/*
 * sim_firmware: the two firmware slots of a simulated station, as files, and which firmware runs in it.
 *
 * Started by itself, ecs-sim is the firmware of the factory and both slots are emulated: an image that has
 * been installed gives its version and security number, and what little behaviour it asks for, but the code
 * that runs stays this program. Started by ecs-launch, this program is what was in the slot. Comms thread.
 */
#ifndef LINUX_SIM_FIRMWARE_H
#define LINUX_SIM_FIRMWARE_H

#include "linux/slots.h"

struct sim_firmware;

/* How ecs-launch started us. */
struct sim_launch {
    const char *dir; /* of the slots; NULL: not by ecs-launch */
    int slot;
    bool probation, other_failed;
    bool restarted; /* as it wished; not after a crash or a loss of power */
};

/* What an emulated image wants to happen, for trying out what follows: lines of its text (an image that
 * begins with "ecs-sim firmware"): "panic after N s", "no network". */
struct sim_behaviour {
    uint64_t panic_us; /* after the start; 0: none */
    bool deaf;
};

/* dir: of the station. NULL: err says why. */
struct sim_firmware *sim_firmware_open(const char *dir, const struct sim_launch *launch, char *err,
                                       size_t cap);
void sim_firmware_close(struct sim_firmware *f);
/* A reset: the boot loader chooses. false: there is nothing to start. */
bool sim_firmware_boot(struct sim_firmware *f, struct port_firmware *out);
/* Of what runs, after a boot. */
const char *sim_firmware_version(const struct sim_firmware *f);
uint32_t sim_firmware_security(const struct sim_firmware *f);
const struct sim_behaviour *sim_firmware_behaviour(const struct sim_firmware *f);
/* Files of slots and boot records in a folder, for ecs-launch too. */
enum { SIM_SLOT_BYTES = 0x1D0000 }; /* as on the board (esp32/partitions.csv) */

#endif
