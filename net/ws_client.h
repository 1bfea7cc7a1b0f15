/*
 * ws_client: struct transport over libwebsockets, on Linux and on the ESP32. Many clients share one
 * lws_context, one thread. No allocation of ours after ws_client_create.
 */
#ifndef NET_WS_CLIENT_H
#define NET_WS_CLIENT_H

#include "net/transport.h"

struct lws_context;
struct lws_protocols;
struct ws_client;

/* The vhost that ws_client_add_vhost makes. */
#define WS_CLIENT_VHOST "ws-client"
/* Protocol to be listed among the context's (vhost's) protocols. */
extern const struct lws_protocols ws_client_protocol;
/*
 * Or, for a context made with LWS_SERVER_OPTION_EXPLICIT_VHOSTS: adds a vhost of our own for clients, those
 * of net/http_client.h too. ws_client_create uses that vhost when there is one, else the context's first.
 * `ca_file`: PEM file of the authorities that wss:// and https:// servers are verified against; NULL: those
 * of the system. false: libwebsockets refused (no memory, unreadable file).
 */
bool ws_client_add_vhost(struct lws_context *context, const char *ca_file);

/* `text_max`: longest message either way; longer inbound ones close the connection (1009). NULL: no memory.
 */
struct ws_client *ws_client_create(struct lws_context *context, size_t text_max);
void ws_client_destroy(struct ws_client *c);
void ws_client_transport(struct ws_client *c, struct transport *out);
/* Cuts or restores the network for this client as a pulled cable would: no byte passes, no close is seen
 * (test). */
void ws_client_block(struct ws_client *c, bool blocked);
/* The station has died or restarted: what there was of a connection is dropped, without an up-call. While
 * blocked the peer still sees nothing. The client is then as new. */
void ws_client_reset(struct ws_client *c);
/* Every frame sent and received, for --frame-log. dir '>' sent, '<' received. */
void ws_client_tap(struct ws_client *c, void (*tap)(void *ctx, char dir, const char *text, size_t len),
                   void *ctx);

#endif
