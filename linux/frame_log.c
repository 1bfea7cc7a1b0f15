#include "linux/frame_log.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct frame_log {
    FILE *file;
    int failed;
};

struct frame_log *frame_log_open(const char *path)
{
    struct frame_log *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->file = fopen(path, "w");
    if (!l->file) {
        free(l);
        return NULL;
    }
    return l;
}

static void put_string(FILE *f, const char *text, size_t len)
{
    fputc('"', f);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < ' ' || c >= 0x7f) /* bytes, not characters: what is logged here may not even be UTF-8 */
            fprintf(f, "\\u%04x", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

static void begin(struct frame_log *l, uint64_t now_us, const char *station)
{
    fprintf(l->file, "{\"t\":%llu.%06llu,\"station\":", (unsigned long long)(now_us / 1000000),
            (unsigned long long)(now_us % 1000000));
    put_string(l->file, station, strlen(station));
}

static void end(struct frame_log *l)
{
    fputs("}\n", l->file);
    if (fflush(l->file) != 0)
        l->failed = -1;
}

/* cJSON lets raw control characters inside strings pass, which other parsers (and the standard) do not. */
static bool strict_strings(const char *text, size_t len)
{
    bool inside = false;
    for (size_t i = 0; i < len; i++) {
        if (inside && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            inside = !inside;
        else if (inside && (unsigned char)text[i] < ' ')
            return false;
    }
    return !inside;
}

void frame_log_frame(struct frame_log *l, uint64_t now_us, const char *station, char dir, const char *text,
                     size_t len)
{
    if (!l)
        return;
    begin(l, now_us, station);
    fprintf(l->file, ",\"dir\":\"%c\",\"frame\":", dir);
    const char *stop = NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text, len, &stop, 0);
    while (json && stop < text + len && (*stop == ' ' || *stop == '\t' || *stop == '\r' || *stop == '\n'))
        stop++;
    if (json && stop == text + len && strict_strings(text, len)) {
        /* As it was on the wire. A line break in valid JSON can only be white space between tokens. */
        for (size_t i = 0; i < len; i++)
            fputc(text[i] == '\n' || text[i] == '\r' ? ' ' : text[i], l->file);
    } else {
        put_string(l->file, text, len);
    }
    cJSON_Delete(json);
    end(l);
}

void frame_log_event(struct frame_log *l, uint64_t now_us, const char *station, const char *event)
{
    if (!l)
        return;
    begin(l, now_us, station);
    fprintf(l->file, ",\"event\":\"%s\"", event);
    end(l);
}

int frame_log_close(struct frame_log *l)
{
    if (!l)
        return 0;
    int failed = l->failed;
    if (fclose(l->file) != 0)
        failed = -1;
    free(l);
    return failed;
}
