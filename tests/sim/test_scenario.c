/* Scenario files and verbs: grammar, errors with their line, what holds and what fails, in virtual time. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"
#include "sim/verbs.h"
#include "sim/words.h"

/* Two stations on the bench. The host knows the verb "token" and the values "token" and "mood". */
struct site {
    struct bed bed[2];
    char token[2][40];
    int tokens;
    struct scenario_host host;
};

static int site_stations(void *ctx)
{
    (void)ctx;
    return 2;
}

static struct world *site_world(void *ctx, int station)
{
    struct site *s = ctx;
    return s->bed[station - 1].w;
}

static bool site_verb(void *ctx, int station, int argc, char **argv, char *why, size_t cap)
{
    struct site *s = ctx;
    if (strcmp(argv[0], "token") != 0 || argc != 2) {
        snprintf(why, cap, "the host knows no \"%s\"", argv[0]);
        return false;
    }
    snprintf(s->token[station - 1], sizeof s->token[0], "%s", argv[1]);
    s->tokens++;
    return true;
}

static bool site_value(void *ctx, int station, const char *name, char *out, size_t cap)
{
    struct site *s = ctx;
    if (strcmp(name, "token") == 0)
        snprintf(out, cap, "%s", s->token[station - 1]);
    else if (strcmp(name, "tokens") == 0)
        snprintf(out, cap, "%d", s->tokens);
    else
        return false;
    return true;
}

static bool site_knows_verb(void *ctx, const char *verb)
{
    (void)ctx;
    return strcmp(verb, "token") == 0;
}

static bool site_knows_value(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "token") == 0 || strcmp(name, "tokens") == 0;
}

static void site_start(struct site *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < 2; i++) {
        bed_cfg(&s->bed[i]);
        bed_start(&s->bed[i], (uint64_t)i);
    }
    s->host = (struct scenario_host){s,          site_stations,   site_world,      site_verb,
                                     site_value, site_knows_verb, site_knows_value};
}

static void site_stop(struct site *s)
{
    for (int i = 0; i < 2; i++)
        bed_stop(&s->bed[i]);
}

/* Runs a file to its end or for `most` seconds. The bench follows the car: coil on while S2 is closed. */
static int play(struct site *s, const char *text, double most, char *why, size_t cap, double *took)
{
    char parse_why[300] = "";
    struct scenario *sc = scenario_parse(text, strlen(text), parse_why, sizeof parse_why);
    assert_string_equal(parse_why, "");
    assert_non_null(sc);
    int r;
    double start = bed_seconds(&s->bed[0]);
    do {
        r = scenario_step(sc, &s->host, world_now_us(s->bed[0].w), why, cap);
        for (int i = 0; i < 2; i++) {
            struct bed *b = &s->bed[i];
            bed_frame(b);
            world_set_pilot(b->w, b->s.plugged ? bed_duty(16) : 10000);
            world_set_coil(b->w, b->s.s2);
        }
    } while (r == 1 && bed_seconds(&s->bed[0]) < start + most);
    *took = bed_seconds(&s->bed[0]) - start;
    /* once decided, it stays so */
    if (r != 1)
        assert_int_equal(scenario_step(sc, &s->host, 1ull << 40, why, cap), r);
    unsigned met, all = scenario_expectations(sc, &met);
    if (r == 0)
        assert_int_equal(met, all);
    scenario_free(sc);
    return r;
}

static void files_that_hold(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double took;
    } row[] = {
        {"", 0},
        {"# nothing but a remark\n\n   \t\r\n", 0},
        {"\xef\xbb\xbf"
         "1 plug\r\nexpect within 3s 1 contactor == on\r\n",
         0.14},
        {"at 1500ms 1 plug\nat 2s expect 1 contactor == 1 and amp2 < 1\nexpect 2 contactor == 0\n", 2},
        {"1 plug\nexpect within 2s for 5s 1 amp1 > 15.9\nexpect always 1 amp1 <= 16.5\n", 7},
        {"1 plug\nexpect never 1 amp > 17\nend after 6s", 6},
        {"1 plug\nwait 10s 1 amp1 >= 15\n1 unplug\nexpect 1 plugged == no\nexpect within 1s 1 contactor != "
         "true",
         1.8},
        {"* plug\nwait within 10s * s2 == 1\nexpect within 1s * contactor == 1\n", 0.14},
        {"repeat 3\n 1 plug\n after 1s 1 unplug\n after 1s\texpect 1 contactor == 0\ndone\nexpect 1 cycles "
         "== 3",
         6},
        {"repeat 2\nrepeat 3\nafter 100ms 1 token \"a b\"\ndone\ndone\nexpect 1 tokens == 6\nexpect 1 token "
         "== \"a b\"",
         0.6},
        {"seed 7\nafter 1s..2s 1 token x # remark\nexpect 1 token == x\nexpect 1 token != $pilot", 1.5},
        {"1 plug\nafter 1s 1 fault weld on\nafter 100ms 1 unplug\nexpect for 2s 1 contactor == 1\n", 3.1},
        {"refused 1 sing\nend", 0},
        {"expect 1 watt1 <= $watt2\nexpect 1 car.max_a == 32\n1 car max_a 20\nexpect 1 car.max_a == "
         "20\nexpect 1 fault.weld == off",
         0},
        {"at 1s end", 1},
        {"repeat 3\nexpect always 1 amp <= 40\nafter 100ms 1 token x\ndone\nend", 0.3},
        {"1 plug\nwait 5s 1 amp1 > 15\n1 ready off\nwait 1s 1 s2 == 0\nexpect 1 zero_age > 0 and s2_age < "
         "0.1\n"
         "after 1s 1 ready on\nexpect within 1s 1 s2 == 1",
         3},
        {"wait 1s 1 plugged == 0\nat 3s 1 plug\nexpect 1 time >= 3\nend", 3},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct site s;
        char why[300] = "";
        double took;
        site_start(&s);
        int r = play(&s, row[i].text, 30, why, sizeof why, &took);
        if (r != 0)
            print_error("\"%s\": %s\n", row[i].text, why);
        assert_int_equal(r, 0);
        assert_near(took, row[i].took, row[i].took > 1 ? 0.6 : 0.1);
        site_stop(&s);
    }
}

static void files_that_fail(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } row[] = {
        {"1 plug\nexpect 1 contactor == 1", "line 2: station 1: contactor == 1, but it is 0"},
        {"\n\nexpect within 500ms * plugged == on",
         "line 3: station 1: plugged == on, but it is 0 after 0.5"},
        {"1 plug\nexpect for 5s 1 contactor == 0", "line 2: station 1: contactor == 0, but it is 1, 0.1"},
        {"1 plug\nexpect always 1 s2 == 0\nat 5s end", "line 2: station 1: s2 == 0, but it is 1"},
        {"2 plug\nexpect never 2 s2 == 1\nat 5s end", "line 2: station 2: came true after 0.1"},
        {"1 plug\nat 1s 1 unplug\nexpect within 1s for 1m 1 plugged == 0\nat 2s 1 plug",
         "line 3: station 1: plugged == 0, but it is 1 after 1.0"},
        {"1 plug\nexpect within 0s 1 s2 == 1", "line 2: station 1: s2 == 1, but it is 0 after 0.000"},
        {"wait 1s 1 nonsense == 1", "line 1: station 1 has no value"},
        {"wait 1s 2 plugged == 1\nexpect 1 nonsense == 1",
         "line 1: station 2: plugged == 1, but it is 0 after 1.0"},
        {"expect 1 nonsense == 1", "line 1: station 1 has no value \"nonsense\""},
        {"expect 1 amp1 == $nonsense", "line 1: station 1 has no value \"nonsense\""},
        {"expect within 1s 3 plugged == 1", "line 1: station 3 has no value \"plugged\""},
        {"1 sing loudly", "line 1: the host knows no \"sing\""},
        {"7 plug", "line 1: there is no station 7"},
        {"refused 1 plug", "line 1: station 1: was not refused"},
        {"1 token abc\nexpect 1 token > 5", "line 2: \"abc\" > \"5\" compares what is not a number"},
        {"expect 1 pilot == B", "line 1: station 1: pilot == B, but it is A"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct site s;
        char why[300] = "";
        double took;
        site_start(&s);
        assert_int_equal(play(&s, row[i].text, 30, why, sizeof why, &took), -1);
        if (strncmp(why, row[i].why, strlen(row[i].why)) != 0)
            print_error("\"%s\"\n says \"%s\"\n  not \"%s\"\n", row[i].text, why, row[i].why);
        assert_memory_equal(why, row[i].why, strlen(row[i].why));
        site_stop(&s);
    }
}

static void files_that_make_no_sense(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } row[] = {
        {"plug", "line 1: a station (1, 2, .. or * for every one) is wanted, not \"plug\""},
        {"\n0 plug", "line 2: a station"},
        {"1.5 plug", "line 1: a station"},
        {"1", "line 1: a verb is wanted"},
        {"at soon 1 plug", "line 1: a time like 250ms, 3s, 5m or 1h is wanted after \"at\", not \"soon\""},
        {"at 5 1 plug", "line 1: a time like"},
        {"at -5s 1 plug", "line 1: a time like"},
        {"at 2000h 1 plug", "line 1: a time like"},
        {"at 5s", "line 1: a station"},
        {"after", "line 1: a time like"},
        {"after 9s..2s 1 plug", "line 1: a time or a range"},
        {"at 10s 1 plug\nat 5s 1 unplug", "line 2: lines run from top to bottom, and line 1 is later"},
        {"1 plug now", "line 1: plug: too many arguments"},
        {"1 fault", "line 1: fault: too few arguments"},
        {"1 fault werld on", "line 1: fault: there is no fault \"werld\""},
        {"1 fault weld maybe", "line 1: fault: NAME on|off"},
        {"1 fault phase_loss 4 on", "line 1: fault: phase_loss 1|2|3|all on|off"},
        {"1 car wheels 4", "line 1: car: there is no parameter \"wheels\""},
        {"1 car max_a many", "line 1: car: max_a is a number from 0 to 1000, not \"many\""},
        {"1 car max_a nan", "line 1: car: max_a"},
        {"1 car max_a 0x10", "line 1: car: max_a"},
        {"1 car phases 2", "line 1: car: phases is 1 or 3"},
        {"1 car phases 1.5", "line 1: car: phases is a whole number"},
        {"1 mains volt 4 230", "line 1: mains: volt [PHASE] VOLTS"},
        {"1 mains harmonic 4 0.1", "line 1: mains: harmonic 3|5|7 SHARE"},
        {"1 mains sag 0.5", "line 1: mains: sag SHARE TIME [PHASE]"},
        {"1 button hold", "line 1: button: press [TIME], hold TIME, down or up"},
        {"1 s2 pulse closed", "line 1: s2: auto, closed, open"},
        {"1 ready perhaps", "line 1: ready: on or off"},
        {"expect contactor == 1", "line 1: a station"},
        {"expect 1 contactor", "line 1: a comparison"},
        {"expect 1 contactor = 1", "line 1: \"=\" is none of"},
        {"expect 1 pilot < C", "line 1: \"C\" is not a number"},
        {"expect 1 amp1 < 5 or amp2 < 5", "line 1: something is left over"},
        {"expect 1 amp1 < 5 and", "line 1: a comparison"},
        {"expect within 1 amp1 < 5",
         "line 1: a time like 250ms, 3s, 5m or 1h is wanted after \"within\", not \"1\""},
        {"wait 1 plugged == 1", "line 1: a time like"},
        {"repeat\ndone", "line 1: repeat wants how many times"},
        {"repeat 0\ndone", "line 1: repeat wants how many times"},
        {"repeat 5\n1 plug\ndone", "line 3: this repeat would take no time"},
        {"repeat 5\nafter 1s 1 plug", "line 1: this repeat has no done"},
        {"repeat 5\nat 1s 1 plug\ndone", "line 2: \"at\" within a repeat"},
        {"done", "line 1: done without a repeat"},
        {"end\n1 plug", "line 2: a line behind the end"},
        {"at 5s end after 5s", "line 1: two times for one end"},
        {"1 plug\nseed 5", "line 2: seed stands on the first line"},
        {"seed x", "line 1: seed wants one whole number"},
        {"repeat 2\nend\ndone", "line 2: end within a repeat"},
        {"after 1s repeat 2 times", "line 1: repeat N stands alone"},
        {"repeat 2\nafter 1s done now", "line 2: done stands alone"},
        {"repeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1",
         "line 9: repeat within more than 8"},
        {"end after soon", "line 1: a time like"},
        {"end of it", "line 1: end, or end after TIME"},
        {"expect for ever 1 s2 == 1", "line 1: a time like"},
        {"1 fault weld sideways", "line 1: fault: NAME on|off"},
        {"1 fault rcd now", "line 1: fault: NAME on|off"},
        {"1 fault rcd", "line 1: fault: NAME on|off"},
        {"1 fault none on", "line 1: fault: none takes nothing more"},
        {"1 car_end up", "line 1: car_end: in or out"},
        {"1 cable -5", "line 1: cable: ohms"},
        {"1 button down 5s", "line 1: button: down and up take no time"},
        {"1 button press long", "line 1: button: a time like"},
        {"1 button kick", "line 1: button: press [TIME]"},
        {"1 mains hz 1000", "line 1: mains: hz 0 to 400"},
        {"1 mains noise -1", "line 1: mains: noise 0 to 200"},
        {"1 mains order random", "line 1: mains: order normal or reversed"},
        {"1 mains neutral off", "line 1: mains: neutral whole or broken"},
        {"1 mains colour red", "line 1: mains: no such thing as \"colour\""},
        {"1 mains volt", "line 1: mains: volt [PHASE] VOLTS"},
        {"1 mains hz", "line 1: mains: volt, hz,"},
        {"1 temperature hot", "line 1: temperature: ambient"},
        {"1 car soc 2", "line 1: car: soc 0 to 1"},
        {"1 car sleeping deeply", "line 1: car: sleeping is on or off, not \"deeply\""},
        {"1 adc gian 1", "line 1: adc: there is no parameter \"gian\""},
        {"1 front i4 gain 1", "line 1: front: cp|i1..i3"},
        {"1 token \"abc", "line 1: a quote that does not end"},
        {"1 token \"abc\"def", "line 1: text right behind a closing quote"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char why[300] = "";
        struct scenario *s = scenario_parse(row[i].text, strlen(row[i].text), why, sizeof why);
        if (s != NULL || strncmp(why, row[i].why, strlen(row[i].why)) != 0)
            print_error("\"%s\"\n says \"%s\"\n  not \"%s\"\n", row[i].text, why, row[i].why);
        assert_null(s);
        assert_memory_equal(why, row[i].why, strlen(row[i].why));
    }
    char why[300];
    assert_null(scenario_parse("1 plug\n1 tok\0en x", 17, why, sizeof why));
    assert_string_equal(why, "line 2: a NUL byte in the text");
}

static void large_files(void **state)
{
    (void)state;
    char why[300] = "";
    char *big = malloc(SCENARIO_BYTES_MAX + 1);
    assert_non_null(big);
    size_t n = 0;
    while (n + 8 < SCENARIO_BYTES_MAX)
        n += (size_t)sprintf(big + n, "1 plug\n");
    memset(big + n, ' ', SCENARIO_BYTES_MAX + 1 - n);
    assert_null(scenario_parse(big, SCENARIO_BYTES_MAX + 1, why, sizeof why));
    assert_string_equal(why, "the file has 1048577 bytes; 1048576 is the most");
    struct scenario *s = scenario_parse(big, SCENARIO_BYTES_MAX, why, sizeof why);
    assert_non_null(s);
    struct site site;
    site_start(&site);
    int steps = 0; /* 149,000 lines that are due at once are spread over steps */
    while (scenario_step(s, &site.host, 0, why, sizeof why) == 1)
        steps++;
    assert_int_equal(steps, n / 7 / SCENARIO_LINES_PER_STEP);
    site_stop(&site);
    scenario_free(s);
    /* one line as long as a file may be */
    memset(big, 'x', SCENARIO_BYTES_MAX);
    assert_null(scenario_parse(big, SCENARIO_BYTES_MAX, why, sizeof why));
    for (size_t i = 1; i < SCENARIO_BYTES_MAX; i += 2)
        big[i] = ' ';
    assert_null(scenario_parse(big, SCENARIO_BYTES_MAX, why, sizeof why));
    free(big);
}

static void every_verb_does_its_deed(void **state)
{
    (void)state;
    struct site s;
    site_start(&s);
    static const struct {
        const char *verb, *value, *is;
    } row[] = {
        {"cable 680", "pp", "680"},
        {"plug", "plugged", "1"},
        {"car_end out", "plugged", "0"},
        {"car_end in", "plugged", "1"},
        {"cable 0", "plugged", "0"},
        {"plug", "pp", "680"},
        {"pull", "cable", "0"},
        {"plug", "plugged", "1"},
        {"unplug", "cable", "0"},
        {"button down", "button", "1"},
        {"button up", "button", "0"},
        {"button", "button", "1"},
        {"button hold 5s", "button", "1"},
        {"fault diode on", "fault.diode", "1"},
        {"fault cp_short on", "fault.cp_short", "1"},
        {"fault cp_open yes", "fault.cp_open", "1"},
        {"fault pilot_stuck on", "fault.pilot_stuck", "1"},
        {"fault weld on", "fault.weld", "1"},
        {"fault weld off", "fault.weld", "0"},
        {"fault no_close on", "fault.no_close", "1"},
        {"fault rcd on", "fault.rcd", "1"},
        {"fault adc_dead on", "fault.adc_dead", "1"},
        {"fault phase_loss 2 on", "fault.phase_loss", "2"},
        {"fault phase_loss all on", "fault.phase_loss", "7"},
        {"fault phase_loss 1 off", "fault.phase_loss", "6"},
        {"fault pp_open on", "fault.pp_open", "1"},
        {"fault none", "fault.rcd", "0"},
        {"fault none", "fault.phase_loss", "0"},
        {"car soc 0.5", "soc", "0.5"},
        {"car ventilation on", "car.ventilation", "1"},
        {"car phases 1", "car.phases", "1"},
        {"adc noise_mv 12", "adc.noise_mv", "12"},
        {"adc swap_pairs on", "adc.swap_pairs", "1"},
        {"temperature -20", "temperature", "-20"},
        {"  token \"with \\\"quotes\\\" and #\"  # remark", "token", "with \"quotes\" and #"},
    };
    char why[200], out[200];
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_true(scenario_do(&s.host, 1, row[i].verb, why, sizeof why));
        assert_true(scenario_get(&s.host, 1, row[i].value, out, sizeof out));
        if (strcmp(out, row[i].is) != 0)
            print_error("%s: %s\n", row[i].verb, out);
        assert_string_equal(out, row[i].is);
    }
    struct world_mains *m = world_mains(s.bed[0].w);
    assert_true(scenario_do(&s.host, 1, "mains volt 2 190", why, sizeof why));
    assert_near(m->volt[1], 190, 1e-9);
    assert_true(scenario_do(&s.host, 1, "mains volt 240", why, sizeof why));
    assert_near(m->volt[0] + m->volt[1] + m->volt[2], 720, 1e-9);
    assert_true(scenario_do(&s.host, 1, "mains hz 51.5", why, sizeof why));
    assert_near(m->hz, 51.5, 1e-9);
    assert_true(scenario_do(&s.host, 1, "mains harmonic 7 0.02", why, sizeof why));
    assert_near(m->harmonic7, 0.02, 1e-9);
    assert_true(scenario_do(&s.host, 1, "mains noise 1.5", why, sizeof why));
    assert_near(m->noise_volt, 1.5, 1e-9);
    assert_true(scenario_do(&s.host, 1, "mains order reversed", why, sizeof why));
    assert_true(m->order_reversed);
    assert_true(scenario_do(&s.host, 1, "mains neutral broken", why, sizeof why));
    assert_true(m->neutral_broken);
    assert_true(scenario_do(&s.host, 1, "mains neutral whole", why, sizeof why));
    assert_true(scenario_do(&s.host, 1, "mains sag 0.5 300ms 1", why, sizeof why));
    bed_run(&s.bed[0], 0.2);
    assert_near(s.bed[0].s.volt[0], 120, 2);
    assert_near(s.bed[0].s.volt[1], 240, 2);
    assert_true(scenario_do(&s.host, 1, "front i2 gain -1", why, sizeof why));
    assert_near(world_adc(s.bed[0].w)->front_gain[WORLD_I2], -1, 1e-9);
    assert_true(scenario_do(&s.host, 1, "front pp offset 15", why, sizeof why));
    assert_near(world_adc(s.bed[0].w)->front_offset_mv[WORLD_PP], 15, 1e-9);
    assert_true(scenario_do(&s.host, 1, "s2 closed", why, sizeof why));
    bed_run(&s.bed[0], 0.01);
    assert_true(s.bed[0].s.s2);
    assert_true(scenario_do(&s.host, 1, "s2 pulse open 1s", why, sizeof why));
    bed_run(&s.bed[0], 0.01);
    assert_false(s.bed[0].s.s2);
    assert_true(scenario_do(&s.host, 1, "s2 auto", why, sizeof why));
    assert_true(scenario_do(&s.host, 1, "fault weld now", why, sizeof why));
    bed_run(&s.bed[0], 0.01);
    assert_true(s.bed[0].s.contactor);

    /* the other station saw nothing of it */
    assert_true(scenario_get(&s.host, 2, "contactor", out, sizeof out));
    assert_string_equal(out, "0");
    assert_false(scenario_do(&s.host, 3, "plug", why, sizeof why));
    assert_string_equal(why, "there is no station 3");
    assert_false(scenario_do(&s.host, 1, "", why, sizeof why));
    assert_false(scenario_do(&s.host, 1, "car max_a 5000", why, sizeof why));
    assert_near(world_car(s.bed[0].w)->max_a, 32, 1e-9);
    site_stop(&s);
}

static void every_value_can_be_read(void **state)
{
    (void)state;
    struct site s;
    site_start(&s);
    bed_charge(&s.bed[0], 16);
    unsigned n = 0;
    char out[100];
    for (const char *name; (name = verb_value_name(n)) != NULL; n++) {
        double v;
        assert_true(scenario_get(&s.host, 1, name, out, sizeof out));
        assert_true(strcmp(name, "pilot") == 0 ? strcmp(out, "C") == 0 : words_number(out, &v));
    }
    assert_int_equal(n, 42);
    static const struct {
        const char *name;
        double low, high;
    } row[] = {
        {"watt", 10900, 11000},    {"amp", 15.9, 16.1},    {"volt3", 229.9, 230.1},
        {"duty", 26.6, 26.7},      {"cp_high", 5.9, 6.1},  {"cp_low", -12, -11.9},
        {"pp", 220, 220},          {"cycles", 1, 1},       {"hot_switches", 0, 0},
        {"contactor_age", 4.9, 5}, {"coil_age", 4.9, 5.1}, {"s2_age", 5.3, 5.5},
        {"plugged_age", 5.4, 5.6}, {"duty_age", 5.4, 5.6}, {"time", 5.4, 5.6},
        {"temperature", 25, 25.1}, {"powered", 1, 1},      {"soc", 0.2, 0.201},
        {"energy", 10, 16},        {"ambient", 25, 25},    {"cable_ohm", 220, 220},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double v = -1;
        assert_true(scenario_get(&s.host, 1, row[i].name, out, sizeof out) && words_number(out, &v));
        if (v < row[i].low || v > row[i].high)
            print_error("%s is %s\n", row[i].name, out);
        assert_true(v >= row[i].low && v <= row[i].high);
    }
    assert_false(scenario_get(&s.host, 1, "car.wheels", out, sizeof out));
    assert_false(scenario_get(&s.host, 0, "amp1", out, sizeof out));
    site_stop(&s);
}

static void a_lock_refuses(void **state)
{
    (void)state;
    struct site s;
    site_start(&s);
    world_plug(s.bed[0].w, true);
    world_set_lock(s.bed[0].w, true);
    bed_run(&s.bed[0], 1);
    char why[200] = "";
    double took;
    assert_int_equal(play(&s,
                          "refused 1 pull\nrefused 1 cable 0\nexpect 1 cable == 1\n1 unplug\n"
                          "expect 1 plugged == 0 and cable == 1",
                          5, why, sizeof why, &took),
                     0);
    site_stop(&s);
}

/* The same seed gives the same random times, another seed others. */
static void random_times_come_from_the_seed(void **state)
{
    (void)state;
    double took[3];
    static const char *const text[] = {"seed 5\nrepeat 20\nafter 1s..3s 1 token x\ndone",
                                       "seed 5\nrepeat 20\nafter 1s..3s 1 token x\ndone",
                                       "seed 6\nrepeat 20\nafter 1s..3s 1 token x\ndone"};
    for (int i = 0; i < 3; i++) {
        struct site s;
        char why[200];
        site_start(&s);
        assert_int_equal(play(&s, text[i], 100, why, sizeof why, &took[i]), 0);
        assert_int_equal(s.tokens, 20);
        site_stop(&s);
    }
    assert_near(took[0], 40, 10);
    assert_near(took[0], took[1], 1e-9);
    assert_true(took[0] < took[2] - 0.01 || took[0] > took[2] + 0.01);
}

/* A program that looks rarely does not turn "too late" into "in time". */
static void too_late_is_late(void **state)
{
    (void)state;
    struct site s;
    site_start(&s);
    char why[200] = "";
    static const char text[] = "expect within 1s 1 plugged == 1";
    struct scenario *sc = scenario_parse(text, strlen(text), why, sizeof why);
    assert_non_null(sc);
    assert_int_equal(scenario_step(sc, &s.host, 0, why, sizeof why), 1);
    world_plug(s.bed[0].w, true);
    assert_int_equal(scenario_step(sc, &s.host, 1500000, why, sizeof why), -1);
    assert_string_equal(why, "line 1: station 1: came true only after 1.500 s");
    scenario_free(sc);
    scenario_free(NULL);
    site_stop(&s);
}

/* What a file names and the host has not is found before anything runs. */
static void unknown_names_are_found_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } row[] = {
        {"1 plug\nat 5s 2 token A\nexpect 1 token != \"\" and fault.rcd == 0\n", ""},
        {"1 plug\nexpect 1 car.max_a >= $ambient\nrefused * token A\n", ""},
        {"1 plug\n\nat 5s 3 plug\n", "line 3: there is no station 3: they are 1 to 2"},
        {"at 5s expect 3 amp > 1\n", "line 1: there is no station 3: they are 1 to 2"},
        {"1 plug\nat 5s 1 dance now\n", "line 2: no verb is called \"dance\" here"},
        {"at 5s refused 1 dance\n", "line 1: no verb is called \"dance\" here"},
        {"at 5s wait 3s 1 amp4 > 1\n", "line 1: no value is called \"amp4\" here"},
        {"at 5s expect always 1 amp < 1 and fault.x == 0\n", "line 1: no value is called \"fault.x\" here"},
        {"at 5s expect never 1 amp < $car.x\n", "line 1: no value is called \"car.x\" here"},
    };
    struct site s;
    site_start(&s);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char why[200] = "";
        struct scenario *sc = scenario_parse(row[i].text, strlen(row[i].text), why, sizeof why);
        assert_non_null(sc);
        assert_int_equal(scenario_check(sc, &s.host, why, sizeof why), row[i].why[0] == '\0');
        assert_string_equal(why, row[i].why);
        scenario_free(sc);
    }
    for (unsigned i = 0; verb_value_name(i); i++)
        assert_true(verb_value_known(verb_value_name(i)));
    site_stop(&s);
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t us;
    } good[] = {
        {"0s", 0},    {"250ms", 250000},       {"1.5s", 1500000}, {"5m", 300000000}, {"1h30m", 5400000000},
        {"10us", 10}, {"1000h", 3600000000000}};
    static const char *const bad[] = {"",     "5",   "s",     "5x",  "-1s", "1e999s",
                                      "nans", "5s ", "1001h", "5s.", "infs"};
    uint64_t us;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(words_duration_us(good[i].text, &us));
        assert_int_equal(us, good[i].us);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(words_duration_us(bad[i], &us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_hold),
        cmocka_unit_test(files_that_fail),
        cmocka_unit_test(files_that_make_no_sense),
        cmocka_unit_test(large_files),
        cmocka_unit_test(every_verb_does_its_deed),
        cmocka_unit_test(every_value_can_be_read),
        cmocka_unit_test(a_lock_refuses),
        cmocka_unit_test(random_times_come_from_the_seed),
        cmocka_unit_test(too_late_is_late),
        cmocka_unit_test(durations),
        cmocka_unit_test(unknown_names_are_found_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
