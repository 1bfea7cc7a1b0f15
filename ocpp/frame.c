/* frame: reads and writes the OCPP-J wrapper; see frame.h. */
#include "ocpp/frame.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 16 }; /* OCPP_DEPTH_MAX; the deepest 2.0.1 message needs 9 */

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip(const char *t, size_t len, size_t i)
{
    while (i < len && space(t[i]))
        i++;
    return i;
}

/* Reads type and id from the first bytes, for texts that are no whole JSON. */
static void peek_header(const char *t, size_t len, struct frame *out)
{
    size_t i = skip(t, len, 0);
    if (i >= len || t[i] != '[')
        return;
    i = skip(t, len, i + 1);
    int type = 0;
    size_t start = i;
    for (; i < len && i - start < 4 && t[i] >= '0' && t[i] <= '9'; i++)
        type = type * 10 + (t[i] - '0');
    if (i == start)
        return;
    out->type = type;
    i = skip(t, len, i);
    if (i >= len || t[i] != ',')
        return;
    i = skip(t, len, i + 1);
    if (i >= len || t[i] != '"')
        return;
    start = ++i;
    while (i < len && t[i] != '"') {
        if (t[i] == '\\' || (unsigned char)t[i] < 0x20)
            return;
        i++;
    }
    size_t n = i - start;
    if (i >= len || n >= FRAME_ID_BYTES || !json_utf8_ok(t + start, n))
        return;
    char id[FRAME_ID_BYTES];
    memcpy(id, t + start, n);
    id[n] = 0;
    if (json_chars(id) > FRAME_ID_MAX)
        return;
    memcpy(out->id, id, n + 1);
    out->id_known = true;
}

/* Bytes below 0x20 other than white space have no place in JSON, and a NUL would end strings early. */
static bool control_free(const char *t, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)t[i] < 0x20 && !space(t[i]))
            return false;
    return true;
}

static enum frame_fault read_elements(struct frame *out)
{
    const cJSON *root = out->root;
    if (!cJSON_IsArray(root))
        return FRAME_NOT_RPC;
    const cJSON *e[6] = {0};
    int n = 0;
    for (const cJSON *c = root->child; c; c = c->next) {
        if (n < 6)
            e[n] = c;
        n++;
    }
    if (n < 1 || !cJSON_IsNumber(e[0]))
        return FRAME_NOT_RPC;
    double type = e[0]->valuedouble;
    out->type = type >= 0 && type <= 9999 && (double)(int)type == type ? (int)type : 0;
    out->id_known = false;
    snprintf(out->id, sizeof out->id, "-1");
    if (cJSON_IsString(e[1]) && json_chars(e[1]->valuestring) <= FRAME_ID_MAX &&
        strlen(e[1]->valuestring) < sizeof out->id) {
        snprintf(out->id, sizeof out->id, "%s", e[1]->valuestring);
        out->id_known = true;
    }
    if (out->type != FRAME_CALL && out->type != FRAME_RESULT && out->type != FRAME_ERROR)
        return FRAME_UNKNOWN_TYPE;
    if (!out->id_known)
        return FRAME_NOT_RPC;
    switch (out->type) {
    case FRAME_CALL:
        if (n != 4 || !cJSON_IsString(e[2]))
            return FRAME_NOT_RPC;
        out->action = e[2]->valuestring;
        out->payload = cJSON_IsObject(e[3]) ? e[3] : NULL;
        return out->payload || cJSON_IsNull(e[3]) ? FRAME_OK : FRAME_NOT_RPC; /* null: empty, OCPP-J 4.1.5 */
    case FRAME_RESULT:
        if (n != 3)
            return FRAME_NOT_RPC;
        out->payload = cJSON_IsObject(e[2]) ? e[2] : NULL;
        return out->payload || cJSON_IsNull(e[2]) ? FRAME_OK : FRAME_NOT_RPC;
    default:
        if (n < 3 || !cJSON_IsString(e[2]))
            return FRAME_NOT_RPC;
        out->code = e[2]->valuestring;
        out->text = cJSON_IsString(e[3]) ? e[3]->valuestring : "";
        out->payload = cJSON_IsObject(e[4]) ? e[4] : NULL;
        return FRAME_OK;
    }
}

enum frame_fault frame_parse(const char *text, size_t len, size_t max_len, struct frame *out)
{
    *out = (struct frame){.id = "-1"};
    peek_header(text, len < 512 ? len : 512, out);
    if (len > max_len)
        return FRAME_TOO_LONG;
    if (!json_utf8_ok(text, len))
        return FRAME_NOT_UTF8;
    if (!control_free(text, len))
        return FRAME_NOT_JSON;
    if (json_depth(text, len) > DEPTH_MAX)
        return FRAME_TOO_DEEP;
    json_init();
    struct json_arena *arena = json_arena_use(NULL);
    json_arena_use(arena);
    bool failed_before = arena && arena->failed;
    const char *end = NULL;
    out->root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (!out->root)
        return arena && arena->failed && !failed_before ? FRAME_NO_MEMORY : FRAME_NOT_JSON;
    if (skip(text, len, (size_t)(end - text)) != len)
        return FRAME_NOT_JSON; /* something follows the message */
    return read_elements(out);
}

void frame_free(struct frame *f)
{
    cJSON_Delete(f->root);
    *f = (struct frame){.id = "-1"};
}

const char *frame_fault_code(enum frame_fault f)
{
    switch (f) {
    case FRAME_OK:
        return "";
    case FRAME_UNKNOWN_TYPE:
        return "MessageTypeNotSupported";
    case FRAME_NO_MEMORY:
        return "InternalError";
    case FRAME_TOO_LONG:
    case FRAME_TOO_DEEP:
    case FRAME_NOT_UTF8:
    case FRAME_NOT_JSON:
    case FRAME_NOT_RPC:
        break;
    }
    return "RpcFrameworkError";
}

const char *frame_fault_text(enum frame_fault f)
{
    switch (f) {
    case FRAME_OK:
        return "";
    case FRAME_TOO_LONG:
        return "message too long";
    case FRAME_NOT_UTF8:
        return "not UTF-8";
    case FRAME_TOO_DEEP:
        return "nested too deeply";
    case FRAME_NOT_JSON:
        return "not JSON";
    case FRAME_NO_MEMORY:
        return "message has too many parts";
    case FRAME_NOT_RPC:
        return "not an OCPP-J message";
    case FRAME_UNKNOWN_TYPE:
        return "message type other than 2, 3, 4";
    }
    return "";
}

/* A text being written: stops at the end of the buffer and remembers that it did. */
struct out {
    char *buf;
    size_t cap, len;
    bool full;
};

static void put(struct out *o, const char *s, size_t n)
{
    if (o->full || n >= o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->buf + o->len, s, n);
    o->len += n;
}

static void put_z(struct out *o, const char *s)
{
    put(o, s, strlen(s));
}

static void put_string(struct out *o, const char *s)
{
    put(o, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char esc[8];
        if (c == '"' || c == '\\') {
            esc[0] = '\\';
            esc[1] = (char)c;
            put(o, esc, 2);
        } else if (c < 0x20) {
            snprintf(esc, sizeof esc, "\\u%04x", c);
            put(o, esc, 6);
        } else {
            put(o, s, 1);
        }
    }
    put(o, "\"", 1);
}

static void put_tree(struct out *o, const cJSON *tree)
{
    if (!tree) {
        put(o, "{}", 2);
        return;
    }
    if (o->full)
        return;
    size_t n = json_print(tree, o->buf + o->len, o->cap - o->len);
    if (n == 0)
        o->full = true;
    o->len += n;
}

static size_t finish(struct out *o)
{
    put(o, "]", 1);
    if (o->full)
        return 0;
    o->buf[o->len] = 0;
    return o->len;
}

static struct out begin(char *buf, size_t cap, const char *type, const char *id)
{
    struct out o = {.buf = buf, .cap = cap, .full = cap == 0};
    put_z(&o, type);
    put_string(&o, id);
    put(&o, ",", 1);
    return o;
}

size_t frame_call(char *buf, size_t cap, const char *id, const char *action, const cJSON *payload)
{
    struct out o = begin(buf, cap, "[2,", id);
    put_string(&o, action);
    put(&o, ",", 1);
    put_tree(&o, payload);
    return finish(&o);
}

size_t frame_call_text(char *buf, size_t cap, const char *id, const char *action, const char *payload,
                       size_t len)
{
    struct out o = begin(buf, cap, "[2,", id);
    put_string(&o, action);
    put(&o, ",", 1);
    put(&o, payload, len);
    return finish(&o);
}

size_t frame_result(char *buf, size_t cap, const char *id, const cJSON *payload)
{
    struct out o = begin(buf, cap, "[3,", id);
    put_tree(&o, payload);
    return finish(&o);
}

size_t frame_result_text(char *buf, size_t cap, const char *id, const char *payload, size_t len)
{
    struct out o = begin(buf, cap, "[3,", id);
    put(&o, payload, len);
    return finish(&o);
}

size_t frame_error(char *buf, size_t cap, const char *id, const char *code, const char *text)
{
    struct out o = begin(buf, cap, "[4,", id);
    put_string(&o, code);
    put(&o, ",", 1);
    char cut[4 * FRAME_ERROR_TEXT_MAX + 1];
    size_t n = 0;
    for (size_t chars = 0; text[n] && n + 1 < sizeof cut; n++) {
        if (((unsigned char)text[n] & 0xC0) != 0x80 && chars++ == FRAME_ERROR_TEXT_MAX)
            break;
        cut[n] = text[n];
    }
    while (n > 0 && !json_utf8_ok(cut, n)) /* whoever made the text may have cut it within a character */
        n--;
    cut[n] = 0;
    put_string(&o, cut);
    put_z(&o, ",{}");
    return finish(&o);
}
