/*
 * rig: a station reduced to what an update needs: one flash chip with journal, slots and boot records, a boot
 * loader, a server that has a file, time. Firmware is bytes: its version says how it behaves.
 */
#ifndef TESTS_UPDATE_RIG_H
#define TESTS_UPDATE_RIG_H

#include "linux/flash_file.h"
#include "linux/flash_part.h"
#include "linux/slots.h"
#include "update/update.h"

enum { RIG_JOURNAL_SECTORS = 12, RIG_HEARD_MAX = 64 };

struct rig_server {
    const uint8_t *file;
    size_t len;
    bool no_range;      /* always sends all of it */
    const char *etag;   /* "" none */
    size_t break_after; /* bytes of a body, then the line breaks; 0: never */
    unsigned breaks;    /* so many times */
    unsigned refuse;    /* so many requests are answered with 404 first */
    size_t chunk;       /* bytes in one piece */
    bool no_total;
    bool busy; /* the client has something else to do */
    unsigned requests;
    uint64_t sent;
};

struct rig {
    struct flash_file *chip;
    uint32_t slot_bytes;
    struct flash_part part[4];
    struct port_flash journal_area;
    struct slots slots;
    struct port port;
    struct http http;
    struct rig_server server;
    struct journal journal;
    struct update update;
    struct trust trust;
    const void *factory; /* what came by cable into slot 0 */
    size_t factory_len;

    /* the running firmware */
    bool dead; /* nothing could be started */
    char version[MANIFEST_VERSION_MAX + 1];
    uint32_t security, floor;
    bool defaulted;           /* this firmware can't read settings */
    uint64_t now_us, boot_us; /* now: since the rig was made */
    unsigned boots, resets;
    unsigned probation_steps, crash_at; /* firmware "-crash" resets itself at that step of its probation */

    /* the world */
    bool busy, contactor, offline, meter_dead;
    uint64_t charged_uwh; /* since the rig was made */
    bool wall_known;
    int64_t wall_0_ms;

    /* the request under way in the http client */
    bool requesting;
    struct http_up up;
    uint64_t at;
    size_t in_request;

    /* what the server has heard, in order */
    struct update_report heard[RIG_HEARD_MAX];
    unsigned heard_count;
    bool deaf; /* reports are not confirmed */
};

void rig_open(struct rig *r, uint32_t slot_sectors);
void rig_close(struct rig *r);
/* Firmware brought by cable into slot 0, without a manifest. */
void rig_factory(struct rig *r, const void *image, size_t len);
/* A reset; cut: the power had gone. */
void rig_boot(struct rig *r);
/* One step of update and http client; false: nothing is going on any more. Restarts what asks for it. */
bool rig_step(struct rig *r);
/* Until nothing goes on, or for so long. */
void rig_run(struct rig *r, uint64_t seconds);
enum update_answer rig_ask(struct rig *r, int32_t id, const struct update_request *more);
/* "Downloading Downloaded ..." of this request. */
const char *rig_heard(const struct rig *r, int32_t id, char *text, size_t cap);
/* The last of this request; UPDATE_IDLE: none. */
enum update_status rig_last(const struct rig *r, int32_t id);
/* What runs is byte for byte this image. */
bool rig_runs(const struct rig *r, const void *image, size_t len);

#endif
