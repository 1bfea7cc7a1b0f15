/* The manifest's bytes and versions; who may sign; what OCPP's certificates and signatures are worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/update/signing.h"

static struct manifest sample(void)
{
    struct manifest m = {.board = MANIFEST_BOARD, .version = "1.2.3", .size = 1000, .security = 7};
    memset(m.digest, 0xAB, sizeof m.digest);
    return m;
}

static void there_and_back(void **state)
{
    (void)state;
    struct manifest m = sample(), back;
    uint8_t bytes[MANIFEST_BYTES];
    memset(m.signature, 0x5A, sizeof m.signature);
    assert_true(manifest_write(&m, bytes));
    assert_int_equal(manifest_read(&back, bytes, sizeof bytes), MANIFEST_OK);
    assert_memory_equal(&m, &back, sizeof m);
}

/* Any single bit turned over in what is signed is either refused here or breaks the signature. */
static void every_bit(void **state)
{
    (void)state;
    struct manifest m = sample(), back;
    uint8_t bytes[MANIFEST_BYTES];
    signing_manifest(&m, SIGNING_KEY, bytes);
    assert_int_equal(manifest_read(&back, bytes, sizeof bytes), MANIFEST_OK);
    assert_null(signature_check_manifest(trust_built_in(), &back, bytes));
    unsigned refused = 0, wrong = 0;
    for (unsigned bit = 0; bit < MANIFEST_BYTES * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        bool taken = bit % 8 == bit / 8 % 8; /* one of each byte: a check takes its time */
        if (manifest_read(&back, bytes, sizeof bytes) != MANIFEST_OK)
            refused++;
        else if (taken && signature_check_manifest(trust_built_in(), &back, bytes))
            wrong++;
        else if (taken)
            fail_msg("bit %u may be anything", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused > 0 && wrong > 0);
}

static void short_and_foreign(void **state)
{
    (void)state;
    struct manifest m = sample(), back;
    uint8_t bytes[MANIFEST_BYTES];
    assert_true(manifest_write(&m, bytes));
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(manifest_read(&back, bytes, len), MANIFEST_SHORT);
    assert_int_equal(manifest_read(&back,
                                   "\x7F"
                                   "ELF and more",
                                   12),
                     MANIFEST_FOREIGN);
    bytes[4] = 2;
    assert_int_equal(manifest_read(&back, bytes, sizeof bytes), MANIFEST_FORMAT);
}

static void fields(void **state)
{
    (void)state;
    uint8_t bytes[MANIFEST_BYTES];
    struct manifest m = sample();
    m.size = 0;
    assert_false(manifest_write(&m, bytes));
    m = sample();
    m.board[0] = '\0';
    assert_false(manifest_write(&m, bytes));
    m = sample();
    (void)strcpy(m.board, "a b");
    assert_false(manifest_write(&m, bytes));
    m = sample();
    m.version[20] = 'x'; /* behind the end of the text */
    assert_false(manifest_write(&m, bytes));
    m = sample();
    memset(m.version, '1', sizeof m.version); /* no end */
    assert_false(manifest_write(&m, bytes));
}

static void versions(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0", "1.2.3", "65535.65535.65535", "1.2.3-rc.1", "1.2.3-a-b"};
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2",
                                      "1.2.3.4",
                                      "1.2.3-",
                                      "v1.2.3",
                                      "1.2.3 ",
                                      "65536.0.0",
                                      "1.2.x",
                                      "1..3",
                                      "1.2.3_a",
                                      "123456.0.0",
                                      "1.2.3-abcdefghijklmnopqrstuvwxyz"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(manifest_version_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (manifest_version_ok(bad[i]))
            fail_msg("%s is a version?", bad[i]);
    static const char *const rising[] = {"0.9.9",  "0.10.0-a", "0.10.0-b", "0.10.0",
                                         "0.10.1", "1.0.0",    "10.0.0"};
    enum { N = sizeof rising / sizeof rising[0] };
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++) {
            int r = manifest_version_compare(rising[a], rising[b]);
            assert_int_equal((r > 0) - (r < 0), (a > b) - (a < b));
        }
}

static void who_signed(void **state)
{
    (void)state;
    struct manifest m = sample(), back;
    uint8_t bytes[MANIFEST_BYTES];
    signing_manifest(&m, STRANGER_KEY, bytes);
    assert_int_equal(manifest_read(&back, bytes, sizeof bytes), MANIFEST_OK);
    assert_string_equal(signature_check_manifest(trust_built_in(), &back, bytes),
                        "signed with a key that is not trusted here");
    /* A stranger that claims to be somebody else. */
    uint8_t own[MANIFEST_KEY_ID_BYTES];
    signature_key_id(trust_built_in()->key[0], own);
    memcpy(m.key_id, own, sizeof own);
    signing_sign(&m, STRANGER_KEY, bytes);
    assert_int_equal(manifest_read(&back, bytes, sizeof bytes), MANIFEST_OK);
    assert_string_equal(signature_check_manifest(trust_built_in(), &back, bytes),
                        "the manifest's signature is wrong");
}

static void certificates(void **state)
{
    (void)state;
    static char pem[6000];
    struct signer s;
    signing_read_text("tests/update/keys/test-ocpp-signer.pem", pem, sizeof pem);
    assert_null(signature_check_certificate(trust_built_in(), pem, &s));
    assert_int_equal(s.kind, SIGNER_ECDSA);
    signing_read_text("tests/update/keys/test-ocpp-rsa.pem", pem, sizeof pem);
    assert_null(signature_check_certificate(trust_built_in(), pem, &s));
    assert_int_equal(s.kind, SIGNER_RSA_PSS);
    signing_read_text("tests/update/keys/test-root.pem", pem, sizeof pem);
    assert_null(signature_check_certificate(trust_built_in(), pem, &s));
    signing_read_text("tests/update/keys/test-stranger.pem", pem, sizeof pem);
    assert_non_null(signature_check_certificate(trust_built_in(), pem, &s));
    assert_non_null(signature_check_certificate(trust_built_in(), "rubbish", &s));
    assert_non_null(signature_check_certificate(trust_built_in(), "", &s));
    struct trust none = *trust_built_in();
    static const char *const no_roots[] = {NULL};
    none.root = no_roots;
    none.roots = 1;
    assert_non_null(signature_check_certificate(&none, pem, &s));
    none.roots = 0;
    signing_read_text("tests/update/keys/test-ocpp-signer.pem", pem, sizeof pem);
    assert_non_null(signature_check_certificate(&none, pem, &s));
    /* two certificates: no chain is built */
    size_t len = strlen(pem);
    signing_read_text("tests/update/keys/test-root.pem", pem + len, sizeof pem - len);
    assert_non_null(signature_check_certificate(trust_built_in(), pem, &s));
}

/* Signatures as OpenSSL makes them: openssl dgst -sha256 -sign KEY [-sigopt rsa_padding_mode:pss] */
static void file_signatures(void **state)
{
    (void)state;
    static char pem[6000];
    struct signer s;
    uint8_t digest[MANIFEST_DIGEST_BYTES], sig[SIGNER_SIGNATURE_MAX];
    struct digest d;
    digest_begin(&d);
    digest_add(&d, "abc", 3);
    assert_true(digest_end(&d, digest));
    assert_int_equal(digest[0], 0xBA); /* FIPS 180-2, B.1 */

    static const struct {
        const char *cert, *key;
        bool pss;
    } row[] = {{"tests/update/keys/test-ocpp-signer.pem", "tests/update/keys/test-ocpp-signer.key", false},
               {"tests/update/keys/test-ocpp-rsa.pem", "tests/update/keys/test-ocpp-rsa.key", true}};
    for (size_t i = 0; i < 2; i++) {
        signing_read_text(row[i].cert, pem, sizeof pem);
        assert_null(signature_check_certificate(trust_built_in(), pem, &s));
        size_t len = signing_file(row[i].key, row[i].pss, digest, sig);
        assert_true(signature_check_file(&s, digest, sig, len));
        for (size_t cut = 0; cut < len; cut++)
            assert_false(signature_check_file(&s, digest, sig, cut));
        sig[len / 2] ^= 1;
        assert_false(signature_check_file(&s, digest, sig, len));
        sig[len / 2] ^= 1;
        digest[3] ^= 0x10;
        assert_false(signature_check_file(&s, digest, sig, len));
        digest[3] ^= 0x10;
    }
    const struct signer none = {.kind = SIGNER_NONE};
    assert_false(signature_check_file(&none, digest, sig, 10));
    assert_int_equal(signature_from_base64("YWJj", sig, sizeof sig), 3);
    assert_int_equal(signature_from_base64("YWJ", sig, sizeof sig), -1);
    assert_int_equal(signature_from_base64("YWJj", sig, 2), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),    cmocka_unit_test(every_bit),
        cmocka_unit_test(short_and_foreign), cmocka_unit_test(fields),
        cmocka_unit_test(versions),          cmocka_unit_test(who_signed),
        cmocka_unit_test(certificates),      cmocka_unit_test(file_signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
