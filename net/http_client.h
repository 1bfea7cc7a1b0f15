/*
 * http_client: struct http over libwebsockets, on Linux and on the ESP32. Clients share one lws_context, one
 * thread, and ws_client's vhost with what it trusts. No allocation of ours after http_client_create.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "net/http.h"

struct lws_context;
struct lws_protocols;
struct http_client;

/* To be listed among the vhost's protocols; ws_client_add_vhost does. */
extern const struct lws_protocols http_client_protocol;

/* Uses ws_client_add_vhost's vhost when there is one, else the context's first. NULL: no memory. */
struct http_client *http_client_create(struct lws_context *context);
/* Not from inside an up-call. */
void http_client_destroy(struct http_client *c);
void http_client_http(struct http_client *c, struct http *out);
/* As ws_client_block and ws_client_reset: a pulled cable; a station that has died. */
void http_client_block(struct http_client *c, bool blocked);
void http_client_reset(struct http_client *c);

#endif
