#include "station/visit.h"

void visit_follow(struct visit *v, const struct control_status *c)
{
    bool plugged = c->pilot == 'B' || c->pilot == 'C' || c->pilot == 'D';
    if (plugged && !v->here) {
        v->here = true;
        v->charged = false;
        v->since_us = c->at_us;
        v->start_uwh = c->meter.import_total_uwh;
    } else if (c->pilot == 'A') /* E and F say nothing about the car */
        v->here = false;
    v->charged |= v->here && c->state == EVSE_CHARGING;
    if (c->state != v->state) {
        v->state = c->state;
        v->state_us = c->at_us;
    }
}
