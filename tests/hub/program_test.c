/*
 * The program ecs-hub over loopback sockets: command line, a station's session, the API, the live page, its
 * end. argv[1]: the program.
 */
#include "tests/web/raw_client.h"

#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;

struct run {
    pid_t pid;
    int port;
    char first[300]; /* line on standard output */
};

static void idle(void *ctx)
{
    (void)ctx;
    const struct timespec ms = {.tv_nsec = 1000000};
    nanosleep(&ms, NULL);
}

static void start(struct run *r, char *const argv[])
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        dup2(fd[1], 1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(98);
        close(fd[0]);
        close(fd[1]);
        execv(program, argv);
        _exit(99);
    }
    close(fd[1]);
    FILE *f = fdopen(fd[0], "r");
    r->first[0] = 0;
    if (!fgets(r->first, sizeof(r->first), f))
        r->first[0] = 0;
    fclose(f);
    const char *at = strstr(r->first, "127.0.0.1:");
    r->port = at ? atoi(at + 10) : 0;
}

static int end(struct run *r, int sig)
{
    int status = -1;
    if (sig)
        kill(r->pid, sig);
    waitpid(r->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void command_line(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4];
        int status;
    } rows[] = {
        {{"--help"}, 0},
        {{"--version"}, 0},
        {{"--nothing"}, 2},
        {{"stray"}, 2},
        {{"--listen", "8887"}, 2},
        {{"--listen", "127.0.0.1:99999"}, 2},
        {{"--site-limit", "many"}, 2},
        {{"--site-limit", "0.5"}, 2},
        {{"--site-limit", "10001"}, 2},
        {{"--site-limit", "-0.1"}, 2},
        {{"--site-limit", "0", "--version"}, 0},
        {{"--lease", "1"}, 2},
        {{"--log-level", "loud"}, 2},
        {{"--files", ""}, 2},
        {{"--public-url", "hub.local"}, 2},
        {{"--public-url", "http://"}, 2},
        {{"--public-url", "http://a b"}, 2},
        {{"--public-url", "https://hub.local/x/", "--version"}, 0},
        {{"--db", "/nowhere/at/all.db"}, 1},
        {{"--db", ":memory:", "--listen", "192.0.2.77:0"}, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[6] = {(char *)(uintptr_t)program};
        for (int k = 0; k < 4 && rows[i].argv[k]; k++)
            argv[k + 1] = (char *)(uintptr_t)rows[i].argv[k];
        struct run r;
        start(&r, argv);
        int status = end(&r, 0);
        if (status != rows[i].status)
            fail_msg("%s: %d, wanted %d", rows[i].argv[0], status, rows[i].status);
    }
}

/* The next text, answering pings. */
static void next_text(struct raw *r, char *out, size_t cap)
{
    for (;;) {
        size_t len;
        int op = raw_next(r, out, cap, &len);
        if (op == 9) {
            raw_frame(r, 10, true, out, len);
            continue;
        }
        assert_int_equal(op, 1);
        return;
    }
}

/* Answers the hub's calls until one that contains `what` has come, which is left in out. */
static void until(struct raw *r, const char *what, char *out, size_t cap)
{
    for (int i = 0; i < 50; i++) {
        next_text(r, out, cap);
        if (strncmp(out, "[2,\"", 4) == 0) {
            char id[40] = "", answer[200];
            sscanf(out + 4, "%39[^\"]", id);
            snprintf(answer, sizeof(answer), "[3,\"%s\",{\"status\":\"Accepted\"}]", id);
            assert_true(raw_frame(r, 1, true, answer, strlen(answer)));
        }
        if (strstr(out, what))
            return;
    }
    fail_msg("never heard %s", what);
}

static void say(struct raw *r, const char *text)
{
    assert_true(raw_frame(r, 1, true, text, strlen(text)));
}

/* What is written to the end of standard error, of a run that ends by itself. */
static int run_to_end(char *const argv[], char *out, size_t cap)
{
    int fd[2], status = -1;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fd[1], 2);
        close(fd[0]);
        close(fd[1]);
        execv(program, argv);
        _exit(99);
    }
    close(fd[1]);
    size_t at = 0;
    for (ssize_t n; at + 1 < cap && (n = read(fd[0], out + at, cap - at - 1)) > 0;)
        at += (size_t)n;
    out[at] = 0;
    close(fd[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void one_hub_per_database(void **state)
{
    (void)state;
    char folder[] = "/tmp/ecs-hub-lock-XXXXXX", db[64], link[64], file[80], out[4000], pid[40];
    assert_non_null(mkdtemp(folder));
    snprintf(db, sizeof(db), "%s/a.db", folder);
    snprintf(link, sizeof(link), "%s/b.db", folder);
    assert_int_equal(symlink(db, link), 0);
    char *const argv[] = {(char *)(uintptr_t)program, "--listen", "127.0.0.1:0", "--db", db, NULL};
    char *const again[] = {(char *)(uintptr_t)program, "--listen", "127.0.0.1:0", "--db", link, NULL};
    struct run run;
    start(&run, argv);
    assert_true(run.port > 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run_to_end(i ? again : argv, out, sizeof(out)), 1);
        snprintf(pid, sizeof(pid), "another hub (process %ld)", (long)run.pid);
        assert_non_null(strstr(out, pid));
        assert_non_null(strstr(out, db));
    }
    sqlite3 *reader; /* people may look meanwhile */
    assert_int_equal(sqlite3_open_v2(db, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "SELECT * FROM setting", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(reader);
    end(&run, SIGKILL); /* a lock that is left behind is none */
    start(&run, again);
    assert_true(run.port > 0);
    assert_int_equal(end(&run, SIGTERM), 0);
    snprintf(file, sizeof(file), "%s-lock", db);
    assert_int_not_equal(access(file, F_OK), 0); /* nothing is left */
    unlink(link);
    unlink(db);
    assert_int_equal(rmdir(folder), 0);
}

static void a_session(void **state)
{
    (void)state;
    char db[] = "/tmp/ecs-hub-program-XXXXXX";
    int fd = mkstemp(db);
    assert_true(fd >= 0);
    close(fd);
    char *const argv[] = {
        (char *)(uintptr_t)program, "--listen", "127.0.0.1:0", "--db", db, "--site-limit", "25", NULL};
    struct run run;
    start(&run, argv);
    assert_true(run.port > 0);
    struct raw *station = malloc(sizeof(*station)), *page = malloc(sizeof(*page)),
               *http = malloc(sizeof(*http));
    static char out[400000];
    assert_true(raw_connect(station, run.port, idle, NULL) && raw_connect(page, run.port, idle, NULL) &&
                raw_connect(http, run.port, idle, NULL));

    assert_int_equal(raw_http(http, "GET", "/", "", NULL, out, sizeof(out)), 200);
    assert_non_null(strstr(out, "/hub.js"));
    assert_int_equal(raw_http(http, "GET", "/hub.js", "", NULL, out, sizeof(out)), 200);
    assert_int_equal(raw_http(http, "GET", "/hub.css", "", NULL, out, sizeof(out)), 200);
    assert_int_equal(raw_http(http, "GET", "/../etc/passwd", "", NULL, out, sizeof(out)), 404);
    assert_int_equal(raw_http(http, "POST", "/", "", "", out, sizeof(out)), 405);
    assert_int_equal(raw_http(http, "GET", "/api/v1/health", "", NULL, out, sizeof(out)), 200);

    assert_int_equal(raw_upgrade(page, "/live", "", out, sizeof(out)), 101);
    next_text(page, out, sizeof(out));
    assert_non_null(strstr(out, "\"limit_a\":25"));

    assert_int_equal(
        raw_upgrade(station, "/ocpp/CP%201", "Sec-WebSocket-Protocol: ocpp2.0.1\r\n", out, sizeof(out)), 101);
    assert_int_equal(raw_next(station, out, sizeof(out), NULL), 8); /* no name for a station */
    raw_close(station);
    assert_true(raw_connect(station, run.port, idle, NULL));
    assert_int_equal(
        raw_upgrade(station, "/ocpp/CP1", "Sec-WebSocket-Protocol: ocpp1.6\r\n", out, sizeof(out)), 101);
    assert_null(strstr(out, "Sec-WebSocket-Protocol"));
    assert_int_equal(raw_next(station, out, sizeof(out), NULL), 8);
    raw_close(station);
    assert_true(raw_connect(station, run.port, idle, NULL));
    assert_int_equal(
        raw_upgrade(station, "/ocpp/CP1", "Sec-WebSocket-Protocol: ocpp1.6, ocpp2.0.1\r\n", out, sizeof(out)),
        101);
    assert_non_null(strstr(out, "Sec-WebSocket-Protocol: ocpp2.0.1\r\n"));

    say(station, "[2,\"1\",\"BootNotification\",{\"reason\":\"PowerUp\",\"chargingStation\":{\"model\":\"M\","
                 "\"vendorName\":"
                 "\"V\"}}]");
    until(station, "[3,\"1\",", out, sizeof(out));
    assert_non_null(strstr(out, "\"Accepted\""));
    until(station, "\"limit\":0}", out, sizeof(out));
    say(station,
        "[2,\"2\",\"TransactionEvent\",{\"eventType\":\"Started\",\"timestamp\":\"2024-01-01T00:00:00Z\","
        "\"triggerReason\":\"Authorized\",\"seqNo\":0,\"transactionInfo\":{\"transactionId\":\"T1\","
        "\"chargingState\":\"SuspendedEVSE\"},\"evse\":{\"id\":1},\"idToken\":{\"idToken\":\"X\",\"type\":"
        "\"ISO14443\"}}]");
    until(station, "\"stackLevel\":1", out, sizeof(out));
    assert_non_null(strstr(out, "\"limit\":25}"));

    /* a call from the API, answered by the station */
    static const char call[] =
        "POST /api/v1/stations/CP1/call/GetReport HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15"
        "\r\n\r\n{\"requestId\":7}";
    assert_true(raw_text(http, call));
    until(station, "{\"requestId\":7}", out, sizeof(out));
    char headers[2000];
    assert_int_equal(raw_response(http, headers, sizeof(headers), out, sizeof(out)), 200);
    assert_string_equal(out, "{\"result\":{\"status\":\"Accepted\"}}");

    for (int i = 0;; i++) {
        next_text(page, out, sizeof(out));
        if (strstr(out, "\"id\":\"CP1\"") && strstr(out, "\"T1\""))
            break;
        assert_in_range(i, 0, 20);
    }
    assert_int_equal(end(&run, SIGTERM), 0);
    raw_close(station);
    raw_close(page);
    raw_close(http);

    /* again, on what it has stored */
    start(&run, argv);
    assert_true(raw_connect(http, run.port, idle, NULL));
    assert_int_equal(raw_http(http, "GET", "/api/v1/transactions/T1", "", NULL, out, sizeof(out)), 200);
    assert_non_null(strstr(out, "\"station\":\"CP1\""));
    raw_close(http);
    assert_int_equal(end(&run, SIGINT), 0);
    free(station);
    free(page);
    free(http);
    char extra[64];
    unlink(db);
    snprintf(extra, sizeof(extra), "%s-wal", db);
    unlink(extra);
    snprintf(extra, sizeof(extra), "%s-shm", db);
    unlink(extra);
}

/* A firmware image goes in and out, a log is asked for and comes, over real sockets. */
static void files(void **state)
{
    (void)state;
    char dir[] = "/tmp/ecs-hub-files-XXXXXX", db[60];
    assert_non_null(mkdtemp(dir));
    snprintf(db, sizeof(db), "%s/site.db", dir);
    char *const argv[] = {(char *)(uintptr_t)program, "--listen", "127.0.0.1:0", "--db", db, NULL};
    enum { IMAGE = 3000000 };
    static char image[IMAGE + 1], out[IMAGE + 1000];
    char headers[2000], head[300], path[200] = "";
    for (size_t i = 0; i < IMAGE; i++)
        image[i] = (char)(33 + i * 31 % 90);
    struct run run;
    start(&run, argv);
    assert_true(run.port > 0);
    struct raw *station = malloc(sizeof(*station)), *http = malloc(sizeof(*http));
    assert_true(raw_connect(station, run.port, idle, NULL) && raw_connect(http, run.port, idle, NULL));

    snprintf(head, sizeof(head),
             "PUT /api/v1/firmware/new.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
             (int)IMAGE);
    assert_true(raw_text(http, head) && raw_send(http, image, IMAGE));
    assert_int_equal(raw_response(http, headers, sizeof(headers), out, sizeof(out)), 201);
    assert_string_equal(out, "{\"name\":\"new.bin\",\"size\":3000000}");
    assert_int_equal(
        raw_http(http, "GET", "/files/firmware/new.bin", "Range: bytes=2900000-\r\n", NULL, out, sizeof(out)),
        206);
    assert_string_equal(out, image + 2900000);
    assert_int_equal(
        raw_http(http, "GET", "/files/firmware/%2e%2e%2f%2e%2e%2fsite.db", "", NULL, out, sizeof(out)), 404);
    assert_int_equal(raw_http(http, "GET", "/files/firmware/..%2f..%2fsite.db", "", NULL, out, sizeof(out)),
                     404);
    assert_int_equal(raw_http(http, "GET", "/files/upload/x", "", NULL, out, sizeof(out)), 404);
    assert_int_equal(raw_http(http, "PUT", "/api/v1/firmware/a%20b", "", "x", out, sizeof(out)), 400);
    assert_non_null(strstr(out, "a firmware image's name has"));
    assert_int_equal(raw_http(http, "PUT", "/api/v1/firmware/empty", "", "", out, sizeof(out)), 400);

    assert_int_equal(
        raw_upgrade(station, "/ocpp/CP1", "Sec-WebSocket-Protocol: ocpp2.0.1\r\n", out, sizeof(out)), 101);
    say(station, "[2,\"1\",\"BootNotification\",{\"reason\":\"PowerUp\",\"chargingStation\":{\"model\":\"M\","
                 "\"vendorName\":\"V\"}}]");
    until(station, "[3,\"1\",", out, sizeof(out));
    assert_true(raw_text(
        http, "POST /api/v1/stations/CP1/getlog HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"));
    until(station, "\"GetLog\"", out, sizeof(out));
    const char *at = strstr(out, "http://127.0.0.1/files/upload/"); /* as raw_upgrade calls the hub */
    assert_non_null(at);
    sscanf(at + 16, "%190[^\"]", path);
    assert_int_equal(raw_response(http, headers, sizeof(headers), out, sizeof(out)), 200);
    assert_int_equal(raw_http(http, "PUT", path, "", "line one", out, sizeof(out)), 201);
    assert_int_equal(raw_http(http, "PUT", "/files/upload/0123", "", "x", out, sizeof(out)), 404);
    assert_int_equal(raw_http(http, "GET", "/api/v1/stations/CP1/files", "", NULL, out, sizeof(out)), 200);
    assert_non_null(strstr(out, "\"url\":\"/api/v1/stations/CP1/files/1\""));
    assert_true(raw_text(http, "GET /api/v1/stations/CP1/files/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_int_equal(raw_response(http, headers, sizeof(headers), out, sizeof(out)), 200);
    assert_string_equal(out, "line one");
    assert_non_null(strstr(headers, "content-type: application/octet-stream\r\n"));
    assert_non_null(strstr(headers, "content-disposition: attachment"));
    /* it ends in the middle of an upload */
    assert_true(raw_text(http, head) && raw_send(http, image, 100000));
    assert_int_equal(end(&run, SIGTERM), 0);
    raw_close(station);
    raw_close(http);
    snprintf(head, sizeof(head), "test -z \"$(find %s -name '.part-*')\" && rm -r %s", dir, dir);
    assert_int_equal(system(head), 0);
    free(station);
    free(http);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: hub_program_test PROGRAM\n");
        return 2;
    }
    program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_line),
        cmocka_unit_test(one_hub_per_database),
        cmocka_unit_test(a_session),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
