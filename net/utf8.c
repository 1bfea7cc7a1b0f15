#include "net/utf8.h"

bool utf8_valid(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end) {
        unsigned char lead = *p++;
        if (lead < 0x80)
            continue;
        /* RFC 3629 section 4: how many bytes follow, and in which range the first of them must be */
        unsigned more, low = 0x80, high = 0xbf;
        if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            low = lead == 0xe0 ? 0xa0 : low;
            high = lead == 0xed ? 0x9f : high;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            low = lead == 0xf0 ? 0x90 : low;
            high = lead == 0xf4 ? 0x8f : high;
        } else {
            return false;
        }
        if ((size_t)(end - p) < more)
            return false;
        if (*p < low || *p > high)
            return false;
        for (unsigned i = 1; i < more; i++)
            if (p[i] < 0x80 || p[i] > 0xbf)
                return false;
        p += more;
    }
    return true;
}
