/*
 * bench: the work whose instructions are counted, and the sizes of what the chip's memory must hold.
 *   ecs-bench charge    a car plugs in, charges for ten seconds; prints how many frames and steps that took
 *   ecs-bench sizes     prints "name bytes", a line each
 *   ecs-bench log N     N lines into a full log, with the copy that a reset leaves; prints nanoseconds a line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ocpp/ocpp.h"
#include "panel/panel.h"
#include "station/station.h"
#include "tests/core/rig.h"

static int charge(void)
{
    static struct rig r; /* static: large */
    rig_charge(&r, NULL);
    rig_run(&r, 10000);
    printf("frames %u\nsteps %u\n", atomic_load(&r.guard.frames), atomic_load(&r.guard.beat));
    return r.status.state == EVSE_CHARGING && r.status.faults == 0 ? 0 : 1;
}

static int sizes(void)
{
    printf("guard %zu\n", sizeof(struct guard));
    printf("control %zu\n", sizeof(struct control));
    printf("panel %zu\n", sizeof(struct panel));
    printf("panel_strip %zu\n", sizeof(uint16_t) * (size_t)PANEL_STRIP_PIXELS);
    printf("ocpp %zu\n", ocpp_size());
    printf("station %zu\n", sizeof(struct station));
    return 0;
}

static int log_lines(long n)
{
    _Alignas(8) static unsigned char ring[32 * 1024], kept[3456];
    const struct log_memory memory = {ring, sizeof ring, kept, sizeof kept};
    struct log l;
    log_init(&l, &memory, 1);
    struct timespec from, to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < n; i++)
        log_pilot(&l, (uint64_t)i, 'A', 'B', (int32_t)i);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("log_line_ns %.0f\n", n > 0 ? ns / (double)n : 0);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "log") == 0)
        return log_lines(strtol(argv[2], NULL, 10));
    if (argc == 2 && strcmp(argv[1], "charge") == 0)
        return charge();
    if (argc == 2 && strcmp(argv[1], "sizes") == 0)
        return sizes();
    fprintf(stderr, "usage: %s charge|sizes|log N\n", argv[0]);
    return 2;
}
