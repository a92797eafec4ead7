/* SPDX-License-Identifier: MIT */
/* Heap sort (Williams 1964): in place, at most 2 n log n comparisons, and
 * without allocation, which qsort() does not promise. Not stable: @compare must
 * order equals, unless they are identical. */
#ifndef INFRA_BASE_SORT_H
#define INFRA_BASE_SORT_H

#include <stddef.h>

#define INFRA__SORT_SIZE_MAX 64u

/* As qsort(); @size is at most INFRA__SORT_SIZE_MAX. */
void infra__sort(void *items, size_t count, size_t size,
                 int (*compare)(const void *, const void *));

#endif
