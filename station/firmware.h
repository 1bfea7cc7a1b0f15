/*
 * firmware: firmware updates in terms of the station: what they want to know of it, what they may do to it,
 * and what OCPP and the display are told. The updates themselves are update/'s. Comms thread.
 */
#ifndef STATION_FIRMWARE_H
#define STATION_FIRMWARE_H

#include "ocpp/station_ops.h"
#include "panel/panel.h"
#include "update/update.h"

struct station;
struct station_boot;

struct firmware_glue {
    struct update update;
    bool server_available; /* as the server wants it */
    bool closed;           /* no new session: firmware is waiting to be started */
    int32_t percent_told;  /* of the download; −1: none */
};

void firmware_glue_init(struct station *s, const struct station_boot *boot);
uint64_t firmware_glue_step(struct station *s, uint64_t now_us);
void firmware_glue_before_restart(struct station *s);
void firmware_glue_view(const struct station *s, struct ocpp_view *out);
/* What the display should tell of it; false: nothing. */
bool firmware_glue_panel(const struct station *s, enum panel_update_phase *phase, int32_t *permille);

/* As in struct ocpp_station_ops. */
enum ocpp_firmware_answer firmware_glue_ask(void *st, const struct ocpp_firmware_request *request,
                                            const char **why);
bool firmware_glue_report(void *st, struct ocpp_firmware_report *out);
void firmware_glue_reported(void *st);

#endif
