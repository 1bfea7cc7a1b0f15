/*
 * ecs-image: makes, signs, inspects and verifies firmware files, and makes the keys for it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/image_sign.h"

enum {
    CODE_OK = 0,
    CODE_BAD = 1,
    CODE_USAGE = 2,
    CODE_FILE = 3,
    BLOCK = 65536,
    ERR_CAP = 400,
    PATH_CAP = 4096
};

static const char help_text[] =
    "ecs-image: firmware files for ECSACP1 stations: a signed manifest, and the image behind it\n"
    "\n"
    "  ecs-image make --image BIN --version 1.2.3 --key KEY.pem --out FILE [--board ID] [--security N]\n"
    "  ecs-image sign FILE --key KEY.pem          signs an existing file again, with another key\n"
    "  ecs-image inspect FILE                     what its manifest says\n"
    "  ecs-image verify FILE [--public PUB.pem]   whether a station takes it; without --public: one that "
    "trusts\n"
    "                                             the keys this program was built with\n"
    "  ecs-image keygen --out KEY.pem             a new private key (P-256), readable for its owner alone\n"
    "  ecs-image public KEY.pem [--out PUB.pem]   the public half, as update/development_keys.h wants it, "
    "and "
    "as\n"
    "                                             a file for verify --public\n"
    "\n"
    "  --image BIN      what the boot loader wants: build/ecsacp1.bin of ESP-IDF, or an ecs-sim program\n"
    "  --version V      three numbers, and what you like after a '-'\n"
    "  --board ID       default ECSACP1\n"
    "  --security N     security number (default: that of this source); stations go back behind none\n"
    "  --help           this;  --program-version  which ecs-image this is\n"
    "\n"
    "Exit codes\n"
    "  0  done; verify: a station takes it\n"
    "  1  verify, inspect: the file is not good, and why\n"
    "  2  command line not understood\n"
    "  3  a file could not be read or written\n";

struct options {
    const char *image, *version, *key, *out, *board, *public;
    uint32_t security;
    const char *file;
};

__attribute__((format(printf, 2, 3))) static int fail(int code, const char *fmt, ...)
{
    va_list ap;
    fputs("ecs-image: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

static void hex(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
}

/* Size and digest of what is left of a file. */
static bool measure(FILE *f, uint64_t *size, uint8_t digest[MANIFEST_DIGEST_BYTES])
{
    static uint8_t block[BLOCK];
    struct digest d;
    size_t n;
    *size = 0;
    digest_begin(&d);
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        digest_add(&d, block, n);
        *size += n;
    }
    return digest_end(&d, digest) && !ferror(f);
}

/* `out` gets the manifest and, from `in`, the image; under another name until it is whole. */
static int write_file(const char *path, const uint8_t head[MANIFEST_BYTES], FILE *in)
{
    static uint8_t block[BLOCK];
    char name[PATH_CAP];
    size_t n;
    if (snprintf(name, sizeof name, "%s.new", path) >= (int)sizeof name)
        return fail(CODE_FILE, "%s: name too long", path);
    FILE *out = fopen(name, "wb");
    bool ok = out && fwrite(head, 1, MANIFEST_BYTES, out) == MANIFEST_BYTES;
    while (ok && (n = fread(block, 1, sizeof block, in)) > 0)
        ok = fwrite(block, 1, n, out) == n;
    ok = out && fclose(out) == 0 && ok && !ferror(in);
    if (ok && rename(name, path) == 0)
        return CODE_OK;
    int why = errno;
    (void)unlink(name);
    return fail(CODE_FILE, "%s: %s", path, strerror(why));
}

static int make(const struct options *o)
{
    struct manifest m = {.security = o->security};
    uint8_t head[MANIFEST_BYTES];
    char err[ERR_CAP];
    uint64_t size;
    if (!o->image || !o->version || !o->key || !o->out)
        return fail(CODE_USAGE, "make wants --image, --version, --key and --out");
    if (!manifest_version_ok(o->version))
        return fail(CODE_USAGE, "--version %s: not three numbers, or too long", o->version);
    if (strlen(o->board) > MANIFEST_BOARD_MAX)
        return fail(CODE_USAGE, "--board: longer than %d characters", MANIFEST_BOARD_MAX);
    (void)snprintf(m.board, sizeof m.board, "%s", o->board);
    (void)snprintf(m.version, sizeof m.version, "%s", o->version);
    FILE *in = fopen(o->image, "rb");
    if (!in)
        return fail(CODE_FILE, "%s: %s", o->image, strerror(errno));
    struct image_key *key = NULL;
    int code = CODE_FILE;
    if (!measure(in, &size, m.digest) || size == 0 || size > UINT32_MAX) {
        code = fail(CODE_FILE, "%s: empty, or not to be read", o->image);
    } else if ((key = image_key_open(o->key, err, sizeof err)) == NULL) {
        code = fail(CODE_FILE, "%s", err);
    } else {
        m.size = (uint32_t)size;
        rewind(in);
        code = image_sign(key, &m, head)
                   ? write_file(o->out, head, in)
                   : fail(CODE_USAGE, "--board %s: letters, digits, '.' and '-' only", o->board);
    }
    image_key_close(key);
    (void)fclose(in);
    return code;
}

/* The manifest of o->file; the file is left behind it. */
static FILE *open_file(const struct options *o, struct manifest *m, uint8_t head[MANIFEST_BYTES], int *code)
{
    if (!o->file) {
        *code = fail(CODE_USAGE, "which file?");
        return NULL;
    }
    FILE *f = fopen(o->file, "rb");
    if (!f) {
        *code = fail(CODE_FILE, "%s: %s", o->file, strerror(errno));
        return NULL;
    }
    size_t n = fread(head, 1, MANIFEST_BYTES, f);
    if (ferror(f)) {
        *code = fail(CODE_FILE, "%s: %s", o->file, strerror(errno));
    } else {
        enum manifest_result r = manifest_read(m, head, n);
        if (r == MANIFEST_OK)
            return f;
        *code = fail(CODE_BAD, "%s: %s", o->file, manifest_result_text(r));
    }
    (void)fclose(f);
    return NULL;
}

/* NULL: the image is what the manifest says. */
static const char *check_image(FILE *f, const struct manifest *m)
{
    uint8_t digest[MANIFEST_DIGEST_BYTES];
    uint64_t size;
    if (!measure(f, &size, digest))
        return "can't be read";
    if (size != m->size)
        return size < m->size ? "the image is shorter than the manifest says" : "something follows the image";
    return memcmp(digest, m->digest, sizeof digest) == 0 ? NULL : "the image is not what its manifest says";
}

static int sign(const struct options *o)
{
    struct manifest m;
    uint8_t head[MANIFEST_BYTES];
    char err[ERR_CAP];
    int code = CODE_FILE;
    if (!o->key)
        return fail(CODE_USAGE, "sign wants --key");
    FILE *f = open_file(o, &m, head, &code);
    if (!f)
        return code;
    const char *wrong = check_image(f, &m);
    struct image_key *key = wrong ? NULL : image_key_open(o->key, err, sizeof err);
    if (wrong) {
        code = fail(CODE_BAD, "%s: %s", o->file, wrong);
    } else if (!key) {
        code = fail(CODE_FILE, "%s", err);
    } else {
        (void)fseek(f, MANIFEST_BYTES, SEEK_SET);
        code = image_sign(key, &m, head) ? write_file(o->out ? o->out : o->file, head, f)
                                         : fail(CODE_BAD, "%s: can't be signed", o->file);
    }
    image_key_close(key);
    (void)fclose(f);
    return code;
}

static int inspect(const struct options *o)
{
    struct manifest m;
    uint8_t head[MANIFEST_BYTES];
    int code = CODE_OK;
    FILE *f = open_file(o, &m, head, &code);
    if (!f)
        return code;
    const char *wrong = check_image(f, &m);
    (void)fclose(f);
    printf("board      %s\nversion    %s\nsecurity   %u\nsize       %u\nsha256     ", m.board, m.version,
           (unsigned)m.security, (unsigned)m.size);
    hex(m.digest, sizeof m.digest);
    printf("\nkey        ");
    hex(m.key_id, sizeof m.key_id);
    printf("\nsignature  ");
    hex(m.signature, sizeof m.signature);
    printf("\nimage      %s\n", wrong ? wrong : "as the manifest says");
    return wrong ? CODE_BAD : CODE_OK;
}

static int verify(const struct options *o)
{
    struct manifest m;
    uint8_t head[MANIFEST_BYTES], point[1][SIGNATURE_POINT_BYTES];
    char err[ERR_CAP];
    int code = CODE_OK;
    struct trust trust = *trust_built_in();
    FILE *f = open_file(o, &m, head, &code);
    if (!f)
        return code;
    const char *wrong = NULL;
    if (o->public && !image_point_read(o->public, point[0], err, sizeof err)) {
        (void)fclose(f);
        return fail(CODE_FILE, "%s", err);
    }
    if (o->public) {
        trust.key = (const uint8_t(*)[SIGNATURE_POINT_BYTES])point;
        trust.keys = 1;
        trust.development = false;
    }
    wrong = signature_check_manifest(&trust, &m, head);
    if (!wrong)
        wrong = check_image(f, &m);
    (void)fclose(f);
    if (!wrong && strcmp(m.board, o->board) != 0)
        wrong = "made for another board";
    if (wrong)
        return fail(CODE_BAD, "%s: %s", o->file, wrong);
    printf("%s: %s for %s, good%s\n", o->file, m.version, m.board,
           trust.development ? " (signed with the development key: for the bench only)" : "");
    return CODE_OK;
}

static int keygen(const struct options *o)
{
    char err[ERR_CAP];
    if (!o->out)
        return fail(CODE_USAGE, "keygen wants --out");
    struct image_key *key = image_key_make(o->out, err, sizeof err);
    if (!key)
        return fail(CODE_FILE, "%s", err);
    image_key_close(key);
    return CODE_OK;
}

static int public(const struct options *o)
{
    char err[ERR_CAP];
    if (!o->file)
        return fail(CODE_USAGE, "which key?");
    struct image_key *key = image_key_open(o->file, err, sizeof err);
    if (!key)
        return fail(CODE_FILE, "%s", err);
    const uint8_t *p = image_key_point(key);
    if (o->out && !image_point_write(o->out, p, err, sizeof err)) {
        image_key_close(key);
        return fail(CODE_FILE, "%s", err);
    }
    puts("static const uint8_t trusted_keys[][SIGNATURE_POINT_BYTES] = {{");
    for (int i = 0; i < SIGNATURE_POINT_BYTES; i++)
        printf("%s0x%02x,%s", i % 13 ? " " : "    ", p[i], i % 13 == 12 ? "\n" : "");
    puts("}};");
    image_key_close(key);
    return CODE_OK;
}

static const struct {
    const char *name;
    int (*run)(const struct options *o);
} verbs[] = {{"make", make},     {"sign", sign},     {"inspect", inspect},
             {"verify", verify}, {"keygen", keygen}, {"public", public}};

static bool whole(const char *text, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    /* settings.def: update_floor */
    if (errno || *end || end == text || *text == '-' || v > 1000000000)
        return false;
    *out = (uint32_t)v;
    return true;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {
        {"image", required_argument, NULL, 'i'},     {"version", required_argument, NULL, 'v'},
        {"key", required_argument, NULL, 'k'},       {"out", required_argument, NULL, 'o'},
        {"board", required_argument, NULL, 'b'},     {"security", required_argument, NULL, 's'},
        {"public", required_argument, NULL, 'p'},    {"help", no_argument, NULL, 'h'},
        {"program-version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    struct options o = {.board = MANIFEST_BOARD, .security = UPDATE_SECURITY};
    int opt;
    while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (opt) {
        case 'i':
            o.image = optarg;
            break;
        case 'v':
            o.version = optarg;
            break;
        case 'k':
            o.key = optarg;
            break;
        case 'o':
            o.out = optarg;
            break;
        case 'b':
            o.board = optarg;
            break;
        case 's':
            if (!whole(optarg, &o.security))
                return fail(CODE_USAGE, "--security wants a number up to 1000000000, not %s", optarg);
            break;
        case 'p':
            o.public = optarg;
            break;
        case 'h':
            fputs(help_text, stdout);
            return CODE_OK;
        case 'V':
            puts("ecs-image " ECS_VERSION);
            return CODE_OK;
        default:
            return fail(CODE_USAGE, "ecs-image --help lists the options");
        }
    }
    if (optind >= argc)
        return fail(CODE_USAGE, "make, sign, inspect, verify, keygen or public? ecs-image --help tells more");
    const char *verb = argv[optind++];
    if (optind < argc)
        o.file = argv[optind++];
    if (optind < argc)
        return fail(CODE_USAGE, "%s: one file at a time", argv[optind]);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verb, verbs[i].name) == 0)
            return verbs[i].run(&o);
    return fail(CODE_USAGE, "%s: make, sign, inspect, verify, keygen or public, please", verb);
}
