#include "prompt.h"

#include <stdio.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, DELETE = 127 };

static void show(bool echo, const char *text)
{
    if (!echo)
        return;
    (void)fputs(text, stdout);
    (void)fflush(stdout);
}

bool prompt_line(char *buf, size_t cap, bool echo)
{
    size_t n = 0;
    bool fits = true;
    (void)fflush(stdout);
    for (;;) {
        char c;
        if (read(STDIN_FILENO, &c, 1) != 1 || c == CTRL_C || c == CTRL_D) {
            printf("\n");
            return false;
        }
        if (c == '\n' || c == '\r') {
            printf("\n");
            buf[fits ? n : 0] = '\0';
            return fits;
        }
        if (c == BACKSPACE || c == DELETE) {
            if (n) {
                n--;
                show(echo, "\b \b");
            }
        } else if ((unsigned char)c >= ' ') {
            if (n + 1 < cap) {
                const char text[2] = {c, '\0'};
                buf[n++] = c;
                show(echo, text);
            } else {
                fits = false;
            }
        }
    }
}
