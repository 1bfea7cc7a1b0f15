/*
 * log: the station's log: which lines are kept, their numbers, how far the server has them, and the few that
 * survive a reset. Written by one thread, the comms thread: what the control thread has to tell reaches it as
 * the integers of its events, what other threads have to tell through an inbox (log/inbox.h). So nobody waits
 * for a log, and a line costs no formatting before somebody reads it.
 *
 * To say something: log_pilot(&log, at_us, 'A', 'B', 9000), one function for each row of events.def.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "log/ring.h"

struct log_filter {
    uint8_t level[LOG_MODULES]; /* enum log_level: lines up to this one are kept */
    uint8_t send;               /* lines up to this one are for the server; LOG_NOT_SENT: none */
};
enum { LOG_NOT_SENT = 0xff };

struct log {
    struct log_ring *ring; /* NULL: no memory, nothing is kept */
    struct log_ring *kept; /* the newest lines again, in memory that a reset leaves alone; NULL: none */
    struct log_filter filter;
    uint32_t boot; /* names this run */
    uint32_t n;    /* number of the newest line */
    struct {
        uint32_t lines, boot; /* of the run before: how many of its lines are here, its name */
        bool clock_known;
        int64_t clock_ms; /* wall time of its monotonic 0 */
    } before;
    struct log_place sent; /* the server has what lies before */
    uint32_t lost;         /* lines that were overwritten before the server had them, since start-up */
    /* Every line as text at once, kept or not: a console. NULL: nobody wants it. */
    void (*show)(void *ctx, int level, const char *text);
    void *show_ctx;
};

struct log_memory {
    void *ring;
    size_t ring_bytes;
    void *kept; /* NULL: none */
    size_t kept_bytes;
};

/* Takes over what the run before has left in `kept`. boot: random, not that of the run before. */
void log_init(struct log *l, const struct log_memory *memory, uint32_t boot);

/* All modules at `level`, but those that `exceptions` ("limit=1,ocpp=3") names. false: it has something else
 * in it, which is passed over. */
bool log_filter_parse(int level, const char *exceptions, struct log_filter *out);

/* The wall time is known (or corrected): for who reads the kept lines after a reset. */
void log_clock(struct log *l, int64_t unix_ms_at_0);

/* What the functions below are made of. ints as events.def has it. */
void log_put(struct log *l, uint64_t at_us, enum log_event_id id, unsigned ints, const int32_t *value,
             const char *text);
/* A line that exists only as text. A module's name with ": " in front of it is taken for the module. */
void log_text(struct log *l, uint64_t at_us, enum log_level level, const char *text);

/* The lines, oldest first. */
bool log_next(const struct log *l, struct log_place *place, struct log_entry *out);
/* The oldest line from *place on that the server shall have; all zero: the first that it has not. *place
 * moves behind it. */
bool log_unsent(const struct log *l, struct log_place *place, struct log_entry *out);
/* The server has everything before `place`. */
void log_sent(struct log *l, const struct log_place *place);
/* Wall time of a line; clock_known and clock_ms: of this run. false: not known. */
bool log_wall_ms(const struct log *l, const struct log_entry *e, bool clock_known, int64_t clock_ms,
                 int64_t *unix_ms);

#define LOG_0(id, ...)                                         \
    static inline void log_##id(struct log *l, uint64_t at_us) \
    {                                                          \
        log_put(l, at_us, LOG_EV_##id, 0, NULL, NULL);         \
    }
#define LOG_1(id, ...)                                                    \
    static inline void log_##id(struct log *l, uint64_t at_us, int32_t a) \
    {                                                                     \
        log_put(l, at_us, LOG_EV_##id, 1, &a, NULL);                      \
    }
#define LOG_2(id, ...)                                                               \
    static inline void log_##id(struct log *l, uint64_t at_us, int32_t a, int32_t b) \
    {                                                                                \
        const int32_t v[] = {a, b};                                                  \
        log_put(l, at_us, LOG_EV_##id, 2, v, NULL);                                  \
    }
#define LOG_3(id, ...)                                                                          \
    static inline void log_##id(struct log *l, uint64_t at_us, int32_t a, int32_t b, int32_t c) \
    {                                                                                           \
        const int32_t v[] = {a, b, c};                                                          \
        log_put(l, at_us, LOG_EV_##id, 3, v, NULL);                                             \
    }
#define LOG_4(id, ...)                                                                                     \
    static inline void log_##id(struct log *l, uint64_t at_us, int32_t a, int32_t b, int32_t c, int32_t d) \
    {                                                                                                      \
        const int32_t v[] = {a, b, c, d};                                                                  \
        log_put(l, at_us, LOG_EV_##id, 4, v, NULL);                                                        \
    }
#define TEXT_0(id, ...)                                                          \
    static inline void log_##id(struct log *l, uint64_t at_us, const char *text) \
    {                                                                            \
        log_put(l, at_us, LOG_EV_##id, 0, NULL, text);                           \
    }
#define TEXT_1(id, ...)                                                                     \
    static inline void log_##id(struct log *l, uint64_t at_us, int32_t a, const char *text) \
    {                                                                                       \
        log_put(l, at_us, LOG_EV_##id, 1, &a, text);                                        \
    }
#include "log/events.def"
#undef LOG_0
#undef LOG_1
#undef LOG_2
#undef LOG_3
#undef LOG_4
#undef TEXT_0
#undef TEXT_1

#endif
