#include "log_tail.h"

#include <stdio.h>
#include <string.h>

#include "esp_attr.h"
#include "esp_log.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "machine.h"
#include "station/station.h"

static const char TAG[] = "station";

enum {
    MAGIC = 0x45435331,
    LINE_CHARS = 200,
};

/* Not cleared at reset. After a loss of power it holds noise, which the check words tell. */
struct tail {
    uint32_t magic, magic_inv;
    uint32_t head; /* next byte to be written */
    uint32_t len;  /* bytes that are valid */
    char text[LOG_TAIL_BYTES];
};
static RTC_NOINIT_ATTR struct tail now;

static char before[LOG_TAIL_BYTES];
static size_t before_len;
static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;

static size_t unroll(const struct tail *t, char *out)
{
    size_t start = (t->head + LOG_TAIL_BYTES - t->len) % LOG_TAIL_BYTES;
    for (size_t i = 0; i < t->len; i++)
        out[i] = t->text[(start + i) % LOG_TAIL_BYTES];
    return t->len;
}

static enum port_reset_reason reset_reason(void)
{
    switch (esp_reset_reason()) {
    case ESP_RST_SW:
        return PORT_RESET_SOFTWARE;
    case ESP_RST_PANIC:
        return PORT_RESET_PANIC;
    case ESP_RST_INT_WDT:
    case ESP_RST_TASK_WDT:
    case ESP_RST_WDT:
        return PORT_RESET_WATCHDOG;
    case ESP_RST_BROWNOUT:
        return PORT_RESET_BROWNOUT;
    default:
        return PORT_RESET_POWER_ON;
    }
}

enum port_reset_reason log_tail_init(void)
{
    enum port_reset_reason reason = reset_reason();
    bool sound = now.magic == MAGIC && now.magic_inv == ~(uint32_t)MAGIC && now.head < LOG_TAIL_BYTES &&
                 now.len <= LOG_TAIL_BYTES;
    if (sound && reason != PORT_RESET_POWER_ON)
        before_len = unroll(&now, before);
    now.magic = MAGIC;
    now.magic_inv = ~(uint32_t)MAGIC;
    now.head = now.len = 0;
    return reason;
}

const char *log_tail_reason(enum port_reset_reason reason)
{
    switch (reason) {
    case PORT_RESET_POWER_ON:
        return "power-on";
    case PORT_RESET_SOFTWARE:
        return "restart as asked";
    case PORT_RESET_WATCHDOG:
        return "watchdog";
    case PORT_RESET_PANIC:
        return "panic";
    case PORT_RESET_BROWNOUT:
        return "brown-out";
    }
    return "unknown";
}

void log_tail_line(int level, const char *text)
{
    log_tail_print(level, text);
    station_note(machine_station(), (uint64_t)esp_timer_get_time(), level, text);
}

void log_tail_print(int level, const char *text)
{
    static const char letters[] = "EWID";
    static const esp_log_level_t levels[] = {ESP_LOG_ERROR, ESP_LOG_WARN, ESP_LOG_INFO, ESP_LOG_DEBUG};
    if (level < 0)
        level = 0;
    if (level > 3)
        level = 3;
    ESP_LOG_LEVEL(levels[level], TAG, "%s", text);
    if (level > 2)
        return;

    char line[LINE_CHARS];
    unsigned long ms = (unsigned long)(esp_timer_get_time() / 1000);
    int n = snprintf(line, sizeof line, "%lu.%03lu %c %s\n", ms / 1000, ms % 1000, letters[level], text);
    if (n < 0)
        return;
    size_t len = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
    line[len - 1] = '\n';
    portENTER_CRITICAL(&lock);
    for (size_t i = 0; i < len; i++) {
        now.text[now.head] = line[i];
        now.head = (now.head + 1) % LOG_TAIL_BYTES;
    }
    now.len = now.len + len < LOG_TAIL_BYTES ? now.len + (uint32_t)len : LOG_TAIL_BYTES;
    portEXIT_CRITICAL(&lock);
}

size_t log_tail_copy(bool previous, char *buf, size_t cap)
{
    if (cap == 0)
        return 0;
    size_t len = 0;
    portENTER_CRITICAL(&lock);
    size_t have = previous ? before_len : now.len, skip = have >= cap ? have - cap + 1 : 0;
    size_t start = previous ? 0 : (now.head + LOG_TAIL_BYTES - now.len) % LOG_TAIL_BYTES;
    const char *text = previous ? before : now.text;
    for (size_t i = skip; i < have; i++)
        buf[len++] = text[(start + i) % LOG_TAIL_BYTES];
    portEXIT_CRITICAL(&lock);
    buf[len] = '\0';
    return len;
}
