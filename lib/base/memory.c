/* SPDX-License-Identifier: MIT */
/* Memory through the host's allocator: zeroed, counted, sized on free. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static void *libc_realloc(void *user, void *ptr, size_t old_size,
                          size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

struct infra_allocator infra__allocator_or_libc(const struct infra_allocator *a)
{
    return a != NULL ? *a
                     : (struct infra_allocator) { .realloc = libc_realloc };
}

void *infra__alloc(const struct infra_allocator *a, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes == 0) {
        return NULL;
    }
    void *ptr = a->realloc(a->user, NULL, 0, bytes);
    if (ptr != NULL) {
        memset(ptr, 0, bytes);
    }
    return ptr;
}

void infra__free(const struct infra_allocator *a, void *ptr, size_t count,
                 size_t size)
{
    if (ptr != NULL) {
        (void)a->realloc(a->user, ptr, count * size, 0);
    }
}

void *infra__object_create(int *err, size_t bytes,
                           const struct infra_allocator *a)
{
    struct infra_allocator allocator = infra__allocator_or_libc(a);

    if (*err != INFRA_OK) {
        return NULL;
    }
    struct infra_allocator *object = infra__alloc(&allocator, 1, bytes);
    if (object == NULL) {
        *err = INFRA_ENOMEM;
        return NULL;
    }
    *object = allocator;
    return object;
}

void infra__object_free(void *object, size_t bytes)
{
    struct infra_allocator allocator = *(struct infra_allocator *)object;

    infra__free(&allocator, object, 1, bytes);
}

/* The byte before the line tells how far into the memory the line starts. */
void *infra__alloc_lines(const struct infra_allocator *a, size_t bytes)
{
    if (bytes > SIZE_MAX - INFRA__CACHE_LINE) {
        return NULL;
    }
    unsigned char *raw = infra__alloc(a, 1, bytes + INFRA__CACHE_LINE);
    if (raw == NULL) {
        return NULL;
    }
    size_t skip = INFRA__CACHE_LINE - (uintptr_t)raw % INFRA__CACHE_LINE;
    raw[skip - 1] = (unsigned char)skip;
    return raw + skip;
}

void infra__free_lines(const struct infra_allocator *a, void *ptr, size_t bytes)
{
    unsigned char *line = ptr;

    if (line != NULL) {
        infra__free(a, line - line[-1], 1, bytes + INFRA__CACHE_LINE);
    }
}
