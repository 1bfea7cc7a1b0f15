/* station's inside; include station/station.h instead. */
#ifndef STATION_STATION_STATE_H
#define STATION_STATION_STATE_H

#endif
