/*
 * flash_part: a part of a flash area as an area of its own, as the partitions of a chip are.
 */
#ifndef LINUX_FLASH_PART_H
#define LINUX_FLASH_PART_H

#include "port/port.h"

struct flash_part {
    struct port_flash whole;
    uint32_t off, size;
};

/* off and size: multiples of PORT_FLASH_SECTOR inside `whole`. `part` lasts as long as *out is used. */
void flash_part_make(struct flash_part *part, const struct port_flash *whole, uint32_t off, uint32_t size,
                     struct port_flash *out);

#endif
