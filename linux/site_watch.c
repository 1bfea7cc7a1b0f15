#include "linux/site_watch.h"

#include <pthread.h>
#include <stdlib.h>

struct site_watch {
    pthread_mutex_t lock;
    int stations;
    double limit_a;
    double sum_a[3]; /* of the round under way; control thread only */
    bool above[3];   /* the phase is in a violation */
    bool *charged;
    struct site_figures figures;
};

struct site_watch *site_watch_create(int stations, double limit_a)
{
    struct site_watch *w = calloc(1, sizeof *w);
    bool *charged = calloc((size_t)stations, sizeof *charged);
    if (!w || !charged) {
        free(w);
        free(charged);
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    w->stations = stations;
    w->charged = charged;
    w->limit_a = w->figures.limit_a = limit_a;
    return w;
}

void site_watch_destroy(struct site_watch *w)
{
    if (!w)
        return;
    pthread_mutex_destroy(&w->lock);
    free(w->charged);
    free(w);
}

void site_watch_station(struct site_watch *w, int station, const struct world_state *state)
{
    for (int p = 0; p < 3; p++)
        w->sum_a[p] += state->amp[p];
    if (state->energy_wh >= SITE_CHARGED_WH)
        w->charged[station] = true;
}

void site_watch_round(struct site_watch *w)
{
    pthread_mutex_lock(&w->lock);
    struct site_figures *f = &w->figures;
    for (int p = 0; p < 3; p++) {
        f->phase_a[p] = w->sum_a[p];
        if (w->sum_a[p] > f->max_phase_a)
            f->max_phase_a = w->sum_a[p];
        bool above = w->limit_a > 0 && w->sum_a[p] > w->limit_a + SITE_TOLERANCE_A;
        if (above && !w->above[p])
            f->violations++;
        w->above[p] = above;
        w->sum_a[p] = 0;
    }
    f->charged = 0;
    for (int i = 0; i < w->stations; i++)
        f->charged += w->charged[i];
    pthread_mutex_unlock(&w->lock);
}

void site_watch_read(struct site_watch *w, struct site_figures *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->figures;
    pthread_mutex_unlock(&w->lock);
}
