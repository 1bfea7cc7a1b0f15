/*
 * development_keys: whose firmware a build for development trusts. The private halves lie open in
 * tests/update/keys: never build a station that leaves the bench with these. docs/firmware-update.md tells
 * how to make a file like this one with keys of your own.
 */
#ifndef UPDATE_DEVELOPMENT_KEYS_H
#define UPDATE_DEVELOPMENT_KEYS_H

#define TRUSTED_KEYS_DEVELOPMENT true

/* Public keys of manifests, P-256, uncompressed: tests/update/keys/test-signing.key */
static const uint8_t trusted_keys[][SIGNATURE_POINT_BYTES] = {{
    0x04, 0xb5, 0x14, 0x18, 0xab, 0xbd, 0xa2, 0xbc, 0x64, 0x84, 0xe5, 0xa8, 0xf5, 0xba, 0xae, 0x7c, 0x6a,
    0xb3, 0x31, 0x7f, 0x26, 0x00, 0x6e, 0xe3, 0x53, 0xf1, 0xd0, 0xb0, 0xea, 0x34, 0xa6, 0x0c, 0xdf, 0x16,
    0x4f, 0xc4, 0x20, 0xcf, 0x2a, 0x6e, 0xb9, 0xf8, 0x17, 0x51, 0x37, 0x0d, 0x7b, 0x9b, 0x1b, 0x09, 0x0c,
    0xec, 0x9a, 0x5c, 0x8e, 0xc7, 0xec, 0x62, 0x54, 0x8d, 0xe5, 0x3c, 0xa3, 0x1f, 0x39,
}};

/* Roots of OCPP's signing certificates: tests/update/keys/test-root.pem */
static const char *const trusted_roots[] = {
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBpzCCAU2gAwIBAgIBATAKBggqhkjOPQQDAjA7MRwwGgYDVQQKDBNFQ1NBQ1Ax\n"
    "IGRldmVsb3BtZW50MRswGQYDVQQDDBJUZXN0IGZpcm13YXJlIHJvb3QwHhcNMjAw\n"
    "MTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjA7MRwwGgYDVQQKDBNFQ1NBQ1AxIGRl\n"
    "dmVsb3BtZW50MRswGQYDVQQDDBJUZXN0IGZpcm13YXJlIHJvb3QwWTATBgcqhkjO\n"
    "PQIBBggqhkjOPQMBBwNCAAR7hW6vpGmEy5EZtwpiNJX3uCp123AZV/AuJbmZnchM\n"
    "T2tINSEfRMhzJmTEOR9AU60Hb/1rC3WRk5FFICrBD68mo0IwQDAPBgNVHRMBAf8E\n"
    "BTADAQH/MA4GA1UdDwEB/wQEAwICBDAdBgNVHQ4EFgQUonEdMVyQCY1F++E7yBTk\n"
    "ps6oihAwCgYIKoZIzj0EAwIDSAAwRQIhAIOd3vBSblsELpt3iKt4iuvfK/mRVMrN\n"
    "kRVWYpNghPdoAiAaFeUNmSs4CDLvxyENL6rV0cJ033I+0nXe1ejRveIxng==\n"
    "-----END CERTIFICATE-----\n",
};

#endif
