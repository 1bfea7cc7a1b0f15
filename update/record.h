/*
 * record: what of an update must survive a restart and a power cut: the request, how far it has come, what is
 * still to be told. Kept in the journal (JOURNAL_UPDATE: the newest counts). Comms thread.
 */
#ifndef UPDATE_RECORD_H
#define UPDATE_RECORD_H

#include "store/journal.h"
#include "update/signature.h"

enum {
    UPDATE_URL_MAX = 512,       /* FirmwareType.location of OCPP 2.0.1 */
    UPDATE_VALIDATOR_MAX = 127, /* a longer one is not used */
    UPDATE_REASON_MAX = 119,
};

/* The order is durable: add at the end. */
enum update_phase {
    UPDATE_NONE,
    UPDATE_ASKED,     /* accepted; nothing of it is in the slot */
    UPDATE_FETCHING,  /* the manifest is known and good, `got` bytes of the image are in the slot */
    UPDATE_FETCHED,   /* all of it is, and its signatures and digest are right */
    UPDATE_ACTIVATED, /* the idle slot is, or is about to be, started on probation */
    UPDATE_ENDED,     /* `status` is the end of it; `untold`: the server does not know yet */
    UPDATE_PHASES
};

/* What the server is told, in the order of OCPP 2.0.1's FirmwareStatusEnumType; durable: add at the end. */
enum update_status {
    UPDATE_IDLE,
    UPDATE_DOWNLOADED,
    UPDATE_DOWNLOAD_FAILED,
    UPDATE_DOWNLOADING,
    UPDATE_DOWNLOAD_SCHEDULED,
    UPDATE_DOWNLOAD_PAUSED,
    UPDATE_INSTALLATION_FAILED,
    UPDATE_INSTALLED,
    UPDATE_INSTALLING,
    UPDATE_INSTALL_REBOOTING,
    UPDATE_INSTALL_SCHEDULED,
    UPDATE_INSTALL_VERIFICATION_FAILED,
    UPDATE_INVALID_SIGNATURE,
    UPDATE_SIGNATURE_VERIFIED,
    UPDATE_STATUSES
};

/* What the firmware before saw, for the new one to be measured by. */
struct update_before {
    bool meter_valid;
    uint16_t settings_defaulted;
    int32_t v_mv[3];
    uint64_t import_total_uwh;
};

struct update_record {
    enum update_phase phase;
    enum update_status status; /* UPDATE_ENDED: how */
    bool untold;
    bool has_manifest;
    bool resumed;        /* bytes of more than one connection are in the slot */
    uint8_t target;      /* slot, from UPDATE_ACTIVATED on */
    uint8_t activations; /* so many times the target was to be started */
    int32_t request_id;
    int32_t retries, retry_interval_s;
    int64_t retrieve_ms, install_ms; /* UTC; 0: at once */
    uint32_t got;                    /* bytes of the image, a multiple of a sector until it is all there */
    struct update_before before;
    uint8_t manifest[MANIFEST_BYTES];
    struct signer signer;
    uint16_t signature_len; /* of the file, as OCPP gave it */
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    char url[UPDATE_URL_MAX + 1];
    char validator[UPDATE_VALIDATOR_MAX + 1]; /* for If-Range */
    char reason[UPDATE_REASON_MAX + 1];       /* why it failed; "" as long as it has not */
};

/* The newest; phase UPDATE_NONE when there is none or it can't be understood. */
void update_record_load(struct update_record *r, struct journal *j);
/* false: the journal did not take it. *r stays as it is. */
bool update_record_save(struct update_record *r, struct journal *j);

#endif
