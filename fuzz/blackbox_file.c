/* Any file as a diagnostics file: it is refused with a reason, or read, listed and drawn. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "linux/blackbox/plot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct box_file f;
    char why[200] = "";
    if (!box_file_parse((const char *)data, size, &f, why, sizeof why)) {
        assert(strncmp(why, "line ", 5) == 0 && f.boxes == 0);
        return 0;
    }
    for (size_t i = 0; i < f.boxes; i++) {
        assert(f.box[i].count <= BOX_FILE_SAMPLES_MAX);
        free(plot_box(&f, &f.box[i]));
    }
    box_file_free(&f);
    return 0;
}
