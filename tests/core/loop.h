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
    uint16_t raw[WORLD_FRAME_LEN];
    size_t made;       /* conversions of the present frame */
    uint64_t due_us;   /* next control step */
    uint64_t late_us;  /* ... which the scheduler begins so much later */
    uint64_t phase_us; /* how far the steps are from the frames */
    uint32_t random;   /* lateness; 0: always in time */
    bool stalled;      /* the control thread does not run */
    bool coil;
    uint64_t coil_us, duty_us;
    struct control_event events[256];
    int events_n;
};

/* `seed`: spread of the hardware and noise; 0: the defaults. `mem`: world_size() bytes. */
void loop_init(struct loop *l, void *mem, const struct world_cfg *world, const struct control_cfg *cfg,
               uint64_t seed);
/* To the microsecond (one conversion, 24 µs): what is done to the world between two calls falls anywhere in a
 * frame, and control steps come when they are due, not when a frame ends. */
void loop_run(struct loop *l, double ms);
bool loop_until(struct loop *l, enum evse_state s, double ms);
void loop_command(struct loop *l, enum control_cmd_type type, int32_t a);
/* Authorises, plugs a ready car in and waits until it draws current; false: it never does. */
bool loop_charge(struct loop *l);

#endif
