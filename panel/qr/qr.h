/*
 * qr: a QR code of a short text, made by the library that Debian calls libqrcodegen and that the component
 * espressif/qrcode carries inside: the same source on Linux and on the chip.
 */
#ifndef PANEL_QR_QR_H
#define PANEL_QR_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Version 8 holds 152 bytes at level M, in 49 × 49 modules: at 3 pixels each still easy for a phone. */
enum { QR_VERSION_MAX = 8, QR_BYTES = ((QR_VERSION_MAX * 4 + 17) * (QR_VERSION_MAX * 4 + 17) + 7) / 8 + 1 };

struct qr {
    uint8_t bits[QR_BYTES]; /* the library's own form; side length 0: none */
};

/* false: the text is empty or too long; the code is then none. */
bool qr_make(struct qr *q, const char *text);
/* Modules per side; 0: none. */
int qr_side(const struct qr *q);
bool qr_dark(const struct qr *q, int x, int y);

#endif
