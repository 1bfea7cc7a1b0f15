/* ws_url: whatever text is given as an address, what comes out can be put into a request line and a Host
 * header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/utf8.h"
#include "net/ws_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ws_url u; /* not on the stack: its bounds are watched on either side */
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    (void)utf8_valid(text, size);
    if (ws_url_parse(text, &u)) {
        check(u.port > 0 && u.host[0] && u.path[0] == '/');
        check(strlen(u.host) <= WS_URL_HOST_MAX && strlen(u.path) <= WS_URL_PATH_MAX);
        check(strstr(u.authority, u.host) && strlen(u.authority) < sizeof u.authority);
        check(plain(u.host) && plain(u.authority) && plain(u.path));
        check(!strpbrk(u.host, "/?#@") && !strchr(u.path, '#'));
    }
    free(text);
    return 0;
}
