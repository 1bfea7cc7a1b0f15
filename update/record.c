#include "update/record.h"

#include <string.h>

/* Bytes in flash: a version, then the members in the order below, texts and byte strings with their length in
 * front. Little endian. Another version is not understood: the update it tells of is forgotten, and what runs
 * goes on running. */
enum { RECORD_VERSION = 1 };

struct cursor {
    uint8_t *at, *end;
    bool failed;
};

/* One function for both ways, so that they can't differ: `save` writes *v, else it is read. */
static void number(struct cursor *c, bool save, uint64_t *v, int bytes)
{
    if (c->failed || c->end - c->at < bytes) {
        c->failed = true;
        return;
    }
    if (!save)
        *v = 0;
    for (int i = 0; i < bytes; i++) {
        if (save)
            c->at[i] = (uint8_t)(*v >> (8 * i));
        else
            *v |= (uint64_t)c->at[i] << (8 * i);
    }
    c->at += bytes;
}

#define NUMBER(member, bytes, type)       \
    do {                                  \
        uint64_t v_ = (uint64_t)(member); \
        number(c, save, &v_, bytes);      \
        (member) = (type)v_;              \
    } while (0)

static void string(struct cursor *c, bool save, uint8_t *bytes, size_t *len, size_t cap)
{
    uint64_t n = *len;
    number(c, save, &n, 2);
    if (c->failed || n > cap || (uint64_t)(c->end - c->at) < n) {
        c->failed = true;
        return;
    }
    if (save)
        memcpy(c->at, bytes, (size_t)n);
    else
        memcpy(bytes, c->at, (size_t)n);
    c->at += n;
    *len = (size_t)n;
}

static void text(struct cursor *c, bool save, char *out, size_t cap)
{
    size_t len = save ? strlen(out) : 0;
    string(c, save, (uint8_t *)out, &len, cap - 1);
    if (!save)
        out[c->failed ? 0 : len] = '\0';
}

static void all(struct cursor *c, bool save, struct update_record *r)
{
    uint8_t version = RECORD_VERSION;
    NUMBER(version, 1, uint8_t);
    if (version != RECORD_VERSION)
        c->failed = true;
    NUMBER(r->phase, 1, enum update_phase);
    NUMBER(r->status, 1, enum update_status);
    NUMBER(r->untold, 1, bool);
    NUMBER(r->has_manifest, 1, bool);
    NUMBER(r->resumed, 1, bool);
    NUMBER(r->target, 1, uint8_t);
    NUMBER(r->activations, 1, uint8_t);
    NUMBER(r->request_id, 4, int32_t);
    NUMBER(r->retries, 4, int32_t);
    NUMBER(r->retry_interval_s, 4, int32_t);
    NUMBER(r->retrieve_ms, 8, int64_t);
    NUMBER(r->install_ms, 8, int64_t);
    NUMBER(r->got, 4, uint32_t);
    NUMBER(r->before.meter_valid, 1, bool);
    NUMBER(r->before.settings_defaulted, 2, uint16_t);
    for (int p = 0; p < 3; p++)
        NUMBER(r->before.v_mv[p], 4, int32_t);
    NUMBER(r->before.import_total_uwh, 8, uint64_t);
    if (r->has_manifest) {
        size_t len = MANIFEST_BYTES;
        string(c, save, r->manifest, &len, MANIFEST_BYTES);
        c->failed |= len != MANIFEST_BYTES;
    }
    size_t key_len = r->signer.key_len, signature_len = r->signature_len;
    NUMBER(r->signer.kind, 1, uint8_t);
    string(c, save, r->signer.key, &key_len, sizeof r->signer.key);
    string(c, save, r->signature, &signature_len, sizeof r->signature);
    r->signer.key_len = (uint16_t)key_len;
    r->signature_len = (uint16_t)signature_len;
    text(c, save, r->url, sizeof r->url);
    text(c, save, r->validator, sizeof r->validator);
    text(c, save, r->reason, sizeof r->reason);
}

enum {
    FIXED_MAX = 128,
    BYTES_MAX = FIXED_MAX + MANIFEST_BYTES + SIGNER_KEY_MAX + SIGNER_SIGNATURE_MAX + UPDATE_URL_MAX +
                UPDATE_VALIDATOR_MAX + UPDATE_REASON_MAX
};
_Static_assert((int)BYTES_MAX <= (int)JOURNAL_RECORD_MAX, "one record");

void update_record_load(struct update_record *r, struct journal *j)
{
    uint8_t bytes[BYTES_MAX];
    size_t len = 0;
    memset(r, 0, sizeof *r);
    if (journal_latest(j, JOURNAL_UPDATE, bytes, sizeof bytes, &len) != PORT_OK)
        return;
    struct cursor c = {.at = bytes, .end = bytes + len};
    all(&c, false, r);
    if (c.failed || c.at != c.end || r->phase >= UPDATE_PHASES || r->status >= UPDATE_STATUSES ||
        r->signer.kind > SIGNER_RSA_PSS)
        memset(r, 0, sizeof *r);
}

bool update_record_save(struct update_record *r, struct journal *j)
{
    uint8_t bytes[BYTES_MAX];
    struct cursor c = {.at = bytes, .end = bytes + sizeof bytes};
    all(&c, true, r);
    return !c.failed && journal_append(j, JOURNAL_UPDATE, bytes, (size_t)(c.at - bytes), NULL) == PORT_OK;
}
