#include "tls_trust.h"

#include <stdbool.h>

#include "esp_crt_bundle.h"
#include "esp_log.h"
#include "mbedtls/ssl.h"

static const char TAG[] = "tls";

int __real_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf);
int __wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf);

/*
 * libwebsockets knows authorities only as certificates in memory or in files, and hands its TLS configuration
 * to nobody. ESP-IDF's bundle is neither: it hooks into that configuration. So it is attached where the two
 * meet, before the first connection of a client without authorities of its own. Linked by --wrap
 * (main/CMakeLists.txt).
 */
int __wrap_mbedtls_ssl_setup(mbedtls_ssl_context *ssl, const mbedtls_ssl_config *conf)
{
    if (conf->MBEDTLS_PRIVATE(endpoint) == MBEDTLS_SSL_IS_CLIENT && !conf->MBEDTLS_PRIVATE(ca_chain)) {
        esp_err_t err = esp_crt_bundle_attach((void *)conf); /* the object itself is not const */
        if (err != ESP_OK)
            ESP_LOGE(TAG, "no authorities (%s): no wss:// server will be believed", esp_err_to_name(err));
    }
    return __real_mbedtls_ssl_setup(ssl, conf);
}

void tls_trust_init(void)
{
}
