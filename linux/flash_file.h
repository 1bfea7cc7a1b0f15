/*
 * flash_file: a raw NOR flash area emulated on a file or in memory: 4 KB sectors erased to 0xFF, programming
 * that only clears bits, a wear count per sector, and a power cut at any operation and any byte.
 *
 * An operation is one page programmed or one sector erased; longer requests are split as the chip's driver
 * does. Not for two threads at once.
 */
#ifndef LINUX_FLASH_FILE_H
#define LINUX_FLASH_FILE_H

#include "port/port.h"

struct flash_file;

/* What a cut leaves of the operation under way. */
enum flash_file_tear {
    FLASH_FILE_NOTHING, /* not begun */
    FLASH_FILE_BYTES,   /* the first n bytes done, random bits of the next, the rest as before */
    FLASH_FILE_BITS,    /* each bit that had to change has changed or not, by chance */
    FLASH_FILE_SPAN,    /* a random part of it done, the rest as before */
    FLASH_FILE_WHOLE,   /* done, but nobody was told */
};
enum { FLASH_FILE_TEARS = FLASH_FILE_WHOLE + 1 };

/* Opens or makes the file: `size` bytes of area, then the wear counts. path NULL: in memory. size: a multiple
 * of PORT_FLASH_SECTOR, as when it was made. The file is locked against other processes. NULL: err says why.
 */
struct flash_file *flash_file_open(const char *path, uint32_t size, char *err, size_t cap);
/* Size of the area in an existing file; 0: there is none. */
uint32_t flash_file_size(const char *path);
void flash_file_close(struct flash_file *f); /* NULL: nothing */
void flash_file_port(struct flash_file *f, struct port_flash *out);

/* `ops` more operations are carried out, the one after them is cut: it and everything after it, reading too,
 * gives PORT_ERR_IO until the power is back. UINT64_MAX: no cut. */
void flash_file_cut_after(struct flash_file *f, uint64_t ops);
/* How the cut operation is left; n for FLASH_FILE_BYTES, else a seed. FLASH_FILE_NOTHING at first. */
void flash_file_tear(struct flash_file *f, enum flash_file_tear tear, uint64_t n);
/* As flash_file_tear, with bits by chance or nothing of it. */
void flash_file_torn(struct flash_file *f, bool torn);
bool flash_file_is_cut(const struct flash_file *f);
/* Power off: nothing works any more; torn: the operation after this instant, if one still comes, is left half
 * done. Power on again: as reopened, no cut planned. false: the file can't be used. */
bool flash_file_power(struct flash_file *f, bool on, bool torn);

struct flash_file_stats {
    uint64_t programs, erases, programmed_bytes, reads, read_bytes; /* since opened */
    uint32_t refused;  /* attempts to set bits or to leave the area: refused with an error, and a fault of the
                          caller */
    uint32_t wear_max; /* erases of the most worn sector, ever */
    uint64_t wear_sum;
};
void flash_file_stats(const struct flash_file *f, struct flash_file_stats *out);
uint32_t flash_file_wear(const struct flash_file *f, uint32_t sector);
/* Operations carried out since opened. */
uint64_t flash_file_ops(const struct flash_file *f);
/* Makes `to` what `from` is now, its power on: back to an earlier instant. Both in memory and of one size,
 * else false. */
bool flash_file_copy(struct flash_file *to, const struct flash_file *from);
/* Turns bits over as age does; nothing is checked. */
bool flash_file_rot(struct flash_file *f, uint32_t off, uint8_t bits);

#endif
