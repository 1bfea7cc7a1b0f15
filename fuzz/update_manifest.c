/* Any bytes as a firmware file: what is taken for a manifest is exactly what would be written, and versions
 * have an order. */
#include <stdlib.h>
#include <string.h>

#include "update/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m, next;
    uint8_t again[MANIFEST_BYTES];
    enum manifest_result r = manifest_read(&m, data, size);
    if (!manifest_result_text(r)[0])
        abort();
    if (r != MANIFEST_OK)
        return 0;
    if (size < MANIFEST_BYTES || !manifest_write(&m, again) || memcmp(again, data, sizeof again) != 0)
        abort();
    if (m.size == 0 || !manifest_version_ok(m.version) || strlen(m.board) > MANIFEST_BOARD_MAX)
        abort();
    if (manifest_version_compare(m.version, m.version) != 0)
        abort();
    if (manifest_read(&next, data + MANIFEST_BYTES, size - MANIFEST_BYTES) == MANIFEST_OK &&
        sign(manifest_version_compare(m.version, next.version)) !=
            -sign(manifest_version_compare(next.version, m.version)))
        abort();
    return 0;
}
