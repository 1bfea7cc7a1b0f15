/*
 * durable: what of the station must survive a power cut, in terms of the journal: OCPP's records and the
 * station's own registers (energy, contactor cycles). Comms thread only.
 */
#ifndef STATION_DURABLE_H
#define STATION_DURABLE_H

#include "core/metering.h"
#include "ocpp/station_ops.h"
#include "store/journal.h"

/* The registers as last kept. */
struct durable_registers {
    struct meter_reading meter; /* energy members only */
    uint32_t contactor_cycles;
};

struct durable {
    struct journal journal;
    bool mounted;
    bool formatted;     /* the area was unreadable or new and has been formatted at mount */
    uint64_t marked_us; /* when the registers were last kept */
    uint64_t marked_uwh;
    uint32_t marked_cycles;
    uint32_t failures; /* appends that failed since start-up */
    uint32_t dropped;  /* as last told */
};

void durable_mount(struct durable *d, const struct port_flash *flash);
/* The registers as of the last mark; zero if there is none. */
void durable_registers(struct durable *d, struct durable_registers *out);
/* Keeps the registers if they have moved, at most once a minute unless `force`. */
void durable_mark(struct durable *d, const struct durable_registers *now, uint64_t now_us, bool force);

/* As in struct ocpp_station_ops. */
bool durable_keep(struct durable *d, enum ocpp_keep_kind kind, const void *rec, size_t len, uint32_t *id);
bool durable_peek(struct durable *d, enum ocpp_keep_kind kind, uint32_t after, void *buf, size_t cap,
                  size_t *len, uint32_t *id);
bool durable_forget(struct durable *d, uint32_t id);
bool durable_room_for_transaction(struct durable *d);
/* Records given up for want of room since this was last asked. */
uint32_t durable_take_dropped(struct durable *d);

#endif
