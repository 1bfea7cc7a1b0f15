/* ecs-blackbox: the black boxes of a diagnostics file as a table (CSV) and as pictures (PNG). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/evse.h"
#include "core/fault.h"
#include "linux/blackbox/plot.h"
#include "linux/lcd_png.h"

enum { FILE_MAX = 64 * 1024 * 1024 };
enum { EXIT_BAD_FILE = 1, EXIT_USAGE = 2 };

static const char help[] =
    "ecs-blackbox FILE [--csv OUT] [--png OUT] [--box N]\n"
    "Shows the black boxes of a diagnostics file, as a station uploads it (OCPP GetLog, DiagnosticsLog): the "
    "seconds\n"
    "of pilot, voltages, currents and states around a fault. FILE may be \"-\": standard input.\n"
    "\n"
    "  --csv OUT   a table of all boxes' samples, a line each; \"-\": standard output\n"
    "  --png OUT   a picture of each box; with more than one, -1, -2, ... before the file name's end\n"
    "  --box N     only the box of this number (as the list without options gives it)\n"
    "  --help      this text\n"
    "\n"
    "Without --csv and --png it lists the boxes. Exit status: 0 done; 1 the file can't be read, is no "
    "diagnostics\n"
    "file, has no such box, or an output can't be written; 2 wrong command line.\n";

struct options {
    const char *file, *csv, *png;
    bool one;
    unsigned long box;
};

static bool parse_options(int argc, char **argv, struct options *o, int *status)
{
    static const struct option names[] = {{"csv", required_argument, NULL, 'c'},
                                          {"png", required_argument, NULL, 'p'},
                                          {"box", required_argument, NULL, 'b'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int c;
    *status = EXIT_USAGE;
    while ((c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        char *end;
        switch (c) {
        case 'c':
            o->csv = optarg;
            break;
        case 'p':
            o->png = optarg;
            break;
        case 'b':
            o->one = true;
            errno = 0;
            o->box = strtoul(optarg, &end, 10);
            if (*end || !*optarg || errno || *optarg == '-') {
                fprintf(stderr, "ecs-blackbox: --box %s is no number\n", optarg);
                return false;
            }
            break;
        case 'h':
            fputs(help, stdout);
            *status = 0;
            return false;
        default:
            fputs("Try: ecs-blackbox --help\n", stderr);
            return false;
        }
    }
    if (argc - optind != 1) {
        fprintf(stderr, "ecs-blackbox: one FILE, please. Try: ecs-blackbox --help\n");
        return false;
    }
    o->file = argv[optind];
    return true;
}

static char *read_all(const char *path, size_t *len)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *text = NULL;
    size_t cap = 0;
    *len = 0;
    if (!f) {
        fprintf(stderr, "ecs-blackbox: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    for (;;) {
        if (*len == cap) {
            cap = cap ? 2 * cap : 65536;
            char *more = cap <= FILE_MAX ? realloc(text, cap) : NULL;
            if (!more) {
                fprintf(stderr, "ecs-blackbox: %s is larger than a diagnostics file can be\n", path);
                free(text);
                text = NULL;
                break;
            }
            text = more;
        }
        size_t n = fread(text + *len, 1, cap - *len, f);
        if (n == 0)
            break;
        *len += n;
    }
    bool failed = ferror(f);
    if (text && failed) {
        fprintf(stderr, "ecs-blackbox: %s: %s\n", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (f != stdin)
        fclose(f);
    return text;
}

static bool wanted(const struct options *o, const struct box *b)
{
    return !o->one || b->number == o->box;
}

static void list(const struct options *o, const struct box_file *f)
{
    printf("station %s, firmware %s: %zu black box%s\n", f->station[0] ? f->station : "?",
           f->firmware[0] ? f->firmware : "?", f->boxes, f->boxes == 1 ? "" : "es");
    for (size_t i = 0; i < f->boxes; i++) {
        const struct box *b = &f->box[i];
        if (wanted(o, b))
            printf("%lu: fault %s (%ld) at %s, %zu samples, one every %g ms\n", b->number, b->fault,
                   b->detail, b->at, b->count, b->period_us / 1000.0);
    }
}

/* ---- CSV ---- */

static void csv_row(FILE *out, const struct box *b, size_t i)
{
    const struct blackbox_sample *s = &b->sample[i];
    fprintf(out, "%lu,%.6f,%c,%.3f,%.3f,%.3f,%.2f", b->number, (double)box_time_us(b, i) / 1e6,
            s->pilot >= 'A' && s->pilot <= 'F' ? s->pilot : '?', s->cp_high_mv / 1e3, s->cp_low_mv / 1e3,
            s->pp_mv / 1e3, s->duty_bp / 1e2);
    for (int p = 0; p < 3; p++)
        fprintf(out, ",%.1f", s->v_dv[p] / 1e1);
    for (int p = 0; p < 3; p++)
        fprintf(out, ",%.2f", s->i_cma[p] / 1e2);
    static const uint8_t flags[] = {BLACKBOX_COIL,   BLACKBOX_AUX, BLACKBOX_CLOSED,   BLACKBOX_AUTHORISED,
                                    BLACKBOX_LOCKED, BLACKBOX_RCD, BLACKBOX_NO_FRAMES};
    for (size_t k = 0; k < sizeof flags; k++)
        fprintf(out, ",%d", (s->flags & flags[k]) != 0);
    fprintf(out, ",%s,%s,0x%04x\n", evse_state_name((enum evse_state)s->state),
            fault_name((enum fault)s->fault), s->trips);
}

static bool write_csv(const struct options *o, const struct box_file *f)
{
    FILE *out = strcmp(o->csv, "-") == 0 ? stdout : fopen(o->csv, "w");
    if (!out) {
        fprintf(stderr, "ecs-blackbox: %s: %s\n", o->csv, strerror(errno));
        return false;
    }
    fputs(
        "box,time_s,pilot,cp_high_v,cp_low_v,pp_v,duty_percent,v1_v,v2_v,v3_v,i1_a,i2_a,i3_a,coil,aux,closed,"
        "authorised,locked,rcd,no_frames,state,fault,guard_trips\n",
        out);
    for (size_t i = 0; i < f->boxes; i++)
        for (size_t k = 0; wanted(o, &f->box[i]) && k < f->box[i].count; k++)
            csv_row(out, &f->box[i], k);
    bool ok = !ferror(out);
    ok &= (out == stdout ? fflush(out) : fclose(out)) == 0;
    if (!ok)
        fprintf(stderr, "ecs-blackbox: %s can't be written: %s\n", o->csv, strerror(errno));
    return ok;
}

/* ---- PNG ---- */

static bool write_png(const char *path, const struct box_file *f, const struct box *b)
{
    size_t len;
    uint16_t *pixels = plot_box(f, b);
    void *png = pixels ? lcd_png(pixels, PLOT_WIDTH, PLOT_HEIGHT, &len) : NULL;
    free(pixels);
    if (!png) {
        fprintf(stderr, "ecs-blackbox: no memory for the picture\n");
        return false;
    }
    FILE *out = fopen(path, "wb");
    bool ok = out && fwrite(png, 1, len, out) == len;
    if (out)
        ok &= fclose(out) == 0;
    free(png);
    if (!ok)
        fprintf(stderr, "ecs-blackbox: %s can't be written: %s\n", path, strerror(errno));
    return ok;
}

static bool write_pngs(const struct options *o, const struct box_file *f)
{
    size_t n = 0, done = 0;
    for (size_t i = 0; i < f->boxes; i++)
        n += wanted(o, &f->box[i]);
    for (size_t i = 0; i < f->boxes; i++) {
        char path[4096];
        const char *slash = strrchr(o->png, '/'), *dot = strrchr(o->png, '.');
        int stem = dot && (!slash || dot > slash) ? (int)(dot - o->png) : (int)strlen(o->png);
        if (!wanted(o, &f->box[i]))
            continue;
        done++;
        int len = n == 1 ? snprintf(path, sizeof path, "%s", o->png)
                         : snprintf(path, sizeof path, "%.*s-%zu%s", stem, o->png, done, o->png + stem);
        if (len < 0 || (size_t)len >= sizeof path) {
            fprintf(stderr, "ecs-blackbox: --png: the name is too long\n");
            return false;
        }
        if (!write_png(path, f, &f->box[i]))
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int status;
    if (!parse_options(argc, argv, &o, &status))
        return status;
    size_t len;
    char *text = read_all(o.file, &len);
    if (!text)
        return EXIT_BAD_FILE;
    static struct box_file f;
    char why[200];
    bool ok = box_file_parse(text, len, &f, why, sizeof why);
    free(text);
    if (!ok) {
        fprintf(stderr, "ecs-blackbox: %s: %s\n", o.file, why);
        return EXIT_BAD_FILE;
    }
    bool any = false;
    for (size_t i = 0; i < f.boxes; i++)
        any |= wanted(&o, &f.box[i]);
    if (!any && (o.one || o.csv || o.png)) {
        fprintf(stderr, "ecs-blackbox: %s has no %s: %s\n", o.file, o.one ? "such box" : "black box",
                f.boxes ? "without --box they are listed" : "there was no fault since the station started");
        ok = false;
    }
    if (ok && !o.csv && !o.png)
        list(&o, &f);
    ok = ok && (!o.csv || write_csv(&o, &f)) && (!o.png || write_pngs(&o, &f));
    box_file_free(&f);
    return ok ? 0 : EXIT_BAD_FILE;
}
