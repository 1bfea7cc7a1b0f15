/*
 * bench: the work whose instructions are counted, and the sizes of what the chip's memory must hold.
 *   ecs-bench charge    a car plugs in, charges for ten seconds; prints how many frames and steps that took
 *   ecs-bench sizes     prints "name bytes", a line each
 */
#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "charge") == 0)
        return charge();
    if (argc == 2 && strcmp(argv[1], "sizes") == 0)
        return sizes();
    fprintf(stderr, "usage: %s charge|sizes\n", argv[0]);
    return 2;
}
