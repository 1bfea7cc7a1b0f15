/* raw_client: see raw_client.h. */
#include "tests/web/raw_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_S = 20 };

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

bool raw_connect(struct raw *r, int port, void (*idle)(void *ctx), void *ctx)
{
    r->len = 0;
    r->ended = false;
    r->idle = idle;
    r->ctx = ctx;
    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return r->fd >= 0 && connect(r->fd, (const struct sockaddr *)(const void *)&to, sizeof(to)) == 0;
}

void raw_close(struct raw *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

void raw_reset(struct raw *r)
{
    const struct linger now = {.l_onoff = 1};
    setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    raw_close(r);
}

void raw_stop_sending(struct raw *r)
{
    shutdown(r->fd, SHUT_WR);
}

bool raw_send(struct raw *r, const void *data, size_t len)
{
    const char *p = data;
    for (double until = seconds() + WAIT_S; len && seconds() < until;) {
        ssize_t n = send(r->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            return false;
        }
        r->idle(r->ctx);
    }
    return len == 0;
}

bool raw_text(struct raw *r, const char *text)
{
    return raw_send(r, text, strlen(text));
}

/* Waits until there are more bytes than `have`; false: ended or too late. */
static bool more(struct raw *r, size_t have)
{
    for (double until = seconds() + WAIT_S; r->len <= have && seconds() < until;) {
        ssize_t n = r->len < sizeof(r->buf) - 1
                        ? recv(r->fd, r->buf + r->len, sizeof(r->buf) - 1 - r->len, MSG_DONTWAIT)
                        : 0;
        if (n > 0) {
            r->len += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            r->ended = true;
            return false;
        } else {
            r->idle(r->ctx);
        }
    }
    r->buf[r->len] = 0;
    return r->len > have;
}

static void drop(struct raw *r, size_t n)
{
    memmove(r->buf, r->buf + n, r->len - n);
    r->len -= n;
    r->buf[r->len] = 0;
}

int raw_response(struct raw *r, char *headers, size_t headers_cap, char *body, size_t body_cap)
{
    char *end;
    r->buf[r->len] = 0;
    while (!(end = strstr(r->buf, "\r\n\r\n")))
        if (!more(r, r->len))
            return r->ended ? 0 : -1;
    size_t head = (size_t)(end - r->buf) + 4, length = 0;
    int status = atoi(r->buf + 9);
    for (const char *line = r->buf; line < end; line = strstr(line, "\r\n") + 2)
        if (strncasecmp(line, "content-length:", 15) == 0)
            length = (size_t)strtoul(line + 15, NULL, 10);
    while (status != 101 && r->len < head + length)
        if (!more(r, r->len))
            return r->ended ? 0 : -1;
    if (status == 101)
        length = 0;
    snprintf(headers, headers_cap, "%.*s", (int)head, r->buf);
    snprintf(body, body_cap, "%.*s", (int)length, r->buf + head);
    drop(r, head + length);
    return status;
}

int raw_http(struct raw *r, const char *method, const char *path, const char *extra, const char *body,
             char *out, size_t cap)
{
    char head[4096], headers[4096], length[64] = "";
    if (body)
        snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s\r\n", method, path, length,
             extra);
    if (!raw_text(r, head) || (body && !raw_text(r, body)))
        return 0;
    return raw_response(r, headers, sizeof(headers), out, cap);
}

int raw_upgrade(struct raw *r, const char *path, const char *extra, char *out, size_t cap)
{
    char head[4096], body[1024];
    snprintf(head, sizeof(head),
             "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
             path, extra);
    if (!raw_text(r, head))
        return 0;
    return raw_response(r, out, cap, body, sizeof(body));
}

bool raw_frame(struct raw *r, int opcode, bool final, const void *data, size_t len)
{
    unsigned char head[14] = {(unsigned char)((final ? 0x80 : 0) | opcode)};
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    size_t at = 2;
    if (len < 126) {
        head[1] = (unsigned char)(0x80 | len);
    } else if (len < 65536) {
        head[1] = 0x80 | 126;
        head[at++] = (unsigned char)(len >> 8);
        head[at++] = (unsigned char)(len & 255);
    } else {
        head[1] = 0x80 | 127;
        for (int i = 7; i >= 0; i--)
            head[at++] = (unsigned char)((uint64_t)len >> (8 * i) & 255);
    }
    memcpy(head + at, mask, 4);
    at += 4;
    unsigned char *masked = malloc(len + 1);
    if (!masked)
        return false;
    for (size_t i = 0; i < len; i++)
        masked[i] = (unsigned char)(((const unsigned char *)data)[i] ^ mask[i & 3]);
    bool ok = raw_send(r, head, at) && raw_send(r, masked, len);
    free(masked);
    return ok;
}

int raw_next(struct raw *r, char *out, size_t cap, size_t *len)
{
    while (r->len < 2)
        if (!more(r, r->len))
            return r->ended ? -2 : -1;
    const unsigned char *b = (const unsigned char *)r->buf;
    size_t head = 2, n = b[1] & 127;
    if (n >= 126) {
        size_t bytes = n == 126 ? 2 : 8;
        while (r->len < 2 + bytes)
            if (!more(r, r->len))
                return r->ended ? -2 : -1;
        n = 0;
        for (size_t i = 0; i < bytes; i++)
            n = n << 8 | b[2 + i];
        head += bytes;
    }
    while (r->len < head + n)
        if (!more(r, r->len))
            return r->ended ? -2 : -1;
    int opcode = b[0] & 15;
    size_t give = n < cap - 1 ? n : cap - 1;
    memcpy(out, r->buf + head, give);
    out[give] = 0;
    if (len)
        *len = n;
    drop(r, head + n);
    return opcode;
}
