/*
 * main: ecs-hub, the hub behind libwebsockets: stations on /ocpp/<id>, the HTTP API, the live page.
 */
#include <errno.h>
#include <getopt.h>
#include <libwebsockets.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "hub/hub.h"
#include "hub/page.h"
#include "web/server.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { SNAPSHOT_MAX = 1024 * 1024, SNAPSHOT_US = 500000 };

static volatile sig_atomic_t stop;

struct conn {
    struct app *app;
    struct web_socket *socket;
    struct hub_peer *peer; /* of a station */
    bool live;             /* a live page */
    struct conn *prev, *next;
};

struct app {
    struct hub *hub;
    struct conn *conns;
    size_t pages;
    bool speaks_ocpp; /* of the upgrade under way: accept and open come in one go */
    char host[256];   /* the same: how the station calls us */
    char *snapshot;
    size_t snapshot_len;
    uint64_t snapshot_us;
};

static uint64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int64_t unix_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void log_line(void *ctx, int level, const char *text)
{
    (void)ctx;
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct timespec ts;
    struct tm tm;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(stderr, "%s.%03ldZ %-7s %s\n", when, ts.tv_nsec / 1000000, names[level & 3], text);
}

/* ---- HTTP ---- */

static void on_reply(void *ctx, int status, const char *json)
{
    web_reply_json(ctx, status, json);
}

/* true: the path is that of a file, or would be. */
static bool file_reply(struct app *app, struct web_exchange *x, const char *path)
{
    struct hub_file f;
    char why[300];
    int status = hub_file_open(app->hub, path, &f, why, sizeof(why));
    if (status == 200) {
        /* Never shown: what a station has sent must not run as a page of ours. */
        const struct web_file file = {.fd = f.fd,
                                      .size = f.size,
                                      .content_type = "application/octet-stream",
                                      .etag = f.etag,
                                      .name = f.name};
        web_reply_file(x, &file);
    } else if (status) {
        web_reply_error(x, status, "%s", why);
    }
    return status != 0;
}

/* A body on its way into a file. */
struct arrival {
    struct web_exchange *x;
    struct hub_upload *upload;
};

static bool arrival_data(void *ctx, const void *bytes, size_t len)
{
    struct arrival *a = ctx;
    if (hub_upload_data(a->upload, bytes, len))
        return true;
    char answer[600];
    int status = hub_upload_end(a->upload, false, answer, sizeof(answer), unix_ms(), now_us());
    a->upload = NULL;
    web_reply_json(a->x, status, answer);
    return false;
}

static void arrival_end(void *ctx, bool whole)
{
    struct arrival *a = ctx;
    if (a->upload) {
        char answer[600];
        int status = hub_upload_end(a->upload, whole, answer, sizeof(answer), unix_ms(), now_us());
        if (whole)
            web_reply_json(a->x, status, answer);
    }
    free(a);
}

static enum web_taking on_body(void *ctx, struct web_exchange *x, const struct web_request *r,
                               uint64_t length, struct web_sink *sink)
{
    struct app *app = ctx;
    char why[300];
    struct arrival *a = calloc(1, sizeof(*a));
    int status = a ? hub_upload_begin(app->hub, r->method, r->path, length, &a->upload, why, sizeof(why),
                                      unix_ms(), now_us())
                   : 0;
    if (status == 200) {
        a->x = x;
        *sink = (struct web_sink){.ctx = a, .data = arrival_data, .end = arrival_end};
        return WEB_IN_PIECES;
    }
    free(a);
    if (!status)
        return WEB_IN_MEMORY;
    web_reply_error(x, status, "%s", why);
    return WEB_ANSWERED;
}

static void on_request(void *ctx, struct web_exchange *x, const struct web_request *r)
{
    struct app *app = ctx;
    if (strcmp(r->method, "GET") == 0 && file_reply(app, x, r->path))
        return;
    if (strncmp(r->path, "/api/", 5) == 0) {
        hub_request(app->hub, r->method, r->path, r->query, r->body, on_reply, x, unix_ms(), now_us());
        return;
    }
    if (strncmp(r->path, "/files/", 7) == 0) {
        web_reply_error(x, 404, "nothing here: the hub gives stations the addresses of files");
        return;
    }
    const char *path = strcmp(r->path, "/") == 0 ? "/index.html" : r->path;
    for (const struct page_file *f = page_files; f->path; f++)
        if (strcmp(f->path, path) == 0) {
            if (strcmp(r->method, "GET") == 0)
                web_reply(x, 200, f->type, f->data, f->len);
            else
                web_reply_error(x, 405, "use GET");
            return;
        }
    web_reply_error(x, 404, "nothing here: the page is at /, the API at /api/v1/site");
}

static void on_aborted(void *ctx, struct web_exchange *x)
{
    struct app *app = ctx;
    hub_forget_reply(app->hub, x);
}

/* ---- WebSockets ---- */

static bool station_send(void *ctx, const char *text, size_t len)
{
    struct conn *c = ctx;
    return web_ws_send(c->socket, text, len);
}

static void station_close(void *ctx, const char *why)
{
    struct conn *c = ctx;
    web_ws_close(c->socket, LWS_CLOSE_STATUS_NORMAL, why);
}

static int on_accept(void *ctx, const struct web_ws_offer *offer, char *chosen, size_t cap)
{
    struct app *app = ctx;
    chosen[0] = 0;
    if (strcmp(offer->path, "/live") == 0)
        return 0;
    if (strncmp(offer->path, "/ocpp/", 6) != 0 || strchr(offer->path + 6, '/') || !offer->path[6])
        return 404;
    app->speaks_ocpp = false;
    snprintf(app->host, sizeof(app->host), "%s", offer->host);
    for (const char *p = offer->subprotocols; *p;) {
        size_t len = strcspn(p, ", \t");
        if (len == 9 && strncmp(p, "ocpp2.0.1", 9) == 0) {
            app->speaks_ocpp = true;
            snprintf(chosen, cap, "ocpp2.0.1");
        }
        p += len;
        p += strspn(p, ", \t");
    }
    return 0;
}

static void on_open(void *ctx, struct web_socket *s, const char *path)
{
    struct app *app = ctx;
    struct conn *c = calloc(1, sizeof(*c));
    if (!c) {
        web_ws_close(s, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, "out of memory");
        return;
    }
    c->app = app;
    c->socket = s;
    web_ws_set_user(s, c);
    c->next = app->conns;
    if (c->next)
        c->next->prev = c;
    app->conns = c;
    if (strncmp(path, "/ocpp/", 6) == 0) {
        if (!app->speaks_ocpp) {
            /* OCPP-J 2.0.1, 3.1.2: agree to the WebSocket without a sub-protocol, then close it. */
            web_ws_close(s, LWS_CLOSE_STATUS_PROTOCOL_ERR, "sub-protocol ocpp2.0.1 is needed");
            return;
        }
        const struct hub_link link = {
            .ctx = c, .send = station_send, .close = station_close, .host = app->host};
        c->peer = hub_connected(app->hub, path + 6, &link, unix_ms(), now_us());
        if (!c->peer)
            web_ws_close(s, LWS_CLOSE_STATUS_POLICY_VIOLATION, "this is no identity of a charging station");
        return;
    }
    c->live = true;
    app->pages++;
    if (app->snapshot_len)
        web_ws_send(s, app->snapshot, app->snapshot_len);
}

static void on_text(void *ctx, struct web_socket *s, const char *text, size_t len)
{
    (void)ctx;
    struct conn *c = web_ws_user(s);
    if (c && c->peer)
        hub_text(c->peer, text, len, unix_ms(), now_us());
}

static void on_closed(void *ctx, struct web_socket *s)
{
    struct app *app = ctx;
    struct conn *c = web_ws_user(s);
    if (!c)
        return;
    if (c->peer)
        hub_disconnected(c->peer, now_us());
    if (c->prev)
        c->prev->next = c->next;
    else
        app->conns = c->next;
    app->pages -= c->live;
    if (c->next)
        c->next->prev = c->prev;
    free(c);
}

static void tell_pages(struct app *app)
{
    uint64_t now = now_us();
    size_t len;
    if (now - app->snapshot_us < SNAPSHOT_US || !hub_snapshot(app->hub, app->snapshot, SNAPSHOT_MAX, &len))
        return;
    app->snapshot_us = now;
    app->snapshot_len = len;
    for (struct conn *c = app->conns, *next; c; c = next) {
        next = c->next;
        if (c->live &&
            web_ws_queued(c->socket) == 0) /* a slow page misses some, it gets the next one whole */
            web_ws_send(c->socket, app->snapshot, len);
    }
}

/* ---- command line ---- */

static const char help[] =
    "ecs-hub: site server for charging stations that speak OCPP 2.0.1. Shares the site's current.\n"
    "\n"
    "  ecs-hub [options]\n"
    "\n"
    "Stations connect to ws://HOST:PORT/ocpp/<stationId>; the live page is http://HOST:PORT/, the HTTP\n"
    "API below http://HOST:PORT/api/v1/ (docs/hub.md).\n"
    "\n"
    "  --listen HOST:PORT   address and port (127.0.0.1:8887); port 0: any free one; host * : all "
    "addresses.\n"
    "                       There is no login: leave it on loopback, or put it on a network that is only "
    "yours\n"
    "  --db FILE            SQLite database (ecs-hub.db in the present folder); :memory: keeps nothing\n"
    "  --site-limit A       current of the site per phase, 1..10000 A, or 0: nobody charges (as it was last "
    "set;\n"
    "                       32 the first time)\n"
    "  --margin A           kept free in each phase, for the tolerance of meters and cars (0)\n"
    "  --min A              smallest current that is granted to a car (6)\n"
    "  --lease S            how long a granted limit lasts without renewal, at least 15 s (60)\n"
    "  --rotate S           how long a car charges before it makes room for one that waits (900)\n"
    "  --meter-interval S   meter values during a transaction, told to stations; 0: leave theirs (5)\n"
    "  --heartbeat S        heartbeat interval told to stations (60)\n"
    "  --tokens A,B,...     tokens that may charge; * : all (*)\n"
    "  --auto-start         start a transaction whenever a car is plugged in\n"
    "  --keep-days N        delete log lines, meter values and files of stations older than this; 0: never "
    "(400)\n"
    "  --files DIR          folder for firmware images and for logs that stations send (FILE-files beside "
    "the\n"
    "                       database; with :memory: none)\n"
    "  --public-url URL     how stations reach this hub over HTTP, as http://hub.local:8887, if not under "
    "the\n"
    "                       address to which they connect (behind a proxy)\n"
    "  --log-level L        error, warning, info or debug: what is written to standard error (warning)\n"
    "  --seed N             makes message ids the same every time (for tests)\n"
    "  --help, --version\n"
    "\n"
    "Ends on SIGTERM and SIGINT. Exit status: 0 ended by a signal, 1 it could not start or go on (port "
    "taken,\n"
    "database unusable or used by another hub), 2 wrong command line.\n";

static bool number(const char *name, const char *text, double least, double most, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end != text && !*end && !errno && *out >= least && *out <= most)
        return true;
    fprintf(stderr, "ecs-hub: --%s must be a number from %g to %g, not \"%s\"\n", name, least, most, text);
    return false;
}

static bool whole(const char *name, const char *text, double least, double most, int *out)
{
    double v;
    if (!number(name, text, least, most, &v))
        return false;
    if (v == (double)(int)v) {
        *out = (int)v;
        return true;
    }
    fprintf(stderr, "ecs-hub: --%s must be a whole number, not \"%s\"\n", name, text);
    return false;
}

/* 0 is a limit too: nobody charges. Between 0 and 1 A it is a slip (kiloamperes, a comma). */
static bool site_limit(const char *text, struct hub_cfg *cfg)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno || !(v == 0 || (v >= 1 && v <= 10000))) {
        fprintf(stderr, "ecs-hub: --site-limit must be 0 (nobody charges) or from 1 to 10000, not \"%s\"\n",
                text);
        return false;
    }
    cfg->site_limit_a = v;
    cfg->nobody_charges = v == 0;
    return true;
}

struct options {
    struct hub_cfg hub;
    char host[256];
    int port;
    bool done; /* --help and --version */
    char files[4096], public_url[300];
};

static bool listen_at(const char *text, struct options *o)
{
    const char *colon = strrchr(text, ':');
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5 || atoi(colon + 1) > 65535 || (size_t)(colon - text) >= sizeof(o->host)) {
        fprintf(stderr, "ecs-hub: --listen must be HOST:PORT, as 127.0.0.1:8887, not \"%s\"\n", text);
        return false;
    }
    size_t n = (size_t)(colon - text);
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    memcpy(o->host, text, n);
    o->host[n] = 0;
    if (strcmp(o->host, "*") == 0)
        o->host[0] = 0;
    o->port = atoi(colon + 1);
    return true;
}

static bool public_url(const char *text, struct options *o)
{
    size_t n = strlen(text), scheme = strncmp(text, "https://", 8) == 0  ? 8
                                      : strncmp(text, "http://", 7) == 0 ? 7
                                                                         : 0;
    while (n > scheme && text[n - 1] == '/')
        n--;
    bool ok = scheme && n > scheme && n < sizeof(o->public_url);
    for (size_t i = 0; ok && i < n; i++)
        ok = text[i] > ' ' && text[i] < 0x7f && !strchr("?#@\"\\", text[i]);
    if (!ok) {
        fprintf(stderr, "ecs-hub: --public-url must be like http://hub.local:8887, not \"%s\"\n", text);
        return false;
    }
    memcpy(o->public_url, text, n);
    o->hub.public_url = o->public_url;
    return true;
}

static bool options(int argc, char **argv, struct options *o)
{
    enum {
        LISTEN = 1,
        DB,
        LIMIT,
        MARGIN,
        MIN,
        LEASE,
        ROTATE,
        METER,
        BEAT,
        TOKENS,
        AUTO,
        KEEP,
        FILES,
        PUBLIC,
        LEVEL,
        SEED,
        HELP,
        VERSION
    };
    static const struct option list[] = {
        {"listen", required_argument, NULL, LISTEN},
        {"db", required_argument, NULL, DB},
        {"site-limit", required_argument, NULL, LIMIT},
        {"margin", required_argument, NULL, MARGIN},
        {"min", required_argument, NULL, MIN},
        {"lease", required_argument, NULL, LEASE},
        {"rotate", required_argument, NULL, ROTATE},
        {"meter-interval", required_argument, NULL, METER},
        {"heartbeat", required_argument, NULL, BEAT},
        {"tokens", required_argument, NULL, TOKENS},
        {"auto-start", no_argument, NULL, AUTO},
        {"keep-days", required_argument, NULL, KEEP},
        {"files", required_argument, NULL, FILES},
        {"public-url", required_argument, NULL, PUBLIC},
        {"log-level", required_argument, NULL, LEVEL},
        {"seed", required_argument, NULL, SEED},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
        {0},
    };
    hub_cfg_default(&o->hub);
    o->hub.database = "ecs-hub.db";
    o->hub.site_limit_a = 0;
    o->hub.batch = true;
    o->hub.log = log_line;
    listen_at("127.0.0.1:8887", o);
    bool ok = true;
    for (int c; ok && !o->done && (c = getopt_long(argc, argv, "h", list, NULL)) != -1;) {
        double seed;
        switch (c) {
        case LISTEN:
            ok = listen_at(optarg, o);
            break;
        case DB:
            o->hub.database = optarg;
            break;
        case LIMIT:
            ok = site_limit(optarg, &o->hub);
            break;
        case MARGIN:
            ok = number("margin", optarg, 0, 1000, &o->hub.margin_a);
            break;
        case MIN:
            ok = number("min", optarg, 1, 80, &o->hub.min_a);
            break;
        case LEASE:
            ok = whole("lease", optarg, 15, 86400, &o->hub.lease_s);
            break;
        case ROTATE:
            ok = whole("rotate", optarg, 10, 86400, &o->hub.rotate_s);
            break;
        case METER:
            ok = whole("meter-interval", optarg, 0, 3600, &o->hub.meter_interval_s);
            break;
        case BEAT:
            ok = whole("heartbeat", optarg, 1, 86400, &o->hub.heartbeat_s);
            break;
        case TOKENS:
            o->hub.tokens = optarg;
            break;
        case AUTO:
            o->hub.auto_start = true;
            break;
        case KEEP:
            ok = whole("keep-days", optarg, 0, 36500, &o->hub.keep_days);
            break;
        case FILES:
            ok = optarg[0] != 0;
            o->hub.files = optarg;
            if (!ok)
                fputs("ecs-hub: --files must be the name of a folder\n", stderr);
            break;
        case PUBLIC:
            ok = public_url(optarg, o);
            break;
        case LEVEL: {
            static const char *const names[] = {"error", "warning", "info", "debug"};
            o->hub.log_level = -1;
            for (int i = 0; i < 4; i++)
                if (strcmp(optarg, names[i]) == 0)
                    o->hub.log_level = i;
            ok = o->hub.log_level >= 0;
            if (!ok)
                fprintf(stderr, "ecs-hub: --log-level is error, warning, info or debug, not \"%s\"\n",
                        optarg);
            break;
        }
        case SEED:
            ok = number("seed", optarg, 1, 4294967295.0, &seed);
            o->hub.random_seed = ok ? (uint32_t)seed : 0;
            break;
        case HELP:
        case 'h':
            fputs(help, stdout);
            o->done = true;
            break;
        case VERSION:
            puts("ecs-hub " ECS_VERSION);
            o->done = true;
            break;
        default:
            ok = false; /* getopt has said what */
        }
    }
    if (ok && !o->hub.files && strcmp(o->hub.database, ":memory:") != 0) {
        ok = snprintf(o->files, sizeof(o->files), "%s-files", o->hub.database) < (int)sizeof(o->files);
        o->hub.files = o->files;
    }
    if (ok && !o->done && optind < argc) {
        fprintf(stderr, "ecs-hub: what is \"%s\"? All settings are options\n", argv[optind]);
        ok = false;
    }
    if (!ok)
        fputs("ecs-hub --help tells the options\n", stderr);
    return ok;
}

static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

static void on_timer(lws_sorted_usec_list_t *sul)
{
    (void)sul; /* it only has to end the wait */
}

int main(int argc, char **argv)
{
    struct options o = {0};
    if (!options(argc, argv, &o))
        return EXIT_USAGE;
    if (o.done)
        return EXIT_OK;
    const struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);

    struct app app = {0};
    int status = EXIT_FAILED;
    char err[400] = "out of memory";
    struct web_server *server = NULL;
    struct lws_context *context = web_context_create();
    app.snapshot = malloc(SNAPSHOT_MAX);
    app.hub = context && app.snapshot ? hub_open(&o.hub, err, sizeof(err)) : NULL;
    const struct web_handlers handlers = {
        .ctx = &app,
        .request = on_request,
        .body = on_body,
        .aborted = on_aborted,
        .ws_accept = on_accept,
        .ws_open = on_open,
        .ws_text = on_text,
        .ws_closed = on_closed,
    };
    const struct web_server_cfg cfg = {.host = o.host[0] ? o.host : NULL, .port = o.port};
    if (app.hub)
        server = web_server_open(context, &cfg, &handlers, err, sizeof(err));
    if (!server) {
        fprintf(stderr, "ecs-hub: %s\n", err);
        goto out;
    }
    if (strcmp(o.hub.database, ":memory:") != 0) {
        const char *db = o.hub.database; /* as given; a bare name is in the present folder */
        fprintf(stderr, "ecs-hub: database %s%s\n", strchr(db, '/') ? "" : "./", db);
    }
    const char *shown = o.host[0] ? o.host : "localhost";
    const char *open = strchr(shown, ':') ? "[" : "", *close = open[0] ? "]" : "";
    printf("ecs-hub: page http://%s%s%s:%d/ stations ws://%s%s%s:%d/ocpp/<id>\n", open, shown, close,
           web_server_port(server), open, shown, close, web_server_port(server));

    lws_sorted_usec_list_t timer = {0};
    while (!stop) {
        uint64_t next = hub_step(app.hub, unix_ms(), now_us());
        tell_pages(&app);
        uint64_t now = now_us();
        uint64_t wait = next > now ? next - now : 1000;
        if (app.pages && wait > SNAPSHOT_US)
            wait = SNAPSHOT_US;
        lws_sul_schedule(context, 0, &timer, on_timer, (lws_usec_t)wait);
        if (lws_service(context, 0) < 0)
            break;
    }
    status = stop ? EXIT_OK : EXIT_FAILED;
    lws_sul_schedule(context, 0, &timer, on_timer, LWS_SET_TIMER_USEC_CANCEL);
out:
    web_server_close(server);
    for (struct conn *c = app.conns, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    hub_close(app.hub);
    if (context)
        lws_context_destroy(context);
    free(app.snapshot);
    return status;
}
