/* Scenario files of any content: parsed, and if they make sense, run for a while against a world and a host
 * that knows one verb and one value. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int host_stations(void *ctx)
{
    (void)ctx;
    return 1;
}

static struct world *host_world(void *ctx, int station)
{
    (void)station;
    return ctx;
}

static bool host_verb(void *ctx, int station, int argc, char **argv, char *why, size_t cap)
{
    (void)ctx;
    (void)station;
    snprintf(why, cap, "the host has no \"%s\"", argv[argc - 1]);
    return strcmp(argv[0], "token") == 0;
}

static bool host_value(void *ctx, int station, const char *name, char *out, size_t cap)
{
    (void)ctx;
    (void)station;
    snprintf(out, cap, "charging");
    return strcmp(name, "state") == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { FRAMES = 60 };
    char why[200];
    struct scenario *s = scenario_parse((const char *)data, size, why, sizeof why);
    if (s == NULL)
        return 0;
    void *mem = malloc(world_size());
    if (mem == NULL)
        abort();
    struct world_cfg cfg;
    world_cfg_default(&cfg);
    struct world *w = world_init(mem, &cfg, size);
    const struct scenario_host host = {
        .ctx = w, .stations = host_stations, .world = host_world, .verb = host_verb, .value = host_value};
    uint16_t raw[WORLD_FRAME_LEN];
    uint64_t end_us;
    int result = 1;
    for (int i = 0; i < FRAMES && result == 1; i++) {
        /* Frames far apart in the scenario's time, so that what is due later runs too. */
        result = scenario_step(s, &host, world_now_us(w) * 40, why, sizeof why);
        world_set_pilot(w, (unsigned)i * 199);
        world_set_coil(w, i % 16 > 3);
        world_frame(w, raw, &end_us);
    }
    unsigned met, all = scenario_expectations(s, &met);
    if (met > all)
        abort();
    scenario_free(s);
    free(mem);
    return 0;
}
