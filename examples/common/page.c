/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINT_MAX 512u
#define ROOM_MIN 4096u

static bool has_room(struct page *p, size_t more)
{
    size_t room = p->room > 0 ? p->room : ROOM_MIN;

    while (room < p->size + more) {
        room *= 2;
    }
    if (room != p->room && !p->is_broken) {
        char *text = realloc(p->text, room);
        p->is_broken = text == NULL;
        p->text = text != NULL ? text : p->text;
        p->room = text != NULL ? room : p->room;
    }
    return !p->is_broken;
}

void page_bytes(struct page *page, const void *bytes, size_t size)
{
    if (size > 0 && has_room(page, size)) {
        memcpy(page->text + page->size, bytes, size);
        page->size += size;
    }
}

void page_add(struct page *page, const char *text)
{
    page_bytes(page, text, strlen(text));
}

void page_print(struct page *page, const char *format, ...)
{
    char text[PRINT_MAX];
    va_list args;

    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (size > 0) {
        page_bytes(page, text,
                   (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    }
}

void page_json(struct page *page, const char *text)
{
    page_add(page, "\"");
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<') {
            page_print(page, "\\u%04x", c);
        } else {
            page_bytes(page, p, 1);
        }
    }
    page_add(page, "\"");
}

void page_free(struct page *page)
{
    free(page->text);
    *page = (struct page) { .text = NULL };
}
