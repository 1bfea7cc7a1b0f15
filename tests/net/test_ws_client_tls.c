/* wss:// and https:// — whom the client believes and whom it does not. The certificates are made anew in each
 * run. */
#include <libwebsockets.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "net/ws_client.h"
#include "tests/net/raw_peer.h"

enum { TEXT_MAX = 4096, PEM_MAX = 4096, PATIENCE_MS = 5000 };

/* ---- a self-signed certificate and its key, as files ---- */

struct identity {
    char cert[40], key[40];
};

static void write_file(char *path, const unsigned char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    size_t len = strlen((const char *)text);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static void identity_make(struct identity *id, const char *subject, const char *from, const char *until)
{
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_pk_context key;
    mbedtls_mpi serial;
    mbedtls_x509write_cert cert;
    unsigned char pem[PEM_MAX];
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_pk_init(&key);
    mbedtls_mpi_init(&serial);
    mbedtls_x509write_crt_init(&cert);
    assert_int_equal(mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0), 0);
    assert_int_equal(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), mbedtls_ctr_drbg_random, &random),
        0);
    assert_int_equal(mbedtls_mpi_fill_random(&serial, 8, mbedtls_ctr_drbg_random, &random), 0);
    mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&cert, &key);
    mbedtls_x509write_crt_set_issuer_key(&cert, &key);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&cert, subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&cert, subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_serial(&cert, &serial), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&cert, from, until), 0);
    assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&cert, 1, -1), 0);
    assert_int_equal(mbedtls_x509write_crt_pem(&cert, pem, sizeof pem, mbedtls_ctr_drbg_random, &random), 0);
    (void)snprintf(id->cert, sizeof id->cert, "/tmp/ws-cert-XXXXXX");
    write_file(id->cert, pem);
    assert_int_equal(mbedtls_pk_write_key_pem(&key, pem, sizeof pem), 0);
    (void)snprintf(id->key, sizeof id->key, "/tmp/ws-key-XXXXXX");
    write_file(id->key, pem);
    mbedtls_x509write_crt_free(&cert);
    mbedtls_mpi_free(&serial);
    mbedtls_pk_free(&key);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
}

static void identity_drop(struct identity *id)
{
    unlink(id->cert);
    unlink(id->key);
}

/* ---- a server that echoes, and a client ---- */

static int echo(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    unsigned char buf[LWS_PRE + 100];
    (void)user;
    if (reason == LWS_CALLBACK_HTTP)
        return lws_return_http_status(wsi, HTTP_STATUS_FORBIDDEN, NULL) || lws_http_transaction_completed(wsi)
                   ? -1
                   : 0;
    if (reason == LWS_CALLBACK_RECEIVE && len <= 100) {
        memcpy(buf + LWS_PRE, in, len);
        return lws_write(wsi, buf + LWS_PRE, len, LWS_WRITE_TEXT) < 0 ? -1 : 0;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {{"ocpp2.0.1", echo, 0, 100, 0, NULL, 0},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};

struct bench {
    struct lws_context *context;
    struct ws_client *client;
    struct transport transport;
    lws_sorted_usec_list_t tick;
    unsigned opened, closed;
    char text[TEXT_MAX + 1], why[200];
};

static void up_opened(void *ctx, const char *subprotocol)
{
    struct bench *b = ctx;
    assert_string_equal(subprotocol, "ocpp2.0.1");
    b->opened++;
}

static void up_text(void *ctx, const char *text, size_t len)
{
    struct bench *b = ctx;
    (void)snprintf(b->text, sizeof b->text, "%.*s", (int)len, text);
}

static void up_nothing(void *ctx)
{
    (void)ctx;
}

static void up_closed(void *ctx, const char *why)
{
    struct bench *b = ctx;
    b->closed++;
    (void)snprintf(b->why, sizeof b->why, "%s", why);
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
    (void)sul;
}

static void turn(struct bench *b)
{
    lws_sul_schedule(b->context, 0, &b->tick, on_tick, 5000);
    assert_true(lws_service(b->context, 0) >= 0);
}

static void bench_open(struct bench *b, const char *ca_file, const char *url)
{
    memset(b, 0, sizeof *b);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    b->context = lws_create_context(&info);
    assert_non_null(b->context);
    assert_true(ws_client_add_vhost(b->context, ca_file));
    b->client = ws_client_create(b->context, TEXT_MAX);
    ws_client_transport(b->client, &b->transport);
    const struct transport_target target = {.url = url, .subprotocols = "ocpp2.0.1"};
    const struct transport_up up = {.ctx = b,
                                    .opened = up_opened,
                                    .text = up_text,
                                    .heard = up_nothing,
                                    .writable = up_nothing,
                                    .closed = up_closed};
    assert_true(b->transport.open(b->transport.ctx, &target, &up));
}

static void bench_close(struct bench *b)
{
    lws_sul_cancel(&b->tick);
    ws_client_destroy(b->client);
    lws_context_destroy(b->context);
}

/* The server is a process of its own: nothing of libwebsockets' server side is on trial here. */
struct server {
    pid_t pid;
    char url[60];
};

static void serve(const struct identity *id, int port_to)
{
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = 0;
    info.iface = "127.0.0.1";
    info.vhost_name = "server";
    info.protocols = protocols;
    info.ssl_cert_filepath = id->cert;
    info.ssl_private_key_filepath = id->key;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    lws_set_log_level(0, NULL);
    struct lws_context *context = lws_create_context(&info);
    int port = context ? lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "server")) : 0;
    if (write(port_to, &port, sizeof port) != sizeof port)
        return;
    while (context && lws_service(context, 0) >= 0)
        ;
}

static void server_open(struct server *s, const struct identity *id, const char *host)
{
    int ends[2], port = 0;
    assert_int_equal(pipe(ends), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        serve(id, ends[1]);
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    close(ends[0]);
    assert_true(port > 0);
    (void)snprintf(s->url, sizeof s->url, "wss://%s:%d/ocpp/CP1", host, port);
}

static void server_close(struct server *s)
{
    int status;
    assert_int_equal(kill(s->pid, SIGKILL), 0);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFSIGNALED(status)); /* it has lived until now */
}

/* Opens a connection; returns whether it came about. */
static bool believed(const struct identity *id, const char *ca_file, const char *host, char *why, size_t cap)
{
    struct server s;
    struct bench b;
    server_open(&s, id, host);
    bench_open(&b, ca_file, s.url);
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    while (!b.opened && !b.closed && lws_now_usecs() < end)
        turn(&b);
    assert_int_equal(b.opened + b.closed, 1); /* one or the other, and in time */
    bool opened = b.opened;
    if (opened) {
        assert_true(b.transport.send(b.transport.ctx, "[2,\"1\"]", 7));
        while (!b.text[0] && lws_now_usecs() < end)
            turn(&b);
        assert_string_equal(b.text, "[2,\"1\"]");
    }
    (void)snprintf(why, cap, "%s", b.why);
    bench_close(&b);
    server_close(&s);
    return opened;
}

static const char from[] = "20200101000000", until[] = "20991231235959";

static void a_known_server(void **state)
{
    struct identity id;
    char why[200];
    (void)state;
    identity_make(&id, "CN=localhost", from, until);
    if (!believed(&id, id.cert, "localhost", why, sizeof why))
        fail_msg("%s", why);
    identity_drop(&id);
}

static void an_unknown_server(void **state)
{
    struct identity id, other;
    char why[200];
    (void)state;
    identity_make(&id, "CN=localhost", from, until);
    identity_make(&other, "CN=localhost", from, until);
    assert_false(believed(&id, NULL, "localhost", why, sizeof why)); /* the system's authorities */
    assert_true(why[0]);
    assert_false(believed(&id, other.cert, "localhost", why, sizeof why)); /* same name, another key */
    identity_drop(&id);
    identity_drop(&other);
}

static void another_name(void **state)
{
    struct identity id;
    char why[200];
    (void)state;
    identity_make(&id, "CN=hub.example.com", from, until);
    assert_false(believed(&id, id.cert, "localhost", why, sizeof why));
    identity_drop(&id);
}

static void out_of_date(void **state)
{
    struct identity id;
    char why[200];
    (void)state;
    identity_make(&id, "CN=localhost", from, "20200201000000");
    assert_false(believed(&id, id.cert, "localhost", why, sizeof why));
    identity_drop(&id);
}

static void up_done(void *ctx, enum http_end how, const char *why)
{
    struct bench *b = ctx;
    b->closed++;
    b->opened += how == HTTP_REFUSED;
    (void)snprintf(b->why, sizeof b->why, "%s", why);
}

static bool up_piece(void *ctx, const void *data, size_t len)
{
    (void)ctx, (void)data, (void)len;
    return true;
}

/* https: believed means that the request was made and answered. */
static bool https_believed(const struct identity *id, const char *ca_file, const char *host)
{
    struct server s;
    struct bench b;
    struct http http;
    char url[80];
    server_open(&s, id, host);
    memset(&b, 0, sizeof b);
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    b.context = lws_create_context(&info);
    assert_true(ws_client_add_vhost(b.context, ca_file));
    struct http_client *client = http_client_create(b.context);
    http_client_http(client, &http);
    (void)snprintf(url, sizeof url, "https%s", s.url + 3);
    const struct http_request r = {.url = url, .idle_timeout_s = 4};
    const struct http_up up = {.ctx = &b, .body = up_piece, .done = up_done};
    assert_true(http.start(http.ctx, &r, &up));
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    while (!b.closed && lws_now_usecs() < end)
        turn(&b);
    assert_int_equal(b.closed, 1);
    if (b.opened)
        assert_string_equal(b.why, "403 Forbidden");
    lws_sul_cancel(&b.tick);
    http_client_destroy(client);
    lws_context_destroy(b.context);
    server_close(&s);
    return b.opened;
}

static void https(void **state)
{
    struct identity id, other, named, old;
    (void)state;
    identity_make(&id, "CN=localhost", from, until);
    identity_make(&other, "CN=localhost", from, until);
    identity_make(&named, "CN=hub.example.com", from, until);
    identity_make(&old, "CN=localhost", from, "20200201000000");
    assert_true(https_believed(&id, id.cert, "localhost"));
    assert_false(https_believed(&id, NULL, "localhost"));
    assert_false(https_believed(&id, other.cert, "localhost"));
    assert_false(https_believed(&named, named.cert, "localhost"));
    assert_false(https_believed(&old, old.cert, "localhost"));
    identity_drop(&id);
    identity_drop(&other);
    identity_drop(&named);
    identity_drop(&old);
}

static void a_server_without_tls(void **state)
{
    static struct raw_peer p;
    struct bench b;
    char url[60];
    (void)state;
    raw_open(&p);
    (void)snprintf(url, sizeof url, "wss://127.0.0.1:%d/ocpp/CP1", p.port);
    bench_open(&b, NULL, url);
    lws_usec_t end = lws_now_usecs() + PATIENCE_MS * 1000;
    bool answered = false;
    while (!b.closed && lws_now_usecs() < end) {
        turn(&b);
        raw_pump(&p);
        if (p.in_len && !answered) {
            raw_text(&p, "HTTP/1.1 400 Bad Request\r\n\r\n");
            answered = true;
        }
    }
    assert_int_equal(b.closed, 1);
    assert_int_equal(b.opened, 0);
    bench_close(&b);
    raw_close(&p);
}

static void no_such_ca_file(void **state)
{
    struct lws_context_creation_info info;
    (void)state;
    lws_set_log_level(0, NULL);
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    struct lws_context *c = lws_create_context(&info);
    assert_false(ws_client_add_vhost(c, "/nonexistent/ca.pem"));
    lws_context_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_server),  cmocka_unit_test(an_unknown_server),
        cmocka_unit_test(another_name),    cmocka_unit_test(out_of_date),
        cmocka_unit_test(https),           cmocka_unit_test(a_server_without_tls),
        cmocka_unit_test(no_such_ca_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
