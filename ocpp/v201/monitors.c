/* monitors: variable monitors, how they are set and when they tell; see monitors.h. */
#include "ocpp/v201/monitors.h"

#include <string.h>

#include "ocpp/schema.h"
#include "ocpp/v201/v201.h"

/* A measured value that moves all the time is told at most this often by one monitor; the last word is never
 * left out. The pilot's are told as they come. */
#define TELL_EVERY_US UINT64_C(1000000)
/* How often the pilot is looked at while the server monitors its voltage or duty cycle. */
#define PILOT_EVERY_US UINT64_C(100000)
/* That a threshold is exceeded is durable (N07.FR.14), but not written more often than this: a value that
 * swings around its threshold must not wear out the flash. */
#define KEEP_EVERY_US UINT64_C(60000000)
/* Longest interval of a periodic monitor, and the largest value of any. */
enum { PERIOD_MAX_S = 31536000 };

/* Ids of the server's own monitors begin here; below are the wired and preconfigured ones. */
enum { CUSTOM_ID_FIRST = 1001 };

static const struct {
    int32_t id;
    uint8_t kind, type, severity;
    bool factory; /* part of FactoryDefault, not only of All */
    int64_t value_milli;
    const char *component;
    uint8_t level;
    const char *variable;
} built_in[] = {
    /* Every change of the pilot is told; its states are 3 V apart (IEC 61851-1, table A.4), what is less than
       1 V is noise of the measurement. */
    {1, MONITOR_HARD_WIRED, MONITOR_DELTA, 8, true, 1000, "ControlPilot", 1, "Voltage"},
    {2, MONITOR_HARD_WIRED, MONITOR_DELTA, 8, true, 0, "ControlPilot", 1, "DutyCycle"},
    {101, MONITOR_PRECONFIGURED, MONITOR_DELTA, 9, true, 1000, "EVSE", 1, "AvailabilityState"},
    {102, MONITOR_PRECONFIGURED, MONITOR_DELTA, 9, true, 1000, "ChargingStation", 0, "AvailabilityState"},
    /* Where the current starts to be reduced by default (store/settings.def: derate_start). */
    {103, MONITOR_PRECONFIGURED, MONITOR_UPPER, 6, false, 60000, "TemperatureSensor", 1, "Temperature"},
};
enum { BUILT_IN = sizeof built_in / sizeof built_in[0] };
_Static_assert(MONITORS > BUILT_IN + 8, "room for the server's own");

/* As kept. Little endian on every machine this runs on. */
enum { RECORD_VERSION = 1, RECORD_MONITOR = 1, RECORD_STATE = 2 };
struct record {
    uint8_t version, what;
    uint8_t kind, type, severity, transaction, exceeded, reserved;
    int32_t id; /* RECORD_STATE: the next one; kind is the base, severity the level */
    uint32_t key;
    int64_t value_milli;
};
_Static_assert(sizeof(struct record) == 24, "layout in flash");

const char *monitor_type_name(uint8_t type)
{
    static const char *const names[] = {"UpperThreshold", "LowerThreshold", "Delta", "Periodic",
                                        "PeriodicClockAligned"};
    return type < sizeof names / sizeof names[0] ? names[type] : "Delta";
}

const char *monitoring_base_name(uint8_t base)
{
    static const char *const names[] = {"All", "FactoryDefault", "HardWiredOnly"};
    return base < sizeof names / sizeof names[0] ? names[base] : "HardWiredOnly";
}

static struct monitor *find(struct v201 *v, int32_t id)
{
    for (size_t i = 0; i < MONITORS; i++)
        if (v->monitors.monitor[i].id == id && id != 0)
            return &v->monitors.monitor[i];
    return NULL;
}

const struct monitor *monitor_of(const struct v201 *v, int32_t id)
{
    for (size_t i = 0; i < MONITORS; i++) {
        const struct monitor *m = &v->monitors.monitor[i];
        if (m->id == id && id != 0 && m->kind != MONITOR_CLEARED)
            return m;
    }
    return NULL;
}

static struct monitor *free_place(struct v201 *v)
{
    for (size_t i = 0; i < MONITORS; i++)
        if (v->monitors.monitor[i].id == 0)
            return &v->monitors.monitor[i];
    return NULL;
}

/* ---- durable ---- */

static bool keep(struct v201 *v, const struct record *r, uint32_t *keep_id)
{
    uint32_t id;
    if (!v->dev.ops->keep(v->dev.st, OCPP_KEEP_MONITOR, r, sizeof *r, &id))
        return false;
    if (*keep_id)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, *keep_id);
    *keep_id = id;
    return true;
}

static bool keep_monitor(struct v201 *v, struct monitor *m)
{
    const struct record r = {.version = RECORD_VERSION,
                             .what = RECORD_MONITOR,
                             .kind = m->kind,
                             .type = m->type,
                             .severity = m->severity,
                             .transaction = m->transaction,
                             .exceeded = m->exceeded,
                             .id = m->id,
                             .key = m->key,
                             .value_milli = m->value_milli};
    if (!keep(v, &r, &m->keep_id))
        return false;
    m->exceeded_kept = m->exceeded;
    m->kept_us = device_now(&v->dev);
    return true;
}

static bool keep_state(struct v201 *v)
{
    struct monitors *s = &v->monitors;
    const struct record r = {.version = RECORD_VERSION,
                             .what = RECORD_STATE,
                             .kind = s->base,
                             .severity = s->level,
                             .id = s->next_id};
    return keep(v, &r, &s->state_id);
}

static void drop(struct v201 *v, struct monitor *m)
{
    if (m->keep_id)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, m->keep_id);
    memset(m, 0, sizeof *m);
}

/* ---- built in ---- */

static void add_built_in(struct v201 *v, size_t i)
{
    struct variable var;
    struct monitor *m = find(v, built_in[i].id) ? NULL : free_place(v); /* one that was changed stays so */
    if (!m || !model_named(v, built_in[i].component, built_in[i].level, built_in[i].variable, &var))
        return;
    *m = (struct monitor){.id = built_in[i].id,
                          .kind = built_in[i].kind,
                          .type = built_in[i].type,
                          .severity = built_in[i].severity,
                          .value_milli = built_in[i].value_milli,
                          .var = var,
                          .key = model_key(&var),
                          .slot = -1};
}

/* Hard-wired ones always; of the preconfigured those that the base asks for. */
static void add_all_built_in(struct v201 *v)
{
    for (size_t i = 0; i < BUILT_IN; i++)
        if (built_in[i].kind == MONITOR_HARD_WIRED || v->monitors.base == BASE_ALL ||
            (v->monitors.base == BASE_FACTORY_DEFAULT && built_in[i].factory))
            add_built_in(v, i);
}

/* ---- start ---- */

static bool sound(const struct record *r, size_t len)
{
    return len >= sizeof *r && r->version == RECORD_VERSION && r->type <= MONITOR_CLOCK_ALIGNED &&
           r->severity <= SEVERITY_MAX && r->id > 0 && r->transaction <= 1 && r->exceeded <= 1 &&
           (r->kind == MONITOR_CUSTOM || r->kind == MONITOR_PRECONFIGURED || r->kind == MONITOR_CLEARED);
}

static void load_monitor(struct v201 *v, const struct record *r, uint32_t keep_id)
{
    struct variable var;
    /* The same id twice: the power failed between keeping the new and forgetting the old. */
    struct monitor *m = find(v, r->id);
    if (m && m->keep_id)
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, m->keep_id);
    if (!m)
        m = free_place(v);
    /* N04, remark: after an update that no longer knows the variable its monitors go. */
    if (!m || !model_by_key(v, r->key, &var) || !model_monitorable(&var)) {
        device_log(&v->dev, 1, "a kept monitor can't be used any more");
        v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, keep_id);
        if (m)
            memset(m, 0, sizeof *m);
        return;
    }
    *m = (struct monitor){.id = r->id,
                          .kind = r->kind,
                          .type = r->type,
                          .severity = r->severity,
                          .transaction = r->transaction,
                          .value_milli = r->value_milli,
                          .var = var,
                          .key = r->key,
                          .keep_id = keep_id,
                          .exceeded = r->exceeded,
                          .exceeded_kept = r->exceeded,
                          .active = r->exceeded, /* goes on where it was */
                          .slot = -1};
    if (r->id >= v->monitors.next_id && r->id < INT32_MAX)
        v->monitors.next_id = r->id + 1;
}

void monitors_init(struct v201 *v)
{
    struct monitors *s = &v->monitors;
    memset(s, 0, sizeof *s);
    /* What this station tells by itself is enough for most; the server asks for more (SetMonitoringBase). */
    s->base = BASE_HARD_WIRED_ONLY;
    s->level = SEVERITY_MAX;
    s->next_id = CUSTOM_ID_FIRST;
    struct record r;
    unsigned char buf[64];
    size_t len;
    uint32_t id, after = 0;
    while (v->dev.ops->peek(v->dev.st, OCPP_KEEP_MONITOR, after, buf, sizeof buf, &len, &id)) {
        after = id;
        memset(&r, 0, sizeof r);
        memcpy(&r, buf, len < sizeof r ? len : sizeof r);
        if (len >= sizeof r && r.version == RECORD_VERSION && r.what == RECORD_STATE &&
            r.kind <= BASE_HARD_WIRED_ONLY && r.severity <= SEVERITY_MAX) {
            if (s->state_id)
                v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, s->state_id);
            s->state_id = id;
            s->base = r.kind;
            s->level = r.severity;
            if (r.id > s->next_id)
                s->next_id = r.id;
        } else if (r.what == RECORD_MONITOR && sound(&r, len)) {
            load_monitor(v, &r, id);
        } else {
            v->dev.ops->forget(v->dev.st, OCPP_KEEP_MONITOR, id);
        }
    }
    add_all_built_in(v);
}

/* ---- looking ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* FNV-1a (Fowler, Noll, Vo; 64 bits): whether a text has changed. */
static int64_t digest(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (int64_t)h;
}

static bool is_pilot(const struct monitor *m)
{
    return !strcmp(m->var.component, "ControlPilot");
}

/* Is it too early to tell of this value again? */
static bool hold(const struct monitor *m, uint64_t now)
{
    return m->told_us && m->var.type == VARIABLE_DECIMAL && !is_pilot(m) && now - m->told_us < TELL_EVERY_US;
}

static void tell(struct v201 *v, struct monitor *m, enum notify_trigger trigger, bool cleared,
                 const char *value, uint64_t at_us)
{
    m->told_us = at_us;
    notify_monitor(v, m, trigger, cleared, value, at_us);
}

static uint64_t look_at_threshold(struct v201 *v, struct monitor *m, uint64_t now)
{
    char text[MODEL_VALUE_MAX];
    int64_t value;
    model_read(v, &m->var, text, sizeof text);
    if (!model_number(text, &value))
        return UINT64_MAX; /* nothing measured now */
    bool exceeded = m->type == MONITOR_UPPER ? value > m->value_milli : value < m->value_milli;
    if (exceeded != m->exceeded) {
        if (hold(m, now))
            return m->told_us + TELL_EVERY_US;
        m->exceeded = exceeded;
        tell(v, m, NOTIFY_ALERTING, !exceeded, text, now);
    }
    if (m->exceeded != m->exceeded_kept && m->kind != MONITOR_HARD_WIRED) {
        if (m->kept_us && now - m->kept_us < KEEP_EVERY_US)
            return m->kept_us + KEEP_EVERY_US;
        if (!keep_monitor(v, m))
            m->kept_us = now; /* tried again later */
    }
    return UINT64_MAX;
}

static uint64_t look_at_delta(struct v201 *v, struct monitor *m, uint64_t now)
{
    char text[MODEL_VALUE_MAX];
    int64_t value;
    if (m->var.access == ACCESS_WRITE_ONLY)
        return UINT64_MAX; /* told when it is written */
    model_read(v, &m->var, text, sizeof text);
    bool numeric = model_numeric(&m->var), changed;
    if (numeric) {
        if (!model_number(text, &value))
            return UINT64_MAX;
        int64_t change = value > m->seen ? value - m->seen : m->seen - value;
        changed = change > m->value_milli;
    } else {
        value = digest(text);
        changed = value != m->seen;
    }
    if (!m->primed) {
        m->primed = true;
        m->seen = value;
        return UINT64_MAX;
    }
    if (!changed)
        return UINT64_MAX;
    if (hold(m, now))
        return m->told_us + TELL_EVERY_US;
    m->seen = value;
    tell(v, m, NOTIFY_DELTA, false, text, now);
    return UINT64_MAX;
}

static void tell_value(struct v201 *v, struct monitor *m, uint64_t now)
{
    char text[MODEL_VALUE_MAX] = "";
    if (m->var.access != ACCESS_WRITE_ONLY)
        model_read(v, &m->var, text, sizeof text);
    tell(v, m, NOTIFY_PERIODIC, false, text, now);
}

static uint64_t look_at_clock(struct v201 *v, struct monitor *m, uint64_t now, bool quiet)
{
    int64_t wall;
    if (m->type == MONITOR_PERIODIC) {
        uint64_t every_us = (uint64_t)m->value_milli * 1000;
        if (!m->primed) {
            m->primed = true;
            m->due_us = now + every_us;
        }
        if (now < m->due_us)
            return m->due_us;
        m->due_us = now - m->due_us < every_us ? m->due_us + every_us : now + every_us;
    } else {
        if (!device_wall(&v->dev, now, &wall)) {
            m->slot = -1;
            return UINT64_MAX;
        }
        int64_t slot = wall / m->value_milli, was = m->slot;
        m->due_us = now + (uint64_t)(m->value_milli - wall % m->value_milli) * 1000;
        m->slot = slot;
        if (was < 0 || slot == was)
            return m->due_us;
    }
    if (!quiet)
        tell_value(v, m, now);
    return m->due_us;
}

static uint64_t look_at(struct v201 *v, struct monitor *m, uint64_t now)
{
    bool active = !m->transaction || v->durable.tx_active;
    if (active != m->active) {
        m->active = active;
        m->primed = m->exceeded = false;
        m->slot = -1;
    }
    if (!active)
        return UINT64_MAX;
    /* N07, remark: while nobody can be told and nothing is to be queued, the look is put off until then, so
     * that the server learns how things stand. */
    bool quiet = !device_registered(&v->dev) &&
                 m->severity > device_int(&v->dev, "monitoring_offline_severity", SEVERITY_MAX);
    if (m->type == MONITOR_PERIODIC || m->type == MONITOR_CLOCK_ALIGNED)
        return look_at_clock(v, m, now, quiet);
    if (quiet)
        return UINT64_MAX;
    uint64_t due = m->type == MONITOR_DELTA ? look_at_delta(v, m, now) : look_at_threshold(v, m, now);
    return is_pilot(m) && m->kind == MONITOR_CUSTOM ? sooner(due, now + PILOT_EVERY_US) : due;
}

uint64_t monitors_step(struct v201 *v, uint64_t now)
{
    uint64_t due = UINT64_MAX;
    if (!device_bool(&v->dev, "monitoring_enabled", true))
        return due;
    for (size_t i = 0; i < MONITORS; i++) {
        struct monitor *m = &v->monitors.monitor[i];
        if (m->id && m->kind != MONITOR_CLEARED)
            due = sooner(due, look_at(v, m, now));
    }
    return due;
}

void monitors_written(struct v201 *v, const struct variable *var)
{
    if (var->access != ACCESS_WRITE_ONLY || !device_bool(&v->dev, "monitoring_enabled", true))
        return;
    uint32_t key = model_key(var);
    for (size_t i = 0; i < MONITORS; i++) {
        struct monitor *m = &v->monitors.monitor[i];
        if (m->id && m->kind != MONITOR_CLEARED && m->key == key && m->type == MONITOR_DELTA &&
            (!m->transaction || v->durable.tx_active))
            tell(v, m, NOTIFY_DELTA, false, "", device_now(&v->dev));
    }
}

/* ---- the server's ---- */

static const char *refuse(const char **reason, const char *why)
{
    *reason = why;
    return "Rejected";
}

/* N04.FR.06, FR.14. `value` × 1000. */
static const char *value_fault(const struct variable *var, uint8_t type, int64_t value_milli)
{
    switch ((enum monitor_type)type) {
    case MONITOR_UPPER:
    case MONITOR_LOWER:
        if (var->flags & VARIABLE_LIMITS &&
            (value_milli < (int64_t)var->min * 1000 || value_milli > (int64_t)var->max * 1000))
            return "ValueOutOfRange";
        return NULL;
    case MONITOR_DELTA:
        return value_milli < 0 ? "ValuePositiveOnly" : NULL;
    case MONITOR_PERIODIC:
    case MONITOR_CLOCK_ALIGNED:
        return value_milli < 1000 || value_milli > (int64_t)PERIOD_MAX_S * 1000 ? "ValueOutOfRange" : NULL;
    }
    return "InvalidValue";
}

/* A component that exists, but not where the request says, has no variables there. */
static const char *unknown(const struct v201 *v, const cJSON *data, enum model_find found)
{
    if (found == MODEL_UNKNOWN_VARIABLE)
        return "UnknownVariable";
    const cJSON *component = json_object(data, "component");
    struct variable var;
    bool named = false;
    for (size_t i = 0; !json_object(component, "evse") && model_at(v, i, &var); i++) {
        named |= model_matches(&var, component, NULL);
        if (model_matches(&var, component, json_object(data, "variable")))
            return "UnknownComponent";
    }
    return named ? "UnknownVariable" : "UnknownComponent";
}

static const char *set_one(struct v201 *v, const cJSON *data, int32_t *set_id, const char **reason)
{
    struct monitors *s = &v->monitors;
    struct variable var;
    int64_t id = 0, severity = 0, value = 0;
    bool transaction = false, has_id = json_int(data, "id", &id);
    int type = schema_word(MONITOR_TYPES, json_text(data, "type", 50));
    json_int(data, "severity", &severity);
    json_bool(data, "transaction", &transaction);
    enum model_find found = model_find(v, data, &var);
    if (found != MODEL_FOUND) {
        *reason = "NotFound";
        return unknown(v, data, found);
    }
    uint32_t key = model_key(&var);
    struct monitor *old = has_id ? find(v, (int32_t)id) : NULL;
    if (has_id && (!old || old->kind == MONITOR_CLEARED))
        return refuse(reason, "NotFound"); /* N04.FR.13 */
    if (old && old->key != key)
        return refuse(reason, "InvalidValue"); /* N04.FR.16 */
    if (old && old->kind == MONITOR_HARD_WIRED)
        return refuse(reason, "ReadOnly"); /* N04.FR.18 */
    if (type < 0 || !model_monitorable(&var) ||
        ((type == MONITOR_UPPER || type == MONITOR_LOWER) && !model_numeric(&var))) {
        *reason = "UnsupportedParam";
        return "UnsupportedMonitorType";
    }
    if (severity < 0 || severity > SEVERITY_MAX || !json_fixed(data, "value", 3, &value))
        return refuse(reason, "ValueOutOfRange");
    const char *fault = value_fault(&var, (uint8_t)type, value);
    if (fault)
        return refuse(reason, fault);
    for (size_t i = 0; i < MONITORS; i++) {
        const struct monitor *m = &s->monitor[i];
        if (m->id && m != old && m->kind != MONITOR_CLEARED && m->key == key && m->type == type &&
            m->severity == severity) {
            *reason = "InvalidValue";
            return "Duplicate"; /* N04.FR.10 */
        }
    }
    struct monitor *m = old ? old : free_place(v);
    if (!m || (!old && s->next_id == INT32_MAX))
        return refuse(reason, "OutOfMemory");
    struct monitor next = {.id = old ? old->id : s->next_id,
                           .kind = MONITOR_CUSTOM, /* N04.FR.15 */
                           .type = (uint8_t)type,
                           .severity = (uint8_t)severity,
                           .transaction = transaction,
                           .value_milli = value,
                           .var = var,
                           .key = key,
                           .keep_id = old ? old->keep_id : 0,
                           .slot = -1};
    /* N07.FR.11: has the old one told of its threshold, and the new one would not: that is cleared. The other
     * way round, and when the new one is exceeded as well, it is told anew. */
    char text[MODEL_VALUE_MAX];
    int64_t now_value;
    if (old && old->type == type && old->exceeded && (!transaction || v->durable.tx_active)) {
        model_read(v, &var, text, sizeof text);
        if (model_number(text, &now_value) &&
            !(type == MONITOR_UPPER ? now_value > value : now_value < value))
            next.exceeded = next.active = true;
    }
    if (!keep_monitor(v, &next))
        return refuse(reason, "OutOfStorage");
    next.kept_us = 0;
    *m = next;
    if (!old)
        s->next_id++;
    *set_id = m->id;
    /* What it is compared with is the value of this moment (N07.FR.18). */
    if (m->type == MONITOR_DELTA || m->type == MONITOR_PERIODIC || m->type == MONITOR_CLOCK_ALIGNED)
        look_at(v, m, device_now(&v->dev));
    return "Accepted";
}

static unsigned elements(const cJSON *array)
{
    unsigned n = 0;
    for (const cJSON *e = array ? array->child : NULL; e; e = e->next)
        n++;
    return n;
}

void set_variable_monitoring(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *list = json_array(request, "setMonitoringData");
    if (elements(list) > MONITOR_ITEMS_MAX) { /* N04.FR.09 */
        answer->code = "OccurrenceConstraintViolation";
        strcpy(answer->text, "more elements than MonitoringCtrlr.ItemsPerMessage");
        return;
    }
    cJSON *results = json_add_array(answer->payload, "setMonitoringResult");
    for (const cJSON *data = list->child; data; data = data->next) {
        cJSON *result = json_append_object(results);
        int64_t severity = 0;
        int32_t id = 0;
        const char *reason = NULL, *status = set_one(v, data, &id, &reason);
        json_int(data, "severity", &severity);
        if (id)
            json_add_int(result, "id", id);
        json_add_text(result, "status", status);
        json_add_text(result, "type", json_text(data, "type", 50));
        json_add_int(result, "severity", severity);
        model_echo_names(result, data);
        if (reason)
            status_info(result, reason, NULL);
    }
}

/* Clears one; a preconfigured one stays known as cleared, until a SetMonitoringBase brings it back. */
static const char *clear_one(struct v201 *v, int64_t id, const char **reason)
{
    struct monitor *m = id > 0 && id <= INT32_MAX ? find(v, (int32_t)id) : NULL;
    *reason = NULL;
    if (!m || m->kind == MONITOR_CLEARED)
        return *reason = "NotFound";
    if (m->kind == MONITOR_HARD_WIRED)
        return refuse(reason, "ReadOnly"); /* N06.FR.03 */
    if (m->id >= CUSTOM_ID_FIRST) {
        drop(v, m);
        return "Accepted";
    }
    struct monitor cleared = *m;
    cleared.kind = MONITOR_CLEARED;
    cleared.exceeded = false;
    if (!keep_monitor(v, &cleared))
        return refuse(reason, "OutOfStorage");
    *m = cleared;
    return "Accepted";
}

void clear_variable_monitoring(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    const cJSON *list = json_array(request, "id");
    if (elements(list) > MONITORS) { /* N06.FR.06 */
        answer->code = "OccurrenceConstraintViolation";
        strcpy(answer->text, "more elements than MonitoringCtrlr.ItemsPerMessage");
        return;
    }
    cJSON *results = json_add_array(answer->payload, "clearMonitoringResult");
    for (const cJSON *e = list->child; e; e = e->next) {
        cJSON *result = json_append_object(results);
        const char *reason;
        int64_t id = (int64_t)e->valuedouble; /* the schema has made sure that it is an int32 */
        json_add_text(result, "status", clear_one(v, id, &reason));
        json_add_int(result, "id", id);
        if (reason)
            status_info(result, reason, NULL);
    }
}

void set_monitoring_base(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct monitors *s = &v->monitors;
    int base = schema_word(MONITORING_BASES, json_text(request, "monitoringBase", 50));
    if (base < 0) { /* N03.FR.02 */
        json_add_text(answer->payload, "status", "NotSupported");
        status_info(answer->payload, "UnsupportedParam", NULL);
        return;
    }
    uint8_t was = s->base;
    s->base = (uint8_t)base;
    if (!keep_state(v)) {
        s->base = was;
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "OutOfStorage", NULL);
        return;
    }
    for (size_t i = 0; i < MONITORS; i++) {
        struct monitor *m = &s->monitor[i];
        bool stays = m->kind == MONITOR_HARD_WIRED || (m->kind == MONITOR_CUSTOM && base == BASE_ALL) ||
                     (m->kind == MONITOR_PRECONFIGURED && base != BASE_HARD_WIRED_ONLY);
        if (m->kind == MONITOR_PRECONFIGURED && base == BASE_FACTORY_DEFAULT && was == BASE_ALL)
            stays = false; /* those beyond the factory's go, the others come back at once */
        if (m->id && !stays)
            drop(v, m);
    }
    add_all_built_in(v);
    json_add_text(answer->payload, "status", "Accepted");
}

void set_monitoring_level(struct v201 *v, const cJSON *request, struct rpc_answer *answer)
{
    struct monitors *s = &v->monitors;
    int64_t severity = -1;
    json_int(request, "severity", &severity);
    if (severity < 0 || severity > SEVERITY_MAX) { /* N05.FR.02 */
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "ValueOutOfRange", NULL);
        return;
    }
    uint8_t was = s->level;
    s->level = (uint8_t)severity;
    if (was != s->level && !keep_state(v)) {
        s->level = was;
        json_add_text(answer->payload, "status", "Rejected");
        status_info(answer->payload, "OutOfStorage", NULL);
        return;
    }
    json_add_text(answer->payload, "status", "Accepted");
}
