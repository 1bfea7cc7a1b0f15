#include "linux/flash_part.h"

static bool inside(const struct flash_part *p, uint32_t off, size_t len)
{
    return off <= p->size && len <= p->size - off;
}

static int part_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct flash_part *p = ctx;
    return inside(p, off, len) ? p->whole.read(p->whole.ctx, p->off + off, buf, len) : PORT_ERR_RANGE;
}

static int part_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    const struct flash_part *p = ctx;
    return inside(p, off, len) ? p->whole.program(p->whole.ctx, p->off + off, buf, len) : PORT_ERR_RANGE;
}

static int part_erase(void *ctx, uint32_t off, size_t len)
{
    const struct flash_part *p = ctx;
    return inside(p, off, len) ? p->whole.erase(p->whole.ctx, p->off + off, len) : PORT_ERR_RANGE;
}

void flash_part_make(struct flash_part *part, const struct port_flash *whole, uint32_t off, uint32_t size,
                     struct port_flash *out)
{
    *part = (struct flash_part){.whole = *whole, .off = off, .size = size};
    *out = (struct port_flash){
        .ctx = part, .size = size, .read = part_read, .program = part_program, .erase = part_erase};
}
