#include "station/warnings.h"

static bool changed(bool *told, bool is)
{
    bool was = *told;
    *told = is;
    return was != is;
}

void warnings_step(struct warnings *w, const struct control_status *c, struct log *log, uint64_t now_us)
{
    if (changed(&w->contactor_slow, c->contactor_drift)) {
        if (c->contactor_drift)
            log_contactor_slow(log, now_us);
        else
            log_contactor_usual(log, now_us);
    }
    for (int p = 0; p < 3; p++) {
        if (!changed(&w->ct_reversed[p], c->meter.ct_reversed[p]))
            continue;
        if (c->meter.ct_reversed[p])
            log_ct_reversed(log, now_us, p + 1);
        else
            log_ct_right(log, now_us, p + 1);
    }
    if (changed(&w->phase_order_wrong, c->meter.phase_order_wrong)) {
        if (c->meter.phase_order_wrong)
            log_phase_order_wrong(log, now_us);
        else
            log_phase_order_right(log, now_us);
    }
}
