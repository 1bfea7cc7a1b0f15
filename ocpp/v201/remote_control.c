/* remote_control: start, stop, unlock, trigger; see remote_control.h. */
#include "ocpp/v201/remote_control.h"

#include <string.h>

#include "ocpp/v201/v201.h"

static void reject(struct rpc_answer *answer, const char *reason, const char *info)
{
    json_add_text(answer->payload, "status", "Rejected");
    status_info(answer->payload, reason, info);
}

void request_start_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t evse = EVSE_ID, remote_id = 0;
    struct id_token token, group = {0};
    json_int(request, "evseId", &evse);
    json_int(request, "remoteStartId", &remote_id);
    if (v->dev.registration != REGISTRATION_ACCEPTED) {
        reject(answer, "CSNotAccepted", NULL); /* B02.FR.05 */
        return;
    }
    if (evse != EVSE_ID) {
        reject(answer, "UnknownEvse", NULL);
        return;
    }
    if (!id_token_read(request, "idToken", &token)) {
        reject(answer, "InvalidIdToken", NULL);
        return;
    }
    id_token_read(request, "groupIdToken", &group);
    if (v->durable.inoperative || v->view.faulted || v->reset.wanted) { /* F01.FR.23, F02.FR.25 */
        reject(answer, "InvalidMessageSeq", "the EVSE is not in service");
        return;
    }
    if (transactions_taken(v) || v->auth.pending) { /* F01.FR.24 */
        reject(answer, "TxInProgress", NULL);
        return;
    }
    if (!reservation_allows(v, &token, &group)) { /* F01.FR.21, FR.22; F02.FR.23, FR.24 */
        reject(answer, "InvalidIdToken", "the EVSE is reserved for another");
        return;
    }
    if (authorization_master_pass(v, &group)) { /* C16.FR.03 */
        reject(answer, "InvalidIdToken", "a master pass starts nothing");
        return;
    }
    if (!v->durable.tx_active && !v->dev.ops->room_for_transaction(v->dev.st)) {
        reject(answer, "OutOfStorage", "no room to keep another transaction");
        return;
    }
    const cJSON *profile = json_object(request, "chargingProfile");
    if (profile) {
        const char *info;
        const char *fault = profile_set(v, evse, profile, v->durable.tx_active ? v->durable.tx : "", &info);
        if (fault) {
            reject(answer, fault, info); /* F01.FR.26 */
            return;
        }
    }
    json_add_text(answer->payload, "status", "Accepted");
    if (v->durable.tx_active) /* F01.FR.13: it has begun already, unauthorised */
        json_add_text(answer->payload, "transactionId", v->durable.tx);
    if (device_bool(&v->dev, "remote_authorise", false) && token.type != ID_TOKEN_NO_AUTHORIZATION &&
        token.type != ID_TOKEN_CENTRAL)
        authorization_remote(v, &token, &group, (int32_t)remote_id);
    else {
        int32_t id = (int32_t)remote_id;
        transactions_authorised(v, &token, &group, &id);
    }
}

void request_stop_transaction(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const char *tx = json_text(request, "transactionId", 36);
    if (v->dev.registration != REGISTRATION_ACCEPTED) {
        reject(answer, "CSNotAccepted", NULL); /* B02.FR.05 */
        return;
    }
    if (!v->durable.tx_active || strcmp(tx, v->durable.tx) != 0) { /* F03.FR.08 */
        reject(answer, "UnknownTxId", NULL);
        return;
    }
    json_add_text(answer->payload, "status", "Accepted");
    if (!v->durable.ending)
        transactions_stop(v, TRIGGER_REMOTE_STOP, STOP_REMOTE);
}

void unlock_connector(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    int64_t evse = 0, connector = 0;
    json_int(request, "evseId", &evse);
    json_int(request, "connectorId", &connector);
    const char *status;
    if (evse != EVSE_ID || connector != CONNECTOR_ID)
        status = "UnknownConnector";
    else if (v->tx.authorised || v->durable.ending)
        status = "OngoingAuthorizedTransaction"; /* F05.FR.02 */
    else
        status = v->dev.ops->unlock(v->dev.st) ? "Unlocked" : "UnlockFailed";
    json_add_text(answer->payload, "status", status);
}

void trigger_message(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const char *what = json_text(request, "requestedMessage", 50), *status = "Accepted";
    const cJSON *evse = json_object(request, "evse");
    int64_t id = 0, connector = 0;
    bool has_evse = json_int(evse, "id", &id), has_connector = json_int(evse, "connectorId", &connector);
    bool ours = !has_evse || id == EVSE_ID || id == 0;
    if (!strcmp(what, "BootNotification")) {
        if (v->dev.registration == REGISTRATION_ACCEPTED)
            status = "Rejected"; /* F06.FR.17 */
        else
            v->prov.boot_asked = true;
    } else if (!strcmp(what, "Heartbeat")) {
        v->prov.heartbeat_asked = true;
    } else if (!strcmp(what, "StatusNotification")) {
        /* With one connector "all of them" is clear, although it may be refused (F06.FR.12). */
        if (!ours || (has_connector && connector != CONNECTOR_ID))
            status = "Rejected";
        else
            v->avail.asked = true;
    } else if (!strcmp(what, "MeterValues")) {
        if (!ours)
            status = "Rejected";
        else
            v->meter.asked = true;
    } else if (!strcmp(what, "TransactionEvent")) {
        if (!ours || !v->durable.tx_active || v->dev.registration != REGISTRATION_ACCEPTED)
            status = "Rejected";
        else
            v->tx.trigger_asked = true;
    } else if (!strcmp(what, "LogStatusNotification")) {
        v->logs.status_asked = true;
    } else if (!strcmp(what, "FirmwareStatusNotification")) {
        v->firmware.asked = true;
    } else {
        status = "NotImplemented"; /* F06.FR.08 */
    }
    json_add_text(answer->payload, "status", status);
}
