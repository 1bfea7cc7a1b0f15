#include "settings_access.h"

#include <stdio.h>

#include "machine.h"
#include "threads.h"

struct job {
    const char *name, *value;
    char *buf;
    size_t cap;
    bool ok;
};

static void do_set(void *arg)
{
    struct job *j = arg;
    struct station *station = machine_station();
    enum setting_id id;
    if (!settings_find(j->name, &id)) {
        (void)snprintf(j->buf, j->cap, "no setting is called %s", j->name);
        return;
    }
    enum settings_result r = settings_set(station_settings(station), id, j->value, j->buf, j->cap);
    j->ok = r == SETTINGS_OK || r == SETTINGS_OK_REBOOT;
    if (j->ok)
        station_settings_changed(station, id);
}

bool settings_access_set(const char *name, const char *value, char *why, size_t cap)
{
    struct job j = {.name = name, .value = value, .buf = why, .cap = cap};
    if (!threads_in_comms(do_set, &j)) {
        (void)snprintf(why, cap, "the station is busy");
        return false;
    }
    return j.ok;
}

static void do_get(void *arg)
{
    struct job *j = arg;
    enum setting_id id;
    j->ok = settings_find(j->name, &id);
    if (j->ok)
        (void)settings_format(station_settings(machine_station()), id, j->buf, j->cap);
}

bool settings_access_get(const char *name, char *buf, size_t cap)
{
    struct job j = {.name = name, .buf = buf, .cap = cap};
    return threads_in_comms(do_get, &j) && j.ok;
}

static void do_reset(void *arg)
{
    struct job *j = arg;
    j->ok = settings_reset(station_settings(machine_station())) == PORT_OK;
}

bool settings_access_reset(void)
{
    struct job j = {0};
    return threads_in_comms(do_reset, &j) && j.ok;
}
