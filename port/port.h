/*
 * port: the few things a machine provides. One `struct port` per station: an operations table and its
 * context, so that a thousand stations run in one Linux process. Nothing here allocates after start-up.
 *
 * Threads: the ADC frame goes from the machine's interrupt (or its simulation) to station_on_frame(), which
 * answers with the pins to write. The control operations are called from the control thread only, the others
 * from the comms thread only, unless said otherwise.
 */
#ifndef PORT_PORT_H
#define PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum port_err {
    PORT_OK = 0,
    PORT_ERR_IO = -1,    /* the device failed, or power is going */
    PORT_ERR_RANGE = -2, /* address or length outside the area */
    PORT_ERR_NOT_FOUND = -3,
    PORT_ERR_NO_SPACE = -4,
    PORT_ERR_UNSUPPORTED = -5,
};

/*
 * A raw flash area: 4 KB sectors erased to 0xFF, 256-byte pages; programming can only clear bits. Offsets are
 * relative to the area. A power cut leaves the operation under way half done.
 */
enum { PORT_FLASH_SECTOR = 4096, PORT_FLASH_PAGE = 256 };
struct port_flash {
    void *ctx;
    uint32_t size; /* bytes, a multiple of PORT_FLASH_SECTOR */
    int (*read)(void *ctx, uint32_t off, void *buf, size_t len);
    int (*program)(void *ctx, uint32_t off, const void *buf, size_t len);
    int (*erase)(void *ctx, uint32_t off, size_t len); /* whole sectors */
};

/*
 * Two slots for firmware and a boot loader that starts one of them. What is in a slot begins at its offset 0,
 * as the boot loader wants it. A slot that has been activated is started on probation: it must be confirmed,
 * or the next reset, whatever its cause, starts the other one again. Every change is there whole or not at
 * all when the power goes. Comms thread; calls may block as flash does (store/journal.h), activate for as
 * long as it takes to check an image.
 */
struct port_firmware {
    void *ctx;
    uint8_t running;        /* slot 0 or 1 */
    bool probation;         /* of the running slot, as of this start */
    bool other_failed;      /* the boot loader has given up what is in the other slot */
    struct port_flash idle; /* the other slot; size 0: this machine has no slots */
    /* The idle slot is started at the next reset. PORT_ERR_RANGE: there is nothing in it that could be. */
    int (*activate)(void *ctx);
    int (*confirm)(void *ctx); /* the running slot has passed its probation */
    /* The other slot is started at the next reset. PORT_ERR_NOT_FOUND: there is nothing in it. */
    int (*roll_back)(void *ctx);
};

/* Key-value store for settings: NVS on the chip, a file on Linux. A value is replaced whole or not at all. */
enum { PORT_KV_KEY_MAX = 15, PORT_KV_VALUE_MAX = 512 };
struct port_kv {
    void *ctx;
    int (*get)(void *ctx, const char *key, void *buf, size_t cap, size_t *len);
    int (*set)(void *ctx, const char *key, const void *buf, size_t len);
    int (*erase_all)(void *ctx); /* factory reset */
    bool lost; /* at this start nothing of what had been kept could be read: it began anew, empty */
};

enum port_reset_reason {
    PORT_RESET_POWER_ON,
    PORT_RESET_SOFTWARE,
    PORT_RESET_WATCHDOG,
    PORT_RESET_PANIC,
    PORT_RESET_BROWNOUT
};

/* What is left of memory, for finding leaks in the field. Bytes. */
struct port_health {
    uint32_t control_stack, comms_stack; /* never used so far */
    uint32_t heap_min;                   /* least free ever */
    uint32_t heap_block;                 /* largest free block now */
};

/*
 * Memory that a reset leaves alone and a loss of power does not: RTC RAM on the chip, a mapped file on Linux.
 * After a loss of power it holds noise: whoever keeps something here checks it. station/retained.h says who
 * owns which part.
 */
enum { PORT_RETAINED_BYTES = 4096 };

struct port {
    void *ctx;
    /* any thread */
    uint64_t (*now_us)(void *ctx); /* monotonic, from start-up */
    uint32_t (*random)(void *ctx); /* cryptographically good on the chip */
    void (*wake_comms)(void *ctx); /* make the comms thread call station_comms_step soon; never blocks */
    /* control thread */
    void (*pilot_write)(void *ctx,
                        uint16_t duty_bp); /* 0.1 µs of high time per 1000 µs; 10000 = +12 V, 0 = −12 V */
    void (*contactor_off)(void *ctx);      /* coil pin low, at once */
    void (*lock_write)(void *ctx, bool locked); /* cable lock motor */
    void (*rcm_test_write)(void *ctx, bool on);
    uint32_t (*inputs)(void *ctx);                   /* GUARD_IN_* bits (core/guard.h) */
    bool (*temperature_mc)(void *ctx, int32_t *out); /* false: no sensor */
    /* any thread; may be NULL. level: 0 error, 1 warning, 2 information, 3 debug */
    void (*log)(void *ctx, int level, const char *text);
    /* comms thread */
    void (*health)(void *ctx, struct port_health *out); /* NULL: this machine has nothing to tell */
    void (*reboot)(
        void *ctx); /* does not return on the chip; on Linux the runtime restarts the station after return */
    enum port_reset_reason reset_reason;
    struct port_kv kv;
    struct port_flash journal;
    struct port_firmware firmware; /* zero: no slots, no updates */
    void *retained;                /* PORT_RETAINED_BYTES, 8-byte aligned; NULL: this machine has none */
};

#endif
