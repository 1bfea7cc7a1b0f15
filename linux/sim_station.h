/*
 * sim_station: one simulated station: a world, the port that the station's firmware sees of it, the firmware
 * itself, its flash and key-value files, its power and its network.
 *
 * Two threads may use it: the control thread calls sim_station_frame, everything else belongs to the comms
 * thread (in virtual time both are one). The world and the power state are guarded by the station's lock:
 * sim_station_frame takes it, the comms thread takes it with sim_station_lock around anything that touches
 * the world.
 */
#ifndef LINUX_SIM_STATION_H
#define LINUX_SIM_STATION_H

#include "linux/frame_log.h"
#include "sim/world.h"
#include "station/station.h"

struct sim_station;

/* The wire of one station: a transport, an HTTP client, and what can be done to both from outside. Comms
 * thread. */
struct sim_network {
    void *ctx;
    struct transport transport;
    struct http http;                 /* .start NULL: none */
    void (*cut)(void *ctx, bool cut); /* as a pulled cable: no byte either way, no close seen */
    void (*reset)(void *ctx);         /* the station has died: no up-call any more */
    /* The next HTTP transfer, or the one under way, breaks after so many bytes. NULL: not possible here. */
    void (*break_http)(void *ctx, uint64_t bytes);
};

struct sim_launch;

struct sim_station_cfg {
    const char *id; /* OCPP identity */
    const char *url, *password;
    const char *dir;                 /* flash and key-value files; made if missing */
    bool keep_truth;                 /* a file there says what the world has delivered (linux/truth_file.h) */
    const struct sim_launch *launch; /* NULL: not started by ecs-launch */
    const char *const *settings;     /* name, value, … NULL: forced at every start, after id and url */
    struct world_cfg world;
    uint64_t seed;
    bool seeded_random; /* port random from the seed instead of the system: repeatable, for virtual time only
                         */
    int log_level;      /* lines up to this level go to stderr; −1 none */
    void (*wake)(void *ctx); /* any thread: the comms thread has work */
    void *wake_ctx;
    struct frame_log *frame_log;
};

/* Makes the station without power. NULL: err says why. */
struct sim_station *sim_station_create(const struct sim_station_cfg *cfg, char *err, size_t cap);
/* Before power is switched on. */
void sim_station_connect(struct sim_station *s, const struct sim_network *network);
void sim_station_destroy(struct sim_station *s);

/* Control thread: the world goes on by one ADC frame; the firmware's interrupt and control step run as they
 * fall due. */
void sim_station_frame(struct sim_station *s);
/* Any thread: µs since the world began. */
uint64_t sim_station_time_us(const struct sim_station *s);

/* Comms thread: runs the firmware's comms step if it is due or was woken; restarts the station when it asked
 * for that. Returns the world's time (µs) at which it is due again. */
uint64_t sim_station_comms(struct sim_station *s);

void sim_station_lock(struct sim_station *s);
void sim_station_unlock(struct sim_station *s);

/* The rest: comms thread. The ones marked L want the lock held. */
const char *sim_station_id(const struct sim_station *s);
struct world *sim_station_world(struct sim_station *s); /* L */
/* L. Power on starts the firmware afresh from its files, off stops it at this instant; torn: a flash write
 * under way at the cut is left half done. false: why (files unreadable, or it is so already). */
bool sim_station_power(struct sim_station *s, bool on, bool torn, char *why, size_t cap);
/* L. The firmware panics at this instant and is started again. false: it does not run. */
bool sim_station_crash(struct sim_station *s);
/* Started by ecs-launch, it has restarted: this process is over. */
bool sim_station_left(const struct sim_station *s);
bool sim_station_powered(const struct sim_station *s);              /* false as well while restarting */
void sim_station_cable(struct sim_station *s, bool plugged);        /* the network cable */
bool sim_station_break_http(struct sim_station *s, uint64_t bytes); /* false: not possible here */
bool sim_station_cable_plugged(const struct sim_station *s);
bool sim_station_token(struct sim_station *s, const char *token, const char *type); /* false: no power */
/* Changes a setting as an installer at the console would. false: why. */
bool sim_station_set(struct sim_station *s, const char *name, const char *value, char *why, size_t cap);
/* A setting's value as text; a secret's is "". false: unknown, or no power. */
bool sim_station_setting(struct sim_station *s, const char *name, char *out, size_t cap);
/* What the station believes. false: it has no power. */
bool sim_station_view(struct sim_station *s, struct control_status *control,
                      struct station_link_status *link);
/* What its display shows, as a PNG file to be freed; without power it is dark. NULL: no memory. */
void *sim_station_lcd_png(struct sim_station *s, size_t *len);
/* Frames on the wire both ways, and connections after the first, since the world began. */
void sim_station_traffic(const struct sim_station *s, uint64_t *frames, uint32_t *reconnects);
/* For the network's tap: a frame has passed. */
void sim_station_tap(void *station, char dir, const char *text, size_t len);

#endif
