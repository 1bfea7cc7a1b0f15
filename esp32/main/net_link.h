/*
 * net_link: the way to the network. One of net_wifi.c and net_openeth.c implements it, as Kconfig says. It
 * keeps itself up for ever; the rest of the firmware only looks.
 */
#ifndef ESP32_NET_LINK_H
#define ESP32_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"

struct net_link_status {
    const char *kind; /* "Wi-Fi", "Ethernet" */
    bool configured;  /* it knows what to connect to */
    bool up;          /* connected and with an address */
    char address[16];
    char name[33]; /* of the access point; "" on a wire */
    int rssi_dbm;  /* 0: unknown, or a wire */
    uint32_t losses;
    int last_reason;   /* of the last loss: wifi_err_reason_t; 0: none, or a wire */
    uint32_t attempts; /* since the link was last up */
};

/* Once, after esp_netif_init and esp_event_loop_create_default. Returns at once; the link comes up by itself.
 */
esp_err_t net_link_start(void);
/* Any thread. */
void net_link_status(struct net_link_status *out);
/* Any thread. New credentials, kept over restarts; a NULL or empty password: an open network.
 * ESP_ERR_NOT_SUPPORTED: a wire. ESP_ERR_INVALID_ARG: too long (32 and 64 characters). */
esp_err_t net_link_credentials(const char *name, const char *password);
/* Any thread. Forgets the credentials. */
esp_err_t net_link_forget(void);

enum { NET_LINK_CODE_MAX = 152 }; /* what the panel's largest QR code holds: panel/qr/qr.h */
/* Any thread. A person at the station wants to give it another network: for ten minutes it takes one. Not
 * while the link is up: a button that anybody can reach must not take a station off its network. */
void net_link_setup(void);
/* One thread, about once a second; may take 0.1 s. While a network is wanted, because none is configured or
 * by net_link_setup, the station listens for a phone that has scanned `code` (Wi-Fi Easy Connect). true: it
 * does. Only called where there is a display to show the code. */
bool net_link_setup_step(char *code, size_t cap);

#endif
