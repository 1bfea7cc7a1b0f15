/*
 * tls_trust: which authorities a wss:// server is verified against: ESP-IDF's certificate bundle.
 */
#ifndef ESP32_TLS_TRUST_H
#define ESP32_TLS_TRUST_H

/* Makes the linker take this file, whose one function it otherwise only meets under a wrapped name. */
void tls_trust_init(void);

#endif
