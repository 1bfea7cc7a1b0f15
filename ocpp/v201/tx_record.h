/*
 * tx_record: one transaction event as it is kept until the server has acknowledged it, and its rendering as a
 * TransactionEvent request.
 *
 * The record holds facts, not JSON: a tenth of the flash, and a time stamp that can still be put right when
 * the clock was unknown at the moment of the event. Layout: fields are only ever added at the end; a reader
 * takes what it knows and leaves the rest, so records survive an update and its rollback.
 */
#ifndef OCPP_V201_TX_RECORD_H
#define OCPP_V201_TX_RECORD_H

#include "ocpp/v201/device.h"

struct v201;

enum tx_event_type { TX_STARTED, TX_UPDATED, TX_ENDED };

enum tx_trigger {
    TRIGGER_AUTHORIZED,
    TRIGGER_CABLE_PLUGGED_IN,
    TRIGGER_CHARGING_RATE_CHANGED,
    TRIGGER_CHARGING_STATE_CHANGED,
    TRIGGER_DEAUTHORIZED,
    TRIGGER_EV_COMMUNICATION_LOST,
    TRIGGER_EV_CONNECT_TIMEOUT,
    TRIGGER_METER_VALUE_CLOCK,
    TRIGGER_METER_VALUE_PERIODIC,
    TRIGGER_TRIGGER,
    TRIGGER_UNLOCK_COMMAND,
    TRIGGER_STOP_AUTHORIZED,
    TRIGGER_REMOTE_STOP,
    TRIGGER_REMOTE_START,
    TRIGGER_ABNORMAL_CONDITION,
    TRIGGER_RESET_COMMAND,
    TRIGGERS
};

enum charging_state {
    CHARGING_IDLE,
    CHARGING_EV_CONNECTED,
    CHARGING_SUSPENDED_EVSE,
    CHARGING_SUSPENDED_EV,
    CHARGING_CHARGING,
    CHARGING_STATES
};

enum stop_reason {
    STOP_NONE,
    STOP_DEAUTHORIZED,
    STOP_EMERGENCY,
    STOP_EV_DISCONNECTED,
    STOP_GROUND_FAULT,
    STOP_IMMEDIATE_RESET,
    STOP_LOCAL,
    STOP_MASTER_PASS,
    STOP_OTHER,
    STOP_OVERCURRENT,
    STOP_POWER_LOSS,
    STOP_POWER_QUALITY,
    STOP_REBOOT,
    STOP_REMOTE,
    STOP_STOPPED_BY_EV,
    STOP_TIMEOUT,
    STOP_REASONS
};

enum reading_context {
    CONTEXT_BEGIN,
    CONTEXT_END,
    CONTEXT_PERIODIC,
    CONTEXT_CLOCK,
    CONTEXT_TRIGGER,
    CONTEXT_OTHER,
    CONTEXTS
};

/* Measurands, a bit each. */
enum {
    MEASURAND_CURRENT_IMPORT = 1 << 0,
    MEASURAND_CURRENT_OFFERED = 1 << 1,
    MEASURAND_ENERGY_IMPORT = 1 << 2,
    MEASURAND_FREQUENCY = 1 << 3,
    MEASURAND_POWER_IMPORT = 1 << 4,
    MEASURAND_POWER_FACTOR = 1 << 5,
    MEASURAND_VOLTAGE = 1 << 6,
};
#define MEASURANDS_ALL                                                                                  \
    "Current.Import,Current.Offered,Energy.Active.Import.Register,Frequency,Power.Active.Import,Power." \
    "Factor,Voltage"
uint16_t measurands_of(const char *list);

enum { ID_TOKEN_MAX = 36 };
struct id_token {
    char text[ID_TOKEN_MAX + 1]; /* identifierString is ASCII; "" with type NoAuthorization: none */
    uint8_t type;                /* index into ID_TOKEN_TYPES */
};
#define ID_TOKEN_TYPES "Central|eMAID|ISO14443|ISO15693|KeyCode|Local|MacAddress|NoAuthorization"
enum {
    ID_TOKEN_CENTRAL = 0,
    ID_TOKEN_ISO14443 = 2,
    ID_TOKEN_KEY_CODE = 4,
    ID_TOKEN_LOCAL = 5,
    ID_TOKEN_NO_AUTHORIZATION = 7
};
const char *id_token_type_name(uint8_t type);
bool id_token_same(const struct id_token *a, const struct id_token *b); /* letters' case does not count */
void id_token_write(cJSON *obj, const char *name, const struct id_token *t);
bool id_token_read(const cJSON *obj, const char *name, struct id_token *out);

struct reading {
    uint8_t valid, phases, context, reserved;
    uint16_t measurands, reserved2;
    int32_t v_mv[3], i_ma[3], p_mw[3], pf_permille[3];
    int32_t p_total_mw, freq_mhz, offered_ma, reserved3;
    uint64_t import_mwh;
    uint64_t at_us;
    int64_t unix_ms; /* 0: not known then */
};
void reading_take(struct reading *r, const struct ocpp_view *view, uint16_t measurands,
                  enum reading_context context, uint64_t at_us, const struct device *d);
/* Adds the samples to a sampledValue array; false: nothing to say. */
bool reading_write(cJSON *sampled, const struct reading *r);
/* Adds it to a meterValue array, with its time; `boot`: the start-up that r->at_us belongs to. */
void reading_append(cJSON *values, const struct reading *r, uint32_t boot, const struct device *d);

struct tx_record {
    uint16_t version, size;
    uint8_t event, trigger, state, reason;
    uint8_t offline, has_token, has_remote_id, phases_used; /* phases_used 0: not said */
    uint8_t token_type, cable_a;                            /* cable_a 0: not said */
    uint8_t has_reservation, reserved;
    uint32_t seq;
    uint32_t boot; /* with unix_ms 0: the start-up that at_us belongs to */
    uint64_t at_us;
    int64_t unix_ms;
    int32_t remote_id;
    uint32_t charging_s;
    char tx[40];
    char token[40];
    struct reading now;
    struct reading begin; /* TX_ENDED: the reading that the transaction began with */
    int32_t reservation_id;
    int32_t reserved2;
};
enum { TX_RECORD_VERSION = 1 };
/* Bytes to keep of a record. */
size_t tx_record_size(const struct tx_record *r);
bool tx_record_load(struct tx_record *r, const void *bytes, size_t len);
/* Fills in the payload of a TransactionEvent request. */
void tx_record_write(cJSON *payload, const struct tx_record *r, const struct v201 *v);
const char *stop_reason_name(enum stop_reason r);

#endif
