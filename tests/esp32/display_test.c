/*
 * display_test: the board's display task (esp32/main/display.c) against a bus that takes its time, stops for
 * ever or is not there. One test per process, because the board has one display: display_test NAME.
 */
#include "esp32/main/display.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "esp32/main/log_tail.h"
#include "esp32/main/net_link.h"
#include "station/panel_view.h"

enum { WAIT_MS = 5000, SEND_MS = 3, PIXELS = PANEL_WIDTH * PANEL_HEIGHT };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct {
    /* how the machine is to behave */
    size_t internal_free;
    bool psram, bus_fails, bus_stops;

    /* what it has seen; under the lock */
    uint16_t screen[PIXELS];
    bool on, suspended;
    uint32_t duty_set, duty;
    unsigned sent, strips, logged, setups;
    char line[160];
    uint32_t notified;
    unsigned allocations;

    /* a transfer under way */
    const uint16_t *pixels;
    struct scene_area area;
    bool (*done)(esp_lcd_panel_io_handle_t, esp_lcd_panel_io_event_data_t *, void *);
    bool drew_before_on;

    /* the station's side */
    enum panel_screen screen_to_show;
    bool ask_setup;
    struct panel_machine machine; /* as station_panel got it */
    struct panel_view view;
    unsigned views;
} f = {.internal_free = 200000, .psram = true};

static struct timespec in_ms(uint32_t ms)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static void sleep_ms(uint32_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

/* ---- ESP-IDF ---- */

const char *esp_err_to_name(esp_err_t err)
{
    return err == ESP_ERR_TIMEOUT ? "ESP_ERR_TIMEOUT" : err == ESP_FAIL ? "ESP_FAIL" : "other";
}

int64_t esp_timer_get_time(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void *heap_caps_calloc(size_t n, size_t size, uint32_t caps)
{
    if (caps & MALLOC_CAP_SPIRAM && !f.psram)
        return NULL;
    if (caps & MALLOC_CAP_INTERNAL)
        f.internal_free -= n * size;
    f.allocations++;
    return calloc(n, size);
}

void heap_caps_free(void *p)
{
    if (p)
        f.allocations--;
    free(p);
}

size_t heap_caps_get_free_size(uint32_t caps)
{
    (void)caps;
    return f.internal_free;
}

struct fake_task {
    void (*run)(void *);
    void *arg;
};
static struct fake_task the_task;

static void *run_task(void *arg)
{
    (void)arg;
    the_task.run(the_task.arg);
    return NULL;
}

BaseType_t xTaskCreatePinnedToCore(void (*run)(void *), const char *name, uint32_t stack, void *arg,
                                   UBaseType_t priority, TaskHandle_t *out, BaseType_t core)
{
    (void)name;
    (void)stack;
    assert_int_equal(priority, tskIDLE_PRIORITY);
    assert_int_equal(core, 0);
    the_task = (struct fake_task){run, arg};
    if (out)
        *out = &the_task;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_task, NULL), 0);
    assert_int_equal(pthread_detach(thread), 0);
    return pdPASS;
}

TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return &the_task;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task)
{
    assert_ptr_equal(task, &the_task);
    return 1000;
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t wait)
{
    (void)clear;
    const struct timespec until = in_ms(wait);
    pthread_mutex_lock(&lock);
    while (!f.notified && pthread_cond_timedwait(&changed, &lock, &until) != ETIMEDOUT)
        ;
    uint32_t n = f.notified;
    f.notified = 0;
    pthread_mutex_unlock(&lock);
    return n;
}

BaseType_t xTaskNotifyGive(TaskHandle_t task)
{
    assert_ptr_equal(task, &the_task);
    pthread_mutex_lock(&lock);
    f.notified++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return pdPASS;
}

void vTaskSuspend(TaskHandle_t task)
{
    (void)task;
    pthread_mutex_lock(&lock);
    f.suspended = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_exit(NULL);
}

void vTaskDelay(TickType_t ticks)
{
    (void)ticks;
}

struct fake_semaphore {
    bool given;
};

SemaphoreHandle_t xSemaphoreCreateBinary(void)
{
    return calloc(1, sizeof(struct fake_semaphore));
}

void vSemaphoreDelete(SemaphoreHandle_t s)
{
    free(s);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t s, TickType_t wait)
{
    const struct timespec until = in_ms(wait);
    pthread_mutex_lock(&lock);
    while (!s->given && pthread_cond_timedwait(&changed, &lock, &until) != ETIMEDOUT)
        ;
    BaseType_t got = s->given;
    s->given = false;
    pthread_mutex_unlock(&lock);
    return got;
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t s, BaseType_t *woken)
{
    pthread_mutex_lock(&lock);
    s->given = true;
    *woken = pdTRUE;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return pdTRUE;
}

esp_err_t ledc_timer_config(const ledc_timer_config_t *cfg)
{
    assert_false(cfg->speed_mode == LEDC_HIGH_SPEED_MODE && cfg->timer_num == LEDC_TIMER_0); /* the pilot's */
    return ESP_OK;
}

esp_err_t ledc_channel_config(const ledc_channel_config_t *cfg)
{
    assert_false(cfg->speed_mode == LEDC_HIGH_SPEED_MODE && cfg->channel == LEDC_CHANNEL_0);
    assert_int_equal(cfg->duty, 0);
    assert_true(cfg->flags.output_invert);
    return ESP_OK;
}

esp_err_t ledc_set_duty(int mode, int channel, uint32_t duty)
{
    assert_int_equal(mode, LEDC_LOW_SPEED_MODE);
    assert_int_equal(channel, LEDC_CHANNEL_1);
    f.duty_set = duty;
    return ESP_OK;
}

esp_err_t ledc_update_duty(int mode, int channel)
{
    (void)mode;
    (void)channel;
    pthread_mutex_lock(&lock);
    f.duty = f.duty_set;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return ESP_OK;
}

/* The bus reads the strip only when it is about to be done: whoever has painted over it meanwhile is caught
 * by the picture. */
static void *send(void *arg)
{
    (void)arg;
    sleep_ms(SEND_MS);
    pthread_mutex_lock(&lock);
    for (int32_t y = 0; y < f.area.h; y++)
        memcpy(f.screen + (f.area.y + y) * PANEL_WIDTH + f.area.x, f.pixels + y * f.area.w,
               (size_t)f.area.w * sizeof *f.pixels);
    f.pixels = NULL;
    f.sent++;
    pthread_mutex_unlock(&lock);
    (void)f.done(NULL, NULL, NULL);
    return NULL;
}

esp_err_t spi_bus_initialize(int host, const spi_bus_config_t *cfg, int dma)
{
    (void)dma;
    assert_int_equal(host, SPI2_HOST);
    assert_int_equal(cfg->miso_io_num, -1); /* GPIO 25 is the residual current device's */
    return f.bus_fails ? ESP_FAIL : ESP_OK;
}

esp_err_t esp_lcd_new_panel_io_spi(esp_lcd_spi_bus_handle_t bus, const esp_lcd_panel_io_spi_config_t *cfg,
                                   esp_lcd_panel_io_handle_t *out)
{
    (void)bus;
    f.done = cfg->on_color_trans_done;
    *out = NULL;
    return ESP_OK;
}

esp_err_t esp_lcd_new_panel_st7789(esp_lcd_panel_io_handle_t io, const esp_lcd_panel_dev_config_t *cfg,
                                   esp_lcd_panel_handle_t *out)
{
    (void)io;
    assert_int_equal(cfg->bits_per_pixel, 16);
    *out = NULL;
    return ESP_OK;
}

esp_err_t esp_lcd_panel_reset(esp_lcd_panel_handle_t lcd)
{
    (void)lcd;
    return ESP_OK;
}

esp_err_t esp_lcd_panel_init(esp_lcd_panel_handle_t lcd)
{
    (void)lcd;
    return ESP_OK;
}

esp_err_t esp_lcd_panel_swap_xy(esp_lcd_panel_handle_t lcd, bool swap)
{
    (void)lcd;
    assert_true(swap);
    return ESP_OK;
}

esp_err_t esp_lcd_panel_mirror(esp_lcd_panel_handle_t lcd, bool x, bool y)
{
    (void)lcd;
    assert_false(x || y); /* ILI9341 */
    return ESP_OK;
}

esp_err_t esp_lcd_panel_disp_on_off(esp_lcd_panel_handle_t lcd, bool on)
{
    (void)lcd;
    pthread_mutex_lock(&lock);
    f.drew_before_on = f.sent == (unsigned)PANEL_STRIPS && f.duty == 0;
    f.on = on;
    pthread_mutex_unlock(&lock);
    return ESP_OK;
}

esp_err_t esp_lcd_panel_draw_bitmap(esp_lcd_panel_handle_t lcd, int x0, int y0, int x1, int y1,
                                    const void *pixels)
{
    (void)lcd;
    pthread_mutex_lock(&lock);
    assert_null(f.pixels); /* esp_lcd would wait for ever */
    f.pixels = pixels;
    f.area = (struct scene_area){x0, y0, x1 - x0, y1 - y0};
    bool stops = f.bus_stops;
    pthread_mutex_unlock(&lock);
    pthread_t thread;
    if (!stops) {
        assert_int_equal(pthread_create(&thread, NULL, send, NULL), 0);
        assert_int_equal(pthread_detach(thread), 0);
    }
    return ESP_OK;
}

/* ---- the rest of the firmware ---- */

void log_tail_line(int level, const char *text)
{
    (void)level;
    pthread_mutex_lock(&lock);
    f.logged++;
    (void)strncpy(f.line, text, sizeof f.line - 1);
    pthread_mutex_unlock(&lock);
}

/* More lines than the page has, the first without its beginning. */
size_t log_tail_copy(bool previous, char *buf, size_t cap)
{
    assert_false(previous);
    size_t len = 0;
    memset(buf, 'x', cap - 1);
    for (int line = 9; line >= 0; line--) {
        len += 10;
        memset(buf + cap - 1 - len, 'a' + line, 9);
        buf[cap - 1 - len + 9] = '\n';
    }
    buf[cap - 1 - len - 1] = '\n';
    buf[cap - 1] = '\0';
    return cap - 1;
}

void net_link_status(struct net_link_status *out)
{
    *out = (struct net_link_status){.kind = "Wi-Fi",
                                    .configured = true,
                                    .up = true,
                                    .address = "10.0.0.7",
                                    .name = "garage",
                                    .rssi_dbm = -61};
}

void net_link_setup(void)
{
    pthread_mutex_lock(&lock);
    f.setups++;
    pthread_mutex_unlock(&lock);
}

bool net_link_setup_step(char *code, size_t cap)
{
    assert_true(cap > NET_LINK_CODE_MAX);
    memcpy(code, "DPP:K:x;;", 10);
    return f.setups != 0;
}

void station_panel(struct station *s, struct panel_face *face, const struct panel_machine *m,
                   struct panel_view *out)
{
    (void)s;
    const uint64_t now = (uint64_t)esp_timer_get_time();
    if (!face->begun) {
        browse_init(&face->browse, now);
        face->begun = true;
    }
    memset(out, 0, sizeof *out);
    out->screen = f.screen_to_show;
    memcpy(out->name, "Garage 2", 9);
    out->phases = 3;
    out->installed_ma = out->offered_ma = 16000;
    out->update_permille = -1;
    if (m->log_lines && out->screen == PANEL_INFO_LOG)
        assert_true(m->log_lines == PANEL_LOG_LINES && m->log[0][0] == 'c' && m->log[7][0] == 'j');
    if (f.ask_setup)
        face->setup_asked = true;
    f.ask_setup = false;
    f.machine = *m;
    f.view = *out;
    f.views++;
}

/* ---- what the comms thread does ---- */

/* Goes round until `until` holds; no round may take long, whatever the display does. */
static bool rounds(bool (*until)(void))
{
    const int64_t end = esp_timer_get_time() + WAIT_MS * 1000;
    for (;;) {
        const int64_t before = esp_timer_get_time();
        if (before > end)
            return false;
        (void)display_step(NULL, (uint64_t)before);
        assert_true(esp_timer_get_time() - before < 500000);
        pthread_mutex_lock(&lock);
        bool done = until();
        pthread_mutex_unlock(&lock);
        if (done)
            return true;
        sleep_ms(10);
    }
}

static bool is_lit(void)
{
    return f.duty != 0;
}
static bool is_suspended(void)
{
    return f.suspended;
}
static bool has_seen_three_views(void)
{
    return f.views >= 3 && f.pixels == NULL;
}
static bool is_set_up(void)
{
    return f.setups != 0 && f.machine.setup;
}
static bool has_log(void)
{
    return f.machine.log_lines != 0;
}

static void keep(void *ctx, const struct scene_area *a, const uint16_t *pixels)
{
    uint16_t *screen = ctx;
    for (int32_t y = 0; y < a->h; y++)
        memcpy(screen + (a->y + y) * PANEL_WIDTH + a->x, pixels + y * a->w, (size_t)a->w * sizeof *pixels);
}

static void assert_shows(const struct panel_view *v)
{
    static uint16_t screen[PIXELS], strip[PANEL_STRIP_PIXELS];
    static struct panel p;
    const struct panel_target target = {.ctx = screen, .strip = {strip}, .swap_bytes = true, .flush = keep};
    panel_init(&p);
    (void)panel_show(&p, v);
    panel_render(&p, &target);
    assert_memory_equal(screen, f.screen, sizeof screen);
}

/* ---- tests ---- */

static void a_view_is_drawn_and_then_lit(void **state)
{
    (void)state;
    f.screen_to_show = PANEL_READY;
    assert_int_equal(display_start(), ESP_OK);
    assert_true(rounds(is_lit));
    assert_true(f.on && f.drew_before_on);
    assert_int_equal(f.duty, 1024);
    assert_shows(&f.view);
    assert_true(rounds(has_seen_three_views));
    assert_int_equal(f.sent, PANEL_STRIPS); /* nothing has changed: nothing is sent */
    assert_string_equal(f.machine.link, "Wi-Fi garage");
    assert_string_equal(f.machine.address, "10.0.0.7");
    assert_int_equal(f.machine.signal_dbm, -61);
    assert_false(f.machine.setup);
    assert_int_equal(display_stack_left(), 1000);
    assert_int_equal(f.logged, 0);
}

static void the_button_asks_for_set_up_once(void **state)
{
    (void)state;
    f.screen_to_show = PANEL_READY;
    f.ask_setup = true;
    assert_int_equal(display_start(), ESP_OK);
    assert_true(rounds(is_set_up));
    assert_string_equal(f.machine.setup_qr, "DPP:K:x;;");
    assert_int_equal(f.setups, 1);
}

static void the_log_page_has_whole_lines(void **state)
{
    (void)state;
    f.screen_to_show = PANEL_INFO_LOG;
    assert_int_equal(display_start(), ESP_OK);
    assert_true(rounds(has_log)); /* station_panel looks at them */
}

static void one_strip_is_enough(void **state)
{
    (void)state;
    f.screen_to_show = PANEL_READY;
    f.internal_free = 65536 + 30000;
    assert_int_equal(display_start(), ESP_OK);
    assert_int_equal(f.allocations, 2); /* the box in PSRAM and one strip */
    assert_true(rounds(is_lit));
    assert_shows(&f.view);
}

static void too_little_memory_is_left_alone(void **state)
{
    (void)state;
    f.internal_free = 65536 + 20000;
    assert_int_equal(display_start(), ESP_ERR_NO_MEM);
    assert_int_equal(f.allocations, 0);
    assert_true(display_step(NULL, 0) == UINT64_MAX);
    assert_int_equal(display_stack_left(), 0);
}

static void a_bus_that_stops_is_given_up(void **state)
{
    (void)state;
    f.screen_to_show = PANEL_READY;
    assert_int_equal(display_start(), ESP_OK);
    assert_true(rounds(is_lit));
    pthread_mutex_lock(&lock);
    f.bus_stops = true;
    f.screen_to_show = PANEL_FAULT;
    pthread_mutex_unlock(&lock);
    assert_true(rounds(is_suspended));
    assert_int_equal(f.duty, 0); /* dark: no old picture */
    assert_int_equal(f.logged, 1);
    assert_non_null(strstr(f.line, "ESP_ERR_TIMEOUT"));
    const unsigned views = f.views;
    assert_true(display_step(NULL, UINT64_MAX - 1) == UINT64_MAX);
    assert_int_equal(f.views, views);
}

static void a_bus_that_is_not_there_is_given_up(void **state)
{
    (void)state;
    f.bus_fails = true;
    assert_int_equal(display_start(), ESP_OK);
    assert_true(rounds(is_suspended));
    assert_int_equal(f.logged, 1);
    assert_non_null(strstr(f.line, "does not start"));
    assert_int_equal(f.views, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_drawn_and_then_lit),
        cmocka_unit_test(the_button_asks_for_set_up_once),
        cmocka_unit_test(the_log_page_has_whole_lines),
        cmocka_unit_test(one_strip_is_enough),
        cmocka_unit_test(too_little_memory_is_left_alone),
        cmocka_unit_test(a_bus_that_stops_is_given_up),
        cmocka_unit_test(a_bus_that_is_not_there_is_given_up),
    };
    if (argc != 2)
        return 2;
    cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
