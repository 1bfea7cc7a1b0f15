/*
 * http_url: cuts an http:// or https:// address into the pieces that a request needs, and follows a redirect
 * from one address to the next, within fixed bounds.
 */
#ifndef NET_HTTP_URL_H
#define NET_HTTP_URL_H

#include "net/ws_url.h"

enum {
    HTTP_USER_MAX = 127,
    HTTP_PASSWORD_MAX = 127,
    HTTP_LOCATION_MAX = WS_URL_PATH_MAX + WS_URL_HOST_MAX + 16, /* longest redirect that is followed */
};

struct http_url {
    struct ws_url at;
    bool named;                                                    /* the address says who to be */
    char user[HTTP_USER_MAX + 1], password[HTTP_PASSWORD_MAX + 1]; /* percent-decoded */
};

/* false: another scheme, or as ws_url_parse says; user[:password]@ is taken off first. */
bool http_url_parse(const char *text, struct http_url *out);

enum http_follow {
    HTTP_FOLLOW,    /* `out` is the next address */
    HTTP_NO_FOLLOW, /* none at all */
    HTTP_UNSAFE,    /* from https to http: what was meant to be secret would not be */
};

/* A Location header seen from `base`: a whole address, "//host/path", "/path", "?query" or a relative path
 * (RFC 3986 5.2). `out` may not be `base`. */
enum http_follow http_url_follow(const struct http_url *base, const char *location, struct http_url *out);

/* The same server: credentials for one are good for the other. */
bool http_url_same_server(const struct http_url *a, const struct http_url *b);

#endif
