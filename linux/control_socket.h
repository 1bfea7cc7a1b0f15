/*
 * control_socket: HTTP and JSON on the loopback interface, with which a person or a test acts on the
 * simulated site and sees its true physical state. Grammar of the verbs and examples: docs/simulator.md.
 *
 * Comms thread.
 */
#ifndef LINUX_CONTROL_SOCKET_H
#define LINUX_CONTROL_SOCKET_H

#include "linux/site.h"

struct lws_context;
struct control_socket;

/* port 0: any free one. NULL: err says why. */
struct control_socket *control_socket_open(struct lws_context *context, struct site *site, int port,
                                           char *err, size_t cap);
int control_socket_port(const struct control_socket *c);
void control_socket_close(struct control_socket *c);

#endif
