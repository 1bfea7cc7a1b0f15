/*
 * contactor: when the guard is armed and disarmed, and what the contactor really does: closed or not, welded,
 * failing to close, how long it takes, how often it has switched.
 */
#ifndef CORE_CONTACTOR_H
#define CORE_CONTACTOR_H

#include <stdbool.h>
#include <stdint.h>

enum contactor_wish {
    CONTACTOR_OPEN_NOW,  /* a fault: at once, whatever flows */
    CONTACTOR_OPEN_SOFT, /* an ordinary end: at zero current, at the latest 80 ms after the event */
    CONTACTOR_CLOSE,
};

enum {
    /* Contacts and the car's filters rest between two operations; well within the 3 s in which IEC 61851-1
     * Table A.6, sequence 4 wants the supply on. */
    CONTACTOR_MIN_OFF_US = 2000000,
    CONTACTOR_DEADLINE_US =
        80000, /* sequence 8.1 allows 100 ms at the contact; the coil needs up to 20 of them */
    CONTACTOR_SETTLE_US = 200000, /* a healthy contactor has followed its coil by then */
    CONTACTOR_WELD_MA = 1000,     /* current that proves closed contacts */
    CONTACTOR_GONE_MA = 500,      /* rms below which an ordinary opening may happen */
    CONTACTOR_LIFE_LEARN = 8,     /* operations from which the normal delay is learnt */
    CONTACTOR_DRIFT_US = 5000,    /* this and half as long again as normal: the contactor ages */
    CONTACTOR_DRIFT_COUNT = 3,    /* so often in a row */
};

struct contactor_in {
    uint64_t now_us;
    enum contactor_wish wish;
    uint64_t event_us;    /* what makes an ordinary opening necessary happened then; 0: now */
    bool tripped;         /* the guard has opened by itself */
    bool coil;            /* the guard drives the coil */
    uint64_t coil_us;     /* ... since then, or not since then */
    bool aux_fitted, aux; /* auxiliary contact: closed */
    uint64_t aux_us;      /* end of the frame in which it changed */
    bool current_valid;
    int32_t current_ma; /* largest phase, rms of the last half or whole cycle */
};

struct contactor_delay {
    int32_t last_us;      /* -1: never measured */
    int32_t normal_us;    /* learnt */
    uint8_t learnt, late; /* operations learnt from; late ones in a row */
};

struct contactor {
    bool armed;   /* what the guard shall be */
    bool opening; /* an ordinary opening runs */
    uint64_t deadline_us;
    bool coil;             /* as last seen */
    uint64_t off_us;       /* when the coil went off; 0: not since power-up */
    uint64_t contrary_us;  /* since when contacts and coil disagree; 0: they don't */
    bool measuring;        /* the delay of this operation is still to come */
    bool closed;           /* as far as known */
    bool welded, no_close; /* conditions, as now seen */
    uint32_t cycles;       /* closings */
    struct contactor_delay open, close;
};

struct contactor_out {
    bool arm;     /* guard armed / disarmed */
    bool ready;   /* may be closed: minimum off time over, not welded */
    bool changed; /* `closed` has changed, or a delay has been measured */
    bool drift;   /* slower than it used to be: replace soon */
};

void contactor_init(struct contactor *c, uint32_t cycles);
void contactor_step(struct contactor *c, const struct contactor_in *in, struct contactor_out *out);

#endif
