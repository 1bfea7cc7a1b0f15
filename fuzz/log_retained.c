/*
 * Any memory as what a run before has left of its log: what is found is told in whole sentences, and the log
 * goes on in it. The first byte says how many lines follow.
 */
#include <stdlib.h>
#include <string.h>

#include "log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _Alignas(8) static unsigned char ring[8192], kept[2048];
    if (size < 1)
        return 0;
    unsigned lines = *data++;
    size--;
    memset(kept, 0, sizeof kept);
    memcpy(kept, data, size < sizeof kept ? size : sizeof kept);
    const struct log_memory m = {ring, sizeof ring, kept, sizeof kept};
    struct log l;
    log_init(&l, &m, 1);
    for (unsigned i = 0; i < lines; i++)
        log_pilot(&l, i, 'A', 'B', (int32_t)i);
    struct log_place place = {0};
    struct log_entry e;
    unsigned n = 0;
    while (log_next(&l, &place, &e)) {
        char line[LOG_LINE_MAX];
        size_t len = log_sentence(&e, line, sizeof line);
        if (len >= sizeof line || strlen(line) != len || ++n > sizeof ring / 24)
            abort();
    }
    return 0;
}
