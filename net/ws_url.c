#include "net/ws_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Decimal port of at most five digits; 0: not a port. */
static uint16_t port_read(const char *s, size_t len)
{
    uint32_t n = 0;
    if (len < 1 || len > 5)
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return 0;
        n = n * 10 + (uint32_t)(s[i] - '0');
    }
    return n > UINT16_MAX ? 0 : (uint16_t)n;
}

bool ws_url_rest(const char *p, bool tls, struct ws_url *out)
{
    memset(out, 0, sizeof *out);
    for (const char *c = p; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f) /* would split the request line or a header */
            return false;
    out->tls = tls;
    size_t authority = strcspn(p, "/?#");
    if (memchr(p, '@',
               authority)) /* credentials travel in their own fields, never in an address that gets logged */
        return false;
    const char *host = p, *host_end, *rest;
    bool bracket = *p == '[';
    if (bracket) {
        host = p + 1;
        host_end = memchr(p, ']', authority);
        if (!host_end)
            return false;
        rest = host_end + 1;
    } else {
        host_end = p + strcspn(p, ":/?#");
        rest = host_end;
    }
    size_t host_len = (size_t)(host_end - host);
    if (host_len == 0 || host_len > WS_URL_HOST_MAX)
        return false;
    memcpy(out->host, host, host_len);

    uint16_t standard = out->tls ? 443 : 80;
    const char *end = p + authority;
    if (rest == end) {
        out->port = standard;
    } else if (*rest == ':') {
        out->port = port_read(rest + 1, (size_t)(end - rest - 1));
        if (out->port == 0)
            return false;
    } else {
        return false;
    }
    size_t at = 0;
    if (bracket)
        out->authority[at++] = '[';
    memcpy(out->authority + at, out->host, host_len);
    at += host_len;
    if (bracket)
        out->authority[at++] = ']';
    if (out->port != standard)
        (void)snprintf(out->authority + at, sizeof out->authority - at, ":%u", (unsigned)out->port);

    size_t path_len = strcspn(end, "#"); /* a fragment is never sent */
    size_t slash = *end == '/' ? 0 : 1;
    if (slash + path_len > WS_URL_PATH_MAX)
        return false;
    if (slash)
        out->path[0] = '/';
    memcpy(out->path + slash, end, path_len);
    return true;
}

bool ws_url_parse(const char *text, struct ws_url *out)
{
    if (text && strncasecmp(text, "ws://", 5) == 0)
        return ws_url_rest(text + 5, false, out);
    if (text && strncasecmp(text, "wss://", 6) == 0)
        return ws_url_rest(text + 6, true, out);
    memset(out, 0, sizeof *out);
    return false;
}
