#include "linux/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/ws_url.h"
#include "sim/words.h"
#include "store/settings.h"

static const char help_text[] =
    "ecs-sim: charging stations with simulated cars, mains and electronics, against any OCPP 2.0.1 server\n"
    "\n"
    "  ecs-sim --url ws://HOST:PORT/PATH --id ID [options]\n"
    "  ecs-sim --virtual [options]\n"
    "\n"
    "Who and where\n"
    "  --url URL            ws:// or wss:// address of the server; the station's id is appended as a last "
    "segment\n"
    "  --id ID              identity of the first station (default CP1); with --stations N its trailing "
    "number counts\n"
    "                       up (CP1 CP2 …), an id without one gets -1, -2, … appended\n"
    "  --password TEXT      for HTTP basic authentication, the user being the station's id\n"
    "  --ca-file FILE       PEM certificates that wss:// servers are checked against (default: the "
    "system's)\n"
    "  --stations N         how many, 1 to 1000 (default 1)\n"
    "  --set NAME=VALUE     a setting of every station (see docs/settings.md); may be repeated\n"
    "\n"
    "What happens\n"
    "  --scenario FILE      timed actions and expectations (docs/simulator.md); the run ends with it\n"
    "  --keep-running       go on after the end of the scenario\n"
    "  --duration TIME      end after so many seconds (90), or 90s, 5m, 1h30m; a scenario that has not ended "
    "by then has failed\n"
    "  --control PORT       HTTP control socket on 127.0.0.1 (0: any free port, printed); not with "
    "--virtual\n"
    "  --virtual            no sockets and no waiting: time jumps, the peer is the hub in this process\n"
    "  --latency MS         of that peer's network, one way (default 20)\n"
    "  --auto-start         that peer authorises every car that is plugged in\n"
    "  --seed S             of the worlds' spread and noise, and with --virtual of every identifier (default "
    "1)\n"
    "  --tolerance SHARE    spread of the analogue front ends (default 0: ideal; 0.01 is 1 %)\n"
    "\n"
    "What is kept and shown\n"
    "  --state-dir DIR      flash and settings of the stations; without it they live in a temporary place "
    "and go\n"
    "                       with the run\n"
    "  --frame-log FILE     every OCPP frame as a JSON line\n"
    "  --table              a line per station every second, and the site's current per phase\n"
    "  --site-limit A       current per phase that all stations together must not pass, measured in the "
    "world;\n"
    "                       0.5 A more for a whole mains cycle breaks the promise. With --virtual also the "
    "hub's limit\n"
    "  --require-charge     promise that every station has charged by the end\n"
    "  --summary FILE       {stations, charged, site_limit_a, max_phase_a, violations, messages, reconnects} "
    "at the end\n"
    "  --quiet              only errors on stderr;  --verbose  everything\n"
    "  --help               this;  --version  which ecs-sim this is\n"
    "\n"
    "Exit codes\n"
    "  0  ended as asked (Ctrl-C included), scenario and promises held\n"
    "  1  the scenario failed or a promise was broken\n"
    "  2  command line or scenario file not understood\n"
    "  3  could not start: files, port or memory\n"
    "  4  frame log or summary could not be written\n"
    "  5  started by ecs-launch: the station restarts\n";

const char *options_help(void)
{
    return help_text;
}

__attribute__((format(printf, 3, 4))) static bool wrong(char *err, size_t cap, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err, cap, fmt, ap);
    va_end(ap);
    return false;
}

static bool number(const char *text, double min, double max, double *out)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno || !isfinite(v) || v < min || v > max)
        return false;
    *out = v;
    return true;
}

static bool whole(const char *text, long min, long max, long *out)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (end == text || *end || errno || v < min || v > max)
        return false;
    *out = v;
    return true;
}

/* Said here rather than in a log line of the first start-up, where nobody reads it. */
static bool setting_ok(const char *name, const char *value, char *err, size_t cap)
{
    enum setting_id id;
    if (!settings_find(name, &id))
        return wrong(err, cap, "--set %s: no setting is called so", name);
    const struct setting_info *info = settings_info(id);
    long v;
    switch (info->type) {
    case SETTING_INT:
        if (!whole(value, info->min, info->max, &v))
            return wrong(err, cap, "--set %s: %s is not a whole number from %ld to %ld", name, value,
                         (long)info->min, (long)info->max);
        return true;
    case SETTING_BOOL:
        if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0 && strcmp(value, "true") != 0 &&
            strcmp(value, "false") != 0)
            return wrong(err, cap, "--set %s: %s is not 0, 1, false or true", name, value);
        return true;
    case SETTING_TEXT:
        if (strlen(value) > (size_t)info->max)
            return wrong(err, cap, "--set %s: longer than %ld characters", name, (long)info->max);
        return true;
    }
    return false;
}

static bool set_add(struct options *o, char *text, char *err, size_t cap)
{
    char *eq = strchr(text, '=');
    if (!eq || eq == text)
        return wrong(err, cap, "--set wants NAME=VALUE, not %s", text);
    if (o->settings == OPTIONS_SETTINGS_MAX)
        return wrong(err, cap, "more than %d times --set", OPTIONS_SETTINGS_MAX);
    const char *name = text;
    *eq = '\0';
    if (strcmp(name, "server_url") == 0 || strcmp(name, "station_id") == 0 || strcmp(name, "password") == 0)
        return wrong(err, cap, "--set %s: has an option of its own", name);
    if (!setting_ok(name, eq + 1, err, cap))
        return false;
    o->set_name[o->settings] = name;
    o->set_value[o->settings++] = eq + 1;
    return true;
}

bool options_station_id(const char *id, int index, int count, char *out, size_t cap)
{
    int n;
    size_t len = strlen(id), digits = 0;
    while (digits < len && digits < 9 && isdigit((unsigned char)id[len - 1 - digits]))
        digits++;
    if (count == 1)
        n = snprintf(out, cap, "%s", id);
    else if (digits == 0)
        n = snprintf(out, cap, "%s-%d", id, index + 1);
    else
        n = snprintf(out, cap, "%.*s%0*ld", (int)(len - digits), id, (int)digits,
                     strtol(id + len - digits, NULL, 10) + index);
    return n > 0 && n <= OPTIONS_ID_MAX && (size_t)n < cap;
}

/* OCPP 2.0.1 identifierString: letters, digits and * - _ = : + | @ . */
static bool id_ok(const char *id)
{
    if (!*id || id[0] == '.')
        return false;
    for (; *id; id++)
        if (!isalnum((unsigned char)*id) && !strchr("*-_=:+|@.", *id))
            return false;
    return true;
}

enum {
    OPT_URL = 1000,
    OPT_ID,
    OPT_PASSWORD,
    OPT_CA_FILE,
    OPT_STATIONS,
    OPT_SET,
    OPT_SCENARIO,
    OPT_KEEP_RUNNING,
    OPT_DURATION,
    OPT_CONTROL,
    OPT_VIRTUAL,
    OPT_LATENCY,
    OPT_AUTO_START,
    OPT_SEED,
    OPT_TOLERANCE,
    OPT_STATE_DIR,
    OPT_LAUNCHED,
    OPT_FRAME_LOG,
    OPT_TABLE,
    OPT_SITE_LIMIT,
    OPT_REQUIRE_CHARGE,
    OPT_SUMMARY,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_HELP,
    OPT_VERSION,
};

static const struct option table[] = {
    {"url", required_argument, NULL, OPT_URL},
    {"id", required_argument, NULL, OPT_ID},
    {"password", required_argument, NULL, OPT_PASSWORD},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"stations", required_argument, NULL, OPT_STATIONS},
    {"set", required_argument, NULL, OPT_SET},
    {"scenario", required_argument, NULL, OPT_SCENARIO},
    {"keep-running", no_argument, NULL, OPT_KEEP_RUNNING},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"virtual", no_argument, NULL, OPT_VIRTUAL},
    {"latency", required_argument, NULL, OPT_LATENCY},
    {"auto-start", no_argument, NULL, OPT_AUTO_START},
    {"seed", required_argument, NULL, OPT_SEED},
    {"tolerance", required_argument, NULL, OPT_TOLERANCE},
    {"state-dir", required_argument, NULL, OPT_STATE_DIR},
    {"launched", required_argument, NULL, OPT_LAUNCHED},
    {"frame-log", required_argument, NULL, OPT_FRAME_LOG},
    {"table", no_argument, NULL, OPT_TABLE},
    {"site-limit", required_argument, NULL, OPT_SITE_LIMIT},
    {"require-charge", no_argument, NULL, OPT_REQUIRE_CHARGE},
    {"summary", required_argument, NULL, OPT_SUMMARY},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* SLOT[p][f][s]:DIR; p: on probation, f: the other slot has failed, s: restarted as it wished */
static bool launched(struct options *o, const char *text)
{
    if (*text != '0' && *text != '1')
        return false;
    o->slot = *text++ - '0';
    o->probation = *text == 'p';
    text += o->probation;
    o->other_failed = *text == 'f';
    text += o->other_failed;
    o->restarted = *text == 's';
    text += o->restarted;
    if (*text != ':' || !text[1])
        return false;
    o->slots_dir = text + 1;
    return true;
}

static bool take(struct options *o, int opt, char *arg, char *err, size_t cap)
{
    long n;
    uint64_t us;
    char *end;
    switch (opt) {
    case OPT_URL:
        o->url = arg;
        return true;
    case OPT_ID:
        o->id = arg;
        return true;
    case OPT_PASSWORD:
        o->password = arg;
        return true;
    case OPT_CA_FILE:
        o->ca_file = arg;
        return true;
    case OPT_STATIONS:
        if (!whole(arg, 1, OPTIONS_STATIONS_MAX, &n))
            return wrong(err, cap, "--stations wants 1 to %d, not %s", OPTIONS_STATIONS_MAX, arg);
        o->stations = (int)n;
        return true;
    case OPT_SET:
        return set_add(o, arg, err, cap);
    case OPT_SCENARIO:
        o->scenario = arg;
        return true;
    case OPT_KEEP_RUNNING:
        o->keep_running = true;
        return true;
    case OPT_DURATION:
        if (words_duration_us(arg, &us) && us >= 1000) {
            o->duration_s = (double)us / 1e6;
            return true;
        }
        return number(arg, 0.001, 1e9, &o->duration_s) ||
               wrong(err, cap, "--duration wants seconds, or a time like 90s, 5m or 1h30m, not %s", arg);
    case OPT_CONTROL:
        if (!whole(arg, 0, 65535, &n))
            return wrong(err, cap, "--control wants a port from 0 to 65535, not %s", arg);
        o->control_port = (int)n;
        return true;
    case OPT_VIRTUAL:
        o->virtual_time = true;
        return true;
    case OPT_LATENCY:
        return number(arg, 0, 60000, &o->latency_ms) ||
               wrong(err, cap, "--latency wants 0 to 60000 milliseconds, not %s", arg);
    case OPT_AUTO_START:
        o->auto_start = true;
        return true;
    case OPT_SEED:
        errno = 0;
        o->seed = strtoull(arg, &end, 0);
        o->seed_given = true;
        return (end != arg && !*end && !errno && *arg != '-') ||
               wrong(err, cap, "--seed wants a number, not %s", arg);
    case OPT_TOLERANCE:
        return number(arg, 0, 0.2, &o->tolerance) ||
               wrong(err, cap, "--tolerance wants 0 to 0.2, not %s", arg);
    case OPT_STATE_DIR:
        o->state_dir = arg;
        return true;
    case OPT_LAUNCHED:
        return launched(o, arg) || wrong(err, cap, "--launched is for ecs-launch alone");
    case OPT_FRAME_LOG:
        o->frame_log = arg;
        return true;
    case OPT_TABLE:
        o->table = true;
        return true;
    case OPT_SITE_LIMIT:
        return number(arg, 0.1, 10000, &o->site_limit_a) ||
               wrong(err, cap, "--site-limit wants amperes, not %s", arg);
    case OPT_REQUIRE_CHARGE:
        o->require_charge = true;
        return true;
    case OPT_SUMMARY:
        o->summary = arg;
        return true;
    case OPT_QUIET:
        o->quiet = true;
        return true;
    case OPT_VERBOSE:
        o->verbose = true;
        return true;
    case OPT_HELP:
        o->help = true;
        return true;
    case OPT_VERSION:
        o->version = true;
        return true;
    default:
        return wrong(err, cap, "unknown option");
    }
}

static bool check(const struct options *o, char *err, size_t cap)
{
    struct ws_url url;
    char id[OPTIONS_ID_MAX + 1];
    if (!id_ok(o->id))
        return wrong(err, cap, "--id %s: letters, digits and *-_=:+|@. only, no dot first", o->id);
    if (!options_station_id(o->id, o->stations - 1, o->stations, id, sizeof id))
        return wrong(err, cap, "--id: longer than %d characters", OPTIONS_ID_MAX);
    if (o->password && strlen(o->password) > 40)
        return wrong(err, cap, "--password: longer than 40 characters"); /* OCPP 2.0.1 A00.FR.205 */
    if (o->virtual_time) {
        if (o->url)
            return wrong(err, cap, "--virtual has its own peer: no --url with it");
        if (o->control_port >= 0)
            return wrong(err, cap, "--virtual opens no sockets: no --control with it");
        if (!o->scenario && o->duration_s <= 0)
            return wrong(err, cap, "--virtual would never end: give --scenario or --duration");
        if (o->keep_running && o->duration_s <= 0)
            return wrong(err, cap, "--virtual --keep-running would never end: give --duration");
        return true;
    }
    if (!o->url)
        return wrong(err, cap, "--url is missing (or --virtual)");
    if (strlen(o->url) > 255 || !ws_url_parse(o->url, &url))
        return wrong(err, cap, "--url %s: not ws://HOST[:PORT]/PATH or wss://…", o->url);
    if (o->auto_start)
        return wrong(err, cap, "--auto-start is for --virtual: a real hub has an option of that name");
    if (o->slots_dir && (o->stations != 1 || o->virtual_time))
        return wrong(err, cap, "--launched: one station, in real time");
    return true;
}

bool options_parse(struct options *out, int argc, char **argv, char *err, size_t cap)
{
    *out = (struct options){.id = "CP1", .stations = 1, .control_port = -1, .seed = 1, .latency_ms = 20};
    optind = 1;
    opterr = 0;
    int opt;
    while ((opt = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        if (opt == ':')
            return wrong(err, cap, "%s needs a value", argv[optind - 1]);
        if (opt == '?' && optopt >= OPT_URL)
            return wrong(err, cap, "%s: this option takes no value", argv[optind - 1]);
        if (opt == '?' && optopt)
            return wrong(err, cap, "-%c: unknown option", optopt);
        if (opt == '?')
            return wrong(err, cap, "%s: unknown option", argv[optind - 1]);
        if (!take(out, opt, optarg, err, cap))
            return false;
    }
    if (out->help || out->version)
        return true;
    if (optind < argc)
        return wrong(err, cap, "%s: not an option", argv[optind]);
    return check(out, err, cap);
}
