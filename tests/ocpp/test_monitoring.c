/* Variable monitors: set, cleared, reported, and what they tell (N02..N08). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocpp/v201/monitoring.h"
#include "tests/ocpp/fake.h"

#define EVSE1         "\"component\":{\"name\":\"EVSE\",\"evse\":{\"id\":1}}"
#define STATION       "\"component\":{\"name\":\"ChargingStation\"}"
#define STATE         "\"variable\":{\"name\":\"AvailabilityState\"}"
#define POWER         "\"variable\":{\"name\":\"Power\"}"
#define EVSE_STATE    EVSE1 "," STATE
#define EVSE_POWER    EVSE1 "," POWER
#define SETTING(c, v) "\"component\":{\"name\":\"" c "\"},\"variable\":{\"name\":\"" v "\"}"
#define PILOT(v) \
    "\"component\":{\"name\":\"ControlPilot\",\"evse\":{\"id\":1}},\"variable\":{\"name\":\"" v "\"}"

/* One element of SetVariableMonitoring; `more` is "" or begins with a comma. The result; valid until the next
 * call. */
static const cJSON *put(struct fake *f, const char *names, const char *type, const char *value, int severity,
                        const char *more)
{
    char text[600];
    snprintf(text, sizeof text,
             "{\"setMonitoringData\":[{\"type\":\"%s\",\"value\":%s,\"severity\":%d,%s%s}]}", type, value,
             severity, names, more);
    const cJSON *r = fake_call(f, "SetVariableMonitoring", text);
    assert_non_null(r);
    r = node_at(r, "setMonitoringResult.0");
    assert_string_equal(at(r, "type"), type);
    assert_true(number_at(r, "severity") == severity);
    assert_non_null(node_at(r, "component.name"));
    assert_non_null(node_at(r, "variable.name"));
    return r;
}

/* Its id. */
static int add(struct fake *f, const char *names, const char *type, const char *value, int severity,
               const char *more)
{
    const cJSON *r = put(f, names, type, value, severity, more);
    assert_string_equal(at(r, "status"), "Accepted");
    assert_true(number_at(r, "id") > 0);
    return (int)number_at(r, "id");
}

static const char *status_of_put(struct fake *f, const char *names, const char *type, const char *value,
                                 int severity, const char *more)
{
    const cJSON *r = put(f, names, type, value, severity, more);
    if (strcmp(at(r, "status"), "Accepted") != 0)
        assert_null(node_at(r, "id"));
    return at(r, "status");
}

static const char *base(struct fake *f, const char *name)
{
    char text[80];
    snprintf(text, sizeof text, "{\"monitoringBase\":\"%s\"}", name);
    return at(fake_call(f, "SetMonitoringBase", text), "status");
}

static const char *clear(struct fake *f, int id)
{
    char text[40];
    snprintf(text, sizeof text, "{\"id\":[%d]}", id);
    const cJSON *r = fake_call(f, "ClearVariableMonitoring", text);
    assert_true(number_at(r, "clearMonitoringResult.0.id") == id);
    return at(r, "clearMonitoringResult.0.status");
}

/* GetMonitoringReport; `filter` is "" or begins with a comma. Its status; the report goes to `report`. */
struct report {
    unsigned pages, monitors;
    struct {
        int id, severity;
        double value;
        char component[52], variable[52], type[32];
        bool transaction;
    } m[64];
};

static const char *ask(struct fake *f, int request, const char *filter, struct report *out)
{
    static char status[32];
    char text[800];
    snprintf(text, sizeof text, "{\"requestId\":%d%s}", request, filter);
    unsigned before = f->frame_count;
    const cJSON *r = fake_call(f, "GetMonitoringReport", text);
    assert_non_null(r);
    assert_int_equal(f->frame[before].frame.type, FRAME_RESULT); /* never a report before the response */
    snprintf(status, sizeof status, "%s", at(r, "status"));
    fake_run(f, 3000);
    memset(out, 0, sizeof *out);
    bool last = false;
    for (unsigned i = 0; i < fake_count(f, "NotifyMonitoringReport"); i++) {
        const cJSON *p = fake_nth(f, "NotifyMonitoringReport", i);
        if (number_at(p, "requestId") != request)
            continue;
        assert_false(last);
        assert_true(number_at(p, "seqNo") == out->pages++);
        last = !strcmp(at(p, "tbc"), "false");
        const cJSON *list = node_at(p, "monitor");
        for (const cJSON *e = list ? list->child : NULL; e; e = e->next)
            for (const cJSON *m = node_at(e, "variableMonitoring")->child; m; m = m->next) {
                unsigned n = out->monitors++;
                assert_true(n < 64);
                out->m[n].id = (int)number_at(m, "id");
                out->m[n].severity = (int)number_at(m, "severity");
                out->m[n].value = number_at(m, "value");
                out->m[n].transaction = !strcmp(at(m, "transaction"), "true");
                snprintf(out->m[n].type, sizeof out->m[n].type, "%s", at(m, "type"));
                snprintf(out->m[n].component, sizeof out->m[n].component, "%s", at(e, "component.name"));
                snprintf(out->m[n].variable, sizeof out->m[n].variable, "%s", at(e, "variable.name"));
            }
    }
    assert_true(last == (out->pages > 0));
    assert_true((out->pages > 0) == !strcmp(status, "Accepted"));
    return status;
}

#define ONLY(names) ",\"componentVariable\":[{" names "}]"

/* The n-th event (0..) that this monitor has told, NULL: none. */
static const cJSON *event_of(struct fake *f, int monitor, unsigned n)
{
    for (unsigned i = 0; i < fake_count(f, "NotifyEvent"); i++) {
        const cJSON *p = fake_nth(f, "NotifyEvent", i);
        assert_true(number_at(p, "seqNo") == 0);
        const cJSON *list = node_at(p, "eventData");
        for (const cJSON *e = list->child; e; e = e->next)
            if (number_at(e, "variableMonitoringId") == monitor && n-- == 0)
                return e;
    }
    return NULL;
}

static unsigned events_of(struct fake *f, int monitor)
{
    unsigned n = 0;
    while (event_of(f, monitor, n))
        n++;
    return n;
}

static void power(struct fake *f, int32_t mw)
{
    f->view.meter.p_total_mw = mw;
}

/* ---- setting ---- */

/* N_08, N_09, N_10, N_11, N_12, N_13, N_15, N_37, N_38, N_43 */
static void setting(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    int one = add(f, EVSE_STATE, "Delta", "1", 8, ""); /* N_08 */
    assert_string_equal(ask(f, 1, ONLY(EVSE_STATE), &r), "Accepted");
    assert_int_equal(r.monitors, 1);
    assert_int_equal(r.m[0].id, one);
    assert_string_equal(r.m[0].type, "Delta");
    assert_int_equal(r.m[0].severity, 8);
    assert_false(r.m[0].transaction);
    int two = add(f, STATION "," STATE, "Delta", "1", 8, ""); /* N_09 */
    assert_string_equal(ask(f, 2, ",\"componentVariable\":[{" EVSE_STATE "},{" STATION "," STATE "}]", &r),
                        "Accepted");
    assert_int_equal(r.monitors, 2);
    int three = add(f, EVSE_STATE, "Delta", "1", 7, ""); /* N_10: another severity */
    assert_true(one != two && two != three && one != three);
    static const struct {
        const char *names, *type, *value;
        int severity;
        const char *more, *status;
    } cases[] = {
        {EVSE_STATE, "Delta", "1", 8, "", "Duplicate"}, /* N_15 */
        /* N_11 */
        {"\"component\":{\"name\":\"EVSE\",\"evse\":{\"id\":99}}," STATE, "Delta", "1", 8, "",
         "UnknownComponent"},
        {"\"component\":{\"name\":\"NonExistent\"}," POWER, "UpperThreshold", "1234.0", 8, "",
         "UnknownComponent"},
        /* N_37: with and without the EVSE's number */
        {EVSE1 ",\"variable\":{\"name\":\"unknownVariable\"}", "Delta", "1", 8, "", "UnknownVariable"},
        {"\"component\":{\"name\":\"EVSE\"},\"variable\":{\"name\":\"unknownVariable\"}", "Delta", "1", 8, "",
         "UnknownVariable"},
        {"\"component\":{\"name\":\"EVSE\"}," STATE, "Delta", "1", 8, "", "UnknownComponent"},
        {EVSE_STATE, "UpperThreshold", "1", 8, "", "UnsupportedMonitorType"}, /* N_38 */
        {EVSE1 ",\"variable\":{\"name\":\"Available\"}", "Delta", "1", 8, "", "UnsupportedMonitorType"},
        {EVSE_STATE, "Delta", "-1", 5, "", "Rejected"},             /* N_12 */
        {EVSE_POWER, "UpperThreshold", "22081", 5, "", "Rejected"}, /* N_13: 3 × 230 V × 32 A is the most */
        {EVSE_POWER, "LowerThreshold", "-1", 5, "", "Rejected"},
        {EVSE_POWER, "UpperThreshold", "22080", 5, "", "Accepted"},
        {EVSE_POWER, "UpperThreshold", "1e300", 4, "", "Rejected"},
        {EVSE_POWER, "Periodic", "0", 5, "", "Rejected"},
        {EVSE_POWER, "Periodic", "-5", 5, "", "Rejected"},
        {EVSE_POWER, "Periodic", "1e15", 5, "", "Rejected"},
        {EVSE_POWER, "PeriodicClockAligned", "0.5", 5, "", "Rejected"},
        {EVSE_POWER, "Delta", "100", 10, "", "Rejected"},
        {EVSE_POWER, "Delta", "100", -1, "", "Rejected"},
        {EVSE_POWER, "Delta", "100", 0, ",\"id\":4711", "Rejected"}, /* N04.FR.13 */
        {SETTING("OCPPCommCtrlr", "OfflineThreshold"), "UpperThreshold", "86401", 5, "", "Rejected"},
        {SETTING("OCPPCommCtrlr", "OfflineThreshold"), "UpperThreshold", "86400", 5, "", "Accepted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got =
            status_of_put(f, cases[i].names, cases[i].type, cases[i].value, cases[i].severity, cases[i].more);
        if (strcmp(got, cases[i].status) != 0)
            fail_msg("case %zu: %s instead of %s", i, got, cases[i].status);
    }
    /* N_43: the second of three is wrong. */
    const cJSON *p = fake_call(
        f, "SetVariableMonitoring",
        "{\"setMonitoringData\":[{\"type\":\"UpperThreshold\",\"value\":2000,\"severity\":3," EVSE_POWER
        "},{\"type\":\"Delta\",\"value\":-1.0,\"severity\":3," EVSE_POWER
        "},{\"type\":\"LowerThreshold\",\"value\":1000,\"severity\":3," EVSE_POWER "}]}");
    assert_int_equal(cJSON_GetArraySize(node_at(p, "setMonitoringResult")), 3);
    assert_string_equal(at(p, "setMonitoringResult.0.status"), "Accepted");
    assert_string_equal(at(p, "setMonitoringResult.1.status"), "Rejected");
    assert_string_equal(at(p, "setMonitoringResult.1.statusInfo.reasonCode"), "ValuePositiveOnly");
    assert_string_equal(at(p, "setMonitoringResult.2.status"), "Accepted");
    fake_free(f);
}

/* N04.FR.09, N06.FR.06: more elements than ItemsPerMessage; and more monitors than there is room for. */
static void limits(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    static char text[8000], ids[1000] = "{\"id\":[1";
    strcpy(text, "{\"setMonitoringData\":[");
    for (int i = 0; i < MONITOR_ITEMS_MAX + 1; i++) {
        strcat(text, i ? "," : "");
        strcat(text, "{\"type\":\"Delta\",\"value\":1,\"severity\":1," EVSE_STATE "}");
    }
    strcat(text, "]}");
    assert_null(fake_call(f, "SetVariableMonitoring", text));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    for (int i = 0; i < MONITORS; i++)
        strcat(ids, ",1");
    strcat(ids, "]}");
    assert_null(fake_call(f, "ClearVariableMonitoring", ids));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    assert_null(fake_call(f, "SetVariableMonitoring", "{\"setMonitoringData\":[]}"));
    assert_string_equal(f->error, "OccurrenceConstraintViolation");
    static const char *const types[] = {"UpperThreshold", "LowerThreshold", "Delta", "Periodic"};
    unsigned accepted = 0;
    int last = 0;
    const cJSON *r;
    for (int i = 0; i < 40; i++) {
        r = put(f, EVSE_POWER, types[i / 10], "5", i % 10, "");
        if (!strcmp(at(r, "status"), "Accepted")) {
            accepted++;
            last = (int)number_at(r, "id");
        } else {
            assert_string_equal(at(r, "statusInfo.reasonCode"), "OutOfMemory");
        }
    }
    assert_int_equal(accepted, MONITORS - 2); /* two are wired */
    struct report report;
    ask(f, 1, "", &report);
    assert_int_equal(report.monitors, MONITORS);
    assert_int_equal(fake_kept(f, OCPP_KEEP_MONITOR), MONITORS - 2);
    /* what can't be kept is refused */
    assert_string_equal(clear(f, last), "Accepted");
    f->keep_fails = true;
    r = put(f, EVSE_STATE, "Delta", "1", 3, "");
    assert_string_equal(at(r, "status"), "Rejected");
    assert_string_equal(at(r, "statusInfo.reasonCode"), "OutOfStorage");
    assert_string_equal(base(f, "All"), "Rejected");
    assert_string_equal(at(fake_call(f, "SetMonitoringLevel", "{\"severity\":3}"), "status"), "Rejected");
    fake_free(f);
}

/* N_39, N_40, N04.FR.18, N_51, N07.FR.11 */
static void replacing(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    char id[40];
    int one = add(f, EVSE_STATE, "Delta", "1", 5, "");
    snprintf(id, sizeof id, ",\"id\":%d", one);
    /* N_39 */
    assert_string_equal(status_of_put(f, STATION "," POWER, "UpperThreshold", "10", 5, id), "Rejected");
    ask(f, 1, ONLY(EVSE_STATE), &r);
    assert_int_equal(r.monitors, 1);
    assert_string_equal(r.m[0].type, "Delta");
    /* N_40 */
    assert_int_equal(add(f, EVSE_STATE, "Delta", "1", 4, id), one);
    ask(f, 2, ",\"monitoringCriteria\":[\"DeltaMonitoring\"]" ONLY(EVSE_STATE), &r);
    assert_int_equal(r.monitors, 1);
    assert_int_equal(r.m[0].severity, 4);
    assert_int_equal(r.m[0].id, one);
    /* the wired ones can't be replaced */
    assert_string_equal(status_of_put(f, PILOT("Voltage"), "Delta", "5", 8, ",\"id\":1"), "Rejected");
    /* N_51: the new threshold is exceeded, the old was not */
    power(f, 3000000);
    int two = add(f, EVSE_POWER, "UpperThreshold", "22079", 5, "");
    fake_run(f, 2000);
    assert_int_equal(events_of(f, two), 0);
    snprintf(id, sizeof id, ",\"id\":%d", two);
    assert_int_equal(add(f, EVSE_POWER, "UpperThreshold", "2000", 5, id), two);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, two), 1);
    assert_string_equal(at(event_of(f, two, 0), "trigger"), "Alerting");
    assert_string_equal(at(event_of(f, two, 0), "actualValue"), "3000");
    assert_null(node_at(event_of(f, two, 0), "cleared"));
    /* and the other way round: the new one clears the old */
    assert_int_equal(add(f, EVSE_POWER, "UpperThreshold", "4000", 5, id), two);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, two), 2);
    assert_string_equal(at(event_of(f, two, 1), "cleared"), "true");
    fake_free(f);
}

/* N_18, N_19, N_44, N_52 */
static void clearing(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    int one = add(f, EVSE_STATE, "Delta", "1", 5, ""), two = add(f, STATION "," STATE, "Delta", "1", 5, "");
    char text[80];
    snprintf(text, sizeof text, "{\"id\":[%d,%d]}", one, two);
    const cJSON *p = fake_call(f, "ClearVariableMonitoring", text);
    assert_string_equal(at(p, "clearMonitoringResult.0.status"), "Accepted");
    assert_string_equal(at(p, "clearMonitoringResult.1.status"), "Accepted");
    assert_string_equal(ask(f, 1, ",\"componentVariable\":[{" STATION "," STATE "},{" EVSE_STATE "}]", &r),
                        "EmptyResultSet");
    assert_int_equal(fake_kept(f, OCPP_KEEP_MONITOR), 0);
    assert_string_equal(clear(f, 123456), "NotFound"); /* N_19 */
    assert_string_equal(clear(f, one), "NotFound");
    assert_string_equal(clear(f, -7), "NotFound");
    assert_string_equal(clear(f, 1), "Rejected"); /* N_44 */
    /* N_52: of an exceeded threshold nothing more is heard */
    int three = add(f, EVSE_POWER, "UpperThreshold", "100", 5, "");
    power(f, 5000000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, three), 1);
    assert_string_equal(clear(f, three), "Accepted");
    assert_string_equal(ask(f, 2, ",\"monitoringCriteria\":[\"ThresholdMonitoring\"]" ONLY(EVSE_POWER), &r),
                        "EmptyResultSet");
    power(f, 0);
    fake_run(f, 3000);
    assert_int_equal(events_of(f, three), 1);
    fake_free(f);
}

/* ---- reports ---- */

/* N_01, N_02, N_03, N_04, N_47; pages (N02.FR.09) */
static void reports(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    assert_string_equal(base(f, "All"), "Accepted");
    add(f, EVSE_POWER, "UpperThreshold", "100", 5, "");
    add(f, EVSE_POWER, "LowerThreshold", "10", 5, ",\"transaction\":true");
    add(f, EVSE_POWER, "Periodic", "600", 5, "");
    add(f, STATION "," POWER, "PeriodicClockAligned", "900", 5, "");
    /* N_01 */
    ask(f, 1, ",\"monitoringCriteria\":[\"ThresholdMonitoring\"]", &r);
    assert_int_equal(r.monitors, 3); /* and the preconfigured temperature */
    for (unsigned i = 0; i < r.monitors; i++)
        assert_non_null(strstr(r.m[i].type, "Threshold"));
    ask(f, 2, ",\"monitoringCriteria\":[\"ThresholdMonitoring\",\"DeltaMonitoring\"]", &r);
    assert_int_equal(r.monitors, 3 + 4);
    for (unsigned i = 0; i < r.monitors; i++)
        assert_null(strstr(r.m[i].type, "Periodic"));
    ask(f, 3, ",\"monitoringCriteria\":[\"DeltaMonitoring\",\"PeriodicMonitoring\"]", &r);
    assert_int_equal(r.monitors, 4 + 2);
    for (unsigned i = 0; i < r.monitors; i++)
        assert_null(strstr(r.m[i].type, "Threshold"));
    /* N_47 */
    ask(f, 4, "", &r);
    assert_int_equal(r.monitors, 3 + 4 + 2);
    assert_int_equal(r.pages, 1); /* EVSE.Power with its three is one element, so there are 7 */
    /* N_02: a variable, and a whole component */
    ask(f, 5, ",\"componentVariable\":[{" STATION "," STATE "},{" EVSE1 "}]", &r);
    assert_int_equal(r.monitors, 1 + 4);
    bool station = false, evse = false, during = false;
    for (unsigned i = 0; i < r.monitors; i++) {
        station |= !strcmp(r.m[i].component, "ChargingStation") && !strcmp(r.m[i].type, "Delta");
        evse |= !strcmp(r.m[i].component, "EVSE") && !strcmp(r.m[i].variable, "AvailabilityState");
        during |= r.m[i].transaction && r.m[i].value == 10;
    }
    assert_true(station && evse && during);
    /* N_03 */
    assert_string_equal(
        ask(f, 6,
            ",\"monitoringCriteria\":[\"ThresholdMonitoring\"],\"componentVariable\":[{" STATION "," STATE
            "},{" EVSE_STATE "}]",
            &r),
        "EmptyResultSet");
    ask(f, 7,
        ",\"monitoringCriteria\":[\"DeltaMonitoring\"],\"componentVariable\":[{" STATION "," STATE
        "},{" EVSE_STATE "}]",
        &r);
    assert_int_equal(r.monitors, 2);
    /* N_04 */
    assert_string_equal(ask(f, 8, ",\"monitoringCriteria\":[\"DeltaMonitoring\",\"Dance\"]", &r),
                        "NotSupported");
    /* pages by items and by bytes */
    fake_set(f, "items_per_message", "3");
    ask(f, 9, "", &r);
    assert_int_equal(r.pages, 3);
    assert_int_equal(r.monitors, 9);
    fake_set(f, "items_per_message", "20");
    fake_set(f, "bytes_per_message", "700");
    ask(f, 10, "", &r);
    assert_true(r.pages > 1);
    assert_int_equal(r.monitors, 9);
    /* one at a time */
    assert_string_equal(at(fake_call(f, "GetMonitoringReport", "{\"requestId\":11}"), "status"), "Accepted");
    assert_string_equal(at(fake_call(f, "GetMonitoringReport", "{\"requestId\":12}"), "status"), "Rejected");
    fake_run(f, 2000);
    /* cleared while it is reported: the rest goes on */
    fake_forget(f);
    assert_string_equal(at(fake_call(f, "GetMonitoringReport", "{\"requestId\":13}"), "status"), "Accepted");
    assert_string_equal(base(f, "HardWiredOnly"), "Accepted");
    fake_run(f, 2000);
    assert_int_equal(cJSON_GetArraySize(node_at(fake_last(f, "NotifyMonitoringReport"), "monitor")), 2);
    assert_string_equal(at(fake_last(f, "NotifyMonitoringReport"), "tbc"), "false");
    /* and a connection that goes away ends it */
    fake_call(f, "GetMonitoringReport", "{\"requestId\":14}");
    fake_close(f);
    fake_connect(f);
    fake_run(f, 1000);
    assert_string_equal(at(fake_call(f, "GetMonitoringReport", "{\"requestId\":15}"), "status"), "Accepted");
    fake_free(f);
}

/* N_05, N_06, N_07, N_41 */
static void bases(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    assert_string_equal(base(f, "All"), "Accepted");
    assert_string_equal(base(f, "FactoryDefault"), "Accepted");
    assert_string_equal(base(f, "HardWiredOnly"), "Accepted");
    assert_string_equal(base(f, "Everything"), "NotSupported"); /* N_07 */
    /* N_06 */
    add(f, STATION "," STATE, "Delta", "1", 5, "");
    assert_string_equal(ask(f, 1, ONLY(STATION "," STATE), &r), "Accepted");
    assert_string_equal(base(f, "HardWiredOnly"), "Accepted");
    assert_string_equal(ask(f, 2, ONLY(STATION "," STATE), &r), "EmptyResultSet");
    /* N_41: a changed preconfigured one is the server's, until the factory's come back */
    assert_string_equal(base(f, "FactoryDefault"), "Accepted");
    ask(f, 3, ",\"monitoringCriteria\":[\"DeltaMonitoring\"]" ONLY(EVSE_STATE), &r);
    assert_int_equal(r.monitors, 1);
    int id = r.m[0].id, severity = r.m[0].severity;
    char more[40];
    snprintf(more, sizeof more, ",\"id\":%d", id);
    assert_int_equal(add(f, EVSE_STATE, "Delta", "1", severity - 1, more), id);
    ask(f, 4, ",\"monitoringCriteria\":[\"DeltaMonitoring\"]" ONLY(EVSE_STATE), &r);
    assert_int_equal(r.monitors, 1);
    assert_int_equal(r.m[0].id, id);
    assert_int_equal(r.m[0].severity, severity - 1);
    /* N03.FR.03: All leaves it alone */
    assert_string_equal(base(f, "All"), "Accepted");
    ask(f, 5, ONLY(EVSE_STATE), &r);
    assert_int_equal(r.m[0].severity, severity - 1);
    fake_plug(f);
    fake_run(f, 500);
    assert_string_equal(at(event_of(f, id, 0), "eventNotificationType"), "CustomMonitor");
    assert_string_equal(base(f, "FactoryDefault"), "Accepted");
    ask(f, 6, ONLY(EVSE_STATE), &r);
    assert_int_equal(r.monitors, 1);
    assert_int_equal(r.m[0].id, id);
    assert_int_equal(r.m[0].severity, severity);
    fake_forget(f);
    fake_unplug(f);
    fake_run(f, 500);
    assert_string_equal(at(event_of(f, id, 0), "eventNotificationType"), "PreconfiguredMonitor");
    /* cleared ones stay so over a restart, and come back with a base */
    assert_string_equal(clear(f, id), "Accepted");
    assert_string_equal(clear(f, id), "NotFound");
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    assert_string_equal(ask(f, 7, ONLY(EVSE_STATE), &r), "EmptyResultSet");
    assert_string_equal(ask(f, 8, ONLY(STATION "," STATE), &r), "Accepted");
    const cJSON *p =
        fake_call(f, "GetVariables",
                  "{\"getVariableData\":[{" SETTING("MonitoringCtrlr", "ActiveMonitoringBase") "}]}");
    assert_string_equal(at(p, "getVariableResult.0.attributeValue"), "FactoryDefault");
    assert_string_equal(base(f, "All"), "Accepted");
    assert_string_equal(ask(f, 9, ONLY(EVSE_STATE), &r), "Accepted");
    fake_free(f);
}

/* ---- telling ---- */

/* N_20, N07.FR.02, FR.16, FR.17 */
static void thresholds(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int upper = add(f, EVSE_POWER, "UpperThreshold", "5000", 5, "");
    fake_charge(f);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, upper), 1);
    const cJSON *e = event_of(f, upper, 0);
    assert_string_equal(at(e, "trigger"), "Alerting");
    assert_string_equal(at(e, "actualValue"), "11040");
    assert_string_equal(at(e, "eventNotificationType"), "CustomMonitor");
    assert_string_equal(at(e, "component.name"), "EVSE");
    assert_true(number_at(e, "component.evse.id") == 1);
    assert_string_equal(at(e, "variable.name"), "Power");
    assert_int_equal(strlen(at(e, "transactionId")), 36);
    assert_null(node_at(e, "cleared"));
    int lower = add(f, EVSE_POWER, "LowerThreshold", "1000", 5, "");
    power(f, 5000000); /* on the threshold is not over it: back */
    fake_run(f, 2000);
    assert_int_equal(events_of(f, upper), 2);
    assert_string_equal(at(event_of(f, upper, 1), "cleared"), "true");
    power(f, 1000000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, lower), 0);
    power(f, 999000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, lower), 1);
    assert_null(node_at(event_of(f, lower, 0), "cleared"));
    /* a value that swings is told once in a second at most, and the last word is true */
    fake_forget(f);
    for (int i = 0; i < 100; i++) {
        power(f, i % 2 ? 4000000 : 6000000);
        fake_run(f, 50);
    }
    fake_run(f, 2000);
    unsigned told = events_of(f, upper);
    assert_in_range(told, 2, 8);
    assert_string_equal(at(event_of(f, upper, told - 1), "cleared"), "true");
    /* without a measurement nothing is told */
    f->view.meter.valid = false;
    power(f, 9000000);
    fake_run(f, 3000);
    assert_int_equal(events_of(f, upper), told);
    fake_free(f);
}

/* N_45, N_56, N_61, N07.FR.18, FR.19 */
static void deltas(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int p = add(f, EVSE_POWER, "Delta", "100", 5, "");
    int s = add(f, EVSE_STATE, "Delta", "1.0", 5, "");
    power(f, 100000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, p), 0); /* more than, not as much as */
    power(f, 100001);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, p), 1);
    assert_string_equal(at(event_of(f, p, 0), "trigger"), "Delta");
    assert_string_equal(at(event_of(f, p, 0), "actualValue"), "100.001");
    power(f, 0);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, p), 2);
    assert_int_equal(events_of(f, s), 0);
    fake_plug(f); /* N_56 */
    fake_run(f, 200);
    assert_int_equal(events_of(f, s), 1);
    assert_string_equal(at(event_of(f, s, 0), "actualValue"), "Occupied");
    assert_string_equal(at(event_of(f, s, 0), "trigger"), "Delta");
    assert_string_equal(at(event_of(f, s, 0), "component.name"), "EVSE");
    /* N_61: a setting; 60 is the default */
    int o = add(f, SETTING("OCPPCommCtrlr", "OfflineThreshold"), "Delta", "1", 5, "");
    fake_set(f, "offline_threshold", "61");
    fake_run(f, 2000);
    assert_int_equal(events_of(f, o), 0);
    fake_call(f, "SetVariables",
              "{\"setVariableData\":[{\"attributeValue\":\"62\"," SETTING("OCPPCommCtrlr",
                                                                          "OfflineThreshold") "}]}");
    fake_run(f, 2000);
    assert_int_equal(events_of(f, o), 1);
    assert_string_equal(at(event_of(f, o, 0), "actualValue"), "62");
    /* a text that is longer than the queue's places */
    int l = add(f, SETTING("SampledDataCtrlr", "TxUpdatedMeasurands"), "Delta", "1", 5, "");
    const char *list = "Current.Import,Voltage,Power.Active.Import,Power.Factor,Frequency";
    fake_set(f, "tx_updated_measurands", list);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, l), 1);
    assert_string_equal(at(event_of(f, l, 0), "actualValue"), list);
    fake_free(f);
}

/* N_24, N08.FR.06, FR.07 */
static void periodic(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int p = add(f, EVSE_STATE, "Periodic", "10", 5, "");
    fake_run(f, 61000);
    assert_in_range(events_of(f, p), 5, 6);
    assert_string_equal(at(event_of(f, p, 0), "trigger"), "Periodic");
    assert_string_equal(at(event_of(f, p, 0), "actualValue"), "Available");
    int64_t first, second;
    assert_true(json_time_parse(at(event_of(f, p, 0), "timestamp"), &first));
    assert_true(json_time_parse(at(event_of(f, p, 1), "timestamp"), &second));
    assert_in_range(second - first, 9900, 10100);
    assert_string_equal(clear(f, p), "Accepted");
    int a = add(f, EVSE_STATE, "PeriodicClockAligned", "900", 5, "");
    fake_run(f, 3 * 900000);
    assert_int_equal(events_of(f, a), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(json_time_parse(at(event_of(f, a, i), "timestamp"), &first));
        assert_in_range(first % 900000, 0, 200); /* on the quarter of the hour */
    }
    fake_free(f);
}

/* MonitoringDataType.transaction */
static void only_in_transactions(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int p = add(f, EVSE_POWER, "Delta", "100", 5, ",\"transaction\":true");
    int u = add(f, EVSE_POWER, "UpperThreshold", "500", 5, ",\"transaction\":true");
    int t = add(f, EVSE_POWER, "Periodic", "5", 5, ",\"transaction\":true");
    power(f, 1000000);
    fake_run(f, 20000);
    power(f, 0);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, p) + events_of(f, u) + events_of(f, t), 0);
    fake_charge(f);
    fake_run(f, 11000);
    assert_int_equal(events_of(f, u), 1);
    assert_int_equal(events_of(f, t), 2);
    assert_int_equal(events_of(f, p), 1); /* from nothing to all */
    power(f, 400000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, p), 2);
    assert_int_equal(events_of(f, u), 2);
    fake_unplug(f);
    fake_run(f, 20000);
    fake_forget(f);
    power(f, 9000000);
    fake_run(f, 20000);
    assert_int_equal(events_of(f, p) + events_of(f, u) + events_of(f, t), 0);
    fake_free(f);
}

/* N_48, N07.FR.10: the value of what can't be read is empty */
static void write_only(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int id = add(f, SETTING("SecurityCtrlr", "BasicAuthPassword"), "Delta", "1", 5, "");
    const cJSON *r = fake_call(f, "SetVariables",
                               "{\"setVariableData\":[{\"attributeValue\":\"0123456789abcdef\"," SETTING(
                                   "SecurityCtrlr", "BasicAuthPassword") "}]}");
    assert_string_equal(at(r, "setVariableResult.0.attributeStatus"), "Accepted");
    fake_run(f, 200);
    fake_connect(f); /* the new password takes a new connection */
    fake_run(f, 1000);
    /* The old connection may have gone before its answer: then it is sent again, as the same event. */
    unsigned sent = events_of(f, id);
    assert_in_range(sent, 1, 2);
    assert_true(number_at(event_of(f, id, 0), "eventId") == number_at(event_of(f, id, sent - 1), "eventId"));
    assert_true(cJSON_IsString(node_at(event_of(f, id, 0), "actualValue")));
    assert_string_equal(at(event_of(f, id, 0), "actualValue"), "");
    /* refused: not written */
    fake_call(f, "SetVariables",
              "{\"setVariableData\":[{\"attributeValue\":\"short\"," SETTING("SecurityCtrlr",
                                                                             "BasicAuthPassword") "}]}");
    fake_run(f, 1000);
    assert_int_equal(events_of(f, id), sent);
    fake_free(f);
}

/* N_16, N_17 */
static void level(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    int id = add(f, EVSE_STATE, "Delta", "1", 8, "");
    assert_string_equal(at(fake_call(f, "SetMonitoringLevel", "{\"severity\":10}"), "status"), "Rejected");
    assert_string_equal(at(fake_call(f, "SetMonitoringLevel", "{\"severity\":-1}"), "status"), "Rejected");
    assert_string_equal(at(fake_call(f, "SetMonitoringLevel", "{\"severity\":7}"), "status"), "Accepted");
    fake_plug(f);
    fake_run(f, 2000);
    assert_int_equal(fake_count(f, "NotifyEvent"), 0); /* the wired ones are of severity 8 as well */
    f->view.faulted = true;
    f->view.fault = "Welded";
    fake_event(f, OCPP_EV_FAULT, true, "Welded", NULL);
    fake_run(f, 200);
    assert_int_equal(fake_count(f, "NotifyEvent"), 1); /* an error is heard */
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    const cJSON *r =
        fake_call(f, "GetVariables",
                  "{\"getVariableData\":[{" SETTING("MonitoringCtrlr", "ActiveMonitoringLevel") "}]}");
    assert_string_equal(at(r, "getVariableResult.0.attributeValue"), "7");
    assert_string_equal(at(fake_call(f, "SetMonitoringLevel", "{\"severity\":8}"), "status"), "Accepted");
    fake_run(f, 1000);
    fake_unplug(f);
    f->view.faulted = false;
    f->view.fault = "";
    fake_event(f, OCPP_EV_FAULT, false, "Welded", NULL);
    fake_run(f, 1000);
    assert_true(events_of(f, id) >= 1);
    /* MonitoringCtrlr.Enabled */
    unsigned before = events_of(f, id);
    fake_set(f, "monitoring_enabled", "false");
    fake_plug(f);
    fake_run(f, 1000);
    assert_int_equal(events_of(f, id), before);
    fake_free(f);
}

/* N_22, N_23: what is queued while the server can't be reached, and what is looked at afterwards */
static void offline(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "monitoring_offline_severity", "5");
    int kept = add(f, EVSE_STATE, "Delta", "1", 5, ""), dropped = add(f, EVSE_STATE, "Delta", "1", 6, "");
    int late = add(f, EVSE_POWER, "UpperThreshold", "100", 6, "");
    int often = add(f, EVSE_STATE, "Periodic", "10", 6, "");
    fake_plug(f);
    fake_run(f, 1000);
    assert_int_equal(events_of(f, kept), 1);
    assert_int_equal(events_of(f, dropped), 1);
    fake_close(f);
    fake_unplug(f);
    fake_run(f, 1000);
    power(f, 5000000);
    fake_plug(f);
    fake_run(f, 60000);
    fake_connect(f);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, kept), 3);
    assert_string_equal(at(event_of(f, kept, 1), "actualValue"), "Available");
    assert_string_equal(at(event_of(f, kept, 2), "actualValue"), "Occupied");
    assert_int_equal(events_of(f, dropped), 1); /* it is again as it was told last */
    assert_int_equal(events_of(f, late), 1);    /* N07, remark: looked at as soon as somebody can be told */
    assert_true(events_of(f, often) <= 1);
    /* Bounded: the newest are kept. */
    fake_forget(f);
    fake_close(f);
    for (int i = 0; i < 100; i++) {
        if (i % 2)
            fake_plug(f);
        else
            fake_unplug(f);
        fake_run(f, 100);
    }
    fake_connect(f);
    fake_run(f, 5000);
    assert_int_equal(events_of(f, kept), NOTIFY_EVENTS); /* the pilot's (8) are not to be queued */
    assert_string_equal(at(event_of(f, kept, NOTIFY_EVENTS - 1), "actualValue"), "Occupied");
    fake_free(f);
}

/* N_53, N07.FR.13, FR.14 */
static void over_a_restart(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    int id = add(f, EVSE_POWER, "UpperThreshold", "100.5", 5, "");
    int delta = add(f, EVSE_POWER, "Delta", "10", 4, ",\"transaction\":true");
    power(f, 5000000);
    fake_run(f, 2000);
    assert_int_equal(events_of(f, id), 1);
    power(f, 0);
    fake_close(f);
    fake_boot(f);
    fake_connect(f);
    fake_forget(f);
    fake_run(f, 3000);
    ask(f, 1, ",\"monitoringCriteria\":[\"ThresholdMonitoring\"]", &r);
    assert_int_equal(r.monitors, 1);
    assert_int_equal(r.m[0].id, id);
    assert_true(r.m[0].value == 100.5);
    ask(f, 2, ",\"monitoringCriteria\":[\"DeltaMonitoring\"]" ONLY(EVSE_POWER), &r);
    assert_int_equal(r.m[0].id, delta);
    assert_true(r.m[0].transaction);
    /* It had told that the threshold is exceeded; it is no more. */
    assert_int_equal(events_of(f, id), 1);
    assert_string_equal(at(event_of(f, id, 0), "cleared"), "true");
    /* ids do not come back */
    assert_string_equal(clear(f, id), "Accepted");
    assert_true(add(f, EVSE_POWER, "UpperThreshold", "100", 5, "") > delta);
    /* A power cut at any change of the store leaves the old or the new, never nothing and never both. */
    for (unsigned cut = 1; cut <= 3; cut++) {
        char more[40];
        int victim = add(f, EVSE_POWER, "LowerThreshold", "7", (int)cut, "");
        snprintf(more, sizeof more, ",\"id\":%d", victim);
        f->cut_after = cut;
        char text[400];
        snprintf(
            text, sizeof text,
            "[2,\"cut%u\",\"SetVariableMonitoring\",{\"setMonitoringData\":[{\"type\":\"LowerThreshold\","
            "\"value\":9,\"severity\":%u," EVSE_POWER "%s}]}]",
            cut, cut, more);
        fake_raw(f, text);
        fake_close(f);
        fake_boot(f);
        fake_connect(f);
        fake_run(f, 2000);
        ask(f, (int)(10 + cut), ",\"monitoringCriteria\":[\"ThresholdMonitoring\"]" ONLY(EVSE_POWER), &r);
        unsigned n = 0;
        for (unsigned i = 0; i < r.monitors; i++)
            n += r.m[i].id == victim && (r.m[i].value == 7 || r.m[i].value == 9);
        assert_int_equal(n, 1);
        fake_forget(f);
    }
    fake_free(f);
}

/* A flapping threshold does not write to the store each time. */
static void wear(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    add(f, EVSE_POWER, "UpperThreshold", "100", 5, "");
    uint32_t before = f->next_record;
    for (int i = 0; i < 300; i++) {
        power(f, i % 2 ? 5000000 : 0);
        fake_run(f, 1000);
    }
    assert_in_range(f->next_record - before, 1, 7); /* five minutes */
    fake_free(f);
}

/* Rubbish in the store is passed over. */
static void bad_records(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    struct report r;
    add(f, EVSE_POWER, "UpperThreshold", "100", 5, "");
    fake_close(f);
    assert_int_equal(f->record[f->record_count - 1].kind, OCPP_KEEP_MONITOR);
    unsigned char good[64];
    size_t len = f->record[f->record_count - 1].len;
    memcpy(good, f->record[f->record_count - 1].bytes, len);
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            f->record_count = 1;
            f->record[0].kind = OCPP_KEEP_MONITOR;
            f->record[0].len = len;
            memcpy(f->record[0].bytes, good, len);
            f->record[0].bytes[i] ^= (unsigned char)(1u << bit);
            fake_boot(f);
        }
    f->record_count = 1;
    f->record[0].len = len / 2;
    fake_boot(f);
    fake_connect(f);
    fake_run(f, 2000);
    ask(f, 1, "", &r);
    assert_int_equal(r.monitors, 2);
    assert_int_equal(fake_kept(f, OCPP_KEEP_MONITOR), 0);
    fake_free(f);
}

/* N_21; the physical components: every change of the pilot and of the contactor is told at once */
static void wired(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_charge(f);
    unsigned pilot = 0, contactor = 0;
    for (unsigned i = 0; i < fake_count(f, "NotifyEvent"); i++) {
        const cJSON *list = node_at(fake_nth(f, "NotifyEvent", i), "eventData");
        for (const cJSON *e = list->child; e; e = e->next) {
            if (!strcmp(at(e, "component.name"), "ControlPilot") &&
                !strcmp(at(e, "variable.name"), "State")) {
                pilot++;
                assert_string_equal(at(e, "eventNotificationType"), "HardWiredNotification");
                assert_null(node_at(e, "variableMonitoringId"));
            }
            if (!strcmp(at(e, "component.name"), "Contactor")) {
                contactor++;
                assert_string_equal(at(e, "variable.name"), "State");
                assert_string_equal(at(e, "actualValue"), "Closed");
            }
        }
    }
    assert_int_equal(pilot, 2);
    assert_int_equal(contactor, 1);
    /* the wired monitors: duty cycle and voltage */
    f->view.duty_bp = 2667;
    f->view.pilot_mv = 6000;
    fake_event(f, OCPP_EV_CHARGING, false, NULL, NULL);
    fake_run(f, 100);
    assert_int_equal(events_of(f, 1), 1);
    assert_string_equal(at(event_of(f, 1, 0), "eventNotificationType"), "HardWiredMonitor");
    assert_string_equal(at(event_of(f, 1, 0), "variable.name"), "Voltage");
    assert_string_equal(at(event_of(f, 1, 0), "actualValue"), "6");
    assert_string_equal(at(event_of(f, 2, 0), "actualValue"), "26.67");
    f->view.pilot_mv = 6900; /* noise */
    fake_run(f, 3000);
    assert_int_equal(events_of(f, 1), 1);
    /* the server's own on the pilot's voltage: told within a tenth of a second */
    int id = add(f, PILOT("Voltage"), "Delta", "0.1", 3, "");
    fake_run(f, 100);
    f->view.pilot_mv = 9000;
    fake_run(f, 150);
    assert_int_equal(events_of(f, id), 1);
    fake_free(f);
}

/* Two variables of one key would be taken for each other. */
static void keys(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    fake_set(f, "items_per_message", "20");
    fake_set(f, "bytes_per_message", "32000");
    fake_call(f, "GetBaseReport", "{\"requestId\":1,\"reportBase\":\"FullInventory\"}");
    fake_run(f, 5000);
    static uint32_t seen[512];
    unsigned n = 0;
    for (unsigned i = 0; i < fake_count(f, "NotifyReport"); i++) {
        const cJSON *list = node_at(fake_nth(f, "NotifyReport", i), "reportData");
        for (const cJSON *d = list->child; d; d = d->next) {
            const cJSON *ci = node_at(d, "component.instance"), *vi = node_at(d, "variable.instance");
            struct variable var = {.component = at(d, "component.name"),
                                   .instance = ci ? ci->valuestring : NULL,
                                   .name = at(d, "variable.name"),
                                   .name_instance = vi ? vi->valuestring : NULL};
            if (node_at(d, "component.evse"))
                var.level = node_at(d, "component.evse.connectorId") ? 2 : 1;
            assert_true(n < 512);
            seen[n] = model_key(&var);
            for (unsigned k = 0; k < n; k++)
                assert_int_not_equal(seen[k], seen[n]);
            n++;
        }
    }
    assert_true(n > 150);
    fake_free(f);
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t milli;
    } cases[] = {
        {"0", true, 0},
        {"230.1", true, 230100},
        {"-12.5", true, -12500},
        {"1.234", true, 1234},
        {"86400", true, 86400000},
        {"", false, 0},
        {"-", false, 0},
        {"12a", false, 0},
        {"1.2345", false, 0},
        {"true", false, 0},
        {"99999999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t milli = 0;
        assert_int_equal(model_number(cases[i].text, &milli), cases[i].ok);
        if (cases[i].ok)
            assert_int_equal(milli, cases[i].milli);
    }
}

static bool hangs(struct fake *f, const char *action, const char *id, const cJSON *payload)
{
    (void)action;
    (void)id;
    (void)payload;
    f->outstanding = false;
    f->last_was_dropped = true;
    return true;
}

/* A server that answers nothing at all loses its connection, and no event is lost to it. */
static void a_hanging_server(void **state)
{
    (void)state;
    struct fake *f = fake_ready();
    f->server = hangs;
    fake_event(f, OCPP_EV_PILOT, true, "B", "A");
    for (int i = 0; i < 60; i++) {
        fake_run(f, 10000);
        if (!f->connected)
            fake_connect(f);
    }
    assert_true(f->hang_ups > 2);
    f->server = NULL;
    fake_forget(f);
    for (int i = 0; i < 10; i++) {
        fake_run(f, 10000);
        if (!f->connected)
            fake_connect(f);
    }
    assert_string_equal(at(fake_nth(f, "NotifyEvent", 0), "eventData.0.actualValue"), "B");
    fake_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hanging_server),
        cmocka_unit_test(setting),
        cmocka_unit_test(limits),
        cmocka_unit_test(replacing),
        cmocka_unit_test(clearing),
        cmocka_unit_test(reports),
        cmocka_unit_test(bases),
        cmocka_unit_test(thresholds),
        cmocka_unit_test(deltas),
        cmocka_unit_test(periodic),
        cmocka_unit_test(only_in_transactions),
        cmocka_unit_test(write_only),
        cmocka_unit_test(level),
        cmocka_unit_test(offline),
        cmocka_unit_test(over_a_restart),
        cmocka_unit_test(wear),
        cmocka_unit_test(bad_records),
        cmocka_unit_test(wired),
        cmocka_unit_test(keys),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
