/*
 * ecs-settings-doc: prints docs/settings.md from the table of settings.
 *
 *   ecs-settings-doc > docs/settings.md
 *   ecs-settings-doc --check docs/settings.md    exit code 1 and the first different line if it is out of
 * date
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/settings.h"

static const char *const head =
    "# Settings\n"
    "\n"
    "Made from `store/settings.def` by `ecs-settings-doc > docs/settings.md`; change it there.\n"
    "\n"
    "Every setting of a station. The same names are used on the serial console, on the simulator's control "
    "socket and\n"
    "in OCPP (where OCPP has a variable of its own for it, the description names it). Values are kept "
    "through power\n"
    "cuts; one that can't be read back is replaced by its default, counted and reported.\n"
    "\n"
    "Notes: *restart*: takes effect after the next restart. *read only*: can't be changed from outside. "
    "*secret*: can\n"
    "be set, is never shown.\n"
    "\n"
    "| Name | Type | Range | Unit | Default | Notes | What it is |\n"
    "|---|---|---|---|---|---|---|\n";

/* '|' would end the cell. */
static void cell(FILE *f, const char *text)
{
    for (; *text; text++)
        (void)fprintf(f, *text == '|' ? "\\%c" : "%c", *text);
}

static void print(FILE *f)
{
    (void)fputs(head, f);
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        const struct setting_info *t = settings_info((enum setting_id)i);
        (void)fprintf(f, "| `%s` | ", t->name);
        switch (t->type) {
        case SETTING_INT:
            (void)fprintf(f, "number | %d to %d | %s | %d | ", (int)t->min, (int)t->max, t->unit,
                          (int)t->default_int);
            break;
        case SETTING_BOOL:
            (void)fprintf(f, "true, false | | | %s | ", t->default_int ? "true" : "false");
            break;
        case SETTING_TEXT:
            (void)fprintf(f, "text | up to %d bytes | | ", (int)t->max);
            if (*t->default_text) {
                (void)fputc('`', f);
                cell(f, t->default_text);
                (void)fputc('`', f);
            } else {
                (void)fputs("empty", f);
            }
            (void)fputs(" | ", f);
            break;
        }
        static const struct {
            uint8_t flag;
            const char *word;
        } notes[] = {
            {SETTING_REBOOT, "restart"}, {SETTING_READ_ONLY, "read only"}, {SETTING_SECRET, "secret"}};
        bool more = false;
        for (size_t n = 0; n < sizeof notes / sizeof *notes; n++)
            if (t->flags & notes[n].flag) {
                (void)fprintf(f, "%s%s", more ? ", " : "", notes[n].word);
                more = true;
            }
        (void)fputs(" | ", f);
        cell(f, t->help);
        (void)fputs(" |\n", f);
    }
}

static int check(const char *path)
{
    char want[2048], got[2048];
    FILE *made = tmpfile(), *kept = fopen(path, "r");
    int line = 0, result = 0;

    if (!made || !kept) {
        perror(made ? path : "temporary file");
        result = 1;
    } else {
        print(made);
        rewind(made);
        for (bool more = true; more && !result;) {
            bool w = fgets(want, sizeof want, made) != NULL, g = fgets(got, sizeof got, kept) != NULL;
            line++;
            if (w != g || (w && strcmp(want, got) != 0)) {
                fprintf(stderr, "%s:%d is out of date; make it anew with: ecs-settings-doc > %s\n", path,
                        line, path);
                result = 1;
            }
            more = w && g;
        }
    }
    if (made)
        (void)fclose(made);
    if (kept)
        (void)fclose(kept);
    return result;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    if (argc != 1) {
        fprintf(stderr, "usage: ecs-settings-doc [--check FILE]\n");
        return 2;
    }
    print(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
