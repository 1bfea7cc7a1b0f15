#include "linux/control_socket.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/site_report.h"
#include "web/server.h"

enum { LINE_MAX_LEN = 1000, WHY_MAX_LEN = 300 };

struct control_socket {
    struct site *site;
    struct web_server *server;
};

static const char page[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>ecs-sim</title>"
    "<style>body{font:15px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 "
    "1em}code{background:#8882;padding:0 "
    ".3em}td{vertical-align:top;padding:.1em .8em .1em 0}</style>"
    "<h1>ecs-sim control socket</h1>"
    "<p>Read: <a href=\"/state\"><code>GET /state</code></a> what is physically so, "
    "<a href=\"/stations\"><code>GET /stations</code></a> what the stations believe, "
    "<code>GET /value/N/NAME</code> one value.</p>"
    "<p>Do: <code>POST /stations/N/VERB[/ARGUMENT…]</code>, or <code>POST /do</code> with "
    "<code>{\"station\":1,\"verb\":\"fault weld on\"}</code>. Stations count from 1; 0 is all of them.</p>"
    "<p><code>curl -d '' http://127.0.0.1:PORT/stations/1/unplug</code></p>"
    "<table>"
    "<tr><td><code>plug</code> <code>unplug</code><td>cable and car come and go"
    "<tr><td><code>ready on|off</code><td>the car wants energy"
    "<tr><td><code>token ID [TYPE]</code><td>presented at the reader"
    "<tr><td><code>button</code><td>the user's button"
    "<tr><td><code>fault NAME on|off</code><td>diode, cp_short, cp_open, weld, rcd, …"
    "<tr><td><code>car NAME VALUE</code> <code>mains …</code> <code>adc …</code><td>change the world's parts"
    "<tr><td><code>network on|off</code><td>the station's network cable"
    "<tr><td><code>power on|off [torn]</code><td>the station's supply; torn: its flash is cut in mid-write"
    "<tr><td><code>set NAME VALUE</code><td>a setting, as at the console"
    "</table><p>All verbs and values: docs/simulator.md.</p></html>";

/* Decimal station number from 0 to count; −1: not one. */
static int station_number(const char *text, size_t len, int count)
{
    int n = 0;
    if (len == 0 || len > 4)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        n = n * 10 + (text[i] - '0');
    }
    return n <= count ? n : -1;
}

static void carry_out(struct control_socket *c, struct web_exchange *x, int number, const char *line)
{
    char why[WHY_MAX_LEN] = "";
    if (!site_do(c->site, number, line, why, sizeof why))
        web_reply_error(x, 400, "%s", why[0] ? why : "refused");
    else
        web_reply_json(x, 200, "{\"ok\":true}");
}

/* {"station": 1, "verb": "fault weld on"}; "args" may carry further words. */
static void post_do(struct control_socket *c, struct web_exchange *x, const struct web_request *r)
{
    cJSON *json = cJSON_ParseWithLength(r->body, r->body_len);
    const cJSON *station = cJSON_GetObjectItemCaseSensitive(json, "station");
    const cJSON *verb = cJSON_GetObjectItemCaseSensitive(json, "verb");
    double n = cJSON_IsNumber(station) ? station->valuedouble : !station && c->site->count == 1 ? 1 : -1;
    if (!cJSON_IsObject(json) || !cJSON_IsString(verb) || strlen(verb->valuestring) > LINE_MAX_LEN)
        web_reply_error(x, 400, "wanted: {\"station\": NUMBER, \"verb\": \"VERB ARGUMENT…\"}");
    else if (n < 0 || n > c->site->count || n != (double)(int)n)
        web_reply_error(x, 400, "station: a number from 1 to %d, or 0 for all", c->site->count);
    else
        carry_out(c, x, (int)n, verb->valuestring);
    cJSON_Delete(json);
}

/* /stations/N/VERB/ARG…: slashes become blanks; a body is one more argument. */
static void post_station(struct control_socket *c, struct web_exchange *x, const struct web_request *r)
{
    const char *at = r->path + strlen("/stations/");
    size_t digits = strcspn(at, "/");
    int n = station_number(at, digits, c->site->count);
    if (n < 0) {
        web_reply_error(x, 404, "stations are 1 to %d, 0 is all", c->site->count);
        return;
    }
    char line[LINE_MAX_LEN + 1];
    int len = snprintf(line, sizeof line, "%s%s%s", at[digits] ? at + digits + 1 : "",
                       r->body_len && at[digits] ? " " : "", r->body_len ? r->body : "");
    if (len <= 0 || (size_t)len >= sizeof line) {
        web_reply_error(x, 400, "a verb of at most %d characters is wanted", LINE_MAX_LEN);
        return;
    }
    for (int i = 0; at[digits] && i < (int)strlen(at + digits + 1); i++)
        if (line[i] == '/')
            line[i] = ' ';
    carry_out(c, x, n, line);
}

static void get_value(struct control_socket *c, struct web_exchange *x, const char *rest)
{
    char value[200];
    size_t digits = strcspn(rest, "/");
    int n = station_number(rest, digits, c->site->count);
    if (n < 1 || !rest[digits]) {
        web_reply_error(x, 404, "wanted: /value/STATION/NAME, stations are 1 to %d", c->site->count);
        return;
    }
    struct sim_station *st = c->site->station[n - 1];
    sim_station_lock(st);
    bool known = scenario_get(&c->site->host, n, rest + digits + 1, value, sizeof value);
    sim_station_unlock(st);
    if (!known) {
        web_reply_error(x, 404, "no value is called %s", rest + digits + 1);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    char *end;
    double number = strtod(value, &end);
    if (end != value && !*end)
        cJSON_AddNumberToObject(o, "value", number);
    else
        cJSON_AddStringToObject(o, "value", value);
    char *json = cJSON_PrintUnformatted(o);
    web_reply_json(x, json ? 200 : 500, json ? json : "{\"error\":\"no memory\"}");
    free(json);
    cJSON_Delete(o);
}

static void reply_owned(struct web_exchange *x, char *json)
{
    if (json)
        web_reply_json(x, 200, json);
    else
        web_reply_error(x, 500, "no memory");
    free(json);
}

static void on_request(void *ctx, struct web_exchange *x, const struct web_request *r)
{
    struct control_socket *c = ctx;
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    if (get && strcmp(r->path, "/") == 0)
        web_reply(x, 200, "text/html; charset=utf-8", page, sizeof page - 1);
    else if (get && strcmp(r->path, "/state") == 0)
        reply_owned(x, site_state_json(c->site));
    else if (get && strcmp(r->path, "/stations") == 0)
        reply_owned(x, site_stations_json(c->site));
    else if (get && strncmp(r->path, "/value/", 7) == 0)
        get_value(c, x, r->path + 7);
    else if (post && strcmp(r->path, "/do") == 0)
        post_do(c, x, r);
    else if (post && strncmp(r->path, "/stations/", 10) == 0)
        post_station(c, x, r);
    else
        web_reply_error(x, get || post ? 404 : 405, "%s %s: nothing here; GET / lists what is", r->method,
                        r->path);
}

static void on_aborted(void *ctx, struct web_exchange *x)
{
    (void)ctx; /* every request is answered before on_request returns */
    (void)x;
}

struct control_socket *control_socket_open(struct lws_context *context, struct site *site, int port,
                                           char *err, size_t cap)
{
    struct control_socket *c = calloc(1, sizeof *c);
    if (!c) {
        (void)snprintf(err, cap, "no memory");
        return NULL;
    }
    c->site = site;
    const struct web_server_cfg cfg = {.host = "127.0.0.1", .port = port};
    const struct web_handlers handlers = {.ctx = c, .request = on_request, .aborted = on_aborted};
    c->server = web_server_open(context, &cfg, &handlers, err, cap);
    if (!c->server) {
        free(c);
        return NULL;
    }
    return c;
}

int control_socket_port(const struct control_socket *c)
{
    return web_server_port(c->server);
}

void control_socket_close(struct control_socket *c)
{
    if (!c)
        return;
    web_server_close(c->server);
    free(c);
}
