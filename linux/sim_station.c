#include "linux/sim_station.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "linux/entropy.h"
#include "linux/flash_file.h"
#include "linux/kv_file.h"
#include "linux/lcd_png.h"
#include "linux/retained_file.h"
#include "linux/sim_firmware.h"
#include "linux/truth_file.h"
#include "station/panel_view.h"

enum {
    JOURNAL_BYTES = 64 * PORT_FLASH_SECTOR, /* as the journal partition of the 4 MB board */
    RESTART_US = 500000,    /* ROM and second-stage boot loader of an ESP32 until app_main, about */
    FORCED_MAX = 64,        /* settings given on a command line */
    TORN_WAIT_US = 5000000, /* how long a torn power cut waits for a flash write to tear */
    TORN_OPS = 4,           /* flash operations that may still succeed before it, at most */
    PATH_CAP = 4096,
    LEVELS = 4,
};

struct sim_station {
    struct port port;
    struct world *world;
    pthread_mutex_t lock;
    atomic_ullong time_us; /* of the world, written by the control thread */
    atomic_bool woken;     /* the comms step is wanted */

    /* under the lock */
    bool running; /* the firmware runs */
    uint64_t control_due_us;
    struct station *station;

    /* constant while the firmware runs */
    uint64_t boot_us;

    /* comms thread */
    bool powered, cable, reboot_asked;
    bool torn;              /* the power goes in the middle of one of the next flash operations */
    uint64_t torn_until_us; /* or then, if none comes */
    struct port_flash area; /* the real one; the firmware's passes through here */
    uint64_t restart_at_us; /* 0: not restarting */
    enum port_reset_reason restart_reason;
    uint64_t comms_due_us;
    struct sim_network network;
    struct transport transport; /* what the firmware gets: the network's with our ears in between */
    struct transport_up up;
    struct http http; /* in the same way */
    struct http_up http_up;
    bool open;
    uint32_t opened_count;
    uint64_t frames;
    struct frame_log *frame_log;
    struct sense_cfg sense;

    struct panel_face face;
    char logged[PANEL_LOG_LINES][PANEL_LOG_LINE_MAX + 1]; /* a ring of the newest lines */
    uint32_t logged_count;                                /* in all since the firmware started */

    void (*wake)(void *ctx);
    void *wake_ctx;
    int log_level;
    bool seeded_random;
    uint64_t random_state;
    struct flash_file *flash;
    struct kv_file *kv;
    struct retained_file *retained;
    struct sim_firmware *firmware;
    bool launched, left, restarted;
    bool panicked;            /* the restart that is asked for is a crash of an emulated image */
    struct truth_file *truth; /* NULL: nobody asked for it */
    const char *forced[2 * FORCED_MAX + 2];
    char id[64];
    char *strings; /* what `forced` points into */
};

static uint64_t own_time(const struct sim_station *s)
{
    return sim_station_time_us(s) - s->boot_us;
}

/* ---- the port ---- */

static uint64_t port_now(void *ctx)
{
    return own_time(ctx);
}

static uint32_t port_random(void *ctx)
{
    struct sim_station *s = ctx;
    return s->seeded_random ? entropy_seeded(&s->random_state) : entropy_system();
}

static void port_wake(void *ctx)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    s->wake(s->wake_ctx);
}

static void port_pilot(void *ctx, uint16_t duty_bp)
{
    struct sim_station *s = ctx;
    world_set_pilot(s->world, duty_bp);
}

static void port_contactor_off(void *ctx)
{
    struct sim_station *s = ctx;
    world_set_coil(s->world, false);
}

static void port_lock(void *ctx, bool locked)
{
    struct sim_station *s = ctx;
    world_set_lock(s->world, locked);
}

static void port_rcm_test(void *ctx, bool on)
{
    struct sim_station *s = ctx;
    world_set_rcm_test(s->world, on);
}

static uint32_t port_inputs(void *ctx)
{
    struct sim_station *s = ctx;
    return world_inputs(s->world);
}

static bool port_temperature(void *ctx, int32_t *out)
{
    struct sim_station *s = ctx;
    return world_temperature_mc(s->world, out);
}

static void port_reboot(void *ctx)
{
    struct sim_station *s = ctx;
    s->reboot_asked = true;
}

/* The instant of a torn cut is in the middle of a flash operation: from then on not a byte may leave the
 * station, and it stops for good as soon as this step of it returns. */
static int torn_at(struct sim_station *s, int result)
{
    if (s->torn && flash_file_is_cut(s->flash))
        s->network.cut(s->network.ctx, true);
    return result;
}

static int port_flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct sim_station *s = ctx;
    return s->area.read(s->area.ctx, off, buf, len);
}

static int port_flash_program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    struct sim_station *s = ctx;
    return torn_at(s, s->area.program(s->area.ctx, off, buf, len));
}

static int port_flash_erase(void *ctx, uint32_t off, size_t len)
{
    struct sim_station *s = ctx;
    return torn_at(s, s->area.erase(s->area.ctx, off, len));
}

static void port_log(void *ctx, int level, const char *text)
{
    static const char *const names[LEVELS] = {"error", "warning", "info", "debug"};
    struct sim_station *s = ctx;
    (void)snprintf(s->logged[s->logged_count++ % PANEL_LOG_LINES], sizeof s->logged[0], "%.*s",
                   PANEL_LOG_LINE_MAX, text);
    if (level > s->log_level || level < 0 || level >= LEVELS)
        return;
    uint64_t t = sim_station_time_us(s);
    fprintf(stderr, "%9.3f %s %s: %s\n", (double)t / 1e6, s->id, names[level], text);
}

/* ---- between the firmware and its wire ---- */

static void line_closed(struct sim_station *s)
{
    if (s->open)
        frame_log_event(s->frame_log, sim_station_time_us(s), s->id, "close");
    s->open = false;
}

static void on_opened(void *ctx, const char *subprotocol)
{
    struct sim_station *s = ctx;
    s->open = true;
    s->opened_count++;
    atomic_store(&s->woken, true);
    frame_log_event(s->frame_log, sim_station_time_us(s), s->id, "open");
    s->up.opened(s->up.ctx, subprotocol);
}

static void on_text(void *ctx, const char *text, size_t len)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    s->up.text(s->up.ctx, text, len);
}

static void on_heard(void *ctx)
{
    struct sim_station *s = ctx;
    s->up.heard(s->up.ctx);
}

static void on_writable(void *ctx)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    s->up.writable(s->up.ctx);
}

static void on_closed(void *ctx, const char *why)
{
    struct sim_station *s = ctx;
    line_closed(s);
    atomic_store(&s->woken, true);
    s->up.closed(s->up.ctx, why);
}

static bool line_open(void *ctx, const struct transport_target *target, const struct transport_up *up)
{
    struct sim_station *s = ctx;
    s->up = *up;
    const struct transport_up ours = {.ctx = s,
                                      .opened = on_opened,
                                      .text = on_text,
                                      .heard = on_heard,
                                      .writable = on_writable,
                                      .closed = on_closed};
    return s->network.transport.open(s->network.transport.ctx, target, &ours);
}

static bool line_send(void *ctx, const char *text, size_t len)
{
    struct sim_station *s = ctx;
    return s->network.transport.send(s->network.transport.ctx, text, len);
}

static void line_close(void *ctx, const char *why)
{
    struct sim_station *s = ctx;
    s->network.transport.close(s->network.transport.ctx, why);
}

/* An HTTP up-call gives the firmware something to do: its comms step follows. */
static bool on_http_head(void *ctx, const struct http_head *head)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    return s->http_up.head(s->http_up.ctx, head);
}

static bool on_http_body(void *ctx, const void *data, size_t len)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    return s->http_up.body(s->http_up.ctx, data, len);
}

static size_t on_http_fill(void *ctx, void *buf, size_t cap)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    return s->http_up.fill(s->http_up.ctx, buf, cap);
}

static bool on_http_rewind(void *ctx)
{
    struct sim_station *s = ctx;
    return s->http_up.rewind(s->http_up.ctx);
}

static void on_http_done(void *ctx, enum http_end how, const char *why)
{
    struct sim_station *s = ctx;
    atomic_store(&s->woken, true);
    s->http_up.done(s->http_up.ctx, how, why);
}

static bool http_start(void *ctx, const struct http_request *request, const struct http_up *up)
{
    struct sim_station *s = ctx;
    const struct http_up before = s->http_up;
    s->http_up = *up;
    const struct http_up ours = {.ctx = s,
                                 .head = up->head ? on_http_head : NULL,
                                 .body = up->body ? on_http_body : NULL,
                                 .fill = up->fill ? on_http_fill : NULL,
                                 .rewind = up->rewind ? on_http_rewind : NULL,
                                 .done = on_http_done};
    bool started = s->network.http.start(s->network.http.ctx, request, &ours);
    if (!started)
        s->http_up = before; /* one is under way: it goes on being told to whoever asked for it */
    return started;
}

static void http_cancel(void *ctx)
{
    struct sim_station *s = ctx;
    s->network.http.cancel(s->network.http.ctx);
}

static void line_reset(struct sim_station *s)
{
    s->network.reset(s->network.ctx);
    line_closed(s);
}

void sim_station_tap(void *station, char dir, const char *text, size_t len)
{
    struct sim_station *s = station;
    s->frames++;
    frame_log_frame(s->frame_log, sim_station_time_us(s), s->id, dir, text, len);
}

/* ---- making ---- */

__attribute__((format(printf, 3, 4))) static bool fail(char *why, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, cap, fmt, ap);
    va_end(ap);
    return false;
}

/* Keeps copies of the forced settings: the caller's may go. */
static bool settings_keep(struct sim_station *s, const struct sim_station_cfg *cfg, char *err, size_t cap)
{
    const char *given[2 * FORCED_MAX + 2] = {"server_url", cfg->url, "station_id", cfg->id};
    size_t n = 4;
    if (cfg->password) {
        given[n++] = "password";
        given[n++] = cfg->password;
    }
    for (size_t i = 0; cfg->settings && cfg->settings[i] && cfg->settings[i + 1]; i += 2) {
        if (n + 2 > 2 * FORCED_MAX)
            return fail(err, cap, "more than %d settings", FORCED_MAX);
        given[n++] = cfg->settings[i];
        given[n++] = cfg->settings[i + 1];
    }
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += strlen(given[i]) + 1;
    char *at = s->strings = malloc(bytes);
    if (!at)
        return fail(err, cap, "no memory");
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(given[i]) + 1;
        memcpy(at, given[i], len);
        s->forced[i] = at;
        at += len;
    }
    return true;
}

static bool files_open(struct sim_station *s, const struct sim_station_cfg *cfg, char *err, size_t cap)
{
    const char *dir = cfg->dir;
    char path[PATH_CAP];
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return fail(err, cap, "%s: %s", dir, strerror(errno));
    if (snprintf(path, sizeof path, "%s/journal.flash", dir) >= (int)sizeof path)
        return fail(err, cap, "%s: name too long", dir);
    s->flash = flash_file_open(path, JOURNAL_BYTES, err, cap);
    if (!s->flash)
        return false;
    (void)snprintf(path, sizeof path, "%s/settings.kv", dir);
    s->kv = kv_file_open(path, err, cap);
    if (!s->kv)
        return false;
    (void)snprintf(path, sizeof path, "%s/retained.mem", dir);
    s->retained = retained_file_open(path, err, cap); /* after the flash file, whose lock is for all */
    if (!s->retained)
        return false;
    s->firmware = sim_firmware_open(dir, cfg->launch, err, cap);
    s->launched = cfg->launch && cfg->launch->dir;
    s->restarted = s->launched && cfg->launch->restarted;
    if (!s->firmware || !cfg->keep_truth)
        return s->firmware != NULL;
    (void)snprintf(path, sizeof path, "%s/world.truth", dir);
    s->truth = truth_file_open(path, err, cap);
    return s->truth != NULL;
}

struct sim_station *sim_station_create(const struct sim_station_cfg *cfg, char *err, size_t cap)
{
    struct sim_station *s = calloc(1, sizeof *s);
    size_t bytes = (station_size() + 63) / 64 * 64;
    void *firmware = aligned_alloc(64, bytes), *world = calloc(1, world_size());
    if (!s || !firmware || !world || strlen(cfg->id) >= sizeof s->id) {
        fail(err, cap, !s || !firmware || !world ? "no memory" : "id too long");
        free(s);
        free(firmware);
        free(world);
        return NULL;
    }
    s->station = firmware;
    pthread_mutex_init(&s->lock, NULL);
    memcpy(s->id, cfg->id, strlen(cfg->id) + 1);
    s->wake = cfg->wake;
    s->wake_ctx = cfg->wake_ctx;
    s->frame_log = cfg->frame_log;
    s->log_level = cfg->log_level;
    s->seeded_random = cfg->seeded_random;
    s->random_state = cfg->seed;
    s->cable = true;
    s->world = world_init(world, &cfg->world, cfg->seed);
    world_set_power(s->world, false);
    sense_cfg_default(&s->sense);
    _Static_assert((int)WORLD_CURVE_POINTS == (int)SENSE_CURVE_POINTS, "one curve");
    world_adc_curve(s->world, s->sense.curve_dmv);
    if (!settings_keep(s, cfg, err, cap) || !files_open(s, cfg, err, cap)) {
        sim_station_destroy(s);
        return NULL;
    }
    s->port = (struct port){.ctx = s,
                            .now_us = port_now,
                            .random = port_random,
                            .wake_comms = port_wake,
                            .pilot_write = port_pilot,
                            .contactor_off = port_contactor_off,
                            .lock_write = port_lock,
                            .rcm_test_write = port_rcm_test,
                            .inputs = port_inputs,
                            .temperature_mc = port_temperature,
                            .log = port_log,
                            .reboot = port_reboot,
                            .retained = retained_file_memory(s->retained)};
    flash_file_port(s->flash, &s->area);
    s->port.journal = (struct port_flash){.ctx = s,
                                          .size = s->area.size,
                                          .read = port_flash_read,
                                          .program = port_flash_program,
                                          .erase = port_flash_erase};
    kv_file_port(s->kv, &s->port.kv);
    s->transport = (struct transport){.ctx = s, .open = line_open, .send = line_send, .close = line_close};
    s->http = (struct http){.ctx = s, .start = http_start, .cancel = http_cancel};
    return s;
}

void sim_station_connect(struct sim_station *s, const struct sim_network *network)
{
    s->network = *network;
}

void sim_station_destroy(struct sim_station *s)
{
    if (!s)
        return;
    if (s->powered) /* an orderly end of the simulation is a loss of power */
        retained_file_power(s->retained, false, port_random(s));
    pthread_mutex_destroy(&s->lock);
    flash_file_close(s->flash);
    kv_file_close(s->kv);
    sim_firmware_close(s->firmware);
    retained_file_close(s->retained);
    truth_file_close(s->truth);
    free(s->strings);
    free(s->world);
    free(s->station);
    free(s);
}

/* ---- running ---- */

void sim_station_lock(struct sim_station *s)
{
    pthread_mutex_lock(&s->lock);
}

void sim_station_unlock(struct sim_station *s)
{
    pthread_mutex_unlock(&s->lock);
}

uint64_t sim_station_time_us(const struct sim_station *s)
{
    return atomic_load(&s->time_us);
}

void sim_station_frame(struct sim_station *s)
{
    uint16_t raw[WORLD_FRAME_LEN];
    uint64_t end_us = 0;
    sim_station_lock(s);
    size_t n = world_frame(s->world, raw, &end_us);
    uint64_t now = world_now_us(s->world);
    atomic_store(&s->time_us, now);
    if (s->truth) {
        struct world_state w;
        world_state_read(s->world, &w);
        truth_file_now(s->truth, w.contactor, w.energy_wh);
    }
    if (s->running) {
        if (n) {
            uint32_t out = station_on_frame(station_guard(s->station), raw, n, end_us - s->boot_us,
                                            world_inputs(s->world));
            world_set_coil(s->world, (out & GUARD_OUT_COIL) != 0);
            world_set_mux(s->world, (out & GUARD_OUT_MUX) != 0);
        }
        if (now >= s->control_due_us) {
            station_control_step(s->station);
            s->control_due_us += CONTROL_PERIOD_US;
            if (s->control_due_us <= now) /* frames longer than a step: never run steps in a burst */
                s->control_due_us = now + 1;
        }
    }
    sim_station_unlock(s);
}

/* Lock held. The firmware stops at this instant and its outputs fall to what the board's resistors make of
 * them: coil low, analogue switch at 0. */
static void firmware_stop(struct sim_station *s)
{
    s->running = false;
    world_set_coil(s->world, false);
    world_set_mux(s->world, 0);
    world_set_rcm_test(s->world, false);
}

static void cut_apply(struct sim_station *s)
{
    s->network.cut(s->network.ctx, !s->cable || !s->powered || sim_firmware_behaviour(s->firmware)->deaf);
}

/* Lock held. */
static void firmware_start(struct sim_station *s, enum port_reset_reason reason)
{
    line_reset(s);
    memset((void *)s->station, 0, station_size());
    s->port.reset_reason = reason;
    s->boot_us = sim_station_time_us(s);
    s->control_due_us = s->boot_us;
    s->comms_due_us = 0;
    s->restart_at_us = 0;
    s->reboot_asked = false;
    s->face = (struct panel_face){0};
    s->logged_count = 0;
    if (!sim_firmware_boot(s->firmware, &s->port.firmware)) {
        port_log(s, 0, "boot loader: there is no firmware to start");
        return;
    }
    cut_apply(s);
    const struct station_boot boot = {.port = &s->port,
                                      .transport = &s->transport,
                                      .http = s->network.http.start ? &s->http : NULL,
                                      .sense = &s->sense,
                                      .serial = s->id,
                                      .model = "ECSACP1",
                                      .firmware = sim_firmware_version(s->firmware),
                                      .security = sim_firmware_security(s->firmware),
                                      .settings = s->forced};
    station_init(s->station, &boot);
    s->port.kv.lost = false; /* as of the first start since it was opened */
    s->running = true;
    atomic_store(&s->woken, true);
}

/* Lock held. */
static void power_gone(struct sim_station *s, bool torn)
{
    s->powered = false;
    s->torn = false;
    firmware_stop(s);
    world_set_power(s->world, false);
    flash_file_power(s->flash, false, torn);
    retained_file_power(s->retained, false, port_random(s));
    s->restart_at_us = 0;
    cut_apply(s); /* first, so that the peer hears nothing of the end */
    line_reset(s);
}

/* Lock held. */
static void restart_begin(struct sim_station *s, enum port_reset_reason reason)
{
    firmware_stop(s);
    world_set_pilot(s->world, 0); /* the pin is low until the timer runs again: −12 V */
    s->restart_reason = reason;
    s->restart_at_us = sim_station_time_us(s) + RESTART_US;
}

uint64_t sim_station_comms(struct sim_station *s)
{
    uint64_t now = sim_station_time_us(s);
    if (s->restart_at_us) {
        if (now < s->restart_at_us)
            return s->restart_at_us;
        sim_station_lock(s);
        firmware_start(s, s->restart_reason);
        sim_station_unlock(s);
    }
    if (!s->running) /* only this thread writes it */
        return UINT64_MAX;
    if (!atomic_exchange(&s->woken, false) && now < s->comms_due_us)
        return s->comms_due_us;
    uint64_t due = station_comms_step(s->station);
    uint64_t panic_us = sim_firmware_behaviour(s->firmware)->panic_us;
    if (panic_us && own_time(s) >= panic_us)
        s->panicked = s->reboot_asked = true;
    else if (panic_us && due > panic_us)
        due = panic_us;
    s->comms_due_us = due > UINT64_MAX - s->boot_us ? UINT64_MAX : due + s->boot_us;
    if (s->torn) {
        if (flash_file_is_cut(s->flash) || now >= s->torn_until_us) {
            sim_station_lock(s);
            power_gone(s, false);
            sim_station_unlock(s);
            return UINT64_MAX;
        }
        if (s->comms_due_us > s->torn_until_us)
            s->comms_due_us = s->torn_until_us;
    }
    if (s->reboot_asked) {
        sim_station_lock(s);
        restart_begin(s, s->panicked ? PORT_RESET_PANIC : PORT_RESET_SOFTWARE);
        s->panicked = false;
        sim_station_unlock(s);
        s->left = s->launched;
        return s->restart_at_us;
    }
    return atomic_load(&s->woken) ? now : s->comms_due_us;
}

/* ---- what is done to it ---- */

const char *sim_station_id(const struct sim_station *s)
{
    return s->id;
}

struct world *sim_station_world(struct sim_station *s)
{
    return s->world;
}

bool sim_station_power(struct sim_station *s, bool on, bool torn, char *why, size_t cap)
{
    if (on && s->torn) /* nothing was written meanwhile */
        power_gone(s, false);
    if (on == s->powered || s->torn)
        return fail(why, cap, "the power is %s already", on ? "on" : s->torn ? "going" : "off");
    if (!on && torn && s->running) {
        uint32_t chance = port_random(s);
        s->torn = true;
        s->torn_until_us = sim_station_time_us(s) + TORN_WAIT_US;
        flash_file_tear(s->flash, FLASH_FILE_BITS, chance);
        flash_file_cut_after(s->flash, chance % TORN_OPS);
        atomic_store(&s->woken, true);
        s->wake(s->wake_ctx);
        return true;
    }
    if (!on) {
        power_gone(s, torn);
        return true;
    }
    if (!flash_file_power(s->flash, true, false))
        return fail(why, cap, "the flash file can't be used");
    s->powered = true;
    cut_apply(s);
    world_set_power(s->world, true);
    /* Power that nobody has taken away: the process before was killed, which is to the firmware as a crash.
     */
    bool crashed = retained_file_powered(s->retained);
    retained_file_power(s->retained, true, 0);
    firmware_start(s, s->restarted ? PORT_RESET_SOFTWARE : crashed ? PORT_RESET_PANIC : PORT_RESET_POWER_ON);
    s->restarted = false;
    s->wake(s->wake_ctx);
    return true;
}

bool sim_station_crash(struct sim_station *s)
{
    if (!s->running || s->torn)
        return false;
    line_reset(s);
    restart_begin(s, PORT_RESET_PANIC);
    s->wake(s->wake_ctx);
    return true;
}

bool sim_station_left(const struct sim_station *s)
{
    return s->left;
}

bool sim_station_powered(const struct sim_station *s)
{
    return s->powered && !s->restart_at_us;
}

void sim_station_cable(struct sim_station *s, bool plugged)
{
    s->cable = plugged;
    cut_apply(s);
}

bool sim_station_break_http(struct sim_station *s, uint64_t bytes)
{
    if (s->network.break_http)
        s->network.break_http(s->network.ctx, bytes);
    return s->network.break_http != NULL;
}

bool sim_station_cable_plugged(const struct sim_station *s)
{
    return s->cable;
}

bool sim_station_token(struct sim_station *s, const char *token, const char *type)
{
    if (!sim_station_powered(s))
        return false;
    station_token(s->station, token, type);
    return true;
}

bool sim_station_set(struct sim_station *s, const char *name, const char *value, char *why, size_t cap)
{
    enum setting_id id;
    if (!sim_station_powered(s))
        return fail(why, cap, "the station has no power");
    if (!settings_find(name, &id))
        return fail(why, cap, "no setting is called %s", name);
    enum settings_result r = settings_set(station_settings(s->station), id, value, why, cap);
    if (r != SETTINGS_OK && r != SETTINGS_OK_REBOOT)
        return false;
    station_settings_changed(s->station, id);
    return true;
}

bool sim_station_setting(struct sim_station *s, const char *name, char *out, size_t cap)
{
    enum setting_id id;
    if (!sim_station_powered(s) || !settings_find(name, &id))
        return false;
    (void)settings_format(station_settings(s->station), id, out, cap);
    return true;
}

bool sim_station_view(struct sim_station *s, struct control_status *control, struct station_link_status *link)
{
    if (!sim_station_powered(s))
        return false;
    station_status(s->station, control);
    station_link_status(s->station, link);
    return true;
}

void *sim_station_lcd_png(struct sim_station *s, size_t *len)
{
    if (!sim_station_powered(s)) {
        uint16_t *dark = calloc(PANEL_WIDTH * PANEL_HEIGHT, sizeof *dark);
        void *file = dark ? lcd_png(dark, PANEL_WIDTH, PANEL_HEIGHT, len) : NULL;
        free(dark);
        return file;
    }
    const char *lines[PANEL_LOG_LINES];
    size_t n = s->logged_count < PANEL_LOG_LINES ? s->logged_count : PANEL_LOG_LINES;
    for (size_t i = 0; i < n; i++)
        lines[i] = s->logged[(s->logged_count - n + i) % PANEL_LOG_LINES];
    const struct panel_machine machine = {
        .link = s->cable ? "Ethernet" : NULL,
        .address = s->cable ? "127.0.0.1" : NULL,
        .update_permille = -1,
        .log = lines,
        .log_lines = n,
    };
    struct panel_view view;
    station_panel(s->station, &s->face, &machine, &view);
    return lcd_png_view(&view, len);
}

void sim_station_traffic(const struct sim_station *s, uint64_t *frames, uint32_t *reconnects)
{
    *frames = s->frames;
    *reconnects = s->opened_count > 1 ? s->opened_count - 1 : 0;
}
