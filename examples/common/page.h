/* SPDX-License-Identifier: MIT */
/* A text that grows, for a reply: JSON and HTML with what others said in it.
 * Without memory it stays empty and says so in the end. */
#ifndef EXAMPLES_PAGE_H
#define EXAMPLES_PAGE_H

#include <stdbool.h>
#include <stddef.h>

struct page {
    char *text; /* NULL: empty. */
    size_t size;
    size_t room;
    bool is_broken; /* There was no memory. */
};

/* Append a text, or @size bytes. */
void page_add(struct page *page, const char *text);
void page_bytes(struct page *page, const void *bytes, size_t size);

/* Append by a format; at most 511 bytes. */
void page_print(struct page *page, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Append a string of JSON, in quotes.  What is not ASCII is escaped byte by
 * byte, as if it were Latin-1, and so is "<", that HTML may hold it. */
void page_json(struct page *page, const char *text);

void page_free(struct page *page);

#endif
