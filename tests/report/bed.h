/*
 * bed: one station drawn at random (car, mains, cable, contactor, tolerances, fittings), and the scenes from
 * which experiments begin: idle, offering, charging.
 */
#ifndef TESTS_REPORT_BED_H
#define TESTS_REPORT_BED_H

#include "tests/core/loop.h"
#include "tests/report/rule.h"

enum scene { SCENE_IDLE, SCENE_OFFERING, SCENE_CHARGING, SCENES };

struct bed {
    struct loop l;
    void *world;
    struct {
        struct loop l;
        void *world;
    } scene[SCENES];
    uint64_t seed, rng;
    struct world_cfg world_cfg; /* as drawn; loop_init adds the tolerances */
    struct control_cfg cfg;
    int32_t rating_ma, server_ma; /* installation or cable, the smaller; limit commanded */
    struct times *times;
    const char *doing; /* experiment, for messages */
    bool no_memory;
    int complaints;
};

/* False: no memory. */
bool bed_open(struct bed *b, struct times times[RULES]);
void bed_close(struct bed *b);

/* Draws a station and plays it through all scenes. False: it does not charge; noted. */
bool bed_draw(struct bed *b, uint64_t seed);
void bed_goto(struct bed *b, enum scene scene);
/* The same with b->cfg and b->world_cfg as they are now, from power-up. False: it was not reached, and has
 * been said. */
bool bed_anew(struct bed *b, enum scene scene);

double bed_uniform(struct bed *b, double low, double high);
bool bed_chance(struct bed *b, double share);
/* A random time against the frames, the pilot's period, the mains and the control steps. */
void bed_wait_at_random(struct bed *b);
double bed_now_s(const struct bed *b);
void bed_limit(struct bed *b, int32_t ma, int32_t lease_ms, int32_t fallback_ma);
/* What the pilot offers now, mA. */
int32_t bed_offered_ma(const struct bed *b);

/* Puts a measured time to a rule; INFINITY: it did not happen. */
void bed_note(struct bed *b, enum rule_id id, double ms);

#endif
