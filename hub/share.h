/*
 * share: divides the site's current between the stations, and says in which order to tell them so that no
 * phase ever carries more than its limit, whatever message is lost and whoever is cut off.
 *
 * Pure: no sockets, no database, no clock. The owner reports what it knows (share_connected, share_car,
 * share_measured, share_result), calls share_plan, and sends what share_next gives. Times are milliseconds of
 * one steady clock; currents are mA per phase. docs/hub.md tells the algorithm in prose.
 *
 * Words: a *lease* is a limit that ends by itself; the *fallback* is the permanent limit below it that rules
 * after. A station whose lease is at or under its fallback *lends* the difference, one whose lease is above
 * *borrows*. Leases of lenders outlast those of borrowers: if the hub dies, all that is borrowed is given
 * back before a lender falls back.
 */
#ifndef HUB_SHARE_H
#define HUB_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHARE_PHASES = 3,
    SHARE_STEP_MA = 100, /* limits are sent in steps of 0.1 A, rounded down */
    SHARE_FOLLOW_MS =
        6000, /* IEC 61851-1: a car follows a new duty cycle within 5 s; one more for the station */
    SHARE_SPACING_MS = 5000,   /* a station may keep 5 s between two changes of the duty cycle */
    SHARE_CLOCK_MS = 2000,     /* how far a station's clock may be from ours */
    SHARE_TOLERANCE_MA = 500,  /* a car that draws no more than this above its limit has followed */
    SHARE_EXCESS_MA = 1000,    /* one that draws more than this above it is counted at what it draws */
    SHARE_MEASURED_MS = 15000, /* a measurement older than this says nothing */
    SHARE_UNKNOWN_CAP_MA =
        32000,             /* what a station that obeys no limit and has told no rating may draw: 22 kW */
    SHARE_RETRY_MS = 2000, /* after a refusal or a time-out, doubled each time up to: */
    SHARE_RETRY_MAX_MS = 30000,
};

struct share_cfg {
    int32_t limit_ma;  /* of the site, per phase */
    int32_t margin_ma; /* kept free in each phase, for the tolerance of meters and cars */
    int32_t min_ma;    /* smallest current a car can use: 6 A by IEC 61851-1 */
    int64_t lease_ms;  /* of a borrower; renewed at half time */
    int64_t rotate_ms; /* how long a car charges before it makes room for one that waits */
};

enum share_demand {
    SHARE_IDLE,    /* no car, or none that may charge */
    SHARE_STANDBY, /* a car that has stopped by itself; it gets the minimum so that it can begin again */
    SHARE_WANTS,   /* charges or wants to */
};

enum share_reason {
    SHARE_R_IDLE,
    SHARE_R_EQUAL,        /* its equal share */
    SHARE_R_CAP,          /* its own rating is below its share */
    SHARE_R_STANDBY,      /* the car has paused; the minimum is kept for it */
    SHARE_R_WAITING,      /* not enough for the minimum: waits for its turn */
    SHARE_R_OFFLINE,      /* cut off: keeps what it may hold */
    SHARE_R_UNCONTROLLED, /* refuses limits: counted at its rating */
};
const char *share_reason_name(enum share_reason r); /* "equal-share", ... */

struct share_lease {
    int32_t ma;
    int64_t until_ms;
};

enum { SHARE_DOUBTS = 4 };
/* What a station holds: the last lease that it has accepted or, if later ones had no answer, maybe one of
 * those. */
struct share_hold {
    bool known; /* false: it has never accepted a lease */
    struct share_lease lease, doubt[SHARE_DOUBTS];
    int doubts;
    int64_t early_ms; /* the first end of all of them */
};

enum share_kind { SHARE_NOTHING, SHARE_LEASE, SHARE_FALLBACK };

struct share_station {
    bool used;
    /* as reported */
    bool connected;
    bool vacant; /* nothing can draw at this moment: unplugged, or the contactor is open */
    enum share_demand demand;
    uint8_t phases; /* bit 0 = L1 ..; what the car draws on; 0: unknown, counts on all */
    int32_t cap_ma; /* the station's rating; 0 unknown */
    int32_t drawn_ma[SHARE_PHASES];
    int64_t drawn_ms;
    bool drawn_known;
    /* decided */
    int32_t target_ma;
    enum share_reason reason;
    uint64_t turn; /* place in the queue */
    /* what it holds */
    struct share_hold hold;
    bool fallback_known;
    int32_t fallback_ma;
    /* under way */
    enum share_kind in_flight;
    int32_t sent_ma;
    int64_t sent_until_ms;
    bool refresh, refresh_fallback; /* (re)connected: tell it again */
    int64_t retry_ms;
    int failures; /* in a row */
    /* after a lowering: what the car may still draw */
    int32_t tail_ma;
    int64_t tail_until_ms;
    int64_t settled_ms; /* the station shows the lower limit by now */
    int64_t changed_ms; /* when its duty cycle last changed, or will, at the latest */
    bool tail_was_above;
};

struct share {
    struct share_cfg cfg;
    struct share_station *stations;
    size_t count, cap;
    size_t *order; /* scratch, `cap` long */
    uint64_t last_turn;
    int64_t rotate_at_ms; /* 0: nobody waits */
};

struct share_order {
    size_t station;
    enum share_kind kind;
    int32_t ma;
    int64_t until_ms; /* SHARE_LEASE */
};

void share_init(struct share *s, const struct share_cfg *cfg);
void share_free(struct share *s);
/* Takes effect at the next share_plan. */
void share_set_limit(struct share *s, int32_t limit_ma);

/* Index of a new station, or SIZE_MAX: out of memory. Indexes stay valid; pointers into stations do not. */
size_t share_add(struct share *s);
void share_remove(struct share *s, size_t i);
/* What was stored of a station before the hub was started; `fallback_ma` < 0: unknown. */
void share_restore(struct share *s, size_t i, const struct share_hold *hold, int32_t fallback_ma);
/* What is to be stored, the order under way included: call before sending it. *fallback_ma −1: unknown. */
void share_durable(const struct share *s, size_t i, struct share_hold *hold, int32_t *fallback_ma);

void share_connected(struct share *s, size_t i, bool connected, int64_t now_ms);
/* Tells a connected station everything again (it has booted, or clocks have jumped). */
void share_refresh(struct share *s, size_t i);
void share_car(struct share *s, size_t i, enum share_demand demand, bool vacant, uint8_t phases,
               int32_t cap_ma);
/* `at_ms`: when it was measured. */
void share_measured(struct share *s, size_t i, const int32_t ma[SHARE_PHASES], int64_t at_ms, int64_t now_ms);
/* The station has told what it offers its car. */
void share_offered(struct share *s, size_t i, int32_t ma, int64_t now_ms);
enum share_answer { SHARE_ACCEPTED, SHARE_REFUSED, SHARE_NO_ANSWER };
void share_result(struct share *s, size_t i, enum share_answer answer, int64_t now_ms);

/* Decides the targets. */
void share_plan(struct share *s, int64_t now_ms);
/* The next order to send now, marked as under way; false: none. Call until false. */
bool share_next(struct share *s, int64_t now_ms, struct share_order *out);
/* When to plan again at the latest. */
int64_t share_wake(const struct share *s, int64_t now_ms);

/* The most that station i can draw per phase from now until every lease granted now has ended. */
void share_worst(const struct share *s, size_t i, int64_t now_ms, int32_t out[SHARE_PHASES]);
/* What it is held to at this moment: the lease while it lasts, the fallback after; −1: no limit known. */
int32_t share_held(const struct share *s, size_t i, int64_t now_ms);
int32_t share_fallback_goal(const struct share *s);

/* Max-min fair split of budget[] between n cars: phases[i] as above (never 0), cap[i] > 0. Result in out[],
 * mA. */
void share_split(const int32_t budget[SHARE_PHASES], size_t n, const uint8_t *phases, const int32_t *cap,
                 int32_t *out);

#endif
