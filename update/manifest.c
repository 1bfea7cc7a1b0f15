#include "update/manifest.h"

#include <string.h>

/*
 * Layout, little endian:
 *   0  magic    4  format  6  bytes of the manifest   8  size   12  security   16  board   48  version
 *  80  digest 112  key id 120  zero, for what comes  192  signature over 0..191
 */
enum {
    FORMAT = 1,
    AT_FORMAT = 4,
    AT_BYTES = 6,
    AT_SIZE = 8,
    AT_SECURITY = 12,
    AT_BOARD = 16,
    AT_VERSION = 48,
    AT_DIGEST = 80,
    AT_KEY_ID = 112,
    AT_ZERO = 120,
};
_Static_assert(AT_VERSION - AT_BOARD == MANIFEST_BOARD_MAX + 1, "layout");
_Static_assert(AT_DIGEST - AT_VERSION == MANIFEST_VERSION_MAX + 1, "layout");
_Static_assert((int)MANIFEST_SIGNED_BYTES + (int)MANIFEST_SIGNATURE_BYTES == (int)MANIFEST_BYTES, "layout");

static const uint8_t magic[4] = {'E', 'C', 'S', 'F'};

enum { NUMBERS = 3, DIGITS_MAX = 5, NUMBER_MAX = 65535 };

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* ---- texts ---- */

static bool word_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-';
}

/* Reads three numbers; NULL: there are none, else where they end. */
static const char *numbers(const char *text, uint32_t out[NUMBERS])
{
    for (int i = 0; i < NUMBERS; i++) {
        int digits = 0;
        out[i] = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            if (++digits > DIGITS_MAX)
                return NULL;
            out[i] = out[i] * 10 + (uint32_t)(*text - '0');
        }
        if (digits == 0 || out[i] > NUMBER_MAX)
            return NULL;
        if (i < NUMBERS - 1 && *text++ != '.')
            return NULL;
    }
    return text;
}

bool manifest_version_ok(const char *version)
{
    uint32_t n[NUMBERS];
    if (strlen(version) > MANIFEST_VERSION_MAX)
        return false;
    const char *rest = numbers(version, n);
    if (!rest || *rest == '\0')
        return rest != NULL;
    if (*rest++ != '-' || *rest == '\0')
        return false;
    for (; *rest; rest++)
        if (!word_char(*rest))
            return false;
    return true;
}

int manifest_version_compare(const char *a, const char *b)
{
    uint32_t na[NUMBERS] = {0}, nb[NUMBERS] = {0};
    const char *ta = numbers(a, na), *tb = numbers(b, nb);
    for (int i = 0; i < NUMBERS; i++)
        if (na[i] != nb[i])
            return na[i] < nb[i] ? -1 : 1;
    bool plain_a = !ta || !*ta, plain_b = !tb || !*tb;
    if (plain_a || plain_b)
        return (int)plain_a - (int)plain_b;
    int r = strcmp(ta, tb);
    return (r > 0) - (r < 0);
}

static bool board_ok(const char *board)
{
    size_t n = 0;
    for (; board[n]; n++)
        if (!word_char(board[n]))
            return false;
    return n > 0 && n <= MANIFEST_BOARD_MAX;
}

/* Text, then nothing but zeros to the end of its field. */
static bool text_read(char *out, const uint8_t *field, size_t cap)
{
    memcpy(out, field, cap);
    if (out[cap - 1] != '\0')
        return false;
    for (size_t i = strlen(out); i < cap; i++)
        if (out[i] != '\0')
            return false;
    return true;
}

/* ---- the whole ---- */

enum manifest_result manifest_read(struct manifest *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    memset(out, 0, sizeof *out);
    if (len < sizeof magic || memcmp(p, magic, sizeof magic) != 0)
        return len < sizeof magic ? MANIFEST_SHORT : MANIFEST_FOREIGN;
    if (len < MANIFEST_BYTES)
        return MANIFEST_SHORT;
    if (get16(p + AT_FORMAT) != FORMAT || get16(p + AT_BYTES) != MANIFEST_BYTES)
        return MANIFEST_FORMAT;
    out->size = get32(p + AT_SIZE);
    out->security = get32(p + AT_SECURITY);
    memcpy(out->digest, p + AT_DIGEST, sizeof out->digest);
    memcpy(out->key_id, p + AT_KEY_ID, sizeof out->key_id);
    memcpy(out->signature, p + MANIFEST_SIGNED_BYTES, sizeof out->signature);
    bool ok = text_read(out->board, p + AT_BOARD, sizeof out->board) &&
              text_read(out->version, p + AT_VERSION, sizeof out->version) && board_ok(out->board) &&
              manifest_version_ok(out->version) && out->size > 0;
    for (size_t i = AT_ZERO; i < MANIFEST_SIGNED_BYTES; i++)
        ok = ok && p[i] == 0;
    if (ok)
        return MANIFEST_OK;
    memset(out, 0, sizeof *out);
    return MANIFEST_MALFORMED;
}

bool manifest_write(const struct manifest *m, uint8_t out[MANIFEST_BYTES])
{
    struct manifest check;
    memset(out, 0, MANIFEST_BYTES);
    memcpy(out, magic, sizeof magic);
    put16(out + AT_FORMAT, FORMAT);
    put16(out + AT_BYTES, MANIFEST_BYTES);
    put32(out + AT_SIZE, m->size);
    put32(out + AT_SECURITY, m->security);
    memcpy(out + AT_BOARD, m->board, sizeof m->board);
    memcpy(out + AT_VERSION, m->version, sizeof m->version);
    memcpy(out + AT_DIGEST, m->digest, sizeof m->digest);
    memcpy(out + AT_KEY_ID, m->key_id, sizeof m->key_id);
    memcpy(out + MANIFEST_SIGNED_BYTES, m->signature, sizeof m->signature);
    return manifest_read(&check, out, MANIFEST_BYTES) == MANIFEST_OK;
}

const char *manifest_result_text(enum manifest_result r)
{
    switch (r) {
    case MANIFEST_OK:
        return "ok";
    case MANIFEST_SHORT:
        return "too short for a firmware file";
    case MANIFEST_FOREIGN:
        return "no firmware file of this maker";
    case MANIFEST_FORMAT:
        return "a manifest of an unknown format";
    case MANIFEST_MALFORMED:
        return "a malformed manifest";
    }
    return "?";
}
