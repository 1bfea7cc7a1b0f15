/* Updates from request to end, as the server hears of them: what goes well, what is refused, what comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/update/rig.h"
#include "tests/update/signing.h"

enum { SLOT_SECTORS = 48, IMAGE = 150000 };

static uint8_t image[IMAGE], other[IMAGE];
static struct rig r;
static char text[600];

static uint8_t *file;
static size_t file_len;

static void bytes(uint8_t *p, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        p[i] = (uint8_t)(seed >> 24);
    }
}

static void serve(const struct manifest *m, const char *key, size_t len)
{
    free(file);
    file = signing_image(m, key, image, len, &file_len);
    r.server.file = file;
    r.server.len = file_len;
}

static void serve_version(const char *version)
{
    struct manifest m = {.board = MANIFEST_BOARD, .security = 0};
    (void)snprintf(m.version, sizeof m.version, "%s", version);
    serve(&m, SIGNING_KEY, IMAGE);
}

static int up(void **state)
{
    (void)state;
    bytes(image, sizeof image, 1);
    bytes(other, sizeof other, 2);
    rig_open(&r, SLOT_SECTORS);
    rig_factory(&r, other, sizeof other);
    serve_version("2.0.0");
    rig_boot(&r);
    rig_run(&r, 5);
    return 0;
}

static int down(void **state)
{
    (void)state;
    rig_close(&r);
    return 0;
}

#define HEARD(id) rig_heard(&r, id, text, sizeof text)
#define GOOD      "Downloading Downloaded SignatureVerified Installing InstallRebooting Installed"

static void untouched(void)
{
    assert_string_equal(r.version, "1.0.0");
    assert_true(rig_runs(&r, other, sizeof other));
    assert_int_equal(r.boots, 1);
}

static void installed(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), GOOD);
    assert_string_equal(r.version, "2.0.0");
    assert_true(rig_runs(&r, image, sizeof image));
    rig_boot(&r); /* it stays */
    assert_string_equal(r.version, "2.0.0");
    assert_false(r.slots.probation);
    rig_run(&r, 5);
    /* and the next goes into the other slot */
    serve_version("3.0.0");
    assert_int_equal(rig_ask(&r, 8, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(8), GOOD);
    assert_string_equal(r.version, "3.0.0");
    assert_int_equal(r.slots.running, 0);
}

static void broken_lines(void **state)
{
    (void)state;
    r.server.break_after = 40000;
    r.server.breaks = 3;
    const struct update_request q = {.retries = 1, .retry_interval_s = 5};
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7),
                        "Downloading DownloadPaused Downloading DownloadPaused Downloading DownloadPaused "
                        "Downloading Downloaded SignatureVerified Installing InstallRebooting Installed");
    assert_true(r.server.sent < IMAGE + 3 * 8192); /* it went on where it was */
}

static void no_range(void **state)
{
    (void)state;
    r.server.break_after = 100000;
    r.server.breaks = 1;
    r.server.no_range = true;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_true(rig_runs(&r, image, sizeof image));
}

static void changed_meanwhile(void **state)
{
    (void)state;
    r.server.break_after = 100000;
    r.server.breaks = 1;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.server.breaks)
        (void)rig_step(&r);
    bytes(image, sizeof image, 3);
    serve_version("2.0.1");
    r.server.etag = "\"two\"";
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_string_equal(r.version, "2.0.1");
}

/* No ETag tells that the file is another one: its pieces do not fit together. */
static void changed_unseen(void **state)
{
    (void)state;
    r.server.etag = "";
    r.server.break_after = 100000;
    r.server.breaks = 1;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.server.breaks)
        (void)rig_step(&r);
    bytes(image, sizeof image, 3);
    serve_version("2.0.1");
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_string_equal(r.version, "2.0.1");
}

static void power_cut_in_download(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.server.sent < 100000)
        (void)rig_step(&r);
    rig_boot(&r);
    uint64_t before = r.server.sent;
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_true(r.server.sent - before < 100000); /* of 150000 */
}

static void attempts(void **state)
{
    (void)state;
    const struct update_request q = {.retries = 2, .retry_interval_s = 7};
    r.server.refuse = 2;
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    uint64_t began = r.now_us;
    while (r.server.requests < 3)
        (void)rig_step(&r);
    assert_in_range((r.now_us - began) / 100000, 140, 160);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
}

static void attempts_over(void **state)
{
    (void)state;
    const struct update_request q = {.retries = 2, .retry_interval_s = 7};
    r.server.refuse = 3;
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading DownloadFailed");
    assert_int_equal(r.server.requests, 3);
    untouched();
    const struct update_request none = {.retries = 0, .retry_interval_s = 7};
    r.server.refuse = 1;
    assert_int_equal(rig_ask(&r, 8, &none), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(8), "Downloading DownloadFailed");
    assert_int_equal(r.server.requests, 4);
}

static void refused(const char *heard, const char *reason)
{
    struct update_status_view v;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), heard);
    update_view(&r.update, &v);
    if (!strstr(v.reason, reason))
        fail_msg("\"%s\" is not in \"%s\"", reason, v.reason);
    untouched();
}

static void wrong_board(void **state)
{
    (void)state;
    const struct manifest m = {.board = "ECSACP2", .version = "2.0.0"};
    serve(&m, SIGNING_KEY, 1000);
    uint64_t before = flash_file_ops(r.chip);
    refused("Downloading InstallVerificationFailed", "another board");
    assert_true(flash_file_ops(r.chip) - before < 20); /* the slot was left alone: nothing but the journal */
}

static void wrong_key(void **state)
{
    (void)state;
    const struct manifest m = {.board = MANIFEST_BOARD, .version = "2.0.0"};
    serve(&m, STRANGER_KEY, 1000);
    refused("Downloading InvalidSignature", "not trusted");
}

static void wrong_signature(void **state)
{
    (void)state;
    file[200] ^= 1;
    refused("Downloading InvalidSignature", "signature is wrong");
}

static void below_floor(void **state)
{
    (void)state;
    r.floor = 5;
    refused("Downloading InstallVerificationFailed", "security number 0 is below 5");
}

static void older_is_fine(void **state)
{
    (void)state;
    serve_version("0.9.0"); /* older, but no hole is known in it */
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(r.version, "0.9.0");
}

static void below_running(void **state)
{
    (void)state;
    const struct manifest m = {.board = MANIFEST_BOARD, .version = "2.0.0", .security = 3};
    serve(&m, SIGNING_KEY, IMAGE);
    assert_int_equal(rig_ask(&r, 6, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 6), UPDATE_INSTALLED);
    serve_version("3.0.0"); /* security 0 */
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading InstallVerificationFailed");
    assert_string_equal(r.version, "2.0.0");
}

static void truncated(void **state)
{
    (void)state;
    r.server.len -= 1000;
    refused("Downloading DownloadFailed", "length");
}

static void truncated_unseen(void **state)
{
    (void)state;
    r.server.len -= 1000;
    r.server.no_total = true;
    refused("Downloading DownloadFailed", "shorter");
}

static void longer(void **state)
{
    (void)state;
    struct manifest m;
    assert_int_equal(manifest_read(&m, file, file_len), MANIFEST_OK);
    serve(&m, SIGNING_KEY, IMAGE - 5000);
    uint8_t *more = malloc(IMAGE + MANIFEST_BYTES);
    memcpy(more, file, file_len);
    memset(more + file_len, 0, IMAGE + MANIFEST_BYTES - file_len);
    r.server.file = more;
    r.server.len = IMAGE + MANIFEST_BYTES;
    r.server.no_total = true;
    refused("Downloading DownloadFailed", "longer");
    free(more);
}

static void shorter_than_a_manifest(void **state)
{
    (void)state;
    r.server.len = 100;
    refused("Downloading InstallVerificationFailed", "too short");
}

static void foreign(void **state)
{
    (void)state;
    r.server.file = other;
    r.server.len = sizeof other;
    refused("Downloading InstallVerificationFailed", "no firmware file");
}

static void oversize(void **state)
{
    (void)state;
    static uint8_t large[SLOT_SECTORS * PORT_FLASH_SECTOR];
    struct manifest m = {.board = MANIFEST_BOARD, .version = "2.0.0"};
    free(file);
    /* one byte more than a slot has beside the manifest's sector */
    file = signing_image(&m, SIGNING_KEY, large, sizeof large - PORT_FLASH_SECTOR + 1, &file_len);
    r.server.file = file;
    r.server.len = file_len;
    refused("Downloading InstallVerificationFailed", "room");
    free(file);
    file = signing_image(&m, SIGNING_KEY, large, sizeof large - PORT_FLASH_SECTOR, &file_len);
    r.server.file = file;
    r.server.len = file_len;
    assert_int_equal(rig_ask(&r, 8, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 8), UPDATE_INSTALLED);
}

/* TC_L_08: all signatures are right, the image is not. */
static void damaged(void **state)
{
    (void)state;
    file[MANIFEST_BYTES + 77777] ^= 4;
    refused("Downloading Downloaded SignatureVerified Installing InstallVerificationFailed", "manifest");
}

/* ---- OCPP's signature ---- */

static char certificate[6000], base64[1000];

static void sign_file(const char *name, bool pss)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char path[100];
    uint8_t digest[MANIFEST_DIGEST_BYTES], sig[SIGNER_SIGNATURE_MAX + 3] = {0};
    struct digest d;
    (void)snprintf(path, sizeof path, "tests/update/keys/%s.pem", name);
    signing_read_text(path, certificate, sizeof certificate);
    (void)snprintf(path, sizeof path, "tests/update/keys/%s.key", name);
    digest_begin(&d);
    digest_add(&d, file, file_len);
    assert_true(digest_end(&d, digest));
    size_t len = signing_file(path, pss, digest, sig), n = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)sig[i] << 16 | (uint32_t)sig[i + 1] << 8 | sig[i + 2];
        for (int k = 0; k < 4; k++)
            base64[n++] = i + (size_t)k > len ? '=' : letters[v >> (18 - 6 * k) & 63];
    }
    base64[n] = '\0';
}

static void ocpp_signature(void **state)
{
    (void)state;
    const struct update_request q = {
        .retries = -1, .retry_interval_s = -1, .certificate = certificate, .signature = base64};
    sign_file("test-ocpp-signer", false);
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), GOOD);
    serve_version("3.0.0");
    sign_file("test-ocpp-rsa", true);
    assert_int_equal(rig_ask(&r, 8, &q), UPDATE_ACCEPTED);
    /* it outlasts a restart */
    while (r.server.sent < IMAGE + 90000)
        (void)rig_step(&r);
    rig_boot(&r);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 8), UPDATE_INSTALLED);
    /* TC_L_06: a signature of something else */
    serve_version("4.0.0");
    assert_int_equal(rig_ask(&r, 9, &q), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(9), "Downloading Downloaded InvalidSignature");
    assert_string_equal(r.version, "3.0.0");
}

static void ocpp_signature_missing(void **state)
{
    (void)state;
    const char *why;
    sign_file("test-ocpp-signer", false);
    struct update_request q = {.request_id = 7,
                               .url = "http://x",
                               .retries = -1,
                               .retry_interval_s = -1,
                               .certificate = certificate};
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading Downloaded InvalidSignature");
    untouched();
    q.certificate = NULL;
    q.signature = base64;
    assert_int_equal(update_ask(&r.update, &q, &why), UPDATE_REJECTED);
    signing_read_text("tests/update/keys/test-stranger.pem", certificate, sizeof certificate);
    q.certificate = certificate;
    assert_int_equal(update_ask(&r.update, &q, &why), UPDATE_BAD_CERTIFICATE);
}

/* ---- time and people ---- */

static void scheduled(void **state)
{
    (void)state;
    int64_t now = r.wall_0_ms + (int64_t)(r.now_us / 1000);
    const struct update_request q = {
        .retries = -1, .retry_interval_s = -1, .retrieve_ms = now + 600000, .install_ms = now + 7200000};
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    rig_run(&r, 590);
    assert_string_equal(HEARD(7), "DownloadScheduled");
    rig_boot(&r); /* the request outlasts it */
    rig_run(&r, 300);
    assert_string_equal(
        HEARD(7),
        "DownloadScheduled DownloadScheduled Downloading Downloaded SignatureVerified InstallScheduled");
    rig_boot(&r);
    rig_run(&r, 6000);
    assert_string_equal(r.version, "1.0.0");
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_string_equal(r.version, "2.0.0");
}

/* With the contactor closed it downloads, slowly, and waits. */
static void while_charging(void **state)
{
    (void)state;
    r.busy = r.contactor = true;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    uint64_t began = r.now_us;
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading Downloaded SignatureVerified InstallScheduled");
    untouched();
    struct update_status_view v;
    update_view(&r.update, &v);
    assert_true(v.waiting);
    (void)began;
    r.contactor = false; /* the car is full, the transaction goes on */
    rig_run(&r, 600);
    untouched();
    r.busy = false;
    rig_run(&r, 600);
    assert_string_equal(HEARD(7), "Downloading Downloaded SignatureVerified InstallScheduled Installing "
                                  "InstallRebooting Installed");
    assert_string_equal(r.version, "2.0.0");
}

/* While the contactor is closed no two sectors are erased within a second. */
static void erases_are_apart(void **state)
{
    (void)state;
    struct flash_file_stats before, after;
    r.contactor = true;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_ERASE)
        (void)rig_step(&r);
    flash_file_stats(r.chip, &before);
    uint64_t began = r.now_us;
    while (r.update.stage == STAGE_ERASE)
        (void)rig_step(&r);
    flash_file_stats(r.chip, &after);
    assert_int_equal(after.erases - before.erases, (IMAGE + 4095) / 4096 + 1);
    assert_true(r.now_us - began >= (after.erases - before.erases - 2) * 1000000u);
}

static void replaced(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_REJECTED); /* the same again */
    while (r.server.sent < 50000)
        (void)rig_step(&r);
    assert_int_equal(rig_ask(&r, 8, NULL), UPDATE_ACCEPTED_CANCELED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading DownloadFailed");
    assert_string_equal(HEARD(8), GOOD);
    r.busy = true;
    serve_version("3.0.0");
    assert_int_equal(rig_ask(&r, 9, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 600);
    assert_int_equal(rig_last(&r, 9), UPDATE_INSTALL_SCHEDULED);
    assert_int_equal(rig_ask(&r, 10, NULL), UPDATE_ACCEPTED_CANCELED);
    r.busy = false;
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 9), UPDATE_INSTALLATION_FAILED);
    assert_int_equal(rig_last(&r, 10), UPDATE_INSTALLED);
}

static void client_busy(void **state)
{
    (void)state;
    r.server.busy = true;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 60);
    r.server.busy = false;
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), GOOD);
}

/* A log is being uploaded when the download wants to go on: the server is told once, not at each look. */
static void client_busy_later(void **state)
{
    (void)state;
    r.server.break_after = 100000;
    r.server.breaks = 1;
    const struct update_request q = {.retries = 3, .retry_interval_s = 10};
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    while (r.server.breaks)
        (void)rig_step(&r);
    r.server.busy = true;
    rig_run(&r, 600);
    assert_string_equal(HEARD(7), "Downloading DownloadPaused");
    r.server.busy = false;
    rig_run(&r, 3600);
    assert_string_equal(HEARD(7), "Downloading DownloadPaused Downloading Downloaded SignatureVerified "
                                  "Installing InstallRebooting Installed");
}

/* A server whose lines always break and whose file is another one each time: that comes to an end. */
static void changes_for_ever(void **state)
{
    static const char *const etags[] = {"\"one\"", "\"two\""};
    (void)state;
    r.server.break_after = 60000;
    r.server.breaks = 1000;
    const struct update_request q = {.retries = 3, .retry_interval_s = 1};
    assert_int_equal(rig_ask(&r, 7, &q), UPDATE_ACCEPTED);
    for (unsigned left = 1000; r.update.stage != STAGE_IDLE && r.server.breaks > 900;) {
        (void)rig_step(&r);
        if (r.server.breaks != left) {
            left = r.server.breaks;
            r.server.etag = etags[left % 2];
        }
    }
    assert_int_equal(r.update.stage, STAGE_IDLE);
    rig_run(&r, 5);
    assert_int_equal(rig_last(&r, 7), UPDATE_DOWNLOAD_FAILED);
    assert_true(r.server.breaks > 990);
    untouched();
}

/* ---- probation ---- */

static void comes_back(const char *version, const char *reason)
{
    struct update_status_view v;
    serve_version(version);
    r.crash_at = 20;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 7200);
    assert_string_equal(r.version, "1.0.0");
    assert_true(rig_runs(&r, other, sizeof other));
    assert_string_equal(HEARD(7), "Downloading Downloaded SignatureVerified Installing InstallRebooting "
                                  "InstallationFailed");
    update_view(&r.update, &v);
    if (!strstr(v.reason, reason))
        fail_msg("\"%s\" is not in \"%s\"", reason, v.reason);
    assert_int_equal(r.boots, 3);
    /* and a good one can still come */
    serve_version("2.0.0");
    assert_int_equal(rig_ask(&r, 8, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_string_equal(HEARD(8), GOOD);
}

static void bad_firmware(void **state)
{
    static const char *const row[][2] = {
        {"2.0.0-crash", "proved itself: a crash"},
        {"2.0.0-deaf", "connection to the server"},
        {"2.0.0-pilot", "self-test"},
        {"2.0.0-blind", "metering: no values"},
        {"2.0.0-scale", "metering: voltages"},
        {"2.0.0-forgets", "register has gone back"},
        {"2.0.0-settings", "settings"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (i) {
            (void)down(state);
            (void)up(state);
        }
        comes_back(row[i][0], row[i][1]);
    }
}

/* Firmware that has failed shuts no door behind it: the one that comes back may still be replaced by its
 * like.
 */
static void floor_of_the_failed(void **state)
{
    (void)state;
    const struct manifest m = {.board = MANIFEST_BOARD, .version = "2.0.0-pilot", .security = 5};
    serve(&m, SIGNING_KEY, IMAGE);
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_ROLL_BACK) {
        (void)rig_step(&r);
        assert_int_equal(update_security(&r.update), 0);
        r.busy = r.update.stage == STAGE_PROBATION; /* the restart has to wait */
    }
    r.busy = true;
    rig_run(&r, 5);
    assert_int_equal(r.update.stage, STAGE_ROLL_BACK);
    assert_int_equal(update_security(&r.update), 0);
    r.busy = false;
    rig_run(&r, 60);
    assert_string_equal(r.version, "1.0.0");
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLATION_FAILED);
    (void)down(state);
    (void)up(state);
    const struct manifest good = {.board = MANIFEST_BOARD, .version = "2.0.0", .security = 5};
    serve(&good, SIGNING_KEY, IMAGE);
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    rig_run(&r, 3600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    assert_int_equal(update_security(&r.update), 5);
}

/* The boot records can't be written when probation has failed: still it is not kept. */
static int flash_broken(void *ctx)
{
    (void)ctx;
    return PORT_ERR_IO;
}

static void roll_back_unwritten(void **state)
{
    (void)state;
    serve_version("2.0.0-pilot");
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_PROBATION)
        (void)rig_step(&r);
    r.port.firmware.roll_back = flash_broken;
    rig_run(&r, 3600);
    assert_string_equal(r.version, "1.0.0");
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLATION_FAILED);
}

/* A session begins between the switch of the slots and the restart: its energy is no fault of the next. */
static void session_before_restart(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    r.deaf = true; /* the restart waits for its report */
    while (r.update.stage != STAGE_REBOOT)
        (void)rig_step(&r);
    r.busy = r.contactor = true;
    rig_run(&r, 3600);
    r.charged_uwh = 20000u * (uint64_t)1000000;
    r.deaf = r.busy = r.contactor = false;
    rig_run(&r, 3600);
    assert_string_equal(r.version, "2.0.0");
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
}

/* A restart that somebody asks for while all is well but the waiting does not undo the update. */
static void restart_in_probation(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_PROBATION)
        (void)rig_step(&r);
    uint64_t booted = r.now_us;
    while (r.now_us < booted + 10000000)
        (void)rig_step(&r);
    struct update_in in = {.now_us = 10000000,
                           .probation = {.now_us = 10000000,
                                         .self_test = true,
                                         .meter_valid = true,
                                         .v_mv = {230000, 231000, 229000},
                                         .limit_s = 600}};
    update_before_restart(&r.update, &in);
    rig_boot(&r);
    rig_run(&r, 600);
    assert_string_equal(r.version, "2.0.0");
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
}

/* The end is told until somebody has heard it, over restarts. */
static void told_in_the_end(void **state)
{
    (void)state;
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_PROBATION)
        (void)rig_step(&r);
    r.deaf = true;
    rig_run(&r, 600);
    rig_boot(&r);
    rig_run(&r, 600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALL_REBOOTING);
    r.deaf = false;
    rig_run(&r, 600);
    assert_int_equal(rig_last(&r, 7), UPDATE_INSTALLED);
    rig_boot(&r);
    unsigned heard = r.heard_count;
    rig_run(&r, 600);
    assert_int_equal(r.heard_count, heard); /* once is enough */
}

static void by_cable(void **state)
{
    (void)state;
    /* On probation without any request: it proves itself all the same, and nobody is told. */
    assert_int_equal(rig_ask(&r, 7, NULL), UPDATE_ACCEPTED);
    while (r.update.stage != STAGE_PROBATION)
        (void)rig_step(&r);
    const struct port_flash *j = &r.journal_area;
    assert_int_equal(j->erase(j->ctx, 0, j->size), PORT_OK); /* the journal is new */
    struct slots *s = &r.slots;
    struct port_firmware f;
    s->running = 0;
    slots_port(s, &f);
    assert_int_equal(f.activate(f.ctx), PORT_OK);
    rig_boot(&r);
    assert_true(r.port.firmware.probation);
    unsigned heard = r.heard_count;
    rig_run(&r, 600);
    assert_false(r.slots.probation);
    assert_int_equal(r.heard_count, heard);
    rig_boot(&r);
    assert_string_equal(r.version, "2.0.0");
}

static void refuses_without(void **state)
{
    (void)state;
    const char *why;
    const struct update_request q = {
        .request_id = 7, .url = "http://x", .retries = -1, .retry_interval_s = -1};
    r.update.cfg.http = NULL;
    assert_int_equal(update_ask(&r.update, &q, &why), UPDATE_REJECTED);
    r.update.cfg.http = &r.http;
    r.port.firmware.idle.size = 0;
    assert_int_equal(update_ask(&r.update, &q, &why), UPDATE_REJECTED);
    rig_boot(&r);
    static char url[UPDATE_URL_MAX + 2];
    memset(url, 'x', sizeof url - 1);
    struct update_request long_url = q;
    long_url.url = url;
    assert_int_equal(update_ask(&r.update, &long_url, &why), UPDATE_REJECTED);
    long_url.url = "";
    assert_int_equal(update_ask(&r.update, &long_url, &why), UPDATE_REJECTED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(installed),
        T(broken_lines),
        T(no_range),
        T(changed_meanwhile),
        T(changed_unseen),
        T(power_cut_in_download),
        T(attempts),
        T(attempts_over),
        T(wrong_board),
        T(wrong_key),
        T(wrong_signature),
        T(below_floor),
        T(older_is_fine),
        T(below_running),
        T(truncated),
        T(truncated_unseen),
        T(longer),
        T(shorter_than_a_manifest),
        T(foreign),
        T(oversize),
        T(damaged),
        T(ocpp_signature),
        T(ocpp_signature_missing),
        T(scheduled),
        T(while_charging),
        T(erases_are_apart),
        T(replaced),
        T(client_busy),
        T(client_busy_later),
        T(changes_for_ever),
        T(bad_firmware),
        T(floor_of_the_failed),
        T(roll_back_unwritten),
        T(session_before_restart),
        T(restart_in_probation),
        T(told_in_the_end),
        T(by_cable),
        T(refuses_without),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(file);
    return failed;
}
