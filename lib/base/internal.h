/* SPDX-License-Identifier: MIT */
/* Private to lib/: memory and sized structs. Names here start with infra__
 * because a static archive exports every non-static symbol to the host. */
#ifndef INFRA_BASE_INTERNAL_H
#define INFRA_BASE_INTERNAL_H

#include <infra/base.h>

#define INFRA__CACHE_LINE 64u

/* A later field placed in tail padding would read an old caller's garbage. */
#define INFRA__NO_TAIL_PADDING(type, last)                               \
    _Static_assert(sizeof(type) ==                                       \
                       offsetof(type, last) + sizeof(((type *)0)->last), \
                   #type " has tail padding")

#define INFRA__COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Copy a caller's sized struct over zeroed @dst. NULL leaves it zero. A shorter
 * caller struct leaves the tail zero; a longer one must be zero past @dst_size.
 * INFRA_EINVAL, INFRA_ESTRUCT. */
int infra__options_import(void *dst, size_t dst_size, const void *src,
                          size_t v1_size);

/* The way back: fill the caller's sized struct from ours, leaving its size, and
 * zero what it has and we do not. INFRA_EINVAL. */
int infra__stats_export(void *dst, const void *src, size_t src_size,
                        size_t v1_size);

/* Zeroed memory for @count objects of @size bytes, NULL if there is none or the
 * product overflows. Freed with the same numbers. */
void *infra__alloc(const struct infra_allocator *a, size_t count, size_t size);
void infra__free(const struct infra_allocator *a, void *ptr, size_t count,
                 size_t size);
struct infra_allocator infra__allocator_or_libc(
    const struct infra_allocator *a);

/* The same on cache-line boundaries. @ret_raw is what to hand to the free. */
void *infra__alloc_lines(const struct infra_allocator *a, size_t bytes,
                         void **ret_raw);
void infra__free_lines(const struct infra_allocator *a, void *raw,
                       size_t bytes);

#define INFRA__OUTCOME_LAST INFRA_OUTCOME_STALE

/* Did it do its work? */
static inline int infra__outcome_worked(uint32_t outcome)
{
    return outcome == INFRA_OUTCOME_OK || outcome == INFRA_OUTCOME_DEGRADED;
}

/* a + b, or INFRA_TIME_NEVER if that is past the end of time. */
static inline infra_time infra__time_add(infra_time a, infra_time b)
{
    return a > INFRA_TIME_NEVER - b ? INFRA_TIME_NEVER : a + b;
}

#endif
