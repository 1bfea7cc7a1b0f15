/*
 * loop: the whole of core against the simulated world: true car, mains, contactor and converter.
 */
#ifndef TESTS_CORE_LOOP_H
#define TESTS_CORE_LOOP_H

#include "core/control.h"
#include "sim/world.h"

struct loop {
    struct world *world;
    struct guard guard;
    struct control control;
    struct control_in in;
    struct control_out out;
    struct control_status status;
    struct world_state truth;
    uint64_t due_us;   /* next control step */
    uint64_t phase_us; /* how far the steps are from the frames */
    bool coil;
    uint64_t coil_us, duty_us;
    struct control_event events[256];
    int events_n;
};

/* `seed`: spread of the hardware and noise; 0: the defaults. `mem`: world_size() bytes. */
void loop_init(struct loop *l, void *mem, const struct world_cfg *world, const struct control_cfg *cfg,
               uint64_t seed);
void loop_run(struct loop *l, double ms);
bool loop_until(struct loop *l, enum evse_state s, double ms);
void loop_command(struct loop *l, enum control_cmd_type type, int32_t a);
/* Authorises, plugs a ready car in and waits until it draws current; false: it never does. */
bool loop_charge(struct loop *l);

#endif
