/* tx_samples: readings along a transaction, for its end; see tx_samples.h. */
#include "ocpp/v201/tx_samples.h"

#include <string.h>

#include "ocpp/v201/v201.h"

static void begin(struct tx_sample_series *s)
{
    *s = (struct tx_sample_series){.every = 1, .slot = -1};
}

void tx_samples_begin(struct v201 *v)
{
    memcpy(v->samples.tx, v->durable.tx, sizeof v->samples.tx);
    begin(&v->samples.sampled);
    begin(&v->samples.aligned);
}

static uint16_t wanted(const struct v201 *v, const char *setting, const char *otherwise)
{
    char list[256];
    return measurands_of(device_text(&v->dev, setting, list, sizeof list) ? list : otherwise);
}

static void take(struct v201 *v, struct tx_sample_series *s, uint16_t measurands,
                 enum reading_context context, uint64_t now)
{
    if (!measurands || ++s->passed < s->every)
        return;
    s->passed = 0;
    if (s->count == TX_SAMPLES) {
        /* The first, third, .. go, and every second one that would come: what stays is evenly spaced. */
        for (int i = 0; i < TX_SAMPLES / 2; i++)
            s->at[i] = s->at[2 * i + 1];
        s->count = TX_SAMPLES / 2;
        s->every *= 2;
        s->passed = s->every / 2;
        return;
    }
    reading_take(&s->at[s->count++], &v->view, measurands, context, now, &v->dev);
}

static uint64_t sampled_step(struct v201 *v, uint64_t now)
{
    struct tx_sample_series *s = &v->samples.sampled;
    int32_t interval = device_int(&v->dev, "sampled_ended_interval", 0);
    uint64_t step = (uint64_t)interval * 1000000;
    if (interval <= 0) {
        s->due_us = 0;
        return UINT64_MAX;
    }
    if (s->due_us == 0 || s->due_us > now + step)
        s->due_us = now + step;
    if (now >= s->due_us) {
        s->due_us += step * (1 + (now - s->due_us) / step);
        take(v, s, wanted(v, "tx_ended_measurands", MEASURANDS_TX_ENDED), CONTEXT_PERIODIC, now);
    }
    return s->due_us;
}

static uint64_t aligned_step(struct v201 *v, uint64_t now)
{
    struct tx_sample_series *s = &v->samples.aligned;
    int64_t slot;
    uint64_t next;
    if (!meter_values_slot(v, device_int(&v->dev, "aligned_ended_interval", 0), now, &slot, &next)) {
        s->slot = -1;
        return UINT64_MAX;
    }
    if (s->slot >= 0 && slot != s->slot)
        take(v, s, wanted(v, "aligned_ended_measurands", ""), CONTEXT_CLOCK, now);
    s->slot = slot;
    return next;
}

uint64_t tx_samples_step(struct v201 *v, uint64_t now)
{
    if (strcmp(v->samples.tx, v->durable.tx) != 0)
        return UINT64_MAX; /* begun before a restart */
    uint64_t a = sampled_step(v, now), b = aligned_step(v, now);
    return a < b ? a : b;
}

/* Values that a reading comes to at most (reading_write). */
static unsigned values_of(const struct reading *r)
{
    unsigned n = 0, phases = r->phases == 1 ? 1 : 3;
    for (uint16_t bit = 1; bit <= MEASURAND_VOLTAGE; bit = (uint16_t)(bit << 1))
        if (r->measurands & bit)
            n += bit == MEASURAND_ENERGY_IMPORT || bit == MEASURAND_CURRENT_OFFERED ||
                         bit == MEASURAND_FREQUENCY
                     ? 1
                     : phases + (bit == MEASURAND_POWER_IMPORT);
    return n;
}

static void write_series(const struct v201 *v, cJSON *values, const struct tx_sample_series *s)
{
    unsigned all = 0, step = 1;
    for (unsigned i = 0; i < s->count; i++)
        all += values_of(&s->at[i]);
    while (all / step > TX_SAMPLE_VALUES / 2)
        step++;
    for (unsigned i = step - 1; i < s->count; i += step)
        reading_append(values, &s->at[i], v->dev.boot, &v->dev);
}

void tx_samples_write(const struct v201 *v, cJSON *values, const char *tx)
{
    if (!tx[0] || strcmp(v->samples.tx, tx) != 0)
        return;
    write_series(v, values, &v->samples.sampled);
    write_series(v, values, &v->samples.aligned);
}
