/*
 * cases: the views that the panel's tests and pictures are made of: every screen, and values at their edges.
 */
#ifndef TESTS_PANEL_CASES_H
#define TESTS_PANEL_CASES_H

#include "panel/panel.h"

struct panel_case {
    const char *name; /* of the picture, without the language */
    void (*make)(struct panel_view *v);
};

extern const struct panel_case panel_cases[];
extern const size_t panel_case_count;

/* A view in which everything has an ordinary value, then the case's own. */
void panel_case_view(const struct panel_case *c, enum panel_language l, struct panel_view *v);
const struct panel_case *panel_case_find(const char *name);

#endif
