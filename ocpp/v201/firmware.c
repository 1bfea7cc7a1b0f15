/* firmware: UpdateFirmware, FirmwareStatusNotification; see firmware.h. */
#include "ocpp/v201/firmware.h"

#include <string.h>

#include "ocpp/v201/v201.h"

enum { RETRY_US = 10000000 }; /* after a FirmwareStatusNotification that got no answer */

/* FirmwareStatusEnumType */
static const char *const names[OCPP_FW_STATUSES] = {
    [OCPP_FW_IDLE] = "Idle",
    [OCPP_FW_DOWNLOADED] = "Downloaded",
    [OCPP_FW_DOWNLOAD_FAILED] = "DownloadFailed",
    [OCPP_FW_DOWNLOADING] = "Downloading",
    [OCPP_FW_DOWNLOAD_SCHEDULED] = "DownloadScheduled",
    [OCPP_FW_DOWNLOAD_PAUSED] = "DownloadPaused",
    [OCPP_FW_INSTALLATION_FAILED] = "InstallationFailed",
    [OCPP_FW_INSTALLED] = "Installed",
    [OCPP_FW_INSTALLING] = "Installing",
    [OCPP_FW_INSTALL_REBOOTING] = "InstallRebooting",
    [OCPP_FW_INSTALL_SCHEDULED] = "InstallScheduled",
    [OCPP_FW_INSTALL_VERIFICATION_FAILED] = "InstallVerificationFailed",
    [OCPP_FW_INVALID_SIGNATURE] = "InvalidSignature",
    [OCPP_FW_SIGNATURE_VERIFIED] = "SignatureVerified",
};

/* ---- UpdateFirmware ---- */

static int32_t count(const cJSON *request, const char *name)
{
    int64_t n;
    if (!json_int(request, name, &n) || n < 0)
        return -1;
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static const char *given(const cJSON *firmware, const char *name, size_t max_chars)
{
    const char *text = json_text(firmware, name, max_chars);
    return text && *text ? text : NULL;
}

void update_firmware(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    static const char *const answers[] = {
        [OCPP_FW_ACCEPTED] = "Accepted",
        [OCPP_FW_ACCEPTED_CANCELED] = "AcceptedCanceled",
        [OCPP_FW_REJECTED] = "Rejected",
        [OCPP_FW_BAD_CERTIFICATE] = "InvalidCertificate",
    };
    const cJSON *firmware = json_object(request, "firmware");
    const char *install = json_text(firmware, "installDateTime", 40), *why = NULL;
    struct ocpp_firmware_request q = {
        .url = json_text(firmware, "location", 512),
        .retries = count(request, "retries"),
        .retry_interval_s = count(request, "retryInterval"),
        .certificate = given(firmware, "signingCertificate", 5500),
        .signature = given(firmware, "signature", 800),
    };
    int64_t id = 0;
    json_int(request, "requestId", &id);
    q.request_id = (int32_t)id;
    enum ocpp_firmware_answer a = OCPP_FW_REJECTED;
    if (id < INT32_MIN || id > INT32_MAX)
        why = "requestId";
    else if (!json_time_parse(json_text(firmware, "retrieveDateTime", 40), &q.retrieve_ms) ||
             (install && *install && !json_time_parse(install, &q.install_ms)))
        why = "not a time";
    else if (!q.certificate && device_bool(&v->dev, "update_needs_certificate", false))
        why = "a signing certificate is required here (update_needs_certificate)";
    else
        a = v->dev.ops->update_firmware(v->dev.st, &q, &why);
    json_add_text(answer->payload, "status", answers[a]);
    if (why)
        status_info(answer->payload, a == OCPP_FW_BAD_CERTIFICATE ? "InvalidCertificate" : "InvalidValue",
                    why);
    if (a == OCPP_FW_BAD_CERTIFICATE) /* L01.FR.02 */
        security_event(v, SECURITY_INVALID_FIRMWARE_CERTIFICATE);
    v->firmware.retry_us = 0;
}

/* ---- FirmwareStatusNotification ---- */

/* L01.FR.25, FR.26: what has been told last, Idle once it is installed. */
static void answer_trigger(struct v201 *v, cJSON *payload)
{
    const struct firmware *f = &v->firmware;
    bool idle = !f->any || f->told.status == OCPP_FW_INSTALLED;
    json_add_text(payload, "status", names[idle ? OCPP_FW_IDLE : f->told.status]);
    if (!idle) /* L01.FR.20 */
        json_add_int(payload, "requestId", f->told.request_id);
}

bool firmware_status_make(struct v201 *v, cJSON *payload, bool asked_only)
{
    struct firmware *f = &v->firmware;
    f->under_way = false;
    if (f->asked) {
        f->asked = false;
        answer_trigger(v, payload);
        return true;
    }
    if (asked_only || device_now(&v->dev) < f->retry_us || !v->dev.ops->firmware_report(v->dev.st, &f->sent))
        return false;
    f->under_way = true;
    json_add_text(payload, "status", names[f->sent.status]);
    json_add_int(payload, "requestId", f->sent.request_id);
    return true;
}

void firmware_status_done(struct v201 *v, enum rpc_outcome how, const cJSON *payload)
{
    struct firmware *f = &v->firmware;
    (void)payload;
    if (!f->under_way || how == RPC_LOST)
        return;
    if (how == RPC_TIMEOUT) {
        f->retry_us = device_now(&v->dev) + RETRY_US;
        return;
    }
    /* Before it is forgotten: a power cut between the two tells it twice rather than never. */
    if (f->sent.status == OCPP_FW_INSTALLED) /* L01.FR.31 */
        security_event(v, SECURITY_FIRMWARE_UPDATED);
    if (f->sent.status == OCPP_FW_INVALID_SIGNATURE) /* L01.FR.03 */
        security_event(v, SECURITY_INVALID_FIRMWARE_SIGNATURE);
    f->told = f->sent;
    f->any = true;
    v->dev.ops->firmware_reported(v->dev.st);
}
