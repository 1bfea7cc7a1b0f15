#include "panel/browse.h"

void browse_init(struct browse *b, uint64_t now_us)
{
    *b = (struct browse){.attended_us = now_us, .seen = PANEL_SCREENS};
}

static bool is_dim(const struct browse *b, uint64_t now_us)
{
    return now_us - b->attended_us >= BROWSE_AWAKE_US;
}

static bool page_is_over(const struct browse *b, uint64_t now_us)
{
    return now_us - b->pressed_us >= BROWSE_PAGE_US;
}

enum browse_action browse_button(struct browse *b, uint32_t pressed_ms, uint64_t now_us)
{
    bool was_dim = is_dim(b, now_us);
    b->attended_us = now_us;
    if (pressed_ms >= BROWSE_LONG_MS) {
        b->page = 0;
        return pressed_ms >= BROWSE_SETUP_MS ? BROWSE_SETUP : BROWSE_STOP_CHARGING;
    }
    if (page_is_over(b, now_us))
        b->page = 0;
    if (!was_dim) {
        b->page = (uint8_t)((b->page + 1) % (PANEL_INFO_PAGES + 1));
        b->pressed_us = now_us;
    }
    return BROWSE_NOTHING;
}

void browse_apply(struct browse *b, struct panel_view *v, uint64_t now_us)
{
    if (v->screen != b->seen) {
        b->attended_us = now_us;
        b->seen = v->screen;
    }
    if (b->page && page_is_over(b, now_us))
        b->page = 0;
    if (b->page && v->screen != PANEL_FAULT && v->screen != PANEL_UPDATE && v->screen != PANEL_SETUP)
        v->screen = (enum panel_screen)(PANEL_INFO_FIRST + b->page - 1);
}

int browse_backlight(const struct browse *b, uint64_t now_us)
{
    return is_dim(b, now_us) ? BROWSE_DIM_PERCENT : BROWSE_BRIGHT_PERCENT;
}
