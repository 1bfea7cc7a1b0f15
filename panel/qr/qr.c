#include "panel/qr/qr.h"

#include <string.h>

#include <qrcodegen.h>

_Static_assert(QR_BYTES == qrcodegen_BUFFER_LEN_FOR_VERSION(QR_VERSION_MAX), "the library's own form");

bool qr_make(struct qr *q, const char *text)
{
    /* Any mask can be read; to try all eight for the prettiest takes longer than to draw a screen. */
    const enum qrcodegen_Mask mask = qrcodegen_Mask_2;
    uint8_t scratch[QR_BYTES];
    memset(q, 0, sizeof *q);
    if (!*text || !qrcodegen_encodeText(text, scratch, q->bits, qrcodegen_Ecc_MEDIUM, qrcodegen_VERSION_MIN,
                                        QR_VERSION_MAX, mask, true)) {
        memset(q, 0, sizeof *q);
        return false;
    }
    return true;
}

int qr_side(const struct qr *q)
{
    return q->bits[0] ? qrcodegen_getSize(q->bits) : 0; /* its accessor takes no empty code */
}

bool qr_dark(const struct qr *q, int x, int y)
{
    return qr_side(q) && qrcodegen_getModule(q->bits, x, y);
}
