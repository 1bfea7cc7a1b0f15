/* control's inside; include core/control.h instead. */
#ifndef CORE_CONTROL_STATE_H
#define CORE_CONTROL_STATE_H

#include "core/contactor.h"
#include "core/derate.h"
#include "core/lock.h"
#include "core/overcurrent.h"
#include "core/pilot.h"
#include "core/proximity.h"
#include "core/rcm.h"
#include "core/selftest.h"
#include "core/supply.h"

enum { CONTROL_EVENTS = 32 };

struct control {
    struct control_cfg cfg;
    struct guard *guard;
    struct control_status status;

    /* the parts */
    struct pilot pilot;
    struct proximity proximity;
    struct metering metering;
    struct supply supply;
    struct limits limits;
    struct overcurrent overcurrent;
    struct derate derate;
    struct contactor contactor;
    struct lock lock;
    struct rcm rcm;
    struct selftest selftest;
    struct faults faults;
    struct evse evse;

    /* what has been asked */
    bool authorised, available;
    bool keep_open; /* CONTROL_CONTACTOR 0 */
    bool unlock;    /* until the car has gone */
    bool reconnect; /* the power has just come back: a car found plugged in has to wait */
    bool clear;     /* a person has acknowledged; for one step */
    uint32_t commands_refused;

    /* time and frames */
    uint64_t start_us, now_us;
    uint32_t dt_us, rest_us; /* of this step; not yet given to the state machine in whole milliseconds */
    uint64_t frame_us;       /* end of the newest frame taken; 0: none */
    uint64_t newest_us;      /* end of the newest frame the guard has seen; start-up: none yet */
    uint32_t frames_seen;    /* guard->frames at that time */
    bool stale;              /* no frame for so long that the currents and the coil's word mean nothing */
    uint32_t inputs;         /* of that frame */
    uint64_t aux_us;         /* end of the frame in which the auxiliary contact changed */
    uint32_t seq;
    uint64_t rate_from_us;
    uint32_t rate_samples;
    int32_t rate_hz;

    /* the present step */
    int32_t current_ma[3], current_max_ma;
    bool too_hot, overdrawn;
    uint32_t supply_faults;
    struct supply_out supply_out;
    struct lock_out lock_out;
    struct rcm_out rcm_out;
    struct contactor_out contactor_out;
    uint16_t test_bp;
    int32_t limit_ma; /* minimum over the slots; 0 below what a pilot can say */
    enum limit_slot limit_by;

    /* memory between steps */
    int32_t plug_cable_ma; /* rating with which this car came; 0: not yet known */
    uint64_t unknown_us;   /* since when the pilot reads '?'; 0: it doesn't */
    uint64_t no_cable_us;  /* since when a car is there without a cable; 0: it isn't */
    uint8_t rcd_steps;     /* steps in a row with the trip input on */
    bool was_closed;
    bool trip_told;       /* of this arming */
    uint32_t frames_lost; /* as of the last step */
    bool gap;             /* some were lost since then */
    uint64_t button_us;   /* pressed since; 0: not */
    uint8_t button_steps;
    int32_t cable_told_ma;
    int32_t limit_told_ma;
    enum limit_slot limit_told_by;
    uint16_t limit_told_bp;

    struct control_event events[CONTROL_EVENTS];
    uint8_t events_n;
};

#endif
