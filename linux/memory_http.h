/*
 * memory_http: struct http of one simulated station in virtual time: its requests go to the hub of this
 * process over the station's cable, some bytes at a time, and can break at any one of them.
 *
 * One thread. memory_net owns one per wire.
 */
#ifndef LINUX_MEMORY_HTTP_H
#define LINUX_MEMORY_HTTP_H

#include "hub/hub.h"
#include "net/http.h"

/* What the hub is called there: http://hub.test/… is its, every other host is unknown. */
#define MEMORY_HTTP_HOST "hub.test"

struct memory_http;

struct memory_http *memory_http_create(uint64_t latency_us);
void memory_http_destroy(struct memory_http *m);
void memory_http_http(struct memory_http *m, struct http *out);
/* The hub that answers; NULL: none. The old one must still be open during the call. */
void memory_http_hub(struct memory_http *m, struct hub *hub);
void memory_http_cut(struct memory_http *m, bool cut); /* the cable */
void memory_http_reset(struct memory_http *m);         /* the station has died: no up-call */
/* The transfer that is under way, or the next one, breaks after so many more bytes of its body. */
void memory_http_break(struct memory_http *m, uint64_t bytes);
/* Does what is due. Time moves here only. */
void memory_http_pump(struct memory_http *m, int64_t unix_ms, uint64_t now_us);

#endif
