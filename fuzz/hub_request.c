/*
 * hub_request: the HTTP API without HTTP. The input is a list of requests, separated by a line "---"; each is
 * four parts on lines of their own: method, path, query, and the body for the rest. One station is connected
 * and answers nothing. A GET is tried as that of a file too, a PUT or POST as that of an upload: what is
 * opened lies in the hub's folder.
 */
#include "hub/hub.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_send(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    (void)text;
    (void)len;
    return true;
}

static void on_close(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static void on_reply(void *ctx, int status, const char *json)
{
    int *replies = ctx;
    if (status < 200 || status > 599 || json[0] != '{')
        abort();
    ++*replies;
}

static char dir[] = "/tmp/fuzz-hub-XXXXXX", files[sizeof(dir) + 6];

static void clean(void)
{
    char command[sizeof(dir) + 20];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    if (system(command) != 0)
        abort();
}

static void try_files(struct hub *h, const char *method, const char *path, const char *body, int64_t unix_ms)
{
    char why[300] = "", fd[40], real[600];
    if (strcmp(method, "GET") == 0) {
        struct hub_file f;
        int status = hub_file_open(h, path, &f, why, sizeof(why));
        if (status == 200) {
            snprintf(fd, sizeof(fd), "/proc/self/fd/%d", f.fd);
            ssize_t n = readlink(fd, real, sizeof(real) - 1);
            if (n < 0 || strncmp(real, files, strlen(files)) != 0 || strpbrk(f.name, "\"\\/\r\n"))
                abort();
            close(f.fd);
        } else if (status && !why[0]) {
            abort();
        }
        return;
    }
    struct hub_upload *u;
    size_t len = strlen(body);
    int status = hub_upload_begin(h, method, path, len, &u, why, sizeof(why), unix_ms, 1);
    if (status == 200) {
        if (!hub_upload_data(u, body, len) || hub_upload_end(u, len % 2, why, sizeof(why), unix_ms, 1) < 200)
            abort();
    } else if (status && !why[0]) {
        abort();
    }
}

/* Takes a line off *text and ends it. */
static char *line(char **text)
{
    char *from = *text;
    char *end = strchr(from, '\n');
    if (end)
        *end = 0;
    *text = end ? end + 1 : from + strlen(from);
    return from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hub_cfg cfg;
    hub_cfg_default(&cfg);
    cfg.random_seed = 1;
    cfg.files = files;
    if (!files[0]) {
        if (!mkdtemp(dir))
            abort();
        snprintf(files, sizeof(files), "%s/files", dir);
        atexit(clean);
    }
    char err[200];
    struct hub *h = hub_open(&cfg, err, sizeof(err));
    char *text = malloc(size + 1);
    if (!h || !text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    int64_t unix_ms = 1700000000000;
    static const char
        boot[] = "[2,\"1\",\"BootNotification\",{\"reason\":\"PowerUp\",\"chargingStation\":{\"model\":\"M\","
                 "\"vendorName\":\"V\"}}]",
        start[] =
            "[2,\"2\",\"TransactionEvent\",{\"eventType\":\"Started\",\"timestamp\":"
            "\"2023-11-14T22:13:20Z\",\"triggerReason\":\"Authorized\",\"seqNo\":0,\"transactionInfo\":"
            "{\"transactionId\":\"T1\",\"chargingState\":\"Charging\"},\"evse\":{\"id\":1},\"meterValue\":"
            "[{\"timestamp\":\"2023-11-14T22:13:20Z\",\"sampledValue\":[{\"value\":1.5}]}]}]";
    const struct hub_link link = {.send = on_send, .close = on_close, .host = "hub:1"};
    struct hub_peer *p = hub_connected(h, "A", &link, unix_ms, 0);
    hub_text(p, boot, sizeof(boot) - 1, unix_ms, 0);
    hub_text(p, start, sizeof(start) - 1, unix_ms, 0);
    int asked = 0, replies = 0;
    for (char *at = text; *at && asked < 50;) {
        char *next = strstr(at, "\n---\n");
        if (next) {
            *next = 0;
            next += 5;
        } else {
            next = at + strlen(at);
        }
        char *method = line(&at), *path = line(&at), *query = line(&at);
        asked++;
        try_files(h, method, path, at, unix_ms);
        hub_request(h, method, path, query, at, on_reply, &replies, unix_ms, (uint64_t)asked * 1000);
        at = next;
    }
    hub_step(h, unix_ms + 60000, 60000000); /* what waits for the station times out */
    if (replies != asked)
        abort();
    hub_disconnected(p, 60000000);
    hub_close(h);
    free(text);
    return 0;
}
