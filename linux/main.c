/*
 * ecs-sim: charging stations with simulated hardware, in wall time against any OCPP server or in virtual time
 * against the hub in this process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/frame_log.h"
#include "linux/options.h"
#include "linux/runtime_real.h"
#include "linux/runtime_virtual.h"
#include "sim/scenario.h"

enum { ERR_CAP = 400 };

/* The whole file, NUL-terminated; NULL: errno says why. */
static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? malloc(SCENARIO_BYTES_MAX + 2) : NULL;
    if (!text) {
        if (f)
            fclose(f);
        return NULL;
    }
    *len =
        fread(text, 1, SCENARIO_BYTES_MAX + 1, f); /* one more than allowed, so that the parser can say so */
    text[*len] = '\0';
    bool failed = ferror(f) != 0;
    int why = errno; /* of a folder that opened like a file, EISDIR */
    fclose(f);
    if (failed) {
        free(text);
        errno = why;
        return NULL;
    }
    return text;
}

int main(int argc, char **argv)
{
    struct options o;
    char err[ERR_CAP];
    if (!options_parse(&o, argc, argv, err, sizeof err)) {
        fprintf(stderr, "ecs-sim: %s\necs-sim --help lists the options\n", err);
        return EXIT_USAGE;
    }
    if (o.help) {
        fputs(options_help(), stdout);
        return EXIT_HELD;
    }
    if (o.version) {
        puts("ecs-sim " ECS_VERSION);
        return EXIT_HELD;
    }
    struct scenario *scenario = NULL;
    if (o.scenario) {
        size_t len;
        char *text = read_file(o.scenario, &len);
        if (!text) {
            fprintf(stderr, "ecs-sim: %s: %s\n", o.scenario, strerror(errno));
            return EXIT_NO_START;
        }
        scenario = scenario_parse(text, len, err, sizeof err);
        free(text);
        if (!scenario) {
            fprintf(stderr, "ecs-sim: %s: %s\n", o.scenario, err);
            return EXIT_USAGE;
        }
    }
    struct frame_log *log = NULL;
    if (o.frame_log) {
        log = frame_log_open(o.frame_log);
        if (!log) {
            fprintf(stderr, "ecs-sim: %s: %s\n", o.frame_log, strerror(errno));
            scenario_free(scenario);
            return EXIT_NO_START;
        }
    }
    int code = o.virtual_time ? runtime_virtual(&o, scenario, log) : runtime_real(&o, scenario, log);
    scenario_free(scenario);
    if (frame_log_close(log) != 0) {
        fprintf(stderr, "ecs-sim: %s: not everything could be written\n", o.frame_log);
        if (code == EXIT_HELD)
            code = EXIT_OUTPUT;
    }
    return code;
}
