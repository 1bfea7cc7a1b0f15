/*
 * crc32: the CRC-32 of Ethernet and zip (polynomial 0x04C11DB7 reflected, ISO/IEC 8802-3 clause 3.2.9), with
 * a table of 16 words: small enough for the chip, fast enough for flash.
 */
#ifndef STORE_CRC32_H
#define STORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, 0 at the start. crc32_add(0, "123456789", 9) is 0xCBF43926. Any thread. */
uint32_t crc32_add(uint32_t crc, const void *data, size_t len);

#endif
