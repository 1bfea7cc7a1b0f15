/*
 * ecs-launch: the boot loader of one simulated station: two slots that hold ecs-sim programs, the boot
 * records, and what a reset does, as on the chip. It starts what is in the slot, and starts it again when it
 * restarts or dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linux/flash_file.h"
#include "linux/options.h"
#include "linux/slots.h"
#include "update/signature.h"

enum { PATH_CAP = 4096, SLOT_MB = 32, SLOT_MB_MAX = 1024, ARGS_MAX = 200, CRASH_PAUSE_MS = 500 };

static const char help_text[] =
    "ecs-launch: the boot loader of one simulated station\n"
    "\n"
    "  ecs-launch --dir DIR --install FILE        firmware from the factory, into slot 0\n"
    "  ecs-launch --dir DIR -- OPTIONS            starts what the boot records name, with these options of "
    "ecs-sim\n"
    "  ecs-launch --dir DIR --inspect             what is in the slots, and which of them would be started\n"
    "\n"
    "  --dir DIR            of slots, boot records and the station's own state; made if missing\n"
    "  --install FILE       a firmware file of ecs-image whose image is a program: ecs-sim, this version or "
    "another\n"
    "  --slot-size MB       of each slot when they are made (default 32)\n"
    "  --help               this;  --version  which ecs-launch this is\n"
    "\n"
    "Firmware that an update brings is started on probation: unless it confirms itself, the next restart, "
    "whatever\n"
    "its cause, starts the one before. A program that ends with 5 is started again, one that is killed too.\n"
    "\n"
    "Exit codes: that of ecs-sim when it has ended; 2 command line, 3 files, or nothing that could be "
    "started\n";

static volatile sig_atomic_t interrupted, child; /* a signal handler has no other place */

static void on_signal(int number)
{
    interrupted = 1;
    if (child > 0)
        kill((pid_t)child, number);
}

__attribute__((format(printf, 2, 3))) static int fail(int code, const char *fmt, ...)
{
    va_list ap;
    fputs("ecs-launch: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

/* ---- the flash ---- */

struct flash {
    struct flash_file *file[3];
    struct slots slots;
};

static void flash_close(struct flash *f)
{
    for (int i = 0; i < 3; i++) {
        flash_file_close(f->file[i]);
        f->file[i] = NULL;
    }
}

static bool flash_open(struct flash *f, const char *dir, uint32_t slot_bytes)
{
    static const char *const names[] = {"slot0.flash", "slot1.flash", "otadata.flash"};
    struct port_flash *area[] = {&f->slots.slot[0], &f->slots.slot[1], &f->slots.records};
    char path[PATH_CAP], err[PATH_CAP + 100];
    memset(f, 0, sizeof *f);
    for (int i = 0; i < 3; i++) {
        if (snprintf(path, sizeof path, "%s/%s", dir, names[i]) >= (int)sizeof path)
            return false;
        uint32_t there = flash_file_size(path), wanted = i < 2 ? slot_bytes : 2 * PORT_FLASH_SECTOR;
        f->file[i] = flash_file_open(path, there ? there : wanted, err, sizeof err);
        if (!f->file[i]) {
            (void)fail(0, "%s", err);
            flash_close(f);
            return false;
        }
        flash_file_port(f->file[i], area[i]);
    }
    return true;
}

/* ---- firmware from the factory ---- */

static int install(const char *dir, const char *path, uint32_t slot_bytes)
{
    struct flash f;
    struct manifest m;
    uint8_t head[MANIFEST_BYTES], sector[PORT_FLASH_SECTOR];
    FILE *in = fopen(path, "rb");
    if (!in)
        return fail(EXIT_NO_START, "%s: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, in);
    enum manifest_result r = manifest_read(&m, head, n);
    const char *wrong =
        r == MANIFEST_OK ? signature_check_manifest(trust_built_in(), &m, head) : manifest_result_text(r);
    if (wrong || !flash_open(&f, dir, slot_bytes)) {
        (void)fclose(in);
        return wrong ? fail(EXIT_USAGE, "%s: %s", path, wrong) : EXIT_NO_START;
    }
    const struct port_flash *slot = &f.slots.slot[0];
    uint32_t room = slot->size - PORT_FLASH_SECTOR, at = 0;
    bool ok = m.size <= room && slot->erase(slot->ctx, 0, slot->size) == PORT_OK;
    while (ok && (n = fread(sector, 1, sizeof sector, in)) > 0) {
        ok = at + n <= m.size && slot->program(slot->ctx, at, sector, n) == PORT_OK;
        at += (uint32_t)n;
    }
    (void)fclose(in);
    ok = ok && slot->program(slot->ctx, room, head, sizeof head) == PORT_OK &&
         slots_manifest(&f.slots, 0, &m) && slots_install(&f.slots, 0) == PORT_OK;
    flash_close(&f);
    if (!ok)
        return fail(EXIT_NO_START, "%s: does not fit (--slot-size), or is not what its manifest says", path);
    printf("slot 0: %s, %u bytes\n", m.version, (unsigned)m.size);
    return EXIT_HELD;
}

static int inspect(const char *dir)
{
    struct flash f;
    struct manifest m;
    if (!flash_open(&f, dir, SLOT_MB << 20))
        return EXIT_NO_START;
    for (int i = 0; i < 2; i++) {
        if (slots_manifest(&f.slots, i, &m))
            printf("slot %d: %s, %u bytes, security number %u\n", i, m.version, (unsigned)m.size,
                   (unsigned)m.security);
        else
            printf("slot %d: nothing that could be started\n", i);
    }
    int next;
    bool probation;
    if (slots_next(&f.slots, &next, &probation))
        printf("next start: slot %d%s\n", next, probation ? ", on probation" : "");
    flash_close(&f);
    return EXIT_HELD;
}

/* ---- a start ---- */

/* The image in the slot as a program. */
static bool unpack(const struct slots *s, const char *path)
{
    struct manifest m;
    uint8_t sector[PORT_FLASH_SECTOR];
    const struct port_flash *slot = &s->slot[s->running];
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    bool ok = fd >= 0 && slots_manifest(s, s->running, &m);
    for (uint32_t at = 0; ok && at < m.size; at += sizeof sector) {
        uint32_t n = m.size - at < sizeof sector ? m.size - at : (uint32_t)sizeof sector;
        ok = slot->read(slot->ctx, at, sector, n) == PORT_OK && write(fd, sector, n) == (ssize_t)n;
    }
    return fd >= 0 && close(fd) == 0 && ok;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* One life of the firmware. Returns the status of waitpid; −1: it could not be started. */
static int live(const char *dir, bool restarted, bool *probation, char **args, int count)
{
    struct flash f;
    char program[PATH_CAP], launched[PATH_CAP + 8], *argv[ARGS_MAX + 4];
    struct manifest m;
    if (!flash_open(&f, dir, SLOT_MB << 20))
        return -1;
    if (snprintf(program, sizeof program, "%s/running", dir) >= (int)sizeof program ||
        !slots_boot(&f.slots) || !unpack(&f.slots, program) ||
        !slots_manifest(&f.slots, f.slots.running, &m)) {
        flash_close(&f);
        return -1;
    }
    *probation = f.slots.probation;
    fprintf(stderr, "ecs-launch: slot %d, %s%s%s\n", f.slots.running, m.version,
            f.slots.probation ? ", on probation" : "",
            f.slots.other_failed ? "; the firmware in the other slot has failed" : "");
    (void)snprintf(launched, sizeof launched, "%d%s%s%s:%s", f.slots.running, f.slots.probation ? "p" : "",
                   f.slots.other_failed ? "f" : "", restarted ? "s" : "", dir);
    flash_close(&f); /* they are the firmware's now */
    int n = 0;
    argv[n++] = program;
    for (int i = 0; i < count; i++)
        argv[n++] = args[i];
    char option[] = "--launched";
    argv[n++] = option;
    argv[n++] = launched;
    argv[n] = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        (void)execv(program, argv);
        _exit(127);
    }
    child = (sig_atomic_t)pid;
    int status = pid < 0 ? -1 : wait_for(pid);
    child = 0;
    return status;
}

static int run(const char *dir, char **args, int count)
{
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_signal;
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    bool restarted = false;
    for (;;) {
        bool probation = false;
        int status = live(dir, restarted, &probation, args, count);
        if (status == -1)
            return fail(EXIT_NO_START, "%s: no slot holds anything that could be started", dir);
        if (interrupted)
            return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_HELD;
        restarted = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RESTART;
        /* Firmware on probation that does not even start is a crash to the boot loader. */
        if (WIFEXITED(status) && !restarted && !(probation && WEXITSTATUS(status) > EXIT_FAILED))
            return WEXITSTATUS(status);
        if (!restarted) {
            if (WIFSIGNALED(status))
                (void)fail(0, "the firmware was killed by signal %d", WTERMSIG(status));
            else
                (void)fail(0, "the firmware ended with %d", WEXITSTATUS(status));
            pause_ms(CRASH_PAUSE_MS);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct option table[] = {{"dir", required_argument, NULL, 'd'},
                                          {"install", required_argument, NULL, 'i'},
                                          {"inspect", no_argument, NULL, 'I'},
                                          {"slot-size", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, 'v'},
                                          {NULL, 0, NULL, 0}};
    const char *dir = NULL, *file = NULL;
    bool look = false;
    long mb = SLOT_MB;
    int opt;
    char *end;
    while ((opt = getopt_long(argc, argv, "+", table, NULL)) != -1) {
        switch (opt) {
        case 'd':
            dir = optarg;
            break;
        case 'i':
            file = optarg;
            break;
        case 'I':
            look = true;
            break;
        case 's':
            errno = 0;
            mb = strtol(optarg, &end, 10);
            if (errno || *end || end == optarg || mb < 1 || mb > SLOT_MB_MAX)
                return fail(EXIT_USAGE, "--slot-size wants 1 to %d megabytes, not %s", SLOT_MB_MAX, optarg);
            break;
        case 'h':
            fputs(help_text, stdout);
            return EXIT_HELD;
        case 'v':
            puts("ecs-launch " ECS_VERSION);
            return EXIT_HELD;
        default:
            return fail(EXIT_USAGE, "ecs-launch --help lists the options");
        }
    }
    if (!dir)
        return fail(EXIT_USAGE, "--dir is missing; ecs-launch --help lists the options");
    if (argc - optind > ARGS_MAX)
        return fail(EXIT_USAGE, "too many options");
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return fail(EXIT_NO_START, "%s: %s", dir, strerror(errno));
    if (file) {
        int code = install(dir, file, (uint32_t)mb << 20);
        if (code != EXIT_HELD || optind == argc)
            return code;
    }
    if (look)
        return inspect(dir);
    return run(dir, argv + optind, argc - optind);
}
