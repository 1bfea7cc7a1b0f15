#include "tests/net/raw_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

void raw_open(struct raw_peer *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    memset(p, 0, sizeof *p);
    p->socket = -1;
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(p->listener >= 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(p->listener, 4), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(fcntl(p->listener, F_SETFL, O_NONBLOCK), 0);
    p->port = ntohs(a.sin_port);
}

void raw_drop(struct raw_peer *p, bool reset)
{
    if (p->socket < 0)
        return;
    if (reset) {
        struct linger l = {.l_onoff = 1, .l_linger = 0};
        setsockopt(p->socket, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    }
    close(p->socket);
    p->socket = -1;
    p->in_len = 0;
}

void raw_close(struct raw_peer *p)
{
    raw_drop(p, true);
    close(p->listener);
}

void raw_pump(struct raw_peer *p)
{
    if (p->socket < 0) {
        p->socket = accept(p->listener, NULL, NULL);
        if (p->socket < 0)
            return;
        p->accepted++;
        p->ended = false;
        p->in_len = p->total = 0;
    }
    ssize_t n = recv(p->socket, p->in + p->in_len, RAW_MAX - p->in_len, MSG_DONTWAIT);
    if (n > 0) {
        p->in_len += (size_t)n;
        p->total += (size_t)n;
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
        p->ended = true;
    }
}

void raw_bytes(struct raw_peer *p, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len) {
        ssize_t n = send(p->socket, at, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

void raw_text(struct raw_peer *p, const char *text)
{
    raw_bytes(p, text, strlen(text));
}

void raw_frame(struct raw_peer *p, bool final, int opcode, const void *payload, size_t len)
{
    unsigned char head[10] = {(unsigned char)((final ? 0x80 : 0) | opcode)};
    size_t n = 2;
    if (len < 126) {
        head[1] = (unsigned char)len;
    } else if (len < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(len >> 8);
        head[3] = (unsigned char)len;
        n = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
        n = 10;
    }
    raw_bytes(p, head, n);
    raw_bytes(p, payload, len);
}

static void consume(struct raw_peer *p, size_t n)
{
    memmove(p->in, p->in + n, p->in_len - n);
    p->in_len -= n;
}

bool raw_request(struct raw_peer *p, char *out, size_t cap)
{
    for (size_t i = 4; i <= p->in_len; i++)
        if (memcmp(p->in + i - 4, "\r\n\r\n", 4) == 0) {
            assert_true(i < cap);
            memcpy(out, p->in, i);
            out[i] = '\0';
            consume(p, i);
            return true;
        }
    return false;
}

void raw_header(const char *request, const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    out[0] = '\0';
    for (const char *line = strstr(request, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':') {
            const char *value = line + 3 + len;
            value += strspn(value, " ");
            (void)snprintf(out, cap, "%.*s", (int)strcspn(value, "\r"), value);
            return;
        }
}

void raw_accept(struct raw_peer *p, const char *request, const char *subprotocol)
{
    char key[100], joined[160], accept[60], answer[400], line[120] = "";
    unsigned char hash[20];
    raw_header(request, "Sec-WebSocket-Key", key, sizeof key);
    int n = snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key); /* RFC 6455 1.3 */
    lws_SHA1((unsigned char *)joined, (size_t)n, hash);
    assert_true(lws_b64_encode_string((char *)hash, sizeof hash, accept, sizeof accept) > 0);
    if (subprotocol[0])
        (void)snprintf(line, sizeof line, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
                   "Sec-WebSocket-Accept: %s\r\n\r\n",
                   line, accept);
    raw_text(p, answer);
}

bool raw_take(struct raw_peer *p, int *opcode, char *out, size_t cap, size_t *len)
{
    if (p->in_len < 2)
        return false;
    size_t head = 2;
    uint64_t n = p->in[1] & 0x7f;
    if (n == 126)
        head = 4;
    else if (n == 127)
        head = 10;
    if (p->in_len < head + 4)
        return false;
    if (n >= 126) {
        n = 0;
        for (size_t i = 2; i < head; i++)
            n = n << 8 | p->in[i];
    }
    if (p->in_len < head + 4 + n)
        return false;
    assert_true(p->in[1] & 0x80); /* RFC 6455 5.3: a client masks */
    assert_true(p->in[0] & 0x80); /* we send whole messages */
    assert_true(n < cap);
    *opcode = p->in[0] & 0x0f;
    for (uint64_t i = 0; i < n; i++)
        out[i] = (char)(p->in[head + 4 + i] ^ p->in[head + i % 4]);
    out[n] = '\0';
    *len = (size_t)n;
    consume(p, head + 4 + (size_t)n);
    return true;
}
