/*
 * ecs-log-doc: the table of docs/logs.md, from log/events.def.
 *   ecs-log-doc                 prints it
 *   ecs-log-doc --check FILE    is it in FILE as it would be printed now?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/event.h"

static const char head[] = "| event | level | module | sentence |\n|---|---|---|---|\n";

static void row(char *out, size_t cap, unsigned id)
{
    const struct log_event_info *i = log_event_info(id);
    (void)snprintf(out, cap, "| `%s` | %s | %s | %s |\n", i->name, log_level_name(i->level),
                   log_module_name(i->module), i->sentence);
}

static int check(const char *path)
{
    static char text[1 << 18], table[1 << 16], line[512];
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return 1;
    }
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    strcpy(table, head);
    for (unsigned id = LOG_EV_TEXT + 1; id < LOG_EVENTS; id++) {
        row(line, sizeof line, id);
        strncat(table, line, sizeof table - strlen(table) - 1);
    }
    strncat(table, "\n", sizeof table - strlen(table) - 1);
    if (strstr(text, table))
        return 0;
    fprintf(stderr, "%s: the table of events is out of date; put what ecs-log-doc prints in its place\n",
            path);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    if (argc != 1) {
        fprintf(stderr, "usage: ecs-log-doc [--check FILE]\n");
        return 2;
    }
    (void)fputs(head, stdout);
    for (unsigned id = LOG_EV_TEXT + 1; id < LOG_EVENTS; id++) {
        char line[512];
        row(line, sizeof line, id);
        (void)fputs(line, stdout);
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
