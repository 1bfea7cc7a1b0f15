#include "probation.h"

#include <stdio.h>

#include "esp_ota_ops.h"
#include "esp_partition.h"
#include "esp_timer.h"
#include "log_tail.h"
#include "sdkconfig.h"

enum { SETTLE_S = 30 }; /* a fault that a new firmware brings shows within this time */

static struct {
    bool running;
    bool tested;
    int64_t tested_us;
} p; /* comms thread, after probation_init */

void probation_init(void)
{
    esp_ota_img_states_t state;
    const esp_partition_t *slot = esp_ota_get_running_partition();
    p.running =
        slot && esp_ota_get_state_partition(slot, &state) == ESP_OK && state == ESP_OTA_IMG_PENDING_VERIFY;
    if (p.running)
        log_tail_line(1, "new firmware: on probation");
    const esp_partition_t *failed = esp_ota_get_last_invalid_partition();
    if (failed) {
        char line[80];
        (void)snprintf(line, sizeof line, "the firmware in %s has failed its probation", failed->label);
        log_tail_line(1, line);
    }
}

bool probation_running(void)
{
    return p.running;
}

/* What only this firmware can be blamed for; an installation's faults (cable, supply, car) are nobody's
 * proof. */
static bool own_fault(const struct control_status *c)
{
    const uint32_t own = 1u << FAULT_PILOT_DRIVER | 1u << FAULT_STARVED | 1u << FAULT_GUARD;
    return (c->faults & own) != 0;
}

void probation_step(const struct control_status *control, const struct station_link_status *link,
                    bool server_set)
{
    if (!p.running)
        return;
    int64_t now = esp_timer_get_time();
    bool tested = control->state != EVSE_SELF_TEST && !own_fault(control);
    if (tested && !p.tested)
        p.tested_us = now;
    p.tested = tested;
    if (tested && now - p.tested_us >= SETTLE_S * 1000000ll && (!server_set || link->registered)) {
        esp_err_t err = esp_ota_mark_app_valid_cancel_rollback();
        p.running = err != ESP_OK;
        log_tail_line(err == ESP_OK ? 2 : 0,
                      err == ESP_OK ? "new firmware has proved itself" : "new firmware can't be confirmed");
        return;
    }
    if (now < CONFIG_ECS_PROBATION_MINUTES * 60000000ll || control->contactor_closed)
        return;
    log_tail_line(0, !tested       ? "probation failed: self-test. Returning to the firmware before"
                     : !server_set ? "probation failed. Returning to the firmware before"
                                   : "probation failed: the server. Returning to the firmware before");
    esp_ota_mark_app_invalid_rollback_and_reboot();
    /* Comes back only if there is no firmware to return to: then this one is the best there is. */
    log_tail_line(0, "there is no firmware to return to");
    p.running = esp_ota_mark_app_valid_cancel_rollback() != ESP_OK;
}
