#include "net/http_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decodes; false: too long, a stray '%', or a control character, which would end a header line. */
static bool decode(const char *from, size_t len, char *out, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)from[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(from[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(from[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high << 4 | low;
            i += 2;
        }
        if (c < ' ' || c == 0x7f || n + 1 >= cap)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

bool http_url_parse(const char *text, struct http_url *out)
{
    memset(out, 0, sizeof *out);
    if (!text)
        return false;
    bool tls = strncasecmp(text, "https://", 8) == 0;
    if (!tls && strncasecmp(text, "http://", 7) != 0)
        return false;
    const char *rest = text + (tls ? 8 : 7);
    size_t authority = strcspn(rest, "/?#");
    const char *at = NULL; /* the last one: a password may carry one that was not encoded */
    for (size_t i = 0; i < authority; i++)
        if (rest[i] == '@')
            at = rest + i;
    if (at) {
        size_t info = (size_t)(at - rest);
        const char *colon = memchr(rest, ':', info);
        size_t user = colon ? (size_t)(colon - rest) : info;
        if (memchr(rest, '@', info) || !decode(rest, user, out->user, sizeof out->user) || !out->user[0] ||
            (colon && !decode(colon + 1, info - user - 1, out->password, sizeof out->password)))
            return false;
        out->named = true;
        rest = at + 1;
    }
    return ws_url_rest(rest, tls, &out->at);
}

bool http_url_same_server(const struct http_url *a, const struct http_url *b)
{
    return a->at.tls == b->at.tls && a->at.port == b->at.port && strcasecmp(a->at.host, b->at.host) == 0;
}

/* Takes "." and ".." out of a path in place (RFC 3986 5.2.4); the query stays as it is. */
static void remove_dots(char *path)
{
    size_t end = strcspn(path, "?"), n = 0;
    for (size_t i = 0; i < end;) { /* each round takes one "/segment" */
        size_t len = 1 + strcspn(path + i + 1, "/?");
        bool last = i + len >= end;
        if (len == 2 && path[i + 1] == '.') {
            if (last)
                path[n++] = '/';
        } else if (len == 3 && path[i + 1] == '.' && path[i + 2] == '.') {
            while (n > 0 && path[--n] != '/')
                ;
            if (last)
                path[n++] = '/';
        } else {
            memmove(path + n, path + i, len);
            n += len;
        }
        i += len;
    }
    if (n == 0)
        path[n++] = '/';
    memmove(path + n, path + end, strlen(path + end) + 1);
}

enum http_follow http_url_follow(const struct http_url *base, const char *location, struct http_url *out)
{
    char whole[HTTP_LOCATION_MAX + 1];
    size_t scheme = strcspn(location, ":/?#");
    int n;
    if (!location[0])
        return HTTP_NO_FOLLOW;
    if (location[scheme] == ':') {
        n = snprintf(whole, sizeof whole, "%s", location);
    } else if (strncmp(location, "//", 2) == 0) {
        n = snprintf(whole, sizeof whole, "%s:%s", base->at.tls ? "https" : "http", location);
    } else {
        size_t keep = 0; /* of the base's path */
        if (location[0] == '?' || location[0] == '#') {
            keep = strcspn(base->at.path, "?");
        } else if (location[0] != '/') {
            size_t end = strcspn(base->at.path, "?");
            for (size_t i = 0; i < end; i++)
                if (base->at.path[i] == '/')
                    keep = i + 1;
        }
        n = snprintf(whole, sizeof whole, "%s://%s%.*s%s", base->at.tls ? "https" : "http",
                     base->at.authority, (int)keep, base->at.path, location);
    }
    if (n < 0 || (size_t)n >= sizeof whole || !http_url_parse(whole, out))
        return HTTP_NO_FOLLOW;
    remove_dots(out->at.path);
    return base->at.tls && !out->at.tls ? HTTP_UNSAFE : HTTP_FOLLOW;
}
