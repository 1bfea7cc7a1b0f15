#include "linux/verdict.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "linux/site_report.h"

enum { WHY_CAP = 400 };

void verdict_init(struct verdict *v, struct scenario *scenario)
{
    *v = (struct verdict){.scenario = scenario, .state = scenario ? 1 : 0};
}

bool verdict_step(struct verdict *v, struct site *site, uint64_t now_us)
{
    char why[WHY_CAP] = "";
    if (v->state != 1)
        return false;
    v->state = site_scenario_step(site, v->scenario, now_us, why, sizeof why);
    if (v->state < 0)
        fprintf(stderr, "ecs-sim: scenario failed at %.3f s: %s\n", (double)now_us / 1e6, why);
    return v->state != 1;
}

bool verdict_running(const struct verdict *v)
{
    return v->state == 1;
}

bool verdict_failed(const struct verdict *v)
{
    return v->state < 0;
}

int verdict_end(struct verdict *v, const struct options *o, struct site *site, bool interrupted)
{
    int code = EXIT_HELD;
    if (v->scenario) {
        unsigned met = 0, all = scenario_expectations(v->scenario, &met);
        if (!o->quiet)
            fprintf(stderr, "ecs-sim: scenario %s, %u of %u expectations met\n",
                    v->state == 0  ? "held"
                    : v->state < 0 ? "failed"
                                   : "not finished",
                    met, all);
        if (v->state < 0 || (v->state == 1 && !interrupted))
            code = EXIT_FAILED;
    }
    struct site_figures f;
    site_watch_read(site->watch, &f);
    if (o->site_limit_a > 0 && f.violations) {
        fprintf(stderr, "ecs-sim: the site's limit of %.1f A was passed %u times, up to %.2f A\n",
                o->site_limit_a, f.violations, f.max_phase_a);
        code = EXIT_FAILED;
    }
    if (o->require_charge && f.charged < (unsigned)site->count) {
        fprintf(stderr, "ecs-sim: only %u of %d stations have charged\n", f.charged, site->count);
        code = EXIT_FAILED;
    }
    if (o->summary && !site_write_summary(site, o->summary)) {
        fprintf(stderr, "ecs-sim: %s: %s\n", o->summary, strerror(errno));
        if (code == EXIT_HELD)
            code = EXIT_OUTPUT;
    }
    return code;
}
