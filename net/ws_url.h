/*
 * ws_url: cuts a ws:// or wss:// address into the pieces that a connection needs, within fixed bounds.
 */
#ifndef NET_WS_URL_H
#define NET_WS_URL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WS_URL_HOST_MAX = 120, /* libwebsockets checks certificates against at most 127 characters of it */
    WS_URL_PATH_MAX = 512, /* server_url (255) and a percent-encoded station id (3 × 48) fit, and so does the
                              path of a firmware's or a log's location (OCPP 2.0.1: 512 in all) */
};

struct ws_url {
    bool tls;
    uint16_t port;
    char host[WS_URL_HOST_MAX + 1]; /* name or address, IPv6 without its brackets */
    char authority[WS_URL_HOST_MAX +
                   9];              /* for the Host header: [host], and :port unless it is the scheme's own */
    char path[WS_URL_PATH_MAX + 1]; /* begins with '/', query included */
};

/* false: not ws:// or wss://, no host, a port outside 1..65535, user info, blanks or control characters, or
 * too long. */
bool ws_url_parse(const char *text, struct ws_url *out);
/* The same for what follows the "://" of any scheme: port 443 (tls) or 80 unless it is told. */
bool ws_url_rest(const char *rest, bool tls, struct ws_url *out);

#endif
