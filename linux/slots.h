/*
 * slots: two firmware slots and what a boot loader does with them at a reset, as that of the ESP32 (ESP-IDF,
 * rollback enabled) does: two records, of which the newer one that counts names the slot; a new one is
 * started on probation; one that is still on probation at the next reset has failed.
 *
 * What differs: a record's checksum is over all of it, and an image is checked against the manifest behind
 * it.
 */
#ifndef LINUX_SLOTS_H
#define LINUX_SLOTS_H

#include "port/port.h"
#include "update/manifest.h"

struct slots {
    struct port_flash slot[2]; /* equal in size */
    struct port_flash records; /* two sectors */
    /* A slot that has never been written by an update holds firmware from the factory, which the boot loader
     * takes as it is: without a manifest. */
    bool factory[2];
    int running; /* −1: nothing can be started */
    bool probation, other_failed;
};

/* What happens at a reset. The three areas and `factory` must be set. false: there is nothing to start. */
bool slots_boot(struct slots *s);
/* What slots_boot would start, changing nothing. */
bool slots_next(const struct slots *s, int *slot, bool *probation);
/* For struct port, after slots_boot. */
void slots_port(struct slots *s, struct port_firmware *out);
/* The manifest behind the image in a slot; false: there is none, or the image is not what it says. */
bool slots_manifest(const struct slots *s, int slot, struct manifest *out);
/* Makes `slot` the one to start, without probation: what a programming cable does. */
int slots_install(struct slots *s, int slot);

#endif
