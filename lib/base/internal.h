/* SPDX-License-Identifier: MIT */
/* Private to lib/: sized structs, memory, names of enums. Names here start with
 * infra__ because a static archive exports every non-static symbol to the host.
 *
 * Every constructor begins with the same four steps, so that no module has code
 * of its own for them:
 *
 *   struct infra_x_options o = { .size = sizeof o };
 *   int err = ret != NULL ? infra__options_take(&o, options, complete)
 *                         : INFRA_EINVAL;
 *   struct infra_x *x = infra__object_create(&err, sizeof *x, o.allocator);
 *   if (x == NULL) {
 *       return err;
 *   }
 *
 * and the destructor ends with infra__object_free(x, sizeof *x). */
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

/* The name of @index in a table of names by enumerator; "unknown" past its end
 * and in its gaps. */
static inline const char *infra__name(const char *const *names, size_t count,
                                      uint32_t index)
{
    return index < count && names[index] != NULL ? names[index] : "unknown";
}
#define INFRA__NAME(names, index) \
    infra__name(names, INFRA__COUNT_OF(names), index)

/* Copy a caller's sized struct over zeroed @dst. NULL leaves it zero. A shorter
 * caller struct leaves the tail zero; a longer one must be zero past @dst_size.
 * INFRA_EINVAL, INFRA_ESTRUCT. */
int infra__options_import(void *dst, size_t dst_size, const void *src,
                          size_t v1_size);

/* Import @src over @options, a sized struct that is zero except for its size.
 * Then @complete fills in the defaults and checks the ranges; its result is the
 * result. NULL: nothing to check. */
int infra__options_take(void *options, const void *src,
                        int (*complete)(void *options));

/* The way back: fill the caller's sized struct from ours, leaving its size, and
 * zero what it has and we do not. INFRA_EINVAL. */
int infra__status_export(void *dst, const void *src, size_t src_size,
                         size_t v1_size);

/* Zeroed memory for @count objects of @size bytes, NULL if there is none or the
 * product overflows. Freed with the same numbers. */
void *infra__alloc(const struct infra_allocator *a, size_t count, size_t size);
void infra__free(const struct infra_allocator *a, void *ptr, size_t count,
                 size_t size);
struct infra_allocator infra__allocator_or_libc(
    const struct infra_allocator *a);

/* Zeroed memory for an object of @bytes. Its first member is a struct
 * infra_allocator, set here to a copy of @a (NULL: libc). If *@err is an error
 * already nothing is allocated, so that a constructor tests once. NULL: return
 * *@err, which is INFRA_ENOMEM if it was INFRA_OK. */
void *infra__object_create(int *err, size_t bytes,
                           const struct infra_allocator *a);
void infra__object_free(void *object, size_t bytes);

/* The same for @bytes on a cache-line boundary. */
void *infra__alloc_lines(const struct infra_allocator *a, size_t bytes);
void infra__free_lines(const struct infra_allocator *a, void *ptr,
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
