/*
 * Fuzz target: any bytes as the memory that a reset leaves alone, whole or laid over good copies. The
 * registers that come out of it must go on from the mark, never back and never by more than can have flowed;
 * and what is kept then must come out again.
 */
#include <stdlib.h>
#include <string.h>

#include "station/registers.h"
#include "station/retained.h"

#define must(x) ((x) ? (void)0 : abort()) /* not assert: it must stay in release builds */

static uint64_t word(const uint8_t *data, size_t size, size_t at)
{
    uint64_t w = 0;
    for (size_t i = 0; i < 8 && at + i < size; i++)
        w |= (uint64_t)data[at + i] << (8 * i);
    return w;
}

static void check(const unsigned char *memory, const struct durable_registers *mark)
{
    struct durable_registers out;
    if (!registers_recall(memory, mark, &out))
        return;
    must(out.meter.import_total_uwh >= mark->meter.import_total_uwh);
    must(out.contactor_cycles >= mark->contactor_cycles);
    for (int p = 0; p < 3; p++)
        must(out.meter.import_uwh[p] >= mark->meter.import_uwh[p]);
    /* 2^32 seconds of 72 kW, and what may be missing in the mark */
    must(out.meter.import_total_uwh - mark->meter.import_total_uwh <= 86000ull * 1000000 * 1000000);
    must(registers_recall(memory, NULL, &out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) unsigned char memory[PORT_RETAINED_BYTES];
    struct durable_registers mark = {.contactor_cycles = (uint32_t)word(data, size, 0) % 1000}, out;
    mark.meter.import_total_uwh = word(data, size, 4) >> 8;
    mark.meter.import_uwh[0] = word(data, size, 12) >> 8;

    memset(memory, 0, sizeof memory);
    memcpy(memory + RETAINED_REGISTERS, data,
           size < RETAINED_REGISTERS_BYTES ? size : RETAINED_REGISTERS_BYTES);
    check(memory, &mark);

    struct registers_kept kept = {0};
    struct meter_reading meter = mark.meter;
    for (int i = 0; i < 3; i++) {
        meter.import_uwh[0] += 1000;
        meter.import_total_uwh += 1000;
        registers_keep(memory, &kept, &meter, mark.contactor_cycles, (uint64_t)i * 200000);
        must(registers_recall(memory, &mark, &out));
        must(out.meter.import_total_uwh == meter.import_total_uwh);
    }
    for (size_t i = 0; i < size && i < RETAINED_REGISTERS_BYTES; i++)
        memory[RETAINED_REGISTERS + i] ^= data[i];
    check(memory, &mark);
    return 0;
}
