#include "calibration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calibrate.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "machine.h"
#include "prompt.h"
#include "settings_access.h"
#include "threads.h"

enum {
    SETTLE_MS = 3000, /* windows of 200 ms, steadied over several */
    READINGS = 10,
    READING_MS = 250,
    CP_FIRST_MV = 12000,
    CP_SECOND_MV = -12000,
    CP_OFF_MV = 2500, /* an answer further away is a slip of the pen */
    ANSWER_CHARS = 24,
};

/* "231.4" in thousandths. Nothing but digits, one point and a sign in front. */
static bool thousandths(const char *text, int32_t *out)
{
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || errno || !(v > -1e6 && v < 1e6))
        return false;
    *out = (int32_t)(v * 1000 + (v < 0 ? -0.5 : 0.5));
    return true;
}

static bool ask(const char *question, int32_t *out)
{
    char answer[ANSWER_CHARS];
    printf("%s ", question);
    if (!prompt_line(answer, sizeof answer, true) || !answer[0]) {
        printf("given up, nothing changed\n");
        return false;
    }
    if (!thousandths(answer, out)) {
        printf("'%s' is no number; nothing changed\n", answer);
        return false;
    }
    return true;
}

static bool keep(const char *name, int32_t value)
{
    char text[16], why[120] = "";
    (void)snprintf(text, sizeof text, "%ld", (long)value);
    if (settings_access_set(name, text, why, sizeof why)) {
        printf("  %s = %s\n", name, text);
        return true;
    }
    printf("  %s = %s refused: %s\n", name, text, why);
    return false;
}

static bool read_setting(const char *name, int32_t *out)
{
    char text[32];
    if (!settings_access_get(name, text, sizeof text))
        return false;
    *out = (int32_t)strtol(text, NULL, 10);
    return true;
}

/* ---- control pilot ---- */

static void out_of_service(void *arg)
{
    const struct control_cmd cmd = {.type = CONTROL_AVAILABLE, .a = *(const bool *)arg ? 0 : 1};
    wishes_want(&machine_station()->wishes, &cmd);
}

static bool service(bool in)
{
    bool out = !in;
    return threads_in_comms(out_of_service, &out);
}

/* What stands at the pin, from the level and the calibration that made it. */
static int32_t pilot_pin_dmv(bool low)
{
    const struct sense_cfg *cfg = &machine_station()->control.cfg.sense; /* constant since the start */
    int64_t mv = 0;
    for (int i = 0; i < READINGS; i++) {
        struct control_status c;
        vTaskDelay(pdMS_TO_TICKS(READING_MS));
        station_status(machine_station(), &c);
        mv += low ? c.cp_low_mv : c.cp_high_mv;
    }
    return cfg->cp_zero_dmv + (int32_t)(mv / READINGS * 65536 / cfg->cp_gain_q16);
}

static int pilot(void)
{
    struct control_status c;
    station_status(machine_station(), &c);
    const struct sense_cfg *cfg = &machine_station()->control.cfg.sense;
    if (!cfg->cp_bipolar) {
        printf("This front end does not see -12 V, so it has only one point. Set cal_cp_offset and "
               "cal_cp_gain by hand.\n");
        return 1;
    }
    if (c.state != EVSE_IDLE || c.contactor_closed) {
        printf("Only while no car is connected and there is no fault (now: %s).\n", evse_state_name(c.state));
        return 1;
    }
    struct calibrate_cp_point point[2];
    printf("Put a meter (DC volts) between CP and PE. The pilot is at steady +12 V.\n");
    if (!ask("CP in volts, for example 11.96:", &point[0].cp_mv))
        return 1;
    point[0].pin_dmv = pilot_pin_dmv(false);
    printf("Going out of service: the pilot goes to -12 V.\n");
    if (!service(false))
        return 1;
    vTaskDelay(pdMS_TO_TICKS(SETTLE_MS));
    bool answered = ask("CP in volts, for example -12.03:", &point[1].cp_mv);
    if (answered)
        point[1].pin_dmv = pilot_pin_dmv(true);
    (void)service(true); /* it was in service: idle */
    if (!answered)
        return 1;
    if (abs(point[0].cp_mv - CP_FIRST_MV) > CP_OFF_MV || abs(point[1].cp_mv - CP_SECOND_MV) > CP_OFF_MV) {
        printf(
            "That is not a pilot of +12 and -12 V: look for the fault in the hardware. Nothing changed.\n");
        return 1;
    }

    /* The nominal values are those without the settings that are about to be replaced. */
    int32_t offset, gain_ppm, gain_q16;
    int16_t zero_dmv;
    if (!read_setting("cal_cp_offset", &offset) || !read_setting("cal_cp_gain", &gain_ppm) || gain_ppm <= 0)
        return 1;
    int32_t nominal_dmv = cfg->cp_zero_dmv - offset;
    int32_t nominal_q16 = (int32_t)((int64_t)cfg->cp_gain_q16 * 1000000 / gain_ppm);
    enum calibrate_err err = calibrate_cp(point, nominal_dmv, nominal_q16, &zero_dmv, &gain_q16);
    if (err != CALIBRATE_OK) {
        printf("Not believed: %s. Nothing changed.\n", calibrate_err_text(err));
        return 1;
    }
    return keep("cal_cp_offset", zero_dmv - nominal_dmv) &&
                   keep("cal_cp_gain", (int32_t)((int64_t)gain_q16 * 1000000 / nominal_q16))
               ? 0
               : 1;
}

/* ---- voltages and currents ---- */

struct wave {
    int64_t uv[3], mean[3], lag_ns;
    int lags;
};

static void waves(bool current, struct wave *out)
{
    *out = (struct wave){0};
    vTaskDelay(pdMS_TO_TICKS(SETTLE_MS));
    for (int i = 0; i < READINGS; i++) {
        struct metering_raw raw;
        vTaskDelay(pdMS_TO_TICKS(READING_MS));
        threads_meter_raw(&raw);
        for (int p = 0; p < 3; p++) {
            out->uv[p] += current ? raw.i_uv[p] : raw.v_uv[p];
            out->mean[p] += current ? raw.i_mean_dmv[p] : raw.v_mean_dmv[p];
            if (current && raw.i_lag_valid[p]) {
                out->lag_ns += raw.i_lag_ns[p];
                out->lags++;
            }
        }
    }
    for (int p = 0; p < 3; p++) {
        out->uv[p] /= READINGS;
        out->mean[p] /= READINGS;
    }
}

static bool wave_point(bool current, int phases, int which, struct calibrate_wave_point point[3][2],
                       struct wave *w)
{
    char question[64];
    for (int p = 0; p < phases; p++) {
        (void)snprintf(question, sizeof question,
                       "%s L%d, reading of your meter in %s:", which ? "Second" : "First", p + 1,
                       current ? "amperes" : "volts");
        if (!ask(question, &point[p][which].truth))
            return false;
    }
    printf("measuring ...\n");
    waves(current, w);
    for (int p = 0; p < phases; p++) {
        point[p][which].pin_uv = (int32_t)w->uv[p];
        point[p][which].mean_dmv = (int32_t)w->mean[p];
    }
    return true;
}

static int wave_pair(bool current)
{
    struct calibrate_wave_point point[3][2];
    struct wave w;
    const int phases = machine_station()->control.cfg.phases;
    if (current)
        printf("Needs a load with power factor 1 (a heater) on every phase, through the station's contactor: "
               "a car "
               "simulator and a load.\nFirst a small current (about 6 A), then one near the rating. Meter in "
               "the line.\n");
    else
        printf("Measure each phase against neutral. If you have only one voltage, give it twice.\n");
    if (!wave_point(current, phases, 0, point, &w))
        return 1;
    if (current)
        printf("Now the larger current.\n");
    if (!wave_point(current, phases, 1, point, &w))
        return 1;

    int32_t zero[3], gain[3], delay_us = 0;
    for (int p = 0; p < phases; p++) {
        enum calibrate_err err = current ? calibrate_current(point[p], &zero[p], &gain[p])
                                         : calibrate_voltage(point[p], &zero[p], &gain[p]);
        if (err != CALIBRATE_OK) {
            printf("L%d not believed: %s. Nothing changed.\n", p + 1, calibrate_err_text(err));
            return 1;
        }
    }
    bool delay = current && w.lags > 0;
    if (delay) {
        enum calibrate_err err = calibrate_delay((int32_t)(w.lag_ns / w.lags), &delay_us);
        if (err != CALIBRATE_OK) {
            printf("Delay not believed: %s. Is the load a heater? Nothing changed.\n",
                   calibrate_err_text(err));
            return 1;
        }
    }
    bool kept = true;
    for (int p = 0; p < phases; p++) {
        char name[24];
        (void)snprintf(name, sizeof name, "cal_%c%d_zero", current ? 'i' : 'v', p + 1);
        kept = keep(name, zero[p]) && kept;
        (void)snprintf(name, sizeof name, "cal_%c%d_gain", current ? 'i' : 'v', p + 1);
        kept = keep(name, gain[p]) && kept;
    }
    if (delay)
        kept = keep("cal_i_delay", delay_us) && kept;
    return kept ? 0 : 1;
}

int calibration_run(const char *what)
{
    int failed;
    if (strcmp(what, "cp") == 0) {
        failed = pilot();
    } else if (strcmp(what, "v") == 0) {
        failed = wave_pair(false);
    } else if (strcmp(what, "i") == 0) {
        failed = wave_pair(true);
    } else {
        printf("calibrate cp | v | i\n");
        return 1;
    }
    if (!failed)
        printf("Kept. They take effect with the next start: `reboot`.\n");
    return failed;
}
