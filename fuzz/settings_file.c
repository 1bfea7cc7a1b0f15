/*
 * Fuzz target: any bytes as the settings file. The parser must not crash; what it takes must come out again
 * the same when it is built anew; and the settings loaded from it must all be in their ranges. If the input
 * does not end with the right CRC line it is tried with one as well, so that the lines inside are reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/kv_file.h"
#include "store/crc32.h"
#include "store/settings.h"

#define must(x) ((x) ? (void)0 : abort()) /* not assert: it must stay in release builds */

struct entries {
    struct kv_file_entry entry[64];
    size_t count;
};

static int get(void *ctx, const char *key, void *buf, size_t cap, size_t *len)
{
    const struct entries *e = ctx;
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->entry[i].key, key) == 0) {
            if (e->entry[i].len > cap)
                return PORT_ERR_RANGE;
            memcpy(buf, e->entry[i].value, e->entry[i].len);
            *len = e->entry[i].len;
            return PORT_OK;
        }
    return PORT_ERR_NOT_FOUND;
}

static void try_file(const uint8_t *bytes, size_t len)
{
    static struct entries a, b; /* static: large */
    static struct settings s;
    static uint8_t again[KV_FILE_BYTES_MAX];
    if (!kv_file_parse(bytes, len, a.entry, sizeof a.entry / sizeof *a.entry, &a.count))
        return;
    size_t n = kv_file_build(a.entry, a.count, again, sizeof again);
    must(n > 0 && kv_file_parse(again, n, b.entry, sizeof b.entry / sizeof *b.entry, &b.count));
    must(a.count == b.count);
    for (size_t i = 0; i < a.count; i++)
        must(strcmp(a.entry[i].key, b.entry[i].key) == 0 && a.entry[i].len == b.entry[i].len &&
             memcmp(a.entry[i].value, b.entry[i].value, a.entry[i].len) == 0);

    const struct port_kv kv = {.ctx = &a, .get = get};
    settings_load(&s, &kv);
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *t = settings_info((enum setting_id)i);
        if (t->type == SETTING_TEXT)
            must(strlen(settings_text(&s, (enum setting_id)i)) <= (size_t)t->max);
        else
            must(settings_int(&s, (enum setting_id)i) >= t->min &&
                 settings_int(&s, (enum setting_id)i) <= t->max);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[16];
    try_file(data, size);
    uint8_t *mended = malloc(size + sizeof line);
    if (!mended)
        return 0;
    if (size)
        memcpy(mended, data, size);
    int n = snprintf(line, sizeof line, "crc %08x\n", (unsigned)crc32_add(0, data, size));
    memcpy(mended + size, line, (size_t)n);
    try_file(mended, size + (size_t)n);
    free(mended);
    return 0;
}
