/* reset: restart as asked by the server; see reset.h. */
#include "ocpp/v201/reset.h"

#include <string.h>

#include "ocpp/v201/v201.h"

/* The last events get this long to reach the server; they are durable and go after the restart otherwise
 * (B12.FR.05). */
enum { DELIVERY_US = 10000000 };

void reset_request(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct reset *r = &v->reset;
    int64_t evse;
    if (json_int(request, "evseId", &evse) && evse != 0) { /* B11.FR.09 */
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, evse == EVSE_ID ? "UnsupportedRequest" : "UnknownEvse", NULL);
        return;
    }
    bool immediate = !strcmp(json_text(request, "type", 20), "Immediate");
    bool busy = v->durable.tx_active != 0;
    r->wanted = true;
    r->immediate |= immediate;
    r->answered = false;
    r->asked_us = device_now(&v->dev);
    r->ended_us = 0;
    r->scheduled = busy && !r->immediate;
    json_add_text(answer->payload, "status", r->scheduled ? "Scheduled" : "Accepted");
}

uint64_t reset_step(struct v201 *v, uint64_t now)
{
    struct reset *r = &v->reset;
    if (!r->wanted || r->handed_over || !r->answered)
        return UINT64_MAX;
    if (v->durable.tx_active) {
        if (r->immediate && !v->durable.ending)
            transactions_stop(v, TRIGGER_RESET_COMMAND, STOP_IMMEDIATE_RESET);
        if (v->durable.tx_active)
            return r->immediate ? now + 200000 : UINT64_MAX;
    }
    if (!r->ended_us)
        r->ended_us = now;
    if (v->dev.online && tx_queue_has(&v->queue, &v->dev, NULL) && now - r->ended_us < DELIVERY_US)
        return now + 200000;
    v->durable.restart = r->scheduled ? RESTART_SCHEDULED : RESTART_REMOTE;
    durable_state_save(&v->durable, &v->durable_id, &v->dev);
    if (!v->dev.ops->reset(v->dev.st, OCPP_RESET_NOW)) {
        device_log(&v->dev, 0, "the station can't restart");
        v->durable.restart = RESTART_UNASKED;
        durable_state_save(&v->durable, &v->durable_id, &v->dev);
        *r = (struct reset){0};
        return UINT64_MAX;
    }
    r->handed_over = true;
    return UINT64_MAX;
}
