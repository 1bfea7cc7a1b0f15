/*
 * replay: stands in for libFuzzer in ordinary builds: runs a fuzz target once on each file named on the
 * command line, so that the seeds are ordinary tests. A file that can't be read, or no file at all, is a
 * failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    /* Exactly as large as the input, so that the address checker sees one byte too many. */
    size_t size = 0, room = 4096;
    uint8_t *data = malloc(room);
    while (data) {
        size += fread(data + size, 1, room - size, f);
        if (size < room)
            break;
        room *= 2;
        uint8_t *more = realloc(data, room);
        if (!more)
            free(data);
        data = more;
    }
    int failed = ferror(f) || !data;
    (void)fclose(f);
    if (failed) {
        fprintf(stderr, "%s: could not be read whole\n", path);
        free(data);
        return -1;
    }
    uint8_t *exact = realloc(data, size ? size : 1);
    if (exact)
        data = exact;
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    if (failed)
        fprintf(stderr, "%s: name the inputs to replay\n", argv[0]);
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]) != 0;
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
