/*
 * download: one attempt to bring a firmware file from a server into the idle slot: first its manifest alone,
 * then the image, from where the last attempt ended.
 *
 * Writes only where the caller has erased; never erases. Comms thread.
 */
#ifndef UPDATE_DOWNLOAD_H
#define UPDATE_DOWNLOAD_H

#include "net/http.h"
#include "port/port.h"
#include "update/manifest.h"

enum {
    DOWNLOAD_BUFFER = 1024, /* four pages at a time */
    DOWNLOAD_VALIDATOR_MAX = 127,
};

enum download_state {
    DOWNLOAD_NONE,
    DOWNLOAD_RUNNING,
    DOWNLOAD_DONE,    /* the manifest, or the whole image, is there */
    DOWNLOAD_LOST,    /* no answer, or not all of it: may be tried again */
    DOWNLOAD_BUSY,    /* the client has something else to do */
    DOWNLOAD_CHANGED, /* the file is not the one that the attempt before was of */
    DOWNLOAD_WRONG,   /* its length is not what its manifest says */
    DOWNLOAD_BAD_URL,
    DOWNLOAD_FLASH, /* the slot can't be written */
};

struct download {
    const struct http *http;
    const struct port_flash *slot;
    void (*ended)(void *ctx); /* in the http client's up-call: step again */
    void *ctx;
    enum download_state state;
    bool image;                       /* it is the image that is wanted, not the manifest alone */
    bool begun;                       /* bytes of a body have come in this attempt */
    uint32_t size;                    /* of the image */
    uint64_t at;                      /* position in the file of the next byte to come */
    uint32_t got;                     /* of the image: as far as it is in the slot */
    size_t fill;                      /* of the buffer, not yet in the slot */
    uint8_t manifest[MANIFEST_BYTES]; /* as it came, or as it must be */
    size_t manifest_got;
    uint8_t buffer[DOWNLOAD_BUFFER]; /* free for others while the state is not DOWNLOAD_RUNNING */
    char validator[DOWNLOAD_VALIDATOR_MAX + 1];
    char why[64];
};

void download_init(struct download *d, const struct http *http, const struct port_flash *slot,
                   void (*ended)(void *ctx), void *ctx);
/* The manifest alone: into d->manifest. */
void download_manifest(struct download *d, const char *url);
/* The image from `got` on (a multiple of PORT_FLASH_PAGE); manifest and validator: of the attempt before. */
void download_image(struct download *d, const char *url, const uint8_t manifest[MANIFEST_BYTES],
                    uint32_t size, uint32_t got, const char *validator);
/* Ends what is running; `ended` is not called. */
void download_stop(struct download *d);

#endif
