/*
 * known_token: what a server has said of one identifier (idTokenInfo), as the authorisation cache and the
 * local authorisation list keep it.
 */
#ifndef OCPP_V201_KNOWN_TOKEN_H
#define OCPP_V201_KNOWN_TOKEN_H

#include "ocpp/v201/tx_record.h"

#define AUTHORIZATION_STATUSES                                                                     \
    "Accepted|Blocked|ConcurrentTx|Expired|Invalid|NoCredit|NotAllowedTypeEVSE|NotAtThisLocation|" \
    "NotAtThisTime|Unknown"
enum { AUTHORIZATION_ACCEPTED = 0 };

/* As kept in flash: fields are only ever added at the end. */
struct known_token {
    struct id_token token, group; /* group with an empty text: none */
    uint8_t status;               /* index into AUTHORIZATION_STATUSES */
    uint8_t elsewhere;            /* good for other EVSEs only (C01.FR.21) */
    uint8_t reserved[2];
    int64_t expires_ms; /* cacheExpiryDateTime; 0: none */
};

/* Reads an idTokenInfo; the token itself is the caller's. false: it has no status that the standard knows. */
bool known_token_read(const cJSON *info, struct known_token *out);
/* The token may charge here. */
bool known_token_accepted(const struct known_token *k);
/* Has it passed its expiry? Without a clock nobody can say, and it counts as passed. */
bool known_token_expired(const struct known_token *k, const struct device *d);
/* Is what came out of flash one of these? Ends its texts. */
bool known_token_sound(struct known_token *k);

#endif
