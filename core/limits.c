/*
 * limits: the slots of the charging current and their minimum.
 */
#include "core/limits.h"

static int32_t sane(int32_t ma)
{
    return ma < 0 ? 0 : ma > LIMIT_NONE_MA ? LIMIT_NONE_MA : ma;
}

void limits_init(struct limits *l)
{
    for (int i = 0; i < LIMIT_SLOTS; i++)
        l->slot[i] = (struct limit){.ma = LIMIT_NONE_MA, .fallback_ma = LIMIT_NONE_MA};
}

void limits_set(struct limits *l, enum limit_slot s, int32_t ma, uint64_t expires_us, int32_t fallback_ma)
{
    if ((unsigned)s >= LIMIT_SLOTS)
        return;
    l->slot[s] = (struct limit){.ma = sane(ma), .expires_us = expires_us, .fallback_ma = sane(fallback_ma)};
}

int32_t limits_offered_ma(const struct limits *l, uint64_t now_us, enum limit_slot *winner)
{
    int32_t least = LIMIT_NONE_MA;
    enum limit_slot least_slot = LIMIT_INSTALLATION;
    for (int i = 0; i < LIMIT_SLOTS; i++) {
        const struct limit *s = &l->slot[i];
        int32_t ma = s->expires_us && now_us >= s->expires_us ? s->fallback_ma : s->ma;
        if (ma < least) {
            least = ma;
            least_slot = (enum limit_slot)i;
        }
    }
    if (winner)
        *winner = least_slot;
    return least;
}

const char *limit_slot_name(enum limit_slot s)
{
    static const char *const name[LIMIT_SLOTS] = {
        [LIMIT_INSTALLATION] = "installation",
        [LIMIT_CABLE] = "cable",
        [LIMIT_SERVER] = "server",
        [LIMIT_TEMPERATURE] = "temperature",
        [LIMIT_SUPPLY] = "supply",
        [LIMIT_PHASE_LOSS] = "phaseLoss",
        [LIMIT_USER] = "user",
    };
    return (unsigned)s < LIMIT_SLOTS ? name[s] : "unknown";
}
