/* SPDX-License-Identifier: MIT */
#include "sort.h"

#include <assert.h>
#include <string.h>

/* Let the item at @at sink until neither of its children is greater. */
static void sink(char *items, size_t at, size_t count, size_t size,
                 int (*compare)(const void *, const void *))
{
    char item[INFRA__SORT_SIZE_MAX];

    memcpy(item, items + at * size, size);
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count &&
            compare(items + child * size, items + (child + 1) * size) < 0) {
            child++;
        }
        if (compare(item, items + child * size) >= 0) {
            break;
        }
        memcpy(items + at * size, items + child * size, size);
        at = child;
    }
    memcpy(items + at * size, item, size);
}

void infra__sort(void *items, size_t count, size_t size,
                 int (*compare)(const void *, const void *))
{
    char *first = items;
    char item[INFRA__SORT_SIZE_MAX];

    assert(size <= INFRA__SORT_SIZE_MAX);
    for (size_t at = count / 2; at-- > 0;) {
        sink(first, at, count, size, compare);
    }
    for (size_t last = count; last-- > 1;) {
        memcpy(item, first + last * size, size);
        memcpy(first + last * size, first, size);
        memcpy(first, item, size);
        sink(first, 0, last, size, compare);
    }
}
