#include "station/wallclock.h"

void wallclock_set(struct wallclock *w, int64_t unix_ms, uint64_t now_us)
{
    w->known = true;
    w->offset_ms = unix_ms - (int64_t)(now_us / 1000);
}

bool wallclock_at(const struct wallclock *w, uint64_t at_us, int64_t *unix_ms)
{
    if (!w->known)
        return false;
    *unix_ms = w->offset_ms + (int64_t)(at_us / 1000);
    return true;
}
