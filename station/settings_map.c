#include "station/settings_map.h"

#include <stdio.h>
#include <string.h>

#include "ocpp/ocpp.h"

static int32_t get(const struct settings *s, enum setting_id id)
{
    return settings_int(s, id);
}

/* A gain correction in parts per million applied to a Q16 factor. */
static int32_t scaled(int32_t q16, int32_t ppm)
{
    return (int32_t)((int64_t)q16 * ppm / 1000000);
}

/* Front ends of the hardware description: pin voltage in 0.1 mV at CP = 0 V, and CP mV per 0.1 mV at the pin.
 */
enum {
    BIPOLAR_ZERO_DMV = 13000, /* adc_mv = 1300 + 87.3 · CP_volts */
    BIPOLAR_GAIN_Q16 = (int)(1000.0 / 873 * 65536),
    UNIPOLAR_ZERO_DMV = -3029, /* 233 mV/V, zero at +1.3 V */
    UNIPOLAR_GAIN_Q16 = (int)(1000.0 / 2330 * 65536),
};

void settings_map_control(const struct settings *s, const struct sense_cfg *sense, struct control_cfg *out)
{
    control_cfg_default(out);
    if (sense)
        out->sense = *sense;
    out->phases = (uint8_t)(get(s, SETTING_phases) == 1 ? 1 : 3); /* there is no two-phase installation */
    out->installation_ma = get(s, SETTING_installation_current) * 1000;
    out->cp_bipolar = get(s, SETTING_cp_bipolar) != 0;
    out->allow_no_diode_check = get(s, SETTING_allow_no_diode_check) != 0;
    out->ventilation_allowed = get(s, SETTING_ventilation_allowed) != 0;
    out->aux_fitted = get(s, SETTING_aux_fitted) != 0;
    out->lock_fitted = get(s, SETTING_lock_fitted) != 0;
    out->rcm_fitted = get(s, SETTING_rcm_fitted) != 0;
    out->derate_start_mc = get(s, SETTING_derate_start) * 1000;
    out->derate_stop_mc = get(s, SETTING_derate_stop) * 1000;
    out->undervoltage_mv = get(s, SETTING_undervoltage) * 1000;
    out->overvoltage_mv = get(s, SETTING_overvoltage) * 1000;
    out->freq_min_mhz = get(s, SETTING_freq_min);
    out->freq_max_mhz = get(s, SETTING_freq_max);
    out->reconnect_min_ms = get(s, SETTING_reconnect_min) * 1000;
    out->reconnect_random_ms = get(s, SETTING_reconnect_random) * 1000;

    out->sense.cp_bipolar = out->cp_bipolar;
    out->sense.cp_zero_dmv =
        (int16_t)((out->cp_bipolar ? BIPOLAR_ZERO_DMV : UNIPOLAR_ZERO_DMV) + get(s, SETTING_cal_cp_offset));
    out->sense.cp_gain_q16 =
        scaled(out->cp_bipolar ? BIPOLAR_GAIN_Q16 : UNIPOLAR_GAIN_Q16, get(s, SETTING_cal_cp_gain));

    struct metering_cfg *m = &out->metering;
    m->phases = out->phases;
    static const enum setting_id i_zero[3] = {SETTING_cal_i1_zero, SETTING_cal_i2_zero, SETTING_cal_i3_zero};
    static const enum setting_id i_gain[3] = {SETTING_cal_i1_gain, SETTING_cal_i2_gain, SETTING_cal_i3_gain};
    static const enum setting_id v_zero[3] = {SETTING_cal_v1_zero, SETTING_cal_v2_zero, SETTING_cal_v3_zero};
    static const enum setting_id v_gain[3] = {SETTING_cal_v1_gain, SETTING_cal_v2_gain, SETTING_cal_v3_gain};
    for (size_t p = 0; p < 3; p++) {
        m->i_zero_dmv[p] = get(s, i_zero[p]);
        m->i_gain_ppm[p] = get(s, i_gain[p]);
        m->v_zero_dmv[p] = get(s, v_zero[p]);
        m->v_gain_ppm[p] = get(s, v_gain[p]);
        m->i_phase_us[p] = get(s, SETTING_cal_i_delay);
    }
}

/* RFC 3986 unreserved characters stand for themselves; the rest of an id is percent-encoded. OCPP-J 1.6 4.1.1
 * and 2.0.1 Part 4, 3.1.1: the id is the last element of the path. */
static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void settings_map_url(const struct settings *s, const char *base, char *url, size_t cap)
{
    size_t n = strlen(base);
    url[0] = '\0';
    if (!n || n + 2 > cap)
        return;
    memcpy(url, base, n);
    if (url[n - 1] != '/')
        url[n++] = '/';
    for (const char *id = settings_text(s, SETTING_station_id); *id && n + 4 <= cap; id++) {
        if (unreserved(*id))
            url[n++] = *id;
        else
            n += (size_t)snprintf(url + n, cap - n, "%%%02X", (unsigned char)*id);
    }
    url[n] = '\0';
}

void settings_map_link(const struct settings *s, const char *base, char *url, size_t cap,
                       struct link_cfg *out)
{
    settings_map_url(s, base, url, cap);
    *out = (struct link_cfg){
        .url = url,
        .user =
            settings_text(s, SETTING_station_id), /* OCPP security profile 1: the identity is the user name */
        .password = settings_text(s, SETTING_password),
        .subprotocols = OCPP_SUBPROTOCOLS,
        .ping_interval_s = (uint32_t)get(s, SETTING_ping_interval),
        .silence_timeout_s = (uint32_t)get(s, SETTING_silence_timeout),
        .backoff_min_s = (uint32_t)get(s, SETTING_backoff_min),
        .backoff_random_s = (uint32_t)get(s, SETTING_backoff_random),
        .backoff_repeats = (uint32_t)get(s, SETTING_backoff_repeats),
    };
}

bool settings_map_limit(const struct settings *s, enum setting_id id, struct control_cmd *out)
{
    *out = (struct control_cmd){.type = CONTROL_LIMIT};
    if (id == SETTING_installation_current)
        out->slot = LIMIT_INSTALLATION;
    else if (id == SETTING_user_current)
        out->slot = LIMIT_USER;
    else
        return false;
    out->a = get(s, id) * 1000;
    return true;
}
