/*
 * heap: counts what the station's code takes from the heap while ecs-sim runs in virtual time, and says at
 * the end how much more of it is in use than after a while. Linked into ecs-soak, which is ecs-sim otherwise.
 *
 * Every entry into the station (steps, received texts, start) is wrapped by the linker; what is allocated
 * inside belongs to the station, wherever it is freed, and so does what the Linux port allocates on its
 * behalf. The hub, which runs in the same process, is outside. The station's messages live in an arena of
 * their own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/ocpp.h"
#include "station/station.h"
#include "station/station_state.h"

enum { PLACES = 1 << 16 };
/* Compared is the least in use within such a window while the station is connected and has nothing to tell:
 * the port's connection then counts in both, a frame on its way in none. */
#define WINDOW_US   600000000ull
#define BASELINE_US 3600000000ull /* by then everything has been used once */

static struct {
    int depth; /* > 0: inside the station */
    struct place {
        uintptr_t at; /* 0: free, 1: was in use */
        size_t bytes;
    } place[PLACES];
    uint64_t live, allocations;
    bool overflow;
    uint64_t now_us, run_from_us, window_us, least; /* over all start-ups of the station */
    uint64_t baseline, last_least;
    bool has_least, has_baseline, has_last;
    uint32_t arena;
} h;

static size_t slot(uintptr_t p)
{
    return (size_t)((p >> 4) * 0x9E3779B97F4A7C15ull >> 40) % PLACES;
}

static void taken(const volatile void *p, size_t bytes)
{
    if (h.depth == 0 || !p)
        return;
    for (size_t n = 0, i = slot((uintptr_t)p); n < PLACES; n++, i = (i + 1) % PLACES)
        if (h.place[i].at <= 1) {
            h.place[i] = (struct place){.at = (uintptr_t)p, .bytes = bytes};
            h.live += bytes;
            h.allocations++;
            return;
        }
    h.overflow = true;
}

static void given_back(const volatile void *p)
{
    if (!p)
        return;
    for (size_t n = 0, i = slot((uintptr_t)p); n < PLACES && h.place[i].at; n++, i = (i + 1) % PLACES)
        if (h.place[i].at == (uintptr_t)p) {
            h.live -= h.place[i].bytes;
            h.place[i].at = 1;
            return;
        }
}

/* ---- the heap ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
/* Of the sanitizers' allocator interface; gcc brings the function but not the header. */
int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
                                              void (*free_hook)(const volatile void *));

static void __attribute__((constructor)) listen(void)
{
    __sanitizer_install_malloc_and_free_hooks(taken, given_back);
}
#else
/* glibc's own, under the names by which a program may replace the public ones. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

void *malloc(size_t n)
{
    void *p = __libc_malloc(n);
    taken(p, n);
    return p;
}

void *calloc(size_t n, size_t size)
{
    void *p = __libc_calloc(n, size);
    taken(p, n * size);
    return p;
}

void *realloc(void *old, size_t n)
{
    given_back(old);
    void *p = __libc_realloc(old, n);
    taken(p, n);
    return p;
}

void *aligned_alloc(size_t align, size_t n)
{
    void *p = __libc_memalign(align, n);
    taken(p, n);
    return p;
}

void free(void *p)
{
    given_back(p);
    __libc_free(p);
}
#endif

/* ---- the ways into the station ---- */

struct station *__wrap_station_init(void *mem, const struct station_boot *boot);
struct station *__real_station_init(void *mem, const struct station_boot *boot);
uint64_t __wrap_station_comms_step(struct station *s);
uint64_t __real_station_comms_step(struct station *s);
void __wrap_station_control_step(struct station *s);
void __real_station_control_step(struct station *s);
void __wrap_station_token(struct station *s, const char *token, const char *type);
void __real_station_token(struct station *s, const char *token, const char *type);
void __wrap_ocpp_receive(struct ocpp *o, const char *text, size_t len);
void __real_ocpp_receive(struct ocpp *o, const char *text, size_t len);
void __wrap_ocpp_opened(struct ocpp *o, const char *subprotocol);
void __real_ocpp_opened(struct ocpp *o, const char *subprotocol);
void __wrap_ocpp_closed(struct ocpp *o);
void __real_ocpp_closed(struct ocpp *o);

static void look(struct station *s)
{
    uint64_t own = s->port->now_us(s->port->ctx);
    uint64_t now = h.run_from_us + own;
    h.now_us = now;
    struct ocpp_status o;
    ocpp_status_read(s->ocpp, &o);
    if (o.arena_high_water > h.arena)
        h.arena = o.arena_high_water;
    bool quiet = o.online && o.registered && !o.transaction && o.queued == 0;
    if (quiet && (!h.has_least || h.live < h.least)) {
        h.least = h.live;
        h.has_least = true;
    }
    if (now - h.window_us < WINDOW_US || !h.has_least)
        return;
    if (!h.has_baseline && now >= BASELINE_US) {
        h.baseline = h.least;
        h.has_baseline = true;
    }
    h.last_least = h.least;
    h.has_last = true;
    h.window_us = now;
    h.has_least = false;
}

struct station *__wrap_station_init(void *mem, const struct station_boot *boot)
{
    h.run_from_us = h.now_us; /* the station's clock begins anew */
    h.depth++;
    struct station *s = __real_station_init(mem, boot);
    h.depth--;
    return s;
}

uint64_t __wrap_station_comms_step(struct station *s)
{
    h.depth++;
    uint64_t due = __real_station_comms_step(s);
    h.depth--;
    look(s);
    return due;
}

void __wrap_station_control_step(struct station *s)
{
    h.depth++;
    __real_station_control_step(s);
    h.depth--;
}

void __wrap_station_token(struct station *s, const char *token, const char *type)
{
    h.depth++;
    __real_station_token(s, token, type);
    h.depth--;
}

void __wrap_ocpp_receive(struct ocpp *o, const char *text, size_t len)
{
    h.depth++;
    __real_ocpp_receive(o, text, len);
    h.depth--;
}

void __wrap_ocpp_opened(struct ocpp *o, const char *subprotocol)
{
    h.depth++;
    __real_ocpp_opened(o, subprotocol);
    h.depth--;
}

void __wrap_ocpp_closed(struct ocpp *o)
{
    h.depth++;
    __real_ocpp_closed(o);
    h.depth--;
}

/* For scripts: soak.mjs reads it. */
static void __attribute__((destructor)) report(void)
{
    if (!h.has_baseline || !h.has_last || h.overflow) {
        printf("heap: not measured (%s)\n",
               h.overflow ? "too many allocations at once" : "the run was too short");
        return;
    }
    printf(
        "heap: growth %" PRId64 " arena %" PRIu32 " in use %" PRIu64 " allocations %" PRIu64 " hours %.2f\n",
        (int64_t)(h.last_least - h.baseline), h.arena, h.last_least, h.allocations, (double)h.now_us / 3.6e9);
}
