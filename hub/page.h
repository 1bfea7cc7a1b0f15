/* page: the live page's files, put into the program at build time by embed.cmake. */
#ifndef HUB_PAGE_H
#define HUB_PAGE_H

#include <stddef.h>

struct page_file {
    const char *path; /* "/hub.css"; NULL ends the table */
    const char *type;
    const unsigned char *data;
    size_t len;
};
extern const struct page_file page_files[];

#endif
