/*
 * ops: the station as OCPP sees it: implements struct ocpp_station_ops, and turns the control path's events
 * into OCPP's. Comms thread only.
 */
#ifndef STATION_OPS_H
#define STATION_OPS_H

#include "station/station.h"

extern const struct ocpp_station_ops station_ocpp_ops;

/* The station as of s->status. */
void station_view(const struct station *s, struct ocpp_view *out);
/* Hands one event of the control path to OCPP. */
void station_tell(struct station *s, const struct control_event *ev);
/* What has become of the upload of a log file. */
void station_tell_upload(struct station *s, enum ocpp_upload what);
/* Events were lost: tell OCPP what has changed since it last heard. */
void station_tell_changes(struct station *s);
/* Makes the energy registers and counters of s->status durable now. */
void station_mark_registers(struct station *s);

#endif
