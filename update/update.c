#include "update/update.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    /* When the request leaves it to the station. */
    RETRIES = 3,
    RETRY_INTERVAL_S = 60,
    /* A request may ask for more; nobody is served by it. */
    RETRIES_MAX = 100,
    RETRY_INTERVAL_MAX_S = 86400,
    BUSY_RETRY_S = 5, /* the one HTTP client is uploading a log */

    /* How far it has come is noted so often: a power cut costs at most this much of a download, and a whole
     * one about thirty records. */
    MARK_BYTES = 65536,
    VERIFY_BYTES = 16384, /* read back in one step: a few milliseconds */

    ACTIVATIONS_MAX = 3, /* of one image that never came up, because the power went each time */
};

/* While the contactor is closed a sector is erased at most this often. An erase holds both cores up for 45
 * ms, 400 ms at most (store/journal.h); only the trip path goes on. */
#define ERASE_PAUSE_US 1000000u
/* The last reports get this long to leave before the restart. */
#define TELL_US 10000000u
#define TICK_US 1000000u

const char *update_status_name(enum update_status s)
{
    static const char *const names[UPDATE_STATUSES] = {
        [UPDATE_IDLE] = "Idle",
        [UPDATE_DOWNLOADED] = "Downloaded",
        [UPDATE_DOWNLOAD_FAILED] = "DownloadFailed",
        [UPDATE_DOWNLOADING] = "Downloading",
        [UPDATE_DOWNLOAD_SCHEDULED] = "DownloadScheduled",
        [UPDATE_DOWNLOAD_PAUSED] = "DownloadPaused",
        [UPDATE_INSTALLATION_FAILED] = "InstallationFailed",
        [UPDATE_INSTALLED] = "Installed",
        [UPDATE_INSTALLING] = "Installing",
        [UPDATE_INSTALL_REBOOTING] = "InstallRebooting",
        [UPDATE_INSTALL_SCHEDULED] = "InstallScheduled",
        [UPDATE_INSTALL_VERIFICATION_FAILED] = "InstallVerificationFailed",
        [UPDATE_INVALID_SIGNATURE] = "InvalidSignature",
        [UPDATE_SIGNATURE_VERIFIED] = "SignatureVerified",
    };
    return names[s];
}

static void say(const struct update *u, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(const struct update *u, int level, const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    u->cfg.log(u->cfg.log_ctx, level, line);
}

static const struct port_flash *slot(const struct update *u)
{
    return &u->cfg.port->firmware.idle;
}

/* The last sector of a slot is the manifest's: an image must leave it free. */
static uint32_t room(const struct update *u)
{
    return slot(u)->size - PORT_FLASH_SECTOR;
}

static bool save(struct update *u)
{
    if (u->cfg.journal && update_record_save(&u->record, u->cfg.journal))
        return true;
    say(u, 0, "update: progress can't be kept");
    return false;
}

/* ---- reports ---- */

static void tell(struct update *u, enum update_status status)
{
    say(u, 2, "update: %s (request %" PRId32 ")", update_status_name(status), u->record.request_id);
    if (u->reports == UPDATE_REPORTS) { /* offline for long: of what is over the newest counts; the first may
                                           be on its way, and goes when it is confirmed */
        memmove(u->report + 1, u->report + 2, sizeof u->report - 2 * sizeof u->report[0]);
        u->reports--;
    }
    u->report[u->reports++] = (struct update_report){.status = status, .request_id = u->record.request_id};
}

bool update_report(const struct update *u, struct update_report *out)
{
    if (u->reports == 0)
        return false;
    *out = u->report[0];
    return true;
}

void update_told(struct update *u)
{
    if (u->reports == 0)
        return;
    u->told = u->report[0];
    u->reports--;
    memmove(u->report, u->report + 1, u->reports * sizeof u->report[0]);
    struct update_record *r = &u->record;
    if (r->phase == UPDATE_ENDED && r->untold && u->told.request_id == r->request_id &&
        u->told.status == r->status) {
        r->untold = false;
        (void)save(u);
    }
}

/* ---- ends ---- */

static void stop_work(struct update *u)
{
    download_stop(&u->download);
    if (u->digesting) {
        digest_abort(&u->image);
        digest_abort(&u->file);
    }
    u->digesting = false;
}

static void end(struct update *u, enum update_status status, const char *why)
{
    struct update_record *r = &u->record;
    stop_work(u);
    if (why && *why && why != r->reason)
        (void)snprintf(r->reason, sizeof r->reason, "%s", why);
    if (status != UPDATE_INSTALLED)
        say(u, 1, "update: the update has failed: %s", r->reason);
    r->phase = UPDATE_ENDED;
    r->status = status;
    r->untold = true;
    r->has_manifest = false;
    r->signer = (struct signer){0};
    r->signature_len = 0;
    r->url[0] = r->validator[0] = '\0';
    u->stage = STAGE_IDLE;
    (void)save(u);
    tell(u, status);
}

/* ---- a request ---- */

static bool under_way(const struct update *u)
{
    return u->stage != STAGE_IDLE;
}

enum update_answer update_ask(struct update *u, const struct update_request *q, const char **why)
{
    struct signer signer = {0};
    *why = NULL;
    if (slot(u)->size <= PORT_FLASH_SECTOR)
        *why = "this station has no second slot";
    else if (!u->cfg.http)
        *why = "this station has no HTTP client";
    else if (!u->cfg.journal)
        *why = "this station has no memory that lasts";
    else if (u->stage == STAGE_PROBATION || u->stage == STAGE_ROLL_BACK || u->stage == STAGE_REBOOT)
        *why = "an update is being installed and can't be stopped";
    else if (under_way(u) && u->record.request_id == q->request_id)
        *why = "this request is under way";
    else if (strlen(q->url) > UPDATE_URL_MAX || !*q->url)
        *why = "bad address";
    else if (q->signature && !q->certificate)
        *why = "a signature without its certificate";
    if (*why)
        return UPDATE_REJECTED;
    if (q->certificate)
        *why = signature_check_certificate(u->cfg.trust, q->certificate, &signer);
    if (*why) {
        say(u, 1, "update: %s", *why);
        return UPDATE_BAD_CERTIFICATE;
    }

    enum update_answer answer = UPDATE_ACCEPTED;
    if (under_way(u)) {
        bool down = u->stage == STAGE_WAIT || u->stage == STAGE_VERIFY;
        end(u, down ? UPDATE_INSTALLATION_FAILED : UPDATE_DOWNLOAD_FAILED, "replaced by another request");
        answer = UPDATE_ACCEPTED_CANCELED;
    }
    struct update_record *r = &u->record;
    memset(r, 0, sizeof *r);
    r->phase = UPDATE_ASKED;
    r->request_id = q->request_id;
    r->retries = q->retries < 0 ? RETRIES : q->retries > RETRIES_MAX ? RETRIES_MAX : q->retries;
    r->retry_interval_s = q->retry_interval_s < 0                      ? RETRY_INTERVAL_S
                          : q->retry_interval_s > RETRY_INTERVAL_MAX_S ? RETRY_INTERVAL_MAX_S
                                                                       : q->retry_interval_s;
    r->retrieve_ms = q->retrieve_ms;
    r->install_ms = q->install_ms;
    (void)snprintf(r->url, sizeof r->url, "%s", q->url);
    r->signer = signer;
    if (q->signature) {
        int len = signature_from_base64(q->signature, r->signature, sizeof r->signature);
        /* One that can't be right is found wrong when its turn comes, as OCPP wants it. */
        r->signature_len = (uint16_t)(len > 0 ? len : 0);
    }
    if (!save(u)) {
        memset(r, 0, sizeof *r);
        *why = "the request can't be kept";
        return UPDATE_REJECTED;
    }
    u->stage = STAGE_SCHEDULED;
    u->failed = u->anew = 0;
    u->wait_told = u->progress_told = u->install_due = false;
    u->clean_from = UINT32_MAX;
    u->due_us = 0;
    return answer;
}

/* ---- download ---- */

/* Not if the one HTTP client is at something else. */
static void attempt_begins(struct update *u)
{
    if (u->progress_told || u->download.state == DOWNLOAD_BUSY)
        return;
    tell(u, UPDATE_DOWNLOADING);
    u->progress_told = true;
}

static void fetch_manifest(struct update *u)
{
    u->stage = STAGE_MANIFEST;
    download_manifest(&u->download, u->record.url);
    attempt_begins(u);
}

static void fetch_image(struct update *u)
{
    u->stage = STAGE_IMAGE;
    download_image(&u->download, u->record.url, u->record.manifest, u->manifest.size, u->record.got,
                   u->record.validator);
    attempt_begins(u);
}

static void erase_from(struct update *u, uint32_t at)
{
    u->stage = STAGE_ERASE;
    u->at = at / PORT_FLASH_SECTOR * PORT_FLASH_SECTOR;
    u->due_us = 0;
}

/* Nothing that is in the slot counts any more. */
static void from_the_beginning(struct update *u)
{
    u->record.phase = UPDATE_ASKED;
    u->record.has_manifest = u->record.resumed = false;
    u->record.got = 0;
    u->record.validator[0] = '\0';
    u->clean_from = UINT32_MAX;
    u->anew++;
}

/* An attempt is over and has not brought all. */
static void attempt_failed(struct update *u, uint64_t now_us, bool brought, const char *why)
{
    struct update_record *r = &u->record;
    /* What is thrown away again has brought nothing: a file that changes all the time comes to an end too. */
    u->failed = brought ? u->anew + 1 : u->failed + 1;
    say(u, 1, "update: download: %s", why);
    if (u->failed > r->retries) {
        end(u, UPDATE_DOWNLOAD_FAILED, why);
        return;
    }
    if (brought) { /* OCPP: a download that goes on later has been paused; one that has not begun has not */
        tell(u, UPDATE_DOWNLOAD_PAUSED);
        u->progress_told = false;
    }
    u->stage = STAGE_RETRY;
    u->due_us = now_us + (uint64_t)r->retry_interval_s * 1000000u;
}

static void refuse_manifest(struct update *u, const char *why)
{
    end(u, UPDATE_INSTALL_VERIFICATION_FAILED, why);
}

/* Everything that can be said against an image before a byte of it is here. */
static void judge_manifest(struct update *u, uint32_t floor)
{
    struct update_record *r = &u->record;
    struct manifest *m = &u->manifest;
    uint32_t least = floor > u->cfg.security ? floor : u->cfg.security;
    char text[UPDATE_REASON_MAX + 1];
    enum manifest_result result = manifest_read(m, u->download.manifest, u->download.manifest_got);
    if (result != MANIFEST_OK) {
        refuse_manifest(u, manifest_result_text(result));
        return;
    }
    const char *wrong = signature_check_manifest(u->cfg.trust, m, u->download.manifest);
    if (wrong) {
        end(u, UPDATE_INVALID_SIGNATURE, wrong);
        return;
    }
    if (strcmp(m->board, MANIFEST_BOARD) != 0) {
        (void)snprintf(text, sizeof text, "made for another board: %s", m->board);
        refuse_manifest(u, text);
        return;
    }
    if (m->size > room(u)) {
        (void)snprintf(text, sizeof text, "%" PRIu32 " bytes, and a slot has room for %" PRIu32, m->size,
                       room(u));
        refuse_manifest(u, text);
        return;
    }
    if (m->security < least) {
        (void)snprintf(text, sizeof text, "security number %" PRIu32 " is below %" PRIu32, m->security,
                       least);
        refuse_manifest(u, text);
        return;
    }
    say(u, 2, "update: %s, %" PRIu32 " bytes, %s the one that runs (%s)", m->version, m->size,
        manifest_version_compare(m->version, u->cfg.version) < 0   ? "older than"
        : manifest_version_compare(m->version, u->cfg.version) > 0 ? "newer than"
                                                                   : "the same as",
        u->cfg.version);
    memcpy(r->manifest, u->download.manifest, MANIFEST_BYTES);
    (void)snprintf(r->validator, sizeof r->validator, "%s", u->download.validator);
    r->has_manifest = true;
    r->phase = UPDATE_FETCHING;
    r->got = u->marked = 0;
    r->resumed = false;
    if (!save(u))
        end(u, UPDATE_DOWNLOAD_FAILED, "progress can't be kept");
    else
        erase_from(u, 0);
}

static void step_manifest(struct update *u, const struct update_in *in)
{
    switch (u->download.state) {
    case DOWNLOAD_NONE:
    case DOWNLOAD_RUNNING:
        return;
    case DOWNLOAD_DONE:
        judge_manifest(u, in->floor);
        return;
    case DOWNLOAD_BUSY:
        u->stage = STAGE_RETRY;
        u->due_us = in->now_us + BUSY_RETRY_S * 1000000u;
        return;
    case DOWNLOAD_WRONG:
        refuse_manifest(u, u->download.why);
        return;
    case DOWNLOAD_BAD_URL:
        end(u, UPDATE_DOWNLOAD_FAILED, u->download.why);
        return;
    case DOWNLOAD_LOST:
    case DOWNLOAD_CHANGED:
    case DOWNLOAD_FLASH:
        attempt_failed(u, in->now_us, false, u->download.why);
        return;
    }
}

/* Room for the image from u->at on, then for the manifest at the end. */
static void step_erase(struct update *u, const struct update_in *in)
{
    uint32_t last = room(u);
    if (in->now_us < u->due_us)
        return;
    if (u->at >= u->manifest.size && u->at < last)
        u->at = last;
    if (u->at < u->clean_from) {
        if (slot(u)->erase(slot(u)->ctx, u->at, PORT_FLASH_SECTOR) != PORT_OK) {
            end(u, UPDATE_DOWNLOAD_FAILED, "the idle slot can't be erased");
            return;
        }
        u->at += PORT_FLASH_SECTOR;
        u->due_us = in->contactor_closed ? in->now_us + ERASE_PAUSE_US : in->now_us;
    }
    if (u->at > last || u->at >= u->clean_from) {
        u->clean_from = u->record.got;
        fetch_image(u);
    }
}

/* Notes in the record how far it has come: whole blocks, so that going on begins at a sector. */
static void mark(struct update *u)
{
    uint32_t got = u->download.got / MARK_BYTES * MARK_BYTES;
    if (got <= u->marked)
        return;
    u->record.got = u->marked = got;
    (void)save(u);
}

static void begin_verify(struct update *u)
{
    u->stage = STAGE_VERIFY;
    u->at = 0;
    digest_begin(&u->image);
    digest_begin(&u->file);
    digest_add(&u->file, u->record.manifest, MANIFEST_BYTES);
    u->digesting = true;
    u->due_us = 0;
}

static void image_is_here(struct update *u)
{
    struct update_record *r = &u->record;
    r->got = u->manifest.size;
    tell(u, UPDATE_DOWNLOADED);
    u->progress_told = false;
    begin_verify(u);
}

static void step_image(struct update *u, const struct update_in *in)
{
    struct update_record *r = &u->record;
    struct download *d = &u->download;
    mark(u);
    switch (d->state) {
    case DOWNLOAD_NONE:
    case DOWNLOAD_RUNNING:
        return;
    case DOWNLOAD_DONE:
        image_is_here(u);
        return;
    case DOWNLOAD_BUSY:
        if (u->progress_told)
            tell(u, UPDATE_DOWNLOAD_PAUSED);
        u->progress_told = false;
        u->stage = STAGE_RETRY;
        u->due_us = in->now_us + BUSY_RETRY_S * 1000000u;
        return;
    case DOWNLOAD_CHANGED:
        from_the_beginning(u);
        attempt_failed(u, in->now_us, false, d->why);
        return;
    case DOWNLOAD_LOST: {
        /* What is in whole sectors is kept; what is behind them has to be erased again. */
        uint32_t kept = d->got / PORT_FLASH_SECTOR * PORT_FLASH_SECTOR;
        bool brought = kept > r->got;
        u->clean_from = kept == d->got ? kept : kept + PORT_FLASH_SECTOR;
        if (brought) {
            r->got = u->marked = kept;
            (void)save(u);
        }
        attempt_failed(u, in->now_us, brought, d->why);
        return;
    }
    case DOWNLOAD_WRONG:
    case DOWNLOAD_BAD_URL:
    case DOWNLOAD_FLASH:
        end(u, UPDATE_DOWNLOAD_FAILED, d->why);
        return;
    }
}

static void step_scheduled(struct update *u, const struct update_in *in)
{
    const struct update_record *r = &u->record;
    /* Without a clock nothing can be said of a time; the server gives us one. */
    if (r->retrieve_ms == 0 || (in->wall_known && in->wall_ms >= r->retrieve_ms)) {
        u->wait_told = false;
        fetch_manifest(u);
    } else if (!u->wait_told && in->wall_known) {
        tell(u, UPDATE_DOWNLOAD_SCHEDULED);
        u->wait_told = true;
    }
}

static void step_retry(struct update *u, const struct update_in *in)
{
    struct update_record *r = &u->record;
    if (in->now_us < u->due_us)
        return;
    if (r->phase != UPDATE_FETCHING) {
        fetch_manifest(u);
        return;
    }
    r->resumed = r->resumed || r->got > 0;
    erase_from(u, r->got);
}

/* ---- verification ---- */

/* Both digests are known. What is right is installed when its time comes. */
static void judge(struct update *u, const struct update_in *in, const uint8_t *image, const uint8_t *file)
{
    struct update_record *r = &u->record;
    bool before = r->phase == UPDATE_FETCHED; /* it was found right before a restart */
    bool right = memcmp(image, u->manifest.digest, MANIFEST_DIGEST_BYTES) == 0;
    if (!right && (before || r->resumed)) {
        /* Pieces of several connections: perhaps they are of two files. */
        from_the_beginning(u);
        attempt_failed(u, in->now_us, false, "the pieces do not fit together");
        return;
    }
    if (r->signer.kind != SIGNER_NONE &&
        !signature_check_file(&r->signer, file, r->signature, r->signature_len)) {
        end(u, UPDATE_INVALID_SIGNATURE,
            r->signature_len ? "the file's signature is wrong"
                             : "the file has a certificate but no signature");
        return;
    }
    if (!before)
        tell(u, UPDATE_SIGNATURE_VERIFIED);
    if (!right) {
        tell(u, UPDATE_INSTALLING);
        end(u, UPDATE_INSTALL_VERIFICATION_FAILED, "the image is not what its manifest says");
        return;
    }
    u->stage = STAGE_WAIT;
    if (before)
        return;
    r->phase = UPDATE_FETCHED;
    if (!save(u))
        end(u, UPDATE_INSTALLATION_FAILED, "progress can't be kept");
}

static void end_verify(struct update *u, const struct update_in *in)
{
    uint8_t image[MANIFEST_DIGEST_BYTES], file[MANIFEST_DIGEST_BYTES];
    bool known = digest_end(&u->image, image);
    known = digest_end(&u->file, file) && known;
    u->digesting = false;
    if (known)
        judge(u, in, image, file);
    else
        end(u, UPDATE_INSTALL_VERIFICATION_FAILED, "no memory for a digest");
}

static void step_verify(struct update *u, const struct update_in *in)
{
    uint32_t until = u->at + VERIFY_BYTES < u->manifest.size ? u->at + VERIFY_BYTES : u->manifest.size;
    while (u->at < until) {
        uint8_t *buffer = u->download.buffer; /* no download is running */
        uint32_t n = until - u->at < DOWNLOAD_BUFFER ? until - u->at : DOWNLOAD_BUFFER;
        if (slot(u)->read(slot(u)->ctx, u->at, buffer, n) != PORT_OK) {
            end(u, UPDATE_INSTALL_VERIFICATION_FAILED, "the idle slot can't be read");
            return;
        }
        digest_add(&u->image, buffer, n);
        digest_add(&u->file, buffer, n);
        u->at += n;
    }
    if (u->at == u->manifest.size)
        end_verify(u, in);
}

/* ---- installation ---- */

/* The manifest goes behind the image. */
static bool keep_manifest(struct update *u)
{
    const struct port_flash *f = slot(u);
    uint8_t there[MANIFEST_BYTES];
    if (f->read(f->ctx, room(u), there, sizeof there) != PORT_OK)
        return false;
    if (memcmp(there, u->record.manifest, sizeof there) == 0)
        return true;
    return f->erase(f->ctx, room(u), PORT_FLASH_SECTOR) == PORT_OK &&
           f->program(f->ctx, room(u), u->record.manifest, MANIFEST_BYTES) == PORT_OK;
}

/* What the next firmware will be measured by. */
static void note_before(struct update_record *r, const struct update_in *in)
{
    r->before = (struct update_before){
        .meter_valid = in->probation.meter_valid,
        .settings_defaulted =
            (uint16_t)(in->probation.settings_defaulted > UINT16_MAX ? UINT16_MAX
                                                                     : in->probation.settings_defaulted),
        .import_total_uwh = in->probation.import_total_uwh,
    };
    memcpy(r->before.v_mv, in->probation.v_mv, sizeof r->before.v_mv);
}

static void activate(struct update *u, const struct update_in *in)
{
    const struct port_firmware *f = &u->cfg.port->firmware;
    struct update_record *r = &u->record;
    tell(u, UPDATE_INSTALLING);
    if (!keep_manifest(u)) {
        end(u, UPDATE_INSTALLATION_FAILED, "the manifest can't be written");
        return;
    }
    note_before(r, in);
    r->target = (uint8_t)!f->running;
    r->activations++;
    r->phase = UPDATE_ACTIVATED;
    /* First the note, then the switch: should the power go between them, the old firmware finds that it is
     * still running, and switches again. */
    if (!save(u)) {
        end(u, UPDATE_INSTALLATION_FAILED, "progress can't be kept");
        return;
    }
    int rc = f->activate(f->ctx);
    if (rc != PORT_OK) {
        end(u, rc == PORT_ERR_RANGE ? UPDATE_INSTALL_VERIFICATION_FAILED : UPDATE_INSTALLATION_FAILED,
            rc == PORT_ERR_RANGE ? "the boot loader does not take the image" : "the slots can't be switched");
        return;
    }
    tell(u, UPDATE_INSTALL_REBOOTING);
    u->stage = STAGE_REBOOT;
    u->switched_us = in->now_us;
}

/* A session may have slipped in between the switch and the restart, which then waits for its end. */
static void step_reboot(struct update *u, const struct update_in *in)
{
    struct update_record *r = &u->record;
    if (in->busy || in->contactor_closed || in->probation.import_total_uwh == r->before.import_total_uwh)
        return;
    note_before(r, in);
    (void)save(u);
}

static void step_wait(struct update *u, const struct update_in *in)
{
    const struct update_record *r = &u->record;
    bool time = r->install_ms == 0 || (in->wall_known && in->wall_ms >= r->install_ms);
    bool clock = r->install_ms == 0 || in->wall_known;
    u->install_due = time;
    if (time && !in->busy && !in->contactor_closed) {
        activate(u, in);
        return;
    }
    if (!u->wait_told && clock) {
        tell(u, UPDATE_INSTALL_SCHEDULED);
        u->wait_told = true;
    }
}

/* ---- after the restart ---- */

static void confirm(struct update *u)
{
    const struct port_firmware *f = &u->cfg.port->firmware;
    if (f->confirm(f->ctx) != PORT_OK) {
        say(u, 0, "update: %s has proved itself but can't be confirmed", u->cfg.version);
        return; /* and again at the next step */
    }
    say(u, 2, "update: %s has proved itself", u->cfg.version);
    u->stage = STAGE_IDLE;
    if (u->record.phase == UPDATE_ACTIVATED)
        end(u, UPDATE_INSTALLED, "");
}

static void return_to_the_one_before(struct update *u, const char *why)
{
    const struct port_firmware *f = &u->cfg.port->firmware;
    char text[UPDATE_REASON_MAX + 1];
    (void)snprintf(text, sizeof text, "%s has failed its probation: %s", u->cfg.version, why);
    say(u, 0, "update: %s. Returning to the one before", text);
    if (u->record.phase == UPDATE_ACTIVATED) {
        (void)snprintf(u->record.reason, sizeof u->record.reason, "%s", text);
        (void)save(u);
    }
    /* Even where that can't be noted: what is not confirmed is not started again (port.h). */
    if (f->roll_back(f->ctx) != PORT_ERR_NOT_FOUND) {
        u->stage = STAGE_ROLL_BACK;
        return;
    }
    say(u, 0, "update: there is none to return to");
    if (f->confirm(f->ctx) != PORT_OK)
        return; /* again at the next step */
    u->stage = STAGE_IDLE;
    if (u->record.phase == UPDATE_ACTIVATED)
        end(u, UPDATE_INSTALLATION_FAILED, text);
}

static enum probation_verdict probation_now(struct update *u, const struct update_in *in, const char **why)
{
    struct probation_in p = in->probation;
    p.import_total_uwh = u->boot_uwh;
    p.before = u->record.phase == UPDATE_ACTIVATED ? &u->record.before : NULL;
    return probation_step(&u->probation, &p, why);
}

static void step_probation(struct update *u, const struct update_in *in)
{
    const char *why;
    switch (probation_now(u, in, &why)) {
    case PROBATION_OPEN:
        return;
    case PROBATION_PASSED:
        confirm(u);
        return;
    case PROBATION_FAILED:
        return_to_the_one_before(u, why);
        return;
    }
}

void update_before_restart(struct update *u, const struct update_in *in)
{
    const char *why;
    if (u->stage == STAGE_PROBATION && probation_now(u, in, &why) != PROBATION_FAILED && u->probation.good)
        confirm(u);
}

/* How the new firmware ended, as seen by the old one that is started after it. */
static const char *ended_by(enum port_reset_reason r)
{
    switch (r) {
    case PORT_RESET_POWER_ON:
        return "the power went";
    case PORT_RESET_SOFTWARE:
        return "somebody asked for it";
    case PORT_RESET_WATCHDOG:
        return "the watchdog";
    case PORT_RESET_PANIC:
        return "a crash";
    case PORT_RESET_BROWNOUT:
        return "a brown-out";
    }
    return "no reason known";
}

/* The record says that the idle slot was to be started. Was it? */
static void after_activation(struct update *u)
{
    const struct port_firmware *f = &u->cfg.port->firmware;
    struct update_record *r = &u->record;
    if (f->running == r->target) {
        if (f->probation)
            u->stage = STAGE_PROBATION;
        else
            end(u, UPDATE_INSTALLED, ""); /* confirmed, and then the power went */
        return;
    }
    if (f->other_failed) {
        if (!r->reason[0])
            (void)snprintf(r->reason, sizeof r->reason,
                           "the new firmware restarted before it had proved itself: %s",
                           ended_by(u->cfg.port->reset_reason));
        end(u, UPDATE_INSTALLATION_FAILED, r->reason);
        return;
    }
    if (r->activations >= ACTIVATIONS_MAX || slot(u)->size <= PORT_FLASH_SECTOR) {
        end(u, UPDATE_INSTALLATION_FAILED, "the new firmware was never started");
        return;
    }
    r->phase = UPDATE_FETCHED;
    begin_verify(u);
}

void update_init(struct update *u, const struct update_cfg *cfg)
{
    struct update_record *r = &u->record;
    memset(u, 0, sizeof *u);
    u->cfg = *cfg;
    if (cfg->journal)
        update_record_load(r, cfg->journal);
    if (r->has_manifest && manifest_read(&u->manifest, r->manifest, MANIFEST_BYTES) != MANIFEST_OK)
        memset(r, 0, sizeof *r);
    u->clean_from = UINT32_MAX;
    const struct port_firmware *f = &cfg->port->firmware;
    if (r->phase == UPDATE_ACTIVATED)
        u->by_update = f->running == r->target ? f->probation : f->other_failed;
    if (cfg->trust->development)
        say(u, 1, "update: firmware signed with the development keys is taken: for the bench only");
}

/* With the http client's up-call only known here. */
static void download_ended(void *ctx)
{
    struct update *u = ctx;
    u->due_us = 0;
    u->cfg.port->wake_comms(u->cfg.port->ctx);
}

/* What was under way when the station last ran. */
static void go_on(struct update *u, const struct update_in *in)
{
    struct update_record *r = &u->record;
    u->booted = true;
    if (u->cfg.port->firmware.probation)
        say(u, 1, "update: %s is on probation", u->cfg.version);
    u->boot_uwh = in->probation.import_total_uwh;
    download_init(&u->download, u->cfg.http, slot(u), download_ended, u);
    if (u->cfg.port->firmware.probation && r->phase != UPDATE_ACTIVATED) {
        /* Nobody here has asked for it: it came by cable. */
        if (r->phase != UPDATE_NONE && r->phase != UPDATE_ENDED)
            end(u, UPDATE_DOWNLOAD_FAILED, "other firmware has been brought by cable");
        else if (r->untold)
            tell(u, r->status);
        u->stage = STAGE_PROBATION;
        return;
    }
    switch (r->phase) {
    case UPDATE_NONE:
    case UPDATE_PHASES:
        break;
    case UPDATE_ASKED:
        u->stage = STAGE_SCHEDULED;
        break;
    case UPDATE_FETCHING:
        u->marked = r->got;
        r->resumed = r->resumed || r->got > 0;
        erase_from(u, r->got);
        break;
    case UPDATE_FETCHED:
        begin_verify(u);
        break;
    case UPDATE_ACTIVATED:
        after_activation(u);
        break;
    case UPDATE_ENDED:
        if (r->untold)
            tell(u, r->status);
        break;
    }
    if (u->stage != STAGE_PROBATION && u->stage != STAGE_IDLE && !u->cfg.http)
        end(u, UPDATE_DOWNLOAD_FAILED, "this station has no HTTP client");
}

/* ---- step ---- */

enum update_wish update_step(struct update *u, const struct update_in *in, uint64_t *due_us)
{
    if (!u->booted)
        go_on(u, in);
    switch (u->stage) {
    case STAGE_IDLE:
        *due_us = UINT64_MAX;
        return UPDATE_NO_WISH;
    case STAGE_SCHEDULED:
        step_scheduled(u, in);
        break;
    case STAGE_MANIFEST:
        step_manifest(u, in);
        break;
    case STAGE_ERASE:
        step_erase(u, in);
        break;
    case STAGE_IMAGE:
        step_image(u, in);
        break;
    case STAGE_RETRY:
        step_retry(u, in);
        break;
    case STAGE_VERIFY:
        step_verify(u, in);
        break;
    case STAGE_WAIT:
        step_wait(u, in);
        break;
    case STAGE_PROBATION:
        step_probation(u, in);
        break;
    case STAGE_REBOOT:
        step_reboot(u, in);
        break;
    case STAGE_ROLL_BACK:
        break;
    }
    bool soon = u->stage == STAGE_ERASE || u->stage == STAGE_VERIFY ||
                (u->stage == STAGE_WAIT && !u->wait_told) ||
                (u->stage == STAGE_IMAGE && u->download.state != DOWNLOAD_RUNNING) ||
                (u->stage == STAGE_MANIFEST && u->download.state != DOWNLOAD_RUNNING);
    *due_us = soon ? (u->due_us > in->now_us && u->stage == STAGE_ERASE ? u->due_us : in->now_us)
                   : in->now_us + TICK_US;
    if (u->stage == STAGE_ROLL_BACK)
        return UPDATE_REBOOT;
    if (u->stage == STAGE_REBOOT &&
        (u->reports == 0 || !in->online || in->now_us - u->switched_us >= TELL_US))
        return UPDATE_REBOOT;
    return UPDATE_NO_WISH;
}

void update_view(const struct update *u, struct update_status_view *out)
{
    const struct update_record *r = &u->record;
    bool fetching = u->stage == STAGE_MANIFEST || u->stage == STAGE_ERASE || u->stage == STAGE_IMAGE ||
                    (u->stage == STAGE_RETRY && r->phase == UPDATE_FETCHING);
    uint32_t got = u->stage == STAGE_IMAGE ? u->download.got : r->got;
    *out = (struct update_status_view){
        .stage = u->stage,
        .permille = fetching ? 0 : -1,
        .version = r->has_manifest ? u->manifest.version : "",
        .reason = r->phase == UPDATE_ENDED ? r->reason : "",
        .waiting = u->stage == STAGE_REBOOT || (u->stage == STAGE_WAIT && u->install_due),
    };
    if (fetching && r->has_manifest)
        out->permille = (int32_t)((uint64_t)got * 1000 / u->manifest.size);
}

uint32_t update_security(const struct update *u)
{
    bool proved = u->booted && u->stage != STAGE_PROBATION && u->stage != STAGE_ROLL_BACK;
    return proved ? u->cfg.security : 0;
}
