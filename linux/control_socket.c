#include "linux/control_socket.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub/page.h"
#include "linux/site_report.h"
#include "web/server.h"

enum { LINE_MAX_LEN = 1000, WHY_MAX_LEN = 300 };

struct control_socket {
    struct site *site;
    struct web_server *server;
};

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
        web_reply_json(x, 200, "{\"ok\":true}\n");
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

/* /lcd.png, /lcd.png?station=N (what follows it is for caches) */
static void get_lcd(struct control_socket *c, struct web_exchange *x, const struct web_request *r)
{
    static const char key[] = "station=";
    const char *at = r->query;
    while (*at && strncmp(at, key, sizeof key - 1) != 0) {
        at += strcspn(at, "&");
        at += *at == '&';
    }
    int n = *at ? station_number(at + sizeof key - 1, strcspn(at + sizeof key - 1, "&"), c->site->count) : 1;
    if (n < 1 || n > c->site->count) {
        web_reply_error(x, 404, "wanted: /lcd.png?station=N, stations are 1 to %d", c->site->count);
        return;
    }
    size_t len = 0;
    void *file = sim_station_lcd_png(c->site->station[n - 1], &len);
    if (file)
        web_reply(x, 200, "image/png", file, len);
    else
        web_reply_error(x, 500, "no memory");
    free(file);
}

/* The page's own files. false: there is none of this name. */
static bool get_page(struct web_exchange *x, const char *path)
{
    for (const struct page_file *f = page_files; f->path; f++)
        if (strcmp(f->path, strcmp(path, "/") == 0 ? "/index.html" : path) == 0) {
            web_reply(x, 200, f->type, f->data, f->len);
            return true;
        }
    return false;
}

static void on_request(void *ctx, struct web_exchange *x, const struct web_request *r)
{
    struct control_socket *c = ctx;
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    if (get && get_page(x, r->path))
        return;
    if (get && strcmp(r->path, "/lcd.png") == 0)
        get_lcd(c, x, r);
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
