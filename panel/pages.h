/*
 * pages: the layout of the information pages, through which the button leads.
 */
#ifndef PANEL_PAGES_H
#define PANEL_PAGES_H

#include "panel/panel.h"

void panel_page(struct scene *s, const struct panel_view *v);

#endif
