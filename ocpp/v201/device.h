/*
 * device: what all functional blocks of OCPP 2.0.1 share: the station behind, the connection's state, time,
 * settings.
 */
#ifndef OCPP_V201_DEVICE_H
#define OCPP_V201_DEVICE_H

#include "ocpp/rpc.h"

enum { EVSE_ID = 1, CONNECTOR_ID = 1 }; /* one socket */

enum registration {
    REGISTRATION_NONE, /* no answer to BootNotification yet */
    REGISTRATION_REJECTED,
    REGISTRATION_PENDING,
    REGISTRATION_ACCEPTED,
};

struct device {
    const struct ocpp_station_ops *ops;
    void *st;
    struct rpc *rpc;
    bool online;
    enum registration registration;
    uint32_t boot; /* random, this start-up */
    /* Wall time as the server told it, should the station's own clock not know: unix_ms at monotonic 0. */
    bool offset_known;
    int64_t offset_ms;
};

uint64_t device_now(const struct device *d);
/* Wall time of a monotonic instant; false: not known yet. */
bool device_wall(const struct device *d, uint64_t at_us, int64_t *unix_ms);
void device_set_wall(struct device *d, int64_t unix_ms);
/* Online and accepted by the server. */
bool device_registered(const struct device *d);
void device_log(const struct device *d, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Settings by name; the default when the station does not know the setting. */
int32_t device_int(const struct device *d, const char *setting, int32_t otherwise);
bool device_bool(const struct device *d, const char *setting, bool otherwise);
/* false: unknown; out is then "". */
bool device_text(const struct device *d, const char *setting, char *out, size_t cap);
/* Is `word` a member of the comma-separated list? */
bool device_list_has(const char *list, const char *word);

#endif
