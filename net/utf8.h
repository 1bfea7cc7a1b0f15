/*
 * utf8: whether bytes are UTF-8, as WebSocket text has to be (RFC 6455 8.1).
 */
#ifndef NET_UTF8_H
#define NET_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF, nothing cut off at the end. */
bool utf8_valid(const char *text, size_t len);

#endif
