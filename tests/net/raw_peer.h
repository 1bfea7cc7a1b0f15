/*
 * raw_peer: a WebSocket server made of plain sockets, one connection at a time, that does exactly what a test
 * says, right or wrong, and shows the very bytes that came.
 */
#ifndef TESTS_NET_RAW_PEER_H
#define TESTS_NET_RAW_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RAW_MAX = 256 * 1024 };

struct raw_peer {
    int listener, socket; /* socket −1: nobody there */
    int port;
    unsigned accepted; /* connections so far */
    bool ended;        /* the other side closed its end */
    unsigned char in[RAW_MAX];
    size_t in_len; /* bytes not yet taken */
    size_t total;  /* bytes ever received on this connection */
};

void raw_open(struct raw_peer *p);
void raw_close(struct raw_peer *p);
void raw_drop(struct raw_peer *p, bool reset); /* the connection; reset: with RST instead of FIN */
/* Takes what has come; never blocks. */
void raw_pump(struct raw_peer *p);
void raw_bytes(struct raw_peer *p, const void *bytes, size_t len);
void raw_text(struct raw_peer *p, const char *text);
/* A server's frame. opcode: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
void raw_frame(struct raw_peer *p, bool final, int opcode, const void *payload, size_t len);
/* The request, if it is whole: NUL-terminated, taken. */
bool raw_request(struct raw_peer *p, char *out, size_t cap);
/* Value of a header of the request, or "" . */
void raw_header(const char *request, const char *name, char *out, size_t cap);
/* Answers the upgrade as RFC 6455 asks. subprotocol "": none. */
void raw_accept(struct raw_peer *p, const char *request, const char *subprotocol);
/* A client's frame, unmasked, if one is whole. false: none. Fails the test if it is not masked. */
bool raw_take(struct raw_peer *p, int *opcode, char *out, size_t cap, size_t *len);

#endif
