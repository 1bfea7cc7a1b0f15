/*
 * raw_client: a TCP client that speaks HTTP and WebSocket byte by byte, so that tests can also say what no
 * library would. Non-blocking reads: `idle` is called while it waits (it runs the server of the same process,
 * or sleeps).
 */
#ifndef TESTS_WEB_RAW_CLIENT_H
#define TESTS_WEB_RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct raw {
    int fd;
    void (*idle)(void *ctx);
    void *ctx;
    char buf[1 << 20];
    size_t len; /* bytes in buf, not looked at yet */
    bool ended;
};

bool raw_connect(struct raw *r, int port, void (*idle)(void *ctx), void *ctx);
void raw_close(struct raw *r);
void raw_reset(struct raw *r);        /* closes with a reset */
void raw_stop_sending(struct raw *r); /* closes our half */
bool raw_send(struct raw *r, const void *data, size_t len);
bool raw_text(struct raw *r, const char *text);

/* Reads one HTTP response; status (0: connection ended, −1: time-out), its headers and body as strings. */
int raw_response(struct raw *r, char *headers, size_t headers_cap, char *body, size_t body_cap);
/* Sends a request with Host 127.0.0.1 and reads the response. */
int raw_http(struct raw *r, const char *method, const char *path, const char *extra_headers, const char *body,
             char *out, size_t cap);

/* Upgrade; returns the status; headers of the answer in out. */
int raw_upgrade(struct raw *r, const char *path, const char *extra_headers, char *out, size_t cap);
bool raw_frame(struct raw *r, int opcode, bool final, const void *data, size_t len);
/* Next frame: opcode (−1: time-out, −2: connection ended); payload 0-terminated in out. Pings are given too.
 */
int raw_next(struct raw *r, char *out, size_t cap, size_t *len);

#endif
